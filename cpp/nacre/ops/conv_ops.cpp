// Convolutions: shape rules, kernels and gradients. Layouts: conv.h; the kernels: kernels/conv.h.
//
//   y  = x * w            (conv2d_nhwc)     dx(y) = conv2d_dx(dy, w),   dw(y) = conv2d_dw(x, dy)
//   u  = conv2d_dx(g, w)                    dg    = conv2d_nhwc(du, w), dw    = conv2d_dw(du, g)
//   v  = conv2d_dw(x, g)                    dx    = conv2d_dx(g, dv),   dg    = conv2d_nhwc(x, dv)
#include <cstdlib>

#include "nacre/ops/conv.h"
#include "nacre/ops/nn_checks.h"
#include "nacre/ops/window.h"

namespace nacre::op {

namespace {

void check_relu_text(std::string_view op, const Text& activation) {
  if (!(activation == "linear") && !(activation == "relu")) {
    raise<ValueError>(op, ": activation must be 'linear' or 'relu', got '", activation, "'.");
  }
}

// What "auto" stands for in this process.
ConvAlgorithm default_algorithm() {
  static const ConvAlgorithm value = [] {
    const char* text = std::getenv("NACRE_CONV");
    if (!text || !*text || std::string_view(text) == "auto") return ConvAlgorithm::automatic;
    if (std::string_view(text) != "direct") raise<ValueError>("NACRE_CONV: unknown value '", text, "'. Known: auto, direct.");
    return ConvAlgorithm::direct;
  }();
  return value;
}

ConvAlgorithm algorithm_of(std::string_view op, const Text& text, const ConvArgs& g) {
  if (text == "auto") return default_algorithm();
  if (text == "direct") return ConvAlgorithm::direct;
  const bool two = text == "winograd_2x2";
  if (!two && !(text == "winograd_4x4")) {
    raise<ValueError>(op, ": algorithm must be 'auto', 'direct', 'winograd_2x2' or 'winograd_4x4', got '", text, "'.");
  }
  if (!conv_winograd_fits(g)) {
    raise<ValueError>(op, ": algorithm '", text, "' needs a 3x3 kernel, strides 1, dilation 1 and groups 1, got kernel ",
                      IntList{g.kernel_h, g.kernel_w}, ", strides ", IntList{g.stride_h, g.stride_w}, ", dilation ",
                      IntList{g.dilation_h, g.dilation_w}, ", groups ", g.groups, ". Use 'auto' or 'direct'.");
  }
  return two ? ConvAlgorithm::winograd_2x2 : ConvAlgorithm::winograd_4x4;
}

// ---- the three maps ----

// Sizes of a convolution of an image x [N,H,W,Cin] with weight [KH,KW,Cin/groups,Cout]; every attribute checked.
template <class A>
ConvArgs geometry(const A& a, DType dtype, const Shape& x, const Shape& w) {
  constexpr std::string_view op = A::name;
  if (a.strides.size() != 2 || a.dilation.size() != 2 || a.pads.size() != 4) {
    raise<ValueError>(op, ": strides and dilation need 2 numbers and pads 4, got ", a.strides, ", ", a.dilation, ", ", a.pads, ".");
  }
  require_count(op, "groups", a.groups, 1);
  const Dim channels = x[3];
  if (w[2] != channels / a.groups || channels % a.groups != 0 || w[3] % a.groups != 0) {
    raise<ShapeError>(op, ": an input with ", channels, " channels does not fit weight ", w, " with groups ", a.groups,
                      ". weight must be [KH, KW, channels / groups, Cout] and groups must divide both.");
  }
  const Text padding = "explicit";
  const WindowSpec spec{op, 2, a.strides, padding, a.pads, &a.dilation};
  const WindowAxis h = window_axis(spec, 0, x[1], w[0], "weight"), v = window_axis(spec, 1, x[2], w[1], "weight");
  ConvArgs args;
  args.dtype = dtype;
  args.batch = x[0], args.in_h = h.size, args.in_w = v.size, args.in_channels = channels;
  args.out_h = h.out, args.out_w = v.out, args.out_channels = w[3];
  args.kernel_h = h.kernel, args.kernel_w = v.kernel;
  args.stride_h = h.stride, args.stride_w = v.stride, args.dilation_h = h.dilation, args.dilation_w = v.dilation;
  args.pad_top = h.before, args.pad_bottom = h.after, args.pad_left = v.before, args.pad_right = v.after;
  args.groups = a.groups;
  args.algorithm = algorithm_of(op, a.algorithm, args);
  return args;
}

Shape image_of_dy(const Conv2dDx& a, const Shape& dy, const Shape& w) {
  if (a.size.size() != 2 || a.size[0] < 0 || a.size[1] < 0) {
    raise<ValueError>(a.name, ": size must be the height and width of the image, got ", a.size, ".");
  }
  return {dy[0], a.size[0], a.size[1], checked_mul(a.name, w[2], a.groups)};
}
Shape weight_of(const Conv2dDw& a, const Shape& x, const Shape& dy) {
  if (a.kernel.size() != 2) raise<ValueError>(a.name, ": kernel must be [KH, KW], got ", a.kernel, ".");
  require_count(a.name, "groups", a.groups, 1);
  return {a.kernel[0], a.kernel[1], x[3] / a.groups, dy[3]};
}

void require_dy(std::string_view op, const Type& dy, const ConvArgs& g) {
  require_shape(op, "dy", dy, {g.batch, g.out_h, g.out_w, g.out_channels}, "[N, OH, OW, Cout]");
}

template <class A>
void check_operands(In in, std::string_view x, std::string_view y) {
  constexpr std::string_view op = A::name;
  for (int k = 0; k < 2; ++k) require_float(op, k == 0 ? x : y, in[k]);
  require_same_dtype(op, x, in[0], y, in[1]);
  for (int k = 0; k < 2; ++k) require_rank(op, k == 0 ? x : y, in[k], 4, "");
}
void check_bias(std::string_view op, In in, Dim channels) {
  if (!in.has(2)) return;
  require_same_dtype(op, "x", in[0], "bias", in[2]);
  require_shape(op, "bias", in[2], {channels}, "[Cout]");
}

Tensor bias_gradient(const Tensor& dz) { return sum(dz, {.axis = {0, 1, 2}}); }

}  // namespace

void Conv2dNhwc::infer(const Conv2dNhwc& a, In in, Types& out) {
  check_operands<Conv2dNhwc>(in, "x", "weight");
  const ConvArgs g = geometry(a, in[0].dtype, in[0].shape, in[1].shape);
  check_bias(name, in, g.out_channels);
  out.push_back({in[0].dtype, {g.batch, g.out_h, g.out_w, g.out_channels}});
}

namespace {
ConvArgs forward_args(const Conv2dNhwc& a, Views in, Views out) {
  ConvArgs g = geometry(a, in[0].dtype, in[0].shape, in[1].shape);
  g.x = in[0].data, g.weight = in[1].data, g.y = out[0].data;
  g.bias = in.has(2) ? in[2].data : nullptr;
  g.activation = a.relu ? Activation::relu : Activation::none;
  return g;
}
}  // namespace

void Conv2dNhwc::run(const Conv2dNhwc& a, Views in, Views out, Context& c) {
  ConvArgs g = forward_args(a, in, out);
  g.after = c.hooks.after;
  const ConvTable& t = c.kernels.conv;
  t.forward(g, c.scratch(t.forward_scratch(g)));
}

// The weights of a model that predicts are packed (transformed) once, and again when they have changed.
bool Conv2dNhwc::prepare(const Conv2dNhwc& a, Views in, Views out, CallBuilder& calls) {
  struct Call {
    ConvArgs args;
    Dim scratch;
    const Storage* weight;  // null: packed anew each time, by forward
    std::int64_t* packed_version;
  };
  const ConvTable& t = calls.kernels.conv;
  Call call{forward_args(a, in, out), 0, calls.fixed(1), nullptr};
  call.args.after = calls.hooks.after;
  const Dim bytes = call.weight ? t.pack_weight_bytes(call.args) : 0;
  if (bytes > 0) {
    auto* memory = static_cast<char*>(calls.keep_memory(64 + bytes));
    call.packed_version = reinterpret_cast<std::int64_t*>(memory);
    *call.packed_version = -1;
    call.args.packed_weight = memory + 64;
  }
  call.scratch = t.forward_scratch(call.args);
  calls.emit(call, [](const Call& k, Context& c) {
    const ConvTable& table = c.kernels.conv;
    if (k.packed_version) {
      const std::int64_t now = k.weight->version.load(std::memory_order_acquire);
      if (now != *k.packed_version || k.weight->exposed.load(std::memory_order_relaxed)) {
        table.pack_weight(k.args, const_cast<void*>(k.args.packed_weight));
        *k.packed_version = now;
      }
    }
    table.forward(k.args, c.scratch(k.scratch));
  });
  return true;
}

namespace {
// A multiplication and an addition per tap, input channel and output (or element of its gradient).
Cost conv_cost(const Type& y, const Shape& weight, In in, std::span<const Type> out) {
  return cost_of(2 * count_of(y) * static_cast<double>(weight[0] * weight[1] * weight[2]), in, out);
}

// Images are made pixel by pixel, all channels together, where there is one group or one per channel. A 1 x 1 kernel is a product.
TileSides image_sides(Dim groups, Dim from, Dim to, const Type& weight) {
  const Shape& w = weight.shape;
  const bool whole = groups == 1 || (groups == from && groups == to);
  const bool narrow = w[0] * w[1] > 1 || to * size_of(weight.dtype) <= kHookedProduct;
  return {.after = whole && narrow ? 0 : -1, .apart = true};
}
}  // namespace

TileSides Conv2dNhwc::sides(const Conv2dNhwc& a, In in) { return image_sides(a.groups, in[0].shape[3], in[1].shape[3], in[1]); }

Cost Conv2dNhwc::cost(const Conv2dNhwc&, In in, std::span<const Type> out) { return conv_cost(out[0], in[1].shape, in, out); }

void Conv2dNhwc::grad(const Conv2dNhwc& a, GradCtx& c) {
  const Tensor dz = a.relu ? relu_grad(c.out(), c.dy()) : c.dy();
  if (c.needs(0)) {
    const Shape& x = c.in(0).shape();
    c.dx(0, conv2d_dx(dz, c.in(1), {},
                      {.size = {x[1], x[2]},
                       .strides = a.strides,
                       .pads = a.pads,
                       .dilation = a.dilation,
                       .groups = a.groups,
                       .algorithm = a.algorithm}));
  }
  if (c.needs(1)) {
    const Shape& w = c.in(1).shape();
    c.dx(1, conv2d_dw(c.in(0), dz,
                      {.kernel = {w[0], w[1]},
                       .strides = a.strides,
                       .pads = a.pads,
                       .dilation = a.dilation,
                       .groups = a.groups,
                       .algorithm = a.algorithm}));
  }
  if (c.has_in(2) && c.needs(2)) c.dx(2, bias_gradient(dz));
}

void Conv2dDx::infer(const Conv2dDx& a, In in, Types& out) {
  check_operands<Conv2dDx>(in, "dy", "weight");
  const Shape image = image_of_dy(a, in[0].shape, in[1].shape);
  require_dy(name, in[0], geometry(a, in[0].dtype, image, in[1].shape));
  check_bias(name, in, image[3]);
  out.push_back({in[0].dtype, image});
}

void Conv2dDx::run(const Conv2dDx& a, Views in, Views out, Context& c) {
  ConvArgs g = geometry(a, in[0].dtype, out[0].shape, in[1].shape);
  g.dy = in[0].data, g.weight = in[1].data, g.dx = out[0].data;
  g.after = c.hooks.after;
  g.bias = in.has(2) ? in[2].data : nullptr;
  g.activation = a.relu ? Activation::relu : Activation::none;
  const ConvTable& t = c.kernels.conv;
  t.backward_data(g, c.scratch(t.backward_data_scratch(g)));
}

TileSides Conv2dDx::sides(const Conv2dDx& a, In in) {
  if (a.strides[0] != 1 || a.strides[1] != 1) return {.apart = true};  // pixels of one residue at a time
  return image_sides(a.groups, in[0].shape[3], in[1].shape[2] * a.groups, in[1]);
}

Cost Conv2dDx::cost(const Conv2dDx&, In in, std::span<const Type> out) { return conv_cost(in[0], in[1].shape, in, out); }

void Conv2dDx::grad(const Conv2dDx& a, GradCtx& c) {
  const Tensor du = a.relu ? relu_grad(c.out(), c.dy()) : c.dy();
  if (c.needs(0)) {
    c.dx(0,
         conv2d_nhwc(du, c.in(1), {},
                     {.strides = a.strides, .pads = a.pads, .dilation = a.dilation, .groups = a.groups, .algorithm = a.algorithm}));
  }
  if (c.needs(1)) {
    const Shape& w = c.in(1).shape();
    c.dx(1, conv2d_dw(du, c.in(0),
                      {.kernel = {w[0], w[1]},
                       .strides = a.strides,
                       .pads = a.pads,
                       .dilation = a.dilation,
                       .groups = a.groups,
                       .algorithm = a.algorithm}));
  }
  if (c.has_in(2) && c.needs(2)) c.dx(2, bias_gradient(du));
}

void Conv2dDw::infer(const Conv2dDw& a, In in, Types& out) {
  check_operands<Conv2dDw>(in, "x", "dy");
  const Shape weight = weight_of(a, in[0].shape, in[1].shape);
  require_dy(name, in[1], geometry(a, in[0].dtype, in[0].shape, weight));
  out.push_back({in[0].dtype, weight});
}

void Conv2dDw::run(const Conv2dDw& a, Views in, Views out, Context& c) {
  ConvArgs g = geometry(a, in[0].dtype, in[0].shape, out[0].shape);
  g.x = in[0].data, g.dy = in[1].data, g.dweight = out[0].data;
  const ConvTable& t = c.kernels.conv;
  t.backward_weight(g, c.scratch(t.backward_weight_scratch(g)));
}

Cost Conv2dDw::cost(const Conv2dDw&, In in, std::span<const Type> out) { return conv_cost(in[1], out[0].shape, in, out); }

void Conv2dDw::grad(const Conv2dDw& a, GradCtx& c) {
  if (c.needs(0)) {
    const Shape& x = c.in(0).shape();
    c.dx(0, conv2d_dx(c.in(1), c.dy(), {},
                      {.size = {x[1], x[2]},
                       .strides = a.strides,
                       .pads = a.pads,
                       .dilation = a.dilation,
                       .groups = a.groups,
                       .algorithm = a.algorithm}));
  }
  if (c.needs(1)) {
    c.dx(1,
         conv2d_nhwc(c.in(0), c.dy(), {},
                     {.strides = a.strides, .pads = a.pads, .dilation = a.dilation, .groups = a.groups, .algorithm = a.algorithm}));
  }
}

namespace {

// ---- the public forms ----

// A public convolution brought to the plain form. All shapes in the order of channels last.
struct Plan {
  bool last = true;
  IntList strides, pads, dilation;
  Dim oh = 0, ow = 0;
};

IntList pair_of(const WindowAxis& h, const WindowAxis& w, Dim WindowAxis::*m) { return {h.*m, w.*m}; }

// `spatial` is 1 or 2; kernel sizes kh, kw with kh = 1 for sequences.
template <class A>
Plan plan_window(const A& a, int spatial, const Type& x, const Shape& weight) {
  constexpr std::string_view op = A::name;
  Plan p;
  p.last = channels_last(op, a.data_format);
  check_relu_text(op, a.activation);
  const int first = p.last ? 1 : 2;
  const WindowSpec spec{op, spatial, a.strides, a.padding, a.pads, &a.dilation};
  WindowAxis h{.size = 1, .out = 1};
  if (spatial == 2) h = window_axis(spec, 0, x.shape[first], weight[0], "weight");
  const WindowAxis w = window_axis(spec, spatial - 1, x.shape[first + spatial - 1], weight[spatial - 1], "weight");
  p.strides = pair_of(h, w, &WindowAxis::stride);
  p.dilation = pair_of(h, w, &WindowAxis::dilation);
  p.pads = {h.before, h.after, w.before, w.after};
  p.oh = h.out;
  p.ow = w.out;
  return p;
}

template <class A>
void check_public(In in, int rank, std::string_view x_layout, std::string_view weight_layout) {
  constexpr std::string_view op = A::name;
  require_float(op, "x", in[0]);
  require_float(op, "weight", in[1]);
  if (in.has(2)) require_float(op, "bias", in[2]);
  require_rank(op, "x", in[0], rank, x_layout);
  require_rank(op, "weight", in[1], rank, weight_layout);
}

template <class A>
Dim channels_of(const A& a, const Type& x) {
  return channels_last(A::name, a.data_format) ? x.shape.back() : x.shape[1];
}

void check_groups(std::string_view op, Dim groups, Dim channels, const Type& x, const Type& weight) {
  const Shape& w = weight.shape;
  const Dim per_group = w[w.rank() - 2], outputs = w.back();
  require_count(op, "groups", groups, 1);
  if (channels % groups != 0 || outputs % groups != 0) {
    raise<ShapeError>(op, ": groups ", groups, " must divide the ", channels, " input and ", outputs, " output channels (input ",
                      x.shape, ", weight ", w, ").");
  }
  if (channels / groups != per_group) {
    raise<ShapeError>(op, ": input has ", channels, " channels but weight expects ", checked_mul(op, per_group, groups), " (input ",
                      x.shape, ", weight ", w, ", groups ", groups, ").");
  }
}

Shape in_format(bool last, const Shape& nhwc) {
  if (last) return nhwc;
  Shape s{nhwc[0], nhwc.back()};
  for (int i = 1; i + 1 < nhwc.rank(); ++i) s.push_back(nhwc[i]);
  return s;
}
// Between channels_first and channels_last, rank 3 or 4.
Tensor to_last(const Tensor& x, bool last) {
  if (last) return x;
  return x.rank() == 3 ? transpose(x, {.axes = {0, 2, 1}}) : transpose(x, {.axes = {0, 2, 3, 1}});
}
Tensor from_last(const Tensor& y, bool last) {
  if (last) return y;
  return y.rank() == 3 ? transpose(y, {.axes = {0, 2, 1}}) : transpose(y, {.axes = {0, 3, 1, 2}});
}

Tensor bias_of(std::span<const Tensor> in) { return in.size() > 2 ? in[2] : Tensor(); }

}  // namespace

void Conv2d::infer(const Conv2d& a, In in, Types& out) {
  check_public<Conv2d>(in, 4, "([N, H, W, Cin] or [N, Cin, H, W])", "[KH, KW, Cin / groups, Cout]");
  check_groups(name, a.groups, channels_of(a, in[0]), in[0], in[1]);
  const Plan p = plan_window(a, 2, in[0], in[1].shape);
  ConvArgs window;
  window.kernel_h = in[1].shape[0], window.kernel_w = in[1].shape[1];
  window.stride_h = p.strides[0], window.stride_w = p.strides[1];
  window.dilation_h = p.dilation[0], window.dilation_w = p.dilation[1];
  window.groups = a.groups;
  algorithm_of(name, a.algorithm, window);
  check_bias(name, in, in[1].shape[3]);
  out.push_back({in[0].dtype, in_format(p.last, {in[0].shape[0], p.oh, p.ow, in[1].shape[3]})});
}

Tensor Conv2d::compound(const Conv2d& a, std::span<const Tensor> in) {
  const Plan p = plan_window(a, 2, in[0].view(), in[1].shape());
  const Tensor y = conv2d_nhwc(to_last(in[0], p.last), in[1], bias_of(in),
                               {.strides = p.strides,
                                .pads = p.pads,
                                .dilation = p.dilation,
                                .groups = a.groups,
                                .relu = a.activation == "relu",
                                .algorithm = a.algorithm});
  return from_last(y, p.last);
}

void Conv1d::infer(const Conv1d& a, In in, Types& out) {
  check_public<Conv1d>(in, 3, "([N, T, Cin] or [N, Cin, T])", "[K, Cin / groups, Cout]");
  check_groups(name, a.groups, channels_of(a, in[0]), in[0], in[1]);
  const Plan p = plan_window(a, 1, in[0], in[1].shape);
  check_bias(name, in, in[1].shape[2]);
  out.push_back({in[0].dtype, in_format(p.last, {in[0].shape[0], p.ow, in[1].shape[2]})});
}

Tensor Conv1d::compound(const Conv1d& a, std::span<const Tensor> in) {
  const Plan p = plan_window(a, 1, in[0].view(), in[1].shape());
  const Tensor x = expand_dims(to_last(in[0], p.last), {.axis = {1}}), w = expand_dims(in[1], {.axis = {0}});
  const Tensor y = conv2d_nhwc(
      x, w, bias_of(in),
      {.strides = p.strides, .pads = p.pads, .dilation = p.dilation, .groups = a.groups, .relu = a.activation == "relu"});
  return from_last(squeeze(y, {.axis = 1}), p.last);
}

void DepthwiseConv2d::infer(const DepthwiseConv2d& a, In in, Types& out) {
  check_public<DepthwiseConv2d>(in, 4, "([N, H, W, Cin] or [N, Cin, H, W])", "[KH, KW, Cin, multiplier]");
  const Shape& w = in[1].shape;
  const Dim channels = channels_of(a, in[0]);
  if (w[2] != channels) {
    raise<ShapeError>(name, ": input has ", channels, " channels but weight expects ", w[2], " (input ", in[0].shape, ", weight ",
                      w, ").");
  }
  const Plan p = plan_window(a, 2, in[0], w);
  const Dim outputs = checked_mul(name, w[2], w[3]);
  check_bias(name, in, outputs);
  out.push_back({in[0].dtype, in_format(p.last, {in[0].shape[0], p.oh, p.ow, outputs})});
}

Tensor DepthwiseConv2d::compound(const DepthwiseConv2d& a, std::span<const Tensor> in) {
  const Plan p = plan_window(a, 2, in[0].view(), in[1].shape());
  const Shape& w = in[1].shape();
  const Dim groups = w[2] > 0 ? w[2] : 1;  // no channels: nothing to convolve, any grouping will do
  const Tensor weight = reshape(in[1], {.newshape = {w[0], w[1], w[2] > 0 ? 1 : 0, w[2] * w[3]}});
  const Tensor y =
      conv2d_nhwc(to_last(in[0], p.last), weight, bias_of(in),
                  {.strides = p.strides, .pads = p.pads, .dilation = p.dilation, .groups = groups, .relu = a.activation == "relu"});
  return from_last(y, p.last);
}

namespace {

// Sizes of a transposed convolution: the image it makes and how conv2d would pad that image.
struct TransposePlan {
  bool last = true;
  IntList size, strides, pads, dilation;
};

TransposePlan plan_transpose(const Conv2dTranspose& a, const Type& x, const Shape& weight) {
  constexpr std::string_view op = Conv2dTranspose::name;
  TransposePlan p;
  p.last = channels_last(op, a.data_format);
  check_relu_text(op, a.activation);
  const bool same = a.padding == "same";
  if (!same && !(a.padding == "valid")) raise<ValueError>(op, ": padding must be 'valid' or 'same', got '", a.padding, "'.");
  p.strides = spatial_list(op, "strides", a.strides, 2, 1, 1);
  p.dilation = spatial_list(op, "dilation", a.dilation, 2, 1, 1);
  const bool chosen = a.output_padding.size() > 0;
  const IntList extra = spatial_list(op, "output_padding", a.output_padding, 2, 0, 0);
  for (int i = 0; i < 2; ++i) {
    const Dim in = x.shape[(p.last ? 1 : 2) + i], stride = p.strides[i], kernel = weight[i];
    if (in < 1 || kernel < 1) {
      raise<ShapeError>(op, ": spatial axis ", i, " of the input has size ", in, " and of the weight ", kernel,
                        ". Both must be at least 1.");
    }
    if (chosen && extra[i] >= stride) {
      raise<ValueError>(op, ": output_padding must be smaller than the stride, got ", a.output_padding, " with strides ", a.strides,
                        ".");
    }
    const Dim extent = checked_add(op, checked_mul(op, p.dilation[i], kernel - 1), 1);
    Dim size = 0;
    if (chosen)
      size = checked_add(op, checked_add(op, checked_mul(op, in - 1, stride), same ? extent % 2 : extent), extra[i]);
    else
      size = checked_add(op, checked_mul(op, in, stride), same || extent <= stride ? 0 : extent - stride);
    if (size < 1) {
      raise<ShapeError>(op, ": the output would have size ", size, " along spatial axis ", i,
                        ". Use a larger output_padding or padding='valid'.");
    }
    const Dim total = same ? checked_add(op, checked_mul(op, in - 1, stride), extent) - size : 0;
    const Dim before = total > 0 ? total / 2 : 0;
    p.size.push_back(size);
    p.pads.push_back(before);
    p.pads.push_back(total > 0 ? total - before : 0);
  }
  return p;
}

}  // namespace

void Conv2dTranspose::infer(const Conv2dTranspose& a, In in, Types& out) {
  check_public<Conv2dTranspose>(in, 4, "([N, H, W, Cin] or [N, Cin, H, W])", "[KH, KW, Cout, Cin]");
  const Shape& w = in[1].shape;
  const Dim channels = channels_of(a, in[0]);
  if (w[3] != channels) {
    raise<ShapeError>(name, ": input has ", channels, " channels but weight expects ", w[3], " (input ", in[0].shape, ", weight ",
                      w, ", layout [KH, KW, Cout, Cin]).");
  }
  const TransposePlan p = plan_transpose(a, in[0], w);
  check_bias(name, in, w[2]);
  out.push_back({in[0].dtype, in_format(p.last, {in[0].shape[0], p.size[0], p.size[1], w[2]})});
}

Tensor Conv2dTranspose::compound(const Conv2dTranspose& a, std::span<const Tensor> in) {
  const TransposePlan p = plan_transpose(a, in[0].view(), in[1].shape());
  const Tensor y =
      conv2d_dx(to_last(in[0], p.last), in[1], bias_of(in),
                {.size = p.size, .strides = p.strides, .pads = p.pads, .dilation = p.dilation, .relu = a.activation == "relu"});
  return from_last(y, p.last);
}

}  // namespace nacre::op

namespace nacre {
NACRE_DEFINE_OP(Conv1d)
NACRE_DEFINE_OP(Conv2d)
NACRE_DEFINE_OP(DepthwiseConv2d)
NACRE_DEFINE_OP(Conv2dTranspose)
NACRE_DEFINE_OP(Conv2dNhwc)
NACRE_DEFINE_OP(Conv2dDx)
NACRE_DEFINE_OP(Conv2dDw)
}  // namespace nacre
