// The Python functions of all ops: one fastcall routine that reads the op's record. No code per op.
//
// Arguments are the op's tensors, then its attributes, by position or by name. Arrays, lists and numbers are taken for tensors; a number takes the
// dtype of the tensors beside it.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_map>

#include "nacre/bindings/py_graph.h"
#include "nacre/model/operation.h"
#include "nacre/ops/gradient_check.h"

namespace nacre::python {

namespace {

std::string type_name(PyObject* o) { return Py_TYPE(o)->tp_name; }

Dim parse_integer(const OpDef& def, std::string_view field, PyObject* o) {
  if (PyFloat_Check(o) || PyBool_Check(o) || !PyIndex_Check(o)) {
    raise<TypeError>(def.name, ": ", field, " must be an integer, got ", type_name(o), PyFloat_Check(o) ? " " : "",
                     PyFloat_Check(o) ? std::string(py::str(py::handle(o))) : "", ".");
  }
  py::object number = py::reinterpret_steal<py::object>(PyNumber_Index(o));
  if (!number) throw py::error_already_set();
  int overflow = 0;
  const long long v = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow) raise<ValueError>(def.name, ": ", field, " = ", std::string(py::str(number)), " does not fit 64 bits.");
  if (v == -1 && PyErr_Occurred()) throw py::error_already_set();
  return v;
}

double parse_real(const OpDef& def, std::string_view field, PyObject* o) {
  if (!PyFloat_Check(o) && !PyLong_Check(o) && !PyObject_HasAttrString(o, "__float__")) {
    raise<TypeError>(def.name, ": ", field, " must be a number, got ", type_name(o), ".");
  }
  const double v = PyFloat_AsDouble(o);
  if (v == -1.0 && PyErr_Occurred()) {
    PyErr_Clear();
    raise<ValueError>(def.name, ": ", field, " is no number that fits float64.");
  }
  if (std::fabs(v) >= 0x1p53 &&
      PyLong_Check(o)) {  // attributes are float64; a number that it rounds would give another result than was asked for
    const py::object back = py::reinterpret_steal<py::object>(PyLong_FromDouble(v));
    if (!back) throw py::error_already_set();
    if (!py::reinterpret_borrow<py::object>(o).equal(back)) {
      raise<ValueError>(def.name, ": ", field, " = ", std::string(py::str(py::handle(o))),
                        " is an integer that float64 cannot hold exactly. Make the values as an int64 array.");
    }
  }
  return v;
}

IntList parse_ints(const OpDef& def, std::string_view field, PyObject* o) {
  IntList list;
  if (!PyList_Check(o) && !PyTuple_Check(o) && (PyIndex_Check(o) || !PySequence_Check(o))) {
    list.push_back(parse_integer(def, field, o));
    return list;
  }
  py::object fast = py::reinterpret_steal<py::object>(PySequence_Fast(o, "not a sequence"));
  if (!fast) {
    PyErr_Clear();
    raise<TypeError>(def.name, ": ", field, " must be an integer or a sequence of integers, got ", type_name(o), ".");
  }
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(fast.ptr());
  if (n > IntList::kMax)
    raise<ValueError>(def.name, ": ", field, " has ", n, " numbers, more than the largest count, ", IntList::kMax, ".");
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(fast.ptr(), i);
    if (PyList_Check(item) || PyTuple_Check(item)) {  // pairs, as pad_width=((1, 1), (2, 2))
      for (Dim v : parse_ints(def, field, item)) list.push_back(v);
    } else {
      list.push_back(parse_integer(def, field, item));
    }
  }
  return list;
}

template <class T>
T& slot(std::byte* attrs, const FieldDef& f) {
  return *reinterpret_cast<T*>(attrs + f.offset);
}
template <class T>
const T& slot(const void* attrs, const FieldDef& f) {
  return *reinterpret_cast<const T*>(static_cast<const std::byte*>(attrs) + f.offset);
}

