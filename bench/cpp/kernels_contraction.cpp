#include <algorithm>

#include "kernels.h"

namespace nacre_bench {
namespace {

void bench_gemm(const Options& options, const nacre::KernelTable& table) {
  struct Line {
    std::int64_t m, n, k;
    bool ta, tb;
  };
  const Line lines[] = {{16, 16, 16, false, false},       {32, 32, 32, false, false},       {64, 64, 64, false, false},
                        {128, 128, 128, false, false},    {256, 256, 256, false, false},    {512, 512, 512, false, false},
                        {1024, 1024, 1024, false, false}, {2048, 2048, 2048, false, false}, {256, 256, 256, false, true},
                        {256, 256, 256, true, false},     {512, 512, 512, true, true},      {32, 128, 784, false, false},
                        {32, 128, 784, false, true},      {128, 512, 512, false, false},    {128, 512, 512, false, true},
                        {4096, 64, 64, false, false},     {1, 4096, 4096, false, false},    {1, 4096, 4096, false, true},
                        {4096, 1, 4096, false, false},    {64, 10, 256, false, false},      {64, 10, 256, false, true},
                        {64, 256, 784, false, false},     {784, 256, 64, true, false},      {64, 784, 256, false, true},
                        {64, 128, 256, false, false},     {256, 128, 64, true, false},      {64, 256, 128, false, true},
                        {64, 10, 128, false, false},      {128, 10, 64, true, false},       {64, 128, 10, false, true},
                        {16, 1024, 1024, false, false},   {128, 4096, 1024, false, false},  {256, 1000, 512, false, false},
                        {300, 64, 4096, false, false}};
  for (const Line& s : lines) {
    const std::string name = "gemm/" + std::to_string(s.m) + "x" + std::to_string(s.k) + "x" + std::to_string(s.n) +
                             (s.ta ? "/ta" : "") + (s.tb ? "/tb" : "");
    if (name.find(options.only) == std::string::npos) continue;
    const Memory a = Memory::floats(s.m * s.k), b = Memory::floats(s.k * s.n), c = Memory::floats(s.m * s.n);
    nacre::GemmArgs g;
    g.m = s.m, g.n = s.n, g.k = s.k, g.trans_a = s.ta, g.trans_b = s.tb;
    g.lda = s.ta ? s.m : s.k, g.ldb = s.tb ? s.k : s.n, g.ldc = s.n;
    g.a = a.data(), g.b = b.data(), g.c = c.data(), g.threads = options.threads;
    const Memory scratch(table.gemm.scratch_bytes(g));
    report(options, name, Amount::flops, 2.0 * double(s.m) * double(s.n) * double(s.k),
           [&] { table.gemm.gemm(g, scratch.data()); });
  }
}

void bench_conv(const Options& options, const nacre::ConvTable& table) {
  struct Line {
    std::int64_t n, h, c, o, k, stride, groups, dilation = 1;
  };
  const Line lines[] = {{32, 32, 64, 64, 3, 1, 1},  {32, 16, 128, 128, 3, 1, 1},  {8, 56, 64, 64, 3, 1, 1},
                        {64, 32, 16, 16, 3, 1, 1},  {64, 16, 32, 32, 3, 1, 1},    {32, 32, 3, 32, 3, 1, 1},
                        {32, 32, 3, 64, 3, 1, 1},   {64, 28, 1, 32, 3, 1, 1},     {64, 14, 32, 64, 3, 1, 1},
                        {32, 32, 64, 64, 3, 1, 64}, {32, 16, 64, 128, 3, 2, 1},   {32, 14, 256, 256, 1, 1, 1},
                        {32, 16, 64, 128, 1, 1, 1}, {16, 32, 32, 32, 5, 1, 1},    {4, 224, 3, 64, 7, 2, 1},
                        {32, 7, 128, 128, 3, 1, 1}, {16, 32, 64, 64, 3, 1, 1, 2}, {16, 32, 64, 64, 3, 1, 4}};
  for (const Line& s : lines) {
    const std::string name = "conv/" + std::to_string(s.n) + "x" + std::to_string(s.h) + "x" + std::to_string(s.h) + "x" +
                             std::to_string(s.c) + "->" + std::to_string(s.o) + "/k" + std::to_string(s.k) + "s" +
                             std::to_string(s.stride) + "g" + std::to_string(s.groups) + "d" + std::to_string(s.dilation);
    if ((name + "/backward_weight/backward_data/forward").find(options.only) == std::string::npos) continue;
    nacre::ConvArgs g;
    g.batch = s.n, g.in_h = g.in_w = s.h, g.in_channels = s.c, g.out_channels = s.o, g.kernel_h = g.kernel_w = s.k;
    g.stride_h = g.stride_w = s.stride, g.dilation_h = g.dilation_w = s.dilation, g.groups = s.groups;
    g.pad_top = g.pad_bottom = g.pad_left = g.pad_right = s.dilation * (s.k / 2);
    g.out_h = g.out_w = nacre::conv_out_size(s.h, s.k, s.stride, s.dilation, 2 * g.pad_top);
    g.threads = options.threads;
    const std::int64_t in = s.n * s.h * s.h * s.c, weight = s.k * s.k * s.c / s.groups * s.o, out = s.n * g.out_h * g.out_w * s.o;
    const Memory x = Memory::floats(in), w = Memory::floats(weight), y = Memory::floats(out);
    const Memory dx = Memory::floats(in), dw = Memory::floats(weight), dy = Memory::floats(out);
    g.x = x.data(), g.weight = w.data(), g.y = y.data(), g.dx = dx.data(), g.dweight = dw.data(), g.dy = dy.data();
    const double flops = 2.0 * double(out) * double(s.k * s.k * (s.c / s.groups));
    const Memory scratch(std::max({table.forward_scratch(g), table.backward_data_scratch(g), table.backward_weight_scratch(g)}));
    report(options, name + "/forward", Amount::flops, flops, [&] { table.forward(g, scratch.data()); });
    report(options, name + "/backward_data", Amount::flops, flops, [&] { table.backward_data(g, scratch.data()); });
    report(options, name + "/backward_weight", Amount::flops, flops, [&] { table.backward_weight(g, scratch.data()); });
  }
}

void bench_attention(const Options& options, const nacre::AttentionTable& table) {
  struct Line {
    std::int64_t b, h, t, d;
    bool causal;
  };
  const Line lines[] = {{8, 8, 128, 64, false}, {8, 8, 128, 64, true}, {8, 8, 512, 64, false},  {8, 8, 512, 64, true},
                        {2, 4, 64, 32, false},  {32, 4, 64, 32, true}, {1, 8, 2048, 64, false}, {1, 8, 2048, 64, true}};
  for (const Line& s : lines) {
    const std::string name = "attention/B" + std::to_string(s.b) + "xH" + std::to_string(s.h) + "xS" + std::to_string(s.t) + "xD" +
                             std::to_string(s.d) + (s.causal ? "/causal" : "");
    if ((name + "/forward/backward").find(options.only) == std::string::npos) continue;
    nacre::AttentionArgs g;
    g.batch = s.b, g.heads = s.h, g.queries = g.keys = s.t, g.width = g.value_width = s.d, g.scale = 0.125, g.causal = s.causal;
    g.threads = options.threads;
    const std::int64_t n = s.b * s.h * s.t * s.d;
    std::vector<Memory> all;
    all.reserve(8);
    for (int i = 0; i < 8; ++i) all.push_back(Memory::floats(n));
    nacre::AttentionOperand* const operands[] = {&g.q, &g.k, &g.v, &g.o, &g.dout, &g.dq, &g.dk, &g.dv};
    for (std::size_t i = 0; i < 8; ++i) *operands[i] = {all[i].data(), s.h * s.t * s.d, s.t * s.d, s.d};
    const Memory lse = Memory::floats(s.b * s.h * s.t);
    g.lse = lse.data();
    const Memory scratch(std::max(table.forward_scratch(g), table.backward_scratch(g)));
    const double flops = 4.0 * double(n) * double(s.t) * (s.causal ? 0.5 : 1.0);
    table.forward(g, scratch.data());  // backward reads its results
    report(options, name + "/forward", Amount::flops, flops, [&] { table.forward(g, scratch.data()); });
    report(options, name + "/backward", Amount::flops, 2.5 * flops, [&] { table.backward(g, scratch.data()); });
  }
}

}  // namespace

void bench_contractions(const Options& options, const nacre::KernelTable& table) {
  bench_gemm(options, table);
  bench_conv(options, table.conv);
  bench_attention(options, table.attention);
}

}  // namespace nacre_bench
