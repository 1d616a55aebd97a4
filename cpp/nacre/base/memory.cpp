// The size-class cache: an intrusive free list per class and thread, statistics in relaxed atomics.
#include "nacre/base/memory.h"

#include <atomic>
#include <bit>
#include <cstdlib>
#include <limits>
#include <new>
#include <utility>

#include "nacre/base/error.h"
#include "nacre/base/host.h"
#include "nacre/base/os_memory.h"
#include "nacre/base/regions.h"

namespace nacre {

namespace {

constexpr std::size_t kCacheLimit = std::size_t{1} << 30;
constexpr std::size_t kLargestCached = std::size_t{1} << 30;
constexpr int kClasses = 4 * 31;
// From here on blocks lie on large pages: a pass over several arrays is held up by page walks otherwise (Adam, matrix-vector: 10 to 20 %).
constexpr std::size_t kLargeBlock = 2 * os::kLargePage;

std::atomic<std::size_t> g_in_use{0};
std::atomic<std::size_t> g_peak{0};

struct FreeBlock {
  FreeBlock* next;
};

struct Cache {
  FreeBlock* lists[kClasses] = {};
  std::size_t held = 0;
  bool closed = false;
  ~Cache() {
    closed = true;  // blocks freed by destructors that run later go straight back
    drain();
  }
  void drain() noexcept;
};

thread_local Cache t_cache;

// Class of a size and the size that the class holds: 64, 80, 96, 112, 128, 160, ...
constexpr std::size_t kNoBudget = std::numeric_limits<std::size_t>::max();
thread_local std::size_t t_budget = kNoBudget;  // what a MemoryBudget leaves

struct SizeClass {
  int index;
  std::size_t bytes;
};
SizeClass class_of(std::size_t bytes) {
  if (bytes <= 64) return {0, 64};
  const int log = std::bit_width(bytes - 1) - 1;  // 2^log < bytes <= 2^(log+1)
  const std::size_t step = std::size_t{1} << (log - 2);
  const std::size_t quarter = (bytes - (std::size_t{1} << log) + step - 1) / step;  // 1..4
  return {static_cast<int>(4 * (log - 6) + quarter), (std::size_t{1} << log) + quarter * step};
}

// What the class of this index holds.
std::size_t bytes_of(int index) {
  if (index == 0) return 64;
  const std::size_t power = std::size_t{1} << (6 + (index - 1) / 4);
  return power + static_cast<std::size_t>((index - 1) % 4 + 1) * (power / 4);
}

// Sanitizers must see every allocation, or they miss overflows inside cached blocks.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kUseCache = false;
#else
constexpr bool kUseCache = true;
#endif

// What a host program handed in, before the first block.
constinit HostAllocator g_host;
constinit std::atomic<bool> g_begun{false};

void* system_allocate(std::size_t bytes) noexcept {
  g_begun.store(true, std::memory_order_relaxed);
  if (g_host.allocate) return g_host.allocate(g_host.context, bytes, kAlignment);
  if (kUseCache) {
    if (void* p = regions::allocate(bytes)) return p;
  }
  const bool large = bytes >= kLargeBlock;
  const std::size_t alignment = large ? os::kLargePage : kAlignment;
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* p = std::aligned_alloc(alignment, rounded);
  if (p && large) os::prefer_large_pages(p, bytes);
  return p;
}

// `bytes` as given to system_allocate.
void system_free(void* p, std::size_t bytes) noexcept {
  if (g_host.deallocate) return g_host.deallocate(g_host.context, p, bytes);
  if (kUseCache && bytes >= regions::kSmallest && bytes <= regions::kLargest && regions::release(p)) return;
  std::free(p);
}

void Cache::drain() noexcept {
  for (int i = 0; i < kClasses; ++i) {
    while (FreeBlock* block = lists[i]) {
      lists[i] = block->next;
      system_free(block, bytes_of(i));
    }
  }
  held = 0;
}

void count_in(std::size_t bytes) noexcept {
  const std::size_t now = g_in_use.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  std::size_t peak = g_peak.load(std::memory_order_relaxed);
  while (now > peak && !g_peak.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

}  // namespace

void set_allocator(const HostAllocator& allocator) {
  if (!allocator.allocate || !allocator.deallocate) raise<ValueError>("set_allocator: allocate and deallocate must both be given.");
  if (g_begun.load()) raise<StateError>("set_allocator: memory was allocated already. Call it before anything else of nacre.");
  g_host = allocator;
}

MemoryBudget::MemoryBudget(std::size_t bytes) noexcept : before_(std::exchange(t_budget, bytes)) {}
MemoryBudget::~MemoryBudget() { t_budget = before_; }

void* allocate(std::size_t bytes) {
  if (bytes > t_budget) raise<OutOfMemoryError>("memory: ", bytes, " bytes are more than are allowed here, ", t_budget, ".");
  if (t_budget != kNoBudget) t_budget -= bytes;
  if (bytes > (std::size_t{1} << 62)) raise<OutOfMemoryError>("memory: ", bytes, " bytes cannot be allocated.");
  void* p = nullptr;
  if (kUseCache && bytes <= kLargestCached) {
    const SizeClass c = class_of(bytes);
    Cache& cache = t_cache;
    if (FreeBlock* block = cache.lists[c.index]) {
      cache.lists[c.index] = block->next;
      cache.held -= c.bytes;
      p = block;
    } else {
      p = system_allocate(c.bytes);
      if (!p && cache.held) {
        cache.drain();
        p = system_allocate(c.bytes);
      }
    }
  } else {
    p = system_allocate(bytes ? bytes : 1);
    if (!p) {
      t_cache.drain();
      p = system_allocate(bytes);
    }
  }
  if (!p) raise<OutOfMemoryError>("memory: ", bytes, " bytes could not be allocated. Use a smaller batch or model.");
  count_in(bytes);
  return p;
}

void deallocate(void* p, std::size_t bytes) noexcept {
  if (!p) return;
  g_in_use.fetch_sub(bytes, std::memory_order_relaxed);
  if (kUseCache && bytes <= kLargestCached) {
    const SizeClass c = class_of(bytes);
    Cache& cache = t_cache;
    if (!cache.closed && cache.held + c.bytes <= kCacheLimit) {
      auto* block = static_cast<FreeBlock*>(p);
      block->next = cache.lists[c.index];
      cache.lists[c.index] = block;
      cache.held += c.bytes;
      return;
    }
  }
  system_free(p, kUseCache && bytes <= kLargestCached ? class_of(bytes).bytes : bytes);
}

void release_cached_memory() noexcept { t_cache.drain(); }
std::size_t memory_in_use() noexcept { return g_in_use.load(std::memory_order_relaxed); }
std::size_t memory_peak() noexcept { return g_peak.load(std::memory_order_relaxed); }
void reset_memory_peak() noexcept { g_peak.store(g_in_use.load(std::memory_order_relaxed), std::memory_order_relaxed); }

}  // namespace nacre
