// Normalisation: batch, layer, RMS and group norm, their fused gradients, and the running average of batch statistics.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

struct BatchNormTraining {
  Dim axis = -1;
  double epsilon = 1e-3;
  static constexpr std::string_view name = "batch_norm_training", doc = R"(Batch normalisation with the statistics of this batch.

y = gamma * (x - mean) / sqrt(var + epsilon) + beta, with mean and biased variance over every axis but `axis`.
A batch of one position gives y = beta: epsilon keeps the division finite.

Args:
    x: Tensor of rank >= 1, a float dtype, at least one position per channel.
    gamma: Scale [C], optional.
    beta: Offset [C], optional.
    axis: The channel axis.
    epsilon: >= 0, added to the variance.

Returns:
    y of x's shape, mean [C], var [C] (biased; no running averages are touched).

Raises:
    ShapeError: gamma or beta is not [C], or there is nothing to average.
    ValueError: axis or epsilon is out of range.

Example:
    >>> y, mean, var = nc.batch_norm_training(nc.ones((4, 2)))
    >>> mean.tolist(), var.tolist()
    ([1.0, 1.0], [0.0, 0.0])

Reference: Ioffe and Szegedy, Batch Normalization (2015).)";
  static constexpr Arg inputs[] = {{"x"}, {"gamma", kOptional}, {"beta", kOptional}};
  static constexpr auto fields = std::tuple{Field{"axis", &BatchNormTraining::axis}, Field{"epsilon", &BatchNormTraining::epsilon}};
  static constexpr Promote promote = Promote::to_float;
  static constexpr int outputs = 3;
  static constexpr std::uint64_t save_in = 7, save_out = 6;
  static void infer(const BatchNormTraining& a, In in, Types& out);
  static void run(const BatchNormTraining& a, Views in, Views out, Context& c);
  static Cost cost(const BatchNormTraining& a, In in, std::span<const Type> out);
  static TileSides sides(const BatchNormTraining& a, In in);
  static void grad(const BatchNormTraining& a, GradCtx& c);
};

struct BatchNormInference {
  Dim axis = -1;
  double epsilon = 1e-3;
  static constexpr std::string_view name = "batch_norm_inference", doc = R"(Batch normalisation with given statistics.

y = gamma * (x - mean) / sqrt(var + epsilon) + beta

Args:
    x: Tensor of rank >= 1, a float dtype.
    mean: [C], usually a running average.
    var: [C], >= 0.
    gamma: Scale [C], optional.
    beta: Offset [C], optional.
    axis: The channel axis.
    epsilon: >= 0, added to the variance.

Returns:
    Tensor of x's shape.

Raises:
    ShapeError: A parameter is not [C].
    ValueError: axis or epsilon is out of range.

Example:
    >>> nc.batch_norm_inference(nc.ones((4, 2)), nc.zeros(2), nc.ones(2)).shape
    (4, 2)

Reference: Ioffe and Szegedy, Batch Normalization (2015).)";
  static constexpr Arg inputs[] = {{"x"}, {"mean"}, {"var"}, {"gamma", kOptional}, {"beta", kOptional}};
  static constexpr auto fields =
      std::tuple{Field{"axis", &BatchNormInference::axis}, Field{"epsilon", &BatchNormInference::epsilon}};
  static constexpr Promote promote = Promote::to_float;
  static constexpr std::uint64_t save_in = 31;
  static void infer(const BatchNormInference& a, In in, Types& out);
  static void run(const BatchNormInference& a, Views in, Views out, Context& c);
  static Cost cost(const BatchNormInference& a, In in, std::span<const Type> out);
  static TileSides sides(const BatchNormInference& a, In in);
  static void grad(const BatchNormInference& a, GradCtx& c);
};

struct BatchNormGrad {
  Dim axis = -1;
  double epsilon = 1e-3;
  static constexpr std::string_view name = "batch_norm_grad", doc = R"(Gradient of batch_norm_training: dx, dgamma, dbeta.

xhat = (x - mean) / sqrt(var + epsilon); dbeta = sum dy; dgamma = sum dy xhat;
dx = gamma / sqrt(var + epsilon) * (dy - mean(dy) - xhat mean(dy xhat)).)";
  static constexpr Arg inputs[] = {{"x"}, {"dy"}, {"mean", kNoGrad}, {"var", kNoGrad}, {"gamma", kOptional}};
  static constexpr auto fields = std::tuple{Field{"axis", &BatchNormGrad::axis}, Field{"epsilon", &BatchNormGrad::epsilon}};
  static constexpr int outputs = 3;
  static constexpr bool internal = true;
  static constexpr std::uint64_t save_in = 31;
  static void infer(const BatchNormGrad& a, In in, Types& out);
  static void run(const BatchNormGrad& a, Views in, Views out, Context& c);
  static Cost cost(const BatchNormGrad& a, In in, std::span<const Type> out);
  static TileSides sides(const BatchNormGrad& a, In in);
  static void grad(const BatchNormGrad& a, GradCtx& c);
};

