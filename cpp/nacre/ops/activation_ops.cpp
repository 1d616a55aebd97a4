// Activations with options, softmax and log-softmax, fused activation gradients and their own gradients.
#include "nacre/kernels/elementwise_drive.h"
#include "nacre/ops/rules.h"

namespace nacre {

namespace op {

void activation_infer(std::string_view name, In in, Types& out) {
  require_float(name, "x", in[0]);
  out.push_back(in[0]);
}

namespace {

// The op's inner loop over whole tensors.
template <class Op>
void run_tile(const Op& a, Views in, Views out, Context& c) {
  TileFn fn;
  Op::tile(a, c.kernels, In{in.views, in.n}, fn);
  apply_unary(fn.unary, in[0], out[0], fn.params);
}
bool unary_with(UnaryKind kind, double a, double b, const KernelTable& k, In in, TileFn& fn) {
  fn.unary = unary_fn(k.elementwise, kind, in[0].dtype);
  fn.params[0] = a, fn.params[1] = b;
  return fn.unary != nullptr;
}

}  // namespace

// y = x where x > 0, else a x
void LeakyRelu::infer(const LeakyRelu& a, In in, Types& out) {
  require_finite(name, "negative_slope", a.negative_slope);
  activation_infer(name, in, out);
}
bool LeakyRelu::tile(const LeakyRelu& a, const KernelTable& k, In in, TileFn& fn) {
  return unary_with(UnaryKind::leaky_relu, a.negative_slope, 0, k, in, fn);
}
void LeakyRelu::run(const LeakyRelu& a, Views in, Views out, Context& c) { run_tile(a, in, out, c); }
void LeakyRelu::grad(const LeakyRelu& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, leaky_relu_grad(c.in(0), c.dy(), {.a = a.negative_slope}));
}

// y = x where x > 0, else alpha (e^x - 1)
void Elu::infer(const Elu& a, In in, Types& out) {
  require_finite(name, "alpha", a.alpha);
  activation_infer(name, in, out);
}
bool Elu::tile(const Elu& a, const KernelTable& k, In in, TileFn& fn) { return unary_with(UnaryKind::elu, a.alpha, 0, k, in, fn); }
void Elu::run(const Elu& a, Views in, Views out, Context& c) { run_tile(a, in, out, c); }
void Elu::grad(const Elu& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, elu_grad(c.in(0), c.dy(), {.a = a.alpha}));
}

// y = x sigmoid(beta x)
void Silu::infer(const Silu& a, In in, Types& out) {
  require_finite(name, "beta", a.beta);
  activation_infer(name, in, out);
}
bool Silu::tile(const Silu& a, const KernelTable& k, In in, TileFn& fn) {
  return unary_with(UnaryKind::silu, a.beta, 0, k, in, fn);
}
void Silu::run(const Silu& a, Views in, Views out, Context& c) { run_tile(a, in, out, c); }
void Silu::grad(const Silu& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, silu_grad(c.in(0), c.dy(), {.a = a.beta}));
}

void Gelu::infer(const Gelu&, In in, Types& out) { activation_infer(name, in, out); }
bool Gelu::tile(const Gelu& a, const KernelTable& k, In in, TileFn& fn) {
  return unary_with(a.approximate ? UnaryKind::gelu_tanh : UnaryKind::gelu, 0, 0, k, in, fn);
}
void Gelu::run(const Gelu& a, Views in, Views out, Context& c) { run_tile(a, in, out, c); }
void Gelu::grad(const Gelu& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, a.approximate ? gelu_tanh_grad(c.in(0), c.dy()) : gelu_grad(c.in(0), c.dy()));
}

// y = min(max(x, 0), 6); y says which branch was taken
void Relu6::infer(const Relu6&, In in, Types& out) { activation_infer(name, in, out); }
bool Relu6::tile(const Relu6&, const KernelTable& k, In in, TileFn& fn) { return unary_with(UnaryKind::clip, 0, 6, k, in, fn); }
void Relu6::run(const Relu6& a, Views in, Views out, Context& c) { run_tile(a, in, out, c); }
void Relu6::grad(const Relu6&, GradCtx& c) {
  if (!c.needs(0)) return;
  const Tensor y = c.out();
  c.dx(0, relu_grad(y, c.dy()) * cast(less(y, scalar(6, y)), {.dtype = y.dtype()}));
}

