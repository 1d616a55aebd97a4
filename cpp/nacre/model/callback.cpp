// Logs and history by name.
#include "nacre/model/callback.h"

namespace nacre::model {

namespace {

template <class Pairs>
const auto& value_of(const Pairs& pairs, std::string_view owner, std::string_view name) {
  std::string known;
  for (const auto& [key, value] : pairs) {
    if (key == name) return value;
    known += cat(known.empty() ? "" : ", ", key);
  }
  raise<ValueError>(owner, ": there is no metric '", name, "'. Known: ", known, ".");
}

}  // namespace

Callback::~Callback() = default;

double Logs::operator[](std::string_view name) const { return value_of(values, "logs", name); }
const std::vector<double>& History::operator[](std::string_view name) const { return value_of(history, "history", name); }

}  // namespace nacre::model
