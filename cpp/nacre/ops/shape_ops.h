// Ops that give the same values another shape or order. Most return views: no value moves.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

struct Reshape {
  IntList newshape{};
  static constexpr std::string_view name = "reshape", doc = R"(Same values in row-major order, another shape.

A view when the memory layout allows it, else a copy.

Args:
    x: Tensor of any dtype.
    newshape: Sizes; one of them may be -1 and is then worked out.

Returns:
    Tensor of shape `newshape`.

Raises:
    ShapeError: The number of elements differs, or more than one size is -1.

Example:
    >>> nc.reshape(nc.arange(0, 6), (2, -1)).tolist()
    [[0, 1, 2], [3, 4, 5]]

Reference: numpy.reshape.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"newshape", &Reshape::newshape, true}};
  static constexpr bool strided = true, save_types = true;
  static void infer(const Reshape& a, In in, Types& out);
  static bool view(const Reshape& a, const View& in, View& out);
  static void run(const Reshape& a, Views in, Views out, Context& c);
  static void grad(const Reshape& a, GradCtx& c);
};

struct Ravel {
  static constexpr std::string_view name = "ravel", doc = R"(All values in row-major order as one axis.

Args:
    x: Tensor of any shape and dtype.

Returns:
    Tensor of shape (number of elements,); a view when x is contiguous.

Example:
    >>> nc.ravel(nc.ones((2, 3))).shape
    (6,)

Reference: numpy.ravel.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple<>{};
  static constexpr bool strided = true, save_types = true;
  static void infer(const Ravel& a, In in, Types& out);
  static bool view(const Ravel& a, const View& in, View& out);
  static void run(const Ravel& a, Views in, Views out, Context& c);
  static void grad(const Ravel& a, GradCtx& c);
};

struct Transpose {
  Axes axes{};
  static constexpr std::string_view name = "transpose",
                                    doc = R"(Axes in another order: y[i_axes[0], i_axes[1], ...] = x[i_0, i_1, ...].

Args:
    x: Tensor of any shape and dtype.
    axes: For each axis of the result, the axis of x it comes from; default all axes reversed.

Returns:
    View of x with size x.shape[axes[k]] at axis k.

Raises:
    ValueError: axes is not a permutation of x's axes.

Example:
    >>> nc.transpose(nc.ones((2, 3, 4)), (0, 2, 1)).shape
    (2, 4, 3)

Reference: numpy.transpose.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"axes", &Transpose::axes}};
  static constexpr bool strided = true;
  static void infer(const Transpose& a, In in, Types& out);
  static bool view(const Transpose& a, const View& in, View& out);
  static void run(const Transpose& a, Views in, Views out, Context& c);
  static void grad(const Transpose& a, GradCtx& c);
};

struct Swapaxes {
  Dim axis1 = 0, axis2 = 1;
  static constexpr std::string_view name = "swapaxes", doc = R"(Two axes exchanged.

Args:
    x: Tensor of any dtype.
    axis1: First axis; negative ones count from the end.
    axis2: Second axis.

Returns:
    View of x.

Raises:
    ValueError: An axis is out of range.

Example:
    >>> nc.swapaxes(nc.ones((2, 3)), 0, 1).shape
    (3, 2)

Reference: numpy.swapaxes.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"axis1", &Swapaxes::axis1, true}, Field{"axis2", &Swapaxes::axis2, true}};
  static constexpr bool strided = true;
  static void infer(const Swapaxes& a, In in, Types& out);
  static bool view(const Swapaxes& a, const View& in, View& out);
  static void run(const Swapaxes& a, Views in, Views out, Context& c);
  static void grad(const Swapaxes& a, GradCtx& c);
};

struct Moveaxis {
  IntList source{}, destination{};
  static constexpr std::string_view name = "moveaxis", doc = R"(Some axes moved to new positions, the others keep their order.

Args:
    x: Tensor of any dtype.
    source: Axis or axes to move.
    destination: Where each of them goes; as many as in source.

Returns:
    View of x.

Raises:
    ValueError: An axis is out of range or named twice, or the lists differ in length.

Example:
    >>> nc.moveaxis(nc.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)

Reference: numpy.moveaxis.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields =
      std::tuple{Field{"source", &Moveaxis::source, true}, Field{"destination", &Moveaxis::destination, true}};
  static constexpr bool strided = true;
  static void infer(const Moveaxis& a, In in, Types& out);
  static bool view(const Moveaxis& a, const View& in, View& out);
  static void run(const Moveaxis& a, Views in, Views out, Context& c);
  static void grad(const Moveaxis& a, GradCtx& c);
};

struct Squeeze {
  Axes axis{};
  static constexpr std::string_view name = "squeeze", doc = R"(Axes of size 1 removed.

Args:
    x: Tensor of any dtype.
    axis: Axis or axes to remove, each of size 1; default all of size 1.

Returns:
    View of x.

Raises:
    ShapeError: A named axis is not of size 1.
    ValueError: An axis is out of range or named twice.

Example:
    >>> nc.squeeze(nc.ones((1, 3, 1)), axis=0).shape
    (3, 1)

Reference: numpy.squeeze.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"axis", &Squeeze::axis}};
  static constexpr bool strided = true, save_types = true;
  static void infer(const Squeeze& a, In in, Types& out);
  static bool view(const Squeeze& a, const View& in, View& out);
  static void run(const Squeeze& a, Views in, Views out, Context& c);
  static void grad(const Squeeze& a, GradCtx& c);
};

