// float16 and bfloat16 as storage: single values and packets, to and from float, rounded to nearest with ties to even.
//
// float16: the hardware's conversion where there is one (F16C, AVX-512, AArch64), the same bits without. Denormals are kept, NaN stays NaN.
// From double or int64 there is one rounding, not two: the value first goes to a float rounded to odd, which cannot sit on a tie of the
// narrower format (Boldo and Melquiond, Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd, 2008).
#pragma once

#include "nacre/simd/packet.h"

namespace nacre::simd {
inline namespace NACRE_ISA {

static NACRE_INLINE float half_to_float(uint16_t h) {
  uint32_t sign = uint32_t(h & 0x8000u) << 16, rest = h & 0x7fffu;
  float denormal = float(rest) * 0x1p-24f;  // exact
  uint32_t normal = (rest << 13) + (rest >= 0x7c00u ? 0x70000000u : 0x38000000u);
  if (rest > 0x7c00u) normal |= 0x400000u;  // a signalling NaN comes out quiet, as from hardware
  return bits_as<float>(sign | (rest < 0x400u ? bits_as<uint32_t>(denormal) : normal));
}

static NACRE_INLINE uint16_t float_to_half(float f) {
  uint32_t u = bits_as<uint32_t>(f), sign = (u >> 16) & 0x8000u, a = u & 0x7fffffffu;
  uint32_t nan = 0x7e00u | ((a >> 13) & 0x3ffu);
  // Below 2^-14: adding 0.5 puts the last bit of a denormal half at the last bit of the sum, so the addition rounds.
  uint32_t small = bits_as<uint32_t>(bits_as<float>(a < 0x38800000u ? a : 0u) + 0.5f) - 0x3f000000u;
  uint32_t normal = (a + 0xfffu + ((a >> 13) & 1u) - 0x38000000u) >> 13;
  uint32_t r = a > 0x7f800000u ? nan : a >= 0x477ff000u ? 0x7c00u : a < 0x38800000u ? small : normal;
  return uint16_t(sign | r);
}

static NACRE_INLINE float bfloat16_to_float(uint16_t h) { return bits_as<float>(uint32_t(h) << 16); }
static NACRE_INLINE uint16_t float_to_bfloat16(float f) {
  uint32_t u = bits_as<uint32_t>(f);
  uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16, nan = (u >> 16) | 0x40u;
  return uint16_t((u & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

static NACRE_INLINE float round_to_odd(double d) {
  float f = float(d);
  uint32_t u = bits_as<uint32_t>(f);
  double back = double(f);
  if (back == d || d != d) return f;
  // Rounded away from zero, to infinity included: one step back; then the last bit says that something was cut off.
  if (__builtin_fabs(back) > __builtin_fabs(d)) u -= 1;
  return bits_as<float>(u | 1u);
}
static NACRE_INLINE float round_to_odd(int64_t v) {
  if (v >= -(int64_t(1) << 53) && v <= int64_t(1) << 53) return round_to_odd(double(v));
  int64_t kept = (v >> 11) | int64_t((v & 2047) != 0);
  return round_to_odd(double(kept) * 2048.0);
}

#if defined(NACRE_ISA_AVX512)
static NACRE_INLINE Packet<float> load_half(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
static NACRE_INLINE void store_half(uint16_t* p, Packet<float> x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
#elif defined(NACRE_ISA_AVX2) && defined(__F16C__)
static NACRE_INLINE Packet<float> load_half(const uint16_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
static NACRE_INLINE void store_half(uint16_t* p, Packet<float> x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT));
}
#elif defined(NACRE_ISA_NEON)
static NACRE_INLINE Packet<float> load_half(const uint16_t* p) { return {vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)))}; }
static NACRE_INLINE void store_half(uint16_t* p, Packet<float> x) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(x.v))); }
#else
static NACRE_INLINE Packet<float> load_half(const uint16_t* p) {
  float lanes[Packet<float>::size];
  for (int i = 0; i < Packet<float>::size; ++i) lanes[i] = half_to_float(p[i]);
  return Packet<float>::load(lanes);
}
static NACRE_INLINE void store_half(uint16_t* p, Packet<float> x) {
  float lanes[Packet<float>::size];
  x.store(lanes);
  for (int i = 0; i < Packet<float>::size; ++i) p[i] = float_to_half(lanes[i]);
}
#endif

}  // namespace NACRE_ISA
}  // namespace nacre::simd
