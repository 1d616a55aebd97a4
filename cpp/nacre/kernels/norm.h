// Layer, RMS, batch and group normalisation, forward and backward.
//
// xhat = (x - mean) * rstd,  rstd = 1 / sqrt(var + epsilon),  var biased,  y = gamma * xhat + beta.
// dx = rstd * (g - sum(g) / m - xhat * sum(g * xhat) / m)  with g = gamma * dy and m elements per mean; RMS has no mean and no
// sum(g) term. dgamma = sum dy * xhat, dbeta = sum dy over everything that shares the parameter (written, not accumulated).
// Means by the two-pass formula; every sum over fixed chunks in a fixed order. All arrays contiguous, statistics in the dtype of x.
//
// `before` makes the input named beside it tile by tile, `after` takes y or dx (kernels/tile_hook.h); the array may then be null. y and dx may be any
// input of their size: what lies at a position is read before it is written.
#pragma once

#include <stdint.h>

#include "nacre/base/dtype.h"
#include "nacre/kernels/tile_hook.h"

namespace nacre {

// x, y [rows, width]; gamma, beta [width] or null; mean, rstd [rows] (mean unused when rms; both may be null when not needed
// later).
struct LayerNormArgs {
  const void* x = nullptr;
  const void* gamma = nullptr;
  const void* beta = nullptr;
  void* y = nullptr;  // may be x
  void* mean = nullptr;
  void* rstd = nullptr;
  int64_t rows = 0, width = 0;
  double epsilon = 1e-3;
  bool rms = false;        // xhat = x / sqrt(mean(x^2) + epsilon)
  TileHook before, after;  // x, for rows of at most kHookedRow bytes; y
};
inline constexpr int64_t kHookedRow = 16384;
struct LayerNormGradArgs {
  const void* x = nullptr;
  const void* gamma = nullptr;
  const void* mean = nullptr;
  const void* rstd = nullptr;
  const void* dy = nullptr;
  void* dx = nullptr;      // null: not needed; may be dy
  void* dgamma = nullptr;  // null: not needed
  void* dbeta = nullptr;
  int64_t rows = 0, width = 0;
  bool rms = false;
  TileHook before, after;  // dy, for rows of at most kHookedColumns bytes; dx, for kHookedRow
};

// x, y [n, channels, spatial]: spatial = 1 is the channels-last view (n = N*H*W). gamma, beta, mean, var, rstd [channels].
struct BatchNormArgs {
  const void* x = nullptr;
  const void* gamma = nullptr;
  const void* beta = nullptr;
  void* y = nullptr;     // may be x
  void* mean = nullptr;  // training: written. inference: read
  void* var = nullptr;   // training: written (biased). inference: read
  void* rstd = nullptr;  // written; inference: may be null
  int64_t n = 0, channels = 0, spatial = 1;
  double epsilon = 1e-3;
  TileHook after;  // y, with spatial = 1
};
struct BatchNormGradArgs {
  const void* x = nullptr;
  const void* gamma = nullptr;
  const void* mean = nullptr;
  const void* rstd = nullptr;
  const void* dy = nullptr;
  void* dx = nullptr;      // null: not needed; may be dy
  void* dgamma = nullptr;  // null: not needed (dx still uses the sums; they live in scratch)
  void* dbeta = nullptr;
  int64_t n = 0, channels = 0, spatial = 1;
  bool training = true;    // false: mean and rstd were constants: dx = gamma * rstd * dy
  TileHook before, after;  // dy, for at most kHookedColumns bytes of channels; dx; with spatial = 1
};

// x, y [n, spatial, channels] (channels last) or [n, channels, spatial]; groups divides channels; mean, rstd [n, groups].
struct GroupNormArgs {
  const void* x = nullptr;
  const void* gamma = nullptr;  // [channels] or null
  const void* beta = nullptr;
  void* y = nullptr;
  void* mean = nullptr;
  void* rstd = nullptr;
  int64_t n = 0, channels = 0, spatial = 1, groups = 1;
  bool channels_last = true;
  double epsilon = 1e-3;
};
struct GroupNormGradArgs {
  const void* x = nullptr;
  const void* gamma = nullptr;
  const void* mean = nullptr;
  const void* rstd = nullptr;
  const void* dy = nullptr;
  void* dx = nullptr;
  void* dgamma = nullptr;
  void* dbeta = nullptr;
  int64_t n = 0, channels = 0, spatial = 1, groups = 1;
  bool channels_last = true;
};

template <class Args>
using NormFn = void (*)(const Args&, void* scratch) noexcept;

// float32 and float64, null elsewhere. `scratch` has the bytes that the *_scratch function of the same arguments says (8-byte
// aligned).
struct NormTable {
  NormFn<LayerNormArgs> layer_norm[kDTypeCount];  // scratch unused: pass null
  NormFn<LayerNormGradArgs> layer_norm_grad[kDTypeCount];
  NormFn<BatchNormArgs> batch_norm_training[kDTypeCount];
  NormFn<BatchNormArgs> batch_norm_inference[kDTypeCount];
  NormFn<BatchNormGradArgs> batch_norm_grad[kDTypeCount];
  NormFn<GroupNormArgs> group_norm[kDTypeCount];
  NormFn<GroupNormGradArgs> group_norm_grad[kDTypeCount];
  int64_t (*layer_norm_grad_scratch)(const LayerNormGradArgs&) noexcept;
  int64_t (*batch_norm_scratch)(const BatchNormArgs&) noexcept;  // training and inference
  int64_t (*batch_norm_grad_scratch)(const BatchNormGradArgs&) noexcept;
  int64_t (*group_norm_scratch)(const GroupNormArgs&) noexcept;
  int64_t (*group_norm_grad_scratch)(const GroupNormGradArgs&) noexcept;
};

}  // namespace nacre
