// Memory and resolved steps of a plan, and running them.
#include <chrono>
#include <cstring>

#include "nacre/base/threads.h"
#include "nacre/kernels/table.h"
#include "nacre/plan/chain.h"
#include "nacre/plan/passes.h"
#include "nacre/plan/plan.h"

namespace nacre::plan {

namespace {

using Clock = std::chrono::steady_clock;

// A step whose op has no prepared call: its `run`, with everything but the scratch memory resolved.
struct RunArgs {
  void (*run)(const void* attrs, Views in, Views out, Context& c);
  const void* attrs;
  View* const* in;
  View* const* out;
  int ni, no;
};

void run_op(const void* args, Context& c) {
  const auto& a = *static_cast<const RunArgs*>(args);
  a.run(a.attrs, Views{a.in, a.ni}, Views{a.out, a.no}, c);
}

// The same for a step with chains inside.
struct FusedArgs {
  RunArgs main;
  TileHooks hooks;
};

void run_fused(const void* args, Context& c) {
  const auto& a = *static_cast<const FusedArgs*>(args);
  struct Hooked {
    Context& context;
    ~Hooked() { context.hooks = {}; }
  } const hooked{c};
  c.hooks = a.hooks;
  run_op(&a.main, c);
}

void run_chain_step(const void* args, Context&) { run_chain(*static_cast<const ChainCall*>(args)); }

}  // namespace

// Collects the calls of one node.
class Instance::Builder final : public CallBuilder {
 public:
  Builder(Instance& instance, Id node, std::vector<Step>& steps)
      : CallBuilder(instance.context_.kernels), instance_(instance), node_(node), steps_(steps) {}
  void* keep(const void* data, std::size_t bytes) {
    instance_.blocks_.push_back(std::make_unique<std::byte[]>(bytes));  // aligned for any plain type of 16 bytes
    if (data) std::memcpy(instance_.blocks_.back().get(), data, bytes);
    return instance_.blocks_.back().get();
  }

  [[nodiscard]] const Storage* fixed(int k) const override {
    const Plan& p = *instance_.plan_;
    const Id id = p.graph_.nodes[static_cast<std::size_t>(node_)].in[static_cast<std::size_t>(k)];
    if (!p.fixed_ || id == kNone) return nullptr;
    const Value& root = p.graph_.at(p.graph_.root_of(id));
    return root.tensor.defined() && !is_changed(p.graph_, id) ? root.tensor.body()->storage : nullptr;
  }
  [[nodiscard]] void* keep_memory(Dim bytes) override {
    instance_.kept_.push_back(Tensor::empty({bytes}, DType::uint8, "plan"));
    return instance_.kept_.back().body()->data;
  }

 protected:
  void add(const void* args, std::size_t bytes, CallFn fn) override { steps_.push_back({fn, keep(args, bytes), node_}); }

