#include "nacre/model/step.h"

#include "nacre/autograd/tape.h"
#include "nacre/base/os_signal.h"
#include "nacre/base/threads.h"
#include "nacre/tensor/pack.h"

namespace nacre::model {

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

// ---- runs ----

void StepRun::execute(std::uint64_t number) {
  if (lease_)
    (*lease_)->run(number);
  else
    eager_(*this, number);
}

void StepRun::commit() {
  if (lease_) (*lease_)->commit();
}

void StepRun::prepare_update(optim::Optimizer& optimizer, std::span<const optim::Parameter> parameters) {
  if (lease_ && !update_) update_ = optimizer.prepare(grads, parameters);
}

void StepRun::update(optim::Optimizer& optimizer, std::span<const optim::Parameter> parameters) {
  if (update_) return optimizer.apply(*update_);
  optimizer.apply(grads, parameters);
}

Runs::Runs(Model& model, Mode mode, std::string_view method, std::span<const Tensor> parameters)
    : model_(model), mode_(mode), method_(method), parameters_(parameters.begin(), parameters.end()) {
  Dim bytes = 0;
  for (const Tensor& p : parameters_) {
    places_.push_back(bytes);
    bytes += packed_bytes(p.view());
  }
  if (mode == Mode::train && !model.run_eagerly_) gradients_ = model.programs_.gradient_block(bytes);
}

StepRun& Runs::at(const BatchSource& source, Dim rows) {
  for (const auto& [known, run] : runs_) {
    if (known == rows) return *run;
  }
  const StepTypes types = source.types(rows);
  auto run = std::make_unique<StepRun>();
  if (model_.run_eagerly_)
    make_eager(*run, types);
  else
    make_captured(*run, types);
  run->rows_ = rows;
  run->read_from(source);
  runs_.emplace_back(rows, std::move(run));
  return *runs_.back().second;
}

// Losses in one list: the sum to minimise, then each output's own.
StepFunctions Runs::functions() const {
  Model& model = model_;
  return {.forward = [&model](std::span<const Tensor> x, const nn::CallContext& context) { return model.forward(x, context); },
          .losses =
              [&model, method = method_](std::span<const Tensor> y, std::span<const Tensor> predicted,
                                         std::span<const Tensor> weights) {
                LossValues values = model.objective_.losses(method, y, predicted, weights);
                std::vector<Tensor> list{std::move(values.total)};
                list.insert(list.end(), values.parts.begin(), values.parts.end());
                return list;
              }};
}

LossValues Runs::loss_values(std::vector<Tensor> list) {
  LossValues values;
  if (list.empty()) return values;
  values.total = std::move(list[0]);
  values.parts.assign(list.begin() + 1, list.end());
  return values;
}

namespace {

// Layers that facts point at.
void hold_layers(const Model& model, std::vector<std::shared_ptr<const void>>& held) {
  for (const std::shared_ptr<nn::Layer>& layer : model.layers()) {
    held.push_back(layer);
    if (const auto* inner = dynamic_cast<const Model*>(layer.get())) hold_layers(*inner, held);
  }
}

}  // namespace

Programs::Key Runs::key(const StepTypes& types) const {
  Programs::Key key{.mode = mode_, .types = types, .threads = num_threads(), .facts = {}, .held = {}};
  for (std::size_t i = 0; mode_ != Mode::predict && i < types.y.size(); ++i) {
    key.facts.push_back(model_.objective_.loss(i).get());
    key.held.push_back(model_.objective_.loss(i));
  }
  model_.add_facts(key.facts);
  hold_layers(model_, key.held);
  return key;
}

void Runs::make_captured(StepRun& run, const StepTypes& types) {
  run.lease_.emplace(model_.programs_.take(
      key(types),
      [&] {
        return std::make_shared<const Program>(mode_, functions(), types, model_.seed_, parameters_, places_, model_.weights());
      },
      gradients_));
  const ProgramRun& program = **run.lease_;
  run.x = program.x(), run.y = program.y(), run.weights = program.weights();
  run.predicted = program.predicted();
  run.losses = loss_values(program.losses());
  const Tensor& block = program.gradients();  // a run that was kept may have an older block than this one's
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    View v;
    static_cast<Type&>(v) = parameters_[i].view();
    v.set_contiguous_strides();
    v.data = static_cast<char*>(block.view().data) + places_[i];
    run.grads.push_back(program.program().has_gradient(i) ? make_view(block.body()->storage, v) : Tensor());
  }
}

