// Winograd backward-weight: dG = G^T [ sum over tiles (B^T d B) * (A dY A^T) ] G, one N x N of places for each pair of channels.
//
// The tiles are taken in rounds. In a round all threads first transform the tiles of x into V [N*N][tiles, Cin] and of dy into W (the packed
// panels of a matrix product), then share the N*N products P += V^T W among them by places and columns. P becomes dweight at the end.
// Rounds depend on the sizes alone and each element of P has one owner in a round: bits do not depend on threads.
#include "nacre/kernels/conv_map.h"
#include "nacre/kernels/conv_winograd.h"

namespace nacre {
namespace NACRE_ISA {
namespace {

constexpr int64_t kRoundBytes = 1 << 20;            // V and W of a round
constexpr int64_t kMinTiles = 64, kMaxTiles = 256;  // of a round: long enough to pay for reading and writing P
constexpr int64_t kTileGrain = 8;
constexpr int64_t kColumns = 128;  // of P, taken by one thread

template <class T, int M>
struct Plan {
  static constexpr int n = M + 2;
  ConvAxis h, w;
  int64_t tile_rows, tile_columns, tiles, round;
  int64_t channels, outputs, wide_out;
  int64_t row_v;  // elements from tile to tile
  int packets;
  int64_t panel, columns;
  int64_t plane_v, plane_w, plane_p;
  int64_t zeros, bytes;
};

template <class T, int M>
Plan<T, M> make_plan(const ConvArgs& g) {
  Plan<T, M> p{};
  constexpr int64_t lanes = Packet<T>::size, places = (M + 2) * (M + 2), size = sizeof(T), line = 64 / size;
  p.h = {g.out_h, 3, 1, 1, -g.pad_top, g.in_h};
  p.w = {g.out_w, 3, 1, 1, -g.pad_left, g.in_w};
  p.tile_rows = ceil_div(g.out_h, M);
  p.tile_columns = ceil_div(g.out_w, M);
  p.tiles = g.batch * p.tile_rows * p.tile_columns;
  p.channels = g.in_channels;
  p.outputs = g.out_channels;
  p.wide_out = round_up(p.outputs, lanes);
  const int64_t wide_in = round_up(p.channels, lanes), lines = ceil_div(wide_in, line);
  p.row_v = lines < 8 ? wide_in : (lines | 1) * line;  // the rows that one tile of P reads must not meet in few cache sets
  p.round = smaller(kMaxTiles, larger(kMinTiles, kRoundBytes / (places * (p.row_v + p.wide_out) * size) / 8 * 8));
  p.round = larger(1, smaller(p.round, p.tiles));
  p.packets = choose_packets(p.channels, p.wide_out / lanes);
  p.panel = p.packets * lanes;
  p.columns = larger(p.panel, kColumns / p.panel * p.panel);
  p.plane_v = winograd_plane<T>(p.round * p.row_v);
  p.plane_w = winograd_plane<T>(p.round * p.wide_out);
  p.plane_p = winograd_plane<T>(p.channels * p.wide_out);
  p.zeros = larger(wide_in, p.wide_out);
  p.bytes = (places * (p.plane_v + p.plane_w + p.plane_p) + p.zeros) * size;
  return p;
}

// n x n places (of a source of m x m, m < n, the transposed output transform) of one packet: load(i, j), results to
// out + (i * n + j) * plane.
template <class T, int M, class Load>
NACRE_INLINE void transform_gradient(const Load& load, T* out, int64_t plane) {
  constexpr int n = M + 2;
  Packet<T> t[M][n];
#pragma GCC unroll 4
  for (int i = 0; i < M; ++i) {
    Packet<T> d[M];
#pragma GCC unroll 4
    for (int j = 0; j < M; ++j) d[j] = load(i, j);
    Winograd<T, M>::output_gradient(d, t[i]);
  }
#pragma GCC unroll 6
  for (int j = 0; j < n; ++j) {
    Packet<T> d[M], w[n];
#pragma GCC unroll 4
    for (int i = 0; i < M; ++i) d[i] = t[i][j];
    Winograd<T, M>::output_gradient(d, w);
#pragma GCC unroll 6
    for (int i = 0; i < n; ++i) w[i].store(out + (i * n + j) * plane);
  }
}

// A square of `side` x `side` pixels from (h, w) on, which may reach over the edges of an image of height x width.
template <class T, int side>
struct Square {
  const T* at[side * side];

