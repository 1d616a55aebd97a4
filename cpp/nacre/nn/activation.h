// Activations by name, as layers take them: activation="relu". TOPICS decide the defaults: leaky_relu has slope 0.01, gelu is exact.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "nacre/tensor/tensor.h"

namespace nacre::nn {

struct ActivationDef {
  std::string_view name;
  Tensor (*function)(const Tensor& x);
};
NACRE_API std::span<const ActivationDef> activation_registry();
// The record; ValueError listing the known names. `owner` begins the message.
NACRE_API const ActivationDef& find_activation(std::string_view owner, std::string_view name);

// What a layer with an optional activation does with it: ops with an epilogue take `fused`, `rest` follows when it is set.
struct ActivationPlan {
  std::string_view fused = "linear";
  Tensor (*rest)(const Tensor& x) = nullptr;
  [[nodiscard]] Tensor finish(const Tensor& x) const { return rest ? rest(x) : x; }
};
[[nodiscard]] ActivationPlan plan_activation(std::string_view owner, const std::optional<std::string>& name);

}  // namespace nacre::nn
