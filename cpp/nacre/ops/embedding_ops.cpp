// Embedding: a gather whose gradient is a scatter-add, and the other way round.
#include <cstring>

#include "nacre/ops/embedding.h"
#include "nacre/ops/nn_checks.h"

namespace nacre::op {

namespace {

template <class T>
bool not_negative(const View& indices, Dim limit, Context& c) {
  const T* p = indices.as<T>();
  for (Dim i = 0, n = indices.count(); i < n; ++i) {
    if (p[i] < 0) {
      c.status = {Status::index_out_of_range, i, p[i], limit};
      return false;
    }
  }
  return true;
}
// The kernels let negative indices count from the end; for a table of tokens that would hide a mistake.
bool refuse_negative(const View& indices, Dim limit, Context& c) {
  switch (indices.dtype) {
    case DType::int8: return not_negative<std::int8_t>(indices, limit, c);
    case DType::int32: return not_negative<std::int32_t>(indices, limit, c);
    case DType::int64: return not_negative<std::int64_t>(indices, limit, c);
    default: return true;
  }
}
void report(const IndexStatus& s, Dim limit, Context& c) {
  if (s.flag) c.status = {Status::index_out_of_range, s.position, s.value, limit};
}

}  // namespace

void Embedding::infer(const Embedding&, In in, Types& out) {
  require_float(name, "weights", in[0]);
  require_indices(name, "indices", in[1]);
  if (in[0].shape.rank() < 1) raise<ShapeError>(name, ": weights must have rank >= 1 [V, ...], got a scalar.");
  const int rank = in[1].shape.rank() + in[0].shape.rank() - 1;
  if (rank > kMaxRank) {
    raise<ShapeError>(name, ": indices ", in[1].shape, " and weights ", in[0].shape, " give rank ", rank, ". The largest is ",
                      kMaxRank, ".");
  }
  Shape y = in[1].shape;
  for (int i = 1; i < in[0].shape.rank(); ++i) y.push_back(in[0].shape[i]);
  out.push_back({in[0].dtype, y});
}

void Embedding::run(const Embedding&, Views in, Views out, Context& c) {
  const Dim rows = in[0].shape[0];
  if (!refuse_negative(in[1], rows, c)) return;
  IndexStatus status;
  GatherArgs g;
  g.x = in[0].data, g.y = out[0].data, g.index = in[1].data, g.index_dtype = in[1].dtype;
  g.axis = rows, g.n_index = in[1].count(), g.item_size = size_of(in[0].dtype), g.status = &status;
  for (int i = 1; i < in[0].shape.rank(); ++i) g.inner *= in[0].shape[i];
  c.kernels.index.gather(g);
  report(status, rows, c);
}

void Embedding::grad(const Embedding&, GradCtx& c) {
  if (c.needs(0)) c.dx(0, embedding_grad(c.dy(), c.in(1), {.rows = c.in_type(0).shape[0]}));
}

void EmbeddingGrad::infer(const EmbeddingGrad& a, In in, Types& out) {
  require_float(name, "dy", in[0]);
  require_indices(name, "indices", in[1]);
  const int rank = in[1].shape.rank();
  bool fits = in[0].shape.rank() >= rank;
  for (int i = 0; i < rank && fits; ++i) fits = in[0].shape[i] == in[1].shape[i];
  if (!fits) raise<ShapeError>(name, ": dy ", in[0].shape, " must begin with the shape of indices ", in[1].shape, ".");
  if (a.rows < 0) raise<ValueError>(name, ": rows must be >= 0, got ", a.rows, ".");
  Shape table{a.rows};
  for (int i = rank; i < in[0].shape.rank(); ++i) table.push_back(in[0].shape[i]);
  out.push_back({in[0].dtype, table});
}

void EmbeddingGrad::run(const EmbeddingGrad& a, Views in, Views out, Context& c) {
  if (!refuse_negative(in[1], a.rows, c)) return;
  std::memset(out[0].data, 0, static_cast<std::size_t>(out[0].count() * size_of(out[0].dtype)));
  IndexStatus status;
  ScatterArgs s;
  s.x = out[0].data, s.y = in[0].data, s.index = in[1].data, s.index_dtype = in[1].dtype;
  s.axis = a.rows, s.n_index = in[1].count(), s.item_size = size_of(in[0].dtype), s.status = &status;
  for (int i = 1; i < out[0].shape.rank(); ++i) s.inner *= out[0].shape[i];
  c.kernels.index.scatter_add[index_of(in[0].dtype)](s);
  report(status, a.rows, c);
}

void EmbeddingGrad::grad(const EmbeddingGrad&, GradCtx& c) {
  if (c.needs(0)) c.dx(0, embedding(c.dy(), c.in(1)));
}

}  // namespace nacre::op

namespace nacre {
NACRE_DEFINE_OP(Embedding)
NACRE_DEFINE_OP(EmbeddingGrad)
}  // namespace nacre
