// Errors from below with the name that the user called in front: "Dense 'dense': random_uniform: a tensor of ... could not be allocated."
#pragma once

#include <string_view>

#include "nacre/base/error.h"

namespace nacre {

// Call inside catch (const Error&): throws the error in flight again, of the same type, with `owner` in front unless the message begins with it.
[[noreturn]] NACRE_API void rethrow_with_owner(std::string_view owner);

}  // namespace nacre
