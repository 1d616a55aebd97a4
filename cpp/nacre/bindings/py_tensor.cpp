// nacre.Tensor: a heap type of our own, so that x + y costs tens of nanoseconds. Operators, comparison, attributes and methods; ops that are also
// methods (x.sum(), x.reshape(...)) are attached from the op functions by bind_ops.
#include <cmath>
#include <cstring>

#include "nacre/bindings/py_graph.h"
// clang-format off: needs Python.h before it
#include <structmember.h>
// clang-format on

namespace nacre::python {

PyTypeObject* tensor_type = nullptr;

namespace {

constexpr int kFreeMax = 256;
PyTensor* g_free[kFreeMax];  // dead objects kept for reuse; the interpreter lock guards them
int g_free_count = 0;

PyTensor* self_of(PyObject* o) { return reinterpret_cast<PyTensor*>(o); }

void tensor_dealloc(PyObject* o) {
  PyTensor* self = self_of(o);
  if (self->weak_list) PyObject_ClearWeakRefs(o);
  self->value.~Tensor();
  PyTypeObject* type = Py_TYPE(o);
  if (type == tensor_type && g_free_count < kFreeMax) {
    g_free[g_free_count++] = self;
    return;
  }
  type->tp_free(o);
  Py_DECREF(type);
}

PyObject* tensor_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    static const char* const names[] = {"data", "dtype", "requires_grad", nullptr};
    PyObject *data = nullptr, *dtype = Py_None;
    int requires_grad = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|Op:Tensor", const_cast<char**>(names), &data, &dtype, &requires_grad)) {
      throw py::error_already_set();
    }
    ConvertOptions options;
    if (dtype != Py_None) options.dtype = dtype_from_python(dtype, "Tensor");
    Tensor t = to_tensor(data, options, "Tensor");
    if (is_tensor(data)) t = t.detach();
    if (requires_grad) t.set_requires_grad(true);
    PyObject* o = type->tp_alloc(type, 0);
    if (!o) throw py::error_already_set();
    new (&self_of(o)->value) Tensor(std::move(t));
    self_of(o)->weak_list = nullptr;
    return o;
  });
}

// ---- operators ----

// The operand as a tensor of the dtype it takes beside `other`; empty when Python should try the other side.
Tensor operand(PyObject* o, const Tensor& other, std::string_view what) {
  const ScalarKind kind = scalar_kind(o);
  if (kind != ScalarKind::none) return scalar_tensor(o, kind, weak_dtype(kind, true, other.dtype()), what);
  if (PyUnicode_Check(o) || PyBytes_Check(o) || o == Py_None || PyDict_Check(o) || PySet_Check(o) || is_symbolic(o)) return {};
  if (!PyList_Check(o) && !PyTuple_Check(o) && !PyObject_CheckBuffer(o) && !PyObject_HasAttrString(o, "__dlpack__") &&
      !PyObject_HasAttrString(o, "__array__")) {
    return {};
  }
  ConvertOptions options{.share = true};
  options.beside(other.dtype());
  return to_tensor(o, options, what);
}

bool large(const Tensor& a, const Tensor& b) { return a.count() > 32768 || b.count() > 32768; }

template <class Fn>
PyObject* binary(PyObject* a, PyObject* b, const Fn& fn, std::string_view name) {
  return guarded([&]() -> PyObject* {
    Tensor x, y;
    const bool ta = is_tensor(a), tb = is_tensor(b);
    if (ta && tb) {
      x = unwrap(a);
      y = unwrap(b);
    } else if (ta) {
      x = unwrap(a);
      y = operand(b, x, name);
    } else {
      y = unwrap(b);
      x = operand(a, y, name);
    }
    if (!x.defined() || !y.defined()) Py_RETURN_NOTIMPLEMENTED;
    Tensor out;
    {
      MaybeRelease release(large(x, y));
      out = fn(x, y);
    }
    return wrap(std::move(out));
  });
}

