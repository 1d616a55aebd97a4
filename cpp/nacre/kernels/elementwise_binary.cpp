// Binary kernels on float32 and float64 whose output has their dtype. Definitions: elementwise.h.
#include "nacre/kernels/elementwise_loop.h"
#include "nacre/simd/activation.h"

namespace nacre::NACRE_ISA {

using namespace simd;

static NACRE_INLINE float fmod_of(float a, float b) { return __builtin_fmodf(a, b); }
static NACRE_INLINE double fmod_of(double a, double b) { return __builtin_fmod(a, b); }
static NACRE_INLINE float sign_from(float a, float s) { return __builtin_copysignf(a, s); }
static NACRE_INLINE double sign_from(double a, double s) { return __builtin_copysign(a, s); }

// a - floor(a / b) b without the rounding of a / b: C's remainder, moved to the side of b. Zero takes the sign of b.
template <class T>
static T mod_value(T a, T b) {
  const T r = fmod_of(a, b);
  if (r == 0) return sign_from(T(0), b);
  return (r < 0) != (b < 0) ? r + b : r;
}
// The whole number nearest to (a - mod) / b, which is whole up to rounding.
template <class T>
static T floor_divide_value(T a, T b) {
  if (b == 0) return a / b;
  T r = fmod_of(a, b), q = (a - r) / b;
  if (r != 0 && (r < 0) != (b < 0)) q -= T(1);
  if (q == 0) return sign_from(T(0), a / b);
  const T whole = static_cast<T>(__builtin_floor(static_cast<double>(q)));
  return q - whole > T(0.5) ? whole + T(1) : whole;
}

void fill_binary_float(ElementwiseTable& t) {
  set_float<[](auto a, auto b) { return a + b; }>(t, BinaryKind::add);
  set_float<[](auto a, auto b) { return a - b; }>(t, BinaryKind::sub);
  set_float<[](auto a, auto b) { return a * b; }>(t, BinaryKind::mul);
  set_float<[](auto a, auto b) { return a / b; }>(t, BinaryKind::div);
  set_float<[](auto a, auto b) { return min_nan(a, b); }>(t, BinaryKind::minimum);
  set_float<[](auto a, auto b) { return max_nan(a, b); }>(t, BinaryKind::maximum);
  set_float<[](auto a, auto b) { return (a - b) * (a - b); }>(t, BinaryKind::squared_difference);
  set_float<[](auto a, auto b) { return map_lanes(a, b, [](auto u, auto v) { return floor_divide_value(u, v); }); }>(
      t, BinaryKind::floor_divide);
  set_float<[](auto a, auto b) { return map_lanes(a, b, [](auto u, auto v) { return mod_value(u, v); }); }>(t, BinaryKind::mod);
  set_float<[](auto a, auto b) { return pow(a, b); }>(t, BinaryKind::power);
  set_float<[](auto a, auto b) { return atan2(a, b); }>(t, BinaryKind::atan2);
  set_float<[](auto a, auto b, auto p) { return p.first * a + p.second * b; }, 2>(t, BinaryKind::axpby);
}

}  // namespace nacre::NACRE_ISA
