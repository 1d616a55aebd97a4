// The order of the rows in an epoch: a permutation that depends on nothing but (seed, epoch, n), so that training repeats to the
// bit with any number of threads and continues exactly after a save.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nacre/base/api.h"

namespace nacre {

// The Philox stream of shuffling. Layers number theirs from 0 upwards.
inline constexpr std::uint32_t kShuffleStream = 0xFFFF0001u;

// Fills `order` with a permutation of 0 .. order.size() - 1. Every permutation is possible; each is as likely as the next within
// n / 2^64.
NACRE_API void shuffled_order(std::uint64_t seed, std::uint64_t epoch, std::span<std::int64_t> order) noexcept;
NACRE_API std::vector<std::int64_t> shuffled_order(std::uint64_t seed, std::uint64_t epoch, std::int64_t n);

}  // namespace nacre
