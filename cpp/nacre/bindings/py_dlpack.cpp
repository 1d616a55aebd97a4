// DLPack both ways. Export: versioned capsules when the consumer asks for 1.x, else the old form. Import: the same, read-only honoured.
#include <optional>

#include "nacre/bindings/dlpack.h"
#include "nacre/bindings/py_core.h"

namespace nacre::python {

namespace {

DLDataType to_dl(DType t) {
  const auto bits = static_cast<std::uint8_t>(8 * size_of(t));
  if (t == DType::boolean) return {6, 8, 1};
  if (t == DType::bfloat16) return {4, 16, 1};
  if (t == DType::uint8) return {1, 8, 1};
  return {static_cast<std::uint8_t>(is_float(t) ? 2 : 0), bits, 1};
}

std::optional<DType> from_dl(DLDataType t) {
  for (int i = 0; i < kDTypeCount; ++i) {
    const DLDataType known = to_dl(static_cast<DType>(i));
    if (t.code == known.code && t.bits == known.bits && t.lanes == 1) return static_cast<DType>(i);
  }
  return {};
}

// What an exported capsule owns.
template <class Managed>
struct Export {
  Managed managed{};
  Tensor tensor;
  std::int64_t shape[kMaxRank], strides[kMaxRank];
};

template <class Managed>
Managed* make_export(const Tensor& t) {
  require_values("dlpack", t);
  auto* e = new Export<Managed>;
  e->tensor = t;
  for (int i = 0; i < t.rank(); ++i) {
    e->shape[i] = t.shape()[i];
    e->strides[i] = t.view().strides[i];
  }
  e->managed.dl_tensor = {t.view().data, {1, 0}, t.rank(), to_dl(t.dtype()), e->shape, e->strides, 0};
  e->managed.manager_ctx = e;
  e->managed.deleter = [](Managed* m) { delete static_cast<Export<Managed>*>(m->manager_ctx); };
  return &e->managed;
}

template <class Managed>
PyObject* make_capsule(Managed* managed, const char* name) {
  // A capsule that nobody consumed still carries its first name and frees the export.
  return PyCapsule_New(managed, name, [](PyObject* capsule) {
    for (const char* fresh : {"dltensor", "dltensor_versioned"}) {
      if (!PyCapsule_IsValid(capsule, fresh)) continue;
      auto* m = static_cast<Managed*>(PyCapsule_GetPointer(capsule, fresh));
      m->deleter(m);
    }
  });
}

template <class Managed>
void release_import(void* owner) {
  auto* m = static_cast<Managed*>(owner);
  if (!m->deleter) return;
  if (!Py_IsInitialized()) return;
  const PyGILState_STATE state = PyGILState_Ensure();  // the producer's deleter may touch Python objects
  m->deleter(m);
  PyGILState_Release(state);
}

template <class Managed>
Tensor take_import(PyObject* capsule, const char* name, const char* used, bool read_only) {
  auto* m = static_cast<Managed*>(PyCapsule_GetPointer(capsule, name));
  const DLTensor& d = m->dl_tensor;
  if (d.device.device_type != 1)
    raise<ValueError>("from_dlpack: device type ", d.device.device_type, " is not supported. Copy the array to the CPU first.");
  const auto dtype = from_dl(d.dtype);
  if (!dtype) {
    raise<DTypeError>("from_dlpack: type code ", static_cast<int>(d.dtype.code), " of ", static_cast<int>(d.dtype.bits),
                      " bits and ", d.dtype.lanes, " lanes is not supported.");
  }
  if (d.ndim < 0 || d.ndim > kMaxRank) raise<ShapeError>("from_dlpack: rank ", d.ndim, " is not between 0 and ", kMaxRank, ".");
  View v;
  v.dtype = *dtype;
  for (int i = 0; i < d.ndim; ++i) v.shape.push_back(d.shape[i]);
  checked_count("from_dlpack", v.shape, v.dtype);
  v.set_contiguous_strides();
  if (d.strides) {
    for (int i = 0; i < d.ndim; ++i) v.strides[i] = d.strides[i];
  }
  char* data = static_cast<char*>(d.data) + d.byte_offset;
  Tensor t = Tensor::from_memory(data, v, {v.strides, static_cast<std::size_t>(d.ndim)}, read_only, release_import<Managed>, m);
  PyCapsule_SetName(capsule, used);
  if (reinterpret_cast<std::uintptr_t>(data) % static_cast<std::uintptr_t>(size_of(v.dtype)) != 0) {
    raise<ValueError>("from_dlpack: the data is not aligned to its elements.");
  }
  return t;
}

}  // namespace

PyObject* dlpack_export(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    static const char* const names[] = {"stream", "max_version", "dl_device", "copy", nullptr};
    PyObject *stream = Py_None, *version = Py_None, *device = Py_None, *copy = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$OOOO:__dlpack__", const_cast<char**>(names), &stream, &version, &device,
                                     &copy)) {
      throw py::error_already_set();
    }
    Tensor t = unwrap(self);
    if (t.requires_grad())
      raise<StateError>("__dlpack__: the tensor requires a gradient, which other libraries cannot follow. Use x.detach() first.");
    if (device != Py_None) {
      const auto wanted = py::cast<std::pair<int, int>>(py::handle(device));
      if (wanted != std::pair(1, 0)) {
        PyErr_Format(PyExc_BufferError, "__dlpack__: dl_device (%d, %d) is not where the tensor is, the CPU (1, 0).", wanted.first,
                     wanted.second);
        throw py::error_already_set();
      }
    }
    bool reversed = false;  // consumers such as PyTorch do not know negative strides
    for (int i = 0; i < t.rank(); ++i) reversed = reversed || t.view().strides[i] < 0;
    if (reversed && copy == Py_False) {
      PyErr_SetString(PyExc_BufferError, "__dlpack__: copy=False, but a tensor with negative strides is only exported as a copy.");
      throw py::error_already_set();
    }
    if (copy == Py_True || reversed) t = t.clone();
    t.body()->storage->exposed.store(true, std::memory_order_relaxed);
    bool versioned = false;
    if (version != Py_None) versioned = py::cast<int>(py::reinterpret_borrow<py::tuple>(version)[0]) >= 1;
    if (!versioned) {
      if (t.body()->storage->read_only) t = t.clone();  // the old form cannot say that the memory must not be written
      return make_capsule(make_export<DLManagedTensor>(t), "dltensor");
    }
    auto* m = make_export<DLManagedTensorVersioned>(t);
    m->version = {1, 0};
    m->flags = t.body()->storage->read_only ? kDLReadOnly : 0;
    return make_capsule(m, "dltensor_versioned");
  });
}

