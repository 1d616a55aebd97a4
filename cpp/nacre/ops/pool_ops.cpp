// Pooling: shape rules, kernels and gradients. The kernels: kernels/pool.h.
//
// max:  y = x[argmax],  dx = sum of dy at argmax (max_pool2d_grad), whose own gradient picks at argmax (max_pool2d_take), and so on.
// mean: linear, so average_pool2d and average_pool2d_grad are each other's gradients.
#include <cstring>

#include "nacre/base/threads.h"
#include "nacre/ops/nn_checks.h"
#include "nacre/ops/pool.h"
#include "nacre/ops/window.h"

namespace nacre::op {

namespace {

// ---- the plain forms: [N,H,W,C], explicit pads ----

template <class A>
Pool2dArgs geometry(const A& a, const Shape& x) {
  constexpr std::string_view op = A::name;
  if (a.pool_size.size() != 2 || a.strides.size() != 2 || a.pads.size() != 4) {
    raise<ValueError>(op, ": pool_size and strides need 2 numbers and pads 4, got ", a.pool_size, ", ", a.strides, ", ", a.pads,
                      ".");
  }
  const Text padding = "explicit";
  const WindowSpec spec{op, 2, a.strides, padding, a.pads, nullptr};
  WindowAxis axis[2];
  for (int i = 0; i < 2; ++i) {
    require_count(op, "pool_size", a.pool_size[i], 1);
    axis[i] = window_axis(spec, i, x[1 + i], a.pool_size[i], "pool_size");
    if (axis[i].before >= axis[i].kernel || axis[i].after >= axis[i].kernel) {
      raise<ValueError>(op, ": pads must be smaller than pool_size, or a window could be empty; got pads ", a.pads,
                        " and pool_size ", a.pool_size, ".");
    }
    if (axis[i].size == 0) raise<ShapeError>(op, ": x has no elements along spatial axis ", i, " (shape ", x, ").");
  }
  const WindowAxis &h = axis[0], &w = axis[1];
  Pool2dArgs p;
  p.n = x[0], p.h = h.size, p.w = w.size, p.c = x[3], p.oh = h.out, p.ow = w.out;
  p.kh = h.kernel, p.kw = w.kernel, p.sh = h.stride, p.sw = w.stride;
  p.pad_top = h.before, p.pad_bottom = h.after, p.pad_left = w.before, p.pad_right = w.after;
  return p;
}

void require_positions(std::string_view op, Dim h, Dim w) {
  if (checked_mul(op, h, w) > kLargestCount) {
    raise<ShapeError>(op, ": an image of ", h, " x ", w, " has more than ", kLargestCount, " positions. Use a smaller image.");
  }
}
void check_size(std::string_view op, const IntList& size) {
  if (size.size() != 2 || size[0] < 0 || size[1] < 0)
    raise<ValueError>(op, ": size must be the height and width of the image, got ", size, ".");
}
void check_argmax(std::string_view op, const Type& t) {
  if (t.dtype != DType::int32) raise<DTypeError>(op, ": argmax must be int32, got ", t.dtype, ".");
}

}  // namespace

void MaxPool2d::infer(const MaxPool2d& a, In in, Types& out) {
  require_number(name, "x", in[0]);
  require_rank(name, "x", in[0], 4, "[N, H, W, C]");
  const Pool2dArgs p = geometry(a, in[0].shape);
  require_positions(name, p.h, p.w);
  const Shape y{p.n, p.oh, p.ow, p.c};
  out.push_back({in[0].dtype, y});
  out.push_back({DType::int32, y});
}

void MaxPool2d::run(const MaxPool2d& a, Views in, Views out, Context& c) {
  Pool2dArgs p = geometry(a, in[0].shape);
  p.x = in[0].data, p.y = out[0].data, p.argmax = out[1].as<std::int32_t>();
  c.kernels.pool.max_pool2d[index_of(in[0].dtype)](p);
}

void MaxPool2d::grad(const MaxPool2d&, GradCtx& c) {
  const Shape& x = c.in_type(0).shape;
  if (c.has(0)) c.dx(0, max_pool2d_grad(c.dy(0), c.out(1), {.size = {x[1], x[2]}}));
}

void MaxPool2dGrad::infer(const MaxPool2dGrad& a, In in, Types& out) {
  require_float(name, "dy", in[0]);
  require_rank(name, "dy", in[0], 4, "[N, OH, OW, C]");
  check_argmax(name, in[1]);
  require_shape(name, "argmax", in[1], in[0].shape, "(that of dy)");
  check_size(name, a.size);
  require_positions(name, a.size[0], a.size[1]);
  out.push_back({in[0].dtype, {in[0].shape[0], a.size[0], a.size[1], in[0].shape[3]}});
}

namespace {
// Positions made by hand may be anything: the first outside [-1, H*W) is reported. -1 marks an empty window.
bool positions_ok(const View& argmax, Dim positions, Context& c) {
  const auto* p = argmax.as<std::int32_t>();
  for (Dim i = 0, n = argmax.count(); i < n; ++i) {
    if (p[i] < -1 || p[i] >= positions) {
      c.status = {Status::index_out_of_range, i, p[i], positions};
      return false;
    }
  }
  return true;
}
}  // namespace

void MaxPool2dGrad::run(const MaxPool2dGrad& a, Views in, Views out, Context& c) {
  if (!positions_ok(in[1], a.size[0] * a.size[1], c)) return;
  Pool2dArgs p;
  const Shape& dy = in[0].shape;
  p.n = dy[0], p.oh = dy[1], p.ow = dy[2], p.c = dy[3], p.h = a.size[0], p.w = a.size[1];
  p.dy = in[0].data, p.argmax = in[1].as<std::int32_t>(), p.dx = out[0].data;
  c.kernels.pool.max_pool2d_grad[index_of(in[0].dtype)](p);
}

void MaxPool2dGrad::grad(const MaxPool2dGrad&, GradCtx& c) {
  if (c.needs(0)) c.dx(0, max_pool2d_take(c.dy(), c.in(1)));
}

void MaxPool2dTake::infer(const MaxPool2dTake&, In in, Types& out) {
  require_float(name, "x", in[0]);
  require_rank(name, "x", in[0], 4, "[N, H, W, C]");
  check_argmax(name, in[1]);
  require_rank(name, "argmax", in[1], 4, "[N, OH, OW, C]");
  if (in[1].shape[0] != in[0].shape[0] || in[1].shape[3] != in[0].shape[3]) {
    raise<ShapeError>(name, ": argmax ", in[1].shape, " and x ", in[0].shape, " must agree in N and C.");
  }
  out.push_back({in[0].dtype, in[1].shape});
}

namespace {
template <class T>
void take_positions(const View& x, const View& argmax, const View& y) {
  const Dim image = x.shape[1] * x.shape[2] * x.shape[3], channels = x.shape[3], outputs = argmax.shape[1] * argmax.shape[2];
  const T* px = x.as<T>();
  const auto* pa = argmax.as<std::int32_t>();
  T* py = y.as<T>();
  parallel_for(x.shape[0], 1, [&](Dim begin, Dim end, int) {
    for (Dim n = begin; n < end; ++n) {
      for (Dim i = 0; i < outputs * channels; ++i) {
        const Dim at = n * outputs * channels + i, position = pa[at];
        py[at] = position < 0 ? T(0) : px[n * image + position * channels + i % channels];
      }
    }
  });
}
}  // namespace

void MaxPool2dTake::run(const MaxPool2dTake&, Views in, Views out, Context& c) {
  if (!positions_ok(in[1], in[0].shape[1] * in[0].shape[2], c)) return;
  if (in[0].dtype == DType::float32)
    take_positions<float>(in[0], in[1], out[0]);
  else
    take_positions<double>(in[0], in[1], out[0]);
}

void MaxPool2dTake::grad(const MaxPool2dTake&, GradCtx& c) {
  const Shape& x = c.in_type(0).shape;
  if (c.needs(0)) c.dx(0, max_pool2d_grad(c.dy(), c.in(1), {.size = {x[1], x[2]}}));
}

void AveragePool2d::infer(const AveragePool2d& a, In in, Types& out) {
  require_float(name, "x", in[0]);
  require_rank(name, "x", in[0], 4, "[N, H, W, C]");
  const Pool2dArgs p = geometry(a, in[0].shape);
  out.push_back({in[0].dtype, {p.n, p.oh, p.ow, p.c}});
}

void AveragePool2d::run(const AveragePool2d& a, Views in, Views out, Context& c) {
  Pool2dArgs p = geometry(a, in[0].shape);
  p.x = in[0].data, p.y = out[0].data;
  c.kernels.pool.avg_pool2d[index_of(in[0].dtype)](p);
}

void AveragePool2d::grad(const AveragePool2d& a, GradCtx& c) {
  const Shape& x = c.in_type(0).shape;
  if (c.needs(0))
    c.dx(0, average_pool2d_grad(c.dy(), {.size = {x[1], x[2]}, .pool_size = a.pool_size, .strides = a.strides, .pads = a.pads}));
}

void AveragePool2dGrad::infer(const AveragePool2dGrad& a, In in, Types& out) {
  require_float(name, "dy", in[0]);
  require_rank(name, "dy", in[0], 4, "[N, OH, OW, C]");
  check_size(name, a.size);
  const Shape x{in[0].shape[0], a.size[0], a.size[1], in[0].shape[3]};
  const Pool2dArgs p = geometry(a, x);
  require_shape(name, "dy", in[0], {p.n, p.oh, p.ow, p.c}, "[N, OH, OW, C]");
  out.push_back({in[0].dtype, x});
}

void AveragePool2dGrad::run(const AveragePool2dGrad& a, Views in, Views out, Context& c) {
  Pool2dArgs p = geometry(a, out[0].shape);
  p.dy = in[0].data, p.dx = out[0].data;
  c.kernels.pool.avg_pool2d_grad[index_of(in[0].dtype)](p);
}

void AveragePool2dGrad::grad(const AveragePool2dGrad& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, average_pool2d(c.dy(), {.pool_size = a.pool_size, .strides = a.strides, .pads = a.pads}));
}

