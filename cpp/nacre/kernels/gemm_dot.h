// Products whose operands both run along K (few rows of A against B transposed, or one column): packets along K, summed at the end.
//
//   c(i, j) = [c(i, j) +] sum_p a[i * lda + p] b[j * ldb + p]     every element by the same chain, whatever the neighbours.
#pragma once

#include "nacre/kernels/gemm_tile.h"

namespace nacre {
namespace NACRE_ISA {

template <int n>
struct Steps {
  static constexpr int count = n;
};

template <class T, int MR, int NC>
static void dot_block(const T* a, int64_t lda, const T* b, int64_t ldb, int64_t k, T* c, int64_t row_step, int64_t column_step,
                      bool add) {
  using P = Packet<T>;
  P acc[MR][NC];
#pragma GCC unroll 4
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < NC; ++j) acc[i][j] = P::zero();
  }
  auto step = [&](int64_t p, auto load, auto steps) __attribute__((always_inline)) {
    constexpr int U = decltype(steps)::count;
    P x[MR][U];
#pragma GCC unroll 4
    for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 2
      for (int u = 0; u < U; ++u) x[i][u] = load(a + i * lda + p + u * P::size);
    }
#pragma GCC unroll 8
    for (int j = 0; j < NC; ++j) {
#pragma GCC unroll 2
      for (int u = 0; u < U; ++u) {
        const P y = load(b + j * ldb + p + u * P::size);
#pragma GCC unroll 4
        for (int i = 0; i < MR; ++i) acc[i][j] = multiply_add(x[i][u], y, acc[i][j]);
      }
    }
  };
  const auto whole = [](const T* q) __attribute__((always_inline)) { return P::load(q); };
  int64_t p = 0;
  if constexpr (MR ==
                1) {  // a cache line of a row at a time: rows often lie a power of two apart and share few places of the cache
    for (; p + 2 * P::size <= k; p += 2 * P::size) step(p, whole, Steps<2>{});
  }
  for (; p + P::size <= k; p += P::size) step(p, whole, Steps<1>{});
  if (p < k) {
    const int n = static_cast<int>(k - p);
    step(
        p, [n](const T* q) __attribute__((always_inline)) { return P::load_n(q, n); }, Steps<1>{});
  }
#pragma GCC unroll 4
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < NC; ++j) {
      T* to = c + i * row_step + j * column_step;
      const T sum = reduce_add(acc[i][j]);
      *to = add ? *to + sum : sum;
    }
  }
}

template <class T, int MR>
static void dot_rows(const T* a, int64_t lda, const T* b, int64_t ldb, int64_t n, int64_t k, T* c, int64_t row_step,
                     int64_t column_step, bool add) {
  constexpr int NC = MR == 1 ? 8 : 4;
  int64_t j = 0;
  for (; j + NC <= n; j += NC) dot_block<T, MR, NC>(a, lda, b + j * ldb, ldb, k, c + j * column_step, row_step, column_step, add);
  for (; j < n; ++j) dot_block<T, MR, 1>(a, lda, b + j * ldb, ldb, k, c + j * column_step, row_step, column_step, add);
}

static constexpr int64_t kDotRows = 4;  // most rows of A

template <class T>
static void dot_product(const T* a, int64_t lda, const T* b, int64_t ldb, int64_t m, int64_t n, int64_t k, T* c, int64_t row_step,
                        int64_t column_step, bool add) {
  switch (m) {
    case 1: return dot_rows<T, 1>(a, lda, b, ldb, n, k, c, row_step, column_step, add);
    case 2: return dot_rows<T, 2>(a, lda, b, ldb, n, k, c, row_step, column_step, add);
    case 3: return dot_rows<T, 3>(a, lda, b, ldb, n, k, c, row_step, column_step, add);
    default: return dot_rows<T, 4>(a, lda, b, ldb, n, k, c, row_step, column_step, add);
  }
}

}  // namespace NACRE_ISA
}  // namespace nacre
