#include "limit_rate.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>

namespace nacre_bench {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Every thread repeats work(thread), which returns the flops or bytes it did, until the time is over.
double rate(int threads, double ms, const std::function<double(int)>& work) {
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    std::atomic<int> ready{0};
    std::vector<double> rates(static_cast<std::size_t>(threads));
    const auto run = [&](int thread) {
      work(thread);  // warm
      ready.fetch_add(1);
      while (ready.load() < threads) std::this_thread::yield();
      const double begin = now(), end = begin + ms * 1e-3;
      double done = 0, at = begin;
      while (at < end) done += work(thread), at = now();
      rates[static_cast<std::size_t>(thread)] = done / (at - begin);
    };
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t) others.emplace_back(run, t);
    run(0);
    for (std::thread& t : others) t.join();
    double sum = 0;
    for (const double r : rates) sum += r;
    best = std::max(best, sum);
  }
  return best;
}

}  // namespace

std::vector<LimitIsa> limit_isas() {
  std::vector<LimitIsa> found{{"scalar", &isa_scalar::loops}};
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

double fma_rate(const LimitIsa& isa, int threads, double ms) {
  return rate(threads, ms, [&](int) {
    float sink = 1e-6f;
    const double done = isa.loops->spin_fma(20000, &sink);
    return sink == 1.0f ? 0.0 : done;  // never 1, but the compiler does not know
  });
}

Bandwidth bandwidth(const LimitIsa& isa, int threads, double ms, std::int64_t bytes) {
  const std::int64_t n = bytes / 4;
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
  std::vector<float> sums(static_cast<std::size_t>(threads) * 16);  // a cache line each
  const auto of = [&](int t) -> Arrays& { return arrays[static_cast<std::size_t>(t)]; };
  Bandwidth found;
  found.read = rate(threads, ms, [&](int t) {
    sums[static_cast<std::size_t>(t) * 16] += isa.loops->read(of(t).x.get(), n);
    return 4.0 * static_cast<double>(n);
  });
  found.copy = rate(threads, ms, [&](int t) {
    isa.loops->copy(of(t).y.get(), of(t).x.get(), n);
    return 8.0 * static_cast<double>(n);
  });
  found.triad = rate(threads, ms, [&](int t) {
    isa.loops->triad(of(t).y.get(), of(t).x.get(), of(t).z.get(), n);
    return 12.0 * static_cast<double>(n);
  });
  return found;
}

}  // namespace nacre_bench
