// GF/s of the contraction kernels, beside the register-only FMA peak measured between the rounds.
//   bench_kernels [filter] [threads]      filter: part of a line's name; NACRE_ISA chooses the instruction set
// Each case runs rounds of at least 20 ms; best and median of 7 rounds are printed (the machine may be shared: trust the best).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "nacre/base/cpu_info.h"
#include "nacre/base/threads.h"
#include "nacre/kernels/table.h"

namespace nacre_bench {
namespace isa_scalar {
double spin_fma(std::int64_t steps, float* sink);
}
namespace isa_avx2 {
double spin_fma(std::int64_t steps, float* sink);
}
namespace isa_avx512 {
double spin_fma(std::int64_t steps, float* sink);
}
namespace isa_neon {
double spin_fma(std::int64_t steps, float* sink);
}

namespace {

int threads = 1;

// With one thread processor time, so that a shared machine spoils less; with more, wall time.
double seconds() {
  if (threads == 1) {
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double peak_of_one_core() {
  double best = 0;
  for (int round = 0; round < 3; ++round) {
    float sink = 1e-6f;
    const double begin = seconds();
    double flops = 0;
    const std::int64_t steps = 1000000;
    switch (nacre::active_isa()) {
#if defined(NACRE_HAVE_AVX512)
      case nacre::Isa::avx512: flops = isa_avx512::spin_fma(steps, &sink); break;
#endif
#if defined(NACRE_HAVE_AVX2)
      case nacre::Isa::avx2: flops = isa_avx2::spin_fma(steps, &sink); break;
#endif
#if defined(NACRE_HAVE_NEON)
      case nacre::Isa::neon: flops = isa_neon::spin_fma(steps, &sink); break;
#endif
      default: flops = isa_scalar::spin_fma(steps, &sink);
    }
    best = std::max(best, flops / (seconds() - begin) / 1e9);
    if (sink == 1.0f) std::puts("");
  }
  return best;
}

struct Memory {
  explicit Memory(std::int64_t bytes) : store(static_cast<std::size_t>(bytes) + 64) {
    data = store.data() + (64 - reinterpret_cast<std::uintptr_t>(store.data()) % 64) % 64;
  }
  std::vector<unsigned char> store;
  unsigned char* data;
};

Memory floats(std::int64_t n) {
  Memory m(n * 4);
  auto* p = reinterpret_cast<float*>(m.data);
  for (std::int64_t i = 0; i < n; ++i) p[i] = static_cast<float>((i * 2654435761u >> 8 & 1023)) / 512.0f - 1.0f;
  return m;
}

const char* wanted = "";

template <class F>
void report(const std::string& name, double flops, F&& run) {
  if (!std::strstr(name.c_str(), wanted)) return;
  run();
  double begin = seconds();
  run();
  const int repeats = std::max(1, static_cast<int>(0.02 / std::max(1e-9, seconds() - begin)));
  std::vector<double> rounds;
  double peak = 0;
  for (int r = 0; r < 7; ++r) {
    peak = std::max(peak, peak_of_one_core());
    begin = seconds();
    for (int i = 0; i < repeats; ++i) run();
    rounds.push_back((seconds() - begin) / repeats);
  }
  std::sort(rounds.begin(), rounds.end());
  const double best = flops / rounds[0] / 1e9;
  std::printf("%-44s %10.3f us best %9.1f GF/s  median %9.1f  peak/core %6.1f  %5.1f %%\n", name.c_str(), rounds[0] * 1e6, best,
              flops / rounds[3] / 1e9, peak, 100 * best / (peak * threads));
  std::fflush(stdout);
}

void bench_gemm() {
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
                        {64, 10, 256, false, false},      {64, 10, 256, false, true},       {64, 256, 784, false, false},
                        {784, 256, 64, true, false},      {64, 784, 256, false, true},      {64, 128, 256, false, false},
                        {256, 128, 64, true, false},      {64, 256, 128, false, true},      {64, 10, 128, false, false},
                        {128, 10, 64, true, false},       {64, 128, 10, false, true},       {16, 1024, 1024, false, false},
                        {128, 4096, 1024, false, false},  {256, 1000, 512, false, false},   {300, 64, 4096, false, false}};
  for (const Line& s : lines) {
    Memory a = floats(s.m * s.k), b = floats(s.k * s.n), c = floats(s.m * s.n);
    nacre::GemmArgs g;
    g.m = s.m, g.n = s.n, g.k = s.k, g.trans_a = s.ta, g.trans_b = s.tb;
    g.lda = s.ta ? s.m : s.k, g.ldb = s.tb ? s.k : s.n, g.ldc = s.n;
    g.a = a.data, g.b = b.data, g.c = c.data, g.threads = threads;
    const nacre::KernelTable& table = nacre::cpu_kernels();
    Memory scratch(table.gemm.scratch_bytes(g));
    const std::string name = "gemm/" + std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k) +
                             (s.ta ? "/ta" : "") + (s.tb ? "/tb" : "");
    report(name, 2.0 * double(s.m) * double(s.n) * double(s.k), [&] { table.gemm.gemm(g, scratch.data); });
  }
}

void bench_conv() {
  struct Line {
    std::int64_t n, h, c, o, k, stride, groups;
  };
  const Line lines[] = {{32, 32, 64, 64, 3, 1, 1}, {32, 32, 3, 32, 3, 1, 1},   {32, 32, 3, 64, 3, 1, 1},
                        {8, 56, 64, 64, 3, 1, 1},  {32, 32, 64, 64, 3, 1, 64}, {64, 28, 1, 32, 3, 1, 1},
                        {64, 14, 32, 64, 3, 1, 1}, {32, 16, 64, 128, 3, 2, 1}, {32, 16, 64, 128, 1, 1, 1},
                        {16, 32, 32, 32, 5, 1, 1}, {32, 7, 128, 128, 3, 1, 1}, {16, 32, 64, 64, 3, 1, 4}};
  for (const Line& s : lines) {
    nacre::ConvArgs g;
    g.batch = s.n, g.in_h = g.in_w = s.h, g.in_channels = s.c, g.out_channels = s.o, g.kernel_h = g.kernel_w = s.k;
    g.stride_h = g.stride_w = s.stride, g.groups = s.groups;
    g.pad_top = g.pad_bottom = g.pad_left = g.pad_right = s.k / 2;
    g.out_h = g.out_w = nacre::conv_out_size(s.h, s.k, s.stride, 1, 2 * (s.k / 2));
    g.threads = threads;
    Memory x = floats(s.n * s.h * s.h * s.c), w = floats(s.k * s.k * s.c / s.groups * s.o),
           y = floats(s.n * g.out_h * g.out_w * s.o);
    Memory dx = floats(s.n * s.h * s.h * s.c), dw = floats(s.k * s.k * s.c / s.groups * s.o),
           dy = floats(s.n * g.out_h * g.out_w * s.o);
    g.x = x.data, g.weight = w.data, g.y = y.data, g.dx = dx.data, g.dweight = dw.data, g.dy = dy.data;
    const nacre::ConvTable& table = nacre::cpu_kernels().conv;
    const double flops = 2.0 * double(s.n * g.out_h * g.out_w * s.o) * double(s.k * s.k * (s.c / s.groups));
    const std::string name = "conv/" + std::to_string(s.n) + "x" + std::to_string(s.h) + "x" + std::to_string(s.h) + "x" +
                             std::to_string(s.c) + "->" + std::to_string(s.o) + "/k" + std::to_string(s.k) + "s" +
                             std::to_string(s.stride) + "g" + std::to_string(s.groups);
    Memory scratch(std::max({table.forward_scratch(g), table.backward_data_scratch(g), table.backward_weight_scratch(g)}));
    report(name + "/fwd", flops, [&] { table.forward(g, scratch.data); });
    report(name + "/bwd_data", flops, [&] { table.backward_data(g, scratch.data); });
    report(name + "/bwd_weight", flops, [&] { table.backward_weight(g, scratch.data); });
  }
}

void bench_attention() {
  struct Line {
    std::int64_t b, h, t, d;
    bool causal;
  };
  const Line lines[] = {
      {8, 8, 512, 64, false}, {8, 8, 128, 64, false}, {2, 4, 64, 32, false}, {1, 8, 2048, 64, false}, {1, 8, 2048, 64, true}};
  for (const Line& s : lines) {
    nacre::AttentionArgs g;
    g.batch = s.b, g.heads = s.h, g.queries = g.keys = s.t, g.width = g.value_width = s.d, g.scale = 0.125, g.causal = s.causal;
    g.threads = threads;
    const std::int64_t n = s.b * s.h * s.t * s.d;
    std::vector<Memory> all;
    for (int i = 0; i < 8; ++i) all.push_back(floats(n));
    nacre::AttentionOperand* const operands[] = {&g.q, &g.k, &g.v, &g.o, &g.dout, &g.dq, &g.dk, &g.dv};
    for (std::size_t i = 0; i < 8; ++i) *operands[i] = {all[i].data, s.h * s.t * s.d, s.t * s.d, s.d};
    Memory lse = floats(s.b * s.h * s.t);
    g.lse = lse.data;
    const nacre::AttentionTable& table = nacre::cpu_kernels().attention;
    Memory scratch(std::max(table.forward_scratch(g), table.backward_scratch(g)));
    const double flops = 4.0 * double(n) * double(s.t) * (s.causal ? 0.5 : 1.0);
    const std::string name = "attention/" + std::to_string(s.b) + "," + std::to_string(s.h) + "," + std::to_string(s.t) + "," +
                             std::to_string(s.d) + (s.causal ? "/causal" : "");
    table.forward(g, scratch.data);
    report(name + "/fwd", flops, [&] { table.forward(g, scratch.data); });
    report(name + "/bwd", 2.5 * flops, [&] { table.backward(g, scratch.data); });
  }
}

void bench_rnn() {
  struct Line {
    const char* name;
    nacre::RnnCell cell;
    std::int64_t gates, n, t, d, u;
  };
  using nacre::RnnCell;
  const Line lines[] = {{"lstm", RnnCell::lstm, 4, 32, 64, 128, 128},
                        {"lstm", RnnCell::lstm, 4, 1, 64, 128, 128},
                        {"lstm", RnnCell::lstm, 4, 64, 32, 256, 512},
                        {"gru", RnnCell::gru, 3, 32, 64, 128, 128},
                        {"simple", RnnCell::simple, 1, 32, 64, 128, 128}};
  for (const Line& s : lines) {
    const std::int64_t columns = s.gates * s.u, y = s.n * s.t * s.u, x = s.n * s.t * s.d, state = s.n * s.u;
    nacre::RnnArgs g;
    g.cell = s.cell, g.batch = s.n, g.steps = s.t, g.inputs = s.d, g.units = s.u, g.threads = threads;
    std::vector<Memory> all;
    for (std::int64_t size : {x, s.d * columns, s.u * columns, 2 * columns, y, state, state, s.t * s.n * 5 * s.u, y, x,
                              s.d * columns, s.u * columns, 2 * columns, state, state}) {
      all.push_back(floats(size));
    }
    for (const auto& [k, size] : {std::pair{1, s.d * columns}, std::pair{2, s.u * columns}}) {  // gates that are not saturated
      for (std::int64_t i = 0; i < size; ++i) reinterpret_cast<float*>(all[std::size_t(k)].data)[i] *= 0.1f;
    }
    g.x = all[0].data, g.kernel = all[1].data, g.recurrent = all[2].data, g.bias = all[3].data;
    g.y = all[4].data, g.h = all[5].data, g.c = all[6].data, g.saved = all[7].data, g.dy = all[8].data;
    g.dx = all[9].data, g.dkernel = all[10].data, g.drecurrent = all[11].data, g.dbias = all[12].data;
    g.dh0 = all[13].data, g.dc0 = all[14].data;
    const nacre::RnnTable& table = nacre::cpu_kernels().rnn;
    Memory scratch(std::max(table.forward_scratch(g), table.backward_scratch(g)));
    const double flops = 2.0 * double(s.n) * double(s.t) * double(s.d + s.u) * double(columns);
    std::string name = s.name;
    for (std::int64_t size : {s.n, s.t, s.d, s.u}) name += (size == s.n && name == s.name ? "/" : ",") + std::to_string(size);
    report(name + "/fwd", flops, [&] { table.forward(g, scratch.data); });
    report(name + "/bwd", 2 * flops, [&] { table.backward(g, scratch.data); });
  }
}

}  // namespace
}  // namespace nacre_bench

int main(int argc, char** argv) {
  using namespace nacre_bench;
  if (argc > 1) wanted = argv[1];
  if (argc > 2) threads = std::max(1, std::atoi(argv[2]));
  nacre::set_num_threads(threads);
  std::printf("isa %s, threads %d\n", nacre::isa_name(nacre::active_isa()), threads);
  bench_gemm();
  if (nacre::cpu_kernels().conv.forward) bench_conv();
  if (nacre::cpu_kernels().attention.forward) bench_attention();
  bench_rnn();
}
