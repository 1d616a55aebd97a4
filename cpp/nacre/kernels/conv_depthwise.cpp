// Depthwise maps (one channel in, one out per group): packets of channels, a few pixels at a time, taps one after the other.
#include "nacre/kernels/conv_map.h"

namespace nacre {
namespace NACRE_ISA {
namespace {

constexpr int kPixels = 6;  // outputs in flight: enough chains of fma for two units of four cycles

template <class T>
struct Pieces {
  int64_t band, bands, worker_bytes, row_work;
  bool in_place;
};

template <class T>
Pieces<T> make_pieces(const ConvMap<T>& m) {
  Pieces<T> p{};
  p.in_place = m.h.inside() && m.w.inside();
  const int64_t width = m.w.count > 0 ? m.w.high(m.w.count - 1) - m.w.low(0) : 0;
  p.row_work = m.w.count * m.groups * m.h.busy_taps() * m.w.busy_taps();
  p.band = band_rows(m.h, width * m.groups * int64_t(sizeof(T)), p.row_work, m.batch, m.threads);
  p.bands = ceil_div(m.h.count, p.band);
  if (!p.in_place)
    p.worker_bytes = round_up(band_elements(m.h, m.w, smaller(p.band, m.h.count), m.groups) * int64_t(sizeof(T)), 64);
  return p;
}

// Taps [h0, h1) x [w0, w1).
struct TapRange {
  int64_t h0, h1, w0, w1;
};

// `pixels` neighbouring outputs, one packet of channels; `a` is at tap (h0, 0) of the first.
template <class T, int pixels, bool Tail>
NACRE_INLINE void run_pixels(const ConvMap<T>& m, const TapRange& taps, const T* a, int64_t row, int64_t pixel, const T* weight,
                             const T* bias, T* dst, int lanes) {
  using P = Packet<T>;
  auto load = [&](const T* p) __attribute__((always_inline)) {
    if constexpr (Tail)
      return P::load_n(p, lanes);
    else
      return P::load(p);
  };
  P acc[pixels];
#pragma GCC unroll 6
  for (int i = 0; i < pixels; ++i) acc[i] = P::zero();
  for (int64_t p = taps.h0; p < taps.h1; ++p) {
    for (int64_t q = taps.w0; q < taps.w1; ++q) {
      const P w = load(weight + p * m.tap_row + q * m.tap_column);
      const T* from = a + (p - taps.h0) * m.h.dilation * row + q * m.w.dilation * pixel;
#pragma GCC unroll 6
      for (int i = 0; i < pixels; ++i) acc[i] = multiply_add(load(from + i * m.w.stride * pixel), w, acc[i]);
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < pixels; ++i) {
    P v = acc[i];
    if (bias) v = v + load(bias);
    if (m.relu) v = select(lt(v, P::zero()), P::zero(), v);
    if constexpr (Tail)
      v.store_n(dst + i * m.dst_pixel, lanes);
    else
      v.store(dst + i * m.dst_pixel);
  }
}

template <class T, bool Tail>
void run_row(const ConvMap<T>& m, TapRange taps, const T* a, int64_t row, int64_t pixel, int64_t c, T* dst) {
  const int lanes = static_cast<int>(m.groups - c);
  const T* bias = m.bias ? m.bias + c : nullptr;
  const bool narrow = m.w.narrow();
  int64_t u = 0;
  auto run = [&](auto count) __attribute__((always_inline)) {
    constexpr int pixels = decltype(count)::value;
    if (narrow) {
      taps.w0 = m.w.first_tap(u + pixels - 1);
      taps.w1 = m.w.last_tap(u, taps.w0);
    }
    run_pixels<T, pixels, Tail>(m, taps, a + u * m.w.stride * pixel, row, pixel, m.weight + c, bias, dst + u * m.dst_pixel, lanes);
    u += pixels;
  };
  while (u + kPixels <= m.w.count) run(Count<kPixels>{});
  while (u < m.w.count) run(Count<1>{});
}

template <class T>
void run(const ConvMap<T>& m, void* scratch) {
  if (m.batch == 0 || m.h.count == 0 || m.w.count == 0) return;
  const Pieces<T> pieces = make_pieces(m);
  const int64_t units = m.batch * pieces.bands;
  const bool small = double(pieces.row_work) * double(m.h.count) * double(m.batch) < double(kForkWork) / 8;
  auto body = [&](int64_t begin, int64_t end, int worker) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t t0 = unit % pieces.bands * pieces.band, n = unit / pieces.bands, t1 = smaller(m.h.count, t0 + pieces.band);
      const T* image = m.src + n * m.src_image;
      const BandRows range = band_range(m.h, t0, t1, 0, m.h.taps);
      Band<T> band{image, m.src_row, m.src_pixel};
      if (pieces.in_place) {
        band.data += range.begin * m.src_row + m.w.low(0) * m.src_pixel;
      } else {
        band = copy_band(image, m.src_row, m.src_pixel, m.h.size, m.w.size, range.begin, range.end, m.w.low(0),
                         m.w.high(m.w.count - 1), m.groups,
                         reinterpret_cast<T*>(static_cast<char*>(scratch) + worker * pieces.worker_bytes));
      }
      for (int64_t t = t0; t < t1; ++t) {
        T* dst = m.dst + n * m.dst_image + t * m.dst_row;
        TapRange taps{m.h.first_tap(t), 0, 0, m.w.taps};
        taps.h1 = m.h.last_tap(t, taps.h0);
        const int64_t source_row = taps.h0 < taps.h1 ? m.h.low(t) + taps.h0 * m.h.dilation - range.begin : 0;
        const T* a = band.data + source_row * band.row;
        int64_t c = 0;
        for (; c + Packet<T>::size <= m.groups; c += Packet<T>::size)
          run_row<T, false>(m, taps, a + c, band.row, band.pixel, c, dst + c);
        if (c < m.groups) run_row<T, true>(m, taps, a + c, band.row, band.pixel, c, dst + c);
      }
    }
  };
  parallel_for(units, small ? units : 1, body, m.threads);
}

}  // namespace

int64_t depthwise_scratch(const ConvMap<float>& map) noexcept { return make_pieces(map).worker_bytes * map.threads; }
int64_t depthwise_scratch(const ConvMap<double>& map) noexcept { return make_pieces(map).worker_bytes * map.threads; }
void depthwise_run(const ConvMap<float>& map, void* scratch) noexcept { run(map, scratch); }
void depthwise_run(const ConvMap<double>& map, void* scratch) noexcept { run(map, scratch); }

}  // namespace NACRE_ISA
}  // namespace nacre
