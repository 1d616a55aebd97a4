// Structure of a model: adding layers, building, weights, configuration, compile.
#include "nacre/model/sequential.h"

#include <shared_mutex>

#include "nacre/base/threads.h"
#include "nacre/model/meter.h"
#include "nacre/nn/reshaping.h"
#include "nacre/ops/random_state.h"

namespace nacre::model {

namespace {

// splitmix64 (Steele, Lea and Flood 2014): neighbouring streams give unrelated seeds.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

Dim size_from_json(const Json& j, std::string_view what) {
  if (j.is_null()) return nn::kUnknown;
  if (!j.is_integer() || (j.get<Dim>() < 1 && j.get<Dim>() != nn::kUnknown)) {
    raise<ValueError>(what, ": a size must be a positive integer or None, got ", j.to_string(), ".");
  }
  return j.get<Dim>();
}

Shape shape_from_json(const Json& j, std::string_view what) {
  Shape s;
  for (const Json& e : j.elements()) s.push_back(size_from_json(e, what));
  return s;
}

Json shape_to_json(const Shape& s) {
  Json list = Json::array();
  for (Dim d : s) list.push_back(d == nn::kUnknown ? Json() : Json(d));
  return list;
}

Json spec(std::string_view class_name, Json config) {
  return Json::object({{"class_name", Json(class_name)}, {"config", std::move(config)}});
}

}  // namespace

Sequential::Sequential(std::string name) : metric_specs_(Json::array()), seed_(mix(random_seed() ^ mix(next_random_stream()))) {
  set_name(std::move(name));
}
Sequential::~Sequential() = default;

void Sequential::set_name(std::string name) {
  if (name.empty()) raise<ValueError>("Sequential: name must not be empty.");
  name_ = std::move(name);
}

// Gives the layer its place: a unique name and a stream of random numbers.
void Sequential::accept(nn::Layer& layer) {
  const auto taken = [&](const std::string& n) {
    for (const auto& l : layers_) {
      if (l->name() == n) return true;
    }
    return false;
  };
  if (taken(layer.name())) {
    if (layer.name_given())
      raise<ValueError>("add: the model has a layer named '", layer.name(), "' already. Give each layer another name.");
    int k = 1;
    while (taken(cat(layer.name(), "_", k))) ++k;
    layer.set_name(cat(layer.name(), "_", k));
  }
  layer.set_stream(static_cast<std::uint32_t>(layers_.size()));
}

void Sequential::add(std::shared_ptr<nn::Layer> layer) {
  if (!layer) raise<TypeError>("add: the layer is missing.");
  check_structure("add");
  if (const auto* input = dynamic_cast<const nn::InputLayer*>(layer.get())) {
    if (!layers_.empty() || input_layer_)
      raise<ValueError>("add: the input must be the first of the model, which has ", layers_.size(), " layers.");
    given_shape_ = input->batch_shape();
    input_casts_ = !input->config().at("dtype").is_null();
    input_layer_ = std::move(layer);
    return;
  }
  for (const auto& l : layers_) {
    if (l == layer) raise<ValueError>("add: the layer '", layer->name(), "' is in the model already. Make another one.");
  }
  const std::string before = layer->name();
  accept(*layer);
  if (given_shape_) {
    try {
      layer->build(layers_.empty() ? *given_shape_ : output_shape());
    } catch (...) {
      layer->set_name(before);
      throw;
    }
  }
  layers_.push_back(std::move(layer));
  if (given_shape_) built_.store(true, std::memory_order_release);
  if (optimizer_ && optimizer_->built()) loss_ = nullptr, optimizer_ = nullptr;  // its state is for other weights
}

std::shared_ptr<nn::Layer> Sequential::pop() {
  check_structure("pop");
  if (layers_.empty()) raise<ValueError>("pop: the model has no layers.");
  std::shared_ptr<nn::Layer> last = std::move(layers_.back());
  layers_.pop_back();
  if (layers_.empty()) built_.store(false, std::memory_order_release);
  if (optimizer_ && optimizer_->built()) loss_ = nullptr, optimizer_ = nullptr;
  return last;
}

std::shared_ptr<nn::Layer> Sequential::layer(std::string_view name) const {
  std::string known;
  for (const auto& l : layers_) {
    if (l->name() == name) return l;
    known += cat(known.empty() ? "" : ", ", l->name());
  }
  raise<ValueError>("get_layer: there is no layer '", name, "'. The model has: ", known, ".");
}

void Sequential::build(const Shape& input) {
  if (layers_.empty()) raise<StateError>("build: the model has no layers. Add some first.");
  if (input.rank() == 0) raise<ShapeError>("build: the input shape must have a batch axis, got ", input, ".");
  const std::lock_guard<std::mutex> one_at_a_time(build_lock_);
  Shape s = given_shape_ ? *given_shape_ : input;
  s[0] = nn::kUnknown;
  if (built()) {
    Shape now = input;
    now[0] = nn::kUnknown;
    layers_.front()->build(now);  // raises when it does not fit
    return;
  }
  const Shape first = s;
  for (const auto& l : layers_) {
    l->build(s);
    s = l->output_shape(s);
  }
  given_shape_ = first;
  built_.store(true, std::memory_order_release);
}

void Sequential::ensure_built(const Shape& data) {
  if (layers_.empty()) raise<StateError>("model: it has no layers. Add some first.");
  if (!built()) build(data);
}

const Shape& Sequential::input_shape() const {
  if (!given_shape_)
    raise<StateError>("input_shape: the model is not built. Call model.build(shape) first, or begin it with an Input.");
  return *given_shape_;
}

Shape Sequential::output_shape() const {
  Shape s = input_shape();
  for (const auto& l : layers_) s = l->output_shape(s);
  return s;
}

void Sequential::set_trainable(bool on) {
  for (const auto& l : layers_) l->set_trainable(on);
}

Dim Sequential::count_params() const {
  if (!built()) raise<StateError>("count_params: the model is not built. Call model.build(shape) first.");
  Dim n = 0;
  for (const auto& l : layers_) n += l->count_params();
  return n;
}

Json Sequential::config() const {
  Json list = Json::array();
  if (input_layer_) list.push_back(spec(input_layer_->class_name(), input_layer_->config()));
  for (const auto& l : layers_) list.push_back(spec(l->class_name(), l->config()));
  return Json::object({{"name", Json(name_)},
                       {"layers", std::move(list)},
                       {"build_input_shape", given_shape_ ? shape_to_json(*given_shape_) : Json()}});
}

void Sequential::apply_config(const Json& config) {
  if (!layers_.empty() || input_layer_) raise<StateError>("from_config: the model has layers already.");
  if (!config.is_object())
    raise<TypeError>("from_config: the configuration must be an object, got ", config.to_string().substr(0, 60), ".");
  for (auto [key, value] : config.items()) {
    if (key != "name" && key != "layers" && key != "build_input_shape") {
      raise<TypeError>("from_config: unknown key '", key, "'. Known: name, layers, build_input_shape.");
    }
  }
  if (!config.contains("layers"))
    raise<ValueError>("from_config: the config has no list 'layers', got ", config.to_string().substr(0, 60), ".");
  set_name(config.value_or("name", "sequential"));
  for (const Json& l : config.at("layers").elements()) {
    if (!l.is_object() || l.size() != 2)
      raise<TypeError>("from_config: a layer must have class_name and config, got ", l.to_string().substr(0, 60), ".");
    add(nn::make_layer(l.get<std::string>("class_name"), l.at("config")));
  }
  const Json* shape = config.find("build_input_shape");
  if (shape && !shape->is_null() && !layers_.empty()) build(shape_from_json(*shape, "from_config"));
}

std::shared_ptr<Sequential> Sequential::from_config(const Json& config) {
  auto model = std::make_shared<Sequential>();
  model->apply_config(config);
  return model;
}

std::vector<nn::Variable> Sequential::weights() const {
  std::vector<nn::Variable> out;
  for (const auto& l : layers_) {
    for (const nn::Variable& v : l->weights()) out.push_back({cat(l->name(), "/", v.name), v.value, v.trainable && l->trainable()});
  }
  return out;
}

std::vector<optim::Parameter> Sequential::trainable_weights() const {
  std::vector<optim::Parameter> out;
  for (nn::Variable& v : weights()) {
    if (v.trainable) out.push_back({std::move(v.name), std::move(v.value)});
  }
  return out;
}

std::vector<Tensor> Sequential::get_weights() const {
  const std::shared_lock<ReadWriteLock> reading(weights_lock_);
  std::vector<Tensor> out;
  for (const nn::Variable& v : weights()) out.push_back(v.value.clone());
  return out;
}

void Sequential::check_writer(std::string_view method) const {
  const std::thread::id trainer = trainer_.load();
  if (trainer != std::thread::id() && trainer != std::this_thread::get_id()) {
    raise<StateError>(method, ": the model is being trained in another thread. Wait until that has ended.");
  }
}

void Sequential::check_structure(std::string_view method) const {
  if (trainer_.load() != std::thread::id()) {
    raise<StateError>(method, ": the model is being trained. Its layers and how it is compiled can change when that has ended.");
  }
}

void Sequential::set_weights(std::span<const Tensor> values) {
  check_writer("set_weights");
  const std::vector<nn::Variable> own = weights();
  if (values.size() != own.size()) {
    raise<ValueError>("set_weights: the model has ", own.size(), " weights, got ", values.size(),
                      built() ? "." : ". It is not built yet.");
  }
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (!values[i].defined()) raise<TypeError>("set_weights: the value of ", own[i].name, " is missing.");
    if (!(values[i].shape() == own[i].value.shape())) {
      raise<ShapeError>("set_weights: ", own[i].name, " has shape ", own[i].value.shape(), ", got ", values[i].shape(), ".");
    }
  }
  const std::unique_lock<ReadWriteLock> writing(weights_lock_);
  const Uninterruptible whole;
  for (std::size_t i = 0; i < own.size(); ++i) own[i].value.assign(values[i]);
}

