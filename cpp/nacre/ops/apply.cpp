// apply: the one way from attributes and tensors to results, recorded when some input requires a gradient.
#include <algorithm>
#include <cstring>

#include "nacre/base/memory.h"
#include "nacre/base/threads.h"
#include "nacre/kernels/table.h"
#include "nacre/ops/op.h"
#include "nacre/ops/ops.h"
#include "nacre/ops/recorder.h"
#include "nacre/tensor/capture_hooks.h"

namespace nacre {

void* Context::scratch(Dim bytes) {
  const std::size_t n = bytes <= 0 ? 1 : static_cast<std::size_t>(bytes);
  const std::size_t begin = used_;
  used_ += (n + kAlignment - 1) / kAlignment * kAlignment;
  wanted_ = std::max(wanted_, used_);
  if (used_ <= size_) return memory_ + begin;
  blocks_.reserve(blocks_.size() + 1);
  void* p = allocate(n);
  blocks_.push_back({p, n});
  return p;
}

void Context::free_blocks() noexcept {
  for (const Block& b : blocks_) deallocate(b.p, b.bytes);
  blocks_.clear();
}

Context::~Context() {
  for (const Block& b : blocks_) deallocate(b.p, b.bytes);
}

namespace {
thread_local Recorder* t_recorder = nullptr;
Tensor staged_copy(const Tensor& x) { return copy(x); }
void staged_assign(const Tensor& target, const Tensor& value) { assign_(target, value.detach()); }
void set_recorder(Recorder* r) {
  t_recorder = r;
  set_capturing(r ? staged_copy : nullptr);
  set_capture_assign(r ? staged_assign : nullptr);
}
}  // namespace

Recorder::~Recorder() = default;
Recorder* recorder() noexcept { return t_recorder; }
Capture::Capture(Recorder& r) {
  if (t_recorder) raise<StateError>("capture: a model is being captured in this thread already.");
  set_recorder(&r);
}
Capture::~Capture() { set_recorder(nullptr); }
RunNow::RunNow() : before_(t_recorder) { set_recorder(nullptr); }
RunNow::~RunNow() { set_recorder(before_); }

// A recorded op: its attributes, and the inputs and outputs that its gradient reads.
class OpNode final : public Node {
 public:
  OpNode(const OpDef& def, const void* attrs, std::span<const Tensor> in, std::span<Tensor> out)
      : def_(def), n_out_(static_cast<int>(out.size())) {
    attrs_ = std::make_unique<std::byte[]>(def.attr_size);
    std::memcpy(attrs_.get(), attrs, def.attr_size);
    saved_in_.resize(in.size());
    if (def.save_types) types_.resize(in.size());
    for (std::size_t k = 0; k < in.size(); ++k) {
      const Tensor& x = in[k];
      const bool no_grad = def.inputs[std::min(k, def.inputs.size() - 1)].flags & kNoGrad;
      add_edge(no_grad ? Tensor() : x);
      given_.push_back(x.defined());
      if (!x.defined()) continue;
      if (def.save_types) types_[k] = x.view();
      if (def.save_in >> std::min<std::size_t>(k, 63) & 1)
        saved_in_[k] = {x, x.body()->storage->version.load(std::memory_order_relaxed)};
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
      // A saved output is kept without its node: holding the result itself would be a cycle.
      if (def.save_out >> i & 1) {
        saved_out_.push_back({out[i].detach(), out[i].body()->storage->version.load(std::memory_order_relaxed)});
      } else {
        saved_out_.push_back({});
      }
    }
  }

  std::string_view name() const override { return def_.name; }
  int output_count() const override { return n_out_; }

  void backward(std::span<const Tensor> dys, std::span<Tensor> dxs, const std::vector<bool>& needs) override {
    if (released_) {
      raise<StateError>("backward: the graph through ", def_.name,
                        " was already used and freed. Pass retain_graph=True to the first backward to walk it again.");
    }
    GradCtx c(*this, dys, dxs, needs);
    def_.grad(attrs_.get(), c);
  }

  void release_saved() override {
    saved_in_.clear();
    saved_out_.clear();
    released_ = true;
  }

  struct Saved {
    Tensor value;
    std::uint32_t version = 0;
  };
  Tensor unpack(const Saved& s, std::string_view what, int k) const {
    const std::uint32_t now = s.value.body()->storage->version.load(std::memory_order_relaxed);
    if (now != s.version) {
      const std::string_view arg =
          what == "input" ? def_.inputs[std::min<std::size_t>(static_cast<std::size_t>(k), def_.inputs.size() - 1)].name : "output";
      raise<StateError>("backward: ", what, " '", arg, "' of ", def_.name, " was changed in place after the op saved it (version ",
                        s.version, ", now ", now, "). Change a clone, or call backward first.");
    }
    return s.value;
  }

