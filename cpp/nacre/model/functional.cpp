#include "nacre/model/functional.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "nacre/nn/reshaping.h"

namespace nacre::model {

namespace {

std::string described(const Symbol& s) { return cat("'", s.node->layer->name(), "' of shape ", s.shape()); }

// The calls that `outputs` need, oldest first; the walk ends at `inputs`.
std::vector<std::shared_ptr<Node>> calls_between(std::span<const Symbol> inputs, std::span<const Symbol> outputs) {
  const auto is_given = [&](const Symbol& s) { return std::find(inputs.begin(), inputs.end(), s) != inputs.end(); };
  std::vector<std::shared_ptr<Node>> found, open;
  std::unordered_set<const Node*> seen;
  const auto visit = [&](const Symbol& s) {
    if (is_given(s) || !seen.insert(s.node.get()).second) return;
    if (s.node->is_input()) {
      std::string given;
      for (const Symbol& i : inputs) given += cat(given.empty() ? "" : ", ", i.node->layer->name());
      raise<ValueError>("Model: the outputs need the input ", described(s), ", which is not among the inputs given: ", given, ".");
    }
    open.push_back(s.node);
  };
  for (const Symbol& s : outputs) visit(s);
  while (!open.empty()) {
    const std::shared_ptr<Node> node = std::move(open.back());
    open.pop_back();
    for (const Symbol& s : node->inputs) visit(s);
    found.push_back(node);
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a->id < b->id; });
  return found;
}

}  // namespace

void name_layers(std::span<const std::shared_ptr<nn::Layer>> layers) {
  std::unordered_set<std::string> taken;
  const auto fixed = [](const nn::Layer& l) { return l.name_given() || l.placed(); };
  for (const auto& l : layers) {
    if (l->name().find('/') != std::string::npos)
      raise<ValueError>("Model: the name '", l->name(), "' of a model inside another must not hold '/'.");
    if (fixed(*l) && !taken.insert(l->name()).second)
      raise<ValueError>("Model: two layers are named '", l->name(), "'. Give each layer of a model another name.");
  }
  std::uint32_t stream = 0;
  for (const auto& l : layers) {
    if (!fixed(*l)) {
      std::string name = l->name();
      for (int k = 1; !taken.insert(name).second; ++k) name = cat(l->name(), "_", k);
      l->set_name(std::move(name));
    }
    l->set_placed();
    l->set_stream(stream++);
  }
}

Functional::Functional(std::string name, bool name_given) : Model(kName, std::move(name), name_given) {}

Functional::Functional(std::vector<Symbol> inputs, std::vector<Symbol> outputs, std::string name, bool name_given,
                       std::vector<std::string> input_keys, std::vector<std::string> output_keys)
    : Functional(std::move(name), name_given) {
  make_plan(std::move(inputs), std::move(outputs), std::move(input_keys), std::move(output_keys));
}

