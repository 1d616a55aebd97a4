// Layer: weights and a function of tensors, written in ops. One Layer object may be called from several threads in inference.
//
// A layer is built once for an input shape (batch size unknown: -1) and then called on tensors. `training` and the random key belong to each call, not to
// the layer. Configuration, Python signature and docs derive from the options struct of the class (io/config.h).
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nacre/io/config.h"
#include "nacre/tensor/tensor.h"

namespace nacre::nn {

inline constexpr Dim kUnknown = -1;  // a size that is not known before the call: the batch

// "MaxPooling2D" -> "max_pooling2d", "Conv2DTranspose" -> "conv2d_transpose", "PReLU" -> "p_re_lu": the names that Keras gives.
[[nodiscard]] NACRE_API std::string snake_case(std::string_view class_name);

// A named weight. Trainable values are leaves that require a gradient.
struct Variable {
  std::string name;  // "kernel"; its full name in a model is "<layer>/kernel"
  Tensor value;
  bool trainable = true;
};

// What belongs to one call: the mode, and the key of its random numbers (each layer adds its own stream). A model gives seed and step;
// without them a layer draws from the global generator, or counts its own calls when it was given a seed.
struct CallContext {
  bool training = false;
  std::optional<std::uint64_t> seed, step;
  // What a call in a graph was given besides tensors, for layers whose calls take more (MultiHeadAttention, layers written in Python).
  const Json* arguments = nullptr;
};
// splitmix64 (Steele, Lea and Flood 2014): neighbouring numbers give unrelated seeds.
[[nodiscard]] constexpr std::uint64_t mix_seed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// Options that every layer takes.
struct LayerCommon {
  std::optional<std::string> name;
  std::optional<std::string> dtype;  // of weights and results; None: floatx() when built
  bool trainable = true;
  static constexpr auto options() {
    return std::tuple{Option{"name", &LayerCommon::name, "name, unique in a model; None: the class name in snake case"},
                      Option{"dtype", &LayerCommon::dtype, "dtype of weights and results; None: floatx()"},
                      Option{"trainable", &LayerCommon::trainable, "False freezes the weights"}};
  }
};

class NACRE_API Layer : public std::enable_shared_from_this<Layer> {
 public:
  virtual ~Layer();
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  [[nodiscard]] virtual std::string_view class_name() const = 0;
  // Options of the class and the common ones; make_layer(class_name(), config()) gives an equal, unbuilt layer.
  [[nodiscard]] virtual Json config() const = 0;

  [[nodiscard]] const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }
  [[nodiscard]] bool name_given() const { return common_.name.has_value(); }
  // True once a model gave this layer its name: another model that takes it too must not rename it.
  [[nodiscard]] bool placed() const { return placed_; }
  void set_placed() { placed_ = true; }
  [[nodiscard]] virtual bool trainable() const { return common_.trainable; }
  // Freezes or thaws: trainable_weights() and the gradients of weights follow.
  virtual void set_trainable(bool on);
  [[nodiscard]] DType dtype() const;
  // "Dense 'dense_1'": begins the messages about one layer.
  [[nodiscard]] std::string label() const { return cat(class_name(), " '", name_, "'"); }

  // Creates the weights for inputs of this shape, once. Later shapes may differ in axes that no weight depends on; else ShapeError.
  void build(const Shape& input) { build({&input, 1}); }
  virtual void build(std::span<const Shape> inputs);
  [[nodiscard]] bool built() const { return built_.load(std::memory_order_acquire); }
  [[nodiscard]] const Shape& input_shape() const { return input_shapes_.at(0); }
  [[nodiscard]] const std::vector<Shape>& input_shapes() const { return input_shapes_; }
  // Shape of the result; checks the input shape as build does. Unknown sizes are kUnknown.
  [[nodiscard]] virtual Shape output_shape(const Shape& input) const = 0;
  [[nodiscard]] virtual std::vector<Shape> output_shapes(std::span<const Shape> inputs) const;
  // True when a list of tensors means several inputs, not rows of one.
  [[nodiscard]] virtual bool takes_list() const { return false; }

  // A call in a graph (model/graph.h): builds for these inputs, and says what comes out. `arguments` as in CallContext.
  virtual void connect(std::span<const Type> inputs, const Json& arguments);
  [[nodiscard]] virtual std::vector<Type> output_types(std::span<const Type> inputs, const Json& arguments) const;

  // The function. Builds first when needed. Inputs of another dtype are cast (casts_input).
  [[nodiscard]] Tensor operator()(const Tensor& x, const CallContext& context = {}) { return run_one(x, context); }
  [[nodiscard]] std::vector<Tensor> operator()(std::span<const Tensor> inputs, const CallContext& context = {}) {
    return run(inputs, context);
  }

  // A layer of layers lists theirs, as "<layer>/<weight>".
  [[nodiscard]] virtual std::vector<Variable> weights() const { return weights_; }
  // What a captured step depends on besides the values of weights, to be compared: this layer, its mode, where its weights lie. Whoever overrides
  // weights() adds the same of the layers inside.
  virtual void add_facts(std::vector<const void*>& facts) const;
  [[nodiscard]] std::vector<Tensor> trainable_weights() const;
  // Value of the weight of this name, or an empty handle: an absent optional input of an op.
  [[nodiscard]] Tensor find_weight(std::string_view name) const;
  [[nodiscard]] Dim count_params() const;
  // Copies values in, in the order of weights(); ShapeError naming the weight, nothing is changed then.
  virtual void set_weights(std::span<const Tensor> values);

