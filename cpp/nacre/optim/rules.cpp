// SGD, RMSprop, Adam, AdamW, Adagrad: options, checks, and the call of the one-pass kernel (kernels/optim.h holds the formulas).
#include <array>
#include <cmath>

#include "nacre/kernels/table.h"
#include "nacre/optim/optimizer.h"

namespace nacre::optim {

namespace {

void check_range(std::string_view owner, std::string_view option, double v, double low, double high, bool high_included,
                 std::string_view words) {
  if (!(v >= low) || !(high_included ? v <= high : v < high))
    raise<ValueError>(owner, ": ", option, " must be ", words, ", got ", v, ".");
}

// Options that every optimizer takes besides its own: members, their list, and both as UpdateOptions.
#define NACRE_COMMON_MEMBERS                                  \
  std::optional<double> weight_decay;                         \
  std::optional<double> clipnorm, clipvalue, global_clipnorm; \
  Json exclude_from_weight_decay;                             \
  std::string weight_decay_mask = "all";                      \
  std::optional<std::string> name;
#define NACRE_CLIP_AND_MASK_OPTIONS(S)                                                                                      \
  Option<S, std::optional<double>>{"clipnorm", &S::clipnorm, "scale each variable's gradient down to this norm; None: no"}, \
      Option<S, std::optional<double>>{"clipvalue", &S::clipvalue,                                                          \
                                       "limit each element of gradients to [-clipvalue, clipvalue]; None: no"},             \
      Option<S, std::optional<double>>{"global_clipnorm", &S::global_clipnorm,                                              \
                                       "scale all gradients so that their common norm is at most this; None: no"},          \
      Option<S, Json>{"exclude_from_weight_decay", &S::exclude_from_weight_decay,                                           \
                      "list of name parts whose variables are not decayed"},                                                \
      Option<S, std::string>{"weight_decay_mask", &S::weight_decay_mask, "'all' or 'kernels': which variables decay"},      \
      Option<S, std::optional<std::string>> {                                                                               \
    "name", &S::name, "name; None: the class name"                                                                          \
  }
#define NACRE_COMMON_OPTIONS(S)                                                                           \
  Option<S, std::optional<double>>{"weight_decay", &S::weight_decay,                                      \
                                   "decoupled decay: p -= learning_rate * weight_decay * p; None: none"}, \
      NACRE_CLIP_AND_MASK_OPTIONS(S)

// One step from p = 1 with the gradient 2.
#define NACRE_STEP_EXAMPLE(Class, result)                \
  "\n\nExample:\n    >>> p = nc.Tensor([1.0])\n"         \
  "    >>> nc.optimizers." Class                         \
  "(learning_rate=0.1).apply([nc.Tensor([2.0])], [p])\n" \
  "    >>> round(p.item(), 4)\n    " result

struct SgdOptions {
  double learning_rate = 0.01, momentum = 0.0;
  Json nesterov = false;
  bool lr_in_velocity = true;
  NACRE_COMMON_MEMBERS
  static constexpr std::string_view kName = "SGD";
  static constexpr std::string_view kDoc =
      "Stochastic gradient descent.\n\n"
      "v = momentum v - lr g; p += v (the lectures' and Keras's form); nesterov: p += momentum v - lr g.\n"
      "lr_in_velocity=False: v = momentum v + g; p -= lr v (PyTorch's form, different once lr changes).\n"
      "nesterov='lookahead' takes the gradient at p + momentum v literally: call look_ahead() before the forward pass (fit "
      "does)." NACRE_STEP_EXAMPLE("SGD", "0.8");
  static constexpr auto options() {
    return std::tuple{Option{"learning_rate", &SgdOptions::learning_rate, "step size, > 0"},
                      Option{"momentum", &SgdOptions::momentum, "share of the last step that goes on, 0 to below 1"},
                      Option{"nesterov", &SgdOptions::nesterov, "True, False or 'lookahead'"},
                      Option{"lr_in_velocity", &SgdOptions::lr_in_velocity, "the velocity holds the learning rate"},
                      NACRE_COMMON_OPTIONS(SgdOptions)};
  }
};

struct RmspropOptions {
  double learning_rate = 0.001, rho = 0.9, momentum = 0.0, epsilon = 1e-7;
  bool centered = false;
  std::string epsilon_mode = "inside";
  NACRE_COMMON_MEMBERS
  static constexpr std::string_view kName = "RMSprop";
  static constexpr std::string_view kDoc =
      "RMSProp (Tieleman and Hinton 2012).\n\n"
      "s = rho s + (1 - rho) g^2; p -= lr g / sqrt(s + epsilon). epsilon_mode='outside': lr g / (sqrt(s) + epsilon) (PyTorch).\n"
      "centered subtracts the squared mean gradient from s; momentum > 0: v = momentum v + step, p -= v." NACRE_STEP_EXAMPLE(
          "RMSprop", "0.6838");
  static constexpr auto options() {
    return std::tuple{Option{"learning_rate", &RmspropOptions::learning_rate, "step size, > 0"},
                      Option{"rho", &RmspropOptions::rho, "decay of the mean square, 0 to below 1"},
                      Option{"momentum", &RmspropOptions::momentum, "0 to below 1"},
                      Option{"epsilon", &RmspropOptions::epsilon, ">= 0"},
                      Option{"centered", &RmspropOptions::centered, "divide by the deviation"},
                      Option{"epsilon_mode", &RmspropOptions::epsilon_mode, "'inside' or 'outside' the root"},
                      NACRE_COMMON_OPTIONS(RmspropOptions)};
  }
};

struct AdamOptions {
  double learning_rate = 0.001, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8;
  bool amsgrad = false, bias_correction = true;
  NACRE_COMMON_MEMBERS
  static constexpr std::string_view kName = "Adam";
  static constexpr std::string_view kDoc =
      "Adam (Kingma and Ba 2015).\n\n"
      "m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= lr m_hat / (sqrt(v_hat) + epsilon), m_hat = m / (1 - b1^t), v_hat = v "
      "/ (1 - b2^t).\n"
      "bias_correction=False: m_hat = m, v_hat = v (the first step is then 3.162 lr instead of lr). amsgrad keeps the largest "
      "v." NACRE_STEP_EXAMPLE("Adam", "0.9");
  static constexpr auto options() {
    return std::tuple{Option{"learning_rate", &AdamOptions::learning_rate, "step size, > 0"},
                      Option{"beta_1", &AdamOptions::beta_1, "decay of the mean gradient, 0 to below 1"},
                      Option{"beta_2", &AdamOptions::beta_2, "decay of the mean square, 0 to below 1"},
                      Option{"epsilon", &AdamOptions::epsilon, ">= 0, outside the root"},
                      Option{"amsgrad", &AdamOptions::amsgrad, "use the largest mean square so far"},
                      Option{"bias_correction", &AdamOptions::bias_correction, "divide by 1 - beta^t"},
                      NACRE_COMMON_OPTIONS(AdamOptions)};
  }
};

struct AdamWOptions : AdamOptions {
  AdamWOptions() { weight_decay = 0.004; }
  static constexpr std::string_view kName = "AdamW";
  static constexpr std::string_view kDoc =
      "Adam with decoupled weight decay (Loshchilov and Hutter 2019).\n\n"
      "p -= lr weight_decay p, then Adam's rule. weight_decay defaults to 0.004; it is multiplied by lr." NACRE_STEP_EXAMPLE(
          "AdamW", "0.8996");
  static constexpr auto options() {
    return std::tuple{Option<AdamWOptions, double>{"learning_rate", &AdamWOptions::learning_rate, "step size, > 0"},
                      Option<AdamWOptions, std::optional<double>>{"weight_decay", &AdamWOptions::weight_decay,
                                                                  "decoupled decay, multiplied by lr"},
                      Option<AdamWOptions, double>{"beta_1", &AdamWOptions::beta_1, "decay of the mean gradient, 0 to below 1"},
                      Option<AdamWOptions, double>{"beta_2", &AdamWOptions::beta_2, "decay of the mean square, 0 to below 1"},
                      Option<AdamWOptions, double>{"epsilon", &AdamWOptions::epsilon, ">= 0, outside the root"},
                      Option<AdamWOptions, bool>{"amsgrad", &AdamWOptions::amsgrad, "use the largest mean square so far"},
                      Option<AdamWOptions, bool>{"bias_correction", &AdamWOptions::bias_correction, "divide by 1 - beta^t"},
                      NACRE_CLIP_AND_MASK_OPTIONS(AdamWOptions)};
  }
};

struct AdagradOptions {
  double learning_rate = 0.001, initial_accumulator_value = 0.1, epsilon = 1e-7;
  NACRE_COMMON_MEMBERS
  static constexpr std::string_view kName = "Adagrad";
  static constexpr std::string_view kDoc =
      "AdaGrad (Duchi, Hazan and Singer 2011).\n\n"
      "s += g^2; p -= lr g / sqrt(s + epsilon). initial_accumulator_value=0, epsilon=0 is the lectures' form; a zero gradient then "
      "changes nothing." NACRE_STEP_EXAMPLE("Adagrad", "0.9012");
  static constexpr auto options() {
    return std::tuple{Option{"learning_rate", &AdagradOptions::learning_rate, "step size, > 0"},
                      Option{"initial_accumulator_value", &AdagradOptions::initial_accumulator_value, "start of s, >= 0"},
                      Option{"epsilon", &AdagradOptions::epsilon, ">= 0, inside the root"}, NACRE_COMMON_OPTIONS(AdagradOptions)};
  }
};

// An optimizer class from its options struct; `name` is only carried along.
template <class Options>
class Rule : public Optimizer {
 public:
  explicit Rule(Options o)
      : Optimizer(Options::kName, o.learning_rate,
                  {.weight_decay = o.weight_decay,
                   .clipnorm = o.clipnorm,
                   .clipvalue = o.clipvalue,
                   .global_clipnorm = o.global_clipnorm,
                   .exclude_from_weight_decay = o.exclude_from_weight_decay,
                   .weight_decay_mask = o.weight_decay_mask}),
        o_(std::move(o)) {}
  std::string_view class_name() const override { return Options::kName; }
  Json config() const override {
    Options now = o_;
    now.learning_rate = learning_rate();
    if (!now.name) now.name = std::string(Options::kName);
    return options_to_json(now);
  }