Tensor dlpack_import(PyObject* o) {
  py::object capsule;
  py::object method = py::handle(o).attr("__dlpack__");
  try {
    capsule = method(py::arg("max_version") = py::make_tuple(1, 0));
  } catch (py::error_already_set& e) {
    if (!e.matches(PyExc_TypeError)) throw;
    capsule = method();
  }
  if (PyCapsule_IsValid(capsule.ptr(), "dltensor_versioned")) {
    auto* m = static_cast<DLManagedTensorVersioned*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor_versioned"));
    if (m->version.major > 1) raise<ValueError>("from_dlpack: DLPack version ", m->version.major, " is not known; 1 is.");
    return take_import<DLManagedTensorVersioned>(capsule.ptr(), "dltensor_versioned", "used_dltensor_versioned",
                                                 m->flags & kDLReadOnly);
  }
  if (PyCapsule_IsValid(capsule.ptr(), "dltensor")) {
    return take_import<DLManagedTensor>(capsule.ptr(), "dltensor", "used_dltensor", false);
  }
  raise<TypeError>("from_dlpack: __dlpack__ of ", Py_TYPE(o)->tp_name, " gave no DLPack capsule.");
}

void bind_dlpack(py::module_& m) {
  m.def(
      "from_dlpack",
      [](const py::object& x) {
        if (!PyObject_HasAttrString(x.ptr(), "__dlpack__"))
          raise<TypeError>("from_dlpack: ", Py_TYPE(x.ptr())->tp_name, " has no __dlpack__ method.");
        return dlpack_import(x.ptr());
      },
      py::arg("x"),
      R"(A tensor that shares the memory of an array of another library (PyTorch, JAX, NumPy, CuPy on the CPU), through DLPack.

Example:
    >>> import numpy as np
    >>> nc.from_dlpack(np.arange(3.0)).tolist()
    [0.0, 1.0, 2.0])");
}

}  // namespace nacre::python