void Functional::make_plan(std::vector<Symbol> inputs, std::vector<Symbol> outputs, std::vector<std::string> input_keys,
                           std::vector<std::string> output_keys) {
  for (const auto& [list, what] : {std::pair{&inputs, "inputs"}, std::pair{&outputs, "outputs"}}) {
    if (list->empty()) raise<ValueError>("Model: ", what, " is empty.");
    for (const Symbol& s : *list) {
      if (!s) raise<TypeError>("Model: ", what, " must hold symbolic tensors.");
    }
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (inputs[i] == inputs[k]) raise<ValueError>("Model: the input ", described(inputs[i]), " is given twice.");
    }
  }
  const std::vector<std::shared_ptr<Node>> calls = calls_between(inputs, outputs);

  std::vector<Step> steps;
  std::unordered_map<const Node*, std::size_t> slot_of_call;
  std::vector<bool> used(inputs.size(), false);
  std::size_t slots = inputs.size();
  const auto slot = [&](const Symbol& s) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i] == s) {
        used[i] = true;
        return i;
      }
    }
    return slot_of_call.at(s.node.get()) + static_cast<std::size_t>(s.index);
  };
  for (const auto& node : calls) {
    Step step{node, {}, slots, {}};
    for (const Symbol& s : node->inputs) step.inputs.push_back(slot(s));
    slot_of_call[node.get()] = slots;
    slots += node->outputs.size();
    steps.push_back(std::move(step));
  }
  std::vector<std::size_t> output_slots;
  for (const Symbol& s : outputs) output_slots.push_back(slot(s));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!used[i]) raise<ValueError>("Model: the input ", described(inputs[i]), " is not connected to any output.");
  }
  std::vector<bool> read_later(slots, false);
  for (std::size_t s : output_slots) read_later[s] = true;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    for (std::size_t s : step->inputs) {
      if (!read_later[s]) step->last_use.push_back(s);
      read_later[s] = true;
    }
  }

  // Layers in the order of their first calls, the inputs first. Names that were not given are made unique.
  std::vector<std::shared_ptr<nn::Layer>> layers;
  const auto take = [&](const std::shared_ptr<nn::Layer>& layer) {
    if (std::find(layers.begin(), layers.end(), layer) != layers.end()) return;
    check_no_cycle("Model", *layer);
    layers.push_back(layer);
  };
  for (const Symbol& s : inputs) {
    if (s.node->is_input()) {
      if (std::find(layers.begin(), layers.end(), s.node->layer) != layers.end())
        raise<ValueError>("Model: the input ", described(s), " is given twice.");
      take(s.node->layer);
    } else {  // a value inside another graph becomes an input by an InputLayer of its own
      Shape sizes;
      for (int i = 1; i < s.shape().rank(); ++i) sizes.push_back(s.shape()[i]);
      const Symbol stand_in = model::input(sizes, std::string(name_of(s.dtype())), s.node->layer->name() + "_input");
      take(stand_in.node->layer);
    }
  }
  for (const auto& step : steps) take(step.node->layer);
  name_layers(layers);
  inputs_ = std::move(inputs);
  outputs_ = std::move(outputs);
  input_keys_ = std::move(input_keys);
  output_keys_ = std::move(output_keys);
  layers_ = std::move(layers);
  steps_ = std::move(steps);
  output_slots_ = std::move(output_slots);
  slots_ = slots;
  std::vector<Shape> shapes;
  for (const Symbol& s : inputs_) shapes.push_back(s.shape());
  set_built(true, std::move(shapes));
}

void Functional::build(std::span<const Shape> inputs) {
  std::vector<Type> types;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    types.push_back({i < inputs_.size() ? inputs_[i].dtype() : DType::float32, inputs[i]});
  check_types(types);
}

void Functional::ensure_built(std::string_view method, std::span<const Tensor> x) {
  if (empty()) raise<StateError>(method, ": the model has no layers. Give it inputs and outputs.");
  std::vector<Type> types;
  for (const Tensor& t : x) types.push_back({t.dtype(), t.shape()});
  check_types(types);
}

// The number of inputs, and the sizes that the graph was made for.
void Functional::check_types(std::span<const Type> inputs) const {
  if (inputs.size() != inputs_.size()) raise<ValueError>(label(), ": takes ", inputs_.size(), " inputs, got ", inputs.size(), ".");
  const std::vector<std::string> names = input_names();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Shape &wanted = inputs_[i].shape(), &got = inputs[i].shape;
    bool fits = wanted.rank() == got.rank();
    for (int d = 1; fits && d < wanted.rank(); ++d)
      fits = wanted[d] == nn::kUnknown || got[d] == nn::kUnknown || wanted[d] == got[d];
    if (!fits) raise<ShapeError>(label(), ": input '", names[i], "' must have shape ", wanted, " (-1: any size), got ", got, ".");
  }
}

std::vector<std::string> Functional::input_names() const {
  if (!input_keys_.empty()) return input_keys_;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < inputs_.size(); ++i) names.push_back(layers_[i]->name());
  return names;
}

// Names of the layers that give the outputs, made unique.
std::vector<std::string> Functional::output_names() const {
  if (!output_keys_.empty()) return output_keys_;
  std::vector<std::string> names;
  for (const Symbol& s : outputs_) {
    const std::string base = s.node->layer->name();
    std::string name = base;
    for (int k = 1; std::find(names.begin(), names.end(), name) != names.end(); ++k) name = cat(base, "_", k);
    names.push_back(std::move(name));
  }
  return names;
}

std::vector<Shape> Functional::given_shapes() const {
  std::vector<Shape> out;
  for (const Symbol& s : inputs_) out.push_back(s.shape());
  return out;
}

std::vector<Shape> Functional::result_shapes() const {
  std::vector<Shape> out;
  for (const Symbol& s : outputs_) out.push_back(s.shape());
  return out;
}

Shape Functional::output_shape(const Shape& input) const {
  const std::vector<Shape> out = output_shapes({&input, 1});
  if (out.size() != 1) raise<ValueError>(label(), ": has ", out.size(), " outputs where one is wanted.");
  return out[0];
}

std::vector<Shape> Functional::output_shapes(std::span<const Shape> inputs) const {
  std::vector<Type> types;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    types.push_back({i < inputs_.size() ? inputs_[i].dtype() : DType::float32, inputs[i]});
  std::vector<Shape> out;
  for (Type& t : output_types(types, {})) out.push_back(t.shape);
  return out;
}

