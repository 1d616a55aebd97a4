// The heap part of Json arrays and objects, seen by json.cpp, the reader and the writer only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "nacre/io/json.h"

namespace nacre {

struct Json::Node {
  explicit Node(bool is_object_node) : is_object(is_object_node) {}
  std::vector<Json> values;
  Node* up = nullptr;  // used only while a tree is freed: the way back, so that freeing needs neither recursion nor memory
  bool is_object;
};

struct Json::ObjectNode : Json::Node {
  ObjectNode() : Node(true) {}
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  std::vector<std::string> keys;     // keys[i] belongs to values[i]
  std::vector<std::uint32_t> order;  // positions sorted by key: lookups in log n, and no hash to be flooded with collisions

  [[nodiscard]] auto lower_bound(std::string_view key) const {
    return std::lower_bound(order.begin(), order.end(), key,
                            [this](std::uint32_t i, std::string_view k) { return std::string_view(keys[i]) < k; });
  }
  [[nodiscard]] std::size_t position(std::string_view key) const {
    auto it = lower_bound(key);
    return it != order.end() && keys[*it] == key ? *it : kNone;
  }
};

}  // namespace nacre
