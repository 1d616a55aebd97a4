// Reductions and scans against plain double loops: every kind, dtype, layout (rows, columns, views, broadcast, reversed), size and
// thread count; a view and its copy, and every instruction set, give the same bits where no exp is involved.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "kernel_test.h"

using namespace nacre;
using kernel_test::for_each_isa;
using kernel_test::Random;
using kernel_test::same_bits;
using kernel_test::Scratch;

namespace {

using Kind = ReduceKind;
constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();

// A strided array over its own storage.
template <class T>
struct Array {
  std::vector<T> store;
  std::int64_t offset = 0;
  std::vector<std::int64_t> sizes, strides;

  [[nodiscard]] std::int64_t count() const {
    std::int64_t n = 1;
    for (std::int64_t s : sizes) n *= s;
    return n;
  }
  [[nodiscard]] T at(std::int64_t position) const {
    std::int64_t p = offset;
    for (std::size_t i = sizes.size(); i-- > 0;) {
      p += position % sizes[i] * strides[i];
      position /= sizes[i];
    }
    return store[static_cast<std::size_t>(p)];
  }
  [[nodiscard]] Array copy() const {
    Array c{{}, 0, sizes, std::vector<std::int64_t>(sizes.size(), 1)};
    for (std::int64_t i = 0; i < count(); ++i) c.store.push_back(at(i));
    for (std::size_t i = sizes.size(); i-- > 1;) c.strides[i - 1] = c.strides[i] * sizes[i];
    return c;
  }
};

template <class T>
Array<T> array_of(std::vector<std::int64_t> sizes, std::uint64_t seed = 1) {
  Array<T> a{{}, 0, std::move(sizes), {}};
  Random random(seed);
  const std::int64_t n = a.count();
  for (std::int64_t i = 0; i < n; ++i) {
    a.store.push_back(std::is_floating_point_v<T> ? static_cast<T>(random.uniform()) : static_cast<T>(random.next() % 7) - T(2));
  }
  a.store.push_back(T(77));
  a.strides.assign(a.sizes.size(), 1);
  for (std::size_t i = a.sizes.size(); i-- > 1;) a.strides[i - 1] = a.strides[i] * a.sizes[i];
  return a;
}

template <class T>
Array<T> transposed(Array<T> a, std::size_t i, std::size_t j) {
  std::swap(a.sizes[i], a.sizes[j]);
  std::swap(a.strides[i], a.strides[j]);
  return a;
}
template <class T>
Array<T> reversed(Array<T> a, std::size_t i) {
  a.offset += (a.sizes[i] - 1) * a.strides[i];
  a.strides[i] = -a.strides[i];
  return a;
}
template <class T>
Array<T> every_second(Array<T> a, std::size_t i) {
  a.sizes[i] = (a.sizes[i] + 1) / 2;
  a.strides[i] *= 2;
  return a;
}
template <class T>
Array<T> repeated(Array<T> a, std::size_t i) {
  a.strides[i] = 0;
  return a;
}

// Elements of each output, in order.
template <class T>
std::vector<std::vector<double>> gathered(const Array<T>& x, std::uint32_t axes) {
  std::int64_t outputs = 1;
  for (std::size_t i = 0; i < x.sizes.size(); ++i) outputs *= axes >> i & 1 ? 1 : x.sizes[i];
  std::vector<std::vector<double>> groups(static_cast<std::size_t>(outputs));
  for (std::int64_t p = 0; p < x.count(); ++p) {
    std::int64_t rest = p, output = 0, scale = 1;
    for (std::size_t i = x.sizes.size(); i-- > 0;) {
      if (!(axes >> i & 1)) {
        output += rest % x.sizes[i] * scale;
        scale *= x.sizes[i];
      }
      rest /= x.sizes[i];
    }
    groups[static_cast<std::size_t>(output)].push_back(static_cast<double>(x.at(p)));
  }
  return groups;
}

double reference(Kind kind, const std::vector<double>& v, double correction) {
  long double sum = 0, squares = 0, sizes = 0;  // more digits than float64's own kernels
  double prod = 1, most = -kInf, least = kInf, any = 0, all = 1, first_most = 0, first_least = 0;
  for (std::size_t i = 0; i < v.size(); ++i) {
    sum += v[i];
    prod *= v[i];
    squares += v[i] * v[i];
    sizes += std::abs(v[i]);
    if (v[i] > most || (std::isnan(v[i]) && !std::isnan(most))) most = v[i], first_most = static_cast<double>(i);
    if (v[i] < least || (std::isnan(v[i]) && !std::isnan(least))) least = v[i], first_least = static_cast<double>(i);
    any = any != 0 || v[i] != 0;
    all = all != 0 && v[i] != 0;
  }
  const double n = static_cast<double>(v.size());
  long double around = 0;
  double exps = 0;
  for (double x : v) around += (x - sum / n) * (x - sum / n);
  for (double x : v) exps += std::exp(x - (std::isinf(most) ? 0 : most));
  switch (kind) {
    case Kind::sum: return static_cast<double>(sum);
    case Kind::prod: return prod;
    case Kind::max: return most;
    case Kind::min: return least;
    case Kind::any: return any;
    case Kind::all: return all;
    case Kind::argmax: return first_most;
    case Kind::argmin: return first_least;
    case Kind::sum_sq: return static_cast<double>(squares);
    case Kind::sum_abs: return static_cast<double>(sizes);
    case Kind::logsumexp: return std::isinf(most) ? most : most + std::log(exps);
    case Kind::mean: return static_cast<double>(sum / n);
    case Kind::var: return n - correction > 0 ? static_cast<double>(around / (n - correction)) : kNan;
  }
  return 0;
}

template <class T, class Out>
std::vector<Out> run(const KernelTable& table, Kind kind, const Array<T>& x, std::uint32_t axes, double correction = 0,
                     std::vector<T>* means = nullptr) {
  ReduceArgs args;
  args.x = x.store.data() + x.offset;
  args.rank = static_cast<int>(x.sizes.size());
  std::int64_t outputs = 1;
  for (std::size_t i = 0; i < x.sizes.size(); ++i) {
    args.sizes[i] = x.sizes[i];
    args.strides[i] = x.strides[i];
    outputs *= axes >> i & 1 ? 1 : x.sizes[i];
  }
  args.axes = axes;
  args.correction = correction;
  std::vector<Out> y(static_cast<std::size_t>(outputs) + 1, Out(55));
  args.y = y.data();
  if (means) {
    means->assign(static_cast<std::size_t>(outputs), T(0));
    args.y2 = means->data();
  }
  const ReduceFn fn = table.reduce.reduce[static_cast<int>(kind)][static_cast<int>(dtype_of<T>)];
  REQUIRE(bool(fn));
  Scratch scratch(table.reduce.reduce_scratch(kind, dtype_of<T>, args));
  fn(args, scratch.data());
  REQUIRE(scratch.intact());
  REQUIRE(y.back() == Out(55));
  y.pop_back();
  return y;
}

bool close(double got, double want, double tolerance) {
  if (std::isnan(want)) return std::isnan(got);
  return got == want || std::abs(got - want) <= tolerance;
}

// All float kinds on one array.
template <class T>
void check_floats(const Array<T>& x, std::uint32_t axes) {
  const Array<T> flat = x.copy();
  const auto groups = gathered(x, axes);
  if (groups.empty()) return;
  const std::size_t n = groups[0].size();
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  const auto check = [&](Kind kind, auto out_type, bool same_on_every_isa) {
    using Out = decltype(out_type);
    if (n == 0 && (kind == Kind::max || kind == Kind::min || kind == Kind::argmax || kind == Kind::argmin)) return;
    CAPTURE(static_cast<int>(kind));
    const double correction = n > 1 ? 1 : 0;
    std::vector<Out> first;
    for_each_isa([&](const KernelTable& table) {
      for (int threads : {1, 2}) {
        set_num_threads(threads);
        const std::vector<Out> y = run<T, Out>(table, kind, x, axes, correction);
        if (threads == 2) CHECK(same_bits(y, run<T, Out>(table, kind, flat, axes, correction)));
        if (first.empty()) first = y;
        if (same_on_every_isa) CHECK(same_bits(y, first));
        for (std::size_t o = 0; o < groups.size(); ++o) {
          double scale = 0;
          for (double v : groups[o]) scale += kind == Kind::sum_sq || kind == Kind::var ? v * v : std::abs(v);
          if (kind == Kind::mean || kind == Kind::var) scale /= static_cast<double>(n);
          if (kind == Kind::prod || kind == Kind::logsumexp) scale = std::abs(reference(kind, groups[o], 0)) + 1;
          // 22 roundings in a chunk; a product makes one per element.
          const double roundings = kind == Kind::prod ? static_cast<double>(n) + 2 : 24;
          INFO("output ", o, " of ", groups.size(), ", n ", n);
          REQUIRE(close(static_cast<double>(y[o]), reference(kind, groups[o], correction), roundings * eps * scale));
        }
      }
    });
  };
  for (Kind kind : {Kind::sum, Kind::prod, Kind::max, Kind::min, Kind::sum_sq, Kind::sum_abs, Kind::mean, Kind::var})
    check(kind, T(0), true);
  check(Kind::logsumexp, T(0), false);
  for (Kind kind : {Kind::argmax, Kind::argmin}) check(kind, std::int64_t(0), true);
  for (Kind kind : {Kind::any, Kind::all}) check(kind, std::uint8_t(0), true);
}

}  // namespace

