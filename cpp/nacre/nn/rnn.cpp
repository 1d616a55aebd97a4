#include "nacre/nn/rnn.h"

#include "nacre/base/error_owner.h"
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

// The outputs of all steps and the last states. `key` is given when something is dropped; `fused` calls the op of the cell with x, kernels and
// bias, then the initial states and the mask.
template <class O, class Fused>
std::vector<Tensor> run_layer(std::string_view owner, RnnCell cell, const O& o, RnnInputs in, const Tensor& key, Fused&& fused) {
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
    std::vector<Tensor> given{in.x, in.kernel, in.recurrent_kernel, in.bias, in.initial_h};
    if (cell == RnnCell::lstm) given.push_back(in.initial_c);
    given.push_back(in.mask);
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
  out.resize(cell == RnnCell::lstm ? 3 : 2);  // without what the gradient reads
  return out;
}

RnnInputs rnn_inputs(const Recurrent::Inputs& in, const Tensor& kernel, const Tensor& recurrent, const Tensor& bias) {
  const auto state = [&](std::size_t k) { return k < in.initial_state.size() ? in.initial_state[k] : Tensor(); };
  return {.x = in.x,
          .kernel = kernel,
          .recurrent_kernel = recurrent,
          .bias = bias,
          .initial_h = state(0),
          .initial_c = state(1),
          .mask = in.mask};
}

// Which inputs of a call in a graph are what.
struct Places {
  std::size_t states = 0;  // those at 1 .. states
  bool mask = false;       // the last
};
Places places_of(std::string_view label, std::size_t inputs, const Json& arguments) {
  if (!arguments.is_null() && !arguments.is_object()) raise<TypeError>(label, ": the arguments of a call must be an object.");
  if (inputs < 1) raise<TypeError>(label, ": the input is missing.");
  const Json* names = arguments.find("inputs");
  if (!names) return {.states = inputs - 1};
  Places p;
  bool good = names->size() == inputs && names->at(0).get<std::string>() == "sequences";
  for (std::size_t i = 1; good && i < inputs; ++i) {
    const auto name = names->at(static_cast<std::ptrdiff_t>(i)).get<std::string>();
    if (name == "initial_state")
      ++p.states;
    else
      p.mask = name == "mask" && i + 1 == inputs, good = p.mask;
  }
  if (!good) {
    raise<ValueError>(label, ": takes 'sequences', then 'initial_state' and 'mask', got ", inputs, " inputs named ",
                      names->to_string().substr(0, 100), ".");
  }
  return p;
}

bool same_size(Dim a, Dim b) { return a == b || a == kUnknown || b == kUnknown; }

template <class T>
std::vector<Shape> shapes_of(std::span<const T> values) {
  std::vector<Shape> out;
  for (const T& v : values) {
    if constexpr (std::is_same_v<T, Tensor>)
      out.push_back(v.shape());
    else
      out.push_back(v.shape);
  }
  return out;
}

}  // namespace

Shape Recurrent::output_shape(const Shape& input) const {
  need_rank(label(), input, 3, "[N, T, features]");
  (void)need_known(label(), input, 2);
  const Kind k = kind();
  if (k.return_sequences) return {input[0], input[1], k.units};
  return {input[0], k.units};
}

std::vector<Shape> Recurrent::output_shapes(std::span<const Shape> inputs) const {
  need_one(inputs.size());
  std::vector<Shape> out{output_shape(inputs[0])};
  const Kind k = kind();
  if (k.return_state) out.insert(out.end(), k.states, Shape{inputs[0][0], k.units});
  return out;
}

