// parallel_for and the stop flag: inline, on the host program's threads, or on the pool (thread_pool.cpp).
#include "nacre/base/threads.h"

#include <atomic>
#include <cstdlib>

#include "nacre/base/error.h"
#include "nacre/base/host.h"
#include "nacre/base/os_threads.h"
#include "nacre/base/thread_pool.h"

#ifndef NACRE_THREADS
#define NACRE_THREADS 1
#endif

namespace nacre {
namespace {

constinit std::atomic<int> wanted_threads{0};
constinit std::atomic<bool> stop_flag{false};
constinit HostThreads host_threads;
constinit std::atomic<bool> on_host{false};
thread_local ThreadState t_state;

void run_inline(const Job& job) {
  for (std::int64_t begin = 0; begin < job.size;) {
    if (job.interruptible && stop_flag.load()) return;
    const std::int64_t end = job.size - begin < job.grain ? job.size : begin + job.grain;
    job.body(job.context, begin, end, 0);
    begin = end;
  }
}

// Each task takes pieces until none is left, so the host may run tasks side by side or one after the other.
void run_on_host(const Job& job, int limit) {
  struct Shared {
    const Job& job;
    std::int64_t pieces;
    std::atomic<std::int64_t> next{0};
  } shared{job, (job.size - 1) / job.grain + 1};
  const int tasks = shared.pieces < limit ? static_cast<int>(shared.pieces) : limit;
  host_threads.run(
      host_threads.context, tasks,
      [](void* argument, int index) {
        auto& s = *static_cast<Shared*>(argument);
        ++thread_state().nesting;
        for (std::int64_t piece = s.next.fetch_add(1); piece < s.pieces; piece = s.next.fetch_add(1))
          run_piece(s.job, piece, index);
        --thread_state().nesting;
      },
      &shared);
}

}  // namespace

ThreadState& thread_state() noexcept { return t_state; }

void run_piece(const Job& job, std::int64_t piece, int worker) {
  if (job.interruptible && stop_flag.load()) return;
  const std::int64_t begin = piece * job.grain;
  job.body(job.context, begin, job.size - begin < job.grain ? job.size : begin + job.grain, worker);
}

void parallel_for_raw(std::int64_t n, std::int64_t grain, RangeBody body, void* context, int max_workers) noexcept {
  if (n <= 0) return;
  const ThreadState& state = t_state;
  const Job job{body, context, n, grain < 1 ? 1 : grain, state.uninterruptible == 0};
  if (n <= job.grain || state.nesting > 0) return run_inline(job);
  const int threads = num_threads(), limit = threads < max_workers ? threads : max_workers;
  if (limit <= 1) return run_inline(job);
  if (on_host.load(std::memory_order_relaxed)) return run_on_host(job, limit);
#if NACRE_THREADS
  if (thread_pool::run(job, limit)) return;
#endif
  run_inline(job);
}

int num_threads() noexcept {
  if (on_host.load(std::memory_order_relaxed)) return host_threads.threads;
#if NACRE_THREADS
  int n = wanted_threads.load();
  if (n > 0) return n;
  if (const char* text = std::getenv("NACRE_NUM_THREADS")) {
    char* end = nullptr;
    const long value = std::strtol(text, &end, 10);
    if (end != text && *end == '\0' && value >= 1 && value <= kMaxThreads) n = static_cast<int>(value);
  }
  if (n == 0) n = os::allowed_core_count();
  if (n > kMaxThreads) n = kMaxThreads;
  int unset = 0;
  return wanted_threads.compare_exchange_strong(unset, n) ? n : unset;
#else
  return 1;
#endif
}

void set_num_threads(std::int64_t n) {
  if (n < 1 || n > kMaxThreads) {
    raise<ValueError>("set_num_threads: the number of threads must be 1 to ", kMaxThreads, ", got ", n, ".");
  }
  if (on_host.load()) {
    raise<StateError>("set_num_threads: the program's own threads are in use, ", host_threads.threads,
                      " of them. Hand in others by set_host_threads.");
  }
#if !NACRE_THREADS
  if (n > 1) raise<ValueError>("set_num_threads: this build has no threads (NACRE_THREADS=OFF), got ", n, ".");
#endif
  wanted_threads.store(static_cast<int>(n));
}

void set_host_threads(const HostThreads* threads) {
  if (threads && !threads->run) raise<ValueError>("set_host_threads: the function run is missing.");
  if (threads && (threads->threads < 1 || threads->threads > kMaxThreads)) {
    raise<ValueError>("set_host_threads: the number of threads must be 1 to ", kMaxThreads, ", got ", threads->threads, ".");
  }
  stop_threads();
  on_host.store(false);
  host_threads = threads ? *threads : HostThreads{};
  on_host.store(threads != nullptr);
}

void stop_threads() noexcept {
  if (t_state.nesting > 0) return;  // from inside a piece: the pool is in use
#if NACRE_THREADS
  thread_pool::stop();
#endif
}

bool threads_started() noexcept {
#if NACRE_THREADS
  return thread_pool::started();
#else
  return false;
#endif
}

void request_stop() noexcept { stop_flag.store(true); }
void clear_stop() noexcept { stop_flag.store(false); }
bool stop_requested() noexcept { return stop_flag.load() && t_state.uninterruptible == 0; }

Uninterruptible::Uninterruptible() noexcept { ++t_state.uninterruptible; }
Uninterruptible::~Uninterruptible() { --t_state.uninterruptible; }

}  // namespace nacre
