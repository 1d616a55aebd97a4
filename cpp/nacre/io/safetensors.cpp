// Writer and reader of the safetensors container. See safetensors.h for the layout and the checksum.
#include "nacre/io/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <optional>

#include "nacre/io/json.h"
#include "nacre/io/sha256.h"

namespace nacre {

static_assert(std::endian::native == std::endian::little, "the file's byte order is the machine's: port the data paths first");

namespace {

constexpr std::string_view kMetadataKey = "__metadata__";
constexpr std::string_view kChecksumKey = "nacre_sha256";
constexpr std::size_t kAlign = 64;

constexpr std::string_view kDTypeCodes[kDTypeCount] = {"BOOL", "U8", "I8", "I32", "I64", "F16", "BF16", "F32", "F64"};

std::string_view code_of(DType t) { return kDTypeCodes[static_cast<int>(t)]; }

std::optional<DType> dtype_of_code(std::string_view code) {
  for (int i = 0; i < kDTypeCount; ++i) {
    if (code == kDTypeCodes[i]) return static_cast<DType>(i);
  }
  return std::nullopt;
}

// Nothing that a terminal or a file name would trip over.
bool valid_name(std::string_view name) {
  return !name.empty() && name != kMetadataKey &&
         std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

std::string checksum_of(const Json& header_without_sum, std::span<const std::span<const std::byte>> data) {
  Sha256 sum;
  sum.update(header_without_sum.canonical());
  for (const auto& part : data) sum.update(part.data(), part.size());
  return sum.hex();
}

}  // namespace

std::vector<std::span<const std::byte>> SafetensorsImage::parts() const {
  std::vector<std::span<const std::byte>> all{std::as_bytes(std::span(head))};
  all.insert(all.end(), tensors.begin(), tensors.end());
  return all;
}

std::string SafetensorsImage::join() const {
  std::string out = head;
  for (const auto& t : tensors) out.append(reinterpret_cast<const char*>(t.data()), t.size());
  return out;
}

SafetensorsImage make_safetensors(std::span<const TensorEntry> tensors, const Metadata& metadata, bool checksum, const char* name) {
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return size_of(tensors[a].dtype) > size_of(tensors[b].dtype); });

  Json header = Json::object();
  Json texts = Json::object();
  for (const auto& [key, value] : metadata) {
    if (texts.contains(key)) raise<ValueError>(name, ": metadata key '", key, "' is given twice.");
    if (checksum && key == kChecksumKey) raise<ValueError>(name, ": metadata key '", key, "' is reserved for the file's checksum.");
    texts[key] = value;
  }
  header[kMetadataKey] = texts;

  SafetensorsImage image;
  Dim offset = 0;
  for (std::size_t i : order) {
    const TensorEntry& t = tensors[i];
    if (!valid_name(t.name)) {
      raise<ValueError>(name, ": tensor name '", t.name,
                        "' is not allowed. Use text without control characters, and not __metadata__.");
    }
    if (header.contains(t.name)) raise<ValueError>(name, ": tensor name '", t.name, "' is given twice. Names must differ.");
    const Dim bytes = checked_count(name, t.shape, t.dtype) * size_of(t.dtype);
    const Dim end = checked_add(name, offset, bytes);
    header[t.name] = Json::object({{"dtype", code_of(t.dtype)}, {"shape", t.shape}, {"data_offsets", Json::array({offset, end})}});
    image.tensors.emplace_back(static_cast<const std::byte*>(t.data), static_cast<std::size_t>(bytes));
    offset = end;
  }
  if (checksum) header[kMetadataKey][kChecksumKey] = checksum_of(header, image.tensors);

  const std::string text = header.to_string();
  const std::size_t length = (8 + text.size() + kAlign - 1) / kAlign * kAlign - 8;
  if (length > kMaxSafetensorsHeader) {
    raise<ValueError>(name, ": the file's header of ", length, " bytes passes the format's limit of ", kMaxSafetensorsHeader, ".");
  }
  for (int i = 0; i < 8; ++i) image.head.push_back(static_cast<char>(std::uint64_t{length} >> (8 * i)));
  image.head += text;
  image.head.append(length - text.size(), ' ');
  return image;
}