// y = x where x > 0, else alpha x
void Prelu::infer(const Prelu&, In in, Types& out) {
  require_float(name, "x", in[0]);
  const Shape s = broadcast_shapes(name, in[0].shape, in[1].shape);
  if (!(s == in[0].shape)) {
    raise<ShapeError>(name, ": alpha of shape ", in[1].shape, " does not broadcast to the shape ", in[0].shape, " of x.");
  }
  out.push_back(in[0]);
}
void Prelu::run(const Prelu&, Views in, Views out, Context& c) {
  const ElementwiseTable& t = c.kernels.elementwise;
  const View &x = in[0], &y = out[0];
  View zero{{x.dtype, {}}};
  double nothing = 0;
  zero.data = &nothing;
  View positive{{DType::boolean, x.shape}};
  positive.set_contiguous_strides();
  positive.data = c.scratch(x.count());
  apply_binary(binary_fn(t, BinaryKind::greater, x.dtype), x, zero, positive);
  apply_binary(binary_fn(t, BinaryKind::mul, x.dtype), x, in[1], y);
  apply_where(t, positive, x, y, y);
}
void Prelu::grad(const Prelu&, GradCtx& c) {
  const Tensor x = c.in(0), alpha = c.in(1), &dy = c.dy();
  const Tensor positive = greater(x, scalar(0, x));
  if (c.needs(0)) c.dx(0, where(positive, dy, dy * alpha));
  if (c.needs(1)) c.dx(1, unbroadcast(where(positive, scalar(0, x), dy * x), alpha.shape()));
}

// ---- fused gradients ----

void activation_grad_infer(std::string_view name, In in, Types& out) {
  require_float(name, "saved", in[0]);
  require_same_dtype(name, "saved", in[0], "dy", in[1]);
  require_same_shape(name, "saved", in[0], "dy", in[1]);
  out.push_back(in[0]);
}

bool activation_grad_tile(BinaryKind kind, double a, double b, const KernelTable& k, In in, TileFn& fn) {
  fn.binary = binary_fn(k.elementwise, kind, in[0].dtype);
  fn.params[0] = a, fn.params[1] = b;
  return fn.binary != nullptr;
}

void activation_grad_run(BinaryKind kind, double a, double b, Views in, Views out, Context& c) {
  TileFn fn;
  activation_grad_tile(kind, a, b, c.kernels, In{in.views, in.n}, fn);
  apply_binary(fn.binary, in[0], in[1], out[0], fn.params);
}

