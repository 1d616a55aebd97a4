// Steps of the loops. A training step computes outputs, losses and gradients, then updates; one that is stopped or fails is dropped without a trace,
// and the update is never torn. What is computed comes from a program captured once (program.h), or with run_eagerly from the model's own
// functions each time: the bits are the same.
#pragma once

#include <mutex>

#include "nacre/model/batches.h"
#include "nacre/model/meter.h"
#include "nacre/model/model.h"
#include "nacre/model/program.h"

namespace nacre::model {

// Interrupted when the stop flag is set.
void stop_if_asked(std::string_view method);

// The one thread that trains this model now.
class TrainingTurn {
 public:
  TrainingTurn(Model& model, std::string_view method);
  ~TrainingTurn();
  TrainingTurn(const TrainingTurn&) = delete;
  TrainingTurn& operator=(const TrainingTurn&) = delete;

 private:
  Model& model_;
};

// Memory of one batch and what a step computes from it.
class StepRun {
 public:
  std::vector<Tensor> x, y, weights;  // to be filled
  std::vector<Tensor> predicted, grads;
  LossValues losses;

  // Fills predicted, losses and (in training) grads; `number` keys random numbers. Captured: changes nothing else; eager: moves running statistics.
  void execute(std::uint64_t number);
  // The changes that execute has left out.
  void commit();
  // The captured program; null when steps are eager.
  [[nodiscard]] ProgramRun* program() const { return lease_ ? &**lease_ : nullptr; }

 private:
  friend class Runs;
  std::optional<Programs::Lease> lease_;
  std::function<void(StepRun&, std::uint64_t)> eager_;
};

// The step runs that one loop uses: one per size of batch, as the last one may be smaller.
class Runs {
 public:
  // Mode::train: gradients of `parameters`, in their order, side by side in one block.
  Runs(Model& model, Mode mode, std::string_view method, std::span<const Tensor> parameters = {});
  StepRun& at(const BatchSource& source, Dim rows);

 private:
  [[nodiscard]] StepFunctions functions() const;
  [[nodiscard]] Programs::Key key(const StepTypes& types) const;
  [[nodiscard]] static LossValues loss_values(std::vector<Tensor> list);
  void make_eager(StepRun& run, const StepTypes& types) const;
  void make_captured(StepRun& run, const StepTypes& types);

  Model& model_;
  Mode mode_;
  std::string_view method_;
  std::vector<Tensor> parameters_;
  std::vector<Dim> places_;  // byte of each gradient in the block
  Tensor gradients_;
  std::vector<std::pair<Dim, std::unique_ptr<StepRun>>> runs_;
};

// What all steps of one fit share.
class Training {
 public:
  Training(Model& model, std::string_view method);
  void step(const BatchSource& source, std::span<const std::int64_t> rows, Meter& meter);

 private:
  void check_not_frozen() const;
  void undo(std::uint64_t training_calls);

  Model& model_;
  std::string_view method_;
  TrainingTurn turn_;
  std::vector<optim::Parameter> parameters_;
  std::optional<Runs> runs_;
  // Eager steps only: weights that a forward pass changes (running statistics), and their values before the step.
  struct Statistic {
    Tensor now, before;
  };
  std::vector<Statistic> statistics_;
  bool whole_step_ = false;  // readers wait for the whole step, not for the update alone
};

}  // namespace nacre::model
