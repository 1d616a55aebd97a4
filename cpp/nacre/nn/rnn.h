// SimpleRNN, GRU, LSTM: a recurrent network over [N, T, features], with Keras's equations, weights and defaults.
//
// A call may also be given the states before the first step and a mask of the steps, and return_state adds the last states to the result:
//   LSTM lstm({.units = 4, .return_state = true});
//   std::vector<Tensor> y_h_c = lstm({.x = x, .initial_state = {h, c}, .mask = live});
#pragma once

#include "nacre/nn/layer.h"

namespace nacre::nn {

class NACRE_API Recurrent : public Layer {
 public:
  // x [N, T, features]; initial_state: h (LSTM: and c), each [N, units], or nothing for zeros; mask: bool [N, T] or absent. Where it is False
  // the states stay and the output repeats the last one, zeros before the first.
  struct Inputs {
    Tensor x;
    std::vector<Tensor> initial_state{};
    Tensor mask{};
  };
  using Layer::operator();
  // The output, and with return_state the last states.
  [[nodiscard]] std::vector<Tensor> operator()(const Inputs& inputs, const CallContext& context = {});
  [[nodiscard]] Shape output_shape(const Shape& input) const final;
  [[nodiscard]] std::vector<Shape> output_shapes(std::span<const Shape> inputs) const final;
  // In a graph the arguments say what the inputs are: {"inputs": ["sequences", "initial_state", "initial_state", "mask"]}; without them
  // the sequences come first and the states follow.
  void connect(std::span<const Type> inputs, const Json& arguments) final;
  [[nodiscard]] std::vector<Type> output_types(std::span<const Type> inputs, const Json& arguments) const final;

 protected:
  using Layer::Layer;
  // What separates the classes here.
  struct Kind {
    std::size_t states;
    Dim units;
    bool return_sequences, return_state;
  };
  [[nodiscard]] virtual Kind kind() const = 0;
  // The outputs of all steps and the last states; shapes and dtypes were checked.
  [[nodiscard]] virtual std::vector<Tensor> walk(const Inputs& inputs, const CallContext& context) const = 0;
  [[nodiscard]] std::vector<int> weight_axes(int) const final { return {2}; }
  [[nodiscard]] Tensor run_one(const Tensor& x, const CallContext& context) final;
  [[nodiscard]] std::vector<Tensor> run(std::span<const Tensor> inputs, const CallContext& context) final;
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const final;

 private:
  [[nodiscard]] std::vector<Tensor> results(const Inputs& inputs, const CallContext& context) const;
  void check_shapes(const Shape& x, std::span<const Shape> states, const Shape* mask) const;
};

struct SimpleRNNOptions {
  Dim units = 0;
  std::optional<std::string> activation = "tanh";
  bool use_bias = true;
  Json kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal", bias_initializer = "zeros";
  double dropout = 0, recurrent_dropout = 0;
  bool return_sequences = false, return_state = false, go_backwards = false;
  std::optional<Dim> seed;
  static constexpr auto options() {
    using O = SimpleRNNOptions;
    return std::tuple{Option{"units", &O::units, "size of the state, >= 1", kRequired},
                      Option{"activation", &O::activation, "name of an activation; None: linear"},
                      Option{"use_bias", &O::use_bias, "add a bias"},
                      Option{"kernel_initializer", &O::kernel_initializer, "initializer of the kernel"},
                      Option{"recurrent_initializer", &O::recurrent_initializer, "initializer of the recurrent kernel"},
                      Option{"bias_initializer", &O::bias_initializer, "initializer of the bias"},
                      Option{"dropout", &O::dropout, "share of the input features dropped in training, 0 to 1"},
                      Option{"recurrent_dropout", &O::recurrent_dropout, "share of the state dropped in training, 0 to 1"},
                      Option{"return_sequences", &O::return_sequences, "give the outputs of all steps, not the last one"},
                      Option{"return_state", &O::return_state, "give the last state too: [output, h]"},
                      Option{"go_backwards", &O::go_backwards, "read the sequence from its end"},
                      Option{"seed", &O::seed, "own seed of the dropout"}};
  }
};

class NACRE_API SimpleRNN final : public LayerOf<SimpleRNN, SimpleRNNOptions, Recurrent> {
 public:
  static constexpr std::string_view kName = "SimpleRNN",
                                    kDoc = R"(Simple recurrent network: h_t = activation(x_t W + b + h_(t-1) U).

[N, T, features] gives the last h [N, units], or all of them [N, T, units]. Each dropout draws one mask per call for all time steps.
The call takes initial_state, a list of h [N, units], and mask, bool [N, T]: a step where it is False leaves the state as it is and repeats the
last output, zeros before the first. Gradients flow into the initial states.
Weights: kernel [features, units], recurrent_kernel [units, units], bias [units].

Example:
    >>> nc.layers.SimpleRNN(4)(nc.ones((2, 5, 3))).shape
    (2, 4))";
  static void check(const SimpleRNNOptions& o);
  using LayerOf::LayerOf;

