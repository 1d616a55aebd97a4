// A network learns to read handwritten digits, in C++.
//
//   digits train   <digits.safetensors> <model> [predictions]     trains and saves a model that Python loads too
//   digits predict <digits.safetensors> <model> [predictions]     loads a model, of Python or of this program
//
// The data file is the one in the Python package (datasets/data). `predictions` receives the probabilities of all digits [1797, 10].
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include "nacre/nacre.hpp"

using nacre::Tensor;
namespace nn = nacre::nn;

namespace {

Tensor read(const nacre::SafetensorsFile& file, const char* name) {
  const nacre::TensorEntry* entry = file.find(name);
  if (!entry) nacre::raise<nacre::FormatError>("digits: the data file has no '", name, "'.");
  const auto* values = static_cast<const std::uint8_t*>(entry->data);
  return Tensor::of(std::span(values, entry->byte_count()), entry->shape);
}

std::shared_ptr<nacre::model::Sequential> train(const Tensor& x, const Tensor& y) {
  nacre::set_random_seed(0);
  auto model = std::make_shared<nacre::model::Sequential>("digits");
  model->add<nn::Rescaling>({.scale = 1.0 / 16});
  model->add<nn::Reshape>({.target_shape = {8, 8, 1}});
  model->add<nn::Conv2D>({.filters = 16, .kernel_size = 3, .padding = "same", .activation = "relu"});
  model->add<nn::MaxPooling2D>();
  model->add<nn::Flatten>();
  model->add<nn::Dense>({.units = 64, .activation = "relu"});
  model->add<nn::Dropout>({.rate = 0.25});
  model->add<nn::Dense>({.units = 10, .activation = "softmax"});
  model->build({nn::kUnknown, 8, 8});
  model->compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  std::printf("%s", model->summary().c_str());
  const auto history = model->fit(x, y, {.epochs = 30, .validation_split = 0.2});
  std::printf("accuracy on held-out digits %.3f\n", history["val_accuracy"].back());
  return model;
}

int run(const std::string& what, const std::string& data, const std::string& path, const char* predictions) {
  const auto file = nacre::SafetensorsFile::open(data, nacre::ChecksumRule::if_present, "digits");
  const Tensor x = read(file, "x"), y = read(file, "y");
  std::shared_ptr<nacre::model::Model> model;
  if (what == "train") {
    model = train(x, y);
    model->save(path);
  } else {
    model = nacre::model::load_model(path);
  }
  const Tensor p = model->predict(x);
  if (predictions) {
    const nacre::TensorEntry entry{"predictions", p.dtype(), p.shape(), p.view().data};
    nacre::save_safetensors(predictions, {&entry, 1}, {});
  }
  std::printf("the first digit is %d with probability %.3f\n", static_cast<int>(y.data<std::uint8_t>()[0]),
              static_cast<double>(p.data<float>()[y.data<std::uint8_t>()[0]]));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || (std::strcmp(argv[1], "train") != 0 && std::strcmp(argv[1], "predict") != 0)) {
    std::fprintf(stderr, "usage: digits train|predict <digits.safetensors> <model> [predictions]\n");
    return 2;
  }
  try {
    return run(argv[1], argv[2], argv[3], argc > 4 ? argv[4] : nullptr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
