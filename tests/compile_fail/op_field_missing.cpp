// An attribute that is not listed in `fields` would be invisible to Python, the documentation and the tests.
// expect: every attribute of an op must be listed in its `fields`
#ifdef MISTAKE
#define FORGET_FIELD
#endif
#include "op_definition.h"
