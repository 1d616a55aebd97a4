// Cross-entropy of rows with few classes and a label each: a packet holds one class of several rows, so that no lane is idle and rows do not wait for
// the folding of one another. Sums keep the order of reduce_chunk.h.
#pragma once

#include "nacre/kernels/reduce_chunk.h"
#include "nacre/kernels/softmax.h"
#include "nacre/simd/math.h"

namespace nacre::NACRE_ISA {
namespace {

constexpr int kFewClasses = 16;
constexpr int kFewRows = 64;  // rows of a block

// As it stands: vectorised, the loop would mostly be preparation for it.
template <class T>
NACRE_INLINE void copy_apart(const T* from, int64_t from_step, T* to, int64_t to_step, int n) {
  for (int i = 0; i < n; ++i, from += from_step, to += to_step) {
    __asm__ volatile("");
    *to = *from;
  }
}

// A block of rows, class by class: value (row r, class c) at c * kFewRows + r.
template <class T>
struct FewBlock {
  alignas(64) T x[kFewClasses * kFewRows];  // logits; in the gradient exp(x - largest)
  alignas(64) T largest[kFewRows];
  alignas(64) T sum[kFewRows];  // of exp(x - largest)
  int packets;

  // Rows [0, count) of logits [count, n].
  NACRE_INLINE void load(const T* logits, int count, int n) {
    constexpr int size = Packet<T>::size;
    packets = (count + size - 1) / size;
    for (int c = 0; c < n; ++c) {
      T* to = x + c * kFewRows;
      copy_apart(logits + c, n, to, 1, count);
      for (int r = count; r < packets * size; ++r) to[r] = to[count - 1];  // lanes past the end repeat the last row
    }
  }
  template <bool kKeep>
  NACRE_INLINE void fold(int n) {
    constexpr int size = Packet<T>::size;
    for (int at = 0; at < packets * size; at += size) {
      Packet<T> m = Packet<T>::load(x + at), s[kFewClasses];
      for (int c = 1; c < n; ++c) m = Largest::join(m, Packet<T>::load(x + c * kFewRows + at));
      for (int c = 0; c < n; ++c) {
        s[c] = simd::exp_negative(Packet<T>::load(x + c * kFewRows + at) - m);
        if constexpr (kKeep) s[c].store(x + c * kFewRows + at);
      }
      for (int half = kFewClasses / 2; half > 0; half /= 2) {
        for (int c = 0; c < half && c + half < n; ++c) s[c] = s[c] + s[c + half];
      }
      m.store(largest + at);
      s[0].store(sum + at);
    }
  }
};

// Rows [begin, end). `label(r)` is the class of row r.
template <class T, class Label>
void few_cross_entropy(const CrossEntropyArgs& args, int64_t begin, int64_t end, const Label& label) {
  using P = Packet<T>;
  const int n = static_cast<int>(args.classes);
  T *lse = static_cast<T*>(args.lse), *loss = static_cast<T*>(args.loss);
  FewBlock<T> b;
  alignas(64) T picked[kFewRows] = {};  // the logit of each label
  for (int64_t r0 = begin; r0 < end; r0 += kFewRows) {
    const int count = static_cast<int>(min64(kFewRows, end - r0));
    const T* x = static_cast<const T*>(args.logits) + r0 * n;
    b.load(x, count, n);
    b.template fold<false>(n);
    for (int r = 0; r < count; ++r) picked[r] = x[r * n + label(r0 + r)];
    for (int at = 0; at < count; at += P::size) {
      const int some = count - at < P::size ? count - at : P::size;
      const P m = P::load(b.largest + at), log_sum = simd::log(P::load(b.sum + at));
      if (lse) store_some(lse + r0 + at, some, m + log_sum);
      if (loss) store_some(loss + r0 + at, some, log_sum - (P::load(picked + at) - m));
    }
  }
}

template <class T, class Label>
void few_cross_entropy_grad(const CrossEntropyArgs& args, int64_t begin, int64_t end, const Label& label) {
  using P = Packet<T>;
  const int n = static_cast<int>(args.classes);
  const T* dloss = static_cast<const T*>(args.dloss);
  FewBlock<T> b;
  alignas(64) T d[kFewRows] = {}, at_label[kFewRows] = {};
  for (int64_t r0 = begin; r0 < end; r0 += kFewRows) {
    const int count = static_cast<int>(min64(kFewRows, end - r0));
    T* dx = static_cast<T*>(args.dlogits) + r0 * n;
    b.load(static_cast<const T*>(args.logits) + r0 * n, count, n);
    b.template fold<true>(n);
    for (int r = 0; r < count; ++r) {
      d[r] = dloss[(r0 + r) * args.dloss_stride];
      at_label[r] = b.x[label(r0 + r) * kFewRows + r];
    }
    for (int at = 0; at < count; at += P::size) {
      const P sum = P::load(b.sum + at), scale = P::set1(T(1)) / sum, by = P::load(d + at);
      for (int c = 0; c < n; ++c) {
        T* e = b.x + c * kFewRows + at;
        (P::load(e) * scale * by).store(e);
      }
      // p - 1 without cancellation: e - sum is exact where p is near 1.
      ((P::load(at_label + at) - sum) * scale * by).store(at_label + at);
    }
    for (int c = 0; c < n; ++c) copy_apart(b.x + c * kFewRows, 1, dx + c, n, count);
    for (int r = 0; r < count; ++r) dx[r * n + label(r0 + r)] = at_label[r];
  }
}

}  // namespace
}  // namespace nacre::NACRE_ISA
