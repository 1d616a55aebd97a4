// Elementwise ops inside the steps of their neighbours: the bits of eager execution for any sizes and threads, and fewer steps.
#include "fusion_test.h"

using namespace nacre;
using namespace fusion_test;
using namespace plan_test;

TEST_CASE("batch norm with relu and a residual, forward and backward") {
  // Channels: parts of a packet, several rows to a stretch, one row, several blocks of columns, rows longer than a tile.
  const Shape shapes[] = {{3, 17, 31, 3}, {5, 16, 16, 16}, {1, 1100, 5}, {7, 13, 11, 33}, {2, 1031, 64}, {130, 130}, {9, 1100}};
  for (DType t : {DType::float32, DType::float64}) {
    for (const Shape& shape : shapes) {
      const Dim c = shape.back();
      const std::vector<Tensor> w = trained({random({c}, 1, t), random({c}, 2, t), random({c}, 3, t), random({c}, 4, t)});
      const std::vector<Tensor> values{random(shape, 5, t), random(shape, 6, t)};
      const auto f = [&](std::span<const Tensor> in) {
        const Tensor x = in[0].detach(), side = in[1];
        const Tensor h = relu(batch_norm_training(x * 1.5, w[0], w[1])[0]);
        const std::vector<Tensor> second = batch_norm_training(h * side, w[2], w[3]);
        const Tensor y = relu(second[0] + h), loss = sum(y * side);
        std::vector<Tensor> out = gradients({&loss, 1}, {}, w);
        out.push_back(y.detach());
        out.push_back(second[1].detach());
        return out;
      };
      check(f, values, {.steps = {"batch_norm_training+relu", "batch_norm_training+add+relu"}}, cat(shape, " ", t));
    }
  }
}

TEST_CASE("a gradient that others read too is written once, another one over what it came from") {
  for (Dim c : {5, 16, 128, 129, 600}) {
    const Shape shape{6, 17, 9, c};
    const std::string before = c <= 512 ? "matmul+relu_grad" : "relu_grad";  // wide rows are made in pieces
    const std::vector<Tensor> w = trained({random({c}, 1), random({c}, 2), random({c, 3}, 3)});
    const std::vector<Tensor> values{random(shape, 5), random({6, 17, 9, 3}, 6), random(shape, 7)};
    // The product between forward and backward keeps the two apart.
    const auto alone = [&](std::span<const Tensor> in) {
      const Tensor y = matmul(relu(batch_norm_training(in[0], w[0], w[1])[0]), w[2]);
      const Tensor g = in[1];
      return gradients({&y, 1}, {&g, 1}, w);
    };
    check(alone, values, {.steps = {"batch_norm_training+relu", before, "batch_norm_grad"}}, cat("alone ", c));
    const auto shared = [&](std::span<const Tensor> in) {
      const Tensor side = in[2] * w[0];
      const Tensor y = matmul(relu(batch_norm_training(in[0], w[0], w[1])[0] + side), w[2]);
      const Tensor g = in[1];
      return gradients({&y, 1}, {&g, 1}, w);
    };
    check(shared, values, {.steps = {"batch_norm_training+add+relu", before, "batch_norm_grad"}}, cat("shared ", c));
    const auto costly = [&](std::span<const Tensor> in) {
      const Tensor y = matmul(tanh(gelu(batch_norm_training(in[0], w[0], w[1])[0])), w[2]);
      const Tensor g = in[1];
      return gradients({&y, 1}, {&g, 1}, w);
    };
    check(costly, values, {.steps = {c <= 512 ? "matmul+tanh_grad+gelu_grad" : "tanh_grad+gelu_grad"}}, cat("costly ", c));
  }
}

TEST_CASE("values that others read before or beside the chain") {
  const Shape shape{40, 7, 16};
  const std::vector<Tensor> values{random(shape, 1), random({16, 16}, 2), random({16}, 3)};
  const auto f = [](std::span<const Tensor> in) -> std::vector<Tensor> {
    const std::vector<Tensor> n = batch_norm_training(in[0], in[2]);
    const Tensor m = matmul(n[0], in[1]);  // reads y first, and the chain waits for it
    return {relu(n[0] + m), n[0], n[1]};
  };
  check(f, values, {.absent = {"batch_norm_training+"}}, "read before");
  const auto g = [](std::span<const Tensor> in) -> std::vector<Tensor> {
    const std::vector<Tensor> n = batch_norm_training(in[0], in[2]);
    const Tensor y = relu(n[0]), part = slice_view(n[0], {.begin = {1, 0, 0}, .size = {39, 7, 16}, .step = {1, 1, 1}});
    return {y, n[0] * 2.0, exp(part), sum(y, {.axis = {0, 1}})};
  };
  check(g, values, {.steps = {"batch_norm_training+relu "}}, "read beside");
  const auto h = [](std::span<const Tensor> in) -> std::vector<Tensor> {  // the chain reads the statistics too
    const std::vector<Tensor> n = batch_norm_training(in[0], in[2]);
    return {relu(n[0]) + broadcast_to(sum(n[1]), {.shape = n[0].shape()})};
  };
  check(h, values, {}, "statistics");
  const auto inference = [](std::span<const Tensor> in) -> std::vector<Tensor> {
    return {relu(batch_norm_inference({in[0], in[2], exp(in[2]), in[2]})), relu(batch_norm_inference({in[0], in[2], exp(in[2])}))};
  };
  check(inference, values, {.steps = {"batch_norm_inference+relu"}}, "inference");
}

