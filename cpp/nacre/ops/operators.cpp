// Weak scalars.
#include "nacre/ops/operators.h"

#include <cmath>

#include "nacre/base/half.h"
#include "nacre/ops/recorder.h"

namespace nacre {

Tensor weak_scalar(double value, const Tensor& other) {
  DType t = other.dtype();
  if (!is_float(t) && value != std::trunc(value)) t = floatx();
  if (t == DType::boolean && value != 0 && value != 1) t = DType::int32;
  Tensor s = Tensor::empty({}, t, "scalar");
  store_double(s.body()->data, t, value);
  if (Recorder* r = recorder()) r->constant(s);
  return s;
}

}  // namespace nacre
