// Layer norm and RMS norm over the last axis. Each row has one owner; dgamma and dbeta are column sums in a pass of their own.
#include "nacre/kernels/norm_common.h"

namespace nacre::NACRE_ISA {
namespace {

template <class T>
void layer_norm(const LayerNormArgs& args, void*) noexcept {
  const int64_t width = args.width;
  const double m = static_cast<double>(width);
  const T *gamma = static_cast<const T*>(args.gamma), *beta = static_cast<const T*>(args.beta);
  parallel_for(args.rows, max64(1, kNormGrain / (width + 16)), [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      const T* x = static_cast<const T*>(args.x) + r * width;
      T* y = static_cast<T*>(args.y) + r * width;
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
    }
  });
}

template <class T>
void layer_norm_grad(const LayerNormGradArgs& args, void* scratch) noexcept {
  const int64_t width = args.width, rows = args.rows;
  const T *all_x = static_cast<const T*>(args.x), *all_dy = static_cast<const T*>(args.dy),
          *gamma = static_cast<const T*>(args.gamma);
  const T *mean = args.rms ? nullptr : static_cast<const T*>(args.mean), *rstd = static_cast<const T*>(args.rstd);
  T *dgamma = static_cast<T*>(args.dgamma), *dbeta = static_cast<T*>(args.dbeta), *partial = static_cast<T*>(scratch);
  // Before dx: dx may be dy.
  if (dgamma) {
    column_sums<T>(
        rows, width,
        NACRE_PACKET_LAMBDA(int64_t r, int64_t j, int some) {
          const Packet<T> d = load_some(all_x + r * width + j, some) - Packet<T>::set1(mean ? mean[r] : T(0));
          return load_some(all_dy + r * width + j, some) * (d * Packet<T>::set1(rstd[r]));
        },
        partial, [&](int64_t j, double total) { dgamma[j] = static_cast<T>(total); });
  }
  if (dbeta) {
    column_sums<T>(
        rows, width, NACRE_PACKET_LAMBDA(int64_t r, int64_t j, int some) { return load_some(all_dy + r * width + j, some); },
        partial, [&](int64_t j, double total) { dbeta[j] = static_cast<T>(total); });
  }
  if (!args.dx) return;
  const double share = 1.0 / static_cast<double>(width);
  parallel_for(rows, max64(1, kNormGrain / (width + 16)), [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      const T *x = all_x + r * width, *dy = all_dy + r * width;
      T* dx = static_cast<T*>(args.dx) + r * width;
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
    }
  });
}

int64_t layer_norm_grad_scratch(const LayerNormGradArgs& args) noexcept {
  return args.dgamma || args.dbeta ? 8 * column_partial<double>(args.rows, args.width) : 0;
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
