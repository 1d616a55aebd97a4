// Activations with options, softmax, and the fused gradients of all activations (those without options are in unary.h).
#pragma once

#include <limits>

#include "nacre/kernels/elementwise.h"
#include "nacre/ops/op.h"

namespace nacre::op {

// Shared by the elementwise ones: y has x's type, x is a float.
void activation_infer(std::string_view name, In in, Types& out);
// Shared by softmax and log_softmax, and by their gradients.
void softmax_infer(std::string_view name, Dim axis, In in, Types& out);

struct LeakyRelu {
  double negative_slope = 0.01;
  static constexpr std::string_view name = "leaky_relu", doc = R"(Leaky rectified linear unit: a small slope where relu is flat.

y = x where x > 0, else a x;  a = negative_slope
The branch decides, not max(a x, x), which is wrong for a > 1.

Args:
    x: Any shape; integers and bool become floatx().
    negative_slope: Slope a for x <= 0, finite; default 0.01.

Returns:
    Tensor of x's shape.

Raises:
    ValueError: negative_slope is not finite.

Example:
    >>> nc.leaky_relu(nc.convert_to_tensor([-1.0, 2.0]))  # [-0.01, 2]

Reference: Maas, Hannun and Ng, 2013, Rectifier nonlinearities improve neural network acoustic models.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"negative_slope", &LeakyRelu::negative_slope}};
  static constexpr Promote promote = Promote::to_float;
  static constexpr bool strided = true;
  static constexpr std::uint64_t save_in = 1, save_out = 0;
  static void infer(const LeakyRelu& a, In in, Types& out);
  static void run(const LeakyRelu& a, Views in, Views out, Context& c);
  static void grad(const LeakyRelu& a, GradCtx& c);
  static constexpr std::uint64_t inplace = 1;
  static bool tile(const LeakyRelu& a, const KernelTable& k, In in, TileFn& fn);
};

struct Elu {
  double alpha = 1.0;
  static constexpr std::string_view name = "elu", doc = R"(Exponential linear unit.

y = x where x > 0, else alpha (e^x - 1)

Args:
    x: Any shape; integers and bool become floatx().
    alpha: Depth of the negative branch, finite; default 1.

Returns:
    Tensor of x's shape.

Raises:
    ValueError: alpha is not finite.

Example:
    >>> nc.elu(nc.convert_to_tensor([-1.0, 2.0]))  # [-0.6321206, 2]

Reference: Clevert, Unterthiner and Hochreiter, 2016, Fast and accurate deep network learning by exponential linear units.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"alpha", &Elu::alpha}};
  static constexpr Promote promote = Promote::to_float;
  static constexpr bool strided = true;
  static constexpr std::uint64_t save_in = 1, save_out = 0;
  static void infer(const Elu& a, In in, Types& out);
  static void run(const Elu& a, Views in, Views out, Context& c);
  static void grad(const Elu& a, GradCtx& c);
  static constexpr std::uint64_t inplace = 1;
  static bool tile(const Elu& a, const KernelTable& k, In in, TileFn& fn);
};

struct Silu {
  double beta = 1.0;
  static constexpr std::string_view name = "silu", doc = R"(Sigmoid linear unit, also called swish.

y = x sigmoid(beta x);  with beta = 1 its least value is -0.2785, at x = -1.2785

Args:
    x: Any shape; integers and bool become floatx().
    beta: Steepness of the gate, finite; default 1.

Returns:
    Tensor of x's shape.

Raises:
    ValueError: beta is not finite.

Example:
    >>> nc.silu(nc.convert_to_tensor([-1.0, 1.0]))  # [-0.2689414, 0.7310586]

Reference: Ramachandran, Zoph and Le, 2017, Searching for activation functions.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"beta", &Silu::beta}};
  static constexpr Promote promote = Promote::to_float;
  static constexpr bool strided = true;
  static constexpr std::uint64_t save_in = 1, save_out = 0;
  static void infer(const Silu& a, In in, Types& out);
  static void run(const Silu& a, Views in, Views out, Context& c);
  static void grad(const Silu& a, GradCtx& c);
  static constexpr std::uint64_t inplace = 1;
  static bool tile(const Silu& a, const KernelTable& k, In in, TileFn& fn);
};

