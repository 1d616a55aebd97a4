// Matrix products: matmul with batches and broadcasting, and dense, the fused x @ kernel + bias of a fully connected layer.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

struct Matmul {
  bool transpose_a = false;
  bool transpose_b = false;
  static constexpr std::string_view name = "matmul", doc = R"(Matrix product, batched.

y_mn = sum_k x1_mk x2_kn;  dx1 = dy x2^T, dx2 = x1^T dy
Leading axes are batches and broadcast. A vector x1 counts as a row, a vector x2 as a column, and that axis is left out of the result.

Args:
    x1: [..., M, K] or [K]; numbers, x1 and x2 take their common dtype.
    x2: [..., K, N] or [K].
    transpose_a: x1 is given as [..., K, M]; default False.
    transpose_b: x2 is given as [..., N, K]; default False.

Returns:
    Tensor [..., M, N]. uint8 and int8 give int32; integers wrap around.

Raises:
    ShapeError: An input has rank 0, K differs, or the batches do not broadcast.
    ValueError: A vector is to be transposed.

Example:
    >>> nc.matmul(nc.ones((2, 3)), nc.ones((3, 4))).shape  # (2, 4)

Reference: numpy.matmul.)";
  static constexpr Arg inputs[] = {{"x1"}, {"x2"}};
  static constexpr auto fields = std::tuple{Field{"transpose_a", &Matmul::transpose_a}, Field{"transpose_b", &Matmul::transpose_b}};
  static constexpr Promote promote = Promote::common;
  static constexpr bool strided = true;
  static constexpr std::uint64_t save_in = 3, save_out = 0;
  static void infer(const Matmul& a, In in, Types& out);
  static void run(const Matmul& a, Views in, Views out, Context& c);
  static void grad(const Matmul& a, GradCtx& c);
  static Cost cost(const Matmul& a, In in, std::span<const Type> out);
  static bool prepare(const Matmul& a, Views in, Views out, CallBuilder& calls);
  static TileSides sides(const Matmul& a, In in);
};

struct Dense {
  Text activation = "linear";
  static constexpr std::string_view name = "dense", doc = R"(Fully connected layer: activation(x @ kernel + bias) in one pass.

y_n = f(sum_k x_k kernel_kn + bias_n);  g = dy f'(y), dx = g kernel^T, dkernel = x^T g, dbias = sum g

Args:
    x: [..., K]; integers and bool become floatx().
    kernel: [K, N].
    bias: [N], or None.
    activation: "linear" (default) or "relu".

Returns:
    Tensor [..., N].

Raises:
    ShapeError: x has rank 0, or K or N do not agree.
    ValueError: activation is not known.

Example:
    >>> nc.dense(nc.ones((2, 3)), nc.ones((3, 4)), nc.zeros((4,)), activation="relu").shape  # (2, 4)

Reference: keras.layers.Dense.)";
  static constexpr Arg inputs[] = {{"x"}, {"kernel"}, {"bias", kOptional}};
  static constexpr auto fields = std::tuple{Field{"activation", &Dense::activation}};
  static constexpr Promote promote = Promote::to_float;
  static constexpr bool strided = true;
  static constexpr std::uint64_t save_in = 3, save_out = 1;
  static void infer(const Dense& a, In in, Types& out);
  static void run(const Dense& a, Views in, Views out, Context& c);
  static void grad(const Dense& a, GradCtx& c);
  static Cost cost(const Dense& a, In in, std::span<const Type> out);
  static bool prepare(const Dense& a, Views in, Views out, CallBuilder& calls);
  static TileSides sides(const Dense& a, In in);
};

}  // namespace nacre::op
