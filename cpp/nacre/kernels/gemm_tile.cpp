// Every tile of the micro-kernel (gemm_tile.h), instantiated once per instruction set.
#if defined(NACRE_ISA_SCALAR) && defined(__GNUC__) && !defined(__clang__)
// GCC 12 loads two numbers of this step of K and two of the next one at once in tiles of 2 rows or columns, also in the last step: it reads what may lie
// beyond the memory (valgrind, test_gemm). Sums of single lanes are still made four at a time.
#pragma GCC optimize("no-tree-loop-vectorize")
#endif
#include "nacre/kernels/gemm_tile.h"

namespace nacre {
namespace NACRE_ISA {

// Rows of n = W .. 2 W numbers each, as two runs of W, which overlap.
template <int W, class T>
static void copy_rows(const T* from, int from_stride, T* c, int64_t c_stride, int rows, int n) {
  for (int i = 0; i < rows; ++i, c += c_stride, from += from_stride) {
    __builtin_memcpy(c, from, W * sizeof(T));
    __builtin_memcpy(c + n - W, from + n - W, W * sizeof(T));
  }
}
// A masked store is slow on many machines.
template <class T>
static void copy_last(const T* from, int from_stride, T* c, int64_t c_stride, int rows, int n) {
  constexpr int size = Packet<T>::size;
  if constexpr (size > 8) {
    if (n >= 8) return copy_rows<8>(from, from_stride, c, c_stride, rows, n);
  }
  if constexpr (size > 4) {
    if (n >= 4) return copy_rows<4>(from, from_stride, c, c_stride, rows, n);
  }
  if (n >= 2) return copy_rows<2>(from, from_stride, c, c_stride, rows, n);
  copy_rows<1>(from, from_stride, c, c_stride, rows, n);
}

// The rarer way to write a tile, not whole packets wide, once for all sizes: it would double every kernel's code.
template <class T>
static __attribute__((noinline)) void merge_tile(const TileJob<T>& job, T* out, int rows, int packets) {
  using P = Packet<T>;
  T* c = job.c;
  const int whole = (packets - 1) * P::size, last = job.last, stride = whole + P::size;
  if (job.add || job.bias) {  // the numbers beyond the last column mean nothing
    const auto part = [&](const T* p, int some) { return some == P::size ? P::load(p) : P::load_n(p, some); };
    for (int at = 0; at <= whole; at += P::size) {
      const int some = at < whole ? P::size : last;
      const P bias = job.bias ? part(job.bias + at, some) : P::zero();
      for (int i = 0; i < rows; ++i) {
        P v = P::load(out + i * stride + at);
        if (job.add) v = part(c + i * job.c_stride + at, some) + v;
        if (job.bias) v = finished(v, bias, job.relu);
        v.store(out + i * stride + at);
      }
    }
  }
  for (int i = 0; i < rows && whole > 0; ++i) {
    for (int at = 0; at < whole; at += P::size) P::load(out + i * stride + at).store(c + i * job.c_stride + at);
  }
  copy_last(out + whole, stride, c + whole, job.c_stride, rows, last);
}

template <class T, int MR, int NV, bool KMajor, bool MaskB>
static void tile(const TileJob<T>& job) {
  using P = Packet<T>;
  constexpr int lanes = P::size;
  constexpr int groups = (MR + 2) / 3;  // row pointers: three rows hang on each, so that all addresses fit the registers
  // Four steps at a time in the tiles that do most of the work: fewer branches to foresee, fewer additions to pointers. Not where the registers are
  // used up: the compiler then keeps sums in memory (3 x 4 with 16 registers ran at half its speed).
#if defined(NACRE_ISA_AVX2)
  constexpr int registers = 16;
#else
  constexpr int registers = 32;
#endif
  constexpr bool fits = MR * NV + NV + 1 <= registers;
  constexpr bool several = fits && !MaskB && sizeof(T) == 4 && lanes > 1 && 6 * MR * NV >= 5 * kAccumulators;
  const int64_t kc = job.kc, a_stride = job.a_stride, b_stride = job.b_stride;
  const int last = job.last;
  P acc[MR][NV];
#pragma GCC unroll 12
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) acc[i][j] = P::zero();
  }
  // C of a large product comes from far away, to be written at least: fetch it while K runs.
  constexpr int line = 64 / static_cast<int>(sizeof(T));
#pragma GCC unroll 12
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < NV * lanes; j += line) __builtin_prefetch(job.c + i * job.c_stride + j, 1);
  }
  const T* b = job.b;
  for (int64_t s = 0; s < job.segments; ++s) {
    const T* a[groups];
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) a[g] = job.a + s * job.a_segment + (KMajor ? 3 * g : 3 * g * a_stride);
    const auto step = [&]() __attribute__((always_inline)) {
      P row[NV];
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) row[j] = MaskB && j == NV - 1 ? P::load_n(b + j * lanes, last) : P::load(b + j * lanes);
#pragma GCC unroll 12
      for (int i = 0; i < MR; ++i) {
        const P x = P::set1(a[i / 3][KMajor ? i % 3 : (i % 3) * a_stride]);
#pragma GCC unroll 4
        for (int j = 0; j < NV; ++j) acc[i][j] = multiply_add(x, row[j], acc[i][j]);
      }
