// Recurrent layers over a whole sequence: simple_rnn, gru, lstm, and their fused gradients.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

// The products of a pass over [N, T, D]: `inputs` with the kernel, `states` with the recurrent kernel.
inline Cost rnn_cost(double inputs, double states, In in, std::span<const Type> out) {
  const double steps = static_cast<double>(in[0].shape[0] * in[0].shape[1]);
  return cost_of(2 * steps * (inputs * count_of(in[1]) + states * count_of(in[2])), in, out);
}

struct SimpleRnn {
  Text activation = "tanh";
  bool go_backwards = false;
  static constexpr std::string_view name = "simple_rnn", doc = R"(Simple recurrent network over a whole sequence.

h_t = f(x_t kernel + bias + h_(t-1) recurrent_kernel);  f = activation

Args:
    x: [N, T, D], a float dtype.
    kernel: [D, U].
    recurrent_kernel: [U, U].
    bias: [U], or None.
    initial_h: State before the first step, [N, U]; None: zeros.
    mask: bool [N, T]; where it is False the state stays as it is and the output repeats the last one (0 before the first). Or None.
    activation: "linear", "relu", "tanh", "sigmoid" or "hard_sigmoid".
    go_backwards: Reads the sequence from its end; output t belongs to x at T - 1 - t.

Returns:
    The outputs of all steps [N, T, U] and the last state [N, U].

Raises:
    ShapeError: Shapes do not fit.
    ValueError: activation is not known.

Example:
    >>> y, h = nc.simple_rnn(nc.ones((2, 5, 3)), nc.ones((3, 4)), nc.zeros((4, 4)))
    >>> y.shape
    (2, 5, 4)

Reference: Elman, Finding structure in time (1990); keras.layers.SimpleRNN.)";
  static constexpr Arg inputs[] = {
      {"x"}, {"kernel"}, {"recurrent_kernel"}, {"bias", kOptional}, {"initial_h", kOptional}, {"mask", kOptional | kNoGrad}};
  static constexpr auto fields =
      std::tuple{Field{"activation", &SimpleRnn::activation}, Field{"go_backwards", &SimpleRnn::go_backwards}};
  static constexpr Promote promote = Promote::to_float;
  static constexpr int outputs = 2;
  static constexpr std::uint64_t save_in = 63, save_out = 1;
  static void infer(const SimpleRnn& a, In in, Types& out);
  static void run(const SimpleRnn& a, Views in, Views out, Context& c);
  static Cost cost(const SimpleRnn&, In in, std::span<const Type> out) { return rnn_cost(1, 1, in, out); }
  static void grad(const SimpleRnn& a, GradCtx& c);
};

struct Gru {
  Text activation = "tanh", recurrent_activation = "sigmoid";
  bool go_backwards = false, reset_after = true;
  static constexpr std::string_view name = "gru", doc = R"(Gated recurrent unit over a whole sequence.

z = s(x_t W_z + b_z + h U_z), r = s(x_t W_r + b_r + h U_r), h' = f(x_t W_h + b_h + r (h U_h + c_h)), h_t = z h + (1 - z) h'
f = activation, s = recurrent_activation, b and c the rows of bias; reset_after=False: h' = f(x_t W_h + b_h + (r h) U_h)

Args:
    x: [N, T, D], a float dtype.
    kernel: [D, 3 U], the blocks of U columns in the order z, r, h.
    recurrent_kernel: [U, 3 U], likewise.
    bias: [2, 3 U]: of the input and of the recurrent product; with reset_after=False [3 U]. Or None.
    initial_h: State before the first step, [N, U]; None: zeros.
    mask: bool [N, T]; where it is False the state stays as it is and the output repeats the last one (0 before the first). Or None.
    activation: "linear", "relu", "tanh", "sigmoid" or "hard_sigmoid".
    recurrent_activation: Of the gates; the same names.
    go_backwards: Reads the sequence from its end; output t belongs to x at T - 1 - t.
    reset_after: Whether r acts after the recurrent product or before it.

Returns:
    The outputs of all steps [N, T, U], the last state [N, U], and what the gradient reads: z, r, h' and with reset_after h U_h + c_h of
    every step side by side [T, N, 4 U or 3 U], in the order in which the steps are taken.

Raises:
    ShapeError: Shapes do not fit.
    ValueError: An activation is not known.

Example:
    >>> y, h, _ = nc.gru(nc.ones((2, 5, 3)), nc.ones((3, 12)), nc.zeros((4, 12)))
    >>> y.shape
    (2, 5, 4)

Reference: Cho et al., Learning phrase representations using RNN encoder-decoder (2014); keras.layers.GRU.)";
  static constexpr Arg inputs[] = {
      {"x"}, {"kernel"}, {"recurrent_kernel"}, {"bias", kOptional}, {"initial_h", kOptional}, {"mask", kOptional | kNoGrad}};
  static constexpr auto fields =
      std::tuple{Field{"activation", &Gru::activation}, Field{"recurrent_activation", &Gru::recurrent_activation},
                 Field{"go_backwards", &Gru::go_backwards}, Field{"reset_after", &Gru::reset_after}};
  static constexpr Promote promote = Promote::to_float;
  static constexpr int outputs = 3;
  static constexpr std::uint64_t save_in = 63, save_out = 5;
  static void infer(const Gru& a, In in, Types& out);
  static void run(const Gru& a, Views in, Views out, Context& c);
  static Cost cost(const Gru&, In in, std::span<const Type> out) { return rnn_cost(1, 1, in, out); }
  static void grad(const Gru& a, GradCtx& c);
};

