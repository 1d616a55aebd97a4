// Tensors made from nothing but attributes: constants, number ranges, the identity. None has a gradient.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

inline constexpr std::string_view kConstant = "the result does not depend on any input value";

struct Full {
  IntList shape{};
  double value = 0;
  OptDType dtype{};
  static constexpr std::string_view name = "full", doc = R"(Tensor filled with one number.

Args:
    shape: Sizes, each >= 0.
    value: The number; an integer dtype cuts its fraction and must be able to hold it.
    dtype: Element type; default floatx().

Returns:
    Tensor of `shape` and `dtype`.

Raises:
    ShapeError: A size is negative, or the tensor is too large to address.
    ValueError: value does not fit dtype.

Example:
    >>> nc.full((2, 2), 7.0).tolist()
    [[7.0, 7.0], [7.0, 7.0]]

Reference: numpy.full.)";
  static constexpr std::array<Arg, 0> inputs{};
  static constexpr auto fields =
      std::tuple{Field{"shape", &Full::shape, true}, Field{"value", &Full::value, true}, Field{"dtype", &Full::dtype}};
  static constexpr std::string_view not_differentiable = kConstant;
  static void infer(const Full& a, In in, Types& out);
  static void run(const Full& a, Views in, Views out, Context& c);
};

struct Zeros {
  IntList shape{};
  OptDType dtype{};
  static constexpr std::string_view name = "zeros", doc = R"(Tensor of zeros.

Args:
    shape: Sizes, each >= 0.
    dtype: Element type; default floatx().

Returns:
    Tensor of `shape` and `dtype`.

Raises:
    ShapeError: A size is negative, or the tensor is too large to address.

Example:
    >>> nc.zeros((2, 3)).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])";
  static constexpr std::array<Arg, 0> inputs{};
  static constexpr auto fields = std::tuple{Field{"shape", &Zeros::shape, true}, Field{"dtype", &Zeros::dtype}};
  static constexpr std::string_view not_differentiable = kConstant;
  static void infer(const Zeros& a, In in, Types& out);
  static void run(const Zeros& a, Views in, Views out, Context& c);
};

struct Ones {
  IntList shape{};
  OptDType dtype{};
  static constexpr std::string_view name = "ones", doc = R"(Tensor of ones.

Args:
    shape: Sizes, each >= 0.
    dtype: Element type; default floatx().

Returns:
    Tensor of `shape` and `dtype`.

Raises:
    ShapeError: A size is negative, or the tensor is too large to address.

Example:
    >>> nc.ones((2, 3)).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]])";
  static constexpr std::array<Arg, 0> inputs{};
  static constexpr auto fields = std::tuple{Field{"shape", &Ones::shape, true}, Field{"dtype", &Ones::dtype}};
  static constexpr std::string_view not_differentiable = kConstant;
  static void infer(const Ones& a, In in, Types& out);
  static void run(const Ones& a, Views in, Views out, Context& c);
};

struct FullLike {
  double value = 0;
  OptDType dtype{};
  static constexpr std::string_view name = "full_like", doc = R"(Tensor with the shape of another, filled with one number.

Args:
    x: Gives the shape, and the dtype unless `dtype` is given.
    value: The number; an integer dtype cuts its fraction and must be able to hold it.
    dtype: Element type; default that of x.

Returns:
    Tensor of x's shape.

Raises:
    ValueError: value does not fit dtype.

Example:
    >>> nc.full_like(nc.zeros((2, 2)), 7.0).tolist()
    [[7.0, 7.0], [7.0, 7.0]]

Reference: numpy.full_like.)";
  static constexpr Arg inputs[] = {{"x", kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"value", &FullLike::value, true}, Field{"dtype", &FullLike::dtype}};
  static constexpr bool strided = true;
  static constexpr std::string_view not_differentiable = kConstant;
  static void infer(const FullLike& a, In in, Types& out);
  static void run(const FullLike& a, Views in, Views out, Context& c);
};

struct ZerosLike {
  OptDType dtype{};
  static constexpr std::string_view name = "zeros_like", doc = R"(Zeros with the shape of another tensor.

Args:
    x: Gives the shape, and the dtype unless `dtype` is given.
    dtype: Element type; default that of x.

Returns:
    Tensor of x's shape.

Example:
    >>> nc.zeros_like(nc.ones((2, 2))).tolist()
    [[0.0, 0.0], [0.0, 0.0]])";
  static constexpr Arg inputs[] = {{"x", kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"dtype", &ZerosLike::dtype}};
  static constexpr bool strided = true;
  static constexpr std::string_view not_differentiable = kConstant;
  static void infer(const ZerosLike& a, In in, Types& out);
  static void run(const ZerosLike& a, Views in, Views out, Context& c);
};