 protected:
  OptimScalars scalars(const Update& u) const {
    return {
        .learning_rate = learning_rate(), .weight_decay = u.weight_decay, .l2 = 0, .grad_scale = u.grad_scale, .limit = u.limit};
  }
  static int dtype_index(const Update& u) { return static_cast<int>(u.dtype); }
  const Options o_;
};

class Sgd final : public Rule<SgdOptions> {
 public:
  explicit Sgd(SgdOptions o) : Rule(std::move(o)) {
    check_range("SGD", "momentum", o_.momentum, 0, 1, false, "at least 0 and below 1");
    if (o_.nesterov.is_string() && o_.nesterov.get<std::string>() == "lookahead") {
      ahead_ = true;
      if (!o_.lr_in_velocity) raise<ValueError>("SGD: nesterov='lookahead' needs lr_in_velocity=True.");
    } else if (o_.nesterov.is_bool()) {
      nesterov_ = o_.nesterov.get<bool>();
    } else {
      raise<ValueError>("SGD: nesterov must be True, False or 'lookahead', got ", o_.nesterov.to_string(), ".");
    }
    if ((nesterov_ || ahead_) && o_.momentum == 0) raise<ValueError>("SGD: nesterov needs momentum > 0, got 0.");
  }
  bool looks_ahead() const override { return ahead_; }
  void look_ahead() override {
    if (!ahead_ || !built() || moved_) return;
    for (std::size_t i = 0; i < parameters().size(); ++i) {
      const Tensor& p = parameters()[i].value;
      state_tensors()[i][1].assign(p);  // the point to return to
      begin_write("SGD", p);
      shift(p, state_tensors()[i][0]);
    }
    moved_ = true;
  }
  void come_back() override {
    if (!moved_) return;
    for (std::size_t i = 0; i < parameters().size(); ++i) parameters()[i].value.assign(state_tensors()[i][1]);
    moved_ = false;
  }

