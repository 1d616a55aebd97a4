// AVX-512 F/VL/BW/DQ: 16 floats or 8 doubles, masks in mask registers, tails by masked loads and stores. See packet.h for the contract.
#pragma once

#include <immintrin.h>

namespace nacre::simd {
inline namespace NACRE_ISA {

// The lowest n of `lanes` bits, n clamped to 0..lanes.
static NACRE_INLINE uint32_t low_bits(int n, int lanes) {
  uint32_t full = (1u << lanes) - 1u;
  return n >= lanes ? full : n <= 0 ? 0u : (1u << n) - 1u;
}

template <>
struct Mask<float> {
  __mmask16 v;
  static NACRE_INLINE Mask first(int n) { return {__mmask16(low_bits(n, 16))}; }
};
template <>
struct Mask<double> {
  __mmask8 v;
  static NACRE_INLINE Mask first(int n) { return {__mmask8(low_bits(n, 8))}; }
};

template <>
struct Packet<float> {
  static constexpr int size = 16;
  __m512 v;
  static NACRE_INLINE Packet load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static NACRE_INLINE Packet load_n(const float* p, int n) { return {_mm512_maskz_loadu_ps(__mmask16(low_bits(n, 16)), p)}; }
  NACRE_INLINE void store(float* p) const { _mm512_storeu_ps(p, v); }
  NACRE_INLINE void store_n(float* p, int n) const { _mm512_mask_storeu_ps(p, __mmask16(low_bits(n, 16)), v); }
  static NACRE_INLINE Packet set1(float x) { return {_mm512_set1_ps(x)}; }
  static NACRE_INLINE Packet zero() { return {_mm512_setzero_ps()}; }
};
template <>
struct Packet<double> {
  static constexpr int size = 8;
  __m512d v;
  static NACRE_INLINE Packet load(const double* p) { return {_mm512_loadu_pd(p)}; }
  static NACRE_INLINE Packet load_n(const double* p, int n) { return {_mm512_maskz_loadu_pd(__mmask8(low_bits(n, 8)), p)}; }
  NACRE_INLINE void store(double* p) const { _mm512_storeu_pd(p, v); }
  NACRE_INLINE void store_n(double* p, int n) const { _mm512_mask_storeu_pd(p, __mmask8(low_bits(n, 8)), v); }
  static NACRE_INLINE Packet set1(double x) { return {_mm512_set1_pd(x)}; }
  static NACRE_INLINE Packet zero() { return {_mm512_setzero_pd()}; }
};
template <>
struct Packet<int32_t> {
  static constexpr int size = 16;
  __m512i v;
  static NACRE_INLINE Packet load(const int32_t* p) { return {_mm512_loadu_si512(p)}; }
  static NACRE_INLINE Packet load_n(const int32_t* p, int n) { return {_mm512_maskz_loadu_epi32(__mmask16(low_bits(n, 16)), p)}; }
  NACRE_INLINE void store(int32_t* p) const { _mm512_storeu_si512(p, v); }
  NACRE_INLINE void store_n(int32_t* p, int n) const { _mm512_mask_storeu_epi32(p, __mmask16(low_bits(n, 16)), v); }
  static NACRE_INLINE Packet set1(int32_t x) { return {_mm512_set1_epi32(x)}; }
  static NACRE_INLINE Packet zero() { return {_mm512_setzero_si512()}; }
};

static NACRE_INLINE Packet<float> operator+(Packet<float> a, Packet<float> b) { return {_mm512_add_ps(a.v, b.v)}; }
static NACRE_INLINE Packet<float> operator-(Packet<float> a, Packet<float> b) { return {_mm512_sub_ps(a.v, b.v)}; }
static NACRE_INLINE Packet<float> operator*(Packet<float> a, Packet<float> b) { return {_mm512_mul_ps(a.v, b.v)}; }
static NACRE_INLINE Packet<float> operator/(Packet<float> a, Packet<float> b) { return {_mm512_div_ps(a.v, b.v)}; }
static NACRE_INLINE Packet<double> operator+(Packet<double> a, Packet<double> b) { return {_mm512_add_pd(a.v, b.v)}; }
static NACRE_INLINE Packet<double> operator-(Packet<double> a, Packet<double> b) { return {_mm512_sub_pd(a.v, b.v)}; }
static NACRE_INLINE Packet<double> operator*(Packet<double> a, Packet<double> b) { return {_mm512_mul_pd(a.v, b.v)}; }
static NACRE_INLINE Packet<double> operator/(Packet<double> a, Packet<double> b) { return {_mm512_div_pd(a.v, b.v)}; }

static NACRE_INLINE Packet<float> bit_and(Packet<float> a, Packet<float> b) { return {_mm512_and_ps(a.v, b.v)}; }
static NACRE_INLINE Packet<float> bit_or(Packet<float> a, Packet<float> b) { return {_mm512_or_ps(a.v, b.v)}; }
static NACRE_INLINE Packet<float> bit_xor(Packet<float> a, Packet<float> b) { return {_mm512_xor_ps(a.v, b.v)}; }
static NACRE_INLINE Packet<float> bit_andnot(Packet<float> a, Packet<float> b) { return {_mm512_andnot_ps(b.v, a.v)}; }
static NACRE_INLINE Packet<double> bit_and(Packet<double> a, Packet<double> b) { return {_mm512_and_pd(a.v, b.v)}; }
static NACRE_INLINE Packet<double> bit_or(Packet<double> a, Packet<double> b) { return {_mm512_or_pd(a.v, b.v)}; }
static NACRE_INLINE Packet<double> bit_xor(Packet<double> a, Packet<double> b) { return {_mm512_xor_pd(a.v, b.v)}; }
static NACRE_INLINE Packet<double> bit_andnot(Packet<double> a, Packet<double> b) { return {_mm512_andnot_pd(b.v, a.v)}; }

template <class T>
static NACRE_INLINE Packet<T> operator-(Packet<T> a) {
  return bit_xor(a, Packet<T>::set1(T(-0.0)));
}
template <class T>
static NACRE_INLINE Packet<T> abs(Packet<T> a) {
  return bit_andnot(a, Packet<T>::set1(T(-0.0)));
}
template <class T>
static NACRE_INLINE Packet<T> copysign(Packet<T> a, Packet<T> s) {
  Packet<T> sign = Packet<T>::set1(T(-0.0));
  return bit_or(bit_andnot(a, sign), bit_and(s, sign));
}

static NACRE_INLINE Packet<float> fma(Packet<float> a, Packet<float> b, Packet<float> c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
static NACRE_INLINE Packet<double> fma(Packet<double> a, Packet<double> b, Packet<double> c) {
  return {_mm512_fmadd_pd(a.v, b.v, c.v)};
}
static NACRE_INLINE Packet<float> fnma(Packet<float> a, Packet<float> b, Packet<float> c) {
  return {_mm512_fnmadd_ps(a.v, b.v, c.v)};
}
static NACRE_INLINE Packet<double> fnma(Packet<double> a, Packet<double> b, Packet<double> c) {
  return {_mm512_fnmadd_pd(a.v, b.v, c.v)};
}
static NACRE_INLINE Packet<float> min(Packet<float> a, Packet<float> b) { return {_mm512_min_ps(a.v, b.v)}; }
static NACRE_INLINE Packet<double> min(Packet<double> a, Packet<double> b) { return {_mm512_min_pd(a.v, b.v)}; }
static NACRE_INLINE Packet<float> max(Packet<float> a, Packet<float> b) { return {_mm512_max_ps(a.v, b.v)}; }
static NACRE_INLINE Packet<double> max(Packet<double> a, Packet<double> b) { return {_mm512_max_pd(a.v, b.v)}; }
static NACRE_INLINE Packet<float> sqrt(Packet<float> a) { return {_mm512_sqrt_ps(a.v)}; }
static NACRE_INLINE Packet<double> sqrt(Packet<double> a) { return {_mm512_sqrt_pd(a.v)}; }

constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC, kDown = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
constexpr int kUp = _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC, kToZero = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC;
static NACRE_INLINE Packet<float> floor(Packet<float> a) { return {_mm512_roundscale_ps(a.v, kDown)}; }
static NACRE_INLINE Packet<double> floor(Packet<double> a) { return {_mm512_roundscale_pd(a.v, kDown)}; }
static NACRE_INLINE Packet<float> ceil(Packet<float> a) { return {_mm512_roundscale_ps(a.v, kUp)}; }
static NACRE_INLINE Packet<double> ceil(Packet<double> a) { return {_mm512_roundscale_pd(a.v, kUp)}; }
static NACRE_INLINE Packet<float> trunc(Packet<float> a) { return {_mm512_roundscale_ps(a.v, kToZero)}; }
static NACRE_INLINE Packet<double> trunc(Packet<double> a) { return {_mm512_roundscale_pd(a.v, kToZero)}; }
static NACRE_INLINE Packet<float> round_even(Packet<float> a) { return {_mm512_roundscale_ps(a.v, kNearest)}; }
static NACRE_INLINE Packet<double> round_even(Packet<double> a) { return {_mm512_roundscale_pd(a.v, kNearest)}; }

static NACRE_INLINE Mask<float> eq(Packet<float> a, Packet<float> b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
static NACRE_INLINE Mask<float> ne(Packet<float> a, Packet<float> b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_NEQ_UQ)}; }
static NACRE_INLINE Mask<float> lt(Packet<float> a, Packet<float> b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
static NACRE_INLINE Mask<float> le(Packet<float> a, Packet<float> b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
static NACRE_INLINE Mask<float> gt(Packet<float> a, Packet<float> b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)}; }
static NACRE_INLINE Mask<float> ge(Packet<float> a, Packet<float> b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ)}; }
static NACRE_INLINE Mask<float> isnan(Packet<float> a) { return {_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)}; }
static NACRE_INLINE Mask<double> eq(Packet<double> a, Packet<double> b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_EQ_OQ)}; }
static NACRE_INLINE Mask<double> ne(Packet<double> a, Packet<double> b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_NEQ_UQ)}; }
static NACRE_INLINE Mask<double> lt(Packet<double> a, Packet<double> b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ)}; }
static NACRE_INLINE Mask<double> le(Packet<double> a, Packet<double> b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LE_OQ)}; }
static NACRE_INLINE Mask<double> gt(Packet<double> a, Packet<double> b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_GT_OQ)}; }
static NACRE_INLINE Mask<double> ge(Packet<double> a, Packet<double> b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_GE_OQ)}; }
static NACRE_INLINE Mask<double> isnan(Packet<double> a) { return {_mm512_cmp_pd_mask(a.v, a.v, _CMP_UNORD_Q)}; }

