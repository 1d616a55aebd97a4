// Choosing, limiting and converting elements: where, clip, cast, identity.
#pragma once

#include <limits>

#include "nacre/ops/op.h"

namespace nacre::op {

struct Where {
  static constexpr std::string_view name = "where", doc = R"(Elements of x1 where the condition is true, of x2 elsewhere.

y = x1 where condition else x2;  dx1 = dy where condition, else 0;  dx2 the rest

Args:
    condition: bool tensor.
    x1: Tensor; the three shapes broadcast together.
    x2: Tensor; x1 and x2 take their common dtype.

Returns:
    Tensor of the broadcast shape.

Raises:
    DTypeError: condition is not bool.
    ShapeError: The shapes do not broadcast.

Example:
    >>> x = nc.convert_to_tensor([-1.0, 2.0])
    >>> nc.where(x > 0, x, 0.0)  # [0, 2]

Reference: numpy.where.)";
  static constexpr Arg inputs[] = {{"condition", kNoGrad}, {"x1"}, {"x2"}};
  static constexpr auto fields = std::tuple<>{};
  static constexpr Promote promote = Promote::common;
  static constexpr bool strided = true, save_types = true;
  static constexpr std::uint64_t save_in = 1, save_out = 0;
  static void infer(const Where& a, In in, Types& out);
  static void run(const Where& a, Views in, Views out, Context& c);
  static void grad(const Where& a, GradCtx& c);
  static constexpr std::uint64_t inplace = 6;
  static bool tile(const Where& a, const KernelTable& k, In in, TileFn& fn);
};

struct Clip {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  static constexpr std::string_view name = "clip", doc = R"(Limits each element to [min, max].

y = min(max(x, min), max);  dx = dy where min <= x <= max, else 0. NaN stays NaN.

Args:
    x: Any shape; not bool. Integers keep their dtype and need whole bounds.
    min: Lower bound; default -inf.
    max: Upper bound, >= min; default inf.

Returns:
    Tensor of x's shape and dtype.

Raises:
    ValueError: min > max, a bound is NaN, or x is integer and a finite bound is not whole.

Example:
    >>> nc.clip(nc.convert_to_tensor([-1.0, 0.5, 3.0]), 0.0, 1.0)  # [0, 0.5, 1]

Reference: numpy.clip.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"min", &Clip::min}, Field{"max", &Clip::max}};
  static constexpr bool strided = true;
  static constexpr std::uint64_t save_in = 1, save_out = 0;
  static void infer(const Clip& a, In in, Types& out);
  static void run(const Clip& a, Views in, Views out, Context& c);
  static void grad(const Clip& a, GradCtx& c);
  static constexpr std::uint64_t inplace = 1;
  static bool tile(const Clip& a, const KernelTable& k, In in, TileFn& fn);
};

struct Cast {
  DType dtype = DType::float32;
  static constexpr std::string_view name = "cast", doc = R"(Converts to another dtype; always a new tensor.

Float to narrower float rounds to nearest, ties to even. Float to integer goes towards zero, saturates, and turns NaN into 0. Integers wrap
into narrower ones. To bool: not equal to zero (NaN is true). Between floats dx = dy in x's dtype; to integers no gradient flows.

Args:
    x: Any shape and dtype.
    dtype: float32, float64, float16, bfloat16, int32, int64, uint8, int8 or bool.

Returns:
    Tensor of x's shape and of `dtype`.

Raises:
    ValueError: dtype is not known.

Example:
    >>> nc.cast(nc.convert_to_tensor([1.7, -1.7]), "int32")  # [1, -1]

Reference: keras.ops.cast.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"dtype", &Cast::dtype, true}};
  static constexpr bool strided = true, save_types = true;
  static constexpr std::uint64_t save_in = 0, save_out = 0;
  static void infer(const Cast& a, In in, Types& out);
  static void run(const Cast& a, Views in, Views out, Context& c);
  static void grad(const Cast& a, GradCtx& c);
  static bool tile(const Cast& a, const KernelTable& k, In in, TileFn& fn);
};

struct Identity {
  static constexpr std::string_view name = "identity", doc = R"(The tensor itself, as a view; the linear activation.

y = x, dx = dy

Args:
    x: Any shape and dtype.

Returns:
    Tensor of x's shape and dtype that shares x's memory.

Raises:
    TypeError: x is not a tensor or array.

Example:
    >>> nc.identity(nc.convert_to_tensor([1.0, 2.0]))  # [1, 2]

Reference: keras.activations.linear.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple<>{};
  static constexpr bool strided = true;
  static constexpr std::uint64_t save_in = 0, save_out = 0;
  static void infer(const Identity& a, In in, Types& out);
  static void run(const Identity& a, Views in, Views out, Context& c);
  static bool view(const Identity& a, const View& in, View& out);
  static void grad(const Identity& a, GradCtx& c);
};

}  // namespace nacre::op
