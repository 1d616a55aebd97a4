// What this processor and its operating system can run.
#pragma once

#include <string>

#include "nacre/base/api.h"

namespace nacre {

enum class Isa { scalar, avx2, avx512, neon };

// True when the processor has the instructions, the system saves their registers, and this build holds kernels for them.
NACRE_API bool isa_available(Isa isa) noexcept;
NACRE_API const char* isa_name(Isa isa) noexcept;
// The instruction set in use: the widest available, or what NACRE_ISA in the environment names. Decided once, at the first call.
// Throws ValueError when NACRE_ISA names something unknown or unavailable.
NACRE_API Isa active_isa();

}  // namespace nacre
