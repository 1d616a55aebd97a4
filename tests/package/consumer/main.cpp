// Uses an exported function and catches an exception of the library by its type. Prints the version.
#include <cstdio>
#include <cstring>

#include "nacre/base/error.h"
#include "nacre/base/shape.h"
#include "nacre/version.h"

int main() {
  if (nacre::checked_count("consumer", nacre::Shape{2, 3, 4}, nacre::DType::float32) != 24) return 1;
  try {
    nacre::checked_mul("consumer", nacre::Dim{1} << 62, 4);
    return 2;
  } catch (const nacre::ShapeError& error) {
    if (std::strncmp(error.what(), "consumer:", 9) != 0) return 3;
  }
  std::printf("nacre %s\n", NACRE_VERSION);
  return 0;
}
