// One step of UTF-8: shared by the JSON reader (which refuses bad bytes) and writer (which must not produce them).
#pragma once

#include <cstddef>
#include <string>

namespace nacre {

// Length (1 to 4) of the well-formed sequence at p, 0 when it is none: overlong forms, surrogates and values past U+10FFFF are
// refused (The Unicode Standard, table 3-7).
[[nodiscard]] inline int utf8_length(const char* p, const char* end) noexcept {
  auto byte = [&](int i) { return static_cast<unsigned char>(p[i]); };
  const auto left = end - p;
  if (left < 1) return 0;
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  auto tail = [&](int i) { return (byte(i) & 0xC0) == 0x80; };
  if (lead >= 0xC2 && lead <= 0xDF) return left >= 2 && tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (left < 3 || !tail(1) || !tail(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;
    if (lead == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (left < 4 || !tail(1) || !tail(2) || !tail(3)) return 0;
    if (lead == 0xF0 && byte(1) < 0x90) return 0;
    if (lead == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

// Appends a code point that is no surrogate and at most U+10FFFF.
inline void append_utf8(std::string& s, char32_t c) {
  auto put = [&](char32_t b) { s.push_back(static_cast<char>(b)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6));
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

}  // namespace nacre
