// AVX2 + FMA: 8 floats or 4 doubles, masks as full-width lanes, tails by maskload and maskstore. See packet.h for the contract.
#pragma once

#include <immintrin.h>

namespace nacre::simd {
inline namespace NACRE_ISA {

// A window of kLaneMask starting at `8 - n` has its first n lanes set.
alignas(64) static constexpr int32_t kLaneMask[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
static NACRE_INLINE __m256i first_lanes_32(int n) {
  n = n < 0 ? 0 : n > 8 ? 8 : n;
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kLaneMask + 8 - n));
}
static NACRE_INLINE __m256i first_lanes_64(int n) {
  n = n < 0 ? 0 : n > 4 ? 4 : n;
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kLaneMask + 8 - 2 * n));
}

template <>
struct Mask<float> {
  __m256 v;
  static NACRE_INLINE Mask first(int n) { return {_mm256_castsi256_ps(first_lanes_32(n))}; }
};
template <>
struct Mask<double> {
  __m256d v;
  static NACRE_INLINE Mask first(int n) { return {_mm256_castsi256_pd(first_lanes_64(n))}; }
};

template <>
struct Packet<float> {
  static constexpr int size = 8;
  __m256 v;
  static NACRE_INLINE Packet load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static NACRE_INLINE Packet load_n(const float* p, int n) { return {_mm256_maskload_ps(p, first_lanes_32(n))}; }
  NACRE_INLINE void store(float* p) const { _mm256_storeu_ps(p, v); }
  NACRE_INLINE void store_n(float* p, int n) const { _mm256_maskstore_ps(p, first_lanes_32(n), v); }
  static NACRE_INLINE Packet set1(float x) { return {_mm256_set1_ps(x)}; }
  static NACRE_INLINE Packet zero() { return {_mm256_setzero_ps()}; }
};
template <>
struct Packet<double> {
  static constexpr int size = 4;
  __m256d v;
  static NACRE_INLINE Packet load(const double* p) { return {_mm256_loadu_pd(p)}; }
  static NACRE_INLINE Packet load_n(const double* p, int n) { return {_mm256_maskload_pd(p, first_lanes_64(n))}; }
  NACRE_INLINE void store(double* p) const { _mm256_storeu_pd(p, v); }
  NACRE_INLINE void store_n(double* p, int n) const { _mm256_maskstore_pd(p, first_lanes_64(n), v); }
  static NACRE_INLINE Packet set1(double x) { return {_mm256_set1_pd(x)}; }
  static NACRE_INLINE Packet zero() { return {_mm256_setzero_pd()}; }
};
template <>
struct Packet<int32_t> {
  static constexpr int size = 8;
  __m256i v;
  static NACRE_INLINE Packet load(const int32_t* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
  static NACRE_INLINE Packet load_n(const int32_t* p, int n) { return {_mm256_maskload_epi32(p, first_lanes_32(n))}; }
  NACRE_INLINE void store(int32_t* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
  NACRE_INLINE void store_n(int32_t* p, int n) const { _mm256_maskstore_epi32(p, first_lanes_32(n), v); }
  static NACRE_INLINE Packet set1(int32_t x) { return {_mm256_set1_epi32(x)}; }
  static NACRE_INLINE Packet zero() { return {_mm256_setzero_si256()}; }
};

static NACRE_INLINE Packet<float> operator+(Packet<float> a, Packet<float> b) { return {_mm256_add_ps(a.v, b.v)}; }
static NACRE_INLINE Packet<float> operator-(Packet<float> a, Packet<float> b) { return {_mm256_sub_ps(a.v, b.v)}; }
static NACRE_INLINE Packet<float> operator*(Packet<float> a, Packet<float> b) { return {_mm256_mul_ps(a.v, b.v)}; }
static NACRE_INLINE Packet<float> operator/(Packet<float> a, Packet<float> b) { return {_mm256_div_ps(a.v, b.v)}; }
static NACRE_INLINE Packet<double> operator+(Packet<double> a, Packet<double> b) { return {_mm256_add_pd(a.v, b.v)}; }
static NACRE_INLINE Packet<double> operator-(Packet<double> a, Packet<double> b) { return {_mm256_sub_pd(a.v, b.v)}; }
static NACRE_INLINE Packet<double> operator*(Packet<double> a, Packet<double> b) { return {_mm256_mul_pd(a.v, b.v)}; }
static NACRE_INLINE Packet<double> operator/(Packet<double> a, Packet<double> b) { return {_mm256_div_pd(a.v, b.v)}; }

static NACRE_INLINE Packet<float> bit_and(Packet<float> a, Packet<float> b) { return {_mm256_and_ps(a.v, b.v)}; }
static NACRE_INLINE Packet<float> bit_or(Packet<float> a, Packet<float> b) { return {_mm256_or_ps(a.v, b.v)}; }
static NACRE_INLINE Packet<float> bit_xor(Packet<float> a, Packet<float> b) { return {_mm256_xor_ps(a.v, b.v)}; }
static NACRE_INLINE Packet<float> bit_andnot(Packet<float> a, Packet<float> b) { return {_mm256_andnot_ps(b.v, a.v)}; }
static NACRE_INLINE Packet<double> bit_and(Packet<double> a, Packet<double> b) { return {_mm256_and_pd(a.v, b.v)}; }
static NACRE_INLINE Packet<double> bit_or(Packet<double> a, Packet<double> b) { return {_mm256_or_pd(a.v, b.v)}; }
static NACRE_INLINE Packet<double> bit_xor(Packet<double> a, Packet<double> b) { return {_mm256_xor_pd(a.v, b.v)}; }
static NACRE_INLINE Packet<double> bit_andnot(Packet<double> a, Packet<double> b) { return {_mm256_andnot_pd(b.v, a.v)}; }

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
  return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
static NACRE_INLINE Packet<double> fma(Packet<double> a, Packet<double> b, Packet<double> c) {
  return {_mm256_fmadd_pd(a.v, b.v, c.v)};
}
static NACRE_INLINE Packet<float> fnma(Packet<float> a, Packet<float> b, Packet<float> c) {
  return {_mm256_fnmadd_ps(a.v, b.v, c.v)};
}
static NACRE_INLINE Packet<double> fnma(Packet<double> a, Packet<double> b, Packet<double> c) {
  return {_mm256_fnmadd_pd(a.v, b.v, c.v)};
}
static NACRE_INLINE Packet<float> min(Packet<float> a, Packet<float> b) { return {_mm256_min_ps(a.v, b.v)}; }
static NACRE_INLINE Packet<double> min(Packet<double> a, Packet<double> b) { return {_mm256_min_pd(a.v, b.v)}; }
static NACRE_INLINE Packet<float> max(Packet<float> a, Packet<float> b) { return {_mm256_max_ps(a.v, b.v)}; }
static NACRE_INLINE Packet<double> max(Packet<double> a, Packet<double> b) { return {_mm256_max_pd(a.v, b.v)}; }
static NACRE_INLINE Packet<float> sqrt(Packet<float> a) { return {_mm256_sqrt_ps(a.v)}; }
static NACRE_INLINE Packet<double> sqrt(Packet<double> a) { return {_mm256_sqrt_pd(a.v)}; }

constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC, kDown = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
constexpr int kUp = _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC, kToZero = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC;
static NACRE_INLINE Packet<float> floor(Packet<float> a) { return {_mm256_round_ps(a.v, kDown)}; }
static NACRE_INLINE Packet<double> floor(Packet<double> a) { return {_mm256_round_pd(a.v, kDown)}; }
static NACRE_INLINE Packet<float> ceil(Packet<float> a) { return {_mm256_round_ps(a.v, kUp)}; }
static NACRE_INLINE Packet<double> ceil(Packet<double> a) { return {_mm256_round_pd(a.v, kUp)}; }
static NACRE_INLINE Packet<float> trunc(Packet<float> a) { return {_mm256_round_ps(a.v, kToZero)}; }
static NACRE_INLINE Packet<double> trunc(Packet<double> a) { return {_mm256_round_pd(a.v, kToZero)}; }
static NACRE_INLINE Packet<float> round_even(Packet<float> a) { return {_mm256_round_ps(a.v, kNearest)}; }
static NACRE_INLINE Packet<double> round_even(Packet<double> a) { return {_mm256_round_pd(a.v, kNearest)}; }

static NACRE_INLINE Mask<float> eq(Packet<float> a, Packet<float> b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
static NACRE_INLINE Mask<float> ne(Packet<float> a, Packet<float> b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_NEQ_UQ)}; }
static NACRE_INLINE Mask<float> lt(Packet<float> a, Packet<float> b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
static NACRE_INLINE Mask<float> le(Packet<float> a, Packet<float> b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
static NACRE_INLINE Mask<float> gt(Packet<float> a, Packet<float> b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ)}; }
static NACRE_INLINE Mask<float> ge(Packet<float> a, Packet<float> b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GE_OQ)}; }
static NACRE_INLINE Mask<float> isnan(Packet<float> a) { return {_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q)}; }
static NACRE_INLINE Mask<double> eq(Packet<double> a, Packet<double> b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_EQ_OQ)}; }
static NACRE_INLINE Mask<double> ne(Packet<double> a, Packet<double> b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_NEQ_UQ)}; }
static NACRE_INLINE Mask<double> lt(Packet<double> a, Packet<double> b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ)}; }
static NACRE_INLINE Mask<double> le(Packet<double> a, Packet<double> b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LE_OQ)}; }
static NACRE_INLINE Mask<double> gt(Packet<double> a, Packet<double> b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_GT_OQ)}; }
static NACRE_INLINE Mask<double> ge(Packet<double> a, Packet<double> b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_GE_OQ)}; }
static NACRE_INLINE Mask<double> isnan(Packet<double> a) { return {_mm256_cmp_pd(a.v, a.v, _CMP_UNORD_Q)}; }

