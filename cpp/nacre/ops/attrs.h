// Attributes of ops: plain values that copy, compare and hash field by field, and the descriptions that bindings and docs read.
//
// A field is one of int64, double, bool, IntList, Axes, DType (optionally absent), Text. Fields are listed once, in the op's `fields` tuple;
// everything else (Python arguments, defaults, docs, comparison) derives from that list.
#pragma once

#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "nacre/base/shape.h"

namespace nacre {

// A short list of integers: a shape, strides, pads (begin and end per axis), split sizes.
struct IntList {
  static constexpr int kMax = 64;
  Dim v[kMax] = {};
  int n = 0;
  constexpr IntList() = default;
  constexpr IntList(std::initializer_list<Dim> values) {
    for (Dim d : values) push_back(d);
  }
  constexpr IntList(const Shape& s) {  // NOLINT: a shape is a list of sizes
    for (Dim d : s) push_back(d);
  }
  constexpr void push_back(Dim d) {
    if (n == kMax) raise<ValueError>("list: more than ", kMax, " numbers.");
    v[n++] = d;
  }
  [[nodiscard]] constexpr int size() const { return n; }
  constexpr Dim operator[](int i) const { return v[i]; }
  constexpr Dim& operator[](int i) { return v[i]; }
  [[nodiscard]] constexpr const Dim* begin() const { return v; }
  [[nodiscard]] constexpr const Dim* end() const { return v + n; }
  // As a shape; ShapeError when too long.
  [[nodiscard]] Shape shape() const { return Shape(std::span<const Dim>(v, static_cast<std::size_t>(n))); }
  bool operator==(const IntList& o) const {
    if (n != o.n) return false;
    for (int i = 0; i < n; ++i) {
      if (v[i] != o.v[i]) return false;
    }
    return true;
  }
};
inline void append_text(std::string& s, const IntList& l) {
  s.push_back('[');
  for (int i = 0; i < l.n; ++i) {
    if (i) s.append(", ");
    append_text(s, l.v[i]);
  }
  s.push_back(']');
}

// Axes to reduce or move: None (all of them) or a list; a single integer converts.
struct Axes {
  bool all = true;
  IntList list;
  constexpr Axes() = default;
  constexpr Axes(Dim axis) : all(false), list{axis} {}        // NOLINT: axis=1 is what users write
  constexpr Axes(int axis) : Axes(static_cast<Dim>(axis)) {}  // NOLINT
  constexpr Axes(std::initializer_list<Dim> axes) : all(false), list(axes) {}
  constexpr Axes(const IntList& axes) : all(false), list(axes) {}  // NOLINT
  bool operator==(const Axes&) const = default;
};

// A dtype that may be left open ("as the input" or floatx()).
struct OptDType {
  bool given = false;
  DType value = DType::float32;
  constexpr OptDType() = default;
  constexpr OptDType(DType t) : given(true), value(t) {}  // NOLINT: dtype=float64 is what users write
  [[nodiscard]] DType or_else(DType t) const { return given ? value : t; }
  bool operator==(const OptDType&) const = default;
};

// A word or a short formula ("same", "ij,jk->ik"), held inline.
struct Text {
  static constexpr int kMax = 127;
  char v[kMax + 1] = {};
  constexpr Text() = default;
  constexpr Text(const char* s) : Text(std::string_view(s)) {}  // NOLINT: padding="same" is what users write
  constexpr Text(std::string_view s) {                          // NOLINT
    if (s.size() > kMax) raise<ValueError>("text: '", s.substr(0, 20), "...' is longer than ", kMax, " characters.");
    for (std::size_t i = 0; i < s.size(); ++i) v[i] = s[i];
  }
  [[nodiscard]] constexpr std::string_view view() const { return v; }
  bool operator==(const Text& o) const { return view() == o.view(); }
  constexpr bool operator==(std::string_view o) const { return view() == o; }
  constexpr bool operator==(const char* o) const { return view() == o; }
};
inline void append_text(std::string& s, const Text& t) { s.append(t.view()); }

enum class FieldKind { integer, real, boolean, ints, axes, dtype, opt_dtype, text };

template <class T>
constexpr FieldKind field_kind() {
  if constexpr (std::is_same_v<T, Dim>)
    return FieldKind::integer;
  else if constexpr (std::is_same_v<T, double>)
    return FieldKind::real;
  else if constexpr (std::is_same_v<T, bool>)
    return FieldKind::boolean;
  else if constexpr (std::is_same_v<T, IntList>)
    return FieldKind::ints;
  else if constexpr (std::is_same_v<T, Axes>)
    return FieldKind::axes;
  else if constexpr (std::is_same_v<T, DType>)
    return FieldKind::dtype;
  else if constexpr (std::is_same_v<T, OptDType>)
    return FieldKind::opt_dtype;
  else {
    static_assert(std::is_same_v<T, Text>, "an op attribute must be Dim, double, bool, IntList, Axes, DType, OptDType or Text");
    return FieldKind::text;
  }
}

// One attribute: its name and member. `required` attributes have no default in Python.
template <class Op, class T>
struct Field {
  std::string_view name;
  T Op::*member;
  bool required = false;
};
template <class Op, class T>
Field(std::string_view, T Op::*) -> Field<Op, T>;
template <class Op, class T>
Field(std::string_view, T Op::*, bool) -> Field<Op, T>;

// The erased description that the record holds.
struct FieldDef {
  std::string_view name;
  FieldKind kind;
  std::ptrdiff_t offset;
  bool required;
};

}  // namespace nacre
