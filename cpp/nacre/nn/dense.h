// Dense: y = activation(x W + b).
#pragma once

#include "nacre/nn/layer.h"

namespace nacre::nn {

struct DenseOptions {
  Dim units = 0;
  std::optional<std::string> activation;
  bool use_bias = true;
  Json kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  static constexpr auto options() {
    return std::tuple{Option{"units", &DenseOptions::units, "size of the output's last axis, >= 1", kRequired},
                      Option{"activation", &DenseOptions::activation, "name of an activation; None: linear"},
                      Option{"use_bias", &DenseOptions::use_bias, "add a bias"},
                      Option{"kernel_initializer", &DenseOptions::kernel_initializer, "initializer of the kernel [in, units]"},
                      Option{"bias_initializer", &DenseOptions::bias_initializer, "initializer of the bias [units]"}};
  }
};

class NACRE_API Dense final : public LayerOf<Dense, DenseOptions> {
 public:
  static constexpr std::string_view kName = "Dense", kDoc = R"(Fully connected layer: y = activation(x W + b).

Acts on the last axis: [..., in] gives [..., units]. Weights: kernel [in, units], bias [units].

Example:
    >>> nc.layers.Dense(3, activation="relu")(nc.ones((2, 4))).shape
    (2, 3))";
  static void check(const DenseOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override;

 protected:
  void create_weights(const Shape& input) override;
  [[nodiscard]] std::vector<int> weight_axes(int rank) const override { return {rank - 1}; }
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
};

}  // namespace nacre::nn
