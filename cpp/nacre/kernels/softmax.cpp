// Softmax, log-softmax, gradients, cross-entropy. Rows (inner = 1) are read by packets along the class axis; otherwise 256 bytes
// of columns are carried down the class axis together. Sums have the order of reduce_chunk.h in both, so the two agree in bits.
// A row is read three times (largest, exp and sum, scale), from L1 after the first.
#include "nacre/kernels/softmax.h"

#include "nacre/base/threads.h"
#include "nacre/kernels/index_check.h"
#include "nacre/kernels/reduce_chunk.h"
#include "nacre/kernels/softmax_few.h"
#include "nacre/simd/math.h"

namespace nacre::NACRE_ISA {
namespace {

constexpr int64_t kGrain = 8192;

// body(base, columns): the columns [base, base + columns) of one outer index; element (r, j) lies at base + r * inner + j.
template <class T, class Body>
void for_columns(int64_t outer, int64_t n, int64_t inner, const Body& body) {
  const int64_t blocks = ceil_div(inner, kColumns<T>);
  parallel_for(outer * blocks, max64(1, kGrain / (n * min64(inner, kColumns<T>) + 1)), [&](int64_t begin, int64_t end, int) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t block = item % blocks;
      body(item / blocks * n * inner + block * kColumns<T>, static_cast<int>(min64(kColumns<T>, inner - block * kColumns<T>)));
    }
  });
}

template <class T, class Body>
void for_rows(int64_t rows, int64_t n, const Body& body) {
  parallel_for(rows, max64(1, kGrain / (n + 16)), [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) body(r);
  });
}

// total[j] of Op over all rows of a block; map(row, j, some) makes the values.
template <class Op, class T, class Map>
void fold_block(int64_t n, int columns, const Map& map, TotalOf<Op, T>* total) {
  for (int j = 0; j < columns; ++j) total[j] = Op::template identity<TotalOf<Op, T>>();
  T part[kColumns<T>];
  for (int64_t begin = 0; begin < n; begin += kChunk) {
    fold_columns<Op, T>(
        min64(kChunk, n - begin), columns, [&](int64_t r) { return begin + r; }, map, part);
    for (int j = 0; j < columns; ++j) total[j] = Op::join_one(total[j], static_cast<TotalOf<Op, T>>(part[j]));
  }
}

template <class T>
void softmax_row(const T* x, T* y, int64_t n) {
  const Packet<T> m = Packet<T>::set1(max_row(x, n));
  const double sum = fold_row<Add, T>(
      n, NACRE_PACKET_LAMBDA(int64_t i, int some) {
        const Packet<T> e = exp(load_some(x + i, some) - m);
        store_some(y + i, some, e);
        return e;
      });
  const Packet<T> scale = Packet<T>::set1(static_cast<T>(1.0 / sum));
  for_packets<T>(
      n, NACRE_PACKET_LAMBDA(int64_t i, int some) { store_some(y + i, some, load_some(y + i, some) * scale); });
}

// (x - m) - log s rather than x - lse: keeps the digits when m is large.
template <class T>
void log_softmax_row(const T* x, T* y, int64_t n) {
  const Packet<T> m = Packet<T>::set1(max_row(x, n));
  const double sum = fold_row<Add, T>(
      n, NACRE_PACKET_LAMBDA(int64_t i, int some) { return exp(load_some(x + i, some) - m); });
  const Packet<T> log_sum = Packet<T>::set1(static_cast<T>(c_log(sum)));
  for_packets<T>(
      n, NACRE_PACKET_LAMBDA(int64_t i, int some) { store_some(y + i, some, (load_some(x + i, some) - m) - log_sum); });
}

template <class T, bool kLog>
void softmax_block(const T* x, T* y, int64_t n, int64_t inner, int columns) {
  T largest[kColumns<T>];
  fold_block<Largest, T>(
      n, columns, NACRE_PACKET_LAMBDA(int64_t r, int j, int some) { return load_some(x + r * inner + j, some); }, largest);
  double sum[kColumns<T>];
  fold_block<Add, T>(
      n, columns,
      NACRE_PACKET_LAMBDA(int64_t r, int j, int some) {
        const Packet<T> e = exp(load_some(x + r * inner + j, some) - load_some(largest + j, some));
        if constexpr (!kLog) store_some(y + r * inner + j, some, e);
        return e;
      },
      sum);
  T scale[kColumns<T>];
  for (int j = 0; j < columns; ++j) scale[j] = static_cast<T>(kLog ? c_log(sum[j]) : 1.0 / sum[j]);
  for (int64_t r = 0; r < n; ++r) {
    for_packets<T>(
        columns, NACRE_PACKET_LAMBDA(int64_t j, int some) {
          const int64_t at = r * inner + j;
          const Packet<T> s = load_some(scale + j, some);
          if constexpr (kLog)
            store_some(y + at, some, (load_some(x + at, some) - load_some(largest + j, some)) - s);
          else
            store_some(y + at, some, load_some(y + at, some) * s);
        });
  }
}

