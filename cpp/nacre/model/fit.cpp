// The loops: fit, evaluate, predict and their single steps.
//
// A step: forward, loss, gradients, update. The stop flag is read before each step and inside every op; a step that is stopped or fails is dropped
// without a trace, and the optimizer's update is never torn. Nothing here knows Python: progress and hooks go through Callback.
#include <chrono>
#include <cmath>
#include <cstring>
#include <numeric>
#include <shared_mutex>

#include "nacre/autograd/tape.h"
#include "nacre/base/os_signal.h"
#include "nacre/base/warning.h"
#include "nacre/data/shuffle.h"
#include "nacre/model/batches.h"
#include "nacre/model/meter.h"
#include "nacre/model/program.h"
#include "nacre/model/sequential.h"
#include "nacre/ops/ops.h"
#include "nacre/tensor/pack.h"

namespace nacre::model {

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kProgressInterval = std::chrono::milliseconds(100);

// Recording as the loop needs it, whatever the caller's setting is.
class Recording {
 public:
  explicit Recording(bool on) : before_(grad_enabled()) { set_grad_enabled(on); }
  ~Recording() { set_grad_enabled(before_); }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

 private:
  bool before_;
};

void stop_if_asked(std::string_view method) {
  if (stop_requested()) raise<Interrupted>(method, ": stopped on request.");
}

// Calls on_progress when a tenth of a second has passed.
class Pace {
 public:
  Pace(Callback* callback, unsigned batches)
      : callback_(callback && (callback->wants() & kProgress) && !(callback->wants() & batches) ? callback : nullptr) {}
  void step(std::int64_t done, const Meter* meter) {
    if (!callback_) return;
    const Clock::time_point now = Clock::now();
    if (now < next_) return;
    callback_->on_progress(done, meter ? meter->logs() : Logs());
    next_ = Clock::now() + kProgressInterval;
  }
  void begin() { next_ = Clock::now() + kProgressInterval; }

 private:
  Callback* callback_;
  Clock::time_point next_ = Clock::now() + kProgressInterval;
};

Dim batch_count(Dim rows, Dim batch_size) { return rows / batch_size + (rows % batch_size != 0); }

Dim limited(Dim batches, const std::optional<Dim>& steps) { return steps ? std::min(batches, *steps) : batches; }

// [begin, end) of the row numbers of batch b.
std::span<const std::int64_t> batch_rows(const std::vector<std::int64_t>& order, Dim b, Dim batch_size) {
  const Dim begin = b * batch_size, n = std::min(batch_size, static_cast<Dim>(order.size()) - begin);
  return {order.data() + begin, static_cast<std::size_t>(n)};
}

std::vector<std::int64_t> in_order(Dim n) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

bool due(const Ints& freq, Dim epoch) {
  if (freq.values.size() == 1) return (epoch + 1) % freq.values[0] == 0;
  for (Dim f : freq.values) {
    if (f == epoch + 1) return true;
  }
  return false;
}

}  // namespace

StepFunctions Sequential::step_functions(std::string_view method) const {
  return {.forward = [this](std::span<const Tensor> x, const nn::CallContext& context) -> std::vector<Tensor> {
            return {forward(x[0], context)};
          },
          .losses = [this, method](std::span<const Tensor> y, std::span<const Tensor> predicted,
                                   std::span<const Tensor> weights) -> std::vector<Tensor> {
            const Tensor loss = (*loss_)(y[0], predicted[0], weights[0]);
            if (loss.count() != 1) raise<ShapeError>(method, ": the loss must be a single number, got shape ", loss.shape(), ".");
            return {loss};
          }};
}

Programs::Key Sequential::program_key(Mode mode, const BatchSource& source, Dim rows) const {
  Programs::Key key{.mode = mode, .threads = num_threads()};
  key.types.x = {BatchSource::batch_type(source.x, rows, source.x_dtype)};
  if (mode != Mode::predict) {
    key.types.y = {BatchSource::batch_type(source.y, rows, source.y_dtype)};
    key.types.weights = {source.weight.defined() ? std::optional(BatchSource::batch_type(source.weight, rows, source.y_dtype))
                                                 : std::nullopt};
    key.facts.push_back(loss_.get());
  }
  for (const auto& l : layers_) {
    key.facts.push_back(l.get());
    if (mode == Mode::train) key.facts.push_back(l->trainable() ? this : nullptr);
    for (const nn::Variable& v : l->weights()) {
      key.facts.push_back(v.value.view().data);
      if (mode == Mode::train) key.facts.push_back(v.value.requires_grad() ? this : nullptr);
    }
  }
  return key;
}

