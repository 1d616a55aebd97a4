// Rows of a user's array, picked by index, into the buffer of a batch, converted to the batch's dtype on the way.
#pragma once

#include <cstdint>
#include <span>

#include "nacre/base/api.h"
#include "nacre/base/shape.h"

namespace nacre {

// batch[i, ...] = source[rows[i], ...].
// source: rank >= 1, any strides, aligned, never written. batch: contiguous, shape [rows.size(), source.shape[1:]], the same dtype
// or float32 or float64; conversion to float rounds to nearest. They must not overlap. `op` begins messages. Raises ShapeError,
// DTypeError, and IndexError for a row outside of the source, before anything is written.
NACRE_API void gather_rows(std::string_view op, const View& source, std::span<const std::int64_t> rows, const View& batch);

}  // namespace nacre
