#include "packet_probe.h"

#include "nacre/simd/packet.h"

namespace nacre::NACRE_ISA {
namespace {
using namespace simd;

struct Log {
  char* text;
  std::int64_t capacity;
  int failures = 0;
  void check(bool good, const char* what, int lane, double a, double b) {
    if (good) return;
    if (failures++ == 0)
      __builtin_snprintf(text, static_cast<unsigned long>(capacity), "%s, lane %d of (%.9g, %.9g)", what, lane, a, b);
  }
};

template <class T>
bool same(T a, T b) {  // equal bits, or both NaN: which NaN comes out is not promised
  return __builtin_memcmp(&a, &b, sizeof(T)) == 0 || (a != a && b != b);
}

const double kValues[] = {0.0,
                          -0.0,
                          1.0,
                          -1.0,
                          0.5,
                          -0.5,
                          1.5,
                          2.5,
                          -2.5,
                          3.75,
                          -7.25,
                          1e-42,
                          -1e-42,
                          1e-30,
                          1e30,
                          -1e30,
                          8388607.5,
                          8388609.0,
                          -4194303.5,
                          1e10,
                          __builtin_inf(),
                          -__builtin_inf(),
                          __builtin_nan(""),
                          100.0,
                          -0.49999997};
constexpr int kCount = sizeof(kValues) / sizeof(kValues[0]);

template <class T>
T scalar_fma(T a, T b, T c) {
  if constexpr (sizeof(T) == 4)
    return __builtin_fmaf(a, b, c);
  else
    return __builtin_fma(a, b, c);
}

template <class T>
void check_pair(Log& log, const T* a, const T* b, const T* c) {
  using P = Packet<T>;
  constexpr int n = P::size;
  const P pa = P::load(a), pb = P::load(b), pc = P::load(c);
  T y[n];
  auto expect = [&](const char* what, P got, auto f) {
    got.store(y);
    for (int i = 0; i < n; ++i) log.check(same(y[i], static_cast<T>(f(i))), what, i, a[i], b[i]);
  };
  expect("add", pa + pb, [&](int i) { return a[i] + b[i]; });
  expect("sub", pa - pb, [&](int i) { return a[i] - b[i]; });
  expect("mul", pa * pb, [&](int i) { return a[i] * b[i]; });
  expect("div", pa / pb, [&](int i) { return a[i] / b[i]; });
  expect("neg", -pa, [&](int i) { return -a[i]; });
  expect("fma", fma(pa, pb, pc), [&](int i) { return scalar_fma(a[i], b[i], c[i]); });
  expect("fnma", fnma(pa, pb, pc), [&](int i) { return scalar_fma(-a[i], b[i], c[i]); });
  expect("min", min(pa, pb), [&](int i) { return a[i] < b[i] ? a[i] : b[i]; });
  expect("max", max(pa, pb), [&](int i) { return a[i] > b[i] ? a[i] : b[i]; });
  expect("min_nan", min_nan(pa, pb), [&](int i) { return a[i] != a[i] ? a[i] : a[i] < b[i] ? a[i] : b[i]; });
  expect("max_nan", max_nan(pa, pb), [&](int i) { return a[i] != a[i] ? a[i] : a[i] > b[i] ? a[i] : b[i]; });
  expect("abs", abs(pa), [&](int i) { return __builtin_fabs(a[i]); });
  expect("sqrt", sqrt(pa),
         [&](int i) { return __builtin_sqrt(static_cast<double>(a[i])); });  // double then float: innocuous for sqrt
  expect("floor", floor(pa), [&](int i) { return __builtin_floor(a[i]); });
  expect("ceil", ceil(pa), [&](int i) { return __builtin_ceil(a[i]); });
  expect("trunc", trunc(pa), [&](int i) { return __builtin_trunc(a[i]); });
  expect("round_even", round_even(pa), [&](int i) { return __builtin_rint(a[i]); });
  expect("copysign", copysign(pa, pb), [&](int i) { return __builtin_copysign(a[i], b[i]); });
  expect("bit_xor", bit_xor(bit_xor(pa, pb), pb), [&](int i) { return a[i]; });
  expect("bit_and, bit_andnot, bit_or", bit_or(bit_and(pa, pb), bit_andnot(pa, pb)), [&](int i) { return a[i]; });
  expect("bit_andnot", bit_andnot(pa, P::set1(T(-0.0))), [&](int i) { return __builtin_fabs(a[i]); });

  auto expect_mask = [&](const char* what, Mask<T> got, auto f) {
    const uint32_t bits = mask_bits(got);
    bool some = false, every = true;
    for (int i = 0; i < n; ++i) {
      const bool wanted = f(i);
      some = some || wanted;
      every = every && wanted;
      log.check(((bits >> i) & 1u) == (wanted ? 1u : 0u), what, i, a[i], b[i]);
    }
    log.check((bits >> n) == 0, "mask_bits beyond the lanes", n, 0, 0);
    log.check(any(got) == some && none(got) == !some && all(got) == every, "any, none, all", 0, a[0], b[0]);
    expect("select", select(got, pa, pb), [&](int i) { return f(i) ? a[i] : b[i]; });
  };
  expect_mask("eq", eq(pa, pb), [&](int i) { return a[i] == b[i]; });
  expect_mask("ne", ne(pa, pb), [&](int i) { return a[i] != b[i]; });
  expect_mask("lt", lt(pa, pb), [&](int i) { return a[i] < b[i]; });
  expect_mask("le", le(pa, pb), [&](int i) { return a[i] <= b[i]; });
  expect_mask("gt", gt(pa, pb), [&](int i) { return a[i] > b[i]; });
  expect_mask("ge", ge(pa, pb), [&](int i) { return a[i] >= b[i]; });
  expect_mask("isnan", isnan(pa), [&](int i) { return a[i] != a[i]; });
  expect_mask("mask and", lt(pa, pb) & lt(pb, pc), [&](int i) { return a[i] < b[i] && b[i] < c[i]; });
  expect_mask("mask or", lt(pa, pb) | lt(pb, pc), [&](int i) { return a[i] < b[i] || b[i] < c[i]; });
  expect_mask("mask xor", lt(pa, pb) ^ lt(pb, pc), [&](int i) { return (a[i] < b[i]) != (b[i] < c[i]); });
  expect_mask("mask not", ~lt(pa, pb), [&](int i) { return !(a[i] < b[i]); });
  expect_mask("all true", eq(P::zero(), P::zero()), [&](int) { return true; });
}

template <class T>
void check_memory(Log& log) {
  using P = Packet<T>;
  constexpr int n = P::size;
  T x[3 * n + 1], y[3 * n + 1];
  for (int i = 0; i < 3 * n + 1; ++i) x[i] = T(i + 1);
  for (int k = -1; k <= n + 2; ++k) {
    const int count = k < 0 ? 0 : k > n ? n : k;
    T lanes[n];
    P::load_n(x + 1, k).store(lanes);
    for (int i = 0; i < n; ++i) log.check(same(lanes[i], i < count ? x[1 + i] : T(0)), "load_n", i, k, n);
    for (int i = 0; i < 3 * n + 1; ++i) y[i] = T(-1);
    P::load(x + 1).store_n(y + 1, k);
    for (int i = 0; i < 3 * n + 1; ++i) log.check(y[i] == (i >= 1 && i <= count ? x[i] : T(-1)), "store_n", i, k, n);
    if constexpr (T(0.5) != T(0)) {  // masks belong to the floats
      const uint32_t bits = mask_bits(Mask<T>::first(k));
      log.check(bits == (1u << count) - 1u, "Mask::first", 0, k, n);
    }
    load_strided(x, 3, count).store(lanes);
    for (int i = 0; i < n; ++i) log.check(same(lanes[i], i < count ? x[3 * i] : T(0)), "load_strided", i, k, n);
    for (int i = 0; i < 3 * n + 1; ++i) y[i] = T(-1);
    store_strided(y, 3, count, P::load(x));
    for (int i = 0; i < 3 * n + 1; ++i) {
      log.check(y[i] == (i % 3 == 0 && i / 3 < count ? x[i / 3] : T(-1)), "store_strided", i, k, n);
    }
  }
  P::set1(T(42)).store(y);
  P::zero().store(y + n);
  for (int i = 0; i < n; ++i) log.check(y[i] == T(42) && y[n + i] == T(0), "set1, zero", i, 0, 0);
}

template <class T>
void check_reductions(Log& log) {
  constexpr int n = Packet<T>::size;
  T x[n], tree[n], largest = T(-1e30), smallest = T(1e30);
  for (int i = 0; i < n; ++i) {
    x[i] = tree[i] = T(1.0) / T(3 + 7 * i) * (i % 3 == 0 ? T(-1e3) : T(1));
    if (x[i] > largest) largest = x[i];
    if (x[i] < smallest) smallest = x[i];
  }
  for (int half = n / 2; half >= 1; half /= 2) {
    for (int i = 0; i < half; ++i) tree[i] = tree[i] + tree[i + half];
  }
  const Packet<T> p = Packet<T>::load(x);
  log.check(same(reduce_add(p), tree[0]), "reduce_add", 0, reduce_add(p), tree[0]);
  log.check(reduce_max(p) == largest, "reduce_max", 0, reduce_max(p), largest);
  log.check(reduce_min(p) == smallest, "reduce_min", 0, reduce_min(p), smallest);
}

void check_integers(Log& log) {
  constexpr int n = PacketI::size;
  const int32_t values[] = {0, 1, -1, 5, -5, 2147483647, -2147483647 - 1, 1 << 23, 0x3f3504f3, 12345678, -87654321};
  constexpr int count = sizeof(values) / sizeof(values[0]);
  for (int s = 0; s < count; ++s) {
    for (int t = 0; t < count; ++t) {
      int32_t a[n], b[n], y[n];
      for (int i = 0; i < n; ++i) a[i] = values[(s + i) % count], b[i] = values[(t + 3 * i) % count];
      const PacketI pa = PacketI::load(a), pb = PacketI::load(b);
      auto expect = [&](const char* what, PacketI got, auto f) {
        got.store(y);
        for (int i = 0; i < n; ++i)
          log.check(y[i] == static_cast<int32_t>(f(static_cast<uint32_t>(a[i]), static_cast<uint32_t>(b[i]))), what, i, a[i], b[i]);
      };
      expect("int add", pa + pb, [](uint32_t u, uint32_t v) { return u + v; });
      expect("int sub", pa - pb, [](uint32_t u, uint32_t v) { return u - v; });
      expect("int and", pa & pb, [](uint32_t u, uint32_t v) { return u & v; });
      expect("int or", pa | pb, [](uint32_t u, uint32_t v) { return u | v; });
      expect("int xor", pa ^ pb, [](uint32_t u, uint32_t v) { return u ^ v; });
      expect("int not", ~pa, [](uint32_t u, uint32_t) { return ~u; });
      expect("shl", shl<5>(pa), [](uint32_t u, uint32_t) { return u << 5; });
      expect("shr", shr<5>(pa), [](uint32_t u, uint32_t) { return u >> 5; });
      expect("sra", sra<5>(pa), [](uint32_t u, uint32_t) { return static_cast<uint32_t>(static_cast<int32_t>(u) >> 5); });
      expect("int select eq", select(eq(pa, pb), pa, ~pb), [](uint32_t u, uint32_t v) { return u == v ? u : ~v; });
      expect("int select gt", select(gt(pa, pb), pa, pb),
             [](uint32_t u, uint32_t v) { return static_cast<int32_t>(u) > static_cast<int32_t>(v) ? u : v; });
      expect("bits", to_bits(from_bits(pa)), [](uint32_t u, uint32_t) { return u; });
      float f[n];
      to_float(pa).store(f);
      for (int i = 0; i < n; ++i) log.check(f[i] == static_cast<float>(a[i]), "to_float", i, a[i], 0);
    }
  }
  const float halves[] = {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 0.49999997f, 8388607.5f, -2147483520.0f, 2147483520.0f, 0.0f};
  for (float h : halves) {
    int32_t y[n];
    round_to_int(PacketF::set1(h)).store(y);
    log.check(y[0] == static_cast<int32_t>(__builtin_rintf(h)), "round_to_int", 0, h, 0);
  }
  const float mantissas[] = {0.70710677f, 1.0f, 1.3333334f, -1.1754943f};
  for (int e = -252; e <= 252; ++e) {
    for (float m : mantissas) {
      float y[n];
      ldexp(PacketF::set1(m), PacketF::set1(static_cast<float>(e))).store(y);
      log.check(same(y[n - 1], static_cast<float>(__builtin_ldexp(static_cast<double>(m), e))), "ldexp", n - 1, m, e);
    }
  }
}

template <class T>
void check_type(Log& log) {
  constexpr int n = Packet<T>::size;
  for (int s = 0; s < kCount; ++s) {
    for (int t = 0; t < kCount; ++t) {
      T a[n], b[n], c[n];
      for (int i = 0; i < n; ++i) {
        a[i] = T(kValues[(s + i) % kCount]);
        b[i] = T(kValues[(t + 5 * i) % kCount]);
        c[i] = T(kValues[(s + t + 3 * i) % kCount]);
      }
      check_pair(log, a, b, c);
    }
  }
  check_memory<T>(log);
  check_reductions<T>(log);
}
}  // namespace

int check_packets(char* message, std::int64_t capacity) {
  Log log{message, capacity};
  check_type<float>(log);
  check_type<double>(log);
  check_memory<int32_t>(log);
  check_integers(log);
  return log.failures;
}
}  // namespace nacre::NACRE_ISA
