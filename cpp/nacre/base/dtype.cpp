// Promotion table, names, and the process-wide default float type.
#include "nacre/base/dtype.h"

#include <algorithm>
#include <atomic>

#include "nacre/base/error.h"

namespace nacre {

namespace {
std::atomic<DType> g_floatx{DType::float32};
}

DType promote(DType a, DType b) {
  if (a == b) return a;
  if (a > b) std::swap(a, b);  // enum order: bool, uint8, int8, int32, int64, float16, bfloat16, float32, float64
  if (is_float(b)) {
    if (a == DType::float16 && b == DType::bfloat16) return DType::float32;
    return b;
  }
  if (a == DType::uint8 && b == DType::int8) return DType::int32;  // int16 would do; the next type that exists holds both
  return b;
}

DType dtype_from_name(std::string_view name) {
  for (int i = 0; i < kDTypeCount; ++i) {
    if (name == name_of(static_cast<DType>(i))) return static_cast<DType>(i);
  }
  raise<ValueError>("dtype: unknown dtype '", name,
                    "'. Known: bool, uint8, int8, int32, int64, float16, bfloat16, float32, float64.");
}

DType floatx() { return g_floatx.load(std::memory_order_relaxed); }

void set_floatx(DType t) {
  if (t != DType::float32 && t != DType::float64) {
    raise<ValueError>("set_floatx: dtype must be float32 or float64, got ", t, ".");
  }
  g_floatx.store(t, std::memory_order_relaxed);
}

}  // namespace nacre