  Square(const T* image, int64_t h, int64_t w, int64_t height, int64_t width, int64_t channels, const T* zeros) {
    for (int i = 0; i < side; ++i) {
      const bool row_inside = h + i >= 0 && h + i < height;
      for (int j = 0; j < side; ++j) {
        const bool inside = row_inside && w + j >= 0 && w + j < width;
        at[i * side + j] = inside ? image + ((h + i) * width + w + j) * channels : zeros;
      }
    }
  }
};

template <class T, int M>
void transform_tile(const ConvArgs& g, const Plan<T, M>& p, int64_t tile, int64_t slot, const T* zeros, T* v, T* w) {
  using P = Packet<T>;
  constexpr int lanes = P::size;
  const int64_t in_image = tile % (p.tile_rows * p.tile_columns), image = tile / (p.tile_rows * p.tile_columns);
  const int64_t row = in_image / p.tile_columns * M, column = in_image % p.tile_columns * M;
  const Square<T, M + 2> x(static_cast<const T*>(g.x) + image * g.in_h * g.in_w * p.channels, p.h.low(row), p.w.low(column), g.in_h,
                           g.in_w, p.channels, zeros);
  T* to = v + slot * p.row_v;
  int64_t c = 0;
  for (; c + lanes <= p.channels; c += lanes) {
    winograd_input<T, M>(
        [&](int i, int j) __attribute__((always_inline)) { return P::load(x.at[i * (M + 2) + j] + c); }, to + c, p.plane_v);
  }
  if (const int rest = static_cast<int>(p.channels - c); rest > 0) {
    winograd_input<T, M>(
        [&](int i, int j) __attribute__((always_inline)) { return P::load_n(x.at[i * (M + 2) + j] + c, rest); }, to + c, p.plane_v);
  }
  const Square<T, M> dy(static_cast<const T*>(g.dy) + image * g.out_h * g.out_w * p.outputs, row, column, g.out_h, g.out_w,
                        p.outputs, zeros);
  for (int64_t o = 0; o < p.outputs; o += lanes) {
    const int64_t first = o / p.panel * p.panel, width = smaller(p.panel, p.wide_out - first);
    T* out = w + first * p.round + slot * width + (o - first);
    if (o + lanes <= p.outputs) {
      transform_gradient<T, M>(
          [&](int i, int j) __attribute__((always_inline)) { return P::load(dy.at[i * M + j] + o); }, out, p.plane_w);
    } else {
      const int rest = static_cast<int>(p.outputs - o);
      transform_gradient<T, M>(
          [&](int i, int j) __attribute__((always_inline)) { return P::load_n(dy.at[i * M + j] + o, rest); }, out, p.plane_w);
    }
  }
}

// Columns [o0, o1) of one place's P, from `tiles` tiles.
template <class T, int M>
void multiply(const Plan<T, M>& p, int64_t tiles, const T* v, const T* w, int64_t o0, int64_t o1, bool add, T* out) {
  constexpr int64_t lanes = Packet<T>::size;
  const int64_t strips = ceil_div(p.channels, tile_rows(p.packets));
  TileJob<T> job;
  job.kc = tiles;
  job.a_stride = p.row_v;
  job.c_stride = p.wide_out;
  job.add = add;
  for (int64_t o = o0; o < o1; o += p.panel) {
    job.b_stride = smaller(p.panel, p.wide_out - o);
    job.b = w + o * p.round;
    for (int64_t s = 0; s < strips; ++s) {
      const int64_t c0 = strip_begin(p.channels, strips, s), rows = strip_begin(p.channels, strips, s + 1) - c0;
      job.a = v + c0;
      job.c = out + c0 * p.wide_out + o;
      find_tile(job.b, true, false, rows, job.b_stride / lanes)(job);
    }
  }
}

// dweight[., ., c, .] from P.
template <class T, int M>
void transform_weight(const ConvArgs& g, const Plan<T, M>& p, int64_t c, const T* from) {
  using P = Packet<T>;
  constexpr int n = M + 2, lanes = P::size;
  from += c * p.wide_out;
  for (int64_t o = 0; o < p.outputs; o += lanes) {
    P t[3][n];
#pragma GCC unroll 6
    for (int j = 0; j < n; ++j) {
      P u[n], d[3];
#pragma GCC unroll 6
      for (int i = 0; i < n; ++i) u[i] = P::load(from + (i * n + j) * p.plane_p + o);
      Winograd<T, M>::taps_gradient(u, d);
#pragma GCC unroll 3
      for (int i = 0; i < 3; ++i) t[i][j] = d[i];
    }
    T* out = static_cast<T*>(g.dweight) + c * p.outputs + o;
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i) {
      P d[3];
      Winograd<T, M>::taps_gradient(t[i], d);
#pragma GCC unroll 3
      for (int j = 0; j < 3; ++j)
        d[j].store_n(out + (3 * i + j) * p.channels * p.outputs, static_cast<int>(smaller(lanes, p.outputs - o)));
    }
  }
}

template <class T, int M>
void run(const ConvArgs& g, void* scratch) {
  const Plan<T, M> p = make_plan<T, M>(g);
  constexpr int64_t places = (M + 2) * (M + 2);
  T* v = static_cast<T*>(scratch);
  T* w = v + places * p.plane_v;
  T* sum = w + places * p.plane_w;
  T* zeros = sum + places * p.plane_p;
  for (int64_t i = 0; i < p.zeros; ++i) zeros[i] = T(0);
  const int64_t parts = ceil_div(p.wide_out, p.columns), unit_work = p.round * p.channels * smaller(p.columns, p.wide_out);
  for (int64_t first = 0; first < p.tiles; first += p.round) {
    const int64_t tiles = smaller(p.round, p.tiles - first);
    auto transform = [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) transform_tile(g, p, first + i, i, zeros, v, w);
    };
    parallel_for(tiles, kTileGrain, transform, g.threads);
    auto products = [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t place = i / parts, o0 = i % parts * p.columns;
        multiply(p, tiles, v + place * p.plane_v, w + place * p.plane_w, o0, smaller(p.wide_out, o0 + p.columns), first > 0,
                 sum + place * p.plane_p);
      }
    };
    parallel_for(places * parts, larger(1, kForkWork / 4 / unit_work), products, g.threads);
  }
  auto finish = [&](int64_t begin, int64_t end, int) {
    for (int64_t c = begin; c < end; ++c) transform_weight(g, p, c, sum);
  };
  parallel_for(p.channels, larger(1, 4096 / p.wide_out), finish, g.threads);
}

template <class T>
int64_t scratch_of(const ConvArgs& g, int tile) {
  return tile == 4 ? make_plan<T, 4>(g).bytes : make_plan<T, 2>(g).bytes;
}
template <class T>
void run(const ConvArgs& g, int tile, void* scratch) {
  if (tile == 4) return run<T, 4>(g, scratch);
  run<T, 2>(g, scratch);
}

}  // namespace

int64_t winograd_weight_scratch(const ConvArgs& g, int tile) noexcept {
  return g.dtype == DType::float64 ? scratch_of<double>(g, tile) : scratch_of<float>(g, tile);
}

void winograd_weight(const ConvArgs& g, int tile, void* scratch) noexcept {
  if (g.dtype == DType::float64) return run<double>(g, tile, scratch);
  run<float>(g, tile, scratch);
}

}  // namespace NACRE_ISA
}  // namespace nacre
