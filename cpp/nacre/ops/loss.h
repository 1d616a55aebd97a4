// Losses, argument order (y_true, y_pred) as in Keras. Each gives one number per sample (the last axis is reduced); reduce_loss brings those to one
// number. Shapes of y_true and y_pred must be equal, (N,) counting as (N, 1); nothing is broadcast. y_true is cast to y_pred's dtype.
// The public losses are compounds; softmax_cross_entropy and pick_class are the fused pieces.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

struct MeanSquaredError {
  static constexpr std::string_view name = "mean_squared_error", doc = R"(mean((y_true - y_pred)^2) over the last axis.

Args:
    y_true: Targets [N, ...].
    y_pred: Predictions of the same shape; (N,) counts as (N, 1).

Returns:
    One number per sample: the shape without its last axis, [N] for (N,).

Raises:
    ShapeError: The shapes differ.

Example:
    >>> nc.mean_squared_error(nc.asarray([[0.0, 2.0]]), nc.asarray([[1.0, 4.0]])).tolist()
    [2.5])";
  static constexpr Arg inputs[] = {{"y_true"}, {"y_pred"}};
  static constexpr auto fields = std::tuple<>{};
  static void infer(const MeanSquaredError& a, In in, Types& out);
  static Tensor compound(const MeanSquaredError& a, std::span<const Tensor> in);
};

struct MeanAbsoluteError {
  static constexpr std::string_view name = "mean_absolute_error",
                                    doc = R"(mean(|y_true - y_pred|) over the last axis. The gradient at 0 is 0.

Args:
    y_true: Targets [N, ...].
    y_pred: Predictions of the same shape; (N,) counts as (N, 1).

Returns:
    One number per sample: the shape without its last axis, [N] for (N,).

Raises:
    ShapeError: The shapes differ.

Example:
    >>> nc.mean_absolute_error(nc.asarray([[0.0, 2.0]]), nc.asarray([[1.0, 4.0]])).tolist()
    [1.5])";
  static constexpr Arg inputs[] = {{"y_true"}, {"y_pred"}};
  static constexpr auto fields = std::tuple<>{};
  static void infer(const MeanAbsoluteError& a, In in, Types& out);
  static Tensor compound(const MeanAbsoluteError& a, std::span<const Tensor> in);
};

struct Huber {
  double delta = 1;
  static constexpr std::string_view name = "huber",
                                    doc = R"(Huber loss: quadratic near 0, linear beyond delta; mean over the last axis.

e = y_pred - y_true; e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2.

Args:
    y_true: Targets [N, ...].
    y_pred: Predictions of the same shape; (N,) counts as (N, 1).
    delta: Where the linear part begins, > 0.

Returns:
    One number per sample: the shape without its last axis, [N] for (N,).

Raises:
    ShapeError: The shapes differ.
    ValueError: delta is not a positive finite number.

Example:
    >>> nc.huber(nc.asarray([[0.0, 0.0]]), nc.asarray([[1.0, 3.0]])).tolist()
    [1.5]

Reference: Huber, Robust Estimation of a Location Parameter (1964).)";
  static constexpr Arg inputs[] = {{"y_true"}, {"y_pred"}};
  static constexpr auto fields = std::tuple{Field{"delta", &Huber::delta}};
  static void infer(const Huber& a, In in, Types& out);
  static Tensor compound(const Huber& a, std::span<const Tensor> in);
};

struct LogCosh {
  static constexpr std::string_view name = "log_cosh",
                                    doc = R"(mean(log(cosh(y_pred - y_true))) over the last axis, without overflow.

Args:
    y_true: Targets [N, ...].
    y_pred: Predictions of the same shape; (N,) counts as (N, 1).

Returns:
    One number per sample: the shape without its last axis, [N] for (N,).

Raises:
    ShapeError: The shapes differ.

Example:
    >>> nc.log_cosh(nc.asarray([[1.0]]), nc.asarray([[1.0]])).tolist()
    [0.0])";
  static constexpr Arg inputs[] = {{"y_true"}, {"y_pred"}};
  static constexpr auto fields = std::tuple<>{};
  static void infer(const LogCosh& a, In in, Types& out);
  static Tensor compound(const LogCosh& a, std::span<const Tensor> in);
};

