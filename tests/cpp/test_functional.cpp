// Graphs of layer calls as models: values against the layers alone, several inputs and outputs, shared layers, nesting, files, checks.
#include <cmath>
#include <filesystem>

#include <doctest/doctest.h>

#include "model_test.h"

using namespace model_test;
using nacre::Dim;
using nacre::Json;
using nacre::Shape;
namespace nn = nacre::nn;
namespace model = nacre::model;
using model::Functional;
using model::Symbol;

namespace {

std::string message_of(auto&& call) {
  try {
    call();
  } catch (const nacre::Error& e) {
    return e.what();
  }
  return "no error";
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

template <class L>
std::shared_ptr<L> layer(typename L::OptionsType options = {}, nn::LayerCommon common = {}) {
  return std::make_shared<L>(std::move(options), std::move(common));
}

// x + tanh(dense(x)) and its mean with the second input.
std::shared_ptr<Functional> two_by_two(std::uint64_t seed = 1) {
  nacre::set_random_seed(seed);
  const Symbol a = model::input({4}, {}, "a"), b = model::input({4}, {}, "b");
  const Symbol h = model::call(layer<nn::Dense>({.units = 4, .activation = "tanh"}), a);
  const Symbol both[] = {a, h};
  const Symbol sum = model::call(layer<nn::Add>(), both)[0];
  const Symbol pair[] = {model::call(layer<nn::Dropout>({.rate = 0.25}), sum), b};
  const Symbol joined = model::call(layer<nn::Concatenate>(), pair)[0];
  return std::make_shared<Functional>(
      std::vector<Symbol>{a, b},
      std::vector<Symbol>{model::call(layer<nn::Dense>({.units = 3, .activation = "softmax"}, {.name = "classes"}), joined),
                          model::call(layer<nn::Dense>({.units = 1}, {.name = "size"}), joined)});
}

}  // namespace

TEST_CASE("a graph gives what its layers give, and knows its shapes") {
  const Points p = points(8);
  const auto dense = layer<nn::Dense>({.units = 4, .activation = "tanh"});
  const Symbol x = model::input({4});
  CHECK(x.shape() == Shape{nn::kUnknown, 4});
  const Symbol both[] = {x, model::call(dense, x)};
  Functional m({x}, {model::call(layer<nn::Add>(), both)[0]});
  CHECK(m.input_shape() == Shape{nn::kUnknown, 4});
  CHECK(m.output_shape() == Shape{nn::kUnknown, 4});
  CHECK(m.count_params() == 20);
  CHECK(bits(m(p.x)) == bits(nacre::add(p.x, (*dense)(p.x))));
  CHECK(bits(m.predict(p.x)) == bits(m(p.x)));
  CHECK(has(m.summary(), "input_layer[0][0], dense[0][0]"));
}

TEST_CASE("two inputs and two outputs: fit, train_on_batch and threads give the same bits") {
  const Points p = points(60), q = points(60, 9);
  const model::CompileOptions options{.optimizer = "adam",
                                      .losses = {"sparse_categorical_crossentropy", "mse"},
                                      .loss_weights = {1.0, 0.5},
                                      .output_metrics = {{"accuracy"}, {}}};
  const Tensor size = Tensor::of(std::vector<float>(60, 0.5f), {60, 1});
  auto by_fit = two_by_two(), by_batch = two_by_two();
  by_fit->compile(options);
  by_batch->compile(options);
  CHECK(by_fit->metrics_names() == std::vector<std::string>{"loss", "classes_loss", "size_loss", "classes_accuracy"});
  model::History h;
  {
    const Threads one(1);
    h = by_fit->fit({p.x, q.x}, {p.y, size}, {.batch_size = 60, .epochs = 30, .shuffle = false});
  }
  {
    const Threads two(2);
    for (int i = 0; i < 30; ++i) by_batch->train_on_batch({p.x, q.x}, {p.y, size});
  }
  CHECK(bits(*by_fit) == bits(*by_batch));
  CHECK(h["loss"].back() < h["loss"].front());
  const model::Logs tested = by_fit->evaluate({p.x, q.x}, {p.y, size});
  CHECK(std::abs(tested["loss"] - (tested["classes_loss"] + 0.5 * tested["size_loss"])) < 1e-6);
  CHECK(by_fit->predict_all({p.x, q.x}).size() == 2);
}

TEST_CASE("a shared layer has one set of weights, a nested model keeps its own names") {
  const Points p = points(6);
  const auto shared = layer<nn::Dense>({.units = 4});
  const Symbol x = model::input({4});
  auto inner = std::make_shared<Functional>(std::vector<Symbol>{x},
                                            std::vector<Symbol>{model::call(shared, model::call(shared, x))}, "inner");
  CHECK(inner->weights().size() == 2);
  CHECK(bits((*inner)(p.x)) == bits((*shared)((*shared)(p.x))));
  Sequential outer;
  outer.add(inner);
  outer.add<nn::Dense>({.units = 2});
  outer.build(Shape{nn::kUnknown, 4});
  CHECK(outer.weights()[0].name == "inner/dense/kernel");
  CHECK(outer.weights()[2].name == "dense/kernel");
  CHECK(has(message_of([&] { outer.add(std::shared_ptr<nn::Layer>(&outer, [](nn::Layer*) {})); }), "layer of itself"));
}

TEST_CASE("a step that fails leaves no trace") {
  auto m = two_by_two();
  m->compile({.optimizer = "sgd", .losses = {"sparse_categorical_crossentropy", "mse"}});
  const Points p = points(6);
  const Tensor labels = Tensor::of(std::vector<std::int32_t>(6, 7), {6}), size = Tensor::of(std::vector<float>(6, 0.0f), {6, 1});
  const auto before = bits(*m);
  CHECK(message_of([&] { m->train_on_batch({p.x, p.x}, {labels, size}); }) != "no error");
  CHECK(bits(*m) == before);
  CHECK(m->training_calls() == 0);
}

TEST_CASE("files and configurations bring graphs back, and refuse what is no graph") {
  const Points p = points(12);
  auto m = two_by_two();
  m->compile({.optimizer = "adam", .losses = {"sparse_categorical_crossentropy", {}}});
  const Tensor none;
  m->fit({p.x, p.x}, {p.y, none}, {.epochs = 2});
  const std::string path = (std::filesystem::temp_directory_path() / "nacre_test_functional.nacre").string();
  m->save(path);
  const auto loaded = model::load_model(path);
  CHECK(loaded->class_name() == "Functional");
  CHECK(loaded->config() == m->config());
  CHECK(loaded->compile_config() == m->compile_config());
  m->fit({p.x, p.x}, {p.y, none});
  loaded->fit({p.x, p.x}, {p.y, none});
  CHECK(bits(*loaded) == bits(*m));
  CHECK(has(message_of([&] { Sequential().load(path); }), "class 'Functional'"));
  std::filesystem::remove(path);

  Json config = m->config();
  config["outputs"] = Json::array({Json::array({0, 3})});
  CHECK(has(message_of([&] { Functional().apply_config(config); }), "names no result"));
}

TEST_CASE("what does not hang together is refused with its names") {
  const Symbol a = model::input({4}, {}, "a"), b = model::input({3}, {}, "b");
  const Symbol both[] = {a, b};
  const Symbol joined = model::call(layer<nn::Concatenate>(), both)[0];
  CHECK(has(message_of([&] { Functional({a}, {joined}); }), "need the input 'b' of shape [-1, 3]"));
  CHECK(has(message_of([&] { Functional({a, b}, {model::call(layer<nn::Dense>({.units = 2}), a)}); }), "the input 'b'"));
  CHECK(has(message_of([&] { (void)model::call(layer<nn::Add>(), both); }), "[-1, 4], [-1, 3]"));
  Functional m({a, b}, {joined});
  const Points p = points(4);
  CHECK(has(message_of([&] { m.predict(p.x); }), "2 inputs (a, b), but x has 1"));
  CHECK(has(message_of([&] { m.predict({p.x, p.x}); }), "input 'b' must have shape [-1, 3]"));
  CHECK(has(message_of([&] { m.compile({.losses = {"mse", "mse"}}); }), "1 output, but losses were given for 2"));
}
