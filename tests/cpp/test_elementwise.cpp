// Elementwise kernels of every instruction set of this machine against plain double arithmetic, in all stride patterns; integers against
// 128-bit arithmetic; gradients against central differences.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "nacre/kernels/table.h"

using namespace nacre;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

std::vector<Isa> isas() {
  std::vector<Isa> all;
  for (Isa i : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (isa_available(i)) all.push_back(i);
  }
  return all;
}

double sigmoid(double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }
double cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double gelu_tanh(double x) { return x * sigmoid(2 * std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)); }

struct Unary {
  UnaryKind kind;
  const char* name;
  std::function<double(double)> exact;
  std::vector<double> params = {};
};
const std::vector<Unary>& unaries() {
  using K = UnaryKind;
  static const std::vector<Unary> all = {
      {K::neg, "neg", [](double x) { return -x; }},
      {K::abs, "abs", [](double x) { return std::fabs(x); }},
      {K::sign, "sign", [](double x) { return x > 0   ? 1.0
                                              : x < 0 ? -1.0
                                                      : x; }},
      {K::square, "square", [](double x) { return x * x; }},
      {K::clip, "clip", [](double x) { return std::isnan(x) ? x : std::min(std::max(x, -1.25), 2.0); }, {-1.25, 2.0}},
      {K::sqrt, "sqrt", [](double x) { return std::sqrt(x); }},
      {K::rsqrt, "rsqrt", [](double x) { return 1 / std::sqrt(x); }},
      {K::reciprocal, "reciprocal", [](double x) { return 1 / x; }},
      {K::exp, "exp", [](double x) { return std::exp(x); }},
      {K::expm1, "expm1", [](double x) { return std::expm1(x); }},
      {K::log, "log", [](double x) { return std::log(x); }},
      {K::log1p, "log1p", [](double x) { return std::log1p(x); }},
      {K::log2, "log2", [](double x) { return std::log2(x); }},
      {K::log10, "log10", [](double x) { return std::log10(x); }},
      {K::sin, "sin", [](double x) { return std::sin(x); }},
      {K::cos, "cos", [](double x) { return std::cos(x); }},
      {K::tan, "tan", [](double x) { return std::tan(x); }},
      {K::asin, "asin", [](double x) { return std::asin(x); }},
      {K::acos, "acos", [](double x) { return std::acos(x); }},
      {K::atan, "atan", [](double x) { return std::atan(x); }},
      {K::sinh, "sinh", [](double x) { return std::sinh(x); }},
      {K::cosh, "cosh", [](double x) { return std::cosh(x); }},
      {K::tanh, "tanh", [](double x) { return std::tanh(x); }},
      {K::erf, "erf", [](double x) { return std::erf(x); }},
      {K::floor, "floor", [](double x) { return std::floor(x); }},
      {K::ceil, "ceil", [](double x) { return std::ceil(x); }},
      {K::round, "round", [](double x) { return std::nearbyint(x); }},
      {K::trunc, "trunc", [](double x) { return std::trunc(x); }},
      {K::sigmoid, "sigmoid", sigmoid},
      {K::relu, "relu", [](double x) { return x > 0 || std::isnan(x) ? x : 0.0; }},
      {K::leaky_relu, "leaky_relu", [](double x) { return x > 0 ? x : 1.5 * x; }, {1.5}},
      {K::elu, "elu", [](double x) { return x > 0 ? x : 0.75 * std::expm1(x); }, {0.75}},
      {K::selu, "selu", [](double x) { return 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * std::expm1(x)); }},
      {K::softplus, "softplus", softplus},
      {K::softsign, "softsign", [](double x) { return std::isinf(x) ? std::copysign(1.0, x) : x / (1 + std::fabs(x)); }},
      {K::silu, "silu", [](double x) { return x == -kInf ? 0.0 : x * sigmoid(1.5 * x); }, {1.5}},
      {K::gelu, "gelu", [](double x) { return x == -kInf ? 0.0 : x * cdf(x); }},
      {K::gelu_tanh, "gelu_tanh", [](double x) { return x == -kInf ? 0.0 : gelu_tanh(x); }},
      {K::hard_sigmoid, "hard_sigmoid", [](double x) { return std::isnan(x) ? x : std::min(std::max(x + 3, 0.0), 6.0) / 6; }},
      {K::mish, "mish", [](double x) { return x == -kInf ? 0.0 : x * std::tanh(softplus(x)); }},
  };
  return all;
}

