#include "nacre/nn/merging.h"

#include "nacre/base/error_owner.h"
#include "nacre/ops/operators.h"
#include "nacre/ops/ops.h"

namespace nacre::nn {

namespace {

std::string shapes_of(std::span<const Type> inputs) {
  std::string s;
  for (const Type& t : inputs) s += cat(s.empty() ? "" : ", ", t.shape);
  return s;
}

template <class Fn>
Tensor folded(std::span<const Tensor> in, const Fn& fn) {
  Tensor out = in[0];
  for (const Tensor& x : in.subspan(1)) out = fn(out, x);
  return out;
}

bool same_size(Dim a, Dim b) { return a == b || a == kUnknown || b == kUnknown; }

}  // namespace

DType MergeLayer::check_inputs(std::span<const Type> inputs) const {
  if (inputs.size() < 2) raise<ValueError>(label(), ": takes a list of at least 2 inputs, got ", inputs.size(), ".");
  DType common = inputs[0].dtype;
  for (const Type& t : inputs) {
    common = promote(common, t.dtype);
    if (t.shape.rank() != inputs[0].shape.rank() || t.shape.rank() == 0)
      raise<ShapeError>(label(), ": the inputs must have one rank of at least 1, got shapes ", shapes_of(inputs), ".");
  }
  return common;
}

std::vector<Type> MergeLayer::output_types(std::span<const Type> inputs, const Json&) const {
  Type out{check_inputs(inputs), inputs[0].shape};
  for (const Type& t : inputs.subspan(1)) {
    for (int i = 0; i < out.shape.rank(); ++i) {
      const Dim a = out.shape[i], b = t.shape[i];
      if (a != 1 && b != 1 && !same_size(a, b))
        raise<ShapeError>(label(), ": the inputs have shapes that do not fit each other: ", shapes_of(inputs), ".");
      out.shape[i] = a == 1 || (a == kUnknown && b != 1) ? b : a;
    }
  }
  return {out};
}

std::vector<Tensor> MergeLayer::run(std::span<const Tensor> inputs, const CallContext&) {
  std::vector<Type> types;
  for (const Tensor& x : inputs) {
    if (!x.defined()) raise<TypeError>(label(), ": input ", types.size(), " is missing.");
    types.push_back({x.dtype(), x.shape()});
  }
  const std::vector<Type> out = output_types(types, {});
  if (!built()) {
    std::vector<Shape> shapes;
    for (const Type& t : types) shapes.push_back(t.shape);
    build(shapes);
  }
  try {
    return {combine(inputs)};
  } catch (const Error&) {
    rethrow_with_owner(label());
  }
}

Tensor Add::combine(std::span<const Tensor> in) const {
  return folded(in, [](const Tensor& a, const Tensor& b) { return a + b; });
}
std::vector<Type> Subtract::output_types(std::span<const Type> inputs, const Json& arguments) const {
  if (inputs.size() != 2) raise<ValueError>(label(), ": takes 2 inputs, got ", inputs.size(), ".");
  return MergeLayer::output_types(inputs, arguments);
}
Tensor Subtract::combine(std::span<const Tensor> in) const { return in[0] - in[1]; }
Tensor Multiply::combine(std::span<const Tensor> in) const {
  return folded(in, [](const Tensor& a, const Tensor& b) { return a * b; });
}
std::vector<Type> Average::output_types(std::span<const Type> inputs, const Json& arguments) const {
  std::vector<Type> out = MergeLayer::output_types(inputs, arguments);
  if (!is_float(out[0].dtype)) out[0].dtype = floatx();
  return out;
}
Tensor Average::combine(std::span<const Tensor> in) const {
  return folded(in, [](const Tensor& a, const Tensor& b) { return a + b; }) * (1.0 / static_cast<double>(in.size()));
}
Tensor Maximum::combine(std::span<const Tensor> in) const {
  return folded(in, [](const Tensor& a, const Tensor& b) { return maximum(a, b); });
}
Tensor Minimum::combine(std::span<const Tensor> in) const {
  return folded(in, [](const Tensor& a, const Tensor& b) { return minimum(a, b); });
}

void Concatenate::check(const ConcatenateOptions& o) {
  if (o.axis == 0 || o.axis >= kMaxRank || o.axis < -kMaxRank) {
    raise<ValueError>(kName, ": axis must be from -", kMaxRank, " to ", kMaxRank - 1, " and not 0, which is the batch, got ",
                      o.axis, ".");
  }
}

std::vector<Type> Concatenate::output_types(std::span<const Type> inputs, const Json&) const {
  Type out{check_inputs(inputs), inputs[0].shape};
  const int rank = out.shape.rank(), axis = static_cast<int>(o().axis < 0 ? o().axis + rank : o().axis);
  if (axis < 1 || axis >= rank)
    raise<ShapeError>(label(), ": axis ", o().axis, " is not behind the batch of inputs of rank ", rank, ".");
  for (const Type& t : inputs.subspan(1)) {
    for (int i = 0; i < rank; ++i) {
      Dim& a = out.shape[i];
      const Dim b = t.shape[i];
      if (i == axis) {
        a = a == kUnknown || b == kUnknown ? kUnknown : checked_add(label(), a, b);
      } else if (!same_size(a, b)) {
        raise<ShapeError>(label(), ": the inputs must agree in all axes but ", axis, ", got shapes ", shapes_of(inputs), ".");
      } else if (a == kUnknown) {
        a = b;
      }
    }
  }
  return {out};
}

Tensor Concatenate::combine(std::span<const Tensor> in) const { return concatenate(in, {.axis = o().axis}); }

}  // namespace nacre::nn
