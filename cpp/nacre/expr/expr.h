// Elementwise expressions over arrays, evaluated in one pass with the packets of this translation unit's instruction set:
//
//     using namespace nacre;
//     auto x = expr::array(in, n);
//     expr::store(out, n, exp(-x * x) * 0.5f + select(x > 0.0f, x, 0.1f * x));     // no temporaries, masked tail
//
// Leaves: array(p, n), array(container), strided(p, stride, n), scalar(v); numbers mix freely and take the arrays' element type.
// Operators: + - * /, unary -, < <= > >= == !=, & | ~ on conditions. Functions: fma fnma min max (second operand on NaN) minimum maximum (NaN
// on NaN) abs sqrt floor ceil trunc round copysign select isnan exp expm1 log log1p log2 log10 sin cos tan tanh asin acos atan sinh cosh
// erf normal_cdf pow atan2 sigmoid relu softplus silu gelu gelu_tanh mish softsign hard_sigmoid elu selu; map(f, e...) for a function of packets.
//
// Element types float and double, one per expression. An expression holds pointers: the arrays must outlive it. The output may be one of
// the arrays; it must not overlap one otherwise. Element i depends on elements i alone and has the same bits in the packet body, in the tail
// and at any offset. a * b + c is two roundings, fma(a, b, c) one: compile with -ffp-contract=off, or GCC fuses the former behind your back.
// The namespace is inline and named after the instruction set, so files compiled for different ones can be linked together.
#pragma once

#include "nacre/simd/activation.h"

namespace nacre::expr {
inline namespace NACRE_ISA {

using simd::Mask;
using simd::Packet;

template <class E>
concept Expression = requires {
  typename E::value_type;
  E::is_nacre_expression;
};
template <class V>
concept Number = !Expression<V> && requires(V v) {
  static_cast<double>(v);
};

inline constexpr int64_t kAnySize = INT64_MAX;  // of a scalar

static NACRE_INLINE constexpr int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// What every expression offers: load(i), the packet of elements [i, i + size); load_n(i, n), the first n of them; count().
template <class T>
struct Array {
  using value_type = T;
  static constexpr bool is_nacre_expression = true;
  const T* data;
  int64_t size;
  NACRE_INLINE Packet<T> load(int64_t i) const { return Packet<T>::load(data + i); }
  NACRE_INLINE Packet<T> load_n(int64_t i, int n) const { return Packet<T>::load_n(data + i, n); }
  NACRE_INLINE int64_t count() const { return size; }
};

template <class T>
struct Strided {
  using value_type = T;
  static constexpr bool is_nacre_expression = true;
  const T* data;
  int64_t stride, size;
  NACRE_INLINE Packet<T> load(int64_t i) const { return simd::load_strided(data + i * stride, stride, Packet<T>::size); }
  NACRE_INLINE Packet<T> load_n(int64_t i, int n) const { return simd::load_strided(data + i * stride, stride, n); }
  NACRE_INLINE int64_t count() const { return size; }
};

template <class T>
struct Scalar {
  using value_type = T;
  static constexpr bool is_nacre_expression = true;
  Packet<T> value;
  NACRE_INLINE Packet<T> load(int64_t) const { return value; }
  NACRE_INLINE Packet<T> load_n(int64_t, int) const { return value; }
  NACRE_INLINE int64_t count() const { return kAnySize; }
};

template <class F, class A>
struct Map1 {
  using value_type = typename A::value_type;
  static constexpr bool is_nacre_expression = true;
  F f;
  A a;
  NACRE_INLINE auto load(int64_t i) const { return f(a.load(i)); }
  NACRE_INLINE auto load_n(int64_t i, int n) const { return f(a.load_n(i, n)); }
  NACRE_INLINE int64_t count() const { return a.count(); }
};

template <class F, class A, class B>
struct Map2 {
  using value_type = typename A::value_type;
  static_assert(sizeof(value_type) == sizeof(typename B::value_type), "one element type per expression");
  static constexpr bool is_nacre_expression = true;
  F f;
  A a;
  B b;
  NACRE_INLINE auto load(int64_t i) const { return f(a.load(i), b.load(i)); }
  NACRE_INLINE auto load_n(int64_t i, int n) const { return f(a.load_n(i, n), b.load_n(i, n)); }
  NACRE_INLINE int64_t count() const { return smaller(a.count(), b.count()); }
};

template <class F, class A, class B, class C>
struct Map3 {
  using value_type = typename A::value_type;
  static_assert(sizeof(value_type) == sizeof(typename B::value_type), "one element type per expression");
  static_assert(sizeof(value_type) == sizeof(typename C::value_type), "one element type per expression");
  static constexpr bool is_nacre_expression = true;
  F f;
  A a;
  B b;
  C c;
  NACRE_INLINE auto load(int64_t i) const { return f(a.load(i), b.load(i), c.load(i)); }
  NACRE_INLINE auto load_n(int64_t i, int n) const { return f(a.load_n(i, n), b.load_n(i, n), c.load_n(i, n)); }
  NACRE_INLINE int64_t count() const { return smaller(a.count(), smaller(b.count(), c.count())); }
};

template <class T>
static NACRE_INLINE Array<T> array(const T* p, int64_t n) {
  return {p, n};
}
// std::vector, std::array, std::span, nacre::Tensor data: anything with data() and size().
template <class C>
requires requires(const C& c) { c.data() + c.size(); }
static NACRE_INLINE auto array(const C& c) { return array(c.data(), static_cast<int64_t>(c.size())); }
template <class T>
static NACRE_INLINE Strided<T> strided(const T* p, int64_t stride, int64_t n) {
  return {p, stride, n};
}
template <class T>
static NACRE_INLINE Scalar<T> scalar(T v) {
  return {Packet<T>::set1(v)};
}

// f takes packets (or masks, from conditions) and returns one.
template <class F, Expression A>
static NACRE_INLINE Map1<F, A> map(F f, A a) {
  return {f, a};
}
template <class F, Expression A, Expression B>
static NACRE_INLINE Map2<F, A, B> map(F f, A a, B b) {
  return {f, a, b};
}
template <class F, Expression A, Expression B, Expression C>
static NACRE_INLINE Map3<F, A, B, C> map(F f, A a, B b, C c) {
  return {f, a, b, c};
}

// out[i] = e(i) for i < min(n, sizes of the arrays in e); returns that count.
template <class T, Expression E>
static NACRE_INLINE int64_t store(T* out, int64_t n, const E& e) {
  static_assert(sizeof(T) == sizeof(typename E::value_type), "the output has the element type of the expression");
  constexpr int width = Packet<T>::size;
  const int64_t count = smaller(n, e.count());
  int64_t i = 0;
  for (; i + width <= count; i += width) e.load(i).store(out + i);
  if (i < count) e.load_n(i, static_cast<int>(count - i)).store_n(out + i, static_cast<int>(count - i));
  return count > 0 ? count : 0;
}

}  // namespace NACRE_ISA
}  // namespace nacre::expr

#include "nacre/expr/functions.h"
