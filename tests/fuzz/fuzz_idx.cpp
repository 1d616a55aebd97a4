// Any bytes into the IDX reader: what it accepts has as many bytes as its shape says, and not more than the file twice over.
#include <cstdint>
#include <cstdlib>

#include "nacre/data/idx.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto array = nacre::parse_idx(std::as_bytes(std::span(data, size)));
    if (array.bytes.size() != static_cast<std::size_t>(array.shape.count() * nacre::size_of(array.dtype))) std::abort();
    if (array.bytes.size() > 2 * size) std::abort();
  } catch (const nacre::FormatError&) {
  }
  return 0;
}
