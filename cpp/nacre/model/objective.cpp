#include "nacre/model/objective.h"

#include <cmath>

#include "nacre/ops/operators.h"

namespace nacre::model {

namespace {

std::shared_ptr<metrics::Loss> made(const NameOr<metrics::Loss>& given) {
  if (!given.given()) return nullptr;
  auto loss = given.object ? given.object : metrics::make_loss(given.name);
  if (loss->config().value_or("reduction", "") == "none") {
    raise<ValueError>(
        "compile: a loss with reduction='none' gives no single number to minimise. Use 'sum_over_batch_size' or 'sum'.");
  }
  return loss;
}

Json specs_of(const std::vector<NameOr<metrics::Metric>>& given, const metrics::Loss* loss) {
  Json specs = Json::array();
  for (const auto& m : given) {
    const auto metric = m.object ? m.object : metrics::make_metric(m.name, Json::object(), loss);
    specs.push_back(spec(metric->class_name(), metric->config()));
  }
  return specs;
}

std::pair<std::string, Json> named(const Json& j, std::string_view what) {
  if (!j.is_object() || j.size() != 2)
    raise<TypeError>("compile: ", what, " must have class_name and config, got ", j.to_string().substr(0, 60), ".");
  return {j.get<std::string>("class_name"), j.at("config")};
}

}  // namespace

Json spec(std::string_view class_name, Json config) {
  return Json::object({{"class_name", Json(class_name)}, {"config", std::move(config)}});
}

Objective::Objective(const CompileOptions& o, std::size_t outputs) {
  if (o.optimizer.object) {
    optimizer = o.optimizer.object;
  } else {
    optimizer = optim::make_optimizer(o.optimizer.name, Json::object());
  }
  one_for_all_ = o.losses.empty();
  if (one_for_all_) {
    if (!o.loss.given()) raise<ValueError>("compile: the loss is missing. Give its name or an object.");
    losses_.push_back(made(o.loss));
  } else {
    bool any = false;
    for (const auto& l : o.losses) any |= l.given(), losses_.push_back(made(l));
    if (!any) raise<ValueError>("compile: the loss is missing. Give at least one output a loss.");
  }
  for (double w : o.loss_weights) {
    if (!std::isfinite(w)) raise<ValueError>("compile: loss_weights must be finite, got ", w, ".");
  }
  weights_ = o.loss_weights;
  if (!o.output_metrics.empty()) {
    if (!one_for_all_ && losses_.size() != o.output_metrics.size())
      raise<ValueError>("compile: metrics for ", o.output_metrics.size(), " outputs, but losses for ", losses_.size(), ".");
    for (std::size_t i = 0; i < o.output_metrics.size(); ++i) metrics_.push_back(specs_of(o.output_metrics[i], loss(i).get()));
  } else if (o.metrics.empty()) {
    metrics_.assign(losses_.size(), Json::array());
  } else {
    metrics_.push_back(specs_of(o.metrics, losses_[0].get()));
  }
  if (outputs > 0) check_outputs("compile", outputs);
}

void Objective::check_outputs(std::string_view method, std::size_t outputs) const {
  const auto check = [&](std::size_t n, std::string_view what) {
    if (n != outputs)
      raise<ValueError>(method, ": the model has ", outputs, outputs == 1 ? " output" : " outputs", ", but ", what,
                        " were given for ", n, ".");
  };
  if (!one_for_all_) check(losses_.size(), "losses");
  if (!weights_.empty()) check(weights_.size(), "loss_weights");
  if (metrics_.size() > 1 || (metrics_[0].size() > 0)) check(metrics_.size(), "metrics");
}

LossValues Objective::losses(std::string_view method, std::span<const Tensor> targets, std::span<const Tensor> outputs,
                             std::span<const Tensor> weights) const {
  LossValues values;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto& function = loss(i);
    Tensor part;
    if (function) {
      if (i >= targets.size() || !targets[i].defined())
        raise<TypeError>(method, ": y[", i, "] is missing, and its output has a loss.");
      const Tensor weight = weights.empty() ? Tensor() : weights.size() == 1 ? weights[0] : weights[i];
      part = (*function)(targets[i], outputs[i], weight);
      if (part.count() != 1) raise<ShapeError>(method, ": the loss must be a single number, got shape ", part.shape(), ".");
      const double w = weights_.empty() ? 1.0 : weights_[i];
      const Tensor weighted = w == 1.0 ? part : part * w;
      values.total = values.total.defined() ? values.total + weighted : weighted;
    }
    values.parts.push_back(std::move(part));
  }
  return values;
}

// With one loss for one output the form is {"optimizer", "loss", "metrics"}; else "loss" and "metrics" are lists of what belongs to each output.
Json Objective::config() const {
  if (losses_.empty()) return {};
  Json loss_json, metric_json;
  if (one_for_all_) {
    loss_json = spec(losses_[0]->class_name(), losses_[0]->config());
  } else {
    loss_json = Json::array();
    for (const auto& l : losses_) loss_json.push_back(l ? spec(l->class_name(), l->config()) : Json());
  }
  const bool plain = one_for_all_ && metrics_.size() == 1;
  metric_json = plain ? metrics_[0] : Json(metrics_);
  Json out = Json::object({{"optimizer", spec(optimizer->class_name(), optimizer->config())},
                           {"loss", std::move(loss_json)},
                           {"metrics", std::move(metric_json)}});
  if (!weights_.empty()) out["loss_weights"] = Json(weights_);
  return out;
}

CompileOptions Objective::options_from_config(const Json& config, const OptimizerMaker& make) {
  if (!config.is_object() || (config.size() != 3 && !(config.size() == 4 && config.contains("loss_weights"))))
    raise<TypeError>("compile: the configuration must have optimizer, loss and metrics.");
  CompileOptions options;
  const auto [optimizer_name, optimizer_config] = named(config.at("optimizer"), "optimizer");
  options.optimizer = make(optimizer_name, optimizer_config);
  const auto loss_from = [](const Json& j) -> std::shared_ptr<metrics::Loss> {
    if (j.is_null()) return nullptr;
    const auto [name, own] = named(j, "loss");
    return metrics::make_loss(name, own);
  };
  const Json& loss = config.at("loss");
  if (loss.is_array()) {
    for (const Json& l : loss.elements()) options.losses.emplace_back(loss_from(l));
  } else {
    options.loss = loss_from(loss);
  }
  const auto metrics_from = [](const Json& list, const metrics::Loss* of) {
    std::vector<NameOr<metrics::Metric>> out;
    for (const Json& m : list.elements()) {
      const auto [name, own] = named(m, "a metric");
      out.emplace_back(metrics::make_metric(name, own, of));
    }
    return out;
  };
  const Json& metric_lists = config.at("metrics");
  const bool nested = metric_lists.size() > 0 && metric_lists.at(std::ptrdiff_t{0}).is_array();
  if (nested || loss.is_array()) {
    std::size_t i = 0;
    for (const Json& list : metric_lists.elements()) {
      const bool own = i < options.losses.size();
      options.output_metrics.push_back(metrics_from(list, own ? options.losses[i].object.get() : options.loss.object.get()));
      ++i;
    }
  } else {
    options.metrics = metrics_from(metric_lists, options.loss.object.get());
  }
  if (const Json* weights = config.find("loss_weights")) options.loss_weights = weights->get<std::vector<double>>();
  return options;
}

}  // namespace nacre::model
