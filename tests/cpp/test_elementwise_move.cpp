// Casts between all dtypes, copies, choice by mask, transposes; and the drivers on views of any shape and stride, with any number of threads.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "nacre/base/half.h"
#include "nacre/base/threads.h"
#include "nacre/kernels/elementwise_drive.h"
#include "nacre/kernels/table.h"

using namespace nacre;

namespace {

std::vector<Isa> isas() {
  std::vector<Isa> all;
  for (Isa i : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    if (isa_available(i)) all.push_back(i);
  }
  return all;
}

CopyFn cast_fn(Isa isa, DType from, DType to) {
  return kernels_for(isa).elementwise.cast[static_cast<int>(from)][static_cast<int>(to)];
}

template <class From, class To>
std::vector<To> cast(Isa isa, DType from, DType to, const std::vector<From>& x) {
  std::vector<To> y(x.size()), strided(2 * x.size() + 1);
  const auto n = static_cast<std::int64_t>(x.size());
  cast_fn(isa, from, to)(n, x.data(), 1, y.data(), 1);
  cast_fn(isa, from, to)(n, x.data(), 1, strided.data(), 2);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < x.size(); ++i) wrong += std::memcmp(&y[i], &strided[2 * i], sizeof(To)) != 0;
  REQUIRE(wrong == 0);
  return y;
}

bool half_nan(std::uint16_t h) { return (h & 0x7fff) > 0x7c00; }

// A view with its own storage: dims in the order of `order` from outermost in memory, every stride widened by `gap`.
struct Tensor {
  View view;
  std::vector<std::uint8_t> store;
  Tensor(DType d, const Shape& shape, const std::vector<int>& order, std::int64_t gap = 1) {
    view.dtype = d;
    view.shape = shape;
    std::int64_t step = gap;
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      view.strides[*it] = step;
      step *= shape[*it];
    }
    store.resize(static_cast<std::size_t>((step + 1) * size_of(d)), 0);
    view.data = store.data();
  }
};

std::int64_t offset_of(const View& v, const Shape& full, std::int64_t flat) {
  std::int64_t at = 0;
  for (int d = full.rank() - 1; d >= 0; --d) {
    const std::int64_t i = flat % full[d];
    flat /= full[d];
    const int own = d - (full.rank() - v.shape.rank());
    if (own >= 0 && v.shape[own] != 1) at += i * v.strides[own];
  }
  return at;
}

}  // namespace

TEST_CASE("float16: all 65536 values come through float unchanged, and every rounding is to nearest even") {
  std::vector<std::uint16_t> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  for (Isa isa : isas()) {
    CAPTURE(std::string(isa_name(isa)));
    const auto f = cast<std::uint16_t, float>(isa, DType::float16, DType::float32, all);
    const auto back = cast<float, std::uint16_t>(isa, DType::float32, DType::float16, f);
    int wrong = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const bool good =
          half_nan(all[i]) ? std::isnan(f[i]) && half_nan(back[i]) : f[i] == to_float(Half{all[i]}) && back[i] == all[i];
      wrong += !good;
    }
    CHECK(wrong == 0);
    // Between neighbours: below, at and above the tie, in float and double; doubles a hair off the tie must not be rounded twice.
    std::vector<float> x;
    std::vector<std::uint16_t> wanted;
    std::vector<double> xd;
    std::vector<std::uint16_t> wanted_d;
    for (std::uint32_t i = 0; i < 0x7bff; ++i) {
      const double a = to_float(Half{static_cast<std::uint16_t>(i)}), b = to_float(Half{static_cast<std::uint16_t>(i + 1)}),
                   tie = (a + b) / 2;
      const auto even = static_cast<std::uint16_t>(i % 2 ? i + 1 : i);
      for (double s : {1.0, -1.0}) {
        const auto sign = static_cast<std::uint16_t>(s < 0 ? 0x8000 : 0);
        x.push_back(static_cast<float>(s * tie)), wanted.push_back(even | sign);
        x.push_back(static_cast<float>(s) * std::nextafter(static_cast<float>(tie), 0.0f)),
            wanted.push_back(static_cast<std::uint16_t>(i | sign));
        x.push_back(static_cast<float>(s) * std::nextafter(static_cast<float>(tie), 1e9f)),
            wanted.push_back(static_cast<std::uint16_t>((i + 1) | sign));
        xd.push_back(s * tie), wanted_d.push_back(even | sign);
        xd.push_back(s * std::nextafter(tie, 0.0)), wanted_d.push_back(static_cast<std::uint16_t>(i | sign));
        xd.push_back(s * std::nextafter(tie, 1e9)), wanted_d.push_back(static_cast<std::uint16_t>((i + 1) | sign));
      }
    }
    CHECK(cast<float, std::uint16_t>(isa, DType::float32, DType::float16, x) == wanted);
    CHECK(cast<double, std::uint16_t>(isa, DType::float64, DType::float16, xd) == wanted_d);
    const std::vector<float> edge = {65504.0f, 65519.99f, 65520.0f, 1e30f, -65520.0f, 2.98e-8f, 2.981e-8f};
    const std::vector<std::uint16_t> edge_wanted = {0x7bff, 0x7bff, 0x7c00, 0x7c00, 0xfc00, 0, 1};
    CHECK(cast<float, std::uint16_t>(isa, DType::float32, DType::float16, edge) == edge_wanted);
  }
}

