// model.plan(): the captured steps as text, with measured times.
#include <numeric>
#include <shared_mutex>

#include "nacre/base/os_signal.h"
#include "nacre/model/step.h"

namespace nacre::model {

namespace {
constexpr int kWarmUps = 2, kRuns = 20;
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
  std::vector<Tensor> parameters;
  std::optional<TrainingTurn> turn;  // the memory of gradients is that of fit
  if (mode == Mode::train) {
    turn.emplace(*this, method);
    for (const optim::Parameter& p : trainable_weights()) parameters.push_back(p.value);
  }
  Runs runs(*this, mode, method, parameters);
  StepRun& run = runs.at(source, source.rows());
  plan::Instance& instance = run.program()->instance();
  if (!profile) return instance.plan().text();
  std::vector<std::int64_t> rows(static_cast<std::size_t>(source.rows()));
  std::iota(rows.begin(), rows.end(), 0);
  for (int i = 0; i < kWarmUps + kRuns; ++i) {
    stop_if_asked(method);
    if (i == kWarmUps) instance.profile(true);
    run.gather(rows);
    const std::shared_lock<ReadWriteLock> reading(weights_lock_);
    run.execute(0);  // what would last waits for a commit that does not come
  }
  const std::vector<double> seconds = instance.seconds();
  instance.profile(false);
  return instance.plan().text(seconds);
}

}  // namespace nacre::model
