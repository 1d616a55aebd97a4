// Sequential and its loops: the worked example, equal bits on every way to train, threads, stops, callbacks, checks.
#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

#include <doctest/doctest.h>

#include "model_test.h"

using namespace model_test;
using nacre::Dim;
using nacre::Shape;
namespace nn = nacre::nn;
namespace model = nacre::model;

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

std::vector<std::string> g_warnings;
struct CollectWarnings {
  CollectWarnings() : before(nacre::set_warning_hook([](std::string_view w) { g_warnings.emplace_back(w); })) {
    g_warnings.clear();
  }
  ~CollectWarnings() { nacre::set_warning_hook(before); }
  nacre::WarningHook before;
};

}  // namespace

TEST_CASE("the worked example: h = w1 x + b1, g = w2 h + b2, one step of SGD, to 1e-12") {
  const std::vector<double> xs{0.5, -1.25, 2.0, 0.75}, ys{1.0, 0.5, -2.0, 0.25};
  const double w1 = 0.7, b1 = -0.2, w2 = -1.3, b2 = 0.4, rate = 0.01;
  Sequential m;
  m.add<nn::Dense>({.units = 1}, {.dtype = "float64"});
  m.add<nn::Dense>({.units = 1}, {.dtype = "float64"});
  m.build({nn::kUnknown, 1});
  const auto number = [](double v, Shape s) { return Tensor::of(std::vector<double>{v}, s); };
  m.set_weights(std::vector<Tensor>{number(w1, {1, 1}), number(b1, {1}), number(w2, {1, 1}), number(b2, {1})});
  m.compile({.optimizer = "sgd", .loss = "mse"});
  const model::Logs logs = m.train_on_batch(Tensor::of(xs, {4, 1}), Tensor::of(ys, {4, 1}));

  double loss = 0, d_w1 = 0, d_b1 = 0, d_w2 = 0, d_b2 = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const double h = w1 * xs[i] + b1, e = ys[i] - (w2 * h + b2);
    loss += e * e / 4;
    d_w1 += -2.0 / 4 * e * w2 * xs[i];
    d_b1 += -2.0 / 4 * e * w2;
    d_w2 += -2.0 / 4 * e * h;
    d_b2 += -2.0 / 4 * e;
  }
  const std::vector<double> expected{w1 - rate * d_w1, b1 - rate * d_b1, w2 - rate * d_w2, b2 - rate * d_b2};
  CHECK(std::abs(logs["loss"] - loss) < 1e-12);
  const std::vector<Tensor> got = m.get_weights();
  for (std::size_t i = 0; i < 4; ++i) CHECK(std::abs(got[i].item() - expected[i]) < 1e-12);
}

TEST_CASE("fit, train_on_batch and a hand-written loop give the same bits") {
  const Points p = points(50);
  const Dim batch = 16;  // the last one has 2 rows
  auto by_fit = network(), by_batch = network(), by_hand = network();
  by_fit->fit(p.x, p.y, {.batch_size = batch, .epochs = 3, .shuffle = false});

  const auto rows = [&](const Tensor& t, Dim begin, Dim end) {
    nacre::View v = t.view();
    v.shape[0] = end - begin;
    v.data = static_cast<char*>(v.data) + begin * v.strides[0] * size_of(v.dtype);
    return make_view(t.body()->storage, v);
  };
  auto optimizer = nacre::optim::make_optimizer("adam", nacre::Json::object());
  const auto loss_of = nacre::metrics::make_loss("sparse_categorical_crossentropy");
  const auto parameters = by_hand->trainable_weights();
  optimizer->build(parameters);
  for (int epoch = 0; epoch < 3; ++epoch) {
    for (Dim b = 0; b < 50; b += batch) {
      const Tensor x = rows(p.x, b, std::min<Dim>(b + batch, 50)), y = rows(p.y, b, std::min<Dim>(b + batch, 50));
      by_batch->train_on_batch(x, y);
      const Tensor loss = (*loss_of)(y, by_hand->call(x, true));
      loss.backward();
      optimizer->step();
      optimizer->zero_grad();
    }
  }
  CHECK(bits(*by_fit) == bits(*by_batch));
  CHECK(bits(*by_fit) == bits(*by_hand));
  CHECK(bits(*by_fit) != bits(*network()));
}

