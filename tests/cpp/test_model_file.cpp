// Model files: what is saved comes back in bits, training goes on exactly, and no damaged or altered file is believed.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model_test.h"

using namespace model_test;
namespace model = nacre::model;
namespace nn = nacre::nn;

namespace {

struct Folder {
  std::string path;
  Folder() {
    const char* base = std::getenv("TMPDIR");
    std::string name = std::string(base ? base : "/tmp") + "/nacre_model_XXXXXX";
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() {
    for (const char* f : {"a", "b", "c"}) std::remove((path + "/" + f).c_str());
    rmdir(path.c_str());
  }
  std::string operator/(const char* name) const { return path + "/" + name; }
};

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_file(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

std::string message_of(auto&& call) {
  try {
    call();
  } catch (const nacre::Error& e) {
    return e.what();
  }
  return "no error";
}
bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// The file with other metadata or tensors and a correct checksum: what an attacker would write.
void rewrite(const std::string& from, const std::string& to, auto&& change) {
  const auto file = nacre::SafetensorsFile::open(from, nacre::ChecksumRule::required);
  std::vector<nacre::TensorEntry> tensors(file.tensors().begin(), file.tensors().end());
  nacre::Metadata metadata;
  for (const auto& m : file.metadata()) {
    if (m.first != "nacre_sha256") metadata.push_back(m);
  }
  change(tensors, metadata);
  save_safetensors(to, tensors, metadata);
}

std::string& value_of(nacre::Metadata& m, std::string_view key) {
  for (auto& [k, v] : m) {
    if (k == key) return v;
  }
  FAIL("no such key");
  return m[0].second;
}

void replace(std::string& text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a saved model predicts the same bits and goes on training exactly") {
  const Folder folder;
  const Points p = points(100);
  auto straight = network();
  straight->fit(p.x, p.y, {.epochs = 4});

  auto halves = network();
  halves->fit(p.x, p.y, {.epochs = 2});
  halves->optimizer()->set_learning_rate(0.001);
  halves->save(folder / "a");
  nacre::set_random_seed(999);  // nothing of the process may matter
  auto loaded = model::load_model(folder / "a");
  CHECK(bits(*loaded) == bits(*halves));
  CHECK(bits(loaded->predict(p.x)) == bits(halves->predict(p.x)));
  CHECK(loaded->compile_config() == halves->compile_config());
  CHECK(loaded->optimizer()->iterations() == halves->optimizer()->iterations());
  CHECK(loaded->seed() == halves->seed());
  loaded->fit(p.x, p.y, {.epochs = 4, .initial_epoch = 2});
  CHECK(bits(*loaded) == bits(*straight));
  CHECK(loaded->epochs_trained() == 4);

  // Saving what was loaded gives the same file.
  halves->save(folder / "b");
  model::load_model(folder / "b")->save(folder / "c");
  CHECK(read_file(folder / "b") == read_file(folder / "c"));
}

TEST_CASE("every optimizer's state is in the file") {
  const Folder folder;
  const Points p = points(60);
  const nacre::Json momentum = nacre::Json::object({{"momentum", 0.9}});
  for (const auto& [class_name, config] :
       std::vector<std::pair<const char*, nacre::Json>>{{"SGD", nacre::Json::object()},
                                                        {"SGD", momentum},
                                                        {"RMSprop", momentum},
                                                        {"Adam", nacre::Json::object({{"amsgrad", true}})},
                                                        {"AdamW", nacre::Json::object()},
                                                        {"Adagrad", nacre::Json::object()}}) {
    const char* name = class_name;  // CAPTURE makes a lambda, and Clang 14 captures no structured binding
    CAPTURE(name);
    auto a = network();
    a->compile({.optimizer = nacre::optim::make_optimizer(name, config), .loss = "sparse_categorical_crossentropy"});
    a->fit(p.x, p.y, {.epochs = 1});
    a->save(folder / "a");
    auto b = model::load_model(folder / "a");
    a->fit(p.x, p.y, {.epochs = 1});
    b->fit(p.x, p.y, {.epochs = 1});
    CHECK(bits(*a) == bits(*b));
  }
}

TEST_CASE("models that are not built, not compiled or not trained are saved too") {
  const Folder folder;
  Sequential unbuilt;
  unbuilt.add<nn::Dense>({.units = 3});
  unbuilt.save(folder / "a");
  auto back = model::load_model(folder / "a");
  CHECK(!back->built());
  CHECK(!back->compiled());
  CHECK(back->config() == unbuilt.config());
  auto fresh = network();
  fresh->save(folder / "b");
  auto loaded = model::load_model(folder / "b");
  const Points p = points(40);
  fresh->fit(p.x, p.y);
  loaded->fit(p.x, p.y);
  CHECK(bits(*fresh) == bits(*loaded));
}

TEST_CASE("weights alone: by name, by order, and refused when they do not fit") {
  const Folder folder;
  auto a = network(1), b = network(2);
  a->save_weights(folder / "a");
  CHECK(bits(*a) != bits(*b));
  b->load_weights(folder / "a");
  CHECK(bits(*a) == bits(*b));
  a->save(folder / "b");  // a whole model serves as well
  auto c = network(3);
  c->load_weights(folder / "b");
  CHECK(bits(*a) == bits(*c));

  Sequential renamed;
  renamed.add<nn::Dense>({.units = 16}, {.name = "first"});
  renamed.add<nn::BatchNormalization>({}, {.name = "norm"});
  renamed.add<nn::Dense>({.units = 3}, {.name = "last"});
  CHECK(has(message_of([&] { renamed.load_weights(folder / "a"); }), "not built"));
  renamed.build({nn::kUnknown, 4});
  renamed.load_weights(folder / "a");
  CHECK(bits(renamed) == bits(*a));

  Sequential other;
  other.add<nn::Dense>({.units = 8});
  other.add<nn::BatchNormalization>();
  other.add<nn::Dense>({.units = 3});
  other.build({nn::kUnknown, 4});
  const auto before = bits(other);
  const std::string text = message_of([&] { other.load_weights(folder / "a"); });
  CHECK_MESSAGE((has(text, "[4, 16]") && has(text, "[4, 8]") && has(text, "dense/kernel")), text);
  CHECK(bits(other) == before);
  CHECK(has(message_of([&] { model::load_model(folder / "a"); }), "not a whole model"));
}

TEST_CASE("altered files with a correct checksum are refused: names, shapes, classes, counts") {
  const Folder folder;
  auto m = network();
  const Points p = points(40);
  m->fit(p.x, p.y);
  m->save(folder / "a");
  const auto refused = [&](std::string_view part, auto&& change) {
    rewrite(folder / "a", folder / "b", change);
    const std::string text = message_of([&] { model::load_model(folder / "b"); });
    CHECK_MESSAGE(has(text, part), text);
  };
  using Tensors = std::vector<nacre::TensorEntry>;
  using nacre::Metadata;
  refused("format_version '2'", [](Tensors&, Metadata& d) { value_of(d, "format_version") = "2"; });
  refused("names no format", [](Tensors&, Metadata& d) {
    value_of(d, "format") = "other", std::erase_if(d, [](auto& e) { return e.first == "format"; });
  });
  refused("Evil", [](Tensors&, Metadata& d) { replace(value_of(d, "config"), "\"Dense\"", "\"Evil\""); });
  refused("units", [](Tensors&, Metadata& d) { replace(value_of(d, "config"), "\"units\":16", "\"units\":\"16\""); });
  refused("[4, 16]", [](Tensors&, Metadata& d) { replace(value_of(d, "config"), "\"units\":16", "\"units\":17"); });
  refused("unknown option",
          [](Tensors&, Metadata& d) { replace(value_of(d, "config"), "\"units\":16", "\"units\":16,\"run\":1"); });
  refused("unknown optimizer", [](Tensors&, Metadata& d) { replace(value_of(d, "config"), "\"Adam\"", "\"Atom\""); });
  refused("load_model: line 1", [](Tensors&, Metadata& d) { value_of(d, "config") = "[1, 2"; });
  refused("weights/dense/bias",
          [](Tensors& t, Metadata&) { std::erase_if(t, [](auto& e) { return e.name == "weights/dense/bias"; }); });
  refused("of which the model knows", [](Tensors& t, Metadata&) {
    t.push_back(t.back());
    t.back().name = "weights/extra/bias";
  });
  refused("optimizer/", [](Tensors& t, Metadata&) {
    for (auto& e : t) {
      if (e.name.starts_with("optimizer/momentum/dense/kernel")) e.name = "optimizer/momentun/dense/kernel";
    }
  });
  refused("negative", [](Tensors& t, Metadata&) {
    static const std::int64_t minus = -5;
    for (auto& e : t) {
      if (e.name == "state/training_calls") e.data = &minus;
    }
  });
  refused("learning rate", [](Tensors& t, Metadata&) {
    static const double nan = __builtin_nan("");
    for (auto& e : t) {
      if (e.name == "state/learning_rate") e.data = &nan;
    }
  });
  // An architecture far larger than the file must not be allocated first.
  refused("[4, 1000000000]", [](Tensors&, Metadata& d) { replace(value_of(d, "config"), "\"units\":16", "\"units\":1000000000"); });
}

TEST_CASE("random mutations: 0 crashes, 0 silently different models") {
  const Folder folder;
  nacre::set_random_seed(1);
  Sequential m;
  m.add<nn::Dense>({.units = 5, .activation = "tanh"});
  m.add<nn::Dropout>({.rate = 0.5});
  m.add<nn::Dense>({.units = 2});
  m.compile({.optimizer = "adam", .loss = "mse", .metrics = {"mae"}});
  const Tensor x = nacre::ones({.shape = {8, 3}}), y = nacre::zeros({.shape = {8, 2}});
  m.fit(x, y, {.epochs = 2});
  m.save(folder / "a");
  const std::string seed = read_file(folder / "a");
  std::uint64_t length = 0;
  std::memcpy(&length, seed.data(), 8);
  const std::size_t head = 8 + static_cast<std::size_t>(length);
  const auto weights = bits(m), prediction = bits(m.predict(x));
  const bool full = std::getenv("NACRE_FULL") != nullptr;
  const int rounds = full ? 10000 : 1000;
  std::mt19937 random(3);
  int refused = 0, harmless = 0;
  for (int i = 0; i < rounds; ++i) {
    std::string text = seed;
    for (unsigned n = 1 + random() % 3; n > 0 && !text.empty(); --n) {
      const std::size_t limit = std::min(random() % 3 ? head : text.size(), text.size());
      const std::size_t at = random() % limit;
      switch (random() % 7) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text[at] = static_cast<char>(text[at] ^ (1 << random() % 8)); break;
        case 2: text.erase(at, 1 + random() % 40); break;
        case 3: text.insert(at, text.substr(random() % text.size(), random() % 40)); break;
        case 4: {  // digits: offsets, sizes, values of the configuration
          const std::size_t digit = text.find_first_of("0123456789", std::max<std::size_t>(at, 8));
          if (digit != std::string::npos) text[digit] = static_cast<char>('0' + random() % 10);
          break;
        }
        case 5: {  // two entries change places
          const std::size_t a = text.find("data_offsets\":[", at),
                            b = a == std::string::npos ? a : text.find("data_offsets\":[", a + 15);
          if (b != std::string::npos)
            std::swap_ranges(text.begin() + static_cast<std::ptrdiff_t>(a + 15), text.begin() + static_cast<std::ptrdiff_t>(a + 18),
                             text.begin() + static_cast<std::ptrdiff_t>(b + 15));
          break;
        }
        default: text.resize(at); break;
      }
    }
    write_file(folder / "b", text);
    try {
      auto loaded = model::load_model(folder / "b");
      REQUIRE(bits(*loaded) == weights);
      REQUIRE(bits(loaded->predict(x)) == prediction);
      REQUIRE(loaded->config() == m.config());
      ++harmless;
    } catch (const nacre::Error&) {
      ++refused;
    }
  }
  CHECK(refused + harmless == rounds);
  CHECK(refused > rounds * 9 / 10);
}

TEST_CASE("a failed save leaves the old file") {
  const Folder folder;
  auto m = network();
  m->save(folder / "a");
  const std::string before = read_file(folder / "a");
  CHECK(has(message_of([&] { m->save(folder / "missing/a"); }), "missing"));
  CHECK(has(message_of([&] { m->save(folder.path); }), "save"));
  CHECK(read_file(folder / "a") == before);
  CHECK(has(message_of([&] { model::load_model(folder / "c"); }), "load_model"));
}
