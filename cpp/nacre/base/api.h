// NACRE_API marks what the shared library exports; everything else is hidden.
#pragma once

#if defined(_WIN32)
#if defined(NACRE_BUILDING)
#define NACRE_API __declspec(dllexport)
#elif defined(NACRE_STATIC)
#define NACRE_API
#else
#define NACRE_API __declspec(dllimport)
#endif
#else
#define NACRE_API __attribute__((visibility("default")))
#endif
