// The table of loss classes.
#include "nacre/metrics/loss.h"

#include <cstring>

#include "nacre/ops/attrs_json.h"
#include "nacre/ops/ops.h"

namespace nacre::metrics {

namespace {

struct Row {
  std::string_view class_name, op_name, short_name;
};
constexpr Row kRows[] = {
    {"MeanSquaredError", "mean_squared_error", "mse"},
    {"MeanAbsoluteError", "mean_absolute_error", "mae"},
    {"Huber", "huber", "huber_loss"},
    {"LogCosh", "log_cosh", "logcosh"},
    {"BinaryCrossentropy", "binary_crossentropy", "bce"},
    {"CategoricalCrossentropy", "categorical_crossentropy", "cce"},
    {"SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", "scce"},
    {"BinaryFocalCrossentropy", "binary_focal_crossentropy", "binary_focal"},
    {"CategoricalFocalCrossentropy", "categorical_focal_crossentropy", "categorical_focal"},
    {"KLDivergence", "kl_divergence", "kld"},
    {"NLL", "nll_loss", "nll"},
};

constexpr std::string_view kMean = "sum_over_batch_size";

OptionInfo extra(std::string name, std::string kind, Json fallback, std::string doc) {
  OptionInfo info;
  info.name = std::move(name);
  info.kind = std::move(kind);
  info.fallback = std::move(fallback);
  info.doc = std::move(doc);
  return info;
}

}  // namespace

std::span<const LossDef> loss_registry() {
  static const std::vector<LossDef> list = [] {
    std::vector<LossDef> defs;
    for (const Row& row : kRows) {
      const OpDef* op = find_op(row.op_name);
      if (!op) raise<StateError>("loss: ", row.class_name, " has no op '", row.op_name, "'.");
      LossDef def{row.class_name, row.op_name, {}};
      for (const FieldDef& f : op->fields) {
        def.options.push_back(extra(std::string(f.name), std::string(field_kind_name(f.kind)), attr_to_json(f, static_cast<const std::byte*>(op->defaults)),
                                    "as in the function of the same name"));
      }
      def.options.push_back(extra("reduction", "str", std::string(kMean),
                                  "'sum_over_batch_size' (mean), 'sum', 'mean_with_sample_weight' or 'none'"));
      def.options.push_back(extra("name", "str?", Json(), "name; None: the function's"));
      defs.push_back(std::move(def));
    }
    return defs;
  }();
  return list;
}

std::shared_ptr<Loss> make_loss(std::string_view name, const Json& config) {
  std::string known;
  for (const Row& row : kRows) {
    if (name == row.class_name || name == row.op_name || name == row.short_name) return std::make_shared<Loss>(row.class_name, config);
    known += cat(known.empty() ? "" : ", ", row.op_name);
  }
  raise<ValueError>("loss: unknown loss '", name, "'. Known: ", known, ".");
}

Loss::Loss(std::string_view class_name, const Json& config) {
  const LossDef* def = nullptr;
  for (const LossDef& d : loss_registry()) {
    if (d.class_name == class_name) def = &d;
  }
  if (!def) raise<ValueError>("loss: unknown class '", class_name, "'.");
  class_name_ = def->class_name;
  name_ = def->op_name;
  op_ = find_op(def->op_name);
  reduction_ = kMean;
  attrs_.resize(op_->attr_size);
  std::memcpy(attrs_.data(), op_->defaults, op_->attr_size);
  for (auto [key, value] : config.items()) {
    const FieldDef* field = nullptr;
    for (const FieldDef& f : op_->fields) {
      if (f.name == key) field = &f;
    }
    if (field) {
      attr_from_json(class_name_, *field, value, attrs_.data());
    } else if (key == "reduction") {
      if (!value.is_null() && !value.is_string()) raise<TypeError>(class_name_, ": reduction must be a string or None, got ", value.to_string(), ".");
      reduction_ = value.is_null() ? "none" : value.get<std::string>();
      op::check_reduction(class_name_, reduction_);
      if (reduction_ == "mean") reduction_ = kMean;
    } else if (key == "name") {
      if (!value.is_null() && !value.is_string()) raise<TypeError>(class_name_, ": name must be a string or None, got ", value.to_string(), ".");
      if (value.is_string()) name_ = value.get<std::string>();
    } else {
      std::string known;
      for (const OptionInfo& o : def->options) known += cat(known.empty() ? "" : ", ", o.name);
      raise<TypeError>(class_name_, ": unknown option '", key, "'. Known: ", known, ".");
    }
  }
}

Json Loss::config() const {
  Json j = Json::object();
  for (const FieldDef& f : op_->fields) j[f.name] = attr_to_json(f, attrs_.data());
  j["reduction"] = reduction_;
  j["name"] = name_;
  return j;
}

bool Loss::sparse() const { return op_->name == "sparse_categorical_crossentropy" || op_->name == "nll_loss"; }

Json Loss::attribute(std::string_view name) const {
  for (const FieldDef& f : op_->fields) {
    if (f.name == name) return attr_to_json(f, attrs_.data());
  }
  return {};
}

Tensor Loss::values(const Tensor& y_true, const Tensor& y_pred) const {
  const Tensor in[] = {y_true, y_pred};
  return apply_one(*op_, attrs_.data(), in);
}

Tensor Loss::operator()(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) const {
  return op::reduced_loss(name_, values(y_true, y_pred), sample_weight, reduction_);
}

}  // namespace nacre::metrics
