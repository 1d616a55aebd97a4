// GRU with the reset after the product: kernels/rnn.h has the equations. Backward, with h' the candidate and q what r scales:
//   dz = dh (h_before - h'), dh' = dh (1 - z), dr = dh' f' q, dq = dh' f' r; dh_before takes dh z besides the product.
// Rows of gate gradients hold z, r, q, h': the first three go with the recurrent kernel, z, r and h' with the kernel.
#include "nacre/kernels/rnn_drive.h"

namespace nacre {
namespace NACRE_ISA {

namespace {

struct GruCell {
  static constexpr int64_t gates = 3, saved = 4, dz = 4;
  static constexpr bool carries = true, cell_state = false, recurrent_bias = true, two_products = false;
  static constexpr DzColumns input[] = {{0, 0, 2}, {3, 2, 1}}, recurrent[] = {{0, 0, 3}};

  template <class T, class Kinds, bool Full>
  static void forward(const RnnArgs& g, const ForwardStep<T>& s, const T* product, const T* input, int64_t u0, int64_t n) {
    using P = Packet<T>;
    const Kinds k(g);
    const int64_t units = s.units, w = s.unit_width;
    for_packets<T, Full>(s.rows, n, [&](int64_t row, int64_t j, Part<T, Full> part) {
      const int64_t u = u0 + j;
      const T *a = product + row * s.width + j, *b = input + row * s.width + j;
      T* v = s.saved + row * s.saved_stride + u;
      const P z = k.gate(s.sum(a, b, 0, u, part)), r = k.gate(s.sum(a, b, 1, u, part));
      P q = P::load(a + 2 * w), x = P::load(b + 2 * w);
      if (s.bias) {
        q = q + part.load(s.bias_q + u);
        x = x + part.load(s.bias + 2 * units + u);
      }
      const P candidate = k.act(fma(r, q, x)), h_prev = part.load(s.h_prev + row * units + u);
      const P h = s.masked(row) ? h_prev : fma(z, h_prev - candidate, candidate);
      part.store(v, z);
      part.store(v + units, r);
      part.store(v + 2 * units, candidate);
      part.store(v + 3 * units, q);
      part.store(s.h + row * units + u, h);
    });
  }

  template <class T, class Kinds, bool Full>
  static void backward(const RnnArgs& g, const BackwardStep<T>& s, const T* product, int64_t u0, int64_t n) {
    using P = Packet<T>;
    const Kinds k(g);
    const int64_t units = s.units;
    for_packets<T, Full>(s.rows, n, [&](int64_t row, int64_t j, Part<T, Full> part) {
      const int64_t u = u0 + j;
      const P dh = s.dh(row, u, part, product + row * s.width + j);
      if (s.masked(row)) return s.pass(row, u, part, dh, dz);
      const T* v = s.saved + row * s.saved_stride + u;
      T* d = s.dz + row * s.dz_stride + u;
      const P z = part.load(v), r = part.load(v + units), candidate = part.load(v + 2 * units), q = part.load(v + 3 * units);
      const P dpre = fnma(dh, z, dh) * k.act_slope(candidate);
      part.store(d, dh * (part.load(s.h_prev + row * units + u) - candidate) * k.gate_slope(z));
      part.store(d + units, dpre * q * k.gate_slope(r));
      part.store(d + 2 * units, dpre * r);
      part.store(d + 3 * units, dpre);
      part.store(s.carry + row * units + u, dh * z);
    });
  }
};

}  // namespace

RnnTable gru_table() { return cell_table<GruCell>(); }

}  // namespace NACRE_ISA
}  // namespace nacre