struct Binary {
  BinaryKind kind;
  const char* name;
  std::function<double(double, double)> exact;
  std::vector<double> params = {};
};
double np_mod(double a, double b) {
  double r = std::fmod(a, b);
  if (r == 0) return std::copysign(0.0, b);
  return (r < 0) != (b < 0) ? r + b : r;
}
const std::vector<Binary>& binaries() {
  using K = BinaryKind;
  static const std::vector<Binary> all = {
      {K::add, "add", [](double a, double b) { return a + b; }},
      {K::sub, "sub", [](double a, double b) { return a - b; }},
      {K::mul, "mul", [](double a, double b) { return a * b; }},
      {K::div, "div", [](double a, double b) { return a / b; }},
      {K::minimum, "minimum", [](double a, double b) { return std::isnan(a) || std::isnan(b) ? std::nan("") : std::min(a, b); }},
      {K::maximum, "maximum", [](double a, double b) { return std::isnan(a) || std::isnan(b) ? std::nan("") : std::max(a, b); }},
      {K::squared_difference, "squared_difference", [](double a, double b) { return (a - b) * (a - b); }},
      {K::mod, "mod", np_mod},
      {K::power, "power", [](double a, double b) { return std::pow(a, b); }},
      {K::atan2, "atan2", [](double a, double b) { return std::atan2(a, b); }},
      {K::axpby, "axpby", [](double a, double b) { return 2.0 * a - 0.5 * b; }, {2.0, -0.5}},
  };
  return all;
}

// Values that are floats, so that both dtypes see the same ones.
std::vector<double> values() {
  std::vector<double> v = {0.0,  -0.0,  0.5, -0.5, 1,     -1,     1.5,   2.5,  -2.5,  3,           -3,
                           7.75, -7.75, 30,  -30,  0.001, -0.001, 1e-3f, kInf, -kInf, std::nan("")};
  for (int i = 0; i < 60; ++i) v.push_back(static_cast<float>(-4.0 + 0.137 * i));
  return v;
}

// Relative to the result, with an absolute floor where cancellation is inherent (sin near pi, log near 1 of a rounded input).
// 8 units of the last place: the worst stated bound (gelu 5.5) and the rounding of the reference's input constants.
template <class T>
bool close(T got, double exact) {
  if (std::isnan(exact)) return std::isnan(got);
  if (std::fabs(exact) > static_cast<double>(std::numeric_limits<T>::max()))
    return got == static_cast<T>(std::copysign(kInf, exact));
  const double unit = std::numeric_limits<T>::epsilon();
  return std::fabs(static_cast<double>(got) - exact) <= 8 * unit * std::fabs(exact) + 4 * unit * 1e-2;
}
template <class T>
bool same(T a, T b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0 || (a != a && b != b);
}

// Elements laid out with a stride (negative: from the end backwards), the gaps holding a mark.
template <class T>
struct Strided {
  std::vector<T> store;
  std::int64_t stride, n;
  Strided(std::int64_t n_, std::int64_t s, T mark)
      : store(static_cast<std::size_t>(std::max<std::int64_t>(1, n_ * std::abs(s)) + 8), mark), stride(s), n(n_) {}
  T* first() { return store.data() + (stride < 0 ? (n - 1) * -stride : 0); }
  T& operator[](std::int64_t i) { return first()[i * stride]; }
};

const std::int64_t kStrides[] = {1, 0, 2, 3, -1};

