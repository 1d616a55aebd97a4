// Looking into a running plan: statistics of a value, written into a ring of rows. A probe is an op like others, so it sees the value where it lies, before
// its memory serves again; it is paid only where one was put.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

struct Probe {
  Dim bins = 0;
  double low = -1, high = 1;
  static constexpr std::string_view name = "probe_", doc = R"(Writes statistics of x into row `step mod rows` of a ring.

A row holds the step, the Euclidean norm, the mean, the smallest and the largest value, and the counts of a histogram over [low, high): of `bins` equal
bins, values outside of the range in none. NaN and infinities pass into the statistics and are in no bin.

Args:
    ring: float32 or float64 [rows, 5 + bins], contiguous, changed in place; float32 counts to 2^24 only.
    x: Float tensor of any shape with at least one element.
    key: int64 [3], seed, stream and step: what random ops take.
    bins: Number of bins of the histogram; 0: none.
    low: Begin of the first bin.
    high: End of the last one.

Returns:
    Nothing.

Raises:
    ShapeError: The ring's or the key's shape is another.
    ValueError: bins is negative, or low is not below high.)";
  static constexpr Arg inputs[] = {{"ring", kMutated | kNoGrad}, {"x", kNoGrad}, {"key", kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"bins", &Probe::bins}, Field{"low", &Probe::low}, Field{"high", &Probe::high}};
  static constexpr int outputs = 0;
  static constexpr bool internal = true;
  static constexpr std::string_view not_differentiable = "it writes into a ring and has no result";
  static void infer(const Probe& a, In in, Types& out);
  static void run(const Probe& a, Views in, Views out, Context& c);
};

}  // namespace nacre::op