void save_safetensors(const std::string& path, std::span<const TensorEntry> tensors, const Metadata& metadata, bool checksum,
                      const char* name) {
  const SafetensorsImage image = make_safetensors(tensors, metadata, checksum, name);
  write_file_atomically(path, image.parts(), name);
}

SafetensorsFile SafetensorsFile::open(const std::string& path, ChecksumRule rule, const char* name) {
  SafetensorsFile out;
  out.file_ = MappedFile::open(path, name);
  out.load(out.file_.bytes(), rule, path, name);
  return out;
}

SafetensorsFile SafetensorsFile::read(std::span<const std::byte> bytes, ChecksumRule rule, const std::string& source,
                                      const char* name) {
  SafetensorsFile out;
  out.load(bytes, rule, source, name);
  return out;
}

const TensorEntry* SafetensorsFile::find(std::string_view tensor) const noexcept {
  auto it = std::lower_bound(by_name_.begin(), by_name_.end(), tensor,
                             [this](std::uint32_t i, std::string_view k) { return std::string_view(tensors_[i].name) < k; });
  return it != by_name_.end() && tensors_[*it].name == tensor ? &tensors_[*it] : nullptr;
}

const std::string* SafetensorsFile::find_metadata(std::string_view key) const noexcept {
  for (const auto& [k, value] : metadata_) {
    if (k == key) return &value;
  }
  return nullptr;
}

namespace {

// A tensor with its place in the data, while the header is checked.
struct Placed {
  TensorEntry entry;
  std::int64_t begin = 0, end = 0;
};

// `where` begins each message: the user's call and the file.
Placed read_entry(const std::string& where, const std::string& tensor, const Json& info, std::size_t data_size) {
  auto fail = [&](const auto&... what) { raise<FormatError>(where, ": tensor '", tensor, "' ", what..., "."); };
  if (!valid_name(tensor)) raise<FormatError>(where, ": a tensor's name is empty or holds control characters.");
  if (!info.is_object() || info.size() != 3 || !info.contains("dtype") || !info.contains("shape") ||
      !info.contains("data_offsets")) {
    fail("must be an object of dtype, shape and data_offsets, and nothing else");
  }
  Placed p;
  p.entry.name = tensor;
  const Json& code = info["dtype"];
  const auto dtype = code.is_string() ? dtype_of_code(code.get<std::string_view>()) : std::nullopt;
  if (!dtype) fail("has the dtype ", code.to_string().substr(0, 40), ". Known here: BOOL, U8, I8, I32, I64, F16, BF16, F32, F64");
  p.entry.dtype = *dtype;

  const Json& sizes = info["shape"];
  if (!sizes.is_array() || sizes.size() > kMaxRank) fail("needs a shape of at most ", kMaxRank, " sizes");
  std::int64_t bytes = size_of(*dtype), without_zeros = bytes;
  for (const Json& size : sizes.elements()) {
    if (!size.is_integer() || size.get<Dim>() < 0) fail("has a size ", size.to_string().substr(0, 40), " in its shape");
    const Dim d = size.get<Dim>();
    // Zeros are left out of this product: [0, 2^62, 2^62] has no elements, yet strides made from it would overflow.
    if (__builtin_mul_overflow(without_zeros, d == 0 ? 1 : d, &without_zeros)) fail("has a shape too large to address");
    bytes = d == 0 ? 0 : bytes == 0 ? 0 : without_zeros;
    p.entry.shape.push_back(d);
  }

  const Json& offsets = info["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_integer() || !offsets[1].is_integer()) {
    fail("needs data_offsets of two integers");
  }
  p.begin = offsets[0].get<std::int64_t>();
  p.end = offsets[1].get<std::int64_t>();
  if (p.begin < 0 || p.begin > p.end || static_cast<std::uint64_t>(p.end) > data_size) {
    fail("has the data_offsets [", p.begin, ", ", p.end, "], outside of the ", data_size, " bytes of data");
  }
  if (p.end - p.begin != bytes) {
    fail("has ", p.end - p.begin, " bytes of data, but shape ", p.entry.shape, " of ", *dtype, " takes ", bytes);
  }
  return p;
}

Metadata read_metadata(const std::string& where, const Json& texts) {
  if (!texts.is_object()) raise<FormatError>(where, ": __metadata__ must be an object of strings.");
  Metadata out;
  for (auto [key, value] : texts.items()) {
    if (!value.is_string()) raise<FormatError>(where, ": the metadata entry '", key, "' must be a string.");
    out.emplace_back(key, value.get<std::string>());
  }
  return out;
}

}  // namespace

