// Memory of tensors: 64-byte aligned blocks from a per-thread size-class cache in front of the system allocator.
//
// A block freed by a thread goes to that thread's cache and serves the next request of its class (four classes per power of two), so that a
// training step allocates nothing after its first run. The cache holds at most kCacheLimit bytes per thread; blocks over 1 GiB are never kept.
#pragma once

#include <cstddef>

#include "nacre/base/api.h"

namespace nacre {

inline constexpr std::size_t kAlignment = 64;

// At least `bytes` bytes (0 gives a valid block). Throws OutOfMemoryError naming the size.
NACRE_API void* allocate(std::size_t bytes);
// `bytes` as given to allocate.
NACRE_API void deallocate(void* p, std::size_t bytes) noexcept;
// While one lives on this thread, tensors that take more than `bytes` in all are an OutOfMemoryError: files must not ask for memory at will.
class NACRE_API MemoryBudget {
 public:
  explicit MemoryBudget(std::size_t bytes) noexcept;
  ~MemoryBudget();
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

 private:
  std::size_t before_;
};
// Gives the calling thread's cached blocks back to the system.
NACRE_API void release_cached_memory() noexcept;
// Bytes in use by tensors of this process, and the highest value since the last reset.
NACRE_API std::size_t memory_in_use() noexcept;
NACRE_API std::size_t memory_peak() noexcept;
NACRE_API void reset_memory_peak() noexcept;

}  // namespace nacre
