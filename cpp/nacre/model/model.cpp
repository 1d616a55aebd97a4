// What all models share besides their loops: names, weights, compile, calls.
#include "nacre/model/model.h"

#include <shared_mutex>
#include <unordered_set>

#include "nacre/base/threads.h"
#include "nacre/model/functional.h"
#include "nacre/model/meter.h"
#include "nacre/model/operation.h"
#include "nacre/model/sequential.h"
#include "nacre/ops/random_state.h"

namespace nacre::model {

namespace {

Dim size_from_json(const Json& j, std::string_view what) {
  if (j.is_null()) return nn::kUnknown;
  if (!j.is_integer() || (j.get<Dim>() < 1 && j.get<Dim>() != nn::kUnknown)) {
    raise<ValueError>(what, ": a size must be a positive integer or None, got ", j.to_string(), ".");
  }
  return j.get<Dim>();
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& n : names) out += cat(out.empty() ? "" : ", ", n);
  return out;
}

template <class M>
std::shared_ptr<nn::Layer> model_from(const Json& config) {
  auto model = std::make_shared<M>();
  model->apply_config(config);
  return model;
}

}  // namespace

std::shared_ptr<nn::Layer> make_layer(std::string_view class_name, const Json& config) {
  if (class_name == Operation::kName) return Operation::from_config(config);
  if (class_name == GetItem::kName) return GetItem::from_config(config);
  if (class_name == Sequential::kName) return model_from<Sequential>(config);
  if (class_name == Functional::kName) return model_from<Functional>(config);
  return nn::make_layer(class_name, config);
}

Model::Model(std::string_view class_name, std::string name, bool name_given)
    : Layer({.name = name_given && name.find('/') == std::string::npos ? std::optional(name) : std::nullopt}, class_name),
      seed_(nn::mix_seed(random_seed() ^ nn::mix_seed(next_random_stream()))) {
  set_name(std::move(name));
}
Model::~Model() = default;

void Model::set_name(std::string name) {
  if (name.empty()) raise<ValueError>("model", ": name must not be empty.");
  Layer::set_name(std::move(name));
}

std::shared_ptr<nn::Layer> Model::layer(std::string_view name) const {
  std::vector<std::string> known;
  for (const auto& l : layers()) {
    if (l->name() == name) return l;
    known.push_back(l->name());
  }
  raise<ValueError>("get_layer: there is no layer '", name, "'. The model has: ", listed(known), ".");
}

void Model::place(std::string_view method, std::span<const std::shared_ptr<nn::Layer>> layers, nn::Layer& layer) {
  const auto taken = [&](const std::string& n) {
    for (const auto& l : layers) {
      if (l->name() == n) return true;
    }
    return false;
  };
  if (layer.name().find('/') != std::string::npos)
    raise<ValueError>(method, ": the name '", layer.name(), "' of a model inside another must not hold '/'.");
  if (taken(layer.name())) {
    if (layer.name_given() || layer.placed())
      raise<ValueError>(method, ": the model has a layer named '", layer.name(), "' already. Give each layer another name.");
    int k = 1;
    while (taken(cat(layer.name(), "_", k))) ++k;
    layer.set_name(cat(layer.name(), "_", k));
  }
  layer.set_stream(static_cast<std::uint32_t>(layers.size()));
}

void Model::check_no_cycle(std::string_view method, const nn::Layer& layer) const {
  if (&layer == this) raise<ValueError>(method, ": the model '", name(), "' cannot be a layer of itself.");
  if (const auto* inner = dynamic_cast<const Model*>(&layer)) {
    for (const auto& l : inner->layers()) check_no_cycle(method, *l);
  }
}

void Model::forget_optimizer_state() {
  sessions_.clear();
  programs_.clear();
  if (objective_.optimizer && objective_.optimizer->built()) objective_ = {};  // its state is for other weights
}

Shape Model::input_shape() const {
  const std::vector<Shape> shapes = given_shapes();
  if (shapes.size() != 1) raise<ValueError>("input_shape: the model has ", shapes.size(), " inputs.");
  return shapes[0];
}

Shape Model::output_shape() const {
  const std::vector<Shape> shapes = result_shapes();
  if (shapes.size() != 1) raise<ValueError>("output_shape: the model has ", shapes.size(), " outputs.");
  return shapes[0];
}

bool Model::trainable() const {
  const auto list = layers();
  for (const auto& l : list) {
    if (l->trainable()) return true;
  }
  return list.empty();
}

void Model::set_trainable(bool on) {
  for (const auto& l : layers()) l->set_trainable(on);
}

Dim Model::count_params() const {
  if (!built()) raise<StateError>("count_params: the model is not built. Call model.build(shape) first.");
  return Layer::count_params();
}

std::vector<nn::Variable> Model::weights() const {
  std::vector<nn::Variable> out;
  std::unordered_set<const void*> known;  // layers may be shared between this model and models inside it
  for (const auto& l : layers()) {
    for (nn::Variable& v : l->weights()) {
      if (known.insert(v.value.body()).second)
        out.push_back({cat(l->name(), "/", v.name), std::move(v.value), v.trainable && l->trainable()});
    }
  }
  return out;
}

void Model::add_facts(std::vector<const void*>& facts) const {
  for (const auto& l : layers()) l->add_facts(facts);
}

std::vector<optim::Parameter> Model::trainable_weights() const {
  std::vector<optim::Parameter> out;
  for (nn::Variable& v : weights()) {
    if (v.trainable) out.push_back({std::move(v.name), std::move(v.value)});
  }
  return out;
}

