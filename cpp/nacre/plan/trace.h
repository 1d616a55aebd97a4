// Trace: captures the ops of one thread as a graph.
//
//   Trace trace;
//   Tensor x = trace.input({DType::float32, {32, 784}}, "x"), y, loss;
//   {
//     const Capture capture(trace);
//     loss = ...;                                // ops, layers, losses and gradients(), as in eager execution
//   }
//   Plan plan(std::move(trace), ...)             // plan/plan.h
//
// Symbolic tensors belong to their trace: used in another one, or after it, they raise StateError.
#pragma once

#include <map>

#include "nacre/ops/recorder.h"
#include "nacre/plan/graph.h"

namespace nacre::plan {

class NACRE_API Trace final : public Recorder {
 public:
  Trace();
  ~Trace() override;
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  // A value that the caller fills before each run.
  Tensor input(const Type& type, std::string name);
  void record(const OpDef& def, const void* attrs, std::string_view name, std::span<const Tensor> in, std::span<const Type> types,
              std::span<Tensor> out) override;
  void constant(const Tensor& t) override;
  Tensor step_key(const RandomKey& key) override;
  // The value that a tensor stands for; a tensor with values becomes a bound value.
  Id id_of(const Tensor& t);
  // Names a tensor that was met, for plans as text.
  void name(const Tensor& t, std::string name);
  [[nodiscard]] Graph& graph() { return graph_; }

 private:
  Id add_value(Value v);
  Tensor symbol(Id id);
  Graph graph_;
  Storage* storage_ = nullptr;  // of all symbolic tensors of this trace: no memory
  std::multimap<const void*, Id> bound_;
};

}  // namespace nacre::plan
