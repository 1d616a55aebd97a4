// Pieces that attention's forward and backward share: products of blocks on the micro-kernel, masking of a block of scores.
#pragma once

#include "nacre/kernels/attention.h"
#include "nacre/kernels/gemm_pack.h"
#include "nacre/simd/math.h"

namespace nacre {
namespace NACRE_ISA {

constexpr int64_t kKeyBlock = 128;
constexpr int64_t kRowPad = 16;  // score rows are this much longer than a block: they do not fall on the same cache sets

template <class T>
static constexpr T kInfinity = T(__builtin_inf());

template <class T>
static NACRE_INLINE T* at(const AttentionOperand& x, int64_t b, int64_t h, int64_t t) {
  return static_cast<T*>(x.data) + b * x.stride_b + h * x.stride_h + t * x.stride_t;
}

// A packed right-hand side: k rows, `columns` columns.
template <class T>
struct PackedBlock {
  const T* data;
  int64_t k, columns;
  int packets;
};

template <class T>
static NACRE_INLINE PackedBlock<T> pack_block(const T* b, int64_t ldb, bool trans, int64_t k, int64_t columns, int64_t rows_of_a,
                                              T* out) {
  const int packets = choose_packets(rows_of_a, ceil_div(columns, Packet<T>::size));
  if (columns > 0) pack_b(b, ldb, trans, k, columns, packets, out, {0, k});
  return {out, k, columns, packets};
}

// C [rows, b.columns] (+)= A B. A: row i at a + i*a_stride, or with k_major element (i, p) at a[p*a_stride + i].
template <class T>
static void block_product(const T* a, int64_t a_stride, bool k_major, int64_t rows, const PackedBlock<T>& b, T* c, int64_t c_stride,
                          bool add) {
  constexpr int64_t lanes = Packet<T>::size;
  if (b.columns == 0 || rows == 0) return;
  const int64_t panel = b.packets * lanes, strips = ceil_div(rows, tile_rows(b.packets));
  TileJob<T> job;
  job.kc = b.k;
  job.a_stride = a_stride;
  job.c_stride = c_stride;
  job.add = add;
  for (int64_t s = 0; s < strips; ++s) {
    const int64_t i0 = strip_begin(rows, strips, s), count = strip_begin(rows, strips, s + 1) - i0;
    job.a = a + (k_major ? i0 : i0 * a_stride);
    for (int64_t j = 0; j < b.columns; j += panel) {
      const int64_t width = smaller(panel, b.columns - j), packets = ceil_div(width, lanes);
      job.last = static_cast<int>(width - (packets - 1) * lanes);
      job.b = b.data + j * b.k;
      job.b_stride = packets * lanes;
      job.c = c + i0 * c_stride + j;
      find_tile(job.b, k_major, false, count, packets)(job);
    }
  }
}

// Keys that query t may see under `causal`, of all keys.
static NACRE_INLINE int64_t visible_keys(const AttentionArgs& g, int64_t t) {
  if (!g.causal) return g.keys;
  return larger(0, smaller(g.keys, t + g.causal_offset + 1));
}

// First query that may see key t.
static NACRE_INLINE int64_t first_query(const AttentionArgs& g, int64_t key) {
  if (!g.causal) return 0;
  return larger(0, smaller(g.queries, key - g.causal_offset));
}

// Row of scores s[0..n) for keys key0.. of query t: s = s * scale + masks, -inf where masked. Returns the largest (-inf when all
// are).
template <class T>
static T mask_row(const AttentionArgs& g, int64_t b, int64_t h, int64_t t, int64_t key0, int64_t n, T* s) {
  using P = Packet<T>;
  constexpr int lanes = P::size;
  const P scale = P::set1(static_cast<T>(g.scale));
  const int64_t visible = larger(0, smaller(n, visible_keys(g, t) - key0));
  P most = P::set1(-kInfinity<T>);
  int64_t j = 0;
  if (g.bool_mask.data || g.add_mask.data) {
    for (; j + lanes <= visible; j += lanes) (P::load(s + j) * scale).store(s + j);
    if (j < visible) {
      const int rest = static_cast<int>(visible - j);
      (P::load_n(s + j, rest) * scale).store_n(s + j, rest);
    }
    if (const AttentionMask& m = g.add_mask; m.data) {
      const T* from = static_cast<const T*>(m.data) + b * m.stride_b + h * m.stride_h + t * m.stride_q + key0 * m.stride_k;
      for (j = 0; j < visible; ++j) s[j] += from[j * m.stride_k];
    }
    if (const AttentionMask& m = g.bool_mask; m.data) {
      const auto* from = static_cast<const uint8_t*>(m.data) + b * m.stride_b + h * m.stride_h + t * m.stride_q + key0 * m.stride_k;
      for (j = 0; j < visible; ++j) s[j] = from[j * m.stride_k] ? s[j] : -kInfinity<T>;
    }
    for (j = 0; j + lanes <= visible; j += lanes) most = max(P::load(s + j), most);
  } else {
    for (; j + lanes <= visible; j += lanes) {
      const P v = P::load(s + j) * scale;
      v.store(s + j);
      most = max(v, most);
    }
    if (j < visible) {
      const int rest = static_cast<int>(visible - j);
      (P::load_n(s + j, rest) * scale).store_n(s + j, rest);
    }
  }
  for (int64_t i = visible; i < n; ++i) s[i] = -kInfinity<T>;
  T largest = reduce_max(most);
  for (; j < visible; ++j) largest = s[j] > largest ? s[j] : largest;
  return largest;
}

}  // namespace NACRE_ISA
}  // namespace nacre
