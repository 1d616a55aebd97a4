// Einstein summation over any number of tensors.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

struct Einsum {
  Text equation;
  static constexpr std::string_view name = "einsum", doc = R"(Einstein summation: products of tensors, summed over shared axes.

Each term of the equation names an operand's axes by letters; y is the product of all operands summed over the letters that the result
does not name. "ij,jk->ik" is a matrix product. Without "->" the result has the letters that appear once, in alphabetical order. "..."
stands for leading axes that broadcast. Operands are combined from left to right, by matrix products. The gradient is einsum again.

Args:
    operands: One tensor per term; numbers, brought to their common dtype.
    equation: Terms, e.g. "bij,bjk->bik"; at most 100 characters. A letter twice in one term (a diagonal) is not supported.

Returns:
    Tensor with the axes of the result. uint8 and int8 give int32.

Raises:
    ValueError: The equation is malformed or does not have one term per operand.
    ShapeError: A term does not fit its operand's rank, or a letter has two sizes.

Example:
    >>> nc.einsum("ij,jk->ik", nc.ones((2, 3)), nc.ones((3, 4))).shape  # (2, 4)

Reference: numpy.einsum.)";
  static constexpr Arg inputs[] = {{"operands", kVariadic}};
  static constexpr auto fields = std::tuple{Field{"equation", &Einsum::equation, true}};
  static constexpr Promote promote = Promote::common;
  static constexpr bool strided = true, save_types = true;
  static constexpr std::uint64_t save_in = kSaveAll, save_out = 0;
  static void infer(const Einsum& a, In in, Types& out);
  static void run(const Einsum& a, Views in, Views out, Context& c);
  static void grad(const Einsum& a, GradCtx& c);
};

}  // namespace nacre::op
