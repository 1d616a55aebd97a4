// One routine each for arguments, docs and repr of everything that has options.
#include "nacre/bindings/py_options.h"

#include <algorithm>
#include <cmath>

namespace nacre::python {

Json json_from_python(py::handle o, std::string_view owner, std::string_view option) {
  PyObject* p = o.ptr();
  if (p == Py_None) return {};
  if (PyBool_Check(p)) return p == Py_True;
  if (PyLong_Check(p)) {
    int overflow = 0;
    const long long v = PyLong_AsLongLongAndOverflow(p, &overflow);
    if (overflow) raise<ValueError>(owner, ": ", option, " = ", std::string(py::str(o)), " does not fit 64 bits.");
    return static_cast<std::int64_t>(v);
  }
  if (PyFloat_Check(p)) {
    const double v = PyFloat_AS_DOUBLE(p);
    if (!std::isfinite(v)) raise<ValueError>(owner, ": ", option, " must be finite, got ", v, ".");
    return v;
  }
  if (PyUnicode_Check(p)) return py::cast<std::string>(o);
  if (PyList_Check(p) || PyTuple_Check(p)) {
    Json list = Json::array();
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(p); ++i)
      list.push_back(json_from_python(PySequence_Fast_GET_ITEM(p, i), owner, option));
    return list;
  }
  if (PyDict_Check(p)) {
    Json object = Json::object();
    for (auto [key, value] : py::reinterpret_borrow<py::dict>(o)) {
      if (!py::isinstance<py::str>(key)) raise<TypeError>(owner, ": the keys of ", option, " must be strings.");
      object[py::cast<std::string>(key)] = json_from_python(value, owner, option);
    }
    return object;
  }
  if (is_tensor(p) || PyObject_HasAttrString(p, "__array__") || PyIndex_Check(p)) {  // numpy scalars and small arrays
    const Tensor t = to_tensor(p, {.keep_float64 = true}, cat(owner, ": ", option));
    if (t.count() > 4096) raise<ValueError>(owner, ": ", option, " is an array of ", t.count(), " numbers; give at most 4096.");
    py::object list = py::cast(t).attr("tolist")();
    return json_from_python(list, owner, option);
  }
  if (!PyType_Check(p) && PyObject_HasAttrString(p, "get_config")) {
    Json object = Json::object();
    object["class_name"] = py::hasattr(o, "class_name") ? py::cast<std::string>(o.attr("class_name"))
                                                        : py::cast<std::string>(o.attr("__class__").attr("__name__"));
    object["config"] = json_from_python(o.attr("get_config")(), owner, option);
    return object;
  }
  for (const char* attribute : {"__name__", "name"}) {
    if (PyObject_HasAttrString(p, attribute) && py::isinstance<py::str>(o.attr(attribute)))
      return py::cast<std::string>(o.attr(attribute));
  }
  raise<TypeError>(owner, ": ", option, " cannot be a ", Py_TYPE(p)->tp_name, ".");
}

py::object json_to_python(const Json& j) {
  switch (j.kind()) {
    case Json::Kind::null: return py::none();
    case Json::Kind::boolean: return py::bool_(j.get<bool>());
    case Json::Kind::integer: return py::int_(j.get<std::int64_t>());
    case Json::Kind::real: return py::float_(j.get<double>());
    case Json::Kind::string: return py::str(j.get<std::string>());
    case Json::Kind::array: {
      py::list list;
      for (const Json& e : j.elements()) list.append(json_to_python(e));
      return list;
    }
    case Json::Kind::object: {
      py::dict dict;
      for (auto [key, value] : j.items()) dict[py::str(key)] = json_to_python(value);
      return dict;
    }
  }
  return py::none();
}

Json bind_options(std::string_view owner, std::span<const OptionInfo> options, const py::args& args, const py::kwargs& kwargs) {
  Json config = Json::object();
  if (args.size() > options.size())
    raise<TypeError>(owner, ": takes at most ", options.size(), " arguments, got ", args.size(), ".");
  for (std::size_t i = 0; i < args.size(); ++i) config[options[i].name] = json_from_python(args[i], owner, options[i].name);
  for (auto [key, value] : kwargs) {
    const auto name = py::cast<std::string>(key);
    bool found = false;
    for (const OptionInfo& o : options) found |= o.name == name;
    if (!found) {
      std::string known;
      for (const OptionInfo& o : options) known += cat(known.empty() ? "" : ", ", o.name);
      raise<TypeError>(owner, ": unknown argument '", name, "'. Known: ", known, ".");
    }
    if (config.contains(name)) raise<TypeError>(owner, ": argument '", name, "' was given twice.");
    config[name] = json_from_python(value, owner, name);
  }
  for (const OptionInfo& o : options) {
    if (o.required && !config.contains(o.name)) raise<TypeError>(owner, ": ", o.name, " is missing.");
  }
  return config;
}

std::string options_doc(std::string_view owner, std::span<const OptionInfo> options, std::string_view doc) {
  std::string head(owner), args;
  head += "(";
  for (const OptionInfo& o : options) {
    head += cat(&o == options.data() ? "" : ", ", o.name);
    if (!o.required) head += cat("=", std::string(py::repr(json_to_python(o.fallback))));
    args += cat("    ", o.name, ": ", o.doc, ".\n");
  }
  if (!options.empty()) {
    args =
        cat("\n\nArgs:\n", args,
            "\nRaises:\n    ValueError: an option is out of range.\n    TypeError: an option is unknown or of the wrong type.\n");
  }
  const std::size_t example = std::min(doc.find("\n\nExample:"), doc.size());  // it comes last
  return cat(head, ")\n--\n\n", doc.substr(0, example), args, doc.substr(example));
}

std::string options_repr(std::string_view owner, std::span<const OptionInfo> options, const Json& config) {
  std::string s(owner);
  s += "(";
  bool first = true;
  for (const OptionInfo& o : options) {
    const Json* v = config.find(o.name);
    if (!v || (!o.required && *v == o.fallback)) continue;
    s += cat(first ? "" : ", ", o.name, "=", std::string(py::repr(json_to_python(*v))));
    first = false;
  }
  return s + ")";
}

}  // namespace nacre::python
