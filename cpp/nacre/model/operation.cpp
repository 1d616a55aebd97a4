#include "nacre/model/operation.h"

#include <algorithm>
#include <cstring>

#include "nacre/base/error_owner.h"
#include "nacre/ops/attrs_json.h"
#include "nacre/ops/ops.h"

namespace nacre::model {

namespace {

// Bytes as text in base 16: exact for every dtype, NaN too.
Json tensor_to_json(const Tensor& t) {
  const Tensor c = t.contiguous() ? t : t.clone();
  const auto* p = static_cast<const unsigned char*>(c.view().data);
  const auto n = static_cast<std::size_t>(c.count() * size_of(c.dtype()));
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * n);
  for (std::size_t i = 0; i < n; ++i) {
    text.push_back(kDigits[p[i] >> 4]);
    text.push_back(kDigits[p[i] & 15]);
  }
  return Json::object({{"dtype", Json(name_of(t.dtype()))}, {"shape", Json(t.shape())}, {"data", Json(std::move(text))}});
}

Tensor tensor_from_json(std::string_view owner, const Json& j) {
  const DType dtype = dtype_from_name(j.get<std::string>("dtype"));
  const auto shape = j.get<Shape>("shape");
  const auto text = j.get<std::string>("data");
  if (static_cast<Dim>(text.size()) != 2 * checked_count(owner, shape, dtype) * size_of(dtype))
    raise<ValueError>(owner, ": a constant of shape ", shape, " and dtype ", dtype, " has ", text.size(), " digits.");
  Tensor t = Tensor::empty(shape, dtype, owner);
  auto* p = static_cast<unsigned char*>(t.view().data);
  const auto digit = [&](char c) -> unsigned {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    raise<ValueError>(owner, ": a constant holds '", std::string(1, c), "', which is no digit of base 16.");
  };
  for (std::size_t i = 0; i < text.size() / 2; ++i) {
    p[i] = static_cast<unsigned char>(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
    if (dtype == DType::boolean && p[i] > 1) raise<ValueError>(owner, ": a constant of dtype bool holds ", int{p[i]}, ".");
  }
  return t;
}

nn::LayerCommon common_from(std::string_view owner, const Json& config) {
  if (!config.is_object()) raise<TypeError>(owner, ": the configuration must be an object.");
  Json own = Json::object();
  for (const char* key : {"name", "dtype", "trainable"}) {
    if (const Json* value = config.find(key)) own[key] = *value;
  }
  return options_from_json<nn::LayerCommon>(owner, own);
}

// Sizes that stand in for unknown ones: many divisors, so that reshapes which fit every batch fit them.
constexpr Dim kBatch[] = {55440, 720720}, kOther[] = {27720, 360360};

Dim slice_length(const IndexItem& item, Dim n) {
  const Dim step = item.step == IndexItem::kNone ? 1 : item.step;
  const auto clipped = [&](Dim v, Dim low, Dim high) { return std::clamp(v < 0 ? v + n : v, low, high); };
  if (step > 0) {
    const Dim a = item.start == IndexItem::kNone ? 0 : clipped(item.start, 0, n),
              b = item.stop == IndexItem::kNone ? n : clipped(item.stop, 0, n);
    return b > a ? (b - a - 1) / step + 1 : 0;
  }
  const Dim a = item.start == IndexItem::kNone ? n - 1 : clipped(item.start, -1, n - 1),
            b = item.stop == IndexItem::kNone ? -1 : clipped(item.stop, -1, n - 1);
  return a > b ? (a - b - 1) / -step + 1 : 0;
}

}  // namespace

// ---- Operation ----

Operation::Operation(const OpDef& def, const void* attributes, std::vector<Slot> slots, nn::LayerCommon common)
    : ListLayer(std::move(common), kName), def_(def), attributes_(new std::byte[def.attr_size]), slots_(std::move(slots)) {
  if (!name_given()) set_name(std::string(def.name));
  std::memcpy(attributes_.get(), attributes, def.attr_size);
  if (def.internal) raise<ValueError>(def.name, ": is internal and cannot be part of a model.");
  for (const Arg& a : def.inputs) {
    if (a.flags & kMutated) raise<ValueError>(def.name, ": changes its input in place and cannot be part of a model.");
    if (a.name == "key")
      raise<ValueError>(def.name, ": its random numbers would be the same at every call. Use a layer, such as layers.Dropout.");
  }
  const std::size_t n = def.inputs.size();
  const bool variadic = n > 0 && (def.inputs.back().flags & kVariadic);
  if (variadic ? slots_.size() < n - 1 : slots_.size() > n)
    raise<ValueError>(def.name, ": takes ", n, " inputs, got ", slots_.size(), ".");
  for (std::size_t k = slots_.size(); k < n; ++k) {
    if (!(def.inputs[k].flags & (kOptional | kVariadic))) raise<TypeError>(def.name, ": ", def.inputs[k].name, " is missing.");
  }
  for (std::size_t k = 0; k < slots_.size(); ++k) {
    Slot& s = slots_[k];
    if (s.constant.defined() && s.constant.requires_grad()) {
      raise<ValueError>(def.name,
                        ": a tensor that requires a gradient would not be trained with the model. Make it a weight of a layer, or "
                        "detach it.");
    }
    if (!s.symbol && !s.constant.defined() && !(def.inputs[std::min(k, n - 1)].flags & kOptional))
      raise<TypeError>(def.name, ": ", def.inputs[std::min(k, n - 1)].name, " is missing.");
  }
}

void Operation::check_count(std::size_t inputs) const {
  std::size_t wanted = 0;
  for (const Slot& s : slots_) wanted += s.symbol;
  if (inputs != wanted) raise<ValueError>(label(), ": takes ", wanted, " inputs, got ", inputs, ".");
}

Json Operation::config() const {
  Json j = common_config(), attributes = Json::object(), inputs = Json::array();
  for (const FieldDef& f : def_.fields) attributes[f.name] = attr_to_json(f, attributes_.get());
  for (const Slot& s : slots_)
    inputs.push_back(s.symbol ? Json("symbol") : s.constant.defined() ? tensor_to_json(s.constant) : Json());
  j["op"] = def_.name;
  j["attributes"] = std::move(attributes);
  j["inputs"] = std::move(inputs);
  return j;
}

std::shared_ptr<Operation> Operation::from_config(const Json& config) {
  nn::LayerCommon common = common_from(kName, config);
  const auto name = config.get<std::string>("op");
  const OpDef* def = find_op(name);
  if (!def) raise<ValueError>("Operation: the op '", detail::shortened(name), "' is unknown.");
  auto attributes = std::make_unique<std::byte[]>(def->attr_size);
  std::memcpy(attributes.get(), def->defaults, def->attr_size);
  for (auto [key, value] : config.at("attributes").items()) {
    const FieldDef* field = nullptr;
    for (const FieldDef& f : def->fields) {
      if (f.name == key) field = &f;
    }
    if (!field) raise<TypeError>("Operation: ", name, " has no attribute '", detail::shortened(key), "'.");
    attr_from_json(name, *field, value, attributes.get());
  }
  std::vector<Slot> slots;
  for (const Json& s : config.at("inputs").elements()) {
    if (s.is_string())
      slots.push_back({});
    else
      slots.push_back({.symbol = false, .constant = s.is_null() ? Tensor() : tensor_from_json(name, s)});
  }
  return std::make_shared<Operation>(*def, attributes.get(), std::move(slots), std::move(common));
}

std::vector<Type> Operation::infer(std::span<const Type> inputs, Dim batch, Dim other) const {
  std::vector<View> views(slots_.size());
  std::vector<View*> given(slots_.size(), nullptr);
  const std::size_t last = def_.inputs.empty() ? 0 : def_.inputs.size() - 1;
  bool first = true;
  DType common = DType::boolean;
  for (std::size_t k = 0, at = 0; k < slots_.size(); ++k) {
    const Slot& s = slots_[k];
    if (!s.symbol && !s.constant.defined()) continue;
    Type t = s.symbol ? inputs[at++] : Type{s.constant.dtype(), s.constant.shape()};
    for (int i = 0; i < t.shape.rank(); ++i) {
      if (t.shape[i] == nn::kUnknown) t.shape[i] = i == 0 ? batch : other;
    }
    static_cast<Type&>(views[k]) = t;
    Dim stride = 1;
    for (int i = t.shape.rank() - 1; i >= 0; --i)
      views[k].strides[i] = stride, stride = checked_mul(def_.name, stride, std::max<Dim>(t.shape[i], 1));
    given[k] = &views[k];
    if (def_.inputs[std::min(k, last)].flags & kNoGrad) continue;
    common = first ? t.dtype : promote(common, t.dtype);
    first = false;
  }
  if (def_.promote != Promote::none) {  // as apply does before it asks the shape rule
    if (def_.promote == Promote::to_float && !is_float(common)) common = floatx();
    for (std::size_t k = 0; k < slots_.size(); ++k) {
      if (given[k] && !(def_.inputs[std::min(k, last)].flags & kNoGrad)) views[k].dtype = common;
    }
  }
  std::vector<Type> out;
  def_.infer(attributes_.get(), In{given.data(), static_cast<int>(given.size())}, out);
  return out;
}

std::vector<Type> Operation::output_types(std::span<const Type> inputs, const Json&) const {
  check_count(inputs.size());
  bool unknown = false;
  for (const Type& t : inputs) {
    for (Dim d : t.shape) unknown |= d == nn::kUnknown;
  }
  std::vector<Type> out;
  try {
    out = infer(inputs, kBatch[0], kOther[0]);
    if (!unknown) return out;
    const std::vector<Type> again = infer(inputs, kBatch[1], kOther[1]);
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (out[i].shape.rank() != again[i].shape.rank())
        raise<ShapeError>(def_.name, ": the rank of the result depends on sizes that are not known.");
      for (int d = 0; d < out[i].shape.rank(); ++d) {
        if (out[i].shape[d] != again[i].shape[d]) out[i].shape[d] = nn::kUnknown;
      }
    }
  } catch (const ShapeError& e) {
    if (!unknown) throw;
    raise<ShapeError>(e.what(), " (Sizes that are not known stand in as ", kBatch[0], " for the batch and ", kOther[0], ".)");
  }
  return out;
}

