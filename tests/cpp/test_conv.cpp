// conv2d forward, backward-data and backward-weight against plain loops, direct: odd sizes, strides, dilation, asymmetric pads, groups,
// depthwise, every instruction set, one and several threads with equal bits. Winograd: test_conv_winograd.cpp.
#include <doctest/doctest.h>

#include "conv_problem.h"

using conv_test::Case;
using conv_test::Problem;
using conv_test::Threads;
using kernel_test::for_each_isa;
using kernel_test::Scratch;

namespace {

template <class T>
void check(const Case& s) {
  Problem<T> problem(s);
  const std::size_t ny = problem.dy.size(), nx = problem.x.size(), nw = problem.weight.size();
  typename Problem<T>::Reference y(ny), dx(nx), dw(nw);
  problem.each_product([&](std::size_t xi, std::size_t yi, std::size_t wi) {
    y.add(yi, double(problem.x[xi]) * double(problem.weight[wi]));
    dx.add(xi, double(problem.dy[yi]) * double(problem.weight[wi]));
    dw.add(wi, double(problem.x[xi]) * double(problem.dy[yi]));
  });
  y.finish(problem.bias, s.relu);
  dx.finish(problem.image_bias, s.relu);
  for_each_isa([&](const nacre::KernelTable& table) {
    INFO("isa ", nacre::isa_name(table.isa), " n ", s.n, " h ", s.h, " w ", s.w, " c ", s.c, " o ", s.o, " k ", s.kh, "x", s.kw,
         " stride ", s.sh, ",", s.sw, " dilation ", s.dh, ",", s.dw, " pads ", s.top, ",", s.bottom, ",", s.left, ",", s.right,
         " groups ", s.groups, " bytes ", sizeof(T));
    std::vector<T> first_y, first_dx, first_dw;
    for (int threads : {1, 2, 3}) {
      nacre::ConvArgs g = problem.g;
      g.algorithm = nacre::ConvAlgorithm::direct;
      g.threads = threads;
      std::vector<T> got_y = problem.fresh(ny), got_dx = problem.fresh(nx), got_dw = problem.fresh(nw);
      g.x = problem.x.data(), g.weight = problem.weight.data(), g.dy = problem.dy.data();
      g.y = got_y.data(), g.dx = got_dx.data(), g.dweight = got_dw.data();
      g.bias = s.bias ? problem.bias.data() : nullptr;
      Scratch a(table.conv.forward_scratch(g));
      table.conv.forward(g, a.data());
      g.bias = s.bias ? problem.image_bias.data() : nullptr;
      Scratch b(table.conv.backward_data_scratch(g));
      table.conv.backward_data(g, b.data());
      Scratch c(table.conv.backward_weight_scratch(g));
      table.conv.backward_weight(g, c.data());
      CHECK(a.intact());
      CHECK(b.intact());
      CHECK(c.intact());
      if (threads == 1) {
        CHECK(y.close(got_y));
        CHECK(dx.close(got_dx));
        CHECK(dw.close(got_dw));
        first_y = got_y, first_dx = got_dx, first_dw = got_dw;
      } else {
        CHECK(kernel_test::same_bits(first_y, got_y));
        CHECK(kernel_test::same_bits(first_dx, got_dx));
        CHECK(kernel_test::same_bits(first_dw, got_dw));
      }
    }
  });
}

}  // namespace

TEST_CASE("conv2d, plain and padded") {
  Threads threads;
  for (std::int64_t c : {1, 3, 16, 17}) {
    for (std::int64_t o : {1, 5, 16, 40}) {
      check<float>({2, 9, 11, c, o, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, true, o == 16});
      check<double>({2, 6, 7, c, o, 3, 2, 1, 1, 1, 1, 0, 1, 1, 0, 1, c == 3, false});
      check<float>({3, 5, 4, c, o, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, true, false});
      check<float>({1, 6, 6, c, o, 5, 3});
    }
  }
}

