// Recurrent kernels against the equations written out in double: cells, masks, directions, odd sizes, every instruction set, scratch not
// overrun, equal bits for any number of threads; backward against differences of that reference along random directions.
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include "kernel_test.h"
#include "nacre/kernels/rnn.h"

using kernel_test::for_each_isa;
using kernel_test::Random;
using kernel_test::same_bits;
using kernel_test::Scratch;
using nacre::RnnActivation;
using nacre::RnnCell;

namespace {

using Doubles = std::vector<double>;
constexpr auto kRelu = RnnActivation::relu, kHard = RnnActivation::hard_sigmoid, kTanh = RnnActivation::tanh,
               kSigmoid = RnnActivation::sigmoid;

double act(RnnActivation kind, double x) {
  switch (kind) {
    case kRelu: return x > 0 ? x : 0;
    case kTanh: return std::tanh(x);
    case kSigmoid: return 1 / (1 + std::exp(-x));
    case kHard: return std::fmin(6, std::fmax(0, x + 3)) / 6;
    default: return x;
  }
}

struct Case {
  RnnCell cell;
  std::int64_t n, t, d, u;
  bool mask = false, backwards = false, states = true, reset_after = true, bias = true;
  RnnActivation activation = kTanh, recurrent = kSigmoid;

  std::int64_t gates() const { return cell == RnnCell::simple ? 1 : cell == RnnCell::gru ? 3 : 4; }
  std::int64_t bias_size() const { return (cell == RnnCell::gru && reset_after ? 2 : 1) * gates() * u; }
};

// Inputs in this order: x, kernel, recurrent kernel, bias, h0, c0.
constexpr int kInputs = 6;
struct Outputs {
  Doubles y, h, c;
};

struct Problem {
  Case s;
  std::vector<Doubles> in;
  std::vector<std::uint8_t> mask;
  Outputs g;  // gradients of the outputs

  explicit Problem(const Case& shape) : s(shape) {
    Random random(17);
    const std::int64_t columns = s.gates() * s.u;
    for (std::int64_t size : {s.n * s.t * s.d, s.d * columns, s.u * columns, s.bias_size(), s.n * s.u, s.n * s.u}) {
      in.push_back(random.values<double>(size));
      for (double& v : in.back()) v = static_cast<double>(static_cast<float>(v * 0.5));
    }
    if (!s.bias) in[3].assign(in[3].size(), 0);
    if (!s.states) in[4].assign(in[4].size(), 0), in[5].assign(in[5].size(), 0);
    if (s.mask) {
      mask.resize(static_cast<std::size_t>(s.n * s.t));
      for (auto& m : mask) m = random.next() % 3 != 0;
      for (std::int64_t i = 0; i < s.t; ++i) mask[static_cast<std::size_t>(i)] = 0;  // row 0 is never live
    }
    const auto gradient = [&](std::int64_t size) {
      Doubles v = random.values<double>(size);
      for (double& e : v) e = static_cast<double>(static_cast<float>(e));
      return v;
    };
    g = {gradient(s.n * s.t * s.u), gradient(s.n * s.u), gradient(s.n * s.u)};
  }

