// Json values: ownership, lookup and typed access. Trees are freed by walking `up` pointers and copied and compared with an
// explicit stack, so nesting is bounded by memory and never by the thread's stack.
#include "nacre/io/json.h"

#include <memory>

#include "nacre/io/json_node.h"

namespace nacre {

namespace {

constexpr std::string_view kind_name(Json::Kind kind) {
  constexpr std::string_view names[] = {"null", "bool", "integer", "number", "string", "array", "object"};
  return names[static_cast<int>(kind)];
}

// Long texts are cut in messages: a damaged file must not print its whole content.
std::string quoted(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::string s = "\"";
  for (char c : text.substr(0, longest)) s.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c);
  s.append(text.size() > longest ? "...\"" : "\"");
  return s;
}

}  // namespace

Json::Json(std::string text) {
  payload_.string = new std::string(std::move(text));
  kind_ = Kind::string;
}

Json::Json(const Shape& shape) : Json(Kind::array) {
  for (Dim d : shape) push_back(d);
}

Json Json::array(std::initializer_list<Json> values) {
  Json out(Kind::array);
  for (const Json& v : values) out.push_back(v);
  return out;
}

Json Json::object(std::initializer_list<Member> members) {
  Json out(Kind::object);
  for (const Member& m : members) {
    if (out.contains(m.first)) raise<ValueError>("json: key '", m.first, "' is given twice. Each key must come once.");
    out[m.first] = m.second;
  }
  return out;
}

void Json::destroy() noexcept {
  if (kind_ == Kind::string) {
    delete payload_.string;
  } else {
    Node* node = payload_.node;
    while (node) {
      if (node->values.empty()) {
        Node* up = node->up;
        if (node->is_object) {
          delete static_cast<ObjectNode*>(node);
        } else {
          delete node;
        }
        node = up;
        continue;
      }
      Json& last = node->values.back();
      Node* child = last.is_container() ? last.payload_.node : nullptr;
      if (child) last.forget();
      node->values.pop_back();
      if (child) {
        child->up = node;
        node = child;
      }
    }
  }
  forget();
}

Json::Node* Json::make_node() {
  if (!payload_.node) payload_.node = kind_ == Kind::object ? new ObjectNode : new Node(false);
  return payload_.node;
}

const Json::ObjectNode* Json::members() const noexcept {
  return kind_ == Kind::object ? static_cast<const ObjectNode*>(payload_.node) : nullptr;
}
Json::ObjectNode* Json::members() noexcept { return kind_ == Kind::object ? static_cast<ObjectNode*>(payload_.node) : nullptr; }

// A container with the source's keys and room for its values; anything else whole.
Json Json::shallow_copy(const Json& source) {
  Json out;
  if (source.kind_ == Kind::string) return Json(*source.payload_.string);
  out.kind_ = source.kind_;
  if (!source.is_container()) {
    out.payload_ = source.payload_;
    return out;
  }
  out.payload_.node = nullptr;
  if (source.payload_.node) {
    out.make_node()->values.reserve(source.payload_.node->values.size());
    if (const ObjectNode* from = source.members()) {
      out.members()->keys = from->keys;
      out.members()->order = from->order;
    }
  }
  return out;
}

Json::Json(const Json& other) {
  struct Frame {
    const Node* from;
    Node* to;
    std::size_t next;
  };
  Json root = shallow_copy(other);
  std::vector<Frame> stack;
  if (root.is_container() && root.payload_.node) stack.push_back({other.payload_.node, root.payload_.node, 0});
  while (!stack.empty()) {
    Frame& f = stack.back();
    if (f.next == f.from->values.size()) {
      stack.pop_back();
      continue;
    }
    const Json& source = f.from->values[f.next++];
    f.to->values.push_back(shallow_copy(source));
    Json& copy = f.to->values.back();
    if (copy.is_container() && copy.payload_.node) stack.push_back({source.payload_.node, copy.payload_.node, 0});
  }
  swap(root);
}

bool Json::operator==(const Json& other) const {
  std::vector<std::pair<const Json*, const Json*>> stack{{this, &other}};
  while (!stack.empty()) {
    const auto [a, b] = stack.back();
    stack.pop_back();
    if (a->kind_ != b->kind_ || a->size() != b->size()) return false;
    switch (a->kind_) {
      case Kind::null: break;
      case Kind::boolean:
        if (a->payload_.boolean != b->payload_.boolean) return false;
        break;
      case Kind::integer:
        if (a->payload_.integer != b->payload_.integer) return false;
        break;
      case Kind::real:
        if (a->payload_.real != b->payload_.real) return false;
        break;
      case Kind::string:
        if (*a->payload_.string != *b->payload_.string) return false;
        break;
      case Kind::array:
        for (std::size_t i = 0; i < a->size(); ++i) stack.emplace_back(&a->payload_.node->values[i], &b->payload_.node->values[i]);
        break;
      case Kind::object:
        for (std::size_t i = 0; i < a->size(); ++i) {
          const ObjectNode *x = a->members(), *y = b->members();
          const std::uint32_t ix = x->order[i], iy = y->order[i];
          if (x->keys[ix] != y->keys[iy]) return false;
          stack.emplace_back(&x->values[ix], &y->values[iy]);
        }
        break;
    }
  }
  return true;
}

std::size_t Json::size() const noexcept { return is_container() && payload_.node ? payload_.node->values.size() : 0; }

const Json* Json::find(std::string_view key) const noexcept {
  const ObjectNode* node = members();
  if (!node) return nullptr;
  const std::size_t i = node->position(key);
  return i == ObjectNode::kNone ? nullptr : &node->values[i];
}
Json* Json::find(std::string_view key) noexcept { return const_cast<Json*>(std::as_const(*this).find(key)); }

