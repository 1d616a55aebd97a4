#include "nacre/nn/embedding.h"

#include "nacre/nn/checks.h"
#include "nacre/ops/ops.h"

namespace nacre::nn {

void Embedding::check(const EmbeddingOptions& o) {
  need_count(kName, "input_dim", o.input_dim);
  need_count(kName, "output_dim", o.output_dim);
  need_initializer(kName, "embeddings_initializer", o.embeddings_initializer);
}

Shape Embedding::output_shape(const Shape& input) const {
  if (input.rank() < 1 || input.rank() >= kMaxRank)
    raise<ShapeError>(label(), ": the input must have rank 1 to ", kMaxRank - 1, ", got ", input, ".");
  Shape out = input;
  out.push_back(o().output_dim);
  return out;
}

void Embedding::create_weights(const Shape&) {
  add_weight("embeddings", (*make_initializer(kName, o().embeddings_initializer))({o().input_dim, o().output_dim}, dtype()));
}

Tensor Embedding::call(const Tensor& x, const CallContext&) const {
  if (!is_integer(x.dtype())) raise<DTypeError>(label(), ": x must hold integers, got ", x.dtype(), ". Cast it.");
  return embedding(weight(0), x);
}

}  // namespace nacre::nn
