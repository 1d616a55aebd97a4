// Convolutions. The public ops are compounds that bring layouts and padding to one form and call conv2d_nhwc, conv2d_dx and conv2d_dw,
// which are each other's gradients: y is linear in x and in the weight, so three maps give derivatives of every order.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

struct Conv2d {
  IntList strides = {1};
  Text padding = "valid";
  IntList pads = {};
  IntList dilation = {1};
  Dim groups = 1;
  Text data_format = "channels_last";
  Text activation = "linear";
  Text algorithm = "auto";
  static constexpr std::string_view name = "conv2d",
                                    doc = R"(Two-dimensional convolution (cross-correlation, the kernel is not flipped).

y[n,i,j,o] = act(bias[o] + sum_{p,q,c} x[n, i*sh + p*dh - top, j*sw + q*dw - left, g*Cin/groups + c] * weight[p,q,c,o])
Output size per axis: floor((size + pads - dilation*(kernel-1) - 1) / stride) + 1.

Args:
    x: Images [N, H, W, Cin] ("channels_last") or [N, Cin, H, W] ("channels_first"), a float dtype.
    weight: Kernel [KH, KW, Cin / groups, Cout], whatever the data format.
    bias: [Cout], optional.
    strides: Steps along H and W, >= 1; one number serves both.
    padding: "valid" (none), "same" (output ceil(size / stride); an odd amount goes to the end, as in TensorFlow) or "explicit".
    pads: For "explicit": one number, [h, w], or [top, bottom, left, right], each >= 0.
    dilation: Distance of kernel taps, >= 1.
    groups: Divides Cin and Cout; each group of outputs sees its own group of inputs.
    data_format: "channels_last" or "channels_first".
    activation: "linear" or "relu", applied last.
    algorithm: "auto", "direct", "winograd_2x2" or "winograd_4x4", for the gradients too. Winograd computes 3x3 kernels of strides 1,
        dilation 1 and groups 1 in tiles of outputs with 2.25 or 4 times fewer multiplications and slightly larger rounding errors.
        "auto" chooses by the sizes in float32 and is direct in float64; NACRE_CONV=direct in the environment makes it direct throughout.

Returns:
    [N, OH, OW, Cout], or [N, Cout, OH, OW].

Raises:
    ShapeError: Ranks or channels do not fit, or the kernel is larger than the padded image.
    ValueError: An option is out of range, or the algorithm does not fit the kernel.

Example:
    >>> nc.conv2d(nc.ones((1, 4, 4, 1)), nc.ones((3, 3, 1, 2))).shape
    (1, 2, 2, 2)

Reference: Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016); Lavin and Gray, Fast algorithms for
convolutional neural networks (2016).)";
  static constexpr Arg inputs[] = {{"x"}, {"weight"}, {"bias", kOptional}};
  static constexpr auto fields = std::tuple{
      Field{"strides", &Conv2d::strides},       Field{"padding", &Conv2d::padding},    Field{"pads", &Conv2d::pads},
      Field{"dilation", &Conv2d::dilation},     Field{"groups", &Conv2d::groups},      Field{"data_format", &Conv2d::data_format},
      Field{"activation", &Conv2d::activation}, Field{"algorithm", &Conv2d::algorithm}};
  static constexpr Promote promote = Promote::to_float;
  static void infer(const Conv2d& a, In in, Types& out);
  static Tensor compound(const Conv2d& a, std::span<const Tensor> in);
};

struct Conv1d {
  IntList strides = {1};
  Text padding = "valid";
  IntList pads = {};
  IntList dilation = {1};
  Dim groups = 1;
  Text data_format = "channels_last";
  Text activation = "linear";
  static constexpr std::string_view name = "conv1d", doc = R"(One-dimensional convolution (cross-correlation) over sequences.

y[n,i,o] = act(bias[o] + sum_{p,c} x[n, i*stride + p*dilation - begin, g*Cin/groups + c] * weight[p,c,o])

Args:
    x: Sequences [N, T, Cin], or [N, Cin, T] with data_format="channels_first".
    weight: Kernel [K, Cin / groups, Cout].
    bias: [Cout], optional.
    strides: Step along T, >= 1.
    padding: "valid", "same" or "explicit", as in conv2d.
    pads: For "explicit": one number or [begin, end].
    dilation: Distance of kernel taps, >= 1.
    groups: Divides Cin and Cout.
    data_format: "channels_last" or "channels_first".
    activation: "linear" or "relu".

Returns:
    [N, T', Cout], or [N, Cout, T'].

Raises:
    ShapeError: Ranks or channels do not fit, or the kernel is longer than the padded sequence.
    ValueError: An option is out of range.

Example:
    >>> nc.conv1d(nc.ones((1, 5, 2)), nc.ones((3, 2, 4)), padding="same").shape
    (1, 5, 4))";
  static constexpr Arg inputs[] = {{"x"}, {"weight"}, {"bias", kOptional}};
  static constexpr auto fields = std::tuple{
      Field{"strides", &Conv1d::strides},      Field{"padding", &Conv1d::padding}, Field{"pads", &Conv1d::pads},
      Field{"dilation", &Conv1d::dilation},    Field{"groups", &Conv1d::groups},   Field{"data_format", &Conv1d::data_format},
      Field{"activation", &Conv1d::activation}};
  static constexpr Promote promote = Promote::to_float;
  static void infer(const Conv1d& a, In in, Types& out);
  static Tensor compound(const Conv1d& a, std::span<const Tensor> in);
};

