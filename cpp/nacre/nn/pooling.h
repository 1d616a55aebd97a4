// Pooling layers over sequences (1D) and images (2D): windows, and whole channels (Global...).
#pragma once

#include "nacre/nn/layer.h"

namespace nacre::nn {

struct PoolOptions {
  Ints pool_size = 2;
  std::optional<Ints> strides;
  Json padding = "valid";
  std::string data_format = "channels_last";
  static constexpr auto options() {
    return std::tuple{
        Option{"pool_size", &PoolOptions::pool_size, "window, >= 1; one number serves all axes"},
        Option{"strides", &PoolOptions::strides, "step of the window, >= 1; None: pool_size"},
        Option{"padding", &PoolOptions::padding, "'valid', 'same' (odd amounts at the end), or integers: explicit amounts"},
        Option{"data_format", &PoolOptions::data_format, "'channels_last' or 'channels_first'"}};
  }
};

struct GlobalPoolOptions {
  std::string data_format = "channels_last";
  bool keepdims = false;
  static constexpr auto options() {
    return std::tuple{Option{"data_format", &GlobalPoolOptions::data_format, "'channels_last' or 'channels_first'"},
                      Option{"keepdims", &GlobalPoolOptions::keepdims, "keep the spatial axes with size 1"}};
  }
};

// The four window layers have one body: Spatial axes, maximum or mean.
template <class Derived, int Spatial, bool Max>
class NACRE_API Pool : public LayerOf<Derived, PoolOptions> {
 public:
  using LayerOf<Derived, PoolOptions>::LayerOf;
  static void check(const PoolOptions& o);
  [[nodiscard]] Shape output_shape(const Shape& input) const override;

 protected:
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
  [[nodiscard]] bool casts_input() const override { return !Max; }
};

template <class Derived, int Spatial, bool Max>
class NACRE_API GlobalPool : public LayerOf<Derived, GlobalPoolOptions> {
 public:
  using LayerOf<Derived, GlobalPoolOptions>::LayerOf;
  static void check(const GlobalPoolOptions& o);
  [[nodiscard]] Shape output_shape(const Shape& input) const override;

 protected:
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
  [[nodiscard]] bool casts_input() const override { return !Max; }
};

#define NACRE_POOL(Class, Base, spatial, max, text)                \
  class NACRE_API Class final : public Base<Class, spatial, max> { \
   public:                                                         \
    static constexpr std::string_view kName = #Class, kDoc = text; \
    using Base::Base;                                              \
  };
NACRE_POOL(MaxPooling1D, Pool, 1, true,
           R"(Maximum over windows of a sequence [N, T, C]. Padding never wins; on ties the first element takes the gradient.

Example:
    >>> nc.layers.MaxPooling1D(2)([[[1.0], [3.0], [2.0], [0.0]]]).tolist()
    [[[3.0], [2.0]]])")
NACRE_POOL(MaxPooling2D, Pool, 2, true,
           R"(Maximum over windows of an image [N, H, W, C]. Padding never wins; on ties the first element takes the gradient.

Example:
    >>> nc.layers.MaxPooling2D()(nc.ones((1, 8, 8, 3))).shape
    (1, 4, 4, 3))")
NACRE_POOL(AveragePooling1D, Pool, 1, false, R"(Mean over windows of a sequence [N, T, C]. Padding is not counted.

Example:
    >>> nc.layers.AveragePooling1D(2)([[[1.0], [3.0], [2.0], [0.0]]]).tolist()
    [[[2.0], [1.0]]])")
NACRE_POOL(AveragePooling2D, Pool, 2, false, R"(Mean over windows of an image [N, H, W, C]. Padding is not counted.

Example:
    >>> nc.layers.AveragePooling2D()(nc.ones((1, 8, 8, 3))).shape
    (1, 4, 4, 3))")
NACRE_POOL(GlobalMaxPooling1D, GlobalPool, 1, true, R"(Maximum of every channel of a sequence: [N, T, C] gives [N, C].

Example:
    >>> nc.layers.GlobalMaxPooling1D()([[[1.0], [3.0]]]).tolist()
    [[3.0]])")
NACRE_POOL(GlobalMaxPooling2D, GlobalPool, 2, true, R"(Maximum of every channel of an image: [N, H, W, C] gives [N, C].

Example:
    >>> nc.layers.GlobalMaxPooling2D()(nc.ones((1, 8, 8, 3))).shape
    (1, 3))")
NACRE_POOL(GlobalAveragePooling1D, GlobalPool, 1, false, R"(Mean of every channel of a sequence: [N, T, C] gives [N, C].

Example:
    >>> nc.layers.GlobalAveragePooling1D()([[[1.0], [3.0]]]).tolist()
    [[2.0]])")
NACRE_POOL(GlobalAveragePooling2D, GlobalPool, 2, false, R"(Mean of every channel of an image: [N, H, W, C] gives [N, C].

Example:
    >>> nc.layers.GlobalAveragePooling2D(keepdims=True)(nc.ones((1, 8, 8, 3))).shape
    (1, 1, 1, 3))")
#undef NACRE_POOL

}  // namespace nacre::nn
