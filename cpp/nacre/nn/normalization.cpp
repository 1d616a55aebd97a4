#include "nacre/nn/normalization.h"

#include <algorithm>

#include "nacre/autograd/tape.h"
#include "nacre/base/warning.h"
#include "nacre/nn/checks.h"
#include "nacre/ops/ops.h"

namespace nacre::nn {

// ---- BatchNormalization ----

void BatchNormalization::check(const BatchNormalizationOptions& o) {
  need_rate(kName, "momentum", o.momentum);
  need_epsilon(kName, o.epsilon);
  need_initializer(kName, "beta_initializer", o.beta_initializer);
  need_initializer(kName, "gamma_initializer", o.gamma_initializer);
  need_initializer(kName, "moving_mean_initializer", o.moving_mean_initializer);
  need_initializer(kName, "moving_variance_initializer", o.moving_variance_initializer);
}

Shape BatchNormalization::output_shape(const Shape& input) const {
  if (input.rank() < 2) raise<ShapeError>(label(), ": the input must have rank 2 or more, got ", input, ".");
  const int axis = normalize_axis(label(), o().axis, input.rank());
  if (axis == 0) raise<ValueError>(label(), ": axis ", o().axis, " is the batch axis of the input ", input, ". Use -1 or 1.");
  (void)need_known(label(), input, axis);
  return input;
}

void BatchNormalization::create_weights(const Shape& input) {
  const Shape s{input[normalize_axis(kName, o().axis, input.rank())]};
  if (o().scale) add_weight("gamma", (*make_initializer(kName, o().gamma_initializer))(s, dtype()));
  if (o().center) add_weight("beta", (*make_initializer(kName, o().beta_initializer))(s, dtype()));
  add_weight("moving_mean", (*make_initializer(kName, o().moving_mean_initializer))(s, dtype()), false);
  add_weight("moving_variance", (*make_initializer(kName, o().moving_variance_initializer))(s, dtype()), false);
}

Tensor BatchNormalization::call(const Tensor& x, const CallContext& context) const {
  const Tensor gamma = find_weight("gamma"), beta = find_weight("beta"), mean = find_weight("moving_mean"),
               var = find_weight("moving_variance");
  if (!context.training || !trainable()) {
    const Tensor in[] = {x, mean, var, gamma, beta};
    return batch_norm_inference(in, {.axis = o().axis, .epsilon = o().epsilon});
  }
  if (x.count() == mean.count()) {
    warn(cat(label(), ": one position per channel (input ", x.shape(),
             ") has no variance; the result is beta. Train with larger batches."));
  }
  const std::vector<Tensor> out = batch_norm_training(x, gamma, beta, {.axis = o().axis, .epsilon = o().epsilon});
  NoGrad quiet;
  ema_update_(mean, out[1].detach(), {.momentum = o().momentum});
  ema_update_(var, out[2].detach(), {.momentum = o().momentum});
  return out[0];
}

// ---- LayerNormalization ----

void LayerNormalization::check(const LayerNormalizationOptions& o) {
  if (o.axis.values.empty()) raise<ValueError>(kName, ": axis must name at least one axis, got an empty list.");
  need_epsilon(kName, o.epsilon);
  need_initializer(kName, "beta_initializer", o.beta_initializer);
  need_initializer(kName, "gamma_initializer", o.gamma_initializer);
}

std::vector<int> LayerNormalization::axes(int rank) const {
  std::vector<int> out;
  for (Dim a : o().axis.values) out.push_back(normalize_axis(label(), a, rank));
  std::sort(out.begin(), out.end());
  if (out.front() == 0 || std::adjacent_find(out.begin(), out.end()) != out.end()) {
    raise<ValueError>(label(), ": axis ", listed(o().axis.values), " must name different axes of an input of rank ", rank,
                      ", without the batch.");
  }
  return out;
}

Shape LayerNormalization::output_shape(const Shape& input) const {
  if (input.rank() < 2) raise<ShapeError>(label(), ": the input must have rank 2 or more, got ", input, ".");
  for (int a : axes(input.rank())) (void)need_known(label(), input, a);
  return input;
}

void LayerNormalization::create_weights(const Shape& input) {
  Shape s;
  for (int a : axes(input.rank())) s.push_back(input[a]);
  if (o().scale) add_weight("gamma", (*make_initializer(kName, o().gamma_initializer))(s, dtype()));
  if (o().center) add_weight("beta", (*make_initializer(kName, o().beta_initializer))(s, dtype()));
}

Tensor LayerNormalization::call(const Tensor& x, const CallContext&) const {
  const std::vector<int> over = axes(x.rank());
  const int n = static_cast<int>(over.size());
  IntList from, to, trailing;
  bool at_end = true;
  for (int i = 0; i < n; ++i) {
    from.push_back(over[static_cast<std::size_t>(i)]);
    to.push_back(i - n);
    trailing.push_back(i - n);
    at_end = at_end && over[static_cast<std::size_t>(i)] == x.rank() - n + i;
  }
  // The op normalises over trailing axes: others are moved there and back.
  const Tensor t = at_end ? x : moveaxis(x, {.source = from, .destination = to});
  const Tensor y = layer_norm(t, find_weight("gamma"), find_weight("beta"), {.axis = trailing, .epsilon = o().epsilon});
  return at_end ? y : moveaxis(y, {.source = to, .destination = from});
}

}  // namespace nacre::nn
