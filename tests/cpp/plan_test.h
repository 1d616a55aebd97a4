// What the tests of captured plans share: random tensors, equality of bits, a function captured and run.
#pragma once

#include <cstring>
#include <functional>

#include <doctest/doctest.h>

#include "nacre/ops/random_state.h"
#include "nacre/plan/plan.h"

namespace plan_test {

using namespace nacre;

inline Tensor random(const Shape& shape, std::uint64_t seed, DType dtype = DType::float32) {
  const Tensor key = key_tensor({.seed = seed, .step = 0, .stream = 7});
  return random_normal(key, {.shape = shape, .dtype = dtype});
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  const Tensor x = a.clone(), y = b.clone();
  return x.shape() == y.shape() && x.dtype() == y.dtype() &&
         std::memcmp(x.view().data, y.view().data, static_cast<std::size_t>(x.count() * size_of(x.dtype()))) == 0;
}

using Function = std::function<std::vector<Tensor>(std::span<const Tensor>)>;

inline std::shared_ptr<plan::Plan> captured(const Function& f, std::span<const Tensor> examples,
                                            const plan::PlanOptions& options = {}) {
  plan::Trace trace;
  std::vector<Tensor> in, out;
  for (std::size_t i = 0; i < examples.size(); ++i) in.push_back(trace.input(examples[i].view(), cat("x", i)));
  {
    const Capture capture(trace);
    out = f(in);
  }
  return std::make_shared<plan::Plan>(std::move(trace), out, std::span<const Tensor>(), std::span<const Dim>(), options);
}

inline std::vector<Tensor> replay(const std::shared_ptr<plan::Plan>& p, std::span<const Tensor> values, std::uint64_t step = 0) {
  plan::Instance instance(p);
  for (int run = 0; run < 2; ++run) {  // the second one finds scratch memory ready
    for (std::size_t i = 0; i < values.size(); ++i) instance.input(i).assign(values[i]);
    instance.run(step);
  }
  instance.commit();
  std::vector<Tensor> out;
  for (std::size_t i = 0; i < p->output_count(); ++i) out.push_back(instance.output(i).clone());
  return out;
}

}  // namespace plan_test
