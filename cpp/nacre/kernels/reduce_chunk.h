// The one way floats are summed (multiplied, maximised) in nacre, shared by reductions, softmax and norms.
//
// A sequence is cut into chunks of kChunk elements. Inside a chunk element i goes to lane i mod kLanes; the lanes are folded by
// halves (lane l with lane l + 32, then + 16, ... + 1). Chunk results are combined in order in double. The order depends on nothing
// but the length, so rows, columns, views and every packet size give the same bits. Error of a float sum: at most 16 + 6 roundings
// per element, near pairwise summation, at the speed of a plain vector loop (64 lanes hide the latency of the adder).
//
// Values are produced by `at(i, n)`: the packet of elements i .. i + n - 1, n = Packet<T>::size except in the last packet of a
// chunk.
#pragma once

#include "nacre/kernels/packet_loop.h"

namespace nacre::NACRE_ISA {
namespace {

constexpr int kLanes = 64;
constexpr int64_t kChunk = 1024;

// How two partial results join. Total is the type in which chunks are combined.
struct Add {
  template <class T>
  struct TotalOf {
    using type = double;
  };
  template <class T>
  static constexpr T identity() {
    return T(0);
  }
  template <class T>
  static NACRE_INLINE Packet<T> join(Packet<T> a, Packet<T> b) {
    return a + b;
  }
  template <class T>
  static NACRE_INLINE T join_one(T a, T b) {
    return a + b;
  }
};
struct Multiply {
  template <class T>
  struct TotalOf {
    using type = double;
  };
  template <class T>
  static constexpr T identity() {
    return T(1);
  }
  template <class T>
  static NACRE_INLINE Packet<T> join(Packet<T> a, Packet<T> b) {
    return a * b;
  }
  template <class T>
  static NACRE_INLINE T join_one(T a, T b) {
    return a * b;
  }
};
// NaN wins: b replaces a when it is larger or NaN; a NaN in a is larger than everything.
struct Largest {
  template <class T>
  struct TotalOf {
    using type = T;
  };
  template <class T>
  static constexpr T identity() {
    return -static_cast<T>(__builtin_inff());
  }
  template <class T>
  static NACRE_INLINE Packet<T> join(Packet<T> a, Packet<T> b) {
    return select(gt(b, a) | isnan(b), b, a);
  }
  template <class T>
  static NACRE_INLINE T join_one(T a, T b) {
    return b > a || b != b ? b : a;
  }
};
struct Smallest {
  template <class T>
  struct TotalOf {
    using type = T;
  };
  template <class T>
  static constexpr T identity() {
    return static_cast<T>(__builtin_inff());
  }
  template <class T>
  static NACRE_INLINE Packet<T> join(Packet<T> a, Packet<T> b) {
    return select(lt(b, a) | isnan(b), b, a);
  }
  template <class T>
  static NACRE_INLINE T join_one(T a, T b) {
    return b < a || b != b ? b : a;
  }
};

template <class Op, class T>
using TotalOf = typename Op::template TotalOf<T>::type;

// Lanes of one packet folded by halves.
template <class Op, class T>
NACRE_INLINE T fold_packet(Packet<T> p) {
  constexpr int size = Packet<T>::size;
  T lane[size];
  p.store(lane);
  for (int half = size / 2; half > 0; half /= 2) {
    for (int l = 0; l < half; ++l) lane[l] = Op::join_one(lane[l], lane[l + half]);
  }
  return lane[0];
}
template <>
NACRE_INLINE float fold_packet<Add, float>(Packet<float> p) {
  return reduce_add(p);
}
template <>
NACRE_INLINE double fold_packet<Add, double>(Packet<double> p) {
  return reduce_add(p);
}

// One chunk: 0 <= n <= kChunk elements.
template <class Op, class T, class At>
NACRE_INLINE T fold_chunk(int64_t n, const At& at) {
  constexpr int size = Packet<T>::size, packets = kLanes / size;
  Packet<T> acc[packets];
  const Packet<T> identity = Packet<T>::set1(Op::template identity<T>());
#pragma GCC unroll 16
  for (int w = 0; w < packets; ++w) acc[w] = identity;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
#pragma GCC unroll 16
    for (int w = 0; w < packets; ++w) acc[w] = Op::join(acc[w], at(i + w * size, size));
  }
  if (i < n) {
#pragma GCC unroll 16
    for (int w = 0; w < packets; ++w) {
      const int64_t rest = n - i - w * size;
      if (rest >= size) {
        acc[w] = Op::join(acc[w], at(i + w * size, size));
      } else if (rest > 0) {
        const int some = static_cast<int>(rest);
        acc[w] = select(simd::Mask<T>::first(some), Op::join(acc[w], at(i + w * size, some)), acc[w]);
      }
    }
  }
  // Packets past the end hold the identity; joining them changes nothing.
#pragma GCC unroll 8
  for (int half = packets / 2; half > 0; half /= 2) {
#pragma GCC unroll 16
    for (int w = 0; w < half; ++w) acc[w] = Op::join(acc[w], acc[w + half]);
  }
  return fold_packet<Op, T>(acc[0]);
}

// A whole row of n elements by one thread.
template <class Op, class T, class At>
NACRE_INLINE TotalOf<Op, T> fold_row(int64_t n, const At& at) {
  TotalOf<Op, T> total = Op::template identity<TotalOf<Op, T>>();
  for (int64_t begin = 0; begin < n; begin += kChunk) {
    const T part = fold_chunk<Op, T>(
        min64(kChunk, n - begin), NACRE_PACKET_LAMBDA(int64_t i, int some) { return at(begin + i, some); });
    total = Op::join_one(total, static_cast<TotalOf<Op, T>>(part));
  }
  return total;
}

template <class T>
NACRE_INLINE double sum_row(const T* x, int64_t n) {
  return fold_row<Add, T>(
      n, NACRE_PACKET_LAMBDA(int64_t i, int some) { return load_some(x + i, some); });
}
template <class T>
NACRE_INLINE T max_row(const T* x, int64_t n) {
  return fold_row<Largest, T>(
      n, NACRE_PACKET_LAMBDA(int64_t i, int some) { return load_some(x + i, some); });
}

// Columns: one chunk of n rows x `columns` <= kColumns<T> columns, row r starting at row(r). Same order as fold_chunk in each
// column. map(packet, column, some) makes the value. part[columns] receives the results.
template <class T>
constexpr int kColumns = 256 / static_cast<int>(sizeof(T));

template <class Op, class T, class Row, class Map>
void fold_columns(int64_t n, int columns, const Row& row, const Map& map, T* part) {
  constexpr int size = Packet<T>::size;
  alignas(64) T acc[kLanes][kColumns<T>];
  const int lanes = static_cast<int>(min64(n, kLanes));
  const Packet<T> identity = Packet<T>::set1(Op::template identity<T>());
  int half = kLanes / 2;
  if (n <= kLanes) {  // each lane has one row: the first fold reads the rows themselves
    while (half >= lanes && half > 1) half /= 2;
    for (int l = 0; l < half && l < lanes; ++l) {
      const bool pair = l + half < lanes;
      const auto source = row(l), other = row(pair ? l + half : l);
      for (int j = 0; j < columns; j += size) {
        const int some = columns - j < size ? columns - j : size;
        Packet<T> v = Op::join(identity, map(source, j, some));
        if (pair) v = Op::join(v, Op::join(identity, map(other, j, some)));
        v.store(acc[l] + j);
      }
    }
    half /= 2;
  } else {
    for (int64_t r = 0; r < n; ++r) {
      const auto source = row(r);
      T* a = acc[r % kLanes];
      for (int j = 0; j < columns; j += size) {
        const int some = columns - j < size ? columns - j : size;
        const Packet<T> before = r < kLanes ? identity : Packet<T>::load(a + j);
        Op::join(before, map(source, j, some)).store(a + j);
      }
    }
  }
  for (; half > 0; half /= 2) {
    for (int l = 0; l < half && l + half < lanes; ++l) {
      for (int j = 0; j < columns; j += size)
        Op::join(Packet<T>::load(acc[l] + j), Packet<T>::load(acc[l + half] + j)).store(acc[l] + j);
    }
  }
  for (int j = 0; j < columns; j += size) {
    const int some = columns - j < size ? columns - j : size;
    store_some(part + j, some, lanes > 0 ? Packet<T>::load(acc[0] + j) : identity);
  }
}

}  // namespace
}  // namespace nacre::NACRE_ISA
