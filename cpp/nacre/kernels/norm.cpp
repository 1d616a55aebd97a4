// The table of normalisation kernels; their bodies are in norm_layer.cpp, norm_batch.cpp and norm_group.cpp.
#include "nacre/kernels/norm.h"

#include "nacre/kernels/norm_common.h"

namespace nacre::NACRE_ISA {

void fill_norm(NormTable& table) {
  table = {};
  fill_layer_norm(table);
  fill_batch_norm(table);
  fill_group_norm(table);
}

}  // namespace nacre::NACRE_ISA
