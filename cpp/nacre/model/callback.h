// What fit, evaluate and predict tell and take: logs, callbacks, options, history. Names and meaning as in Keras.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nacre/io/config.h"
#include "nacre/tensor/tensor.h"

namespace nacre::model {

// Metrics by name, "loss" first.
struct Logs {
  std::vector<std::pair<std::string, double>> values;
  // The value of this name; ValueError naming the known ones.
  [[nodiscard]] NACRE_API double operator[](std::string_view name) const;
  [[nodiscard]] bool contains(std::string_view name) const {
    for (const auto& [key, value] : values) {
      if (key == name) return true;
    }
    return false;
  }
};

// What a callback wants to be called for, besides begin and end of things.
enum Wants : unsigned { kTrainBatches = 1, kTestBatches = 2, kPredictBatches = 4, kProgress = 8 };

// Base of callbacks. Epochs and batches count from 0. Hooks run on the thread that called fit, without any lock held; an exception ends the
// call. To end training, set the model's stop flag (Model::set_stop_training).
class NACRE_API Callback {
 public:
  virtual ~Callback();
  [[nodiscard]] virtual unsigned wants() const { return 0; }
  virtual void on_train_begin() {}
  virtual void on_train_end(const Logs& logs) { (void)logs; }
  virtual void on_epoch_begin(std::int64_t epoch) { (void)epoch; }
  virtual void on_epoch_end(std::int64_t epoch, const Logs& logs) { (void)epoch, (void)logs; }
  virtual void on_train_batch_begin(std::int64_t batch) { (void)batch; }
  virtual void on_train_batch_end(std::int64_t batch, const Logs& logs) { (void)batch, (void)logs; }
  virtual void on_test_begin() {}
  virtual void on_test_end(const Logs& logs) { (void)logs; }
  virtual void on_test_batch_begin(std::int64_t batch) { (void)batch; }
  virtual void on_test_batch_end(std::int64_t batch, const Logs& logs) { (void)batch, (void)logs; }
  virtual void on_predict_begin() {}
  virtual void on_predict_end() {}
  virtual void on_predict_batch_begin(std::int64_t batch) { (void)batch; }
  virtual void on_predict_batch_end(std::int64_t batch) { (void)batch; }
  // `steps` steps of this epoch are over. Called at most ten times a second, and only in phases whose batch hooks are not wanted.
  virtual void on_progress(std::int64_t steps, const Logs& logs) { (void)steps, (void)logs; }
};

// Weight of each class: pairs (label, weight); labels that are not there weigh 1.
using ClassWeight = std::vector<std::pair<std::int64_t, double>>;

// The arrays of a run, one for each input or output of the model; one array serves where the model has one.
struct Arrays {
  std::vector<Tensor> list;
  Arrays() = default;
  Arrays(Tensor one) {  // NOLINT: fit(x, y) is what users write
    if (one.defined()) list.push_back(std::move(one));
  }
  Arrays(std::vector<Tensor> many) : list(std::move(many)) {}  // NOLINT
  Arrays(std::initializer_list<Tensor> many) : list(many) {}   // fit({a, b}, y)
  [[nodiscard]] bool defined() const {
    for (const Tensor& t : list) {
      if (t.defined()) return true;
    }
    return false;
  }
};

struct FitOptions {
  Dim batch_size = 32, epochs = 1, initial_epoch = 0;
  double validation_split = 0;  // share of the rows, taken from the end before shuffling
  bool shuffle = true;
  ClassWeight class_weight = {};
  Arrays sample_weight = {};  // one for all outputs, or one for each
  Arrays validation_x = {}, validation_y = {}, validation_sample_weight = {};
  std::optional<Dim> steps_per_epoch = {}, validation_steps = {}, validation_batch_size = {};
  Ints validation_freq = 1;  // every so many epochs, or a list of epochs counted from 1
  Callback* callback = nullptr;
};

struct EvaluateOptions {
  Dim batch_size = 32;
  Arrays sample_weight = {};
  std::optional<Dim> steps = {};
  Callback* callback = nullptr;
};

struct PredictOptions {
  Dim batch_size = 32;
  std::optional<Dim> steps = {};
  Callback* callback = nullptr;
};

// What fit returns: one value per epoch for each metric.
struct History {
  std::vector<std::int64_t> epoch;
  std::vector<std::pair<std::string, std::vector<double>>> history;
  [[nodiscard]] NACRE_API const std::vector<double>& operator[](std::string_view name) const;
};

}  // namespace nacre::model