void SafetensorsFile::load(std::span<const std::byte> bytes, ChecksumRule rule, const std::string& source, const char* name) {
  const std::string where = cat(name, ": '", source, "'");
  if (bytes.size() < 10) raise<FormatError>(where, " has ", bytes.size(), " bytes, too few for a safetensors file.");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  if (length > kMaxSafetensorsHeader || length > bytes.size() - 8) {
    raise<FormatError>(where, " is no safetensors file or is cut off: its header length reads ", length, ", the file has ",
                       bytes.size(), " bytes.");
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8, static_cast<std::size_t>(length));
  if (text.empty() || text[0] != '{') raise<FormatError>(where, " is no safetensors file: the header does not begin with '{'.");

  // A header that is what it should be has at least 4 bytes for each value in it; the bound keeps memory near the text's length.
  JsonLimits limits;
  limits.max_depth = 4;
  limits.max_bytes = kMaxSafetensorsHeader;
  limits.max_values = text.size() / 4 + 64;
  Json header = Json::parse(text, limits, where);

  const auto data = bytes.subspan(8 + text.size());
  std::vector<Placed> placed;
  placed.reserve(header.size());
  for (auto [key, info] : header.items()) {
    if (key == kMetadataKey) {
      metadata_ = read_metadata(where, info);
    } else {
      placed.push_back(read_entry(where, key, info, data.size()));
    }
  }

  // The tensors must tile the data: each begins where the one before ended. Empty ones come first at their place.
  std::sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end != b.end ? a.end < b.end : a.entry.name < b.entry.name;
  });
  std::int64_t at = 0;
  for (const Placed& p : placed) {
    if (p.begin != at) {
      raise<FormatError>(where, ": tensor '", p.entry.name, "' begins at byte ", p.begin, " of the data, which ",
                         p.begin < at ? "overlaps the tensor before it." : "leaves a hole: the one before it ends at ",
                         p.begin < at ? std::string() : cat(at, "."));
    }
    at = p.end;
  }
  if (static_cast<std::uint64_t>(at) != data.size()) {
    raise<FormatError>(where, " has ", data.size(), " bytes of data, but its tensors take ", at, ".");
  }

  if (const std::string* sum = find_metadata(kChecksumKey)) {
    const std::string expected = *sum;
    header[kMetadataKey].erase(kChecksumKey);
    if (checksum_of(header, std::span(&data, 1)) != expected) {
      raise<FormatError>(where, " is damaged: its SHA-256 does not match its content.");
    }
    std::erase_if(metadata_, [](const auto& entry) { return entry.first == kChecksumKey; });
  } else if (rule == ChecksumRule::required) {
    raise<FormatError>(
        where, " has no 'nacre_sha256' in its metadata, so it was not written by nacre. Its tensors can be read as plain weights.");
  }

  tensors_.reserve(placed.size());
  for (Placed& p : placed) {
    p.entry.data = data.data() + p.begin;
    if (p.entry.dtype == DType::boolean) {  // any other byte in a bool would be undefined behaviour later
      const auto* b = static_cast<const std::uint8_t*>(p.entry.data);
      if (std::any_of(b, b + (p.end - p.begin), [](std::uint8_t v) { return v > 1; })) {
        raise<FormatError>(where, ": tensor '", p.entry.name, "' is BOOL but holds bytes other than 0 and 1.");
      }
    }
    tensors_.push_back(std::move(p.entry));
  }
  by_name_.resize(tensors_.size());
  std::iota(by_name_.begin(), by_name_.end(), std::uint32_t{0});
  std::sort(by_name_.begin(), by_name_.end(),
            [this](std::uint32_t a, std::uint32_t b) { return tensors_[a].name < tensors_[b].name; });
}

}  // namespace nacre
