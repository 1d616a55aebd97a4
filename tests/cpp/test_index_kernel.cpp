// Gather, scatter, take and put along an axis, one-hot, triangles, masks against plain loops; bad indices; thread counts.
#include <algorithm>
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

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// In [-axis, axis), many repeated.
template <class Index>
std::vector<Index> indices(std::int64_t n, std::int64_t axis, std::uint64_t seed = 8) {
  Random random(seed);
  std::vector<Index> v(at(n));
  for (Index& i : v) i = static_cast<Index>(static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(2 * axis)) - axis);
  return v;
}
std::int64_t wrap(std::int64_t i, std::int64_t axis) { return i < 0 ? i + axis : i; }

struct Size {
  std::int64_t outer, axis, inner, n;
};
const std::vector<Size> kSizes = {{1, 10, 1, 33},    {1, 1, 1, 1},    {3, 7, 5, 9},     {2, 5, 17, 1},
                                  {1, 50, 64, 1001}, {1, 3, 600, 40}, {1, 30, 7, 9000}, {1, 9, 1, 70000},
                                  {4, 100, 1, 100},  {1, 5, 4, 0},    {0, 5, 4, 3},     {2, 5, 0, 3}};

}  // namespace

TEST_CASE("gather and scatter_set move rows of any item size") {
  const auto check = [](auto item, auto index_type) {
    using Item = decltype(item);
    using Index = decltype(index_type);
    for (const Size& s : kSizes) {
      CAPTURE(s.axis);
      CAPTURE(s.inner);
      std::vector<Item> x(at(s.outer * s.axis * s.inner));
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<Item>(i * 2654435761u >> 7);
      const std::vector<Index> index = indices<Index>(s.n, s.axis);
      std::vector<Item> want(at(s.outer * s.n * s.inner));
      for (std::int64_t o = 0; o < s.outer; ++o) {
        for (std::int64_t k = 0; k < s.n; ++k) {
          for (std::int64_t i = 0; i < s.inner; ++i)
            want[at((o * s.n + k) * s.inner + i)] = x[at((o * s.axis + wrap(index[at(k)], s.axis)) * s.inner + i)];
        }
      }
      for_each_isa([&](const KernelTable& table) {
        for (int threads : {1, 2}) {
          set_num_threads(threads);
          std::vector<Item> y(want.size() + 1, Item(9));
          IndexStatus status;
          table.index.gather({.x = x.data(),
                              .y = y.data(),
                              .index = index.data(),
                              .index_dtype = dtype_of<Index>,
                              .outer = s.outer,
                              .axis = s.axis,
                              .inner = s.inner,
                              .n_index = s.n,
                              .item_size = sizeof(Item),
                              .status = &status});
          REQUIRE(status.flag == 0);
          REQUIRE(y.back() == Item(9));
          y.pop_back();
          CHECK(same_bits(y, want));
          // Writing the gathered rows back changes nothing.
          std::vector<Item> again = x;
          table.index.scatter_set({.x = again.data(),
                                   .y = y.data(),
                                   .index = index.data(),
                                   .index_dtype = dtype_of<Index>,
                                   .outer = s.outer,
                                   .axis = s.axis,
                                   .inner = s.inner,
                                   .n_index = s.n,
                                   .item_size = sizeof(Item),
                                   .status = &status});
          CHECK(same_bits(again, x));
        }
      });
    }
  };
  check(std::uint8_t(0), std::int32_t(0));
  check(std::uint16_t(0), std::int64_t(0));
  check(std::uint32_t(0), std::int32_t(0));
  check(std::uint64_t(0), std::int64_t(0));
  // The last of several writes to one row wins.
  for_each_isa([&](const KernelTable& table) {
    std::vector<float> x(4, 0.0f);
    const std::vector<float> y{1, 2, 3};
    const std::vector<std::int32_t> index{2, -2, 0};
    table.index.scatter_set({.x = x.data(), .y = y.data(), .index = index.data(), .axis = 4, .n_index = 3});
    CHECK(x == std::vector<float>{3, 0, 2, 0});
  });
}

