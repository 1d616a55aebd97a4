// Fills one table per instruction set at its first use and hands out the active one.
#include "nacre/kernels/table.h"

#include "nacre/base/error.h"

namespace nacre {

#define NACRE_DECLARE_FILLS(isa)            \
  namespace isa {                           \
  void fill_elementwise(ElementwiseTable&); \
  void fill_gemm(GemmTable&);               \
  void fill_conv(ConvTable&);               \
  void fill_attention(AttentionTable&);     \
  void fill_rnn(RnnTable&);                 \
  void fill_reduce(ReduceTable&);           \
  void fill_softmax(SoftmaxTable&);         \
  void fill_norm(NormTable&);               \
  void fill_pool(PoolTable&);               \
  void fill_optim(OptimTable&);             \
  void fill_index(IndexTable&);             \
  void fill_random(RandomTable&);           \
  void fill_sort(SortTable&);               \
  }
NACRE_DECLARE_FILLS(isa_scalar)
NACRE_DECLARE_FILLS(isa_avx2)
NACRE_DECLARE_FILLS(isa_avx512)
NACRE_DECLARE_FILLS(isa_neon)

namespace {

#define NACRE_TABLE(name)                        \
  [] {                                           \
    KernelTable t;                               \
    t.isa = Isa::name;                           \
    isa_##name::fill_elementwise(t.elementwise); \
    isa_##name::fill_gemm(t.gemm);               \
    isa_##name::fill_conv(t.conv);               \
    isa_##name::fill_attention(t.attention);     \
    isa_##name::fill_rnn(t.rnn);                 \
    isa_##name::fill_reduce(t.reduce);           \
    isa_##name::fill_softmax(t.softmax);         \
    isa_##name::fill_norm(t.norm);               \
    isa_##name::fill_pool(t.pool);               \
    isa_##name::fill_optim(t.optim);             \
    isa_##name::fill_index(t.index);             \
    isa_##name::fill_random(t.random);           \
    isa_##name::fill_sort(t.sort);               \
    return t;                                    \
  }()

}  // namespace

const KernelTable& kernels_for(Isa isa) {
  if (!isa_available(isa)) raise<ValueError>("kernels: the instruction set ", isa_name(isa), " is not available on this machine.");
#if defined(NACRE_HAVE_AVX2)
  if (isa == Isa::avx2) {
    static const KernelTable table = NACRE_TABLE(avx2);
    return table;
  }
#endif
#if defined(NACRE_HAVE_AVX512)
  if (isa == Isa::avx512) {
    static const KernelTable table = NACRE_TABLE(avx512);
    return table;
  }
#endif
#if defined(NACRE_HAVE_NEON)
  if (isa == Isa::neon) {
    static const KernelTable table = NACRE_TABLE(neon);
    return table;
  }
#endif
  static const KernelTable table = NACRE_TABLE(scalar);
  return table;
}

const KernelTable& cpu_kernels() {
  static const KernelTable& table = kernels_for(active_isa());
  return table;
}

}  // namespace nacre
