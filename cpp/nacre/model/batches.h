// The user's arrays as batches: rows picked by index out of the caller's memory, converted to the model's dtypes on the way.
#pragma once

#include <string_view>

#include "nacre/data/gather.h"
#include "nacre/model/callback.h"
#include "nacre/model/program.h"

namespace nacre::model {

// x, y and sample_weight of a run, one array for each input or output; y and weight may be empty. `method` begins messages.
struct BatchSource {
  std::vector<Tensor> x, y, weight;
  DType x_dtype = DType::float32;  // of floating-point rows; integers stay
  std::vector<DType> y_dtypes;     // one for each output, or one for all
  std::string_view method;

  [[nodiscard]] Dim rows() const { return x[0].shape()[0]; }
  // Types of a batch of `n` rows, and the copies of `n` rows into contiguous tensors of these types.
  [[nodiscard]] StepTypes types(Dim n) const;
  [[nodiscard]] std::vector<RowGather> gathers(Dim n, std::span<const Tensor> x_out, std::span<const Tensor> y_out,
                                               std::span<const Tensor> weights_out) const;
  // Rows [begin, end) as a source of their own, without a copy.
  [[nodiscard]] BatchSource slice(Dim begin, Dim end) const;
};

// Checks that all arrays of x (and y, sample_weight when given) have the same rows, at least one.
BatchSource make_source(std::string_view method, const Arrays& x, const Arrays& y, const Arrays& sample_weight, DType x_dtype,
                        std::vector<DType> y_dtypes);
// sample_weight times the weight of each row's class. Labels: integers [N] or [N, 1], or one-hot rows.
Tensor class_weights(std::string_view method, const Tensor& y, const ClassWeight& weights, const Tensor& sample_weight);
// sample_weight with class_weight, which is for models of one output: labels say a row's class.
Arrays with_class_weights(std::string_view method, const Arrays& y, const ClassWeight& weights, const Arrays& sample_weight);
// Are these class labels, in order, of more than one class? Then the last rows hold other classes than the first.
bool sorted_labels(const Tensor& y);
// batch_size, epochs and the like: ValueError unless value >= least.
void check_count(std::string_view method, std::string_view name, Dim value, Dim least);

}  // namespace nacre::model
