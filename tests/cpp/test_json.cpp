// Json: what is accepted, what is refused and where, exact round trips, and trees a million deep.
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include "nacre/io/json.h"

using nacre::FormatError;
using nacre::Json;
using nacre::JsonLimits;

namespace {

// The message of the error that parsing raises; empty when there is none.
std::string parse_error(std::string_view text, const JsonLimits& limits = {}) {
  try {
    (void)Json::parse(text, limits);
  } catch (const FormatError& e) {
    return e.what();
  }
  return "";
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

Json nested(std::size_t depth) {
  Json j = 1;
  for (std::size_t i = 0; i < depth; ++i) {
    Json outer = i % 2 ? Json::array() : Json::object();
    if (i % 2) {
      outer.push_back(std::move(j));
    } else {
      outer["k"] = std::move(j);
    }
    j = std::move(outer);
  }
  return j;
}

}  // namespace

TEST_CASE("json reads every kind of value") {
  const Json j = Json::parse(R"( {"a": [1, -2.5, true, false, null, "x\u00e9\ud83d\ude00\n\/"], "b": {}, "c": [], "d": 1e2} )");
  CHECK(j["a"].size() == 6);
  CHECK(j["a"][0].is_integer());
  CHECK(j["a"][0].get<int>() == 1);
  CHECK(j["a"][1].get<double>() == -2.5);
  CHECK(j["a"][2].get<bool>());
  CHECK(!j["a"][3].get<bool>());
  CHECK(j["a"][4].is_null());
  CHECK(j["a"][5].get<std::string>() == "x\xc3\xa9\xf0\x9f\x98\x80\n/");
  CHECK(j["b"].is_object());
  CHECK(j["b"].empty());
  CHECK(j["c"].is_array());
  CHECK(j["d"].kind() == Json::Kind::real);
  CHECK(j["d"].get<float>() == 100.0f);
  CHECK(Json::parse("  7\n").get<std::uint8_t>() == 7);
  CHECK(Json::parse("\"\\u0000\"").get<std::string>() == std::string(1, '\0'));
}

TEST_CASE("json keeps the order of insertion and sorts in the canonical form") {
  Json j = Json::object({{"zeta", 1}, {"alpha", Json::array({1, "two", 3.0})}});
  j["mid"]["b"] = nullptr;
  j["mid"]["a"] = true;
  CHECK(j.to_string() == R"({"zeta":1,"alpha":[1,"two",3.0],"mid":{"b":null,"a":true}})");
  CHECK(j.canonical() == R"({"alpha":[1,"two",3.0],"mid":{"a":true,"b":null},"zeta":1})");
  CHECK(j.pretty(1) ==
        "{\n \"zeta\": 1,\n \"alpha\": [\n  1,\n  \"two\",\n  3.0\n ],\n \"mid\": {\n  \"b\": null,\n  \"a\": true\n }\n}");
  std::string keys;
  for (auto [key, value] : j.items()) keys += key + (value.is_integer() ? "=int " : " ");
  CHECK(keys == "zeta=int alpha mid ");
  CHECK(Json::parse(j.pretty()) == j);
  CHECK(Json::parse(j.canonical()) == j);  // equality does not look at the order
  CHECK(j.erase("alpha"));
  CHECK(!j.erase("alpha"));
  CHECK(j.canonical() == R"({"mid":{"a":true,"b":null},"zeta":1})");
  j["alpha"] = j;
  CHECK(j["alpha"]["zeta"].get<int>() == 1);
  j = std::move(j["alpha"]);
  CHECK(j.size() == 2);
}

TEST_CASE("json typed access names the key and what was found") {
  const Json j =
      Json::parse(R"({"units": 64, "rate": 0.5, "name": "x", "shape": [2, 3], "none": null, "big": 3000000000, "neg": -1})");
  CHECK(j.get<nacre::Dim>("units") == 64);
  CHECK(j.get<double>("units") == 64.0);
  CHECK(j.get<nacre::Shape>("shape") == nacre::Shape{2, 3});
  CHECK(j.get<std::vector<int>>("shape") == std::vector<int>{2, 3});
  CHECK(!j.get<std::optional<double>>("none"));
  CHECK(*j.get<std::optional<double>>("rate") == 0.5);
  CHECK(j.value_or("rate", 0.1) == 0.5);
  CHECK(j.value_or("missing", 0.1) == 0.1);
  CHECK(j.value_or("missing", "d") == "d");
  CHECK(Json(nacre::Shape{4, 5}).to_string() == "[4,5]");
  CHECK(Json(std::vector<double>{1, 0.5}).to_string() == "[1.0,0.5]");
  CHECK(Json(std::optional<int>()).is_null());
  CHECK_THROWS_WITH_AS((void)j.get<int>("name"), "json: name must be an integer, got string \"x\".", FormatError);
  CHECK_THROWS_WITH_AS((void)j.get<int>("rate"), "json: rate must be an integer, got number 0.5.", FormatError);
  CHECK_THROWS_WITH_AS((void)j.get<bool>("units"), "json: units must be true or false, got integer 64.", FormatError);
  CHECK_THROWS_WITH_AS((void)j.get<std::string>("none"), "json: none must be a string, got null.", FormatError);
  CHECK_THROWS_WITH_AS((void)j.value_or("none", 2), "json: none must be an integer, got null.", FormatError);
  CHECK_THROWS_WITH_AS((void)j.get<std::int32_t>("big"),
                       "json: big must be an integer from -2147483648 to 2147483647, got integer 3000000000.", FormatError);
  CHECK_THROWS_AS((void)j.get<std::uint64_t>("neg"), FormatError);
  CHECK_THROWS_WITH_AS((void)j.at("nope"), "json: key 'nope' is missing. Keys here: units, rate, name, shape, none, big, neg.",
                       FormatError);
  CHECK_THROWS_WITH_AS((void)j["units"]["x"], "json: key 'x' was asked of integer 64. An object would be right.", FormatError);
  CHECK_THROWS_WITH_AS((void)j["shape"][2], "json: element 2 was asked of an array of 2 elements.", FormatError);
  CHECK_THROWS_AS((void)j["shape"][-1], FormatError);
  CHECK_THROWS_AS((void)j["name"].elements(), FormatError);
  CHECK_THROWS_AS((void)j["name"].items(), FormatError);
  CHECK_THROWS_AS((void)Json::object({{"a", 1}, {"a", 2}}), nacre::ValueError);
  CHECK_THROWS_AS(Json(std::uint64_t{1} << 63), nacre::ValueError);
}

TEST_CASE("json refuses what RFC 8259 does not allow") {
  const std::string_view bad[] = {"",
                                  " ",
                                  "{",
                                  "[",
                                  "}",
                                  "]",
                                  "[1",
                                  "[1,",
                                  "[1,]",
                                  "{\"a\":1,}",
                                  "{\"a\"}",
                                  "{\"a\":}",
                                  "{a:1}",
                                  "{'a':1}",
                                  "{1:1}",
                                  "[1 2]",
                                  "1 2",
                                  "[1]]",
                                  "{}{}",
                                  "01",
                                  "-01",
                                  "00",
                                  "+1",
                                  "-",
                                  "1.",
                                  ".5",
                                  "1e",
                                  "1e+",
                                  "0x10",
                                  "1_0",
                                  "NaN",
                                  "nan",
                                  "Infinity",
                                  "-Infinity",
                                  "inf",
                                  "tru",
                                  "truE",
                                  "True",
                                  "nul",
                                  "none",
                                  "\"",
                                  "\"a",
                                  "\"\\\"",
                                  "\"\\x\"",
                                  "\"\\u12\"",
                                  "\"\\u12G4\"",
                                  "\"\\u+123\"",
                                  "\"\\ud800\"",
                                  "\"\\ud800x\"",
                                  "\"\\ud800\\u0041\"",
                                  "\"\\udc00\"",
                                  "\"\n\"",
                                  "\"\t\"",
                                  "\"\x01\"",
                                  "\"\x80\"",
                                  "\"\xc0\xaf\"",
                                  "\"\xed\xa0\x80\"",
                                  "\"\xf4\x90\x80\x80\"",
                                  "\"\xe2\x82\"",
                                  "\"\xff\"",
                                  "\xef\xbb\xbf"
                                  "1",
                                  "// c\n1",
                                  "[1/**/]",
                                  "\v1",
                                  "1\f",
                                  "9223372036854775808",
                                  "-9223372036854775809",
                                  "1e400",
                                  "-1e400",
                                  "1e-400",
                                  "{\"a\":1,\"b\":2,\"a\":3}",
                                  "{\"\":1,\"\":1}",
                                  "{\"a\":1,\"\\u0061\":1}",
                                  "[{\"x\":{\"a\":1,\"a\":1}}]"};
  for (std::string_view text : bad) {
    CAPTURE(text);
    CHECK(parse_error(text) != "");
  }
  CHECK(parse_error(std::string_view("1\0", 2)) != "");
}

TEST_CASE("json errors say where") {
  CHECK(has(parse_error("{\"a\": 1,\n \"b\": 2,\n  \"a\": 3}"), "json: line 3, column 3: key \"a\" comes a second time."));
  CHECK(has(parse_error("[1,\n2,\n]"), "line 3, column 1: expected a value, got ']'."));
  CHECK(has(parse_error("[\"\xc3\xa9\", x]"), "line 1, column 7: expected a value, got 'x'."));
  CHECK(has(parse_error("[1, 2"), "line 1, column 6: the text ends inside an array."));
  CHECK(has(parse_error("[01]"), "line 1, column 2: a number may not begin with a zero."));
  CHECK(has(parse_error("\"\x1f\""), "bare control character 0x1F"));
  CHECK(has(parse_error("[\"abc"), "column 2: the string that begins here has no end."));
  try {
    (void)Json::parse("?", {}, "load_model: 'x.safetensors'");
    CHECK(false);
  } catch (const FormatError& e) {
    CHECK(has(e.what(), "load_model: 'x.safetensors': line 1, column 1: "));
  }
}

TEST_CASE("json keeps its limits") {
  const JsonLimits depth{.max_depth = 3};
  CHECK(parse_error("[[[1]]]", depth) == "");
  CHECK(has(parse_error("[[[[1]]]]", depth), "nested deeper than the limit of 3"));
  CHECK(parse_error(std::string(64, '[') + std::string(64, ']')) == "");
  CHECK(parse_error(std::string(65, '[') + std::string(65, ']')) != "");
  CHECK(parse_error(std::string(1000000, '[')) != "");
  CHECK(has(parse_error("[1,2,3]", {.max_bytes = 6}), "longer than the limit of 6"));
  CHECK(parse_error("[1,2,3]", {.max_bytes = 7}) == "");
  CHECK(has(parse_error("[1,2,3]", {.max_values = 3}), "more than 3 values"));
  CHECK(parse_error("[1,2,3]", {.max_values = 4}) == "");
}

TEST_CASE("json numbers read back as the same bits and the same kind") {
  std::mt19937_64 random(7);
  const double special[] = {0.0,
                            -0.0,
                            1.0,
                            -1.0,
                            0.1,
                            1e300,
                            5e-324,
                            2.2250738585072014e-308,
                            1.7976931348623157e308,
                            1e15,
                            1e16,
                            1e17,
                            123456789012345680.0};
  auto check = [](double d) {
    const std::string text = Json(d).to_string();
    const Json back = Json::parse(text);
    CHECK_MESSAGE(back.kind() == Json::Kind::real, text);
    CHECK_MESSAGE(std::bit_cast<std::uint64_t>(back.get<double>()) == std::bit_cast<std::uint64_t>(d), text);
  };
  for (double d : special) check(d);
  for (int i = 0; i < 20000; ++i) {
    const double d = std::bit_cast<double>(random());
    if (std::isfinite(d)) check(d);
  }
  for (std::int64_t i : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), std::int64_t{0},
                         std::int64_t{1} << 53}) {
    CHECK(Json::parse(Json(i).to_string()).get<std::int64_t>() == i);
    CHECK(Json::parse(Json(i).to_string()).is_integer());
  }
  CHECK(Json(1) != Json(1.0));
  CHECK(Json(0.1).to_string() == "0.1");
  CHECK_THROWS_AS((void)Json(std::nan("")).to_string(), nacre::ValueError);
  CHECK_THROWS_AS((void)Json(HUGE_VAL).to_string(), nacre::ValueError);
}

