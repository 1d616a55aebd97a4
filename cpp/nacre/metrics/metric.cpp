// The metric classes. Accuracies compare per sample; error metrics take the value op of the loss of the same name.
#include "nacre/metrics/metric.h"

#include <array>
#include <cmath>

#include "nacre/base/half.h"
#include "nacre/ops/ops.h"

namespace nacre::metrics {

namespace {

struct NameOptions {
  std::optional<std::string> name;
  static constexpr auto options() { return std::tuple{Option{"name", &NameOptions::name, "name in logs; None: the function's"}}; }
};
struct ThresholdOptions {
  double threshold = 0.5;
  std::optional<std::string> name;
  static constexpr auto options() {
    return std::tuple{Option{"threshold", &ThresholdOptions::threshold, "predictions above it count as 1, between 0 and 1"},
                      Option{"name", &ThresholdOptions::name, "name in logs; None: the function's"}};
  }
};

// Values as a contiguous tensor whose elements are read as doubles one by one.
struct Reader {
  Tensor t;
  const char* data;
  DType dtype;
  std::ptrdiff_t size;
  explicit Reader(const Tensor& x)
      : t(x.contiguous() ? x : x.clone()), data(static_cast<const char*>(t.view().data)), dtype(t.dtype()), size(size_of(dtype)) {}
  double operator[](Dim i) const { return load_double(data + i * size, dtype); }
};

// Weights per sample; 1 when none were given.
class Weights {
 public:
  Weights(std::string_view name, const Tensor& w, Dim samples) {
    if (!w.defined()) return;
    if (w.count() != samples) {
      raise<ShapeError>(name, ": sample_weight of shape ", w.shape(), " does not fit ", samples,
                        " samples. Give one weight per sample.");
    }
    reader_.emplace(w);
  }
  double operator[](Dim i) const { return reader_ ? (*reader_)[i] : 1.0; }

 private:
  std::optional<Reader> reader_;
};

// Rows of class scores and their count.
struct Rows {
  Dim rows, classes;
};
Rows rows_of(std::string_view name, const Tensor& y_pred) {
  if (y_pred.rank() < 1) raise<ShapeError>(name, ": y_pred must have a class axis, got shape ", y_pred.shape(), ".");
  const Dim classes = y_pred.shape().back();
  return {classes == 0 ? 0 : y_pred.count() / classes, classes};
}

template <class T>
Dim argmax_row(const T* p, Dim n) {
  Dim best = 0;
  for (Dim i = 1; i < n; ++i) {
    if (p[i] > p[best]) best = i;
  }
  return best;
}
Dim argmax_row(const Reader& r, Dim row, Dim n) {
  if (r.dtype == DType::float32) return argmax_row(reinterpret_cast<const float*>(r.data) + row * n, n);
  Dim best = 0;
  for (Dim i = 1; i < n; ++i) {
    if (r[row * n + i] > r[row * n + best]) best = i;
  }
  return best;
}

void require_same(std::string_view name, const Tensor& y_true, const Tensor& y_pred) {
  const Shape &a = y_true.shape(), &b = y_pred.shape();
  const bool column = (a.rank() == b.rank() + 1 && a.back() == 1 && a.count() == b.count()) ||
                      (b.rank() == a.rank() + 1 && b.back() == 1 && a.count() == b.count());
  if (!(a == b) && !column) raise<ShapeError>(name, ": y_true has shape ", a, " but y_pred has shape ", b, ". They must agree.");
}

class SparseCategoricalAccuracy final : public Metric {
 public:
  static constexpr std::string_view kClass = "SparseCategoricalAccuracy", kName = "sparse_categorical_accuracy";
  static constexpr std::string_view kDoc = R"(Share of rows whose largest prediction is the label's class.

Example:
    >>> nc.metrics.SparseCategoricalAccuracy()([1, 0], [[0.2, 0.8], [0.3, 0.7]])
    0.5)";
  using Options = NameOptions;
  explicit SparseCategoricalAccuracy(const Options& o) : Metric(o.name.value_or(std::string(kName))) {}
  std::string_view class_name() const override { return kClass; }
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& w) override {
    const auto [rows, classes] = rows_of(name(), y_pred);
    const bool column = y_true.rank() == y_pred.rank() && y_true.rank() > 0 && y_true.shape().back() == 1;
    if (y_true.count() != rows || (y_true.rank() != y_pred.rank() - 1 && !column)) {
      raise<ShapeError>(name(), ": y_true has shape ", y_true.shape(), " but y_pred has shape ", y_pred.shape(),
                        ". Give one label per row.");
    }
    const Reader labels(y_true), scores(y_pred);
    const Weights weights(name(), w, rows);
    for (Dim i = 0; i < rows; ++i) add(labels[i] == static_cast<double>(argmax_row(scores, i, classes)), weights[i]);
  }
};