 protected:
  std::vector<std::string> slots() const override {
    if (o_.momentum == 0) return {};
    if (ahead_) return {"momentum", "base"};
    return {"momentum"};
  }
  void update(const Update& u) const override {
    SgdArgs a{.param = u.param,
              .grad = u.grad,
              .velocity = o_.momentum == 0 ? nullptr : u.slot(0),
              .n = u.n,
              .scalars = scalars(u),
              .momentum = o_.momentum,
              .nesterov = nesterov_,
              .lr_in_velocity = o_.lr_in_velocity};
    cpu_kernels().optim.sgd[dtype_index(u)](a);
  }
  Work work() const override {
    if (o_.momentum == 0) return {2, 2};
    return {nesterov_ ? 6 : 4, 4};
  }

 private:
  template <class T>
  void shift_as(const Tensor& p, const Tensor& v) const {
    auto* x = p.data<T>();
    const auto* y = v.data<T>();
    const T mu = static_cast<T>(o_.momentum);
    for (Dim i = 0; i < p.count(); ++i) x[i] += mu * y[i];
  }
  void shift(const Tensor& p, const Tensor& v) const {
    if (p.dtype() == DType::float32)
      shift_as<float>(p, v);
    else
      shift_as<double>(p, v);
  }
  bool nesterov_ = false, ahead_ = false;
  bool moved_ = false;
};

class Rmsprop final : public Rule<RmspropOptions> {
 public:
  explicit Rmsprop(RmspropOptions o) : Rule(std::move(o)) {
    check_range("RMSprop", "rho", o_.rho, 0, 1, false, "at least 0 and below 1");
    check_range("RMSprop", "momentum", o_.momentum, 0, 1, false, "at least 0 and below 1");
    check_range("RMSprop", "epsilon", o_.epsilon, 0, 1e30, true, "at least 0");
    if (o_.epsilon_mode != "inside" && o_.epsilon_mode != "outside") {
      raise<ValueError>("RMSprop: epsilon_mode must be 'inside' or 'outside', got '", o_.epsilon_mode, "'.");
    }
  }

