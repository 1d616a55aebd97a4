// Pooling. max_pool, average_pool and the global forms are compounds over channels-last ops of two spatial axes.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

struct MaxPool {
  IntList pool_size = {2};
  IntList strides = {};
  Text padding = "valid";
  IntList pads = {};
  Text data_format = "channels_last";
  static constexpr std::string_view name = "max_pool", doc = R"(Maximum over windows of a sequence (rank 3) or of images (rank 4).

Padding never wins. NaN wins. On ties the first element of the window, in row-major order, takes the gradient.

Args:
    x: [N, T, C] or [N, H, W, C] ("channels_last"); [N, C, T] or [N, C, H, W] ("channels_first").
    pool_size: Window per spatial axis, >= 1; one number serves all.
    strides: Step per spatial axis, >= 1; empty or None: pool_size.
    padding: "valid", "same" or "explicit", as in conv2d.
    pads: For "explicit": one number, one per axis, or begin and end of each axis; each smaller than pool_size.
    data_format: "channels_last" or "channels_first".

Returns:
    Pooled tensor of x's rank and dtype.

Raises:
    ShapeError: Rank is not 3 or 4, or the window is larger than the padded input.
    ValueError: An option is out of range.

Example:
    >>> nc.max_pool(nc.ones((1, 4, 4, 3))).shape
    (1, 2, 2, 3))";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields =
      std::tuple{Field{"pool_size", &MaxPool::pool_size}, Field{"strides", &MaxPool::strides}, Field{"padding", &MaxPool::padding},
                 Field{"pads", &MaxPool::pads}, Field{"data_format", &MaxPool::data_format}};
  static void infer(const MaxPool& a, In in, Types& out);
  static Tensor compound(const MaxPool& a, std::span<const Tensor> in);
};

struct AveragePool {
  IntList pool_size = {2};
  IntList strides = {};
  Text padding = "valid";
  IntList pads = {};
  Text data_format = "channels_last";
  static constexpr std::string_view name = "average_pool", doc = R"(Mean over windows of a sequence (rank 3) or of images (rank 4).

Padding is not counted: a window at the border is divided by the number of its elements inside the input.

Args:
    x: [N, T, C] or [N, H, W, C] ("channels_last"); [N, C, T] or [N, C, H, W] ("channels_first"). Integers become floatx().
    pool_size: Window per spatial axis, >= 1; one number serves all.
    strides: Step per spatial axis, >= 1; empty or None: pool_size.
    padding: "valid", "same" or "explicit", as in conv2d.
    pads: For "explicit": one number, one per axis, or begin and end of each axis; each smaller than pool_size.
    data_format: "channels_last" or "channels_first".

Returns:
    Pooled tensor of x's rank.

Raises:
    ShapeError: Rank is not 3 or 4, or the window is larger than the padded input.
    ValueError: An option is out of range.

Example:
    >>> nc.average_pool(nc.ones((1, 6, 3)), pool_size=3).shape
    (1, 2, 3))";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"pool_size", &AveragePool::pool_size}, Field{"strides", &AveragePool::strides},
                                            Field{"padding", &AveragePool::padding}, Field{"pads", &AveragePool::pads},
                                            Field{"data_format", &AveragePool::data_format}};
  static constexpr Promote promote = Promote::to_float;
  static void infer(const AveragePool& a, In in, Types& out);
  static Tensor compound(const AveragePool& a, std::span<const Tensor> in);
};

struct GlobalMaxPool {
  bool keepdims = false;
  Text data_format = "channels_last";
  static constexpr std::string_view name = "global_max_pool", doc = R"(Maximum over all spatial positions of every channel.

The first maximum takes the gradient on ties; NaN wins.

Args:
    x: [N, T, C] or [N, H, W, C] ("channels_last"); [N, C, T] or [N, C, H, W] ("channels_first"); spatial sizes >= 1.
    keepdims: Keep the spatial axes with size 1.
    data_format: "channels_last" or "channels_first".

Returns:
    [N, C], or rank of x with keepdims.

Raises:
    ShapeError: Rank is not 3 or 4, or a spatial size is 0.

Example:
    >>> nc.global_max_pool(nc.ones((2, 4, 4, 3))).shape
    (2, 3))";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields =
      std::tuple{Field{"keepdims", &GlobalMaxPool::keepdims}, Field{"data_format", &GlobalMaxPool::data_format}};
  static void infer(const GlobalMaxPool& a, In in, Types& out);
  static Tensor compound(const GlobalMaxPool& a, std::span<const Tensor> in);
};

