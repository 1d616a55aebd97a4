// Gradient by reference: differentiates a fused op through the few plain ops that say the same.
//
// grad_by_reference(c, compound) runs `compound` on the inputs of the op with recording on and walks back through it, no further than
// those inputs. Under create_graph the results keep their history, so derivatives of any order follow. save_in must name every input that
// compound reads. Costs one forward pass in plain ops: meant for second derivatives and rare options.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "nacre/ops/op.h"

namespace nacre {

// Takes the inputs of the op (empty handles where optional ones are absent), gives its outputs; an output may be left empty when
// its gradient cannot be asked for.
using ReferenceFn = std::function<std::vector<Tensor>(std::span<const Tensor>)>;

void grad_by_reference(GradCtx& c, const ReferenceFn& compound);

}  // namespace nacre
