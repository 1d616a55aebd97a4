// The table of layer classes, and the only way from a name and a configuration to a layer.
#include "nacre/nn/layers.h"

namespace nacre::nn {

namespace {

template <class O>
bool has_option(std::string_view name) {
  return std::apply([&](const auto&... opt) { return ((opt.name == name) || ...); }, O::options());
}

// Splits a configuration into the options of the class and those of every layer.
template <class L>
std::shared_ptr<Layer> make_from(const Json& config) {
  using Options = typename L::OptionsType;
  if (!config.is_object())
    raise<TypeError>(L::kName, ": the configuration must be an object of options, got ", detail::shown(config), ".");
  Json own = Json::object(), common = Json::object();
  for (auto [key, value] : config.items()) {
    if (has_option<Options>(key)) {
      own[key] = value;
    } else if (has_option<LayerCommon>(key)) {
      common[key] = value;
    } else {
      std::string known;
      for (const OptionInfo& info : find_layer(L::kName)->options) known += cat(known.empty() ? "" : ", ", info.name);
      raise<TypeError>(L::kName, ": unknown option '", key, "'. Known: ", known, ".");
    }
  }
  return std::make_shared<L>(options_from_json<Options>(L::kName, own), options_from_json<LayerCommon>(L::kName, common));
}

template <class L>
LayerDef record() {
  LayerDef def{L::kName, L::kDoc, describe_options<typename L::OptionsType>(), &make_from<L>};
  for (OptionInfo& info : describe_options<LayerCommon>()) def.options.push_back(std::move(info));
  return def;
}

}  // namespace

std::span<const LayerDef> layer_registry() {
  static const std::vector<LayerDef> list = {
#define NACRE_LAYER(Class) record<Class>(),
#include "nacre/nn/layers.inc"
#undef NACRE_LAYER
  };
  return list;
}

const LayerDef* find_layer(std::string_view class_name) {
  for (const LayerDef& def : layer_registry()) {
    if (def.name == class_name) return &def;
  }
  return nullptr;
}

std::shared_ptr<Layer> make_layer(std::string_view class_name, const Json& config) {
  if (const LayerDef* def = find_layer(class_name)) return def->make(config);
  std::string known;
  for (const LayerDef& def : layer_registry()) known += cat(known.empty() ? "" : ", ", def.name);
  raise<ValueError>("layers: class '", detail::shortened(std::string(class_name)), "' is unknown. Known: ", known, ".");
}

}  // namespace nacre::nn
