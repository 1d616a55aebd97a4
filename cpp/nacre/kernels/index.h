// Data movement by index: gather, scatter-add, take and put along an axis, one-hot, triangles, positions of true.
//
// Indices are int32 or int64; negative ones count from the end. Every index is checked before anything is written: the first bad
// one goes to *status (index_status.h) and the outputs stay as they were. Sums happen in the order of the indices for each
// destination element, so the bits do not depend on the number of threads. Arrays are contiguous, laid out [outer, axis, inner].
#pragma once

#include <stdint.h>

#include "nacre/base/dtype.h"
#include "nacre/kernels/index_status.h"

namespace nacre {

// y[o, k, i] = x[o, index[k], i];  x [outer, axis, inner], y [outer, n_index, inner]. Embedding look-up: outer = 1.
struct GatherArgs {
  const void* x = nullptr;
  void* y = nullptr;
  const void* index = nullptr;       // [n_index]
  DType index_dtype = DType::int32;  // int32, int64 (uint8, int8 too)
  int64_t outer = 1, axis = 0, inner = 1, n_index = 0;
  int64_t item_size = 4;  // bytes of one element, 1, 2, 4 or 8
  IndexStatus* status = nullptr;
};

// Adding (scatter_add): x[o, index[k], i] += y[o, k, i].  Writing (scatter_set, by item size, last one wins): x[o, index[k], i] =
// y[o, k, i].
// Embedding gradient: zero x, then scatter_add.
struct ScatterArgs {
  void* x = nullptr;
  const void* y = nullptr;
  const void* index = nullptr;
  DType index_dtype = DType::int32;
  int64_t outer = 1, axis = 0, inner = 1, n_index = 0;
  int64_t item_size = 4;  // read by scatter_set only
  IndexStatus* status = nullptr;
};

// One index per element: y[o, k, i] = x[o, index[o, k, i], i];  x [outer, axis, inner], y and index [outer, n, inner].
// put_along_axis_add: x[o, index[o, k, i], i] += y[o, k, i] (the gradient of take, of max, of sort).
struct AlongAxisArgs {
  void* x = nullptr;  // read by take, changed by put
  void* y = nullptr;  // written by take, read by put
  const void* index = nullptr;
  DType index_dtype = DType::int64;
  int64_t outer = 1, axis = 0, inner = 1, n = 0;
  int64_t item_size = 4;  // read by take only
  IndexStatus* status = nullptr;
};

// y[k, d] = on where d == index[k], else off. Negative indices do not wrap. status null: an index out of range gives a row of `off`
// (Keras); otherwise it is reported. y [n, depth].
struct OneHotArgs {
  void* y = nullptr;
  const void* index = nullptr;
  DType index_dtype = DType::int32;
  int64_t n = 0, depth = 0;
  double on = 1, off = 0;
  IndexStatus* status = nullptr;
};

// y[b, r, c] = x[b, r, c] where c - r >= diagonal (upper) or c - r <= diagonal (lower), else 0. x, y [batch, rows, columns]; y may
// be x.
struct TriangleArgs {
  const void* x = nullptr;
  void* y = nullptr;
  int64_t batch = 1, rows = 0, columns = 0, diagonal = 0;
  int64_t item_size = 4;
  bool upper = true;
};

struct IndexTable {
  void (*gather)(const GatherArgs&) noexcept;
  void (*scatter_set)(const ScatterArgs&) noexcept;
  void (*scatter_add[kDTypeCount])(const ScatterArgs&) noexcept;  // float32, float64, int32, int64, uint8, int8 (wrap)
  void (*take_along_axis)(const AlongAxisArgs&) noexcept;
  void (*put_along_axis_add[kDTypeCount])(const AlongAxisArgs&) noexcept;
  void (*one_hot[kDTypeCount])(const OneHotArgs&) noexcept;  // all dtypes but float16, bfloat16
  void (*triangle)(const TriangleArgs&) noexcept;
  // Boolean masks: how many of n bytes are non-zero, and their positions in order.
  int64_t (*mask_count)(const uint8_t* mask, int64_t n) noexcept;
  void (*mask_positions)(const uint8_t* mask, int64_t n, int64_t* positions) noexcept;
};

}  // namespace nacre
