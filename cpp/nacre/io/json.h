// Json: a JSON value with a strict RFC 8259 reader and an exact writer. Configurations, file headers and results use it.
//
//     Json config = Json::object({{"units", 64}, {"activation", "relu"}, {"shape", shape}});
//     auto units = config.get<Dim>("units");                  // typed error when missing or of another kind
//     double rate = config.value_or("rate", 0.5);             // the default only when the key is missing
//     for (auto [key, value] : config.items()) ...            // in the order of insertion
//
// Whole numbers stay exact 64-bit integers, numbers with a point or an exponent stay doubles, and both read back as what they were.
// Nothing here recurses: a value nested a million deep is copied, compared, written and freed with a small stack.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "nacre/base/api.h"
#include "nacre/base/error.h"
#include "nacre/base/shape.h"

namespace nacre {

// What the reader accepts; more is a FormatError.
struct JsonLimits {
  std::size_t max_depth = 64;                                        // arrays and objects open at once
  std::size_t max_bytes = std::size_t{256} << 20;                    // length of the text
  std::size_t max_values = std::numeric_limits<std::size_t>::max();  // values in the whole document
};

// bool has a kind of its own, and a single char is a mistake for a string.
template <class I>
concept JsonInteger = std::integral<I> && !std::same_as<I, bool> && !std::same_as<I, char>;

class NACRE_API Json {
 public:
  enum class Kind : std::uint8_t { null, boolean, integer, real, string, array, object };
  using Member = std::pair<std::string, Json>;

  Json() noexcept = default;
  Json(std::nullptr_t) noexcept {}
  template <std::same_as<bool> B>
  Json(B value) noexcept : kind_(Kind::boolean) {
    payload_.boolean = value;
  }
  template <JsonInteger I>
  Json(I value) : kind_(Kind::integer) {
    if (!std::in_range<std::int64_t>(value)) raise<ValueError>("json: integer ", value, " does not fit into 64 signed bits.");
    payload_.integer = static_cast<std::int64_t>(value);
  }
  template <std::floating_point F>
  Json(F value) noexcept : kind_(Kind::real) {
    payload_.real = static_cast<double>(value);
  }
  Json(std::string text);
  Json(std::string_view text) : Json(std::string(text)) {}
  Json(const char* text) : Json(std::string(text)) {}
  Json(const Shape& shape);
  template <class T>
  Json(const std::vector<T>& values) : Json(array()) {
    for (const auto& v : values) push_back(Json(static_cast<const T&>(v)));
  }
  template <class T>
  Json(const std::optional<T>& value) : Json(value ? Json(*value) : Json()) {}

  static Json array() { return Json(Kind::array); }
  static Json array(std::initializer_list<Json> values);
  static Json object() { return Json(Kind::object); }
  // ValueError when a key comes twice.
  static Json object(std::initializer_list<Member> members);

  Json(const Json& other);
  Json(Json&& other) noexcept : kind_(other.kind_), payload_(other.payload_) { other.forget(); }
  Json& operator=(Json other) noexcept {
    swap(other);
    return *this;
  }
  ~Json() {
    if (kind_ >= Kind::string) destroy();
  }
  void swap(Json& other) noexcept {
    std::swap(kind_, other.kind_);
    std::swap(payload_, other.payload_);
  }

  // Reads one document; FormatError with line and column when it is not strict JSON or passes a limit. `name` begins the message.
  static Json parse(std::string_view text, const JsonLimits& limits = {}, std::string_view name = "json");
  // On one line without spaces, keys in the order of insertion. ValueError for NaN, infinity and text that is not UTF-8.
  [[nodiscard]] std::string to_string() const;
  // As to_string with keys sorted by their bytes: equal values give equal text, so it can be hashed.
  [[nodiscard]] std::string canonical() const;
  // For people: one member or element a line.
  [[nodiscard]] std::string pretty(int indent = 2) const;

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool is_null() const noexcept { return kind_ == Kind::null; }
  [[nodiscard]] bool is_bool() const noexcept { return kind_ == Kind::boolean; }
  [[nodiscard]] bool is_integer() const noexcept { return kind_ == Kind::integer; }
  [[nodiscard]] bool is_number() const noexcept { return kind_ == Kind::integer || kind_ == Kind::real; }
  [[nodiscard]] bool is_string() const noexcept { return kind_ == Kind::string; }
  [[nodiscard]] bool is_array() const noexcept { return kind_ == Kind::array; }
  [[nodiscard]] bool is_object() const noexcept { return kind_ == Kind::object; }

  // The value as T: bool, an integer (range checked), float or double (integers too), std::string, std::string_view, Shape, Json,
  // std::vector<T>, std::optional<T> (null gives none). FormatError names what was found.
  template <class T>
  [[nodiscard]] T get() const {
    return convert<T>({});
  }
  // The same for a member; the message names the key.
  template <class T>
  [[nodiscard]] T get(std::string_view key) const {
    return at(key).template convert<T>(key);
  }
  // The member, or `fallback` when the key is missing. A member of another kind, null too, is an error.
  template <class T>
  [[nodiscard]] T value_or(std::string_view key, T fallback) const {
    const Json* found = find(key);
    return found ? found->template convert<T>(key) : fallback;
  }
  [[nodiscard]] std::string value_or(std::string_view key, const char* fallback) const {
    return value_or(key, std::string(fallback));
  }

