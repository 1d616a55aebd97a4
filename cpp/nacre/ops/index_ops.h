// Values picked and placed by index tensors. Indices are int32 or int64 (uint8 and int8 too); negative ones count from the end;
// one out of range raises IndexError with its position and value, before anything is written.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

struct Take {
  Axes axis{};
  static constexpr std::string_view name = "take", doc = R"(Slices of x at the given positions of one axis.

y[o, k, i] = x[o, indices[k], i], with o the axes before `axis` and i those after. Gradient: dy summed into the slices it came from.

Args:
    x: Tensor of any dtype.
    indices: Integer tensor of any shape; negative ones count from the end.
    axis: One axis of x; default None: x is flattened first.

Returns:
    Tensor of shape x.shape[:axis] + indices.shape + x.shape[axis + 1:].

Raises:
    IndexError: An index is out of range.
    DTypeError: indices are not integers.
    ValueError: The axis is out of range or more than one.

Example:
    >>> nc.take(nc.arange(10, 20), nc.convert_to_tensor([2, -1])).tolist()
    [12, 19]

Reference: numpy.take.)";
  static constexpr Arg inputs[] = {{"x"}, {"indices", kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"axis", &Take::axis}};
  static constexpr std::uint64_t save_in = 2;
  static constexpr bool save_types = true;
  static void infer(const Take& a, In in, Types& out);
  static void run(const Take& a, Views in, Views out, Context& c);
  static void grad(const Take& a, GradCtx& c);
};

struct TakeGrad {
  IntList shape{};
  Axes axis{};
  static constexpr std::string_view name = "take_grad", doc = R"(Zeros of `shape` with dy added at the positions it was taken from.

Args:
    dy: Gradient of the result of take.
    indices: The indices given to take.
    shape: Shape of the x given to take.
    axis: The axis given to take.

Returns:
    Tensor of shape `shape`.

Raises:
    IndexError: An index is out of range.
    ShapeError: dy does not have the shape that take would give.

Example:
    >>> # called by the gradient of take)";
  static constexpr Arg inputs[] = {{"dy"}, {"indices", kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"shape", &TakeGrad::shape, true}, Field{"axis", &TakeGrad::axis}};
  static constexpr std::uint64_t save_in = 2;
  static constexpr bool internal = true;
  static void infer(const TakeGrad& a, In in, Types& out);
  static void run(const TakeGrad& a, Views in, Views out, Context& c);
  static void grad(const TakeGrad& a, GradCtx& c);
};

struct TakeAlongAxis {
  Dim axis = -1;
  static constexpr std::string_view name = "take_along_axis", doc = R"(One value per index: y[o, k, i] = x[o, indices[o, k, i], i].

Args:
    x: Tensor of any dtype, rank >= 1.
    indices: Integer tensor of x's rank, with x's sizes but for `axis`.
    axis: Axis the indices count along; default -1.

Returns:
    Tensor of the shape of indices.

Raises:
    IndexError: An index is out of range.
    ShapeError: The shapes do not fit (use broadcast_to first where sizes of 1 should repeat).
    DTypeError: indices are not integers.

Example:
    >>> x = nc.convert_to_tensor([3.0, 1.0, 2.0])
    >>> nc.take_along_axis(x, nc.argsort(x)).tolist()
    [1.0, 2.0, 3.0]

Reference: numpy.take_along_axis.)";
  static constexpr Arg inputs[] = {{"x"}, {"indices", kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"axis", &TakeAlongAxis::axis}};
  static constexpr std::uint64_t save_in = 2;
  static constexpr bool save_types = true;
  static void infer(const TakeAlongAxis& a, In in, Types& out);
  static void run(const TakeAlongAxis& a, Views in, Views out, Context& c);
  static void grad(const TakeAlongAxis& a, GradCtx& c);
};

