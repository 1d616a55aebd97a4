// Operators on Tensor. A number beside a tensor is weak: it takes the tensor's dtype (an integer tensor with a fraction becomes floatx()).
#pragma once

#include "nacre/ops/ops.h"

namespace nacre {

// A rank-0 tensor of the dtype that `value` takes beside `other`.
NACRE_API Tensor weak_scalar(double value, const Tensor& other);

#define NACRE_BINARY(symbol, function)                                                                \
  inline Tensor operator symbol(const Tensor& a, const Tensor& b) { return function(a, b); }          \
  inline Tensor operator symbol(const Tensor& a, double b) { return function(a, weak_scalar(b, a)); } \
  inline Tensor operator symbol(double a, const Tensor& b) { return function(weak_scalar(a, b), b); }
NACRE_BINARY(+, add)
NACRE_BINARY(-, subtract)
NACRE_BINARY(*, multiply)
NACRE_BINARY(/, divide)
#undef NACRE_BINARY

inline Tensor operator-(const Tensor& x) { return negative(x); }

}  // namespace nacre
