// Kernels through the kernel table, GFLOP/s and GB/s beside the peak of the machine measured in the same run.
//   nacre_bench_kernels [--only TEXT] [--threads N] [--ms M]      NACRE_ISA in the environment chooses the instruction set
#include "kernels.h"

#include <cstdio>

#include "nacre/base/cpu_info.h"
#include "nacre/base/threads.h"

int main(int argc, char** argv) {
  const nacre_bench::Options options = nacre_bench::read_options(argc, argv);
  nacre::set_num_threads(options.threads);
  std::printf("instruction set %s, threads %d; median (best .. worst)\n", nacre::isa_name(nacre::active_isa()), options.threads);
  const nacre::KernelTable& table = nacre::kernels_for(nacre::active_isa());
  nacre_bench::bench_contractions(options, table);
  nacre_bench::bench_rows(options, table);
}
