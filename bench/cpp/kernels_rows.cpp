#include <algorithm>

#include "kernels.h"

namespace nacre_bench {
namespace {

constexpr auto f32 = static_cast<std::size_t>(nacre::DType::float32);

struct Size {
  std::int64_t rows, width;
  bool cached;  // fits L2: held against its bandwidth

  [[nodiscard]] std::int64_t count() const { return rows * width; }
  [[nodiscard]] std::string text() const { return "/" + std::to_string(rows) + "x" + std::to_string(width); }
  [[nodiscard]] Amount kind() const { return cached ? Amount::cached_bytes : Amount::bytes; }
};
constexpr Size kSizes[] = {{4096, 1024, false}, {64, 512, true}};

void bench_softmax(const Options& options, const nacre::SoftmaxTable& table, const Size& s) {
  const Memory x = Memory::floats(s.count()), y = Memory::floats(s.count()), dy = Memory::floats(s.count()),
               dx = Memory::floats(s.count());
  const double bytes = 4.0 * double(s.count());
  const nacre::SoftmaxArgs forward{.x = x.data(), .y = y.data(), .outer = s.rows, .n = s.width};
  const nacre::SoftmaxGradArgs backward{.y = y.data(), .dy = dy.data(), .dx = dx.data(), .outer = s.rows, .n = s.width};
  report(options, "softmax" + s.text() + "/forward", s.kind(), 2 * bytes, [&] { table.softmax[f32](forward); });
  report(options, "softmax" + s.text() + "/backward", s.kind(), 3 * bytes, [&] { table.softmax_grad[f32](backward); });
  const Memory labels(s.rows * 4), loss = Memory::floats(s.rows), dloss = Memory::floats(s.rows);
  nacre::IndexStatus status;
  nacre::CrossEntropyArgs c{.logits = x.data(), .rows = s.rows, .classes = s.width, .labels = labels.data()};
  c.loss = loss.data(), c.dloss = dloss.data(), c.dlogits = dx.data(), c.status = &status;
  report(options, "cross_entropy" + s.text() + "/forward", s.kind(), bytes, [&] { table.cross_entropy[f32](c); });
  report(options, "cross_entropy" + s.text() + "/backward", s.kind(), 2 * bytes, [&] { table.cross_entropy_grad[f32](c); });
}

void bench_norm(const Options& options, const nacre::NormTable& table, const Size& s) {
  const Memory x = Memory::floats(s.count()), y = Memory::floats(s.count()), dy = Memory::floats(s.count()),
               dx = Memory::floats(s.count());
  const std::int64_t most = std::max(s.rows, s.width);
  std::vector<Memory> small;
  for (int i = 0; i < 7; ++i) small.push_back(Memory::floats(most));
  auto* const gamma = small[0].data();
  auto* const beta = small[1].data();
  auto* const mean = small[2].data();
  auto* const rstd = small[3].data();
  const double bytes = 4.0 * double(s.count());
  const nacre::LayerNormArgs layer{x.data(), gamma, beta, y.data(), mean, rstd, s.rows, s.width};
  const nacre::LayerNormGradArgs layer_grad{x.data(),        gamma,           mean,   rstd,   dy.data(), dx.data(),
                                            small[4].data(), small[5].data(), s.rows, s.width};
  const Memory scratch(table.layer_norm_grad_scratch(layer_grad));
  report(options, "layer_norm" + s.text() + "/forward", s.kind(), 2 * bytes, [&] { table.layer_norm[f32](layer, nullptr); });
  report(options, "layer_norm" + s.text() + "/backward", s.kind(), 3 * bytes,
         [&] { table.layer_norm_grad[f32](layer_grad, scratch.data()); });
  const nacre::BatchNormArgs batch{x.data(), gamma, beta, y.data(), mean, small[6].data(), rstd, s.rows, s.width};
  const nacre::BatchNormGradArgs batch_grad{x.data(),        gamma,           mean,   rstd,   dy.data(), dx.data(),
                                            small[4].data(), small[5].data(), s.rows, s.width};
  const Memory more(std::max(table.batch_norm_scratch(batch), table.batch_norm_grad_scratch(batch_grad)));
  report(options, "batch_norm" + s.text() + "/forward", s.kind(), 2 * bytes,
         [&] { table.batch_norm_training[f32](batch, more.data()); });
  report(options, "batch_norm" + s.text() + "/backward", s.kind(), 3 * bytes,
         [&] { table.batch_norm_grad[f32](batch_grad, more.data()); });
}

void bench_pool(const Options& options, const nacre::PoolTable& table, const Size& s) {
  nacre::Pool2dArgs p;  // the numbers of s as images of 32 x 32
  p.c = 64, p.h = p.w = 32, p.n = std::max<std::int64_t>(1, s.count() / (p.c * p.h * p.w));
  p.oh = p.ow = 16, p.kh = p.kw = p.sh = p.sw = 2;
  const std::int64_t in = p.n * p.h * p.w * p.c, out = in / 4;
  const Memory x = Memory::floats(in), y = Memory::floats(out), argmax(out * 4), dy = Memory::floats(out), dx = Memory::floats(in);
  p.x = x.data(), p.y = y.data(), p.argmax = reinterpret_cast<std::int32_t*>(argmax.data()), p.dy = dy.data(), p.dx = dx.data();
  const std::string name = "max_pool/" + std::to_string(p.n) + "x32x32x64";
  report(options, name + "/forward", s.kind(), 4.0 * double(in + 2 * out), [&] { table.max_pool2d[f32](p); });
  report(options, name + "/backward", s.kind(), 4.0 * double(in + 2 * out), [&] { table.max_pool2d_grad[f32](p); });
}

// One thread: the table's elementwise functions are pieces, which ops run in parallel.
void bench_elementwise(const Options& options, const nacre::ElementwiseTable& table, const Size& s) {
  if (options.threads != 1) return;
  const Memory x = Memory::floats(s.count()), y = Memory::floats(s.count()), z = Memory::floats(s.count());
  const double bytes = 4.0 * double(s.count());
  const double params[4] = {1, 1, 0, 0};
  using U = nacre::UnaryKind;
  for (const auto& [name, kind] : {std::pair{"exp", U::exp},
                                   {"tanh", U::tanh},
                                   {"sigmoid", U::sigmoid},
                                   {"relu", U::relu},
                                   {"gelu", U::gelu},
                                   {"gelu_tanh", U::gelu_tanh},
                                   {"silu", U::silu}}) {
    const nacre::UnaryFn function = nacre::unary_fn(table, kind, nacre::DType::float32);
    report(options, name + s.text(), s.kind(), 2 * bytes, [&] { function(s.count(), x.data(), 1, y.data(), 1, params); });
  }
  using B = nacre::BinaryKind;
  for (const auto& [name, kind] :
       {std::pair{"add", B::add}, {"mul", B::mul}, {"relu_grad", B::relu_grad}, {"gelu_grad", B::gelu_grad}}) {
    const nacre::BinaryFn function = nacre::binary_fn(table, kind, nacre::DType::float32);
    std::uint32_t status = 0;
    report(options, name + s.text(), s.kind(), 3 * bytes,
           [&] { function(s.count(), x.data(), 1, z.data(), 1, y.data(), 1, params, &status); });
  }
}

void bench_optim(const Options& options, const nacre::OptimTable& table, std::int64_t n) {
  std::vector<Memory> all;
  for (int i = 0; i < 4; ++i) all.push_back(Memory::floats(n));
  std::fill_n(all[3].values(), n, 1.0f);  // v is never negative
  const bool cached = n <= 1 << 14;
  const Amount kind = cached ? Amount::cached_bytes : Amount::bytes;
  nacre::AdamArgs adam;
  adam.param = all[0].data(), adam.grad = all[1].data(), adam.m = all[2].data(), adam.v = all[3].data(), adam.n = n;
  nacre::SgdArgs sgd;
  sgd.param = all[0].data(), sgd.grad = all[1].data(), sgd.velocity = all[2].data(), sgd.n = n, sgd.momentum = 0.9;
  const std::string size = "/" + std::to_string(n);
  report(options, "adam" + size, kind, 7 * 4.0 * double(n), [&] { table.adam[f32](adam); });
  report(options, "sgd_momentum" + size, kind, 5 * 4.0 * double(n), [&] { table.sgd[f32](sgd); });
}

}  // namespace

void bench_rows(const Options& options, const nacre::KernelTable& table) {
  for (const Size& s : kSizes) {
    bench_softmax(options, table.softmax, s);
    bench_norm(options, table.norm, s);
    bench_pool(options, table.pool, s);
    bench_elementwise(options, table.elementwise, s);
  }
  bench_optim(options, table.optim, 10'000'000);
  bench_optim(options, table.optim, 8192);
}

}  // namespace nacre_bench
