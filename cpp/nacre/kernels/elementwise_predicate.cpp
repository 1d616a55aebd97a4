// Kernels that write bool: comparisons, logic, and tests for NaN and infinity. bool is one byte; inputs are true when not 0.
#include "nacre/kernels/elementwise_loop.h"

namespace nacre::NACRE_ISA {

// T is how an element is read: bytes of a bool go through a comparison with 0 first, so that 2 and 1 are the same truth.
struct Bool {
  uint8_t byte;
};
// int, so that & and | below do not branch.
template <class T>
static NACRE_INLINE int truth(T v) {
  return v != T(0);
}
static NACRE_INLINE int truth(Bool v) { return v.byte != 0; }
template <class T>
static NACRE_INLINE T value(T v) {
  return v;
}
static NACRE_INLINE int value(Bool v) { return v.byte != 0; }

template <class T>
static void fill_logic(ElementwiseTable& t, DType dtype) {
  const int d = static_cast<int>(dtype);
  auto binary = [&t, d](BinaryKind k, BinaryFn f) { t.binary[static_cast<int>(k)][d] = f; };
  t.unary[static_cast<int>(UnaryKind::logical_not)][d] = unary_values<T, uint8_t, [](T x) { return !truth(x); }>;
  binary(BinaryKind::logical_and, binary_values<T, uint8_t, [](T a, T b) { return truth(a) & truth(b); }>);
  binary(BinaryKind::logical_or, binary_values<T, uint8_t, [](T a, T b) { return truth(a) | truth(b); }>);
  binary(BinaryKind::logical_xor, binary_values<T, uint8_t, [](T a, T b) { return truth(a) ^ truth(b); }>);
  binary(BinaryKind::equal, binary_values<T, uint8_t, [](T a, T b) { return value(a) == value(b); }>);
  binary(BinaryKind::not_equal, binary_values<T, uint8_t, [](T a, T b) { return value(a) != value(b); }>);
  binary(BinaryKind::less, binary_values<T, uint8_t, [](T a, T b) { return value(a) < value(b); }>);
  binary(BinaryKind::less_equal, binary_values<T, uint8_t, [](T a, T b) { return value(a) <= value(b); }>);
  binary(BinaryKind::greater, binary_values<T, uint8_t, [](T a, T b) { return (value(a) > value(b)); }>);
  binary(BinaryKind::greater_equal, binary_values<T, uint8_t, [](T a, T b) { return (value(a) >= value(b)); }>);
}

template <class T>
static void fill_classes(ElementwiseTable& t, DType dtype) {
  const int d = static_cast<int>(dtype);
  auto unary = [&t, d](UnaryKind k, UnaryFn f) { t.unary[static_cast<int>(k)][d] = f; };
  constexpr T inf = T(__builtin_inf());
  unary(UnaryKind::isnan, unary_values<T, uint8_t, [](T x) { return x != x; }>);
  unary(UnaryKind::isinf, unary_values<T, uint8_t, [](T x) { return x == inf || x == -inf; }>);
  unary(UnaryKind::isfinite, unary_values<T, uint8_t, [](T x) { return x - x == T(0); }>);
}

void fill_predicate(ElementwiseTable& t) {
  fill_logic<Bool>(t, DType::boolean);
  fill_logic<uint8_t>(t, DType::uint8);
  fill_logic<int8_t>(t, DType::int8);
  fill_logic<int32_t>(t, DType::int32);
  fill_logic<int64_t>(t, DType::int64);
  fill_logic<float>(t, DType::float32);
  fill_logic<double>(t, DType::float64);
  fill_classes<float>(t, DType::float32);
  fill_classes<double>(t, DType::float64);
  auto both = binary_values<Bool, uint8_t, [](Bool a, Bool b) { return truth(a) & truth(b); }>;
  auto either = binary_values<Bool, uint8_t, [](Bool a, Bool b) { return truth(a) | truth(b); }>;
  t.binary[static_cast<int>(BinaryKind::minimum)][static_cast<int>(DType::boolean)] = both;
  t.binary[static_cast<int>(BinaryKind::maximum)][static_cast<int>(DType::boolean)] = either;
}

}  // namespace nacre::NACRE_ISA
