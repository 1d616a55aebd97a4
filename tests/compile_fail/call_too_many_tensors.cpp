// An op function takes as many tensors as the op has inputs.
// expect: no match for call to .*OpFn<nacre::op::Softmax>
#include "nacre/ops/ops.h"

nacre::Tensor f(const nacre::Tensor& x) {
#ifdef MISTAKE
  return nacre::softmax(x, x);
#else
  return nacre::softmax(x, {.axis = 0});
#endif
}
