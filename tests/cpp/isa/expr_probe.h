// Expressions of nacre/expr evaluated inside one instruction set, beside the loops they stand for.
#pragma once

#include <cstdint>

namespace nacre::test {

constexpr int kExpressions = 12;

// Writes expression `which` of x and y, n elements each, to `out` (first row) and the plain scalar loop's values to `plain`.
// The leaves start at any offset; nothing beyond n may be read or written. Returns the count that store() reported.
using ExprRun = std::int64_t (*)(int which, const float* x, const float* y, std::int64_t n, float* out, float* plain);
using ExprRunDouble = std::int64_t (*)(const double* x, const double* y, std::int64_t n, double* out, double* plain);
struct ExprProbe {
  ExprRun run;
  ExprRunDouble run_double;
  ExprRun run_parallel;
};

}  // namespace nacre::test