TEST_CASE("the channel axis first: the same bits, apart") {
  const std::vector<Tensor> w = trained({random({6}, 1), random({6}, 2)}),
                            values{random({5, 6, 31, 9}, 3), random({5, 6, 31, 9}, 4)};
  const auto f = [&](std::span<const Tensor> in) {
    const Tensor y = relu(batch_norm_training(in[0], w[0], w[1], {.axis = 1})[0]), g = in[1];
    return gradients({&y, 1}, {&g, 1}, w);
  };
  check(f, values, {.absent = {"batch_norm_training+", "+batch_norm_grad"}}, "axis 1");
}

TEST_CASE("layer norm between residuals") {
  for (DType t : {DType::float32, DType::float64}) {
    for (Dim width : {8, 64, 101, 700, 5000}) {
      for (bool rms : {false, true}) {
        const Shape shape{3, 29, width};
        const std::vector<Tensor> w =
            trained({random({width}, 1, t), random({width}, 2, t), random({width}, 3, t), random({width, 2}, 6, t)});
        const std::vector<Tensor> values{random(shape, 4, t), random(shape, 5, t), random({3, 29, 2}, 7, t)};
        const auto f = [&](std::span<const Tensor> in) {
          const Tensor x = in[0] * w[2], h = x + in[1];
          const Tensor n = rms ? rms_norm(h, w[0]) : layer_norm(h, w[0], w[1]);
          const Tensor y = matmul(relu(n) * 0.5 + h, w[3]), g = in[2];
          const std::vector<Tensor> of = rms ? std::vector<Tensor>{w[0], w[2], w[3]} : w;
          std::vector<Tensor> out = gradients({&y, 1}, {&g, 1}, of);
          out.push_back(y.detach());
          return out;
        };
        const Dim bytes = width * size_of(t);
        Expected expected;
        if (shape.count() >= 4096 && bytes <= 16384)
          expected.steps = {"add+layer_norm_stats+relu", bytes <= 2048 ? "matmul+multiply+relu_grad" : "multiply+relu_grad",
                            "layer_norm_grad+add"};
        else
          expected.absent = {"+layer_norm"};
        check(f, values, expected, cat("width ", width, " ", t, " rms ", rms));
      }
    }
  }
}

TEST_CASE("the gradient of an activation with the sum that is the bias's gradient") {
  for (DType t : {DType::float32, DType::float64}) {
    for (Dim units : {1, 5, 24, 129, 700}) {
      const Dim rows = units < 5 ? 5001 : 1031;
      const std::vector<Tensor> w = trained({random({7, units}, 1, t), random({units}, 2, t)});
      const std::vector<Tensor> values{random({rows, 7}, 3, t), random({rows, units}, 4, t)};
      const auto f = [&](std::span<const Tensor> in) {
        const Tensor y = dense(in[0], w[0], w[1], {.activation = "relu"}), g = in[1];
        return gradients({&y, 1}, {&g, 1}, w);
      };
      check(f, values, {.steps = {units * size_of(t) <= 512 ? "relu_grad+sum_to" : "relu_grad "}}, cat("dense ", units, " ", t));
    }
    const std::vector<Tensor> w = trained({random({3, 3, 2, 9}, 1, t), random({9}, 2, t)});
    const std::vector<Tensor> values{random({16, 13, 15, 2}, 3, t), random({16, 13, 15, 9}, 4, t)};
    const auto f = [&](std::span<const Tensor> in) {
      const Tensor y = conv2d(in[0], w[0], w[1], {.padding = "same", .activation = "relu"}), g = in[1];
      return gradients({&y, 1}, {&g, 1}, w);
    };
    check(f, values, {.steps = {"relu_grad+sum"}}, cat("conv ", t));
    const auto loss = [](std::span<const Tensor> in) -> std::vector<Tensor> {
      return {mean(square(in[0] - 0.5)), sum(nacre::abs(in[1]), {.axis = {0, 1, 2}, .keepdims = true}),
              sum(nacre::abs(in[0]) * 3.0, {.axis = 3})};
    };
    check(loss, values, {.steps = {"subtract+square+mean", "abs+sum"}, .absent = {"multiply+sum"}}, cat("losses ", t));
  }
}

TEST_CASE("chains and normalisations write over inputs that end there") {
  const std::vector<Tensor> values{random({64, 64}, 1), random({64, 64}, 2)};
  const auto f = [](std::span<const Tensor> in) -> std::vector<Tensor> {
    const Tensor a = matmul(in[0], in[1]), b = matmul(in[1], in[0]);
    const Tensor c =
        relu(a * b + a) - b;  // a and b end here, c takes the place of one: three matrices at once, with the last product
    return {matmul(relu(batch_norm_training(c)[0]), in[1])};
  };
  check(f, values, {.steps = {"multiply+add+relu+subtract", "batch_norm_training+relu"}}, "in place");
  const auto plan = captured(f, values);
  const std::size_t matrix = 64 * 64 * sizeof(float) + 64;
  CHECK_MESSAGE(plan->arena_bytes() <= 4 * matrix + 1024, plan->text());  // the inputs and two more
  const auto g = [](std::span<const Tensor> in) -> std::vector<Tensor> {  // what is read again must stay
    const Tensor a = matmul(in[0], in[1]), b = in[0] * a, c = tanh(b) + transpose(a), d = exp(c) * a;
    return {d, a * 2.0, sum(b, {.axis = {0}})};
  };
  check(g, values, {}, "read again");
}
