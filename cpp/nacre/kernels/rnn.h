// Recurrent layers over a whole sequence, forward and backward, float32 and float64: Keras's equations and order of gates.
//
//   a = x_t W + b + h U in blocks of `units` columns; s, f: the recurrent and the other activation
//   simple   h = f(a)
//   gru      z = s(a_z), r = s(a_r), h' = f(x_t W_h + b_h + r (h U_h + c_h)), h = z h + (1 - z) h';  b, c: the rows of the bias
//   gru, reset before the product: h' = f(x_t W_h + b_h + (r h) U_h), one row of bias
//   lstm     i = s(a_i), f = s(a_f), g = f(a_g), o = s(a_o), c = f c + i g, h = o f(c)
//
// x [N,T,D], kernel [D, G*U], recurrent [U, G*U], bias [G*U] (gru: [2, 3U] when the reset comes after the product), h0, c0 [N,U], y [N,T,U].
// Where mask [N,T] is 0 a step leaves the states as they are and repeats the last output, 0 when there was none. Backwards, step s
// reads x at T-1-s and writes y at s.
// saved [T,N,S]: what backward reads, rows of step s: i f g o c (lstm), z r h' q with q = h U_h + c_h (gru), z r h' (reset before).
// Blocks of batch rows walk the sequence on their own, without waiting for each other: the products over the input for some steps at once,
// then step by step the recurrent product of a panel of units and its gates, while it is in the L1 cache. Backward takes chunks of steps,
// after each the products over all its rows for the gradients of the kernels. Each row's arithmetic is its own and the chunks follow from
// the sizes: bits do not depend on blocks and threads.
#pragma once

#include <cstdint>

#include "nacre/base/dtype.h"
#include "nacre/base/threads.h"

namespace nacre {

enum class RnnCell : std::uint8_t { simple, gru, lstm };
enum class RnnActivation : std::uint8_t { linear, relu, tanh, sigmoid, hard_sigmoid };

struct RnnArgs {
  DType dtype = DType::float32;
  RnnCell cell = RnnCell::lstm;
  RnnActivation activation = RnnActivation::tanh, recurrent_activation = RnnActivation::sigmoid;
  bool go_backwards = false, reset_after = true;
  std::int64_t batch = 0, steps = 0, inputs = 0, units = 0;  // units >= 1
  // All contiguous. bias, h0, c0, mask may be null.
  const void *x = nullptr, *kernel = nullptr, *recurrent = nullptr, *bias = nullptr, *h0 = nullptr, *c0 = nullptr;
  const void* mask = nullptr;                                       // bytes
  void *y = nullptr, *h = nullptr, *c = nullptr, *saved = nullptr;  // forward writes, h and c [N,U] the last states
  const void *dy = nullptr, *dh = nullptr, *dc = nullptr;           // backward reads x .. c0, y, saved and these; null: zeros
  void *dx = nullptr, *dkernel = nullptr, *drecurrent = nullptr, *dbias = nullptr, *dh0 = nullptr,
       *dc0 = nullptr;  // dx: null skips it
  int threads = num_threads();
};

// Columns of `saved`.
constexpr std::int64_t rnn_saved_width(RnnCell cell, bool reset_after, std::int64_t units) {
  return cell == RnnCell::simple ? 0 : cell == RnnCell::lstm ? 5 * units : (reset_after ? 4 : 3) * units;
}

struct RnnTable {
  // Bytes of scratch (64-byte aligned); pointers are looked at for null only.
  std::int64_t (*forward_scratch)(const RnnArgs&) noexcept = nullptr;
  std::int64_t (*backward_scratch)(const RnnArgs&) noexcept = nullptr;
  void (*forward)(const RnnArgs&, void* scratch) noexcept = nullptr;
  void (*backward)(const RnnArgs&, void* scratch) noexcept = nullptr;
};

}  // namespace nacre
