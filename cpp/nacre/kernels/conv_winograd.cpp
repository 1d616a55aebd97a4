// Winograd forward and backward-data: 3x3 maps of stride 1 (conv_map.h) in tiles of M x M outputs.
//
// The filter becomes N*N packed matrices U [Cin, Cout] (N = M + 2). A block of tiles is transformed into N*N matrices V [tiles, Cin],
// vectorised over channels; N*N matrix products give the tiles of the transformed output, which the last transform brings back, adding
// the bias. Blocks are small enough that V and the products stay in the second-level cache.
// An element's value depends neither on the block nor on the thread: all tiles are computed alike, and K is cut by the channels alone.
#include "nacre/kernels/conv_winograd.h"

#include "nacre/kernels/conv_map.h"

namespace nacre {
namespace NACRE_ISA {
namespace {

constexpr int64_t kStepChannels = 256;       // K of one tile call: its panel of U stays in L1
constexpr int64_t kBlockBytes = 448 * 1024;  // V and the products of a block
constexpr int64_t kMinTiles = 24, kMaxTiles = 120;
constexpr int64_t kFewTiles = 12;  // of a block, where threads would have nothing to do otherwise
constexpr int64_t kPackRows = 16;  // channels packed at a time: nine taps of a panel stay in L1
constexpr int64_t kPackGrain = 8;  // panels of so many channels that pay for another thread

template <class T, int M>
struct Plan {
  static constexpr int n = M + 2;
  int64_t tile_rows, tile_columns, tiles;
  int64_t block, blocks;
  int64_t channels, outputs, wide_in, wide_out;  // wide: whole packets
  int64_t steps, step_channels;
  int packets;
  int64_t panel;
  int64_t plane_u, plane_v, plane_m;
  int64_t packed_bytes, worker_bytes;
};

template <class T, int M>
Plan<T, M> make_plan(const ConvMap<T>& m) {
  Plan<T, M> p{};
  constexpr int64_t lanes = Packet<T>::size, places = (M + 2) * (M + 2), size = sizeof(T);
  p.tile_rows = ceil_div(m.h.count, M);
  p.tile_columns = ceil_div(m.w.count, M);
  p.tiles = m.batch * p.tile_rows * p.tile_columns;
  p.channels = m.src_channels;
  p.outputs = m.dst_channels;
  p.wide_in = round_up(p.channels, lanes);
  p.wide_out = round_up(p.outputs, lanes);
  p.steps = larger(1, ceil_div(p.channels, kStepChannels));
  p.step_channels = ceil_div(p.channels, p.steps);
  const int64_t tile_bytes = places * (p.wide_in + p.wide_out) * size;
  p.block = smaller(kMaxTiles, larger(kMinTiles, kBlockBytes / tile_bytes / kMinTiles * kMinTiles));
  p.block = smaller(p.block, larger(1, kPieceWork / larger(1, places * p.channels * p.wide_out)));
  if (m.threads > 1) p.block = smaller(p.block, larger(kFewTiles, ceil_div(p.tiles, 2 * m.threads)));
  p.blocks = ceil_div(p.tiles, p.block);
  p.block = ceil_div(p.tiles, larger(1, p.blocks));           // even shares
  p.packets = choose_packets(kMinTiles, p.wide_out / lanes);  // not of the number of tiles: packed filters serve any batch
  p.panel = p.packets * lanes;
  p.plane_u = winograd_plane<T>(p.channels * p.wide_out);
  p.plane_v = winograd_plane<T>(p.block * p.wide_in);
  p.plane_m = winograd_plane<T>(p.block * p.wide_out);
  p.packed_bytes = round_up(places * p.plane_u * size, 64);
  p.worker_bytes = round_up((places * (p.plane_v + p.plane_m) + p.wide_in) * size, 64);
  return p;
}

// Where the pieces of one worker's scratch begin.
template <class T, int M>
struct Work {
  T *v, *m, *zeros;
  Work(const Plan<T, M>& p, char* scratch, int worker) {
    v = reinterpret_cast<T*>(scratch + worker * p.worker_bytes);
    m = v + p.n * p.n * p.plane_v;
    zeros = m + p.n * p.n * p.plane_m;
  }
};

// U of channels [c0, c1) and of one panel of outputs, from o on: the nine taps are packed side by side, then transformed packet by packet.
template <class T, int M>
void pack_part(const ConvMap<T>& m, const Plan<T, M>& p, int64_t o, int64_t c0, int64_t c1, T* packed) {
  constexpr int n = M + 2;
  T taps[9 * kPackRows * kMaxTilePackets * Packet<T>::size];
  const int64_t columns = smaller(p.panel, p.outputs - o), width = smaller(p.panel, p.wide_out - o), rows = c1 - c0;
  for (int k = 0; k < 9; ++k) {
    const T* tap = m.weight + k / 3 * m.tap_row + k % 3 * m.tap_column + (m.trans ? o * m.ldw + c0 : c0 * m.ldw + o);
    pack_b(tap, m.ldw, m.trans, rows, columns, p.packets, taps + k * rows * width, {0, rows});
  }
  T* to = packed + o * p.channels + c0 * width;
  const int64_t plane = rows * width;
  for (int64_t e = 0; e < plane; e += Packet<T>::size) {
    Packet<T> t[n][3];
#pragma GCC unroll 3
    for (int j = 0; j < 3; ++j) {
      Packet<T> g[3], u[n];
#pragma GCC unroll 3
      for (int i = 0; i < 3; ++i) g[i] = Packet<T>::load(taps + (3 * i + j) * plane + e);
      Winograd<T, M>::taps(g, u);
#pragma GCC unroll 6
      for (int i = 0; i < n; ++i) t[i][j] = u[i];
    }
#pragma GCC unroll 6
    for (int i = 0; i < n; ++i) {
      Packet<T> u[n];
      Winograd<T, M>::taps(t[i], u);
#pragma GCC unroll 6
      for (int j = 0; j < n; ++j) u[j].store(to + (i * n + j) * p.plane_u + e);
    }
  }
}

template <class T, int M>
void pack_all(const ConvMap<T>& m, const Plan<T, M>& p, T* packed) {
  const int64_t parts = larger(1, ceil_div(p.channels, kPackRows)), panels = ceil_div(p.wide_out, p.panel);
  auto body = [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t c0 = i % parts * kPackRows;
      pack_part(m, p, i / parts * p.panel, c0, smaller(p.channels, c0 + kPackRows), packed);
    }
  };
  parallel_for(parts * panels, kPackGrain, body, m.threads);
}

// A tile's place: image, and first output row and column.
struct Place {
  int64_t image, row, column;
};
template <class T, int M>
Place place_of(const Plan<T, M>& p, int64_t tile) {
  const int64_t in_image = tile % (p.tile_rows * p.tile_columns);
  return {tile / (p.tile_rows * p.tile_columns), in_image / p.tile_columns * M, in_image % p.tile_columns * M};
}

template <class T, int M>
void advance(const ConvMap<T>& m, Place& at) {
  at.column += M;
  if (at.column < m.w.count) return;
  at.column = 0;
  at.row += M;
  if (at.row < m.h.count) return;
  at.row = 0;
  ++at.image;
}

template <class T, int M, class Load>
void transform_channels(int64_t channels, const Load& load, T* out, int64_t plane) {
  constexpr int lanes = Packet<T>::size;
  int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) {
    winograd_input<T, M>(
        [&](int i, int j) __attribute__((always_inline)) { return Packet<T>::load(load(i, j) + c); }, out + c, plane);
  }
  if (const int rest = static_cast<int>(channels - c); rest > 0) {
    winograd_input<T, M>(
        [&](int i, int j) __attribute__((always_inline)) { return Packet<T>::load_n(load(i, j) + c, rest); }, out + c, plane);
  }
}

// V of one tile; places outside the source read `zeros`.
template <class T, int M>
void transform_source(const ConvMap<T>& m, const Plan<T, M>& p, const Place& at, const T* zeros, T* out) {
  constexpr int n = M + 2;
  const int64_t h = m.h.low(at.row), w = m.w.low(at.column);
  if (h >= 0 && w >= 0 && h + n <= m.h.size && w + n <= m.w.size) {
    const T* from = m.src + at.image * m.src_image + h * m.src_row + w * m.src_pixel;
    const int64_t row = m.src_row, pixel = m.src_pixel;
    auto load = [&](int i, int j) __attribute__((always_inline)) { return from + i * row + j * pixel; };
    return transform_channels<T, M>(p.channels, load, out, p.plane_v);
  }
  const T* from[n * n];
  for (int i = 0; i < n; ++i) {
    const bool row_inside = h + i >= 0 && h + i < m.h.size;
    const T* row = m.src + at.image * m.src_image + (row_inside ? (h + i) * m.src_row : 0);
    for (int j = 0; j < n; ++j) {
      const bool inside = row_inside && w + j >= 0 && w + j < m.w.size;
      from[i * n + j] = inside ? row + (w + j) * m.src_pixel : zeros;
    }
  }
  auto load = [&](int i, int j) __attribute__((always_inline)) { return from[i * n + j]; };
  transform_channels<T, M>(p.channels, load, out, p.plane_v);
}

template <class T, int M, bool Whole>
NACRE_INLINE void output_packet(const ConvMap<T>& m, const T* from, int64_t plane, const T* bias, T* dst, int lanes, int64_t rows,
                                int64_t columns) {
  using P = Packet<T>;
  constexpr int n = M + 2;
  P t[M][n];
#pragma GCC unroll 6
  for (int j = 0; j < n; ++j) {
    P d[n], y[M];
#pragma GCC unroll 6
    for (int i = 0; i < n; ++i) d[i] = P::load(from + (i * n + j) * plane);
    Winograd<T, M>::output(d, y);
#pragma GCC unroll 4
    for (int i = 0; i < M; ++i) t[i][j] = y[i];
  }
  const P add = bias ? P::load_n(bias, lanes) : P::zero();
#pragma GCC unroll 4
  for (int i = 0; i < M; ++i) {
    P y[M];
    Winograd<T, M>::output(t[i], y);
    T* to = dst + i * m.dst_row;
#pragma GCC unroll 4
    for (int j = 0; j < M; ++j, to += m.dst_pixel) {
      P v = y[j];
      if (bias) v = v + add;
      if (m.relu) v = select(lt(v, P::zero()), P::zero(), v);
      if constexpr (Whole) {
        v.store(to);
      } else if (i < rows && j < columns) {
        v.store_n(to, lanes);
      }
    }
  }
}

template <class T, int M>
void transform_output(const ConvMap<T>& m, const Plan<T, M>& p, const Place& at, const T* from) {
  constexpr int lanes = Packet<T>::size;
  T* dst = m.dst + at.image * m.dst_image + at.row * m.dst_row + at.column * m.dst_pixel;
  const int64_t rows = smaller(M, m.h.count - at.row), columns = smaller(M, m.w.count - at.column);
  for (int64_t o = 0; o < p.outputs; o += lanes) {
    const T* bias = m.bias ? m.bias + o : nullptr;
    if (rows == M && columns == M && o + lanes <= p.outputs) {
      output_packet<T, M, true>(m, from + o, p.plane_m, bias, dst + o, lanes, rows, columns);
    } else {
      output_packet<T, M, false>(m, from + o, p.plane_m, bias, dst + o, static_cast<int>(smaller(lanes, p.outputs - o)), rows,
                                 columns);
    }
  }
}

// The outputs of `tiles` tiles, which are finished: whole rows of the image in one run.
template <class T>
__attribute__((noinline)) void hand_over(const ConvMap<T>& m, int64_t size, Place at, int64_t tiles) {
  const int64_t tile_columns = ceil_div(m.w.count, size);
  while (tiles > 0) {
    const int64_t together = smaller(tiles, tile_columns - at.column / size), rows = smaller(size, m.h.count - at.row);
    const int64_t run = smaller(together * size, m.w.count - at.column) * m.dst_pixel;
    const bool whole = together == tile_columns;
    int64_t begin = at.image * m.dst_image + at.row * m.dst_row + at.column * m.dst_pixel;
    for (int64_t r = 0; r < (whole ? 1 : rows); ++r, begin += m.dst_row) m.after(begin, whole ? rows * run : run, m.dst + begin);
    tiles -= together;
    at.column = 0;
    at.row += size;
    if (at.row >= m.h.count) at.row = 0, ++at.image;
  }
}

// The products of `tiles` tiles.
template <class T, int M>
void multiply(const Plan<T, M>& p, int64_t tiles, const T* packed, const Work<T, M>& work) {
  constexpr int64_t lanes = Packet<T>::size;
  const int64_t strips = ceil_div(tiles, tile_rows(p.packets));
  TileJob<T> job;
  job.a_stride = p.wide_in;
  job.c_stride = p.wide_out;
  for (int place = 0; place < p.n * p.n; ++place) {
    for (int64_t step = 0; step < p.steps; ++step) {
      const int64_t c0 = step * p.step_channels;
      job.kc = smaller(p.step_channels, p.channels - c0);
      job.add = step > 0;
      for (int64_t o = 0; o < p.wide_out; o += p.panel) {
        job.b_stride = smaller(p.panel, p.wide_out - o);
        job.b = packed + place * p.plane_u + o * p.channels + c0 * job.b_stride;
        for (int64_t s = 0; s < strips; ++s) {
          const int64_t i0 = strip_begin(tiles, strips, s), rows = strip_begin(tiles, strips, s + 1) - i0;
          job.a = work.v + place * p.plane_v + i0 * p.wide_in + c0;
          job.c = work.m + place * p.plane_m + i0 * p.wide_out + o;
          find_tile(job.b, false, false, rows, job.b_stride / lanes)(job);
        }
      }
    }
  }
}

template <class T, int M>
void run(const ConvMap<T>& m, void* scratch) {
  if (m.batch == 0 || m.h.count == 0 || m.w.count == 0 || m.dst_channels == 0) return;
  const Plan<T, M> p = make_plan<T, M>(m);
  const T* packed = m.packed;
  char* workers = static_cast<char*>(scratch);
  if (!packed) {
    workers += p.packed_bytes;
    pack_all(m, p, static_cast<T*>(scratch));
    packed = static_cast<T*>(scratch);
  }
  auto body = [&](int64_t begin, int64_t end, int worker) {
    const Work<T, M> work(p, workers, worker);
    for (int64_t c = 0; c < p.wide_in; ++c) work.zeros[c] = T(0);
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * p.block, tiles = smaller(p.block, p.tiles - first);
      Place at = place_of(p, first);
      for (int64_t i = 0; i < tiles; ++i, advance<T, M>(m, at)) transform_source(m, p, at, work.zeros, work.v + i * p.wide_in);
      multiply(p, tiles, packed, work);
      at = place_of(p, first);
      for (int64_t i = 0; i < tiles; ++i, advance<T, M>(m, at)) transform_output(m, p, at, work.m + i * p.wide_out);
      if (m.after) hand_over(m, M, place_of(p, first), tiles);
    }
  };
  parallel_for(p.blocks, 1, body, m.threads);
}

