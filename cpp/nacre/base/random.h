// Philox4x32-10: random numbers by position instead of by state, so that any thread, rank or device can make element i alone.
//
// words(seed, stream, step, block) = philox(counter = (block low, block high, step, stream), key = (seed low, seed high)).
// `stream` separates layers and calls, `step` the training steps, `block` = element / 4 (or / 2 where an element needs 64 bits).
// No two different (seed, stream, step < 2^32, block) share a counter. Source: Salmon, Moraes, Dror, Shaw: Parallel random
// numbers: as easy as 1, 2, 3 (SC 2011), section 3.3 and table 2. Integer arithmetic only: the same bits everywhere.
#pragma once

#include <stdint.h>

namespace nacre {

// Names one sequence of random numbers. Equal keys give equal numbers: dropout and its gradient take the same key.
struct RandomKey {
  uint64_t seed = 0;
  uint64_t step = 0;    // below 2^32 each step is a sequence of its own
  uint32_t stream = 0;  // layer or call
};

struct RandomWords {
  uint32_t word[4];
};

// `static`: every file keeps its own copy, so that code compiled for one instruction set is never linked into another.
static constexpr RandomWords philox4x32(RandomWords counter, uint32_t key0, uint32_t key1) {
  constexpr uint64_t kMultiply0 = 0xD2511F53u, kMultiply1 = 0xCD9E8D57u;
  constexpr uint32_t kWeyl0 = 0x9E3779B9u, kWeyl1 = 0xBB67AE85u;  // golden ratio, sqrt(3) - 1
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = kMultiply0 * counter.word[0], p1 = kMultiply1 * counter.word[2];
    counter = {{static_cast<uint32_t>(p1 >> 32) ^ counter.word[1] ^ key0, static_cast<uint32_t>(p1),
                static_cast<uint32_t>(p0 >> 32) ^ counter.word[3] ^ key1, static_cast<uint32_t>(p0)}};
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return counter;
}

static constexpr uint32_t random_key0(const RandomKey& key) { return static_cast<uint32_t>(key.seed); }
// Steps beyond 2^32 move the key instead of repeating the sequence.
static constexpr uint32_t random_key1(const RandomKey& key) {
  return static_cast<uint32_t>(key.seed >> 32) + 0x9E3779B9u * static_cast<uint32_t>(key.step >> 32);
}

static constexpr RandomWords random_words(const RandomKey& key, uint64_t block) {
  return philox4x32(
      {{static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), static_cast<uint32_t>(key.step), key.stream}},
      random_key0(key), random_key1(key));
}

// 64 random bits for position i; two positions share a block.
static constexpr uint64_t random_u64(const RandomKey& key, uint64_t i) {
  const RandomWords w = random_words(key, i / 2);
  return i % 2 ? (static_cast<uint64_t>(w.word[3]) << 32 | w.word[2]) : (static_cast<uint64_t>(w.word[1]) << 32 | w.word[0]);
}

// High 64 bits of the product: maps 64 random bits to [0, bound), each value within bound / 2^64 of equally likely.
static constexpr uint64_t random_below(uint64_t bits, uint64_t bound) {
  const uint64_t a0 = bits & 0xffffffffu, a1 = bits >> 32, b0 = bound & 0xffffffffu, b1 = bound >> 32;
  const uint64_t p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
  const uint64_t middle = (p00 >> 32) + (p01 & 0xffffffffu) + (p10 & 0xffffffffu);
  return p11 + (p01 >> 32) + (p10 >> 32) + (middle >> 32);
}

// [0, 1) in steps of 2^-53 from 64 random bits.
static constexpr double random_unit(uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

}  // namespace nacre
