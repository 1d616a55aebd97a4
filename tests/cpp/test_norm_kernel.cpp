// Layer, RMS, batch and group norm against the formulas in double; gradients also against central differences; scratch bounds,
// thread counts, large means, a batch of one.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include "kernel_test.h"

using namespace nacre;
using kernel_test::for_each_isa;
using kernel_test::Random;
using kernel_test::same_bits;
using kernel_test::Scratch;

namespace {

template <class T>
constexpr int kCell = static_cast<int>(dtype_of<T>);

// Sums carry at most 24 roundings, the pointwise part about 8.
template <class T>
constexpr double kTolerance = 64 * static_cast<double>(std::numeric_limits<T>::epsilon());

using Group = std::function<std::int64_t(std::int64_t)>;    // element -> statistics group
using Channel = std::function<std::int64_t(std::int64_t)>;  // element -> gamma index

// The formulas of norm.h in double, for any grouping.
struct Reference {
  std::vector<double> y, mean, var, rstd, dx, dgamma, dbeta;

  template <class T>
  Reference(const std::vector<T>& x, const std::vector<T>& dy, const std::vector<T>* gamma, const std::vector<T>* beta,
            std::int64_t groups, std::int64_t channels, const Group& group, const Channel& channel, double epsilon, bool rms) {
    const std::size_t n = x.size();
    const auto at = [](const std::vector<T>* v, std::int64_t i, double other) {
      return v ? static_cast<double>((*v)[static_cast<std::size_t>(i)]) : other;
    };
    for (auto* v : {&mean, &var, &rstd}) v->assign(static_cast<std::size_t>(groups), 0);
    for (auto* v : {&dgamma, &dbeta}) v->assign(static_cast<std::size_t>(channels), 0);
    std::vector<double> count(mean.size()), level(mean.size()), along(mean.size());
    for (std::size_t i = 0; i < n; ++i) {
      const auto g = static_cast<std::size_t>(group(static_cast<std::int64_t>(i)));
      count[g] += 1;
      if (!rms) mean[g] += static_cast<double>(x[i]);
    }
    for (std::size_t g = 0; g < mean.size(); ++g) mean[g] /= count[g];
    for (std::size_t i = 0; i < n; ++i) {
      const auto g = static_cast<std::size_t>(group(static_cast<std::int64_t>(i)));
      var[g] += std::pow(static_cast<double>(x[i]) - mean[g], 2) / count[g];
    }
    for (std::size_t g = 0; g < mean.size(); ++g) rstd[g] = 1 / std::sqrt(var[g] + epsilon);
    std::vector<double> xhat(n);
    for (std::size_t i = 0; i < n; ++i) {
      const auto g = static_cast<std::size_t>(group(static_cast<std::int64_t>(i)));
      const std::int64_t c = channel(static_cast<std::int64_t>(i));
      xhat[i] = (static_cast<double>(x[i]) - mean[g]) * rstd[g];
      y.push_back(xhat[i] * at(gamma, c, 1) + at(beta, c, 0));
      const double d = static_cast<double>(dy[i]);
      dgamma[static_cast<std::size_t>(c)] += d * xhat[i];
      dbeta[static_cast<std::size_t>(c)] += d;
      level[g] += d * at(gamma, c, 1) / count[g];
      along[g] += d * at(gamma, c, 1) * xhat[i] / count[g];
    }
    for (std::size_t i = 0; i < n; ++i) {
      const auto g = static_cast<std::size_t>(group(static_cast<std::int64_t>(i)));
      const double d = static_cast<double>(dy[i]) * at(gamma, channel(static_cast<std::int64_t>(i)), 1);
      dx.push_back(rstd[g] * (d - (rms ? 0 : level[g]) - xhat[i] * along[g]));
    }
  }
};

// Largest error relative to the largest value (elementwise relative errors mean nothing where terms cancel).
template <class T>
double error(const std::vector<T>& got, const std::vector<double>& want) {
  REQUIRE(got.size() == want.size());
  double worst = 0, size = 1e-3;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(static_cast<double>(got[i]))) return 1e300;
    worst = std::max(worst, std::abs(static_cast<double>(got[i]) - want[i]));
    size = std::max(size, std::abs(want[i]));
  }
  return worst / size;
}

template <class T>
struct Data {
  std::vector<T> x, dy, gamma, beta;
  Data(std::int64_t n, std::int64_t channels) {
    Random random(11);
    x = random.values<T>(n);
    dy = random.values<T>(n);
    gamma = random.values<T>(channels);
    beta = random.values<T>(channels);
  }
};

}  // namespace

