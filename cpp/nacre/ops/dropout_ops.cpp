// Dropout: y = x * mask / (1 - rate). The gradient is the same op on dy with the same key: nothing but the key is saved.
#include "nacre/ops/dropout.h"
#include "nacre/ops/nn_checks.h"
#include "nacre/ops/random_state.h"

namespace nacre::op {

void Dropout::infer(const Dropout& a, In in, Types& out) {
  require_float(name, "x", in[0]);
  check_key(name, in[1]);
  if (!(a.rate >= 0 && a.rate <= 1)) raise<ValueError>(name, ": rate must be from 0 to 1, got ", a.rate, ".");
  require_count(name, "stream", a.stream, 0);
  if (!(a.scale_at == "training") && !(a.scale_at == "inference")) {
    raise<ValueError>(name, ": scale_at must be 'training' or 'inference', got '", a.scale_at, "'.");
  }
  out.push_back(in[0]);
}

bool Dropout::tile(const Dropout& a, const KernelTable& k, In in, TileFn& fn) {
  fn.dropout = k.random.dropout[index_of(in[0].dtype)];
  fn.stream = static_cast<std::uint32_t>(a.stream);
  fn.params[0] = a.rate;
  fn.params[1] = a.scale_at == "training";
  return true;
}

void Dropout::run(const Dropout& a, Views in, Views out, Context& c) {
  TileFn fn;
  tile(a, c.kernels, In{in.views, in.n}, fn);
  run_dropout(fn, 0, in[0].count(), in[0].data, read_key(in[1]), out[0].data);
}

void Dropout::grad(const Dropout& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, dropout(c.dy(), c.in(1), a));
}

}  // namespace nacre::op

namespace nacre {
NACRE_DEFINE_OP(Dropout)
}  // namespace nacre
