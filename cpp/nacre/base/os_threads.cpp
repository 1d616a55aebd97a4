#include "nacre/base/os_threads.h"

#include <bit>

#include <pthread.h>
#include <signal.h>
#if defined(__linux__)
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#else
#include <thread>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace nacre::os {

bool CoreSet::empty() const noexcept { return count() == 0; }

int CoreSet::count() const noexcept {
  int n = 0;
  for (std::uint64_t w : words) n += std::popcount(w);
  return n;
}

void remove_core(CoreSet& set, int core) noexcept {
  if (core >= 0 && core < CoreSet::kWords * 64) set.words[core / 64] &= ~(std::uint64_t{1} << (core % 64));
}

bool start_thread(Thread& thread, void* (*body)(void*), void* argument) noexcept {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t handle;
  const int failed = pthread_create(&handle, nullptr, body, argument);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (failed) return false;
  thread.handle = reinterpret_cast<std::uintptr_t>(reinterpret_cast<void*>(handle));
  return true;
}

namespace {
pthread_t native(Thread thread) { return reinterpret_cast<pthread_t>(reinterpret_cast<void*>(thread.handle)); }
}  // namespace

void join_thread(Thread thread) noexcept { pthread_join(native(thread), nullptr); }

bool on_fork(void (*in_child)()) noexcept { return pthread_atfork(nullptr, nullptr, in_child) == 0; }

void pause_cpu() noexcept {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("isb" ::: "memory");
#endif
}

#if defined(__linux__)

void wait_on(std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept {
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void wake(std::atomic<std::uint32_t>& word, int count) noexcept {
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

namespace {
static_assert(sizeof(cpu_set_t) == sizeof(CoreSet::words));

CoreSet from_native(const cpu_set_t& native_set) {
  CoreSet set;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &native_set)) set.words[i / 64] |= std::uint64_t{1} << (i % 64);
  }
  return set;
}
}  // namespace

CoreSet allowed_cores() noexcept {
  cpu_set_t native_set;
  CPU_ZERO(&native_set);
  if (sched_getaffinity(0, sizeof native_set, &native_set) != 0) return {};
  return from_native(native_set);
}

int allowed_core_count() noexcept {
  const int n = allowed_cores().count();
  if (n > 0) return n;
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? static_cast<int>(online) : 1;
}

int current_core() noexcept { return sched_getcpu(); }

void set_thread_cores(Thread thread, const CoreSet& cores) noexcept {
  if (cores.empty()) return;
  cpu_set_t native_set;
  CPU_ZERO(&native_set);
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (cores.words[i / 64] >> (i % 64) & 1) CPU_SET(i, &native_set);
  }
  pthread_setaffinity_np(native(thread), sizeof native_set, &native_set);
}

#else

void wait_on(std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept { word.wait(expected); }
void wake(std::atomic<std::uint32_t>& word, int) noexcept { word.notify_all(); }
CoreSet allowed_cores() noexcept { return {}; }
int allowed_core_count() noexcept {
  const unsigned n = std::thread::hardware_concurrency();
  return n > 0 ? static_cast<int>(n) : 1;
}
int current_core() noexcept { return -1; }
void set_thread_cores(Thread, const CoreSet&) noexcept {}

#endif

}  // namespace nacre::os
