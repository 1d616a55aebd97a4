#include "nacre/nn/regularization.h"

#include "nacre/nn/checks.h"
#include "nacre/ops/operators.h"
#include "nacre/ops/ops.h"

namespace nacre::nn {

void Dropout::check(const DropoutOptions& o) {
  need_rate(kName, "rate", o.rate);
  if (o.scale_at != "training" && o.scale_at != "inference") {
    raise<ValueError>(kName, ": scale_at must be 'training' or 'inference', got '", o.scale_at, "'.");
  }
}

Tensor Dropout::call(const Tensor& x, const CallContext& context) const {
  if (o().rate == 0) return x;
  if (!context.training) return o().scale_at == "inference" ? x * (1 - o().rate) : x;
  return dropout(x, random_key(context, o().seed), {.rate = o().rate, .scale_at = std::string_view(o().scale_at)});
}

}  // namespace nacre::nn
