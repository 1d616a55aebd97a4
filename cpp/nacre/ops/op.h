// The op contract: an op is a plain struct of attributes with static members; make_def turns it into one type-erased record (OpDef)
// from which eager execution, gradients, the Python function, docs and tests derive. See docs/architecture.md for a worked example.
//
// A struct must offer
//   name, doc            the public name and docstring (formula, Args with shapes and defaults, Returns, Raises, Example)
//   inputs               Arg list: {"x"}, {"bias", kOptional}, {"xs", kVariadic}, {"labels", kNoGrad}, {"param", kMutated}
//   fields               std::tuple of Field, one per attribute, in the order of the struct's members
//   infer(op, In, Types&)            all shape, dtype and argument checks; throws before any kernel runs; appends output types
//   run(op, Views in, Views out, Context&)   picks and runs a kernel; must not throw except for scratch memory
//   grad(op, GradCtx&) with save_in / save_out masks of the values it reads, or not_differentiable = "why"
// or, in place of run and grad,
//   compound(op, std::span<const Tensor> in) -> Tensor    the op written in other ops; those are recorded, so it needs no gradient
// and may offer
//   promote              how input dtypes are brought together before infer (default none)
//   strided = true       run takes any strides (default: apply hands it contiguous inputs)
//   view(op, in, out)    fills pointer and strides of `out` so that it aliases the first input; false: run copies
//   save_types = true    grad may call in_type(k) without saving the value
//   inplace = mask       output 0 may lie in the memory of these inputs (same shape and dtype, contiguous); plans use it
//   optional_outputs = mask    run leaves these out when they have no memory: plans give none to what nobody reads
//   cost(op, In, std::span<const Type> out) -> Cost    flops and bytes; default: no flops, every input and output once
//   keeps_type                                elementwise: inputs of one floating-point dtype and one shape give a result of the same
//   tile(op, kernels, In, TileFn&) -> bool     the inner loop of an elementwise op, so that plans run chains of them tile by tile
//   prepare(op, Views in, Views out, CallBuilder&) -> bool    the call that run makes, with the kernel chosen and its arguments filled in
//                        once: plans run that; it must compute the same bits. false: run is called each time
//   sides(op, In) -> TileSides    an input that run may be given, and an output that it may hand over, tile by tile (kernels/tile_hook.h): run and
//                        prepare pass on Context::hooks and CallBuilder::hooks to the kernel. Plans run the elementwise ops beside it so. The
//                        arrays are contiguous, and output 0 may overwrite an input of its size unless `apart` says no: what lies at a position is
//                        read before it is written
//   outputs = n          number of outputs when it is not 1 (-1: as many as infer says; the C++ function then returns a vector)
//   internal = true      gradients and helpers: in the registry and tested, but not a public function of the Python package
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "nacre/autograd/tape.h"
#include "nacre/kernels/elementwise.h"
#include "nacre/kernels/random.h"
#include "nacre/kernels/tile_hook.h"
#include "nacre/ops/attrs.h"
#include "nacre/tensor/tensor.h"

namespace nacre {

struct KernelTable;

enum ArgFlag : unsigned { kOptional = 1, kVariadic = 2, kNoGrad = 4, kMutated = 8 };
struct Arg {
  std::string_view name;
  unsigned flags = 0;
};

enum class Promote : std::uint8_t {
  none,      // dtypes reach infer as they are
  common,    // all inputs to their common dtype
  to_float,  // the same, integers and bool to floatx()
};

// Input types as a shape rule sees them; in(k) of an absent optional input is null.
struct In {
  View* const* views;  // only dtype and shape may be read: under a trace there is no memory
  int n;
  [[nodiscard]] int size() const { return n; }
  [[nodiscard]] bool has(int k) const { return k < n && views[k]; }
  const Type& operator[](int k) const { return *views[k]; }
};
using Types = std::vector<Type>;

struct Views {
  View* const* views;
  int n;
  [[nodiscard]] int size() const { return n; }
  [[nodiscard]] bool has(int k) const { return k < n && views[k]; }
  const View& operator[](int k) const { return *views[k]; }
};

// What a kernel found in the data: read right after an eager run.
struct Status {
  enum Code : std::uint32_t { ok, index_out_of_range, division_by_zero, bad_value } code = ok;
  std::int64_t position = 0, value = 0, limit = 0;
};

// The error that a status stands for; `op` begins the message.
[[noreturn]] NACRE_API void throw_status(std::string_view op, const Status& s);

// What `run` gets besides views: the kernels of the device, scratch memory, the status word.
class Context {
 public:
  explicit Context(const KernelTable& k) : kernels(k) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  const KernelTable& kernels;
  Status status;
  TileHooks hooks;  // of the op's sides; the views there may have no memory
  // Uninitialised memory that lives until run returns (in a plan: until the next step). Throws OutOfMemoryError.
  NACRE_API void* scratch(Dim bytes);
  NACRE_API ~Context();

