// Elementwise functions of one tensor: y_i = f(x_i). Formulas, dtypes and docs stand in the table below, gradients in unary_ops.cpp.
#pragma once

#include "nacre/kernels/elementwise.h"
#include "nacre/ops/op.h"

namespace nacre::op {

// Which dtypes a function takes and gives.
enum class UnaryRule : std::uint8_t {
  to_float,   // integers and bool become floatx()
  number,     // float and integer, kept
  rounding,   // float rounded, integers and bool returned as they are
  predicate,  // float (others become floatx()) to bool
  logical,    // anything to bool
};
enum class Saves : std::uint8_t { nothing, input, output };

struct UnaryInfo {
  UnaryKind kind;
  UnaryRule rule;
  Saves saves;
  std::string_view name, doc;
};

inline constexpr UnaryInfo kUnaryInfo[] = {
#include "nacre/ops/unary.inc"
};

constexpr const UnaryInfo& unary_info(UnaryKind kind) {
  for (const UnaryInfo& i : kUnaryInfo) {
    if (i.kind == kind) return i;
  }
  throw "no such entry in unary.inc";  // evaluated by the compiler only
}

void unary_infer(const UnaryInfo& info, In in, Types& out);
void unary_run(UnaryKind kind, Views in, Views out, Context& c);
void unary_grad(UnaryKind kind, GradCtx& c);
bool unary_tile(UnaryKind kind, const KernelTable& k, In in, TileFn& fn);

template <UnaryKind K>
struct Unary {
  static constexpr const UnaryInfo& info = unary_info(K);
  static constexpr std::string_view name = info.name, doc = info.doc;
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple<>{};
  static constexpr Promote promote =
      info.rule == UnaryRule::to_float || info.rule == UnaryRule::predicate ? Promote::to_float : Promote::none;
  static constexpr bool strided = true, save_types = true, keeps_type = info.rule < UnaryRule::predicate;
  static constexpr std::uint64_t save_in = info.saves == Saves::input, save_out = info.saves == Saves::output;
  static void infer(const Unary&, In in, Types& out) { unary_infer(info, in, out); }
  static void run(const Unary&, Views in, Views out, Context& c) { unary_run(K, in, out, c); }
  static constexpr std::uint64_t inplace = 1;
  static bool tile(const Unary&, const KernelTable& k, In in, TileFn& fn) { return unary_tile(K, k, in, fn); }
  static void grad(const Unary&, GradCtx& c) requires(info.rule < UnaryRule::predicate) { unary_grad(K, c); }
  static constexpr std::string_view not_differentiable = "the result is bool";
};

using Negative = Unary<UnaryKind::neg>;
using Abs = Unary<UnaryKind::abs>;
using Sign = Unary<UnaryKind::sign>;
using Square = Unary<UnaryKind::square>;
using Sqrt = Unary<UnaryKind::sqrt>;
using Rsqrt = Unary<UnaryKind::rsqrt>;
using Reciprocal = Unary<UnaryKind::reciprocal>;
using Exp = Unary<UnaryKind::exp>;
using Expm1 = Unary<UnaryKind::expm1>;
using Log = Unary<UnaryKind::log>;
using Log1p = Unary<UnaryKind::log1p>;
using Log2 = Unary<UnaryKind::log2>;
using Log10 = Unary<UnaryKind::log10>;
using Sin = Unary<UnaryKind::sin>;
using Cos = Unary<UnaryKind::cos>;
using Tan = Unary<UnaryKind::tan>;
using Arcsin = Unary<UnaryKind::asin>;
using Arccos = Unary<UnaryKind::acos>;
using Arctan = Unary<UnaryKind::atan>;
using Sinh = Unary<UnaryKind::sinh>;
using Cosh = Unary<UnaryKind::cosh>;
using Tanh = Unary<UnaryKind::tanh>;
using Erf = Unary<UnaryKind::erf>;
using Floor = Unary<UnaryKind::floor>;
using Ceil = Unary<UnaryKind::ceil>;
using Round = Unary<UnaryKind::round>;
using Trunc = Unary<UnaryKind::trunc>;
using IsNan = Unary<UnaryKind::isnan>;
using IsInf = Unary<UnaryKind::isinf>;
using IsFinite = Unary<UnaryKind::isfinite>;
using LogicalNot = Unary<UnaryKind::logical_not>;
using Sigmoid = Unary<UnaryKind::sigmoid>;
using Relu = Unary<UnaryKind::relu>;
using Selu = Unary<UnaryKind::selu>;
using Softplus = Unary<UnaryKind::softplus>;
using Softsign = Unary<UnaryKind::softsign>;
using HardSigmoid = Unary<UnaryKind::hard_sigmoid>;
using Mish = Unary<UnaryKind::mish>;

}  // namespace nacre::op
