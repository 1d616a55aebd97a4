// Attention against the textbook formula in double: masks, causal offsets, strides, long and short sequences, every instruction
// set, equal bits for any number of threads; backward against the gradient written out with the full matrix.
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include "kernel_test.h"
#include "nacre/kernels/attention.h"

using kernel_test::for_each_isa;
using kernel_test::Random;
using kernel_test::Scratch;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

enum class Masks { none, boolean, additive, both };

struct Case {
  std::int64_t b, h, tq, tk, d, dv;
  bool causal = false;
  std::int64_t offset = 0;
  Masks masks = Masks::none;
  bool packed_heads = false;  // [B, T, H, D] in memory, as a projection leaves it
};

template <class T>
struct Problem {
  Case s;
  std::vector<T> q, k, v, dout, add_mask;
  std::vector<std::uint8_t> bool_mask;
  // References in double: o, lse, dq, dk, dv laid out as the tensors.
  std::vector<double> o, lse, dq, dk, dv;

  std::size_t at(std::int64_t b, std::int64_t h, std::int64_t t, std::int64_t i, std::int64_t length, std::int64_t width) const {
    return static_cast<std::size_t>(s.packed_heads ? ((b * length + t) * s.h + h) * width + i
                                                   : ((b * s.h + h) * length + t) * width + i);
  }
  nacre::AttentionOperand operand(std::vector<T>& x, std::int64_t length, std::int64_t width) const {
    if (s.packed_heads) return {x.data(), length * s.h * width, width, s.h * width};
    return {x.data(), s.h * length * width, length * width, width};
  }
  double scale() const { return s.d > 0 ? 1 / std::sqrt(double(s.d)) : 1.0; }

  bool allowed(std::int64_t b, std::int64_t i, std::int64_t j) const {
    if (s.causal && j > i + s.offset) return false;
    return bool_mask.empty() || bool_mask[static_cast<std::size_t>((b * s.tq + i) * s.tk + j)];
  }

  explicit Problem(const Case& shape) : s(shape) {
    Random random(11);
    q = random.values<T>(s.b * s.h * s.tq * s.d);
    k = random.values<T>(s.b * s.h * s.tk * s.d);
    v = random.values<T>(s.b * s.h * s.tk * s.dv);
    dout = random.values<T>(s.b * s.h * s.tq * s.dv);
    for (T& x : q) x *= 3;  // scores spread enough that the running maximum moves
    if (s.masks == Masks::boolean || s.masks == Masks::both) {
      bool_mask.resize(static_cast<std::size_t>(s.b * s.tq * s.tk));
      for (auto& m : bool_mask) m = random.next() % 3 != 0;
      if (s.tq > 1) {
        for (std::int64_t j = 0; j < s.tk; ++j)
          bool_mask[static_cast<std::size_t>(s.tk + j)] = 0;  // batch 0, query 1: fully masked
      }
    }
    if (s.masks == Masks::additive || s.masks == Masks::both) {
      add_mask = random.values<T>(s.h * s.tk);  // [1,H,1,Tk]
      for (std::size_t i = 0; i < add_mask.size(); i += 5) add_mask[i] = -std::numeric_limits<T>::infinity();
    }
    reference();
  }

