// Softmax, log-softmax, cross-entropy and their gradients against double loops; extremes; labels out of range; thread counts.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include "kernel_test.h"

using namespace nacre;
using kernel_test::for_each_isa;
using kernel_test::Random;
using kernel_test::same_bits;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

template <class T>
constexpr int kCell = static_cast<int>(dtype_of<T>);

// exp has 1 ULP, the sum at most 24 roundings (reduce_chunk.h), scaling 2: 32 eps relative bounds every probability.
template <class T>
constexpr double kTolerance = 32 * static_cast<double>(std::numeric_limits<T>::epsilon());

struct Row {
  double largest = -std::numeric_limits<double>::infinity();
  double sum = 0;
  [[nodiscard]] double log_sum() const { return std::log(sum); }
};
template <class T>
Row row_of(const T* x, std::int64_t n, std::int64_t stride) {
  Row r;
  for (std::int64_t i = 0; i < n; ++i) r.largest = std::max(r.largest, static_cast<double>(x[i * stride]));
  long double sum = 0;  // as exact as the float64 kernel's chunks at least
  for (std::int64_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(x[i * stride]) - r.largest);
  r.sum = static_cast<double>(sum);
  return r;
}

template <class T>
std::vector<T> logits(std::int64_t n, double scale = 4) {
  Random random(9);
  std::vector<T> x(static_cast<std::size_t>(n));
  for (T& v : x) v = static_cast<T>(scale * random.uniform());
  return x;
}

}  // namespace

TEST_CASE("softmax and log_softmax, forward and gradient, along any axis") {
  const auto check = [](auto type) {
    using T = decltype(type);
    for (std::int64_t n : {0, 1, 2, 7, 8, 9, 15, 16, 17, 33, 1030, 2500}) {
      for (std::int64_t inner : {1, 3, 70}) {
        for (std::int64_t outer : {0, 1, 5}) {
          if (n > 1000 && outer > 1) continue;
          CAPTURE(n);
          CAPTURE(inner);
          const std::int64_t total = outer * n * inner;
          const std::vector<T> x = logits<T>(total), dy = [&] {
            std::vector<T> v = logits<T>(total + 1, 1);
            v.erase(v.begin());
            return v;
          }();
          for_each_isa([&](const KernelTable& table) {
            const SoftmaxTable& t = table.softmax;
            std::vector<T> y[2], ly[2], dx[2], ldx[2];
            for (int threads : {1, 2}) {
              set_num_threads(threads);
              std::vector<T>&a = y[threads - 1], &b = ly[threads - 1], &c = dx[threads - 1], &d = ldx[threads - 1];
              a = threads == 1 ? std::vector<T>(x.size()) : x;  // in place the second time
              b = a;
              c = threads == 1 ? std::vector<T>(x.size()) : dy;
              d = c;
              t.softmax[kCell<T>]({.x = threads == 1 ? x.data() : a.data(), .y = a.data(), .outer = outer, .n = n, .inner = inner});
              t.log_softmax[kCell<T>](
                  {.x = threads == 1 ? x.data() : b.data(), .y = b.data(), .outer = outer, .n = n, .inner = inner});
              t.softmax_grad[kCell<T>]({.y = a.data(),
                                        .dy = threads == 1 ? dy.data() : c.data(),
                                        .dx = c.data(),
                                        .outer = outer,
                                        .n = n,
                                        .inner = inner});
              t.log_softmax_grad[kCell<T>]({.y = b.data(),
                                            .dy = threads == 1 ? dy.data() : d.data(),
                                            .dx = d.data(),
                                            .outer = outer,
                                            .n = n,
                                            .inner = inner});
            }
            CHECK(same_bits(y[0], y[1]));
            CHECK(same_bits(ly[0], ly[1]));
            CHECK(same_bits(dx[0], dx[1]));
            CHECK(same_bits(ldx[0], ldx[1]));
            for (std::int64_t o = 0; o < outer; ++o) {
              for (std::int64_t j = 0; j < inner; ++j) {
                const std::int64_t base = o * n * inner + j;
                if (n == 0) continue;
                const Row r = row_of(x.data() + base, n, inner);
                double dot = 0, sum = 0, size = 0, dot_size = 0;
                for (std::int64_t i = 0; i < n; ++i) {
                  const auto at = static_cast<std::size_t>(base + i * inner);
                  const double p = std::exp(static_cast<double>(x[at]) - r.largest) / r.sum;
                  dot += p * static_cast<double>(dy[at]);
                  dot_size += std::abs(p * static_cast<double>(dy[at]));
                  sum += static_cast<double>(dy[at]);
                  size += std::abs(static_cast<double>(dy[at]));
                }
                for (std::int64_t i = 0; i < n; ++i) {
                  const auto at = static_cast<std::size_t>(base + i * inner);
                  const double z = static_cast<double>(x[at]) - r.largest, p = std::exp(z) / r.sum, g = static_cast<double>(dy[at]);
                  REQUIRE(std::abs(static_cast<double>(y[0][at]) - p) <= kTolerance<T> * p);
                  REQUIRE(std::abs(static_cast<double>(ly[0][at]) - (z - r.log_sum())) <=
                          kTolerance<T> * (1 + std::abs(z) + std::abs(r.log_sum())));
                  REQUIRE(std::abs(static_cast<double>(dx[0][at]) - p * (g - dot)) <=
                          2 * kTolerance<T> * p * (std::abs(g) + dot_size));
                  REQUIRE(std::abs(static_cast<double>(ldx[0][at]) - (g - p * sum)) <=
                          2 * kTolerance<T> * (std::abs(g) + p * (size + 16 * std::abs(sum))));
                }
              }
            }
          });
        }
      }
    }
  };
  check(0.0f);
  check(0.0);
}

