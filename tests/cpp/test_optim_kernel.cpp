// Update rules against the formulas of optim.h in double over several steps with a changing rate; every variant; thread counts.
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

template <class T>
constexpr int kCell = static_cast<int>(dtype_of<T>);

using Doubles = std::vector<double>;

template <class T>
Doubles widen(const std::vector<T>& v) {
  return Doubles(v.begin(), v.end());
}

template <class T>
void check_close(const std::vector<T>& got, const Doubles& want, int steps) {
  // Values near 1; each step makes about 8 roundings.
  const double tolerance = 8 * steps * static_cast<double>(std::numeric_limits<T>::epsilon());
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(static_cast<double>(got[i]) - want[i]) / (1 + std::abs(want[i]));
    worst = error <= worst ? worst : error;  // NaN counts
  }
  REQUIRE(worst <= tolerance);
}

constexpr int kSteps = 5;
const std::vector<std::int64_t> kSizes = {0, 1, 7, 8, 9, 15, 16, 17, 33, 1001, 40000};
const std::vector<OptimScalars> kScalars = {{.learning_rate = 0.1},
                                            {.learning_rate = 0.1, .weight_decay = 0.2, .grad_scale = 0.5},
                                            {.learning_rate = 0.1, .l2 = 0.3},
                                            {.learning_rate = 0.1, .weight_decay = 0.2, .l2 = 0.3, .grad_scale = 2}};

// Runs kSteps steps of `kernel` (given the table, step, p, grad, states) and of `rule` (p by reference, g, its own states by
// reference) on all sizes, scalars, instruction sets and thread counts. The rate drops half way.
template <class T, class Kernel, class Rule>
void check_rule(const Kernel& kernel, const Rule& rule, double start = 0) {
  for (std::int64_t n : kSizes) {
    for (const OptimScalars& base : kScalars) {
      Random random(6);
      const std::vector<T> p0 = random.values<T>(n);
      std::vector<std::vector<T>> grads;
      for (int s = 0; s < kSteps; ++s) grads.push_back(random.values<T>(n));
      Doubles want = widen(p0);
      Doubles state[3];
      for (Doubles& v : state) v.assign(p0.size(), start);
      const auto scalars_at = [&](int s) {
        OptimScalars now = base;
        if (s >= 3) now.learning_rate /= 10;
        return now;
      };
      for (int s = 0; s < kSteps; ++s) {
        const OptimScalars k = scalars_at(s);
        for (std::size_t i = 0; i < p0.size(); ++i) {
          const double g = k.grad_scale * static_cast<double>(grads[static_cast<std::size_t>(s)][i]) + k.l2 * want[i];
          want[i] *= 1 - k.learning_rate * k.weight_decay;
          rule(s + 1, k.learning_rate, want[i], g, state[0][i], state[1][i], state[2][i]);
        }
      }
      std::vector<T> first;
      for_each_isa([&](const KernelTable& table) {
        for (int threads : {1, 2}) {
          set_num_threads(threads);
          std::vector<T> p = p0, s0(p0.size(), static_cast<T>(start)), s1 = s0, s2 = s0;
          for (int s = 0; s < kSteps; ++s)
            kernel(table.optim, s + 1, scalars_at(s), n, p.data(), grads[static_cast<std::size_t>(s)].data(), s0.data(), s1.data(),
                   s2.data());
          check_close(p, want, kSteps);
          check_close(s0, state[0], kSteps);
          check_close(s1, state[1], kSteps);
          check_close(s2, state[2], kSteps);
          if (first.empty()) first = p;
          CHECK(same_bits(p, first));  // also across instruction sets: no fused multiply-add
        }
      });
    }
  }
}

template <class F>
void both(const F& f) {
  f(0.0f);
  f(0.0);
}

}  // namespace

TEST_CASE("sgd: plain, momentum, Nesterov, rate inside or outside the velocity") {
  both([](auto type) {
    using T = decltype(type);
    for (int kind = 0; kind < 5; ++kind) {
      CAPTURE(kind);
      const bool nesterov = kind == 2 || kind == 4, inside = kind <= 2;
      check_rule<T>(
          [=](const OptimTable& t, int, const OptimScalars& k, std::int64_t n, T* p, const T* g, T* v, T*, T*) {
            t.sgd[kCell<T>]({.param = p,
                             .grad = g,
                             .velocity = kind == 0 ? nullptr : v,
                             .n = n,
                             .scalars = k,
                             .momentum = 0.9,
                             .nesterov = nesterov,
                             .lr_in_velocity = inside});
          },
          [=](int, double lr, double& p, double g, double& v, double&, double&) {
            if (kind == 0) {
              p -= lr * g;
            } else if (inside) {
              v = 0.9 * v - lr * g;
              p += nesterov ? 0.9 * v - lr * g : v;
            } else {
              v = 0.9 * v + g;
              p -= lr * (nesterov ? g + 0.9 * v : v);
            }
          });
    }
  });
}

