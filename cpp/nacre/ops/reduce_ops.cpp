// Reductions: which axes, output types, kernel calls, gradients.
//
// Gradients first bring dy (and y) back beside x: reshape to the shape with reduced axes kept as 1, then broadcast, which copies nothing.
#include <limits>

#include "nacre/kernels/elementwise_drive.h"
#include "nacre/ops/reference.h"
#include "nacre/ops/rules.h"

namespace nacre {

namespace op {

namespace {

constexpr Dim kMaxPosition = std::numeric_limits<std::int32_t>::max();

// Bit i: axis i is reduced.
std::uint32_t axes_mask(std::string_view name, const Axes& axes, int rank) {
  if (axes.all) return (1u << rank) - 1u;
  std::uint32_t mask = 0;
  for (Dim axis : axes.list) {
    const std::uint32_t bit = 1u << normalize_axis(name, axis, rank);
    if (mask & bit) raise<ValueError>(name, ": axis ", axis, " is given twice in ", axes.list, ".");
    mask |= bit;
  }
  return mask;
}

Shape reduced_shape(const Shape& x, std::uint32_t mask, bool keepdims) {
  Shape s;
  for (int i = 0; i < x.rank(); ++i) {
    if (!(mask >> i & 1))
      s.push_back(x[i]);
    else if (keepdims)
      s.push_back(1);
  }
  return s;
}

Dim reduced_count(const Shape& x, std::uint32_t mask) {
  Dim n = 1;
  for (int i = 0; i < x.rank(); ++i) {
    if (mask >> i & 1) n *= x[i];
  }
  return n;
}

// bool and small integers are summed into int32, int64 stays, floats stay.
DType sum_dtype(DType t) { return is_float(t) || t == DType::int64 ? t : DType::int32; }

ReduceArgs reduce_args(const View& x, std::uint32_t mask, void* y, double correction = 0) {
  ReduceArgs args;
  args.x = x.data;
  args.y = y;
  args.rank = x.shape.rank();
  for (int i = 0; i < args.rank; ++i) {
    args.sizes[i] = x.shape[i];
    args.strides[i] = x.strides[i];
  }
  args.axes = mask;
  args.correction = correction;
  return args;
}

// One kernel call; y is contiguous and may have size-1 axes where x is reduced.
void reduce_into(ReduceKind kind, const View& x, std::uint32_t mask, void* y, Context& c, double correction = 0) {
  ReduceArgs args = reduce_args(x, mask, y, correction);
  args.before = c.hooks.before;
  const ReduceTable& t = c.kernels.reduce;
  void* scratch = c.scratch(t.reduce_scratch(kind, x.dtype, args));
  t.reduce[static_cast<int>(kind)][static_cast<int>(x.dtype)](args, scratch);
}

// Sums over the leading axes of floats can take them tile by tile.
TileSides sum_sides(const Type& x, std::uint32_t mask) {
  bool kept = false, leading = is_float(x.dtype);
  Dim bytes = size_of(x.dtype);  // of a row of the axes kept
  for (int i = 0; i < x.shape.rank(); ++i) {
    const bool reduced = mask >> i & 1;
    if (x.shape[i] != 1) leading = leading && !(reduced && kept), kept = kept || !reduced;
    if (!reduced) bytes *= x.shape[i];
  }
  return leading && bytes <= kHookedColumns ? TileSides{.before = 0} : TileSides{};
}

// A plan's call for the kinds whose kernel writes the result's dtype.
bool prepare_reduce(ReduceKind kind, const View& x, std::uint32_t mask, const View& y, CallBuilder& calls) {
  if (!is_float(x.dtype)) return false;
  struct Call {
    ReduceArgs args;
    ReduceFn fn;
    Dim scratch;
  };
  const ReduceTable& t = calls.kernels.reduce;
  Call call{reduce_args(x, mask, y.data), t.reduce[static_cast<int>(kind)][static_cast<int>(x.dtype)], 0};
  call.args.before = calls.hooks.before;
  call.scratch = t.reduce_scratch(kind, x.dtype, call.args);
  calls.emit(call,
             [](const Call& ready, Context& c) { ready.fn(ready.args, ready.scratch > 0 ? c.scratch(ready.scratch) : nullptr); });
  return true;
}

// The same for kernels that write int64 where the op's result is narrower.
void reduce_int64_into(ReduceKind kind, const View& x, std::uint32_t mask, const View& y, Context& c) {
  if (y.dtype == DType::int64) return reduce_into(kind, x, mask, y.data, c);
  View wide{{DType::int64, y.shape}};
  wide.set_contiguous_strides();
  wide.data = c.scratch(y.count() * size_of(DType::int64));
  reduce_into(kind, x, mask, wide.data, c);
  apply_cast(c.kernels.elementwise, wide, y);
}

// A reduced tensor beside x: reduced axes come back by broadcasting.
Tensor beside(const Tensor& g, std::uint32_t mask, const Shape& x) {
  const Shape kept = reduced_shape(x, mask, true);
  const Tensor r = g.shape() == kept ? g : reshape(g, {.newshape = kept});
  return kept == x ? r : broadcast_to(r, {.shape = x});
}

// [begin, begin + size) along one axis, a view.
Tensor part(const Tensor& x, int axis, Dim begin, Dim size) {
  IntList begins, sizes, steps;
  for (int i = 0; i < x.rank(); ++i) {
    begins.push_back(i == axis ? begin : 0);
    sizes.push_back(i == axis ? size : x.shape()[i]);
    steps.push_back(1);
  }
  return slice_view(x, {.begin = begins, .size = sizes, .step = steps});
}

// x [rows, n] -> prod_(j != i) x_ij, by a tree of products (n log n multiplications at most, no division).
Tensor products_of_others(const Tensor& x) {
  const Dim n = x.shape()[1];
  if (n <= 1) return full({.shape = x.shape(), .value = 1.0, .dtype = x.dtype()});
  const Dim h = n / 2;
  const Tensor a = part(x, 1, 0, h), b = part(x, 1, h, h);
  const bool odd = n % 2;
  Tensor pairs = a * b;
  if (odd) pairs = concatenate({pairs, part(x, 1, n - 1, 1)}, {.axis = 1});
  const Tensor others = products_of_others(pairs);
  const Tensor of_pairs = odd ? part(others, 1, 0, h) : others;
  if (!odd) return concatenate({of_pairs * b, of_pairs * a}, {.axis = 1});
  return concatenate({of_pairs * b, of_pairs * a, part(others, 1, h, 1)}, {.axis = 1});
}

Tensor prod_dx(const Tensor& x, const Tensor& dy, std::uint32_t mask) {
  const Shape& shape = x.shape();
  IntList order, back;  // reduced axes to the end, and back
  for (int reduced = 0; reduced < 2; ++reduced) {
    for (int i = 0; i < shape.rank(); ++i) {
      if (static_cast<int>(mask >> i & 1) == reduced) order.push_back(i);
    }
  }
  for (int i = 0; i < shape.rank(); ++i) {
    for (int j = 0; j < shape.rank(); ++j) {
      if (order[j] == i) back.push_back(j);
    }
  }
  const Tensor moved = transpose(x, {.axes = Axes(order)});
  const Dim n = reduced_count(shape, mask), rows = reduced_shape(shape, mask, false).count();
  const Tensor others = products_of_others(reshape(moved, {.newshape = {rows, n}}));
  const Tensor slope = transpose(reshape(others, {.newshape = moved.shape()}), {.axes = Axes(back)});
  return slope * beside(dy, mask, shape);
}

// 1/y, and 0 where y = 0, in a form whose own gradient is finite there.
Tensor inverse_or_zero(const Tensor& y) {
  const Tensor zero = equal(y, scalar(0, y));
  return where(zero, scalar(0, y), reciprocal(where(zero, scalar(1, y), y)));
}

bool needs_elements(Reduction kind) {
  return kind == Reduction::max || kind == Reduction::min || kind == Reduction::argmax || kind == Reduction::argmin;
}

}  // namespace

void reduction_infer(Reduction kind, const Axes& axis, bool keepdims, In in, Types& out) {
  const std::string_view name = reduction_info(kind).name;
  const Type& x = in[0];
  refuse_storage_only(name, "x", x.dtype);
  const std::uint32_t mask = axes_mask(name, axis, x.shape.rank());
  const Dim n = reduced_count(x.shape, mask);
  if (needs_elements(kind) && n == 0)
    raise<ValueError>(name, ": x of shape ", x.shape, " has nothing to reduce over. At least one element is needed.");
  if ((kind == Reduction::argmax || kind == Reduction::argmin) && n > kMaxPosition) {
    raise<ValueError>(name, ": x of shape ", x.shape, " is reduced over ", n, " elements, but positions are int32: at most ",
                      kMaxPosition, ".");
  }
  DType t = x.dtype;
  switch (kind) {
    case Reduction::sum:
    case Reduction::prod: t = sum_dtype(t); break;
    case Reduction::any:
    case Reduction::all: t = DType::boolean; break;
    case Reduction::argmax:
    case Reduction::argmin:
    case Reduction::count_nonzero: t = DType::int32; break;
    default: break;
  }
  out.push_back({t, reduced_shape(x.shape, mask, keepdims)});
}

TileSides reduction_sides(const Axes& axis, In in) { return sum_sides(in[0], axes_mask("reduce", axis, in[0].shape.rank())); }

bool reduction_prepare(Reduction kind, const Axes& axis, Views in, Views out, CallBuilder& calls) {
  const std::uint32_t mask = axes_mask("reduce", axis, in[0].shape.rank());
  if (kind == Reduction::sum) return prepare_reduce(ReduceKind::sum, in[0], mask, out[0], calls);
  return kind == Reduction::mean && prepare_reduce(ReduceKind::mean, in[0], mask, out[0], calls);
}

void reduction_run(Reduction kind, const Axes& axis, Views in, Views out, Context& c) {
  const View &x = in[0], &y = out[0];
  const std::uint32_t mask = axes_mask("reduce", axis, x.shape.rank());
  const bool wide = !is_float(x.dtype);  // the sum and prod kernels write int64 for integers
  switch (kind) {
    case Reduction::sum:
      return wide ? reduce_int64_into(ReduceKind::sum, x, mask, y, c) : reduce_into(ReduceKind::sum, x, mask, y.data, c);
    case Reduction::prod:
      return wide ? reduce_int64_into(ReduceKind::prod, x, mask, y, c) : reduce_into(ReduceKind::prod, x, mask, y.data, c);
    case Reduction::mean: return reduce_into(ReduceKind::mean, x, mask, y.data, c);
    case Reduction::max: return reduce_into(ReduceKind::max, x, mask, y.data, c);
    case Reduction::min: return reduce_into(ReduceKind::min, x, mask, y.data, c);
    case Reduction::any: return reduce_into(ReduceKind::any, x, mask, y.data, c);
    case Reduction::all: return reduce_into(ReduceKind::all, x, mask, y.data, c);
    case Reduction::logsumexp: return reduce_into(ReduceKind::logsumexp, x, mask, y.data, c);
    case Reduction::argmax: return reduce_int64_into(ReduceKind::argmax, x, mask, y, c);
    case Reduction::argmin: return reduce_int64_into(ReduceKind::argmin, x, mask, y, c);
    case Reduction::norm:
      reduce_into(ReduceKind::sum_sq, x, mask, y.data, c);
      return apply_unary(unary_fn(c.kernels.elementwise, UnaryKind::sqrt, y.dtype), y, y);
    case Reduction::count_nonzero: {
      View flags{{DType::boolean, x.shape}};
      flags.set_contiguous_strides();
      flags.data = c.scratch(x.count());
      apply_cast(c.kernels.elementwise, x, flags);
      return reduce_int64_into(ReduceKind::sum, flags, mask, y, c);
    }
  }
}

void reduction_grad(Reduction kind, const Axes& axis, GradCtx& c) {
  if (!c.needs(0)) return;
  const Shape& shape = c.in_type(0).shape;
  const Tensor& dy = c.dy();
  const std::uint32_t mask = axes_mask(reduction_info(kind).name, axis, shape.rank());
  const Dim n = reduced_count(shape, mask);
  switch (kind) {
    case Reduction::sum: return c.dx(0, beside(dy, mask, shape));
    case Reduction::mean: return c.dx(0, beside(dy * (1.0 / static_cast<double>(n)), mask, shape));
    case Reduction::max:
    case Reduction::min: {
      const Tensor hit = cast(equal(c.in(0), beside(c.out(), mask, shape)), {.dtype = dy.dtype()});
      const Tensor hits = reshape(sum(hit, {.axis = axis, .keepdims = true}), {.newshape = dy.shape()});
      return c.dx(0, hit * beside(dy / hits, mask, shape));
    }
    case Reduction::prod: return c.dx(0, prod_dx(c.in(0), dy, mask));
    case Reduction::logsumexp: return c.dx(0, exp(c.in(0) - beside(c.out(), mask, shape)) * beside(dy, mask, shape));
    case Reduction::norm: return c.dx(0, c.in(0) * beside(dy * inverse_or_zero(c.out()), mask, shape));
    default: return;  // the others say not_differentiable
  }
}

// ---- var, std ----

namespace {

void spread_infer(std::string_view name, const Axes& axis, bool keepdims, double correction, In in, Types& out) {
  require_float(name, "x", in[0]);
  require_finite(name, "correction", correction);
  out.push_back({in[0].dtype, reduced_shape(in[0].shape, axes_mask(name, axis, in[0].shape.rank()), keepdims)});
}

// x - mean(x), beside x.
Tensor centred(const Tensor& x, const Axes& axis) { return x - mean(x, {.axis = axis, .keepdims = true}); }

// 1 / (n - correction), NaN when that is not positive, as the value is.
double inverse_count(const Shape& x, std::uint32_t mask, double correction) {
  const double d = static_cast<double>(reduced_count(x, mask)) - correction;
  return d > 0 ? 1.0 / d : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

// y = sum (x - m)^2 / (n - c)
void Var::infer(const Var& a, In in, Types& out) { spread_infer(name, a.axis, a.keepdims, a.correction, in, out); }
void Var::run(const Var& a, Views in, Views out, Context& c) {
  reduce_into(ReduceKind::var, in[0], axes_mask(name, a.axis, in[0].shape.rank()), out[0].data, c, a.correction);
}
// dx = 2 dy (x - m) / (n - c)
void Var::grad(const Var& a, GradCtx& c) {
  if (!c.needs(0)) return;
  const Tensor x = c.in(0);
  const std::uint32_t mask = axes_mask(name, a.axis, x.rank());
  c.dx(0, centred(x, a.axis) * beside(c.dy() * (2 * inverse_count(x.shape(), mask, a.correction)), mask, x.shape()));
}

// y = sqrt(var)
void Std::infer(const Std& a, In in, Types& out) { spread_infer(name, a.axis, a.keepdims, a.correction, in, out); }
void Std::run(const Std& a, Views in, Views out, Context& c) {
  reduce_into(ReduceKind::var, in[0], axes_mask(name, a.axis, in[0].shape.rank()), out[0].data, c, a.correction);
  apply_unary(unary_fn(c.kernels.elementwise, UnaryKind::sqrt, out[0].dtype), out[0], out[0]);
}
// dx = dy (x - m) / ((n - c) y), 0 where y = 0
void Std::grad(const Std& a, GradCtx& c) {
  if (!c.needs(0)) return;
  const Tensor x = c.in(0);
  const std::uint32_t mask = axes_mask(name, a.axis, x.rank());
  const Tensor scale = c.dy() * inverse_or_zero(c.out()) * inverse_count(x.shape(), mask, a.correction);
  c.dx(0, centred(x, a.axis) * beside(scale, mask, x.shape()));
}

// ---- running sums and products ----

namespace {

void scan_infer(std::string_view name, const Axes& axis, In in, Types& out) {
  const Type& x = in[0];
  refuse_storage_only(name, "x", x.dtype);
  const DType t = sum_dtype(x.dtype);
  if (axis.all) return out.push_back({t, {x.shape.count()}});
  if (axis.list.size() != 1) raise<ValueError>(name, ": axis must be one axis or None, got ", axis.list, ".");
  normalize_axis(name, axis.list[0], x.shape.rank());
  out.push_back({t, x.shape});
}

void scan_run(const ScanFn* table, const Axes& axis, bool reverse, bool exclusive, Views in, Views out, Context& c) {
  const View &x = in[0], &y = out[0];
  ScanArgs args;
  args.outer = args.inner = 1;
  args.n = x.count();
  if (!axis.all) {
    const int k = normalize_axis("scan", axis.list[0], x.shape.rank());
    for (int i = 0; i < k; ++i) args.outer *= x.shape[i];
    for (int i = k + 1; i < x.shape.rank(); ++i) args.inner *= x.shape[i];
    args.n = x.shape[k];
  }
  args.x = x.data;
  args.y = y.data;
  args.reverse = reverse;
  args.exclusive = exclusive;
  if (x.dtype != y.dtype) {  // widened first, then scanned in place
    View same_shape = y;
    same_shape.shape = x.shape;
    same_shape.set_contiguous_strides();
    apply_cast(c.kernels.elementwise, x, same_shape);
    args.x = y.data;
  }
  table[static_cast<int>(y.dtype)](args);
}

// y_i = prod_(j <= i) x_j in log2(n) products of shifted tensors: what the gradient of cumprod is taken through.
Tensor cumprod_reference(const Tensor& input, const Cumprod& a) {
  Tensor x = a.axis.all ? reshape(input, {.newshape = {input.count()}}) : input;
  const int k = a.axis.all ? 0 : normalize_axis(Cumprod::name, a.axis.list[0], x.rank());
  const Dim n = x.shape()[k];
  auto shifted = [&](const Tensor& t, Dim by) {
    Shape ones = t.shape();
    ones[k] = by;
    return concatenate({full({.shape = ones, .value = 1.0, .dtype = t.dtype()}), part(t, k, 0, n - by)}, {.axis = k});
  };
  if (a.reverse) x = flip(x, {.axis = Axes(k)});
  if (a.exclusive && n > 0) x = shifted(x, 1);
  for (Dim by = 1; by < n; by *= 2) x = x * shifted(x, by);
  return a.reverse ? flip(x, {.axis = Axes(k)}) : x;
}

}  // namespace

// y_i = sum_(j <= i) x_j;  dx_j = sum_(i >= j) dy_i
void Cumsum::infer(const Cumsum& a, In in, Types& out) { scan_infer(name, a.axis, in, out); }
void Cumsum::run(const Cumsum& a, Views in, Views out, Context& c) {
  scan_run(c.kernels.reduce.cumsum, a.axis, a.reverse, a.exclusive, in, out, c);
}
void Cumsum::grad(const Cumsum& a, GradCtx& c) {
  if (!c.needs(0)) return;
  const Tensor g = cumsum(c.dy(), {.axis = a.axis, .reverse = !a.reverse, .exclusive = a.exclusive});
  const Shape& shape = c.in_type(0).shape;
  c.dx(0, g.shape() == shape ? g : reshape(g, {.newshape = shape}));
}

void Cumprod::infer(const Cumprod& a, In in, Types& out) { scan_infer(name, a.axis, in, out); }
void Cumprod::run(const Cumprod& a, Views in, Views out, Context& c) {
  scan_run(c.kernels.reduce.cumprod, a.axis, a.reverse, a.exclusive, in, out, c);
}
void Cumprod::grad(const Cumprod& a, GradCtx& c) {
  grad_by_reference(c, [&a](std::span<const Tensor> in) { return std::vector<Tensor>{cumprod_reference(in[0], a)}; });
}

// ---- sum_to ----

namespace {

// Axes of x that the target shape lacks or has as 1.
std::uint32_t sum_to_mask(const Shape& x, const IntList& target) {
  std::uint32_t mask = 0;
  const int lead = x.rank() - target.size();
  for (int i = 0; i < x.rank(); ++i) {
    if (i < lead || (target[i - lead] == 1 && x[i] != 1)) mask |= 1u << i;
  }
  return mask;
}

}  // namespace

void SumTo::infer(const SumTo& a, In in, Types& out) {
  const Type& x = in[0];
  require_number(name, "x", x);
  bool fits = a.shape.size() <= x.shape.rank();
  for (int i = 0; fits && i < a.shape.size(); ++i) {
    const Dim own = x.shape[x.shape.rank() - a.shape.size() + i];
    fits = a.shape[i] == own || a.shape[i] == 1;
  }
  if (!fits) raise<ShapeError>(name, ": shape ", a.shape, " does not broadcast to the shape ", x.shape, " of x.");
  out.push_back({x.dtype, a.shape.shape()});
}
bool SumTo::prepare(const SumTo& a, Views in, Views out, CallBuilder& calls) {
  return prepare_reduce(ReduceKind::sum, in[0], sum_to_mask(in[0].shape, a.shape), out[0], calls);
}
TileSides SumTo::sides(const SumTo& a, In in) { return sum_sides(in[0], sum_to_mask(in[0].shape, a.shape)); }
void SumTo::run(const SumTo& a, Views in, Views out, Context& c) {
  const View &x = in[0], &y = out[0];
  const std::uint32_t mask = sum_to_mask(x.shape, a.shape);
  if (is_float(x.dtype)) return reduce_into(ReduceKind::sum, x, mask, y.data, c);
  reduce_int64_into(ReduceKind::sum, x, mask, y, c);
}
void SumTo::grad(const SumTo&, GradCtx& c) {
  if (c.needs(0)) c.dx(0, broadcast_to(c.dy(), {.shape = c.in_type(0).shape}));
}

}  // namespace op

NACRE_DEFINE_OP(Sum)
NACRE_DEFINE_OP(Mean)
NACRE_DEFINE_OP(Max)
NACRE_DEFINE_OP(Min)
NACRE_DEFINE_OP(Prod)
NACRE_DEFINE_OP(Any)
NACRE_DEFINE_OP(All)
NACRE_DEFINE_OP(Argmax)
NACRE_DEFINE_OP(Argmin)
NACRE_DEFINE_OP(LogSumExp)
NACRE_DEFINE_OP(Norm)
NACRE_DEFINE_OP(CountNonzero)
NACRE_DEFINE_OP(Var)
NACRE_DEFINE_OP(Std)
NACRE_DEFINE_OP(Cumsum)
NACRE_DEFINE_OP(Cumprod)
NACRE_DEFINE_OP(SumTo)

}  // namespace nacre
