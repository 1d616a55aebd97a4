// Matrix product C = act(A B [+ C] [+ bias]), batched, for float32, float64, int32 and int64 (integers wrap around).
//
// A [M,K], B [K,N], C [M,N], row major with a leading stride each; either input may be given transposed, so Linear's dx and dW need no
// copy. Bits of the result depend on dtype, sizes (the batch's too) and transposes only, never on the number of threads: K is cut at
// fixed places, summed in one order, and each tile of C has one owner. Empty sizes are fine: K = 0 gives act(0 [+ C] [+ bias]).
// C must not overlap A, B or bias. Non-finite values propagate; beta-like rereading of C happens only with `accumulate`.
#pragma once

#include <cstdint>

#include "nacre/base/dtype.h"
#include "nacre/base/threads.h"
#include "nacre/kernels/tile_hook.h"

namespace nacre {

enum class Activation : std::uint8_t { none, relu };  // relu keeps NaN

inline constexpr int kMaxBatchRank = 6;

struct GemmArgs {
  DType dtype = DType::float32;
  bool trans_a = false, trans_b = false;
  bool accumulate = false;  // C += instead of C =
  Activation activation = Activation::none;
  std::int64_t m = 0, n = 0, k = 0;
  const void* a = nullptr;  // element (i, p) at a[i * lda + p], with trans_a at a[p * lda + i]
  const void* b = nullptr;  // element (p, j) at b[p * ldb + j], with trans_b at b[j * ldb + p]
  void* c = nullptr;        // element (i, j) at c[i * ldc + j]
  std::int64_t lda = 0, ldb = 0, ldc = 0;
  const void* bias = nullptr;  // [N], shared by the batch; or null
  // Batch: the product is repeated over batch_dims, each operand moving by its own strides (in elements; 0 repeats).
  // A broadcast B (all strides zero) is best folded into M by the caller. c's strides must give disjoint matrices.
  int batch_rank = 0;
  std::int64_t batch_dims[kMaxBatchRank] = {};
  std::int64_t batch_stride_a[kMaxBatchRank] = {}, batch_stride_b[kMaxBatchRank] = {}, batch_stride_c[kMaxBatchRank] = {};
  TileHook after;  // floats; C without gaps, matrices of a batch side by side: takes runs of C, from its first element on
  int threads = num_threads();  // workers that may take part; scratch is sized for them
};

// A product with everything decided: which path, cuts, tiles. Plain memory; for one set of pointers and number of threads.
struct PreparedGemm {
  alignas(16) unsigned char state[768];
  std::int64_t scratch_bytes = 0;
  void (*run)(const void* state, void* scratch) noexcept = nullptr;
};

struct GemmTable {
  // Bytes of scratch (64-byte aligned) that gemm wants for these arguments; pointers are not looked at. May be 0.
  std::int64_t (*scratch_bytes)(const GemmArgs&) noexcept = nullptr;
  // dtype float32, float64, int32, int64; arguments were checked by the caller.
  void (*gemm)(const GemmArgs&, void* scratch) noexcept = nullptr;
  // The same in two parts, for calls that are made again and again: prepared.run(prepared.state, scratch).
  void (*prepare)(const GemmArgs&, PreparedGemm&) noexcept = nullptr;
};

}  // namespace nacre