TEST_CASE("training is the same with 1, 2 and 3 threads") {
  const Points p = points(700);
  std::vector<unsigned char> first;
  for (int threads : {1, 2, 3}) {
    const Threads set(threads);
    auto m = network();
    m->fit(p.x, p.y, {.batch_size = 64, .epochs = 2});
    if (first.empty()) first = bits(*m);
    CHECK(bits(*m) == first);
  }
}

TEST_CASE("it learns; logs, history and evaluate agree") {
  const Points p = points(600);
  auto m = network();
  const model::History h = m->fit(p.x, p.y, {.epochs = 30, .validation_split = 0.25});
  CHECK(h.epoch.size() == 30);
  CHECK(h["loss"].back() < 0.5 * h["loss"].front());
  CHECK(h["val_accuracy"].back() > 0.9);
  CHECK(m->metrics_names() == std::vector<std::string>{"loss", "accuracy"});

  // The last quarter was the validation part.
  nacre::View v = p.x.view();
  v.shape[0] = 150;
  v.data = static_cast<char*>(v.data) + 450 * 4 * 4;
  const Tensor x = make_view(p.x.body()->storage, v);
  nacre::View w = p.y.view();
  w.shape[0] = 150;
  w.data = static_cast<char*>(w.data) + 450 * 4;
  const model::Logs tested = m->evaluate(x, make_view(p.y.body()->storage, w));
  CHECK(tested["loss"] == h["val_loss"].back());
  CHECK(tested["accuracy"] == h["val_accuracy"].back());
}

TEST_CASE("validation_split takes the last rows before shuffling, and they are not trained on") {
  // 10 rows, 0.25: the last 3. Their targets are NaN, which would spread into the weights.
  std::vector<float> x(10, 1.0f), y(10, 2.0f);
  for (std::size_t i = 7; i < 10; ++i) y[i] = NAN;
  Sequential m;
  m.add<nn::Dense>({.units = 1});
  m.compile({.optimizer = "sgd", .loss = "mse"});
  const model::History h =
      m.fit(Tensor::of(x, {10, 1}), Tensor::of(y, {10, 1}), {.batch_size = 2, .epochs = 3, .validation_split = 0.25});
  CHECK(std::isfinite(h["loss"].back()));
  CHECK(std::isnan(h["val_loss"].back()));
  for (const Tensor& t : m.get_weights()) CHECK(std::isfinite(t.item()));
}

TEST_CASE("the smaller last batch counts by its rows") {
  // Frozen weights: the loss of an epoch is the mean over rows, whatever the batches are.
  const std::vector<float> x{1, 2, 3, 4, 5};
  Sequential m;
  m.add<nn::Dense>({.units = 1, .use_bias = false, .kernel_initializer = "ones"}, {.trainable = false});
  m.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor xs = Tensor::of(x, {5, 1}), zeros = Tensor::of(std::vector<float>(5, 0.0f), {5, 1});
  for (Dim batch : {1, 2, 3, 4, 5}) {
    CHECK(m.fit(xs, zeros, {.batch_size = batch})["loss"].back() == doctest::Approx(11.0));
    CHECK(m.evaluate(xs, zeros, {.batch_size = batch})["loss"] == doctest::Approx(11.0));
  }
}

TEST_CASE("class_weight and sample_weight weigh the loss") {
  const std::vector<float> x{1, 2};
  Sequential m;
  m.add<nn::Dense>({.units = 1, .use_bias = false, .kernel_initializer = "ones"}, {.trainable = false});
  m.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor xs = Tensor::of(x, {2, 1}), y = Tensor::of(std::vector<float>{0, 1}, {2, 1});
  // Errors 1 and 1: the mean of the weighted squares.
  CHECK(m.train_on_batch(xs, y)["loss"] == doctest::Approx(1.0));
  CHECK(m.train_on_batch(xs, y, Tensor::of(std::vector<float>{3, 5}, {2}))["loss"] == doctest::Approx(4.0));
  CHECK(m.train_on_batch(xs, y, {}, {{1, 7.0}})["loss"] == doctest::Approx(4.0));
  CHECK(m.train_on_batch(xs, y, Tensor::of(std::vector<float>{3, 5}, {2}), {{0, 2.0}})["loss"] == doctest::Approx(5.5));
}

