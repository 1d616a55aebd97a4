// Keys and their generators.
#include "nacre/ops/random_state.h"

#include <atomic>
#include <random>

namespace nacre {

namespace {

std::atomic<std::uint32_t> g_next_stream{1};

std::uint64_t system_seed() {
  std::random_device source;
  return static_cast<std::uint64_t>(source()) << 32 | source();
}

}  // namespace

Tensor key_tensor(const RandomKey& key) {
  Tensor t = Tensor::empty({3}, DType::int64, "key");
  auto* v = t.data<std::int64_t>();
  v[0] = static_cast<std::int64_t>(key.seed);
  v[1] = static_cast<std::int64_t>(key.stream);
  v[2] = static_cast<std::int64_t>(key.step);
  return t;
}

void check_key(std::string_view op, const Type& key) {
  if (key.dtype != DType::int64) raise<DTypeError>(op, ": key must be int64 (seed, stream, step), got ", key.dtype, ".");
  if (!(key.shape == Shape{3})) raise<ShapeError>(op, ": key must have shape [3] (seed, stream, step), got ", key.shape, ".");
}

RandomKey read_key(const View& key) noexcept { return read_key(key.as<std::int64_t>(), key.strides[0]); }

RandomKey read_key(const std::int64_t* v, Dim s) noexcept {
  return {.seed = static_cast<std::uint64_t>(v[0]),
          .step = static_cast<std::uint64_t>(v[2 * s]),
          .stream = static_cast<std::uint32_t>(v[s])};
}

SeedGenerator::SeedGenerator() : SeedGenerator(random_seed(), next_random_stream()) {}

RandomKey SeedGenerator::next() {
  const std::lock_guard lock(mutex_);
  const RandomKey key = state_;
  ++state_.step;
  return key;
}

RandomKey SeedGenerator::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void SeedGenerator::set_state(const RandomKey& state) {
  const std::lock_guard lock(mutex_);
  state_ = state;
}

SeedGenerator& global_generator() {
  static SeedGenerator generator(system_seed(), 0);
  return generator;
}

void set_random_seed(std::uint64_t seed) {
  global_generator().set_state({.seed = seed, .step = 0, .stream = 0});
  g_next_stream.store(1, std::memory_order_relaxed);
}

std::uint64_t random_seed() { return global_generator().state().seed; }

std::uint32_t next_random_stream() { return g_next_stream.fetch_add(1, std::memory_order_relaxed); }

}  // namespace nacre
