#include "nacre/nn/attention.h"

#include <cmath>

#include "nacre/nn/checks.h"
#include "nacre/ops/operators.h"
#include "nacre/ops/ops.h"

namespace nacre::nn {

void MultiHeadAttention::check(const MultiHeadAttentionOptions& o) {
  need_count(kName, "num_heads", o.num_heads);
  need_count(kName, "key_dim", o.key_dim);
  if (o.value_dim) need_count(kName, "value_dim", *o.value_dim);
  need_rate(kName, "dropout", o.dropout);
  if (o.output_shape) need_count(kName, "output_shape", *o.output_shape);
  need_initializer(kName, "kernel_initializer", o.kernel_initializer);
  need_initializer(kName, "bias_initializer", o.bias_initializer);
}

Shape MultiHeadAttention::output_shape(const Shape& query) const {
  need_rank(label(), query, 3, "[N, T, features]");
  (void)need_known(label(), query, 2);
  return {query[0], query[1], o().output_shape.value_or(query[2])};
}

void MultiHeadAttention::check_shapes(const Shape& query, const Shape& value, const Shape& key) const {
  (void)output_shape(query);
  for (const auto& [name, s] : {std::pair{"value", value}, std::pair{"key", key}}) {
    if (s.rank() != 3) raise<ShapeError>(label(), ": ", name, " must have rank 3 [N, S, features], got ", s, ".");
    (void)need_known(label(), s, 2);
    const bool batch = s[0] == kUnknown || query[0] == kUnknown || s[0] == query[0];
    if (!batch) raise<ShapeError>(label(), ": query ", query, " and ", name, " ", s, " have different batch sizes.");
  }
  if (value[1] != kUnknown && key[1] != kUnknown && value[1] != key[1]) {
    raise<ShapeError>(label(), ": value ", value, " and key ", key, " have different lengths.");
  }
}

void MultiHeadAttention::build(const Shape& query, const Shape& value, const Shape& key) {
  check_shapes(query, value, key);
  if (built()) {
    const Dim v = find_weight("value/kernel").shape()[0], k = find_weight("key/kernel").shape()[0];
    if (value[2] != v || key[2] != k) {
      raise<ShapeError>(label(), ": was built for ", v, " features of value and ", k, " of key, and cannot take value ", value,
                        " and key ", key, ".");
    }
  } else {
    value_features_ = value[2];
    key_features_ = key[2];
  }
  // The length of a sequence is free: no weight depends on it.
  Layer::build({query[0], kUnknown, query[2]});
}

void MultiHeadAttention::create_weights(const Shape& query) {
  const Dim d = query[2], h = o().num_heads, k = o().key_dim, v = o().value_dim.value_or(k), out = o().output_shape.value_or(d);
  const auto kernel = make_initializer(kName, o().kernel_initializer), bias = make_initializer(kName, o().bias_initializer);
  const auto fans = [](Dim in, Dim a, Dim b) {
    return Fans{static_cast<double>(in), static_cast<double>(a) * static_cast<double>(b)};
  };
  const auto projection = [&](const char* name, Dim in, Dim size) {
    add_weight(cat(name, "/kernel"), (*kernel)({in, h, size}, dtype(), fans(in, h, size)));
    if (o().use_bias) add_weight(cat(name, "/bias"), (*bias)({h, size}, dtype()));
  };
  projection("query", d, k);
  projection("key", key_features_ == kUnknown ? d : key_features_, k);
  projection("value", value_features_ == kUnknown ? d : value_features_, v);
  const Fans f = fans(out, h, v);
  add_weight("attention_output/kernel", (*kernel)({h, v, out}, dtype(), Fans{f.out, f.in}));
  if (o().use_bias) add_weight("attention_output/bias", (*bias)({out}, dtype()));
}

// [N, T, D] to [N, T, heads, size].
Tensor MultiHeadAttention::project(const Tensor& x, std::string_view name, Dim size) const {
  const Tensor kernel = find_weight(cat(name, "/kernel")), bias = find_weight(cat(name, "/bias"));
  const Dim h = o().num_heads;
  const Tensor y =
      dense(x, reshape(kernel, {.newshape = {kernel.shape()[0], h * size}}), bias ? reshape(bias, {.newshape = {h * size}}) : bias);
  return reshape(y, {.newshape = {x.shape()[0], x.shape()[1], h, size}});
}

Tensor MultiHeadAttention::attend(const Inputs& in, const CallContext& context) const {
  const Dim h = o().num_heads, k = o().key_dim, v = o().value_dim.value_or(k);
  const Tensor q = project(in.query, "query", k), key = project(in.key, "key", k), value = project(in.value, "value", v);
  Tensor mask = in.attention_mask;
  if (mask) {
    if (mask.dtype() != DType::boolean) mask = cast(mask, {.dtype = DType::boolean});
    if (mask.rank() == 3) mask = expand_dims(mask, {.axis = {1}});
  }
  Tensor heads;
  if (o().dropout == 0 || !context.training) {
    const Tensor inputs[] = {q, key, value, mask, Tensor()};
    heads = dot_product_attention(inputs, {.causal = in.use_causal_mask});
  } else {  // the weights themselves are dropped, so they must exist: [N, h, T, S]
    const IntList front{0, 2, 1, 3};
    const Tensor scores =
        matmul(transpose(q, {.axes = front}), transpose(key, {.axes = {0, 2, 3, 1}})) * (1 / std::sqrt(static_cast<double>(k)));
    const Dim t = q.shape()[1], s = key.shape()[1];
    if (in.use_causal_mask) {
      const Tensor causal = tril(full({.shape = {t, s}, .value = 1, .dtype = DType::boolean}));
      mask = mask ? logical_and(mask, causal) : causal;
    }
    Tensor weights;
    if (mask) {  // a finite floor keeps rows without any key from becoming NaN; they are set to 0 behind the softmax
      const Tensor zero = weak_scalar(0, scores);
      weights = where(mask, softmax(where(mask, scores, weak_scalar(-1e30, scores))), zero);
    } else {
      weights = softmax(scores);
    }
    weights = nacre::dropout(weights, random_key(context, o().seed), {.rate = o().dropout});
    heads = transpose(matmul(weights, transpose(value, {.axes = front})), {.axes = front});
  }
  const Tensor kernel = find_weight("attention_output/kernel");
  const Dim out = kernel.shape()[2];
  return dense(reshape(heads, {.newshape = {q.shape()[0], q.shape()[1], h * v}}), reshape(kernel, {.newshape = {h * v, out}}),
               find_weight("attention_output/bias"));
}

Tensor MultiHeadAttention::call(const Tensor& x, const CallContext& context) const {
  check_shapes(x.shape(), x.shape(), x.shape());
  if (find_weight("value/kernel").shape()[0] != x.shape()[2] || find_weight("key/kernel").shape()[0] != x.shape()[2]) {
    raise<ShapeError>(label(), ": was built for other features of value and key, and cannot attend from ", x.shape(),
                      " to itself.");
  }
  return attend({.query = x, .value = x, .key = x}, context);
}

namespace {

// The value among `values` that `arguments` calls `name`, or null. Without arguments the first is the query and the second the value.
template <class T>
const T* named(std::span<const T> values, const Json& arguments, std::string_view name) {
  const Json* names = arguments.find("inputs");
  constexpr std::string_view kOrder[] = {"query", "value", "key", "attention_mask"};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string given =
        names ? names->at(static_cast<std::ptrdiff_t>(i)).get<std::string>() : std::string(kOrder[std::min<std::size_t>(i, 3)]);
    if (given == name) return &values[i];
  }
  return nullptr;
}

void check_names(std::string_view label, std::size_t inputs, const Json& arguments) {
  if (!arguments.is_null() && !arguments.is_object()) raise<TypeError>(label, ": the arguments of a call must be an object.");
  const Json* names = arguments.find("inputs");
  if (inputs < 1 || inputs > 4 || (names && names->size() != inputs)) {
    raise<ValueError>(label, ": takes query, value, key and attention_mask, got ", inputs, " inputs",
                      names ? cat(" and ", names->size(), " names") : "", ".");
  }
}

}  // namespace