  Outputs reference(const std::vector<Doubles>& v) const {
    const std::int64_t u = s.u, columns = s.gates() * u;
    const auto at = [](const Doubles& a, std::int64_t i) { return a[static_cast<std::size_t>(i)]; };
    Outputs out{Doubles(g.y.size()), v[4], v[5]};
    Doubles a(static_cast<std::size_t>(columns)), q(a), h(static_cast<std::size_t>(u)), c(h), r(h);
    for (std::int64_t n = 0; n < s.n; ++n) {
      bool any = false;
      for (std::int64_t step = 0; step < s.t; ++step) {
        const std::int64_t t = s.backwards ? s.t - 1 - step : step;
        double *h_now = &out.h[static_cast<std::size_t>(n * u)], *c_now = &out.c[static_cast<std::size_t>(n * u)];
        for (std::int64_t j = 0; j < columns; ++j) {
          double sum = at(v[3], j), product = s.bias_size() > columns ? at(v[3], columns + j) : 0;
          for (std::int64_t i = 0; i < s.d; ++i) sum += at(v[0], (n * s.t + t) * s.d + i) * at(v[1], i * columns + j);
          for (std::int64_t i = 0; i < u; ++i) product += h_now[i] * at(v[2], i * columns + j);
          a[static_cast<std::size_t>(j)] = sum;
          q[static_cast<std::size_t>(j)] = product;
        }
        const auto gate = [&](std::int64_t k, std::int64_t i) { return act(s.recurrent, at(a, k * u + i) + at(q, k * u + i)); };
        for (std::int64_t i = 0; i < u; ++i) r[static_cast<std::size_t>(i)] = s.cell == RnnCell::gru ? gate(1, i) : 0;
        for (std::int64_t i = 0; i < u; ++i) {
          const auto k = static_cast<std::size_t>(i);
          if (s.cell == RnnCell::simple) {
            h[k] = act(s.activation, a[k] + q[k]);
          } else if (s.cell == RnnCell::lstm) {
            c[k] = gate(1, i) * c_now[i] + gate(0, i) * act(s.activation, at(a, 2 * u + i) + at(q, 2 * u + i));
            h[k] = gate(3, i) * act(s.activation, c[k]);
          } else {
            double inner = r[k] * at(q, 2 * u + i);
            if (!s.reset_after) {
              inner = 0;
              for (std::int64_t j = 0; j < u; ++j) inner += at(r, j) * h_now[j] * at(v[2], j * columns + 2 * u + i);
            }
            const double z = gate(0, i), candidate = act(s.activation, at(a, 2 * u + i) + inner);
            h[k] = z * h_now[i] + (1 - z) * candidate;
          }
        }
        const bool live = mask.empty() || mask[static_cast<std::size_t>(n * s.t + t)];
        any = any || live;
        for (std::int64_t i = 0; i < u; ++i) {
          if (live) h_now[i] = h[static_cast<std::size_t>(i)], c_now[i] = c[static_cast<std::size_t>(i)];
          out.y[static_cast<std::size_t>((n * s.t + step) * u + i)] = any ? h_now[i] : 0;
        }
      }
    }
    return out;
  }
  double loss(const std::vector<Doubles>& v) const {
    const Outputs o = reference(v);
    double sum = 0;
    for (std::size_t i = 0; i < o.y.size(); ++i) sum += o.y[i] * g.y[i];
    for (std::size_t i = 0; i < o.h.size(); ++i) sum += o.h[i] * g.h[i];
    for (std::size_t i = 0; i < o.c.size() && s.cell == RnnCell::lstm; ++i) sum += o.c[i] * g.c[i];
    return sum;
  }
};

template <class T>
struct Result {
  std::vector<T> y, h, c, saved;
  std::vector<std::vector<T>> d;
  bool scratch_ok;
};

template <class T>
Result<T> run(const Problem& p, const nacre::KernelTable& table, int threads) {
  const Case& s = p.s;
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const auto typed = [](const Doubles& v) { return std::vector<T>(v.begin(), v.end()); };
  std::vector<std::vector<T>> in;
  for (const Doubles& v : p.in) in.push_back(typed(v));
  const std::vector<T> dy = typed(p.g.y), dh = typed(p.g.h), dc = typed(p.g.c);
  Result<T> r;
  r.y.assign(dy.size(), nan), r.h.assign(dh.size(), nan), r.c.assign(dc.size(), nan);
  r.saved.assign(static_cast<std::size_t>(s.t * s.n * nacre::rnn_saved_width(s.cell, s.reset_after, s.u)), nan);
  for (const auto& v : in) r.d.emplace_back(v.size(), nan);
  nacre::RnnArgs g;
  g.dtype = nacre::dtype_of<T>;
  g.cell = s.cell, g.activation = s.activation, g.recurrent_activation = s.recurrent;
  g.go_backwards = s.backwards, g.reset_after = s.reset_after;
  g.batch = s.n, g.steps = s.t, g.inputs = s.d, g.units = s.u, g.threads = threads;
  g.x = in[0].data(), g.kernel = in[1].data(), g.recurrent = in[2].data();
  if (s.bias) g.bias = in[3].data();
  if (s.states) g.h0 = in[4].data(), g.c0 = in[5].data();
  if (s.mask) g.mask = p.mask.data();
  g.y = r.y.data(), g.h = r.h.data(), g.c = r.c.data(), g.saved = r.saved.data();
  Scratch forward(table.rnn.forward_scratch(g));
  table.rnn.forward(g, forward.data());
  g.dy = dy.data(), g.dh = dh.data(), g.dc = dc.data();
  g.dx = r.d[0].data(), g.dkernel = r.d[1].data(), g.drecurrent = r.d[2].data(), g.dbias = r.d[3].data();
  g.dh0 = r.d[4].data(), g.dc0 = r.d[5].data();
  Scratch backward(table.rnn.backward_scratch(g));
  table.rnn.backward(g, backward.data());
  r.scratch_ok = forward.intact() && backward.intact();
  return r;
}

// Largest difference relative to max(1, largest wanted); 1e30 for a NaN.
template <class T>
double error(const std::vector<T>& got, const Doubles& want) {
  double worst = 0, size = 1;
  for (double w : want) size = std::fmax(size, std::fabs(w));
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double e = std::fabs(double(got[i]) - want[i]);
    worst = std::fmax(worst, e == e ? e : 1e30);
  }
  return worst / size;
}