TEST_CASE("a stop drops the step in progress and leaves a usable model") {
  struct StopAt final : model::Callback {
    std::int64_t at;
    Sequential& m;
    std::vector<unsigned char> before;
    StopAt(std::int64_t step, Sequential& net) : at(step), m(net) {}
    unsigned wants() const override { return model::kTrainBatches; }
    void on_train_batch_begin(std::int64_t b) override {
      if (b != at) return;
      before = bits(m);
      nacre::request_stop();
    }
  };
  const Points p = points(200);
  auto m = network();
  StopAt stop(3, *m);
  const std::string text = message_of([&] { m->fit(p.x, p.y, {.batch_size = 10, .callback = &stop}); });
  CHECK(has(text, "stopped"));
  CHECK(!nacre::stop_requested());
  CHECK(bits(*m) == stop.before);
  CHECK(m->optimizer()->iterations() == 3);
  m->fit(p.x, p.y, {.batch_size = 10});  // goes on
  CHECK(m->optimizer()->iterations() == 23);
}

TEST_CASE("a stop from another thread ends fit") {
  // One step of this network takes long: 400 rows of 1,000 by 1,000.
  Sequential m;
  for (int i = 0; i < 6; ++i) m.add<nn::Dense>({.units = 1000, .activation = "relu"});
  m.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor x = nacre::ones({.shape = {4000, 1000}}), y = nacre::zeros({.shape = {4000, 1000}});
  using Clock = std::chrono::steady_clock;
  Clock::time_point asked;
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    asked = Clock::now();
    nacre::request_stop();
  });
  CHECK_THROWS_AS(m.fit(x, y, {.batch_size = 4000, .epochs = 1000}), nacre::Interrupted);
  const double seconds = std::chrono::duration<double>(Clock::now() - asked).count();
  stopper.join();
  MESSAGE("stopped after ", seconds, " s; meant is 0.1 s, on a quiet machine");
  CHECK(m.optimizer()->iterations() < 1000);
  for (const Tensor& t : m.get_weights()) CHECK(std::isfinite(nacre::sum(t).item()));
}

TEST_CASE("predict runs beside fit in other threads; a second fit is refused") {
  const Points p = points(300);
  auto m = network();
  std::atomic<bool> stop{false}, fitting{false};
  std::atomic<int> predictions{0}, wrong{0}, refused{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&, t] {
      while (!stop) {
        const Tensor out = m->predict(p.x, {.batch_size = 100});
        const auto v = out.to_vector<float>();
        for (std::size_t i = 0; i < v.size(); i += 3) wrong += !(std::abs(v[i] + v[i + 1] + v[i + 2] - 1.0f) < 1e-4f);
        ++predictions;
        if (t > 0 || !fitting) continue;
        try {
          m->train_on_batch(p.x, p.y);
        } catch (const nacre::StateError&) {
          ++refused;
        }
      }
    });
  }
  while (predictions < 3) std::this_thread::yield();
  // Until the other thread met a fit; it may also win the turn, and then the fit is refused.
  int fits = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while ((fits < 3 || refused == 0) && std::chrono::steady_clock::now() < end) {
    try {
      fitting = true;
      m->fit(p.x, p.y, {.batch_size = 20, .epochs = 3});
      ++fits;
    } catch (const nacre::StateError&) {
    }
    fitting = false;
  }
  stop = true;
  for (auto& t : readers) t.join();
  CHECK(fits >= 3);
  CHECK(wrong == 0);
  CHECK(refused > 0);
}

