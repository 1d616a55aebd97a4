"""Models: Sequential, a stack of layers; Model, a graph of layers or a class of your own; load_model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import _core, _nested, losses, optimizers
from ._arguments import _path, _temporary_file
from ._custom import Calls, PythonCalls, check_config
from ._model import ModelBase
from .saving import get_registered_name, get_registered_object, layer_maker

__all__ = ["Functional", "Model", "Sequential", "load_model"]


def _checked_name(owner: str, name: Any, default: str) -> str:
    if name is not None and not isinstance(name, str):
        raise TypeError(f"{owner}: name must be a string, got {name!r}.")
    return default if name is None else name


class Sequential(ModelBase, _core.Sequential):
    """A stack of layers, each taking the result of the one before.

    copy.deepcopy and pickle take what a file of save holds: architecture, weights, compile arguments, the optimizer's state. The copy trains on alone.

    Args:
        layers: List of layers; it may begin with nc.Input(shape), then the weights are made at once, else at the first call or by build.
        name: Name of the model.

    Attributes:
        history: The History of the last fit; None before.

    Raises:
        TypeError: layers holds something that is no layer.
        ValueError: Two layers were given the same name, or an Input is not the first.

    Example:
        >>> model = nc.Sequential([nc.Input((4,)), nc.layers.Dense(8, activation="relu"), nc.layers.Dense(3, activation="softmax")])
        >>> model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        >>> model.count_params(), model.output_shape
        (67, (None, 3))
    """

    def __init__(self, layers: Iterable[Any] | None = None, name: str | None = None) -> None:
        super().__init__(_checked_name("Sequential", name, "sequential"), name is not None)
        self._start()
        if isinstance(layers, (str, Mapping)) or not (layers is None or isinstance(layers, Iterable)):
            raise TypeError(f"Sequential: layers must be a list of layers, got {type(layers).__name__}.")
        for layer in layers or []:
            self.add(layer)

    def add(self, layer: Any) -> None:
        """Adds a layer at the end."""
        if isinstance(layer, _core.SymbolicTensor) and (source := _core.input_layer_of(layer)) is not None:
            layer = source
        if not isinstance(layer, _core.Layer):
            raise TypeError(f"add: a layer of nacre is wanted, got {layer!r}.")
        self._add(layer)
        self._kept.setdefault("layers", []).append(layer)
        self._kept.pop("ends", None)

    def pop(self) -> Any:
        """Takes the last layer off and returns it."""
        self._kept.pop("ends", None)
        return self._pop()

    def _ends(self) -> Any:
        """Symbolic input and output: the stack as a graph."""
        if "ends" not in self._kept:
            source = self._input_layer() or _core.make_layer("InputLayer", {"shape": list(self.input_shape[1:])})
            first = last = _core.symbolic_input(source)
            for layer in self.layers:
                last = layer(last)
            self._kept["ends"] = (first, last)
        return self._kept["ends"]

    @property
    def inputs(self) -> list[Any]:
        """The symbolic input, in a list; the model must be built."""
        return [self._ends()[0]]

    @property
    def outputs(self) -> list[Any]:
        """The symbolic output, in a list; the model must be built."""
        return [self._ends()[1]]

    @property
    def input(self) -> Any:
        """The symbolic input."""
        return self._ends()[0]

    @property
    def output(self) -> Any:
        """The symbolic output."""
        return self._ends()[1]

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Sequential:
        """An equal model with new weights from get_config()."""
        model = cls()
        _apply(model, config, custom_objects)
        return model

    def __reduce__(self) -> tuple[Any, ...]:
        return _reduced(self)

    def __repr__(self) -> str:
        return f"<Sequential name={self.name} layers={len(self.layers)} built={self.built}>"


def _flat(what: str, value: Any) -> tuple[list[Any], list[str]]:
    """Symbolic tensors from one, a list or a dictionary, and the dictionary's keys."""
    keys: list[str] = []
    if isinstance(value, Mapping):
        keys = list(value)
        value = list(value.values())
        if not all(isinstance(k, str) and k for k in keys):
            raise TypeError(f"Model: the keys of {what} must be names, got {keys!r}.")
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    for v in values:
        if not isinstance(v, _core.SymbolicTensor):
            raise TypeError(
                f"Model: {what} must be symbolic tensors, from nc.Input and layers called on it, got {type(v).__name__}."
            )
    return values, keys


