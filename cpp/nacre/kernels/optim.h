// Update rules, one pass over a parameter (or over a flat arena of all parameters).
//
// In all rules: g = clip(grad_scale * grad, -limit, limit) + l2 * p  (l2: the coupled form, PyTorch's weight_decay);
//               p loses learning_rate * weight_decay * p first (the decoupled form, Keras and AdamW).
// Scalars are doubles, converted once to the dtype of the parameter. No fused multiply-add: the same bits on every instruction set.
// Formulas and the names of their variants: TOPICS section 4.
#pragma once

#include <stdint.h>

#include "nacre/base/dtype.h"

namespace nacre {

struct OptimScalars {
  double learning_rate = 0.01;
  double weight_decay = 0;  // decoupled
  double l2 = 0;            // coupled
  double grad_scale = 1;    // from clipping by norm or loss scaling
  double limit = 0;         // of each element of the scaled gradient; 0: none
};

// lr_in_velocity (Keras):  v = momentum v - lr g;  p += v;              nesterov: p += momentum v - lr g
// otherwise (PyTorch):     v = momentum v + g;     p -= lr v;           nesterov: p -= lr (g + momentum v)
// velocity null: p -= lr g.
struct SgdArgs {
  void* param = nullptr;
  const void* grad = nullptr;
  void* velocity = nullptr;
  int64_t n = 0;
  OptimScalars scalars;
  double momentum = 0;
  bool nesterov = false;
  bool lr_in_velocity = true;
};

// s = rho s + (1 - rho) g^2;  centered: a = rho a + (1 - rho) g, d = s - a^2, else d = s
// step = lr g / sqrt(d + epsilon)  (epsilon_inside, Keras)  or  lr g / (sqrt(d) + epsilon)  (PyTorch)
// momentum > 0: inside (Keras) v = momentum v + step, p -= v;  the same v holds for both, lr inside the velocity.
struct RmspropArgs {
  void* param = nullptr;
  const void* grad = nullptr;
  void* mean_square = nullptr;
  void* mean_grad = nullptr;  // needed when centered, else null
  void* velocity = nullptr;   // needed when momentum > 0, else null
  int64_t n = 0;
  OptimScalars scalars{.learning_rate = 0.001};
  double rho = 0.9, epsilon = 1e-7, momentum = 0;
  bool epsilon_inside = true;
  bool centered = false;
};

// m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  m_hat = m / (1 - b1^t), v_hat = v / (1 - b2^t), t = step >= 1
// p -= lr m_hat / (sqrt(v_hat) + epsilon).   bias_correction false: m_hat = m, v_hat = v.   AdamW: weight_decay > 0.
// amsgrad: v_max = max(v_max, v) takes the place of v.
struct AdamArgs {
  void* param = nullptr;
  const void* grad = nullptr;
  void* m = nullptr;
  void* v = nullptr;
  void* v_max = nullptr;  // not null: amsgrad
  int64_t n = 0;
  OptimScalars scalars{.learning_rate = 0.001};
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8;
  int64_t step = 1;
  bool bias_correction = true;
};

// s += g^2;  p -= lr g / sqrt(s + epsilon)  (epsilon_inside, Keras)  or  lr g / (sqrt(s) + epsilon)
// s = 0 with epsilon = 0 (the lectures' form) leaves p unchanged instead of 0/0.
struct AdagradArgs {
  void* param = nullptr;
  const void* grad = nullptr;
  void* accumulator = nullptr;
  int64_t n = 0;
  OptimScalars scalars{.learning_rate = 0.001};
  double epsilon = 1e-7;
  bool epsilon_inside = true;
};

template <class Args>
using OptimFn = void (*)(const Args&) noexcept;

struct OptimTable {  // float32 and float64, null elsewhere
  OptimFn<SgdArgs> sgd[kDTypeCount];
  OptimFn<RmspropArgs> rmsprop[kDTypeCount];
  OptimFn<AdamArgs> adam[kDTypeCount];
  OptimFn<AdagradArgs> adagrad[kDTypeCount];
};

}  // namespace nacre