// x += y: the result is written into x's memory. Not recorded, so it is refused where a gradient is being recorded.
template <class Fn>
PyObject* in_place(PyObject* a, PyObject* b, const Fn& fn, std::string_view name) {
  return guarded([&]() -> PyObject* {
    const Tensor& x = unwrap(a);
    Tensor y = is_tensor(b) ? unwrap(b) : operand(b, x, name);
    if (!y.defined()) Py_RETURN_NOTIMPLEMENTED;
    if (grad_enabled() && (x.requires_grad() || y.requires_grad())) {
      raise<StateError>(name, ": in-place change of a tensor while gradients are recorded. Use x = x ",
                        name.substr(0, name.size() - 1), " y, or change it inside nc.no_grad().");
    }
    Tensor result = fn(x, y);
    if (!(result.shape() == x.shape())) {
      raise<ShapeError>(name, ": the result has shape ", result.shape(), " and does not fit the tensor of shape ", x.shape(), ".");
    }
    if (is_float(result.dtype()) && !is_float(x.dtype())) {
      raise<DTypeError>(name, ": the result is ", result.dtype(), " and does not fit the ", x.dtype(), " tensor. Cast it first.");
    }
    x.assign(result);
    Py_INCREF(a);
    return a;
  });
}

// &, | and ^ are Python's words for bits; here they are the logical ops on bool, and nothing else, so that 6 & 1 is not taken for True.
template <class Fn>
Tensor of_bools(const Fn& fn, const Tensor& a, const Tensor& b, std::string_view name, std::string_view symbol) {
  if (a.dtype() != DType::boolean || b.dtype() != DType::boolean) {
    raise<DTypeError>(name, ": '", symbol, "' takes bool tensors, got ", a.dtype(), " and ", b.dtype(), ". Use nc.", name,
                      "(a, b), which takes every number but 0 for true.");
  }
  return fn(a, b);
}
Tensor bool_and(const Tensor& a, const Tensor& b) { return of_bools(logical_and, a, b, "logical_and", "&"); }
Tensor bool_or(const Tensor& a, const Tensor& b) { return of_bools(logical_or, a, b, "logical_or", "|"); }
Tensor bool_xor(const Tensor& a, const Tensor& b) { return of_bools(logical_xor, a, b, "logical_xor", "^"); }

