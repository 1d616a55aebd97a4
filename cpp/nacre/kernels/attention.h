// Scaled dot-product attention without the Tq x Tk matrix in memory, forward and backward, float32 and float64.
//
//   s = scale * q k^T + add_mask, -inf where bool_mask is false or (causal) key > query + causal_offset;   p = softmax(s);   o = p v
//   lse = log sum_j exp(s_j)  [B,H,Tq] is saved. A fully masked row gives o = 0 and lse = -inf, and zero gradients.
//   delta = rowsum(do * o);  ds = p * (do v^T - delta);  dq = scale ds k;  dk = scale ds^T q;  dv = p^T do
// q [B,H,Tq,D], k [B,H,Tk,D], v [B,H,Tk,Dv], o [B,H,Tq,Dv]; strides for B, H and T, last axis contiguous.
// Blocks of queries and keys with a running maximum and sum (Milakov and Gimelshein 2018; Dao et al. 2022, FlashAttention).
// Each query block owns its o and dq, each key block its dk and dv: bits do not depend on the number of threads.
#pragma once

#include <cstdint>

#include "nacre/base/dtype.h"
#include "nacre/base/threads.h"

namespace nacre {

// A [B,H,T,width] operand: element (b,h,t,i) at data[b*stride_b + h*stride_h + t*stride_t + i]. Strides in elements.
struct AttentionOperand {
  void* data = nullptr;  // inputs are only read
  std::int64_t stride_b = 0, stride_h = 0, stride_t = 0;
};
// A mask [B,H,Tq,Tk] with broadcast (zero) strides where it repeats. data null: no mask.
struct AttentionMask {
  const void* data = nullptr;
  std::int64_t stride_b = 0, stride_h = 0, stride_q = 0, stride_k = 0;
};

struct AttentionArgs {
  DType dtype = DType::float32;
  bool causal = false;  // query i sees keys 0 .. i + causal_offset
  // 0: lower triangle, as Keras and PyTorch also when Tq != Tk; Tk - Tq: aligned at the end (key cache)
  std::int64_t causal_offset = 0;
  std::int64_t batch = 0, heads = 0, queries = 0, keys = 0, width = 0, value_width = 0;
  double scale = 1.0;  // usually 1 / sqrt(width)
  AttentionOperand q, k, v, o;
  AttentionMask bool_mask;  // bytes, true (1) = may attend
  AttentionMask add_mask;   // of dtype, added to the scaled scores; -inf masks
  void* lse = nullptr;      // [B,H,Tq] contiguous, of dtype; forward writes it (null: not wanted), backward reads it
  // backward only: reads q k v o lse do, writes dq dk dv
  AttentionOperand dout, dq, dk, dv;
  int threads = num_threads();
};

struct AttentionTable {
  // Bytes of scratch (64-byte aligned); pointers are not looked at.
  std::int64_t (*forward_scratch)(const AttentionArgs&) noexcept = nullptr;
  std::int64_t (*backward_scratch)(const AttentionArgs&) noexcept = nullptr;
  void (*forward)(const AttentionArgs&, void* scratch) noexcept = nullptr;
  void (*backward)(const AttentionArgs&, void* scratch) noexcept = nullptr;
};

}  // namespace nacre
