// Reductions over axes (sum, mean, var, max, argmax, ...) and running sums and products. Formulas and docs of those whose only options are
// axis and keepdims stand in reduce.inc; gradients in reduce_ops.cpp.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

enum class Reduction : std::uint8_t { sum, mean, max, min, prod, any, all, argmax, argmin, logsumexp, norm, count_nonzero };

struct ReductionInfo {
  Reduction kind;
  Promote promote;
  unsigned save_in, save_out;
  bool differentiable;
  std::string_view name, doc;
};
inline constexpr ReductionInfo kReductionInfo[] = {
#include "nacre/ops/reduce.inc"
};
constexpr const ReductionInfo& reduction_info(Reduction kind) {
  for (const ReductionInfo& i : kReductionInfo) {
    if (i.kind == kind) return i;
  }
  throw "no such entry in reduce.inc";  // evaluated by the compiler only
}

void reduction_infer(Reduction kind, const Axes& axis, bool keepdims, In in, Types& out);
void reduction_run(Reduction kind, const Axes& axis, Views in, Views out, Context& c);
void reduction_grad(Reduction kind, const Axes& axis, GradCtx& c);
TileSides reduction_sides(const Axes& axis, In in);
bool reduction_prepare(Reduction kind, const Axes& axis, Views in, Views out, CallBuilder& calls);

template <Reduction K>
struct Reduce {
  Axes axis;
  bool keepdims = false;
  static constexpr const ReductionInfo& info = reduction_info(K);
  static constexpr std::string_view name = info.name, doc = info.doc;
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"axis", &Reduce::axis}, Field{"keepdims", &Reduce::keepdims}};
  static constexpr Promote promote = info.promote;
  static constexpr bool strided = true, save_types = true;
  static constexpr std::uint64_t save_in = info.save_in, save_out = info.save_out;
  static void infer(const Reduce& a, In in, Types& out) { reduction_infer(K, a.axis, a.keepdims, in, out); }
  static void run(const Reduce& a, Views in, Views out, Context& c) { reduction_run(K, a.axis, in, out, c); }
  static bool prepare(const Reduce& a, Views in, Views out, CallBuilder& calls) {
    return reduction_prepare(K, a.axis, in, out, calls);
  }
  static Cost cost(const Reduce&, In in, std::span<const Type> out) { return cost_of(count_of(in[0]), in, out); }
  static TileSides sides(const Reduce& a, In in) requires(K == Reduction::sum || K == Reduction::mean) {
    return reduction_sides(a.axis, in);
  }
  static void grad(const Reduce& a, GradCtx& c) requires(info.differentiable) { reduction_grad(K, a.axis, c); }
  static constexpr std::string_view not_differentiable = "the result is a position, a count or bool";
};
using Sum = Reduce<Reduction::sum>;
using Mean = Reduce<Reduction::mean>;
using Max = Reduce<Reduction::max>;
using Min = Reduce<Reduction::min>;
using Prod = Reduce<Reduction::prod>;
using Any = Reduce<Reduction::any>;
using All = Reduce<Reduction::all>;
using Argmax = Reduce<Reduction::argmax>;
using Argmin = Reduce<Reduction::argmin>;
using LogSumExp = Reduce<Reduction::logsumexp>;
using Norm = Reduce<Reduction::norm>;
using CountNonzero = Reduce<Reduction::count_nonzero>;

struct Var {
  Axes axis;
  bool keepdims = false;
  double correction = 0;
  static constexpr std::string_view name = "var", doc = R"(Variance over axes.

y = sum (x - m)^2 / (n - correction),  m = mean x;  dx = 2 dy (x - m) / (n - correction)
Taken in two passes, so a large mean costs no digits. NaN where n - correction <= 0, as over nothing.

Args:
    x: Any shape; integers and bool become floatx().
    axis: Axis or axes to reduce, each in [-rank, rank); default None, all.
    keepdims: Keep reduced axes with size 1; default False.
    correction: 0 (default) for the population, 1 for the unbiased estimate; finite.

Returns:
    Tensor without the reduced axes.

Raises:
    ValueError: An axis is out of range or given twice, or correction is not finite.

Example:
    >>> nc.var(nc.convert_to_tensor([1.0, 2.0, 3.0]), correction=1)  # 1

Reference: array API standard, var.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields =
      std::tuple{Field{"axis", &Var::axis}, Field{"keepdims", &Var::keepdims}, Field{"correction", &Var::correction}};
  static constexpr Promote promote = Promote::to_float;
  static constexpr bool strided = true;
  static constexpr std::uint64_t save_in = 1, save_out = 0;
  static void infer(const Var& a, In in, Types& out);
  static void run(const Var& a, Views in, Views out, Context& c);
  static Cost cost(const Var&, In in, std::span<const Type> out) { return cost_of(4 * count_of(in[0]), in, out); }
  static void grad(const Var& a, GradCtx& c);
};

