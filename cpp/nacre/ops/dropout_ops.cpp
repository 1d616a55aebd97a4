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

void Dropout::run(const Dropout& a, Views in, Views out, Context& c) {
  DropoutArgs d;
  d.key = read_key(in[1]);
  d.key.stream += static_cast<std::uint32_t>(a.stream);
  d.n = in[0].count();
  d.x = in[0].data, d.y = out[0].data;
  d.rate = a.rate;
  d.scale = a.scale_at == "training";
  c.kernels.random.dropout[index_of(in[0].dtype)](d);
}

void Dropout::grad(const Dropout& a, GradCtx& c) {
  if (c.needs(0)) c.dx(0, dropout(c.dy(), c.in(1), a));
}

}  // namespace nacre::op

namespace nacre {
NACRE_DEFINE_OP(Dropout)
}  // namespace nacre
