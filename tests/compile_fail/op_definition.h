// An op that is right, for the files of this folder to get wrong in one place each.
#pragma once

#include "nacre/ops/define.h"

namespace nacre::op {

struct Scaled {
  double factor = 2;
  static constexpr std::string_view name = "scaled", doc = "factor x.";
  static constexpr Arg inputs[] = {{"x"}};
#ifdef FORGET_FIELD
  static constexpr auto fields = std::tuple<>{};
#else
  static constexpr auto fields = std::tuple{Field{"factor", &Scaled::factor}};
#endif
#ifdef TEXT_ATTRIBUTE
  std::string label = "a std::string is no plain value";
#endif
  static void infer(const Scaled&, In in, Types& out) { out.push_back(in[0]); }
  static void run(const Scaled&, Views, Views, Context&) {}
#ifndef FORGET_GRAD
  static constexpr std::string_view not_differentiable = "an example";
#endif
};

}  // namespace nacre::op

namespace nacre {
template <>
const OpDef& op_def<op::Scaled>();
NACRE_DEFINE_OP(Scaled)
}  // namespace nacre
