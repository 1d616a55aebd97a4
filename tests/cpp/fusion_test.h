// What the tests of fused neighbours share: a function captured with and without fusion, its steps and its bits.
#pragma once

#include <algorithm>

#include "nacre/autograd/tape.h"
#include "nacre/base/threads.h"
#include "nacre/ops/operators.h"
#include "plan_test.h"

namespace fusion_test {

using namespace nacre;
using namespace plan_test;

struct Expected {
  std::vector<std::string> steps;  // each must be in the plan
  std::vector<std::string> absent;
};

// Captured with and without fusion, on 1, 2 and 3 threads: the bits of eager execution each time.
inline void check(const Function& f, std::span<const Tensor> values, const Expected& expected, const std::string& what) {
  const int before = num_threads();
  set_num_threads(1);
  const std::vector<Tensor> eager = f(values);
  const auto plain = captured(f, values, {.fuse = false}), fused = captured(f, values);
  const std::string text = fused->text();
  const auto joined = std::count_if(expected.steps.begin(), expected.steps.end(),
                                    [](const std::string& s) { return s.find('+') != std::string::npos; });
  CHECK_MESSAGE(fused->steps().size() + static_cast<std::size_t>(joined) <= plain->steps().size(), what, "\n", text);
  for (const std::string& s : expected.steps) CHECK_MESSAGE(text.find(s) != std::string::npos, what, ": no ", s, " in\n", text);
  for (const std::string& s : expected.absent) CHECK_MESSAGE(text.find(s) == std::string::npos, what, ": ", s, " in\n", text);
  for (int threads : {1, 2, 3}) {
    set_num_threads(threads);
    for (const auto& p : {plain, fused}) {
      const std::vector<Tensor> got = replay(p, values);
      REQUIRE(got.size() == eager.size());
      for (std::size_t i = 0; i < got.size(); ++i) {
        CHECK_MESSAGE(same_bits(got[i], eager[i]), what, ": output ", i, " on ", threads, " threads, fused ", p == fused);
      }
    }
  }
  set_num_threads(before);
}

inline std::vector<Tensor> trained(std::vector<Tensor> w) {
  for (const Tensor& p : w) p.set_requires_grad(true);
  return w;
}

}  // namespace fusion_test
