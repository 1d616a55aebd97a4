// Index ops: shape rules, calls of the index kernels, gradients. Reading and adding are each other's gradients.
#include "nacre/ops/index_ops.h"

#include <cstring>

#include "nacre/ops/rules.h"
#include "nacre/ops/view_rules.h"

namespace nacre::op {

namespace {

void require_index(std::string_view op, std::string_view arg, const Type& t) {
  if (!is_integer(t.dtype)) raise<DTypeError>(op, ": ", arg, " must be integers, got ", t.dtype, ". Use cast(", arg, ", 'int64').");
}

// Sums exist for these only.
void require_summable(std::string_view op, std::string_view arg, const Type& t) {
  refuse_storage_only(op, arg, t.dtype);
  if (t.dtype == DType::boolean)
    raise<DTypeError>(op, ": ", arg, " must hold numbers, got bool. Use cast(", arg, ", 'int32') first.");
}

void report(Context& c, const IndexStatus& s, Dim limit) {
  if (s.flag) c.status = {Status::index_out_of_range, s.position, s.value, limit};
}

std::int64_t read_index(const View& v, Dim offset) {
  switch (v.dtype) {
    case DType::int64: return v.as<std::int64_t>()[offset];
    case DType::int32: return v.as<std::int32_t>()[offset];
    case DType::int8: return v.as<std::int8_t>()[offset];
    default: return v.as<std::uint8_t>()[offset];
  }
}

// The shape and axis that take works on: with axis None the tensor counts as flat.
Shape take_shape(std::string_view op, const Axes& axis, const Shape& x, int& k) {
  k = 0;
  if (axis.all) return {x.count()};
  if (axis.list.size() != 1) raise<ValueError>(op, ": axis ", axis.list, " must be one number or None.");
  k = normalize_axis(op, axis.list[0], x.rank());
  return x;
}

// x.shape[:axis] + indices.shape + x.shape[axis + 1:]
Shape taken_shape(std::string_view op, const Shape& x, int axis, const Shape& indices) {
  if (x.rank() - 1 + indices.rank() > kMaxRank) {
    raise<ShapeError>(op, ": x of shape ", x, " and indices of shape ", indices, " give more than ", kMaxRank, " axes.");
  }
  Shape y;
  for (int i = 0; i < axis; ++i) y.push_back(x[i]);
  for (Dim d : indices) y.push_back(d);
  for (int i = axis + 1; i < x.rank(); ++i) y.push_back(x[i]);
  return y;
}

template <class Args>
Args index_args(const View& index, const AxisSizes& s) {
  Args a;
  a.index = index.data;
  a.index_dtype = index.dtype;
  a.outer = s.outer;
  a.axis = s.size;
  a.inner = s.inner;
  return a;
}

void run_gather(const View& x, const View& index, const AxisSizes& s, const View& y, Dim limit, Context& c) {
  IndexStatus status;
  auto a = index_args<GatherArgs>(index, s);
  a.x = x.data;
  a.y = y.data;
  a.n_index = index.count();
  a.item_size = size_of(x.dtype);
  a.status = &status;
  c.kernels.index.gather(a);
  report(c, status, limit);
}

// y[index] += updates, on the contiguous y.
void run_scatter_add(const View& y, const View& index, const AxisSizes& s, const View& updates, Context& c) {
  IndexStatus status;
  auto a = index_args<ScatterArgs>(index, s);
  a.x = y.data;
  a.y = updates.data;
  a.n_index = index.count();
  a.item_size = size_of(y.dtype);
  a.status = &status;
  c.kernels.index.scatter_add[static_cast<int>(y.dtype)](a);
  report(c, status, s.size);
}

}  // namespace

// ---- take ----

void Take::infer(const Take& a, In in, Types& out) {
  require_index(name, "indices", in[1]);
  int axis;
  const Shape x = take_shape(name, a.axis, in[0].shape, axis);
  const Type t{in[0].dtype, taken_shape(name, x, axis, in[1].shape)};
  checked_count(name, t.shape, t.dtype);
  out.push_back(t);
}
void Take::run(const Take& a, Views in, Views out, Context& c) {
  int axis;
  const Shape x = take_shape(name, a.axis, in[0].shape, axis);
  run_gather(in[0], in[1], axis_sizes(x, axis), out[0], x[axis], c);
}
void Take::grad(const Take& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, take_grad(c.dy(), c.in(1), {.shape = c.in_type(0).shape, .axis = a.axis}));
}

