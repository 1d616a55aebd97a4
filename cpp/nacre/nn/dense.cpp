#include "nacre/nn/dense.h"

#include "nacre/nn/activation.h"
#include "nacre/nn/checks.h"
#include "nacre/ops/ops.h"

namespace nacre::nn {

void Dense::check(const DenseOptions& o) {
  need_count(kName, "units", o.units);
  (void)plan_activation(kName, o.activation);
  need_initializer(kName, "kernel_initializer", o.kernel_initializer);
  need_initializer(kName, "bias_initializer", o.bias_initializer);
}

Shape Dense::output_shape(const Shape& input) const {
  if (input.rank() < 2) raise<ShapeError>(label(), ": the input must have rank 2 or more [N, ..., features], got ", input, ".");
  (void)need_known(label(), input, input.rank() - 1);
  Shape out = input;
  out[out.rank() - 1] = o().units;
  return out;
}

void Dense::create_weights(const Shape& input) {
  add_weight("kernel", (*make_initializer(kName, o().kernel_initializer))({input.back(), o().units}, dtype()));
  if (o().use_bias) add_weight("bias", (*make_initializer(kName, o().bias_initializer))({o().units}, dtype()));
}

Tensor Dense::call(const Tensor& x, const CallContext&) const {
  const ActivationPlan plan = plan_activation(kName, o().activation);
  return plan.finish(dense(x, weight(0), o().use_bias ? weight(1) : Tensor(), {.activation = plan.fused}));
}

}  // namespace nacre::nn