template <class T>
void check_unary(const ElementwiseTable& t, const Unary& u) {
  const UnaryFn fn = unary_fn(t, u.kind, dtype_of<T>);
  REQUIRE((fn != nullptr));
  const auto v = values();
  const auto n = static_cast<std::int64_t>(v.size());
  std::vector<T> x(v.begin(), v.end()), whole(v.size());
  fn(n, x.data(), 1, whole.data(), 1, u.params.data());
  for (std::int64_t i = 0; i < n; ++i) {
    CAPTURE(v[i]);
    CAPTURE(whole[i]);
    CHECK(close(whole[i], u.exact(v[i])));
  }
  for (std::int64_t sx : kStrides) {
    for (std::int64_t sy : {1, 2, -1}) {
      for (std::int64_t count : {std::int64_t{0}, std::int64_t{1}, std::int64_t{5}, std::int64_t{17}, n}) {
        Strided<T> in(count, sx, T(-9)), out(count, sy, T(-9));
        for (std::int64_t i = 0; i < count; ++i) in[i] = x[static_cast<std::size_t>(sx == 0 ? 3 : i)];
        fn(count, in.first(), sx, out.first(), sy, u.params.data());
        std::int64_t touched = 0;
        std::int64_t wrong = 0;
        for (std::int64_t i = 0; i < count; ++i) wrong += !same(out[i], whole[static_cast<std::size_t>(sx == 0 ? 3 : i)]);
        REQUIRE(wrong == 0);
        for (T e : out.store) touched += !same(e, T(-9));
        REQUIRE(touched <= count);
      }
    }
  }
  fn(n, x.data(), 1, x.data(), 1, u.params.data());  // in place
  for (std::int64_t i = 0; i < n; ++i) REQUIRE(same(x[i], whole[i]));
}

template <class T>
void check_binary(const ElementwiseTable& t, const Binary& b) {
  const BinaryFn fn = binary_fn(t, b.kind, dtype_of<T>);
  REQUIRE((fn != nullptr));
  const auto v = values();
  std::vector<T> x, y;
  for (double p : v) {
    for (double q : v) {
      x.push_back(static_cast<T>(p));
      y.push_back(static_cast<T>(q));
    }
  }
  const auto n = static_cast<std::int64_t>(x.size());
  std::vector<T> whole(x.size());
  fn(n, x.data(), 1, y.data(), 1, whole.data(), 1, b.params.data(), nullptr);
  for (std::int64_t i = 0; i < n; ++i) {
    const double p = x[i], q = y[i];
    if (close(whole[i], b.exact(p, q))) continue;
    // Sums of unlike signs: the error is a rounding of the terms.
    const double terms = std::fabs(p) * 2 + std::fabs(q);
    const bool sum = b.kind == BinaryKind::axpby || b.kind == BinaryKind::squared_difference || b.kind == BinaryKind::add ||
                     b.kind == BinaryKind::sub;
    if (sum && std::fabs(whole[i] - b.exact(p, q)) <= std::numeric_limits<T>::epsilon() * terms * std::max(1.0, terms)) continue;
    CAPTURE(p);
    CAPTURE(q);
    CAPTURE(whole[i]);
    CHECK(close(whole[i], b.exact(p, q)));
  }
  for (std::int64_t sa : kStrides) {
    for (std::int64_t sb : kStrides) {
      for (std::int64_t sy : {1, 2}) {
        const std::int64_t count = 300;
        Strided<T> as(count, sa, T(0)), bs(count, sb, T(0)), out(count, sy, T(-9));
        for (std::int64_t i = 0; i < count; ++i) as[i] = x[sa == 0 ? 700 : 2 * i], bs[i] = y[sb == 0 ? 705 : 2 * i + 1];
        std::vector<T> ca(count), cb(count), wanted(count);
        for (std::int64_t i = 0; i < count; ++i) ca[i] = as[i], cb[i] = bs[i];
        fn(count, ca.data(), 1, cb.data(), 1, wanted.data(), 1, b.params.data(), nullptr);
        fn(count, as.first(), sa, bs.first(), sb, out.first(), sy, b.params.data(), nullptr);
        std::int64_t wrong = 0;
        for (std::int64_t i = 0; i < count; ++i) wrong += !same(out[i], wanted[i]);
        REQUIRE(wrong == 0);
      }
    }
  }
}