// Tensor arguments as given, before numbers get their dtype.
struct Arguments {
  std::vector<PyObject*> objects;
  std::vector<std::string> names;
};

// Handles of symbolic arguments stay empty; their dtypes count as tensors' do.
std::vector<Tensor> convert_inputs(const OpDef& def, const Arguments& given) {
  std::vector<Tensor> in(given.objects.size());
  bool has_common = false;
  ConvertOptions options{.share = true};
  DType common = DType::boolean;
  const auto flags = [&](std::size_t k) { return def.inputs[std::min(k, def.inputs.size() - 1)].flags; };
  for (std::size_t k = 0; k < in.size(); ++k) {
    PyObject* o = given.objects[k];
    if (o && is_tensor(o)) options.beside(unwrap(o).dtype());
  }
  for (std::size_t k = 0; k < in.size(); ++k) {
    PyObject* o = given.objects[k];
    if (!o || scalar_kind(o) != ScalarKind::none) continue;
    if (is_symbolic(o)) {
      if (flags(k) & kNoGrad) continue;
      const DType own = symbol_of(o).dtype();
      common = has_common ? promote(common, own) : own;
      has_common = true;
      continue;
    }
    in[k] = is_tensor(o) ? unwrap(o) : to_tensor(o, options, cat(def.name, ": ", given.names[k]));
    if (flags(k) & kNoGrad) continue;
    common = has_common ? promote(common, in[k].dtype()) : in[k].dtype();
    has_common = true;
  }
  for (std::size_t k = 0; k < in.size(); ++k) {
    PyObject* o = given.objects[k];
    if (!o) continue;
    const ScalarKind kind = scalar_kind(o);
    if (kind == ScalarKind::none) continue;
    const bool weak = !(flags(k) & kNoGrad);
    in[k] = scalar_tensor(o, kind, weak_dtype(kind, weak && has_common, common), cat(def.name, ": ", given.names[k]));
  }
  return in;
}

