// Single steps: train_on_batch, test_on_batch, predict_on_batch.
#include <algorithm>
#include <chrono>
#include <numeric>
#include <shared_mutex>

#include "nacre/base/os_signal.h"
#include "nacre/model/step.h"

namespace nacre::model {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kKept = 4;                       // sessions of a model: kinds of batches in turn
constexpr auto kShort = std::chrono::milliseconds(5);  // a step that Ctrl-C may wait for

}  // namespace

class Session {
 public:
  // The arrays of `source` are checked and the model is built; in training the caller holds the TrainingTurn.
  Session(Model& model, Mode mode, std::string_view method, BatchSource source)
      : model_(model),
        mode_(mode),
        method_(method),
        source_(std::move(source)),
        rows_(source_.rows()),
        inputs_(source_.x.size()),
        threads_(num_threads()) {
    source_.method = method;  // a literal, where the caller's name may be gone by the next call
    order_.resize(static_cast<std::size_t>(rows_));
    std::iota(order_.begin(), order_.end(), 0);
    for (const auto* list : {&source_.x, &source_.y}) {
      for (const Tensor& t : *list) types_.push_back(t.defined() ? std::optional<Type>(t.view()) : std::nullopt);
    }
    model_.add_facts(facts_);
    if (mode == Mode::train) {
      training_.emplace(model, method);
      meter_.emplace(model.objective_, model.output_names());
    } else {
      runs_.emplace(model, mode, method);
    }
  }

  [[nodiscard]] Mode mode() const { return mode_; }
  [[nodiscard]] bool is_short() const { return took_ < kShort; }
  // Arrays of the kinds that this session was made for?
  [[nodiscard]] bool serves(Mode mode, const Arrays& x, const Arrays& y) const {
    if (mode != mode_ || x.list.size() != inputs_ || x.list.size() + y.list.size() != types_.size()) return false;
    if (!source_.weight.empty()) return false;
    std::size_t i = 0;
    for (const auto* list : {&x, &y}) {
      for (const Tensor& t : list->list) {
        const std::optional<Type>& known = types_[i++];
        if (t.defined() != known.has_value() || (known && t.symbolic())) return false;
        if (known && !(t.dtype() == known->dtype && t.shape() == known->shape)) return false;
      }
    }
    return true;
  }
  // Is the model what it was?
  [[nodiscard]] bool valid() {
    now_.clear();
    model_.add_facts(now_);
    return now_ == facts_ && threads_ == num_threads();
  }
  void read_from(const Arrays& x, const Arrays& y) {
    source_.x = x.list;
    source_.y = y.list;
    run().read_from(source_);
  }

  Logs train() {
    const Clock::time_point begin = Clock::now();
    meter_->reset();
    training_->step(source_, order_, *meter_);
    took_ = Clock::now() - begin;
    source_.x.clear(), source_.y.clear();
    return meter_->logs();
  }
  std::vector<Tensor> predict() {
    const Clock::time_point begin = Clock::now();
    StepRun& r = run();
    r.gather(order_);
    std::vector<Tensor> out;
    {
      const std::shared_lock<ReadWriteLock> reading(model_.weights_lock_);
      r.execute(0);
    }
    stop_if_asked(method_);
    for (const Tensor& t : r.predicted) {
      const Shape& s = t.shape();
      if (s.rank() == 0 || s[0] != rows_) raise<ShapeError>("predict: the model gives shape ", s, " for ", rows_, " rows.");
      out.push_back(t.clone());
    }
    took_ = Clock::now() - begin;
    source_.x.clear();
    return out;
  }

 private:
  StepRun& run() { return (training_ ? training_->runs() : *runs_).at(source_, rows_); }

  Model& model_;
  Mode mode_;
  std::string_view method_;
  BatchSource source_;  // its arrays are there during a call only
  Dim rows_;
  std::size_t inputs_;
  int threads_;
  std::vector<std::int64_t> order_;
  std::vector<std::optional<Type>> types_;
  std::vector<const void*> facts_, now_;
  std::optional<Training> training_;
  std::optional<Meter> meter_;
  std::optional<Runs> runs_;
  Clock::duration took_{};
};

// ---- sessions ----

Sessions::Sessions() = default;
Sessions::~Sessions() = default;

std::unique_ptr<Session> Sessions::take(Mode mode, const Arrays& x, const Arrays& y) {
  const std::lock_guard<std::mutex> hold(mutex_);
  const auto at = std::find_if(kept_.begin(), kept_.end(), [&](const auto& s) { return s->serves(mode, x, y); });
  if (at == kept_.end()) return nullptr;
  std::unique_ptr<Session> session = std::move(*at);
  kept_.erase(at);
  return session;
}