  // Plans: one block serves all steps, each starting anew. What a step takes beyond it comes from the allocator, and `wanted` says how
  // large the block should have been.
  void give_memory(void* p, std::size_t bytes) { memory_ = static_cast<std::byte*>(p), size_ = bytes; }
  void next_step() {
    used_ = 0;
    if (!blocks_.empty()) free_blocks();
  }
  [[nodiscard]] std::size_t wanted() const { return wanted_; }

 private:
  NACRE_API void free_blocks() noexcept;
  struct Block {
    void* p;
    std::size_t bytes;
  };
  std::vector<Block> blocks_;
  std::byte* memory_ = nullptr;
  std::size_t size_ = 0, used_ = 0, wanted_ = 0;
};

struct Cost {
  double flops = 0, bytes = 0;
};
// `flops`, and every input and output moved once.
inline Cost cost_of(double flops, In in, std::span<const Type> out) {
  Cost cost{.flops = flops};
  for (int i = 0; i < in.size(); ++i) {
    if (in.has(i)) cost.bytes += static_cast<double>(in[i].shape.count() * size_of(in[i].dtype));
  }
  for (const Type& y : out) cost.bytes += static_cast<double>(y.shape.count() * size_of(y.dtype));
  return cost;
}
inline double count_of(const Type& t) { return static_cast<double>(t.shape.count()); }

struct TileSides {
  int before = -1, after = -1;  // number of the input, of the output
  bool twice = false;           // the input is read in two passes
  bool apart = false;           // outputs are written while inputs are read anywhere, and need memory: no before
};

// The inner loop of an elementwise op: one of the kinds of kernels/elementwise.h, where `params` go to unary and binary ones, or dropout, whose input 1
// is a key; there they are rate and scale.
struct TileFn {
  UnaryFn unary = nullptr;
  BinaryFn binary = nullptr;
  WhereFn where = nullptr;
  CopyFn cast = nullptr;
  double params[2] = {};
  DropoutFn dropout = nullptr;
  std::uint32_t stream = 0;  // added to the key's
};

inline void run_dropout(const TileFn& fn, Dim first, Dim n, const void* x, RandomKey key, void* y) {
  key.stream += fn.stream;
  fn.dropout({.key = key, .first = first, .n = n, .x = x, .y = y, .rate = fn.params[0], .scale = fn.params[1] != 0});
}

// Takes the calls that an op prepares: a function and its plain arguments, kept by the plan.
using CallFn = void (*)(const void* args, Context& c);
class CallBuilder {
 public:
  explicit CallBuilder(const KernelTable& k) : kernels(k) {}
  virtual ~CallBuilder() = default;
  const KernelTable& kernels;
  TileHooks hooks;  // as Context's
  // The storage of input k when it is a tensor from outside the graph that runs seldom change (weights of a model that predicts); else null. What is made
  // of such values may be kept as long as its version stays and it is not exposed.
  [[nodiscard]] virtual const Storage* fixed(int k) const = 0;
  // Memory of the plan, aligned to 64 bytes, that keeps what a call leaves there.
  [[nodiscard]] virtual void* keep_memory(Dim bytes) = 0;
  // `f(args, context)` is a lambda without captures.
  template <class Args, class F>
  void emit(const Args& args, F) {
    static_assert(std::is_trivially_copyable_v<Args> && alignof(Args) <= 16 && std::is_empty_v<F>);
    add(&args, sizeof(Args), [](const void* a, Context& c) { F{}(*static_cast<const Args*>(a), c); });
  }