void Runs::make_eager(StepRun& run, const StepTypes& types) const {
  const auto memory = [&](const std::vector<std::optional<Type>>& list) {
    std::vector<Tensor> out;
    for (const auto& t : list) out.push_back(t ? Tensor::empty(t->shape, t->dtype, method_) : Tensor());
    return out;
  };
  run.x = memory(types.x), run.y = memory(types.y), run.weights = memory(types.weights);
  const bool train = mode_ == Mode::train;
  run.eager_ = [f = functions(), train, mode = mode_, seed = model_.seed_, parameters = parameters_](StepRun& r,
                                                                                                     std::uint64_t number) {
    const Recording recording(train);
    const std::vector<Tensor> outputs =
        train ? f.forward(r.x, {.training = true, .seed = seed, .step = number}) : f.forward(r.x, {});
    if (mode != Mode::predict) r.losses = loss_values(f.losses(r.y, outputs, r.weights));
    if (train) r.grads = parameters.empty() ? std::vector<Tensor>() : gradients({&r.losses.total, 1}, {}, parameters);
    r.predicted.clear();
    for (const Tensor& t : outputs) r.predicted.push_back(t.contiguous() ? t.detach() : t.clone());
  };
}

// ---- training ----

Training::Training(Model& model, std::string_view method) : model_(model), method_(method), parameters_(model.trainable_weights()) {
  optim::Optimizer& optimizer = *model.objective_.optimizer;
  std::vector<Tensor> values;
  for (const auto& p : parameters_) values.push_back(p.value);
  const auto& built_for = optimizer.parameters();
  bool same = !optimizer.built() || built_for.size() == parameters_.size();
  for (std::size_t i = 0; same && i < built_for.size(); ++i) same = built_for[i].value.same(parameters_[i].value);
  if (!same) {
    raise<StateError>(method, ": the trainable weights are others than at the last step (", built_for.size(), " then, ",
                      parameters_.size(), " now). Call model.compile(...) again.");
  }
  if (!optimizer.built()) {
    const std::unique_lock<ReadWriteLock> writing(model.weights_lock_);
    pack(values);  // side by side, so that the update is one pass
  }
  optimizer.build(parameters_);
  if (model.run_eagerly_) {
    for (const nn::Variable& w : model.weights()) {
      if (!w.trainable) statistics_.push_back({w.value, w.value.clone()});
    }
  }
  whole_step_ = !statistics_.empty() || optimizer.looks_ahead();
  runs_.emplace(model, Mode::train, method, values);
}

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

void Training::step(const BatchSource& source, std::span<const std::int64_t> rows, Meter& meter) {
  stop_if_asked(method_);
  check_not_frozen();
  optim::Optimizer& optimizer = *model_.objective_.optimizer;
  StepRun& run = runs_->at(source, static_cast<Dim>(rows.size()));
  run.prepare_update(optimizer, parameters_);
  std::unique_lock<ReadWriteLock> writing(model_.weights_lock_, std::defer_lock);
  if (whole_step_) writing.lock();
  const std::uint64_t number = model_.training_calls_.fetch_add(1);
  for (const auto& s : statistics_) s.before.assign(s.now);
  try {
    run.gather(rows);
    optimizer.look_ahead();
    run.execute(number);
    stop_if_asked(method_);
    meter.update(run.losses, static_cast<Dim>(rows.size()), run.y, run.predicted);
    if (!whole_step_) writing.lock();
    stop_if_asked(method_);
  } catch (...) {
    undo(number);
    throw;
  }
  run.commit();
  run.update(optimizer, parameters_);
}

}  // namespace nacre::model
