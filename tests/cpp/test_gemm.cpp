// gemm against a double loop, for every instruction set, transpose, odd size and thread count; exact integers; empty sizes.
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include "kernel_test.h"
#include "nacre/kernels/gemm.h"

using kernel_test::for_each_isa;
using kernel_test::Random;
using kernel_test::Scratch;

namespace {

struct Case {
  std::int64_t m, n, k;
  bool trans_a = false, trans_b = false, accumulate = false, bias = false, relu = false;
  std::int64_t pad = 0;  // added to every leading stride
};

constexpr double kSentinel = 12345.0;

template <class T>
struct Problem {
  Case s;
  std::vector<T> a, b, c, bias;
  nacre::GemmArgs args;

  explicit Problem(const Case& shape, std::uint64_t seed = 1) : s(shape) {
    Random random(seed);
    args.dtype = nacre::dtype_of<T>;
    args.m = s.m;
    args.n = s.n;
    args.k = s.k;
    args.trans_a = s.trans_a;
    args.trans_b = s.trans_b;
    args.accumulate = s.accumulate;
    args.activation = s.relu ? nacre::Activation::relu : nacre::Activation::none;
    args.lda = (s.trans_a ? s.m : s.k) + s.pad;
    args.ldb = (s.trans_b ? s.k : s.n) + s.pad;
    args.ldc = s.n + s.pad;
    a = random.values<T>((s.trans_a ? s.k : s.m) * args.lda);
    b = random.values<T>((s.trans_b ? s.n : s.k) * args.ldb);
    bias = random.values<T>(s.n);
    c = random.values<T>(s.m * args.ldc + 1);
    for (std::int64_t i = 0; i < s.m; ++i) {
      for (std::int64_t j = s.n; j < args.ldc; ++j) c[static_cast<std::size_t>(i * args.ldc + j)] = T(kSentinel);
      // Without accumulate the old C must not be read.
      for (std::int64_t j = 0; j < s.n && !s.accumulate; ++j) {
        c[static_cast<std::size_t>(i * args.ldc + j)] = std::numeric_limits<T>::quiet_NaN();
      }
    }
    c.back() = T(kSentinel);
  }

  // C as computed with `threads` threads.
  std::vector<T> run(const nacre::KernelTable& table, int threads, bool* scratch_ok = nullptr) {
    std::vector<T> out = c;
    args.a = a.data();
    args.b = b.data();
    args.bias = s.bias ? bias.data() : nullptr;
    args.c = out.data();
    args.threads = threads;
    Scratch scratch(table.gemm.scratch_bytes(args));
    table.gemm.gemm(args, scratch.data());
    if (scratch_ok) *scratch_ok = scratch.intact();
    return out;
  }

  // Largest error in units of the bound (K + 4) * eps * (sum |a b| + |c| + |bias|), which any order of summation keeps; gaps must
  // be intact.
  double worst(const std::vector<T>& got) const {
    double worst = 0;
    const double eps = std::numeric_limits<T>::epsilon();
    for (std::int64_t i = 0; i < s.m; ++i) {
      for (std::int64_t j = 0; j < args.ldc; ++j) {
        const T value = got[static_cast<std::size_t>(i * args.ldc + j)];
        if (j >= s.n) {
          if (value != T(kSentinel)) return 1e30;
          continue;
        }
        double sum = 0, size = 0;
        auto add = [&](double x) { sum += x, size += std::abs(x); };
        for (std::int64_t p = 0; p < s.k; ++p) {
          const double x = a[static_cast<std::size_t>(s.trans_a ? p * args.lda + i : i * args.lda + p)];
          const double y = b[static_cast<std::size_t>(s.trans_b ? j * args.ldb + p : p * args.ldb + j)];
          add(x * y);
        }
        if (s.accumulate) add(c[static_cast<std::size_t>(i * args.ldc + j)]);
        if (s.bias) add(bias[static_cast<std::size_t>(j)]);
        if (s.relu && sum < 0) sum = 0;
        const double error = std::abs(double(value) - sum), bound = (double(s.k) + 4) * eps * size;
        if (!(error <= bound)) worst = std::max(worst, bound > 0 && error == error ? error / bound : 1e30);
      }
    }
    if (got.back() != T(kSentinel)) return 1e30;
    return worst;
  }
};

template <class T>
void check(const Case& s) {
  for_each_isa([&](const nacre::KernelTable& table) {
    INFO("isa ", nacre::isa_name(table.isa), " m ", s.m, " n ", s.n, " k ", s.k, " ta ", s.trans_a, " tb ", s.trans_b, " add ",
         s.accumulate, " bias ", s.bias, " relu ", s.relu, " pad ", s.pad, " bytes ", sizeof(T));
    Problem<T> problem(s);
    bool scratch_ok = false;
    const std::vector<T> one = problem.run(table, 1, &scratch_ok);
    CHECK(scratch_ok);
    CHECK(problem.worst(one) == 0);
    for (int threads : {2, 3}) {
      const std::vector<T> many = problem.run(table, threads, &scratch_ok);
      CHECK(scratch_ok);
      CHECK(kernel_test::same_bits(one, many));
    }
  });
}

struct Threads {
  Threads() : before(nacre::num_threads()) { nacre::set_num_threads(3); }
  ~Threads() { nacre::set_num_threads(before); }
  int before;
};

}  // namespace

