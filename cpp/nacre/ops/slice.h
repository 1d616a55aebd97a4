// Parts of a tensor by ranges: strided slices, split, unstack; and the pieces they are differentiated with.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

struct Slice {
  IntList start_indices{}, shape{};
  static constexpr std::string_view name = "slice", doc = R"(Block of a tensor: y[i, j, ...] = x[start[0] + i, start[1] + j, ...].

Args:
    x: Tensor of any dtype.
    start_indices: First position along each axis, >= 0.
    shape: Size along each axis, >= 0; -1 means up to the end.

Returns:
    View of shape `shape`.

Raises:
    ValueError: The lists do not have one number per axis, or the block reaches outside x.

Example:
    >>> nc.slice(nc.ones((4, 4)), (1, 1), (2, 3)).shape
    (2, 3)

Reference: keras.ops.slice. See also x[1:3, 1:4].)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields =
      std::tuple{Field{"start_indices", &Slice::start_indices, true}, Field{"shape", &Slice::shape, true}};
  static constexpr bool strided = true, save_types = true;
  static void infer(const Slice& a, In in, Types& out);
  static bool view(const Slice& a, const View& in, View& out);
  static void run(const Slice& a, Views in, Views out, Context& c);
  static void grad(const Slice& a, GradCtx& c);
};

struct SliceView {
  IntList begin{}, size{}, step{};
  static constexpr std::string_view name = "slice_view", doc = R"(Strided block: y[i, ...] = x[begin[0] + i * step[0], ...].

Args:
    x: Tensor of any dtype.
    begin: First position along each axis.
    size: How many along each axis.
    step: Distance along each axis, not 0; may be negative.

Returns:
    View of shape `size`.

Raises:
    ValueError: The lists do not have one number per axis, a step is 0, or a position is outside x.

Example:
    >>> x[::2])";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"begin", &SliceView::begin, true}, Field{"size", &SliceView::size, true},
                                            Field{"step", &SliceView::step, true}};
  static constexpr bool strided = true, save_types = true, internal = true;
  static void infer(const SliceView& a, In in, Types& out);
  static bool view(const SliceView& a, const View& in, View& out);
  static void run(const SliceView& a, Views in, Views out, Context& c);
  static void grad(const SliceView& a, GradCtx& c);
};

struct SliceGrad {
  IntList shape{}, begin{}, step{};
  static constexpr std::string_view name = "slice_grad",
                                    doc = R"(Zeros of `shape` with dy written at begin + i * step: the gradient of slice_view.

Args:
    dy: Values of the block.
    shape: Sizes of the result.
    begin: First position along each axis.
    step: Distance along each axis, not 0.

Returns:
    Tensor of shape `shape`.

Raises:
    ValueError: The lists do not have one number per axis, a step is 0, or a position is outside `shape`.

Example:
    >>> # called by the gradient of x[::2])";
  static constexpr Arg inputs[] = {{"dy"}};
  static constexpr auto fields = std::tuple{Field{"shape", &SliceGrad::shape, true}, Field{"begin", &SliceGrad::begin, true},
                                            Field{"step", &SliceGrad::step, true}};
  static constexpr bool strided = true, save_types = true, internal = true;
  static void infer(const SliceGrad& a, In in, Types& out);
  static void run(const SliceGrad& a, Views in, Views out, Context& c);
  static void grad(const SliceGrad& a, GradCtx& c);
};

struct Split {
  Dim sections = 0;
  IntList indices{};
  Dim axis = 0;
  static constexpr std::string_view name = "split", doc = R"(Cuts a tensor along one axis.

Args:
    x: Tensor of any dtype, rank >= 1.
    sections: Number of equal parts; must divide the size. 0 (the default) when indices are given.
    indices: Positions where to cut, increasing: (2, 5) gives x[:2], x[2:5], x[5:]. Beyond the size they give empty parts.
    axis: Axis to cut; default 0.

Returns:
    List of tensors.

Raises:
    ValueError: Neither or both of sections and indices are given, or an index is negative or decreases.
    ShapeError: sections does not divide the size.

Example:
    >>> [part.tolist() for part in nc.split(nc.arange(0, 6), 3)]
    [[0, 1], [2, 3], [4, 5]]

Reference: numpy.split.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields =
      std::tuple{Field{"sections", &Split::sections}, Field{"indices", &Split::indices}, Field{"axis", &Split::axis}};
  static constexpr bool strided = true, save_types = true;
  static constexpr int outputs = -1;
  static void infer(const Split& a, In in, Types& out);
  static void run(const Split& a, Views in, Views out, Context& c);
  static void grad(const Split& a, GradCtx& c);
};

struct Unstack {
  Dim axis = 0;
  static constexpr std::string_view name = "unstack", doc = R"(The slices of a tensor along one axis, without that axis.

Args:
    x: Tensor of any dtype, rank >= 1.
    axis: Axis to take apart; default 0.

Returns:
    List of x.shape[axis] tensors.

Raises:
    ValueError: The axis is out of range.

Example:
    >>> [row.tolist() for row in nc.unstack(nc.convert_to_tensor([[1, 2], [3, 4]]))]
    [[1, 2], [3, 4]]

Reference: keras.ops.unstack.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"axis", &Unstack::axis}};
  static constexpr bool strided = true, save_types = true;
  static constexpr int outputs = -1;
  static void infer(const Unstack& a, In in, Types& out);
  static void run(const Unstack& a, Views in, Views out, Context& c);
  static void grad(const Unstack& a, GradCtx& c);
};

}  // namespace nacre::op
