// Shape: up to kMaxRank signed sizes held inline, with overflow-checked products; Type and View: what kernels and shape rules see.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "nacre/base/dtype.h"
#include "nacre/base/error.h"

namespace nacre {

inline constexpr int kMaxRank = 8;
using Dim = std::int64_t;

class Shape {
 public:
  constexpr Shape() = default;
  constexpr Shape(std::initializer_list<Dim> dims) : Shape(std::span<const Dim>(dims.begin(), dims.size())) {}
  explicit constexpr Shape(std::span<const Dim> dims) {
    if (dims.size() > kMaxRank) raise<ShapeError>("shape: rank ", dims.size(), " is more than the largest, ", kMaxRank, ".");
    for (Dim d : dims) dims_[rank_++] = d;
  }
  [[nodiscard]] constexpr int rank() const { return rank_; }
  [[nodiscard]] constexpr Dim operator[](int i) const { return dims_[i]; }
  [[nodiscard]] constexpr Dim& operator[](int i) { return dims_[i]; }
  [[nodiscard]] constexpr const Dim* begin() const { return dims_; }
  [[nodiscard]] constexpr const Dim* end() const { return dims_ + rank_; }
  [[nodiscard]] constexpr Dim back() const { return dims_[rank_ - 1]; }
  constexpr void push_back(Dim d) {
    if (rank_ == kMaxRank) raise<ShapeError>("shape: rank is more than the largest, ", kMaxRank, ".");
    dims_[rank_++] = d;
  }
  constexpr void insert(int at, Dim d) {
    push_back(0);
    for (int i = rank_ - 1; i > at; --i) dims_[i] = dims_[i - 1];
    dims_[at] = d;
  }
  constexpr void erase(int at) {
    for (int i = at; i + 1 < rank_; ++i) dims_[i] = dims_[i + 1];
    dims_[--rank_] = 0;
  }
  constexpr bool operator==(const Shape& o) const {
    if (rank_ != o.rank_) return false;
    for (int i = 0; i < rank_; ++i) {
      if (dims_[i] != o.dims_[i]) return false;
    }
    return true;
  }
  // Number of elements. Shapes inside tensors were checked by checked_count, so this cannot overflow.
  [[nodiscard]] constexpr Dim count() const {
    Dim n = 1;
    for (int i = 0; i < rank_; ++i) n *= dims_[i];
    return n;
  }

 private:
  Dim dims_[kMaxRank] = {};
  int rank_ = 0;
};

inline void append_text(std::string& s, const Shape& shape) {
  s.push_back('[');
  for (int i = 0; i < shape.rank(); ++i) {
    if (i) s.append(", ");
    append_text(s, shape[i]);
  }
  s.push_back(']');
}

// Throws ShapeError when a size is negative or the byte count passes 2^62. `op` begins the message.
NACRE_API Dim checked_count(std::string_view op, const Shape& shape, DType dtype);
// a * b and a + b with a ShapeError instead of overflow.
NACRE_API Dim checked_mul(std::string_view op, Dim a, Dim b);
NACRE_API Dim checked_add(std::string_view op, Dim a, Dim b);
// NumPy broadcasting of two shapes; throws ShapeError naming op and both shapes.
NACRE_API Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b);
// axis in [-rank, rank) made non-negative; throws ValueError naming op and axis.
NACRE_API int normalize_axis(std::string_view op, Dim axis, int rank);

// What a shape rule sees: dtype and shape of a value.
struct Type {
  DType dtype = DType::float32;
  Shape shape;
};

// What a kernel sees: a Type with a pointer and strides in elements. A zero stride repeats (broadcast).
struct View : Type {
  void* data = nullptr;
  Dim strides[kMaxRank] = {};

  template <class T>
  [[nodiscard]] T* as() const {
    return static_cast<T*>(data);
  }
  [[nodiscard]] Dim count() const { return shape.count(); }
  [[nodiscard]] NACRE_API bool contiguous() const;
  NACRE_API void set_contiguous_strides();
};

}  // namespace nacre
