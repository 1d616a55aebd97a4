// Layer norm and RMS norm over the last axis. Each row has one owner; dgamma and dbeta are column sums, made in the pass that makes dx where
// nothing is hooked on, else in a pass of their own: the same terms in the same order.
#include "nacre/kernels/norm_common.h"

namespace nacre::NACRE_ISA {
namespace {

template <class T>
constexpr int64_t kRow = kHookedRow / static_cast<int64_t>(sizeof(T));

// Walks rows [begin, end) in blocks that hooks get at once: row(r, in, out) for each.
template <class T, class Row>
void hooked_rows(int64_t begin, int64_t end, int64_t width, const TileSource<T>& source, const TileSource<T>& target,
                 const Row& row) {
  alignas(64) T made[kRow<T>], taken[kRow<T>];
  const int64_t block = source.hook || target.hook ? max64(1, kRow<T> / 4 / width) : 1;
  for (int64_t first = begin; first < end; first += block) {
    const int64_t n = min64(block, end - first) * width;
    const T* in = source.at(first * width, n, made);
    T* out = target.array ? target.array + first * width : taken;
    for (int64_t at = 0; at < n; at += width) row(first + at / width, in + at, out + at);
    target.hook(first * width, n, out);
  }
}

template <class T>
void layer_norm(const LayerNormArgs& args, void*) noexcept {
  const int64_t width = args.width;
  const double m = static_cast<double>(width);
  const T *gamma = static_cast<const T*>(args.gamma), *beta = static_cast<const T*>(args.beta);
  const TileSource<T> source{static_cast<T*>(const_cast<void*>(args.x)), args.before}, target{static_cast<T*>(args.y), args.after};
  parallel_for(args.rows, max64(1, kNormGrain / (width + 16)), [&](int64_t begin, int64_t end, int) {
    hooked_rows(begin, end, width, source, target, [&](int64_t r, const T* x, T* y) {
      T center = T(0);
      double rest = 0;
      if (!args.rms) {
        const double mean = sum_row(x, width) / m;
        center = static_cast<T>(mean);
        rest = mean - static_cast<double>(center);
      }
      const Packet<T> c = Packet<T>::set1(center);
      const double squares = fold_row<Add, T>(
          width, NACRE_PACKET_LAMBDA(int64_t i, int some) {
            const Packet<T> d = load_some(x + i, some) - c;
            return d * d;
          });
      const T rstd = static_cast<T>(1.0 / c_sqrt(variance_of(squares, m, rest) + args.epsilon));
      const Packet<T> k = Packet<T>::set1(rstd);
      for_packets<T>(
          width, NACRE_PACKET_LAMBDA(int64_t i, int some) {
            Packet<T> v = (load_some(x + i, some) - c) * k;
            if (gamma) v = v * load_some(gamma + i, some);
            if (beta) v = v + load_some(beta + i, some);
            store_some(y + i, some, v);
          });
      if (args.mean && !args.rms) static_cast<T*>(args.mean)[r] = center;
      if (args.rstd) static_cast<T*>(args.rstd)[r] = rstd;
    });
  });
}

// What a row's gradient reads and writes.
template <class T>
struct GradRow {
  const T *dy, *x, *gamma;  // gamma may be null
  T* dx;                    // may be dy
  T center, rstd;
  bool centered;
};

// dx of a row; each(i, some, dy, xhat) once for all its packets.
template <class T, class Each>
NACRE_INLINE void grad_row(const GradRow<T>& row, int64_t width, const Each& each) {
  const GradRow<T> r = row;
  const double share = 1.0 / static_cast<double>(width);
  const Packet<T> c = Packet<T>::set1(r.center), k = Packet<T>::set1(r.rstd);
  const auto g = NACRE_PACKET_LAMBDA(int64_t i, int some) {
    const Packet<T> v = load_some(r.dy + i, some);
    return r.gamma ? v * load_some(r.gamma + i, some) : v;
  };
  const auto xhat = NACRE_PACKET_LAMBDA(int64_t i, int some) { return (load_some(r.x + i, some) - c) * k; };
  const double along = fold_row<Add, T>(
      width, NACRE_PACKET_LAMBDA(int64_t i, int some) { return g(i, some) * xhat(i, some); });
  const double level = r.centered ? fold_row<Add, T>(
                                        width, NACRE_PACKET_LAMBDA(int64_t i, int some) { return g(i, some); })
                                  : 0.0;
  const Packet<T> a = Packet<T>::set1(static_cast<T>(level * share)), b = Packet<T>::set1(static_cast<T>(along * share));
  for_packets<T>(
      width, NACRE_PACKET_LAMBDA(int64_t i, int some) {
        const Packet<T> d = load_some(r.dy + i, some), v = g(i, some), h = xhat(i, some);
        each(i, some, d, h);
        store_some(r.dx + i, some, k * ((v - a) - h * b));
      });
}

template <class T>
GradRow<T> grad_row_of(const LayerNormGradArgs& args, int64_t r, const T* dy, T* dx) {
  const T* mean = args.rms ? nullptr : static_cast<const T*>(args.mean);
  return {dy,
          static_cast<const T*>(args.x) + r * args.width,
          static_cast<const T*>(args.gamma),
          dx,
          mean ? mean[r] : T(0),
          static_cast<const T*>(args.rstd)[r],
          mean != nullptr};
}

// Rows r, r + 8, r + 16, ... of a chunk are a share: the sums of its lanes join before they meet another share's.
constexpr int64_t kShares = 8;
template <class T>
constexpr int64_t kSharedWidth = 8192 / static_cast<int64_t>(sizeof(T));  // widest row whose sums are made beside dx

// Shares lie row by row between each other: rows of less than a page would be fetched ahead by the neighbour's core, too (half the speed). With few
// rows for each lane, joining them is most of the work.
template <class T>
bool pays_together(const LayerNormGradArgs& args) {
  const int64_t width = args.width;
  return width <= kSharedWidth<T> && width * static_cast<int64_t>(sizeof(T)) >= 4096 && args.rows >= 4 * kLanes;
}

template <class T>
void add_rows(T* to, const T* from, int64_t n) {
  for_packets<T>(
      n,
      NACRE_PACKET_LAMBDA(int64_t i, int some) { store_some(to + i, some, load_some(to + i, some) + load_some(from + i, some)); });
}

// dx, and sums[2][width] of dy and dy * xhat over a share's rows (every 8th from `first`, before `end`), in the order of reduce_chunk.h.
template <class T>
void grad_share(const LayerNormGradArgs& args, int64_t first, int64_t end, T* sums) {
  const int64_t width = args.width;
  alignas(64) T lanes[4][2 * kSharedWidth<T>];  // sums of 1, 2 and 4 lanes that wait for their other half, and the one in work
  const T* all_dy = static_cast<const T*>(args.dy);
  int depth = 0;
  for (int lane = 0; lane < kLanes / kShares; ++lane) {
    const int64_t from =
        first + kShares * ((lane & 1) * 4 + (lane & 2) + (lane & 4) / 4);  // lane l, then l + 32, l + 16, l + 48, ...
    T *dbeta = lanes[depth], *dgamma = dbeta + width;
    memset(dbeta, 0, static_cast<size_t>(2 * width) * sizeof(T));
    for (int64_t r = from; r < end; r += kLanes) {
      const int64_t at = r * width;
      const GradRow<T> row = grad_row_of(args, r, all_dy + at, static_cast<T*>(args.dx) + at);
      // Rows lie apart: the next one is asked for while this one is worked on.
      const int64_t next = r + kLanes < end ? kLanes * width : 0;
      grad_row(
          row, width, NACRE_PACKET_LAMBDA(int64_t i, int some, Packet<T> dy, Packet<T> xhat) {
            __builtin_prefetch(row.x + next + i);
            __builtin_prefetch(row.dy + next + i);
            store_some(dbeta + i, some, load_some(dbeta + i, some) + dy);
            store_some(dgamma + i, some, load_some(dgamma + i, some) + dy * xhat);
          });
    }
    for (int half = lane; half & 1; half >>= 1, --depth) add_rows(lanes[depth - 1], lanes[depth], 2 * width);
    ++depth;
  }
  memcpy(sums, lanes[0], static_cast<size_t>(2 * width) * sizeof(T));
}

template <class T>
void layer_norm_grad_together(const LayerNormGradArgs& args, T* sums) {
  const int64_t width = args.width, rows = args.rows, chunks = ceil_div(rows, kChunk);
  const int64_t share_rows = max64(1, min64(rows, kChunk) / kShares);
  parallel_for(chunks * kShares, max64(1, kNormGrain / (share_rows * (width + 16))), [&](int64_t begin, int64_t end, int) {
    for (int64_t u = begin; u < end; ++u) {
      const int64_t chunk = u / kShares * kChunk;
      grad_share(args, chunk + u % kShares, min64(rows, chunk + kChunk), sums + u * 2 * width);
    }
  });
  T* const parameters[] = {static_cast<T*>(args.dbeta), static_cast<T*>(args.dgamma)};
  const int64_t chunk_size = kShares * 2 * width;
  for (int64_t c = 0; c < chunks; ++c) {
    for (int64_t half = kShares / 2; half > 0; half /= 2)
      add_rows(sums + c * chunk_size, sums + c * chunk_size + half * 2 * width, half * 2 * width);
  }
  for (int k = 0; k < 2; ++k) {
    for (int64_t j = 0; parameters[k] && j < width; ++j) {
      double total = 0;
      for (int64_t c = 0; c < chunks; ++c) total += static_cast<double>(sums[c * chunk_size + k * width + j]);
      parameters[k][j] = static_cast<T>(total);
    }
  }
}

template <class T>
void layer_norm_grad(const LayerNormGradArgs& args, void* scratch) noexcept {
  const int64_t width = args.width, rows = args.rows;
  const T* all_x = static_cast<const T*>(args.x);
  const T *mean = args.rms ? nullptr : static_cast<const T*>(args.mean), *rstd = static_cast<const T*>(args.rstd);
  T *dgamma = static_cast<T*>(args.dgamma), *dbeta = static_cast<T*>(args.dbeta), *partial = static_cast<T*>(scratch);
  if constexpr (sizeof(T) == 4) {  // float32 alone, for the size of the library; the bits are the same
    if ((dgamma || dbeta) && args.dx && !args.before && !args.after && pays_together<T>(args))
      return layer_norm_grad_together(args, partial);
  }
  TileSource<T> source{static_cast<T*>(const_cast<void*>(args.dy)), args.before};
  // Before dx: dx may be dy.
  if (dgamma || dbeta) {
    const T* const none[] = {nullptr};
    column_sums<2>(
        rows, width, source, none, false,
        NACRE_PACKET_VALUES(Packet<T> dy, int64_t r, int64_t at, int64_t, int some, const auto&, Packet<T>(&sums)[2]) {
          sums[0] = dy;
          sums[1] = dy * ((load_some(all_x + at, some) - Packet<T>::set1(mean ? mean[r] : T(0))) * Packet<T>::set1(rstd[r]));
        },
        partial,
        [&](int s, int64_t j, double total) {
          T* parameter = s == 0 ? dbeta : dgamma;
          if (parameter) parameter[j] = static_cast<T>(total);
        });
    source = source.again();
  }
  if (!args.dx && !args.after) return;
  const TileSource<T> target{static_cast<T*>(args.dx), args.after};
  parallel_for(rows, max64(1, kNormGrain / (width + 16)), [&](int64_t begin, int64_t end, int) {
    hooked_rows(begin, end, width, source, target, [&](int64_t r, const T* dy, T* dx) {
      grad_row(grad_row_of(args, r, dy, dx), width, NACRE_PACKET_LAMBDA(int64_t, int, Packet<T>, Packet<T>){});
    });
  });
}

int64_t layer_norm_grad_scratch(const LayerNormGradArgs& args) noexcept {
  if (!args.dgamma && !args.dbeta) return 0;
  const int64_t apart = 16 * column_partial<double>(args.rows, args.width);
  const int64_t together = static_cast<int64_t>(sizeof(float)) * ceil_div(args.rows, kChunk) * kShares * 2 * args.width;
  return pays_together<float>(args) ? max64(apart, together) : apart;
}

}  // namespace

void fill_layer_norm(NormTable& table) {
  table.layer_norm[cell<float>()] = layer_norm<float>;
  table.layer_norm[cell<double>()] = layer_norm<double>;
  table.layer_norm_grad[cell<float>()] = layer_norm_grad<float>;
  table.layer_norm_grad[cell<double>()] = layer_norm_grad<double>;
  table.layer_norm_grad_scratch = layer_norm_grad_scratch;
}

}  // namespace nacre::NACRE_ISA