const Json& Json::at(std::string_view key) const {
  if (const Json* found = find(key)) return *found;
  if (kind_ != Kind::object) raise<FormatError>("json: key '", key, "' was asked of ", describe(), ". An object would be right.");
  constexpr std::size_t most = 20;
  std::string known;
  if (const ObjectNode* node = members()) {
    for (std::size_t i = 0; i < std::min(most, node->keys.size()); ++i) known += cat(i ? ", " : "", node->keys[i]);
    if (node->keys.size() > most) known += ", ...";
  }
  raise<FormatError>("json: key '", key, "' is missing. Keys here: ", known.empty() ? "none" : known, ".");
}
Json& Json::at(std::string_view key) { return const_cast<Json&>(std::as_const(*this).at(key)); }

Json& Json::operator[](std::string_view key) {
  if (is_null()) *this = object();
  if (kind_ != Kind::object) raise<FormatError>("json: key '", key, "' was asked of ", describe(), ". An object would be right.");
  make_node();
  ObjectNode* node = members();
  auto at = node->lower_bound(key);
  if (at != node->order.end() && node->keys[*at] == key) return node->values[*at];
  if (node->keys.size() == std::numeric_limits<std::uint32_t>::max())
    raise<ValueError>("json: an object has at most 2^32 - 1 keys.");
  // Room first, so that a failed allocation leaves the three lists in step.
  const auto offset = at - node->order.begin();
  auto grow = [](auto& list) {
    if (list.size() == list.capacity()) list.reserve(list.size() * 2 + 4);
  };
  std::string text(key);
  grow(node->keys);
  grow(node->values);
  grow(node->order);
  node->order.insert(node->order.begin() + offset, static_cast<std::uint32_t>(node->keys.size()));
  node->keys.push_back(std::move(text));
  return node->values.emplace_back();
}

bool Json::erase(std::string_view key) {
  ObjectNode* node = members();
  const std::size_t i = node ? node->position(key) : ObjectNode::kNone;
  if (i == ObjectNode::kNone) return false;
  node->order.erase(node->lower_bound(key));
  for (std::uint32_t& p : node->order) p -= p > i;
  node->keys.erase(node->keys.begin() + static_cast<std::ptrdiff_t>(i));
  node->values.erase(node->values.begin() + static_cast<std::ptrdiff_t>(i));
  return true;
}

const Json& Json::at(std::ptrdiff_t index) const {
  if (kind_ != Kind::array) raise<FormatError>("json: element ", index, " was asked of ", describe(), ". An array would be right.");
  if (index < 0 || static_cast<std::size_t>(index) >= size()) {
    raise<FormatError>("json: element ", index, " was asked of an array of ", size(), " elements.");
  }
  return payload_.node->values[static_cast<std::size_t>(index)];
}
Json& Json::at(std::ptrdiff_t index) { return const_cast<Json&>(std::as_const(*this).at(index)); }

Json& Json::push_back(Json value) {
  if (is_null()) *this = array();
  if (kind_ != Kind::array) raise<FormatError>("json: push_back on ", describe(), ". An array would be right.");
  std::vector<Json>& values = make_node()->values;
  values.push_back(std::move(value));
  return values.back();
}

std::span<const Json> Json::elements() const { return as_elements({}); }

Json::Items Json::items() const {
  if (kind_ != Kind::object) wrong_kind({}, "an object");
  const ObjectNode* node = members();
  return node ? Items(node->keys.data(), node->values.data(), node->keys.size()) : Items(nullptr, nullptr, 0);
}

std::string Json::describe() const {
  switch (kind_) {
    case Kind::null: return "null";
    case Kind::boolean: return payload_.boolean ? "bool true" : "bool false";
    case Kind::integer: return cat("integer ", payload_.integer);
    case Kind::real: return cat("number ", payload_.real);
    case Kind::string: return cat("string ", quoted(*payload_.string));
    default: return cat(kind_name(kind_), " of ", size());
  }
}

void Json::wrong_kind(std::string_view key, std::string_view expected) const {
  if (key.empty()) raise<FormatError>("json: expected ", expected, ", got ", describe(), ".");
  raise<FormatError>("json: ", key, " must be ", expected, ", got ", describe(), ".");
}

std::int64_t Json::as_integer(std::string_view key, std::int64_t low, std::int64_t high) const {
  if (kind_ != Kind::integer) wrong_kind(key, "an integer");
  if (payload_.integer < low || payload_.integer > high) wrong_kind(key, cat("an integer from ", low, " to ", high));
  return payload_.integer;
}
double Json::as_real(std::string_view key) const {
  if (kind_ == Kind::integer) return static_cast<double>(payload_.integer);
  if (kind_ != Kind::real) wrong_kind(key, "a number");
  return payload_.real;
}
bool Json::as_bool(std::string_view key) const {
  if (kind_ != Kind::boolean) wrong_kind(key, "true or false");
  return payload_.boolean;
}
const std::string& Json::as_string(std::string_view key) const {
  if (kind_ != Kind::string) wrong_kind(key, "a string");
  return *payload_.string;
}
Shape Json::as_shape(std::string_view key) const {
  const auto values = as_elements(key);
  if (values.size() > kMaxRank) wrong_kind(key, cat("a shape of at most ", kMaxRank, " sizes"));
  Shape shape;
  for (const Json& v : values) shape.push_back(v.as_integer(key, 0, std::numeric_limits<std::int64_t>::max()));
  return shape;
}
std::span<const Json> Json::as_elements(std::string_view key) const {
  if (kind_ != Kind::array) wrong_kind(key, "an array");
  if (!payload_.node) return {};
  return payload_.node->values;
}

}  // namespace nacre
