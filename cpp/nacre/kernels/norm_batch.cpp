// Batch norm of [n, channels, spatial]. spatial = 1 (channels last): statistics are column sums. Otherwise every (image, channel)
// plane is one row: plane sums go to scratch and are added over the images in order.
#include "nacre/kernels/norm_common.h"

namespace nacre::NACRE_ISA {
namespace {

struct Layout {
  int64_t n, channels, spatial;
  [[nodiscard]] double per_channel() const { return static_cast<double>(n) * static_cast<double>(spatial); }
};

// finish(channel, total) with total = the sum over everything of one channel; value(at, c, some) gives the packet at element `at`
// with per-channel constants read as c(array, some).
template <class T, class Value, class Finish>
void channel_sums(const Layout& l, const Value& value, void* scratch, const Finish& finish) {
  if (l.spatial == 1) {
    column_sums<T>(
        l.n, l.channels,
        NACRE_PACKET_LAMBDA(int64_t r, int64_t j, int some) {
          return value(
              r * l.channels + j, some, NACRE_PACKET_LAMBDA(const T* array) { return load_some(array + j, some); });
        },
        static_cast<T*>(scratch), finish);
    return;
  }
  double* plane = static_cast<double*>(scratch);  // [n, channels]
  parallel_for(l.n * l.channels, max64(1, kNormGrain / (l.spatial + 16)), [&](int64_t begin, int64_t end, int) {
    for (int64_t p = begin; p < end; ++p) {
      const int64_t channel = p % l.channels, base = p * l.spatial;
      plane[p] = fold_row<Add, T>(
          l.spatial, NACRE_PACKET_LAMBDA(int64_t i, int some) {
            return value(
                base + i, some, NACRE_PACKET_LAMBDA(const T* array) { return Packet<T>::set1(array[channel]); });
          });
    }
  });
  for (int64_t c = 0; c < l.channels; ++c) {
    double total = 0;
    for (int64_t i = 0; i < l.n; ++i) total += plane[i * l.channels + c];
    finish(c, total);
  }
}

// body(at, some, c) over all elements.
template <class T, class Body>
void for_elements(const Layout& l, const Body& body) {
  const int64_t rows = l.spatial == 1 ? l.n : l.n * l.channels, length = l.spatial == 1 ? l.channels : l.spatial;
  parallel_for(rows, max64(1, kNormGrain / (length + 8)), [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      if (l.spatial == 1) {
        for_packets<T>(
            length, NACRE_PACKET_LAMBDA(int64_t j, int some) {
              body(
                  r * length + j, some, NACRE_PACKET_LAMBDA(const T* array) { return load_some(array + j, some); });
            });
      } else {
        const int64_t channel = r % l.channels;
        for_packets<T>(
            length, NACRE_PACKET_LAMBDA(int64_t i, int some) {
              body(
                  r * length + i, some, NACRE_PACKET_LAMBDA(const T* array) { return Packet<T>::set1(array[channel]); });
            });
      }
    }
  });
}

// Bytes for channel_sums (8 per value whatever the dtype), after `arrays` per-channel arrays.
int64_t scratch_for(int64_t n, int64_t channels, int64_t spatial, int64_t arrays) {
  return 8 * (arrays * channels + (spatial == 1 ? column_partial<double>(n, channels) : n * channels));
}

// y = (x - mean) * k + beta, k = gamma * rstd.
template <class T>
void normalize(const BatchNormArgs& args, const Layout& l, const T* mean, const T* k) {
  const T *x = static_cast<const T*>(args.x), *beta = static_cast<const T*>(args.beta);
  T* y = static_cast<T*>(args.y);
  for_elements<T>(
      l, NACRE_PACKET_LAMBDA(int64_t at, int some, const auto& c) {
        Packet<T> v = (load_some(x + at, some) - c(mean)) * c(k);
        if (beta) v = v + c(beta);
        store_some(y + at, some, v);
      });
}

template <class T>
void batch_norm_training(const BatchNormArgs& args, void* scratch) noexcept {
  const Layout l{args.n, args.channels, args.spatial};
  const double m = l.per_channel();
  const T *x = static_cast<const T*>(args.x), *gamma = static_cast<const T*>(args.gamma);
  T *mean = static_cast<T*>(args.mean), *var = static_cast<T*>(args.var), *rstd = static_cast<T*>(args.rstd);
  double* rest = static_cast<double*>(scratch);
  T* k = reinterpret_cast<T*>(rest + l.channels);
  double* sums = rest + 2 * l.channels;
  channel_sums<T>(
      l, NACRE_PACKET_LAMBDA(int64_t at, int some, const auto&) { return load_some(x + at, some); }, sums,
      [&](int64_t c, double total) {
        const double exact = m > 0 ? total / m : 0;
        mean[c] = static_cast<T>(exact);
        rest[c] = exact - static_cast<double>(mean[c]);
      });
  channel_sums<T>(
      l,
      NACRE_PACKET_LAMBDA(int64_t at, int some, const auto& c) {
        const Packet<T> d = load_some(x + at, some) - c(mean);
        return d * d;
      },
      sums,
      [&](int64_t c, double total) {
        const double v = m > 0 ? variance_of(total, m, rest[c]) : 0, r = 1.0 / c_sqrt(v + args.epsilon);
        var[c] = static_cast<T>(v);
        rstd[c] = static_cast<T>(r);
        k[c] = gamma ? gamma[c] * rstd[c] : rstd[c];
      });
  normalize(args, l, mean, k);
}

template <class T>
void batch_norm_inference(const BatchNormArgs& args, void* scratch) noexcept {
  const Layout l{args.n, args.channels, args.spatial};
  const T *gamma = static_cast<const T*>(args.gamma), *var = static_cast<const T*>(args.var);
  T *k = static_cast<T*>(scratch), *rstd = static_cast<T*>(args.rstd);
  for (int64_t c = 0; c < l.channels; ++c) {
    const T r = static_cast<T>(1.0 / c_sqrt(static_cast<double>(var[c]) + args.epsilon));
    if (rstd) rstd[c] = r;
    k[c] = gamma ? gamma[c] * r : r;
  }
  normalize(args, l, static_cast<const T*>(args.mean), k);
}

// dx = k * (dy - a - (x - mean) * b) with a = sum(dy) / m, b = rstd * sum(dy xhat) / m; inference: dx = k * dy.
template <class T>
void batch_norm_grad(const BatchNormGradArgs& args, void* scratch) noexcept {
  const Layout l{args.n, args.channels, args.spatial};
  const double m = l.per_channel();
  const T *x = static_cast<const T*>(args.x), *dy = static_cast<const T*>(args.dy), *gamma = static_cast<const T*>(args.gamma);
  const T *mean = static_cast<const T*>(args.mean), *rstd = static_cast<const T*>(args.rstd);
  T *dgamma = static_cast<T*>(args.dgamma), *dbeta = static_cast<T*>(args.dbeta), *dx = static_cast<T*>(args.dx);
  T *a = static_cast<T*>(scratch), *b = a + l.channels, *k = b + l.channels;
  void* sums = static_cast<double*>(scratch) + 3 * l.channels;
  const bool through_statistics = args.training && dx;
  if (dbeta || through_statistics) {
    channel_sums<T>(
        l, NACRE_PACKET_LAMBDA(int64_t at, int some, const auto&) { return load_some(dy + at, some); }, sums,
        [&](int64_t c, double total) {
          a[c] = static_cast<T>(total / m);
          if (dbeta) dbeta[c] = static_cast<T>(total);
        });
  }
  if (dgamma || through_statistics) {
    channel_sums<T>(
        l,
        NACRE_PACKET_LAMBDA(int64_t at, int some, const auto& c) {
          return load_some(dy + at, some) * ((load_some(x + at, some) - c(mean)) * c(rstd));
        },
        sums,
        [&](int64_t c, double total) {
          b[c] = static_cast<T>(static_cast<double>(rstd[c]) * total / m);
          if (dgamma) dgamma[c] = static_cast<T>(total);
        });
  }
  if (!dx) return;
  for (int64_t c = 0; c < l.channels; ++c) k[c] = gamma ? gamma[c] * rstd[c] : rstd[c];
  if (args.training) {
    for_elements<T>(
        l, NACRE_PACKET_LAMBDA(int64_t at, int some, const auto& c) {
          const Packet<T> d = (load_some(dy + at, some) - c(a)) - (load_some(x + at, some) - c(mean)) * c(b);
          store_some(dx + at, some, c(k) * d);
        });
  } else {
    for_elements<T>(
        l,
        NACRE_PACKET_LAMBDA(int64_t at, int some, const auto& c) { store_some(dx + at, some, c(k) * load_some(dy + at, some)); });
  }
}

int64_t batch_norm_scratch(const BatchNormArgs& args) noexcept { return scratch_for(args.n, args.channels, args.spatial, 2); }
int64_t batch_norm_grad_scratch(const BatchNormGradArgs& args) noexcept {
  return scratch_for(args.n, args.channels, args.spatial, 3);
}

template <class T>
void fill(NormTable& table) {
  table.batch_norm_training[cell<T>()] = batch_norm_training<T>;
  table.batch_norm_inference[cell<T>()] = batch_norm_inference<T>;
  table.batch_norm_grad[cell<T>()] = batch_norm_grad<T>;
}

}  // namespace

void fill_batch_norm(NormTable& table) {
  fill<float>(table);
  fill<double>(table);
  table.batch_norm_scratch = batch_norm_scratch;
  table.batch_norm_grad_scratch = batch_norm_grad_scratch;
}

}  // namespace nacre::NACRE_ISA