struct Gelu {
  bool approximate = false;
  static constexpr std::string_view name = "gelu", doc = R"(Gaussian error linear unit.

y = x Phi(x) = x/2 (1 + erf(x / sqrt 2));  approximate: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
The two forms differ by up to 4.7e-4.

Args:
    x: Any shape; integers and bool become floatx().
    approximate: Use the tanh form; default False.

Returns:
    Tensor of x's shape.

Raises:
    DTypeError: x is float16 or bfloat16 (cast it first).

Example:
    >>> nc.gelu(nc.convert_to_tensor([-1.0, 1.0]))  # [-0.1586553, 0.8413447]

Reference: Hendrycks and Gimpel, 2016, Gaussian error linear units.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"approximate", &Gelu::approximate}};
  static constexpr Promote promote = Promote::to_float;
  static constexpr bool strided = true;
  static constexpr std::uint64_t save_in = 1, save_out = 0;
  static void infer(const Gelu& a, In in, Types& out);
  static void run(const Gelu& a, Views in, Views out, Context& c);
  static void grad(const Gelu& a, GradCtx& c);
  static constexpr std::uint64_t inplace = 1;
  static bool tile(const Gelu& a, const KernelTable& k, In in, TileFn& fn);
};

struct Relu6 {
  static constexpr std::string_view name = "relu6", doc = R"(Rectified linear unit cut at 6.

y = min(max(x, 0), 6), dx = dy where 0 < x < 6, else 0

Args:
    x: Any shape; integers and bool become floatx().

Returns:
    Tensor of x's shape.

Raises:
    DTypeError: x is float16 or bfloat16 (cast it first).

Example:
    >>> nc.relu6(nc.convert_to_tensor([-1.0, 2.0, 8.0]))  # [0, 2, 6]

Reference: keras.ops.relu6.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple<>{};
  static constexpr Promote promote = Promote::to_float;
  static constexpr bool strided = true;
  static constexpr std::uint64_t save_in = 0, save_out = 1;
  static void infer(const Relu6& a, In in, Types& out);
  static void run(const Relu6& a, Views in, Views out, Context& c);
  static void grad(const Relu6& a, GradCtx& c);
  static constexpr std::uint64_t inplace = 1;
  static bool tile(const Relu6& a, const KernelTable& k, In in, TileFn& fn);
};

struct Prelu {
  static constexpr std::string_view name = "prelu", doc = R"(Leaky rectified linear unit with a learned slope.

y = x where x > 0, else alpha x;  dalpha = sum of dy x where x <= 0

Args:
    x: Any shape; integers and bool become floatx().
    alpha: Slopes, a tensor that broadcasts to x's shape.

Returns:
    Tensor of x's shape.

Raises:
    ShapeError: alpha does not broadcast to x's shape.

Example:
    >>> nc.prelu(nc.convert_to_tensor([-1.0, 2.0]), nc.convert_to_tensor(0.25))  # [-0.25, 2]

Reference: He et al., 2015, Delving deep into rectifiers.)";
  static constexpr Arg inputs[] = {{"x"}, {"alpha"}};
  static constexpr auto fields = std::tuple<>{};
  static constexpr Promote promote = Promote::to_float;
  static constexpr bool strided = true;
  static constexpr std::uint64_t save_in = 3, save_out = 0;
  static void infer(const Prelu& a, In in, Types& out);
  static void run(const Prelu& a, Views in, Views out, Context& c);
  static void grad(const Prelu& a, GradCtx& c);
};

