// The nn family from C++: calls as a C++ program writes them, derivatives of both orders, gradients by reference, rules of ties and masks.
// Every option of every op is swept by the generic Python tests (tests/python/samples/nn*.py).
#include <cmath>
#include <limits>
#include <numeric>

#include <doctest/doctest.h>

#include "nacre/autograd/tape.h"
#include "nacre/ops/gradient_check.h"
#include "nacre/ops/ops.h"
#include "nacre/ops/random_state.h"

using namespace nacre;

namespace {

Tensor values(const Shape& shape, int seed) {
  std::vector<double> v(static_cast<std::size_t>(shape.count()));
  for (std::size_t i = 0; i < v.size(); ++i)
    v[i] = std::sin(1.7 * static_cast<double>(i) + seed) + 0.1 * std::cos(5.3 * static_cast<double>(i * i + 1) + seed);
  return Tensor::of(v, shape);
}

template <class Op>
void check(const Op& a, std::initializer_list<Tensor> in, bool second = true) {
  INFO(Op::name);
  const std::span<const Tensor> inputs(in.begin(), in.size());
  const GradientCheck first = check_gradient(op_def<Op>(), &a, inputs, {.seed = 3});
  CHECK(first.checked > 0);
  INFO("input ", first.worst_input, " element ", first.worst_element, ": got ", first.got, ", expected ", first.expected);
  CHECK(first.worst <= 1);
  if (!second) return;
  const GradientCheck again = check_gradient(op_def<Op>(), &a, inputs, {.seed = 4, .second = true});
  CHECK(again.checked > 0);
  INFO("input ", again.worst_input, " element ", again.worst_element, ": got ", again.got, ", expected ", again.expected);
  CHECK(again.worst <= 1);
}

}  // namespace

TEST_CASE("derivatives of both orders against differences") {
  const Tensor x = values({2, 4, 4, 2}, 1), w = values({3, 2, 2, 3}, 2), b = values({3}, 3);
  check(op::Conv2d{.strides = {2, 1}, .padding = "same"}, {x, w, b});
  check(op::Conv2d{.activation = "relu"}, {x, w, b});
  check(op::Conv2dTranspose{.strides = {2}, .padding = "same"}, {values({1, 2, 3, 2}, 1), values({3, 3, 2, 2}, 2)});
  check(op::MaxPool{}, {x});
  check(op::AveragePool{.pool_size = {3}, .strides = {2}, .padding = "same"}, {x});
  check(op::BatchNormTraining{}, {values({4, 3}, 1), values({3}, 2), values({3}, 3)});
  check(op::BatchNormInference{}, {values({4, 3}, 1), values({3}, 2), Tensor::of<double>(std::vector<double>{0.5, 1, 2}, {3}),
                                   values({3}, 3), values({3}, 4)});
  check(op::LayerNorm{}, {values({3, 5}, 1), values({5}, 2), values({5}, 3)});
  check(op::RmsNorm{}, {values({3, 5}, 1), values({5}, 2)});
  check(op::GroupNorm{.groups = 2}, {values({2, 3, 4}, 1), values({4}, 2), values({4}, 3)});
  const Tensor q = values({1, 3, 2, 4}, 1), k = values({1, 4, 2, 4}, 2), v = values({1, 4, 2, 3}, 3);
  check(op::DotProductAttention{.causal = true}, {q, k, v});
  check(op::DotProductAttention{}, {q, k, v, Tensor(), values({2, 3, 4}, 4)});
  check(op::Embedding{}, {values({5, 3}, 1), Tensor::of<std::int32_t>(std::vector<std::int32_t>{1, 4, 1}, {3})});
  check(op::Dropout{.rate = 0.4}, {values({20}, 1), key_tensor({.seed = 3, .step = 1, .stream = 2})});
  const Tensor labels = Tensor::of<std::int64_t>(std::vector<std::int64_t>{2, 0, 1}, {3});
  check(op::SparseCategoricalCrossentropy{.from_logits = true}, {labels, values({3, 4}, 1)});
  check(op::CategoricalCrossentropy{.from_logits = true, .label_smoothing = 0.1}, {softmax(values({3, 4}, 5)), values({3, 4}, 1)});
}

TEST_CASE("a gradient by reference stops at the inputs and leads on under create_graph") {
  // y = sum(batch_norm(tanh(x))^2 w): the second derivative passes the reference of batch_norm_grad and then tanh.
  const Tensor x = values({5, 2}, 1), weight = values({5, 2}, 9);
  x.set_requires_grad(true);
  const auto first = [&](const Tensor& at) {
    const Tensor y = batch_norm_training(nacre::tanh(at))[0];
    const Tensor out[] = {sum(square(y) * weight)}, in[] = {at};
    return gradients(out, {}, in, false, true)[0];
  };
  const Tensor s = values({5, 2}, 4);
  const Tensor g = sum(first(x) * s);
  const Tensor out[] = {g}, in[] = {x};
  const std::vector<double> second = gradients(out, {}, in)[0].to_vector<double>();
  for (int i = 0; i < 10; ++i) {
    const double h = 1e-6;
    const auto at = [&](double by) {
      std::vector<double> moved = x.to_vector<double>();
      moved[static_cast<std::size_t>(i)] += by;
      const Tensor m = Tensor::of(moved, {5, 2});
      m.set_requires_grad(true);
      return sum(first(m) * s).item();
    };
    CHECK(second[static_cast<std::size_t>(i)] == doctest::Approx((at(h) - at(-h)) / (2 * h)).epsilon(1e-6));
  }
}

