# Written by tools/make_stubs.py. Do not edit: change the op, the class or tools/core.pyi.in, and run it again.
import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypedDict, final, overload

from numpy.typing import NDArray
from typing_extensions import Buffer, Self

class _SupportsArray(Protocol):
    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...

class _SupportsDLPack(Protocol):
    def __dlpack__(self, *args: Any, **kwargs: Any) -> Any: ...

class _Named(Protocol):
    @property
    def name(self) -> str: ...

# What every op takes in place of a tensor, and what names a dtype: "float32", float, numpy.float32, an array's dtype.
_ArrayLike: TypeAlias = Tensor | SymbolicTensor | _SupportsArray | _SupportsDLPack | Buffer | float | Sequence[_ArrayLike]
_DTypeLike: TypeAlias = str | type[Any] | _Named
_InitializerLike: TypeAlias = Initializer | type[Initializer] | str | Mapping[str, Any]

class _Described(TypedDict):
    class_name: str
    doc: str

__version__: str

class DTypeError(builtins.TypeError):
    """A dtype is not allowed here."""

class FormatError(builtins.ValueError):
    """A file or text is damaged or not of the format."""

class IndexError(builtins.IndexError):
    """An index or label is out of range."""

class IoError(builtins.OSError):
    """The operating system refused a file operation."""

class OutOfMemoryError(builtins.MemoryError):
    """Memory could not be had."""

class ShapeError(builtins.ValueError):
    """Shapes do not fit each other or the operation."""

class StateError(builtins.RuntimeError):
    """A right call at the wrong moment: not built, graph freed."""

