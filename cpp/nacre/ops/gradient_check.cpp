// The perturbation loop of the gradient test.
#include "nacre/ops/gradient_check.h"

#include <cmath>

#include "nacre/base/random.h"
#include "nacre/ops/ops.h"

namespace nacre {

namespace {

constexpr std::uint32_t kOutputStream = 1, kSecondStream = 2, kDirectionStream = 3;

// Values in [-1, 1) with none near zero: each is 0.25 + 0.75 u with a random sign.
Tensor random_like(const Tensor& x, std::uint64_t seed, std::uint32_t stream, std::uint64_t step) {
  Tensor r = Tensor::empty(x.shape(), DType::float64);
  auto* p = r.data<double>();
  const RandomKey key{.seed = seed, .step = step, .stream = stream};
  for (Dim i = 0; i < r.count(); ++i) {
    const std::uint64_t bits = random_u64(key, static_cast<std::uint64_t>(i));
    const double u = 0.25 + 0.75 * random_unit(bits);
    p[i] = bits & 1 ? u : -u;
  }
  return r;
}

struct Checker {
  const OpDef& def;
  const void* attrs;
  std::vector<Tensor> in;     // float64 leaves where a gradient is checked
  std::vector<bool> checked;  // per input
  GradientCheckOptions options;

  // f(x), and its gradients when wanted.
  Tensor value() const {
    std::vector<Tensor> out = apply(def, attrs, in);
    Tensor total;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (!is_float(out[i].dtype())) continue;
      Tensor y = out[i].dtype() == DType::float64 ? out[i] : cast(out[i], {.dtype = DType::float64});
      Tensor term = sum(y * random_like(y, options.seed, kOutputStream, i));
      total = total.defined() ? total + term : term;
    }
    if (!total.defined()) raise<StateError>(def.name, ": no float output, so there is no gradient to check.");
    return total;
  }
  std::vector<Tensor> leaves() const {
    std::vector<Tensor> out;
    for (std::size_t k = 0; k < in.size(); ++k) {
      if (checked[k]) out.push_back(in[k]);
    }
    return out;
  }
  std::vector<Tensor> first(bool create_graph) const {
    const Tensor y[] = {value()};
    if (!y[0].requires_grad()) return std::vector<Tensor>(leaves().size());
    return gradients(y, {}, leaves(), false, create_graph);
  }
  // g(x) = sum_k sum(s_k * df/dx_k)
  Tensor second_value(bool create_graph) const {
    const std::vector<Tensor> xs = leaves();
    const std::vector<Tensor> dx = first(create_graph);
    Tensor total;
    for (std::size_t k = 0; k < dx.size(); ++k) {
      if (!dx[k].defined()) continue;
      Tensor term = sum(dx[k] * random_like(xs[k], options.seed, kSecondStream, k));
      total = total.defined() ? total + term : term;
    }
    return total.defined() ? total : full({.shape = {}, .value = 0.0, .dtype = DType::float64});
  }
  double evaluate() const {
    if (options.second) return second_value(false).item();
    NoGrad guard;
    return value().item();
  }
};

}  // namespace

GradientCheck check_gradient(const OpDef& def, const void* attrs, std::span<const Tensor> inputs,
                             const GradientCheckOptions& options) {
  if (!def.grad && !def.compound) raise<StateError>(def.name, ": has no gradient: ", def.not_differentiable);
  Checker c{def, attrs, {}, {}, options};
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const Tensor& x = inputs[k];
    const bool no_grad = def.inputs[std::min(k, def.inputs.size() - 1)].flags & (kNoGrad | kMutated);
    const bool check = x.defined() && is_float(x.dtype()) && !no_grad;
    c.checked.push_back(check);
    if (!x.defined()) {
      c.in.emplace_back();
    } else if (check) {
      NoGrad guard;
      // Strides are kept: a strided sample tests the strided path.
      Tensor leaf = x.dtype() == DType::float64 ? x.detach() : cast(x, {.dtype = DType::float64}).detach();
      leaf.set_requires_grad(true);
      c.in.push_back(leaf);
    } else {
      c.in.push_back(x);
    }
  }
  std::vector<Tensor> got;
  if (options.second) {
    const Tensor y[] = {c.second_value(true)};
    const std::vector<Tensor> xs = c.leaves();
    got = y[0].requires_grad() ? gradients(y, {}, xs) : std::vector<Tensor>(xs.size());
  } else {
    got = c.first(false);
  }
  GradientCheck result;
  const std::vector<Tensor> xs = c.leaves();
  const auto compare = [&](int input, Dim element, double expected, double value) {
    const double error = std::fabs(value - expected) / (options.atol + options.rtol * std::fabs(expected));
    ++result.checked;
    if (error > result.worst || std::isnan(error)) {
      result.worst = std::isnan(error) ? HUGE_VAL : error;
      result.worst_input = input;
      result.worst_element = element;
      result.expected = expected;
      result.got = value;
    }
  };
  for (std::size_t k = 0; k < xs.size(); ++k) {
    const Tensor& x = xs[k];
    const View& v = x.view();
    const std::vector<double> g =
        got[k].defined() ? got[k].clone().to_vector<double>() : std::vector<double>(static_cast<std::size_t>(x.count()), 0.0);
    const auto element = [&](Dim i) -> double* {  // address of the i-th element in row-major order
      Dim offset = 0;
      for (int d = v.shape.rank() - 1; d >= 0; --d) {
        offset += i % v.shape[d] * v.strides[d];
        i /= v.shape[d];
      }
      return static_cast<double*>(v.data) + offset;
    };
    if (x.count() <= options.max_elements) {
      for (Dim i = 0; i < x.count(); ++i) {
        double* p = element(i);
        const double before = *p, h = options.step * std::fmax(1.0, std::fabs(before));
        *p = before + h;
        const double high = c.evaluate();
        *p = before - h;
        const double low = c.evaluate();
        *p = before;
        compare(static_cast<int>(k), i, (high - low) / (2 * h), g[static_cast<std::size_t>(i)]);
      }
    } else {
      const std::vector<double> start = x.clone().to_vector<double>();
      for (std::uint64_t direction = 0; direction < 8; ++direction) {
        const std::vector<double> u = random_like(x, options.seed, kDirectionStream, direction).to_vector<double>();
        const auto move = [&](double h) {
          for (Dim i = 0; i < x.count(); ++i) *element(i) = start[static_cast<std::size_t>(i)] + h * u[static_cast<std::size_t>(i)];
        };
        move(options.step);
        const double high = c.evaluate();
        move(-options.step);
        const double low = c.evaluate();
        move(0);
        double slope = 0;
        for (std::size_t i = 0; i < g.size(); ++i) slope += g[i] * u[i];
        compare(static_cast<int>(k), -1, (high - low) / (2 * options.step), slope);
      }
    }
  }
  return result;
}

}  // namespace nacre
