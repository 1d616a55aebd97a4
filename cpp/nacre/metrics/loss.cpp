// The table of loss classes.
#include "nacre/metrics/loss.h"

#include <algorithm>
#include <cstring>

#include "nacre/ops/attrs_json.h"
#include "nacre/ops/ops.h"

namespace nacre::metrics {

namespace {

struct Row {
  std::string_view class_name, op_name, short_name;
  std::string_view made_with, called_with, result;  // the example, its result rounded to four digits
};
constexpr Row kRows[] = {
    {"MeanSquaredError", "mean_squared_error", "mse", "", "[[0.0, 2.0]], [[1.0, 4.0]]", "2.5"},
    {"MeanAbsoluteError", "mean_absolute_error", "mae", "", "[[0.0, 2.0]], [[1.0, 4.0]]", "1.5"},
    {"Huber", "huber", "huber_loss", "delta=2.0", "[[0.0, 0.0]], [[1.0, 3.0]]", "2.25"},
    {"LogCosh", "log_cosh", "logcosh", "", "[[0.0]], [[1.0]]", "0.4338"},
    {"BinaryCrossentropy", "binary_crossentropy", "bce", "", "[[1.0]], [[0.5]]", "0.6931"},
    {"CategoricalCrossentropy", "categorical_crossentropy", "cce", "from_logits=True", "[[0.0, 1.0]], [[20.0, 0.0]]", "20.0"},
    {"SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", "scce", "from_logits=True", "[1], [[20.0, 0.0]]", "20.0"},
    {"BinaryFocalCrossentropy", "binary_focal_crossentropy", "binary_focal", "gamma=1.0", "[[1.0]], [[0.5]]", "0.3466"},
    {"CategoricalFocalCrossentropy", "categorical_focal_crossentropy", "categorical_focal", "alpha=1.0",
     "[[0.0, 1.0]], [[0.5, 0.5]]", "0.1733"},
    {"KLDivergence", "kl_divergence", "kld", "", "[[0.0, 1.0]], [[0.5, 0.5]]", "0.6931"},
    {"NLL", "nll_loss", "nll", "", "[1], [[-2.0, -3.0]]", "3.0"},
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

std::string class_doc(const Row& row, std::string_view op_doc) {
  return cat(op_doc.substr(0, op_doc.find("\n\nArgs:")),
             "\n\nCalled with (y_true, y_pred, sample_weight=None); `reduction` brings the values, one per sample, to one number.",
             "\n\nExample:\n    >>> loss = nc.losses.", row.class_name, "(", row.made_with, ")\n", "    >>> round(loss(",
             row.called_with, ").item(), 4)\n    ", row.result,
             op_doc.substr(std::min(op_doc.find("\n\nReference:"), op_doc.size())));
}

// What the op's doc says of an argument: its line under Args, without the full stop.
std::string argument_doc(std::string_view op_doc, std::string_view argument) {
  const std::string head = cat("\n    ", argument, ": ");
  const std::size_t at = op_doc.find(head);
  if (at == op_doc.npos) raise<StateError>("loss: no documentation of '", argument, "'.");
  const std::string_view text = op_doc.substr(at + head.size());
  return std::string(text.substr(0, text.find(".\n")));
}

}  // namespace

std::span<const LossDef> loss_registry() {
  static const std::vector<LossDef> list = [] {
    std::vector<LossDef> defs;
    for (const Row& row : kRows) {
      const OpDef* op = find_op(row.op_name);
      if (!op) raise<StateError>("loss: ", row.class_name, " has no op '", row.op_name, "'.");
      LossDef def{row.class_name, row.op_name, class_doc(row, op->doc), {}};
      for (const FieldDef& f : op->fields) {
        def.options.push_back(extra(std::string(f.name), std::string(field_kind_name(f.kind)),
                                    attr_to_json(f, static_cast<const std::byte*>(op->defaults)), argument_doc(op->doc, f.name)));
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
  const auto same_letters = [&](std::string_view other) {  // "mse" and "MSE", as in Keras
    return std::equal(name.begin(), name.end(), other.begin(), other.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b; });
  };
  for (const Row& row : kRows) {
    if (name == row.class_name || name == row.op_name || same_letters(row.short_name))
      return std::make_shared<Loss>(row.class_name, config);
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
      if (!value.is_null() && !value.is_string())
        raise<TypeError>(class_name_, ": reduction must be a string or None, got ", value.to_string(), ".");
      reduction_ = value.is_null() ? "none" : value.get<std::string>();
      op::check_reduction(class_name_, reduction_);
      if (reduction_ == "mean") reduction_ = kMean;
    } else if (key == "name") {
      if (!value.is_null() && !value.is_string())
        raise<TypeError>(class_name_, ": name must be a string or None, got ", value.to_string(), ".");
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