 protected:
  virtual void add(const void* args, std::size_t bytes, CallFn fn) = 0;
};

struct OpDef;
class OpNode;

// What `grad` gets. dx(k, g) gives the gradient of input k (shape and dtype of the input); give each at most once.
class NACRE_API GradCtx {
 public:
  [[nodiscard]] int ni() const { return static_cast<int>(needs_.size()); }
  [[nodiscard]] int no() const { return static_cast<int>(dys_.size()); }
  [[nodiscard]] bool needs(int k) const { return needs_[static_cast<std::size_t>(k)]; }
  [[nodiscard]] bool has(int i = 0) const { return dys_[static_cast<std::size_t>(i)].defined(); }  // did a gradient reach output i?
  [[nodiscard]] bool has_in(int k) const;                                                          // was optional input k given?
  [[nodiscard]] Tensor in(int k) const;            // saved input; the op's save_in must name it
  [[nodiscard]] Tensor out(int i = 0) const;       // saved output; save_out must name it
  [[nodiscard]] const Type& in_type(int k) const;  // needs save_types
  [[nodiscard]] const Tensor& dy(int i = 0) const { return dys_[static_cast<std::size_t>(i)]; }
  void dx(int k, Tensor g);

 private:
  friend class OpNode;
  GradCtx(OpNode& node, std::span<const Tensor> dys, std::span<Tensor> dxs, const std::vector<bool>& needs)
      : node_(node), dys_(dys), dxs_(dxs), needs_(needs) {}
  OpNode& node_;
  std::span<const Tensor> dys_;
  std::span<Tensor> dxs_;
  const std::vector<bool>& needs_;
};

// The record.
struct OpDef {
  std::string_view name, doc;
  std::span<const Arg> inputs;
  std::span<const FieldDef> fields;
  std::size_t attr_size = 0;
  const void* defaults = nullptr;
  Promote promote = Promote::none;
  bool strided = false;
  bool save_types = false;
  bool internal = false;
  bool keeps_type = false;
  int outputs = 1;
  std::uint64_t save_in = 0, save_out = 0;  // variadic inputs: bit 63 saves all of them
  std::string_view not_differentiable;      // the reason, when there is no gradient
  void (*infer)(const void* attrs, In in, Types& out) = nullptr;
  void (*run)(const void* attrs, Views in, Views out, Context& c) = nullptr;
  bool (*view)(const void* attrs, const View& in, View& out) = nullptr;
  void (*grad)(const void* attrs, GradCtx& c) = nullptr;
  std::uint64_t inplace = 0;
  std::uint64_t optional_outputs = 0;
  Cost (*cost)(const void* attrs, In in, std::span<const Type> out) = nullptr;
  bool (*tile)(const void* attrs, const KernelTable& kernels, In in, TileFn& fn) = nullptr;
  bool (*prepare)(const void* attrs, Views in, Views out, CallBuilder& calls) = nullptr;
  TileSides (*sides)(const void* attrs, In in) = nullptr;
  Tensor (*compound)(const void* attrs, std::span<const Tensor> in) = nullptr;  // then run, view and grad are null
};
inline constexpr std::uint64_t kSaveAll = ~std::uint64_t{0};

// Runs an op on tensors: promotes, infers, runs (or views), records. An undefined handle is an absent optional input.
NACRE_API std::vector<Tensor> apply(const OpDef& def, const void* attrs, std::span<const Tensor> inputs);
// The same for ops with one output, without the vector.
NACRE_API Tensor apply_one(const OpDef& def, const void* attrs, std::span<const Tensor> inputs);

// All ops, in the order of ops.inc.
NACRE_API std::span<const OpDef* const> registry();
NACRE_API const OpDef* find_op(std::string_view name);  // null when unknown

// ---- from a struct to a record ----

template <class Op>
concept Differentiable = requires(const Op& a, GradCtx& c) {
  Op::grad(a, c);
};
template <class Op>
concept Compound = requires(const Op& a, std::span<const Tensor> in) {
  Op::compound(a, in);
};
template <class Op>
concept NotDifferentiable = requires {
  std::string_view(Op::not_differentiable);
};

namespace detail {

struct AnyValue {
  template <class T>
  operator T() const;  // never defined: counts members only
};
template <class T, std::size_t... I>
constexpr bool braces(std::index_sequence<I...>) {
  return requires { T{((void)I, AnyValue{})...}; };
}
template <class T, std::size_t N = 0>
constexpr std::size_t member_count() {
  if constexpr (braces<T>(std::make_index_sequence<N + 1>{}))
    return member_count<T, N + 1>();
  else
    return N;
}

template <class Op>
struct DefOf {
  static constexpr Op defaults{};
  static constexpr std::size_t count = std::tuple_size_v<decltype(Op::fields)>;
  static_assert(member_count<Op>() == count, "every attribute of an op must be listed in its `fields`");

