// Elementwise neighbours of ops that work on rows: normalisations, their gradients, sums over rows, products, convolutions (OpDef::sides).
//
// The chain before an input or after an output becomes a part of the op's step: its kernel asks for tiles of the input and hands over tiles of the
// output while they lie in the first cache (kernels/tile_hook.h). A value that only the two see has no memory. Bits stay, since the same inner
// loops run on the same numbers.
#include <algorithm>

#include "nacre/plan/chain.h"
#include "nacre/plan/passes.h"

namespace nacre::plan {

namespace {

constexpr Dim kSmallest = 4096;  // elements: smaller arrays stay in the first cache anyway

class Neighbours {
 public:
  Neighbours(const Graph& g, std::vector<Id>& order, std::span<const Id> kept, const std::vector<Dim>& placed,
             const std::vector<std::vector<Id>>& chains, std::vector<bool>& hidden, std::vector<Around>& around)
      : g_(g), slots_(order), chains_(chains), hidden_(hidden), around_(around) {
    slot_of_.assign(g.nodes.size(), static_cast<Dim>(order.size()));  // nodes of the commit come last
    for (std::size_t i = 0; i < order.size(); ++i) {
      for (Id m : members(order[i])) slot_of_[at(m)] = static_cast<Dim>(i);
    }
    readers_.resize(g.values.size());
    for (std::size_t i = 0; i < g.nodes.size(); ++i) {
      if (g.nodes[i].is_view) continue;
      for (Id x : g.nodes[i].in) {
        if (x != kNone) readers_[at(g.root_of(x))].push_back(static_cast<Id>(i));
      }
    }
    stays_.resize(g.values.size());
    for (Id k : kept) stays_[at(g.root_of(k))] = true;
    for (std::size_t v = 0; v < placed.size(); ++v) stays_[v] = stays_[v] || placed[v] >= 0;
  }

  [[nodiscard]] TileSides sides_of(Id id) const {
    const Node& n = g_.nodes[at(id)];
    if (!n.def->sides) return {};
    InputTypes inputs(g_, n);
    return n.def->sides(n.attrs.get(), inputs.list());
  }
  void join_after(Id id, const TileSides& sides) {
    if (sides.after >= 0) join_after(id, g_.nodes[at(id)].out[at(sides.after)], sides.apart);
  }
  void join_before(Id id, const TileSides& sides) {
    if (sides.before >= 0) join_before(id, static_cast<std::size_t>(sides.before), sides.twice);
  }

 private:
  static std::size_t at(Id id) { return static_cast<std::size_t>(id); }

  std::vector<Id> members(Id step) const { return step_members(step, chains_, around_); }

  // The elementwise nodes of the step that `node` belongs to; empty when it is another kind of step.
  std::vector<Id> chain_with(Id node) const {
    const Dim slot = slot_of_[at(node)];
    if (slot >= static_cast<Dim>(slots_.size())) return {};
    const Id step = slots_[static_cast<std::size_t>(slot)];
    if (!around_[at(step)].empty()) return {};
    if (!chains_[at(step)].empty()) return chains_[at(step)];
    return is_elementwise(g_, g_.nodes[at(step)]) ? std::vector<Id>{step} : std::vector<Id>{};
  }

  bool contains(const std::vector<Id>& list, Id id) const { return std::find(list.begin(), list.end(), id) != list.end(); }
  bool whole(Id x) const {
    const Value &v = g_.at(x), &r = g_.at(v.root);
    return v.view.contiguous() && v.offset == 0 && v.view.count() == r.view.count() && v.view.dtype == r.view.dtype;
  }
  bool readers_within(Id value, const std::vector<Id>& nodes, Id also) const {
    const auto& all = readers_[at(value)];
    return !stays_[at(value)] && std::all_of(all.begin(), all.end(), [&](Id r) { return r == also || contains(nodes, r); });
  }

  // Step `first` and step `second`, which reads it, as one: where the second is, when nothing in between reads the first; where the first is, when the
  // second needs nothing made in between. -1: neither.
  Dim common_slot(const std::vector<Id>& first, const std::vector<Id>& second) const {
    const Dim early = slot_of_[at(first[0])], late = slot_of_[at(second[0])];
    if (early >= late) return -1;
    bool can_wait = true, can_hurry = true;
    for (Id m : first) {
      for (Id y : g_.nodes[at(m)].out) {
        for (Id r : readers_[at(y)]) can_wait = can_wait && (slot_of_[at(r)] == early || slot_of_[at(r)] >= late);
      }
    }
    for (Id m : second) {
      for (Id x : g_.nodes[at(m)].in) {
        const Id from = x == kNone ? kNone : g_.at(g_.root_of(x)).producer;
        can_hurry = can_hurry && (from == kNone || slot_of_[at(from)] <= early || slot_of_[at(from)] == late);
      }
    }
    return can_wait ? late : can_hurry ? early : -1;
  }

