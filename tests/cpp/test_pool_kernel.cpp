// Max and average pooling against plain loops: kernels, strides, padding, ties, NaN, empty sizes, gradients, thread counts.
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

struct Case {
  std::int64_t n, h, w, c, kh, kw, sh, sw, top = 0, left = 0, bottom = 0, right = 0;
};

Pool2dArgs args_of(const Case& s, bool count_include_pad) {
  Pool2dArgs a;
  a.n = s.n, a.h = s.h, a.w = s.w, a.c = s.c, a.kh = s.kh, a.kw = s.kw, a.sh = s.sh, a.sw = s.sw;
  a.oh = (s.h + s.top + s.bottom - s.kh) / s.sh + 1;
  a.ow = (s.w + s.left + s.right - s.kw) / s.sw + 1;
  a.pad_top = s.top, a.pad_left = s.left, a.pad_bottom = s.bottom, a.pad_right = s.right;
  a.count_include_pad = count_include_pad;
  return a;
}

// Calls each(output position, input position inside the image, counted window size) for every pair; input -1 for padding.
template <class Each>
void for_pairs(const Pool2dArgs& a, const Each& each) {
  for (std::int64_t image = 0; image < a.n; ++image) {
    for (std::int64_t i = 0; i < a.oh; ++i) {
      for (std::int64_t j = 0; j < a.ow; ++j) {
        for (std::int64_t p = 0; p < a.kh * a.kw; ++p) {
          const std::int64_t row = i * a.sh - a.pad_top + p / a.kw, column = j * a.sw - a.pad_left + p % a.kw;
          if (row < -a.pad_top || row >= a.h + a.pad_bottom || column < -a.pad_left || column >= a.w + a.pad_right) continue;
          const bool inside = row >= 0 && row < a.h && column >= 0 && column < a.w;
          for (std::int64_t c = 0; c < a.c; ++c) {
            each(static_cast<std::size_t>(((image * a.oh + i) * a.ow + j) * a.c + c), inside ? row * a.w + column : -1,
                 static_cast<std::size_t>(image * a.h * a.w * a.c + c));
          }
        }
      }
    }
  }
}

const std::vector<Case> kCases = {{2, 4, 4, 3, 2, 2, 2, 2},
                                  {1, 5, 7, 1, 3, 2, 1, 1},
                                  {3, 6, 5, 17, 3, 3, 2, 2, 1, 1, 1, 1},
                                  {2, 7, 7, 65, 2, 2, 2, 2, 0, 0, 1, 1},
                                  {1, 1, 33, 8, 1, 5, 1, 3, 0, 2, 0, 2},
                                  {2, 3, 3, 130, 3, 3, 3, 3},
                                  {1, 8, 8, 16, 5, 5, 1, 1, 2, 2, 2, 2},
                                  {0, 4, 4, 3, 2, 2, 2, 2},
                                  {2, 9, 9, 0, 2, 2, 2, 2},
                                  {4, 16, 16, 9, 1, 1, 2, 2}};

}  // namespace

TEST_CASE("max_pool2d: value, first position, gradient") {
  const auto check = [](auto type, bool quantised) {
    using T = decltype(type);
    for (const Case& s : kCases) {
      const Pool2dArgs shape = args_of(s, false);
      CAPTURE(s.kh);
      CAPTURE(s.c);
      Random random(2);
      std::vector<T> x = random.values<T>(s.n * s.h * s.w * s.c), dy = random.values<T>(s.n * shape.oh * shape.ow * s.c);
      if (quantised) {
        for (T& v : x) v = static_cast<T>(std::floor(static_cast<double>(v) * 2));  // many ties
      }
      if (x.size() > 20) x[20] = std::numeric_limits<T>::quiet_NaN();
      std::vector<T> want(dy.size(), -std::numeric_limits<T>::infinity()), want_dx(x.size(), T(0));
      std::vector<std::int32_t> where(dy.size(), -1);
      for_pairs(shape, [&](std::size_t out, std::int64_t in, std::size_t base) {
        if (in < 0) return;
        const T v = x[base + static_cast<std::size_t>(in * s.c)];
        if (where[out] < 0 || v > want[out] || (std::isnan(v) && !std::isnan(want[out])))
          want[out] = v, where[out] = static_cast<std::int32_t>(in);
      });
      std::size_t image = 0;
      for (std::size_t out = 0; out < dy.size(); ++out) {
        image = out / static_cast<std::size_t>(shape.oh * shape.ow * s.c);
        want_dx[image * static_cast<std::size_t>(s.h * s.w * s.c) + static_cast<std::size_t>(where[out] * s.c) +
                out % static_cast<std::size_t>(s.c)] += dy[out];
      }
      for_each_isa([&](const KernelTable& table) {
        for (int threads : {1, 2}) {
          set_num_threads(threads);
          std::vector<T> y(dy.size() + 1, T(5)), dx(x.size() + 1, T(5));
          std::vector<std::int32_t> argmax(dy.size(), 99);
          Pool2dArgs a = shape;
          a.x = x.data();
          a.y = y.data();
          a.argmax = threads == 1 ? argmax.data() : nullptr;
          table.pool.max_pool2d[kCell<T>](a);
          REQUIRE(y.back() == T(5));
          for (std::size_t i = 0; i < dy.size(); ++i) REQUIRE((y[i] == want[i] || (std::isnan(y[i]) && std::isnan(want[i]))));
          if (threads == 1) CHECK(argmax == where);
          a.argmax = where.data();
          a.dy = dy.data();
          a.dx = dx.data();
          table.pool.max_pool2d_grad[kCell<T>](a);
          REQUIRE(dx.back() == T(5));
          dx.pop_back();
          CHECK(same_bits(dx, want_dx));  // added in the same order
        }
      });
    }
  };
  check(0.0f, false);
  check(0.0f, true);
  check(0.0, true);
}

