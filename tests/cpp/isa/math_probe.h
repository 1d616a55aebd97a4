// The float functions of simd/math.h as loops over arrays, one table per instruction set: what test_simd_math.cpp sweeps.
#pragma once

#include <cstdint>

namespace nacre::test {

using MathFn = void (*)(const float* x, float* y, std::int64_t n);
struct MathProbe {
  MathFn exp, expm1, log, log1p, log2, log10, sin, cos, tanh, erf, sigmoid, normal_cdf, gelu, softplus, silu, mish;
  MathFn exp_negative;
};

}  // namespace nacre::test