class Functional(ModelBase, _core.Functional):
    """A model made of a graph of layer calls; nc.Model(inputs, outputs) makes it.

    Args:
        inputs: Symbolic tensor of nc.Input, a list or a dictionary of them.
        outputs: Symbolic tensor that layers gave, a list or a dictionary of them.
        name: Name of the model.

    Attributes:
        history: The History of the last fit; None before.

    Raises:
        TypeError: Something is no symbolic tensor.
        ValueError: The outputs need an input that is not given, an input leads nowhere, or two layers were given the same name.

    Example:
        >>> x = nc.Input((4,))
        >>> model = nc.models.Functional(x, nc.layers.Dense(3)(x))
        >>> model.output_shape
        (None, 3)
    """

    def __init__(self, inputs: Any = None, outputs: Any = None, name: str | None = None) -> None:
        text = _checked_name("Model", name, "functional")
        if inputs is None and outputs is None:
            super().__init__(text, name is not None)
            self._start()
            return
        in_list, in_keys = _flat("inputs", inputs)
        out_list, out_keys = _flat("outputs", outputs)
        super().__init__(in_list, out_list, text, name is not None, in_keys, out_keys)
        self._start()
        self._kept["ends"] = (in_list, out_list)
        self._kept["layers"] = self.layers

    def _ends(self) -> Any:
        if "ends" not in self._kept:
            self._kept["ends"] = (self._inputs(), self._outputs())
        return self._kept["ends"]

    @property
    def inputs(self) -> list[Any]:
        """The symbolic inputs."""
        return list(self._ends()[0])

    @property
    def outputs(self) -> list[Any]:
        """The symbolic outputs."""
        return list(self._ends()[1])

    @property
    def input(self) -> Any:
        """The symbolic input, or the inputs as they were given."""
        ends, keys = self._ends()[0], self._input_keys
        return dict(zip(keys, ends, strict=True)) if keys else ends[0] if len(ends) == 1 else list(ends)

    @property
    def output(self) -> Any:
        """The symbolic output, or the outputs as they were given."""
        return self._output_structure(list(self._ends()[1]))

    def _output_structure(self, results: list[Any]) -> Any:
        keys = self._output_keys
        if keys:
            return dict(zip(keys, results, strict=True))
        return results[0] if len(results) == 1 else results

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Functional:
        """An equal model with new weights from get_config()."""
        model = cls()
        _apply(model, config, custom_objects)
        return model

    def __reduce__(self) -> tuple[Any, ...]:
        return _reduced(self)

    def __repr__(self) -> str:
        return f"<Functional name={self.name} layers={len(self.layers)}>"


