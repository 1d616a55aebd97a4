// Shapes and orders: shape rules, views and gradients. The gradient of a view is the view that undoes it.
#include "nacre/ops/shape_ops.h"

#include "nacre/ops/rules.h"
#include "nacre/ops/view_rules.h"

namespace nacre {

IntList distinct_axes(std::string_view op, const IntList& axes, int rank) {
  IntList out;
  bool seen[kMaxRank] = {};
  for (Dim axis : axes) {
    const int k = normalize_axis(op, axis, rank);
    if (seen[k]) raise<ValueError>(op, ": axis ", axis, " is named twice in ", axes, ".");
    seen[k] = true;
    out.push_back(k);
  }
  return out;
}

namespace op {

namespace {

// Strides that show `in` (its elements in row-major order) as `shape`, or false when no strides do. Walks both shapes from the
// left and matches groups of axes with equal products; within a group of `in` the axes must follow each other in memory without gaps.
bool reshape_strides(const View& in, const Shape& shape, Dim* strides) {
  if (in.shape.count() == 0) {
    View v = as_shape(in, shape);
    std::copy(v.strides, v.strides + shape.rank(), strides);
    return true;
  }
  Dim dims[kMaxRank], steps[kMaxRank];
  int rank = 0;
  for (int i = 0; i < in.shape.rank(); ++i) {
    if (in.shape[i] == 1) continue;
    dims[rank] = in.shape[i];
    steps[rank++] = in.strides[i];
  }
  int i = 0, j = 0;
  while (i < rank && j < shape.rank()) {
    Dim from = dims[i], to = shape[j];
    int i_end = i + 1, j_end = j + 1;
    while (from != to) {
      if (from < to)
        from *= dims[i_end++];
      else
        to *= shape[j_end++];
    }
    for (int k = i; k + 1 < i_end; ++k) {
      if (steps[k] != dims[k + 1] * steps[k + 1]) return false;
    }
    strides[j_end - 1] = steps[i_end - 1];
    for (int k = j_end - 1; k > j; --k) strides[k - 1] = strides[k] * shape[k];
    i = i_end;
    j = j_end;
  }
  for (; j < shape.rank(); ++j) strides[j] = 1;  // sizes of 1 at the end
  return true;
}

bool view_as(const View& in, View& out) {
  out.data = in.data;
  return reshape_strides(in, out.shape, out.strides);
}

void copy_as(const View& x, const View& y) { copy_values(x, as_shape(y, x.shape)); }

void view_permuted(const View& in, const IntList& axes, View& out) {
  out.data = in.data;
  for (int i = 0; i < axes.size(); ++i) out.strides[i] = in.strides[axes[i]];
}

Type permuted(const Type& x, const IntList& axes) {
  Type t{x.dtype, {}};
  for (Dim axis : axes) t.shape.push_back(x.shape[static_cast<int>(axis)]);
  return t;
}

}  // namespace

// ---- reshape, ravel ----

void Reshape::infer(const Reshape& a, In in, Types& out) {
  if (a.newshape.size() > kMaxRank) {
    raise<ShapeError>(name, ": newshape ", a.newshape, " has ", a.newshape.size(), " sizes, more than the largest rank, ", kMaxRank,
                      ".");
  }
  Shape shape;
  int open = -1;
  Dim known = 1;
  for (int i = 0; i < a.newshape.size(); ++i) {
    const Dim d = a.newshape[i];
    if (d == -1) {
      if (open >= 0) raise<ShapeError>(name, ": newshape ", a.newshape, " has more than one -1.");
      open = i;
    } else if (d < 0) {
      raise<ShapeError>(name, ": newshape ", a.newshape, " has the negative size ", d, ". Use sizes >= 0, or -1 once.");
    } else {
      known = checked_mul(name, known, d);
    }
    shape.push_back(d);
  }
  const Dim n = in[0].shape.count();
  if (open >= 0 && known != 0 && n % known == 0)
    shape[open] = n / known;
  else if (open >= 0 || known != n) {
    raise<ShapeError>(name, ": ", n, " elements (shape ", in[0].shape, ") do not fit newshape ", a.newshape, ".");
  }
  out.push_back({in[0].dtype, shape});
}
bool Reshape::view(const Reshape&, const View& in, View& out) { return view_as(in, out); }
void Reshape::run(const Reshape&, Views in, Views out, Context&) { copy_as(in[0], out[0]); }
void Reshape::grad(const Reshape&, GradCtx& c) {
  if (c.needs(0)) c.dx(0, reshape(c.dy(), {.newshape = c.in_type(0).shape}));
}

void Ravel::infer(const Ravel&, In in, Types& out) { out.push_back({in[0].dtype, {in[0].shape.count()}}); }
bool Ravel::view(const Ravel&, const View& in, View& out) { return view_as(in, out); }
void Ravel::run(const Ravel&, Views in, Views out, Context&) { copy_as(in[0], out[0]); }
void Ravel::grad(const Ravel&, GradCtx& c) {
  if (c.needs(0)) c.dx(0, reshape(c.dy(), {.newshape = c.in_type(0).shape}));
}

// ---- transpose, swapaxes, moveaxis ----

static IntList order_of(const Transpose& a, int rank) {
  if (a.axes.all) {
    IntList reversed;
    for (int i = rank - 1; i >= 0; --i) reversed.push_back(i);
    return reversed;
  }
  if (a.axes.list.size() != rank) {
    raise<ValueError>(Transpose::name, ": axes ", a.axes.list, " has ", a.axes.list.size(), " numbers but x has ", rank,
                      " axes. Name each once.");
  }
  return distinct_axes(Transpose::name, a.axes.list, rank);
}
void Transpose::infer(const Transpose& a, In in, Types& out) { out.push_back(permuted(in[0], order_of(a, in[0].shape.rank()))); }
bool Transpose::view(const Transpose& a, const View& in, View& out) {
  view_permuted(in, order_of(a, in.shape.rank()), out);
  return true;
}
void Transpose::run(const Transpose& a, Views in, Views out, Context&) { run_by_copy(a, in[0], out[0]); }
void Transpose::grad(const Transpose& a, GradCtx& c) {
  if (!c.needs(0)) return;
  const IntList order = order_of(a, c.dy().rank());
  IntList back = order;
  for (int i = 0; i < order.size(); ++i) back[static_cast<int>(order[i])] = i;
  c.dx(0, transpose(c.dy(), {.axes = back}));
}

static IntList order_of(const Swapaxes& a, int rank) {
  const int i = normalize_axis(Swapaxes::name, a.axis1, rank), j = normalize_axis(Swapaxes::name, a.axis2, rank);
  IntList order;
  for (int k = 0; k < rank; ++k) order.push_back(k == i ? j : k == j ? i : k);
  return order;
}
void Swapaxes::infer(const Swapaxes& a, In in, Types& out) { out.push_back(permuted(in[0], order_of(a, in[0].shape.rank()))); }
bool Swapaxes::view(const Swapaxes& a, const View& in, View& out) {
  view_permuted(in, order_of(a, in.shape.rank()), out);
  return true;
}
void Swapaxes::run(const Swapaxes& a, Views in, Views out, Context&) { run_by_copy(a, in[0], out[0]); }
void Swapaxes::grad(const Swapaxes& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, swapaxes(c.dy(), a));
}

static IntList order_of(const Moveaxis& a, int rank) {
  if (a.source.size() != a.destination.size()) {
    raise<ValueError>(Moveaxis::name, ": source ", a.source, " and destination ", a.destination, " differ in length.");
  }
  const IntList from = distinct_axes(Moveaxis::name, a.source, rank), to = distinct_axes(Moveaxis::name, a.destination, rank);
  IntList order;
  bool moves[kMaxRank] = {};
  for (int i = 0; i < rank; ++i) order.push_back(-1);
  for (int i = 0; i < from.size(); ++i) {
    order[static_cast<int>(to[i])] = from[i];
    moves[from[i]] = true;
  }
  int next = 0;
  for (int i = 0; i < rank; ++i) {
    if (order[i] >= 0) continue;
    while (moves[next]) ++next;
    order[i] = next++;
  }
  return order;
}
void Moveaxis::infer(const Moveaxis& a, In in, Types& out) { out.push_back(permuted(in[0], order_of(a, in[0].shape.rank()))); }
bool Moveaxis::view(const Moveaxis& a, const View& in, View& out) {
  view_permuted(in, order_of(a, in.shape.rank()), out);
  return true;
}
void Moveaxis::run(const Moveaxis& a, Views in, Views out, Context&) { run_by_copy(a, in[0], out[0]); }
void Moveaxis::grad(const Moveaxis& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, moveaxis(c.dy(), {.source = a.destination, .destination = a.source}));
}

