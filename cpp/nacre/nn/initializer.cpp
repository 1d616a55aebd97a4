#include "nacre/nn/initializer.h"

#include <algorithm>
#include <cmath>

#include "nacre/base/error_owner.h"
#include "nacre/nn/fill.h"
#include "nacre/ops/ops.h"
#include "nacre/ops/random_state.h"

namespace nacre::nn {

Initializer::~Initializer() = default;

Fans compute_fans(const Shape& shape) {
  if (shape.rank() == 0) return {1, 1};
  if (shape.rank() == 1) return {static_cast<double>(shape[0]), static_cast<double>(shape[0])};
  double field = 1;
  for (int i = 0; i + 2 < shape.rank(); ++i) field *= static_cast<double>(shape[i]);
  return {field * static_cast<double>(shape[shape.rank() - 2]), field * static_cast<double>(shape.back())};
}

Tensor Initializer::operator()(const Shape& shape, DType dtype, std::optional<Fans> fans) const {
  if (dtype != DType::float32 && dtype != DType::float64)
    raise<DTypeError>(class_name(), ": dtype must be float32 or float64, got ", dtype, ".");
  (void)checked_count(class_name(), shape, dtype);
  return make(shape, dtype, fans.value_or(compute_fans(shape)));
}

namespace {

// ---- checks and draws shared by the classes ----

void need_finite(std::string_view owner, std::string_view option, double v) {
  if (!std::isfinite(v)) raise<ValueError>(owner, ": ", option, " must be finite, got ", v, ".");
}
void need_stddev(std::string_view owner, double v) {
  if (!(v >= 0) || !std::isfinite(v)) raise<ValueError>(owner, ": stddev must be >= 0 and finite, got ", v, ".");
}

Tensor draw_key(const std::optional<Dim>& seed) {
  return seed ? key_tensor({.seed = static_cast<std::uint64_t>(*seed), .step = 0, .stream = 0}) : next_key();
}

enum class Draw { truncated, normal, uniform };

// Zero mean and variance scale / n. A normal distribution cut at two standard deviations has 0.8796 of its standard deviation left
// (sqrt(1 - 4 phi(2) / (2 Phi(2) - 1))), so it starts that much wider.
Tensor scaled(double scale, double n, Draw draw, const Shape& shape, DType dtype, const std::optional<Dim>& seed) {
  const double variance = scale / std::max(1.0, n);
  switch (draw) {
    case Draw::truncated:
      return random_truncated_normal(draw_key(seed),
                                     {.shape = shape, .stddev = std::sqrt(variance) / 0.87962566103423978, .dtype = dtype});
    case Draw::normal: return random_normal(draw_key(seed), {.shape = shape, .stddev = std::sqrt(variance), .dtype = dtype});
    default: break;
  }
  const double limit = std::sqrt(3.0 * variance);
  return random_uniform(draw_key(seed), {.shape = shape, .minval = -limit, .maxval = limit, .dtype = dtype});
}

// ---- the classes ----

template <class Derived, class Options>
class InitializerOf : public Initializer {
 public:
  using OptionsType = Options;
  explicit InitializerOf(Options options) : options_(std::move(options)) {
    if constexpr (requires(const Options& o) { Derived::check(o); }) Derived::check(options_);
  }
  [[nodiscard]] std::string_view class_name() const override { return Derived::kName; }
  [[nodiscard]] Json config() const override { return options_to_json(options_); }
  [[nodiscard]] const Options& o() const { return options_; }

 private:
  Options options_;
};

struct NoOptions {
  static constexpr auto options() { return std::tuple<>{}; }
};
struct SeedOptions {
  std::optional<Dim> seed;
  static constexpr auto options() {
    return std::tuple{Option{"seed", &SeedOptions::seed, "own seed: every call gives the same values"}};
  }
};

class Zeros final : public InitializerOf<Zeros, NoOptions> {
 public:
  static constexpr std::string_view kName = "Zeros",
                                    kDoc = R"(All values 0. For weights it keeps all units equal; it is the default of biases.

Example:
    >>> nc.initializers.Zeros()((2,)).tolist()
    [0.0, 0.0])";
  using InitializerOf::InitializerOf;

 private:
  Tensor make(const Shape& shape, DType dtype, const Fans&) const override {
    return full({.shape = shape, .value = 0, .dtype = dtype});
  }
};

class Ones final : public InitializerOf<Ones, NoOptions> {
 public:
  static constexpr std::string_view kName = "Ones", kDoc = R"(All values 1.

Example:
    >>> nc.initializers.Ones()((2,)).tolist()
    [1.0, 1.0])";
  using InitializerOf::InitializerOf;