void Recurrent::check_shapes(const Shape& x, std::span<const Shape> states, const Shape* mask) const {
  (void)output_shape(x);
  const Kind k = kind();
  const char* what = k.states == 2 ? "h and c" : "h";
  if (!states.empty() && states.size() != k.states) {
    raise<ValueError>(label(), ": initial_state must be ", k.states == 2 ? "2 tensors" : "1 tensor", ", ", what, ", got ",
                      states.size(), ".");
  }
  for (std::size_t i = 0; i < states.size(); ++i) {
    const Shape& s = states[i];
    if (s.rank() != 2 || !same_size(s[0], x[0]) || !same_size(s[1], k.units)) {
      raise<ShapeError>(label(), ": initial_state[", i, "] must have shape [N, units] = ", Shape{x[0], k.units}, ", got ", s, ".");
    }
  }
  if (mask && (mask->rank() != 2 || !same_size((*mask)[0], x[0]) || !same_size((*mask)[1], x[1]))) {
    raise<ShapeError>(label(), ": mask must have shape [N, T] = ", Shape{x[0], x[1]}, ", got ", *mask, ".");
  }
}

void Recurrent::connect(std::span<const Type> inputs, const Json& arguments) {
  (void)output_types(inputs, arguments);  // checks
  build(inputs[0].shape);
}

std::vector<Type> Recurrent::output_types(std::span<const Type> inputs, const Json& arguments) const {
  const Places p = places_of(label(), inputs.size(), arguments);
  const std::vector<Shape> shapes = shapes_of(inputs);
  check_shapes(shapes[0], std::span(shapes).subspan(1, p.states), p.mask ? &shapes.back() : nullptr);
  std::vector<Type> out;
  for (const Shape& s : output_shapes({shapes.data(), 1})) out.push_back({dtype(), s});
  return out;
}

Tensor Recurrent::run_one(const Tensor& x, const CallContext& context) {
  const Kind k = kind();
  if (k.return_state) {
    raise<ValueError>(label(), ": with return_state it gives ", 1 + k.states, " results where one is wanted.");
  }
  return Layer::run_one(x, context);
}

std::vector<Tensor> Recurrent::run(std::span<const Tensor> inputs, const CallContext& context) {
  const Json none{};
  const Places p = places_of(label(), inputs.size(), context.arguments ? *context.arguments : none);
  const auto states = inputs.subspan(1, p.states);
  return (*this)({.x = inputs[0], .initial_state = {states.begin(), states.end()}, .mask = p.mask ? inputs.back() : Tensor()},
                 context);
}

std::vector<Tensor> Recurrent::operator()(const Inputs& in, const CallContext& context) {
  if (!in.x) raise<TypeError>(label(), ": the input is missing.");
  for (std::size_t i = 0; i < in.initial_state.size(); ++i) {
    if (!in.initial_state[i]) raise<TypeError>(label(), ": initial_state[", i, "] is missing.");
  }
  const std::vector<Shape> states = shapes_of(std::span<const Tensor>(in.initial_state));
  check_shapes(in.x.shape(), states, in.mask ? &in.mask.shape() : nullptr);
  Shape shape = in.x.shape();
  shape[0] = kUnknown;
  build(shape);
  const auto own = [&](const Tensor& t) { return t.dtype() == dtype() ? t : cast(t, {.dtype = dtype()}); };
  Inputs all = in;
  all.x = own(in.x);
  for (Tensor& s : all.initial_state) s = own(s);
  if (all.mask && all.mask.dtype() != DType::boolean) all.mask = cast(all.mask, {.dtype = DType::boolean});
  try {
    return results(all, context);
  } catch (const Error&) {
    rethrow_with_owner(label());
  }
}

Tensor Recurrent::call(const Tensor& x, const CallContext& context) const { return results({.x = x}, context)[0]; }

