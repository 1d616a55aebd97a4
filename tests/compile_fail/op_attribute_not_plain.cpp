// Attributes are copied as bytes into nodes of the tape, so they must be plain values.
// expect: op attributes are plain values
#ifdef MISTAKE
#define TEXT_ATTRIBUTE
#endif
#include "op_definition.h"
