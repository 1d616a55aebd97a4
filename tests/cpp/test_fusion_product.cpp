// Elementwise ops inside the steps of products and convolutions: the bits of eager execution for any sizes and threads, and fewer steps.
#include "fusion_test.h"

using namespace nacre;
using namespace fusion_test;
using namespace plan_test;

namespace {

Tensor random_key() { return key_tensor({.seed = 3, .step = 5, .stream = 2}); }

}  // namespace

TEST_CASE("dense, gelu, dropout and a residual, forward and backward") {
  struct Sizes {
    Dim rows, in, units;
  };
  // One block of K and several, whole rows and parts of them, B in place and packed, few rows, columns that are no whole packet.
  const Sizes sizes[] = {{64, 64, 64},  {1031, 7, 5},   {517, 33, 128}, {130, 300, 129}, {67, 513, 700}, {530, 513, 256},
                         {9, 40, 1025}, {3, 700, 2000}, {9, 300, 512},  {300, 1, 16},    {2050, 129, 8}};
  for (DType t : {DType::float32, DType::float64}) {
    for (const Sizes& s : sizes) {
      const std::vector<Tensor> w = trained({random({s.in, s.units}, 1, t), random({s.units}, 2, t), random({s.units, 3}, 3, t)});
      const std::vector<Tensor> values{random({s.rows, s.in}, 4, t), random({s.rows, s.units}, 5, t), random_key(),
                                       random({s.rows, 3}, 6, t)};
      const auto f = [&](std::span<const Tensor> in) {
        const Tensor x = in[0].detach();
        const Tensor h = dropout(gelu(dense(x, w[0], w[1])), in[2], {.rate = 0.3, .stream = 4}) + in[1];
        const Tensor y = matmul(h, w[2]), g = in[3];
        std::vector<Tensor> out = gradients({&y, 1}, {&g, 1}, w);
        out.push_back(y.detach());
        return out;
      };
      const Dim bytes = s.units * size_of(t);
      const bool narrow = bytes <= 2048, summed = bytes <= 512;  // the bias's gradient takes the chain where its rows are short
      Expected expected;
      (narrow ? expected.steps : expected.absent).push_back("dense+gelu+dropout+add");
      if (narrow) expected.steps.push_back(summed ? "dropout+gelu_grad+sum_to" : "matmul+dropout+gelu_grad");
      check(f, values, expected, cat(s.rows, " ", s.in, " ", s.units, " ", t));
      const auto forward = [&](std::span<const Tensor> in) -> std::vector<Tensor> {
        const Tensor h = dense(in[0], w[0], {}, {.activation = "relu"});
        return {tanh(h) * 0.5 + in[1], sum(h, {.axis = {0}})};  // the product stays
      };
      check(forward, values, {.steps = {narrow ? "dense+tanh+multiply+add" : "tanh+multiply+add"}},
            cat("kept ", s.rows, " ", s.in, " ", s.units, " ", t));
    }
  }
}