// Splits a Python call into tensors and attributes.
void parse_call(const OpDef& def, PyObject* const* args, Py_ssize_t n_args, PyObject* kwnames, Arguments& tensors,
                std::byte* attrs) {
  const std::size_t n_in = def.inputs.size(), n_fields = def.fields.size();
  std::memcpy(attrs, def.defaults, def.attr_size);
  std::vector<PyObject*> slots(n_in + n_fields, nullptr);
  // x.reshape(2, 3), x.transpose(1, 0): the only attribute, a list of integers, spread out.
  py::object spread;
  if (static_cast<std::size_t>(n_args) > slots.size() && n_fields == 1 &&
      (def.fields[0].kind == FieldKind::ints || def.fields[0].kind == FieldKind::axes)) {
    const auto first = static_cast<Py_ssize_t>(n_in);
    bool integers = true;
    for (Py_ssize_t i = first; i < n_args; ++i) integers = integers && PyIndex_Check(args[i]) && !PyList_Check(args[i]);
    if (integers) {
      py::tuple packed(n_args - first);
      for (Py_ssize_t i = first; i < n_args; ++i) packed[i - first] = py::handle(args[i]);
      spread = packed;
      n_args = first;
      slots[n_in] = spread.ptr();
    }
  }
  if (static_cast<std::size_t>(n_args) > slots.size()) {
    raise<TypeError>(def.name, ": takes at most ", slots.size(), " arguments, got ", n_args, ".");
  }
  for (Py_ssize_t i = 0; i < n_args; ++i) slots[static_cast<std::size_t>(i)] = args[i];
  const Py_ssize_t n_kw = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  for (Py_ssize_t i = 0; i < n_kw; ++i) {
    Py_ssize_t length = 0;
    const char* text = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(kwnames, i), &length);
    if (!text) throw py::error_already_set();
    const std::string_view name(text, static_cast<std::size_t>(length));
    std::size_t at = slots.size();
    for (std::size_t k = 0; k < n_in; ++k) {
      if (def.inputs[k].name == name) at = k;
    }
    for (std::size_t k = 0; k < n_fields; ++k) {
      if (def.fields[k].name == name) at = n_in + k;
    }
    if (at == slots.size()) {
      std::string known;
      for (const Arg& a : def.inputs) known += cat(known.empty() ? "" : ", ", a.name);
      for (const FieldDef& f : def.fields) known += cat(known.empty() ? "" : ", ", f.name);
      raise<TypeError>(def.name, ": unknown argument '", name, "'. Known: ", known, ".");
    }
    if (slots[at]) raise<TypeError>(def.name, ": argument '", name, "' was given twice.");
    slots[at] = args[n_args + i];
  }
  for (std::size_t k = 0; k < n_in; ++k) {
    PyObject* o = slots[k];
    const Arg& arg = def.inputs[k];
    if (arg.flags & kVariadic) {
      if (!o) raise<TypeError>(def.name, ": ", arg.name, " is missing.");
      if (!PyList_Check(o) && !PyTuple_Check(o)) {
        raise<TypeError>(def.name, ": ", arg.name, " must be a list or tuple of tensors, got ", type_name(o), ".");
      }
      for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i) {
        PyObject* item = PySequence_Fast_GET_ITEM(o, i);
        if (item == Py_None) raise<TypeError>(def.name, ": ", arg.name, "[", i, "] must be a tensor, got None.");
        tensors.objects.push_back(item);
        tensors.names.push_back(cat(arg.name, "[", i, "]"));
      }
      continue;
    }
    if (!o || o == Py_None) {
      if (!(arg.flags & kOptional)) {
        raise<TypeError>(def.name, ": ", arg.name, o ? " must be a tensor, got None." : " is missing.");
      }
      o = nullptr;
    }
    tensors.objects.push_back(o);
    tensors.names.emplace_back(arg.name);
  }
  for (std::size_t k = 0; k < n_fields; ++k) {
    if (PyObject* o = slots[n_in + k])
      parse_field(def, def.fields[k], o, attrs);
    else if (def.fields[k].required)
      raise<TypeError>(def.name, ": ", def.fields[k].name, " is missing.");
  }
}

bool any_symbolic(const Arguments& given) {
  return std::any_of(given.objects.begin(), given.objects.end(), [](PyObject* o) { return o && is_symbolic(o); });
}

// An op on symbolic tensors becomes a layer of the graph.
PyObject* record_op(const OpDef& def, const std::byte* attrs, const Arguments& given) {
  std::vector<Tensor> in = convert_inputs(def, given);
  std::vector<model::Operation::Slot> slots;
  std::vector<py::object> symbols;
  for (std::size_t k = 0; k < in.size(); ++k) {
    const bool symbolic = given.objects[k] && is_symbolic(given.objects[k]);
    if (symbolic) symbols.push_back(py::reinterpret_borrow<py::object>(given.objects[k]));
    slots.push_back({.symbol = symbolic, .constant = std::move(in[k])});
  }
  std::vector<py::object> out = connect(py::none(), std::make_shared<model::Operation>(def, attrs, std::move(slots)), symbols, {});
  if (def.outputs == 1) return out[0].release().ptr();
  py::tuple result(out.size());
  for (std::size_t i = 0; i < out.size(); ++i) result[i] = std::move(out[i]);
  return result.release().ptr();
}

struct AttrBlock {
  alignas(16) std::byte inline_[2048];
  std::unique_ptr<std::byte[]> heap;
  std::byte* get(std::size_t n) {
    if (n <= sizeof inline_) return inline_;
    heap = std::make_unique<std::byte[]>(n);
    return heap.get();
  }
};

