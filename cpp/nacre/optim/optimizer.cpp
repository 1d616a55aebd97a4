// What all optimizers share: state, checks, masks of the weight decay, the step.
#include "nacre/optim/optimizer.h"

#include <cmath>

#include "nacre/autograd/tape.h"
#include "nacre/base/threads.h"
#include "nacre/kernels/table.h"
#include "nacre/ops/ops.h"
#include "nacre/tensor/pack.h"

namespace nacre::optim {

namespace {

// Sum of the squares of contiguous elements, the same for any number of threads.
double square_sum(const Tensor& g) {
  if (g.count() == 0) return 0;
  const ReduceTable& t = cpu_kernels().reduce;
  const Tensor out = Tensor::empty({}, g.dtype(), "norm");
  ReduceArgs args{.x = g.view().data, .y = out.view().data, .rank = 1, .axes = 1};
  args.sizes[0] = g.count();
  args.strides[0] = 1;
  Context memory(cpu_kernels());
  const auto dtype = static_cast<std::size_t>(g.dtype());
  void* scratch = memory.scratch(t.reduce_scratch(ReduceKind::sum_sq, g.dtype(), args));
  t.reduce[static_cast<std::size_t>(ReduceKind::sum_sq)][dtype](args, scratch);
  return out.item();
}

}  // namespace

Optimizer::Optimizer(std::string_view class_name, double learning_rate, const UpdateOptions& o)
    : learning_rate_(learning_rate),
      weight_decay_(o.weight_decay.value_or(0)),
      clipnorm_(o.clipnorm),
      clipvalue_(o.clipvalue),
      global_clipnorm_(o.global_clipnorm) {
  const Json& exclude = o.exclude_from_weight_decay;
  const std::string& mask = o.weight_decay_mask;
  if (!(learning_rate > 0) || !std::isfinite(learning_rate)) {
    raise<ValueError>(class_name, ": learning_rate must be > 0 and finite, got ", learning_rate, ".");
  }
  if (!(weight_decay_ >= 0) || !std::isfinite(weight_decay_)) {
    raise<ValueError>(class_name, ": weight_decay must be >= 0 and finite, got ", weight_decay_, ".");
  }
  int clips = 0;
  for (const auto& [option, value] :
       {std::pair{"clipnorm", clipnorm_}, {"clipvalue", clipvalue_}, {"global_clipnorm", global_clipnorm_}}) {
    if (!value) continue;
    ++clips;
    if (!(*value > 0) || !std::isfinite(*value))
      raise<ValueError>(class_name, ": ", option, " must be > 0 and finite, got ", *value, ". None means no clipping.");
  }
  if (clips > 1)
    raise<ValueError>(class_name, ": only one of clipnorm, clipvalue and global_clipnorm can be given, got ", clips, ".");
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
  std::vector<Run> runs;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& p = parameters[i];
    if (!p.value.defined()) raise<TypeError>(class_name(), ": a variable is empty.");
    const DType t = p.value.dtype();
    if (t != DType::float32 && t != DType::float64) {
      raise<DTypeError>(class_name(), ": variable ", p.name, " is ", t, ". Only float32 and float64 can be trained.");
    }
    if (!p.value.contiguous()) raise<ValueError>(class_name(), ": variable ", p.name, " is a strided view. Pass its clone().");
    const double decay = decays(p.name) ? weight_decay_ : 0;
    if (!runs.empty() && !clipnorm_ && runs.back().weight_decay == decay && packed_behind(parameters[i - 1].value, p.value)) {
      Run& run = runs.back();
      run.elements =
          (static_cast<const char*>(p.value.view().data) - static_cast<const char*>(parameters[run.first].value.view().data)) /
              size_of(t) +
          p.value.count();
      ++run.count;
    } else {
      runs.push_back({i, 1, p.value.count(), decay});
    }
  }
  // State of a run lies as its variables do.
  const std::vector<std::string> names = slots();
  std::vector<std::vector<Tensor>> state(parameters.size());
  for (const Run& run : runs) {
    const Tensor& start = parameters[run.first].value;
    for (std::size_t s = 0; s < names.size(); ++s) {
      const Tensor block = full({.shape = {run.elements}, .value = slot_start(s), .dtype = start.dtype()});
      for (std::size_t i = run.first; i < run.first + run.count; ++i) {
        View v = parameters[i].value.view();
        v.data = static_cast<char*>(block.view().data) +
                 (static_cast<const char*>(v.data) - static_cast<const char*>(start.view().data));
        state[i].push_back(make_view(block.body()->storage, v));
      }
    }
  }
  parameters_.assign(parameters.begin(), parameters.end());
  state_ = std::move(state);
  runs_ = std::move(runs);
  built_ = true;
}

void Optimizer::check_gradient(std::size_t i, const Tensor& g) const {
  const Tensor& p = parameters_[i].value;
  if (g.shape() == p.shape() && g.dtype() == p.dtype()) return;
  raise<ShapeError>(class_name(), ": the gradient of ", parameters_[i].name, " has shape ", g.shape(), " and dtype ", g.dtype(),
                    ", the variable ", p.shape(), " and ", p.dtype(), ".");
}

