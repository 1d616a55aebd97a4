// Philox against the published vectors; fills against formulas from libm; the same bits for every instruction set, cut and thread
// count.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

#include "kernel_test.h"

using namespace nacre;
using kernel_test::for_each_isa;
using kernel_test::same_bits;

namespace {

constexpr RandomKey kKey{.seed = 0x123456789abcdef0u, .step = 7, .stream = 3};

template <class T>
std::vector<T> fill(RandomFillFn fn, std::int64_t n, double a, double b, RandomKey key = kKey, std::int64_t first = 0) {
  std::vector<T> y(static_cast<std::size_t>(n), T(99));
  fn({.key = key, .first = first, .n = n, .y = y.data(), .a = a, .b = b});
  return y;
}

struct Moments {
  double mean = 0, var = 0, skew = 0, kurtosis = 0;
};
template <class T>
Moments moments(const std::vector<T>& v) {
  Moments m;
  const double n = static_cast<double>(v.size());
  for (T x : v) m.mean += static_cast<double>(x) / n;
  for (T x : v) m.var += std::pow(static_cast<double>(x) - m.mean, 2) / n;
  for (T x : v) m.skew += std::pow((static_cast<double>(x) - m.mean) / std::sqrt(m.var), 3) / n;
  for (T x : v) m.kurtosis += std::pow((static_cast<double>(x) - m.mean) / std::sqrt(m.var), 4) / n;
  return m;
}

double phi(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

RandomFillFn member(const RandomTable& t, int which, DType dtype) {
  const RandomFillFn* all[] = {t.uniform, t.normal, t.truncated_normal, t.bernoulli};
  return all[which][static_cast<int>(dtype)];
}

}  // namespace

TEST_CASE("philox4x32-10 gives the published values") {
  // Known answers distributed with the paper's Random123 library: (counter, key) -> words.
  constexpr std::uint32_t ones = 0xffffffffu;
  constexpr RandomWords zero = philox4x32({{0, 0, 0, 0}}, 0, 0), full = philox4x32({{ones, ones, ones, ones}}, ones, ones);
  constexpr RandomWords pi = philox4x32({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0);
  constexpr std::uint32_t want[3][4] = {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                                        {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                                        {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
  for (int i = 0; i < 4; ++i) {
    CHECK(zero.word[i] == want[0][i]);
    CHECK(full.word[i] == want[1][i]);
    CHECK(pi.word[i] == want[2][i]);
  }
}

TEST_CASE("keys that differ anywhere give different words") {
  const RandomWords base = random_words(kKey, 5);
  std::vector<RandomWords> others;
  for (RandomKey k : {RandomKey{kKey.seed + 1, 7, 3}, RandomKey{kKey.seed + (1ull << 32), 7, 3}, RandomKey{kKey.seed, 8, 3},
                      RandomKey{kKey.seed, 7 + (1ull << 32), 3}, RandomKey{kKey.seed, 7, 4}}) {
    others.push_back(random_words(k, 5));
  }
  others.push_back(random_words(kKey, 6));
  others.push_back(random_words(kKey, 5 + (1ull << 32)));
  for (const RandomWords& w : others) CHECK(w.word[0] != base.word[0]);
}

TEST_CASE("random_below is the high half of the product") {
  for (std::uint64_t bits : {0ull, 1ull, 0x8000000000000000ull, 0xffffffffffffffffull, 0x123456789abcdefull}) {
    for (std::uint64_t bound : {1ull, 2ull, 10ull, 0xffffffffull, 0x100000000ull, 0xffffffffffffffffull}) {
      CHECK(random_below(bits, bound) == static_cast<std::uint64_t>(static_cast<unsigned __int128>(bits) * bound >> 64));
    }
  }
}

TEST_CASE("fills: every instruction set, offset and thread count gives the same bits") {
  const auto check = [](auto type, int which, double a, double b) {
    using T = decltype(type);
    CAPTURE(which);
    constexpr std::int64_t n = 70001;
    const std::vector<T> want = fill<T>(member(kernels_for(Isa::scalar).random, which, dtype_of<T>), n, a, b);
    for_each_isa([&](const KernelTable& table) {
      const RandomFillFn fn = member(table.random, which, dtype_of<T>);
      for (int threads : {1, 2}) {
        set_num_threads(threads);
        CHECK(same_bits(fill<T>(fn, n, a, b), want));
      }
      for (std::int64_t first : {1, 2, 3, 5, 255, 256, 257, 20000}) {
        for (std::int64_t count : {0, 1, 7, 8, 9, 15, 16, 17, 33, 1001}) {
          const std::vector<T> part = fill<T>(fn, count, a, b, kKey, first);
          CHECK(same_bits(part, std::vector<T>(want.begin() + first, want.begin() + first + count)));
        }
      }
    });
  };
  check(0.0f, 0, -2, 3);
  check(0.0, 0, -2, 3);
  check(0.0f, 1, 1, 2);
  check(0.0, 1, 1, 2);
  check(0.0f, 2, 1, 2);
  check(0.0, 2, 1, 2);
  check(0.0f, 3, 0.3, 0);
  check(std::uint8_t(0), 3, 0.3, 0);
}

TEST_CASE("uniform: range, bins, extremes") {
  const RandomTable& t = cpu_kernels().random;
  constexpr std::int64_t n = 1 << 20;
  const std::vector<float> y = fill<float>(t.uniform[int(DType::float32)], n, -1, 3);
  std::vector<double> bin(64);
  for (float v : y) {
    REQUIRE(v >= -1.0f);
    REQUIRE(v < 3.0f);
    bin[static_cast<std::size_t>((v + 1.0f) * 16)] += 1;
  }
  double chi2 = 0;
  for (double b : bin) chi2 += std::pow(b - n / 64.0, 2) / (n / 64.0);
  CHECK(chi2 < 120);  // 63 degrees of freedom: P = 2e-5
  CHECK(chi2 > 25);
  // Rounding must not reach the upper end: every float in [1, 1 + eps) is 1.
  for (float v : fill<float>(t.uniform[int(DType::float32)], 10000, 1, 1 + 0x1p-23)) CHECK(v == 1.0f);
  for (float v : fill<float>(t.uniform[int(DType::float32)], 10000, 0x1p24, 0x1p24 + 2)) CHECK(v < 0x1p24f + 2);
  for (double v : fill<double>(t.uniform[int(DType::float64)], 1000, 5, 5)) CHECK(v == 5.0);
}

TEST_CASE("normal is Box-Muller of the words") {
  const RandomTable& t = cpu_kernels().random;
  const std::vector<float> f = fill<float>(t.normal[int(DType::float32)], 40000, 0, 1);
  const std::vector<double> d = fill<double>(t.normal[int(DType::float64)], 40000, 0, 1);
  double worst_f = 0, worst_d = 0;
  constexpr double turn = 6.283185307179586476925;
  for (std::size_t i = 0; i < f.size(); i += 2) {
    const RandomWords w = random_words(kKey, i / 4);
    const int lane = static_cast<int>(i % 4);
    const double r = std::sqrt(-2 * std::log((w.word[lane] + 0.5) * 0x1p-32)), angle = turn * ((w.word[lane + 1] + 0.5) * 0x1p-32);
    worst_f = std::max({worst_f, std::abs(f[i] - r * std::cos(angle)), std::abs(f[i + 1] - r * std::sin(angle))});
    const double u1 = (static_cast<double>(random_u64(kKey, i) >> 11) + 0.5) * 0x1p-53;
    const double u2 = (static_cast<double>(random_u64(kKey, i + 1) >> 11) + 0.5) * 0x1p-53, rd = std::sqrt(-2 * std::log(u1));
    worst_d = std::max({worst_d, std::abs(d[i] - rd * std::cos(turn * u2)), std::abs(d[i + 1] - rd * std::sin(turn * u2))});
  }
  CHECK(worst_f < 3e-7);   // half an ulp of a float below 6.8
  CHECK(worst_d < 1e-14);  // libm's angle is rounded: 4 eps of 6.3
  const Moments m = moments(fill<float>(t.normal[int(DType::float32)], 1 << 20, 2, 3));
  // Five standard errors: 1 / 1024 of the deviation for the mean, sqrt(2), sqrt(6), sqrt(24) times that for the others.
  CHECK(std::abs(m.mean - 2) < 5 * 3.0 / 1024);
  CHECK(std::abs(m.var / 9 - 1) < 5 * std::sqrt(2.0) / 1024);
  CHECK(std::abs(m.skew) < 5 * std::sqrt(6.0) / 1024);
  CHECK(std::abs(m.kurtosis - 3) < 5 * std::sqrt(24.0) / 1024);
}

TEST_CASE("truncated normal inverts the distribution function") {
  const RandomTable& t = cpu_kernels().random;
  const std::vector<double> d = fill<double>(t.truncated_normal[int(DType::float64)], 20000, 0, 1);
  double worst = 0;
  for (std::size_t i = 0; i < d.size(); ++i) {
    const double u = (static_cast<double>(random_u64(kKey, i) >> 11) + 0.5) * 0x1p-53;
    worst = std::max(worst, std::abs((phi(d[i]) - phi(-2)) / (phi(2) - phi(-2)) - u));
    REQUIRE(std::abs(d[i]) <= 2);
  }
  CHECK(worst < 1e-15);
  const std::vector<float> f = fill<float>(t.truncated_normal[int(DType::float32)], 1 << 20, 0, 1);
  CHECK(*std::max_element(f.begin(), f.end()) <= 2.0f);
  CHECK(*std::min_element(f.begin(), f.end()) >= -2.0f);
  const Moments m = moments(f);
  CHECK(std::abs(m.mean) < 5.0 / 1024);
  // 1 - 2 * 2 phi(2) / (Phi(2) - Phi(-2))
  CHECK(std::abs(m.var - 0.7737413) < 5.0 / 1024);
}

TEST_CASE("randint covers its range evenly") {
  const RandomTable& t = cpu_kernels().random;
  std::vector<std::int32_t> y(100000);
  t.randint[int(DType::int32)]({.key = kKey, .n = 100000, .y = y.data(), .low = -3, .high = 4});
  std::vector<int> count(7);
  for (std::int32_t v : y) {
    REQUIRE(v >= -3);
    REQUIRE(v < 4);
    ++count[static_cast<std::size_t>(v + 3)];
  }
  for (int c : count) CHECK(std::abs(c - 100000 / 7.0) < 5 * std::sqrt(100000 / 7.0));
  std::vector<std::int64_t> wide(1000);
  t.randint[int(DType::int64)]({.key = kKey,
                                .n = 1000,
                                .y = wide.data(),
                                .low = std::numeric_limits<std::int64_t>::min(),
                                .high = std::numeric_limits<std::int64_t>::max()});
  CHECK(std::count_if(wide.begin(), wide.end(), [](std::int64_t v) { return v < 0; }) > 400);
  CHECK(std::count_if(wide.begin(), wide.end(), [](std::int64_t v) { return v < 0; }) < 600);
  std::vector<std::uint8_t> bytes(5000);
  t.randint[int(DType::uint8)]({.key = kKey, .n = 5000, .y = bytes.data(), .low = 0, .high = 256});
  CHECK(*std::max_element(bytes.begin(), bytes.end()) == 255);
  CHECK(*std::min_element(bytes.begin(), bytes.end()) == 0);
  std::vector<std::int8_t> small(100);
  t.randint[int(DType::int8)]({.key = kKey, .n = 100, .y = small.data(), .low = -128, .high = -127});
  for (std::int8_t v : small) CHECK(v == -128);
}

TEST_CASE("bernoulli and dropout") {
  for_each_isa([&](const KernelTable& table) {
    const RandomTable& t = table.random;
    for (double p : {0.0, 1.0}) {
      for (float v : fill<float>(t.bernoulli[int(DType::float32)], 1000, p, 0)) CHECK(v == p);
    }
    const Moments share = moments(fill<float>(t.bernoulli[int(DType::float32)], 1 << 18, 0.3, 0));
    CHECK(std::abs(share.mean - 0.3) < 5 * std::sqrt(0.21) / 512);

    constexpr std::int64_t n = 40001;
    kernel_test::Random random(5);
    std::vector<float> x = random.values<float>(n), y(n), dy(n, 1.0f), dx(n), unscaled(n);
    x[3] = std::numeric_limits<float>::quiet_NaN();
    set_num_threads(2);
    const DropoutFn fn = t.dropout[int(DType::float32)];
    fn({.key = kKey, .n = n, .x = x.data(), .y = y.data(), .rate = 0.25});
    fn({.key = kKey, .n = n, .x = dy.data(), .y = dx.data(), .rate = 0.25});
    fn({.key = kKey, .n = n, .x = x.data(), .y = unscaled.data(), .rate = 0.25, .scale = false});
    std::int64_t kept = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const RandomWords w = random_words(kKey, static_cast<std::uint64_t>(i / 4));
      const bool keep = w.word[i % 4] >= 0x40000000u;  // rate * 2^32
      kept += keep;
      REQUIRE(dx[at] == (keep ? static_cast<float>(1 / 0.75) : 0.0f));
      if (i != 3) {
        REQUIRE(y[at] == (keep ? x[at] * dx[at] : 0.0f));
        REQUIRE(unscaled[at] == (keep ? x[at] : 0.0f));
      } else {
        REQUIRE(std::isnan(y[at]) == keep);
      }
    }
    CHECK(std::abs(static_cast<double>(kept) / n - 0.75) < 5 * std::sqrt(0.1875 / n));
    std::vector<float> in_place = x, all = x, one(n);
    fn({.key = kKey, .n = n, .x = in_place.data(), .y = in_place.data(), .rate = 0.25});
    CHECK(same_bits(in_place, y));
    fn({.key = kKey, .first = 10000, .n = 1000, .x = x.data() + 10000, .y = one.data(), .rate = 0.25});
    CHECK(std::equal(one.begin(), one.begin() + 1000, y.begin() + 10000));
    fn({.key = kKey, .n = n, .x = x.data(), .y = all.data(), .rate = 1.0});
    for (float v : all) REQUIRE(v == 0.0f);
    all[3] = 0;
    x[3] = 0;
    fn({.key = kKey, .n = n, .x = x.data(), .y = all.data(), .rate = 0.0});
    CHECK(same_bits(all, x));
  });
}

TEST_CASE("permutation: complete, repeatable, unbiased") {
  std::vector<std::int64_t> want;
  for_each_isa([&](const KernelTable& table) {
    for (std::int64_t n : {0, 1, 2, 127, 128, 129, 5000}) {
      std::vector<std::int64_t> y(static_cast<std::size_t>(n)), sorted;
      table.random.permutation(kKey, n, y.data());
      if (n == 5000) {
        if (want.empty()) want = y;
        CHECK(y == want);
      }
      sorted = y;
      std::sort(sorted.begin(), sorted.end());
      for (std::int64_t i = 0; i < n; ++i) REQUIRE(sorted[static_cast<std::size_t>(i)] == i);
    }
  });
  // All 6 orders of 3 equally often.
  std::vector<int> count(27);
  for (std::uint64_t seed = 0; seed < 12000; ++seed) {
    std::int64_t y[3];
    cpu_kernels().random.permutation({.seed = seed}, 3, y);
    ++count[static_cast<std::size_t>(9 * y[0] + 3 * y[1] + y[2])];
  }
  for (int c : count) CHECK((c == 0 || std::abs(c - 2000) < 5 * std::sqrt(2000.0)));
  CHECK(std::count(count.begin(), count.end(), 0) == 21);
}
