// The list of all ops and the two ops that the tape needs.
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

// The tape reaches ops through hooks, set when the library is loaded (two pointers, nothing else runs then).
[[maybe_unused]] const bool g_hooked = [] {
  set_tape_hooks({.add = [](const Tensor& a, const Tensor& b) { return add(a, b); },
                  .ones_like = [](const Tensor& x) { return full({.shape = x.shape(), .value = 1.0, .dtype = x.dtype()}); }});
  return true;
}();

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