// A call with nothing but tensors, in order, as op(x, y): no lists are made for it. Null for every other call.
PyObject* call_plainly(const OpDef& def, PyObject* const* args, Py_ssize_t n_args) {
  constexpr std::size_t kMost = 4;
  const std::size_t n = static_cast<std::size_t>(n_args), n_in = def.inputs.size();
  if (n == 0 || n > n_in || n > kMost || def.outputs != 1) return nullptr;
  for (std::size_t k = 0; k < n_in; ++k) {
    const unsigned flags = def.inputs[k].flags;
    if (flags & kVariadic || (k < n ? !is_tensor(args[k]) : !(flags & kOptional))) return nullptr;
  }
  for (const FieldDef& f : def.fields) {
    if (f.required) return nullptr;
  }
  Tensor in[kMost];
  Dim work = 0;
  for (std::size_t k = 0; k < n; ++k) {
    in[k] = unwrap(args[k]);
    work += in[k].count();
  }
  Tensor out;
  {
    MaybeRelease guard(work > 32768);
    out = apply_one(def, def.defaults, std::span<const Tensor>(in, n_in < kMost ? n_in : n));
  }
  return wrap(std::move(out));
}

PyObject* call_op(PyObject* self, PyObject* const* args, Py_ssize_t n_args, PyObject* kwnames) {
  return guarded([&]() -> PyObject* {
    const auto& def = *static_cast<const OpDef*>(PyCapsule_GetPointer(self, "nacre.op"));
    if (!kwnames) {
      if (PyObject* result = call_plainly(def, args, n_args)) return result;
    }
    AttrBlock block;
    std::byte* attrs = block.get(def.attr_size);
    Arguments tensors;
    parse_call(def, args, n_args, kwnames, tensors, attrs);
    if (any_symbolic(tensors)) return record_op(def, attrs, tensors);
    std::vector<Tensor> in = convert_inputs(def, tensors);
    Dim work = 0;
    for (const Tensor& t : in) work += t.defined() ? t.count() : 0;
    const bool release = work > 32768 || in.empty();
    if (def.outputs == 1) {
      Tensor out;
      {
        MaybeRelease guard(release);
        out = apply_one(def, attrs, in);
      }
      return wrap(std::move(out));
    }
    std::vector<Tensor> outs;
    {
      MaybeRelease guard(release);
      outs = apply(def, attrs, in);
    }
    py::tuple result(outs.size());
    for (std::size_t i = 0; i < outs.size(); ++i) result[i] = py::cast(std::move(outs[i]));
    return result.release().ptr();
  });
}

std::string python_default(const FieldDef& f, const void* attrs) { return std::string(py::repr(field_to_python(f, attrs))); }

std::string signature(const OpDef& def) {
  std::string s(def.name);
  s += '(';
  bool first = true;
  for (const Arg& a : def.inputs) {
    s += cat(first ? "" : ", ", a.name, a.flags & kOptional ? "=None" : "");
    first = false;
  }
  for (const FieldDef& f : def.fields) {
    s += cat(first ? "" : ", ", f.name);
    if (!f.required) s += cat("=", python_default(f, def.defaults));
    first = false;
  }
  return s + ")";
}

py::dict record(const OpDef& def) {
  static const char* const kinds[] = {"int", "float", "bool", "ints", "axes", "dtype", "opt_dtype", "str"};
  py::dict d;
  d["name"] = std::string(def.name);
  d["doc"] = std::string(def.doc);
  d["signature"] = signature(def);
  d["internal"] = def.internal;
  d["outputs"] = def.outputs;
  d["differentiable"] = def.not_differentiable.empty();
  d["not_differentiable"] = std::string(def.not_differentiable);
  d["is_view"] = def.view != nullptr;
  py::list inputs, fields;
  for (const Arg& a : def.inputs) {
    py::dict e;
    e["name"] = std::string(a.name);
    e["optional"] = bool(a.flags & kOptional);
    e["variadic"] = bool(a.flags & kVariadic);
    e["no_grad"] = bool(a.flags & kNoGrad);
    e["mutated"] = bool(a.flags & kMutated);
    inputs.append(e);
  }
  for (const FieldDef& f : def.fields) {
    py::dict e;
    e["name"] = std::string(f.name);
    e["kind"] = kinds[static_cast<int>(f.kind)];
    e["required"] = f.required;
    e["default"] = f.required ? py::none() : field_to_python(f, def.defaults);
    fields.append(e);
  }
  d["inputs"] = inputs;
  d["fields"] = fields;
  return d;
}

}  // namespace