  // Elements of an array, members of an object; 0 for everything else.
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  // Objects. `find` gives nullptr when the key is missing or this is no object; `at` is a FormatError then.
  [[nodiscard]] const Json* find(std::string_view key) const noexcept;
  [[nodiscard]] Json* find(std::string_view key) noexcept;
  [[nodiscard]] bool contains(std::string_view key) const noexcept { return find(key) != nullptr; }
  [[nodiscard]] const Json& at(std::string_view key) const;
  [[nodiscard]] Json& at(std::string_view key);
  [[nodiscard]] const Json& operator[](std::string_view key) const { return at(key); }
  // Adds a null member when the key is missing; null becomes an object first. The reference lasts until the next insertion.
  Json& operator[](std::string_view key);
  // True when the key was there. Keeps the order of the others.
  bool erase(std::string_view key);

  // Arrays. `at` is a FormatError out of range or when this is no array.
  [[nodiscard]] const Json& at(std::ptrdiff_t index) const;
  [[nodiscard]] Json& at(std::ptrdiff_t index);
  [[nodiscard]] const Json& operator[](std::ptrdiff_t index) const { return at(index); }
  [[nodiscard]] Json& operator[](std::ptrdiff_t index) { return at(index); }
  // null becomes an array first.
  Json& push_back(Json value);
  // Elements of an array; FormatError when this is none.
  [[nodiscard]] std::span<const Json> elements() const;

  struct Item {
    const std::string& key;
    const Json& value;
  };
  class Items {
   public:
    class Iterator {
     public:
      Iterator(const std::string* key, const Json* value) : key_(key), value_(value) {}
      Item operator*() const { return {*key_, *value_}; }
      Iterator& operator++() {
        ++key_;
        ++value_;
        return *this;
      }
      bool operator==(const Iterator& o) const { return key_ == o.key_; }

     private:
      const std::string* key_;
      const Json* value_;
    };
    Items(const std::string* keys, const Json* values, std::size_t size) : keys_(keys), values_(values), size_(size) {}
    [[nodiscard]] Iterator begin() const { return {keys_, values_}; }
    [[nodiscard]] Iterator end() const { return {keys_ + size_, values_ + size_}; }

   private:
    const std::string* keys_;
    const Json* values_;
    std::size_t size_;
  };
  // Members in the order of insertion, as pairs `key`, `value`; FormatError when this is no object.
  [[nodiscard]] Items items() const;

  // Objects are equal whatever the order of their keys; 1 and 1.0 differ.
  bool operator==(const Json& other) const;

 private:
  friend class JsonParser;
  friend class JsonWriter;
  struct Node;        // an array or object that is not empty at birth; empty ones need none
  struct ObjectNode;  // its keys, and their sorted order

  union Payload {
    std::nullptr_t none = nullptr;
    bool boolean;
    std::int64_t integer;
    double real;
    std::string* string;
    Node* node;
  };

  explicit Json(Kind kind) noexcept : kind_(kind) { payload_.node = nullptr; }
  void forget() noexcept {
    kind_ = Kind::null;
    payload_.none = nullptr;
  }
  [[nodiscard]] bool is_container() const noexcept { return kind_ >= Kind::array; }
  void destroy() noexcept;
  Node* make_node();
  [[nodiscard]] const ObjectNode* members() const noexcept;
  [[nodiscard]] ObjectNode* members() noexcept;
  static Json shallow_copy(const Json& source);

  // Short text of the value for messages: `string "relu"`, `array of 3`.
  [[nodiscard]] std::string describe() const;
  [[noreturn]] void wrong_kind(std::string_view key, std::string_view expected) const;
  [[nodiscard]] std::int64_t as_integer(std::string_view key, std::int64_t low, std::int64_t high) const;
  [[nodiscard]] double as_real(std::string_view key) const;
  [[nodiscard]] bool as_bool(std::string_view key) const;
  [[nodiscard]] const std::string& as_string(std::string_view key) const;
  [[nodiscard]] Shape as_shape(std::string_view key) const;
  [[nodiscard]] std::span<const Json> as_elements(std::string_view key) const;

  template <class T>
  struct Vector : std::false_type {};
  template <class T>
  struct Vector<std::vector<T>> : std::true_type {};
  template <class T>
  struct Optional : std::false_type {};
  template <class T>
  struct Optional<std::optional<T>> : std::true_type {};

  template <class T>
  [[nodiscard]] T convert(std::string_view key) const {
    if constexpr (std::same_as<T, bool>) {
      return as_bool(key);
    } else if constexpr (std::integral<T>) {
      constexpr std::int64_t top = std::in_range<std::int64_t>(std::numeric_limits<T>::max())
                                       ? static_cast<std::int64_t>(std::numeric_limits<T>::max())
                                       : std::numeric_limits<std::int64_t>::max();
      return static_cast<T>(as_integer(key, static_cast<std::int64_t>(std::numeric_limits<T>::min()), top));
    } else if constexpr (std::floating_point<T>) {
      return static_cast<T>(as_real(key));
    } else if constexpr (std::same_as<T, std::string> || std::same_as<T, std::string_view>) {
      return T(as_string(key));
    } else if constexpr (std::same_as<T, Shape>) {
      return as_shape(key);
    } else if constexpr (std::same_as<T, Json>) {
      return *this;
    } else if constexpr (Optional<T>::value) {
      return is_null() ? T() : T(convert<typename T::value_type>(key));
    } else {
      static_assert(Vector<T>::value, "Json::get: no conversion to this type");
      T out;
      for (const Json& v : as_elements(key)) out.push_back(v.template convert<typename T::value_type>(key));
      return out;
    }
  }

  Kind kind_ = Kind::null;
  Payload payload_;
};

}  // namespace nacre
