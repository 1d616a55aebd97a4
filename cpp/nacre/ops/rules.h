// Checks that most shape rules of the math family begin with, and what their gradients share.
#pragma once

#include <cmath>
#include <string_view>

#include "nacre/kernels/table.h"
#include "nacre/ops/define.h"
#include "nacre/ops/ops.h"

namespace nacre {

// float32 or float64.
inline void require_float(std::string_view op, std::string_view arg, const Type& t) {
  refuse_storage_only(op, arg, t.dtype);
  if (!is_float(t.dtype))
    raise<DTypeError>(op, ": ", arg, " must be float32 or float64, got ", t.dtype, ". Use cast(", arg, ", 'float32') first.");
}
// A number: anything but bool and the storage floats.
inline void require_number(std::string_view op, std::string_view arg, const Type& t) {
  refuse_storage_only(op, arg, t.dtype);
  if (t.dtype == DType::boolean) {
    raise<DTypeError>(op, ": ", arg, " must hold numbers, got bool. Use cast(", arg, ", 'int32') first.");
  }
}
inline void require_bool(std::string_view op, std::string_view arg, const Type& t) {
  if (t.dtype != DType::boolean) raise<DTypeError>(op, ": ", arg, " must be bool, got ", t.dtype, ". Use ", arg, " != 0.");
}
inline void require_finite(std::string_view op, std::string_view arg, double value) {
  if (!std::isfinite(value)) raise<ValueError>(op, ": ", arg, " must be a finite number, got ", value, ".");
}
// The two inputs of an op without promotion must have one dtype.
inline void require_same_dtype(std::string_view op, std::string_view a, const Type& ta, std::string_view b, const Type& tb) {
  if (ta.dtype != tb.dtype)
    raise<DTypeError>(op, ": ", a, " has dtype ", ta.dtype, " but ", b, " has ", tb.dtype, ". Cast one of them.");
}
inline void require_same_shape(std::string_view op, std::string_view a, const Type& ta, std::string_view b, const Type& tb) {
  if (!(ta.shape == tb.shape))
    raise<ShapeError>(op, ": ", a, " has shape ", ta.shape, " but ", b, " has shape ", tb.shape, ". They must be equal.");
}

// A tensor of zeros: the gradient of what is piecewise constant.
inline Tensor zeros_of(const Type& t) { return full({.shape = t.shape, .value = 0.0, .dtype = t.dtype}); }
// A number as a rank-0 tensor of the dtype of `like`, for gradients written with operators: multiply(dy, scalar(2, x)).
inline Tensor scalar(double value, const Tensor& like) { return weak_scalar(value, like); }
// The gradient g, summed back to the shape of an input that was broadcast.
inline Tensor unbroadcast(const Tensor& g, const Shape& shape) { return g.shape() == shape ? g : sum_to(g, {.shape = shape}); }

}  // namespace nacre
