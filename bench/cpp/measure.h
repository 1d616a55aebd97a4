// What the benchmark programs share: options, memory, timing, a line per case.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace nacre_bench {

struct Options {
  std::string only;  // part of a case's name; empty: all
  int threads = 1;
  double seconds = 0.1;  // of samples per case
};

// --only TEXT, --threads N, --ms M; prints what is known and ends the program on anything else.
Options read_options(int argc, char** argv);

struct Sample {
  double median = 0, best = 0, worst = 0;  // seconds per call
};

// Warms up, then takes samples of at least 100 us until the time is over.
Sample measure(const std::function<void()>& call, double seconds);

// 64-byte aligned, touched, with numbers in [-1, 1) where floats are asked for.
class Memory {
 public:
  explicit Memory(std::int64_t bytes);
  static Memory floats(std::int64_t n);
  [[nodiscard]] unsigned char* data() const { return data_; }
  [[nodiscard]] float* values() const { return reinterpret_cast<float*>(data_); }

 private:
  std::vector<unsigned char> store_;
  unsigned char* data_;
};

// Flops and bytes per second at the limits of the machine with this number of threads.
double fma_peak(int threads);
double triad_peak(int threads, bool in_cache);

// Prints a line when the case's name contains options.only. amount: flops, or bytes moved, of one call.
enum class Amount : std::uint8_t { none, flops, bytes, cached_bytes };
void report(const Options& options, const std::string& name, Amount kind, double amount, const std::function<void()>& call);

}  // namespace nacre_bench