struct ExpandDims {
  IntList axis{};
  static constexpr std::string_view name = "expand_dims", doc = R"(New axes of size 1.

Args:
    x: Tensor of any dtype.
    axis: Position or positions of the new axes in the result.

Returns:
    View of x.

Raises:
    ValueError: A position is out of range or named twice.
    ShapeError: The result has more than 8 axes.

Example:
    >>> nc.expand_dims(nc.ones((3,)), 0).shape
    (1, 3)

Reference: numpy.expand_dims.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"axis", &ExpandDims::axis, true}};
  static constexpr bool strided = true;
  static void infer(const ExpandDims& a, In in, Types& out);
  static bool view(const ExpandDims& a, const View& in, View& out);
  static void run(const ExpandDims& a, Views in, Views out, Context& c);
  static void grad(const ExpandDims& a, GradCtx& c);
};

struct BroadcastTo {
  IntList shape{};
  static constexpr std::string_view name = "broadcast_to", doc = R"(x repeated along axes of size 1 and along new leading axes.

The result is a view in which repeated elements share memory: clone() it before writing into it. Gradient: sums over the repeats.

Args:
    x: Tensor of any dtype.
    shape: Sizes of the result; each of x's sizes must equal it or be 1, aligned at the last axis.

Returns:
    View of shape `shape`.

Raises:
    ShapeError: The shapes do not fit.

Example:
    >>> nc.broadcast_to(nc.arange(3), (2, 3)).tolist()
    [[0, 1, 2], [0, 1, 2]]

Reference: numpy.broadcast_to.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"shape", &BroadcastTo::shape, true}};
  static constexpr bool strided = true, save_types = true;
  static void infer(const BroadcastTo& a, In in, Types& out);
  static bool view(const BroadcastTo& a, const View& in, View& out);
  static void run(const BroadcastTo& a, Views in, Views out, Context& c);
  static void grad(const BroadcastTo& a, GradCtx& c);
};

struct Flip {
  Axes axis{};
  static constexpr std::string_view name = "flip", doc = R"(Order of elements reversed along axes.

Args:
    x: Tensor of any shape and dtype.
    axis: Axis or axes; default all.

Returns:
    View of x with negative strides.

Raises:
    ValueError: An axis is out of range or named twice.

Example:
    >>> nc.flip(nc.arange(0, 3)).tolist()
    [2, 1, 0]

Reference: numpy.flip.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"axis", &Flip::axis}};
  static constexpr bool strided = true;
  static void infer(const Flip& a, In in, Types& out);
  static bool view(const Flip& a, const View& in, View& out);
  static void run(const Flip& a, Views in, Views out, Context& c);
  static void grad(const Flip& a, GradCtx& c);
};

struct Copy {
  static constexpr std::string_view name = "copy", doc = R"(Contiguous copy of the values; gradients pass through.

Args:
    x: Tensor of any shape and dtype.

Returns:
    New tensor of the same shape and dtype.

Example:
    >>> nc.copy(nc.ones((2,))).tolist()
    [1.0, 1.0]

Reference: numpy.copy.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple<>{};
  static constexpr bool strided = true;
  static void infer(const Copy& a, In in, Types& out);
  static void run(const Copy& a, Views in, Views out, Context& c);
  static void grad(const Copy& a, GradCtx& c);
};

struct Assign {
  static constexpr std::string_view name = "assign_",
                                    doc = R"(Writes values into a tensor's memory, converted to its dtype: Tensor.assign as an op.

Args:
    target: Contiguous tensor, changed in place.
    value: Tensor of the same shape.

Returns:
    Nothing.

Raises:
    ShapeError: The shapes differ.)";
  static constexpr Arg inputs[] = {{"target", kMutated | kNoGrad}, {"value", kNoGrad}};
  static constexpr auto fields = std::tuple<>{};
  static constexpr int outputs = 0;
  static constexpr bool internal = true, strided = true;
  static constexpr std::string_view not_differentiable = "it changes a tensor in place and has no result";
  static void infer(const Assign& a, In in, Types& out);
  static void run(const Assign& a, Views in, Views out, Context& c);
};

struct StopGradient {
  static constexpr std::string_view name = "stop_gradient", doc = R"(The same values; no gradient flows back through the result.

Args:
    x: Tensor of any shape and dtype.

Returns:
    View of x.

Example:
    >>> x = nc.Tensor([1.0], requires_grad=True)
    >>> nc.stop_gradient(x * 2.0).requires_grad
    False)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple<>{};
  static constexpr bool strided = true;
  static constexpr std::string_view not_differentiable = "cutting the gradient is its purpose";
  static void infer(const StopGradient& a, In in, Types& out);
  static bool view(const StopGradient& a, const View& in, View& out);
  static void run(const StopGradient& a, Views in, Views out, Context& c);
};

}  // namespace nacre::op