TEST_CASE("statistics of batch norm have gradients of their own") {
  check(op::BatchNormTraining{}, {values({4, 2}, 1)});
  const Tensor x = values({4, 2}, 1);
  x.set_requires_grad(true);
  const Tensor out[] = {sum(batch_norm_training(x)[1])}, in[] = {x};
  for (double d : gradients(out, {}, in)[0].to_vector<double>()) CHECK(d == doctest::Approx(0.25));
}

TEST_CASE("a pool's gradient goes to the first maximum") {
  const Tensor x = Tensor::of<double>(std::vector<double>{1, 3, 3, 3}, {1, 2, 2, 1});
  x.set_requires_grad(true);
  for (const bool global : {false, true}) {
    const Tensor y = global ? global_max_pool(x) : max_pool(x);
    const Tensor out[] = {sum(y)}, in[] = {x};
    CHECK(gradients(out, {}, in)[0].to_vector<double>() == std::vector<double>{0, 1, 0, 0});
  }
}

TEST_CASE("same padding puts the odd row at the end") {
  const Tensor x = Tensor::of<double>(std::vector<double>{1, 2, 3, 4}, {1, 1, 4, 1}),
               w = Tensor::of<double>(std::vector<double>{1, 1, 1}, {1, 3, 1, 1});
  CHECK(conv2d(x, w, {}, {.strides = {1, 2}, .padding = "same"}).to_vector<double>() ==
        std::vector<double>{6, 7});  // symmetric padding: 3, 9
}

TEST_CASE("running averages move in place") {
  const Tensor running = Tensor::of<float>(std::vector<float>{1, 2}, {2}), value = Tensor::of<float>(std::vector<float>{3, 6}, {2});
  CHECK(ema_update_(running, value, {.momentum = 0.75}).empty());
  CHECK(running.to_vector<float>() == std::vector<float>{1.5f, 3});
}

TEST_CASE("a fully masked row of attention is 0 and has no gradient") {
  const Tensor q = values({1, 2, 1, 3}, 1), k = values({1, 2, 1, 3}, 2), v = values({1, 2, 1, 3}, 3);
  const Tensor mask = Tensor::of<bool>(std::array<bool, 4>{true, true, false, false}, {2, 2});
  q.set_requires_grad(true);
  const Tensor in_list[] = {q, k, v, mask};
  const Tensor y = dot_product_attention(in_list);
  const Tensor out[] = {sum(square(y))}, in[] = {q};
  const std::vector<double> dq = gradients(out, {}, in)[0].to_vector<double>(), o = y.to_vector<double>();
  for (int i = 3; i < 6; ++i) {
    CHECK(o[static_cast<std::size_t>(i)] == 0);
    CHECK(dq[static_cast<std::size_t>(i)] == 0);
  }
}

TEST_CASE("log_softmax with nll_loss is sparse cross-entropy from logits") {
  const Tensor logits = values({4, 5}, 1), labels = Tensor::of<std::int32_t>(std::vector<std::int32_t>{0, 4, 2, 2}, {4});
  const std::vector<double> a = nll_loss(labels, log_softmax(logits)).to_vector<double>(),
                            b = sparse_categorical_crossentropy(labels, logits, {.from_logits = true}).to_vector<double>();
  for (std::size_t i = 0; i < 4; ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-14));
}

TEST_CASE("logits of 0 have the derivative of the sigmoid") {
  const Tensor z = Tensor::of<double>(std::vector<double>{0, 0}, {2, 1}), t = Tensor::of<double>(std::vector<double>{1, 0}, {2, 1});
  z.set_requires_grad(true);
  const Tensor out[] = {sum(binary_crossentropy(t, z, {.from_logits = true}))}, in[] = {z};
  CHECK(gradients(out, {}, in)[0].to_vector<double>() == std::vector<double>{-0.5, 0.5});
}

TEST_CASE("errors carry the name of the called op and the values") {
  const auto message = [](auto&& f) -> std::string {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  const Tensor x = values({8, 4, 32, 32}, 1), w = values({16, 3, 3, 3}, 1);
  CHECK(message([&] {
          conv2d(x, w, {}, {.data_format = "channels_first"});
        }).starts_with("conv2d: input has 4 channels but weight expects 3"));
  const Tensor labels = Tensor::of<std::int32_t>(std::vector<std::int32_t>{0, 7}, {2});
  CHECK(message([&] {
          sparse_categorical_crossentropy(labels, values({2, 3}, 1));
        }) == "sparse_categorical_crossentropy: index 7 at position 1 is out of range for size 3.");
  CHECK(message([&] {
          mean_squared_error(values({4, 1}, 1), values({4, 3}, 1));
        }).find("[4, 1] but y_pred has shape [4, 3]") != std::string::npos);
}