TEST_CASE("reduce: rows, columns, middles of every odd size") {
  const auto all = [](auto type) {
    using T = decltype(type);
    for (std::int64_t n : {0, 1, 2, 7, 8, 9, 15, 16, 17, 33, 63, 64, 65, 129, 1023, 1024, 1025, 3000}) {
      CAPTURE(n);
      check_floats(array_of<T>({n}), 1);
      check_floats(array_of<T>({3, n}), 2);
      check_floats(array_of<T>({n, 5}), 1);
      if (n < 200) check_floats(array_of<T>({2, n, 67}), 2);
      if (n < 200) check_floats(array_of<T>({n, 70}), 0);
      if (n < 200) check_floats(array_of<T>({3, n, 2, 9}), 2 | 8);
    }
    check_floats(array_of<T>({0, 4}), 2);
    check_floats(array_of<T>({}), 0);
    check_floats(array_of<T>({1, 1, 1}), 5);
    check_floats(array_of<T>({2300, 130}), 1);
  };
  all(0.0f);
  all(0.0);
}

TEST_CASE("reduce: views") {
  const auto all = [](auto type) {
    using T = decltype(type);
    for (std::uint32_t axes = 0; axes < 8; ++axes) {
      CAPTURE(axes);
      const Array<T> a = array_of<T>({5, 17, 33});
      check_floats(a, axes);
      check_floats(transposed(a, 0, 2), axes);
      check_floats(transposed(a, 1, 2), axes);
      check_floats(reversed(a, 2), axes);
      check_floats(reversed(a, 0), axes);
      check_floats(every_second(a, 2), axes);
      check_floats(every_second(a, 1), axes);
      check_floats(repeated(a, 1), axes);
      check_floats(repeated(a, 2), axes);
    }
    check_floats(transposed(array_of<T>({1500, 70}), 0, 1), 1);
    check_floats(array_of<T>({2, 3, 2, 3, 2, 3, 2, 3}), 0b10101010);
    check_floats(transposed(array_of<T>({2, 3, 2, 3, 2, 3, 2, 3}), 1, 6), 0b01100011);
  };
  all(0.0f);
  all(0.0);
}