 private:
  Instance& instance_;
  Id node_;
  std::vector<Step>& steps_;
};

Instance::Instance(std::shared_ptr<const Plan> plan, void* placed)
    : plan_(std::move(plan)), placed_(placed), context_(cpu_kernels()) {
  const Plan& p = *plan_;
  const Graph& g = p.graph_;
  arena_ = Tensor::empty({static_cast<Dim>(p.arena_bytes_)}, DType::uint8, "plan");
  for (const RandomKey& k : g.keys) keys_.push_back({static_cast<std::int64_t>(k.seed), static_cast<std::int64_t>(k.stream), 0});
  views_.resize(g.values.size());
  for (std::size_t v = 0; v < g.values.size(); ++v) {
    views_[v] = g.values[v].view;
    views_[v].data = address(static_cast<Id>(v));
  }
  for (Id n : p.compute_) lower(n, compute_);
  for (Id n : p.commit_) lower(n, commit_);
  const auto tensor_of = [&](Id id) {
    const Value& root = g.at(g.root_of(id));
    Storage* storage = root.tensor.defined() ? root.tensor.body()->storage : arena_.body()->storage;
    return make_view(storage, views_[static_cast<std::size_t>(id)]);
  };
  for (Id id : p.inputs_) inputs_.push_back(tensor_of(id));
  for (Id id : p.outputs_) outputs_.push_back(tensor_of(id));
}

Instance::~Instance() = default;

void* Instance::address(Id id) const {
  const Plan& p = *plan_;
  const Value& v = p.graph_.at(id);
  const Value& root = p.graph_.at(v.root);
  char* base = nullptr;
  if (root.key >= 0) {
    base = reinterpret_cast<char*>(const_cast<std::int64_t*>(keys_[static_cast<std::size_t>(root.key)].data()));
  } else if (root.tensor.defined()) {
    base = static_cast<char*>(root.tensor.view().data);
  } else if (const Dim place = p.place_[static_cast<std::size_t>(v.root)]; place >= 0) {
    base = static_cast<char*>(placed_) + place;
  } else if (const Dim offset = p.offset_[static_cast<std::size_t>(v.root)]; offset >= 0) {
    base = static_cast<char*>(arena_.view().data) + offset;
  } else {
    return nullptr;  // lives in a tile, or nobody needs it
  }
  return base + v.offset;
}

View* Instance::view_of(Id id) { return id == kNone ? nullptr : &views_[static_cast<std::size_t>(id)]; }

void Instance::lower(Id id, std::vector<Step>& steps) {
  if (const auto& chain = plan_->chains_[static_cast<std::size_t>(id)]; !chain.empty()) return lower_chain(chain, steps);
  const Node& n = plan_->graph_.nodes[static_cast<std::size_t>(id)];
  if (is_elementwise(plan_->graph_, n)) return lower_chain({id}, steps);
  Builder builder(*this, id, steps);
  auto** list = static_cast<View**>(builder.keep(nullptr, (n.in.size() + n.out.size() + 1) * sizeof(View*)));
  View** out = list + n.in.size();
  for (std::size_t k = 0; k < n.in.size(); ++k) list[k] = view_of(n.in[k]);
  for (std::size_t i = 0; i < n.out.size(); ++i) out[i] = view_of(n.out[i]);
  const Views ins{list, static_cast<int>(n.in.size())}, outs{out, static_cast<int>(n.out.size())};
  if (const Around& around = plan_->around_[static_cast<std::size_t>(id)]; !around.empty()) {
    const TileSides sides = n.def->sides(n.attrs.get(), In{list, ins.n});
    TileHooks& hooks = builder.hooks;
    if (!around.before.empty())
      hooks.before = {run_chain_tile, make_chain(around.before, n.in[static_cast<std::size_t>(sides.before)], builder)};
    if (!around.after.empty())
      hooks.after = {run_chain_tile, make_chain(around.after, n.out[static_cast<std::size_t>(sides.after)], builder)};
    if (n.def->prepare && n.def->prepare(n.attrs.get(), ins, outs, builder)) return;
    const FusedArgs args{{n.def->run, n.attrs.get(), list, out, ins.n, outs.n}, hooks};
    steps.push_back({run_fused, builder.keep(&args, sizeof args), id});
    return;
  }
  if (n.def->prepare && n.def->prepare(n.attrs.get(), ins, outs, builder)) return;
  const RunArgs args{n.def->run, n.attrs.get(), list, out, ins.n, outs.n};
  steps.push_back({run_op, builder.keep(&args, sizeof args), id});
}

void Instance::lower_chain(const std::vector<Id>& chain, std::vector<Step>& steps) {
  Builder builder(*this, chain.back(), steps);
  steps.push_back({run_chain_step, make_chain(chain, kNone, builder), chain.back()});
}

// The call of a chain; `outside` is the value whose tiles it is handed, or kNone.
const void* Instance::make_chain(const std::vector<Id>& chain, Id outside, Builder& builder) {
  const Graph& g = plan_->graph_;
  const Id root = outside == kNone ? kNone : g.root_of(outside);
  // A value with memory is found there, whatever it may have overwritten.
  const Id given = root != kNone && plan_->hidden_[static_cast<std::size_t>(root)] ? root : kNone;
  std::vector<int> slots;
  const auto materialised = [&](Id m) {
    const Id y = g.nodes[static_cast<std::size_t>(m)].out[0];
    return y == given || !plan_->hidden_[static_cast<std::size_t>(y)];
  };
  assign_slots(g, chain, materialised, slots);
  std::vector<ChainOp> ops;
  Dim widest = 1;
  const Dim elements = g.at(g.nodes[static_cast<std::size_t>(chain.back())].out[0]).view.count();
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const Node& n = g.nodes[static_cast<std::size_t>(chain[i])];
    ChainOp op;
    std::vector<View*> in;
    for (Id x : n.in) in.push_back(view_of(x));
    n.def->tile(n.attrs.get(), context_.kernels, In{in.data(), static_cast<int>(in.size())}, op.fn);
    op.inputs = static_cast<int>(n.in.size());
    const auto operand = [&](Id x, bool is_key = false) {
      ChainOperand o;
      const View& v = *view_of(x);
      if (is_key) {
        o.base = static_cast<char*>(v.data);
        return o;
      }
      const Dim size = size_of(v.dtype);
      widest = std::max(widest, size);
      o.step = repeats(v) ? 0 : size;  // never of more than one element unless it repeats
      if (g.root_of(x) == given) {
        o.slot = kOutside;
        return o;
      }
      for (std::size_t j = 0; j < chain.size(); ++j) {
        if (slots[j] >= 0 && g.nodes[static_cast<std::size_t>(chain[j])].out[0] == g.root_of(x)) {
          o.slot = slots[j];
          return o;
        }
      }
      o.base = static_cast<char*>(v.data);
      return o;
    };
    for (std::size_t k = 0; k < n.in.size(); ++k) {
      op.in[k] = operand(n.in[k], op.fn.dropout && k == 1);
      op.stride[k] = op.in[k].step ? 1 : 0;
    }
    op.out = operand(n.out[0]);
    ops.push_back(op);
  }
  ChainCall call;
  call.elements = elements;
  call.tile = chain.size() == 1 ? elements : kTileBytes / widest;  // one op needs no tiles
  call.whole = outside == kNone && elements <= call.tile && elements <= kChainGrain;
  if (call.whole) {  // buffers of their own in place of those on the stack: nothing is left to find out
    auto* buffers = static_cast<char*>(builder.keep(nullptr, static_cast<std::size_t>(kTileSlots * elements * widest)));
    const auto settle = [&](ChainOperand& o) {
      if (!o.base) o.base = buffers + o.slot * elements * widest;
    };
    for (ChainOp& op : ops) {
      for (int k = 0; k < op.inputs; ++k) settle(op.in[k]);
      settle(op.out);
    }
  }
  call.ops = static_cast<const ChainOp*>(builder.keep(ops.data(), ops.size() * sizeof(ChainOp)));
  call.count = static_cast<int>(ops.size());
  return builder.keep(&call, sizeof call);
}