void TakeGrad::infer(const TakeGrad& a, In in, Types& out) {
  require_summable(name, "dy", in[0]);
  require_index(name, "indices", in[1]);
  const Shape shape = shape_from(name, "shape", a.shape, in[0].dtype);
  int axis;
  const Shape x = take_shape(name, a.axis, shape, axis);
  const Shape expected = taken_shape(name, x, axis, in[1].shape);
  if (!(in[0].shape == expected)) raise<ShapeError>(name, ": dy has shape ", in[0].shape, " but take gives ", expected, ".");
  out.push_back({in[0].dtype, shape});
}
void TakeGrad::run(const TakeGrad& a, Views in, Views out, Context& c) {
  fill_zero(out[0], c);
  int axis;
  const Shape x = take_shape(name, a.axis, out[0].shape, axis);
  run_scatter_add(out[0], in[1], axis_sizes(x, axis), in[0], c);
}
void TakeGrad::grad(const TakeGrad& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, take(c.dy(), c.in(1), {.axis = a.axis}));
}

// ---- take_along_axis ----

void TakeAlongAxis::infer(const TakeAlongAxis& a, In in, Types& out) {
  require_index(name, "indices", in[1]);
  const Shape &x = in[0].shape, &index = in[1].shape;
  const int axis = normalize_axis(name, a.axis, x.rank());
  bool fits = x.rank() == index.rank();
  for (int i = 0; fits && i < x.rank(); ++i) fits = i == axis || x[i] == index[i];
  if (!fits) {
    raise<ShapeError>(name, ": indices have shape ", index, " but x has shape ", x, ". They may differ at axis ", a.axis, " only.");
  }
  checked_count(name, index, in[0].dtype);
  out.push_back({in[0].dtype, index});
}
void TakeAlongAxis::run(const TakeAlongAxis& a, Views in, Views out, Context& c) {
  const int axis = normalize_axis(name, a.axis, in[0].shape.rank());
  IndexStatus status;
  auto args = index_args<AlongAxisArgs>(in[1], axis_sizes(in[0].shape, axis));
  args.x = in[0].data;
  args.y = out[0].data;
  args.n = in[1].shape[axis];
  args.item_size = size_of(in[0].dtype);
  args.status = &status;
  c.kernels.index.take_along_axis(args);
  report(c, status, in[0].shape[axis]);
}
void TakeAlongAxis::grad(const TakeAlongAxis& a, GradCtx& c) {
  if (!c.needs(0)) return;
  const Shape& x = c.in_type(0).shape;
  c.dx(0, take_along_axis_grad(c.dy(), c.in(1), {.size = x[normalize_axis(name, a.axis, x.rank())], .axis = a.axis}));
}

void TakeAlongAxisGrad::infer(const TakeAlongAxisGrad& a, In in, Types& out) {
  require_summable(name, "dy", in[0]);
  require_index(name, "indices", in[1]);
  require_same_shape(name, "dy", in[0], "indices", in[1]);
  Type t = in[0];
  const int axis = normalize_axis(name, a.axis, t.shape.rank());
  if (a.size < 0) raise<ValueError>(name, ": size must be >= 0, got ", a.size, ".");
  t.shape[axis] = a.size;
  checked_count(name, t.shape, t.dtype);
  out.push_back(t);
}
void TakeAlongAxisGrad::run(const TakeAlongAxisGrad& a, Views in, Views out, Context& c) {
  fill_zero(out[0], c);
  const int axis = normalize_axis(name, a.axis, in[0].shape.rank());
  IndexStatus status;
  auto args = index_args<AlongAxisArgs>(in[1], axis_sizes(out[0].shape, axis));
  args.x = out[0].data;
  args.y = in[0].data;
  args.n = in[1].shape[axis];
  args.item_size = size_of(in[0].dtype);
  args.status = &status;
  c.kernels.index.put_along_axis_add[static_cast<int>(out[0].dtype)](args);
  report(c, status, a.size);
}
void TakeAlongAxisGrad::grad(const TakeAlongAxisGrad& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, take_along_axis(c.dy(), c.in(1), {.axis = a.axis}));
}

