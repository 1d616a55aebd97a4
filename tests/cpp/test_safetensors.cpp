// The safetensors container: layout, round trips, a list of damaged headers, and random mutations of whole files.
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "nacre/io/json.h"
#include "nacre/io/safetensors.h"
#include "nacre/io/sha256.h"

using nacre::ChecksumRule;
using nacre::DType;
using nacre::FormatError;
using nacre::Metadata;
using nacre::SafetensorsFile;
using nacre::Shape;
using nacre::TensorEntry;

namespace {

struct Sample {
  std::vector<float> weight{1.5f, -2.0f, 3.25f, 0.0f, 5.0f, 6.0f};
  double scalar = 0.1;
  std::int64_t step = 12345;
  std::uint8_t image[5] = {1, 2, 3, 4, 5};
  bool mask[3] = {true, false, true};
  std::uint16_t half[3] = {0x3C00, 0x4000, 0x4200};
  std::vector<TensorEntry> tensors{{"mask", DType::boolean, {3}, mask},
                                   {"image", DType::uint8, {5}, image},
                                   {"dense/kernel", DType::float32, {2, 3}, weight.data()},
                                   {"half", DType::float16, {3}, half},
                                   {"nothing", DType::float32, {0, 4}, nullptr},
                                   {"scalar", DType::float64, {}, &scalar},
                                   {"step", DType::int64, {1}, &step}};
  Metadata metadata{{"format_version", "1"}, {"config", "{\"class_name\":\"Sequential\"}"}};
};

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

SafetensorsFile load(const std::string& text, ChecksumRule rule = ChecksumRule::required) {
  return SafetensorsFile::read(bytes(text), rule, "f", "load_model");
}

std::string error_of(const std::string& text, ChecksumRule rule = ChecksumRule::if_present) {
  try {
    (void)load(text, rule);
  } catch (const FormatError& e) {
    return e.what();
  }
  return "";
}

std::string file_of(std::string header, std::size_t data_size, std::size_t length) {
  std::string s;
  for (int i = 0; i < 8; ++i) s.push_back(static_cast<char>(std::uint64_t{length} >> (8 * i)));
  return s + header + std::string(data_size, '\0');
}
std::string file_of(const std::string& header, std::size_t data_size) { return file_of(header, data_size, header.size()); }

// Everything a reader sees, for comparison.
std::map<std::string, std::string> content(const SafetensorsFile& file) {
  std::map<std::string, std::string> out;
  for (const auto& t : file.tensors()) {
    std::string raw(t.byte_count(), '\0');
    if (!raw.empty()) std::memcpy(raw.data(), t.data, raw.size());
    out["t:" + t.name] = nacre::cat(t.dtype, t.shape, raw);
  }
  for (const auto& [key, value] : file.metadata()) out["m:" + key] = value;
  return out;
}

}  // namespace

