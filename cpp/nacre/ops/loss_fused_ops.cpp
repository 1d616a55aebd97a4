// The fused pieces of the losses: softmax cross-entropy from logits (kernels/softmax.h) and the choice of one class per row.
#include <cstring>

#include "nacre/ops/loss.h"
#include "nacre/ops/nn_checks.h"
#include "nacre/ops/reference.h"

namespace nacre::op {

namespace {

Shape rows_of(const Shape& x) {
  Shape rows = x;
  rows.erase(rows.rank() - 1);
  return rows;
}

// y_true and logits at inputs 0 and 1; the shape of the rows.
Shape check_cross_entropy(std::string_view op, In in, double smoothing) {
  require_float(op, "logits", in[1]);
  if (in[1].shape.rank() == 0) raise<ShapeError>(op, ": logits must have a class axis [..., C], got a scalar.");
  require_not_empty(op, "logits", in[1], "classes", in[1].shape.back());
  const Shape rows = rows_of(in[1].shape);
  if (is_integer(in[0].dtype)) {
    require_shape(op, "y_true", in[0], rows, "(logits without the class axis)");
  } else {
    require_same_dtype(op, "y_true", in[0], "logits", in[1]);
    require_shape(op, "y_true", in[0], in[1].shape, "(that of the logits)");
  }
  if (!(smoothing >= 0 && smoothing <= 1)) raise<ValueError>(op, ": label_smoothing must be from 0 to 1, got ", smoothing, ".");
  return rows;
}

CrossEntropyArgs kernel_args(Views in, double smoothing) {
  CrossEntropyArgs k;
  k.logits = in[1].data;
  k.classes = in[1].shape.back();
  k.rows = rows_of(in[1].shape).count();
  if (is_integer(in[0].dtype))
    k.labels = in[0].data, k.label_dtype = in[0].dtype;
  else
    k.targets = in[0].data;
  k.label_smoothing = smoothing;
  return k;
}

void report(const IndexStatus& s, Dim limit, Context& c) {
  if (s.flag) c.status = {Status::index_out_of_range, s.position, s.value, limit};
}

// Runs the kernel on arguments that lack only the status.
void run_kernel(CrossEntropyFn fn, CrossEntropyArgs k, Context& c) {
  IndexStatus status;
  k.status = &status;
  fn(k);
  report(status, k.classes, c);
}

bool prepare_kernel(CrossEntropyFn fn, const CrossEntropyArgs& k, CallBuilder& calls) {
  struct Call {
    CrossEntropyFn fn;
    CrossEntropyArgs args;
  };
  calls.emit(Call{fn, k}, [](const Call& call, Context& c) { run_kernel(call.fn, call.args, c); });
  return true;
}

CrossEntropyArgs forward_args(const SoftmaxCrossEntropy& a, Views in, Views out) {
  CrossEntropyArgs k = kernel_args(in, a.label_smoothing);
  k.loss = out[0].data, k.lse = out[1].data;
  return k;
}

CrossEntropyArgs backward_args(const SoftmaxCrossEntropyGrad& a, Views in, Views out) {
  CrossEntropyArgs k = kernel_args(in, a.label_smoothing);
  k.lse = in[2].data, k.dloss = in[3].data, k.dlogits = out[0].data;
  return k;
}

// Smoothed targets [..., C] in plain ops.
Tensor plain_targets(const Tensor& y_true, const Tensor& logits, double smoothing) {
  const Dim classes = logits.shape().back();
  const Tensor t = is_integer(y_true.dtype()) ? one_hot(y_true, {.num_classes = classes, .dtype = logits.dtype()}) : y_true;
  return smoothing == 0 ? t : t * (1 - smoothing) + smoothing / static_cast<double>(classes);
}

}  // namespace

void SoftmaxCrossEntropy::infer(const SoftmaxCrossEntropy& a, In in, Types& out) {
  const Shape rows = check_cross_entropy(name, in, a.label_smoothing);
  out.push_back({in[1].dtype, rows});
  out.push_back({in[1].dtype, rows});
}

void SoftmaxCrossEntropy::run(const SoftmaxCrossEntropy& a, Views in, Views out, Context& c) {
  run_kernel(c.kernels.softmax.cross_entropy[index_of(in[1].dtype)], forward_args(a, in, out), c);
}

bool SoftmaxCrossEntropy::prepare(const SoftmaxCrossEntropy& a, Views in, Views out, CallBuilder& calls) {
  return prepare_kernel(calls.kernels.softmax.cross_entropy[index_of(in[1].dtype)], forward_args(a, in, out), calls);
}

void SoftmaxCrossEntropy::grad(const SoftmaxCrossEntropy& a, GradCtx& c) {
  if (c.has(1) || c.needs(0)) {
    grad_by_reference(c, [&](std::span<const Tensor> in) -> std::vector<Tensor> {
      const Tensor lse = logsumexp(in[1], {.axis = -1, .keepdims = true});
      return {sum(plain_targets(in[0], in[1], a.label_smoothing) * (lse - in[1]), {.axis = -1}), squeeze(lse, {.axis = -1})};
    });
    return;
  }
  if (!c.has(0)) return;
  const Tensor in[] = {c.in(0), c.in(1), c.out(1), c.dy(0)};
  c.dx(1, softmax_cross_entropy_grad(in, {.label_smoothing = a.label_smoothing}));
}

void SoftmaxCrossEntropyGrad::infer(const SoftmaxCrossEntropyGrad& a, In in, Types& out) {
  const Shape rows = check_cross_entropy(name, in, a.label_smoothing);
  require_shape(name, "lse", in[2], rows, "(logits without the class axis)");
  require_shape(name, "dloss", in[3], rows, "(logits without the class axis)");
  require_same_dtype(name, "logits", in[1], "lse", in[2]);
  require_same_dtype(name, "logits", in[1], "dloss", in[3]);
  out.push_back(in[1]);
}

void SoftmaxCrossEntropyGrad::run(const SoftmaxCrossEntropyGrad& a, Views in, Views out, Context& c) {
  run_kernel(c.kernels.softmax.cross_entropy_grad[index_of(in[1].dtype)], backward_args(a, in, out), c);
}

bool SoftmaxCrossEntropyGrad::prepare(const SoftmaxCrossEntropyGrad& a, Views in, Views out, CallBuilder& calls) {
  return prepare_kernel(calls.kernels.softmax.cross_entropy_grad[index_of(in[1].dtype)], backward_args(a, in, out), calls);
}

void SoftmaxCrossEntropyGrad::grad(const SoftmaxCrossEntropyGrad& a, GradCtx& c) {
  grad_by_reference(c, [&](std::span<const Tensor> in) -> std::vector<Tensor> {
    const Tensor t = plain_targets(in[0], in[1], a.label_smoothing);
    const Tensor d = softmax(in[1], {.axis = -1}) * sum(t, {.axis = -1, .keepdims = true}) - t;
    return {expand_dims(in[3], {.axis = {-1}}) * d};
  });
}

// ---- one class per row ----

namespace {

template <class L>
bool labels_ok(const View& labels, Dim classes, Context& c) {
  const L* p = labels.as<L>();
  for (Dim i = 0, n = labels.count(); i < n; ++i) {
    if (static_cast<std::int64_t>(p[i]) < 0 || static_cast<std::int64_t>(p[i]) >= classes) {
      c.status = {Status::index_out_of_range, i, static_cast<std::int64_t>(p[i]), classes};
      return false;
    }
  }
  return true;
}
// The kernels let negative indices count from the end; as a class that would be a mistake.
bool labels_ok(const View& labels, Dim classes, Context& c) {
  switch (labels.dtype) {
    case DType::uint8: return labels_ok<std::uint8_t>(labels, classes, c);
    case DType::int8: return labels_ok<std::int8_t>(labels, classes, c);
    case DType::int32: return labels_ok<std::int32_t>(labels, classes, c);
    default: return labels_ok<std::int64_t>(labels, classes, c);
  }
}

AlongAxisArgs along_rows(const View& labels, Dim classes, DType dtype, IndexStatus* status) {
  AlongAxisArgs k;
  k.index = labels.data, k.index_dtype = labels.dtype;
  k.outer = labels.count(), k.axis = classes, k.n = 1;
  k.item_size = size_of(dtype);
  k.status = status;
  return k;
}

}  // namespace

void PickClass::infer(const PickClass&, In in, Types& out) {
  require_float(name, "x", in[0]);
  require_indices(name, "labels", in[1]);
  if (in[0].shape.rank() == 0) raise<ShapeError>(name, ": x must have a class axis [..., C], got a scalar.");
  const Shape rows = rows_of(in[0].shape);
  require_shape(name, "labels", in[1], rows, "(x without the class axis)");
  out.push_back({in[0].dtype, rows});
}

void PickClass::run(const PickClass&, Views in, Views out, Context& c) {
  const Dim classes = in[0].shape.back();
  if (!labels_ok(in[1], classes, c)) return;
  IndexStatus status;
  AlongAxisArgs k = along_rows(in[1], classes, in[0].dtype, &status);
  k.x = in[0].data, k.y = out[0].data;
  c.kernels.index.take_along_axis(k);
}

void PickClass::grad(const PickClass&, GradCtx& c) {
  if (c.needs(0)) c.dx(0, pick_class_grad(c.dy(), c.in(1), {.classes = c.in_type(0).shape.back()}));
}

void PickClassGrad::infer(const PickClassGrad& a, In in, Types& out) {
  require_float(name, "dy", in[0]);
  require_indices(name, "labels", in[1]);
  require_same_shape(name, "dy", in[0], "labels", in[1]);
  if (a.classes < 1) raise<ValueError>(name, ": classes must be >= 1, got ", a.classes, ".");
  Shape x = in[0].shape;
  x.push_back(a.classes);
  out.push_back({in[0].dtype, x});
}

void PickClassGrad::run(const PickClassGrad& a, Views in, Views out, Context& c) {
  if (!labels_ok(in[1], a.classes, c)) return;
  std::memset(out[0].data, 0, static_cast<std::size_t>(out[0].count() * size_of(out[0].dtype)));
  IndexStatus status;
  AlongAxisArgs k = along_rows(in[1], a.classes, in[0].dtype, &status);
  k.x = out[0].data, k.y = in[0].data;
  c.kernels.index.put_along_axis_add[index_of(in[0].dtype)](k);
}

void PickClassGrad::grad(const PickClassGrad&, GradCtx& c) {
  if (c.needs(0)) c.dx(0, pick_class(c.dy(), c.in(1)));
}

}  // namespace nacre::op

namespace nacre {
NACRE_DEFINE_OP(SoftmaxCrossEntropy)
NACRE_DEFINE_OP(SoftmaxCrossEntropyGrad)
NACRE_DEFINE_OP(PickClass)
NACRE_DEFINE_OP(PickClassGrad)
}  // namespace nacre