#define NACRE_PY_BINARY(slot, function, symbol)                                          \
  PyObject* slot(PyObject* a, PyObject* b) { return binary(a, b, function, #function); } \
  PyObject* slot##_in_place(PyObject* a, PyObject* b) { return in_place(a, b, function, symbol "="); }
NACRE_PY_BINARY(nb_add, add, "+")
NACRE_PY_BINARY(nb_subtract, subtract, "-")
NACRE_PY_BINARY(nb_multiply, multiply, "*")
NACRE_PY_BINARY(nb_divide, divide, "/")
NACRE_PY_BINARY(nb_floor_divide, floor_divide, "//")
NACRE_PY_BINARY(nb_remainder, mod, "%")
NACRE_PY_BINARY(nb_and, bool_and, "&")
NACRE_PY_BINARY(nb_or, bool_or, "|")
NACRE_PY_BINARY(nb_xor, bool_xor, "^")
#undef NACRE_PY_BINARY

PyObject* nb_matmul(PyObject* a, PyObject* b) {
  return binary(
      a, b, [](const Tensor& x, const Tensor& y) { return matmul(x, y); }, "matmul");
}
PyObject* nb_power(PyObject* a, PyObject* b, PyObject* modulus) {
  if (modulus != Py_None) {
    PyErr_SetString(PyExc_TypeError, "power: a third argument is not supported.");
    return nullptr;
  }
  return binary(a, b, power, "power");
}
PyObject* nb_power_in_place(PyObject* a, PyObject* b, PyObject*) { return in_place(a, b, power, "**="); }
PyObject* nb_negative(PyObject* a) {
  return guarded([&] { return wrap(negative(unwrap(a))); });
}
PyObject* nb_positive(PyObject* a) {
  Py_INCREF(a);
  return a;
}
PyObject* nb_absolute(PyObject* a) {
  return guarded([&] { return wrap(abs(unwrap(a))); });
}
PyObject* nb_invert(PyObject* a) {
  return guarded([&]() -> PyObject* {
    if (unwrap(a).dtype() != DType::boolean)
      raise<DTypeError>("~: only bool tensors are inverted, this one is ", unwrap(a).dtype(), ".");
    return wrap(logical_not(unwrap(a)));
  });
}
int nb_bool(PyObject* a) {
  try {
    const Tensor& t = unwrap(a);
    if (t.count() != 1) {
      raise<ValueError>("bool: a tensor of shape ", t.shape(), " has no single truth value. Use x.any() or x.all().");
    }
    return t.item() != 0;
  } catch (...) {
    set_python_error();
    return -1;
  }
}
PyObject* nb_float(PyObject* a) {
  return guarded([&] { return PyFloat_FromDouble(unwrap(a).item()); });
}
PyObject* nb_int(PyObject* a) {
  return guarded([&]() -> PyObject* {
    const Tensor& t = unwrap(a);
    return is_float(t.dtype()) ? PyLong_FromDouble(t.item()) : PyLong_FromLongLong(t.item_int());
  });
}
PyObject* nb_index(PyObject* a) {
  return guarded([&]() -> PyObject* {
    const Tensor& t = unwrap(a);
    if (!is_integer(t.dtype()))
      raise<TypeError>("index: only integer tensors of one element can be an index, this one is ", t.dtype(), ".");
    return PyLong_FromLongLong(t.item_int());
  });
}

// An integer that the dtype of x cannot hold, as something that compares with x as the integer does: int64, or beyond that infinity.
// Empty for all others.
py::object wide_integer(const Tensor& x, PyObject* o) {
  if (!is_integer(x.dtype()) || !PyLong_Check(o) || PyBool_Check(o)) return {};
  int overflow = 0;
  const long long v = PyLong_AsLongLongAndOverflow(o, &overflow);
  if (overflow) return py::reinterpret_steal<py::object>(wrap(full({.shape = {}, .value = overflow * HUGE_VAL})));
  if (integer_fits(v, x.dtype())) return {};
  return py::reinterpret_steal<py::object>(wrap(scalar_tensor(o, ScalarKind::integer, DType::int64, "compare")));
}

PyObject* rich_compare(PyObject* a, PyObject* b, int op) {
  return guarded([&]() -> PyObject* {
    const py::object wide = wide_integer(unwrap(a), b);
    PyObject* const other = wide ? wide.ptr() : b;
    switch (op) {
      case Py_EQ: return binary(a, other, equal, "equal");
      case Py_NE: return binary(a, other, not_equal, "not_equal");
      case Py_LT: return binary(a, other, less, "less");
      case Py_LE: return binary(a, other, less_equal, "less_equal");
      case Py_GT: return binary(a, other, greater, "greater");
      case Py_GE: return binary(a, other, greater_equal, "greater_equal");
      default: Py_RETURN_NOTIMPLEMENTED;
    }
  });
}

Py_ssize_t length(PyObject* o) {
  const Tensor& t = unwrap(o);
  if (t.rank() == 0) {
    PyErr_SetString(PyExc_TypeError, "len: a tensor of rank 0 has no length.");
    return -1;
  }
  return t.shape()[0];
}

// Iteration goes through the sequence protocol: x[0], x[1], ... until IndexError.
PyObject* sequence_item(PyObject* o, Py_ssize_t i) {
  return guarded([&]() -> PyObject* {
    if (unwrap(o).rank() == 0) raise<TypeError>("iter: a tensor of rank 0 cannot be iterated over.");
    const IndexItem item = IndexItem::at(i);
    return wrap(get_item(unwrap(o), {&item, 1}));
  });
}

PyObject* repr(PyObject* o) {
  return guarded([&]() -> PyObject* {
    const Tensor& t = unwrap(o);
    const std::string text = cat("Tensor(", format_values(t), ", shape=", t.shape(), ", dtype=", t.dtype(),
                                 t.requires_grad() ? ", requires_grad=True)" : ")");
    return PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
  });
}

// ---- attributes ----

PyObject* get_shape(PyObject* o, void*) {
  return guarded([&] { return shape_tuple(unwrap(o).shape()).release().ptr(); });
}
PyObject* get_dtype(PyObject* o, void*) {
  const std::string_view name = name_of(unwrap(o).dtype());
  return PyUnicode_FromStringAndSize(name.data(), static_cast<Py_ssize_t>(name.size()));
}
PyObject* get_ndim(PyObject* o, void*) { return PyLong_FromLong(unwrap(o).rank()); }
PyObject* get_size(PyObject* o, void*) { return PyLong_FromLongLong(unwrap(o).count()); }
PyObject* get_nbytes(PyObject* o, void*) { return PyLong_FromLongLong(unwrap(o).count() * size_of(unwrap(o).dtype())); }
PyObject* get_device(PyObject* o, void*) {
  return guarded([&] { return py::str(to_string(unwrap(o).device())).release().ptr(); });
}
PyObject* get_is_leaf(PyObject* o, void*) { return PyBool_FromLong(unwrap(o).is_leaf()); }
PyObject* get_requires_grad(PyObject* o, void*) { return PyBool_FromLong(unwrap(o).requires_grad()); }
int set_requires_grad(PyObject* o, PyObject* value, void*) {
  try {
    if (!value) raise<TypeError>("requires_grad: cannot be deleted.");
    const int on = PyObject_IsTrue(value);
    if (on < 0) return -1;
    unwrap(o).set_requires_grad(on);
    return 0;
  } catch (...) {
    set_python_error();
    return -1;
  }
}
PyObject* get_grad(PyObject* o, void*) {
  return guarded([&]() -> PyObject* {
    Tensor g = unwrap(o).grad();
    if (!g.defined()) Py_RETURN_NONE;
    return wrap(std::move(g));
  });
}
int set_grad(PyObject* o, PyObject* value, void*) {
  try {
    const bool clear = !value || value == Py_None;
    unwrap(o).set_grad(clear ? Tensor() : to_tensor(value, {.dtype = unwrap(o).dtype()}, "grad"));
    return 0;
  } catch (...) {
    set_python_error();
    return -1;
  }
}
PyObject* get_transposed(PyObject* o, void*) {
  return guarded([&] { return wrap(transpose(unwrap(o))); });
}

PyGetSetDef attributes[] = {{"shape", get_shape, nullptr, "Sizes of the axes, a tuple.", nullptr},
                            {"dtype", get_dtype, nullptr, "Name of the element type, e.g. 'float32'.", nullptr},
                            {"ndim", get_ndim, nullptr, "Number of axes.", nullptr},
                            {"size", get_size, nullptr, "Number of elements.", nullptr},
                            {"nbytes", get_nbytes, nullptr, "Bytes of all elements.", nullptr},
                            {"device", get_device, nullptr, "Where the memory lives: 'cpu'.", nullptr},
                            {"is_leaf", get_is_leaf, nullptr, "True unless this is the recorded result of an op.", nullptr},
                            {"requires_grad", get_requires_grad, set_requires_grad,
                             "Record ops on this tensor for backward(); settable on leaves.", nullptr},
                            {"grad", get_grad, set_grad, "Gradient accumulated by backward(), or None.", nullptr},
                            {"T", get_transposed, nullptr, "The tensor with its axes reversed.", nullptr},
                            {nullptr, nullptr, nullptr, nullptr, nullptr}};

// ---- methods ----

PyObject* method_numpy(PyObject* o, PyObject*) {
  return guarded([&] { return to_numpy(unwrap(o)); });
}
PyObject* method_array(PyObject* o, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    static const char* const names[] = {"dtype", "copy", nullptr};
    PyObject *dtype = Py_None, *copy = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:__array__", const_cast<char**>(names), &dtype, &copy))
      throw py::error_already_set();
    py::object array = py::reinterpret_steal<py::object>(to_numpy(unwrap(o)));
    const py::object view = array;
    if (dtype != Py_None) array = array.attr("astype")(py::handle(dtype), py::arg("copy") = false);
    if (copy == Py_False && !array.is(view)) {
      raise<ValueError>("__array__: copy=False, but ", unwrap(o).dtype(), " values as ", std::string(py::str(py::handle(dtype))),
                        " need a copy.");
    }
    if (copy == Py_True && array.is(view)) array = array.attr("copy")();
    return array.release().ptr();
  });
}