TEST_CASE("layer_norm and rms_norm") {
  const auto check = [](auto type) {
    using T = decltype(type);
    for (std::int64_t width : {1, 2, 7, 8, 9, 15, 16, 17, 33, 70, 1000, 2100}) {
      for (std::int64_t rows : {0, 1, 5, 65, 1100}) {
        if (rows > 5 && width > 100) continue;
        for (bool rms : {false, true}) {
          for (int parameters : {0, 1, 3}) {
            CAPTURE(width);
            CAPTURE(rows);
            CAPTURE(rms);
            const Data<T> d(rows * width, width);
            const std::vector<T>* gamma = parameters & 1 ? &d.gamma : nullptr;
            const std::vector<T>* beta = parameters & 2 ? &d.beta : nullptr;
            const Reference want(
                d.x, d.dy, gamma, beta, rows, width, [=](std::int64_t i) { return i / width; },
                [=](std::int64_t i) { return i % width; }, 1e-3, rms);
            for_each_isa([&](const KernelTable& table) {
              std::vector<T> first[4];
              for (int threads : {1, 2}) {
                set_num_threads(threads);
                std::vector<T> y = threads == 2 ? d.x : std::vector<T>(d.x.size()),
                               dx = threads == 2 ? d.dy : std::vector<T>(d.x.size());
                std::vector<T> mean(static_cast<std::size_t>(rows)), rstd(mean), dgamma(static_cast<std::size_t>(width)),
                    dbeta(dgamma);
                LayerNormArgs args{.x = threads == 2 ? y.data() : d.x.data(),
                                   .gamma = gamma ? gamma->data() : nullptr,
                                   .beta = beta ? beta->data() : nullptr,
                                   .y = y.data(),
                                   .mean = mean.data(),
                                   .rstd = rstd.data(),
                                   .rows = rows,
                                   .width = width,
                                   .epsilon = 1e-3,
                                   .rms = rms};
                table.norm.layer_norm[kCell<T>](args, nullptr);
                LayerNormGradArgs grad{.x = d.x.data(),
                                       .gamma = args.gamma,
                                       .mean = mean.data(),
                                       .rstd = rstd.data(),
                                       .dy = threads == 2 ? dx.data() : d.dy.data(),
                                       .dx = dx.data(),
                                       .dgamma = dgamma.data(),
                                       .dbeta = dbeta.data(),
                                       .rows = rows,
                                       .width = width,
                                       .rms = rms};
                Scratch scratch(table.norm.layer_norm_grad_scratch(grad));
                table.norm.layer_norm_grad[kCell<T>](grad, scratch.data());
                REQUIRE(scratch.intact());
                CHECK(error(y, want.y) < kTolerance<T>);
                CHECK(error(rstd, want.rstd) < kTolerance<T>);
                if (!rms) CHECK(error(mean, want.mean) < kTolerance<T>);
                // width 1: xhat is all rounding, its gradient 0.
                if (width > 1 || rms) CHECK(error(dx, want.dx) < 8 * kTolerance<T>);
                CHECK(error(dgamma, want.dgamma) < 8 * kTolerance<T>);
                CHECK(error(dbeta, want.dbeta) < kTolerance<T>);
                if (threads == 1) {
                  first[0] = y, first[1] = dx, first[2] = dgamma, first[3] = dbeta;
                } else {
                  CHECK((same_bits(y, first[0]) && same_bits(dx, first[1]) && same_bits(dgamma, first[2]) &&
                         same_bits(dbeta, first[3])));
                }
              }
            });
          }
        }
      }
    }
  };
  check(0.0f);
  check(0.0);
}

