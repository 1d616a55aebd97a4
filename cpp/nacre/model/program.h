// Steps of a model as plans: training, test and prediction for batches of one shape, and where they are kept between calls.
//
// A Program is captured by calling the model's functions once with symbolic tensors; after that nothing but its plan runs. Everything that these read
// besides tensors (which layers train, the loss) is fixed in it: it is part of the key under which Programs keeps it. One Program serves any number of
// ProgramRuns, each with memory of its own, so that several threads may predict at once.
#pragma once

#include <functional>
#include <list>
#include <mutex>
#include <optional>

#include "nacre/autograd/tape.h"
#include "nacre/nn/layer.h"
#include "nacre/plan/plan.h"

namespace nacre::model {

// Recording as the loop needs it, whatever the caller's setting is.
class Recording {
 public:
  explicit Recording(bool on) : before_(grad_enabled()) { set_grad_enabled(on); }
  ~Recording() { set_grad_enabled(before_); }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

 private:
  bool before_;
};

enum class Mode : std::uint8_t { train, test, predict };

struct StepFunctions {
  std::function<std::vector<Tensor>(std::span<const Tensor> x, const nn::CallContext& context)> forward;
  // The number to minimise first, then what else is to be known; handles may be empty, as in the lists given.
  std::function<std::vector<Tensor>(std::span<const Tensor> y, std::span<const Tensor> predicted, std::span<const Tensor> weights)>
      losses;
};

// Types of a batch; an array that is not given has none.
struct StepTypes {
  std::vector<std::optional<Type>> x, y, weights;
};

class Program {
 public:
  // `named`: tensors of the model with the names that the plan's text shows. Mode::train: gradients of `parameters` go to the bytes `places` of the block that a run is given; `seed` keys random numbers.
  Program(Mode mode, const StepFunctions& f, const StepTypes& types, std::uint64_t seed = 0,
          std::span<const Tensor> parameters = {}, std::span<const Dim> places = {}, std::span<const nn::Variable> named = {});
  [[nodiscard]] const plan::Plan& plan() const { return *plan_; }
  // Does the loss depend on this parameter?
  [[nodiscard]] bool has_gradient(std::size_t parameter) const { return reached_[parameter]; }

 private:
  friend class ProgramRun;
  std::shared_ptr<const plan::Plan> plan_;
  static constexpr std::size_t kAbsent = ~std::size_t{0};
  std::vector<std::size_t> x_, y_, weights_;  // numbers of the plan's inputs, or kAbsent
  std::vector<std::size_t> losses_;           // numbers of the plan's outputs, or kAbsent
  std::size_t first_result_ = 0, results_ = 0;
  std::vector<bool> reached_;
};

class ProgramRun {
 public:
  // `gradients`: the block that Program's places count from; empty when there are none.
  explicit ProgramRun(std::shared_ptr<const Program> program, Tensor gradients = {})
      : program_(std::move(program)),
        gradients_(std::move(gradients)),
        instance_(program_->plan_, gradients_.defined() ? gradients_.view().data : nullptr) {}

  [[nodiscard]] const Program& program() const { return *program_; }
  [[nodiscard]] const std::shared_ptr<const Program>& shared_program() const { return program_; }
  // Where the batch is put before each run (y stays readable after it); empty handles for what was not given.
  [[nodiscard]] std::vector<Tensor> x() const { return inputs(program_->x_); }
  [[nodiscard]] std::vector<Tensor> y() const { return inputs(program_->y_); }
  [[nodiscard]] std::vector<Tensor> weights() const { return inputs(program_->weights_); }
  // Changes nothing but memory of its own; commit() makes what lasts, the optimizer's update apart.
  void run(std::uint64_t step = 0) { instance_.run(step); }
  void commit() { instance_.commit(); }
  // In memory that each run fills anew. Losses as StepFunctions::losses gave them.
  [[nodiscard]] std::vector<Tensor> losses() const;
  [[nodiscard]] std::vector<Tensor> predicted() const;
  [[nodiscard]] const Tensor& gradients() const { return gradients_; }
  [[nodiscard]] plan::Instance& instance() { return instance_; }

 private:
  [[nodiscard]] std::vector<Tensor> inputs(const std::vector<std::size_t>& numbers) const;
  std::shared_ptr<const Program> program_;
  Tensor gradients_;
  plan::Instance instance_;
};

class Programs {
 public:
  struct Key {
    Mode mode = Mode::predict;
    StepTypes types;
    int threads = 0;                 // calls are prepared for a number of threads
    std::vector<const void*> facts;  // addresses and flags of what was captured: loss, weights, what trains
    std::vector<std::shared_ptr<const void>>
        held;  // what the addresses belong to: kept, so that no other object comes to lie there
  };
  // A run for one user at a time; it goes back when the lease ends.
  class Lease {
   public:
    Lease(Programs& home, Key key, std::unique_ptr<ProgramRun> run) : home_(&home), key_(std::move(key)), run_(std::move(run)) {}
    Lease(Lease&&) = default;
    ~Lease() {
      if (run_) home_->give_back(std::move(key_), std::move(run_));
    }
    ProgramRun& operator*() const { return *run_; }
    ProgramRun* operator->() const { return run_.get(); }

   private:
    Programs* home_;
    Key key_;
    std::unique_ptr<ProgramRun> run_;
  };
  // A run that is kept for this key, or a new one; `make` captures when there is no program either.
  Lease take(Key key, const std::function<std::shared_ptr<const Program>()>& make, const Tensor& gradients = {});
  // Memory for the gradients of one training at a time: the same block as long as its size stays.
  Tensor gradient_block(Dim bytes);
  void clear();

 private:
  struct Kept {
    Key key;
    std::shared_ptr<const Program> program;
    std::vector<std::unique_ptr<ProgramRun>> idle;
  };
  void give_back(Key key, std::unique_ptr<ProgramRun> run);
  std::mutex mutex_;
  Tensor gradients_;
  std::list<Kept> kept_;  // most recently used first
};

}  // namespace nacre::model