struct Lstm {
  Text activation = "tanh", recurrent_activation = "sigmoid";
  bool go_backwards = false;
  static constexpr std::string_view name = "lstm", doc = R"(Long short-term memory over a whole sequence.

(i, f, g, o) = x_t kernel + bias + h recurrent_kernel;  c_t = s(f) c + s(i) a(g), h_t = s(o) a(c_t);  a = activation, s = recurrent_activation

Args:
    x: [N, T, D], a float dtype.
    kernel: [D, 4 U], the blocks of U columns in the order i, f, g, o.
    recurrent_kernel: [U, 4 U], likewise.
    bias: [4 U], or None.
    initial_h: State before the first step, [N, U]; None: zeros.
    initial_c: Cell state before the first step, [N, U]; None: zeros.
    mask: bool [N, T]; where it is False both states stay as they are and the output repeats the last one (0 before the first). Or None.
    activation: "linear", "relu", "tanh", "sigmoid" or "hard_sigmoid".
    recurrent_activation: Of the gates i, f and o; the same names.
    go_backwards: Reads the sequence from its end; output t belongs to x at T - 1 - t.

Returns:
    The outputs of all steps [N, T, U], the last states h and c [N, U], and what the gradient reads: s(i), s(f), a(g), s(o) and c of every
    step side by side [T, N, 5 U], in the order in which the steps are taken.

Raises:
    ShapeError: Shapes do not fit.
    ValueError: An activation is not known.

Example:
    >>> y, h, c, _ = nc.lstm(nc.ones((2, 5, 3)), nc.ones((3, 16)), nc.zeros((4, 16)))
    >>> y.shape
    (2, 5, 4)

Reference: Hochreiter and Schmidhuber, Long short-term memory (1997); keras.layers.LSTM.)";
  static constexpr Arg inputs[] = {{"x"},
                                   {"kernel"},
                                   {"recurrent_kernel"},
                                   {"bias", kOptional},
                                   {"initial_h", kOptional},
                                   {"initial_c", kOptional},
                                   {"mask", kOptional | kNoGrad}};
  static constexpr auto fields =
      std::tuple{Field{"activation", &Lstm::activation}, Field{"recurrent_activation", &Lstm::recurrent_activation},
                 Field{"go_backwards", &Lstm::go_backwards}};
  static constexpr Promote promote = Promote::to_float;
  static constexpr int outputs = 4;
  static constexpr std::uint64_t save_in = 127, save_out = 9;
  static void infer(const Lstm& a, In in, Types& out);
  static void run(const Lstm& a, Views in, Views out, Context& c);
  static Cost cost(const Lstm&, In in, std::span<const Type> out) { return rnn_cost(1, 1, in, out); }
  static void grad(const Lstm& a, GradCtx& c);
};

