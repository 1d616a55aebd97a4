"""Layers written in Python: the base class and what it shares with subclassed models.

The C++ half (bindings/py_layer.cpp) calls _connect, _infer and _run here. Shapes are inferred by running the layer on zeros with two batch sizes:
what differs between the two results is the unknown batch.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from . import _core, _nested
from ._core import Tensor
from .saving import get_registered_name

# (batch, other sizes that are not known) of the two runs on zeros.
_STAND_INS = ((2, 32), (3, 40))
_INTERNAL = frozenset({"_kept", "_calls", "history"})


class Calls:
    """What a Python layer knows of its calls."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.types: Any = None  # of the inputs it was built for
        self.arguments: Any = None
        self.last: tuple[Any, Any] | None = None  # inputs and result of the last inference
        self.output: Any = {"tensor": 0}  # how the results hang together
        self.inputs: Any = None  # the same for the inputs of a model


def _takes_training(cls: Any) -> bool:
    known = cls.__dict__.get("_takes_training_")
    if known is None:
        parameters = inspect.signature(cls.call).parameters
        known = "training" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        cls._takes_training_ = known
    return bool(known)


def _known(shape: Sequence[int | None], batch: int, other: int) -> tuple[int, ...]:
    return tuple((batch if i == 0 else other) if d is None else d for i, d in enumerate(shape))


def _without_batch(array: Any) -> tuple[int | None, ...]:
    shape = tuple(array.shape)
    return (None, *shape[1:]) if shape else shape


