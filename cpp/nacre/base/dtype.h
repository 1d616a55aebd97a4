// Element types, their sizes and names, and the promotion rule.
//
// Promotion (as Keras and JAX): within floats and within integers the wider wins; an integer or bool never widens a float
// (int64 with float32 gives float32). float16 and bfloat16 are storage: only `cast` and data movement take them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "nacre/base/api.h"

namespace nacre {

enum class DType : std::uint8_t { boolean, uint8, int8, int32, int64, float16, bfloat16, float32, float64 };
inline constexpr int kDTypeCount = 9;

// Storage of the two 16-bit floats; conversions are in half.h.
struct Half {
  std::uint16_t bits;
};
struct BFloat16 {
  std::uint16_t bits;
};

[[nodiscard]] constexpr std::ptrdiff_t size_of(DType t) {
  constexpr std::ptrdiff_t sizes[kDTypeCount] = {1, 1, 1, 4, 8, 2, 2, 4, 8};
  return sizes[static_cast<int>(t)];
}
[[nodiscard]] constexpr std::string_view name_of(DType t) {
  constexpr std::string_view names[kDTypeCount] = {"bool",    "uint8",    "int8",    "int32",  "int64",
                                                   "float16", "bfloat16", "float32", "float64"};
  return names[static_cast<int>(t)];
}
[[nodiscard]] constexpr bool is_float(DType t) { return t >= DType::float16; }
[[nodiscard]] constexpr bool is_integer(DType t) { return t >= DType::uint8 && t <= DType::int64; }
[[nodiscard]] constexpr bool is_storage_only(DType t) { return t == DType::float16 || t == DType::bfloat16; }

NACRE_API DType promote(DType a, DType b);
// Throws ValueError naming the known dtypes.
NACRE_API DType dtype_from_name(std::string_view name);
// The default float type: float32 unless set_floatx was called. Only float32 and float64 are accepted.
NACRE_API DType floatx();
NACRE_API void set_floatx(DType t);

inline void append_text(std::string& s, DType t) { s.append(name_of(t)); }

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::boolean;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::uint8;
};
template <>
struct DTypeOf<std::int8_t> {
  static constexpr DType value = DType::int8;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::int32;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::int64;
};
template <>
struct DTypeOf<Half> {
  static constexpr DType value = DType::float16;
};
template <>
struct DTypeOf<BFloat16> {
  static constexpr DType value = DType::bfloat16;
};
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::float32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::float64;
};
template <class T>
inline constexpr DType dtype_of = DTypeOf<T>::value;

}  // namespace nacre
