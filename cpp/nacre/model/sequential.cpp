// A stack of layers: adding, building, running, configuration.
#include "nacre/model/sequential.h"

#include "nacre/nn/reshaping.h"

namespace nacre::model {

namespace {

// Shape of the one result of a layer in a stack.
Shape next_shape(const nn::Layer& layer, const Shape& input) {
  const std::vector<Shape> out = layer.output_shapes({&input, 1});
  if (out.size() != 1) {
    raise<ValueError>("Sequential: ", layer.label(), " gives ", out.size(),
                      " results, but each layer of a Sequential gives one. Use the functional API for it.");
  }
  return out[0];
}

}  // namespace

Sequential::Sequential(std::string name, bool name_given) : Model(kName, std::move(name), name_given) {}

void Sequential::add(std::shared_ptr<nn::Layer> layer) {
  if (!layer) raise<TypeError>("add: the layer is missing.");
  check_structure("add");
  if (const auto* input = dynamic_cast<const nn::InputLayer*>(layer.get())) {
    if (!empty()) raise<ValueError>("add: the input must be the first of the model, which has ", layers_.size(), " layers.");
    given_shape_ = input->batch_shape();
    input_casts_ = !input->config().at("dtype").is_null();
    input_layer_ = std::move(layer);
    return;
  }
  check_no_cycle("add", *layer);
  for (const auto& l : layers_) {
    if (l == layer) raise<ValueError>("add: the layer '", layer->name(), "' is in the model already. Make another one.");
  }
  const std::string before = layer->name();
  place("add", layers_, *layer);
  if (given_shape_) {
    try {
      const std::vector<Shape> shapes{layers_.empty() ? *given_shape_ : Model::output_shape()};
      layer->build(shapes);
      (void)next_shape(*layer, shapes[0]);
    } catch (...) {
      layer->nn::Layer::set_name(before);
      throw;
    }
  }
  layer->set_placed();
  layers_.push_back(std::move(layer));
  if (given_shape_) set_built(true, {*given_shape_});
  forget_optimizer_state();
}

std::shared_ptr<nn::Layer> Sequential::pop() {
  check_structure("pop");
  if (layers_.empty()) raise<ValueError>("pop: the model has no layers.");
  std::shared_ptr<nn::Layer> last = std::move(layers_.back());
  layers_.pop_back();
  if (layers_.empty()) set_built(false);
  forget_optimizer_state();
  return last;
}

void Sequential::build(std::span<const Shape> inputs) {
  if (layers_.empty()) raise<StateError>("build: the model has no layers. Add some first.");
  need_one(inputs.size());
  const Shape& input = inputs[0];
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
    s = next_shape(*l, s);
  }
  given_shape_ = first;
  set_built(true, {first});
}

void Sequential::ensure_built(std::string_view method, std::span<const Tensor> x) {
  if (layers_.empty()) raise<StateError>(method, ": the model has no layers. Add some first.");
  if (!built()) Model::build(x[0].shape());
}

std::vector<std::string> Sequential::input_names() const { return {input_layer_ ? input_layer_->name() : "input"}; }
std::vector<std::string> Sequential::output_names() const { return {layers_.empty() ? "output" : layers_.back()->name()}; }

std::vector<Shape> Sequential::given_shapes() const {
  if (!given_shape_)
    raise<StateError>("input_shape: the model is not built. Call model.build(shape) first, or begin it with an Input.");
  return {*given_shape_};
}

std::vector<Shape> Sequential::result_shapes() const { return {output_shape(given_shapes()[0])}; }

Shape Sequential::output_shape(const Shape& input) const {
  Shape s = input;
  for (const auto& l : layers_) s = next_shape(*l, s);
  return s;
}

std::vector<Type> Sequential::output_types(std::span<const Type> inputs, const Json&) const {
  need_one(inputs.size());
  std::vector<Type> types{inputs.begin(), inputs.end()};
  if (input_casts_) types[0].dtype = input_layer_->dtype();
  for (const auto& l : layers_) types = l->output_types(types, {});
  return types;
}

std::vector<DType> Sequential::output_dtypes() const {
  if (layers_.empty()) raise<StateError>("model: it has no layers. Add some first.");
  return {layers_.back()->dtype()};
}

std::vector<std::shared_ptr<nn::Layer>> Sequential::output_layers() const {
  if (layers_.empty()) return {};
  return {layers_.back()};
}

std::vector<Tensor> Sequential::forward(std::span<const Tensor> x, const nn::CallContext& context) {
  need_one(x.size());
  Tensor h = input_casts_ ? (*input_layer_)(x[0], context) : x[0];
  for (const auto& l : layers_) h = (*l)(h, context);
  return {std::move(h)};
}

Json Sequential::config() const {
  Json list = Json::array();
  if (input_layer_) list.push_back(layer_spec(*input_layer_));
  for (const auto& l : layers_) list.push_back(layer_spec(*l));
  return Json::object({{"name", Json(name())},
                       {"layers", std::move(list)},
                       {"build_input_shape", given_shape_ ? shape_to_json(*given_shape_) : Json()}});
}

void Sequential::apply_config(const Json& config, const LayerMaker& make) {
  if (!empty()) raise<StateError>("from_config: the model has layers already.");
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
    add(make(l.get<std::string>("class_name"), l.at("config")));
  }
  const Json* shape = config.find("build_input_shape");
  if (shape && !shape->is_null() && !layers_.empty()) Model::build(shape_from_json(*shape, "from_config"));
}

std::shared_ptr<Sequential> Sequential::from_config(const Json& config) {
  auto model = std::make_shared<Sequential>();
  model->apply_config(config);
  return model;
}

std::vector<Model::Row> Sequential::summary_rows() const {
  std::vector<Row> rows;
  Shape s = given_shape_.value_or(Shape{});
  for (const auto& l : layers_) {
    if (given_shape_) s = l->output_shape(s);
    rows.push_back({l.get(), given_shape_ ? shape_text(s) : "?", ""});
  }
  return rows;
}

}  // namespace nacre::model