// ---- squeeze, expand_dims, broadcast_to ----

void Squeeze::infer(const Squeeze& a, In in, Types& out) {
  const Shape& s = in[0].shape;
  bool drop[kMaxRank] = {};
  if (a.axis.all) {
    for (int i = 0; i < s.rank(); ++i) drop[i] = s[i] == 1;
  } else {
    for (Dim axis : distinct_axes(name, a.axis.list, s.rank())) {
      if (s[static_cast<int>(axis)] != 1) {
        raise<ShapeError>(name, ": axis ", axis, " has size ", s[static_cast<int>(axis)], " in shape ", s,
                          ". Only axes of size 1 can be removed.");
      }
      drop[axis] = true;
    }
  }
  Type t{in[0].dtype, {}};
  for (int i = 0; i < s.rank(); ++i) {
    if (!drop[i]) t.shape.push_back(s[i]);
  }
  out.push_back(t);
}
bool Squeeze::view(const Squeeze&, const View& in, View& out) { return view_as(in, out); }
void Squeeze::run(const Squeeze&, Views in, Views out, Context&) { copy_as(in[0], out[0]); }
void Squeeze::grad(const Squeeze&, GradCtx& c) {
  if (c.needs(0)) c.dx(0, reshape(c.dy(), {.newshape = c.in_type(0).shape}));
}