TEST_CASE("batch_norm: channels last and first, training and inference") {
  const auto check = [](auto type) {
    using T = decltype(type);
    struct Size {
      std::int64_t n, c, s;
    };
    for (const Size z : {Size{1, 3, 1}, Size{5, 1, 1}, Size{64, 17, 1}, Size{1100, 70, 1}, Size{2500, 3, 1}, Size{33, 130, 1},
                         Size{2, 3, 4}, Size{5, 16, 49}, Size{3, 2, 1500}, Size{40, 1, 9}, Size{7, 0, 4}}) {
      for (int parameters : {0, 1, 3}) {
        CAPTURE(z.n);
        CAPTURE(z.c);
        CAPTURE(z.s);
        const Data<T> d(z.n * z.c * z.s, z.c);
        const std::vector<T>* gamma = parameters & 1 ? &d.gamma : nullptr;
        const std::vector<T>* beta = parameters & 2 ? &d.beta : nullptr;
        const auto channel = [=](std::int64_t i) { return i / z.s % z.c; };
        const Reference want(d.x, d.dy, gamma, beta, z.c, z.c, channel, channel, 1e-3, false);
        for_each_isa([&](const KernelTable& table) {
          std::vector<T> first[3];
          for (int threads : {1, 2}) {
            set_num_threads(threads);
            std::vector<T> y(d.x.size()), dx = threads == 2 ? d.dy : y, mean(static_cast<std::size_t>(z.c)), var(mean), rstd(mean),
                                          dgamma(mean), dbeta(mean);
            BatchNormArgs args{.x = d.x.data(),
                               .gamma = gamma ? gamma->data() : nullptr,
                               .beta = beta ? beta->data() : nullptr,
                               .y = y.data(),
                               .mean = mean.data(),
                               .var = var.data(),
                               .rstd = rstd.data(),
                               .n = z.n,
                               .channels = z.c,
                               .spatial = z.s,
                               .epsilon = 1e-3};
            Scratch scratch(table.norm.batch_norm_scratch(args));
            table.norm.batch_norm_training[kCell<T>](args, scratch.data());
            REQUIRE(scratch.intact());
            BatchNormGradArgs grad{.x = d.x.data(),
                                   .gamma = args.gamma,
                                   .mean = mean.data(),
                                   .rstd = rstd.data(),
                                   .dy = threads == 2 ? dx.data() : d.dy.data(),
                                   .dx = dx.data(),
                                   .dgamma = dgamma.data(),
                                   .dbeta = dbeta.data(),
                                   .n = z.n,
                                   .channels = z.c,
                                   .spatial = z.s};
            Scratch grad_scratch(table.norm.batch_norm_grad_scratch(grad));
            table.norm.batch_norm_grad[kCell<T>](grad, grad_scratch.data());
            REQUIRE(grad_scratch.intact());
            CHECK(error(y, want.y) < kTolerance<T>);
            CHECK(error(mean, want.mean) < kTolerance<T>);
            CHECK(error(var, want.var) < kTolerance<T>);
            CHECK(error(rstd, want.rstd) < kTolerance<T>);
            CHECK(error(dgamma, want.dgamma) < 8 * kTolerance<T>);
            CHECK(error(dbeta, want.dbeta) < kTolerance<T>);
            if (z.n * z.s > 1) CHECK(error(dx, want.dx) < 8 * kTolerance<T>);
            if (threads == 1) {
              first[0] = y, first[1] = dx, first[2] = dgamma;
            } else {
              CHECK((same_bits(y, first[0]) && same_bits(dx, first[1]) && same_bits(dgamma, first[2])));
            }
            // Inference with these statistics repeats the training output; its gradient is a plain scaling.
            std::vector<T> again = d.x, scaled(d.x.size()), rstd_again(mean), dgamma_again(mean), dbeta_again(mean);
            args.x = again.data();
            args.y = again.data();
            args.rstd = rstd_again.data();
            table.norm.batch_norm_inference[kCell<T>](args, scratch.data());
            REQUIRE(scratch.intact());
            CHECK(error(again, want.y) < kTolerance<T>);
            CHECK(error(rstd_again, want.rstd) < kTolerance<T>);
            grad.dy = d.dy.data();
            grad.dx = scaled.data();
            grad.dgamma = dgamma_again.data();
            grad.dbeta = dbeta_again.data();
            grad.training = false;
            table.norm.batch_norm_grad[kCell<T>](grad, grad_scratch.data());
            CHECK(same_bits(dgamma_again, dgamma));
            CHECK(same_bits(dbeta_again, dbeta));
            std::vector<double> plain;
            for (std::size_t i = 0; i < d.x.size(); ++i) {
              const auto c = static_cast<std::size_t>(channel(static_cast<std::int64_t>(i)));
              plain.push_back(static_cast<double>(d.dy[i]) * want.rstd[c] * (gamma ? static_cast<double>(d.gamma[c]) : 1));
            }
            CHECK(error(scaled, plain) < kTolerance<T>);
          }
        });
      }
    }
  };
  check(0.0f);
  check(0.0);
}

