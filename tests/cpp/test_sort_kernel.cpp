// Stable sort and top-k against std::stable_sort: every dtype, many ties, NaN last, sizes around the run length, thread counts.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

#include "kernel_test.h"

using namespace nacre;
using kernel_test::for_each_isa;
using kernel_test::Random;
using kernel_test::Scratch;

namespace {

template <class T>
bool is_nan(T x) {
  return x != x;
}

template <class T>
void check(const std::vector<T>& x, std::int64_t rows, std::int64_t n, std::int64_t k, bool descending, DType dtype = dtype_of<T>) {
  CAPTURE(n);
  CAPTURE(k);
  CAPTURE(descending);
  std::vector<std::int64_t> want;
  for (std::int64_t r = 0; r < rows; ++r) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t i, std::int64_t j) {
      const T a = x[static_cast<std::size_t>(r * n + i)], b = x[static_cast<std::size_t>(r * n + j)];
      if (is_nan(a) || is_nan(b)) return !is_nan(a) && is_nan(b);
      return descending ? a > b : a < b;
    });
    want.insert(want.end(), order.begin(), order.begin() + k);
  }
  for_each_isa([&](const KernelTable& table) {
    for (int threads : {1, 2}) {
      set_num_threads(threads);
      std::vector<T> values(want.size() + 1, T(1));
      std::vector<std::int64_t> indices(want.size() + 1, -7);
      SortArgs args{.x = x.data(),
                    .values = values.data(),
                    .indices = indices.data(),
                    .rows = rows,
                    .n = n,
                    .k = k,
                    .descending = descending,
                    .tasks = threads};
      Scratch scratch(table.sort.sort_scratch(dtype, args));
      table.sort.sort[static_cast<int>(dtype)](args, scratch.data());
      REQUIRE(scratch.intact());
      REQUIRE(indices.back() == -7);
      indices.pop_back();
      CHECK(indices == want);
      for (std::size_t i = 0; i < want.size(); ++i) {
        const T v = x[i / static_cast<std::size_t>(k) * static_cast<std::size_t>(n) + static_cast<std::size_t>(want[i])];
        REQUIRE((values[i] == v || (is_nan(v) && is_nan(values[i]))));
      }
      args.values = nullptr;
      args.indices = nullptr;
      table.sort.sort[static_cast<int>(dtype)](args, scratch.data());
      if (k == n) {  // in place
        std::vector<T> own = x;
        args.x = args.values = own.data();
        table.sort.sort[static_cast<int>(dtype)](args, scratch.data());
        values.pop_back();
        CHECK(std::equal(own.begin(), own.end(), values.begin(), [](T a, T b) { return a == b || (is_nan(a) && is_nan(b)); }));
      }
    }
  });
}

template <class T>
std::vector<T> data(std::int64_t n, int different) {
  Random random(5);
  std::vector<T> x(static_cast<std::size_t>(n));
  for (T& v : x)
    v = static_cast<T>(static_cast<int>(random.next() % static_cast<std::uint64_t>(different)) -
                       (different < 200 ? 3 : different / 2));
  return x;
}

}  // namespace

TEST_CASE("sort: sizes, orders, ties") {
  const auto all = [](auto type) {
    using T = decltype(type);
    for (std::int64_t n : {1, 2, 7, 15, 16, 17, 31, 32, 33, 48, 64, 65, 1000, 5001}) {
      for (std::int64_t rows : {0, 1, 3}) {
        for (bool descending : {false, true}) {
          check(data<T>(rows * n, 8), rows, n, n, descending);
          if constexpr (sizeof(T) > 1) check(data<T>(rows * n, 100000), rows, n, n, descending);
        }
      }
    }
  };
  all(0.0f);
  all(0.0);
  all(std::int32_t(0));
  all(std::int64_t(0));
  all(std::int8_t(0));
  all(std::uint8_t(0));
  std::vector<std::uint8_t> bits{1, 0, 1, 0, 0, 1};
  check(bits, 2, 3, 3, true, DType::boolean);
}

TEST_CASE("top-k: by selection and by sorting") {
  for (std::int64_t n : {1, 2, 20, 33, 1000}) {
    for (std::int64_t k : {0, 1, 2, 5, 31, 32, 33, 40, 900}) {
      if (k > n) continue;
      for (bool descending : {true, false}) {
        check(data<float>(3 * n, 10), 3, n, k, descending);
        check(data<std::int64_t>(3 * n, 100000), 3, n, k, descending);
      }
    }
  }
}

TEST_CASE("sort: NaN last in both orders, infinities, sorted and reversed input, extremes of integers") {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  std::vector<float> x(100);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = i % 7 == 0 ? nan : i % 11 == 0 ? inf : i % 13 == 0 ? -inf : i % 2 ? -0.0f : 0.0f;
  for (bool descending : {false, true}) {
    check(x, 1, 100, 100, descending);
    check(x, 4, 25, 3, descending);
    check(std::vector<float>(50, nan), 1, 50, 50, descending);
    check(std::vector<float>(50, nan), 1, 50, 5, descending);
    std::vector<std::int64_t> up(3000), down(3000);
    std::iota(up.begin(), up.end(), -1500);
    std::iota(down.rbegin(), down.rend(), -1500);
    check(up, 1, 3000, 3000, descending);
    check(down, 1, 3000, 3000, descending);
    check(std::vector<std::int64_t>{0, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), -1}, 1,
          4, 4, descending);
  }
}
