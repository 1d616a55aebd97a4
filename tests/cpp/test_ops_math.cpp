// The math ops through their C++ face: named options, rules at kinks and ties, gradients against differences, errors. The full tables
// of samples stand in tests/python/samples/math.py.
#include <cmath>
#include <csignal>
#include <functional>

#include <doctest/doctest.h>

#include "nacre/ops/gradient_check.h"
#include "nacre/ops/ops.h"

namespace nacre {  // not a using directive: exp and abs would meet those of the C library

namespace {

using ::raise;  // what doctest calls where it is not on x86: nacre::raise would hide it

Tensor vec(const std::vector<double>& v) { return Tensor::of(v, {static_cast<Dim>(v.size())}); }
Tensor mat(Dim rows, Dim cols, const std::vector<double>& v) { return Tensor::of(v, {rows, cols}); }
Tensor leaf(const Tensor& x) {
  x.set_requires_grad(true);
  return x;
}
using Doubles = std::vector<double>;

template <class Op>
double worst(const std::vector<Tensor>& in, Op attrs = {}, bool second = false) {
  return check_gradient(op_def<Op>(), &attrs, in, {.second = second}).worst;
}

std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("one-sided derivatives at kinks and ties are as documented") {
  const Tensor x = leaf(vec({-1, 0, 2}));
  CHECK(gradients(std::vector{relu(x)}, std::vector{vec({1, 1, 1})}, std::vector{x})[0].to_vector<double>() == Doubles{0, 0, 1});
  CHECK(gradients(std::vector{abs(x)}, std::vector{vec({1, 1, 1})}, std::vector{x})[0].to_vector<double>() == Doubles{-1, 0, 1});
  const Tensor t = leaf(vec({3, 1, 3, 2}));
  CHECK(gradients(std::vector{max(t)}, {}, std::vector{t})[0].to_vector<double>() == Doubles{0.5, 0, 0.5, 0});
  const Tensor a = leaf(vec({1, 2})), b = leaf(vec({1, 1}));
  const auto g = gradients(std::vector{maximum(a, b)}, std::vector{vec({1, 1})}, std::vector{a, b});
  CHECK(g[0].to_vector<double>() == Doubles{0.5, 1});
  CHECK(g[1].to_vector<double>() == Doubles{0.5, 0});
  const Tensor z = leaf(vec({0, 0}));
  CHECK(gradients(std::vector{norm(z)}, {}, std::vector{z})[0].to_vector<double>() == Doubles{0, 0});
  CHECK(gradients(std::vector{nacre::std(z)}, {}, std::vector{z})[0].to_vector<double>() == Doubles{0, 0});
}

TEST_CASE("the gradient of a product is right where elements are zero") {
  const Tensor x = leaf(vec({2, 0, 3}));
  CHECK(gradients(std::vector{prod(x)}, {}, std::vector{x})[0].to_vector<double>() == Doubles{0, 6, 0});
  const Tensor two = leaf(vec({0, 5, 0}));
  CHECK(gradients(std::vector{prod(two)}, {}, std::vector{two})[0].to_vector<double>() == Doubles{0, 0, 0});
  CHECK(worst<op::Prod>({mat(2, 3, {0, 2, 0, 1, -3, 0.5})}, {.axis = 1}) <= 1);
  CHECK(worst<op::Prod>({mat(2, 3, {0, 2, 0, 1, -3, 0.5})}, {.axis = 1}, true) <= 1);
  CHECK(worst<op::Cumprod>({vec({1.5, 0, 2, 0, -1})}, {.axis = 0}, true) <= 1);
}

TEST_CASE("dense is matmul, add and relu in one, with the same gradients") {
  const Tensor x = leaf(mat(3, 2, {1, -2, 0.5, 3, -1, 1})), w = leaf(mat(2, 2, {0.3, -0.7, 0.2, 0.9})), b = leaf(vec({0.1, -0.2}));
  const Tensor dy = mat(3, 2, {1, 2, 3, 4, 5, 6});
  const Tensor fused = dense(x, w, b, {.activation = "relu"}), plain = relu(matmul(x, w) + b);
  CHECK(fused.to_vector<double>() == plain.to_vector<double>());
  const auto f = gradients(std::vector{fused}, std::vector{dy}, std::vector{x, w, b});
  const auto p = gradients(std::vector{plain}, std::vector{dy}, std::vector{x, w, b});
  for (std::size_t k = 0; k < 3; ++k) {
    const auto got = f[k].to_vector<double>(), want = p[k].to_vector<double>();
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(want[i]).epsilon(1e-14));
  }
}

TEST_CASE("the worked example of linear regression through two layers") {  // h = w1 x + b1, g = w2 h + b2, L = mean (y - g)^2
  const Tensor x = vec({1, 2, 3}), y = vec({2, 3.9, 6.1});
  const auto number = [](double v) { return leaf(Tensor::of(Doubles{v}, {})); };
  const Tensor w1 = number(0.7), b1 = number(0.1), w2 = number(1.3), b2 = number(-0.2);
  const Tensor h = w1 * x + b1, g = w2 * h + b2, loss = mean(square(y - g));
  const auto d = gradients(std::vector{loss}, {}, std::vector{w1, b1, w2, b2});
  double e_x = 0, e = 0, e_h = 0;
  for (int i = 0; i < 3; ++i) {
    const double hi = 0.7 * (i + 1) + 0.1, ei = Doubles{2, 3.9, 6.1}[static_cast<std::size_t>(i)] - (1.3 * hi - 0.2);
    e_x += ei * 1.3 * (i + 1), e += ei, e_h += ei * hi;
  }
  CHECK(d[0].item() == doctest::Approx(-2.0 / 3 * e_x).epsilon(1e-12));
  CHECK(d[1].item() == doctest::Approx(-2.0 / 3 * e * 1.3).epsilon(1e-12));
  CHECK(d[2].item() == doctest::Approx(-2.0 / 3 * e_h).epsilon(1e-12));
  CHECK(d[3].item() == doctest::Approx(-2.0 / 3 * e).epsilon(1e-12));
}

TEST_CASE("einsum agrees with matmul, batched and transposed") {
  Doubles v(24);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = std::sin(static_cast<double>(i));
  const Tensor a = Tensor::of(v, {2, 3, 4}), b = Tensor::of(v, {2, 4, 3});
  CHECK(einsum({a, b}, {.equation = "bij,bjk->bik"}).to_vector<double>() == matmul(a, b).to_vector<double>());
  CHECK(einsum({a, a}, {.equation = "bij,bkj->bik"}).to_vector<double>() ==
        matmul(a, a, {.transpose_b = true}).to_vector<double>());
  CHECK(worst<op::Einsum>({a, b}, {.equation = "bij,bjk->ki"}) <= 1);
  CHECK(worst<op::Einsum>({a, b}, {.equation = "bij,bjk->ki"}, true) <= 1);
}

TEST_CASE("dtypes: a float is never widened by an integer, small integers are summed in int32") {
  const Tensor i = Tensor::of(std::vector<std::int64_t>{1, 2}, {2}), f = Tensor::of(std::vector<float>{0.5f, 1.5f}, {2});
  CHECK((i + f).dtype() == DType::float32);
  CHECK(divide(i, i).dtype() == floatx());
  CHECK(mean(i).dtype() == floatx());
  const Tensor bytes = Tensor::of(std::vector<std::uint8_t>{200, 100}, {2});
  CHECK(sum(bytes).dtype() == DType::int32);
  CHECK(sum(bytes).item_int() == 300);
  CHECK((bytes + bytes).dtype() == DType::uint8);
  CHECK(argmax(f).dtype() == DType::int32);
  CHECK((f * 2.0).dtype() == DType::float32);
}

TEST_CASE("errors name the op, the argument and the value") {
  const Tensor a = mat(2, 3, Doubles(6)), b = mat(4, 5, Doubles(20));
  CHECK(message([&] { matmul(a, b); }).find("matmul: x1 has 3 columns but x2 has 4 rows") == 0);
  CHECK(message([&] { a + b; }).find("add: ") == 0);
  CHECK(message([&] { sum(a, {.axis = 2}); }).find("sum: axis") == 0);
  CHECK(message([&] { softmax(a, {.axis = -4}); }).find("-4") != std::string::npos);
  CHECK(message([&] { clip(a, {.min = 2, .max = 1}); }) == "clip: min must be at most max, got min 2 and max 1.");
  CHECK(message([&] { clip(a, {.min = std::nan("")}); }).find("nan") != std::string::npos);
  const Tensor i = Tensor::of(std::vector<std::int32_t>{4, 5}, {2}), zero = Tensor::of(std::vector<std::int32_t>{1, 0}, {2});
  CHECK(message([&] { floor_divide(i, zero); }) == "floor_divide: integer division by zero at position 1.");
  CHECK(message([&] { max(Tensor::of(Doubles{}, {2, 0}), {.axis = 1}); }).find("[2, 0]") != std::string::npos);
}

}  // namespace nacre
