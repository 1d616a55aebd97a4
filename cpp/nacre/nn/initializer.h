// Initialisers: how a new weight is filled. Known by Keras's string names and by configuration objects {"class_name", "config"}.
//
// fan_in, fan_out of a weight: a matrix [in, out] has these; a convolution [K..., in / groups, out] counts the positions of its window:
// fan_in = K... * in / groups. Layers whose layout differs (depthwise, transposed, attention) say their fans themselves.
// Without a seed each call draws from the global generator (set_random_seed); with one, every call gives the same values, as in Keras.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "nacre/io/config.h"
#include "nacre/tensor/tensor.h"

namespace nacre::nn {

struct Fans {
  double in = 1, out = 1;  // doubles: products of sizes that need not fit an integer
};
// The rule above, from the shape alone. A vector counts as [n, n], a scalar as [1, 1].
[[nodiscard]] NACRE_API Fans compute_fans(const Shape& shape);

class NACRE_API Initializer {
 public:
  virtual ~Initializer();
  [[nodiscard]] virtual std::string_view class_name() const = 0;
  [[nodiscard]] virtual Json config() const = 0;
  // A new tensor of float32 or float64.
  [[nodiscard]] Tensor operator()(const Shape& shape, DType dtype, std::optional<Fans> fans = {}) const;

 protected:
  [[nodiscard]] virtual Tensor make(const Shape& shape, DType dtype, const Fans& fans) const = 0;
};

struct InitializerDef {
  std::string_view name, doc;
  std::vector<OptionInfo> options;
  std::shared_ptr<Initializer> (*make)(const Json& config);
};
NACRE_API std::span<const InitializerDef> initializer_registry();
// From "glorot_uniform", "GlorotUniform" or {"class_name": ..., "config": {...}}. Errors begin with `owner` ("Dense: kernel_initializer").
NACRE_API std::shared_ptr<Initializer> make_initializer(std::string_view owner, const Json& spec);

}  // namespace nacre::nn