void parse_field(const OpDef& def, const FieldDef& f, PyObject* o, std::byte* attrs) {
  switch (f.kind) {
    case FieldKind::integer: slot<Dim>(attrs, f) = parse_integer(def, f.name, o); return;
    case FieldKind::real: slot<double>(attrs, f) = o == Py_None ? std::nan("") : parse_real(def, f.name, o); return;
    case FieldKind::boolean:
      if (!PyBool_Check(o)) raise<TypeError>(def.name, ": ", f.name, " must be True or False, got ", type_name(o), ".");
      slot<bool>(attrs, f) = o == Py_True;
      return;
    case FieldKind::ints: slot<IntList>(attrs, f) = o == Py_None ? IntList() : parse_ints(def, f.name, o); return;
    case FieldKind::axes: slot<Axes>(attrs, f) = o == Py_None ? Axes() : Axes(parse_ints(def, f.name, o)); return;
    case FieldKind::dtype: slot<DType>(attrs, f) = dtype_from_python(o, def.name); return;
    case FieldKind::opt_dtype:
      slot<OptDType>(attrs, f) = o == Py_None ? OptDType() : OptDType(dtype_from_python(o, def.name));
      return;
    case FieldKind::text: {
      if (!PyUnicode_Check(o)) raise<TypeError>(def.name, ": ", f.name, " must be a string, got ", type_name(o), ".");
      const std::string s = py::cast<std::string>(py::handle(o));
      if (s.size() > Text::kMax || s.find('\0') != std::string::npos) {
        raise<ValueError>(def.name, ": ", f.name, " = '", s.substr(0, 20), "...' is too long or holds a zero character.");
      }
      slot<Text>(attrs, f) = Text(std::string_view(s));
      return;
    }
  }
}

py::object field_to_python(const FieldDef& f, const void* attrs) {
  const auto ints = [](const IntList& l) {
    py::tuple t(l.size());
    for (int i = 0; i < l.size(); ++i) t[i] = py::int_(l[i]);
    return t;
  };
  switch (f.kind) {
    case FieldKind::integer: return py::int_(slot<Dim>(attrs, f));
    case FieldKind::real: {
      const double v = slot<double>(attrs, f);
      if (v != v) return py::none();
      return py::float_(v);
    }
    case FieldKind::boolean: return py::bool_(slot<bool>(attrs, f));
    case FieldKind::ints: {
      const auto& l = slot<IntList>(attrs, f);
      if (l.size() == 0) return py::none();
      return ints(l);
    }
    case FieldKind::axes: {
      const auto& a = slot<Axes>(attrs, f);
      if (a.all) return py::none();
      if (a.list.size() == 1) return py::int_(a.list[0]);
      return ints(a.list);
    }
    case FieldKind::dtype: return py::str(std::string(name_of(slot<DType>(attrs, f))));
    case FieldKind::opt_dtype: {
      const auto& t = slot<OptDType>(attrs, f);
      if (!t.given) return py::none();
      return py::str(std::string(name_of(t.value)));
    }
    case FieldKind::text: return py::str(std::string(slot<Text>(attrs, f).view()));
  }
  return py::none();
}

