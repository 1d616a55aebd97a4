// Few rows of A against a large B in place: every element of B is used once or a few times, so main memory sets the pace.
//
//   c(i, j) = [c(i, j) +] sum_p a(i, p) b[p * ldb + j]     one chain of fma per element, in order of p
// Some rows of B are read side by side from end to end, each a sequential stream that the hardware prefetches; c stays in L1.
#pragma once

#include "nacre/kernels/gemm_tile.h"

namespace nacre {
namespace NACRE_ISA {

static constexpr int64_t kStreamRows = 4;  // most rows of A

// Rows p .. p+KU of B added to MR rows of C.
template <class T, int MR, int KU>
static void stream_rows(const T* a, int64_t row_step, int64_t k_step, const T* b, int64_t ldb, int64_t n, T* c, int64_t ldc,
                        bool add) {
  using P = Packet<T>;
  constexpr int NV = MR == 1 ? 2 : 1;  // packets of a row at a time: a cache line where registers allow
  P x[MR][KU];
#pragma GCC unroll 4
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 8
    for (int p = 0; p < KU; ++p) x[i][p] = P::set1(a[i * row_step + p * k_step]);
  }
  int64_t j = 0;
  for (; j + NV * P::size <= n; j += NV * P::size) {
    P sum[MR][NV];
#pragma GCC unroll 4
    for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) sum[i][v] = add ? P::load(c + i * ldc + j + v * P::size) : P::zero();
    }
#pragma GCC unroll 8
    for (int p = 0; p < KU; ++p) {
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) {
        const P row = P::load(b + p * ldb + j + v * P::size);
#pragma GCC unroll 4
        for (int i = 0; i < MR; ++i) sum[i][v] = multiply_add(x[i][p], row, sum[i][v]);
      }
    }
#pragma GCC unroll 4
    for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) sum[i][v].store(c + i * ldc + j + v * P::size);
    }
  }
  for (; j < n; j += P::size) {
    const int rest = static_cast<int>(smaller(P::size, n - j));
    for (int i = 0; i < MR; ++i) {
      P sum = add ? P::load_n(c + i * ldc + j, rest) : P::zero();
#pragma GCC unroll 8
      for (int p = 0; p < KU; ++p) sum = multiply_add(x[i][p], P::load_n(b + p * ldb + j, rest), sum);
      sum.store_n(c + i * ldc + j, rest);
    }
  }
}

template <class T, int MR>
static void stream_all(const T* a, int64_t row_step, int64_t k_step, const T* b, int64_t ldb, int64_t n, int64_t k, T* c,
                       int64_t ldc, bool add) {
  constexpr int KU = MR == 1 ? 8 : MR == 2 ? 4 : kAccumulators >= 24 ? 4 : 2;  // MR * KU broadcasts stay in registers
  int64_t p = 0;
  for (; p + KU <= k; p += KU) stream_rows<T, MR, KU>(a + p * k_step, row_step, k_step, b + p * ldb, ldb, n, c, ldc, add || p > 0);
  if constexpr (KU > 4) {
    for (; p + 4 <= k; p += 4) stream_rows<T, MR, 4>(a + p * k_step, row_step, k_step, b + p * ldb, ldb, n, c, ldc, add || p > 0);
  }
  for (; p < k; ++p) stream_rows<T, MR, 1>(a + p * k_step, row_step, k_step, b + p * ldb, ldb, n, c, ldc, add || p > 0);
}

// k >= 1.
template <class T>
static void stream_product(const T* a, int64_t row_step, int64_t k_step, const T* b, int64_t ldb, int64_t m, int64_t n, int64_t k,
                           T* c, int64_t ldc, bool add) {
  switch (m) {
    case 1: return stream_all<T, 1>(a, row_step, k_step, b, ldb, n, k, c, ldc, add);
    case 2: return stream_all<T, 2>(a, row_step, k_step, b, ldb, n, k, c, ldc, add);
    case 3: return stream_all<T, 3>(a, row_step, k_step, b, ldb, n, k, c, ldc, add);
    default: return stream_all<T, 4>(a, row_step, k_step, b, ldb, n, k, c, ldc, add);
  }
}

// A large B is cut along K into chunks of about this many bytes, so that each thread walks rows from end to end: half rows are a fifth slower.
static constexpr int64_t kChunkBytes = 2 << 20, kChunkedBytes = 8 << 20;
static constexpr int64_t kChunkedRow = 32 << 10;  // longer rows may as well be cut

// Steps of K in a chunk; 0: one chunk is all. Follows from the sizes alone, for it decides what is summed in which order.
template <class T>
static int64_t stream_chunk(int64_t n, int64_t k) {
  const int64_t row = n * int64_t(sizeof(T));
  if (row > kChunkedRow || k < kChunkedBytes / row) return 0;
  return round_up(larger(kChunkBytes / row, 64), 8);
}

// C += the chunks' sums, one after another; `columns` of m rows whose partial sums lie `chunk_stride` apart, rows `row_stride`.
template <class T>
static void add_chunks(T* c, int64_t ldc, int64_t m, int64_t columns, const T* sums, int64_t row_stride, int64_t chunk_stride,
                       int64_t chunks) {
  using P = Packet<T>;
  for (int64_t i = 0; i < m; ++i, c += ldc, sums += row_stride) {
    for (int64_t j = 0; j < columns; j += P::size) {
      const int some = static_cast<int>(smaller(P::size, columns - j));
      P sum = P::load_n(c + j, some);
      for (int64_t s = 0; s < chunks; ++s) sum = sum + P::load_n(sums + s * chunk_stride + j, some);
      sum.store_n(c + j, some);
    }
  }
}

}  // namespace NACRE_ISA
}  // namespace nacre
