// Max and average pooling in two dimensions, channels last, forward and backward. One-dimensional pooling has h = kh = 1.
//
// y[n, i, j, c] = max or mean over the window rows i*sh - pad_top + 0..kh-1 and columns j*sw - pad_left + 0..kw-1 inside the image.
// Padding never wins a maximum and is not counted in a mean (unless count_include_pad). Ties: the first in row-major order of the
// window gets the gradient; NaN wins. A window with nothing inside gives 0 and passes no gradient; ops refuse such padding.
// Every image has one owner in backward: bits do not depend on the number of threads.
#pragma once

#include <stdint.h>

#include "nacre/base/dtype.h"

namespace nacre {

struct Pool2dArgs {
  const void* x = nullptr;    // [n, h, w, c]                   forward
  void* y = nullptr;          // [n, oh, ow, c]                 forward
  int32_t* argmax = nullptr;  // [n, oh, ow, c]: row * w + column of the maximum in its image, -1 for an empty window.
                              // max forward: written unless null; max backward: read. h * w must be below 2^31.
  const void* dy = nullptr;   // [n, oh, ow, c]                 backward
  void* dx = nullptr;         // [n, h, w, c], written in full  backward
  int64_t n = 0, h = 0, w = 0, c = 0, oh = 0, ow = 0;
  int64_t kh = 1, kw = 1, sh = 1, sw = 1;
  int64_t pad_top = 0, pad_left = 0;      // bottom and right padding follow from oh and ow ...
  int64_t pad_bottom = 0, pad_right = 0;  // ... and matter only to count_include_pad
  bool count_include_pad = false;
};

using Pool2dFn = void (*)(const Pool2dArgs&) noexcept;

struct PoolTable {  // float32, float64; max_pool2d also int32, int64, uint8, int8
  Pool2dFn max_pool2d[kDTypeCount];
  Pool2dFn avg_pool2d[kDTypeCount];
  Pool2dFn max_pool2d_grad[kDTypeCount];
  Pool2dFn avg_pool2d_grad[kDTypeCount];
};

}  // namespace nacre