TEST_CASE("bfloat16 rounds once, to nearest even") {
  for (Isa isa : isas()) {
    const std::vector<float> x = {1.0f, 1.00390625f, 1.01171875f, 3.4e38f, -1.0f, 1e-40f, std::nanf("")};
    const auto y = cast<float, std::uint16_t>(isa, DType::float32, DType::bfloat16, x);
    const std::vector<std::uint16_t> wanted = {0x3f80, 0x3f80, 0x3f82, 0x7f80, 0xbf80, 0x0001};
    for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(y[i] == wanted[i]);
    CHECK(std::isnan(to_float(BFloat16{y[6]})));
    // 1 + 2^-8 + 2^-40 is above the tie; going through a nearest float would land on it.
    const std::vector<double> d = {1 + 0x1p-8 + 0x1p-40, 1 + 0x1p-8 - 0x1p-40, 1 + 3 * 0x1p-8 - 0x1p-40};
    CHECK(cast<double, std::uint16_t>(isa, DType::float64, DType::bfloat16, d) ==
          std::vector<std::uint16_t>{0x3f81, 0x3f80, 0x3f81});
    const std::vector<std::int64_t> big = {(1LL << 62) + (1LL << 54) + 1, (1LL << 62) + (1LL << 54), (1LL << 62) + (1LL << 54) - 1,
                                           -(1LL << 62) - (1LL << 54) - 1};
    CHECK(cast<std::int64_t, std::uint16_t>(isa, DType::int64, DType::bfloat16, big) ==
          std::vector<std::uint16_t>{0x5e81, 0x5e80, 0x5e80, 0xde81});
    const std::vector<std::int32_t> i32 = {(1 << 30) + (1 << 22) + 1, (1 << 30) + (1 << 22)};
    CHECK(cast<std::int32_t, std::uint16_t>(isa, DType::int32, DType::bfloat16, i32) == std::vector<std::uint16_t>{0x4e81, 0x4e80});
  }
}