template <class I>
void check_integers(const ElementwiseTable& t) {
  using Big = __int128;
  const I low = std::numeric_limits<I>::min(), high = std::numeric_limits<I>::max();
  const std::vector<I> v = {low, I(low + 1), I(-7), I(-2), I(-1), 0, 1, 2, 3, 7, 10, I(high / 2), I(high - 1), high};
  std::vector<I> a, b;
  for (I p : v) {
    for (I q : v) a.push_back(p), b.push_back(q);
  }
  const auto n = static_cast<std::int64_t>(a.size());
  auto wrap = [](Big x) { return static_cast<I>(static_cast<std::uint64_t>(x)); };
  auto floor_div = [](Big p, Big q) { return p / q - (p % q != 0 && (p < 0) != (q < 0)); };
  auto power = [&](Big p, Big q) -> I {
    if (q < 0) return p == 1 ? I(1) : p == -1 ? (q % 2 ? I(-1) : I(1)) : I(0);
    std::uint64_t r = 1, base = static_cast<std::uint64_t>(p);
    for (auto e = static_cast<std::uint64_t>(q); e; e >>= 1, base *= base) {
      if (e & 1) r *= base;
    }
    return static_cast<I>(r);
  };
  const std::pair<BinaryKind, std::function<I(Big, Big)>> cases[] = {
      {BinaryKind::add, [&](Big p, Big q) { return wrap(p + q); }},
      {BinaryKind::sub, [&](Big p, Big q) { return wrap(p - q); }},
      {BinaryKind::mul, [&](Big p, Big q) { return wrap(p * q); }},
      {BinaryKind::minimum, [&](Big p, Big q) { return wrap(p < q ? p : q); }},
      {BinaryKind::maximum, [&](Big p, Big q) { return wrap(p > q ? p : q); }},
      {BinaryKind::squared_difference,
       [&](Big p, Big q) { return static_cast<I>(static_cast<std::uint64_t>(p - q) * static_cast<std::uint64_t>(p - q)); }},
      {BinaryKind::floor_divide, [&](Big p, Big q) { return q == 0 ? I(0) : wrap(floor_div(p, q)); }},
      {BinaryKind::mod, [&](Big p, Big q) { return q == 0 ? I(0) : wrap(p - q * floor_div(p, q)); }},
      {BinaryKind::power, power},
  };
  for (const auto& [which, exact] : cases) {
    const BinaryKind kind = which;  // CAPTURE makes a lambda, and Clang 14 captures no structured binding
    const BinaryFn fn = binary_fn(t, kind, dtype_of<I>);
    REQUIRE((fn != nullptr));
    std::vector<I> y(a.size());
    std::uint32_t status = 0;
    fn(n, a.data(), 1, b.data(), 1, y.data(), 1, nullptr, &status);
    for (std::int64_t i = 0; i < n; ++i) {
      CAPTURE(static_cast<int>(kind));
      CAPTURE(static_cast<std::int64_t>(a[i]));
      CAPTURE(static_cast<std::int64_t>(b[i]));
      CHECK(y[i] == exact(a[i], b[i]));
    }
    const bool divides = kind == BinaryKind::floor_divide || kind == BinaryKind::mod;
    const bool raises = kind == BinaryKind::power && std::is_signed_v<I>;
    CHECK(status == (divides ? kZeroDivisor : raises ? kNegativePower : 0u));
    fn(n, a.data(), 1, b.data() + 7, 0, y.data(), 1, nullptr, nullptr);  // broadcast scalar, no status wanted
    for (std::int64_t i = 0; i < n; ++i) REQUIRE(y[i] == exact(a[i], b[7]));
  }
  const std::pair<UnaryKind, std::function<I(Big)>> ones[] = {{UnaryKind::neg, [&](Big p) { return wrap(-p); }},
                                                              {UnaryKind::abs, [&](Big p) { return wrap(p < 0 ? -p : p); }},
                                                              {UnaryKind::sign, [&](Big p) { return I((p > 0) - (p < 0)); }},
                                                              {UnaryKind::square, [&](Big p) { return wrap(p * p); }},
                                                              {UnaryKind::relu, [&](Big p) { return wrap(p > 0 ? p : 0); }},
                                                              {UnaryKind::clip, [&](Big p) {
                                                                 return wrap(p < 2 ? Big(2) : p > 9 ? Big(9) : p);
                                                               }}};
  const double params[] = {1.5, 9.75};
  for (const auto& [kind, exact] : ones) {
    std::vector<I> y(a.size());
    unary_fn(t, kind, dtype_of<I>)(n, a.data(), 1, y.data(), 1, params);
    for (std::int64_t i = 0; i < n; ++i) CHECK(y[i] == exact(a[i]));
  }
  CHECK((unary_fn(t, UnaryKind::exp, dtype_of<I>) == nullptr));
  CHECK((binary_fn(t, BinaryKind::div, dtype_of<I>) == nullptr));
}