class CategoricalAccuracy final : public Metric {
 public:
  static constexpr std::string_view kClass = "CategoricalAccuracy", kName = "categorical_accuracy";
  static constexpr std::string_view kDoc = R"(Share of rows whose largest prediction is where the one-hot target is largest.

Example:
    >>> nc.metrics.CategoricalAccuracy()([[0.0, 1.0], [1.0, 0.0]], [[0.2, 0.8], [0.3, 0.7]])
    0.5)";
  using Options = NameOptions;
  explicit CategoricalAccuracy(const Options& o) : Metric(o.name.value_or(std::string(kName))) {}
  std::string_view class_name() const override { return kClass; }
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& w) override {
    require_same(name(), y_true, y_pred);
    const auto [rows, classes] = rows_of(name(), y_pred);
    const Reader targets(y_true), scores(y_pred);
    const Weights weights(name(), w, rows);
    for (Dim i = 0; i < rows; ++i) add(argmax_row(targets, i, classes) == argmax_row(scores, i, classes), weights[i]);
  }
};

class BinaryAccuracy final : public Metric {
 public:
  static constexpr std::string_view kClass = "BinaryAccuracy", kName = "binary_accuracy";
  static constexpr std::string_view kDoc = R"(Share of predictions on the same side of the threshold as their target.

Example:
    >>> nc.metrics.BinaryAccuracy()([1, 0, 1, 1], [0.9, 0.2, 0.4, 0.8])
    0.75)";
  using Options = ThresholdOptions;
  explicit BinaryAccuracy(const Options& o) : Metric(o.name.value_or(std::string(kName))), threshold_(o.threshold) {
    if (!(threshold_ >= 0 && threshold_ <= 1))
      raise<ValueError>(kClass, ": threshold must be between 0 and 1, got ", threshold_, ".");
  }
  std::string_view class_name() const override { return kClass; }
  Json config() const override {
    Json j = Metric::config();
    j["threshold"] = threshold_;
    return j;
  }
  // The mean over the last axis is one value per sample, as in Keras.
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& w) override {
    require_same(name(), y_true, y_pred);
    const Dim n = y_pred.count(), samples = y_pred.rank() == 0 ? 1 : y_pred.rank() == 1 ? n : rows_of(name(), y_pred).rows;
    if (n == 0) return;
    const Dim width = n / samples;
    const Reader targets(y_true), scores(y_pred);
    const Weights weights(name(), w, samples);
    for (Dim i = 0; i < samples; ++i) {
      Dim right = 0;
      for (Dim j = 0; j < width; ++j) right += (scores[i * width + j] > threshold_ ? 1.0 : 0.0) == targets[i * width + j];
      add(static_cast<double>(right) / static_cast<double>(width), weights[i]);
    }
  }

 private:
  double threshold_;
};

// Mean of a loss op's values.
template <const char* LossClass, const char* Name, const char* Doc>
class LossMetric final : public Metric {
 public:
  static constexpr std::string_view kClass = LossClass, kName = Name;
  static constexpr std::string_view kDoc = Doc;
  using Options = NameOptions;
  explicit LossMetric(const Options& o) : Metric(o.name.value_or(std::string(kName))), loss_(LossClass, Json::object()) {}
  std::string_view class_name() const override { return kClass; }
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& w) override {
    NoGrad guard;
    const Tensor values = loss_.values(y_true, y_pred);
    const Reader read(values);
    const Weights weights(name(), w, values.count());
    for (Dim i = 0; i < values.count(); ++i) add(read[i], weights[i]);
  }

 private:
  Loss loss_;
};
constexpr char kMseClass[] = "MeanSquaredError", kMseName[] = "mean_squared_error";
constexpr char kMaeClass[] = "MeanAbsoluteError", kMaeName[] = "mean_absolute_error";
constexpr char kMseDoc[] = R"(Mean of mean_squared_error over the samples.

