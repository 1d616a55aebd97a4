// Order and diagonals: shape rules, calls of the sort and triangle kernels, gradients.
#include "nacre/ops/sort_ops.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "nacre/base/threads.h"
#include "nacre/ops/rules.h"
#include "nacre/ops/view_rules.h"

namespace nacre::op {

namespace {

constexpr Dim kMostInt32 = std::numeric_limits<std::int32_t>::max();

void check_int32_positions(std::string_view op, const Shape& s, int axis) {
  if (s[axis] > kMostInt32)
    raise<ValueError>(op, ": axis of size ", s[axis], " is longer than int32 positions can tell (", kMostInt32, ").");
}

// v with `axis` as its last axis: where kernels want rows.
View rows_of(const View& v, int axis) {
  View r = v;
  r.shape.erase(axis);
  r.shape.push_back(v.shape[axis]);
  for (int i = axis; i + 1 < v.shape.rank(); ++i) r.strides[i] = v.strides[i + 1];
  r.strides[v.shape.rank() - 1] = v.strides[axis];
  return r;
}

// The same shape and dtype in contiguous scratch memory.
View scratch_like(const View& v, DType dtype, Context& c) {
  View s = v;
  s.dtype = dtype;
  s.data = c.scratch(v.count() * size_of(dtype));
  s.set_contiguous_strides();
  return s;
}

void call_sort(SortArgs& args, DType dtype, Context& c) {
  args.tasks = num_threads();
  void* scratch = c.scratch(c.kernels.sort.sort_scratch(dtype, args));
  c.kernels.sort.sort[static_cast<int>(dtype)](args, scratch);
}

// Sorted values of x along an axis into `values`, or their positions into `positions` (int32); either may be null.
void run_sort(const View& x, int axis, bool descending, const View* values, const View* positions, Context& c) {
  if (x.count() == 0) return;
  const View from = rows_of(x, axis);
  const View rows = scratch_like(from, x.dtype, c);
  copy_values(from, rows);
  SortArgs args;
  args.n = args.k = x.shape[axis];
  args.rows = x.count() / args.n;
  args.descending = descending;
  args.x = rows.data;
  View index;
  if (values) args.values = rows.data;
  if (positions) {
    index = scratch_like(from, DType::int64, c);
    args.indices = index.as<std::int64_t>();
  }
  call_sort(args, x.dtype, c);
  if (values) copy_values(rows, rows_of(*values, axis));
  if (positions) copy_values(index, rows_of(*positions, axis));
}

}  // namespace

// ---- sort, argsort, top_k ----

void Sort::infer(const Sort& a, In in, Types& out) {
  refuse_storage_only(name, "x", in[0].dtype);
  const int axis = normalize_axis(name, a.axis, in[0].shape.rank());
  check_int32_positions(name, in[0].shape, axis);
  out.push_back(in[0]);
}
void Sort::run(const Sort& a, Views in, Views out, Context& c) {
  run_sort(in[0], normalize_axis(name, a.axis, in[0].shape.rank()), a.descending, &out[0], nullptr, c);
}
void Sort::grad(const Sort& a, GradCtx& c) {
  if (!c.needs(0)) return;
  const Tensor x = c.in(0);
  const Tensor order = argsort(x, {.axis = a.axis, .descending = a.descending});
  c.dx(0, take_along_axis_grad(c.dy(), order, {.size = x.shape()[normalize_axis(name, a.axis, x.rank())], .axis = a.axis}));
}

void Argsort::infer(const Argsort& a, In in, Types& out) {
  refuse_storage_only(name, "x", in[0].dtype);
  const int axis = normalize_axis(name, a.axis, in[0].shape.rank());
  check_int32_positions(name, in[0].shape, axis);
  out.push_back({DType::int32, in[0].shape});
}
void Argsort::run(const Argsort& a, Views in, Views out, Context& c) {
  run_sort(in[0], normalize_axis(name, a.axis, in[0].shape.rank()), a.descending, nullptr, &out[0], c);
}

void TopK::infer(const TopK& a, In in, Types& out) {
  refuse_storage_only(name, "x", in[0].dtype);
  Type t = in[0];
  if (t.shape.rank() == 0) raise<ShapeError>(name, ": x is a scalar. It must have at least one axis.");
  const int last = t.shape.rank() - 1;
  if (a.k < 0 || a.k > t.shape[last])
    raise<ValueError>(name, ": k must be in 0 .. ", t.shape[last], " (the last axis of shape ", t.shape, "), got ", a.k, ".");
  check_int32_positions(name, t.shape, last);
  t.shape[last] = a.k;
  out.push_back(t);
  out.push_back({DType::int32, t.shape});
}
void TopK::run(const TopK& a, Views in, Views out, Context& c) {
  if (out[0].count() == 0) return;
  const View index = scratch_like(out[1], DType::int64, c);
  SortArgs args;
  args.n = in[0].shape.back();
  args.k = a.k;
  args.rows = in[0].count() / args.n;
  args.descending = true;
  args.x = in[0].data;
  args.values = out[0].data;
  args.indices = index.as<std::int64_t>();
  call_sort(args, in[0].dtype, c);
  copy_values(index, out[1]);
}
void TopK::grad(const TopK&, GradCtx& c) {
  if (!c.needs(0)) return;
  const Type& x = c.in_type(0);
  if (c.has(0)) c.dx(0, take_along_axis_grad(c.dy(0), c.out(1), {.size = x.shape.back(), .axis = -1}));
}

// ---- searchsorted ----

namespace {

// NaN is larger than everything.
template <class T>
bool before(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a < b || (std::isnan(b) && !std::isnan(a));
  else
    return a < b;
}

template <class T>
void search(const View& sequence, const View& values, bool right, std::int32_t* y) {
  const T *s = sequence.as<T>(), *end = s + sequence.count(), *v = values.as<T>();
  parallel_for(values.count(), 1024, [&](Dim from, Dim to, int) {
    for (Dim i = from; i < to; ++i) {
      const T* at = right ? std::upper_bound(s, end, v[i], before<T>) : std::lower_bound(s, end, v[i], before<T>);
      y[i] = static_cast<std::int32_t>(at - s);
    }
  });
}

}  // namespace

void Searchsorted::infer(const Searchsorted& a, In in, Types& out) {
  refuse_storage_only(name, "sorted_sequence", in[0].dtype);
  if (in[0].shape.rank() != 1) raise<ShapeError>(name, ": sorted_sequence must be 1-D, got shape ", in[0].shape, ".");
  check_int32_positions(name, in[0].shape, 0);
  if (a.side.view() != "left" && a.side.view() != "right")
    raise<ValueError>(name, ": side is '", a.side, "'. Use 'left' or 'right'.");
  checked_count(name, in[1].shape, DType::int32);
  out.push_back({DType::int32, in[1].shape});
}
void Searchsorted::run(const Searchsorted& a, Views in, Views out, Context&) {
  const bool right = a.side.view() == "right";
  auto* y = out[0].as<std::int32_t>();
  switch (in[0].dtype) {
    case DType::float32: return search<float>(in[0], in[1], right, y);
    case DType::float64: return search<double>(in[0], in[1], right, y);
    case DType::int64: return search<std::int64_t>(in[0], in[1], right, y);
    case DType::int32: return search<std::int32_t>(in[0], in[1], right, y);
    case DType::int8: return search<std::int8_t>(in[0], in[1], right, y);
    default: return search<std::uint8_t>(in[0], in[1], right, y);
  }
}

// ---- triu, tril ----

namespace {

void need_matrix(std::string_view op, const Type& x) {
  if (x.shape.rank() < 2) raise<ShapeError>(op, ": x must have at least 2 axes, got shape ", x.shape, ".");
}

void run_triangle(const View& x, const View& y, Dim k, bool upper, Context& c) {
  if (x.count() == 0) return;
  TriangleArgs args;
  args.x = x.data;
  args.y = y.data;
  args.columns = x.shape.back();
  args.rows = x.shape[x.shape.rank() - 2];
  args.batch = x.count() / (args.rows * args.columns);
  // Beyond the corners nothing changes any more.
  args.diagonal = std::clamp(k, -args.rows, args.columns);
  args.item_size = size_of(x.dtype);
  args.upper = upper;
  c.kernels.index.triangle(args);
}

}  // namespace

void Triu::infer(const Triu&, In in, Types& out) {
  need_matrix(name, in[0]);
  out.push_back(in[0]);
}
void Triu::run(const Triu& a, Views in, Views out, Context& c) { run_triangle(in[0], out[0], a.k, true, c); }
void Triu::grad(const Triu& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, triu(c.dy(), a));
}

