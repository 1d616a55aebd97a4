// where, clip, cast, identity.
#include "nacre/kernels/elementwise_drive.h"
#include "nacre/ops/rules.h"

namespace nacre {

namespace op {

// y = x1 where condition else x2
void Where::infer(const Where&, In in, Types& out) {
  require_bool(name, "condition", in[0]);
  out.push_back({in[1].dtype, broadcast_shapes(name, in[0].shape, broadcast_shapes(name, in[1].shape, in[2].shape))});
}
void Where::run(const Where&, Views in, Views out, Context& c) { apply_where(c.kernels.elementwise, in[0], in[1], in[2], out[0]); }
void Where::grad(const Where&, GradCtx& c) {
  const Tensor condition = c.in(0), &dy = c.dy(), zero = scalar(0, dy);
  if (c.needs(1)) c.dx(1, unbroadcast(where(condition, dy, zero), c.in_type(1).shape));
  if (c.needs(2)) c.dx(2, unbroadcast(where(condition, zero, dy), c.in_type(2).shape));
}

bool Where::tile(const Where&, const KernelTable& k, In in, TileFn& fn) {
  fn.where = k.elementwise.where[size_index(size_of(in[1].dtype))];
  return true;
}

// y = min(max(x, low), high)
void Clip::infer(const Clip& a, In in, Types& out) {
  require_number(name, "x", in[0]);
  if (!(a.min <= a.max)) raise<ValueError>(name, ": min must be at most max, got min ", a.min, " and max ", a.max, ".");
  if (!is_float(in[0].dtype)) {
    for (const auto& [arg, bound] : {std::pair{"min", a.min}, std::pair{"max", a.max}}) {
      if (std::isfinite(bound) && bound != std::trunc(bound)) {
        raise<ValueError>(name, ": ", arg, " must be a whole number for an x of dtype ", in[0].dtype, ", got ", bound,
                          ". Or cast x to a float.");
      }
    }
  }
  out.push_back(in[0]);
}
void Clip::run(const Clip& a, Views in, Views out, Context& c) {
  TileFn fn;
  tile(a, c.kernels, In{in.views, in.n}, fn);
  apply_unary(fn.unary, in[0], out[0], fn.params);
}
void Clip::grad(const Clip& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, clip_grad(c.in(0), c.dy(), {.a = a.min, .b = a.max}));
}

bool Clip::tile(const Clip& a, const KernelTable& k, In in, TileFn& fn) {
  fn.unary = unary_fn(k.elementwise, UnaryKind::clip, in[0].dtype);
  fn.params[0] = a.min, fn.params[1] = a.max;
  return fn.unary != nullptr;
}

void Cast::infer(const Cast& a, In in, Types& out) { out.push_back({a.dtype, in[0].shape}); }
void Cast::run(const Cast&, Views in, Views out, Context& c) { apply_cast(c.kernels.elementwise, in[0], out[0]); }
void Cast::grad(const Cast&, GradCtx& c) {
  if (!c.needs(0)) return;
  const DType t = c.in_type(0).dtype;
  c.dx(0, c.dy().dtype() == t ? c.dy() : cast(c.dy(), {.dtype = t}));
}

bool Cast::tile(const Cast& a, const KernelTable& k, In in, TileFn& fn) {
  fn.cast = k.elementwise.cast[static_cast<int>(in[0].dtype)][static_cast<int>(a.dtype)];
  return fn.cast != nullptr;
}

void Identity::infer(const Identity&, In in, Types& out) { out.push_back(in[0]); }
void Identity::run(const Identity&, Views in, Views out, Context& c) { apply_copy(c.kernels.elementwise, in[0], out[0]); }
bool Identity::view(const Identity&, const View& in, View& out) {
  out = in;
  return true;
}
void Identity::grad(const Identity&, GradCtx& c) {
  if (c.needs(0)) c.dx(0, c.dy());
}

}  // namespace op

NACRE_DEFINE_OP(Where)
NACRE_DEFINE_OP(Clip)
NACRE_DEFINE_OP(Cast)
NACRE_DEFINE_OP(Identity)

}  // namespace nacre
