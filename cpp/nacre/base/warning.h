// Warnings: something is allowed but most likely a mistake. The library prints nothing; whoever wants them sets a hook.
#pragma once

#include <string>
#include <string_view>

#include "nacre/base/api.h"

namespace nacre {

using WarningHook = void (*)(std::string_view message);
// Replaces the hook and returns the one before; null drops warnings, which is the start. The hook may throw: that ends the call that warned.
NACRE_API WarningHook set_warning_hook(WarningHook hook) noexcept;
NACRE_API void warn(std::string_view message);

}  // namespace nacre
