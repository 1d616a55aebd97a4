// Losses written in other ops, and their one reduction. Definitions, order of arguments and shape rule: loss.h.
#include "nacre/ops/loss.h"
#include "nacre/ops/nn_checks.h"

namespace nacre::op {

namespace {

constexpr double kClip = 1e-7;  // Keras: probabilities stay inside [1e-7, 1 - 1e-7]

void require_share(std::string_view op, std::string_view arg, double value) {
  if (!(value >= 0 && value <= 1)) raise<ValueError>(op, ": ", arg, " must be from 0 to 1, got ", value, ".");
}
void require_exponent(std::string_view op, double gamma) {
  if (!(gamma >= 0 && std::isfinite(gamma))) raise<ValueError>(op, ": gamma must be a finite number >= 0, got ", gamma, ".");
}

DType loss_dtype(const Type& y_pred) { return is_float(y_pred.dtype) ? y_pred.dtype : floatx(); }

[[noreturn]] void shapes_differ(std::string_view op, const Type& t, const Type& p) {
  raise<ShapeError>(op, ": y_true has shape ", t.shape, " but y_pred has shape ", p.shape,
                    ". They must be equal; only (N,) and (N, 1) count as the same.");
}

// Regression and binary losses: equal shapes, (N,) read as (N, 1). The result's type.
Type element_pair(std::string_view op, In in) {
  const Type &t = in[0], &p = in[1];
  refuse_storage_only(op, "y_true", t.dtype);
  refuse_storage_only(op, "y_pred", p.dtype);
  const int rt = t.shape.rank(), rp = p.shape.rank();
  if (rp == 0) raise<ShapeError>(op, ": y_pred is a scalar. A batch is needed, [N] or [N, ...].");
  const bool column = (rt == 1 && rp == 2 && p.shape[1] == 1) || (rt == 2 && rp == 1 && t.shape[1] == 1);
  if (!(t.shape == p.shape) && !(column && t.shape[0] == p.shape[0])) shapes_differ(op, t, p);
  Shape y = p.shape;
  if (rp > 1) y.erase(rp - 1);
  return {loss_dtype(p), y};
}

// Losses over a class axis: equal shapes.
Type class_pair(std::string_view op, In in, Dim axis) {
  const Type &t = in[0], &p = in[1];
  refuse_storage_only(op, "y_true", t.dtype);
  refuse_storage_only(op, "y_pred", p.dtype);
  if (p.shape.rank() == 0) raise<ShapeError>(op, ": y_pred is a scalar. It must have a class axis, [N, ..., C].");
  if (!(t.shape == p.shape))
    raise<ShapeError>(op, ": y_true has shape ", t.shape, " but y_pred has shape ", p.shape, ". They must be equal.");
  Shape y = p.shape;
  const int at = normalize_axis(op, axis, y.rank());
  require_not_empty(op, "y_pred", p, "classes", y[at]);
  y.erase(at);
  return {loss_dtype(p), y};
}

// Integer classes against a class axis.
Type label_pair(std::string_view op, In in, Dim axis) {
  const Type &t = in[0], &p = in[1];
  require_indices(op, "y_true", t);
  refuse_storage_only(op, "y_pred", p.dtype);
  if (p.shape.rank() == 0) raise<ShapeError>(op, ": y_pred is a scalar. It must have a class axis, [N, ..., C].");
  Shape y = p.shape;
  const int at = normalize_axis(op, axis, y.rank());
  require_not_empty(op, "y_pred", p, "classes", y[at]);
  y.erase(at);
  Shape column = y;
  if (column.rank() < kMaxRank) column.push_back(1);
  if (!(t.shape == y) && !(t.shape == column)) {
    raise<ShapeError>(op, ": y_true has shape ", t.shape, " but y_pred ", p.shape, " without its class axis ", axis, " has ", y,
                      ". They must be equal (a trailing axis of size 1 is allowed).");
  }
  return {loss_dtype(p), y};
}

// ---- the operands of the compounds ----

Tensor to_dtype(const Tensor& x, DType t) { return x.dtype() == t ? x : cast(x, {.dtype = t}); }

struct Operands {
  Tensor t, p;
};
Operands elements(std::span<const Tensor> in) {
  const DType dtype = loss_dtype(in[1].view());
  const auto column = [](const Tensor& x) { return x.rank() == 1 ? reshape(x, {.newshape = {x.count(), 1}}) : x; };
  return {to_dtype(column(in[0]), dtype), to_dtype(column(in[1]), dtype)};
}
Tensor class_last(const Tensor& x, Dim axis) {
  const int at = normalize_axis("loss", axis, x.rank());
  return at == x.rank() - 1 ? x : moveaxis(x, {.source = {at}, .destination = {-1}});
}
Operands classes(std::span<const Tensor> in, Dim axis) {
  const DType dtype = loss_dtype(in[1].view());
  return {class_last(to_dtype(in[0], dtype), axis), class_last(to_dtype(in[1], dtype), axis)};
}
Operands labels(std::span<const Tensor> in, Dim axis) {
  const Tensor p = class_last(to_dtype(in[1], loss_dtype(in[1].view())), axis);
  Shape rows = p.shape();
  rows.erase(rows.rank() - 1);
  return {in[0].shape() == rows ? in[0] : reshape(in[0], {.newshape = rows}), p};
}

// Over an axis of size 1 both are the element itself: a view.
Tensor last_mean(const Tensor& x) { return x.shape().back() == 1 ? squeeze(x, {.axis = -1}) : mean(x, {.axis = -1}); }
Tensor last_sum(const Tensor& x) { return x.shape().back() == 1 ? squeeze(x, {.axis = -1}) : sum(x, {.axis = -1}); }
Tensor clip_probability(const Tensor& p) { return clip(p, {.min = kClip, .max = 1 - kClip}); }
// Rows that sum to 1, away from 0 and 1.
Tensor normalised(const Tensor& p) { return clip_probability(p / sum(p, {.axis = -1, .keepdims = true})); }
Tensor smooth(const Tensor& t, double amount, Dim classes) {
  return amount == 0 ? t : t * (1 - amount) + amount / static_cast<double>(classes);
}
// (1 - p)^gamma; without the power where gamma is 0 or 1, whose derivative at 0 would be 0 * inf.
Tensor focus(const Tensor& rest, double gamma) {
  return gamma == 1 ? rest : gamma == 2 ? square(rest) : power(rest, weak_scalar(gamma, rest));
}

struct BinaryTerms {
  Tensor t, p, bce;  // p clipped, or sigmoid of logits
};
BinaryTerms binary(std::span<const Tensor> in, bool from_logits, double smoothing) {
  BinaryTerms b;
  const Operands o = elements(in);
  b.t = smooth(o.t, smoothing, 2);
  if (from_logits) {  // both softplus are accurate at any size, and their sum is smooth at 0
    b.p = sigmoid(o.p);
    b.bce = b.t * softplus(-o.p) + (1.0 - b.t) * softplus(o.p);
  } else {
    b.p = clip_probability(o.p);
    b.bce = -(b.t * log(b.p) + (1.0 - b.t) * log(1.0 - b.p));
  }
  return b;
}

}  // namespace

void MeanSquaredError::infer(const MeanSquaredError&, In in, Types& out) { out.push_back(element_pair(name, in)); }
Tensor MeanSquaredError::compound(const MeanSquaredError&, std::span<const Tensor> in) {
  const Operands o = elements(in);
  return last_mean(square(o.p - o.t));
}

void MeanAbsoluteError::infer(const MeanAbsoluteError&, In in, Types& out) { out.push_back(element_pair(name, in)); }
Tensor MeanAbsoluteError::compound(const MeanAbsoluteError&, std::span<const Tensor> in) {
  const Operands o = elements(in);
  return last_mean(abs(o.p - o.t));
}

void Huber::infer(const Huber& a, In in, Types& out) {
  if (!(a.delta > 0 && std::isfinite(a.delta))) raise<ValueError>(name, ": delta must be a finite number > 0, got ", a.delta, ".");
  out.push_back(element_pair(name, in));
}
Tensor Huber::compound(const Huber& a, std::span<const Tensor> in) {
  const Operands o = elements(in);
  const Tensor e = o.p - o.t, size = abs(e);
  return last_mean(where(less_equal(size, weak_scalar(a.delta, size)), square(e) * 0.5, size * a.delta - 0.5 * a.delta * a.delta));
}

void LogCosh::infer(const LogCosh&, In in, Types& out) { out.push_back(element_pair(name, in)); }
Tensor LogCosh::compound(const LogCosh&, std::span<const Tensor> in) {
  const Operands o = elements(in);
  const Tensor e = o.p - o.t;  // log cosh e = e + log(1 + exp(-2 e)) - log 2
  return last_mean(e + softplus(e * -2.0) - 0.6931471805599453);
}

void BinaryCrossentropy::infer(const BinaryCrossentropy& a, In in, Types& out) {
  require_share(name, "label_smoothing", a.label_smoothing);
  out.push_back(element_pair(name, in));
}
Tensor BinaryCrossentropy::compound(const BinaryCrossentropy& a, std::span<const Tensor> in) {
  return last_mean(binary(in, a.from_logits, a.label_smoothing).bce);
}

void BinaryFocalCrossentropy::infer(const BinaryFocalCrossentropy& a, In in, Types& out) {
  require_share(name, "alpha", a.alpha);
  require_exponent(name, a.gamma);
  require_share(name, "label_smoothing", a.label_smoothing);
  out.push_back(element_pair(name, in));
}
Tensor BinaryFocalCrossentropy::compound(const BinaryFocalCrossentropy& a, std::span<const Tensor> in) {
  const BinaryTerms b = binary(in, a.from_logits, a.label_smoothing);
  Tensor loss = b.bce;
  if (a.gamma != 0) loss = focus(b.t * (1.0 - b.p) + (1.0 - b.t) * b.p, a.gamma) * loss;  // 1 - p_t
  if (a.apply_class_balancing) loss = (b.t * a.alpha + (1.0 - b.t) * (1 - a.alpha)) * loss;
  return last_mean(loss);
}

void CategoricalCrossentropy::infer(const CategoricalCrossentropy& a, In in, Types& out) {
  require_share(name, "label_smoothing", a.label_smoothing);
  out.push_back(class_pair(name, in, a.axis));
}
Tensor CategoricalCrossentropy::compound(const CategoricalCrossentropy& a, std::span<const Tensor> in) {
  const Operands o = classes(in, a.axis);
  if (a.from_logits) return softmax_cross_entropy(o.t, o.p, {.label_smoothing = a.label_smoothing})[0];
  return -last_sum(smooth(o.t, a.label_smoothing, o.p.shape().back()) * log(normalised(o.p)));
}

void SparseCategoricalCrossentropy::infer(const SparseCategoricalCrossentropy& a, In in, Types& out) {
  out.push_back(label_pair(name, in, a.axis));
}
Tensor SparseCategoricalCrossentropy::compound(const SparseCategoricalCrossentropy& a, std::span<const Tensor> in) {
  const Operands o = labels(in, a.axis);
  if (a.from_logits) return softmax_cross_entropy(o.t, o.p)[0];
  return -log(clip_probability(pick_class(o.p, o.t) / last_sum(o.p)));  // one class per row: only its probability is needed
}

void CategoricalFocalCrossentropy::infer(const CategoricalFocalCrossentropy& a, In in, Types& out) {
  require_share(name, "alpha", a.alpha);
  require_exponent(name, a.gamma);
  require_share(name, "label_smoothing", a.label_smoothing);
  out.push_back(class_pair(name, in, a.axis));
}
Tensor CategoricalFocalCrossentropy::compound(const CategoricalFocalCrossentropy& a, std::span<const Tensor> in) {
  const Operands o = classes(in, a.axis);
  const Tensor p = normalised(a.from_logits ? softmax(o.p, {.axis = -1}) : o.p);
  Tensor terms = smooth(o.t, a.label_smoothing, p.shape().back()) * log(p);
  if (a.gamma != 0) terms = focus(1.0 - p, a.gamma) * terms;
  return last_sum(terms) * -a.alpha;
}

void NllLoss::infer(const NllLoss&, In in, Types& out) { out.push_back(label_pair(name, in, -1)); }
Tensor NllLoss::compound(const NllLoss&, std::span<const Tensor> in) {
  const Operands o = labels(in, -1);
  return -pick_class(o.p, o.t);
}

void KlDivergence::infer(const KlDivergence&, In in, Types& out) { out.push_back(class_pair(name, in, -1)); }
Tensor KlDivergence::compound(const KlDivergence&, std::span<const Tensor> in) {
  const Operands o = classes(in, -1);
  const Tensor t = clip(o.t, {.min = kClip, .max = 1}), p = clip(o.p, {.min = kClip, .max = 1});
  return last_sum(t * log(t / p));
}

// ---- reduction ----

namespace {

// The weights' shape with axes of size 1 at the end, so that it broadcasts to the values'.
Shape weight_shape(std::string_view op, const Type& values, const Type& weight) {
  Shape s = weight.shape;
  while (s.rank() > values.shape.rank() && s.back() == 1) s.erase(s.rank() - 1);
  bool ok = s.rank() <= values.shape.rank();
  for (int i = 0; i < s.rank() && ok; ++i) ok = s[i] == values.shape[i] || s[i] == 1;
  if (!ok) {
    raise<ShapeError>(op, ": sample_weight has shape ", weight.shape, " but the losses have shape ", values.shape,
                      ". One weight per sample (or per loss) is needed.");
  }
  while (s.rank() < values.shape.rank()) s.push_back(1);
  return s;
}

}  // namespace

void check_reduction(std::string_view op, std::string_view reduction) {
  for (std::string_view known : {"sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none"}) {
    if (reduction == known) return;
  }
  raise<ValueError>(op, ": reduction must be 'sum_over_batch_size', 'mean', 'sum', 'mean_with_sample_weight' or 'none', got '",
                    reduction, "'.");
}

Tensor reduced_loss(std::string_view op, const Tensor& losses, const Tensor& sample_weight, std::string_view reduction) {
  Tensor values = losses, weight;
  if (sample_weight.defined()) {
    refuse_storage_only(op, "sample_weight", sample_weight.dtype());
    const Shape shape = weight_shape(op, losses.view(), sample_weight.view());
    weight = reshape(to_dtype(sample_weight, losses.dtype()), {.newshape = shape});
    values = values * weight;
  }
  if (reduction == "none") return values;
  if (weight.defined() && reduction == "mean_with_sample_weight") {
    const Tensor total = sum(values), weights = sum(broadcast_to(weight, {.shape = values.shape()}));
    const Tensor none = equal(weights, weak_scalar(0, weights));
    return where(none, weak_scalar(0, total), total / where(none, weak_scalar(1, weights), weights));
  }
  // No loss at all: 0, where a mean would be NaN.
  return reduction == "sum" || values.count() == 0 ? sum(values) : mean(values);
}

void ReduceLoss::infer(const ReduceLoss& a, In in, Types& out) {
  require_float(name, "values", in[0]);
  check_reduction(name, a.reduction.view());
  if (in.has(1)) {
    refuse_storage_only(name, "sample_weight", in[1].dtype);
    weight_shape(name, in[0], in[1]);
  }
  out.push_back({in[0].dtype, a.reduction == "none" ? in[0].shape : Shape{}});
}

Tensor ReduceLoss::compound(const ReduceLoss& a, std::span<const Tensor> in) {
  return reduced_loss(name, in[0], in.size() > 1 ? in[1] : Tensor(), a.reduction.view());
}

}  // namespace nacre::op

namespace nacre {
NACRE_DEFINE_OP(MeanSquaredError)
NACRE_DEFINE_OP(MeanAbsoluteError)
NACRE_DEFINE_OP(Huber)
NACRE_DEFINE_OP(LogCosh)
NACRE_DEFINE_OP(BinaryCrossentropy)
NACRE_DEFINE_OP(BinaryFocalCrossentropy)
NACRE_DEFINE_OP(CategoricalCrossentropy)
NACRE_DEFINE_OP(SparseCategoricalCrossentropy)
NACRE_DEFINE_OP(CategoricalFocalCrossentropy)
NACRE_DEFINE_OP(NllLoss)
NACRE_DEFINE_OP(KlDivergence)
NACRE_DEFINE_OP(ReduceLoss)
}  // namespace nacre
