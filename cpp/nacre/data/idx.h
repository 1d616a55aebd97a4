// IDX files, the format of MNIST and Fashion-MNIST: two zero bytes, a type code, the rank, the sizes and the values, all
// big-endian. Packed files (.gz) must be unpacked first; nacre's Python side does it with the standard library.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "nacre/base/api.h"
#include "nacre/base/shape.h"

namespace nacre {

// Values in the machine's byte order, row-major. 16-bit integers, for which there is no dtype, become int32.
struct IdxArray {
  DType dtype = DType::uint8;
  Shape shape;
  std::vector<std::byte> bytes;

  template <class T>
  [[nodiscard]] const T* as() const {
    return reinterpret_cast<const T*>(bytes.data());
  }
};

// FormatError when magic, type, sizes or length are wrong. `source` stands for the file in messages.
NACRE_API IdxArray parse_idx(std::span<const std::byte> bytes, const std::string& source = "bytes");
NACRE_API IdxArray load_idx(const std::string& path);

}  // namespace nacre