// The fused gradients; y and saved as the forward op gave them, an absent gradient is zero. With need_x false dx is empty: it costs a product
// as large as the forward one. When derivatives of a gradient are wanted the forward op differentiates its reference instead.
inline constexpr std::string_view kRnnGradient = "derivatives of higher order come from the reference of the forward op";

struct SimpleRnnGrad {
  Text activation = "tanh";
  bool go_backwards = false, need_x = true;
  static constexpr std::string_view name = "simple_rnn_grad",
                                    doc = "Gradient of simple_rnn: dx, dkernel, drecurrent_kernel, dbias, dinitial_h.";
  static constexpr Arg inputs[] = {
      {"x"}, {"kernel"},        {"recurrent_kernel"}, {"initial_h", kOptional}, {"mask", kOptional | kNoGrad},
      {"y"}, {"dy", kOptional}, {"dh", kOptional}};
  static constexpr auto fields =
      std::tuple{Field{"activation", &SimpleRnnGrad::activation}, Field{"go_backwards", &SimpleRnnGrad::go_backwards},
                 Field{"need_x", &SimpleRnnGrad::need_x}};
  static constexpr int outputs = 5;
  static constexpr bool internal = true;
  static constexpr std::string_view not_differentiable = kRnnGradient;
  static void infer(const SimpleRnnGrad& a, In in, Types& out);
  static void run(const SimpleRnnGrad& a, Views in, Views out, Context& c);
  static Cost cost(const SimpleRnnGrad& a, In in, std::span<const Type> out) { return rnn_cost(a.need_x ? 2 : 1, 2, in, out); }
};

struct GruGrad {
  Text activation = "tanh", recurrent_activation = "sigmoid";
  bool go_backwards = false, reset_after = true, need_x = true;
  static constexpr std::string_view name = "gru_grad", doc = "Gradient of gru: dx, dkernel, drecurrent_kernel, dbias, dinitial_h.";
  static constexpr Arg inputs[] = {{"x"}, {"kernel"}, {"recurrent_kernel"}, {"initial_h", kOptional}, {"mask", kOptional | kNoGrad},
                                   {"y"}, {"saved"},  {"dy", kOptional},    {"dh", kOptional}};
  static constexpr auto fields =
      std::tuple{Field{"activation", &GruGrad::activation}, Field{"recurrent_activation", &GruGrad::recurrent_activation},
                 Field{"go_backwards", &GruGrad::go_backwards}, Field{"reset_after", &GruGrad::reset_after},
                 Field{"need_x", &GruGrad::need_x}};
  static constexpr int outputs = 5;
  static constexpr bool internal = true;
  static constexpr std::string_view not_differentiable = kRnnGradient;
  static void infer(const GruGrad& a, In in, Types& out);
  static void run(const GruGrad& a, Views in, Views out, Context& c);
  static Cost cost(const GruGrad& a, In in, std::span<const Type> out) { return rnn_cost(a.need_x ? 2 : 1, 2, in, out); }
};

struct LstmGrad {
  Text activation = "tanh", recurrent_activation = "sigmoid";
  bool go_backwards = false, need_x = true;
  static constexpr std::string_view name = "lstm_grad",
                                    doc = "Gradient of lstm: dx, dkernel, drecurrent_kernel, dbias, dinitial_h, dinitial_c.";
  static constexpr Arg inputs[] = {
      {"x"}, {"kernel"}, {"recurrent_kernel"}, {"initial_h", kOptional}, {"initial_c", kOptional}, {"mask", kOptional | kNoGrad},
      {"y"}, {"saved"},  {"dy", kOptional},    {"dh", kOptional},        {"dc", kOptional}};
  static constexpr auto fields =
      std::tuple{Field{"activation", &LstmGrad::activation}, Field{"recurrent_activation", &LstmGrad::recurrent_activation},
                 Field{"go_backwards", &LstmGrad::go_backwards}, Field{"need_x", &LstmGrad::need_x}};
  static constexpr int outputs = 6;
  static constexpr bool internal = true;
  static constexpr std::string_view not_differentiable = kRnnGradient;
  static void infer(const LstmGrad& a, In in, Types& out);
  static void run(const LstmGrad& a, Views in, Views out, Context& c);
  static Cost cost(const LstmGrad& a, In in, std::span<const Type> out) { return rnn_cost(a.need_x ? 2 : 1, 2, in, out); }
};

}  // namespace nacre::op
