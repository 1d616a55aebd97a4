// What a plan runs between the passes of a kernel, tile by tile: the elementwise ops before an input (a kernel then asks for its elements) or
// after an output (it hands them over), while they lie in the first cache.
#pragma once

#include <stdint.h>

namespace nacre {

struct TileHook {
  // before: fills `tile` with elements [begin, begin + n) of the input. after: takes the same of the output, which it may change. `tile` is the
  // array itself where there is one, else a buffer of the kernel's. What else the ops write they write at these positions, the same each time.
  void (*run)(const void* self, int64_t begin, int64_t n, void* tile) noexcept = nullptr;
  const void* self = nullptr;
  void operator()(int64_t begin, int64_t n, void* tile) const noexcept {
    if (run) run(self, begin, n, tile);
  }
  explicit operator bool() const { return run; }
};

// Rows of at most so many bytes are summed by columns with a hook: wider ones would be walked in pieces, each far from the next.
inline constexpr int64_t kHookedColumns = 512;
// Rows of a product of at most so many bytes are finished while they lie in the second cache: wider ones are made in pieces.
inline constexpr int64_t kHookedProduct = 2048;

struct TileHooks {
  TileHook before, after;
};

}  // namespace nacre
