// Update rules by packets, every array read and written once. Only add, multiply, divide and square root, which round the same
// everywhere: bodies, tails and instruction sets agree in bits.
#include "nacre/kernels/optim.h"

#include "nacre/base/threads.h"
#include "nacre/kernels/packet_loop.h"

namespace nacre::NACRE_ISA {
namespace {

constexpr int64_t kGrain = 16384;

template <class T>
NACRE_INLINE Packet<T> all(double x) {
  return Packet<T>::set1(static_cast<T>(x));
}

// An array of optimizer state, seen packet by packet.
template <class T>
struct State {
  T* data;
  explicit State(void* p) : data(static_cast<T*>(p)) {}
  [[nodiscard]] NACRE_INLINE Packet<T> get(int64_t i, int some) const { return load_some(data + i, some); }
  NACRE_INLINE Packet<T> put(int64_t i, int some, Packet<T> v) const {
    store_some(data + i, some, v);
    return v;
  }
};

// update(i, some, p, g) returns the new p; p has already lost its decay, g is scaled and has its l2 term.
template <class T, class Args, class Update>
void for_parameters(const Args& args, const Update& update) {
  T* param = static_cast<T*>(args.param);
  const T* grad = static_cast<const T*>(args.grad);
  const OptimScalars& s = args.scalars;
  const bool plain = s.l2 == 0 && s.limit == 0;  // p * keep costs nothing, and is p itself without a decay
  parallel_for(args.n, kGrain, [&](int64_t begin, int64_t end, int) {
    const Packet<T> scale = all<T>(s.grad_scale), l2 = all<T>(s.l2), keep = all<T>(1.0 - s.learning_rate * s.weight_decay);
    const Packet<T> high = all<T>(s.limit > 0 ? s.limit : HUGE_VAL), low = -high;
    if (plain) {
      for_packets<T>(
          end - begin, NACRE_PACKET_LAMBDA(int64_t k, int some) {
            const int64_t i = begin + k;
            store_some(param + i, some, update(i, some, load_some(param + i, some) * keep, scale * load_some(grad + i, some)));
          });
    } else {
      for_packets<T>(
          end - begin, NACRE_PACKET_LAMBDA(int64_t k, int some) {
            const int64_t i = begin + k;
            const Packet<T> p = load_some(param + i, some);
            const Packet<T> g = min(high, max(low, scale * load_some(grad + i, some)));  // NaN stays
            store_some(param + i, some, update(i, some, p * keep, g + l2 * p));
          });
    }
  });
}

#define NACRE_UPDATE [=](int64_t i, int some, Packet<T> p, Packet<T> g) __attribute__((always_inline))

template <class T>
void sgd(const SgdArgs& args) noexcept {
  const State<T> velocity(args.velocity);
  const Packet<T> lr = all<T>(args.scalars.learning_rate), mu = all<T>(args.momentum);
  if (!args.velocity) {
    for_parameters<T>(
        args, [=](int64_t, int, Packet<T> p, Packet<T> g) __attribute__((always_inline)) { return p - lr * g; });
  } else if (args.lr_in_velocity && args.nesterov) {
    for_parameters<T>(
        args, NACRE_UPDATE {
          const Packet<T> v = velocity.put(i, some, mu * velocity.get(i, some) - lr * g);
          return p + (mu * v - lr * g);
        });
  } else if (args.lr_in_velocity) {
    for_parameters<T>(
        args, NACRE_UPDATE { return p + velocity.put(i, some, mu * velocity.get(i, some) - lr * g); });
  } else if (args.nesterov) {
    for_parameters<T>(
        args, NACRE_UPDATE {
          const Packet<T> v = velocity.put(i, some, mu * velocity.get(i, some) + g);
          return p - lr * (g + mu * v);
        });
  } else {
    for_parameters<T>(
        args, NACRE_UPDATE { return p - lr * velocity.put(i, some, mu * velocity.get(i, some) + g); });
  }
}

template <class T, bool kCentered, bool kMomentum>
void rmsprop_as(const RmspropArgs& args) {
  const State<T> square(args.mean_square), average(args.mean_grad), velocity(args.velocity);
  const Packet<T> lr = all<T>(args.scalars.learning_rate), rho = all<T>(args.rho), fresh = all<T>(1.0 - args.rho);
  const Packet<T> epsilon = all<T>(args.epsilon), mu = all<T>(args.momentum), zero = Packet<T>::zero();
  const bool inside = args.epsilon_inside;
  for_parameters<T>(
      args, NACRE_UPDATE {
        Packet<T> d = square.put(i, some, rho * square.get(i, some) + fresh * (g * g));
        if constexpr (kCentered) {
          const Packet<T> a = average.put(i, some, rho * average.get(i, some) + fresh * g);
          d = max(zero, d - a * a);  // rounding may take the difference below zero; NaN stays
        }
        const Packet<T> root = inside ? sqrt(d + epsilon) : sqrt(d) + epsilon;
        Packet<T> step = lr * g / root;
        if constexpr (kMomentum) step = velocity.put(i, some, mu * velocity.get(i, some) + step);
        return p - step;
      });
}

template <class T>
void rmsprop(const RmspropArgs& args) noexcept {
  const bool centered = args.centered && args.mean_grad;
  if (centered && args.velocity)
    rmsprop_as<T, true, true>(args);
  else if (centered)
    rmsprop_as<T, true, false>(args);
  else if (args.velocity)
    rmsprop_as<T, false, true>(args);
  else
    rmsprop_as<T, false, false>(args);
}

template <class T>
void adam(const AdamArgs& args) noexcept {
  const State<T> m(args.m), v(args.v), largest(args.v_max);
  const double t = static_cast<double>(args.step);
  const Packet<T> b1 = all<T>(args.beta_1), a1 = all<T>(1.0 - args.beta_1), b2 = all<T>(args.beta_2),
                  a2 = all<T>(1.0 - args.beta_2);
  const double correct1 = args.bias_correction ? 1.0 - pow(args.beta_1, t) : 1.0;
  const double correct2 = args.bias_correction ? 1.0 - pow(args.beta_2, t) : 1.0;
  // lr * m_hat = rate * m, sqrt(v_hat) = lift * sqrt(v).
  const Packet<T> rate = all<T>(args.scalars.learning_rate / correct1), lift = all<T>(1.0 / c_sqrt(correct2)),
                  epsilon = all<T>(args.epsilon);
  if (args.v_max) {
    for_parameters<T>(
        args, NACRE_UPDATE {
          const Packet<T> first = m.put(i, some, b1 * m.get(i, some) + a1 * g);
          const Packet<T> second = v.put(i, some, b2 * v.get(i, some) + a2 * (g * g));
          const Packet<T> most = largest.put(i, some, max(largest.get(i, some), second));  // NaN of `second` stays
          return p - rate * first / (sqrt(most) * lift + epsilon);
        });
  } else {
    for_parameters<T>(
        args, NACRE_UPDATE {
          const Packet<T> first = m.put(i, some, b1 * m.get(i, some) + a1 * g);
          const Packet<T> second = v.put(i, some, b2 * v.get(i, some) + a2 * (g * g));
          return p - rate * first / (sqrt(second) * lift + epsilon);
        });
  }
}

template <class T>
void adagrad(const AdagradArgs& args) noexcept {
  const State<T> sum(args.accumulator);
  const Packet<T> lr = all<T>(args.scalars.learning_rate), epsilon = all<T>(args.epsilon), zero = Packet<T>::zero();
  const bool inside = args.epsilon_inside;
  for_parameters<T>(
      args, NACRE_UPDATE {
        const Packet<T> s = sum.put(i, some, sum.get(i, some) + g * g);
        const Packet<T> root = inside ? sqrt(s + epsilon) : sqrt(s) + epsilon;
        return p - select(eq(root, zero), zero, lr * g / root);
      });
}

template <class T>
void fill_floats(OptimTable& table) {
  table.sgd[cell<T>()] = sgd<T>;
  table.rmsprop[cell<T>()] = rmsprop<T>;
  table.adam[cell<T>()] = adam<T>;
  table.adagrad[cell<T>()] = adagrad<T>;
}

}  // namespace

void fill_optim(OptimTable& table) {
  table = {};
  fill_floats<float>(table);
  fill_floats<double>(table);
}

}  // namespace nacre::NACRE_ISA
