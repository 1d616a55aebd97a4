// Array ops from C++: NumPy indexing and assignment, views and their gradients, random keys. The value and error tables of every
// op are in tests/python/samples/array.py.
#include <algorithm>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

#include "nacre/base/threads.h"
#include "nacre/ops/gradient_check.h"
#include "nacre/ops/indexing.h"
#include "nacre/ops/ops.h"
#include "nacre/ops/random_state.h"

using namespace nacre;
using I = IndexItem;
using Ints = std::vector<std::int32_t>;

namespace {

// 0, 1, 2, ... as int32.
Tensor count_up(const Shape& s) {
  return reshape(arange({.start = 0, .stop = static_cast<double>(s.count()), .dtype = DType::int32}), {.newshape = s});
}
Tensor numbers(const Shape& s) {
  const Tensor key = key_tensor({.seed = 7, .step = static_cast<std::uint64_t>(s.count()), .stream = 3});
  return random_uniform(key, {.shape = s, .minval = -1, .maxval = 1, .dtype = DType::float64});
}
Tensor i64(const std::vector<std::int64_t>& v, const Shape& s) { return Tensor::of(v, s); }
Tensor i64(const std::vector<std::int64_t>& v) { return i64(v, {static_cast<Dim>(v.size())}); }
Tensor mask(const std::vector<int>& v, const Shape& s) {
  return cast(Tensor::of(std::vector<std::int32_t>(v.begin(), v.end()), s), {.dtype = DType::boolean});
}
Tensor get(const Tensor& x, std::initializer_list<I> items) { return get_item(x, {items.begin(), items.size()}); }
void set(const Tensor& x, std::initializer_list<I> items, const Tensor& v) { set_item(x, {items.begin(), items.size()}, v); }
Ints values(const Tensor& x) { return x.to_vector<std::int32_t>(); }

template <class Op>
void check(const Op& a, const std::vector<Tensor>& in, bool second = true) {
  const OpDef& def = op_def<Op>();
  for (bool twice : {false, true}) {
    if (twice && !second) continue;
    const GradientCheck g = check_gradient(def, &a, in, {.second = twice});
    CAPTURE(def.name);
    CAPTURE(twice);
    CHECK(g.worst <= 1.0);
    if (!twice) CHECK(g.checked > 0);
  }
}

}  // namespace

TEST_CASE("basic indexing is a view") {
  const Tensor x = count_up({3, 4});
  const Tensor row = get(x, {I::at(-1)});
  CHECK(values(row) == Ints{8, 9, 10, 11});
  CHECK(row.body()->storage == x.body()->storage);
  CHECK(get(x, {I::at(1), I::at(2)}).shape() == Shape{});
  CHECK(values(get(x, {I::at(1), I::at(2)})) == Ints{6});
  CHECK(values(get(x, {I::range(), I::range(1, 4, 2)})) == Ints{1, 3, 5, 7, 9, 11});
  CHECK(values(get(x, {I::at(0), I::range(I::kNone, I::kNone, -1)})) == Ints{3, 2, 1, 0});
  CHECK(values(get(x, {I::dots(), I::at(0)})) == Ints{0, 4, 8});
  CHECK(get(x, {I::new_axis(), I::dots(), I::new_axis()}).shape() == Shape{1, 3, 4, 1});
  CHECK(get(x, {I::range(2, 2)}).shape() == Shape{0, 4});
  CHECK(get(x, {I::range(5, 9)}).shape() == Shape{0, 4});
  CHECK(values(get(x, {I::range(-100, 100, Dim{1} << 62)})) == Ints{0, 1, 2, 3});
  CHECK(values(get(x, {I::at(0), I::range(I::kNone, I::kNone, -(Dim{1} << 62))})) == Ints{3});
}

TEST_CASE("index errors name axis, index and shape") {
  const Tensor x = count_up({3, 4});
  CHECK_THROWS_WITH_AS(get(x, {I::at(3)}), doctest::Contains("index 3 is out of range for axis 0 of size 3"), IndexError);
  CHECK_THROWS_AS(get(x, {I::at(0), I::at(0), I::at(0)}), IndexError);
  CHECK_THROWS_AS(get(x, {I::dots(), I::dots()}), IndexError);
  CHECK_THROWS_AS(get(x, {I::range(0, 1, 0)}), ValueError);
  CHECK_THROWS_AS(get(x, {I::by(i64({5}))}), IndexError);
  CHECK_THROWS_AS(get(x, {I::by(i64({0})), I::by(i64({-5}))}), IndexError);
  CHECK_THROWS_AS(get(x, {I::by(i64({0, 1})), I::by(i64({0, 1, 2}))}), ShapeError);
  CHECK_THROWS_AS(get(x, {I::by(numbers({2}))}), IndexError);
  CHECK_THROWS_AS(get(x, {I::by(mask({1, 0}, {2}))}), IndexError);
}

