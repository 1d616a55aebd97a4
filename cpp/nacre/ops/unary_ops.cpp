// Elementwise functions of one tensor: shape rule, kernel choice, gradients.
#include "nacre/kernels/elementwise_drive.h"
#include "nacre/ops/rules.h"

namespace nacre {

namespace op {

void unary_infer(const UnaryInfo& info, In in, Types& out) {
  const Type& x = in[0];
  refuse_storage_only(info.name, "x", x.dtype);
  if (info.rule == UnaryRule::number) require_number(info.name, "x", x);
  out.push_back({writes_bool(info.kind) ? DType::boolean : x.dtype, x.shape});
}

void unary_run(UnaryKind kind, Views in, Views out, Context& c) {
  const ElementwiseTable& t = c.kernels.elementwise;
  const View &x = in[0], &y = out[0];
  if (unary_info(kind).rule == UnaryRule::rounding && !is_float(x.dtype)) return apply_copy(t, x, y);
  apply_unary(unary_fn(t, kind, x.dtype), x, y);
}

bool unary_tile(UnaryKind kind, const KernelTable& k, In in, TileFn& fn) {
  if (unary_info(kind).rule == UnaryRule::rounding && !is_float(in[0].dtype)) return false;
  fn.unary = unary_fn(k.elementwise, kind, in[0].dtype);
  return fn.unary != nullptr;
}

// dx = dy f'(x), with f' in the form that reads least and stays accurate.
void unary_grad(UnaryKind kind, GradCtx& c) {
  if (!c.needs(0)) return;
  const Tensor& dy = c.dy();
  constexpr double kLn2 = 0.693147180559945309417, kLn10 = 2.302585092994045684018, kTwoOverSqrtPi = 1.128379167095512573896;
  switch (kind) {
    case UnaryKind::neg: return c.dx(0, -dy);
    case UnaryKind::abs: return c.dx(0, abs_grad(c.in(0), dy));
    case UnaryKind::square: return c.dx(0, dy * (c.in(0) * 2.0));
    case UnaryKind::sqrt: return c.dx(0, dy / (c.out() * 2.0));
    case UnaryKind::rsqrt: return c.dx(0, dy * (square(c.out()) * c.out() * -0.5));
    case UnaryKind::reciprocal: return c.dx(0, -dy * square(c.out()));
    case UnaryKind::exp: return c.dx(0, dy * c.out());
    case UnaryKind::expm1: return c.dx(0, dy * (c.out() + 1.0));
    case UnaryKind::log: return c.dx(0, dy / c.in(0));
    case UnaryKind::log1p: return c.dx(0, dy / (c.in(0) + 1.0));
    case UnaryKind::log2: return c.dx(0, dy / (c.in(0) * kLn2));
    case UnaryKind::log10: return c.dx(0, dy / (c.in(0) * kLn10));
    case UnaryKind::sin: return c.dx(0, dy * cos(c.in(0)));
    case UnaryKind::cos: return c.dx(0, -dy * sin(c.in(0)));
    case UnaryKind::tan: return c.dx(0, dy * (square(c.out()) + 1.0));
    case UnaryKind::asin: return c.dx(0, dy * rsqrt(1.0 - square(c.in(0))));
    case UnaryKind::acos: return c.dx(0, -dy * rsqrt(1.0 - square(c.in(0))));
    case UnaryKind::atan: return c.dx(0, dy / (square(c.in(0)) + 1.0));
    case UnaryKind::sinh: return c.dx(0, dy * cosh(c.in(0)));
    case UnaryKind::cosh: return c.dx(0, dy * sinh(c.in(0)));
    case UnaryKind::tanh: return c.dx(0, tanh_grad(c.out(), dy));
    case UnaryKind::erf: return c.dx(0, dy * (exp(-square(c.in(0))) * kTwoOverSqrtPi));
    case UnaryKind::sigmoid: return c.dx(0, sigmoid_grad(c.out(), dy));
    case UnaryKind::relu: return c.dx(0, relu_grad(c.out(), dy));
    case UnaryKind::selu: return c.dx(0, selu_grad(c.in(0), dy));
    case UnaryKind::softplus: return c.dx(0, softplus_grad(c.in(0), dy));
    case UnaryKind::softsign: return c.dx(0, softsign_grad(c.in(0), dy));
    case UnaryKind::hard_sigmoid: return c.dx(0, hard_sigmoid_grad(c.in(0), dy));
    case UnaryKind::mish: return c.dx(0, mish_grad(c.in(0), dy));
    default: return c.dx(0, zeros_of(c.in_type(0)));  // piecewise constant: sign, floor, ceil, round, trunc
  }
}

}  // namespace op

NACRE_DEFINE_OP(Negative)
NACRE_DEFINE_OP(Abs)
NACRE_DEFINE_OP(Sign)
NACRE_DEFINE_OP(Square)
NACRE_DEFINE_OP(Sqrt)
NACRE_DEFINE_OP(Rsqrt)
NACRE_DEFINE_OP(Reciprocal)
NACRE_DEFINE_OP(Exp)
NACRE_DEFINE_OP(Expm1)
NACRE_DEFINE_OP(Log)
NACRE_DEFINE_OP(Log1p)
NACRE_DEFINE_OP(Log2)
NACRE_DEFINE_OP(Log10)
NACRE_DEFINE_OP(Sin)
NACRE_DEFINE_OP(Cos)
NACRE_DEFINE_OP(Tan)
NACRE_DEFINE_OP(Arcsin)
NACRE_DEFINE_OP(Arccos)
NACRE_DEFINE_OP(Arctan)
NACRE_DEFINE_OP(Sinh)
NACRE_DEFINE_OP(Cosh)
NACRE_DEFINE_OP(Tanh)
NACRE_DEFINE_OP(Erf)
NACRE_DEFINE_OP(Floor)
NACRE_DEFINE_OP(Ceil)
NACRE_DEFINE_OP(Round)
NACRE_DEFINE_OP(Trunc)
NACRE_DEFINE_OP(IsNan)
NACRE_DEFINE_OP(IsInf)
NACRE_DEFINE_OP(IsFinite)
NACRE_DEFINE_OP(LogicalNot)
NACRE_DEFINE_OP(Sigmoid)
NACRE_DEFINE_OP(Relu)
NACRE_DEFINE_OP(Selu)
NACRE_DEFINE_OP(Softplus)
NACRE_DEFINE_OP(Softsign)
NACRE_DEFINE_OP(HardSigmoid)
NACRE_DEFINE_OP(Mish)

}  // namespace nacre
