// What compile was given: optimizer, a loss for each output, their weights, metrics.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nacre/metrics/loss.h"
#include "nacre/metrics/metric.h"
#include "nacre/model/callback.h"
#include "nacre/optim/optimizer.h"

namespace nacre::model {

// An optimizer, loss or metric of compile: its name, or an object.
template <class T>
struct NameOr {
  std::string name;
  std::shared_ptr<T> object;
  NameOr() = default;
  NameOr(const char* word) : name(word) {}                      // NOLINT: .optimizer = "adam" is what users write
  NameOr(std::string word) : name(std::move(word)) {}           // NOLINT
  NameOr(std::shared_ptr<T> made) : object(std::move(made)) {}  // NOLINT
  [[nodiscard]] bool given() const { return object || !name.empty(); }
};

struct CompileOptions {
  NameOr<optim::Optimizer> optimizer = "rmsprop";
  NameOr<metrics::Loss> loss = {};                    // of every output
  std::vector<NameOr<metrics::Metric>> metrics = {};  // of the only output
  // For models of several outputs, one element for each; an empty loss leaves its output untrained.
  std::vector<NameOr<metrics::Loss>> losses = {};
  std::vector<double> loss_weights = {};
  std::vector<std::vector<NameOr<metrics::Metric>>> output_metrics = {};
};

using OptimizerMaker = std::function<std::shared_ptr<optim::Optimizer>(std::string_view class_name, const Json& config)>;

// The losses of one batch: the sum to minimise, with weights, and each output's own.
struct LossValues {
  Tensor total;
  std::vector<Tensor> parts;
};

class NACRE_API Objective {
 public:
  Objective() = default;
  Objective(const CompileOptions& options, std::size_t outputs_known);  // 0: the number of outputs is not known yet
  [[nodiscard]] static CompileOptions options_from_config(const Json& config, const OptimizerMaker& make);
  [[nodiscard]] Json config() const;

  [[nodiscard]] explicit operator bool() const { return !losses_.empty(); }
  [[nodiscard]] const std::shared_ptr<metrics::Loss>& loss(std::size_t output) const {
    return losses_.size() == 1 ? losses_[0] : losses_[output];
  }
  [[nodiscard]] std::span<const Json> metric_specs(std::size_t output) const {
    return output < metrics_.size() ? metrics_[output].elements() : std::span<const Json>();
  }
  // ValueError unless what was given per output is given for so many.
  void check_outputs(std::string_view method, std::size_t outputs) const;
  // One loss per output, and their weighted sum.
  [[nodiscard]] LossValues losses(std::string_view method, std::span<const Tensor> targets, std::span<const Tensor> outputs,
                                  std::span<const Tensor> weights) const;

  std::shared_ptr<optim::Optimizer> optimizer;

 private:
  std::vector<std::shared_ptr<metrics::Loss>> losses_;  // one for all, or one for each output (null: none)
  bool one_for_all_ = true;
  std::vector<double> weights_;
  std::vector<Json> metrics_;  // lists of {"class_name", "config"}: each loop makes its own metric objects
};

// {"class_name", "config"}.
Json spec(std::string_view class_name, Json config);

}  // namespace nacre::model