TEST_CASE("batch_norm of one sample gives beta, and large means keep their variance") {
  for_each_isa([&](const KernelTable& table) {
    const std::vector<float> x{3, -4, 1e6f}, beta{0.5f, 1.5f, 2.5f};
    std::vector<float> y(3), mean(3), var(3), rstd(3);
    BatchNormArgs args{.x = x.data(),
                       .beta = beta.data(),
                       .y = y.data(),
                       .mean = mean.data(),
                       .var = var.data(),
                       .rstd = rstd.data(),
                       .n = 1,
                       .channels = 3};
    Scratch scratch(table.norm.batch_norm_scratch(args));
    table.norm.batch_norm_training[kCell<float>](args, scratch.data());
    CHECK(y == beta);
    CHECK(var == std::vector<float>{0, 0, 0});

    // Mean 10000.5, which float holds; deviation 0.5. One-pass formulas lose all digits here.
    std::vector<float> far(2000);
    for (std::size_t i = 0; i < far.size(); ++i) far[i] = 10000.0f + static_cast<float>(i % 2);
    std::vector<float> out(far.size());
    for (std::int64_t spatial : {1, 2000}) {
      BatchNormArgs wide{.x = far.data(),
                         .y = out.data(),
                         .mean = mean.data(),
                         .var = var.data(),
                         .rstd = rstd.data(),
                         .n = 2000 / spatial,
                         .channels = 1,
                         .spatial = spatial,
                         .epsilon = 0};
      Scratch more(table.norm.batch_norm_scratch(wide));
      table.norm.batch_norm_training[kCell<float>](wide, more.data());
      CHECK(mean[0] == 10000.5f);
      CHECK(var[0] == doctest::Approx(0.25).epsilon(1e-5));
      CHECK(out[0] == doctest::Approx(-1).epsilon(1e-5));
    }
    LayerNormArgs row{.x = far.data(), .y = out.data(), .rows = 1, .width = 2000, .epsilon = 0};
    table.norm.layer_norm[kCell<float>](row, nullptr);
    CHECK(out[1] == doctest::Approx(1).epsilon(1e-5));
  });
}

TEST_CASE("group_norm: both layouts") {
  const auto check = [](auto type) {
    using T = decltype(type);
    struct Size {
      std::int64_t n, c, s, g;
    };
    for (const Size z :
         {Size{2, 6, 5, 3}, Size{1, 8, 1, 2}, Size{3, 4, 33, 4}, Size{2, 40, 17, 2}, Size{5, 6, 300, 1}, Size{0, 4, 4, 2}}) {
      for (bool last : {true, false}) {
        for (int parameters : {0, 3}) {
          CAPTURE(z.c);
          CAPTURE(z.s);
          CAPTURE(last);
          const Data<T> d(z.n * z.c * z.s, z.c);
          const std::vector<T>* gamma = parameters ? &d.gamma : nullptr;
          const std::vector<T>* beta = parameters ? &d.beta : nullptr;
          const auto channel = [=](std::int64_t i) { return last ? i % z.c : i / z.s % z.c; };
          const Reference want(
              d.x, d.dy, gamma, beta, z.n * z.g, z.c,
              [=](std::int64_t i) { return i / (z.c * z.s) * z.g + channel(i) / (z.c / z.g); }, channel, 1e-3, false);
          for_each_isa([&](const KernelTable& table) {
            std::vector<T> first[3];
            for (int threads : {1, 2}) {
              set_num_threads(threads);
              std::vector<T> y(d.x.size()), dx = threads == 2 ? d.dy : y, mean(static_cast<std::size_t>(z.n * z.g)), rstd(mean),
                                            dgamma(static_cast<std::size_t>(z.c)), dbeta(dgamma);
              GroupNormArgs args{.x = d.x.data(),
                                 .gamma = gamma ? gamma->data() : nullptr,
                                 .beta = beta ? beta->data() : nullptr,
                                 .y = y.data(),
                                 .mean = mean.data(),
                                 .rstd = rstd.data(),
                                 .n = z.n,
                                 .channels = z.c,
                                 .spatial = z.s,
                                 .groups = z.g,
                                 .channels_last = last};
              Scratch scratch(table.norm.group_norm_scratch(args));
              table.norm.group_norm[kCell<T>](args, scratch.data());
              GroupNormGradArgs grad{.x = d.x.data(),
                                     .gamma = args.gamma,
                                     .mean = mean.data(),
                                     .rstd = rstd.data(),
                                     .dy = threads == 2 ? dx.data() : d.dy.data(),
                                     .dx = dx.data(),
                                     .dgamma = dgamma.data(),
                                     .dbeta = dbeta.data(),
                                     .n = z.n,
                                     .channels = z.c,
                                     .spatial = z.s,
                                     .groups = z.g,
                                     .channels_last = last};
              Scratch grad_scratch(table.norm.group_norm_grad_scratch(grad));
              table.norm.group_norm_grad[kCell<T>](grad, grad_scratch.data());
              REQUIRE(grad_scratch.intact());
              CHECK(error(y, want.y) < kTolerance<T>);
              CHECK(error(mean, want.mean) < kTolerance<T>);
              CHECK(error(rstd, want.rstd) < kTolerance<T>);
              if (z.c / z.g * z.s > 1) CHECK(error(dx, want.dx) < 8 * kTolerance<T>);
              CHECK(error(dgamma, want.dgamma) < 8 * kTolerance<T>);
              CHECK(error(dbeta, want.dbeta) < kTolerance<T>);
              if (threads == 1) {
                first[0] = y, first[1] = dx, first[2] = dgamma;
              } else {
                CHECK((same_bits(y, first[0]) && same_bits(dx, first[1]) && same_bits(dgamma, first[2])));
              }
            }
          });
        }
      }
    }
  };
  check(0.0f);
  check(0.0);
}

