#include "nacre/model/step.h"

#include "nacre/autograd/tape.h"
#include "nacre/base/os_signal.h"

namespace nacre::model {

Recording::Recording(bool on) : before_(grad_enabled()) { set_grad_enabled(on); }
Recording::~Recording() { set_grad_enabled(before_); }

void stop_if_asked(std::string_view method) {
  if (stop_requested()) raise<Interrupted>(method, ": stopped on request.");
}

TrainingTurn::TrainingTurn(Model& model, std::string_view method) : model_(model) {
  std::thread::id none;
  if (!model_.trainer_.compare_exchange_strong(none, std::this_thread::get_id())) {
    raise<StateError>(method, ": the model is being trained already. Wait until that has ended.");
  }
}
TrainingTurn::~TrainingTurn() { model_.trainer_.store(std::thread::id()); }

Training::Training(Model& model, std::string_view method)
    : model_(model), method_(method), turn_(model, method), parameters_(model.trainable_weights()) {
  optim::Optimizer& optimizer = *model.objective_.optimizer;
  for (const auto& p : parameters_) values_.push_back(p.value);
  const auto& built_for = optimizer.parameters();
  bool same = !optimizer.built() || built_for.size() == parameters_.size();
  for (std::size_t i = 0; same && i < built_for.size(); ++i) same = built_for[i].value.same(parameters_[i].value);
  if (!same) {
    raise<StateError>(method, ": the trainable weights are others than at the last step (", built_for.size(), " then, ",
                      parameters_.size(), " now). Call model.compile(...) again.");
  }
  optimizer.build(parameters_);
  for (const nn::Variable& w : model.weights()) {
    if (!w.trainable) statistics_.push_back({w.value, w.value.clone()});
  }
  const Json config = optimizer.config();
  const Json* nesterov = config.find("nesterov");
  whole_step_ = !statistics_.empty() || (nesterov && nesterov->is_string());  // "lookahead" moves the weights for the forward pass
}

std::vector<Tensor> Training::forward(std::span<const Tensor> inputs, const nn::CallContext& context) {
  return model_.forward(inputs, context);
}

LossValues Training::losses(std::span<const Tensor> targets, std::span<const Tensor> outputs,
                            std::span<const Tensor> weights) const {
  return model_.objective_.losses(method_, targets, outputs, weights);
}

std::vector<Tensor> Training::gradients_of(const Tensor& loss) const {
  return values_.empty() ? std::vector<Tensor>() : gradients({&loss, 1}, {}, values_);
}

void Training::update(std::span<const Tensor> grads) { model_.objective_.optimizer->apply(grads, parameters_); }

void Training::check_not_frozen() const {
  for (const optim::Parameter& p : parameters_) {
    if (!p.value.requires_grad()) {
      raise<StateError>(method_, ": ", p.name,
                        " was frozen during training. Set trainable before, and call model.compile(...) again.");
    }
  }
}

// As if the step had not begun.
void Training::undo(std::uint64_t training_calls) {
  const Uninterruptible whole;
  model_.objective_.optimizer->come_back();
  for (const auto& s : statistics_) s.now.assign(s.before);
  model_.training_calls_ = training_calls;
}

void Training::step(const BatchSource::Batch& batch, Meter& meter) {
  stop_if_asked(method_);
  std::unique_lock<ReadWriteLock> writing(model_.weights_lock_, std::defer_lock);
  if (whole_step_) writing.lock();
  check_not_frozen();
  const nn::CallContext context{.training = true, .seed = model_.seed_, .step = model_.training_calls_.fetch_add(1)};
  std::vector<Tensor> grads;
  for (const auto& s : statistics_) s.before.assign(s.now);
  try {
    model_.objective_.optimizer->look_ahead();
    const std::vector<Tensor> outputs = forward(batch.x, context);
    const LossValues loss = losses(batch.y, outputs, batch.weight);
    grads = gradients_of(loss.total);
    meter.update(loss, batch.rows(), batch.y, outputs);
    if (!whole_step_) writing.lock();
    stop_if_asked(method_);
  } catch (...) {
    undo(*context.step);
    throw;
  }
  update(grads);
}

}  // namespace nacre::model
