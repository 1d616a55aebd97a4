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
  const bool narrow = m.w.narrow();  // each pixel then takes a part of the tap columns only
  d.steps = contiguous && !narrow && d.k <= kWholeK    ? Dense<T>::whole
            : contiguous && (narrow || run <= kWholeK) ? Dense<T>::rows
                                                       : Dense<T>::blocks;
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
  d.row_work = m.w.count * m.h.busy_taps() * m.w.busy_taps() * m.src_channels * m.dst_channels;
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

// One pass: columns [o0, o1) of rows [t0, t1) of one image and group; `band` begins with source row `first`.
template <class T>
void run_columns(const ConvMap<T>& m, const Dense<T>& d, const Band<T>& band, int64_t first, const T* packed, T* dst, const T* bias,
                 int64_t t0, int64_t t1, int64_t o0, int64_t o1) {
  constexpr int64_t lanes = Packet<T>::size;
  const int64_t strips = ceil_div(m.w.count, tile_rows(d.packets)), panel = d.packets * lanes;
  const int64_t tap_run = m.w.taps * m.src_channels;  // K of one kernel row
  const bool narrow = m.w.narrow();
  TileJob<T> job;
  job.relu = m.relu;
  job.a_stride = m.w.stride * band.pixel;
  job.c_stride = m.dst_pixel;
  int64_t before = 0;
  for (int64_t step = 0; step < d.step_count; ++step) {
    const bool last_step = step + 1 == d.step_count;
    const int64_t tap_row = step / d.channel_blocks, c0 = step % d.channel_blocks * d.step_channels;
    const int64_t channels = smaller(d.step_channels, m.src_channels - c0);
    const int64_t step_k = d.steps == Dense<T>::whole ? d.k : m.w.taps * channels;
    for (int64_t t = t0; t < t1; ++t) {
      const int64_t tap0 = m.h.first_tap(t), tap1 = m.h.last_tap(t, tap0);
      int64_t a_row = tap0, k0 = 0;
      job.add = false;
      if (d.steps == Dense<T>::whole) {
        job.kc = tap_run;
        job.segments = tap1 - tap0;
        job.a_segment = m.h.dilation * band.row;
        k0 = tap0 * tap_run;
      } else {
        // A row that no tap meets is zero: its first step says so.
        const bool outside = tap_row < tap0 || tap_row >= tap1;
        if (outside && (tap0 < tap1 || step > 0)) {
          if (step + 1 == d.step_count)
            finish_block(dst + t * m.dst_row + o0, m.dst_pixel, m.w.count, o1 - o0, bias ? bias + o0 : nullptr, m.relu);
          continue;
        }
        const bool spread = d.steps == Dense<T>::blocks;
        a_row = tap_row;
        job.add = step > tap0 * d.channel_blocks && !outside;
        job.kc = outside ? 0 : spread ? channels : tap_run;
        job.segments = spread ? m.w.taps : 1;
        job.a_segment = m.w.dilation * band.pixel;
      }
      const int64_t source_row = m.h.low(t) + a_row * m.h.dilation - first;
      const T* a = job.kc * job.segments == 0 ? band.data : band.data + source_row * band.row + c0;
      for (int64_t s = 0; s < strips; ++s) {
        const int64_t u0 = strip_begin(m.w.count, strips, s), u1 = strip_begin(m.w.count, strips, s + 1);
        T* c = dst + t * m.dst_row + u0 * m.dst_pixel;
        TileJob<T> strip = job;
        strip.a = job.kc * job.segments == 0 ? a : a + u0 * job.a_stride;
        int64_t strip_k0 = k0;
        if (narrow && job.kc > 0) {
          const int64_t q0 = m.w.first_tap(u1 - 1), q1 = m.w.last_tap(u0, q0);
          if (d.steps == Dense<T>::blocks) {
            strip.segments = q1 - q0;
            strip_k0 = q0 * channels;
          } else {
            strip.kc = (q1 - q0) * m.src_channels;
            strip_k0 = q0 * m.src_channels;
          }
          strip.a += q0 * m.w.dilation * band.pixel;
        }
        for (int64_t o = o0; o < o1; o += panel) {
          const int64_t width = smaller(panel, o1 - o), packets = ceil_div(width, lanes);
          strip.last = static_cast<int>(width - (packets - 1) * lanes);
          strip.b_stride = packets * lanes;
          strip.b = packed + before * d.wide + o * step_k + strip_k0 * strip.b_stride;
          strip.c = c + o;
          strip.bias = bias && last_step ? bias + o : nullptr;
          find_tile(strip.b, false, false, u1 - u0, packets)(strip);
        }
        if (last_step && !bias) finish_block<T>(c + o0, m.dst_pixel, u1 - u0, o1 - o0, nullptr, m.relu);
      }
    }
    before += step_k;
  }
}

