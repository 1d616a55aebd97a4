// Layers of several inputs: Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate.
#pragma once

#include "nacre/nn/layer.h"

namespace nacre::nn {

struct MergeOptions {
  static constexpr auto options() { return std::tuple<>{}; }
};

// Two or more inputs of one rank; sizes agree or are 1 (broadcast).
class NACRE_API MergeLayer : public ListLayer {
 public:
  [[nodiscard]] std::vector<Type> output_types(std::span<const Type> inputs, const Json& arguments) const override;

 protected:
  using ListLayer::ListLayer;
  [[nodiscard]] std::vector<Tensor> run(std::span<const Tensor> inputs, const CallContext& context) override;
  [[nodiscard]] virtual Tensor combine(std::span<const Tensor> inputs) const = 0;
  // At least two inputs of one rank; the dtype that they have in common.
  [[nodiscard]] DType check_inputs(std::span<const Type> inputs) const;
};

class NACRE_API Add final : public LayerOf<Add, MergeOptions, MergeLayer> {
 public:
  static constexpr std::string_view kName = "Add", kDoc = R"(Sum of a list of inputs, such as the two branches of a residual block.

Example:
    >>> nc.layers.Add()([nc.ones((1, 2)), nc.ones((1, 2))]).tolist()
    [[2.0, 2.0]])";
  using LayerOf::LayerOf;

 protected:
  [[nodiscard]] Tensor combine(std::span<const Tensor> inputs) const override;
};

class NACRE_API Subtract final : public LayerOf<Subtract, MergeOptions, MergeLayer> {
 public:
  static constexpr std::string_view kName = "Subtract", kDoc = R"(First input minus the second.

Example:
    >>> nc.layers.Subtract()([[[3.0]], [[1.0]]]).tolist()
    [[2.0]])";
  using LayerOf::LayerOf;
  [[nodiscard]] std::vector<Type> output_types(std::span<const Type> inputs, const Json& arguments) const override;

 protected:
  [[nodiscard]] Tensor combine(std::span<const Tensor> inputs) const override;
};

class NACRE_API Multiply final : public LayerOf<Multiply, MergeOptions, MergeLayer> {
 public:
  static constexpr std::string_view kName = "Multiply", kDoc = R"(Product of a list of inputs, element by element.

Example:
    >>> nc.layers.Multiply()([[[3.0]], [[2.0]]]).tolist()
    [[6.0]])";
  using LayerOf::LayerOf;

 protected:
  [[nodiscard]] Tensor combine(std::span<const Tensor> inputs) const override;
};

class NACRE_API Average final : public LayerOf<Average, MergeOptions, MergeLayer> {
 public:
  static constexpr std::string_view kName = "Average", kDoc = R"(Mean of a list of inputs, element by element.

Example:
    >>> nc.layers.Average()([[[3.0]], [[2.0]]]).tolist()
    [[2.5]])";
  using LayerOf::LayerOf;
  [[nodiscard]] std::vector<Type> output_types(std::span<const Type> inputs, const Json& arguments) const override;

 protected:
  [[nodiscard]] Tensor combine(std::span<const Tensor> inputs) const override;
};

class NACRE_API Maximum final : public LayerOf<Maximum, MergeOptions, MergeLayer> {
 public:
  static constexpr std::string_view kName = "Maximum", kDoc = R"(Largest of a list of inputs, element by element.

Example:
    >>> nc.layers.Maximum()([[[3.0, 0.0]], [[2.0, 1.0]]]).tolist()
    [[3.0, 1.0]])";
  using LayerOf::LayerOf;

 protected:
  [[nodiscard]] Tensor combine(std::span<const Tensor> inputs) const override;
};

class NACRE_API Minimum final : public LayerOf<Minimum, MergeOptions, MergeLayer> {
 public:
  static constexpr std::string_view kName = "Minimum", kDoc = R"(Smallest of a list of inputs, element by element.

Example:
    >>> nc.layers.Minimum()([[[3.0, 0.0]], [[2.0, 1.0]]]).tolist()
    [[2.0, 0.0]])";
  using LayerOf::LayerOf;

 protected:
  [[nodiscard]] Tensor combine(std::span<const Tensor> inputs) const override;
};

struct ConcatenateOptions {
  Dim axis = -1;
  static constexpr auto options() {
    return std::tuple{
        Option{"axis", &ConcatenateOptions::axis, "axis to join along, counted with the batch; not the batch itself"}};
  }
};
class NACRE_API Concatenate final : public LayerOf<Concatenate, ConcatenateOptions, MergeLayer> {
 public:
  static constexpr std::string_view kName = "Concatenate", kDoc = R"(A list of inputs one after another along an axis.

Example:
    >>> nc.layers.Concatenate()([nc.ones((2, 3)), nc.ones((2, 1))]).shape
    (2, 4))";
  static void check(const ConcatenateOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] std::vector<Type> output_types(std::span<const Type> inputs, const Json& arguments) const override;

 protected:
  [[nodiscard]] Tensor combine(std::span<const Tensor> inputs) const override;
};

}  // namespace nacre::nn