  void reference() {
    o.assign(dout.size(), 0);
    dq.assign(q.size(), 0);
    dk.assign(k.size(), 0);
    dv.assign(v.size(), 0);
    std::vector<double> p(static_cast<std::size_t>(s.tk)), dp(p);
    for (std::int64_t b = 0; b < s.b; ++b)
      for (std::int64_t h = 0; h < s.h; ++h)
        for (std::int64_t i = 0; i < s.tq; ++i) {
          double most = -kInf, sum = 0, delta = 0;
          for (std::int64_t j = 0; j < s.tk; ++j) {
            double x = 0;
            for (std::int64_t e = 0; e < s.d; ++e) x += double(q[at(b, h, i, e, s.tq, s.d)]) * double(k[at(b, h, j, e, s.tk, s.d)]);
            x *= scale();
            if (!add_mask.empty()) x += double(add_mask[static_cast<std::size_t>(h * s.tk + j)]);
            if (!allowed(b, i, j)) x = -kInf;
            p[static_cast<std::size_t>(j)] = x;
            most = std::max(most, x);
          }
          for (double& x : p) sum += x = most == -kInf ? 0 : std::exp(x - most);
          lse.push_back(most == -kInf ? -kInf : most + std::log(sum));
          for (std::int64_t j = 0; j < s.tk; ++j) {
            double& pj = p[static_cast<std::size_t>(j)];
            if (sum > 0) pj /= sum;
            double& dpj = dp[static_cast<std::size_t>(j)] = 0;
            for (std::int64_t e = 0; e < s.dv; ++e) {
              const double g = double(dout[at(b, h, i, e, s.tq, s.dv)]);
              o[at(b, h, i, e, s.tq, s.dv)] += pj * double(v[at(b, h, j, e, s.tk, s.dv)]);
              dv[at(b, h, j, e, s.tk, s.dv)] += pj * g;
              dpj += g * double(v[at(b, h, j, e, s.tk, s.dv)]);
            }
            delta += pj * dpj;
          }
          for (std::int64_t j = 0; j < s.tk; ++j) {
            const double ds = p[static_cast<std::size_t>(j)] * (dp[static_cast<std::size_t>(j)] - delta) * scale();
            for (std::int64_t e = 0; e < s.d; ++e) {
              dq[at(b, h, i, e, s.tq, s.d)] += ds * double(k[at(b, h, j, e, s.tk, s.d)]);
              dk[at(b, h, j, e, s.tk, s.d)] += ds * double(q[at(b, h, i, e, s.tq, s.d)]);
            }
          }
        }
  }

  struct Result {
    std::vector<T> o, lse, dq, dk, dv;
    bool scratch_ok;
  };
  Result run(const nacre::KernelTable& table, int threads) {
    const T nan = std::numeric_limits<T>::quiet_NaN();
    Result r{std::vector<T>(o.size(), nan), std::vector<T>(lse.size(), nan), std::vector<T>(q.size(), nan),
             std::vector<T>(k.size(), nan), std::vector<T>(v.size(), nan),   true};
    nacre::AttentionArgs g;
    g.dtype = nacre::dtype_of<T>;
    g.batch = s.b, g.heads = s.h, g.queries = s.tq, g.keys = s.tk, g.width = s.d, g.value_width = s.dv;
    g.scale = scale(), g.causal = s.causal, g.causal_offset = s.offset, g.threads = threads;
    g.q = operand(q, s.tq, s.d), g.k = operand(k, s.tk, s.d), g.v = operand(v, s.tk, s.dv), g.o = operand(r.o, s.tq, s.dv);
    g.dout = operand(dout, s.tq, s.dv), g.dq = operand(r.dq, s.tq, s.d), g.dk = operand(r.dk, s.tk, s.d),
    g.dv = operand(r.dv, s.tk, s.dv);
    g.lse = r.lse.data();
    if (!bool_mask.empty()) g.bool_mask = {bool_mask.data(), s.tq * s.tk, 0, s.tk, 1};
    if (!add_mask.empty()) g.add_mask = {add_mask.data(), 0, s.tk, 0, 1};
    Scratch a(table.attention.forward_scratch(g));
    table.attention.forward(g, a.data());
    Scratch b(table.attention.backward_scratch(g));
    table.attention.backward(g, b.data());
    r.scratch_ok = a.intact() && b.intact();
    return r;
  }
};

