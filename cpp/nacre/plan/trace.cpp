// Symbolic tensors: a view whose pointer holds the number of its value, on a storage without memory that belongs to the trace.
#include "nacre/plan/trace.h"

#include <cstring>

#include "nacre/ops/random_state.h"

namespace nacre::plan {

namespace {

constexpr std::uintptr_t kStep = 64;  // pointers that are never valid, one per value

void* pointer_of(Id id) { return reinterpret_cast<void*>((static_cast<std::uintptr_t>(id) + 1) * kStep); }
Id id_behind(const void* p) { return static_cast<Id>(reinterpret_cast<std::uintptr_t>(p) / kStep - 1); }

bool same_view(const View& a, const View& b) {
  if (a.dtype != b.dtype || !(a.shape == b.shape)) return false;
  for (int i = 0; i < a.shape.rank(); ++i) {
    if (a.strides[i] != b.strides[i]) return false;
  }
  return true;
}

}  // namespace

Trace::Trace() {
  // An empty foreign storage: made through a tensor, kept by a count of our own.
  const Type nothing{DType::float32, {0}};
  const Dim stride = 1;
  const Tensor t = Tensor::from_memory(
      nullptr, nothing, {&stride, 1}, true, [](void*) {}, nullptr);
  storage_ = t.body()->storage;
  storage_->symbolic = true;
  storage_->refs.fetch_add(1, std::memory_order_relaxed);
}

Trace::~Trace() {
  View nothing;
  const Tensor last = make_view(storage_, nothing);        // takes a count ...
  storage_->refs.fetch_sub(1, std::memory_order_acq_rel);  // ... and ours goes with it
}

Id Trace::add_value(Value v) {
  const Id id = static_cast<Id>(graph_.values.size());
  if (v.root == kNone) v.root = id;
  graph_.values.push_back(std::move(v));
  return id;
}

Tensor Trace::symbol(Id id) {
  View v = graph_.at(id).view;
  v.data = pointer_of(id);
  return make_view(storage_, v);
}

Tensor Trace::input(const Type& type, std::string name) {
  Value v;
  static_cast<Type&>(v.view) = type;
  v.view.set_contiguous_strides();
  v.kind = ValueKind::input;
  v.name = std::move(name);
  return symbol(add_value(std::move(v)));
}

void Trace::name(const Tensor& t, std::string name) {
  const auto [begin, end] = bound_.equal_range(t.view().data);
  for (auto at = begin; at != end; ++at) graph_.at(at->second).name = name;
}

void Trace::constant(const Tensor& t) { graph_.at(id_of(t)).kind = ValueKind::constant; }

Tensor Trace::step_key(const RandomKey& key) {
  const Tensor t = key_tensor(key);
  graph_.at(id_of(t)).key = static_cast<int>(graph_.keys.size());
  graph_.keys.push_back(key);
  return t;
}

Id Trace::id_of(const Tensor& t) {
  if (!t.defined()) return kNone;
  if (t.symbolic()) {
    if (t.body()->storage != storage_) {
      raise<StateError>("capture: a symbolic tensor of shape ", t.shape(),
                        " was used outside of the capture that made it. Do not keep tensors of a layer's call in attributes.");
    }
    return id_behind(t.view().data);
  }
  const auto [begin, end] = bound_.equal_range(t.view().data);
  for (auto at = begin; at != end; ++at) {
    if (same_view(graph_.at(at->second).view, t.view())) return at->second;
  }
  Value v;
  v.view = t.view();
  v.view.data = nullptr;
  v.kind = ValueKind::bound;
  v.tensor = make_view(t.body()->storage, t.view());
  const Id id = add_value(std::move(v));
  bound_.emplace(t.view().data, id);
  return id;
}

void Trace::record(const OpDef& def, const void* attrs, std::string_view name, std::span<const Tensor> in,
                   std::span<const Type> types, std::span<Tensor> out) {
  Node node;
  node.def = &def;
  node.name = name;
  node.attrs = std::make_unique<std::byte[]>(def.attr_size);
  std::memcpy(node.attrs.get(), attrs, def.attr_size);
  for (std::size_t k = 0; k < in.size(); ++k) {
    node.in.push_back(id_of(in[k]));
    node.mutates = node.mutates || (in[k].defined() && def.inputs[std::min(k, def.inputs.size() - 1)].flags & kMutated);
  }
  const Id id = static_cast<Id>(graph_.nodes.size());
  if (def.view && !in.empty() && in[0].defined()) {
    const Value& x = graph_.at(node.in[0]);
    // Views compute addresses only: from a stand-in far above zero, offsets of either sign come out.
    constexpr std::uintptr_t base = std::uintptr_t{1} << 46;
    View from = x.view, to;
    from.data = reinterpret_cast<void*>(base);
    static_cast<Type&>(to) = types[0];
    if (def.view(node.attrs.get(), from, to)) {
      Value v;
      v.kind = x.kind;
      v.root = x.root;
      v.offset = x.offset + static_cast<Dim>(reinterpret_cast<std::uintptr_t>(to.data) - base);
      v.view = to;
      v.view.data = nullptr;
      v.producer = id;
      node.is_view = true;
      const Id y = add_value(std::move(v));
      node.out.push_back(y);
      out[0] = symbol(y);
      graph_.nodes.push_back(std::move(node));
      return;
    }
  }
  for (std::size_t i = 0; i < types.size(); ++i) {
    Value v;
    static_cast<Type&>(v.view) = types[i];
    v.view.set_contiguous_strides();
    v.producer = id;
    v.output = static_cast<int>(i);
    const Id y = add_value(std::move(v));
    node.out.push_back(y);
    out[i] = symbol(y);
  }
  graph_.nodes.push_back(std::move(node));
}

}  // namespace nacre::plan