TEST_CASE("callbacks: order, batches only when wanted, stop_training") {
  struct Log final : model::Callback {
    Sequential& m;
    unsigned wanted;
    std::string text;
    Log(Sequential& net, unsigned w) : m(net), wanted(w) {}
    unsigned wants() const override { return wanted; }
    void on_train_begin() override { text += "B"; }
    void on_train_end(const model::Logs&) override { text += "E"; }
    void on_epoch_begin(std::int64_t e) override { text += "<" + std::to_string(e); }
    void on_epoch_end(std::int64_t e, const model::Logs& logs) override {
      text += logs.contains("val_loss") ? "v>" : ">";
      if (e == 2) m.set_stop_training(true);
    }
    void on_train_batch_begin(std::int64_t) override { text += "("; }
    void on_train_batch_end(std::int64_t, const model::Logs&) override { text += ")"; }
    void on_test_begin() override { text += "t"; }
    void on_test_batch_end(std::int64_t, const model::Logs&) override { text += "."; }
    void on_test_end(const model::Logs&) override { text += "T"; }
  };
  const Points p = points(20);
  auto m = network();
  Log quiet(*m, 0), loud(*m, model::kTrainBatches | model::kTestBatches);
  m->fit(p.x, p.y, {.batch_size = 5, .epochs = 9, .validation_split = 0.5, .validation_freq = 2, .callback = &quiet});
  CHECK(quiet.text == "B<0><1tTv><2>E");
  m->fit(p.x, p.y, {.batch_size = 5, .epochs = 1, .validation_split = 0.5, .callback = &loud});
  CHECK(loud.text == "B<0()()t..Tv>E");
}

TEST_CASE("names, pop, configuration, shapes, summary") {
  auto m = network();
  CHECK(m->layers().size() == 4);
  CHECK(m->layers()[3]->name() == "dense_1");
  CHECK(m->count_params() == 4 * 16 + 16 + 4 * 16 + 16 * 3 + 3);
  CHECK(m->output_shape() == Shape{nn::kUnknown, 3});
  const std::string text = m->summary(true);
  for (const char* part : {"Model: \"sequential\"", "dense_1 (Dense)", "(None, 16)", "(None, 3)", "Total params: 195 (780.00 B)",
                           "Trainable params: 163", "Non-trainable params: 32 (128.00 B)"}) {
    CHECK_MESSAGE(has(text, part), text);
  }
  auto copy = Sequential::from_config(m->config());
  CHECK(copy->config() == m->config());
  CHECK(copy->built());
  CHECK(copy->count_params() == m->count_params());
  CHECK(m->pop()->name() == "dense_1");
  CHECK(m->output_shape() == Shape{nn::kUnknown, 16});
  CHECK(has(message_of([&] { m->add<nn::Dense>({.units = 2}, {.name = "dense"}); }), "'dense' already"));
  CHECK(has(message_of([&] { m->add<nn::InputLayer>({.shape = nacre::Json::array({4})}); }), "must be the first"));
  CHECK(m->layers().size() == 3);
}

TEST_CASE("messages of wrong calls name method, argument and value") {
  const Points p = points(20);
  auto m = network();
  const Tensor short_y = Tensor::of(std::vector<std::int32_t>(19, 0), {19});
  CHECK(message_of([&] { m->fit(p.x, short_y); }) == "fit: x has 20 rows but y has 19.");
  CHECK(has(message_of([&] { m->fit(p.x, p.y, {.batch_size = 0}); }), "fit: batch_size must be at least 1, got 0."));
  CHECK(has(message_of([&] { m->fit(p.x, p.y, {.validation_split = 1.0}); }),
            "validation_split must be at least 0 and below 1, got 1"));
  CHECK(has(message_of([&] { m->fit(p.x, p.y, {.validation_split = 0.01}); }), "leaves 19 for training and 1") == false);
  CHECK(has(message_of([&] { m->fit(p.x, p.y, {.validation_split = 1e-20}); }), "leaves 20 for training and 0"));
  CHECK(has(message_of([&] { m->fit(nacre::ones({.shape = {20, 5}}), p.y); }), "[20, 5]"));
  CHECK(has(message_of([&] { m->fit(p.x, nacre::ones({.shape = {20, 4}, .dtype = nacre::DType::int32})); }), "[20, 4]"));
  CHECK(has(message_of([&] { m->fit(p.x, Tensor::of(std::vector<std::int32_t>(20, 3), {20})); }), "3"));
  Sequential raw;
  raw.add<nn::Dense>({.units = 1});
  CHECK(message_of([&] { raw.fit(p.x, p.y); }) == "fit: the model is not compiled. Call model.compile(...) first.");
  CHECK(has(message_of([&] { raw.compile({.optimizer = "adamm", .loss = "mse"}); }), "adamm"));
  CHECK(has(message_of([&] { raw.compile({.loss = "mze"}); }), "mze"));
  CHECK(has(message_of([&] { raw.compile({.loss = "mse", .metrics = {"acuracy"}}); }), "acuracy"));
  CHECK(!raw.compiled());
  CHECK(has(message_of([&] { m->set_weights({}); }), "the model has 8 weights, got 0"));
  m->train_on_batch(p.x, p.y);
  m->layers()[0]->set_trainable(false);
  CHECK(has(message_of([&] { m->train_on_batch(p.x, p.y); }), "Call model.compile(...) again"));
}

