// Slices, split, unstack: shape rules, views and gradients.
//
// slice_view and slice_grad are each other's gradients: one reads x[begin + i step], the other writes there into zeros.
#include "nacre/ops/rules.h"
#include "nacre/ops/slice.h"
#include "nacre/ops/view_rules.h"

namespace nacre::op {

namespace {

void need_one_per_axis(std::string_view op, std::string_view arg, const IntList& list, const Shape& shape) {
  if (list.size() != shape.rank()) {
    raise<ValueError>(op, ": ", arg, " ", list, " has ", list.size(), " numbers but the tensor of shape ", shape, " has ",
                      shape.rank(), " axes. Give one per axis.");
  }
}

// Positions begin, begin + step, ... (size of them) must lie in [0, limit).
void check_range(std::string_view op, int axis, Dim begin, Dim size, Dim step, Dim limit) {
  if (step == 0) raise<ValueError>(op, ": step is 0 at axis ", axis, ".");
  if (size < 0) raise<ValueError>(op, ": size ", size, " at axis ", axis, " is negative.");
  if (size == 0) return;
  Dim last = 0;
  const bool overflow = __builtin_mul_overflow(size - 1, step, &last) || __builtin_add_overflow(last, begin, &last);
  if (overflow || begin < 0 || begin >= limit || last < 0 || last >= limit) {
    raise<ValueError>(op, ": begin ", begin, ", size ", size, " and step ", step, " leave axis ", axis, " of size ", limit, ".");
  }
}

// The block of v that begin, size and step name.
View block(const View& v, const IntList& begin, const Shape& size, const IntList& step) {
  View b = v;
  for (int i = 0; i < size.rank(); ++i) {
    if (size[i] > 0) b = moved(b, i, begin[i]);
    b.shape[i] = size[i];
  }
  for (int i = 0; i < size.rank(); ++i) {
    if (size[i] > 1) b.strides[i] = v.strides[i] * step[i];  // the step of a single element may be huge
  }
  return b;
}

IntList ones(int n) {
  IntList l;
  for (int i = 0; i < n; ++i) l.push_back(1);
  return l;
}

}  // namespace

// ---- slice ----

void Slice::infer(const Slice& a, In in, Types& out) {
  const Shape& s = in[0].shape;
  need_one_per_axis(name, "start_indices", a.start_indices, s);
  need_one_per_axis(name, "shape", a.shape, s);
  Type t = in[0];
  for (int i = 0; i < s.rank(); ++i) {
    const Dim start = a.start_indices[i], size = a.shape[i];
    if (start < 0 || start > s[i])
      raise<ValueError>(name, ": start_indices ", a.start_indices, " has ", start, " at axis ", i, " of size ", s[i], ".");
    if (size < -1 || size > s[i] - start) {
      raise<ValueError>(name, ": shape ", a.shape, " asks for ", size, " from position ", start, " of axis ", i,
                        ", which has size ", s[i], ".");
    }
    t.shape[i] = size == -1 ? s[i] - start : size;
  }
  out.push_back(t);
}
bool Slice::view(const Slice& a, const View& in, View& out) {
  out = block(in, a.start_indices, out.shape, ones(in.shape.rank()));
  return true;
}
void Slice::run(const Slice& a, Views in, Views out, Context&) { run_by_copy(a, in[0], out[0]); }
void Slice::grad(const Slice& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, slice_grad(c.dy(), {.shape = c.in_type(0).shape, .begin = a.start_indices, .step = ones(c.dy().rank())}));
}

void SliceView::infer(const SliceView& a, In in, Types& out) {
  const Shape& s = in[0].shape;
  need_one_per_axis(name, "begin", a.begin, s);
  need_one_per_axis(name, "size", a.size, s);
  need_one_per_axis(name, "step", a.step, s);
  for (int i = 0; i < s.rank(); ++i) check_range(name, i, a.begin[i], a.size[i], a.step[i], s[i]);
  out.push_back({in[0].dtype, a.size.shape()});
}
bool SliceView::view(const SliceView& a, const View& in, View& out) {
  out = block(in, a.begin, out.shape, a.step);
  return true;
}
void SliceView::run(const SliceView& a, Views in, Views out, Context&) { run_by_copy(a, in[0], out[0]); }
void SliceView::grad(const SliceView& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, slice_grad(c.dy(), {.shape = c.in_type(0).shape, .begin = a.begin, .step = a.step}));
}

