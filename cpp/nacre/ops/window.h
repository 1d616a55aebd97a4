// Sliding windows along spatial axes: what convolutions and pools share in their shape rules.
//
// out = floor((size + before + after - dilation * (kernel - 1) - 1) / stride) + 1
// padding "valid": none. "same": out = ceil(size / stride), the odd one of the padding at the end (the TensorFlow rule, which differs from
// symmetric padding when stride > 1). "explicit": the amounts in `pads`.
#pragma once

#include <string_view>

#include "nacre/ops/op.h"

namespace nacre {

struct WindowAxis {
  Dim size = 0, kernel = 1, stride = 1, dilation = 1, before = 0, after = 0, out = 0;
};

struct WindowSpec {
  std::string_view op;
  int spatial = 2;  // number of spatial axes
  const IntList& strides;
  const Text& padding;
  const IntList& pads;
  const IntList* dilation = nullptr;
};

// One value for all axes or one per axis, each from `low` to 2^31 - 1. An empty list gives `otherwise` everywhere.
IntList spatial_list(std::string_view op, std::string_view arg, const IntList& given, int spatial, Dim low, Dim otherwise);
// Axis i of a window of `kernel` over `size`; throws when no window fits. `arg` names what has the kernel size ("weight", "pool_size").
WindowAxis window_axis(const WindowSpec& spec, int i, Dim size, Dim kernel, std::string_view arg);
// True for "channels_last", false for "channels_first", else ValueError.
bool channels_last(std::string_view op, const Text& data_format);

}  // namespace nacre
