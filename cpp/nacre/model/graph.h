// Graphs of layer calls: what the functional API records. A Symbol stands for a tensor that a model will have; calling a layer on symbols
// builds it, infers the type of the result and records the call as a Node. Functional (functional.h) makes a model of them.
//
//   const Symbol x = input({4}), h = call(dense, x), y = call(add, {h, x});
#pragma once

#include <memory>
#include <vector>

#include "nacre/nn/layer.h"

namespace nacre::model {

struct Node;

// One result of one call. Its first size, the batch, is nn::kUnknown.
struct NACRE_API Symbol {
  std::shared_ptr<Node> node;
  int index = 0;  // among the results of the call
  [[nodiscard]] const Type& type() const;
  [[nodiscard]] const Shape& shape() const { return type().shape; }
  [[nodiscard]] DType dtype() const { return type().dtype; }
  [[nodiscard]] explicit operator bool() const { return node != nullptr; }
  bool operator==(const Symbol&) const = default;
};

struct NACRE_API Node {
  std::shared_ptr<nn::Layer> layer;
  Json arguments;  // of the call besides tensors (CallContext::arguments)
  std::vector<Symbol> inputs;
  std::vector<Type> outputs;
  std::uint64_t id = 0;  // grows with every call, so it orders a graph
  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();
  [[nodiscard]] bool is_input() const { return inputs.empty(); }
};

// An input of a graph; `sizes` without the batch. Without a dtype the data's own is kept, and floatx() is inferred from.
NACRE_API Symbol input(const Shape& sizes, std::optional<std::string> dtype = {}, std::optional<std::string> name = {});
// The same from an InputLayer.
NACRE_API Symbol input(std::shared_ptr<nn::Layer> input_layer);
// Records a call.
NACRE_API std::vector<Symbol> call(const std::shared_ptr<nn::Layer>& layer, std::span<const Symbol> inputs, Json arguments = {});
NACRE_API Symbol call(const std::shared_ptr<nn::Layer>& layer, const Symbol& x);

// The calls of a layer in graphs that are still there.
NACRE_API std::vector<std::shared_ptr<Node>> calls_of(const nn::Layer& layer);

}  // namespace nacre::model
