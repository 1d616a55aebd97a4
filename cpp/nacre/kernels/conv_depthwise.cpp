// Depthwise maps (one channel in, one out per group): packets of channels, a few neighbouring pixels at a time so that a row of inputs is
// loaded once for all taps that meet it. The source is read in place: taps outside it are left out, row by row and, for the pixels
// at the left and right edge, one by one.
#include "nacre/kernels/conv_map.h"

namespace nacre {
namespace NACRE_ISA {
namespace {

constexpr int64_t kGrainWork = 1 << 17;  // multiply-adds of a piece: some ten microseconds

// Taps [h0, h1) x [w0, w1).
struct TapRange {
  int64_t h0, h1, w0, w1;
};

template <class T, bool Tail>
NACRE_INLINE Packet<T> load_lanes(const T* p, int lanes) {
  if constexpr (Tail)
    return Packet<T>::load_n(p, lanes);
  else
    return Packet<T>::load(p);
}

template <class T, int pixels, bool Tail>
NACRE_INLINE void finish_pixels(const ConvMap<T>& m, const Packet<T>* acc, const T* bias, T* dst, int lanes) {
  using P = Packet<T>;
#pragma GCC unroll 6
  for (int i = 0; i < pixels; ++i) {
    P v = acc[i];
    if (bias) v = v + load_lanes<T, Tail>(bias, lanes);
    if (m.relu) v = select(lt(v, P::zero()), P::zero(), v);
    if constexpr (Tail)
      v.store_n(dst + i * m.dst_pixel, lanes);
    else
      v.store(dst + i * m.dst_pixel);
  }
}

// `pixels` neighbouring outputs, one packet of channels, any taps; `a` is at tap (h0, w0) of the first.
template <class T, int pixels, bool Tail>
NACRE_INLINE void run_pixels(const ConvMap<T>& m, const TapRange& taps, const T* a, const T* weight, const T* bias, T* dst,
                             int lanes) {
  using P = Packet<T>;
  P acc[pixels];
#pragma GCC unroll 6
  for (int i = 0; i < pixels; ++i) acc[i] = P::zero();
  for (int64_t p = taps.h0; p < taps.h1; ++p) {
    for (int64_t q = taps.w0; q < taps.w1; ++q) {
      const P w = load_lanes<T, Tail>(weight + p * m.tap_row + q * m.tap_column, lanes);
      const T* from = a + (p - taps.h0) * m.h.dilation * m.src_row + (q - taps.w0) * m.w.dilation * m.src_pixel;
#pragma GCC unroll 6
      for (int i = 0; i < pixels; ++i)
        acc[i] = multiply_add(load_lanes<T, Tail>(from + i * m.w.stride * m.src_pixel, lanes), w, acc[i]);
    }
  }
  finish_pixels<T, pixels, Tail>(m, acc, bias, dst, lanes);
}

// The same for kernel rows of `taps` taps side by side: a row of inputs stays in registers for all of them.
template <class T, int taps, int stride, int pixels, bool Tail>
NACRE_INLINE void run_window(const ConvMap<T>& m, const TapRange& range, const T* a, const T* weight, const T* bias, T* dst,
                             int lanes) {
  using P = Packet<T>;
  constexpr int inputs = (pixels - 1) * stride + taps;
  P acc[pixels];
#pragma GCC unroll 6
  for (int i = 0; i < pixels; ++i) acc[i] = P::zero();
  for (int64_t p = range.h0; p < range.h1; ++p) {
    const T* from = a + (p - range.h0) * m.h.dilation * m.src_row;
    P x[inputs];
#pragma GCC unroll 12
    for (int i = 0; i < inputs; ++i) x[i] = load_lanes<T, Tail>(from + i * m.src_pixel, lanes);
#pragma GCC unroll 5
    for (int q = 0; q < taps; ++q) {
      const P w = load_lanes<T, Tail>(weight + p * m.tap_row + q * m.tap_column, lanes);
#pragma GCC unroll 6
      for (int i = 0; i < pixels; ++i) acc[i] = multiply_add(x[i * stride + q], w, acc[i]);
    }
  }
  finish_pixels<T, pixels, Tail>(m, acc, bias, dst, lanes);
}

// All channels of the outputs that begin at `dst`; `a` is at tap (h0, w0) of the first.
template <class T, int taps, int stride, int pixels>
void run_channels(const ConvMap<T>& m, const TapRange& range, const T* a, T* dst) {
  constexpr int lanes = Packet<T>::size;
  const T *weight = m.weight, *bias = m.bias;
  auto run = [&](auto tail, int64_t c, int n) __attribute__((always_inline)) {
    constexpr bool Tail = decltype(tail)::value != 0;
    if constexpr (taps > 0)
      run_window<T, taps, stride, pixels, Tail>(m, range, a + c, weight + c, bias ? bias + c : nullptr, dst + c, n);
    else
      run_pixels<T, pixels, Tail>(m, range, a + c, weight + c, bias ? bias + c : nullptr, dst + c, n);
  };
  int64_t c = 0;
  for (; c + lanes <= m.groups; c += lanes) run(Count<0>{}, c, lanes);
  if (c < m.groups) run(Count<1>{}, c, static_cast<int>(m.groups - c));
}

// Asks for n elements: they are read some at a time, in an order that the hardware does not foresee.
template <class T>
NACRE_INLINE void fetch(const T* p, int64_t n) {
  for (int64_t i = 0; i < n; i += 64 / int64_t(sizeof(T))) __builtin_prefetch(p + i);
}

// One row of outputs.
template <class T, int taps, int stride, int pixels>
void run_row(const ConvMap<T>& m, const T* image, int64_t t, T* dst) {
  TapRange range{m.h.first_tap(t), 0, 0, m.w.taps};
  range.h1 = m.h.last_tap(t, range.h0);
  const T* row = range.h0 < range.h1 ? image + (m.h.low(t) + range.h0 * m.h.dilation) * m.src_row : image;
  // Outputs [begin, end) have all their taps inside.
  const int64_t reach = m.w.size - m.w.high(0);
  const int64_t begin = m.w.low(0) >= 0 ? 0 : smaller(m.w.count, ceil_div(-m.w.low(0), m.w.stride));
  const int64_t end = reach < 0 ? begin : larger(begin, smaller(m.w.count, reach / m.w.stride + 1));
  auto edge = [&](int64_t u) {
    TapRange part = range;
    part.w0 = m.w.first_tap(u);
    part.w1 = m.w.last_tap(u, part.w0);
    const T* a = part.w0 < part.w1 ? row + (m.w.low(u) + part.w0 * m.w.dilation) * m.src_pixel : row;
    run_channels<T, 0, 0, 1>(m, part, a, dst + u * m.dst_pixel);
  };
  // The row that the next outputs will be the first to read. (Larger strides read memory in long enough runs; there it costs.)
  const T* ahead = m.h.stride == 1 && m.h.high(t) >= 0 && m.h.high(t) < m.h.size ? image + m.h.high(t) * m.src_row : nullptr;
  int64_t u = 0;
  for (; u < begin; ++u) edge(u);
  for (; u + pixels <= end; u += pixels) {
    if (ahead) fetch(ahead + m.w.low(u) * m.src_pixel, pixels * m.src_pixel);
    run_channels<T, taps, stride, pixels>(m, range, row + m.w.low(u) * m.src_pixel, dst + u * m.dst_pixel);
  }
  for (; u < end; ++u) run_channels<T, 0, 0, 1>(m, range, row + m.w.low(u) * m.src_pixel, dst + u * m.dst_pixel);
  for (; u < m.w.count; ++u) edge(u);
}

template <class T>
using RowFn = void (*)(const ConvMap<T>&, const T*, int64_t, T*);

// As many outputs at once as leave registers for their inputs, at least enough chains of fma for two units of four cycles.
template <class T>
RowFn<T> find_row(const ConvMap<T>& m) {
  if (m.w.dilation == 1 && m.w.taps == 3 && m.w.stride == 1) return run_row<T, 3, 1, 6>;
  if (m.w.dilation == 1 && m.w.taps == 3 && m.w.stride == 2) return run_row<T, 3, 2, 4>;
  if (m.w.dilation == 1 && m.w.taps == 5 && m.w.stride == 1) return run_row<T, 5, 1, 4>;
  return run_row<T, 0, 0, 6>;
}

template <class T>
void run(const ConvMap<T>& m) {
  if (m.batch == 0 || m.h.count == 0 || m.w.count == 0) return;
  const RowFn<T> row = find_row(m);
  const int64_t row_work = m.w.count * m.groups * larger(1, m.h.busy_taps() * m.w.busy_taps());
  const int64_t rows = m.batch * m.h.count;
  auto body = [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t n = i / m.h.count, t = i % m.h.count;
      const int64_t at = n * m.dst_image + t * m.dst_row;
      row(m, m.src + n * m.src_image, t, m.dst + at);
      m.after(at, m.dst_row, m.dst + at);
    }
  };
  parallel_for(rows, larger(1, kGrainWork / row_work), body, m.threads);
}

}  // namespace

void depthwise_run(const ConvMap<float>& map) noexcept { run(map); }
void depthwise_run(const ConvMap<double>& map) noexcept { run(map); }

}  // namespace NACRE_ISA
}  // namespace nacre
