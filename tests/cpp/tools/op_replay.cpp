// op_replay FROM TO: runs the op calls of a file and writes their outputs, for targets that have no Python (tests/package/test_targets.py under qemu).
//
// FROM is a safetensors file. Its metadata "calls" is a JSON list of {"op", "attrs", "inputs", "gradient"}: inputs are names of tensors or null;
// real attributes that JSON cannot write are "inf" and "-inf". With "gradient" the op's gradient is compared with central differences too.
// TO gets the tensor "K.I" for output I of call K. Each call runs with 1 and 2 threads, which must give the same bits. Exit status 1 and a
// message at the first failure.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <deque>

#include "nacre/base/threads.h"
#include "nacre/io/json.h"
#include "nacre/io/safetensors.h"
#include "nacre/ops/attrs_json.h"
#include "nacre/ops/gradient_check.h"

namespace {

using namespace nacre;

std::vector<std::byte> attributes(const OpDef& def, const Json& given) {
  std::vector<std::byte> attrs(def.attr_size);
  std::memcpy(attrs.data(), def.defaults, def.attr_size);
  for (auto [key, value] : given.items()) {
    const FieldDef* field = nullptr;
    for (const FieldDef& f : def.fields) {
      if (f.name == key) field = &f;
    }
    if (!field) raise<ValueError>(def.name, ": no attribute '", key, "'.");
    if (field->kind == FieldKind::real && value.is_string()) {
      *reinterpret_cast<double*>(attrs.data() + field->offset) = value.get<std::string>() == "inf" ? HUGE_VAL : -HUGE_VAL;
    } else {
      attr_from_json(def.name, *field, value, attrs.data());
    }
  }
  return attrs;
}

std::vector<Tensor> inputs_of(const SafetensorsFile& file, const OpDef& def, const Json& names) {
  std::vector<Tensor> in;
  for (const Json& name : names.elements()) {
    Tensor t;
    if (!name.is_null()) {
      const TensorEntry* entry = file.find(name.get<std::string>());
      if (!entry) raise<ValueError>(def.name, ": the file has no tensor ", name.get<std::string>(), ".");
      t = Tensor::empty(entry->shape, entry->dtype);
      if (entry->byte_count()) std::memcpy(t.body()->data, entry->data, entry->byte_count());
    }
    in.push_back(std::move(t));
  }
  const bool variadic = !def.inputs.empty() && (def.inputs.back().flags & kVariadic);
  while (!variadic && in.size() < def.inputs.size()) in.emplace_back();
  return in;
}

std::string bytes_of(const Tensor& t) {
  std::string bytes(static_cast<std::size_t>(t.count() * size_of(t.dtype())), '\0');
  t.copy_to_host(bytes.data());
  return bytes;
}

int replay(const char* from, const char* to) {
  const auto file = SafetensorsFile::open(from, ChecksumRule::if_present, "op_replay");
  const std::string* text = file.find_metadata("calls");
  if (!text) raise<ValueError>("op_replay: the file has no calls.");
  const Json calls = Json::parse(*text);
  std::deque<std::string> kept;
  std::vector<TensorEntry> outputs;
  std::size_t number = 0, gradients = 0;
  for (const Json& call : calls.elements()) {
    const auto name = call.at("op").get<std::string>();
    const OpDef* def = find_op(name);
    if (!def) raise<ValueError>("op_replay: unknown op ", name, ".");
    const std::vector<std::byte> attrs = attributes(*def, call.at("attrs"));
    for (int threads : {1, 2}) {
      set_num_threads(threads);
      const std::vector<Tensor> results = apply(*def, attrs.data(), inputs_of(file, *def, call.at("inputs")));
      for (std::size_t i = 0; i < results.size(); ++i) {
        std::string bytes = bytes_of(results[i]);
        if (threads == 1) {
          kept.push_back(std::move(bytes));
          outputs.push_back({cat(number, ".", i), results[i].dtype(), results[i].shape(), kept.back().data()});
        } else if (bytes != kept[kept.size() - results.size() + i]) {
          raise<ValueError>(name, ": call ", number, ", output ", i, " has other bits with 2 threads.");
        }
      }
    }
    if (call.at("gradient").get<bool>()) {
      const GradientCheck check = check_gradient(*def, attrs.data(), inputs_of(file, *def, call.at("inputs")));
      if (check.checked == 0 || !(check.worst <= 1)) {
        raise<ValueError>(name, ": call ", number, ", gradient of input ", check.worst_input, ", element ", check.worst_element,
                          ": got ", check.got, ", expected ", check.expected, ".");
      }
      ++gradients;
    }
    ++number;
  }
  save_safetensors(to, outputs, {});
  std::printf("%zu calls, gradients of %zu\n", number, gradients);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    return replay(argv[1], argv[2]);
  } catch (const nacre::Error& error) {
    std::puts(error.what());
    return 1;
  }
}