TEST_CASE("small and odd sizes, all transposes") {
  Threads threads;
  for (std::int64_t m : {1, 2, 3, 5, 7, 13, 25}) {
    for (std::int64_t n : {1, 2, 7, 8, 15, 16, 17, 33, 48, 65}) {
      for (std::int64_t k : {1, 3, 8, 17}) {
        for (int t = 0; t < 4; ++t) {
          const bool odd = (m + n + k) % 2 == 1;
          const Case s{m, n, k, t % 2 == 1, t >= 2, odd, m % 2 == 0, n % 3 == 0, odd ? 3 : 0};
          check<float>(s);
          check<double>(s);
        }
      }
    }
  }
}

// The last one's rows of A fall on the same cache sets: they are copied.
TEST_CASE("sizes that pack, block K and split among threads") {
  Threads threads;
  const std::int64_t sizes[][3] = {{64, 256, 784}, {784, 256, 64}, {64, 784, 256},  {64, 10, 256},  {130, 70, 513},
                                   {37, 600, 300}, {300, 33, 257}, {1, 3000, 100},  {3, 700, 300},  {4, 130, 999},
                                   {700, 1, 130},  {100, 2, 1000}, {5, 2100, 40},   {20, 1100, 64}, {12, 32, 2000},
                                   {97, 97, 97},   {2, 500, 100},  {50, 1300, 300}, {40, 300, 1024}};
  for (const auto& z : sizes) {
    for (int t = 0; t < 4; ++t) {
      const bool extra = t == 1 || t == 2;
      check<float>({z[0], z[1], z[2], t % 2 == 1, t >= 2, extra, extra, t == 2, t == 3 ? 5 : 0});
      if (z[0] * z[1] * z[2] < 4000000) check<double>({z[0], z[1], z[2], t % 2 == 1, t >= 2, !extra, extra, t == 1, t});
    }
  }
}

TEST_CASE("few rows against a B that is cut along K") {
  Threads threads;
  const std::int64_t sizes[][3] = {{1, 1027, 2100}, {3, 515, 4200}, {4, 2048, 1100}, {1100, 1, 2050}};
  for (const auto& z : sizes) {
    check<float>({z[0], z[1], z[2]});
    check<float>({z[0], z[1], z[2], z[1] == 1, false, true, true, true, 3});
    check<double>({z[0], z[1], z[2], true, false, false, true, false, 1});
  }
  check<float>({2, 70, 40000});
}

TEST_CASE("empty sizes") {
  check<float>({0, 5, 3});
  check<float>({5, 0, 3});
  check<float>({0, 0, 0});
  for (bool bias : {false, true}) {
    for (bool accumulate : {false, true}) {
      check<float>({5, 19, 0, false, false, accumulate, bias, true, 2});
      check<double>({5, 19, 0, false, true, accumulate, bias, false, 0});
      check<float>({5, 1, 0, false, true, accumulate, bias, true, 0});
      check<float>({1, 9, 0, false, true, accumulate, bias, true, 0});
    }
  }
}

TEST_CASE("relu keeps NaN and infinities pass through") {
  for_each_isa([](const nacre::KernelTable& table) {
    Problem<float> problem({3, 20, 4, false, false, false, false, true});
    const float inf = std::numeric_limits<float>::infinity();
    problem.a[0] = std::numeric_limits<float>::quiet_NaN();
    problem.a[4] = inf;
    const std::vector<float> out = problem.run(table, 1);
    for (std::size_t j = 0; j < 20; ++j) {
      CHECK(std::isnan(out[j]));
      CHECK(out[20 + j] == (problem.b[j] > 0 ? inf : 0.0f));
    }
  });
}