struct OnesLike {
  OptDType dtype{};
  static constexpr std::string_view name = "ones_like", doc = R"(Ones with the shape of another tensor.

Args:
    x: Gives the shape, and the dtype unless `dtype` is given.
    dtype: Element type; default that of x.

Returns:
    Tensor of x's shape.

Example:
    >>> nc.ones_like(nc.zeros((2, 2))).tolist()
    [[1.0, 1.0], [1.0, 1.0]])";
  static constexpr Arg inputs[] = {{"x", kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"dtype", &OnesLike::dtype}};
  static constexpr bool strided = true;
  static constexpr std::string_view not_differentiable = kConstant;
  static void infer(const OnesLike& a, In in, Types& out);
  static void run(const OnesLike& a, Views in, Views out, Context& c);
};

struct Arange {
  double start = 0, stop = 0, step = 1;
  OptDType dtype{};
  static constexpr std::string_view name = "arange", doc = R"(Evenly spaced numbers start, start + step, ... before stop.

Element i is start + i * step, computed in float64 and then converted, so nothing accumulates.

Args:
    start: First number (the Python function arange(n) starts at 0).
    stop: End of the range, not included.
    step: Distance, not 0; may be negative. Default 1.
    dtype: Element type; by default int32 when start, stop and step are whole numbers that fit (int64 beyond that), else floatx().

Returns:
    Tensor of shape (max(0, ceil((stop - start) / step)),).

Raises:
    ValueError: A number is NaN or infinite, or step is 0.

Example:
    >>> nc.arange(0, 10, 3).tolist()
    [0, 3, 6, 9]

Reference: numpy.arange.)";
  static constexpr std::array<Arg, 0> inputs{};
  static constexpr auto fields = std::tuple{Field{"start", &Arange::start, true}, Field{"stop", &Arange::stop, true},
                                            Field{"step", &Arange::step}, Field{"dtype", &Arange::dtype}};
  static constexpr std::string_view not_differentiable = kConstant;
  static void infer(const Arange& a, In in, Types& out);
  static void run(const Arange& a, Views in, Views out, Context& c);
};

struct Linspace {
  double start = 0, stop = 0;
  Dim num = 50;
  bool endpoint = true;
  OptDType dtype{};
  static constexpr std::string_view name = "linspace", doc = R"(`num` evenly spaced numbers from start to stop.

Element i is start + i * (stop - start) / (num - 1), or / num without the endpoint; with it, the last element is stop exactly.

Args:
    start: First number.
    stop: Last number, or the one after the last when endpoint is False.
    num: How many, >= 0. Default 50.
    endpoint: Whether stop is included. Default True.
    dtype: Element type; default floatx().

Returns:
    Tensor of shape (num,).

Raises:
    ValueError: num is negative, or start or stop is NaN or infinite.

Example:
    >>> nc.linspace(0.0, 1.0, 5).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]

Reference: numpy.linspace.)";
  static constexpr std::array<Arg, 0> inputs{};
  static constexpr auto fields =
      std::tuple{Field{"start", &Linspace::start, true}, Field{"stop", &Linspace::stop, true}, Field{"num", &Linspace::num},
                 Field{"endpoint", &Linspace::endpoint}, Field{"dtype", &Linspace::dtype}};
  static constexpr std::string_view not_differentiable = kConstant;
  static void infer(const Linspace& a, In in, Types& out);
  static void run(const Linspace& a, Views in, Views out, Context& c);
};

struct Eye {
  Dim N = 0;
  Dim M = -1;
  Dim k = 0;
  OptDType dtype{};
  static constexpr std::string_view name = "eye", doc = R"(Matrix with ones on one diagonal and zeros elsewhere.

Args:
    N: Rows, >= 0.
    M: Columns, >= 0; -1 (the default) means as many as rows.
    k: Diagonal: 0 the main one, positive above it, negative below. Outside the matrix gives zeros.
    dtype: Element type; default floatx().

Returns:
    Tensor of shape (N, M).

Raises:
    ValueError: N or M is negative (M other than -1).

Example:
    >>> nc.eye(3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]

Reference: numpy.eye.)";
  static constexpr std::array<Arg, 0> inputs{};
  static constexpr auto fields =
      std::tuple{Field{"N", &Eye::N, true}, Field{"M", &Eye::M}, Field{"k", &Eye::k}, Field{"dtype", &Eye::dtype}};
  static constexpr std::string_view not_differentiable = kConstant;
  static void infer(const Eye& a, In in, Types& out);
  static void run(const Eye& a, Views in, Views out, Context& c);
};

}  // namespace nacre::op
