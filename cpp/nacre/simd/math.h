// exp, expm1, log, log1p, log2, log10, sin, cos, tanh, erf, normal_cdf on packets; the other functions of libm lane by lane.
//
// float32: vectorised, odd functions keep -0, NaN and infinities as in C99, denormals kept on both sides. Largest error in ULP over a dense
// sweep of all exponents, the same for every port up to the order of operations (tests/cpp/test_simd_math.cpp holds them to it):
//     exp 1.0   expm1 1.5   log 1.0   log1p 1.5   log2 1.5   log10 2.0   tanh 1.5   erf 1.5   sin, cos 1.6   normal_cdf 6.0
// float64: libm of the platform, one lane at a time (< 1 ULP with glibc).
//
// Polynomials: fitted here by the Remez exchange to the weighted error of the final function, coefficients then rounded to float; the
// bound of the fit stands beside each. Range reductions after Cody and Waite, Software Manual for the Elementary Functions, 1980.
// Every lane depends on its own input only, so bodies and masked tails agree in bits.
#pragma once

#include "nacre/simd/packet.h"

namespace nacre::simd {
inline namespace NACRE_ISA {

// c0 + c1 x + c2 x^2 + ... by Horner's rule, one fma per step.
template <class T>
static NACRE_INLINE Packet<T> horner(Packet<T>, T c0) {
  return Packet<T>::set1(c0);
}
template <class T, class... C>
static NACRE_INLINE Packet<T> horner(Packet<T> x, T c0, C... rest) {
  return fma(horner(x, rest...), x, Packet<T>::set1(c0));
}

template <class T, class F>
static NACRE_INLINE Packet<T> map_lanes(Packet<T> x, F f) {
  T lanes[Packet<T>::size];
  x.store(lanes);
  for (int i = 0; i < Packet<T>::size; ++i) lanes[i] = f(lanes[i]);
  return Packet<T>::load(lanes);
}
template <class T, class F>
static NACRE_INLINE Packet<T> map_lanes(Packet<T> x, Packet<T> y, F f) {
  T xs[Packet<T>::size], ys[Packet<T>::size];
  x.store(xs);
  y.store(ys);
  for (int i = 0; i < Packet<T>::size; ++i) xs[i] = f(xs[i], ys[i]);
  return Packet<T>::load(xs);
}

static NACRE_INLINE PacketF splat(float x) { return PacketF::set1(x); }

constexpr float kLog2E = 1.44269502f, kLn2Hi = 0.693147182f, kLn2Lo = -1.90465421e-9f;  // kLn2Hi + kLn2Lo = ln 2 to 2^-54

// x = n ln2 + r with |r| <= ln2/2 (a hair more after rounding), n whole. |x| < 2^7.
static NACRE_INLINE PacketF reduce_ln2(PacketF x, PacketF& n) {
  n = round_even(x * splat(kLog2E));
  PacketF r = fnma(n, splat(kLn2Hi), x);
  return fnma(n, splat(kLn2Lo), r);
}

// 2^n, -127 <= n <= 127, where -127 gives 0.
static NACRE_INLINE PacketF power_of_two(PacketF n) { return from_bits(shl<23>(round_to_int(n) + PacketI::set1(127))); }

// e^r = 1 + r + r^2 q(r); relative error of the fit 2^-34.
static NACRE_INLINE PacketF exp_reduced(PacketF r) {
  PacketF q = horner(r, 5.000000000e-01f, 1.666666567e-01f, 4.166629165e-02f, 8.333499543e-03f, 1.394486520e-03f, 1.978980290e-04f);
  return splat(1.0f) + fma(r * r, q, r);
}

static NACRE_INLINE PacketF exp(PacketF x) {
  // Beyond these the result is infinite or rounds to zero. min and max return their second operand when it is NaN.
  PacketF n, c = max(splat(-105.0f), min(splat(89.0f), x));
  PacketF r = reduce_ln2(c, n);
  return ldexp(exp_reduced(r), n);
}

// For x <= 0 (no overflow): what would be below 2^-126 is 0 or a number as small.
static NACRE_INLINE PacketF exp_negative(PacketF x) {
  PacketF n, r = reduce_ln2(max(splat(-88.0f), x), n);
  return exp_reduced(r) * power_of_two(n);
}

// e^x - 1 = 2^n (e^r - 1) + (2^n - 1), all halved so that n = 128 is representable.  Fit 2^-32.
static NACRE_INLINE PacketF expm1(PacketF x) {
  PacketF n, c = max(splat(-20.0f), min(splat(89.0f), x));
  PacketF r = reduce_ln2(c, n);
  PacketF q = horner(r, 5.000000000e-01f, 1.666666567e-01f, 4.166635871e-02f, 8.333390579e-03f, 1.394082559e-03f, 1.984558767e-04f);
  PacketF e = fma(r * r, q, r);
  PacketF half = from_bits(shl<23>(round_to_int(n) + PacketI::set1(126)));
  PacketF y = fma(half, e, half - splat(0.5f));
  y = y + y;
  return copysign(select(eq(n, PacketF::zero()), e, y), x);
}

// x = 2^e m, m in [sqrt(1/2), sqrt(2)). x > 0, denormal or not.
static NACRE_INLINE PacketF split_exponent(PacketF x, PacketF& e) {
  Mask<float> small = lt(x, splat(0x1p-126f));
  PacketI i = to_bits(select(small, x * splat(0x1p23f), x));
  PacketI k = sra<23>(i - PacketI::set1(0x3f3504f3));
  e = to_float(k) - select(small, splat(23.0f), PacketF::zero());
  return from_bits(i - shl<23>(k));
}
// y = log(1 + f) - f for f in [sqrt(1/2) - 1, sqrt(2) - 1]: -f^2/2 + f^3 p(f); fit 2^-30.
static NACRE_INLINE PacketF log1p_minus(PacketF f) {
  PacketF z = f * f;
  PacketF p = horner(f, 3.333331347e-01f, -2.500000894e-01f, 2.000211775e-01f, -1.666799635e-01f, 1.421956271e-01f,
                     -1.240557581e-01f, 1.188809946e-01f, -1.167575568e-01f, 6.746896356e-02f);
  return fma(z * f, p, splat(-0.5f) * z);
}
// y where x is positive and finite, otherwise what a logarithm of x is.
static NACRE_INLINE PacketF log_special(PacketF x, PacketF y) {
  PacketF inf = splat(__builtin_inff());
  PacketF rest = select(eq(x, inf), x, select(eq(x, PacketF::zero()), -inf, splat(__builtin_nanf(""))));
  return select(gt(x, PacketF::zero()) & lt(x, inf), y, rest);
}

static NACRE_INLINE PacketF log(PacketF x) {
  PacketF e, f = split_exponent(x, e) - splat(1.0f);
  PacketF y = fma(e, splat(kLn2Lo), log1p_minus(f));
  return log_special(x, fma(e, splat(kLn2Hi), f + y));
}

// log(1 + x): u = 1 + x rounded, the rest of the sum, exact, is put back into the reduced argument.
static NACRE_INLINE PacketF log1p(PacketF x) {
  PacketF one = splat(1.0f), u = one + x;
  PacketF rest = select(ge(x, one), one - (u - x), x - (u - one));
  PacketF e, m = split_exponent(u, e);
  PacketF f = (m - one) + ldexp(rest, -e);
  PacketF y = fma(e, splat(kLn2Lo), log1p_minus(f));
  y = log_special(u, fma(e, splat(kLn2Hi), f + y));
  return copysign(y, x);
}

static NACRE_INLINE PacketF log2(PacketF x) {
  constexpr float hi = 1.44269502f, lo = 1.92596303e-8f;  // log2(e)
  PacketF e, f = split_exponent(x, e) - splat(1.0f);
  PacketF t = log1p_minus(f);
  PacketF y = fma(f, splat(lo), t * splat(hi));
  return log_special(x, e + fma(f, splat(hi), y));
}
static NACRE_INLINE PacketF log10(PacketF x) {
  constexpr float hi = 0.434294492f, lo = -1.010305e-8f;           // log10(e)
  constexpr float two_hi = 0.30103001f, two_lo = -1.43209888e-8f;  // log10(2)
  PacketF e, f = split_exponent(x, e) - splat(1.0f);
  PacketF t = log1p_minus(f);
  PacketF y = fma(e, splat(two_lo), fma(f, splat(lo), t * splat(hi)));
  y = fma(f, splat(hi), y);
  return log_special(x, fma(e, splat(two_hi), y));
}

// |x| < 0.55: x + x^3 T(x^2), fit 2^-30. Above: 1 - 2e / (1 + e), e = e^(-2|x|), whose own error weighs little there.
static NACRE_INLINE PacketF tanh(PacketF x) {
  PacketF a = abs(x), z = x * x, one = splat(1.0f);
  PacketF small = horner(z, -3.333331645e-01f, 1.333258599e-01f, -5.385235697e-02f, 2.107181214e-02f, -6.274363957e-03f);
  PacketF e = exp_negative(splat(-2.0f) * a);
  PacketF large = one - (e + e) / (one + e);
  return copysign(select(lt(a, splat(0.55f)), fma(z * a, small, a), large), x);
}

// |x| < 1: x + x E(x^2), fit 2^-29.6. Above: 1 - e^L(|x|), L = log erfc, fit 2^-35 of the result. erf = 1 beyond 3.95.
static NACRE_INLINE PacketF erf(PacketF x) {
  PacketF a = abs(x), z = x * x, c = min(splat(3.95f), a);
  PacketF small = horner(z, 1.283791661e-01f, -3.761262596e-01f, 1.128358543e-01f, -2.685381472e-02f, 5.188330542e-03f,
                         -8.010202437e-04f, 7.853849820e-05f);
  PacketF large = horner(c, 1.884657540e-04f, -1.129580259e+00f, -6.332164407e-01f, -1.084220782e-01f, 2.521032840e-02f,
                         -4.205280449e-03f, 4.414718424e-04f, -2.169754771e-05f);
  large = splat(1.0f) - exp_negative(large);
  return select(lt(a, splat(1.0f)), fma(x, small, x), copysign(large, x));
}

// The normal distribution's cdf and density, both from one exponential. a = |x| < 3/4: Phi = 1/2 + x Q(x^2), fit 2^-30. Above, with
// e = exp(-a^2/2): Phi(-a) = e P(1 / (1 + 3a/8)), fit 2^-24 relative up to 14.6, where it underflows. a^2 is not rounded: it enters the reduced
// argument by fma, after n ln2 in a part of few bits, exact, and a small rest. e carries 2^64 and P 2^-64, so that their product alone is denormal.
struct NormalF {
  PacketF cdf, pdf;
};
static NACRE_INLINE NormalF normal(PacketF x) {
  PacketF a = min(splat(14.75f), abs(x)), one = splat(1.0f), h = a * splat(-0.5f), square = a * a;
  PacketF n = round_even(square * splat(-0.5f * kLog2E));
  PacketF r = fma(n, splat(2.12194440e-4f), fma(h, a, n * splat(-0.693359375f)));
  PacketF e = exp_reduced(r) * from_bits(shl<23>(round_to_int(n) + PacketI::set1(127 + 64)));
  PacketF t = one / fma(a, splat(0.375f), one);
  PacketF p = horner(t, -4.737649613e-25f, 8.122774675e-21f, 7.964868804e-21f, 7.878634417e-21f, 1.273478985e-21f, 9.527596350e-21f,
                     -1.092656637e-20f, 3.268241491e-21f);
  PacketF tail = e * p;
  tail = select(lt(x, PacketF::zero()), tail, one - tail);
  PacketF q = horner(square, 3.989422619e-01f, -6.649015844e-02f, 9.971507825e-03f, -1.179322950e-03f, 1.014081572e-04f);
  return {select(lt(a, splat(0.75f)), fma(x, q, splat(0.5f)), tail), e * splat(0.398942292f * 0x1p-64f)};
}
static NACRE_INLINE PacketF normal_cdf(PacketF x) { return normal(x).cdf; }

// Above this |x| the three-part pi/2 no longer reduces exactly; such lanes, rare in practice, go to libm.
constexpr float kTrigLimit = 131072.0f;

// |x| = k pi/2 + r, |r| <= pi/4 (a hair more after rounding). The first product difference is exact, the next rounds at 2^-24 of r.
static NACRE_INLINE PacketF reduce_half_pi(PacketF x, PacketI& k) {
  PacketF a = abs(x), n = round_even(a * splat(0.636619747f));
  k = round_to_int(n);
  PacketF r = fnma(n, splat(1.57079637f), a);
  r = fnma(n, splat(-4.37113883e-8f), r);
  return fnma(n, splat(-1.71512451e-15f), r);
}
// sin(r) for even k, cos(r) for odd k, negated when bit 1 of k is set. Fits 2^-37 and 2^-42.
static NACRE_INLINE PacketF sin_quadrant(PacketF r, PacketI k) {
  PacketF z = r * r;
  PacketF s = horner(z, -1.666666716e-01f, 8.333329111e-03f, -1.983923285e-04f, 2.717367352e-06f);
  s = fma(r * z, s, r);
  PacketF c = horner(z, 4.166666791e-02f, -1.388888340e-03f, 2.479937211e-05f, -2.719862948e-07f);
  c = fma(z * z, c, fnma(splat(0.5f), z, splat(1.0f)));
  PacketI one = PacketI::set1(1);
  PacketF y = select(eq(k & one, one), c, s);
  return from_bits(to_bits(y) ^ shl<30>(k & PacketI::set1(2)));
}
static NACRE_INLINE PacketF sin(PacketF x) {
  PacketI k;
  PacketF r = reduce_half_pi(x, k), y = sin_quadrant(r, k);
  y = bit_xor(y, bit_and(x, splat(-0.0f)));
  Mask<float> huge = gt(abs(x), splat(kTrigLimit));
  if (any(huge)) y = select(huge, map_lanes(x, [](float v) { return __builtin_sinf(v); }), y);
  return y;
}
static NACRE_INLINE PacketF cos(PacketF x) {
  PacketI k;
  PacketF r = reduce_half_pi(x, k), y = sin_quadrant(r, k + PacketI::set1(1));
  Mask<float> huge = gt(abs(x), splat(kTrigLimit));
  if (any(huge)) y = select(huge, map_lanes(x, [](float v) { return __builtin_cosf(v); }), y);
  return y;
}

// Lane by lane through libm: float64 throughout, and the functions that no network spends time in.
static NACRE_INLINE PacketD exp(PacketD x) {
  return map_lanes(x, [](double v) { return __builtin_exp(v); });
}
static NACRE_INLINE PacketD expm1(PacketD x) {
  return map_lanes(x, [](double v) { return __builtin_expm1(v); });
}
static NACRE_INLINE PacketD log(PacketD x) {
  return map_lanes(x, [](double v) { return __builtin_log(v); });
}
static NACRE_INLINE PacketD log1p(PacketD x) {
  return map_lanes(x, [](double v) { return __builtin_log1p(v); });
}
static NACRE_INLINE PacketD log2(PacketD x) {
  return map_lanes(x, [](double v) { return __builtin_log2(v); });
}
static NACRE_INLINE PacketD log10(PacketD x) {
  return map_lanes(x, [](double v) { return __builtin_log10(v); });
}
static NACRE_INLINE PacketD sin(PacketD x) {
  return map_lanes(x, [](double v) { return __builtin_sin(v); });
}
static NACRE_INLINE PacketD cos(PacketD x) {
  return map_lanes(x, [](double v) { return __builtin_cos(v); });
}
static NACRE_INLINE PacketD tanh(PacketD x) {
  return map_lanes(x, [](double v) { return __builtin_tanh(v); });
}
static NACRE_INLINE PacketD erf(PacketD x) {
  return map_lanes(x, [](double v) { return __builtin_erf(v); });
}
static NACRE_INLINE PacketD normal_cdf(PacketD x) {
  return PacketD::set1(0.5) * map_lanes(x * PacketD::set1(-0.70710678118654752), [](double v) { return __builtin_erfc(v); });
}
struct NormalD {
  PacketD cdf, pdf;
};
static NACRE_INLINE NormalD normal(PacketD x) {
  return {normal_cdf(x), PacketD::set1(0.39894228040143268) * exp(PacketD::set1(-0.5) * x * x)};
}

static NACRE_INLINE PacketF tan(PacketF x) {
  return map_lanes(x, [](float v) { return __builtin_tanf(v); });
}
static NACRE_INLINE PacketD tan(PacketD x) {
  return map_lanes(x, [](double v) { return __builtin_tan(v); });
}
static NACRE_INLINE PacketF asin(PacketF x) {
  return map_lanes(x, [](float v) { return __builtin_asinf(v); });
}
static NACRE_INLINE PacketD asin(PacketD x) {
  return map_lanes(x, [](double v) { return __builtin_asin(v); });
}
static NACRE_INLINE PacketF acos(PacketF x) {
  return map_lanes(x, [](float v) { return __builtin_acosf(v); });
}
static NACRE_INLINE PacketD acos(PacketD x) {
  return map_lanes(x, [](double v) { return __builtin_acos(v); });
}
static NACRE_INLINE PacketF atan(PacketF x) {
  return map_lanes(x, [](float v) { return __builtin_atanf(v); });
}
static NACRE_INLINE PacketD atan(PacketD x) {
  return map_lanes(x, [](double v) { return __builtin_atan(v); });
}
static NACRE_INLINE PacketF sinh(PacketF x) {
  return map_lanes(x, [](float v) { return __builtin_sinhf(v); });
}
static NACRE_INLINE PacketD sinh(PacketD x) {
  return map_lanes(x, [](double v) { return __builtin_sinh(v); });
}
static NACRE_INLINE PacketF cosh(PacketF x) {
  return map_lanes(x, [](float v) { return __builtin_coshf(v); });
}
static NACRE_INLINE PacketD cosh(PacketD x) {
  return map_lanes(x, [](double v) { return __builtin_cosh(v); });
}
static NACRE_INLINE PacketF atan2(PacketF y, PacketF x) {
  return map_lanes(y, x, [](float a, float b) { return __builtin_atan2f(a, b); });
}
static NACRE_INLINE PacketD atan2(PacketD y, PacketD x) {
  return map_lanes(y, x, [](double a, double b) { return __builtin_atan2(a, b); });
}

// Squares are taken by one multiplication, the other powers by libm.
static NACRE_INLINE PacketF pow(PacketF x, PacketF y) {
  return map_lanes(x, y, [](float a, float b) { return b == 2.0f ? a * a : __builtin_powf(a, b); });
}
static NACRE_INLINE PacketD pow(PacketD x, PacketD y) {
  return map_lanes(x, y, [](double a, double b) { return b == 2.0 ? a * a : __builtin_pow(a, b); });
}

}  // namespace NACRE_ISA
}  // namespace nacre::simd
