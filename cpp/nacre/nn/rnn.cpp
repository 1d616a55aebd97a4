#include "nacre/nn/rnn.h"

#include "nacre/nn/activation.h"
#include "nacre/nn/checks.h"
#include "nacre/ops/ops.h"
#include "nacre/ops/rnn_steps.h"

namespace nacre::nn {

namespace {

// Added to the stream of the layer for the masks of its state, so that they differ from those of its input and of other layers.
constexpr Dim kStateStream = Dim{1} << 20;

template <class O>
void check_options(std::string_view owner, const O& o) {
  need_count(owner, "units", o.units);
  (void)plan_activation(owner, o.activation);
  if constexpr (requires { o.recurrent_activation; }) (void)plan_activation(owner, o.recurrent_activation);
  need_initializer(owner, "kernel_initializer", o.kernel_initializer);
  need_initializer(owner, "recurrent_initializer", o.recurrent_initializer);
  need_initializer(owner, "bias_initializer", o.bias_initializer);
  need_rate(owner, "dropout", o.dropout);
  need_rate(owner, "recurrent_dropout", o.recurrent_dropout);
}

template <class O>
Shape sequence_shape(std::string_view label, const Shape& input, const O& o) {
  need_rank(label, input, 3, "[N, T, features]");
  (void)need_known(label, input, 2);
  if (o.return_sequences) return {input[0], input[1], o.units};
  return {input[0], o.units};
}

Text name_of(const std::optional<std::string>& activation) { return std::string_view(activation ? *activation : "linear"); }

// Whether the fused ops know it.
bool is_fused(const std::optional<std::string>& activation) {
  const Text name = name_of(activation);
  for (const char* known : {"linear", "relu", "tanh", "sigmoid", "hard_sigmoid"}) {
    if (name == known) return true;
  }
  return false;
}

template <class O>
bool drops(const O& o, const CallContext& context) {
  return context.training && (o.dropout > 0 || o.recurrent_dropout > 0);
}

Tensor dropped_ones(const Shape& shape, DType dtype, const Tensor& key, double rate, Dim stream) {
  return dropout(full({.shape = shape, .value = 1.0, .dtype = dtype}), key, {.rate = rate, .stream = stream});
}

// The outputs that the options ask for. `key` is given when something is dropped; `fused` calls the op of the cell.
template <class O, class Fused>
Tensor run_layer(std::string_view owner, RnnCell cell, const O& o, RnnInputs in, const Tensor& key, Fused&& fused) {
  const Dim n = in.x.shape()[0], features = in.x.shape()[2], units = o.units, gates = in.kernel.shape()[1] / units;
  const DType dtype = in.x.dtype();
  if (key && o.dropout > 0) in.x = in.x * dropped_ones({n, 1, features}, dtype, key, o.dropout, 0);
  RnnSteps steps;
  if (key && o.recurrent_dropout > 0) {
    const Tensor factors = dropped_ones({n, gates * units}, dtype, key, o.recurrent_dropout, kStateStream);
    steps.state_factors = split(factors, {.sections = gates, .axis = 1});
  }
  bool known = is_fused(o.activation);
  if constexpr (requires { o.recurrent_activation; }) known = known && is_fused(o.recurrent_activation);
  std::vector<Tensor> out;
  if (known && steps.state_factors.empty()) {
    const Tensor given[] = {in.x, in.kernel, in.recurrent_kernel, in.bias};
    out = fused(std::span<const Tensor>(given));
  } else {
    steps.cell = cell;
    steps.activation = find_activation(owner, name_of(o.activation).view()).function;
    if constexpr (requires { o.recurrent_activation; }) {
      steps.recurrent_activation = find_activation(owner, name_of(o.recurrent_activation).view()).function;
    }
    if constexpr (requires { o.reset_after; }) steps.reset_after = o.reset_after;
    steps.go_backwards = o.go_backwards;
    out = rnn_by_steps(in, steps);
  }
  return out[o.return_sequences ? 0 : 1];
}

}  // namespace

void SimpleRNN::check(const SimpleRNNOptions& o) { check_options(kName, o); }
Shape SimpleRNN::output_shape(const Shape& input) const { return sequence_shape(label(), input, o()); }

void SimpleRNN::create_weights(const Shape& input) {
  add_weight("kernel", (*make_initializer(kName, o().kernel_initializer))({input[2], o().units}, dtype()));
  add_weight("recurrent_kernel", (*make_initializer(kName, o().recurrent_initializer))({o().units, o().units}, dtype()));
  if (o().use_bias) add_weight("bias", (*make_initializer(kName, o().bias_initializer))({o().units}, dtype()));
}

Tensor SimpleRNN::call(const Tensor& x, const CallContext& context) const {
  const Tensor key = drops(o(), context) ? random_key(context, o().seed) : Tensor();
  const RnnInputs in{.x = x, .kernel = weight(0), .recurrent_kernel = weight(1), .bias = find_weight("bias")};
  return run_layer(kName, RnnCell::simple, o(), in, key, [&](std::span<const Tensor> given) {
    return simple_rnn(given, {.activation = name_of(o().activation), .go_backwards = o().go_backwards});
  });
}

void GRU::check(const GRUOptions& o) { check_options(kName, o); }
Shape GRU::output_shape(const Shape& input) const { return sequence_shape(label(), input, o()); }

void GRU::create_weights(const Shape& input) {
  const Dim columns = checked_mul(label(), 3, o().units);
  add_weight("kernel", (*make_initializer(kName, o().kernel_initializer))({input[2], columns}, dtype()));
  add_weight("recurrent_kernel", (*make_initializer(kName, o().recurrent_initializer))({o().units, columns}, dtype()));
  if (!o().use_bias) return;
  const Shape shape = o().reset_after ? Shape{2, columns} : Shape{columns};
  add_weight("bias", (*make_initializer(kName, o().bias_initializer))(shape, dtype()));
}

Tensor GRU::call(const Tensor& x, const CallContext& context) const {
  const Tensor key = drops(o(), context) ? random_key(context, o().seed) : Tensor();
  const RnnInputs in{.x = x, .kernel = weight(0), .recurrent_kernel = weight(1), .bias = find_weight("bias")};
  return run_layer(kName, RnnCell::gru, o(), in, key, [&](std::span<const Tensor> given) {
    return gru(given, {.activation = name_of(o().activation),
                       .recurrent_activation = name_of(o().recurrent_activation),
                       .go_backwards = o().go_backwards,
                       .reset_after = o().reset_after});
  });
}

void LSTM::check(const LSTMOptions& o) { check_options(kName, o); }
Shape LSTM::output_shape(const Shape& input) const { return sequence_shape(label(), input, o()); }

void LSTM::create_weights(const Shape& input) {
  const Dim units = o().units, columns = checked_mul(label(), 4, units);
  add_weight("kernel", (*make_initializer(kName, o().kernel_initializer))({input[2], columns}, dtype()));
  add_weight("recurrent_kernel", (*make_initializer(kName, o().recurrent_initializer))({units, columns}, dtype()));
  if (!o().use_bias) return;
  const auto bias = make_initializer(kName, o().bias_initializer);
  if (!o().unit_forget_bias) {
    add_weight("bias", (*bias)({columns}, dtype()));
    return;
  }
  const Tensor forget = full({.shape = {units}, .value = 1.0, .dtype = dtype()});
  add_weight("bias", concatenate({(*bias)({units}, dtype()), forget, (*bias)({2 * units}, dtype())}));
}

Tensor LSTM::call(const Tensor& x, const CallContext& context) const {
  const Tensor key = drops(o(), context) ? random_key(context, o().seed) : Tensor();
  const RnnInputs in{.x = x, .kernel = weight(0), .recurrent_kernel = weight(1), .bias = find_weight("bias")};
  return run_layer(kName, RnnCell::lstm, o(), in, key, [&](std::span<const Tensor> given) {
    return lstm(given, {.activation = name_of(o().activation),
                        .recurrent_activation = name_of(o().recurrent_activation),
                        .go_backwards = o().go_backwards});
  });
}

}  // namespace nacre::nn