// The programs that one loop uses: one per size of batch, as the last one may be smaller.
class Runs {
 public:
  Runs(Sequential& model, Mode mode, std::string_view method, std::span<const Tensor> parameters = {},
       std::span<const Dim> places = {}, Tensor gradients = {})
      : model_(model), mode_(mode), method_(method), parameters_(parameters), places_(places), gradients_(std::move(gradients)) {}
  ProgramRun& at(const BatchSource& source, Dim rows) {
    for (const auto& [known, run] : leases_) {
      if (known == rows) return *run;
    }
    const Programs::Key key = model_.program_key(mode_, source, rows);
    const auto make = [&] {
      return std::make_shared<const Program>(mode_, model_.step_functions(method_), key.types, model_.seed_, parameters_, places_);
    };
    leases_.emplace_back(rows, model_.programs_.take(key, make, gradients_));
    return *leases_.back().second;
  }

 private:
  Sequential& model_;
  Mode mode_;
  std::string_view method_;
  std::span<const Tensor> parameters_;
  std::span<const Dim> places_;
  Tensor gradients_;
  std::vector<std::pair<Dim, Programs::Lease>> leases_;
};

// The one thread that trains this model now.
class TrainingTurn {
 public:
  TrainingTurn(Sequential& model, std::string_view method) : model_(model) {
    std::thread::id none;
    if (!model_.trainer_.compare_exchange_strong(none, std::this_thread::get_id())) {
      raise<StateError>(method, ": the model is being trained already. Wait until that has ended.");
    }
  }
  ~TrainingTurn() { model_.trainer_.store(std::thread::id()); }
  TrainingTurn(const TrainingTurn&) = delete;
  TrainingTurn& operator=(const TrainingTurn&) = delete;

 private:
  Sequential& model_;
};

// What all steps of one fit share.
class Training {
 public:
  Training(Sequential& model, std::string_view method)
      : model_(model), method_(method), turn_(model, method), parameters_(model.trainable_weights()) {
    for (const auto& p : parameters_) values_.push_back(p.value);
    const auto& built_for = model.optimizer_->parameters();
    bool same = !model.optimizer_->built() || built_for.size() == parameters_.size();
    for (std::size_t i = 0; same && i < built_for.size(); ++i) same = built_for[i].value.same(parameters_[i].value);
    if (!same) {
      raise<StateError>(method, ": the trainable weights are others than at the last step (", built_for.size(), " then, ",
                        parameters_.size(), " now). Call model.compile(...) again.");
    }
    if (!model.optimizer_->built()) {
      const std::unique_lock<ReadWriteLock> writing(model.weights_lock_);
      pack(values_);
    }
    model.optimizer_->build(parameters_);
    Dim bytes = 0;
    for (const Tensor& p : values_) {
      places_.push_back(bytes);
      bytes += packed_bytes(p.view());
    }
    gradients_ = model.programs_.gradient_block(bytes);
    for (std::size_t i = 0; i < values_.size(); ++i) {
      View v{{values_[i].dtype(), values_[i].shape()}};
      v.set_contiguous_strides();
      v.data = static_cast<char*>(gradients_.view().data) + places_[i];
      gradient_views_.push_back(make_view(gradients_.body()->storage, v));
    }
    const Json config = model.optimizer_->config();
    const Json* nesterov = config.find("nesterov");
    whole_step_ = nesterov && nesterov->is_string();  // "lookahead" moves the weights for the forward pass
    runs_.emplace(model, Mode::train, method, values_, places_, gradients_);
  }

  void step(const BatchSource& source, std::span<const std::int64_t> rows, Meter& meter) {
    stop_if_asked(method_);
    for (const optim::Parameter& p : parameters_) {
      if (!p.value.requires_grad()) {
        raise<StateError>(method_, ": ", p.name,
                          " was frozen during training. Set trainable before, and call model.compile(...) again.");
      }
    }
    ProgramRun& step = runs_->at(source, static_cast<Dim>(rows.size()));
    std::unique_lock<ReadWriteLock> writing(model_.weights_lock_, std::defer_lock);
    if (whole_step_) writing.lock();
    const std::uint64_t number = model_.training_calls_.fetch_add(1);
    optim::Optimizer& optimizer = *model_.optimizer_;
    try {
      source.gather_into(rows, step.x(0), step.y(0), step.weight(0));
      optimizer.look_ahead();
      step.run(number);
      stop_if_asked(method_);
      meter.update(step.loss().item(), static_cast<Dim>(rows.size()), step.y(0), step.predicted(0));
      if (!whole_step_) writing.lock();
      stop_if_asked(method_);
    } catch (...) {  // as if the step had not begun
      const Uninterruptible whole;
      optimizer.come_back();
      model_.training_calls_ = number;
      throw;
    }
    step.commit();
    grads_.assign(values_.size(), Tensor());
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if (step.program().has_gradient(i)) grads_[i] = gradient_views_[i];
    }
    optimizer.apply(grads_, parameters_);
  }

 private:
  Sequential& model_;
  std::string_view method_;
  TrainingTurn turn_;
  std::vector<optim::Parameter> parameters_;
  std::vector<Tensor> values_;
  std::vector<Dim> places_;  // byte of each gradient in `gradients_`
  Tensor gradients_;
  std::vector<Tensor> gradient_views_, grads_;
  std::optional<Runs> runs_;
  bool whole_step_ = false;  // readers wait for the whole step, not for the update alone
};

