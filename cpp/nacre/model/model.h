// Model: what every kind of model has - weights, compile, fit, evaluate, predict, files. Kinds: Sequential (a stack of layers), Functional (a
// graph with several inputs and outputs), and in the bindings models whose function is written in Python. The same classes serve C++ and Python.
//
// A model is a layer, so models nest. As a layer its weights are named "<layer>/<weight>".
//
// Random numbers of a call are keyed by {seed of the model, position of the layer, number of the training call}, so fit, train_on_batch and a
// hand-written loop give the same bits, with any number of threads. Several threads may call predict, evaluate and call at once, also
// while one thread trains: a lock keeps them apart from the optimizer's update. (The lock is the model's own: a model that is nested in the
// one that trains, or shares layers with it, must not be asked from another thread meanwhile.) Structure and compile are for one thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "nacre/metrics/metric.h"
#include "nacre/model/callback.h"
#include "nacre/model/objective.h"
#include "nacre/model/program.h"
#include "nacre/model/read_write_lock.h"
#include "nacre/model/sessions.h"
#include "nacre/nn/layer.h"
#include "nacre/optim/optimizer.h"

namespace nacre::model {

class Meter;
struct ModelState;

// Makes the layers of a configuration; bindings give one that knows Python's classes too.
using LayerMaker = std::function<std::shared_ptr<nn::Layer>(std::string_view class_name, const Json& config)>;
// Layers of the registry, and what only models hold: Operation, GetItem, Sequential, Functional. ValueError for everything else.
NACRE_API std::shared_ptr<nn::Layer> make_layer(std::string_view class_name, const Json& config);

// Gives the layers of one model unique names: those that were given, or that another model knows its layer by, stay; the others go around them.
NACRE_API void name_layers(std::span<const std::shared_ptr<nn::Layer>> layers);

class NACRE_API Model : public nn::Layer {
 public:
  ~Model() override;

  // ---- structure ----
  void set_name(std::string name);
  [[nodiscard]] virtual std::vector<std::shared_ptr<nn::Layer>> layers() const = 0;
  [[nodiscard]] std::shared_ptr<nn::Layer> layer(std::string_view name) const;
  // Names of inputs and outputs: dictionaries and logs use them.
  [[nodiscard]] virtual std::vector<std::string> input_names() const = 0;
  [[nodiscard]] virtual std::vector<std::string> output_names() const = 0;
  // With nn::kUnknown for the batch; StateError before build. The one of the only input or output; ValueError when there are several.
  [[nodiscard]] virtual std::vector<Shape> given_shapes() const = 0;
  [[nodiscard]] virtual std::vector<Shape> result_shapes() const = 0;
  [[nodiscard]] Shape input_shape() const;
  [[nodiscard]] Shape output_shape() const;
  using nn::Layer::output_shape;
  // Makes the weights for inputs of these shapes; the first size is the batch and may be nn::kUnknown.
  using nn::Layer::build;
  [[nodiscard]] bool trainable() const override;
  void set_trainable(bool on) override;
  [[nodiscard]] Dim count_params() const;
  // The table that Keras prints. `ascii` draws the frame in ASCII.
  [[nodiscard]] std::string summary(bool ascii = false) const;
  [[nodiscard]] bool takes_list() const override { return false; }
  // Fills an empty model from the config() of one of its class.
  virtual void apply_config(const Json& config, const LayerMaker& make = make_layer) = 0;

  // ---- weights ----
  // All weights with their full names "dense/kernel", in the order of the layers, each once.
  [[nodiscard]] std::vector<nn::Variable> weights() const override;
  void add_facts(std::vector<const void*>& facts) const override;
  [[nodiscard]] std::vector<optim::Parameter> trainable_weights() const;
  [[nodiscard]] std::vector<Tensor> get_weights() const;      // copies
  void set_weights(std::span<const Tensor> values) override;  // all or none; ShapeError naming the weight

  // ---- use ----
  // Runs the layers; records gradients where they are wanted. A training call draws fresh random numbers.
  std::vector<Tensor> call(const Arrays& x, bool training);
  Tensor call(const Tensor& x, bool training = false);
  Tensor operator()(const Tensor& x, bool training = false) { return call(x, training); }
  using nn::Layer::operator();

  void compile(const CompileOptions& options);
  // From {"optimizer", "loss", "metrics"} with {"class_name", "config"} each.
  using OptimizerMaker = model::OptimizerMaker;
  void compile_from_config(const Json& config, const OptimizerMaker& make = optim::make_optimizer);
  [[nodiscard]] Json compile_config() const;  // null before compile
  [[nodiscard]] bool compiled() const { return static_cast<bool>(objective_); }
  [[nodiscard]] const std::shared_ptr<optim::Optimizer>& optimizer() const { return objective_.optimizer; }
  [[nodiscard]] std::shared_ptr<metrics::Loss> loss() const { return objective_ ? objective_.loss(0) : nullptr; }
  [[nodiscard]] std::vector<std::string> metrics_names() const;
  // Eager steps call the layers each time, where others run a captured plan: slower, for looking into a model's own code. The bits are the same.
  void set_run_eagerly(bool on) { run_eagerly_ = on; }
  [[nodiscard]] bool run_eagerly() const { return run_eagerly_; }

