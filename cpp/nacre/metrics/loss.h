// Losses as objects: a loss op of the registry, its attributes, and a reduction. Nothing about a loss is said twice: options, defaults and docs come from
// the op's record.
//
// The op gives one value per sample (the last axis reduced); sample_weight multiplies these values; the reduction makes one number:
// sum_over_batch_size divides the sum by the number of values (Keras), sum adds them, none leaves them.
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
  // The values before reduction, weighted.
  [[nodiscard]] Tensor values(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) const;
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
  enum class Reduction { mean, sum, none } reduction_ = Reduction::mean;
};

struct LossDef {
  std::string_view class_name, op_name;
  std::string doc;  // the op's formula and reference, an example of the class
  std::vector<OptionInfo> options;
};
NACRE_API std::span<const LossDef> loss_registry();
// By class name ("MeanSquaredError"), op name ("mean_squared_error") or Keras's short name ("mse"); ValueError listing the known ones.
NACRE_API std::shared_ptr<Loss> make_loss(std::string_view name, const Json& config = Json::object());

// values * sample_weight with the weight's missing axes added behind; ShapeError naming both shapes. `op` begins the message.
NACRE_API Tensor weighted(std::string_view op, const Tensor& values, const Tensor& sample_weight);

}  // namespace nacre::metrics
