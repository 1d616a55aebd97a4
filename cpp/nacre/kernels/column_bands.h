// Sums of a chunk's columns in the order of reduce_chunk.h: row r goes to lane r mod 64, lanes are folded by halves.
//
// A band of neighbouring lanes after the other, each over all its rows of the chunk: rows are read in runs of two pages at most while their sums stay in
// the first cache. (All 64 lanes side by side leave room there for few columns, and each of their short runs is on another page.)
#pragma once

#include "nacre/kernels/reduce_chunk.h"

namespace nacre::NACRE_ISA {

// Columns summed at once, at most: a page.
template <class T>
constexpr int64_t kSumColumns = 4096 / static_cast<int64_t>(sizeof(T));
template <class T>
constexpr int64_t kSumBand = 2 * kSumColumns<T>;
// Up to six bands, each waiting for its other half. One sum apart from the other by more than a page: a load is held up by a store of the same place in
// another page.
template <class T>
constexpr int64_t kSumApart = 6 * kSumBand<T> + 512 / static_cast<int64_t>(sizeof(T));

template <class T>
struct ColumnBands {
  int64_t n, rows, count, stride;  // rows of the chunk, of a stretch; columns; where the next stretch's sums lie
  int64_t lanes, length;           // of a band, and its elements
  ColumnBands(int64_t chunk_rows, int64_t stretch_rows, int64_t columns) : n(chunk_rows), rows(stretch_rows), count(columns) {
    constexpr int64_t size = simd::Packet<T>::size;
    stride = (rows * count + size - 1) / size * size;
    const int64_t most =
        64 / rows * stride <= 4 * kSumBand<T> ? 4 * kSumBand<T> : kSumBand<T>;  // one band has no other to wait for
    for (lanes = rows, length = stride; lanes < 64 && lanes < n && 2 * length <= most; lanes *= 2) length *= 2;
  }
};

// add(f, top, bottom, again, sum): adds rows [top, bottom) of the chunk to a band's sums, or to 0 unless `again`. S sums begin at acc, kSumApart
// after each other, and end in their first `count` values.
template <class T>
using AddBand = void (*)(const void* f, int64_t top, int64_t bottom, bool again, T* sum);
void sum_bands(const ColumnBands<float>& bands, int sums, float* acc, AddBand<float> add, const void* f);
void sum_bands(const ColumnBands<double>& bands, int sums, double* acc, AddBand<double> add, const void* f);

}  // namespace nacre::NACRE_ISA
