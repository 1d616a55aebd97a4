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

// k rows and `columns` columns for a left-hand side of `rows_of_a` rows, packed into `out` before.
template <class T>
static NACRE_INLINE PackedBlock<T> packed_block(int64_t k, int64_t columns, int64_t rows_of_a, const T* out) {
  return {out, k, columns, choose_packets(rows_of_a, ceil_div(columns, Packet<T>::size))};
}

template <class T>
static NACRE_INLINE PackedBlock<T> pack_block(const T* b, int64_t ldb, bool trans, int64_t k, int64_t columns, int64_t rows_of_a,
                                              T* out) {
  const PackedBlock<T> block = packed_block(k, columns, rows_of_a, out);
  if (columns > 0) pack_b(b, ldb, trans, k, columns, block.packets, out, {0, k});
  return block;
}

// What a strip of rows needs of a product: columns [column0, column1) and steps [step0, step1) of K; the rest is masked.
struct Band {
  int64_t column0, column1, step0, step1;
};

// C [rows, b.columns] (+)= A B. A: row i at a + i*a_stride, or with k_major element (i, p) at a[p*a_stride + i]. band(i, count): of rows i .. i +
// count; what else would be written is left as it was.
template <class T, class Limits>
static NACRE_INLINE void block_product(const T* a, int64_t a_stride, bool k_major, int64_t rows, const PackedBlock<T>& b, T* c,
                                       int64_t c_stride, bool add, const Limits& band) {
  constexpr int64_t lanes = Packet<T>::size;
  if (b.columns == 0 || rows == 0) return;
  const int64_t panel = b.packets * lanes, strips = ceil_div(rows, tile_rows(b.packets));
  TileJob<T> job;
  job.a_stride = a_stride;
  job.c_stride = c_stride;
  job.add = add;
  for (int64_t s = 0; s < strips; ++s) {
    const int64_t i0 = strip_begin(rows, strips, s), count = strip_begin(rows, strips, s + 1) - i0;
    const Band need = band(i0, count);
    job.kc = need.step1 - need.step0;
    if (job.kc <= 0 && add) continue;
    job.a = a + (k_major ? i0 + need.step0 * a_stride : i0 * a_stride + need.step0);
    for (int64_t j = need.column0 / panel * panel; j < need.column1; j += panel) {
      const int64_t width = smaller(panel, b.columns - j), packets = ceil_div(width, lanes);
      job.last = static_cast<int>(width - (packets - 1) * lanes);
      job.b_stride = packets * lanes;
      job.b = b.data + j * b.k + need.step0 * job.b_stride;
      job.c = c + i0 * c_stride + j;
      find_tile(job.b, k_major, false, count, packets)(job);
    }
  }
}

// Rows of `width` elements side by side, `to_stride` apart.
template <class T>
static void copy_rows(const T* from, int64_t stride, int64_t rows, int64_t width, T* to, int64_t to_stride) {
  for (int64_t i = 0; i < rows; ++i) copy_run(from + i * stride, to + i * to_stride, width);
}
template <class T>
static NACRE_INLINE void clear(T* x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] = T(0);
}
template <class T>
static NACRE_INLINE int64_t padded(int64_t width) {
  return round_up(width, Packet<T>::size) + kRowPad;
}

// exp(x) of scores below their maximum, -inf among them: 0 or a number as small where exp(x) would be below 2^-126. As 2^(x log2 e), half the latency of
// simd::exp, which waits for itself here, not for the arithmetic. Its error, up to 1.25 (1 + |x|) ULP of the result (tests/cpp/test_attention.cpp), is
// largest where exp(x) hardly counts. 2^r = 1 + r q(r), |r| <= 1/2: fit 2^-28.9, least squares reweighted to a minimax.
static NACRE_INLINE Packet<float> exp_score(Packet<float> x) {
  using P = Packet<float>;
  const P t = max(P::set1(-127.0F), x * P::set1(1.44269504F)), n = round_even(t), r = t - n, z = r * r;
  const P low = fma(r, P::set1(6.931472029e-01F), P::set1(1.0F));
  const P middle = fma(r, P::set1(5.550332471e-02F), P::set1(2.402264791e-01F));
  const P high = fma(z, P::set1(1.535336117e-04F), fma(r, P::set1(1.339887442e-03F), P::set1(9.618437361e-03F)));
  return from_bits(to_bits(fma(z, fma(z, high, middle), low)) + simd::shl<23>(round_to_int(n)));
}
static NACRE_INLINE Packet<double> exp_score(Packet<double> x) { return simd::exp(x); }

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

// Scores are multiplied by this when their exponential is taken; where something is added to them, add_masks has done it before.
template <class T>
static NACRE_INLINE T late_scale(const AttentionArgs& g) {
  return g.add_mask.data || !(g.scale > 0) ? T(1) : static_cast<T>(g.scale);
}

// n scores s[0..n) that lie `step_q` queries and `step_k` keys apart, from query t and key on: -inf where bool_mask is false, add_mask added.
template <class T>
static void add_masks(const AttentionArgs& g, int64_t b, int64_t h, int64_t t, int64_t key, int64_t step_q, int64_t step_k,
                      int64_t n, T* s) {
  if (g.add_mask.data || !(g.scale > 0)) {
    const T scale = static_cast<T>(g.scale);
    for (int64_t j = 0; j < n; ++j) s[j] *= scale;
  }
  if (const AttentionMask& m = g.add_mask; m.data) {
    const T* from = static_cast<const T*>(m.data) + b * m.stride_b + h * m.stride_h + t * m.stride_q + key * m.stride_k;
    const int64_t step = step_q * m.stride_q + step_k * m.stride_k;
    if (step == 1) {
      for (int64_t j = 0; j < n; ++j) s[j] += from[j];
    } else {
      for (int64_t j = 0; j < n; ++j) s[j] += from[j * step];
    }
  }
  if (const AttentionMask& m = g.bool_mask; m.data) {
    const auto* from = static_cast<const uint8_t*>(m.data) + b * m.stride_b + h * m.stride_h + t * m.stride_q + key * m.stride_k;
    const int64_t step = step_q * m.stride_q + step_k * m.stride_k;
    if (step == 1) {
      for (int64_t j = 0; j < n; ++j) s[j] = from[j] ? s[j] : -kInfinity<T>;
    } else {
      for (int64_t j = 0; j < n; ++j) s[j] = from[j * step] ? s[j] : -kInfinity<T>;
    }
  }
}

}  // namespace NACRE_ISA
}  // namespace nacre