struct LayerNorm {
  Axes axis = -1;
  double epsilon = 1e-3;
  static constexpr std::string_view name = "layer_norm", doc = R"(Layer normalisation over the last axis or several trailing axes.

y = gamma * (x - mean) / sqrt(var + epsilon) + beta, with mean and biased variance over `axis`, for every other position by itself.

Args:
    x: Tensor of rank >= 1, a float dtype; the axes normalised over hold at least one element.
    gamma: Scale with the shape of the normalised axes, optional.
    beta: Offset of the same shape, optional.
    axis: Trailing axes: -1, or for example (-2, -1).
    epsilon: >= 0, added to the variance.

Returns:
    Tensor of x's shape.

Raises:
    ShapeError: gamma or beta does not have the shape of the normalised axes.
    ValueError: axis does not name trailing axes, or epsilon is out of range.

Example:
    >>> nc.layer_norm(nc.arange(6.0).reshape((2, 3))).shape
    (2, 3)

Reference: Ba, Kiros and Hinton, Layer Normalization (2016).)";
  static constexpr Arg inputs[] = {{"x"}, {"gamma", kOptional}, {"beta", kOptional}};
  static constexpr auto fields = std::tuple{Field{"axis", &LayerNorm::axis}, Field{"epsilon", &LayerNorm::epsilon}};
  static constexpr Promote promote = Promote::to_float;
  static void infer(const LayerNorm& a, In in, Types& out);
  static Tensor compound(const LayerNorm& a, std::span<const Tensor> in);
};

struct RmsNorm {
  Axes axis = -1;
  double epsilon = 1e-6;
  static constexpr std::string_view name = "rms_norm",
                                    doc = R"(Root-mean-square normalisation over the last axis or several trailing axes.

y = gamma * x / sqrt(mean(x^2) + epsilon)

Args:
    x: Tensor of rank >= 1, a float dtype; the axes normalised over hold at least one element.
    gamma: Scale with the shape of the normalised axes, optional.
    axis: Trailing axes: -1, or for example (-2, -1).
    epsilon: >= 0, added to the mean square.

Returns:
    Tensor of x's shape.

Raises:
    ShapeError: gamma does not have the shape of the normalised axes.
    ValueError: axis does not name trailing axes, or epsilon is out of range.

Example:
    >>> nc.rms_norm(nc.ones((2, 3))).shape
    (2, 3)

Reference: Zhang and Sennrich, Root Mean Square Layer Normalization (2019).)";
  static constexpr Arg inputs[] = {{"x"}, {"gamma", kOptional}};
  static constexpr auto fields = std::tuple{Field{"axis", &RmsNorm::axis}, Field{"epsilon", &RmsNorm::epsilon}};
  static constexpr Promote promote = Promote::to_float;
  static void infer(const RmsNorm& a, In in, Types& out);
  static Tensor compound(const RmsNorm& a, std::span<const Tensor> in);
};

struct GroupNorm {
  Dim groups = 32;
  Dim axis = -1;
  double epsilon = 1e-3;
  static constexpr std::string_view name = "group_norm",
                                    doc = R"(Group normalisation: channels are cut into groups, each normalised per sample.

y = gamma * (x - mean) / sqrt(var + epsilon) + beta, with mean and biased variance over the group's channels and all spatial positions.
groups = C is instance normalisation, groups = 1 normalises every sample as a whole.

Args:
    x: [N, ..., C], or [N, C, ...] with axis=1; a float dtype, at least one element per group.
    gamma: Scale [C], optional.
    beta: Offset [C], optional.
    groups: Number of groups, >= 1; divides C.
    axis: The channel axis: the last one or 1.
    epsilon: >= 0, added to the variance.

Returns:
    Tensor of x's shape.

Raises:
    ShapeError: groups does not divide C, or gamma or beta is not [C].
    ValueError: axis or epsilon is out of range.

Example:
    >>> nc.group_norm(nc.ones((2, 4, 4, 8)), groups=4).shape
    (2, 4, 4, 8)

Reference: Wu and He, Group Normalization (2018).)";
  static constexpr Arg inputs[] = {{"x"}, {"gamma", kOptional}, {"beta", kOptional}};
  static constexpr auto fields =
      std::tuple{Field{"groups", &GroupNorm::groups}, Field{"axis", &GroupNorm::axis}, Field{"epsilon", &GroupNorm::epsilon}};
  static constexpr Promote promote = Promote::to_float;
  static void infer(const GroupNorm& a, In in, Types& out);
  static Tensor compound(const GroupNorm& a, std::span<const Tensor> in);
};

