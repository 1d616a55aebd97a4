// Every tile of the micro-kernel (gemm_tile.h), instantiated once per instruction set.
#include "nacre/kernels/gemm_tile.h"

namespace nacre {
namespace NACRE_ISA {

// A tile that is not whole packets wide, once for all sizes: it would double every kernel's code.
template <class T>
static __attribute__((noinline)) void merge_tile(const TileJob<T>& job, const T* out, int rows, int packets) {
  using P = Packet<T>;
  T* c = job.c;
  const int full = job.last == P::size ? packets : packets - 1;
  for (int i = 0; i < rows; ++i, c += job.c_stride, out += packets * P::size) {
    int at = 0;
    for (; at < full * P::size; at += P::size) {
      const P v = P::load(out + at);
      (job.add ? P::load(c + at) + v : v).store(c + at);
    }
    // One by one: a masked store is slow on many machines.
    for (int j = at; j < at + (packets - full) * job.last; ++j) c[j] = job.add ? c[j] + out[j] : out[j];
  }
}

template <class T, int MR, int NV, bool KMajor, bool MaskB>
static void tile(const TileJob<T>& job) {
  using P = Packet<T>;
  constexpr int lanes = P::size;
  constexpr int groups = (MR + 2) / 3;  // row pointers: three rows hang on each, so that all addresses fit the registers
  // Four steps at a time in the tiles that do most of the work: fewer branches to foresee, fewer additions to pointers.
  constexpr bool several = !MaskB && sizeof(T) == 4 && lanes > 1 && 2 * MR * NV > kAccumulators;
  const int64_t kc = job.kc, a_stride = job.a_stride, b_stride = job.b_stride;
  const int last = job.last;
  P acc[MR][NV];
#pragma GCC unroll 12
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) acc[i][j] = P::zero();
  }
  if (job.add) {  // C of a large product comes from far away: fetch it while K runs
#pragma GCC unroll 12
    for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) __builtin_prefetch(job.c + i * job.c_stride + j * lanes, 1);
    }
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
  if constexpr (!KMajor && !MaskB) {
    if (job.bias) {
      P bias[NV];
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) bias[j] = P::load(job.bias + j * lanes);
#pragma GCC unroll 12
      for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < NV; ++j) {
          const P v = acc[i][j] + bias[j];
          acc[i][j] = job.relu ? select(lt(v, P::zero()), P::zero(), v) : v;
        }
      }
    }
  }
  if (last == lanes) {
    T* c = job.c;
    if (job.add) {
#pragma GCC unroll 12
      for (int i = 0; i < MR; ++i, c += job.c_stride) {
#pragma GCC unroll 4
        for (int j = 0; j < NV; ++j) (P::load(c + j * lanes) + acc[i][j]).store(c + j * lanes);
      }
      return;
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
