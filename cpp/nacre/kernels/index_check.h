// Reading indices of several dtypes, and the check that comes before any kernel writes.
#pragma once

#include "nacre/base/dtype.h"
#include "nacre/kernels/index_status.h"
#include "nacre/kernels/scalar_math.h"

namespace nacre::NACRE_ISA {
namespace {

// True when low <= index < high for all of them; else the first bad one goes to *status (when there is one).
template <class Index>
inline bool indices_in_range(const Index* index, int64_t n, int64_t low, int64_t high, IndexStatus* status) {
  for (int64_t begin = 0; begin < n; begin += 1024) {
    const int64_t end = min64(n, begin + 1024);
    bool good = true;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t v = static_cast<int64_t>(index[i]);
      good &= (v >= low) & (v < high);
    }
    if (good) continue;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t v = static_cast<int64_t>(index[i]);
      if (v >= low && v < high) continue;
      if (status) *status = {1, i, v};
      return false;
    }
  }
  return true;
}

template <class Body>
inline void with_index(DType dtype, const void* index, const Body& body) {
  switch (dtype) {
    case DType::int32: return body(static_cast<const int32_t*>(index));
    case DType::int64: return body(static_cast<const int64_t*>(index));
    case DType::uint8: return body(static_cast<const uint8_t*>(index));
    case DType::int8: return body(static_cast<const int8_t*>(index));
    default: return;  // refused by ops
  }
}

// An unsigned integer of the item's size stands for any element that is only moved.
template <class Body>
inline void with_item(int64_t size, const Body& body) {
  switch (size) {
    case 1: return body(uint8_t{});
    case 2: return body(uint16_t{});
    case 4: return body(uint32_t{});
    case 8: return body(uint64_t{});
    default: return;
  }
}

}  // namespace
}  // namespace nacre::NACRE_ISA
