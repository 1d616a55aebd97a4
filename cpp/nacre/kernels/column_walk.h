// Walking contiguous [rows, columns] arrays with one constant per column: sums of columns in the order of reduce_chunk.h, and maps.
//
// Rows of few columns are walked several at once, a stretch, with the constants repeated over it: a row of 16 channels is two packets, and the
// loop around them would cost more than they do. The lanes of a sum lie side by side, so a stretch is added to a stretch.
// Arrays that a plan makes or takes tile by tile go through hooks (tile_hook.h), in tiles that stay in the first cache.
#pragma once

#include <string.h>

#include "nacre/base/threads.h"
#include "nacre/kernels/column_bands.h"
#include "nacre/kernels/reduce_chunk.h"
#include "nacre/kernels/tile_hook.h"

// As NACRE_PACKET_LAMBDA, with copies of what it uses: these loops store, and what lies behind a reference would be read again after each store.
#define NACRE_PACKET_VALUES(...) [=](__VA_ARGS__) __attribute__((always_inline))

namespace nacre::NACRE_ISA {
namespace {

constexpr int64_t kWalkGrain = 16384;  // elements per piece of work
constexpr int64_t kFar = 4 << 20;      // bytes of an array that is in no cache of its own core
constexpr int64_t kStretch = 64;       // elements of a stretch of walk_rows, at least
// Elements of a tile. Short ones: while a kernel works on one, the processor already reads the next one's arrays.
template <class T>
constexpr int64_t kWalkTile = 1024 / static_cast<int64_t>(sizeof(T));

// `rows` is a power of two, so that 64 lanes hold whole stretches.
struct Stretch {
  int64_t rows = 1, length;
  Stretch(int64_t columns, int64_t least) : length(columns) {
    while (length < least && rows < kLanes) rows *= 2, length *= 2;
  }
};

template <class T, int N>
struct Constants {
  const T* at[N];
};
// N arrays of one value per column, as long as a stretch; null ones stay null.
template <class T, int N, int64_t kLength = 2 * kStretch>
struct Repeated : Constants<T, N> {
  using Constants<T, N>::at;
  T memory[N][kLength];
  Repeated(const Stretch& s, int64_t columns, const T* const (&arrays)[N]) {
    for (int i = 0; i < N; ++i) {
      at[i] = arrays[i];
      if (!arrays[i] || s.rows == 1) continue;
      for (int64_t r = 0; r < s.rows; ++r) memcpy(memory[i] + r * columns, arrays[i], static_cast<size_t>(columns) * sizeof(T));
      at[i] = memory[i];
    }
  }
};

// An array, or what a hook makes of it: at(begin, n) gives the elements from `begin` on.
template <class T>
struct TileSource {
  T* array = nullptr;  // null: the hook's elements are in a buffer only
  TileHook hook;
  NACRE_INLINE const T* at(int64_t begin, int64_t n, T* buffer) const {
    T* tile = array ? array + begin : buffer;
    hook(begin, n, tile);
    return tile;
  }
  // For a second pass: what is in memory by now is not made again.
  [[nodiscard]] TileSource again() const { return {array, array ? TileHook{} : hook}; }
};

template <class T>
constexpr int64_t column_partial(int64_t rows, int64_t columns) {
  return rows > kChunk ? ceil_div(rows, kChunk) * columns : 0;
}

// finish(s, column, total) for S sums at once. map(v, row, at, j, some, c, out): v are the elements at .. at + some of the source, c.at[k] + j their
// constants; out[S] are the packets to add. Unless `joined` they lie in row `row`, and j is the column.
// partial: S * column_partial<T>(rows, columns) values.
template <int S, class T, int N, class Map, class Finish>
void column_sums(int64_t rows, int64_t columns, const TileSource<T>& source, const T* const (&constants)[N], bool joined,
                 const Map& map, T* partial, const Finish& finish) {
  if (columns == 0) return;
  const int64_t chunks = max64(1, ceil_div(rows, kChunk)), threads = num_threads();
  int64_t width = kSumColumns<T>;
  while (threads > 1 && width > kSumColumns<T> / 8 && ceil_div(columns, width) * chunks < 2 * threads) width /= 2;
  const int64_t blocks = ceil_div(columns, width);
  const bool far = rows * columns * static_cast<int64_t>(sizeof(T)) > kFar && !source.hook;
  const Stretch s(columns, joined && blocks == 1 ? kWalkTile<T> : 0);
  parallel_for(
      blocks * chunks, max64(1, kWalkGrain / (min64(rows, kChunk) * min64(columns, width) + 1)),
      [&](int64_t begin, int64_t end, int) {
        alignas(64) T acc[S][kSumApart<T>];
        alignas(64) const T zero[kSumColumns<T>] = {};
        alignas(64) T buffer[2 * kWalkTile<T>];
        const Repeated<T, N, 2 * kWalkTile<T>> repeated(s, columns, constants);
        for (int64_t item = begin; item < end; ++item) {
          const int64_t chunk = item % chunks, first = item / chunks * width, row0 = chunk * kChunk;
          const int64_t count = min64(width, columns - first);
          const ColumnBands<T> bands(min64(kChunk, rows - row0), s.rows, count);
          const int64_t tile_rows = source.hook ? max64(1, kWalkTile<T> / count / s.rows) * s.rows : blocks > 1 ? 1 : bands.lanes;
          const auto add = [&](int64_t top, int64_t bottom, bool again, T* sum) __attribute__((always_inline)) {
            const Map own = map;
            const Constants<T, N> c = repeated;
            // The band's next rows: the hardware foresees no jump. Where they are in a cache already it would cost.
            const int64_t ahead = S == 1 && far && bands.lanes < kLanes && top + kLanes < bands.n ? kLanes * columns : 0;
            for (int64_t r = top; r < bottom; r += tile_rows) {
              const int64_t in_tile = min64(tile_rows, bottom - r), start = (row0 + r) * columns + first;
              const T* tile = source.at(start, in_tile * count, buffer);
              for (int64_t q = 0; q < in_tile; q += s.rows, sum += bands.stride) {
                const int64_t row = row0 + r + q, at = start + q * count, j = first, apart = again ? kSumApart<T> : 0;
                const T *from = tile + q * count, *before = again ? sum : zero;
                T* to = sum;
                const auto run = [&](int64_t next) __attribute__((always_inline)) {
                  for_packets<T>(
                      min64(s.rows, in_tile - q) * count, NACRE_PACKET_LAMBDA(int64_t i, int some) {
                        Packet<T> out[S];
                        if (next != 0) __builtin_prefetch(from + i + next);
                        own(load_some(from + i, some), row, at + i, j + i, some, c, out);
#pragma GCC unroll 2
                        for (int k = 0; k < S; ++k)
                          store_some(to + k * kSumApart<T> + i, some, load_some(before + k * apart + i, some) + out[k]);
                      });
                };
                if (ahead != 0)
                  run(ahead);
                else
                  run(0);
              }
            }
          };
          sum_bands(
              bands, S, acc[0],
              [](const void* f, int64_t top, int64_t bottom, bool again, T* sum) {
                (*static_cast<decltype(&add)>(f))(top, bottom, again, sum);
              },
              &add);
          for (int k = 0; k < S; ++k) {
            for (int64_t j = 0; j < count; ++j) {
              if (chunks == 1)
                finish(k, first + j, static_cast<double>(acc[k][j]));
              else
                partial[(k * chunks + chunk) * columns + first + j] = acc[k][j];
            }
          }
        }
      });
  if (chunks == 1) return;
  for (int k = 0; k < S; ++k) {
    for (int64_t j = 0; j < columns; ++j) {
      double total = 0;
      for (int64_t chunk = 0; chunk < chunks; ++chunk) total += static_cast<double>(partial[(k * chunks + chunk) * columns + j]);
      finish(k, j, total);
    }
  }
}

// target = map(v, at, j, some, c) for all elements v of `source`.
template <class T, int N, class Map>
void walk_rows(int64_t rows, int64_t columns, const TileSource<T>& source, const TileSource<T>& target,
               const T* const (&constants)[N], const Map& map) {
  if (columns == 0) return;
  const Stretch s(columns, kStretch);
  const bool wide = columns >= kWalkTile<T>;  // a tile is a part of a row
  const int64_t tile_rows = wide ? 1 : kWalkTile<T> / columns / s.rows * s.rows;
  parallel_for(ceil_div(rows, tile_rows), max64(1, kWalkGrain / (tile_rows * columns)), [&](int64_t begin, int64_t end, int) {
    alignas(64) T buffer[2][kWalkTile<T>];
    const Repeated<T, N> repeated(s, columns, constants);
    const Constants<T, N> c = repeated;
    const Map own = map;
    for (int64_t t = begin; t < end; ++t) {
      const int64_t row = t * tile_rows, n = min64(tile_rows, rows - row) * columns;
      for (int64_t piece = 0; piece < n; piece += kWalkTile<T>) {
        const int64_t m = min64(kWalkTile<T>, n - piece), start = row * columns + piece, step = wide ? m : s.length;
        const T* in = source.at(start, m, buffer[0]);
        T* out = target.array ? target.array + start : buffer[1];
        for (int64_t i = 0; i < m; i += step) {
          for_packets<T>(
              min64(step, m - i), NACRE_PACKET_LAMBDA(int64_t j, int some) {
                store_some(out + i + j, some, own(load_some(in + i + j, some), start + i + j, piece + j, some, c));
              });
        }
        target.hook(start, m, out);
      }
    }
  });
}

}  // namespace
}  // namespace nacre::NACRE_ISA