template <class T>
void check(const Case& s, bool gradient) {
  const Problem p(s);
  const Outputs want = p.reference(p.in);
  const bool lstm = s.cell == RnnCell::lstm;
  // float32: sums of up to a few hundred terms, carried over the steps.
  const double tolerance = sizeof(T) == 4 ? 2e-5 : 1e-13;
  for_each_isa([&](const nacre::KernelTable& table) {
    CAPTURE(nacre::isa_name(table.isa));
    const Result<T> one = run<T>(p, table, 1);
    CHECK(one.scratch_ok);
    CHECK(error(one.y, want.y) < tolerance);
    CHECK(error(one.h, want.h) < tolerance);
    if (lstm) CHECK(error(one.c, want.c) < tolerance);
    for (int threads : {2, 3, 5}) {
      CAPTURE(threads);
      const Result<T> more = run<T>(p, table, threads);
      CHECK(more.scratch_ok);
      CHECK(same_bits(more.y, one.y));
      CHECK(same_bits(more.saved, one.saved));
      for (int k = 0; k < kInputs - !lstm; ++k) CHECK(same_bits(more.d[std::size_t(k)], one.d[std::size_t(k)]));
    }
    if (!gradient) return;
    for (int k = 0; k < kInputs - !lstm; ++k) {
      CAPTURE(k);
      Random random(5 + std::uint64_t(k));
      const Doubles direction = random.values<double>(static_cast<std::int64_t>(p.in[std::size_t(k)].size()));
      double got = 0, size = 1;
      for (std::size_t i = 0; i < direction.size(); ++i) {
        got += direction[i] * double(one.d[std::size_t(k)][i]);
        size += std::fabs(direction[i] * double(one.d[std::size_t(k)][i]));
      }
      const double h = 1e-5;
      std::vector<Doubles> moved = p.in;
      const auto along = [&](double step) {
        for (std::size_t i = 0; i < direction.size(); ++i) moved[std::size_t(k)][i] = p.in[std::size_t(k)][i] + step * direction[i];
        return p.loss(moved);
      };
      const double expected = (along(h) - along(-h)) / (2 * h);
      // h^2 of the difference, 1e-16 / h of its rounding; in float32 the sums.
      CHECK(std::fabs(got - expected) < (sizeof(T) == 4 ? 2e-5 : 2e-9) * size);
    }
  });
}

}  // namespace

TEST_CASE("rnn: every cell with masks, states and both directions") {
  for (RnnCell cell : {RnnCell::simple, RnnCell::gru, RnnCell::lstm}) {
    for (int variant = 0; variant < 16; ++variant) {
      Case s{cell, 5, 6, 3, 9};
      s.mask = variant & 1, s.backwards = variant & 2, s.states = variant & 4, s.bias = variant & 8;
      CAPTURE(int(cell));
      CAPTURE(variant);
      check<float>(s, true);
      check<double>(s, true);
      if (cell != RnnCell::gru) continue;
      s.reset_after = false;
      check<float>(s, true);
      check<double>(s, true);
    }
  }
}

TEST_CASE("rnn: sizes around packets and tiles") {
  for (RnnCell cell : {RnnCell::simple, RnnCell::gru, RnnCell::lstm}) {
    CAPTURE(int(cell));
    for (std::int64_t u : {1, 2, 7, 8, 15, 16, 17, 31, 33, 65}) {
      CAPTURE(u);
      check<float>({cell, 3, 2, 4, u}, false);
      check<double>({cell, 3, 2, 4, u, true}, false);
      if (cell == RnnCell::gru) check<float>({cell, 3, 2, 4, u, true, false, true, false}, false);
    }
    for (std::int64_t n : {1, 2, 4, 6, 7, 12, 13, 29, 70, 131}) {
      CAPTURE(n);
      check<float>({cell, n, 3, 5, 6}, false);
    }
    check<float>({cell, 0, 3, 5, 6}, false);
    check<float>({cell, 4, 0, 5, 6}, false);
    check<float>({cell, 4, 3, 0, 6}, false);
    check<float>({cell, 1, 9, 2, 6, false, true}, false);
  }
}

TEST_CASE("rnn: large enough for threads and for several blocks of K") {
  for (RnnCell cell : {RnnCell::simple, RnnCell::gru, RnnCell::lstm}) {
    CAPTURE(int(cell));
    check<float>({cell, 34, 4, 20, 201}, true);
    check<double>({cell, 70, 3, 10, 90, true, true}, false);
    if (cell == RnnCell::gru) check<float>({cell, 34, 4, 20, 201, true, false, true, false}, true);
  }
}