TEST_CASE("index tensors") {
  const Tensor x = count_up({3, 4});
  CHECK(values(get(x, {I::by(i64({2, -3}))})) == Ints{8, 9, 10, 11, 0, 1, 2, 3});
  CHECK(values(get(x, {I::by(i64({0, 2})), I::by(i64({1, -1}))})) == Ints{1, 11});
  CHECK(values(get(x, {I::range(1, 3), I::by(i64({3, 0}))})) == Ints{7, 4, 11, 8});
  // [2, 1] and [2] broadcast.
  const Tensor grid = get(x, {I::by(i64({0, 2}, {2, 1})), I::by(i64({1, 3}))});
  CHECK(grid.shape() == Shape{2, 2});
  CHECK(values(grid) == Ints{1, 3, 9, 11});
  CHECK(values(get(x, {I::by(mask({1, 0, 1}, {3}))})) == Ints{0, 1, 2, 3, 8, 9, 10, 11});
  CHECK(values(get(x, {I::by(mask({1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}, {3, 4}))})) == Ints{0, 6, 11});
  CHECK(get(x, {I::by(i64({}, {0}))}).shape() == Shape{0, 4});
}

TEST_CASE("where the axes of index tensors stand") {
  const Tensor x = count_up({2, 3, 4, 5});
  const Tensor i = i64({0, 1, 1}), j = i64({2, 0, 1});
  CHECK(get(x, {I::range(), I::by(i), I::by(j)}).shape() == Shape{2, 3, 5});
  CHECK(get(x, {I::by(i), I::range(), I::by(j)}).shape() == Shape{3, 3, 5});
  CHECK(get(x, {I::at(1), I::range(), I::by(j)}).shape() == Shape{3, 3, 5});
  CHECK(get(x, {I::range(), I::at(1), I::by(j)}).shape() == Shape{2, 3, 5});
  CHECK(get(x, {I::range(), I::by(i), I::new_axis(), I::by(j)}).shape() == Shape{3, 2, 1, 5});
  CHECK(get(x, {I::dots(), I::by(j)}).shape() == Shape{2, 3, 4, 3});
  const Tensor y = get(x, {I::by(i), I::range(), I::by(j)});
  for (Dim k = 0; k < 3; ++k) {
    for (Dim m = 0; m < 3; ++m) {
      CHECK(values(get(y, {I::at(k), I::at(m), I::at(0)}))[0] ==
            ((i.data<std::int64_t>()[k] * 3 + m) * 4 + j.data<std::int64_t>()[k]) * 5);
    }
  }
}