TEST_CASE("products of vectors, of batches and of transposed matrices") {
  for (DType t : {DType::float32, DType::float64}) {
    const std::vector<Tensor> values{random({4100, 37}, 1, t), random({37, 1}, 2, t), random({37}, 3, t)};
    const auto vectors = [](std::span<const Tensor> in) -> std::vector<Tensor> {
      return {sigmoid(matmul(in[0], in[1])), silu(matmul(in[0], in[2]))};
    };
    check(vectors, values, {.steps = {"matmul+sigmoid", "matmul+silu"}}, cat("vectors ", t));
    const std::vector<Tensor> batch{random({2, 3, 17, 41}, 6, t), random({3, 41, 58}, 7, t), random({41, 58}, 8, t),
                                    random({2, 3, 17, 58}, 9, t)};
    const auto batches = [](std::span<const Tensor> in) -> std::vector<Tensor> {
      return {matmul(in[0], in[1]) + in[3], silu(matmul(in[0], in[2])),
              exp(matmul(in[1], in[0], {.transpose_a = true, .transpose_b = true}))};
    };
    check(batches, batch, {.steps = {"matmul+add", "matmul+silu", "matmul+exp"}}, cat("batches ", t));
    const std::vector<Tensor> tall{random({211, 67}, 1, t), random({211, 130}, 2, t), random({67, 130}, 3, t),
                                   random({0, 67}, 4, t), random({0, 130}, 5, t)};
    const auto weights = [](std::span<const Tensor> in) -> std::vector<Tensor> {  // a weight's gradient and its decay
      return {matmul(in[0], in[1], {.transpose_a = true}) + in[2] * 0.01, in[2] - matmul(in[3], in[4], {.transpose_a = true})};
    };
    check(weights, tall, {.steps = {"matmul+multiply+add", "matmul+subtract"}}, cat("transposed ", t));
  }
  const std::vector<Tensor> whole{random_randint(key_tensor({.seed = 1}), {.shape = {70, 70}, .minval = -9, .maxval = 9})};
  const auto integers = [](std::span<const Tensor> in) -> std::vector<Tensor> { return {matmul(in[0], in[0]) * in[0]}; };
  check(integers, whole, {.absent = {"matmul+"}}, "integers");
}

TEST_CASE("a product never lies where it or the chain behind it still reads") {
  const std::vector<Tensor> values{random({80, 80}, 1), random({80, 80}, 2)};
  const auto f = [](std::span<const Tensor> in) -> std::vector<Tensor> {
    const Tensor h = exp(in[0]) * 0.1, u = tanh(in[1]), y = h + matmul(h, u);  // the product's own input once more
    const Tensor z = matmul(y, y), q = matmul(z, u),
                 r = (u - silu(q)) * q + q;  // inputs that end here, with nothing behind and with a chain
    return {matmul(r, in[0])};
  };
  check(f, values, {.steps = {"matmul+add", "matmul+silu+subtract+multiply+add"}}, "square");
  const auto plan = captured(f, values);
  const std::size_t matrix = 80 * 80 * sizeof(float) + 64;
  CHECK_MESSAGE(plan->arena_bytes() <= 5 * matrix,
                plan->text());  // the inputs, u, a product's input and what it makes: no place for q of its own
}

TEST_CASE("three products in one sum before a normalisation, and readers between") {
  for (Dim width : {64, 129}) {
    const std::vector<Tensor> w = trained({random({width}, 1), random({width}, 2), random({width, width}, 3)});
    const std::vector<Tensor> values{random({3, 31, width}, 4), random({3, 31, width}, 5)};
    const auto f = [&](std::span<const Tensor> in) {
      const Tensor a = matmul(in[0], w[2]), b = matmul(in[1], w[2]), c = matmul(in[0] * in[1], w[2]);
      const Tensor h = a + b + c, n = layer_norm(h, w[0], w[1]), y = matmul(relu(n) + h, w[2]), loss = mean(square(y));
      std::vector<Tensor> out = gradients({&loss, 1}, {}, w);
      out.push_back(y.detach());
      return out;
    };
    check(f, values, {.steps = {"matmul+add+add"}}, cat("sum ", width));
    const auto between = [&](std::span<const Tensor> in) -> std::vector<Tensor> {
      const Tensor a = matmul(in[0], in[0], {.transpose_b = true}),
                   b = matmul(a, in[0]);  // reads a before the chain, which waits for it
      return {gelu(a), tanh(in[1] + b) * b, matmul(a, in[1])};
    };
    check(between, values, {}, cat("between ", width));
  }
}