DType Sequential::input_dtype() const {
  for (const auto& l : layers_) {
    if (l->dtype() == DType::float64) return DType::float64;
  }
  return DType::float32;
}

DType Sequential::output_dtype() const {
  if (layers_.empty()) raise<StateError>("model: it has no layers. Add some first.");
  return layers_.back()->dtype();
}

bool Sequential::changes_in_forward() const {
  for (const auto& l : layers_) {
    for (const nn::Variable& v : l->weights()) {
      if (!v.trainable) return true;
    }
  }
  return false;
}

Tensor Sequential::forward(const Tensor& x, const nn::CallContext& context) const {
  Tensor h = input_casts_ ? (*input_layer_)(x, context) : x;
  for (const auto& l : layers_) h = (*l)(h, context);
  return h;
}

Tensor Sequential::call(const Tensor& x, bool training) {
  if (!x.defined()) raise<TypeError>("model: the input is missing.");
  ensure_built(x.shape());
  if (!training) {
    const std::shared_lock<ReadWriteLock> reading(weights_lock_);
    return forward(x, {});
  }
  const std::uint64_t step = training_calls_.fetch_add(1);
  if (!changes_in_forward()) {
    const std::shared_lock<ReadWriteLock> reading(weights_lock_);
    return forward(x, {.training = true, .seed = seed_, .step = step});
  }
  const std::unique_lock<ReadWriteLock> writing(weights_lock_);
  return forward(x, {.training = true, .seed = seed_, .step = step});
}

