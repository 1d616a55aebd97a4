// The table of layers, shapes and parameter counts, in Keras's form.
#include <array>

#include "nacre/model/model.h"

namespace nacre::model {

namespace {

std::string grouped(Dim n) {
  const std::string digits = cat(n);
  std::string s;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) s.push_back(',');
    s.push_back(digits[i]);
  }
  return s;
}

std::string byte_text(Dim bytes) {
  constexpr const char* kUnits[] = {"B", "KB", "MB", "GB", "TB"};
  double v = static_cast<double>(bytes);
  int unit = 0;
  while (v >= 1024 && unit < 4) v /= 1024, ++unit;
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, v, std::chars_format::fixed, 2);
  return cat(std::string_view(text, static_cast<std::size_t>(end - text)), " ", kUnits[unit]);
}

std::string repeated(std::string_view piece, std::size_t n) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) out += piece;
  return out;
}

struct Frame {
  std::string_view left, line, middle, right;
};
struct Style {
  Frame top, head, row, bottom;
  std::string_view head_bar, bar;
};
constexpr Style kUnicode{{"┏", "━", "┳", "┓"}, {"┡", "━", "╇", "┩"}, {"├", "─", "┼", "┤"}, {"└", "─", "┴", "┘"}, "┃", "│"};
constexpr Style kAscii{{"+", "-", "+", "+"}, {"+", "=", "+", "+"}, {"+", "-", "+", "+"}, {"+", "-", "+", "+"}, "|", "|"};

}  // namespace

// "(None, 8, 8, 32)"
std::string Model::shape_text(const Shape& s) {
  std::string out = "(";
  for (int i = 0; i < s.rank(); ++i) {
    if (i > 0) out += ", ";
    out += s[i] == nn::kUnknown ? "None" : cat(s[i]);
  }
  return out + (s.rank() == 1 ? ",)" : ")");
}

std::string Model::summary(bool ascii) const {
  std::vector<std::array<std::string, 4>> rows{{"Layer (type)", "Output Shape", "Param #", "Connected to"}};
  bool connections = false;
  for (const Row& r : summary_rows()) {
    const nn::Layer& l = *r.layer;
    connections |= !r.connected.empty();
    rows.push_back({cat(l.name(), " (", l.class_name(), ")"), r.shape,
                    l.built() || r.connected == "-" ? grouped(l.count_params()) : "0 (unbuilt)", r.connected});
  }
  Dim total = 0, trainable = 0, total_bytes = 0, trainable_bytes = 0;
  for (const nn::Variable& v : weights()) {
    const Dim n = v.value.count(), bytes = n * size_of(v.value.dtype());
    total += n, total_bytes += bytes;
    if (v.trainable) trainable += n, trainable_bytes += bytes;
  }
  const std::size_t columns = connections ? 4 : 3;
  std::size_t width[4] = {33, 24, 15, 24};
  for (const auto& r : rows) {
    for (std::size_t c = 0; c < columns; ++c) width[c] = std::max(width[c], r[c].size() + 2);
  }
  const Style& style = ascii ? kAscii : kUnicode;
  const auto line = [&](const Frame& f) {
    std::string out(f.left);
    for (std::size_t c = 0; c < columns; ++c) out += cat(repeated(f.line, width[c]), c + 1 < columns ? f.middle : f.right);
    return out + "\n";
  };
  const auto text = [&](const std::array<std::string, 4>& r, std::string_view bar) {
    std::string out(bar);
    for (std::size_t c = 0; c < columns; ++c) {
      const std::string blank(width[c] - r[c].size() - 2, ' ');
      out += c == 2 ? cat(" ", blank, r[c], " ", bar) : cat(" ", r[c], blank, " ", bar);
    }
    return out + "\n";
  };
  std::string out = cat("Model: \"", name(), "\"\n", line(style.top), text(rows[0], style.head_bar), line(style.head));
  for (std::size_t i = 1; i < rows.size(); ++i) out += cat(text(rows[i], style.bar), i + 1 < rows.size() ? line(style.row) : "");
  out += line(style.bottom);
  const auto sum = [&](const char* what, Dim n, Dim bytes) {
    out += cat(" ", what, ": ", grouped(n), " (", byte_text(bytes), ")\n");
  };
  sum("Total params", total, total_bytes);
  sum("Trainable params", trainable, trainable_bytes);
  sum("Non-trainable params", total - trainable, total_bytes - trainable_bytes);
  return out;
}

}  // namespace nacre::model
