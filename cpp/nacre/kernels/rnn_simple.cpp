// The simple cell, h = f(x W + b + h U): kernels/rnn.h. Backward needs nothing but y: dz = dh f'(y).
#include "nacre/kernels/rnn_drive.h"

namespace nacre {
namespace NACRE_ISA {

namespace {

struct SimpleCell {
  static constexpr int64_t gates = 1, saved = 0, dz = 1;
  static constexpr bool carries = false, cell_state = false, recurrent_bias = false, two_products = false;
  static constexpr DzColumns input[] = {{0, 0, 1}}, recurrent[] = {{0, 0, 1}};

  template <class T, class Kinds, bool Full>
  static void forward(const RnnArgs& g, const ForwardStep<T>& s, const T* product, const T* input, int64_t u0, int64_t n) {
    const Kinds k(g);
    for_packets<T, Full>(s.rows, n, [&](int64_t row, int64_t j, Part<T, Full> part) {
      const int64_t u = u0 + j;
      const Packet<T> h = k.act(s.sum(product + row * s.width + j, input + row * s.width + j, 0, u, part));
      part.store(s.h + row * s.units + u, s.masked(row) ? part.load(s.h_prev + row * s.units + u) : h);
    });
  }

  template <class T, class Kinds, bool Full>
  static void backward(const RnnArgs& g, const BackwardStep<T>& s, const T* product, int64_t u0, int64_t n) {
    const Kinds k(g);
    for_packets<T, Full>(s.rows, n, [&](int64_t row, int64_t j, Part<T, Full> part) {
      const int64_t u = u0 + j;
      const Packet<T> dh = s.dh(row, u, part, product + row * s.width + j);
      if (s.masked(row)) return s.pass(row, u, part, dh, dz);
      if (s.carry) part.store(s.carry + row * s.units + u, Packet<T>::zero());
      part.store(s.dz + row * s.dz_stride + u, dh * k.act_slope(part.load(s.y + row * s.y_stride + u)));
    });
  }
};

}  // namespace

RnnTable simple_table() { return cell_table<SimpleCell>(); }

}  // namespace NACRE_ISA
}  // namespace nacre