std::vector<Type> Functional::output_types(std::span<const Type> inputs, const Json&) const {
  check_types(inputs);
  std::vector<Type> values(inputs.begin(), inputs.end());
  values.resize(slots_);
  for (std::size_t i = 0; i < inputs_.size(); ++i) values[i].dtype = inputs_[i].dtype();
  for (const Step& step : steps_) {
    std::vector<Type> in;
    for (std::size_t s : step.inputs) in.push_back(values[s]);
    const std::vector<Type> out = step.node->layer->output_types(in, step.node->arguments);
    std::copy(out.begin(), out.end(), values.begin() + static_cast<std::ptrdiff_t>(step.first));
  }
  std::vector<Type> out;
  for (std::size_t s : output_slots_) out.push_back(values[s]);
  return out;
}

std::vector<DType> Functional::output_dtypes() const {
  std::vector<DType> out;
  for (const Symbol& s : outputs_) out.push_back(is_float(s.dtype()) ? s.dtype() : floatx());
  return out;
}

std::vector<std::shared_ptr<nn::Layer>> Functional::output_layers() const {
  std::vector<std::shared_ptr<nn::Layer>> out;
  for (const Symbol& s : outputs_) out.push_back(s.node->layer);
  return out;
}

std::vector<Tensor> Functional::forward(std::span<const Tensor> x, const nn::CallContext& context) {
  std::vector<Tensor> values(x.begin(), x.end());
  values.resize(slots_);
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].node->is_input())
      values[i] = (*inputs_[i].node->layer)(values[i], context);  // checks the shape, casts when a dtype was given
  }
  nn::CallContext own = context;
  std::uint64_t place = 0;
  for (const Step& step : steps_) {
    std::vector<Tensor> in;
    for (std::size_t s : step.inputs) in.push_back(values[s]);
    // Every call has random numbers of its own: a shared Dropout drops other units at each of its places.
    if (context.seed) own.seed = nn::mix_seed(*context.seed + ++place);
    own.arguments = step.node->arguments.is_null() ? nullptr : &step.node->arguments;
    std::vector<Tensor> out = (*step.node->layer)(std::span<const Tensor>(in), own);
    if (out.size() != step.node->outputs.size()) {
      raise<StateError>(step.node->layer->label(), ": gave ", out.size(), " results, but ", step.node->outputs.size(),
                        " when the model was made.");
    }
    std::move(out.begin(), out.end(), values.begin() + static_cast<std::ptrdiff_t>(step.first));
    for (std::size_t s : step.last_use) values[s] = Tensor();
  }
  std::vector<Tensor> out;
  for (std::size_t s : output_slots_) out.push_back(values[s]);
  return out;
}

// ---- configuration ----

Json Functional::config() const {
  std::unordered_map<const Node*, std::size_t> place;
  Json layers = Json::array(), calls = Json::array();
  for (const auto& l : layers_) layers.push_back(layer_spec(*l));
  const auto layer_index = [&](const nn::Layer* l) {
    return std::find_if(layers_.begin(), layers_.end(), [&](const auto& p) { return p.get() == l; }) - layers_.begin();
  };
  for (std::size_t i = 0; i < inputs_.size(); ++i)
    calls.push_back(
        Json::object({{"layer", Json(layer_index(layers_[i].get()))}, {"inputs", Json::array()}, {"arguments", Json()}}));
  for (const Step& step : steps_) place[step.node.get()] = inputs_.size() + place.size();
  const auto reference = [&](const Symbol& s) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i] == s) return Json::array({Json(i), Json(0)});
    }
    return Json::array({Json(place.at(s.node.get())), Json(s.index)});
  };
  const auto references = [&](const std::vector<Symbol>& list) {
    Json out = Json::array();
    for (const Symbol& s : list) out.push_back(reference(s));
    return out;
  };
  for (const Step& step : steps_) {
    calls.push_back(Json::object({{"layer", Json(layer_index(step.node->layer.get()))},
                                  {"inputs", references(step.node->inputs)},
                                  {"arguments", step.node->arguments}}));
  }
  return Json::object({{"name", Json(name())},
                       {"layers", std::move(layers)},
                       {"calls", std::move(calls)},
                       {"inputs", references(inputs_)},
                       {"outputs", references(outputs_)},
                       {"input_keys", Json(input_keys_)},
                       {"output_keys", Json(output_keys_)}});
}

