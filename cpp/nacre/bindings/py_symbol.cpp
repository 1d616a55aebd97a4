// SymbolicTensor: what nc.Input gives and layers return for it. Operators, indices and ops record themselves as layers.
#include "nacre/base/error_owner.h"
#include "nacre/bindings/py_graph.h"
#include "nacre/model/operation.h"

namespace nacre::python {

PyTypeObject* symbol_type = nullptr;

namespace {

using model::Symbol;

[[noreturn]] void refuse(const Symbol& s, std::string_view what) {
  raise<TypeError>(what, ": a symbolic tensor ('", s.node->layer->name(), "', shape ", s.shape(),
                   ") has no values yet; it stands for what a model will get. Use layers and nc.ops on it, and a layer of your own "
                   "for other code.");
}

py::object named_op(const char* name, const py::tuple& args) {
  return py::module_::import("nacre._core").attr("op_functions")[name](*args);
}

std::vector<IndexItem> items_of(const py::object& key) {
  std::vector<IndexItem> items;
  const py::tuple parts = py::isinstance<py::tuple>(key) ? py::tuple(key) : py::make_tuple(key);
  const auto bound = [](py::handle o) -> Dim {
    if (o.is_none()) return IndexItem::kNone;
    const Py_ssize_t v = PyIndex_Check(o.ptr()) ? PyNumber_AsSsize_t(o.ptr(), nullptr) : -1;
    if (!PyIndex_Check(o.ptr()))
      raise<TypeError>("index: the bounds of a slice must be integers or None, got ", Py_TYPE(o.ptr())->tp_name, ".");
    if (v == -1 && PyErr_Occurred()) throw py::error_already_set();
    return v;
  };
  for (py::handle o : parts) {
    if (o.is_none()) {
      items.push_back(IndexItem::new_axis());
    } else if (o.ptr() == Py_Ellipsis) {
      items.push_back(IndexItem::dots());
    } else if (PySlice_Check(o.ptr())) {
      items.push_back(IndexItem::range(bound(o.attr("start")), bound(o.attr("stop")), bound(o.attr("step"))));
    } else if (PyIndex_Check(o.ptr()) && !PyBool_Check(o.ptr()) && !is_tensor(o.ptr())) {
      items.push_back(IndexItem::at(bound(o)));
    } else {
      raise<TypeError>("index: a symbolic tensor takes integers, slices, ... and None, got ", Py_TYPE(o.ptr())->tp_name,
                       ". Use nc.ops.take for positions in a tensor.");
    }
  }
  return items;
}

}  // namespace

const Symbol& symbol_of(py::handle o) { return py::cast<const Symbol&>(o); }

std::vector<py::object> connect(const py::object& owner, const std::shared_ptr<nn::Layer>& layer,
                                std::span<const py::object> inputs, Json arguments) {
  std::vector<Symbol> in;
  py::list kept;
  if (!owner.is_none()) kept.append(owner);
  for (const py::object& o : inputs) {
    in.push_back(symbol_of(o));
    kept.append(o);
  }
  std::vector<py::object> out;
  for (Symbol& s : model::call(layer, in, std::move(arguments))) {
    py::object o = py::cast(std::move(s));
    o.attr("_kept") = kept;
    out.push_back(std::move(o));
  }
  return out;
}

std::vector<py::object> symbols_in(const py::object& x, std::string_view what) {
  if (is_symbolic(x.ptr())) return {x};
  std::vector<py::object> out;
  if (!py::isinstance<py::list>(x) && !py::isinstance<py::tuple>(x)) return out;
  std::size_t others = 0;
  for (py::handle o : x) {
    if (is_symbolic(o.ptr()))
      out.push_back(py::reinterpret_borrow<py::object>(o));
    else
      ++others;
  }
  if (!out.empty() && others > 0)
    raise<TypeError>(what, ": ", out.size(), " of the inputs are symbolic tensors and ", others, " are not. Give all of one kind.");
  return out;
}

py::object one_or_list(std::vector<py::object> values) {
  if (values.size() == 1) return std::move(values[0]);
  py::list out;
  for (py::object& v : values) out.append(std::move(v));
  return out;
}

void bind_symbols(py::module_& m) {
  py::class_<Symbol> c(m, "SymbolicTensor", py::dynamic_attr(),
                       R"(A tensor that a model will have: its shape and dtype without values.

nc.Input gives one; layers, operators and the functions of nc.ops return more. nc.Model(inputs, outputs) makes a model of them.

Example:
    >>> x = nc.Input((4,))
    >>> y = nc.layers.Dense(3)(x) * 2
    >>> y.shape, y.dtype
    ((None, 3), 'float32'))");
  c.attr("__module__") = "nacre";
  symbol_type = reinterpret_cast<PyTypeObject*>(c.ptr());
  refuse_pickling(c, "Save or copy the model made of it.");
  c.def_property_readonly(
       "shape", [](const Symbol& s) { return shape_to_python(s.shape()); },
       "Sizes of the axes, None for what is not known: the batch first.")
      .def_property_readonly(
          "dtype", [](const Symbol& s) { return std::string(name_of(s.dtype())); }, "Name of the element type.")
      .def_property_readonly(
          "ndim", [](const Symbol& s) { return s.shape().rank(); }, "Number of axes.")
      .def_property_readonly(
          "name", [](const Symbol& s) { return s.node->layer->name(); }, "Name of the layer that gives it.")
      .def("__repr__",
           [](const Symbol& s) {
             return cat("<SymbolicTensor shape=", std::string(py::repr(shape_to_python(s.shape()))), ", dtype=", s.dtype(),
                        ", name='", s.node->layer->name(), "'>");
           })
      .def("__bool__", [](const Symbol& s) -> bool { refuse(s, "bool"); })
      .def("__float__", [](const Symbol& s) -> double { refuse(s, "float"); })
      .def("__int__", [](const Symbol& s) -> int { refuse(s, "int"); })
      .def("__iter__", [](const Symbol& s) -> py::object { refuse(s, "iter"); })
      .def("__array__", [](const Symbol& s, const py::args&, const py::kwargs&) -> py::object { refuse(s, "numpy"); })
      .def("__len__",
           [](const Symbol& s) -> Dim {
             if (s.shape().rank() == 0 || s.shape()[0] == nn::kUnknown) refuse(s, "len");
             return s.shape()[0];
           })
      .def("__getitem__",
           [](const py::object& self, const py::object& key) {
             const py::object inputs[] = {self};
             return connect(py::none(), std::make_shared<model::GetItem>(items_of(key)), inputs, {})[0];
           })
      .def("astype", [](const py::object& self, const py::object& dtype) { return named_op("cast", py::make_tuple(self, dtype)); })
      .def("__getattr__", [](const py::object& self, const std::string& name) -> py::object {  // x.mean(axis=1), as tensors have
        if (!name.starts_with("_") && py::hasattr(reinterpret_cast<PyObject*>(tensor_type), name.c_str())) {
          const py::dict functions = py::module_::import("nacre._core").attr("op_functions");
          if (functions.contains(name)) return py::module_::import("functools").attr("partial")(functions[name.c_str()], self);
        }
        throw py::attribute_error(cat("'SymbolicTensor' has no attribute '", name, "'").c_str());
      });
  c.attr("__array_ufunc__") = py::none();  // NumPy must leave array + symbol to us
  const auto binary = [&](const char* method, const char* reflected, const char* op) {
    c.def(
        method, [op](const py::object& a, const py::object& b) { return named_op(op, py::make_tuple(a, b)); }, py::is_operator());
    c.def(
        reflected, [op](const py::object& a, const py::object& b) { return named_op(op, py::make_tuple(b, a)); },
        py::is_operator());
  };
  binary("__add__", "__radd__", "add");
  binary("__sub__", "__rsub__", "subtract");
  binary("__mul__", "__rmul__", "multiply");
  binary("__truediv__", "__rtruediv__", "divide");
  binary("__floordiv__", "__rfloordiv__", "floor_divide");
  binary("__mod__", "__rmod__", "mod");
  binary("__pow__", "__rpow__", "power");
  binary("__matmul__", "__rmatmul__", "matmul");
  const auto compare = [&](const char* method, const char* op) {
    c.def(
        method, [op](const py::object& a, const py::object& b) { return named_op(op, py::make_tuple(a, b)); }, py::is_operator());
  };
  compare("__lt__", "less");
  compare("__le__", "less_equal");
  compare("__gt__", "greater");
  compare("__ge__", "greater_equal");
  c.def("__neg__", [](const py::object& a) { return named_op("negative", py::make_tuple(a)); });
  c.def("__abs__", [](const py::object& a) { return named_op("abs", py::make_tuple(a)); });
  m.def(
      "symbolic_input", [](const std::shared_ptr<nn::Layer>& input_layer) { return model::input(input_layer); },
      py::arg("input_layer"), "The symbolic tensor of an InputLayer.");
  m.def(
      "connect",
      [](const py::object& owner, const py::list& inputs, const py::object& arguments) {
        std::vector<py::object> in;
        for (py::handle o : inputs) in.push_back(py::reinterpret_borrow<py::object>(o));
        const auto layer = owner.cast<std::shared_ptr<nn::Layer>>();
        py::list out;
        for (py::object& o : connect(owner, layer, in, json_from_python(arguments, layer->label(), "arguments")))
          out.append(std::move(o));
        return out;
      },
      py::arg("layer"), py::arg("inputs"), py::arg("arguments") = py::none(), "Records a call of a layer on symbolic tensors.");
  m.def("input_layer_of", [](const Symbol& s) -> py::object {
    if (!s.node->is_input()) return py::none();
    return py::cast(s.node->layer);
  });
}

}  // namespace nacre::python
