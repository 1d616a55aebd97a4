// Largest ULP error of every float function of simd/math.h and simd/activation.h against double, on each instruction set of this machine:
// a dense sweep over all exponents, then special values, then body against masked tail.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "math_probe.h"
#include "probes.h"

using nacre::test::MathFn;
using nacre::test::MathProbe;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

double sigmoid(double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
double normal_cdf(double x) { return 0.5 * std::erfc(-x * 0.70710678118654752440); }
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }
double mish(double x) {
  const double e = std::exp(-std::fabs(x));
  return x * (x < 0 ? e * (e + 2) / (e * (e + 2) + 2) : (1 + 2 * e) / (1 + 2 * e + 2 * e * e));
}

// |y - exact| in units of the last place of a float of that size; the spacing of denormals at the bottom, of the largest floats at the top.
double ulp_error(float y, double exact, double slack = 0) {
  if (std::isnan(exact)) return std::isnan(y) ? 0 : 1e30;
  const double limit = 0x1.ffffffp127;  // halfway between the largest float and 2^128: what rounds to infinity
  if (std::fabs(exact) >= limit && std::isinf(y)) return std::signbit(y) == std::signbit(exact) ? 0 : 1e30;
  const int exponent = exact == 0 ? -126 : std::clamp(std::ilogb(exact), -126, 127);
  const double unit = std::ldexp(1.0, exponent - 23);
  if (std::isinf(y)) return (0x1p128 - std::fabs(exact)) / unit;
  if (std::isnan(y)) return 1e30;
  return std::max(std::fabs(static_cast<double>(y) - exact) - slack, 0.0) / unit;
}

struct Case {
  const char* name;
  MathFn MathProbe::*fn;
  double (*exact)(double);
  double bound;      // ULP
  float low, high;   // range of x swept
  double slack = 0;  // absolute error allowed on top: where a denormal sigmoid is multiplied by |x| up to 104
};

constexpr double kDenormalFactor = 104 * 0x1p-149;

// The bounds are those stated at the heads of math.h and activation.h.
const Case kCases[] = {
    {"exp", &MathProbe::exp, std::exp, 1.0, -110, 90},
    {"expm1", &MathProbe::expm1, std::expm1, 1.5, -30, 90},
    {"log", &MathProbe::log, std::log, 1.0, 0, kInf},
    {"log1p", &MathProbe::log1p, std::log1p, 1.5, -1, kInf},
    {"log2", &MathProbe::log2, std::log2, 1.5, 0, kInf},
    {"log10", &MathProbe::log10, std::log10, 2.0, 0, kInf},
    {"sin", &MathProbe::sin, std::sin, 1.6, -kInf, kInf},
    {"cos", &MathProbe::cos, std::cos, 1.6, -kInf, kInf},
    {"tanh", &MathProbe::tanh, std::tanh, 1.5, -20, 20},
    {"erf", &MathProbe::erf, std::erf, 1.5, -6, 6},
    {"sigmoid", &MathProbe::sigmoid, sigmoid, 2.5, -110, 110},
    {"normal_cdf", &MathProbe::normal_cdf, normal_cdf, 6.0, -16, 16},
    {"gelu", &MathProbe::gelu, [](double x) { return x * normal_cdf(x); }, 6.0, -16, 16, kDenormalFactor},
    {"softplus", &MathProbe::softplus, softplus, 2.0, -110, 110},
    {"silu", &MathProbe::silu, [](double x) { return x * sigmoid(x); }, 3.0, -110, 110, kDenormalFactor},
    {"mish", &MathProbe::mish, mish, 4.0, -110, 110, kDenormalFactor},
};

// Floats in order of size as integers: every step-th one of [low, high].
std::vector<float> sweep(float low, float high, std::int64_t step) {
  auto order = [](float f) {
    const auto bits = std::bit_cast<std::int32_t>(f);
    return bits >= 0 ? static_cast<std::int64_t>(bits) : static_cast<std::int64_t>(INT32_MIN) - bits;
  };
  std::vector<float> x;
  for (std::int64_t i = order(low), end = order(high); i <= end; i += step) {
    const auto bits = i >= 0 ? static_cast<std::int32_t>(i) : static_cast<std::int32_t>(INT32_MIN - i);
    x.push_back(std::bit_cast<float>(bits));
  }
  return x;
}

float one(MathFn f, float x) {
  float y = 0;
  f(&x, &y, 1);
  return y;
}
bool same(float a, float b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }

}  // namespace

TEST_CASE("float functions stay within their ULP bounds") {
  for (const auto& isa : nacre::test::probes()) {
    for (const Case& c : kCases) {
      // A prime step walks through all mantissa patterns; about 2 million points for the widest range.
      const std::vector<float> x = sweep(c.low, c.high, 1009);
      std::vector<float> y(x.size());
      (isa.math.*c.fn)(x.data(), y.data(), static_cast<std::int64_t>(x.size()));
      double worst = 0;
      float at = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double e = ulp_error(y[i], c.exact(x[i]), c.slack);
        if (e > worst) worst = e, at = x[i];
      }
      CAPTURE(std::string(isa.name));
      CAPTURE(std::string(c.name));
      CAPTURE(at);
      CHECK(worst <= c.bound);
      if (worst > c.bound || std::getenv("NACRE_SHOW_ULP")) MESSAGE(isa.name << " " << c.name << ": " << worst << " ULP at " << at);
    }
  }
}

