// Packing for the micro-kernel. B becomes panels of `packets` packets, [panel][k][packets * lanes], zeros beyond its last column
// (the last panel is as narrow as its columns allow); A strips become [row][k] with a stride that spreads over cache sets, or
// [k][row] when A is given transposed.
#pragma once

#include "nacre/kernels/gemm_tile.h"
#include "nacre/simd/packet_transpose.h"

namespace nacre {
namespace NACRE_ISA {

// Elements that `columns` columns of k rows take when packed.
template <class T>
static NACRE_INLINE int64_t packed_size(int64_t k, int64_t columns) {
  return k * round_up(columns, Packet<T>::size);
}

// Where packed rows go: the panel is `height` rows high and these become rows first, first + 1, ...
struct PackedRows {
  int64_t first, height;
};

// b: element (p, j) at b[p * ldb + j].
template <class T>
static void pack_rows(const T* b, int64_t ldb, int64_t k, int64_t columns, int packets, T* out, PackedRows at) {
  using P = Packet<T>;
  const int64_t width = packets * P::size;
  // Row by row, so that main memory sees long runs; the panels are written side by side.
  for (int64_t p = at.first; p < at.first + k; ++p, b += ldb) {
    T* to = out + p * width;
    int64_t j = 0;
    if (packets == 2) {
      // The hardware follows a row but not the jump to the next ones.
      const int64_t ahead = p + 4 < at.first + k ? 4 * ldb : 0;
      for (; j + width <= columns; j += width, to += at.height * width) {
        __builtin_prefetch(b + ahead + j);
        __builtin_prefetch(b + ahead + j + P::size);
        const P low = P::load(b + j), high = P::load(b + j + P::size);
        low.store(to);
        high.store(to + P::size);
      }
    }
    for (; j + width <= columns; j += width, to += at.height * width) {
      for (int v = 0; v < packets; ++v) P::load(b + j + v * P::size).store(to + v * P::size);
    }
    if (j == columns) continue;
    to = out + j * at.height + p * round_up(columns - j, P::size);
    for (; j < columns; j += P::size, to += P::size) P::load_n(b + j, static_cast<int>(smaller(P::size, columns - j))).store(to);
  }
}

// b: element (p, j) at b[j * ldb + p].
template <class T>
static void pack_columns(const T* b, int64_t ldb, int64_t k, int64_t columns, int packets, T* out, PackedRows at) {
  constexpr int block = simd::kTransposeBlock<T>;
  const int64_t panel = packets * Packet<T>::size;
  for (int64_t j0 = 0; j0 < columns; j0 += panel) {
    const int64_t n = smaller(panel, columns - j0), width = round_up(n, Packet<T>::size);
    const T* from = b + j0 * ldb;
    T* to = out + at.first * width;
    int64_t p = 0;
    for (; p + block <= k; p += block) {
      int64_t j = 0;
      for (; j + block <= n; j += block) simd::transpose_block(from + j * ldb + p, ldb, to + p * width + j, width);
      if (j < width && width % block == 0) {  // the last columns and zeros beside them
        T some[block * block] = {};
        for (int64_t r = 0; r < n - j; ++r) __builtin_memcpy(some + r * block, from + (j + r) * ldb + p, block * sizeof(T));
        simd::transpose_block(some, block, to + p * width + j, width);
        j += block;
      }
      for (; j < width; ++j) {
        for (int i = 0; i < block; ++i) to[(p + i) * width + j] = j < n ? from[j * ldb + p + i] : T(0);
      }
    }
    for (; p < k; ++p) {
      for (int64_t j = 0; j < n; ++j) to[p * width + j] = from[j * ldb + p];
      for (int64_t j = n; j < width; ++j) to[p * width + j] = T(0);
    }
    out += at.height * width;
  }
}

template <class T>
static void pack_b(const T* b, int64_t ldb, bool trans, int64_t k, int64_t columns, int packets, T* out, PackedRows at) {
  if (trans) {
    pack_columns(b, ldb, k, columns, packets, out, at);
  } else {
    pack_rows(b, ldb, k, columns, packets, out, at);
  }
}

// n elements, whole packets at a time where they fit.
template <class T>
static NACRE_INLINE void copy_run(const T* from, T* to, int64_t n) {
  using P = Packet<T>;
  int64_t i = 0;
  for (; i + P::size <= n; i += P::size) P::load(from + i).store(to + i);
  if (i < n) P::load_n(from + i, static_cast<int>(n - i)).store_n(to + i, static_cast<int>(n - i));
}

}  // namespace NACRE_ISA
}  // namespace nacre
