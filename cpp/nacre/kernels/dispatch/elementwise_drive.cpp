// The drivers of elementwise kernels: see elementwise_drive.h.
//
// collapse: sizes of 1 go, dimensions are ordered by the output's strides (largest first), neighbours that every operand walks as one are
// merged. The last dimension is the inner loop; a short one (a row of 3 channels, say) makes way for a much longer one, because a call
// costs as much as tens of elements. Work is cut into pieces of about kGrain elements; the cut does not reach any result, because
// every output element is computed alone.
#include "nacre/kernels/elementwise_drive.h"

#include <atomic>
#include <cstdlib>
#include <utility>

#include "nacre/base/threads.h"

namespace nacre {
namespace {

constexpr int64_t kGrain = 16384;  // elements of a piece: a few microseconds of the cheapest kernel, far below a stop check's 10 ms
constexpr int64_t kShortInner = 16, kMuchLonger = 4;

void drop(LoopNest& nest, int d, int count) {
  for (int i = d; i + 1 < nest.rank; ++i) {
    nest.dims[i] = nest.dims[i + 1];
    for (int k = 0; k < count; ++k) nest.strides[k][i] = nest.strides[k][i + 1];
  }
  --nest.rank;
}

void exchange(LoopNest& nest, int d, int e, int count) {
  std::swap(nest.dims[d], nest.dims[e]);
  for (int k = 0; k < count; ++k) std::swap(nest.strides[k][d], nest.strides[k][e]);
}

// True when dimension e belongs inside d: the first operand whose strides differ decides.
bool belongs_inside(const LoopNest& nest, int d, int e, int count) {
  for (int k = 0; k < count; ++k) {
    const int64_t outer = std::abs(nest.strides[k][d]), inner = std::abs(nest.strides[k][e]);
    if (outer != inner) return outer > inner;
  }
  return true;
}

void merge_neighbours(LoopNest& nest, int count) {
  for (int d = nest.rank - 2; d >= 0; --d) {
    bool together = true;
    for (int k = 0; k < count; ++k) together = together && nest.strides[k][d] == nest.strides[k][d + 1] * nest.dims[d + 1];
    if (!together) continue;
    nest.dims[d + 1] *= nest.dims[d];
    drop(nest, d, count);
  }
}

// True when v has the shape of y and the elements of both lie without gaps in row-major order: then there is nothing to collapse. This is
// most calls, and for small tensors collapsing would cost more than the kernel.
bool packed_alike(const View& v, const View& y) {
  const int rank = y.shape.rank();
  if (v.shape.rank() != rank) return false;
  int64_t step = 1;
  for (int d = rank - 1; d >= 0; --d) {
    const int64_t n = y.shape[d];
    if (v.shape[d] != n || (n != 1 && (v.strides[d] != step || y.strides[d] != step))) return false;
    step *= n;
  }
  return true;
}

// body(n, start) over n packed elements, cut over threads.
template <class Body>
void run_packed(int64_t n, Body&& body) noexcept {
  if (n <= 0) return;
  if (n <= kGrain) return body(n, int64_t{0});
  parallel_for(n, kGrain, [&](int64_t begin, int64_t end, int) { body(end - begin, begin); });
}

// Calls body(n, offsets) for every inner run, cut over threads. offsets[k]: elements from the start of operand k.
template <class Body>
void run(const LoopNest& nest, int count, Body&& body) noexcept {
  const int last = nest.rank - 1;
  const int64_t inner = nest.dims[last];
  int64_t outer = 1;
  for (int d = 0; d < last; ++d) outer *= nest.dims[d];
  if (outer == 0 || inner == 0) return;
  // Long inner loops are split, short ones are grouped.
  const int64_t cuts = inner > 2 * kGrain ? (inner + kGrain - 1) / kGrain : 1;
  const int64_t piece = cuts == 1 ? inner : (((inner + cuts - 1) / cuts) + 63) / 64 * 64;
  const int64_t grain = piece >= kGrain ? 1 : kGrain / piece;
  parallel_for(outer * cuts, grain, [&](int64_t begin, int64_t end, int) {
    int64_t index[kMaxRank] = {}, row = begin / cuts, cut = begin % cuts;
    int64_t offsets[4] = {};
    for (int d = last - 1; d >= 0; --d) {
      index[d] = row % nest.dims[d];
      row /= nest.dims[d];
      for (int k = 0; k < count; ++k) offsets[k] += index[d] * nest.strides[k][d];
    }
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t start = cut * piece, n = inner - start < piece ? inner - start : piece;
      int64_t at[4];
      for (int k = 0; k < count; ++k) at[k] = offsets[k] + start * nest.strides[k][last];
      if (n > 0) body(n, at);
      if (++cut < cuts) continue;
      cut = 0;
      for (int d = last - 1; d >= 0; --d) {
        for (int k = 0; k < count; ++k) offsets[k] += nest.strides[k][d];
        if (++index[d] < nest.dims[d]) break;
        for (int k = 0; k < count; ++k) offsets[k] -= nest.strides[k][d] * nest.dims[d];
        index[d] = 0;
      }
    }
  });
}

const char* at_element(const View& v, int64_t offset) { return static_cast<const char*>(v.data) + offset * size_of(v.dtype); }
char* at_output(const View& v, int64_t offset) { return static_cast<char*>(v.data) + offset * size_of(v.dtype); }

// The nest in the output's memory order, neighbours merged.
LoopNest merged(const View* const* operands, int count) noexcept {
  const View& y = *operands[0];
  LoopNest nest;
  for (int d = 0; d < y.shape.rank(); ++d) {
    if (y.shape[d] == 1) continue;
    nest.dims[nest.rank] = y.shape[d];
    for (int k = 0; k < count; ++k) {
      const View& v = *operands[k];
      const int own = d - (y.shape.rank() - v.shape.rank());  // aligned on the right
      nest.strides[k][nest.rank] = own < 0 || v.shape[own] == 1 ? 0 : v.strides[own];
    }
    ++nest.rank;
  }
  if (nest.rank == 0) {
    nest.rank = 1;
    nest.dims[0] = 1;
    return nest;
  }
  for (int i = 1; i < nest.rank; ++i) {  // insertion sort: stable, and there are at most eight
    for (int d = i; d > 0 && !belongs_inside(nest, d - 1, d, count); --d) exchange(nest, d - 1, d, count);
  }
  merge_neighbours(nest, count);
  return nest;
}
}  // namespace

