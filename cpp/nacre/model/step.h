// One training step, in four parts: forward, losses, gradients, update. A step that is stopped or fails is dropped without a trace, and the
// optimizer's update is never torn.
#pragma once

#include <mutex>

#include "nacre/model/batches.h"
#include "nacre/model/meter.h"
#include "nacre/model/model.h"

namespace nacre::model {

// Recording as the loop needs it, whatever the caller's setting is.
class Recording {
 public:
  explicit Recording(bool on);
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

 private:
  bool before_;
};

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

// What all steps of one fit share.
class Training {
 public:
  Training(Model& model, std::string_view method);
  void step(const BatchSource::Batch& batch, Meter& meter);

 private:
  // The parts of a step.
  [[nodiscard]] std::vector<Tensor> forward(std::span<const Tensor> inputs, const nn::CallContext& context);
  [[nodiscard]] LossValues losses(std::span<const Tensor> targets, std::span<const Tensor> outputs,
                                  std::span<const Tensor> weights) const;
  [[nodiscard]] std::vector<Tensor> gradients_of(const Tensor& loss) const;
  void update(std::span<const Tensor> grads);

  void check_not_frozen() const;
  void undo(std::uint64_t training_calls);

  Model& model_;
  std::string_view method_;
  TrainingTurn turn_;
  std::vector<optim::Parameter> parameters_;
  std::vector<Tensor> values_;
  // Weights that a forward pass changes (running statistics), and their values before the step.
  struct Statistic {
    Tensor now, before;
  };
  std::vector<Statistic> statistics_;
  bool whole_step_ = false;  // readers wait for the whole step, not for the update alone
};

}  // namespace nacre::model