// dx of an activation from the saved tensor (x or y, see kernels/elementwise.h) and dy. a, b: the kernel's parameters where it has any.
constexpr std::string_view activation_grad_name(BinaryKind k) {
  switch (k) {
    case BinaryKind::relu_grad: return "relu_grad";
    case BinaryKind::leaky_relu_grad: return "leaky_relu_grad";
    case BinaryKind::elu_grad: return "elu_grad";
    case BinaryKind::selu_grad: return "selu_grad";
    case BinaryKind::sigmoid_grad: return "sigmoid_grad";
    case BinaryKind::tanh_grad: return "tanh_grad";
    case BinaryKind::softplus_grad: return "softplus_grad";
    case BinaryKind::softsign_grad: return "softsign_grad";
    case BinaryKind::silu_grad: return "silu_grad";
    case BinaryKind::gelu_grad: return "gelu_grad";
    case BinaryKind::gelu_tanh_grad: return "gelu_tanh_grad";
    case BinaryKind::hard_sigmoid_grad: return "hard_sigmoid_grad";
    case BinaryKind::mish_grad: return "mish_grad";
    case BinaryKind::clip_grad: return "clip_grad";
    case BinaryKind::abs_grad: return "abs_grad";
    default: throw "not a gradient";  // evaluated by the compiler only
  }
}
void activation_grad_infer(std::string_view name, In in, Types& out);
void activation_grad_run(BinaryKind kind, double a, double b, Views in, Views out, Context& c);
void activation_grad_grad(BinaryKind kind, double a, const OpDef& def, const void* attrs, GradCtx& c);
bool activation_grad_tile(BinaryKind kind, double a, double b, const KernelTable& k, In in, TileFn& fn);

template <BinaryKind K>
struct ActivationGrad {
  double a = 0, b = 0;
  static constexpr std::string_view name = activation_grad_name(K),
                                    doc = "Gradient of the activation: dx from the saved tensor and dy.";
  static constexpr Arg inputs[] = {{"saved"}, {"dy"}};
  static constexpr auto fields = std::tuple{Field{"a", &ActivationGrad::a}, Field{"b", &ActivationGrad::b}};
  static constexpr bool strided = true, internal = true;
  static constexpr std::uint64_t save_in = 3, save_out = 0;
  static void infer(const ActivationGrad&, In in, Types& out) { activation_grad_infer(name, in, out); }
  static void run(const ActivationGrad& o, Views in, Views out, Context& c) { activation_grad_run(K, o.a, o.b, in, out, c); }
  static constexpr std::uint64_t inplace = 3;
  static bool tile(const ActivationGrad& o, const KernelTable& k, In in, TileFn& fn) {
    return activation_grad_tile(K, o.a, o.b, k, in, fn);
  }
  static void grad(const ActivationGrad& o, GradCtx& c) { activation_grad_grad(K, o.a, op_def<ActivationGrad>(), &o, c); }
};
using ReluGrad = ActivationGrad<BinaryKind::relu_grad>;
using LeakyReluGrad = ActivationGrad<BinaryKind::leaky_relu_grad>;
using EluGrad = ActivationGrad<BinaryKind::elu_grad>;
using SeluGrad = ActivationGrad<BinaryKind::selu_grad>;
using SigmoidGrad = ActivationGrad<BinaryKind::sigmoid_grad>;
using TanhGrad = ActivationGrad<BinaryKind::tanh_grad>;
using SoftplusGrad = ActivationGrad<BinaryKind::softplus_grad>;
using SoftsignGrad = ActivationGrad<BinaryKind::softsign_grad>;
using SiluGrad = ActivationGrad<BinaryKind::silu_grad>;
using GeluGrad = ActivationGrad<BinaryKind::gelu_grad>;
using GeluTanhGrad = ActivationGrad<BinaryKind::gelu_tanh_grad>;
using HardSigmoidGrad = ActivationGrad<BinaryKind::hard_sigmoid_grad>;
using MishGrad = ActivationGrad<BinaryKind::mish_grad>;
using ClipGrad = ActivationGrad<BinaryKind::clip_grad>;
using AbsGrad = ActivationGrad<BinaryKind::abs_grad>;

