#include "expr_probe.h"

#include "nacre/expr/parallel.h"

namespace nacre::NACRE_ISA {
namespace {

// One value through a packet function: the lane that the expression must reproduce.
template <class F>
float lane(F f, float v) {
  float lanes[simd::PacketF::size] = {v};
  f(simd::PacketF::load(lanes)).store(lanes);
  return lanes[0];
}
float exp_of(float v) {
  return lane([](auto p) { return exp(p); }, v);
}
float tanh_of(float v) {
  return lane([](auto p) { return tanh(p); }, v);
}

template <class Store>
std::int64_t evaluate(int which, const float* xs, const float* ys, std::int64_t n, float* plain, Store&& store) {
  auto x = expr::array(xs, n), y = expr::array(ys, n);
  auto loop = [&](auto f) {
    for (std::int64_t i = 0; i < n; ++i) plain[i] = f(xs[i], ys[i]);
  };
  switch (which) {
    case 0: loop([](float a, float b) { return a + b * 2.0f - 1.0f; }); return store(x + y * 2.0f - 1);
    case 1: loop([](float a, float b) { return __builtin_fmaf(a, b, 0.5f); }); return store(fma(x, y, 0.5f));
    case 2:
      loop([](float a, float b) { return a > b ? a : b < 0 ? -b : 3.0f; });
      return store(select(x > y, x, select(y < 0, -y, 3)));
    case 3: loop([](float a, float b) { return exp_of(-a * a) * 0.5f + b; }); return store(exp(-x * x) * 0.5f + y);
    case 4:
      loop([](float a, float b) { return __builtin_sqrtf(__builtin_fabsf(a)) / (1.0f + b * b); });
      return store(sqrt(abs(x)) / (1 + y * y));
    case 5:
      loop([](float a, float b) { return (a < b && b <= 1.0f) || a == b ? 1.0f : 0.0f; });
      return store(select(((x < y) & (y <= 1)) | (x == y), expr::scalar(1.0f), 0));
    case 6: loop([](float a, float b) { return tanh_of(a) - __builtin_floorf(b); }); return store(tanh(x) - floor(y));
    case 7:
      loop([](float a, float b) { return b != b ? 0.0f : __builtin_copysignf(a, b); });
      return store(select(isnan(y), expr::scalar(0.0f), copysign(x, y)));
    case 8: loop([](float a, float) { return __builtin_fmaf(-a, a, 2.0f); }); return store(fnma(x, x, 2.0));
    case 9:
      loop([](float a, float b) { return (a >= 0 ? a : 0.0f) + (a != b ? 1.0f : 2.0f); });
      return store(select(x >= 0, x, 0) + select(~(x == y), expr::scalar(1.0f), 2));
    case 10:
      loop([&](float a, float) { return a * ys[0]; });
      return store(expr::map([](auto p) { return p; }, x) * expr::strided(ys, 0, n));
    default: {  // every second element of x; half as many as n
      for (std::int64_t i = 0; i < n / 2; ++i) plain[i] = xs[2 * i] + ys[i];
      return store(expr::strided(xs, 2, n / 2) + y);
    }
  }
}

std::int64_t run(int which, const float* x, const float* y, std::int64_t n, float* out, float* plain) {
  return evaluate(which, x, y, n, plain, [&](const auto& e) { return expr::store(out, n, e); });
}
std::int64_t run_parallel(int which, const float* x, const float* y, std::int64_t n, float* out, float* plain) {
  return evaluate(which, x, y, n, plain, [&](const auto& e) { return expr::parallel_store(out, n, e); });
}
std::int64_t run_double(const double* xs, const double* ys, std::int64_t n, double* out, double* plain) {
  auto x = expr::array(xs, n), y = expr::array(ys, n);
  for (std::int64_t i = 0; i < n; ++i)
    plain[i] = __builtin_exp(xs[i] * 0.25) + (ys[i] > xs[i] ? 1.5 : __builtin_fma(xs[i], ys[i], -2.0));
  return expr::store(out, n, exp(x * 0.25) + select(y > x, expr::scalar(1.5), fma(x, y, -2)));
}
}  // namespace

void fill_expr_probe(test::ExprProbe& p) { p = {run, run_double, run_parallel}; }
}  // namespace nacre::NACRE_ISA
