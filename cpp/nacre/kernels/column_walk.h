// Walking contiguous [rows, columns] arrays with one constant per column: sums of columns in the order of reduce_chunk.h, and maps.
//
// Rows of few columns are walked several at once, a stretch, with the constants repeated over it: a row of 16 channels is two packets, and the
// loop around them would cost more than they do. The lanes of a sum lie side by side, so a stretch is added to a stretch.
// Arrays that a plan makes or takes tile by tile go through hooks (tile_hook.h), in tiles that stay in the first cache.
#pragma once

#include <string.h>

#include "nacre/base/threads.h"
#include "nacre/kernels/reduce_chunk.h"
#include "nacre/kernels/tile_hook.h"

// As NACRE_PACKET_LAMBDA, with copies of what it uses: these loops store, and what lies behind a reference would be read again after each store.
#define NACRE_PACKET_VALUES(...) [=](__VA_ARGS__) __attribute__((always_inline))

namespace nacre::NACRE_ISA {
namespace {

constexpr int64_t kWalkGrain = 16384;  // elements per piece of work
constexpr int64_t kStretch = 64;       // elements of a stretch, at least
// Elements of a tile. Short ones: while a kernel works on one, the processor already reads the next one's arrays.
template <class T>
constexpr int64_t kWalkTile = 1024 / static_cast<int64_t>(sizeof(T));
// Columns summed at once: 64 lanes of them are 32 KiB.
template <class T>
constexpr int64_t kWalkColumns = kHookedColumns / static_cast<int64_t>(sizeof(T));

// `rows` is a power of two, so that 64 lanes hold whole stretches.
struct Stretch {
  int64_t rows = 1, length;
  Stretch(int64_t columns, bool joined) : length(columns) {
    while (joined && length < kStretch && rows < kLanes) rows *= 2, length *= 2;
  }
};

// N arrays of one value per column, as long as a stretch; null ones stay null.
template <class T, int N>
struct Repeated {
  const T* at[N];
  T memory[N][2 * kStretch];
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
  constexpr int size = Packet<T>::size;
  if (columns == 0) return;
  const int64_t chunks = max64(1, ceil_div(rows, kChunk)), blocks = ceil_div(columns, kWalkColumns<T>);
  const Stretch s(columns, joined && blocks == 1);
  const int64_t stride = ceil_div(blocks > 1 ? kWalkColumns<T> : s.length, size) * size, wrap = kLanes / s.rows * stride;
  parallel_for(
      blocks * chunks, max64(1, kWalkGrain / (min64(rows, kChunk) * min64(columns, kWalkColumns<T>) + 1)),
      [&](int64_t begin, int64_t end, int) {
        // 64 lanes, one sum apart from the other by more than a page: a load is held up by a store of the same place in another page.
        constexpr int64_t kApart = kLanes * kWalkColumns<T> + 512 / static_cast<int64_t>(sizeof(T));
        alignas(64) T acc[S][kApart];
        const Map own = map;
        alignas(64) T buffer[kWalkTile<T>];
        const Repeated<T, N> c(s, columns, constants);
        for (int64_t item = begin; item < end; ++item) {
          const int64_t chunk = item % chunks, first = item / chunks * kWalkColumns<T>, row0 = chunk * kChunk;
          const int64_t count = min64(kWalkColumns<T>, columns - first), n = min64(kChunk, rows - row0);
          const int64_t lanes = min64(n, kLanes), stretches = max64(1, ceil_div(lanes, s.rows));
          for (int k = 0; k < S; ++k) memset(acc[k], 0, static_cast<size_t>(stretches * stride) * sizeof(T));
          const int64_t tile_rows = blocks > 1 ? 1 : source.hook ? max64(1, kWalkTile<T> / count / s.rows) * s.rows : max64(n, 1);
          int64_t lane = 0;  // where the sums of the stretch lie
          for (int64_t r = 0; r < n; r += tile_rows) {
            const int64_t in_tile = min64(tile_rows, n - r), start = (row0 + r) * columns + first;
            const T* tile = source.at(start, in_tile * count, buffer);
            for (int64_t q = 0; q < in_tile; q += s.rows) {
              const int64_t base = q * count, row = row0 + r + q;
              const int64_t length = min64(s.rows, in_tile - q) * count;
              Packet<T> out[S];
              int64_t i = 0;
              for (; i + size <= length; i += size) {
                own(load_some(tile + base + i, size), row, start + base + i, first + i, size, c, out);
#pragma GCC unroll 2
                for (int k = 0; k < S; ++k) (Packet<T>::load(acc[k] + lane + i) + out[k]).store(acc[k] + lane + i);
              }
              if (i < length) {
                const int some = static_cast<int>(length - i);
                own(load_some(tile + base + i, some), row, start + base + i, first + i, some, c, out);
#pragma GCC unroll 2
                for (int k = 0; k < S; ++k) (Packet<T>::load_n(acc[k] + lane + i, some) + out[k]).store_n(acc[k] + lane + i, some);
              }
              lane = lane + stride == wrap ? 0 : lane + stride;
            }
          }
          // Lane l with lane l + half: whole stretches first, then the rows within the first one. Lanes without a row hold 0; adding it changes
          // nothing, for a sum that began with 0 is never -0.
          for (int k = 0; k < S; ++k) {
            T* a = acc[k];
            int64_t half = kLanes / 2;
            for (; half >= s.rows; half /= 2) {
              const int64_t apart = half / s.rows;
              for (int64_t l = 0; l < apart && l + apart < stretches; ++l) {
                for (int64_t j = 0; j < stride; j += size)
                  (Packet<T>::load(a + l * stride + j) + Packet<T>::load(a + (l + apart) * stride + j)).store(a + l * stride + j);
              }
            }
            for (; half > 0; half /= 2) {
              for (int64_t j = 0; j < half * count; ++j) a[j] += a[j + half * count];
            }
            for (int64_t j = 0; j < count; ++j) {
              if (chunks == 1)
                finish(k, first + j, static_cast<double>(a[j]));
              else
                partial[(k * chunks + chunk) * columns + first + j] = a[j];
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
  const Stretch s(columns, true);
  const bool wide = columns >= kWalkTile<T>;  // a tile is a part of a row
  const int64_t tile_rows = wide ? 1 : kWalkTile<T> / columns / s.rows * s.rows;
  parallel_for(ceil_div(rows, tile_rows), max64(1, kWalkGrain / (tile_rows * columns)), [&](int64_t begin, int64_t end, int) {
    alignas(64) T buffer[2][kWalkTile<T>];
    const Repeated<T, N> c(s, columns, constants);
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
