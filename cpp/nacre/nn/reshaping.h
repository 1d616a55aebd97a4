// Layers without weights that change shapes: InputLayer, Flatten, Reshape, Permute, ZeroPadding2D, UpSampling2D; and Rescaling.
#pragma once

#include "nacre/nn/layer.h"

namespace nacre::nn {

struct InputLayerOptions {
  Json shape;
  static constexpr auto options() {
    return std::tuple{Option{"shape", &InputLayerOptions::shape, "sizes without the batch; None for an unknown one", kRequired}};
  }
};
class NACRE_API InputLayer final : public LayerOf<InputLayer, InputLayerOptions> {
 public:
  static constexpr std::string_view
      kName = "InputLayer",
      kDoc = R"(Says the shape of a model's input, so that its weights exist before the first call. With dtype it casts the input.

Example:
    >>> nc.layers.InputLayer((28, 28, 1)).compute_output_shape((None, 28, 28, 1))
    (None, 28, 28, 1))";
  static constexpr bool kAnyDtype = true;
  static void check(const InputLayerOptions& o);
  using LayerOf::LayerOf;
  // With the unknown batch in front.
  [[nodiscard]] Shape batch_shape() const;
  [[nodiscard]] Shape output_shape(const Shape& input) const override;

 protected:
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
  [[nodiscard]] bool casts_input() const override { return dtype_given(); }
};

struct FlattenOptions {
  std::string data_format = "channels_last";
  static constexpr auto options() {
    return std::tuple{
        Option{"data_format", &FlattenOptions::data_format, "'channels_first' moves the channels to the end before flattening"}};
  }
};
class NACRE_API Flatten final : public LayerOf<Flatten, FlattenOptions> {
 public:
  static constexpr std::string_view kName = "Flatten",
                                    kDoc = R"(All axes but the batch as one: [N, a, b] gives [N, a b], and [N] gives [N, 1].

Example:
    >>> nc.layers.Flatten()(nc.ones((2, 3, 4))).shape
    (2, 12))";
  static void check(const FlattenOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override;

 protected:
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
  [[nodiscard]] bool casts_input() const override { return false; }
};

struct ReshapeOptions {
  Ints target_shape;
  static constexpr auto options() {
    return std::tuple{Option{"target_shape", &ReshapeOptions::target_shape,
                             "sizes without the batch; one may be -1 and is worked out", kRequired}};
  }
};
class NACRE_API Reshape final : public LayerOf<Reshape, ReshapeOptions> {
 public:
  static constexpr std::string_view kName = "Reshape", kDoc = R"(Same values in row-major order, another shape behind the batch.

Example:
    >>> nc.layers.Reshape((2, -1))(nc.ones((3, 8))).shape
    (3, 2, 4))";
  static void check(const ReshapeOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override;

 protected:
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
  [[nodiscard]] bool casts_input() const override { return false; }
};

struct PermuteOptions {
  Ints dims;
  static constexpr auto options() {
    return std::tuple{
        Option{"dims", &PermuteOptions::dims, "for each axis behind the batch, the axis it comes from, counted from 1", kRequired}};
  }
};
class NACRE_API Permute final : public LayerOf<Permute, PermuteOptions> {
 public:
  static constexpr std::string_view kName = "Permute",
                                    kDoc = R"(Axes behind the batch in another order: Permute((2, 1)) transposes matrices.

Example:
    >>> nc.layers.Permute((2, 1))(nc.ones((2, 3, 4))).shape
    (2, 4, 3))";
  static void check(const PermuteOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override;

 protected:
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
  [[nodiscard]] bool casts_input() const override { return false; }
};

struct ZeroPadding2DOptions {
  Json padding = 1;
  std::string data_format = "channels_last";
  static constexpr auto options() {
    return std::tuple{
        Option{"padding", &ZeroPadding2DOptions::padding, "n, (height, width), or ((top, bottom), (left, right)), each >= 0"},
        Option{"data_format", &ZeroPadding2DOptions::data_format, "'channels_last' or 'channels_first'"}};
  }
};
class NACRE_API ZeroPadding2D final : public LayerOf<ZeroPadding2D, ZeroPadding2DOptions> {
 public:
  static constexpr std::string_view kName = "ZeroPadding2D", kDoc = R"(A border of zeros around images.

Example:
    >>> nc.layers.ZeroPadding2D(((1, 0), (2, 2)))(nc.ones((1, 4, 4, 1))).shape
    (1, 5, 8, 1))";
  static void check(const ZeroPadding2DOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override;

 protected:
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
  [[nodiscard]] bool casts_input() const override { return false; }
};

struct UpSampling2DOptions {
  Ints size = 2;
  std::string data_format = "channels_last", interpolation = "nearest";
  static constexpr auto options() {
    return std::tuple{
        Option{"size", &UpSampling2DOptions::size, "factors of height and width, >= 1"},
        Option{"data_format", &UpSampling2DOptions::data_format, "'channels_last' or 'channels_first'"},
        Option{"interpolation", &UpSampling2DOptions::interpolation, "'nearest' or 'bilinear' (pixel centres at one half)"}};
  }
};
class NACRE_API UpSampling2D final : public LayerOf<UpSampling2D, UpSampling2DOptions> {
 public:
  static constexpr std::string_view kName = "UpSampling2D", kDoc = R"(Images enlarged by whole factors.

Example:
    >>> nc.layers.UpSampling2D(2)(nc.ones((1, 3, 4, 1))).shape
    (1, 6, 8, 1))";
  static void check(const UpSampling2DOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override;

 protected:
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
  [[nodiscard]] bool casts_input() const override { return o().interpolation != "nearest"; }
};

struct RescalingOptions {
  double scale = 1, offset = 0;
  static constexpr auto options() {
    return std::tuple{Option{"scale", &RescalingOptions::scale, "factor, finite", kRequired},
                      Option{"offset", &RescalingOptions::offset, "added last"}};
  }
};
class NACRE_API Rescaling final : public LayerOf<Rescaling, RescalingOptions> {
 public:
  static constexpr std::string_view kName = "Rescaling", kDoc = R"(x scale + offset; Rescaling(1 / 255) takes bytes to 0 ... 1.

Example:
    >>> nc.layers.Rescaling(0.5, offset=1)([[0, 2]]).tolist()
    [[1.0, 2.0]])";
  static void check(const RescalingOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override { return input; }

 protected:
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
};

}  // namespace nacre::nn
