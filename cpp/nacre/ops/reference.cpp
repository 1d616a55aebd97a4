// Gradient by reference.
#include "nacre/ops/reference.h"

#include <algorithm>

#include "nacre/autograd/tape.h"

namespace nacre {

namespace {

// Stands between an input of the op and the reference. Closed, it stops the walk through the reference; opened afterwards, it lets a later
// walk through the results of the first one go on to the input.
class GateNode final : public Node {
 public:
  explicit GateNode(const Tensor& input) { add_edge(input); }
  std::string_view name() const override { return "reference_input"; }
  int output_count() const override { return 1; }
  void backward(std::span<const Tensor> dys, std::span<Tensor> dxs, const std::vector<bool>&) override {
    if (open_) dxs[0] = dys[0];
  }
  void release_saved() override {}
  void open() { open_ = true; }

 private:
  bool open_ = false;
};

struct RecordingOn {
  bool before = grad_enabled();
  RecordingOn() { set_grad_enabled(true); }
  ~RecordingOn() { set_grad_enabled(before); }
};

}  // namespace

void grad_by_reference(GradCtx& c, const ReferenceFn& compound) {
  const bool create_graph = grad_enabled();
  const auto n = static_cast<std::size_t>(c.ni());
  std::vector<Tensor> inputs(n), wanted;
  std::vector<GateNode*> gates;
  std::vector<int> places;
  for (std::size_t k = 0; k < n; ++k) {
    const int place = static_cast<int>(k);
    if (!c.has_in(place)) continue;
    const Tensor x = c.in(place);
    inputs[k] = make_view(x.body()->storage, x.view());
    if (!c.needs(place)) continue;
    auto* gate = new GateNode(x);
    TensorBody* b = inputs[k].body();
    b->node = gate;
    b->is_leaf = false;
    b->requires_grad = true;
    gates.push_back(gate);
    wanted.push_back(inputs[k]);
    places.push_back(place);
  }
  std::vector<Tensor> outputs, dys, results;
  {
    const RecordingOn on;
    std::vector<Tensor> all = compound(inputs);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!c.has(static_cast<int>(i)) || !all[i].defined() || !all[i].requires_grad()) continue;
      outputs.push_back(all[i]);
      dys.push_back(c.dy(static_cast<int>(i)));
    }
  }
  if (outputs.empty()) return;
  results = gradients(outputs, dys, wanted, create_graph, create_graph);
  for (GateNode* gate : gates) gate->open();
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (results[i].defined()) c.dx(places[i], results[i]);
  }
}

}  // namespace nacre
