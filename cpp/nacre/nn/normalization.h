// BatchNormalization and LayerNormalization.
#pragma once

#include "nacre/nn/layer.h"

namespace nacre::nn {

struct BatchNormalizationOptions {
  Dim axis = -1;
  double momentum = 0.99, epsilon = 1e-3;
  bool center = true, scale = true;
  Json beta_initializer = "zeros", gamma_initializer = "ones", moving_mean_initializer = "zeros",
       moving_variance_initializer = "ones";
  static constexpr auto options() {
    using O = BatchNormalizationOptions;
    return std::tuple{
        Option{"axis", &O::axis, "the channel axis; 1 for channels_first"},
        Option{"momentum", &O::momentum, "share of the old running statistics that stays, 0 to 1 (PyTorch's is 1 minus this)"},
        Option{"epsilon", &O::epsilon, "added to the variance, >= 0"},
        Option{"center", &O::center, "learn an offset beta"},
        Option{"scale", &O::scale, "learn a factor gamma"},
        Option{"beta_initializer", &O::beta_initializer, "initializer of beta"},
        Option{"gamma_initializer", &O::gamma_initializer, "initializer of gamma"},
        Option{"moving_mean_initializer", &O::moving_mean_initializer, "initializer of the running mean"},
        Option{"moving_variance_initializer", &O::moving_variance_initializer, "initializer of the running variance"}};
  }
};

class NACRE_API BatchNormalization final : public LayerOf<BatchNormalization, BatchNormalizationOptions> {
 public:
  static constexpr std::string_view kName = "BatchNormalization",
                                    kDoc = R"(Normalises every channel: y = gamma (x - mean) / sqrt(var + epsilon) + beta.

Training takes mean and biased variance of the batch, over all axes but `axis`, and moves the running statistics:
moving = momentum moving + (1 - momentum) batch. Inference, and a layer with trainable=False, takes the running ones.
A batch of one position per channel gives y = beta, and a warning. The layer before needs no bias of its own.
Weights: gamma, beta, moving_mean, moving_variance, each [C]. Ioffe and Szegedy 2015.

Example:
    >>> nc.layers.BatchNormalization(epsilon=0.0)([[1.0], [3.0]], training=True).tolist()
    [[-1.0], [1.0]])";
  static void check(const BatchNormalizationOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override;

 protected:
  void create_weights(const Shape& input) override;
  [[nodiscard]] std::vector<int> weight_axes(int rank) const override { return {normalize_axis(kName, o().axis, rank)}; }
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
};

struct LayerNormalizationOptions {
  Ints axis = -1;
  double epsilon = 1e-3;
  bool center = true, scale = true;
  Json beta_initializer = "zeros", gamma_initializer = "ones";
  static constexpr auto options() {
    using O = LayerNormalizationOptions;
    return std::tuple{Option{"axis", &O::axis, "axis or axes to normalise over, not the batch"},
                      Option{"epsilon", &O::epsilon, "added to the variance, >= 0"},
                      Option{"center", &O::center, "learn an offset beta"},
                      Option{"scale", &O::scale, "learn a factor gamma"},
                      Option{"beta_initializer", &O::beta_initializer, "initializer of beta"},
                      Option{"gamma_initializer", &O::gamma_initializer, "initializer of gamma"}};
  }
};

class NACRE_API LayerNormalization final : public LayerOf<LayerNormalization, LayerNormalizationOptions> {
 public:
  static constexpr std::string_view kName = "LayerNormalization",
                                    kDoc = R"(Normalises every sample: y = gamma (x - mean) / sqrt(var + epsilon) + beta.

Mean and biased variance are taken over `axis`, for every other position by itself; training and inference are the same.
Weights: gamma, beta with the sizes of the normalised axes. center=False, scale=False is the bare formula. Ba, Kiros and Hinton 2016.

Example:
    >>> nc.layers.LayerNormalization(epsilon=0.0)([[1.0, 3.0]]).tolist()
    [[-1.0, 1.0]])";
  static void check(const LayerNormalizationOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override;

 protected:
  void create_weights(const Shape& input) override;
  [[nodiscard]] std::vector<int> weight_axes(int rank) const override { return axes(rank); }
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;

 private:
  // The axes, sorted and counted from 0.
  [[nodiscard]] std::vector<int> axes(int rank) const;
};

}  // namespace nacre::nn
