// Recurrent layers: shape rules, kernels (kernels/rnn.h has the equations), gradients.
#include "nacre/autograd/tape.h"
#include "nacre/ops/nn_checks.h"
#include "nacre/ops/reference.h"
#include "nacre/ops/rnn_steps.h"

namespace nacre::op {

namespace {

struct Known {
  std::string_view name;
  RnnActivation kind;
  Tensor (*function)(const Tensor&);
};
constexpr Known kActivations[] = {
    {"linear", RnnActivation::linear, [](const Tensor& x) { return x; }},
    {"relu", RnnActivation::relu, [](const Tensor& x) { return relu(x); }},
    {"tanh", RnnActivation::tanh, [](const Tensor& x) { return tanh(x); }},
    {"sigmoid", RnnActivation::sigmoid, [](const Tensor& x) { return sigmoid(x); }},
    {"hard_sigmoid", RnnActivation::hard_sigmoid, [](const Tensor& x) { return hard_sigmoid(x); }},
};

const Known& find_known(std::string_view op, std::string_view arg, const Text& given) {
  for (const Known& k : kActivations) {
    if (given == k.name) return k;
  }
  raise<ValueError>(op, ": ", arg, " must be 'linear', 'relu', 'tanh', 'sigmoid' or 'hard_sigmoid', got '", given, "'.");
}

// What separates the cells and their gradients here.
template <class Op>
struct Traits;
template <RnnCell C>
struct CellTraits {
  static constexpr RnnCell cell = C;
  static constexpr bool lstm = C == RnnCell::lstm, saves = C != RnnCell::simple;
  static constexpr Dim gates = C == RnnCell::simple ? 1 : C == RnnCell::gru ? 3 : 4;
  // Places of the inputs, forward and backward.
  static constexpr int bias = 3, h = 4, c = 5, mask = lstm ? 6 : 5;
  static constexpr int grad_h = 3, grad_c = 4, grad_mask = lstm ? 5 : 4, grad_y = grad_mask + 1, grad_saved = grad_y + 1,
                       grad_dy = grad_y + (saves ? 2 : 1), grad_dh = grad_dy + 1, grad_dc = grad_dh + 1;
  static constexpr int out_saved = lstm ? 3 : 2;
};
template <>
struct Traits<SimpleRnn> : CellTraits<RnnCell::simple> {};
template <>
struct Traits<SimpleRnnGrad> : CellTraits<RnnCell::simple> {};
template <>
struct Traits<Gru> : CellTraits<RnnCell::gru> {};
template <>
struct Traits<GruGrad> : CellTraits<RnnCell::gru> {};
template <>
struct Traits<Lstm> : CellTraits<RnnCell::lstm> {};
template <>
struct Traits<LstmGrad> : CellTraits<RnnCell::lstm> {};

template <class Op>
bool resets_after(const Op& a) {
  if constexpr (requires { a.reset_after; })
    return a.reset_after;
  else
    return true;
}
template <class Op>
Text recurrent_name(const Op& a) {
  if constexpr (requires { a.recurrent_activation; })
    return a.recurrent_activation;
  else
    return "sigmoid";
}

struct Sizes {
  Dim n, t, d, u;
};

// x and the kernels; also the activations.
template <class Op>
Sizes check_inputs(const Op& a, In in) {
  constexpr Dim gates = Traits<Op>::gates;
  (void)find_known(Op::name, "activation", a.activation);
  if constexpr (requires { a.recurrent_activation; }) {
    (void)find_known(Op::name, "recurrent_activation", a.recurrent_activation);
  }
  require_float(Op::name, "x", in[0]);
  require_rank(Op::name, "x", in[0], 3, "[N, T, D]");
  for (int k : {1, 2}) {
    require_same_dtype(Op::name, "x", in[0], Op::inputs[k].name, in[k]);
    require_rank(Op::name, Op::inputs[k].name, in[k], 2, k == 1 ? "[D, gates * U]" : "[U, gates * U]");
  }
  const Shape &x = in[0].shape, &w = in[1].shape, &u = in[2].shape;
  if (u[0] < 1 || u[1] != gates * u[0]) {
    raise<ShapeError>(Op::name, ": recurrent_kernel must have shape [U, ", gates == 1 ? "" : cat(gates, " * "),
                      "U] with U >= 1, got ", u, ".");
  }
  require_shape(Op::name, "kernel", in[1], {x[2], u[1]}, cat("(x has ", x[2], " features, recurrent_kernel ", u[1], " columns)"));
  (void)w;
  require_count(Op::name, "the number of steps", x[1], 0);
  return {x[0], x[1], x[2], u[0]};
}
void check_one(std::string_view op, std::string_view arg, In in, int k, const Shape& shape, std::string_view layout) {
  if (!in.has(k)) return;
  require_same_dtype(op, "x", in[0], arg, in[k]);
  require_shape(op, arg, in[k], shape, layout);
}
void check_mask(std::string_view op, In in, int k, const Sizes& s) {
  if (!in.has(k)) return;
  require_bool(op, "mask", in[k]);
  require_shape(op, "mask", in[k], {s.n, s.t}, "[N, T]");
}
template <class Op>
Shape bias_shape(const Op& a, Dim units) {
  constexpr Dim gates = Traits<Op>::gates;
  if (Traits<Op>::cell == RnnCell::gru && resets_after(a)) return {2, gates * units};
  return {gates * units};
}

template <class Op>
void infer_forward(const Op& a, In in, Types& out) {
  using P = Traits<Op>;
  const Sizes s = check_inputs(a, in);
  check_one(Op::name, "bias", in, P::bias, bias_shape(a, s.u), "(one number per column of the kernels)");
  check_one(Op::name, "initial_h", in, P::h, {s.n, s.u}, "[N, U]");
  if (P::lstm) check_one(Op::name, "initial_c", in, P::c, {s.n, s.u}, "[N, U]");
  check_mask(Op::name, in, P::mask, s);
  const DType dtype = in[0].dtype;
  out.push_back({dtype, {s.n, s.t, s.u}});
  out.push_back({dtype, {s.n, s.u}});
  if (P::lstm) out.push_back({dtype, {s.n, s.u}});
  if (P::saves) out.push_back({dtype, {s.t, s.n, rnn_saved_width(P::cell, resets_after(a), s.u)}});
}

const void* data_or_null(Views in, int k) { return in.has(k) ? in[k].data : nullptr; }

template <class Op>
RnnArgs kernel_args(const Op& a, Views in) {
  RnnArgs g;
  g.dtype = in[0].dtype;
  g.cell = Traits<Op>::cell;
  g.activation = find_known(Op::name, "activation", a.activation).kind;
  g.recurrent_activation = find_known(Op::name, "recurrent_activation", recurrent_name(a)).kind;
  g.go_backwards = a.go_backwards;
  g.reset_after = resets_after(a);
  g.batch = in[0].shape[0], g.steps = in[0].shape[1], g.inputs = in[0].shape[2], g.units = in[2].shape[0];
  g.x = in[0].data, g.kernel = in[1].data, g.recurrent = in[2].data;
  return g;
}

template <class Op>
void run_forward(const Op& a, Views in, Views out, Context& c) {
  using P = Traits<Op>;
  RnnArgs g = kernel_args(a, in);
  g.bias = data_or_null(in, P::bias), g.h0 = data_or_null(in, P::h), g.mask = data_or_null(in, P::mask);
  if (P::lstm) g.c0 = data_or_null(in, P::c);
  g.y = out[0].data, g.h = out[1].data;
  if (P::lstm) g.c = out[2].data;
  if (P::saves) g.saved = out[P::out_saved].data;
  const RnnTable& t = c.kernels.rnn;
  t.forward(g, c.scratch(t.forward_scratch(g)));
}

template <class Op, class GradOp>
void gradient(const Op& a, GradCtx& c, const GradOp& options,
              std::vector<Tensor> (*fused)(std::span<const Tensor>, const GradOp&)) {
  using P = Traits<Op>;
  if (grad_enabled() || (P::saves && c.has(P::out_saved))) {
    grad_by_reference(c, [&](std::span<const Tensor> in) {
      const auto at = [&](int k) { return static_cast<std::size_t>(k) < in.size() ? in[static_cast<std::size_t>(k)] : Tensor(); };
      return rnn_by_steps({at(0), at(1), at(2), at(P::bias), at(P::h), P::lstm ? at(P::c) : Tensor(), at(P::mask)},
                          {.cell = P::cell,
                           .activation = find_known(Op::name, "activation", a.activation).function,
                           .recurrent_activation = find_known(Op::name, "recurrent_activation", recurrent_name(a)).function,
                           .go_backwards = a.go_backwards,
                           .reset_after = resets_after(a)});
    });
    return;
  }
  const auto given = [&](int k) { return c.has_in(k) ? c.in(k) : Tensor(); };
  std::vector<Tensor> in{c.in(0), c.in(1), c.in(2), given(P::h)};
  if (P::lstm) in.push_back(given(P::c));
  in.push_back(given(P::mask));
  in.push_back(c.out(0));
  if (P::saves) in.push_back(c.out(P::out_saved));
  in.push_back(c.dy(0));
  in.push_back(c.dy(1));
  if (P::lstm) in.push_back(c.dy(2));
  const std::vector<Tensor> d = fused(in, options);
  const int places[] = {0, 1, 2, P::bias, P::h, P::c};
  for (std::size_t k = 0; k < d.size(); ++k) {
    if (c.has_in(places[k]) && c.needs(places[k])) c.dx(places[k], d[k]);
  }
}

template <class Op>
void infer_backward(const Op& a, In in, Types& out) {
  using P = Traits<Op>;
  const Sizes s = check_inputs(a, in);
  check_one(Op::name, "initial_h", in, P::grad_h, {s.n, s.u}, "[N, U]");
  if (P::lstm) check_one(Op::name, "initial_c", in, P::grad_c, {s.n, s.u}, "[N, U]");
  check_mask(Op::name, in, P::grad_mask, s);
  const Shape y{s.n, s.t, s.u};
  check_one(Op::name, "y", in, P::grad_y, y, "[N, T, U]");
  if (P::saves) {
    check_one(Op::name, "saved", in, P::grad_saved, {s.t, s.n, rnn_saved_width(P::cell, resets_after(a), s.u)},
              "(as the forward op gave it)");
  }
  check_one(Op::name, "dy", in, P::grad_dy, y, "(that of y)");
  check_one(Op::name, "dh", in, P::grad_dh, {s.n, s.u}, "[N, U]");
  if (P::lstm) check_one(Op::name, "dc", in, P::grad_dc, {s.n, s.u}, "[N, U]");
  const DType dtype = in[0].dtype;
  out.push_back(a.need_x ? Type(in[0]) : Type{dtype, {0}});
  out.push_back(in[1]);
  out.push_back(in[2]);
  out.push_back({dtype, bias_shape(a, s.u)});
  out.push_back({dtype, {s.n, s.u}});
  if (P::lstm) out.push_back({dtype, {s.n, s.u}});
}

template <class Op>
void run_backward(const Op& a, Views in, Views out, Context& c) {
  using P = Traits<Op>;
  RnnArgs g = kernel_args(a, in);
  g.h0 = data_or_null(in, P::grad_h), g.mask = data_or_null(in, P::grad_mask);
  if (P::lstm) g.c0 = data_or_null(in, P::grad_c), g.dc = data_or_null(in, P::grad_dc);
  g.y = in[P::grad_y].data;
  if (P::saves) g.saved = in[P::grad_saved].data;
  g.dy = data_or_null(in, P::grad_dy), g.dh = data_or_null(in, P::grad_dh);
  g.dx = a.need_x ? out[0].data : nullptr, g.dkernel = out[1].data, g.drecurrent = out[2].data, g.dbias = out[3].data;
  g.dh0 = out[4].data;
  if (P::lstm) g.dc0 = out[5].data;
  const RnnTable& t = c.kernels.rnn;
  t.backward(g, c.scratch(t.backward_scratch(g)));
}

}  // namespace

void SimpleRnn::infer(const SimpleRnn& a, In in, Types& out) { infer_forward(a, in, out); }
void SimpleRnn::run(const SimpleRnn& a, Views in, Views out, Context& c) { run_forward(a, in, out, c); }
void SimpleRnn::grad(const SimpleRnn& a, GradCtx& c) {
  gradient<SimpleRnn, SimpleRnnGrad>(a, c, {a.activation, a.go_backwards, c.needs(0)},
                                     [](std::span<const Tensor> in, const SimpleRnnGrad& o) { return simple_rnn_grad(in, o); });
}
void Gru::infer(const Gru& a, In in, Types& out) { infer_forward(a, in, out); }
void Gru::run(const Gru& a, Views in, Views out, Context& c) { run_forward(a, in, out, c); }
void Gru::grad(const Gru& a, GradCtx& c) {
  gradient<Gru, GruGrad>(a, c, {a.activation, a.recurrent_activation, a.go_backwards, a.reset_after, c.needs(0)},
                         [](std::span<const Tensor> in, const GruGrad& o) { return gru_grad(in, o); });
}
void Lstm::infer(const Lstm& a, In in, Types& out) { infer_forward(a, in, out); }
void Lstm::run(const Lstm& a, Views in, Views out, Context& c) { run_forward(a, in, out, c); }
void Lstm::grad(const Lstm& a, GradCtx& c) {
  gradient<Lstm, LstmGrad>(a, c, {a.activation, a.recurrent_activation, a.go_backwards, c.needs(0)},
                           [](std::span<const Tensor> in, const LstmGrad& o) { return lstm_grad(in, o); });
}

void SimpleRnnGrad::infer(const SimpleRnnGrad& a, In in, Types& out) { infer_backward(a, in, out); }
void SimpleRnnGrad::run(const SimpleRnnGrad& a, Views in, Views out, Context& c) { run_backward(a, in, out, c); }
void GruGrad::infer(const GruGrad& a, In in, Types& out) { infer_backward(a, in, out); }
void GruGrad::run(const GruGrad& a, Views in, Views out, Context& c) { run_backward(a, in, out, c); }
void LstmGrad::infer(const LstmGrad& a, In in, Types& out) { infer_backward(a, in, out); }
void LstmGrad::run(const LstmGrad& a, Views in, Views out, Context& c) { run_backward(a, in, out, c); }

}  // namespace nacre::op

namespace nacre {
NACRE_DEFINE_OP(SimpleRnn)
NACRE_DEFINE_OP(Gru)
NACRE_DEFINE_OP(Lstm)
NACRE_DEFINE_OP(SimpleRnnGrad)
NACRE_DEFINE_OP(GruGrad)
NACRE_DEFINE_OP(LstmGrad)
}  // namespace nacre
