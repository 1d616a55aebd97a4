// Reductions whose order cannot change the result: integer sums and products (wrapping in int64), integer max and min, any, all,
// and the arg forms. One output has one owner; a few outputs over many contiguous columns are joined row by row.
#include "nacre/base/threads.h"
#include "nacre/kernels/reduce.h"
#include "nacre/kernels/reduce_chunk.h"
#include "nacre/kernels/reduce_plan.h"

namespace nacre::NACRE_ISA {
namespace {

constexpr int64_t kGrain = 16384;
constexpr int kBlock = 64;  // columns joined at once

// Each op: the type it joins in, its start, and join(a, element). Unsigned arithmetic: wrapping is defined.
struct IntSum {
  template <class T>
  using Total = uint64_t;
  template <class T>
  static constexpr uint64_t start() {
    return 0;
  }
  template <class T>
  static NACRE_INLINE uint64_t join(uint64_t a, T x) {
    return a + static_cast<uint64_t>(static_cast<int64_t>(x));
  }
};
struct IntProduct {
  template <class T>
  using Total = uint64_t;
  template <class T>
  static constexpr uint64_t start() {
    return 1;
  }
  template <class T>
  static NACRE_INLINE uint64_t join(uint64_t a, T x) {
    return a * static_cast<uint64_t>(static_cast<int64_t>(x));
  }
};
template <class T>
constexpr T least_of() {
  if constexpr (sizeof(T) == 1 && T(-1) > T(0))
    return T(0);
  else
    return static_cast<T>(int64_t{-1} << (8 * sizeof(T) - 1));
}
struct IntMax {
  template <class T>
  using Total = T;
  template <class T>
  static constexpr T start() {
    return least_of<T>();
  }
  template <class T>
  static NACRE_INLINE T join(T a, T x) {
    return x > a ? x : a;
  }
};
struct IntMin {
  template <class T>
  using Total = T;
  template <class T>
  static constexpr T start() {
    return static_cast<T>(~least_of<T>());
  }
  template <class T>
  static NACRE_INLINE T join(T a, T x) {
    return x < a ? x : a;
  }
};
struct Any {
  template <class T>
  using Total = uint8_t;
  template <class T>
  static constexpr uint8_t start() {
    return 0;
  }
  template <class T>
  static NACRE_INLINE uint8_t join(uint8_t a, T x) {
    return static_cast<uint8_t>(a | (x != T(0)));
  }
};
struct All {
  template <class T>
  using Total = uint8_t;
  template <class T>
  static constexpr uint8_t start() {
    return 1;
  }
  template <class T>
  static NACRE_INLINE uint8_t join(uint8_t a, T x) {
    return static_cast<uint8_t>(a & (x != T(0)));
  }
};

// Columns are joined together when the last kept axis is contiguous and the reduced one is not.
inline bool by_columns(const ReducePlan& plan) {
  return plan.kept.rank > 0 && plan.kept.inner_stride() == 1 && plan.kept.inner_size() >= 8 &&
         !(plan.reduced.rank == 1 && plan.reduced.strides[0] == 1);
}

// body(output, columns): outputs [output, output + columns) lie side by side in x.
template <class Body>
void for_column_blocks(const ReducePlan& plan, const Body& body) {
  const int64_t width = plan.kept.inner_size(), blocks = ceil_div(width, kBlock), outer = plan.kept.count / max64(1, width);
  parallel_for(outer * blocks, max64(1, kGrain / (max64(1, plan.reduced.count) * kBlock)), [&](int64_t begin, int64_t end, int) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t block = item % blocks;
      body(item / blocks * width + block * kBlock, static_cast<int>(min64(kBlock, width - block * kBlock)));
    }
  });
}

template <class Op, class T, class Out>
void join_all(const ReduceArgs& args, void*) noexcept {
  using Total = typename Op::template Total<T>;
  const ReducePlan plan = plan_reduce(args);
  const T* x = static_cast<const T*>(args.x);
  Out* y = static_cast<Out*>(args.y);
  if (plan.kept.count == 0) return;
  const Axes& reduced = plan.reduced;
  const int64_t stride = reduced.inner_stride();
  if (by_columns(plan)) {
    for_column_blocks(plan, [&](int64_t o, int columns) {
      Total total[kBlock];
      for (int j = 0; j < kBlock; ++j) total[j] = Op::template start<T>();
      const T* base = x + plan.kept.offset_of(o);
      for_runs(reduced, 0, reduced.count, [&](int64_t offset, int64_t count) {
        for (int64_t i = 0; i < count; ++i) {
          const T* row = base + offset + i * stride;
          for (int j = 0; j < columns; ++j) total[j] = Op::template join<T>(total[j], row[j]);
        }
      });
      for (int j = 0; j < columns; ++j) y[o + j] = static_cast<Out>(total[j]);
    });
    return;
  }
  parallel_for(plan.kept.count, max64(1, kGrain / (reduced.count + 16)), [&](int64_t begin, int64_t end, int) {
    for (int64_t o = begin; o < end; ++o) {
      Total total = Op::template start<T>();
      const T* base = x + plan.kept.offset_of(o);
      for_runs(reduced, 0, reduced.count, [&](int64_t offset, int64_t count) {
        const T* run = base + offset;
        if (stride == 1) {
          for (int64_t i = 0; i < count; ++i) total = Op::template join<T>(total, run[i]);
        } else {
          for (int64_t i = 0; i < count; ++i) total = Op::template join<T>(total, run[i * stride]);
        }
      });
      y[o] = static_cast<Out>(total);
    }
  });
}

