// The workers behind parallel_for, and what they share with it. A build with NACRE_THREADS=OFF has none.
#pragma once

#include <cstdint>

#include "nacre/base/threads.h"

namespace nacre {

struct ThreadState {
  int nesting = 0;          // pieces that this thread is inside of: a parallel_for there runs inline
  int uninterruptible = 0;  // Uninterruptible objects alive
};
ThreadState& thread_state() noexcept;

// [0, size) in pieces of at most `grain`.
struct Job {
  RangeBody body;
  void* context;
  std::int64_t size, grain;
  bool interruptible;
};
// One piece, unless a stop was requested.
void run_piece(const Job& job, std::int64_t piece, int worker);

namespace thread_pool {

// Runs the job on the caller and up to limit - 1 workers. False: the workers are taken or held up, nothing was run.
bool run(const Job& job, int limit);
void stop() noexcept;
bool started() noexcept;

}  // namespace thread_pool

}  // namespace nacre