  template <class T>
  static FieldDef field(const Field<Op, T>& f) {
    return {f.name, field_kind<T>(),
            reinterpret_cast<const char*>(&(defaults.*f.member)) - reinterpret_cast<const char*>(&defaults), f.required};
  }
  static const std::array<FieldDef, count>& fields() {
    static const std::array<FieldDef, count> list =
        std::apply([](const auto&... f) { return std::array<FieldDef, count>{field(f)...}; }, Op::fields);
    return list;
  }
};

}  // namespace detail

// The record of an op; made at first use, immutable.
template <class Op>
const OpDef& make_def() {
  static_assert(Differentiable<Op> || NotDifferentiable<Op> || Compound<Op>,
                "an op has a grad, or says why not in not_differentiable");
  static_assert(std::is_trivially_copyable_v<Op>, "op attributes are plain values");
  static const OpDef def = [] {
    OpDef d;
    d.name = Op::name;
    d.doc = Op::doc;
    d.inputs = Op::inputs;
    d.fields = detail::DefOf<Op>::fields();
    d.attr_size = sizeof(Op);
    d.defaults = &detail::DefOf<Op>::defaults;
    if constexpr (requires { Op::promote; }) d.promote = Op::promote;
    if constexpr (requires { Op::strided; }) d.strided = Op::strided;
    if constexpr (requires { Op::save_types; }) d.save_types = Op::save_types;
    if constexpr (requires { Op::internal; }) d.internal = Op::internal;
    if constexpr (requires { Op::keeps_type; }) d.keeps_type = Op::keeps_type;
    if constexpr (requires { Op::outputs; }) d.outputs = Op::outputs;
    if constexpr (requires { Op::save_in; }) d.save_in = Op::save_in;
    if constexpr (requires { Op::save_out; }) d.save_out = Op::save_out;
    d.infer = [](const void* a, In in, Types& out) { Op::infer(*static_cast<const Op*>(a), in, out); };
    if constexpr (Compound<Op>) {
      d.compound = [](const void* a, std::span<const Tensor> in) { return Op::compound(*static_cast<const Op*>(a), in); };
    } else {
      d.run = [](const void* a, Views in, Views out, Context& c) { Op::run(*static_cast<const Op*>(a), in, out, c); };
    }
    if constexpr (requires(const Op& a, const View& in, View& out) { Op::view(a, in, out); }) {
      d.view = [](const void* a, const View& in, View& out) { return Op::view(*static_cast<const Op*>(a), in, out); };
    }
    if constexpr (requires { Op::inplace; }) d.inplace = Op::inplace;
    if constexpr (requires { Op::optional_outputs; }) d.optional_outputs = Op::optional_outputs;
    if constexpr (requires(const Op& a, In in, std::span<const Type> out) { Op::cost(a, in, out); }) {
      d.cost = [](const void* a, In in, std::span<const Type> out) { return Op::cost(*static_cast<const Op*>(a), in, out); };
    }
    if constexpr (requires(const Op& a, const KernelTable& k, In in, TileFn& fn) { Op::tile(a, k, in, fn); }) {
      d.tile = [](const void* a, const KernelTable& k, In in, TileFn& fn) {
        return Op::tile(*static_cast<const Op*>(a), k, in, fn);
      };
    }
    if constexpr (requires(const Op& a, Views in, Views out, CallBuilder& calls) { Op::prepare(a, in, out, calls); }) {
      d.prepare = [](const void* a, Views in, Views out, CallBuilder& calls) {
        return Op::prepare(*static_cast<const Op*>(a), in, out, calls);
      };
    }
    if constexpr (requires(const Op& a, In in) { Op::sides(a, in); }) {
      d.sides = [](const void* a, In in) { return Op::sides(*static_cast<const Op*>(a), in); };
    }
    if constexpr (Differentiable<Op>) {
      d.grad = [](const void* a, GradCtx& c) { Op::grad(*static_cast<const Op*>(a), c); };
    } else if constexpr (NotDifferentiable<Op>) {
      d.not_differentiable = Op::not_differentiable;
    }
    return d;
  }();
  return def;
}

// The C++ function of an op: softmax(x, {.axis = 1}). Optional trailing inputs may be left out or given as Tensor().
// op_def<Op>() is instantiated in the op's family file only (NACRE_DEFINE_OPS), so callers need declarations alone.
template <class Op>
NACRE_API const OpDef& op_def();

template <class Op>
inline constexpr int kArity = static_cast<int>(std::size(Op::inputs));
template <class Op>
inline constexpr bool kIsVariadic = [] {
  for (const Arg& a : Op::inputs) {
    if (a.flags & kVariadic) return true;
  }
  return false;
}();
template <class Op>
inline constexpr int kNeeded = [] {  // inputs that must be given
  int n = 0;
  for (const Arg& a : Op::inputs) n += !(a.flags & (kOptional | kVariadic));
  return n;
}();
template <class Op>
inline constexpr int kOutputs = [] {
  if constexpr (requires { Op::outputs; })
    return Op::outputs;
  else
    return 1;
}();  // -1: as many as infer says

template <class Op>
struct OpFn {
  using Result = std::conditional_t<kOutputs<Op> == 1, Tensor, std::vector<Tensor>>;
  static Result call(std::span<const Tensor> in, const Op& a) {
    if constexpr (kOutputs<Op> == 1)
      return apply_one(op_def<Op>(), &a, in);
    else
      return apply(op_def<Op>(), &a, in);
  }
  Result operator()(Op a = {}) const requires(kArity<Op> == 0) { return call({}, a); }
  Result operator()(const Tensor& x, Op a = {}) const requires(kArity<Op> == 1 && !kIsVariadic<Op>) { return call({&x, 1}, a); }
  Result operator()(const Tensor& x, const Tensor& y, Op a = {}) const requires(kArity<Op> == 2 && !kIsVariadic<Op>) {
    const Tensor in[] = {x, y};
    return call(in, a);
  }
  Result operator()(const Tensor& x, const Tensor& y, const Tensor& z, Op a = {}) const
      requires(kArity<Op> == 3 && !kIsVariadic<Op>) {
    const Tensor in[] = {x, y, z};
    return call(in, a);
  }
  // Without the trailing optional inputs.
  Result operator()(const Tensor& x, Op a = {}) const
      requires((kArity<Op> == 2 || kArity<Op> == 3) && kNeeded<Op> <= 1 && !kIsVariadic<Op>) {
    return call({&x, 1}, a);
  }
  Result operator()(const Tensor& x, const Tensor& y, Op a = {}) const
      requires(kArity<Op> == 3 && kNeeded<Op> <= 2 && !kIsVariadic<Op>) {
    const Tensor in[] = {x, y};
    return call(in, a);
  }
  // Variadic ops and ops of more than three inputs take a list.
  Result operator()(std::span<const Tensor> xs, Op a = {}) const requires(kIsVariadic<Op> || (kArity<Op> > 3)) {
    return call(xs, a);
  }
  Result operator()(std::initializer_list<Tensor> xs, Op a = {}) const requires(kIsVariadic<Op> || (kArity<Op> > 3)) {
    return call(std::span<const Tensor>(xs.begin(), xs.size()), a);
  }
};

}  // namespace nacre
