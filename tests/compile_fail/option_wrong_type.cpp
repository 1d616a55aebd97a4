// An option has one type: a text is no axis.
// expect: no match for call to .*OpFn<nacre::op::Softmax>
#include "nacre/ops/ops.h"

nacre::Tensor f(const nacre::Tensor& x) {
#ifdef MISTAKE
  return nacre::softmax(x, {.axis = "last"});
#else
  return nacre::softmax(x, {.axis = -1});
#endif
}
