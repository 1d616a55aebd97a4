// Layers and initialisers from C++: configurations, the registry, shapes, modes, keys of random numbers, several threads.
#include <cmath>
#include <thread>

#include <doctest/doctest.h>

#include "nacre/autograd/tape.h"
#include "nacre/base/warning.h"
#include "nacre/nn/activation.h"
#include "nacre/nn/layers.h"
#include "nacre/ops/operators.h"
#include "nacre/ops/ops.h"
#include "nacre/ops/random_state.h"

using namespace nacre;
using doctest::Contains;

namespace {

Tensor values(const std::vector<float>& v, const Shape& shape) { return Tensor::of(v, shape); }
Tensor ones_of(const Shape& shape, DType dtype = DType::float32) { return full({.shape = shape, .value = 1, .dtype = dtype}); }
Tensor normal_of(const Shape& shape, std::uint64_t seed) { return random_normal(key_tensor({.seed = seed}), {.shape = shape}); }
bool equal_bits(const Tensor& a, const Tensor& b) { return a.to_vector<float>() == b.to_vector<float>(); }

// A configuration of each class that can be built, and an input shape for it.
struct Sample {
  const char* name;
  const char* config;
  Shape input;
};
const Sample kSamples[] = {
    {"InputLayer", R"({"shape": [4, null]})", {2, 4, 3}},
    {"Dense", R"({"units": 3, "activation": "gelu"})", {2, 4}},
    {"Conv1D", R"({"filters": 4, "kernel_size": 3, "padding": "causal", "groups": 2})", {2, 7, 4}},
    {"Conv2D", R"({"filters": 4, "kernel_size": [3, 2], "strides": 2, "padding": "same", "activation": "relu"})", {2, 7, 6, 3}},
    {"DepthwiseConv2D", R"({"kernel_size": 3, "depth_multiplier": 2, "padding": [1, 0]})", {2, 5, 6, 3}},
    {"Conv2DTranspose", R"({"filters": 4, "kernel_size": 3, "strides": 2, "output_padding": 1})", {2, 3, 4, 5}},
    {"MaxPooling1D", R"({"pool_size": 3, "strides": 2})", {2, 7, 3}},
    {"MaxPooling2D", R"({})", {2, 5, 6, 3}},
    {"AveragePooling1D", R"({"padding": "same"})", {2, 7, 3}},
    {"AveragePooling2D", R"({"data_format": "channels_first"})", {2, 3, 5, 6}},
    {"GlobalMaxPooling1D", R"({"keepdims": true})", {2, 7, 3}},
    {"GlobalMaxPooling2D", R"({})", {2, 5, 6, 3}},
    {"GlobalAveragePooling1D", R"({})", {2, 7, 3}},
    {"GlobalAveragePooling2D", R"({"data_format": "channels_first"})", {2, 3, 5, 6}},
    {"Flatten", R"({"data_format": "channels_first"})", {2, 3, 4, 5}},
    {"Reshape", R"({"target_shape": [3, -1]})", {2, 6, 2}},
    {"Permute", R"({"dims": [2, 1]})", {2, 3, 4}},
    {"ZeroPadding2D", R"({"padding": [[1, 2], [0, 3]]})", {2, 3, 4, 1}},
    {"UpSampling2D", R"({"size": [2, 3], "interpolation": "bilinear"})", {2, 3, 4, 2}},
    {"Rescaling", R"({"scale": 0.5, "offset": 1})", {2, 3}},
    {"Dropout", R"({"rate": 0.25, "seed": 7})", {2, 3}},
    {"Activation", R"({"activation": "softmax"})", {2, 3}},
    {"ReLU", R"({"max_value": 2.5, "negative_slope": 0.1, "threshold": 0.5})", {2, 3}},
    {"LeakyReLU", R"({})", {2, 3}},
    {"PReLU", R"({"shared_axes": [1]})", {2, 3, 4}},
    {"ELU", R"({"alpha": 0.5})", {2, 3}},
    {"Softmax", R"({"axis": 1})", {2, 3, 4}},
    {"BatchNormalization", R"({"axis": 1, "scale": false})", {2, 3, 4}},
    {"LayerNormalization", R"({"axis": [1, 2]})", {2, 3, 4}},
    {"Embedding", R"({"input_dim": 10, "output_dim": 4})", {2, 3}},
    {"MultiHeadAttention", R"({"num_heads": 2, "key_dim": 4})", {2, 3, 8}},
    {"SimpleRNN", R"({"units": 4, "activation": "relu", "return_sequences": true})", {2, 5, 3}},
    {"GRU", R"({"units": 4, "reset_after": false, "seed": 3})", {2, 5, 3}},
    {"LSTM", R"({"units": 4, "unit_forget_bias": false, "go_backwards": true})", {2, 5, 3}},
};
const char* const kMerging[] = {"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"};

}  // namespace

