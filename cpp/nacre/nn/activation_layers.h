// Activations as layers: Activation (by name), ReLU, LeakyReLU, PReLU, ELU, Softmax.
#pragma once

#include "nacre/nn/layer.h"

namespace nacre::nn {

struct ActivationOptions {
  std::string activation;
  static constexpr auto options() {
    return std::tuple{Option{"activation", &ActivationOptions::activation, "name of the activation", kRequired}};
  }
};
class NACRE_API Activation final : public LayerOf<Activation, ActivationOptions> {
 public:
  static constexpr std::string_view kName = "Activation",
                                    kDoc = R"(Applies an activation given by name, such as 'relu', 'gelu' or 'softmax'.

Example:
    >>> nc.layers.Activation("relu")([[-1.0, 2.0]]).tolist()
    [[0.0, 2.0]])";
  static void check(const ActivationOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override { return input; }

 protected:
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
};

struct ReLUOptions {
  std::optional<double> max_value;
  double negative_slope = 0, threshold = 0;
  static constexpr auto options() {
    return std::tuple{Option{"max_value", &ReLUOptions::max_value, "upper bound, >= 0; None: none"},
                      Option{"negative_slope", &ReLUOptions::negative_slope, "slope below the threshold, >= 0"},
                      Option{"threshold", &ReLUOptions::threshold, "where the unit begins, >= 0"}};
  }
};
class NACRE_API ReLU final : public LayerOf<ReLU, ReLUOptions> {
 public:
  static constexpr std::string_view
      kName = "ReLU",
      kDoc = R"(x where x > threshold, else negative_slope (x - threshold), and at most max_value. The gradient at 0 is 0.

Example:
    >>> nc.layers.ReLU(max_value=6)([[-1.0, 2.0, 8.0]]).tolist()
    [[0.0, 2.0, 6.0]])";
  static void check(const ReLUOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override { return input; }

 protected:
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
};

struct LeakyReLUOptions {
  double negative_slope = 0.01;
  static constexpr auto options() {
    return std::tuple{Option{"negative_slope", &LeakyReLUOptions::negative_slope,
                             "slope for x <= 0, finite (0.01 as in the lectures; Keras has 0.3)"}};
  }
};
class NACRE_API LeakyReLU final : public LayerOf<LeakyReLU, LeakyReLUOptions> {
 public:
  static constexpr std::string_view kName = "LeakyReLU", kDoc = R"(x where x > 0, else negative_slope x.

Example:
    >>> nc.layers.LeakyReLU(0.5)([[-1.0, 2.0]]).tolist()
    [[-0.5, 2.0]])";
  static void check(const LeakyReLUOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override { return input; }

 protected:
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
};

struct PReLUOptions {
  Json alpha_initializer = "zeros";
  std::optional<Ints> shared_axes;
  static constexpr auto options() {
    return std::tuple{
        Option{"alpha_initializer", &PReLUOptions::alpha_initializer, "initializer of the slopes"},
        Option{"shared_axes", &PReLUOptions::shared_axes, "axes, counted with the batch, along which one slope serves all"}};
  }
};
class NACRE_API PReLU final : public LayerOf<PReLU, PReLUOptions> {
 public:
  static constexpr std::string_view
      kName = "PReLU",
      kDoc = R"(x where x > 0, else alpha x with learned slopes alpha, one per position behind the batch. He et al. 2015.

Example:
    >>> nc.layers.PReLU(alpha_initializer="ones")([[-1.0, 2.0]]).tolist()
    [[-1.0, 2.0]])";
  static void check(const PReLUOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override;

 protected:
  void create_weights(const Shape& input) override;
  [[nodiscard]] std::vector<int> weight_axes(int rank) const override;
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;

 private:
  [[nodiscard]] Shape alpha_shape(const Shape& input) const;
};

struct ELUOptions {
  double alpha = 1;
  static constexpr auto options() {
    return std::tuple{Option{"alpha", &ELUOptions::alpha, "depth of the negative branch, finite"}};
  }
};
class NACRE_API ELU final : public LayerOf<ELU, ELUOptions> {
 public:
  static constexpr std::string_view kName = "ELU", kDoc = R"(x where x > 0, else alpha (e^x - 1).

Example:
    >>> nc.layers.ELU()([[0.0, 2.0]]).tolist()
    [[0.0, 2.0]])";
  static void check(const ELUOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override { return input; }

 protected:
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
};

struct SoftmaxOptions {
  Dim axis = -1;
  static constexpr auto options() { return std::tuple{Option{"axis", &SoftmaxOptions::axis, "the axis that sums to 1"}}; }
};
class NACRE_API Softmax final : public LayerOf<Softmax, SoftmaxOptions> {
 public:
  static constexpr std::string_view kName = "Softmax", kDoc = R"(e^x_i / sum_j e^x_j along one axis, in the stable form.

Example:
    >>> nc.layers.Softmax()([[1.0, 1.0]]).tolist()
    [[0.5, 0.5]])";
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override;

 protected:
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
};

}  // namespace nacre::nn
