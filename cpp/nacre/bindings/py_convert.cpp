// Python objects to tensors: numbers, nested lists, anything with the buffer protocol, __dlpack__ or __array__; and back to NumPy.
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "nacre/base/error_owner.h"
#include "nacre/base/half.h"
#include "nacre/bindings/py_core.h"
#include "nacre/tensor/copy.h"

namespace nacre::python {

namespace {

std::string type_name(PyObject* o) { return Py_TYPE(o)->tp_name; }

// What a buffer's format string says about its elements.
struct Element {
  enum Kind { native, widen_int16, widen_uint16, widen_uint32, widen_uint64, unsupported } kind = unsupported;
  DType dtype = DType::float32;  // the dtype it becomes
  bool swapped = false;
};

Element parse_format(const char* format, Py_ssize_t itemsize) {
  Element e;
  if (!format) format = "B";
  char order = '@';
  if (std::strchr("@=<>!", *format) && *format) order = *format++;
  const bool big = order == '>' || order == '!';
  e.swapped = itemsize > 1 && (std::endian::native == std::endian::little ? big : order == '<');
  if (!*format || format[1]) return e;
  const auto set = [&](Element::Kind k, DType t) {
    e.kind = k;
    e.dtype = t;
  };
  switch (*format) {
    case '?': set(Element::native, DType::boolean); break;
    case 'b': set(Element::native, DType::int8); break;
    case 'B': set(Element::native, DType::uint8); break;
    case 'e': set(Element::native, DType::float16); break;
    case 'f': set(Element::native, DType::float32); break;
    case 'd': set(Element::native, DType::float64); break;
    case 'h':
    case 'i':
    case 'l':
    case 'q':
    case 'n':
      if (itemsize == 2)
        set(Element::widen_int16, DType::int32);
      else if (itemsize == 4)
        set(Element::native, DType::int32);
      else if (itemsize == 8)
        set(Element::native, DType::int64);
      break;
    case 'H':
    case 'I':
    case 'L':
    case 'Q':
    case 'N':
      if (itemsize == 2)
        set(Element::widen_uint16, DType::int32);
      else if (itemsize == 4)
        set(Element::widen_uint32, DType::int64);
      else if (itemsize == 8)
        set(Element::widen_uint64, DType::int64);
      break;
    default: break;
  }
  return e;
}

void release_buffer(void* owner) {
  auto* buffer = static_cast<Py_buffer*>(owner);
  if (Py_IsInitialized()) {
    const PyGILState_STATE state = PyGILState_Ensure();
    PyBuffer_Release(buffer);
    PyGILState_Release(state);
  }
  delete buffer;
}

// Reads one element at any address and byte order into its own dtype.
void read_element(const char* p, Py_ssize_t itemsize, const Element& e, char* out, std::string_view what) {
  char bytes[8];
  std::memcpy(bytes, p, static_cast<std::size_t>(itemsize));
  if (e.swapped) {
    for (Py_ssize_t i = 0; i < itemsize / 2; ++i) std::swap(bytes[i], bytes[itemsize - 1 - i]);
  }
  const auto load = [&]<class T>(T v) {
    std::memcpy(&v, bytes, sizeof v);
    return v;
  };
  const auto put = [&]<class T>(T v) { std::memcpy(out, &v, sizeof v); };
  switch (e.kind) {
    case Element::native: std::memcpy(out, bytes, static_cast<std::size_t>(itemsize)); break;
    case Element::widen_int16: put(static_cast<std::int32_t>(load(std::int16_t{}))); break;
    case Element::widen_uint16: put(static_cast<std::int32_t>(load(std::uint16_t{}))); break;
    case Element::widen_uint32: put(static_cast<std::int64_t>(load(std::uint32_t{}))); break;
    case Element::widen_uint64: {
      const auto v = load(std::uint64_t{});
      if (v > static_cast<std::uint64_t>(INT64_MAX)) raise<ValueError>(what, ": the value ", v, " does not fit int64.");
      put(static_cast<std::int64_t>(v));
      break;
    }
    case Element::unsupported: break;
  }
}

Tensor copy_buffer(const Py_buffer& b, const Element& e, const Shape& shape, std::string_view what) {
  Tensor t = Tensor::empty(shape, e.dtype, what);
  const Dim n = t.count(), out_size = size_of(e.dtype);
  char* out = static_cast<char*>(t.body()->data);
  Dim index[kMaxRank] = {};
  const char* p = static_cast<const char*>(b.buf);
  for (Dim i = 0; i < n; ++i) {
    read_element(p, b.itemsize, e, out + i * out_size, what);
    for (int d = shape.rank() - 1; d >= 0; --d) {
      p += b.strides[d];
      if (++index[d] < shape[d]) break;
      p -= index[d] * b.strides[d];
      index[d] = 0;
    }
  }
  return t;
}

Tensor from_buffer(PyObject* o, const ConvertOptions& options, std::string_view what) {
  auto* buffer = new Py_buffer;
  if (PyObject_GetBuffer(o, buffer, PyBUF_FULL_RO) != 0) {
    delete buffer;
    PyErr_Clear();
    return {};
  }
  struct Guard {
    Py_buffer* b;
    ~Guard() {
      if (b) {
        PyBuffer_Release(b);
        delete b;
      }
    }
  } guard{buffer};
  const Element e = parse_format(buffer->format, buffer->itemsize);
  if (e.kind == Element::unsupported) {
    raise<DTypeError>(what, ": arrays with elements of format '", buffer->format ? buffer->format : "?",
                      "' are not supported. Use bool, integers or floats of at most 64 bits.");
  }
  if (buffer->ndim > kMaxRank) raise<ShapeError>(what, ": rank ", buffer->ndim, " is more than the largest, ", kMaxRank, ".");
  Type type{e.dtype, {}};
  Dim strides[kMaxRank] = {};
  bool usable = e.kind == Element::native && !e.swapped && !buffer->suboffsets &&
                reinterpret_cast<std::uintptr_t>(buffer->buf) % static_cast<std::uintptr_t>(buffer->itemsize) == 0;
  for (int i = 0; i < buffer->ndim; ++i) {
    type.shape.push_back(buffer->shape[i]);
    usable = usable && buffer->strides[i] % buffer->itemsize == 0;
    strides[i] = buffer->strides[i] / buffer->itemsize;
  }
  Tensor t;
  if (!usable) {
    t = copy_buffer(*buffer, e, type.shape, what);
  } else {
    t = Tensor::from_memory(buffer->buf, type, strides, buffer->readonly, release_buffer, buffer);
    guard.b = nullptr;
  }
  const DType wanted = options.dtype.or_else(t.dtype() == DType::float64 && !options.keep_float64 ? floatx() : t.dtype());
  if (wanted != t.dtype()) return cast(t, {.dtype = wanted});
  return usable && !options.share ? t.clone() : t;
}

// ---- nested lists ----

struct ListScan {
  Shape shape;
  ScalarKind kind = ScalarKind::none;
  bool has_arrays = false;
};

void scan_list(PyObject* o, int depth, ListScan& scan, std::string_view what) {
  const ScalarKind k = scalar_kind(o);
  if (k != ScalarKind::none) {
    if (depth != scan.shape.rank()) raise<ShapeError>(what, ": the nested list has numbers at different depths.");
    if (k > scan.kind) scan.kind = k;
    return;
  }
  if (!PyList_Check(o) && !PyTuple_Check(o)) {
    scan.has_arrays = true;
    return;
  }
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
  if (depth == scan.shape.rank()) {
    if (scan.kind != ScalarKind::none) raise<ShapeError>(what, ": the nested list has numbers at different depths.");
    if (depth == kMaxRank) raise<ShapeError>(what, ": the list is nested deeper than ", kMaxRank, ".");
    scan.shape.push_back(n);
  } else if (scan.shape[depth] != n) {
    raise<ShapeError>(what, ": the nested list is ragged: lengths ", scan.shape[depth], " and ", n, " at depth ", depth, ".");
  }
  for (Py_ssize_t i = 0; i < n && !scan.has_arrays; ++i) scan_list(PySequence_Fast_GET_ITEM(o, i), depth + 1, scan, what);
}

void fill_list(PyObject* o, DType dtype, char*& out, std::string_view what);

void store_scalar(PyObject* o, DType dtype, char* out, std::string_view what) {
  if (PyLong_Check(o) && !is_float(dtype)) {
    int overflow = 0;
    const long long v = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (dtype != DType::boolean && (overflow || !integer_fits(v, dtype))) {
      raise<ValueError>(what, ": the integer ", std::string(py::str(py::handle(o))), " does not fit ", dtype,
                        ". Give a wider dtype.");
    }
    if (dtype == DType::int64)
      std::memcpy(out, &v, 8);
    else if (dtype == DType::boolean)
      *out = overflow || v != 0;
    else
      store_double(out, dtype, static_cast<double>(v));
    return;
  }
  const double v = PyFloat_AsDouble(o);
  if (v == -1.0 && PyErr_Occurred()) {
    PyErr_Clear();
    raise<ValueError>(what, ": the number ", std::string(py::str(py::handle(o))), " does not fit float64.");
  }
  if (is_integer(dtype)) {
    if (v != std::trunc(v) || !(std::fabs(v) < 0x1p63))
      raise<ValueError>(what, ": ", v, " is no value of ", dtype, ". Give a float dtype.");
  }
  store_double(out, dtype, v);
}

void fill_list(PyObject* o, DType dtype, char*& out, std::string_view what) {
  if (scalar_kind(o) != ScalarKind::none) {
    store_scalar(o, dtype, out, what);
    out += size_of(dtype);
    return;
  }
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i) fill_list(PySequence_Fast_GET_ITEM(o, i), dtype, out, what);
}

Tensor from_list(PyObject* o, const ConvertOptions& options, std::string_view what) {
  ListScan scan;
  scan_list(o, 0, scan, what);
  if (scan.has_arrays) {  // a list of arrays or tensors: converted one by one and stacked
    std::vector<Tensor> parts;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i) {
      parts.push_back(to_tensor(PySequence_Fast_GET_ITEM(o, i), options, what));
      if (!(parts[0].shape() == parts.back().shape())) {
        raise<ShapeError>(what, ": the list holds arrays of shapes ", parts[0].shape(), " and ", parts.back().shape(), ".");
      }
    }
    return stack(parts);
  }
  const bool real = scan.kind == ScalarKind::none || scan.kind == ScalarKind::real;
  const bool integer = scan.kind == ScalarKind::integer;
  const DType dtype = options.dtype.or_else(real      ? options.list_real.or_else(floatx())
                                            : integer ? options.list_integer.or_else(DType::int32)
                                                      : DType::boolean);
  Tensor t = Tensor::empty(scan.shape, dtype, what);
  char* out = static_cast<char*>(t.body()->data);
  fill_list(o, dtype, out, what);
  return t;
}

}  // namespace

