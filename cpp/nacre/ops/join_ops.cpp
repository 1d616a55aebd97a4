// Joining, repeating, rolling and padding: shape rules, copies of blocks, gradients.
#include <algorithm>
#include <limits>

#include "nacre/base/half.h"
#include "nacre/kernels/elementwise_drive.h"
#include "nacre/ops/join.h"
#include "nacre/ops/pad.h"
#include "nacre/ops/rules.h"
#include "nacre/ops/view_rules.h"

namespace nacre::op {

// ---- concatenate, stack ----

void Concatenate::infer(const Concatenate& a, In in, Types& out) {
  if (in.size() == 0) raise<ValueError>(name, ": xs is empty. Give at least one tensor.");
  Type t = in[0];
  if (t.shape.rank() == 0) raise<ShapeError>(name, ": xs[0] is a scalar and has no axis to join along. Use stack.");
  const int axis = normalize_axis(name, a.axis, t.shape.rank());
  for (int k = 1; k < in.size(); ++k) {
    const Shape& s = in[k].shape;
    bool fits = s.rank() == t.shape.rank();
    for (int i = 0; fits && i < s.rank(); ++i) fits = i == axis || s[i] == t.shape[i];
    if (!fits) {
      raise<ShapeError>(name, ": xs[", k, "] has shape ", s, " but xs[0] has shape ", in[0].shape, ". They may differ at axis ",
                        a.axis, " only.");
    }
    t.shape[axis] = checked_add(name, t.shape[axis], s[axis]);
  }
  checked_count(name, t.shape, t.dtype);
  out.push_back(t);
}
void Concatenate::run(const Concatenate& a, Views in, Views out, Context&) {
  const int axis = normalize_axis(name, a.axis, out[0].shape.rank());
  Dim begin = 0;
  for (int k = 0; k < in.size(); ++k) {
    copy_values(in[k], part(out[0], axis, begin, in[k].shape[axis]));
    begin += in[k].shape[axis];
  }
}
void Concatenate::grad(const Concatenate& a, GradCtx& c) {
  const int rank = c.dy().rank(), axis = normalize_axis(name, a.axis, rank);
  IntList begin;
  for (int i = 0; i < rank; ++i) begin.push_back(0);
  for (int k = 0; k < c.ni(); ++k) {
    const Shape& size = c.in_type(k).shape;
    if (c.needs(k)) c.dx(k, slice(c.dy(), {.start_indices = begin, .shape = size}));
    begin[axis] += size[axis];
  }
}

void Stack::infer(const Stack& a, In in, Types& out) {
  if (in.size() == 0) raise<ValueError>(name, ": xs is empty. Give at least one tensor.");
  Type t = in[0];
  if (t.shape.rank() == kMaxRank)
    raise<ShapeError>(name, ": xs[0] has shape ", t.shape, "; one more axis is more than the largest rank, ", kMaxRank, ".");
  for (int k = 1; k < in.size(); ++k) {
    if (!(in[k].shape == t.shape))
      raise<ShapeError>(name, ": xs[", k, "] has shape ", in[k].shape, " but xs[0] has shape ", t.shape, ". They must be equal.");
  }
  t.shape.insert(normalize_axis(name, a.axis, t.shape.rank() + 1), in.size());
  checked_count(name, t.shape, t.dtype);
  out.push_back(t);
}
void Stack::run(const Stack& a, Views in, Views out, Context&) {
  const int axis = normalize_axis(name, a.axis, out[0].shape.rank());
  for (int k = 0; k < in.size(); ++k) copy_values(in[k], slab(out[0], axis, k));
}
void Stack::grad(const Stack& a, GradCtx& c) {
  const int axis = normalize_axis(name, a.axis, c.dy().rank());
  IntList begin, size = c.dy().shape();
  for (int i = 0; i < size.size(); ++i) begin.push_back(0);
  size[axis] = 1;
  for (int k = 0; k < c.ni(); ++k) {
    begin[axis] = k;
    if (c.needs(k)) c.dx(k, squeeze(slice(c.dy(), {.start_indices = begin, .shape = size}), {.axis = axis}));
  }
}

// ---- tile, repeat ----

void Tile::infer(const Tile& a, In in, Types& out) {
  const Shape& s = in[0].shape;
  const int rank = std::max(s.rank(), a.repeats.size());
  if (rank > kMaxRank)
    raise<ShapeError>(name, ": repeats ", a.repeats, " has ", rank, " numbers, more than the largest rank, ", kMaxRank, ".");
  Type t{in[0].dtype, {}};
  for (int i = 0; i < rank; ++i) {
    const int is = i - (rank - s.rank()), ir = i - (rank - a.repeats.size());
    const Dim r = ir < 0 ? 1 : a.repeats[ir];
    if (r < 0) raise<ValueError>(name, ": repeats ", a.repeats, " has the negative number ", r, ".");
    t.shape.push_back(checked_mul(name, is < 0 ? 1 : s[is], r));
  }
  checked_count(name, t.shape, t.dtype);
  out.push_back(t);
}
void Tile::run(const Tile&, Views in, Views out, Context&) {
  const View& y = out[0];
  if (y.count() == 0) return;
  const int rank = y.shape.rank(), lead = rank - in[0].shape.rank();
  // `done` is the corner of y that is filled. It grows along one axis after the other, by doubling.
  View done = y;
  for (int i = 0; i < rank; ++i) done.shape[i] = i < lead ? 1 : in[0].shape[i - lead];
  View x = in[0];
  x.shape = done.shape;
  for (int i = 0; i < rank; ++i) x.strides[i] = i < lead ? 0 : in[0].strides[i - lead];
  copy_values(x, done);
  for (int i = rank - 1; i >= 0; --i) {
    while (done.shape[i] < y.shape[i]) {
      const Dim have = done.shape[i], more = std::min(have, y.shape[i] - have);
      View to = done;
      to.shape[i] = have + more;
      copy_values(part(done, i, 0, more), part(to, i, have, more));
      done.shape[i] = have + more;
    }
  }
}
void Tile::grad(const Tile& a, GradCtx& c) {
  if (!c.needs(0)) return;
  // Sums over the repeats of one axis after the other: the axis seen as [repeats, size].
  const Shape& s = c.in_type(0).shape;
  Tensor g = c.dy();
  const int rank = g.rank();
  for (int i = 0; i < rank; ++i) {
    const int is = i - (rank - s.rank()), ir = i - (rank - a.repeats.size());
    const Dim r = ir < 0 ? 1 : a.repeats[ir], n = is < 0 ? 1 : s[is];
    if (r == 1) continue;
    Shape shape = g.shape();
    AxisSizes sizes = axis_sizes(shape, i);
    shape[i] = n;
    g = sum(reshape(g, {.newshape = {sizes.outer, r, checked_mul(name, n, sizes.inner)}}), {.axis = 1});
    g = reshape(g, {.newshape = shape});
  }
  c.dx(0, reshape(g, {.newshape = s}));
}

// The axis that an op with axis=None or one axis works on: with None the tensor counts as flat.
static Shape shape_for(std::string_view op, const Axes& axis, const Shape& s, int& k) {
  k = 0;
  if (axis.all) return {s.count()};
  if (axis.list.size() != 1) raise<ValueError>(op, ": axis ", axis.list, " must be one number or None.");
  k = normalize_axis(op, axis.list[0], s.rank());
  return s;
}

void Repeat::infer(const Repeat& a, In in, Types& out) {
  if (a.repeats < 0) raise<ValueError>(name, ": repeats must be >= 0, got ", a.repeats, ".");
  int axis;
  Type t{in[0].dtype, shape_for(name, a.axis, in[0].shape, axis)};
  t.shape[axis] = checked_mul(name, t.shape[axis], a.repeats);
  checked_count(name, t.shape, t.dtype);
  out.push_back(t);
}
void Repeat::run(const Repeat& a, Views in, Views out, Context&) {
  int axis;
  const Shape seen = shape_for(name, a.axis, in[0].shape, axis);
  const AxisSizes s = axis_sizes(seen, axis);
  View x = as_shape(in[0], {s.outer * s.size, 1, s.inner});
  x.shape[1] = a.repeats;
  x.strides[1] = 0;
  copy_values(x, as_shape(out[0], x.shape));
}
void Repeat::grad(const Repeat& a, GradCtx& c) {
  if (!c.needs(0)) return;
  int axis;
  const Shape& shape = c.in_type(0).shape;
  const Shape seen = shape_for(name, a.axis, shape, axis);
  const AxisSizes s = axis_sizes(seen, axis);
  const Tensor blocks = reshape(c.dy(), {.newshape = {s.outer * s.size, a.repeats, s.inner}});
  c.dx(0, reshape(sum(blocks, {.axis = 1}), {.newshape = shape}));
}

// ---- roll ----

void Roll::infer(const Roll& a, In in, Types& out) {
  for (Dim s : a.shift) {
    if (s == std::numeric_limits<Dim>::min()) raise<ValueError>(name, ": shift ", s, " has no negative. Use a smaller one.");
  }
  if (a.axis.all) {
    if (a.shift.size() != 1) raise<ValueError>(name, ": shift ", a.shift, " must be one number when axis is None.");
  } else {
    distinct_axes(name, a.axis.list, in[0].shape.rank());
    if (a.shift.size() != 1 && a.shift.size() != a.axis.list.size()) {
      raise<ValueError>(name, ": shift ", a.shift, " and axis ", a.axis.list, " differ in length.");
    }
  }
  out.push_back(in[0]);
}

// y = x rolled along axes[k..]: along each axis the two parts change places.
static void roll_parts(const View& x, const View& y, const IntList& axes, const IntList& shift, int k) {
  if (k == axes.size()) {
    copy_values(x, y);
    return;
  }
  const int axis = static_cast<int>(axes[k]);
  const Dim n = x.shape[axis];
  if (n == 0) return;
  Dim s = shift[shift.size() == 1 ? 0 : k] % n;
  if (s < 0) s += n;
  roll_parts(part(x, axis, 0, n - s), part(y, axis, s, n - s), axes, shift, k + 1);
  if (s > 0) roll_parts(part(x, axis, n - s, s), part(y, axis, 0, s), axes, shift, k + 1);
}
void Roll::run(const Roll& a, Views in, Views out, Context&) {
  if (a.axis.all) {
    const Shape flat = {in[0].count()};
    roll_parts(as_shape(in[0], flat), as_shape(out[0], flat), {0}, a.shift, 0);
  } else {
    roll_parts(in[0], out[0], distinct_axes(name, a.axis.list, in[0].shape.rank()), a.shift, 0);
  }
}
void Roll::grad(const Roll& a, GradCtx& c) {
  if (!c.needs(0)) return;
  Roll back = a;
  for (int i = 0; i < back.shift.size(); ++i) back.shift[i] = -back.shift[i];
  c.dx(0, roll(c.dy(), back));
}

// ---- pad ----

namespace {

// One pair (before, after) per axis from one number, one pair, or all pairs.
IntList all_widths(std::string_view op, const IntList& given, int rank) {
  if (given.size() != 1 && given.size() != 2 && given.size() != 2 * rank) {
    raise<ValueError>(op, ": pad_width ", given, " has ", given.size(), " numbers. Give one, one pair, or a pair for each of ",
                      rank, " axes.");
  }
  IntList w;
  for (int i = 0; i < 2 * rank; ++i) {
    w.push_back(given[given.size() == 1 ? 0 : given.size() == 2 ? i % 2 : i]);
    if (w[i] < 0) raise<ValueError>(op, ": pad_width ", given, " has the negative number ", w[i], ".");
  }
  return w;
}

// A border of these widths must find its values in an axis of size n.
void check_border(std::string_view op, std::string_view mode, int axis, Dim before, Dim after, Dim n) {
  if (mode == "constant") return;
  const Dim most = mode == "edge" ? (n > 0 ? std::numeric_limits<Dim>::max() : 0) : n - 1;
  if (std::max(before, after) > std::max<Dim>(most, 0)) {
    raise<ShapeError>(op, ": pad_width (", before, ", ", after, ") at axis ", axis, " is too wide for mode '", mode, "' and size ",
                      n, ".");
  }
}

void check_mode(std::string_view op, std::string_view mode, bool constant) {
  if (mode == "edge" || mode == "reflect" || (constant && mode == "constant")) return;
  raise<ValueError>(op, ": mode is '", mode, "'. Use ", constant ? "'constant', 'edge' or 'reflect'." : "'edge' or 'reflect'.");
}

// The part of y that is not border, along the axes from `from` on.
View center(View y, const IntList& w, int from) {
  for (int i = from; i < y.shape.rank(); ++i) y = part(y, i, w[2 * i], y.shape[i] - w[2 * i] - w[2 * i + 1]);
  return y;
}

// Calls f(border position, position it takes its value from) for one axis of size n between its borders.
template <class F>
void each_border(Dim before, Dim n, Dim after, bool reflect, const F& f) {
  for (Dim j = 0; j < before; ++j) f(j, reflect ? 2 * before - j : before);
  for (Dim j = 0; j < after; ++j) f(before + n + j, before + n - 1 - (reflect ? j + 1 : 0));
}

}  // namespace

void Pad::infer(const Pad& a, In in, Types& out) {
  check_mode(name, a.mode.view(), true);
  Type t = in[0];
  const IntList w = all_widths(name, a.pad_width, t.shape.rank());
  for (int i = 0; i < t.shape.rank(); ++i) {
    const Dim before = w[2 * i], after = w[2 * i + 1];
    check_border(name, a.mode.view(), i, before, after, t.shape[i]);
    t.shape[i] = checked_add(name, checked_add(name, t.shape[i], before), after);
  }
  checked_count(name, t.shape, t.dtype);
  out.push_back(t);
}
void Pad::run(const Pad& a, Views in, Views out, Context& c) {
  const View &x = in[0], &y = out[0];
  if (y.count() == 0) return;
  const IntList w = all_widths(name, a.pad_width, x.shape.rank());
  if (a.mode.view() == "constant") {
    alignas(8) std::byte item[8];
    store_double(item, y.dtype, a.constant_values);
    apply_fill(c.kernels.elementwise, item, y);
  }
  copy_values(x, center(y, w, 0));
  if (a.mode.view() == "constant") return;
  // One axis after the other; the borders of earlier axes are copied along.
  for (int i = 0; i < x.shape.rank(); ++i) {
    const View done = center(y, w, i + 1);
    each_border(w[2 * i], x.shape[i], w[2 * i + 1], a.mode.view() == "reflect",
                [&](Dim to, Dim from) { copy_values(part(done, i, from, 1), part(done, i, to, 1)); });
  }
}
void Pad::grad(const Pad& a, GradCtx& c) {
  if (!c.needs(0)) return;
  const Shape& shape = c.in_type(0).shape;
  const IntList w = all_widths(name, a.pad_width, shape.rank());
  if (a.mode.view() == "constant") {
    IntList begin;
    for (int i = 0; i < shape.rank(); ++i) begin.push_back(w[2 * i]);
    c.dx(0, slice(c.dy(), {.start_indices = begin, .shape = shape}));
  } else {
    c.dx(0, pad_grad(c.dy(), {.pad_width = w, .mode = a.mode}));
  }
}

void PadGrad::infer(const PadGrad& a, In in, Types& out) {
  check_mode(name, a.mode.view(), false);
  require_float(name, "dy", in[0]);
  Type t = in[0];
  const IntList w = all_widths(name, a.pad_width, t.shape.rank());
  for (int i = 0; i < t.shape.rank(); ++i) {
    const Dim before = w[2 * i], after = w[2 * i + 1];
    t.shape[i] -= checked_add(name, before, after);
    if (t.shape[i] < 0) raise<ShapeError>(name, ": dy of shape ", in[0].shape, " is smaller than pad_width ", a.pad_width, ".");
    check_border(name, a.mode.view(), i, before, after, t.shape[i]);
  }
  out.push_back(t);
}
void PadGrad::run(const PadGrad& a, Views in, Views out, Context& c) {
  View sums = in[0];
  if (sums.count() == 0) return;
  const IntList w = all_widths(name, a.pad_width, sums.shape.rank());
  sums.set_contiguous_strides();
  sums.data = c.scratch(sums.count() * size_of(sums.dtype));
  copy_values(in[0], sums);
  const BinaryFn add_fn = binary_fn(c.kernels.elementwise, BinaryKind::add, sums.dtype);
  // The copies of pad in reverse: each border value goes back to where it was taken from.
  for (int i = sums.shape.rank() - 1; i >= 0; --i) {
    const View done = center(sums, w, i + 1);
    each_border(w[2 * i], out[0].shape[i], w[2 * i + 1], a.mode.view() == "reflect", [&](Dim border, Dim from) {
      const View target = part(done, i, from, 1);
      apply_binary(add_fn, target, part(done, i, border, 1), target);
    });
  }
  copy_values(center(sums, w, 0), out[0]);
}
void PadGrad::grad(const PadGrad& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, pad(c.dy(), {.pad_width = a.pad_width, .mode = a.mode}));
}

}  // namespace nacre::op

namespace nacre {
NACRE_DEFINE_OP(Concatenate)
NACRE_DEFINE_OP(Stack)
NACRE_DEFINE_OP(Tile)
NACRE_DEFINE_OP(Repeat)
NACRE_DEFINE_OP(Roll)
NACRE_DEFINE_OP(Pad)
NACRE_DEFINE_OP(PadGrad)
}  // namespace nacre