namespace {

// d/ds of the kernel (s, dy) -> dy f(s), without the factors dy and g: f'(s). Undefined when f is piecewise constant.
Tensor slope_of_grad(BinaryKind kind, double a, const Tensor& s) {
  auto below = [&](double scale) { return where(greater(s, scalar(0, s)), scalar(0, s), exp(minimum(s, scalar(0, s))) * scale); };
  switch (kind) {
    case BinaryKind::elu_grad: return below(a);
    case BinaryKind::selu_grad: return below(1.0507009873554805 * 1.6732632423543772);
    case BinaryKind::sigmoid_grad: return 1.0 - s * 2.0;  // s is y
    case BinaryKind::tanh_grad: return s * -2.0;          // s is y
    case BinaryKind::softplus_grad: {
      const Tensor y = sigmoid(s);
      return y * (1.0 - y);
    }
    case BinaryKind::softsign_grad: {
      const Tensor r = reciprocal(abs(s) + 1.0);
      return sign(s) * (square(r) * r) * -2.0;
    }
    case BinaryKind::silu_grad: {  // f = y + x beta y (1 - y), y = sigmoid(beta x)
      const Tensor y = sigmoid(s * a);
      return y * (1.0 - y) * ((1.0 - y * 2.0) * s * a + 2.0) * a;
    }
    case BinaryKind::gelu_grad:  // f = Phi + x phi
      return exp(square(s) * -0.5) * (2.0 - square(s)) * 0.398942280401432677939946;
    case BinaryKind::gelu_tanh_grad: {  // f = (1 + t)/2 + x/2 (1 - t^2) u',  t = tanh u,  u = k (x + c x^3)
      constexpr double k = 0.797884560802865355880, cubic = 0.044715;
      const Tensor x2 = square(s), t = tanh((x2 * cubic + 1.0) * s * k), q = 1.0 - square(t);
      const Tensor u1 = (x2 * (3 * cubic) + 1.0) * k, u2 = s * (6 * cubic * k);
      return q * (u1 + s * 0.5 * (u2 - t * square(u1) * 2.0));
    }
    case BinaryKind::mish_grad: {  // f = t + x y (1 - t^2),  t = tanh(softplus x),  y = sigmoid x
      const Tensor y = sigmoid(s), t = tanh(softplus(s));
      return (1.0 - square(t)) * y * (s * ((1.0 - y) - y * t * 2.0) + 2.0);
    }
    default: return {};  // relu, leaky_relu, hard_sigmoid, clip, abs
  }
}

}  // namespace

void activation_grad_grad(BinaryKind kind, double a, const OpDef& def, const void* attrs, GradCtx& c) {
  const Tensor &g = c.dy(), s = c.in(0);
  if (c.needs(1)) {  // linear in dy: the same kernel on g
    const Tensor in[] = {s, g};
    c.dx(1, apply_one(def, attrs, in));
  }
  if (!c.needs(0)) return;
  const Tensor slope = slope_of_grad(kind, a, s);
  c.dx(0, slope.defined() ? c.in(1) * g * slope : zeros_of(s.view()));
}

// ---- softmax ----

void softmax_infer(std::string_view name, Dim axis, In in, Types& out) {
  const char* arg = in.size() == 2 ? "y" : "x";
  require_float(name, arg, in[0]);
  if (in[0].shape.rank() == 0) raise<ShapeError>(name, ": ", arg, " has rank 0. It needs at least one axis.");
  if (in.size() == 2) {
    require_same_dtype(name, "y", in[0], "dy", in[1]);
    require_same_shape(name, "y", in[0], "dy", in[1]);
  }
  normalize_axis(name, axis, in[0].shape.rank());
  out.push_back(in[0]);
}

namespace {

// [outer, n, inner] around the axis.
template <class Args>
Args around(std::string_view name, Dim axis, const Shape& shape) {
  const int k = normalize_axis(name, axis, shape.rank());
  Args a;
  a.outer = a.inner = 1;
  for (int i = 0; i < k; ++i) a.outer *= shape[i];
  for (int i = k + 1; i < shape.rank(); ++i) a.inner *= shape[i];
  a.n = shape[k];
  return a;
}

void softmax_run(SoftmaxFn fn, std::string_view name, Dim axis, Views in, Views out) {
  auto args = around<SoftmaxArgs>(name, axis, in[0].shape);
  args.x = in[0].data;
  args.y = out[0].data;
  fn(args);
}

void softmax_grad_run(SoftmaxGradFn fn, std::string_view name, Dim axis, Views in, Views out) {
  auto args = around<SoftmaxGradArgs>(name, axis, in[0].shape);
  args.y = in[0].data;
  args.dy = in[1].data;
  args.dx = out[0].data;
  fn(args);
}

Tensor sum_along(const Tensor& x, Dim axis) { return sum(x, {.axis = Axes(axis), .keepdims = true}); }

}  // namespace

void Softmax::infer(const Softmax& a, In in, Types& out) { softmax_infer(name, a.axis, in, out); }
void Softmax::run(const Softmax& a, Views in, Views out, Context& c) {
  softmax_run(c.kernels.softmax.softmax[static_cast<int>(in[0].dtype)], name, a.axis, in, out);
}
void Softmax::grad(const Softmax& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, softmax_grad(c.out(), c.dy(), {.axis = a.axis}));
}

