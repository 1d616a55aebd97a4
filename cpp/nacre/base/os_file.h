// Every call to the operating system about files: read-only mapping and atomic replacement. All failures are IoError with the path
// and the system's reason.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "nacre/base/api.h"

namespace nacre {

// A regular file mapped for reading. The bytes stay valid while this lives, also when the file is replaced through
// write_file_atomically (a new file takes the name). A file that another program shortens in place while it is mapped is outside of
// what can be caught.
class NACRE_API MappedFile {
 public:
  MappedFile() = default;
  // `name` begins messages: the user's own call, "load_model".
  static MappedFile open(const std::string& path, const char* name = "open");
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  [[nodiscard]] const std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// Replaces `path` by the parts, one after another, or leaves it as it was: the bytes go to a new file in the same folder, which is
// synced and renamed over `path`; then the folder is synced. On failure the new file is removed. An existing file keeps its
// permission bits, a new one gets those of the process (umask); a symbolic link stays and its target is replaced. Only regular
// files are replaced.
NACRE_API void write_file_atomically(const std::string& path, std::span<const std::span<const std::byte>> parts,
                                     const char* name = "save");
NACRE_API void write_file_atomically(const std::string& path, std::span<const std::byte> bytes, const char* name = "save");

}  // namespace nacre