TEST_CASE("every class has a sample, keeps its configuration, and gives the shape that it says") {
  REQUIRE(std::size(kSamples) + std::size(kMerging) == nn::layer_registry().size());
  for (const Sample& s : kSamples) {
    CAPTURE(s.name);
    const auto layer = nn::make_layer(s.name, Json::parse(s.config));
    const Json config = layer->config();
    const auto again = nn::make_layer(s.name, config);
    CHECK(again->config() == config);
    CHECK(!layer->built());
    Tensor x = normal_of(s.input, 3);
    if (layer->class_name() == "Embedding") x = cast(nacre::abs(x), {.dtype = DType::int32});
    Shape batch = s.input;
    batch[0] = nn::kUnknown;
    const Shape said = layer->output_shape(batch);
    for (bool training : {false, true}) {
      const Tensor y = (*layer)(x, {.training = training, .seed = 1, .step = 2});
      CHECK(layer->built());
      REQUIRE(y.rank() == said.rank());
      for (int i = 1; i < y.rank(); ++i) CHECK((said[i] == y.shape()[i] || said[i] == nn::kUnknown));
      CHECK(y.shape()[0] == s.input[0]);
      const Tensor again_y = (*layer)(x, {.training = training, .seed = 1, .step = 2});
      if (layer->class_name() != "BatchNormalization" || training) CHECK(equal_bits(y, again_y));
    }
    again->build(batch);
    CHECK(again->count_params() == layer->count_params());
    std::vector<Tensor> copies;
    for (const auto& v : layer->weights()) copies.push_back(v.value.clone());
    again->set_weights(copies);
    CHECK(equal_bits((*again)(x), (*layer)(x)));
    CHECK(layer->output_shape(batch) == again->output_shape(batch));
  }
}

TEST_CASE("layers of several inputs give the shape that they say") {
  const Tensor in[] = {normal_of({2, 3, 4}, 1), normal_of({2, 3, 4}, 2)};
  const Shape batch[] = {{nn::kUnknown, 3, 4}, {nn::kUnknown, 3, 4}};
  for (const char* name : kMerging) {
    CAPTURE(name);
    const auto layer = nn::make_layer(name, Json::object());
    CHECK(nn::make_layer(name, layer->config())->config() == layer->config());
    CHECK(layer->takes_list());
    const std::vector<Shape> said = layer->output_shapes(batch);
    const std::vector<Tensor> y = (*layer)(std::span<const Tensor>(in));
    REQUIRE(y.size() == 1);
    CHECK(layer->built());
    CHECK(y[0].shape() == Shape{2, said[0][1], said[0][2]});
    CHECK_THROWS_WITH_AS((void)(*layer)(in[0]), Contains("got 1"), ValueError);
  }
}

