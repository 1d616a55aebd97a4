// Max and average pooling, channels last. Forward: one output row has one owner, 64 channels are carried through a window together.
// Backward: one (image, 64 channels) has one owner, which zeroes its part of dx and adds the windows in row-major order.
#include "nacre/kernels/pool.h"

#include <type_traits>

#include <string.h>

#include "nacre/base/threads.h"
#include "nacre/kernels/packet_loop.h"
#include "nacre/kernels/scalar_math.h"

namespace nacre::NACRE_ISA {
namespace {

constexpr int64_t kGrain = 16384;
constexpr int kBlock = 64;  // channels

struct Window {
  int64_t row0, row1, column0, column1;  // inside the image
  int64_t counted;                       // divisor of the mean

  [[nodiscard]] bool empty() const { return row0 >= row1 || column0 >= column1; }
};

inline Window window_at(const Pool2dArgs& a, int64_t i, int64_t j) {
  const int64_t top = i * a.sh - a.pad_top, left = j * a.sw - a.pad_left;
  Window w{max64(0, top), min64(a.h, top + a.kh), max64(0, left), min64(a.w, left + a.kw), 0};
  if (a.count_include_pad) {
    w.counted = max64(0, min64(a.h + a.pad_bottom, top + a.kh) - top) * max64(0, min64(a.w + a.pad_right, left + a.kw) - left);
  } else if (!w.empty()) {
    w.counted = (w.row1 - w.row0) * (w.column1 - w.column0);
  }
  return w;
}

template <class T>
inline bool beats(T x, T best) {
  if constexpr (T(0.5) != T(0))
    return x > best || (x != x && best == best);
  else
    return x > best;
}

inline Packet<float> position_bits(int64_t position) {
  return Packet<float>::set1(__builtin_bit_cast(float, static_cast<int32_t>(position)));
}

template <class T, bool kArgmax>
void max_block(const Pool2dArgs& a, const T* image, const Window& w, int channels, T* y, int32_t* argmax) {
  T best[kBlock];
  int32_t where[kBlock];
  const T* first = image + (w.row0 * a.w + w.column0) * a.c;
  for (int c = 0; c < channels; ++c) best[c] = first[c];
  if constexpr (kArgmax) {
    for (int c = 0; c < channels; ++c) where[c] = static_cast<int32_t>(w.row0 * a.w + w.column0);
  }
  for (int64_t row = w.row0; row < w.row1; ++row) {
    for (int64_t column = w.column0; column < w.column1; ++column) {
      const int32_t position = static_cast<int32_t>(row * a.w + column);
      const T* x = image + static_cast<int64_t>(position) * a.c;
      for (int c = 0; c < channels; ++c) {
        const bool wins = beats(x[c], best[c]);
        best[c] = wins ? x[c] : best[c];
        if constexpr (kArgmax) where[c] = wins ? position : where[c];
      }
    }
  }
  for (int c = 0; c < channels; ++c) y[c] = best[c];
  if constexpr (kArgmax) {
    for (int c = 0; c < channels; ++c) argmax[c] = where[c];
  }
}

// The same for float32 by packets, best values and their positions in registers. Positions are carried as bit patterns.
template <bool kArgmax>
void max_packets(const Pool2dArgs& a, const float* image, const Window& w, int channels, float* y, int32_t* argmax) {
  const int64_t first = w.row0 * a.w + w.column0;
  for_packets<float>(
      channels, NACRE_PACKET_LAMBDA(int64_t c, int some) {
        Packet<float> best = load_some(image + first * a.c + c, some), where = position_bits(first);
        for (int64_t row = w.row0; row < w.row1; ++row) {
          const float* x = image + (row * a.w + w.column0) * a.c + c;
          for (int64_t column = w.column0; column < w.column1; ++column, x += a.c) {
            const Packet<float> v = load_some(x, some);
            if constexpr (kArgmax) {
              const simd::Mask<float> wins = gt(v, best) | (isnan(v) & eq(best, best));  // the first NaN stays
              best = select(wins, v, best);
              where = select(wins, position_bits(row * a.w + column), where);
            } else {
              best = select(gt(v, best) | (isnan(v) & eq(best, best)), v, best);
            }
          }
        }
        store_some(y + c, some, best);
        if constexpr (kArgmax) {
          float bits[Packet<float>::size];
          where.store(bits);
          memcpy(argmax + c, bits, static_cast<size_t>(some) * sizeof(int32_t));
        }
      });
}

// body(image number, i, j, window) for every output place, by rows.
template <class Body>
void for_windows(const Pool2dArgs& a, const Body& body) {
  parallel_for(a.n * a.oh, max64(1, kGrain / (a.ow * a.c * a.kh * a.kw + 1)), [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t j = 0; j < a.ow; ++j) body(row / a.oh, row % a.oh, j, window_at(a, row % a.oh, j));
    }
  });
}