#pragma GCC unroll 4
      for (int g = 0; g < groups; ++g) a[g] += KMajor ? a_stride : 1;
      b += b_stride;
    };
    if constexpr (several) {
#pragma GCC unroll 4
      for (int64_t p = 0; p < kc; ++p) step();
    } else {
      for (int64_t p = 0; p < kc; ++p) step();
    }
  }
  if (last == lanes) {
    T* c = job.c;
    if (job.add) {
#pragma GCC unroll 12
      for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < NV; ++j) acc[i][j] = P::load(c + i * job.c_stride + j * lanes) + acc[i][j];
      }
    }
    if constexpr (!KMajor) {
      const auto finish = [&](bool relu) __attribute__((always_inline)) {
#pragma GCC unroll 4
        for (int j = 0; j < NV; ++j) {
          const P bias = P::load(job.bias + j * lanes);
#pragma GCC unroll 12
          for (int i = 0; i < MR; ++i) acc[i][j] = finished(acc[i][j], bias, relu);
        }
      };
      if (job.bias && job.relu)
        finish(true);
      else if (job.bias)
        finish(false);
    }
#pragma GCC unroll 12
    for (int i = 0; i < MR; ++i, c += job.c_stride) {
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) acc[i][j].store(c + j * lanes);
    }
    return;
  }
  T out[MR * NV * lanes];
#pragma GCC unroll 12
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) acc[i][j].store(out + (i * NV + j) * lanes);
  }
  merge_tile(job, out, MR, NV);
}

// All tiles of one kind: rows 1 .. tile_rows(packets) by packets 1 .. 4.
template <class T, bool KMajor, bool MaskB>
struct TileSet {
  TileFn<T> fn[kMaxTilePackets][kMaxTileRows] = {};

  constexpr TileSet() { fill<1, 1>(); }
  template <int MR, int NV>
  constexpr void fill() {
    if constexpr (MR <= tile_rows(NV)) {
      fn[NV - 1][MR - 1] = &tile<T, MR, NV, KMajor, MaskB>;
      fill<MR + 1, NV>();
    } else if constexpr (NV < kMaxTilePackets) {
      fill<1, NV + 1>();
    }
  }
};
template <class T, bool KMajor, bool MaskB>
static constexpr TileSet<T, KMajor, MaskB> kTiles{};

template <class T>
static TileFn<T> pick(bool k_major, bool mask_b, int64_t rows, int64_t packets) {
  const auto& plain = k_major ? kTiles<T, true, false>.fn : kTiles<T, false, false>.fn;
  const auto& masked = k_major ? kTiles<T, true, true>.fn : kTiles<T, false, true>.fn;
  return (mask_b ? masked : plain)[packets - 1][rows - 1];
}

TileFn<float> find_tile(const float*, bool k_major, bool mask_b, int64_t rows, int64_t packets) {
  return pick<float>(k_major, mask_b, rows, packets);
}
TileFn<double> find_tile(const double*, bool k_major, bool mask_b, int64_t rows, int64_t packets) {
  return pick<double>(k_major, mask_b, rows, packets);
}

}  // namespace NACRE_ISA
}  // namespace nacre