struct Softmax {
  Dim axis = -1;
  static constexpr std::string_view name = "softmax", doc = R"(Softmax: positive numbers along one axis that sum to 1.

y_i = e^(x_i - m) / sum_j e^(x_j - m),  m = max_j x_j;  dx_i = y_i (dy_i - sum_j y_j dy_j)
Subtracting m keeps e^x from overflowing. A row of only -inf gives NaN.

Args:
    x: Rank >= 1; integers and bool become floatx().
    axis: The axis, in [-rank, rank); default -1, the last.

Returns:
    Tensor of x's shape.

Raises:
    ValueError: axis is out of range.

Example:
    >>> nc.softmax(nc.convert_to_tensor([1.0, 2.0]))  # [0.2689414, 0.7310586]

Reference: keras.ops.softmax.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"axis", &Softmax::axis}};
  static constexpr Promote promote = Promote::to_float;
  static constexpr std::uint64_t save_in = 0, save_out = 1;
  static void infer(const Softmax& a, In in, Types& out);
  static void run(const Softmax& a, Views in, Views out, Context& c);
  static void grad(const Softmax& a, GradCtx& c);
};

struct LogSoftmax {
  Dim axis = -1;
  static constexpr std::string_view name = "log_softmax", doc = R"(Logarithm of softmax, from the logits in one stable step.

y_i = x_i - m - ln sum_j e^(x_j - m),  m = max_j x_j;  dx_i = dy_i - e^(y_i) sum_j dy_j

Args:
    x: Rank >= 1; integers and bool become floatx().
    axis: The axis, in [-rank, rank); default -1, the last.

Returns:
    Tensor of x's shape.

Raises:
    ValueError: axis is out of range.

Example:
    >>> nc.log_softmax(nc.convert_to_tensor([1.0, 2.0]))  # [-1.3132617, -0.3132617]

Reference: keras.ops.log_softmax.)";
  static constexpr Arg inputs[] = {{"x"}};
  static constexpr auto fields = std::tuple{Field{"axis", &LogSoftmax::axis}};
  static constexpr Promote promote = Promote::to_float;
  static constexpr std::uint64_t save_in = 0, save_out = 1;
  static void infer(const LogSoftmax& a, In in, Types& out);
  static void run(const LogSoftmax& a, Views in, Views out, Context& c);
  static void grad(const LogSoftmax& a, GradCtx& c);
};

struct SoftmaxGrad {
  Dim axis = -1;
  static constexpr std::string_view name = "softmax_grad", doc = "Gradient of softmax: dx = y (dy - sum_j y_j dy_j) along axis.";
  static constexpr Arg inputs[] = {{"y"}, {"dy"}};
  static constexpr auto fields = std::tuple{Field{"axis", &SoftmaxGrad::axis}};
  static constexpr bool internal = true;
  static constexpr std::uint64_t save_in = 3, save_out = 0;
  static void infer(const SoftmaxGrad& a, In in, Types& out);
  static void run(const SoftmaxGrad& a, Views in, Views out, Context& c);
  static void grad(const SoftmaxGrad& a, GradCtx& c);
};

struct LogSoftmaxGrad {
  Dim axis = -1;
  static constexpr std::string_view name = "log_softmax_grad",
                                    doc = "Gradient of log_softmax: dx = dy - e^y sum_j dy_j along axis.";
  static constexpr Arg inputs[] = {{"y"}, {"dy"}};
  static constexpr auto fields = std::tuple{Field{"axis", &LogSoftmaxGrad::axis}};
  static constexpr bool internal = true;
  static constexpr std::uint64_t save_in = 3, save_out = 0;
  static void infer(const LogSoftmaxGrad& a, In in, Types& out);
  static void run(const LogSoftmaxGrad& a, Views in, Views out, Context& c);
  static void grad(const LogSoftmaxGrad& a, GradCtx& c);
};

}  // namespace nacre::op
