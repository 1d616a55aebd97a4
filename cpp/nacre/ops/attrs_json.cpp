// One switch each way over the kinds of fields.
#include "nacre/ops/attrs_json.h"

#include <cmath>

namespace nacre {

namespace {

template <class T>
T& slot(std::byte* attrs, const FieldDef& f) {
  return *reinterpret_cast<T*>(attrs + f.offset);
}
template <class T>
const T& slot(const std::byte* attrs, const FieldDef& f) {
  return *reinterpret_cast<const T*>(attrs + f.offset);
}

Json list(const IntList& l) {
  Json out = Json::array();
  for (Dim v : l) out.push_back(v);
  return out;
}

IntList ints(std::string_view owner, const FieldDef& f, const Json& v) {
  IntList out;
  if (v.is_integer()) {
    out.push_back(v.get<Dim>());
    return out;
  }
  if (!v.is_array()) raise<TypeError>(owner, ": ", f.name, " must be an integer or a list of integers, got ", v.to_string(), ".");
  for (const Json& e : v.elements()) {
    if (!e.is_integer()) raise<TypeError>(owner, ": ", f.name, " must hold integers, got ", e.to_string(), ".");
    out.push_back(e.get<Dim>());
  }
  return out;
}

}  // namespace

std::string_view field_kind_name(FieldKind kind) {
  switch (kind) {
    case FieldKind::integer: return "int";
    case FieldKind::real: return "float";
    case FieldKind::boolean: return "bool";
    case FieldKind::ints: return "ints";
    case FieldKind::axes: return "ints?";
    case FieldKind::dtype: return "str";
    case FieldKind::opt_dtype: return "str?";
    case FieldKind::text: return "str";
  }
  return "any";
}

void attr_from_json(std::string_view owner, const FieldDef& f, const Json& v, std::byte* attrs) {
  const auto wrong = [&](std::string_view words) {
    raise<TypeError>(owner, ": ", f.name, " must be ", words, ", got ", v.to_string(), ".");
  };
  switch (f.kind) {
    case FieldKind::integer:
      if (!v.is_integer()) wrong("an integer");
      slot<Dim>(attrs, f) = v.get<Dim>();
      return;
    case FieldKind::real:
      if (v.is_null()) {
        slot<double>(attrs, f) = std::nan("");
        return;
      }
      if (!v.is_number()) wrong("a number");
      slot<double>(attrs, f) = v.get<double>();
      return;
    case FieldKind::boolean:
      if (!v.is_bool()) wrong("True or False");
      slot<bool>(attrs, f) = v.get<bool>();
      return;
    case FieldKind::ints: slot<IntList>(attrs, f) = v.is_null() ? IntList() : ints(owner, f, v); return;
    case FieldKind::axes: slot<Axes>(attrs, f) = v.is_null() ? Axes() : Axes(ints(owner, f, v)); return;
    case FieldKind::dtype:
      if (!v.is_string()) wrong("the name of a dtype");
      slot<DType>(attrs, f) = dtype_from_name(v.get<std::string>());
      return;
    case FieldKind::opt_dtype:
      if (!v.is_null() && !v.is_string()) wrong("the name of a dtype or None");
      slot<OptDType>(attrs, f) = v.is_null() ? OptDType() : OptDType(dtype_from_name(v.get<std::string>()));
      return;
    case FieldKind::text:
      if (!v.is_string()) wrong("a string");
      slot<Text>(attrs, f) = Text(std::string_view(v.get<std::string>()));
      return;
  }
}

Json attr_to_json(const FieldDef& f, const std::byte* attrs) {
  switch (f.kind) {
    case FieldKind::integer: return slot<Dim>(attrs, f);
    case FieldKind::real: {
      const double v = slot<double>(attrs, f);
      return std::isfinite(v) ? Json(v) : Json();
    }
    case FieldKind::boolean: return slot<bool>(attrs, f);
    case FieldKind::ints: return list(slot<IntList>(attrs, f));
    case FieldKind::axes: {
      const Axes& a = slot<Axes>(attrs, f);
      if (a.all) return {};
      return a.list.size() == 1 ? Json(a.list[0]) : list(a.list);
    }
    case FieldKind::dtype: return std::string(name_of(slot<DType>(attrs, f)));
    case FieldKind::opt_dtype: {
      const OptDType& t = slot<OptDType>(attrs, f);
      return t.given ? Json(std::string(name_of(t.value))) : Json();
    }
    case FieldKind::text: return std::string(slot<Text>(attrs, f).view());
  }
  return {};
}

}  // namespace nacre
