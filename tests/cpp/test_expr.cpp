// Expression templates: the same bits as the plain loop for every length and offset, on each instruction set; and as a C++ user writes them.
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "nacre/base/threads.h"
#include "nacre/expr/parallel.h"
#include "probes.h"

using namespace nacre;

namespace {

std::vector<float> numbers(std::size_t n, unsigned seed) {
  std::vector<float> v(n);
  for (std::size_t i = 0; i < n; ++i) {
    seed = seed * 1664525u + 1013904223u;
    v[i] = static_cast<float>(static_cast<int>(seed >> 8) % 4001 - 2000) / 512.0f;
  }
  const float special[] = {0.0f,          -0.0f, std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                           std::nanf(""), 1.0f};
  for (std::size_t i = 0; i < 6 && 11 * i < n; ++i) v[11 * i] = special[i];
  return v;
}

template <class T>
bool same_bits(const T* a, const T* b, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    if (std::memcmp(a + i, b + i, sizeof(T)) != 0 && !(a[i] != a[i] && b[i] != b[i])) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("expressions equal plain loops in bits, for all lengths and offsets, and write nothing else") {
  const std::vector<float> x = numbers(120, 1), y = numbers(120, 2);
  for (const auto& isa : test::probes()) {
    for (int which = 0; which < test::kExpressions; ++which) {
      for (std::int64_t n = 0; n <= 70; ++n) {
        for (std::int64_t at : {0, 1, 3, 13}) {
          std::vector<float> out(80, -7.0f), plain(80, -7.0f);
          const std::int64_t count = isa.expr.run(which, x.data() + at, y.data() + 2 * at, n, out.data(), plain.data());
          CAPTURE(std::string(isa.name));
          CAPTURE(which);
          CAPTURE(n);
          CAPTURE(at);
          REQUIRE(count == (which == test::kExpressions - 1 ? n / 2 : n));
          REQUIRE(same_bits(out.data(), plain.data(), 80));
        }
      }
    }
  }
}

TEST_CASE("double expressions") {
  const std::vector<float> a = numbers(100, 3), b = numbers(100, 4);
  const std::vector<double> x(a.begin(), a.end()), y(b.begin(), b.end());
  for (const auto& isa : test::probes()) {
    for (std::int64_t n = 0; n <= 40; ++n) {
      std::vector<double> out(48, -7.0), plain(48, -7.0);
      CHECK(isa.expr.run_double(x.data() + n, y.data() + 1, n, out.data(), plain.data()) == n);
      CHECK(same_bits(out.data(), plain.data(), 48));
    }
  }
}

TEST_CASE("parallel_store gives the bits of store, for any number of threads") {
  const std::int64_t n = 100'003;
  const std::vector<float> x = numbers(n, 5), y = numbers(n, 6);
  const int before = num_threads();
  for (const auto& isa : test::probes()) {
    for (int which : {0, 3, 6, 11}) {
      std::vector<float> out(n, -7.0f), plain(n), wanted(n, -7.0f);
      const std::int64_t count = isa.expr.run(which, x.data(), y.data(), n, wanted.data(), plain.data());
      for (int threads : {1, 3}) {
        set_num_threads(threads);
        std::fill(out.begin(), out.end(), -7.0f);
        CHECK(isa.expr.run_parallel(which, x.data(), y.data(), n, out.data(), plain.data()) == count);
        CHECK(same_bits(out.data(), wanted.data(), n));
      }
    }
  }
  set_num_threads(before);
}

TEST_CASE("as a C++ user writes it: containers, numbers, output over input") {
  std::vector<float> x = {-2, -1, 0, 1, 2, 3, 4};
  auto e = expr::array(x);
  CHECK(expr::store(x.data(), 7, maximum(e, 0) * 2 + 1) == 7);
  CHECK(x == std::vector<float>{1, 1, 1, 3, 5, 7, 9});
  std::vector<double> d = {0, 1, 4};
  std::vector<double> root(3);
  CHECK(expr::store(root.data(), 100, sqrt(expr::array(d))) == 3);
  CHECK(root == std::vector<double>{0, 1, 2});
  CHECK(expr::store(root.data(), -5, expr::array(d)) == 0);
  CHECK(expr::store(root.data(), 3, expr::scalar(2.5)) == 3);
  CHECK(root == std::vector<double>{2.5, 2.5, 2.5});
  std::vector<float> y(7);
  expr::store(y.data(), 7, sigmoid(e) + gelu(e) + relu(-e) + silu(e, 1) + elu(e, 1));
  CHECK(y[0] == doctest::Approx(0.7310586 + 0.8413447 + 0 + 0.7310586 + 1));
}
