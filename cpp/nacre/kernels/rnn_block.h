// What the recurrent cells share: activations by kind, time-major copies, panels of the recurrent kernel, products of a block of rows.
#pragma once

#include "nacre/kernels/gemm_pack.h"
#include "nacre/kernels/rnn.h"
#include "nacre/simd/activation.h"

namespace nacre {
namespace NACRE_ISA {

// The cells' tanh and sigmoid: five or six of them per unit and step are much of a small layer's time, so in float32 they have half the operations of
// simd::tanh and simd::sigmoid for an error of 2.5 and 3.5 instead of 1.5 and 2.5 ULP (tests/cpp/test_rnn_kernel.cpp). e^r - 1 - r = r^2 q(r).
//
// With u = (e^2a - 1) / 2 = 2^n (e^2h - 1) / 2 + (2^n - 1) / 2, a = |x| = n ln2 / 2 + h, tanh a = u / (1 + u), also near 0. Fit 2^-26.
static NACRE_INLINE Packet<float> cell_tanh(Packet<float> x) {
  using P = Packet<float>;
  const auto c = [](float v) { return P::set1(v); };
  const P a = min(c(9.1F), abs(x)), n = round_even(a * c(2 * simd::kLog2E)), scale = simd::power_of_two(n);
  const P h = fnma(n, c(simd::kLn2Lo / 2), fnma(n, c(simd::kLn2Hi / 2), a)), z = h * h;
  const P low = fma(h, c(6.666617429e-01F), c(9.999999631e-01F)), high = fma(h, c(1.338644354e-01F), c(3.333376006e-01F));
  const P q = fma(z, fma(z, c(4.442406477e-02F), high), low);
  const P u = fma(scale, fma(z, q, h), fma(scale, c(0.5F), c(-0.5F)));
  return copysign(u / (c(1.0F) + u), x);
}
// 1 / (1 + e^-x), 0 where that is below 2^-127. Fit of e^-x 2^-28.
static NACRE_INLINE Packet<float> cell_sigmoid(Packet<float> x) {
  using P = Packet<float>;
  const auto c = [](float v) { return P::set1(v); };
  const P one = c(1.0F), bounded = max(c(-88.0F), min(c(88.0F), x)), n = round_even(bounded * c(-simd::kLog2E));
  const P r = fma(n, c(simd::kLn2Lo), fma(n, c(simd::kLn2Hi), bounded)), z = r * r;  // -x = n ln2 - r
  const P low = fma(r, c(-1.666652063e-01F), c(4.999999345e-01F)), high = fma(r, c(-8.368716882e-03F), c(4.166838805e-02F));
  const P q = fma(z, fma(z, c(1.381459853e-03F), high), low);
  const P e = fma(z, q, one - r) * simd::power_of_two(n);
  return select(lt(x, c(-88.0F)), P::zero(), one / (one + e));
}
static NACRE_INLINE Packet<double> cell_tanh(Packet<double> x) { return simd::tanh(x); }
static NACRE_INLINE Packet<double> cell_sigmoid(Packet<double> x) { return simd::sigmoid(x); }

// tanh and sigmoid, the usual pair, are known to the compiler; the others cost a branch.
struct StandardCell {
  explicit StandardCell(const RnnArgs&) {}
  template <class T>
  static NACRE_INLINE Packet<T> act(Packet<T> x) {
    return cell_tanh(x);
  }
  template <class T>
  static NACRE_INLINE Packet<T> gate(Packet<T> x) {
    return cell_sigmoid(x);
  }
  // Slopes from the value of the activation.
  template <class T>
  static NACRE_INLINE Packet<T> act_slope(Packet<T> y) {
    return fnma(y, y, Packet<T>::set1(T(1)));
  }
  template <class T>
  static NACRE_INLINE Packet<T> gate_slope(Packet<T> y) {
    return fnma(y, y, y);
  }
};

struct AnyCell {
  RnnActivation activation, recurrent;
  explicit AnyCell(const RnnArgs& g) : activation(g.activation), recurrent(g.recurrent_activation) {}
  template <class T>
  static Packet<T> value(RnnActivation kind, Packet<T> x) {
    switch (kind) {
      case RnnActivation::relu: return simd::relu(x);
      case RnnActivation::tanh: return cell_tanh(x);
      case RnnActivation::sigmoid: return cell_sigmoid(x);
      case RnnActivation::hard_sigmoid: return simd::hard_sigmoid(x);
      default: return x;
    }
  }
  template <class T>
  static Packet<T> slope(RnnActivation kind, Packet<T> y) {
    const Packet<T> zero = Packet<T>::zero(), one = Packet<T>::set1(T(1));
    switch (kind) {
      case RnnActivation::relu: return select(gt(y, zero), one, zero);
      case RnnActivation::tanh: return fnma(y, y, one);
      case RnnActivation::sigmoid: return fnma(y, y, y);
      case RnnActivation::hard_sigmoid: return select(gt(y, zero) & lt(y, one), Packet<T>::set1(T(1.0 / 6.0)), zero);
      default: return one;
    }
  }
  template <class T>
  Packet<T> act(Packet<T> x) const {
    return value(activation, x);
  }
  template <class T>
  Packet<T> gate(Packet<T> x) const {
    return value(recurrent, x);
  }
  template <class T>
  Packet<T> act_slope(Packet<T> y) const {
    return slope(activation, y);
  }
  template <class T>
  Packet<T> gate_slope(Packet<T> y) const {
    return slope(recurrent, y);
  }
};

// One packet of units: all its lanes, or the first n.
template <class T, bool Full>
struct Part {
  int n;
  NACRE_INLINE Packet<T> load(const T* p) const {
    if constexpr (Full) return Packet<T>::load(p);
    return Packet<T>::load_n(p, n);
  }
  NACRE_INLINE void store(T* p, Packet<T> v) const {
    if constexpr (Full) return v.store(p);
    v.store_n(p, n);
  }
};

// f(row, j, part) for the rows of a block and the packets of n units.
template <class T, bool Full, class F>
static NACRE_INLINE void for_packets(int64_t rows, int64_t n, F&& f) {
  constexpr int64_t lanes = Packet<T>::size;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < n; j += lanes) f(i, j, Part<T, Full>{static_cast<int>(smaller(lanes, n - j))});
  }
}

