// The tape: nodes recorded by eager execution and the one backward walk over them. Knows no op by name.
//
// A node holds edges to the nodes (and output numbers) that made its inputs. The walk visits nodes by decreasing creation number, from a heap:
// every consumer of a value is newer than its producer, so no dependency count and no recursion are needed, and the order of the
// additions of gradients is always the same. With create_graph the walk itself is recorded, which gives derivatives of any order.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "nacre/tensor/tensor.h"

namespace nacre {

class Node;

struct Edge {
  Node* node = nullptr;  // counted; null when no gradient flows there
  std::int32_t index = 0;
};

class NACRE_API Node : public NodeBase {
 public:
  Node();
  ~Node() override;
  [[nodiscard]] std::uint64_t order() const { return order_; }
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual int output_count() const = 0;
  // dys[i] is empty when no gradient reached output i. Writes dxs[k] for every k with an edge that is wanted.
  virtual void backward(std::span<const Tensor> dys, std::span<Tensor> dxs, const std::vector<bool>& needs) = 0;
  // Drops saved values; a later backward through this node raises StateError.
  virtual void release_saved() = 0;
  [[nodiscard]] std::span<const Edge> edges() const { return edges_; }
  void add_edge(const Tensor& input);

 protected:
  explicit Node(std::uint64_t order) : order_(order) {}

 private:
  std::vector<Edge> edges_;
  std::uint64_t order_;
};

// Is recording on in this thread?
NACRE_API bool grad_enabled() noexcept;
NACRE_API void set_grad_enabled(bool on) noexcept;
class NoGrad {
 public:
  explicit NoGrad(bool off = true) noexcept : before_(grad_enabled()) {
    if (off) set_grad_enabled(false);
  }
  ~NoGrad() { set_grad_enabled(before_); }
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

// The two ops that the walk itself needs, set by the op layer when it is loaded.
struct TapeHooks {
  Tensor (*add)(const Tensor& a, const Tensor& b) = nullptr;
  Tensor (*ones_like)(const Tensor& x) = nullptr;
};
NACRE_API void set_tape_hooks(const TapeHooks& hooks);

// dsum_k <dys_k, outputs_k> / d inputs_i. An input that no output depends on gives an empty handle.
// dys may be empty when every output is a single number (ones are used).
NACRE_API std::vector<Tensor> gradients(std::span<const Tensor> outputs, std::span<const Tensor> dys,
                                        std::span<const Tensor> inputs, bool retain_graph = false, bool create_graph = false);
// Does the history of y reach a leaf that requires a gradient and is none of `inputs`?
[[nodiscard]] NACRE_API bool reaches_other_leaves(const Tensor& y, std::span<const Tensor> inputs);
// The same walk, adding into grad() of every leaf reached.
NACRE_API void backward(std::span<const Tensor> outputs, std::span<const Tensor> dys, bool retain_graph = false,
                        bool create_graph = false);

// The node that stands for a leaf requiring a gradient; made when first needed.
NACRE_API Node* leaf_node(const Tensor& leaf);

}  // namespace nacre