class _ModelType(type(_core.Layer)):  # type: ignore[misc]
    """nc.Model(inputs, outputs) makes a Functional, and every model is an instance of Model for isinstance."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model:
            if not args and not {"inputs", "outputs"} <= set(kwargs):
                raise TypeError(
                    "Model: inputs and outputs are missing. For a model with a function of your own write a subclass with call."
                )
            return Functional(*args, **kwargs)
        return super().__call__(*args, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _core.Model) if cls is Model else super().__instancecheck__(instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _core.Model) if cls is Model else super().__subclasscheck__(subclass)


class Model(PythonCalls, ModelBase, _core.PythonModel, metaclass=_ModelType):
    """A model: nc.Model(inputs, outputs) from symbolic tensors, or a subclass with a function of your own.

    A subclass makes its layers in __init__ and writes call(self, x), or call(self, x, training=None). It is built by the first data. fit, evaluate,
    predict, save_weights and load_weights work as for the other models; save needs get_config when __init__ takes arguments, and load_model
    needs the class, registered or in custom_objects.

    Args:
        inputs: Symbolic tensor of nc.Input, a list or a dictionary of them.
        outputs: Symbolic tensor that layers gave, a list or a dictionary of them.
        name: Name of the model.

    Attributes:
        history: The History of the last fit; None before.

    Raises:
        TypeError: Something is no symbolic tensor.
        ValueError: The outputs need an input that is not given, an input leads nowhere, or two layers were given the same name.

    Example:
        >>> x = nc.Input((8,))
        >>> h = nc.layers.Dense(8, activation="relu")(x)
        >>> model = nc.Model(x, nc.layers.Dense(2)(x + h))
        >>> model.count_params(), model.output_shape
        (90, (None, 2))
        >>> class Net(nc.Model):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.hidden = nc.layers.Dense(8, activation="relu")
        ...         self.out = nc.layers.Dense(2)
        ...     def call(self, x):
        ...         return self.out(x + self.hidden(x))
        >>> Net()(nc.ones((1, 8))).shape
        (1, 2)
    """

    def __init__(self, *args: Any, name: str | None = None, **kwargs: Any) -> None:
        cls = type(self)
        if args or kwargs:
            given = ", ".join([*(type(a).__name__ for a in args), *kwargs])
            raise TypeError(
                f"{cls.__name__}: a subclass of Model takes a name only, got {given}. Make graphs with nc.Model(inputs, outputs)."
            )
        own = _core.snake_case(cls.__name__)
        super().__init__(get_registered_name(cls), _checked_name(cls.__name__, name, own), name is not None)
        self._start()
        self._calls = Calls()

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    @property
    def _output_names(self) -> list[str]:
        keys = _nested.keys_of(self._calls.output)
        if keys is not None:
            return keys
        many = _nested.count(self._calls.output)
        return ["output"] if many == 1 else [f"output_{i + 1}" for i in range(many)]

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Layers build themselves when call runs them."""

    def _gathered(self, tensors: Sequence[Any]) -> Any:
        structure = self._calls.inputs
        return super()._gathered(tensors) if structure is None else _nested.decode(structure, tensors)

    def _input_list(self, method: str, name: str, value: Any) -> list[Any]:
        leaves: list[Any] = []
        several = isinstance(value, Mapping) or (
            isinstance(value, (list, tuple)) and bool(value) and all(_nested.is_array(v) for v in value)
        )
        spec = _nested.encode(value, leaves, f"{method}: {name}") if several else {"tensor": 0}
        if not several:
            leaves = [value]
        with self._calls.lock:
            if self._calls.inputs is None:
                if value is not None:
                    self._calls.inputs = spec
            elif self._calls.inputs != spec:
                raise TypeError(
                    f"{method}: {name} is another structure ({_nested.shown(spec)}) than at the first call ({_nested.shown(self._calls.inputs)})."
                )
        return leaves

    def _output_structure(self, results: list[Any]) -> Any:
        return _nested.decode(self._calls.output, results)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The model's function, which subclasses write."""
        raise NotImplementedError(f"{type(self).__name__}: write call(self, x), the function of the model.")

    def __call__(self, inputs: Any, training: bool | None = None, **kwargs: Any) -> Any:  # type: ignore[override]
        """The model's result for inputs: see nc.Sequential. Further arguments go to call."""
        if not kwargs:
            return ModelBase.__call__(self, inputs, training)
        with _core.CallScope(training) as mode:
            return self._invoke((inputs,), kwargs, mode)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal model. A subclass with arguments of its own writes this."""
        check_config(type(self), Model)
        return {"name": self.name} if "name" in _parameters(type(self)) else {}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """A model from get_config()."""
        if cls is Model:
            return Functional.from_config(config, custom_objects)
        return cls(**config)

    def _file_config(self) -> dict[str, Any]:
        """What files hold: the configuration, and what the model was built for."""
        return {"config": self.get_config(), "types": self._calls.types, "inputs": self._calls.inputs}

    def _apply_file_config(self, config: dict[str, Any]) -> None:
        self._calls.inputs = config["inputs"]
        if config["types"] is not None:
            self._connect([(dtype, tuple(shape)) for dtype, shape in config["types"]], None)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reduced(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name} built={self.built}>"


def _parameters(cls: type) -> set[str]:
    import inspect

    parameters = inspect.signature(cls.__init__).parameters.values()  # type: ignore[misc]
    return {p.name for p in parameters if p.kind is not p.VAR_KEYWORD} | (
        {"name"} if any(p.kind is p.VAR_KEYWORD for p in parameters) else set()
    )


def _apply(model: Any, config: dict[str, Any], custom_objects: Mapping[str, Any] | None) -> None:
    kept = model._kept.setdefault("layers", [])
    model._kept.pop("one input", None)
    model._apply_config(config, layer_maker(custom_objects, kept, "from_config"))


def load_model(filepath: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The model that save wrote, ready to predict, and when it was compiled to go on training exactly where it stopped.

    Args:
        filepath: The file. Everything in it is checked; no code is run from it and no class is made that neither nacre has nor you gave.
        custom_objects: Classes of your own by name, besides those registered with nc.saving.register_serializable.

    Returns:
        Sequential, Functional, or a model of your class.

    Raises:
        OSError: The file cannot be read.
        FormatError: It is damaged or no model of nacre (a ValueError).
        ShapeError: A weight does not fit the architecture (a ValueError).
        ValueError: It holds a class that is not known.

    Example:
        >>> import os, tempfile
        >>> model = nc.Sequential([nc.Input((4,)), nc.layers.Dense(3)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.nacre")
        ...     model.save(path)
        ...     again = nc.models.load_model(path)
        >>> again.count_params()
        15
    """
    path = _path("load_model", filepath)
    class_name, config = _core.architecture_in_file(path)
    if class_name == "Sequential":
        model: Any = Sequential()
    elif class_name == "Functional":
        model = Functional()
    else:
        cls = get_registered_object(class_name, custom_objects)
        if cls is None:
            raise ValueError(
                f"load_model: the class '{class_name}' of the model is unknown. Register it with nc.saving.register_serializable before, or "
                f"pass custom_objects={{'{class_name.rpartition('>')[2]}': ...}}."
            )
        model = cls.from_config(config["config"])
    _read(model, path, custom_objects)
    return model


