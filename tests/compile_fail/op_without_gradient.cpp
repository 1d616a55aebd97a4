// An op has a gradient or says why not: one that says nothing does not build.
// expect: an op has a grad, or says why not in not_differentiable
#ifdef MISTAKE
#define FORGET_GRAD
#endif
#include "op_definition.h"
