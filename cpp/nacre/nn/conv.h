// Convolution layers: Conv1D, Conv2D, DepthwiseConv2D, Conv2DTranspose. Kernels are laid out as in Keras; nothing is flipped.
#pragma once

#include "nacre/nn/layer.h"

namespace nacre::nn {

struct ConvOptions {
  Dim filters = 0;
  Ints kernel_size;
  Ints strides = 1;
  Json padding = "valid";
  std::string data_format = "channels_last";
  Ints dilation_rate = 1;
  Dim groups = 1;
  std::optional<std::string> activation;
  bool use_bias = true;
  Json kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  static constexpr auto options() {
    return std::tuple{
        Option{"filters", &ConvOptions::filters, "number of output channels, >= 1", kRequired},
        Option{"kernel_size", &ConvOptions::kernel_size, "window, >= 1; one number serves all axes", kRequired},
        Option{"strides", &ConvOptions::strides, "step of the window, >= 1"},
        Option{"padding", &ConvOptions::padding, "'valid', 'same' (odd amounts at the end), or integers: explicit amounts"},
        Option{"data_format", &ConvOptions::data_format, "'channels_last' or 'channels_first'"},
        Option{"dilation_rate", &ConvOptions::dilation_rate, "distance of the window's taps, >= 1"},
        Option{"groups", &ConvOptions::groups, "divides input channels and filters; each group sees its own inputs"},
        Option{"activation", &ConvOptions::activation, "name of an activation; None: linear"},
        Option{"use_bias", &ConvOptions::use_bias, "add a bias"},
        Option{"kernel_initializer", &ConvOptions::kernel_initializer, "initializer of the kernel"},
        Option{"bias_initializer", &ConvOptions::bias_initializer, "initializer of the bias"}};
  }
};

class NACRE_API Conv1D final : public LayerOf<Conv1D, ConvOptions> {
 public:
  static constexpr std::string_view kName = "Conv1D",
                                    kDoc = R"(Convolution over sequences [N, T, C], or [N, C, T] with channels_first.

Output length floor((T + pads - dilation (kernel - 1) - 1) / stride) + 1. padding="causal" pads the start, so that no output sees the future.
Weights: kernel [K, C / groups, filters], bias [filters].

Example:
    >>> nc.layers.Conv1D(4, 3, padding="causal")(nc.ones((2, 7, 1))).shape
    (2, 7, 4))";
  static void check(const ConvOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override;

 protected:
  void create_weights(const Shape& input) override;
  [[nodiscard]] std::vector<int> weight_axes(int rank) const override {
    return {o().data_format == "channels_last" ? rank - 1 : 1};
  }
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
};

class NACRE_API Conv2D final : public LayerOf<Conv2D, ConvOptions> {
 public:
  static constexpr std::string_view kName = "Conv2D",
                                    kDoc = R"(Convolution over images [N, H, W, C], or [N, C, H, W] with channels_first.

Output size per axis floor((size + pads - dilation (kernel - 1) - 1) / stride) + 1.
Weights: kernel [KH, KW, C / groups, filters], bias [filters].

Example:
    >>> nc.layers.Conv2D(16, 3, activation="relu")(nc.ones((1, 8, 8, 3))).shape
    (1, 6, 6, 16))";
  static void check(const ConvOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override;

 protected:
  void create_weights(const Shape& input) override;
  [[nodiscard]] std::vector<int> weight_axes(int rank) const override {
    return {o().data_format == "channels_last" ? rank - 1 : 1};
  }
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
};

struct DepthwiseConv2DOptions {
  Ints kernel_size;
  Ints strides = 1;
  Json padding = "valid";
  Dim depth_multiplier = 1;
  std::string data_format = "channels_last";
  Ints dilation_rate = 1;
  std::optional<std::string> activation;
  bool use_bias = true;
  Json depthwise_initializer = "glorot_uniform", bias_initializer = "zeros";
  static constexpr auto options() {
    using O = DepthwiseConv2DOptions;
    return std::tuple{Option{"kernel_size", &O::kernel_size, "window, >= 1; one number serves both axes", kRequired},
                      Option{"strides", &O::strides, "step of the window, >= 1"},
                      Option{"padding", &O::padding, "'valid', 'same' (odd amounts at the end), or integers: explicit amounts"},
                      Option{"depth_multiplier", &O::depth_multiplier, "outputs per input channel, >= 1"},
                      Option{"data_format", &O::data_format, "'channels_last' or 'channels_first'"},
                      Option{"dilation_rate", &O::dilation_rate, "distance of the window's taps, >= 1"},
                      Option{"activation", &O::activation, "name of an activation; None: linear"},
                      Option{"use_bias", &O::use_bias, "add a bias"},
                      Option{"depthwise_initializer", &O::depthwise_initializer, "initializer of the kernel"},
                      Option{"bias_initializer", &O::bias_initializer, "initializer of the bias"}};
  }
};

class NACRE_API DepthwiseConv2D final : public LayerOf<DepthwiseConv2D, DepthwiseConv2DOptions> {
 public:
  static constexpr std::string_view kName = "DepthwiseConv2D", kDoc = R"(Convolution of every channel of an image by itself.

Weights: kernel [KH, KW, C, depth_multiplier], bias [C depth_multiplier]. Initialisers count fan_in = KH KW: an output sees one channel.

Example:
    >>> nc.layers.DepthwiseConv2D(3, padding="same")(nc.ones((1, 8, 8, 3))).shape
    (1, 8, 8, 3))";
  static void check(const DepthwiseConv2DOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override;

 protected:
  void create_weights(const Shape& input) override;
  [[nodiscard]] std::vector<int> weight_axes(int rank) const override {
    return {o().data_format == "channels_last" ? rank - 1 : 1};
  }
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
};

struct Conv2DTransposeOptions {
  Dim filters = 0;
  Ints kernel_size;
  Ints strides = 1;
  std::string padding = "valid";
  std::optional<Ints> output_padding;
  std::string data_format = "channels_last";
  Ints dilation_rate = 1;
  std::optional<std::string> activation;
  bool use_bias = true;
  Json kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  static constexpr auto options() {
    using O = Conv2DTransposeOptions;
    return std::tuple{
        Option{"filters", &O::filters, "number of output channels, >= 1", kRequired},
        Option{"kernel_size", &O::kernel_size, "window, >= 1; one number serves both axes", kRequired},
        Option{"strides", &O::strides, "up-sampling factor, >= 1"},
        Option{"padding", &O::padding, "'valid' or 'same'"},
        Option{"output_padding", &O::output_padding, "extra rows and columns at the end, 0 <= it < strides; None: the sizes below"},
        Option{"data_format", &O::data_format, "'channels_last' or 'channels_first'"},
        Option{"dilation_rate", &O::dilation_rate, "distance of the window's taps, >= 1"},
        Option{"activation", &O::activation, "name of an activation; None: linear"},
        Option{"use_bias", &O::use_bias, "add a bias"},
        Option{"kernel_initializer", &O::kernel_initializer, "initializer of the kernel"},
        Option{"bias_initializer", &O::bias_initializer, "initializer of the bias"}};
  }
};

class NACRE_API Conv2DTranspose final : public LayerOf<Conv2DTranspose, Conv2DTransposeOptions> {
 public:
  static constexpr std::string_view kName = "Conv2DTranspose", kDoc = R"(Transposed convolution over images, which enlarges them.

Output size: size stride for "same", size stride + max(E - stride, 0) for "valid", E = dilation (kernel - 1) + 1; with output_padding
(size - 1) stride + E + output_padding, for "same" less 2 floor(E / 2). Weights: kernel [KH, KW, filters, C], bias [filters].

Example:
    >>> nc.layers.Conv2DTranspose(4, 3, strides=2, padding="same")(nc.ones((1, 4, 4, 3))).shape
    (1, 8, 8, 4))";
  static void check(const Conv2DTransposeOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override;

 protected:
  void create_weights(const Shape& input) override;
  [[nodiscard]] std::vector<int> weight_axes(int rank) const override {
    return {o().data_format == "channels_last" ? rank - 1 : 1};
  }
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
};

}  // namespace nacre::nn
