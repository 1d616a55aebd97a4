// What a captured graph goes through before it can run. Each pass reads and writes the graph and the lists beside it.
#pragma once

#include <span>
#include <vector>

#include "nacre/plan/graph.h"

namespace nacre::plan {

// Values that nothing needs are not computed: keeps nodes that `roots` or changes of bound tensors depend on.
void drop_dead_nodes(Graph& g, std::span<const Id> roots);
// Nodes without inputs that vary, and what follows from them alone, run now; their values become constants.
void fold_constants(Graph& g);
// Equal ops on equal inputs run once; copies of what is contiguous already, and products with a constant 1, are the value itself. `roots` are renamed.
void merge_equal_nodes(Graph& g, std::span<Id> roots);
// Which nodes must wait for the commit: those that change bound tensors, and those that read what these have changed, with all that follows.
std::vector<bool> committed_nodes(const Graph& g);
// Does the value lie in a bound tensor that the commit changes?
[[nodiscard]] bool is_changed(const Graph& g, Id id);

// Optional outputs (OpDef) that nobody reads get no memory.
void hide_unread_outputs(const Graph& g, std::span<const Id> kept, const std::vector<Dim>& placed, std::vector<bool>& hidden);

// What a step reads and writes: a node, or several seen from outside.
struct StepIo {
  std::vector<Id> in, out;
  const Node* node = nullptr;           // null: several
  std::vector<std::pair<Id, Id>> over;  // an output, and an input that it may overwrite when nobody needs it later
};

// An op that a chain can take: one output without gaps, inputs of its size or single numbers.
[[nodiscard]] bool is_elementwise(const Graph& g, const Node& n);
// Joins elementwise ops on arrays of one size into chains: chains[node] lists the members of the chain that ends at `node`, in order; the other
// members leave `order`. Values that only a chain sees are `hidden`.
void fuse_chains(const Graph& g, std::vector<Id>& order, std::span<const Id> kept, const std::vector<Dim>& placed,
                 std::vector<std::vector<Id>>& chains, std::vector<bool>& hidden);
// Chains and single elementwise ops that can run inside the step of a neighbour (OpDef::sides) go there: around[node].
void fuse_neighbours(const Graph& g, std::vector<Id>& order, std::span<const Id> kept, const std::vector<Dim>& placed,
                     const std::vector<std::vector<Id>>& chains, std::vector<bool>& hidden, std::vector<Around>& around);
// The nodes of a step, in order.
[[nodiscard]] std::vector<Id> step_members(Id node, const std::vector<std::vector<Id>>& chains, const std::vector<Around>& around);
[[nodiscard]] StepIo step_io(const Graph& g, std::span<const Id> members, const std::vector<bool>& hidden);

struct MemoryPlan {
  std::vector<Dim> offset;  // per value, -1 where it has no place in the arena
  std::size_t bytes = 0, unplanned = 0;
};
// Overwrites dead inputs, then lays the remaining roots out by their lives. `kept` values live to the end, placed ones have memory elsewhere,
// hidden ones need none.
MemoryPlan plan_memory(Graph& g, std::span<const StepIo> steps, std::span<const Id> kept, const std::vector<Dim>& placed,
                       const std::vector<bool>& hidden, bool reuse);

}  // namespace nacre::plan
