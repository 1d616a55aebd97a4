// Memory and threads handed in by the program around nacre. The first case must come first: an allocator is taken before the first block only.
#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "nacre/autograd/tape.h"
#include "nacre/base/host.h"
#include "nacre/base/memory.h"
#include "nacre/base/threads.h"
#include "nacre/nn/layers.h"
#include "nacre/ops/operators.h"
#include "nacre/ops/random_state.h"

using namespace nacre;

namespace {

struct Counter {
  std::atomic<std::int64_t> live{0}, calls{0};
};
Counter g_counter;

void* take_block(void* context, std::size_t bytes, std::size_t alignment) {
  auto& c = *static_cast<Counter*>(context);
  c.live += static_cast<std::int64_t>(bytes);
  ++c.calls;
  return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}
void give_block(void* context, void* p, std::size_t bytes) {
  static_cast<Counter*>(context)->live -= static_cast<std::int64_t>(bytes);
  std::free(p);
}

std::vector<float> work() {
  const auto random = [](const Shape& shape, std::uint64_t seed) {
    return random_normal(key_tensor({.seed = seed, .step = 0, .stream = 1}), {.shape = shape});
  };
  Tensor w = random({300, 200}, 1);
  w.set_requires_grad(true);
  const Tensor x = random({500, 300}, 2);
  const Tensor y = mean(square(tanh(matmul(x, w))));
  const std::vector<Tensor> grads = gradients({&y, 1}, {}, {&w, 1});
  return grads[0].to_vector<float>();
}

// Each task on a thread of its own, or all here from the last to the first.
std::atomic<int> g_most_tasks{0}, g_runs{0};
void side_by_side(void*, int tasks, void (*task)(void*, int), void* argument) {
  ++g_runs;
  if (tasks > g_most_tasks) g_most_tasks = tasks;
  std::vector<std::thread> threads;
  for (int i = 0; i < tasks; ++i) threads.emplace_back(task, argument, i);
  for (std::thread& t : threads) t.join();
}
void backwards(void*, int tasks, void (*task)(void*, int), void* argument) {
  for (int i = tasks - 1; i >= 0; --i) task(argument, i);
}

}  // namespace

TEST_CASE("host: all memory comes from the allocator that was handed in, and goes back") {
  CHECK_THROWS_AS(set_allocator({}), ValueError);
  set_allocator({take_block, give_block, &g_counter});
  { const auto result = work(); }
  CHECK(g_counter.calls > 5);
  release_cached_memory();
  stop_threads();  // workers have caches of their own
  CHECK(g_counter.live == 0);
  CHECK(memory_in_use() == 0);
  CHECK_THROWS_WITH_AS(set_allocator({take_block, give_block, &g_counter}),
                       "set_allocator: memory was allocated already. Call it before anything else of nacre.", StateError);
}

TEST_CASE("host: threads that were handed in give the same bits, in any order") {
  set_host_threads(nullptr);
  const std::vector<float> expected = work();
  const int before = num_threads();
  const HostThreads threads{side_by_side, 3, nullptr}, one{backwards, 4, nullptr};
  set_host_threads(&threads);
  CHECK(num_threads() == 3);
  CHECK(work() == expected);
  CHECK(g_runs > 0);
  CHECK(g_most_tasks == 3);
  CHECK_FALSE(threads_started());
  CHECK_THROWS_AS(set_num_threads(2), StateError);
  set_host_threads(&one);
  CHECK(work() == expected);
  const HostThreads none{nullptr, 2, nullptr}, many{backwards, 5000, nullptr};
  CHECK_THROWS_AS(set_host_threads(&none), ValueError);
  CHECK_THROWS_AS(set_host_threads(&many), ValueError);
  set_host_threads(nullptr);
  CHECK(num_threads() == before);
  CHECK(work() == expected);
}
