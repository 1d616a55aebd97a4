// Implicit GEMM for one ConvMap: C rows are the pixels of an output row, A is read straight from the (padded) source band, where
// the (tap column, channel) run of a pixel is contiguous and pixels are stride * channels apart; kernel rows are segments. No
// im2col.
//
// Weights are packed once per call. K is walked in steps: all of it when small, else kernel row by kernel row, else blocks of
// channels, so that a strip of A stays in L1 and a step of B in L2. Steps depend on the sizes only: bits do not depend on threads
// or bands.
#include "nacre/kernels/conv_map.h"

namespace nacre {
namespace NACRE_ISA {
namespace {

constexpr int64_t kWholeK = 1152;  // longest K of one step
constexpr int64_t kBlockChannels = 256;
constexpr int64_t kBlockBytes = 512 * 1024;  // packed B that one pass over a band walks

template <class T>
struct Dense {
  enum Steps { whole, rows, blocks } steps;
  int64_t step_channels;  // channels of a step (`blocks`), else all
  int64_t step_count, channel_blocks;
  int64_t k;     // taps * channels
  int64_t wide;  // packed columns
  int packets;
  int64_t columns;  // of one pass
  bool in_place;
  int64_t band, bands;
  int64_t group_elements;  // packed weights of one group
  int64_t worker_bytes, packed_bytes, row_work;
};

template <class T>
Dense<T> make_dense(const ConvMap<T>& m) {
  Dense<T> d{};
  const int64_t run = m.w.taps * m.src_channels;
  d.k = m.h.taps * run;
  d.wide = round_up(m.dst_channels, Packet<T>::size);
  const bool contiguous = m.w.dilation == 1 || m.w.taps <= 1;
  d.steps = contiguous && d.k <= kWholeK ? Dense<T>::whole : contiguous && run <= kWholeK ? Dense<T>::rows : Dense<T>::blocks;
  d.channel_blocks = d.steps == Dense<T>::blocks ? larger(1, ceil_div(m.src_channels, kBlockChannels)) : 1;
  d.step_channels = ceil_div(m.src_channels, d.channel_blocks);
  if (d.steps == Dense<T>::blocks) d.channel_blocks = larger(1, ceil_div(m.src_channels, larger(1, d.step_channels)));
  d.step_count = d.steps == Dense<T>::whole ? 1 : larger(1, m.h.taps) * d.channel_blocks;
  d.packets = choose_packets(m.w.count, d.wide / Packet<T>::size);
  const int64_t panel = d.packets * Packet<T>::size;
  const int64_t step_k = ceil_div(d.k, d.step_count);
  d.columns = larger(panel, kBlockBytes / int64_t(sizeof(T)) / larger(1, step_k) / panel * panel);
  d.in_place = m.groups == 1 && m.src_pixel == m.src_channels && m.h.inside() && m.w.inside();
  d.group_elements = d.k * d.wide;
  d.packed_bytes = round_up(m.groups * d.group_elements * int64_t(sizeof(T)), 64);
  const int64_t width = m.w.count > 0 ? m.w.high(m.w.count - 1) - m.w.low(0) : 0;
  d.row_work = m.w.count * d.k * m.dst_channels;
  d.band = band_rows(m.h, width * m.src_channels * int64_t(sizeof(T)), d.row_work, m.batch * m.groups, m.threads);
  d.bands = ceil_div(m.h.count, d.band);
  if (!d.in_place)
    d.worker_bytes = round_up(band_elements(m.h, m.w, smaller(d.band, m.h.count), m.src_channels) * int64_t(sizeof(T)), 64);
  return d;
}

// Packs tap (a, b) of group g: its rows within each step that holds them.
template <class T>
void pack_tap(const ConvMap<T>& m, const Dense<T>& d, int64_t g, int64_t a, int64_t b, T* packed) {
  const T* tap = m.weight + a * m.tap_row + b * m.tap_column + g * m.tap_group;
  T* out = packed + g * d.group_elements;
  for (int64_t block = 0; block < d.channel_blocks; ++block) {
    const int64_t c0 = block * d.step_channels, channels = smaller(d.step_channels, m.src_channels - c0);
    // Rows of K before this step, and the place inside it.
    int64_t before = 0, first = (a * m.w.taps + b) * m.src_channels, height = d.k;
    if (d.steps == Dense<T>::rows) {
      before = a * m.w.taps * m.src_channels;
      first = b * m.src_channels;
      height = m.w.taps * m.src_channels;
    } else if (d.steps == Dense<T>::blocks) {
      before = a * m.w.taps * m.src_channels + m.w.taps * c0;
      first = b * channels;
      height = m.w.taps * channels;
    }
    pack_b(tap + (m.trans ? c0 : c0 * m.ldw), m.ldw, m.trans, channels, m.dst_channels, d.packets, out + before * d.wide,
           {first, height});
  }
}

// One pass: columns [o0, o1) of rows [t0, t1) of one image and group.
template <class T>
void run_columns(const ConvMap<T>& m, const Dense<T>& d, const Band<T>& band, const T* packed, T* dst, const T* bias, int64_t rows,
                 int64_t o0, int64_t o1) {
  constexpr int64_t lanes = Packet<T>::size;
  const int64_t strips = ceil_div(m.w.count, tile_rows(d.packets)), panel = d.packets * lanes;
  TileJob<T> job;
  job.a_stride = m.w.stride * band.pixel;
  job.c_stride = m.dst_pixel;
  int64_t before = 0;
  for (int64_t step = 0; step < d.step_count; ++step) {
    const T* a = band.data;
    job.kc = m.w.taps * m.src_channels;
    if (d.steps == Dense<T>::whole) {
      job.segments = m.h.taps;
      job.a_segment = m.h.dilation * band.row;
    } else if (d.steps == Dense<T>::rows) {
      a += step * m.h.dilation * band.row;
    } else {
      const int64_t c0 = step % d.channel_blocks * d.step_channels;
      a += step / d.channel_blocks * m.h.dilation * band.row + c0;
      job.kc = smaller(d.step_channels, m.src_channels - c0);
      job.segments = m.w.taps;
      job.a_segment = m.w.dilation * band.pixel;
    }
    const int64_t step_k = job.kc * job.segments;
    job.add = step > 0;
    for (int64_t t = 0; t < rows; ++t) {
      for (int64_t s = 0; s < strips; ++s) {
        const int64_t u0 = strip_begin(m.w.count, strips, s), pixels = strip_begin(m.w.count, strips, s + 1) - u0;
        T* c = dst + t * m.dst_row + u0 * m.dst_pixel;
        job.a = a + t * m.h.stride * band.row + u0 * job.a_stride;
        for (int64_t o = o0; o < o1; o += panel) {
          const int64_t width = smaller(panel, o1 - o), packets = ceil_div(width, lanes);
          job.last = static_cast<int>(width - (packets - 1) * lanes);
          job.b = packed + before * d.wide + o * step_k;
          job.b_stride = packets * lanes;
          job.c = c + o;
          find_tile(job.b, false, false, pixels, packets)(job);
        }
        if (step + 1 == d.step_count) finish_block(c + o0, m.dst_pixel, pixels, o1 - o0, bias ? bias + o0 : nullptr, m.relu);
      }
    }
    before += step_k;
  }
}

template <class T>
int64_t scratch_of(const ConvMap<T>& m) {
  const Dense<T> d = make_dense(m);
  return d.packed_bytes + d.worker_bytes * m.threads;
}

template <class T>
void run(const ConvMap<T>& m, void* scratch) {
  if (m.batch == 0 || m.h.count == 0 || m.w.count == 0 || m.dst_channels == 0) return;
  const Dense<T> d = make_dense(m);
  T* packed = static_cast<T*>(scratch);
  char* bands = static_cast<char*>(scratch) + d.packed_bytes;
  const double work = double(d.row_work) * double(m.h.count) * double(m.batch) * double(m.groups);
  const bool small = work < double(kForkWork);
  const int64_t taps = m.h.taps * m.w.taps, tap_units = m.groups * taps;
  const int64_t tap_grain = small ? tap_units : larger(1, 16384 / larger(1, m.src_channels * m.dst_channels));
  auto pack = [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) pack_tap(m, d, i / taps, i % taps / m.w.taps, i % m.w.taps, packed);
  };
  parallel_for(tap_units, larger(1, tap_grain), pack, m.threads);
  const int64_t units = m.batch * d.bands * m.groups;
  auto body = [&](int64_t begin, int64_t end, int worker) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t g = unit % m.groups, t0 = unit / m.groups % d.bands * d.band, n = unit / m.groups / d.bands;
      const int64_t rows = smaller(d.band, m.h.count - t0);
      const T* image = m.src + n * m.src_image + g * m.src_channels;
      Band<T> band{image, m.src_row, m.src_pixel};
      if (d.in_place) {
        band.data += m.h.low(t0) * m.src_row + m.w.low(0) * m.src_pixel;
      } else {
        band = copy_band(image, m.src_row, m.src_pixel, m.h.size, m.w.size, m.h.low(t0), m.h.high(t0 + rows - 1), m.w.low(0),
                         m.w.high(m.w.count - 1), m.src_channels, reinterpret_cast<T*>(bands + worker * d.worker_bytes));
      }
      T* dst = m.dst + n * m.dst_image + t0 * m.dst_row + g * m.dst_channels;
      const T* bias = m.bias ? m.bias + g * m.dst_channels : nullptr;
      for (int64_t o = 0; o < m.dst_channels; o += d.columns) {
        run_columns(m, d, band, packed + g * d.group_elements, dst, bias, rows, o, smaller(o + d.columns, m.dst_channels));
      }
    }
  };
  parallel_for(units, small ? units : larger(1, 65536 / larger(1, d.band * d.row_work)), body, m.threads);
}

}  // namespace

int64_t dense_scratch(const ConvMap<float>& map) noexcept { return scratch_of(map); }
int64_t dense_scratch(const ConvMap<double>& map) noexcept { return scratch_of(map); }
void dense_run(const ConvMap<float>& map, void* scratch) noexcept { run(map, scratch); }
void dense_run(const ConvMap<double>& map, void* scratch) noexcept { run(map, scratch); }

}  // namespace NACRE_ISA
}  // namespace nacre