TEST_CASE("registry and options refuse what they do not know") {
  CHECK_THROWS_WITH_AS(nn::make_layer("Dence", Json::object()), Contains("'Dence' is unknown. Known: InputLayer, Dense"),
                       ValueError);
  CHECK_THROWS_WITH_AS(nn::make_layer("Dense", Json::parse(R"({"units": 3, "unit": 4})")),
                       Contains("unknown option 'unit'. Known: units, activation"), TypeError);
  CHECK_THROWS_WITH_AS(nn::make_layer("Dense", Json::object()), "Dense: units is missing.", TypeError);
  CHECK_THROWS_WITH_AS(nn::make_layer("Dense", Json::parse(R"({"units": "a"})")), "Dense: units must be an integer, got 'a'.",
                       TypeError);
  CHECK_THROWS_WITH_AS(nn::make_layer("Dense", Json::parse("[3]")), Contains("must be an object of options, got [3]"), TypeError);
  CHECK_THROWS_WITH_AS(nn::Dense({.units = 0}), "Dense: units must be from 1 to 2147483647, got 0.", ValueError);
  CHECK_THROWS_WITH_AS(nn::Dense({.units = 3, .activation = "reul"}), Contains("activation 'reul' is unknown. Known: linear, relu"),
                       ValueError);
  CHECK_THROWS_WITH_AS(nn::Dense({.units = 3}, {.dtype = "int32"}), Contains("dtype must be float32 or float64, got int32"),
                       ValueError);
  CHECK_THROWS_WITH_AS(nn::Dense({.units = 3}, {.name = "a/b"}), Contains("'a/b' must be non-empty, without '/'"), ValueError);
  CHECK_THROWS_WITH_AS(nn::Dense({.units = 3, .kernel_initializer = "he"}), Contains("kernel_initializer 'he' is unknown"),
                       ValueError);
  CHECK_THROWS_WITH_AS(nn::Conv2D({.filters = 3, .kernel_size = {3, 3, 3}}),
                       Contains("must be an integer or 2 integers, got (3, 3, 3)"), ValueError);
  CHECK_THROWS_WITH_AS(nn::Conv2D({.filters = 3, .kernel_size = 3, .padding = "causal"}),
                       Contains("padding must be 'valid', 'same'"), ValueError);
  CHECK_THROWS_WITH_AS(nn::Conv2D({.filters = 3, .kernel_size = 3, .groups = 2}),
                       Contains("filters 3 must be a multiple of groups 2"), ValueError);
  CHECK_THROWS_WITH_AS(nn::Dropout({.rate = 1.5}), "Dropout: rate must be from 0 to 1, got 1.5.", ValueError);
  CHECK_THROWS_WITH_AS(nn::Permute({.dims = {1, 3}}), Contains("got [1, 3]"), ValueError);
}

TEST_CASE("inputs are checked before anything is made") {
  nn::Dense dense({.units = 2}, {.name = "d"});
  CHECK_THROWS_WITH_AS((void)dense(ones_of({3})), "Dense 'd': the input must have rank 2 or more [N, ..., features], got [3].",
                       ShapeError);
  CHECK_THROWS_WITH_AS(dense.build({nn::kUnknown, nn::kUnknown}), Contains("axis 1 of the input [-1, -1] must be known"),
                       ShapeError);
  CHECK(!dense.built());
  (void)dense(ones_of({3, 4}));
  CHECK(dense.built());
  CHECK_THROWS_WITH_AS((void)dense(ones_of({3, 5})), Contains("was built for inputs of shape [-1, 4] and cannot take [3, 5]"),
                       ShapeError);
  CHECK(dense(ones_of({2, 3, 4})).shape() == Shape{2, 3, 2});  // only the last axis matters
  CHECK(dense(ones_of({0, 4})).shape() == Shape{0, 2});
  nn::Conv2D conv({.filters = 2, .kernel_size = 3}, {.name = "c"});
  (void)conv(ones_of({1, 5, 5, 3}));
  CHECK(conv(ones_of({1, 8, 6, 3})).shape() == Shape{1, 6, 4, 2});  // images of other sizes share the weights
  CHECK_THROWS_WITH_AS((void)conv(ones_of({1, 2, 6, 3})), Contains("the window does not fit"), ShapeError);
  CHECK_THROWS_AS((void)conv(ones_of({1, 5, 5, 4})), ShapeError);
  const std::vector<Tensor> wrong{ones_of({4, 2}), ones_of({3})};
  CHECK_THROWS_WITH_AS(dense.set_weights(wrong), Contains("d/bias has shape [2], got [3]"), ShapeError);
}

