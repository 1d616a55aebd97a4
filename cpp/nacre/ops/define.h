// What family files (*_ops.cpp) end with, and the checks that shape rules share.
#pragma once

#include <initializer_list>

#include "nacre/ops/op.h"

// The record of an op, in the one family file that holds its bodies.
#define NACRE_DEFINE_OP(Struct)       \
  template <>                         \
  const OpDef& op_def<op::Struct>() { \
    return make_def<op::Struct>();    \
  }

namespace nacre {

// float16 and bfloat16 are storage: data movement takes them, arithmetic does not.
inline void refuse_storage_only(std::string_view op, std::string_view arg, DType t) {
  if (is_storage_only(t)) {
    raise<DTypeError>(op, ": ", arg, " has dtype ", t, ", which is for storage only. Use cast(", arg, ", 'float32') first.");
  }
}

// A list of sizes as the shape of a tensor of this dtype: rank, signs and byte count are checked.
inline Shape shape_from(std::string_view op, std::string_view arg, const IntList& sizes, DType dtype) {
  if (sizes.size() > kMaxRank)
    raise<ShapeError>(op, ": ", arg, " ", sizes, " has ", sizes.size(), " sizes, more than the largest rank, ", kMaxRank, ".");
  const Shape shape = sizes.shape();
  checked_count(op, shape, dtype);
  return shape;
}

}  // namespace nacre