  const OpDef& def_;
  std::unique_ptr<std::byte[]> attrs_;
  int n_out_;
  bool released_ = false;
  std::vector<Saved> saved_in_, saved_out_;
  std::vector<Type> types_;
  std::vector<bool> given_;
};

bool GradCtx::has_in(int k) const {
  return static_cast<std::size_t>(k) < node_.given_.size() && node_.given_[static_cast<std::size_t>(k)];
}

Tensor GradCtx::in(int k) const {
  if (!(node_.def_.save_in >> std::min(k, 63) & 1))
    raise<StateError>(node_.def_.name, ": the gradient reads input ", k, " which save_in does not name.");
  const auto& s = node_.saved_in_[static_cast<std::size_t>(k)];
  return s.value.defined() ? node_.unpack(s, "input", k) : Tensor();
}

Tensor GradCtx::out(int i) const {
  if (!(node_.def_.save_out >> i & 1))
    raise<StateError>(node_.def_.name, ": the gradient reads output ", i, " which save_out does not name.");
  Tensor y = node_.unpack(node_.saved_out_[static_cast<std::size_t>(i)], "output", i);
  if (!grad_enabled()) return y;
  // Under create_graph the value gets its history back, on a fresh handle.
  Tensor with_history = make_view(y.body()->storage, y.view());
  TensorBody* b = with_history.body();
  b->node = &node_;
  node_.refs.fetch_add(1, std::memory_order_relaxed);
  b->output_index = i;
  b->is_leaf = false;
  b->requires_grad = true;
  return with_history;
}

const Type& GradCtx::in_type(int k) const {
  if (!node_.def_.save_types) raise<StateError>(node_.def_.name, ": the gradient reads an input's type but save_types is not set.");
  return node_.types_[static_cast<std::size_t>(k)];
}

void GradCtx::dx(int k, Tensor g) { dxs_[static_cast<std::size_t>(k)] = std::move(g); }

namespace {

// The tape reaches ops through hooks, set when the library is loaded (two pointers, nothing else runs then).
// They are set in this file because every program that uses an op links it, from a static library too.
[[maybe_unused]] const bool g_hooked = [] {
  set_tape_hooks({.add = [](const Tensor& a, const Tensor& b) { return add(a, b); },
                  .ones_like = [](const Tensor& x) { return full({.shape = x.shape(), .value = 1.0, .dtype = x.dtype()}); }});
  return true;
}();

constexpr int kInline = 8;  // inputs of nearly every op; variadic ops beyond that use the heap

void check_arity(const OpDef& def, std::span<const Tensor> in) {
  const std::size_t most = def.inputs.size();
  const bool variadic = most && def.inputs[most - 1].flags & kVariadic;
  if (in.size() > most && !variadic) raise<TypeError>(def.name, ": takes ", most, " tensors, got ", in.size(), ".");
  for (std::size_t k = 0; k < most; ++k) {
    const bool given = k < in.size() && in[k].defined();
    if (!given && !(def.inputs[k].flags & (kOptional | kVariadic)))
      raise<TypeError>(def.name, ": ", def.inputs[k].name, " is missing.");
  }
  for (std::size_t k = most; k < in.size(); ++k) {
    if (!in[k].defined()) raise<TypeError>(def.name, ": element ", k - most + 1, " of ", def.inputs[most - 1].name, " is empty.");
  }
}

// Brings dtypes together as the op asks, through the recorded cast op.
void promote_inputs(const OpDef& def, std::span<Tensor> in) {
  bool first = true;
  DType common = DType::boolean;
  for (std::size_t k = 0; k < in.size(); ++k) {
    if (!in[k].defined() || def.inputs[std::min(k, def.inputs.size() - 1)].flags & kNoGrad) continue;
    common = first ? in[k].dtype() : nacre::promote(common, in[k].dtype());
    first = false;
  }
  if (def.promote == Promote::to_float && !is_float(common)) common = floatx();
  for (std::size_t k = 0; k < in.size(); ++k) {
    if (!in[k].defined() || def.inputs[std::min(k, def.inputs.size() - 1)].flags & kNoGrad) continue;
    if (in[k].dtype() != common) in[k] = cast(in[k], {.dtype = common});
  }
}

// The compound op that is running on this thread: what its parts find in the data is reported under the name that the user called.
thread_local std::string_view t_compound;
struct InCompound {
  std::string_view before = t_compound;
  explicit InCompound(std::string_view name) {
    if (t_compound.empty()) t_compound = name;
  }
  ~InCompound() { t_compound = before; }
};

}  // namespace

void throw_status(std::string_view name, const Status& s) {
  switch (s.code) {
    case Status::index_out_of_range:
      raise<IndexError>(name, ": index ", s.value, " at position ", s.position, " is out of range for size ", s.limit, ".");
    case Status::division_by_zero: raise<ValueError>(name, ": integer division by zero at position ", s.position, ".");
    default: raise<ValueError>(name, ": value ", s.value, " at position ", s.position, " is not allowed (limit ", s.limit, ").");
  }
}

namespace {

// Hangs a node on the outputs when some input requires a gradient.
void record_node(const OpDef& def, const void* attrs, std::span<const Tensor> in, std::span<Tensor> outputs) {
  if (!grad_enabled()) return;
  bool record = false;
  for (std::size_t k = 0; k < in.size(); ++k) {
    const bool no_grad = def.inputs[std::min(k, def.inputs.size() - 1)].flags & kNoGrad;
    record |= in[k].defined() && !no_grad && in[k].requires_grad();
  }
  if (!record || !def.grad) return;
  auto* node = new OpNode(def, attrs, in, outputs);
  bool first = true;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!is_float(outputs[i].dtype())) continue;  // argmax of a pool, counts: no gradient flows
    TensorBody* b = outputs[i].body();
    b->node = node;
    if (!first) node->refs.fetch_add(1, std::memory_order_relaxed);
    first = false;
    b->output_index = static_cast<std::int32_t>(i);
    b->is_leaf = false;
    b->requires_grad = true;
  }
  if (first) NodeBase::release(node);
}

