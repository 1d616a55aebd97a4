// Layer norm and RMS norm over the last axis. Each row has one owner; dgamma and dbeta are column sums in a pass of their own.
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

template <class T>
void layer_norm_grad(const LayerNormGradArgs& args, void* scratch) noexcept {
  const int64_t width = args.width, rows = args.rows;
  const T *all_x = static_cast<const T*>(args.x), *gamma = static_cast<const T*>(args.gamma);
  const T *mean = args.rms ? nullptr : static_cast<const T*>(args.mean), *rstd = static_cast<const T*>(args.rstd);
  T *dgamma = static_cast<T*>(args.dgamma), *dbeta = static_cast<T*>(args.dbeta), *partial = static_cast<T*>(scratch);
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
  const double share = 1.0 / static_cast<double>(width);
  parallel_for(rows, max64(1, kNormGrain / (width + 16)), [&](int64_t begin, int64_t end, int) {
    hooked_rows(begin, end, width, source, target, [&](int64_t r, const T* dy, T* dx) {
      const T* x = all_x + r * width;
      const Packet<T> c = Packet<T>::set1(mean ? mean[r] : T(0)), k = Packet<T>::set1(rstd[r]);
      const auto g = NACRE_PACKET_LAMBDA(int64_t i, int some) {
        const Packet<T> v = load_some(dy + i, some);
        return gamma ? v * load_some(gamma + i, some) : v;
      };
      const auto xhat = NACRE_PACKET_LAMBDA(int64_t i, int some) { return (load_some(x + i, some) - c) * k; };
      const double along = fold_row<Add, T>(
          width, NACRE_PACKET_LAMBDA(int64_t i, int some) { return g(i, some) * xhat(i, some); });
      const double level = mean ? fold_row<Add, T>(
                                      width, NACRE_PACKET_LAMBDA(int64_t i, int some) { return g(i, some); })
                                : 0.0;
      const Packet<T> a = Packet<T>::set1(static_cast<T>(level * share)), b = Packet<T>::set1(static_cast<T>(along * share));
      for_packets<T>(
          width,
          NACRE_PACKET_LAMBDA(int64_t i, int some) { store_some(dx + i, some, k * ((g(i, some) - a) - xhat(i, some) * b)); });
    });
  });
}

int64_t layer_norm_grad_scratch(const LayerNormGradArgs& args) noexcept {
  return args.dgamma || args.dbeta ? 16 * column_partial<double>(args.rows, args.width) : 0;
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