  // Number that separates this layer's random numbers from other layers'; a model numbers its layers 0, 1, ... itself.
  void set_stream(std::uint32_t stream) { stream_ = stream; }
  [[nodiscard]] std::uint32_t stream() const { return stream_; }

 protected:
  explicit Layer(LayerCommon common, std::string_view class_name, bool any_dtype = false);
  // The functions behind operator().
  [[nodiscard]] virtual Tensor run_one(const Tensor& x, const CallContext& context);
  [[nodiscard]] virtual std::vector<Tensor> run(std::span<const Tensor> inputs, const CallContext& context);
  // dtype of the result for an input of this dtype.
  [[nodiscard]] virtual DType output_dtype(DType input) const { return casts_input() ? dtype() : input; }
  void set_built(bool on, std::vector<Shape> inputs = {});
  // "takes one input, got 2": for layers of one input.
  void need_one(std::size_t inputs) const;
  // Adds the weights (add_weight) for `input`; the shape was checked by output_shape.
  virtual void create_weights(const Shape& input) { (void)input; }
  // The axes of an input of this rank that weights depend on.
  [[nodiscard]] virtual std::vector<int> weight_axes(int rank) const {
    (void)rank;
    return {};
  }
  // The function of a built layer. Must not change the layer unless context.training is set.
  [[nodiscard]] virtual Tensor call(const Tensor& x, const CallContext& context) const = 0;
  // False for layers that take integers as they are (Embedding, Flatten, Reshape, ...).
  [[nodiscard]] virtual bool casts_input() const { return true; }
  std::size_t add_weight(std::string name, Tensor value, bool trainable = true);
  [[nodiscard]] const Tensor& weight(std::size_t i) const { return weights_[i].value; }
  [[nodiscard]] bool dtype_given() const { return common_.dtype.has_value(); }
  [[nodiscard]] Json common_config() const;
  // The key tensor {seed, stream, step} that random ops take; `own_seed` replaces seed and stream.
  [[nodiscard]] Tensor random_key(const CallContext& context, std::optional<Dim> own_seed = {}) const;

 private:
  void check_other(const Shape& input) const;
  LayerCommon common_;
  std::string name_;
  std::vector<Shape> input_shapes_;
  std::atomic<bool> built_{false};
  bool placed_ = false;
  std::uint32_t stream_ = 0;
  std::vector<Variable> weights_;
  mutable std::atomic<std::uint64_t> calls_{0};  // random calls without a step given
};

// A layer whose function takes a list: a derived class says output_types and run, and perhaps connect.
class NACRE_API ListLayer : public Layer {
 public:
  [[nodiscard]] Shape output_shape(const Shape& input) const override { return output_shapes({&input, 1}).at(0); }
  [[nodiscard]] std::vector<Shape> output_shapes(std::span<const Shape> inputs) const override;
  [[nodiscard]] bool takes_list() const override { return true; }
  using Layer::build;
  void build(std::span<const Shape> inputs) override;
  void connect(std::span<const Type> inputs, const Json& arguments) override;

 protected:
  using Layer::Layer;
  [[nodiscard]] Tensor run_one(const Tensor& x, const CallContext& context) override;
  [[nodiscard]] Tensor call(const Tensor& x, const CallContext& context) const override;
};

// A layer class: `struct DenseOptions` with its list, `class Dense : public LayerOf<Dense, DenseOptions>` with kName and kDoc, and a static
// check(options) for the ranges. In C++: Dense({.units = 64, .activation = "relu"}, {.name = "hidden"}). o() reads the options.
template <class Derived, class Options, class Base = Layer>
class LayerOf : public Base {
 public:
  using OptionsType = Options;
  explicit LayerOf(Options options = {}, LayerCommon common = {})
      : Base(std::move(common), Derived::kName, any_dtype()), options_(std::move(options)) {
    if constexpr (requires(const Options& given) { Derived::check(given); }) Derived::check(options_);
  }
  [[nodiscard]] std::string_view class_name() const override { return Derived::kName; }
  [[nodiscard]] Json config() const override {
    Json j = this->common_config();
    const Json own = options_to_json(options_);
    for (auto [key, value] : own.items()) j[key] = value;
    return j;
  }
  [[nodiscard]] const Options& o() const { return options_; }

 private:
  static constexpr bool any_dtype() {
    if constexpr (requires { Derived::kAnyDtype; })
      return Derived::kAnyDtype;
    else
      return false;
  }
  Options options_;
};

// The record of a layer class; the list is nn/layers.inc.
struct LayerDef {
  std::string_view name, doc;
  std::vector<OptionInfo> options;  // own options, then name, dtype, trainable
  std::shared_ptr<Layer> (*make)(const Json& config);
};
NACRE_API std::span<const LayerDef> layer_registry();
[[nodiscard]] NACRE_API const LayerDef* find_layer(std::string_view class_name);  // null when unknown
// Throws ValueError for a class that is not in the registry: nothing else is ever made from a file.
NACRE_API std::shared_ptr<Layer> make_layer(std::string_view class_name, const Json& config);

}  // namespace nacre::nn