// A short inner loop changes places with a much longer dimension.
static void prefer_long_inner(LoopNest& nest, int count) noexcept {
  const int last = nest.rank - 1;
  if (nest.dims[last] >= kShortInner) return;
  int longest = last;
  for (int d = 0; d < last; ++d) {
    if (nest.dims[d] > nest.dims[longest]) longest = d;
  }
  if (nest.dims[longest] >= kMuchLonger * nest.dims[last]) exchange(nest, longest, last, count);
}

LoopNest collapse(const View* const* operands, int count) noexcept {
  LoopNest nest = merged(operands, count);
  prefer_long_inner(nest, count);
  return nest;
}

void apply_unary(UnaryFn fn, const View& x, const View& y, const double* params) noexcept {
  if (packed_alike(x, y)) {
    return run_packed(y.count(), [&](int64_t n, int64_t at) { fn(n, at_element(x, at), 1, at_output(y, at), 1, params); });
  }
  const View* operands[] = {&y, &x};
  const LoopNest nest = collapse(operands, 2);
  const int64_t sy = nest.strides[0][nest.rank - 1], sx = nest.strides[1][nest.rank - 1];
  run(nest, 2, [&](int64_t n, const int64_t* at) { fn(n, at_element(x, at[1]), sx, at_output(y, at[0]), sy, params); });
}

namespace {

// Rows of a matrix with a row vector or a column vector: blocks of whole rows, the vector spread out over the block on the stack. One call
// computes kSpread elements instead of one short row; what is computed does not change.
constexpr int64_t kSpread = 512, kShortRow = 128, kShortColumnRow = 24;

template <class T>
void spread(void* to_, const View& from, int64_t at, int64_t row_stride, int64_t col_stride, int64_t rows, int64_t cols) {
  T* to = static_cast<T*>(to_);
  const T* x = from.as<T>() + at;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < cols; ++c) to[r * cols + c] = x[r * row_stride + c * col_stride];
  }
}
void spread_bytes(void* to, const View& from, int64_t at, int64_t row_stride, int64_t col_stride, int64_t rows, int64_t cols) {
  switch (size_of(from.dtype)) {
    case 1: return spread<uint8_t>(to, from, at, row_stride, col_stride, rows, cols);
    case 2: return spread<uint16_t>(to, from, at, row_stride, col_stride, rows, cols);
    case 4: return spread<uint32_t>(to, from, at, row_stride, col_stride, rows, cols);
    default: return spread<uint64_t>(to, from, at, row_stride, col_stride, rows, cols);
  }
}

