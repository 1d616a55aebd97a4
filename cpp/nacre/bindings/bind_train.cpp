// Optimizers, losses and metrics. The classes of the Python package are made from the registries (python/nacre/optimizers.py and so on).
#include <pybind11/stl.h>

#include "nacre/bindings/py_options.h"
#include "nacre/metrics/metric.h"
#include "nacre/optim/optimizer.h"

namespace nacre::python {

namespace {

using metrics::Loss;
using metrics::Metric;
using optim::Optimizer;
using optim::Parameter;

std::span<const OptionInfo> options_of(const Optimizer& o) {
  for (const auto& d : optim::optimizer_registry()) {
    if (d.name == o.class_name()) return d.options;
  }
  return {};
}
std::span<const OptionInfo> options_of(const Loss& l) {
  for (const auto& d : metrics::loss_registry()) {
    if (d.class_name == l.class_name()) return d.options;
  }
  return {};
}
std::span<const OptionInfo> options_of(const Metric& m) {
  for (const auto& d : metrics::metric_registry()) {
    if (d.class_name == m.class_name()) return d.options;
  }
  return {};
}

template <class Defs>
std::span<const OptionInfo> options_named(const Defs& defs, std::string_view class_name) {
  for (const auto& d : defs) {
    if constexpr (requires { d.class_name; }) {
      if (d.class_name == class_name) return d.options;
    } else {
      if (d.name == class_name) return d.options;
    }
  }
  raise<ValueError>("class: unknown class '", class_name, "'.");
}

std::vector<Parameter> parameters(const py::object& variables, std::string_view what) {
  if (!py::isinstance<py::sequence>(variables) || is_tensor(variables.ptr()))
    raise<TypeError>(what, ": variables must be a list of tensors.");
  std::vector<Parameter> out;
  for (auto v : py::reinterpret_borrow<py::sequence>(variables)) {
    std::string name = cat("variable_", out.size());
    py::handle value = v;
    py::object tensor;
    if (!is_tensor(v.ptr()) && py::hasattr(v, "value")) {  // a layer's Variable
      name = py::cast<std::string>(v.attr("name"));
      tensor = v.attr("value");
      value = tensor;
    }
    if (!is_tensor(value.ptr()))
      raise<TypeError>(what, ": variables[", out.size(), "] must be a tensor, got ", Py_TYPE(v.ptr())->tp_name, ".");
    out.push_back({std::move(name), unwrap(value.ptr())});
  }
  return out;
}

std::vector<Tensor> gradient_list(const py::object& grads, std::span<const Parameter> params, std::string_view what) {
  if (!py::isinstance<py::sequence>(grads) || is_tensor(grads.ptr())) raise<TypeError>(what, ": grads must be a list of tensors.");
  std::vector<Tensor> out;
  for (auto g : py::reinterpret_borrow<py::sequence>(grads)) {
    const std::size_t i = out.size();
    OptDType dtype;
    if (i < params.size()) dtype = params[i].value.dtype();
    out.push_back(g.is_none()          ? Tensor()
                  : is_tensor(g.ptr()) ? unwrap(g.ptr())
                                       : to_tensor(g.ptr(), {.dtype = dtype}, cat(what, ": grads[", i, "]")));
  }
  return out;
}

Tensor target(const py::object& o, std::string_view owner, std::string_view what) {
  return o.is_none() ? Tensor() : to_tensor(o.ptr(), {.share = true}, cat(owner, ": ", what));
}

// A name that is only the function's own is left out of the repr.
Json without_default_name(Json config, std::string_view usual) {
  const Json* name = config.find("name");
  if (name && name->is_string() && name->get<std::string>() == usual) config.erase("name");
  return config;
}

template <class Defs>
py::list describe(const Defs& defs) {
  py::list out;
  for (const auto& d : defs) {
    py::dict e;
    if constexpr (requires { d.class_name; })
      e["class_name"] = std::string(d.class_name);
    else
      e["class_name"] = std::string(d.name);
    e["doc"] = options_doc(py::cast<std::string>(e["class_name"]), d.options, d.doc);
    out.append(e);
  }
  return out;
}

}  // namespace

void bind_train(py::module_& m) {
  py::class_<Optimizer, std::shared_ptr<Optimizer>> optimizer(m, "Optimizer", "Base of the optimizers.");
  refuse_pickling(optimizer, "Use the classes of nacre.optimizers.");
  optimizer
      .def(py::init([](const std::string& class_name, const py::args& args, const py::kwargs& kwargs) {
        return optim::make_optimizer(
            class_name, bind_options(class_name, options_named(optim::optimizer_registry(), class_name), args, kwargs));
      }))
      .def_property_readonly(
          "class_name", [](const Optimizer& o) { return std::string(o.class_name()); }, "Name of the class.")
      .def_property("learning_rate", &Optimizer::learning_rate, &Optimizer::set_learning_rate, "Step size; readable and writable.")
      .def_property("iterations", &Optimizer::iterations, &Optimizer::set_iterations, "Number of steps made.")
      .def(
          "build", [](Optimizer& o, const py::object& variables) { o.build(parameters(variables, o.class_name())); },
          py::arg("variables"), "Makes the state for these variables; step() and zero_grad() then work on them.")
      .def(
          "apply",
          [](Optimizer& o, const py::object& grads, const py::object& variables) {
            const auto params = variables.is_none() ? o.parameters() : parameters(variables, o.class_name());
            if (variables.is_none() && !o.built())
              raise<StateError>(o.class_name(), ": apply(grads) needs variables. Pass them, or call build(variables) first.");
            const auto gs = gradient_list(grads, params, o.class_name());
            py::gil_scoped_release release;
            o.apply(gs, params);
          },
          py::arg("grads"), py::arg("variables") = py::none(), "One step with these gradients; None leaves a variable alone.")
      .def(
          "step",
          [](Optimizer& o) {
            py::gil_scoped_release release;
            o.step();
          },
          "One step from the variables' own .grad; needs build(variables).")
      .def("zero_grad", &Optimizer::zero_grad, "Forgets the variables' gradients.")
      .def("look_ahead", &Optimizer::look_ahead, "Moves to where nesterov='lookahead' takes its gradient; fit calls it itself.")
      .def_property_readonly("built", &Optimizer::built, "True once the state is there.")
      .def_property_readonly(
          "variables",
          [](const Optimizer& o) {
            py::dict d;
            for (const auto& s : o.state()) d[py::str(s.name)] = py::cast(s.value);
            return d;
          },
          "State tensors by name.")
      .def(
          "get_config", [](const Optimizer& o) { return json_to_python(o.config()); },
          "The options as a dict; from_config makes an equal object.")
      .def("__repr__", [](const Optimizer& o) {
        Json c = o.config();
        c.erase("name");
        return options_repr(o.class_name(), options_of(o), c);
      });

  py::class_<Loss, std::shared_ptr<Loss>> loss(m, "Loss", R"(Base of the losses.

Example:
    >>> loss = nc.losses.get("mse")
    >>> loss([0.0, 2.0], [1.0, 4.0], sample_weight=[1.0, 0.0]).item()
    0.5)");
  refuse_pickling(loss, "Use the classes of nacre.losses.");
  loss.def(py::init([](const std::string& class_name, const py::args& args, const py::kwargs& kwargs) {
        return std::make_shared<Loss>(class_name,
                                      bind_options(class_name, options_named(metrics::loss_registry(), class_name), args, kwargs));
      }))
      .def_property_readonly(
          "class_name", [](const Loss& l) { return std::string(l.class_name()); }, "Name of the class.")
      .def_property_readonly("name", &Loss::name, "Name in logs.")
      .def(
          "__call__",
          [](const Loss& l, const py::object& y_true, const py::object& y_pred, const py::object& sample_weight) {
            return l(target(y_true, l.name(), "y_true"), target(y_pred, l.name(), "y_pred"),
                     target(sample_weight, l.name(), "sample_weight"));
          },
          py::arg("y_true"), py::arg("y_pred"), py::arg("sample_weight") = py::none(), "The reduced loss; recorded.")
      .def(
          "get_config", [](const Loss& l) { return json_to_python(l.config()); },
          "The options as a dict; from_config makes an equal object.")
      .def("__repr__", [](const Loss& l) {
        return options_repr(l.class_name(), options_of(l), without_default_name(l.config(), l.op().name));
      });

  py::class_<Metric, std::shared_ptr<Metric>> metric(m, "Metric", "Base of the metrics.");
  refuse_pickling(metric, "Use the classes of nacre.metrics.");
  metric
      .def(py::init([](const std::string& class_name, const py::args& args, const py::kwargs& kwargs) {
        return metrics::make_metric(class_name,
                                    bind_options(class_name, options_named(metrics::metric_registry(), class_name), args, kwargs));
      }))
      .def_property_readonly(
          "class_name", [](const Metric& x) { return std::string(x.class_name()); }, "Name of the class.")
      .def_property_readonly("name", &Metric::name, "Name in logs.")
      .def("_update",
           [](Metric& x, const py::object& y_true, const py::object& y_pred, const py::object& sample_weight) {
             x.update(target(y_true, x.name(), "y_true"), target(y_pred, x.name(), "y_pred"),
                      target(sample_weight, x.name(), "sample_weight"));
           })
      .def("result", &Metric::result, "The mean so far, a float; 0.0 before the first update.")
      .def("reset_state", &Metric::reset, "Starts anew.")
      .def(
          "get_config", [](const Metric& x) { return json_to_python(x.config()); },
          "The options as a dict; from_config makes an equal object.")
      .def("__repr__", [](const Metric& x) {
        std::string_view usual;
        for (const auto& d : metrics::metric_registry()) {
          if (d.class_name == x.class_name()) usual = d.name;
        }
        return options_repr(x.class_name(), options_of(x), without_default_name(x.config(), usual));
      });

  m.def("optimizer_classes", [] { return describe(optim::optimizer_registry()); });
  m.def("loss_classes", [] { return describe(metrics::loss_registry()); });
  m.def("metric_classes", [] { return describe(metrics::metric_registry()); });
  m.def(
      "make_optimizer",
      [](const std::string& name, const py::dict& config) {
        return optim::make_optimizer(name, json_from_python(config, name, "config"));
      },
      py::arg("name"), py::arg("config") = py::dict());
  m.def(
      "make_loss",
      [](const std::string& name, const py::dict& config) {
        return metrics::make_loss(name, json_from_python(config, name, "config"));
      },
      py::arg("name"), py::arg("config") = py::dict());
  m.def(
      "make_metric",
      [](const std::string& name, const py::dict& config) {
        return metrics::make_metric(name, json_from_python(config, name, "config"));
      },
      py::arg("name"), py::arg("config") = py::dict());
}

}  // namespace nacre::python
