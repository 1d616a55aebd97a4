// Checks that the shape rules of the nn family share.
#pragma once

#include <string_view>

#include "nacre/ops/rules.h"

namespace nacre {

// Strides, pads, sizes given as attributes: what kernels add and multiply without checks.
inline constexpr Dim kLargestCount = (Dim{1} << 31) - 1;

inline void require_count(std::string_view op, std::string_view arg, Dim value, Dim low) {
  if (value < low || value > kLargestCount) {
    raise<ValueError>(op, ": ", arg, " must be from ", low, " to ", kLargestCount, ", got ", value, ".");
  }
}
inline void require_rank(std::string_view op, std::string_view arg, const Type& t, int rank, std::string_view layout) {
  if (t.shape.rank() != rank) raise<ShapeError>(op, ": ", arg, " must have rank ", rank, " ", layout, ", got shape ", t.shape, ".");
}
inline void require_shape(std::string_view op, std::string_view arg, const Type& t, const Shape& wanted, std::string_view layout) {
  if (!(t.shape == wanted)) raise<ShapeError>(op, ": ", arg, " must have shape ", wanted, " ", layout, ", got ", t.shape, ".");
}
inline void require_indices(std::string_view op, std::string_view arg, const Type& t) {
  if (!is_integer(t.dtype)) raise<DTypeError>(op, ": ", arg, " must be integers, got ", t.dtype, ". Use cast(", arg, ", 'int32').");
}
inline void require_epsilon(std::string_view op, double epsilon) {
  if (!(epsilon >= 0 && std::isfinite(epsilon)))
    raise<ValueError>(op, ": epsilon must be a finite number >= 0, got ", epsilon, ".");
}
// At least 1: an empty mean, maximum or softmax has no value.
inline void require_not_empty(std::string_view op, std::string_view arg, const Type& t, std::string_view what, Dim size) {
  if (size < 1) raise<ShapeError>(op, ": ", arg, " has no ", what, " (shape ", t.shape, "). At least one is needed.");
}

// Row of a kernel table.
[[nodiscard]] inline std::size_t index_of(DType t) { return static_cast<std::size_t>(t); }

}  // namespace nacre