void LogSoftmax::infer(const LogSoftmax& a, In in, Types& out) { softmax_infer(name, a.axis, in, out); }
void LogSoftmax::run(const LogSoftmax& a, Views in, Views out, Context& c) {
  softmax_run(c.kernels.softmax.log_softmax[static_cast<int>(in[0].dtype)], name, a.axis, in, out);
}
void LogSoftmax::grad(const LogSoftmax& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, log_softmax_grad(c.out(), c.dy(), {.axis = a.axis}));
}

// dx = y (dy - s), s = sum y dy.  Given g: ddy = y (g - sum y g),  dy_saved = g (dy - s) - dy sum g y
void SoftmaxGrad::infer(const SoftmaxGrad& a, In in, Types& out) { softmax_infer(name, a.axis, in, out); }
void SoftmaxGrad::run(const SoftmaxGrad& a, Views in, Views out, Context& c) {
  softmax_grad_run(c.kernels.softmax.softmax_grad[static_cast<int>(in[0].dtype)], name, a.axis, in, out);
}
void SoftmaxGrad::grad(const SoftmaxGrad& a, GradCtx& c) {
  const Tensor y = c.in(0), dy = c.in(1), &g = c.dy();
  if (c.needs(0)) c.dx(0, g * (dy - sum_along(y * dy, a.axis)) - dy * sum_along(g * y, a.axis));
  if (c.needs(1)) c.dx(1, softmax_grad(y, g, {.axis = a.axis}));
}

// dx = dy - e^y s, s = sum dy.  Given g: ddy = g - sum g e^y,  dy_saved = -g e^y s
void LogSoftmaxGrad::infer(const LogSoftmaxGrad& a, In in, Types& out) { softmax_infer(name, a.axis, in, out); }
void LogSoftmaxGrad::run(const LogSoftmaxGrad& a, Views in, Views out, Context& c) {
  softmax_grad_run(c.kernels.softmax.log_softmax_grad[static_cast<int>(in[0].dtype)], name, a.axis, in, out);
}
void LogSoftmaxGrad::grad(const LogSoftmaxGrad& a, GradCtx& c) {
  const Tensor dy = c.in(1), p = exp(c.in(0)), &g = c.dy();
  if (c.needs(0)) c.dx(0, -(g * p * sum_along(dy, a.axis)));
  if (c.needs(1)) c.dx(1, g - sum_along(g * p, a.axis));
}

}  // namespace op

NACRE_DEFINE_OP(LeakyRelu)
NACRE_DEFINE_OP(Elu)
NACRE_DEFINE_OP(Silu)
NACRE_DEFINE_OP(Gelu)
NACRE_DEFINE_OP(Relu6)
NACRE_DEFINE_OP(Prelu)
NACRE_DEFINE_OP(ReluGrad)
NACRE_DEFINE_OP(LeakyReluGrad)
NACRE_DEFINE_OP(EluGrad)
NACRE_DEFINE_OP(SeluGrad)
NACRE_DEFINE_OP(SigmoidGrad)
NACRE_DEFINE_OP(TanhGrad)
NACRE_DEFINE_OP(SoftplusGrad)
NACRE_DEFINE_OP(SoftsignGrad)
NACRE_DEFINE_OP(SiluGrad)
NACRE_DEFINE_OP(GeluGrad)
NACRE_DEFINE_OP(GeluTanhGrad)
NACRE_DEFINE_OP(HardSigmoidGrad)
NACRE_DEFINE_OP(MishGrad)
NACRE_DEFINE_OP(ClipGrad)
NACRE_DEFINE_OP(AbsGrad)
NACRE_DEFINE_OP(Softmax)
NACRE_DEFINE_OP(LogSoftmax)
NACRE_DEFINE_OP(SoftmaxGrad)
NACRE_DEFINE_OP(LogSoftmaxGrad)

}  // namespace nacre