// ---- the public forms ----

namespace {

// Any layout and padding brought to [N,H,W,C] and explicit pads; sequences have H = 1.
struct Plan {
  bool last = true;
  IntList pool_size = {1, 1}, strides = {1, 1}, pads = {0, 0, 0, 0};
  Shape y;  // in the user's layout
};

int spatial_axes(std::string_view op, const Type& x) {
  const int rank = x.shape.rank();
  if (rank != 3 && rank != 4) raise<ShapeError>(op, ": x must have rank 3 (sequences) or 4 (images), got shape ", x.shape, ".");
  return rank - 2;
}

template <class A>
Plan plan_pool(const A& a, const Type& x) {
  constexpr std::string_view op = A::name;
  const int spatial = spatial_axes(op, x);
  Plan p;
  p.last = channels_last(op, a.data_format);
  if (a.pool_size.size() == 0) raise<ValueError>(op, ": pool_size must be one number or ", spatial, ", got [].");
  const IntList pool = spatial_list(op, "pool_size", a.pool_size, spatial, 1, 1);
  const WindowSpec spec{op, spatial, a.strides.size() ? a.strides : pool, a.padding, a.pads, nullptr};
  p.y = x.shape;
  for (int i = 0; i < spatial; ++i) {
    const int axis = (p.last ? 1 : 2) + i, at = 2 - spatial + i;
    const WindowAxis w = window_axis(spec, i, x.shape[axis], pool[i], "pool_size");
    if (w.before >= w.kernel || w.after >= w.kernel) {
      raise<ValueError>(op, ": pads must be smaller than pool_size, or a window could be empty; got pads ", a.pads,
                        " and pool_size ", a.pool_size, ".");
    }
    if (w.size == 0) raise<ShapeError>(op, ": x has no elements along spatial axis ", i, " (shape ", x.shape, ").");
    p.pool_size[at] = w.kernel;
    p.strides[at] = w.stride;
    p.pads[2 * at] = w.before;
    p.pads[2 * at + 1] = w.after;
    p.y[axis] = w.out;
  }
  return p;
}

Tensor to_nhwc(const Tensor& x, bool last) {
  const Tensor y = last ? x : x.rank() == 3 ? transpose(x, {.axes = {0, 2, 1}}) : transpose(x, {.axes = {0, 2, 3, 1}});
  return y.rank() == 3 ? expand_dims(y, {.axis = {1}}) : y;
}
Tensor from_nhwc(const Tensor& x, int rank, bool last) {
  const Tensor y = rank == 3 ? squeeze(x, {.axis = 1}) : x;
  if (last) return y;
  return rank == 3 ? transpose(y, {.axes = {0, 2, 1}}) : transpose(y, {.axes = {0, 3, 1, 2}});
}

template <class A>
Type global_type(const A& a, const Type& x) {
  constexpr std::string_view op = A::name;
  const int spatial = spatial_axes(op, x);
  const bool last = channels_last(op, a.data_format);
  Shape y{x.shape[0]};
  if (!last) y.push_back(x.shape[1]);
  for (int i = 0; i < spatial; ++i) {
    require_not_empty(op, "x", x, "elements along a spatial axis", x.shape[(last ? 1 : 2) + i]);
    if (a.keepdims) y.push_back(1);
  }
  if (last) y.push_back(x.shape.back());
  return {x.dtype, y};
}

IntList spatial_positions(int rank, bool last) {
  if (rank == 3) return {last ? 1 : 2};
  return last ? IntList{1, 2} : IntList{2, 3};
}

}  // namespace

