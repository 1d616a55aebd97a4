// Softmax, log-softmax, their gradients, and softmax cross-entropy taken from logits in one pass.
//
// m = max_j x_j, lse = m + log sum_j exp(x_j - m).  softmax y = exp(x - lse), log_softmax y = x - lse.
// Inputs of +-1e4 and rows of -inf with one finite entry survive; a row of only -inf gives NaN, as the formula does.
// Arrays are contiguous [outer, n, inner], the class axis is n. One row has one owner: same bits for any number of threads.
#pragma once

#include <stdint.h>

#include "nacre/base/dtype.h"
#include "nacre/kernels/index_status.h"

namespace nacre {

struct SoftmaxArgs {
  const void* x = nullptr;
  void* y = nullptr;  // may be x
  int64_t outer = 0, n = 0, inner = 1;
};

// softmax:     dx = y (dy - sum_j y_j dy_j)
// log_softmax: dx = dy - exp(y) sum_j dy_j
struct SoftmaxGradArgs {
  const void* y = nullptr;
  const void* dy = nullptr;
  void* dx = nullptr;  // may be dy or y
  int64_t outer = 0, n = 0, inner = 1;
};

// t_c = (1 - a) target_c + a / C,  a = label_smoothing, target one-hot when labels are given
// loss_r = sum_c t_c (lse_r - x_rc);  terms with t_c = 0 are left out, so -inf logits of other classes are harmless
// dlogits_rc = dloss_r (exp(x_rc - lse_r) sum_c t_c - t_c)
// Nothing but logits is read by backward: lse in float32 is too coarse for logits of 1e4, so max and sum are taken again (one exp
// per element, in L1). logits, targets, dlogits [rows, classes] contiguous; loss, lse [rows].
struct CrossEntropyArgs {
  const void* logits = nullptr;
  int64_t rows = 0, classes = 0;
  const void* labels = nullptr;      // [rows] class numbers, or null
  DType label_dtype = DType::int32;  // uint8, int8, int32, int64
  const void* targets = nullptr;     // [rows, classes], dtype of the logits, when labels is null
  double label_smoothing = 0;
  // Forward only; either may be null.
  void* loss = nullptr;
  void* lse = nullptr;
  // Backward only.
  const void* dloss = nullptr;
  int64_t dloss_stride = 1;  // 0: one value for all rows
  void* dlogits = nullptr;   // may be logits
  // A label outside [0, classes) is reported here (its row as position); nothing is written then.
  IndexStatus* status = nullptr;
};

using SoftmaxFn = void (*)(const SoftmaxArgs&) noexcept;
using SoftmaxGradFn = void (*)(const SoftmaxGradArgs&) noexcept;
using CrossEntropyFn = void (*)(const CrossEntropyArgs&) noexcept;

struct SoftmaxTable {  // float32 and float64, null elsewhere
  SoftmaxFn softmax[kDTypeCount];
  SoftmaxFn log_softmax[kDTypeCount];
  SoftmaxGradFn softmax_grad[kDTypeCount];
  SoftmaxGradFn log_softmax_grad[kDTypeCount];
  CrossEntropyFn cross_entropy[kDTypeCount];
  CrossEntropyFn cross_entropy_grad[kDTypeCount];
};

}  // namespace nacre