TEST_CASE("Dense computes x W + b and trains") {
  nn::Dense dense({.units = 2, .activation = "relu"});
  dense.build({nn::kUnknown, 2});
  CHECK(dense.count_params() == 6);
  const std::vector<Tensor> w{values({1, 2, 3, 4}, {2, 2}), values({0.5f, -20}, {2})};
  dense.set_weights(w);
  const Tensor y = dense(values({1, 2}, {1, 2}));
  CHECK(y.to_vector<float>() == std::vector<float>{7.5f, 0});  // 1 + 6 + 0.5; 2 + 8 - 20 is cut
  sum(y).backward();
  CHECK(dense.weights()[0].value.grad().to_vector<float>() == std::vector<float>{1, 0, 2, 0});
  CHECK(dense.weights()[1].value.grad().to_vector<float>() == std::vector<float>{1, 0});
  CHECK(dense.trainable_weights().size() == 2);
  dense.set_trainable(false);
  CHECK(dense.trainable_weights().empty());
  CHECK(!dense(values({1, 2}, {1, 2})).requires_grad());
}

TEST_CASE("names, dtypes") {
  CHECK(nn::Conv2DTranspose({.filters = 1, .kernel_size = 1}).name() == "conv2d_transpose");
  CHECK(nn::MaxPooling2D().name() == "max_pooling2d");
  CHECK(nn::PReLU().name() == "p_re_lu");
  CHECK(nn::LeakyReLU().name() == "leaky_re_lu");
  CHECK(nn::BatchNormalization().name() == "batch_normalization");
  nn::Dense dense({.units = 2}, {.dtype = "float64"});
  CHECK(dense(ones_of({1, 3})).dtype() == DType::float64);
  CHECK(dense.weights()[0].value.dtype() == DType::float64);
}

TEST_CASE("BatchNormalization: batch statistics move the running ones; frozen or in inference it takes those") {
  nn::BatchNormalization bn({.epsilon = 0});
  const Tensor x = values({1, 2, 3, 4}, {4, 1});
  const auto y = bn(x, {.training = true}).to_vector<float>();
  CHECK(y[0] == doctest::Approx(-1.5 / std::sqrt(1.25)));
  // Biased variance 1.25: 0.99 + 0.01 * 1.25 (PyTorch would store 0.9 + 0.1 * 1.6667).
  CHECK(bn.weights()[2].value.item() == doctest::Approx(0.025));
  CHECK(bn.weights()[3].value.item() == doctest::Approx(1.0025));
  const double mean = bn.weights()[2].value.item(), var = bn.weights()[3].value.item();
  CHECK(bn(x).to_vector<float>()[1] == doctest::Approx((2 - mean) / std::sqrt(var)));
  bn.set_trainable(false);
  CHECK(bn(x, {.training = true}).to_vector<float>()[1] == doctest::Approx((2 - mean) / std::sqrt(var)));
  CHECK(bn.weights()[2].value.item() == mean);
  CHECK(bn.count_params() == 4);
}

namespace {
std::string g_warning;
}

TEST_CASE("BatchNormalization of one position gives beta and a warning") {
  nn::BatchNormalization bn({.beta_initializer = Json::parse(R"({"class_name": "Constant", "config": {"value": 3.0}})")},
                            {.name = "bn"});
  const WarningHook before = set_warning_hook([](std::string_view m) { g_warning = m; });
  const Tensor y = bn(values({5, -7}, {1, 2}), {.training = true});
  set_warning_hook(before);
  CHECK(y.to_vector<float>() == std::vector<float>{3, 3});
  CHECK(g_warning.find("BatchNormalization 'bn': one position per channel") == 0);
}

