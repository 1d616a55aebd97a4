// Helpers of the kernel tests: every instruction set of this machine, aligned scratch with a guard behind it, repeatable data.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "nacre/base/cpu_info.h"
#include "nacre/base/threads.h"
#include "nacre/kernels/table.h"

namespace kernel_test {

template <class F>
void for_each_isa(F&& f) {
  for (nacre::Isa isa : {nacre::Isa::scalar, nacre::Isa::avx2, nacre::Isa::avx512, nacre::Isa::neon}) {
    if (nacre::isa_available(isa)) f(nacre::kernels_for(isa));
  }
}

// Scratch of exactly `bytes`, 64-byte aligned, filled with NaN patterns; intact() tells whether the bytes behind it were left alone.
class Scratch {
 public:
  explicit Scratch(std::int64_t bytes) : bytes_(static_cast<std::size_t>(bytes)), store_(bytes_ + 192, 0xff) {
    data_ = store_.data() + (64 - reinterpret_cast<std::uintptr_t>(store_.data()) % 64) % 64;
  }
  [[nodiscard]] void* data() { return data_; }
  [[nodiscard]] bool intact() const {
    for (std::size_t i = 0; i < 64; ++i) {
      if (data_[bytes_ + i] != 0xff) return false;
    }
    return true;
  }

 private:
  std::size_t bytes_;
  std::vector<unsigned char> store_;
  unsigned char* data_;
};

// Uniform in [-1, 1), a multiple of 2^-20: the same on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2654435769u + 88172645463325252u) {}
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  double uniform() { return static_cast<double>(static_cast<std::int64_t>(next() >> 43) - (1 << 20)) / (1 << 20); }
  template <class T>
  std::vector<T> values(std::int64_t n) {
    std::vector<T> v(static_cast<std::size_t>(n));
    for (T& x : v) x = static_cast<T>(uniform());
    return v;
  }

 private:
  std::uint64_t state_;
};

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

}  // namespace kernel_test
