// What later work stands on: probes in a running plan, ranges of gradients as they become ready, hooks after the update of a variable.
#include <algorithm>
#include <cmath>
#include <cstring>

#include <doctest/doctest.h>

#include "nacre/autograd/tape.h"
#include "nacre/nn/layers.h"
#include "nacre/ops/operators.h"
#include "nacre/ops/random_state.h"
#include "nacre/ops/recorder.h"
#include "nacre/optim/optimizer.h"
#include "nacre/plan/plan.h"

using namespace nacre;

namespace {

Tensor random(const Shape& shape, std::uint64_t seed) {
  return random_normal(key_tensor({.seed = seed, .step = 0, .stream = 7}), {.shape = shape});
}

Tensor loss_of(const Tensor& x, const Tensor& w1, const Tensor& w2) { return mean(square(matmul(nacre::tanh(matmul(x, w1)), w2))); }

}  // namespace

TEST_CASE("a probe writes rows of statistics into a ring, step by step, and the result stays as it was") {
  const Tensor w1 = random({6, 5}, 1), w2 = random({5, 3}, 2), x = random({4, 6}, 3);
  const Tensor ring = zeros({.shape = {3, 5 + 4}, .dtype = DType::float64});
  const auto f = [&](const Tensor& in, bool look) {
    const Tensor h = nacre::tanh(matmul(in, w1));
    if (look) probe_(ring, h, recorder()->step_key({.seed = 0, .step = 0, .stream = 1}), {.bins = 4, .low = -1, .high = 1});
    return mean(square(matmul(h * 2.0, w2)));
  };
  plan::Trace trace;
  const Tensor in = trace.input(x.view(), "x");
  Tensor out;
  {
    const Capture capture(trace);
    out = f(in, true);
  }
  plan::Instance instance(std::make_shared<plan::Plan>(std::move(trace), std::span<const Tensor>(&out, 1)));
  for (std::uint64_t step = 0; step < 5; ++step) {  // more steps than rows
    const Tensor scaled = x * static_cast<double>(step + 1);
    instance.input(0).assign(scaled);
    instance.run(step);
    instance.commit();
    CHECK(instance.output(0).item() == f(scaled, false).item());
    const Tensor h = nacre::tanh(matmul(scaled, w1));
    const auto values = h.to_vector<float>();
    double squares = 0, total = 0, counts[4] = {};
    for (float v : values) {
      squares += double(v) * double(v), total += double(v);
      if (v >= -1 && v < 1) counts[std::min(3, static_cast<int>((double(v) + 1) * 2))] += 1;
    }
    const auto rows = ring.to_vector<double>();
    const double* row = rows.data() + static_cast<std::ptrdiff_t>(step % 3) * 9;
    CHECK(row[0] == static_cast<double>(step));
    CHECK(row[1] == std::sqrt(squares));
    CHECK(row[2] == total / static_cast<double>(values.size()));
    CHECK(row[3] == double(*std::min_element(values.begin(), values.end())));
    CHECK(row[4] == double(*std::max_element(values.begin(), values.end())));
    for (int b = 0; b < 4; ++b) CHECK(row[5 + b] == counts[b]);
  }
}

TEST_CASE("gradients are announced as their ranges become ready: work on them in between is as work after the run") {
  Tensor w1 = random({6, 5}, 1), w2 = random({5, 3}, 2);
  w1.set_requires_grad(true), w2.set_requires_grad(true);
  const Tensor x = random({4, 6}, 3);
  plan::Trace trace;
  const Tensor in = trace.input(x.view(), "x");
  std::vector<Tensor> outputs, placed;
  {
    const Capture capture(trace);
    const Tensor loss = loss_of(in, w1, w2);
    const Tensor weights[] = {w1, w2};
    placed = gradients({&loss, 1}, {}, weights);
    outputs = {loss.detach()};
  }
  const Dim places[] = {0, 128};
  const auto plan = std::make_shared<plan::Plan>(std::move(trace), outputs, placed, places);
  const std::vector<plan::ReadyRange> ready = plan->ready();
  REQUIRE(ready.size() == 2);
  CHECK(ready[0].begin == 128);  // the last layer's first
  CHECK(ready[0].bytes == 5 * 3 * 4);
  CHECK(ready[1].begin == 0);
  CHECK(ready[0].step < ready[1].step);

  const Tensor block = zeros({.shape = {64}}), twice = zeros({.shape = {64}});
  plan::Instance plain(plan, block.view().data), summed(plan, twice.view().data);
  std::vector<Dim> told;
  summed.on_ready([&](Dim begin, Dim bytes) {  // as a sum over two equal ranks
    told.push_back(begin);
    auto* g = reinterpret_cast<float*>(static_cast<char*>(twice.view().data) + begin);
    for (Dim i = 0; i < bytes / 4; ++i) g[i] *= 2;
  });
  for (plan::Instance* i : {&plain, &summed}) {
    i->input(0).assign(x);
    i->run();
  }
  CHECK(told == std::vector<Dim>{128, 0});
  CHECK((block * 2.0).to_vector<float>() == twice.to_vector<float>());
  summed.on_ready({});
  summed.run();
  CHECK(block.to_vector<float>() == twice.to_vector<float>());
  CHECK(told.size() == 2);
}

TEST_CASE("a hook sees its variable after each update: constraints and averages") {
  const auto optimizer = optim::make_optimizer("adam", Json::object({{"learning_rate", Json(0.5)}}));
  const Tensor a = random({40}, 5), b = random({7}, 6), plain_b = b.clone();
  const std::vector<optim::Parameter> variables{{"a", a}, {"b", b}};
  CHECK_THROWS_WITH_AS(optimizer->set_hook(0, {}), "Adam: set_hook needs the variables. Call build(variables) first.", StateError);
  optimizer->build(variables);
  CHECK_THROWS_WITH_AS(optimizer->set_hook(2, {}), "Adam: set_hook: variable 2 is out of range for 2 variables.", IndexError);
  std::vector<float> average(40, 0.0f);
  int calls = 0;
  optimizer->set_hook(0, [&](const Tensor& value) {
    auto* v = value.data<float>();
    for (int i = 0; i < 40; ++i) v[i] = std::max(v[i], 0.0f), average[static_cast<std::size_t>(i)] += v[i] / 3;
    ++calls;
  });
  const auto other = optim::make_optimizer("adam", Json::object({{"learning_rate", Json(0.5)}}));
  std::vector<float> expected(40, 0.0f);
  for (int step = 0; step < 3; ++step) {
    const std::vector<Tensor> grads{random({40}, 50 + static_cast<std::uint64_t>(step)), random({7}, 60)};
    optimizer->apply(grads, variables);
    other->apply({&grads[1], 1}, std::vector<optim::Parameter>{{"b", plain_b}});
    const auto now = a.to_vector<float>();
    CHECK(*std::min_element(now.begin(), now.end()) >= 0.0f);
    for (std::size_t i = 0; i < 40; ++i) expected[i] += now[i] / 3;
  }
  CHECK(calls == 3);
  CHECK(average == expected);
  CHECK(b.to_vector<float>() == plain_b.to_vector<float>());  // no hook, no change
  const std::vector<Tensor> none{Tensor(), random({7}, 60)};
  optimizer->apply(none, variables);
  CHECK(calls == 3);  // no gradient, no update
}
