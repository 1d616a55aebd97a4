#include "probes.h"

#include "nacre/base/cpu_info.h"

#define NACRE_DECLARE_PROBES(isa)                          \
  namespace nacre::isa {                                   \
  void fill_math_probe(test::MathProbe&);                  \
  void fill_expr_probe(test::ExprProbe&);                  \
  int check_packets(char* message, std::int64_t capacity); \
  }
#if defined(NACRE_HAVE_SCALAR)
NACRE_DECLARE_PROBES(isa_scalar)
#endif
#if defined(NACRE_HAVE_AVX2)
NACRE_DECLARE_PROBES(isa_avx2)
#endif
#if defined(NACRE_HAVE_AVX512)
NACRE_DECLARE_PROBES(isa_avx512)
#endif
#if defined(NACRE_HAVE_NEON)
NACRE_DECLARE_PROBES(isa_neon)
#endif

namespace nacre::test {

static std::vector<IsaProbe> make_probes() {
  std::vector<IsaProbe> all;
  auto add = [&](Isa isa, void (*fill_math)(MathProbe&), void (*fill_expr)(ExprProbe&), PacketCheck packets) {
    if (!isa_available(isa)) return;
    IsaProbe p{isa_name(isa), {}, packets, {}};
    fill_math(p.math);
    fill_expr(p.expr);
    all.push_back(p);
  };
#if defined(NACRE_HAVE_SCALAR)
  add(Isa::scalar, isa_scalar::fill_math_probe, isa_scalar::fill_expr_probe, isa_scalar::check_packets);
#endif
#if defined(NACRE_HAVE_AVX2)
  add(Isa::avx2, isa_avx2::fill_math_probe, isa_avx2::fill_expr_probe, isa_avx2::check_packets);
#endif
#if defined(NACRE_HAVE_AVX512)
  add(Isa::avx512, isa_avx512::fill_math_probe, isa_avx512::fill_expr_probe, isa_avx512::check_packets);
#endif
#if defined(NACRE_HAVE_NEON)
  add(Isa::neon, isa_neon::fill_math_probe, isa_neon::fill_expr_probe, isa_neon::check_packets);
#endif
  return all;
}

const std::vector<IsaProbe>& probes() {
  static const std::vector<IsaProbe> all = make_probes();
  return all;
}

}  // namespace nacre::test
