// Any bytes into the safetensors reader. Every byte of every tensor it hands out is read (the sanitizer sees what lies outside),
// and what it accepts must survive being written and read again.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "nacre/base/error.h"
#include "nacre/io/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using nacre::SafetensorsFile;
  const auto rule = nacre::ChecksumRule::if_present;
  try {
    const auto file = SafetensorsFile::read(std::as_bytes(std::span(data, size)), rule);
    const std::string again = nacre::make_safetensors(file.tensors(), file.metadata()).join();
    const auto copy = SafetensorsFile::read(std::as_bytes(std::span(again)), nacre::ChecksumRule::required);
    if (copy.metadata() != file.metadata() || copy.tensors().size() != file.tensors().size()) std::abort();
    for (const auto& t : file.tensors()) {
      const auto* other = copy.find(t.name);
      if (!other || other->dtype != t.dtype || !(other->shape == t.shape)) std::abort();
      if (t.byte_count() > 0 && std::memcmp(other->data, t.data, t.byte_count()) != 0) std::abort();
    }
  } catch (const nacre::FormatError&) {
  }
  return 0;
}