TEST_CASE("Dropout: the key belongs to the call, and either place of the scaling has the same expectation") {
  nn::Dropout layer({.rate = 0.5});
  const Tensor x = ones_of({10000});
  CHECK(layer(x).same(x));
  const nn::CallContext call{.training = true, .seed = 1, .step = 5};
  const Tensor a = layer(x, call), b = layer(x, call), c = layer(x, {.training = true, .seed = 1, .step = 6});
  CHECK(equal_bits(a, b));
  CHECK(!equal_bits(a, c));
  CHECK(mean(a).item() == doctest::Approx(1).epsilon(0.05));  // 10,000 fair coins of value 0 or 2: standard deviation 0.01
  CHECK(max(a).item() == 2);
  nn::Dropout late({.rate = 0.5, .scale_at = "inference"});
  CHECK(max(late(x, call)).item() == 1);
  CHECK(mean(late(x)).item() == 0.5);
  set_random_seed(3);
  nn::Dropout p({.rate = 0.5});
  const Tensor first = p(x, {.training = true}), second = p(x, {.training = true});
  CHECK(!equal_bits(first, second));
  set_random_seed(3);
  nn::Dropout q({.rate = 0.5});
  CHECK(equal_bits(q(x, {.training = true}), first));
  nn::Dropout own({.rate = 0.5, .seed = 9}), same({.rate = 0.5, .seed = 9});
  CHECK(equal_bits(own(x, {.training = true}), same(x, {.training = true})));
}

TEST_CASE("MultiHeadAttention: masks") {
  nn::MultiHeadAttention mha({.num_heads = 2, .key_dim = 4});
  const Tensor x = normal_of({2, 5, 8}, 1);
  const Tensor y = mha(x);
  CHECK(mha.count_params() == 4 * (8 * 8 + 8));
  CHECK(equal_bits(mha(nn::MultiHeadAttention::Inputs{.query = x, .value = x}), y));
  // With a causal mask the first query sees the first key alone, so the rest may change.
  Tensor other = x.clone();
  for (int i = 0; i < 8; ++i) other.data<float>()[4 * 8 + i] += 1;
  const Tensor a = mha({.query = x, .value = x, .use_causal_mask = true}),
               b = mha({.query = other, .value = other, .use_causal_mask = true});
  const auto va = a.to_vector<float>(), vb = b.to_vector<float>();
  CHECK(std::equal(va.begin(), va.begin() + 32, vb.begin()));
  CHECK(!std::equal(va.begin() + 32, va.begin() + 40, vb.begin() + 32));
  // Nothing allowed: the output's bias, which is zero here, in both paths.
  const Tensor none = full({.shape = {2, 5, 5}, .value = 0, .dtype = DType::boolean});
  CHECK(max(nacre::abs(mha({.query = x, .value = x, .attention_mask = none}))).item() == 0);
  nn::MultiHeadAttention dropped({.num_heads = 2, .key_dim = 4, .dropout = 1e-12});
  dropped.build({2, 5, 8});
  std::vector<Tensor> w;
  for (const auto& v : mha.weights()) w.push_back(v.value);
  dropped.set_weights(w);
  const nn::CallContext training{.training = true, .seed = 1, .step = 1};
  CHECK(max(nacre::abs(dropped({.query = x, .value = x, .attention_mask = none}, training))).item() == 0);
  // The path that holds the weights agrees with the blocked kernel: sums of 8 float32 products of size 1 differ by less than 1e-5.
  CHECK(max(nacre::abs(dropped({.query = x, .value = x, .use_causal_mask = true}, training) - a)).item() < 1e-5);
  const Tensor narrow = ones_of({2, 3, 6});
  CHECK_THROWS_WITH_AS((void)mha({.query = x, .value = narrow}), Contains("was built for 8, 8 and 8 features"), ShapeError);
  nn::MultiHeadAttention cross({.num_heads = 2, .key_dim = 3, .value_dim = 5, .output_shape = 7});
  CHECK(cross({.query = x, .value = narrow}).shape() == Shape{2, 5, 7});
  CHECK(cross.count_params() == 2 * (8 * 3 + 3 + 6 * 3 + 3 + 6 * 5 + 5) + 2 * 5 * 7 + 7);
}

