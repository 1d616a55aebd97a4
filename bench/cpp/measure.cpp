#include "measure.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "limit_rate.h"

namespace nacre_bench {

Options read_options(int argc, char** argv) {
  Options found;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool more = i + 1 < argc;
    if (word == "--only" && more) {
      found.only = argv[++i];
    } else if (word == "--threads" && more) {
      found.threads = std::max(1, std::atoi(argv[++i]));
    } else if (word == "--ms" && more) {
      found.seconds = std::max(1e-3, std::atof(argv[++i]) * 1e-3);
    } else {
      std::fprintf(stderr, "%s: '%s' is unknown or lacks its value. Known: --only TEXT, --threads N, --ms M.\n", argv[0],
                   word.c_str());
      std::exit(2);
    }
  }
  return found;
}

Sample measure(const std::function<void()>& call, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto now = [] { return std::chrono::duration<double>(Clock::now().time_since_epoch()).count(); };
  double begin = now();
  int warm = 0;
  while (warm < 2 || now() - begin < 0.2 * seconds) {
    call();
    ++warm;
  }
  const double once = (now() - begin) / warm;
  const auto inner = std::max<std::int64_t>(1, static_cast<std::int64_t>(100e-6 / std::max(once, 1e-9)));
  std::vector<double> samples;
  const double end = now() + seconds;
  while (samples.size() < 5 || now() < end) {
    begin = now();
    for (std::int64_t i = 0; i < inner; ++i) call();
    samples.push_back((now() - begin) / static_cast<double>(inner));
  }
  std::sort(samples.begin(), samples.end());
  return {samples[samples.size() / 2], samples.front(), samples.back()};
}

Memory::Memory(std::int64_t bytes) : store_(static_cast<std::size_t>(bytes) + 64) {
  data_ = store_.data() + (64 - reinterpret_cast<std::uintptr_t>(store_.data()) % 64) % 64;
}

Memory Memory::floats(std::int64_t n) {
  Memory found(n * 4);
  for (std::int64_t i = 0; i < n; ++i) found.values()[i] = static_cast<float>((i * 2654435761u >> 8 & 1023)) / 512.0f - 1.0f;
  return found;
}

double fma_peak(int threads) {
  // Measured beside every case, for the clock moves and the machine may be shared; the highest is the peak.
  static std::map<int, double> known;
  known[threads] = std::max(known[threads], fma_rate(fastest_isa(), threads, 4));
  return known[threads];
}

double triad_peak(int threads, bool in_cache) {
  static std::map<std::pair<int, bool>, double> known;
  const std::pair key{threads, in_cache};
  if (!known.count(key))
    known[key] = bandwidth(fastest_isa(), threads, 20, in_cache ? std::int64_t{32} << 10 : std::int64_t{64} << 20).triad;
  return known[key];
}

void report(const Options& options, const std::string& name, Amount kind, double amount, const std::function<void()>& call) {
  if (name.find(options.only) == std::string::npos) return;
  const Sample s = measure(call, options.seconds);
  std::printf("%-52s %11.3f us (%.3f .. %.3f)", name.c_str(), s.median * 1e6, s.best * 1e6, s.worst * 1e6);
  if (kind == Amount::flops) {
    const double rate = amount / s.median;
    std::printf("  %8.1f GFLOP/s, %5.1f %% of the FMA peak", rate / 1e9, 100 * rate / fma_peak(options.threads));
  } else if (kind != Amount::none) {
    const double rate = amount / s.median;
    const bool cached = kind == Amount::cached_bytes;
    std::printf("  %8.1f GB/s, %5.1f %% of triad in %s", rate / 1e9, 100 * rate / triad_peak(options.threads, cached),
                cached ? "L2" : "memory");
  }
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace nacre_bench
