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
  p.row_work = m.w.count * m.groups * m.h.taps * m.w.taps;
  p.band = band_rows(m.h, width * m.groups * int64_t(sizeof(T)), p.row_work, m.batch, m.threads);
  p.bands = ceil_div(m.h.count, p.band);
  if (!p.in_place)
    p.worker_bytes = round_up(band_elements(m.h, m.w, smaller(p.band, m.h.count), m.groups) * int64_t(sizeof(T)), 64);
  return p;
}

// `pixels` neighbouring outputs, one packet of channels.
template <class T, int pixels, bool Tail>
NACRE_INLINE void run_pixels(const ConvMap<T>& m, const T* a, int64_t row, int64_t pixel, const T* weight, const T* bias, T* dst,
                             int lanes) {
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
  for (int64_t p = 0; p < m.h.taps; ++p) {
    for (int64_t q = 0; q < m.w.taps; ++q) {
      const P w = load(weight + p * m.tap_row + q * m.tap_column);
      const T* from = a + p * m.h.dilation * row + q * m.w.dilation * pixel;
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
void run_row(const ConvMap<T>& m, const T* a, int64_t row, int64_t pixel, int64_t c, T* dst) {
  const int lanes = static_cast<int>(m.groups - c);
  const T* bias = m.bias ? m.bias + c : nullptr;
  int64_t u = 0;
  for (; u + kPixels <= m.w.count; u += kPixels) {
    run_pixels<T, kPixels, Tail>(m, a + u * m.w.stride * pixel, row, pixel, m.weight + c, bias, dst + u * m.dst_pixel, lanes);
  }
  for (; u < m.w.count; ++u)
    run_pixels<T, 1, Tail>(m, a + u * m.w.stride * pixel, row, pixel, m.weight + c, bias, dst + u * m.dst_pixel, lanes);
}

template <class T>
void run(const ConvMap<T>& m, void* scratch) {
  if (m.batch == 0 || m.h.count == 0 || m.w.count == 0) return;
  const Pieces<T> pieces = make_pieces(m);
  const int64_t units = m.batch * pieces.bands;
  const bool small = double(pieces.row_work) * double(m.h.count) * double(m.batch) < double(kForkWork) / 8;
  auto body = [&](int64_t begin, int64_t end, int worker) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t t0 = unit % pieces.bands * pieces.band, n = unit / pieces.bands, rows = smaller(pieces.band, m.h.count - t0);
      const T* image = m.src + n * m.src_image;
      Band<T> band{image, m.src_row, m.src_pixel};
      if (pieces.in_place) {
        band.data += m.h.low(t0) * m.src_row + m.w.low(0) * m.src_pixel;
      } else {
        band = copy_band(image, m.src_row, m.src_pixel, m.h.size, m.w.size, m.h.low(t0), m.h.high(t0 + rows - 1), m.w.low(0),
                         m.w.high(m.w.count - 1), m.groups,
                         reinterpret_cast<T*>(static_cast<char*>(scratch) + worker * pieces.worker_bytes));
      }
      for (int64_t t = 0; t < rows; ++t) {
        T* dst = m.dst + n * m.dst_image + (t0 + t) * m.dst_row;
        const T* a = band.data + t * m.h.stride * band.row;
        int64_t c = 0;
        for (; c + Packet<T>::size <= m.groups; c += Packet<T>::size) run_row<T, false>(m, a + c, band.row, band.pixel, c, dst + c);
        if (c < m.groups) run_row<T, true>(m, a + c, band.row, band.pixel, c, dst + c);
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