struct Std {
  Axes axis;
  bool keepdims = false;
  double correction = 0;
  static constexpr std::string_view name = "std", doc = R"(Standard deviation over axes.

y = sqrt(var(x));  dx = dy (x - m) / ((n - correction) y), taken as 0 where y = 0
NaN where n - correction <= 0, as over nothing.

Args:
    x: Any shape; integers and bool become floatx().
    axis: Axis or axes to reduce, each in [-rank, rank); default None, all.
    keepdims: Keep reduced axes with size 1; default False.
    correction: 0 (default) for the population, 1 for the square root of the unbiased variance; finite.

Returns:
    Tensor without the reduced axes.

Raises:
    ValueError: An axis is out of range or given twice, or correction is not finite.

Example:
    >>> nc.std(nc.convert_to_tensor([1.0, 3.0]))  # 1

Reference: array API standard, std.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields =
      std::tuple{Field{"axis", &Std::axis}, Field{"keepdims", &Std::keepdims}, Field{"correction", &Std::correction}};
  static constexpr Promote promote = Promote::to_float;
  static constexpr bool strided = true;
  static constexpr std::uint64_t save_in = 1, save_out = 1;
  static void infer(const Std& a, In in, Types& out);
  static void run(const Std& a, Views in, Views out, Context& c);
  static Cost cost(const Std&, In in, std::span<const Type> out) { return cost_of(4 * count_of(in[0]), in, out); }
  static void grad(const Std& a, GradCtx& c);
};

struct Cumsum {
  Axes axis;
  bool reverse = false;
  bool exclusive = false;
  static constexpr std::string_view name = "cumsum", doc = R"(Running sum along an axis.

y_i = sum_(j <= i) x_j;  dx = running sum of dy from the other end

Args:
    x: Any shape. bool, uint8, int8 and int32 give int32, int64 stays; integers wrap around.
    axis: The axis, in [-rank, rank); default None: x is flattened first.
    reverse: Run from the last element down; default False.
    exclusive: Leave x_i out of y_i, so that it starts with 0; default False.

Returns:
    Tensor of x's shape, or flat when axis is None.

Raises:
    ValueError: axis is out of range or is more than one axis.

Example:
    >>> nc.cumsum(nc.convert_to_tensor([1.0, 2.0, 3.0]))  # [1, 3, 6]

Reference: numpy.cumsum; reverse and exclusive as in tf.math.cumsum.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields =
      std::tuple{Field{"axis", &Cumsum::axis}, Field{"reverse", &Cumsum::reverse}, Field{"exclusive", &Cumsum::exclusive}};
  static constexpr bool save_types = true;
  static constexpr std::uint64_t save_in = 0, save_out = 0;
  static void infer(const Cumsum& a, In in, Types& out);
  static void run(const Cumsum& a, Views in, Views out, Context& c);
  static void grad(const Cumsum& a, GradCtx& c);
};

struct Cumprod {
  Axes axis;
  bool reverse = false;
  bool exclusive = false;
  static constexpr std::string_view name = "cumprod", doc = R"(Running product along an axis.

y_i = prod_(j <= i) x_j;  the gradient is right where elements are 0, too

Args:
    x: Any shape. bool, uint8, int8 and int32 give int32, int64 stays; integers wrap around.
    axis: The axis, in [-rank, rank); default None: x is flattened first.
    reverse: Run from the last element down; default False.
    exclusive: Leave x_i out of y_i, so that it starts with 1; default False.

Returns:
    Tensor of x's shape, or flat when axis is None.

Raises:
    ValueError: axis is out of range or is more than one axis.

Example:
    >>> nc.cumprod(nc.convert_to_tensor([1.0, 2.0, 3.0]))  # [1, 2, 6]

Reference: numpy.cumprod; reverse and exclusive as in tf.math.cumprod.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields =
      std::tuple{Field{"axis", &Cumprod::axis}, Field{"reverse", &Cumprod::reverse}, Field{"exclusive", &Cumprod::exclusive}};
  static constexpr std::uint64_t save_in = 1, save_out = 0;
  static void infer(const Cumprod& a, In in, Types& out);
  static void run(const Cumprod& a, Views in, Views out, Context& c);
  static void grad(const Cumprod& a, GradCtx& c);
};

struct SumTo {
  IntList shape;
  static constexpr std::string_view name = "sum_to",
                                    doc = R"(Sums x down to a shape that broadcasts to x's: the gradient of broadcasting.

Args:
    x: Numbers.
    shape: Shape to reach; aligned at the last axis, each size is 1 or x's.

Returns:
    Tensor of `shape` and x's dtype.

Raises:
    ShapeError: shape does not broadcast to x's shape.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"shape", &SumTo::shape, true}};
  static constexpr bool strided = true, save_types = true, internal = true;
  static constexpr std::uint64_t save_in = 0, save_out = 0;
  static void infer(const SumTo& a, In in, Types& out);
  static void run(const SumTo& a, Views in, Views out, Context& c);
  static bool prepare(const SumTo& a, Views in, Views out, CallBuilder& calls);
  static Cost cost(const SumTo&, In in, std::span<const Type> out) { return cost_of(count_of(in[0]), in, out); }
  static TileSides sides(const SumTo& a, In in);
  static void grad(const SumTo& a, GradCtx& c);
};

}  // namespace nacre::op
