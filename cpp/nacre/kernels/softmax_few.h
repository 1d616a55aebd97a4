// Cross-entropy of rows with few classes and a label each: a packet holds one class of several rows, so that no lane is idle and rows do not wait for
// the folding of one another. Sums keep the order of reduce_chunk.h: the bits are those of the path by rows (softmax.cpp).
#pragma once

#include "nacre/kernels/reduce_chunk.h"
#include "nacre/kernels/softmax.h"
#include "nacre/simd/math.h"

namespace nacre::NACRE_ISA {
namespace {

constexpr int kFewClasses = 16;
constexpr int kFewRows = 64;  // rows of a block

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
    for (int r = 0; r < packets * size; ++r) {
      const T* row = logits + static_cast<int64_t>(r < count ? r : count - 1) * n;  // lanes past the end repeat the last row
      for (int c = 0; c < n; ++c) x[c * kFewRows + r] = row[c];
    }
  }
  template <bool kKeep>
  NACRE_INLINE void fold(int n) {
    constexpr int size = Packet<T>::size;
    for (int at = 0; at < packets * size; at += size) {
      Packet<T> m = Packet<T>::load(x + at), s[kFewClasses];
      for (int c = 1; c < n; ++c) m = Largest::join(m, Packet<T>::load(x + c * kFewRows + at));
      for (int c = 0; c < n; ++c) {
        s[c] = exp(Packet<T>::load(x + c * kFewRows + at) - m);
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
  const int n = static_cast<int>(args.classes);
  FewBlock<T> b;
  for (int64_t r0 = begin; r0 < end; r0 += kFewRows) {
    const int count = static_cast<int>(min64(kFewRows, end - r0));
    const T* x = static_cast<const T*>(args.logits) + r0 * n;
    b.load(x, count, n);
    b.template fold<false>(n);
    for (int r = 0; r < count; ++r) {
      const double log_sum = c_log(static_cast<double>(b.sum[r]));
      if (args.lse) static_cast<T*>(args.lse)[r0 + r] = static_cast<T>(static_cast<double>(b.largest[r]) + log_sum);
      if (args.loss)
        static_cast<T*>(args.loss)[r0 + r] = static_cast<T>(log_sum - static_cast<double>(x[r * n + label(r0 + r)] - b.largest[r]));
    }
  }
}

template <class T, class Label>
void few_cross_entropy_grad(const CrossEntropyArgs& args, int64_t begin, int64_t end, const Label& label) {
  constexpr int size = Packet<T>::size;
  const int n = static_cast<int>(args.classes);
  const T* dloss = static_cast<const T*>(args.dloss);
  FewBlock<T> b;
  alignas(64) T scale[kFewRows], d[kFewRows], at_label[kFewRows];
  for (int64_t r0 = begin; r0 < end; r0 += kFewRows) {
    const int count = static_cast<int>(min64(kFewRows, end - r0));
    T* dx = static_cast<T*>(args.dlogits) + r0 * n;
    b.load(static_cast<const T*>(args.logits) + r0 * n, count, n);
    b.template fold<true>(n);
    for (int r = 0; r < b.packets * size; ++r) {
      const int64_t row = r0 + (r < count ? r : count - 1);
      const double sum = static_cast<double>(b.sum[r]);
      d[r] = dloss[row * args.dloss_stride];
      scale[r] = static_cast<T>(1.0 / sum);
      at_label[r] = static_cast<T>((static_cast<double>(b.x[label(row) * kFewRows + r]) / sum - 1.0) * static_cast<double>(d[r]));
    }
    for (int c = 0; c < n; ++c) {
      for (int at = 0; at < b.packets * size; at += size) {
        T* e = b.x + c * kFewRows + at;
        (Packet<T>::load(e) * Packet<T>::load(scale + at) * Packet<T>::load(d + at)).store(e);
      }
    }
    for (int r = 0; r < count; ++r) {
      for (int c = 0; c < n; ++c) dx[r * n + c] = b.x[c * kFewRows + r];
      dx[r * n + label(r0 + r)] = at_label[r];
    }
  }
}

}  // namespace
}  // namespace nacre::NACRE_ISA