class PythonCalls:
    """Mixin: tracking of layers in attributes, building, inference, calls from C++."""

    _calls: Calls
    built: bool
    name: str
    dtype: str
    class_name: str

    def _sublayers(self) -> list[Any]:
        """Layers in attributes, lists, tuples and dictionaries of attributes, each once, in the order they were set."""
        found: dict[int, Any] = {}

        def walk(value: Any) -> None:
            if isinstance(value, _core.Layer):
                if value is not self:
                    found.setdefault(id(value), value)
            elif isinstance(value, Mapping):
                for v in value.values():
                    walk(v)
            elif isinstance(value, (list, tuple)):
                for v in value:
                    walk(v)

        for key, value in list(self.__dict__.items()):
            if key not in _INTERNAL:
                walk(value)
        return list(found.values())

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The layer's function, which subclasses write."""
        raise NotImplementedError(f"{type(self).__name__}: write call(self, x), the function of the layer.")

    def _label(self) -> str:
        return f"{type(self).__name__} '{self.name}'"

    def _own(self, x: Any) -> Any:
        """Floating-point tensors in the layer's dtype."""
        return x.astype(self.dtype) if isinstance(x, Tensor) and x.dtype.startswith("float") and x.dtype != self.dtype else x

    def _invoke(self, args: tuple[Any, ...], kwargs: dict[str, Any], training: bool) -> Any:
        if "training" not in kwargs and _takes_training(type(self)):
            kwargs = {**kwargs, "training": training}
        return self.call(*args, **kwargs)

    def _decoded(self, tensors: Sequence[Any], arguments: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if arguments is None:
            return (self._gathered(tensors),), {}
        args, kwargs = _nested.decode(arguments, tensors)
        return args, kwargs

    def _gathered(self, tensors: Sequence[Any]) -> Any:
        return tensors[0] if len(tensors) == 1 else list(tensors)

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        raise NotImplementedError

    def _run(self, tensors: list[Tensor], arguments: Any, training: bool) -> list[Tensor]:
        """A call from C++."""
        args, kwargs = self._decoded([self._own(t) for t in tensors], arguments)
        self._build_for(args, kwargs)
        leaves, _ = _nested.results(self._invoke(args, kwargs, training), self._label())
        return leaves

    def _on_zeros(self, types: Any, arguments: Any, stand_in: tuple[int, int]) -> tuple[list[Tensor], Any]:
        from . import autograd, ops

        zeros = [self._own(ops.zeros(_known(shape, *stand_in), dtype=dtype)) for dtype, shape in types]
        with autograd.no_grad(), _core.CallScope(False):
            args, kwargs = self._decoded(zeros, arguments)
            self._build_for(args, kwargs)
            return _nested.results(self._invoke(args, kwargs, False), self._label())

    def _trial(self, types: Any, arguments: Any) -> list[tuple[str, tuple[int | None, ...]]]:
        """Types of the results, from runs on zeros; builds what is not built."""
        first, structure = self._on_zeros(types, arguments, _STAND_INS[0])
        out: list[tuple[str, tuple[int | None, ...]]] = [(t.dtype, t.shape) for t in first]
        if any(None in shape for _, shape in types):
            second, _ = self._on_zeros(types, arguments, _STAND_INS[1])
            if [len(t.shape) for t in first] != [len(t.shape) for t in second]:
                raise ValueError(f"{self._label()}: the number or ranks of its results depend on the batch size.")
            out = [
                (a.dtype, tuple(m if m == n else None for m, n in zip(a.shape, b.shape, strict=True)))
                for a, b in zip(first, second, strict=True)
            ]
        self._calls.output = structure
        return out

    def _connect(self, types: Any, arguments: Any) -> None:
        """Builds for inputs of these types."""
        with self._calls.lock:
            first = self._calls.types is None
            self._infer(types, arguments)
            if first:
                if any(not layer.built for layer in self._sublayers()):
                    self._trial(types, arguments)
                self._calls.types, self._calls.arguments = types, arguments
                _core.name_layers(self._sublayers())

    def _infer(self, types: Any, arguments: Any) -> Any:
        with self._calls.lock:
            key = (types, arguments)
            if self._calls.last is None or self._calls.last[0] != key:
                self._calls.last = (key, self._inferred(types, arguments))
            return self._calls.last[1]

    def _inferred(self, types: Any, arguments: Any) -> Any:
        return self._trial(types, arguments)


class _LayerType(type(_core.Layer)):  # type: ignore[misc]
    """Makes every layer of the core an instance of Layer for isinstance."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _core.Layer) if cls is Layer else super().__instancecheck__(instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _core.Layer) if cls is Layer else super().__subclasscheck__(subclass)


class Layer(PythonCalls, _core.PythonLayer, metaclass=_LayerType):
    """Base of the layers: weights and a function of tensors. Subclass it to write your own.

    A subclass writes call(self, x), or call(self, x, training=None) to know the mode, with functions of nc.ops and other layers. Weights are made by
    add_weight in __init__, or in build(self, input_shape), which runs once before the first call. Layers kept in attributes (also in lists and
    dictionaries there) belong to it. compute_output_shape(self, input_shape) is optional: without it the layer is run on zeros.

    fit, evaluate and predict run call once for each shape of batch and replay the ops: numbers, attributes and branches of Python are fixed from then
    on, until the next compile. What changes belongs into a weight (add_weight, assign), or compile(run_eagerly=True) calls it for each batch.

    Args:
        name: Name of the layer, unique in a model; None: the class name in snake case.
        dtype: Of weights and results; floating-point inputs are cast to it. None: floatx().
        trainable: False freezes the weights.

    Example:
        >>> class Scale(nc.layers.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")
        ...     def call(self, x):
        ...         return x * self.factor
        >>> Scale()(nc.ones((2, 3))).shape
        (2, 3)
    """

    def __init__(self, *, name: str | None = None, dtype: Any = None, trainable: bool = True) -> None:
        if not isinstance(trainable, bool):
            raise TypeError(f"{type(self).__name__}: trainable must be True or False, got {trainable!r}.")
        if name is not None and not isinstance(name, str):
            raise TypeError(f"{type(self).__name__}: name must be a string, got {name!r}.")
        super().__init__(get_registered_name(type(self)), name, None if dtype is None else _core.dtype_name(dtype), trainable)
        self._calls = Calls()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _built_once(cls.build)  # type: ignore[method-assign]

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def add_weight(
        self, shape: Any = None, initializer: Any = None, dtype: Any = None, trainable: bool = True, name: str | None = None
    ) -> Tensor:
        """A new weight of the layer.

        Args:
            shape: Its sizes; None: a single number.
            initializer: Name or object of nc.initializers, or a function of shape and dtype; None: "glorot_uniform", "zeros" for integers.
            dtype: None: the layer's.
            trainable: False for what training leaves alone.
            name: None: "weight"; made unique.

        Returns:
            The tensor. Read it in call; nc.Tensor.assign changes it in place.
        """
        from . import initializers

        if name is not None and (not isinstance(name, str) or not name or "/" in name):
            raise ValueError(f"{self._label()}: the name of a weight must be a string without '/', got {name!r}.")
        kind = self.dtype if dtype is None else _core.dtype_name(dtype)
        floating = "float" in kind
        if trainable and not floating:
            trainable = False
        if initializer is None:
            initializer = "glorot_uniform" if floating else "zeros"
        make = initializer if callable(initializer) and not isinstance(initializer, type) else initializers.get(initializer)
        sizes = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        value = make(sizes, dtype=kind) if floating else make(sizes, dtype="float32").astype(kind)
        taken, base, k = set(self._own_names()), name or "weight", 0
        unique = base
        while unique in taken:
            k += 1
            unique = f"{base}_{k}"
        return self._new_weight(unique, value, bool(trainable))

    def build(self, input_shape: Any) -> None:
        """Makes the weights; subclasses write it. input_shape begins with the batch, None."""
        del input_shape

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        with self._calls.lock:
            if self.built:
                return
            parameters = list(inspect.signature(type(self).build).parameters.values())[1:]
            wanted = len([p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD])
            values = [*args, *kwargs.values()]
            shapes = [_nested.map_arrays(_without_batch, v) for v in values]
            self.build(*shapes[: max(wanted, 1)])
            leaves: list[Any] = []
            _nested.map_arrays(leaves.append, values)
            self._mark_built([_without_batch(x) for x in leaves])

    def _inferred(self, types: Any, arguments: Any) -> Any:
        if arguments is None and _overrides(type(self), "compute_output_shape"):
            shapes = [shape for _, shape in types]
            given = shapes[0] if len(shapes) == 1 else shapes
            zeros = [_Shaped(shape) for shape in shapes]
            self._build_for((zeros[0] if len(zeros) == 1 else zeros,), {})
            return [(self.dtype, tuple(self.compute_output_shape(given)))]
        return self._trial(types, arguments)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        training = kwargs.pop("training", None)
        if args and isinstance(args[0], (list, tuple)) and not _has_array(args[0]):
            args = (_core.asarray(args[0]), *args[1:])  # numbers
        symbolic = _nested.is_symbolic(args) or _nested.is_symbolic(kwargs)
        if symbolic and training is not None:
            kwargs["training"] = training
        leaves: list[Any] = []
        spec = _nested.encode([args, kwargs], leaves, self._label())
        if not leaves:
            raise TypeError(f"{self._label()}: the input is missing.")
        if symbolic:
            others = sum(not isinstance(x, _core.SymbolicTensor) for x in leaves)
            if others:
                raise TypeError(
                    f"{self._label()}: {len(leaves) - others} of the inputs are symbolic tensors and {others} are not. "
                    "Give all of one kind."
                )
            plain = len(args) == 1 and not kwargs and (args[0] is leaves[0] or (isinstance(args[0], list) and args[0] == leaves))
            with self._calls.lock:
                out = _core.connect(self, leaves, None if plain else spec)
                return _nested.decode(self._calls.output, out)
        args, kwargs = _nested.decode(spec, [self._own(x) for x in leaves])
        with _core.CallScope(training) as mode:
            self._build_for(args, kwargs)
            return self._invoke(args, kwargs, mode)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer. A subclass with arguments of its own adds them to super().get_config()."""
        check_config(type(self), Layer)
        return dict(self._own_config())

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer from get_config()."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name} built={self.built}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.get_config(), self._calls.types, self._calls.arguments, self.get_weights())


def _restore(cls: type[Layer], config: dict[str, Any], types: Any, arguments: Any, weights: list[Any]) -> Layer:
    """Unpickles a layer."""
    layer: Layer = cls.from_config(config)
    if types is not None:
        layer._connect(types, arguments)
        layer._mark_built([shape for _, shape in types])
        layer.set_weights(weights)
    return layer


class _Shaped:
    """A shape in the place of an array."""

    def __init__(self, shape: Sequence[int | None]) -> None:
        self.shape = tuple(shape)

    def __array__(self) -> Any:
        raise TypeError("a shape has no values")


def _has_array(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_array(v) for v in value.values())
    if isinstance(value, (list, tuple)):
        return any(_has_array(v) for v in value)
    return _nested.is_array(value)


def _overrides(cls: type, name: str) -> bool:
    return any(name in c.__dict__ for c in cls.__mro__[: cls.__mro__.index(Layer)])


def check_config(cls: type, base: type) -> None:
    """NotImplementedError when the class has arguments that a configuration from the base class would lose."""
    if cls.__init__ is base.__init__:  # type: ignore[misc]
        return
    known = set(inspect.signature(base.__init__).parameters)  # type: ignore[misc]
    parameters = list(inspect.signature(cls.__init__).parameters.values())  # type: ignore[misc]
    own = [p.name for p in parameters[1:] if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL) and p.name not in known]
    overriding = any("get_config" in c.__dict__ for c in cls.__mro__[: cls.__mro__.index(base)])
    if own and not overriding:
        raise NotImplementedError(
            f"{cls.__name__}: has the arguments {', '.join(own)}. Write get_config(self) that adds them to super().get_config(), so that it can be "
            "saved and copied."
        )


def _built_once(build: Any) -> Any:
    """build() of a subclass: does nothing the second time, and marks the layer as built."""

    @functools.wraps(build)
    def wrapped(self: Layer, *args: Any, **kwargs: Any) -> None:
        if self.built:
            return
        build(self, *args, **kwargs)
        shapes = [*args, *kwargs.values()]
        flat = shapes[0] if shapes and shapes[0] and isinstance(shapes[0][0], (list, tuple)) else shapes
        self._mark_built([s for s in flat if isinstance(s, (list, tuple))])

    return wrapped
