// Models and what their loops need of Python: callbacks, Ctrl-C, warnings. The argument checks that Keras's words need are in models.py.
#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include "nacre/base/os_signal.h"
#include "nacre/base/warning.h"
#include "nacre/bindings/py_graph.h"
#include "nacre/model/functional.h"
#include "nacre/model/model_file.h"
#include "nacre/model/sequential.h"

namespace nacre::python {

namespace {

using model::Arrays;
using model::CompileOptions;
using model::Functional;
using model::Logs;
using model::Model;
using model::Sequential;

py::dict to_dict(const Logs& logs) {
  py::dict d;
  for (const auto& [name, value] : logs.values) d[py::str(name)] = value;
  return d;
}

// The Python CallbackList behind the C++ hooks. Takes the interpreter lock for each call that some callback wants, for no other.
class PyCallbacks final : public model::Callback {
 public:
  explicit PyCallbacks(py::object list) : list_(std::move(list)) {
    const py::dict hooks = list_.attr("batch_hooks");
    if (hooks["train"].cast<bool>()) wants_ |= model::kTrainBatches;
    if (hooks["test"].cast<bool>()) wants_ |= model::kTestBatches;
    if (hooks["predict"].cast<bool>()) wants_ |= model::kPredictBatches;
    if (list_.attr("progress").cast<bool>()) wants_ |= model::kProgress;
  }
  unsigned wants() const override { return wants_; }
  void on_train_begin() override { tell("on_train_begin"); }
  void on_train_end(const Logs& logs) override { tell("on_train_end", logs); }
  void on_epoch_begin(std::int64_t epoch) override { tell("on_epoch_begin", epoch); }
  void on_epoch_end(std::int64_t epoch, const Logs& logs) override { tell("on_epoch_end", epoch, logs); }
  void on_train_batch_begin(std::int64_t batch) override { tell("on_train_batch_begin", batch); }
  void on_train_batch_end(std::int64_t batch, const Logs& logs) override { tell("on_train_batch_end", batch, logs); }
  void on_test_begin() override { tell("on_test_begin"); }
  void on_test_end(const Logs& logs) override { tell("on_test_end", logs); }
  void on_test_batch_begin(std::int64_t batch) override { tell("on_test_batch_begin", batch); }
  void on_test_batch_end(std::int64_t batch, const Logs& logs) override { tell("on_test_batch_end", batch, logs); }
  void on_predict_begin() override { tell("on_predict_begin"); }
  void on_predict_end() override { tell("on_predict_end"); }
  void on_predict_batch_begin(std::int64_t batch) override { tell("on_predict_batch_begin", batch); }
  void on_predict_batch_end(std::int64_t batch) override { tell("on_predict_batch_end", batch); }
  void on_progress(std::int64_t steps, const Logs& logs) override { tell("on_progress", steps, logs); }

 private:
  static py::object argument(std::int64_t number) { return py::int_(number); }
  static py::object argument(const Logs& logs) { return to_dict(logs); }
  template <class... A>
  void tell(const char* hook, const A&... a) {
    const py::gil_scoped_acquire locked;
    list_.attr(hook)(argument(a)...);
  }

