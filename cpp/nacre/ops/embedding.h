// Look-up of rows of a table, and its gradient.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

struct Embedding {
  static constexpr std::string_view name = "embedding", doc = R"(Rows of a table: y[..., :] = weights[indices[...], :].

The gradient adds dy to the rows that were read, in the order of the indices.

Args:
    weights: Table [V, ...], usually [V, D], a float dtype.
    indices: Integers from 0 to V - 1, any shape. Negative ones are refused: they do not count from the end.

Returns:
    Tensor of shape indices.shape + weights.shape[1:].

Raises:
    IndexError: An index is outside [0, V).
    DTypeError: indices are not integers.
    ShapeError: weights is a scalar, or the result has more than 8 axes.

Example:
    >>> nc.embedding(nc.ones((10, 4)), nc.asarray([1, 2, 3])).shape
    (3, 4))";
  static constexpr Arg inputs[] = {{"weights"}, {"indices", kNoGrad}};
  static constexpr auto fields = std::tuple<>{};
  static constexpr Promote promote = Promote::to_float;
  static constexpr bool save_types = true;
  static constexpr std::uint64_t save_in = 2;
  static void infer(const Embedding& a, In in, Types& out);
  static void run(const Embedding& a, Views in, Views out, Context& c);
  static void grad(const Embedding& a, GradCtx& c);
};

// dweights[v, :] = sum of dy[k, :] over all k with indices[k] = v
struct EmbeddingGrad {
  Dim rows = 0;
  static constexpr std::string_view name = "embedding_grad",
                                    doc = "Gradient of embedding: dy added into a table of `rows` rows at the indices.";
  static constexpr Arg inputs[] = {{"dy"}, {"indices", kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"rows", &EmbeddingGrad::rows, true}};
  static constexpr bool internal = true;
  static constexpr std::uint64_t save_in = 2;
  static void infer(const EmbeddingGrad& a, In in, Types& out);
  static void run(const EmbeddingGrad& a, Views in, Views out, Context& c);
  static void grad(const EmbeddingGrad& a, GradCtx& c);
};

}  // namespace nacre::op
