// Views of views: the pieces that slicing, joining and padding are made of. A View is a plain value, so these move no memory.
#pragma once

#include "nacre/kernels/elementwise_drive.h"
#include "nacre/kernels/table.h"
#include "nacre/ops/op.h"
#include "nacre/tensor/copy.h"

namespace nacre {

// The same view, its first element moved by `count` steps along an axis.
inline View moved(View v, int axis, Dim count) {
  v.data = static_cast<char*>(v.data) + count * v.strides[axis] * size_of(v.dtype);
  return v;
}
// Elements begin .. begin + size - 1 of one axis.
inline View part(const View& v, int axis, Dim begin, Dim size) {
  View p = size > 0 ? moved(v, axis, begin) : v;
  p.shape[axis] = size;
  return p;
}
// Position `at` of one axis, without that axis.
inline View slab(const View& v, int axis, Dim at) {
  View p = moved(v, axis, at);
  p.shape.erase(axis);
  for (int i = axis; i + 1 < v.shape.rank(); ++i) p.strides[i] = v.strides[i + 1];
  return p;
}
// A contiguous view of the same memory with another shape of as many elements.
inline View as_shape(const View& contiguous, const Shape& shape) {
  View p = contiguous;
  p.shape = shape;
  p.set_contiguous_strides();
  return p;
}
// What `run` of a view op does when memory must be moved after all.
template <class Op>
void run_by_copy(const Op& a, const View& x, const View& y) {
  View v;
  static_cast<Type&>(v) = y;
  Op::view(a, x, v);
  copy_values(v, y);
}
// The sizes before, at and after an axis: what kernels call [outer, axis, inner].
struct AxisSizes {
  Dim outer = 1, size = 1, inner = 1;
};
inline AxisSizes axis_sizes(const Shape& s, int axis) {
  AxisSizes r;
  for (int i = 0; i < axis; ++i) r.outer *= s[i];
  r.size = s[axis];
  for (int i = axis + 1; i < s.rank(); ++i) r.inner *= s[i];
  return r;
}
inline void fill_zero(const View& y, Context& c) {
  const double zero = 0;  // eight zero bytes: zero of every dtype
  apply_fill(c.kernels.elementwise, &zero, y);
}
// Axes as non-negative numbers in the order given; ValueError when one is out of range or named twice.
NACRE_API IntList distinct_axes(std::string_view op, const IntList& axes, int rank);

}  // namespace nacre
