// How assign() is recorded while a graph is captured; set together with set_capturing.
#pragma once

#include "nacre/tensor/tensor.h"

namespace nacre {

void set_capture_assign(void (*assign)(const Tensor& target, const Tensor& value)) noexcept;

}  // namespace nacre
