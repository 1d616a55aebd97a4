// LSTM: kernels/rnn.h has the equations. Backward, with tc = f(c) and a' the slope of an activation from its value:
//   do = dh tc, dc += dh o f'(tc), di = dc g, df = dc c_before, dg = dc i, dc_before = dc f; each gate's gradient times its slope is dz.
#include "nacre/kernels/rnn_drive.h"

namespace nacre {
namespace NACRE_ISA {

namespace {

struct LstmCell {
  static constexpr int64_t gates = 4, saved = 5, dz = 4;
  static constexpr bool carries = false, cell_state = true, recurrent_bias = false, two_products = false;
  static constexpr DzColumns input[] = {{0, 0, 4}}, recurrent[] = {{0, 0, 4}};

  template <class T, class Kinds, bool Full>
  static void forward(const RnnArgs& g, const ForwardStep<T>& s, const T* product, const T* input, int64_t u0, int64_t n) {
    using P = Packet<T>;
    const Kinds k(g);
    const int64_t units = s.units;
    for_packets<T, Full>(s.rows, n, [&](int64_t row, int64_t j, Part<T, Full> part) {
      const int64_t u = u0 + j;
      const T *a = product + row * s.width + j, *b = input + row * s.width + j;
      T* v = s.saved + row * s.saved_stride + u;
      const P i = k.gate(s.sum(a, b, 0, u, part)), f = k.gate(s.sum(a, b, 1, u, part));
      const P c_hat = k.act(s.sum(a, b, 2, u, part)), o = k.gate(s.sum(a, b, 3, u, part));
      const P c_prev = part.load(s.c_prev + row * s.c_stride + u);
      part.store(v, i);
      part.store(v + units, f);
      part.store(v + 2 * units, c_hat);
      part.store(v + 3 * units, o);
      part.store(v + 4 * units, s.masked(row) ? c_prev : fma(i, c_hat, f * c_prev));
    });
    // A loop of its own: behind the gates f(c) would be one long chain that nothing overlaps.
    for_packets<T, Full>(s.rows, n, [&](int64_t row, int64_t j, Part<T, Full> part) {
      const int64_t u = u0 + j;
      const T* v = s.saved + row * s.saved_stride + u;
      const P h = part.load(v + 3 * units) * k.act(part.load(v + 4 * units));
      part.store(s.h + row * units + u, s.masked(row) ? part.load(s.h_prev + row * units + u) : h);
    });
  }

  template <class T, class Kinds, bool Full>
  static void backward(const RnnArgs& g, const BackwardStep<T>& s, const T* product, int64_t u0, int64_t n) {
    using P = Packet<T>;
    const Kinds k(g);
    const int64_t units = s.units;
    // f(c) first, where do will stand.
    for_packets<T, Full>(s.rows, n, [&](int64_t row, int64_t j, Part<T, Full> part) {
      const int64_t u = u0 + j;
      part.store(s.dz + row * s.dz_stride + 3 * units + u, k.act(part.load(s.saved + row * s.saved_stride + 4 * units + u)));
    });
    for_packets<T, Full>(s.rows, n, [&](int64_t row, int64_t j, Part<T, Full> part) {
      const int64_t u = u0 + j;
      const P dh = s.dh(row, u, part, product + row * s.width + j);
      if (s.masked(row)) return s.pass(row, u, part, dh, dz);
      if (s.carry) part.store(s.carry + row * units + u, P::zero());
      const T* v = s.saved + row * s.saved_stride + u;
      T *d = s.dz + row * s.dz_stride + u, *dc_state = s.dc + row * units + u;
      const P i = part.load(v), f = part.load(v + units), c_hat = part.load(v + 2 * units), o = part.load(v + 3 * units);
      const P tc = part.load(d + 3 * units);
      const P c_prev = s.c_prev ? part.load(s.c_prev + row * s.c_stride + u) : P::zero();
      const P dc = fma(dh * o, k.act_slope(tc), part.load(dc_state));
      part.store(d, dc * c_hat * k.gate_slope(i));
      part.store(d + units, dc * c_prev * k.gate_slope(f));
      part.store(d + 2 * units, dc * i * k.act_slope(c_hat));
      part.store(d + 3 * units, dh * tc * k.gate_slope(o));
      part.store(dc_state, dc * f);
    });
  }
};

}  // namespace

RnnTable lstm_table() { return cell_table<LstmCell>(); }

}  // namespace NACRE_ISA
}  // namespace nacre