bool Optimizer::in_one_piece(const Run& run, std::span<const Tensor> grads) const {
  for (std::size_t i = run.first; i < run.first + run.count; ++i) {
    if (!grads[i].defined() || !grads[i].contiguous()) return false;
    // In one storage at the same distances as the variables: what lies between is read, and only gaps of the variables change by it.
    const auto distance = [](const Tensor& a, const Tensor& b) {
      return static_cast<const char*>(b.view().data) - static_cast<const char*>(a.view().data);
    };
    if (i > run.first && (grads[i].body()->storage != grads[i - 1].body()->storage ||
                          distance(grads[i - 1], grads[i]) != distance(parameters_[i - 1].value, parameters_[i].value)))
      return false;
  }
  return true;
}

double Optimizer::shrink(double norm, const std::optional<double>& most) {
  return !most || norm <= *most ? 1.0 : *most / norm;  // NaN and infinity go on to the variables, as everywhere
}

void Optimizer::update_range(const Run& run, std::size_t i, std::int64_t elements, const Tensor& grad, double scale) const {
  const Tensor& p = parameters_[i].value;
  update({.dtype = p.dtype(),
          .param = p.body()->data,
          .grad = grad.body()->data,
          .n = elements,
          .weight_decay = run.weight_decay,
          .grad_scale = scale,
          .limit = clipvalue_.value_or(0),
          .step = iterations_,
          .state = state_[i]});
}

Optimizer::Prepared Optimizer::prepare(std::span<const Tensor> grads, std::span<const Parameter> parameters) {
  if (grads.size() != parameters.size()) {
    raise<ValueError>(class_name(), ": ", grads.size(), " gradients for ", parameters.size(), " variables.");
  }
  const NoGrad no_grad;
  build(parameters);
  for (std::size_t i = 0; i < grads.size(); ++i) {
    if (!grads[i].defined()) continue;
    require_values(class_name(), grads[i]);
    check_gradient(i, grads[i]);
    if (parameters_[i].value.body()->storage->read_only) begin_write(class_name(), parameters_[i].value);  // raises
  }
  Prepared out;
  for (const Tensor& g : grads) out.grads.push_back(!g.defined() || g.contiguous() ? g : g.clone());
  for (std::size_t r = 0; r < runs_.size(); ++r) {
    const Run& run = runs_[r];
    if (!clipnorm_ && in_one_piece(run, out.grads)) {
      out.pieces.push_back({r, run.first, run.elements, out.grads[run.first]});
      continue;
    }
    for (std::size_t i = run.first; i < run.first + run.count; ++i) {
      if (out.grads[i].defined()) out.pieces.push_back({r, i, parameters_[i].value.count(), out.grads[i]});
    }
  }
  return out;
}

void Optimizer::apply(std::span<const Tensor> grads, std::span<const Parameter> parameters) { apply(prepare(grads, parameters)); }

void Optimizer::apply(const Prepared& prepared) {
  const Uninterruptible whole;  // a step is made entirely or not at all
  double scale = 1;
  if (global_clipnorm_) {
    double sum = 0;
    for (const Tensor& g : prepared.grads) sum += g.defined() ? square_sum(g) : 0.0;
    scale = shrink(std::sqrt(sum), global_clipnorm_);
  }
  come_back();
  ++iterations_;
  for (std::size_t i = 0; i < prepared.grads.size(); ++i) {
    if (prepared.grads[i].defined()) begin_write(class_name(), parameters_[i].value);
  }
  for (const Prepared::Piece& p : prepared.pieces) {
    const double own = clipnorm_ ? shrink(std::sqrt(square_sum(p.grad)), clipnorm_) : scale;
    update_range(runs_[p.run], p.first, p.elements, p.grad, own);
  }
  for (std::size_t i = 0; i < hooks_.size(); ++i) {
    if (hooks_[i] && prepared.grads[i].defined()) hooks_[i](parameters_[i].value);
  }
}

std::vector<Optimizer::Pass> Optimizer::passes(const Prepared& prepared) const {
  std::vector<Pass> out;
  const Work w = work();
  for (const Prepared::Piece& p : prepared.pieces) {
    const Run& run = runs_[p.run];
    Pass pass{.first = p.first, .variables = 1, .parameters = parameters_[p.first].value.count(), .flops = 0, .bytes = 0};
    if (p.elements > pass.parameters) {  // the whole run
      pass.variables = run.count;
      for (std::size_t i = 1; i < run.count; ++i) pass.parameters += parameters_[p.first + i].value.count();
    }
    // Decay and limit take two operations, a scale of the gradient one; its norm two and another read.
    const int flops =
        w.flops + (run.weight_decay > 0 ? 2 : 0) + (clipvalue_ ? 2 : 0) + (global_clipnorm_ ? 1 : 0) + (clipnorm_ ? 3 : 0);
    const int values = w.values + (clipnorm_ ? 2 : 1);
    const auto n = static_cast<double>(p.elements);
    pass.flops = n * flops;
    pass.bytes = n * values * static_cast<double>(size_of(p.grad.dtype()));
    out.push_back(pass);
  }
  return out;
}

void Optimizer::set_hook(std::size_t variable, Hook hook) {
  if (!built_) raise<StateError>(class_name(), ": set_hook needs the variables. Call build(variables) first.");
  if (variable >= parameters_.size()) {
    raise<IndexError>(class_name(), ": set_hook: variable ", variable, " is out of range for ", parameters_.size(), " variables.");
  }
  hooks_.resize(parameters_.size());
  hooks_[variable] = std::move(hook);
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
