// Metrics: numbers gathered over batches. update adds a batch, result reads the mean so far, reset starts anew.
//
// Sums are kept in double, so an epoch of any length loses nothing. y_true and y_pred follow the loss's shapes; sample_weight weighs samples.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nacre/io/config.h"
#include "nacre/metrics/loss.h"
#include "nacre/tensor/tensor.h"

namespace nacre::metrics {

class NACRE_API Metric {
 public:
  virtual ~Metric();
  [[nodiscard]] virtual std::string_view class_name() const = 0;
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] virtual Json config() const;
  // Mean takes values through y_pred and ignores y_true.
  virtual void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) = 0;
  [[nodiscard]] double result() const { return weight_ == 0 ? 0.0 : total_ / weight_; }
  void reset() { total_ = weight_ = 0; }
  // Adds `value` with `weight`.
  void add(double value, double weight) {
    total_ += value * weight;
    weight_ += weight;
  }

 protected:
  explicit Metric(std::string name) : name_(std::move(name)) {}

 private:
  std::string name_;
  double total_ = 0, weight_ = 0;
};

struct MetricDef {
  std::string_view class_name, name, doc;
  std::vector<OptionInfo> options;
  std::shared_ptr<Metric> (*make)(const Json& config);
};
NACRE_API std::span<const MetricDef> metric_registry();
// By class name, function name, or "accuracy"/"acc", which picks the class that fits `loss` and the shapes.
NACRE_API std::shared_ptr<Metric> make_metric(std::string_view name, const Json& config = Json::object(),
                                              const Loss* loss = nullptr);

}  // namespace nacre::metrics