ScalarKind scalar_kind(PyObject* o) {
  if (PyBool_Check(o)) return ScalarKind::boolean;
  if (PyLong_Check(o)) return ScalarKind::integer;
  if (PyFloat_Check(o)) return ScalarKind::real;
  return ScalarKind::none;
}

bool integer_fits(long long v, DType dtype) {
  if (dtype == DType::int32) return v >= INT32_MIN && v <= INT32_MAX;
  if (dtype == DType::uint8) return v >= 0 && v <= UINT8_MAX;
  if (dtype == DType::int8) return v >= INT8_MIN && v <= INT8_MAX;
  return dtype == DType::int64;
}

DType weak_dtype(ScalarKind kind, bool has_common, DType common) {
  switch (kind) {
    case ScalarKind::boolean: return has_common ? common : DType::boolean;
    case ScalarKind::integer: return !has_common || common == DType::boolean ? DType::int32 : common;
    default: return has_common && is_float(common) ? common : floatx();
  }
}

Tensor scalar_tensor(PyObject* o, ScalarKind, DType dtype, std::string_view what) {
  Tensor t = Tensor::empty({}, dtype, what);
  store_scalar(o, dtype, static_cast<char*>(t.body()->data), what);
  return t;
}

Tensor to_tensor(PyObject* o, const ConvertOptions& options, std::string_view what) {
  if (is_tensor(o)) {
    const Tensor& t = unwrap(o);
    return options.dtype.given && options.dtype.value != t.dtype() ? cast(t, {.dtype = options.dtype.value}) : t;
  }
  const ScalarKind kind = scalar_kind(o);
  if (kind != ScalarKind::none) return scalar_tensor(o, kind, options.dtype.or_else(weak_dtype(kind, false, DType::float32)), what);
  if (PyList_Check(o) || PyTuple_Check(o)) return from_list(o, options, what);
  if (PyBytes_Check(o) || PyByteArray_Check(o) || PyUnicode_Check(o) || o == Py_None || PyDict_Check(o)) {
    raise<TypeError>(what, ": cannot make a tensor from ", type_name(o), ". Pass numbers, nested lists or an array.");
  }
  if (PyObject_CheckBuffer(o)) {
    if (Tensor t = from_buffer(o, options, what); t.defined()) return t;
  }
  if (PyRange_Check(o)) {
    const py::object list = py::reinterpret_steal<py::object>(PySequence_List(o));
    if (!list) throw py::error_already_set();
    return from_list(list.ptr(), options, what);
  }
  if (PyObject_HasAttrString(o, "__dlpack__")) {
    Tensor t;
    try {
      t = dlpack_import(o);
    } catch (const py::error_already_set& e) {  // such as NumPy's for an array of dates
      raise<TypeError>(what, ": cannot make a tensor from ", type_name(o), ": ", std::string(py::str(e.value())), ".");
    }
    const DType wanted = options.dtype.or_else(t.dtype() == DType::float64 && !options.keep_float64 ? floatx() : t.dtype());
    if (wanted != t.dtype()) return cast(t, {.dtype = wanted});
    return options.share ? t : t.clone();
  }
  if (PyObject_HasAttrString(o, "__array__")) {
    py::object array = py::handle(o).attr("__array__")();
    if (array.ptr() != o && PyObject_CheckBuffer(array.ptr())) {
      if (Tensor t = from_buffer(array.ptr(), options, what); t.defined()) return t;
    }
  }
  raise<TypeError>(what, ": cannot make a tensor from ", type_name(o), ". Pass numbers, nested lists or an array.");
}