TEST_CASE("reduce: ten million floats stay within two ulp of the double sum") {
  constexpr std::int64_t n = 10'000'000;
  Array<float> x{std::vector<float>(n), 0, {n}, {1}};
  Random random(3);
  double want = 0;
  for (float& v : x.store) {
    v = static_cast<float>(0.5 + 0.5 * random.uniform());
    want += static_cast<double>(v);
  }
  const float rounded = static_cast<float>(want), ulp = std::nextafter(rounded, 1e30f) - rounded;
  for_each_isa([&](const KernelTable& table) {
    for (int threads : {1, 2}) {
      set_num_threads(threads);
      const float got = run<float, float>(table, Kind::sum, x, 1)[0];
      CHECK(std::abs(static_cast<double>(got) - want) <= 2.0 * static_cast<double>(ulp));
    }
  });
}

TEST_CASE("reduce: infinities, NaN, ties, extremes") {
  const auto one = [](const KernelTable& t, Kind kind, std::vector<float> v) {
    const Array<float> x{v, 0, {static_cast<std::int64_t>(v.size())}, {1}};
    return run<float, float>(t, kind, x, 1)[0];
  };
  const auto where = [](const KernelTable& t, Kind kind, std::vector<float> v, std::int64_t repeat) {
    Array<float> x{{}, 0, {static_cast<std::int64_t>(v.size()), repeat}, {repeat, 1}};
    for (float f : v) x.store.insert(x.store.end(), static_cast<std::size_t>(repeat), f);
    return run<float, std::int64_t>(t, kind, x, 1).back();
  };
  constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for_each_isa([&](const KernelTable& t) {
    std::vector<float> low(100, -inf), mixed(100, -inf), with_nan(100, 1.0f), ties(100, 2.0f);
    mixed[63] = 3.0f;
    with_nan[70] = nan;
    with_nan[90] = inf;
    ties[40] = ties[41] = 5.0f;
    ties[20] = ties[99] = -5.0f;
    CHECK(one(t, Kind::logsumexp, low) == -inf);
    CHECK(one(t, Kind::logsumexp, {}) == -inf);
    CHECK(one(t, Kind::logsumexp, mixed) == 3.0f);
    CHECK(one(t, Kind::logsumexp, {1e4f, 1e4f}) == doctest::Approx(1e4 + std::log(2.0)).epsilon(1e-7));
    CHECK(one(t, Kind::logsumexp, {-1e4f, -1e4f}) == doctest::Approx(-1e4 + std::log(2.0)).epsilon(1e-7));
    CHECK(one(t, Kind::logsumexp, {inf, -inf}) == inf);
    CHECK(std::isnan(one(t, Kind::logsumexp, {inf, nan})));
    CHECK(std::isnan(one(t, Kind::sum, {inf, -inf})));
    CHECK(one(t, Kind::max, mixed) == 3.0f);
    CHECK(one(t, Kind::max, low) == -inf);
    CHECK(std::isnan(one(t, Kind::max, with_nan)));
    CHECK(std::isnan(one(t, Kind::min, with_nan)));
    CHECK(one(t, Kind::sum, {}) == 0.0f);
    CHECK(one(t, Kind::prod, {}) == 1.0f);
    CHECK(std::isnan(one(t, Kind::mean, {})));
    CHECK(std::isnan(one(t, Kind::var, {})));
    for (std::int64_t repeat : {1, 3, 9, 70}) {
      CHECK(where(t, Kind::argmax, with_nan, repeat) == 70);
      CHECK(where(t, Kind::argmin, with_nan, repeat) == 70);
      CHECK(where(t, Kind::argmax, ties, repeat) == 40);
      CHECK(where(t, Kind::argmin, ties, repeat) == 20);
      CHECK(where(t, Kind::argmax, {1, nan, nan, 3}, repeat) == 1);
      CHECK(where(t, Kind::argmax, low, repeat) == 0);
    }
    // Far from zero: one-pass formulas lose everything here.
    std::vector<float> far(1000);
    for (std::size_t i = 0; i < far.size(); ++i) far[i] = 10000.0f + static_cast<float>(i % 2);
    CHECK(one(t, Kind::var, far) == doctest::Approx(0.25).epsilon(1e-5));
    std::vector<float> means;
    const Array<float> x{far, 0, {1000}, {1}};
    run<float, float>(t, Kind::var, x, 1, 0, &means);
    CHECK(means[0] == 10000.5f);
  });
}

