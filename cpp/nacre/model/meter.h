// The losses and the metrics of one run over batches. Each loop makes its own, so that evaluate may run beside fit.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "nacre/metrics/metric.h"
#include "nacre/model/objective.h"

namespace nacre::model {

class Meter {
 public:
  // With one output its name does not appear; with more, "<output>_loss" and "<output>_<metric>".
  Meter(const Objective& objective, const std::vector<std::string>& outputs) : parts_(outputs.size(), 0.0) {
    std::vector<std::string> taken{"loss"};
    const bool many = outputs.size() > 1;
    for (std::size_t i = 0; many && i < outputs.size(); ++i) {
      loss_names_.push_back(objective.loss(i) ? cat(outputs[i], "_loss") : "");
      taken.push_back(loss_names_.back());
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      for (const Json& m : objective.metric_specs(i)) {
        auto metric = metrics::make_metric(m.get<std::string>("class_name"), m.at("config"), objective.loss(i).get());
        const std::string base = many ? cat(outputs[i], "_", metric->name()) : metric->name();
        std::string name = base;
        for (int k = 1; std::find(taken.begin(), taken.end(), name) != taken.end(); ++k) name = cat(base, "_", k);
        taken.push_back(name);
        metrics_.push_back({i, std::move(name), std::move(metric)});
      }
    }
  }
  // The losses of a batch count by its rows. Metrics are not weighted by sample_weight, as in Keras.
  void update(const LossValues& losses, Dim rows, std::span<const Tensor> y_true, std::span<const Tensor> y_pred) {
    total_ += losses.total.item() * static_cast<double>(rows);
    for (std::size_t i = 0; i < loss_names_.size(); ++i) {
      if (losses.parts[i].defined()) parts_[i] += losses.parts[i].item() * static_cast<double>(rows);
    }
    rows_ += static_cast<double>(rows);
    for (const Entry& m : metrics_) m.metric->update(y_true[m.output], y_pred[m.output].detach());
  }
  void reset() {
    total_ = rows_ = 0;
    parts_.assign(parts_.size(), 0.0);
    for (const Entry& m : metrics_) m.metric->reset();
  }
  [[nodiscard]] Logs logs() const {
    const auto mean = [&](double sum) { return rows_ == 0 ? 0.0 : sum / rows_; };
    Logs out;
    out.values.emplace_back("loss", mean(total_));
    for (std::size_t i = 0; i < loss_names_.size(); ++i) {
      if (!loss_names_[i].empty()) out.values.emplace_back(loss_names_[i], mean(parts_[i]));
    }
    for (const Entry& m : metrics_) out.values.emplace_back(m.name, m.metric->result());
    return out;
  }

 private:
  struct Entry {
    std::size_t output;
    std::string name;
    std::shared_ptr<metrics::Metric> metric;
  };
  double total_ = 0, rows_ = 0;
  std::vector<double> parts_;
  std::vector<std::string> loss_names_;
  std::vector<Entry> metrics_;
};

}  // namespace nacre::model
