// x[...] as in NumPy: integers, slices, ellipsis, new axes, integer and boolean tensors.
//
// Basic items (integers, slices, ellipsis, new axes) give a view of x; as soon as a tensor is among the items the result is a copy.
// With tensors, integers count as index tensors of one element; all index tensors broadcast together. Their shape stands where the
// first of them stood when they are next to each other, in front of everything when something else lies between them.
// A boolean tensor covers as many axes as it has and stands for the positions of its True values.
#pragma once

#include <limits>
#include <span>
#include <vector>

#include "nacre/tensor/tensor.h"

namespace nacre {

struct IndexItem {
  enum class Kind { integer, slice, ellipsis, new_axis, tensor };
  static constexpr Dim kNone = std::numeric_limits<Dim>::min();  // an absent slice bound

  Kind kind = Kind::ellipsis;
  Dim start = kNone, stop = kNone, step = kNone;  // integer: start
  Tensor index;                                   // any integer dtype, or bool

  static IndexItem at(Dim i) { return {Kind::integer, i, kNone, kNone, {}}; }
  // Bounds as in Python: negative ones count from the end, out of range ones are clipped.
  static IndexItem range(Dim start = kNone, Dim stop = kNone, Dim step = kNone) { return {Kind::slice, start, stop, step, {}}; }
  static IndexItem dots() { return {}; }
  static IndexItem new_axis() { return {Kind::new_axis, kNone, kNone, kNone, {}}; }
  static IndexItem by(Tensor index) { return {Kind::tensor, kNone, kNone, kNone, std::move(index)}; }
};

// x[items]. Recorded: gradients flow to x.
NACRE_API Tensor get_item(const Tensor& x, std::span<const IndexItem> items);
// x[items] = value; value broadcasts and is cast to x's dtype. Changes x in place and is not recorded: StateError when a gradient
// would silently be lost (value, or a non-leaf x, requires one while recording is on). Repeated positions: the last one stays.
NACRE_API void set_item(const Tensor& x, std::span<const IndexItem> items, const Tensor& value);

// One int64 tensor of shape [count] per axis: the positions of elements that are not zero, in row-major order.
NACRE_API std::vector<Tensor> nonzero(const Tensor& x);
// x[mask] for a mask that covers the leading axes of x: [count of True, remaining axes...]. Gradients flow to x.
NACRE_API Tensor boolean_mask(const Tensor& x, const Tensor& mask);

}  // namespace nacre
