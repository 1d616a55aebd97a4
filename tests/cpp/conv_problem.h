// Convolutions to test: sizes, random data and plain loops in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernel_test.h"
#include "nacre/kernels/conv.h"

namespace conv_test {

using kernel_test::Random;

struct Case {
  std::int64_t n, h, w, c, o, kh, kw;
  std::int64_t sh = 1, sw = 1, dh = 1, dw = 1, top = 0, bottom = 0, left = 0, right = 0, groups = 1;
  bool bias = false, relu = false;
};

template <class T>
struct Problem {
  nacre::ConvArgs g;
  std::vector<T> x, weight, bias, image_bias, dy;

  explicit Problem(const Case& s) {
    g.dtype = nacre::dtype_of<T>;
    g.batch = s.n, g.in_h = s.h, g.in_w = s.w, g.in_channels = s.c, g.out_channels = s.o, g.kernel_h = s.kh, g.kernel_w = s.kw;
    g.stride_h = s.sh, g.stride_w = s.sw, g.dilation_h = s.dh, g.dilation_w = s.dw;
    g.pad_top = s.top, g.pad_bottom = s.bottom, g.pad_left = s.left, g.pad_right = s.right, g.groups = s.groups;
    g.out_h = nacre::conv_out_size(s.h, s.kh, s.sh, s.dh, s.top + s.bottom);
    g.out_w = nacre::conv_out_size(s.w, s.kw, s.sw, s.dw, s.left + s.right);
    Random random(5);
    x = random.values<T>(s.n * s.h * s.w * s.c);
    weight = random.values<T>(s.kh * s.kw * s.c / s.groups * s.o);
    dy = random.values<T>(s.n * g.out_h * g.out_w * s.o);
    if (s.bias) bias = random.values<T>(s.o), image_bias = random.values<T>(s.c);
    g.activation = s.relu ? nacre::Activation::relu : nacre::Activation::none;
  }

  // Calls f(input index, output index, weight index) for every product that the convolution holds.
  template <class F>
  void each_product(F&& f) const {
    const std::int64_t cg = g.in_channels / g.groups, og = g.out_channels / g.groups;
    for (std::int64_t n = 0; n < g.batch; ++n)
      for (std::int64_t i = 0; i < g.out_h; ++i)
        for (std::int64_t j = 0; j < g.out_w; ++j)
          for (std::int64_t p = 0; p < g.kernel_h; ++p)
            for (std::int64_t q = 0; q < g.kernel_w; ++q) {
              const std::int64_t h = i * g.stride_h + p * g.dilation_h - g.pad_top,
                                 w = j * g.stride_w + q * g.dilation_w - g.pad_left;
              if (h < 0 || h >= g.in_h || w < 0 || w >= g.in_w) continue;
              for (std::int64_t c = 0; c < cg; ++c)
                for (std::int64_t o = 0; o < g.out_channels; ++o)
                  f(static_cast<std::size_t>(((n * g.in_h + h) * g.in_w + w) * g.in_channels + o / og * cg + c),
                    static_cast<std::size_t>(((n * g.out_h + i) * g.out_w + j) * g.out_channels + o),
                    static_cast<std::size_t>(((p * g.kernel_w + q) * cg + c) * g.out_channels + o));
            }
  }

  // Sum, sum of sizes, and number of terms of each output.
  struct Reference {
    std::vector<double> sum, size, terms;
    explicit Reference(std::size_t n) : sum(n), size(n), terms(n) {}
    void add(std::size_t i, double v) { sum[i] += v, size[i] += std::abs(v), terms[i] += 1; }
    void finish(const std::vector<T>& bias, bool relu) {
      for (std::size_t i = 0; i < sum.size(); ++i) {
        if (!bias.empty()) add(i, bias[i % bias.size()]);
        if (relu && sum[i] < 0) sum[i] = 0;
      }
    }
    // The largest sum of sizes: what an error relative to the whole result is measured by.
    [[nodiscard]] double scale() const {
      double most = 0;
      for (double s : size) most = std::max(most, s);
      return most;
    }
    [[nodiscard]] double error(const std::vector<T>& got) const {
      double most = got.size() == sum.size() + 1 && got.back() == T(77) ? 0 : INFINITY;
      for (std::size_t i = 0; i < sum.size(); ++i) {
        const double e = std::abs(double(got[i]) - sum[i]);
        if (!(e <= most)) most = e;
      }
      return most;
    }
    // Any order of n roundings keeps within (n + 3) eps sum |terms|.
    bool close(const std::vector<T>& got) const {
      for (std::size_t i = 0; i < sum.size(); ++i) {
        if (!(std::abs(double(got[i]) - sum[i]) <= (terms[i] + 3) * double(std::numeric_limits<T>::epsilon()) * size[i]))
          return false;
      }
      return got.size() == sum.size() + 1 && got.back() == T(77);
    }
  };

  [[nodiscard]] std::vector<T> fresh(std::size_t n) const {
    std::vector<T> v(n + 1, std::numeric_limits<T>::quiet_NaN());
    v.back() = T(77);  // must survive
    return v;
  }
};

struct Threads {
  Threads() : before(nacre::num_threads()) { nacre::set_num_threads(3); }
  ~Threads() { nacre::set_num_threads(before); }
  int before;
};

}  // namespace conv_test
