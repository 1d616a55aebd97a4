// Saving and loading of models. See model_file.h for what a file holds.
#include "nacre/model/model_file.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <shared_mutex>

#include "nacre/base/memory.h"
#include "nacre/io/safetensors.h"
#include "nacre/model/functional.h"
#include "nacre/model/sequential.h"
#include "nacre/version.h"

namespace nacre::model {

namespace {

constexpr const char *kModelFormat = "nacre.model", *kWeightsFormat = "nacre.weights";

// Tensors to write, which keep the memory that the entries point to.
struct Writer {
  std::vector<TensorEntry> entries;
  std::vector<Tensor> kept;
  void add(std::string name, const Tensor& t) {
    kept.push_back(t.contiguous() ? t : t.clone());
    entries.push_back({std::move(name), t.dtype(), t.shape(), kept.back().view().data});
  }
  template <class T>
  void add_number(const char* name, T value) {
    add(cat("state/", name), Tensor::of(std::vector<T>{value}, {}));
  }
};

std::string names_json(const std::vector<nn::Variable>& weights) {
  Json list = Json::array();
  for (const auto& w : weights) list.push_back(w.name);
  return list.canonical();
}

void add_weights(Writer& out, const std::vector<nn::Variable>& weights) {
  for (const auto& w : weights) out.add(cat("weights/", w.name), w.value);
}

Tensor tensor_of(const TensorEntry& e) {
  Tensor t = Tensor::empty(e.shape, e.dtype, "load");
  if (e.byte_count() > 0) std::memcpy(t.view().data, e.data, e.byte_count());
  return t;
}

// What is read from a file, with the checks that give messages naming method, path and tensor.
class Reader {
 public:
  Reader(std::string_view method, const std::string& path)
      : method_(method), path_(path), file_(SafetensorsFile::open(path, ChecksumRule::required, method_.c_str())) {
    const std::string* version = file_.find_metadata("format_version");
    if (!file_.find_metadata("format") || !version) fail("is not a model of nacre: its header names no format");
    if (*version != kModelFormatVersion)
      fail(cat("has format_version '", *version, "'; this version of nacre reads '", kModelFormatVersion, "'"));
  }
  [[noreturn]] void fail(const std::string& what) const { raise<FormatError>(method_, ": '", path_, "' ", what, "."); }
  [[nodiscard]] const std::string& metadata(const char* key) const {
    const std::string* value = file_.find_metadata(key);
    if (!value) fail(cat("has no '", key, "' in its header"));
    return *value;
  }
  [[nodiscard]] Json json(const char* key) const { return Json::parse(metadata(key), {}, method_); }
  // The tensor of this name, dtype and shape.
  [[nodiscard]] const TensorEntry& entry(const std::string& name, DType dtype, const Shape& shape) {
    const TensorEntry* e = file_.find(name);
    if (!e) fail(cat("has no tensor '", name, "'"));
    if (!(e->shape == shape) || e->dtype != dtype) {
      raise<ShapeError>(method_, ": '", name, "' in '", path_, "' has shape ", e->shape, " and dtype ", e->dtype,
                        " but the model needs ", shape, " and ", dtype, ".");
    }
    ++used_;
    return *e;
  }
  template <class T>
  [[nodiscard]] T number(const char* name) {
    T value;
    std::memcpy(&value, entry(cat("state/", name), dtype_of<T>, {}).data, sizeof value);
    return value;
  }
  [[nodiscard]] std::uint64_t counter(const char* name) {
    const auto n = number<std::int64_t>(name);
    if (n < 0) fail(cat("has a negative ", name, ", ", n));
    return static_cast<std::uint64_t>(n);
  }
  // Every tensor of the file must have been asked for.
  void check_all_used() const {
    if (used_ != file_.tensors().size()) fail(cat("holds ", file_.tensors().size(), " tensors, of which the model knows ", used_));
  }
  [[nodiscard]] const SafetensorsFile& file() const { return file_; }