TEST_CASE("floats to integers: towards zero, saturated, NaN gives 0; integers wrap; bool is not zero") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const std::vector<double> x = {0,
                                 -0.0,
                                 1.9,
                                 -1.9,
                                 127.5,
                                 128,
                                 -128.9,
                                 255.9,
                                 256,
                                 -1,
                                 2147483647.5,
                                 2147483648.0,
                                 -2147483648.9,
                                 9.3e18,
                                 -9.3e18,
                                 inf,
                                 -inf,
                                 nan,
                                 9223372036854774784.0};
  for (Isa isa : isas()) {
    CHECK(cast<double, std::int8_t>(isa, DType::float64, DType::int8, x) ==
          std::vector<std::int8_t>{0, 0, 1, -1, 127, 127, -128, 127, 127, -1, 127, 127, -128, 127, -128, 127, -128, 0, 127});
    CHECK(cast<double, std::uint8_t>(isa, DType::float64, DType::uint8, x) ==
          std::vector<std::uint8_t>{0, 0, 1, 0, 127, 128, 0, 255, 255, 0, 255, 255, 0, 255, 0, 255, 0, 0, 255});
    CHECK(cast<double, std::int32_t>(isa, DType::float64, DType::int32, x) ==
          std::vector<std::int32_t>{0, 0, 1, -1, 127, 128, -128, 255, 256, -1, INT32_MAX, INT32_MAX, INT32_MIN, INT32_MAX,
                                    INT32_MIN, INT32_MAX, INT32_MIN, 0, INT32_MAX});
    CHECK(cast<double, std::int64_t>(isa, DType::float64, DType::int64, x) ==
          std::vector<std::int64_t>{0, 0, 1, -1, 127, 128, -128, 255, 256, -1, 2147483647, 2147483648, -2147483648, INT64_MAX,
                                    INT64_MIN, INT64_MAX, INT64_MIN, 0, 9223372036854774784});
    CHECK(cast<double, std::uint8_t>(isa, DType::float64, DType::boolean, {0.0, -0.0, 0.25, nan, inf}) ==
          std::vector<std::uint8_t>{0, 0, 1, 1, 1});
    std::vector<float> f(x.begin(), x.end());
    f.resize(18);
    const auto fi = cast<float, std::int32_t>(isa, DType::float32, DType::int32, f);
    CHECK(fi == std::vector<std::int32_t>{0, 0, 1, -1, 127, 128, -128, 255, 256, -1, INT32_MAX, INT32_MAX, INT32_MIN, INT32_MAX,
                                          INT32_MIN, INT32_MAX, INT32_MIN, 0});
    CHECK(cast<std::int64_t, std::int8_t>(isa, DType::int64, DType::int8, {0, 127, 128, 255, 256, -129}) ==
          std::vector<std::int8_t>{0, 127, -128, -1, 0, 127});
    CHECK(cast<std::int64_t, std::uint8_t>(isa, DType::int64, DType::boolean, {0, 256, -1}) == std::vector<std::uint8_t>{0, 1, 1});
    CHECK(cast<std::uint8_t, float>(isa, DType::boolean, DType::float32, {0, 1, 7}) == std::vector<float>{0, 1, 1});
    CHECK(cast<std::int64_t, float>(isa, DType::int64, DType::float32, {(1LL << 24) + 1, -3}) ==
          std::vector<float>{16777216.0f, -3.0f});
    CHECK(cast<double, float>(isa, DType::float64, DType::float32, {1e39, 1 + 0x1p-24, -1e-50}) ==
          std::vector<float>{INFINITY, 1.0f, -0.0f});
    for (int i = 0; i < kDTypeCount; ++i) {
      for (int j = 0; j < kDTypeCount; ++j) CHECK((kernels_for(isa).elementwise.cast[i][j] != nullptr));
    }
  }
}

