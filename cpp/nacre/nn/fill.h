// Matrices that initialisers fill: orthonormal and diagonal ones.
#pragma once

#include "nacre/tensor/tensor.h"

namespace nacre::nn {

// `shape` seen as a matrix [all axes but the last, last]: min(rows, columns) orthonormal vectors times gain.
Tensor orthogonal_matrix(const Shape& shape, DType dtype, double gain, const Tensor& key);
// gain where row = column, else 0.
Tensor diagonal_matrix(const Shape& shape, DType dtype, double gain);

}  // namespace nacre::nn