struct GlobalAveragePool {
  bool keepdims = false;
  Text data_format = "channels_last";
  static constexpr std::string_view name = "global_average_pool", doc = R"(Mean over all spatial positions of every channel.

Args:
    x: [N, T, C] or [N, H, W, C] ("channels_last"); [N, C, T] or [N, C, H, W] ("channels_first"); spatial sizes >= 1.
    keepdims: Keep the spatial axes with size 1.
    data_format: "channels_last" or "channels_first".

Returns:
    [N, C], or rank of x with keepdims.

Raises:
    ShapeError: Rank is not 3 or 4, or a spatial size is 0.

Example:
    >>> nc.global_average_pool(nc.ones((2, 4, 4, 3))).shape
    (2, 3))";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields =
      std::tuple{Field{"keepdims", &GlobalAveragePool::keepdims}, Field{"data_format", &GlobalAveragePool::data_format}};
  static constexpr Promote promote = Promote::to_float;
  static void infer(const GlobalAveragePool& a, In in, Types& out);
  static Tensor compound(const GlobalAveragePool& a, std::span<const Tensor> in);
};

// Channels last, two spatial axes, explicit pads [top, bottom, left, right]. argmax is the position row * W + column in the image.
struct MaxPool2d {
  IntList pool_size = {2, 2}, strides = {2, 2}, pads = {0, 0, 0, 0};
  static constexpr std::string_view name = "max_pool2d",
                                    doc = "max_pool in its plain form; outputs the maxima and their positions (int32).";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields =
      std::tuple{Field{"pool_size", &MaxPool2d::pool_size}, Field{"strides", &MaxPool2d::strides}, Field{"pads", &MaxPool2d::pads}};
  static constexpr int outputs = 2;
  static constexpr bool internal = true, save_types = true;
  static constexpr std::uint64_t save_in = 0, save_out = 2;
  static constexpr std::uint64_t optional_outputs = 2;
  static void infer(const MaxPool2d& a, In in, Types& out);
  static void run(const MaxPool2d& a, Views in, Views out, Context& c);
  static void grad(const MaxPool2d& a, GradCtx& c);
};

// dx[n, argmax[n,i,j,c], c] += dy[n,i,j,c]
struct MaxPool2dGrad {
  IntList size = {};  // H, W of the image
  static constexpr std::string_view name = "max_pool2d_grad",
                                    doc = "Sends every dy to the position of its maximum in an image of `size` [H, W].";
  static constexpr Arg inputs[] = {{"dy"}, {"argmax", kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"size", &MaxPool2dGrad::size, true}};
  static constexpr bool internal = true;
  static constexpr std::uint64_t save_in = 2;
  static void infer(const MaxPool2dGrad& a, In in, Types& out);
  static void run(const MaxPool2dGrad& a, Views in, Views out, Context& c);
  static void grad(const MaxPool2dGrad& a, GradCtx& c);
};

// y[n,i,j,c] = x[n, argmax[n,i,j,c], c]
struct MaxPool2dTake {
  static constexpr std::string_view name = "max_pool2d_take", doc = "Picks from x the elements at the positions of earlier maxima.";
  static constexpr Arg inputs[] = {{"x"}, {"argmax", kNoGrad}};
  static constexpr auto fields = std::tuple<>{};
  static constexpr bool internal = true, save_types = true;
  static constexpr std::uint64_t save_in = 2;
  static void infer(const MaxPool2dTake& a, In in, Types& out);
  static void run(const MaxPool2dTake& a, Views in, Views out, Context& c);
  static void grad(const MaxPool2dTake& a, GradCtx& c);
};

struct AveragePool2d {
  IntList pool_size = {2, 2}, strides = {2, 2}, pads = {0, 0, 0, 0};
  static constexpr std::string_view name = "average_pool2d", doc = "average_pool in its plain form: channels last, explicit pads.";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"pool_size", &AveragePool2d::pool_size},
                                            Field{"strides", &AveragePool2d::strides}, Field{"pads", &AveragePool2d::pads}};
  static constexpr bool internal = true, save_types = true;
  static void infer(const AveragePool2d& a, In in, Types& out);
  static void run(const AveragePool2d& a, Views in, Views out, Context& c);
  static void grad(const AveragePool2d& a, GradCtx& c);
};

struct AveragePool2dGrad {
  IntList size = {};  // H, W of the image
  IntList pool_size = {2, 2}, strides = {2, 2}, pads = {0, 0, 0, 0};
  static constexpr std::string_view name = "average_pool2d_grad",
                                    doc = "Spreads every dy evenly over its window in an image of `size` [H, W].";
  static constexpr Arg inputs[] = {{"dy"}};
  static constexpr auto fields =
      std::tuple{Field{"size", &AveragePool2dGrad::size, true}, Field{"pool_size", &AveragePool2dGrad::pool_size},
                 Field{"strides", &AveragePool2dGrad::strides}, Field{"pads", &AveragePool2dGrad::pads}};
  static constexpr bool internal = true;
  static void infer(const AveragePool2dGrad& a, In in, Types& out);
  static void run(const AveragePool2dGrad& a, Views in, Views out, Context& c);
  static void grad(const AveragePool2dGrad& a, GradCtx& c);
};

}  // namespace nacre::op
