// The strict JSON reader (RFC 8259): one pass, an explicit stack, every byte checked.
//
// Refused: text after the value, trailing commas, comments, leading zeros, NaN and Infinity, bare control characters, bytes that
// are not UTF-8, half surrogates, keys that come twice, integers past 64 bits, doubles that overflow or vanish, and whatever passes
// JsonLimits. Memory: at most about 50 bytes for each byte of text.
#include <charconv>
#include <system_error>

#include "nacre/io/json_node.h"
#include "nacre/io/utf8.h"

namespace nacre {

class JsonParser {
 public:
  JsonParser(std::string_view text, const JsonLimits& limits, std::string_view name)
      : begin_(text.data()), p_(begin_), end_(begin_ + text.size()), limits_(limits), name_(name) {}

  Json run() {
    if (static_cast<std::size_t>(end_ - begin_) > limits_.max_bytes) {
      raise<FormatError>(name_, ": text of ", end_ - begin_, " bytes is longer than the limit of ", limits_.max_bytes, ".");
    }
    Json root;
    skip_space();
    for (;;) {
      const bool opened = read_value(root);
      if (!opened && !close_and_advance()) break;
    }
    skip_space();
    if (p_ != end_) fail(p_, cat("text goes on after the value with ", here(), ". Only one value may stand there"));
    return root;
  }

 private:
  struct Frame {
    Json::Node* node;
    std::size_t first_key;  // where this object's keys begin in key_at_
  };

  // Reads one value into the open container, or into the root. True when it opened a container that waits for its first value.
  bool read_value(Json& root) {
    if (++values_ > limits_.max_values) fail(p_, cat("more than ", limits_.max_values, " values"));
    if (p_ == end_) fail(p_, "the text ends where a value should stand");
    if (*p_ != '{' && *p_ != '[') {
      store(root, read_scalar());
      return false;
    }
    const bool is_object = *p_ == '{';
    if (stack_.size() >= limits_.max_depth) fail(p_, cat("nested deeper than the limit of ", limits_.max_depth));
    ++p_;
    skip_space();
    Json value(is_object ? Json::Kind::object : Json::Kind::array);
    if (p_ != end_ && *p_ == (is_object ? '}' : ']')) {
      ++p_;
      store(root, std::move(value));
      return false;
    }
    Json::Node* node = value.make_node();
    store(root, std::move(value));
    stack_.push_back({node, key_at_.size()});
    if (is_object) read_key();
    return true;
  }

  void store(Json& root, Json value) {
    if (stack_.empty()) {
      root.swap(value);
    } else {
      stack_.back().node->values.push_back(std::move(value));
    }
  }

  // After a value: false when the document is complete, true when the next value is due.
  bool close_and_advance() {
    while (!stack_.empty()) {
      const Frame& frame = stack_.back();
      const bool is_object = frame.node->is_object;
      skip_space();
      if (p_ == end_) fail(p_, is_object ? "the text ends inside an object" : "the text ends inside an array");
      if (*p_ == ',') {
        ++p_;
        skip_space();
        if (is_object) read_key();
        return true;
      }
      if (*p_ != (is_object ? '}' : ']')) {
        fail(p_, cat("expected ',' or '", is_object ? '}' : ']', "', got ", here()));
      }
      ++p_;
      if (is_object) seal(frame);
      stack_.pop_back();
    }
    return false;
  }

  void read_key() {
    if (p_ == end_ || *p_ != '"') fail(p_, cat("expected a key in double quotes, got ", here()));
    key_at_.push_back(static_cast<std::size_t>(p_ - begin_));
    auto* node = static_cast<Json::ObjectNode*>(stack_.back().node);
    node->keys.push_back(read_string());
    skip_space();
    if (p_ == end_ || *p_ != ':') fail(p_, cat("expected ':' after the key, got ", here()));
    ++p_;
    skip_space();
  }

  // Sorts the keys of a complete object and refuses doubles.
  void seal(const Frame& frame) {
    auto* node = static_cast<Json::ObjectNode*>(frame.node);
    const std::vector<std::string>& keys = node->keys;
    if (keys.size() > std::numeric_limits<std::uint32_t>::max()) fail(p_, "an object is limited to 2^32 - 1 keys");
    node->order.resize(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) node->order[i] = static_cast<std::uint32_t>(i);
    std::sort(node->order.begin(), node->order.end(), [&](std::uint32_t a, std::uint32_t b) {
      const int c = keys[a].compare(keys[b]);
      return c < 0 || (c == 0 && a < b);
    });
    for (std::size_t i = 1; i < keys.size(); ++i) {
      const std::uint32_t again = node->order[i];
      if (keys[again] == keys[node->order[i - 1]]) {
        fail(begin_ + key_at_[frame.first_key + again], cat("key \"", keys[again].substr(0, 60), "\" comes a second time"));
      }
    }
    key_at_.resize(frame.first_key);
  }

  Json read_scalar() {
    switch (*p_) {
      case '"': return Json(read_string());
      case 't': read_word("true"); return Json(true);
      case 'f': read_word("false"); return Json(false);
      case 'n': read_word("null"); return Json();
      default: break;
    }
    if (*p_ == '-' || is_digit(p_)) return read_number();
    fail(p_, cat("expected a value, got ", here()));
  }

