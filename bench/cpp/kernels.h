// The parts of nacre_bench_kernels: each reports the cases of its kernels.
#pragma once

#include "measure.h"
#include "nacre/kernels/table.h"

namespace nacre_bench {

void bench_contractions(const Options& options, const nacre::KernelTable& table);  // gemm, conv, attention
void bench_rows(const Options& options,
                const nacre::KernelTable& table);  // softmax, norms, pooling, elementwise, reductions, optimizers

}  // namespace nacre_bench
