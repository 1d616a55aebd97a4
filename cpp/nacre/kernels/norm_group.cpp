// Group norm. A group of one sample is a list of contiguous runs: channels first, one run per channel; channels last, one run per
// place.
// Run sums are added in order in double. dgamma and dbeta add over samples and places.
#include "nacre/kernels/norm_common.h"

namespace nacre::NACRE_ISA {
namespace {

// The runs of (sample, group) and where their gamma lies.
struct Groups {
  int64_t n, channels, spatial, groups, width;  // width: channels per group
  bool last;

  [[nodiscard]] int64_t runs() const { return last ? spatial : width; }
  [[nodiscard]] int64_t run_length() const { return last ? width : spatial; }
  [[nodiscard]] int64_t run_begin(int64_t sample, int64_t group, int64_t run) const {
    return last ? (sample * spatial + run) * channels + group * width : (sample * channels + group * width + run) * spatial;
  }
  [[nodiscard]] int64_t channel_begin(int64_t group, int64_t run) const { return last ? group * width : group * width + run; }
  [[nodiscard]] double count() const { return static_cast<double>(width) * static_cast<double>(spatial); }
};

template <class Args>
Groups groups_of(const Args& args) {
  return {args.n, args.channels, args.spatial, args.groups, args.channels / args.groups, args.channels_last};
}

// Per-channel constants for position i of a run.
template <class T>
NACRE_INLINE Packet<T> channel_values(const Groups& g, const T* array, int64_t first, int64_t i, int some) {
  return g.last ? load_some(array + first + i, some) : Packet<T>::set1(array[first]);
}

template <class T, class Value>
NACRE_INLINE double group_sum(const Groups& g, int64_t sample, int64_t group, const Value& value) {
  double total = 0;
  for (int64_t run = 0; run < g.runs(); ++run) {
    const int64_t begin = g.run_begin(sample, group, run), first = g.channel_begin(group, run);
    total += fold_row<Add, T>(
        g.run_length(), NACRE_PACKET_LAMBDA(int64_t i, int some) { return value(begin + i, first, i, some); });
  }
  return total;
}

template <class T, class Body>
NACRE_INLINE void for_group(const Groups& g, int64_t sample, int64_t group, const Body& body) {
  for (int64_t run = 0; run < g.runs(); ++run) {
    const int64_t begin = g.run_begin(sample, group, run), first = g.channel_begin(group, run);
    for_packets<T>(
        g.run_length(), NACRE_PACKET_LAMBDA(int64_t i, int some) { body(begin + i, first, i, some); });
  }
}

template <class Body>
void for_all_groups(const Groups& g, const Body& body) {
  parallel_for(g.n * g.groups, max64(1, kNormGrain / (g.width * g.spatial + 16)), [&](int64_t begin, int64_t end, int) {
    for (int64_t p = begin; p < end; ++p) body(p, p / g.groups, p % g.groups);
  });
}

template <class T>
void group_norm(const GroupNormArgs& args, void*) noexcept {
  const Groups g = groups_of(args);
  const T *x = static_cast<const T*>(args.x), *gamma = static_cast<const T*>(args.gamma), *beta = static_cast<const T*>(args.beta);
  T* y = static_cast<T*>(args.y);
  for_all_groups(g, [&](int64_t p, int64_t sample, int64_t group) {
    const double mean =
        group_sum<T>(
            g, sample, group, NACRE_PACKET_LAMBDA(int64_t at, int64_t, int64_t, int some) { return load_some(x + at, some); }) /
        g.count();
    const T center = static_cast<T>(mean);
    const Packet<T> c = Packet<T>::set1(center);
    const double squares = group_sum<T>(
        g, sample, group, NACRE_PACKET_LAMBDA(int64_t at, int64_t, int64_t, int some) {
          const Packet<T> d = load_some(x + at, some) - c;
          return d * d;
        });
    const double var = variance_of(squares, g.count(), mean - static_cast<double>(center));
    const T rstd = static_cast<T>(1.0 / c_sqrt(var + args.epsilon));
    const Packet<T> k = Packet<T>::set1(rstd);
    for_group<T>(
        g, sample, group, NACRE_PACKET_LAMBDA(int64_t at, int64_t first, int64_t i, int some) {
          Packet<T> v = (load_some(x + at, some) - c) * k;
          if (gamma) v = v * channel_values(g, gamma, first, i, some);
          if (beta) v = v + channel_values(g, beta, first, i, some);
          store_some(y + at, some, v);
        });
    if (args.mean) static_cast<T*>(args.mean)[p] = center;
    if (args.rstd) static_cast<T*>(args.rstd)[p] = rstd;
  });
}

// dgamma, dbeta: the same sum for both, with xhat or without.
template <class T, bool kGamma>
void parameter_sums(const GroupNormGradArgs& args, const Groups& g, void* scratch, T* out) {
  const T *x = static_cast<const T*>(args.x), *dy = static_cast<const T*>(args.dy);
  const T *mean = static_cast<const T*>(args.mean), *rstd = static_cast<const T*>(args.rstd);
  const auto term = NACRE_PACKET_LAMBDA(Packet<T> d, int64_t at, Packet<T> c, Packet<T> k, int some) {
    if constexpr (kGamma)
      return d * ((load_some(x + at, some) - c) * k);
    else
      return d;
  };
  if (g.last) {
    // Statistics spread to one value per (sample, channel), so that columns read them as packets.
    T *means = static_cast<T*>(scratch), *scales = means + g.n * g.channels, *partial = scales + g.n * g.channels;
    for (int64_t i = 0; i < g.n * g.channels; ++i) {
      const int64_t p = i / g.channels * g.groups + i % g.channels / g.width;
      means[i] = mean[p];
      scales[i] = rstd[p];
    }
    const T* const none[] = {nullptr};
    column_sums<1>(
        g.n * g.spatial, g.channels, TileSource<T>{const_cast<T*>(dy), {}}, none, false,
        NACRE_PACKET_VALUES(Packet<T> d, int64_t r, int64_t at, int64_t j, int some, const auto&, Packet<T>(&sums)[1]) {
          const int64_t constant = r / g.spatial * g.channels + j;
          sums[0] = term(d, at, load_some(means + constant, some), load_some(scales + constant, some), some);
        },
        partial, [&](int, int64_t j, double total) { out[j] = static_cast<T>(total); });
    return;
  }
  parallel_for(g.channels, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t channel = begin; channel < end; ++channel) {
      double total = 0;
      for (int64_t sample = 0; sample < g.n; ++sample) {
        const int64_t p = sample * g.groups + channel / g.width, base = (sample * g.channels + channel) * g.spatial;
        const Packet<T> c = Packet<T>::set1(mean[p]), k = Packet<T>::set1(rstd[p]);
        total += fold_row<Add, T>(
            g.spatial,
            NACRE_PACKET_LAMBDA(int64_t i, int some) { return term(load_some(dy + base + i, some), base + i, c, k, some); });
      }
      out[channel] = static_cast<T>(total);
    }
  });
}