void MaxPool::infer(const MaxPool& a, In in, Types& out) {
  require_number(name, "x", in[0]);
  out.push_back({in[0].dtype, plan_pool(a, in[0]).y});
}

Tensor MaxPool::compound(const MaxPool& a, std::span<const Tensor> in) {
  const Plan p = plan_pool(a, in[0].view());
  const Tensor y = max_pool2d(to_nhwc(in[0], p.last), {.pool_size = p.pool_size, .strides = p.strides, .pads = p.pads})[0];
  return from_nhwc(y, in[0].rank(), p.last);
}

void AveragePool::infer(const AveragePool& a, In in, Types& out) {
  require_float(name, "x", in[0]);
  out.push_back({in[0].dtype, plan_pool(a, in[0]).y});
}

Tensor AveragePool::compound(const AveragePool& a, std::span<const Tensor> in) {
  const Plan p = plan_pool(a, in[0].view());
  const Tensor y = average_pool2d(to_nhwc(in[0], p.last), {.pool_size = p.pool_size, .strides = p.strides, .pads = p.pads});
  return from_nhwc(y, in[0].rank(), p.last);
}

void GlobalMaxPool::infer(const GlobalMaxPool& a, In in, Types& out) {
  require_number(name, "x", in[0]);
  out.push_back(global_type(a, in[0]));
}

