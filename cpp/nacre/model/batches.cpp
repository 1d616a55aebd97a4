// Rows of arrays as batches.
#include "nacre/model/batches.h"

#include <cmath>

#include "nacre/base/half.h"
#include "nacre/data/gather.h"

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

void BatchSource::gather_into(std::span<const std::int64_t> rows, const Tensor& x_out, const Tensor& y_out,
                              const Tensor& weight_out) const {
  gather_rows(method, x.view(), rows, x_out.view());
  if (y.defined()) gather_rows(method, y.view(), rows, y_out.view());
  if (weight.defined()) gather_rows(method, weight.view(), rows, weight_out.view());
}

Type BatchSource::batch_type(const Tensor& source, Dim n, DType float_dtype) {
  Shape s = source.shape();
  s[0] = n;
  return {is_float(source.dtype()) ? float_dtype : source.dtype(), s};
}

BatchSource BatchSource::slice(Dim begin, Dim end) const {
  BatchSource part = *this;
  part.x = row_range(x, begin, end);
  part.y = row_range(y, begin, end);
  part.weight = row_range(weight, begin, end);
  return part;
}

BatchSource make_source(std::string_view method, const Tensor& x, const Tensor& y, const Tensor& sample_weight, DType x_dtype,
                        DType y_dtype) {
  if (!x.defined()) raise<TypeError>(method, ": x is missing.");
  if (x.rank() < 1) raise<ShapeError>(method, ": x must have rows, got shape ", x.shape(), ".");
  if (x.shape()[0] == 0) raise<ValueError>(method, ": x has no rows, its shape is ", x.shape(), ".");
  const auto same_rows = [&](const Tensor& t, std::string_view what) {
    if (!t.defined()) return;
    if (t.rank() < 1) raise<ShapeError>(method, ": ", what, " must have rows, got shape ", t.shape(), ".");
    if (t.shape()[0] != x.shape()[0])
      raise<ShapeError>(method, ": x has ", x.shape()[0], " rows but ", what, " has ", t.shape()[0], ".");
  };
  same_rows(y, "y");
  same_rows(sample_weight, "sample_weight");
  return {
      x.detach(), y.defined() ? y.detach() : y, sample_weight.defined() ? sample_weight.detach() : sample_weight, x_dtype, y_dtype,
      method};
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
