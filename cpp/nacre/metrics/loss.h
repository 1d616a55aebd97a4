// Losses as objects: a loss op of the registry, its attributes, and a reduction. Nothing about a loss is said twice: options, defaults and docs come from
// the op's record.
//
// The op gives one value per sample (the last axis reduced); sample weights and the reduction to one number are the op reduce_loss's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nacre/io/config.h"
#include "nacre/ops/op.h"

namespace nacre::metrics {

class NACRE_API Loss {
 public:
  // `class_name` from loss_registry(); config: the op's attributes, "reduction", "name".
  Loss(std::string_view class_name, const Json& config);
  [[nodiscard]] std::string_view class_name() const { return class_name_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] Json config() const;
  // Recorded. sample_weight: empty, or of the leading axes of the values ([N] or [N, 1] for [N, ...]).
  [[nodiscard]] Tensor operator()(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) const;
  // The values before weights and reduction.
  [[nodiscard]] Tensor values(const Tensor& y_true, const Tensor& y_pred) const;
  // True when the class takes integer labels instead of one-hot rows.
  [[nodiscard]] bool sparse() const;
  [[nodiscard]] const OpDef& op() const { return *op_; }
  // An attribute of the op, such as from_logits; null when it has none of that name.
  [[nodiscard]] Json attribute(std::string_view name) const;

 private:
  std::string_view class_name_;
  std::string name_;
  const OpDef* op_ = nullptr;
  std::vector<std::byte> attrs_;
  std::string reduction_;
};

struct LossDef {
  std::string_view class_name, op_name;
  std::string doc;  // the op's formula and reference, an example of the class
  std::vector<OptionInfo> options;
};
NACRE_API std::span<const LossDef> loss_registry();
// By class name ("MeanSquaredError"), op name ("mean_squared_error") or Keras's short name ("mse"); ValueError listing the known ones.
NACRE_API std::shared_ptr<Loss> make_loss(std::string_view name, const Json& config = Json::object());

}  // namespace nacre::metrics
