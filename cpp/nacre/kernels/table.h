// The table of all kernels of one device and instruction set. Ops call through it; a plug-in fills one for its device.
#pragma once

#include "nacre/base/cpu_info.h"
#include "nacre/kernels/attention.h"
#include "nacre/kernels/conv.h"
#include "nacre/kernels/elementwise.h"
#include "nacre/kernels/gemm.h"
#include "nacre/kernels/index.h"
#include "nacre/kernels/norm.h"
#include "nacre/kernels/optim.h"
#include "nacre/kernels/pool.h"
#include "nacre/kernels/random.h"
#include "nacre/kernels/reduce.h"
#include "nacre/kernels/rnn.h"
#include "nacre/kernels/softmax.h"
#include "nacre/kernels/sort.h"

namespace nacre {

struct KernelTable {
  Isa isa = Isa::scalar;
  ElementwiseTable elementwise{};
  GemmTable gemm{};
  ConvTable conv{};
  AttentionTable attention{};
  RnnTable rnn{};
  ReduceTable reduce{};
  SoftmaxTable softmax{};
  NormTable norm{};
  PoolTable pool{};
  OptimTable optim{};
  IndexTable index{};
  RandomTable random{};
  SortTable sort{};
};

// The CPU's table for active_isa(). Made once.
NACRE_API const KernelTable& cpu_kernels();
// The table of a given instruction set (tests walk all of them); ValueError when it is not available.
NACRE_API const KernelTable& kernels_for(Isa isa);

}  // namespace nacre
