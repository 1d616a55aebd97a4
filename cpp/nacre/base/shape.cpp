// Overflow-safe size arithmetic and the shape rules that every op shares.
#include "nacre/base/shape.h"

namespace nacre {

namespace {
constexpr Dim kMaxBytes = Dim{1} << 62;
}

Dim checked_mul(std::string_view op, Dim a, Dim b) {
  Dim r = 0;
  if (__builtin_mul_overflow(a, b, &r)) raise<ShapeError>(op, ": size ", a, " * ", b, " overflows 64 bits. Use smaller sizes.");
  return r;
}

Dim checked_add(std::string_view op, Dim a, Dim b) {
  Dim r = 0;
  if (__builtin_add_overflow(a, b, &r)) raise<ShapeError>(op, ": size ", a, " + ", b, " overflows 64 bits. Use smaller sizes.");
  return r;
}

Dim checked_count(std::string_view op, const Shape& shape, DType dtype) {
  bool empty = false;
  Dim n = 1, limit = kMaxBytes / size_of(dtype);
  for (Dim d : shape) {
    if (d < 0) raise<ShapeError>(op, ": shape ", shape, " has a negative size.");
    // Sizes of 0 do not excuse the others: strides and partial products must not overflow either.
    if (d == 0)
      empty = true;
    else if (__builtin_mul_overflow(n, d, &n) || n > limit) {
      raise<ShapeError>(op, ": shape ", shape, " of ", dtype, " has too many elements to address.");
    }
  }
  return empty ? 0 : n;
}

Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b) {
  const int rank = a.rank() > b.rank() ? a.rank() : b.rank();
  Shape out;
  for (int i = 0; i < rank; ++i) {
    const int ia = i - (rank - a.rank()), ib = i - (rank - b.rank());
    const Dim da = ia < 0 ? 1 : a[ia], db = ib < 0 ? 1 : b[ib];
    if (da != db && da != 1 && db != 1) {
      raise<ShapeError>(op, ": shapes ", a, " and ", b, " do not broadcast: sizes ", da, " and ", db, " at axis ", i - rank,
                        " differ and neither is 1.");
    }
    out.push_back(da == 1 ? db : da);
  }
  return out;
}

int normalize_axis(std::string_view op, Dim axis, int rank) {
  if (axis < -rank || axis >= rank) {
    if (rank == 0) raise<ValueError>(op, ": axis ", axis, " is out of range: the input is a scalar and has no axes.");
    raise<ValueError>(op, ": axis ", axis, " is out of range for rank ", rank, ". Use ", -rank, " to ", rank - 1, ".");
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

bool View::contiguous() const {
  Dim expected = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    if (shape[i] != 1 && strides[i] != expected) return shape.count() == 0;
    expected *= shape[i];
  }
  return true;
}

void View::set_contiguous_strides() {
  Dim s = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = s;
    s *= shape[i] > 0 ? shape[i] : 1;
  }
}

}  // namespace nacre
