// Dropout.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

struct Dropout {
  double rate = 0.5;
  Dim stream = 0;
  Text scale_at = "training";
  static constexpr std::string_view name = "dropout", doc = R"(Sets elements to zero at random and scales the others.

y_i = x_i / (1 - rate) where element i is kept, else 0. Element i is kept when its random word, a function of key, stream and i alone, is
>= rate * 2^32. So equal keys give equal masks, on any number of threads.

Args:
    x: Tensor, a float dtype.
    key: int64 tensor (seed, stream, step), as nc.random makes them.
    rate: Probability of dropping an element, 0 to 1; 1 gives zeros.
    stream: Added to the key's stream, >= 0: layers that share a key get masks of their own.
    scale_at: "training" divides by 1 - rate here; "inference" leaves that to inference (multiply by 1 - rate there).

Returns:
    Tensor of x's shape and dtype.

Raises:
    ValueError: rate, stream or scale_at is out of range.
    ShapeError: key does not have shape (3,).

Example:
    >>> nc.dropout(nc.ones((2, 3)), nc.asarray([1, 0, 0], dtype="int64"), rate=0.0).shape
    (2, 3)

Reference: Srivastava et al., Dropout (2014).)";
  static constexpr Arg inputs[] = {{"x"}, {"key", kNoGrad}};
  static constexpr auto fields =
      std::tuple{Field{"rate", &Dropout::rate}, Field{"stream", &Dropout::stream}, Field{"scale_at", &Dropout::scale_at}};
  static constexpr Promote promote = Promote::to_float;
  static constexpr std::uint64_t save_in = 2;
  static constexpr std::uint64_t inplace = 1;
  static void infer(const Dropout& a, In in, Types& out);
  static void run(const Dropout& a, Views in, Views out, Context& c);
  static void grad(const Dropout& a, GradCtx& c);
  static bool tile(const Dropout& a, const KernelTable& k, In in, TileFn& fn);
};

}  // namespace nacre::op