struct BinaryCrossentropy {
  bool from_logits = false;
  double label_smoothing = 0;
  static constexpr std::string_view name = "binary_crossentropy", doc = R"(-(y log p + (1 - y) log(1 - p)), mean over the last axis.

Probabilities are clipped to [1e-7, 1 - 1e-7]. Logits z take the stable form y log(1 + e^-z) + (1 - y) log(1 + e^z).

Args:
    y_true: Targets [N, ...] from 0 to 1 (or bool).
    y_pred: Probabilities, or logits with from_logits=True, of the same shape; (N,) counts as (N, 1).
    from_logits: y_pred holds logits.
    label_smoothing: a from 0 to 1: targets become y (1 - a) + a / 2.

Returns:
    One number per sample: the shape without its last axis, [N] for (N,).

Raises:
    ShapeError: The shapes differ.
    ValueError: label_smoothing is out of range.

Example:
    >>> nc.binary_crossentropy(nc.asarray([[1.0]]), nc.asarray([[0.0]]), from_logits=True).shape
    (1,))";
  static constexpr Arg inputs[] = {{"y_true"}, {"y_pred"}};
  static constexpr auto fields = std::tuple{Field{"from_logits", &BinaryCrossentropy::from_logits},
                                            Field{"label_smoothing", &BinaryCrossentropy::label_smoothing}};
  static void infer(const BinaryCrossentropy& a, In in, Types& out);
  static Tensor compound(const BinaryCrossentropy& a, std::span<const Tensor> in);
};

struct BinaryFocalCrossentropy {
  bool apply_class_balancing = false;
  double alpha = 0.25;
  double gamma = 2;
  bool from_logits = false;
  double label_smoothing = 0;
  static constexpr std::string_view name = "binary_focal_crossentropy",
                                    doc = R"((1 - p_t)^gamma times binary cross-entropy, mean over the last axis.

p_t = y p + (1 - y)(1 - p). With apply_class_balancing a further factor alpha_t = y alpha + (1 - y)(1 - alpha).

Args:
    y_true: Targets [N, ...] from 0 to 1 (or bool).
    y_pred: Probabilities, or logits with from_logits=True, of the same shape; (N,) counts as (N, 1).
    apply_class_balancing: Use alpha.
    alpha: Weight of class 1, 0 to 1; 1 - alpha is that of class 0.
    gamma: Focusing exponent, >= 0.
    from_logits: y_pred holds logits.
    label_smoothing: a from 0 to 1: targets become y (1 - a) + a / 2.

Returns:
    One number per sample: the shape without its last axis, [N] for (N,).

Raises:
    ShapeError: The shapes differ.
    ValueError: alpha, gamma or label_smoothing is out of range.

Example:
    >>> nc.binary_focal_crossentropy(nc.asarray([[1.0]]), nc.asarray([[0.5]])).shape
    (1,)

Reference: Lin et al., Focal Loss for Dense Object Detection (2017).)";
  static constexpr Arg inputs[] = {{"y_true"}, {"y_pred"}};
  static constexpr auto fields =
      std::tuple{Field{"apply_class_balancing", &BinaryFocalCrossentropy::apply_class_balancing},
                 Field{"alpha", &BinaryFocalCrossentropy::alpha}, Field{"gamma", &BinaryFocalCrossentropy::gamma},
                 Field{"from_logits", &BinaryFocalCrossentropy::from_logits},
                 Field{"label_smoothing", &BinaryFocalCrossentropy::label_smoothing}};
  static void infer(const BinaryFocalCrossentropy& a, In in, Types& out);
  static Tensor compound(const BinaryFocalCrossentropy& a, std::span<const Tensor> in);
};

