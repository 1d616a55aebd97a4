// dweight[p, q, c, o] = sum over images and output pixels of x * dy: K is the pixels, M the (q, c) run of a padded input row (read
// K-major, no im2col), N the output channels.
//
// K is cut into chunks of images; how many follows from the sizes alone. Each chunk sums into its own copy of dweight (bands in
// order), the copies are then added in order. Work units are chunk x group x part of the kernel rows x block of columns: one owner
// per cell of a copy.
#include "nacre/kernels/conv_map.h"

namespace nacre {
namespace NACRE_ISA {
namespace {

constexpr int64_t kMaxChunks = 16;
constexpr int64_t kPartialBytes = 32 << 20;  // for all copies together
constexpr int64_t kSplitBytes = 1 << 20;     // a larger dweight is also cut into kernel rows and column blocks
constexpr int64_t kBandPixels = 512;         // K of one tile call: long enough to pay for reading and writing dweight
constexpr int64_t kMinPixels = 64;           // of 1x1 kernels, whose part of x shall stay in L1:
constexpr int64_t kStripBytes = 24 * 1024;   // no more than this
constexpr int64_t kChunkWork = 1 << 22;      // multiply-adds that deserve a chunk of their own

template <class T>
struct Plan {
  ConvAxis h, w;
  int64_t groups, channels, outputs;  // per group
  int64_t chunks, chunk_images;
  int64_t row_parts, part_taps;  // kernel rows are shared among parts
  int64_t column_parts, columns;
  int64_t band;  // output rows
  int64_t size;  // elements of dweight
  int64_t worker_bytes;
  bool in_place;
  bool depthwise;
  bool narrow;
};

// Multiply-adds of one image that are not with padding, nearly: every tap meets at most size / stride outputs.
double work_of(const ConvAxis& h, const ConvAxis& w, int64_t size) {
  return double(size) * double(smaller(h.count, ceil_div(h.size, h.stride))) * double(smaller(w.count, ceil_div(w.size, w.stride)));
}

template <class T>
Plan<T> make_plan(const ConvArgs& g) {
  Plan<T> p{};
  p.h = {g.out_h, g.kernel_h, g.stride_h, g.dilation_h, -g.pad_top, g.in_h};
  p.w = {g.out_w, g.kernel_w, g.stride_w, g.dilation_w, -g.pad_left, g.in_w};
  p.depthwise = g.groups > 1 && g.groups == g.in_channels && g.groups == g.out_channels;
  p.groups = p.depthwise ? 1 : g.groups;  // depthwise: all channels side by side
  p.channels = g.in_channels / p.groups;
  p.outputs = g.out_channels / p.groups;
  p.size = g.kernel_h * g.kernel_w * (g.in_channels / g.groups) * g.out_channels;
  const int64_t bytes = larger(1, p.size * int64_t(sizeof(T)));
  const double total = work_of(p.h, p.w, p.size) * double(g.batch);
  int64_t chunks =
      total > double(kChunkWork * kMaxChunks) ? kMaxChunks : larger(1, static_cast<int64_t>(total / double(kChunkWork)));
  if (total > double(kPieceWork * kMaxChunks))
    chunks = total > double(kPieceWork) * 1024 ? 1024 : static_cast<int64_t>(total / double(kPieceWork)) + 1;
  chunks = smaller(chunks, larger(1, kPartialBytes / bytes));
  p.chunk_images = larger(1, ceil_div(g.batch, smaller(chunks, larger(1, g.batch))));
  p.chunks = larger(1, ceil_div(g.batch, p.chunk_images));
  p.row_parts = p.column_parts = 1;
  p.columns = larger(1, p.outputs);
  if (bytes > kSplitBytes && !p.depthwise) {
    p.row_parts = larger(1, g.kernel_h);
    const int64_t panel = 2 * Packet<T>::size;
    p.columns = larger(panel, smaller(128, p.outputs) / panel * panel);
    p.column_parts = ceil_div(p.outputs, p.columns);
  }
  p.part_taps = ceil_div(g.kernel_h, p.row_parts);
  p.in_place = p.depthwise || (p.h.inside() && p.w.inside() && p.groups == 1);
  const int64_t width = g.out_w > 0 ? p.w.high(g.out_w - 1) - p.w.low(0) : 0;
  const int64_t fit =
      kBandBytes / larger(1, width * p.channels * int64_t(sizeof(T))) - smaller(g.in_h, (g.kernel_h - 1) * g.dilation_h);
  int64_t pixels = kBandPixels;
  if (g.kernel_h * g.kernel_w == 1)
    pixels = smaller(pixels, larger(kMinPixels, kStripBytes / larger(1, p.channels * int64_t(sizeof(T)))));
  p.band = larger(1, smaller(ceil_div(pixels, larger(1, g.out_w)), fit / g.stride_h));
  p.narrow = p.w.narrow();
  if (p.narrow) p.band = 1;  // each tap then takes a part of an output row
  p.band = smaller(p.band, larger(1, g.out_h));
  if (!p.in_place && g.out_h > 0) p.worker_bytes = round_up(band_elements(p.h, p.w, p.band, p.channels) * int64_t(sizeof(T)), 64);
  return p;
}

// Outputs [begin, end) along one axis.
struct Span {
  int64_t begin, end;
};

// Rows of [t0, t1) that kernel row `a` meets, perhaps none, and the place of the first one's source row in a band that begins with
// source row `top`.
struct Rows {
  int64_t t0, count, source;
};
Rows rows_of_tap(const ConvAxis& h, int64_t a, Span t, int64_t top) {
  const int64_t begin = larger(t.begin, h.first_output(a)), end = smaller(t.end, h.last_output(a, 0));
  if (begin >= end) return {t.begin, 0, 0};
  return {begin, end - begin, h.low(begin) + a * h.dilation - top};
}

// Columns that some tap of [q0, q1] meets.
Span columns_of_taps(const ConvAxis& w, int64_t q0, int64_t q1) {
  const int64_t begin = w.first_output(q1);
  return {begin, w.last_output(q0, begin)};
}

// Adds (or with `first` writes) one band's share: kernel rows [a0, a1), columns [o0, o1) of group g. `dy` is the image's.
template <class T>
void add_band(const Plan<T>& p, const ConvArgs& g, const Band<T>& band, int64_t top, const T* dy, Span t, int64_t group, int64_t a0,
              int64_t a1, int64_t o0, int64_t o1, bool first, T* out) {
  constexpr int64_t lanes = Packet<T>::size;
  // A run of (tap column, channel) is contiguous unless the taps are spread; then each tap column is a run of its own.
  const bool contiguous = g.dilation_w == 1 && band.pixel == p.channels;
  const int64_t run = contiguous ? g.kernel_w * p.channels : p.channels, runs = contiguous ? 1 : g.kernel_w;
  const int wide = choose_packets(run, ceil_div(o1 - o0, lanes));
  const int64_t panel = wide * lanes, strips = ceil_div(run, tile_rows(wide));
  const int64_t dy_row = g.out_w * g.out_channels;
  TileJob<T> job;
  job.a_segment = g.stride_h * band.row;
  job.a_stride = g.stride_w * band.pixel;
  job.kc = g.out_w;
  job.b_stride = g.out_channels;
  job.c_stride = g.out_channels;
  job.add = !first;
  for (int64_t a = a0; a < a1; ++a) {
    const Rows rows = rows_of_tap(p.h, a, t, top);
    if (rows.count == 0 && !first) continue;
    job.segments = rows.count;
    for (int64_t q = 0; q < runs; ++q) {
      const T* source = band.data + rows.source * band.row + q * g.dilation_w * band.pixel;
      T* to = out + (a * g.kernel_w + q) * p.channels * g.out_channels + group * p.outputs;
      for (int64_t o = o0; o < o1; o += panel) {  // panel outside: its part of dy (K x 2 packets) stays in L1
        const int64_t width = smaller(panel, o1 - o), packets = ceil_div(width, lanes);
        job.last = static_cast<int>(width - (packets - 1) * lanes);
        const T* b = dy + rows.t0 * dy_row + group * p.outputs + o;
        for (int64_t s = 0; s < strips; ++s) {
          const int64_t i0 = strip_begin(run, strips, s), count = strip_begin(run, strips, s + 1) - i0;
          job.a = source + i0;
          job.b = b;
          job.c = to + i0 * g.out_channels + o;
          if (p.narrow) {
            const Span u =
                contiguous ? columns_of_taps(p.w, i0 / p.channels, (i0 + count - 1) / p.channels) : columns_of_taps(p.w, q, q);
            job.kc = u.end - u.begin;
            job.a += u.begin * job.a_stride;
            job.b += u.begin * job.b_stride;
          }
          find_tile(job.b, true, job.last < lanes, count, packets)(job);
        }
      }
    }
  }
}

// The same for a depthwise kernel: `rows` x `taps` taps of a packet of channels in registers while neighbouring pixels of one row of dy
// pass. x: the place that the first tap meets.
template <class T, int rows, int taps, bool Tail>
NACRE_INLINE void depthwise_taps(const ConvArgs& g, const T* x, const T* dy, int64_t pixels, int lanes, T* out) {
  using P = Packet<T>;
  const int64_t channels = g.in_channels, x_pixel = g.stride_w * channels, tap_step = g.dilation_w * channels;
  const int64_t x_row = g.dilation_h * g.in_w * channels, out_row = g.kernel_w * channels;
  auto load = [&](const T* from) __attribute__((always_inline)) {
    if constexpr (Tail)
      return P::load_n(from, lanes);
    else
      return P::load(from);
  };
  P acc[rows][taps];
#pragma GCC unroll 3
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 3
    for (int t = 0; t < taps; ++t) acc[r][t] = load(out + r * out_row + t * channels);
  }
  int64_t u = 0;
  // Taps side by side at stride 1 see the same places of x: each is loaded once and meets the last three dy, which stay in registers. Every
  // cell gets the same terms in the same order.
  if constexpr (rows == 3 && taps == 3 && P::size > 1) {
    if (x_pixel == tap_step && pixels >= 3) {
      const auto meet = [&](int r, int64_t place, P a, P b, P c) __attribute__((always_inline)) {  // dy of taps 0, 1, 2
        const P v = load(x + r * x_row + place * x_pixel);
        acc[r][0] = multiply_add(v, a, acc[r][0]);
        acc[r][1] = multiply_add(v, b, acc[r][1]);
        acc[r][2] = multiply_add(v, c, acc[r][2]);
      };
      P a = load(dy), b = load(dy + channels), c = P::zero();
#pragma GCC unroll 3
      for (int r = 0; r < 3; ++r) {
        const P first = load(x + r * x_row), second = load(x + r * x_row + x_pixel);
        acc[r][0] = multiply_add(second, b, multiply_add(first, a, acc[r][0]));
        acc[r][1] = multiply_add(second, a, acc[r][1]);
      }
      for (u = 2; u + 3 <= pixels; u += 3) {  // a and b are dy of u - 2 and u - 1
        c = load(dy + u * channels);
#pragma GCC unroll 3
        for (int r = 0; r < 3; ++r) meet(r, u, c, b, a);
        a = load(dy + (u + 1) * channels);
#pragma GCC unroll 3
        for (int r = 0; r < 3; ++r) meet(r, u + 1, a, c, b);
        b = load(dy + (u + 2) * channels);
#pragma GCC unroll 3
        for (int r = 0; r < 3; ++r) meet(r, u + 2, b, a, c);
      }
      for (; u < pixels; ++u) {
        c = load(dy + u * channels);
#pragma GCC unroll 3
        for (int r = 0; r < 3; ++r) meet(r, u, c, b, a);
        a = b, b = c;
      }
#pragma GCC unroll 3
      for (int r = 0; r < 3; ++r) {
        const P last = load(x + r * x_row + pixels * x_pixel), after = load(x + r * x_row + (pixels + 1) * x_pixel);
        acc[r][1] = multiply_add(last, b, acc[r][1]);
        acc[r][2] = multiply_add(after, b, multiply_add(last, a, acc[r][2]));
      }
    }
  }
  x += u * x_pixel;
  dy += u * channels;
  for (; u < pixels; ++u, x += x_pixel, dy += channels) {
    const P d = load(dy);
#pragma GCC unroll 3
    for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 3
      for (int t = 0; t < taps; ++t) acc[r][t] = multiply_add(load(x + r * x_row + t * tap_step), d, acc[r][t]);
    }
  }
#pragma GCC unroll 3
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 3
    for (int t = 0; t < taps; ++t) {
      T* to = out + r * out_row + t * channels;
      if constexpr (Tail)
        acc[r][t].store_n(to, lanes);
      else
        acc[r][t].store(to);
    }
  }
}

