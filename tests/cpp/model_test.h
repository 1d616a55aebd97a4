// What the tests of models share: small networks, data, comparison in bits.
#pragma once

#include <cstring>
#include <vector>

#include "nacre/base/threads.h"
#include "nacre/nacre.hpp"

namespace model_test {

using nacre::Tensor;
using nacre::model::Sequential;

// The bits of all weights, one after another.
inline std::vector<unsigned char> bits(const nacre::model::Model& model) {
  std::vector<unsigned char> out;
  for (const Tensor& t : model.get_weights()) {
    const auto* p = static_cast<const unsigned char*>(t.view().data);
    out.insert(out.end(), p, p + t.count() * size_of(t.dtype()));
  }
  return out;
}

inline std::vector<unsigned char> bits(const Tensor& t) {
  const Tensor c = t.clone();
  const auto* p = static_cast<const unsigned char*>(c.view().data);
  return {p, p + c.count() * size_of(c.dtype())};
}

// Points of three classes that a small network separates, and their labels.
struct Points {
  Tensor x, y;
};
inline Points points(nacre::Dim n, std::uint64_t seed = 5) {
  std::vector<float> x;
  std::vector<std::int32_t> y;
  std::uint64_t state = seed * 2654435761u + 1;
  for (nacre::Dim i = 0; i < n; ++i) {
    const std::int32_t label = static_cast<std::int32_t>(i % 3);
    for (int j = 0; j < 4; ++j) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const float noise = static_cast<float>(state >> 40) / static_cast<float>(1 << 24) - 0.5f;
      x.push_back((j == label ? 1.5f : 0.0f) + noise);
    }
    y.push_back(label);
  }
  return {Tensor::of(x, {n, 4}), Tensor::of(y, {n})};
}

// Dropout and batch normalisation on board: random numbers and running statistics take part.
inline std::shared_ptr<Sequential> network(std::uint64_t seed = 1) {
  nacre::set_random_seed(seed);
  auto m = std::make_shared<Sequential>();
  m->add<nacre::nn::InputLayer>({.shape = nacre::Json::array({4})});
  m->add<nacre::nn::Dense>({.units = 16, .activation = "relu"});
  m->add<nacre::nn::BatchNormalization>();
  m->add<nacre::nn::Dropout>({.rate = 0.25});
  m->add<nacre::nn::Dense>({.units = 3, .activation = "softmax"});
  m->compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  return m;
}

struct Threads {
  explicit Threads(int n) : before(nacre::num_threads()) { nacre::set_num_threads(n); }
  ~Threads() { nacre::set_num_threads(before); }
  int before;
};

}  // namespace model_test
