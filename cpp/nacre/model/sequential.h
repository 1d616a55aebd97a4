// Sequential: a stack of layers that is trained, evaluated, asked and saved. The same class serves C++ programs and Python.
//
//   Sequential model;
//   model.add<nn::Dense>({.units = 64, .activation = "relu"});
//   model.add<nn::Dense>({.units = 10});
//   model.compile({.optimizer = "adam", .loss = loss, .metrics = {"accuracy"}});
//   model.fit(x, y, {.epochs = 5});
//
// Random numbers of a call are keyed by {seed of the model, position of the layer, number of the training call}, so fit, train_on_batch and a
// hand-written loop give the same bits, with any number of threads. Several threads may call predict, evaluate and call at once, also
// while one thread trains: a lock keeps them apart from the optimizer's update. Structure (add, pop, compile) is for one thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "nacre/metrics/metric.h"
#include "nacre/model/callback.h"
#include "nacre/model/program.h"
#include "nacre/model/read_write_lock.h"
#include "nacre/nn/layer.h"
#include "nacre/optim/optimizer.h"

namespace nacre::model {

// An optimizer, loss or metric of compile: its name, or an object.
template <class T>
struct NameOr {
  std::string name;
  std::shared_ptr<T> object;
  NameOr() = default;
  NameOr(const char* word) : name(word) {}                      // NOLINT: .optimizer = "adam" is what users write
  NameOr(std::string word) : name(std::move(word)) {}           // NOLINT
  NameOr(std::shared_ptr<T> made) : object(std::move(made)) {}  // NOLINT
};

struct CompileOptions {
  NameOr<optim::Optimizer> optimizer = "rmsprop";
  NameOr<metrics::Loss> loss = {};
  std::vector<NameOr<metrics::Metric>> metrics = {};
};

class Meter;
struct BatchSource;
struct ModelState;

class NACRE_API Sequential {
 public:
  explicit Sequential(std::string name = "sequential");
  ~Sequential();
  Sequential(const Sequential&) = delete;
  Sequential& operator=(const Sequential&) = delete;

  // ---- structure ----
  [[nodiscard]] const std::string& name() const { return name_; }
  void set_name(std::string name);
  // Adds a layer at the end; an InputLayer comes first and gives the input shape. A name that was not given is made unique ("dense_1").
  void add(std::shared_ptr<nn::Layer> layer);
  template <class L>
  std::shared_ptr<L> add(typename L::OptionsType options = {}, nn::LayerCommon common = {}) {
    auto layer = std::make_shared<L>(std::move(options), std::move(common));
    add(std::static_pointer_cast<nn::Layer>(layer));
    return layer;
  }
  // Takes the last layer off and returns it.
  std::shared_ptr<nn::Layer> pop();
  [[nodiscard]] const std::vector<std::shared_ptr<nn::Layer>>& layers() const { return layers_; }
  [[nodiscard]] std::shared_ptr<nn::Layer> layer(std::string_view name) const;
  // Makes the weights for inputs of this shape; the first size is the batch and may be nn::kUnknown.
  void build(const Shape& input);
  [[nodiscard]] bool built() const { return built_.load(std::memory_order_acquire); }
  // With nn::kUnknown for the batch; StateError before build.
  [[nodiscard]] const Shape& input_shape() const;
  [[nodiscard]] Shape output_shape() const;
  void set_trainable(bool on);
  [[nodiscard]] Dim count_params() const;
  // The table that Keras prints. `ascii` draws the frame in ASCII.
  [[nodiscard]] std::string summary(bool ascii = false) const;
  // {"name", "layers": [{"class_name", "config"}, ...], "build_input_shape"}; from_config makes the same model, with new weights when it was built.
  [[nodiscard]] Json config() const;
  void apply_config(const Json& config);  // on an empty model
  static std::shared_ptr<Sequential> from_config(const Json& config);

  // ---- weights ----
  // All weights with their full names "dense/kernel", in the order of the layers.
  [[nodiscard]] std::vector<nn::Variable> weights() const;
  [[nodiscard]] std::vector<optim::Parameter> trainable_weights() const;
  [[nodiscard]] std::vector<Tensor> get_weights() const;  // copies
  void set_weights(std::span<const Tensor> values);       // all or none; ShapeError naming the weight

  // ---- use ----
  // Runs the layers; records gradients where they are wanted. A training call draws fresh random numbers.
  Tensor call(const Tensor& x, bool training = false);
  Tensor operator()(const Tensor& x, bool training = false) { return call(x, training); }