// ---- index vectors: ravel_index, gather_nd, scatter, scatter_update ----

void RavelIndex::infer(const RavelIndex& a, In in, Types& out) {
  if (in.size() == 0) raise<ValueError>(name, ": indices is empty. Give one tensor per axis.");
  if (a.sizes.size() != in.size())
    raise<ValueError>(name, ": sizes ", a.sizes, " has ", a.sizes.size(), " numbers for ", in.size(), " index tensors.");
  Shape shape;
  for (int k = 0; k < in.size(); ++k) {
    require_index(name, "indices", in[k]);
    shape = broadcast_shapes(name, shape, in[k].shape);
  }
  (void)shape_from(name, "sizes", a.sizes, DType::int64);
  checked_count(name, shape, DType::int64);
  out.push_back({DType::int64, shape});
}
void RavelIndex::run(const RavelIndex& a, Views in, Views out, Context& c) {
  const View& y = out[0];
  const int rank = y.shape.rank();
  auto* flat = y.as<std::int64_t>();
  for (Dim i = 0, n = y.count(); i < n; ++i) {
    Dim at[kMaxRank], rest = i;
    for (int d = rank - 1; d >= 0; --d) {
      at[d] = rest % y.shape[d];
      rest /= y.shape[d];
    }
    Dim sum = 0;
    for (int k = 0; k < in.size(); ++k) {
      const View& x = in[k];
      Dim offset = 0;
      for (int d = 0, lead = rank - x.shape.rank(); d < x.shape.rank(); ++d) {
        if (x.shape[d] != 1) offset += at[d + lead] * x.strides[d];
      }
      Dim index = read_index(x, offset);
      const Dim size = a.sizes[k];
      if (index < -size || index >= size) {
        c.status = {Status::index_out_of_range, i, index, size};
        return;
      }
      sum = sum * size + (index < 0 ? index + size : index);
    }
    flat[i] = sum;
  }
}

namespace {

// How many axes the index vectors cover, and the sizes behind them.
struct NdSizes {
  int depth = 0;
  Dim vectors = 0;
  AxisSizes flat;  // outer = 1, size = product of the covered axes, inner = the rest
};

Shape nd_slices_shape(std::string_view op, const Shape& indices, const Shape& x) {
  if (indices.rank() == 0) raise<ShapeError>(op, ": indices must have at least one axis, the index vectors.");
  const Dim depth = indices.back();
  if (depth < 1 || depth > x.rank()) {
    raise<ShapeError>(op, ": indices of shape ", indices, " have vectors of ", depth, " numbers for a tensor of shape ", x,
                      ". Use 1 to ", x.rank(), ".");
  }
  if (indices.rank() - 1 + x.rank() - depth > kMaxRank)
    raise<ShapeError>(op, ": indices of shape ", indices, " and shape ", x, " give more than ", kMaxRank, " axes.");
  Shape s;
  for (int i = 0; i + 1 < indices.rank(); ++i) s.push_back(indices[i]);
  for (int i = static_cast<int>(depth); i < x.rank(); ++i) s.push_back(x[i]);
  return s;
}

NdSizes nd_sizes(const Shape& indices, const Shape& x) {
  NdSizes s;
  s.depth = static_cast<int>(indices.back());
  s.vectors = indices.count() / s.depth;
  for (int i = 0; i < x.rank(); ++i) (i < s.depth ? s.flat.size : s.flat.inner) *= x[i];
  return s;
}

// The flat position of every index vector, in scratch memory; false after reporting a bad one.
bool flat_positions(const View& indices, const Shape& x, const NdSizes& s, View& flat, Context& c) {
  auto* p = static_cast<std::int64_t*>(c.scratch(s.vectors * 8));
  for (Dim i = 0; i < s.vectors; ++i) {
    Dim sum = 0;
    for (int k = 0; k < s.depth; ++k) {
      const Dim index = read_index(indices, i * s.depth + k), size = x[k];
      if (index < -size || index >= size) {
        c.status = {Status::index_out_of_range, i * s.depth + k, index, size};
        return false;
      }
      sum = sum * size + (index < 0 ? index + size : index);
    }
    p[i] = sum;
  }
  flat.dtype = DType::int64;
  flat.shape = {s.vectors};
  flat.data = p;
  flat.set_contiguous_strides();
  return true;
}

}  // namespace

