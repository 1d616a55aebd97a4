#include "nacre/nn/reshaping.h"

#include <algorithm>
#include <array>

#include "nacre/nn/checks.h"
#include "nacre/nn/window_layer.h"
#include "nacre/ops/operators.h"
#include "nacre/ops/ops.h"

namespace nacre::nn {

// ---- InputLayer ----

void InputLayer::check(const InputLayerOptions& o) {
  bool ok = o.shape.is_array() && o.shape.size() < kMaxRank;
  if (ok) {
    for (const Json& d : o.shape.elements())
      ok = ok && (d.is_null() || (d.is_integer() && d.get<Dim>() >= 0 && d.get<Dim>() <= kLargest));
  }
  if (!ok) {
    raise<ValueError>(kName, ": shape must be a list of at most ", kMaxRank - 1, " integers >= 0 or None, without the batch, got ",
                      detail::shown(o.shape), ".");
  }
}

Shape InputLayer::batch_shape() const {
  Shape s{kUnknown};
  for (const Json& d : o().shape.elements()) s.push_back(d.is_null() ? kUnknown : d.get<Dim>());
  return s;
}

Shape InputLayer::output_shape(const Shape& input) const {
  const Shape wanted = batch_shape();
  bool fits = input.rank() == wanted.rank();
  for (int i = 1; fits && i < wanted.rank(); ++i) fits = wanted[i] == kUnknown || input[i] == kUnknown || input[i] == wanted[i];
  if (!fits) raise<ShapeError>(label(), ": the input must have shape ", wanted, " (-1: any size), got ", input, ".");
  return input;
}

Tensor InputLayer::call(const Tensor& x, const CallContext&) const { return x; }

// ---- Flatten ----

void Flatten::check(const FlattenOptions& o) { need_data_format(kName, o.data_format); }

Shape Flatten::output_shape(const Shape& input) const {
  if (input.rank() < 1) raise<ShapeError>(label(), ": the input must have a batch axis, got ", input, ".");
  Dim n = 1;
  for (int i = 1; i < input.rank(); ++i) n = product(label(), n, input[i]);
  return {input[0], n};
}

Tensor Flatten::call(const Tensor& x, const CallContext&) const {
  const Tensor last = o().data_format == "channels_first" && x.rank() > 2 ? moveaxis(x, {.source = {1}, .destination = {-1}}) : x;
  return reshape(last, {.newshape = output_shape(x.shape())});
}

// ---- Reshape ----

void Reshape::check(const ReshapeOptions& o) {
  int open = 0;
  for (Dim d : o.target_shape.values) {
    open += d == -1;
    if (d < -1 || d > kLargest || open > 1 || o.target_shape.values.size() >= kMaxRank) {
      raise<ValueError>(kName, ": target_shape must be at most ", kMaxRank - 1, " sizes >= 0, one of which may be -1, got ",
                        listed(o.target_shape.values), ".");
    }
  }
}

Shape Reshape::output_shape(const Shape& input) const {
  if (input.rank() < 1) raise<ShapeError>(label(), ": the input must have a batch axis, got ", input, ".");
  Dim have = 1, want = 1;
  int open = -1;
  for (int i = 1; i < input.rank(); ++i) have = product(label(), have, input[i]);
  Shape out{input[0]};
  for (Dim d : o().target_shape.values) {
    if (d == -1)
      open = out.rank();
    else
      want = checked_mul(label(), want, d);
    out.push_back(d);
  }
  if (have == kUnknown) return out;
  const bool fits = open < 0 ? have == want : want > 0 && have % want == 0;
  if (!fits)
    raise<ShapeError>(label(), ": the input ", input, " has ", have, " values each, which do not fill target_shape ",
                      listed(o().target_shape.values), ".");
  if (open >= 0) out[open] = have / want;
  return out;
}

Tensor Reshape::call(const Tensor& x, const CallContext&) const { return reshape(x, {.newshape = output_shape(x.shape())}); }

// ---- Permute ----

void Permute::check(const PermuteOptions& o) {
  std::vector<Dim> sorted = o.dims.values;
  std::sort(sorted.begin(), sorted.end());
  bool ok = !sorted.empty() && sorted.size() < kMaxRank;
  for (std::size_t i = 0; i < sorted.size(); ++i) ok = ok && sorted[i] == static_cast<Dim>(i + 1);
  if (!ok) raise<ValueError>(kName, ": dims must be the axes 1, 2, ... in some order, got ", listed(o.dims.values), ".");
}

Shape Permute::output_shape(const Shape& input) const {
  need_rank(label(), input, static_cast<int>(o().dims.values.size()) + 1, "(the batch and as many axes as dims has)");
  Shape out = input;
  for (int i = 1; i < out.rank(); ++i) out[i] = input[static_cast<int>(o().dims.values[static_cast<std::size_t>(i - 1)])];
  return out;
}

Tensor Permute::call(const Tensor& x, const CallContext&) const {
  IntList axes{0};
  for (Dim d : o().dims.values) axes.push_back(d);
  return transpose(x, {.axes = axes});
}

// ---- ZeroPadding2D ----

namespace {

// top, bottom, left, right
std::array<Dim, 4> zero_padding(std::string_view owner, const Json& p) {
  const auto wrong = [&]() -> std::array<Dim, 4> {
    raise<ValueError>(owner, ": padding must be n, (height, width) or ((top, bottom), (left, right)) with integers from 0 to ",
                      kLargest, ", got ", detail::shown(p), ".");
  };
  const auto amount = [&](const Json& j) {
    if (!j.is_integer() || j.get<Dim>() < 0 || j.get<Dim>() > kLargest) wrong();
    return j.get<Dim>();
  };
  if (p.is_integer()) {
    const Dim n = amount(p);
    return {n, n, n, n};
  }
  if (!p.is_array() || p.size() != 2) return wrong();
  std::array<Dim, 4> out{};
  for (std::size_t i = 0; i < 2; ++i) {
    const Json& side = p.elements()[i];
    if (side.is_array() && side.size() != 2) return wrong();
    out[2 * i] = amount(side.is_array() ? side.elements()[0] : side);
    out[2 * i + 1] = amount(side.is_array() ? side.elements()[1] : side);
  }
  return out;
}

}  // namespace

void ZeroPadding2D::check(const ZeroPadding2DOptions& o) {
  (void)zero_padding(kName, o.padding);
  need_data_format(kName, o.data_format);
}

Shape ZeroPadding2D::output_shape(const Shape& input) const {
  const bool last = o().data_format == "channels_last";
  (void)channel_axis(label(), input, 2, last);
  const auto p = zero_padding(label(), o().padding);
  Shape out = input;
  const int h = last ? 1 : 2;
  out[h] = sum_of(label(), input[h], p[0] + p[1]);
  out[h + 1] = sum_of(label(), input[h + 1], p[2] + p[3]);
  return out;
}

Tensor ZeroPadding2D::call(const Tensor& x, const CallContext&) const {
  const auto p = zero_padding(kName, o().padding);
  if (o().data_format == "channels_last") return pad(x, {.pad_width = {0, 0, p[0], p[1], p[2], p[3], 0, 0}});
  return pad(x, {.pad_width = {0, 0, 0, 0, p[0], p[1], p[2], p[3]}});
}

// ---- UpSampling2D ----

void UpSampling2D::check(const UpSampling2DOptions& o) {
  need_counts(kName, "size", o.size, 2);
  need_data_format(kName, o.data_format);
  if (o.interpolation != "nearest" && o.interpolation != "bilinear") {
    raise<ValueError>(kName, ": interpolation must be 'nearest' or 'bilinear', got '", o.interpolation, "'.");
  }
}

Shape UpSampling2D::output_shape(const Shape& input) const {
  const bool last = o().data_format == "channels_last";
  (void)channel_axis(label(), input, 2, last);
  const auto size = o().size.expand(2, label(), "size");
  Shape out = input;
  const int h = last ? 1 : 2;
  out[h] = product(label(), input[h], size[0]);
  out[h + 1] = product(label(), input[h + 1], size[1]);
  return out;
}

namespace {

// The matrix [n factor, n] that interpolates n values between their centres: output i lies at (i + 0.5) / factor - 0.5, ends are held.
Tensor interpolation_matrix(Dim n, Dim factor, DType dtype) {
  Tensor m = full({.shape = {checked_mul("UpSampling2D", n, factor), n}, .value = 0, .dtype = DType::float64});
  double* v = m.data<double>();
  for (Dim i = 0; i < n * factor; ++i) {
    const double at =
        std::clamp((static_cast<double>(i) + 0.5) / static_cast<double>(factor) - 0.5, 0.0, static_cast<double>(n - 1));
    const Dim low = std::min(static_cast<Dim>(at), n - 1), high = std::min(low + 1, n - 1);
    const double share = at - static_cast<double>(low);
    v[i * n + low] += 1 - share;
    v[i * n + high] += share;
  }
  return cast(m, {.dtype = dtype});
}

}  // namespace

Tensor UpSampling2D::call(const Tensor& x, const CallContext&) const {
  const auto size = o().size.expand(2, kName, "size");
  const int h = o().data_format == "channels_last" ? 1 : 2;
  if (o().interpolation == "nearest" || x.count() == 0) {
    return repeat(repeat(x, {.repeats = size[0], .axis = h}), {.repeats = size[1], .axis = h + 1});
  }
  // Rows first, then columns: the axis to interpolate is moved to the end, where the matrix product takes it.
  const auto along = [&](const Tensor& t, int axis, Dim factor) {
    const Tensor last = moveaxis(t, {.source = {axis}, .destination = {-1}});
    return moveaxis(matmul(last, transpose(interpolation_matrix(t.shape()[axis], factor, t.dtype()))),
                    {.source = {-1}, .destination = {axis}});
  };
  return along(along(x, h, size[0]), h + 1, size[1]);
}

// ---- Rescaling ----

void Rescaling::check(const RescalingOptions& o) {
  need_finite(kName, "scale", o.scale);
  need_finite(kName, "offset", o.offset);
}

Tensor Rescaling::call(const Tensor& x, const CallContext&) const {
  const Tensor y = o().scale == 1 ? x : x * o().scale;
  return o().offset == 0 ? y : y + o().offset;
}

}  // namespace nacre::nn
