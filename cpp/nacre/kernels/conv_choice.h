// Which algorithm `automatic` stands for: the one whose estimated cost is least. Costs are in multiply-adds of a matrix product; those of the
// transforms were measured against it, per element of a tile, and follow from the sizes alone, so that results depend neither on threads
// nor on the machine. float64 is for exactness (gradient checks) and stays direct.
//
//   direct       pixels * 9 * C * K'
//   Winograd     tiles * (n^2 * C * K' + from * C' + to * K') + filter * C * K'          n = M + 2; C', K': whole packets of 8
//
// Backward-data has the roles of C and K exchanged; backward-weight transforms x and dy, and its filter term is the last transform.
#pragma once

#include "nacre/kernels/conv.h"
#include "nacre/kernels/gemm_tile.h"

namespace nacre {
namespace NACRE_ISA {

// Multiply-adds that one element's share of a transform costs, by the size of the tile.
struct WinogradCost {
  int64_t tile;
  double from, to, filter;
};
constexpr WinogradCost kWinogradCosts[] = {{2, 80, 60, 60}, {4, 200, 160, 120}};

static inline double winograd_cost(const WinogradCost& cost, int64_t batch, int64_t h, int64_t w, int64_t from, int64_t to) {
  const double tiles = double(batch) * double(ceil_div(h, cost.tile)) * double(ceil_div(w, cost.tile));
  const double places = double((cost.tile + 2) * (cost.tile + 2)), wide_to = double(round_up(to, 8));
  return tiles * (places * double(from) * wide_to + cost.from * double(round_up(from, 8)) + cost.to * wide_to) +
         cost.filter * double(from) * wide_to;
}

static inline ConvAlgorithm choose_conv(const ConvArgs& g, ConvPass pass) {
  if (g.algorithm != ConvAlgorithm::automatic) return g.algorithm;
  if (g.dtype != DType::float32 || !conv_winograd_fits(g)) return ConvAlgorithm::direct;
  const bool data = pass == ConvPass::backward_data;
  const int64_t h = data ? g.in_h : g.out_h, w = data ? g.in_w : g.out_w;
  const int64_t from = data ? g.out_channels : g.in_channels, to = data ? g.in_channels : g.out_channels;
  // Taps on padding cost the direct sum nothing where they exceed the image; this matters for images of a pixel or two.
  const int64_t taps_h = smaller(3, data ? g.out_h : g.in_h), taps_w = smaller(3, data ? g.out_w : g.in_w);
  double best = double(g.batch) * double(h) * double(w) * double(taps_h * taps_w) * double(from) * double(round_up(to, 8));
  ConvAlgorithm choice = ConvAlgorithm::direct;
  for (const WinogradCost& cost : kWinogradCosts) {
    const double c = winograd_cost(cost, g.batch, h, w, from, to);
    if (c >= best) continue;
    best = c;
    choice = cost.tile == 2 ? ConvAlgorithm::winograd_2x2 : ConvAlgorithm::winograd_4x4;
  }
  return choice;
}

}  // namespace NACRE_ISA
}  // namespace nacre