void Sequential::compile(const CompileOptions& options) {
  check_structure("compile");
  if (!options.loss.object && options.loss.name.empty())
    raise<ValueError>("compile: the loss is missing. Give its name or an object.");
  auto optimizer =
      options.optimizer.object ? options.optimizer.object : optim::make_optimizer(options.optimizer.name, Json::object());
  auto loss = options.loss.object ? options.loss.object : metrics::make_loss(options.loss.name);
  if (loss->config().value_or("reduction", "") == "none") {
    raise<ValueError>(
        "compile: a loss with reduction='none' gives no single number to minimise. Use 'sum_over_batch_size' or 'sum'.");
  }
  Json specs = Json::array();
  for (const auto& m : options.metrics) {
    const auto metric = m.object ? m.object : metrics::make_metric(m.name, Json::object(), loss.get());
    specs.push_back(spec(metric->class_name(), metric->config()));
  }
  optimizer_ = std::move(optimizer);
  loss_ = std::move(loss);
  metric_specs_ = std::move(specs);
  pairs_checked_ = false;
}

void Sequential::compile_from_config(const Json& config, const OptimizerMaker& make) {
  if (!config.is_object() || config.size() != 3)
    raise<TypeError>("compile: the configuration must have optimizer, loss and metrics.");
  const auto named = [&](const Json& j, std::string_view what) -> std::pair<std::string, Json> {
    if (!j.is_object() || j.size() != 2)
      raise<TypeError>("compile: ", what, " must have class_name and config, got ", j.to_string().substr(0, 60), ".");
    return {j.get<std::string>("class_name"), j.at("config")};
  };
  CompileOptions options;
  const auto [optimizer_name, optimizer_config] = named(config.at("optimizer"), "optimizer");
  options.optimizer = make(optimizer_name, optimizer_config);
  const auto [loss_name, loss_config] = named(config.at("loss"), "loss");
  options.loss = metrics::make_loss(loss_name, loss_config);
  for (const Json& m : config.at("metrics").elements()) {
    const auto [metric_name, metric_config] = named(m, "a metric");
    options.metrics.emplace_back(metrics::make_metric(metric_name, metric_config, options.loss.object.get()));
  }
  compile(options);
}

Json Sequential::compile_config() const {
  if (!loss_) return {};
  return Json::object({{"optimizer", spec(optimizer_->class_name(), optimizer_->config())},
                       {"loss", spec(loss_->class_name(), loss_->config())},
                       {"metrics", metric_specs_}});
}

std::vector<std::string> Sequential::metrics_names() const {
  if (!loss_) return {};
  std::vector<std::string> names;
  for (const auto& [name, value] : Meter(metric_specs_, loss_.get()).logs().values) names.push_back(name);
  return names;
}

void Sequential::require_compiled(std::string_view method) const {
  if (!loss_) raise<StateError>(method, ": the model is not compiled. Call model.compile(...) first.");
}

}  // namespace nacre::model