void Functional::apply_config(const Json& config, const LayerMaker& make) {
  if (!empty()) raise<StateError>("from_config: the model has layers already.");
  if (!config.is_object())
    raise<TypeError>("from_config: the configuration must be an object, got ", config.to_string().substr(0, 60), ".");
  constexpr std::string_view kKeys[] = {"name", "layers", "calls", "inputs", "outputs", "input_keys", "output_keys"};
  for (auto [key, value] : config.items()) {
    if (std::find(std::begin(kKeys), std::end(kKeys), key) == std::end(kKeys))
      raise<TypeError>("from_config: unknown key '", key,
                       "'. Known: name, layers, calls, inputs, outputs, input_keys, output_keys.");
  }
  set_name(config.value_or("name", "functional"));
  std::vector<std::shared_ptr<nn::Layer>> layers;
  for (const Json& l : config.at("layers").elements()) {
    if (!l.is_object() || l.size() != 2)
      raise<TypeError>("from_config: a layer must have class_name and config, got ", l.to_string().substr(0, 60), ".");
    layers.push_back(make(l.get<std::string>("class_name"), l.at("config")));
    if (!layers.back()) raise<TypeError>("from_config: the layer ", l.get<std::string>("class_name"), " could not be made.");
  }
  std::vector<std::vector<Symbol>> results;
  const auto symbol = [&](const Json& j) {
    const auto at = j.get<std::vector<Dim>>();
    if (at.size() != 2 || at[0] < 0 || at[0] >= static_cast<Dim>(results.size()) || at[1] < 0 ||
        at[1] >= static_cast<Dim>(results[static_cast<std::size_t>(at[0])].size())) {
      raise<ValueError>("from_config: ", j.to_string().substr(0, 60), " names no result of an earlier call.");
    }
    return results[static_cast<std::size_t>(at[0])][static_cast<std::size_t>(at[1])];
  };
  const auto symbols = [&](const Json& list) {
    std::vector<Symbol> out;
    for (const Json& j : list.elements()) out.push_back(symbol(j));
    return out;
  };
  for (const Json& c : config.at("calls").elements()) {
    const auto at = c.get<Dim>("layer");
    if (at < 0 || at >= static_cast<Dim>(layers.size()))
      raise<ValueError>("from_config: there is no layer ", at, " of ", layers.size(), ".");
    const auto& layer = layers[static_cast<std::size_t>(at)];
    const std::vector<Symbol> given = symbols(c.at("inputs"));
    if (given.empty()) {
      results.push_back({model::input(layer)});
    } else {
      results.push_back(model::call(layer, given, c.at("arguments")));
    }
  }
  const auto keys = [&](std::string_view key) {
    const Json* j = config.find(key);
    return j ? j->get<std::vector<std::string>>() : std::vector<std::string>();
  };
  std::vector<Symbol> in = symbols(config.at("inputs")), out = symbols(config.at("outputs"));
  std::vector<std::string> in_keys = keys("input_keys"), out_keys = keys("output_keys");
  if ((!in_keys.empty() && in_keys.size() != in.size()) || (!out_keys.empty() && out_keys.size() != out.size()))
    raise<ValueError>("from_config: the numbers of keys and of inputs or outputs differ.");
  make_plan(std::move(in), std::move(out), std::move(in_keys), std::move(out_keys));
}

// ---- summary ----

std::vector<Model::Row> Functional::summary_rows() const {
  std::vector<Row> rows;
  std::unordered_map<const nn::Layer*, int> calls_of;
  std::unordered_map<const Node*, int> number;  // of the call among its layer's in this model
  for (const Step& step : steps_) number[step.node.get()] = calls_of[step.node->layer.get()]++;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    Row row{layers_[i].get(), "?", ""};
    if (i < inputs_.size()) {
      row.shape = shape_text(inputs_[i].shape());
      row.connected = "-";
    }
    bool first = true;
    for (const Step& step : steps_) {
      if (step.node->layer != layers_[i]) continue;
      if (first) {
        row.shape.clear();
        for (const Type& t : step.node->outputs) row.shape += cat(row.shape.empty() ? "" : ", ", shape_text(t.shape));
      }
      first = false;
      for (const Symbol& s : step.node->inputs) {
        std::string from;
        for (std::size_t k = 0; k < inputs_.size(); ++k) {
          if (inputs_[k] == s) from = layers_[k]->name();
        }
        const int call = from.empty() ? number[s.node.get()] : 0;
        row.connected += cat(row.connected.empty() ? "" : ", ", from.empty() ? s.node->layer->name() : from, "[", call, "][",
                             from.empty() ? s.index : 0, "]");
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace nacre::model