void Tril::infer(const Tril&, In in, Types& out) {
  need_matrix(name, in[0]);
  out.push_back(in[0]);
}
void Tril::run(const Tril& a, Views in, Views out, Context& c) { run_triangle(in[0], out[0], a.k, false, c); }
void Tril::grad(const Tril& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, tril(c.dy(), a));
}

// ---- diag ----

namespace {

// Length of diagonal k of a matrix.
Dim diagonal_length(Dim rows, Dim columns, Dim k) {
  if (k >= columns || k <= -rows) return 0;
  return std::min(k < 0 ? rows + k : rows, k > 0 ? columns - k : columns);
}

// Diagonal k of a matrix as a view.
View diagonal(const View& m, Dim k) {
  View d = m;
  d.shape = {diagonal_length(m.shape[0], m.shape[1], k)};
  if (d.shape[0] > 0) d.data = static_cast<char*>(m.data) + (k < 0 ? -k * m.strides[0] : k * m.strides[1]) * size_of(m.dtype);
  d.strides[0] = m.strides[0] + m.strides[1];
  return d;
}

}  // namespace

void Diag::infer(const Diag& a, In in, Types& out) {
  Type t = in[0];
  if (t.shape.rank() == 2) {
    t.shape = {diagonal_length(t.shape[0], t.shape[1], a.k)};
  } else if (t.shape.rank() == 1) {
    if (a.k == std::numeric_limits<Dim>::min()) raise<ShapeError>(name, ": k ", a.k, " is too large.");
    const Dim n = checked_add(name, t.shape[0], a.k < 0 ? -a.k : a.k);
    if (n > (Dim{1} << 31))
      raise<ShapeError>(name, ": x of shape ", t.shape, " and k ", a.k, " give a matrix too large to address.");
    t.shape = {n, n};
    checked_count(name, t.shape, t.dtype);
  } else {
    raise<ShapeError>(name, ": x must be 1-D or 2-D, got shape ", t.shape, ".");
  }
  out.push_back(t);
}
void Diag::run(const Diag& a, Views in, Views out, Context& c) {
  if (in[0].shape.rank() == 2) {
    copy_values(diagonal(in[0], a.k), out[0]);
  } else {
    fill_zero(out[0], c);
    copy_values(in[0], diagonal(out[0], a.k));
  }
}
void Diag::grad(const Diag& a, GradCtx& c) {
  if (!c.needs(0)) return;
  const Shape& x = c.in_type(0).shape;
  if (x.rank() == 1)
    c.dx(0, diag(c.dy(), {.k = a.k}));
  else
    c.dx(0, diag_grad(c.dy(), {.rows = x[0], .columns = x[1], .k = a.k}));
}