template <class T>
void max_pool2d(const Pool2dArgs& a) noexcept {
  const T* x = static_cast<const T*>(a.x);
  T* y = static_cast<T*>(a.y);
  for_windows(a, [&](int64_t image, int64_t i, int64_t j, const Window& w) {
    const int64_t out = ((image * a.oh + i) * a.ow + j) * a.c;
    for (int64_t c = 0; c < a.c; c += kBlock) {
      const int channels = static_cast<int>(min64(kBlock, a.c - c));
      const T* source = x + image * a.h * a.w * a.c + c;
      if (w.empty()) {
        for (int k = 0; k < channels; ++k) {
          y[out + c + k] = T(0);
          if (a.argmax) a.argmax[out + c + k] = -1;
        }
      } else if constexpr (std::is_same_v<T, float>) {
        if (a.argmax)
          max_packets<true>(a, source, w, channels, y + out + c, a.argmax + out + c);
        else
          max_packets<false>(a, source, w, channels, y + out + c, nullptr);
      } else if (a.argmax) {
        max_block<T, true>(a, source, w, channels, y + out + c, a.argmax + out + c);
      } else {
        max_block<T, false>(a, source, w, channels, y + out + c, nullptr);
      }
    }
  });
}

template <class T>
void avg_pool2d(const Pool2dArgs& a) noexcept {
  const T* x = static_cast<const T*>(a.x);
  T* y = static_cast<T*>(a.y);
  for_windows(a, [&](int64_t image, int64_t i, int64_t j, const Window& w) {
    const int64_t out = ((image * a.oh + i) * a.ow + j) * a.c;
    const T scale = static_cast<T>(w.empty() ? 0.0 : 1.0 / static_cast<double>(w.counted));
    for (int64_t c = 0; c < a.c; c += kBlock) {
      const int channels = static_cast<int>(min64(kBlock, a.c - c));
      T sum[kBlock] = {};
      for (int64_t row = w.row0; row < w.row1; ++row) {
        for (int64_t column = w.column0; column < w.column1; ++column) {
          const T* source = x + ((image * a.h + row) * a.w + column) * a.c + c;
          for (int k = 0; k < channels; ++k) sum[k] += source[k];
        }
      }
      for (int k = 0; k < channels; ++k) y[out + c + k] = sum[k] * scale;
    }
  });
}

// body(image number, channel, channels) after that part of dx was zeroed.
template <class T, class Body>
void for_owned(const Pool2dArgs& a, const Body& body) {
  T* dx = static_cast<T*>(a.dx);
  const int64_t blocks = ceil_div(a.c, kBlock);
  parallel_for(a.n * blocks, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t image = item / blocks, c = item % blocks * kBlock;
      const int channels = static_cast<int>(min64(kBlock, a.c - c));
      T* base = dx + image * a.h * a.w * a.c + c;
      if (blocks == 1) {
        memset(static_cast<void*>(base), 0, static_cast<size_t>(a.h * a.w * a.c) * sizeof(T));
      } else {
        for (int64_t p = 0; p < a.h * a.w; ++p)
          memset(static_cast<void*>(base + p * a.c), 0, static_cast<size_t>(channels) * sizeof(T));
      }
      body(image, c, channels);
    }
  });
}

template <class T>
void max_pool2d_grad(const Pool2dArgs& a) noexcept {
  for_owned<T>(a, [&](int64_t image, int64_t c, int channels) {
    T* dx = static_cast<T*>(a.dx) + image * a.h * a.w * a.c + c;
    const int64_t first = image * a.oh * a.ow * a.c + c;
    const T* dy = static_cast<const T*>(a.dy) + first;
    const int32_t* argmax = a.argmax + first;
    for (int64_t p = 0; p < a.oh * a.ow; ++p) {
      for (int k = 0; k < channels; ++k) {
        const int32_t at = argmax[p * a.c + k];
        if (at >= 0) dx[at * a.c + k] += dy[p * a.c + k];
      }
    }
  });
}

template <class T>
void avg_pool2d_grad(const Pool2dArgs& a) noexcept {
  for_owned<T>(a, [&](int64_t image, int64_t c, int channels) {
    T* dx = static_cast<T*>(a.dx) + image * a.h * a.w * a.c + c;
    const T* dy = static_cast<const T*>(a.dy) + image * a.oh * a.ow * a.c + c;
    for (int64_t i = 0; i < a.oh; ++i) {
      for (int64_t j = 0; j < a.ow; ++j, dy += a.c) {
        const Window w = window_at(a, i, j);
        if (w.empty()) continue;
        const T scale = static_cast<T>(1.0 / static_cast<double>(w.counted));
        T share[kBlock];
        for (int k = 0; k < channels; ++k) share[k] = dy[k] * scale;
        for (int64_t row = w.row0; row < w.row1; ++row) {
          for (int64_t column = w.column0; column < w.column1; ++column) {
            T* target = dx + (row * a.w + column) * a.c;
            for (int k = 0; k < channels; ++k) target[k] += share[k];
          }
        }
      }
    }
  });
}

template <class T>
void fill_floats(PoolTable& table) {
  table.max_pool2d[cell<T>()] = max_pool2d<T>;
  table.avg_pool2d[cell<T>()] = avg_pool2d<T>;
  table.max_pool2d_grad[cell<T>()] = max_pool2d_grad<T>;
  table.avg_pool2d_grad[cell<T>()] = avg_pool2d_grad<T>;
}

}  // namespace

void fill_pool(PoolTable& table) {
  table = {};
  fill_floats<float>(table);
  fill_floats<double>(table);
  table.max_pool2d[cell<int32_t>()] = max_pool2d<int32_t>;
  table.max_pool2d[cell<int64_t>()] = max_pool2d<int64_t>;
  table.max_pool2d[cell<uint8_t>()] = max_pool2d<uint8_t>;
  table.max_pool2d[cell<int8_t>()] = max_pool2d<int8_t>;
}

}  // namespace nacre::NACRE_ISA
