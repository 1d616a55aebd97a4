// What layer, batch and group norm share: packet loops, statistics of a row, sums of columns in the order of reduce_chunk.h.
#pragma once

#include "nacre/base/threads.h"
#include "nacre/kernels/norm.h"
#include "nacre/kernels/reduce_chunk.h"

namespace nacre::NACRE_ISA {

void fill_layer_norm(NormTable& table);
void fill_batch_norm(NormTable& table);
void fill_group_norm(NormTable& table);

namespace {

constexpr int64_t kNormGrain = 16384;  // elements per piece of work

// var from the sum of squared deviations around `center`, where the true mean is center + rest.
inline double variance_of(double squares, double n, double rest) {
  const double v = squares / n - rest * rest;
  return v < 0 ? 0 : v;
}

// Sums over rows: for every column j of `columns`, finish(j, total) with total = sum_r map(r, j). map(r, j, some) gives a packet.
// partial: column_partial<T>(rows, columns) values.
template <class T>
constexpr int64_t column_partial(int64_t rows, int64_t columns) {
  return rows > kChunk ? ceil_div(rows, kChunk) * columns : 0;
}

template <class T, class Map, class Finish>
void column_sums(int64_t rows, int64_t columns, const Map& map, T* partial, const Finish& finish) {
  const int64_t chunks = max64(1, ceil_div(rows, kChunk)), blocks = ceil_div(columns, kColumns<T>);
  parallel_for(blocks * chunks, max64(1, kNormGrain / (min64(rows, kChunk) * min64(columns, kColumns<T>) + 1)),
               [&](int64_t begin, int64_t end, int) {
                 T part[kColumns<T>];
                 for (int64_t item = begin; item < end; ++item) {
                   const int64_t chunk = item % chunks, first = item / chunks * kColumns<T>, row0 = chunk * kChunk;
                   const int count = static_cast<int>(min64(kColumns<T>, columns - first));
                   fold_columns<Add, T>(
                       min64(kChunk, rows - row0), count, [&](int64_t r) { return row0 + r; },
                       NACRE_PACKET_LAMBDA(int64_t r, int j, int some) { return map(r, first + j, some); }, part);
                   for (int j = 0; j < count; ++j) {
                     if (chunks == 1)
                       finish(first + j, static_cast<double>(part[j]));
                     else
                       partial[chunk * columns + first + j] = part[j];
                   }
                 }
               });
  if (chunks == 1) return;
  for (int64_t j = 0; j < columns; ++j) {
    double total = 0;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) total += static_cast<double>(partial[chunk * columns + j]);
    finish(j, total);
  }
}

}  // namespace
}  // namespace nacre::NACRE_ISA
