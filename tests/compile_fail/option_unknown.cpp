// A misspelt option is an error, not a default.
// expect: (no match for call to .*OpFn<nacre::op::Softmax>|has no non-static data member named .axes)
#include "nacre/ops/ops.h"

nacre::Tensor f(const nacre::Tensor& x) {
#ifdef MISTAKE
  return nacre::softmax(x, {.axes = 1});
#else
  return nacre::softmax(x, {.axis = 1});
#endif
}