template <class T>
void group_norm_grad(const GroupNormGradArgs& args, void* scratch) noexcept {
  const Groups g = groups_of(args);
  const T *x = static_cast<const T*>(args.x), *dy = static_cast<const T*>(args.dy), *gamma = static_cast<const T*>(args.gamma);
  const T *mean = static_cast<const T*>(args.mean), *rstd = static_cast<const T*>(args.rstd);
  T* dx = static_cast<T*>(args.dx);
  if (args.dgamma) parameter_sums<T, true>(args, g, scratch, static_cast<T*>(args.dgamma));
  if (args.dbeta) parameter_sums<T, false>(args, g, scratch, static_cast<T*>(args.dbeta));
  if (!dx) return;
  for_all_groups(g, [&](int64_t p, int64_t sample, int64_t group) {
    const Packet<T> c = Packet<T>::set1(mean[p]), k = Packet<T>::set1(rstd[p]);
    const auto scaled = NACRE_PACKET_LAMBDA(int64_t at, int64_t first, int64_t i, int some) {
      const Packet<T> d = load_some(dy + at, some);
      return gamma ? d * channel_values(g, gamma, first, i, some) : d;
    };
    const double level = group_sum<T>(g, sample, group, scaled) / g.count();
    const double along = group_sum<T>(
                             g, sample, group,
                             NACRE_PACKET_LAMBDA(int64_t at, int64_t first, int64_t i, int some) {
                               return scaled(at, first, i, some) * ((load_some(x + at, some) - c) * k);
                             }) /
                         g.count();
    const Packet<T> a = Packet<T>::set1(static_cast<T>(level)), b = Packet<T>::set1(static_cast<T>(along));
    for_group<T>(
        g, sample, group, NACRE_PACKET_LAMBDA(int64_t at, int64_t first, int64_t i, int some) {
          store_some(dx + at, some, k * ((scaled(at, first, i, some) - a) - ((load_some(x + at, some) - c) * k) * b));
        });
  });
}

int64_t group_norm_scratch(const GroupNormArgs&) noexcept { return 0; }
int64_t group_norm_grad_scratch(const GroupNormGradArgs& args) noexcept {
  if (!args.channels_last || !(args.dgamma || args.dbeta)) return 0;
  return 8 * (2 * args.n * args.channels + column_partial<double>(args.n * args.spatial, args.channels));
}

}  // namespace

void fill_group_norm(NormTable& table) {
  table.group_norm[cell<float>()] = group_norm<float>;
  table.group_norm[cell<double>()] = group_norm<double>;
  table.group_norm_grad[cell<float>()] = group_norm_grad<float>;
  table.group_norm_grad[cell<double>()] = group_norm_grad<double>;
  table.group_norm_scratch = group_norm_scratch;
  table.group_norm_grad_scratch = group_norm_grad_scratch;
}

}  // namespace nacre::NACRE_ISA