 protected:
  std::vector<std::string> slots() const override {
    std::vector<std::string> s{"velocity"};
    if (o_.centered) s.emplace_back("average_gradient");
    if (o_.momentum > 0) s.emplace_back("momentum");
    return s;
  }
  void update(const Update& u) const override {
    RmspropArgs a{.param = u.param,
                  .grad = u.grad,
                  .mean_square = u.slot(0),
                  .mean_grad = o_.centered ? u.slot(1) : nullptr,
                  .velocity = o_.momentum > 0 ? u.slot(o_.centered ? 2 : 1) : nullptr,
                  .n = u.n,
                  .scalars = scalars(u),
                  .rho = o_.rho,
                  .epsilon = o_.epsilon,
                  .momentum = o_.momentum,
                  .epsilon_inside = o_.epsilon_mode == "inside",
                  .centered = o_.centered};
    cpu_kernels().optim.rmsprop[dtype_index(u)](a);
  }
  Work work() const override {
    const int centered = o_.centered ? 1 : 0, moves = o_.momentum > 0 ? 1 : 0;
    return {9 + 5 * centered + 2 * moves, 4 + 2 * centered + 2 * moves};
  }
};

template <class Options>
class AdamRule final : public Rule<Options> {
  using Base = Rule<Options>;
  using Base::o_;

 public:
  explicit AdamRule(Options o) : Base(std::move(o)) {
    check_range(Options::kName, "beta_1", o_.beta_1, 0, 1, false, "at least 0 and below 1");
    check_range(Options::kName, "beta_2", o_.beta_2, 0, 1, false, "at least 0 and below 1");
    check_range(Options::kName, "epsilon", o_.epsilon, 0, 1e30, true, "at least 0");
  }

 protected:
  std::vector<std::string> slots() const override {
    if (o_.amsgrad) return {"momentum", "velocity", "velocity_max"};
    return {"momentum", "velocity"};
  }
  void update(const Optimizer::Update& u) const override {
    AdamArgs a{.param = u.param,
               .grad = u.grad,
               .m = u.slot(0),
               .v = u.slot(1),
               .v_max = o_.amsgrad ? u.slot(2) : nullptr,
               .n = u.n,
               .scalars = Base::scalars(u),
               .beta_1 = o_.beta_1,
               .beta_2 = o_.beta_2,
               .epsilon = o_.epsilon,
               .step = u.step,
               .bias_correction = o_.bias_correction};
    cpu_kernels().optim.adam[Base::dtype_index(u)](a);
  }
  Optimizer::Work work() const override { return {12 + (o_.bias_correction ? 2 : 0) + (o_.amsgrad ? 1 : 0), o_.amsgrad ? 8 : 6}; }
};

class Adagrad final : public Rule<AdagradOptions> {
 public:
  explicit Adagrad(AdagradOptions o) : Rule(std::move(o)) {
    check_range("Adagrad", "initial_accumulator_value", o_.initial_accumulator_value, 0, 1e30, true, "at least 0");
    check_range("Adagrad", "epsilon", o_.epsilon, 0, 1e30, true, "at least 0");
  }

 protected:
  std::vector<std::string> slots() const override { return {"accumulator"}; }
  double slot_start(std::size_t) const override { return o_.initial_accumulator_value; }
  void update(const Update& u) const override {
    AdagradArgs a{
        .param = u.param, .grad = u.grad, .accumulator = u.slot(0), .n = u.n, .scalars = scalars(u), .epsilon = o_.epsilon};
    cpu_kernels().optim.adagrad[dtype_index(u)](a);
  }
  Work work() const override { return {7, 4}; }
};

template <class Class, class Options>
OptimizerDef def() {
  return {Options::kName, Options::kDoc, describe_options<Options>(), [](const Json& j) -> std::shared_ptr<Optimizer> {
            return std::make_shared<Class>(options_from_json<Options>(Options::kName, j));
          }};
}

bool same_letters(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

}  // namespace

std::span<const OptimizerDef> optimizer_registry() {
  static const std::array list{def<Sgd, SgdOptions>(), def<Rmsprop, RmspropOptions>(), def<AdamRule<AdamOptions>, AdamOptions>(),
                               def<AdamRule<AdamWOptions>, AdamWOptions>(), def<Adagrad, AdagradOptions>()};
  return list;
}

std::shared_ptr<Optimizer> make_optimizer(std::string_view name, const Json& config) {
  std::string known;
  for (const OptimizerDef& d : optimizer_registry()) {
    if (same_letters(d.name, name)) return d.make(config);
    known += cat(known.empty() ? "" : ", ", d.name);
  }
  raise<ValueError>("optimizer: unknown optimizer '", name, "'. Known: ", known, ".");
}

}  // namespace nacre::optim
