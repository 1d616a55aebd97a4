// Winograd convolutions against plain loops: both tile sizes, forward and both gradients, float32 and float64, every instruction set,
// images from 1x1 on, sizes that are no multiple of the tile, any channel counts, uneven pads, one and several threads with equal bits.
// Also the choice of algorithm and packed weights.
#include <doctest/doctest.h>

#include "conv_problem.h"

using conv_test::Case;
using conv_test::Problem;
using conv_test::Threads;
using kernel_test::for_each_isa;
using kernel_test::Scratch;
using nacre::ConvAlgorithm;

namespace {

// 3x3, stride 1.
Case image(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c, std::int64_t o, std::int64_t top, std::int64_t bottom,
           std::int64_t left, std::int64_t right, bool bias = false, bool relu = false) {
  return {n, h, w, c, o, 3, 3, 1, 1, 1, 1, top, bottom, left, right, 1, bias, relu};
}

// The transforms mix all places of a tile, so an error is held against the largest sum of |terms|: a rounding of eps/2 for each of the
// `terms` of the longest sum and some for the transforms. What is seen is below half of it.
template <class T>
double bound(const typename Problem<T>::Reference& reference) {
  double terms = 0;
  for (double t : reference.terms) terms = std::max(terms, t);
  return (terms + 100) * 0.5 * double(std::numeric_limits<T>::epsilon()) * reference.scale();
}

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
    for (ConvAlgorithm algorithm : {ConvAlgorithm::winograd_2x2, ConvAlgorithm::winograd_4x4}) {
      INFO("isa ", nacre::isa_name(table.isa), " tile ", algorithm == ConvAlgorithm::winograd_2x2 ? 2 : 4, " n ", s.n, " h ", s.h,
           " w ", s.w, " c ", s.c, " o ", s.o, " pads ", s.top, ",", s.bottom, ",", s.left, ",", s.right, " bytes ", sizeof(T));
      std::vector<T> first_y, first_dx, first_dw;
      for (int threads : {1, 2, 3}) {
        nacre::ConvArgs g = problem.g;
        g.algorithm = algorithm;
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
          CHECK(y.error(got_y) <= bound<T>(y));
          CHECK(dx.error(got_dx) <= bound<T>(dx));
          CHECK(dw.error(got_dw) <= bound<T>(dw));
          first_y = got_y, first_dx = got_dx, first_dw = got_dw;
        } else {
          CHECK(kernel_test::same_bits(first_y, got_y));
          CHECK(kernel_test::same_bits(first_dx, got_dx));
          CHECK(kernel_test::same_bits(first_dw, got_dw));
        }
      }
    }
  });
}

nacre::ConvArgs sizes(nacre::DType dtype, std::int64_t batch, std::int64_t size, std::int64_t channels, std::int64_t outputs) {
  nacre::ConvArgs g;
  g.dtype = dtype, g.batch = batch, g.in_h = g.in_w = g.out_h = g.out_w = size, g.in_channels = channels, g.out_channels = outputs;
  g.kernel_h = g.kernel_w = 3;
  g.pad_top = g.pad_bottom = g.pad_left = g.pad_right = 1;
  return g;
}

}  // namespace

TEST_CASE("Winograd: images of every small size, channels about a packet") {
  Threads threads;
  for (std::int64_t c : {1, 3, 5, 8, 16, 17}) {
    for (std::int64_t o : {1, 3, 5, 8, 16, 17}) check<float>(image(2, 5, 7, c, o, 1, 1, 1, 1, o != 5, c == 8));
  }
  for (std::int64_t h = 1; h <= 5; ++h) {
    for (std::int64_t w = 1; w <= 5; ++w) {
      for (std::int64_t pad : {0, 1, 2}) {
        if (h + 2 * pad < 3 || w + 2 * pad < 3) continue;
        check<float>(image(1, h, w, 3, 9, pad, pad, pad, pad, true));
        check<double>(image(2, h, w, 5, 3, pad, pad, pad, pad, true, pad == 2));
      }
    }
  }
}

