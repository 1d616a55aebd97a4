// Conversions of single values between the dtypes, float16 and bfloat16 among them (round to nearest, ties to even).
#pragma once

#include <bit>
#include <cstring>

#include "nacre/base/dtype.h"

namespace nacre {

[[nodiscard]] inline float to_float(BFloat16 h) { return std::bit_cast<float>(static_cast<std::uint32_t>(h.bits) << 16); }

[[nodiscard]] inline BFloat16 to_bfloat16(float f) {
  const auto u = std::bit_cast<std::uint32_t>(f);
  if ((u & 0x7fffffffu) > 0x7f800000u) return {static_cast<std::uint16_t>((u >> 16) | 0x40u)};  // keep NaN a NaN
  return {static_cast<std::uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16)};
}

[[nodiscard]] inline float to_float(Half h) {
  const std::uint32_t sign = static_cast<std::uint32_t>(h.bits & 0x8000u) << 16;
  const std::uint32_t exponent = (h.bits >> 10) & 31u, mantissa = h.bits & 1023u;
  if (exponent == 31u) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent == 0) {  // zero and denormals: mantissa * 2^-24 is exact in float
    const float value = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -value : value;
  }
  return std::bit_cast<float>(sign | ((exponent + 112u) << 23) | (mantissa << 13));
}

[[nodiscard]] inline Half to_half(float f) {
  const auto u = std::bit_cast<std::uint32_t>(f);
  const auto sign = static_cast<std::uint16_t>((u >> 16) & 0x8000u);
  const std::uint32_t a = u & 0x7fffffffu;
  if (a > 0x7f800000u) return {static_cast<std::uint16_t>(sign | 0x7e00u | ((a >> 13) & 0x3ffu))};
  if (a >= 0x477ff000u) return {static_cast<std::uint16_t>(sign | 0x7c00u)};  // rounds to infinity
  if (a < 0x38800000u) {                                                      // below 2^-14: denormal or zero
    // Adding 0.5 aligns the mantissa so that the hardware rounds to the denormal's last place.
    const float shifted = std::bit_cast<float>(a) + 0.5f;
    return {static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3f000000u))};
  }
  const std::uint32_t rounded = a + 0xfffu + ((a >> 13) & 1u);
  return {static_cast<std::uint16_t>(sign | ((rounded - 0x38000000u) >> 13))};
}

[[nodiscard]] inline double load_double(const void* p, DType t) {
  switch (t) {
    case DType::boolean: return *static_cast<const std::uint8_t*>(p) != 0;
    case DType::uint8: return *static_cast<const std::uint8_t*>(p);
    case DType::int8: return *static_cast<const std::int8_t*>(p);
    case DType::int32: return *static_cast<const std::int32_t*>(p);
    case DType::int64: return static_cast<double>(*static_cast<const std::int64_t*>(p));
    case DType::float16: return to_float(*static_cast<const Half*>(p));
    case DType::bfloat16: return to_float(*static_cast<const BFloat16*>(p));
    case DType::float32: return *static_cast<const float*>(p);
    case DType::float64: return *static_cast<const double*>(p);
  }
  return 0;
}

// Saturates integers; NaN becomes 0 (as the cast kernels do).
template <class I>
[[nodiscard]] inline I saturate(double v, double low, double high) {
  if (!(v == v)) return 0;
  return v <= low ? static_cast<I>(low) : v >= high ? static_cast<I>(high) : static_cast<I>(v);
}

inline void store_double(void* p, DType t, double v) {
  switch (t) {
    case DType::boolean: *static_cast<std::uint8_t*>(p) = v != 0; return;
    case DType::uint8: *static_cast<std::uint8_t*>(p) = saturate<std::uint8_t>(v, 0, 255); return;
    case DType::int8: *static_cast<std::int8_t*>(p) = saturate<std::int8_t>(v, -128, 127); return;
    case DType::int32: *static_cast<std::int32_t*>(p) = saturate<std::int32_t>(v, -2147483648.0, 2147483647.0); return;
    case DType::int64:
      *static_cast<std::int64_t*>(p) = v >= 0x1p63    ? INT64_MAX
                                       : v <= -0x1p63 ? INT64_MIN
                                       : v != v       ? 0
                                                      : static_cast<std::int64_t>(v);
      return;
    case DType::float16: *static_cast<Half*>(p) = to_half(static_cast<float>(v)); return;
    case DType::bfloat16: *static_cast<BFloat16*>(p) = to_bfloat16(static_cast<float>(v)); return;
    case DType::float32: *static_cast<float*>(p) = static_cast<float>(v); return;
    case DType::float64: *static_cast<double*>(p) = v; return;
  }
}

}  // namespace nacre
