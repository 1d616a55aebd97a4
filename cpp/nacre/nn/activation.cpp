#include "nacre/nn/activation.h"

#include "nacre/ops/ops.h"

namespace nacre::nn {

namespace {

constexpr ActivationDef kActivations[] = {
    {"linear", [](const Tensor& x) { return x; }},
    {"relu", [](const Tensor& x) { return relu(x); }},
    {"relu6", [](const Tensor& x) { return relu6(x); }},
    {"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }},
    {"elu", [](const Tensor& x) { return elu(x); }},
    {"selu", [](const Tensor& x) { return selu(x); }},
    {"sigmoid", [](const Tensor& x) { return sigmoid(x); }},
    {"hard_sigmoid", [](const Tensor& x) { return hard_sigmoid(x); }},
    {"tanh", [](const Tensor& x) { return tanh(x); }},
    {"softmax", [](const Tensor& x) { return softmax(x); }},
    {"log_softmax", [](const Tensor& x) { return log_softmax(x); }},
    {"softplus", [](const Tensor& x) { return softplus(x); }},
    {"softsign", [](const Tensor& x) { return softsign(x); }},
    {"silu", [](const Tensor& x) { return silu(x); }},
    {"swish", [](const Tensor& x) { return silu(x); }},
    {"gelu", [](const Tensor& x) { return gelu(x); }},
    {"gelu_tanh", [](const Tensor& x) { return gelu(x, {.approximate = true}); }},
    {"mish", [](const Tensor& x) { return mish(x); }},
    {"exponential", [](const Tensor& x) { return exp(x); }},
};

}  // namespace

std::span<const ActivationDef> activation_registry() { return kActivations; }

const ActivationDef& find_activation(std::string_view owner, std::string_view name) {
  std::string known;
  for (const ActivationDef& a : kActivations) {
    if (a.name == name) return a;
    known += cat(known.empty() ? "" : ", ", a.name);
  }
  raise<ValueError>(owner, ": activation '", name, "' is unknown. Known: ", known, ".");
}

ActivationPlan plan_activation(std::string_view owner, const std::optional<std::string>& name) {
  if (!name || *name == "linear") return {};
  if (*name == "relu") return {.fused = "relu"};
  return {.rest = find_activation(owner, *name).function};
}

}  // namespace nacre::nn