// Rows of a block: one block per thread, at most 64 rows, no fewer than half a tile.
static inline int64_t block_rows(const RnnArgs& g, int64_t columns, int packets) {
  const double work = double(g.batch) * double(g.steps) * double(g.units) * double(columns);
  const int64_t threads = work < double(kForkWork) ? 1 : g.threads;
  const int64_t blocks = larger(1, round_up(ceil_div(g.batch, 64), threads));
  return larger(1, smaller(g.batch, larger((tile_rows(packets) + 1) / 2, ceil_div(g.batch, blocks))));
}

// Steps that one call of parallel_for takes: it must end within 10 ms. From 1 to the number of steps.
static inline int64_t steps_at_once(const RnnArgs& g, int64_t rows, int64_t columns) {
  const double step = double(rows) * double(g.units + g.inputs) * double(columns);
  const double most = double(kPieceWork) / 2 / (step < 1 ? 1 : step);
  return most < 1 ? 1 : most > double(g.steps) ? larger(1, g.steps) : static_cast<int64_t>(most);
}

template <class T>
static void copy_or_clear(const void* from, T* to, int64_t n) {
  if (from) return copy_run(static_cast<const T*>(from), to, n);
  for (int64_t i = 0; i < n; ++i) to[i] = T(0);
}

// K of a product is cut so that a panel stays in the L1 cache while the rows pass over it.
constexpr int64_t kPanelBytes = 20 * 1024;

// out [rows, packets * lanes] = [out +] a [rows, k] times a packed panel.
template <class T>
static void panel_product(const T* a, int64_t a_stride, int64_t rows, const T* panel, int64_t k, int packets, T* out,
                          bool add = false) {
  const int64_t width = packets * Packet<T>::size, strips = ceil_div(rows, tile_rows(packets));
  if (k == 0 && !add) return copy_or_clear<T>(nullptr, out, rows * width);
  const int64_t blocks = larger(1, ceil_div(k * width * int64_t(sizeof(T)), kPanelBytes)), block = ceil_div(k, blocks);
  TileJob<T> job;
  job.a_stride = a_stride;
  job.b_stride = width;
  job.c_stride = width;
  for (int64_t k0 = 0; k0 < k; k0 += block) {
    job.kc = smaller(block, k - k0);
    job.add = add || k0 > 0;
    job.b = panel + k0 * width;
    for (int64_t s = 0; s < strips; ++s) {
      const int64_t i0 = strip_begin(rows, strips, s), count = strip_begin(rows, strips, s + 1) - i0;
      job.a = a + i0 * a_stride + k0;
      job.c = out + i0 * width;
      find_tile(panel, false, false, count, packets)(job);
    }
  }
}

