// The version, read by CMake and by the Python build.
#pragma once

#define NACRE_VERSION_MAJOR 0
#define NACRE_VERSION_MINOR 1
#define NACRE_VERSION_PATCH 0
#define NACRE_VERSION "0.1.0"
