// Any bytes into the JSON reader. What it accepts must be written and read back as the same value, in each of the three forms.
#include <cstdint>
#include <cstdlib>

#include "nacre/io/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using nacre::Json;
  Json j;
  try {
    j = Json::parse({reinterpret_cast<const char*>(data), size});
  } catch (const nacre::FormatError&) {
    return 0;
  }
  const Json copy = j;
  for (const std::string& text : {j.to_string(), j.canonical(), j.pretty()}) {
    if (!(Json::parse(text) == copy)) std::abort();
  }
  if (Json::parse(j.canonical()).canonical() != j.canonical()) std::abort();
  return 0;
}
