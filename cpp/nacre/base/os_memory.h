// What memory.cpp asks of the operating system beyond the C library.
#pragma once

#include <cstddef>

namespace nacre::os {

inline constexpr std::size_t kLargePage = std::size_t{2} << 20;

// Asks that memory aligned to kLargePage be backed by large pages where it fills them. A wish: the system's setting may refuse.
void prefer_large_pages(void* p, std::size_t bytes) noexcept;

}  // namespace nacre::os
