// Update rules. Plain loops: add, multiply, divide and square root round the same in vectors and tails, so the compiler's vectorised
// form gives the same bits on every instruction set. Memory bound: each array is read and written once.
#include "nacre/kernels/optim.h"

#include "nacre/base/threads.h"
#include "nacre/kernels/scalar_math.h"

namespace nacre::NACRE_ISA {
namespace {

constexpr int64_t kGrain = 16384;

template <class T>
struct Scalars {
  T lr, keep, l2, scale;  // keep = 1 - lr * weight_decay
  explicit Scalars(const OptimScalars& s)
      : lr(static_cast<T>(s.learning_rate)),
        keep(static_cast<T>(1.0 - s.learning_rate * s.weight_decay)),
        l2(static_cast<T>(s.l2)),
        scale(static_cast<T>(s.grad_scale)) {}
};

// `update(i, p, g)` returns the new p; p has already lost its decay.
template <class T, class Update>
void for_parameters(int64_t n, T* __restrict param, const T* __restrict grad, const OptimScalars& scalars, const Update& update) {
  const Scalars<T> s(scalars);
  const bool couples = scalars.l2 != 0, decays = scalars.weight_decay != 0;
  parallel_for(n, kGrain, [&](int64_t begin, int64_t end, int) {
    if (!couples && !decays) {
      for (int64_t i = begin; i < end; ++i) param[i] = update(i, param[i], s.scale * grad[i]);
    } else {
      for (int64_t i = begin; i < end; ++i) {
        const T p = param[i], g = s.scale * grad[i] + s.l2 * p;
        param[i] = update(i, p * s.keep, g);
      }
    }
  });
}

template <class T>
void sgd(const SgdArgs& args) noexcept {
  T* __restrict param = static_cast<T*>(args.param);
  const T* __restrict grad = static_cast<const T*>(args.grad);
  T* __restrict velocity = static_cast<T*>(args.velocity);
  const T lr = static_cast<T>(args.scalars.learning_rate), mu = static_cast<T>(args.momentum);
  const auto run = [&](const auto& update) { for_parameters(args.n, param, grad, args.scalars, update); };
  if (!velocity) {
    run([=](int64_t, T p, T g) { return p - lr * g; });
  } else if (args.lr_in_velocity) {
    if (args.nesterov) {
      run([=](int64_t i, T p, T g) {
        const T v = mu * velocity[i] - lr * g;
        velocity[i] = v;
        return p + (mu * v - lr * g);
      });
    } else {
      run([=](int64_t i, T p, T g) {
        const T v = mu * velocity[i] - lr * g;
        velocity[i] = v;
        return p + v;
      });
    }
  } else {
    if (args.nesterov) {
      run([=](int64_t i, T p, T g) {
        const T v = mu * velocity[i] + g;
        velocity[i] = v;
        return p - lr * (g + mu * v);
      });
    } else {
      run([=](int64_t i, T p, T g) {
        const T v = mu * velocity[i] + g;
        velocity[i] = v;
        return p - lr * v;
      });
    }
  }
}

struct Yes {
  static constexpr bool value = true;
};
struct No {
  static constexpr bool value = false;
};

template <class T>
void rmsprop(const RmspropArgs& args) noexcept {
  T* __restrict square = static_cast<T*>(args.mean_square);
  T* __restrict average = static_cast<T*>(args.mean_grad);
  T* __restrict velocity = static_cast<T*>(args.velocity);
  const T lr = static_cast<T>(args.scalars.learning_rate), rho = static_cast<T>(args.rho), fresh = static_cast<T>(1.0 - args.rho);
  const T epsilon = static_cast<T>(args.epsilon), mu = static_cast<T>(args.momentum);
  const bool inside = args.epsilon_inside;
  const auto run = [&](auto is_centered, auto has_velocity) {
    for_parameters(args.n, static_cast<T*>(args.param), static_cast<const T*>(args.grad), args.scalars, [=](int64_t i, T p, T g) {
      const T s = rho * square[i] + fresh * (g * g);
      square[i] = s;
      T d = s;
      if constexpr (decltype(is_centered)::value) {
        const T a = rho * average[i] + fresh * g;
        average[i] = a;
        d = s - a * a;
        d = d < T(0) ? T(0) : d;  // rounding may take the difference below zero
      }
      const T root = inside ? c_sqrt(d + epsilon) : c_sqrt(d) + epsilon;
      T step = lr * g / root;
      if constexpr (decltype(has_velocity)::value) {
        step = mu * velocity[i] + step;
        velocity[i] = step;
      }
      return p - step;
    });
  };
  const bool centered = args.centered && average, moving = velocity != nullptr;
  if (centered && moving) run(Yes{}, Yes{});
  else if (centered) run(Yes{}, No{});
  else if (moving) run(No{}, Yes{});
  else run(No{}, No{});
}

template <class T>
void adam(const AdamArgs& args) noexcept {
  T* __restrict m = static_cast<T*>(args.m);
  T* __restrict v = static_cast<T*>(args.v);
  T* __restrict v_max = static_cast<T*>(args.v_max);
  const double t = static_cast<double>(args.step);
  const T b1 = static_cast<T>(args.beta_1), a1 = static_cast<T>(1.0 - args.beta_1);
  const T b2 = static_cast<T>(args.beta_2), a2 = static_cast<T>(1.0 - args.beta_2);
  // m_hat = m * lift1 with lr taken in; sqrt(v_hat) = sqrt(v) * lift2.
  const double correct1 = args.bias_correction ? 1.0 - pow(args.beta_1, t) : 1.0;
  const double correct2 = args.bias_correction ? 1.0 - pow(args.beta_2, t) : 1.0;
  const T rate = static_cast<T>(args.scalars.learning_rate / correct1), lift = static_cast<T>(1.0 / sqrt(correct2));
  const T epsilon = static_cast<T>(args.epsilon);
  const auto run = [&](const auto& update) {
    for_parameters(args.n, static_cast<T*>(args.param), static_cast<const T*>(args.grad), args.scalars, update);
  };
  if (v_max) {
    run([=](int64_t i, T p, T g) {
      const T first = b1 * m[i] + a1 * g, second = b2 * v[i] + a2 * (g * g);
      m[i] = first;
      v[i] = second;
      const T largest = v_max[i] > second ? v_max[i] : second;
      v_max[i] = largest;
      return p - rate * first / (c_sqrt(largest) * lift + epsilon);
    });
  } else {
    run([=](int64_t i, T p, T g) {
      const T first = b1 * m[i] + a1 * g, second = b2 * v[i] + a2 * (g * g);
      m[i] = first;
      v[i] = second;
      return p - rate * first / (c_sqrt(second) * lift + epsilon);
    });
  }
}

template <class T>
void adagrad(const AdagradArgs& args) noexcept {
  T* __restrict sum = static_cast<T*>(args.accumulator);
  const T lr = static_cast<T>(args.scalars.learning_rate), epsilon = static_cast<T>(args.epsilon);
  const bool inside = args.epsilon_inside;
  for_parameters(args.n, static_cast<T*>(args.param), static_cast<const T*>(args.grad), args.scalars, [=](int64_t i, T p, T g) {
    const T s = sum[i] + g * g;
    sum[i] = s;
    const T root = inside ? c_sqrt(s + epsilon) : c_sqrt(s) + epsilon;
    const T step = lr * g / root;
    return p - (root == T(0) ? T(0) : step);
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
