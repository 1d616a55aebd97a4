// Whole-tensor elementwise calls: broadcasting, collapsing of dimensions, choice of the inner loop and threads, over the inner loops of
// elementwise.h. Inputs broadcast to the shape of the output as in NumPy; the output's own strides must not repeat (no zero stride on a
// dimension larger than 1). Empty outputs are left alone.
#pragma once

#include "nacre/base/shape.h"
#include "nacre/kernels/elementwise.h"

namespace nacre {

void apply_unary(UnaryFn fn, const View& x, const View& y, const double* params = nullptr) noexcept;
// *status collects the status bits of all elements; it is not cleared first.
void apply_binary(BinaryFn fn, const View& a, const View& b, const View& y, const double* params = nullptr,
                  uint32_t* status = nullptr) noexcept;
void apply_where(const ElementwiseTable& t, const View& cond, const View& a, const View& b, const View& y) noexcept;
// Converts x.dtype to y.dtype; equal dtypes are copied.
void apply_cast(const ElementwiseTable& t, const View& x, const View& y) noexcept;
// Same dtype on both sides; transposes go through tiles.
void apply_copy(const ElementwiseTable& t, const View& x, const View& y) noexcept;
// Every element of y becomes the one at `value` (of y's dtype).
void apply_fill(const ElementwiseTable& t, const void* value, const View& y) noexcept;

// What the drivers do first, for others to use: the loop nest over operands [0, count), the output being operand 0.
// dims[rank-1] is the inner loop. Dimensions of size 1 are gone, mergeable ones merged, rank >= 1.
struct LoopNest {
  int rank = 0;
  int64_t dims[kMaxRank] = {};
  int64_t strides[4][kMaxRank] = {};
};
// operands[0] is the output and gives the shape; 1 <= count <= 4.
LoopNest collapse(const View* const* operands, int count) noexcept;

}  // namespace nacre
