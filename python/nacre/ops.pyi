# Written by tools/make_stubs.py. Do not edit: change the op, the class or tools/core.pyi.in, and run it again.
from collections.abc import Sequence
from typing import Any

from ._core import _ArrayLike, _DTypeLike, Tensor
from ._core import convert_to_tensor as convert_to_tensor

__all__ = [
    "abs", "absolute", "add", "all", "amax", "amin", "any", "arange", "arccos", "arcsin", "arctan", "arctan2", "argmax", "argmin",
    "argsort", "array", "average_pool", "batch_norm_inference", "batch_norm_training", "batch_normalization", "binary_crossentropy",
    "binary_focal_crossentropy", "broadcast_to", "cast", "categorical_crossentropy", "categorical_focal_crossentropy", "ceil",
    "clip", "concatenate", "conv", "conv1d", "conv2d", "conv2d_transpose", "convert_to_numpy", "convert_to_tensor", "copy", "cos",
    "cosh", "count_nonzero", "cumprod", "cumsum", "dense", "depthwise_conv", "depthwise_conv2d", "diag", "divide",
    "dot_product_attention", "dropout", "einsum", "elu", "embedding", "equal", "erf", "exp", "expand_dims", "expm1", "eye", "flip",
    "fliplr", "flipud", "floor", "floor_divide", "full", "full_like", "gelu", "get_item", "global_average_pool", "global_max_pool",
    "greater", "greater_equal", "group_norm", "gru", "hard_sigmoid", "huber", "identity", "is_tensor", "isfinite", "isinf", "isnan",
    "kl_divergence", "layer_norm", "layer_normalization", "leaky_relu", "less", "less_equal", "linspace", "log", "log10", "log1p",
    "log2", "log_cosh", "log_softmax", "logical_and", "logical_not", "logical_or", "logical_xor", "logsumexp", "lstm", "matmul",
    "max", "max_pool", "maximum", "mean", "mean_absolute_error", "mean_squared_error", "min", "minimum", "mish", "mod", "moveaxis",
    "multiply", "ndim", "negative", "nll_loss", "nonzero", "norm", "not_equal", "one_hot", "ones", "ones_like", "pad", "power",
    "prelu", "prod", "random_bernoulli", "random_normal", "random_permutation", "random_randint", "random_truncated_normal",
    "random_uniform", "ravel", "reciprocal", "reduce_loss", "relu", "relu6", "repeat", "reshape", "rms_norm", "rms_normalization",
    "roll", "round", "rsqrt", "scatter", "scatter_add", "scatter_update", "searchsorted", "selu", "shape", "sigmoid", "sign",
    "silu", "simple_rnn", "sin", "sinh", "size", "slice", "softmax", "softplus", "softsign", "sort",
    "sparse_categorical_crossentropy", "split", "sqrt", "square", "squared_difference", "squeeze", "stack", "std", "stop_gradient",
    "subtract", "sum", "swapaxes", "swish", "take", "take_along_axis", "tan", "tanh", "tile", "top_k", "transpose", "tril", "triu",
    "true_divide", "trunc", "unstack", "var", "where", "zeros", "zeros_like",
]

def abs(x: _ArrayLike) -> Tensor:
    """Absolute value."""

def absolute(x: _ArrayLike) -> Tensor:
    """Absolute value."""

