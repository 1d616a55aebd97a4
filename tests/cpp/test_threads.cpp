// The pool: every piece runs exactly once, from many callers, nested, after stops, forks and idle gaps.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nacre/base/error.h"
#include "nacre/base/threads.h"

#if defined(__SANITIZE_THREAD__)
#define NACRE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NACRE_TSAN 1
#endif
#endif

namespace {

struct Threads {
  explicit Threads(int n) : before(nacre::num_threads()) { nacre::set_num_threads(n); }
  ~Threads() { nacre::set_num_threads(before); }
  int before;
};

// True when each of n items was visited once, by pieces of at most `grain` and a valid worker.
bool covers_once(std::int64_t n, std::int64_t grain, int max_workers = nacre::kMaxThreads) {
  std::vector<int> seen(static_cast<std::size_t>(n), 0);
  std::atomic<bool> ok{true};
  const int limit = nacre::num_threads() < max_workers ? nacre::num_threads() : max_workers;
  nacre::parallel_for(
      n, grain,
      [&](std::int64_t begin, std::int64_t end, int worker) {
        if (begin < 0 || end > n || begin >= end || end - begin > grain || begin % grain != 0) ok = false;
        if (worker < 0 || worker >= limit) ok = false;
        for (std::int64_t i = begin; i < end; ++i) seen[static_cast<std::size_t>(i)] += 1;
      },
      max_workers);
  for (int s : seen) {
    if (s != 1) return false;
  }
  return ok;
}

}  // namespace

TEST_CASE("every item is visited once for any size, grain and thread count") {
  for (int threads : {1, 2, 3, 8}) {
    Threads guard(threads);
    for (std::int64_t n : {0, 1, 2, 7, 64, 1000}) {
      for (std::int64_t grain : {1, 3, 64, 5000}) CHECK(covers_once(n, grain));
    }
    CHECK(covers_once(100, 1, 2));
  }
}

TEST_CASE("many short jobs in a row") {
  Threads guard(4);
  std::int64_t wrong = 0;
  for (int i = 0; i < 20000; ++i) {
    std::atomic<std::int64_t> sum{0};
    nacre::parallel_for(9, 1, [&](std::int64_t begin, std::int64_t, int) { sum += begin + 1; });
    if (sum != 45) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(nacre::threads_started());
}

TEST_CASE("jobs after idle gaps find parked workers") {
  Threads guard(2);
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK(covers_once(50, 1));
  }
}

TEST_CASE("a piece may call parallel_for: it runs inline as worker 0") {
  Threads guard(3);
  std::atomic<std::int64_t> sum{0}, odd_workers{0};
  nacre::parallel_for(20, 1, [&](std::int64_t, std::int64_t, int) {
    nacre::parallel_for(10, 2, [&](std::int64_t begin, std::int64_t end, int worker) {
      sum += end - begin;
      if (worker != 0) ++odd_workers;
    });
  });
  CHECK(sum == 200);
  CHECK(odd_workers == 0);
}

TEST_CASE("several threads may call at once") {
  Threads guard(3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        if (!covers_once(40, 3)) ++wrong;
      }
    });
  }
  for (auto& t : callers) t.join();
  CHECK(wrong == 0);
}

TEST_CASE("changing the number of threads and stopping them between jobs") {
  Threads guard(1);
  for (int i = 0; i < 50; ++i) {
    nacre::set_num_threads(1 + i % 5);
    CHECK(covers_once(30, 1));
    if (i % 7 == 0) {
      nacre::stop_threads();
      CHECK_FALSE(nacre::threads_started());
    }
  }
}

TEST_CASE("a stop leaves out pieces that have not begun") {
  for (int threads : {1, 2}) {
    Threads guard(threads);
    std::atomic<int> ran{0};
    nacre::parallel_for(1000, 1, [&](std::int64_t, std::int64_t, int) {
      ++ran;
      nacre::request_stop();
    });
    CHECK(nacre::stop_requested());
    CHECK(ran >= 1);
    CHECK(ran <= threads);
    {
      nacre::Uninterruptible whole;
      CHECK(covers_once(100, 1));
    }
    ran = 0;
    nacre::parallel_for(10, 1, [&](std::int64_t, std::int64_t, int) { ++ran; });
    CHECK(ran == 0);
    nacre::clear_stop();
    CHECK(covers_once(100, 1));
  }
}

TEST_CASE("set_num_threads rejects counts outside 1 to 1024") {
  CHECK_THROWS_AS(nacre::set_num_threads(0), nacre::ValueError);
  CHECK_THROWS_AS(nacre::set_num_threads(-3), nacre::ValueError);
  CHECK_THROWS_AS(nacre::set_num_threads(1025), nacre::ValueError);
}

#if !defined(NACRE_TSAN)  // the thread sanitizer does not follow a child that starts threads
TEST_CASE("the pool works in a forked child, also while workers are busy") {
  Threads guard(3);
  CHECK(covers_once(100, 1));
  std::atomic<bool> done{false};
  std::thread other([&] {
    while (!done) covers_once(64, 1);
  });
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);  // a hang is a failure, not a stuck test run
      const bool fresh = !nacre::threads_started();
      bool ok = true;
      for (int k = 0; k < 50; ++k) ok = ok && covers_once(100, 1);
      _exit(fresh && ok && nacre::threads_started() ? 0 : 1);
    }
    REQUIRE(child > 0);
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
  done = true;
  other.join();
  CHECK(covers_once(100, 1));
}
#endif
