// Functional: a model made of a graph of calls (graph.h), with any number of inputs and outputs. A layer that is called several times has one
// set of weights; models may be layers.
//
//   const Symbol x = input({4});
//   const Symbol y = call(std::make_shared<nn::Dense>(nn::DenseOptions{.units = 3}), x);
//   Functional model({x}, {y});
#pragma once

#include "nacre/model/graph.h"
#include "nacre/model/model.h"

namespace nacre::model {

class NACRE_API Functional final : public Model {
 public:
  explicit Functional(std::string name = "functional", bool name_given = false);
  // `input_keys`, `output_keys`: the names when dictionaries were given; else the names are those of the layers.
  Functional(std::vector<Symbol> inputs, std::vector<Symbol> outputs, std::string name = "functional", bool name_given = false,
             std::vector<std::string> input_keys = {}, std::vector<std::string> output_keys = {});
  static constexpr std::string_view kName = "Functional";
  [[nodiscard]] std::string_view class_name() const override { return kName; }
  [[nodiscard]] const std::vector<Symbol>& inputs() const { return inputs_; }
  [[nodiscard]] const std::vector<Symbol>& outputs() const { return outputs_; }
  [[nodiscard]] const std::vector<std::string>& input_keys() const { return input_keys_; }
  [[nodiscard]] const std::vector<std::string>& output_keys() const { return output_keys_; }

  [[nodiscard]] std::vector<std::shared_ptr<nn::Layer>> layers() const override { return layers_; }
  using Model::build;
  void build(std::span<const Shape> inputs) override;
  [[nodiscard]] bool takes_list() const override { return inputs_.size() > 1; }
  [[nodiscard]] std::vector<std::string> input_names() const override;
  [[nodiscard]] std::vector<std::string> output_names() const override;
  [[nodiscard]] std::vector<Shape> given_shapes() const override;
  [[nodiscard]] std::vector<Shape> result_shapes() const override;
  using Model::output_shape;
  [[nodiscard]] Shape output_shape(const Shape& input) const override;
  [[nodiscard]] std::vector<Shape> output_shapes(std::span<const Shape> inputs) const override;
  [[nodiscard]] std::vector<Type> output_types(std::span<const Type> inputs, const Json& arguments) const override;
  // {"name", "layers": [{"class_name", "config"}], "calls": [{"layer": i, "inputs": [[call, result], ...], "arguments"}], "inputs": [[call,
  // result], ...], "outputs", "input_keys", "output_keys"}. A call without inputs is an InputLayer's.
  [[nodiscard]] Json config() const override;
  void apply_config(const Json& config, const LayerMaker& make = make_layer) override;

 protected:
  [[nodiscard]] std::vector<Tensor> forward(std::span<const Tensor> x, const nn::CallContext& context) override;
  void ensure_built(std::string_view method, std::span<const Tensor> x) override;
  [[nodiscard]] bool empty() const override { return outputs_.empty(); }
  [[nodiscard]] std::vector<DType> output_dtypes() const override;
  [[nodiscard]] std::vector<std::shared_ptr<nn::Layer>> output_layers() const override;
  [[nodiscard]] std::vector<Row> summary_rows() const override;

 private:
  void make_plan(std::vector<Symbol> inputs, std::vector<Symbol> outputs, std::vector<std::string> input_keys,
                 std::vector<std::string> output_keys);
  // One call of the plan; values live in slots, results of a call in a row of them.
  struct Step {
    std::shared_ptr<Node> node;
    std::vector<std::size_t> inputs;    // slots
    std::size_t first = 0;              // slot of the first result
    std::vector<std::size_t> last_use;  // slots that nobody reads afterwards
  };
  void check_types(std::span<const Type> inputs) const;
  std::vector<Symbol> inputs_, outputs_;
  std::vector<std::string> input_keys_, output_keys_;
  std::vector<std::shared_ptr<nn::Layer>> layers_;  // the InputLayers first, in the order of inputs_
  std::vector<Step> steps_;
  std::vector<std::size_t> output_slots_;
  std::size_t slots_ = 0;
};

}  // namespace nacre::model
