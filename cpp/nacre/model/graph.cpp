#include "nacre/model/graph.h"

#include <atomic>
#include <mutex>
#include <unordered_map>

#include "nacre/nn/reshaping.h"

namespace nacre::model {

namespace {

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

// Calls by layer. Weak: the symbols and models that use a call keep it, its layer does not.
struct Calls {
  std::mutex mutex;
  std::unordered_map<const nn::Layer*, std::vector<std::weak_ptr<Node>>> of;
};
Calls& calls() {
  static auto* all = new Calls;  // never freed: nodes may outlive the statics of this file
  return *all;
}

void remember(const std::shared_ptr<Node>& node) {
  const std::lock_guard<std::mutex> hold(calls().mutex);
  calls().of[node->layer.get()].push_back(node);
}

void forget(const nn::Layer* layer) {
  const std::lock_guard<std::mutex> hold(calls().mutex);
  const auto found = calls().of.find(layer);
  if (found == calls().of.end()) return;
  std::erase_if(found->second, [](const std::weak_ptr<Node>& n) { return n.expired(); });
  if (found->second.empty()) calls().of.erase(found);
}

}  // namespace

std::vector<std::shared_ptr<Node>> calls_of(const nn::Layer& layer) {
  std::vector<std::shared_ptr<Node>> out;
  const std::lock_guard<std::mutex> hold(calls().mutex);
  const auto found = calls().of.find(&layer);
  if (found == calls().of.end()) return out;
  for (const auto& n : found->second) {
    if (auto node = n.lock()) out.push_back(std::move(node));
  }
  return out;
}

const Type& Symbol::type() const { return node->outputs[static_cast<std::size_t>(index)]; }

// Chains of calls are as deep as a model: taken apart in a loop, since freeing them recursively would need as much stack.
Node::~Node() {
  if (layer) forget(layer.get());
  std::vector<std::shared_ptr<Node>> dying;
  const auto take = [&](std::vector<Symbol>& symbols) {
    for (Symbol& s : symbols) {
      if (s.node.use_count() == 1) dying.push_back(std::move(s.node));
    }
  };
  take(inputs);
  while (!dying.empty()) {
    const std::shared_ptr<Node> node = std::move(dying.back());
    dying.pop_back();
    take(node->inputs);
  }
}

Symbol input(const Shape& sizes, std::optional<std::string> dtype, std::optional<std::string> name) {
  Json shape = Json::array();
  for (Dim d : sizes) shape.push_back(d == nn::kUnknown ? Json() : Json(d));
  return input(std::make_shared<nn::InputLayer>(nn::InputLayerOptions{.shape = std::move(shape)},
                                                nn::LayerCommon{.name = std::move(name), .dtype = std::move(dtype)}));
}

Symbol input(std::shared_ptr<nn::Layer> input_layer) {
  const auto* layer = dynamic_cast<const nn::InputLayer*>(input_layer.get());
  if (!layer) raise<TypeError>("Input: an InputLayer is wanted.");
  auto node = std::make_shared<Node>();
  node->outputs = {{layer->dtype(), layer->batch_shape()}};
  node->layer = std::move(input_layer);
  node->id = next_id();
  remember(node);
  return {std::move(node), 0};
}

std::vector<Symbol> call(const std::shared_ptr<nn::Layer>& layer, std::span<const Symbol> inputs, Json arguments) {
  if (!layer) raise<TypeError>("call: the layer is missing.");
  if (inputs.empty()) raise<TypeError>(layer->label(), ": the input is missing.");
  auto node = std::make_shared<Node>();
  std::vector<Type> types;
  for (const Symbol& s : inputs) {
    if (!s) raise<TypeError>(layer->label(), ": input ", types.size(), " is missing.");
    types.push_back(s.type());
    node->inputs.push_back(s);
  }
  layer->connect(types, arguments);
  node->outputs = layer->output_types(types, arguments);
  node->layer = layer;
  node->arguments = std::move(arguments);
  node->id = next_id();
  remember(node);
  std::vector<Symbol> out;
  for (std::size_t i = 0; i < node->outputs.size(); ++i) out.push_back({node, static_cast<int>(i)});
  return out;
}

Symbol call(const std::shared_ptr<nn::Layer>& layer, const Symbol& x) {
  const std::vector<Symbol> out = call(layer, std::span(&x, 1));
  if (out.size() != 1) raise<ValueError>(layer->label(), ": gives ", out.size(), " results where one is wanted.");
  return out[0];
}

}  // namespace nacre::model