TEST_CASE("strides, dilation and uneven pads") {
  Threads threads;
  for (std::int64_t stride : {1, 2, 3}) {
    for (std::int64_t dilation : {1, 2, 3}) {
      for (std::int64_t pad : {0, 1, 4}) {
        check<float>({2, 10, 13, 4, 6, 3, 3, stride, stride == 1 ? 2 : stride, dilation, dilation, pad, pad / 2, 0, pad, 1,
                      pad == 1, false});
        check<double>({1, 9, 10, 2, 3, 2, 4, stride, 1, 1, dilation, pad, 0, pad, 1, 1, true, pad == 4});
        check<float>({1, 12, 12, 6, 4, 4, 1, stride, stride, dilation, 1, pad, pad, 0, 0, 2});
      }
    }
  }
  check<float>({2, 8, 9, 5, 7, 1, 1, 2, 2});  // pixels that no output meets: their gradient is zero
  check<float>({1, 7, 7, 3, 4, 2, 2, 3, 3, 1, 1});
  check<float>({1, 12, 13, 3, 4, 3, 3, 4, 2, 2, 4, 3, 3, 2, 2, 1, true});  // stride and dilation share a divisor
}

TEST_CASE("groups and depthwise") {
  Threads threads;
  for (std::int64_t groups : {2, 3, 6}) {
    check<float>({2, 7, 8, 6, 12, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, groups, true, true});
    check<double>({1, 7, 8, 12, 6, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, groups, true, false});
  }
  for (std::int64_t c : {2, 7, 16, 35}) {
    check<float>({2, 9, 10, c, c, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, c, true, false});
    check<float>({2, 9, 10, c, c, 3, 4, 2, 2, 1, 1, 1, 0, 2, 1, c, false, true});
    check<double>({1, 8, 9, c, c, 2, 5, 1, 3, 2, 1, 2, 2, 0, 3, c});
    check<float>({1, 6, 6, c, 2 * c, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, c, true});  // depth multiplier 2
  }
}

TEST_CASE("one-dimensional, as H = 1") {
  Threads threads;
  check<float>({3, 1, 50, 8, 20, 1, 5, 1, 1, 1, 1, 0, 0, 2, 2, 1, true});
  check<float>({2, 1, 41, 4, 9, 1, 3, 1, 2, 1, 4, 0, 0, 8, 0, 1, true, true});
}

TEST_CASE("sizes that split into bands, steps of K, chunks and column blocks") {
  Threads threads;
  check<float>({3, 20, 30, 32, 48, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1});
  check<float>({2, 6, 6, 300, 40, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1});            // rows as steps
  check<float>({1, 5, 5, 500, 33, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1});            // blocks of channels as steps
  check<float>({1, 9, 9, 300, 40, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2});            // with dilation
  check<float>({2, 4, 4, 200, 260, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, true});  // dweight above a megabyte
  check<float>({40, 8, 8, 16, 16, 3, 3, 2, 2, 1, 1, 0, 1, 0, 1});
  check<float>({20, 10, 10, 64, 64, 1, 1, 2, 2});
  check<float>({20, 12, 12, 33, 33, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 33});
}

TEST_CASE("kernels far larger than the image: taps that meet only padding are left out") {
  Threads threads;
  for (std::int64_t stride : {1, 2, 3}) {
    for (std::int64_t groups : {1, 2, 4}) {
      check<float>({2, 3, 4, 4, 8, 17, 19, stride, stride, 1, 1, 16, 18, 17, 20, groups, true, groups == 2});
      check<double>({1, 2, 3, 4, 4, 9, 11, stride, 1, 2, 3, 20, 17, 31, 30, groups, groups == 1, false});
    }
  }
  check<float>({2, 1, 5, 3, 20, 1, 40, 1, 1, 1, 1, 0, 0, 41, 45, 1, true, true});  // in one dimension, some outputs meet nothing
  check<float>({2, 5, 1, 3, 20, 40, 1, 2, 1, 1, 1, 41, 47, 0, 0, 1, true});
  check<float>({1, 3, 3, 300, 24, 9, 9, 1, 1, 1, 1, 9, 9, 9, 9, 1, true});            // rows as steps
  check<float>({1, 3, 2, 300, 24, 7, 9, 1, 1, 2, 2, 13, 14, 17, 16, 1, true, true});  // blocks of channels as steps
  check<float>({1, 3, 4, 35, 35, 11, 13, 1, 2, 1, 1, 12, 10, 13, 12, 35, true});      // depthwise
}

TEST_CASE("empty batches, images and outputs") {
  check<float>({0, 5, 5, 3, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, true});
  check<float>({2, 0, 5, 3, 4, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, true});
  check<float>({2, 2, 2, 3, 4, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0, 1, true});  // kernel larger than the image: no outputs, zero gradients
  CHECK(nacre::conv_out_size(2, 3, 1, 1, 0) == 0);
  CHECK(nacre::conv_out_size(7, 3, 2, 2, 1) == 2);
}