// Taps (a .. a + rows - 1, q .. q + taps - 1) of output row t, all rows inside the image. Pixels go a few at a time through all channels,
// so that memory is walked in order; those that only some of the taps meet go tap by tap.
template <class T, int rows, int taps>
void add_depthwise_taps(const Plan<T>& p, const ConvArgs& g, const T* image, const T* dy, int64_t t, int64_t a, int64_t q, T* out) {
  constexpr int64_t kPixels = 16;
  const int64_t channels = g.in_channels;
  const T* row = image + (p.h.low(t) + a * g.dilation_h) * g.in_w * channels;
  dy += t * g.out_w * channels;
  out += (a * g.kernel_w + q) * channels;
  auto run = [&](auto columns, int64_t first_tap, Span u) __attribute__((always_inline)) {
    for (int64_t u0 = u.begin; u0 < u.end; u0 += kPixels) {
      const T* x = row + (p.w.low(u0) + (q + first_tap) * g.dilation_w) * channels;
      const T* from = dy + u0 * channels;
      T* to = out + first_tap * channels;
      const int64_t pixels = smaller(kPixels, u.end - u0);
      constexpr int n = decltype(columns)::value, lanes = Packet<T>::size;
      int64_t c = 0;
      for (; c + lanes <= channels; c += lanes) depthwise_taps<T, rows, n, false>(g, x + c, from + c, pixels, lanes, to + c);
      if (c < channels) depthwise_taps<T, rows, n, true>(g, x + c, from + c, pixels, static_cast<int>(channels - c), to + c);
    }
  };
  const int64_t begin = p.w.first_output(q), end = p.w.last_output(q + taps - 1, begin);
  for (int64_t i = 0; taps > 1 && i < taps; ++i) {
    const Span own = columns_of_taps(p.w, q + i, q + i);
    run(Count<1>{}, i, {own.begin, smaller(own.end, begin)});
    run(Count<1>{}, i, {larger(own.begin, end), own.end});
  }
  run(Count<taps>{}, 0, {begin, end});
}