// The op goes into the graph that is being captured, with contiguous inputs where its kernel wants them.
void stage(Recorder& r, const OpDef& def, const void* attrs, std::span<Tensor> in, std::span<const Type> types,
           std::span<Tensor> outputs) {
  for (std::size_t k = 0; k < in.size(); ++k) {
    if (!in[k].defined()) continue;
    const bool mutated = def.inputs[std::min(k, def.inputs.size() - 1)].flags & kMutated;
    if (mutated) {
      begin_write(def.name, in[k]);
      require_values(def.name, in[k]);
    }
    if (def.strided || in[k].contiguous()) continue;
    if (mutated) raise<ValueError>(def.name, ": ", def.inputs[k].name, " is changed in place and must be contiguous.");
    in[k] = copy(in[k]);
  }
  r.record(def, attrs, t_compound.empty() ? def.name : t_compound, in, types, outputs);
}

// Elementwise ops on packed floats of one dtype and one shape, few enough for one thread: nothing needs to be found out. Empty where that is not so.
Tensor apply_alike(const OpDef& def, const void* attrs, std::span<const Tensor> in) {
  constexpr Dim kFew = 8192;
  View* views[2];
  if (!def.keeps_type || in.size() != def.inputs.size() || in.size() > 2 || recorder()) return {};
  for (std::size_t k = 0; k < in.size(); ++k) {
    if (!in[k].defined()) return {};
    views[k] = in[k].body();
    const View &v = *views[k], &first = *views[0];
    if (in[k].symbolic() || !v.contiguous() || (k > 0 && !(v.dtype == first.dtype && v.shape == first.shape))) return {};
  }
  const View& x = *views[0];
  const Dim n = x.count();
  TileFn fn;
  if ((x.dtype != DType::float32 && x.dtype != DType::float64) || n > kFew) return {};
  if (!def.tile(attrs, cpu_kernels(), In{views, static_cast<int>(in.size())}, fn)) return {};
  const Tensor out = Tensor::empty_like(x, def.name);
  if (fn.binary)
    fn.binary(n, x.data, 1, views[1]->data, 1, out.body()->data, 1, fn.params, nullptr);
  else if (fn.unary)
    fn.unary(n, x.data, 1, out.body()->data, 1, fn.params);
  else
    return {};
  if (stop_requested()) raise<Interrupted>(def.name, ": stopped on request.");
  return out;
}