TEST_CASE("likely mistakes warn") {
  const CollectWarnings collect;
  const Points p = points(21);
  auto m = network();
  std::vector<std::int32_t> sorted(21);
  for (std::size_t i = 0; i < 21; ++i) sorted[i] = static_cast<std::int32_t>(i / 7);
  m->fit(p.x, Tensor::of(sorted, {21}), {.validation_split = 0.2});
  REQUIRE(g_warnings.size() == 1);
  CHECK(has(g_warnings[0], "sorted"));
  m->compile({.loss = nacre::metrics::make_loss("sparse_categorical_crossentropy", nacre::Json::object({{"from_logits", true}}))});
  m->fit(p.x, p.y);
  m->fit(p.x, p.y);
  REQUIRE(g_warnings.size() == 2);  // once per compile
  CHECK(has(g_warnings[1], "from_logits=True"));
  Sequential linear;
  linear.add<nn::Dense>({.units = 3});
  linear.compile({.loss = "sparse_categorical_crossentropy"});
  linear.fit(p.x, p.y);
  REQUIRE(g_warnings.size() == 3);
  CHECK(has(g_warnings[2], "from_logits=True"));
}

TEST_CASE("a step that fails leaves no trace, with nesterov='lookahead' neither") {
  const Points p = points(30);
  auto m = network();
  m->compile({.optimizer = nacre::optim::make_optimizer(
                  "sgd", nacre::Json::object({{"learning_rate", 0.1}, {"momentum", 0.9}, {"nesterov", "lookahead"}})),
              .loss = "sparse_categorical_crossentropy"});
  m->fit(p.x, p.y, {.epochs = 2});
  const auto before = bits(*m);  // the running statistics of the normalisation too
  const std::uint64_t calls = m->training_calls();
  CHECK_THROWS_AS(m->train_on_batch(p.x, Tensor::of(std::vector<std::int32_t>(30, 9), {30})), nacre::Error);
  CHECK(bits(*m) == before);
  CHECK(m->training_calls() == calls);
}

TEST_CASE("predict: batches join, memory is not the caller's, float64 and integer inputs are read") {
  const Points p = points(50);
  auto m = network();
  const Tensor whole = m->predict(p.x, {.batch_size = 50});
  CHECK(whole.shape() == Shape{50, 3});
  const auto a = whole.to_vector<float>(), b = m->predict(p.x, {.batch_size = 7}).to_vector<float>();
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::abs(a[i] - b[i]) < 1e-6f);  // other block sizes, other rounding
  CHECK(bits(m->predict(nacre::cast(p.x, {.dtype = nacre::DType::float64}), {.batch_size = 50})) == bits(whole));
  CHECK(m->predict(nacre::cast(p.x, {.dtype = nacre::DType::uint8})).shape() == Shape{50, 3});
  CHECK(m->predict(p.x, {.batch_size = 7, .steps = 2}).shape() == Shape{14, 3});
  Sequential flat;
  flat.add<nn::Flatten>();
  const Tensor same = flat.predict(p.x, {.batch_size = 50});
  CHECK(bits(same) == bits(p.x));
  CHECK(same.view().data != p.x.view().data);
  CHECK(m->training_calls() == 0);
}