static NACRE_INLINE Mask<float> operator&(Mask<float> a, Mask<float> b) { return {_mm256_and_ps(a.v, b.v)}; }
static NACRE_INLINE Mask<float> operator|(Mask<float> a, Mask<float> b) { return {_mm256_or_ps(a.v, b.v)}; }
static NACRE_INLINE Mask<float> operator^(Mask<float> a, Mask<float> b) { return {_mm256_xor_ps(a.v, b.v)}; }
static NACRE_INLINE Mask<float> operator~(Mask<float> a) {
  return {_mm256_xor_ps(a.v, _mm256_castsi256_ps(_mm256_set1_epi32(-1)))};
}
static NACRE_INLINE Mask<double> operator&(Mask<double> a, Mask<double> b) { return {_mm256_and_pd(a.v, b.v)}; }
static NACRE_INLINE Mask<double> operator|(Mask<double> a, Mask<double> b) { return {_mm256_or_pd(a.v, b.v)}; }
static NACRE_INLINE Mask<double> operator^(Mask<double> a, Mask<double> b) { return {_mm256_xor_pd(a.v, b.v)}; }
static NACRE_INLINE Mask<double> operator~(Mask<double> a) {
  return {_mm256_xor_pd(a.v, _mm256_castsi256_pd(_mm256_set1_epi32(-1)))};
}
static NACRE_INLINE uint32_t mask_bits(Mask<float> a) { return uint32_t(_mm256_movemask_ps(a.v)); }
static NACRE_INLINE uint32_t mask_bits(Mask<double> a) { return uint32_t(_mm256_movemask_pd(a.v)); }
template <class T>
static NACRE_INLINE bool any(Mask<T> a) {
  return mask_bits(a) != 0;
}
template <class T>
static NACRE_INLINE bool none(Mask<T> a) {
  return mask_bits(a) == 0;
}
template <class T>
static NACRE_INLINE bool all(Mask<T> a) {
  return mask_bits(a) == (1u << Packet<T>::size) - 1u;
}
static NACRE_INLINE Packet<float> select(Mask<float> m, Packet<float> a, Packet<float> b) {
  return {_mm256_blendv_ps(b.v, a.v, m.v)};
}
static NACRE_INLINE Packet<double> select(Mask<double> m, Packet<double> a, Packet<double> b) {
  return {_mm256_blendv_pd(b.v, a.v, m.v)};
}