def add(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Sum, element by element."""

def all(x: _ArrayLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Whether all elements are true, over axes."""

def amax(x: _ArrayLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Largest element over axes."""

def amin(x: _ArrayLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Smallest element over axes."""

def any(x: _ArrayLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Whether any element is true, over axes."""

def arange(start: float, stop: float | None = None, step: float = 1, dtype: Any = None) -> Tensor:
    """Evenly spaced numbers: start, start + step, ... up to but without stop."""

def arccos(x: _ArrayLike) -> Tensor:
    """Inverse cosine, in [0, pi]."""

def arcsin(x: _ArrayLike) -> Tensor:
    """Inverse sine, in [-pi/2, pi/2]."""

def arctan(x: _ArrayLike) -> Tensor:
    """Inverse tangent, in (-pi/2, pi/2)."""

def arctan2(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Angle of the point (x2, x1) in (-pi, pi]."""

def argmax(x: _ArrayLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Position of the largest element."""

def argmin(x: _ArrayLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Position of the smallest element."""

def argsort(x: _ArrayLike, axis: int = -1, descending: bool = False) -> Tensor:
    """Positions that put the values in order along one axis; stable, NaN last."""

def array(x: Any, dtype: Any = None) -> Tensor:
    """A tensor of x, as numpy.array; gradients flow through one that is a tensor already."""

def average_pool(
    x: _ArrayLike,
    pool_size: int | Sequence[int] = 2,
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    pads: int | Sequence[int] | None = None,
    data_format: str = "channels_last",
) -> Tensor:
    """Mean over windows of a sequence (rank 3) or of images (rank 4)."""

def batch_norm_inference(
    x: _ArrayLike,
    mean: _ArrayLike,
    var: _ArrayLike,
    gamma: _ArrayLike | None = None,
    beta: _ArrayLike | None = None,
    axis: int = -1,
    epsilon: float = 0.001,
) -> Tensor:
    """Batch normalisation with given statistics."""

def batch_norm_training(
    x: _ArrayLike,
    gamma: _ArrayLike | None = None,
    beta: _ArrayLike | None = None,
    axis: int = -1,
    epsilon: float = 0.001,
) -> tuple[Tensor, Tensor, Tensor]:
    """Batch normalisation with the statistics of this batch."""

def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 0.001,
) -> Tensor:
    """Batch normalisation with given statistics, Keras's name and order of batch_norm_inference."""

def binary_crossentropy(
    y_true: _ArrayLike,
    y_pred: _ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
) -> Tensor:
    """-(y log p + (1 - y) log(1 - p)), mean over the last axis."""

def binary_focal_crossentropy(
    y_true: _ArrayLike,
    y_pred: _ArrayLike,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
) -> Tensor:
    """(1 - p_t)^gamma times binary cross-entropy, mean over the last axis."""

def broadcast_to(x: _ArrayLike, shape: int | Sequence[int]) -> Tensor:
    """x repeated along axes of size 1 and along new leading axes."""

def cast(x: _ArrayLike, dtype: _DTypeLike) -> Tensor:
    """Converts to another dtype; always a new tensor."""

def categorical_crossentropy(
    y_true: _ArrayLike,
    y_pred: _ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-sum_c y_c log p_c along the class axis."""

def categorical_focal_crossentropy(
    y_true: _ArrayLike,
    y_pred: _ArrayLike,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-sum_c alpha (1 - p_c)^gamma y_c log p_c along the class axis."""

def ceil(x: _ArrayLike) -> Tensor:
    """Smallest whole number not below x."""

def clip(x: _ArrayLike, min: float = ..., max: float = ...) -> Tensor:
    """Limits each element to [min, max]."""

def concatenate(xs: Sequence[_ArrayLike], axis: int = 0) -> Tensor:
    """Tensors one after another along an existing axis."""

def conv(
    inputs: Any,
    kernel: Any,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Tensor:
    """Convolution over one or two axes, as keras.ops.conv: conv1d or conv2d by the rank of inputs."""

def conv1d(
    x: _ArrayLike,
    weight: _ArrayLike,
    bias: _ArrayLike | None = None,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    pads: int | Sequence[int] | None = None,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    data_format: str = "channels_last",
    activation: str = "linear",
) -> Tensor:
    """One-dimensional convolution (cross-correlation) over sequences."""

def conv2d(
    x: _ArrayLike,
    weight: _ArrayLike,
    bias: _ArrayLike | None = None,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    pads: int | Sequence[int] | None = None,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    data_format: str = "channels_last",
    activation: str = "linear",
    algorithm: str = "auto",
) -> Tensor:
    """Two-dimensional convolution (cross-correlation, the kernel is not flipped)."""

def conv2d_transpose(
    x: _ArrayLike,
    weight: _ArrayLike,
    bias: _ArrayLike | None = None,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    output_padding: int | Sequence[int] | None = None,
    dilation: int | Sequence[int] = 1,
    data_format: str = "channels_last",
    activation: str = "linear",
) -> Tensor:
    """Transposed convolution: the map that conv2d's gradient applies to its output gradient."""

def convert_to_numpy(x: Any) -> Any:
    """x as a NumPy array; a tensor's memory is shared."""

def copy(x: _ArrayLike) -> Tensor:
    """Contiguous copy of the values; gradients pass through."""

def cos(x: _ArrayLike) -> Tensor:
    """Cosine of an angle in radians."""

def cosh(x: _ArrayLike) -> Tensor:
    """Hyperbolic cosine."""

def count_nonzero(x: _ArrayLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """How many elements are not zero, over axes."""

def cumprod(x: _ArrayLike, axis: int | Sequence[int] | None = None, reverse: bool = False, exclusive: bool = False) -> Tensor:
    """Running product along an axis."""

def cumsum(x: _ArrayLike, axis: int | Sequence[int] | None = None, reverse: bool = False, exclusive: bool = False) -> Tensor:
    """Running sum along an axis."""

def dense(x: _ArrayLike, kernel: _ArrayLike, bias: _ArrayLike | None = None, activation: str = "linear") -> Tensor:
    """Fully connected layer: activation(x @ kernel + bias) in one pass."""

def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Tensor:
    """Convolution of every channel by itself over one or two axes, as keras.ops.depthwise_conv."""

def depthwise_conv2d(
    x: _ArrayLike,
    weight: _ArrayLike,
    bias: _ArrayLike | None = None,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    pads: int | Sequence[int] | None = None,
    dilation: int | Sequence[int] = 1,
    data_format: str = "channels_last",
    activation: str = "linear",
) -> Tensor:
    """Two-dimensional convolution of every channel by itself."""

def diag(x: _ArrayLike, k: int = 0) -> Tensor:
    """Diagonal of a matrix, or the matrix with a given diagonal."""

def divide(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """True quotient, element by element."""

def dot_product_attention(
    query: _ArrayLike,
    key: _ArrayLike,
    value: _ArrayLike,
    mask: _ArrayLike | None = None,
    bias: _ArrayLike | None = None,
    scale: float = 0.0,
    causal: bool = False,
) -> Tensor:
    """Scaled dot-product attention: softmax(scale Q K^T + bias) V for every head."""

def dropout(x: _ArrayLike, key: _ArrayLike, rate: float = 0.5, stream: int = 0, scale_at: str = "training") -> Tensor:
    """Sets elements to zero at random and scales the others."""

def einsum(equation: str, *operands: Any) -> Tensor:
    """Einstein summation; see help(nc.ops.einsum) of the core op for the letters allowed."""

def elu(x: _ArrayLike, alpha: float = 1.0) -> Tensor:
    """Exponential linear unit."""

def embedding(weights: _ArrayLike, indices: _ArrayLike) -> Tensor:
    """Rows of a table: y[..., :] = weights[indices[...], :]."""

def equal(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Where x1 equals x2."""

def erf(x: _ArrayLike) -> Tensor:
    """Gauss error function."""

def exp(x: _ArrayLike) -> Tensor:
    """Exponential function."""

def expand_dims(x: _ArrayLike, axis: int | Sequence[int]) -> Tensor:
    """New axes of size 1."""

def expm1(x: _ArrayLike) -> Tensor:
    """e^x - 1, exact for small x."""

def eye(N: int, M: int = -1, k: int = 0, dtype: _DTypeLike | None = None) -> Tensor:
    """Matrix with ones on one diagonal and zeros elsewhere."""

def flip(x: _ArrayLike, axis: int | Sequence[int] | None = None) -> Tensor:
    """Order of elements reversed along axes."""

def fliplr(x: Any) -> Tensor:
    """x with its second axis reversed: left and right change places."""

def flipud(x: Any) -> Tensor:
    """x with its first axis reversed: up and down change places."""

def floor(x: _ArrayLike) -> Tensor:
    """Largest whole number not above x."""

def floor_divide(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Quotient rounded down."""

def full(shape: int | Sequence[int], value: float, dtype: _DTypeLike | None = None) -> Tensor:
    """Tensor filled with one number."""

def full_like(x: _ArrayLike, value: float, dtype: _DTypeLike | None = None) -> Tensor:
    """Tensor with the shape of another, filled with one number."""

def gelu(x: _ArrayLike, approximate: bool = False) -> Tensor:
    """Gaussian error linear unit."""

def get_item(x: Any, key: Any) -> Tensor:
    """x[key]."""

def global_average_pool(x: _ArrayLike, keepdims: bool = False, data_format: str = "channels_last") -> Tensor:
    """Mean over all spatial positions of every channel."""

def global_max_pool(x: _ArrayLike, keepdims: bool = False, data_format: str = "channels_last") -> Tensor:
    """Maximum over all spatial positions of every channel."""

def greater(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Where x1 is greater than x2."""

def greater_equal(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Where x1 is at least x2."""

def group_norm(
    x: _ArrayLike,
    gamma: _ArrayLike | None = None,
    beta: _ArrayLike | None = None,
    groups: int = 32,
    axis: int = -1,
    epsilon: float = 0.001,
) -> Tensor:
    """Group normalisation: channels are cut into groups, each normalised per sample."""

def gru(
    x: _ArrayLike,
    kernel: _ArrayLike,
    recurrent_kernel: _ArrayLike,
    bias: _ArrayLike | None = None,
    initial_h: _ArrayLike | None = None,
    mask: _ArrayLike | None = None,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    go_backwards: bool = False,
    reset_after: bool = True,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gated recurrent unit over a whole sequence."""

def hard_sigmoid(x: _ArrayLike) -> Tensor:
    """Piecewise linear sigmoid."""

def huber(y_true: _ArrayLike, y_pred: _ArrayLike, delta: float = 1.0) -> Tensor:
    """Huber loss: quadratic near 0, linear beyond delta; mean over the last axis."""

def identity(x: _ArrayLike) -> Tensor:
    """The tensor itself, as a view; the linear activation."""

def is_tensor(x: Any) -> bool:
    """True for a tensor of nacre, a symbolic one too."""

def isfinite(x: _ArrayLike) -> Tensor:
    """Which elements are finite: neither infinite nor NaN."""

def isinf(x: _ArrayLike) -> Tensor:
    """Which elements are infinite."""

def isnan(x: _ArrayLike) -> Tensor:
    """Which elements are NaN (not a number)."""

def kl_divergence(y_true: _ArrayLike, y_pred: _ArrayLike) -> Tensor:
    """Kullback-Leibler divergence sum t log(t / p) over the last axis."""

def layer_norm(
    x: _ArrayLike,
    gamma: _ArrayLike | None = None,
    beta: _ArrayLike | None = None,
    axis: int | Sequence[int] = -1,
    epsilon: float = 0.001,
) -> Tensor:
    """Layer normalisation over the last axis or several trailing axes."""

def layer_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: int | Sequence[int] = -1,
    epsilon: float = 0.001,
) -> Tensor:
    """Layer normalisation: Keras's name of layer_norm."""

def leaky_relu(x: _ArrayLike, negative_slope: float = 0.01) -> Tensor:
    """Leaky rectified linear unit: a small slope where relu is flat."""

def less(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Where x1 is less than x2."""

def less_equal(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Where x1 is at most x2."""

def linspace(start: float, stop: float, num: int = 50, endpoint: bool = True, dtype: _DTypeLike | None = None) -> Tensor:
    """`num` evenly spaced numbers from start to stop."""

def log(x: _ArrayLike) -> Tensor:
    """Natural logarithm."""

def log10(x: _ArrayLike) -> Tensor:
    """Logarithm to base 10."""

def log1p(x: _ArrayLike) -> Tensor:
    """Logarithm of 1 + x, exact for small x."""

def log2(x: _ArrayLike) -> Tensor:
    """Logarithm to base 2."""

def log_cosh(y_true: _ArrayLike, y_pred: _ArrayLike) -> Tensor:
    """mean(log(cosh(y_pred - y_true))) over the last axis, without overflow."""

def log_softmax(x: _ArrayLike, axis: int = -1) -> Tensor:
    """Logarithm of softmax, from the logits in one stable step."""

def logical_and(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Logical and."""

def logical_not(x: _ArrayLike) -> Tensor:
    """Logical not: True where x is zero."""

def logical_or(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Logical or."""

def logical_xor(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Logical exclusive or."""

def logsumexp(x: _ArrayLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Logarithm of a sum of exponentials, stable."""

def lstm(
    x: _ArrayLike,
    kernel: _ArrayLike,
    recurrent_kernel: _ArrayLike,
    bias: _ArrayLike | None = None,
    initial_h: _ArrayLike | None = None,
    initial_c: _ArrayLike | None = None,
    mask: _ArrayLike | None = None,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    go_backwards: bool = False,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Long short-term memory over a whole sequence."""

def matmul(x1: _ArrayLike, x2: _ArrayLike, transpose_a: bool = False, transpose_b: bool = False) -> Tensor:
    """Matrix product, batched."""

def max(x: _ArrayLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Largest element over axes."""

def max_pool(
    x: _ArrayLike,
    pool_size: int | Sequence[int] = 2,
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    pads: int | Sequence[int] | None = None,
    data_format: str = "channels_last",
) -> Tensor:
    """Maximum over windows of a sequence (rank 3) or of images (rank 4)."""

def maximum(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Larger of two, element by element."""

def mean(x: _ArrayLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Arithmetic mean over axes."""

def mean_absolute_error(y_true: _ArrayLike, y_pred: _ArrayLike) -> Tensor:
    """mean(|y_true - y_pred|) over the last axis. The gradient at 0 is 0."""

def mean_squared_error(y_true: _ArrayLike, y_pred: _ArrayLike) -> Tensor:
    """mean((y_true - y_pred)^2) over the last axis."""

def min(x: _ArrayLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Smallest element over axes."""

def minimum(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Smaller of two, element by element."""

def mish(x: _ArrayLike) -> Tensor:
    """Smooth self-gated activation."""

def mod(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Remainder of floor_divide; it has the sign of x2."""

def moveaxis(x: _ArrayLike, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Some axes moved to new positions, the others keep their order."""

def multiply(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Product, element by element."""

def ndim(x: Any) -> int:
    """Number of axes of x."""

def negative(x: _ArrayLike) -> Tensor:
    """Negative of each element."""

def nll_loss(y_true: _ArrayLike, y_pred: _ArrayLike) -> Tensor:
    """Negative log-likelihood: -y_pred[y] along the last axis."""

def nonzero(x: Any) -> tuple[Tensor, ...]:
    """Positions of the elements that are not zero, in row-major order: x[nonzero(x)] are these elements. NaN counts as not zero."""

def norm(x: _ArrayLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Euclidean norm over axes."""

def not_equal(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Where x1 differs from x2."""

def one_hot(x: _ArrayLike, num_classes: int, axis: int = -1, dtype: _DTypeLike | None = None) -> Tensor:
    """1 at the class of each label, 0 elsewhere."""

def ones(shape: int | Sequence[int], dtype: _DTypeLike | None = None) -> Tensor:
    """Tensor of ones."""

def ones_like(x: _ArrayLike, dtype: _DTypeLike | None = None) -> Tensor:
    """Ones with the shape of another tensor."""

def pad(
    x: _ArrayLike,
    pad_width: int | Sequence[int] | Sequence[Sequence[int]],
    mode: str = "constant",
    constant_values: float = 0.0,
) -> Tensor:
    """Border added around a tensor."""

def power(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """x1 to the power x2."""

def prelu(x: _ArrayLike, alpha: _ArrayLike) -> Tensor:
    """Leaky rectified linear unit with a learned slope."""

def prod(x: _ArrayLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Product over axes."""

def random_bernoulli(key: _ArrayLike, shape: int | Sequence[int], p: float = 0.5, dtype: _DTypeLike | None = None) -> Tensor:
    """1 with probability p, else 0."""

def random_normal(
    key: _ArrayLike,
    shape: int | Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: _DTypeLike | None = None,
) -> Tensor:
    """Normally distributed numbers."""

def random_permutation(key: _ArrayLike, n: int) -> Tensor:
    """The numbers 0 .. n-1 in random order."""

def random_randint(
    key: _ArrayLike,
    shape: int | Sequence[int],
    minval: int,
    maxval: int,
    dtype: _DTypeLike = "int32",
) -> Tensor:
    """Integers evenly distributed over [minval, maxval)."""

def random_truncated_normal(
    key: _ArrayLike,
    shape: int | Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: _DTypeLike | None = None,
) -> Tensor:
    """Normally distributed numbers within two standard deviations of the mean."""

def random_uniform(
    key: _ArrayLike,
    shape: int | Sequence[int],
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: _DTypeLike | None = None,
) -> Tensor:
    """Numbers evenly distributed over [minval, maxval)."""

def ravel(x: _ArrayLike) -> Tensor:
    """All values in row-major order as one axis."""

def reciprocal(x: _ArrayLike) -> Tensor:
    """Reciprocal."""

def reduce_loss(values: _ArrayLike, sample_weight: _ArrayLike | None = None, reduction: str = "sum_over_batch_size") -> Tensor:
    """Brings per-sample losses to one number: every loss's `reduction` in one place."""

def relu(x: _ArrayLike) -> Tensor:
    """Rectified linear unit."""

def relu6(x: _ArrayLike) -> Tensor:
    """Rectified linear unit cut at 6."""

def repeat(x: _ArrayLike, repeats: int, axis: int | Sequence[int] | None = None) -> Tensor:
    """Each element repeated: [a, b] twice gives [a, a, b, b]."""

def reshape(x: _ArrayLike, newshape: int | Sequence[int]) -> Tensor:
    """Same values in row-major order, another shape."""

def rms_norm(x: _ArrayLike, gamma: _ArrayLike | None = None, axis: int | Sequence[int] = -1, epsilon: float = 1e-06) -> Tensor:
    """Root-mean-square normalisation over the last axis or several trailing axes."""

def rms_normalization(x: Any, scale: Any = None, axis: int | Sequence[int] = -1, epsilon: float = 1e-06) -> Tensor:
    """Root-mean-square normalisation: Keras's name of rms_norm."""

def roll(x: _ArrayLike, shift: int | Sequence[int], axis: int | Sequence[int] | None = None) -> Tensor:
    """Elements moved along axes; what leaves at the end enters at the beginning."""

def round(x: _ArrayLike) -> Tensor:
    """Nearest whole number, halves to the even one."""

def rsqrt(x: _ArrayLike) -> Tensor:
    """Reciprocal square root."""

def scatter(indices: _ArrayLike, values: _ArrayLike, shape: int | Sequence[int]) -> Tensor:
    """Zeros of `shape` with values added at index vectors; repeated positions add up."""

def scatter_add(x: _ArrayLike, indices: _ArrayLike, updates: _ArrayLike) -> Tensor:
    """Copy of x with updates added to slices along axis 0: y[indices[k]] += updates[k]."""

def scatter_update(x: _ArrayLike, indices: _ArrayLike, updates: _ArrayLike) -> Tensor:
    """Copy of x with slices replaced at index vectors."""

def searchsorted(sorted_sequence: _ArrayLike, values: _ArrayLike, side: str = "left") -> Tensor:
    """Where values would have to be inserted to keep a sequence sorted."""

def selu(x: _ArrayLike) -> Tensor:
    """Scaled exponential linear unit, whose activations keep mean 0 and variance 1."""

def shape(x: Any) -> tuple[int, ...]:
    """Sizes of the axes of x."""

def sigmoid(x: _ArrayLike) -> Tensor:
    """Logistic sigmoid, an activation with values in (0, 1)."""

def sign(x: _ArrayLike) -> Tensor:
    """Sign: -1, 0 or 1."""

def silu(x: _ArrayLike, beta: float = 1.0) -> Tensor:
    """Sigmoid linear unit, also called swish."""

def simple_rnn(
    x: _ArrayLike,
    kernel: _ArrayLike,
    recurrent_kernel: _ArrayLike,
    bias: _ArrayLike | None = None,
    initial_h: _ArrayLike | None = None,
    mask: _ArrayLike | None = None,
    activation: str = "tanh",
    go_backwards: bool = False,
) -> tuple[Tensor, Tensor]:
    """Simple recurrent network over a whole sequence."""

def sin(x: _ArrayLike) -> Tensor:
    """Sine of an angle in radians."""

def sinh(x: _ArrayLike) -> Tensor:
    """Hyperbolic sine."""

def size(x: Any) -> int:
    """Number of elements of x."""

def slice(x: _ArrayLike, start_indices: int | Sequence[int], shape: int | Sequence[int]) -> Tensor:
    """Block of a tensor: y[i, j, ...] = x[start[0] + i, start[1] + j, ...]."""

def softmax(x: _ArrayLike, axis: int = -1) -> Tensor:
    """Softmax: positive numbers along one axis that sum to 1."""

def softplus(x: _ArrayLike) -> Tensor:
    """Smooth form of relu."""

def softsign(x: _ArrayLike) -> Tensor:
    """S-shaped activation with values in (-1, 1) that saturates slowly."""

def sort(x: _ArrayLike, axis: int = -1, descending: bool = False) -> Tensor:
    """Values in order along one axis. NaN comes last, either way; the sort is stable."""

def sparse_categorical_crossentropy(
    y_true: _ArrayLike,
    y_pred: _ArrayLike,
    from_logits: bool = False,
    axis: int = -1,
) -> Tensor:
    """-log p[y] along the class axis, y an integer class."""

def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Cuts x along an axis, as numpy.split."""

def sqrt(x: _ArrayLike) -> Tensor:
    """Square root."""

def square(x: _ArrayLike) -> Tensor:
    """Square of each element."""

def squared_difference(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Square of the difference."""

def squeeze(x: _ArrayLike, axis: int | Sequence[int] | None = None) -> Tensor:
    """Axes of size 1 removed."""

def stack(xs: Sequence[_ArrayLike], axis: int = 0) -> Tensor:
    """Tensors of one shape side by side along a new axis."""

def std(x: _ArrayLike, axis: int | Sequence[int] | None = None, keepdims: bool = False, correction: float = 0.0) -> Tensor:
    """Standard deviation over axes."""

def stop_gradient(x: _ArrayLike) -> Tensor:
    """The same values; no gradient flows back through the result."""

def subtract(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Difference, element by element."""

def sum(x: _ArrayLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Sum over axes."""

def swapaxes(x: _ArrayLike, axis1: int, axis2: int) -> Tensor:
    """Two axes exchanged."""

def swish(x: _ArrayLike, beta: float = 1.0) -> Tensor:
    """Sigmoid linear unit, also called swish."""

def take(x: _ArrayLike, indices: _ArrayLike, axis: int | Sequence[int] | None = None) -> Tensor:
    """Slices of x at the given positions of one axis."""

def take_along_axis(x: _ArrayLike, indices: _ArrayLike, axis: int = -1) -> Tensor:
    """One value per index: y[o, k, i] = x[o, indices[o, k, i], i]."""

def tan(x: _ArrayLike) -> Tensor:
    """Tangent of an angle in radians."""

def tanh(x: _ArrayLike) -> Tensor:
    """Hyperbolic tangent, the S-shaped activation with values in (-1, 1)."""

def tile(x: _ArrayLike, repeats: int | Sequence[int]) -> Tensor:
    """The whole tensor repeated along its axes."""

def top_k(x: _ArrayLike, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """The k largest values of every row (last axis), largest first, and where they stand."""

def transpose(x: _ArrayLike, axes: int | Sequence[int] | None = None) -> Tensor:
    """Axes in another order: y[i_axes[0], i_axes[1], ...] = x[i_0, i_1, ...]."""

def tril(x: _ArrayLike, k: int = 0) -> Tensor:
    """Lower triangle of matrices: elements above diagonal k become 0."""

def triu(x: _ArrayLike, k: int = 0) -> Tensor:
    """Upper triangle of matrices: elements below diagonal k become 0."""

def true_divide(x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """True quotient, element by element."""

def trunc(x: _ArrayLike) -> Tensor:
    """Whole part: x rounded towards zero."""

def unstack(x: _ArrayLike, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices of a tensor along one axis, without that axis."""

def var(x: _ArrayLike, axis: int | Sequence[int] | None = None, keepdims: bool = False, correction: float = 0.0) -> Tensor:
    """Variance over axes."""

def where(condition: _ArrayLike, x1: _ArrayLike, x2: _ArrayLike) -> Tensor:
    """Elements of x1 where the condition is true, of x2 elsewhere."""

def zeros(shape: int | Sequence[int], dtype: _DTypeLike | None = None) -> Tensor:
    """Tensor of zeros."""

def zeros_like(x: _ArrayLike, dtype: _DTypeLike | None = None) -> Tensor:
    """Zeros with the shape of another tensor."""
