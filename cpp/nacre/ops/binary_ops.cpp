// Elementwise functions of two tensors: shape rule, kernel choice, gradients.
#include "nacre/kernels/elementwise_drive.h"
#include "nacre/ops/rules.h"

namespace nacre {

namespace op {

void binary_infer(const BinaryInfo& info, In in, Types& out) {
  const Type &a = in[0], &b = in[1];
  for (int k = 0; k < 2; ++k) {
    const std::string_view arg = k == 0 ? "x1" : "x2";
    refuse_storage_only(info.name, arg, in[k].dtype);
    if (info.rule == BinaryRule::number) require_number(info.name, arg, in[k]);
  }
  out.push_back({writes_bool(info.kind) ? DType::boolean : a.dtype, broadcast_shapes(info.name, a.shape, b.shape)});
}

namespace {

// Element i (in row-major order of `shape`) of an integer tensor broadcast to that shape.
std::int64_t integer_at(const View& x, const Shape& shape, Dim i) {
  Dim offset = 0;
  for (int d = shape.rank() - 1; d >= 0; --d) {
    const Dim index = i % shape[d];
    i /= shape[d];
    const int own = d - (shape.rank() - x.shape.rank());
    if (own >= 0 && x.shape[own] != 1) offset += index * x.strides[own];
  }
  switch (x.dtype) {
    case DType::uint8: return x.as<std::uint8_t>()[offset];
    case DType::int8: return x.as<std::int8_t>()[offset];
    case DType::int32: return x.as<std::int32_t>()[offset];
    default: return x.as<std::int64_t>()[offset];
  }
}

// The kernel saw a divisor 0 or a negative exponent: finds the first one, for the message.
void report(std::uint32_t bits, const View& second, const Shape& shape, Status& status) {
  const Dim n = shape.count();
  for (Dim i = 0; i < n; ++i) {
    const std::int64_t v = integer_at(second, shape, i);
    if (bits & kZeroDivisor ? v != 0 : v >= 0) continue;
    status = {.code = bits & kZeroDivisor ? Status::division_by_zero : Status::bad_value, .position = i, .value = v, .limit = 0};
    return;
  }
}

// x^1 and x^2 with a float exponent of one element, as in x ** 2: a copy and a product, some 60 times faster than pow and exact.
bool easy_power(const View& a, const View& b, const View& y, Context& c) {
  if (!is_float(b.dtype) || b.count() != 1) return false;
  const double exponent = b.dtype == DType::float32 ? static_cast<double>(*b.as<float>()) : *b.as<double>();
  if (exponent != 1 && exponent != 2) return false;
  const ElementwiseTable& t = c.kernels.elementwise;
  if (exponent == 1)
    apply_copy(t, a, y);
  else
    apply_unary(unary_fn(t, UnaryKind::square, a.dtype), a, y);
  return true;
}

}  // namespace

void binary_run(BinaryKind kind, Views in, Views out, Context& c) {
  const View &a = in[0], &b = in[1], &y = out[0];
  if (kind == BinaryKind::power && easy_power(a, b, y, c)) return;
  if (a.dtype == DType::boolean && kind == BinaryKind::add) kind = BinaryKind::logical_or;
  if (a.dtype == DType::boolean && kind == BinaryKind::mul) kind = BinaryKind::logical_and;
  std::uint32_t status = 0;
  apply_binary(binary_fn(c.kernels.elementwise, kind, a.dtype), a, b, y, nullptr, &status);
  if (status) report(status, b, y.shape, c.status);
}

bool binary_tile(BinaryKind kind, const KernelTable& k, In in, TileFn& fn) {
  // Powers look at the values of the exponent, integer division and bool sums are special.
  if (kind == BinaryKind::power || !(is_float(in[0].dtype) || writes_bool(kind))) return false;
  fn.binary = binary_fn(k.elementwise, kind, in[0].dtype);
  return fn.binary != nullptr;
}

namespace {

// 1 where a > b, 1/2 where they are equal, 0 elsewhere: who takes the gradient of a maximum.
Tensor winner(const Tensor& a, const Tensor& b) {
  const DType t = a.dtype();
  return (cast(greater(a, b), {.dtype = t}) + cast(greater_equal(a, b), {.dtype = t})) * 0.5;
}

// dx1 of x1^x2: x2 x1^(x2-1), and 0 for 0^0, where that is 0 times infinity.
Tensor power_slope(const Tensor& a, const Tensor& b) {
  const Tensor both_zero = logical_and(equal(a, scalar(0, a)), equal(b, scalar(0, b)));
  return where(both_zero, scalar(0, a), b * power(a, b - 1.0));
}

}  // namespace

void binary_grad(BinaryKind kind, GradCtx& c) {
  const Tensor& dy = c.dy();
  auto give = [&](int k, const Tensor& g) { c.dx(k, unbroadcast(g, c.in_type(k).shape)); };
  const bool first = c.needs(0), second = c.needs(1);
  switch (kind) {
    case BinaryKind::add:
      if (first) give(0, dy);
      if (second) give(1, dy);
      return;
    case BinaryKind::sub:
      if (first) give(0, dy);
      if (second) give(1, -dy);
      return;
    case BinaryKind::mul:
      if (first) give(0, dy * c.in(1));
      if (second) give(1, dy * c.in(0));
      return;
    case BinaryKind::div: {
      const Tensor q = dy / c.in(1);
      if (first) give(0, q);
      if (second) give(1, -(q * c.out()));
      return;
    }
    case BinaryKind::mod:
      if (first) give(0, dy);
      if (second) give(1, -(dy * floor_divide(c.in(0), c.in(1))));
      return;
    case BinaryKind::power:
      if (first) give(0, dy * power_slope(c.in(0), c.in(1)));
      if (second) {
        const Tensor x = c.in(0), positive = greater(x, scalar(0, x));
        give(1, dy * c.out() * log(where(positive, x, scalar(1, x))));
      }
      return;
    case BinaryKind::minimum:
    case BinaryKind::maximum: {
      const bool max = kind == BinaryKind::maximum;
      const Tensor share = max ? winner(c.in(0), c.in(1)) : winner(c.in(1), c.in(0));
      if (first) give(0, dy * share);
      if (second) give(1, dy * (1.0 - share));
      return;
    }
    case BinaryKind::atan2: {
      const Tensor q = dy / (square(c.in(0)) + square(c.in(1)));
      if (first) give(0, q * c.in(1));
      if (second) give(1, -(q * c.in(0)));
      return;
    }
    case BinaryKind::squared_difference: {
      const Tensor g = dy * ((c.in(0) - c.in(1)) * 2.0);
      if (first) give(0, g);
      if (second) give(1, -g);
      return;
    }
    default:  // floor_divide is piecewise constant
      if (first) c.dx(0, zeros_of(c.in_type(0)));
      if (second) c.dx(1, zeros_of(c.in_type(1)));
  }
}

}  // namespace op

NACRE_DEFINE_OP(Add)
NACRE_DEFINE_OP(Subtract)
NACRE_DEFINE_OP(Multiply)
NACRE_DEFINE_OP(Divide)
NACRE_DEFINE_OP(FloorDivide)
NACRE_DEFINE_OP(Mod)
NACRE_DEFINE_OP(Power)
NACRE_DEFINE_OP(Minimum)
NACRE_DEFINE_OP(Maximum)
NACRE_DEFINE_OP(Arctan2)
NACRE_DEFINE_OP(SquaredDifference)
NACRE_DEFINE_OP(Equal)
NACRE_DEFINE_OP(NotEqual)
NACRE_DEFINE_OP(Less)
NACRE_DEFINE_OP(LessEqual)
NACRE_DEFINE_OP(Greater)
NACRE_DEFINE_OP(GreaterEqual)
NACRE_DEFINE_OP(LogicalAnd)
NACRE_DEFINE_OP(LogicalOr)
NACRE_DEFINE_OP(LogicalXor)

}  // namespace nacre
