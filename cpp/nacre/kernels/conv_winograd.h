// One-dimensional Winograd transforms F(M, 3): M outputs of a correlation with 3 taps from N = M + 2 inputs and N products.
//
//   y = A^T [ (G g) * (B^T d) ],  in two dimensions  Y = A^T [ (G g G^T) * (B^T d B) ] A
//
// (Cook and Toom's algorithm with one point at infinity; for convolutions: Lavin and Gray 2016, Fast algorithms for convolutional
// neural networks.) The map is linear in g, so the gradient of the taps is G^T [ (A dY A^T) * (B^T d B) ] G with the same matrices.
//
// F(2,3) takes the points 0, +-1. F(4,3) takes 0, +-2/3, +-3/2 instead of the usual 0, +-1, +-2: a pair of reciprocals keeps all
// powers near 1, which makes the rounding error about four times smaller (docs/numerics.md), and their product 1 saves two multiplications.
// Each function works on packets in registers: lanes are channels, elements of an array are the places along one axis.
#pragma once

#include "nacre/kernels/gemm_tile.h"

namespace nacre {
namespace NACRE_ISA {

template <class T, int M>
struct Winograd;

template <class T>
struct Winograd<T, 2> {
  using P = Packet<T>;
  static constexpr int outputs = 2, inputs = 4;

  // v = B^T d
  static NACRE_INLINE void input(const P* d, P* v) {
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
  }
  // u = G g
  static NACRE_INLINE void taps(const P* g, P* u) {
    const P half = P::set1(T(0.5)), even = half * (g[0] + g[2]), odd = half * g[1];
    u[0] = g[0];
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = g[2];
  }
  // y = A^T m
  static NACRE_INLINE void output(const P* m, P* y) {
    y[0] = m[0] + (m[1] + m[2]);
    y[1] = (m[1] - m[2]) - m[3];
  }
  // w = A y, the transpose of output
  static NACRE_INLINE void output_gradient(const P* y, P* w) {
    w[0] = y[0];
    w[1] = y[0] + y[1];
    w[2] = y[0] - y[1];
    w[3] = -y[1];
  }
  // g = G^T u, the transpose of taps
  static NACRE_INLINE void taps_gradient(const P* u, P* g) {
    const P half = P::set1(T(0.5)), sum = half * (u[1] + u[2]);
    g[0] = u[0] + sum;
    g[1] = half * (u[1] - u[2]);
    g[2] = u[3] + sum;
  }
};

template <class T>
struct Winograd<T, 4> {
  using P = Packet<T>;
  static constexpr int outputs = 4, inputs = 6;
  static constexpr double a = 2.0 / 3, b = 3.0 / 2, a2 = a * a, b2 = b * b;  // a * b = 1
  static constexpr double na = 1 / (2 * a2 * (a2 - b2)), nb = 1 / (2 * b2 * (b2 - a2));

  static NACRE_INLINE P c(double x) { return P::set1(static_cast<T>(x)); }

  // Rows of the points 0, a, -a, b, -b and infinity.
  static NACRE_INLINE void input(const P* d, P* v) {
    const P even_a = multiply_add(c(-b2), d[2], d[4]), odd_a = multiply_add(c(-b2), d[1], d[3]);
    const P even_b = multiply_add(c(-a2), d[2], d[4]), odd_b = multiply_add(c(-a2), d[1], d[3]);
    v[0] = multiply_add(c(-(a2 + b2)), d[2], d[0] + d[4]);
    v[1] = multiply_add(c(a), odd_a, even_a);
    v[2] = multiply_add(c(-a), odd_a, even_a);
    v[3] = multiply_add(c(b), odd_b, even_b);
    v[4] = multiply_add(c(-b), odd_b, even_b);
    v[5] = multiply_add(c(-(a2 + b2)), d[3], d[1] + d[5]);
  }
  static NACRE_INLINE void taps(const P* g, P* u) {
    const P even_a = multiply_add(c(na * a2), g[2], c(na) * g[0]), even_b = multiply_add(c(nb * b2), g[2], c(nb) * g[0]);
    u[0] = g[0];
    u[1] = multiply_add(c(na * a), g[1], even_a);
    u[2] = multiply_add(c(-na * a), g[1], even_a);
    u[3] = multiply_add(c(nb * b), g[1], even_b);
    u[4] = multiply_add(c(-nb * b), g[1], even_b);
    u[5] = g[2];
  }
  static NACRE_INLINE void output(const P* m, P* y) {
    const P sum_a = m[1] + m[2], sum_b = m[3] + m[4], diff_a = m[1] - m[2], diff_b = m[3] - m[4];
    y[0] = m[0] + (sum_a + sum_b);
    y[1] = multiply_add(c(b), diff_b, c(a) * diff_a);
    y[2] = multiply_add(c(b2), sum_b, c(a2) * sum_a);
    y[3] = multiply_add(c(b * b2), diff_b, multiply_add(c(a * a2), diff_a, m[5]));
  }
  static NACRE_INLINE void output_gradient(const P* y, P* w) {
    const P even_a = multiply_add(c(a2), y[2], y[0]), odd_a = multiply_add(c(a2), y[3], y[1]);
    const P even_b = multiply_add(c(b2), y[2], y[0]), odd_b = multiply_add(c(b2), y[3], y[1]);
    w[0] = y[0];
    w[1] = multiply_add(c(a), odd_a, even_a);
    w[2] = multiply_add(c(-a), odd_a, even_a);
    w[3] = multiply_add(c(b), odd_b, even_b);
    w[4] = multiply_add(c(-b), odd_b, even_b);
    w[5] = y[3];
  }
  static NACRE_INLINE void taps_gradient(const P* u, P* g) {
    const P sum_a = u[1] + u[2], sum_b = u[3] + u[4];
    g[0] = multiply_add(c(nb), sum_b, multiply_add(c(na), sum_a, u[0]));
    g[1] = multiply_add(c(nb * b), u[3] - u[4], c(na * a) * (u[1] - u[2]));
    g[2] = multiply_add(c(nb * b2), sum_b, multiply_add(c(na * a2), sum_a, u[5]));
  }
};

// n x n places of one packet of channels: element (i, j) through load(i, j), results to out + (i * n + j) * plane.
template <class T, int M, class Load>
static NACRE_INLINE void winograd_input(const Load& load, T* out, int64_t plane) {
  constexpr int n = M + 2;
  Packet<T> t[n][n];
#pragma GCC unroll 6
  for (int i = 0; i < n; ++i) {
    Packet<T> d[n];
#pragma GCC unroll 6
    for (int j = 0; j < n; ++j) d[j] = load(i, j);
    Winograd<T, M>::input(d, t[i]);
  }
#pragma GCC unroll 6
  for (int j = 0; j < n; ++j) {
    Packet<T> d[n], v[n];
#pragma GCC unroll 6
    for (int i = 0; i < n; ++i) d[i] = t[i][j];
    Winograd<T, M>::input(d, v);
#pragma GCC unroll 6
    for (int i = 0; i < n; ++i) v[i].store(out + (i * n + j) * plane);
  }
}

// Planes of one matrix per transformed place, an odd number of cache lines apart: one tile writes to all of them, and they must not meet
// in few cache sets.
template <class T>
static NACRE_INLINE int64_t winograd_plane(int64_t elements) {
  constexpr int64_t line = 64 / int64_t(sizeof(T));
  return (ceil_div(elements, line) | 1) * line;
}

}  // namespace NACRE_ISA
}  // namespace nacre