TEST_CASE("json strings of all code points and all bytes") {
  std::string all;
  for (char32_t c = 0; c <= 0x10FFFF; c += c < 0x900 ? 1 : 251) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    if (c < 0x80) {
      all.push_back(static_cast<char>(c));
    } else {  // written here by hand, so that the writer is not its own oracle
      const int tails = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
      all.push_back(static_cast<char>((tails == 1 ? 0xC0 : tails == 2 ? 0xE0 : 0xF0) | (c >> (6 * tails))));
      for (int t = tails - 1; t >= 0; --t) all.push_back(static_cast<char>(0x80 | ((c >> (6 * t)) & 0x3F)));
    }
  }
  CHECK(Json::parse(Json(all).to_string()).get<std::string>() == all);
  CHECK(Json::parse(Json::object({{all, 1}}).canonical()).get<int>(all) == 1);
  CHECK(Json("a\x01\x1f\"\\\b\f\n\r\t/\x7f").to_string() == "\"a\\u0001\\u001f\\\"\\\\\\b\\f\\n\\r\\t/\x7f\"");
  for (const char* bad : {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80", "\xf8\x88\x80\x80\x80"}) {
    CHECK_THROWS_AS((void)Json(bad).to_string(), nacre::ValueError);
    CHECK_THROWS_AS((void)Json::object({{bad, 1}}).canonical(), nacre::ValueError);
  }
}

