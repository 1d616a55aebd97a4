// Copying values between views of any strides and dtypes.
#pragma once

#include "nacre/base/shape.h"

namespace nacre {

// dst = src, cast when the dtypes differ; same shape. Memory must not overlap (see may_overlap).
NACRE_API void copy_values(const View& src, const View& dst) noexcept;
// True unless the byte ranges that the two views touch are certainly apart.
NACRE_API bool may_overlap(const View& a, const View& b) noexcept;

}  // namespace nacre