template <class T, bool kLog>
void softmax(const SoftmaxArgs& args) noexcept {
  const T* x = static_cast<const T*>(args.x);
  T* y = static_cast<T*>(args.y);
  const int64_t n = args.n, inner = args.inner;
  if (n == 0 || inner == 0) return;
  if (inner == 1) {
    for_rows<T>(args.outer, n, [&](int64_t r) {
      if constexpr (kLog)
        log_softmax_row(x + r * n, y + r * n, n);
      else
        softmax_row(x + r * n, y + r * n, n);
    });
  } else {
    for_columns<T>(args.outer, n, inner,
                   [&](int64_t base, int columns) { softmax_block<T, kLog>(x + base, y + base, n, inner, columns); });
  }
}

// What is summed, and the gradient from it: softmax y dy, y (dy - s); log-softmax dy, dy - exp(y) s.
template <bool kLog, class T>
NACRE_INLINE Packet<T> grad_term(Packet<T> y, Packet<T> dy) {
  if constexpr (kLog)
    return dy;
  else
    return y * dy;
}
template <bool kLog, class T>
NACRE_INLINE Packet<T> grad_value(Packet<T> y, Packet<T> dy, Packet<T> s) {
  if constexpr (kLog)
    return dy - exp(y) * s;
  else
    return y * (dy - s);
}

template <class T, bool kLog>
void softmax_grad(const SoftmaxGradArgs& args) noexcept {
  const int64_t n = args.n, inner = args.inner;
  if (n == 0 || inner == 0) return;
  if (inner == 1) {
    for_rows<T>(args.outer, n, [&](int64_t r) {
      const T *y = static_cast<const T*>(args.y) + r * n, *dy = static_cast<const T*>(args.dy) + r * n;
      T* dx = static_cast<T*>(args.dx) + r * n;
      const double sum = fold_row<Add, T>(
          n, NACRE_PACKET_LAMBDA(int64_t i, int some) { return grad_term<kLog>(load_some(y + i, some), load_some(dy + i, some)); });
      const Packet<T> s = Packet<T>::set1(static_cast<T>(sum));
      for_packets<T>(
          n, NACRE_PACKET_LAMBDA(int64_t i, int some) {
            store_some(dx + i, some, grad_value<kLog>(load_some(y + i, some), load_some(dy + i, some), s));
          });
    });
    return;
  }
  for_columns<T>(args.outer, n, inner, [&](int64_t base, int columns) {
    const T *y = static_cast<const T*>(args.y) + base, *dy = static_cast<const T*>(args.dy) + base;
    T* dx = static_cast<T*>(args.dx) + base;
    double sum[kColumns<T>];
    fold_block<Add, T>(
        n, columns,
        NACRE_PACKET_LAMBDA(int64_t r, int j, int some) {
          return grad_term<kLog>(load_some(y + r * inner + j, some), load_some(dy + r * inner + j, some));
        },
        sum);
    T s[kColumns<T>];
    for (int j = 0; j < columns; ++j) s[j] = static_cast<T>(sum[j]);
    for (int64_t r = 0; r < n; ++r) {
      for_packets<T>(
          columns, NACRE_PACKET_LAMBDA(int64_t j, int some) {
            const int64_t at = r * inner + j;
            store_some(dx + at, some, grad_value<kLog>(load_some(y + at, some), load_some(dy + at, some), load_some(s + j, some)));
          });
    }
  });
}

bool labels_good(const CrossEntropyArgs& args) {
  bool good = true;
  if (args.labels) {
    with_index(args.label_dtype, args.labels,
               [&](auto label) { good = indices_in_range(label, args.rows, 0, args.classes, args.status); });
  }
  return good;
}

int64_t label_of(const CrossEntropyArgs& args, int64_t row) {
  int64_t label = 0;
  with_index(args.label_dtype, args.labels, [&](auto labels) { label = static_cast<int64_t>(labels[row]); });
  return label;
}

// The path of softmax_few.h, where it serves: run(begin, end, label). float32 alone: its code is large.
template <class Run>
bool few_classes(const CrossEntropyArgs& args, const Run& run) {
  if (args.classes > kFewClasses || !args.labels || args.label_smoothing != 0) return false;
  with_index(args.label_dtype, args.labels, [&](auto labels) {
    const auto label = [labels](int64_t r) { return static_cast<int64_t>(labels[r]); };
    const int64_t grain = max64(1, kGrain / (args.classes + 16));
    parallel_for(args.rows, grain, [&](int64_t begin, int64_t end, int) { run(begin, end, label); });
  });
  return true;
}

