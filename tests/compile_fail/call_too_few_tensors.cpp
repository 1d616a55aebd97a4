// Inputs that are not optional must be given.
// expect: no match for call to .*OpFn<nacre::op::Matmul>
#include "nacre/ops/ops.h"

nacre::Tensor f(const nacre::Tensor& x) {
#ifdef MISTAKE
  return nacre::matmul(x);
#else
  return nacre::matmul(x, x, {.transpose_b = true});
#endif
}