struct DepthwiseConv2d {
  IntList strides = {1};
  Text padding = "valid";
  IntList pads = {};
  IntList dilation = {1};
  Text data_format = "channels_last";
  Text activation = "linear";
  static constexpr std::string_view name = "depthwise_conv2d", doc = R"(Two-dimensional convolution of every channel by itself.

y[n,i,j,c*M + m] = act(bias[c*M + m] + sum_{p,q} x[n, i*sh + p*dh - top, j*sw + q*dw - left, c] * weight[p,q,c,m])

Args:
    x: Images [N, H, W, Cin], or [N, Cin, H, W] with data_format="channels_first".
    weight: Kernel [KH, KW, Cin, M]; M is the depth multiplier.
    bias: [Cin * M], optional.
    strides: Steps along H and W, >= 1.
    padding: "valid", "same" or "explicit", as in conv2d.
    pads: For "explicit": one number, [h, w], or [top, bottom, left, right].
    dilation: Distance of kernel taps, >= 1.
    data_format: "channels_last" or "channels_first".
    activation: "linear" or "relu".

Returns:
    [N, OH, OW, Cin * M], or [N, Cin * M, OH, OW].

Raises:
    ShapeError: Ranks or channels do not fit, or the kernel is larger than the padded image.
    ValueError: An option is out of range.

Example:
    >>> nc.depthwise_conv2d(nc.ones((1, 4, 4, 3)), nc.ones((3, 3, 3, 2))).shape
    (1, 2, 2, 6))";
  static constexpr Arg inputs[] = {{"x"}, {"weight"}, {"bias", kOptional}};
  static constexpr auto fields = std::tuple{Field{"strides", &DepthwiseConv2d::strides},
                                            Field{"padding", &DepthwiseConv2d::padding},
                                            Field{"pads", &DepthwiseConv2d::pads},
                                            Field{"dilation", &DepthwiseConv2d::dilation},
                                            Field{"data_format", &DepthwiseConv2d::data_format},
                                            Field{"activation", &DepthwiseConv2d::activation}};
  static constexpr Promote promote = Promote::to_float;
  static void infer(const DepthwiseConv2d& a, In in, Types& out);
  static Tensor compound(const DepthwiseConv2d& a, std::span<const Tensor> in);
};

struct Conv2dTranspose {
  IntList strides = {1};
  Text padding = "valid";
  IntList output_padding = {};
  IntList dilation = {1};
  Text data_format = "channels_last";
  Text activation = "linear";
  static constexpr std::string_view name = "conv2d_transpose",
                                    doc = R"(Transposed convolution: the map that conv2d's gradient applies to its output gradient.

With E = dilation*(kernel-1) + 1 the output size is size*stride + max(E - stride, 0) for "valid" and size*stride for "same"; with
output_padding it is (size-1)*stride + E + output_padding, for "same" less 2*floor(E/2). Padding is what conv2d would use on that output.

Args:
    x: [N, H, W, Cin], or [N, Cin, H, W] with data_format="channels_first"; H, W >= 1.
    weight: Kernel [KH, KW, Cout, Cin].
    bias: [Cout], optional.
    strides: Up-sampling factors along H and W, >= 1.
    padding: "valid" or "same".
    output_padding: Extra rows and columns at the end, 0 <= output_padding < stride; empty chooses the sizes above.
    dilation: Distance of kernel taps, >= 1.
    data_format: "channels_last" or "channels_first".
    activation: "linear" or "relu".

Returns:
    [N, OH, OW, Cout], or [N, Cout, OH, OW].

Raises:
    ShapeError: Ranks or channels do not fit.
    ValueError: An option is out of range.

Example:
    >>> nc.conv2d_transpose(nc.ones((1, 4, 4, 3)), nc.ones((3, 3, 8, 3)), strides=2, padding="same").shape
    (1, 8, 8, 8))";
  static constexpr Arg inputs[] = {{"x"}, {"weight"}, {"bias", kOptional}};
  static constexpr auto fields = std::tuple{Field{"strides", &Conv2dTranspose::strides},
                                            Field{"padding", &Conv2dTranspose::padding},
                                            Field{"output_padding", &Conv2dTranspose::output_padding},
                                            Field{"dilation", &Conv2dTranspose::dilation},
                                            Field{"data_format", &Conv2dTranspose::data_format},
                                            Field{"activation", &Conv2dTranspose::activation}};
  static constexpr Promote promote = Promote::to_float;
  static void infer(const Conv2dTranspose& a, In in, Types& out);
  static Tensor compound(const Conv2dTranspose& a, std::span<const Tensor> in);
};