template <class T>
static NACRE_INLINE Mask<T> operator&(Mask<T> a, Mask<T> b) {
  return {decltype(a.v)(a.v & b.v)};
}
template <class T>
static NACRE_INLINE Mask<T> operator|(Mask<T> a, Mask<T> b) {
  return {decltype(a.v)(a.v | b.v)};
}
template <class T>
static NACRE_INLINE Mask<T> operator^(Mask<T> a, Mask<T> b) {
  return {decltype(a.v)(a.v ^ b.v)};
}
template <class T>
static NACRE_INLINE Mask<T> operator~(Mask<T> a) {
  return {decltype(a.v)(~a.v)};
}
template <class T>
static NACRE_INLINE uint32_t mask_bits(Mask<T> a) {
  return a.v;
}
template <class T>
static NACRE_INLINE bool any(Mask<T> a) {
  return a.v != 0;
}
template <class T>
static NACRE_INLINE bool none(Mask<T> a) {
  return a.v == 0;
}
template <class T>
static NACRE_INLINE bool all(Mask<T> a) {
  return a.v == decltype(a.v)(~0u);
}
static NACRE_INLINE Packet<float> select(Mask<float> m, Packet<float> a, Packet<float> b) {
  return {_mm512_mask_blend_ps(m.v, b.v, a.v)};
}
static NACRE_INLINE Packet<double> select(Mask<double> m, Packet<double> a, Packet<double> b) {
  return {_mm512_mask_blend_pd(m.v, b.v, a.v)};
}