template <class T, class V>
void check_predicates(const ElementwiseTable& t, DType dtype, const std::vector<T>& v, V value) {
  std::vector<T> a, b;
  for (T p : v) {
    for (T q : v) a.push_back(p), b.push_back(q);
  }
  const auto n = static_cast<std::int64_t>(a.size());
  using D = decltype(value(a[0]));
  const std::pair<BinaryKind, std::function<bool(D, D)>> cases[] = {
      {BinaryKind::equal, [](D p, D q) { return p == q; }},
      {BinaryKind::not_equal, [](D p, D q) { return p != q; }},
      {BinaryKind::less, [](D p, D q) { return p < q; }},
      {BinaryKind::less_equal, [](D p, D q) { return p <= q; }},
      {BinaryKind::greater, [](D p, D q) { return p > q; }},
      {BinaryKind::greater_equal, [](D p, D q) { return p >= q; }},
      {BinaryKind::logical_and, [](D p, D q) { return p != 0 && q != 0; }},
      {BinaryKind::logical_or, [](D p, D q) { return p != 0 || q != 0; }},
      {BinaryKind::logical_xor, [](D p, D q) { return (p != 0) != (q != 0); }}};
  for (const auto& [kind, exact] : cases) {
    CHECK(writes_bool(kind));
    std::vector<std::uint8_t> y(a.size(), 77);
    binary_fn(t, kind, dtype)(n, a.data(), 1, b.data(), 1, y.data(), 1, nullptr, nullptr);
    for (std::int64_t i = 0; i < n; ++i) CHECK(y[i] == static_cast<std::uint8_t>(exact(value(a[i]), value(b[i]))));
    binary_fn(t, kind, dtype)(n / 2, a.data(), 2, b.data() + 3, 0, y.data(), 1, nullptr, nullptr);
    for (std::int64_t i = 0; i < n / 2; ++i) CHECK(y[i] == static_cast<std::uint8_t>(exact(value(a[2 * i]), value(b[3]))));
  }
  std::vector<std::uint8_t> y(a.size(), 77);
  unary_fn(t, UnaryKind::logical_not, dtype)(n, a.data(), 1, y.data(), 1, nullptr);
  for (std::int64_t i = 0; i < n; ++i) CHECK(y[i] == static_cast<std::uint8_t>(value(a[i]) == 0));
}

}  // namespace

TEST_CASE("unary float kernels: values, strides, in place, nothing beyond the run is written") {
  for (Isa isa : isas()) {
    const ElementwiseTable& t = kernels_for(isa).elementwise;
    for (const Unary& u : unaries()) {
      CAPTURE(std::string(isa_name(isa)));
      CAPTURE(std::string(u.name));
      check_unary<float>(t, u);
      check_unary<double>(t, u);
      CHECK((unary_fn(t, u.kind, DType::float16) == nullptr));
    }
    for (DType d : {DType::float32, DType::float64}) {
      for (int k = 0; k < kUnaryKinds; ++k) CHECK((t.unary[k][static_cast<int>(d)] != nullptr));
    }
  }
}