 private:
  Tensor make(const Shape& shape, DType dtype, const Fans&) const override {
    return full({.shape = shape, .value = 1, .dtype = dtype});
  }
};

struct ConstantOptions {
  double value = 0;
  static constexpr auto options() { return std::tuple{Option{"value", &ConstantOptions::value, "the value, finite"}}; }
};
class Constant final : public InitializerOf<Constant, ConstantOptions> {
 public:
  static constexpr std::string_view kName = "Constant", kDoc = R"(All values the same.

Example:
    >>> nc.initializers.Constant(0.5)((2,)).tolist()
    [0.5, 0.5])";
  static void check(const ConstantOptions& o) { need_finite(kName, "value", o.value); }
  using InitializerOf::InitializerOf;

 private:
  Tensor make(const Shape& shape, DType dtype, const Fans&) const override {
    return full({.shape = shape, .value = o().value, .dtype = dtype});
  }
};

struct NormalOptions {
  double mean = 0, stddev = 0.05;
  std::optional<Dim> seed;
  static constexpr auto options() {
    return std::tuple{Option{"mean", &NormalOptions::mean, "mean, finite"},
                      Option{"stddev", &NormalOptions::stddev, "standard deviation, >= 0"},
                      Option{"seed", &NormalOptions::seed, "own seed: every call gives the same values"}};
  }
};
class RandomNormal final : public InitializerOf<RandomNormal, NormalOptions> {
 public:
  static constexpr std::string_view kName = "RandomNormal", kDoc = R"(Normally distributed values.

Example:
    >>> nc.initializers.RandomNormal(stddev=0.1, seed=1)((2, 3)).shape
    (2, 3))";
  static void check(const NormalOptions& o) {
    need_finite(kName, "mean", o.mean);
    need_stddev(kName, o.stddev);
  }
  using InitializerOf::InitializerOf;

 private:
  Tensor make(const Shape& shape, DType dtype, const Fans&) const override {
    return random_normal(draw_key(o().seed), {.shape = shape, .mean = o().mean, .stddev = o().stddev, .dtype = dtype});
  }
};
class TruncatedNormal final : public InitializerOf<TruncatedNormal, NormalOptions> {
 public:
  static constexpr std::string_view kName = "TruncatedNormal",
                                    kDoc = R"(Normally distributed values within two standard deviations of the mean.

Example:
    >>> nc.initializers.TruncatedNormal(stddev=0.1, seed=1)((2, 3)).shape
    (2, 3))";
  static void check(const NormalOptions& o) {
    need_finite(kName, "mean", o.mean);
    need_stddev(kName, o.stddev);
  }
  using InitializerOf::InitializerOf;

 private:
  Tensor make(const Shape& shape, DType dtype, const Fans&) const override {
    return random_truncated_normal(draw_key(o().seed), {.shape = shape, .mean = o().mean, .stddev = o().stddev, .dtype = dtype});
  }
};

struct UniformOptions {
  double minval = -0.05, maxval = 0.05;
  std::optional<Dim> seed;
  static constexpr auto options() {
    return std::tuple{Option{"minval", &UniformOptions::minval, "lower end, finite"},
                      Option{"maxval", &UniformOptions::maxval, "upper end, >= minval"},
                      Option{"seed", &UniformOptions::seed, "own seed: every call gives the same values"}};
  }
};
class RandomUniform final : public InitializerOf<RandomUniform, UniformOptions> {
 public:
  static constexpr std::string_view kName = "RandomUniform", kDoc = R"(Values evenly distributed over [minval, maxval).

Example:
    >>> nc.initializers.RandomUniform(-1.0, 1.0, seed=1)((2, 3)).shape
    (2, 3))";
  static void check(const UniformOptions& o) {
    need_finite(kName, "minval", o.minval);
    need_finite(kName, "maxval", o.maxval);
    if (o.minval > o.maxval) raise<ValueError>(kName, ": minval ", o.minval, " is larger than maxval ", o.maxval, ".");
  }
  using InitializerOf::InitializerOf;

 private:
  Tensor make(const Shape& shape, DType dtype, const Fans&) const override {
    return random_uniform(draw_key(o().seed), {.shape = shape, .minval = o().minval, .maxval = o().maxval, .dtype = dtype});
  }
};