// Spelled out: the order inside _mm512_reduce_add_ps is the compiler's choice.
static NACRE_INLINE float reduce_add(Packet<float> a) {
  __m256 x = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  __m128 y = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  y = _mm_add_ps(y, _mm_movehl_ps(y, y));
  return _mm_cvtss_f32(_mm_add_ss(y, _mm_movehdup_ps(y)));
}
static NACRE_INLINE double reduce_add(Packet<double> a) {
  __m256d x = _mm256_add_pd(_mm512_castpd512_pd256(a.v), _mm512_extractf64x4_pd(a.v, 1));
  __m128d y = _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));
  return _mm_cvtsd_f64(_mm_add_sd(y, _mm_unpackhi_pd(y, y)));
}
static NACRE_INLINE float reduce_max(Packet<float> a) { return _mm512_reduce_max_ps(a.v); }
static NACRE_INLINE double reduce_max(Packet<double> a) { return _mm512_reduce_max_pd(a.v); }
static NACRE_INLINE float reduce_min(Packet<float> a) { return _mm512_reduce_min_ps(a.v); }
static NACRE_INLINE double reduce_min(Packet<double> a) { return _mm512_reduce_min_pd(a.v); }

static NACRE_INLINE Packet<int32_t> operator+(Packet<int32_t> a, Packet<int32_t> b) { return {_mm512_add_epi32(a.v, b.v)}; }
static NACRE_INLINE Packet<int32_t> operator-(Packet<int32_t> a, Packet<int32_t> b) { return {_mm512_sub_epi32(a.v, b.v)}; }
static NACRE_INLINE Packet<int32_t> operator&(Packet<int32_t> a, Packet<int32_t> b) { return {_mm512_and_si512(a.v, b.v)}; }
static NACRE_INLINE Packet<int32_t> operator|(Packet<int32_t> a, Packet<int32_t> b) { return {_mm512_or_si512(a.v, b.v)}; }
static NACRE_INLINE Packet<int32_t> operator^(Packet<int32_t> a, Packet<int32_t> b) { return {_mm512_xor_si512(a.v, b.v)}; }
static NACRE_INLINE Packet<int32_t> operator~(Packet<int32_t> a) { return {_mm512_xor_si512(a.v, _mm512_set1_epi32(-1))}; }
static NACRE_INLINE Mask<float> eq(Packet<int32_t> a, Packet<int32_t> b) { return {_mm512_cmpeq_epi32_mask(a.v, b.v)}; }
static NACRE_INLINE Mask<float> gt(Packet<int32_t> a, Packet<int32_t> b) { return {_mm512_cmpgt_epi32_mask(a.v, b.v)}; }
static NACRE_INLINE Packet<int32_t> select(Mask<float> m, Packet<int32_t> a, Packet<int32_t> b) {
  return {_mm512_mask_blend_epi32(m.v, b.v, a.v)};
}
template <int k>
static NACRE_INLINE Packet<int32_t> shl(Packet<int32_t> a) {
  return {_mm512_slli_epi32(a.v, k)};
}
template <int k>
static NACRE_INLINE Packet<int32_t> shr(Packet<int32_t> a) {
  return {_mm512_srli_epi32(a.v, k)};
}
template <int k>
static NACRE_INLINE Packet<int32_t> sra(Packet<int32_t> a) {
  return {_mm512_srai_epi32(a.v, k)};
}
static NACRE_INLINE Packet<int32_t> to_bits(Packet<float> a) { return {_mm512_castps_si512(a.v)}; }
static NACRE_INLINE Packet<float> from_bits(Packet<int32_t> a) { return {_mm512_castsi512_ps(a.v)}; }
static NACRE_INLINE Packet<float> to_float(Packet<int32_t> a) { return {_mm512_cvtepi32_ps(a.v)}; }
static NACRE_INLINE Packet<int32_t> round_to_int(Packet<float> a) { return {_mm512_cvtps_epi32(a.v)}; }
static NACRE_INLINE Packet<float> ldexp(Packet<float> x, Packet<float> n) { return {_mm512_scalef_ps(x.v, n.v)}; }

}  // namespace NACRE_ISA
}  // namespace nacre::simd