TEST_CASE("binary float kernels: values and strides") {
  for (Isa isa : isas()) {
    const ElementwiseTable& t = kernels_for(isa).elementwise;
    for (const Binary& b : binaries()) {
      CAPTURE(std::string(isa_name(isa)));
      CAPTURE(std::string(b.name));
      check_binary<float>(t, b);
      check_binary<double>(t, b);
    }
    for (DType d : {DType::float32, DType::float64}) {
      for (int k = 0; k < kBinaryKinds; ++k) CHECK((t.binary[k][static_cast<int>(d)] != nullptr));
    }
  }
}

TEST_CASE("floor_divide of floats as NumPy defines it") {
  const double a[] = {7, -7, 7, -7, 0, -0.0, 1, 5, kInf, 1, 0.3f, -1e-20};
  const double b[] = {2, 2, -2, -2, 3, 3, 0.1f, kInf, 2, 0, 0.1f, 1};
  const double wanted[] = {3, -4, -4, 3, 0, -0.0, 9, 0, std::nan(""), kInf, 3, -1};  // 1 // 0.1f: 0.1f is above 0.1
  for (Isa isa : isas()) {
    for (int i = 0; i < 12; ++i) {
      double y = 0;
      binary_fn(kernels_for(isa).elementwise, BinaryKind::floor_divide, DType::float64)(1, a + i, 1, b + i, 1, &y, 1, nullptr,
                                                                                        nullptr);
      CAPTURE(a[i]);
      CAPTURE(b[i]);
      CAPTURE(y);
      CHECK(same(y, wanted[i]));
    }
  }
}

TEST_CASE("integer kernels wrap, never trap, and report zero divisors") {
  for (Isa isa : isas()) {
    const ElementwiseTable& t = kernels_for(isa).elementwise;
    check_integers<std::uint8_t>(t);
    check_integers<std::int8_t>(t);
    check_integers<std::int32_t>(t);
    check_integers<std::int64_t>(t);
  }
}

TEST_CASE("comparisons and logic write 0 or 1") {
  auto itself = [](auto v) { return v; };
  const double nan = std::nan("");
  for (Isa isa : isas()) {
    const ElementwiseTable& t = kernels_for(isa).elementwise;
    check_predicates<float>(t, DType::float32, {0.0f, -0.0f, 1, -1, 2.5f, float(nan), float(kInf), -float(kInf)}, itself);
    check_predicates<double>(t, DType::float64, {0.0, -0.0, 1, -1, 1 + 1e-15, nan, kInf, -kInf}, itself);
    check_predicates<std::int64_t>(t, DType::int64, {0, 1, -1, INT64_MAX, INT64_MIN, INT64_MAX - 1, (1LL << 53) + 1}, itself);
    check_predicates<std::int32_t>(t, DType::int32, {0, 1, -1, INT32_MAX, INT32_MIN}, itself);
    check_predicates<std::int8_t>(t, DType::int8, {0, 1, -1, 127, -128}, itself);
    check_predicates<std::uint8_t>(t, DType::uint8, {0, 1, 127, 128, 255}, itself);
    check_predicates<std::uint8_t>(t, DType::boolean, {0, 1, 2, 255}, [](std::uint8_t v) { return v != 0 ? 1 : 0; });
    const double x[] = {0.0, -1.5, kInf, -kInf, nan, 1e308};
    std::uint8_t y[6];
    unary_fn(t, UnaryKind::isnan, DType::float64)(6, x, 1, y, 1, nullptr);
    CHECK(std::memcmp(y, "\0\0\0\0\1\0", 6) == 0);
    unary_fn(t, UnaryKind::isinf, DType::float64)(6, x, 1, y, 1, nullptr);
    CHECK(std::memcmp(y, "\0\0\1\1\0\0", 6) == 0);
    unary_fn(t, UnaryKind::isfinite, DType::float64)(6, x, 1, y, 1, nullptr);
    CHECK(std::memcmp(y, "\1\1\0\0\0\1", 6) == 0);
    const std::uint8_t p[] = {0, 0, 3, 2}, q[] = {0, 1, 0, 1};
    binary_fn(t, BinaryKind::maximum, DType::boolean)(4, p, 1, q, 1, y, 1, nullptr, nullptr);
    CHECK(std::memcmp(y, "\0\1\1\1", 4) == 0);
    binary_fn(t, BinaryKind::minimum, DType::boolean)(4, p, 1, q, 1, y, 1, nullptr, nullptr);
    CHECK(std::memcmp(y, "\0\0\0\1", 4) == 0);
  }
}