TEST_CASE("Winograd: uneven pads, more than the kernel reaches, tiles cut on both sides") {
  Threads threads;
  check<float>(image(1, 9, 10, 8, 16, 0, 1, 2, 0, true));
  check<float>(image(2, 13, 6, 7, 5, 2, 0, 0, 2, true, true));
  check<double>(image(1, 6, 11, 4, 6, 1, 2, 0, 1));
  check<double>(image(3, 4, 8, 17, 8, 0, 2, 1, 0, false, true));
  check<float>(image(1, 2, 3, 4, 8, 6, 5, 9, 7, true));
}

TEST_CASE("Winograd: blocks of tiles, steps of channels, panels of outputs") {
  Threads threads;
  check<float>(image(3, 25, 30, 16, 40, 1, 1, 1, 1, true, true));
  check<float>(image(2, 5, 6, 300, 20, 1, 1, 1, 1));
  check<float>(image(1, 6, 5, 24, 270, 1, 1, 1, 1, true));
  check<double>(image(2, 14, 14, 33, 31, 1, 1, 1, 1, true));
  check<float>(image(40, 8, 8, 12, 10, 1, 1, 1, 1));
}

TEST_CASE("Winograd: empty batches, images and channels") {
  Threads threads;
  check<float>(image(0, 5, 5, 3, 4, 1, 1, 1, 1, true));
  check<float>(image(2, 0, 5, 3, 4, 1, 1, 1, 1, true));
  check<float>(image(2, 2, 2, 3, 4, 0, 0, 0, 0, true));  // no outputs: zero gradients
  check<float>(image(2, 4, 4, 0, 4, 1, 1, 1, 1, true));
  check<float>(image(2, 4, 4, 4, 0, 1, 1, 1, 1, true));
}

TEST_CASE("Winograd: the bias and relu are the steps that separate ops make") {
  Problem<float> problem(image(2, 9, 9, 8, 12, 1, 1, 1, 1, true));
  for_each_isa([&](const nacre::KernelTable& table) {
    nacre::ConvArgs g = problem.g;
    g.algorithm = ConvAlgorithm::winograd_4x4;
    std::vector<float> plain = problem.fresh(problem.dy.size()), fused = plain;
    g.x = problem.x.data(), g.weight = problem.weight.data(), g.y = plain.data();
    Scratch scratch(table.conv.forward_scratch(g));
    table.conv.forward(g, scratch.data());
    g.bias = problem.bias.data(), g.activation = nacre::Activation::relu, g.y = fused.data();
    table.conv.forward(g, scratch.data());
    for (std::size_t i = 0; i + 1 < plain.size(); ++i) {
      const float sum = plain[i] + problem.bias[i % problem.bias.size()];
      plain[i] = sum < 0 ? 0 : sum;
    }
    CHECK(kernel_test::same_bits(plain, fused));
  });
}

