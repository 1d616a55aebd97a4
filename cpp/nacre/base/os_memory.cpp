#include "nacre/base/os_memory.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace nacre::os {

void prefer_large_pages([[maybe_unused]] void* p, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  madvise(p, bytes, MADV_HUGEPAGE);
#endif
}

}  // namespace nacre::os