TEST_CASE("json trees a million deep are freed, copied, compared and written") {
  constexpr std::size_t depth = 1000000;
  const Json deep = nested(depth);
  const Json copy = deep;
  CHECK(copy == deep);
  CHECK(copy != nested(depth - 2));
  const std::string text = deep.to_string();
  CHECK(text.size() == depth / 2 * 2 + depth / 2 * 6 + 1);
  CHECK(deep.canonical() == text);
  CHECK(has(parse_error(text), "nested deeper than"));
  CHECK(Json::parse(text, {.max_depth = depth}) == deep);
  CHECK(parse_error(text.substr(0, text.size() - 1), {.max_depth = depth}) != "");  // freed while half read
}

TEST_CASE("json objects with many keys find each of them") {
  Json j = Json::object();
  std::string text = "{";
  for (int i = 0; i < 5000; ++i) {
    const std::string key = "k" + std::to_string(i * 7919 % 5000);
    j[key] = i;
    text += (i ? ",\"" : "\"") + key + "\":" + std::to_string(i);
  }
  text += "}";
  const Json parsed = Json::parse(text);
  CHECK(j.to_string() == text);
  CHECK(parsed == j);
  for (int i = 0; i < 5000; ++i) {
    const std::string key = "k" + std::to_string(i * 7919 % 5000);
    REQUIRE(parsed.get<int>(key) == i);
    REQUIRE(j.get<int>(key) == i);
  }
  for (int i = 0; i < 5000; i += 2) REQUIRE(j.erase("k" + std::to_string(i)));
  CHECK(j.size() == 2500);
  for (int i = 0; i < 5000; ++i) REQUIRE(j.contains("k" + std::to_string(i)) == (i % 2 == 1));
}

TEST_CASE("json mutations: what is accepted is written and read back the same") {
  const std::string seed = R"({"class_name":"Sequential","config":{"layers":[{"units":64,"rate":0.5,"name":"d\u00e9\n"},)"
                           R"({"shape":[null,8,8,1],"on":true}]},"x":[-0.0,1e-3,12345678901234]})";
  std::mt19937 random(1);
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text = seed;
    for (unsigned n = 1 + random() % 3; n > 0; --n) {
      const std::size_t at = random() % text.size();
      switch (random() % 5) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.erase(at, 1 + random() % 8); break;
        case 2: text.insert(at, text.substr(random() % text.size(), random() % 16)); break;
        case 3: text[at] = "{}[],:\"\\0-.eE"[random() % 13]; break;
        default: text.resize(at); break;
      }
      if (text.empty()) text = " ";
    }
    try {
      const Json j = Json::parse(text);
      ++accepted;
      REQUIRE(Json::parse(j.to_string()) == j);
      REQUIRE(Json::parse(j.canonical()).canonical() == j.canonical());
    } catch (const FormatError&) {
    }
  }
  CHECK(accepted > 100);
}
