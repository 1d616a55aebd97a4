// The typed errors of the library. Every message reads
//     name: what is wrong, with the values. What would be right.
// Python sees ValueError, TypeError, IndexError, OSError, RuntimeError and MemoryError subclasses of the same names.
#pragma once

#include <stdexcept>
#include <string>

#include "nacre/base/api.h"
#include "nacre/base/text.h"

namespace nacre {

class NACRE_API Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
  ~Error() override;
};

#define NACRE_ERROR_CLASS(Name, Base)                            \
  class NACRE_API Name : public Base {                           \
   public:                                                       \
    explicit Name(const std::string& message) : Base(message) {} \
    ~Name() override;                                            \
  };

NACRE_ERROR_CLASS(ValueError, Error)        // an argument has a value that is not allowed
NACRE_ERROR_CLASS(ShapeError, ValueError)   // shapes do not fit each other or the operation
NACRE_ERROR_CLASS(FormatError, ValueError)  // a file or text is damaged or not of the format
NACRE_ERROR_CLASS(DTypeError, Error)        // a dtype is not allowed here (TypeError)
NACRE_ERROR_CLASS(TypeError, Error)         // an argument is of the wrong kind (TypeError)
NACRE_ERROR_CLASS(IndexError, Error)        // an index or label is out of range
NACRE_ERROR_CLASS(StateError, Error)        // right call, wrong moment: not built, graph freed (RuntimeError)
NACRE_ERROR_CLASS(IoError, Error)           // the operating system refused (OSError)
NACRE_ERROR_CLASS(OutOfMemoryError, Error)  // memory could not be had (MemoryError)
NACRE_ERROR_CLASS(Interrupted, Error)       // a stop was asked for (KeyboardInterrupt when by Ctrl-C)
#undef NACRE_ERROR_CLASS

template <class E, class... Parts>
[[noreturn]] void raise(const Parts&... parts) {
  throw E(cat(parts...));
}

}  // namespace nacre