TEST_CASE("rnn: other activations") {
  for (RnnCell cell : {RnnCell::simple, RnnCell::gru, RnnCell::lstm}) {
    for (RnnActivation a : {RnnActivation::linear, kRelu, kTanh, kSigmoid, kHard}) {
      CAPTURE(int(cell));
      CAPTURE(int(a));
      Case s{cell, 4, 4, 3, 10};
      s.activation = a, s.recurrent = a == kTanh ? kHard : a;
      check<float>(s, true);
      check<double>(s, true);
      s.reset_after = false;
      if (cell == RnnCell::gru) check<double>(s, true);
    }
  }
}

TEST_CASE("rnn: gradients that are absent are zeros, and dx may be left out") {
  const Problem p({RnnCell::lstm, 3, 4, 5, 6});
  Problem zero = p;
  for (Doubles* v : {&zero.g.y, &zero.g.h, &zero.g.c}) v->assign(v->size(), 0);
  for_each_isa([&](const nacre::KernelTable& table) {
    const Result<double> r = run<double>(zero, table, 1);
    for (const auto& d : r.d) {
      for (double v : d) CHECK(v == 0);
    }
    Result<double> own = run<double>(p, table, 1);
    nacre::RnnArgs g;
    g.dtype = nacre::DType::float64;
    g.batch = 3, g.steps = 4, g.inputs = 5, g.units = 6, g.threads = 1;
    g.x = p.in[0].data(), g.kernel = p.in[1].data(), g.recurrent = p.in[2].data(), g.h0 = p.in[4].data(), g.c0 = p.in[5].data();
    g.y = own.y.data(), g.saved = own.saved.data(), g.dy = p.g.y.data(), g.dh = p.g.h.data(), g.dc = p.g.c.data();
    std::vector<std::vector<double>> d;
    for (const Doubles& v : p.in) d.emplace_back(v.size(), 7.0);
    g.dkernel = d[1].data(), g.drecurrent = d[2].data(), g.dbias = d[3].data(), g.dh0 = d[4].data(), g.dc0 = d[5].data();
    Scratch scratch(table.rnn.backward_scratch(g));
    table.rnn.backward(g, scratch.data());
    for (std::size_t k = 1; k < d.size(); ++k) CHECK(same_bits(d[k], own.d[k]));
  });
}

// A layer without recurrence whose kernel is 1 shows the cells' own tanh and sigmoid.
TEST_CASE("rnn: tanh and sigmoid of the cells within their ULP, infinities and NaN") {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> x = {0.0F, -0.0F, inf, -inf, nan, 1e-40F, -1e-40F, 87.9F, -87.9F, 88.1F, -88.1F, 3e38F, -3e38F};
  for (double v = 1e-7; v < 95; v *= 1.0007) x.push_back(static_cast<float>(v)), x.push_back(static_cast<float>(-v));
  const std::vector<float> kernel = {1}, recurrent = {0};
  for (const RnnActivation kind : {kTanh, kSigmoid}) {
    CAPTURE(int(kind));
    for_each_isa([&](const nacre::KernelTable& table) {
      CAPTURE(nacre::isa_name(table.isa));
      std::vector<float> y(x.size(), -7), h(x.size());
      nacre::RnnArgs g;
      g.cell = RnnCell::simple, g.activation = kind;
      g.batch = static_cast<std::int64_t>(x.size()), g.steps = g.inputs = g.units = 1, g.threads = 1;
      g.x = x.data(), g.kernel = kernel.data(), g.recurrent = recurrent.data(), g.y = y.data(), g.h = h.data();
      Scratch scratch(table.rnn.forward_scratch(g));
      table.rnn.forward(g, scratch.data());
      double worst = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double want = kind == kTanh ? std::tanh(double(x[i])) : 1 / (1 + std::exp(-double(x[i])));
        if (std::isnan(want)) {
          CHECK(std::isnan(y[i]));
        } else if (want < 1e-37 && want > -1e-37) {  // tanh of a denormal; a sigmoid that is 0 or nearly so
          CHECK(std::fabs(double(y[i]) - want) < 1e-38);
        } else {
          const float size = std::fabs(static_cast<float>(want));
          worst = std::fmax(worst, std::fabs(double(y[i]) - want) / double(std::nextafter(size, inf) - size));
        }
      }
      CHECK(worst < (kind == kTanh ? 2.5 : 3.5));
      CHECK(y[2] == 1.0F);
      CHECK(y[3] == (kind == kTanh ? -1.0F : 0.0F));
    });
  }
}