TEST_CASE("gradient kernels agree with central differences") {
  using K = BinaryKind;
  using U = UnaryKind;
  struct Pair {
    K grad;
    U forward;
    bool from_output;
    std::vector<double> params = {};
  };
  const Pair pairs[] = {{K::relu_grad, U::relu, true},
                        {K::leaky_relu_grad, U::leaky_relu, false, {1.5}},
                        {K::elu_grad, U::elu, false, {0.75}},
                        {K::selu_grad, U::selu, false},
                        {K::sigmoid_grad, U::sigmoid, true},
                        {K::tanh_grad, U::tanh, true},
                        {K::softplus_grad, U::softplus, false},
                        {K::softsign_grad, U::softsign, false},
                        {K::silu_grad, U::silu, false, {1.5}},
                        {K::gelu_grad, U::gelu, false},
                        {K::gelu_tanh_grad, U::gelu_tanh, false},
                        {K::hard_sigmoid_grad, U::hard_sigmoid, false},
                        {K::mish_grad, U::mish, false},
                        {K::clip_grad, U::clip, false, {-1.25, 2.0}},
                        {K::abs_grad, U::abs, false}};
  std::vector<double> x;  // avoids the corners at 0, +-3, -1.25, 2
  for (int i = 0; i < 101; ++i) x.push_back(-5.03 + 0.1 * i);
  const auto n = static_cast<std::int64_t>(x.size());
  for (Isa isa : isas()) {
    const ElementwiseTable& t = kernels_for(isa).elementwise;
    for (const Pair& p : pairs) {
      const double h = 1e-5;
      std::vector<double> up, down, y(x.size()), f1(x.size()), f0(x.size()), dy, dx(x.size());
      for (double v : x) up.push_back(v + h), down.push_back(v - h), dy.push_back(1.0 + 0.3 * v);
      const UnaryFn f = unary_fn(t, p.forward, DType::float64);
      f(n, x.data(), 1, y.data(), 1, p.params.data());
      f(n, up.data(), 1, f1.data(), 1, p.params.data());
      f(n, down.data(), 1, f0.data(), 1, p.params.data());
      const auto& saved = p.from_output ? y : x;
      binary_fn(t, p.grad, DType::float64)(n, saved.data(), 1, dy.data(), 1, dx.data(), 1, p.params.data(), nullptr);
      std::vector<float> saved32(saved.begin(), saved.end()), dy32(dy.begin(), dy.end()), dx32(x.size());
      binary_fn(t, p.grad, DType::float32)(n, saved32.data(), 1, dy32.data(), 1, dx32.data(), 1, p.params.data(), nullptr);
      for (std::int64_t i = 0; i < n; ++i) {
        CAPTURE(static_cast<int>(p.grad));
        CAPTURE(x[i]);
        // Central differences: h^2 of the third derivative and 1e-16 / h of rounding, both below 1e-9.
        CHECK(dx[i] == doctest::Approx(dy[i] * (f1[i] - f0[i]) / (2 * h)).epsilon(1e-8).scale(1));
        // float32: one rounding of the saved value may be amplified a few times.
        CHECK(dx32[i] == doctest::Approx(dx[i]).epsilon(2e-6).scale(1));
      }
    }
    // Far out the slopes reach their limits, without NaN.
    for (double v : {-1e30, -kInf, 1e30, kInf}) {
      for (K k : {K::silu_grad, K::gelu_grad, K::gelu_tanh_grad, K::mish_grad, K::softplus_grad}) {
        const float x1 = static_cast<float>(v), one = 1;
        float got = -7;
        const double beta = 1;
        binary_fn(t, k, DType::float32)(1, &x1, 1, &one, 1, &got, 1, &beta, nullptr);
        CHECK(got == doctest::Approx(v > 0 ? 1.0 : 0.0));
      }
    }
  }
}
