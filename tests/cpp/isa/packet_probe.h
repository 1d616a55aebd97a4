// Every operation of simd/packet.h against plain scalar C++, run inside one instruction set.
#pragma once

#include <cstdint>

namespace nacre::test {

// Number of checks that failed; the first one is described in `message`.
using PacketCheck = int (*)(char* message, std::int64_t capacity);

}  // namespace nacre::test
