// One lazily started pool of worker threads, shared by the whole process.
//
// parallel_for cuts [0, n) into pieces of at most `grain` and runs them on the pool; pieces are claimed one by one, so the caller finishes
// alone when no worker is scheduled. Which thread runs a piece never changes a result: callers give each output one owner and reduce
// over fixed chunks. Started at the first parallel call, made anew in a forked child, idle threads sleep.
#pragma once

#include <cstdint>
#include <type_traits>

#include "nacre/base/api.h"

namespace nacre {

// body(context, begin, end, worker): worker is 0 (the caller) .. num_threads()-1 and names a private slot of scratch memory.
using RangeBody = void (*)(void* context, std::int64_t begin, std::int64_t end, int worker);

// Runs inline when n <= grain, when one thread is set, or when called from inside another parallel_for. grain >= 1.
// When a stop was requested (stop_requested()), pieces not yet started are left out: the caller of the op discards its result.
// Only workers 0 .. max_workers-1 take part, whatever set_num_threads says by now: scratch sized for so many is never overrun.
inline constexpr int kMaxThreads = 1024;
NACRE_API void parallel_for_raw(std::int64_t n, std::int64_t grain, RangeBody body, void* context,
                                int max_workers = kMaxThreads) noexcept;

// Number of threads used by parallel_for: set_num_threads, else NACRE_NUM_THREADS, else the cores this process may use.
NACRE_API int num_threads() noexcept;
// 1 <= n <= 1024, else ValueError.
NACRE_API void set_num_threads(std::int64_t n);
// Joins the workers; the next parallel_for starts them again. For programs that unload the library.
NACRE_API void stop_threads() noexcept;
// True once workers were started in this process.
NACRE_API bool threads_started() noexcept;

// The stop flag: read before every training step and before every piece of a long kernel.
NACRE_API void request_stop() noexcept;
NACRE_API void clear_stop() noexcept;
[[nodiscard]] NACRE_API bool stop_requested() noexcept;
// While one lives on this thread, the stop flag is not seen there: for updates that must not be torn.
class NACRE_API Uninterruptible {
 public:
  Uninterruptible() noexcept;
  ~Uninterruptible();
  Uninterruptible(const Uninterruptible&) = delete;
  Uninterruptible& operator=(const Uninterruptible&) = delete;
};

// f(begin, end, worker) for a callable of the caller. `static`: each translation unit keeps its own copy, so that code compiled
// for one instruction set is never linked into another.
template <class F>
static inline void parallel_for(std::int64_t n, std::int64_t grain, F&& f, int max_workers = kMaxThreads) noexcept {
  auto body = [](void* c, std::int64_t begin, std::int64_t end, int worker) {
    (*static_cast<std::remove_reference_t<F>*>(c))(begin, end, worker);
  };
  parallel_for_raw(n, grain, body, const_cast<void*>(static_cast<const void*>(&f)), max_workers);
}

}  // namespace nacre