TEST_CASE("max_pool2d of integers") {
  const std::vector<std::int8_t> x{-5, -128, 7, 3, 127, 0};
  for_each_isa([&](const KernelTable& table) {
    std::vector<std::int8_t> y(3);
    Pool2dArgs a;
    a.x = x.data(), a.y = y.data(), a.n = 1, a.h = 1, a.w = 6, a.c = 1, a.oh = 1, a.ow = 3, a.kw = 2, a.sw = 2;
    table.pool.max_pool2d[kCell<std::int8_t>](a);
    CHECK(y == std::vector<std::int8_t>{-5, 7, 127});
  });
}

TEST_CASE("avg_pool2d: padding counted or not, gradient") {
  const auto check = [](auto type) {
    using T = decltype(type);
    for (const Case& s : kCases) {
      for (bool include : {false, true}) {
        const Pool2dArgs shape = args_of(s, include);
        CAPTURE(s.kh);
        CAPTURE(s.c);
        CAPTURE(include);
        Random random(2);
        const std::vector<T> x = random.values<T>(s.n * s.h * s.w * s.c), dy = random.values<T>(s.n * shape.oh * shape.ow * s.c);
        std::vector<double> sum(dy.size()), count(dy.size()), want_dx(x.size());
        for_pairs(shape, [&](std::size_t out, std::int64_t in, std::size_t base) {
          if (in >= 0) sum[out] += static_cast<double>(x[base + static_cast<std::size_t>(in * s.c)]);
          if (in >= 0 || include) count[out] += 1;
        });
        for_pairs(shape, [&](std::size_t out, std::int64_t in, std::size_t base) {
          if (in >= 0) want_dx[base + static_cast<std::size_t>(in * s.c)] += static_cast<double>(dy[out]) / count[out];
        });
        for_each_isa([&](const KernelTable& table) {
          std::vector<T> first;
          for (int threads : {1, 2}) {
            set_num_threads(threads);
            std::vector<T> y(dy.size() + 1, T(5)), dx(x.size() + 1, T(5));
            Pool2dArgs a = shape;
            a.x = x.data();
            a.y = y.data();
            a.dy = dy.data();
            a.dx = dx.data();
            table.pool.avg_pool2d[kCell<T>](a);
            table.pool.avg_pool2d_grad[kCell<T>](a);
            REQUIRE(y.back() == T(5));
            REQUIRE(dx.back() == T(5));
            // At most 25 terms below 1, each addition and the scaling rounded.
            const double tolerance = 30 * static_cast<double>(std::numeric_limits<T>::epsilon());
            for (std::size_t i = 0; i < dy.size(); ++i)
              REQUIRE(std::abs(static_cast<double>(y[i]) - sum[i] / count[i]) <= tolerance);
            for (std::size_t i = 0; i < x.size(); ++i) REQUIRE(std::abs(static_cast<double>(dx[i]) - want_dx[i]) <= tolerance);
            if (threads == 1)
              first = dx;
            else
              CHECK(same_bits(dx, first));
          }
        });
      }
    }
  };
  check(0.0f);
  check(0.0);
}

TEST_CASE("pooling: windows that hold only padding give 0 and pass nothing back") {
  for_each_isa([&](const KernelTable& table) {
    const std::vector<float> x{1, 2}, dy{1, 1, 1, 1};
    std::vector<float> y(4, 9), dx(2, 9);
    std::vector<std::int32_t> argmax(4, 9);
    Pool2dArgs a;
    a.x = x.data(), a.y = y.data(), a.dy = dy.data(), a.dx = dx.data(), a.argmax = argmax.data();
    a.n = 1, a.h = 1, a.w = 2, a.c = 1, a.oh = 1, a.ow = 4, a.pad_left = 1, a.pad_right = 1;
    table.pool.max_pool2d[kCell<float>](a);
    CHECK(y == std::vector<float>{0, 1, 2, 0});
    CHECK(argmax == std::vector<std::int32_t>{-1, 0, 1, -1});
    table.pool.max_pool2d_grad[kCell<float>](a);
    CHECK(dx == std::vector<float>{1, 1});
    std::fill(y.begin(), y.end(), 9.0f);
    table.pool.avg_pool2d[kCell<float>](a);
    CHECK(y == std::vector<float>{0, 1, 2, 0});
    table.pool.avg_pool2d_grad[kCell<float>](a);
    CHECK(dx == std::vector<float>{1, 1});
  });
}
