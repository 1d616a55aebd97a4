// What this machine can do: FMA peak of every instruction set, read, copy and triad bandwidth out of L2, L3 and memory, 1 to n threads.
//   nacre_bench_limits [--threads N] [--ms M] [--json]
// Stands alone: bench/run.py compiles it with limit_loops.cpp by the compiler alone, so it must not need libnacre.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "limit_loops.h"

namespace nacre_bench {
namespace {

double ms_per_round = 60;
bool json = false;
bool first_line = true;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct Isa {
  const char* name;
  const LimitLoops* loops;
};

std::vector<Isa> instruction_sets() {
  std::vector<Isa> found{{"scalar", &isa_scalar::loops}};
#if defined(NACRE_HAVE_AVX2)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back({"avx2", &isa_avx2::loops});
#endif
#if defined(NACRE_HAVE_AVX512)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq"))
    found.push_back({"avx512", &isa_avx512::loops});
#endif
#if defined(NACRE_HAVE_NEON)
  found.push_back({"neon", &isa_neon::loops});
#endif
  return found;
}

// Every thread repeats work(thread), which returns the flops or bytes it did, until the time is over. The rate of all of them together.
double rate(int threads, const std::function<double(int)>& work) {
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    std::atomic<int> ready{0};
    std::vector<double> rates(static_cast<std::size_t>(threads));
    auto run = [&](int thread) {
      work(thread);  // warm
      ready.fetch_add(1);
      while (ready.load() < threads) {
      }
      const double begin = now(), end = begin + ms_per_round * 1e-3;
      double done = 0, at = begin;
      while (at < end) done += work(thread), at = now();
      rates[static_cast<std::size_t>(thread)] = done / (at - begin);
    };
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t) others.emplace_back(run, t);
    run(0);
    for (std::thread& t : others) t.join();
    double sum = 0;
    for (double r : rates) sum += r;
    best = std::max(best, sum);
  }
  return best;
}

void report(const std::string& name, int threads, double value, const char* unit) {
  if (json) {
    std::printf("%s{\"name\": \"%s\", \"threads\": %d, \"value\": %.6g, \"unit\": \"%s\"}", first_line ? "[" : ",\n ", name.c_str(), threads,
                value, unit);
  } else {
    std::printf("%-24s %2d threads %9.1f %s\n", name.c_str(), threads, value / 1e9, unit);
  }
  first_line = false;
  std::fflush(stdout);
}

void measure(int threads) {
  const std::vector<Isa> isas = instruction_sets();
  for (const Isa& isa : isas) {
    const double flops = rate(threads, [&](int) {
      float sink = 1e-6f;
      const double done = isa.loops->spin_fma(20000, &sink);
      return sink == 1.0f ? 0.0 : done;  // never 1, but the compiler does not know
    });
    report(std::string("fma ") + isa.name, threads, flops, "GFLOP/s");
  }
  const LimitLoops& best = *isas.back().loops;
  struct Level {
    const char* name;
    std::int64_t bytes;  // of one array of one thread
  };
  // Three arrays each: 96 KiB of triad sit in an L2 of 256 KiB and up, 6 MiB in most L3s, 192 MiB in none.
  for (const Level& level : {Level{"l2", 32 << 10}, Level{"l3", 2 << 20}, Level{"dram", 64 << 20}}) {
    const std::int64_t n = level.bytes / 4;
    struct Arrays {
      std::unique_ptr<float[]> x, y, z;
    };
    std::vector<Arrays> arrays(static_cast<std::size_t>(threads));
    for (Arrays& a : arrays) {
      for (std::unique_ptr<float[]>* p : {&a.x, &a.y, &a.z}) {
        p->reset(new float[static_cast<std::size_t>(n)]);
        std::fill_n(p->get(), n, 1.0f);
      }
    }
    auto of = [&](int t) -> Arrays& { return arrays[static_cast<std::size_t>(t)]; };
    std::vector<float> sums(static_cast<std::size_t>(threads) * 16);
    const std::string suffix = std::string(" ") + level.name;
    report("read" + suffix, threads, rate(threads, [&](int t) {
             sums[static_cast<std::size_t>(t) * 16] += best.read(of(t).x.get(), n);
             return 4.0 * double(n);
           }), "GB/s");
    report("copy" + suffix, threads, rate(threads, [&](int t) {
             best.copy(of(t).y.get(), of(t).x.get(), n);
             return 8.0 * double(n);
           }), "GB/s");
    report("triad" + suffix, threads, rate(threads, [&](int t) {
             best.triad(of(t).y.get(), of(t).x.get(), of(t).z.get(), n);
             return 12.0 * double(n);
           }), "GB/s");
  }
}

}  // namespace
}  // namespace nacre_bench

int main(int argc, char** argv) {
  using namespace nacre_bench;
  int threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  bool alone = false;  // --threads N: that number only, not 1 to N
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--json") {
      json = true;
    } else if (word == "--threads" && i + 1 < argc) {
      threads = std::max(1, std::atoi(argv[++i])), alone = true;
    } else if (word == "--ms" && i + 1 < argc) {
      ms_per_round = std::max(1.0, std::atof(argv[++i]));
    } else {
      std::fprintf(stderr, "nacre_bench_limits: '%s' is unknown. Known: --threads N, --ms M, --json.\n", word.c_str());
      return 2;
    }
  }
  for (int t = alone ? threads : 1; t <= threads; ++t) measure(t);
  if (json) std::printf("]\n");
}
