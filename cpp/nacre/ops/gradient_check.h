// Gradients against central differences: the reference for every op.
//
// With y = op(x) and a random tensor r of y's shape, f(x) = sum(r * y). For every element, df/dx is compared with (f(x + h) - f(x - h)) / 2h.
// `second` checks the gradient's own gradient: g(x) = sum(s * df/dx) against differences of g. Inputs are taken in float64; arguments flagged kNoGrad
// and integer inputs are left alone. A plain sum instead of r would hide errors: the gradient of sum(softmax(x)) is zero.
#pragma once

#include "nacre/ops/op.h"

namespace nacre {

struct GradientCheckOptions {
  std::uint64_t seed = 0;
  bool second = false;
  double step = 1e-6;
  double rtol = 1e-5, atol = 1e-7;  // a right gradient in float64 is within about 1e-9; one wrong by 0.1 % fails
  Dim max_elements = 200;           // beyond that, 8 random directions per input instead of every element
};

struct GradientCheck {
  Dim checked = 0;   // numbers compared
  double worst = 0;  // largest |got - expected| / (atol + rtol |expected|)
  int worst_input = -1;
  Dim worst_element = -1;
  double expected = 0, got = 0;
};

// Throws what the op throws; StateError when the op has no gradient.
NACRE_API GradientCheck check_gradient(const OpDef& def, const void* attrs, std::span<const Tensor> inputs,
                                       const GradientCheckOptions& options = {});

}  // namespace nacre