Tensor GlobalMaxPool::compound(const GlobalMaxPool& a, std::span<const Tensor> in) {
  const bool last = channels_last(name, a.data_format);
  const Tensor x = to_nhwc(in[0], last);
  const IntList all{x.shape()[1], x.shape()[2]};
  const Tensor y = from_nhwc(max_pool2d(x, {.pool_size = all, .strides = all})[0], in[0].rank(), last);
  return a.keepdims ? y : squeeze(y, {.axis = spatial_positions(in[0].rank(), last)});
}

void GlobalAveragePool::infer(const GlobalAveragePool& a, In in, Types& out) {
  require_float(name, "x", in[0]);
  out.push_back(global_type(a, in[0]));
}

Tensor GlobalAveragePool::compound(const GlobalAveragePool& a, std::span<const Tensor> in) {
  return mean(in[0], {.axis = spatial_positions(in[0].rank(), channels_last(name, a.data_format)), .keepdims = a.keepdims});
}

}  // namespace nacre::op

namespace nacre {
NACRE_DEFINE_OP(MaxPool)
NACRE_DEFINE_OP(AveragePool)
NACRE_DEFINE_OP(GlobalMaxPool)
NACRE_DEFINE_OP(GlobalAveragePool)
NACRE_DEFINE_OP(MaxPool2d)
NACRE_DEFINE_OP(MaxPool2dGrad)
NACRE_DEFINE_OP(MaxPool2dTake)
NACRE_DEFINE_OP(AveragePool2d)
NACRE_DEFINE_OP(AveragePool2dGrad)
}  // namespace nacre
