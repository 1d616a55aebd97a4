// Order: sort, argsort, top_k, searchsorted; and parts of matrices by diagonal: triu, tril, diag.
#pragma once

#include "nacre/ops/op.h"

namespace nacre::op {

struct Sort {
  Dim axis = -1;
  bool descending = false;
  static constexpr std::string_view name = "sort",
                                    doc = R"(Values in order along one axis. NaN comes last, either way; the sort is stable.

Gradient: each value's gradient goes back to where the value came from.

Args:
    x: Tensor of rank >= 1.
    axis: Axis to sort along; default -1.
    descending: Largest first. Default False.

Returns:
    Tensor like x.

Raises:
    ValueError: The axis is out of range.
    DTypeError: x is float16 or bfloat16.

Example:
    >>> nc.sort(nc.convert_to_tensor([3.0, 1.0, 2.0])).tolist()
    [1.0, 2.0, 3.0]

Reference: numpy.sort.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"axis", &Sort::axis}, Field{"descending", &Sort::descending}};
  static constexpr std::uint64_t save_in = 1;
  static constexpr bool strided = true;
  static void infer(const Sort& a, In in, Types& out);
  static void run(const Sort& a, Views in, Views out, Context& c);
  static void grad(const Sort& a, GradCtx& c);
};

struct Argsort {
  Dim axis = -1;
  bool descending = false;
  static constexpr std::string_view name = "argsort",
                                    doc = R"(Positions that put the values in order along one axis; stable, NaN last.

Args:
    x: Tensor of rank >= 1.
    axis: Axis to sort along; default -1.
    descending: Largest first. Default False.

Returns:
    int32 tensor of x's shape: take_along_axis(x, argsort(x)) is sort(x).

Raises:
    ValueError: The axis is out of range, or longer than 2^31 - 1.
    DTypeError: x is float16 or bfloat16.

Example:
    >>> nc.argsort(nc.convert_to_tensor([3.0, 1.0, 2.0])).tolist()
    [1, 2, 0]

Reference: numpy.argsort.)";
  static constexpr Arg inputs[] = {{"x", kNoGrad}};
  static constexpr auto fields = std::tuple{Field{"axis", &Argsort::axis}, Field{"descending", &Argsort::descending}};
  static constexpr bool strided = true;
  static constexpr std::string_view not_differentiable = "positions are integers";
  static void infer(const Argsort& a, In in, Types& out);
  static void run(const Argsort& a, Views in, Views out, Context& c);
};

struct TopK {
  Dim k = 1;
  bool sorted = true;
  static constexpr std::string_view name = "top_k",
                                    doc = R"(The k largest values of every row (last axis), largest first, and where they stand.

Equal values: the lower position first. NaN counts as smaller than everything.

Args:
    x: Tensor of rank >= 1.
    k: How many, 0 to the size of the last axis.
    sorted: False allows any order; this implementation sorts anyway.

Returns:
    (values, indices): shape x.shape[:-1] + (k,), dtype of x and int32.

Raises:
    ValueError: k is negative or more than the size of the last axis.
    DTypeError: x is float16 or bfloat16.

Example:
    >>> values, indices = nc.top_k(nc.convert_to_tensor([1.0, 5.0, 3.0]), 2)
    >>> values.tolist(), indices.tolist()
    ([5.0, 3.0], [1, 2])

Reference: keras.ops.top_k.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"k", &TopK::k, true}, Field{"sorted", &TopK::sorted}};
  static constexpr std::uint64_t save_out = 2;
  static constexpr bool save_types = true;
  static constexpr int outputs = 2;
  static void infer(const TopK& a, In in, Types& out);
  static void run(const TopK& a, Views in, Views out, Context& c);
  static void grad(const TopK& a, GradCtx& c);
};