TEST_CASE("safetensors: what is written is read back") {
  const Sample s;
  std::string pattern = (std::filesystem::temp_directory_path() / "nacre-test-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  const std::string path = pattern + "/m.safetensors";
  nacre::save_safetensors(path, s.tensors, s.metadata);
  {
    SafetensorsFile opened = SafetensorsFile::open(path, ChecksumRule::required);
    const SafetensorsFile file = std::move(opened);  // the mapping moves along
    CHECK(file.tensors().size() == 7);
    CHECK(file.metadata() == s.metadata);
    CHECK(*file.find_metadata("format_version") == "1");
    CHECK(file.find_metadata("sha256") == nullptr);
    CHECK(file.find("missing") == nullptr);
    for (const TensorEntry& t : s.tensors) {
      const TensorEntry* got = file.find(t.name);
      REQUIRE(got != nullptr);
      CHECK(got->dtype == t.dtype);
      CHECK(got->shape == t.shape);
      CHECK((t.byte_count() == 0 || std::memcmp(got->data, t.data, t.byte_count()) == 0));
      CHECK(reinterpret_cast<std::uintptr_t>(got->data) % static_cast<std::size_t>(nacre::size_of(t.dtype)) == 0);
    }
  }
  CHECK_THROWS_AS((void)SafetensorsFile::open(pattern + "/none", ChecksumRule::required), nacre::IoError);
  std::filesystem::remove_all(pattern);
}

TEST_CASE("safetensors: the bytes follow the format") {
  const Sample s;
  const std::string file = nacre::make_safetensors(s.tensors, s.metadata).join();
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  CHECK((8 + length) % 64 == 0);
  const std::string text = file.substr(8, length);
  const nacre::Json header = nacre::Json::parse(text);
  CHECK(header["dense/kernel"]["dtype"].get<std::string>() == "F32");
  CHECK(header["dense/kernel"]["shape"].get<Shape>() == Shape{2, 3});
  const auto at = header["dense/kernel"]["data_offsets"].get<std::vector<std::size_t>>();
  CHECK(at[1] - at[0] == 24);
  CHECK(std::memcmp(file.data() + 8 + length + at[0], s.weight.data(), 24) == 0);
  CHECK(header["scalar"]["shape"].empty());
  // The checksum, computed here from its definition.
  nacre::Json without = header;
  const auto sum = without["__metadata__"]["nacre_sha256"].get<std::string>();
  without["__metadata__"].erase("nacre_sha256");
  CHECK(sum == nacre::Sha256().update(without.canonical()).update(std::string_view(file).substr(8 + length)).hex());
  CHECK(nacre::make_safetensors({}, {}).join().size() % 64 == 0);
  CHECK(load(nacre::make_safetensors({}, {}).join()).tensors().empty());
}

TEST_CASE("safetensors: files without a checksum open only as plain tensors") {
  const Sample s;
  const std::string file = nacre::make_safetensors(s.tensors, s.metadata, false).join();
  CHECK(error_of(file, ChecksumRule::required).find("has no 'nacre_sha256'") != std::string::npos);
  CHECK(content(load(file, ChecksumRule::if_present)) == content(load(nacre::make_safetensors(s.tensors, s.metadata).join())));
}

TEST_CASE("safetensors: the writer refuses bad names") {
  const float x = 1;
  auto refuse = [&](std::vector<TensorEntry> tensors, const Metadata& metadata = {}) {
    CHECK_THROWS_AS((void)nacre::make_safetensors(tensors, metadata), nacre::ValueError);
  };
  refuse({{"", DType::float32, {1}, &x}});
  refuse({{"__metadata__", DType::float32, {1}, &x}});
  refuse({{"a\nb", DType::float32, {1}, &x}});
  refuse({{std::string("a\0b", 3), DType::float32, {1}, &x}});
  refuse({{"\xff", DType::float32, {1}, &x}});
  refuse({{"a", DType::float32, {1}, &x}, {"a", DType::float32, {1}, &x}});
  refuse({}, {{"k", "1"}, {"k", "2"}});
  refuse({}, {{"nacre_sha256", "1"}});
  refuse({}, {{"k", "\xff"}});
  refuse({{"a", DType::float32, {-1}, &x}});
  refuse({{"a", DType::float32, {Shape{std::int64_t{1} << 62, 4}}, &x}});
}

TEST_CASE("safetensors: the reader refuses damaged headers") {
  auto one = [](const std::string& entry, std::size_t size = 8) { return error_of(file_of("{" + entry + "}", size)); };
  auto has = [](const std::string& text, std::string_view part) {
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  CHECK(one(R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})") == "");
  CHECK(one(R"("a":{"shape":[2],"data_offsets":[0,8],"dtype":"F32"})") == "");
  CHECK(one(R"("a":{"dtype":"I64","shape":[],"data_offsets":[0,8]})") == "");
  CHECK(error_of(file_of("{}", 0)) == "");
  CHECK(error_of(file_of("{}  \n", 0)) == "");
  // Unaligned tensors of other writers are allowed.
  CHECK(one(R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]})", 5) ==
        "");

  has(error_of(""), "too few");
  has(error_of("PK\3\4 something else entirely"), "is no safetensors file");
  has(error_of(file_of("{}", 0, 3)), "cut off");
  has(error_of(file_of("{}", 0, ~std::size_t{0})), "cut off");
  has(error_of(file_of("{}", 0, ~std::size_t{0} - 7)), "cut off");
  has(error_of(file_of(std::string(100, ' '), 0, 0)), "does not begin with '{'");
  has(error_of(file_of(" {}", 0)), "does not begin with '{'");
  has(error_of(file_of("[1,2]", 8)), "does not begin");
  has(error_of(file_of("{} x", 8)), "line 1, column 4");
  has(error_of(file_of("{\"a\":1", 8)), "line 1");
  has(error_of(file_of("{\"a\":[" + std::string(50, '['), 8)), "nested deeper");
  has(error_of(file_of(
          "{\"a\":[" +
              [] {
                std::string s = "0";
                for (int i = 0; i < 5000; ++i) s += ",0";
                return s;
              }() +
              "]}",
          8)),
      "more than");

  const char* bad[] = {
      R"("a":1)", R"("a":null)", R"("a":[])", R"("a":{})", R"("a":{"dtype":"F32","shape":[2]})",
      R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1})", R"("a":{"dtype":"F32","shape":[2],"offsets":[0,8]})",
      R"("a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]})", R"("a":{"dtype":"f32","shape":[2],"data_offsets":[0,8]})",
      R"("a":{"dtype":"","shape":[2],"data_offsets":[0,8]})", R"("a":{"dtype":7,"shape":[2],"data_offsets":[0,8]})",
      R"("a":{"dtype":"U64","shape":[1],"data_offsets":[0,8]})", R"("a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]})",
      R"("a":{"dtype":"F32","shape":2,"data_offsets":[0,8]})", R"("a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})",
      R"("a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]})", R"("a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]})",
      R"("a":{"dtype":"F32","shape":[null],"data_offsets":[0,8]})", R"("a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]})",
      R"("a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]})", R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]})",
      R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,8]})", R"("a":{"dtype":"F32","shape":[0],"data_offsets":[0,8]})",
      R"("a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]})",
      R"("a":{"dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]})",      // * 4 wraps to 8
      R"("a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]})",    // wraps to 0
      R"("a":{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]})",  // empty, strides wrap
      R"("a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]})", R"("a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]})",
      R"("a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]})", R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8.0]})",
      R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0]})", R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]})",
      R"("a":{"dtype":"F32","shape":[2],"data_offsets":"0,8"})", R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})",
      R"("a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]})",  // hole at the front
      R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})",  // twice the
                                                                                                                       // same
      R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]})",  // overlap
      R"("a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]})",    // hole
      R"("a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[0],"data_offsets":[4,4]})",    // empty one
                                                                                                                       // inside
      R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})",  // same name
      R"("":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})", R"("a\u0000":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})",
      R"("__metadata__":[],"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})",
      R"("__metadata__":{"k":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})",
      R"("__metadata__":{"nacre_sha256":"00"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})", R"("__metadata__":{})"};
  for (const char* entry : bad) {
    CAPTURE(entry);
    has(one(entry), "load_model: 'f'");
  }
  CHECK(one(R"("a":{"dtype":"BOOL","shape":[8],"data_offsets":[0,8]})") == "");
  std::string flags = file_of(R"({"a":{"dtype":"BOOL","shape":[8],"data_offsets":[0,8]}})", 8);
  flags.back() = 2;
  has(error_of(flags), "BOOL");
}

