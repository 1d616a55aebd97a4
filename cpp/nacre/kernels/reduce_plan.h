// Axes of a reduction sorted into kept and reduced ones, with neighbours merged where the strides allow; and walking over them.
#pragma once

#include "nacre/kernels/reduce.h"
#include "nacre/kernels/scalar_math.h"

namespace nacre::NACRE_ISA {
namespace {

// A few axes in row-major order. Position p (0 .. count - 1) lies at element offset offset_of(p).
struct Axes {
  int rank = 0;
  int64_t count = 1;
  int64_t sizes[8], strides[8];  // of the first `rank` axes

  void push(int64_t size, int64_t stride) {
    count *= size;
    if (size == 1) return;
    if (rank > 0 && strides[rank - 1] == stride * size) {  // walks on where the axis before would step
      sizes[rank - 1] *= size;
      strides[rank - 1] = stride;
      return;
    }
    sizes[rank] = size;
    strides[rank] = stride;
    ++rank;
  }
  [[nodiscard]] int64_t offset_of(int64_t p) const {
    int64_t offset = 0;
    for (int i = rank - 1; i > 0; --i) {
      offset += p % sizes[i] * strides[i];
      p /= sizes[i];
    }
    return rank > 0 ? offset + p * strides[0] : 0;
  }
  // Stride and length of the innermost axis; one element when there is none.
  [[nodiscard]] int64_t inner_size() const { return rank > 0 ? sizes[rank - 1] : 1; }
  [[nodiscard]] int64_t inner_stride() const { return rank > 0 ? strides[rank - 1] : 1; }
};

struct ReducePlan {
  Axes kept, reduced;
};

inline ReducePlan plan_reduce(const ReduceArgs& args) {
  ReducePlan plan;
  for (int i = 0; i < args.rank; ++i) {
    Axes& axes = args.axes >> i & 1u ? plan.reduced : plan.kept;
    axes.push(args.sizes[i], args.strides[i]);
  }
  return plan;
}

// Calls run(offset, count) for the runs of the innermost axis that make up positions [begin, end), in order.
template <class Run>
inline void for_runs(const Axes& axes, int64_t begin, int64_t end, const Run& run) {
  const int64_t length = axes.inner_size();
  for (int64_t p = begin; p < end;) {
    const int64_t within = p % length, count = min64(length - within, end - p);
    run(axes.offset_of(p), count);
    p += count;
  }
}

}  // namespace
}  // namespace nacre::NACRE_ISA