struct VarianceScalingOptions {
  double scale = 1;
  std::string mode = "fan_in", distribution = "truncated_normal";
  std::optional<Dim> seed;
  static constexpr auto options() {
    return std::tuple{
        Option{"scale", &VarianceScalingOptions::scale, "variance times the fan, > 0"},
        Option{"mode", &VarianceScalingOptions::mode, "'fan_in', 'fan_out' or 'fan_avg'"},
        Option{"distribution", &VarianceScalingOptions::distribution, "'truncated_normal', 'untruncated_normal' or 'uniform'"},
        Option{"seed", &VarianceScalingOptions::seed, "own seed: every call gives the same values"}};
  }
};
class VarianceScaling final : public InitializerOf<VarianceScaling, VarianceScalingOptions> {
 public:
  static constexpr std::string_view kName = "VarianceScaling",
                                    kDoc = R"(Zero mean and variance scale / fan, from a normal or uniform distribution.

Gives the forms that have no name here: N(0, 1 / (d_in + d_out)) is VarianceScaling(0.5, "fan_avg", "untruncated_normal"), untruncated He is
VarianceScaling(2.0, "fan_in", "untruncated_normal"), and U(+-1 / sqrt(fan_in)) is VarianceScaling(1/3, "fan_in", "uniform").

Example:
    >>> nc.initializers.VarianceScaling(2.0, "fan_in", "uniform", seed=1)((2, 3)).shape
    (2, 3))";
  static void check(const VarianceScalingOptions& o) {
    if (!(o.scale > 0) || !std::isfinite(o.scale)) raise<ValueError>(kName, ": scale must be > 0 and finite, got ", o.scale, ".");
    if (o.mode != "fan_in" && o.mode != "fan_out" && o.mode != "fan_avg") {
      raise<ValueError>(kName, ": mode must be 'fan_in', 'fan_out' or 'fan_avg', got '", o.mode, "'.");
    }
    (void)draw(o.distribution);
  }
  using InitializerOf::InitializerOf;

 private:
  static Draw draw(const std::string& name) {
    if (name == "truncated_normal" || name == "normal") return Draw::truncated;
    if (name == "untruncated_normal") return Draw::normal;
    if (name == "uniform") return Draw::uniform;
    raise<ValueError>(kName, ": distribution must be 'truncated_normal', 'untruncated_normal' or 'uniform', got '", name, "'.");
  }
  Tensor make(const Shape& shape, DType dtype, const Fans& f) const override {
    const double n = o().mode == "fan_in" ? f.in : o().mode == "fan_out" ? f.out : (f.in + f.out) / 2;
    return scaled(o().scale, n, draw(o().distribution), shape, dtype, o().seed);
  }
};

// The named forms: variance Scale / n with n = fan_in, or (fan_in + fan_out) / 2.
template <class Derived, Draw kDraw, int kScale, bool kAverage>
class NamedScaling : public InitializerOf<Derived, SeedOptions> {
 public:
  using InitializerOf<Derived, SeedOptions>::InitializerOf;

 private:
  Tensor make(const Shape& shape, DType dtype, const Fans& f) const override {
    return scaled(kScale, kAverage ? (f.in + f.out) / 2 : f.in, kDraw, shape, dtype, this->o().seed);
  }
};
#define NACRE_NAMED_SCALING(Class, draw, scale, average, text)                                     \
  class Class final : public NamedScaling<Class, draw, scale, average> {                           \
   public:                                                                                         \
    static constexpr std::string_view kName = #Class;                                              \
    static constexpr std::string_view kDoc =                                                       \
        text "\n\nExample:\n    >>> nc.initializers." #Class "(seed=1)((2, 3)).shape\n    (2, 3)"; \
    using NamedScaling::NamedScaling;                                                              \
  };
NACRE_NAMED_SCALING(GlorotUniform, Draw::uniform, 1, true,
                    "U(+-sqrt(6 / (fan_in + fan_out))), Glorot and Bengio 2010, also called Xavier. The default of kernels.")
NACRE_NAMED_SCALING(GlorotNormal, Draw::truncated, 1, true,
                    "Truncated normal of variance 2 / (fan_in + fan_out), Glorot and Bengio 2010.")
NACRE_NAMED_SCALING(HeUniform, Draw::uniform, 2, false, "U(+-sqrt(6 / fan_in)), He et al. 2015: for layers followed by relu.")
NACRE_NAMED_SCALING(HeNormal, Draw::truncated, 2, false,
                    "Truncated normal of variance 2 / fan_in, He et al. 2015: for layers followed by relu.")
NACRE_NAMED_SCALING(LecunUniform, Draw::uniform, 1, false, "U(+-sqrt(3 / fan_in)), LeCun et al. 1998.")
NACRE_NAMED_SCALING(LecunNormal, Draw::truncated, 1, false, "Truncated normal of variance 1 / fan_in, LeCun et al. 1998: for selu.")
#undef NACRE_NAMED_SCALING

