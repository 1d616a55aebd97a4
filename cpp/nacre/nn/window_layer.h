// What convolution and pooling layers share: their window options as op attributes, and the shape rule with unknown sizes.
#pragma once

#include <string>

#include "nacre/nn/layer.h"
#include "nacre/ops/attrs.h"

namespace nacre::nn {

// `padding` of a layer: "valid", "same", or explicit amounts: one number, one per axis, or begin and end of each axis.
struct Padding {
  Text mode = "valid";
  IntList pads;
};
Padding parse_padding(std::string_view owner, const Json& padding, int spatial);

struct Window {
  int spatial = 2;
  bool channels_last = true;
  IntList kernel{}, strides{}, dilation{};
  Padding padding{};
  std::string_view kernel_name = "kernel_size";
};
// Checks rank and sizes; `channels` is the output's channel count, or kUnknown for "as the input".
Shape window_output(const std::string& label, const Window& window, const Shape& input, Dim channels);
// Checks the rank and gives the axis of the channels.
int channel_axis(const std::string& label, const Shape& input, int spatial, bool channels_last);

}  // namespace nacre::nn