TEST_CASE("reduce: integers and bool") {
  const auto check = [](auto type) {
    using T = decltype(type);
    for (const Array<T>& x : {array_of<T>({40, 33}), transposed(array_of<T>({40, 33}), 0, 1), reversed(array_of<T>({7, 100}), 1),
                              array_of<T>({3, 0})}) {
      for (std::uint32_t axes = 0; axes < 4; ++axes) {
        const auto groups = gathered(x, axes);
        for_each_isa([&](const KernelTable& t) {
          for (Kind kind : {Kind::sum, Kind::max, Kind::min, Kind::any, Kind::all, Kind::argmax, Kind::argmin}) {
            if (!groups.empty() && groups[0].empty() && kind != Kind::sum && kind != Kind::any && kind != Kind::all) continue;
            set_num_threads(2);
            std::vector<double> y;
            const auto take = [&](const auto& v) { y.assign(v.begin(), v.end()); };
            if (kind == Kind::max || kind == Kind::min)
              take(run<T, T>(t, kind, x, axes));
            else if (kind == Kind::any || kind == Kind::all)
              take(run<T, std::uint8_t>(t, kind, x, axes));
            else
              take(run<T, std::int64_t>(t, kind, x, axes));
            for (std::size_t o = 0; o < groups.size(); ++o) REQUIRE(y[o] == reference(kind, groups[o], 0));
          }
        });
      }
    }
  };
  check(std::uint8_t(0));
  check(std::int8_t(0));
  check(std::int32_t(0));
  check(std::int64_t(0));
  for_each_isa([&](const KernelTable& t) {
    const Array<std::int64_t> x{{std::numeric_limits<std::int64_t>::max(), 1}, 0, {2}, {1}};
    CHECK(run<std::int64_t, std::int64_t>(t, Kind::sum, x, 1)[0] == std::numeric_limits<std::int64_t>::min());
    const Array<std::int32_t> y{{1 << 30, 1 << 30, 1 << 30, -3}, 0, {4}, {1}};
    CHECK(run<std::int32_t, std::int64_t>(t, Kind::sum, y, 1)[0] == 3 * (std::int64_t{1} << 30) - 3);
    const Array<std::int32_t> z{{1 << 30, -8, 5}, 0, {3}, {1}};
    CHECK(run<std::int32_t, std::int64_t>(t, Kind::prod, z, 1)[0] == -(std::int64_t{40} << 30));
    CHECK(run<std::int32_t, std::int32_t>(t, Kind::min, z, 1)[0] == -8);
    const std::vector<std::uint8_t> bits{1, 0, 1, 1};
    ReduceArgs args;
    std::int64_t total = 0;
    args.x = bits.data();
    args.y = &total;
    args.rank = 1;
    args.sizes[0] = 4;
    args.strides[0] = 1;
    args.axes = 1;
    t.reduce.reduce[int(Kind::sum)][int(DType::boolean)](args, nullptr);
    CHECK(total == 3);
  });
}