TEST_CASE("scatter_add sums in the order of the indices") {
  const auto check = [](auto type, auto index_type) {
    using T = decltype(type);
    using Index = decltype(index_type);
    for (const Size& s : kSizes) {
      CAPTURE(s.axis);
      CAPTURE(s.inner);
      Random random(3);
      std::vector<T> y(at(s.outer * s.n * s.inner)), x(at(s.outer * s.axis * s.inner));
      for (T& v : y) v = static_cast<T>(100 * random.uniform());
      for (T& v : x) v = static_cast<T>(100 * random.uniform());
      const std::vector<Index> index = indices<Index>(s.n, s.axis);
      std::vector<T> want = x;
      for (std::int64_t o = 0; o < s.outer; ++o) {
        for (std::int64_t k = 0; k < s.n; ++k) {
          for (std::int64_t i = 0; i < s.inner; ++i) {
            T& to = want[at((o * s.axis + wrap(index[at(k)], s.axis)) * s.inner + i)];
            to = static_cast<T>(to + y[at((o * s.n + k) * s.inner + i)]);
          }
        }
      }
      for_each_isa([&](const KernelTable& table) {
        for (int threads : {1, 2}) {
          set_num_threads(threads);
          std::vector<T> got = x;
          table.index.scatter_add[kCell<T>]({.x = got.data(),
                                             .y = y.data(),
                                             .index = index.data(),
                                             .index_dtype = dtype_of<Index>,
                                             .outer = s.outer,
                                             .axis = s.axis,
                                             .inner = s.inner,
                                             .n_index = s.n});
          CHECK(same_bits(got, want));
        }
      });
    }
  };
  check(0.0f, std::int32_t(0));
  check(0.0, std::int64_t(0));
  check(std::int32_t(0), std::int64_t(0));
  check(std::int64_t(0), std::int32_t(0));
  check(std::int8_t(0), std::int32_t(0));
  for_each_isa([&](const KernelTable& table) {  // wraps, as unsigned arithmetic does
    std::int32_t x = std::numeric_limits<std::int32_t>::max();
    const std::int32_t y = 1, index = 0;
    table.index.scatter_add[kCell<std::int32_t>]({.x = &x, .y = &y, .index = &index, .axis = 1, .n_index = 1});
    CHECK(x == std::numeric_limits<std::int32_t>::min());
  });
}

TEST_CASE("take_along_axis and put_along_axis_add") {
  for (const Size& s : kSizes) {
    CAPTURE(s.axis);
    CAPTURE(s.inner);
    const std::int64_t count = s.outer * s.n * s.inner;
    Random random(3);
    const std::vector<float> x = random.values<float>(s.outer * s.axis * s.inner), g = random.values<float>(count);
    const std::vector<std::int64_t> index = indices<std::int64_t>(count, s.axis);
    std::vector<float> want(at(count)), want_put = x;
    for (std::int64_t p = 0; p < count; ++p) {
      const std::int64_t o = p / (s.n * s.inner), i = p % s.inner;
      const std::size_t source = at((o * s.axis + wrap(index[at(p)], s.axis)) * s.inner + i);
      want[at(p)] = x[source];
      want_put[source] += g[at(p)];
    }
    for_each_isa([&](const KernelTable& table) {
      for (int threads : {1, 2}) {
        set_num_threads(threads);
        std::vector<float> y(at(count)), put = x, from = g, source = x;
        AlongAxisArgs args{
            .x = source.data(), .y = y.data(), .index = index.data(), .outer = s.outer, .axis = s.axis, .inner = s.inner, .n = s.n};
        table.index.take_along_axis(args);
        CHECK(same_bits(y, want));
        args.x = put.data();
        args.y = from.data();
        table.index.put_along_axis_add[kCell<float>](args);
        CHECK(same_bits(put, want_put));
      }
    });
  }
}

TEST_CASE("indices out of range are reported and nothing is written") {
  for_each_isa([&](const KernelTable& table) {
    for (std::int64_t bad : {5, -6, 1 << 30, -(1 << 30)}) {
      // Far into the list, with another bad one behind it.
      std::vector<std::int64_t> index(5000, 4);
      index[3000] = bad;
      index[4000] = 77;
      std::vector<float> x(5, 1.0f), y(5000, 2.0f);
      const auto check = [&](const auto& call) {
        IndexStatus status;
        call(status);
        CHECK(status.flag == 1);
        CHECK(status.position == 3000);
        CHECK(status.value == bad);
        CHECK(x == std::vector<float>(5, 1.0f));
        CHECK(y == std::vector<float>(5000, 2.0f));
      };
      set_num_threads(2);
      check([&](IndexStatus& status) {
        table.index.gather({.x = x.data(),
                            .y = y.data(),
                            .index = index.data(),
                            .index_dtype = DType::int64,
                            .axis = 5,
                            .n_index = 5000,
                            .status = &status});
      });
      ScatterArgs scatter{
          .x = x.data(), .y = y.data(), .index = index.data(), .index_dtype = DType::int64, .axis = 5, .n_index = 5000};
      check([&](IndexStatus& status) {
        scatter.status = &status;
        table.index.scatter_set(scatter);
      });
      check([&](IndexStatus& status) {
        scatter.status = &status;
        table.index.scatter_add[kCell<float>](scatter);
      });
      AlongAxisArgs along{.x = x.data(), .y = y.data(), .index = index.data(), .axis = 5, .n = 5000};
      check([&](IndexStatus& status) {
        along.status = &status;
        table.index.take_along_axis(along);
      });
      check([&](IndexStatus& status) {
        along.status = &status;
        table.index.put_along_axis_add[kCell<float>](along);
      });
    }
    IndexStatus status;
    const std::int32_t any = 0;
    float x = 1, y = 2;
    table.index.gather({.x = &x, .y = &y, .index = &any, .axis = 0, .n_index = 1, .status = &status});
    CHECK(status.flag == 1);
    CHECK(y == 2);
  });
}

