// What this machine can do: FMA peak of every instruction set, read, copy and triad bandwidth out of L2, L3 and memory, 1 to n threads.
//   nacre_bench_limits [--threads N] [--ms M] [--json]
// Needs nothing of libnacre: bench/run.py compiles it, limit_rate.cpp and limit_loops.cpp by the compiler alone.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "limit_rate.h"

namespace nacre_bench {
namespace {

bool json = false;
bool first_line = true;

void report(const std::string& name, int threads, double value, const char* unit) {
  if (json) {
    std::printf("%s{\"name\": \"%s\", \"threads\": %d, \"value\": %.6g, \"unit\": \"%s\"}", first_line ? "[" : ",\n ", name.c_str(),
                threads, value, unit);
  } else {
    std::printf("%-24s %2d threads %9.1f G%s\n", name.c_str(), threads, value / 1e9, unit);
  }
  first_line = false;
  std::fflush(stdout);
}

void measure(int threads, double ms) {
  for (const LimitIsa& isa : limit_isas()) report(std::string("fma ") + isa.name, threads, fma_rate(isa, threads, ms), "FLOP/s");
  struct Level {
    const char* name;
    std::int64_t bytes;  // of one array of one thread
  };
  // Three arrays each: 96 KiB of triad sit in an L2 of 256 KiB and up, 6 MiB in most L3s, 192 MiB in none.
  for (const Level& level : {Level{"l2", 32 << 10}, Level{"l3", 2 << 20}, Level{"dram", 64 << 20}}) {
    const Bandwidth found = bandwidth(fastest_isa(), threads, ms, level.bytes);
    const std::string suffix = std::string(" ") + level.name;
    report("read" + suffix, threads, found.read, "B/s");
    report("copy" + suffix, threads, found.copy, "B/s");
    report("triad" + suffix, threads, found.triad, "B/s");
  }
}

}  // namespace
}  // namespace nacre_bench

int main(int argc, char** argv) {
  using namespace nacre_bench;
  int threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  bool alone = false;  // --threads N: that number only, not 1 to N
  double ms = 60;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--json") {
      json = true;
    } else if (word == "--threads" && i + 1 < argc) {
      threads = std::max(1, std::atoi(argv[++i])), alone = true;
    } else if (word == "--ms" && i + 1 < argc) {
      ms = std::max(1.0, std::atof(argv[++i]));
    } else {
      std::fprintf(stderr, "nacre_bench_limits: '%s' is unknown or lacks its value. Known: --threads N, --ms M, --json.\n",
                   word.c_str());
      return 2;
    }
  }
  for (int t = alone ? threads : 1; t <= threads; ++t) measure(t, ms);
  if (json) std::printf("]\n");
}
