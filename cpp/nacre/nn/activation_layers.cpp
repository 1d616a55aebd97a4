#include "nacre/nn/activation_layers.h"

#include <algorithm>

#include "nacre/nn/activation.h"
#include "nacre/nn/checks.h"
#include "nacre/ops/operators.h"
#include "nacre/ops/ops.h"

namespace nacre::nn {

void Activation::check(const ActivationOptions& o) { (void)find_activation(kName, o.activation); }

Tensor Activation::call(const Tensor& x, const CallContext&) const { return find_activation(kName, o().activation).function(x); }

// ---- ReLU ----

void ReLU::check(const ReLUOptions& o) {
  const auto need = [](std::string_view option, double v) {
    if (!(v >= 0) || !std::isfinite(v)) raise<ValueError>(kName, ": ", option, " must be >= 0 and finite, got ", v, ".");
  };
  if (o.max_value) need("max_value", *o.max_value);
  need("negative_slope", o.negative_slope);
  need("threshold", o.threshold);
}

Tensor ReLU::call(const Tensor& x, const CallContext&) const {
  const double slope = o().negative_slope, threshold = o().threshold;
  if (threshold == 0 && !o().max_value) return slope == 0 ? relu(x) : leaky_relu(x, {.negative_slope = slope});
  if (threshold == 0 && slope == 0 && *o().max_value == 6) return relu6(x);
  Tensor y;
  if (threshold == 0) {
    y = slope == 0 ? relu(x) : leaky_relu(x, {.negative_slope = slope});
  } else {
    const Tensor t = weak_scalar(threshold, x);
    y = where(greater(x, t), x, slope == 0 ? weak_scalar(0, x) : (x - t) * slope);
  }
  return o().max_value ? minimum(y, weak_scalar(*o().max_value, x)) : y;
}

// ---- LeakyReLU, ELU ----

void LeakyReLU::check(const LeakyReLUOptions& o) { need_finite(kName, "negative_slope", o.negative_slope); }
Tensor LeakyReLU::call(const Tensor& x, const CallContext&) const { return leaky_relu(x, {.negative_slope = o().negative_slope}); }

void ELU::check(const ELUOptions& o) { need_finite(kName, "alpha", o.alpha); }
Tensor ELU::call(const Tensor& x, const CallContext&) const { return elu(x, {.alpha = o().alpha}); }

// ---- PReLU ----

void PReLU::check(const PReLUOptions& o) {
  need_initializer(kName, "alpha_initializer", o.alpha_initializer);
  if (!o.shared_axes) return;
  for (Dim a : o.shared_axes->values) {
    if (a < 1 || a >= kMaxRank)
      raise<ValueError>(kName, ": shared_axes must be from 1 to ", kMaxRank - 1, ", got ", listed(o.shared_axes->values), ".");
  }
}

Shape PReLU::alpha_shape(const Shape& input) const {
  if (input.rank() < 2) raise<ShapeError>(label(), ": the input must have rank 2 or more, got ", input, ".");
  Shape s;
  for (int i = 1; i < input.rank(); ++i) s.push_back(input[i]);
  if (o().shared_axes) {
    for (Dim a : o().shared_axes->values) {
      if (a >= input.rank())
        raise<ShapeError>(label(), ": shared_axes has ", a, " but the input ", input, " has rank ", input.rank(), ".");
      s[static_cast<int>(a) - 1] = 1;
    }
  }
  for (int i = 0; i < s.rank(); ++i) {
    if (s[i] == kUnknown) {
      raise<ShapeError>(label(), ": axis ", i + 1, " of the input ", input,
                        " must be known, because weights depend on it. Or put it into shared_axes.");
    }
  }
  return s;
}

std::vector<int> PReLU::weight_axes(int rank) const {
  std::vector<int> out;
  for (int i = 1; i < rank; ++i) {
    const auto& shared = o().shared_axes;
    if (!shared || std::find(shared->values.begin(), shared->values.end(), i) == shared->values.end()) out.push_back(i);
  }
  return out;
}

Shape PReLU::output_shape(const Shape& input) const {
  (void)alpha_shape(input);
  return input;
}

void PReLU::create_weights(const Shape& input) {
  add_weight("alpha", (*make_initializer(kName, o().alpha_initializer))(alpha_shape(input), dtype()));
}

Tensor PReLU::call(const Tensor& x, const CallContext&) const { return prelu(x, weight(0)); }

// ---- Softmax ----

Shape Softmax::output_shape(const Shape& input) const {
  (void)normalize_axis(label(), o().axis, input.rank());
  return input;
}

Tensor Softmax::call(const Tensor& x, const CallContext&) const { return softmax(x, {.axis = o().axis}); }

}  // namespace nacre::nn
