// Embedding: rows of a learned table.
#pragma once

#include "nacre/nn/layer.h"

namespace nacre::nn {

struct EmbeddingOptions {
  Dim input_dim = 0, output_dim = 0;
  Json embeddings_initializer = "uniform";
  static constexpr auto options() {
    return std::tuple{Option{"input_dim", &EmbeddingOptions::input_dim, "number of rows, largest index + 1", kRequired},
                      Option{"output_dim", &EmbeddingOptions::output_dim, "length of a row, >= 1", kRequired},
                      Option{"embeddings_initializer", &EmbeddingOptions::embeddings_initializer, "initializer of the table"}};
  }
};

class NACRE_API Embedding final : public LayerOf<Embedding, EmbeddingOptions> {
 public:
  static constexpr std::string_view kName = "Embedding", kDoc = R"(Turns integers into vectors: y[..., :] = embeddings[x[...], :].

x holds integers from 0 to input_dim - 1; others raise IndexError. Weights: embeddings [input_dim, output_dim].

Example:
    >>> nc.layers.Embedding(10, 4)([[1, 2, 3]]).shape
    (1, 3, 4))";
  static void check(const EmbeddingOptions& o);
  using LayerOf::LayerOf;
  [[nodiscard]] Shape output_shape(const Shape& input) const override;

 protected:
  void create_weights(const Shape& input) override;
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
  [[nodiscard]] bool casts_input() const override { return false; }
  [[nodiscard]] DType output_dtype(DType) const override { return dtype(); }
};

}  // namespace nacre::nn
