// Dead values, constants, common subexpressions, what waits for the commit.
#include "nacre/plan/passes.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "nacre/base/half.h"
#include "nacre/ops/ops.h"
#include "nacre/ops/recorder.h"

namespace nacre::plan {

namespace {

template <class T>
const T& field(const FieldDef& f, const void* attrs) {
  return *reinterpret_cast<const T*>(static_cast<const std::byte*>(attrs) + f.offset);
}

bool equal_field(const FieldDef& f, const void* a, const void* b) {
  switch (f.kind) {
    case FieldKind::integer: return field<Dim>(f, a) == field<Dim>(f, b);
    case FieldKind::real: return std::memcmp(&field<double>(f, a), &field<double>(f, b), sizeof(double)) == 0;
    case FieldKind::boolean: return field<bool>(f, a) == field<bool>(f, b);
    case FieldKind::ints: return field<IntList>(f, a) == field<IntList>(f, b);
    case FieldKind::axes: return field<Axes>(f, a) == field<Axes>(f, b);
    case FieldKind::dtype: return field<DType>(f, a) == field<DType>(f, b);
    case FieldKind::opt_dtype: return field<OptDType>(f, a) == field<OptDType>(f, b);
    case FieldKind::text: return field<Text>(f, a) == field<Text>(f, b);
  }
  return false;
}

// Storage of a bound value: two bound values may view one tensor.
const void* storage_of(const Graph& g, Id id) {
  const Value& v = g.at(g.root_of(id));
  return v.kind == ValueKind::bound ? v.tensor.body()->storage : nullptr;
}

bool mutated_argument(const Node& n, std::size_t k) {
  return n.def->inputs[std::min(k, n.def->inputs.size() - 1)].flags & kMutated;
}

std::vector<const void*> mutated_storages(const Graph& g) {
  std::vector<const void*> list;
  for (const Node& n : g.nodes) {
    if (!n.mutates) continue;
    for (std::size_t k = 0; k < n.in.size(); ++k) {
      if (n.in[k] != kNone && mutated_argument(n, k)) list.push_back(storage_of(g, n.in[k]));
    }
  }
  return list;
}

bool contains(const std::vector<const void*>& list, const void* p) { return std::find(list.begin(), list.end(), p) != list.end(); }

bool equal_attrs(const OpDef& def, const void* a, const void* b) {
  return std::all_of(def.fields.begin(), def.fields.end(), [&](const FieldDef& f) { return equal_field(f, a, b); });
}

// These nodes, in their order, are the graph from now on.
void set_nodes(Graph& g, std::vector<Node> nodes) {
  g.nodes = std::move(nodes);
  for (std::size_t i = 0; i < g.nodes.size(); ++i) {
    for (Id y : g.nodes[i].out) g.at(y).producer = static_cast<Id>(i);
  }
}

}  // namespace

void drop_dead_nodes(Graph& g, std::span<const Id> roots) {
  std::vector<bool> needed(g.values.size());
  for (Id r : roots) needed[static_cast<std::size_t>(r)] = true;
  std::vector<bool> keep(g.nodes.size());
  for (std::size_t i = g.nodes.size(); i-- > 0;) {
    const Node& n = g.nodes[i];
    bool wanted = n.mutates;
    for (Id y : n.out) wanted = wanted || needed[static_cast<std::size_t>(y)];
    if (!wanted) continue;
    keep[i] = true;
    for (Id x : n.in) {
      if (x != kNone) needed[static_cast<std::size_t>(x)] = true;
    }
  }
  std::vector<Node> kept;
  for (std::size_t i = 0; i < g.nodes.size(); ++i) {
    if (keep[i]) kept.push_back(std::move(g.nodes[i]));
  }
  set_nodes(g, std::move(kept));
}

void fold_constants(Graph& g) {
  const RunNow now;
  NoGrad no_grad;
  std::vector<Node> rest;
  for (Node& n : g.nodes) {
    if (n.is_view && g.at(g.root_of(n.out[0])).kind == ValueKind::constant) {
      Value& y = g.at(n.out[0]);
      const Tensor& whole = g.at(y.root).tensor;
      View v = y.view;
      v.data = static_cast<char*>(whole.view().data) + y.offset;
      y.tensor = make_view(whole.body()->storage, v);
      y.kind = ValueKind::constant;
      y.root = n.out[0];
      y.offset = 0;
      y.producer = kNone;
      continue;
    }
    const bool fixed = !n.mutates && !n.is_view && n.out.size() == 1 && std::all_of(n.in.begin(), n.in.end(), [&](Id x) {
      return x == kNone || g.at(x).kind == ValueKind::constant;
    });
    // Large constants are cheaper to make than to read.
    if (!fixed || g.bytes_of(n.out[0]) > 4096) {
      rest.push_back(std::move(n));
      continue;
    }
    std::vector<Tensor> in;
    for (Id x : n.in) in.push_back(x == kNone ? Tensor() : g.at(x).tensor);
    Value& y = g.at(n.out[0]);
    y.tensor = apply_one(*n.def, n.attrs.get(), in);
    y.kind = ValueKind::constant;
    y.producer = kNone;
  }
  set_nodes(g, std::move(rest));
}

namespace {

bool same_constant(const Value& a, const Value& b) {
  return a.view.dtype == b.view.dtype && a.view.shape == b.view.shape && a.tensor.contiguous() && b.tensor.contiguous() &&
         std::memcmp(a.tensor.view().data, b.tensor.view().data,
                     static_cast<std::size_t>(a.view.count() * size_of(a.view.dtype))) == 0;
}

bool is_one(const Graph& g, Id id) {
  const Value& v = g.at(id);
  if (v.kind != ValueKind::constant || !is_float(v.view.dtype)) return false;
  const auto* p = static_cast<const char*>(v.tensor.view().data);
  for (Dim i = 0; i < v.tensor.count(); ++i) {
    if (load_double(p + i * size_of(v.view.dtype), v.view.dtype) != 1.0) return false;
  }
  return true;
}

// The input that the node's result equals bit for bit, or kNone.
Id same_as_input(const Graph& g, const Node& n) {
  static const OpDef& copied = op_def<op::Copy>();
  static const OpDef& product = op_def<op::Multiply>();
  static const OpDef& spread = op_def<op::BroadcastTo>();
  const auto whole = [&](Id x) {
    const Value &v = g.at(x), &y = g.at(n.out[0]);
    return v.view.dtype == y.view.dtype && v.view.shape == y.view.shape && v.view.contiguous() && y.view.contiguous() &&
           v.kind != ValueKind::bound;
  };
  if (n.def == &copied || n.def == &spread) return whole(n.in[0]) ? n.in[0] : kNone;
  if (n.def == &product) {
    if (is_one(g, n.in[1]) && whole(n.in[0])) return n.in[0];
    if (is_one(g, n.in[0]) && whole(n.in[1])) return n.in[1];
  }
  return kNone;
}

}  // namespace

void merge_equal_nodes(Graph& g, std::span<Id> roots) {
  const std::vector<const void*> changed = mutated_storages(g);
  std::vector<Id> now(g.values.size());  // value that takes another's place
  for (std::size_t i = 0; i < now.size(); ++i) now[i] = static_cast<Id>(i);
  std::unordered_multimap<std::size_t, std::size_t> seen;
  std::vector<Node> rest;
  // Constants with the same values are one: the numbers that gradients are written with.
  std::vector<Id> constants;
  for (std::size_t v = 0; v < now.size(); ++v) {
    if (g.values[v].kind != ValueKind::constant || g.values[v].root != static_cast<Id>(v)) continue;
    const auto same = std::find_if(constants.begin(), constants.end(), [&](Id c) { return same_constant(g.at(c), g.values[v]); });
    if (same == constants.end())
      constants.push_back(static_cast<Id>(v));
    else
      now[v] = *same;
  }
  for (Node& n : g.nodes) {
    bool pure = !n.mutates;
    std::size_t hash = reinterpret_cast<std::uintptr_t>(n.def);
    for (Id& x : n.in) {
      if (x == kNone) continue;
      x = now[static_cast<std::size_t>(x)];
      hash = hash * 1000003u + static_cast<std::size_t>(x);
      const void* s = storage_of(g, x);
      pure = pure && !(s && contains(changed, s));
    }
    if (n.is_view) {  // lies where its input lies now
      Value& y = g.at(n.out[0]);
      const Id now_root = now[static_cast<std::size_t>(y.root)];
      if (now_root != y.root) {
        const Value& x = g.at(now_root);
        y.root = x.root;
        y.offset += x.offset;
        y.kind = x.kind;
      }
    }
    if (pure && n.out.size() == 1 && !n.is_view) {
      if (const Id x = same_as_input(g, n); x != kNone) {
        now[static_cast<std::size_t>(n.out[0])] = x;
        continue;
      }
    }
    if (pure) {
      const auto [begin, end] = seen.equal_range(hash);
      const auto same = std::find_if(begin, end, [&](const auto& entry) {
        const Node& o = rest[entry.second];
        return o.def == n.def && o.in == n.in && o.out.size() == n.out.size() && equal_attrs(*n.def, o.attrs.get(), n.attrs.get());
      });
      if (same != end) {
        for (std::size_t i = 0; i < n.out.size(); ++i) now[static_cast<std::size_t>(n.out[i])] = rest[same->second].out[i];
        continue;
      }
      seen.emplace(hash, rest.size());
    }
    rest.push_back(std::move(n));
  }
  set_nodes(g, std::move(rest));
  for (Id& r : roots) r = now[static_cast<std::size_t>(r)];
}

bool is_changed(const Graph& g, Id id) {
  const void* s = storage_of(g, id);
  return s && contains(mutated_storages(g), s);
}

std::vector<bool> committed_nodes(const Graph& g) {
  std::vector<bool> late(g.nodes.size()), late_value(g.values.size());
  std::vector<const void*> changed;
  for (std::size_t i = 0; i < g.nodes.size(); ++i) {
    const Node& n = g.nodes[i];
    bool waits = n.mutates;
    for (Id x : n.in) {
      if (x == kNone) continue;
      const void* s = storage_of(g, x);
      waits = waits || late_value[static_cast<std::size_t>(x)] || (s && contains(changed, s));
    }
    if (!waits) continue;
    late[i] = true;
    for (Id y : n.out) late_value[static_cast<std::size_t>(y)] = true;
    for (std::size_t k = 0; n.mutates && k < n.in.size(); ++k) {
      if (n.in[k] != kNone && mutated_argument(n, k)) changed.push_back(storage_of(g, n.in[k]));
    }
  }
  return late;
}

void hide_unread_outputs(const Graph& g, std::span<const Id> kept, const std::vector<Dim>& placed, std::vector<bool>& hidden) {
  std::vector<bool> read(g.values.size());
  for (const Node& n : g.nodes) {
    for (Id x : n.in) {
      if (x != kNone) read[static_cast<std::size_t>(g.root_of(x))] = true;
    }
  }
  for (Id id : kept) read[static_cast<std::size_t>(g.root_of(id))] = true;
  for (const Node& n : g.nodes) {
    for (std::size_t i = 0; i < n.out.size(); ++i) {
      const auto y = static_cast<std::size_t>(n.out[i]);
      if (n.def->optional_outputs >> i & 1 && !read[y] && placed[y] < 0) hidden[y] = true;
    }
  }
}

}  // namespace nacre::plan