struct OrthogonalOptions {
  double gain = 1;
  std::optional<Dim> seed;
  static constexpr auto options() {
    return std::tuple{Option{"gain", &OrthogonalOptions::gain, "factor of the matrix, finite"},
                      Option{"seed", &OrthogonalOptions::seed, "own seed: every call gives the same values"}};
  }
};
class Orthogonal final : public InitializerOf<Orthogonal, OrthogonalOptions> {
 public:
  static constexpr std::string_view
      kName = "Orthogonal",
      kDoc =
          "Orthonormal columns, or rows when there are fewer rows, times gain. More than two axes: the last one against "
          "all others. Saxe et al. 2014.\n\nExample:\n    >>> w = nc.initializers.Orthogonal(gain=2.0, seed=1)((4, 2))\n"
          "    >>> [round(length, 4) for length in nc.norm(w, axis=0).tolist()]\n    [2.0, 2.0]";
  static void check(const OrthogonalOptions& o) { need_finite(kName, "gain", o.gain); }
  using InitializerOf::InitializerOf;

 private:
  Tensor make(const Shape& shape, DType dtype, const Fans&) const override {
    if (shape.rank() < 2) raise<ShapeError>(kName, ": the weight needs at least two axes, got shape ", shape, ".");
    return orthogonal_matrix(shape, dtype, o().gain, draw_key(o().seed));
  }
};

struct IdentityOptions {
  double gain = 1;
  static constexpr auto options() { return std::tuple{Option{"gain", &IdentityOptions::gain, "value on the diagonal, finite"}}; }
};
class Identity final : public InitializerOf<Identity, IdentityOptions> {
 public:
  static constexpr std::string_view kName = "Identity", kDoc = R"(gain on the diagonal of a matrix, 0 elsewhere.

Example:
    >>> nc.initializers.Identity(2.0)((2, 2)).tolist()
    [[2.0, 0.0], [0.0, 2.0]])";
  static void check(const IdentityOptions& o) { need_finite(kName, "gain", o.gain); }
  using InitializerOf::InitializerOf;

 private:
  Tensor make(const Shape& shape, DType dtype, const Fans&) const override {
    if (shape.rank() != 2) raise<ShapeError>(kName, ": the weight must be a matrix, got shape ", shape, ".");
    return diagonal_matrix(shape, dtype, o().gain);
  }
};

// ---- registry ----

template <class I>
InitializerDef record() {
  return {I::kName, I::kDoc, describe_options<typename I::OptionsType>(), [](const Json& config) -> std::shared_ptr<Initializer> {
            return std::make_shared<I>(options_from_json<typename I::OptionsType>(I::kName, config));
          }};
}

// "glorot_uniform" and "GlorotUniform" are the same name.
std::string plain(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (c != '_') out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return out;
}

const InitializerDef* find(std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> aliases[] = {{"zero", "zeros"},
                                                                              {"one", "ones"},
                                                                              {"normal", "randomnormal"},
                                                                              {"uniform", "randomuniform"},
                                                                              {"identityinitializer", "identity"},
                                                                              {"orthogonalinitializer", "orthogonal"}};
  std::string key = plain(name);
  for (const auto& [alias, real] : aliases) {
    if (key == alias) key = real;
  }
  for (const InitializerDef& d : initializer_registry()) {
    if (plain(d.name) == key) return &d;
  }
  return nullptr;
}

}  // namespace

std::span<const InitializerDef> initializer_registry() {
  static const std::vector<InitializerDef> list = {record<Zeros>(),           record<Ones>(),          record<Constant>(),
                                                   record<RandomNormal>(),    record<RandomUniform>(), record<TruncatedNormal>(),
                                                   record<VarianceScaling>(), record<GlorotUniform>(), record<GlorotNormal>(),
                                                   record<HeUniform>(),       record<HeNormal>(),      record<LecunUniform>(),
                                                   record<LecunNormal>(),     record<Orthogonal>(),    record<Identity>()};
  return list;
}

std::shared_ptr<Initializer> make_initializer(std::string_view owner, const Json& spec) {
  const auto known = [] {
    std::string names;
    for (const InitializerDef& d : initializer_registry()) names += cat(names.empty() ? "" : ", ", d.name);
    return names;
  };
  std::string name;
  Json config = Json::object();
  if (spec.is_string()) {
    name = spec.get<std::string>();
  } else if (spec.is_object() && spec.contains("class_name") && spec.at("class_name").is_string()) {
    name = spec.get<std::string>("class_name");
    if (const Json* given = spec.find("config")) config = *given;
  } else {
    raise<TypeError>(owner, " must be the name of an initializer or an initializer, got ", detail::shown(spec),
                     ". Known: ", known(), ".");
  }
  const InitializerDef* def = find(name);
  if (!def) raise<ValueError>(owner, " '", name, "' is unknown. Known: ", known(), ".");
  try {
    return def->make(config);
  } catch (const Error&) {
    rethrow_with_owner(owner);
  }
}

}  // namespace nacre::nn