static NACRE_INLINE float reduce_add(Packet<float> a) {
  __m128 y = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  y = _mm_add_ps(y, _mm_movehl_ps(y, y));
  return _mm_cvtss_f32(_mm_add_ss(y, _mm_movehdup_ps(y)));
}
static NACRE_INLINE double reduce_add(Packet<double> a) {
  __m128d y = _mm_add_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
  return _mm_cvtsd_f64(_mm_add_sd(y, _mm_unpackhi_pd(y, y)));
}
static NACRE_INLINE float reduce_max(Packet<float> a) {
  __m128 y = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  y = _mm_max_ps(y, _mm_movehl_ps(y, y));
  return _mm_cvtss_f32(_mm_max_ss(y, _mm_movehdup_ps(y)));
}
static NACRE_INLINE double reduce_max(Packet<double> a) {
  __m128d y = _mm_max_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
  return _mm_cvtsd_f64(_mm_max_sd(y, _mm_unpackhi_pd(y, y)));
}
static NACRE_INLINE float reduce_min(Packet<float> a) {
  __m128 y = _mm_min_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  y = _mm_min_ps(y, _mm_movehl_ps(y, y));
  return _mm_cvtss_f32(_mm_min_ss(y, _mm_movehdup_ps(y)));
}
static NACRE_INLINE double reduce_min(Packet<double> a) {
  __m128d y = _mm_min_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
  return _mm_cvtsd_f64(_mm_min_sd(y, _mm_unpackhi_pd(y, y)));
}