TEST_CASE("rmsprop: epsilon inside or outside the root, centered, momentum") {
  both([](auto type) {
    using T = decltype(type);
    for (int kind = 0; kind < 8; ++kind) {
      CAPTURE(kind);
      const bool inside = kind & 1, centered = kind & 2, momentum = kind & 4;
      check_rule<T>(
          [=](const OptimTable& t, int, const OptimScalars& k, std::int64_t n, T* p, const T* g, T* s, T* a, T* v) {
            t.rmsprop[kCell<T>]({.param = p,
                                 .grad = g,
                                 .mean_square = s,
                                 .mean_grad = centered ? a : nullptr,
                                 .velocity = momentum ? v : nullptr,
                                 .n = n,
                                 .scalars = k,
                                 .rho = 0.9,
                                 .epsilon = 0.5,
                                 .momentum = 0.8,
                                 .epsilon_inside = inside,
                                 .centered = centered});
          },
          [=](int, double lr, double& p, double g, double& s, double& a, double& v) {
            s = 0.9 * s + 0.1 * g * g;
            double d = s;
            if (centered) {
              a = 0.9 * a + 0.1 * g;
              d = s - a * a;
            }
            double step = lr * g / (inside ? std::sqrt(d + 0.5) : std::sqrt(d) + 0.5);
            if (momentum) step = v = 0.8 * v + step;
            p -= step;
          });
    }
  });
}

TEST_CASE("adam: bias correction, amsgrad, decoupled decay") {
  both([](auto type) {
    using T = decltype(type);
    for (int kind = 0; kind < 4; ++kind) {
      CAPTURE(kind);
      const bool corrected = kind & 1, amsgrad = kind & 2;
      check_rule<T>(
          [=](const OptimTable& t, int step, const OptimScalars& k, std::int64_t n, T* p, const T* g, T* m, T* v, T* largest) {
            t.adam[kCell<T>]({.param = p,
                              .grad = g,
                              .m = m,
                              .v = v,
                              .v_max = amsgrad ? largest : nullptr,
                              .n = n,
                              .scalars = k,
                              .beta_1 = 0.8,
                              .beta_2 = 0.9,
                              .epsilon = 0.01,
                              .step = step,
                              .bias_correction = corrected});
          },
          [=](int step, double lr, double& p, double g, double& m, double& v, double& largest) {
            m = 0.8 * m + 0.2 * g;
            v = 0.9 * v + 0.1 * g * g;
            if (amsgrad) largest = std::max(largest, v);
            const double c1 = corrected ? 1 - std::pow(0.8, step) : 1, c2 = corrected ? 1 - std::pow(0.9, step) : 1;
            p -= lr * (m / c1) / (std::sqrt((amsgrad ? largest : v) / c2) + 0.01);
          });
    }
  });
}

TEST_CASE("adam: first step is the rate, 3.162 times it without bias correction") {
  for_each_isa([&](const KernelTable& table) {
    for (bool corrected : {true, false}) {
      double p = 1, g = 0.25, m = 0, v = 0;
      table.optim.adam[kCell<double>]({.param = &p,
                                       .grad = &g,
                                       .m = &m,
                                       .v = &v,
                                       .n = 1,
                                       .scalars = {.learning_rate = 0.001},
                                       .epsilon = 0,
                                       .bias_correction = corrected});
      CHECK(1 - p == doctest::Approx(corrected ? 0.001 : 0.001 * 0.1 / std::sqrt(0.001)).epsilon(1e-12));
    }
  });
}

TEST_CASE("adagrad: epsilon inside or outside, and none with a zero gradient") {
  both([](auto type) {
    using T = decltype(type);
    for (bool inside : {true, false}) {
      check_rule<T>(
          [=](const OptimTable& t, int, const OptimScalars& k, std::int64_t n, T* p, const T* g, T* s, T*, T*) {
            t.adagrad[kCell<T>](
                {.param = p, .grad = g, .accumulator = s, .n = n, .scalars = k, .epsilon = 0.05, .epsilon_inside = inside});
          },
          [=](int, double lr, double& p, double g, double& s, double&, double&) {
            s += g * g;
            p -= lr * g / (inside ? std::sqrt(s + 0.05) : std::sqrt(s) + 0.05);
          },
          0.1);
    }
  });
  for_each_isa([&](const KernelTable& table) {
    std::vector<float> p(20, 2.0f), g(20, 0.0f), s(20, 0.0f);
    table.optim.adagrad[kCell<float>]({.param = p.data(), .grad = g.data(), .accumulator = s.data(), .n = 20, .epsilon = 0});
    for (float v : p) CHECK(v == 2.0f);
  });
}
