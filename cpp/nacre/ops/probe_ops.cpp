#include <algorithm>
#include <cmath>

#include "nacre/base/half.h"
#include "nacre/ops/probe.h"
#include "nacre/ops/rules.h"

namespace nacre {

namespace op {

namespace {
constexpr Dim kStatistics = 5;  // step, norm, mean, smallest, largest
}

void Probe::infer(const Probe& a, In in, Types&) {
  if (a.bins < 0) raise<ValueError>(name, ": bins must be >= 0, got ", a.bins, ".");
  if (!(a.low < a.high)) raise<ValueError>(name, ": low must be below high, got ", a.low, " and ", a.high, ".");
  const Type &ring = in[0], &x = in[1], &key = in[2];
  if (ring.dtype != DType::float32 && ring.dtype != DType::float64)
    raise<DTypeError>(name, ": ring must be float32 or float64, got ", ring.dtype, ".");
  if (ring.shape.rank() != 2 || ring.shape[0] < 1 || ring.shape[1] < kStatistics || ring.shape[1] - kStatistics != a.bins) {
    raise<ShapeError>(name, ": ring must have shape [rows, ", kStatistics, " + bins], with bins = ", a.bins, ", got ", ring.shape,
                      ".");
  }
  if (!is_float(x.dtype)) raise<DTypeError>(name, ": x must be a float tensor, got ", x.dtype, ".");
  if (x.shape.count() == 0) raise<ShapeError>(name, ": x of shape ", x.shape, " is empty.");
  if (key.dtype != DType::int64 || !(key.shape == Shape{3})) {
    raise<ShapeError>(name, ": key must be int64 [3], got ", key.dtype, " ", key.shape, ".");
  }
}

namespace {

template <class R>
void write_row(const Probe& a, const View& x, std::int64_t step, R* row) {
  const Dim n = x.count(), size = size_of(x.dtype);
  const auto* p = static_cast<const char*>(x.data);
  double squares = 0, sum = 0, least = load_double(p, x.dtype), most = least;
  R* counts = row + kStatistics;
  std::fill(counts, counts + a.bins, R(0));
  const double scale = static_cast<double>(a.bins) / (a.high - a.low);
  for (Dim i = 0; i < n; ++i) {
    const double v = load_double(p + i * size, x.dtype);
    squares += v * v;
    sum += v;
    least = v < least || std::isnan(v) ? v : least;
    most = v > most || std::isnan(v) ? v : most;
    if (a.bins > 0 && v >= a.low && v < a.high) counts[std::min(a.bins - 1, static_cast<Dim>((v - a.low) * scale))] += R(1);
  }
  row[0] = static_cast<R>(step);
  row[1] = static_cast<R>(std::sqrt(squares));
  row[2] = static_cast<R>(sum / static_cast<double>(n));
  row[3] = static_cast<R>(least);
  row[4] = static_cast<R>(most);
}

}  // namespace

void Probe::run(const Probe& a, Views in, Views, Context&) {
  const View& ring = in[0];
  const std::int64_t step = in[2].as<std::int64_t>()[2];
  const Dim rows = ring.shape[0], at = (step % rows + rows) % rows * ring.shape[1];
  if (ring.dtype == DType::float64)
    write_row(a, in[1], step, ring.as<double>() + at);
  else
    write_row(a, in[1], step, ring.as<float>() + at);
}

}  // namespace op

NACRE_DEFINE_OP(Probe)

}  // namespace nacre