def _read(model: Any, path: str, custom_objects: Mapping[str, Any] | None = None) -> None:
    def make(class_name: str, config: dict[str, Any]) -> Any:
        optimizer = optimizers.get({"class_name": class_name, "config": config})
        model._kept["optimizer"] = optimizer
        return optimizer

    kept = model._kept.setdefault("layers", [])
    model._kept.pop("one input", None)
    model._load(path, make, layer_maker(custom_objects, kept, "load_model"))
    if model.compiled:
        loss = model.get_compile_config()["loss"]
        model._kept["loss"] = (
            [None if one is None else losses.get(one) for one in loss] if isinstance(loss, list) else losses.get(loss)
        )


def _custom_classes(layer: Any, found: dict[str, Any]) -> dict[str, Any]:
    """The classes of layers written in Python, by their names in files."""
    if isinstance(layer, PythonCalls):
        found[layer.class_name] = type(layer)
    elif isinstance(layer, _core.Model):
        for inner in layer._layers():
            _custom_classes(inner, found)
    return found


def _reduced(model: Any) -> tuple[Any, ...]:
    with _temporary_file() as path:
        model._save(path)
        with open(path, "rb") as file:
            content = file.read()
    own = {name: value for name, value in model.__dict__.items() if name not in ("_kept", "history", "_later", "_calls")}
    if isinstance(model, PythonCalls):
        own = {}  # its attributes are what __init__ makes
    classes = _custom_classes(model, {})
    return _restore, (type(model), content, classes) if classes else (type(model), content), own or None


def _restore(cls: Any, content: bytes, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Unpickles a model from the bytes of its file, with the checks of load_model."""
    with _temporary_file() as path:
        with open(path, "wb") as file:
            file.write(content)
        if issubclass(cls, PythonCalls):
            return load_model(path, custom_objects)
        model = cls.__new__(cls)
        base = Sequential if issubclass(cls, Sequential) else Functional
        base.__init__(model)  # a class of the user's may take other arguments
        _read(model, path, custom_objects)
    return model
