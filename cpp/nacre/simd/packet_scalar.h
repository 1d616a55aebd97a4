// One lane: the port that every machine runs, and the reference that the tests hold the others to. See packet.h for the contract.
#pragma once

namespace nacre::simd {
inline namespace NACRE_ISA {

template <class T>
struct Mask {
  bool v;
  static NACRE_INLINE Mask first(int n) { return {n > 0}; }
};

template <class T>
struct Packet {
  static constexpr int size = 1;
  T v;
  static NACRE_INLINE Packet load(const T* p) { return {*p}; }
  static NACRE_INLINE Packet load_n(const T* p, int n) { return {n > 0 ? *p : T(0)}; }
  NACRE_INLINE void store(T* p) const { *p = v; }
  NACRE_INLINE void store_n(T* p, int n) const {
    if (n > 0) *p = v;
  }
  static NACRE_INLINE Packet set1(T x) { return {x}; }
  static NACRE_INLINE Packet zero() { return {T(0)}; }
};

// Lanes of float and double; int32 has its own below, which goes through unsigned so that overflow wraps.
template <class T>
static NACRE_INLINE Packet<T> operator+(Packet<T> a, Packet<T> b) {
  return {a.v + b.v};
}
template <class T>
static NACRE_INLINE Packet<T> operator-(Packet<T> a, Packet<T> b) {
  return {a.v - b.v};
}
template <class T>
static NACRE_INLINE Packet<T> operator*(Packet<T> a, Packet<T> b) {
  return {a.v * b.v};
}
template <class T>
static NACRE_INLINE Packet<T> operator/(Packet<T> a, Packet<T> b) {
  return {a.v / b.v};
}
template <class T>
static NACRE_INLINE Packet<T> operator-(Packet<T> a) {
  return {-a.v};
}

template <class T>
static NACRE_INLINE Packet<T> min(Packet<T> a, Packet<T> b) {
  return {a.v < b.v ? a.v : b.v};
}
template <class T>
static NACRE_INLINE Packet<T> max(Packet<T> a, Packet<T> b) {
  return {a.v > b.v ? a.v : b.v};
}

template <class T>
static NACRE_INLINE Mask<T> eq(Packet<T> a, Packet<T> b) {
  return {a.v == b.v};
}
template <class T>
static NACRE_INLINE Mask<T> ne(Packet<T> a, Packet<T> b) {
  return {a.v != b.v};
}
template <class T>
static NACRE_INLINE Mask<T> lt(Packet<T> a, Packet<T> b) {
  return {a.v < b.v};
}
template <class T>
static NACRE_INLINE Mask<T> le(Packet<T> a, Packet<T> b) {
  return {a.v <= b.v};
}
template <class T>
static NACRE_INLINE Mask<T> gt(Packet<T> a, Packet<T> b) {
  return {a.v > b.v};
}
template <class T>
static NACRE_INLINE Mask<T> ge(Packet<T> a, Packet<T> b) {
  return {a.v >= b.v};
}
template <class T>
static NACRE_INLINE Mask<T> isnan(Packet<T> a) {
  return {a.v != a.v};
}

template <class T>
static NACRE_INLINE Mask<T> operator&(Mask<T> a, Mask<T> b) {
  return {a.v && b.v};
}
template <class T>
static NACRE_INLINE Mask<T> operator|(Mask<T> a, Mask<T> b) {
  return {a.v || b.v};
}
template <class T>
static NACRE_INLINE Mask<T> operator^(Mask<T> a, Mask<T> b) {
  return {a.v != b.v};
}
template <class T>
static NACRE_INLINE Mask<T> operator~(Mask<T> a) {
  return {!a.v};
}
template <class T>
static NACRE_INLINE bool any(Mask<T> a) {
  return a.v;
}
template <class T>
static NACRE_INLINE bool all(Mask<T> a) {
  return a.v;
}
template <class T>
static NACRE_INLINE bool none(Mask<T> a) {
  return !a.v;
}
template <class T>
static NACRE_INLINE uint32_t mask_bits(Mask<T> a) {
  return a.v ? 1u : 0u;
}
template <class T>
static NACRE_INLINE Packet<T> select(Mask<T> m, Packet<T> a, Packet<T> b) {
  return {m.v ? a.v : b.v};
}

template <class T>
static NACRE_INLINE T reduce_add(Packet<T> a) {
  return a.v;
}
template <class T>
static NACRE_INLINE T reduce_max(Packet<T> a) {
  return a.v;
}
template <class T>
static NACRE_INLINE T reduce_min(Packet<T> a) {
  return a.v;
}

static NACRE_INLINE Packet<float> fma(Packet<float> a, Packet<float> b, Packet<float> c) { return {__builtin_fmaf(a.v, b.v, c.v)}; }
static NACRE_INLINE Packet<double> fma(Packet<double> a, Packet<double> b, Packet<double> c) {
  return {__builtin_fma(a.v, b.v, c.v)};
}
template <class T>
static NACRE_INLINE Packet<T> fnma(Packet<T> a, Packet<T> b, Packet<T> c) {
  return fma(-a, b, c);
}

static NACRE_INLINE Packet<float> abs(Packet<float> a) { return {__builtin_fabsf(a.v)}; }
static NACRE_INLINE Packet<double> abs(Packet<double> a) { return {__builtin_fabs(a.v)}; }
static NACRE_INLINE Packet<float> sqrt(Packet<float> a) { return {__builtin_sqrtf(a.v)}; }
static NACRE_INLINE Packet<double> sqrt(Packet<double> a) { return {__builtin_sqrt(a.v)}; }
static NACRE_INLINE Packet<float> floor(Packet<float> a) { return {__builtin_floorf(a.v)}; }
static NACRE_INLINE Packet<double> floor(Packet<double> a) { return {__builtin_floor(a.v)}; }
static NACRE_INLINE Packet<float> ceil(Packet<float> a) { return {__builtin_ceilf(a.v)}; }
static NACRE_INLINE Packet<double> ceil(Packet<double> a) { return {__builtin_ceil(a.v)}; }
static NACRE_INLINE Packet<float> trunc(Packet<float> a) { return {__builtin_truncf(a.v)}; }
static NACRE_INLINE Packet<double> trunc(Packet<double> a) { return {__builtin_trunc(a.v)}; }
// rint follows the rounding mode, which the library never changes from nearest-even.
static NACRE_INLINE Packet<float> round_even(Packet<float> a) { return {__builtin_rintf(a.v)}; }
static NACRE_INLINE Packet<double> round_even(Packet<double> a) { return {__builtin_rint(a.v)}; }
static NACRE_INLINE Packet<float> copysign(Packet<float> a, Packet<float> s) { return {__builtin_copysignf(a.v, s.v)}; }
static NACRE_INLINE Packet<double> copysign(Packet<double> a, Packet<double> s) { return {__builtin_copysign(a.v, s.v)}; }

template <class T>
struct LaneBits;
template <>
struct LaneBits<float> {
  using type = uint32_t;
};
template <>
struct LaneBits<double> {
  using type = uint64_t;
};
template <class T, class U = typename LaneBits<T>::type>
static NACRE_INLINE Packet<T> bit_and(Packet<T> a, Packet<T> b) {
  return {bits_as<T>(bits_as<U>(a.v) & bits_as<U>(b.v))};
}
template <class T, class U = typename LaneBits<T>::type>
static NACRE_INLINE Packet<T> bit_or(Packet<T> a, Packet<T> b) {
  return {bits_as<T>(bits_as<U>(a.v) | bits_as<U>(b.v))};
}
template <class T, class U = typename LaneBits<T>::type>
static NACRE_INLINE Packet<T> bit_xor(Packet<T> a, Packet<T> b) {
  return {bits_as<T>(bits_as<U>(a.v) ^ bits_as<U>(b.v))};
}
template <class T, class U = typename LaneBits<T>::type>
static NACRE_INLINE Packet<T> bit_andnot(Packet<T> a, Packet<T> b) {
  return {bits_as<T>(bits_as<U>(a.v) & ~bits_as<U>(b.v))};
}

static NACRE_INLINE Packet<int32_t> operator+(Packet<int32_t> a, Packet<int32_t> b) {
  return {int32_t(uint32_t(a.v) + uint32_t(b.v))};
}
static NACRE_INLINE Packet<int32_t> operator-(Packet<int32_t> a, Packet<int32_t> b) {
  return {int32_t(uint32_t(a.v) - uint32_t(b.v))};
}
static NACRE_INLINE Packet<int32_t> operator&(Packet<int32_t> a, Packet<int32_t> b) { return {a.v & b.v}; }
static NACRE_INLINE Packet<int32_t> operator|(Packet<int32_t> a, Packet<int32_t> b) { return {a.v | b.v}; }
static NACRE_INLINE Packet<int32_t> operator^(Packet<int32_t> a, Packet<int32_t> b) { return {a.v ^ b.v}; }
static NACRE_INLINE Packet<int32_t> operator~(Packet<int32_t> a) { return {~a.v}; }
static NACRE_INLINE Mask<float> eq(Packet<int32_t> a, Packet<int32_t> b) { return {a.v == b.v}; }
static NACRE_INLINE Mask<float> gt(Packet<int32_t> a, Packet<int32_t> b) { return {a.v > b.v}; }
static NACRE_INLINE Packet<int32_t> select(Mask<float> m, Packet<int32_t> a, Packet<int32_t> b) { return {m.v ? a.v : b.v}; }
template <int k>
static NACRE_INLINE Packet<int32_t> shl(Packet<int32_t> a) {
  return {int32_t(uint32_t(a.v) << k)};
}
template <int k>
static NACRE_INLINE Packet<int32_t> shr(Packet<int32_t> a) {
  return {int32_t(uint32_t(a.v) >> k)};
}
template <int k>
static NACRE_INLINE Packet<int32_t> sra(Packet<int32_t> a) {
  return {a.v >> k};
}
static NACRE_INLINE Packet<int32_t> to_bits(Packet<float> a) { return {bits_as<int32_t>(a.v)}; }
static NACRE_INLINE Packet<float> from_bits(Packet<int32_t> a) { return {bits_as<float>(a.v)}; }
static NACRE_INLINE Packet<float> to_float(Packet<int32_t> a) { return {float(a.v)}; }
// Out of range (and NaN) gives INT32_MIN, what x86 gives; a plain cast would be undefined.
static NACRE_INLINE Packet<int32_t> round_to_int(Packet<float> a) {
  float r = __builtin_rintf(a.v);
  return {r >= -2147483648.0f && r < 2147483648.0f ? int32_t(r) : INT32_MIN};
}
static NACRE_INLINE Packet<float> ldexp(Packet<float> x, Packet<float> n) {
  Packet<int32_t> i = round_to_int(n), half = sra<1>(i), bias = {127};
  return x * from_bits(shl<23>(half + bias)) * from_bits(shl<23>(i - half + bias));
}

}  // namespace NACRE_ISA
}  // namespace nacre::simd
