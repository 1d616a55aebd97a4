// Where kernels that read indices or labels report the first bad one. Checked before anything is written; smallest position wins,
// so the report is the same for any number of threads.
#pragma once

#include <stdint.h>

namespace nacre {

struct IndexStatus {
  int32_t flag = 0;      // 1: out of range
  int64_t position = 0;  // flat position among the indices
  int64_t value = 0;     // the index found there
};

}  // namespace nacre