TEST_CASE("assignment to indexed parts") {
  const auto seven = full({.shape = {}, .value = 7, .dtype = DType::int32});
  Tensor x = count_up({3, 4});
  set(x, {I::at(0)}, seven);
  set(x, {I::range(1, 3), I::at(0)}, i64({-1, -2}));
  CHECK(values(x) == Ints{7, 7, 7, 7, -1, 5, 6, 7, -2, 9, 10, 11});
  x = count_up({3, 4});
  set(x, {I::by(i64({0, 2})), I::by(i64({1, -1}))}, i64({50, 60}));
  CHECK(values(x) == Ints{0, 50, 2, 3, 4, 5, 6, 7, 8, 9, 10, 60});
  x = count_up({3, 4});
  set(x, {I::by(i64({1, 1}))}, count_up({2, 4}));  // the last one stays
  CHECK(values(x) == Ints{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  set(x, {I::range(), I::by(i64({3, 0}))}, i64({-3, -4, -5}, {3, 1}));
  CHECK(values(x) == Ints{-3, 1, 2, -3, -4, 5, 6, -4, -5, 9, 10, -5});
  x = count_up({3, 4});
  set(x, {I::by(mask({0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}, {3, 4}))}, seven);
  CHECK(values(x) == Ints{0, 7, 2, 3, 4, 5, 6, 7, 8, 9, 7, 11});
  x = count_up({4});
  set(x, {I::range(1, 4)}, get(x, {I::range(0, 3)}));  // overlapping memory
  CHECK(values(x) == Ints{0, 0, 1, 2});
  set(x, {I::range(0, 2)}, reshape(i64({8, 9}), {.newshape = {1, 2}}));
  CHECK(values(x) == Ints{8, 9, 1, 2});
}

TEST_CASE("a failed assignment changes nothing") {
  const Tensor x = count_up({3});
  CHECK_THROWS_AS(set(x, {I::by(i64({0, 3}))}, i64({5, 6})), IndexError);
  CHECK_THROWS_WITH_AS(set(x, {I::range(0, 2)}, i64({5, 6, 7})), doctest::Contains("[3]"), ShapeError);
  CHECK(values(x) == Ints{0, 1, 2});
  CHECK_THROWS_AS(set(broadcast_to(x, {.shape = {2, 3}}), {I::at(0)}, x), StateError);
  const Tensor w = numbers({3});
  w.set_requires_grad(true);
  const Tensor twice = multiply(w, w);
  CHECK_THROWS_WITH_AS(set(twice, {I::at(0)}, numbers({})), doctest::Contains("not recorded"), StateError);
  CHECK_THROWS_AS(set(numbers({3}), {I::range()}, w), StateError);
}

TEST_CASE("gradients flow through indexing") {
  const Tensor x = numbers({3, 4});
  x.set_requires_grad(true);
  const Tensor y = get(x, {I::range(I::kNone, I::kNone, -2), I::by(i64({1, 1, -1}))});
  y.backward(full({.shape = y.shape(), .value = 1, .dtype = DType::float64}));
  CHECK(x.grad().to_vector<double>() == std::vector<double>{0, 2, 0, 1, 0, 0, 0, 0, 0, 2, 0, 1});
  x.set_grad({});
  const Tensor picked = boolean_mask(x, mask({0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, {3, 4}));
  picked.backward(full({.shape = {2}, .value = 3, .dtype = DType::float64}));
  CHECK(x.grad().to_vector<double>() == std::vector<double>{0, 3, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0});
}

TEST_CASE("nonzero") {
  const std::vector<Tensor> at = nonzero(mask({0, 1, 0, 1, 1, 0}, {2, 3}));
  CHECK(at.size() == 2);
  CHECK(at[0].to_vector<std::int64_t>() == std::vector<std::int64_t>{0, 1, 1});
  CHECK(at[1].to_vector<std::int64_t>() == std::vector<std::int64_t>{1, 0, 1});
  CHECK(nonzero(numbers({0, 3}))[1].shape() == Shape{0});
  CHECK_THROWS_AS((void)nonzero(numbers({})), ShapeError);
}

TEST_CASE("gradients and their gradients by central differences") {
  check(op::Reshape{.newshape = {4, -1}}, {numbers({2, 6})});
  check(op::Reshape{.newshape = {6}}, {transpose(numbers({2, 3}))});
  check(op::Transpose{.axes = {2, 0, 1}}, {numbers({2, 3, 4})});
  check(op::Moveaxis{.source = {0, 1}, .destination = {-1, 0}}, {numbers({2, 3, 4})});
  check(op::BroadcastTo{.shape = {2, 3, 4}}, {numbers({3, 1})});
  check(op::Flip{.axis = {0, 2}}, {numbers({2, 3, 4})});
  check(op::SliceView{.begin = {2, 1}, .size = {2, 2}, .step = {-2, 3}}, {numbers({3, 5})});
  check(op::SliceGrad{.shape = {5, 5}, .begin = {4, 1}, .step = {-2, 3}}, {numbers({3, 2})});
  check(op::Split{.indices = {1, 1, 4}, .axis = 1}, {numbers({2, 5})});
  check(op::Unstack{.axis = 1}, {numbers({2, 3})});
  check(op::Concatenate{.axis = 1}, {numbers({2, 3}), numbers({2, 0}), numbers({2, 2})});
  check(op::Stack{.axis = -1}, {numbers({2, 3}), numbers({2, 3})});
  check(op::Tile{.repeats = {2, 1, 3}}, {numbers({2, 3})});
  check(op::Repeat{.repeats = 3, .axis = 1}, {numbers({2, 3, 2})});
  check(op::Roll{.shift = {2, -1}, .axis = {0, 1}}, {numbers({3, 4})});
  check(op::Pad{.pad_width = {1, 2, 0, 1}}, {numbers({2, 3})});
  check(op::Pad{.pad_width = {2, 1, 1, 2}, .mode = "reflect"}, {numbers({3, 4})});
  check(op::Pad{.pad_width = {3, 2}, .mode = "edge"}, {numbers({2, 3})});
  check(op::Take{.axis = 1}, {numbers({2, 3, 2}), i64({2, 0, -1, 2}, {2, 2})});
  check(op::TakeAlongAxis{.axis = 0}, {numbers({3, 2}), i64({0, 2, 2, 1}, {2, 2})});
  check(op::GatherNd{}, {numbers({3, 2, 2}), i64({0, 1, 2, -1, 0, 1}, {3, 2})});
  check(op::Scatter{.shape = {3, 2, 2}}, {i64({0, 1, 2, -1, 0, 1}, {3, 2}), numbers({3, 2})});
  check(op::ScatterUpdate{}, {numbers({4, 2}), i64({1, 3, 1}, {3, 1}), numbers({3, 2})});
  check(op::ScatterAdd{}, {numbers({4, 2}), i64({1, 3, 1}), numbers({3, 2})});
  check(op::Sort{.axis = 0, .descending = true}, {numbers({5, 3})});
  check(op::TopK{.k = 2}, {numbers({3, 5})});
  check(op::Triu{.k = 1}, {numbers({3, 4})});
  check(op::Diag{.k = -1}, {numbers({3})});
  check(op::Diag{.k = 1}, {numbers({3, 4})});
}

TEST_CASE("reshape views where strides allow it and copies where not") {
  const Tensor x = count_up({4, 6});
  const Tensor every_other = get(x, {I::range(I::kNone, I::kNone, 2)});
  const auto is_view = [&](const Tensor& y) { return y.body()->storage == x.body()->storage; };
  CHECK(is_view(reshape(every_other, {.newshape = {2, 2, 3}})));
  CHECK(is_view(reshape(every_other, {.newshape = {1, 2, 1, 6, 1}})));
  CHECK_FALSE(is_view(reshape(every_other, {.newshape = {-1}})));
  CHECK_FALSE(is_view(reshape(transpose(x), {.newshape = {-1}})));
  CHECK(values(reshape(every_other, {.newshape = {-1}})) == Ints{0, 1, 2, 3, 4, 5, 12, 13, 14, 15, 16, 17});
  CHECK(values(reshape(get(x, {I::at(0)}), {.newshape = {3, 2}})) == Ints{0, 1, 2, 3, 4, 5});
}

TEST_CASE("random keys: one sequence per stream, the same bits for any number of threads") {
  set_random_seed(5);
  const RandomKey a = global_generator().next(), b = global_generator().next();
  CHECK(a.seed == 5);
  CHECK(b.step == a.step + 1);
  SeedGenerator first, second;
  CHECK(first.state().stream != second.state().stream);
  CHECK(first.state().stream != a.stream);
  set_random_seed(5);
  CHECK(global_generator().next().step == a.step);
  SeedGenerator again;
  CHECK(again.state().stream == first.state().stream);

  const Tensor key = key_tensor(a);
  const int before = num_threads();
  set_num_threads(1);
  const Tensor one = random_normal(key, {.shape = {100'003}});
  set_num_threads(2);
  const Tensor two = random_normal(key, {.shape = {100'003}});
  set_num_threads(before);
  CHECK(one.to_vector<float>() == two.to_vector<float>());
  const auto p = random_permutation(key, {.n = 1000}).to_vector<std::int64_t>();
  std::vector<std::int64_t> sorted = p, in_order(1000);
  std::sort(sorted.begin(), sorted.end());
  std::iota(in_order.begin(), in_order.end(), 0);
  CHECK(sorted == in_order);
  CHECK(p != in_order);
}

TEST_CASE("a bad index is reported and nothing is returned") {
  const Tensor x = numbers({3});
  CHECK_THROWS_WITH_AS((void)take(x, i64({0, 7})), doctest::Contains("index 7 at position 1 is out of range for size 3"),
                       IndexError);
  CHECK_THROWS_WITH_AS((void)scatter(i64({0, -4}, {2, 1}), numbers({2}), {.shape = {3}}), doctest::Contains("-4"), IndexError);
  CHECK_THROWS_AS((void)take(Tensor::empty({0}), i64({0})), IndexError);
}