// x replaces best: larger (smaller), or the first NaN.
template <bool kMax, class T>
NACRE_INLINE bool beats(T x, T best) {
  const bool better = kMax ? x > best : x < best;
  if constexpr (T(0.5) != T(0))
    return better || (x != x && best == best);
  else
    return better;
}

template <bool kMax, class T>
T extreme_row(const T* x, int64_t n) {
  const auto at = NACRE_PACKET_LAMBDA(int64_t i, int some) { return load_some(x + i, some); };
  if constexpr (kMax)
    return fold_row<Largest, T>(n, at);
  else
    return fold_row<Smallest, T>(n, at);
}

template <bool kMax, class T>
void arg_all(const ReduceArgs& args, void*) noexcept {
  const ReducePlan plan = plan_reduce(args);
  const T* x = static_cast<const T*>(args.x);
  int64_t* y = static_cast<int64_t*>(args.y);
  if (plan.kept.count == 0 || plan.reduced.count == 0) return;
  const Axes& reduced = plan.reduced;
  const int64_t stride = reduced.inner_stride();
  if (by_columns(plan)) {
    for_column_blocks(plan, [&](int64_t o, int columns) {
      T best[kBlock];
      int64_t where[kBlock] = {};
      const T* base = x + plan.kept.offset_of(o);
      int64_t position = 0;
      for (int j = 0; j < columns; ++j) best[j] = base[j];
      for_runs(reduced, 0, reduced.count, [&](int64_t offset, int64_t count) {
        for (int64_t i = 0; i < count; ++i, ++position) {
          const T* row = base + offset + i * stride;
          for (int j = 0; j < columns; ++j) {
            const bool wins = beats<kMax>(row[j], best[j]);
            best[j] = wins ? row[j] : best[j];
            where[j] = wins ? position : where[j];
          }
        }
      });
      for (int j = 0; j < columns; ++j) y[o + j] = where[j];
    });
    return;
  }
  const bool rows = reduced.rank == 0 || (reduced.rank == 1 && stride == 1);
  parallel_for(plan.kept.count, max64(1, kGrain / (reduced.count + 16)), [&](int64_t begin, int64_t end, int) {
    for (int64_t o = begin; o < end; ++o) {
      const T* base = x + plan.kept.offset_of(o);
      if constexpr (T(0.5) != T(0)) {
        if (rows && reduced.count >= 64) {  // the extreme value by packets, then its first position
          const T best = extreme_row<kMax>(base, reduced.count);
          int64_t i = 0;
          if (is_nan(best)) {
            while (!is_nan(base[i])) ++i;
          } else {
            while (base[i] != best) ++i;
          }
          y[o] = i;
          continue;
        }
      }
      T best = base[0];
      int64_t where = 0, position = 0;
      for_runs(reduced, 0, reduced.count, [&](int64_t offset, int64_t count) {
        for (int64_t i = 0; i < count; ++i, ++position) {
          const T value = base[offset + i * stride];
          if (beats<kMax>(value, best)) {
            best = value;
            where = position;
          }
        }
      });
      y[o] = where;
    }
  });
}

template <class T>
void fill_any_dtype(ReduceTable& table) {
  const auto at = [&](ReduceKind kind) -> ReduceFn& { return table.reduce[static_cast<int>(kind)][cell<T>()]; };
  at(ReduceKind::any) = join_all<Any, T, uint8_t>;
  at(ReduceKind::all) = join_all<All, T, uint8_t>;
}
template <class T>
void fill_arg(ReduceTable& table) {
  const auto at = [&](ReduceKind kind) -> ReduceFn& { return table.reduce[static_cast<int>(kind)][cell<T>()]; };
  at(ReduceKind::argmax) = arg_all<true, T>;
  at(ReduceKind::argmin) = arg_all<false, T>;
}
// T as stored; a bool is read as uint8_t, its cell is given.
template <class T>
void fill_integer(ReduceTable& table, DType dtype) {
  const auto at = [&](ReduceKind kind) -> ReduceFn& { return table.reduce[static_cast<int>(kind)][static_cast<int>(dtype)]; };
  at(ReduceKind::sum) = join_all<IntSum, T, int64_t>;
  at(ReduceKind::prod) = join_all<IntProduct, T, int64_t>;
  at(ReduceKind::max) = join_all<IntMax, T, T>;
  at(ReduceKind::min) = join_all<IntMin, T, T>;
  at(ReduceKind::any) = join_all<Any, T, uint8_t>;
  at(ReduceKind::all) = join_all<All, T, uint8_t>;
  at(ReduceKind::argmax) = arg_all<true, T>;
  at(ReduceKind::argmin) = arg_all<false, T>;
}

}  // namespace

void fill_reduce_other(ReduceTable& table) {
  fill_any_dtype<float>(table);
  fill_any_dtype<double>(table);
  fill_arg<float>(table);
  fill_arg<double>(table);
  fill_integer<uint8_t>(table, DType::boolean);
  fill_integer<uint8_t>(table, DType::uint8);
  fill_integer<int8_t>(table, DType::int8);
  fill_integer<int32_t>(table, DType::int32);
  fill_integer<int64_t>(table, DType::int64);
}

}  // namespace nacre::NACRE_ISA