TEST_CASE("convolutions with what follows them") {
  struct Case {
    std::string what;
    Shape x, w;
    Dim stride, groups;
    Text algorithm;
    bool fused, fused_dx;
  };
  const Case cases[] = {
      {"winograd 4x4", {3, 13, 15, 16}, {3, 3, 16, 24}, 1, 1, "winograd_4x4", true, true},
      {"winograd 2x2", {2, 17, 30, 5}, {3, 3, 5, 9}, 1, 1, "winograd_2x2", true, true},
      {"direct", {2, 19, 21, 7}, {3, 5, 7, 11}, 1, 1, "direct", true, true},
      {"deep", {2, 13, 14, 300}, {3, 3, 300, 17}, 1, 1, "direct", true, true},
      {"pixels", {4, 23, 11, 9}, {1, 1, 9, 33}, 1, 1, "auto", true, true},
      {"depthwise", {2, 15, 17, 18}, {3, 3, 1, 18}, 1, 18, "auto", true, true},
      {"groups", {2, 15, 17, 12}, {3, 3, 3, 20}, 1, 4, "auto", false, false},
      {"stride", {3, 31, 29, 6}, {3, 3, 6, 24}, 2, 1, "auto", true, false},
  };
  for (DType t : {DType::float32, DType::float64}) {
    for (const Case& c : cases) {
      const std::vector<Tensor> w = trained({random(c.w, 1, t), random({c.w[3]}, 2, t), random({1, 1, c.x[3], c.x[3]}, 3, t)});
      const Shape out{c.x[0], (c.x[1] - 1) / c.stride + 1, (c.x[2] - 1) / c.stride + 1, c.w[3]};
      const std::vector<Tensor> values{random(c.x, 4, t), random(out, 5, t), random(out, 6, t), random_key()};
      const auto f = [&](std::span<const Tensor> in) {
        const Tensor x = silu(conv2d(in[0], w[2]));
        const Tensor y =
            relu(conv2d(x, w[0], w[1],
                        {.strides = {c.stride, c.stride}, .padding = "same", .groups = c.groups, .algorithm = c.algorithm}) +
                 in[1]);
        const Tensor z = dropout(y, in[3], {.rate = 0.2}), g = in[2];
        const Tensor of[] = {w[0], w[2]};  // the bias's gradient would take the chain
        std::vector<Tensor> all = gradients({&z, 1}, {&g, 1}, of);
        all.push_back(z.detach());
        return all;
      };
      Expected expected;
      (c.fused ? expected.steps : expected.absent).push_back(cat("conv2d_nhwc+add"));
      (c.fused_dx ? expected.steps : expected.absent).push_back("conv2d_dx+silu_grad");
      if (c.what == "pixels" || c.what == "groups") expected.absent.clear();
      check(f, values, expected, cat(c.what, " ", t));
    }
  }
}

TEST_CASE("dropout in chains") {
  const std::vector<Tensor> values{random({77, 101}, 1), random_key(), random({77, 101}, 2)};
  const auto f = [](std::span<const Tensor> in) -> std::vector<Tensor> {
    const Tensor a = dropout(in[0] * in[2], in[1], {.rate = 0.5, .stream = 1}),
                 b = dropout(exp(a), in[1], {.rate = 0.1, .stream = 2});
    return {b + in[0], dropout(in[2], in[1], {.rate = 1.0}) + a, dropout(in[0], in[1], {.rate = 0.25, .scale_at = "inference"})};
  };
  check(f, values, {.steps = {"dropout+exp+dropout"}}, "chain");
  const auto made = [](std::span<const Tensor> in) -> std::vector<Tensor> {  // a key that is computed: dropout alone
    return {relu(dropout(relu(in[0]), in[1] + in[1], {.rate = 0.5}))};
  };
  check(made, values, {.absent = {"+dropout", "dropout+"}}, "computed key");
  const auto few = [](std::span<const Tensor> in) -> std::vector<Tensor> {  // as many elements as a key has
    const Tensor k = in[1] + in[1];
    return {dropout(cast(k, {.dtype = DType::float32}), k, {.rate = 0.5}) * 2.0};
  };
  check(few, values, {}, "few");
}
