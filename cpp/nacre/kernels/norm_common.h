// What layer, batch and group norm share: packet loops, statistics of a row, walks over rows of columns.
#pragma once

#include "nacre/base/threads.h"
#include "nacre/kernels/column_walk.h"
#include "nacre/kernels/norm.h"

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

}  // namespace
}  // namespace nacre::NACRE_ISA
