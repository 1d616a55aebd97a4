// Unary kernels on float32 and float64. Formulas and params stand beside the kinds in elementwise.h, errors in simd/math.h.
#include "nacre/kernels/elementwise_loop.h"
#include "nacre/simd/activation.h"

namespace nacre::NACRE_ISA {

using namespace simd;

static void fill_arithmetic(ElementwiseTable& t) {
  set_float<[](auto x) { return -x; }>(t, UnaryKind::neg);
  set_float<[](auto x) { return abs(x); }>(t, UnaryKind::abs);
  set_float<[]<class T>(Packet<T> x) {
    const Packet<T> zero = Packet<T>::zero();
    return select(ne(x, zero) & ~isnan(x), copysign(constant<T>(1), x), x);
  }>(t, UnaryKind::sign);
  set_float<[](auto x) { return x * x; }>(t, UnaryKind::square);
  // The bounds come first: min and max return their second operand when it is NaN.
  set_float<[](auto x, auto p) { return min(p.second, max(p.first, x)); }, 2>(t, UnaryKind::clip);
  set_float<[](auto x) { return sqrt(x); }>(t, UnaryKind::sqrt);
  set_float<[]<class T>(Packet<T> x) { return constant<T>(1) / sqrt(x); }>(t, UnaryKind::rsqrt);
  set_float<[]<class T>(Packet<T> x) { return constant<T>(1) / x; }>(t, UnaryKind::reciprocal);
  set_float<[](auto x) { return floor(x); }>(t, UnaryKind::floor);
  set_float<[](auto x) { return ceil(x); }>(t, UnaryKind::ceil);
  set_float<[](auto x) { return round_even(x); }>(t, UnaryKind::round);
  set_float<[](auto x) { return trunc(x); }>(t, UnaryKind::trunc);
}

static void fill_transcendental(ElementwiseTable& t) {
  set_float<[](auto x) { return exp(x); }>(t, UnaryKind::exp);
  set_float<[](auto x) { return expm1(x); }>(t, UnaryKind::expm1);
  set_float<[](auto x) { return log(x); }>(t, UnaryKind::log);
  set_float<[](auto x) { return log1p(x); }>(t, UnaryKind::log1p);
  set_float<[](auto x) { return log2(x); }>(t, UnaryKind::log2);
  set_float<[](auto x) { return log10(x); }>(t, UnaryKind::log10);
  set_float<[](auto x) { return sin(x); }>(t, UnaryKind::sin);
  set_float<[](auto x) { return cos(x); }>(t, UnaryKind::cos);
  set_float<[](auto x) { return tan(x); }>(t, UnaryKind::tan);
  set_float<[](auto x) { return asin(x); }>(t, UnaryKind::asin);
  set_float<[](auto x) { return acos(x); }>(t, UnaryKind::acos);
  set_float<[](auto x) { return atan(x); }>(t, UnaryKind::atan);
  set_float<[](auto x) { return sinh(x); }>(t, UnaryKind::sinh);
  set_float<[](auto x) { return cosh(x); }>(t, UnaryKind::cosh);
  set_float<[](auto x) { return tanh(x); }>(t, UnaryKind::tanh);
  set_float<[](auto x) { return erf(x); }>(t, UnaryKind::erf);
}

static void fill_activations(ElementwiseTable& t) {
  set_float<[](auto x) { return sigmoid(x); }>(t, UnaryKind::sigmoid);
  set_float<[](auto x) { return relu(x); }>(t, UnaryKind::relu);
  set_float<[]<class T>(Packet<T> x, PacketParams<T> p) { return select(gt(x, Packet<T>::zero()), x, p.first * x); }, 1>(
      t, UnaryKind::leaky_relu);
  set_float<[](auto x, auto p) { return elu(x, p.first); }, 1>(t, UnaryKind::elu);
  set_float<[](auto x) { return selu(x); }>(t, UnaryKind::selu);
  set_float<[](auto x) { return softplus(x); }>(t, UnaryKind::softplus);
  set_float<[](auto x) { return softsign(x); }>(t, UnaryKind::softsign);
  set_float<[](auto x, auto p) { return silu(x, p.first); }, 1>(t, UnaryKind::silu);
  set_float<[](auto x) { return gelu(x); }>(t, UnaryKind::gelu);
  set_float<[](auto x) { return gelu_tanh(x); }>(t, UnaryKind::gelu_tanh);
  set_float<[](auto x) { return hard_sigmoid(x); }>(t, UnaryKind::hard_sigmoid);
  set_float<[](auto x) { return mish(x); }>(t, UnaryKind::mish);
}

void fill_unary_float(ElementwiseTable& t) {
  fill_arithmetic(t);
  fill_transcendental(t);
  fill_activations(t);
}

}  // namespace nacre::NACRE_ISA