bool binary_short_rows(BinaryFn fn, const LoopNest& nest, const View* const* operands, const double* params,
                       std::atomic<uint32_t>& bits) {
  if (nest.rank != 2) return false;
  const View& y = *operands[0];
  const int64_t rows = nest.dims[0], cols = nest.dims[1];
  if (cols > kShortRow || rows < kMuchLonger || nest.strides[0][1] != 1 || nest.strides[0][0] != cols) return false;
  enum { packed, repeated_row, column } kind[3] = {packed, column, column};
  for (int k = 1; k < 3; ++k) {
    const int64_t row = nest.strides[k][0], col = nest.strides[k][1];
    if (row == cols && col == 1)
      kind[k] = packed;
    else if (row == 0)
      kind[k] = repeated_row;
    else if (col != 0 || cols > kShortColumnRow)
      return false;  // nothing gained: general strides, or rows that pay for their call
  }
  const int64_t block = kSpread / cols, grain = kGrain / cols / block * block;
  parallel_for(rows, grain, [&](int64_t begin, int64_t end, int) {
    alignas(64) char buffer[2][kSpread * 8];
    uint32_t found = 0;
    for (int k = 1; k < 3; ++k) {
      if (kind[k] == repeated_row)
        spread_bytes(buffer[k - 1], *operands[k], 0, 0, nest.strides[k][1], end - begin < block ? end - begin : block, cols);
    }
    for (int64_t r = begin; r < end; r += block) {
      const int64_t n = end - r < block ? end - r : block;
      const void* input[2];
      for (int k = 1; k < 3; ++k) {
        if (kind[k] == column) spread_bytes(buffer[k - 1], *operands[k], r * nest.strides[k][0], nest.strides[k][0], 0, n, cols);
        input[k - 1] = kind[k] == packed ? at_element(*operands[k], r * cols) : buffer[k - 1];
      }
      fn(n * cols, input[0], 1, input[1], 1, at_output(y, r * cols), 1, params, &found);
    }
    if (found) bits.fetch_or(found, std::memory_order_relaxed);
  });
  return true;
}

}  // namespace

void apply_binary(BinaryFn fn, const View& a, const View& b, const View& y, const double* params, uint32_t* status) noexcept {
  std::atomic<uint32_t> bits{0};
  if (packed_alike(a, y) && packed_alike(b, y)) {
    run_packed(y.count(), [&](int64_t n, int64_t at) {
      uint32_t found = 0;
      fn(n, at_element(a, at), 1, at_element(b, at), 1, at_output(y, at), 1, params, &found);
      if (found) bits.fetch_or(found, std::memory_order_relaxed);
    });
    if (status) *status |= bits.load(std::memory_order_relaxed);
    return;
  }
  const View* operands[] = {&y, &a, &b};
  LoopNest nest = merged(operands, 3);
  if (!binary_short_rows(fn, nest, operands, params, bits)) {
    prefer_long_inner(nest, 3);
    const int last = nest.rank - 1;
    const int64_t sy = nest.strides[0][last], sa = nest.strides[1][last], sb = nest.strides[2][last];
    run(nest, 3, [&](int64_t n, const int64_t* at) {
      uint32_t found = 0;
      fn(n, at_element(a, at[1]), sa, at_element(b, at[2]), sb, at_output(y, at[0]), sy, params, &found);
      if (found) bits.fetch_or(found, std::memory_order_relaxed);
    });
  }
  if (status) *status |= bits.load(std::memory_order_relaxed);
}