TEST_CASE("safetensors: no change of a file with a checksum goes unseen") {
  const Sample s;
  const std::string seed = nacre::make_safetensors(s.tensors, s.metadata).join();
  const auto original = content(load(seed));
  std::uint64_t length = 0;
  std::memcpy(&length, seed.data(), 8);
  const std::size_t head = 8 + static_cast<std::size_t>(length);
  // Every single bit.
  int harmless = 0;
  for (std::size_t bit = 0; bit < seed.size() * 8; ++bit) {
    std::string text = seed;
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
    try {
      const auto changed = content(load(text));
      REQUIRE(changed == original);
      ++harmless;  // none: no single bit turns one kind of white space into another
    } catch (const FormatError&) {
    }
  }
  CHECK(harmless == 0);
  // Larger changes: bytes, cuts, insertions, swapped ranges, digits of offsets and sizes.
  std::mt19937 random(11);
  int refused = 0;
  for (int i = 0; i < 10000; ++i) {
    std::string text = seed;
    for (unsigned n = 1 + random() % 3; n > 0; --n) {
      const std::size_t limit = random() % 4 ? head : text.size();
      const std::size_t at = random() % std::min(limit, text.size());
      switch (random() % 6) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.erase(at, 1 + random() % 40); break;
        case 2: text.insert(at, text.substr(random() % text.size(), random() % 40)); break;
        case 3: {
          const std::size_t other = random() % text.size(),
                            size = std::min<std::size_t>(1 + random() % 16, text.size() - std::max(at, other));
          std::swap_ranges(text.begin() + static_cast<std::ptrdiff_t>(at), text.begin() + static_cast<std::ptrdiff_t>(at + size),
                           text.begin() + static_cast<std::ptrdiff_t>(other));
          break;
        }
        case 4: {
          const std::size_t digit = text.find_first_of("0123456789", std::max<std::size_t>(at, 8));
          if (digit != std::string::npos) text[digit] = static_cast<char>('0' + random() % 10);
          break;
        }
        default: text.resize(at); break;
      }
      if (text.empty()) text = "x";
    }
    try {
      const auto changed = content(load(text));
      REQUIRE(changed == original);
    } catch (const FormatError&) {
      ++refused;
    }
  }
  CHECK(refused > 9000);
}

TEST_CASE("safetensors: without a checksum mutations are refused or stay inside the file") {
  const Sample s;
  const std::string seed = nacre::make_safetensors(s.tensors, s.metadata, false).join();
  std::mt19937 random(12);
  int accepted = 0;
  std::size_t total = 0;
  for (int i = 0; i < 10000; ++i) {
    std::string text = seed;
    for (unsigned n = 1 + random() % 2; n > 0; --n) {
      const std::size_t digit = text.find_first_of("0123456789[],", 8 + random() % (text.size() - 8));
      if (digit != std::string::npos) text[digit] = "0123456789[],"[random() % 13];
      if (random() % 8 == 0) text[random() % text.size()] = static_cast<char>(random());
    }
    try {
      for (const auto& [key, value] : content(load(text, ChecksumRule::if_present)))
        total += value.size();  // reads all bytes, for the sanitizer
      ++accepted;
    } catch (const FormatError&) {
    }
  }
  CHECK(accepted > 100);
  CHECK(total > 0);
}
