// Operators and functions on expressions: each builds a node that applies the packet function of the same name. Included by expr.h.
#pragma once

#include "nacre/expr/expr.h"

namespace nacre::expr {
inline namespace NACRE_ISA {

// An operand as an expression of element type T: itself, or a number.
template <class T, Expression E>
static NACRE_INLINE E operand(E e) {
  return e;
}
template <class T, Number V>
static NACRE_INLINE Scalar<T> operand(V v) {
  return scalar(static_cast<T>(v));
}

// The element type of a call: that of its first argument that is an expression.
template <class A, class... Rest>
struct ElementOf {
  using type = typename ElementOf<Rest...>::type;
};
template <Expression A, class... Rest>
struct ElementOf<A, Rest...> {
  using type = typename A::value_type;
};
template <class A, class B>
concept Operands = (Expression<A> && (Expression<B> || Number<B>)) || (Number<A> && Expression<B>);

template <class F, class A, class B>
static NACRE_INLINE auto map_operands(F f, A a, B b) {
  using T = typename ElementOf<A, B>::type;
  return map(f, operand<T>(a), operand<T>(b));
}
template <class F, class A, class B, class C>
static NACRE_INLINE auto map_operands(F f, A a, B b, C c) {
  using T = typename ElementOf<A, B, C>::type;
  return map(f, operand<T>(a), operand<T>(b), operand<T>(c));
}

template <Expression A>
static NACRE_INLINE auto operator-(A a) {
  return map([](auto x) { return -x; }, a);
}
template <Expression A>
static NACRE_INLINE auto operator~(A a) {
  return map([](auto x) { return ~x; }, a);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto operator+(A a, B b) {
  return map_operands([](auto x, auto y) { return x + y; }, a, b);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto operator-(A a, B b) {
  return map_operands([](auto x, auto y) { return x - y; }, a, b);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto operator*(A a, B b) {
  return map_operands([](auto x, auto y) { return x * y; }, a, b);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto operator/(A a, B b) {
  return map_operands([](auto x, auto y) { return x / y; }, a, b);
}
template <Expression A, Expression B>
static NACRE_INLINE auto operator&(A a, B b) {
  return map([](auto x, auto y) { return x & y; }, a, b);
}
template <Expression A, Expression B>
static NACRE_INLINE auto operator|(A a, B b) {
  return map([](auto x, auto y) { return x | y; }, a, b);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto operator<(A a, B b) {
  return map_operands([](auto x, auto y) { return lt(x, y); }, a, b);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto operator<=(A a, B b) {
  return map_operands([](auto x, auto y) { return le(x, y); }, a, b);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto operator>(A a, B b) {
  return map_operands([](auto x, auto y) { return gt(x, y); }, a, b);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto operator>=(A a, B b) {
  return map_operands([](auto x, auto y) { return ge(x, y); }, a, b);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto operator==(A a, B b) {
  return map_operands([](auto x, auto y) { return eq(x, y); }, a, b);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto operator!=(A a, B b) {
  return map_operands([](auto x, auto y) { return ne(x, y); }, a, b);
}

template <Expression A>
static NACRE_INLINE auto abs(A a) {
  return map([](auto x) { return abs(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto sqrt(A a) {
  return map([](auto x) { return sqrt(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto floor(A a) {
  return map([](auto x) { return floor(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto ceil(A a) {
  return map([](auto x) { return ceil(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto trunc(A a) {
  return map([](auto x) { return trunc(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto isnan(A a) {
  return map([](auto x) { return isnan(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto exp(A a) {
  return map([](auto x) { return exp(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto expm1(A a) {
  return map([](auto x) { return expm1(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto log(A a) {
  return map([](auto x) { return log(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto log1p(A a) {
  return map([](auto x) { return log1p(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto log2(A a) {
  return map([](auto x) { return log2(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto log10(A a) {
  return map([](auto x) { return log10(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto sin(A a) {
  return map([](auto x) { return sin(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto cos(A a) {
  return map([](auto x) { return cos(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto tan(A a) {
  return map([](auto x) { return tan(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto asin(A a) {
  return map([](auto x) { return asin(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto acos(A a) {
  return map([](auto x) { return acos(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto atan(A a) {
  return map([](auto x) { return atan(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto sinh(A a) {
  return map([](auto x) { return sinh(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto cosh(A a) {
  return map([](auto x) { return cosh(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto tanh(A a) {
  return map([](auto x) { return tanh(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto erf(A a) {
  return map([](auto x) { return erf(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto normal_cdf(A a) {
  return map([](auto x) { return normal_cdf(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto sigmoid(A a) {
  return map([](auto x) { return sigmoid(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto relu(A a) {
  return map([](auto x) { return relu(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto softplus(A a) {
  return map([](auto x) { return softplus(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto gelu(A a) {
  return map([](auto x) { return gelu(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto gelu_tanh(A a) {
  return map([](auto x) { return gelu_tanh(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto mish(A a) {
  return map([](auto x) { return mish(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto softsign(A a) {
  return map([](auto x) { return softsign(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto hard_sigmoid(A a) {
  return map([](auto x) { return hard_sigmoid(x); }, a);
}
template <Expression A>
static NACRE_INLINE auto selu(A a) {
  return map([](auto x) { return selu(x); }, a);
}
template <Expression A>  // half to even
static NACRE_INLINE auto round(A a) {
  return map([](auto x) { return round_even(x); }, a);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto min(A a, B b) {
  return map_operands([](auto x, auto y) { return min(x, y); }, a, b);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto max(A a, B b) {
  return map_operands([](auto x, auto y) { return max(x, y); }, a, b);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto copysign(A a, B b) {
  return map_operands([](auto x, auto y) { return copysign(x, y); }, a, b);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto pow(A a, B b) {
  return map_operands([](auto x, auto y) { return pow(x, y); }, a, b);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto atan2(A a, B b) {
  return map_operands([](auto x, auto y) { return atan2(x, y); }, a, b);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto elu(A a, B b) {
  return map_operands([](auto x, auto y) { return elu(x, y); }, a, b);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto silu(A a, B b) {
  return map_operands([](auto x, auto y) { return silu(x, y); }, a, b);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto minimum(A a, B b) {
  return map_operands([](auto x, auto y) { return min_nan(x, y); }, a, b);
}
template <class A, class B>
requires Operands<A, B>
static NACRE_INLINE auto maximum(A a, B b) {
  return map_operands([](auto x, auto y) { return max_nan(x, y); }, a, b);
}
template <class A, class B, class C>
requires(Expression<A> || Expression<B> || Expression<C>) static NACRE_INLINE auto fma(A a, B b, C c) {
  return map_operands([](auto x, auto y, auto z) { return fma(x, y, z); }, a, b, c);
}
template <class A, class B, class C>
requires(Expression<A> || Expression<B> || Expression<C>) static NACRE_INLINE auto fnma(A a, B b, C c) {
  return map_operands([](auto x, auto y, auto z) { return fnma(x, y, z); }, a, b, c);
}
// condition ? a : b
template <Expression M, class A, class B>
static NACRE_INLINE auto select(M condition, A a, B b) {
  return map_operands([](auto m, auto x, auto y) { return select(m, x, y); }, condition, a, b);
}

}  // namespace NACRE_ISA
}  // namespace nacre::expr
