// The JSON writer: compact, canonical (sorted keys) and indented. Doubles get the shortest text that reads back as the same bits,
// and always a point or an exponent, so that a double stays one. Bytes past ASCII stand as themselves.
#include <charconv>
#include <cmath>

#include "nacre/io/json_node.h"
#include "nacre/io/utf8.h"

namespace nacre {

class JsonWriter {
 public:
  JsonWriter(bool sorted, int indent) : sorted_(sorted), indent_(indent) {}

  std::string run(const Json& root) {
    value(root);
    while (!stack_.empty()) {
      Frame& f = stack_.back();
      if (f.next == f.node->values.size()) {
        const bool is_object = f.node->is_object;
        stack_.pop_back();
        new_line();
        out_.push_back(is_object ? '}' : ']');
        continue;
      }
      if (f.next > 0) out_.push_back(',');
      new_line();
      std::size_t i = f.next++;
      const Json::Node* node = f.node;
      if (node->is_object) {
        const auto* object = static_cast<const Json::ObjectNode*>(node);
        if (sorted_) i = object->order[i];
        string(object->keys[i]);
        out_.append(indent_ < 0 ? ":" : ": ");
      }
      value(node->values[i]);
    }
    return std::move(out_);
  }

 private:
  struct Frame {
    const Json::Node* node;
    std::size_t next;
  };

  void value(const Json& j) {
    switch (j.kind_) {
      case Json::Kind::null: out_.append("null"); break;
      case Json::Kind::boolean: out_.append(j.payload_.boolean ? "true" : "false"); break;
      case Json::Kind::integer: append_text(out_, j.payload_.integer); break;
      case Json::Kind::real: real(j.payload_.real); break;
      case Json::Kind::string: string(*j.payload_.string); break;
      case Json::Kind::array:
      case Json::Kind::object: {
        const bool is_object = j.kind_ == Json::Kind::object;
        if (j.size() == 0) {
          out_.append(is_object ? "{}" : "[]");
        } else {
          out_.push_back(is_object ? '{' : '[');
          stack_.push_back({j.payload_.node, 0});
        }
        break;
      }
    }
  }

  void real(double value) {
    if (!std::isfinite(value)) raise<ValueError>("json: ", value, " cannot be written. JSON has finite numbers only.");
    char buffer[32];
    auto [end, ec] = std::to_chars(buffer, buffer + sizeof buffer, value);
    const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
    out_.append(text);
    if (text.find_first_of(".e") == std::string_view::npos) out_.append(".0");
  }

  void string(std::string_view text) {
    constexpr char digits[] = "0123456789abcdef";
    const char* const last = text.data() + text.size();
    out_.push_back('"');
    for (const char* p = text.data(); p != last;) {
      const auto c = static_cast<unsigned char>(*p);
      const int length = utf8_length(p, last);
      if (length == 0) raise<ValueError>("json: byte ", p - text.data(), " of a string is not UTF-8. Only UTF-8 can be written.");
      switch (c) {
        case '"': out_.append("\\\""); break;
        case '\\': out_.append("\\\\"); break;
        case '\b': out_.append("\\b"); break;
        case '\f': out_.append("\\f"); break;
        case '\n': out_.append("\\n"); break;
        case '\r': out_.append("\\r"); break;
        case '\t': out_.append("\\t"); break;
        default:
          if (c < 0x20) {
            out_.append("\\u00");
            out_.push_back(digits[c >> 4]);
            out_.push_back(digits[c & 15]);
          } else {
            out_.append(p, static_cast<std::size_t>(length));
          }
      }
      p += length;
    }
    out_.push_back('"');
  }

  void new_line() {
    if (indent_ < 0) return;
    out_.push_back('\n');
    out_.append(stack_.size() * static_cast<std::size_t>(indent_), ' ');
  }

  bool sorted_;
  int indent_;  // negative: everything on one line
  std::string out_;
  std::vector<Frame> stack_;
};

std::string Json::to_string() const { return JsonWriter(false, -1).run(*this); }
std::string Json::canonical() const { return JsonWriter(true, -1).run(*this); }
std::string Json::pretty(int indent) const { return JsonWriter(false, indent < 0 ? 0 : indent).run(*this); }

}  // namespace nacre
