// MultiHeadAttention: Concat(head_1 ... head_h) W_o with head_i = softmax(Q_i K_i^T / sqrt(key_dim)) V_i.
#pragma once

#include "nacre/nn/layer.h"

namespace nacre::nn {

struct MultiHeadAttentionOptions {
  Dim num_heads = 0, key_dim = 0;
  std::optional<Dim> value_dim;
  double dropout = 0;
  bool use_bias = true;
  std::optional<Dim> output_shape;
  Json kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  std::optional<Dim> seed;
  static constexpr auto options() {
    using O = MultiHeadAttentionOptions;
    return std::tuple{Option{"num_heads", &O::num_heads, "number of heads, >= 1", kRequired},
                      Option{"key_dim", &O::key_dim, "size of queries and keys of one head, >= 1", kRequired},
                      Option{"value_dim", &O::value_dim, "size of values of one head; None: key_dim"},
                      Option{"dropout", &O::dropout, "share of attention weights dropped in training, 0 to 1"},
                      Option{"use_bias", &O::use_bias, "biases in the four projections"},
                      Option{"output_shape", &O::output_shape, "features of the result; None: those of the query"},
                      Option{"kernel_initializer", &O::kernel_initializer, "initializer of the four kernels"},
                      Option{"bias_initializer", &O::bias_initializer, "initializer of the four biases"},
                      Option{"seed", &O::seed, "own seed of the dropout"}};
  }
};

class NACRE_API MultiHeadAttention final : public LayerOf<MultiHeadAttention, MultiHeadAttentionOptions> {
 public:
  static constexpr std::string_view kName = "MultiHeadAttention", kDoc = R"(Multi-head attention (Vaswani et al. 2017).

query [N, T, D], value [N, S, E], key [N, S, F] (value when not given) give [N, T, output features]. One input alone attends to itself.
attention_mask: bool, broadcast to [N, heads, T, S] ([N, T, S] serves all heads); True where attention is allowed. A query that may attend to
nothing gives the output's bias. use_causal_mask=True hides later positions.
Weights: query/kernel [D, heads, key_dim], query/bias [heads, key_dim], key/..., value/..., attention_output/kernel [heads, value_dim, out],
attention_output/bias [out]. Initialisers see the kernels as matrices: fan_in = D, fan_out = heads key_dim.

Example:
    >>> nc.layers.MultiHeadAttention(2, 4)(nc.ones((1, 5, 8)), use_causal_mask=True).shape
    (1, 5, 8))";
  static void check(const MultiHeadAttentionOptions& o);
  using LayerOf::LayerOf;

  struct Inputs {
    Tensor query, value, key{}, attention_mask{};  // key, attention_mask: optional
    bool use_causal_mask = false;
  };
  using Layer::operator();
  [[nodiscard]] Tensor operator()(const Inputs& inputs, const CallContext& context = {});
  // Weights for these shapes; the build of one shape is self-attention.
  // In a graph the arguments say what the inputs are: {"inputs": ["query", "value", "key", "attention_mask"], "use_causal_mask"}.
  void connect(std::span<const Type> inputs, const Json& arguments) override;
  [[nodiscard]] std::vector<Type> output_types(std::span<const Type> inputs, const Json& arguments) const override;
  using Layer::build;
  void build(const Shape& query, const Shape& value, const Shape& key);
  [[nodiscard]] Shape output_shape(const Shape& query) const override;

 protected:
  void create_weights(const Shape& input) override;
  [[nodiscard]] std::vector<int> weight_axes(int rank) const override { return {rank - 1}; }
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
  [[nodiscard]] std::vector<Tensor> run(std::span<const Tensor> inputs, const CallContext& context) override;

 private:
  void check_shapes(const Shape& query, const Shape& value, const Shape& key) const;
  [[nodiscard]] Tensor attend(const Inputs& inputs, const CallContext& context) const;
  [[nodiscard]] Tensor project(const Tensor& x, std::string_view name, Dim size) const;
  Dim value_features_ = kUnknown, key_features_ = kUnknown;  // as the query while unknown
};

}  // namespace nacre::nn