TEST_CASE("softmax survives +-1e4 and rows of -inf except one") {
  for_each_isa([&](const KernelTable& table) {
    const SoftmaxTable& t = table.softmax;
    const auto softmax = [&](std::vector<float> x, std::int64_t inner, bool log) {
      std::vector<float> wide;
      for (float v : x) wide.insert(wide.end(), static_cast<std::size_t>(inner), v);
      (log ? t.log_softmax : t.softmax)[kCell<float>](
          {.x = wide.data(), .y = wide.data(), .outer = 1, .n = std::int64_t(x.size()), .inner = inner});
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = wide[i * static_cast<std::size_t>(inner)];
      return x;
    };
    for (std::int64_t inner : {1, 5}) {
      CHECK(softmax({1e4f, -1e4f, 0}, inner, false) == std::vector<float>{1, 0, 0});
      CHECK(softmax({1e4f, 1e4f}, inner, false) == std::vector<float>{0.5f, 0.5f});
      CHECK(softmax({-1e4f, -1e4f}, inner, false) == std::vector<float>{0.5f, 0.5f});
      CHECK(softmax({-kInf, 3.0f, -kInf}, inner, false) == std::vector<float>{0, 1, 0});
      CHECK(softmax({-kInf, 3.0f, -kInf}, inner, true) == std::vector<float>{-kInf, 0, -kInf});
      CHECK(softmax({1e4f, -1e4f}, inner, true) == std::vector<float>{0, -2e4f});
      // The digits of log 2 survive a common shift of 1e4.
      CHECK(softmax({1e4f, 1e4f}, inner, true)[0] == doctest::Approx(-std::log(2.0)).epsilon(1e-6));
      CHECK(std::isnan(softmax({-kInf, -kInf}, inner, false)[0]));
      CHECK(std::isnan(softmax({1, std::numeric_limits<float>::quiet_NaN(), 2}, inner, false)[0]));
    }
  });
}

namespace {

template <class T>
struct Problem {
  std::int64_t rows, classes;
  std::vector<T> x, targets, dloss;
  std::vector<std::int64_t> labels;

  Problem(std::int64_t r, std::int64_t c) : rows(r), classes(c), x(logits<T>(r * c)), targets(x.size()), dloss(logits<T>(r, 1)) {
    Random random(4);
    for (T& v : targets) v = static_cast<T>(std::abs(random.uniform()));
    for (std::int64_t i = 0; i < r; ++i) labels.push_back(static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(c)));
  }
};

}  // namespace

