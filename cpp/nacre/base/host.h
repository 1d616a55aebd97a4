// What a program that embeds nacre may hand in: its own memory and its own threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nacre/base/api.h"

namespace nacre {

// Memory of tensors, arenas and scratch buffers. Both functions may be called from any thread and must not throw; allocate returns null when there is
// none. nacre keeps freed blocks in its caches as always (release_cached_memory).
struct HostAllocator {
  void* (*allocate)(void* context, std::size_t bytes, std::size_t alignment) = nullptr;
  void (*deallocate)(void* context, void* p, std::size_t bytes) = nullptr;  // `bytes` as given to allocate
  void* context = nullptr;
};
// For the rest of the program. StateError once memory was allocated: blocks must go back where they came from. ValueError for a missing function.
NACRE_API void set_allocator(const HostAllocator& allocator);

// Threads. run(context, tasks, task, argument) calls task(argument, i) once for each i in [0, tasks), on whichever threads it likes, also all on
// the calling one, and returns when all are over. Results do not depend on who runs what.
struct HostThreads {
  void (*run)(void* context, int tasks, void (*task)(void* argument, int index), void* argument) = nullptr;
  int threads = 1;  // what num_threads() says: the most tasks of one call
  void* context = nullptr;
};
// Null: nacre's own pool again. Not while another thread runs ops. ValueError for a missing function or threads outside of [1, 1024].
NACRE_API void set_host_threads(const HostThreads* threads);

}  // namespace nacre