std::vector<Tensor> Model::get_weights() const {
  const std::shared_lock<ReadWriteLock> reading(weights_lock_);
  std::vector<Tensor> out;
  for (const nn::Variable& v : weights()) out.push_back(v.value.clone());
  return out;
}

void Model::check_writer(std::string_view method) const {
  const std::thread::id trainer = trainer_.load();
  if (trainer != std::thread::id() && trainer != std::this_thread::get_id()) {
    raise<StateError>(method, ": the model is being trained in another thread. Wait until that has ended.");
  }
}

void Model::check_structure(std::string_view method) const {
  if (trainer_.load() != std::thread::id()) {
    raise<StateError>(method, ": the model is being trained. Its layers and how it is compiled can change when that has ended.");
  }
}

void Model::set_weights(std::span<const Tensor> values) {
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

DType Model::input_dtype() const {
  for (const auto& l : layers()) {
    if (l->dtype() == DType::float64) return DType::float64;
  }
  return DType::float32;
}

bool Model::changes_in_forward() const {
  for (const nn::Variable& v : weights()) {
    if (!v.trainable) return true;
  }
  return false;
}

// ---- calls ----

std::vector<Tensor> Model::call(const Arrays& x, bool training) {
  if (!x.defined()) raise<TypeError>("model: the input is missing.");
  check_inputs("model", x);
  ensure_built("model", x.list);
  if (!training) {
    const std::shared_lock<ReadWriteLock> reading(weights_lock_);
    return forward(x.list, {});
  }
  const nn::CallContext context{.training = true, .seed = seed_, .step = training_calls_.fetch_add(1)};
  if (!changes_in_forward()) {
    const std::shared_lock<ReadWriteLock> reading(weights_lock_);
    return forward(x.list, context);
  }
  const std::unique_lock<ReadWriteLock> writing(weights_lock_);
  return forward(x.list, context);
}

Tensor Model::call(const Tensor& x, bool training) {
  std::vector<Tensor> out = call(Arrays(x), training);
  check_results("model", out.size());
  return std::move(out[0]);
}

std::vector<Tensor> Model::run(std::span<const Tensor> inputs, const nn::CallContext& context) {
  for (const Tensor& x : inputs) {
    if (!x.defined()) raise<TypeError>(label(), ": the input is missing.");
  }
  ensure_built(label(), inputs);
  nn::CallContext inner = context;
  // Layers count their streams from 0 in every model: the key tells this model's from those of the model around it.
  if (inner.seed) inner.seed = nn::mix_seed(*inner.seed ^ nn::mix_seed(stream() + std::uint64_t{1}));
  return forward(inputs, inner);
}

Tensor Model::run_one(const Tensor& x, const nn::CallContext& context) {
  std::vector<Tensor> out = run({&x, 1}, context);
  check_results(label(), out.size());
  return std::move(out[0]);
}

void Model::check_inputs(std::string_view method, const Arrays& x) const {
  const std::vector<std::string> names = input_names();
  if (names.empty() || x.list.empty() || x.list.size() == names.size()) return;
  raise<ValueError>(method, ": the model has ", names.size(), names.size() == 1 ? " input (" : " inputs (", listed(names),
                    "), but x has ", x.list.size(), ".");
}

void Model::check_targets(std::string_view method, const Arrays& y, const Arrays& sample_weight) const {
  if (!y.defined()) raise<TypeError>(method, ": y is missing.");
  const std::vector<std::string> names = output_names();
  if (names.empty()) return;
  if (y.list.size() != names.size()) {
    raise<ValueError>(method, ": the model has ", names.size(), names.size() == 1 ? " output (" : " outputs (", listed(names),
                      "), but y has ", y.list.size(), ".");
  }
  if (sample_weight.list.size() > 1 && sample_weight.list.size() != names.size()) {
    raise<ValueError>(method, ": the model has ", names.size(), " outputs, but sample_weight has ", sample_weight.list.size(), ".");
  }
}

void Model::check_results(std::string_view method, std::size_t results) const {
  if (results != 1) raise<ValueError>(method, ": the model has ", results, " outputs where one is wanted.");
}

// ---- compile ----

void Model::compile(const CompileOptions& options) {
  check_structure("compile");
  Objective objective(options, output_names().size());
  objective_ = std::move(objective);
  sessions_.clear();
  programs_.clear();
  pairs_checked_ = false;
}

void Model::compile_from_config(const Json& config, const OptimizerMaker& make) {
  compile(Objective::options_from_config(config, make));
}

Json Model::compile_config() const { return objective_.config(); }

std::vector<std::string> Model::metrics_names() const {
  if (!objective_) return {};
  std::vector<std::string> names;
  for (const auto& [name, value] : Meter(objective_, output_names()).logs().values) names.push_back(name);
  return names;
}

void Model::require_compiled(std::string_view method) const {
  if (!objective_) raise<StateError>(method, ": the model is not compiled. Call model.compile(...) first.");
}

// ---- shapes in configurations ----

Shape Model::shape_from_json(const Json& j, std::string_view what) {
  Shape s;
  for (const Json& e : j.elements()) s.push_back(size_from_json(e, what));
  return s;
}

Json Model::shape_to_json(const Shape& s) {
  Json list = Json::array();
  for (Dim d : s) list.push_back(d == nn::kUnknown ? Json() : Json(d));
  return list;
}

}  // namespace nacre::model
