// Chains of elementwise ops.
//
// A chain runs at the place of its last member, so whatever else reads a member's value must come after that; what it needs from outside is there by
// then, since members keep their order. Inside, values go through tiles that stay in the first cache (see chain.h).
#include <algorithm>

#include "nacre/kernels/table.h"
#include "nacre/plan/chain.h"
#include "nacre/plan/passes.h"

namespace nacre::plan {

namespace {

constexpr std::size_t kLongest = 24;

}  // namespace

bool is_elementwise(const Graph& g, const Node& n) {
  if (!n.def->tile || n.mutates || n.is_view || n.out.size() != 1) return false;
  const Value& y = g.at(n.out[0]);
  const Dim count = y.view.count();
  if (count < 2) return false;
  if (std::any_of(n.in.begin(), n.in.end(), [](Id x) { return x == kNone; })) return false;
  InputTypes inputs(g, n);
  TileFn fn;
  if (!n.def->tile(n.attrs.get(), cpu_kernels(), inputs.list(), fn)) return false;
  for (std::size_t k = 0; k < n.in.size(); ++k) {
    const View& v = g.at(n.in[k]).view;
    if (fn.dropout && k == 1) {  // the key, which no chain makes
      if (!v.contiguous() || g.at(g.root_of(n.in[k])).kind == ValueKind::computed) return false;
      continue;
    }
    if ((fn.dropout || !repeats(v)) && (v.count() != count || !v.contiguous())) return false;
  }
  return true;
}

void fuse_chains(const Graph& g, std::vector<Id>& order, std::span<const Id> kept, const std::vector<Dim>& placed,
                 std::vector<std::vector<Id>>& chains, std::vector<bool>& hidden) {
  const auto at = [](Id id) { return static_cast<std::size_t>(id); };
  std::vector<Dim> position(g.nodes.size(), static_cast<Dim>(order.size()));  // nodes of the commit come last
  for (std::size_t i = 0; i < order.size(); ++i) position[at(order[i])] = static_cast<Dim>(i);
  // Readers of each root; a view is read where its memory is.
  std::vector<std::vector<Id>> readers(g.values.size());
  for (std::size_t i = 0; i < g.nodes.size(); ++i) {
    if (g.nodes[i].is_view) continue;
    for (Id x : g.nodes[i].in) {
      if (x != kNone) readers[at(g.root_of(x))].push_back(static_cast<Id>(i));
    }
  }
  std::vector<bool> stays(g.values.size());
  for (Id k : kept) stays[at(g.root_of(k))] = true;
  for (std::size_t v = 0; v < placed.size(); ++v) stays[v] = stays[v] || placed[v] >= 0;

  std::vector<int> chain_of(g.nodes.size(), -1);
  std::vector<std::vector<Id>> list;
  const auto seen_outside = [&](Id member, int chain) {
    const Id y = g.nodes[at(member)].out[0];
    return std::any_of(readers[at(y)].begin(), readers[at(y)].end(), [&](Id r) { return chain_of[at(r)] != chain; });
  };
  // Chain that made an input's whole value, or -1.
  const auto source = [&](Id x, Dim count) {
    const Id from = g.at(g.root_of(x)).producer;
    if (from == kNone || g.root_of(x) != g.nodes[at(from)].out[0]) return -1;
    const bool whole = g.at(g.root_of(x)).view.count() == count;
    return whole && chain_of[at(from)] >= 0 ? chain_of[at(from)] : -1;
  };
  // Can chain c wait for node `id`? Nobody outside may want a member's value before, and a part of one cannot be read from a tile.
  const auto can_wait = [&](int c, int with, Id id, const Node& n, Dim count) {
    const bool early = std::any_of(list[at(c)].begin(), list[at(c)].end(), [&](Id m) {
      const auto& all = readers[at(g.nodes[at(m)].out[0])];
      return std::any_of(all.begin(), all.end(), [&](Id r) {
        return chain_of[at(r)] != c && chain_of[at(r)] != with && position[at(r)] < position[at(id)];
      });
    });
    const bool part = std::any_of(n.in.begin(), n.in.end(), [&](Id x) {
      const Id made_by = g.at(g.root_of(x)).producer;
      return made_by != kNone && chain_of[at(made_by)] == c && (repeats(g.at(x).view) || g.at(x).view.count() != count);
    });
    return !early && !part;
  };
  const auto fits = [&](const std::vector<Id>& members, int chain) {
    return fits_in_tiles(g, members, [&](Id m) { return stays[at(g.nodes[at(m)].out[0])] || seen_outside(m, chain); });
  };
  for (Id id : order) {
    const Node& n = g.nodes[at(id)];
    if (!is_elementwise(g, n)) continue;
    const Dim count = g.at(n.out[0]).view.count();
    int mine = static_cast<int>(list.size());
    list.push_back({id});
    chain_of[at(id)] = mine;
    // The chains that made its inputs, one after the other: each joins when it can wait and the buffers suffice.
    for (Id x : n.in) {
      const int c = source(x, count);
      if (c < 0 || c == mine || list[at(c)].size() + list[at(mine)].size() > kLongest || !can_wait(c, mine, id, n, count)) continue;
      std::vector<Id> both = list[at(c)];
      both.insert(both.end(), list[at(mine)].begin(), list[at(mine)].end());
      std::sort(both.begin(), both.end(), [&](Id a, Id b) { return position[at(a)] < position[at(b)]; });
      for (Id m : list[at(c)]) chain_of[at(m)] = mine;
      if (fits(both, mine)) {
        list[at(mine)] = std::move(both);
        list[at(c)].clear();
      } else {
        for (Id m : list[at(c)]) chain_of[at(m)] = c;
      }
    }
  }
  std::vector<Id> rest;
  for (Id id : order) {
    const int c = chain_of[at(id)];
    if (c < 0 || list[at(c)].size() == 1) {
      rest.push_back(id);
      continue;
    }
    if (list[at(c)].back() != id) continue;
    rest.push_back(id);
    for (Id m : list[at(c)]) {
      const Id y = g.nodes[at(m)].out[0];
      hidden[at(y)] = !stays[at(y)] && !seen_outside(m, c);
    }
    chains[at(id)] = std::move(list[at(c)]);
  }
  order = std::move(rest);
}

std::vector<Id> step_members(Id node, const std::vector<std::vector<Id>>& chains, const std::vector<Around>& around) {
  const Around& a = around[static_cast<std::size_t>(node)];
  std::vector<Id> all = a.before;
  const auto& chain = chains[static_cast<std::size_t>(node)];
  if (chain.empty())
    all.push_back(node);
  else
    all.insert(all.end(), chain.begin(), chain.end());
  all.insert(all.end(), a.after.begin(), a.after.end());
  return all;
}

namespace {

bool is_apart(const Graph& g, const Node& n) {
  if (!n.def->sides) return false;
  InputTypes inputs(g, n);
  return n.def->sides(n.attrs.get(), inputs.list()).apart;
}

// Elementwise ops and kernels with hooks read what lies at a position before they write there, and go over it position by position. So an output may take
// the place of an input whose last reader is its own op or one before it. An op that keeps its output apart from its inputs (a product) hands it to the
// chain behind it in the output's memory: what the chain makes may lie there.
void find_overwritable(const Graph& g, std::span<const Id> members, StepIo& io) {
  const auto whole = [&](Id x) {
    const Value &v = g.at(x), &r = g.at(v.root);
    return v.offset == 0 && v.view.contiguous() && v.view.count() == r.view.count() && v.view.dtype == r.view.dtype;
  };
  std::vector<Id> places;  // outputs of ops with memory of their own, then the inputs
  for (Id m : members) {
    const Node& n = g.nodes[static_cast<std::size_t>(m)];
    if (is_apart(g, n)) places.push_back(n.out[0]);
  }
  const std::size_t made = places.size();
  places.insert(places.end(), io.in.begin(), io.in.end());
  for (std::size_t i = 0; i < members.size(); ++i) {
    const Node& n = g.nodes[static_cast<std::size_t>(members[i])];
    const Id y = n.out.empty() ? kNone : n.out[0];
    if (std::find(io.out.begin(), io.out.end(), y) == io.out.end()) continue;
    for (std::size_t k = 0; k < places.size(); ++k) {
      const Id x = places[k];
      bool fits = x != y;
      for (std::size_t j = 0; j < members.size() && fits; ++j) {
        const Node& reader = g.nodes[static_cast<std::size_t>(members[j])];
        for (Id read : reader.in) {
          if (read != kNone && g.root_of(read) == g.root_of(x))
            fits = fits && j <= i && whole(read) && (k < made || !is_apart(g, reader));
        }
      }
      if (fits) io.over.emplace_back(y, x);
    }
  }
}

}  // namespace

StepIo step_io(const Graph& g, std::span<const Id> members, const std::vector<bool>& hidden) {
  StepIo io;
  if (members.size() == 1) {
    const Node& n = g.nodes[static_cast<std::size_t>(members[0])];
    io.in = n.in, io.out = n.out, io.node = &n;
    for (std::size_t k = 0; k < n.in.size() && !n.out.empty(); ++k) {
      if (n.in[k] != kNone && ((n.def->sides && !is_apart(g, n)) || (n.def->inplace >> std::min<std::size_t>(k, 63) & 1)))
        io.over.emplace_back(n.out[0], n.in[k]);
    }
    return io;
  }
  std::vector<Id> made;
  for (Id m : members) {
    const Node& n = g.nodes[static_cast<std::size_t>(m)];
    for (Id x : n.in) {
      if (x == kNone) continue;
      const bool inside = std::any_of(made.begin(), made.end(), [&](Id y) { return y == x || y == g.root_of(x); });
      if (!inside && std::find(io.in.begin(), io.in.end(), x) == io.in.end()) io.in.push_back(x);
    }
    for (Id y : n.out) {
      made.push_back(y);
      if (!hidden[static_cast<std::size_t>(y)]) io.out.push_back(y);
    }
  }
  find_overwritable(g, members, io);
  return io;
}

}  // namespace nacre::plan