  void read_word(std::string_view word) {
    if (std::string_view(p_, static_cast<std::size_t>(end_ - p_)).substr(0, word.size()) != word) {
      fail(p_, cat("expected a value, got ", here()));
    }
    p_ += word.size();
  }

  [[nodiscard]] bool is_digit(const char* p) const { return p != end_ && *p >= '0' && *p <= '9'; }
  void read_digits() {
    if (!is_digit(p_)) fail(p_, cat("expected a digit, got ", here()));
    while (is_digit(p_)) ++p_;
  }

  Json read_number() {
    const char* start = p_;
    bool integer = true;
    if (*p_ == '-') ++p_;
    if (is_digit(p_) && *p_ == '0' && is_digit(p_ + 1)) fail(p_, "a number may not begin with a zero");
    read_digits();
    if (p_ != end_ && *p_ == '.') {
      integer = false;
      ++p_;
      read_digits();
    }
    if (p_ != end_ && (*p_ == 'e' || *p_ == 'E')) {
      integer = false;
      ++p_;
      if (p_ != end_ && (*p_ == '+' || *p_ == '-')) ++p_;
      read_digits();
    }
    if (integer) {
      std::int64_t value = 0;
      if (std::from_chars(start, p_, value).ec != std::errc()) fail(start, "the integer does not fit into 64 signed bits");
      return Json(value);
    }
    double value = 0;
    if (std::from_chars(start, p_, value).ec != std::errc()) fail(start, "the number is outside the range of a double");
    return Json(value);
  }

  std::string read_string() {
    const char* open = p_++;
    std::string out;
    for (;;) {
      const char* run = p_;
      while (p_ != end_ && *p_ != '"' && *p_ != '\\') {
        if (static_cast<unsigned char>(*p_) < 0x20) fail(p_, cat("bare control character ", here(), " in a string. Escape it"));
        const int length = utf8_length(p_, end_);
        if (length == 0) fail(p_, cat("byte ", here(), " is not valid UTF-8"));
        p_ += length;
      }
      out.append(run, p_);
      if (p_ == end_) fail(open, "the string that begins here has no end");
      if (*p_++ == '"') return out;
      read_escape(out);
    }
  }

  void read_escape(std::string& out) {
    const char* start = p_ - 1;
    const char c = p_ == end_ ? '\0' : *p_++;
    switch (c) {
      case '"':
      case '\\':
      case '/': out.push_back(c); return;
      case 'b': out.push_back('\b'); return;
      case 'f': out.push_back('\f'); return;
      case 'n': out.push_back('\n'); return;
      case 'r': out.push_back('\r'); return;
      case 't': out.push_back('\t'); return;
      case 'u': break;
      default: fail(start, "unknown escape. Known: \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
    }
    char32_t code = read_hex4(start);
    if (code >= 0xDC00 && code <= 0xDFFF) fail(start, "second half of a surrogate pair without the first");
    if (code >= 0xD800 && code <= 0xDBFF) {
      if (end_ - p_ < 2 || p_[0] != '\\' || p_[1] != 'u') fail(start, "first half of a surrogate pair without the second");
      p_ += 2;
      const char32_t low = read_hex4(start);
      if (low < 0xDC00 || low > 0xDFFF) fail(start, "first half of a surrogate pair without the second");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(out, code);
  }

  char32_t read_hex4(const char* start) {
    unsigned value = 0;
    if (end_ - p_ < 4) fail(start, "\\u needs four hexadecimal digits");
    auto [stop, ec] = std::from_chars(p_, p_ + 4, value, 16);
    if (ec != std::errc() || stop != p_ + 4) fail(start, "\\u needs four hexadecimal digits");
    p_ = stop;
    return value;
  }

  void skip_space() {
    while (p_ != end_ && (*p_ == ' ' || *p_ == '\n' || *p_ == '\r' || *p_ == '\t')) ++p_;
  }

  // The byte at p_ for messages.
  [[nodiscard]] std::string here() const {
    if (p_ == end_) return "the end of the text";
    const auto byte = static_cast<unsigned char>(*p_);
    if (byte >= 0x20 && byte < 0x7F) return cat("'", *p_, "'");
    constexpr char digits[] = "0123456789ABCDEF";
    return cat("0x", digits[byte >> 4], digits[byte & 15]);
  }

  // Lines and columns count from 1; a column is a character, not a byte.
  [[noreturn]] void fail(const char* at, std::string_view what) const {
    std::int64_t line = 1, column = 1;
    for (const char* p = begin_; p != at; ++p) {
      if (*p == '\n') {
        ++line;
        column = 1;
      } else if ((static_cast<unsigned char>(*p) & 0xC0) != 0x80) {
        ++column;
      }
    }
    raise<FormatError>(name_, ": line ", line, ", column ", column, ": ", what, ".");
  }

  const char* begin_;
  const char* p_;
  const char* end_;
  const JsonLimits& limits_;
  std::string_view name_;
  std::vector<Frame> stack_;
  std::vector<std::size_t> key_at_;  // offsets of the keys of all open objects, to say where a double stands
  std::size_t values_ = 0;
};

Json Json::parse(std::string_view text, const JsonLimits& limits, std::string_view name) {
  return JsonParser(text, limits, name).run();
}

}  // namespace nacre
