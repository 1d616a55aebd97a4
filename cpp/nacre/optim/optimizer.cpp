// What all optimizers share: state, checks, masks of the weight decay, the step.
#include "nacre/optim/optimizer.h"

#include <cmath>

#include "nacre/autograd/tape.h"
#include "nacre/base/threads.h"
#include "nacre/ops/ops.h"

namespace nacre::optim {

Optimizer::Optimizer(std::string_view class_name, double learning_rate, std::optional<double> weight_decay, const Json& exclude,
                     const std::string& mask)
    : learning_rate_(learning_rate), weight_decay_(weight_decay.value_or(0)) {
  if (!(learning_rate > 0) || !std::isfinite(learning_rate)) {
    raise<ValueError>(class_name, ": learning_rate must be > 0 and finite, got ", learning_rate, ".");
  }
  if (!(weight_decay_ >= 0) || !std::isfinite(weight_decay_)) {
    raise<ValueError>(class_name, ": weight_decay must be >= 0 and finite, got ", weight_decay_, ".");
  }
  if (!exclude.is_null()) {
    if (!exclude.is_array())
      raise<TypeError>(class_name, ": exclude_from_weight_decay must be a list of names, got ", exclude.to_string(), ".");
    for (const Json& e : exclude.elements()) {
      if (!e.is_string()) raise<TypeError>(class_name, ": exclude_from_weight_decay must hold strings, got ", e.to_string(), ".");
      excluded_.push_back(e.get<std::string>());
    }
  }
  if (mask != "all" && mask != "kernels") {
    raise<ValueError>(class_name, ": weight_decay_mask must be 'all' or 'kernels', got '", mask, "'.");
  }
  kernels_only_ = mask == "kernels";
}

Optimizer::~Optimizer() = default;

void Optimizer::set_learning_rate(double value) {
  if (!(value > 0) || !std::isfinite(value))
    raise<ValueError>(class_name(), ": learning_rate must be > 0 and finite, got ", value, ".");
  learning_rate_ = value;
}

void Optimizer::set_iterations(std::int64_t n) {
  if (n < 0) raise<ValueError>(class_name(), ": iterations must be >= 0, got ", n, ".");
  iterations_ = n;
}

bool Optimizer::decays(const std::string& name) const {
  if (weight_decay_ == 0) return false;
  for (const std::string& part : excluded_) {
    if (name.find(part) != std::string::npos) return false;
  }
  if (!kernels_only_) return true;
  const std::size_t slash = name.rfind('/');
  const std::string last = slash == std::string::npos ? name : name.substr(slash + 1);
  return last.find("kernel") != std::string::npos || last.find("embeddings") != std::string::npos;
}

void Optimizer::build(std::span<const Parameter> parameters) {
  if (built_) {
    bool same = parameters.size() == parameters_.size();
    for (std::size_t i = 0; same && i < parameters.size(); ++i) same = parameters[i].value.same(parameters_[i].value);
    if (!same) {
      raise<StateError>(class_name(), ": was built for ", parameters_.size(), " other variables. Make a new optimizer for these ",
                        parameters.size(), ".");
    }
    return;
  }
  const std::vector<std::string> names = slots();
  std::vector<std::vector<Tensor>> state;
  for (const Parameter& p : parameters) {
    if (!p.value.defined()) raise<TypeError>(class_name(), ": a variable is empty.");
    const DType t = p.value.dtype();
    if (t != DType::float32 && t != DType::float64) {
      raise<DTypeError>(class_name(), ": variable ", p.name, " is ", t, ". Only float32 and float64 can be trained.");
    }
    if (!p.value.contiguous()) raise<ValueError>(class_name(), ": variable ", p.name, " is a strided view. Pass its clone().");
    std::vector<Tensor> tensors;
    for (std::size_t s = 0; s < names.size(); ++s) {
      tensors.push_back(full({.shape = p.value.shape(), .value = slot_start(s), .dtype = t}));
    }
    state.push_back(std::move(tensors));
  }
  parameters_.assign(parameters.begin(), parameters.end());
  state_ = std::move(state);
  built_ = true;
}

void Optimizer::apply(std::span<const Tensor> grads, std::span<const Parameter> parameters) {
  if (grads.size() != parameters.size()) {
    raise<ValueError>(class_name(), ": ", grads.size(), " gradients for ", parameters.size(), " variables.");
  }
  NoGrad no_grad;
  build(parameters);
  std::vector<Tensor> ready(grads.size());
  for (std::size_t i = 0; i < grads.size(); ++i) {
    const Tensor &g = grads[i], &p = parameters_[i].value;
    if (!g.defined()) continue;
    if (!(g.shape() == p.shape()) || g.dtype() != p.dtype()) {
      raise<ShapeError>(class_name(), ": the gradient of ", parameters_[i].name, " has shape ", g.shape(), " and dtype ", g.dtype(),
                        ", the variable ", p.shape(), " and ", p.dtype(), ".");
    }
    ready[i] = g.contiguous() ? g : g.clone();
  }
  Uninterruptible whole;  // a step is made entirely or not at all
  come_back();
  ++iterations_;
  for (std::size_t i = 0; i < ready.size(); ++i) {
    if (!ready[i].defined()) continue;
    const Tensor& p = parameters_[i].value;
    begin_write(class_name(), p);
    update({.dtype = p.dtype(),
            .param = p.body()->data,
            .grad = ready[i].body()->data,
            .n = p.count(),
            .weight_decay = decays(parameters_[i].name) ? weight_decay_ : 0,
            .step = iterations_,
            .state = state_[i]});
  }
}

void Optimizer::step() {
  if (!built_) raise<StateError>(class_name(), ": step() needs its variables. Call build(variables) first.");
  std::vector<Tensor> grads;
  for (const Parameter& p : parameters_) grads.push_back(p.value.grad());
  const std::vector<Parameter> own = parameters_;
  apply(grads, own);
}

void Optimizer::zero_grad() {
  if (!built_) raise<StateError>(class_name(), ": zero_grad() needs its variables. Call build(variables) first.");
  for (const Parameter& p : parameters_) p.value.set_grad({});
}

std::vector<Optimizer::State> Optimizer::state() const {
  std::vector<State> out;
  const std::vector<std::string> names = slots();
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    for (std::size_t s = 0; s < names.size(); ++s) out.push_back({cat(names[s], "/", parameters_[i].name), state_[i][s]});
  }
  return out;
}

}  // namespace nacre::optim
