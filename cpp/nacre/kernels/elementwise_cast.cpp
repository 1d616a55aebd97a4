// Conversions between all nine dtypes. To a float: nearest, ties to even, one rounding. Float to integer: towards zero, saturated, NaN
// gives 0. Integer to a narrower integer: the low bits. To bool: not equal to zero.
#include "nacre/kernels/elementwise_loop.h"
#include "nacre/simd/half.h"

namespace nacre::NACRE_ISA {

using namespace simd;

// Element types as read and written; bool and the 16-bit floats differ from the C++ types of their size.
struct BoolByte {
  uint8_t byte;
};
struct HalfBits {
  uint16_t bits;
};
struct BFloat16Bits {
  uint16_t bits;
};

template <class A, class B>
constexpr bool kSame = false;
template <class A>
constexpr bool kSame<A, A> = true;
template <class T>
constexpr bool kFloat = kSame<T, float> || kSame<T, double>;
template <class T>
constexpr bool kWide = kSame<T, double> || kSame<T, int64_t> || kSame<T, int32_t>;  // holds values that a float does not

// The bounds 2^k and -2^k (or 0) of an integer type, exact in float and double.
template <class To>
static NACRE_INLINE To from_float(double v) {
  constexpr bool is_signed = To(-1) < To(0);
  constexpr double top = is_signed ? double(uint64_t(1) << (8 * sizeof(To) - 1)) : double(uint64_t(1) << 8);
  constexpr To largest = To(is_signed ? (uint64_t(1) << (8 * sizeof(To) - 1)) - 1 : 255);
  constexpr To lowest = To(~largest);
  constexpr double bottom = is_signed ? -top : 0.0;
  return v >= top ? largest : v > bottom ? To(v) : v <= bottom ? lowest : To(0);
}

template <class To, class From>
static NACRE_INLINE To convert(From v) {
  if constexpr (kSame<From, BoolByte>)
    return convert<To>(static_cast<uint8_t>(v.byte != 0));
  else if constexpr (kSame<From, HalfBits>)
    return convert<To>(half_to_float(v.bits));
  else if constexpr (kSame<From, BFloat16Bits>)
    return convert<To>(bfloat16_to_float(v.bits));
  else if constexpr (kSame<To, BoolByte>)
    return {v != From(0)};
  else if constexpr (kSame<To, HalfBits> || kSame<To, BFloat16Bits>) {
    float f;
    if constexpr (kSame<From, int64_t>)
      f = round_to_odd(v);
    else if constexpr (kWide<From>)
      f = round_to_odd(static_cast<double>(v));
    else
      f = static_cast<float>(v);
    if constexpr (kSame<To, HalfBits>)
      return {float_to_half(f)};
    else
      return {float_to_bfloat16(f)};
  } else if constexpr (kFloat<From> && !kFloat<To>)
    return from_float<To>(static_cast<double>(v));
  else
    return static_cast<To>(v);
}

// Conversions that no kernel of a network makes: element by element, for vectorised they were 3 % of the library. So are all with strides (below), which
// GCC would gather lane by lane.
template <class From, class To>
constexpr bool kRare = kSame<From, HalfBits> || kSame<To, HalfBits> || (kSame<From, BFloat16Bits> && !kSame<To, float>) ||
                       (kSame<To, BFloat16Bits> && !kSame<From, float>);

template <class From, class To>
static void cast_values(int64_t n, const void* x_, int64_t sx, void* y_, int64_t sy) noexcept {
  const From* x = static_cast<const From*>(x_);
  To* y = static_cast<To*>(y_);
  if (sx == 1 && sy == 1) {
    int64_t i = 0;
    if constexpr (kSame<From, HalfBits> && kSame<To, float>) {
      for (; i + PacketF::size <= n; i += PacketF::size) load_half(&x[i].bits).store(y + i);
    } else if constexpr (kSame<From, float> && kSame<To, HalfBits>) {
      for (; i + PacketF::size <= n; i += PacketF::size) store_half(&y[i].bits, PacketF::load(x + i));
    }
    for (; i < n; ++i) {
      if constexpr (kRare<From, To>)
        __asm__ volatile("");  // keeps the loop from being vectorised; float16 to and from float is done by now
      y[i] = convert<To>(x[i]);
    }
  } else {
    for (int64_t i = 0; i < n; ++i) {
      __asm__ volatile("");
      y[i * sy] = convert<To>(x[i * sx]);
    }
  }
}

template <class From>
static void fill_from(ElementwiseTable& t, DType from) {
  CopyFn* row = t.cast[static_cast<int>(from)];
  row[static_cast<int>(DType::boolean)] = cast_values<From, BoolByte>;
  row[static_cast<int>(DType::uint8)] = cast_values<From, uint8_t>;
  row[static_cast<int>(DType::int8)] = cast_values<From, int8_t>;
  row[static_cast<int>(DType::int32)] = cast_values<From, int32_t>;
  row[static_cast<int>(DType::int64)] = cast_values<From, int64_t>;
  row[static_cast<int>(DType::float16)] = cast_values<From, HalfBits>;
  row[static_cast<int>(DType::bfloat16)] = cast_values<From, BFloat16Bits>;
  row[static_cast<int>(DType::float32)] = cast_values<From, float>;
  row[static_cast<int>(DType::float64)] = cast_values<From, double>;
}

void fill_cast(ElementwiseTable& t) {
  fill_from<BoolByte>(t, DType::boolean);
  fill_from<uint8_t>(t, DType::uint8);
  fill_from<int8_t>(t, DType::int8);
  fill_from<int32_t>(t, DType::int32);
  fill_from<int64_t>(t, DType::int64);
  fill_from<HalfBits>(t, DType::float16);
  fill_from<BFloat16Bits>(t, DType::bfloat16);
  fill_from<float>(t, DType::float32);
  fill_from<double>(t, DType::float64);
}

}  // namespace nacre::NACRE_ISA