Example:
    >>> nc.metrics.MeanSquaredError()([0.0, 2.0], [1.0, 4.0])
    2.5)";
constexpr char kMaeDoc[] = R"(Mean of mean_absolute_error over the samples.

Example:
    >>> nc.metrics.MeanAbsoluteError()([0.0, 2.0], [1.0, 4.0])
    1.5)";
using MseMetric = LossMetric<kMseClass, kMseName, kMseDoc>;
using MaeMetric = LossMetric<kMaeClass, kMaeName, kMaeDoc>;

class Mean final : public Metric {
 public:
  static constexpr std::string_view kClass = "Mean", kName = "mean";
  static constexpr std::string_view kDoc = R"(Mean of the values given to update_state.

Example:
    >>> nc.metrics.Mean()([1.0, 2.0, 6.0])
    3.0)";
  using Options = NameOptions;
  explicit Mean(const Options& o) : Metric(o.name.value_or(std::string(kName))) {}
  std::string_view class_name() const override { return kClass; }
  void update(const Tensor&, const Tensor& values, const Tensor& w) override {
    const Reader read(values);
    const Weights weights(name(), w, values.count());
    for (Dim i = 0; i < values.count(); ++i) add(read[i], weights[i]);
  }
};

// "accuracy": decides at its first batch, by loss and shapes, as Keras does.
class ResolvedAccuracy final : public Metric {
 public:
  ResolvedAccuracy(std::string name, bool sparse_loss) : Metric(std::move(name)), sparse_loss_(sparse_loss) {}
  std::string_view class_name() const override { return "accuracy"; }
  void update(const Tensor& y_true, const Tensor& y_pred, const Tensor& w) override {
    const Dim width = y_pred.rank() >= 1 ? y_pred.shape().back() : 1;
    const bool same = y_true.count() == y_pred.count();
    const char* kind = !sparse_loss_ && same && (width == 1 || y_pred.rank() <= 1) ? "BinaryAccuracy"
                       : sparse_loss_ || !same                                     ? "SparseCategoricalAccuracy"
                                                                                   : "CategoricalAccuracy";
    if (!inner_ || inner_->class_name() != kind) inner_ = make_metric(kind, Json::object({{"name", name()}}));
    inner_->reset();
    inner_->update(y_true, y_pred, w);
    double weight = 0;
    const Dim samples = y_pred.rank() <= 1 || width == 0 ? y_pred.count() : y_pred.count() / width;
    const Weights weights(name(), w, samples);
    for (Dim i = 0; i < samples; ++i) weight += weights[i];
    add(inner_->result(), weight);
  }

 private:
  bool sparse_loss_;
  std::shared_ptr<Metric> inner_;
};

template <class M>
MetricDef def() {
  return {M::kClass, M::kName, M::kDoc, describe_options<typename M::Options>(), [](const Json& j) -> std::shared_ptr<Metric> {
            return std::make_shared<M>(options_from_json<typename M::Options>(M::kClass, j));
          }};
}

}  // namespace

Metric::~Metric() = default;

Json Metric::config() const { return Json::object({{"name", name_}}); }

std::span<const MetricDef> metric_registry() {
  static const std::array list{def<SparseCategoricalAccuracy>(),
                               def<CategoricalAccuracy>(),
                               def<BinaryAccuracy>(),
                               def<MseMetric>(),
                               def<MaeMetric>(),
                               def<Mean>()};
  return list;
}

std::shared_ptr<Metric> make_metric(std::string_view name, const Json& config, const Loss* loss) {
  if (name == "accuracy" || name == "acc") {
    return std::make_shared<ResolvedAccuracy>(config.value_or("name", std::string(name)), loss && loss->sparse());
  }
  std::string known = "accuracy";
  for (const MetricDef& d : metric_registry()) {
    const bool shorter = (name == "mse" && d.name == kMseName) || (name == "mae" && d.name == kMaeName);
    if (name == d.class_name || name == d.name || shorter) {
      Json c = config;
      if (shorter && !c.contains("name")) c["name"] = std::string(name);
      return d.make(c);
    }
    known += cat(", ", d.name);
  }
  raise<ValueError>("metric: unknown metric '", name, "'. Known: ", known, ".");
}

}  // namespace nacre::metrics
