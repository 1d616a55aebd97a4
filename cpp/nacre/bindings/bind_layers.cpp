// Layers and initialisers. One Python class per line of nn/layers.inc; arguments, docs and repr come from the options of the class.
#include <algorithm>

#include "nacre/base/warning.h"
#include "nacre/bindings/py_graph.h"
#include "nacre/nn/activation.h"
#include "nacre/nn/layers.h"

namespace nacre::python {

// (None, 784) or [None, 28, 28]; None is an unknown size.
Shape shape_from_python(const py::object& o, std::string_view what) {
  if (!py::isinstance<py::sequence>(o) || py::isinstance<py::str>(o)) {
    raise<TypeError>(what, " must be a list of integers and None, got ", Py_TYPE(o.ptr())->tp_name, ".");
  }
  Shape s;
  for (auto d : py::reinterpret_borrow<py::sequence>(o)) {
    if (d.is_none()) {
      s.push_back(nn::kUnknown);
      continue;
    }
    const Json j = json_from_python(d, what, "size");
    if (!j.is_integer() || j.get<Dim>() < 0)
      raise<ValueError>(what, " must be a list of integers >= 0 and None, got ", std::string(py::repr(o)), ".");
    s.push_back(j.get<Dim>());
  }
  return s;
}

py::tuple shape_to_python(const Shape& s) {
  py::tuple out(s.rank());
  for (int i = 0; i < s.rank(); ++i) out[i] = s[i] == nn::kUnknown ? py::object(py::none()) : py::object(py::int_(s[i]));
  return out;
}

namespace {

using nn::Initializer;
using nn::Layer;
using nn::LayerDef;

// True, False, or None: as the call around this one.
std::optional<bool> flag(const py::object& o, const Layer& l, std::string_view name) {
  if (o.is_none()) return {};
  if (!PyBool_Check(o.ptr()))
    raise<TypeError>(l.label(), ": ", name, " must be True or False, got ", Py_TYPE(o.ptr())->tp_name, ".");
  return o.ptr() == Py_True;
}

// The shapes of a layer's inputs: one, or a list of them.
std::vector<Shape> shapes_from_python(const py::object& o, const std::string& what) {
  const bool list = (py::isinstance<py::list>(o) || py::isinstance<py::tuple>(o)) && py::len(o) > 0;
  bool nested = list;
  if (list) {
    for (py::handle s : o) nested = nested && (py::isinstance<py::list>(s) || py::isinstance<py::tuple>(s));
  }
  if (!nested) return {shape_from_python(o, what)};
  std::vector<Shape> out;
  for (py::handle s : o) out.push_back(shape_from_python(py::reinterpret_borrow<py::object>(s), what));
  return out;
}

Tensor input(const Layer& l, const py::object& o, std::string_view name) {
  if (o.is_none()) return {};
  return to_tensor(o.ptr(), {.share = true, .keep_float64 = l.dtype() == DType::float64}, cat(l.label(), ": ", name));
}

// A function of another module may be anything under the same name; only names and our own functions can be saved and loaded.
void check_function(std::string_view owner, const std::string& option, py::handle value) {
  if (!PyCallable_Check(value.ptr()) || py::hasattr(value, "get_config") || PyType_Check(value.ptr())) return;
  const py::object module = py::getattr(value, "__module__", py::none());
  const std::string name = module.is_none() ? "nacre" : py::cast<std::string>(py::str(module));
  if (name == "nacre" || name.starts_with("nacre.")) return;
  const std::string_view what =
      option.ends_with("initializer") ? "an initializer of nacre.initializers" : "a function of nacre.activations";
  raise<TypeError>(owner, ": ", option, " must be a name or ", what, ", got ", std::string(py::repr(value)), ".");
}

std::shared_ptr<Layer> make_from_call(const LayerDef& def, const py::args& args, const py::kwargs& kwargs) {
  for (std::size_t i = 0; i < args.size() && i < def.options.size(); ++i) check_function(def.name, def.options[i].name, args[i]);
  for (auto [key, value] : kwargs) check_function(def.name, py::cast<std::string>(key), value);
  if (kwargs.contains("dtype") && !kwargs["dtype"].is_none()) {
    py::kwargs named(py::reinterpret_steal<py::dict>(PyDict_Copy(kwargs.ptr())));
    named["dtype"] = std::string(name_of(dtype_from_python(py::object(kwargs["dtype"]).ptr(), def.name)));
    return def.make(bind_options(def.name, def.options, args, named));
  }
  return def.make(bind_options(def.name, def.options, args, kwargs));
}

py::list values_of(const Layer& l, bool trainable, bool others) {
  py::list out;
  for (const nn::Variable& v : l.weights()) {
    const bool learns = v.trainable && l.trainable();
    if (learns ? trainable : others) out.append(py::cast(v.value));
  }
  return out;
}

// layer.kernel, layer.units: weights and options by name.
py::object attribute(const Layer& l, const std::string& name) {
  if (!name.starts_with("_")) {
    for (const nn::Variable& v : l.weights()) {
      if (v.name == name) return py::cast(v.value);
    }
    const Json config = l.config();
    if (const Json* value = config.find(name)) return json_to_python(*value);
  }
  throw py::attribute_error(cat("'", l.class_name(), "' has no attribute '", name, "'").c_str());
}

void set_weights(Layer& l, const py::object& values) {
  if (!py::isinstance<py::sequence>(values)) raise<TypeError>("set_weights: the weights must be a list of arrays.");
  std::vector<Tensor> list;
  for (auto v : py::reinterpret_borrow<py::sequence>(values)) {
    list.push_back(to_tensor(v.ptr(), {.share = true, .keep_float64 = true}, cat("set_weights: ", l.label())));
  }
  l.set_weights(list);
}

py::list get_weights(const Layer& l) {
  py::list out;
  for (const nn::Variable& v : l.weights()) out.append(py::reinterpret_steal<py::object>(to_numpy(v.value.clone())));
  return out;
}

py::class_<Layer, std::shared_ptr<Layer>> bind_base(py::module_& m) {
  py::class_<nn::Variable> variable(m, "Variable", "A named weight: name, value (a tensor), trainable.");
  refuse_pickling(variable, "Take its value.");
  variable.def_readonly("name", &nn::Variable::name)
      .def_readonly("value", &nn::Variable::value)
      .def_readonly("trainable", &nn::Variable::trainable)
      .def("__repr__", [](const nn::Variable& v) {
        return cat("Variable(name='", v.name, "', shape=", v.value.shape(), ", dtype='", v.value.dtype(),
                   "', trainable=", v.trainable, ")");
      });

  py::class_<Layer, std::shared_ptr<Layer>> layer(m, "Layer", R"(Base of the layers: weights and a function of tensors.

Example:
    >>> layer = nc.layers.Dense(3)
    >>> layer.build((None, 4))
    >>> [w.shape for w in layer.weights], layer.compute_output_shape((None, 4))
    ([(4, 3), (3,)], (None, 3)))");
  layer
      .def(
          "__call__",
          [](const py::object& self, const py::object& x, const py::object& training) -> py::object {
            const auto l = self.cast<std::shared_ptr<Layer>>();
            const std::vector<py::object> symbols = symbols_in(x, l->label());
            if (!symbols.empty()) return one_or_list(connect(self, l, symbols, {}));
            const nn::CallContext context = CallScope::next(flag(training, *l, "training"));
            if (!l->takes_list()) {
              const Tensor t = input(*l, x, "x");
              Tensor y;
              {
                const py::gil_scoped_release release;
                y = (*l)(t, context);
              }
              return py::cast(std::move(y));
            }
            if (!py::isinstance<py::list>(x) && !py::isinstance<py::tuple>(x))
              raise<TypeError>(l->label(), ": takes a list of inputs, got ", Py_TYPE(x.ptr())->tp_name, ".");
            std::vector<Tensor> in, out;
            for (py::handle o : x) in.push_back(input(*l, py::reinterpret_borrow<py::object>(o), cat("x[", in.size(), "]")));
            {
              const py::gil_scoped_release release;
              out = (*l)(std::span<const Tensor>(in), context);
            }
            std::vector<py::object> results;
            for (Tensor& t : out) results.push_back(py::cast(std::move(t)));
            return one_or_list(std::move(results));
          },
          py::arg("x"), py::arg("training") = py::none(),
          "The layer's function; builds the layer first when needed. Recorded for gradients. A symbolic tensor gives a symbolic "
          "tensor. "
          "Layers such as Add take a list. training=None: as the layer around it that calls it, else False.")
      .def(
          "build",
          [](Layer& l, const py::object& input_shape) {
            l.build(shapes_from_python(input_shape, cat(l.label(), ": input_shape")));
          },
          py::arg("input_shape"), "Makes the weights for inputs of this shape, which begins with the batch: (None, 784).")
      .def(
          "compute_output_shape",
          [](const Layer& l, const py::object& input_shape) {
            const std::vector<Shape> out = l.output_shapes(shapes_from_python(input_shape, cat(l.label(), ": input_shape")));
            std::vector<py::object> shapes;
            for (const Shape& s : out) shapes.push_back(shape_to_python(s));
            return one_or_list(std::move(shapes));
          },
          py::arg("input_shape"), "Shape of the result; None: not known before the call.")
      .def(
          "get_config", [](const Layer& l) { return json_to_python(l.config()); },
          "The options as a dict; from_config makes an equal layer.")
      .def("get_weights", &get_weights, "Copies of all weights as NumPy arrays.")
      .def("set_weights", &set_weights, py::arg("weights"), "Copies arrays into the weights, in the order of `weights`.")
      .def("count_params", &Layer::count_params, "Number of values in all weights.")
      .def_property_readonly(
          "class_name", [](const Layer& l) { return std::string(l.class_name()); }, "Name of the class.")
      .def_property_readonly("name", &Layer::name, "Name of the layer, unique in a model.")
      .def_property_readonly(
          "dtype", [](const Layer& l) { return std::string(name_of(l.dtype())); }, "Name of the dtype of weights and results.")
      .def_property_readonly("built", &Layer::built, "True once the weights are there.")
      .def_property_readonly(
          "input_shape",
          [](const Layer& l) {
            if (!l.built())
              raise<StateError>(l.label(), ": is not built yet, so it has no input_shape. Call build() or the layer first.");
            std::vector<py::object> shapes;
            for (const Shape& s : l.input_shapes()) shapes.push_back(shape_to_python(s));
            return one_or_list(std::move(shapes));
          },
          "Shape the layer was built for, None for what was not known; StateError before.")
      .def_property("trainable", &Layer::trainable, &Layer::set_trainable,
                    "False freezes the weights; BatchNormalization then runs as in inference.")
      .def_property_readonly(
          "weights", [](const Layer& l) { return values_of(l, true, true); }, "All weights: tensors, in Keras's order.")
      .def_property_readonly(
          "trainable_weights", [](const Layer& l) { return values_of(l, true, false); }, "The weights that training changes.")
      .def_property_readonly(
          "non_trainable_weights", [](const Layer& l) { return values_of(l, false, true); },
          "The weights that training leaves alone: frozen ones and running statistics.")
      .def_property_readonly(
          "variables",
          [](const Layer& l) {
            py::list out;
            for (const nn::Variable& v : l.weights()) {
              out.append(py::cast(nn::Variable{cat(l.name(), "/", v.name), v.value, v.trainable && l.trainable()}));
            }
            return out;
          },
          "The weights with their full names.")
      .def("__getattr__", &attribute)
      .def("__repr__",
           [](const Layer& l) {
             const LayerDef* def = nn::find_layer(l.class_name());
             if (!def) return cat("<", l.class_name(), " name=", l.name(), ">");
             Json config = l.config();  // what the user need not write is left out
             if (!l.name_given()) config.erase("name");
             if (l.dtype() == floatx()) config.erase("dtype");
             return options_repr(l.class_name(), def->options, config);
           })
      .def("__reduce__", [](const Layer& l) -> py::tuple {
        py::tuple shapes;
        if (l.built()) {
          py::list all;
          for (const Shape& s : l.input_shapes()) all.append(shape_to_python(s));
          shapes = py::make_tuple(py::len(all) == 1 ? py::object(all[0]) : py::object(all));
        }
        if (l.built() && l.class_name() == "MultiHeadAttention") {
          const auto features = [&](const char* name) {
            return py::make_tuple(py::none(), py::none(), l.find_weight(name).shape()[0]);
          };
          shapes = py::make_tuple(features("query/kernel"), features("value/kernel"), features("key/kernel"));
        }
        return py::make_tuple(py::module_::import("nacre.layers").attr("_restore"),
                              py::make_tuple(std::string(l.class_name()), json_to_python(l.config()), shapes, get_weights(l)));
      });
  const py::cpp_function from_config([](const py::object& cls, const py::dict& config) { return cls(**config); },
                                     py::name("from_config"), py::doc("An equal, unbuilt layer from get_config()."));
  layer.attr("from_config") = py::reinterpret_steal<py::object>(PyClassMethod_New(from_config.ptr()));
  layer.attr("__module__") = "nacre.layers";
  return layer;
}

// "Dense(units, activation=None, ...)" and the text; the line "--" of text signatures is for functions only.
std::string class_doc(const LayerDef& def) {
  const std::size_t example = std::min(def.doc.find("\n\nExample:\n"), def.doc.size());
  std::string doc = options_doc(def.name, def.options, def.doc.substr(0, example));
  const std::size_t rule = doc.find("\n--\n");
  if (rule != std::string::npos) doc.erase(rule, 3);
  if (example < def.doc.size()) doc += def.doc.substr(example + 1);  // behind the arguments
  return doc;
}

using nn::MultiHeadAttention;

void bind_attention(py::class_<MultiHeadAttention, Layer, std::shared_ptr<MultiHeadAttention>>& c) {
  c.def(
       "build",
       [](MultiHeadAttention& l, const py::object& query, const py::object& value, const py::object& key) {
         const Shape q = shape_from_python(query, cat(l.label(), ": query_shape"));
         const Shape v = value.is_none() ? q : shape_from_python(value, cat(l.label(), ": value_shape"));
         l.build(q, v, key.is_none() ? v : shape_from_python(key, cat(l.label(), ": key_shape")));
       },
       py::arg("query_shape"), py::arg("value_shape") = py::none(), py::arg("key_shape") = py::none(),
       "Makes the weights for these shapes.")
      .def(
          "__call__",
          [](const py::object& self, const py::object& query, const py::object& value, const py::object& key,
             const py::object& mask, const py::object& training, const py::object& causal) -> py::object {
            const auto l = self.cast<std::shared_ptr<MultiHeadAttention>>();
            const bool use_causal_mask = flag(causal, *l, "use_causal_mask").value_or(false);
            const std::pair<const char*, const py::object&> given[] = {
                {"query", query}, {"value", value}, {"key", key}, {"attention_mask", mask}};
            py::list all;
            Json names = Json::array();
            for (const auto& [name, o] : given) {
              if (o.is_none()) continue;
              all.append(o);
              names.push_back(name);
            }
            const std::vector<py::object> symbols = symbols_in(all, l->label());
            if (!symbols.empty()) {
              return connect(self, l, symbols,
                             Json::object({{"inputs", std::move(names)}, {"use_causal_mask", Json(use_causal_mask)}}))[0];
            }
            MultiHeadAttention::Inputs in{.query = input(*l, query, "query"),
                                          .value = input(*l, value, "value"),
                                          .key = input(*l, key, "key"),
                                          .attention_mask = input(*l, mask, "attention_mask"),
                                          .use_causal_mask = use_causal_mask};
            if (!in.value) in.value = in.query;
            const nn::CallContext context = CallScope::next(flag(training, *l, "training"));
            Tensor y;
            {
              const py::gil_scoped_release release;
              y = (*l)(in, context);
            }
            return py::cast(std::move(y));
          },
          py::arg("query"), py::arg("value") = py::none(), py::arg("key") = py::none(), py::arg("attention_mask") = py::none(),
          py::arg("training") = py::none(), py::arg("use_causal_mask") = false,
          "Attends from query to value; query alone attends to itself.");
}

template <class L>
void bind_recurrent(py::class_<L, Layer, std::shared_ptr<L>>& c) {
  c.def(
      "__call__",
      [](const py::object& self, const py::object& x, const py::object& initial_state, const py::object& mask,
         const py::object& training) -> py::object {
        const auto l = self.cast<std::shared_ptr<L>>();
        if (PyBool_Check(initial_state.ptr()))
          raise<TypeError>(l->label(), ": initial_state must be a list of tensors, got bool. Give training by its name.");
        py::list states, all;
        if (py::isinstance<py::list>(initial_state) || py::isinstance<py::tuple>(initial_state))
          states = py::list(initial_state);
        else if (!initial_state.is_none())
          states.append(initial_state);
        Json names = Json::array();
        const auto add = [&](py::handle o, const char* name) {
          all.append(o);
          names.push_back(name);
        };
        add(x, "sequences");
        for (py::handle s : states) add(s, "initial_state");
        if (!mask.is_none()) add(mask, "mask");
        const std::vector<py::object> symbols = symbols_in(all, l->label());
        if (!symbols.empty()) return one_or_list(connect(self, l, symbols, Json::object({{"inputs", std::move(names)}})));
        const nn::CallContext context = CallScope::next(flag(training, *l, "training"));
        nn::Recurrent::Inputs in{.x = input(*l, x, "sequences"), .mask = input(*l, mask, "mask")};
        for (py::handle s : states) {
          in.initial_state.push_back(
              input(*l, py::reinterpret_borrow<py::object>(s), cat("initial_state[", in.initial_state.size(), "]")));
        }
        std::vector<Tensor> out;
        {
          const py::gil_scoped_release release;
          out = (*l)(in, context);
        }
        std::vector<py::object> results;
        for (Tensor& t : out) results.push_back(py::cast(std::move(t)));
        return one_or_list(std::move(results));
      },
      py::arg("sequences"), py::arg("initial_state") = py::none(), py::arg("mask") = py::none(), py::arg("training") = py::none(),
      "Walks over the sequences. initial_state: list of the states before the first step, None for zeros; mask: bool [N, T], False "
      "for steps to pass over. Gives the output, with return_state a list of it and the last states.");
}

template <class L>
void bind_class(py::module_& m) {
  const LayerDef* def = nn::find_layer(L::kName);
  py::class_<L, Layer, std::shared_ptr<L>> c(m, L::kName.data(), class_doc(*def).c_str());
  c.def(py::init([def](const py::args& args, const py::kwargs& kwargs) {
    return std::static_pointer_cast<L>(make_from_call(*def, args, kwargs));
  }));
  c.attr("__module__") = "nacre.layers";
  if constexpr (std::is_same_v<L, MultiHeadAttention>) bind_attention(c);
  if constexpr (std::is_base_of_v<nn::Recurrent, L>) bind_recurrent(c);
}

py::dict describe(const OptionInfo& info) {
  py::dict d;
  d["name"] = info.name;
  d["kind"] = info.kind;
  d["doc"] = info.doc;
  d["required"] = info.required;
  d["default"] = json_to_python(info.fallback);
  return d;
}

void bind_initializers(py::module_& m) {
  const auto named = [](std::string_view name) -> const nn::InitializerDef& {
    for (const auto& d : nn::initializer_registry()) {
      if (d.name == name) return d;
    }
    raise<ValueError>("initializers: unknown class '", name, "'.");
  };
  py::class_<Initializer, std::shared_ptr<Initializer>> initializer(m, "Initializer", "Base of the initializers.");
  refuse_pickling(initializer, "Use the classes of nacre.initializers.");
  initializer
      .def(py::init([named](const std::string& class_name, const py::args& args, const py::kwargs& kwargs) {
        const auto& def = named(class_name);
        return def.make(bind_options(def.name, def.options, args, kwargs));
      }))
      .def(
          "__call__",
          [](const Initializer& i, const py::object& shape, const py::object& dtype) {
            const DType t = dtype.is_none() ? floatx() : dtype_from_python(dtype.ptr(), i.class_name());
            const Shape s = shape_from_python(py::isinstance<py::int_>(shape) ? py::object(py::make_tuple(shape)) : shape,
                                              cat(i.class_name(), ": shape"));
            for (Dim d : s) {
              if (d < 0) raise<ValueError>(i.class_name(), ": shape must hold integers >= 0, got ", s, ".");
            }
            return i(s, t);
          },
          py::arg("shape"), py::arg("dtype") = py::none(), "A new tensor of this shape; dtype None is floatx().")
      .def_property_readonly(
          "class_name", [](const Initializer& i) { return std::string(i.class_name()); }, "Name of the class.")
      .def(
          "get_config", [](const Initializer& i) { return json_to_python(i.config()); },
          "The options as a dict; from_config makes an equal object.")
      .def("__repr__",
           [named](const Initializer& i) { return options_repr(i.class_name(), named(i.class_name()).options, i.config()); });
  m.def("initializer_classes", [] {
    py::list out;
    for (const auto& d : nn::initializer_registry()) {
      py::dict e;
      e["class_name"] = std::string(d.name);
      e["doc"] = options_doc(d.name, d.options, d.doc);
      out.append(e);
    }
    return out;
  });
  m.def(
      "make_initializer",
      [](const py::object& spec) {
        return nn::make_initializer("initializer", json_from_python(spec, "initializers", "identifier"));
      },
      py::arg("identifier"));
}

// Warnings of the core are Python warnings; turned into errors by a filter, they end the call.
void python_warning(std::string_view message) {
  py::gil_scoped_acquire hold;
  if (PyErr_WarnEx(PyExc_UserWarning, std::string(message).c_str(), 1) < 0) throw py::error_already_set();
}

}  // namespace

void bind_layers(py::module_& m) {
  set_warning_hook(&python_warning);
  bind_symbols(m);
  auto layer = bind_base(m);
  bind_python_layers(m, layer);
#define NACRE_LAYER(Class) bind_class<nn::Class>(m);
#include "nacre/nn/layers.inc"
#undef NACRE_LAYER
  bind_initializers(m);
  m.def("layer_classes", [] {
    py::list names;
    for (const LayerDef& def : nn::layer_registry()) names.append(std::string(def.name));
    return names;
  });
  m.def(
      "layer_options",
      [](const std::string& class_name) {
        const LayerDef* def = nn::find_layer(class_name);
        if (!def) raise<ValueError>("layers: unknown class '", class_name, "'.");
        py::list out;
        for (const OptionInfo& info : def->options) out.append(describe(info));
        return out;
      },
      py::arg("class_name"));
  m.def(
      "make_layer",
      [](const std::string& class_name, const py::dict& config) {
        return model::make_layer(class_name, json_from_python(config, class_name, "config"));
      },
      py::arg("class_name"), py::arg("config"));
  m.def("activation_names", [] {
    py::list names;
    for (const auto& a : nn::activation_registry()) names.append(std::string(a.name));
    return names;
  });
}

}  // namespace nacre::python
