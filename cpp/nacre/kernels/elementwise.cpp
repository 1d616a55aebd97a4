// Puts the elementwise table together; the kernels are in elementwise_{unary,binary,gradient,integer,predicate,cast,move}.cpp.
#include "nacre/kernels/elementwise.h"

#include "nacre/kernels/elementwise_loop.h"

namespace nacre::NACRE_ISA {

void fill_elementwise(ElementwiseTable& t) {
  __builtin_memset(&t, 0, sizeof t);  // null: not defined for that dtype
  fill_unary_float(t);
  fill_binary_float(t);
  fill_gradient(t);
  fill_integer(t);
  fill_predicate(t);
  fill_cast(t);
  fill_move(t);
}

}  // namespace nacre::NACRE_ISA
