// Loops that do nothing but arithmetic or nothing but memory traffic, one copy per instruction set: what the kernels are held against.
#pragma once

#include <cstdint>

namespace nacre_bench {

struct LimitLoops {
  // Runs `steps` rounds of 12 independent multiply-add chains and returns the flops done; *sink keeps the compiler honest.
  double (*spin_fma)(std::int64_t steps, float* sink);
  float (*read)(const float* x, std::int64_t n);                            // sum: 4 n bytes
  void (*copy)(float* y, const float* x, std::int64_t n);                   // y = x: 8 n bytes
  void (*triad)(float* y, const float* x, const float* z, std::int64_t n);  // y = x + 3 z: 12 n bytes
};

#define NACRE_BENCH_LOOPS(isa)   \
  namespace isa {                \
  extern const LimitLoops loops; \
  }
NACRE_BENCH_LOOPS(isa_scalar)
NACRE_BENCH_LOOPS(isa_avx2)
NACRE_BENCH_LOOPS(isa_avx512)
NACRE_BENCH_LOOPS(isa_neon)
#undef NACRE_BENCH_LOOPS

}  // namespace nacre_bench