template <class T>
void add_depthwise(const Plan<T>& p, const ConvArgs& g, const T* image, const T* dy, Span t, T* out) {
  for (int64_t i = t.begin; i < t.end; ++i) {
    auto columns = [&](auto rows, int64_t a) {
      constexpr int n = decltype(rows)::value;
      int64_t q = 0;
      for (; q + 3 <= g.kernel_w; q += 3) add_depthwise_taps<T, n, 3>(p, g, image, dy, i, a, q, out);
      for (; q < g.kernel_w; ++q) add_depthwise_taps<T, n, 1>(p, g, image, dy, i, a, q, out);
    };
    const int64_t a0 = p.h.first_tap(i), a1 = p.h.last_tap(i, a0);
    int64_t a = a0;
    for (; a + 3 <= a1; a += 3) columns(Count<3>{}, a);
    for (; a < a1; ++a) columns(Count<1>{}, a);
  }
}

// dweight = sum of the chunks' copies, in order.
template <class T>
void combine(const T* partial, int64_t chunks, int64_t size, T* out, int threads) {
  using P = Packet<T>;
  auto body = [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; i += P::size) {
      const int n = static_cast<int>(smaller(P::size, end - i));
      P sum = P::load_n(partial + i, n);
      for (int64_t c = 1; c < chunks; ++c) sum = sum + P::load_n(partial + c * size + i, n);
      sum.store_n(out + i, n);
    }
  };
  parallel_for(size, 16384, body, threads);
}