static NACRE_INLINE Packet<int32_t> operator+(Packet<int32_t> a, Packet<int32_t> b) { return {_mm256_add_epi32(a.v, b.v)}; }
static NACRE_INLINE Packet<int32_t> operator-(Packet<int32_t> a, Packet<int32_t> b) { return {_mm256_sub_epi32(a.v, b.v)}; }
static NACRE_INLINE Packet<int32_t> operator&(Packet<int32_t> a, Packet<int32_t> b) { return {_mm256_and_si256(a.v, b.v)}; }
static NACRE_INLINE Packet<int32_t> operator|(Packet<int32_t> a, Packet<int32_t> b) { return {_mm256_or_si256(a.v, b.v)}; }
static NACRE_INLINE Packet<int32_t> operator^(Packet<int32_t> a, Packet<int32_t> b) { return {_mm256_xor_si256(a.v, b.v)}; }
static NACRE_INLINE Packet<int32_t> operator~(Packet<int32_t> a) { return {_mm256_xor_si256(a.v, _mm256_set1_epi32(-1))}; }
static NACRE_INLINE Mask<float> eq(Packet<int32_t> a, Packet<int32_t> b) {
  return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.v, b.v))};
}
static NACRE_INLINE Mask<float> gt(Packet<int32_t> a, Packet<int32_t> b) {
  return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(a.v, b.v))};
}
static NACRE_INLINE Packet<int32_t> select(Mask<float> m, Packet<int32_t> a, Packet<int32_t> b) {
  return {_mm256_blendv_epi8(b.v, a.v, _mm256_castps_si256(m.v))};
}
template <int k>
static NACRE_INLINE Packet<int32_t> shl(Packet<int32_t> a) {
  return {_mm256_slli_epi32(a.v, k)};
}
template <int k>
static NACRE_INLINE Packet<int32_t> shr(Packet<int32_t> a) {
  return {_mm256_srli_epi32(a.v, k)};
}
template <int k>
static NACRE_INLINE Packet<int32_t> sra(Packet<int32_t> a) {
  return {_mm256_srai_epi32(a.v, k)};
}
static NACRE_INLINE Packet<int32_t> to_bits(Packet<float> a) { return {_mm256_castps_si256(a.v)}; }
static NACRE_INLINE Packet<float> from_bits(Packet<int32_t> a) { return {_mm256_castsi256_ps(a.v)}; }
static NACRE_INLINE Packet<float> to_float(Packet<int32_t> a) { return {_mm256_cvtepi32_ps(a.v)}; }
static NACRE_INLINE Packet<int32_t> round_to_int(Packet<float> a) { return {_mm256_cvtps_epi32(a.v)}; }
static NACRE_INLINE Packet<float> ldexp(Packet<float> x, Packet<float> n) {
  Packet<int32_t> i = round_to_int(n), half = sra<1>(i), bias = Packet<int32_t>::set1(127);
  return x * from_bits(shl<23>(half + bias)) * from_bits(shl<23>(i - half + bias));
}

}  // namespace NACRE_ISA
}  // namespace nacre::simd
