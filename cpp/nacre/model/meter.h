// The loss and the metrics of one run over batches. Each loop makes its own, so that evaluate may run beside fit.
#pragma once

#include <memory>
#include <vector>

#include "nacre/metrics/metric.h"
#include "nacre/model/callback.h"

namespace nacre::model {

class Meter {
 public:
  Meter(const Json& metric_specs, const metrics::Loss* loss) {
    for (const Json& m : metric_specs.elements()) {
      metrics_.push_back(metrics::make_metric(m.get<std::string>("class_name"), m.at("config"), loss));
      std::string name = metrics_.back()->name();
      const auto taken = [&](const std::string& n) {
        for (const std::string& other : names_) {
          if (other == n) return true;
        }
        return n == "loss";
      };
      for (int k = 1; taken(name); ++k) name = cat(metrics_.back()->name(), "_", k);
      names_.push_back(std::move(name));
    }
  }
  // The loss of a batch counts by its rows. Metrics are not weighted by sample_weight, as in Keras.
  void update(double loss, Dim rows, const Tensor& y_true, const Tensor& y_pred) {
    total_ += loss * static_cast<double>(rows);
    rows_ += static_cast<double>(rows);
    for (const auto& m : metrics_) m->update(y_true, y_pred);
  }
  void reset() {
    total_ = rows_ = 0;
    for (const auto& m : metrics_) m->reset();
  }
  [[nodiscard]] Logs logs() const {
    Logs out;
    out.values.emplace_back("loss", rows_ == 0 ? 0.0 : total_ / rows_);
    for (std::size_t i = 0; i < metrics_.size(); ++i) out.values.emplace_back(names_[i], metrics_[i]->result());
    return out;
  }

 private:
  double total_ = 0, rows_ = 0;
  std::vector<std::shared_ptr<metrics::Metric>> metrics_;
  std::vector<std::string> names_;
};

}  // namespace nacre::model
