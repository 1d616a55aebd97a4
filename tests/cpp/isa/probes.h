// Test code that must be compiled for each instruction set, and the list of those this machine can run.
//
// *_probe.cpp are compiled once per set (CMakeLists.txt), with the rules of kernel files: no templates of the standard library, or the
// linker may keep an AVX-512 copy for a test program that runs elsewhere.
#pragma once

#include <vector>

#include "expr_probe.h"
#include "math_probe.h"
#include "packet_probe.h"

namespace nacre::test {

struct IsaProbe {
  const char* name;
  MathProbe math;
  PacketCheck check_packets;
  ExprProbe expr;
};
const std::vector<IsaProbe>& probes();

}  // namespace nacre::test
