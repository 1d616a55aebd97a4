// Scaled dot-product attention.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

struct DotProductAttention {
  double scale = 0;
  bool causal = false;
  static constexpr std::string_view name = "dot_product_attention",
                                    doc = R"(Scaled dot-product attention: softmax(scale Q K^T + bias) V for every head.

The scores are never held as a whole: blocks of queries and keys with a running maximum. A query that may attend to nothing gives 0.

Args:
    query: [B, Tq, H, D], a float dtype.
    key: [B, Tk, H, D].
    value: [B, Tk, H, Dv].
    mask: bool, broadcast to [B, H, Tq, Tk]; True where attention is allowed. Optional.
    bias: Added to the scaled scores, broadcast to [B, H, Tq, Tk]; -inf forbids. Optional.
    scale: Factor of the scores; 0 means 1 / sqrt(D).
    causal: Query i sees keys 0 to i only.

Returns:
    [B, Tq, H, Dv].

Raises:
    ShapeError: Shapes do not fit.
    DTypeError: mask is not bool.
    ValueError: scale is not finite.

Example:
    >>> x = nc.ones((1, 5, 2, 4))
    >>> nc.dot_product_attention(x, x, x, causal=True).shape
    (1, 5, 2, 4)

Reference: Vaswani et al., Attention Is All You Need (2017), equation 1; Dao et al., FlashAttention (2022).)";
  static constexpr Arg inputs[] = {{"query"}, {"key"}, {"value"}, {"mask", kOptional | kNoGrad}, {"bias", kOptional}};
  static constexpr auto fields =
      std::tuple{Field{"scale", &DotProductAttention::scale}, Field{"causal", &DotProductAttention::causal}};
  static constexpr Promote promote = Promote::to_float;
  static void infer(const DotProductAttention& a, In in, Types& out);
  static Tensor compound(const DotProductAttention& a, std::span<const Tensor> in);
};

// The same with the log-sum-exp of the scores [B, H, Tq] that the gradient reads; scale as given.
struct Attention {
  double scale = 1;
  bool causal = false;
  static constexpr std::string_view name = "attention_lse",
                                    doc = "dot_product_attention with outputs o and the log-sum-exp of the scores [B, H, Tq].";
  static constexpr Arg inputs[] = {{"query"}, {"key"}, {"value"}, {"mask", kOptional | kNoGrad}, {"bias", kOptional}};
  static constexpr auto fields = std::tuple{Field{"scale", &Attention::scale}, Field{"causal", &Attention::causal}};
  static constexpr int outputs = 2;
  static constexpr bool internal = true, strided = true;
  static constexpr std::uint64_t save_in = 31, save_out = 3;
  static void infer(const Attention& a, In in, Types& out);
  static void run(const Attention& a, Views in, Views out, Context& c);
  static Cost cost(const Attention& a, In in, std::span<const Type> out);
  static void grad(const Attention& a, GradCtx& c);
};

// dq, dk, dv from do, with o and lse of the forward pass. No gradient of the bias here: attention_lse gives it by its reference.
struct AttentionGrad {
  double scale = 1;
  bool causal = false;
  static constexpr std::string_view name = "attention_grad", doc = "Gradient of attention_lse: dquery, dkey, dvalue.";
  static constexpr Arg inputs[] = {{"query"},
                                   {"key"},
                                   {"value"},
                                   {"dy"},
                                   {"o", kNoGrad},
                                   {"lse", kNoGrad},
                                   {"mask", kOptional | kNoGrad},
                                   {"bias", kOptional | kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"scale", &AttentionGrad::scale}, Field{"causal", &AttentionGrad::causal}};
  static constexpr int outputs = 3;
  static constexpr bool internal = true, strided = true;
  static constexpr std::uint64_t save_in = 255;
  static void infer(const AttentionGrad& a, In in, Types& out);
  static void run(const AttentionGrad& a, Views in, Views out, Context& c);
  static Cost cost(const AttentionGrad& a, In in, std::span<const Type> out);
  static void grad(const AttentionGrad& a, GradCtx& c);
};

}  // namespace nacre::op
