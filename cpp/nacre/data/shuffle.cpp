// Fisher-Yates from the end, the exchange partner of position i drawn from word i of the epoch's Philox sequence.
// Source: D. Knuth, The Art of Computer Programming, volume 2, algorithm 3.4.2P.
#include "nacre/data/shuffle.h"

#include <utility>

#include "nacre/base/error.h"
#include "nacre/base/random.h"

namespace nacre {

void shuffled_order(std::uint64_t seed, std::uint64_t epoch, std::span<std::int64_t> order) noexcept {
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  const RandomKey key{seed, epoch, kShuffleStream};
  for (std::size_t i = order.size(); i > 1; --i) {
    const std::uint64_t other = random_below(random_u64(key, i - 1), i);
    std::swap(order[i - 1], order[static_cast<std::size_t>(other)]);
  }
}

std::vector<std::int64_t> shuffled_order(std::uint64_t seed, std::uint64_t epoch, std::int64_t n) {
  if (n < 0) raise<ValueError>("shuffle: n must be >= 0, got ", n, ".");
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  shuffled_order(seed, epoch, order);
  return order;
}

}  // namespace nacre
