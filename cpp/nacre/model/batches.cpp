// Rows of arrays as batches.
#include "nacre/model/batches.h"

#include <cmath>

#include "nacre/base/half.h"

namespace nacre::model {

namespace {

Tensor row_range(const Tensor& t, Dim begin, Dim end) {
  if (!t.defined()) return {};
  View v = t.view();
  v.shape[0] = end - begin;
  v.data = static_cast<char*>(v.data) + begin * v.strides[0] * size_of(v.dtype);
  return make_view(t.body()->storage, v);
}

// Row-major values of any dtype as doubles.
struct Values {
  Tensor t;
  explicit Values(const Tensor& x) : t(x.contiguous() ? x : x.clone()) {}
  double operator[](Dim i) const {
    return load_double(static_cast<const char*>(t.view().data) + i * size_of(t.dtype()), t.dtype());
  }
};

bool is_column(const Shape& s) { return s.rank() == 1 || (s.rank() == 2 && s[1] == 1); }

}  // namespace

void check_count(std::string_view method, std::string_view name, Dim value, Dim least) {
  if (value < least) raise<ValueError>(method, ": ", name, " must be at least ", least, ", got ", value, ".");
}

StepTypes BatchSource::types(Dim n) const {
  StepTypes out;
  const auto target_dtype = [&](std::size_t i) {
    return y_dtypes.empty() ? DType::float32 : y_dtypes[std::min(i, y_dtypes.size() - 1)];
  };
  const auto type = [&](const Tensor& t, DType float_dtype) -> std::optional<Type> {
    if (!t.defined()) return std::nullopt;
    Shape s = t.shape();
    s[0] = n;
    return Type{is_float(t.dtype()) ? float_dtype : t.dtype(), s};
  };
  for (const Tensor& t : x) out.x.push_back(type(t, x_dtype));
  for (std::size_t i = 0; i < y.size(); ++i) out.y.push_back(type(y[i], target_dtype(i)));
  for (std::size_t i = 0; i < weight.size(); ++i) out.weights.push_back(type(weight[i], target_dtype(i)));
  return out;
}

std::vector<RowGather> BatchSource::gathers(Dim n, std::span<const Tensor> x_out, std::span<const Tensor> y_out,
                                            std::span<const Tensor> weights_out) const {
  std::vector<RowGather> out;
  out.reserve(x_out.size() + y_out.size() + weights_out.size());
  const auto pick = [&](const std::vector<Tensor>& from, std::span<const Tensor> to) {
    for (std::size_t i = 0; i < to.size(); ++i) {
      if (to[i].defined()) out.emplace_back(method, from[i].view(), static_cast<std::size_t>(n), to[i].view());
    }
  };
  pick(x, x_out);
  pick(y, y_out);
  pick(weight, weights_out);
  return out;
}

BatchSource BatchSource::slice(Dim begin, Dim end) const {
  BatchSource part = *this;
  for (auto* list : {&part.x, &part.y, &part.weight}) {
    for (Tensor& t : *list) t = row_range(t, begin, end);
  }
  return part;
}

BatchSource make_source(std::string_view method, const Arrays& x, const Arrays& y, const Arrays& sample_weight, DType x_dtype,
                        std::vector<DType> y_dtypes) {
  if (!x.defined()) raise<TypeError>(method, ": x is missing.");
  Dim rows = 0;
  const auto named = [](const Arrays& a, std::string_view what, std::size_t i) {
    return a.list.size() > 1 ? cat(what, "[", i, "]") : std::string(what);
  };
  for (std::size_t i = 0; i < x.list.size(); ++i) {
    const Tensor& t = x.list[i];
    const std::string what = named(x, "x", i);
    if (!t.defined()) raise<TypeError>(method, ": ", what, " is missing.");
    require_values(method, t);
    if (t.rank() < 1) raise<ShapeError>(method, ": ", what, " must have rows, got shape ", t.shape(), ".");
    if (t.shape()[0] == 0) raise<ValueError>(method, ": ", what, " has no rows, its shape is ", t.shape(), ".");
    if (i == 0) rows = t.shape()[0];
    if (t.shape()[0] != rows) raise<ShapeError>(method, ": x[0] has ", rows, " rows but ", what, " has ", t.shape()[0], ".");
  }
  const auto same_rows = [&](const Arrays& a, std::string_view name) {
    std::vector<Tensor> out;
    for (std::size_t i = 0; i < a.list.size(); ++i) {
      const Tensor& t = a.list[i];
      if (t.defined()) {
        require_values(method, t);
        const std::string what = named(a, name, i);
        if (t.rank() < 1) raise<ShapeError>(method, ": ", what, " must have rows, got shape ", t.shape(), ".");
        if (t.shape()[0] != rows) raise<ShapeError>(method, ": x has ", rows, " rows but ", what, " has ", t.shape()[0], ".");
      }
      out.push_back(t.defined() ? t.detach() : t);
    }
    return out;
  };
  BatchSource out;
  for (const Tensor& t : x.list) out.x.push_back(t.detach());
  out.y = same_rows(y, "y");
  out.weight = same_rows(sample_weight, "sample_weight");
  out.x_dtype = x_dtype;
  out.y_dtypes = std::move(y_dtypes);
  out.method = method;
  return out;
}

Tensor class_weights(std::string_view method, const Tensor& y, const ClassWeight& weights, const Tensor& sample_weight) {
  if (weights.empty()) return sample_weight;
  if (!y.defined() || y.rank() < 1 || y.rank() > 2)
    raise<ValueError>(method, ": class_weight needs one class per row: labels [N] or one-hot rows [N, K].");
  if (sample_weight.defined() && !is_column(sample_weight.shape())) {
    raise<ShapeError>(method, ": with class_weight, sample_weight must have shape [N], got ", sample_weight.shape(), ".");
  }
  for (const auto& [label, weight] : weights) {
    if (!std::isfinite(weight)) raise<ValueError>(method, ": class_weight of class ", label, " must be finite, got ", weight, ".");
  }
  const Dim n = y.shape()[0], width = is_column(y.shape()) ? 1 : y.shape()[1];
  const Values labels(y);
  std::vector<double> out(static_cast<std::size_t>(n), 1.0);
  for (Dim i = 0; i < n; ++i) {
    double label = labels[i * width];
    if (width > 1) {
      Dim best = 0;
      for (Dim j = 1; j < width; ++j) {
        if (labels[i * width + j] > labels[i * width + best]) best = j;
      }
      label = static_cast<double>(best);
    } else if (label != std::floor(label)) {
      raise<ValueError>(method, ": class_weight needs class labels, but y[", i, "] is ", label, ".");
    }
    for (const auto& [known, weight] : weights) {
      if (static_cast<double>(known) == label) out[static_cast<std::size_t>(i)] = weight;
    }
  }
  if (sample_weight.defined()) {
    if (sample_weight.shape()[0] != n)
      raise<ShapeError>(method, ": x has ", n, " rows but sample_weight has ", sample_weight.shape()[0], ".");
    const Values own(sample_weight);
    for (Dim i = 0; i < n; ++i) out[static_cast<std::size_t>(i)] *= own[i];
  }
  return Tensor::of(out, {n});
}

Arrays with_class_weights(std::string_view method, const Arrays& y, const ClassWeight& weights, const Arrays& sample_weight) {
  if (weights.empty()) return sample_weight;
  if (y.list.size() != 1)
    raise<ValueError>(method, ": class_weight is for models of one output, this one has ", y.list.size(), ". Use sample_weight.");
  return class_weights(method, y.list[0], weights, sample_weight.list.empty() ? Tensor() : sample_weight.list[0]);
}

bool sorted_labels(const Tensor& y) {
  if (!y.defined() || is_float(y.dtype()) || !is_column(y.shape()) || y.shape()[0] < 3) return false;
  const Values labels(y);
  const Dim n = y.shape()[0];
  for (Dim i = 1; i < n; ++i) {
    if (labels[i] < labels[i - 1]) return false;
  }
  return labels[0] != labels[n - 1];
}

}  // namespace nacre::model
