// The steps of the recurrent cells: kernels/rnn.h has the equations.
#include "nacre/ops/rnn_steps.h"

#include <utility>

#include "nacre/ops/ops.h"

namespace nacre {

namespace {

struct State {
  Tensor h, c;
};
struct Step {
  State state;
  std::vector<Tensor> saved;
};

class Steps {
 public:
  Steps(const RnnInputs& in, const RnnSteps& how)
      : how_(how),
        gates_(how.cell == RnnCell::simple ? 1
               : how.cell == RnnCell::gru  ? 3
                                           : 4),
        split_(!how.state_factors.empty()) {
    Tensor input_bias = in.bias;
    if (in.bias.defined() && how.cell == RnnCell::gru && how.reset_after) {
      const std::vector<Tensor> rows = unstack(in.bias);
      input_bias = rows[0];
      recurrent_bias_ = rows[1];
    }
    // The candidate of a GRU that resets before its product has a product of its own.
    split_ = split_ || (how.cell == RnnCell::gru && !how.reset_after);
    if (split_) {
      kernels_ = parts(in.recurrent_kernel);
    } else {
      kernels_ = {in.recurrent_kernel};
    }
    inputs_ = dense(in.x, in.kernel, input_bias);
  }

  [[nodiscard]] const Tensor& inputs() const { return inputs_; }
  [[nodiscard]] Step step(const Tensor& z, const State& s) const {
    if (how_.cell == RnnCell::simple) {
      const Tensor h = how_.activation(z + products(s.h)[0]);
      return {{h, {}}, {}};
    }
    const std::vector<Tensor> x = parts(z);
    if (how_.cell == RnnCell::lstm) {
      const std::vector<Tensor> a = products(s.h);
      const Tensor i = how_.recurrent_activation(x[0] + a[0]), f = how_.recurrent_activation(x[1] + a[1]);
      const Tensor g = how_.activation(x[2] + a[2]), o = how_.recurrent_activation(x[3] + a[3]);
      const Tensor c = f * s.c + i * g;
      return {{o * how_.activation(c), c}, {i, f, g, o}};
    }
    if (how_.reset_after) {
      const std::vector<Tensor> a = products(s.h);
      const Tensor update = how_.recurrent_activation(x[0] + a[0]), reset = how_.recurrent_activation(x[1] + a[1]);
      const Tensor candidate = how_.activation(x[2] + reset * a[2]);
      return {{update * s.h + (1.0 - update) * candidate, {}}, {update, reset, candidate, a[2]}};
    }
    const Tensor update = how_.recurrent_activation(x[0] + product(s.h, 0)),
                 reset = how_.recurrent_activation(x[1] + product(s.h, 1));
    const Tensor candidate = how_.activation(x[2] + product(reset * s.h, 2));
    return {{update * s.h + (1.0 - update) * candidate, {}}, {update, reset, candidate}};
  }

 private:
  [[nodiscard]] std::vector<Tensor> parts(const Tensor& t) const {
    if (gates_ == 1) return {t};
    return split(t, {.sections = gates_, .axis = -1});
  }
  [[nodiscard]] Tensor product(const Tensor& h, std::size_t gate) const {
    return matmul(how_.state_factors.empty() ? h : h * how_.state_factors[gate], kernels_[gate]);
  }
  // h U of every gate.
  [[nodiscard]] std::vector<Tensor> products(const Tensor& h) const {
    std::vector<Tensor> out;
    if (!split_) {
      const Tensor all = matmul(h, kernels_[0]);
      return parts(recurrent_bias_.defined() ? all + recurrent_bias_ : all);
    }
    for (std::size_t gate = 0; gate < kernels_.size(); ++gate) out.push_back(product(h, gate));
    if (recurrent_bias_.defined()) {
      const std::vector<Tensor> bias = parts(recurrent_bias_);
      for (std::size_t gate = 0; gate < out.size(); ++gate) out[gate] = out[gate] + bias[gate];
    }
    return out;
  }

  const RnnSteps& how_;
  Dim gates_;
  bool split_;
  Tensor inputs_, recurrent_bias_;
  std::vector<Tensor> kernels_;
};

}  // namespace

std::vector<Tensor> rnn_by_steps(const RnnInputs& in, const RnnSteps& how) {
  const Dim n = in.x.shape()[0], steps = in.x.shape()[1], units = in.recurrent_kernel.shape()[0];
  const DType dtype = in.x.dtype();
  const auto zeros = [&](const Shape& shape) { return full({.shape = shape, .value = 0.0, .dtype = dtype}); };
  const bool lstm = how.cell == RnnCell::lstm;
  const Dim saved_width = rnn_saved_width(how.cell, how.reset_after, units);
  const Steps walk(in, how);
  State state{in.initial_h.defined() ? in.initial_h : zeros({n, units}), !lstm                    ? Tensor()
                                                                         : in.initial_c.defined() ? in.initial_c
                                                                                                  : zeros({n, units})};
  std::vector<Tensor> outputs, saved;
  if (steps > 0) {
    const std::vector<Tensor> z = unstack(walk.inputs(), {.axis = 1});
    std::vector<Tensor> masks;
    if (in.mask.defined()) masks = unstack(reshape(in.mask, {.newshape = {n, steps, 1}}), {.axis = 1});
    Tensor last = zeros({n, units});
    for (Dim s = 0; s < steps; ++s) {
      const auto t = static_cast<std::size_t>(how.go_backwards ? steps - 1 - s : s);
      Step step = walk.step(z[t], state);
      if (masks.empty()) {
        state = step.state;
        last = state.h;
      } else {
        last = where(masks[t], step.state.h, last);
        state.h = where(masks[t], step.state.h, state.h);
        if (lstm) state.c = where(masks[t], step.state.c, state.c);
      }
      outputs.push_back(last);
      if (lstm) step.saved.push_back(state.c);
      if (!step.saved.empty()) saved.push_back(concatenate(step.saved, {.axis = -1}));
    }
  }
  std::vector<Tensor> result{steps > 0 ? stack(outputs, {.axis = 1}) : zeros({n, 0, units}), state.h};
  if (lstm) result.push_back(state.c);
  if (saved_width > 0) result.push_back(steps > 0 ? stack(saved) : zeros({0, n, saved_width}));
  return result;
}

}  // namespace nacre