struct TakeAlongAxisGrad {
  Dim size = 0, axis = -1;
  static constexpr std::string_view name = "take_along_axis_grad",
                                    doc = R"(Zeros with dy added at the positions take_along_axis read.

Args:
    dy: Gradient of the result of take_along_axis.
    indices: The indices given to take_along_axis; shape of dy.
    size: Size of the result at `axis`.
    axis: The axis given to take_along_axis.

Returns:
    Tensor of dy's shape with `size` at `axis`.

Raises:
    IndexError: An index is out of range.
    ShapeError: dy and indices differ in shape.

Example:
    >>> # called by the gradients of take_along_axis, sort and top_k)";
  static constexpr Arg inputs[] = {{"dy"}, {"indices", kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"size", &TakeAlongAxisGrad::size, true}, Field{"axis", &TakeAlongAxisGrad::axis}};
  static constexpr std::uint64_t save_in = 2;
  static constexpr bool internal = true;
  static void infer(const TakeAlongAxisGrad& a, In in, Types& out);
  static void run(const TakeAlongAxisGrad& a, Views in, Views out, Context& c);
  static void grad(const TakeAlongAxisGrad& a, GradCtx& c);
};

struct RavelIndex {
  IntList sizes{};
  static constexpr std::string_view name = "ravel_index", doc = R"(One flat row-major index for several: sum_k indices_k * stride_k.

Args:
    indices: Integer tensors that broadcast together, one per axis; negative ones count from the end.
    sizes: Sizes of the axes they index.

Returns:
    int64 tensor of the broadcast shape, each value in [0, product of sizes).

Raises:
    IndexError: An index is out of range.
    ShapeError: The shapes do not broadcast.

Example:
    >>> # called by x[rows, columns])";
  static constexpr Arg inputs[] = {{"indices", kVariadic | kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"sizes", &RavelIndex::sizes, true}};
  static constexpr bool strided = true, internal = true;
  static constexpr std::string_view not_differentiable = "indices are integers";
  static void infer(const RavelIndex& a, In in, Types& out);
  static void run(const RavelIndex& a, Views in, Views out, Context& c);
};

struct GatherNd {
  static constexpr std::string_view
      name = "gather_nd",
      doc = R"(Slices of x at index vectors: y[b..., i...] = x[indices[b..., 0], ..., indices[b..., K-1], i...].

Args:
    x: Tensor of any dtype.
    indices: Integer tensor of shape (..., K) with 1 <= K <= rank of x.

Returns:
    Tensor of shape indices.shape[:-1] + x.shape[K:].

Raises:
    IndexError: An index is out of range.
    ShapeError: K does not fit x.
    DTypeError: indices are not integers.

Example:
    >>> # the inverse of scatter; users write x[rows, columns])";
  static constexpr Arg inputs[] = {{"x"}, {"indices", kNoGrad}};
  static constexpr auto fields = std::tuple<>{};
  static constexpr std::uint64_t save_in = 2;
  static constexpr bool save_types = true, internal = true;
  static void infer(const GatherNd& a, In in, Types& out);
  static void run(const GatherNd& a, Views in, Views out, Context& c);
  static void grad(const GatherNd& a, GradCtx& c);
};

struct Scatter {
  IntList shape{};
  static constexpr std::string_view name = "scatter",
                                    doc = R"(Zeros of `shape` with values added at index vectors; repeated positions add up.

Args:
    indices: Integer tensor of shape (..., K) with 1 <= K <= len(shape); negative ones count from the end.
    values: Tensor of shape indices.shape[:-1] + shape[K:].
    shape: Shape of the result.

Returns:
    Tensor of shape `shape` and the dtype of values.

Raises:
    IndexError: An index is out of range.
    ShapeError: indices, values and shape do not fit.
    DTypeError: indices are not integers, or values are bool, float16 or bfloat16.

Example:
    >>> nc.scatter(nc.convert_to_tensor([[1], [3]]), nc.convert_to_tensor([10.0, 20.0]), (4,)).tolist()
    [0.0, 10.0, 0.0, 20.0]

Reference: keras.ops.scatter.)";
  static constexpr Arg inputs[] = {{"indices", kNoGrad}, {"values"}};
  static constexpr auto fields = std::tuple{Field{"shape", &Scatter::shape, true}};
  static constexpr std::uint64_t save_in = 1;
  static void infer(const Scatter& a, In in, Types& out);
  static void run(const Scatter& a, Views in, Views out, Context& c);
  static void grad(const Scatter& a, GradCtx& c);
};

