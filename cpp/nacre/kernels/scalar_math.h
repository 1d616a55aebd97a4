// C mathematics by overload, and table cells by type: what kernel templates need without the standard library's templates.
#pragma once

#include <math.h>
#include <stdint.h>

#include "nacre/base/dtype.h"

#ifndef NACRE_ISA
#define NACRE_ISA isa_scalar
#endif

namespace nacre::NACRE_ISA {
namespace {

[[maybe_unused]] inline float c_sqrt(float x) { return sqrtf(x); }
[[maybe_unused]] inline double c_sqrt(double x) { return sqrt(x); }
[[maybe_unused]] inline float c_exp(float x) { return expf(x); }
[[maybe_unused]] inline double c_exp(double x) { return exp(x); }
[[maybe_unused]] inline float c_log(float x) { return logf(x); }
[[maybe_unused]] inline double c_log(double x) { return log(x); }

template <class T>
inline bool is_nan(T x) {
  return x != x;
}

template <class T>
constexpr int cell() {
  return static_cast<int>(dtype_of<T>);
}

constexpr int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }
constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace
}  // namespace nacre::NACRE_ISA
