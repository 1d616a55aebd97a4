// Kernels on uint8, int8, int32, int64. Overflow wraps: arithmetic goes through unsigned. Nothing traps: a zero divisor gives 0 and a bit of
// the status word, INT_MIN / -1 wraps to INT_MIN.
#include "nacre/kernels/elementwise_loop.h"

namespace nacre::NACRE_ISA {

// An unsigned type at least as wide as int, so that promotion never brings signed arithmetic back.
template <class T>
struct WideOf {
  using type = uint32_t;
};
template <>
struct WideOf<int64_t> {
  using type = uint64_t;
};
template <class T>
using Wide = typename WideOf<T>::type;

template <class T>
constexpr bool kSigned = T(-1) < T(0);
template <class T>
constexpr T kLowest = kSigned<T> ? T(Wide<T>(1) << (8 * sizeof(T) - 1)) : T(0);
template <class T>
constexpr T kLargest = T(~kLowest<T>);

template <class T>
static NACRE_INLINE T floor_divide_int(T a, T b, uint32_t& status) {
  if (b == 0) {
    status |= kZeroDivisor;
    return 0;
  }
  if constexpr (kSigned<T>) {
    if (b == T(-1)) return T(Wide<T>(0) - Wide<T>(a));
    const T q = T(a / b);
    return a % b != 0 && (a < 0) != (b < 0) ? T(q - 1) : q;
  } else {
    return T(a / b);
  }
}
template <class T>
static NACRE_INLINE T mod_int(T a, T b, uint32_t& status) {
  if (b == 0) {
    status |= kZeroDivisor;
    return 0;
  }
  if constexpr (kSigned<T>) {
    if (b == T(-1)) return 0;
    const T r = T(a % b);
    return r != 0 && (r < 0) != (b < 0) ? T(r + b) : r;
  } else {
    return T(a % b);
  }
}
template <class T>
static NACRE_INLINE T power_int(T a, T b, uint32_t& status) {
  if (b < 0) {
    status |= kNegativePower;
    return a == 1 ? T(1) : a == T(-1) ? ((b & 1) ? T(-1) : T(1)) : T(0);
  }
  Wide<T> result = 1, base = Wide<T>(a);
  for (Wide<T> e = Wide<T>(b); e; e >>= 1) {
    if (e & 1) result *= base;
    base *= base;
  }
  return T(result);
}

// A double bound as an integer of type T, saturated; rounded into the interval that it bounds.
template <class T>
static NACRE_INLINE T bound_int(double v) {
  if (v <= static_cast<double>(kLowest<T>)) return kLowest<T>;
  if (v >= static_cast<double>(kLargest<T>)) return kLargest<T>;
  return v == v ? static_cast<T>(v) : T(0);
}
template <class T>
static void clip_int(int64_t n, const void* x_, int64_t sx, void* y_, int64_t sy, const double* params) noexcept {
  const T* x = static_cast<const T*>(x_);
  T* y = static_cast<T*>(y_);
  const T low = bound_int<T>(__builtin_ceil(params[0])), high = bound_int<T>(__builtin_floor(params[1]));
  for (int64_t i = 0; i < n; ++i) {
    T v = x[i * sx];
    v = v < low ? low : v;
    y[i * sy] = v > high ? high : v;
  }
}

template <class T>
static void fill_type(ElementwiseTable& t) {
  constexpr int d = static_cast<int>(dtype_of<T>);
  auto unary = [&t](UnaryKind k, UnaryFn f) { t.unary[static_cast<int>(k)][d] = f; };
  auto binary = [&t](BinaryKind k, BinaryFn f) { t.binary[static_cast<int>(k)][d] = f; };
  unary(UnaryKind::neg, unary_values<T, T, [](T x) { return T(Wide<T>(0) - Wide<T>(x)); }>);
  unary(UnaryKind::abs, unary_values<T, T, [](T x) { return x < 0 ? T(Wide<T>(0) - Wide<T>(x)) : x; }>);
  unary(UnaryKind::sign, unary_values<T, T, [](T x) { return T((x > 0) - (x < 0)); }>);
  unary(UnaryKind::square, unary_values<T, T, [](T x) { return T(Wide<T>(x) * Wide<T>(x)); }>);
  unary(UnaryKind::relu, unary_values<T, T, [](T x) { return (x > 0) ? x : T(0); }>);
  unary(UnaryKind::clip, clip_int<T>);
  binary(BinaryKind::add, binary_values<T, T, [](T a, T b) { return T(Wide<T>(a) + Wide<T>(b)); }>);
  binary(BinaryKind::sub, binary_values<T, T, [](T a, T b) { return T(Wide<T>(a) - Wide<T>(b)); }>);
  binary(BinaryKind::mul, binary_values<T, T, [](T a, T b) { return T(Wide<T>(a) * Wide<T>(b)); }>);
  binary(BinaryKind::minimum, binary_values<T, T, [](T a, T b) { return a < b ? a : b; }>);
  binary(BinaryKind::maximum, binary_values<T, T, [](T a, T b) { return (a > b) ? a : b; }>);
  binary(BinaryKind::squared_difference, binary_values<T, T, [](T a, T b) {
           const Wide<T> v = Wide<T>(a) - Wide<T>(b);
           return T(v * v);
         }>);
  binary(BinaryKind::floor_divide, binary_values<T, T, [](T a, T b, uint32_t& s) { return floor_divide_int(a, b, s); }>);
  binary(BinaryKind::mod, binary_values<T, T, [](T a, T b, uint32_t& s) { return mod_int(a, b, s); }>);
  binary(BinaryKind::power, binary_values<T, T, [](T a, T b, uint32_t& s) { return power_int(a, b, s); }>);
}

void fill_integer(ElementwiseTable& t) {
  fill_type<uint8_t>(t);
  fill_type<int8_t>(t);
  fill_type<int32_t>(t);
  fill_type<int64_t>(t);
}

}  // namespace nacre::NACRE_ISA