void bind_ops(py::module_& m) {
  // Method definitions and their texts live as long as the process: Python keeps pointers to them.
  struct Entry {
    std::string name, doc;
    PyMethodDef method;
  };
  static std::vector<std::unique_ptr<Entry>> entries;
  py::dict functions, records;
  for (const OpDef* def : registry()) {
    auto entry = std::make_unique<Entry>();
    entry->name = def->name;
    entry->doc = cat(signature(*def), "\n--\n\n", def->doc);
    entry->method = {entry->name.c_str(), reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(call_op)),
                     METH_FASTCALL | METH_KEYWORDS, entry->doc.c_str()};
    py::capsule self(def, "nacre.op");
    py::str module("nacre.ops");
    PyObject* fn = PyCFunction_NewEx(&entry->method, self.ptr(), module.ptr());
    if (!fn) throw py::error_already_set();
    functions[py::str(entry->name)] = py::reinterpret_steal<py::object>(fn);
    entries.push_back(std::move(entry));
  }
  m.attr("op_functions") = functions;
  m.def(
      "op_records",
      [] {
        py::dict all;
        for (const OpDef* def : registry()) all[py::str(std::string(def->name))] = record(*def);
        return all;
      },
      "The record of every op, by name: arguments, attributes, defaults, doc.");

  // Ops that are methods too, as in NumPy and PyTorch.
  for (const char* name :
       {"sum",     "mean",     "var",     "std",       "max",     "min",         "argmax",  "argmin", "prod",  "any",
        "all",     "cumsum",   "reshape", "transpose", "squeeze", "expand_dims", "flatten", "clip",   "round", "abs",
        "exp",     "log",      "sqrt",    "tanh",      "sigmoid", "relu",        "softmax", "matmul", "take",  "sort",
        "argsort", "swapaxes", "square",  "sin",       "cos",     "pad",         "tile",    "flip",   "repeat"}) {
    if (!functions.contains(name)) continue;
    PyObject* method = PyInstanceMethod_New(py::object(functions[name]).ptr());
    if (!method) throw py::error_already_set();
    py::handle(reinterpret_cast<PyObject*>(tensor_type)).attr(name) = py::reinterpret_steal<py::object>(method);
  }

  m.def(
      "gradient_check",
      [](const std::string& name, const py::list& inputs, const py::dict& attributes, std::uint64_t seed, bool second,
         double step) {
        const OpDef* def = find_op(name);
        if (!def) raise<ValueError>("gradient_check: unknown op '", name, "'.");
        AttrBlock block;
        std::byte* attrs = block.get(def->attr_size);
        std::memcpy(attrs, def->defaults, def->attr_size);
        for (auto [key, value] : attributes) {
          const auto key_text = py::cast<std::string>(key);
          const FieldDef* found = nullptr;
          for (const FieldDef& f : def->fields) {
            if (f.name == key_text) found = &f;
          }
          if (!found) raise<ValueError>("gradient_check: ", name, " has no attribute '", key_text, "'.");
          parse_field(*def, *found, value.ptr(), attrs);
        }
        std::vector<Tensor> in;
        for (auto o : inputs) in.push_back(o.is_none() ? Tensor() : to_tensor(o.ptr(), {.keep_float64 = true}, "gradient_check"));
        GradientCheck result;
        {
          py::gil_scoped_release release;
          result = check_gradient(*def, attrs, in, {.seed = seed, .second = second, .step = step});
        }
        py::dict d;
        d["checked"] = result.checked;
        d["worst"] = result.worst;
        d["worst_input"] = result.worst_input;
        d["worst_element"] = result.worst_element;
        d["expected"] = result.expected;
        d["got"] = result.got;
        return d;
      },
      py::arg("name"), py::arg("inputs"), py::arg("attributes") = py::dict(), py::arg("seed") = 0, py::arg("second") = false,
      py::arg("step") = 1e-6,
      "Compares an op's gradient with central differences. `worst` is the largest |got - expected| / (atol + rtol |expected|): at "
      "most 1 passes.");
}

}  // namespace nacre::python