TEST_CASE("scan: sums and products, reverse, exclusive, in place") {
  const auto check = [](auto type, double tolerance) {
    using T = decltype(type);
    for (std::int64_t outer : {1, 3}) {
      for (std::int64_t n : {0, 1, 2, 9, 257}) {
        for (std::int64_t inner : {1, 2, 65}) {
          const std::vector<T> x = array_of<T>({outer * n * inner}).store;
          for (bool product : {false, true}) {
            for (bool reverse : {false, true}) {
              for (bool exclusive : {false, true}) {
                std::vector<T> want = x;
                for (std::int64_t o = 0; o < outer; ++o) {
                  for (std::int64_t j = 0; j < inner; ++j) {
                    double total = product;
                    std::int64_t whole = product;
                    for (std::int64_t i = 0; i < n; ++i) {
                      const auto at = static_cast<std::size_t>((o * n + (reverse ? n - 1 - i : i)) * inner + j);
                      const auto join = [&] {
                        if (product) {
                          total *= static_cast<double>(x[at]);
                          whole = static_cast<std::int64_t>(static_cast<std::uint64_t>(whole) *
                                                            static_cast<std::uint64_t>(static_cast<std::int64_t>(x[at])));
                        } else {
                          total += static_cast<double>(x[at]);
                          whole += static_cast<std::int64_t>(x[at]);
                        }
                      };
                      if (!exclusive) join();
                      want[at] = std::is_floating_point_v<T> ? static_cast<T>(total) : static_cast<T>(whole);
                      if (exclusive) join();
                    }
                  }
                }
                for_each_isa([&](const KernelTable& t) {
                  for (int threads : {1, 2}) {
                    set_num_threads(threads);
                    std::vector<T> y = x;
                    const ScanFn fn = (product ? t.reduce.cumprod : t.reduce.cumsum)[static_cast<int>(dtype_of<T>)];
                    fn({.x = threads == 1 ? x.data() : y.data(),
                        .y = y.data(),
                        .outer = outer,
                        .n = n,
                        .inner = inner,
                        .reverse = reverse,
                        .exclusive = exclusive});
                    for (std::size_t i = 0; i < x.size(); ++i)
                      REQUIRE(std::abs(static_cast<double>(y[i]) - static_cast<double>(want[i])) <= tolerance);
                  }
                });
              }
            }
          }
        }
      }
    }
  };
  // The kernel adds in double, as the reference does: equal.
  check(0.0f, 0);
  check(0.0, 0);
  check(std::int64_t(0), 0);
  check(std::int32_t(0), 0);
}
