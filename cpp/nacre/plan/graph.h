// A captured graph: values and the ops that make them, in the order of execution. Ids are indices; nothing here points into anything.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nacre/base/random.h"
#include "nacre/ops/op.h"

namespace nacre::plan {

using Id = std::int32_t;
inline constexpr Id kNone = -1;  // an absent optional input

enum class ValueKind : std::uint8_t {
  input,     // filled by the caller before each run
  bound,     // a tensor that lives outside: weights, statistics, constants of the model
  constant,  // computed once, when the plan is made
  computed,  // the output of a node
};

struct Value {
  View view;  // type and strides; `data` is null
  ValueKind kind = ValueKind::computed;
  Id root = kNone;  // the value in whose memory it lies; itself unless it is a view or overwrites an input
  Dim offset = 0;   // bytes from the root's first element
  Id producer = kNone;
  int output = 0;
  Tensor tensor;  // of bound and constant values
  int key = -1;   // number of the random key that it is, counted on by each run
  std::string name;
};

struct Node {
  const OpDef* def = nullptr;
  std::unique_ptr<std::byte[]> attrs;
  std::string_view name;  // what messages call it
  std::vector<Id> in, out;
  bool is_view = false;  // its output lies in its first input's memory; nothing runs
  bool mutates = false;  // changes a bound tensor
};

// Chains of elementwise nodes that run inside the step of a node, on tiles of an input and of an output.
struct Around {
  std::vector<Id> before, after;
  [[nodiscard]] bool empty() const { return before.empty() && after.empty(); }
};

struct Graph {
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<RandomKey> keys;  // each instance has its own

  [[nodiscard]] Value& at(Id id) { return values[static_cast<std::size_t>(id)]; }
  [[nodiscard]] const Value& at(Id id) const { return values[static_cast<std::size_t>(id)]; }
  [[nodiscard]] Id root_of(Id id) const { return at(id).root; }
  // Bytes that a value spans when it is contiguous.
  [[nodiscard]] std::size_t bytes_of(Id id) const {
    return static_cast<std::size_t>(at(id).view.count() * size_of(at(id).view.dtype));
  }
};

// A node's inputs as the functions of its op take them, without memory.
class InputTypes {
 public:
  InputTypes(const Graph& g, const Node& n) : views_(n.in.size()), in_(n.in.size()) {
    for (std::size_t k = 0; k < n.in.size(); ++k) {
      if (n.in[k] == kNone) continue;
      views_[k] = g.at(n.in[k]).view;
      in_[k] = &views_[k];
    }
  }
  [[nodiscard]] In list() { return {in_.data(), static_cast<int>(in_.size())}; }

 private:
  std::vector<View> views_;
  std::vector<View*> in_;
};

}  // namespace nacre::plan
