// Recording switches, leaf nodes and the backward walk.
#include "nacre/autograd/tape.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "nacre/tensor/leaf_lock.h"

namespace nacre {

namespace {

std::atomic<std::uint64_t> g_order{1};
thread_local bool t_grad_enabled = true;
TapeHooks g_hooks;

// Stands for a leaf. Holds the body without owning it: the body owns the node and clears the pointer when it dies first.
class LeafNode final : public Node {
 public:
  // Order 0: a leaf's node is made at its first use, so it may be newer than a consumer, and must come after all of them.
  explicit LeafNode(TensorBody* body) : Node(std::uint64_t{0}), body_(body) {}
  std::string_view name() const override { return "leaf"; }
  int output_count() const override { return 1; }
  void backward(std::span<const Tensor>, std::span<Tensor>, const std::vector<bool>&) override {}
  void release_saved() override {}
  void leaf_gone() noexcept override {
    const LeafLock lock(this);
    body_ = nullptr;
  }
  // The leaf, or an empty handle when its last owner has let it go.
  Tensor leaf() const {
    const LeafLock lock(this);
    if (!body_) return {};
    std::int32_t owners = body_->refs.load(std::memory_order_relaxed);
    while (owners > 0 && !body_->refs.compare_exchange_weak(owners, owners + 1, std::memory_order_relaxed)) {
    }
    return owners > 0 ? Tensor(body_) : Tensor();
  }

 private:
  TensorBody* body_;
};

// The walk's gradient as the leaf's own: `grad` is the user's to change in place, so nobody else may see its memory.
Tensor own(Tensor g) {
  if (g.symbolic()) return g;  // has no memory
  const bool alone = g.body()->refs.load() == 1 && g.body()->storage->refs.load() == 1 && !g.requires_grad() && g.contiguous();
  return alone ? g : g.clone();
}

void accumulate(const Tensor& leaf, Tensor g, bool recorded) {
  for (;;) {
    const Tensor old = leaf.grad();
    if (old.defined()) {
      if (exchange_grad(leaf, old, g_hooks.add(old, g))) return;
    } else {
      if (!recorded) g = own(std::move(g));
      if (exchange_grad(leaf, old, g)) return;
    }
  }
}

struct Slot {
  Node* node;
  std::vector<Tensor> dys;
};

// Gradients that wait for their node, by node; a heap gives the newest node.
class Walk {
 public:
  void add(Node* node, int index, Tensor g) {
    auto [it, fresh] = slots_.try_emplace(node);
    if (fresh) {
      it->second.resize(static_cast<std::size_t>(node->output_count()));
      heap_.push_back(node);
      std::push_heap(heap_.begin(), heap_.end(), older);
    }
    Tensor& slot = it->second[static_cast<std::size_t>(index)];
    slot = slot.defined() ? g_hooks.add(slot, g) : std::move(g);
  }
  bool next(Slot& out) {
    if (heap_.empty()) return false;
    std::pop_heap(heap_.begin(), heap_.end(), older);
    out.node = heap_.back();
    heap_.pop_back();
    auto it = slots_.find(out.node);
    out.dys = std::move(it->second);
    slots_.erase(it);
    return true;
  }

 private:
  static bool older(const Node* a, const Node* b) { return a->order() < b->order(); }
  std::vector<Node*> heap_;
  std::unordered_map<Node*, std::vector<Tensor>> slots_;
};

struct GradGuard {
  bool before = grad_enabled();
  ~GradGuard() { set_grad_enabled(before); }
};

Node* node_of(const Tensor& t) { return static_cast<Node*>(t.body()->node); }

void start(Walk& walk, std::span<const Tensor> outputs, std::span<const Tensor> dys) {
  if (!dys.empty() && dys.size() != outputs.size()) {
    raise<ValueError>("backward: ", outputs.size(), " outputs but ", dys.size(), " output gradients.");
  }
  bool any = false;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Tensor& y = outputs[i];
    if (!y.defined()) raise<ValueError>("backward: output ", i, " is empty.");
    const bool given = !dys.empty() && dys[i].defined();
    if (given && (!(dys[i].shape() == y.shape()) || dys[i].dtype() != y.dtype())) {
      raise<ShapeError>("backward: the output gradient has shape ", dys[i].shape(), " and dtype ", dys[i].dtype(),
                        " but the output has shape ", y.shape(), " and dtype ", y.dtype(), ".");
    }
    if (!y.requires_grad()) continue;
    any = true;
    if (!given && y.count() != 1) {
      raise<ShapeError>("backward: the output has shape ", y.shape(), ". Without an output gradient it must be a single number: ",
                        "reduce it first or pass one of the same shape.");
    }
    Node* node = y.is_leaf() ? leaf_node(y) : node_of(y);
    walk.add(node, y.body()->output_index, given ? dys[i] : g_hooks.ones_like(y));
  }
  if (!any) {
    raise<StateError>("backward: no output depends on a tensor with requires_grad = True, or it was made under no_grad.");
  }
}

// Walks until nothing waits. `wanted` maps (node, output) to the place of a requested gradient; without it leaves take their gradient.
using Wanted = std::vector<std::pair<Node*, int>>;

void run(Walk& walk, const Wanted* wanted, std::vector<Tensor>* results, bool retain_graph, bool create_graph) {
  GradGuard guard;
  set_grad_enabled(create_graph);
  Slot slot;
  std::vector<Tensor> dxs;
  std::vector<bool> needs;
  std::vector<Node*> visited;  // kept alive and emptied at the end, so that a failed walk leaves the graph whole
  struct Keep {
    std::vector<Node*>& nodes;
    ~Keep() {
      for (Node* n : nodes) NodeBase::release(n);
    }
  } keep{visited};
  while (walk.next(slot)) {
    Node* node = slot.node;
    if (wanted) {
      for (std::size_t i = 0; i < wanted->size(); ++i) {
        const auto& [wanted_node, index] = (*wanted)[i];
        if (wanted_node == node) (*results)[i] = slot.dys[static_cast<std::size_t>(index)];
      }
    }
    if (auto* leaf = dynamic_cast<LeafNode*>(node)) {
      const Tensor x = wanted ? Tensor() : leaf->leaf();
      if (x.defined()) accumulate(x, std::move(slot.dys[0]), create_graph);
      continue;
    }
    const auto edges = node->edges();
    needs.assign(edges.size(), false);
    for (std::size_t k = 0; k < edges.size(); ++k) needs[k] = edges[k].node != nullptr;
    dxs.assign(edges.size(), Tensor());
    node->backward(slot.dys, dxs, needs);
    for (std::size_t k = 0; k < edges.size(); ++k) {
      if (edges[k].node && dxs[k].defined()) walk.add(edges[k].node, edges[k].index, std::move(dxs[k]));
    }
    slot.dys.clear();
    node->refs.fetch_add(1, std::memory_order_relaxed);
    visited.push_back(node);
  }
  if (!retain_graph && !create_graph) {
    for (Node* n : visited) n->release_saved();
  }
}

}  // namespace

