// Options of layers, initialisers, optimizers, losses and metrics: a plain struct and one list of its members. The list gives the
// configuration (to and from JSON), the checks, and the descriptions from which Python signatures and docs derive.
//
//   struct DropoutOptions {
//     double rate = 0.5;
//     std::optional<Dim> seed;
//     static constexpr auto options() {
//       return std::tuple{Option{"rate", &DropoutOptions::rate, "share of elements dropped, 0 to 1", kRequired},
//                         Option{"seed", &DropoutOptions::seed, "own seed, or None"}};
//     }
//   };
// Members may be bool, Dim, double, std::string, Ints (an integer or a list), Json (anything), and std::optional of these.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "nacre/io/json.h"

namespace nacre {

// An integer or a list of integers, as kernel_size=3 or kernel_size=(3, 5).
struct Ints {
  std::vector<Dim> values;
  Ints() = default;
  Ints(Dim one) : values{one} {}  // NOLINT: kernel_size = 3 is what users write
  Ints(int one) : values{one} {}  // NOLINT
  Ints(std::initializer_list<Dim> list) : values(list) {}
  explicit Ints(std::vector<Dim> list) : values(std::move(list)) {}
  bool operator==(const Ints&) const = default;
  // The list of n numbers, a single one repeated; ValueError naming owner and option otherwise.
  [[nodiscard]] std::vector<Dim> expand(std::size_t n, std::string_view owner, std::string_view option) const {
    if (values.size() == n) return values;
    if (values.size() == 1) return std::vector<Dim>(n, values[0]);
    std::string got;
    for (Dim v : values) got += cat(got.empty() ? "" : ", ", v);
    raise<ValueError>(owner, ": ", option, " must be an integer or ", n, " integers, got (", got, ").");
  }
};

inline constexpr bool kRequired = true;

template <class Owner, class T>
struct Option {
  std::string_view name;
  T Owner::*member;
  std::string_view doc;
  bool required = false;
};
template <class Owner, class T>
Option(std::string_view, T Owner::*, std::string_view) -> Option<Owner, T>;
template <class Owner, class T>
Option(std::string_view, T Owner::*, std::string_view, bool) -> Option<Owner, T>;

// One option as bindings and docs see it. kind: bool, int, float, str, ints, any; with "?" behind it when None is allowed.
struct OptionInfo {
  std::string name, kind, doc;
  Json fallback;
  bool required = false;
};

namespace detail {

template <class T>
struct OptionType;
template <>
struct OptionType<bool> {
  static constexpr const char *kind = "bool", *words = "True or False";
  static bool accepts(const Json& j) { return j.is_bool(); }
};
template <>
struct OptionType<Dim> {
  static constexpr const char *kind = "int", *words = "an integer";
  static bool accepts(const Json& j) { return j.is_integer(); }
};
template <>
struct OptionType<double> {
  static constexpr const char *kind = "float", *words = "a number";
  static bool accepts(const Json& j) { return j.is_number(); }
};
template <>
struct OptionType<std::string> {
  static constexpr const char *kind = "str", *words = "a string";
  static bool accepts(const Json& j) { return j.is_string(); }
};
template <>
struct OptionType<Ints> {
  static constexpr const char *kind = "ints", *words = "an integer or a list of integers";
  static bool accepts(const Json& j) {
    if (j.is_integer()) return true;
    if (!j.is_array()) return false;
    for (const Json& e : j.elements()) {
      if (!e.is_integer()) return false;
    }
    return true;
  }
};
template <>
struct OptionType<Json> {
  static constexpr const char *kind = "any", *words = "a value";
  static bool accepts(const Json&) { return true; }
};
template <class T>
struct OptionType<std::optional<T>> {
  static constexpr const char *kind = OptionType<T>::kind, *words = OptionType<T>::words;
  static bool accepts(const Json& j) { return j.is_null() || OptionType<T>::accepts(j); }
};

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
Json option_to_json(const T& v) {
  if constexpr (is_optional<T>) {
    return v ? option_to_json(*v) : Json();
  } else if constexpr (std::is_same_v<T, Ints>) {
    if (v.values.size() == 1) return Json(v.values[0]);
    Json list = Json::array();
    for (Dim d : v.values) list.push_back(d);
    return list;
  } else {
    return Json(v);
  }
}

template <class T>
T option_from_json(const Json& j) {
  if constexpr (is_optional<T>) {
    return j.is_null() ? T() : T(option_from_json<typename T::value_type>(j));
  } else if constexpr (std::is_same_v<T, Ints>) {
    if (j.is_integer()) return Ints(j.get<Dim>());
    return Ints(j.get<std::vector<Dim>>());
  } else {
    return j.get<T>();
  }
}

// At most 60 bytes of a text, cut between characters.
inline std::string shortened(std::string s) {
  if (s.size() <= 60) return s;
  std::size_t n = 57;
  while (n > 0 && (static_cast<unsigned char>(s[n]) & 0xC0) == 0x80) --n;
  return s.substr(0, n) + "...";
}

// Short text of a value for messages, simple values as Python writes them.
inline std::string shown(const Json& j) {
  std::string s = j.is_null()     ? "None"
                  : j.is_bool()   ? cat(j.get<bool>())
                  : j.is_string() ? cat("'", j.get<std::string_view>(), "'")
                                  : j.to_string();
  return shortened(std::move(s));
}

}  // namespace detail

// The members of `o` as a JSON object, in the order of the list.
template <class O>
[[nodiscard]] Json options_to_json(const O& o) {
  Json j = Json::object();
  std::apply([&](const auto&... opt) { ((j[opt.name] = detail::option_to_json(o.*opt.member)), ...); }, O::options());
  return j;
}

template <class O>
[[nodiscard]] std::vector<OptionInfo> describe_options() {
  std::vector<OptionInfo> list;
  const O defaults{};
  const auto add = [&]<class T>(const Option<O, T>& opt) {
    OptionInfo info{std::string(opt.name), detail::OptionType<T>::kind, std::string(opt.doc), {}, opt.required};
    if constexpr (detail::is_optional<T>) info.kind += "?";
    if (!opt.required) info.fallback = detail::option_to_json(defaults.*opt.member);
    list.push_back(std::move(info));
  };
  std::apply([&](const auto&... opt) { (add(opt), ...); }, O::options());
  return list;
}

// Options from a JSON object. Missing ones keep their default (TypeError when required); an unknown key is a TypeError that lists the known
// ones; a value of another kind is a TypeError naming owner, option and value. Ranges are the owner's constructor's business.
template <class O>
[[nodiscard]] O options_from_json(std::string_view owner, const Json& j) {
  O o{};
  std::vector<std::string_view> seen;
  const auto read = [&]<class T>(const Option<O, T>& opt) {
    const Json* value = j.find(opt.name);
    if (!value) {
      if (opt.required) raise<TypeError>(owner, ": ", opt.name, " is missing.");
      return;
    }
    if (!detail::OptionType<T>::accepts(*value)) {
      raise<TypeError>(owner, ": ", opt.name, " must be ", detail::OptionType<T>::words, detail::is_optional<T> ? " or None" : "",
                       ", got ", detail::shown(*value), ".");
    }
    o.*opt.member = detail::option_from_json<T>(*value);
  };
  if (!j.is_object()) raise<TypeError>(owner, ": the configuration must be an object of options, got ", detail::shown(j), ".");
  std::apply(
      [&](const auto&... opt) {
        for (auto [key, value] : j.items()) {
          if (((key == opt.name) || ...)) continue;
          std::string known;
          ((known += cat(known.empty() ? "" : ", ", opt.name)), ...);
          raise<TypeError>(owner, ": unknown option '", key, "'. Known: ", known, ".");
        }
        (read(opt), ...);
      },
      O::options());
  return o;
}

}  // namespace nacre
