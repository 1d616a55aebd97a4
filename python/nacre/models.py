"""Models: Sequential, a stack of layers with the methods and words of Keras, and load_model.

The loops run in C++ without the interpreter lock. Python is entered for callbacks' hooks, and for progress at most ten times a second.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from . import _core, losses, metrics, optimizers
from ._integers import as_integer
from .callbacks import CallbackList, History
from .progress import printable

__all__ = ["Sequential", "load_model"]


def _whole(method: str, name: str, value: Any) -> int:
    """`value` as an integer of 64 bits; the core checks its range."""
    number = as_integer(value)
    if number is None:
        raise TypeError(f"{method}: {name} must be an integer, got {value!r}.")
    if not -(2**62) < number < 2**62:
        raise ValueError(f"{method}: {name} must be between 0 and 2^62, got {number}.")
    return number


def _optional_whole(method: str, name: str, value: Any) -> int | None:
    return None if value is None else _whole(method, name, value)


def _number(method: str, name: str, value: Any) -> float:
    try:
        if isinstance(value, (bool, str, bytes)):
            raise TypeError
        return float(value)
    except TypeError:
        raise TypeError(f"{method}: {name} must be a number, got {value!r}.") from None


def _verbose(method: str, value: Any) -> int:
    if value == "auto":
        return 1
    if isinstance(value, bool) or value not in (0, 1, 2):
        raise ValueError(f"{method}: verbose must be 'auto', 0, 1 or 2, got {value!r}.")
    return int(value)


def _class_weight(method: str, value: Any) -> list[tuple[int, float]]:
    if value is None:
        return []
    if not isinstance(value, Mapping):
        raise TypeError(f"{method}: class_weight must be a dictionary of class to weight, got {type(value).__name__}.")
    return [(_whole(method, "a class of class_weight", k), _number(method, f"class_weight[{k}]", v)) for k, v in value.items()]


def _path(method: str, value: Any) -> str:
    try:
        text = os.fsdecode(value)
    except TypeError:
        raise TypeError(f"{method}: the path must be a string or path, got {value!r}.") from None
    if not text or "\0" in text:
        raise ValueError(f"{method}: the path must be a file name, got {text!r}.")
    return text


@contextlib.contextmanager
def _temporary_file() -> Iterator[str]:
    import tempfile  # slow to import

    with tempfile.TemporaryDirectory(prefix="nacre-") as folder:
        yield os.path.join(folder, "model.nacre")


def _steps(rows: int, batch_size: int, limit: int | None) -> int:
    steps = -(-rows // batch_size)
    return steps if limit is None else min(steps, limit)


def _rows(x: Any) -> int:
    shape = getattr(x, "shape", None)
    return int(shape[0]) if shape else 0


class Sequential(_core.Sequential):
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
        if name is not None and not isinstance(name, str):
            raise TypeError(f"Sequential: name must be a string, got {name!r}.")
        super().__init__("sequential" if name is None else name)
        self._kept: dict[str, Any] = {}  # Python objects whose classes the core does not know
        self.history: History | None = None  # of the last fit
        if isinstance(layers, (str, Mapping)) or not (layers is None or isinstance(layers, Iterable)):
            raise TypeError(f"Sequential: layers must be a list of layers, got {type(layers).__name__}.")
        for layer in layers or []:
            self.add(layer)

    # ---- structure ----

    def add(self, layer: Any) -> None:
        """Adds a layer at the end."""
        if not isinstance(layer, _core.Layer):
            raise TypeError(f"add: a layer of nacre is wanted, got {layer!r}.")
        self._add(layer)
        self._kept.setdefault("layers", []).append(layer)

    def pop(self) -> Any:
        """Takes the last layer off and returns it."""
        return self._pop()

    @property
    def layers(self) -> list[Any]:
        """The layers, without the Input."""
        return self._layers()

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """The layer of this name or position."""
        if (name is None) == (index is None):
            raise ValueError("get_layer: give a name or an index, and not both.")
        if name is not None:
            return self._get_layer(name)
        layers, at = self.layers, _whole("get_layer", "index", index)
        if not -len(layers) <= at < len(layers):
            raise ValueError(f"get_layer: index {at} is out of range for {len(layers)} layers.")
        return layers[at]

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Makes the weights for inputs of this shape, the batch (None) first."""
        self._build(input_shape)

    def summary(self, print_fn: Callable[[str], Any] | None = None) -> None:
        """Prints the layers, their output shapes and numbers of parameters; print_fn is called with the text in place of print."""
        if print_fn is not None:
            print_fn(self._summary(ascii=False).rstrip("\n"))
            return
        text = self._summary(ascii=False)
        if printable(text, sys.stdout) != text:
            text = printable(self._summary(ascii=True), sys.stdout)
        print(text, end="")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Sequential:
        """An equal model with new weights from get_config()."""
        model = cls()
        model._apply_config(config)
        return model

    def __reduce__(self) -> tuple[Any, ...]:
        with _temporary_file() as path:
            self._save(path)
            with open(path, "rb") as file:
                content = file.read()
        own = {name: value for name, value in self.__dict__.items() if name not in ("_kept", "history")}
        return _restore, (type(self), content), own or None

    def __repr__(self) -> str:
        return f"<Sequential name={self.name} layers={len(self.layers)} built={self.built}>"

    # ---- weights ----

    @property
    def weights(self) -> list[Any]:
        """All weights, tensors in the order of the layers."""
        return [value for _, value, _ in self._weight_list()]

    @property
    def trainable_weights(self) -> list[Any]:
        """The weights that training changes."""
        return [value for _, value, trainable in self._weight_list() if trainable]

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The weights that training leaves alone: frozen layers' and running statistics."""
        return [value for _, value, trainable in self._weight_list() if not trainable]

    @property
    def variables(self) -> list[Any]:
        """The same as weights."""
        return self.weights

    @property
    def non_trainable_variables(self) -> list[Any]:
        """The same as non_trainable_weights."""
        return self.non_trainable_weights

    @property
    def trainable_variables(self) -> list[Any]:
        """The same as trainable_weights."""
        return self.trainable_weights

    @property
    def trainable(self) -> bool:
        """False when every layer is frozen. Setting it freezes or thaws all layers; compile again afterwards."""
        return any(layer.trainable for layer in self.layers) or not self.layers

    @trainable.setter
    def trainable(self, on: bool) -> None:
        self._set_trainable(bool(on))

    def get_weights(self) -> list[Any]:
        """Copies of all weights as NumPy arrays."""
        return self._get_weights()

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Copies arrays into the weights, in the order of get_weights; all of them or none."""
        if isinstance(weights, (str, Mapping)) or not isinstance(weights, Iterable):
            raise TypeError(f"set_weights: weights must be a list of arrays, got {type(weights).__name__}.")
        self._set_weights(list(weights))

    # ---- use ----

    def __call__(self, x: Any, training: bool = False) -> Any:
        """The model's result for x, a tensor; records gradients. training=True turns dropout on and lets BatchNormalization learn."""
        return self._call(x, bool(training))

    call = __call__

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Iterable[Any] | None = None) -> None:
        """Says how the model is trained.

        Args:
            optimizer: Name or object of nc.optimizers.
            loss: Name or object of nc.losses.
            metrics: List of names or objects of nc.metrics; "accuracy" picks the one that fits the loss and the shapes.

        Raises:
            ValueError: A name is unknown.
            TypeError: Something is neither a name nor an object of nacre (Python functions as losses or metrics are not supported yet).
        """
        if loss is None:
            raise ValueError("compile: the loss is missing. Give its name or an object of nacre.losses.")
        chosen = optimizers.get(optimizer)
        loss_object = _loss(loss)
        if isinstance(metrics, (str, _core.Metric)):
            metrics = [metrics]
        if metrics is not None and (isinstance(metrics, Mapping) or not isinstance(metrics, Iterable)):
            raise TypeError(f"compile: metrics must be a list of names or objects, got {type(metrics).__name__}.")
        self._compile(chosen, loss_object, [_metric(m, i) for i, m in enumerate(metrics or [])])
        self._kept["optimizer"] = chosen
        self._kept["loss"] = loss

    @property
    def optimizer(self) -> Any:
        """The optimizer given to compile; None before."""
        current = self._optimizer
        return None if current is None else self._kept.get("optimizer", current)

    @property
    def loss(self) -> Any:
        """The loss as given to compile; None before."""
        current = self._loss
        return None if current is None else self._kept.get("loss", current)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> History:
        """Trains the model.

        Args:
            x: Inputs [N, ...], a NumPy array or tensor; read where it lies.
            y: Targets, N rows.
            batch_size: Rows per step; None: 32. The last, smaller batch is kept.
            epochs: Number of the last epoch; training begins at initial_epoch.
            verbose: 0 shows nothing, 1 a progress bar, 2 a line per epoch; "auto" is 1.
            callbacks: List of nc.callbacks.
            validation_split: Share of the rows, taken from the end before shuffling, that is tested after each epoch and not trained on.
            validation_data: (x, y) or (x, y, sample_weight) to test after each epoch; goes before validation_split.
            shuffle: Take the rows in a new order each epoch.
            class_weight: Weight of each class in the loss; classes that are not there weigh 1.
            sample_weight: Weight of each row in the loss.
            initial_epoch: Epoch to begin at.
            steps_per_epoch: Take no more batches than this in an epoch.
            validation_steps: The same for validation.
            validation_batch_size: Rows per step of validation; None: batch_size.
            validation_freq: Validate every so many epochs, or a list of epochs (counted from 1).

        Returns:
            History: `.history` maps "loss", each metric and, with "val_" before it, each metric of the validation to one number per epoch.

        Raises:
            RuntimeError: The model is not compiled, or is being trained in another thread.
            ValueError: Rows of x and y differ, or an argument is out of range.
            KeyboardInterrupt: Ctrl-C; the step in progress was dropped, the model is usable.
        """
        size = 32 if batch_size is None else _whole("fit", "batch_size", batch_size)
        split = _number("fit", "validation_split", validation_split)
        if not isinstance(shuffle, (bool, int)):
            raise TypeError(f"fit: shuffle must be True or False, got {shuffle!r}.")
        validation: tuple[Any, Any, Any] = (None, None, None)
        if validation_data is not None:
            if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
                raise TypeError(
                    f"fit: validation_data must be (x, y) or (x, y, sample_weight), got {type(validation_data).__name__}."
                )
            validation = (*validation_data, None, None)[:3]
            if validation[0] is None or validation[1] is None:
                raise TypeError("fit: validation_data holds None in place of x or y.")
        many = isinstance(validation_freq, Iterable) and not isinstance(validation_freq, str)
        x = _core.model_array(x, "fit: x")
        rows = _rows(x)
        if validation_data is None and 0 < split < 1:
            rows = math.floor(rows * (1 - split))
        limit = _optional_whole("fit", "steps_per_epoch", steps_per_epoch)
        shown = _verbose("fit", verbose)
        last = _whole("fit", "epochs", epochs)
        params = {
            "epochs": last,
            "steps": _steps(rows, max(size, 1), limit),
            "verbose": shown,
            "do_validation": validation_data is not None or split > 0,
        }
        hooks = CallbackList(callbacks, model=self, params=params, add_history=True, verbose=shown)
        self.history = hooks.history
        self._fit(
            x,
            y,
            hooks=hooks,
            batch_size=size,
            epochs=last,
            initial_epoch=_whole("fit", "initial_epoch", initial_epoch),
            validation_split=split,
            shuffle=bool(shuffle),
            class_weight=_class_weight("fit", class_weight),
            sample_weight=sample_weight,
            validation_x=validation[0],
            validation_y=validation[1],
            validation_sample_weight=validation[2],
            steps_per_epoch=limit,
            validation_steps=_optional_whole("fit", "validation_steps", validation_steps),
            validation_batch_size=_optional_whole("fit", "validation_batch_size", validation_batch_size),
            validation_freq=[_whole("fit", "validation_freq", f) for f in (validation_freq if many else [validation_freq])],
        )
        assert hooks.history is not None
        return hooks.history

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss and the metrics on x and y: a list in the order of metrics_names (a number when there is only the loss), or a dictionary.

        Raises:
            RuntimeError: The model is not compiled.
            ValueError: Rows of x and y differ.
        """
        size = 32 if batch_size is None else _whole("evaluate", "batch_size", batch_size)
        limit = _optional_whole("evaluate", "steps", steps)
        x = _core.model_array(x, "evaluate: x")
        hooks = self._hooks("evaluate", callbacks, _steps(_rows(x), max(size, 1), limit), _verbose("evaluate", verbose))
        logs = self._evaluate(x, y, size, sample_weight, limit, hooks)
        return _result(logs, return_dict)

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None, callbacks: Any = None
    ) -> Any:
        """The model's results for the rows of x, a NumPy array. Several threads may predict at once."""
        size = 32 if batch_size is None else _whole("predict", "batch_size", batch_size)
        limit = _optional_whole("predict", "steps", steps)
        x = _core.model_array(x, "predict: x")
        hooks = self._hooks("predict", callbacks, _steps(_rows(x), max(size, 1), limit), _verbose("predict", verbose))
        return self._predict(x, size, limit, hooks)

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One training step with these rows; returns the loss and metrics of these rows alone, from before the update."""
        return _result(self._train_on_batch(x, y, sample_weight, _class_weight("train_on_batch", class_weight)), return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """The loss and metrics of these rows."""
        return _result(self._test_on_batch(x, y, sample_weight), return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The results for these rows in one batch, a NumPy array."""
        return self._predict_on_batch(x)

    # ---- files ----

    def save(self, filepath: Any, overwrite: bool = True) -> None:
        """Writes the whole model to one file (safetensors format, any ending): architecture, weights, compile arguments, optimizer state.

        The file appears whole or not at all. nc.models.load_model reads it.
        """
        path = _path("save", filepath)
        if not overwrite and os.path.exists(path):
            raise FileExistsError(f"save: '{path}' exists and overwrite is False.")
        self._save(path)

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Writes the weights alone."""
        path = _path("save_weights", filepath)
        if not overwrite and os.path.exists(path):
            raise FileExistsError(f"save_weights: '{path}' exists and overwrite is False.")
        self._save_weights(path)

    def load_weights(self, filepath: Any) -> None:
        """Reads the weights from a file of save or save_weights, by name, or in order when the names differ; shapes must agree."""
        self._load_weights(_path("load_weights", filepath))

    def _hooks(self, method: str, callbacks: Any, steps: int, verbose: int) -> CallbackList | None:
        if callbacks is None and verbose == 0:
            return None
        if isinstance(callbacks, CallbackList):
            return callbacks
        return CallbackList(callbacks, model=self, params={"steps": steps, "verbose": verbose}, verbose=verbose)


def _result(logs: dict[str, float], return_dict: bool) -> Any:
    if return_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values


def _loss(loss: Any) -> Any:
    if callable(loss) and not isinstance(loss, (_core.Loss, type)):
        name = getattr(loss, "__name__", "")
        if getattr(losses, name, None) is not loss:
            raise TypeError(f"compile: loss must be a name or an object of nacre.losses, got the function {name or loss!r}.")
        loss = name
    return losses.get(loss)


def _metric(metric: Any, place: int) -> Any:
    if isinstance(metric, str):
        return metric
    wanted = f"compile: metrics[{place}] must be a name or an object of nacre.metrics"
    if callable(metric) and not isinstance(metric, (_core.Metric, type)):
        name = getattr(metric, "__name__", "")
        if getattr(metrics, name, None) is not metric and getattr(losses, name, None) is not metric:
            raise TypeError(f"{wanted}, got the function {name or metric!r}.")
        return name
    try:
        return metrics.get(metric)
    except TypeError:
        raise TypeError(f"{wanted}, got {metric!r}.") from None


def load_model(filepath: Any) -> Sequential:
    """The model that Sequential.save wrote, ready to predict, and when it was compiled to go on training exactly where it stopped.

    Args:
        filepath: The file. Everything in it is checked; no code is run from it and no class is made that nacre does not have.

    Returns:
        Sequential.

    Raises:
        OSError: The file cannot be read.
        FormatError: It is damaged or no model of nacre (a ValueError).
        ShapeError: A weight does not fit the architecture (a ValueError).

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
    model = Sequential()
    _read(model, _path("load_model", filepath))
    return model


def _read(model: Sequential, path: str) -> None:
    def make(class_name: str, config: dict[str, Any]) -> Any:
        optimizer = optimizers.get({"class_name": class_name, "config": config})
        model._kept["optimizer"] = optimizer
        return optimizer

    model._load(path, make)
    if model.compiled:
        model._kept["loss"] = losses.get(model.get_compile_config()["loss"])


def _restore(cls: type[Sequential], content: bytes) -> Sequential:
    """Unpickles a model from the bytes of its file, with the checks of load_model."""
    model = cls.__new__(cls)
    Sequential.__init__(model)  # a class of the user's may take other arguments
    with _temporary_file() as path:
        with open(path, "wb") as file:
            file.write(content)
        _read(model, path)
    return model
