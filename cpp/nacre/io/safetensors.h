// The safetensors container: named tensors and a map of texts in one file that every safetensors reader opens.
//
// Layout: 8 bytes little-endian length N, N bytes JSON header (padded with spaces so that the data begins at a multiple of 64),
// data. The header maps each name to {"dtype", "shape", "data_offsets": [begin, end]}, and "__metadata__" to an object of strings.
// nacre's files carry the metadata entry "nacre_sha256": SHA-256 over the canonical header without that entry, then over the data.
// The reader believes nothing: lengths, names, dtypes, shapes, offsets, overlaps, holes and the checksum are checked before a byte
// is handed out, and memory is bounded by the length of the header. Source: the format description of the safetensors project.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nacre/base/api.h"
#include "nacre/base/os_file.h"
#include "nacre/base/shape.h"

namespace nacre {

// A header longer than this is refused, as in the reference reader.
inline constexpr std::size_t kMaxSafetensorsHeader = 100'000'000;

// One tensor. For writing: contiguous bytes, row-major. From a file: `data` points into the mapping and may lie at any address.
struct TensorEntry {
  std::string name;
  DType dtype = DType::float32;
  Shape shape;
  const void* data = nullptr;

  [[nodiscard]] std::size_t byte_count() const { return static_cast<std::size_t>(shape.count() * size_of(dtype)); }
};

using Metadata = std::vector<std::pair<std::string, std::string>>;

// Header and order of the data, ready to be written: `parts` point into `head` and into the tensors' own memory.
struct SafetensorsImage {
  std::string head;  // length, header, padding
  std::vector<std::span<const std::byte>> tensors;
  [[nodiscard]] std::vector<std::span<const std::byte>> parts() const;
  // Everything in one piece, for buffers.
  [[nodiscard]] std::string join() const;
};

// Tensors are ordered by falling element size, otherwise as given, so that all are aligned without holes. With `checksum` the
// metadata gets "nacre_sha256". ValueError for names that are empty, doubled, not UTF-8 or reserved, and for doubled metadata keys.
NACRE_API SafetensorsImage make_safetensors(std::span<const TensorEntry> tensors, const Metadata& metadata, bool checksum = true,
                                            const char* name = "save");
NACRE_API void save_safetensors(const std::string& path, std::span<const TensorEntry> tensors, const Metadata& metadata,
                                bool checksum = true, const char* name = "save");

enum class ChecksumRule : std::uint8_t {
  required,    // nacre's own files: a missing checksum is an error
  if_present,  // files of others
};

class NACRE_API SafetensorsFile {
 public:
  // Maps the file. FormatError when anything is wrong with it, IoError when it cannot be read.
  static SafetensorsFile open(const std::string& path, ChecksumRule rule, const char* name = "load");
  // Reads bytes that the caller keeps alive; `source` stands for the path in messages.
  static SafetensorsFile read(std::span<const std::byte> bytes, ChecksumRule rule, const std::string& source = "bytes",
                              const char* name = "load");

  // In the order of the data.
  [[nodiscard]] std::span<const TensorEntry> tensors() const noexcept { return tensors_; }
  // nullptr when there is no such tensor.
  [[nodiscard]] const TensorEntry* find(std::string_view tensor) const noexcept;
  [[nodiscard]] const Metadata& metadata() const noexcept { return metadata_; }
  // nullptr when there is no such entry.
  [[nodiscard]] const std::string* find_metadata(std::string_view key) const noexcept;

 private:
  SafetensorsFile() = default;
  void load(std::span<const std::byte> bytes, ChecksumRule rule, const std::string& source, const char* name);

  MappedFile file_;
  std::vector<TensorEntry> tensors_;
  std::vector<std::uint32_t> by_name_;  // positions in tensors_, sorted by name
  Metadata metadata_;
};

}  // namespace nacre
