// All ops as C++ functions: add(x, y), softmax(x, {.axis = 1}), conv2d(x, weight, bias, {.strides = {2, 2}}), and operators on Tensor.
#pragma once

#include "nacre/ops/array_ops.h"
#include "nacre/ops/math_ops.h"
#include "nacre/ops/nn_ops.h"
#include "nacre/ops/op.h"

namespace nacre {

#define NACRE_OP(Struct, function, family) \
  template <>                              \
  NACRE_API const OpDef& op_def<op::Struct>();
#include "nacre/ops/ops.inc"
#undef NACRE_OP

#define NACRE_OP(Struct, function, family) inline constexpr OpFn<op::Struct> function{};
#include "nacre/ops/ops.inc"
#undef NACRE_OP

}  // namespace nacre

#include "nacre/ops/operators.h"