// A kernel in panels of `packets` packets of units: of each gate side by side [k][gates][packet], or transposed
// [k = columns][packet]. Zeros beyond the last unit; every panel is whole.
template <class T>
static int64_t packed_panels(int64_t units, int64_t k, int gates, int packets) {
  return ceil_div(units, packets * Packet<T>::size) * k * gates * packets * Packet<T>::size;
}
template <class T>
static void pack_gates(const T* w, int64_t k_rows, int64_t units, int64_t first, int64_t columns, int gates, int packets, T* out,
                       int threads) {
  using P = Packet<T>;
  const int64_t unit_width = packets * P::size, width = gates * unit_width;
  auto body = [&](int64_t begin, int64_t end, int) {
    for (int64_t p = begin; p < end; ++p) {
      const int64_t u0 = p * unit_width;
      T* to = out + p * k_rows * width;
      for (int64_t k = 0; k < k_rows; ++k) {
        for (int gate = 0; gate < gates; ++gate) {
          const T* from = w + k * columns + first + gate * units + u0;
          for (int64_t j = 0; j < unit_width; j += P::size, to += P::size) {
            const int64_t n = units - u0 - j;
            (n >= P::size ? P::load(from + j) : P::load_n(from + j, static_cast<int>(larger(0, n)))).store(to);
          }
        }
      }
    }
  };
  parallel_for(ceil_div(units, unit_width), larger(1, 16384 / (larger(1, k_rows) * width)), body, threads);
}
// w [units, columns]: the transposed columns [first, first + k).
template <class T>
static void pack_transposed(const T* w, int64_t units, int64_t first, int64_t k, int64_t columns, int packets, T* out,
                            int threads) {
  using P = Packet<T>;
  const int64_t width = packets * P::size;
  auto body = [&](int64_t begin, int64_t end, int) {
    for (int64_t p = begin; p < end; ++p) {
      const int64_t u0 = p * width, n = smaller(width, units - u0);
      T* to = out + p * k * width;
      if (n == width) {
        pack_columns(w + u0 * columns + first, columns, k, n, packets, to, {0, k});
        continue;
      }
      for (int64_t i = 0; i < k; ++i) {
        for (int64_t j = 0; j < width; ++j) to[i * width + j] = j < n ? w[(u0 + j) * columns + first + i] : T(0);
      }
    }
  };
  parallel_for(ceil_div(units, width), larger(1, 16384 / (k * width)), body, threads);
}

// Row of x [N,T,D] that step s of batch row n reads.
static NACRE_INLINE int64_t input_row(const RnnArgs& g, int64_t n, int64_t s) {
  return n * g.steps + (g.go_backwards ? g.steps - 1 - s : s);
}

// The step at which a row is live for the first time, `steps` for none.
static inline void first_live(const RnnArgs& g, int32_t* first) {
  const auto* mask = static_cast<const uint8_t*>(g.mask);
  for (int64_t n = 0; n < g.batch; ++n) {
    int64_t s = 0;
    while (s < g.steps && !mask[n * g.steps + (g.go_backwards ? g.steps - 1 - s : s)]) ++s;
    first[n] = static_cast<int32_t>(s);
  }
}
// The mask of step s at row 0; rows are g.steps apart.
static inline const uint8_t* mask_of_step(const RnnArgs& g, int64_t s) {
  return g.mask ? static_cast<const uint8_t*>(g.mask) + (g.go_backwards ? g.steps - 1 - s : s) : nullptr;
}

// out[j] += sum over rows of x[row * stride + j], in blocks of rows that are added up in order.
template <class T>
static void add_column_sums(const T* x, int64_t rows, int64_t stride, int64_t columns, T* out, int threads) {
  using P = Packet<T>;
  constexpr int64_t chunk = 256, row_block = 64;
  auto body = [&](int64_t begin, int64_t end, int) {
    T sums[chunk + P::size];
    for (int64_t p = begin; p < end; ++p) {
      const int64_t n = smaller(chunk, columns - p * chunk), whole = n / P::size * P::size;
      const int rest = static_cast<int>(n - whole);
      const T* from = x + p * chunk;
      T* total = out + p * chunk;
      for (int64_t r0 = 0; r0 < rows; r0 += row_block) {
        copy_or_clear<T>(nullptr, sums, n + P::size);
        for (int64_t r = r0; r < smaller(rows, r0 + row_block); ++r) {
          const T* row = from + r * stride;
          for (int64_t j = 0; j < whole; j += P::size) (P::load(sums + j) + P::load(row + j)).store(sums + j);
          if (rest) (P::load(sums + whole) + P::load_n(row + whole, rest)).store(sums + whole);
        }
        for (int64_t j = 0; j < n; ++j) total[j] += sums[j];
      }
    }
  };
  parallel_for(ceil_div(columns, chunk), larger(1, 65536 / larger(1, rows * chunk)), body, threads);
}

// Matrices with a leading stride; scratch of the size that gemm_scratch_bytes says.
template <class T>
static GemmArgs product_args(const RnnArgs& g, int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb,
                             T* c, int64_t ldc) {
  GemmArgs p;
  p.dtype = g.dtype;
  p.threads = g.threads;
  p.m = m, p.n = n, p.k = k;
  p.a = a, p.b = b, p.c = c;
  p.lda = larger(1, lda), p.ldb = larger(1, ldb), p.ldc = larger(1, ldc);
  return p;
}

// Hands out parts of scratch, 64 bytes aligned; with a null base it only counts.
struct ScratchParts {
  char* base;
  int64_t used = 0;
  template <class T>
  T* take(int64_t n) {
    T* p = base ? reinterpret_cast<T*>(base + used) : nullptr;
    used += round_up(n * int64_t(sizeof(T)), 64);
    return p;
  }
};

}  // namespace NACRE_ISA
}  // namespace nacre