History Sequential::fit(const Tensor& x, const Tensor& y, const FitOptions& o) {
  const std::string_view method = "fit";
  require_compiled(method);
  if (!y.defined()) raise<TypeError>("fit: y is missing.");
  check_count(method, "batch_size", o.batch_size, 1);
  check_count(method, "epochs", o.epochs, 0);
  check_count(method, "initial_epoch", o.initial_epoch, 0);
  if (o.steps_per_epoch) check_count(method, "steps_per_epoch", *o.steps_per_epoch, 1);
  if (o.validation_steps) check_count(method, "validation_steps", *o.validation_steps, 1);
  if (o.validation_batch_size) check_count(method, "validation_batch_size", *o.validation_batch_size, 1);
  if (o.validation_freq.values.empty()) raise<ValueError>("fit: validation_freq is empty. Give a number or a list of epochs.");
  for (Dim f : o.validation_freq.values) check_count(method, "validation_freq", f, 1);
  if (!(o.validation_split >= 0 && o.validation_split < 1)) {
    raise<ValueError>("fit: validation_split must be at least 0 and below 1, got ", o.validation_split, ".");
  }

  const InterruptGuard interruptible;
  const Recording recording(true);
  const Tensor weight = class_weights(method, y, o.class_weight, o.sample_weight);
  BatchSource train = make_source(method, x, y, weight, input_dtype(), output_dtype()), validation;
  if (o.validation_x.defined()) {
    if (!o.validation_y.defined()) raise<TypeError>("fit: validation_data has no y.");
    validation = make_source("fit: validation_data", o.validation_x, o.validation_y, o.validation_sample_weight, input_dtype(),
                             output_dtype());
  } else if (o.validation_split > 0) {
    const Dim rows = train.rows(), kept = static_cast<Dim>(std::floor(static_cast<double>(rows) * (1 - o.validation_split)));
    if (kept < 1 || kept == rows) {
      raise<ValueError>("fit: validation_split ", o.validation_split, " of ", rows, " rows leaves ", kept, " for training and ",
                        rows - kept, " for validation. Both need at least one.");
    }
    if (sorted_labels(y)) {
      warn(
          "fit: the labels are sorted, so the last rows, which validation_split takes, hold other classes than the rest. Shuffle x "
          "and y first.");
    }
    validation = train.slice(kept, rows);
    if (!o.class_weight.empty()) {  // classes weigh in training only, as in Keras
      validation.weight = o.sample_weight.defined()
                              ? make_source(method, x, y, o.sample_weight, input_dtype(), output_dtype()).slice(kept, rows).weight
                              : Tensor();
    }
    train = train.slice(0, kept);
  }
  ensure_built(x.shape());
  warn_about_pairs();

  Training training(*this, method);
  Meter meter(metric_specs_, loss_.get()), test_meter(metric_specs_, loss_.get());
  stop_training_ = false;
  Callback* const cb = o.callback;
  const bool batch_hooks = cb && (cb->wants() & kTrainBatches);
  Pace pace(cb, kTrainBatches);
  std::vector<std::int64_t> order = in_order(train.rows());
  const Dim batches = limited(batch_count(train.rows(), o.batch_size), o.steps_per_epoch);
  History history;
  Logs logs;
  if (cb) cb->on_train_begin();
  for (Dim epoch = o.initial_epoch; epoch < o.epochs && !stop_training_; ++epoch) {
    meter.reset();
    pace.begin();
    if (cb) cb->on_epoch_begin(epoch);
    if (o.shuffle) shuffled_order(seed_, epochs_trained_, order);
    for (Dim b = 0; b < batches && !stop_training_; ++b) {
      if (batch_hooks) cb->on_train_batch_begin(b);
      training.step(train, batch_rows(order, b, o.batch_size), meter);
      if (batch_hooks) cb->on_train_batch_end(b, meter.logs());
      pace.step(b + 1, &meter);
    }
    ++epochs_trained_;
    logs = meter.logs();
    if (validation.x.defined() && due(o.validation_freq, epoch)) {
      test_meter.reset();
      const Logs tested = run_test(method, validation.x, validation.y,
                                   {.batch_size = o.validation_batch_size.value_or(o.batch_size),
                                    .sample_weight = validation.weight,
                                    .steps = o.validation_steps,
                                    .callback = cb},
                                   test_meter);
      for (const auto& [name, value] : tested.values) logs.values.emplace_back(cat("val_", name), value);
    }
    history.epoch.push_back(epoch);
    for (const auto& [name, value] : logs.values) {
      auto at = history.history.begin();
      while (at != history.history.end() && at->first != name) ++at;
      if (at == history.history.end()) at = history.history.insert(at, {name, {}});
      at->second.push_back(value);
    }
    if (cb) cb->on_epoch_end(epoch, logs);
  }
  if (cb) cb->on_train_end(logs);
  return history;
}

