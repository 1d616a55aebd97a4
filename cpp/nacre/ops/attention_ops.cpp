// Scaled dot-product attention: shape rules, kernels, gradient and reference. The kernels and formulas: kernels/attention.h.
#include <cmath>
#include <limits>

#include "nacre/ops/attention.h"
#include "nacre/ops/nn_checks.h"
#include "nacre/ops/reference.h"
#include "nacre/tensor/copy.h"

namespace nacre::op {

namespace {

// Checks query, key, value and the masks at inputs m and m + 1.
void check_attention(std::string_view op, In in, int m) {
  constexpr std::string_view names[] = {"query", "key", "value"};
  for (int k = 0; k < 3; ++k) {
    require_float(op, names[k], in[k]);
    require_rank(op, names[k], in[k], 4, "[B, T, H, D]");
    require_same_dtype(op, names[0], in[0], names[k], in[k]);
  }
  const Shape &q = in[0].shape, &k = in[1].shape, &v = in[2].shape;
  if (k[0] != q[0] || v[0] != q[0] || k[2] != q[2] || v[2] != q[2]) {
    raise<ShapeError>(op, ": query ", q, ", key ", k, " and value ", v, " must agree in batch (axis 0) and heads (axis 2).");
  }
  if (k[3] != q[3] || q[3] < 1) raise<ShapeError>(op, ": query ", q, " and key ", k, " must agree in width (axis 3), at least 1.");
  if (v[1] != k[1]) raise<ShapeError>(op, ": key ", k, " and value ", v, " must have as many positions (axis 1).");
  const Shape scores{q[0], q[2], q[1], k[1]};
  const auto fits = [&](std::string_view arg, int at) {
    const Shape& s = in[at].shape;
    bool ok = s.rank() <= 4;
    for (int i = 0; i < s.rank() && ok; ++i) ok = s[i] == 1 || s[i] == scores[4 - s.rank() + i];
    if (!ok) raise<ShapeError>(op, ": ", arg, " ", s, " does not broadcast to the scores [B, H, Tq, Tk] = ", scores, ".");
  };
  if (in.has(m)) {
    require_bool(op, "mask", in[m]);
    fits("mask", m);
  }
  if (in.has(m + 1)) {
    require_same_dtype(op, "query", in[0], "bias", in[m + 1]);
    fits("bias", m + 1);
  }
}
void check_scale(std::string_view op, double scale) { require_finite(op, "scale", scale); }

// The kernels want the last axis contiguous; anything else is copied.
AttentionOperand operand(const View& x, Context& c) {
  if (x.strides[3] == 1 || x.shape[3] == 1) return {x.data, x.strides[0], x.strides[2], x.strides[1]};
  View copy = x;
  copy.set_contiguous_strides();
  copy.data = c.scratch(x.count() * size_of(x.dtype));
  copy_values(x, copy);
  return {copy.data, copy.strides[0], copy.strides[2], copy.strides[1]};
}
AttentionMask mask_operand(Views in, int at) {
  if (!in.has(at)) return {};
  const View& m = in[at];
  Dim strides[4] = {};
  for (int i = 0; i < m.shape.rank(); ++i) {
    if (m.shape[i] != 1) strides[4 - m.shape.rank() + i] = m.strides[i];
  }
  return {m.data, strides[0], strides[1], strides[2], strides[3]};
}

template <class A>
AttentionArgs kernel_args(const A& a, Views in, int m, Context& c) {
  AttentionArgs k;
  const Shape &q = in[0].shape, &v = in[2].shape;
  k.dtype = in[0].dtype;
  k.causal = a.causal;
  k.scale = a.scale;
  k.batch = q[0], k.queries = q[1], k.heads = q[2], k.width = q[3], k.keys = v[1], k.value_width = v[3];
  k.q = operand(in[0], c), k.k = operand(in[1], c), k.v = operand(in[2], c);
  k.bool_mask = mask_operand(in, m);
  k.add_mask = mask_operand(in, m + 1);
  return k;
}

// ---- the same in plain ops ----

Tensor heads_first(const Tensor& x) { return transpose(x, {.axes = {0, 2, 1, 3}}); }  // [B,T,H,D] to [B,H,T,D] and back

struct Plain {
  Tensor p, scores;  // [B,H,Tq,Tk]; forbidden scores are -1e30, whose exponential is exactly 0
};
Plain plain_attention(const Tensor& q, const Tensor& k, const Tensor& mask, const Tensor& bias, double scale, bool causal) {
  Tensor s = matmul(q, k, {.transpose_b = true}) * scale;
  Tensor allowed = mask;
  const auto also = [&](const Tensor& more) { allowed = allowed.defined() ? logical_and(allowed, more) : more; };
  if (bias.defined()) {
    s = s + bias;
    also(greater(s.detach(), weak_scalar(-std::numeric_limits<double>::infinity(), s)));
  }
  if (causal) {
    const double tq = static_cast<double>(q.shape()[2]), tk = static_cast<double>(k.shape()[2]);
    const Tensor row = reshape(arange({.start = 0, .stop = tq, .dtype = DType::int64}), {.newshape = {-1, 1}});
    also(greater_equal(row, arange({.start = 0, .stop = tk, .dtype = DType::int64})));
  }
  if (!allowed.defined()) return {softmax(s, {.axis = -1}), s};
  s = where(allowed, s, weak_scalar(-1e30, s));
  return {where(allowed, softmax(s, {.axis = -1}), weak_scalar(0, s)), s};
}

}  // namespace

void DotProductAttention::infer(const DotProductAttention& a, In in, Types& out) {
  check_attention(name, in, 3);
  check_scale(name, a.scale);
  const Shape& q = in[0].shape;
  out.push_back({in[0].dtype, {q[0], q[1], q[2], in[2].shape[3]}});
}

Tensor DotProductAttention::compound(const DotProductAttention& a, std::span<const Tensor> in) {
  const double scale = a.scale != 0 ? a.scale : 1 / std::sqrt(static_cast<double>(in[0].shape()[3]));
  return attention_lse(in, {.scale = scale, .causal = a.causal})[0];
}

void Attention::infer(const Attention& a, In in, Types& out) {
  check_attention(name, in, 3);
  check_scale(name, a.scale);
  const Shape& q = in[0].shape;
  out.push_back({in[0].dtype, {q[0], q[1], q[2], in[2].shape[3]}});
  out.push_back({in[0].dtype, {q[0], q[2], q[1]}});
}

namespace {
// `keys` and `values` products of the size of the scores with the width of each; causal ones stop at the diagonal.
Cost attention_cost(double keys, double values, bool causal, In in, std::span<const Type> out) {
  const Shape &q = in[0].shape, &v = in[2].shape;
  const double scores = static_cast<double>(q[0] * q[2] * q[1]) * static_cast<double>(causal && q[1] == v[1] ? v[1] + 1 : 2 * v[1]);
  return cost_of(scores * (keys * static_cast<double>(q[3]) + values * static_cast<double>(v[3])), in, out);
}
}  // namespace

Cost Attention::cost(const Attention& a, In in, std::span<const Type> out) { return attention_cost(1, 1, a.causal, in, out); }

void Attention::run(const Attention& a, Views in, Views out, Context& c) {
  AttentionArgs k = kernel_args(a, in, 3, c);
  k.o = operand(out[0], c);
  k.lse = out[1].data;
  const AttentionTable& t = c.kernels.attention;
  t.forward(k, c.scratch(t.forward_scratch(k)));
}

void Attention::grad(const Attention& a, GradCtx& c) {
  if (c.has(1) || (c.has_in(4) && c.needs(4))) {
    grad_by_reference(c, [&](std::span<const Tensor> in) -> std::vector<Tensor> {
      const Plain p = plain_attention(heads_first(in[0]), heads_first(in[1]), in.size() > 3 ? in[3] : Tensor(),
                                      in.size() > 4 ? in[4] : Tensor(), a.scale, a.causal);
      return {heads_first(matmul(p.p, heads_first(in[2]))), logsumexp(p.scores, {.axis = -1})};
    });
    return;
  }
  const Tensor in[] = {
      c.in(0), c.in(1), c.in(2), c.dy(0), c.out(0), c.out(1), c.has_in(3) ? c.in(3) : Tensor(), c.has_in(4) ? c.in(4) : Tensor()};
  const std::vector<Tensor> d = attention_grad(in, {.scale = a.scale, .causal = a.causal});
  for (int k = 0; k < 3; ++k) {
    if (c.needs(k)) c.dx(k, d[static_cast<std::size_t>(k)]);
  }
}

void AttentionGrad::infer(const AttentionGrad& a, In in, Types& out) {
  check_attention(name, in, 6);
  check_scale(name, a.scale);
  const Shape& q = in[0].shape;
  const Shape o{q[0], q[1], q[2], in[2].shape[3]};
  require_shape(name, "dy", in[3], o, "(that of the output)");
  require_shape(name, "o", in[4], o, "(that of the output)");
  require_shape(name, "lse", in[5], {q[0], q[2], q[1]}, "[B, H, Tq]");
  require_same_dtype(name, "query", in[0], "dy", in[3]);
  require_same_dtype(name, "query", in[0], "o", in[4]);
  require_same_dtype(name, "query", in[0], "lse", in[5]);
  for (int k = 0; k < 3; ++k) out.push_back(in[k]);
}

// The scores again, dquery and dkey; dy value and dvalue.
Cost AttentionGrad::cost(const AttentionGrad& a, In in, std::span<const Type> out) {
  return attention_cost(3, 2, a.causal, in, out);
}

void AttentionGrad::run(const AttentionGrad& a, Views in, Views out, Context& c) {
  AttentionArgs k = kernel_args(a, in, 6, c);
  k.dout = operand(in[3], c);
  k.o = operand(in[4], c);
  View lse = in[5];
  if (!lse.contiguous()) {
    lse.set_contiguous_strides();
    lse.data = c.scratch(lse.count() * size_of(lse.dtype));
    copy_values(in[5], lse);
  }
  k.lse = lse.data;
  k.dq = operand(out[0], c), k.dk = operand(out[1], c), k.dv = operand(out[2], c);
  const AttentionTable& t = c.kernels.attention;
  t.backward(k, c.scratch(t.backward_scratch(k)));
}

void AttentionGrad::grad(const AttentionGrad& a, GradCtx& c) {
  grad_by_reference(c, [&](std::span<const Tensor> in) -> std::vector<Tensor> {
    const Tensor q = heads_first(in[0]), k = heads_first(in[1]), v = heads_first(in[2]), dy = heads_first(in[3]);
    const Tensor p = plain_attention(q, k, in.size() > 6 ? in[6] : Tensor(), in.size() > 7 ? in[7] : Tensor(), a.scale, a.causal).p;
    const Tensor dp = matmul(dy, v, {.transpose_b = true});
    const Tensor ds = p * (dp - sum(p * dp, {.axis = -1, .keepdims = true})) * a.scale;
    return {heads_first(matmul(ds, k)), heads_first(matmul(ds, q, {.transpose_a = true})),
            heads_first(matmul(p, dy, {.transpose_a = true}))};
  });
}

}  // namespace nacre::op

namespace nacre {
NACRE_DEFINE_OP(DotProductAttention)
NACRE_DEFINE_OP(Attention)
NACRE_DEFINE_OP(AttentionGrad)
}  // namespace nacre
