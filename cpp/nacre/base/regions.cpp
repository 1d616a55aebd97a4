// Without waiting and without a lock that a forked child could find taken: who finds the current region in use asks the system, and giving back is a
// count per region.
#include "nacre/base/regions.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>

#include "nacre/base/os_memory.h"

namespace nacre::regions {

namespace {

constexpr int kSlots = 256;               // regions at one time: 2 GB
constexpr std::size_t kStagger = 3 * 64;  // blocks of equal size do not fall on the same cache sets

struct Slot {
  std::atomic<char*> base{nullptr};
  std::atomic<std::int64_t> live{0};  // blocks, and one more while the region is the current one
};
constinit Slot g_slots[kSlots];

// The region that blocks are cut from, changed by whoever holds g_busy.
constinit std::atomic_flag g_busy;
constinit Slot* g_current = nullptr;
constinit std::size_t g_used = 0;

void drop(Slot& slot) noexcept {
  char* base = slot.base.load();
  if (slot.live.fetch_sub(1) != 1) return;
  slot.base.store(nullptr);
  std::free(base);
}

bool begin_region() noexcept {
  for (Slot& s : g_slots) {
    if (s.base.load() || s.live.load()) continue;
    void* p = std::aligned_alloc(kRegion, kRegion);
    if (!p) return false;
    os::prefer_large_pages(p, kRegion);
    s.live.store(1);
    s.base.store(static_cast<char*>(p));
    g_current = &s;
    g_used = 0;
    return true;
  }
  return false;
}

}  // namespace

void* allocate(std::size_t bytes) noexcept {
  if (bytes < kSmallest || bytes > kLargest || g_busy.test_and_set()) return nullptr;
  const std::size_t room = (bytes + 63) / 64 * 64;
  if (g_current && g_used + room > kRegion) {
    drop(*g_current);
    g_current = nullptr;
  }
  void* p = nullptr;
  if (g_current || begin_region()) {
    p = g_current->base.load() + g_used;
    g_current->live.fetch_add(1);
    g_used += room + kStagger;
  }
  g_busy.clear();
  return p;
}

bool release(void* p) noexcept {
  char* base = reinterpret_cast<char*>(reinterpret_cast<std::uintptr_t>(p) & ~(std::uintptr_t{kRegion} - 1));
  for (Slot& s : g_slots) {
    if (s.base.load() != base) continue;
    drop(s);
    return true;
  }
  return false;
}

}  // namespace nacre::regions