struct CategoricalCrossentropy {
  bool from_logits = false;
  double label_smoothing = 0;
  Dim axis = -1;
  static constexpr std::string_view name = "categorical_crossentropy", doc = R"(-sum_c y_c log p_c along the class axis.

Probabilities are divided by their sum and clipped to [1e-7, 1 - 1e-7]. Logits go through the fused log-sum-exp form.

Args:
    y_true: One-hot or soft targets, [N, ..., C].
    y_pred: Probabilities, or logits with from_logits=True, of the same shape.
    from_logits: y_pred holds logits.
    label_smoothing: a from 0 to 1: targets become y (1 - a) + a / C.
    axis: The class axis.

Returns:
    One number per sample: the shape without the class axis.

Raises:
    ShapeError: The shapes differ.
    ValueError: axis or label_smoothing is out of range.

Example:
    >>> nc.categorical_crossentropy(nc.asarray([[0.0, 1.0]]), nc.asarray([[0.0, 0.0]]), from_logits=True).shape
    (1,))";
  static constexpr Arg inputs[] = {{"y_true"}, {"y_pred"}};
  static constexpr auto fields = std::tuple{Field{"from_logits", &CategoricalCrossentropy::from_logits},
                                            Field{"label_smoothing", &CategoricalCrossentropy::label_smoothing},
                                            Field{"axis", &CategoricalCrossentropy::axis}};
  static void infer(const CategoricalCrossentropy& a, In in, Types& out);
  static Tensor compound(const CategoricalCrossentropy& a, std::span<const Tensor> in);
};

struct SparseCategoricalCrossentropy {
  bool from_logits = false;
  Dim axis = -1;
  static constexpr std::string_view name = "sparse_categorical_crossentropy",
                                    doc = R"(-log p[y] along the class axis, y an integer class.

Probabilities are divided by their sum and clipped to [1e-7, 1 - 1e-7]. Logits go through the fused log-sum-exp form.

Args:
    y_true: Integer classes 0 to C - 1, of y_pred's shape without the class axis (a trailing axis of size 1 is allowed).
    y_pred: Probabilities, or logits with from_logits=True, [N, ..., C].
    from_logits: y_pred holds logits.
    axis: The class axis of y_pred.

Returns:
    One number per sample: y_pred's shape without the class axis.

Raises:
    ShapeError: The shapes do not fit.
    DTypeError: y_true is not an integer tensor.
    IndexError: A class is outside [0, C).

Example:
    >>> nc.sparse_categorical_crossentropy(nc.asarray([1]), nc.asarray([[0.0, 0.0]]), from_logits=True).shape
    (1,))";
  static constexpr Arg inputs[] = {{"y_true", kNoGrad}, {"y_pred"}};
  static constexpr auto fields = std::tuple{Field{"from_logits", &SparseCategoricalCrossentropy::from_logits},
                                            Field{"axis", &SparseCategoricalCrossentropy::axis}};
  static void infer(const SparseCategoricalCrossentropy& a, In in, Types& out);
  static Tensor compound(const SparseCategoricalCrossentropy& a, std::span<const Tensor> in);
};

struct CategoricalFocalCrossentropy {
  double alpha = 0.25;
  double gamma = 2;
  bool from_logits = false;
  double label_smoothing = 0;
  Dim axis = -1;
  static constexpr std::string_view name = "categorical_focal_crossentropy",
                                    doc = R"(-sum_c alpha (1 - p_c)^gamma y_c log p_c along the class axis.

Probabilities (or the softmax of logits) are divided by their sum and clipped to [1e-7, 1 - 1e-7].

Args:
    y_true: One-hot or soft targets, [N, ..., C].
    y_pred: Probabilities, or logits with from_logits=True, of the same shape.
    alpha: Weight, 0 to 1.
    gamma: Focusing exponent, >= 0.
    from_logits: y_pred holds logits.
    label_smoothing: a from 0 to 1: targets become y (1 - a) + a / C.
    axis: The class axis.

Returns:
    One number per sample: the shape without the class axis.

Raises:
    ShapeError: The shapes differ.
    ValueError: An option is out of range.

Example:
    >>> nc.categorical_focal_crossentropy(nc.asarray([[0.0, 1.0]]), nc.asarray([[0.4, 0.6]])).shape
    (1,)

Reference: Lin et al., Focal Loss for Dense Object Detection (2017).)";
  static constexpr Arg inputs[] = {{"y_true"}, {"y_pred"}};
  static constexpr auto fields = std::tuple{
      Field{"alpha", &CategoricalFocalCrossentropy::alpha}, Field{"gamma", &CategoricalFocalCrossentropy::gamma},
      Field{"from_logits", &CategoricalFocalCrossentropy::from_logits},
      Field{"label_smoothing", &CategoricalFocalCrossentropy::label_smoothing}, Field{"axis", &CategoricalFocalCrossentropy::axis}};
  static void infer(const CategoricalFocalCrossentropy& a, In in, Types& out);
  static Tensor compound(const CategoricalFocalCrossentropy& a, std::span<const Tensor> in);
};

