// Sequential and what its loops need of Python: callbacks, Ctrl-C, warnings. The argument checks that Keras's words need are in models.py.
#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include "nacre/base/os_signal.h"
#include "nacre/base/warning.h"
#include "nacre/bindings/py_options.h"
#include "nacre/model/model_file.h"
#include "nacre/model/sequential.h"

namespace nacre::python {

namespace {

using model::CompileOptions;
using model::Logs;
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

py::object shape_object(const Shape& s) {
  py::tuple out(s.rank());
  for (int i = 0; i < s.rank(); ++i) out[i] = s[i] == nn::kUnknown ? py::object(py::none()) : py::object(py::int_(s[i]));
  return out;
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

  py::class_<Sequential, std::shared_ptr<Sequential>> sequential(m, "Sequential", py::dynamic_attr(),
                                                                 "The model of the core; see nacre.models.Sequential.");
  refuse_pickling(sequential, "Use nacre.Sequential.");
  sequential.def(py::init<std::string>(), py::arg("name") = "sequential")
      .def_property("name", &Sequential::name, &Sequential::set_name)
      .def(
          "_add", [](Sequential& s, const std::shared_ptr<nn::Layer>& layer) { s.add(layer); }, py::arg("layer"))
      .def("_pop", &Sequential::pop)
      .def("_layers", &Sequential::layers)
      .def("_get_layer", &Sequential::layer)
      .def("_build", [](Sequential& s, const py::object& shape) { s.build(shape_of(shape, "build")); })
      .def_property_readonly("built", &Sequential::built, "True once the weights are there.")
      .def_property_readonly(
          "input_shape", [](const Sequential& s) { return shape_object(s.input_shape()); },
          "Shape of the input, None for the batch.")
      .def_property_readonly(
          "output_shape", [](const Sequential& s) { return shape_object(s.output_shape()); },
          "Shape of the result, None for the batch.")
      .def("_set_trainable", &Sequential::set_trainable)
      .def("count_params", &Sequential::count_params, "Number of weights, frozen ones too.")
      .def("_summary", &Sequential::summary, py::arg("ascii"))
      .def(
          "get_config", [](const Sequential& s) { return json_to_python(s.config()); },
          "The architecture as plain objects; from_config makes an equal model.")
      .def("_apply_config",
           [](Sequential& s, const py::object& config) { s.apply_config(json_from_python(config, "from_config", "config")); })
      .def("_weight_list",
           [](const Sequential& s) {
             py::list out;
             for (const nn::Variable& v : s.weights()) out.append(py::make_tuple(v.name, py::cast(v.value), v.trainable));
             return out;
           })
      .def("_get_weights",
           [](const Sequential& s) {
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
           [](Sequential& s, const py::list& values) {
             std::vector<Tensor> tensors;
             for (auto v : values) {
               tensors.push_back(
                   to_tensor(v.ptr(), {.share = true, .keep_float64 = true}, cat("set_weights: weights[", tensors.size(), "]")));
             }
             const py::gil_scoped_release unlocked;
             s.set_weights(tensors);
           })
      .def("_call",
           [](Sequential& s, const py::object& x, bool training) {
             const Tensor input = to_tensor(x.ptr(), {.share = true}, "model: x");
             const py::gil_scoped_release unlocked;
             return s.call(input, training);
           })
      .def("_compile",
           [](Sequential& s, const py::object& optimizer, const py::object& loss, const py::list& metrics) {
             CompileOptions o{.optimizer = name_or<optim::Optimizer>(optimizer, "optimizer"),
                              .loss = name_or<metrics::Loss>(loss, "loss")};
             for (auto metric : metrics)
               o.metrics.push_back(name_or<metrics::Metric>(py::reinterpret_borrow<py::object>(metric), "a metric"));
             s.compile(o);
           })
      .def_property_readonly("compiled", &Sequential::compiled, "True after compile.")
      .def_property_readonly("metrics_names", &Sequential::metrics_names, "Names of what evaluate returns, the loss first.")
      .def(
          "get_compile_config", [](const Sequential& s) { return json_to_python(s.compile_config()); },
          "What compile was given, as plain objects.")
      .def_property_readonly("_optimizer", &Sequential::optimizer)
      .def_property_readonly("_loss", &Sequential::loss)
      .def_property("stop_training", &Sequential::stop_training, &Sequential::set_stop_training,
                    "Set it to True in a callback to end fit.")
      .def_property_readonly("seed", &Sequential::seed, "Seed of the model's own random numbers (dropout, shuffling).")
      .def("_fit",
           [](Sequential& s, const py::object& x, const py::object& y, const py::kwargs& k) {
             const py::object list = k["hooks"];
             model::FitOptions o{.batch_size = k["batch_size"].cast<Dim>(),
                                 .epochs = k["epochs"].cast<Dim>(),
                                 .initial_epoch = k["initial_epoch"].cast<Dim>(),
                                 .validation_split = k["validation_split"].cast<double>(),
                                 .shuffle = k["shuffle"].cast<bool>(),
                                 .class_weight = k["class_weight"].cast<model::ClassWeight>(),
                                 .sample_weight = array(k["sample_weight"], "fit: sample_weight"),
                                 .validation_x = array(k["validation_x"], "fit: validation_data[0]"),
                                 .validation_y = array(k["validation_y"], "fit: validation_data[1]"),
                                 .validation_sample_weight = array(k["validation_sample_weight"], "fit: validation_data[2]"),
                                 .steps_per_epoch = k["steps_per_epoch"].cast<std::optional<Dim>>(),
                                 .validation_steps = k["validation_steps"].cast<std::optional<Dim>>(),
                                 .validation_batch_size = k["validation_batch_size"].cast<std::optional<Dim>>(),
                                 .validation_freq = Ints(k["validation_freq"].cast<std::vector<Dim>>())};
             const Tensor inputs = array(x, "fit: x"), targets = array(y, "fit: y");
             auto cb = callbacks(list);
             o.callback = cb ? &*cb : nullptr;
             run_loop([&] {
               s.fit(inputs, targets, o);
               return 0;
             });
           })
      .def("_evaluate",
           [](Sequential& s, const py::object& x, const py::object& y, Dim batch_size, const py::object& weight,
              std::optional<Dim> steps, const py::object& list) {
             const Tensor inputs = array(x, "evaluate: x"), targets = array(y, "evaluate: y");
             auto cb = callbacks(list);
             const model::EvaluateOptions o{.batch_size = batch_size,
                                            .sample_weight = array(weight, "evaluate: sample_weight"),
                                            .steps = steps,
                                            .callback = cb ? &*cb : nullptr};
             return to_dict(run_loop([&] { return s.evaluate(inputs, targets, o); }));
           })
      .def("_predict",
           [](Sequential& s, const py::object& x, Dim batch_size, std::optional<Dim> steps, const py::object& list) {
             const Tensor inputs = array(x, "predict: x");
             auto cb = callbacks(list);
             const model::PredictOptions o{.batch_size = batch_size, .steps = steps, .callback = cb ? &*cb : nullptr};
             return py::reinterpret_steal<py::object>(to_numpy(run_loop([&] { return s.predict(inputs, o); })));
           })
      .def("_train_on_batch",
           [](Sequential& s, const py::object& x, const py::object& y, const py::object& weight,
              const model::ClassWeight& class_weight) {
             const Tensor inputs = array(x, "train_on_batch: x"), targets = array(y, "train_on_batch: y"),
                          weights = array(weight, "train_on_batch: sample_weight");
             return to_dict(run_loop([&] { return s.train_on_batch(inputs, targets, weights, class_weight); }));
           })
      .def("_test_on_batch",
           [](Sequential& s, const py::object& x, const py::object& y, const py::object& weight) {
             const Tensor inputs = array(x, "test_on_batch: x"), targets = array(y, "test_on_batch: y"),
                          weights = array(weight, "test_on_batch: sample_weight");
             return to_dict(run_loop([&] { return s.test_on_batch(inputs, targets, weights); }));
           })
      .def("_predict_on_batch",
           [](Sequential& s, const py::object& x) {
             const Tensor inputs = array(x, "predict_on_batch: x");
             return py::reinterpret_steal<py::object>(to_numpy(run_loop([&] { return s.predict_on_batch(inputs); })));
           })
      .def("_save",
           [](const Sequential& s, const std::string& path) {
             run_loop([&] {
               s.save(path);
               return 0;
             });
           })
      .def("_save_weights",
           [](const Sequential& s, const std::string& path) {
             run_loop([&] {
               s.save_weights(path);
               return 0;
             });
           })
      .def("_load_weights",
           [](Sequential& s, const std::string& path) {
             const py::gil_scoped_release unlocked;
             s.load_weights(path);
           })
      .def("_load", [](Sequential& s, const std::string& path,
                       const std::function<std::shared_ptr<optim::Optimizer>(const std::string&, const py::object&)>& make) {
        s.load(path, [&](std::string_view name, const Json& config) { return make(std::string(name), json_to_python(config)); });
      });
}

}  // namespace nacre::python
