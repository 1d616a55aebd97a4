// Latency of a parallel_for over empty pieces: the price of a fork and join, hot and after idle gaps of several lengths.
//   nacre_bench_threads [--only TEXT] [--threads N] [--ms M]
#include "nacre/base/threads.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "measure.h"

namespace {

using Clock = std::chrono::steady_clock;

// Seconds of one parallel_for in which every piece spins for `work` seconds, begun after an idle gap.
double after_gap(int threads, double gap, double work) {
  std::vector<double> samples;
  for (int i = 0; i < 30; ++i) {
    std::this_thread::sleep_for(std::chrono::duration<double>(gap));
    const auto begin = Clock::now();
    nacre::parallel_for(threads, 1, [&](std::int64_t, std::int64_t, int) {
      const auto from = Clock::now();
      while (std::chrono::duration<double>(Clock::now() - from).count() < work) {
      }
    });
    samples.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  std::sort(samples.begin(), samples.end());
  return samples[samples.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  using namespace nacre_bench;
  const Options options = read_options(argc, argv);
  nacre::set_num_threads(options.threads);
  std::printf("threads %d; median (best .. worst)\n", options.threads);
  std::atomic<std::int64_t> pieces{0};
  for (const std::int64_t n : {std::int64_t{1}, std::int64_t{options.threads}, std::int64_t{16}, std::int64_t{256}}) {
    report(options, "parallel_for/empty/" + std::to_string(n) + "-pieces", Amount::none, 0, [&] {
      nacre::parallel_for(n, 1, [&](std::int64_t, std::int64_t, int) { pieces.fetch_add(1, std::memory_order_relaxed); });
    });
  }
  // What a call costs over its work when the workers have gone to sleep: 50 us of work per thread.
  for (const double gap : {0.0, 1e-4, 1e-3, 25e-3}) {
    const std::string name = "parallel_for/50us-of-work/after-" + std::to_string(static_cast<int>(gap * 1e6)) + "us";
    if (name.find(options.only) == std::string::npos) continue;
    std::printf("%-52s %11.3f us\n", name.c_str(), after_gap(options.threads, gap, 50e-6) * 1e6);
  }
}
