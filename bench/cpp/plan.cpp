// What a captured plan costs beside its kernels: dispatch of a step, fork and join inside a plan, and training steps of small models.
//   nacre_bench_plan [--only TEXT] [--threads N] [--ms M]
#include "nacre/plan/plan.h"

#include <cstdio>

#include "measure.h"
#include "nacre/nacre.hpp"

namespace {

using nacre::Dim;
using nacre::Shape;
using nacre::Tensor;
using nacre_bench::Options;

using Op = Tensor (*)(const Tensor& x, const Tensor& c);
Tensor add(const Tensor& x, const Tensor& c) { return x + c; }
Tensor tanh(const Tensor& x, const Tensor&) { return nacre::tanh(x); }

// A plan of `steps` times the op on n floats, each of the result before; nothing is fused, so each is a step.
std::shared_ptr<const nacre::plan::Plan> repeated(Op op, int steps, Dim n) {
  nacre::plan::Trace trace;
  const Tensor x = trace.input({nacre::DType::float32, {n}}, "x"), c = trace.input({nacre::DType::float32, {n}}, "c");
  Tensor y = x;
  {
    const nacre::Capture capture(trace);
    for (int i = 0; i < steps; ++i) y = op(y, c);
  }
  const Tensor outputs[] = {y};
  return std::make_shared<const nacre::plan::Plan>(std::move(trace), outputs, std::span<const Tensor>(), std::span<const Dim>(),
                                                   nacre::plan::PlanOptions{.fuse = false});
}

// Seconds of one step of such a plan; calls are prepared for the number of threads that is set.
double seconds_per_step(const Options& options, Op op, int steps, Dim n, int threads) {
  nacre::set_num_threads(threads);
  nacre::plan::Instance run(repeated(op, steps, n));
  for (std::size_t i : {0, 1}) {
    auto* values = run.input(i).data<float>();
    for (Dim k = 0; k < n; ++k) values[k] = 0.5F;
  }
  return nacre_bench::measure([&] { run.run(); }, options.seconds).median / steps;
}

void dispatch(const Options& options) {
  for (const int steps : {1, 16, 256, 4096}) {
    const std::string name = "plan/add-8/" + std::to_string(steps) + (steps == 1 ? "-step" : "-steps");
    if (name.find(options.only) == std::string::npos) continue;
    std::printf("%-52s %11.1f ns per step\n", name.c_str(), seconds_per_step(options, &add, steps, 8, options.threads) * 1e9);
  }
}

// A step that several threads share, against the same step on one: what is above an even share is the fork and the join, and for add, which
// waits for the cache, also what moves from one core's cache to the other's.
void forks(const Options& options) {
  const int threads = options.threads > 1 ? options.threads : 2;
  const auto compare = [&](const char* op_name, Op op, Dim n) {
    const std::string name = std::string("plan/fork/") + op_name + "-" + std::to_string(n);
    if (name.find(options.only) == std::string::npos) return;
    const double alone = seconds_per_step(options, op, 64, n, 1), shared = seconds_per_step(options, op, 64, n, threads);
    std::printf("%-52s %11.3f us alone, %.3f us on %d threads: %.3f us above a share\n", name.c_str(), alone * 1e6, shared * 1e6,
                threads, (shared - alone / threads) * 1e6);
  };
  for (const Dim n : {Dim{1} << 14, Dim{1} << 16}) compare("tanh", &tanh, n);
  for (const Dim n : {Dim{1} << 15, Dim{1} << 17}) compare("add", &add, n);
  nacre::set_num_threads(options.threads);
}

struct Network {
  const char* name;
  std::vector<Dim> units;  // the input first
  const char *activation, *loss, *optimizer;
  Dim batch;
};

// A training step of a dense network: one batch by train_on_batch, and as a part of fit, which gathers shuffled rows.
void network(const Options& options, const Network& net) {
  namespace nn = nacre::nn;
  constexpr Dim kBatches = 100;
  const std::string name = std::string("train/mlp-") + net.name + "/batch-" + std::to_string(net.batch);
  if (name.find(options.only) == std::string::npos) return;
  nacre::set_random_seed(0);
  nacre::model::Sequential model("mlp");
  const std::size_t last = net.units.size() - 1;
  const bool classes = net.units[last] > 1;
  for (std::size_t i = 1; i <= last; ++i) {
    model.add<nn::Dense>({.units = net.units[i], .activation = i < last ? net.activation : classes ? "softmax" : "sigmoid"});
  }
  model.build(Shape{nn::kUnknown, net.units[0]});
  model.compile({.optimizer = net.optimizer, .loss = net.loss});
  const auto rows = [&](Dim n) {
    const Dim k = net.units[0];
    std::vector<float> x(static_cast<std::size_t>(n * k));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 2654435761U >> 8 & 1023) / 512.0F - 1.0F;
    std::vector<std::int64_t> y(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<std::int64_t>(i) % (classes ? net.units[last] : 2);
    return std::pair{Tensor::of(x, {n, k}), Tensor::of(y, classes ? Shape{n} : Shape{n, 1})};
  };
  const auto [x, y] = rows(net.batch);
  report(options, name + "/train_on_batch", nacre_bench::Amount::none, 0, [&, &x = x, &y = y] {
    if (!model.train_on_batch_again(x, y)) model.train_on_batch(x, y);
  });
  const auto [all_x, all_y] = rows(net.batch * kBatches);
  const double fit =
      nacre_bench::measure([&, &x = all_x, &y = all_y] { model.fit(x, y, {.batch_size = net.batch}); }, options.seconds).median;
  std::printf("%-52s %11.3f us per step of %d\n", (name + "/fit").c_str(), fit / static_cast<double>(kBatches) * 1e6,
              static_cast<int>(kBatches));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = nacre_bench::read_options(argc, argv);
  nacre::set_num_threads(options.threads);
  std::printf("threads %d; medians\n", options.threads);
  dispatch(options);
  forks(options);
  network(options, {"2-8-1", {2, 8, 1}, "relu", "binary_crossentropy", "sgd", 32});
  network(options, {"13-32-3", {13, 32, 3}, "relu", "sparse_categorical_crossentropy", "adam", 16});
  network(options, {"784-256-128-10", {784, 256, 128, 10}, "relu", "sparse_categorical_crossentropy", "adam", 64});
}
