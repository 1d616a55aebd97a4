// CPUID and XGETBV by hand: __builtin_cpu_supports does not link everywhere, and AVX needs the system's consent (XCR0) as well.
#include "nacre/base/cpu_info.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "nacre/base/error.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace nacre {

namespace {

#if defined(__x86_64__)
struct X86Features {
  bool avx2 = false, avx512 = false;
};

std::uint64_t xcr0() {
  std::uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
}

X86Features detect() {
  X86Features f;
  std::uint32_t a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return f;
  const bool osxsave = c >> 27 & 1, avx = c >> 28 & 1, fma = c >> 12 & 1, f16c = c >> 29 & 1;
  if (!osxsave || !avx || !fma || !f16c) return f;
  const std::uint64_t saved = xcr0();
  if ((saved & 0x6) != 0x6) return f;  // xmm and ymm
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return f;
  f.avx2 = b >> 5 & 1;
  const bool all512 = (b >> 16 & 1) && (b >> 17 & 1) && (b >> 30 & 1) && (b >> 31 & 1);  // F, DQ, BW, VL
  f.avx512 = f.avx2 && all512 && (saved & 0xe6) == 0xe6;                                 // opmask, zmm
  return f;
}
#endif

Isa choose() {
  const char* forced = std::getenv("NACRE_ISA");
  if (forced && *forced) {
    for (Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
      if (std::strcmp(forced, isa_name(isa)) != 0) continue;
      if (!isa_available(isa)) raise<ValueError>("NACRE_ISA: '", forced, "' is not available on this machine.");
      return isa;
    }
    raise<ValueError>("NACRE_ISA: unknown instruction set '", forced, "'. Known: scalar, avx2, avx512, neon.");
  }
  for (Isa isa : {Isa::avx512, Isa::avx2, Isa::neon}) {
    if (isa_available(isa)) return isa;
  }
  return Isa::scalar;
}

}  // namespace

const char* isa_name(Isa isa) noexcept {
  switch (isa) {
    case Isa::scalar: return "scalar";
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    case Isa::neon: return "neon";
  }
  return "scalar";
}

bool isa_available(Isa isa) noexcept {
#if defined(__x86_64__)
  [[maybe_unused]] static const X86Features features = detect();
#endif
  switch (isa) {
    case Isa::scalar: return true;
#if defined(NACRE_HAVE_AVX2)
    case Isa::avx2: return features.avx2;
#endif
#if defined(NACRE_HAVE_AVX512)
    case Isa::avx512: return features.avx512;
#endif
#if defined(NACRE_HAVE_NEON)
    case Isa::neon: return true;
#endif
    default: return false;
  }
}

Isa active_isa() {
  static const Isa isa = choose();
  return isa;
}

}  // namespace nacre
