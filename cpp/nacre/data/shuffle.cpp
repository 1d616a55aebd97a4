// Fisher-Yates from the end, the exchange partner of position i drawn from word i of the epoch's Philox sequence (kernels/random.h).
// Source: D. Knuth, The Art of Computer Programming, volume 2, algorithm 3.4.2P.
#include "nacre/data/shuffle.h"

#include "nacre/base/error.h"
#include "nacre/base/random.h"
#include "nacre/kernels/table.h"

namespace nacre {

void shuffled_order(std::uint64_t seed, std::uint64_t epoch, std::span<std::int64_t> order) noexcept {
  cpu_kernels().random.permutation({seed, epoch, kShuffleStream}, static_cast<std::int64_t>(order.size()), order.data());
}

std::vector<std::int64_t> shuffled_order(std::uint64_t seed, std::uint64_t epoch, std::int64_t n) {
  if (n < 0) raise<ValueError>("shuffle: n must be >= 0, got ", n, ".");
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  shuffled_order(seed, epoch, order);
  return order;
}

}  // namespace nacre
