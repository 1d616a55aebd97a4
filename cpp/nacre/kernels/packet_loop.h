// Walking an array by packets: full packets by plain loads, one masked packet at the end.
#pragma once

#include "nacre/kernels/scalar_math.h"
#include "nacre/simd/packet.h"

// A lambda that is inlined wherever it is called: packets must not travel through memory.
#define NACRE_PACKET_LAMBDA(...) [&](__VA_ARGS__) __attribute__((always_inline))

namespace nacre::NACRE_ISA {
namespace {

using simd::Packet;

// All lanes by the unmasked load, so that the compiler sees the common case once `n` is known.
template <class T>
NACRE_INLINE Packet<T> load_some(const T* p, int n) {
  return n == Packet<T>::size ? Packet<T>::load(p) : Packet<T>::load_n(p, n);
}
template <class T>
NACRE_INLINE void store_some(T* p, int n, Packet<T> v) {
  if (n == Packet<T>::size)
    v.store(p);
  else
    v.store_n(p, n);
}

// For all packets of n elements: body(i, some).
template <class T, class Body>
NACRE_INLINE void for_packets(int64_t n, const Body& body) {
  constexpr int size = Packet<T>::size;
  int64_t i = 0;
  for (; i + size <= n; i += size) body(i, size);
  if (i < n) body(i, static_cast<int>(n - i));
}

}  // namespace
}  // namespace nacre::NACRE_ISA
