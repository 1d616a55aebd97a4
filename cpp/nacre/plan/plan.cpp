// Making a plan from a graph, and printing it.
#include "nacre/plan/plan.h"

#include <algorithm>
#include <cstdio>

#include "nacre/ops/ops.h"
#include "nacre/plan/passes.h"

namespace nacre::plan {

namespace {

// A node that copies `x` into memory of its own.
Id append_copy(Graph& g, Id x) {
  Node n;
  n.def = &op_def<op::Copy>();
  n.attrs = std::make_unique<std::byte[]>(n.def->attr_size);
  n.name = n.def->name;
  n.in = {x};
  Value v;
  static_cast<Type&>(v.view) = g.at(x).view;
  v.view.set_contiguous_strides();
  v.producer = static_cast<Id>(g.nodes.size());
  const Id y = v.root = static_cast<Id>(g.values.size());
  n.out = {y};
  g.values.push_back(std::move(v));
  g.nodes.push_back(std::move(n));
  return y;
}

std::string place_text(const Graph& g, const std::vector<Dim>& offset, const std::vector<Dim>& place, Id id) {
  if (id == kNone) return "-";
  const Value& v = g.at(id);
  const Id r = v.root;
  const Value& root = g.at(r);
  std::string s = cat(v.view.dtype, " ", v.view.shape);
  if (root.kind == ValueKind::input) return cat(s, " ", root.name);
  if (root.kind == ValueKind::bound) return cat(s, " ", root.key >= 0 ? "random key" : root.name.empty() ? "fixed" : root.name);
  if (root.kind == ValueKind::constant) return cat(s, " const");
  if (place[static_cast<std::size_t>(r)] >= 0) return cat(s, " grad+", place[static_cast<std::size_t>(r)] + v.offset);
  if (offset[static_cast<std::size_t>(r)] >= 0) return cat(s, " @", offset[static_cast<std::size_t>(r)] + v.offset);
  return cat(s, " tile");
}

Cost node_cost(const Graph& g, const Node& n) {
  InputTypes inputs(g, n);
  const In types = inputs.list();
  std::vector<Type> out;
  for (Id y : n.out) out.push_back(g.at(y).view);
  if (n.def->cost) return n.def->cost(n.attrs.get(), types, out);
  return cost_of(n.def->tile && !out.empty() ? count_of(out[0]) : 0, types, out);  // an elementwise op counts as one operation
}

std::string quantity(double v, std::string_view unit) {
  char text[32];
  const char* prefix = "";
  for (const char* p : {"k", "M", "G", "T"}) {
    if (v < 1000) break;
    v /= 1000;
    prefix = p;
  }
  std::snprintf(text, sizeof text, v < 10 && *prefix ? "%.1f" : "%.0f", v);
  return cat(text, " ", prefix, unit);
}

}  // namespace

Plan::Plan(Trace&& trace, std::span<const Tensor> outputs, std::span<const Tensor> placed, std::span<const Dim> places,
           const PlanOptions& options) {
  std::vector<Id> roots;
  for (const Tensor& t : outputs) roots.push_back(trace.id_of(t));
  for (const Tensor& t : placed) roots.push_back(trace.id_of(t));
  graph_ = std::move(trace.graph());
  for (std::size_t v = 0; v < graph_.values.size(); ++v) {
    if (graph_.values[v].kind == ValueKind::input && graph_.values[v].producer == kNone) inputs_.push_back(static_cast<Id>(v));
  }
  drop_dead_nodes(graph_, roots);
  fold_constants(graph_);
  merge_equal_nodes(graph_, roots);
  drop_dead_nodes(graph_, roots);

  outputs_.assign(roots.begin(), roots.begin() + static_cast<std::ptrdiff_t>(outputs.size()));
  // A placed value is made where it belongs when it is a whole value of its own; otherwise it is copied there.
  place_.assign(graph_.values.size(), -1);
  for (std::size_t i = 0; i < placed.size(); ++i) {
    Id id = roots[outputs.size() + i];
    const Value& v = graph_.at(id);
    const bool own = v.kind == ValueKind::computed && v.offset == 0 && v.view.contiguous() &&
                     graph_.at(v.root).kind == ValueKind::computed && place_[static_cast<std::size_t>(v.root)] < 0 &&
                     graph_.bytes_of(v.root) == graph_.bytes_of(id);
    if (!own) {
      id = append_copy(graph_, id);
      place_.resize(graph_.values.size(), -1);
    }
    place_[static_cast<std::size_t>(graph_.root_of(id))] = places[i];
  }

  const std::vector<bool> late = committed_nodes(graph_);
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    if (!graph_.nodes[i].is_view) (late[i] ? commit_ : compute_).push_back(static_cast<Id>(i));
  }
  const auto check = [&](Id id) {  // what a run gives must be known before its changes are made
    const Id from = graph_.at(graph_.root_of(id)).producer;
    if (!(from != kNone && late[static_cast<std::size_t>(from)]) && !is_changed(graph_, id)) return;
    raise<StateError>(
        "plan: a result depends on a tensor that was assigned in the same step. Use the assigned value itself, or compile(..., "
        "run_eagerly=True).");
  };
  for (Id id : outputs_) check(id);
  for (std::size_t v = 0; v < place_.size(); ++v) {
    if (place_[v] >= 0) check(static_cast<Id>(v));
  }
  chains_.resize(graph_.nodes.size());
  std::vector<bool> hidden(graph_.values.size());
  around_.resize(graph_.nodes.size());
  if (options.fuse) {
    fuse_chains(graph_, compute_, outputs_, place_, chains_, hidden);
    fuse_neighbours(graph_, compute_, outputs_, place_, chains_, hidden, around_);
  }
  hide_unread_outputs(graph_, outputs_, place_, hidden);
  std::vector<Id> kept = outputs_;
  for (Id c : commit_) {  // what the commit reads must outlive the computation, whatever is dropped between
    for (Id x : graph_.nodes[static_cast<std::size_t>(c)].in) {
      if (x != kNone) kept.push_back(x);
    }
  }
  std::vector<StepIo> steps;
  for (const auto* list : {&compute_, &commit_}) {
    for (Id id : *list) steps.push_back(step_io(graph_, step_members(id, chains_, around_), hidden));
  }
  const MemoryPlan m = plan_memory(graph_, steps, kept, place_, hidden, options.reuse);
  hidden_ = hidden;
  fixed_ = options.fixed;
  offset_ = m.offset;
  arena_bytes_ = m.bytes;
  unplanned_bytes_ = m.unplanned;
}

