// Blocks of some ten kilobytes to some megabytes, side by side on large pages.
//
// A first touch of a small page costs microseconds on virtual machines (measured: 3 us for 4 KB, 100 us for 2 MB), so that the first training step of a
// small model was mostly page faults. Here such blocks share regions of 8 MB, which large pages fill. Freed blocks come back through the caches of
// memory.cpp; a region goes back to the system when its last block is given back.
#pragma once

#include <cstddef>

namespace nacre::regions {

inline constexpr std::size_t kRegion = std::size_t{8} << 20;
inline constexpr std::size_t kSmallest = std::size_t{48} << 10, kLargest = kRegion / 2;

// Memory aligned to 64 bytes; null where a region cannot be had: the caller asks the system.
void* allocate(std::size_t bytes) noexcept;
// True when p came from allocate, and is given back.
bool release(void* p) noexcept;

}  // namespace nacre::regions