TEST_CASE("recurrent layers: a sequence in two parts, masked steps, names of a graph's inputs") {
  nn::LSTM lstm({.units = 4, .return_sequences = true, .return_state = true});
  const Tensor x = normal_of({2, 6, 3}, 1);
  const std::vector<Tensor> whole = lstm({.x = x});
  REQUIRE(whole.size() == 3);
  CHECK(lstm.output_shapes(std::vector<Shape>{{2, 6, 3}}) == std::vector<Shape>{{2, 6, 4}, {2, 4}, {2, 4}});
  const auto part = [&](Dim begin, Dim n) { return slice(x, {.start_indices = {0, begin, 0}, .shape = {2, n, 3}}); };
  const std::vector<Tensor> first = lstm({.x = part(0, 2)}), rest = lstm({.x = part(2, 4), .initial_state = {first[1], first[2]}});
  CHECK(equal_bits(rest[1], whole[1]));
  CHECK(equal_bits(rest[2], whole[2]));
  // The mask ends both rows after two steps.
  const Tensor mask = Tensor::of<std::uint8_t>({1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0}, {2, 6});
  const std::vector<Tensor> masked = lstm({.x = x, .mask = mask});
  CHECK(equal_bits(masked[2], first[2]));
  CHECK(equal_bits(reshape(slice(masked[0], {.start_indices = {0, 5, 0}, .shape = {2, 1, 4}}), {.newshape = {2, 4}}), first[1]));

  const Tensor inputs[] = {x, mask};
  Json arguments = Json::object({{"inputs", Json::array({Json("sequences"), Json("mask")})}});
  nn::CallContext context{.arguments = &arguments};
  CHECK(equal_bits(lstm(std::span(inputs), context)[2], masked[2]));
  arguments = Json::object({{"inputs", Json::array({Json("sequences"), Json("query")})}});
  CHECK_THROWS_WITH_AS((void)lstm(std::span(inputs), context), Contains("takes 'sequences', then 'initial_state' and 'mask'"),
                       ValueError);
  CHECK_THROWS_WITH_AS((void)lstm(x), Contains("gives 3 results where one is wanted"), ValueError);
  CHECK_THROWS_WITH_AS((void)lstm({.x = x, .initial_state = {first[1]}}), Contains("must be 2 tensors, h and c, got 1"),
                       ValueError);
}

