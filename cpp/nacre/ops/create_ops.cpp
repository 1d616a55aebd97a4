// Creation: shape rules and fills.
#include <cmath>

#include "nacre/base/half.h"
#include "nacre/base/threads.h"
#include "nacre/kernels/elementwise_drive.h"
#include "nacre/ops/rules.h"

namespace nacre::op {

namespace {

constexpr Dim kGrain = 16384;

void push(std::string_view op, Types& out, const Shape& shape, DType dtype) {
  checked_count(op, shape, dtype);
  out.push_back({dtype, shape});
}

void fill(const View& y, double value, Context& c) {
  alignas(8) std::byte item[8];
  store_double(item, y.dtype, value);
  apply_fill(c.kernels.elementwise, item, y);
}

void push(std::string_view op, Types& out, const IntList& sizes, OptDType dtype) {
  const DType t = dtype.or_else(floatx());
  out.push_back({t, shape_from(op, "shape", sizes, t)});
}

// A float that is no value of the dtype: NaN, infinite or too large.
void check_value(std::string_view op, double value, DType dtype) {
  if (is_float(dtype) || dtype == DType::boolean) return;
  const bool is_unsigned = dtype == DType::uint8;
  const double limit = std::ldexp(1.0, static_cast<int>(8 * size_of(dtype)) - (is_unsigned ? 0 : 1)), whole = std::trunc(value);
  if (!(whole < limit && whole >= (is_unsigned ? 0 : -limit)))
    raise<ValueError>(op, ": the value ", value, " is no value of ", dtype, ". Give another dtype.");
}

// y[i] = f(i), f in float64.
template <class F>
void fill_by_position(const View& y, const F& f) {
  char* data = y.as<char>();
  const Dim item = size_of(y.dtype);
  parallel_for(y.count(), kGrain, [&](Dim begin, Dim end, int) {
    for (Dim i = begin; i < end; ++i) store_double(data + i * item, y.dtype, f(i));
  });
}

}  // namespace

void Full::infer(const Full& a, In, Types& out) {
  push(name, out, a.shape, a.dtype);
  check_value(name, a.value, out[0].dtype);
}
void Full::run(const Full& a, Views, Views out, Context& c) { fill(out[0], a.value, c); }

void Zeros::infer(const Zeros& a, In, Types& out) { push(name, out, a.shape, a.dtype); }
void Zeros::run(const Zeros&, Views, Views out, Context& c) { fill(out[0], 0, c); }

void Ones::infer(const Ones& a, In, Types& out) { push(name, out, a.shape, a.dtype); }
void Ones::run(const Ones&, Views, Views out, Context& c) { fill(out[0], 1, c); }

void FullLike::infer(const FullLike& a, In in, Types& out) {
  push(name, out, in[0].shape, a.dtype.or_else(in[0].dtype));
  check_value(name, a.value, out[0].dtype);
}
void FullLike::run(const FullLike& a, Views, Views out, Context& c) { fill(out[0], a.value, c); }

void ZerosLike::infer(const ZerosLike& a, In in, Types& out) { push(name, out, in[0].shape, a.dtype.or_else(in[0].dtype)); }
void ZerosLike::run(const ZerosLike&, Views, Views out, Context& c) { fill(out[0], 0, c); }

void OnesLike::infer(const OnesLike& a, In in, Types& out) { push(name, out, in[0].shape, a.dtype.or_else(in[0].dtype)); }
void OnesLike::run(const OnesLike&, Views, Views out, Context& c) { fill(out[0], 1, c); }

void Arange::infer(const Arange& a, In, Types& out) {
  require_finite(name, "start", a.start);
  require_finite(name, "stop", a.stop);
  require_finite(name, "step", a.step);
  if (a.step == 0) raise<ValueError>(name, ": step is 0. Use a positive or a negative number.");
  const double n = std::ceil((a.stop - a.start) / a.step);
  if (!(n < 0x1p62)) {
    raise<ValueError>(name, ": start ", a.start, ", stop ", a.stop, " and step ", a.step,
                      " give too many numbers. Use a larger step.");
  }
  DType t = floatx();
  if (a.start == std::trunc(a.start) && a.stop == std::trunc(a.stop) && a.step == std::trunc(a.step)) {
    const double most = std::max(std::abs(a.start), std::abs(a.stop));
    if (most <= 2147483647.0)
      t = DType::int32;
    else if (most < 0x1p63)
      t = DType::int64;
  }
  push(name, out, {n > 0 ? static_cast<Dim>(n) : 0}, a.dtype.or_else(t));
  if (n > 0) {
    check_value(name, a.start, out[0].dtype);
    check_value(name, a.start + (n - 1) * a.step, out[0].dtype);
  }
}
void Arange::run(const Arange& a, Views, Views out, Context&) {
  const bool whole = a.start == std::trunc(a.start) && a.step == std::trunc(a.step);
  if (out[0].dtype == DType::int64 && whole && std::abs(a.start) < 0x1p62 && std::abs(a.step) < 0x1p62) {
    const auto start = static_cast<std::int64_t>(a.start), step = static_cast<std::int64_t>(a.step);
    auto* y = out[0].as<std::int64_t>();  // float64 would round beyond 2^53
    parallel_for(out[0].count(), kGrain, [&](Dim begin, Dim end, int) {
      for (Dim i = begin; i < end; ++i)
        y[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(start) +
                                         static_cast<std::uint64_t>(i) * static_cast<std::uint64_t>(step));
    });
    return;
  }
  fill_by_position(out[0], [&](Dim i) { return a.start + static_cast<double>(i) * a.step; });
}

void Linspace::infer(const Linspace& a, In, Types& out) {
  require_finite(name, "start", a.start);
  require_finite(name, "stop", a.stop);
  if (a.num < 0) raise<ValueError>(name, ": num must be >= 0, got ", a.num, ".");
  push(name, out, {a.num}, a.dtype.or_else(floatx()));
}
void Linspace::run(const Linspace& a, Views, Views out, Context&) {
  const Dim parts = a.endpoint ? a.num - 1 : a.num;
  // stop - start may overflow where neither does: halves cannot.
  const double half_step = parts > 0 ? (a.stop / 2 - a.start / 2) / static_cast<double>(parts) : 0;
  fill_by_position(out[0], [&](Dim i) {
    if (a.endpoint && i > 0 && i == parts) return a.stop;
    const double part = static_cast<double>(i) * half_step;
    return a.start + part + part;
  });
}

void Eye::infer(const Eye& a, In, Types& out) {
  if (a.N < 0) raise<ValueError>(name, ": N must be >= 0, got ", a.N, ".");
  if (a.M < -1) raise<ValueError>(name, ": M must be >= 0, or -1 for as many columns as rows, got ", a.M, ".");
  push(name, out, {a.N, a.M == -1 ? a.N : a.M}, a.dtype.or_else(floatx()));
}
void Eye::run(const Eye& a, Views, Views out, Context& c) {
  fill(out[0], 0, c);
  const Dim rows = out[0].shape[0], columns = out[0].shape[1];
  if (a.k >= columns || a.k <= -rows) return;
  char* data = out[0].as<char>();
  const Dim item = size_of(out[0].dtype);
  for (Dim r = a.k < 0 ? -a.k : 0; r < rows && r + a.k < columns; ++r)
    store_double(data + (r * columns + r + a.k) * item, out[0].dtype, 1);
}

}  // namespace nacre::op

namespace nacre {
NACRE_DEFINE_OP(Full)
NACRE_DEFINE_OP(Zeros)
NACRE_DEFINE_OP(Ones)
NACRE_DEFINE_OP(FullLike)
NACRE_DEFINE_OP(ZerosLike)
NACRE_DEFINE_OP(OnesLike)
NACRE_DEFINE_OP(Arange)
NACRE_DEFINE_OP(Linspace)
NACRE_DEFINE_OP(Eye)
}  // namespace nacre