// y = act(conv(x, weight) + bias), channels last; strides and dilation [h, w], pads [top, bottom, left, right]; algorithm as in conv2d.
struct Conv2dNhwc {
  IntList strides = {1, 1};
  IntList pads = {0, 0, 0, 0};
  IntList dilation = {1, 1};
  Dim groups = 1;
  bool relu = false;
  Text algorithm = "auto";
  static constexpr std::string_view name = "conv2d_nhwc",
                                    doc = "conv2d in its plain form: channels last, explicit pads, optional relu.";
  static constexpr Arg inputs[] = {{"x"}, {"weight"}, {"bias", kOptional}};
  static constexpr auto fields = std::tuple{Field{"strides", &Conv2dNhwc::strides},   Field{"pads", &Conv2dNhwc::pads},
                                            Field{"dilation", &Conv2dNhwc::dilation}, Field{"groups", &Conv2dNhwc::groups},
                                            Field{"relu", &Conv2dNhwc::relu},         Field{"algorithm", &Conv2dNhwc::algorithm}};
  static constexpr bool internal = true;
  static constexpr std::uint64_t save_in = 3, save_out = 1;
  static void infer(const Conv2dNhwc& a, In in, Types& out);
  static bool prepare(const Conv2dNhwc& a, Views in, Views out, CallBuilder& calls);
  static void run(const Conv2dNhwc& a, Views in, Views out, Context& c);
  static TileSides sides(const Conv2dNhwc& a, In in);
  static Cost cost(const Conv2dNhwc& a, In in, std::span<const Type> out);
  static void grad(const Conv2dNhwc& a, GradCtx& c);
};

// dx [N, size..., Cin] from dy and weight: the transpose of conv in x. With bias [Cin] and relu it is a transposed convolution.
struct Conv2dDx {
  IntList size = {};  // H, W of the image
  IntList strides = {1, 1};
  IntList pads = {0, 0, 0, 0};
  IntList dilation = {1, 1};
  Dim groups = 1;
  bool relu = false;
  Text algorithm = "auto";
  static constexpr std::string_view name = "conv2d_dx",
                                    doc = "Gradient of conv2d_nhwc with respect to x, an image of `size` [H, W].";
  static constexpr Arg inputs[] = {{"dy"}, {"weight"}, {"bias", kOptional}};
  static constexpr auto fields =
      std::tuple{Field{"size", &Conv2dDx::size, true},    Field{"strides", &Conv2dDx::strides}, Field{"pads", &Conv2dDx::pads},
                 Field{"dilation", &Conv2dDx::dilation},  Field{"groups", &Conv2dDx::groups},   Field{"relu", &Conv2dDx::relu},
                 Field{"algorithm", &Conv2dDx::algorithm}};
  static constexpr bool internal = true;
  static constexpr std::uint64_t save_in = 3, save_out = 1;
  static void infer(const Conv2dDx& a, In in, Types& out);
  static void run(const Conv2dDx& a, Views in, Views out, Context& c);
  static TileSides sides(const Conv2dDx& a, In in);
  static Cost cost(const Conv2dDx& a, In in, std::span<const Type> out);
  static void grad(const Conv2dDx& a, GradCtx& c);
};

// dweight [kernel..., Cin/groups, Cout] from x and dy: the transpose of conv in the weight.
struct Conv2dDw {
  IntList kernel = {};  // KH, KW
  IntList strides = {1, 1};
  IntList pads = {0, 0, 0, 0};
  IntList dilation = {1, 1};
  Dim groups = 1;
  Text algorithm = "auto";
  static constexpr std::string_view name = "conv2d_dw",
                                    doc = "Gradient of conv2d_nhwc with respect to the weight of size `kernel` [KH, KW].";
  static constexpr Arg inputs[] = {{"x"}, {"dy"}};
  static constexpr auto fields = std::tuple{Field{"kernel", &Conv2dDw::kernel, true}, Field{"strides", &Conv2dDw::strides},
                                            Field{"pads", &Conv2dDw::pads},           Field{"dilation", &Conv2dDw::dilation},
                                            Field{"groups", &Conv2dDw::groups},       Field{"algorithm", &Conv2dDw::algorithm}};
  static constexpr bool internal = true;
  static constexpr std::uint64_t save_in = 3;
  static void infer(const Conv2dDw& a, In in, Types& out);
  static void run(const Conv2dDw& a, Views in, Views out, Context& c);
  static Cost cost(const Conv2dDw& a, In in, std::span<const Type> out);
  static void grad(const Conv2dDw& a, GradCtx& c);
};

}  // namespace nacre::op
