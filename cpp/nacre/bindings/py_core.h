// What the binding files share: the Tensor type object, conversions, errors. Conversion to Python and nothing else happens in this folder.
#pragma once

#include <string>

#include <pybind11/pybind11.h>

#include "nacre/ops/indexing.h"
#include "nacre/ops/ops.h"

namespace nacre::python {

namespace py = pybind11;

// Turns the exception in flight into the Python error of the same kind. Call inside catch (...).
void set_python_error() noexcept;
void bind_errors(py::module_& m);

// ---- the Tensor type ----
extern PyTypeObject* tensor_type;
struct PyTensor {
  PyObject_HEAD Tensor value;
  PyObject* weak_list;
};
void bind_tensor(py::module_& m);
PyObject* wrap(Tensor t);  // new reference, null with an error set when memory is short
inline bool is_tensor(PyObject* o) { return Py_TYPE(o) == tensor_type || PyType_IsSubtype(Py_TYPE(o), tensor_type); }
inline const Tensor& unwrap(PyObject* o) { return reinterpret_cast<PyTensor*>(o)->value; }

// ---- conversion of objects to tensors (py_convert.cpp) ----
struct ConvertOptions {
  OptDType dtype;             // asked for; not given: as the object says
  bool share = false;         // view the object's memory where that is possible
  bool keep_float64 = false;  // not given: float64 arrays become floatx()
  // What lists of Python floats and of Python integers become; not given: floatx(), int32.
  OptDType list_real, list_integer;
  // Beside a tensor of 64 bits nothing is rounded to 32 first.
  void beside(DType other) {
    if (other == DType::float64) keep_float64 = true, list_real = DType::float64;
    if (other == DType::int64) list_integer = DType::int64;
  }
};
// `what` begins the message of errors ("add: y").
Tensor to_tensor(PyObject* o, const ConvertOptions& options, std::string_view what);
// A Python number beside tensors: true and the value when `o` is one (bool, int, float, but no array).
enum class ScalarKind { none, boolean, integer, real };
ScalarKind scalar_kind(PyObject* o);
// Can an integer dtype hold v?
bool integer_fits(long long v, DType dtype);
Tensor scalar_tensor(PyObject* o, ScalarKind kind, DType dtype, std::string_view what);
// dtype that a Python number takes beside tensors of `common` (has_common false: none are there).
DType weak_dtype(ScalarKind kind, bool has_common, DType common);

DType dtype_from_python(PyObject* o, std::string_view what);
PyObject* to_numpy(const Tensor& t);  // shares memory; imports numpy
py::object shape_tuple(const Shape& s);

// ---- ops (py_ops.cpp) ----
void bind_ops(py::module_& m);
// Parses one attribute from a Python object into the op's attribute block.
void parse_field(const OpDef& def, const FieldDef& field, PyObject* o, std::byte* attrs);
py::object field_to_python(const FieldDef& field, const void* attrs);
// Runs a C++ call that returns a Tensor and wraps it; errors become Python errors.
template <class F>
PyObject* guarded(F&& f) noexcept {
  try {
    return f();
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}

// ---- other parts ----
void bind_dlpack(py::module_& m);
PyObject* dlpack_export(PyObject* self, PyObject* args, PyObject* kwargs);
Tensor dlpack_import(PyObject* o);
void bind_autograd(py::module_& m);
void bind_runtime(py::module_& m);
void bind_layers(py::module_& m);
void bind_train(py::module_& m);
void bind_model(py::module_& m);

// Index expressions (py_index.cpp).
PyObject* tensor_subscript(PyObject* self, PyObject* key);
int tensor_ass_subscript(PyObject* self, PyObject* key, PyObject* value);

// Releases the interpreter lock when the work is worth it.
class MaybeRelease {
 public:
  explicit MaybeRelease(bool release) : state_(release ? PyEval_SaveThread() : nullptr) {}
  ~MaybeRelease() {
    if (state_) PyEval_RestoreThread(state_);
  }
  MaybeRelease(const MaybeRelease&) = delete;
  MaybeRelease& operator=(const MaybeRelease&) = delete;

 private:
  PyThreadState* state_;
};

// For the bare classes of the core: without a __reduce__ Python's copyreg would make an object of pybind11's own base, which ends
// the process. What can be pickled says so in Python.
template <class Class>
void refuse_pickling(Class& c, const char* instead) {
  c.def("__reduce__", [instead](const py::object& self) -> py::tuple {
    raise<TypeError>("pickle: ", Py_TYPE(self.ptr())->tp_name, " of the core has no pickled form. ", instead);
  });
}

}  // namespace nacre::python

// Lets every pybind11 function take and return a Tensor. Arrays and lists convert; None does not.
namespace pybind11::detail {
template <>
struct type_caster<nacre::Tensor> {
  PYBIND11_TYPE_CASTER(nacre::Tensor, const_name("nacre.Tensor"));
  bool load(handle src, bool convert) {
    if (!src || src.is_none()) return false;
    if (nacre::python::is_tensor(src.ptr())) {
      value = nacre::python::unwrap(src.ptr());
      return true;
    }
    if (!convert) return false;
    value = nacre::python::to_tensor(src.ptr(), {.share = true}, "tensor");
    return true;
  }
  static handle cast(nacre::Tensor t, return_value_policy, handle) {
    if (!t.defined()) return none().release();
    PyObject* o = nacre::python::wrap(std::move(t));
    if (!o) throw error_already_set();
    return o;
  }
};
}  // namespace pybind11::detail