 protected:
  void create_weights(const Shape& input) override;
  [[nodiscard]] Kind kind() const override;
  [[nodiscard]] std::vector<Tensor> walk(const Inputs& inputs, const CallContext& context) const override;
};

struct GRUOptions {
  Dim units = 0;
  std::optional<std::string> activation = "tanh", recurrent_activation = "sigmoid";
  bool use_bias = true;
  Json kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal", bias_initializer = "zeros";
  double dropout = 0, recurrent_dropout = 0;
  std::optional<Dim> seed;
  bool return_sequences = false, return_state = false, go_backwards = false, reset_after = true;
  static constexpr auto options() {
    using O = GRUOptions;
    return std::tuple{Option{"units", &O::units, "size of the state, >= 1", kRequired},
                      Option{"activation", &O::activation, "activation of the candidate; None: linear"},
                      Option{"recurrent_activation", &O::recurrent_activation, "activation of the gates; None: linear"},
                      Option{"use_bias", &O::use_bias, "add biases"},
                      Option{"kernel_initializer", &O::kernel_initializer, "initializer of the kernel"},
                      Option{"recurrent_initializer", &O::recurrent_initializer, "initializer of the recurrent kernel"},
                      Option{"bias_initializer", &O::bias_initializer, "initializer of the bias"},
                      Option{"dropout", &O::dropout, "share of the input features dropped in training, 0 to 1"},
                      Option{"recurrent_dropout", &O::recurrent_dropout, "share of the state dropped in training, 0 to 1"},
                      Option{"seed", &O::seed, "own seed of the dropout"},
                      Option{"return_sequences", &O::return_sequences, "give the outputs of all steps, not the last one"},
                      Option{"return_state", &O::return_state, "give the last state too: [output, h]"},
                      Option{"go_backwards", &O::go_backwards, "read the sequence from its end"},
                      Option{"reset_after", &O::reset_after, "reset gate after the recurrent product, not before it"}};
  }
};

class NACRE_API GRU final : public LayerOf<GRU, GRUOptions, Recurrent> {
 public:
  static constexpr std::string_view kName = "GRU", kDoc = R"(Gated recurrent unit (Cho et al. 2014).

z = s(x W_z + b_z + h U_z + c_z), r = s(x W_r + b_r + h U_r + c_r), h' = f(x W_h + b_h + r (h U_h + c_h)), h = z h + (1 - z) h', with
s = recurrent_activation, f = activation. reset_after=False: h' = f(x W_h + b_h + (r h) U_h) and no c.
[N, T, features] gives the last h [N, units], or all of them [N, T, units]. Each dropout draws one mask per call for all time steps, that
of the state one per gate.
The call takes initial_state, a list of h [N, units], and mask, bool [N, T]: a step where it is False leaves the state as it is and repeats the
last output, zeros before the first. Gradients flow into the initial states.
Weights: kernel [features, 3 units], recurrent_kernel [units, 3 units], bias [2, 3 units] (rows b and c; without reset_after [3 units]).
Blocks of columns in the order z, r, h. PyTorch's is r, z, n, and its z weighs as here.

Example:
    >>> nc.layers.GRU(4, return_sequences=True)(nc.ones((2, 5, 3))).shape
    (2, 5, 4))";
  static void check(const GRUOptions& o);
  using LayerOf::LayerOf;

 protected:
  void create_weights(const Shape& input) override;
  [[nodiscard]] Kind kind() const override;
  [[nodiscard]] std::vector<Tensor> walk(const Inputs& inputs, const CallContext& context) const override;
};