std::vector<Tensor> Operation::run(std::span<const Tensor> inputs, const nn::CallContext&) {
  check_count(inputs.size());
  std::vector<Tensor> all(slots_.size());
  for (std::size_t k = 0, at = 0; k < slots_.size(); ++k) all[k] = slots_[k].symbol ? inputs[at++] : slots_[k].constant;
  return apply(def_, attributes_.get(), all);
}

// ---- GetItem ----

GetItem::GetItem(std::vector<IndexItem> items, nn::LayerCommon common)
    : ListLayer(std::move(common), kName), items_(std::move(items)) {
  for (const IndexItem& i : items_) {
    if (i.kind == IndexItem::Kind::tensor)
      raise<TypeError>("index: a symbolic tensor takes integers, slices, ... and None. Use nc.ops.take for positions in a tensor.");
    if (i.kind == IndexItem::Kind::slice && i.step == 0) raise<ValueError>("index: the step of a slice must not be 0.");
  }
}

Json GetItem::config() const {
  Json j = common_config(), items = Json::array();
  const auto bound = [](Dim v) { return v == IndexItem::kNone ? Json() : Json(v); };
  for (const IndexItem& i : items_) {
    switch (i.kind) {
      case IndexItem::Kind::integer: items.push_back(i.start); break;
      case IndexItem::Kind::slice: items.push_back(Json::array({bound(i.start), bound(i.stop), bound(i.step)})); break;
      case IndexItem::Kind::ellipsis: items.push_back("..."); break;
      default: items.push_back(Json());
    }
  }
  j["items"] = std::move(items);
  return j;
}

