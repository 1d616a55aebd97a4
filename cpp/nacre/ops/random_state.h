// Where random keys come from: a seed and a counter. One global generator, and one per layer.
//
// A key is (seed, stream, step), see base/random.h. The global generator draws from stream 0, one step per call; every
// SeedGenerator has a stream of its own, so that adding a layer does not change the numbers of another one's draws.
#pragma once

#include <mutex>

#include "nacre/base/random.h"
#include "nacre/tensor/tensor.h"

namespace nacre {

// The int64 tensor [seed, stream, step] that random ops and dropout take.
NACRE_API Tensor key_tensor(const RandomKey& key);
// Reads it back; `op` begins the message when the tensor is not such a key.
NACRE_API void check_key(std::string_view op, const Type& key);
NACRE_API RandomKey read_key(const View& key) noexcept;
NACRE_API RandomKey read_key(const std::int64_t* key, Dim stride = 1) noexcept;

class NACRE_API SeedGenerator {
 public:
  // Without arguments: the global seed and the next free stream.
  SeedGenerator();
  SeedGenerator(std::uint64_t seed, std::uint32_t stream) : state_{.seed = seed, .step = 0, .stream = stream} {}
  SeedGenerator(const SeedGenerator&) = delete;
  SeedGenerator& operator=(const SeedGenerator&) = delete;

  // A key never given before; the step counts on.
  RandomKey next();
  Tensor next_key() { return key_tensor(next()); }
  // For saving and continuing.
  [[nodiscard]] RandomKey state() const;
  void set_state(const RandomKey& state);

 private:
  mutable std::mutex mutex_;
  RandomKey state_;
};

// Starts everything random anew: the global generator and the numbering of streams. Without it the seed is taken from the system.
NACRE_API void set_random_seed(std::uint64_t seed);
[[nodiscard]] NACRE_API std::uint64_t random_seed();
NACRE_API SeedGenerator& global_generator();
// A key of the global generator.
inline Tensor next_key() { return global_generator().next_key(); }
// Streams 1, 2, 3, ... since the last set_random_seed, for layers made in this order.
NACRE_API std::uint32_t next_random_stream();

}  // namespace nacre