@final
class Tensor:
    """An array of numbers with automatic differentiation."""

    __array_priority__: int
    __array_ufunc__: None

    def __new__(cls, data: _ArrayLike, dtype: _DTypeLike | None = None, requires_grad: bool = False) -> Self: ...
    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes, a tuple."""
    @property
    def dtype(self) -> str:
        """Name of the element type, e.g. 'float32'."""
    @property
    def ndim(self) -> int:
        """Number of axes."""
    @property
    def size(self) -> int:
        """Number of elements."""
    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
    @property
    def device(self) -> str:
        """Where the memory lives: 'cpu'."""
    @property
    def is_leaf(self) -> bool:
        """True unless this is the recorded result of an op."""
    @property
    def requires_grad(self) -> bool:
        """Record ops on this tensor for backward(); settable on leaves."""
    @requires_grad.setter
    def requires_grad(self, value: bool) -> None: ...
    @property
    def grad(self) -> Tensor | None:
        """Gradient accumulated by backward(), or None."""
    @grad.setter
    def grad(self, value: _ArrayLike | None) -> None: ...
    @property
    def T(self) -> Tensor:
        """The tensor with its axes reversed."""

    def numpy(self) -> NDArray[Any]:
        """The values as a NumPy array that shares the memory (read-only while requires_grad)."""
    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
    def item(self) -> Any:
        """The only element as a Python number; ShapeError when there are more."""
    def detach(self) -> Tensor:
        """The same memory without history."""
    def clone(self) -> Tensor:
        """A contiguous copy without history."""
    def assign(self, value: _ArrayLike, /) -> Self:
        """Writes value (same shape) into this tensor's memory; not recorded. Returns self."""
    def backward(self, gradient: _ArrayLike | None = None, retain_graph: bool = False, create_graph: bool = False) -> None:
        """Adds d(sum(gradient * self))/dx to x.grad for every leaf x that requires a gradient."""
    def astype(self, dtype: _DTypeLike, /) -> Tensor:
        """The values cast to dtype; recorded."""
    def abs(self) -> Tensor:
        """Absolute value."""
    def all(self, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
        """Whether all elements are true, over axes."""
    def any(self, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
        """Whether any element is true, over axes."""
    def argmax(self, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
        """Position of the largest element."""
    def argmin(self, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
        """Position of the smallest element."""
    def argsort(self, axis: int = -1, descending: bool = False) -> Tensor:
        """Positions that put the values in order along one axis; stable, NaN last."""
    def clip(self, min: float = ..., max: float = ...) -> Tensor:
        """Limits each element to [min, max]."""
    def cos(self) -> Tensor:
        """Cosine of an angle in radians."""
    def cumsum(self, axis: int | Sequence[int] | None = None, reverse: bool = False, exclusive: bool = False) -> Tensor:
        """Running sum along an axis."""
    def exp(self) -> Tensor:
        """Exponential function."""
    def expand_dims(self, axis: int | Sequence[int]) -> Tensor:
        """New axes of size 1."""
    def flip(self, axis: int | Sequence[int] | None = None) -> Tensor:
        """Order of elements reversed along axes."""
    def log(self) -> Tensor:
        """Natural logarithm."""
    def matmul(self, x2: _ArrayLike, transpose_a: bool = False, transpose_b: bool = False) -> Tensor:
        """Matrix product, batched."""
    def max(self, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
        """Largest element over axes."""
    def mean(self, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
        """Arithmetic mean over axes."""
    def min(self, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
        """Smallest element over axes."""
    def pad(
        self,
        pad_width: int | Sequence[int] | Sequence[Sequence[int]],
        mode: str = "constant",
        constant_values: float = 0.0,
    ) -> Tensor:
        """Border added around a tensor."""
    def prod(self, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
        """Product over axes."""
    def relu(self) -> Tensor:
        """Rectified linear unit."""
    def repeat(self, repeats: int, axis: int | Sequence[int] | None = None) -> Tensor:
        """Each element repeated: [a, b] twice gives [a, a, b, b]."""
    def reshape(self, newshape: int | Sequence[int]) -> Tensor:
        """Same values in row-major order, another shape."""
    def round(self) -> Tensor:
        """Nearest whole number, halves to the even one."""
    def sigmoid(self) -> Tensor:
        """Logistic sigmoid, an activation with values in (0, 1)."""
    def sin(self) -> Tensor:
        """Sine of an angle in radians."""
    def softmax(self, axis: int = -1) -> Tensor:
        """Softmax: positive numbers along one axis that sum to 1."""
    def sort(self, axis: int = -1, descending: bool = False) -> Tensor:
        """Values in order along one axis. NaN comes last, either way; the sort is stable."""
    def sqrt(self) -> Tensor:
        """Square root."""
    def square(self) -> Tensor:
        """Square of each element."""
    def squeeze(self, axis: int | Sequence[int] | None = None) -> Tensor:
        """Axes of size 1 removed."""
    def std(self, axis: int | Sequence[int] | None = None, keepdims: bool = False, correction: float = 0.0) -> Tensor:
        """Standard deviation over axes."""
    def sum(self, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
        """Sum over axes."""
    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """Two axes exchanged."""
    def take(self, indices: _ArrayLike, axis: int | Sequence[int] | None = None) -> Tensor:
        """Slices of x at the given positions of one axis."""
    def tanh(self) -> Tensor:
        """Hyperbolic tangent, the S-shaped activation with values in (-1, 1)."""
    def tile(self, repeats: int | Sequence[int]) -> Tensor:
        """The whole tensor repeated along its axes."""
    def transpose(self, axes: int | Sequence[int] | None = None) -> Tensor:
        """Axes in another order: y[i_axes[0], i_axes[1], ...] = x[i_0, i_1, ...]."""
    def var(self, axis: int | Sequence[int] | None = None, keepdims: bool = False, correction: float = 0.0) -> Tensor:
        """Variance over axes."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]: ...
    def __dlpack__(
        self, *, stream: Any = None, max_version: tuple[int, int] | None = None, dl_device: tuple[int, int] | None = None, copy: bool | None = None
    ) -> Any: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...
    def __format__(self, spec: str, /) -> str: ...
    def __copy__(self) -> Tensor: ...
    def __deepcopy__(self, memo: Any, /) -> Tensor: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Tensor]: ...
    def __getitem__(self, key: Any, /) -> Tensor: ...
    def __setitem__(self, key: Any, value: _ArrayLike, /) -> None: ...
    def __bool__(self) -> bool: ...
    def __int__(self) -> int: ...
    def __float__(self) -> float: ...
    def __index__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __eq__(self, value: _ArrayLike, /) -> Tensor: ...  # type: ignore[override]
    def __ne__(self, value: _ArrayLike, /) -> Tensor: ...  # type: ignore[override]
    def __lt__(self, value: _ArrayLike, /) -> Tensor: ...
    def __le__(self, value: _ArrayLike, /) -> Tensor: ...
    def __gt__(self, value: _ArrayLike, /) -> Tensor: ...
    def __ge__(self, value: _ArrayLike, /) -> Tensor: ...
    def __pos__(self) -> Tensor: ...
    def __neg__(self) -> Tensor: ...
    def __abs__(self) -> Tensor: ...
    def __invert__(self) -> Tensor: ...
    def __add__(self, value: _ArrayLike, /) -> Tensor: ...
    def __radd__(self, value: _ArrayLike, /) -> Tensor: ...
    def __iadd__(self, value: _ArrayLike, /) -> Self: ...
    def __sub__(self, value: _ArrayLike, /) -> Tensor: ...
    def __rsub__(self, value: _ArrayLike, /) -> Tensor: ...
    def __isub__(self, value: _ArrayLike, /) -> Self: ...
    def __mul__(self, value: _ArrayLike, /) -> Tensor: ...
    def __rmul__(self, value: _ArrayLike, /) -> Tensor: ...
    def __imul__(self, value: _ArrayLike, /) -> Self: ...
    def __truediv__(self, value: _ArrayLike, /) -> Tensor: ...
    def __rtruediv__(self, value: _ArrayLike, /) -> Tensor: ...
    def __itruediv__(self, value: _ArrayLike, /) -> Self: ...
    def __floordiv__(self, value: _ArrayLike, /) -> Tensor: ...
    def __rfloordiv__(self, value: _ArrayLike, /) -> Tensor: ...
    def __ifloordiv__(self, value: _ArrayLike, /) -> Self: ...
    def __mod__(self, value: _ArrayLike, /) -> Tensor: ...
    def __rmod__(self, value: _ArrayLike, /) -> Tensor: ...
    def __imod__(self, value: _ArrayLike, /) -> Self: ...
    def __pow__(self, value: _ArrayLike, mod: None = None, /) -> Tensor: ...
    def __rpow__(self, value: _ArrayLike, mod: None = None, /) -> Tensor: ...
    def __ipow__(self, value: _ArrayLike, /) -> Self: ...  # type: ignore[misc]
    def __matmul__(self, value: _ArrayLike, /) -> Tensor: ...
    def __rmatmul__(self, value: _ArrayLike, /) -> Tensor: ...
    def __and__(self, value: _ArrayLike, /) -> Tensor: ...
    def __rand__(self, value: _ArrayLike, /) -> Tensor: ...
    def __iand__(self, value: _ArrayLike, /) -> Self: ...
    def __or__(self, value: _ArrayLike, /) -> Tensor: ...
    def __ror__(self, value: _ArrayLike, /) -> Tensor: ...
    def __ior__(self, value: _ArrayLike, /) -> Self: ...
    def __xor__(self, value: _ArrayLike, /) -> Tensor: ...
    def __rxor__(self, value: _ArrayLike, /) -> Tensor: ...
    def __ixor__(self, value: _ArrayLike, /) -> Self: ...

class Variable:
    """A named weight: name, value (a tensor), trainable."""

    @property
    def name(self) -> str: ...
    @property
    def value(self) -> Tensor: ...
    @property
    def trainable(self) -> bool: ...

class Initializer:
    """Base of the initializers."""

    def __init__(self, class_name: str, /, *args: Any, **kwargs: Any) -> None: ...
    def __call__(self, shape: int | Sequence[int], dtype: _DTypeLike | None = None) -> Tensor:
        """A new tensor of this shape; dtype None is floatx()."""
    @property
    def class_name(self) -> str: ...
    def get_config(self) -> dict[str, Any]: ...

class SymbolicTensor:
    """A tensor that a model will have: its shape and dtype without values."""

    __array_ufunc__: None
    @property
    def shape(self) -> tuple[int | None, ...]: ...
    @property
    def dtype(self) -> str: ...
    @property
    def ndim(self) -> int: ...
    @property
    def name(self) -> str: ...
    def astype(self, dtype: _DTypeLike) -> SymbolicTensor: ...
    def __getattr__(self, name: str, /) -> Any: ...
    def __getitem__(self, key: Any, /) -> SymbolicTensor: ...
    def __len__(self) -> int: ...
    def __neg__(self) -> SymbolicTensor: ...
    def __abs__(self) -> SymbolicTensor: ...
    def __bool__(self) -> bool:
        """TypeError: it has no values. So do float, int, iter and NumPy."""
    def __float__(self) -> float: ...
    def __int__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __add__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __radd__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __sub__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __rsub__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __mul__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __rmul__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __truediv__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __rtruediv__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __floordiv__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __rfloordiv__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __mod__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __rmod__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __pow__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __rpow__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __matmul__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __rmatmul__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __lt__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __le__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __gt__(self, other: _ArrayLike, /) -> SymbolicTensor: ...
    def __ge__(self, other: _ArrayLike, /) -> SymbolicTensor: ...

class Layer:
    """Base of the layers: weights and a function of tensors."""

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, x: SymbolicTensor | Sequence[SymbolicTensor], training: bool | None = None
    ) -> SymbolicTensor:
        """The layer's function; builds the layer first when needed. Recorded for gradients."""
    @overload
    def __call__(self, x: _ArrayLike, training: bool | None = None) -> Tensor: ...
    def __getattr__(self, name: str, /) -> Any: ...
    @property
    def input(self) -> Any:
        """The symbolic tensors that the layer was called on, where it was called once; StateError else."""
    @property
    def output(self) -> Any:
        """The symbolic tensors that the layer gave, where it was called once; StateError else."""
    def build(self, input_shape: Sequence[Any]) -> None:
        """Makes the weights for inputs of this shape, which begins with the batch: (None, 784)."""
    def compute_output_shape(self, input_shape: Sequence[Any]) -> Any:
        """Shape of the result; None: not known before the call."""
    def count_params(self) -> int:
        """Number of values in all weights."""
    def get_config(self) -> dict[str, Any]:
        """The options as a dict; from_config makes an equal layer."""
    @classmethod
    def from_config(cls, config: dict[str, Any], /) -> Self:
        """An equal, unbuilt layer from get_config()."""
    def get_weights(self) -> list[NDArray[Any]]:
        """Copies of all weights as NumPy arrays."""
    def set_weights(self, weights: Sequence[_ArrayLike]) -> None:
        """Copies arrays into the weights, in the order of `weights`."""
    @property
    def class_name(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def built(self) -> bool: ...
    @property
    def input_shape(self) -> Any: ...
    @property
    def trainable(self) -> bool:
        """False freezes the weights; BatchNormalization then runs as in inference."""
    @trainable.setter
    def trainable(self, arg1: bool, /) -> None: ...
    @property
    def weights(self) -> list[Tensor]:
        """All weights: tensors, in Keras's order."""
    @property
    def trainable_weights(self) -> list[Tensor]: ...
    @property
    def non_trainable_weights(self) -> list[Tensor]: ...
    @property
    def variables(self) -> list[Variable]:
        """The weights with their full names."""

class PythonLayer(Layer):
    """The C++ half of nacre.layers.Layer."""

    @property
    def built(self) -> bool: ...
    @built.setter
    def built(self, arg1: bool, /) -> None: ...
    def __init__(self, class_name: str, name: str | None, dtype: str | None, trainable: bool) -> None: ...
    def _own_config(self) -> dict[str, Any]: ...
    def _own_names(self) -> list[str]: ...
    def _new_weight(self, arg0: str, arg1: Tensor, arg2: bool, /) -> Tensor: ...
    def _mark_built(self, shapes: Any, /) -> None: ...

class CallScope:
    """The call of a Python layer: layers that it calls take its mode."""

    def __init__(self, training: bool | None = None) -> None: ...
    def __enter__(self) -> bool: ...
    def __exit__(self, *args: object) -> None: ...

class InputLayer(Layer):
    """Says the shape of a model's input, so that its weights exist before the first call. With dtype it casts the input."""

    def __init__(
        self,
        shape: Sequence[int | None],
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class Dense(Layer):
    """Fully connected layer: y = activation(x W + b)."""

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., Tensor] | None = None,
        use_bias: bool = True,
        kernel_initializer: _InitializerLike = "glorot_uniform",
        bias_initializer: _InitializerLike = "zeros",
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class Conv1D(Layer):
    """Convolution over sequences [N, T, C], or [N, C, T] with channels_first."""

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str | int | Sequence[int] | Sequence[Sequence[int]] = "valid",
        data_format: str = "channels_last",
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation: str | Callable[..., Tensor] | None = None,
        use_bias: bool = True,
        kernel_initializer: _InitializerLike = "glorot_uniform",
        bias_initializer: _InitializerLike = "zeros",
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class Conv2D(Layer):
    """Convolution over images [N, H, W, C], or [N, C, H, W] with channels_first."""

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str | int | Sequence[int] | Sequence[Sequence[int]] = "valid",
        data_format: str = "channels_last",
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation: str | Callable[..., Tensor] | None = None,
        use_bias: bool = True,
        kernel_initializer: _InitializerLike = "glorot_uniform",
        bias_initializer: _InitializerLike = "zeros",
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class DepthwiseConv2D(Layer):
    """Convolution of every channel of an image by itself."""

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str | int | Sequence[int] | Sequence[Sequence[int]] = "valid",
        depth_multiplier: int = 1,
        data_format: str = "channels_last",
        dilation_rate: int | Sequence[int] = 1,
        activation: str | Callable[..., Tensor] | None = None,
        use_bias: bool = True,
        depthwise_initializer: _InitializerLike = "glorot_uniform",
        bias_initializer: _InitializerLike = "zeros",
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class Conv2DTranspose(Layer):
    """Transposed convolution over images, which enlarges them."""

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        output_padding: int | Sequence[int] | None = None,
        data_format: str = "channels_last",
        dilation_rate: int | Sequence[int] = 1,
        activation: str | Callable[..., Tensor] | None = None,
        use_bias: bool = True,
        kernel_initializer: _InitializerLike = "glorot_uniform",
        bias_initializer: _InitializerLike = "zeros",
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class MaxPooling1D(Layer):
    """Maximum over windows of a sequence [N, T, C]. Padding never wins; on ties the first element takes the gradient."""

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str | int | Sequence[int] | Sequence[Sequence[int]] = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class MaxPooling2D(Layer):
    """Maximum over windows of an image [N, H, W, C]. Padding never wins; on ties the first element takes the gradient."""

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str | int | Sequence[int] | Sequence[Sequence[int]] = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class AveragePooling1D(Layer):
    """Mean over windows of a sequence [N, T, C]. Padding is not counted."""

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str | int | Sequence[int] | Sequence[Sequence[int]] = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class AveragePooling2D(Layer):
    """Mean over windows of an image [N, H, W, C]. Padding is not counted."""

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str | int | Sequence[int] | Sequence[Sequence[int]] = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class GlobalMaxPooling1D(Layer):
    """Maximum of every channel of a sequence: [N, T, C] gives [N, C]."""

    def __init__(
        self,
        data_format: str = "channels_last",
        keepdims: bool = False,
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class GlobalMaxPooling2D(Layer):
    """Maximum of every channel of an image: [N, H, W, C] gives [N, C]."""

    def __init__(
        self,
        data_format: str = "channels_last",
        keepdims: bool = False,
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class GlobalAveragePooling1D(Layer):
    """Mean of every channel of a sequence: [N, T, C] gives [N, C]."""

    def __init__(
        self,
        data_format: str = "channels_last",
        keepdims: bool = False,
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class GlobalAveragePooling2D(Layer):
    """Mean of every channel of an image: [N, H, W, C] gives [N, C]."""

    def __init__(
        self,
        data_format: str = "channels_last",
        keepdims: bool = False,
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class Flatten(Layer):
    """All axes but the batch as one: [N, a, b] gives [N, a b], and [N] gives [N, 1]."""

    def __init__(
        self,
        data_format: str = "channels_last",
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class Reshape(Layer):
    """Same values in row-major order, another shape behind the batch."""

    def __init__(
        self,
        target_shape: int | Sequence[int],
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class Permute(Layer):
    """Axes behind the batch in another order: Permute((2, 1)) transposes matrices."""

    def __init__(
        self,
        dims: int | Sequence[int],
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class ZeroPadding2D(Layer):
    """A border of zeros around images."""

    def __init__(
        self,
        padding: int | Sequence[int] | Sequence[Sequence[int]] = 1,
        data_format: str = "channels_last",
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class UpSampling2D(Layer):
    """Images enlarged by whole factors."""

    def __init__(
        self,
        size: int | Sequence[int] = 2,
        data_format: str = "channels_last",
        interpolation: str = "nearest",
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class Rescaling(Layer):
    """x scale + offset; Rescaling(1 / 255) takes bytes to 0 ... 1."""

    def __init__(
        self,
        scale: float,
        offset: float = 0.0,
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class Dropout(Layer):
    """Sets elements to zero at random while training, against overfitting."""

    def __init__(
        self,
        rate: float,
        seed: int | None = None,
        scale_at: str = "training",
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class Activation(Layer):
    """Applies an activation given by name, such as 'relu', 'gelu' or 'softmax'."""

    def __init__(
        self,
        activation: str | Callable[..., Tensor],
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class ReLU(Layer):
    """x where x > threshold, else negative_slope (x - threshold), and at most max_value. The gradient at 0 is 0."""

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class LeakyReLU(Layer):
    """x where x > 0, else negative_slope x."""

    def __init__(
        self,
        negative_slope: float = 0.01,
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class PReLU(Layer):
    """x where x > 0, else alpha x with learned slopes alpha, one per position behind the batch. He et al. 2015."""

    def __init__(
        self,
        alpha_initializer: _InitializerLike = "zeros",
        shared_axes: int | Sequence[int] | None = None,
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class ELU(Layer):
    """x where x > 0, else alpha (e^x - 1)."""

    def __init__(
        self,
        alpha: float = 1.0,
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class Softmax(Layer):
    """e^x_i / sum_j e^x_j along one axis, in the stable form."""

    def __init__(
        self,
        axis: int = -1,
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class BatchNormalization(Layer):
    """Normalises every channel: y = gamma (x - mean) / sqrt(var + epsilon) + beta."""

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: _InitializerLike = "zeros",
        gamma_initializer: _InitializerLike = "ones",
        moving_mean_initializer: _InitializerLike = "zeros",
        moving_variance_initializer: _InitializerLike = "ones",
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class LayerNormalization(Layer):
    """Normalises every sample: y = gamma (x - mean) / sqrt(var + epsilon) + beta."""

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: _InitializerLike = "zeros",
        gamma_initializer: _InitializerLike = "ones",
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class Embedding(Layer):
    """Turns integers into vectors: y[..., :] = embeddings[x[...], :]."""

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: _InitializerLike = "uniform",
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class MultiHeadAttention(Layer):
    """Multi-head attention (Vaswani et al. 2017)."""

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | None = None,
        kernel_initializer: _InitializerLike = "glorot_uniform",
        bias_initializer: _InitializerLike = "zeros",
        seed: int | None = None,
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        query: _ArrayLike,
        value: _ArrayLike | None = None,
        key: _ArrayLike | None = None,
        attention_mask: _ArrayLike | None = None,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Tensor: ...
    def build(
        self,
        query_shape: Sequence[int | None],
        value_shape: Sequence[int | None] | None = None,
        key_shape: Sequence[int | None] | None = None,
    ) -> None: ...

class SimpleRNN(Layer):
    """Simple recurrent network: h_t = activation(x_t W + b + h_(t-1) U)."""

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., Tensor] = "tanh",
        use_bias: bool = True,
        kernel_initializer: _InitializerLike = "glorot_uniform",
        recurrent_initializer: _InitializerLike = "orthogonal",
        bias_initializer: _InitializerLike = "zeros",
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        seed: int | None = None,
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        sequences: _ArrayLike,
        initial_state: _ArrayLike | Sequence[_ArrayLike] | None = None,
        mask: _ArrayLike | None = None,
        training: bool | None = None,
    ) -> Any: ...

class GRU(Layer):
    """Gated recurrent unit (Cho et al. 2014)."""

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., Tensor] = "tanh",
        recurrent_activation: str = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: _InitializerLike = "glorot_uniform",
        recurrent_initializer: _InitializerLike = "orthogonal",
        bias_initializer: _InitializerLike = "zeros",
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        reset_after: bool = True,
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        sequences: _ArrayLike,
        initial_state: _ArrayLike | Sequence[_ArrayLike] | None = None,
        mask: _ArrayLike | None = None,
        training: bool | None = None,
    ) -> Any: ...

class LSTM(Layer):
    """Long short-term memory (Hochreiter and Schmidhuber 1997)."""

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., Tensor] = "tanh",
        recurrent_activation: str = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: _InitializerLike = "glorot_uniform",
        recurrent_initializer: _InitializerLike = "orthogonal",
        bias_initializer: _InitializerLike = "zeros",
        unit_forget_bias: bool = True,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...
    def __call__(  # type: ignore[override]
        self,
        sequences: _ArrayLike,
        initial_state: _ArrayLike | Sequence[_ArrayLike] | None = None,
        mask: _ArrayLike | None = None,
        training: bool | None = None,
    ) -> Any: ...

class Add(Layer):
    """Sum of a list of inputs, such as the two branches of a residual block."""

    def __init__(self, name: str | None = None, dtype: _DTypeLike | None = None, trainable: bool = True) -> None: ...

class Subtract(Layer):
    """First input minus the second."""

    def __init__(self, name: str | None = None, dtype: _DTypeLike | None = None, trainable: bool = True) -> None: ...

class Multiply(Layer):
    """Product of a list of inputs, element by element."""

    def __init__(self, name: str | None = None, dtype: _DTypeLike | None = None, trainable: bool = True) -> None: ...

class Average(Layer):
    """Mean of a list of inputs, element by element."""

    def __init__(self, name: str | None = None, dtype: _DTypeLike | None = None, trainable: bool = True) -> None: ...

class Maximum(Layer):
    """Largest of a list of inputs, element by element."""

    def __init__(self, name: str | None = None, dtype: _DTypeLike | None = None, trainable: bool = True) -> None: ...

class Minimum(Layer):
    """Smallest of a list of inputs, element by element."""

    def __init__(self, name: str | None = None, dtype: _DTypeLike | None = None, trainable: bool = True) -> None: ...

class Concatenate(Layer):
    """A list of inputs one after another along an axis."""

    def __init__(
        self,
        axis: int = -1,
        name: str | None = None,
        dtype: _DTypeLike | None = None,
        trainable: bool = True,
    ) -> None: ...

class Loss:
    """Base of the losses."""

    def __init__(self, class_name: str, /, *args: Any, **kwargs: Any) -> None: ...
    def __call__(self, y_true: _ArrayLike, y_pred: _ArrayLike, sample_weight: _ArrayLike | None = None) -> Tensor:
        """The reduced loss; recorded."""
    @property
    def class_name(self) -> str: ...
    @property
    def name(self) -> str: ...
    def get_config(self) -> dict[str, Any]: ...

class Metric:
    """Base of the metrics."""

    def __init__(self, class_name: str, /, *args: Any, **kwargs: Any) -> None: ...
    @property
    def class_name(self) -> str: ...
    @property
    def name(self) -> str: ...
    def _update(self, y_true: _ArrayLike | None, y_pred: _ArrayLike, sample_weight: _ArrayLike | None, /) -> None: ...
    def result(self) -> float:
        """The mean so far, a float; 0.0 before the first update."""
    def reset_state(self) -> None:
        """Starts anew."""
    def get_config(self) -> dict[str, Any]: ...

class Optimizer:
    """Base of the optimizers."""

    def __init__(self, class_name: str, /, *args: Any, **kwargs: Any) -> None: ...
    @property
    def class_name(self) -> str: ...
    @property
    def learning_rate(self) -> float:
        """Step size; readable and writable."""
    @learning_rate.setter
    def learning_rate(self, arg1: float, /) -> None: ...
    @property
    def iterations(self) -> int:
        """Number of steps made."""
    @iterations.setter
    def iterations(self, arg1: int, /) -> None: ...
    @property
    def built(self) -> bool: ...
    @property
    def variables(self) -> dict[str, Tensor]:
        """State tensors by name."""
    def build(self, variables: Sequence[Tensor | Variable]) -> None:
        """Makes the state for these variables; step() and zero_grad() then work on them."""
    def apply(self, grads: Sequence[_ArrayLike | None], variables: Sequence[Tensor | Variable] | None = None) -> None:
        """One step with these gradients; None leaves a variable alone."""
    def step(self) -> None:
        """One step from the variables' own .grad; needs build(variables)."""
    def zero_grad(self) -> None:
        """Forgets the variables' gradients."""
    def look_ahead(self) -> None:
        """Moves to where nesterov='lookahead' takes its gradient; fit calls it itself."""
    def get_config(self) -> dict[str, Any]: ...

class Model(Layer):
    """What all models of the core share; see nacre.Model."""

    stop_training: bool
    run_eagerly: bool
    name: str
    @property
    def compiled(self) -> bool: ...
    @property
    def output_shape(self) -> Any: ...
    @property
    def input_names(self) -> list[str]: ...
    @property
    def output_names(self) -> list[str]: ...
    @property
    def metrics_names(self) -> list[str]: ...
    @property
    def seed(self) -> int: ...
    def get_compile_config(self) -> dict[str, Any]:
        """What compile was given, as plain objects."""
    @property
    def _loss(self) -> Loss | None: ...
    @property
    def _optimizer(self) -> Optimizer | None: ...
    def _layers(self) -> list[Layer]: ...
    def _get_layer(self, name: str, /) -> Layer: ...
    def _build(self, shape: Sequence[int | None], /) -> None: ...
    def _set_trainable(self, on: bool, /) -> None: ...
    def _summary(self, ascii: bool) -> str: ...
    def _apply_config(self, config: dict[str, Any], make: Callable[[str, Any], Layer] | None, /) -> None: ...
    def _weight_list(self) -> list[tuple[str, Tensor, bool]]: ...
    def _get_weights(self) -> list[NDArray[Any]]: ...
    def _set_weights(self, weights: list[Any], /) -> None: ...
    def _call(self, x: list[Any], training: bool, /) -> list[Tensor]: ...
    def _inner(self, x: list[Any], training: bool | None, /) -> list[Tensor]: ...
    def _ensure_built(self, x: list[Any], /) -> None: ...
    def _compile(self, optimizer: Optimizer | str, loss: Any, metrics: list[list[Any]], weights: list[float] | None, /) -> None: ...
    def _fit(self, x: list[Any], y: list[Any], /, **kwargs: Any) -> None: ...
    def _evaluate(
        self, x: list[Any], y: list[Any], batch_size: int, sample_weight: list[Any], steps: int | None, hooks: Any, /
    ) -> dict[str, float]: ...
    def _predict(self, x: list[Any], batch_size: int, steps: int | None, hooks: Any, /) -> list[NDArray[Any]]: ...
    def _train_on_batch(
        self, x: list[Any], y: list[Any], sample_weight: list[Any], class_weight: Sequence[tuple[int, float]], /
    ) -> dict[str, float]: ...
    def _test_on_batch(self, x: list[Any], y: list[Any], sample_weight: list[Any], /) -> dict[str, float]: ...
    def _predict_on_batch(self, x: list[Any], method: str, /) -> list[NDArray[Any]]: ...
    def _train_on_batch_again(self, x: Any, y: Any, /) -> float | list[float] | None: ...
    def _predict_on_batch_again(self, x: Any, /) -> list[NDArray[Any]] | None: ...
    def _plan(self, mode: str, x: list[Any], y: list[Any], profile: bool, /) -> str: ...
    def _save(self, path: str, /) -> None: ...
    def _save_weights(self, path: str, /) -> None: ...
    def _load(self, path: str, make: Callable[[str, Any], Optimizer], layers: Callable[[str, Any], Layer] | None, /) -> None: ...
    def _load_weights(self, path: str, /) -> None: ...

class Sequential(Model):
    """The stack of layers of the core; see nacre.models.Sequential."""

    def __init__(self, name: str = "sequential", name_given: bool = False) -> None: ...
    def _add(self, layer: Layer) -> None: ...
    def _pop(self) -> Layer: ...
    def _input_layer(self) -> Layer | None: ...

class Functional(Model):
    """The graph of layers of the core; see nacre.models.Functional."""

    @overload
    def __init__(self, name: str = "functional", name_given: bool = False) -> None: ...
    @overload
    def __init__(
        self, inputs: list[Any], outputs: list[Any], name: str, name_given: bool, input_keys: list[str], output_keys: list[str]
    ) -> None: ...
    def _inputs(self) -> list[SymbolicTensor]: ...
    def _outputs(self) -> list[SymbolicTensor]: ...
    @property
    def _input_keys(self) -> list[str]: ...
    @property
    def _output_keys(self) -> list[str]: ...

class PythonModel(Model):
    """The C++ half of subclasses of nacre.Model."""

    def __init__(self, class_name: str, name: str, name_given: bool) -> None: ...

op_functions: dict[str, Callable[..., Any]]

def op_records() -> dict[str, dict[str, Any]]:
    """The record of every op, by name: arguments, attributes, defaults, doc."""

def symbolic_input(input_layer: Layer) -> SymbolicTensor:
    """The symbolic tensor of an InputLayer."""

def connect(layer: Layer, inputs: list[SymbolicTensor], arguments: Any = None) -> list[SymbolicTensor]:
    """Records a call of a layer on symbolic tensors."""

def input_layer_of(symbol: SymbolicTensor, /) -> Layer | None: ...
def in_scope() -> bool:
    """True inside a call of a Python layer."""

def snake_case(class_name: str) -> str:
    """The name that Keras gives to layers of a class."""

def name_layers(layers: Sequence[Layer]) -> None:
    """Gives layers of one model unique names."""

def architecture_in_file(path: str) -> tuple[str, Any]:
    """Class and configuration of the model in a file."""

def layer_classes() -> list[str]: ...
def layer_options(class_name: str) -> list[dict[str, Any]]: ...
def optimizer_classes() -> list[_Described]: ...
def loss_classes() -> list[_Described]: ...
def metric_classes() -> list[_Described]: ...
def initializer_classes() -> list[_Described]: ...
def activation_names() -> list[str]: ...
def make_layer(class_name: str, config: dict[str, Any]) -> Layer: ...
def make_optimizer(name: str, config: dict[str, Any] = ...) -> Optimizer: ...
def make_loss(name: str, config: dict[str, Any] = ...) -> Loss: ...
def make_metric(name: str, config: dict[str, Any] = ...) -> Metric: ...
def make_initializer(identifier: Any) -> Initializer: ...
def model_array(x: Any, what: str) -> Tensor:
    """x as a tensor that shares its memory where possible."""

def convert_to_tensor(x: _ArrayLike, dtype: _DTypeLike | None = None) -> Tensor:
    """A tensor of x (numbers, nested lists, arrays; copied); whole numbers give int32, fractions floatx(), unless dtype is given."""

def asarray(x: _ArrayLike, dtype: _DTypeLike | None = None) -> Tensor:
    """A tensor that shares x's memory where its type allows; its dtype is kept."""

def from_dlpack(x: _SupportsDLPack) -> Tensor:
    """A tensor that shares the memory of an array of another library, through DLPack."""

def to_numpy(x: Tensor) -> NDArray[Any]: ...
def dtype_name(dtype: _DTypeLike) -> str: ...
def nonzero(x: Tensor) -> list[Tensor]: ...
def share_memory(a: Tensor, b: Tensor, /) -> bool: ...
def _rebuild_tensor(data: bytes, dtype: str, shape: tuple[int, ...], requires_grad: bool, /) -> Tensor: ...
def grad_enabled() -> bool:
    """True while ops on this thread are recorded."""

def set_grad_enabled(on: bool) -> None:
    """Switches recording on this thread."""

def reaches_other_leaves(y: Tensor, inputs: Tensor | Sequence[Tensor]) -> bool:
    """True when y depends on a leaf that requires a gradient and is none of `inputs`."""

def gradients(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    output_gradients: Tensor | Sequence[Tensor] | None = None,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> list[Tensor | None]:
    """Gradients of sum(output_gradients * outputs) with respect to inputs; None for an input that no output depends on."""

def gradient_check(
    name: str, inputs: list[Any], attributes: dict[str, Any] = ..., seed: int = 0, second: bool = False, step: float = 1e-06
) -> dict[str, Any]:
    """Compares an op's gradient with central differences."""

def floatx() -> str:
    """Name of the default float type."""

def set_floatx(value: _DTypeLike) -> None:
    """Sets the default float type: 'float32' or 'float64'."""

def num_threads() -> int:
    """Number of threads that kernels use."""

def set_num_threads(n: int) -> None:
    """Sets the number of threads, 1 to 1024. Results do not depend on it."""

def threads_started() -> bool: ...
def isa() -> str:
    """The instruction set in use: scalar, avx2, avx512 or neon."""

def available_isas() -> list[str]: ...
def memory_in_use() -> int: ...
def memory_peak() -> int: ...
def reset_memory_peak() -> None: ...
def release_cached_memory() -> None: ...
def next_random_key() -> Tensor:
    """A fresh key (seed, stream, step) of the global generator."""

def set_random_seed(seed: int) -> None:
    """Starts everything random anew from this seed."""
