// Random fills by Philox (base/random.h). Element i's value depends on (key, first + i) alone: not on chunks, threads or ISA.
//
// `first` is the position of element 0 in the whole tensor, so that a rank which holds rows [r, s) of a batch draws what one
// process would have drawn for them. Outputs are contiguous. Supported dtypes: float32 and float64 unless said otherwise; null
// elsewhere.
#pragma once

#include <stdint.h>

#include "nacre/base/dtype.h"
#include "nacre/base/random.h"

namespace nacre {

struct RandomFillArgs {
  RandomKey key;
  int64_t first = 0;
  int64_t n = 0;
  void* y = nullptr;
  // uniform: [a, b) (b itself never appears unless a == b). normal, truncated_normal: mean a, standard deviation b (of the parent
  // normal; truncated to mean +- 2 b). bernoulli: y is 1 with probability a.
  double a = 0, b = 1;
};

struct RandintArgs {
  RandomKey key;
  int64_t first = 0;
  int64_t n = 0;
  void* y = nullptr;
  int64_t low = 0, high = 1;  // [low, high), high > low; both fit the dtype (high - 1 does)
};

// y = x / (1 - rate) where the element is kept, else 0 (also where x is NaN). Kept when its 32 random bits are >= rate * 2^32.
// The gradient is the same call on dy. y may be x. 0 <= rate <= 1; rate 1 gives zeros.
struct DropoutArgs {
  RandomKey key;
  int64_t first = 0;
  int64_t n = 0;
  const void* x = nullptr;
  void* y = nullptr;
  double rate = 0;
  bool scale = true;  // false: no division (TOPICS section 8, scale_at="inference")
};

using RandomFillFn = void (*)(const RandomFillArgs&) noexcept;
using RandintFn = void (*)(const RandintArgs&) noexcept;
using DropoutFn = void (*)(const DropoutArgs&) noexcept;

struct RandomTable {
  RandomFillFn uniform[kDTypeCount];
  RandomFillFn normal[kDTypeCount];            // Box-Muller; |z| <= 6.77 for float32 (32-bit words), 8.66 for float64
  RandomFillFn truncated_normal[kDTypeCount];  // inverse of the distribution function
  RandomFillFn bernoulli[kDTypeCount];         // float32, float64, bool, uint8
  RandintFn randint[kDTypeCount];              // all integer dtypes
  DropoutFn dropout[kDTypeCount];
  // y[0..n) = a random order of 0..n-1 (Fisher-Yates, position i exchanged with random_below(random_u64(key, i), i + 1)). One thread.
  void (*permutation)(const RandomKey& key, int64_t n, int64_t* y) noexcept;
};

}  // namespace nacre
