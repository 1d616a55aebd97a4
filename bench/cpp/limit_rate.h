// The limits of the machine with several threads: used by nacre_bench_limits, and by the other programs for the figure beside theirs.
#pragma once

#include <cstdint>
#include <vector>

#include "limit_loops.h"

namespace nacre_bench {

struct LimitIsa {
  const char* name;
  const LimitLoops* loops;
};

// Those that this processor can run, slowest first.
std::vector<LimitIsa> limit_isas();
inline LimitIsa fastest_isa() { return limit_isas().back(); }

// Best of five rounds of `ms` milliseconds, all threads together.
double fma_rate(const LimitIsa& isa, int threads, double ms);

struct Bandwidth {
  double read = 0, copy = 0, triad = 0;
};
// Every thread has arrays of its own of so many bytes each (three of them).
Bandwidth bandwidth(const LimitIsa& isa, int threads, double ms, std::int64_t bytes);

}  // namespace nacre_bench
