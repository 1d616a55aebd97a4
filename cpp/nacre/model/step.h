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

  // The arrays that gather reads from now on; `source` must live as long.
  void read_from(const BatchSource& source) { gathers_ = source.gathers(rows_, x, y, weights); }
  // Fills x, y and weights with these rows of the source, as many as the run was made for; all must be there.
  void gather(std::span<const std::int64_t> rows) const {
    for (const RowGather& g : gathers_) g(rows);
  }
  // Fills predicted, losses and (in training) grads; `number` keys random numbers. Captured: changes nothing else; eager: moves running statistics.
  void execute(std::uint64_t number);
  // The changes that execute has left out.
  void commit();
  // Checks what the update needs, once where gradients stay in place; the step of the optimizer with grads.
  void prepare_update(optim::Optimizer& optimizer, std::span<const optim::Parameter> parameters);
  void update(optim::Optimizer& optimizer, std::span<const optim::Parameter> parameters);
  // The captured program; null when steps are eager.
  [[nodiscard]] ProgramRun* program() const { return lease_ ? &**lease_ : nullptr; }

 private:
  friend class Runs;
  Dim rows_ = 0;
  std::vector<RowGather> gathers_;
  std::optional<Programs::Lease> lease_;
  std::optional<optim::Optimizer::Prepared> update_;  // captured: gradients stay where they are
  std::function<void(StepRun&, std::uint64_t)> eager_;
};

// The step runs that one loop uses: one per size of batch, as the last one may be smaller.
class Runs {
 public:
  // Mode::train: gradients of `parameters`, in their order, side by side in one block.
  Runs(Model& model, Mode mode, std::string_view method, std::span<const Tensor> parameters = {});
  // The run for so many rows of this source, which is the same in all calls and lives as long.
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
  // The caller holds the TrainingTurn, here and at each step.
  Training(Model& model, std::string_view method);
  [[nodiscard]] Runs& runs() { return *runs_; }
  void step(const BatchSource& source, std::span<const std::int64_t> rows, Meter& meter);

 private:
  void check_not_frozen() const;
  void undo(std::uint64_t training_calls);

  Model& model_;
  std::string_view method_;
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
