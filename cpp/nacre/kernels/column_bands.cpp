// Folds of bands, see column_bands.h.
#include "nacre/kernels/column_bands.h"

#include <string.h>

namespace nacre::NACRE_ISA {
namespace {

// Bits of v < all in reverse, all a power of two: the order in which folding by halves meets bands.
int64_t reversed(int64_t v, int64_t all) {
  int64_t r = 0;
  for (int64_t bit = 1; bit < all; bit *= 2, v /= 2) r = 2 * r + v % 2;
  return r;
}

template <class T>
void add_to(T* a, const T* b, int64_t n) {
  for_packets<T>(
      n, NACRE_PACKET_LAMBDA(int64_t i, int some) { store_some(a + i, some, load_some(a + i, some) + load_some(b + i, some)); });
}

template <class T>
void sum_all(const ColumnBands<T>& b, int sums, T* acc, AddBand<T> add, const void* f) {
  const int64_t all = kLanes / b.lanes, present = max64(1, ceil_div(min64(b.n, kLanes), b.lanes));
  T* slot = acc;
  for (int64_t g = 0; g < all; ++g) {
    const int64_t lane = reversed(g, all) * b.lanes, bottom = min64(b.n, lane + b.lanes);
    int64_t bit = 1;
    if (g % 2 && lane < b.n && b.n <= kLanes) {  // one row in each lane: added to the other half at once
      add(f, lane, bottom, true, slot - kSumBand<T>);
      bit = 2;
    } else if (lane < present * b.lanes) {
      if (bottom < lane + b.lanes || b.stride != b.rows * b.count) {
        for (int k = 0; k < sums; ++k) memset(slot + k * kSumApart<T>, 0, static_cast<size_t>(b.length) * sizeof(T));
      }
      for (int64_t top = lane; top < b.n; top += kLanes) add(f, top, min64(b.n, top + b.lanes), top > lane, slot);
      slot += kSumBand<T>;
    }
    // Lanes without a row would hold 0; adding it changes nothing, for a sum that began with 0 is never -0.
    for (; g & bit; bit *= 2) {
      if (reversed(g & -bit, all) >= present) continue;
      slot -= kSumBand<T>;
      for (int k = 0; k < sums; ++k) add_to(slot - kSumBand<T> + k * kSumApart<T>, slot + k * kSumApart<T>, b.length);
    }
  }
  for (int k = 0; k < sums; ++k) {  // the stretches of the first band, then the rows of the first stretch
    T* a = acc + k * kSumApart<T>;
    for (int64_t half = b.length / 2; half >= b.stride; half /= 2) add_to(a, a + half, half);
    for (int64_t half = b.rows / 2; half > 0; half /= 2) add_to(a, a + half * b.count, half * b.count);
  }
}

}  // namespace

void sum_bands(const ColumnBands<float>& bands, int sums, float* acc, AddBand<float> add, const void* f) {
  sum_all(bands, sums, acc, add, f);
}
void sum_bands(const ColumnBands<double>& bands, int sums, double* acc, AddBand<double> add, const void* f) {
  sum_all(bands, sums, acc, add, f);
}

}  // namespace nacre::NACRE_ISA
