#include "limit_loops.h"

#include "nacre/simd/packet.h"

namespace nacre_bench {
namespace NACRE_ISA {
namespace {

using P = nacre::simd::Packet<float>;
constexpr std::int64_t kLanes = P::size;

double spin_fma(std::int64_t steps, float* sink) {
  P acc[12];
#pragma GCC unroll 12
  for (int j = 0; j < 12; ++j) acc[j] = P::set1(float(j));
  const P x = P::set1(0.5f), y = P::set1(*sink);
  for (std::int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < 12; ++j) {
      if constexpr (kLanes == 1) {
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
  return double(steps) * 12 * 2 * kLanes;
}

// Eight accumulators: one would wait for its own additions.
float read(const float* x, std::int64_t n) {
  P acc[8];
#pragma GCC unroll 8
  for (int j = 0; j < 8; ++j) acc[j] = P::zero();
  for (std::int64_t i = 0; i + 8 * kLanes <= n; i += 8 * kLanes) {
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) acc[j] = acc[j] + P::load(x + i + j * kLanes);
  }
#pragma GCC unroll 8
  for (int j = 1; j < 8; ++j) acc[0] = acc[0] + acc[j];
  return reduce_add(acc[0]);
}

void copy(float* y, const float* x, std::int64_t n) {
  for (std::int64_t i = 0; i + 4 * kLanes <= n; i += 4 * kLanes) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) P::load(x + i + j * kLanes).store(y + i + j * kLanes);
  }
}

void triad(float* y, const float* x, const float* z, std::int64_t n) {
  const P three = P::set1(3);
  for (std::int64_t i = 0; i + 4 * kLanes <= n; i += 4 * kLanes) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const std::int64_t at = i + j * kLanes;
      (P::load(x + at) + P::load(z + at) * three).store(y + at);
    }
  }
}

}  // namespace

extern const LimitLoops loops;
const LimitLoops loops{spin_fma, read, copy, triad};

}  // namespace NACRE_ISA
}  // namespace nacre_bench
