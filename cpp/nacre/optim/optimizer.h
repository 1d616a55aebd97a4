// Optimizers: update rules with their state, one state tensor per variable and slot.
//
// apply(grads, variables) makes one step; build(variables) with step() and zero_grad() is the lectures' loop, which reads each variable's grad().
// g gradient, lr learning rate, t = iterations after the step (1 at the first). Formulas and defaults: TOPICS of the course notes, section 4;
// the decoupled weight decay p -= lr * weight_decay * p comes before the rule (Loshchilov and Hutter 2019).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nacre/io/config.h"
#include "nacre/tensor/tensor.h"

namespace nacre::optim {

// A trainable tensor and its full name ("dense/kernel"), which masks of the weight decay read.
struct Parameter {
  std::string name;
  Tensor value;
};

// What every optimizer takes besides its rule's own options.
struct UpdateOptions {
  std::optional<double> weight_decay, clipnorm, clipvalue, global_clipnorm;
  Json exclude_from_weight_decay;
  std::string weight_decay_mask = "all";
};

class NACRE_API Optimizer {
 public:
  virtual ~Optimizer();
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  [[nodiscard]] virtual std::string_view class_name() const = 0;
  [[nodiscard]] virtual Json config() const = 0;

  [[nodiscard]] double learning_rate() const { return learning_rate_; }
  void set_learning_rate(double value);  // > 0 and finite, else ValueError
  [[nodiscard]] std::int64_t iterations() const { return iterations_; }

  // Makes the state for these variables. Calling it again with the same variables keeps the state; with others it is a StateError.
  void build(std::span<const Parameter> parameters);
  [[nodiscard]] bool built() const { return built_; }
  [[nodiscard]] const std::vector<Parameter>& parameters() const { return parameters_; }
  // One step. An empty gradient handle leaves its variable alone. Nothing is changed when a check fails.
  void apply(std::span<const Tensor> grads, std::span<const Parameter> parameters);
  // What apply checks and finds out once for gradients that are written anew in the same memory: apply(prepared) is then a step without allocation.
  struct Prepared {
    struct Piece {
      std::size_t run, first;  // of runs_; first variable
      std::int64_t elements;
      Tensor grad;
    };
    std::vector<Piece> pieces;
    std::vector<Tensor> grads;  // contiguous, one for each variable
  };
  [[nodiscard]] Prepared prepare(std::span<const Tensor> grads, std::span<const Parameter> parameters);
  void apply(const Prepared& prepared);
  // What the passes of apply(prepared) over memory do, one for each piece: operations as the rule's formula counts them, bytes read and written.
  struct Pass {
    std::size_t first, variables;
    Dim parameters;
    double flops, bytes;
  };
  [[nodiscard]] std::vector<Pass> passes(const Prepared& prepared) const;
  // Does apply first read all gradients for their common norm?
  [[nodiscard]] bool takes_norm() const { return global_clipnorm_.has_value(); }
  // Names of the state tensors of each variable.
  [[nodiscard]] std::vector<std::string> slot_names() const { return slots(); }
  // Called after each update of this variable, with the variable, before anybody else can see what the update wrote: constraints, pruning masks, averages.
  // It must not throw. An empty one is none. IndexError for a variable that is not there, StateError before build.
  using Hook = std::function<void(const Tensor& value)>;
  void set_hook(std::size_t variable, Hook hook);
  // One step from the variables' own gradients; StateError before build.
  void step();
  // Forgets the variables' gradients.
  void zero_grad();
  // Moves to the point where the gradient of this step is taken. Only SGD with nesterov="lookahead" moves; fit calls it before the forward pass.
  virtual void look_ahead() {}
  // Does look_ahead move the variables? Then nobody may read them during the whole step.
  [[nodiscard]] virtual bool looks_ahead() const { return false; }
  // Undoes look_ahead; apply does it by itself, and whoever abandons a step must.
  virtual void come_back() {}

  // State in a fixed order with names "<slot>/<variable>", for files.
  struct State {
    std::string name;
    Tensor value;
  };
  [[nodiscard]] std::vector<State> state() const;
  void set_iterations(std::int64_t n);

 protected:
  explicit Optimizer(std::string_view class_name, double learning_rate, const UpdateOptions& options);
  // Names of the state tensors of each variable ("momentum", "velocity").
  [[nodiscard]] virtual std::vector<std::string> slots() const = 0;
  // Value that new state of this slot is filled with.
  [[nodiscard]] virtual double slot_start(std::size_t slot) const {
    (void)slot;
    return 0;
  }
  // Updates one variable. Memory is contiguous, dtypes agree.
  struct Update {
    DType dtype;
    void* param;
    const void* grad;
    std::int64_t n;
    double weight_decay;
    double grad_scale, limit;  // from clipping, see OptimScalars
    std::int64_t step;
    std::span<const Tensor> state;
    void* slot(std::size_t i) const { return state[i].body()->data; }
  };
  virtual void update(const Update& u) const = 0;
  // Of update(), for each element and without clipping and decay: operations, and values read or written besides the gradient.
  struct Work {
    int flops, values;
  };
  [[nodiscard]] virtual Work work() const = 0;
  [[nodiscard]] const std::vector<std::vector<Tensor>>& state_tensors() const { return state_; }

 private:
  [[nodiscard]] bool decays(const std::string& name) const;
  // Variables that lie side by side in memory (tensor/pack.h) with one dtype and one decay: updated by one call when their gradients lie so too.
  struct Run {
    std::size_t first, count;
    std::int64_t elements;  // with the gaps between
    double weight_decay;
  };
  void check_gradient(std::size_t i, const Tensor& g) const;
  [[nodiscard]] bool in_one_piece(const Run& run, std::span<const Tensor> grads) const;
  void update_range(const Run& run, std::size_t i, std::int64_t elements, const Tensor& grad, double scale) const;
  // The factor that brings a gradient of this norm down to `most`.
  [[nodiscard]] static double shrink(double norm, const std::optional<double>& most);

  double learning_rate_;
  double weight_decay_ = 0;
  std::optional<double> clipnorm_, clipvalue_, global_clipnorm_;
  std::vector<std::string> excluded_;
  bool kernels_only_ = false;
  std::int64_t iterations_ = 0;
  bool built_ = false;
  std::vector<Parameter> parameters_;
  std::vector<std::vector<Tensor>> state_;
  std::vector<Run> runs_;
  std::vector<Hook> hooks_;  // one per variable, or none at all
};

struct OptimizerDef {
  std::string_view name, doc;
  std::vector<OptionInfo> options;
  std::shared_ptr<Optimizer> (*make)(const Json& config);
};
NACRE_API std::span<const OptimizerDef> optimizer_registry();
// By class name or Keras's lower-case name ("adam"); ValueError listing the known ones.
NACRE_API std::shared_ptr<Optimizer> make_optimizer(std::string_view name, const Json& config);

}  // namespace nacre::optim