template <class Outputs>
void apply_into(const OpDef& def, const void* attrs, std::span<const Tensor> given, Outputs& outputs) {
  if (Tensor out = apply_alike(def, attrs, given); out.defined()) {
    outputs.resize(1);
    outputs[0] = std::move(out);
    return record_node(def, attrs, given, std::span<Tensor>(outputs.data(), 1));
  }
  check_arity(def, given);
  Tensor small[kInline];
  std::vector<Tensor> large;
  std::span<Tensor> in;
  if (given.size() <= kInline) {
    std::copy(given.begin(), given.end(), small);
    in = std::span<Tensor>(small, given.size());
  } else {
    large.assign(given.begin(), given.end());
    in = large;
  }
  if (def.promote != Promote::none) promote_inputs(def, in);

  View* in_views_small[kInline];
  std::vector<View*> in_views_large;
  View** in_views = in_views_small;
  if (in.size() > kInline) {
    in_views_large.resize(in.size());
    in_views = in_views_large.data();
  }
  for (std::size_t k = 0; k < in.size(); ++k) in_views[k] = in[k].body();

  static thread_local std::vector<Types> spare;  // reused type lists: infer allocates nothing after the first calls
  Types types;
  if (!spare.empty()) {
    types = std::move(spare.back());
    spare.pop_back();
    types.clear();
  }
  def.infer(attrs, In{in_views, static_cast<int>(in.size())}, types);
  // Also for ops made of other ops: the message carries the name that was called.
  for (const Type& t : types) (void)checked_count(def.name, t.shape, t.dtype);
  outputs.resize(types.size());
  if (def.compound) {  // the ops it is made of run and record themselves
    const InCompound named(def.name);
    outputs[0] = def.compound(attrs, in);
    spare.push_back(std::move(types));
    return;
  }

  if (Recorder* r = recorder()) [[unlikely]] {
    stage(*r, def, attrs, in, types, std::span<Tensor>(outputs.data(), outputs.size()));
    spare.push_back(std::move(types));
    return record_node(def, attrs, in, std::span<Tensor>(outputs.data(), outputs.size()));
  }

  for (const Tensor& x : in) {  // kept by a layer's call beyond its capture
    if (x.defined() && x.symbolic()) [[unlikely]]
      require_values(def.name, x);
  }
  const bool aliased = def.view && in.size() >= 1 && in[0].defined();
  bool done = false;
  if (aliased) {
    View out_view;
    static_cast<Type&>(out_view) = types[0];
    if (def.view(attrs, in[0].view(), out_view)) {
      outputs[0] = make_view(in[0].body()->storage, out_view);
      done = true;
    }
  }
  if (!done) {
    std::vector<Tensor> contiguous;  // keeps copies alive while the kernel runs
    if (!def.strided) {
      for (std::size_t k = 0; k < in.size(); ++k) {
        if (!in[k].defined() || in[k].contiguous()) continue;
        const bool mutated = def.inputs[std::min(k, def.inputs.size() - 1)].flags & kMutated;
        if (mutated) raise<ValueError>(def.name, ": ", def.inputs[k].name, " is changed in place and must be contiguous.");
        contiguous.push_back(in[k].clone());
        in_views[k] = contiguous.back().body();
      }
    }
    View* out_views_small[kInline];
    std::vector<View*> out_views_large;
    View** out_views = out_views_small;
    if (types.size() > kInline) {
      out_views_large.resize(types.size());
      out_views = out_views_large.data();
    }
    for (std::size_t i = 0; i < types.size(); ++i) {
      outputs[i] = Tensor::empty(types[i].shape, types[i].dtype, def.name);
      out_views[i] = outputs[i].body();
    }
    for (std::size_t k = 0; k < def.inputs.size() && k < in.size(); ++k) {
      if (def.inputs[k].flags & kMutated && in[k].defined()) begin_write(def.name, in[k]);
    }
    Context context(cpu_kernels());
    def.run(attrs, Views{in_views, static_cast<int>(in.size())}, Views{out_views, static_cast<int>(types.size())}, context);
    if (context.status.code != Status::ok) throw_status(t_compound.empty() ? def.name : t_compound, context.status);
    if (stop_requested()) raise<Interrupted>(def.name, ": stopped on request.");
  }
  spare.push_back(std::move(types));

  record_node(def, attrs, in, std::span<Tensor>(outputs.data(), outputs.size()));
}

struct OneTensor {
  Tensor value;
  void resize(std::size_t n) const {
    if (n != 1) raise<StateError>("apply_one: the op has ", n, " outputs.");
  }
  Tensor& operator[](std::size_t) { return value; }
  Tensor* data() { return &value; }
  [[nodiscard]] std::size_t size() const { return 1; }
};

}  // namespace

std::vector<Tensor> apply(const OpDef& def, const void* attrs, std::span<const Tensor> inputs) {
  std::vector<Tensor> outputs;
  apply_into(def, attrs, inputs, outputs);
  return outputs;
}

Tensor apply_one(const OpDef& def, const void* attrs, std::span<const Tensor> inputs) {
  OneTensor out;
  apply_into(def, attrs, inputs, out);
  return out.value;
}

}  // namespace nacre
