// What forward and backward-data share: one dense correlation per axis pair,
//
//   dst[n, t, u, o] = bias[o] + sum_{a, b, c} src[n, h(t, a), w(u, b), c] weight_ab[c, o],    h(t, a) = origin + t * stride + a *
// dilation,
//
// with zeros where h or w falls outside; taps that only meet zeros are left out (a transposed convolution or a wide padding may have
// a kernel far larger than its source). Backward-data with stride s is s*s such maps (one per residue of the pixel), each of
// stride 1. Also: the copy of a band of source rows with its padding, shared by all conv kernels.
#pragma once

#include "nacre/kernels/conv.h"
#include "nacre/kernels/gemm_pack.h"

namespace nacre {
namespace NACRE_ISA {

struct ConvAxis {
  int64_t count, taps, stride, dilation, origin, size;

  [[nodiscard]] int64_t low(int64_t t) const { return origin + t * stride; }  // first source index of t
  [[nodiscard]] int64_t high(int64_t t) const { return low(t) + (taps > 0 ? (taps - 1) * dilation : 0) + 1; }  // one past its last
  [[nodiscard]] bool inside() const { return count == 0 || (low(0) >= 0 && high(count - 1) <= size); }
  // Taps [begin, end) that meet the source for some output of [t0, t1], t1 >= t0; equal when none does.
  [[nodiscard]] int64_t first_tap(int64_t t1) const { return low(t1) >= 0 ? 0 : smaller(taps, ceil_div(-low(t1), dilation)); }
  [[nodiscard]] int64_t last_tap(int64_t t0, int64_t begin) const {
    return low(t0) >= size ? begin : larger(begin, smaller(taps, (size - 1 - low(t0)) / dilation + 1));
  }
  // Outputs [begin, end) that meet the source through some tap of [a0, a1], a1 >= a0; equal when none does.
  [[nodiscard]] int64_t first_output(int64_t a1) const {
    const int64_t reach = origin + a1 * dilation;
    return reach >= 0 ? 0 : smaller(count, ceil_div(-reach, stride));
  }
  [[nodiscard]] int64_t last_output(int64_t a0, int64_t begin) const {
    const int64_t reach = size - 1 - origin - a0 * dilation;
    return reach < 0 ? begin : larger(begin, smaller(count, reach / stride + 1));
  }
  // Most taps that meet the source at once, and whether leaving the others out is worth a smaller step.
  [[nodiscard]] int64_t busy_taps() const { return smaller(taps, ceil_div(size, dilation)); }
  [[nodiscard]] bool narrow() const { return taps > 2 * ceil_div(size, dilation); }
};

template <class T>
struct ConvMap {
  ConvAxis h, w;
  int64_t batch, groups, src_channels, dst_channels;  // channels of one group
  const T* src;
  int64_t src_image, src_row, src_pixel;  // strides
  T* dst;
  int64_t dst_image, dst_row, dst_pixel;
  // Tap (a, b) of group g: the matrix weight + a*tap_row + b*tap_column + g*tap_group, element (c, o) at c*ldw + o, or o*ldw + c
  // (trans).
  const T* weight;
  int64_t tap_row, tap_column, tap_group, ldw;
  bool trans;
  const T* packed;  // the same as dense_pack or winograd_pack left it, or null
  const T* bias;    // [groups * dst_channels] or null
  bool relu;
  TileHook after;
  int threads;
};

// A rectangle of source pixels, one group's channels, in memory: channel c of pixel (0, 0) at data[c].
template <class T>
struct Band {
  const T* data;
  int64_t row, pixel;  // strides
};

// Rows [h0, h1) and columns [w0, w1) of one image (zeros outside it) copied to `out`, `channels` channels of each pixel.
template <class T>
static Band<T> copy_band(const T* image, int64_t row, int64_t pixel, int64_t height, int64_t width, int64_t h0, int64_t h1,
                         int64_t w0, int64_t w1, int64_t channels, T* out) {
  const int64_t columns = w1 - w0;
  const int64_t left = smaller(columns, larger(0, -w0)), right = smaller(columns - left, larger(0, w1 - width));
  const int64_t inner = columns - left - right;
  T* to = out;
  auto zero = [&to](int64_t n) {
    for (int64_t i = 0; i < n; ++i) to[i] = T(0);
    to += n;
  };
  for (int64_t h = h0; h < h1; ++h) {
    if (h < 0 || h >= height || inner == 0) {
      zero(columns * channels);
      continue;
    }
    zero(left * channels);
    const T* from = image + h * row + (w0 + left) * pixel;
    if (pixel == channels) {
      copy_run(from, to, inner * channels);
      to += inner * channels;
    } else {
      for (int64_t i = 0; i < inner; ++i, from += pixel, to += channels) copy_run(from, to, channels);
    }
    zero(right * channels);
  }
  return {out, columns * channels, channels};
}

constexpr int64_t kBandBytes = 256 * 1024;  // a copied band stays in L2 beside the weights

// Rows of `axis` per piece: whole images while there are enough of them, else bands; bounded by cache and by time.
static inline int64_t band_rows(const ConvAxis& axis, int64_t row_bytes, int64_t row_work, int64_t images, int threads) {
  int64_t rows = larger(1, axis.count);
  const int64_t fit = kBandBytes / larger(1, row_bytes) - smaller(axis.size, (axis.taps - 1) * axis.dilation);
  rows = smaller(rows, larger(1, fit / larger(1, axis.stride)));
  rows = smaller(rows, larger(1, kPieceWork / larger(1, row_work)));
  if (threads > 1 && images < 4 * threads)
    rows = smaller(rows, ceil_div(larger(1, axis.count), ceil_div(4 * threads, larger(1, images))));
  return rows;
}

// Elements of a band of `rows` rows of the map, and of all its columns.
static inline int64_t band_elements(const ConvAxis& h, const ConvAxis& w, int64_t rows, int64_t channels) {
  if (h.count == 0 || w.count == 0) return 0;
  return smaller(h.size, h.high(rows - 1) - h.low(0)) * (w.high(w.count - 1) - w.low(0)) * channels;
}

// The source rows that outputs [t0, t1) meet through taps [a0, a1), [begin, end).
struct BandRows {
  int64_t begin, end;
};
static inline BandRows band_range(const ConvAxis& h, int64_t t0, int64_t t1, int64_t a0, int64_t a1) {
  const int64_t begin = smaller(h.size, larger(0, h.low(t0) + a0 * h.dilation));
  return {begin, larger(begin, smaller(h.size, h.low(t1 - 1) + larger(0, a1 - 1) * h.dilation + 1))};
}

// A number known when compiling, as an argument.
template <int n>
struct Count {
  static constexpr int value = n;
};

// conv_dense.cpp: bytes of scratch, and the run; bytes of packed weights, and the packing.
int64_t dense_scratch(const ConvMap<float>& map) noexcept;
int64_t dense_scratch(const ConvMap<double>& map) noexcept;
void dense_run(const ConvMap<float>& map, void* scratch) noexcept;
void dense_run(const ConvMap<double>& map, void* scratch) noexcept;
int64_t dense_packed_bytes(const ConvMap<float>& map) noexcept;
int64_t dense_packed_bytes(const ConvMap<double>& map) noexcept;
void dense_pack(const ConvMap<float>& map, void* packed) noexcept;
void dense_pack(const ConvMap<double>& map, void* packed) noexcept;
// conv_winograd.cpp: 3x3 maps of stride 1 and one group, in tiles of `tile` x `tile` outputs, 2 or 4.
int64_t winograd_scratch(const ConvMap<float>& map, int tile) noexcept;
int64_t winograd_scratch(const ConvMap<double>& map, int tile) noexcept;
void winograd_run(const ConvMap<float>& map, int tile, void* scratch) noexcept;
void winograd_run(const ConvMap<double>& map, int tile, void* scratch) noexcept;
int64_t winograd_packed_bytes(const ConvMap<float>& map, int tile) noexcept;
int64_t winograd_packed_bytes(const ConvMap<double>& map, int tile) noexcept;
void winograd_pack(const ConvMap<float>& map, int tile, void* packed) noexcept;
void winograd_pack(const ConvMap<double>& map, int tile, void* packed) noexcept;
// conv_depthwise.cpp: maps of one channel in and one out per group, stored as `groups` channels side by side. No scratch.
void depthwise_run(const ConvMap<float>& map) noexcept;
void depthwise_run(const ConvMap<double>& map) noexcept;
// conv_weight.cpp: direct
int64_t conv_backward_weight_scratch(const ConvArgs& g) noexcept;
void conv_backward_weight(const ConvArgs& g, void* scratch) noexcept;
// conv_winograd_weight.cpp: where conv_winograd_fits, and neither dweight nor dy is empty
int64_t winograd_weight_scratch(const ConvArgs& g, int tile) noexcept;
void winograd_weight(const ConvArgs& g, int tile, void* scratch) noexcept;

}  // namespace NACRE_ISA
}  // namespace nacre
