// Cost of one op called eagerly from C++, where nearly nothing is computed: the way through apply, with and without recording.
//   nacre_bench_eager [--only TEXT] [--threads N] [--ms M]
#include <cstdio>

#include "measure.h"
#include "nacre/nacre.hpp"

int main(int argc, char** argv) {
  using namespace nacre_bench;
  using nacre::Tensor;
  const Options options = read_options(argc, argv);
  nacre::set_num_threads(options.threads);
  const std::vector<float> values(8, 0.5f), matrix(64, 0.25f);
  const Tensor a = Tensor::of(values, {8}), b = Tensor::of(values, {8}), square = Tensor::of(matrix, {8, 8});
  std::printf("threads %d; median (best .. worst)\n", options.threads);
  report(options, "eager/add/8", Amount::none, 0, [&] { const Tensor y = a + b; });
  report(options, "eager/relu/8", Amount::none, 0, [&] { const Tensor y = nacre::relu(a); });
  report(options, "eager/reshape/8", Amount::none, 0, [&] { const Tensor y = nacre::reshape(a, {.newshape = {2, 4}}); });
  report(options, "eager/sum/8", Amount::none, 0, [&] { const Tensor y = nacre::sum(a); });
  report(options, "eager/matmul/8x8x8", Amount::none, 0, [&] { const Tensor y = nacre::matmul(square, square); });
  report(options, "eager/softmax/8", Amount::none, 0, [&] { const Tensor y = nacre::softmax(a); });
  Tensor leaf = Tensor::of(values, {8});
  leaf.set_requires_grad(true);
  report(options, "eager/add/8/recorded", Amount::none, 0, [&] { const Tensor y = leaf + b; });
  report(options, "eager/sum-of-square/8/forward+backward", Amount::none, 0, [&] {
    const Tensor y = nacre::sum(leaf * leaf);
    const auto slopes = nacre::gradients({&y, 1}, {}, {&leaf, 1});
  });
}