TEST_CASE("exp_negative is exp where it is used and 0 far left") {
  for (const auto& isa : nacre::test::probes()) {
    double worst = 0;
    for (float x : sweep(-87, -0.0f, 10007)) worst = std::max(worst, ulp_error(one(isa.math.exp_negative, x), std::exp(double(x))));
    CHECK(worst <= 1.0);
    CHECK(one(isa.math.exp_negative, -200) < 1.3e-38f);
  }
}

TEST_CASE("special values") {
  const float denormal = 1e-42f;
  for (const auto& isa : nacre::test::probes()) {
    const MathProbe& m = isa.math;
    CAPTURE(std::string(isa.name));
    for (const Case& c : kCases) {
      CAPTURE(std::string(c.name));
      CHECK(std::isnan(one(m.*c.fn, kNaN)));
    }
    CHECK(one(m.exp, kInf) == kInf);
    CHECK(same(one(m.exp, -kInf), 0.0f));
    CHECK(one(m.exp, 0.0f) == 1.0f);
    CHECK(one(m.exp, 88.8f) == kInf);
    CHECK(one(m.exp, -100.0f) == doctest::Approx(3.7835e-44).epsilon(0.02));  // a denormal: 27 steps of 2^-149
    CHECK(one(m.expm1, -kInf) == -1.0f);
    CHECK(one(m.expm1, kInf) == kInf);
    CHECK(one(m.log, kInf) == kInf);
    CHECK(one(m.log, 0.0f) == -kInf);
    CHECK(one(m.log, -0.0f) == -kInf);
    CHECK(one(m.log, 1.0f) == 0.0f);
    CHECK(std::isnan(one(m.log, -1.0f)));
    CHECK(std::isnan(one(m.log, -kInf)));
    CHECK(one(m.log2, 8.0f) == 3.0f);
    CHECK(one(m.log2, denormal) == doctest::Approx(std::log2(double(denormal))));
    CHECK(one(m.log10, 0.0f) == -kInf);
    CHECK(one(m.log1p, kInf) == kInf);
    CHECK(one(m.log1p, -1.0f) == -kInf);
    CHECK(std::isnan(one(m.log1p, -1.5f)));
    for (MathFn f : {m.expm1, m.log1p, m.sin, m.tanh, m.erf}) {  // odd near 0: the sign of zero and denormals are kept
      const bool is_erf = f == m.erf;
      CHECK(same(one(f, 0.0f), 0.0f));
      CHECK(same(one(f, -0.0f), -0.0f));
      if (!is_erf) CHECK(same(one(f, denormal), denormal));
      if (!is_erf) CHECK(same(one(f, -denormal), -denormal));
    }
    CHECK(one(m.tanh, kInf) == 1.0f);
    CHECK(one(m.tanh, -kInf) == -1.0f);
    CHECK(one(m.erf, kInf) == 1.0f);
    CHECK(one(m.erf, -kInf) == -1.0f);
    CHECK(std::isnan(one(m.sin, kInf)));
    CHECK(std::isnan(one(m.cos, -kInf)));
    CHECK(one(m.cos, 0.0f) == 1.0f);
    CHECK(one(m.sigmoid, kInf) == 1.0f);
    CHECK(same(one(m.sigmoid, -kInf), 0.0f));
    CHECK(one(m.sigmoid, 0.0f) == 0.5f);
    CHECK(one(m.sigmoid, -100.0f) == doctest::Approx(3.7835e-44).epsilon(0.02));
    CHECK(one(m.softplus, kInf) == kInf);
    CHECK(one(m.softplus, -kInf) == 0.0f);
    for (MathFn f : {m.gelu, m.silu, m.mish}) {
      CHECK(one(f, kInf) == kInf);
      CHECK(same(one(f, -kInf), -0.0f));
      CHECK(one(f, 0.0f) == 0.0f);
    }
  }
}

TEST_CASE("a lane gives the same bits in the body, in any tail and at any offset") {
  std::vector<float> x = sweep(-kInf, kInf, 40'000'003);
  for (float v : {0.0f, -0.0f, kInf, -kInf, kNaN, 1e-42f, 1.0f, -1.0f, 3e5f, -2e20f}) x.push_back(v);
  for (const auto& isa : nacre::test::probes()) {
    for (const Case& c : kCases) {
      std::vector<float> whole(x.size()), part(x.size() + 1);
      (isa.math.*c.fn)(x.data(), whole.data(), static_cast<std::int64_t>(x.size()));
      for (std::int64_t n = 1; n <= 40; ++n) {
        for (std::size_t at = 0; at + static_cast<std::size_t>(n) <= x.size(); at += 23) {
          std::fill(part.begin(), part.end(), -7.0f);
          (isa.math.*c.fn)(x.data() + at, part.data(), n);
          REQUIRE(std::memcmp(part.data(), whole.data() + at, static_cast<std::size_t>(n) * sizeof(float)) == 0);
          REQUIRE(part[static_cast<std::size_t>(n)] == -7.0f);
        }
      }
    }
  }
}