void MultiHeadAttention::connect(std::span<const Type> inputs, const Json& arguments) {
  check_names(label(), inputs.size(), arguments);
  const Type *query = named(inputs, arguments, "query"), *value = named(inputs, arguments, "value"),
             *key = named(inputs, arguments, "key");
  if (!query) raise<TypeError>(label(), ": query is missing.");
  if (!value) value = query;
  build(query->shape, value->shape, key ? key->shape : value->shape);
}

std::vector<Type> MultiHeadAttention::output_types(std::span<const Type> inputs, const Json& arguments) const {
  check_names(label(), inputs.size(), arguments);
  const Type *query = named(inputs, arguments, "query"), *value = named(inputs, arguments, "value"),
             *key = named(inputs, arguments, "key");
  if (!query) raise<TypeError>(label(), ": query is missing.");
  if (!value) value = query;
  check_shapes(query->shape, value->shape, key ? key->shape : value->shape);
  return {{dtype(), output_shape(query->shape)}};
}

std::vector<Tensor> MultiHeadAttention::run(std::span<const Tensor> inputs, const CallContext& context) {
  const Json none{};
  const Json& arguments = context.arguments ? *context.arguments : none;
  check_names(label(), inputs.size(), arguments);
  const auto pick = [&](std::string_view name) {
    const Tensor* t = named(inputs, arguments, name);
    return t ? *t : Tensor();
  };
  Inputs in{.query = pick("query"),
            .value = pick("value"),
            .key = pick("key"),
            .attention_mask = pick("attention_mask"),
            .use_causal_mask = arguments.is_object() && arguments.value_or("use_causal_mask", false)};
  if (!in.value) in.value = in.query;
  return {(*this)(in, context)};
}

Tensor MultiHeadAttention::operator()(const Inputs& in, const CallContext& context) {
  if (!in.query) raise<TypeError>(label(), ": query is missing.");
  if (!in.value) raise<TypeError>(label(), ": value is missing.");
  const auto own = [&](const Tensor& x) { return x.dtype() == dtype() ? x : cast(x, {.dtype = dtype()}); };
  Inputs all = in;
  all.query = own(in.query);
  all.value = own(in.value);
  all.key = in.key ? own(in.key) : all.value;
  if (!built()) {
    build(all.query.shape(), all.value.shape(), all.key.shape());
  } else {
    check_shapes(all.query.shape(), all.value.shape(), all.key.shape());
    const Dim d = find_weight("query/kernel").shape()[0], v = find_weight("value/kernel").shape()[0],
              k = find_weight("key/kernel").shape()[0];
    if (all.query.shape()[2] != d || all.value.shape()[2] != v || all.key.shape()[2] != k) {
      raise<ShapeError>(label(), ": was built for ", d, ", ", v, " and ", k, " features of query, value and key, and cannot take ",
                        all.query.shape(), ", ", all.value.shape(), " and ", all.key.shape(), ".");
    }
  }
  return attend(all, context);
}

}  // namespace nacre::nn
