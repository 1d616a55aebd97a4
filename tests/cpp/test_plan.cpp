// Captured plans: the bits of eager execution, memory, random keys, what must wait for the commit, errors.
#include <atomic>
#include <thread>

#include "nacre/autograd/tape.h"
#include "nacre/nn/layers.h"
#include "nacre/ops/operators.h"
#include "plan_test.h"

using namespace nacre;
using namespace plan_test;

namespace {

// A block with every kind of op that layers are made of, and its gradients.
std::vector<Tensor> network(const Tensor& x, const Tensor& labels, std::span<const Tensor> w) {
  Tensor h = conv2d(x, w[0], w[1], {.padding = "same", .activation = "relu"});
  h = batch_norm_training(h, w[2], w[3])[0];
  h = max_pool(gelu(h), {.pool_size = {2}});
  h = reshape(h, {.newshape = {x.shape()[0], -1}});
  h = dense(h, w[4], w[5], {.activation = "relu"});
  h = tanh(h) * 0.5 + sigmoid(h) * h;
  const Tensor logits = dense(layer_norm(h, w[6], w[7]), w[8]);
  const Tensor loss = mean(softmax_cross_entropy(labels, logits)[0]) + sum(square(w[4])) * 1e-3;
  std::vector<Tensor> out = gradients({&loss, 1}, {}, w);
  out.push_back(loss.detach());
  return out;
}

std::vector<Tensor> weights_of(DType t) {
  std::vector<Tensor> w{random({3, 3, 2, 8}, 1, t), random({8}, 2, t),       random({8}, 3, t),
                        random({8}, 4, t),          random({128, 20}, 5, t), random({20}, 6, t),
                        random({20}, 7, t),         random({20}, 8, t),      random({20, 5}, 9, t)};
  for (const Tensor& p : w) p.set_requires_grad(true);
  return w;
}

}  // namespace

TEST_CASE("a captured training step has the bits of the eager one") {
  for (DType t : {DType::float32, DType::float64}) {
    const std::vector<Tensor> w = weights_of(t);
    const Tensor x = random({6, 8, 8, 2}, 10, t), labels = Tensor::of(std::vector<std::int64_t>{0, 1, 2, 3, 4, 0}, {6});
    const std::vector<Tensor> eager = network(x, labels, w);
    const std::vector<Tensor> values{x, labels};
    for (bool fuse : {false, true}) {
      for (bool reuse : {false, true}) {
        const auto p = captured([&](std::span<const Tensor> in) { return network(in[0], in[1], w); }, values, {fuse, reuse});
        const std::vector<Tensor> got = replay(p, values);
        REQUIRE(got.size() == eager.size());
        for (std::size_t i = 0; i < got.size(); ++i) {
          CHECK_MESSAGE(same_bits(got[i], eager[i]), "output ", i, " fuse ", fuse, " reuse ", reuse);
        }
        if (reuse) CHECK(p->arena_bytes() < p->unplanned_bytes() * 6 / 10);
      }
    }
  }
}

TEST_CASE("elementwise chains of any length, with numbers, conditions and casts between") {
  for (Dim n : {2, 7, 1023, 1025, 70001}) {
    const Tensor x = random({n}, 20), y = random({n}, 21);
    const auto f = [](std::span<const Tensor> in) -> std::vector<Tensor> {
      Tensor a = in[0] * 2.0 + in[1], b = a;
      for (int i = 0; i < 20; ++i) b = tanh(b * 0.9 + a) - in[1] * 0.1;
      const Tensor big = greater(b, a);
      const Tensor c = where(big, exp(minimum(a, b)), cast(big, {.dtype = DType::float32}) + relu(b));
      return {c, a, cast(c, {.dtype = DType::int32}),
              clip(c, {.min = -0.5, .max = 0.5}) * broadcast_to(sum(a), {.shape = a.shape()})};
    };
    const std::vector<Tensor> values{x, y}, eager = f(values);
    const auto plan = captured(f, values);
    const std::vector<Tensor> got = replay(plan, values);
    for (std::size_t i = 0; i < got.size(); ++i) CHECK_MESSAGE(same_bits(got[i], eager[i]), "n ", n, ", output ", i);
    CHECK_MESSAGE(plan->steps().size() < 15, plan->text());  // of some 90 ops
  }
}

TEST_CASE("equal ops run once, unused ones not at all, constants when the plan is made") {
  const Tensor x = random({4, 5}, 30);
  const std::vector<Tensor> values{x};
  const auto plan = captured(
      [](std::span<const Tensor> in) -> std::vector<Tensor> {
        const Tensor unused = exp(in[0]), once = sum(in[0], {.axis = 1}), again = sum(in[0], {.axis = 1}),
                     other = sum(in[0], {.axis = 0});
        const Tensor fixed = exp(full({.shape = {4}, .value = 2.0, .dtype = DType::float32}) * 3.0);
        return {matmul(once, again), other, fixed};
      },
      values);
  CHECK(plan->steps().size() == 3);
  const std::vector<Tensor> got = replay(plan, values);
  CHECK(same_bits(got[2], exp(full({.shape = {4}, .value = 2.0, .dtype = DType::float32}) * 3.0)));
}