struct NllLoss {
  static constexpr std::string_view name = "nll_loss", doc = R"(Negative log-likelihood: -y_pred[y] along the last axis.

With y_pred = log_softmax(logits) this is sparse_categorical_crossentropy(..., from_logits=True).

Args:
    y_true: Integer classes 0 to C - 1, of y_pred's shape without the last axis (a trailing axis of size 1 is allowed).
    y_pred: Log-probabilities [N, ..., C].

Returns:
    One number per sample: y_pred's shape without the last axis.

Raises:
    ShapeError: The shapes do not fit.
    DTypeError: y_true is not an integer tensor.
    IndexError: A class is outside [0, C).

Example:
    >>> nc.nll_loss(nc.asarray([1]), nc.asarray([[-2.0, -3.0]])).tolist()
    [3.0])";
  static constexpr Arg inputs[] = {{"y_true", kNoGrad}, {"y_pred"}};
  static constexpr auto fields = std::tuple<>{};
  static void infer(const NllLoss& a, In in, Types& out);
  static Tensor compound(const NllLoss& a, std::span<const Tensor> in);
};

struct KlDivergence {
  static constexpr std::string_view name = "kl_divergence",
                                    doc = R"(Kullback-Leibler divergence sum t log(t / p) over the last axis.

The order is (y_true, y_pred) = (t, p); PyTorch's kl_div takes (log p, t). Both are clipped to [1e-7, 1].

Args:
    y_true: Target distributions t, [N, ..., C].
    y_pred: Predicted distributions p of the same shape.

Returns:
    One number per sample: the shape without its last axis.

Raises:
    ShapeError: The shapes differ.

Example:
    >>> nc.kl_divergence(nc.asarray([[0.5, 0.5]]), nc.asarray([[0.5, 0.5]])).tolist()
    [0.0])";
  static constexpr Arg inputs[] = {{"y_true"}, {"y_pred"}};
  static constexpr auto fields = std::tuple<>{};
  static void infer(const KlDivergence& a, In in, Types& out);
  static Tensor compound(const KlDivergence& a, std::span<const Tensor> in);
};

struct ReduceLoss {
  Text reduction = "sum_over_batch_size";
  static constexpr std::string_view name = "reduce_loss",
                                    doc = R"(Brings per-sample losses to one number: every loss's `reduction` in one place.

"sum_over_batch_size" (or "mean"): sum(values * sample_weight) / number of values, 0 when there are none. "sum": without the division.
"mean_with_sample_weight": divided by the sum of the weights, 0 when that is 0. "none": values * sample_weight.

Args:
    values: Per-sample losses, a float dtype.
    sample_weight: Weights whose shape is that of values, or of its first axes; sizes of 1 repeat. Optional: all 1.
    reduction: See above; None is the same as "none".

Returns:
    A scalar, or the shape of values for "none".

Raises:
    ShapeError: sample_weight does not fit values.
    ValueError: reduction is not one of these words.

Example:
    >>> nc.reduce_loss(nc.asarray([1.0, 3.0]), nc.asarray([1.0, 0.0])).item()
    0.5)";
  static constexpr Arg inputs[] = {{"values"}, {"sample_weight", kOptional}};
  static constexpr auto fields = std::tuple{Field{"reduction", &ReduceLoss::reduction}};
  static void infer(const ReduceLoss& a, In in, Types& out);
  static Tensor compound(const ReduceLoss& a, std::span<const Tensor> in);
};

