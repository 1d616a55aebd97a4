// Tensors side by side in one block of memory, in order, each 64-byte aligned: then one pass over the block serves all of them (optimizer, norms).
#pragma once

#include <span>

#include "nacre/tensor/tensor.h"

namespace nacre {

inline constexpr Dim kPackAlignment = 64;
// Bytes from a packed tensor's start to the next one's.
[[nodiscard]] inline Dim packed_bytes(const Type& t) {
  return (t.shape.count() * size_of(t.dtype) + kPackAlignment - 1) / kPackAlignment * kPackAlignment;
}

// Moves the values into one new block; handles stay as they are. A tensor whose memory is seen by others (a view, an array of NumPy) or is not its own
// stays where it is. The gaps hold zeros. Not for use while another thread reads the tensors.
NACRE_API void pack(std::span<const Tensor> tensors);
// Did one pack() put b right behind a? Only then does the gap between them belong to nobody else.
[[nodiscard]] NACRE_API bool packed_behind(const Tensor& a, const Tensor& b);

}  // namespace nacre
