// Padding: constant, edge and reflected borders.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

struct Pad {
  IntList pad_width{};
  Text mode = "constant";
  double constant_values = 0;
  static constexpr std::string_view name = "pad", doc = R"(Border added around a tensor.

Args:
    x: Tensor of any dtype.
    pad_width: ((before, after), ...) per axis, each >= 0; one pair holds for every axis, one number for every side.
    mode: "constant", "edge" (the border value repeated) or "reflect" (mirrored without repeating the border;
        each width below the size).
    constant_values: Value of a constant border; default 0.

Returns:
    Tensor with size before + x.shape[k] + after at axis k.

Raises:
    ValueError: A width is negative, mode is unknown, or the count of widths does not fit.
    ShapeError: An edge or reflect border is wider than x allows.

Example:
    >>> nc.pad(nc.ones((2, 2)), 1).shape
    (4, 4)

Reference: numpy.pad.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"pad_width", &Pad::pad_width, true}, Field{"mode", &Pad::mode},
                                            Field{"constant_values", &Pad::constant_values}};
  static constexpr bool strided = true, save_types = true;
  static void infer(const Pad& a, In in, Types& out);
  static void run(const Pad& a, Views in, Views out, Context& c);
  static void grad(const Pad& a, GradCtx& c);
};

struct PadGrad {
  IntList pad_width{};
  Text mode = "reflect";
  static constexpr std::string_view name = "pad_grad",
                                    doc = R"(Border folded back onto the values it was copied from: the gradient of pad.

Args:
    dy: Gradient of the padded tensor, float32 or float64.
    pad_width: As for pad, one pair per axis.
    mode: "edge" or "reflect".

Returns:
    Tensor without the border.

Raises:
    ValueError: pad_width or mode do not fit.
    ShapeError: dy is smaller than its border.

Example:
    >>> # called by the gradient of pad(x, 1, mode="reflect"))";
  static constexpr Arg inputs[] = {{"dy"}};
  static constexpr auto fields = std::tuple{Field{"pad_width", &PadGrad::pad_width, true}, Field{"mode", &PadGrad::mode}};
  static constexpr bool strided = true, internal = true;
  static void infer(const PadGrad& a, In in, Types& out);
  static void run(const PadGrad& a, Views in, Views out, Context& c);
  static void grad(const PadGrad& a, GradCtx& c);
};

}  // namespace nacre::op
