// Checks of options and shapes that layers share. Messages begin with the class ("Dense: units must be >= 1, got 0.") where an option is
// wrong, and with class and name ("Dense 'dense_1': ...") where an input does not fit.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "nacre/nn/initializer.h"
#include "nacre/nn/layer.h"
#include "nacre/ops/attrs.h"

namespace nacre::nn {

inline constexpr Dim kLargest = (Dim{1} << 31) - 1;  // of counts that users write

inline void need_count(std::string_view owner, std::string_view option, Dim v) {
  if (v < 1 || v > kLargest) raise<ValueError>(owner, ": ", option, " must be from 1 to ", kLargest, ", got ", v, ".");
}
inline void need_counts(std::string_view owner, std::string_view option, const Ints& v, std::size_t n) {
  for (Dim d : v.expand(n, owner, option)) need_count(owner, option, d);
}
inline void need_finite(std::string_view owner, std::string_view option, double v) {
  if (!std::isfinite(v)) raise<ValueError>(owner, ": ", option, " must be finite, got ", v, ".");
}
inline void need_rate(std::string_view owner, std::string_view option, double v) {
  if (!(v >= 0 && v <= 1)) raise<ValueError>(owner, ": ", option, " must be from 0 to 1, got ", v, ".");
}
inline void need_epsilon(std::string_view owner, double v) {
  if (!(v >= 0) || !std::isfinite(v)) raise<ValueError>(owner, ": epsilon must be >= 0 and finite, got ", v, ".");
}
inline void need_initializer(std::string_view owner, std::string_view option, const Json& spec) {
  (void)make_initializer(cat(owner, ": ", option), spec);
}
inline bool need_data_format(std::string_view owner, const std::string& data_format) {
  if (data_format != "channels_last" && data_format != "channels_first") {
    raise<ValueError>(owner, ": data_format must be 'channels_last' or 'channels_first', got '", data_format, "'.");
  }
  return data_format == "channels_last";
}

// `axes` names the expected axes ("[N, H, W, C]").
inline void need_rank(std::string_view label, const Shape& input, int rank, std::string_view axes) {
  if (input.rank() != rank) {
    raise<ShapeError>(label, ": the input must have rank ", rank, " ", axes, ", got ", input, " of rank ", input.rank(), ".");
  }
}
// The size of an axis that weights depend on.
inline Dim need_known(std::string_view label, const Shape& input, int axis) {
  if (input[axis] == kUnknown)
    raise<ShapeError>(label, ": axis ", axis, " of the input ", input, " must be known, because weights depend on it.");
  if (input[axis] < 1) raise<ShapeError>(label, ": axis ", axis, " of the input ", input, " must be at least 1.");
  return input[axis];
}
// a * b where either may be unknown.
inline Dim product(std::string_view label, Dim a, Dim b) {
  return a == kUnknown || b == kUnknown ? kUnknown : checked_mul(label, a, b);
}
inline Dim sum_of(std::string_view label, Dim a, Dim b) { return a == kUnknown ? kUnknown : checked_add(label, a, b); }

// "[1, 2]" for messages, cut when it is long.
inline std::string listed(const std::vector<Dim>& v) {
  std::string s = "[";
  for (Dim d : v) s += cat(s.size() > 1 ? ", " : "", d);
  return detail::shortened(s + "]");
}

inline IntList to_list(const std::vector<Dim>& v) {
  IntList out;
  for (Dim d : v) out.push_back(d);
  return out;
}

}  // namespace nacre::nn
