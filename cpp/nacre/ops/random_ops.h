// Random tensors by Philox: element i depends on (key, i) alone, so results are the same for any number of threads and any
// instruction set.
//
// Every op takes a key: an int64 tensor [seed, stream, step]. Equal keys give equal numbers. SeedGenerator
// (random_state.h) makes keys.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

struct RandomUniform {
  IntList shape{};
  double minval = 0, maxval = 1;
  OptDType dtype{};
  static constexpr std::string_view name = "random_uniform", doc = R"(Numbers evenly distributed over [minval, maxval).

Args:
    key: int64 tensor (seed, stream, step).
    shape: Sizes, each >= 0.
    minval: Lower end. Default 0.
    maxval: Upper end, >= minval, not included. Default 1.
    dtype: float32 or float64; default floatx().

Returns:
    Tensor of `shape`.

Raises:
    ValueError: A bound is NaN or infinite, or minval > maxval.
    DTypeError: dtype is neither float32 nor float64.

Example:
    >>> nc.random.uniform((2, 3), seed=1).shape
    (2, 3)

Reference: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011).)";
  static constexpr Arg inputs[] = {{"key", kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"shape", &RandomUniform::shape, true}, Field{"minval", &RandomUniform::minval},
                                            Field{"maxval", &RandomUniform::maxval}, Field{"dtype", &RandomUniform::dtype}};
  static constexpr std::string_view not_differentiable = "random numbers depend on no value";
  static void infer(const RandomUniform& a, In in, Types& out);
  static void run(const RandomUniform& a, Views in, Views out, Context& c);
};

struct RandomNormal {
  IntList shape{};
  double mean = 0, stddev = 1;
  OptDType dtype{};
  static constexpr std::string_view name = "random_normal", doc = R"(Normally distributed numbers.

Args:
    key: int64 tensor (seed, stream, step).
    shape: Sizes, each >= 0.
    mean: Mean. Default 0.
    stddev: Standard deviation, >= 0. Default 1.
    dtype: float32 or float64; default floatx().

Returns:
    Tensor of `shape`.

Raises:
    ValueError: mean or stddev is NaN or infinite, or stddev is negative.
    DTypeError: dtype is neither float32 nor float64.

Example:
    >>> nc.random.normal((2, 3), seed=1).shape
    (2, 3)

Reference: Box and Muller (1958).)";
  static constexpr Arg inputs[] = {{"key", kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"shape", &RandomNormal::shape, true}, Field{"mean", &RandomNormal::mean},
                                            Field{"stddev", &RandomNormal::stddev}, Field{"dtype", &RandomNormal::dtype}};
  static constexpr std::string_view not_differentiable = "random numbers depend on no value";
  static void infer(const RandomNormal& a, In in, Types& out);
  static void run(const RandomNormal& a, Views in, Views out, Context& c);
};

struct RandomTruncatedNormal {
  IntList shape{};
  double mean = 0, stddev = 1;
  OptDType dtype{};
  static constexpr std::string_view name = "random_truncated_normal",
                                    doc = R"(Normally distributed numbers within two standard deviations of the mean.

Args:
    key: int64 tensor (seed, stream, step).
    shape: Sizes, each >= 0.
    mean: Mean. Default 0.
    stddev: Standard deviation of the normal distribution before it is cut, >= 0. Default 1.
    dtype: float32 or float64; default floatx().

Returns:
    Tensor of `shape`.

Raises:
    ValueError: mean or stddev is NaN or infinite, or stddev is negative.
    DTypeError: dtype is neither float32 nor float64.

Example:
    >>> nc.random.truncated_normal((2, 3), seed=1).shape
    (2, 3))";
  static constexpr Arg inputs[] = {{"key", kNoGrad}};
  static constexpr auto fields =
      std::tuple{Field{"shape", &RandomTruncatedNormal::shape, true}, Field{"mean", &RandomTruncatedNormal::mean},
                 Field{"stddev", &RandomTruncatedNormal::stddev}, Field{"dtype", &RandomTruncatedNormal::dtype}};
  static constexpr std::string_view not_differentiable = "random numbers depend on no value";
  static void infer(const RandomTruncatedNormal& a, In in, Types& out);
  static void run(const RandomTruncatedNormal& a, Views in, Views out, Context& c);
};

struct RandomRandint {
  IntList shape{};
  Dim minval = 0, maxval = 1;
  DType dtype = DType::int32;
  static constexpr std::string_view name = "random_randint", doc = R"(Integers evenly distributed over [minval, maxval).

Args:
    key: int64 tensor (seed, stream, step).
    shape: Sizes, each >= 0.
    minval: Smallest value.
    maxval: One past the largest value, > minval.
    dtype: Integer dtype that holds them; default int32.

Returns:
    Tensor of `shape`.

Raises:
    ValueError: maxval <= minval, or the dtype cannot hold the range.
    DTypeError: dtype is not an integer.

Example:
    >>> nc.random.randint((5,), 0, 10, seed=1).tolist()
    [8, 7, 8, 6, 5])";
  static constexpr Arg inputs[] = {{"key", kNoGrad}};
  static constexpr auto fields =
      std::tuple{Field{"shape", &RandomRandint::shape, true}, Field{"minval", &RandomRandint::minval, true},
                 Field{"maxval", &RandomRandint::maxval, true}, Field{"dtype", &RandomRandint::dtype}};
  static constexpr std::string_view not_differentiable = "random numbers depend on no value";
  static void infer(const RandomRandint& a, In in, Types& out);
  static void run(const RandomRandint& a, Views in, Views out, Context& c);
};

struct RandomBernoulli {
  IntList shape{};
  double p = 0.5;
  OptDType dtype{};
  static constexpr std::string_view name = "random_bernoulli", doc = R"(1 with probability p, else 0.

Args:
    key: int64 tensor (seed, stream, step).
    shape: Sizes, each >= 0.
    p: Probability of a 1, in [0, 1]. Default 0.5.
    dtype: float32, float64, bool or uint8; default floatx().

Returns:
    Tensor of `shape`.

Raises:
    ValueError: p is outside [0, 1].
    DTypeError: dtype is none of those named.

Example:
    >>> nc.random.bernoulli((5,), 0.7, seed=1).tolist()
    [0.0, 0.0, 1.0, 0.0, 1.0])";
  static constexpr Arg inputs[] = {{"key", kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"shape", &RandomBernoulli::shape, true}, Field{"p", &RandomBernoulli::p},
                                            Field{"dtype", &RandomBernoulli::dtype}};
  static constexpr std::string_view not_differentiable = "random numbers depend on no value";
  static void infer(const RandomBernoulli& a, In in, Types& out);
  static void run(const RandomBernoulli& a, Views in, Views out, Context& c);
};

struct RandomPermutation {
  Dim n = 0;
  static constexpr std::string_view name = "random_permutation", doc = R"(The numbers 0 .. n-1 in random order.

Args:
    key: int64 tensor (seed, stream, step).
    n: How many, >= 0.

Returns:
    int64 tensor of shape (n,).

Raises:
    ValueError: n is negative.

Example:
    >>> nc.random.permutation(5, seed=1).tolist()
    [0, 1, 3, 4, 2]

Reference: Fisher and Yates (1938).)";
  static constexpr Arg inputs[] = {{"key", kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"n", &RandomPermutation::n, true}};
  static constexpr std::string_view not_differentiable = "random numbers depend on no value";
  static void infer(const RandomPermutation& a, In in, Types& out);
  static void run(const RandomPermutation& a, Views in, Views out, Context& c);
};

}  // namespace nacre::op