struct LSTMOptions {
  Dim units = 0;
  std::optional<std::string> activation = "tanh", recurrent_activation = "sigmoid";
  bool use_bias = true;
  Json kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal", bias_initializer = "zeros";
  bool unit_forget_bias = true;
  double dropout = 0, recurrent_dropout = 0;
  std::optional<Dim> seed;
  bool return_sequences = false, return_state = false, go_backwards = false;
  static constexpr auto options() {
    using O = LSTMOptions;
    return std::tuple{Option{"units", &O::units, "size of the states, >= 1", kRequired},
                      Option{"activation", &O::activation, "activation of candidate and cell state; None: linear"},
                      Option{"recurrent_activation", &O::recurrent_activation, "activation of the gates; None: linear"},
                      Option{"use_bias", &O::use_bias, "add a bias"},
                      Option{"kernel_initializer", &O::kernel_initializer, "initializer of the kernel"},
                      Option{"recurrent_initializer", &O::recurrent_initializer, "initializer of the recurrent kernel"},
                      Option{"bias_initializer", &O::bias_initializer, "initializer of the bias"},
                      Option{"unit_forget_bias", &O::unit_forget_bias, "the bias of the forget gate begins as 1"},
                      Option{"dropout", &O::dropout, "share of the input features dropped in training, 0 to 1"},
                      Option{"recurrent_dropout", &O::recurrent_dropout, "share of the state dropped in training, 0 to 1"},
                      Option{"seed", &O::seed, "own seed of the dropout"},
                      Option{"return_sequences", &O::return_sequences, "give the outputs of all steps, not the last one"},
                      Option{"return_state", &O::return_state, "give the last states too: [output, h, c]"},
                      Option{"go_backwards", &O::go_backwards, "read the sequence from its end"}};
  }
};

class NACRE_API LSTM final : public LayerOf<LSTM, LSTMOptions, Recurrent> {
 public:
  static constexpr std::string_view kName = "LSTM", kDoc = R"(Long short-term memory (Hochreiter and Schmidhuber 1997).

(i, f, g, o) = x W + b + h U;  c = s(f) c + s(i) a(g), h = s(o) a(c), with s = recurrent_activation, a = activation.
[N, T, features] gives the last h [N, units], or all of them [N, T, units]. Each dropout draws one mask per call for all time steps, that
of the state one per gate.
The call takes initial_state, a list of h and c [N, units], and mask, bool [N, T]: a step where it is False leaves the state as it is and repeats the
last output, zeros before the first. Gradients flow into the initial states.
Weights: kernel [features, 4 units], recurrent_kernel [units, 4 units], bias [4 units]; blocks of columns in the order i, f, g, o.

Example:
    >>> nc.layers.LSTM(4)(nc.ones((2, 5, 3))).shape
    (2, 4))";
  static void check(const LSTMOptions& o);
  using LayerOf::LayerOf;

 protected:
  void create_weights(const Shape& input) override;
  [[nodiscard]] Kind kind() const override;
  [[nodiscard]] std::vector<Tensor> walk(const Inputs& inputs, const CallContext& context) const override;
};

}  // namespace nacre::nn