Node::Node() : order_(g_order.fetch_add(1, std::memory_order_relaxed)) {}

Node::~Node() {
  for (Edge& e : edges_) {
    if (e.node) NodeBase::release(e.node);
  }
}

void Node::add_edge(const Tensor& input) {
  Edge edge;
  if (input.defined() && input.requires_grad()) {
    edge.node = input.is_leaf() ? leaf_node(input) : node_of(input);
    edge.index = input.body()->output_index;
    edge.node->refs.fetch_add(1, std::memory_order_relaxed);
  }
  edges_.push_back(edge);
}

Node* leaf_node(const Tensor& leaf) {
  TensorBody* b = leaf.body();
  const std::atomic_ref<NodeBase*> node(b->node);
  if (!node.load(std::memory_order_acquire)) {  // several threads may use a weight for the first time at once
    auto fresh = std::make_unique<LeafNode>(b);
    const LeafLock lock(b);
    if (!node.load(std::memory_order_relaxed)) node.store(fresh.release(), std::memory_order_release);
  }
  return static_cast<Node*>(node.load(std::memory_order_acquire));
}

bool grad_enabled() noexcept { return t_grad_enabled; }
void set_grad_enabled(bool on) noexcept { t_grad_enabled = on; }
void set_tape_hooks(const TapeHooks& hooks) { g_hooks = hooks; }

std::vector<Tensor> gradients(std::span<const Tensor> outputs, std::span<const Tensor> dys, std::span<const Tensor> inputs,
                              bool retain_graph, bool create_graph) {
  Wanted wanted;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& x = inputs[i];
    if (!x.defined()) raise<ValueError>("gradients: input ", i, " is empty.");
    if (!x.requires_grad())
      raise<StateError>("gradients: input ", i, " does not require a gradient. Set requires_grad = True first.");
    wanted.emplace_back(x.is_leaf() ? leaf_node(x) : node_of(x), x.body()->output_index);
  }
  Walk walk;
  start(walk, outputs, dys);
  std::vector<Tensor> results(inputs.size());
  run(walk, &wanted, &results, retain_graph, create_graph);
  if (!create_graph) {
    for (Tensor& g : results) {
      if (g.defined()) g = own(std::move(g));
    }
  }
  return results;
}

bool reaches_other_leaves(const Tensor& y, std::span<const Tensor> inputs) {
  if (!y.requires_grad()) return false;
  std::unordered_set<const Node*> seen;
  for (const Tensor& x : inputs) {
    if (x.defined() && x.requires_grad() && x.is_leaf()) seen.insert(leaf_node(x));
  }
  std::vector<const Node*> waiting{y.is_leaf() ? leaf_node(y) : node_of(y)};
  while (!waiting.empty()) {
    const Node* node = waiting.back();
    waiting.pop_back();
    if (!seen.insert(node).second) continue;
    if (dynamic_cast<const LeafNode*>(node)) return true;
    for (const Edge& e : node->edges()) {
      if (e.node) waiting.push_back(e.node);
    }
  }
  return false;
}

void backward(std::span<const Tensor> outputs, std::span<const Tensor> dys, bool retain_graph, bool create_graph) {
  if (capturing()) {
    raise<StateError>("backward: while a model is captured, gradients cannot be added into tensors. Use nc.grad or gradients(...).");
  }
  Walk walk;
  start(walk, outputs, dys);
  run(walk, nullptr, nullptr, retain_graph, create_graph);
}

void Tensor::backward(const Tensor& dy, bool retain_graph, bool create_graph) const {
  const Tensor outputs[] = {*this};
  const Tensor dys[] = {dy};
  nacre::backward(outputs, std::span<const Tensor>(dys, dy.defined() ? 1 : 0), retain_graph, create_graph);
}

void Tensor::set_requires_grad(bool on) const {
  if (on && !is_float(dtype())) raise<DTypeError>("requires_grad: only floats have gradients, this tensor is ", dtype(), ".");
  if (!is_leaf()) {
    raise<StateError>("requires_grad: this tensor is the result of an op and already follows its inputs. Use x.detach() first.");
  }
  body_->requires_grad = on;
}

}  // namespace nacre