  // x: [N, ...] for each input, y: N rows of targets for each output. Floating-point arrays are read as the model's dtype. The last, smaller
  // batch is kept; losses are means over rows. Interrupted when Ctrl-C came or request_stop() was called: the step in progress was dropped,
  // the model is usable.
  History fit(const Arrays& x, const Arrays& y, const FitOptions& options = {});
  Logs evaluate(const Arrays& x, const Arrays& y, const EvaluateOptions& options = {});
  std::vector<Tensor> predict_all(const Arrays& x, const PredictOptions& options = {});
  Tensor predict(const Arrays& x, const PredictOptions& options = {});  // of the only output
  // One step with these rows; the metrics of these rows alone, taken before the update.
  Logs train_on_batch(const Arrays& x, const Arrays& y, const Arrays& sample_weight = {}, const ClassWeight& class_weight = {});
  Logs test_on_batch(const Arrays& x, const Arrays& y, const Arrays& sample_weight = {});
  std::vector<Tensor> predict_on_batch_all(const Arrays& x, std::string_view method = "predict_on_batch");  // `method` begins messages
  Tensor predict_on_batch(const Arrays& x);
  // The same where the last calls were for arrays like these and took no more than some milliseconds, or nothing: without a guard for Ctrl-C, which
  // acts after the call.
  std::optional<Logs> train_on_batch_again(const Arrays& x, const Arrays& y);
  std::optional<std::vector<Tensor>> predict_on_batch_again(const Arrays& x);
  // The captured steps that fit (Mode::train), evaluate and predict run for batches like these, as a table: ops, shapes, places in memory, flops,
  // bytes, the arena against the sum of all values. `profile` adds the time of each step, the mean of some runs; nothing is changed. StateError
  // with run_eagerly.
  [[nodiscard]] std::string plan(Mode mode, const Arrays& x, const Arrays& y = {}, bool profile = false);
  void set_stop_training(bool on) { stop_training_ = on; }
  [[nodiscard]] bool stop_training() const { return stop_training_; }

  // ---- files (model_file.h says what is inside) ----
  void save(const std::string& path) const;
  void save_weights(const std::string& path) const;
  void load_weights(const std::string& path);
  // Fills an empty model from a file of save(). When it throws, the model is of no use. `make` builds the optimizer, `make_layer` the layers
  // (bindings wrap both).
  void load(const std::string& path, const OptimizerMaker& make = optim::make_optimizer, const LayerMaker& layers = make_layer);

  // Key of the model's random numbers, and how far they were used: training calls, epochs of fit.
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  [[nodiscard]] std::uint64_t training_calls() const { return training_calls_; }
  [[nodiscard]] std::uint64_t epochs_trained() const { return epochs_trained_; }

 protected:
  explicit Model(std::string_view class_name, std::string name, bool name_given = false);

  // The function of a built model.
  [[nodiscard]] virtual std::vector<Tensor> forward(std::span<const Tensor> x, const nn::CallContext& context) = 0;
  // Builds for data of these types when that has not happened. StateError when there is nothing to build.
  virtual void ensure_built(std::string_view method, std::span<const Tensor> x) = 0;
  [[nodiscard]] virtual bool empty() const = 0;  // nothing was added yet
  [[nodiscard]] virtual DType input_dtype() const;
  [[nodiscard]] virtual std::vector<DType> output_dtypes() const = 0;
  // The layers that give the outputs, where they are known.
  [[nodiscard]] virtual std::vector<std::shared_ptr<nn::Layer>> output_layers() const = 0;
  // Called as a layer of another model.
  [[nodiscard]] Tensor run_one(const Tensor& x, const nn::CallContext& context) override;
  [[nodiscard]] std::vector<Tensor> run(std::span<const Tensor> inputs, const nn::CallContext& context) override;
  [[nodiscard]] Tensor call(const Tensor& x, const nn::CallContext& context) const override { return (void)context, x; }
  // A unique name among `layers`, and a stream of random numbers. ValueError when two were given the same name.
  static void place(std::string_view method, std::span<const std::shared_ptr<nn::Layer>> layers, nn::Layer& layer);
  // ValueError when the model would contain itself.
  void check_no_cycle(std::string_view method, const nn::Layer& layer) const;
  void check_structure(std::string_view method) const;  // nobody trains, callbacks of fit included
  void forget_optimizer_state();                        // after a change of the layers
  [[nodiscard]] static Json layer_spec(const nn::Layer& layer) { return spec(layer.class_name(), layer.config()); }
  // One row of the summary.
  struct Row {
    const nn::Layer* layer;
    std::string shape, connected;
  };
  [[nodiscard]] virtual std::vector<Row> summary_rows() const = 0;
  [[nodiscard]] static std::string shape_text(const Shape& s);
  [[nodiscard]] static Json shape_to_json(const Shape& s);
  [[nodiscard]] static Shape shape_from_json(const Json& j, std::string_view what);

  std::mutex build_lock_;

 private:
  friend class Runs;
  friend class Session;
  friend class Training;
  friend class TrainingTurn;
  friend struct ModelState;

  void require_compiled(std::string_view method) const;
  [[nodiscard]] bool changes_in_forward() const;     // some layer updates weights during a training call
  void check_writer(std::string_view method) const;  // no other thread trains
  void check_inputs(std::string_view method, const Arrays& x) const;
  void check_targets(std::string_view method, const Arrays& y, const Arrays& sample_weight) const;
  void check_results(std::string_view method, std::size_t results) const;
  void warn_about_pairs();
  Logs run_test(std::string_view method, const Arrays& x, const Arrays& y, const EvaluateOptions& options, Meter& meter);

  Objective objective_;
  bool run_eagerly_ = false;
  bool pairs_checked_ = false;
  std::uint64_t seed_;
  std::atomic<std::uint64_t> training_calls_{0}, epochs_trained_{0};
  std::atomic<bool> stop_training_{false};
  std::atomic<std::thread::id> trainer_{};  // the thread inside fit or train_on_batch
  mutable ReadWriteLock weights_lock_;
  Programs programs_;
  Sessions sessions_;  // gives runs back to programs_, so it goes first
};

}  // namespace nacre::model