void Sessions::put(std::unique_ptr<Session> session) {
  std::unique_ptr<Session> oldest;  // goes after the lock
  const std::lock_guard<std::mutex> hold(mutex_);
  kept_.insert(kept_.begin(), std::move(session));
  if (kept_.size() <= kKept) return;
  oldest = std::move(kept_.back());
  kept_.pop_back();
}

void Sessions::clear() {
  std::vector<std::unique_ptr<Session>> old;
  const std::lock_guard<std::mutex> hold(mutex_);
  old.swap(kept_);
}

void Sessions::clear(Mode mode) {
  std::vector<std::unique_ptr<Session>> old;
  const std::lock_guard<std::mutex> hold(mutex_);
  for (auto& s : kept_) {
    if (s->mode() == mode) old.push_back(std::move(s));
  }
  kept_.erase(std::remove(kept_.begin(), kept_.end(), nullptr), kept_.end());
}

// ---- the calls ----

Logs Model::train_on_batch(const Arrays& x, const Arrays& y, const Arrays& sample_weight, const ClassWeight& class_weight) {
  const std::string_view method = "train_on_batch";
  require_compiled(method);
  check_targets(method, y, sample_weight);
  const InterruptGuard interruptible;
  const Recording recording(true);
  check_inputs(method, x);
  const Arrays weight = with_class_weights(method, y, class_weight, sample_weight);
  BatchSource source = make_source(method, x, y, weight, input_dtype(), output_dtypes());
  ensure_built(method, x.list);
  objective_.check_outputs(method, output_names().size());
  const TrainingTurn turn(*this, method);
  std::unique_ptr<Session> session = weight.list.empty() ? sessions_.take(Mode::train, x, y) : nullptr;
  if (session && (run_eagerly_ || !session->valid())) session = nullptr;
  if (session)
    session->read_from(x, y);
  else
    session = std::make_unique<Session>(*this, Mode::train, method, std::move(source));
  Logs logs = session->train();
  if (!run_eagerly_ && weight.list.empty()) sessions_.put(std::move(session));
  return logs;
}

std::optional<Logs> Model::train_on_batch_again(const Arrays& x, const Arrays& y) {
  std::unique_ptr<Session> session = sessions_.take(Mode::train, x, y);
  if (!session) return std::nullopt;
  if (!session->is_short()) {
    sessions_.put(std::move(session));
    return std::nullopt;
  }
  const TrainingTurn turn(*this, "train_on_batch");
  if (run_eagerly_ || !session->valid()) return std::nullopt;
  const Uninterruptible whole;
  const Recording recording(true);
  session->read_from(x, y);
  Logs logs = session->train();
  sessions_.put(std::move(session));
  return logs;
}

Logs Model::test_on_batch(const Arrays& x, const Arrays& y, const Arrays& sample_weight) {
  const std::string_view method = "test_on_batch";
  require_compiled(method);
  check_targets(method, y, sample_weight);
  const InterruptGuard interruptible;
  check_inputs(method, x);
  const BatchSource source = make_source(method, x, y, sample_weight, input_dtype(), output_dtypes());
  ensure_built(method, x.list);
  objective_.check_outputs(method, output_names().size());
  Meter meter(objective_, output_names());
  return run_test(method, x, y, {.batch_size = source.rows(), .sample_weight = sample_weight}, meter);
}

std::vector<Tensor> Model::predict_on_batch_all(const Arrays& x, std::string_view method) {
  if (x.list.empty() || !x.list[0].defined() || x.list[0].rank() < 1) raise<TypeError>(method, ": x must be an array of rows.");
  const InterruptGuard interruptible;
  const Recording recording(false);
  check_inputs(method, x);
  BatchSource source = make_source(method, x, {}, {}, input_dtype(), {});
  ensure_built(method, x.list);
  std::unique_ptr<Session> session = sessions_.take(Mode::predict, x, {});
  if (session && (run_eagerly_ || !session->valid())) session = nullptr;
  if (session)
    session->read_from(x, {});
  else
    session = std::make_unique<Session>(*this, Mode::predict, "predict", std::move(source));
  std::vector<Tensor> out = session->predict();
  if (!run_eagerly_) sessions_.put(std::move(session));
  return out;
}

std::optional<std::vector<Tensor>> Model::predict_on_batch_again(const Arrays& x) {
  std::unique_ptr<Session> session = sessions_.take(Mode::predict, x, {});
  if (!session) return std::nullopt;
  if (!session->is_short()) {
    sessions_.put(std::move(session));
    return std::nullopt;
  }
  if (run_eagerly_ || !session->valid()) return std::nullopt;
  const Uninterruptible whole;
  const Recording recording(false);
  session->read_from(x, {});
  std::vector<Tensor> out = session->predict();
  sessions_.put(std::move(session));
  return out;
}

Tensor Model::predict_on_batch(const Arrays& x) {
  std::vector<Tensor> out = predict_on_batch_all(x);
  check_results("predict_on_batch", out.size());
  return std::move(out[0]);
}

}  // namespace nacre::model
