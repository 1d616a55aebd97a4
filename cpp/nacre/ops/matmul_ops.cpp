// matmul and dense: shape rules, layout of the operands for gemm, gradients as matrix products.
#include <algorithm>

#include "nacre/kernels/elementwise_drive.h"
#include "nacre/ops/rules.h"

namespace nacre {

namespace op {

namespace {

// Integers narrower than int32 are multiplied as int32.
DType product_dtype(DType t) { return t == DType::uint8 || t == DType::int8 ? DType::int32 : t; }

View contiguous_copy(const View& x, DType dtype, Context& c) {
  View y{{dtype, x.shape}};
  y.set_contiguous_strides();
  y.data = c.scratch(checked_mul("matmul", x.count(), size_of(dtype)));
  apply_cast(c.kernels.elementwise, x, y);
  return y;
}

// One operand: matrices of rows x cols (after any transposition) over batch axes.
struct Operand {
  View x;
  Dim rows = 1, cols = 1, row_stride = 0, col_stride = 0;
  int batch_rank = 0;
  bool trans = false;
  Dim ld = 1;

  Operand(const View& view, bool left, bool transposed) : x(view) { read(left, transposed); }
  void read(bool left, bool transposed) {
    const int r = x.shape.rank();
    if (r == 1) {
      (left ? cols : rows) = x.shape[0];
      (left ? col_stride : row_stride) = x.strides[0];
      return;
    }
    batch_rank = r - 2;
    rows = x.shape[r - 2], cols = x.shape[r - 1];
    row_stride = x.strides[r - 2], col_stride = x.strides[r - 1];
    if (transposed) {
      std::swap(rows, cols);
      std::swap(row_stride, col_stride);
    }
  }
  // gemm wants one of the two strides to be 1 and rows that do not overlap.
  bool fits() {
    if ((col_stride == 1 || cols <= 1) && (row_stride >= std::max<Dim>(1, cols) || rows <= 1)) {
      trans = false;
      ld = rows <= 1 ? std::max<Dim>(1, cols) : row_stride;
      return true;
    }
    if ((row_stride == 1 || rows <= 1) && (col_stride >= std::max<Dim>(1, rows) || cols <= 1)) {
      trans = true;
      ld = cols <= 1 ? std::max<Dim>(1, rows) : col_stride;
      return true;
    }
    return false;
  }
  void prepare(bool left, bool transposed, DType dtype, Context& c) {
    if (x.dtype == dtype && fits()) return;
    x = contiguous_copy(x, dtype, c);
    read(left, transposed);
    fits();
  }
  // Stride along axis d of the broadcast batch of rank n.
  [[nodiscard]] Dim batch_stride(int d, int n) const {
    const int own = d - (n - batch_rank);
    return own < 0 || x.shape[own] == 1 ? 0 : x.strides[own];
  }
};

// The kernel's arguments for y = act(a b + bias); y is contiguous and not empty. False when an operand must be copied first and there is no
// context to do it in.
bool product_args(const View& a, const View& b, const View* bias, const View& y, bool ta, bool tb, Activation activation,
                  Context* c, GemmArgs& g) {
  Operand left(a, true, ta), right(b, false, tb);
  const bool plain_bias = !bias || bias->shape[0] <= 1 || bias->strides[0] == 1;
  if (!c && !(left.x.dtype == y.dtype && left.fits() && right.x.dtype == y.dtype && right.fits() && plain_bias)) return false;
  if (c) {
    left.prepare(true, ta, y.dtype, *c);
    right.prepare(false, tb, y.dtype, *c);
  }
  g.dtype = y.dtype;
  g.activation = activation;
  g.m = left.rows, g.n = right.cols, g.k = left.cols;
  g.trans_a = left.trans, g.trans_b = right.trans;
  g.a = left.x.data, g.b = right.x.data, g.c = y.data;
  g.lda = left.ld, g.ldb = right.ld, g.ldc = std::max<Dim>(1, g.n);
  if (bias) g.bias = plain_bias ? bias->data : contiguous_copy(*bias, y.dtype, *c).data;

  int rank = std::max(left.batch_rank, right.batch_rank);
  Dim dims[kMaxRank], step_a[kMaxRank], step_b[kMaxRank], step_c[kMaxRank];
  Dim step = g.m * g.n;
  for (int d = rank - 1; d >= 0; --d) {
    step_a[d] = left.batch_stride(d, rank);
    step_b[d] = right.batch_stride(d, rank);
    const int da = d - (rank - left.batch_rank), db = d - (rank - right.batch_rank);
    dims[d] = std::max(da < 0 ? 1 : left.x.shape[da], db < 0 ? 1 : right.x.shape[db]);
    step_c[d] = step;
    step *= dims[d];
  }
  // A batch axis along which only rows move is more rows: [N, T, D] times [D, K] is one product.
  while (rank > 0 && !g.trans_a && step_b[rank - 1] == 0) {
    const Dim move = step_a[rank - 1];
    if (dims[rank - 1] == 1 || (g.m == 1 && move >= std::max<Dim>(1, g.k))) {
      if (dims[rank - 1] != 1) g.lda = move;
    } else if (move != g.m * g.lda) {
      break;
    }
    g.m *= dims[--rank];
  }
  g.batch_rank = rank;
  std::copy_n(dims, rank, g.batch_dims);
  std::copy_n(step_a, rank, g.batch_stride_a);
  std::copy_n(step_b, rank, g.batch_stride_b);
  std::copy_n(step_c, rank, g.batch_stride_c);
  return true;
}

void product(const View& a, const View& b, const View* bias, const View& y, bool ta, bool tb, Activation activation, Context& c) {
  if (y.count() == 0) return;
  GemmArgs g;
  product_args(a, b, bias, y, ta, tb, activation, &c, g);
  g.after = c.hooks.after;
  const GemmTable& t = c.kernels.gemm;
  t.gemm(g, c.scratch(t.scratch_bytes(g)));
}

bool prepare_product(const View& a, const View& b, const View* bias, const View& y, bool ta, bool tb, Activation activation,
                     CallBuilder& calls) {
  GemmArgs g;
  if (y.count() == 0 || !product_args(a, b, bias, y, ta, tb, activation, nullptr, g)) return false;
  g.after = calls.hooks.after;
  PreparedGemm p;
  calls.kernels.gemm.prepare(g, p);
  calls.emit(p, [](const PreparedGemm& ready, Context& c) {
    ready.run(ready.state, ready.scratch_bytes > 0 ? c.scratch(ready.scratch_bytes) : nullptr);
  });
  return true;
}

// Rows of the product that fit a piece of the kernel go through the hook while they are in the cache.
TileSides product_sides(DType dtype, Dim columns) {
  return {.after = is_float(dtype) && columns * size_of(dtype) <= kHookedProduct ? 0 : -1, .apart = true};
}

Cost product_cost(In in, const Type& y, Dim k) {
  const double count = static_cast<double>(y.shape.count());
  Cost cost{.flops = 2 * count * static_cast<double>(k), .bytes = count * static_cast<double>(size_of(y.dtype))};
  for (int i = 0; i < in.size(); ++i) {
    if (in.has(i)) cost.bytes += static_cast<double>(in[i].shape.count() * size_of(in[i].dtype));
  }
  return cost;
}

}  // namespace

void Matmul::infer(const Matmul& a, In in, Types& out) {
  for (int k = 0; k < 2; ++k) {
    const std::string_view arg = k == 0 ? "x1" : "x2";
    require_number(name, arg, in[k]);
    const int rank = in[k].shape.rank();
    if (rank == 0) raise<ShapeError>(name, ": ", arg, " has rank 0. A vector or matrix is needed; use multiply for numbers.");
    if (rank == 1 && (k == 0 ? a.transpose_a : a.transpose_b)) {
      raise<ValueError>(name, ": ", k == 0 ? "transpose_a" : "transpose_b", " is True but ", arg, " of shape ", in[k].shape,
                        " is a vector.");
    }
  }
  const Shape &s = in[0].shape, &t = in[1].shape;
  const int p = s.rank(), q = t.rank();
  const Dim k1 = p == 1 ? s[0] : s[a.transpose_a ? p - 2 : p - 1];
  const Dim k2 = q == 1 ? t[0] : t[a.transpose_b ? q - 1 : q - 2];
  if (k1 != k2) {
    raise<ShapeError>(name, ": x1 has ", k1, " columns but x2 has ", k2, " rows (x1 ", s, a.transpose_a ? " transposed" : "",
                      ", x2 ", t, a.transpose_b ? " transposed" : "", "). They must be equal.");
  }
  Shape batch_a, batch_b;
  for (int i = 0; i < p - 2; ++i) batch_a.push_back(s[i]);
  for (int i = 0; i < q - 2; ++i) batch_b.push_back(t[i]);
  Shape y = broadcast_shapes(name, batch_a, batch_b);
  if (p > 1) y.push_back(s[a.transpose_a ? p - 1 : p - 2]);
  if (q > 1) y.push_back(t[a.transpose_b ? q - 2 : q - 1]);
  out.push_back({product_dtype(in[0].dtype), y});
}

Cost Matmul::cost(const Matmul& a, In in, std::span<const Type> out) {
  const Shape& s = in[0].shape;
  return product_cost(in, out[0], s.rank() == 1 ? s[0] : s[s.rank() - (a.transpose_a ? 2 : 1)]);
}

bool Matmul::prepare(const Matmul& a, Views in, Views out, CallBuilder& calls) {
  return prepare_product(in[0], in[1], nullptr, out[0], a.transpose_a, a.transpose_b, Activation::none, calls);
}

TileSides Matmul::sides(const Matmul& a, In in) {
  const Shape& s = in[1].shape;
  const int rank = s.rank();
  return product_sides(in[0].dtype, rank == 1 ? 1 : s[rank - (a.transpose_b ? 2 : 1)]);
}

void Matmul::run(const Matmul& a, Views in, Views out, Context& c) {
  product(in[0], in[1], nullptr, out[0], a.transpose_a, a.transpose_b, Activation::none, c);
}

namespace {

Tensor mm(const Tensor& a, const Tensor& b, bool ta, bool tb) { return matmul(a, b, {.transpose_a = ta, .transpose_b = tb}); }
Tensor reshaped(const Tensor& x, const Shape& s) { return x.shape() == s ? x : reshape(x, {.newshape = s}); }

// [..., W] as [rows, W].
Tensor as_rows(const Tensor& x) {
  const Dim width = x.shape().back();
  Dim rows = 1;
  for (int i = 0; i + 1 < x.rank(); ++i) rows *= x.shape()[i];
  return reshaped(x, {rows, width});
}

}  // namespace

void Matmul::grad(const Matmul& o, GradCtx& c) {
  const Tensor x1 = c.in(0), x2 = c.in(1);
  const bool ta = o.transpose_a, tb = o.transpose_b;
  // Vectors become matrices; dy gets the axes back that the result left out.
  const Tensor a = x1.rank() == 1 ? reshaped(x1, {1, x1.count()}) : x1;
  const Tensor b = x2.rank() == 1 ? reshaped(x2, {x2.count(), 1}) : x2;
  Shape full = c.dy().shape();
  if (x2.rank() == 1) full.push_back(1);
  if (x1.rank() == 1) full.insert(full.rank() - 1, 1);
  const Tensor dy = reshaped(c.dy(), full);
  if (c.needs(0)) {
    const Tensor g = ta ? mm(b, dy, tb, true) : mm(dy, b, false, !tb);
    c.dx(0, reshaped(unbroadcast(g, a.shape()), x1.shape()));
  }
  if (c.needs(1)) {
    // A matrix shared by a batch: the batch is more rows of one product, not many products summed up.
    const bool fold = b.rank() == 2 && a.rank() > 2 && !ta;
    const Tensor p = fold ? as_rows(a) : a, d = fold ? as_rows(dy) : dy;
    const Tensor g = tb ? mm(d, p, true, ta) : mm(p, d, !ta, false);
    c.dx(1, reshaped(unbroadcast(g, b.shape()), x2.shape()));
  }
}

void Dense::infer(const Dense& a, In in, Types& out) {
  const bool has_bias = in.has(2);
  for (int k = 0; k < (has_bias ? 3 : 2); ++k) require_float(name, inputs[k].name, in[k]);
  if (a.activation.view() != "linear" && a.activation.view() != "relu") {
    raise<ValueError>(name, ": activation must be 'linear' or 'relu', got '", a.activation, "'.");
  }
  const Shape &x = in[0].shape, &w = in[1].shape;
  if (x.rank() == 0) raise<ShapeError>(name, ": x has rank 0. Its last axis holds the features.");
  if (w.rank() != 2) raise<ShapeError>(name, ": kernel has shape ", w, ". It must be [inputs, units].");
  if (x.back() != w[0]) {
    raise<ShapeError>(name, ": x has ", x.back(), " features but kernel expects ", w[0], " (x ", x, ", kernel ", w, ").");
  }
  if (has_bias && !(in[2].shape == Shape{w[1]})) {
    raise<ShapeError>(name, ": bias has shape ", in[2].shape, " but kernel ", w, " has ", w[1], " units. It must be [", w[1], "].");
  }
  Shape y = x;
  y[y.rank() - 1] = w[1];
  out.push_back({in[0].dtype, y});
}

namespace {
Activation epilogue(const Dense& a) { return a.activation.view() == "relu" ? Activation::relu : Activation::none; }
}  // namespace

Cost Dense::cost(const Dense&, In in, std::span<const Type> out) { return product_cost(in, out[0], in[1].shape[0]); }

bool Dense::prepare(const Dense& a, Views in, Views out, CallBuilder& calls) {
  return prepare_product(in[0], in[1], in.has(2) ? &in[2] : nullptr, out[0], false, false, epilogue(a), calls);
}

TileSides Dense::sides(const Dense&, In in) { return product_sides(in[0].dtype, in[1].shape[1]); }

void Dense::run(const Dense& a, Views in, Views out, Context& c) {
  product(in[0], in[1], in.has(2) ? &in[2] : nullptr, out[0], false, false, epilogue(a), c);
}

void Dense::grad(const Dense& a, GradCtx& c) {
  const Tensor g = a.activation.view() == "relu" ? relu_grad(c.out(), c.dy()) : c.dy();
  if (c.needs(0)) c.dx(0, mm(g, c.in(1), false, true));
  if (c.needs(1)) c.dx(1, mm(as_rows(c.in(0)), as_rows(g), true, false));
  if (c.has_in(2) && c.needs(2)) c.dx(2, unbroadcast(g, {g.shape().back()}));
}

}  // namespace op

NACRE_DEFINE_OP(Matmul)
NACRE_DEFINE_OP(Dense)

}  // namespace nacre
