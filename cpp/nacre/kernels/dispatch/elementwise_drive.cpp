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

}  // namespace

LoopNest collapse(const View* const* operands, int count) noexcept {
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
  const int last = nest.rank - 1;
  if (nest.dims[last] < kShortInner) {
    int longest = last;
    for (int d = 0; d < last; ++d) {
      if (nest.dims[d] > nest.dims[longest]) longest = d;
    }
    if (nest.dims[longest] >= kMuchLonger * nest.dims[last]) exchange(nest, longest, last, count);
  }
  return nest;
}

void apply_unary(UnaryFn fn, const View& x, const View& y, const double* params) noexcept {
  const View* operands[] = {&y, &x};
  const LoopNest nest = collapse(operands, 2);
  const int64_t sy = nest.strides[0][nest.rank - 1], sx = nest.strides[1][nest.rank - 1];
  run(nest, 2, [&](int64_t n, const int64_t* at) { fn(n, at_element(x, at[1]), sx, at_output(y, at[0]), sy, params); });
}

void apply_binary(BinaryFn fn, const View& a, const View& b, const View& y, const double* params, uint32_t* status) noexcept {
  const View* operands[] = {&y, &a, &b};
  const LoopNest nest = collapse(operands, 3);
  const int last = nest.rank - 1;
  const int64_t sy = nest.strides[0][last], sa = nest.strides[1][last], sb = nest.strides[2][last];
  std::atomic<uint32_t> bits{0};
  run(nest, 3, [&](int64_t n, const int64_t* at) {
    uint32_t found = 0;
    fn(n, at_element(a, at[1]), sa, at_element(b, at[2]), sb, at_output(y, at[0]), sy, params, &found);
    if (found) bits.fetch_or(found, std::memory_order_relaxed);
  });
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
