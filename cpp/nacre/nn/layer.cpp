// What all layers share: names, building once, weights, casting of inputs, keys of random numbers.
#include "nacre/nn/layer.h"

#include <algorithm>

#include "nacre/base/error_owner.h"
#include "nacre/ops/ops.h"
#include "nacre/ops/random_state.h"
#include "nacre/ops/recorder.h"

namespace nacre::nn {

namespace {

// The shape that was built for, but for the batch?
bool fits(const Shape& built, const Shape& now) {
  if (built.rank() != now.rank()) return false;
  for (int i = 1; i < built.rank(); ++i) {
    if (built[i] != kUnknown && now[i] != kUnknown && built[i] != now[i]) return false;
  }
  return true;
}

}  // namespace

std::string snake_case(std::string_view s) {
  const auto upper = [&](std::size_t i) { return i < s.size() && s[i] >= 'A' && s[i] <= 'Z'; };
  const auto lower = [&](std::size_t i) { return i < s.size() && s[i] >= 'a' && s[i] <= 'z'; };
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (i > 0 && upper(i) && (lower(i - 1) || lower(i + 1))) out.push_back('_');
    out.push_back(upper(i) ? static_cast<char>(s[i] - 'A' + 'a') : s[i]);
  }
  return out;
}

Layer::Layer(LayerCommon common, std::string_view class_name, bool any_dtype)
    : common_(std::move(common)), name_(common_.name.value_or(snake_case(class_name))), stream_(next_random_stream()) {
  if (common_.dtype) {
    try {
      const DType t = dtype_from_name(*common_.dtype);
      if (!any_dtype && t != DType::float32 && t != DType::float64)
        raise<ValueError>(class_name, ": dtype must be float32 or float64, got ", t, ".");
    } catch (const Error&) {
      rethrow_with_owner(class_name);
    }
  }
  const bool plain =
      std::none_of(name_.begin(), name_.end(), [](char c) { return c == '/' || static_cast<unsigned char>(c) < 32 || c == 127; });
  if (name_.empty() || !plain) {  // the names of the weights in a model's file are made from it
    raise<ValueError>(class_name, ": name '", name_, "' must be non-empty, without '/' and without control characters.");
  }
}

Layer::~Layer() = default;

DType Layer::dtype() const { return common_.dtype ? dtype_from_name(*common_.dtype) : floatx(); }

void Layer::need_one(std::size_t inputs) const {
  if (inputs != 1) raise<ValueError>(label(), ": takes one input, got ", inputs, ".");
}

void Layer::set_built(bool on, std::vector<Shape> inputs) {
  input_shapes_ = std::move(inputs);
  for (Shape& s : input_shapes_) {
    if (s.rank() > 0) s[0] = kUnknown;
  }
  if (!common_.dtype) common_.dtype = std::string(name_of(floatx()));
  built_.store(on, std::memory_order_release);
}

void Layer::build(std::span<const Shape> inputs) {
  need_one(inputs.size());
  const Shape& input = inputs[0];
  if (built()) {
    if (!fits(input_shape(), input)) check_other(input);
    return;
  }
  for (int i = 0; i < input.rank(); ++i) {
    if (input[i] < 0 && input[i] != kUnknown) raise<ShapeError>(label(), ": the input shape ", input, " has a negative size.");
  }
  (void)output_shape(input);  // checks
  if (!common_.dtype) common_.dtype = std::string(name_of(floatx()));
  weights_.clear();
  try {
    create_weights(input);
  } catch (const Error&) {
    weights_.clear();
    rethrow_with_owner(label());
  } catch (...) {
    weights_.clear();
    throw;
  }
  set_built(true, {input});
}

std::vector<Shape> Layer::output_shapes(std::span<const Shape> inputs) const {
  need_one(inputs.size());
  return {output_shape(inputs[0])};
}

void Layer::connect(std::span<const Type> inputs, const Json& arguments) {
  (void)arguments;
  std::vector<Shape> shapes;
  for (const Type& t : inputs) shapes.push_back(t.shape);
  build(shapes);
}

std::vector<Type> Layer::output_types(std::span<const Type> inputs, const Json& arguments) const {
  (void)arguments;
  need_one(inputs.size());
  return {{output_dtype(inputs[0].dtype), output_shape(inputs[0].shape)}};
}

void Layer::check_other(const Shape& input) const {
  (void)output_shape(input);
  const std::vector<int> before = weight_axes(input_shape().rank()), now = weight_axes(input.rank());
  bool same = before.size() == now.size();
  for (std::size_t i = 0; same && i < now.size(); ++i) {
    const Dim a = input_shape()[before[i]], b = input[now[i]];
    same = a == b || a == kUnknown || b == kUnknown;
  }
  if (!same) raise<ShapeError>(label(), ": was built for inputs of shape ", input_shape(), " and cannot take ", input, ".");
}

