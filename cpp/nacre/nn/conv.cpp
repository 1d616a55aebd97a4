#include "nacre/nn/conv.h"

#include "nacre/nn/activation.h"
#include "nacre/nn/checks.h"
#include "nacre/nn/window_layer.h"
#include "nacre/ops/ops.h"

namespace nacre::nn {

namespace {

// ---- Conv1D and Conv2D differ in the number of axes and in "causal" ----

Padding conv_padding(std::string_view owner, const ConvOptions& o, int spatial) {
  if (spatial == 1 && o.padding.is_string() && o.padding.get<std::string_view>() == "causal") {
    const Dim kernel = o.kernel_size.expand(1, owner, "kernel_size")[0],
              dilation = o.dilation_rate.expand(1, owner, "dilation_rate")[0];
    return {.mode = "explicit", .pads = {checked_mul(owner, dilation, kernel - 1), 0}};
  }
  return parse_padding(owner, o.padding, spatial);
}

void check_window(std::string_view owner, const Ints& kernel_size, const Ints& strides, const Ints& dilation_rate,
                  const std::string& data_format, int spatial) {
  const auto n = static_cast<std::size_t>(spatial);
  need_counts(owner, "kernel_size", kernel_size, n);
  need_counts(owner, "strides", strides, n);
  need_counts(owner, "dilation_rate", dilation_rate, n);
  need_data_format(owner, data_format);
}

void check_conv(std::string_view owner, const ConvOptions& o, int spatial) {
  need_count(owner, "filters", o.filters);
  check_window(owner, o.kernel_size, o.strides, o.dilation_rate, o.data_format, spatial);
  (void)conv_padding(owner, o, spatial);
  need_count(owner, "groups", o.groups);
  if (o.filters % o.groups) raise<ValueError>(owner, ": filters ", o.filters, " must be a multiple of groups ", o.groups, ".");
  (void)plan_activation(owner, o.activation);
  need_initializer(owner, "kernel_initializer", o.kernel_initializer);
  need_initializer(owner, "bias_initializer", o.bias_initializer);
}

template <class O>
Window make_window(std::string_view owner, const O& o, const Padding& padding, int spatial) {
  const auto n = static_cast<std::size_t>(spatial);
  return {.spatial = spatial,
          .channels_last = o.data_format == "channels_last",
          .kernel = to_list(o.kernel_size.expand(n, owner, "kernel_size")),
          .strides = to_list(o.strides.expand(n, owner, "strides")),
          .dilation = to_list(o.dilation_rate.expand(n, owner, "dilation_rate")),
          .padding = padding};
}

Shape conv_output(const Layer& layer, const ConvOptions& o, const Shape& input, int spatial) {
  const std::string label = layer.label();
  const Window w = make_window(label, o, conv_padding(label, o, spatial), spatial);
  const int c = channel_axis(label, input, spatial, w.channels_last);
  if (need_known(label, input, c) % o.groups) {
    raise<ShapeError>(label, ": the input ", input, " has ", input[c], " channels, which groups ", o.groups, " does not divide.");
  }
  return window_output(label, w, input, o.filters);
}

Shape conv_kernel(const ConvOptions& o, const Shape& input, int spatial) {
  Shape s;
  for (Dim k : o.kernel_size.expand(static_cast<std::size_t>(spatial), "kernel", "kernel_size")) s.push_back(k);
  s.push_back(input[o.data_format == "channels_last" ? spatial + 1 : 1] / o.groups);
  s.push_back(o.filters);
  return s;
}

Tensor initial(std::string_view owner, const Json& spec, const Shape& shape, DType dtype, std::optional<Fans> fans = {}) {
  return (*make_initializer(owner, spec))(shape, dtype, fans);
}

}  // namespace

void Conv1D::check(const ConvOptions& o) { check_conv(kName, o, 1); }
Shape Conv1D::output_shape(const Shape& input) const { return conv_output(*this, o(), input, 1); }
void Conv1D::create_weights(const Shape& input) {
  add_weight("kernel", initial(kName, o().kernel_initializer, conv_kernel(o(), input, 1), dtype()));
  if (o().use_bias) add_weight("bias", initial(kName, o().bias_initializer, {o().filters}, dtype()));
}
Tensor Conv1D::call(const Tensor& x, const CallContext&) const {
  const ActivationPlan plan = plan_activation(kName, o().activation);
  const Window w = make_window(kName, o(), conv_padding(kName, o(), 1), 1);
  return plan.finish(conv1d(x, weight(0), o().use_bias ? weight(1) : Tensor(),
                            {.strides = w.strides,
                             .padding = w.padding.mode,
                             .pads = w.padding.pads,
                             .dilation = w.dilation,
                             .groups = o().groups,
                             .data_format = std::string_view(o().data_format),
                             .activation = plan.fused}));
}

void Conv2D::check(const ConvOptions& o) { check_conv(kName, o, 2); }
Shape Conv2D::output_shape(const Shape& input) const { return conv_output(*this, o(), input, 2); }
void Conv2D::create_weights(const Shape& input) {
  add_weight("kernel", initial(kName, o().kernel_initializer, conv_kernel(o(), input, 2), dtype()));
  if (o().use_bias) add_weight("bias", initial(kName, o().bias_initializer, {o().filters}, dtype()));
}
Tensor Conv2D::call(const Tensor& x, const CallContext&) const {
  const ActivationPlan plan = plan_activation(kName, o().activation);
  const Window w = make_window(kName, o(), conv_padding(kName, o(), 2), 2);
  return plan.finish(conv2d(x, weight(0), o().use_bias ? weight(1) : Tensor(),
                            {.strides = w.strides,
                             .padding = w.padding.mode,
                             .pads = w.padding.pads,
                             .dilation = w.dilation,
                             .groups = o().groups,
                             .data_format = std::string_view(o().data_format),
                             .activation = plan.fused}));
}

// ---- DepthwiseConv2D ----

void DepthwiseConv2D::check(const DepthwiseConv2DOptions& o) {
  check_window(kName, o.kernel_size, o.strides, o.dilation_rate, o.data_format, 2);
  (void)parse_padding(kName, o.padding, 2);
  need_count(kName, "depth_multiplier", o.depth_multiplier);
  (void)plan_activation(kName, o.activation);
  need_initializer(kName, "depthwise_initializer", o.depthwise_initializer);
  need_initializer(kName, "bias_initializer", o.bias_initializer);
}

Shape DepthwiseConv2D::output_shape(const Shape& input) const {
  const Window w = make_window(label(), o(), parse_padding(label(), o().padding, 2), 2);
  const Dim channels = need_known(label(), input, channel_axis(label(), input, 2, w.channels_last));
  return window_output(label(), w, input, checked_mul(label(), channels, o().depth_multiplier));
}

void DepthwiseConv2D::create_weights(const Shape& input) {
  const auto k = o().kernel_size.expand(2, kName, "kernel_size");
  const Dim channels = input[o().data_format == "channels_last" ? 3 : 1], m = o().depth_multiplier;
  const double field = static_cast<double>(k[0]) * static_cast<double>(k[1]);
  add_weight("kernel", initial(kName, o().depthwise_initializer, {k[0], k[1], channels, m}, dtype(),
                               Fans{field, field * static_cast<double>(m)}));
  if (o().use_bias) add_weight("bias", initial(kName, o().bias_initializer, {channels * m}, dtype()));
}

Tensor DepthwiseConv2D::call(const Tensor& x, const CallContext&) const {
  const ActivationPlan plan = plan_activation(kName, o().activation);
  const Window w = make_window(kName, o(), parse_padding(kName, o().padding, 2), 2);
  return plan.finish(depthwise_conv2d(x, weight(0), o().use_bias ? weight(1) : Tensor(),
                                      {.strides = w.strides,
                                       .padding = w.padding.mode,
                                       .pads = w.padding.pads,
                                       .dilation = w.dilation,
                                       .data_format = std::string_view(o().data_format),
                                       .activation = plan.fused}));
}

// ---- Conv2DTranspose ----

void Conv2DTranspose::check(const Conv2DTransposeOptions& o) {
  need_count(kName, "filters", o.filters);
  check_window(kName, o.kernel_size, o.strides, o.dilation_rate, o.data_format, 2);
  if (o.padding != "valid" && o.padding != "same")
    raise<ValueError>(kName, ": padding must be 'valid' or 'same', got '", o.padding, "'.");
  if (o.output_padding) {
    const auto extra = o.output_padding->expand(2, kName, "output_padding"), strides = o.strides.expand(2, kName, "strides");
    for (std::size_t i = 0; i < 2; ++i) {
      if (extra[i] < 0 || extra[i] >= strides[i]) {
        raise<ValueError>(kName, ": output_padding ", extra[i], " must be from 0 to below the stride ", strides[i], ".");
      }
    }
  }
  (void)plan_activation(kName, o.activation);
  need_initializer(kName, "kernel_initializer", o.kernel_initializer);
  need_initializer(kName, "bias_initializer", o.bias_initializer);
}

Shape Conv2DTranspose::output_shape(const Shape& input) const {
  const std::string who = label();
  const bool last = o().data_format == "channels_last";
  const int c = channel_axis(who, input, 2, last), first = last ? 1 : 2;
  (void)need_known(who, input, c);
  const auto kernel = o().kernel_size.expand(2, who, "kernel_size"), strides = o().strides.expand(2, who, "strides"),
             dilation = o().dilation_rate.expand(2, who, "dilation_rate");
  Shape out = input;
  out[c] = o().filters;
  for (std::size_t i = 0; i < 2; ++i) {
    const int axis = first + static_cast<int>(i);
    const Dim size = input[axis], extent = checked_add(who, checked_mul(who, dilation[i], kernel[i] - 1), 1);
    if (size == kUnknown) continue;
    if (size < 1) raise<ShapeError>(who, ": axis ", axis, " of the input ", input, " must be at least 1.");
    Dim n = 0;
    if (o().output_padding) {
      n = checked_add(who, checked_mul(who, size - 1, strides[i]),
                      extent + o().output_padding->expand(2, who, "output_padding")[i]);
      if (o().padding == "same") n -= 2 * (extent / 2);
    } else {
      n = checked_mul(who, size, strides[i]);
      if (o().padding == "valid") n = checked_add(who, n, std::max(extent - strides[i], Dim{0}));
    }
    if (n < 1)
      raise<ShapeError>(who, ": the output's axis ", axis, " would have size ", n, " for the input ", input,
                        ". Use a larger input.");
    out[axis] = n;
  }
  return out;
}

void Conv2DTranspose::create_weights(const Shape& input) {
  const auto k = o().kernel_size.expand(2, kName, "kernel_size");
  const Dim channels = input[o().data_format == "channels_last" ? 3 : 1];
  const double field = static_cast<double>(k[0]) * static_cast<double>(k[1]);
  add_weight("kernel", initial(kName, o().kernel_initializer, {k[0], k[1], o().filters, channels}, dtype(),
                               Fans{field * static_cast<double>(channels), field * static_cast<double>(o().filters)}));
  if (o().use_bias) add_weight("bias", initial(kName, o().bias_initializer, {o().filters}, dtype()));
}

Tensor Conv2DTranspose::call(const Tensor& x, const CallContext&) const {
  const ActivationPlan plan = plan_activation(kName, o().activation);
  IntList extra;
  if (o().output_padding) extra = to_list(o().output_padding->expand(2, kName, "output_padding"));
  return plan.finish(conv2d_transpose(x, weight(0), o().use_bias ? weight(1) : Tensor(),
                                      {.strides = to_list(o().strides.expand(2, kName, "strides")),
                                       .padding = std::string_view(o().padding),
                                       .output_padding = extra,
                                       .dilation = to_list(o().dilation_rate.expand(2, kName, "dilation_rate")),
                                       .data_format = std::string_view(o().data_format),
                                       .activation = plan.fused}));
}

}  // namespace nacre::nn
