// Activation functions on packets, float and double from one text, in forms that neither overflow nor cancel.
//
// Error in float32: sigmoid 2.5 ULP, the others a few ULP of the result over the whole range (tests/cpp/test_simd_math.cpp). Gradients are
// written as the factor that multiplies dy.
#pragma once

#include "nacre/simd/math.h"

namespace nacre::simd {
inline namespace NACRE_ISA {

template <class T>
static NACRE_INLINE Packet<T> constant(double v) {
  return Packet<T>::set1(T(v));
}

// e^x / (1 + e^x) on the left, 1 / (1 + e^-x) on the right: relative precision is kept down to denormal results.
template <class T>
static NACRE_INLINE Packet<T> sigmoid(Packet<T> x) {
  Packet<T> one = constant<T>(1), zero = Packet<T>::zero(), e = exp(-abs(x));
  return select(lt(x, zero), e, one) / (one + e);
}
template <class T>
static NACRE_INLINE Packet<T> relu(Packet<T> x) {
  return max(Packet<T>::zero(), x);
}  // in this order NaN stays NaN
template <class T>
static NACRE_INLINE Packet<T> softplus(Packet<T> x) {
  return relu(x) + log1p(exp(-abs(x)));
}
template <class T>
static NACRE_INLINE Packet<T> silu(Packet<T> x, Packet<T> beta) {
  // -inf * 0 would be NaN; the limit is -0.
  Packet<T> y = x * sigmoid(beta * x);
  return select(eq(x, constant<T>(-__builtin_inf())) & gt(beta, Packet<T>::zero()), constant<T>(-0.0), y);
}
template <class T>
static NACRE_INLINE Packet<T> gelu(Packet<T> x) {
  // Phi(-40) is 0 in both types; holding x there keeps -inf * 0 from being NaN. The bound comes first so that NaN passes.
  return max(constant<T>(-40), x) * normal(x).cdf;
}
// The tanh form written with the sigmoid: (1 + tanh u) / 2 = sigmoid(2u), without cancellation on the left.
template <class T>
static NACRE_INLINE Packet<T> gelu_tanh_argument(Packet<T> x) {  // 2 sqrt(2/pi) (x + 0.044715 x^3)
  return x * fma(constant<T>(0.071354816272600249), x * x, constant<T>(1.5957691216057308));
}
template <class T>
static NACRE_INLINE Packet<T> gelu_tanh(Packet<T> x) {
  Packet<T> y = x * sigmoid(gelu_tanh_argument(x));
  return select(eq(x, constant<T>(-__builtin_inf())), constant<T>(-0.0), y);
}
// tanh(log(1 + e^x)) = w / (w + 2), w = e^x (e^x + 2); divided by e^2x on the right.
template <class T>
static NACRE_INLINE Packet<T> tanh_softplus(Packet<T> x) {
  Packet<T> one = constant<T>(1), two = constant<T>(2), e = exp(-abs(x));
  Mask<T> left = lt(x, Packet<T>::zero());
  Packet<T> w = select(left, e * (e + two), fma(two, e, one));
  return w / (w + select(left, two, two * e * e));
}
template <class T>
static NACRE_INLINE Packet<T> mish(Packet<T> x) {
  return select(eq(x, constant<T>(-__builtin_inf())), constant<T>(-0.0), x * tanh_softplus(x));
}
template <class T>
static NACRE_INLINE Packet<T> elu(Packet<T> x, Packet<T> alpha) {
  return select(gt(x, Packet<T>::zero()), x, alpha * expm1(x));
}
template <class T>
static NACRE_INLINE Packet<T> selu(Packet<T> x) {
  return select(gt(x, Packet<T>::zero()), constant<T>(1.0507009873554805) * x, constant<T>(1.7580993408473768) * expm1(x));
}
// x / (1 + |x|); 1 at infinity.
template <class T>
static NACRE_INLINE Packet<T> softsign(Packet<T> x) {
  Packet<T> one = constant<T>(1), a = abs(x);
  return select(eq(a, constant<T>(__builtin_inf())), copysign(one, x), x / (one + a));
}
template <class T>
static NACRE_INLINE Packet<T> hard_sigmoid(Packet<T> x) {
  return min(constant<T>(6), max(Packet<T>::zero(), x + constant<T>(3))) * constant<T>(1.0 / 6.0);
}

// d/dx x s(bx) = s + bx s (1 - s).  At +-infinity the product would be infinity times zero: the limits are 1 and 0.
template <class T>
static NACRE_INLINE Packet<T> silu_slope(Packet<T> x, Packet<T> beta) {
  Packet<T> z = min(constant<T>(1e4), max(constant<T>(-1e4), beta * x));
  Packet<T> s = sigmoid(z), s_negative = sigmoid(-z);
  return fma(z * s, s_negative, s);
}
template <class T>
static NACRE_INLINE Packet<T> gelu_slope(Packet<T> x) {
  Packet<T> c = min(constant<T>(50), max(constant<T>(-50), x));
  auto p = normal(c);
  return fma(c, p.pdf, p.cdf);
}
// s(u) + x u' s(u) s(-u), u' = 2 sqrt(2/pi) (1 + 3 * 0.044715 x^2)
template <class T>
static NACRE_INLINE Packet<T> gelu_tanh_slope(Packet<T> x) {
  Packet<T> c = min(constant<T>(50), max(constant<T>(-50), x));
  Packet<T> u = gelu_tanh_argument(c), s = sigmoid(u), s_negative = sigmoid(-u);
  Packet<T> du = fma(constant<T>(0.21406444881780075), c * c, constant<T>(1.5957691216057308));
  return fma(c * du * s, s_negative, s);
}
// t + x (1 - t^2) s(x), t = tanh(softplus(x)); 1 - t^2 = (1 - t)(1 + t), 1 - t = 2 / (w + 2).
template <class T>
static NACRE_INLINE Packet<T> mish_slope(Packet<T> x) {
  Packet<T> one = constant<T>(1), c = min(constant<T>(1e4), max(constant<T>(-1e4), x));
  Packet<T> two = constant<T>(2), e = exp(-abs(c));
  Mask<T> left = lt(c, Packet<T>::zero());
  Packet<T> w = select(left, e * (e + two), fma(two, e, one)), v = select(left, two, two * e * e);
  Packet<T> t = w / (w + v), one_minus_t = v / (w + v);
  return fma(c * sigmoid(c), one_minus_t * (one + t), t);
}

}  // namespace NACRE_ISA
}  // namespace nacre::simd
