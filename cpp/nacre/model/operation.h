// Ops on symbols, as layers without weights: Operation holds an op's record, its attributes and the tensors among its inputs that are no
// symbols; GetItem holds an index expression x[...]. Both are written to files as names and numbers, and nothing else.
#pragma once

#include "nacre/model/graph.h"
#include "nacre/ops/indexing.h"
#include "nacre/ops/op.h"

namespace nacre::model {

class NACRE_API Operation final : public nn::ListLayer {
 public:
  // An input of the op: a symbol, a tensor, or an optional one that is absent.
  struct Slot {
    bool symbol = true;
    Tensor constant = {};
  };
  Operation(const OpDef& def, const void* attributes, std::vector<Slot> slots, nn::LayerCommon common = {});
  static std::shared_ptr<Operation> from_config(const Json& config);
  static constexpr std::string_view kName = "Operation";
  [[nodiscard]] std::string_view class_name() const override { return kName; }
  [[nodiscard]] Json config() const override;
  // Runs the op's shape rule twice, with different sizes for what is unknown: what differs is unknown in the result.
  [[nodiscard]] std::vector<Type> output_types(std::span<const Type> inputs, const Json& arguments) const override;

 protected:
  [[nodiscard]] std::vector<Tensor> run(std::span<const Tensor> inputs, const nn::CallContext& context) override;

 private:
  [[nodiscard]] std::vector<Type> infer(std::span<const Type> inputs, Dim batch, Dim other) const;
  void check_count(std::size_t inputs) const;
  const OpDef& def_;
  std::unique_ptr<std::byte[]> attributes_;
  std::vector<Slot> slots_;
};

// x[...] with integers, slices, ellipsis and new axes.
class NACRE_API GetItem final : public nn::ListLayer {
 public:
  explicit GetItem(std::vector<IndexItem> items, nn::LayerCommon common = {});
  static std::shared_ptr<GetItem> from_config(const Json& config);
  static constexpr std::string_view kName = "GetItem";
  [[nodiscard]] std::string_view class_name() const override { return kName; }
  [[nodiscard]] Json config() const override;
  [[nodiscard]] std::vector<Type> output_types(std::span<const Type> inputs, const Json& arguments) const override;

 protected:
  [[nodiscard]] std::vector<Tensor> run(std::span<const Tensor> inputs, const nn::CallContext& context) override;

 private:
  std::vector<IndexItem> items_;
};

}  // namespace nacre::model