TEST_CASE("cross_entropy: sparse and dense, label smoothing, gradient") {
  const auto check = [](auto type) {
    using T = decltype(type);
    for (std::int64_t classes : {1, 2, 10, 16, 17, 33, 1500}) {
      for (std::int64_t rows : {0, 1, 9, 300}) {
        if (classes > 1000 && rows > 9) continue;
        const Problem<T> p(rows, classes);
        const std::vector<std::int32_t> labels32(p.labels.begin(), p.labels.end());
        for (double a : {0.0, 0.1}) {
          for (bool sparse : {true, false}) {
            for (std::int64_t dstride : {0, 1}) {
              for_each_isa([&](const KernelTable& table) {
                std::vector<T> first;
                for (int threads : {1, 2}) {
                  set_num_threads(threads);
                  std::vector<T> loss(p.dloss.size() + 1, T(5)), lse(p.dloss.size() + 1, T(5)),
                      dx = threads == 2 ? p.x : std::vector<T>(p.x.size());
                  IndexStatus status;
                  CrossEntropyArgs args;
                  args.logits = p.x.data();
                  args.rows = rows;
                  args.classes = classes;
                  if (sparse) args.labels = threads == 1 ? static_cast<const void*>(p.labels.data()) : labels32.data();
                  args.label_dtype = threads == 1 ? DType::int64 : DType::int32;
                  args.targets = sparse ? nullptr : p.targets.data();
                  args.label_smoothing = a;
                  args.loss = loss.data();
                  args.lse = lse.data();
                  args.dloss = p.dloss.data();
                  args.dloss_stride = dstride;
                  args.status = &status;
                  table.softmax.cross_entropy[kCell<T>](args);
                  args.dlogits = dx.data();
                  if (threads == 2) args.logits = dx.data();  // in place
                  table.softmax.cross_entropy_grad[kCell<T>](args);
                  REQUIRE(status.flag == 0);
                  REQUIRE(loss.back() == T(5));
                  if (threads == 1)
                    first = dx;
                  else
                    CHECK(same_bits(dx, first));
                  for (std::int64_t r = 0; r < rows; ++r) {
                    const auto ur = static_cast<std::size_t>(r);
                    const T* x = p.x.data() + r * classes;
                    const Row row = row_of(x, classes, 1);
                    const double dl = static_cast<double>(p.dloss[static_cast<std::size_t>(r * dstride)]);
                    double want = 0, size = 0;
                    long double total = 0;
                    const auto target = [&](std::int64_t c) {
                      const double t = sparse ? double(c == p.labels[ur])
                                              : static_cast<double>(p.targets[static_cast<std::size_t>(r * classes + c)]);
                      return (1 - a) * t + a / static_cast<double>(classes);
                    };
                    for (std::int64_t c = 0; c < classes; ++c) {
                      const double term = row.log_sum() - (static_cast<double>(x[c]) - row.largest);
                      want += target(c) * term;
                      size += target(c) * (std::abs(term) + std::abs(row.log_sum()) + 1);
                      total += target(c);
                    }
                    const double mass = static_cast<double>(total);
                    REQUIRE(std::abs(static_cast<double>(loss[ur]) - want) <= kTolerance<T> * size);
                    REQUIRE(static_cast<double>(lse[ur]) == doctest::Approx(row.largest + row.log_sum()).epsilon(1e-6));
                    for (std::int64_t c = 0; c < classes; ++c) {
                      const double prob = std::exp(static_cast<double>(x[c]) - row.largest) / row.sum, t = target(c);
                      REQUIRE(std::abs(static_cast<double>(dx[static_cast<std::size_t>(r * classes + c)]) -
                                       dl * (prob * mass - t)) <= kTolerance<T> * std::abs(dl) * (prob * mass + t));
                    }
                  }
                }
              });
            }
          }
        }
      }
    }
  };
  check(0.0f);
  check(0.0);
}

TEST_CASE("cross_entropy: extremes and bad labels") {
  for_each_isa([&](const KernelTable& table) {
    const SoftmaxTable& t = table.softmax;
    std::vector<float> x{-kInf, 3, -kInf, 1e4f, -1e4f, 0};
    const std::vector<float> targets{0, 1, 0, 1, 0, 0}, dloss{1, 1};
    const std::vector<std::uint8_t> labels{1, 0};
    std::vector<float> loss(2), dx(6);
    CrossEntropyArgs args;
    args.logits = x.data();
    args.rows = 2;
    args.classes = 3;
    args.loss = loss.data();
    args.dloss = dloss.data();
    args.dlogits = dx.data();
    for (bool sparse : {true, false}) {
      args.labels = sparse ? labels.data() : nullptr;
      args.label_dtype = DType::uint8;
      args.targets = sparse ? nullptr : targets.data();
      t.cross_entropy[kCell<float>](args);
      t.cross_entropy_grad[kCell<float>](args);
      CHECK(loss == std::vector<float>{0, 0});
      for (float v : dx) CHECK(v == 0.0f);
    }
    // Wrong by 2e4: no overflow, full gradient.
    const std::vector<std::uint8_t> wrong{1, 1};
    args.labels = wrong.data();
    t.cross_entropy[kCell<float>](args);
    t.cross_entropy_grad[kCell<float>](args);
    CHECK(loss[1] == 2e4f);
    CHECK(dx[3] == 1.0f);
    CHECK(dx[4] == -1.0f);

    for (std::int32_t bad : {-1, 3, 1 << 30}) {
      const std::vector<std::int32_t> outside{0, bad};
      std::fill(loss.begin(), loss.end(), 7.0f);
      std::fill(dx.begin(), dx.end(), 7.0f);
      IndexStatus status;
      args.labels = outside.data();
      args.label_dtype = DType::int32;
      args.status = &status;
      t.cross_entropy[kCell<float>](args);
      CHECK(status.flag == 1);
      CHECK(status.position == 1);
      CHECK(status.value == bad);
      status = {};
      t.cross_entropy_grad[kCell<float>](args);
      CHECK(status.flag == 1);
      CHECK(std::all_of(loss.begin(), loss.end(), [](float v) { return v == 7.0f; }));
      CHECK(std::all_of(dx.begin(), dx.end(), [](float v) { return v == 7.0f; }));
    }
  });
}
