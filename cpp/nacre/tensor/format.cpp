// Values as text, in NumPy's form: brackets per axis, columns aligned, the shortest digits that tell a value apart (8 decimals at
// most), exponents when the range asks for them, three items at each end of every axis once there are more than 1000 values.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "nacre/base/half.h"
#include "nacre/tensor/copy.h"
#include "nacre/tensor/tensor.h"

namespace nacre {

namespace {

constexpr Dim kSummarizeBeyond = 1000, kEdgeItems = 3;
constexpr int kPrecision = 8;
constexpr std::size_t kLineWidth = 75;

template <class T>
std::string digits(T v, std::chars_format form, int precision) {
  char buffer[512];  // the longest fixed form is that of 1e308
  const auto r = precision < 0 ? std::to_chars(buffer, buffer + sizeof buffer, v, form)
                               : std::to_chars(buffer, buffer + sizeof buffer, v, form, precision);
  return std::string(buffer, r.ptr);
}

// The shortest text of v, with kPrecision decimals at most and at least the point: "1.", "0.25", "1.5e+10".
std::string float_text(double v, bool is_double, bool exponent) {
  const auto form = exponent ? std::chars_format::scientific : std::chars_format::fixed;
  std::string s = is_double ? digits(v, form, -1) : digits(static_cast<float>(v), form, -1);
  const auto split = [&](std::string& mantissa, std::string& tail) {
    const std::size_t e = s.find('e');
    mantissa = s.substr(0, e);
    tail = e == std::string::npos ? "" : s.substr(e);
  };
  std::string mantissa, tail;
  split(mantissa, tail);
  std::size_t point = mantissa.find('.');
  if (point != std::string::npos && mantissa.size() - point - 1 > kPrecision) {
    s = digits(v, form, kPrecision);
    split(mantissa, tail);
    point = mantissa.find('.');
    while (mantissa.back() == '0') mantissa.pop_back();
  }
  if (point == std::string::npos) mantissa.push_back('.');
  return mantissa + tail;
}

class Formatter {
 public:
  explicit Formatter(const Tensor& t) : t_(t), summary_(t.count() > kSummarizeBeyond) {
    collect(0, static_cast<const char*>(t.view().data));
    format();
  }
  std::string text() {
    std::string out;
    std::size_t next = 0;
    write(0, next, out);
    return out;
  }

 private:
  // The positions along an axis that are shown; -1 stands for the dots.
  [[nodiscard]] std::vector<Dim> shown(Dim n) const {
    std::vector<Dim> at;
    for (Dim i = 0; i < n; ++i) {
      if (summary_ && n > 2 * kEdgeItems && i == kEdgeItems) {
        at.push_back(-1);
        i = n - kEdgeItems;
      }
      at.push_back(i);
    }
    return at;
  }

  void collect(int axis, const char* p) {
    if (axis == t_.rank()) {
      items_.push_back(p);
      return;
    }
    for (Dim i : shown(t_.shape()[axis])) {
      if (i >= 0) collect(axis + 1, p + i * t_.view().strides[axis] * size_of(t_.dtype()));
    }
  }

  void format() {
    const DType type = t_.dtype();
    for (const char* p : items_) {
      if (type == DType::boolean)
        words_.push_back(*p ? "True" : "False");
      else if (type == DType::int64)
        words_.push_back(cat(*reinterpret_cast<const std::int64_t*>(p)));
      else if (!is_float(type))
        words_.push_back(cat(static_cast<std::int64_t>(load_double(p, type))));
    }
    if (is_float(type)) format_floats();
    std::size_t width = 0;
    for (const std::string& w : words_) width = std::max(width, w.size());
    for (std::string& w : words_) w.insert(0, width - w.size(), ' ');
  }

  void format_floats() {
    double most = 0, least = INFINITY;
    for (const char* p : items_) {
      const double v = std::abs(load_double(p, t_.dtype()));
      if (!std::isfinite(v) || v == 0) continue;
      most = std::max(most, v);
      least = std::min(least, v);
    }
    const bool exponent = most >= 1e8 || (most > 0 && (least < 1e-4 || most / least > 1000));
    std::size_t decimals = 0;  // so that the points stand below each other
    const auto decimals_of = [](const std::string& w) {
      const std::size_t point = w.find('.');
      return point == std::string::npos ? 0 : std::min(w.find('e'), w.size()) - point - 1;
    };
    for (const char* p : items_) {
      const double v = load_double(p, t_.dtype());
      if (std::isnan(v))
        words_.emplace_back("nan");
      else if (std::isinf(v))
        words_.emplace_back(v > 0 ? "inf" : "-inf");
      else
        words_.push_back(float_text(v, t_.dtype() == DType::float64, exponent));
      decimals = std::max(decimals, decimals_of(words_.back()));
    }
    for (std::string& w : words_) {
      if (w.find('.') == std::string::npos) continue;
      const std::size_t missing = decimals - decimals_of(w);
      // 1.5e+10 beside 1.25e+10 is filled with a zero before the exponent, 1.5 beside 1.25 with a space behind.
      w.insert(std::min(w.find('e'), w.size()), missing, exponent ? '0' : ' ');
    }
  }

  void write(int axis, std::size_t& next, std::string& out) {
    if (axis == t_.rank()) {
      out += words_[next++];
      return;
    }
    const int inner = t_.rank() - axis - 1;  // axes below this one
    out.push_back('[');
    std::size_t line = out.size() - std::min(out.size(), out.rfind('\n') + 1);
    bool first = true;
    for (Dim i : shown(t_.shape()[axis])) {
      if (!first) {
        out.push_back(',');
        if (inner > 0) {
          out.append(static_cast<std::size_t>(inner), '\n').append(static_cast<std::size_t>(axis) + 1, ' ');
        } else if (line + 2 + (i < 0 ? 3 : words_[next].size()) > kLineWidth) {
          out.push_back('\n');
          out.append(static_cast<std::size_t>(axis) + 1, ' ');
          line = static_cast<std::size_t>(axis) + 1;
        } else {
          out.push_back(' ');
          line += 2;
        }
      }
      first = false;
      const std::size_t before = out.size();
      if (i < 0)
        out += "...";
      else
        write(axis + 1, next, out);
      if (inner == 0) line += out.size() - before;
    }
    out.push_back(']');
  }

  const Tensor& t_;
  bool summary_;
  std::vector<const char*> items_;
  std::vector<std::string> words_;
};

}  // namespace

std::string format_values(const Tensor& t) {
  if (t.symbolic()) return "<symbolic>";
  if (t.count() == 0) return "[]";
  return Formatter(t).text();
}

}  // namespace nacre