std::shared_ptr<GetItem> GetItem::from_config(const Json& config) {
  nn::LayerCommon common = common_from(kName, config);
  std::vector<IndexItem> items;
  const auto bound = [](const Json& j) { return j.is_null() ? IndexItem::kNone : j.get<Dim>(); };
  for (const Json& j : config.at("items").elements()) {
    if (j.is_null()) {
      items.push_back(IndexItem::new_axis());
    } else if (j.is_string()) {
      items.push_back(IndexItem::dots());
    } else if (j.is_array()) {
      items.push_back(IndexItem::range(bound(j.at(std::ptrdiff_t{0})), bound(j.at(1)), bound(j.at(2))));
    } else {
      items.push_back(IndexItem::at(j.get<Dim>()));
    }
  }
  return std::make_shared<GetItem>(std::move(items), std::move(common));
}

std::vector<Type> GetItem::output_types(std::span<const Type> inputs, const Json&) const {
  need_one(inputs.size());
  const Shape& in = inputs[0].shape;
  int used = 0, dots = 0;
  for (const IndexItem& i : items_) {
    used += i.kind == IndexItem::Kind::integer || i.kind == IndexItem::Kind::slice;
    dots += i.kind == IndexItem::Kind::ellipsis;
  }
  if (used > in.rank()) raise<IndexError>("index: ", used, " indices for a symbolic tensor of shape ", in, ".");
  if (dots > 1) raise<IndexError>("index: more than one '...'.");
  Type out{inputs[0].dtype, {}};
  int axis = 0;
  const auto keep = [&](int n) {
    for (; n > 0; --n) out.shape.push_back(in[axis++]);
  };
  for (const IndexItem& i : items_) {
    switch (i.kind) {
      case IndexItem::Kind::ellipsis: keep(in.rank() - used); break;
      case IndexItem::Kind::new_axis: out.shape.push_back(1); break;
      case IndexItem::Kind::integer:
        if (in[axis] != nn::kUnknown && (i.start >= in[axis] || i.start < -in[axis]))
          raise<IndexError>("index: ", i.start, " is out of range for axis ", axis, " of size ", in[axis], ".");
        ++axis;
        break;
      default:
        if (in[axis] != nn::kUnknown)
          out.shape.push_back(slice_length(i, in[axis]));
        else
          out.shape.push_back(nn::kUnknown);
        ++axis;
    }
  }
  if (dots == 0) keep(in.rank() - used);
  return {out};
}

std::vector<Tensor> GetItem::run(std::span<const Tensor> inputs, const nn::CallContext&) {
  need_one(inputs.size());
  try {
    return {get_item(inputs[0], items_)};
  } catch (const Error&) {
    rethrow_with_owner(label());
  }
}

}  // namespace nacre::model
