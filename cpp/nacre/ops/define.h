// What family files (*_ops.cpp) end with, and the checks that shape rules share.
#pragma once

#include <initializer_list>

#include "nacre/ops/op.h"

// The record of an op, in the one family file that holds its bodies.
#define NACRE_DEFINE_OP(Struct)                 \
  template <>                                   \
  const OpDef& op_def<op::Struct>() {           \
    return make_def<op::Struct>();              \
  }

namespace nacre {

// float16 and bfloat16 are storage: data movement takes them, arithmetic does not.
inline void refuse_storage_only(std::string_view op, std::string_view arg, DType t) {
  if (is_storage_only(t)) {
    raise<DTypeError>(op, ": ", arg, " has dtype ", t, ", which is for storage only. Use cast(", arg, ", 'float32') first.");
  }
}

}  // namespace nacre