TEST_CASE("where chooses by mask in every stride pattern and item size") {
  for (Isa isa : isas()) {
    const ElementwiseTable& t = kernels_for(isa).elementwise;
    const std::int64_t n = 100;
    int wrong = 0;
    for (int s = 0; s < 4; ++s) {
      const std::int64_t bytes = std::int64_t{1} << s;
      std::vector<std::uint8_t> cond(2 * n), a(2 * n * bytes), b(2 * n * bytes), y(2 * n * bytes);
      for (std::size_t i = 0; i < cond.size(); ++i) cond[i] = static_cast<std::uint8_t>(i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : 2);
      for (std::size_t i = 0; i < a.size(); ++i)
        a[i] = static_cast<std::uint8_t>(i * 7 + 1), b[i] = static_cast<std::uint8_t>(i * 5 + 2);
      for (std::int64_t sc : {0, 1, 2}) {
        for (std::int64_t sa : {0, 1, 2}) {
          for (std::int64_t sb : {0, 1, 2}) {
            for (std::int64_t sy : {1, 2}) {
              t.where[s](n, cond.data(), sc, a.data(), sa, b.data(), sb, y.data(), sy);
              for (std::int64_t i = 0; i < n; ++i) {
                const std::uint8_t* from = cond[i * sc] ? a.data() + i * sa * bytes : b.data() + i * sb * bytes;
                wrong += std::memcmp(y.data() + i * sy * bytes, from, bytes) != 0;
              }
            }
          }
        }
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("transpose of every item size, ragged edges, padded rows") {
  for (Isa isa : isas()) {
    for (int s = 0; s < 4; ++s) {
      const std::int64_t bytes = std::int64_t{1} << s;
      for (auto [rows, cols] : {std::pair{1, 1}, {3, 70}, {70, 3}, {16, 16}, {33, 65}, {64, 128}}) {
        const std::int64_t x_row = cols + 3, y_row = rows + 2;
        std::vector<std::uint8_t> x(rows * x_row * bytes), y(cols * y_row * bytes, 0xee);
        for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
        kernels_for(isa).elementwise.transpose[s](rows, cols, x.data(), x_row, y.data(), y_row);
        int wrong = 0;
        for (std::int64_t r = 0; r < rows; ++r) {
          for (std::int64_t c = 0; c < cols; ++c)
            wrong += std::memcmp(&y[(c * y_row + r) * bytes], &x[(r * x_row + c) * bytes], bytes) != 0;
        }
        for (std::int64_t c = 0; c < cols; ++c) wrong += y[(c * y_row + rows) * bytes] != 0xee;
        REQUIRE(wrong == 0);
      }
    }
  }
}

TEST_CASE("drivers: broadcasting, permuted and padded layouts, any number of threads") {
  const ElementwiseTable& t = cpu_kernels().elementwise;
  std::mt19937 random(7);
  auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const int before = num_threads();
  for (int round = 0; round < 400; ++round) {
    Shape full;
    const int rank = pick(6);
    const int large = round % 20 == 0 && rank > 0 ? pick(rank) : -1;
    for (int d = 0; d < rank; ++d) full.push_back(d == large ? 3000 : 1 + pick(large >= 0 ? 3 : 6));
    auto layout = [&](int r) {
      std::vector<int> order(static_cast<std::size_t>(r));
      for (int i = 0; i < r; ++i) order[static_cast<std::size_t>(i)] = i;
      if (pick(2)) std::shuffle(order.begin(), order.end(), random);
      return order;
    };
    auto operand = [&](DType d) {  // trailing dims of `full`, some of them 1
      const int r = rank == 0 ? 0 : rank - pick(rank + 1) * pick(2);
      Shape s;
      for (int i = rank - r; i < rank; ++i) s.push_back(pick(4) == 0 ? 1 : full[i]);
      Tensor v(d, s, layout(r), 1 + pick(2));
      for (std::size_t i = 0; i < v.store.size(); i += 4) {
        const float f = static_cast<float>(pick(2001) - 1000) / 8;
        if (d == DType::float32) std::memcpy(&v.store[i], &f, 4);
      }
      if (d == DType::boolean) {
        for (auto& byte : v.store) byte = static_cast<std::uint8_t>(pick(2));
      }
      return v;
    };
    Tensor a = operand(DType::float32), b = operand(DType::float32), cond = operand(DType::boolean);
    const auto order = layout(rank);
    const std::int64_t gap = 1 + pick(2);
    for (int threads : {1, 4}) {
      set_num_threads(threads);
      Tensor add(DType::float32, full, order, gap), neg(DType::float32, full, order, gap), chosen(DType::float32, full, order, gap);
      Tensor copied(DType::float32, full, order, gap), rounded(DType::int32, full, order, gap),
          filled(DType::float32, full, order, gap);
      Tensor less(DType::boolean, full, order, gap);
      apply_binary(binary_fn(t, BinaryKind::add, DType::float32), a.view, b.view, add.view);
      apply_binary(binary_fn(t, BinaryKind::less, DType::float32), a.view, b.view, less.view);
      apply_unary(unary_fn(t, UnaryKind::neg, DType::float32), a.view, neg.view);
      apply_where(t, cond.view, a.view, b.view, chosen.view);
      apply_copy(t, b.view, copied.view);
      apply_cast(t, a.view, rounded.view);
      std::int64_t wrong = 0;
      const float seven = 7;
      apply_fill(t, &seven, filled.view);
      for (std::int64_t i = 0; i < full.count(); ++i) {
        const float x = a.view.as<float>()[offset_of(a.view, full, i)], y = b.view.as<float>()[offset_of(b.view, full, i)];
        const bool c = cond.view.as<std::uint8_t>()[offset_of(cond.view, full, i)] != 0;
        const std::int64_t at = offset_of(add.view, full, i);
        const bool good = add.view.as<float>()[at] == x + y && less.view.as<std::uint8_t>()[at] == (x < y) &&
                          neg.view.as<float>()[at] == -x && chosen.view.as<float>()[at] == (c ? x : y) &&
                          copied.view.as<float>()[at] == y && rounded.view.as<std::int32_t>()[at] == static_cast<std::int32_t>(x) &&
                          filled.view.as<float>()[at] == 7;
        wrong += !good;
      }
      REQUIRE(wrong == 0);
    }
  }
  set_num_threads(before);
}

TEST_CASE("drivers: large transposes, empty outputs, status from any piece") {
  const ElementwiseTable& t = cpu_kernels().elementwise;
  for (auto [rows, cols] : {std::pair{1000, 700}, {5, 40000}, {40000, 5}}) {
    Tensor x(DType::float32, Shape{rows, cols}, {1, 0}), y(DType::float32, Shape{rows, cols}, {0, 1});
    for (std::int64_t i = 0; i < x.view.count(); ++i) x.view.as<float>()[i] = static_cast<float>(i);
    apply_copy(t, x.view, y.view);
    std::int64_t wrong = 0;
    for (std::int64_t i = 0; i < x.view.count(); ++i)
      wrong += !(y.view.as<float>()[i] == x.view.as<float>()[offset_of(x.view, x.view.shape, i)]);
    REQUIRE(wrong == 0);
  }
  // The layout change of images: [N, C, H, W] to [N, H, W, C].
  Tensor image(DType::float32, Shape{3, 17, 19, 5}, {0, 3, 1, 2}), packed(DType::float32, Shape{3, 17, 19, 5}, {0, 1, 2, 3});
  for (std::int64_t i = 0; i < image.view.count(); ++i) image.view.as<float>()[i] = static_cast<float>(i);
  apply_copy(t, image.view, packed.view);
  for (std::int64_t i = 0; i < image.view.count(); ++i) {
    REQUIRE(packed.view.as<float>()[i] == image.view.as<float>()[offset_of(image.view, image.view.shape, i)]);
  }
  Tensor none(DType::float32, Shape{4, 0, 3}, {0, 1, 2});
  apply_unary(unary_fn(t, UnaryKind::exp, DType::float32), none.view, none.view);
  apply_copy(t, none.view, none.view);
  Tensor a(DType::int32, Shape{200000}, {0}), b(DType::int32, Shape{200000}, {0}), q(DType::int32, Shape{200000}, {0});
  for (int i = 0; i < 200000; ++i) a.view.as<std::int32_t>()[i] = i, b.view.as<std::int32_t>()[i] = 3;
  std::uint32_t status = 0;
  apply_binary(binary_fn(t, BinaryKind::mod, DType::int32), a.view, b.view, q.view, nullptr, &status);
  CHECK(status == 0);
  b.view.as<std::int32_t>()[150001] = 0;
  apply_binary(binary_fn(t, BinaryKind::mod, DType::int32), a.view, b.view, q.view, nullptr, &status);
  CHECK(status == kZeroDivisor);
  CHECK(q.view.as<std::int32_t>()[150001] == 0);
  CHECK(q.view.as<std::int32_t>()[150000] == 0);
  CHECK(q.view.as<std::int32_t>()[199999] == 199999 % 3);
}

TEST_CASE("drivers: short rows with a row or a column vector, on either side, in place, with status") {
  const ElementwiseTable& t = cpu_kernels().elementwise;
  const int before = num_threads();
  for (int threads : {1, 3}) {
    set_num_threads(threads);
    for (int cols : {2, 3, 8, 10, 24, 25, 100, 128, 129}) {
      for (int rows : {3, 4, 7, 300, 20000 / cols}) {
        Tensor a(DType::int64, Shape{rows, cols}, {0, 1}), row(DType::int64, Shape{cols}, {0}),
            column(DType::int64, Shape{rows, 1}, {0, 1});
        Tensor y(DType::int64, Shape{rows, cols}, {0, 1});
        auto data = [](Tensor& v) { return v.view.as<std::int64_t>(); };
        for (int i = 0; i < rows * cols; ++i) data(a)[i] = 3 * i + 1;
        for (int i = 0; i < cols; ++i) data(row)[i] = 1000 + i;
        for (int i = 0; i < rows; ++i) data(column)[i] = i == rows / 2 ? 0 : -i - 5;
        const BinaryFn sub = binary_fn(t, BinaryKind::sub, DType::int64), mod = binary_fn(t, BinaryKind::mod, DType::int64);
        int wrong = 0;
        auto check = [&](auto exact) {
          for (int r = 0; r < rows; ++r) {
            for (int c = 0; c < cols; ++c)
              wrong += data(y)[r * cols + c] != exact(3 * (r * cols + c) + 1, 1000 + c, r == rows / 2 ? 0 : -r - 5);
          }
        };
        apply_binary(sub, a.view, row.view, y.view);
        check([](int x, int u, int) { return x - u; });
        apply_binary(sub, row.view, a.view, y.view);
        check([](int x, int u, int) { return u - x; });
        apply_binary(sub, a.view, column.view, y.view);
        check([](int x, int, int v) { return x - v; });
        apply_binary(sub, column.view, row.view, y.view);
        check([](int, int u, int v) { return v - u; });
        std::uint32_t status = 0;
        apply_binary(mod, a.view, column.view, y.view, nullptr, &status);
        CHECK(status == kZeroDivisor);
        check([](int x, int, int v) { return v == 0 ? 0 : x % v == 0 ? 0 : x % v + v; });
        std::memcpy(y.view.data, a.view.data, static_cast<std::size_t>(rows * cols) * 8);
        apply_binary(sub, y.view, row.view, y.view);
        check([](int x, int u, int) { return x - u; });
        CAPTURE(rows);
        CAPTURE(cols);
        CHECK(wrong == 0);
      }
    }
  }
  set_num_threads(before);
}
