// The pool behind parallel_for.
//
// A job is published as ticket = generation << 36 | next piece; threads claim pieces by compare-and-swap on the ticket. A
// successful claim proves that the job read beforehand is still the current one: a new job is written only when every piece of the
// old one was claimed and finished. So the caller never waits for a worker that has not claimed anything, and a stalled worker
// costs at most the one piece it holds. Every access that takes part in a race is seq_cst: parking and waiting are store-then-load
// protocols.
//
// A stolen core: a worker that is off its core holds up the one piece it has claimed, for as long as another process runs there. When the caller
// has waited a millisecond and longer than it worked, three times in a short time, calls run on the caller alone for a while, four times as
// long each time that trying again soon ends the same way: a machine with a busy neighbour gives the speed of one thread, not less. Each
// try costs a time slice of the other process, some 4 ms (bench/competitor.py). Results are the same either way.
//
// Before a sleeping worker is woken it is kept off the caller's core: Linux tends to queue it there, where it waits for the caller.
#include "nacre/base/thread_pool.h"

#include <atomic>
#include <chrono>
#include <new>

#include "nacre/base/os_threads.h"

namespace nacre::thread_pool {
namespace {

constexpr int kPieceBits = 36;
constexpr std::uint64_t kPieceMask = (std::uint64_t{1} << kPieceBits) - 1;
constexpr int kSpins = 20000;  // about 20-50 us of `pause`: longer than the gaps between ops, shorter than a time slice

struct alignas(64) Worker {
  os::Thread thread;
  os::CoreSet cores;  // as last set; touched by the pool's owner only
  std::atomic<bool> parked{false};
};

struct Pool {
  alignas(64) std::atomic<std::uint64_t> ticket{kPieceMask};
  // The job. Atomic because a late worker may read them while the next job is written; it then fails its claim.
  alignas(64) std::atomic<RangeBody> body{nullptr};
  std::atomic<void*> context{nullptr};
  std::atomic<std::int64_t> size{0}, grain{1};
  std::atomic<std::uint64_t> pieces{0};
  std::atomic<int> worker_limit{0};
  std::atomic<bool> interruptible{true};
  alignas(64) std::atomic<std::uint64_t> unfinished{0};
  std::atomic<std::uint32_t> finished_jobs{0};  // futex of a waiting caller
  std::atomic<bool> caller_waits{false};
  alignas(64) std::atomic<std::uint32_t> wake_word{0};  // futex of parked workers
  std::atomic<int> parked{0};
  std::atomic<bool> quit{false};
  alignas(64) std::atomic<bool> busy{false};  // held by the one caller that may publish, start and stop
  std::atomic<int> started{0};
};

// Waiting for workers that do not run. Written by the one caller that holds pool.busy; `alone_until` is read by all.
constexpr std::int64_t kStallWait = 1'000'000, kFirstPause = 10'000'000, kLongestPause = 640'000'000,
                       kSoon = 100'000'000;          // ns; shorter waits are a machine's noise
constinit std::atomic<std::int64_t> alone_until{0};  // 0: not now
constinit int stalls = 0;
constinit std::int64_t next_pause = kFirstPause, tried_from = 0;  // the last stall, or the end of the pause that it led to

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Should this call leave the workers alone?
bool workers_are_held_up() {
  const std::int64_t until = alone_until.load(std::memory_order_relaxed);
  if (until == 0) return false;
  if (now_ns() < until) return true;
  alone_until.store(0, std::memory_order_relaxed);
  return false;
}

// The caller worked until `idle` and got the last piece back at `end`.
void note_wait(std::int64_t begin, std::int64_t idle, std::int64_t end) {
  if (end - idle < kStallWait || end - idle < idle - begin) return;
  if (end - tried_from > kSoon) {  // it went well for a while: this may be the first of its kind
    stalls = 0;
    next_pause = kFirstPause;
  }
  tried_from = end;
  if (++stalls < 3) return;
  tried_from = end + next_pause;
  alone_until.store(tried_from, std::memory_order_relaxed);
  if (next_pause < kLongestPause) next_pause *= 4;
  stalls = 2;  // the next one, right after the pause, is enough
}

// No destructors run on these: workers may outlive static destruction.
constinit Pool pool;
constinit Worker* workers = nullptr;  // [kMaxThreads - 1], made once and kept
constinit std::atomic<bool> fork_hook{false};

// Claims and runs pieces of the current job until none is left.
void work(int worker) {
  std::uint64_t ticket = pool.ticket.load();
  for (;;) {
    const std::uint64_t piece = ticket & kPieceMask;
    const RangeBody body = pool.body.load();
    void* context = pool.context.load();
    const std::int64_t size = pool.size.load(), grain = pool.grain.load();
    const bool interruptible = pool.interruptible.load();
    if (piece >= pool.pieces.load() || worker >= pool.worker_limit.load()) return;
    if (!pool.ticket.compare_exchange_strong(ticket, ticket + 1)) continue;
    run_piece({body, context, size, grain, interruptible}, static_cast<std::int64_t>(piece), worker);
    if (pool.unfinished.fetch_sub(1) == 1) {
      pool.finished_jobs.fetch_add(1);
      if (pool.caller_waits.load()) os::wake(pool.finished_jobs, 1);
    }
    ticket = pool.ticket.load();
  }
}

bool work_left(std::uint64_t ticket, int worker) {
  return (ticket & kPieceMask) < pool.pieces.load() && worker < pool.worker_limit.load();
}

void* worker_main(void* argument) {
  const int worker = static_cast<int>(reinterpret_cast<std::intptr_t>(argument));
  Worker& self = workers[worker - 1];
  thread_state().nesting = 1;  // a parallel_for inside a piece runs inline
  while (!pool.quit.load()) {
    work(worker);
    int spins = 0;
    while (spins < kSpins && !pool.quit.load(std::memory_order_relaxed)) {
      if (work_left(pool.ticket.load(), worker)) break;
      os::pause_cpu();
      ++spins;
    }
    if (spins < kSpins) continue;
    self.parked.store(true);
    pool.parked.fetch_add(1);
    const std::uint32_t word = pool.wake_word.load();
    if (!work_left(pool.ticket.load(), worker) && !pool.quit.load()) os::wait_on(pool.wake_word, word);
    pool.parked.fetch_sub(1);
    self.parked.store(false);
  }
  return nullptr;
}

// In a forked child only the forking thread lives: forget the workers, the next parallel call starts new ones.
void after_fork() {
  pool.started.store(0);
  pool.parked.store(0);
  pool.caller_waits.store(false);
  pool.ticket.store(pool.ticket.load() | kPieceMask);
  pool.pieces.store(0);
  pool.unfinished.store(0);
  pool.quit.store(false);
  alone_until.store(0);
  stalls = 0;
  next_pause = kFirstPause;
  if (workers) {
    for (int i = 0; i < kMaxThreads - 1; ++i) {
      workers[i].parked.store(false);
      workers[i].cores = {};
    }
  }
  pool.busy.store(false);
}

// Called with pool.busy held.
void start_workers(int count) {
  if (!workers) {
    workers = new (std::nothrow) Worker[kMaxThreads - 1];
    if (!workers) return;
  }
  if (!fork_hook.exchange(true)) os::on_fork(after_fork);
  for (int i = pool.started.load(); i < count; ++i) {
    if (!os::start_thread(workers[i].thread, worker_main, reinterpret_cast<void*>(static_cast<std::intptr_t>(i + 1)))) return;
    pool.started.store(i + 1);
  }
}

// Called with pool.busy held, after the job was published.
void wake_workers(int limit, std::uint64_t pieces) {
  if (pool.parked.load() == 0) return;
  os::CoreSet cores = os::allowed_cores();
  os::CoreSet others = cores;
  os::remove_core(others, os::current_core());
  if (!others.empty()) cores = others;
  const int count = pool.started.load() < limit - 1 ? pool.started.load() : limit - 1;
  for (int i = 0; i < count; ++i) {
    if (workers[i].parked.load() && !(workers[i].cores == cores)) {
      os::set_thread_cores(workers[i].thread, cores);
      workers[i].cores = cores;
    }
  }
  pool.wake_word.fetch_add(1);
  // With fewer workers allowed than started the kernel might pick the wrong ones: wake all.
  const bool few = pieces - 1 < static_cast<std::uint64_t>(count) && count == pool.started.load();
  os::wake(pool.wake_word, few ? static_cast<int>(pieces - 1) : kMaxThreads);
}

void wait_for_pieces(std::int64_t begin) {
  constexpr int kShortWait = 256;  // pauses: the end of pieces of equal size
  for (int spins = 0; spins < kShortWait; ++spins) {
    if (pool.unfinished.load() == 0) return;
    os::pause_cpu();
  }
  struct Note {
    std::int64_t begin, idle = now_ns();
    ~Note() { note_wait(begin, idle, now_ns()); }
  } const note{begin};
  for (int spins = 0; spins < kSpins; ++spins) {
    if (pool.unfinished.load() == 0) return;
    os::pause_cpu();
  }
  pool.caller_waits.store(true);
  for (;;) {
    const std::uint32_t word = pool.finished_jobs.load();
    if (pool.unfinished.load() == 0) break;
    os::wait_on(pool.finished_jobs, word);
  }
  pool.caller_waits.store(false);
}

}  // namespace

bool run(const Job& job, int limit) {
  const std::uint64_t pieces = static_cast<std::uint64_t>((job.size - 1) / job.grain) + 1;
  if (pieces >= kPieceMask || workers_are_held_up() || pool.busy.exchange(true)) return false;
  if (pool.started.load() < limit - 1) start_workers(limit - 1);
  ++thread_state().nesting;
  pool.body.store(job.body);
  pool.context.store(job.context);
  pool.size.store(job.size);
  pool.grain.store(job.grain);
  pool.worker_limit.store(limit);
  pool.interruptible.store(job.interruptible);
  pool.unfinished.store(pieces);
  // Until the ticket is stored its piece number is at least the old count; it must not look claimable under the new one.
  pool.ticket.store(pool.ticket.load() | kPieceMask);
  pool.pieces.store(pieces);
  pool.ticket.store(((pool.ticket.load() >> kPieceBits) + 1) << kPieceBits);
  wake_workers(limit, pieces);
  const std::int64_t begin = now_ns();
  work(0);
  wait_for_pieces(begin);
  --thread_state().nesting;
  pool.busy.store(false);
  return true;
}

void stop() noexcept {
  while (pool.busy.exchange(true)) os::pause_cpu();
  pool.quit.store(true);
  pool.wake_word.fetch_add(1);
  os::wake(pool.wake_word, kMaxThreads);
  const int count = pool.started.load();
  for (int i = 0; i < count; ++i) {
    os::join_thread(workers[i].thread);
    workers[i].cores = {};
  }
  pool.started.store(0);
  pool.quit.store(false);
  pool.busy.store(false);
}

bool started() noexcept { return pool.started.load() > 0; }

}  // namespace nacre::thread_pool
