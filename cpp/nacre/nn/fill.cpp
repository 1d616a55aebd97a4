// Orthonormal vectors from normal ones by Gram-Schmidt in double. Projecting twice leaves them orthogonal to rounding error (Giraud, Langou
// and Rozloznik 2005). The normal distribution has no preferred direction, so the result is uniform over all orthonormal sets.
#include "nacre/nn/fill.h"

#include <algorithm>
#include <cmath>

#include "nacre/ops/ops.h"

namespace nacre::nn {

Tensor orthogonal_matrix(const Shape& shape, DType dtype, double gain, const Tensor& key) {
  const Dim columns = shape.back(), rows = columns ? shape.count() / columns : 0;
  const Dim n = std::min(rows, columns), length = std::max(rows, columns);
  const Tensor drawn = random_normal(key, {.shape = {n, length}, .dtype = DType::float64});
  double* v = drawn.data<double>();
  const auto dot = [&](const double* a, const double* b) {
    double s = 0;
    for (Dim k = 0; k < length; ++k) s += a[k] * b[k];
    return s;
  };
  for (Dim i = 0; i < n; ++i) {
    double* a = v + i * length;
    for (int pass = 0; pass < 2; ++pass) {
      for (Dim j = 0; j < i; ++j) {
        const double* b = v + j * length;
        const double c = dot(a, b);
        for (Dim k = 0; k < length; ++k) a[k] -= c * b[k];
      }
    }
    const double norm = std::sqrt(dot(a, a));
    for (Dim k = 0; k < length; ++k) a[k] /= norm;
  }
  Tensor out = Tensor::empty({rows, columns}, dtype, "Orthogonal");
  const auto fill = [&]<class T>(T* o) {
    for (Dim r = 0; r < rows; ++r) {
      for (Dim c = 0; c < columns; ++c)
        o[r * columns + c] = static_cast<T>(gain * (rows >= columns ? v[c * length + r] : v[r * length + c]));
    }
  };
  if (dtype == DType::float64)
    fill(out.data<double>());
  else
    fill(out.data<float>());
  return reshape(out, {.newshape = shape});
}

Tensor diagonal_matrix(const Shape& shape, DType dtype, double gain) {
  Tensor out = full({.shape = shape, .value = 0, .dtype = dtype});
  for (Dim i = 0; i < std::min(shape[0], shape[1]); ++i) {
    if (dtype == DType::float64)
      out.data<double>()[i * shape[1] + i] = gain;
    else
      out.data<float>()[i * shape[1] + i] = static_cast<float>(gain);
  }
  return out;
}

}  // namespace nacre::nn
