// Elementwise kernels: inner loops over strided runs, in tables indexed by kind and dtype, and the drivers that call them on whole Views.
//
// How an op calls them (elementwise_drive.h; the drivers broadcast, collapse dimensions, split over threads):
//     const ElementwiseTable& t = ...;                                    // the table of the instruction set in use
//     apply_unary(unary_fn(t, UnaryKind::exp, x.dtype), x, y);            // y = exp(x)
//     apply_unary(unary_fn(t, UnaryKind::clip, x.dtype), x, y, params);   // const double params[] = {low, high}
//     apply_binary(binary_fn(t, BinaryKind::add, a.dtype), a, b, y);      // a and b of ONE dtype: cast first; shapes broadcast to y's
//     apply_binary(binary_fn(t, BinaryKind::mod, a.dtype), a, b, y, nullptr, &status);
//     apply_where(t, cond, a, b, y);  apply_cast(t, x, y);  apply_copy(t, x, y);  apply_fill(t, value, y);
// A null function means: not defined for that dtype (the shape rule should have refused it). Predicates and comparisons write bool (one byte,
// 0 or 1); every other kind writes the dtype it reads. bool inputs count as true when not 0.
//
// Loops: n elements, strides in elements (0 repeats, negative walks back), `params` as named beside the kind (null where none is named).
// The output may be an input with the same pointer and strides, and must not overlap one otherwise. A lane's bits depend on its operands
// alone, never on n, strides or position. noexcept, no allocation, no threads.
#pragma once

#include <stdint.h>

#include "nacre/base/dtype.h"

namespace nacre {

// f: float32 and float64. i: uint8, int8, int32, int64 (wrap-around). b: bool.
enum class UnaryKind : uint8_t {
  // f i
  neg,
  abs,
  sign,
  square,  // sign(NaN) = NaN, sign(-0) = -0; neg of uint8 wraps
  clip,    // params {low, high}: min(max(x, low), high); NaN stays NaN
  // f
  sqrt,
  rsqrt,
  reciprocal,
  exp,
  expm1,
  log,
  log1p,
  log2,
  log10,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  erf,
  floor,
  ceil,
  round,
  trunc,         // round: half to even
  sigmoid,       // 1 / (1 + e^-x)
  relu,          // x > 0 ? x : 0 ; NaN stays NaN; also i
  leaky_relu,    // params {a}: x > 0 ? x : a x
  elu,           // params {alpha}: x > 0 ? x : alpha (e^x - 1)
  selu,          // 1.0507009873554805 * elu(x, 1.6732632423543772)
  softplus,      // log(1 + e^x)
  softsign,      // x / (1 + |x|)
  silu,          // params {beta}: x sigmoid(beta x)
  gelu,          // x/2 (1 + erf(x / sqrt 2))
  gelu_tanh,     // x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
  hard_sigmoid,  // min(max(x + 3, 0), 6) / 6
  mish,          // x tanh(softplus(x))
  // f -> bool
  isnan,
  isinf,
  isfinite,
  // b f i -> bool
  logical_not,
  count
};

enum class BinaryKind : uint8_t {
  // f i
  add,
  sub,
  mul,
  minimum,
  maximum,  // NaN when either is; also b
  squared_difference,
  floor_divide,
  mod,    // NumPy: mod has the sign of b. Integer division by zero gives 0 and sets kZeroDivisor in *status
  power,  // integer to a negative power gives 0 (1 for base 1, +-1 for base -1) and sets kNegativePower
  // f
  div,
  atan2,
  axpby,  // params {alpha, beta}: alpha a + beta b, three roundings
  // f i b -> bool
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  // b f i -> bool
  logical_and,
  logical_or,
  logical_xor,
  // f, gradients: dx from (saved, dy). The saved tensor is the output y or the input x, as named.
  relu_grad,          // (y, dy): y > 0 ? dy : 0
  leaky_relu_grad,    // (x, dy), params {a}
  elu_grad,           // (x, dy), params {alpha}: x > 0 ? dy : dy alpha e^x
  selu_grad,          // (x, dy)
  sigmoid_grad,       // (y, dy): dy y (1 - y)
  tanh_grad,          // (y, dy): dy (1 - y^2)
  softplus_grad,      // (x, dy): dy sigmoid(x)
  softsign_grad,      // (x, dy): dy / (1 + |x|)^2
  silu_grad,          // (x, dy), params {beta}
  gelu_grad,          // (x, dy): dy (Phi(x) + x phi(x))
  gelu_tanh_grad,     // (x, dy)
  hard_sigmoid_grad,  // (x, dy): dy/6 inside (-3, 3), else 0
  mish_grad,          // (x, dy)
  clip_grad,          // (x, dy), params {low, high}: dy where low <= x <= high, else 0
  abs_grad,           // (x, dy): dy sign(x)
  count
};

// Bits of the status word of integer kernels.
inline constexpr uint32_t kZeroDivisor = 1, kNegativePower = 2;

using UnaryFn = void (*)(int64_t n, const void* x, int64_t sx, void* y, int64_t sy, const double* params) noexcept;
// status may be null; bits are added with |=, one thread per word.
using BinaryFn = void (*)(int64_t n, const void* a, int64_t sa, const void* b, int64_t sb, void* y, int64_t sy,
                          const double* params, uint32_t* status) noexcept;
// y = cond ? a : b; cond is bool.
using WhereFn = void (*)(int64_t n, const void* cond, int64_t sc, const void* a, int64_t sa, const void* b, int64_t sb, void* y,
                         int64_t sy) noexcept;
using CopyFn = void (*)(int64_t n, const void* x, int64_t sx, void* y, int64_t sy) noexcept;
// y[c * y_row + r] = x[r * x_row + c] for r < rows, c < cols.
using TransposeFn = void (*)(int64_t rows, int64_t cols, const void* x, int64_t x_row, void* y, int64_t y_row) noexcept;

inline constexpr int kUnaryKinds = static_cast<int>(UnaryKind::count), kBinaryKinds = static_cast<int>(BinaryKind::count);

struct ElementwiseTable {
  UnaryFn unary[kUnaryKinds][kDTypeCount];
  BinaryFn binary[kBinaryKinds][kDTypeCount];
  // [from][to], all 81. To float16, bfloat16, float32: nearest, ties to even. Float to integer: towards zero, saturated, NaN gives 0.
  // Integer to narrower integer: wraps. To bool: not equal to zero (NaN is true).
  CopyFn cast[kDTypeCount][kDTypeCount];
  // By item size 1, 2, 4, 8: index size_index(bytes).
  WhereFn where[4];
  CopyFn copy[4];
  TransposeFn transpose[4];
};

[[nodiscard]] constexpr int size_index(int64_t bytes) { return bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3; }
[[nodiscard]] constexpr UnaryFn unary_fn(const ElementwiseTable& t, UnaryKind k, DType d) {
  return t.unary[static_cast<int>(k)][static_cast<int>(d)];
}
[[nodiscard]] constexpr BinaryFn binary_fn(const ElementwiseTable& t, BinaryKind k, DType d) {
  return t.binary[static_cast<int>(k)][static_cast<int>(d)];
}
[[nodiscard]] constexpr bool writes_bool(UnaryKind k) { return k >= UnaryKind::isnan; }
[[nodiscard]] constexpr bool writes_bool(BinaryKind k) { return k >= BinaryKind::equal && k <= BinaryKind::logical_xor; }

}  // namespace nacre
