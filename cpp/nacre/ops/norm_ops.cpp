// Normalisation: shape rules, kernels, gradients and their references. The kernels: kernels/norm.h.
//
// Each fused op has a reference in plain ops (the functions plain_*). The fused gradient serves the first derivative; its own gradient, and
// gradients that arrive at the statistics, go through the reference (reference.h).
#include <cmath>

#include "nacre/kernels/elementwise_drive.h"
#include "nacre/ops/nn_checks.h"
#include "nacre/ops/norm.h"
#include "nacre/ops/reference.h"

namespace nacre::op {

namespace {

void check_parameter(std::string_view op, std::string_view arg, In in, int k, const Shape& wanted) {
  if (!in.has(k)) return;
  require_same_dtype(op, "x", in[0], arg, in[k]);
  require_shape(op, arg, in[k], wanted, "(that of the normalised axes)");
}
const void* data_or_null(Views in, int k) { return in.has(k) ? in[k].data : nullptr; }

// Mean and variance over `axes`, kept as size 1, and the normalised values, in plain ops.
struct Plain {
  Tensor mean, var, rstd, xhat;
};
Plain plain_norm(const Tensor& x, const Axes& axes, double epsilon, bool rms = false) {
  Plain p;
  if (rms) {
    p.var = mean(square(x), {.axis = axes, .keepdims = true});
    p.mean = zeros_of(p.var.view());
    p.rstd = rsqrt(p.var + epsilon);
    p.xhat = x * p.rstd;
    return p;
  }
  p.mean = mean(x, {.axis = axes, .keepdims = true});
  const Tensor centred = x - p.mean;
  p.var = mean(square(centred), {.axis = axes, .keepdims = true});
  p.rstd = rsqrt(p.var + epsilon);
  p.xhat = centred * p.rstd;
  return p;
}
Tensor affine(const Tensor& xhat, const Tensor& gamma, const Tensor& beta) {
  Tensor y = gamma.defined() ? xhat * gamma : xhat;
  return beta.defined() ? y + beta : y;
}
// dx, and the terms whose sums are dgamma and dbeta.
std::vector<Tensor> plain_grad(const Tensor& x, const Tensor& dy, const Tensor& gamma, const Axes& axes, double epsilon, bool rms,
                               const Axes& shared) {
  const Plain p = plain_norm(x, axes, epsilon, rms);
  const Tensor g = gamma.defined() ? dy * gamma : dy;
  Tensor inside = g - p.xhat * mean(g * p.xhat, {.axis = axes, .keepdims = true});
  if (!rms) inside = inside - mean(g, {.axis = axes, .keepdims = true});
  return {p.rstd * inside, sum(dy * p.xhat, {.axis = shared}), sum(dy, {.axis = shared})};
}

// ---- batch norm ----

struct Channels {
  Dim n = 1, channels = 0, spatial = 1;
  int axis = 0, rank = 0;
};
Channels channels_at(std::string_view op, const Shape& x, Dim axis) {
  Channels c;
  c.axis = normalize_axis(op, axis, x.rank());
  c.rank = x.rank();
  for (int i = 0; i < c.axis; ++i) c.n *= x[i];
  c.channels = x[c.axis];
  for (int i = c.axis + 1; i < x.rank(); ++i) c.spatial *= x[i];
  return c;
}
Axes other_axes(const Channels& c) {
  IntList axes;
  for (int i = 0; i < c.rank; ++i) {
    if (i != c.axis) axes.push_back(i);
  }
  return axes;
}
// [C] to a shape that broadcasts along the channel axis.
Tensor along_channels(const Tensor& p, const Channels& c) {
  if (!p.defined() || c.axis == c.rank - 1) return p;
  IntList shape{p.count()};
  for (int i = c.axis + 1; i < c.rank; ++i) shape.push_back(1);
  return reshape(p, {.newshape = shape});
}
Tensor flat(const Tensor& t) { return reshape(t, {.newshape = {t.count()}}); }

}  // namespace

void BatchNormTraining::infer(const BatchNormTraining& a, In in, Types& out) {
  require_float(name, "x", in[0]);
  require_epsilon(name, a.epsilon);
  const Channels c = channels_at(name, in[0].shape, a.axis);
  if (c.channels > 0) require_not_empty(name, "x", in[0], "positions to average over", c.n * c.spatial);
  check_parameter(name, "gamma", in, 1, {c.channels});
  check_parameter(name, "beta", in, 2, {c.channels});
  out.push_back(in[0]);
  out.push_back({in[0].dtype, {c.channels}});
  out.push_back({in[0].dtype, {c.channels}});
}

void BatchNormTraining::run(const BatchNormTraining& a, Views in, Views out, Context& c) {
  const Channels ch = channels_at(name, in[0].shape, a.axis);
  BatchNormArgs k;
  k.x = in[0].data, k.gamma = data_or_null(in, 1), k.beta = data_or_null(in, 2), k.y = out[0].data;
  k.mean = out[1].data, k.var = out[2].data, k.rstd = c.scratch(ch.channels * size_of(in[0].dtype));
  k.n = ch.n, k.channels = ch.channels, k.spatial = ch.spatial, k.epsilon = a.epsilon;
  const NormTable& t = c.kernels.norm;
  k.after = c.hooks.after;
  t.batch_norm_training[index_of(in[0].dtype)](k, c.scratch(t.batch_norm_scratch(k)));
}

namespace {

// Operations per element: 1 for the mean, 3 for the variance, 3 to normalise; the gradient adds 1 and 4 for its sums, 5 for dx.
constexpr double kNormFlops = 7, kNormGradFlops = 10;

bool channels_are_last(const Shape& x, Dim axis) { return normalize_axis("batch_norm", axis, x.rank()) == x.rank() - 1; }

// Bytes of the last `axes` axes.
Dim row_bytes(const Type& x, Dim axes) {
  Dim width = 1;
  for (int i = x.shape.rank() - static_cast<int>(axes); i < x.shape.rank(); ++i) width *= x.shape[i];
  return width * size_of(x.dtype);
}
// A gradient, whose first pass sums columns.
TileSides gradient_sides(Dim bytes) { return {.before = bytes <= kHookedColumns ? 1 : -1, .after = 0, .twice = true}; }

}  // namespace

Cost BatchNormTraining::cost(const BatchNormTraining&, In in, std::span<const Type> out) {
  return cost_of(kNormFlops * count_of(in[0]), in, out);
}
TileSides BatchNormTraining::sides(const BatchNormTraining& a, In in) {
  return channels_are_last(in[0].shape, a.axis) ? TileSides{.after = 0} : TileSides{};
}

void BatchNormTraining::grad(const BatchNormTraining& a, GradCtx& c) {
  if (c.has(1) || c.has(2)) {  // someone differentiates the statistics themselves
    grad_by_reference(c, [&](std::span<const Tensor> in) -> std::vector<Tensor> {
      const Channels ch = channels_at(name, in[0].shape(), a.axis);
      const Plain p = plain_norm(in[0], other_axes(ch), a.epsilon);
      const Tensor gamma = in.size() > 1 ? in[1] : Tensor(), beta = in.size() > 2 ? in[2] : Tensor();
      return {affine(p.xhat, along_channels(gamma, ch), along_channels(beta, ch)), flat(p.mean), flat(p.var)};
    });
    return;
  }
  if (!c.has(0)) return;
  const Tensor in[] = {c.in(0), c.dy(0), c.out(1), c.out(2), c.has_in(1) ? c.in(1) : Tensor()};
  const std::vector<Tensor> d = batch_norm_grad(in, {.axis = a.axis, .epsilon = a.epsilon});
  for (int k = 0; k < 3; ++k) {
    if (k == 0 ? c.needs(0) : c.has_in(k) && c.needs(k)) c.dx(k, d[static_cast<std::size_t>(k)]);
  }
}

void BatchNormGrad::infer(const BatchNormGrad& a, In in, Types& out) {
  require_float(name, "x", in[0]);
  require_epsilon(name, a.epsilon);
  const Channels c = channels_at(name, in[0].shape, a.axis);
  check_parameter(name, "dy", in, 1, in[0].shape);
  check_parameter(name, "mean", in, 2, {c.channels});
  check_parameter(name, "var", in, 3, {c.channels});
  check_parameter(name, "gamma", in, 4, {c.channels});
  out.push_back(in[0]);
  out.push_back({in[0].dtype, {c.channels}});
  out.push_back({in[0].dtype, {c.channels}});
}

namespace {
template <class T>
void rstd_of(const View& var, double epsilon, void* out) {
  for (Dim i = 0, n = var.count(); i < n; ++i) {
    static_cast<T*>(out)[i] = T(1) / std::sqrt(var.as<T>()[i] + static_cast<T>(epsilon));
  }
}
}  // namespace

void BatchNormGrad::run(const BatchNormGrad& a, Views in, Views out, Context& c) {
  const Channels ch = channels_at(name, in[0].shape, a.axis);
  void* rstd = c.scratch(ch.channels * size_of(in[0].dtype));
  if (in[0].dtype == DType::float32)
    rstd_of<float>(in[3], a.epsilon, rstd);
  else
    rstd_of<double>(in[3], a.epsilon, rstd);
  BatchNormGradArgs k;
  k.x = in[0].data, k.dy = in[1].data, k.mean = in[2].data, k.rstd = rstd, k.gamma = data_or_null(in, 4);
  k.dx = out[0].data, k.dgamma = out[1].data, k.dbeta = out[2].data;
  k.n = ch.n, k.channels = ch.channels, k.spatial = ch.spatial;
  k.before = c.hooks.before, k.after = c.hooks.after;
  const NormTable& t = c.kernels.norm;
  t.batch_norm_grad[index_of(in[0].dtype)](k, c.scratch(t.batch_norm_grad_scratch(k)));
}

Cost BatchNormGrad::cost(const BatchNormGrad&, In in, std::span<const Type> out) {
  return cost_of(kNormGradFlops * count_of(in[0]), in, out);
}
TileSides BatchNormGrad::sides(const BatchNormGrad& a, In in) {
  return channels_are_last(in[0].shape, a.axis) ? gradient_sides(row_bytes(in[0], 1)) : TileSides{};
}

void BatchNormGrad::grad(const BatchNormGrad& a, GradCtx& c) {
  grad_by_reference(c, [&](std::span<const Tensor> in) {
    const Channels ch = channels_at(name, in[0].shape(), a.axis);
    const Axes axes = other_axes(ch);
    return plain_grad(in[0], in[1], along_channels(in.size() > 4 ? in[4] : Tensor(), ch), axes, a.epsilon, false, axes);
  });
}

void BatchNormInference::infer(const BatchNormInference& a, In in, Types& out) {
  require_float(name, "x", in[0]);
  require_epsilon(name, a.epsilon);
  const Channels c = channels_at(name, in[0].shape, a.axis);
  check_parameter(name, "mean", in, 1, {c.channels});
  check_parameter(name, "var", in, 2, {c.channels});
  check_parameter(name, "gamma", in, 3, {c.channels});
  check_parameter(name, "beta", in, 4, {c.channels});
  out.push_back(in[0]);
}

void BatchNormInference::run(const BatchNormInference& a, Views in, Views out, Context& c) {
  const Channels ch = channels_at(name, in[0].shape, a.axis);
  BatchNormArgs k;
  k.x = in[0].data, k.mean = in[1].data, k.var = in[2].data, k.gamma = data_or_null(in, 3), k.beta = data_or_null(in, 4),
  k.y = out[0].data;
  k.n = ch.n, k.channels = ch.channels, k.spatial = ch.spatial, k.epsilon = a.epsilon;
  k.after = c.hooks.after;
  const NormTable& t = c.kernels.norm;
  t.batch_norm_inference[index_of(in[0].dtype)](k, c.scratch(t.batch_norm_scratch(k)));
}

Cost BatchNormInference::cost(const BatchNormInference&, In in, std::span<const Type> out) {
  return cost_of(3 * count_of(in[0]), in, out);
}
TileSides BatchNormInference::sides(const BatchNormInference& a, In in) {
  return channels_are_last(in[0].shape, a.axis) ? TileSides{.after = 0} : TileSides{};
}

void BatchNormInference::grad(const BatchNormInference& a, GradCtx& c) {
  grad_by_reference(c, [&](std::span<const Tensor> in) -> std::vector<Tensor> {
    const Channels ch = channels_at(name, in[0].shape(), a.axis);
    const Tensor gamma = in.size() > 3 ? in[3] : Tensor(), beta = in.size() > 4 ? in[4] : Tensor();
    const Tensor rstd = rsqrt(in[2] + a.epsilon), scale = gamma.defined() ? rstd * gamma : rstd;
    const Tensor y = (in[0] - along_channels(in[1], ch)) * along_channels(scale, ch);
    return {beta.defined() ? y + along_channels(beta, ch) : y};
  });
}

// ---- layer and RMS norm ----

namespace {

struct Rows {
  Dim rows = 1, width = 1;
  Shape outer, inner;
};
Rows rows_of(std::string_view op, const Type& x, Dim trailing) {
  if (x.shape.rank() < 1) raise<ShapeError>(op, ": x must have rank >= 1, got shape ", x.shape, ".");
  if (trailing < 1 || trailing > x.shape.rank()) {
    raise<ValueError>(op, ": trailing must be from 1 to the rank of x (", x.shape.rank(), "), got ", trailing, ".");
  }
  Rows r;
  const int split = x.shape.rank() - static_cast<int>(trailing);
  for (int i = 0; i < x.shape.rank(); ++i) {
    if (i < split)
      r.outer.push_back(x.shape[i]), r.rows *= x.shape[i];
    else
      r.inner.push_back(x.shape[i]), r.width *= x.shape[i];
  }
  return r;
}

// The number of trailing axes that `axis` names.
Dim trailing_axes(std::string_view op, const Axes& axis, const Type& x) {
  const int rank = x.shape.rank();
  if (rank == 0) raise<ShapeError>(op, ": x must have rank >= 1, got a scalar.");
  if (axis.all) return rank;
  if (axis.list.size() == 0) raise<ValueError>(op, ": axis must name at least one axis, got [].");
  bool named[kMaxRank] = {};
  for (Dim d : axis.list) {
    const int i = normalize_axis(op, d, rank);
    if (named[i]) raise<ValueError>(op, ": axis ", d, " is named twice in ", axis.list, ".");
    named[i] = true;
  }
  for (int i = rank - axis.list.size(); i < rank; ++i) {
    if (!named[i])
      raise<ValueError>(op, ": axis must name trailing axes of x (shape ", x.shape, "), got ", axis.list, ". Transpose x first.");
  }
  return axis.list.size();
}

Axes last_axes(Dim trailing) {
  IntList axes;
  for (Dim i = trailing; i >= 1; --i) axes.push_back(-i);
  return axes;
}
Axes first_axes(int rank, Dim trailing) {
  IntList axes;
  for (int i = 0; i < rank - trailing; ++i) axes.push_back(i);
  return axes;
}

void check_layer_norm(std::string_view op, In in, const Axes& axis, double epsilon) {
  require_float(op, "x", in[0]);
  require_epsilon(op, epsilon);
  const Rows r = rows_of(op, in[0], trailing_axes(op, axis, in[0]));
  require_not_empty(op, "x", in[0], "elements to normalise over", r.width);
  check_parameter(op, "gamma", in, 1, r.inner);
  check_parameter(op, "beta", in, 2, r.inner);
}

}  // namespace

void LayerNorm::infer(const LayerNorm& a, In in, Types& out) {
  check_layer_norm(name, in, a.axis, a.epsilon);
  out.push_back(in[0]);
}
Tensor LayerNorm::compound(const LayerNorm& a, std::span<const Tensor> in) {
  return layer_norm_stats(in[0], in.size() > 1 ? in[1] : Tensor(), in.size() > 2 ? in[2] : Tensor(),
                          {.trailing = trailing_axes(name, a.axis, in[0].view()), .epsilon = a.epsilon})[0];
}

void RmsNorm::infer(const RmsNorm& a, In in, Types& out) {
  check_layer_norm(name, in, a.axis, a.epsilon);
  out.push_back(in[0]);
}
Tensor RmsNorm::compound(const RmsNorm& a, std::span<const Tensor> in) {
  return layer_norm_stats(in[0], in.size() > 1 ? in[1] : Tensor(), {},
                          {.trailing = trailing_axes(name, a.axis, in[0].view()), .epsilon = a.epsilon, .rms = true})[0];
}

void LayerNormStats::infer(const LayerNormStats& a, In in, Types& out) {
  require_float(name, "x", in[0]);
  require_epsilon(name, a.epsilon);
  const Rows r = rows_of(name, in[0], a.trailing);
  require_not_empty(name, "x", in[0], "elements to normalise over", r.width);
  check_parameter(name, "gamma", in, 1, r.inner);
  check_parameter(name, "beta", in, 2, r.inner);
  out.push_back(in[0]);
  out.push_back({in[0].dtype, r.outer});
  out.push_back({in[0].dtype, r.outer});
}

void LayerNormStats::run(const LayerNormStats& a, Views in, Views out, Context& c) {
  const Rows r = rows_of(name, in[0], a.trailing);
  LayerNormArgs k;
  k.x = in[0].data, k.gamma = data_or_null(in, 1), k.beta = data_or_null(in, 2), k.y = out[0].data;
  k.mean = out[1].data, k.rstd = out[2].data;
  k.rows = r.rows, k.width = r.width, k.epsilon = a.epsilon, k.rms = a.rms;
  if (a.rms) std::memset(out[1].data, 0, static_cast<std::size_t>(r.rows * size_of(in[0].dtype)));
  k.before = c.hooks.before, k.after = c.hooks.after;
  c.kernels.norm.layer_norm[index_of(in[0].dtype)](k, nullptr);
}

Cost LayerNormStats::cost(const LayerNormStats&, In in, std::span<const Type> out) {
  return cost_of(kNormFlops * count_of(in[0]), in, out);
}
TileSides LayerNormStats::sides(const LayerNormStats& a, In in) {
  return row_bytes(in[0], a.trailing) <= kHookedRow ? TileSides{.before = 0, .after = 0} : TileSides{};
}

void LayerNormStats::grad(const LayerNormStats& a, GradCtx& c) {
  if (c.has(1) || c.has(2)) {
    grad_by_reference(c, [&](std::span<const Tensor> in) -> std::vector<Tensor> {
      const Plain p = plain_norm(in[0], last_axes(a.trailing), a.epsilon, a.rms);
      const Rows r = rows_of(name, in[0].view(), a.trailing);
      return {affine(p.xhat, in.size() > 1 ? in[1] : Tensor(), in.size() > 2 ? in[2] : Tensor()),
              reshape(p.mean, {.newshape = r.outer}), reshape(p.rstd, {.newshape = r.outer})};
    });
    return;
  }
  if (!c.has(0)) return;
  const Tensor in[] = {c.in(0), c.dy(0), c.out(1), c.out(2), c.has_in(1) ? c.in(1) : Tensor()};
  const std::vector<Tensor> d = layer_norm_grad(in, {.trailing = a.trailing, .epsilon = a.epsilon, .rms = a.rms});
  for (int k = 0; k < 3; ++k) {
    if (k == 0 ? c.needs(0) : c.has_in(k) && c.needs(k)) c.dx(k, d[static_cast<std::size_t>(k)]);
  }
}

void LayerNormGrad::infer(const LayerNormGrad& a, In in, Types& out) {
  require_float(name, "x", in[0]);
  require_epsilon(name, a.epsilon);
  const Rows r = rows_of(name, in[0], a.trailing);
  check_parameter(name, "dy", in, 1, in[0].shape);
  check_parameter(name, "mean", in, 2, r.outer);
  check_parameter(name, "rstd", in, 3, r.outer);
  check_parameter(name, "gamma", in, 4, r.inner);
  out.push_back(in[0]);
  out.push_back({in[0].dtype, r.inner});
  out.push_back({in[0].dtype, r.inner});
}

void LayerNormGrad::run(const LayerNormGrad& a, Views in, Views out, Context& c) {
  const Rows r = rows_of(name, in[0], a.trailing);
  LayerNormGradArgs k;
  k.x = in[0].data, k.dy = in[1].data, k.mean = in[2].data, k.rstd = in[3].data, k.gamma = data_or_null(in, 4);
  k.dx = out[0].data, k.dgamma = out[1].data, k.dbeta = out[2].data;
  k.rows = r.rows, k.width = r.width, k.rms = a.rms;
  k.before = c.hooks.before, k.after = c.hooks.after;
  const NormTable& t = c.kernels.norm;
  t.layer_norm_grad[index_of(in[0].dtype)](k, c.scratch(t.layer_norm_grad_scratch(k)));
}

Cost LayerNormGrad::cost(const LayerNormGrad&, In in, std::span<const Type> out) {
  return cost_of((kNormGradFlops + 4) * count_of(in[0]), in, out);
}
TileSides LayerNormGrad::sides(const LayerNormGrad& a, In in) {
  const Dim bytes = row_bytes(in[0], a.trailing);
  return bytes <= kHookedRow ? gradient_sides(bytes) : TileSides{};
}

void LayerNormGrad::grad(const LayerNormGrad& a, GradCtx& c) {
  grad_by_reference(c, [&](std::span<const Tensor> in) {
    return plain_grad(in[0], in[1], in.size() > 4 ? in[4] : Tensor(), last_axes(a.trailing), a.epsilon, a.rms,
                      first_axes(in[0].rank(), a.trailing));
  });
}

// ---- group norm ----

namespace {

GroupNormArgs group_sizes(std::string_view op, const Type& x, Dim groups, bool channels_last) {
  const int rank = x.shape.rank();
  if (rank < 2) raise<ShapeError>(op, ": x must have rank >= 2 [N, ..., C], got shape ", x.shape, ".");
  GroupNormArgs g;
  g.n = x.shape[0];
  g.channels_last = channels_last;
  const int axis = channels_last ? rank - 1 : 1;
  g.channels = x.shape[axis];
  for (int i = 1; i < rank; ++i) {
    if (i != axis) g.spatial *= x.shape[i];
  }
  require_count(op, "groups", groups, 1);
  if (g.channels % groups != 0) {
    raise<ShapeError>(op, ": groups ", groups, " does not divide the ", g.channels, " channels of x (shape ", x.shape, ").");
  }
  if (g.n > 0) require_not_empty(op, "x", x, "elements to normalise over", g.channels * g.spatial);
  g.groups = groups;
  return g;
}

// x as [N, groups, channels per group, spatial] and back, in plain ops.
Tensor split_groups(const Tensor& x, const GroupNormArgs& g) {
  if (!g.channels_last) return reshape(x, {.newshape = {g.n, g.groups, g.channels / g.groups, g.spatial}});
  return transpose(reshape(x, {.newshape = {g.n, g.spatial, g.groups, g.channels / g.groups}}), {.axes = {0, 2, 3, 1}});
}
Tensor join_groups(const Tensor& y, const GroupNormArgs& g, const Shape& shape) {
  return reshape(g.channels_last ? transpose(y, {.axes = {0, 3, 1, 2}}) : y, {.newshape = shape});
}
Tensor per_group(const Tensor& p, const GroupNormArgs& g) {
  return p.defined() ? reshape(p, {.newshape = {g.groups, g.channels / g.groups, 1}}) : p;
}

void check_group_norm(std::string_view op, In in, Dim groups, bool channels_last, double epsilon) {
  require_float(op, "x", in[0]);
  require_epsilon(op, epsilon);
  const GroupNormArgs g = group_sizes(op, in[0], groups, channels_last);
  check_parameter(op, "gamma", in, 1, {g.channels});
  check_parameter(op, "beta", in, 2, {g.channels});
}

bool group_axis_last(const GroupNorm& a, const Type& x) {
  const int axis = normalize_axis(GroupNorm::name, a.axis, x.shape.rank());
  if (axis == x.shape.rank() - 1) return true;
  if (axis == 1) return false;
  raise<ValueError>(GroupNorm::name, ": axis must be the last axis or 1, got ", a.axis, " for shape ", x.shape,
                    ". Transpose x first.");
}

}  // namespace

void GroupNorm::infer(const GroupNorm& a, In in, Types& out) {
  require_float(name, "x", in[0]);
  check_group_norm(name, in, a.groups, group_axis_last(a, in[0]), a.epsilon);
  out.push_back(in[0]);
}
Tensor GroupNorm::compound(const GroupNorm& a, std::span<const Tensor> in) {
  return group_norm_stats(in[0], in.size() > 1 ? in[1] : Tensor(), in.size() > 2 ? in[2] : Tensor(),
                          {.groups = a.groups, .channels_last = group_axis_last(a, in[0].view()), .epsilon = a.epsilon})[0];
}

void GroupNormStats::infer(const GroupNormStats& a, In in, Types& out) {
  check_group_norm(name, in, a.groups, a.channels_last, a.epsilon);
  out.push_back(in[0]);
  out.push_back({in[0].dtype, {in[0].shape[0], a.groups}});
  out.push_back({in[0].dtype, {in[0].shape[0], a.groups}});
}

void GroupNormStats::run(const GroupNormStats& a, Views in, Views out, Context& c) {
  GroupNormArgs k = group_sizes(name, in[0], a.groups, a.channels_last);
  k.x = in[0].data, k.gamma = data_or_null(in, 1), k.beta = data_or_null(in, 2);
  k.y = out[0].data, k.mean = out[1].data, k.rstd = out[2].data, k.epsilon = a.epsilon;
  const NormTable& t = c.kernels.norm;
  t.group_norm[index_of(in[0].dtype)](k, c.scratch(t.group_norm_scratch(k)));
}

Cost GroupNormStats::cost(const GroupNormStats&, In in, std::span<const Type> out) {
  return cost_of(kNormFlops * count_of(in[0]), in, out);
}

void GroupNormStats::grad(const GroupNormStats& a, GradCtx& c) {
  if (c.has(1) || c.has(2)) {
    grad_by_reference(c, [&](std::span<const Tensor> in) -> std::vector<Tensor> {
      const GroupNormArgs g = group_sizes(name, in[0].view(), a.groups, a.channels_last);
      const Plain p = plain_norm(split_groups(in[0], g), {-2, -1}, a.epsilon);
      const Tensor y =
          affine(p.xhat, per_group(in.size() > 1 ? in[1] : Tensor(), g), per_group(in.size() > 2 ? in[2] : Tensor(), g));
      return {join_groups(y, g, in[0].shape()), reshape(p.mean, {.newshape = {g.n, g.groups}}),
              reshape(p.rstd, {.newshape = {g.n, g.groups}})};
    });
    return;
  }
  if (!c.has(0)) return;
  const Tensor in[] = {c.in(0), c.dy(0), c.out(1), c.out(2), c.has_in(1) ? c.in(1) : Tensor()};
  const std::vector<Tensor> d = group_norm_grad(in, {.groups = a.groups, .channels_last = a.channels_last, .epsilon = a.epsilon});
  for (int k = 0; k < 3; ++k) {
    if (k == 0 ? c.needs(0) : c.has_in(k) && c.needs(k)) c.dx(k, d[static_cast<std::size_t>(k)]);
  }
}

void GroupNormGrad::infer(const GroupNormGrad& a, In in, Types& out) {
  require_float(name, "x", in[0]);
  require_epsilon(name, a.epsilon);
  const GroupNormArgs g = group_sizes(name, in[0], a.groups, a.channels_last);
  check_parameter(name, "dy", in, 1, in[0].shape);
  check_parameter(name, "mean", in, 2, {g.n, g.groups});
  check_parameter(name, "rstd", in, 3, {g.n, g.groups});
  check_parameter(name, "gamma", in, 4, {g.channels});
  out.push_back(in[0]);
  out.push_back({in[0].dtype, {g.channels}});
  out.push_back({in[0].dtype, {g.channels}});
}

void GroupNormGrad::run(const GroupNormGrad& a, Views in, Views out, Context& c) {
  const GroupNormArgs g = group_sizes(name, in[0], a.groups, a.channels_last);
  GroupNormGradArgs k;
  k.x = in[0].data, k.dy = in[1].data, k.mean = in[2].data, k.rstd = in[3].data, k.gamma = data_or_null(in, 4);
  k.dx = out[0].data, k.dgamma = out[1].data, k.dbeta = out[2].data;
  k.n = g.n, k.channels = g.channels, k.spatial = g.spatial, k.groups = g.groups, k.channels_last = g.channels_last;
  const NormTable& t = c.kernels.norm;
  t.group_norm_grad[index_of(in[0].dtype)](k, c.scratch(t.group_norm_grad_scratch(k)));
}

Cost GroupNormGrad::cost(const GroupNormGrad&, In in, std::span<const Type> out) {
  return cost_of((kNormGradFlops + 4) * count_of(in[0]), in, out);
}

void GroupNormGrad::grad(const GroupNormGrad& a, GradCtx& c) {
  grad_by_reference(c, [&](std::span<const Tensor> in) {
    const GroupNormArgs g = group_sizes(name, in[0].view(), a.groups, a.channels_last);
    const Tensor gamma = per_group(in.size() > 4 ? in[4] : Tensor(), g);
    std::vector<Tensor> d = plain_grad(split_groups(in[0], g), split_groups(in[1], g), gamma, {-2, -1}, a.epsilon, false, {0, 3});
    return std::vector<Tensor>{join_groups(d[0], g, in[0].shape()), flat(d[1]), flat(d[2])};
  });
}

// ---- running averages ----

void EmaUpdate::infer(const EmaUpdate& a, In in, Types&) {
  require_float(name, "running", in[0]);
  require_same_dtype(name, "running", in[0], "value", in[1]);
  require_same_shape(name, "running", in[0], "value", in[1]);
  if (!(a.momentum >= 0 && a.momentum <= 1)) raise<ValueError>(name, ": momentum must be from 0 to 1, got ", a.momentum, ".");
}

void EmaUpdate::run(const EmaUpdate& a, Views in, Views, Context& c) {
  const double weights[] = {a.momentum, 1 - a.momentum};
  apply_binary(binary_fn(c.kernels.elementwise, BinaryKind::axpby, in[0].dtype), in[0], in[1], in[0], weights);
}

}  // namespace nacre::op

namespace nacre {
NACRE_DEFINE_OP(BatchNormTraining)
NACRE_DEFINE_OP(BatchNormInference)
NACRE_DEFINE_OP(BatchNormGrad)
NACRE_DEFINE_OP(LayerNorm)
NACRE_DEFINE_OP(RmsNorm)
NACRE_DEFINE_OP(GroupNorm)
NACRE_DEFINE_OP(LayerNormStats)
NACRE_DEFINE_OP(LayerNormGrad)
NACRE_DEFINE_OP(GroupNormStats)
NACRE_DEFINE_OP(GroupNormGrad)
NACRE_DEFINE_OP(EmaUpdate)
}  // namespace nacre
