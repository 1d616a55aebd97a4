// model.plan(): the captured steps as text, between the copy of the batch's rows and the optimizer's update, with measured times.
#include <chrono>
#include <numeric>
#include <shared_mutex>

#include "nacre/base/os_signal.h"
#include "nacre/model/step.h"
#include "nacre/tensor/pack.h"

namespace nacre::model {

namespace {
constexpr int kWarmUps = 2, kRuns = 20;

using Clock = std::chrono::steady_clock;

// "float32 [N, 784]": any number of rows.
std::string rows_text(const Type& t) {
  std::string s = cat(t.dtype, " [N");
  for (int i = 1; i < t.shape.rank(); ++i) s += cat(", ", t.shape[i]);
  return s + "]";
}

// The copy of a batch's rows out of the arrays that fit, evaluate and predict are given.
plan::StepInfo gather_row(const BatchSource& source, const StepRun& run) {
  plan::StepInfo row{.op = "gather", .inputs = "", .outputs = "", .flops = 0, .bytes = 0, .commits = false};
  const auto add = [&](const std::vector<Tensor>& from, const std::vector<Tensor>& to, const char* name) {
    for (std::size_t i = 0; i < from.size() && i < to.size(); ++i) {
      if (!from[i] || !to[i]) continue;
      const char* comma = row.inputs.empty() ? "" : ", ";
      row.inputs += cat(comma, "rows of ", rows_text(from[i].view()));
      row.outputs += cat(comma, to[i].dtype(), " ", to[i].shape(), " ", name, to.size() > 1 ? cat(i) : std::string());
      row.bytes += static_cast<double>(to[i].count() * (size_of(from[i].dtype()) + size_of(to[i].dtype())));
    }
  };
  add(source.x, run.x, "x");
  add(source.y, run.y, "y");
  return row;
}

// The update of a training step, on copies of the weights and with a state of their own: the model's stay as they are.
class Update {
 public:
  Update(const optim::Optimizer& optimizer, std::span<const optim::Parameter> parameters, std::span<const Tensor> grads)
      : optimizer_(optim::make_optimizer(optimizer.class_name(), optimizer.config())) {
    std::vector<Tensor> values;
    std::vector<optim::Parameter> copies;
    for (const optim::Parameter& p : parameters) {
      values.push_back(p.value.clone());
      copies.push_back({p.name, values.back()});
    }
    pack(values);  // as fit packs the weights
    const optim::Optimizer::Prepared all = optimizer_->prepare(grads, copies);
    const std::vector<Tensor> none(all.grads.size());
    std::string slots;
    for (const std::string& slot : optimizer_->slot_names()) {
      if (slot != "base") slots += cat(", ", slot);  // that of SGD's lookahead is not the update's
    }
    if (optimizer_->takes_norm()) {
      plan::StepInfo row{.op = "norm", .inputs = "all gradients", .outputs = "scale", .flops = 0, .bytes = 0, .commits = true};
      for (const Tensor& g : all.grads) {
        if (!g) continue;
        row.flops += 2 * static_cast<double>(g.count());
        row.bytes += static_cast<double>(g.count() * size_of(g.dtype()));
      }
      rows_.push_back(std::move(row));
      parts_.push_back({.pieces = {}, .grads = all.grads});
    }
    const std::vector<optim::Optimizer::Pass> passes = optimizer_->passes(all);
    for (std::size_t i = 0; i < passes.size(); ++i) {
      const optim::Optimizer::Pass& p = passes[i];
      const std::string what = p.variables > 1 ? cat(p.variables, " variables") : parameters[p.first].name;
      rows_.push_back({.op = std::string(optimizer_->class_name()),
                       .inputs = cat(all.pieces[i].grad.dtype(), " [", p.parameters, "] ", what, ", their gradients", slots),
                       .outputs = cat(what, slots),
                       .flops = p.flops,
                       .bytes = p.bytes,
                       .commits = true});
      parts_.push_back({.pieces = {all.pieces[i]}, .grads = none});  // without gradients no norm is taken
    }
    seconds_.resize(rows_.size());
  }
  [[nodiscard]] const std::vector<plan::StepInfo>& rows() const { return rows_; }
  [[nodiscard]] const std::vector<double>& seconds() const { return seconds_; }
  void run(bool measured) {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const Clock::time_point begin = Clock::now();
      optimizer_->apply(parts_[i]);
      if (measured) seconds_[i] += std::chrono::duration<double>(Clock::now() - begin).count() / kRuns;
    }
  }

 private:
  std::shared_ptr<optim::Optimizer> optimizer_;
  std::vector<plan::StepInfo> rows_;
  std::vector<optim::Optimizer::Prepared> parts_;  // one for each row
  std::vector<double> seconds_;
};

}  // namespace

std::string Model::plan(Mode mode, const Arrays& x, const Arrays& y, bool profile) {
  const std::string_view method = "plan";
  if (run_eagerly_) raise<StateError>("plan: the model was compiled with run_eagerly=True, so there is no plan.");
  const InterruptGuard interruptible;
  check_inputs(method, x);
  if (mode != Mode::predict) {
    require_compiled(method);
    check_targets(method, y, {});
  }
  const BatchSource source = make_source(method, x, mode == Mode::predict ? Arrays() : y, {}, input_dtype(),
                                         mode == Mode::predict ? std::vector<DType>() : output_dtypes());
  ensure_built(method, x.list);
  if (mode != Mode::predict) objective_.check_outputs(method, output_names().size());
  std::vector<Tensor> values;
  std::vector<optim::Parameter> parameters;
  std::optional<TrainingTurn> turn;  // the memory of gradients is that of fit
  if (mode == Mode::train) {
    turn.emplace(*this, method);
    parameters = trainable_weights();
    for (const optim::Parameter& p : parameters) values.push_back(p.value);
  }
  Runs runs(*this, mode, method, values);
  StepRun& run = runs.at(source, source.rows());
  plan::Instance& instance = run.program()->instance();
  const plan::StepInfo gather = gather_row(source, run);
  std::optional<Update> update;
  if (mode == Mode::train) {
    const std::shared_lock<ReadWriteLock> reading(weights_lock_);
    update.emplace(*objective_.optimizer, parameters, run.grads);
  }
  const std::span<const plan::StepInfo> after = update ? std::span(update->rows()) : std::span<const plan::StepInfo>();
  if (!profile) return instance.plan().text({}, {&gather, 1}, after);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(source.rows()));
  std::iota(rows.begin(), rows.end(), 0);
  double gathering = 0;
  for (int i = 0; i < kWarmUps + kRuns; ++i) {  // in the order of a step of fit, so that each part finds its caches
    stop_if_asked(method);
    if (i == kWarmUps) instance.profile(true);
    const Clock::time_point begin = Clock::now();
    run.gather(rows);
    if (i >= kWarmUps) gathering += std::chrono::duration<double>(Clock::now() - begin).count() / kRuns;
    {
      const std::shared_lock<ReadWriteLock> reading(weights_lock_);
      run.execute(0);  // what would last waits for a commit that does not come
    }
    if (update) update->run(i >= kWarmUps);
  }
  std::vector<double> seconds{gathering};
  const std::vector<double> steps = instance.seconds();
  seconds.insert(seconds.end(), steps.begin(), steps.end());
  if (update) seconds.insert(seconds.end(), update->seconds().begin(), update->seconds().end());
  instance.profile(false);
  return cat(instance.plan().text(seconds, {&gather, 1}, after),
             "gather: the rows of this batch again and again; those of a data set that no cache holds take longer\n");
}

}  // namespace nacre::model
