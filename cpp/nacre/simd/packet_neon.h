// AArch64 Advanced SIMD: 4 floats or 2 doubles, masks as full-width lanes, tails through the stack. See packet.h for the contract.
#pragma once

#include <arm_neon.h>

namespace nacre::simd {
inline namespace NACRE_ISA {

template <>
struct Mask<float> {
  uint32x4_t v;
  static NACRE_INLINE Mask first(int n) {
    const int32_t lanes[4] = {0, 1, 2, 3};
    return {vcgtq_s32(vdupq_n_s32(n), vld1q_s32(lanes))};
  }
};
template <>
struct Mask<double> {
  uint64x2_t v;
  static NACRE_INLINE Mask first(int n) {
    const int64_t lanes[2] = {0, 1};
    return {vcgtq_s64(vdupq_n_s64(n), vld1q_s64(lanes))};
  }
};

template <>
struct Packet<float> {
  static constexpr int size = 4;
  float32x4_t v;
  static NACRE_INLINE Packet load(const float* p) { return {vld1q_f32(p)}; }
  static NACRE_INLINE Packet load_n(const float* p, int n) {
    float lanes[4] = {};
    for (int i = 0; i < 4 && i < n; ++i) lanes[i] = p[i];
    return {vld1q_f32(lanes)};
  }
  NACRE_INLINE void store(float* p) const { vst1q_f32(p, v); }
  NACRE_INLINE void store_n(float* p, int n) const {
    float lanes[4];
    vst1q_f32(lanes, v);
    for (int i = 0; i < 4 && i < n; ++i) p[i] = lanes[i];
  }
  static NACRE_INLINE Packet set1(float x) { return {vdupq_n_f32(x)}; }
  static NACRE_INLINE Packet zero() { return {vdupq_n_f32(0.0f)}; }
};
template <>
struct Packet<double> {
  static constexpr int size = 2;
  float64x2_t v;
  static NACRE_INLINE Packet load(const double* p) { return {vld1q_f64(p)}; }
  static NACRE_INLINE Packet load_n(const double* p, int n) {
    double lanes[2] = {};
    for (int i = 0; i < 2 && i < n; ++i) lanes[i] = p[i];
    return {vld1q_f64(lanes)};
  }
  NACRE_INLINE void store(double* p) const { vst1q_f64(p, v); }
  NACRE_INLINE void store_n(double* p, int n) const {
    if (n >= 2) {
      vst1q_f64(p, v);
    } else if (n == 1) {
      vst1q_lane_f64(p, v, 0);
    }
  }
  static NACRE_INLINE Packet set1(double x) { return {vdupq_n_f64(x)}; }
  static NACRE_INLINE Packet zero() { return {vdupq_n_f64(0.0)}; }
};
template <>
struct Packet<int32_t> {
  static constexpr int size = 4;
  int32x4_t v;
  static NACRE_INLINE Packet load(const int32_t* p) { return {vld1q_s32(p)}; }
  static NACRE_INLINE Packet load_n(const int32_t* p, int n) {
    int32_t lanes[4] = {};
    for (int i = 0; i < 4 && i < n; ++i) lanes[i] = p[i];
    return {vld1q_s32(lanes)};
  }
  NACRE_INLINE void store(int32_t* p) const { vst1q_s32(p, v); }
  NACRE_INLINE void store_n(int32_t* p, int n) const {
    int32_t lanes[4];
    vst1q_s32(lanes, v);
    for (int i = 0; i < 4 && i < n; ++i) p[i] = lanes[i];
  }
  static NACRE_INLINE Packet set1(int32_t x) { return {vdupq_n_s32(x)}; }
  static NACRE_INLINE Packet zero() { return {vdupq_n_s32(0)}; }
};

static NACRE_INLINE Packet<float> operator+(Packet<float> a, Packet<float> b) { return {vaddq_f32(a.v, b.v)}; }
static NACRE_INLINE Packet<float> operator-(Packet<float> a, Packet<float> b) { return {vsubq_f32(a.v, b.v)}; }
static NACRE_INLINE Packet<float> operator*(Packet<float> a, Packet<float> b) { return {vmulq_f32(a.v, b.v)}; }
static NACRE_INLINE Packet<float> operator/(Packet<float> a, Packet<float> b) { return {vdivq_f32(a.v, b.v)}; }
static NACRE_INLINE Packet<float> operator-(Packet<float> a) { return {vnegq_f32(a.v)}; }
static NACRE_INLINE Packet<double> operator+(Packet<double> a, Packet<double> b) { return {vaddq_f64(a.v, b.v)}; }
static NACRE_INLINE Packet<double> operator-(Packet<double> a, Packet<double> b) { return {vsubq_f64(a.v, b.v)}; }
static NACRE_INLINE Packet<double> operator*(Packet<double> a, Packet<double> b) { return {vmulq_f64(a.v, b.v)}; }
static NACRE_INLINE Packet<double> operator/(Packet<double> a, Packet<double> b) { return {vdivq_f64(a.v, b.v)}; }
static NACRE_INLINE Packet<double> operator-(Packet<double> a) { return {vnegq_f64(a.v)}; }

static NACRE_INLINE uint32x4_t raw(Packet<float> a) { return vreinterpretq_u32_f32(a.v); }
static NACRE_INLINE uint64x2_t raw(Packet<double> a) { return vreinterpretq_u64_f64(a.v); }
static NACRE_INLINE Packet<float> bit_and(Packet<float> a, Packet<float> b) {
  return {vreinterpretq_f32_u32(vandq_u32(raw(a), raw(b)))};
}
static NACRE_INLINE Packet<float> bit_or(Packet<float> a, Packet<float> b) {
  return {vreinterpretq_f32_u32(vorrq_u32(raw(a), raw(b)))};
}
static NACRE_INLINE Packet<float> bit_xor(Packet<float> a, Packet<float> b) {
  return {vreinterpretq_f32_u32(veorq_u32(raw(a), raw(b)))};
}
static NACRE_INLINE Packet<float> bit_andnot(Packet<float> a, Packet<float> b) {
  return {vreinterpretq_f32_u32(vbicq_u32(raw(a), raw(b)))};
}
static NACRE_INLINE Packet<double> bit_and(Packet<double> a, Packet<double> b) {
  return {vreinterpretq_f64_u64(vandq_u64(raw(a), raw(b)))};
}
static NACRE_INLINE Packet<double> bit_or(Packet<double> a, Packet<double> b) {
  return {vreinterpretq_f64_u64(vorrq_u64(raw(a), raw(b)))};
}
static NACRE_INLINE Packet<double> bit_xor(Packet<double> a, Packet<double> b) {
  return {vreinterpretq_f64_u64(veorq_u64(raw(a), raw(b)))};
}
static NACRE_INLINE Packet<double> bit_andnot(Packet<double> a, Packet<double> b) {
  return {vreinterpretq_f64_u64(vbicq_u64(raw(a), raw(b)))};
}

static NACRE_INLINE Packet<float> abs(Packet<float> a) { return {vabsq_f32(a.v)}; }
static NACRE_INLINE Packet<double> abs(Packet<double> a) { return {vabsq_f64(a.v)}; }
template <class T>
static NACRE_INLINE Packet<T> copysign(Packet<T> a, Packet<T> s) {
  Packet<T> sign = Packet<T>::set1(T(-0.0));
  return bit_or(bit_andnot(a, sign), bit_and(s, sign));
}

static NACRE_INLINE Packet<float> fma(Packet<float> a, Packet<float> b, Packet<float> c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
static NACRE_INLINE Packet<double> fma(Packet<double> a, Packet<double> b, Packet<double> c) { return {vfmaq_f64(c.v, a.v, b.v)}; }
static NACRE_INLINE Packet<float> fnma(Packet<float> a, Packet<float> b, Packet<float> c) { return {vfmsq_f32(c.v, a.v, b.v)}; }
static NACRE_INLINE Packet<double> fnma(Packet<double> a, Packet<double> b, Packet<double> c) { return {vfmsq_f64(c.v, a.v, b.v)}; }
static NACRE_INLINE Packet<float> sqrt(Packet<float> a) { return {vsqrtq_f32(a.v)}; }
static NACRE_INLINE Packet<double> sqrt(Packet<double> a) { return {vsqrtq_f64(a.v)}; }
static NACRE_INLINE Packet<float> floor(Packet<float> a) { return {vrndmq_f32(a.v)}; }
static NACRE_INLINE Packet<double> floor(Packet<double> a) { return {vrndmq_f64(a.v)}; }
static NACRE_INLINE Packet<float> ceil(Packet<float> a) { return {vrndpq_f32(a.v)}; }
static NACRE_INLINE Packet<double> ceil(Packet<double> a) { return {vrndpq_f64(a.v)}; }
static NACRE_INLINE Packet<float> trunc(Packet<float> a) { return {vrndq_f32(a.v)}; }
static NACRE_INLINE Packet<double> trunc(Packet<double> a) { return {vrndq_f64(a.v)}; }
static NACRE_INLINE Packet<float> round_even(Packet<float> a) { return {vrndnq_f32(a.v)}; }
static NACRE_INLINE Packet<double> round_even(Packet<double> a) { return {vrndnq_f64(a.v)}; }

static NACRE_INLINE Mask<float> operator&(Mask<float> a, Mask<float> b) { return {vandq_u32(a.v, b.v)}; }
static NACRE_INLINE Mask<float> operator|(Mask<float> a, Mask<float> b) { return {vorrq_u32(a.v, b.v)}; }
static NACRE_INLINE Mask<float> operator^(Mask<float> a, Mask<float> b) { return {veorq_u32(a.v, b.v)}; }
static NACRE_INLINE Mask<float> operator~(Mask<float> a) { return {vmvnq_u32(a.v)}; }
static NACRE_INLINE Mask<double> operator&(Mask<double> a, Mask<double> b) { return {vandq_u64(a.v, b.v)}; }
static NACRE_INLINE Mask<double> operator|(Mask<double> a, Mask<double> b) { return {vorrq_u64(a.v, b.v)}; }
static NACRE_INLINE Mask<double> operator^(Mask<double> a, Mask<double> b) { return {veorq_u64(a.v, b.v)}; }
static NACRE_INLINE Mask<double> operator~(Mask<double> a) { return {veorq_u64(a.v, vdupq_n_u64(~uint64_t(0)))}; }

static NACRE_INLINE Mask<float> eq(Packet<float> a, Packet<float> b) { return {vceqq_f32(a.v, b.v)}; }
static NACRE_INLINE Mask<float> lt(Packet<float> a, Packet<float> b) { return {vcltq_f32(a.v, b.v)}; }
static NACRE_INLINE Mask<float> le(Packet<float> a, Packet<float> b) { return {vcleq_f32(a.v, b.v)}; }
static NACRE_INLINE Mask<float> gt(Packet<float> a, Packet<float> b) { return {vcgtq_f32(a.v, b.v)}; }
static NACRE_INLINE Mask<float> ge(Packet<float> a, Packet<float> b) { return {vcgeq_f32(a.v, b.v)}; }
static NACRE_INLINE Mask<double> eq(Packet<double> a, Packet<double> b) { return {vceqq_f64(a.v, b.v)}; }
static NACRE_INLINE Mask<double> lt(Packet<double> a, Packet<double> b) { return {vcltq_f64(a.v, b.v)}; }
static NACRE_INLINE Mask<double> le(Packet<double> a, Packet<double> b) { return {vcleq_f64(a.v, b.v)}; }
static NACRE_INLINE Mask<double> gt(Packet<double> a, Packet<double> b) { return {vcgtq_f64(a.v, b.v)}; }
static NACRE_INLINE Mask<double> ge(Packet<double> a, Packet<double> b) { return {vcgeq_f64(a.v, b.v)}; }
template <class T>
static NACRE_INLINE Mask<T> ne(Packet<T> a, Packet<T> b) {
  return ~eq(a, b);
}
template <class T>
static NACRE_INLINE Mask<T> isnan(Packet<T> a) {
  return ~eq(a, a);
}

static NACRE_INLINE uint32_t mask_bits(Mask<float> a) {
  const uint32_t weights[4] = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(a.v, vld1q_u32(weights)));
}
static NACRE_INLINE uint32_t mask_bits(Mask<double> a) {
  return uint32_t(vgetq_lane_u64(a.v, 0) & 1) | uint32_t(vgetq_lane_u64(a.v, 1) & 2);
}
static NACRE_INLINE bool any(Mask<float> a) { return vmaxvq_u32(a.v) != 0; }
static NACRE_INLINE bool any(Mask<double> a) { return mask_bits(a) != 0; }
template <class T>
static NACRE_INLINE bool none(Mask<T> a) {
  return !any(a);
}
template <class T>
static NACRE_INLINE bool all(Mask<T> a) {
  return !any(~a);
}
static NACRE_INLINE Packet<float> select(Mask<float> m, Packet<float> a, Packet<float> b) { return {vbslq_f32(m.v, a.v, b.v)}; }
static NACRE_INLINE Packet<double> select(Mask<double> m, Packet<double> a, Packet<double> b) { return {vbslq_f64(m.v, a.v, b.v)}; }

// vminq and vmaxq return NaN when one side is; the contract asks for the second operand.
template <class T>
static NACRE_INLINE Packet<T> min(Packet<T> a, Packet<T> b) {
  return select(lt(a, b), a, b);
}
template <class T>
static NACRE_INLINE Packet<T> max(Packet<T> a, Packet<T> b) {
  return select(gt(a, b), a, b);
}

static NACRE_INLINE float reduce_add(Packet<float> a) {
  float32x2_t y = vadd_f32(vget_low_f32(a.v), vget_high_f32(a.v));
  return vget_lane_f32(y, 0) + vget_lane_f32(y, 1);
}
static NACRE_INLINE double reduce_add(Packet<double> a) { return vgetq_lane_f64(a.v, 0) + vgetq_lane_f64(a.v, 1); }
static NACRE_INLINE float reduce_max(Packet<float> a) { return vmaxvq_f32(a.v); }
static NACRE_INLINE double reduce_max(Packet<double> a) { return vmaxvq_f64(a.v); }
static NACRE_INLINE float reduce_min(Packet<float> a) { return vminvq_f32(a.v); }
static NACRE_INLINE double reduce_min(Packet<double> a) { return vminvq_f64(a.v); }

static NACRE_INLINE Packet<int32_t> operator+(Packet<int32_t> a, Packet<int32_t> b) { return {vaddq_s32(a.v, b.v)}; }
static NACRE_INLINE Packet<int32_t> operator-(Packet<int32_t> a, Packet<int32_t> b) { return {vsubq_s32(a.v, b.v)}; }
static NACRE_INLINE Packet<int32_t> operator&(Packet<int32_t> a, Packet<int32_t> b) { return {vandq_s32(a.v, b.v)}; }
static NACRE_INLINE Packet<int32_t> operator|(Packet<int32_t> a, Packet<int32_t> b) { return {vorrq_s32(a.v, b.v)}; }
static NACRE_INLINE Packet<int32_t> operator^(Packet<int32_t> a, Packet<int32_t> b) { return {veorq_s32(a.v, b.v)}; }
static NACRE_INLINE Packet<int32_t> operator~(Packet<int32_t> a) { return {vmvnq_s32(a.v)}; }
static NACRE_INLINE Mask<float> eq(Packet<int32_t> a, Packet<int32_t> b) { return {vceqq_s32(a.v, b.v)}; }
static NACRE_INLINE Mask<float> gt(Packet<int32_t> a, Packet<int32_t> b) { return {vcgtq_s32(a.v, b.v)}; }
static NACRE_INLINE Packet<int32_t> select(Mask<float> m, Packet<int32_t> a, Packet<int32_t> b) {
  return {vbslq_s32(m.v, a.v, b.v)};
}
template <int k>
static NACRE_INLINE Packet<int32_t> shl(Packet<int32_t> a) {
  return {vshlq_n_s32(a.v, k)};
}
template <int k>
static NACRE_INLINE Packet<int32_t> shr(Packet<int32_t> a) {
  return {vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(a.v), k))};
}
template <int k>
static NACRE_INLINE Packet<int32_t> sra(Packet<int32_t> a) {
  return {vshrq_n_s32(a.v, k)};
}
static NACRE_INLINE Packet<int32_t> to_bits(Packet<float> a) { return {vreinterpretq_s32_f32(a.v)}; }
static NACRE_INLINE Packet<float> from_bits(Packet<int32_t> a) { return {vreinterpretq_f32_s32(a.v)}; }
static NACRE_INLINE Packet<float> to_float(Packet<int32_t> a) { return {vcvtq_f32_s32(a.v)}; }
static NACRE_INLINE Packet<int32_t> round_to_int(Packet<float> a) { return {vcvtnq_s32_f32(a.v)}; }
static NACRE_INLINE Packet<float> ldexp(Packet<float> x, Packet<float> n) {
  Packet<int32_t> i = round_to_int(n), half = sra<1>(i), bias = Packet<int32_t>::set1(127);
  return x * from_bits(shl<23>(half + bias)) * from_bits(shl<23>(i - half + bias));
}

}  // namespace NACRE_ISA
}  // namespace nacre::simd