void Instance::on_ready(ReadyHook hook) {
  ready_hook_ = std::move(hook);
  ready_after_.assign(compute_.size(), {});
  if (!ready_hook_) return ready_after_.clear();
  for (const ReadyRange& r : plan_->ready()) {  // after the last call of the step
    const Id node = plan_->compute_[r.step];
    std::size_t last = compute_.size();
    for (std::size_t i = 0; i < compute_.size(); ++i) {
      if (compute_[i].node == node) last = i;
    }
    ready_after_.at(last).push_back(r);
  }
}

void Instance::execute(const std::vector<Step>& steps, std::size_t first) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step& s = steps[i];
    context_.next_step();
    const Clock::time_point start = profiling_ ? Clock::now() : Clock::time_point();
    s.fn(s.args, context_);
    if (profiling_) seconds_[first + i] += std::chrono::duration<double>(Clock::now() - start).count();
    if (context_.status.code != Status::ok) [[unlikely]] {
      const Status status = context_.status;
      context_.status = {};
      throw_status(plan_->graph_.nodes[static_cast<std::size_t>(s.node)].name, status);
    }
    if (!ready_after_.empty() && first == 0) [[unlikely]] {
      for (const ReadyRange& r : ready_after_[i]) ready_hook_(r.begin, r.bytes);
    }
  }
  context_.next_step();
  if (context_.wanted() >
      static_cast<std::size_t>(scratch_.defined() ? scratch_.count() : 0)) {  // the first run: the next ones have it ready
    scratch_ = Tensor::empty({static_cast<Dim>(context_.wanted())}, DType::uint8, "plan");
    context_.give_memory(scratch_.view().data, context_.wanted());
  }
}

void Instance::run(std::uint64_t step) {
  for (auto& key : keys_) key[2] = static_cast<std::int64_t>(step);
  execute(compute_, 0);
  if (profiling_) ++profiled_runs_;
}

void Instance::commit() {
  if (commit_.empty()) return;
  const Uninterruptible whole;
  execute(commit_, compute_.size());
}

void Instance::profile(bool on) {
  profiling_ = on;
  if (!on) return;
  profiled_runs_ = 0;
  seconds_.assign(compute_.size() + commit_.size(), 0.0);
}

std::vector<double> Instance::seconds() const {
  // An op may have prepared several calls: they count as one step of the plan.
  std::vector<double> out;
  Id last = kNone;
  std::size_t at = 0;
  for (const auto* list : {&compute_, &commit_}) {
    for (const Step& s : *list) {
      const double mean = profiled_runs_ ? seconds_[at] / static_cast<double>(profiled_runs_) : 0;
      if (s.node == last)
        out.back() += mean;
      else
        out.push_back(mean);
      last = s.node;
      ++at;
    }
  }
  return out;
}

}  // namespace nacre::plan
