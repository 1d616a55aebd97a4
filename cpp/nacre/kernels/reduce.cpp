// Float reductions. Every sum has the order of reduce_chunk.h, whichever of the three ways of reading is taken:
//   rows     the reduced axes are one contiguous run;
//   columns  the last kept axis is contiguous: whole rows of 256 bytes are joined at once; sums of whole matrices by column_walk.h;
//   gather   anything else: a chunk is copied to the stack first.
// Work is cut into (outputs x chunks); with several chunks their results pass through scratch and are combined in order.
// Scratch: n_out * n_chunks values, and one value per output for var and logsumexp (which read twice).
#include "nacre/kernels/reduce.h"

#include <string.h>

#include "nacre/base/threads.h"
#include "nacre/kernels/column_walk.h"
#include "nacre/kernels/reduce_chunk.h"
#include "nacre/kernels/reduce_plan.h"
#include "nacre/simd/math.h"

namespace nacre::NACRE_ISA {

void fill_reduce_other(ReduceTable& table);  // reduce_other.cpp
void fill_scan(ReduceTable& table);          // reduce_scan.cpp

namespace {

constexpr int64_t kGrain = 16384;  // elements per piece of work

// What is joined: a function of the element and of one constant per output (null where it needs none).
struct Identity {
  template <class P>
  static NACRE_INLINE P map(P x, P) {
    return x;
  }
};
struct Square {
  template <class P>
  static NACRE_INLINE P map(P x, P) {
    return x * x;
  }
};
struct Magnitude {
  template <class P>
  static NACRE_INLINE P map(P x, P) {
    return abs(x);
  }
};
struct SquaredDeviation {
  template <class P>
  static NACRE_INLINE P map(P x, P c) {
    return (x - c) * (x - c);
  }
};
struct ShiftedExp {
  template <class P>
  static NACRE_INLINE P map(P x, P c) {
    return exp(x - c);
  }
};

template <class T>
void gather(const Axes& axes, int64_t begin, int64_t end, const T* x, T* out) {
  const int64_t stride = axes.inner_stride();
  for_runs(axes, begin, end, [&](int64_t offset, int64_t count) {
    const T* source = x + offset;
    if (stride == 1) {
      memcpy(out, source, static_cast<size_t>(count) * sizeof(T));
    } else {
      for (int64_t i = 0; i < count; ++i) out[i] = source[i * stride];
    }
    out += count;
  });
}

// finish(o, total) is called once for each output o, from the thread that owns it.
template <class Op, class Map, class T, class Finish>
void fold_all(const ReducePlan& plan, const T* x, const T* constants, T* partial, const Finish& finish) {
  using Total = TotalOf<Op, T>;
  const Axes &kept = plan.kept, &reduced = plan.reduced;
  const int64_t n_out = kept.count, n = reduced.count, chunks = max64(1, ceil_div(n, kChunk));
  if (n_out == 0) return;
  const auto deliver = [&](int64_t o, int64_t chunk, T value) {
    if (chunks == 1)
      finish(o, Op::join_one(Op::template identity<Total>(), static_cast<Total>(value)));
    else
      partial[chunk * n_out + o] = value;
  };
  const bool rows = reduced.rank == 0 || (reduced.rank == 1 && reduced.strides[0] == 1);
  const bool columns = !rows && kept.rank > 0 && kept.inner_stride() == 1 && kept.inner_size() >= 2;
  if (columns) {
    const int64_t width = kept.inner_size(), blocks = ceil_div(width, kColumns<T>), outer = n_out / width;
    const int64_t row_stride = reduced.rank == 1 ? reduced.strides[0] : 0;
    parallel_for(outer * blocks * chunks, max64(1, kGrain / (min64(n, kChunk) * min64(width, kColumns<T>) + 1)),
                 [&](int64_t begin, int64_t end, int) {
                   T part[kColumns<T>];
                   for (int64_t item = begin; item < end; ++item) {
                     const int64_t chunk = item % chunks, block = item / chunks % blocks,
                                   first = item / chunks / blocks * width + block * kColumns<T>;
                     const int count = static_cast<int>(min64(kColumns<T>, width - block * kColumns<T>));
                     const T* base = x + kept.offset_of(first);
                     const int64_t row0 = chunk * kChunk;
                     const T* c = constants ? constants + first : nullptr;
                     const auto map = NACRE_PACKET_LAMBDA(const T* source, int j, int some) {
                       return Map::map(load_some(source + j, some), c ? load_some(c + j, some) : Packet<T>::zero());
                     };
                     const int64_t length = min64(kChunk, n - row0);
                     if (row_stride) {
                       fold_columns<Op, T>(
                           length, count, [&](int64_t r) { return base + (row0 + r) * row_stride; }, map, part);
                     } else {
                       fold_columns<Op, T>(
                           length, count, [&](int64_t r) { return base + reduced.offset_of(row0 + r); }, map, part);
                     }
                     for (int j = 0; j < count; ++j) deliver(first + j, chunk, part[j]);
                   }
                 });
  } else {
    parallel_for(n_out * chunks, max64(1, kGrain / (min64(n, kChunk) + 16)), [&](int64_t begin, int64_t end, int) {
      alignas(64) T buffer[kChunk];
      for (int64_t item = begin; item < end; ++item) {
        const int64_t o = item / chunks, chunk = item % chunks, first = chunk * kChunk, length = min64(kChunk, n - first);
        const T* source = x + kept.offset_of(o);
        if (rows) {
          source += first;
        } else {
          gather(reduced, first, first + length, source, buffer);
          source = buffer;
        }
        const Packet<T> c = constants ? Packet<T>::set1(constants[o]) : Packet<T>::zero();
        deliver(o, chunk,
                fold_chunk<Op, T>(
                    length, NACRE_PACKET_LAMBDA(int64_t i, int some) { return Map::map(load_some(source + i, some), c); }));
      }
    });
  }
  if (chunks > 1) {
    parallel_for(n_out, max64(1, kGrain / chunks), [&](int64_t begin, int64_t end, int) {
      for (int64_t o = begin; o < end; ++o) {
        Total total = Op::template identity<Total>();
        for (int64_t chunk = 0; chunk < chunks; ++chunk)
          total = Op::join_one(total, static_cast<Total>(partial[chunk * n_out + o]));
        finish(o, total);
      }
    });
  }
}

// Sums over the leading axes of a contiguous array.
bool is_matrix(const ReducePlan& plan) {
  const Axes &kept = plan.kept, &reduced = plan.reduced;
  return reduced.rank == 1 && kept.rank == 1 && kept.strides[0] == 1 && reduced.strides[0] == kept.sizes[0];
}

// Sums of columns of at most kLanes rows, which every lane has one of: folded from the rows themselves.
template <class T>
NACRE_INLINE void sum_few_rows(const T* x, int64_t rows, int64_t columns, double divisor, T* y) {
  constexpr int size = Packet<T>::size;
  int64_t first = kLanes / 2;
  while (first >= rows && first > 1) first /= 2;
  const auto fold = NACRE_PACKET_LAMBDA(const T* at, T* to, int some) {
    Packet<T> part[kLanes / 2];
    const int64_t pairs = rows > first ? rows - first : 0;
    int64_t l = 0;
    for (; l < pairs; ++l) part[l] = load_some(at + l * columns, some) + load_some(at + (l + first) * columns, some);
    for (; l < first; ++l) part[l] = load_some(at + l * columns, some);
    for (int64_t half = first / 2; half > 0; half /= 2) {
      for (l = 0; l < half; ++l) part[l] = part[l] + part[l + half];
    }
    const Packet<T> total = part[0] + Packet<T>::zero();  // sums begin with 0: never -0
    if (divisor == 1) return store_some(to, some, total);
    T out[size];
    total.store(out);
    for (int k = 0; k < some; ++k) to[k] = static_cast<T>(static_cast<double>(out[k]) / divisor);
  };
  int64_t j = 0;
  for (; j + size <= columns; j += size) fold(x + j, y + j, size);
  if (j < columns) fold(x + j, y + j, static_cast<int>(columns - j));
}

constexpr int64_t kFewElements =
    4096;  // of a matrix whose columns are walked one packet after the other: it stays in the first cache

template <class T>
void sum_over(const ReduceArgs& args, const ReducePlan& plan, double divisor, void* scratch) {
  T *y = static_cast<T*>(args.y), *x = static_cast<T*>(const_cast<void*>(args.x)), *partial = static_cast<T*>(scratch);
  if (!args.before && !is_matrix(plan)) {
    fold_all<Add, Identity>(plan, static_cast<const T*>(x), static_cast<const T*>(nullptr), partial,
                            [&](int64_t o, double total) { y[o] = static_cast<T>(total / divisor); });
    return;
  }
  const int64_t rows = plan.reduced.count, columns = plan.kept.count;
  if (!args.before && rows > 0 && rows <= kLanes && rows * columns <= kFewElements)
    return sum_few_rows<T>(x, rows, columns, divisor, y);
  const T* const none[] = {nullptr};
  column_sums<1>(
      rows, columns, TileSource<T>{x, args.before}, none, true,
      NACRE_PACKET_VALUES(Packet<T> v, int64_t, int64_t, int64_t, int, const auto&, Packet<T>(&out)[1]) { out[0] = v; }, partial,
      [&](int, int64_t j, double total) { y[j] = static_cast<T>(total / divisor); });
}

template <class T>
void sum(const ReduceArgs& args, void* scratch) noexcept {
  sum_over<T>(args, plan_reduce(args), 1.0, scratch);
}

template <class T>
void mean(const ReduceArgs& args, void* scratch) noexcept {
  const ReducePlan plan = plan_reduce(args);
  sum_over<T>(args, plan, static_cast<double>(plan.reduced.count), scratch);
}

template <class T, class Op, class Map>
void simple(const ReduceArgs& args, void* scratch) noexcept {
  T* y = static_cast<T*>(args.y);
  fold_all<Op, Map>(plan_reduce(args), static_cast<const T*>(args.x), static_cast<const T*>(nullptr), static_cast<T*>(scratch),
                    [&](int64_t o, auto total) { y[o] = static_cast<T>(total); });
}

// The mean is rounded to T for the second pass; what that loses, n * (mean - rounded)^2, is taken off again.
template <class T>
void variance(const ReduceArgs& args, void* scratch) noexcept {
  T *y = static_cast<T*>(args.y), *means = static_cast<T*>(args.y2), *center = static_cast<T*>(scratch);
  const ReducePlan plan = plan_reduce(args);
  double* rest = reinterpret_cast<double*>(center + 2 * plan.kept.count);  // 2 * 4 * count bytes keep it 8-byte aligned
  T* partial = reinterpret_cast<T*>(rest + plan.kept.count);
  const T* x = static_cast<const T*>(args.x);
  const double n = static_cast<double>(plan.reduced.count), divisor = n - args.correction;
  fold_all<Add, Identity>(plan, x, static_cast<const T*>(nullptr), partial, [&](int64_t o, double total) {
    const double m = total / n;
    center[o] = static_cast<T>(m);
    rest[o] = m - static_cast<double>(center[o]);
    if (means) means[o] = center[o];
  });
  fold_all<Add, SquaredDeviation>(plan, x, center, partial, [&](int64_t o, double total) {
    const double squares = total - n * rest[o] * rest[o];
    y[o] = static_cast<T>(divisor > 0 ? (squares < 0 ? 0.0 : squares) / divisor : static_cast<double>(__builtin_nanf("")));
  });
}

template <class T>
void logsumexp(const ReduceArgs& args, void* scratch) noexcept {
  T *y = static_cast<T*>(args.y), *largest = static_cast<T*>(scratch);
  const ReducePlan plan = plan_reduce(args);
  T* partial = largest + plan.kept.count;
  const T* x = static_cast<const T*>(args.x);
  constexpr T inf = static_cast<T>(__builtin_inff());
  fold_all<Largest, Identity>(plan, x, static_cast<const T*>(nullptr), partial, [&](int64_t o, T m) { largest[o] = m; });
  // inf - inf would be NaN: rows whose largest value is infinite are shifted by nothing and decided at the end.
  fold_all<Add, ShiftedExp>(plan, x, largest, partial, [&](int64_t o, double total) {
    const T m = largest[o];
    y[o] = m == inf || m == -inf ? m : static_cast<T>(static_cast<double>(m) + c_log(total));
  });
}

int64_t reduce_scratch(ReduceKind kind, DType dtype, const ReduceArgs& args) noexcept {
  if (dtype != DType::float32 && dtype != DType::float64) return 0;
  if (kind == ReduceKind::any || kind == ReduceKind::all || kind == ReduceKind::argmax || kind == ReduceKind::argmin) return 0;
  int64_t n_out = 1, n = 1;
  for (int i = 0; i < args.rank; ++i) (args.axes >> i & 1u ? n : n_out) *= args.sizes[i];
  const int64_t size = size_of(dtype), chunks = ceil_div(n, kChunk);
  int64_t values = chunks > 1 ? n_out * chunks : 0;
  int64_t bytes = 0;
  if (kind == ReduceKind::var) bytes = n_out * 8;
  if (kind == ReduceKind::var) values += 2 * n_out;
  if (kind == ReduceKind::logsumexp) values += n_out;
  return bytes + values * size;
}

template <class T>
void fill_floats(ReduceTable& table) {
  const auto at = [&](ReduceKind kind) -> ReduceFn& { return table.reduce[static_cast<int>(kind)][cell<T>()]; };
  at(ReduceKind::sum) = sum<T>;
  at(ReduceKind::prod) = simple<T, Multiply, Identity>;
  at(ReduceKind::max) = simple<T, Largest, Identity>;
  at(ReduceKind::min) = simple<T, Smallest, Identity>;
  at(ReduceKind::sum_sq) = simple<T, Add, Square>;
  at(ReduceKind::sum_abs) = simple<T, Add, Magnitude>;
  at(ReduceKind::logsumexp) = logsumexp<T>;
  at(ReduceKind::mean) = mean<T>;
  at(ReduceKind::var) = variance<T>;
}

}  // namespace

void fill_reduce(ReduceTable& table) {
  table = {};
  fill_floats<float>(table);
  fill_floats<double>(table);
  table.reduce_scratch = reduce_scratch;
  fill_reduce_other(table);
  fill_scan(table);
}

}  // namespace nacre::NACRE_ISA
