// The list of all ops.
#include <algorithm>
#include <array>

#include "nacre/ops/ops.h"

namespace nacre {

namespace {

using Getter = const OpDef& (*)();
constexpr Getter kGetters[] = {
#define NACRE_OP(Struct, function, family) &op_def<op::Struct>,
#include "nacre/ops/ops.inc"
#undef NACRE_OP
};

}  // namespace

std::span<const OpDef* const> registry() {
  static const std::array<const OpDef*, std::size(kGetters)> list = [] {
    std::array<const OpDef*, std::size(kGetters)> defs{};
    for (std::size_t i = 0; i < defs.size(); ++i) defs[i] = &kGetters[i]();
    return defs;
  }();
  return list;
}

const OpDef* find_op(std::string_view name) {
  for (const OpDef* def : registry()) {
    if (def->name == name) return def;
  }
  return nullptr;
}

}  // namespace nacre
