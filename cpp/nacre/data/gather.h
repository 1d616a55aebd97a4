// Rows of a user's array, picked by index, into the buffer of a batch, converted to the batch's dtype on the way.
#pragma once

#include <cstdint>
#include <span>

#include "nacre/base/api.h"
#include "nacre/base/shape.h"

namespace nacre {

// The copy of rows of one array into one batch, checked and chosen once. The memory of both stays where it is.
class NACRE_API RowGather {
 public:
  // Types and shapes as gather_rows says, for `rows` rows; ShapeError, DTypeError.
  RowGather(std::string_view op, const View& source, std::size_t rows, const View& batch);
  // Each row must lie inside of the source.
  void operator()(std::span<const std::int64_t> rows) const noexcept {
    if (copy_) copy_(*this, rows.data(), static_cast<Dim>(rows.size()));
  }
  template <class To, class From>
  void run(const std::int64_t* rows, Dim count) const noexcept;

 private:
  View source_;
  void* batch_;
  Dim row_size_ = 0;
  bool contiguous_ = false;                                                                      // a row of the source is
  void (*copy_)(const RowGather& self, const std::int64_t* rows, Dim count) noexcept = nullptr;  // null: nothing to copy
};

// batch[i, ...] = source[rows[i], ...].
// source: rank >= 1, any strides, aligned, never written. batch: contiguous, shape [rows.size(), source.shape[1:]], the same dtype
// or float32 or float64; conversion to float rounds to nearest. They must not overlap. `op` begins messages. Raises ShapeError,
// DTypeError, and IndexError for a row outside of the source, before anything is written.
NACRE_API void gather_rows(std::string_view op, const View& source, std::span<const std::int64_t> rows, const View& batch);

}  // namespace nacre
