// Stable sort and top-k of every row, with the positions. Merge sort: n log n in the worst case.
//
// NaN comes last, ascending or descending; equal values keep their order (top-k: the lower position first).
// Rows are contiguous [rows, n]; another axis is transposed above. Supported: all dtypes but float16 and bfloat16.
#pragma once

#include <stdint.h>

#include "nacre/base/dtype.h"

namespace nacre {

struct SortArgs {
  const void* x = nullptr;
  void* values = nullptr;      // [rows, k], or null; may be x when k == n
  int64_t* indices = nullptr;  // [rows, k], or null
  int64_t rows = 0, n = 0;
  int64_t k = 0;  // sort: n. top_k: 0 <= k <= n, the k first in the chosen order, sorted
  bool descending = false;
  int64_t tasks = 1;  // parts that may run in parallel, each with its own scratch: pass num_threads()
};

struct SortTable {
  void (*sort[kDTypeCount])(const SortArgs&, void* scratch) noexcept;  // also top-k, by args.k < args.n
  int64_t (*sort_scratch)(DType dtype, const SortArgs&) noexcept;
};

}  // namespace nacre