void SliceGrad::infer(const SliceGrad& a, In in, Types& out) {
  const Shape shape = shape_from(name, "shape", a.shape, in[0].dtype), &size = in[0].shape;
  need_one_per_axis(name, "shape", a.shape, size);
  need_one_per_axis(name, "begin", a.begin, size);
  need_one_per_axis(name, "step", a.step, size);
  for (int i = 0; i < size.rank(); ++i) check_range(name, i, a.begin[i], size[i], a.step[i], shape[i]);
  out.push_back({in[0].dtype, shape});
}
void SliceGrad::run(const SliceGrad& a, Views in, Views out, Context& c) {
  fill_zero(out[0], c);
  copy_values(in[0], block(out[0], a.begin, in[0].shape, a.step));
}
void SliceGrad::grad(const SliceGrad& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, slice_view(c.dy(), {.begin = a.begin, .size = c.in_type(0).shape, .step = a.step}));
}

// ---- split, unstack ----

// A list of outputs beyond this is a mistake, not a wish.
static constexpr Dim kMostParts = 1'000'000;

void Split::infer(const Split& a, In in, Types& out) {
  const Shape& s = in[0].shape;
  const int axis = normalize_axis(name, a.axis, s.rank());
  const Dim n = s[axis];
  if ((a.sections != 0) == (a.indices.size() != 0)) {
    raise<ValueError>(name, ": give either sections >= 1 or indices, got sections ", a.sections, " and indices ", a.indices, ".");
  }
  Type t = in[0];
  if (a.sections != 0) {
    if (a.sections < 1 || a.sections > kMostParts)
      raise<ValueError>(name, ": sections must be in 1 .. ", kMostParts, ", got ", a.sections, ".");
    if (n % a.sections)
      raise<ShapeError>(name, ": sections ", a.sections, " does not divide size ", n, " of axis ", a.axis, " (shape ", s, ").");
    t.shape[axis] = n / a.sections;
    out.assign(static_cast<std::size_t>(a.sections), t);
    return;
  }
  Dim before = 0;
  for (int i = 0; i <= a.indices.size(); ++i) {
    const Dim cut = i < a.indices.size() ? a.indices[i] : n;
    if (cut < 0 || (i < a.indices.size() && i > 0 && cut < a.indices[i - 1])) {
      raise<ValueError>(name, ": indices ", a.indices, " must be >= 0 and must not decrease.");
    }
    const Dim end = cut < n ? cut : n;
    t.shape[axis] = end - before;
    out.push_back(t);
    before = end;
  }
}
void Split::run(const Split& a, Views in, Views out, Context&) {
  const int axis = normalize_axis(name, a.axis, in[0].shape.rank());
  Dim begin = 0;
  for (int i = 0; i < out.size(); ++i) {
    copy_values(part(in[0], axis, begin, out[i].shape[axis]), out[i]);
    begin += out[i].shape[axis];
  }
}
void Split::grad(const Split& a, GradCtx& c) {
  if (!c.needs(0)) return;
  Types parts;
  const Type& x = c.in_type(0);
  View v;  // infer reads types only
  static_cast<Type&>(v) = x;
  View* const views[] = {&v};
  infer(a, In{views, 1}, parts);
  std::vector<Tensor> dys;
  for (int i = 0; i < c.no(); ++i) dys.push_back(c.has(i) ? c.dy(i) : zeros_of(parts[static_cast<std::size_t>(i)]));
  c.dx(0, concatenate(dys, {.axis = a.axis}));
}

void Unstack::infer(const Unstack& a, In in, Types& out) {
  Type t = in[0];
  const int axis = normalize_axis(name, a.axis, t.shape.rank());
  const Dim n = t.shape[axis];
  if (n > kMostParts)
    raise<ValueError>(name, ": axis ", a.axis, " of shape ", t.shape, " would give ", n, " tensors, more than ", kMostParts, ".");
  t.shape.erase(axis);
  out.assign(static_cast<std::size_t>(n), t);
}
void Unstack::run(const Unstack& a, Views in, Views out, Context&) {
  const int axis = normalize_axis(name, a.axis, in[0].shape.rank());
  for (int i = 0; i < out.size(); ++i) copy_values(slab(in[0], axis, i), out[i]);
}
void Unstack::grad(const Unstack& a, GradCtx& c) {
  if (!c.needs(0)) return;
  Type t = c.in_type(0);
  t.shape.erase(normalize_axis(name, a.axis, t.shape.rank()));
  std::vector<Tensor> dys;
  for (int i = 0; i < c.no(); ++i) dys.push_back(c.has(i) ? c.dy(i) : zeros_of(t));
  c.dx(0, stack(dys, {.axis = a.axis}));
}

}  // namespace nacre::op

namespace nacre {
NACRE_DEFINE_OP(Slice)
NACRE_DEFINE_OP(SliceView)
NACRE_DEFINE_OP(SliceGrad)
NACRE_DEFINE_OP(Split)
NACRE_DEFINE_OP(Unstack)
}  // namespace nacre
