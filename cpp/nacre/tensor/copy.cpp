// Copies between views through the elementwise drivers; small contiguous ones by memcpy.
#include "nacre/tensor/copy.h"

#include <cstring>

#include "nacre/kernels/elementwise_drive.h"
#include "nacre/kernels/table.h"

namespace nacre {

namespace {

// Below this many bytes a plain memcpy beats handing pieces to the pool.
constexpr Dim kPlainCopyBytes = 256 * 1024;

// Lowest and one past the highest byte that a view touches.
void byte_range(const View& v, const char*& low, const char*& high) {
  low = high = static_cast<const char*>(v.data);
  const Dim item = size_of(v.dtype);
  for (int i = 0; i < v.shape.rank(); ++i) {
    const Dim reach = (v.shape[i] - 1) * v.strides[i] * item;
    (reach < 0 ? low : high) += reach;
  }
  high += item;
}

}  // namespace

void copy_values(const View& src, const View& dst) noexcept {
  const Dim n = dst.count();
  if (n == 0) return;
  if (src.dtype != dst.dtype) {
    apply_cast(cpu_kernels().elementwise, src, dst);
  } else if (n * size_of(dst.dtype) <= kPlainCopyBytes && src.shape == dst.shape && src.contiguous() && dst.contiguous()) {
    std::memcpy(dst.data, src.data, static_cast<std::size_t>(n * size_of(dst.dtype)));
  } else {
    apply_copy(cpu_kernels().elementwise, src, dst);
  }
}

bool may_overlap(const View& a, const View& b) noexcept {
  if (a.count() == 0 || b.count() == 0) return false;
  const char *a_low, *a_high, *b_low, *b_high;
  byte_range(a, a_low, a_high);
  byte_range(b, b_low, b_high);
  return a_low < b_high && b_low < a_high;
}

}  // namespace nacre