TEST_CASE("batches with broadcast operands") {
  Threads threads;
  const std::int64_t m = 6, n = 21, k = 10, d0 = 3, d1 = 4;
  for_each_isa([&](const nacre::KernelTable& table) {
    Random random(7);
    const auto a = random.values<float>(d0 * m * k), b = random.values<float>(d1 * k * n), bias = random.values<float>(n);
    std::vector<float> c(static_cast<std::size_t>(d0 * d1 * m * n), -1.0f), single(static_cast<std::size_t>(m * n));
    nacre::GemmArgs g;
    g.m = m, g.n = n, g.k = k, g.lda = k, g.ldb = n, g.ldc = n;
    g.a = a.data(), g.b = b.data(), g.c = c.data(), g.bias = bias.data();
    g.batch_rank = 2;
    g.batch_dims[0] = d0, g.batch_dims[1] = d1;
    g.batch_stride_a[0] = m * k, g.batch_stride_b[1] = k * n;
    g.batch_stride_c[0] = d1 * m * n, g.batch_stride_c[1] = m * n;
    Scratch scratch(table.gemm.scratch_bytes(g));
    table.gemm.gemm(g, scratch.data());
    CHECK(scratch.intact());
    nacre::GemmArgs one = g;
    one.batch_rank = 0;
    one.c = single.data();
    for (std::int64_t i = 0; i < d0; ++i) {
      for (std::int64_t j = 0; j < d1; ++j) {
        one.a = a.data() + i * m * k;
        one.b = b.data() + j * k * n;
        Scratch own(table.gemm.scratch_bytes(one));
        table.gemm.gemm(one, own.data());
        CHECK(std::memcmp(single.data(), c.data() + (i * d1 + j) * m * n, sizeof(float) * static_cast<std::size_t>(m * n)) == 0);
      }
    }
    g.batch_dims[0] = 0;  // an empty batch writes nothing
    const auto before = c;
    table.gemm.gemm(g, scratch.data());
    CHECK(before == c);
    // A batch of columns: each is computed as a row with the operands exchanged.
    std::vector<float> column(static_cast<std::size_t>(d0 * m));
    nacre::GemmArgs v;
    v.m = m, v.n = 1, v.k = k, v.lda = k, v.ldb = 1, v.ldc = 1, v.a = a.data(), v.b = b.data(), v.c = column.data(),
    v.bias = bias.data();
    v.batch_rank = 1, v.batch_dims[0] = d0, v.batch_stride_a[0] = m * k, v.batch_stride_c[0] = m;
    table.gemm.gemm(v, scratch.data());
    for (std::int64_t i = 0; i < d0 * m; ++i) {
      double sum = bias[0];
      for (std::int64_t p = 0; p < k; ++p) sum += double(a[static_cast<std::size_t>(i * k + p)]) * b[static_cast<std::size_t>(p)];
      CHECK(std::abs(column[static_cast<std::size_t>(i)] - sum) <= 1e-5);  // 11 terms of size <= 1: at most 11 * 11 * 2^-24
    }
  });
}

TEST_CASE("integers are exact and wrap around") {
  for_each_isa([](const nacre::KernelTable& table) {
    for (int t = 0; t < 4; ++t) {
      const std::int64_t m = 5, n = 7, k = 9;
      Random random(3);
      std::vector<std::int64_t> a(m * k), b(k * n), c(m * n, 10), bias(n);
      for (auto& x : a) x = static_cast<std::int64_t>(random.next());
      for (auto& x : b) x = static_cast<std::int64_t>(random.next());
      for (auto& x : bias) x = static_cast<std::int64_t>(random.next() % 100);
      std::vector<std::int32_t> a4(a.begin(), a.end()), b4(b.begin(), b.end()), c4(m * n, 10), bias4(bias.begin(), bias.end());
      nacre::GemmArgs g;
      g.dtype = nacre::DType::int64;
      g.m = m, g.n = n, g.k = k, g.trans_a = t % 2 == 1, g.trans_b = t >= 2, g.accumulate = t == 1;
      g.lda = g.trans_a ? m : k, g.ldb = g.trans_b ? k : n, g.ldc = n;
      g.a = a.data(), g.b = b.data(), g.c = c.data(), g.bias = bias.data();
      Scratch scratch(table.gemm.scratch_bytes(g));
      table.gemm.gemm(g, scratch.data());
      g.dtype = nacre::DType::int32;
      g.a = a4.data(), g.b = b4.data(), g.c = c4.data(), g.bias = bias4.data();
      table.gemm.gemm(g, scratch.data());
      for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
          std::uint64_t sum = (g.accumulate ? 10u : 0u) + static_cast<std::uint64_t>(bias[static_cast<std::size_t>(j)]);
          for (std::int64_t p = 0; p < k; ++p) {
            sum += static_cast<std::uint64_t>(a[static_cast<std::size_t>(g.trans_a ? p * m + i : i * k + p)]) *
                   static_cast<std::uint64_t>(b[static_cast<std::size_t>(g.trans_b ? j * k + p : p * n + j)]);
          }
          CHECK(c[static_cast<std::size_t>(i * n + j)] == static_cast<std::int64_t>(sum));
          CHECK(c4[static_cast<std::size_t>(i * n + j)] == static_cast<std::int32_t>(static_cast<std::uint32_t>(sum)));
        }
      }
    }
  });
}