std::vector<Tensor> Layer::run(std::span<const Tensor> inputs, const CallContext& context) {
  need_one(inputs.size());
  return {run_one(inputs[0], context)};
}

Tensor Layer::run_one(const Tensor& x, const CallContext& context) {
  if (!x.defined()) raise<TypeError>(label(), ": the input is missing.");
  if (!built()) {
    (void)output_shape(x.shape());  // so that messages show the shape that was given
    Shape s = x.shape();
    if (s.rank() > 0) s[0] = kUnknown;
    build(s);
  } else if (!fits(input_shape(), x.shape())) {
    check_other(x.shape());
  }
  try {
    return call(casts_input() && x.dtype() != dtype() ? cast(x, {.dtype = dtype()}) : x, context);
  } catch (const Error&) {
    rethrow_with_owner(label());
  }
}

std::size_t Layer::add_weight(std::string name, Tensor value, bool trainable) {
  if (trainable && common_.trainable) value.set_requires_grad(true);
  weights_.push_back({std::move(name), std::move(value), trainable});
  return weights_.size() - 1;
}

Tensor Layer::find_weight(std::string_view name) const {
  for (const Variable& v : weights_) {
    if (v.name == name) return v.value;
  }
  return {};
}

void Layer::set_trainable(bool on) {
  common_.trainable = on;
  for (Variable& v : weights_) {
    if (v.trainable) v.value.set_requires_grad(on);
  }
}

std::vector<Tensor> Layer::trainable_weights() const {
  std::vector<Tensor> out;
  if (!trainable()) return out;
  for (const Variable& v : weights()) {
    if (v.trainable) out.push_back(v.value);
  }
  return out;
}

void Layer::add_facts(std::vector<const void*>& facts) const {
  facts.push_back(this);
  facts.push_back(trainable() ? this : nullptr);
  for (const Variable& v : weights_) {
    facts.push_back(v.value.view().data);
    facts.push_back(v.value.requires_grad() ? this : nullptr);
  }
}

Dim Layer::count_params() const {
  Dim n = 0;
  for (const Variable& v : weights()) n += v.value.count();
  return n;
}

void Layer::set_weights(std::span<const Tensor> values) {
  const std::vector<Variable> own = weights();
  if (values.size() != own.size()) {
    raise<ValueError>("set_weights: ", label(), " has ", own.size(), " weights, got ", values.size(), ".");
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(values[i].shape() == own[i].value.shape())) {
      raise<ShapeError>("set_weights: ", name_, "/", own[i].name, " has shape ", own[i].value.shape(), ", got ", values[i].shape(),
                        ".");
    }
  }
  for (std::size_t i = 0; i < values.size(); ++i) own[i].value.assign(values[i]);
}

Json Layer::common_config() const {
  Json j = Json::object();
  j["name"] = name_;
  j["dtype"] = common_.dtype ? Json(*common_.dtype) : Json();
  j["trainable"] = common_.trainable;
  return j;
}

Tensor Layer::random_key(const CallContext& context, std::optional<Dim> own_seed) const {
  RandomKey key{.seed = 0, .step = 0, .stream = own_seed ? 0 : stream_};
  if (own_seed) {
    key.seed = static_cast<std::uint64_t>(*own_seed);
    key.step = context.step ? *context.step : calls_.fetch_add(1, std::memory_order_relaxed);
  } else {
    const bool drawn = !context.seed || !context.step;
    const RandomKey global = drawn ? global_generator().next() : RandomKey{};
    key.seed = context.seed.value_or(global.seed);
    key.step = context.step.value_or(global.step);
  }
  if (Recorder* r = recorder(); r && context.step) return r->step_key(key);
  return key_tensor(key);
}

std::vector<Shape> ListLayer::output_shapes(std::span<const Shape> inputs) const {
  std::vector<Type> types;
  for (const Shape& s : inputs) types.push_back({dtype(), s});
  std::vector<Shape> out;
  for (Type& t : output_types(types, {})) out.push_back(t.shape);
  return out;
}

void ListLayer::build(std::span<const Shape> inputs) {
  (void)output_shapes(inputs);  // checks
  if (!built()) set_built(true, {inputs.begin(), inputs.end()});
}

void ListLayer::connect(std::span<const Type> inputs, const Json& arguments) {
  (void)output_types(inputs, arguments);  // checks
  if (built()) return;
  std::vector<Shape> shapes;
  for (const Type& t : inputs) shapes.push_back(t.shape);
  set_built(true, std::move(shapes));
}

Tensor ListLayer::run_one(const Tensor& x, const CallContext& context) {
  std::vector<Tensor> out = run({&x, 1}, context);
  if (out.size() != 1) raise<ValueError>(label(), ": gives ", out.size(), " results where one is wanted.");
  return std::move(out[0]);
}

Tensor ListLayer::call(const Tensor& x, const CallContext&) const { return x; }

}  // namespace nacre::nn
