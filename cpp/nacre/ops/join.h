// Tensors put together or repeated: concatenate, stack, tile, repeat, roll.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

struct Concatenate {
  Dim axis = 0;
  static constexpr std::string_view name = "concatenate", doc = R"(Tensors one after another along an existing axis.

Args:
    xs: Tensors of rank >= 1 that agree in all sizes but that of `axis`; dtypes are promoted.
    axis: Axis to join along; default 0.

Returns:
    Tensor whose size at `axis` is the sum of theirs.

Raises:
    ShapeError: Ranks or other sizes differ.
    ValueError: No tensor is given, or the axis is out of range.

Example:
    >>> nc.concatenate([nc.ones((2, 3)), nc.zeros((1, 3))]).shape
    (3, 3)

Reference: numpy.concatenate.)";
  static constexpr Arg inputs[] = {{"xs", kVariadic}};
  static constexpr auto fields = std::tuple{Field{"axis", &Concatenate::axis}};
  static constexpr Promote promote = Promote::common;
  static constexpr bool strided = true, save_types = true;
  static void infer(const Concatenate& a, In in, Types& out);
  static void run(const Concatenate& a, Views in, Views out, Context& c);
  static void grad(const Concatenate& a, GradCtx& c);
};

struct Stack {
  Dim axis = 0;
  static constexpr std::string_view name = "stack", doc = R"(Tensors of one shape side by side along a new axis.

Args:
    xs: Tensors of equal shape; dtypes are promoted.
    axis: Position of the new axis in the result; default 0.

Returns:
    Tensor with one more axis, of size len(xs).

Raises:
    ShapeError: Shapes differ, or the result would have more than 8 axes.
    ValueError: No tensor is given, or the axis is out of range.

Example:
    >>> nc.stack([nc.ones((3,)), nc.zeros((3,))]).shape
    (2, 3)

Reference: numpy.stack.)";
  static constexpr Arg inputs[] = {{"xs", kVariadic}};
  static constexpr auto fields = std::tuple{Field{"axis", &Stack::axis}};
  static constexpr Promote promote = Promote::common;
  static constexpr bool strided = true;
  static void infer(const Stack& a, In in, Types& out);
  static void run(const Stack& a, Views in, Views out, Context& c);
  static void grad(const Stack& a, GradCtx& c);
};

struct Tile {
  IntList repeats{};
  static constexpr std::string_view name = "tile", doc = R"(The whole tensor repeated along its axes.

Args:
    x: Tensor of any dtype.
    repeats: How often along each axis, >= 0, aligned at the last axis; more numbers than axes add leading axes.

Returns:
    Tensor with size x.shape[k] * repeats[k] at axis k.

Raises:
    ValueError: A number is negative.
    ShapeError: The result has more than 8 axes or is too large to address.

Example:
    >>> nc.tile(nc.arange(0, 2), 3).tolist()
    [0, 1, 0, 1, 0, 1]

Reference: numpy.tile.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"repeats", &Tile::repeats, true}};
  static constexpr bool strided = true, save_types = true;
  static void infer(const Tile& a, In in, Types& out);
  static void run(const Tile& a, Views in, Views out, Context& c);
  static void grad(const Tile& a, GradCtx& c);
};

struct Repeat {
  Dim repeats = 1;
  Axes axis{};
  static constexpr std::string_view name = "repeat", doc = R"(Each element repeated: [a, b] twice gives [a, a, b, b].

Args:
    x: Tensor of any dtype.
    repeats: How often, >= 0.
    axis: Axis to repeat along; default None: x is flattened first.

Returns:
    Tensor with size x.shape[axis] * repeats at `axis`.

Raises:
    ValueError: repeats is negative, or axis is out of range or more than one.

Example:
    >>> nc.repeat(nc.arange(0, 2), 2).tolist()
    [0, 0, 1, 1]

Reference: numpy.repeat.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"repeats", &Repeat::repeats, true}, Field{"axis", &Repeat::axis}};
  static constexpr bool save_types = true;
  static void infer(const Repeat& a, In in, Types& out);
  static void run(const Repeat& a, Views in, Views out, Context& c);
  static void grad(const Repeat& a, GradCtx& c);
};

struct Roll {
  IntList shift{};
  Axes axis{};
  static constexpr std::string_view name = "roll",
                                    doc = R"(Elements moved along axes; what leaves at the end enters at the beginning.

y[i] = x[(i - shift) mod n] along each axis.

Args:
    x: Tensor of any shape and dtype.
    shift: How far, any sign; one number, or one for each axis.
    axis: Axis or axes; default None: the flattened tensor is rolled and takes its shape back.

Returns:
    Tensor like x.

Raises:
    ValueError: An axis is out of range or named twice, or the counts of shift and axis differ.

Example:
    >>> nc.roll(nc.arange(0, 4), 1).tolist()
    [3, 0, 1, 2]

Reference: numpy.roll.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"shift", &Roll::shift, true}, Field{"axis", &Roll::axis}};
  static void infer(const Roll& a, In in, Types& out);
  static void run(const Roll& a, Views in, Views out, Context& c);
  static void grad(const Roll& a, GradCtx& c);
};

}  // namespace nacre::op