void DiagGrad::infer(const DiagGrad& a, In in, Types& out) {
  const Shape shape{a.rows, a.columns};
  checked_count(name, shape, in[0].dtype);
  const Dim n = diagonal_length(a.rows, a.columns, a.k);
  if (!(in[0].shape == Shape{n})) {
    raise<ShapeError>(name, ": dy has shape ", in[0].shape, " but diagonal ", a.k, " of a matrix of shape ", shape, " has ", n,
                      " elements.");
  }
  out.push_back({in[0].dtype, shape});
}
void DiagGrad::run(const DiagGrad& a, Views in, Views out, Context& c) {
  fill_zero(out[0], c);
  copy_values(in[0], diagonal(out[0], a.k));
}
void DiagGrad::grad(const DiagGrad& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, diag(c.dy(), {.k = a.k}));
}

}  // namespace nacre::op

namespace nacre {
NACRE_DEFINE_OP(Sort)
NACRE_DEFINE_OP(Argsort)
NACRE_DEFINE_OP(TopK)
NACRE_DEFINE_OP(Searchsorted)
NACRE_DEFINE_OP(Triu)
NACRE_DEFINE_OP(Tril)
NACRE_DEFINE_OP(Diag)
NACRE_DEFINE_OP(DiagGrad)
}  // namespace nacre