template <class T>
int64_t scratch_of(const ConvMap<T>& m) {
  const Dense<T> d = make_dense(m);
  return (m.packed ? 0 : d.packed_bytes) + d.worker_bytes * m.threads;
}

template <class T>
double work_of(const ConvMap<T>& m, const Dense<T>& d) {
  return double(d.row_work) * double(m.h.count) * double(m.batch) * double(m.groups);
}

template <class T>
void pack(const ConvMap<T>& m, const Dense<T>& d, T* packed) {
  const int64_t taps = m.h.taps * m.w.taps, tap_units = m.groups * taps;
  const int64_t tap_grain =
      work_of(m, d) < double(kForkWork) ? tap_units : larger(1, 16384 / larger(1, m.src_channels * m.dst_channels));
  auto body = [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) pack_tap(m, d, i / taps, i % taps / m.w.taps, i % m.w.taps, packed);
  };
  parallel_for(tap_units, larger(1, tap_grain), body, m.threads);
}

template <class T>
void run(const ConvMap<T>& m, void* scratch) {
  if (m.batch == 0 || m.h.count == 0 || m.w.count == 0 || m.dst_channels == 0) return;
  const Dense<T> d = make_dense(m);
  const T* packed = m.packed;
  char* bands = static_cast<char*>(scratch);
  if (!packed) {
    pack(m, d, static_cast<T*>(scratch));
    packed = static_cast<const T*>(scratch);
    bands += d.packed_bytes;
  }
  const bool small = work_of(m, d) < double(kForkWork);
  const int64_t units = m.batch * d.bands * m.groups;
  auto body = [&](int64_t begin, int64_t end, int worker) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t g = unit % m.groups, t0 = unit / m.groups % d.bands * d.band, n = unit / m.groups / d.bands;
      const int64_t t1 = smaller(m.h.count, t0 + d.band);
      const T* image = m.src + n * m.src_image + g * m.src_channels;
      const BandRows range = band_range(m.h, t0, t1, 0, m.h.taps);
      Band<T> band{image, m.src_row, m.src_pixel};
      if (d.in_place) {
        band.data += range.begin * m.src_row + m.w.low(0) * m.src_pixel;
      } else {
        band = copy_band(image, m.src_row, m.src_pixel, m.h.size, m.w.size, range.begin, range.end, m.w.low(0),
                         m.w.high(m.w.count - 1), m.src_channels, reinterpret_cast<T*>(bands + worker * d.worker_bytes));
      }
      T* dst = m.dst + n * m.dst_image + g * m.dst_channels;
      const T* bias = m.bias ? m.bias + g * m.dst_channels : nullptr;
      for (int64_t o = 0; o < m.dst_channels; o += d.columns) {
        run_columns(m, d, band, range.begin, packed + g * d.group_elements, dst, bias, t0, t1, o,
                    smaller(o + d.columns, m.dst_channels));
      }
      const int64_t at = n * m.dst_image + t0 * m.dst_row;
      m.after(at, (t1 - t0) * m.dst_row, m.dst + at);
    }
  };
  parallel_for(units, small ? units : larger(1, 65536 / larger(1, d.band * d.row_work)), body, m.threads);
}

}  // namespace

int64_t dense_scratch(const ConvMap<float>& map) noexcept { return scratch_of(map); }
int64_t dense_scratch(const ConvMap<double>& map) noexcept { return scratch_of(map); }
void dense_run(const ConvMap<float>& map, void* scratch) noexcept { run(map, scratch); }
void dense_run(const ConvMap<double>& map, void* scratch) noexcept { run(map, scratch); }
int64_t dense_packed_bytes(const ConvMap<float>& map) noexcept { return make_dense(map).packed_bytes; }
int64_t dense_packed_bytes(const ConvMap<double>& map) noexcept { return make_dense(map).packed_bytes; }
void dense_pack(const ConvMap<float>& map, void* packed) noexcept { pack(map, make_dense(map), static_cast<float*>(packed)); }
void dense_pack(const ConvMap<double>& map, void* packed) noexcept { pack(map, make_dense(map), static_cast<double*>(packed)); }

}  // namespace NACRE_ISA
}  // namespace nacre