  void settle(Id step, Dim slot, Dim freed) {
    slots_[static_cast<std::size_t>(freed)] = kNone;
    slots_[static_cast<std::size_t>(slot)] = step;
    for (Id m : members(step)) slot_of_[at(m)] = slot;
  }

  void join_after(Id id, Id y, bool apart) {
    if (g_.at(y).view.count() < kSmallest || g_.root_of(y) != y || readers_[at(y)].empty()) return;
    const Id reader = *std::min_element(readers_[at(y)].begin(), readers_[at(y)].end(),
                                        [&](Id a, Id b) { return slot_of_[at(a)] < slot_of_[at(b)]; });
    const std::vector<Id> chain = chain_with(reader);
    if (chain.empty() || g_.at(g_.nodes[at(chain.back())].out[0]).view.count() != g_.at(y).view.count()) return;
    const Node& n = g_.nodes[at(id)];
    for (Id m : chain) {
      for (Id x : g_.nodes[at(m)].in) {
        const Id root = g_.root_of(x);
        if (root == y ? !whole(x) || repeats(g_.at(x).view) : contains(n.out, root)) return;
      }
    }
    const Dim early = slot_of_[at(id)], late = slot_of_[at(chain[0])], slot = common_slot(members(id), chain);
    if (slot < 0) return;
    around_[at(id)].after = chain;
    hidden_[at(y)] = !apart && readers_within(y, chain, kNone);
    settle(id, slot, slot == late ? early : late);
  }

  void join_before(Id id, std::size_t k, bool twice) {
    const Node& n = g_.nodes[at(id)];
    const Id x = n.in[k], r = x == kNone ? kNone : g_.root_of(x), from = r == kNone ? kNone : g_.at(r).producer;
    if (from == kNone || g_.nodes[at(from)].out[0] != r || !whole(x) || g_.at(x).view.count() < kSmallest) return;
    const std::vector<Id> chain = chain_with(from);
    if (chain.empty() || g_.at(g_.nodes[at(chain.back())].out[0]).view.count() != g_.at(x).view.count()) return;
    const auto made_by_chain = [&](Id v) { return v != kNone && contains(chain, g_.at(g_.root_of(v)).producer); };
    for (Id m : members(id)) {  // nothing else may read what is made while it runs, but the chain behind, at the same place
      const auto& in = g_.nodes[at(m)].in;
      for (std::size_t i = 0; i < in.size(); ++i) {
        if (made_by_chain(in[i]) && (m == id ? i != k : !whole(in[i]))) return;
      }
    }
    const Dim early = slot_of_[at(from)], late = slot_of_[at(id)], slot = common_slot(chain, members(id));
    if (slot < 0) return;
    around_[at(id)].before = chain;
    // Written where it is read again: evaluating the chain twice costs as much, for it reads more arrays.
    hidden_[at(r)] = !twice && readers_within(r, chain, id);
    settle(id, slot, slot == late ? early : late);
  }

  const Graph& g_;
  std::vector<Id>& slots_;  // steps in order, kNone where one has gone into another
  const std::vector<std::vector<Id>>& chains_;
  std::vector<bool>& hidden_;
  std::vector<Around>& around_;
  std::vector<Dim> slot_of_;              // per node
  std::vector<std::vector<Id>> readers_;  // per root
  std::vector<bool> stays_;
};

}  // namespace

void fuse_neighbours(const Graph& g, std::vector<Id>& order, std::span<const Id> kept, const std::vector<Dim>& placed,
                     const std::vector<std::vector<Id>>& chains, std::vector<bool>& hidden, std::vector<Around>& around) {
  const std::vector<Id> steps = order;
  Neighbours pass(g, order, kept, placed, chains, hidden, around);
  std::vector<TileSides> sides(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (chains[static_cast<std::size_t>(steps[i])].empty()) sides[i] = pass.sides_of(steps[i]);
  }
  // Normalisations keep what is behind them, sums what is before them. The rest goes to the product that it reads rather than to the normalisation
  // that reads it: one array less passes through memory.
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (!sides[i].apart) pass.join_after(steps[i], sides[i]);
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (sides[i].after < 0) pass.join_before(steps[i], sides[i]);
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (sides[i].apart) pass.join_after(steps[i], sides[i]);
    if (sides[i].after >= 0) pass.join_before(steps[i], sides[i]);
  }
  std::erase(order, kNone);
}

}  // namespace nacre::plan
