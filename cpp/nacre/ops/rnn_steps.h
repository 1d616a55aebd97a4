// Recurrent layers written in other ops, step by step: the reference of the fused ops (ops/rnn.h), which any derivative can be taken of,
// and the way for what these do not know: other activations, dropout of the state.
#pragma once

#include <functional>
#include <vector>

#include "nacre/kernels/rnn.h"
#include "nacre/tensor/tensor.h"

namespace nacre {

// What the fused ops take, undefined where absent; shapes were checked.
struct RnnInputs {
  Tensor x, kernel, recurrent_kernel, bias, initial_h, initial_c, mask;
};

struct RnnSteps {
  using Function = std::function<Tensor(const Tensor&)>;
  RnnCell cell = RnnCell::lstm;
  Function activation, recurrent_activation;
  bool go_backwards = false, reset_after = true;
  // One factor [N, U] per gate, of the state that enters its product; empty: none.
  std::vector<Tensor> state_factors;
};

// All tensors of the fused op: outputs, last h (lstm: and c), and but for the simple cell what it saves.
NACRE_API std::vector<Tensor> rnn_by_steps(const RnnInputs& in, const RnnSteps& how);

}  // namespace nacre