Logs Sequential::run_test(std::string_view method, const Tensor& x, const Tensor& y, const EvaluateOptions& o, Meter& meter) {
  const Recording recording(false);
  const BatchSource source = make_source(method, x, y, o.sample_weight, input_dtype(), output_dtype());
  const std::vector<std::int64_t> order = in_order(source.rows());
  const Dim batches = limited(batch_count(source.rows(), o.batch_size), o.steps);
  const bool hooks = o.callback && (o.callback->wants() & kTestBatches);
  Pace pace(method == "fit" ? nullptr : o.callback, kTestBatches);
  Runs runs(*this, Mode::test, method);
  if (o.callback) o.callback->on_test_begin();
  for (Dim b = 0; b < batches; ++b) {
    stop_if_asked(method);
    if (hooks) o.callback->on_test_batch_begin(b);
    const auto rows = batch_rows(order, b, o.batch_size);
    ProgramRun& step = runs.at(source, static_cast<Dim>(rows.size()));
    source.gather_into(rows, step.x(0), step.y(0), step.weight(0));
    {
      const std::shared_lock<ReadWriteLock> reading(weights_lock_);
      step.run();
    }
    stop_if_asked(method);
    meter.update(step.loss().item(), static_cast<Dim>(rows.size()), step.y(0), step.predicted(0));
    if (hooks) o.callback->on_test_batch_end(b, meter.logs());
    pace.step(b + 1, &meter);
  }
  Logs logs = meter.logs();
  if (o.callback) o.callback->on_test_end(logs);
  return logs;
}

Logs Sequential::evaluate(const Tensor& x, const Tensor& y, const EvaluateOptions& o) {
  require_compiled("evaluate");
  if (!y.defined()) raise<TypeError>("evaluate: y is missing.");
  check_count("evaluate", "batch_size", o.batch_size, 1);
  if (o.steps) check_count("evaluate", "steps", *o.steps, 1);
  const InterruptGuard interruptible;
  (void)make_source("evaluate", x, y, o.sample_weight, input_dtype(), DType::float32);
  ensure_built(x.shape());
  Meter meter(metric_specs_, loss_.get());
  return run_test("evaluate", x, y, o, meter);
}

Tensor Sequential::predict(const Tensor& x, const PredictOptions& o) {
  check_count("predict", "batch_size", o.batch_size, 1);
  if (o.steps) check_count("predict", "steps", *o.steps, 1);
  if (layers_.empty()) raise<StateError>("predict: the model has no layers. Add some first.");
  const InterruptGuard interruptible;
  const Recording recording(false);
  const BatchSource source = make_source("predict", x, {}, {}, input_dtype(), DType::float32);
  ensure_built(x.shape());
  const Dim batches = limited(batch_count(source.rows(), o.batch_size), o.steps);
  const Dim rows = std::min(source.rows(), checked_mul("predict", batches, std::min(o.batch_size, source.rows())));
  const std::vector<std::int64_t> order = in_order(rows);
  const bool hooks = o.callback && (o.callback->wants() & kPredictBatches);
  Pace pace(o.callback, kPredictBatches);
  Tensor out;
  Runs runs(*this, Mode::predict, "predict");
  if (o.callback) o.callback->on_predict_begin();
  for (Dim b = 0; b < batches; ++b) {
    stop_if_asked("predict");
    if (hooks) o.callback->on_predict_batch_begin(b);
    const auto part = batch_rows(order, b, o.batch_size);
    const Dim size = static_cast<Dim>(part.size());
    ProgramRun& step = runs.at(source, size);
    source.gather_into(part, step.x(0), {}, {});
    {
      const std::shared_lock<ReadWriteLock> reading(weights_lock_);
      step.run();
    }
    const Tensor& predicted = step.predicted(0);
    if (!out.defined()) {
      Shape s = predicted.shape();
      if (s.rank() == 0 || s[0] != size) raise<ShapeError>("predict: the model gives shape ", s, " for ", size, " rows.");
      s[0] = rows;
      out = Tensor::empty(s, predicted.dtype(), "predict");
    }
    const Dim bytes = predicted.count() * size_of(predicted.dtype());
    if (bytes > 0) {
      std::memcpy(static_cast<char*>(out.view().data) + b * o.batch_size * (bytes / size), predicted.view().data,
                  static_cast<std::size_t>(bytes));
    }
    if (hooks) o.callback->on_predict_batch_end(b);
    pace.step(b + 1, nullptr);
  }
  stop_if_asked("predict");
  if (o.callback) o.callback->on_predict_end();
  return out;
}