std::vector<Tensor> Recurrent::results(const Inputs& in, const CallContext& context) const {
  const Kind k = kind();
  std::vector<Tensor> all = walk(in, context);
  std::vector<Tensor> out;
  if (k.return_sequences) {
    out.push_back(all[0]);
  } else if (in.mask && !in.initial_state.empty() && in.x.shape()[1] > 0) {
    // A row without any live step keeps its state, but has the output 0; else the last output is the last state.
    const Dim n = in.x.shape()[0], last = in.x.shape()[1] - 1;
    out.push_back(reshape(slice(all[0], {.start_indices = {0, last, 0}, .shape = {n, 1, k.units}}), {.newshape = {n, k.units}}));
  } else {
    out.push_back(all[1]);
  }
  if (k.return_state) out.insert(out.end(), all.begin() + 1, all.end());
  return out;
}

void SimpleRNN::check(const SimpleRNNOptions& o) { check_options(kName, o); }
Recurrent::Kind SimpleRNN::kind() const { return {1, o().units, o().return_sequences, o().return_state}; }

void SimpleRNN::create_weights(const Shape& input) {
  add_weight("kernel", (*make_initializer(kName, o().kernel_initializer))({input[2], o().units}, dtype()));
  add_weight("recurrent_kernel", (*make_initializer(kName, o().recurrent_initializer))({o().units, o().units}, dtype()));
  if (o().use_bias) add_weight("bias", (*make_initializer(kName, o().bias_initializer))({o().units}, dtype()));
}

std::vector<Tensor> SimpleRNN::walk(const Inputs& inputs, const CallContext& context) const {
  const Tensor key = drops(o(), context) ? random_key(context, o().seed) : Tensor();
  const RnnInputs in = rnn_inputs(inputs, weight(0), weight(1), find_weight("bias"));
  return run_layer(kName, RnnCell::simple, o(), in, key, [&](std::span<const Tensor> given) {
    return simple_rnn(given, {.activation = name_of(o().activation), .go_backwards = o().go_backwards});
  });
}

void GRU::check(const GRUOptions& o) { check_options(kName, o); }
Recurrent::Kind GRU::kind() const { return {1, o().units, o().return_sequences, o().return_state}; }

void GRU::create_weights(const Shape& input) {
  const Dim columns = checked_mul(label(), 3, o().units);
  add_weight("kernel", (*make_initializer(kName, o().kernel_initializer))({input[2], columns}, dtype()));
  add_weight("recurrent_kernel", (*make_initializer(kName, o().recurrent_initializer))({o().units, columns}, dtype()));
  if (!o().use_bias) return;
  const Shape shape = o().reset_after ? Shape{2, columns} : Shape{columns};
  add_weight("bias", (*make_initializer(kName, o().bias_initializer))(shape, dtype()));
}

std::vector<Tensor> GRU::walk(const Inputs& inputs, const CallContext& context) const {
  const Tensor key = drops(o(), context) ? random_key(context, o().seed) : Tensor();
  const RnnInputs in = rnn_inputs(inputs, weight(0), weight(1), find_weight("bias"));
  return run_layer(kName, RnnCell::gru, o(), in, key, [&](std::span<const Tensor> given) {
    return gru(given, {.activation = name_of(o().activation),
                       .recurrent_activation = name_of(o().recurrent_activation),
                       .go_backwards = o().go_backwards,
                       .reset_after = o().reset_after});
  });
}

void LSTM::check(const LSTMOptions& o) { check_options(kName, o); }
Recurrent::Kind LSTM::kind() const { return {2, o().units, o().return_sequences, o().return_state}; }

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

std::vector<Tensor> LSTM::walk(const Inputs& inputs, const CallContext& context) const {
  const Tensor key = drops(o(), context) ? random_key(context, o().seed) : Tensor();
  const RnnInputs in = rnn_inputs(inputs, weight(0), weight(1), find_weight("bias"));
  return run_layer(kName, RnnCell::lstm, o(), in, key, [&](std::span<const Tensor> given) {
    return lstm(given, {.activation = name_of(o().activation),
                        .recurrent_activation = name_of(o().recurrent_activation),
                        .go_backwards = o().go_backwards});
  });
}

}  // namespace nacre::nn
