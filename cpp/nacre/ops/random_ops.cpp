// Random tensors: shape rules and calls of the Philox kernels.
#include "nacre/ops/random_ops.h"

#include <limits>

#include "nacre/ops/random_state.h"
#include "nacre/ops/rules.h"

namespace nacre::op {

namespace {

void push_float(std::string_view op, In in, Types& out, const IntList& sizes, const OptDType& dtype) {
  check_key(op, in[0]);
  const DType t = dtype.or_else(floatx());
  if (t != DType::float32 && t != DType::float64) raise<DTypeError>(op, ": dtype must be float32 or float64, got ", t, ".");
  out.push_back({t, shape_from(op, "shape", sizes, t)});
}

void check_normal(std::string_view op, double mean, double stddev) {
  require_finite(op, "mean", mean);
  require_finite(op, "stddev", stddev);
  if (stddev < 0) raise<ValueError>(op, ": stddev must be >= 0, got ", stddev, ".");
}

void fill(const RandomFillFn* table, const View& key, const View& y, double a, double b) {
  RandomFillArgs args;
  args.key = read_key(key);
  args.n = y.count();
  args.y = y.data;
  args.a = a;
  args.b = b;
  table[static_cast<int>(y.dtype)](args);
}

}  // namespace

void RandomUniform::infer(const RandomUniform& a, In in, Types& out) {
  push_float(name, in, out, a.shape, a.dtype);
  require_finite(name, "minval", a.minval);
  require_finite(name, "maxval", a.maxval);
  if (a.minval > a.maxval) raise<ValueError>(name, ": minval ", a.minval, " is more than maxval ", a.maxval, ".");
}
void RandomUniform::run(const RandomUniform& a, Views in, Views out, Context& c) {
  fill(c.kernels.random.uniform, in[0], out[0], a.minval, a.maxval);
}

void RandomNormal::infer(const RandomNormal& a, In in, Types& out) {
  push_float(name, in, out, a.shape, a.dtype);
  check_normal(name, a.mean, a.stddev);
}
void RandomNormal::run(const RandomNormal& a, Views in, Views out, Context& c) {
  fill(c.kernels.random.normal, in[0], out[0], a.mean, a.stddev);
}

void RandomTruncatedNormal::infer(const RandomTruncatedNormal& a, In in, Types& out) {
  push_float(name, in, out, a.shape, a.dtype);
  check_normal(name, a.mean, a.stddev);
}
void RandomTruncatedNormal::run(const RandomTruncatedNormal& a, Views in, Views out, Context& c) {
  fill(c.kernels.random.truncated_normal, in[0], out[0], a.mean, a.stddev);
}

void RandomRandint::infer(const RandomRandint& a, In in, Types& out) {
  check_key(name, in[0]);
  if (!is_integer(a.dtype)) raise<DTypeError>(name, ": dtype must be an integer dtype, got ", a.dtype, ".");
  if (a.maxval <= a.minval) raise<ValueError>(name, ": maxval ", a.maxval, " must be more than minval ", a.minval, ".");
  const Dim bits = 8 * size_of(a.dtype);
  const Dim low = a.dtype == DType::uint8 ? 0 : std::numeric_limits<Dim>::min() >> (64 - bits);
  const Dim high = a.dtype == DType::uint8 ? 255 : -(low + 1);
  if (a.minval < low || a.maxval - 1 > high) {
    raise<ValueError>(name, ": the range [", a.minval, ", ", a.maxval, ") does not fit ", a.dtype, " (", low, " to ", high, ").");
  }
  out.push_back({a.dtype, shape_from(name, "shape", a.shape, a.dtype)});
}
void RandomRandint::run(const RandomRandint& a, Views in, Views out, Context& c) {
  RandintArgs args;
  args.key = read_key(in[0]);
  args.n = out[0].count();
  args.y = out[0].data;
  args.low = a.minval;
  args.high = a.maxval;
  c.kernels.random.randint[static_cast<int>(out[0].dtype)](args);
}

void RandomBernoulli::infer(const RandomBernoulli& a, In in, Types& out) {
  check_key(name, in[0]);
  if (!(a.p >= 0 && a.p <= 1)) raise<ValueError>(name, ": p must be in [0, 1], got ", a.p, ".");
  const DType t = a.dtype.or_else(floatx());
  if (t != DType::float32 && t != DType::float64 && t != DType::boolean && t != DType::uint8) {
    raise<DTypeError>(name, ": dtype must be float32, float64, bool or uint8, got ", t, ".");
  }
  out.push_back({t, shape_from(name, "shape", a.shape, t)});
}
void RandomBernoulli::run(const RandomBernoulli& a, Views in, Views out, Context& c) {
  fill(c.kernels.random.bernoulli, in[0], out[0], a.p, 0);
}

void RandomPermutation::infer(const RandomPermutation& a, In in, Types& out) {
  check_key(name, in[0]);
  if (a.n < 0) raise<ValueError>(name, ": n must be >= 0, got ", a.n, ".");
  const Shape shape{a.n};
  checked_count(name, shape, DType::int64);
  out.push_back({DType::int64, shape});
}
void RandomPermutation::run(const RandomPermutation& a, Views in, Views out, Context& c) {
  c.kernels.random.permutation(read_key(in[0]), a.n, out[0].as<std::int64_t>());
}

}  // namespace nacre::op

namespace nacre {
NACRE_DEFINE_OP(RandomUniform)
NACRE_DEFINE_OP(RandomNormal)
NACRE_DEFINE_OP(RandomTruncatedNormal)
NACRE_DEFINE_OP(RandomRandint)
NACRE_DEFINE_OP(RandomBernoulli)
NACRE_DEFINE_OP(RandomPermutation)
}  // namespace nacre