template <class T>
void run(const ConvArgs& g, void* scratch) {
  const Plan<T> p = make_plan<T>(g);
  T* out = static_cast<T*>(g.dweight);
  if (p.size == 0) return;
  if (g.batch == 0 || g.out_h == 0 || g.out_w == 0) {
    for (int64_t i = 0; i < p.size; ++i) out[i] = T(0);
    return;
  }
  T* partial = p.chunks > 1 ? static_cast<T*>(scratch) : out;
  char* bands = static_cast<char*>(scratch) + (p.chunks > 1 ? round_up(p.chunks * p.size * int64_t(sizeof(T)), 64) : 0);
  const int64_t units = p.chunks * p.groups * p.row_parts * p.column_parts;
  const int64_t x_row = g.in_w * g.in_channels, x_image = g.in_h * x_row, dy_row = g.out_w * g.out_channels;
  auto body = [&](int64_t begin, int64_t end, int worker) {
    for (int64_t unit = begin; unit < end; ++unit) {
      int64_t rest = unit;
      const int64_t column_part = rest % p.column_parts;
      rest /= p.column_parts;
      const int64_t a0 = rest % p.row_parts * p.part_taps, a1 = smaller(g.kernel_h, a0 + p.part_taps);
      rest /= p.row_parts;
      const int64_t group = rest % p.groups, chunk = rest / p.groups;
      const int64_t o0 = column_part * p.columns, o1 = smaller(p.outputs, o0 + p.columns);
      const int64_t n0 = chunk * p.chunk_images, n1 = smaller(g.batch, n0 + p.chunk_images);
      T* own = reinterpret_cast<T*>(bands + worker * p.worker_bytes);
      T* copy = partial + chunk * p.size;
      bool first = true;
      auto add = [&](const Band<T>& band, int64_t top, const T* dy, Span t) {
        add_band(p, g, band, top, dy, t, group, a0, a1, o0, o1, first, copy);
        first = false;
      };
      const int64_t begin = p.h.first_output(a1 - 1), end = p.h.last_output(a0, begin);
      if (p.depthwise) {
        for (int64_t i = 0; i < p.size; ++i) copy[i] = T(0);
        for (int64_t n = n0; n < n1; ++n) {
          add_depthwise(p, g, static_cast<const T*>(g.x) + n * x_image, static_cast<const T*>(g.dy) + n * g.out_h * dy_row,
                        {begin, end}, copy);
        }
        continue;
      }
      for (int64_t n = n0; n < n1; ++n) {
        const T* image = static_cast<const T*>(g.x) + n * x_image + group * p.channels;
        for (int64_t t0 = begin / p.band * p.band; t0 < end; t0 += p.band) {
          const int64_t t1 = smaller(g.out_h, t0 + p.band);
          const BandRows range = band_range(p.h, t0, t1, a0, a1);
          Band<T> band{image, x_row, g.in_channels};
          if (p.in_place) {
            band.data += range.begin * x_row + p.w.low(0) * g.in_channels;
          } else {
            band = copy_band(image, x_row, g.in_channels, g.in_h, g.in_w, range.begin, range.end, p.w.low(0), p.w.high(g.out_w - 1),
                             p.channels, own);
          }
          add(band, range.begin, static_cast<const T*>(g.dy) + n * g.out_h * dy_row, {t0, t1});
        }
      }
      if (first) add({own, 0, p.channels}, 0, static_cast<const T*>(g.dy), {0, 0});  // kernel rows that no image row meets: zero
    }
  };
  const bool small = work_of(p.h, p.w, p.size) * double(g.batch) < double(kForkWork);
  parallel_for(units, small ? units : 1, body, g.threads);
  if (p.chunks > 1) combine(partial, p.chunks, p.size, out, g.threads);
}

template <class T>
int64_t scratch_of(const ConvArgs& g) {
  const Plan<T> p = make_plan<T>(g);
  return (p.chunks > 1 ? round_up(p.chunks * p.size * int64_t(sizeof(T)), 64) : 0) + p.worker_bytes * g.threads;
}

}  // namespace

int64_t conv_backward_weight_scratch(const ConvArgs& g) noexcept {
  if (g.batch == 0 || g.out_h == 0 || g.out_w == 0) return 0;
  return g.dtype == DType::float64 ? scratch_of<double>(g) : scratch_of<float>(g);
}

void conv_backward_weight(const ConvArgs& g, void* scratch) noexcept {
  if (g.dtype == DType::float64) return run<double>(g, scratch);
  run<float>(g, scratch);
}

}  // namespace NACRE_ISA
}  // namespace nacre
