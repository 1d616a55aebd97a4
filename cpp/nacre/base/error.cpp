// Out-of-line destructors: one home for each error's type information, so that it is caught across libraries.
#include "nacre/base/error.h"

namespace nacre {

Error::~Error() = default;
ValueError::~ValueError() = default;
ShapeError::~ShapeError() = default;
FormatError::~FormatError() = default;
DTypeError::~DTypeError() = default;
TypeError::~TypeError() = default;
IndexError::~IndexError() = default;
StateError::~StateError() = default;
IoError::~IoError() = default;
OutOfMemoryError::~OutOfMemoryError() = default;
Interrupted::~Interrupted() = default;

}  // namespace nacre
