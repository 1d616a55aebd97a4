// What the thread pool needs from the operating system: threads, futex waits, core affinity, the fork hook. Linux has all of it;
// elsewhere the waits are std::atomic's and affinity does nothing.
#pragma once

#include <atomic>
#include <cstdint>

namespace nacre::os {

struct Thread {
  std::uintptr_t handle = 0;
};
// Core sets are opaque words; an empty() set means "unknown, leave alone".
struct CoreSet {
  static constexpr int kWords = 16;
  std::uint64_t words[kWords] = {};
  [[nodiscard]] bool empty() const noexcept;
  [[nodiscard]] int count() const noexcept;
  bool operator==(const CoreSet&) const = default;
};

// False when no thread can be had. All signals are blocked in the new thread, so that Ctrl-C reaches the program's own.
bool start_thread(Thread& thread, void* (*body)(void*), void* argument) noexcept;
void join_thread(Thread thread) noexcept;
// Waits while word == expected (may also return early); wake lets up to `count` waiters go.
void wait_on(std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept;
void wake(std::atomic<std::uint32_t>& word, int count) noexcept;

int allowed_core_count() noexcept;  // at least 1
CoreSet allowed_cores() noexcept;   // of the calling thread
int current_core() noexcept;        // -1: unknown
void set_thread_cores(Thread thread, const CoreSet& cores) noexcept;
void remove_core(CoreSet& set, int core) noexcept;
// Runs `in_child` in every forked child. False when the system has no such hook.
bool on_fork(void (*in_child)()) noexcept;
// One polite turn of a spin loop.
void pause_cpu() noexcept;

}  // namespace nacre::os