  py::object list_;
  unsigned wants_ = 0;
};

// Runs a loop without the interpreter lock, with Ctrl-C going to the stop flag. A stop by Ctrl-C becomes what Python's own handler raises.
template <class F>
auto run_loop(F&& loop) {
  const InterruptGuard interruptible;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();  // a Ctrl-C just before the guard
  try {
    const py::gil_scoped_release unlocked;
    return loop();
  } catch (const Interrupted&) {
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    throw;
  } catch (const py::error_already_set& e) {
    // An op inside a layer written in Python was stopped by the Ctrl-C that Python's handler has yet to answer: once is enough.
    if (e.matches(PyExc_KeyboardInterrupt) && PyErr_CheckSignals() != 0) PyErr_Clear();
    throw;
  }
}

std::optional<PyCallbacks> callbacks(const py::object& list) {
  std::optional<PyCallbacks> out;
  if (!list.is_none()) out.emplace(list);
  return out;
}

// Arrays of a run: memory is viewed, float64 stays until rows are gathered.
Tensor array(const py::object& o, std::string_view what) {
  return o.is_none() ? Tensor() : to_tensor(o.ptr(), {.share = true, .keep_float64 = true}, what);
}

// One array for each input or output; None for one that has none.
Arrays arrays(const py::list& list, const std::string& what) {
  Arrays out;
  for (py::handle o : list) {
    const std::string name = py::len(list) > 1 ? cat(what, "[", out.list.size(), "]") : what;
    out.list.push_back(array(py::reinterpret_borrow<py::object>(o), name));
  }
  return out;
}

// An array that needs no reading of lists or dictionaries: its memory is viewed. False for everything else.
bool plain_array(py::handle o, Arrays& out, std::string_view what) {
  if (!PyObject_CheckBuffer(o.ptr()) || PyBytes_Check(o.ptr())) return false;
  out.list.push_back(to_tensor(o.ptr(), {.share = true, .keep_float64 = true}, what));
  return true;
}

py::list numpy_list(const std::vector<Tensor>& tensors) {
  py::list out;
  for (const Tensor& t : tensors) out.append(py::reinterpret_steal<py::object>(to_numpy(t)));
  return out;
}

model::LayerMaker layer_maker(const py::object& make) {
  if (make.is_none()) return model::make_layer;
  return [make](std::string_view class_name, const Json& config) {
    return make(std::string(class_name), json_to_python(config)).cast<std::shared_ptr<nn::Layer>>();
  };
}

Shape shape_of(const py::object& o, std::string_view what) {
  if (!py::isinstance<py::sequence>(o) || py::isinstance<py::str>(o))
    raise<TypeError>(what, ": the shape must be a tuple, got ", Py_TYPE(o.ptr())->tp_name, ".");
  Shape s;
  for (auto item : py::reinterpret_borrow<py::sequence>(o)) {
    if (item.is_none()) {
      s.push_back(nn::kUnknown);
      continue;
    }
    if (!PyIndex_Check(item.ptr()) || PyBool_Check(item.ptr()))
      raise<TypeError>(what, ": sizes must be integers or None, got ", std::string(py::repr(item)), ".");
    const Py_ssize_t d = PyNumber_AsSsize_t(item.ptr(), PyExc_OverflowError);
    if (d == -1 && PyErr_Occurred()) throw py::error_already_set();
    if (d < 1) raise<ValueError>(what, ": sizes must be positive or None, got ", static_cast<std::int64_t>(d), ".");
    s.push_back(d);
  }
  return s;
}

// One shape, or a list of them.
py::object shape_object(const std::vector<Shape>& shapes) {
  std::vector<py::object> out;
  for (const Shape& s : shapes) out.push_back(shape_to_python(s));
  return one_or_list(std::move(out));
}

void warn_in_python(std::string_view message) {
  const py::gil_scoped_acquire locked;
  if (PyErr_WarnEx(PyExc_UserWarning, std::string(message).c_str(), 2) != 0) throw py::error_already_set();
}

// A name or an object of compile.
template <class T>
model::NameOr<T> name_or(const py::object& o, std::string_view what) {
  if (py::isinstance<py::str>(o)) return o.cast<std::string>();
  if (py::isinstance<T>(o)) return o.cast<std::shared_ptr<T>>();
  raise<TypeError>("compile: ", what, " must be a name or an object of nacre, got ", Py_TYPE(o.ptr())->tp_name, ".");
}

}  // namespace

void bind_model(py::module_& m) {
  set_warning_hook(&warn_in_python);
  m.def("model_array", &array, py::arg("x"), py::arg("what"), "x as a tensor that shares its memory where possible.");

  py::class_<Model, nn::Layer, std::shared_ptr<Model>> base(m, "Model", py::dynamic_attr(),
                                                            "What all models of the core share; see nacre.Model.");
  refuse_pickling(base, "Use nacre.Sequential or nacre.Model.");
  count_attributes_once(base);
  base.def_property("name", &nn::Layer::name, &Model::set_name)
      .def("_layers", &Model::layers)
      .def("_get_layer", &Model::layer)
      .def("_build",
           [](Model& s, const py::object& shape) {
             const Shape one = shape_of(shape, "build");
             const py::gil_scoped_release unlocked;
             s.build(one);
           })
      .def_property_readonly("input_names", &Model::input_names, "Names of the inputs, which dictionaries of arrays use.")
      .def_property_readonly("output_names", &Model::output_names,
                             "Names of the outputs, which dictionaries of targets and logs use.")
      .def_property_readonly("built", &Model::built, "True once the weights are there.")
      .def_property_readonly(
          "input_shape", [](const Model& s) { return shape_object(s.given_shapes()); }, "Shape of the input, None for the batch.")
      .def_property_readonly(
          "output_shape", [](const Model& s) { return shape_object(s.result_shapes()); },
          "Shape of the result, None for the batch.")
      .def("_set_trainable", &Model::set_trainable)
      .def("count_params", &Model::count_params, "Number of weights, frozen ones too.")
      .def("_summary", &Model::summary, py::arg("ascii"))
      .def(
          "get_config", [](const Model& s) { return json_to_python(s.config()); },
          "The architecture as plain objects; from_config makes an equal model.")
      .def("_apply_config",
           [](Model& s, const py::object& config, const py::object& make) {
             s.apply_config(json_from_python(config, "from_config", "config"), layer_maker(make));
           })
      .def("_weight_list",
           [](const Model& s) {
             py::list out;
             for (const nn::Variable& v : s.weights()) out.append(py::make_tuple(v.name, py::cast(v.value), v.trainable));
             return out;
           })
      .def("_get_weights",
           [](const Model& s) {
             std::vector<Tensor> values;
             {
               const py::gil_scoped_release unlocked;
               values = s.get_weights();
             }
             py::list out;
             for (const Tensor& t : values) out.append(py::reinterpret_steal<py::object>(to_numpy(t)));
             return out;
           })
      .def("_set_weights",
           [](Model& s, const py::list& values) {
             std::vector<Tensor> tensors;
             for (auto v : values) {
               tensors.push_back(
                   to_tensor(v.ptr(), {.share = true, .keep_float64 = true}, cat("set_weights: weights[", tensors.size(), "]")));
             }
             const py::gil_scoped_release unlocked;
             s.set_weights(tensors);
           })
      .def("_call",
           [](Model& s, const py::list& x, bool training) {
             Arrays inputs;
             for (py::handle o : x) inputs.list.push_back(to_tensor(o.ptr(), {.share = true}, "model: x"));
             std::vector<Tensor> out;
             {
               const py::gil_scoped_release unlocked;
               out = s.call(inputs, training);
             }
             py::list results;
             for (Tensor& t : out) results.append(py::cast(std::move(t)));
             return results;
           })
      .def("_inner",  // called by the function of another model or layer
           [](Model& s, const py::list& x, std::optional<bool> training) {
             std::vector<Tensor> inputs, out;
             for (py::handle o : x) inputs.push_back(to_tensor(o.ptr(), {.share = true}, "model: x"));
             const nn::CallContext context = CallScope::next(training);
             {
               const py::gil_scoped_release unlocked;
               out = s(std::span<const Tensor>(inputs), context);
             }
             py::list results;
             for (Tensor& t : out) results.append(py::cast(std::move(t)));
             return results;
           })
      .def("_compile",
           [](Model& s, const py::object& optimizer, const py::object& loss, const py::object& metrics, const py::object& weights) {
             CompileOptions o{.optimizer = name_or<optim::Optimizer>(optimizer, "optimizer")};
             if (py::isinstance<py::list>(loss)) {
               for (py::handle l : loss)
                 o.losses.push_back(l.is_none() ? model::NameOr<metrics::Loss>()
                                                : name_or<metrics::Loss>(py::reinterpret_borrow<py::object>(l), "loss"));
             } else {
               o.loss = name_or<metrics::Loss>(loss, "loss");
             }
             for (py::handle list : metrics) {
               auto& own = o.output_metrics.emplace_back();
               for (py::handle metric : list)
                 own.push_back(name_or<metrics::Metric>(py::reinterpret_borrow<py::object>(metric), "a metric"));
             }
             if (o.output_metrics.size() == 1 && o.losses.empty()) {  // the form of models with one output
               o.metrics = std::move(o.output_metrics[0]);
               o.output_metrics.clear();
             }
             if (!weights.is_none()) o.loss_weights = weights.cast<std::vector<double>>();
             s.compile(o);
           })
      .def_property("run_eagerly", &Model::run_eagerly, &Model::set_run_eagerly, "What compile was given.")
      .def_property_readonly("compiled", &Model::compiled, "True after compile.")
      .def_property_readonly("metrics_names", &Model::metrics_names, "Names of what evaluate returns, the loss first.")
      .def(
          "get_compile_config", [](const Model& s) { return json_to_python(s.compile_config()); },
          "What compile was given, as plain objects.")
      .def_property_readonly("_optimizer", &Model::optimizer)
      .def_property_readonly("_loss", &Model::loss)
      .def_property("stop_training", &Model::stop_training, &Model::set_stop_training, "Set it to True in a callback to end fit.")
      .def_property_readonly("seed", &Model::seed, "Seed of the model's own random numbers (dropout, shuffling).")
      .def("_ensure_built",  // with the shapes of these arrays
           [](Model& s, const py::list& x) {
             const Arrays inputs = arrays(x, "fit: x");
             if (s.built() || inputs.list.empty()) return;
             std::vector<Type> types;
             for (const Tensor& t : inputs.list) {
               if (!t.defined()) return;
               Shape shape = t.shape();
               if (shape.rank() > 0) shape[0] = nn::kUnknown;
               types.push_back({is_float(t.dtype()) ? s.dtype() : t.dtype(), shape});
             }
             const py::gil_scoped_release unlocked;
             s.connect(types, {});
           })
      .def("_fit",
           [](Model& s, const py::list& x, const py::list& y, const py::kwargs& k) {
             const py::object list = k["hooks"];
             model::FitOptions o{.batch_size = k["batch_size"].cast<Dim>(),
                                 .epochs = k["epochs"].cast<Dim>(),
                                 .initial_epoch = k["initial_epoch"].cast<Dim>(),
                                 .validation_split = k["validation_split"].cast<double>(),
                                 .shuffle = k["shuffle"].cast<bool>(),
                                 .class_weight = k["class_weight"].cast<model::ClassWeight>(),
                                 .sample_weight = arrays(k["sample_weight"], "fit: sample_weight"),
                                 .validation_x = arrays(k["validation_x"], "fit: validation_data[0]"),
                                 .validation_y = arrays(k["validation_y"], "fit: validation_data[1]"),
                                 .validation_sample_weight = arrays(k["validation_sample_weight"], "fit: validation_data[2]"),
                                 .steps_per_epoch = k["steps_per_epoch"].cast<std::optional<Dim>>(),
                                 .validation_steps = k["validation_steps"].cast<std::optional<Dim>>(),
                                 .validation_batch_size = k["validation_batch_size"].cast<std::optional<Dim>>(),
                                 .validation_freq = Ints(k["validation_freq"].cast<std::vector<Dim>>())};
             const Arrays inputs = arrays(x, "fit: x"), targets = arrays(y, "fit: y");
             auto cb = callbacks(list);
             o.callback = cb ? &*cb : nullptr;
             run_loop([&] {
               s.fit(inputs, targets, o);
               return 0;
             });
           })
      .def("_evaluate",
           [](Model& s, const py::list& x, const py::list& y, Dim batch_size, const py::list& weight, std::optional<Dim> steps,
              const py::object& list) {
             const Arrays inputs = arrays(x, "evaluate: x"), targets = arrays(y, "evaluate: y");
             auto cb = callbacks(list);
             const model::EvaluateOptions o{.batch_size = batch_size,
                                            .sample_weight = arrays(weight, "evaluate: sample_weight"),
                                            .steps = steps,
                                            .callback = cb ? &*cb : nullptr};
             return to_dict(run_loop([&] { return s.evaluate(inputs, targets, o); }));
           })
      .def("_predict",
           [](Model& s, const py::list& x, Dim batch_size, std::optional<Dim> steps, const py::object& list) {
             const Arrays inputs = arrays(x, "predict: x");
             auto cb = callbacks(list);
             const model::PredictOptions o{.batch_size = batch_size, .steps = steps, .callback = cb ? &*cb : nullptr};
             return numpy_list(run_loop([&] { return s.predict_all(inputs, o); }));
           })
      .def("_train_on_batch",
           [](Model& s, const py::list& x, const py::list& y, const py::list& weight, const model::ClassWeight& class_weight) {
             const Arrays inputs = arrays(x, "train_on_batch: x"), targets = arrays(y, "train_on_batch: y"),
                          weights = arrays(weight, "train_on_batch: sample_weight");
             return to_dict(run_loop([&] { return s.train_on_batch(inputs, targets, weights, class_weight); }));
           })
      // The same for plain arrays where the last call was for such ones; None: take the longer way.
      .def("_train_on_batch_again",
           [](Model& s, py::handle x, py::handle y) -> py::object {
             Arrays inputs, targets;
             if (!plain_array(x, inputs, "train_on_batch: x") || !plain_array(y, targets, "train_on_batch: y")) return py::none();
             std::optional<Logs> logs;
             {
               const py::gil_scoped_release unlocked;
               logs = s.train_on_batch_again(inputs, targets);
             }
             if (!logs) return py::none();
             if (logs->values.size() == 1) return py::float_(logs->values[0].second);
             py::list out;
             for (const auto& [name, value] : logs->values) out.append(py::float_(value));
             return out;
           })
      .def("_predict_on_batch_again",
           [](Model& s, py::handle x) -> std::optional<py::list> {
             Arrays inputs;
             if (!plain_array(x, inputs, "predict_on_batch: x")) return std::nullopt;
             std::optional<std::vector<Tensor>> results;
             {
               const py::gil_scoped_release unlocked;
               results = s.predict_on_batch_again(inputs);
             }
             return results ? std::optional(numpy_list(*results)) : std::nullopt;
           })
      .def("_test_on_batch",
           [](Model& s, const py::list& x, const py::list& y, const py::list& weight) {
             const Arrays inputs = arrays(x, "test_on_batch: x"), targets = arrays(y, "test_on_batch: y"),
                          weights = arrays(weight, "test_on_batch: sample_weight");
             return to_dict(run_loop([&] { return s.test_on_batch(inputs, targets, weights); }));
           })
      .def("_predict_on_batch",
           [](Model& s, const py::list& x, const std::string& method) {
             const Arrays inputs = arrays(x, method + ": x");
             return numpy_list(run_loop([&] { return s.predict_on_batch_all(inputs, method); }));
           })
      .def("_plan",
           [](Model& s, const std::string& mode, const py::list& x, const py::list& y, bool profile) {
             const Arrays inputs = arrays(x, "plan: x"), targets = arrays(y, "plan: y");
             const model::Mode m = mode == "train" ? model::Mode::train : mode == "test" ? model::Mode::test : model::Mode::predict;
             return run_loop([&] { return s.plan(m, inputs, targets, profile); });
           })
      .def("_save",
           [](const Model& s, const std::string& path) {
             run_loop([&] {
               s.save(path);
               return 0;
             });
           })
      .def("_save_weights",
           [](const Model& s, const std::string& path) {
             run_loop([&] {
               s.save_weights(path);
               return 0;
             });
           })
      .def("_load_weights",
           [](Model& s, const std::string& path) {
             const py::gil_scoped_release unlocked;
             s.load_weights(path);
           })
      .def("_load", [](Model& s, const std::string& path,
                       const std::function<std::shared_ptr<optim::Optimizer>(const std::string&, const py::object&)>& make,
                       const py::object& layers) {
        s.load(
            path, [&](std::string_view name, const Json& config) { return make(std::string(name), json_to_python(config)); },
            layer_maker(layers));
      });
  m.def(
      "architecture_in_file",
      [](const std::string& path) {
        const auto [class_name, config] = model::architecture_in_file(path);
        return py::make_tuple(class_name, json_to_python(config));
      },
      py::arg("path"), "Class and configuration of the model in a file.");

  py::class_<Sequential, Model, std::shared_ptr<Sequential>> sequential(
      m, "Sequential", py::dynamic_attr(), "The stack of layers of the core; see nacre.models.Sequential.");
  count_attributes_once(sequential);
  sequential.def(py::init<std::string, bool>(), py::arg("name") = "sequential", py::arg("name_given") = false)
      .def(
          "_add", [](Sequential& s, const std::shared_ptr<nn::Layer>& layer) { s.add(layer); }, py::arg("layer"))
      .def("_pop", &Sequential::pop)
      .def("_input_layer", [](const Sequential& s) { return s.input_layer(); });

  py::class_<Functional, Model, std::shared_ptr<Functional>> functional(
      m, "Functional", py::dynamic_attr(), "The graph of layers of the core; see nacre.models.Functional.");
  count_attributes_once(functional);
  functional
      .def(py::init([](std::string name, bool name_given) { return std::make_shared<Functional>(std::move(name), name_given); }),
           py::arg("name") = "functional", py::arg("name_given") = false)
      .def(py::init([](const py::list& inputs, const py::list& outputs, std::string name, bool name_given,
                       std::vector<std::string> input_keys, std::vector<std::string> output_keys) {
             std::vector<model::Symbol> in, out;
             for (py::handle o : inputs) in.push_back(symbol_of(o));
             for (py::handle o : outputs) out.push_back(symbol_of(o));
             return std::make_shared<Functional>(std::move(in), std::move(out), std::move(name), name_given, std::move(input_keys),
                                                 std::move(output_keys));
           }),
           py::arg("inputs"), py::arg("outputs"), py::arg("name"), py::arg("name_given"), py::arg("input_keys"),
           py::arg("output_keys"))
      .def("_inputs", &Functional::inputs)
      .def("_outputs", &Functional::outputs)
      .def_property_readonly("_input_keys", &Functional::input_keys)
      .def_property_readonly("_output_keys", &Functional::output_keys);
  bind_python_models(m, base);
}

}  // namespace nacre::python
