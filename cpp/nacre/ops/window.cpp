// Shape rules of sliding windows.
#include "nacre/ops/window.h"

#include "nacre/ops/nn_checks.h"

namespace nacre {

IntList spatial_list(std::string_view op, std::string_view arg, const IntList& given, int spatial, Dim low, Dim otherwise) {
  if (given.size() != 0 && given.size() != 1 && given.size() != spatial) {
    raise<ValueError>(op, ": ", arg, " must be one number or ", spatial, ", got ", given, ".");
  }
  IntList out;
  for (int i = 0; i < spatial; ++i) {
    const Dim v = given.size() == 0 ? otherwise : given[given.size() == 1 ? 0 : i];
    if (v < low || v > kLargestCount) {
      raise<ValueError>(op, ": ", arg, " must be from ", low, " to ", kLargestCount, ", got ", given, ".");
    }
    out.push_back(v);
  }
  return out;
}

WindowAxis window_axis(const WindowSpec& spec, int i, Dim size, Dim kernel, std::string_view arg) {
  const std::string_view op = spec.op;
  WindowAxis a;
  a.size = size;
  a.kernel = kernel;
  a.stride = spatial_list(op, "strides", spec.strides, spec.spatial, 1, 1)[i];
  if (spec.dilation) a.dilation = spatial_list(op, "dilation", *spec.dilation, spec.spatial, 1, 1)[i];
  if (kernel < 1) raise<ShapeError>(op, ": ", arg, " has size ", kernel, " along spatial axis ", i, ". It must be at least 1.");
  const Dim extent = checked_add(op, checked_mul(op, a.dilation, kernel - 1), 1);
  if (spec.padding == "explicit") {
    const int n = spec.pads.size();
    if (n != 1 && n != spec.spatial && n != 2 * spec.spatial) {
      raise<ValueError>(op, ": pads must be 1, ", spec.spatial, " or ", 2 * spec.spatial,
                        " numbers (begin and end of each axis) when padding is ", "'explicit', got ", spec.pads, ".");
    }
    a.before = n == 1 ? spec.pads[0] : n == spec.spatial ? spec.pads[i] : spec.pads[2 * i];
    a.after = n == 2 * spec.spatial ? spec.pads[2 * i + 1] : a.before;
    if (a.before < 0 || a.after < 0 || a.before > kLargestCount || a.after > kLargestCount) {
      raise<ValueError>(op, ": pads must be from 0 to ", kLargestCount, ", got ", spec.pads, ".");
    }
  } else {
    if (!(spec.padding == "valid") && !(spec.padding == "same")) {
      raise<ValueError>(op, ": padding must be 'valid', 'same' or 'explicit', got '", spec.padding, "'.");
    }
    if (spec.pads.size()) raise<ValueError>(op, ": pads ", spec.pads, " need padding='explicit', got '", spec.padding, "'.");
    if (spec.padding == "same" && size > 0) {
      const Dim out = (size - 1) / a.stride + 1;
      const Dim total = checked_add(op, checked_mul(op, out - 1, a.stride), extent) - size;
      a.before = total > 0 ? total / 2 : 0;
      a.after = total > 0 ? total - total / 2 : 0;
    }
  }
  const Dim room = checked_add(op, size, a.before + a.after) - extent;
  if (spec.padding == "same" && size == 0) return a;  // an empty image stays empty
  if (room < 0) {
    raise<ShapeError>(op, ": the window does not fit: spatial axis ", i, " has size ", size, ", padding ", a.before, " + ", a.after,
                      ", and ", arg, " covers ", extent, " (kernel ", kernel, ", dilation ", a.dilation,
                      "). Use a larger input or padding='same'.");
  }
  a.out = room / a.stride + 1;
  return a;
}

bool channels_last(std::string_view op, const Text& data_format) {
  if (data_format == "channels_last") return true;
  if (data_format == "channels_first") return false;
  raise<ValueError>(op, ": data_format must be 'channels_last' or 'channels_first', got '", data_format, "'.");
}

}  // namespace nacre