TEST_CASE("initialisers: variances, fans, seeds") {
  const auto make = [](const char* spec) { return nn::make_initializer("test", Json::parse(spec)); };
  const auto variance = [](const Tensor& t) { return var(t).item(); };
  // 100,000 draws: the variance of a normal sample is within 1.5 % at more than 3 standard deviations.
  const Shape s{200, 500};
  CHECK(variance((*make("\"he_normal\""))(s, DType::float64)) == doctest::Approx(2.0 / 200).epsilon(0.015));
  CHECK(variance((*make("\"GlorotUniform\""))(s, DType::float64)) == doctest::Approx(2.0 / 700).epsilon(0.015));
  CHECK(variance((*make("\"glorot_normal\""))(s, DType::float64)) == doctest::Approx(2.0 / 700).epsilon(0.015));
  CHECK(variance((*make("\"lecun_normal\""))(s, DType::float64)) == doctest::Approx(1.0 / 200).epsilon(0.015));
  // The lectures' Xavier, N(0, 1 / (d_in + d_out)): half of the standard.
  const char* half =
      R"({"class_name": "VarianceScaling", "config": {"scale": 0.5, "mode": "fan_avg", "distribution": "untruncated_normal"}})";
  CHECK(variance((*make(half))(s, DType::float64)) == doctest::Approx(1.0 / 700).epsilon(0.015));
  CHECK(nn::compute_fans({3, 5, 4, 7}).in == 60);
  CHECK(nn::compute_fans({3, 5, 4, 7}).out == 105);
  const Tensor q = (*make("\"orthogonal\""))({6, 4}, DType::float64);
  CHECK(max(nacre::abs(matmul(transpose(q), q) - eye({.N = 4, .dtype = DType::float64}))).item() < 1e-14);
  CHECK((*make("\"identity\""))({2, 3}, DType::float32).to_vector<float>() == std::vector<float>{1, 0, 0, 0, 1, 0});
  const char* seeded = R"({"class_name": "RandomNormal", "config": {"seed": 5}})";
  CHECK(equal_bits((*make(seeded))({100}, DType::float32), (*make(seeded))({100}, DType::float32)));
  const auto unseeded = make("\"random_normal\"");
  CHECK(!equal_bits((*unseeded)({100}, DType::float32), (*unseeded)({100}, DType::float32)));
  set_random_seed(1);
  const Tensor a = (*unseeded)({100}, DType::float32);
  set_random_seed(1);
  CHECK(equal_bits((*unseeded)({100}, DType::float32), a));
  CHECK_THROWS_WITH_AS(make("3"), Contains("test must be the name of an initializer"), TypeError);
  CHECK_THROWS_WITH_AS(make(R"({"class_name": "RandomNormal", "config": {"stddev": -1}})"),
                       Contains("stddev must be >= 0 and finite, got -1"), ValueError);
}

TEST_CASE("fans of convolutions count one group, and depthwise ones a single channel") {
  nn::Conv2D grouped({.filters = 64, .kernel_size = 3, .groups = 4, .kernel_initializer = "he_uniform"});
  grouped.build({nn::kUnknown, 8, 8, 64});
  CHECK(max(nacre::abs(grouped.weights()[0].value)).item() <= std::sqrt(6.0 / (9 * 16)));
  CHECK(max(nacre::abs(grouped.weights()[0].value)).item() > 0.99 * std::sqrt(6.0 / (9 * 16)));
  nn::DepthwiseConv2D depthwise({.kernel_size = 3, .depthwise_initializer = "he_uniform"});
  depthwise.build({nn::kUnknown, 8, 8, 512});
  CHECK(max(nacre::abs(depthwise.weights()[0].value)).item() <= std::sqrt(6.0 / 9));
  CHECK(max(nacre::abs(depthwise.weights()[0].value)).item() > 0.99 * std::sqrt(6.0 / 9));
}

TEST_CASE("several threads call one layer") {
  nn::Conv2D conv({.filters = 8, .kernel_size = 3, .activation = "relu"});
  const Tensor x = normal_of({2, 12, 12, 4}, 5);
  const Tensor y = conv(x).detach();
  int wrong[4] = {};
  std::vector<std::thread> threads;
  for (int& w : wrong) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) w += !equal_bits(conv(x), y);
    });
  }
  for (auto& t : threads) t.join();
  for (int w : wrong) CHECK(w == 0);
}

TEST_CASE("every activation of the table has a value") {
  const Tensor x = values({-1, 0, 2}, {1, 3});
  for (const nn::ActivationDef& a : nn::activation_registry()) {
    CAPTURE(a.name);
    CHECK(a.function(x).shape() == x.shape());
    CHECK(nn::Activation({.activation = std::string(a.name)})(x).to_vector<float>() == a.function(x).to_vector<float>());
  }
  CHECK(nn::find_activation("t", "leaky_relu").function(x).to_vector<float>()[0] == -0.01f);
  CHECK(nn::find_activation("t", "gelu_tanh").function(x).to_vector<float>() !=
        nn::find_activation("t", "gelu").function(x).to_vector<float>());
}
