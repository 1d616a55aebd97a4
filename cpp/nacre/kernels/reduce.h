// Reductions over any set of axes of a strided array, and running sums.
//
// How ops call: fill ReduceArgs from a View (sizes, strides in elements, bit mask of reduced axes), ask reduce_scratch for bytes,
// call table.reduce[kind][dtype of x]. y is written contiguously, in row-major order of the axes kept. Axes of size 1 and any
// stride (0, negative) are welcome; the kernel finds the fast order itself. `initial` handling of empty reductions: sum 0, prod 1,
// any false, all true, logsumexp -inf, var NaN; max, min, argmax, argmin must be refused above when nothing is reduced over.
//
// Sums (kernels/reduce_chunk.h): the reduced elements in row-major order are cut into chunks of 1024; a chunk is summed in 64 lanes
// (element i goes to lane i mod 64) folded by halves; chunk sums are added in order in double. So a view and its contiguous copy,
// every instruction set and every number of threads give the same bits, and the error stays near that of pairwise summation.
#pragma once

#include <stdint.h>

#include "nacre/base/dtype.h"
#include "nacre/kernels/tile_hook.h"

namespace nacre {

enum class ReduceKind : uint8_t {
  sum,   // float: same dtype; bool and integers: int64, wraps
  prod,  // same dtypes as sum
  max,   // same dtype, all dtypes but float16/bfloat16; NaN wins
  min,
  any,  // bool output, all dtypes (non-zero; NaN counts as true)
  all,
  argmax,  // int64 output: position in row-major order of the reduced axes, first on ties, first NaN wins
  argmin,
  sum_sq,     // sum of x^2, floats
  sum_abs,    // sum of |x|, floats
  logsumexp,  // floats, stable
  mean,       // floats
  var,        // floats; two passes; divides by (n - correction), NaN when that is <= 0; y2 receives the mean when not null
};
inline constexpr int kReduceKindCount = 13;

struct ReduceArgs {
  const void* x = nullptr;
  void* y = nullptr;
  void* y2 = nullptr;
  int rank = 0;
  int64_t sizes[8] = {};
  int64_t strides[8] = {};
  uint32_t axes = 0;  // bit i set: axis i is reduced
  double correction = 0;
  TileHook
      before;  // makes x (kernels/tile_hook.h), for sums of floats over the leading axes of a contiguous array; x may then be null
};

// x and y contiguous [outer, n, inner], scanned along n. float32 adds in double. y may be x.
struct ScanArgs {
  const void* x = nullptr;
  void* y = nullptr;
  int64_t outer = 0, n = 0, inner = 0;
  bool reverse = false;    // from the last element down
  bool exclusive = false;  // y_i leaves x_i out: starts with 0 (1 for products)
};

using ReduceFn = void (*)(const ReduceArgs&, void* scratch) noexcept;
using ScanFn = void (*)(const ScanArgs&) noexcept;

struct ReduceTable {
  ReduceFn reduce[kReduceKindCount][kDTypeCount];  // null: not supported
  int64_t (*reduce_scratch)(ReduceKind kind, DType dtype, const ReduceArgs&) noexcept;
  ScanFn cumsum[kDTypeCount];  // float32, float64, int32, int64 (wrap), output of the same dtype
  ScanFn cumprod[kDTypeCount];
};

}  // namespace nacre
