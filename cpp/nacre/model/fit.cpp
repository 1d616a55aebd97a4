// The loops: fit, evaluate, predict and their single steps.
//
// The stop flag is read before each step and inside every op (step.h). Nothing here knows Python: progress and hooks go through Callback.
#include <chrono>
#include <cmath>
#include <cstring>
#include <numeric>
#include <shared_mutex>

#include "nacre/base/os_signal.h"
#include "nacre/base/warning.h"
#include "nacre/data/shuffle.h"
#include "nacre/model/batches.h"
#include "nacre/model/meter.h"
#include "nacre/model/step.h"

namespace nacre::model {

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kProgressInterval = std::chrono::milliseconds(100);

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

// A pair of output activation and loss that runs, but not as meant.
void warn_about_pair(const nn::Layer& last, const Shape& out, const metrics::Loss& function) {
  const Json config = last.config();
  const Json* option = config.find("activation");
  std::string activation = !option || option->is_null() ? "" : option->is_string() ? option->get<std::string>() : "?";
  if (last.class_name() == "Softmax") activation = "softmax";
  if (activation == "softmax" && out.back() == 1) {
    warn(cat("compile: '", last.name(), "' is a softmax over an axis of size 1, which is always 1. Was sigmoid meant?"));
    return;
  }
  const std::string_view loss = function.class_name();
  const bool classes = loss == "CategoricalCrossentropy" || loss == "SparseCategoricalCrossentropy",
             binary = loss == "BinaryCrossentropy";
  if (!classes && !binary) return;
  const Json logits = function.attribute("from_logits");
  const bool from_logits = logits.is_bool() && logits.get<bool>();
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

}  // namespace

History Model::fit(const Arrays& x, const Arrays& y, const FitOptions& o) {
  const std::string_view method = "fit";
  require_compiled(method);
  check_targets(method, y, o.sample_weight);
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
  check_inputs(method, x);
  const Arrays weight = with_class_weights(method, y, o.class_weight, o.sample_weight);
  BatchSource train = make_source(method, x, y, weight, input_dtype(), output_dtypes()), validation;
  if (o.validation_x.defined()) {
    if (!o.validation_y.defined()) raise<TypeError>("fit: validation_data has no y.");
    check_inputs("fit: validation_data", o.validation_x);
    check_targets("fit: validation_data", o.validation_y, o.validation_sample_weight);
    validation = make_source("fit: validation_data", o.validation_x, o.validation_y, o.validation_sample_weight, input_dtype(),
                             output_dtypes());
  } else if (o.validation_split > 0) {
    const Dim rows = train.rows(), kept = static_cast<Dim>(std::floor(static_cast<double>(rows) * (1 - o.validation_split)));
    if (kept < 1 || kept == rows) {
      raise<ValueError>("fit: validation_split ", o.validation_split, " of ", rows, " rows leaves ", kept, " for training and ",
                        rows - kept, " for validation. Both need at least one.");
    }
    if (y.list.size() == 1 && sorted_labels(y.list[0])) {
      warn(
          "fit: the labels are sorted, so the last rows, which validation_split takes, hold other classes than the rest. Shuffle x "
          "and y first.");
    }
    validation = train.slice(kept, rows);
    if (!o.class_weight.empty()) {  // classes weigh in training only, as in Keras
      validation.weight = o.sample_weight.defined()
                              ? make_source(method, x, y, o.sample_weight, input_dtype(), output_dtypes()).slice(kept, rows).weight
                              : std::vector<Tensor>();
    }
    train = train.slice(0, kept);
  }
  ensure_built(method, x.list);
  objective_.check_outputs(method, output_names().size());
  warn_about_pairs();

  const TrainingTurn turn(*this, method);
  sessions_.clear(Mode::train);  // their memory serves this run
  Training training(*this, method);
  Meter meter(objective_, output_names()), test_meter(objective_, output_names());
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
    if (!validation.x.empty() && due(o.validation_freq, epoch)) {
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

Logs Model::run_test(std::string_view method, const Arrays& x, const Arrays& y, const EvaluateOptions& o, Meter& meter) {
  const Recording recording(false);
  const BatchSource source = make_source(method, x, y, o.sample_weight, input_dtype(), output_dtypes());
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
    StepRun& run = runs.at(source, static_cast<Dim>(rows.size()));
    run.gather(rows);
    {
      const std::shared_lock<ReadWriteLock> reading(weights_lock_);
      run.execute(0);
    }
    stop_if_asked(method);
    meter.update(run.losses, static_cast<Dim>(rows.size()), run.y, run.predicted);
    if (hooks) o.callback->on_test_batch_end(b, meter.logs());
    pace.step(b + 1, &meter);
  }
  Logs logs = meter.logs();
  if (o.callback) o.callback->on_test_end(logs);
  return logs;
}

Logs Model::evaluate(const Arrays& x, const Arrays& y, const EvaluateOptions& o) {
  const std::string_view method = "evaluate";
  require_compiled(method);
  check_targets(method, y, o.sample_weight);
  check_count(method, "batch_size", o.batch_size, 1);
  if (o.steps) check_count(method, "steps", *o.steps, 1);
  const InterruptGuard interruptible;
  check_inputs(method, x);
  (void)make_source(method, x, y, o.sample_weight, input_dtype(), {});
  ensure_built(method, x.list);
  objective_.check_outputs(method, output_names().size());
  Meter meter(objective_, output_names());
  return run_test(method, x, y, o, meter);
}

std::vector<Tensor> Model::predict_all(const Arrays& x, const PredictOptions& o) {
  const std::string_view method = "predict";
  check_count(method, "batch_size", o.batch_size, 1);
  if (o.steps) check_count(method, "steps", *o.steps, 1);
  const InterruptGuard interruptible;
  const Recording recording(false);
  check_inputs(method, x);
  const BatchSource source = make_source(method, x, {}, {}, input_dtype(), {});
  ensure_built(method, x.list);
  const Dim batches = limited(batch_count(source.rows(), o.batch_size), o.steps);
  const Dim rows = std::min(source.rows(), checked_mul(method, batches, std::min(o.batch_size, source.rows())));
  const std::vector<std::int64_t> order = in_order(rows);
  const bool hooks = o.callback && (o.callback->wants() & kPredictBatches);
  Pace pace(o.callback, kPredictBatches);
  std::vector<Tensor> out;
  Runs runs(*this, Mode::predict, method);
  if (o.callback) o.callback->on_predict_begin();
  for (Dim b = 0; b < batches; ++b) {
    stop_if_asked(method);
    if (hooks) o.callback->on_predict_batch_begin(b);
    const auto part = batch_rows(order, b, o.batch_size);
    const Dim size = static_cast<Dim>(part.size());
    StepRun& run = runs.at(source, size);
    run.gather(part);
    {
      const std::shared_lock<ReadWriteLock> reading(weights_lock_);
      run.execute(0);
    }
    out.resize(run.predicted.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      const Tensor& predicted = run.predicted[i];
      if (!out[i].defined()) {
        Shape s = predicted.shape();
        if (s.rank() == 0 || s[0] != size) raise<ShapeError>("predict: the model gives shape ", s, " for ", size, " rows.");
        s[0] = rows;
        out[i] = Tensor::empty(s, predicted.dtype(), method);
      }
      const Dim bytes = predicted.count() * size_of(predicted.dtype());
      if (bytes == 0) continue;
      std::memcpy(static_cast<char*>(out[i].view().data) + b * o.batch_size * (bytes / size), predicted.view().data,
                  static_cast<std::size_t>(bytes));
    }
    if (hooks) o.callback->on_predict_batch_end(b);
    pace.step(b + 1, nullptr);
  }
  stop_if_asked(method);
  if (o.callback) o.callback->on_predict_end();
  return out;
}

Tensor Model::predict(const Arrays& x, const PredictOptions& o) {
  std::vector<Tensor> out = predict_all(x, o);
  check_results("predict", out.size());
  return std::move(out[0]);
}

// Pairs of output activation and loss that run, but not as meant. Once per compile.
void Model::warn_about_pairs() {
  if (pairs_checked_) return;
  pairs_checked_ = true;
  const std::vector<std::shared_ptr<nn::Layer>> last = output_layers();
  for (std::size_t i = 0; i < last.size(); ++i) {
    if (objective_.loss(i)) warn_about_pair(*last[i], result_shapes()[i], *objective_.loss(i));
  }
}

}  // namespace nacre::model