void GatherNd::infer(const GatherNd&, In in, Types& out) {
  require_index(name, "indices", in[1]);
  const Type t{in[0].dtype, nd_slices_shape(name, in[1].shape, in[0].shape)};
  checked_count(name, t.shape, t.dtype);
  out.push_back(t);
}
void GatherNd::run(const GatherNd&, Views in, Views out, Context& c) {
  const NdSizes s = nd_sizes(in[1].shape, in[0].shape);
  View flat;
  if (flat_positions(in[1], in[0].shape, s, flat, c)) run_gather(in[0], flat, s.flat, out[0], s.flat.size, c);
}
void GatherNd::grad(const GatherNd&, GradCtx& c) {
  if (c.needs(0)) c.dx(0, scatter(c.in(1), c.dy(), {.shape = c.in_type(0).shape}));
}

void Scatter::infer(const Scatter& a, In in, Types& out) {
  require_index(name, "indices", in[0]);
  require_summable(name, "values", in[1]);
  const Shape shape = shape_from(name, "shape", a.shape, in[1].dtype);
  const Shape expected = nd_slices_shape(name, in[0].shape, shape);
  if (!(in[1].shape == expected)) {
    raise<ShapeError>(name, ": values have shape ", in[1].shape, " but indices ", in[0].shape, " and shape ", shape, " need ",
                      expected, ".");
  }
  out.push_back({in[1].dtype, shape});
}
void Scatter::run(const Scatter&, Views in, Views out, Context& c) {
  fill_zero(out[0], c);
  const NdSizes s = nd_sizes(in[0].shape, out[0].shape);
  View flat;
  if (flat_positions(in[0], out[0].shape, s, flat, c)) run_scatter_add(out[0], flat, s.flat, in[1], c);
}
void Scatter::grad(const Scatter&, GradCtx& c) {
  if (c.needs(1)) c.dx(1, gather_nd(c.dy(), c.in(0)));
}

void ScatterUpdate::infer(const ScatterUpdate&, In in, Types& out) {
  require_index(name, "indices", in[1]);
  require_same_dtype(name, "x", in[0], "updates", in[2]);
  const Shape expected = nd_slices_shape(name, in[1].shape, in[0].shape);
  if (!(in[2].shape == expected)) {
    raise<ShapeError>(name, ": updates have shape ", in[2].shape, " but indices ", in[1].shape, " and x ", in[0].shape, " need ",
                      expected, ".");
  }
  out.push_back(in[0]);
}
void ScatterUpdate::run(const ScatterUpdate&, Views in, Views out, Context& c) {
  copy_values(in[0], out[0]);
  const NdSizes s = nd_sizes(in[1].shape, in[0].shape);
  View flat;
  if (!flat_positions(in[1], in[0].shape, s, flat, c)) return;
  IndexStatus status;
  auto a = index_args<ScatterArgs>(flat, s.flat);
  a.x = out[0].data;
  a.y = in[2].data;
  a.n_index = s.vectors;
  a.item_size = size_of(out[0].dtype);
  a.status = &status;
  c.kernels.index.scatter_set(a);
  report(c, status, s.flat.size);
}
void ScatterUpdate::grad(const ScatterUpdate&, GradCtx& c) {
  const Tensor indices = c.in(1);
  const Shape slices = nd_slices_shape(name, indices.shape(), c.dy().shape());
  if (c.needs(0)) c.dx(0, scatter_update(c.dy(), indices, zeros_of({c.dy().dtype(), slices})));
  if (!c.needs(2)) return;
  // Of vectors that name the same position the last one stayed: number them, write the numbers, and see whose number is there.
  const NdSizes s = nd_sizes(indices.shape(), c.dy().shape());
  Shape covered, batch;
  for (int i = 0; i < s.depth; ++i) covered.push_back(c.dy().shape()[i]);
  for (int i = 0; i + 1 < indices.rank(); ++i) batch.push_back(indices.shape()[i]);
  const Tensor number =
      reshape(arange({.start = 0, .stop = static_cast<double>(s.vectors), .dtype = DType::int64}), {.newshape = batch});
  const Tensor last =
      gather_nd(scatter_update(full({.shape = covered, .value = -1, .dtype = DType::int64}), indices, number), indices);
  Shape aligned = batch;
  for (int i = batch.rank(); i < slices.rank(); ++i) aligned.push_back(1);
  const Tensor stays = reshape(equal(last, number), {.newshape = aligned});
  c.dx(2, where(stays, gather_nd(c.dy(), indices), zeros_of({c.dy().dtype(), {}})));
}