  void compile(const CompileOptions& options);
  // From {"optimizer", "loss", "metrics"} with {"class_name", "config"} each.
  using OptimizerMaker = std::function<std::shared_ptr<optim::Optimizer>(std::string_view class_name, const Json& config)>;
  void compile_from_config(const Json& config, const OptimizerMaker& make = optim::make_optimizer);
  [[nodiscard]] Json compile_config() const;  // null before compile
  [[nodiscard]] bool compiled() const { return loss_ != nullptr; }
  [[nodiscard]] const std::shared_ptr<optim::Optimizer>& optimizer() const { return optimizer_; }
  [[nodiscard]] const std::shared_ptr<metrics::Loss>& loss() const { return loss_; }
  [[nodiscard]] std::vector<std::string> metrics_names() const;

  // x: [N, ...], y: N rows of targets. Floating-point arrays are read as the model's dtype. The last, smaller batch is kept; losses are means
  // over rows. Interrupted when Ctrl-C came or request_stop() was called: the step in progress was dropped, the model is usable.
  History fit(const Tensor& x, const Tensor& y, const FitOptions& options = {});
  Logs evaluate(const Tensor& x, const Tensor& y, const EvaluateOptions& options = {});
  Tensor predict(const Tensor& x, const PredictOptions& options = {});
  // One step with these rows; the metrics of these rows alone, taken before the update.
  Logs train_on_batch(const Tensor& x, const Tensor& y, const Tensor& sample_weight = {}, const ClassWeight& class_weight = {});
  Logs test_on_batch(const Tensor& x, const Tensor& y, const Tensor& sample_weight = {});
  Tensor predict_on_batch(const Tensor& x);
  void set_stop_training(bool on) { stop_training_ = on; }
  [[nodiscard]] bool stop_training() const { return stop_training_; }

  // ---- files (model_file.h says what is inside) ----
  void save(const std::string& path) const;
  void save_weights(const std::string& path) const;
  void load_weights(const std::string& path);
  // Fills an empty model from a file of save(). When it throws, the model is of no use. `make` builds the optimizer (bindings wrap it).
  void load(const std::string& path, const OptimizerMaker& make = optim::make_optimizer);

  // Key of the model's random numbers, and how far they were used: training calls, epochs of fit.
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  [[nodiscard]] std::uint64_t training_calls() const { return training_calls_; }
  [[nodiscard]] std::uint64_t epochs_trained() const { return epochs_trained_; }

 private:
  friend class Runs;
  friend class Training;
  friend class TrainingTurn;
  friend struct ModelState;

  void accept(nn::Layer& layer);
  Tensor forward(const Tensor& x, const nn::CallContext& context) const;
  void ensure_built(const Shape& data);
  void require_compiled(std::string_view method) const;
  [[nodiscard]] DType input_dtype() const;
  [[nodiscard]] DType output_dtype() const;
  [[nodiscard]] bool changes_in_forward() const;        // some layer updates weights during a training call
  void check_writer(std::string_view method) const;     // no other thread trains
  void check_structure(std::string_view method) const;  // nobody trains, callbacks of fit included
  void warn_about_pairs();
  [[nodiscard]] StepFunctions step_functions(std::string_view method) const;
  [[nodiscard]] Programs::Key program_key(Mode mode, const BatchSource& source, Dim rows) const;
  Logs run_test(std::string_view method, const Tensor& x, const Tensor& y, const EvaluateOptions& options, Meter& meter);

  std::string name_;
  std::vector<std::shared_ptr<nn::Layer>> layers_;
  std::shared_ptr<nn::Layer> input_layer_;
  bool input_casts_ = false;          // the InputLayer was given a dtype
  std::optional<Shape> given_shape_;  // from an InputLayer or build
  std::atomic<bool> built_{false};
  std::shared_ptr<optim::Optimizer> optimizer_;
  std::shared_ptr<metrics::Loss> loss_;
  Json metric_specs_;  // [{"class_name", "config"}]: each loop makes its own metric objects
  bool pairs_checked_ = false;

  std::uint64_t seed_;
  std::atomic<std::uint64_t> training_calls_{0}, epochs_trained_{0};
  std::atomic<bool> stop_training_{false};
  std::atomic<std::thread::id> trainer_{};  // the thread inside fit or train_on_batch
  mutable ReadWriteLock weights_lock_;
  Programs programs_;
  std::mutex build_lock_;
};

}  // namespace nacre::model