template <class T, int M>
int64_t scratch_of(const ConvMap<T>& m) {
  const Plan<T, M> p = make_plan<T, M>(m);
  return (m.packed ? 0 : p.packed_bytes) + p.worker_bytes * m.threads;
}

template <class T, int M>
int64_t packed_bytes_of(const ConvMap<T>& m) {
  return make_plan<T, M>(m).packed_bytes;
}
template <class T, int M>
void pack(const ConvMap<T>& m, void* packed) {
  pack_all(m, make_plan<T, M>(m), static_cast<T*>(packed));
}

template <class T>
int64_t scratch_of(const ConvMap<T>& m, int tile) {
  return tile == 4 ? scratch_of<T, 4>(m) : scratch_of<T, 2>(m);
}
template <class T>
void run(const ConvMap<T>& m, int tile, void* scratch) {
  if (tile == 4) return run<T, 4>(m, scratch);
  run<T, 2>(m, scratch);
}
template <class T>
int64_t packed_bytes_of(const ConvMap<T>& m, int tile) {
  return tile == 4 ? packed_bytes_of<T, 4>(m) : packed_bytes_of<T, 2>(m);
}
template <class T>
void pack(const ConvMap<T>& m, int tile, void* packed) {
  if (tile == 4) return pack<T, 4>(m, packed);
  pack<T, 2>(m, packed);
}

}  // namespace

int64_t winograd_scratch(const ConvMap<float>& map, int tile) noexcept { return scratch_of(map, tile); }
int64_t winograd_scratch(const ConvMap<double>& map, int tile) noexcept { return scratch_of(map, tile); }
void winograd_run(const ConvMap<float>& map, int tile, void* scratch) noexcept { run(map, tile, scratch); }
void winograd_run(const ConvMap<double>& map, int tile, void* scratch) noexcept { run(map, tile, scratch); }
int64_t winograd_packed_bytes(const ConvMap<float>& map, int tile) noexcept { return packed_bytes_of(map, tile); }
int64_t winograd_packed_bytes(const ConvMap<double>& map, int tile) noexcept { return packed_bytes_of(map, tile); }
void winograd_pack(const ConvMap<float>& map, int tile, void* packed) noexcept { pack(map, tile, packed); }
void winograd_pack(const ConvMap<double>& map, int tile, void* packed) noexcept { pack(map, tile, packed); }

}  // namespace NACRE_ISA
}  // namespace nacre
