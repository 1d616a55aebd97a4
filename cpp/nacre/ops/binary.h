// Elementwise functions of two tensors that broadcast: arithmetic, comparison, logic. Formulas, dtypes and docs stand in binary.inc,
// gradients in binary_ops.cpp. A broadcast input's gradient is summed back to its shape (sum_to).
#pragma once

#include "nacre/kernels/elementwise.h"
#include "nacre/ops/op.h"

namespace nacre::op {

enum class BinaryRule : std::uint8_t {
  arithmetic,  // common dtype; bool + is "or", bool * is "and"
  number,      // common dtype, not bool
  order,       // common dtype, bool too
  to_float,    // common dtype, integers become floatx()
  compare,     // common dtype, gives bool
};

struct BinaryInfo {
  BinaryKind kind;
  BinaryRule rule;
  unsigned save_in;  // bit 0: first input, bit 1: second
  unsigned save_out;
  std::string_view name, doc;
};

inline constexpr BinaryInfo kBinaryInfo[] = {
#include "nacre/ops/binary.inc"
};

constexpr const BinaryInfo& binary_info(BinaryKind kind) {
  for (const BinaryInfo& i : kBinaryInfo) {
    if (i.kind == kind) return i;
  }
  throw "no such entry in binary.inc";  // evaluated by the compiler only
}

void binary_infer(const BinaryInfo& info, In in, Types& out);
void binary_run(BinaryKind kind, Views in, Views out, Context& c);
void binary_grad(BinaryKind kind, GradCtx& c);
bool binary_tile(BinaryKind kind, const KernelTable& k, In in, TileFn& fn);

template <BinaryKind K>
struct Binary {
  static constexpr const BinaryInfo& info = binary_info(K);
  static constexpr std::string_view name = info.name, doc = info.doc;
  static constexpr Arg inputs[] = {{"x1"}, {"x2"}};
  static constexpr auto fields = std::tuple<>{};
  static constexpr Promote promote = info.rule == BinaryRule::to_float ? Promote::to_float : Promote::common;
  static constexpr bool strided = true, save_types = true, keeps_type = info.rule != BinaryRule::compare;
  static constexpr std::uint64_t save_in = info.save_in, save_out = info.save_out;
  static void infer(const Binary&, In in, Types& out) { binary_infer(info, in, out); }
  static void run(const Binary&, Views in, Views out, Context& c) { binary_run(K, in, out, c); }
  static constexpr std::uint64_t inplace = 3;
  static bool tile(const Binary&, const KernelTable& k, In in, TileFn& fn) { return binary_tile(K, k, in, fn); }
  static void grad(const Binary&, GradCtx& c) requires(info.rule != BinaryRule::compare) { binary_grad(K, c); }
  static constexpr std::string_view not_differentiable = "the result is bool";
};

using Add = Binary<BinaryKind::add>;
using Subtract = Binary<BinaryKind::sub>;
using Multiply = Binary<BinaryKind::mul>;
using Divide = Binary<BinaryKind::div>;
using FloorDivide = Binary<BinaryKind::floor_divide>;
using Mod = Binary<BinaryKind::mod>;
using Power = Binary<BinaryKind::power>;
using Minimum = Binary<BinaryKind::minimum>;
using Maximum = Binary<BinaryKind::maximum>;
using Arctan2 = Binary<BinaryKind::atan2>;
using SquaredDifference = Binary<BinaryKind::squared_difference>;
using Equal = Binary<BinaryKind::equal>;
using NotEqual = Binary<BinaryKind::not_equal>;
using Less = Binary<BinaryKind::less>;
using LessEqual = Binary<BinaryKind::less_equal>;
using Greater = Binary<BinaryKind::greater>;
using GreaterEqual = Binary<BinaryKind::greater_equal>;
using LogicalAnd = Binary<BinaryKind::logical_and>;
using LogicalOr = Binary<BinaryKind::logical_or>;
using LogicalXor = Binary<BinaryKind::logical_xor>;

}  // namespace nacre::op
