// x[key] and x[key] = value: Python's index objects as IndexItem lists for ops/indexing.h.
#include "nacre/base/error_owner.h"
#include "nacre/bindings/py_core.h"

namespace nacre::python {

namespace {

Dim bound(PyObject* o, std::string_view what) {
  const Py_ssize_t v = PyNumber_AsSsize_t(o, nullptr);  // null: clip to the range of ssize_t, as slices do
  if (v == -1 && PyErr_Occurred()) {
    PyErr_Clear();
    raise<TypeError>("index: ", what, " of a slice must be an integer or None, got ", Py_TYPE(o)->tp_name, ".");
  }
  return v == IndexItem::kNone ? v + 1 : v;  // the smallest integer stands for "absent"
}

IndexItem parse_item(PyObject* o) {
  if (o == Py_None) return IndexItem::new_axis();
  if (o == Py_Ellipsis) return IndexItem::dots();
  if (PySlice_Check(o)) {
    auto* s = reinterpret_cast<PySliceObject*>(o);
    return IndexItem::range(s->start == Py_None ? IndexItem::kNone : bound(s->start, "start"),
                            s->stop == Py_None ? IndexItem::kNone : bound(s->stop, "stop"),
                            s->step == Py_None ? IndexItem::kNone : bound(s->step, "step"));
  }
  const bool plain = PyLong_Check(o) && !PyBool_Check(o);
  if (plain || (!is_tensor(o) && PyIndex_Check(o) && !PyObject_CheckBuffer(o) && !PyBool_Check(o))) {
    py::object number = py::reinterpret_steal<py::object>(PyNumber_Index(o));
    if (!number) throw py::error_already_set();
    int overflow = 0;
    const long long i = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
    if (overflow) raise<IndexError>("index: ", std::string(py::str(number)), " is out of range.");
    return IndexItem::at(i);
  }
  Tensor t = to_tensor(o, {.share = true, .list_integer = DType::int64}, "index");
  if (!is_tensor(o) && t.count() == 0 && is_float(t.dtype())) t = cast(t, {.dtype = DType::int64});  // x[[]]
  if (t.rank() == 0 && is_integer(t.dtype())) return IndexItem::at(t.item_int());
  return IndexItem::by(std::move(t));
}

std::vector<IndexItem> parse_key(PyObject* key) {
  std::vector<IndexItem> items;
  if (PyTuple_Check(key)) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(key); ++i) items.push_back(parse_item(PyTuple_GET_ITEM(key, i)));
  } else {
    items.push_back(parse_item(key));
  }
  return items;
}

}  // namespace

PyObject* tensor_subscript(PyObject* self, PyObject* key) {
  return guarded([&] {
    try {
      return wrap(get_item(unwrap(self), parse_key(key)));
    } catch (const Error&) {
      rethrow_with_owner("index");
    }
  });
}

int tensor_ass_subscript(PyObject* self, PyObject* key, PyObject* value) {
  try {
    const Tensor& x = unwrap(self);
    if (!value) raise<TypeError>("index: elements of a tensor cannot be deleted.");
    Tensor v = to_tensor(value, {.dtype = x.dtype(), .share = true}, "index: value");
    if (grad_enabled() && (x.requires_grad() || v.requires_grad())) {
      raise<StateError>("x[...] = v: in-place change of a tensor while gradients are recorded. Use nc.where or nc.scatter_add, ",
                        "or change it inside nc.no_grad().");
    }
    try {
      set_item(x, parse_key(key), v);
    } catch (const Error&) {
      rethrow_with_owner("index");
    }
    return 0;
  } catch (...) {
    set_python_error();
    return -1;
  }
}

}  // namespace nacre::python
