// SHA-256 against the examples of FIPS 180-4 / NIST's CAVP, and in pieces against the whole.
#include <string>

#include <doctest/doctest.h>

#include "nacre/io/sha256.h"

using nacre::Sha256;

TEST_CASE("sha256 gives the standard's examples") {
  CHECK(Sha256().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(Sha256().update("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(Sha256().update("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").hex() ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(Sha256().update(std::string(1000000, 'a')).hex() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("sha256 in pieces is sha256 of the whole") {
  std::string text;
  for (int i = 0; i < 300; ++i) text.push_back(static_cast<char>(i * 37));
  for (std::size_t size = 0; size <= text.size(); ++size) {  // lengths around every padding case
    const std::string_view whole = std::string_view(text).substr(0, size);
    const std::string expected = Sha256().update(whole).hex();
    for (std::size_t piece : {1, 3, 63, 64, 65}) {
      Sha256 sum;
      for (std::size_t at = 0; at < size; at += piece) sum.update(whole.substr(at, piece));
      REQUIRE(sum.hex() == expected);
      REQUIRE(sum.hex() == expected);  // asking changes nothing
    }
  }
  // Lengths 55, 56, 63, 64 meet the four ways the padding can fall; values from an independent implementation (Python's hashlib).
  CHECK(Sha256().update(std::string(55, 'x')).hex() == "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072");
  CHECK(Sha256().update(std::string(56, 'x')).hex() == "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e");
  CHECK(Sha256().update(std::string(63, 'x')).hex() == "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2");
  CHECK(Sha256().update(std::string(64, 'x')).hex() == "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c");
}