TEST_CASE("norm gradients agree with central differences of the forward kernels") {
  for_each_isa([&](const KernelTable& table) {
    const std::int64_t rows = 4, width = 6;
    const Data<double> d(rows * width, width);
    const auto loss = [&](const std::vector<double>& x, const std::vector<double>& gamma, bool batch, bool rms) {
      std::vector<double> y(x.size()), a(6), b(6), c(6);
      if (batch) {
        BatchNormArgs args{.x = x.data(),
                           .gamma = gamma.data(),
                           .y = y.data(),
                           .mean = a.data(),
                           .var = b.data(),
                           .rstd = c.data(),
                           .n = rows,
                           .channels = width};
        Scratch scratch(table.norm.batch_norm_scratch(args));
        table.norm.batch_norm_training[kCell<double>](args, scratch.data());
      } else {
        table.norm.layer_norm[kCell<double>]({.x = x.data(),
                                              .gamma = gamma.data(),
                                              .y = y.data(),
                                              .mean = a.data(),
                                              .rstd = c.data(),
                                              .rows = rows,
                                              .width = width,
                                              .rms = rms},
                                             nullptr);
      }
      double total = 0;
      for (std::size_t i = 0; i < y.size(); ++i) total += y[i] * d.dy[i];
      return total;
    };
    for (int kind : {0, 1, 2}) {
      const bool batch = kind == 2, rms = kind == 1;
      std::vector<double> y(d.x.size()), mean(6), var(6), rstd(6), dx(d.x.size()), dgamma(6), dbeta(6);
      if (batch) {
        BatchNormArgs args{.x = d.x.data(),
                           .y = y.data(),
                           .mean = mean.data(),
                           .var = var.data(),
                           .rstd = rstd.data(),
                           .n = rows,
                           .channels = width};
        Scratch scratch(table.norm.batch_norm_scratch(args));
        table.norm.batch_norm_training[kCell<double>](args, scratch.data());
        BatchNormGradArgs grad{.x = d.x.data(),
                               .gamma = d.gamma.data(),
                               .mean = mean.data(),
                               .rstd = rstd.data(),
                               .dy = d.dy.data(),
                               .dx = dx.data(),
                               .dgamma = dgamma.data(),
                               .n = rows,
                               .channels = width};
        Scratch more(table.norm.batch_norm_grad_scratch(grad));
        table.norm.batch_norm_grad[kCell<double>](grad, more.data());
      } else {
        table.norm.layer_norm[kCell<double>](
            {.x = d.x.data(), .y = y.data(), .mean = mean.data(), .rstd = rstd.data(), .rows = rows, .width = width, .rms = rms},
            nullptr);
        LayerNormGradArgs grad{.x = d.x.data(),
                               .gamma = d.gamma.data(),
                               .mean = mean.data(),
                               .rstd = rstd.data(),
                               .dy = d.dy.data(),
                               .dx = dx.data(),
                               .dgamma = dgamma.data(),
                               .rows = rows,
                               .width = width,
                               .rms = rms};
        Scratch more(table.norm.layer_norm_grad_scratch(grad));
        table.norm.layer_norm_grad[kCell<double>](grad, more.data());
      }
      constexpr double h = 1e-6;  // error of the difference: h^2 and eps / h, both below 1e-9
      for (std::size_t i = 0; i < d.x.size(); ++i) {
        std::vector<double> up = d.x, down = d.x;
        up[i] += h;
        down[i] -= h;
        CHECK(dx[i] == doctest::Approx((loss(up, d.gamma, batch, rms) - loss(down, d.gamma, batch, rms)) / (2 * h)).epsilon(1e-7));
      }
      for (std::size_t i = 0; i < 6; ++i) {
        std::vector<double> up = d.gamma, down = d.gamma;
        up[i] += h;
        down[i] -= h;
        CHECK(dgamma[i] == doctest::Approx((loss(d.x, up, batch, rms) - loss(d.x, down, batch, rms)) / (2 * h)).epsilon(1e-7));
      }
    }
  });
}