void apply_where(const ElementwiseTable& t, const View& cond, const View& a, const View& b, const View& y) noexcept {
  const View* operands[] = {&y, &cond, &a, &b};
  const LoopNest nest = collapse(operands, 4);
  const int last = nest.rank - 1;
  const WhereFn fn = t.where[size_index(size_of(y.dtype))];
  run(nest, 4, [&](int64_t n, const int64_t* at) {
    fn(n, at_element(cond, at[1]), nest.strides[1][last], at_element(a, at[2]), nest.strides[2][last], at_element(b, at[3]),
       nest.strides[3][last], at_output(y, at[0]), nest.strides[0][last]);
  });
}

void apply_cast(const ElementwiseTable& t, const View& x, const View& y) noexcept {
  if (x.dtype == y.dtype) return apply_copy(t, x, y);
  const View* operands[] = {&y, &x};
  const LoopNest nest = collapse(operands, 2);
  const CopyFn fn = t.cast[static_cast<int>(x.dtype)][static_cast<int>(y.dtype)];
  const int64_t sy = nest.strides[0][nest.rank - 1], sx = nest.strides[1][nest.rank - 1];
  run(nest, 2, [&](int64_t n, const int64_t* at) { fn(n, at_element(x, at[1]), sx, at_output(y, at[0]), sy); });
}

// A transpose shows as an inner dimension where y walks by 1 and x does not, and another where x walks by 1.
static bool copy_transposed(const ElementwiseTable& t, const LoopNest& nest, const View& x, const View& y) {
  const int last = nest.rank - 1;
  if (nest.strides[0][last] != 1 || nest.strides[1][last] == 1 || nest.strides[1][last] <= 0 || nest.dims[last] < 4) return false;
  int d = -1;
  for (int e = 0; e < last; ++e) {
    if (nest.strides[1][e] == 1 && nest.strides[0][e] > 0 && nest.dims[e] >= 4) d = e;
  }
  if (d < 0) return false;
  const TransposeFn fn = t.transpose[size_index(size_of(y.dtype))];
  const int64_t rows = nest.dims[last], x_row = nest.strides[1][last], y_row = nest.strides[0][d];
  // The other dimensions stay an outer loop; d is cut into bands of whole tiles so that large single matrices use all threads.
  const int64_t cols = nest.dims[d], wanted = kGrain / rows < 1 ? 1 : kGrain / rows, band = (wanted + 63) / 64 * 64;
  const int64_t bands = (cols + band - 1) / band;
  LoopNest outer = nest;
  outer.dims[d] = bands;
  outer.strides[0][d] = band * y_row;
  outer.strides[1][d] = band;
  outer.dims[last] = 1;
  int64_t units = 1;
  for (int e = 0; e < last; ++e) units *= outer.dims[e];
  const int64_t unit_size = rows * (cols < band ? cols : band), grain = unit_size >= kGrain ? 1 : kGrain / unit_size;
  parallel_for(units, grain, [&](int64_t begin, int64_t end, int) {
    for (int64_t unit = begin; unit < end; ++unit) {
      int64_t rest = unit, at_x = 0, at_y = 0, first = 0;
      for (int e = last - 1; e >= 0; --e) {
        const int64_t i = rest % outer.dims[e];
        rest /= outer.dims[e];
        at_y += i * outer.strides[0][e];
        at_x += i * outer.strides[1][e];
        if (e == d) first = i * band;
      }
      const int64_t n = cols - first < band ? cols - first : band;
      fn(rows, n, at_element(x, at_x), x_row, at_output(y, at_y), y_row);
    }
  });
  return true;
}

void apply_copy(const ElementwiseTable& t, const View& x, const View& y) noexcept {
  if (y.count() == 0) return;
  const View* operands[] = {&y, &x};
  const LoopNest nest = collapse(operands, 2);
  if (copy_transposed(t, nest, x, y)) return;
  const CopyFn fn = t.copy[size_index(size_of(y.dtype))];
  const int64_t sy = nest.strides[0][nest.rank - 1], sx = nest.strides[1][nest.rank - 1];
  run(nest, 2, [&](int64_t n, const int64_t* at) { fn(n, at_element(x, at[1]), sx, at_output(y, at[0]), sy); });
}

void apply_fill(const ElementwiseTable& t, const void* value, const View& y) noexcept {
  View x;
  x.dtype = y.dtype;
  x.data = const_cast<void*>(value);
  apply_copy(t, x, y);
}

}  // namespace nacre