struct ScatterUpdate {
  static constexpr std::string_view name = "scatter_update", doc = R"(Copy of x with slices replaced at index vectors.

Repeated positions: the last one stays, and only it receives a gradient.

Args:
    x: Tensor of any dtype.
    indices: Integer tensor of shape (..., K) with 1 <= K <= rank of x; negative ones count from the end.
    updates: Tensor of shape indices.shape[:-1] + x.shape[K:] and x's dtype.

Returns:
    Tensor like x.

Raises:
    IndexError: An index is out of range.
    ShapeError: indices and updates do not fit x.
    DTypeError: indices are not integers, or updates have another dtype than x.

Example:
    >>> nc.scatter_update(nc.zeros((4,)), nc.convert_to_tensor([[1]]), nc.convert_to_tensor([5.0])).tolist()
    [0.0, 5.0, 0.0, 0.0]

Reference: keras.ops.scatter_update.)";
  static constexpr Arg inputs[] = {{"x"}, {"indices", kNoGrad}, {"updates"}};
  static constexpr auto fields = std::tuple<>{};
  static constexpr std::uint64_t save_in = 2;
  static void infer(const ScatterUpdate& a, In in, Types& out);
  static void run(const ScatterUpdate& a, Views in, Views out, Context& c);
  static void grad(const ScatterUpdate& a, GradCtx& c);
};

struct ScatterAdd {
  static constexpr std::string_view name = "scatter_add",
                                    doc = R"(Copy of x with updates added to slices along axis 0: y[indices[k]] += updates[k].

Repeated indices add up, in the order of the indices, whatever the number of threads.

Args:
    x: Tensor of rank >= 1.
    indices: Integer tensor of any shape; negative ones count from the end.
    updates: Tensor of shape indices.shape + x.shape[1:] and x's dtype.

Returns:
    Tensor like x.

Raises:
    IndexError: An index is out of range.
    ShapeError: indices and updates do not fit x.
    DTypeError: indices are not integers, or updates have another dtype than x.

Example:
    >>> nc.scatter_add(nc.zeros((3,)), nc.convert_to_tensor([0, 0, 2]), nc.ones((3,))).tolist()
    [2.0, 0.0, 1.0])";
  static constexpr Arg inputs[] = {{"x"}, {"indices", kNoGrad}, {"updates"}};
  static constexpr auto fields = std::tuple<>{};
  static constexpr std::uint64_t save_in = 2;
  static void infer(const ScatterAdd& a, In in, Types& out);
  static void run(const ScatterAdd& a, Views in, Views out, Context& c);
  static void grad(const ScatterAdd& a, GradCtx& c);
};

struct OneHot {
  Dim num_classes = 0;
  Dim axis = -1;
  OptDType dtype{};
  static constexpr std::string_view name = "one_hot", doc = R"(1 at the class of each label, 0 elsewhere.

A label outside [0, num_classes) gives zeros only, as in Keras.

Args:
    x: Integer labels of any shape.
    num_classes: Size of the new axis, >= 1.
    axis: Position of the new axis in the result; default -1, the last.
    dtype: Element type; default floatx().

Returns:
    Tensor with one more axis, of size num_classes.

Raises:
    ValueError: num_classes is less than 1, or the axis is out of range.
    DTypeError: x is not of an integer dtype.

Example:
    >>> nc.one_hot(nc.convert_to_tensor([0, 2]), 3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]

Reference: keras.ops.one_hot.)";
  static constexpr Arg inputs[] = {{"x", kNoGrad}};
  static constexpr auto fields =
      std::tuple{Field{"num_classes", &OneHot::num_classes, true}, Field{"axis", &OneHot::axis}, Field{"dtype", &OneHot::dtype}};
  static constexpr std::string_view not_differentiable = "labels are integers";
  static void infer(const OneHot& a, In in, Types& out);
  static void run(const OneHot& a, Views in, Views out, Context& c);
};

}  // namespace nacre::op