TEST_CASE("one_hot") {
  for_each_isa([&](const KernelTable& table) {
    const std::vector<std::uint8_t> index{2, 0, 3, 1};
    std::vector<float> y(12);
    OneHotArgs args{.y = y.data(), .index = index.data(), .index_dtype = DType::uint8, .n = 4, .depth = 3, .on = 5, .off = -1};
    table.index.one_hot[kCell<float>](args);
    CHECK(y == std::vector<float>{-1, -1, 5, 5, -1, -1, -1, -1, -1, -1, 5, -1});
    IndexStatus status;
    args.status = &status;
    std::fill(y.begin(), y.end(), 7.0f);
    table.index.one_hot[kCell<float>](args);
    CHECK(status.flag == 1);
    CHECK(status.position == 2);
    CHECK(status.value == 3);
    CHECK(y == std::vector<float>(12, 7.0f));
    const std::vector<std::int64_t> negative{-1};
    std::vector<std::int32_t> row(3, 9);
    table.index.one_hot[kCell<std::int32_t>](
        {.y = row.data(), .index = negative.data(), .index_dtype = DType::int64, .n = 1, .depth = 3});
    CHECK(row == std::vector<std::int32_t>{0, 0, 0});
    std::vector<std::int64_t> many(3000);
    for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<std::int64_t>(i % 33);
    std::vector<double> wide(many.size() * 33);
    set_num_threads(2);
    table.index.one_hot[kCell<double>](
        {.y = wide.data(), .index = many.data(), .index_dtype = DType::int64, .n = 3000, .depth = 33});
    for (std::size_t i = 0; i < wide.size(); ++i) REQUIRE(wide[i] == (i / 33 % 33 == i % 33 ? 1.0 : 0.0));
  });
}

TEST_CASE("triangle: diagonals inside, outside and far away; in place") {
  const auto check = [](auto item) {
    using Item = decltype(item);
    for (const auto& shape :
         std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 1}, {3, 5}, {5, 3}, {17, 33}, {0, 4}, {4, 0}, {300, 200}}) {
      const std::int64_t rows = shape.first, columns = shape.second;  // no bindings: Clang 14 cannot capture them
      for (std::int64_t k :
           {std::int64_t(0), std::int64_t(1), std::int64_t(-1), std::int64_t(2), std::int64_t(-4), std::int64_t(1000),
            std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
        for (bool upper : {true, false}) {
          const std::vector<Item> x(at(2 * rows * columns), Item(3));
          std::vector<Item> want = x;
          for (std::int64_t p = 0; p < 2 * rows * columns; ++p) {
            const std::int64_t r = p / columns % rows, c = p % columns;
            if (upper ? c - r < k : c - r > k) want[at(p)] = Item(0);
          }
          for_each_isa([&](const KernelTable& table) {
            set_num_threads(2);
            std::vector<Item> y(x.size(), Item(9)), in_place = x;
            TriangleArgs args{.x = x.data(),
                              .y = y.data(),
                              .batch = 2,
                              .rows = rows,
                              .columns = columns,
                              .diagonal = k,
                              .item_size = sizeof(Item),
                              .upper = upper};
            table.index.triangle(args);
            CHECK(y == want);
            args.x = args.y = in_place.data();
            table.index.triangle(args);
            CHECK(in_place == want);
          });
        }
      }
    }
  };
  check(float(0));
  check(std::int64_t(0));
  check(std::uint8_t(0));
}

TEST_CASE("mask_count and mask_positions") {
  for_each_isa([&](const KernelTable& table) {
    for (std::int64_t n : {0, 1, 7, 64, 1001}) {
      std::vector<std::uint8_t> mask(at(n));
      std::vector<std::int64_t> want;
      for (std::int64_t i = 0; i < n; ++i) {
        mask[at(i)] = i % 3 == 1;
        if (mask[at(i)]) want.push_back(i);
      }
      CHECK(table.index.mask_count(mask.data(), n) == std::int64_t(want.size()));
      std::vector<std::int64_t> got(want.size());
      table.index.mask_positions(mask.data(), n, got.data());
      CHECK(got == want);
    }
  });
}
