// Batch norm of [n, channels, spatial]. spatial = 1 (channels last): statistics are column sums, and neighbours are hooked on. Otherwise every
// (image, channel) plane is one row: plane sums go to scratch and are added over the images in order.
#include "nacre/kernels/norm_common.h"

namespace nacre::NACRE_ISA {
namespace {

struct Layout {
  int64_t n, channels, spatial;
  [[nodiscard]] double per_channel() const { return static_cast<double>(n) * static_cast<double>(spatial); }
};

// finish(s, channel, total) with total = the sum over everything of one channel, for S sums. map(v, at, some, c, out): out[S] of the elements v of
// the source at `at`; c(k) gives the packet of constant k.
template <int S, class T, int N, class Map, class Finish>
void channel_sums(const Layout& l, const TileSource<T>& source, const T* const (&constants)[N], const Map& map, void* scratch,
                  const Finish& finish) {
  if (l.spatial == 1) {
    column_sums<S>(
        l.n, l.channels, source, constants, true,
        NACRE_PACKET_VALUES(Packet<T> v, int64_t, int64_t at, int64_t j, int some, const auto& c, Packet<T>(&out)[S]) {
          map(
              v, at, some, NACRE_PACKET_LAMBDA(int k) { return load_some(c.at[k] + j, some); }, out);
        },
        static_cast<T*>(scratch), finish);
    return;
  }
  double* plane = static_cast<double*>(scratch);  // [n, channels]
  for (int s = 0; s < S; ++s) {
    parallel_for(l.n * l.channels, max64(1, kNormGrain / (l.spatial + 16)), [&](int64_t begin, int64_t end, int) {
      for (int64_t p = begin; p < end; ++p) {
        const int64_t channel = p % l.channels, base = p * l.spatial;
        plane[p] = fold_row<Add, T>(
            l.spatial, NACRE_PACKET_LAMBDA(int64_t i, int some) {
              Packet<T> out[S];
              map(
                  load_some(source.array + base + i, some), base + i, some,
                  NACRE_PACKET_LAMBDA(int k) { return Packet<T>::set1(constants[k][channel]); }, out);
              return out[s];
            });
      }
    });
    for (int64_t c = 0; c < l.channels; ++c) {
      double total = 0;
      for (int64_t i = 0; i < l.n; ++i) total += plane[i * l.channels + c];
      finish(s, c, total);
    }
  }
}

// target = map(v, at, some, c) over all elements v of the source.
template <class T, int N, class Map>
void for_elements(const Layout& l, const TileSource<T>& source, const TileSource<T>& target, const T* const (&constants)[N],
                  const Map& map) {
  if (l.spatial == 1) {
    walk_rows(
        l.n, l.channels, source, target, constants,
        NACRE_PACKET_VALUES(Packet<T> v, int64_t at, int64_t j, int some, const auto& c) {
          return map(
              v, at, some, NACRE_PACKET_LAMBDA(int k) { return load_some(c.at[k] + j, some); });
        });
    return;
  }
  parallel_for(l.n * l.channels, max64(1, kNormGrain / (l.spatial + 8)), [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t channel = r % l.channels, base = r * l.spatial;
      for_packets<T>(
          l.spatial, NACRE_PACKET_LAMBDA(int64_t i, int some) {
            store_some(target.array + base + i, some,
                       map(
                           load_some(source.array + base + i, some), base + i, some,
                           NACRE_PACKET_LAMBDA(int k) { return Packet<T>::set1(constants[k][channel]); }));
          });
    }
  });
}

// Bytes for `sums` of channel_sums (8 per value whatever the dtype), after `arrays` per-channel arrays.
int64_t scratch_for(int64_t n, int64_t channels, int64_t spatial, int64_t arrays, int64_t sums) {
  return 8 * (arrays * channels + (spatial == 1 ? sums * column_partial<double>(n, channels) : n * channels));
}

// An array that kernels only read, as the source of a walk.
template <class T>
TileSource<T> source_of(const void* x, const TileHook& hook = {}) {
  return {static_cast<T*>(const_cast<void*>(x)), hook};
}

// y = (x - mean) * k + beta, k = gamma * rstd.
template <class T>
void normalize(const BatchNormArgs& args, const Layout& l, const T* mean, const T* k) {
  const T* const constants[] = {mean, k, static_cast<const T*>(args.beta)};
  const bool shifted = args.beta;
  for_elements<T>(
      l, source_of<T>(args.x), {static_cast<T*>(args.y), args.after}, constants,
      NACRE_PACKET_VALUES(Packet<T> x, int64_t, int, const auto& c) {
        const Packet<T> v = (x - c(0)) * c(1);
        return shifted ? v + c(2) : v;
      });
}

template <class T>
void batch_norm_training(const BatchNormArgs& args, void* scratch) noexcept {
  const Layout l{args.n, args.channels, args.spatial};
  const double m = l.per_channel();
  const T* gamma = static_cast<const T*>(args.gamma);
  T *mean = static_cast<T*>(args.mean), *var = static_cast<T*>(args.var), *rstd = static_cast<T*>(args.rstd);
  double* rest = static_cast<double*>(scratch);
  T* k = reinterpret_cast<T*>(rest + l.channels);
  double* sums = rest + 2 * l.channels;
  const T* const means[] = {mean};
  channel_sums<1>(
      l, source_of<T>(args.x), means,
      NACRE_PACKET_VALUES(Packet<T> x, int64_t, int, const auto&, Packet<T>(&out)[1]) { out[0] = x; }, sums,
      [&](int, int64_t c, double total) {
        const double exact = m > 0 ? total / m : 0;
        mean[c] = static_cast<T>(exact);
        rest[c] = exact - static_cast<double>(mean[c]);
      });
  channel_sums<1>(
      l, source_of<T>(args.x), means,
      NACRE_PACKET_VALUES(Packet<T> x, int64_t, int, const auto& c, Packet<T>(&out)[1]) {
        const Packet<T> d = x - c(0);
        out[0] = d * d;
      },
      sums, [&](int, int64_t c, double total) { rest[c] = m > 0 ? variance_of(total, m, rest[c]) : 0; });
  for (int64_t c = 0; c < l.channels; ++c) {
    var[c] = static_cast<T>(rest[c]);
    rstd[c] = static_cast<T>(1.0 / c_sqrt(rest[c] + args.epsilon));
    k[c] = gamma ? gamma[c] * rstd[c] : rstd[c];
  }
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
  const T *x = static_cast<const T*>(args.x), *gamma = static_cast<const T*>(args.gamma);
  const T *mean = static_cast<const T*>(args.mean), *rstd = static_cast<const T*>(args.rstd);
  T *dgamma = static_cast<T*>(args.dgamma), *dbeta = static_cast<T*>(args.dbeta), *dx = static_cast<T*>(args.dx);
  T *a = static_cast<T*>(scratch), *b = a + l.channels, *k = b + l.channels;
  void* sums = static_cast<double*>(scratch) + 3 * l.channels;
  TileSource<T> dy = source_of<T>(args.dy, args.before);
  const bool wants_dx = dx || args.after;
  if (dgamma || dbeta || args.training) {
    const T* const constants[] = {mean, rstd};
    channel_sums<2>(
        l, dy, constants,
        NACRE_PACKET_VALUES(Packet<T> d, int64_t at, int some, const auto& c, Packet<T>(&out)[2]) {
          out[0] = d;
          out[1] = d * ((load_some(x + at, some) - c(0)) * c(1));
        },
        sums,
        [&](int s, int64_t c, double total) {
          T* parameter = s == 0 ? dbeta : dgamma;
          if (parameter) parameter[c] = static_cast<T>(total);
          if (s == 0)
            a[c] = static_cast<T>(total / m);
          else
            b[c] = static_cast<T>(static_cast<double>(rstd[c]) * total / m);
        });
    dy = dy.again();
  }
  if (!wants_dx) return;
  for (int64_t c = 0; c < l.channels; ++c) k[c] = gamma ? gamma[c] * rstd[c] : rstd[c];
  const T* const constants[] = {k, a, mean, b};
  const TileSource<T> target{dx, args.after};
  if (args.training) {
    for_elements<T>(
        l, dy, target, constants, NACRE_PACKET_VALUES(Packet<T> d, int64_t at, int some, const auto& c) {
          return c(0) * ((d - c(1)) - (load_some(x + at, some) - c(2)) * c(3));
        });
  } else {
    for_elements<T>(
        l, dy, target, constants, NACRE_PACKET_VALUES(Packet<T> d, int64_t, int, const auto& c) { return c(0) * d; });
  }
}

int64_t batch_norm_scratch(const BatchNormArgs& args) noexcept { return scratch_for(args.n, args.channels, args.spatial, 2, 1); }
int64_t batch_norm_grad_scratch(const BatchNormGradArgs& args) noexcept {
  return scratch_for(args.n, args.channels, args.spatial, 3, 2);
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