// The fused forms with the statistics that the gradient reads. `trailing` is the number of normalised axes.
struct LayerNormStats {
  Dim trailing = 1;
  double epsilon = 1e-3;
  bool rms = false;
  static constexpr std::string_view
      name = "layer_norm_stats",
      doc = "layer_norm or rms_norm over the last `trailing` axes; outputs y, mean (0 for rms), 1 / sqrt(var + epsilon).";
  static constexpr Arg inputs[] = {{"x"}, {"gamma", kOptional}, {"beta", kOptional}};
  static constexpr auto fields = std::tuple{Field{"trailing", &LayerNormStats::trailing},
                                            Field{"epsilon", &LayerNormStats::epsilon}, Field{"rms", &LayerNormStats::rms}};
  static constexpr int outputs = 3;
  static constexpr bool internal = true;
  static constexpr std::uint64_t save_in = 7, save_out = 6;
  static void infer(const LayerNormStats& a, In in, Types& out);
  static void run(const LayerNormStats& a, Views in, Views out, Context& c);
  static Cost cost(const LayerNormStats& a, In in, std::span<const Type> out);
  static TileSides sides(const LayerNormStats& a, In in);
  static void grad(const LayerNormStats& a, GradCtx& c);
};

struct LayerNormGrad {
  Dim trailing = 1;
  double epsilon = 1e-3;
  bool rms = false;
  static constexpr std::string_view name = "layer_norm_grad", doc = R"(Gradient of layer_norm_stats: dx, dgamma, dbeta.

dx = rstd * (g - mean(g) - xhat mean(g xhat)) with g = gamma dy; for rms without the term mean(g).)";
  static constexpr Arg inputs[] = {{"x"}, {"dy"}, {"mean", kNoGrad}, {"rstd", kNoGrad}, {"gamma", kOptional}};
  static constexpr auto fields = std::tuple{Field{"trailing", &LayerNormGrad::trailing}, Field{"epsilon", &LayerNormGrad::epsilon},
                                            Field{"rms", &LayerNormGrad::rms}};
  static constexpr int outputs = 3;
  static constexpr bool internal = true;
  static constexpr std::uint64_t save_in = 31;
  static void infer(const LayerNormGrad& a, In in, Types& out);
  static void run(const LayerNormGrad& a, Views in, Views out, Context& c);
  static Cost cost(const LayerNormGrad& a, In in, std::span<const Type> out);
  static TileSides sides(const LayerNormGrad& a, In in);
  static void grad(const LayerNormGrad& a, GradCtx& c);
};

struct GroupNormStats {
  Dim groups = 32;
  bool channels_last = true;
  double epsilon = 1e-3;
  static constexpr std::string_view name = "group_norm_stats",
                                    doc = "group_norm with outputs y, mean and 1 / sqrt(var + epsilon) [N, groups].";
  static constexpr Arg inputs[] = {{"x"}, {"gamma", kOptional}, {"beta", kOptional}};
  static constexpr auto fields =
      std::tuple{Field{"groups", &GroupNormStats::groups}, Field{"channels_last", &GroupNormStats::channels_last},
                 Field{"epsilon", &GroupNormStats::epsilon}};
  static constexpr int outputs = 3;
  static constexpr bool internal = true;
  static constexpr std::uint64_t save_in = 7, save_out = 6;
  static void infer(const GroupNormStats& a, In in, Types& out);
  static void run(const GroupNormStats& a, Views in, Views out, Context& c);
  static Cost cost(const GroupNormStats& a, In in, std::span<const Type> out);
  static void grad(const GroupNormStats& a, GradCtx& c);
};

struct GroupNormGrad {
  Dim groups = 32;
  bool channels_last = true;
  double epsilon = 1e-3;
  static constexpr std::string_view name = "group_norm_grad", doc = "Gradient of group_norm_stats: dx, dgamma, dbeta.";
  static constexpr Arg inputs[] = {{"x"}, {"dy"}, {"mean", kNoGrad}, {"rstd", kNoGrad}, {"gamma", kOptional}};
  static constexpr auto fields =
      std::tuple{Field{"groups", &GroupNormGrad::groups}, Field{"channels_last", &GroupNormGrad::channels_last},
                 Field{"epsilon", &GroupNormGrad::epsilon}};
  static constexpr int outputs = 3;
  static constexpr bool internal = true;
  static constexpr std::uint64_t save_in = 31;
  static void infer(const GroupNormGrad& a, In in, Types& out);
  static void run(const GroupNormGrad& a, Views in, Views out, Context& c);
  static Cost cost(const GroupNormGrad& a, In in, std::span<const Type> out);
  static void grad(const GroupNormGrad& a, GradCtx& c);
};

struct EmaUpdate {
  double momentum = 0.99;
  static constexpr std::string_view name = "ema_update_",
                                    doc =
                                        R"(Moves a running average in place: running = momentum * running + (1 - momentum) * value.

Args:
    running: Float tensor, changed in place.
    value: Tensor of the same shape and dtype.
    momentum: 0 to 1; the share of the old average that stays (PyTorch's momentum is 1 minus this).

Returns:
    Nothing.

Raises:
    ShapeError: The shapes differ.
    ValueError: momentum is out of range.)";
  static constexpr Arg inputs[] = {{"running", kMutated | kNoGrad}, {"value", kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"momentum", &EmaUpdate::momentum}};
  static constexpr int outputs = 0;
  static constexpr bool internal = true;
  static constexpr std::string_view not_differentiable = "it changes a running statistic in place and has no result";
  static void infer(const EmaUpdate& a, In in, Types& out);
  static void run(const EmaUpdate& a, Views in, Views out, Context& c);
};

}  // namespace nacre::op
