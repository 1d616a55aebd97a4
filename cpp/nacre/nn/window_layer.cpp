#include "nacre/nn/window_layer.h"

#include "nacre/nn/checks.h"
#include "nacre/ops/window.h"

namespace nacre::nn {

Padding parse_padding(std::string_view owner, const Json& padding, int spatial) {
  if (padding.is_string()) {
    const auto mode = padding.get<std::string_view>();
    if (mode == "valid" || mode == "same") return {.mode = Text(mode), .pads = {}};
  } else if (detail::OptionType<Ints>::accepts(padding)) {
    const Ints given = detail::option_from_json<Ints>(padding);
    const std::size_t n = given.values.size(), axes = static_cast<std::size_t>(spatial);
    bool in_range = n == 1 || n == axes || n == 2 * axes;
    for (Dim d : given.values) in_range = in_range && d >= 0 && d <= kLargest;
    if (in_range) return {.mode = "explicit", .pads = to_list(given.values)};
  }
  raise<ValueError>(owner, ": padding must be 'valid', 'same', or 1, ", spatial, " or ", 2 * spatial, " integers from 0 to ",
                    kLargest, ", got ", detail::shown(padding), ".");
}

int channel_axis(const std::string& label, const Shape& input, int spatial, bool channels_last) {
  static constexpr std::string_view axes[2][2] = {{"[N, C, T]", "[N, T, C]"}, {"[N, C, H, W]", "[N, H, W, C]"}};
  need_rank(label, input, spatial + 2, axes[spatial - 1][channels_last]);
  return channels_last ? input.rank() - 1 : 1;
}

Shape window_output(const std::string& label, const Window& w, const Shape& input, Dim channels) {
  const int c = channel_axis(label, input, w.spatial, w.channels_last), first = w.channels_last ? 1 : 2;
  const WindowSpec spec{label, w.spatial, w.strides, w.padding.mode, w.padding.pads, &w.dilation};
  Shape out = input;
  if (channels != kUnknown) out[c] = channels;
  for (int i = 0; i < w.spatial; ++i) {
    if (input[first + i] != kUnknown) out[first + i] = window_axis(spec, i, input[first + i], w.kernel[i], w.kernel_name).out;
  }
  return out;
}

}  // namespace nacre::nn
