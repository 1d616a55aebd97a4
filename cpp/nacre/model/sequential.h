// Sequential: a stack of layers that is trained, evaluated, asked and saved.
//
//   Sequential model;
//   model.add<nn::Dense>({.units = 64, .activation = "relu"});
//   model.add<nn::Dense>({.units = 10});
//   model.compile({.optimizer = "adam", .loss = loss, .metrics = {"accuracy"}});
//   model.fit(x, y, {.epochs = 5});
#pragma once

#include "nacre/model/model.h"

namespace nacre::model {

class NACRE_API Sequential final : public Model {
 public:
  explicit Sequential(std::string name = "sequential", bool name_given = false);
  static constexpr std::string_view kName = "Sequential";
  [[nodiscard]] std::string_view class_name() const override { return kName; }

  // Adds a layer at the end; an InputLayer comes first and gives the input shape. A name that was not given is made unique ("dense_1").
  void add(std::shared_ptr<nn::Layer> layer);
  template <class L>
  std::shared_ptr<L> add(typename L::OptionsType options = {}, nn::LayerCommon common = {}) {
    auto layer = std::make_shared<L>(std::move(options), std::move(common));
    add(std::static_pointer_cast<nn::Layer>(layer));
    return layer;
  }
  // Takes the last layer off and returns it.
  std::shared_ptr<nn::Layer> pop();
  [[nodiscard]] std::vector<std::shared_ptr<nn::Layer>> layers() const override { return layers_; }
  [[nodiscard]] const std::shared_ptr<nn::Layer>& input_layer() const { return input_layer_; }
  using Model::build;
  void build(std::span<const Shape> inputs) override;
  [[nodiscard]] std::vector<std::string> input_names() const override;
  [[nodiscard]] std::vector<std::string> output_names() const override;
  [[nodiscard]] std::vector<Shape> given_shapes() const override;
  [[nodiscard]] std::vector<Shape> result_shapes() const override;
  using Model::output_shape;
  [[nodiscard]] Shape output_shape(const Shape& input) const override;
  [[nodiscard]] std::vector<Type> output_types(std::span<const Type> inputs, const Json& arguments) const override;
  // {"name", "layers": [{"class_name", "config"}, ...], "build_input_shape"}; from_config makes the same model, with new weights when it was built.
  [[nodiscard]] Json config() const override;
  void apply_config(const Json& config, const LayerMaker& make = make_layer) override;
  static std::shared_ptr<Sequential> from_config(const Json& config);

 protected:
  [[nodiscard]] std::vector<Tensor> forward(std::span<const Tensor> x, const nn::CallContext& context) override;
  void ensure_built(std::string_view method, std::span<const Tensor> x) override;
  [[nodiscard]] bool empty() const override { return layers_.empty() && !input_layer_; }
  [[nodiscard]] std::vector<DType> output_dtypes() const override;
  [[nodiscard]] std::vector<std::shared_ptr<nn::Layer>> output_layers() const override;
  [[nodiscard]] std::vector<Row> summary_rows() const override;

 private:
  std::vector<std::shared_ptr<nn::Layer>> layers_;
  std::shared_ptr<nn::Layer> input_layer_;
  bool input_casts_ = false;          // the InputLayer was given a dtype
  std::optional<Shape> given_shape_;  // from an InputLayer or build
};

}  // namespace nacre::model
