// The micro-kernel behind gemm, conv and attention: a tile of MR rows by NV packets of C is held in registers while K runs.
//
//   C tile = [C +] sum over segments s, then p:  A(i, s, p) B(s*kc + p, j)      each element one chain of fma in that order from 0,
// so tiles of any size give the same bits. A is read by broadcasts: rows a + i*a_stride (+ s*a_segment), or with KMajor
// a + p*a_stride + i. Segments let a convolution walk kernel rows without im2col. B rows are NV packets, b_stride apart; with MaskB
// the last packet of a row reads only `last` lanes (unpacked B), and C's last packet is always stored that way.
// 24 accumulators (12 x 2) keep two 512-bit FMA units busy from 14 loads per step; GCC keeps the array in registers once unrolled.
#pragma once

#include <stdint.h>

#include "nacre/kernels/gemm.h"
#include "nacre/simd/packet.h"

namespace nacre {
namespace NACRE_ISA {

using simd::Packet;

template <class T>
struct TileJob {
  int64_t kc = 0;  // steps per segment
  int64_t segments = 1, a_segment = 0;
  const T* a = nullptr;
  int64_t a_stride = 0;
  const T* b = nullptr;
  int64_t b_stride = 0;
  T* c = nullptr;
  int64_t c_stride = 0;
  int last = Packet<T>::size;  // lanes of the last packet of each row of C
  bool add = false;            // C += tile
  // Tiles of plain A only: bias of the tile's columns and then relu, as finish_block would apply them. relu without a bias is not looked at.
  const T* bias = nullptr;
  bool relu = false;
};

template <class T>
using TileFn = void (*)(const TileJob<T>&);

#if defined(NACRE_ISA_AVX512) || defined(NACRE_ISA_NEON)
static constexpr int kAccumulators = 24;
#elif defined(NACRE_ISA_AVX2)
static constexpr int kAccumulators = 12;
#else
static constexpr int kAccumulators = 16;
#endif
// With one lane 4 x 4 is all that pays.
static constexpr int kMaxTileRows = Packet<float>::size == 1 ? 4 : 12, kMaxTilePackets = 4;

// Most rows of a tile that is `packets` wide.
static constexpr int tile_rows(int packets) {
  const int rows = kAccumulators / packets;
  return rows < kMaxTileRows ? rows : kMaxTileRows;
}

// Fused but for the one-lane build: fma() is a library call there, and plain SSE arithmetic is ten times faster.
template <class T>
static NACRE_INLINE Packet<T> multiply_add(Packet<T> a, Packet<T> b, Packet<T> c) {
  if constexpr (Packet<T>::size == 1) {
    return a * b + c;
  } else {
    return fma(a, b, c);
  }
}

// The tile of rows (1 .. tile_rows(packets)) by packets (1 .. 4). All live in gemm_tile.cpp, shared by gemm, conv and attention.
TileFn<float> find_tile(const float* type, bool k_major, bool mask_b, int64_t rows, int64_t packets);
TileFn<double> find_tile(const double* type, bool k_major, bool mask_b, int64_t rows, int64_t packets);

// Width of the panels that suits `rows` rows of A and `wide` packets of columns: as many accumulators in use as there are.
static inline int choose_packets(int64_t rows, int64_t wide) {
  const int64_t best = rows <= tile_rows(4) || Packet<float>::size == 1 ? 4 : rows <= tile_rows(3) || wide == 3 ? 3 : 2;
  return static_cast<int>(best < wide ? best : wide);
}

// The entry points of gemm.h, for other kernels.
int64_t gemm_scratch_bytes(const GemmArgs& g) noexcept;
void gemm(const GemmArgs& g, void* scratch) noexcept;

constexpr int64_t kForkWork = 1 << 19;  // multiply-adds below which a second thread does not pay: some microseconds
#if defined(NACRE_ISA_SCALAR)
constexpr int64_t kPieceWork = 1 << 24;  // a piece must end within 10 ms, for the stop flag
#elif defined(NACRE_ISA_AVX512)
constexpr int64_t kPieceWork = 1 << 29;
#else
constexpr int64_t kPieceWork = 1 << 28;
#endif

// Row r0 of strip s when `rows` rows are shared evenly among `strips`: no strip of one leftover row.
static NACRE_INLINE int64_t strip_begin(int64_t rows, int64_t strips, int64_t s) {
  return rows / strips * s + (s < rows % strips ? s : rows % strips);
}

static NACRE_INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static NACRE_INLINE int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }
static NACRE_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static NACRE_INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

// Do more than three of these rows, so many bytes apart, share a set of a first cache whose ways are 4096 bytes?
static NACRE_INLINE bool rows_collide(int64_t stride, int64_t rows) {
  const int64_t apart = smaller(stride & -stride, 4096);
  return rows * apart > 3 * 4096;
}

// relu(v), which keeps NaN and -0, and relu(v + bias): what a product's epilogue makes of a packet.
template <class T>
static NACRE_INLINE Packet<T> rectified(Packet<T> v) {
  return select(lt(v, Packet<T>::zero()), Packet<T>::zero(), v);
}
template <class T>
static NACRE_INLINE Packet<T> finished(Packet<T> v, Packet<T> bias, bool relu) {
  v = v + bias;
  return relu ? rectified(v) : v;
}

// c[i][j] = act(c[i][j] + bias[j]) on a block that was just computed.
template <class T>
static void finish_block(T* c, int64_t c_stride, int64_t rows, int64_t columns, const T* bias, bool relu) {
  using P = Packet<T>;
  if (!bias && !relu) return;
  for (int64_t j = 0; j < columns; j += P::size) {
    const int n = static_cast<int>(smaller(P::size, columns - j));
    const auto down = [&](const auto& act) __attribute__((always_inline)) {  // one packet of columns over all rows
      T* at = c + j;
      if (n == P::size) {
        for (int64_t i = 0; i < rows; ++i, at += c_stride) act(P::load(at)).store(at);
      } else {
        for (int64_t i = 0; i < rows; ++i, at += c_stride) act(P::load_n(at, n)).store_n(at, n);
      }
    };
    const P b = !bias ? P::zero() : n == P::size ? P::load(bias + j) : P::load_n(bias + j, n);
    if (bias && relu)
      down([&](P v) __attribute__((always_inline)) { return finished(v, b, true); });
    else if (bias)
      down([&](P v) __attribute__((always_inline)) { return finished(v, b, false); });
    else
      down([&](P v) __attribute__((always_inline)) { return rectified(v); });
  }
}

}  // namespace NACRE_ISA
}  // namespace nacre
