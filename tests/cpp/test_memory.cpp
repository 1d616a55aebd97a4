// Memory of tensors: blocks of all sizes, given back on other threads, caches emptied meanwhile.
#include <atomic>
#include <cstdint>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "doctest/doctest.h"
#include "nacre/base/memory.h"
#include "nacre/base/regions.h"

namespace {

struct Block {
  unsigned char* p;
  std::size_t bytes;
  unsigned char mark;
};

// First, last and middle bytes hold the mark.
void write(Block& b) {
  if (b.bytes == 0) return;
  b.p[0] = b.p[b.bytes / 2] = b.p[b.bytes - 1] = b.mark;
}
bool intact(const Block& b) {
  return b.bytes == 0 || (b.p[0] == b.mark && b.p[b.bytes / 2] == b.mark && b.p[b.bytes - 1] == b.mark);
}

std::vector<Block> some_blocks(unsigned seed, int count) {
  std::mt19937 random(seed);
  std::vector<Block> out;
  for (int i = 0; i < count; ++i) {
    const int log = static_cast<int>(random() % 24);  // up to 16 MB
    const std::size_t bytes = (std::size_t{1} << log) + random() % (std::size_t{1} << log);
    Block b{static_cast<unsigned char*>(nacre::allocate(bytes)), bytes, static_cast<unsigned char>(random())};
    CHECK(reinterpret_cast<std::uintptr_t>(b.p) % nacre::kAlignment == 0);
    write(b);
    out.push_back(b);
  }
  return out;
}

}  // namespace

TEST_CASE("memory: blocks of all sizes do not overlap, on several threads, and are all given back") {
  const std::size_t before = nacre::memory_in_use();
  std::vector<std::vector<Block>> made(4);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < made.size(); ++t) {
    threads.emplace_back([&, t] {
      for (unsigned round = 0; round < 5; ++round) {
        auto more = some_blocks(100 * t + round, 40);
        made[t].insert(made[t].end(), more.begin(), more.end());
        for (std::size_t i = 0; i < made[t].size(); i += 3) {  // holes for the next round
          CHECK(intact(made[t][i]));
          nacre::deallocate(made[t][i].p, made[t][i].bytes);
          made[t].erase(made[t].begin() + static_cast<std::ptrdiff_t>(i));
        }
        if (round % 2) nacre::release_cached_memory();
      }
    });
  }
  for (auto& t : threads) t.join();
  for (auto& list : made) {  // given back by another thread than they were taken by
    for (const Block& b : list) {
      CHECK(intact(b));
      nacre::deallocate(b.p, b.bytes);
    }
  }
  nacre::release_cached_memory();
  CHECK(nacre::memory_in_use() == before);
}

TEST_CASE("memory: a region serves what fits, and takes back what is its own only") {
  CHECK(nacre::regions::allocate(nacre::regions::kSmallest - 1) == nullptr);
  CHECK(nacre::regions::allocate(nacre::regions::kLargest + 1) == nullptr);
  std::vector<void*> blocks;
  for (int i = 0; i < 12; ++i) {  // more than one region
    blocks.push_back(nacre::regions::allocate(std::size_t{3} << 20));
    REQUIRE(blocks.back() != nullptr);
    std::memset(blocks.back(), i, std::size_t{3} << 20);
  }
  for (int i = 0; i < 12; ++i) {
    CHECK(static_cast<unsigned char*>(blocks[static_cast<std::size_t>(i)])[(3 << 20) - 1] == i);
    CHECK(nacre::regions::release(blocks[static_cast<std::size_t>(i)]));
  }
  std::vector<char> own(16);
  CHECK_FALSE(nacre::regions::release(own.data()));
}

TEST_CASE("memory: a forked child allocates while other threads of the parent do") {
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) {
      void* p = nacre::allocate(std::size_t{100} << 10);
      nacre::deallocate(p, std::size_t{100} << 10);
      nacre::release_cached_memory();
    }
  });
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      bool good = true;
      for (int k = 0; k < 50; ++k) {
        auto* p = static_cast<unsigned char*>(nacre::allocate(std::size_t{200} << 10));
        p[0] = p[(200 << 10) - 1] = static_cast<unsigned char>(k);
        good = good && p[0] == k;
        nacre::deallocate(p, std::size_t{200} << 10);
      }
      _exit(good ? 0 : 1);
    }
    int status = 1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  stop = true;
  busy.join();
}