struct Searchsorted {
  Text side = "left";
  static constexpr std::string_view name = "searchsorted",
                                    doc = R"(Where values would have to be inserted to keep a sequence sorted.

side="left" gives the first i with sequence[i] >= v, "right" the first with sequence[i] > v. NaN counts as larger than everything.

Args:
    sorted_sequence: 1-D tensor in increasing order (not checked).
    values: Tensor of any shape.
    side: "left" (the default) or "right".

Returns:
    int32 tensor of the shape of values.

Raises:
    ShapeError: sorted_sequence is not 1-D.
    ValueError: side is neither "left" nor "right".
    DTypeError: A dtype is float16 or bfloat16.

Example:
    >>> nc.searchsorted(nc.arange(0, 5), nc.convert_to_tensor([1, 3])).tolist()
    [1, 3]

Reference: numpy.searchsorted.)";
  static constexpr Arg inputs[] = {{"sorted_sequence"}, {"values"}};
  static constexpr auto fields = std::tuple{Field{"side", &Searchsorted::side}};
  static constexpr Promote promote = Promote::common;
  static constexpr std::string_view not_differentiable = "positions are integers";
  static void infer(const Searchsorted& a, In in, Types& out);
  static void run(const Searchsorted& a, Views in, Views out, Context& c);
};

struct Triu {
  Dim k = 0;
  static constexpr std::string_view name = "triu", doc = R"(Upper triangle of matrices: elements below diagonal k become 0.

Args:
    x: Tensor of rank >= 2; the last two axes are the matrices.
    k: Diagonal: 0 the main one, positive above it, negative below.

Returns:
    Tensor like x.

Raises:
    ShapeError: x has fewer than 2 axes.

Example:
    >>> nc.triu(nc.ones((3, 3))).tolist()
    [[1.0, 1.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]

Reference: numpy.triu.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"k", &Triu::k}};
  static void infer(const Triu& a, In in, Types& out);
  static void run(const Triu& a, Views in, Views out, Context& c);
  static void grad(const Triu& a, GradCtx& c);
};

struct Tril {
  Dim k = 0;
  static constexpr std::string_view name = "tril", doc = R"(Lower triangle of matrices: elements above diagonal k become 0.

Args:
    x: Tensor of rank >= 2; the last two axes are the matrices.
    k: Diagonal: 0 the main one, positive above it, negative below.

Returns:
    Tensor like x.

Raises:
    ShapeError: x has fewer than 2 axes.

Example:
    >>> nc.tril(nc.ones((3, 3))).tolist()
    [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]

Reference: numpy.tril.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"k", &Tril::k}};
  static void infer(const Tril& a, In in, Types& out);
  static void run(const Tril& a, Views in, Views out, Context& c);
  static void grad(const Tril& a, GradCtx& c);
};

struct Diag {
  Dim k = 0;
  static constexpr std::string_view name = "diag", doc = R"(Diagonal of a matrix, or the matrix with a given diagonal.

Args:
    x: 1-D: becomes diagonal k of a square matrix of size n + |k|. 2-D: its diagonal k is returned.
    k: Diagonal: 0 the main one, positive above it, negative below.

Returns:
    2-D or 1-D tensor; empty when the diagonal lies outside a matrix.

Raises:
    ShapeError: x is not 1-D or 2-D, or the matrix is too large to address.

Example:
    >>> nc.diag(nc.arange(1, 4)).tolist()
    [[1, 0, 0], [0, 2, 0], [0, 0, 3]]

Reference: numpy.diag.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"k", &Diag::k}};
  static constexpr bool strided = true, save_types = true;
  static void infer(const Diag& a, In in, Types& out);
  static void run(const Diag& a, Views in, Views out, Context& c);
  static void grad(const Diag& a, GradCtx& c);
};

struct DiagGrad {
  Dim rows = 0, columns = 0, k = 0;
  static constexpr std::string_view name = "diag_grad",
                                    doc = R"(Zeros of shape (rows, columns) with dy on diagonal k: the gradient of diag of a matrix.

Args:
    dy: 1-D tensor of the diagonal's length.
    rows: Rows of the matrix, >= 0.
    columns: Columns of the matrix, >= 0.
    k: Diagonal.

Returns:
    Tensor of shape (rows, columns).

Raises:
    ShapeError: dy does not have the length of the diagonal.

Example:
    >>> # called by the gradient of diag)";
  static constexpr Arg inputs[] = {{"dy"}};
  static constexpr auto fields =
      std::tuple{Field{"rows", &DiagGrad::rows, true}, Field{"columns", &DiagGrad::columns, true}, Field{"k", &DiagGrad::k}};
  static constexpr bool strided = true, internal = true;
  static void infer(const DiagGrad& a, In in, Types& out);
  static void run(const DiagGrad& a, Views in, Views out, Context& c);
  static void grad(const DiagGrad& a, GradCtx& c);
};

}  // namespace nacre::op
