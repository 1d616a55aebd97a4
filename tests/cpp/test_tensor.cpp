// Tensors: handles, views, copies between strides and dtypes, in-place changes, printing.
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include "nacre/base/half.h"
#include "nacre/ops/ops.h"
#include "nacre/tensor/copy.h"
#include "nacre/tensor/tensor.h"

using namespace nacre;

namespace {

Tensor f32(const std::vector<float>& v, const Shape& s) { return Tensor::of(v, s); }
Tensor count_up(const Shape& s, DType t = DType::float32) {
  const Tensor x = Tensor::empty(s, t);
  for (Dim i = 0; i < x.count(); ++i) store_double(static_cast<char*>(x.view().data) + i * size_of(t), t, static_cast<double>(i));
  return x;
}

}  // namespace

TEST_CASE("a copied handle shares the values, a clone does not") {
  const Tensor a = f32({1, 2, 3}, {3});
  const Tensor b = a, c = a.clone();
  a.data<float>()[0] = 9;
  CHECK(b.data<float>()[0] == 9);
  CHECK(c.data<float>()[0] == 1);
  CHECK(a.same(b));
  CHECK_FALSE(a.same(c));
}

TEST_CASE("data of another dtype is refused") {
  const Tensor a = f32({1}, {1});
  CHECK_THROWS_WITH_AS((void)a.data<double>(), doctest::Contains("float32"), DTypeError);
}

TEST_CASE("item needs exactly one element") {
  CHECK(f32({2.5f}, {1, 1}).item() == 2.5);
  CHECK_THROWS_AS((void)f32({1, 2}, {2}).item(), ShapeError);
  CHECK_THROWS_AS((void)Tensor::empty({0}).item_int(), ShapeError);
}

TEST_CASE("empty refuses sizes that cannot be addressed, zero sizes included") {
  constexpr Dim big = Dim{1} << 62;
  CHECK_THROWS_AS((void)Tensor::empty({big, big}), ShapeError);
  CHECK_THROWS_AS((void)Tensor::empty({big, 0, big}), ShapeError);
  CHECK_THROWS_AS((void)Tensor::empty({-1}), ShapeError);
  CHECK(Tensor::empty({3, 0}).count() == 0);
}

TEST_CASE("every dtype copies to every other") {
  for (int from = 0; from < kDTypeCount; ++from) {
    for (int to = 0; to < kDTypeCount; ++to) {
      const auto t = static_cast<DType>(to);
      const Tensor x = count_up({2, 9}, static_cast<DType>(from)), y = Tensor::empty({2, 9}, t);
      copy_values(x.view(), y.view());
      for (Dim i = 0; i < 18; ++i) {
        const double value = from == 0 || to == 0 ? (i != 0 ? 1.0 : 0.0) : static_cast<double>(i);
        CHECK(load_double(static_cast<char*>(y.view().data) + i * size_of(t), t) == value);
      }
    }
  }
}

TEST_CASE("copies follow strides: transposed, reversed, broadcast, large") {
  for (Dim n : {1, 7, 8, 33, 400}) {
    const Tensor x = count_up({n, n + 1});
    const Tensor t = transpose(x).clone(), f = flip(x).clone(), b = broadcast_to(x, {.shape = {2, n, n + 1}}).clone();
    bool same = true;
    for (Dim i = 0; i < n; ++i) {
      for (Dim j = 0; j <= n; ++j) {
        const float v = x.data<float>()[i * (n + 1) + j];
        same &= t.data<float>()[j * n + i] == v && f.data<float>()[(n - 1 - i) * (n + 1) + n - j] == v;
        same &= b.data<float>()[i * (n + 1) + j] == v && b.data<float>()[(n + i) * (n + 1) + j] == v;
      }
    }
    CHECK(same);
  }
}

TEST_CASE("overlap is told by byte ranges") {
  const Tensor x = count_up({8});
  const Tensor low = slice(x, {.start_indices = {0}, .shape = {4}}), high = slice(x, {.start_indices = {4}, .shape = {4}});
  const Tensor middle = slice(x, {.start_indices = {2}, .shape = {4}});
  CHECK_FALSE(may_overlap(low.view(), high.view()));
  CHECK_FALSE(may_overlap(flip(low).view(), high.view()));
  CHECK(may_overlap(low.view(), middle.view()));
  CHECK(may_overlap(flip(high).view(), middle.view()));
  CHECK_FALSE(may_overlap(x.view(), x.clone().view()));
}

TEST_CASE("assign writes through views, also from overlapping ones") {
  const Tensor x = count_up({5});
  slice(x, {.start_indices = {1}, .shape = {4}}).assign(slice(x, {.start_indices = {0}, .shape = {4}}));
  CHECK(x.to_vector<float>() == std::vector<float>{0, 0, 1, 2, 3});
  CHECK_THROWS_AS(x.assign(count_up({4})), ShapeError);
}

TEST_CASE("read-only memory is never written") {
  static float values[] = {1, 2, 3};
  const Dim strides[] = {1};
  const Tensor x = Tensor::from_memory(
      values, {DType::float32, {3}}, strides, true, [](void*) {}, nullptr);
  CHECK_THROWS_WITH_AS(x.assign(count_up({3})), doctest::Contains("read-only"), StateError);
  CHECK(values[0] == 1);
}

TEST_CASE("a saved value changed in place is noticed") {
  const Tensor x = f32({1, 2}, {2});
  x.set_requires_grad(true);
  const Tensor y = multiply(x, x);
  {
    const NoGrad off;
    x.assign(f32({5, 6}, {2}));
  }
  CHECK_THROWS_WITH_AS(y.backward(f32({1, 1}, {2})), doctest::Contains("changed in place"), StateError);
}

TEST_CASE("values print as NumPy prints them") {
  CHECK(format_values(f32({1, 2.5f}, {2})) == "[1. , 2.5]");
  CHECK(format_values(f32({0.1f}, {})) == "0.1");
  CHECK(format_values(Tensor::of(std::vector<double>{1.0 / 3}, {1})) == "[0.33333333]");
  CHECK(format_values(f32({1, 2, 3, 4}, {2, 2})) == "[[1., 2.],\n [3., 4.]]");
  CHECK(format_values(count_up({2, 1, 2}, DType::int32)) == "[[[0, 1]],\n\n [[2, 3]]]");
  CHECK(format_values(Tensor::of(std::vector<std::int32_t>{-1, 10}, {2})) == "[-1, 10]");
  CHECK(format_values(f32({1e10f, 1.5f}, {2})) == "[1.0e+10, 1.5e+00]");
  const float inf = std::numeric_limits<float>::infinity();
  CHECK(format_values(f32({inf, -inf, std::numeric_limits<float>::quiet_NaN(), 1}, {4})) == "[ inf, -inf,  nan,   1.]");
  const Tensor yes = Tensor::empty({2}, DType::boolean);
  static_cast<std::uint8_t*>(yes.view().data)[0] = 1;
  static_cast<std::uint8_t*>(yes.view().data)[1] = 0;
  CHECK(format_values(yes) == "[ True, False]");
  CHECK(format_values(Tensor::empty({0, 3})) == "[]");
  CHECK(format_values(count_up({2000}, DType::int64)) == "[   0,    1,    2, ..., 1997, 1998, 1999]");
  CHECK(format_values(count_up({1001, 1}, DType::uint8)).size() < 100);
  CHECK(format_values(transpose(f32({1, 2, 3, 4}, {2, 2}))) == "[[1., 3.],\n [2., 4.]]");
}