// Largest error relative to max(1, largest reference value); 1e30 for a NaN or a wrong infinity.
template <class T>
double error(const std::vector<T>& got, const std::vector<double>& want) {
  double worst = 0, size = 1;
  for (double w : want) size = std::max(size, std::abs(w) < kInf ? std::abs(w) : 0);
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (std::abs(want[i]) == kInf || double(got[i]) != double(got[i])) {
      if (double(got[i]) != want[i]) return 1e30;
      continue;
    }
    worst = std::max(worst, std::abs(double(got[i]) - want[i]));
  }
  return worst / size;
}

// Scores are dot products of `d` terms up to 3 in size, so they err by up to d * 3 * eps, and exp passes that on as a relative
// error of p; the rest (sums of p v over tk keys, exp's own ULP) stays below it. Twice that for the gradient's extra products.
template <class T>
void check(const Case& s) {
  Problem<T> problem(s);
  const double bound = (8 + 3.0 * double(s.d)) * std::numeric_limits<T>::epsilon();
  for_each_isa([&](const nacre::KernelTable& table) {
    INFO("isa ", static_cast<int>(table.isa), " b ", s.b, " h ", s.h, " tq ", s.tq, " tk ", s.tk, " d ", s.d, " dv ", s.dv,
         " causal ", s.causal, " offset ", s.offset, " masks ", static_cast<int>(s.masks), " packed ", s.packed_heads, " bytes ",
         sizeof(T));
    const auto one = problem.run(table, 1);
    CHECK(one.scratch_ok);
    CHECK(error(one.o, problem.o) <= bound);
    CHECK(error(one.lse, problem.lse) <= bound);
    CHECK(error(one.dq, problem.dq) <= 2 * bound);
    CHECK(error(one.dk, problem.dk) <= 2 * bound);
    CHECK(error(one.dv, problem.dv) <= 2 * bound);
    for (int threads : {2, 3}) {
      const auto many = problem.run(table, threads);
      CHECK(many.scratch_ok);
      CHECK(kernel_test::same_bits(one.o, many.o));
      CHECK(kernel_test::same_bits(one.lse, many.lse));
      CHECK(kernel_test::same_bits(one.dq, many.dq));
      CHECK(kernel_test::same_bits(one.dk, many.dk));
      CHECK(kernel_test::same_bits(one.dv, many.dv));
    }
  });
}

struct Threads {
  Threads() : before(nacre::num_threads()) { nacre::set_num_threads(3); }
  ~Threads() { nacre::set_num_threads(before); }
  int before;
};

}  // namespace

TEST_CASE("attention without masks, odd sizes") {
  Threads threads;
  for (std::int64_t t : {1, 2, 7, 17, 65}) {
    for (std::int64_t d : {1, 5, 16, 33}) {
      check<float>({2, 3, t, t, d, d});
      check<double>({1, 2, t, t + 3, d, 7});
      check<float>({1, 2, t + 5, t, d, 20, false, 0, Masks::none, true});
    }
  }
}

TEST_CASE("causal, with offsets of both signs") {
  Threads threads;
  for (std::int64_t offset : {-3, 0, 4, 50}) {
    check<float>({2, 2, 19, 19, 8, 8, true, offset});
    check<double>({1, 2, 9, 23, 6, 5, true, offset, Masks::none, true});
  }
  check<float>({1, 2, 300, 300, 16, 16, true, 0});
  check<float>({1, 1, 260, 390, 16, 16, true, 130});
  check<double>({1, 1, 150, 290, 8, 8, true, -20});
}

TEST_CASE("boolean and additive masks, fully masked rows") {
  Threads threads;
  for (Masks masks : {Masks::boolean, Masks::additive, Masks::both}) {
    for (bool causal : {false, true}) {
      check<float>({2, 2, 21, 34, 8, 12, causal, 0, masks, false});
      check<double>({2, 3, 10, 33, 5, 4, causal, 2, masks, true});
      check<float>({1, 2, 140, 270, 16, 16, causal, 40, masks, true});
    }
  }
}

