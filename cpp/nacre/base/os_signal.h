// Ctrl-C during a long call. While the guard lives on the main thread, SIGINT sets the stop flag (base/threads.h), which every step and every
// piece of a long kernel reads, and then calls the handler that was there before (Python's).
//
// On another thread the guard shields: interrupting the program's foreground must not tear what a background thread computes, so the
// stop flag is ignored there. Without an earlier handler a second Ctrl-C ends the program as if there had been no guard.
#pragma once

#include <optional>

#include "nacre/base/api.h"
#include "nacre/base/threads.h"

namespace nacre {

class NACRE_API InterruptGuard {
 public:
  // A guard inside another one on the same thread does nothing. The outermost one on the main thread clears the stop flag at both ends.
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  bool installed_ = false;
  std::optional<Uninterruptible> shield_;
};

}  // namespace nacre