DType dtype_from_python(PyObject* o, std::string_view what) try {
  if (PyUnicode_Check(o)) return dtype_from_name(py::cast<std::string>(py::handle(o)));
  if (o == reinterpret_cast<PyObject*>(&PyFloat_Type)) return floatx();
  if (o == reinterpret_cast<PyObject*>(&PyLong_Type)) return DType::int32;
  if (o == reinterpret_cast<PyObject*>(&PyBool_Type)) return DType::boolean;
  for (const char* attribute : {"name", "__name__"}) {  // numpy dtypes; numpy scalar types
    if (!PyObject_HasAttrString(o, attribute)) continue;
    py::object name = py::handle(o).attr(attribute);
    if (py::isinstance<py::str>(name)) return dtype_from_name(py::cast<std::string>(name));
  }
  raise<TypeError>(what, ": dtype must be a name such as 'float32', got ", type_name(o), ".");
} catch (const Error&) {
  rethrow_with_owner(what);
}

PyObject* to_numpy(const Tensor& t) {
  if (t.dtype() == DType::bfloat16) raise<DTypeError>("numpy: NumPy has no bfloat16. Use x.astype('float32').numpy().");
  static const char* const kNumpyNames[kDTypeCount] = {"?", "u1", "i1", "i4", "i8", "f2", "u2", "f4", "f8"};
  py::module_ numpy = py::module_::import("numpy");
  PyObject* owner = wrap(t.detach());
  if (!owner) throw py::error_already_set();
  py::object base = py::reinterpret_steal<py::object>(owner);
  require_values("numpy", t);
  if (!t.requires_grad()) t.body()->storage->exposed.store(true, std::memory_order_relaxed);
  py::dict interface;
  py::tuple strides(t.rank());
  for (int i = 0; i < t.rank(); ++i) strides[i] = py::int_(t.view().strides[i] * size_of(t.dtype()));
  interface["shape"] = shape_tuple(t.shape());
  interface["strides"] = strides;
  interface["typestr"] = py::str(std::string(size_of(t.dtype()) == 1 ? "|" : "<") +
                                 (t.dtype() == DType::boolean ? "b1" : kNumpyNames[static_cast<int>(t.dtype())]));
  interface["version"] = py::int_(3);
  interface["data"] =
      py::make_tuple(reinterpret_cast<std::uintptr_t>(t.view().data), t.requires_grad() || t.body()->storage->read_only);
  // An object that carries the interface and keeps the tensor alive; NumPy makes it the array's base.
  py::object holder =
      py::module_::import("types").attr("SimpleNamespace")(py::arg("__array_interface__") = interface, py::arg("owner") = base);
  return numpy.attr("asarray")(holder).release().ptr();
}

py::object shape_tuple(const Shape& s) {
  py::tuple out(s.rank());
  for (int i = 0; i < s.rank(); ++i) out[i] = py::int_(s[i]);
  return out;
}

}  // namespace nacre::python
