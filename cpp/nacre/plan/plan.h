// Plan: a captured graph made ready to run again and again, without allocation. Instance: the memory of one plan and its steps with resolved pointers.
//
// A run has two parts. run() computes: it reads inputs and weights and writes only memory of the instance, so that it may be dropped at any
// time (an error in the data, Ctrl-C). commit() then makes the changes that last: running statistics; the optimizer follows.
// One Plan serves any number of instances, each used by one thread at a time. Bits are those of eager execution: the same kernels run in
// the same order, additions included.
//
// Memory: values whose lives do not overlap share the arena (greedy by size, XNNPACK's and TFLite's way); elementwise ops overwrite an
// input that is not read again.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nacre/plan/graph.h"
#include "nacre/plan/trace.h"

namespace nacre::plan {

struct PlanOptions {
  bool fuse = true;    // chains of elementwise ops in one pass, inside neighbours that work on rows where that is possible
  bool reuse = true;   // values share memory
  bool fixed = false;  // weights seldom change between runs: what kernels make of them is kept
};

// A row of the table that model.plan() prints.
struct StepInfo {
  std::string op;
  std::string inputs, outputs;  // "float32 [32, 784] @0", memory place or name
  double flops = 0, bytes = 0;
  bool commits = false;
};

// A part of the given block that is complete once a step has run.
struct ReadyRange {
  std::size_t step;  // of steps()
  Dim begin, bytes;
};

class NACRE_API Plan {
 public:
  // `outputs` can be read after a run. `placed[i]` is written at byte `places[i]` of the block that each instance is given (gradients in a flat
  // buffer). The trace is used up.
  Plan(Trace&& trace, std::span<const Tensor> outputs, std::span<const Tensor> placed = {}, std::span<const Dim> places = {},
       const PlanOptions& options = {});
  ~Plan();
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  [[nodiscard]] const Graph& graph() const { return graph_; }
  [[nodiscard]] std::size_t output_count() const { return outputs_.size(); }
  [[nodiscard]] std::size_t arena_bytes() const { return arena_bytes_; }
  // What the values would take without sharing.
  [[nodiscard]] std::size_t unplanned_bytes() const { return unplanned_bytes_; }
  [[nodiscard]] std::vector<StepInfo> steps() const;
  // The placed values (gradients) in the order in which they are ready.
  [[nodiscard]] std::vector<ReadyRange> ready() const;
  // The table of steps as text, between what the caller does `before` and `after` them; `seconds` (one per row) adds measured times.
  [[nodiscard]] std::string text(std::span<const double> seconds = {}, std::span<const StepInfo> before = {},
                                 std::span<const StepInfo> after = {}) const;

 private:
  friend class Instance;
  Graph graph_;
  std::vector<Id> inputs_, outputs_;
  std::vector<Dim> place_;               // per value: byte in the given block, or -1
  std::vector<Dim> offset_;              // per value: byte in the arena, or -1
  std::vector<Id> compute_, commit_;     // nodes in the order of execution
  std::vector<std::vector<Id>> chains_;  // per node: the nodes of the elementwise chain that it ends; empty: alone
  std::vector<bool> hidden_;             // per value: seen by one step only
  std::vector<Around> around_;           // per node: the chains that run inside its step
  std::size_t arena_bytes_ = 0, unplanned_bytes_ = 0;
  bool fixed_ = false;
};

class NACRE_API Instance {
 public:
  // `placed`: memory for the placed values, 64-byte aligned, that outlives the instance; null when there are none.
  explicit Instance(std::shared_ptr<const Plan> plan, void* placed = nullptr);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  [[nodiscard]] const Plan& plan() const { return *plan_; }
  // Memory of the inputs, in the order in which they were made, to be filled; of the outputs, valid after run() until the next one.
  [[nodiscard]] const Tensor& input(std::size_t i) const { return inputs_[i]; }
  [[nodiscard]] const Tensor& output(std::size_t i) const { return outputs_[i]; }
  // `step` keys the random numbers. Raises what the data made wrong, naming the op; nothing has changed then.
  void run(std::uint64_t step = 0);
  void commit();
  // Called in run() as soon as a range of the given block is complete (plan().ready()), so that sums over processes can begin. Empty: nothing.
  using ReadyHook = std::function<void(Dim begin, Dim bytes)>;
  void on_ready(ReadyHook hook);
  // Measures each step of the next runs.
  void profile(bool on);
  [[nodiscard]] std::vector<double> seconds() const;  // per step of plan().steps(), mean of the measured runs

 private:
  struct Step {
    CallFn fn;
    const void* args;
    Id node;
  };
  class Builder;
  void lower(Id node, std::vector<Step>& steps);
  void lower_chain(const std::vector<Id>& chain, std::vector<Step>& steps);
  const void* make_chain(const std::vector<Id>& chain, Id outside, Builder& builder);
  void execute(const std::vector<Step>& steps, std::size_t first);  // `first`: number of its first step in seconds_
  void* address(Id value) const;
  View* view_of(Id value);

  std::shared_ptr<const Plan> plan_;
  void* placed_;
  Tensor arena_, scratch_;
  std::vector<View> views_;  // one per value
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::vector<Tensor> kept_;  // what calls leave for the next run
  std::vector<Step> compute_, commit_;
  std::vector<Tensor> inputs_, outputs_;
  std::vector<std::array<std::int64_t, 3>> keys_;  // seed, stream, step
  Context context_;
  bool profiling_ = false;
  ReadyHook ready_hook_;
  std::vector<std::vector<ReadyRange>> ready_after_;  // per entry of compute_, when there is a hook
  std::vector<double> seconds_;
  std::int64_t profiled_runs_ = 0;
};

}  // namespace nacre::plan
