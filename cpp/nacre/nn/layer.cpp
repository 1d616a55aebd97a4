// What all layers share: names, building once, weights, casting of inputs, keys of random numbers.
#include "nacre/nn/layer.h"

#include "nacre/base/half.h"
#include "nacre/ops/ops.h"

namespace nacre::nn {

namespace {

// "MaxPooling2D" -> "max_pooling2d", "BatchNormalization" -> "batch_normalization", as Keras names layers.
std::string snake_case(std::string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    const bool upper = s[i] >= 'A' && s[i] <= 'Z';
    const bool before_lower = i > 0 && s[i - 1] >= 'a' && s[i - 1] <= 'z';
    if (upper && before_lower) out.push_back('_');
    out.push_back(upper ? static_cast<char>(s[i] - 'A' + 'a') : s[i]);
  }
  return out;
}

std::atomic<std::uint32_t> g_streams{1u << 20};  // layers used alone; layers in a model count from 0

bool fits(const Shape& built, const Shape& now) {
  if (built.rank() != now.rank()) return false;
  for (int i = 1; i < built.rank(); ++i) {
    if (built[i] != kUnknown && now[i] != kUnknown && built[i] != now[i]) return false;
  }
  return true;
}

}  // namespace

Layer::Layer(LayerCommon common, std::string_view class_name)
    : common_(std::move(common)), name_(common_.name.value_or(snake_case(class_name))), stream_(g_streams.fetch_add(1, std::memory_order_relaxed)) {
  if (common_.dtype) {
    const DType t = dtype_from_name(*common_.dtype);
    if (t != DType::float32 && t != DType::float64) raise<ValueError>(class_name, ": dtype must be float32 or float64, got ", t, ".");
  }
  if (name_.empty() || name_.find('/') != std::string::npos) {
    raise<ValueError>(class_name, ": name '", name_, "' must be non-empty and without '/'.");
  }
}

Layer::~Layer() = default;

DType Layer::dtype() const { return common_.dtype ? dtype_from_name(*common_.dtype) : floatx(); }

void Layer::build(const Shape& input) {
  if (built_) {
    if (!fits(input_shape_, input)) {
      raise<ShapeError>(name_, ": was built for inputs of shape ", input_shape_, " and cannot take ", input, ".");
    }
    return;
  }
  (void)output_shape(input);  // checks
  if (!common_.dtype) common_.dtype = std::string(name_of(floatx()));
  weights_.clear();
  create_weights(input);
  input_shape_ = input;
  if (input_shape_.rank() > 0) input_shape_[0] = kUnknown;
  built_ = true;
}

Tensor Layer::operator()(const Tensor& x, const CallContext& context) {
  if (!x.defined()) raise<TypeError>(name_, ": the input is missing.");
  if (!built_) {
    Shape s = x.shape();
    if (s.rank() > 0) s[0] = kUnknown;
    build(s);
  } else if (!fits(input_shape_, x.shape())) {
    raise<ShapeError>(name_, ": was built for inputs of shape ", input_shape_, " and cannot take ", x.shape(), ".");
  }
  return call(casts_input() && x.dtype() != dtype() ? cast(x, {.dtype = dtype()}) : x, context);
}

std::size_t Layer::add_weight(std::string name, Tensor value, bool trainable) {
  if (trainable && common_.trainable) value.set_requires_grad(true);
  weights_.push_back({std::move(name), std::move(value), trainable});
  return weights_.size() - 1;
}

void Layer::set_trainable(bool on) {
  common_.trainable = on;
  for (Variable& v : weights_) {
    if (v.trainable) v.value.set_requires_grad(on);
  }
}

std::vector<Tensor> Layer::trainable_weights() const {
  std::vector<Tensor> out;
  if (!common_.trainable) return out;
  for (const Variable& v : weights_) {
    if (v.trainable) out.push_back(v.value);
  }
  return out;
}

Dim Layer::count_params() const {
  Dim n = 0;
  for (const Variable& v : weights_) n += v.value.count();
  return n;
}

void Layer::set_weights(std::span<const Tensor> values) {
  if (values.size() != weights_.size()) {
    raise<ValueError>("set_weights: ", name_, " has ", weights_.size(), " weights, got ", values.size(), ".");
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(values[i].shape() == weights_[i].value.shape())) {
      raise<ShapeError>("set_weights: ", name_, "/", weights_[i].name, " has shape ", weights_[i].value.shape(), ", got ", values[i].shape(), ".");
    }
  }
  for (std::size_t i = 0; i < values.size(); ++i) weights_[i].value.assign(values[i]);
}

Json Layer::common_config() const {
  Json j = Json::object();
  j["name"] = name_;
  j["dtype"] = common_.dtype ? Json(*common_.dtype) : Json();
  j["trainable"] = common_.trainable;
  return j;
}

Tensor Layer::random_key(const CallContext& context, std::optional<Dim> own_seed) const {
  const auto seed = own_seed ? static_cast<std::int64_t>(*own_seed) : static_cast<std::int64_t>(context.seed);
  return Tensor::of<std::int64_t>({seed, static_cast<std::int64_t>(stream_), static_cast<std::int64_t>(context.step)}, {3});
}

}  // namespace nacre::nn