// The one reduction behind reduce_loss and the loss classes: both say their own name (`op`) in its errors.
NACRE_API void check_reduction(std::string_view op, std::string_view reduction);
NACRE_API Tensor reduced_loss(std::string_view op, const Tensor& losses, const Tensor& sample_weight, std::string_view reduction);

// ---- the fused pieces ----

// loss_r = sum_c t_rc (lse_r - x_rc); y_true integer classes [...] or targets [..., C] of the logits' dtype.
struct SoftmaxCrossEntropy {
  double label_smoothing = 0;
  static constexpr std::string_view name = "softmax_cross_entropy",
                                    doc = R"(Cross-entropy from logits; outputs the loss and the log-sum-exp per row.

t = (1 - a) y_true + a / C; loss = sum_c t_c (lse - logits_c); lse = log sum_c exp(logits_c).)";
  static constexpr Arg inputs[] = {{"y_true"}, {"logits"}};
  static constexpr auto fields = std::tuple{Field{"label_smoothing", &SoftmaxCrossEntropy::label_smoothing}};
  static constexpr int outputs = 2;
  static constexpr bool internal = true;
  static constexpr std::uint64_t save_in = 3, save_out = 2;
  static void infer(const SoftmaxCrossEntropy& a, In in, Types& out);
  static void run(const SoftmaxCrossEntropy& a, Views in, Views out, Context& c);
  static bool prepare(const SoftmaxCrossEntropy& a, Views in, Views out, CallBuilder& calls);
  static void grad(const SoftmaxCrossEntropy& a, GradCtx& c);
};

// dlogits = dloss (softmax(logits) sum_c t_c - t)
struct SoftmaxCrossEntropyGrad {
  double label_smoothing = 0;
  static constexpr std::string_view name = "softmax_cross_entropy_grad",
                                    doc = "Gradient of softmax_cross_entropy with respect to the logits.";
  static constexpr Arg inputs[] = {{"y_true"}, {"logits"}, {"lse", kNoGrad}, {"dloss"}};
  static constexpr auto fields = std::tuple{Field{"label_smoothing", &SoftmaxCrossEntropyGrad::label_smoothing}};
  static constexpr bool internal = true;
  static constexpr std::uint64_t save_in = 15;
  static void infer(const SoftmaxCrossEntropyGrad& a, In in, Types& out);
  static void run(const SoftmaxCrossEntropyGrad& a, Views in, Views out, Context& c);
  static bool prepare(const SoftmaxCrossEntropyGrad& a, Views in, Views out, CallBuilder& calls);
  static void grad(const SoftmaxCrossEntropyGrad& a, GradCtx& c);
};

// y_r = x[r, labels_r]
struct PickClass {
  static constexpr std::string_view name = "pick_class",
                                    doc = "Picks one element per row of x along the last axis; labels from 0 to C - 1.";
  static constexpr Arg inputs[] = {{"x"}, {"labels", kNoGrad}};
  static constexpr auto fields = std::tuple<>{};
  static constexpr bool internal = true, save_types = true;
  static constexpr std::uint64_t save_in = 2;
  static void infer(const PickClass& a, In in, Types& out);
  static void run(const PickClass& a, Views in, Views out, Context& c);
  static void grad(const PickClass& a, GradCtx& c);
};

// dx[r, labels_r] = dy_r, 0 elsewhere
struct PickClassGrad {
  Dim classes = 0;
  static constexpr std::string_view name = "pick_class_grad", doc = "Puts dy at the labels of rows of `classes` zeros.";
  static constexpr Arg inputs[] = {{"dy"}, {"labels", kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"classes", &PickClassGrad::classes, true}};
  static constexpr bool internal = true;
  static constexpr std::uint64_t save_in = 2;
  static void infer(const PickClassGrad& a, In in, Types& out);
  static void run(const PickClassGrad& a, Views in, Views out, Context& c);
  static void grad(const PickClassGrad& a, GradCtx& c);
};

}  // namespace nacre::op