Logs Sequential::train_on_batch(const Tensor& x, const Tensor& y, const Tensor& sample_weight, const ClassWeight& class_weight) {
  const std::string_view method = "train_on_batch";
  require_compiled(method);
  if (!y.defined()) raise<TypeError>("train_on_batch: y is missing.");
  const InterruptGuard interruptible;
  const Recording recording(true);
  const Tensor weight = class_weights(method, y, class_weight, sample_weight);
  const BatchSource source = make_source(method, x, y, weight, input_dtype(), output_dtype());
  ensure_built(x.shape());
  Training training(*this, method);
  Meter meter(metric_specs_, loss_.get());
  training.step(source, in_order(source.rows()), meter);
  return meter.logs();
}

Logs Sequential::test_on_batch(const Tensor& x, const Tensor& y, const Tensor& sample_weight) {
  const std::string_view method = "test_on_batch";
  require_compiled(method);
  if (!y.defined()) raise<TypeError>("test_on_batch: y is missing.");
  const InterruptGuard interruptible;
  const BatchSource source = make_source(method, x, y, sample_weight, input_dtype(), output_dtype());
  ensure_built(x.shape());
  Meter meter(metric_specs_, loss_.get());
  return run_test(method, x, y, {.batch_size = source.rows(), .sample_weight = sample_weight}, meter);
}

Tensor Sequential::predict_on_batch(const Tensor& x) {
  if (!x.defined() || x.rank() < 1) raise<TypeError>("predict_on_batch: x must be an array of rows.");
  return predict(x, {.batch_size = std::max<Dim>(1, x.shape()[0])});
}

// Pairs of output activation and loss that run, but not as meant. Once per compile.
void Sequential::warn_about_pairs() {
  if (pairs_checked_ || layers_.empty()) return;
  pairs_checked_ = true;
  const nn::Layer& last = *layers_.back();
  const Json config = last.config();
  const Json* option = config.find("activation");
  std::string activation = !option || option->is_null() ? "" : option->is_string() ? option->get<std::string>() : "?";
  if (last.class_name() == "Softmax") activation = "softmax";
  if (activation == "softmax" && output_shape().back() == 1) {
    warn(cat("compile: '", last.name(), "' is a softmax over an axis of size 1, which is always 1. Was sigmoid meant?"));
    return;
  }
  const std::string_view loss = loss_->class_name();
  const bool classes = loss == "CategoricalCrossentropy" || loss == "SparseCategoricalCrossentropy",
             binary = loss == "BinaryCrossentropy";
  if (!classes && !binary) return;
  const Json logits = loss_->attribute("from_logits");
  const bool from_logits = logits.is_bool() && logits.get<bool>();
  const Shape out = output_shape();
  if (from_logits && (activation == "softmax" || activation == "sigmoid")) {
    warn(cat("compile: the last layer ends in ", activation, " but ", loss,
             " has from_logits=True, which applies it again. Use one of the two."));
  } else if (classes && activation == "sigmoid") {
    warn(cat("compile: the last layer ends in sigmoid but ", loss,
             " expects softmax. For several labels per row use BinaryCrossentropy."));
  } else if (classes && out.back() == 1) {
    warn(cat("compile: ", loss,
             " over an axis of size 1 is constant. For two classes use one unit with sigmoid and BinaryCrossentropy."));
  } else if (!from_logits && (activation == "linear" || (activation.empty() && last.class_name() == "Dense"))) {
    warn(cat("compile: the last layer has no activation, but ", loss, " expects probabilities. Pass from_logits=True, or end in ",
             classes ? "softmax." : "sigmoid."));
  }
}

}  // namespace nacre::model
