// Dropout.
#pragma once

#include "nacre/nn/layer.h"

namespace nacre::nn {

struct DropoutOptions {
  double rate = 0;
  std::optional<Dim> seed;
  std::string scale_at = "training";
  static constexpr auto options() {
    return std::tuple{Option{"rate", &DropoutOptions::rate, "probability that an element is dropped, 0 to 1", kRequired},
                      Option{"seed", &DropoutOptions::seed, "own seed of the masks; None: the model's or the global one"},
                      Option{"scale_at", &DropoutOptions::scale_at,
                             "'training': kept elements are divided by 1 - rate; 'inference': all are multiplied "
                             "by 1 - rate then"}};
  }
};

class NACRE_API Dropout final : public LayerOf<Dropout, DropoutOptions> {
 public:
  static constexpr std::string_view kName = "Dropout",
                                    kDoc = R"(Sets elements to zero at random while training, against overfitting.

y = x m / (1 - rate) with m = 1 where an element is kept. Inference returns x. Srivastava et al. 2014.

Example:
    >>> nc.layers.Dropout(0.5)([[1.0, 2.0]]).tolist()
    [[1.0, 2.0]])";
  static void check(const DropoutOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override { return input; }

 protected:
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
};

}  // namespace nacre::nn
