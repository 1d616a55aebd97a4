#include "nacre/nn/pooling.h"

#include "nacre/nn/checks.h"
#include "nacre/nn/window_layer.h"
#include "nacre/ops/ops.h"

namespace nacre::nn {

namespace {

Window make_window(std::string_view owner, const PoolOptions& o, int spatial) {
  const auto n = static_cast<std::size_t>(spatial);
  Window w{.spatial = spatial, .channels_last = o.data_format == "channels_last", .kernel_name = "pool_size"};
  w.kernel = to_list(o.pool_size.expand(n, owner, "pool_size"));
  w.strides = o.strides ? to_list(o.strides->expand(n, owner, "strides")) : w.kernel;
  w.padding = parse_padding(owner, o.padding, spatial);
  return w;
}

}  // namespace

template <class Derived, int Spatial, bool Max>
void Pool<Derived, Spatial, Max>::check(const PoolOptions& o) {
  need_counts(Derived::kName, "pool_size", o.pool_size, Spatial);
  if (o.strides) need_counts(Derived::kName, "strides", *o.strides, Spatial);
  need_data_format(Derived::kName, o.data_format);
  const Window w = make_window(Derived::kName, o, Spatial);
  for (int i = 0; i < w.padding.pads.size(); ++i) {
    // One number, one per axis, or begin and end of each axis.
    const int n = w.padding.pads.size(), axis = n == 1 ? 0 : n == Spatial ? i : i / 2;
    for (int k = n == 1 ? 0 : axis; k < (n == 1 ? Spatial : axis + 1); ++k) {
      if (w.padding.pads[i] >= w.kernel[k]) {
        raise<ValueError>(Derived::kName, ": padding ", w.padding.pads, " must be smaller than pool_size ", w.kernel,
                          ", or a window would be empty.");
      }
    }
  }
}

template <class Derived, int Spatial, bool Max>
Shape Pool<Derived, Spatial, Max>::output_shape(const Shape& input) const {
  return window_output(this->label(), make_window(this->label(), this->o(), Spatial), input, kUnknown);
}

template <class Derived, int Spatial, bool Max>
Tensor Pool<Derived, Spatial, Max>::call(const Tensor& x, const CallContext&) const {
  const Window w = make_window(Derived::kName, this->o(), Spatial);
  const Text format = std::string_view(this->o().data_format);
  if constexpr (Max) {
    return max_pool(
        x, {.pool_size = w.kernel, .strides = w.strides, .padding = w.padding.mode, .pads = w.padding.pads, .data_format = format});
  } else {
    return average_pool(
        x, {.pool_size = w.kernel, .strides = w.strides, .padding = w.padding.mode, .pads = w.padding.pads, .data_format = format});
  }
}

template <class Derived, int Spatial, bool Max>
void GlobalPool<Derived, Spatial, Max>::check(const GlobalPoolOptions& o) {
  need_data_format(Derived::kName, o.data_format);
}

template <class Derived, int Spatial, bool Max>
Shape GlobalPool<Derived, Spatial, Max>::output_shape(const Shape& input) const {
  const bool last = this->o().data_format == "channels_last";
  const int c = channel_axis(this->label(), input, Spatial, last);
  Shape out{input[0]};
  for (int i = 1; i < input.rank(); ++i) {
    if (i == c)
      out.push_back(input[i]);
    else if (input[i] == 0)
      raise<ShapeError>(this->label(), ": axis ", i, " of the input ", input, " must be at least 1.");
    else if (this->o().keepdims)
      out.push_back(1);
  }
  return out;
}

template <class Derived, int Spatial, bool Max>
Tensor GlobalPool<Derived, Spatial, Max>::call(const Tensor& x, const CallContext&) const {
  const Text format = std::string_view(this->o().data_format);
  if constexpr (Max)
    return global_max_pool(x, {.keepdims = this->o().keepdims, .data_format = format});
  else
    return global_average_pool(x, {.keepdims = this->o().keepdims, .data_format = format});
}

template class Pool<MaxPooling1D, 1, true>;
template class Pool<MaxPooling2D, 2, true>;
template class Pool<AveragePooling1D, 1, false>;
template class Pool<AveragePooling2D, 2, false>;
template class GlobalPool<GlobalMaxPooling1D, 1, true>;
template class GlobalPool<GlobalMaxPooling2D, 2, true>;
template class GlobalPool<GlobalAveragePooling1D, 1, false>;
template class GlobalPool<GlobalAveragePooling2D, 2, false>;

}  // namespace nacre::nn
