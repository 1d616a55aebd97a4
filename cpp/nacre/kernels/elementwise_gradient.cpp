// Gradients of the activations in one pass: dx from (y or x, dy). Which of the two is saved stands beside the kind in elementwise.h.
#include "nacre/kernels/elementwise_loop.h"
#include "nacre/simd/activation.h"

namespace nacre::NACRE_ISA {

using namespace simd;

void fill_gradient(ElementwiseTable& t) {
  set_float<[]<class T>(Packet<T> y, Packet<T> dy) { return select(gt(y, Packet<T>::zero()), dy, Packet<T>::zero()); }>(
      t, BinaryKind::relu_grad);
  set_float<
      []<class T>(Packet<T> x, Packet<T> dy, PacketParams<T> p) { return select(gt(x, Packet<T>::zero()), dy, p.first * dy); }, 1>(
      t, BinaryKind::leaky_relu_grad);
  set_float<[]<class T>(Packet<T> x, Packet<T> dy, PacketParams<T> p) {
    return select(gt(x, Packet<T>::zero()), dy, dy * p.first * exp(x));
  },
            1>(t, BinaryKind::elu_grad);
  set_float<[]<class T>(Packet<T> x, Packet<T> dy) {
    return dy * select(gt(x, Packet<T>::zero()), constant<T>(1.0507009873554805), constant<T>(1.7580993408473768) * exp(x));
  }>(t, BinaryKind::selu_grad);
  set_float<[]<class T>(Packet<T> y, Packet<T> dy) { return dy * (y * (constant<T>(1) - y)); }>(t, BinaryKind::sigmoid_grad);
  set_float<[]<class T>(Packet<T> y, Packet<T> dy) { return dy * fnma(y, y, constant<T>(1)); }>(t, BinaryKind::tanh_grad);
  set_float<[](auto x, auto dy) { return dy * sigmoid(x); }>(t, BinaryKind::softplus_grad);
  set_float<[]<class T>(Packet<T> x, Packet<T> dy) {
    const Packet<T> d = constant<T>(1) + abs(x);
    return dy / d / d;
  }>(t, BinaryKind::softsign_grad);
  set_float<[](auto x, auto dy, auto p) { return dy * silu_slope(x, p.first); }, 1>(t, BinaryKind::silu_grad);
  set_float<[](auto x, auto dy) { return dy * gelu_slope(x); }>(t, BinaryKind::gelu_grad);
  set_float<[](auto x, auto dy) { return dy * gelu_tanh_slope(x); }>(t, BinaryKind::gelu_tanh_grad);
  set_float<[]<class T>(Packet<T> x, Packet<T> dy) {
    return select(lt(abs(x), constant<T>(3)), dy * constant<T>(1.0 / 6.0), Packet<T>::zero());
  }>(t, BinaryKind::hard_sigmoid_grad);
  set_float<[](auto x, auto dy) { return dy * mish_slope(x); }>(t, BinaryKind::mish_grad);
  set_float<[]<class T>(Packet<T> x, Packet<T> dy, PacketParams<T> p) {
    return select(ge(x, p.first) & le(x, p.second), dy, Packet<T>::zero());
  },
            2>(t, BinaryKind::clip_grad);
  set_float<[]<class T>(Packet<T> x, Packet<T> dy) {
    const Packet<T> zero = Packet<T>::zero();
    return select(gt(x, zero), dy, select(lt(x, zero), -dy, select(isnan(x), x, zero)));
  }>(t, BinaryKind::abs_grad);
}

}  // namespace nacre::NACRE_ISA
