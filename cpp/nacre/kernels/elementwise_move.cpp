// Moving elements by size: strided copies, fills (a zero stride on x), choice by a mask, 2-D transposes.
#include "nacre/kernels/elementwise_loop.h"

namespace nacre::NACRE_ISA {

template <class T>
static void copy_values(int64_t n, const void* x_, int64_t sx, void* y_, int64_t sy) noexcept {
  const T* x = static_cast<const T*>(x_);
  T* y = static_cast<T*>(y_);
  if (sx == 1 && sy == 1) {
    __builtin_memmove(y, x, static_cast<unsigned long>(n) * sizeof(T));
  } else if (sx == 0 && sy == 1) {
    const T v = *x;
    for (int64_t i = 0; i < n; ++i) y[i] = v;
  } else if (sy == 1) {
    for (int64_t i = 0; i < n; ++i) y[i] = x[i * sx];
  } else {
    for (int64_t i = 0; i < n; ++i) y[i * sy] = x[i * sx];
  }
}

// Sides that are a broadcast scalar are read once.
template <class T, bool scalar_a, bool scalar_b>
static NACRE_INLINE void where_unit(int64_t n, const uint8_t* cond, const T* a, const T* b, T* y) {
  const T a0 = *a, b0 = *b;
  for (int64_t i = 0; i < n; ++i) {
    const T u = scalar_a ? a0 : a[i], v = scalar_b ? b0 : b[i];
    y[i] = cond[i] != 0 ? u : v;
  }
}
template <class T>
static void where_values(int64_t n, const void* cond_, int64_t sc, const void* a_, int64_t sa, const void* b_, int64_t sb, void* y_,
                         int64_t sy) noexcept {
  const uint8_t* cond = static_cast<const uint8_t*>(cond_);
  const T *a = static_cast<const T*>(a_), *b = static_cast<const T*>(b_);
  T* y = static_cast<T*>(y_);
  if (n <= 0) return;
  if (sc == 1 && sy == 1 && sa == 1 && sb == 1) return where_unit<T, false, false>(n, cond, a, b, y);
  if (sc == 1 && sy == 1 && sa == 1 && sb == 0) return where_unit<T, false, true>(n, cond, a, b, y);
  if (sc == 1 && sy == 1 && sa == 0 && sb == 1) return where_unit<T, true, false>(n, cond, a, b, y);
  if (sc == 1 && sy == 1 && sa == 0 && sb == 0) return where_unit<T, true, true>(n, cond, a, b, y);
  for (int64_t i = 0; i < n; ++i) y[i * sy] = cond[i * sc] != 0 ? a[i * sa] : b[i * sb];
}

// Square tiles, so that each cache line of either side is used whole while it is near.
template <class T>
static void transpose_values(int64_t rows, int64_t cols, const void* x_, int64_t x_row, void* y_, int64_t y_row) noexcept {
  const T* x = static_cast<const T*>(x_);
  T* y = static_cast<T*>(y_);
  constexpr int64_t tile = 64 / static_cast<int64_t>(sizeof(T)) < 16 ? 16 : 64 / static_cast<int64_t>(sizeof(T));
  for (int64_t c0 = 0; c0 < cols; c0 += tile) {
    const int64_t c1 = c0 + tile < cols ? c0 + tile : cols;
    for (int64_t r0 = 0; r0 < rows; r0 += tile) {
      const int64_t r1 = r0 + tile < rows ? r0 + tile : rows;
      for (int64_t c = c0; c < c1; ++c) {
        for (int64_t r = r0; r < r1; ++r) y[c * y_row + r] = x[r * x_row + c];
      }
    }
  }
}

template <class T>
static void fill_size(ElementwiseTable& t) {
  constexpr int s = size_index(sizeof(T));
  t.copy[s] = copy_values<T>;
  t.where[s] = where_values<T>;
  t.transpose[s] = transpose_values<T>;
}

void fill_move(ElementwiseTable& t) {
  fill_size<uint8_t>(t);
  fill_size<uint16_t>(t);
  fill_size<uint32_t>(t);
  fill_size<uint64_t>(t);
}

}  // namespace nacre::NACRE_ISA
