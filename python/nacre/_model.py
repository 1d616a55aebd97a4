"""What all models share: weights, compile, fit, evaluate, predict and files, with the methods and words of Keras.

The loops run in C++ without the interpreter lock. Python is entered for callbacks' hooks, for layers written in Python, and for progress at most ten
times a second.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import _core, losses, metrics, optimizers
from ._arguments import (
    _arrays,
    _by_name,
    _check_keys,
    _class_weight,
    _number,
    _optional_whole,
    _path,
    _rows,
    _steps,
    _verbose,
    _whole,
)
from .callbacks import CallbackList, History
from .progress import printable


def _is_config(value: Any) -> bool:
    return isinstance(value, Mapping) and "class_name" in value


def _per_output_given(loss: Any, metrics: Any, loss_weights: Any) -> bool:
    """Was anything given for each output?"""
    if loss_weights is not None or isinstance(loss, (list, tuple)) or (isinstance(loss, Mapping) and not _is_config(loss)):
        return True
    nested = isinstance(metrics, (list, tuple)) and any(isinstance(m, (list, tuple)) for m in metrics)
    return nested or (isinstance(metrics, Mapping) and not _is_config(metrics))


def _losses(loss: Any, names: list[str]) -> Any:
    """The loss of every output, or a list with one for each (None: none)."""
    if isinstance(loss, Mapping) and not _is_config(loss):
        _check_keys("compile", "loss", loss, names)
        missing = [n for n in names if n not in loss]
        if missing:
            raise ValueError(f"compile: loss lacks '{missing[0]}'. Give every output one, or None for no loss: {', '.join(names)}.")
        loss = [loss[n] for n in names]
    if isinstance(loss, (list, tuple)):
        if len(loss) != len(names):
            raise ValueError(f"compile: the model has {len(names)} outputs ({', '.join(names)}), but loss has {len(loss)}.")
        given = [None if one is None else _loss(one) for one in loss]
        return given[0] if len(given) == 1 and given[0] is not None else given
    return _loss(loss)


def _metric_lists(metrics: Any, names: list[str]) -> list[list[Any]]:
    """A list of metrics for each output."""
    if metrics is None:
        return [[] for _ in names] if len(names) > 1 else [[]]
    if isinstance(metrics, Mapping) and not _is_config(metrics):
        if len(names) <= 1 and not all(k in names for k in metrics):
            raise TypeError(f"compile: metrics must be a list of names or objects, got {type(metrics).__name__}.")
        _check_keys("compile", "metrics", metrics, names)
        metrics = [metrics.get(n) for n in names]
        if len(names) == 1:
            metrics = metrics[0]
    if isinstance(metrics, (str, _core.Metric)):
        metrics = [metrics]
    if isinstance(metrics, Mapping) or not isinstance(metrics, Iterable):
        raise TypeError(f"compile: metrics must be a list of names or objects, got {type(metrics).__name__}.")
    given = list(metrics)
    if len(names) <= 1:
        if len(given) == 1 and isinstance(given[0], (list, tuple)):
            given = list(given[0])
        return [[_metric(m, i) for i, m in enumerate(given)]]
    if len(given) != len(names):
        raise ValueError(
            f"compile: the model has {len(names)} outputs ({', '.join(names)}), but metrics has {len(given)}. Give a list for each output."
        )
    lists = [[] if m is None else list(m) if isinstance(m, (list, tuple)) else [m] for m in given]
    return [[_metric(m, i) for i, m in enumerate(own)] for own in lists]


def _loss_weights(weights: Any, names: list[str]) -> list[float] | None:
    if weights is None:
        return None
    if isinstance(weights, Mapping):
        _check_keys("compile", "loss_weights", weights, names)
        weights = [weights.get(n, 1.0) for n in names]
    if not isinstance(weights, (list, tuple)):
        raise TypeError(f"compile: loss_weights must be a list or dictionary of numbers, got {type(weights).__name__}.")
    if len(weights) != len(names):
        raise ValueError(f"compile: the model has {len(names)} outputs ({', '.join(names)}), but loss_weights has {len(weights)}.")
    return [_number("compile", f"loss_weights[{i}]", w) for i, w in enumerate(weights)]


class ModelBase:
    """The methods of models. Each kind of model derives from this and from a class of the core."""

    _kept: dict[str, Any]  # Python objects whose classes the core does not know
    history: History | None  # of the last fit
    _later: tuple[Any, ...] | None  # what compile was given, until the number of outputs is known

    if TYPE_CHECKING:  # of the core

        def __getattr__(self, name: str) -> Any: ...

    def _start(self) -> None:
        self._kept = {}
        self.history = None
        self._later = None

    # ---- structure ----

    @property
    def layers(self) -> list[Any]:
        """The layers; those of a Sequential without its Input."""
        found: list[Any] = self._layers()
        return found

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
        copies: list[Any] = self._get_weights()
        return copies

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Copies arrays into the weights, in the order of get_weights; all of them or none."""
        if isinstance(weights, (str, Mapping)) or not isinstance(weights, Iterable):
            raise TypeError(f"set_weights: weights must be a list of arrays, got {type(weights).__name__}.")
        self._set_weights(list(weights))

    # ---- use ----

    def __call__(self, inputs: Any, training: bool | None = None) -> Any:
        """The model's result for inputs, a tensor (or a list or dictionary, as the model's inputs and outputs are); records gradients.

        training=True turns dropout on and lets BatchNormalization learn. Symbolic tensors give symbolic tensors: a model is a layer too.
        """
        arrays = self._input_list("model", "x", inputs)
        if any(isinstance(x, _core.SymbolicTensor) for x in arrays):
            return self._output_structure(_core.connect(self, arrays))  # type: ignore[arg-type]
        if _core.in_scope():  # a part of a layer or model written in Python
            return self._output_structure(self._inner(arrays, None if training is None else bool(training)))
        return self._output_structure(self._call(arrays, bool(training)))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """The same as calling the model."""
        return self(inputs, training=training)

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        run_eagerly: bool = False,
    ) -> None:
        """Says how the model is trained.

        Args:
            optimizer: Name or object of nc.optimizers.
            loss: Name or object of nc.losses; for several outputs also a list or a dictionary by output name, None for outputs without a loss.
            metrics: List of names or objects of nc.metrics; "accuracy" picks the one that fits the loss and the shapes. For several outputs a list
                of lists, or a dictionary by output name.
            loss_weights: Factors of the outputs' losses in the sum that is minimised: list or dictionary; None: 1.
            run_eagerly: True calls the layers for each batch; False captures each step once and replays it, faster and with the same results.

        Raises:
            ValueError: A name is unknown, or the numbers of outputs and of losses differ.
            TypeError: Something is neither a name nor an object of nacre (Python functions as losses or metrics are not supported yet).
        """
        if loss is None:
            raise ValueError("compile: the loss is missing. Give its name or an object of nacre.losses.")
        if not isinstance(run_eagerly, bool):
            raise TypeError(f"compile: run_eagerly must be True or False, got {run_eagerly!r}.")
        chosen = optimizers.get(optimizer)
        names = self.output_names
        per_output = _per_output_given(loss, metrics, loss_weights)
        if not names and per_output:  # until the first data say how many outputs there are
            self._later = (chosen, loss, metrics, loss_weights)
        else:
            self._compile_for(names, chosen, loss, metrics, loss_weights)
        self.run_eagerly = run_eagerly
        self._kept["optimizer"] = chosen
        self._kept["loss"] = loss

    def _compile_for(self, names: list[str], optimizer: Any, loss: Any, metrics: Any, loss_weights: Any) -> None:
        self._later = None
        losses = _losses(loss, names)
        self._compile(optimizer, losses, _metric_lists(metrics, names), _loss_weights(loss_weights, names))

    def _ready(self, arrays: list[Any]) -> None:
        """Makes what compile could not know before there were data."""
        if self._later is not None:
            self._ensure_built(arrays)
            self._compile_for(self.output_names, *self._later)

    # ---- arrays of inputs and outputs ----

    @property
    def _one_input(self) -> bool:
        if "one input" not in self._kept:
            self._kept["one input"] = len(self.input_names) == 1
        return bool(self._kept["one input"])

    def _input_list(self, method: str, name: str, value: Any) -> list[Any]:
        if not isinstance(value, (list, tuple, Mapping)) and self._one_input:
            return [value]
        return _by_name(method, name, value, self.input_names, "input", self._input_ranks())

    def _input_ranks(self) -> list[int]:
        try:
            shapes = self.input_shape
        except RuntimeError:
            return []
        return [len(s) for s in shapes] if isinstance(shapes, list) else [len(shapes)]

    def _target_list(self, method: str, name: str, value: Any) -> list[Any]:
        return [] if value is None else _by_name(method, name, value, self.output_names or ["output"], "output", [])

    def _weight_list_of(self, method: str, value: Any) -> list[Any]:
        names = self.output_names or ["output"]
        if value is None:
            return []
        if len(names) == 1 or not isinstance(value, (list, tuple, Mapping)):
            return [value[names[0]] if isinstance(value, Mapping) and names[0] in value else value]
        if isinstance(value, Mapping):
            _check_keys(method, "sample_weight", value, names)
            return [value.get(n) for n in names]
        return _by_name(method, "sample_weight", value, names, "output", [])

    def _output_structure(self, results: list[Any]) -> Any:
        """The results as the model's outputs hang together."""
        return results[0] if len(results) == 1 else results

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
            x: Inputs [N, ...], a NumPy array or tensor, read where it lies; for several inputs a list, or a dictionary by input name.
            y: Targets, N rows; for several outputs a list, or a dictionary by output name.
            batch_size: Rows per step; None: 32. The last, smaller batch is kept.
            epochs: Number of the last epoch; training begins at initial_epoch.
            verbose: 0 shows nothing, 1 a progress bar, 2 a line per epoch; "auto" is 1.
            callbacks: List of nc.callbacks.
            validation_split: Share of the rows, taken from the end before shuffling, that is tested after each epoch and not trained on.
            validation_data: (x, y) or (x, y, sample_weight) to test after each epoch; goes before validation_split.
            shuffle: Take the rows in a new order each epoch.
            class_weight: Weight of each class in the loss; classes that are not there weigh 1. For one output.
            sample_weight: Weight of each row in the loss; for several outputs one for all, a list, or a dictionary.
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
        arrays = _arrays("fit: x", self._input_list("fit", "x", x))
        self._ready(arrays)
        rows = _rows(arrays)
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
        tested = [] if validation[0] is None else self._input_list("fit", "validation_data[0]", validation[0])
        hooks = CallbackList(callbacks, model=self, params=params, add_history=True, verbose=shown)
        self.history = hooks.history
        self._fit(
            arrays,
            self._target_list("fit", "y", y),
            hooks=hooks,
            batch_size=size,
            epochs=last,
            initial_epoch=_whole("fit", "initial_epoch", initial_epoch),
            validation_split=split,
            shuffle=bool(shuffle),
            class_weight=_class_weight("fit", class_weight),
            sample_weight=self._weight_list_of("fit", sample_weight),
            validation_x=tested,
            validation_y=self._target_list("fit", "validation_data[1]", validation[1]),
            validation_sample_weight=self._weight_list_of("fit: validation_data", validation[2]),
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
        arrays = _arrays("evaluate: x", self._input_list("evaluate", "x", x))
        self._ready(arrays)
        targets, weights = self._target_list("evaluate", "y", y), self._weight_list_of("evaluate", sample_weight)
        hooks = self._hooks("evaluate", callbacks, _steps(_rows(arrays), max(size, 1), limit), _verbose("evaluate", verbose))
        logs = self._evaluate(arrays, targets, size, weights, limit, hooks)
        return _result(logs, return_dict)

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None, callbacks: Any = None
    ) -> Any:
        """The model's results for the rows of x, a NumPy array for each output. Several threads may predict at once."""
        size = 32 if batch_size is None else _whole("predict", "batch_size", batch_size)
        limit = _optional_whole("predict", "steps", steps)
        silent = callbacks is None and limit is None and _verbose("predict", verbose) == 0
        if silent and len(getattr(x, "shape", ())) > 0 and 0 < x.shape[0] <= size:  # one batch
            results = self._predict_on_batch_again(x)
            if results is not None:
                return self._output_structure(results)
        arrays = _arrays("predict: x", self._input_list("predict", "x", x))
        if silent and 0 < _rows(arrays) <= size:
            return self._output_structure(self._predict_on_batch(arrays, "predict"))
        hooks = self._hooks("predict", callbacks, _steps(_rows(arrays), max(size, 1), limit), _verbose("predict", verbose))
        return self._output_structure(self._predict(arrays, size, limit, hooks))

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One training step with these rows; returns the loss and metrics of these rows alone, from before the update."""
        method = "train_on_batch"
        if sample_weight is None and class_weight is None and not return_dict:
            result = self._train_on_batch_again(x, y)
            if result is not None:
                return result
        arrays = _arrays(f"{method}: x", self._input_list(method, "x", x))
        self._ready(arrays)
        targets, weights = self._target_list(method, "y", y), self._weight_list_of(method, sample_weight)
        return _result(self._train_on_batch(arrays, targets, weights, _class_weight(method, class_weight)), return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """The loss and metrics of these rows."""
        method = "test_on_batch"
        arrays = _arrays(f"{method}: x", self._input_list(method, "x", x))
        self._ready(arrays)
        targets, weights = self._target_list(method, "y", y), self._weight_list_of(method, sample_weight)
        return _result(self._test_on_batch(arrays, targets, weights), return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The results for these rows in one batch, a NumPy array."""
        results = self._predict_on_batch_again(x)
        if results is not None:
            return self._output_structure(results)
        arrays = _arrays("predict_on_batch: x", self._input_list("predict_on_batch", "x", x))
        return self._output_structure(self._predict_on_batch(arrays, "predict_on_batch"))

    def plan(
        self,
        x: Any = None,
        y: Any = None,
        *,
        mode: str = "train",
        batch_size: int = 32,
        profile: bool = False,
        print_fn: Callable[[str], Any] | None = None,
    ) -> None:
        """Prints the steps that training, evaluation or prediction of one batch runs, without Python and without allocating memory.

        A row per step: the op (joined names: one pass over a chain of elementwise ops), its inputs and outputs with dtype, shape and place in memory,
        floating-point operations and bytes. The first is the copy of the batch's rows out of the arrays given to fit, evaluate or predict; in
        training the last ones are the optimizer's passes over the variables that lie side by side. The last line compares the memory that values
        share (the arena) with what they would take each alone. The model's weights are not changed.

        Args:
            x: The batch; None: zeros, as many rows as batch_size.
            y: Its targets; None: zeros. Not used by mode="predict".
            mode: "train" (default), "test" or "predict".
            batch_size: Rows when x is None.
            profile: Run the steps some times and add the time of each, microseconds. The optimizer then updates copies of the weights; rows come
                from this batch alone.
            print_fn: Called with the text in place of print.

        Raises:
            StateError: The model was compiled with run_eagerly=True, is not built and x is None, or is not compiled and mode is not "predict", or is
                being trained (mode="train").
            ValueError: mode is none of the three.

        Example:
            >>> model = nc.Sequential([nc.Input((4,)), nc.layers.Dense(2)])
            >>> model.plan(mode="predict", batch_size=8)
               0  gather                     rows of float32 [N, 4] -> float32 [8, 4] x; 0 flop, 256 B
               1  dense                      float32 [8, 4] x, float32 [4, 2] dense/kernel, float32 [2] dense/bias -> float32 [8, 2] @128; 128 flop, 232 B
            2 steps, 128 flop, 488 B; arena 192 B in place of 192 B
        """
        from ._plan import plan_text

        text = plan_text(self, x, y, mode, _whole("plan", "batch_size", batch_size), bool(profile))
        if print_fn is None:
            print(text, end="")
        else:
            print_fn(text.rstrip("\n"))

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