TEST_CASE("long sequences: several blocks of queries and keys") {
  Threads threads;
  check<float>({1, 2, 400, 530, 24, 40});
  check<float>({1, 7, 200, 200, 16, 16});  // enough heads: a worker owns a head
  check<double>({1, 1, 385, 257, 8, 8});
  check<float>({1, 1, 200, 130, 80, 72, false, 0, Masks::none, true});
}

// Rows 4096 bytes apart are copied.
TEST_CASE("heads side by side whose rows fall on the same cache sets") {
  Threads threads;
  check<float>({1, 16, 70, 135, 64, 64, false, 0, Masks::none, true});
  check<float>({1, 16, 70, 70, 64, 64, true, 0, Masks::boolean, true});
  check<double>({1, 8, 19, 33, 64, 64, false, 0, Masks::none, true});
}

// Two keys whose scores are 0 and x <= 0 and values 0 and 1: o = e^x / (1 + e^x). simd::exp has 1 ULP, attention's 1.25 (1 + |x|); the sum and the division
// add 1.5.
TEST_CASE("exponentials of scores within their ULP") {
  std::vector<float> x = {-0.0F};
  for (double v = 1e-6; v < 86; v *= 1.002) x.push_back(static_cast<float>(-v));
  const auto n = static_cast<std::int64_t>(x.size());
  for_each_isa([&](const nacre::KernelTable& table) {
    INFO("isa ", static_cast<int>(table.isa));
    std::vector<float> q(x.size(), 1), k, v, o(x.size(), -1), lse(x.size());
    for (const float score : x) k.push_back(0), k.push_back(score), v.push_back(0), v.push_back(1);
    nacre::AttentionArgs g;
    g.batch = n, g.heads = g.queries = g.width = g.value_width = 1, g.keys = 2, g.threads = 1;
    g.q = {q.data(), 1, 1, 1}, g.k = {k.data(), 2, 2, 1}, g.v = {v.data(), 2, 2, 1}, g.o = {o.data(), 1, 1, 1}, g.lse = lse.data();
    Scratch scratch(table.attention.forward_scratch(g));
    table.attention.forward(g, scratch.data());
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double e = std::exp(double(x[i])), want = e / (1 + e), unit = std::ldexp(1.0, std::ilogb(want) - 23);
      worst = std::fmax(worst, std::fabs(double(o[i]) - want) / unit / (1.25 * (1 + std::fabs(double(x[i]))) + 1.5));
    }
    CHECK(worst <= 1);
  });
}

TEST_CASE("empty sizes") {
  check<float>({0, 2, 3, 4, 5, 6});
  check<float>({1, 2, 0, 4, 5, 6});
  check<float>({1, 2, 3, 0, 5, 6});  // no keys: o = 0, lse = -inf
  check<float>({1, 2, 3, 4, 5, 0});
}

TEST_CASE("large scores neither overflow nor lose the row") {
  for_each_isa([](const nacre::KernelTable& table) {
    Problem<float> problem({1, 1, 3, 20, 4, 4});
    for (float& x : problem.q) x *= 1e4f;
    problem.o.clear(), problem.lse.clear(), problem.dq.clear(), problem.dk.clear(), problem.dv.clear();
    problem.reference();
    const auto got = problem.run(table, 1);
    CHECK(error(got.lse, problem.lse) <= 1e-6);
    for (float x : got.o) CHECK(std::isfinite(x));
    for (float x : got.dq) CHECK(std::isfinite(x));
  });
}

TEST_CASE("NaN in a key reaches every row that may see it, and only those") {
  for_each_isa([](const nacre::KernelTable& table) {
    Problem<float> problem({1, 1, 6, 6, 4, 4, true, 0});
    problem.k[static_cast<std::size_t>(3 * 4)] = std::numeric_limits<float>::quiet_NaN();
    const auto got = problem.run(table, 1);
    for (std::size_t i = 0; i < 24; ++i) CHECK(std::isnan(got.o[i]) == (i / 4 >= 3));
  });
}
