// The packet contract (simd/packet.h), operation by operation, on each instruction set that this machine can run.
#include <doctest/doctest.h>

#include "probes.h"

TEST_CASE("packets agree with scalar C++, lane for lane and bit for bit") {
  REQUIRE(!nacre::test::probes().empty());
  for (const auto& isa : nacre::test::probes()) {
    char first[200] = "";
    const int failures = isa.check_packets(first, sizeof first);
    CAPTURE(isa.name);
    CAPTURE(first);
    CHECK(failures == 0);
  }
}