TEST_CASE("steps know their flops") {
  const auto flops = [](const Function& f, std::span<const Tensor> values, std::string_view op) {
    double total = 0;
    for (const plan::StepInfo& s : captured(f, values)->steps()) {
      if (s.op == op) total += s.flops;
    }
    return total;
  };
  const std::vector<Tensor> w{random({3, 3, 2, 5}, 1)}, image{random({4, 8, 7, 2}, 2)};
  w[0].set_requires_grad(true);
  image[0].set_requires_grad(true);
  const auto conv = [&](std::span<const Tensor> in) -> std::vector<Tensor> {
    const Tensor y = conv2d(exp(in[0]), w[0]), g = ones({.shape = y.shape()});
    return gradients({&y, 1}, {&g, 1}, w);
  };
  CHECK(flops(conv, image, "conv2d_nhwc") == 0);  // nobody reads y
  CHECK(flops(conv, image, "conv2d_dw") == 2.0 * 4 * 6 * 5 * 9 * 2 * 5);
  CHECK(flops(conv, image, "exp") == 4 * 8 * 7 * 2);
  const std::vector<Tensor> heads{random({2, 6, 3, 8}, 3)}, words{random({2, 6, 8}, 4), random({8, 20}, 5), random({5, 20}, 6)};
  const auto attention = [](std::span<const Tensor> in) -> std::vector<Tensor> {
    return {dot_product_attention({in[0], in[0], in[0]}), dot_product_attention({in[0], in[0], in[0]}, {.causal = true})};
  };
  CHECK(flops(attention, heads, "attention_lse") == 2.0 * 3 * (6 * 6 * 2 + 6 * 7) * 16);
  const auto recurrent = [](std::span<const Tensor> in) -> std::vector<Tensor> { return {lstm(in)[0]}; };
  CHECK(flops(recurrent, words, "lstm") == 2.0 * 2 * 6 * (8 * 20 + 5 * 20));
  const auto rows = [](std::span<const Tensor> in) -> std::vector<Tensor> {
    return {layer_norm(in[0]), max(in[0], {.axis = 1}), sum(in[0], {.axis = 0})};
  };
  CHECK(flops(rows, words, "layer_norm_stats") == 7 * 96);
  CHECK(flops(rows, words, "max") == 96);
  CHECK(flops(rows, words, "sum") == 96);
}

TEST_CASE("running statistics wait for the commit, and random keys count on") {
  nn::BatchNormalization norm(nn::BatchNormalizationOptions{});
  norm.build({nn::kUnknown, 3});
  nn::Dropout dropout({.rate = 0.5});
  dropout.build({nn::kUnknown, 3});
  const Tensor x = random({16, 3}, 40);
  const std::vector<Tensor> values{x};
  const auto f = [&](std::span<const Tensor> in) -> std::vector<Tensor> {
    const nn::CallContext context{.training = true, .seed = 3, .step = 0};
    return {dropout(norm(in[0], context), context)};
  };
  const auto plan = captured(f, values);
  plan::Instance instance(plan);
  const Tensor mean = norm.find_weight("moving_mean"), before = mean.clone();
  instance.input(0).assign(x);
  instance.run(5);
  CHECK(same_bits(mean, before));
  instance.commit();
  CHECK(!same_bits(mean, before));
  const Tensor moved = mean.clone(), dropped = instance.output(0).clone();
  mean.assign(before);
  norm.find_weight("moving_variance").assign(ones({.shape = {3}}));
  const nn::CallContext eager{.training = true, .seed = 3, .step = 5};
  CHECK(same_bits(dropout(norm(x, eager), eager), dropped));
  CHECK(same_bits(mean, moved));
  instance.input(0).assign(x);
  instance.run(6);
  CHECK(!same_bits(instance.output(0), dropped));
}

TEST_CASE("what the data makes wrong is said with the op's name, and the next run is right") {
  const Tensor table = random({5, 2}, 50), index = Tensor::of(std::vector<std::int64_t>{0, 4, 9}, {3});
  const std::vector<Tensor> values{index};
  const auto plan =
      captured([&](std::span<const Tensor> in) -> std::vector<Tensor> { return {take(table, in[0], {.axis = 0})}; }, values);
  plan::Instance instance(plan);
  instance.input(0).assign(index);
  CHECK_THROWS_WITH_AS(instance.run(), "take: index 9 at position 2 is out of range for size 5.", IndexError);
  const Tensor good = Tensor::of(std::vector<std::int64_t>{1, 4, 3}, {3});
  instance.input(0).assign(good);
  instance.run();
  CHECK(same_bits(instance.output(0), take(table, good, {.axis = 0})));
}

TEST_CASE("symbolic tensors have no values and belong to one capture") {
  plan::Trace trace;
  const Tensor x = trace.input({DType::float32, {2}}, "x");
  {
    const Capture capture(trace);
    const Tensor y = x * 2.0;
    CHECK(y.symbolic());
    CHECK_THROWS_AS((void)sum(y).item(), StateError);
    CHECK_THROWS_AS((void)y.to_vector<float>(), StateError);
    CHECK_THROWS_AS(y.assign(y), StateError);
    CHECK_THROWS_AS(sum(y).backward(), StateError);
    plan::Trace other;
    CHECK_THROWS_AS(Capture{other}, StateError);
  }
  plan::Trace second;
  const Capture capture(second);
  CHECK_THROWS_WITH_AS(
      (void)(x + 1.0),
      "capture: a symbolic tensor of shape [2] was used outside of the capture that made it. Do not keep tensors of a "
      "layer's call in attributes.",
      StateError);
}

TEST_CASE("several instances of one plan run in several threads") {
  const Tensor w = random({64, 64}, 60);
  const std::vector<Tensor> values{random({8, 64}, 61)};
  const auto f = [&](std::span<const Tensor> in) -> std::vector<Tensor> { return {tanh(matmul(tanh(matmul(in[0], w)), w))}; };
  const auto plan = captured(f, values);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      plan::Instance instance(plan);
      for (int i = 0; i < 20; ++i) {
        const std::vector<Tensor> own{random({8, 64}, static_cast<std::uint64_t>(100 + 20 * t + i))};
        instance.input(0).assign(own[0]);
        instance.run();
        if (!same_bits(instance.output(0), f(own)[0])) ++wrong;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  CHECK(wrong == 0);
}