Plan::~Plan() = default;

std::vector<ReadyRange> Plan::ready() const {
  std::vector<ReadyRange> list;
  for (std::size_t i = 0; i < compute_.size(); ++i) {
    for (Id y : step_io(graph_, step_members(compute_[i], chains_, around_), hidden_).out) {
      const Dim begin = place_[static_cast<std::size_t>(graph_.root_of(y))];
      if (begin >= 0) list.push_back({i, begin, static_cast<Dim>(graph_.bytes_of(graph_.root_of(y)))});
    }
  }
  return list;
}

std::vector<StepInfo> Plan::steps() const {
  std::vector<StepInfo> list;
  const auto add = [&](Id id, bool commits) {
    const std::vector<Id> members = step_members(id, chains_, around_);
    StepInfo s;
    s.commits = commits;
    const auto listed = [&](const std::vector<Id>& ids) {
      std::string text;
      for (Id v : ids) text += cat(text.empty() ? "" : ", ", place_text(graph_, offset_, place_, v));
      return text;
    };
    StepIo io = step_io(graph_, members, hidden_);
    std::erase_if(io.out, [&](Id y) {  // a product that the chain behind it wrote over
      return std::any_of(io.out.begin(), io.out.end(), [&](Id z) { return z != y && graph_.root_of(z) == y; });
    });
    s.inputs = listed(io.in);
    s.outputs = listed(io.out);
    for (Id part : members) {
      const Node& n = graph_.nodes[static_cast<std::size_t>(part)];
      const Cost c = node_cost(graph_, n);
      s.op += cat(s.op.empty() ? "" : "+", n.def->name);
      s.flops += c.flops;
      if (io.node) s.bytes = c.bytes;
    }
    if (!io.node) {
      for (Id x : io.in) s.bytes += static_cast<double>(graph_.bytes_of(x));
      for (Id y : io.out) s.bytes += static_cast<double>(graph_.bytes_of(y));
    }
    list.push_back(std::move(s));
  };
  for (Id id : compute_) add(id, false);
  for (Id id : commit_) add(id, true);
  return list;
}

std::string Plan::text(std::span<const double> seconds, std::span<const StepInfo> before, std::span<const StepInfo> after) const {
  std::vector<StepInfo> list(before.begin(), before.end());
  for (StepInfo& s : steps()) list.push_back(std::move(s));
  list.insert(list.end(), after.begin(), after.end());
  bool commits = false;
  double flops = 0, bytes = 0, total = 0;
  std::string out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const StepInfo& s = list[i];
    flops += s.flops, bytes += s.bytes;
    commits = commits || s.commits;
    char head[96];
    std::snprintf(head, sizeof head, "%4zu%s %-26.60s", i, s.commits ? "*" : " ", s.op.c_str());
    out += cat(head, " ", s.inputs, " -> ", s.outputs, "; ", quantity(s.flops, "flop"), ", ", quantity(s.bytes, "B"));
    if (i < seconds.size()) {
      char time[48];
      std::snprintf(time, sizeof time, ", %.2f us", seconds[i] * 1e6);
      out += time;
      if (s.flops > 0) {
        std::snprintf(time, sizeof time, ", %.1f GFLOP/s", s.flops / seconds[i] * 1e-9);
        out += time;
      }
      total += seconds[i];
    }
    out += "\n";
  }
  out +=
      cat(list.size(), " steps, ", quantity(flops, "flop"), ", ", quantity(bytes, "B"), "; arena ",
          quantity(static_cast<double>(arena_bytes_), "B"), " in place of ", quantity(static_cast<double>(unplanned_bytes_), "B"));
  if (!seconds.empty()) {
    char time[48];
    std::snprintf(time, sizeof time, "; %.2f us", total * 1e6);
    out += time;
  }
  out += "\n";
  if (commits) out += "* after the computation, when it is certain that the step is kept\n";
  return out;
}

}  // namespace nacre::plan