void ExpandDims::infer(const ExpandDims& a, In in, Types& out) {
  const int rank = in[0].shape.rank() + a.axis.size();
  if (rank > kMaxRank) {
    raise<ShapeError>(name, ": axis ", a.axis, " and shape ", in[0].shape, " give rank ", rank, ", more than the largest, ",
                      kMaxRank, ".");
  }
  bool fresh[kMaxRank] = {};
  for (Dim axis : distinct_axes(name, a.axis, rank)) fresh[axis] = true;
  Type t{in[0].dtype, {}};
  for (int i = 0, k = 0; i < rank; ++i) t.shape.push_back(fresh[i] ? 1 : in[0].shape[k++]);
  out.push_back(t);
}
bool ExpandDims::view(const ExpandDims&, const View& in, View& out) { return view_as(in, out); }
void ExpandDims::run(const ExpandDims&, Views in, Views out, Context&) { copy_as(in[0], out[0]); }
void ExpandDims::grad(const ExpandDims& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, squeeze(c.dy(), {.axis = a.axis}));
}

void BroadcastTo::infer(const BroadcastTo& a, In in, Types& out) {
  const Shape to = shape_from(name, "shape", a.shape, in[0].dtype), &from = in[0].shape;
  bool fits = from.rank() <= to.rank();
  for (int i = 1; fits && i <= from.rank(); ++i) {
    const Dim f = from[from.rank() - i], t = to[to.rank() - i];
    fits = f == t || f == 1;
  }
  if (!fits) {
    raise<ShapeError>(name, ": x of shape ", from, " does not broadcast to shape ", to,
                      ". Sizes must be equal or 1, aligned at the last axis.");
  }
  out.push_back({in[0].dtype, to});
}
bool BroadcastTo::view(const BroadcastTo&, const View& in, View& out) {
  out.data = in.data;
  const int lead = out.shape.rank() - in.shape.rank();
  for (int i = 0; i < out.shape.rank(); ++i) {
    out.strides[i] = i >= lead && in.shape[i - lead] == out.shape[i] ? in.strides[i - lead] : 0;
  }
  return true;
}
void BroadcastTo::run(const BroadcastTo& a, Views in, Views out, Context&) { run_by_copy(a, in[0], out[0]); }
void BroadcastTo::grad(const BroadcastTo&, GradCtx& c) {
  if (c.needs(0)) c.dx(0, unbroadcast(c.dy(), c.in_type(0).shape));
}

// ---- flip, copy, stop_gradient ----

void Flip::infer(const Flip& a, In in, Types& out) {
  if (!a.axis.all) distinct_axes(name, a.axis.list, in[0].shape.rank());
  out.push_back(in[0]);
}
bool Flip::view(const Flip& a, const View& in, View& out) {
  bool turn[kMaxRank] = {};
  if (a.axis.all)
    std::fill(turn, turn + kMaxRank, true);
  else
    for (Dim axis : distinct_axes(name, a.axis.list, in.shape.rank())) turn[axis] = true;
  out = in;
  for (int i = 0; i < in.shape.rank(); ++i) {
    if (!turn[i] || in.shape[i] == 0) continue;
    out = moved(out, i, in.shape[i] - 1);
    out.strides[i] = -in.strides[i];
  }
  return true;
}
void Flip::run(const Flip& a, Views in, Views out, Context&) { run_by_copy(a, in[0], out[0]); }
void Flip::grad(const Flip& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, flip(c.dy(), a));
}

void Copy::infer(const Copy&, In in, Types& out) { out.push_back(in[0]); }
void Copy::run(const Copy&, Views in, Views out, Context&) { copy_values(in[0], out[0]); }
void Copy::grad(const Copy&, GradCtx& c) {
  if (c.needs(0)) c.dx(0, c.dy());
}

void Assign::infer(const Assign&, In in, Types&) {
  if (!(in[0].shape == in[1].shape)) {
    raise<ShapeError>(name, ": a value of shape ", in[1].shape, " does not fit a tensor of shape ", in[0].shape, ".");
  }
}
void Assign::run(const Assign&, Views in, Views, Context&) { copy_values(in[1], in[0]); }

void StopGradient::infer(const StopGradient&, In in, Types& out) { out.push_back(in[0]); }
bool StopGradient::view(const StopGradient&, const View& in, View& out) {
  out = in;
  return true;
}
void StopGradient::run(const StopGradient&, Views in, Views out, Context&) { copy_values(in[0], out[0]); }

}  // namespace op

NACRE_DEFINE_OP(Reshape)
NACRE_DEFINE_OP(Ravel)
NACRE_DEFINE_OP(Transpose)
NACRE_DEFINE_OP(Swapaxes)
NACRE_DEFINE_OP(Moveaxis)
NACRE_DEFINE_OP(Squeeze)
NACRE_DEFINE_OP(ExpandDims)
NACRE_DEFINE_OP(BroadcastTo)
NACRE_DEFINE_OP(Flip)
NACRE_DEFINE_OP(Copy)
NACRE_DEFINE_OP(Assign)
NACRE_DEFINE_OP(StopGradient)

}  // namespace nacre
