// Multiply-adds per second of one core with nothing but registers: what the kernels' figures are held against.
#include "nacre/simd/packet.h"

namespace nacre_bench {
namespace NACRE_ISA {

// Runs `steps` rounds of 12 independent chains and returns the flops done; *sink keeps the compiler honest.
double spin_fma(int64_t steps, float* sink) {
  using P = nacre::simd::Packet<float>;
  P acc[12];
#pragma GCC unroll 12
  for (int j = 0; j < 12; ++j) acc[j] = P::set1(float(j));
  const P x = P::set1(0.5f), y = P::set1(*sink);
  for (int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < 12; ++j) {
      if constexpr (P::size == 1) {
        acc[j] = acc[j] * x + y;
      } else {
        acc[j] = fma(acc[j], x, y);
      }
    }
  }
  P sum = acc[0];
#pragma GCC unroll 12
  for (int j = 1; j < 12; ++j) sum = sum + acc[j];
  *sink = reduce_add(sum);
  return double(steps) * 12 * 2 * P::size;
}

}  // namespace NACRE_ISA
}  // namespace nacre_bench
