#include "math_probe.h"

#include "nacre/simd/activation.h"

namespace nacre::NACRE_ISA {
namespace {
using namespace simd;

template <PacketF (*f)(PacketF)>
void loop(const float* x, float* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += PacketF::size) {
    const int rest = n - i < PacketF::size ? static_cast<int>(n - i) : PacketF::size;
    f(PacketF::load_n(x + i, rest)).store_n(y + i, rest);
  }
}
PacketF sigmoid_f(PacketF x) { return sigmoid(x); }
PacketF gelu_f(PacketF x) { return gelu(x); }
PacketF softplus_f(PacketF x) { return softplus(x); }
PacketF silu_f(PacketF x) { return silu(x, splat(1.0f)); }
PacketF mish_f(PacketF x) { return mish(x); }
}  // namespace

void fill_math_probe(test::MathProbe& p) {
  p = {loop<exp>,    loop<expm1>,      loop<log>,    loop<log1p>,  loop<log2>,        loop<log10>,
       loop<sin>,    loop<cos>,        loop<tanh>,   loop<erf>,    loop<sigmoid_f>,   loop<normal_cdf>,
       loop<gelu_f>, loop<softplus_f>, loop<silu_f>, loop<mish_f>, loop<exp_negative>};
}
}  // namespace nacre::NACRE_ISA