template <class T>
void cross_entropy(const CrossEntropyArgs& args) noexcept {
  if (!labels_good(args)) return;
  if constexpr (sizeof(T) == 4) {
    if (few_classes(args, [&](int64_t begin, int64_t end, const auto& label) { few_cross_entropy<T>(args, begin, end, label); }))
      return;
  }
  const int64_t n = args.classes;
  const double a = args.label_smoothing, share = a / static_cast<double>(n);
  for_rows<T>(args.rows, n, [&](int64_t r) {
    const T* x = static_cast<const T*>(args.logits) + r * n;
    const T largest = max_row(x, n);
    const Packet<T> m = Packet<T>::set1(largest);
    const double sum = fold_row<Add, T>(
        n, NACRE_PACKET_LAMBDA(int64_t i, int some) { return exp(load_some(x + i, some) - m); });
    const double log_sum = c_log(sum);
    if (args.lse) static_cast<T*>(args.lse)[r] = static_cast<T>(static_cast<double>(largest) + log_sum);
    if (!args.loss) return;
    double loss;
    if (args.labels) {
      loss = log_sum - static_cast<double>(x[label_of(args, r)] - largest);
      if (a != 0) {
        const double shifted = fold_row<Add, T>(
            n, NACRE_PACKET_LAMBDA(int64_t i, int some) { return load_some(x + i, some) - m; });
        loss = (1.0 - a) * loss + share * (static_cast<double>(n) * log_sum - shifted);
      }
    } else {
      const T* target = static_cast<const T*>(args.targets) + r * n;
      const Packet<T> zero = Packet<T>::zero(), keep = Packet<T>::set1(static_cast<T>(1.0 - a)),
                      even = Packet<T>::set1(static_cast<T>(share));
      const Packet<T> ls = Packet<T>::set1(static_cast<T>(log_sum));
      loss = fold_row<Add, T>(
          n, NACRE_PACKET_LAMBDA(int64_t i, int some) {
            const Packet<T> t = keep * load_some(target + i, some) + even;
            return select(eq(t, zero), zero, t * (ls - (load_some(x + i, some) - m)));
          });
    }
    static_cast<T*>(args.loss)[r] = static_cast<T>(loss);
  });
}

template <class T>
void cross_entropy_grad(const CrossEntropyArgs& args) noexcept {
  if (!labels_good(args)) return;
  if constexpr (sizeof(T) == 4) {
    if (few_classes(args,
                    [&](int64_t begin, int64_t end, const auto& label) { few_cross_entropy_grad<T>(args, begin, end, label); }))
      return;
  }
  const int64_t n = args.classes;
  const double a = args.label_smoothing, share = a / static_cast<double>(n);
  const T* dloss = static_cast<const T*>(args.dloss);
  const Packet<T> keep = Packet<T>::set1(static_cast<T>(1.0 - a)), even = Packet<T>::set1(static_cast<T>(share));
  for_rows<T>(args.rows, n, [&](int64_t r) {
    const T* x = static_cast<const T*>(args.logits) + r * n;
    T* dx = static_cast<T*>(args.dlogits) + r * n;
    const T dl = dloss[r * args.dloss_stride];
    const Packet<T> m = Packet<T>::set1(max_row(x, n)), d = Packet<T>::set1(dl);
    const double sum = fold_row<Add, T>(
        n, NACRE_PACKET_LAMBDA(int64_t i, int some) {
          const Packet<T> e = exp(load_some(x + i, some) - m);
          store_some(dx + i, some, e);
          return e;
        });
    if (args.labels) {
      const Packet<T> scale = Packet<T>::set1(static_cast<T>(1.0 / sum));
      const int64_t label = label_of(args, r);
      const T at_label = static_cast<T>((static_cast<double>(dx[label]) / sum - share - (1.0 - a)) * static_cast<double>(dl));
      for_packets<T>(
          n, NACRE_PACKET_LAMBDA(int64_t i, int some) { store_some(dx + i, some, (load_some(dx + i, some) * scale - even) * d); });
      dx[label] = at_label;
    } else {
      const T* target = static_cast<const T*>(args.targets) + r * n;
      const double mass = fold_row<Add, T>(
          n, NACRE_PACKET_LAMBDA(int64_t i, int some) { return keep * load_some(target + i, some) + even; });
      const Packet<T> scale = Packet<T>::set1(static_cast<T>(mass / sum));
      for_packets<T>(
          n, NACRE_PACKET_LAMBDA(int64_t i, int some) {
            store_some(dx + i, some, (load_some(dx + i, some) * scale - (keep * load_some(target + i, some) + even)) * d);
          });
    }
  });
}

template <class T>
void fill_floats(SoftmaxTable& table) {
  table.softmax[cell<T>()] = softmax<T, false>;
  table.log_softmax[cell<T>()] = softmax<T, true>;
  table.softmax_grad[cell<T>()] = softmax_grad<T, false>;
  table.log_softmax_grad[cell<T>()] = softmax_grad<T, true>;
  table.cross_entropy[cell<T>()] = cross_entropy<T>;
  table.cross_entropy_grad[cell<T>()] = cross_entropy_grad<T>;
}

}  // namespace

void fill_softmax(SoftmaxTable& table) {
  table = {};
  fill_floats<float>(table);
  fill_floats<double>(table);
}

}  // namespace nacre::NACRE_ISA