PyObject* element_to_python(const char* p, DType t) {
  if (t == DType::boolean) return PyBool_FromLong(*p != 0);
  if (t == DType::int64) return PyLong_FromLongLong(*reinterpret_cast<const std::int64_t*>(p));
  double v = 0;
  switch (t) {
    case DType::uint8: return PyLong_FromLong(*reinterpret_cast<const std::uint8_t*>(p));
    case DType::int8: return PyLong_FromLong(*reinterpret_cast<const std::int8_t*>(p));
    case DType::int32: return PyLong_FromLong(*reinterpret_cast<const std::int32_t*>(p));
    case DType::float32: v = *reinterpret_cast<const float*>(p); break;
    case DType::float64: v = *reinterpret_cast<const double*>(p); break;
    default: {
      Tensor one = Tensor::empty({}, t);
      std::memcpy(one.body()->data, p, static_cast<std::size_t>(size_of(t)));
      v = one.item();
    }
  }
  return PyFloat_FromDouble(v);
}
PyObject* nested_list(const View& v, const char* p, int axis) {
  if (axis == v.shape.rank()) return element_to_python(p, v.dtype);
  PyObject* list = PyList_New(v.shape[axis]);
  if (!list) return nullptr;
  for (Dim i = 0; i < v.shape[axis]; ++i) {
    PyObject* item = nested_list(v, p + i * v.strides[axis] * size_of(v.dtype), axis + 1);
    if (!item) {
      Py_DECREF(list);
      return nullptr;
    }
    PyList_SET_ITEM(list, i, item);
  }
  return list;
}
PyObject* method_tolist(PyObject* o, PyObject*) {
  return guarded([&] {
    require_values("tolist", unwrap(o));
    const View& v = unwrap(o).view();
    return nested_list(v, static_cast<const char*>(v.data), 0);
  });
}
PyObject* method_item(PyObject* o, PyObject*) {
  return guarded([&]() -> PyObject* {
    const Tensor& t = unwrap(o);
    if (t.count() != 1) (void)t.item();  // raises
    return element_to_python(static_cast<const char*>(t.view().data), t.dtype());
  });
}
// f"{loss:.4f}": a single number is formatted as Python's, an array only as its text.
PyObject* method_format(PyObject* o, PyObject* spec) {
  return guarded([&]() -> PyObject* {
    if (!PyUnicode_Check(spec)) raise<TypeError>("format: the format must be a string, got ", Py_TYPE(spec)->tp_name, ".");
    if (PyUnicode_GET_LENGTH(spec) == 0) return PyObject_Str(o);
    const Tensor& t = unwrap(o);
    if (t.rank() != 0) {
      raise<TypeError>("format: '", py::cast<std::string>(py::handle(spec)), "' formats a single number, the tensor has shape ",
                       t.shape(), ".");
    }
    const py::object number = py::reinterpret_steal<py::object>(method_item(o, nullptr));
    return number ? PyObject_Format(number.ptr(), spec) : nullptr;
  });
}
PyObject* method_detach(PyObject* o, PyObject*) {
  return guarded([&] { return wrap(unwrap(o).detach()); });
}
PyObject* method_clone(PyObject* o, PyObject*) {
  return guarded([&] { return wrap(unwrap(o).clone()); });
}
// Copies the values and keeps requires_grad: copy.copy and copy.deepcopy.
PyObject* method_copy(PyObject* o, PyObject*) {
  return guarded([&]() -> PyObject* {
    const Tensor& t = unwrap(o);
    Tensor copy = t.clone();
    if (t.is_leaf() && t.requires_grad()) copy.set_requires_grad(true);
    return wrap(std::move(copy));
  });
}
PyObject* method_assign(PyObject* o, PyObject* value) {
  return guarded([&]() -> PyObject* {
    unwrap(o).assign(to_tensor(value, {.dtype = unwrap(o).dtype(), .share = true}, "assign"));
    Py_INCREF(o);
    return o;
  });
}
PyObject* method_backward(PyObject* o, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    static const char* const names[] = {"gradient", "retain_graph", "create_graph", nullptr};
    PyObject* dy = Py_None;
    int retain = 0, create = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|Opp:backward", const_cast<char**>(names), &dy, &retain, &create))
      throw py::error_already_set();
    const Tensor& y = unwrap(o);
    Tensor g;
    if (dy != Py_None) g = to_tensor(dy, {.dtype = y.dtype()}, "backward: gradient");
    {
      MaybeRelease release(true);
      y.backward(g, retain, create);
    }
    Py_RETURN_NONE;
  });
}
PyObject* method_astype(PyObject* o, PyObject* dtype) {
  return guarded([&] { return wrap(cast(unwrap(o), {.dtype = dtype_from_python(dtype, "astype")})); });
}
PyObject* method_reduce(PyObject* o, PyObject*) {
  return guarded([&]() -> PyObject* {
    const Tensor& t = unwrap(o);
    std::string bytes(static_cast<std::size_t>(t.count() * size_of(t.dtype())), '\0');
    t.copy_to_host(bytes.data());
    py::object rebuild = py::module_::import("nacre._core").attr("_rebuild_tensor");
    return py::make_tuple(rebuild, py::make_tuple(py::bytes(bytes), std::string(name_of(t.dtype())), shape_tuple(t.shape()),
                                                  t.is_leaf() && t.requires_grad()))
        .release()
        .ptr();
  });
}
PyObject* method_dlpack_device(PyObject*, PyObject*) { return Py_BuildValue("(ii)", 1, 0); }