// ---- scatter_add ----

void ScatterAdd::infer(const ScatterAdd&, In in, Types& out) {
  require_summable(name, "x", in[0]);
  require_index(name, "indices", in[1]);
  require_same_dtype(name, "x", in[0], "updates", in[2]);
  if (in[0].shape.rank() == 0) raise<ShapeError>(name, ": x is a scalar and has no axis to index.");
  const Shape expected = taken_shape(name, in[0].shape, 0, in[1].shape);
  if (!(in[2].shape == expected)) {
    raise<ShapeError>(name, ": updates have shape ", in[2].shape, " but indices ", in[1].shape, " and x ", in[0].shape, " need ",
                      expected, ".");
  }
  out.push_back(in[0]);
}
void ScatterAdd::run(const ScatterAdd&, Views in, Views out, Context& c) {
  copy_values(in[0], out[0]);
  run_scatter_add(out[0], in[1], axis_sizes(out[0].shape, 0), in[2], c);
}
void ScatterAdd::grad(const ScatterAdd&, GradCtx& c) {
  if (c.needs(0)) c.dx(0, c.dy());
  if (c.needs(2)) c.dx(2, take(c.dy(), c.in(1), {.axis = 0}));
}

// ---- one_hot ----

void OneHot::infer(const OneHot& a, In in, Types& out) {
  require_index(name, "x", in[0]);
  if (a.num_classes < 1) raise<ValueError>(name, ": num_classes must be >= 1, got ", a.num_classes, ".");
  Type t{a.dtype.or_else(floatx()), in[0].shape};
  refuse_storage_only(name, "dtype", t.dtype);
  if (t.shape.rank() == kMaxRank)
    raise<ShapeError>(name, ": x has shape ", t.shape, "; one more axis is more than the largest rank, ", kMaxRank, ".");
  t.shape.insert(normalize_axis(name, a.axis, t.shape.rank() + 1), a.num_classes);
  checked_count(name, t.shape, t.dtype);
  out.push_back(t);
}
void OneHot::run(const OneHot& a, Views in, Views out, Context& c) {
  const View& y = out[0];
  const int axis = normalize_axis(name, a.axis, y.shape.rank());
  OneHotArgs args;
  args.index = in[0].data;
  args.index_dtype = in[0].dtype;
  args.n = in[0].count();
  args.depth = a.num_classes;
  args.y = y.data;
  if (axis == y.shape.rank() - 1) {
    c.kernels.index.one_hot[static_cast<int>(y.dtype)](args);
    return;
  }
  // The kernel writes the classes last; move them to their place.
  View last = y;
  last.data = args.y = c.scratch(y.count() * size_of(y.dtype));
  last.shape.erase(axis);
  last.shape.push_back(a.num_classes);
  last.set_contiguous_strides();
  c.kernels.index.one_hot[static_cast<int>(y.dtype)](args);
  View moved_back = y;
  moved_back.data = last.data;
  for (int i = 0, k = 0; i < y.shape.rank(); ++i) moved_back.strides[i] = i == axis ? 1 : last.strides[k++];
  copy_values(moved_back, y);
}

}  // namespace nacre::op

namespace nacre {
NACRE_DEFINE_OP(Take)
NACRE_DEFINE_OP(TakeGrad)
NACRE_DEFINE_OP(TakeAlongAxis)
NACRE_DEFINE_OP(TakeAlongAxisGrad)
NACRE_DEFINE_OP(RavelIndex)
NACRE_DEFINE_OP(GatherNd)
NACRE_DEFINE_OP(Scatter)
NACRE_DEFINE_OP(ScatterUpdate)
NACRE_DEFINE_OP(ScatterAdd)
NACRE_DEFINE_OP(OneHot)
}  // namespace nacre