TEST_CASE("the algorithm follows from the sizes, and is used") {
  using nacre::ConvPass;
  using nacre::DType;
  for_each_isa([&](const nacre::KernelTable& table) {
    auto choose = table.conv.choose;
    for (ConvPass pass : {ConvPass::forward, ConvPass::backward_data, ConvPass::backward_weight}) {
      CHECK(choose(sizes(DType::float32, 32, 32, 64, 64), pass) == ConvAlgorithm::winograd_4x4);
      CHECK(choose(sizes(DType::float64, 32, 32, 64, 64), pass) == ConvAlgorithm::direct);
      CHECK(choose(sizes(DType::float32, 1, 4, 1, 1), pass) == ConvAlgorithm::direct);
      CHECK(choose(sizes(DType::float32, 8, 14, 4096, 4096), pass) == ConvAlgorithm::direct);  // gigabytes of transformed filter
      nacre::ConvArgs strided = sizes(DType::float32, 32, 32, 64, 64);
      strided.stride_h = 2, strided.out_h = 16;
      CHECK(choose(strided, pass) == ConvAlgorithm::direct);
      nacre::ConvArgs forced = sizes(DType::float64, 1, 4, 1, 1);
      forced.algorithm = ConvAlgorithm::winograd_2x2;
      CHECK(choose(forced, pass) == ConvAlgorithm::winograd_2x2);
      nacre::ConvArgs threads = sizes(DType::float32, 2, 9, 12, 20);
      threads.threads = 1;
      const ConvAlgorithm one = choose(threads, pass);
      threads.threads = 64;
      CHECK(choose(threads, pass) == one);
    }
    for (const Case& s : {image(4, 16, 16, 32, 32, 1, 1, 1, 1), image(1, 3, 3, 2, 2, 1, 1, 1, 1)}) {
      Problem<float> problem(s);
      nacre::ConvArgs g = problem.g;
      std::vector<float> automatic = problem.fresh(problem.dy.size()), named = automatic;
      g.x = problem.x.data(), g.weight = problem.weight.data(), g.y = automatic.data();
      Scratch a(table.conv.forward_scratch(g));
      table.conv.forward(g, a.data());
      g.algorithm = choose(g, ConvPass::forward), g.y = named.data();
      Scratch b(table.conv.forward_scratch(g));
      table.conv.forward(g, b.data());
      CHECK(kernel_test::same_bits(automatic, named));
    }
  });
}

TEST_CASE("packed weights give the same bits, for any batch") {
  Threads threads;
  Case strided = image(3, 11, 9, 12, 20, 1, 1, 1, 1, true, true);
  strided.sh = strided.sw = 2;
  Case grouped = image(3, 11, 9, 12, 20, 1, 1, 1, 1, true);
  grouped.groups = 4;
  for (const Case& s : {image(3, 11, 9, 12, 20, 1, 1, 1, 1, true), image(2, 6, 5, 300, 20, 1, 1, 1, 1), strided, grouped}) {
    Problem<float> problem(s);
    for_each_isa([&](const nacre::KernelTable& table) {
      for (ConvAlgorithm algorithm : {ConvAlgorithm::direct, ConvAlgorithm::winograd_2x2, ConvAlgorithm::winograd_4x4}) {
        nacre::ConvArgs g = problem.g;
        if (algorithm != ConvAlgorithm::direct && !nacre::conv_winograd_fits(g)) continue;
        g.algorithm = algorithm;
        std::vector<float> plain = problem.fresh(problem.dy.size()), packed = plain;
        g.x = problem.x.data(), g.weight = problem.weight.data(), g.bias = s.bias ? problem.bias.data() : nullptr,
        g.y = plain.data();
        Scratch a(table.conv.forward_scratch(g));
        table.conv.forward(g, a.data());
        nacre::ConvArgs one = g;
        one.batch = 1;
        one.threads = 1;
        const std::int64_t bytes = table.conv.pack_weight_bytes(one);
        REQUIRE(bytes > 0);
        CHECK(table.conv.pack_weight_bytes(g) == bytes);
        Scratch form(bytes);
        table.conv.pack_weight(one, form.data());
        CHECK(form.intact());
        g.weight = nullptr, g.packed_weight = form.data(), g.y = packed.data();
        Scratch b(table.conv.forward_scratch(g));
        table.conv.forward(g, b.data());
        CHECK(b.intact());
        CHECK(kernel_test::same_bits(plain, packed));
      }
    });
  }
  nacre::ConvArgs product = sizes(nacre::DType::float32, 1, 4, 8, 8);
  product.kernel_h = product.kernel_w = 1, product.pad_top = product.pad_bottom = product.pad_left = product.pad_right = 0;
  CHECK(nacre::cpu_kernels().conv.pack_weight_bytes(product) == 0);
}
