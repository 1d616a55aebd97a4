// Which algorithm `automatic` stands for: the one whose estimated cost is least. Costs are in multiply-adds of a matrix product and follow
// from the sizes alone, so that results depend neither on threads nor on the machine. With T tiles of M x M outputs, n = M + 2, C channels
// read and K written, C' and K' whole packets of 8:
//
//   direct       pixels * 9 * C * K'                                      + filter * C * K'
//   Winograd     T * (n^2 * (C + 4) * K' + transform * (C' + K'))         + filter * C * K'
//
// A product of one packet of columns counts kNarrowCost times. 4 stands for what a call of a matrix product costs beside its work; `transform` and `filter` were fitted to timings (Zen 3, AVX2, one
// thread; within some 20 %). Backward-data has the roles of C and K exchanged. Backward-weight transforms x and dy; its filter term is the
// last transform, and its direct form pays for adding each band of an image to dweight.
// float64 is for exactness (gradient checks) and stays direct; so does a filter whose transformed form would take more than 256 MB.
#pragma once

#include "nacre/kernels/conv.h"
#include "nacre/kernels/gemm_tile.h"

namespace nacre {
namespace NACRE_ISA {

struct ConvCost {
  ConvAlgorithm algorithm;
  int64_t tile;
  double transform;             // per channel of a tile, in and out alike
  double filter, large_filter;  // per weight; large: the transformed filter exceeds a second-level cache
};
constexpr double kLargeFilterBytes = 1 << 20, kMostFilterBytes = 256 << 20;
constexpr double kCallCost = 4;
constexpr ConvCost kDirectCost{ConvAlgorithm::direct, 1, 0, 100, 500};
constexpr ConvCost kWinogradCosts[] = {{ConvAlgorithm::winograd_2x2, 2, 115, 200, 700},
                                       {ConvAlgorithm::winograd_4x4, 4, 300, 450, 1200}};
constexpr double kNarrowCost = 1.4;
constexpr double kWeightPassCost = 1.3,
                 kWeightBandCost = 10;        // direct backward-weight: its products are slower; per weight and image
constexpr double kWeightTransformCost = 1.4;  // Winograd backward-weight: its transforms, against forward

static inline double filter_cost(const ConvCost& cost, double weights) {
  const double places = double((cost.tile + 2) * (cost.tile + 2));
  return weights * (places * weights * sizeof(float) > kLargeFilterBytes ? cost.large_filter : cost.filter);
}

static inline ConvAlgorithm choose_conv(const ConvArgs& g, ConvPass pass) {
  if (g.algorithm != ConvAlgorithm::automatic) return g.algorithm;
  if (g.dtype != DType::float32 || !conv_winograd_fits(g)) return ConvAlgorithm::direct;
  const bool data = pass == ConvPass::backward_data, weight = pass == ConvPass::backward_weight;
  const int64_t h = data ? g.in_h : g.out_h, w = data ? g.in_w : g.out_w, source_h = data ? g.out_h : g.in_h;
  const int64_t from = data ? g.out_channels : g.in_channels, to = data ? g.in_channels : g.out_channels;
  const double wide_from = double(round_up(from, 8)), wide_to = double(round_up(to, 8)), weights = double(from) * wide_to;
  const double narrow = wide_to > 8 || weight ? 1 : kNarrowCost;
  // Kernel rows that only meet padding are left out by the direct sum.
  double best = narrow * double(g.batch) * double(h) * double(w) * double(3 * smaller(3, source_h)) * weights;
  best =
      weight ? kWeightPassCost * best + kWeightBandCost * 9 * double(g.batch) * weights : best + filter_cost(kDirectCost, weights);
  ConvAlgorithm choice = ConvAlgorithm::direct;
  for (const ConvCost& cost : kWinogradCosts) {
    const double tiles = double(g.batch) * double(ceil_div(h, cost.tile)) * double(ceil_div(w, cost.tile));
    const double places = double((cost.tile + 2) * (cost.tile + 2));
    const double transform = cost.transform * (weight ? kWeightTransformCost : 1) * (wide_from + wide_to);
    const double total = tiles * (narrow * places * (double(from) + kCallCost) * wide_to + transform) +
                         (weight ? kWeightTransformCost : 1) * filter_cost(cost, weights);
    if (total >= best || places * weights * sizeof(float) > kMostFilterBytes) continue;
    best = total;
    choice = cost.algorithm;
  }
  return choice;
}

}  // namespace NACRE_ISA
}  // namespace nacre