template <class F>
PyCFunction as_c(F f) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f));
}

PyMethodDef methods[] = {
    {"numpy", method_numpy, METH_NOARGS,
     "numpy($self, /)\n--\n\nThe values as a NumPy array that shares the memory (read-only while requires_grad)."},
    {"__array__", as_c(method_array), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"tolist", method_tolist, METH_NOARGS, "tolist($self, /)\n--\n\nThe values as nested lists of Python numbers."},
    {"item", method_item, METH_NOARGS,
     "item($self, /)\n--\n\nThe only element as a Python number; ShapeError when there are more."},
    {"detach", method_detach, METH_NOARGS, "detach($self, /)\n--\n\nThe same memory without history."},
    {"clone", method_clone, METH_NOARGS, "clone($self, /)\n--\n\nA contiguous copy without history."},
    {"assign", method_assign, METH_O,
     "assign($self, value, /)\n--\n\nWrites value (same shape) into this tensor's memory; not recorded. Returns self."},
    {"backward", as_c(method_backward), METH_VARARGS | METH_KEYWORDS,
     "backward($self, gradient=None, retain_graph=False, create_graph=False)\n--\n\n"
     "Adds d(sum(gradient * self))/dx to x.grad for every leaf x that requires a gradient.\n\n"
     "Without `gradient` self must be a single number. The graph is freed afterwards unless retain_graph or create_graph is set."},
    {"astype", method_astype, METH_O, "astype($self, dtype, /)\n--\n\nThe values cast to dtype; recorded."},
    {"__deepcopy__", method_copy, METH_O, nullptr},
    {"__copy__", method_copy, METH_NOARGS, nullptr},
    {"__format__", method_format, METH_O, nullptr},
    {"__reduce__", method_reduce, METH_NOARGS, nullptr},
    {"__dlpack__", as_c(dlpack_export), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"__dlpack_device__", method_dlpack_device, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

PyMemberDef members[] = {{"__weaklistoffset__", T_PYSSIZET, offsetof(PyTensor, weak_list), READONLY, nullptr},
                         {nullptr, 0, 0, 0, nullptr}};

Py_hash_t identity_hash(PyObject* o) { return static_cast<Py_hash_t>(reinterpret_cast<std::uintptr_t>(o) >> 4); }

}  // namespace

PyObject* wrap(Tensor t) {
  PyTensor* o;
  if (g_free_count) {
    o = g_free[--g_free_count];
    _Py_NewReference(reinterpret_cast<PyObject*>(o));
  } else {
    o = reinterpret_cast<PyTensor*>(tensor_type->tp_alloc(tensor_type, 0));
    if (!o) return nullptr;
  }
  new (&o->value) Tensor(std::move(t));
  o->weak_list = nullptr;
  return reinterpret_cast<PyObject*>(o);
}

void bind_tensor(py::module_& m) {
  static const char* const doc =
      "Tensor(data, dtype=None, requires_grad=False)\n--\n\n"
      "An array of numbers with automatic differentiation.\n\n"
      "Args:\n    data: numbers, nested lists or an array; copied. float64 arrays become floatx() unless dtype is given.\n"
      "    dtype: name of the element type, or None.\n    requires_grad: record ops on it (floats only).\n\n"
      "Example:\n    >>> x = nc.Tensor([1.0, 2.0], requires_grad=True)\n    >>> (x * x).sum().backward()\n"
      "    >>> x.grad.tolist()\n    [2.0, 4.0]";
  PyType_Slot slots[] = {{Py_tp_doc, const_cast<char*>(doc)},
                         {Py_tp_new, reinterpret_cast<void*>(tensor_new)},
                         {Py_tp_dealloc, reinterpret_cast<void*>(tensor_dealloc)},
                         {Py_tp_repr, reinterpret_cast<void*>(repr)},
                         {Py_tp_hash, reinterpret_cast<void*>(identity_hash)},
                         {Py_tp_richcompare, reinterpret_cast<void*>(rich_compare)},
                         {Py_tp_getset, attributes},
                         {Py_tp_methods, methods},
                         {Py_tp_members, members},
                         {Py_mp_length, reinterpret_cast<void*>(length)},
                         {Py_sq_length, reinterpret_cast<void*>(length)},
                         {Py_sq_item, reinterpret_cast<void*>(sequence_item)},
                         {Py_mp_subscript, reinterpret_cast<void*>(tensor_subscript)},
                         {Py_mp_ass_subscript, reinterpret_cast<void*>(tensor_ass_subscript)},
#define NACRE_SLOT(name, function) {Py_nb_##name, reinterpret_cast<void*>(function)}
                         NACRE_SLOT(add, nb_add),
                         NACRE_SLOT(subtract, nb_subtract),
                         NACRE_SLOT(multiply, nb_multiply),
                         NACRE_SLOT(true_divide, nb_divide),
                         NACRE_SLOT(floor_divide, nb_floor_divide),
                         NACRE_SLOT(remainder, nb_remainder),
                         NACRE_SLOT(and, nb_and),
                         NACRE_SLOT(or, nb_or),
                         NACRE_SLOT(xor, nb_xor),
                         NACRE_SLOT(power, nb_power),
                         NACRE_SLOT(matrix_multiply, nb_matmul),
                         NACRE_SLOT(negative, nb_negative),
                         NACRE_SLOT(positive, nb_positive),
                         NACRE_SLOT(absolute, nb_absolute),
                         NACRE_SLOT(invert, nb_invert),
                         NACRE_SLOT(bool, nb_bool),
                         NACRE_SLOT(float, nb_float),
                         NACRE_SLOT(int, nb_int),
                         NACRE_SLOT(index, nb_index),
                         NACRE_SLOT(inplace_add, nb_add_in_place),
                         NACRE_SLOT(inplace_subtract, nb_subtract_in_place),
                         NACRE_SLOT(inplace_multiply, nb_multiply_in_place),
                         NACRE_SLOT(inplace_true_divide, nb_divide_in_place),
                         NACRE_SLOT(inplace_floor_divide, nb_floor_divide_in_place),
                         NACRE_SLOT(inplace_remainder, nb_remainder_in_place),
                         NACRE_SLOT(inplace_and, nb_and_in_place),
                         NACRE_SLOT(inplace_or, nb_or_in_place),
                         NACRE_SLOT(inplace_xor, nb_xor_in_place),
                         NACRE_SLOT(inplace_power, nb_power_in_place),
#undef NACRE_SLOT
                         {0, nullptr}};
  PyType_Spec spec{"nacre.Tensor", sizeof(PyTensor), 0, Py_TPFLAGS_DEFAULT, slots};
  PyObject* type = PyType_FromSpec(&spec);
  if (!type) throw py::error_already_set();
  tensor_type = reinterpret_cast<PyTypeObject*>(type);
  // NumPy must leave mixed expressions (array + tensor) to us.
  py::handle(type).attr("__array_priority__") = 1000;
  py::handle(type).attr("__array_ufunc__") = py::none();
  m.add_object("Tensor", py::reinterpret_borrow<py::object>(type));

  m.def("_rebuild_tensor", [](const py::bytes& data, const std::string& dtype, const py::tuple& sizes, bool requires_grad) {
    Shape shape;
    for (auto d : sizes) shape.push_back(py::cast<Dim>(d));
    const DType t = dtype_from_name(dtype);
    const std::string_view bytes = data;
    if (static_cast<Dim>(bytes.size()) != checked_count("Tensor", shape, t) * size_of(t)) {
      raise<FormatError>("Tensor: pickled data of ", bytes.size(), " bytes does not fit shape ", shape, " of ", t, ".");
    }
    Tensor out = Tensor::empty(shape, t, "Tensor");
    if (!bytes.empty()) std::memcpy(out.body()->data, bytes.data(), bytes.size());
    if (requires_grad) out.set_requires_grad(true);
    return out;
  });
}

}  // namespace nacre::python
