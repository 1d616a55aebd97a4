// The loops under every elementwise kernel: expressions (expr/expr.h) for floats, plain loops (vectorised by the compiler) for integers and bytes.
//
// An operation is a lambda given as a template argument: op(x) or op(x, p), with p the params as packets. Fast paths: unit strides, and a
// zero stride on one input. Other strides are gathered into blocks on the stack, computed, and scattered, so the arithmetic is the same.
// Everything is static or a template over a lambda without linkage: nothing that the linker could share between instruction sets.
#pragma once

#include "nacre/expr/expr.h"
#include "nacre/kernels/elementwise.h"

namespace nacre::NACRE_ISA {

void fill_unary_float(ElementwiseTable& t);
void fill_binary_float(ElementwiseTable& t);
void fill_gradient(ElementwiseTable& t);
void fill_integer(ElementwiseTable& t);
void fill_predicate(ElementwiseTable& t);
void fill_cast(ElementwiseTable& t);
void fill_move(ElementwiseTable& t);

template <class T>
struct PacketParams {
  simd::Packet<T> first, second;
};
template <class T>
static NACRE_INLINE PacketParams<T> packet_params(const double* p, int count) {
  using P = simd::Packet<T>;
  return {count > 0 ? P::set1(static_cast<T>(p[0])) : P::zero(), count > 1 ? P::set1(static_cast<T>(p[1])) : P::zero()};
}

inline constexpr int kBlock = 256;  // elements gathered at a time; three blocks of double stay in L1

template <class T>
static NACRE_INLINE void gather_block(T* to, const T* from, int64_t stride, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i] = from[i * stride];
}
template <class T>
static NACRE_INLINE void scatter_block(T* to, const T* from, int64_t stride, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i * stride] = from[i];
}

// y = f(x) over contiguous arrays.
template <class T, class F>
static NACRE_INLINE void map_packets(int64_t n, const T* x, T* y, F f) {
  expr::store(y, n, expr::map(f, expr::array(x, n)));
}
// y = f(a, b); a stride of 0 broadcasts, any other is 1. A broadcast value is read before anything is written.
template <class T, class F>
static NACRE_INLINE void map_packets(int64_t n, const T* a, int64_t sa, const T* b, int64_t sb, T* y, F f) {
  if (sa == 0 && sb == 0) {
    expr::store(y, n, expr::map(f, expr::scalar(*a), expr::scalar(*b)));
  } else if (sa == 0) {
    expr::store(y, n, expr::map(f, expr::scalar(*a), expr::array(b, n)));
  } else if (sb == 0) {
    expr::store(y, n, expr::map(f, expr::array(a, n), expr::scalar(*b)));
  } else {
    expr::store(y, n, expr::map(f, expr::array(a, n), expr::array(b, n)));
  }
}

template <class T, auto op, int params>
static void unary_packets(int64_t n, const void* x_, int64_t sx, void* y_, int64_t sy, const double* p) noexcept {
  const T* x = static_cast<const T*>(x_);
  T* y = static_cast<T*>(y_);
  const auto ps = packet_params<T>(p, params);
  auto f = [&ps](simd::Packet<T> v) {
    if constexpr (params == 0)
      return (void)ps, op(v);
    else
      return op(v, ps);
  };
  if (sx == 1 && sy == 1) return map_packets(n, x, y, f);
  T in[kBlock], out[kBlock];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t m = n - i < kBlock ? n - i : kBlock;
    gather_block(in, x + i * sx, sx, m);
    map_packets(m, in, out, f);
    scatter_block(y + i * sy, out, sy, m);
  }
}

template <class T, auto op, int params>
static void binary_packets(int64_t n, const void* a_, int64_t sa, const void* b_, int64_t sb, void* y_, int64_t sy, const double* p,
                           uint32_t*) noexcept {
  const T *a = static_cast<const T*>(a_), *b = static_cast<const T*>(b_);
  T* y = static_cast<T*>(y_);
  const auto ps = packet_params<T>(p, params);
  auto f = [&ps](simd::Packet<T> u, simd::Packet<T> v) {
    if constexpr (params == 0)
      return (void)ps, op(u, v);
    else
      return op(u, v, ps);
  };
  const bool unit = (sa == 0 || sa == 1) && (sb == 0 || sb == 1) && sy == 1;
  if (unit) return map_packets(n, a, sa, b, sb, y, f);
  T as[kBlock], bs[kBlock], out[kBlock];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t m = n - i < kBlock ? n - i : kBlock;
    gather_block(as, a + i * sa, sa, m);
    gather_block(bs, b + i * sb, sb, m);
    map_packets(m, as, 1, bs, 1, out, f);
    scatter_block(y + i * sy, out, sy, m);
  }
}

// Registers op for float32 and float64.
template <auto op, int params = 0>
static void set_float(ElementwiseTable& t, UnaryKind k) {
  t.unary[static_cast<int>(k)][static_cast<int>(DType::float32)] = unary_packets<float, op, params>;
  t.unary[static_cast<int>(k)][static_cast<int>(DType::float64)] = unary_packets<double, op, params>;
}
template <auto op, int params = 0>
static void set_float(ElementwiseTable& t, BinaryKind k) {
  t.binary[static_cast<int>(k)][static_cast<int>(DType::float32)] = binary_packets<float, op, params>;
  t.binary[static_cast<int>(k)][static_cast<int>(DType::float64)] = binary_packets<double, op, params>;
}

// y = op(x) or op(x, params), one value at a time: From to To.
template <class From, class To, auto op>
static void unary_values(int64_t n, const void* x_, int64_t sx, void* y_, int64_t sy, const double* params) noexcept {
  const From* x = static_cast<const From*>(x_);
  To* y = static_cast<To*>(y_);
  auto f = [params](From v) -> To {
    if constexpr (requires { op(v, params); })
      return op(v, params);
    else
      return (void)params, op(v);
  };
  if (sx == 1 && sy == 1) {
    for (int64_t i = 0; i < n; ++i) y[i] = f(x[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i * sy] = f(x[i * sx]);
  }
}

// y = op(a, b) or op(a, b, status bits), one value at a time.
template <class From, class To, auto op>
static void binary_values(int64_t n, const void* a_, int64_t sa, const void* b_, int64_t sb, void* y_, int64_t sy, const double*,
                          uint32_t* status) noexcept {
  const From *a = static_cast<const From*>(a_), *b = static_cast<const From*>(b_);
  To* y = static_cast<To*>(y_);
  uint32_t bits = 0;
  auto f = [&bits](From u, From v) -> To {
    if constexpr (requires { op(u, v, bits); })
      return op(u, v, bits);
    else
      return (void)bits, op(u, v);
  };
  if (sa == 1 && sb == 1 && sy == 1) {
    for (int64_t i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
  } else if (sa == 1 && sb == 0 && sy == 1) {
    const From b0 = *b;
    for (int64_t i = 0; i < n; ++i) y[i] = f(a[i], b0);
  } else if (sa == 0 && sb == 1 && sy == 1) {
    const From a0 = *a;
    for (int64_t i = 0; i < n; ++i) y[i] = f(a0, b[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i * sy] = f(a[i * sa], b[i * sb]);
  }
  if (status && bits) *status |= bits;
}

}  // namespace nacre::NACRE_ISA
