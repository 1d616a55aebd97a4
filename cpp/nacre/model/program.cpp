#include "nacre/model/program.h"

#include <algorithm>

#include "nacre/ops/ops.h"

namespace nacre::model {

namespace {

constexpr std::size_t kKept = 8;   // programs of a model: batch sizes and lengths in use at one time
constexpr std::size_t kIdle = 16;  // runs of a program: threads that predict at once

bool same_type(const Type& a, const Type& b) { return a.dtype == b.dtype && a.shape == b.shape; }

bool same_types(const StepTypes& a, const StepTypes& b) {
  const auto same = [](const std::optional<Type>& p, const std::optional<Type>& q) {
    return p.has_value() == q.has_value() && (!p || same_type(*p, *q));
  };
  return std::equal(a.x.begin(), a.x.end(), b.x.begin(), b.x.end(), same) &&
         std::equal(a.y.begin(), a.y.end(), b.y.begin(), b.y.end(), same) &&
         std::equal(a.weights.begin(), a.weights.end(), b.weights.begin(), b.weights.end(), same);
}

bool same_key(const Programs::Key& a, const Programs::Key& b) {
  return a.mode == b.mode && a.threads == b.threads && a.facts == b.facts && same_types(a.types, b.types);
}

std::string numbered(std::string_view name, std::size_t i, std::size_t count) {
  return count == 1 ? std::string(name) : cat(name, i);
}

}  // namespace

Program::Program(Mode mode, const StepFunctions& f, const StepTypes& types, std::uint64_t seed, std::span<const Tensor> parameters,
                 std::span<const Dim> places, std::span<const nn::Variable> named)
    : reached_(parameters.size()) {
  plan::Trace trace;
  std::size_t inputs = 0;
  const auto symbols = [&](const std::vector<std::optional<Type>>& list, std::string_view name, std::vector<std::size_t>& numbers) {
    std::vector<Tensor> out;
    for (std::size_t i = 0; i < list.size(); ++i) {
      out.push_back(list[i] ? trace.input(*list[i], numbered(name, i, list.size())) : Tensor());
      numbers.push_back(list[i] ? inputs++ : kAbsent);
    }
    return out;
  };
  const std::vector<Tensor> x = symbols(types.x, "x", x_), y = symbols(types.y, "y", y_),
                            weights = symbols(types.weights, "sample_weight", weights_);
  std::vector<Tensor> outputs, placed;
  std::vector<Dim> where;
  {
    const Capture capture(trace);
    const Recording recording(mode == Mode::train);
    const std::vector<Tensor> predicted =
        mode == Mode::train ? f.forward(x, {.training = true, .seed = seed, .step = 0}) : f.forward(x, {});
    if (mode != Mode::predict) {
      const std::vector<Tensor> losses = f.losses(y, predicted, weights);
      for (const Tensor& l : losses) {
        losses_.push_back(l.defined() ? outputs.size() : kAbsent);
        if (l.defined()) outputs.push_back(l.detach());
      }
      if (!parameters.empty()) {
        const std::vector<Tensor> grads = nacre::gradients({&losses[0], 1}, {}, parameters);
        for (std::size_t i = 0; i < grads.size(); ++i) {
          reached_[i] = grads[i].defined();
          if (!reached_[i]) continue;
          placed.push_back(grads[i]);
          where.push_back(places[i]);
        }
      }
    }
    first_result_ = outputs.size();
    results_ = predicted.size();
    for (const Tensor& p : predicted) outputs.push_back(p.contiguous() ? p.detach() : p.clone());
    for (const Tensor& t : y) {
      if (t.defined()) outputs.push_back(t);  // metrics read them after the run
    }
  }
  for (const nn::Variable& v : named) trace.name(v.value, v.name);
  plan_ =
      std::make_shared<const plan::Plan>(std::move(trace), outputs, placed, where, plan::PlanOptions{.fixed = mode != Mode::train});
}

std::vector<Tensor> ProgramRun::inputs(const std::vector<std::size_t>& numbers) const {
  std::vector<Tensor> out;
  for (std::size_t n : numbers) out.push_back(n == Program::kAbsent ? Tensor() : instance_.input(n));
  return out;
}

std::vector<Tensor> ProgramRun::losses() const {
  std::vector<Tensor> out;
  for (std::size_t n : program_->losses_) out.push_back(n == Program::kAbsent ? Tensor() : instance_.output(n));
  return out;
}

std::vector<Tensor> ProgramRun::predicted() const {
  std::vector<Tensor> out;
  for (std::size_t i = 0; i < program_->results_; ++i) out.push_back(instance_.output(program_->first_result_ + i));
  return out;
}

Programs::Lease Programs::take(Key key, const std::function<std::shared_ptr<const Program>()>& make, const Tensor& gradients) {
  std::shared_ptr<const Program> program;
  {
    const std::lock_guard<std::mutex> hold(mutex_);
    const auto at = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& k) { return same_key(k.key, key); });
    if (at != kept_.end()) {
      kept_.splice(kept_.begin(), kept_, at);
      if (!at->idle.empty()) {
        std::unique_ptr<ProgramRun> run = std::move(at->idle.back());
        at->idle.pop_back();
        return {*this, std::move(key), std::move(run)};
      }
      program = at->program;
    }
  }
  if (!program) program = make();
  auto run = std::make_unique<ProgramRun>(std::move(program), gradients);
  return {*this, std::move(key), std::move(run)};
}

void Programs::give_back(Key key, std::unique_ptr<ProgramRun> run) {
  const std::lock_guard<std::mutex> hold(mutex_);
  auto at = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& k) { return same_key(k.key, key); });
  if (at == kept_.end()) {
    kept_.push_front({std::move(key), run->shared_program(), {}});
    at = kept_.begin();
    if (kept_.size() > kKept) kept_.pop_back();
  }
  if (at->idle.size() < kIdle) at->idle.push_back(std::move(run));
}

Tensor Programs::gradient_block(Dim bytes) {
  const std::lock_guard<std::mutex> hold(mutex_);
  // The gaps between gradients stay zero: the optimizer walks over them.
  if (!gradients_.defined() || gradients_.count() != bytes) gradients_ = zeros({.shape = {bytes}, .dtype = DType::uint8});
  return gradients_;
}

void Programs::clear() {
  const std::lock_guard<std::mutex> hold(mutex_);
  kept_.clear();
}

}  // namespace nacre::model
