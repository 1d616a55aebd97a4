// cat(parts...): joins values into one message, without iostreams or locale.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace nacre {

inline void append_text(std::string& s, std::string_view part) { s.append(part); }
inline void append_text(std::string& s, const char* part) { s.append(part); }
inline void append_text(std::string& s, const std::string& part) { s.append(part); }
inline void append_text(std::string& s, bool part) { s.append(part ? "True" : "False"); }
inline void append_text(std::string& s, char part) { s.push_back(part); }

template <std::integral I>
void append_text(std::string& s, I part) {
  char buffer[24];
  auto [end, ec] = std::to_chars(buffer, buffer + sizeof buffer, part);
  s.append(buffer, end);
}

// Shortest text that reads back as the same value: 0.1 prints as 0.1, not 0.1000000000000001.
template <std::floating_point F>
void append_text(std::string& s, F part) {
  char buffer[64];
  auto [end, ec] = std::to_chars(buffer, buffer + sizeof buffer, part);
  s.append(buffer, end);
}

template <class... Parts>
[[nodiscard]] std::string cat(const Parts&... parts) {
  std::string s;
  (append_text(s, parts), ...);
  return s;
}

}  // namespace nacre
