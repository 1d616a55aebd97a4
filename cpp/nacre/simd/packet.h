// Packets: the widest vector of T that the instruction set of this translation unit offers. This file is the contract; the ports are
// packet_{scalar,avx2,avx512,neon}.h and agree lane for lane, bit for bit, in everything but the lane count and the tree of reduce_add.
//
//   Packet<T>, T = float, double: `static constexpr int size`; load, load_n, store, store_n, set1, zero. Pointers need no alignment; the _n
//     forms take any n (clamped to 0..size), touch only n elements, and fill the other lanes with 0.
//   a + b, a - b, a * b, a / b, -a;  fma(a, b, c) = a*b + c and fnma(a, b, c) = c - a*b, each rounded once on every port.
//   min(a, b) = a < b ? a : b and max(a, b) = a > b ? a : b: the SECOND operand when either is NaN or both are zeros.
//   min_nan, max_nan: NaN when either is NaN (NumPy's minimum, maximum).
//   abs, sqrt, floor, ceil, trunc, round_even (half to even), copysign(magnitude, sign);  bit_and, bit_or, bit_xor, bit_andnot(a, b) = a & ~b.
//   eq, ne, lt, le, gt, ge (ne is true and the others false on NaN), isnan -> Mask<T>;  m & n, m | n, m ^ n, ~m, any, all, none,
//     mask_bits (bit i = lane i), Mask<T>::first(n), select(m, a, b) = m ? a : b.
//   reduce_add, reduce_max, reduce_min over the lanes: halves are combined, a fixed tree. reduce_max/min: lanes must not be NaN.
//   Packet<int32_t>: as many lanes as Packet<float>, whose masks it shares: load, store, set1, zero, + - & | ^ ~, shl<k>, shr<k> (zeros come
//     in), sra<k> (the sign comes in), eq, gt, select. to_bits, from_bits reinterpret; round_to_int (half to even; defined for |x| < 2^31),
//     to_float convert. ldexp(x, n) = x * 2^n, n a Packet<float> of whole numbers in [-252, 252], rounded once if x * 2^floor(n/2) is normal.
//   load_strided(p, stride, n), store_strided(p, stride, n, v): gathers and scatters with a stride in elements.
//
// Nothing here includes a template of the standard library (cpp/nacre/kernels/README.md says why).
#pragma once

#include <stdint.h>

// The build names the instruction set of a kernel file; a user's file gets the one that its compiler flags allow.
#if !defined(NACRE_ISA)
#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__FMA__)
#define NACRE_ISA isa_avx512
#define NACRE_ISA_AVX512 1
#elif defined(__AVX2__) && defined(__FMA__)
#define NACRE_ISA isa_avx2
#define NACRE_ISA_AVX2 1
#elif defined(__aarch64__)
#define NACRE_ISA isa_neon
#define NACRE_ISA_NEON 1
#else
#define NACRE_ISA isa_scalar
#define NACRE_ISA_SCALAR 1
#endif
#endif

#if defined(_MSC_VER)
#define NACRE_INLINE __forceinline
#else
#define NACRE_INLINE inline __attribute__((always_inline))
#endif

namespace nacre::simd {
inline namespace NACRE_ISA {

template <class T>
struct Packet;
template <class T>
struct Mask;

// Reads a value as another type of the same size (std::bit_cast would be a template of the standard library).
template <class To, class From>
static NACRE_INLINE To bits_as(From x) {
  static_assert(sizeof(To) == sizeof(From));
  return __builtin_bit_cast(To, x);
}

}  // namespace NACRE_ISA
}  // namespace nacre::simd

#if defined(NACRE_ISA_AVX512)
#include "nacre/simd/packet_avx512.h"
#elif defined(NACRE_ISA_AVX2)
#include "nacre/simd/packet_avx2.h"
#elif defined(NACRE_ISA_NEON)
#include "nacre/simd/packet_neon.h"
#else
#include "nacre/simd/packet_scalar.h"
#endif

// What follows is the same on every port.
namespace nacre::simd {
inline namespace NACRE_ISA {

using PacketF = Packet<float>;
using PacketD = Packet<double>;
using PacketI = Packet<int32_t>;

template <class T>
static NACRE_INLINE Packet<T> min_nan(Packet<T> a, Packet<T> b) {
  return select(isnan(a), a, min(a, b));
}
template <class T>
static NACRE_INLINE Packet<T> max_nan(Packet<T> a, Packet<T> b) {
  return select(isnan(a), a, max(a, b));
}

template <class T>
static NACRE_INLINE Packet<T> load_strided(const T* p, int64_t stride, int n) {
  T lanes[Packet<T>::size] = {};
  for (int i = 0; i < Packet<T>::size && i < n; ++i) lanes[i] = p[i * stride];
  return Packet<T>::load(lanes);
}
template <class T>
static NACRE_INLINE void store_strided(T* p, int64_t stride, int n, Packet<T> v) {
  T lanes[Packet<T>::size];
  v.store(lanes);
  for (int i = 0; i < Packet<T>::size && i < n; ++i) p[i * stride] = lanes[i];
}

}  // namespace NACRE_ISA
}  // namespace nacre::simd
