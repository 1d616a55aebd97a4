#include "nacre/base/warning.h"

#include <atomic>

namespace nacre {

namespace {
std::atomic<WarningHook> g_hook{nullptr};
}

WarningHook set_warning_hook(WarningHook hook) noexcept { return g_hook.exchange(hook); }

void warn(std::string_view message) {
  if (const WarningHook hook = g_hook.load()) hook(message);
}

}  // namespace nacre