 private:
  std::string method_, path_;
  SafetensorsFile file_;
  std::size_t used_ = 0;
};

}  // namespace

// Reaches what the file needs of a model besides its public functions.
struct ModelState {
  static void write(const Model& m, Writer& out) {
    out.add_number<std::int64_t>("seed", std::bit_cast<std::int64_t>(m.seed_));
    out.add_number<std::int64_t>("training_calls", static_cast<std::int64_t>(m.training_calls_.load()));
    out.add_number<std::int64_t>("epochs_trained", static_cast<std::int64_t>(m.epochs_trained_.load()));
    if (!m.objective_.optimizer) return;
    out.add_number<std::int64_t>("iterations", m.objective_.optimizer->iterations());
    out.add_number<double>("learning_rate", m.objective_.optimizer->learning_rate());
    for (const auto& s : m.objective_.optimizer->state()) out.add(cat("optimizer/", s.name), s.value);
  }

  static void read(Model& m, Reader& in) {
    const auto seed = in.number<std::int64_t>("seed");
    const std::uint64_t calls = in.counter("training_calls"), epochs = in.counter("epochs_trained");
    std::vector<std::pair<Tensor, const TensorEntry*>> values;
    if (m.objective_.optimizer) {
      const std::uint64_t iterations = in.counter("iterations");
      const auto rate = in.number<double>("learning_rate");
      if (!(rate > 0) || !std::isfinite(rate)) in.fail(cat("has the learning rate ", rate));
      bool has_state = false;  // a model that was compiled but never trained has none
      for (const TensorEntry& e : in.file().tensors()) has_state |= e.name.starts_with("optimizer/");
      if (has_state) {
        m.objective_.optimizer->build(m.trainable_weights());
        for (const auto& s : m.objective_.optimizer->state())
          values.emplace_back(s.value, &in.entry(cat("optimizer/", s.name), s.value.dtype(), s.value.shape()));
      } else if (iterations > 0 && m.built()) {
        m.objective_.optimizer->build(m.trainable_weights());
        if (!m.objective_.optimizer->state().empty()) in.fail("lacks the state of the optimizer");
      }
      m.objective_.optimizer->set_iterations(static_cast<std::int64_t>(iterations));
      m.objective_.optimizer->set_learning_rate(rate);
    }
    in.check_all_used();
    for (const auto& [to, from] : values) to.assign(tensor_of(*from));
    m.seed_ = std::bit_cast<std::uint64_t>(seed);
    m.training_calls_ = calls;
    m.epochs_trained_ = epochs;
  }
};

void Model::save(const std::string& path) const {
  const std::shared_lock<ReadWriteLock> reading(weights_lock_);
  Writer out;
  const std::vector<nn::Variable> own = weights();
  add_weights(out, own);
  ModelState::write(*this, out);
  const Json whole = Json::object({{"model", spec(class_name(), config())}, {"compile", compile_config()}});
  save_safetensors(path, out.entries,
                   {{"format", kModelFormat},
                    {"format_version", kModelFormatVersion},
                    {"nacre_version", NACRE_VERSION},
                    {"config", whole.to_string()},
                    {"weight_names", names_json(own)}},
                   true, "save");
}

void Model::save_weights(const std::string& path) const {
  const std::shared_lock<ReadWriteLock> reading(weights_lock_);
  if (!built()) raise<StateError>("save_weights: the model is not built, it has no weights. Call model.build(shape) first.");
  Writer out;
  const std::vector<nn::Variable> own = weights();
  add_weights(out, own);
  save_safetensors(path, out.entries,
                   {{"format", kWeightsFormat},
                    {"format_version", kModelFormatVersion},
                    {"nacre_version", NACRE_VERSION},
                    {"weight_names", names_json(own)}},
                   true, "save_weights");
}

// By name when all names agree, else in order.
void Model::load_weights(const std::string& path) {
  if (!built()) raise<StateError>("load_weights: the model is not built, it has no weights. Call model.build(shape) first.");
  Reader in("load_weights", path);
  const Json list = in.json("weight_names");
  std::vector<std::string> names;
  for (const Json& n : list.elements()) names.push_back(n.get<std::string>());
  const std::vector<nn::Variable> own = weights();
  if (names.size() != own.size()) in.fail(cat("holds ", names.size(), " weights, the model has ", own.size()));
  bool same_names = true;
  for (const nn::Variable& w : own) {
    bool found = false;
    for (const std::string& n : names) found |= n == w.name;
    same_names &= found;
  }
  std::vector<Tensor> values;
  for (std::size_t i = 0; i < own.size(); ++i) {
    const std::string& name = same_names ? own[i].name : names[i];
    const TensorEntry* e = in.file().find(cat("weights/", name));
    if (!e) in.fail(cat("has no tensor 'weights/", name, "'"));
    if (!(e->shape == own[i].value.shape()) || e->dtype != own[i].value.dtype()) {
      raise<ShapeError>("load_weights: '", name, "' in '", path, "' has shape ", e->shape, " and dtype ", e->dtype, " but ",
                        own[i].name, " of the model has ", own[i].value.shape(), " and ", own[i].value.dtype(), ".");
    }
    values.push_back(tensor_of(*e));
  }
  set_weights(values);
}

namespace {

// The architecture's class and configuration.
std::pair<std::string, Json> architecture_of(const Reader& in) {
  if (in.metadata("format") != kModelFormat)
    in.fail(cat("holds '", in.metadata("format"), "', not a whole model. Use model.load_weights"));
  const Json config = in.json("config");
  const Json& architecture = config.at("model");
  return {architecture.get<std::string>("class_name"), architecture.at("config")};
}

}  // namespace

std::pair<std::string, Json> architecture_in_file(const std::string& path) { return architecture_of(Reader("load_model", path)); }

void Model::load(const std::string& path, const OptimizerMaker& make, const LayerMaker& layers) {
  if (!empty()) raise<StateError>("load_model: the model has layers already.");
  Reader in("load_model", path);
  const auto [class_of_file, architecture] = architecture_of(in);
  if (class_of_file != class_name()) in.fail(cat("holds a model of class '", class_of_file, "', not '", class_name(), "'"));
  const Json whole = in.json("config");
  // Weights are made before they can be compared with the file's: what they may take is bounded by the file. Initialisers use several
  // tensors of a weight's size.
  std::size_t held = 0;
  for (const TensorEntry& e : in.file().tensors()) held += e.byte_count();
  const MemoryBudget budget(16 * held + (std::size_t{1} << 20));
  apply_config(architecture, layers);
  const Json& compiled_with = whole.at("compile");
  if (!compiled_with.is_null()) compile_from_config(compiled_with, make);

  const std::vector<nn::Variable> own = weights();
  if (in.metadata("weight_names") != names_json(own)) in.fail("names other weights than its architecture has");
  std::vector<const TensorEntry*> found;
  for (const nn::Variable& w : own) found.push_back(&in.entry(cat("weights/", w.name), w.value.dtype(), w.value.shape()));
  ModelState::read(*this, in);
  for (std::size_t i = 0; i < own.size(); ++i) own[i].value.assign(tensor_of(*found[i]));
}

std::shared_ptr<Model> load_model(const std::string& path) {
  const std::string kind = architecture_in_file(path).first;
  std::shared_ptr<Model> model;
  if (kind == Sequential::kName) {
    model = std::make_shared<Sequential>();
  } else if (kind == Functional::kName) {
    model = std::make_shared<Functional>();
  } else {
    raise<FormatError>("load_model: '", path, "' holds a model of class '", detail::shortened(kind),
                       "'; known are Sequential and Functional.");
  }
  model->load(path);
  return model;
}

}  // namespace nacre::model
