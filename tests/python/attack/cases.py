"""The list of attacks. A case is named, so that a crash in a child process says which call it was."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from samples import tables

import nacre as nc
from attack import values
from nacre import _core


@dataclass(frozen=True)
class Case:
    name: str  # "op softmax / x / nan"
    owner: tuple[str, ...]  # a message names one of these
    argument: str
    words: tuple[str, ...]  # and shows one of these, or the argument
    run: Callable[[], Any]
    arrays: tuple[Any, ...] = ()  # the caller's arrays, which must not change


def backward(result: Any) -> None:
    """Walks back from every float output that is recorded."""
    outputs = result if isinstance(result, (list, tuple)) else [result]
    for y in outputs:
        if isinstance(y, nc.Tensor) and y.requires_grad:
            y.backward(nc.ones_like(y), retain_graph=True)


def as_argument(x: Any, record: bool = True) -> Any:
    """A float array as a leaf that requires a gradient; everything else as it is."""
    if record and isinstance(x, np.ndarray) and x.dtype in (np.float32, np.float64):
        return nc.Tensor(x, requires_grad=True)
    return x


def ops() -> Iterator[Case]:
    samples, _ = tables()
    for name, record in _core.op_records().items():
        if record["internal"]:
            continue
        function = _core.op_functions[name]
        sample = samples[name][0]
        valid = [None if a is None else a.astype("float32") if a.dtype == np.float64 else a for a in sample.arrays()]
        variadic = any(i["variadic"] for i in record["inputs"])
        inputs = record["inputs"]

        def call(
            arrays: list[Any],
            attrs: dict[str, Any],
            function: Any = function,
            variadic: bool = variadic,
            fixed: int = len(inputs) - 1,
        ) -> Any:
            tensors = [as_argument(a) for a in arrays]
            given = [*tensors[:fixed], tensors[fixed:]] if variadic else tensors
            return backward(function(*given, **attrs))

        for k, array in enumerate(valid):
            if array is None:
                continue
            argument = inputs[min(k, len(inputs) - 1)]["name"]
            for label, value, words in values.tensors(array):
                arrays = [*valid[:k], value, *valid[k + 1 :]]
                yield Case(f"op {name} / {argument} {k} / {label}", (name,), argument, words,
                           lambda arrays=arrays, attrs=sample.attrs, call=call: call(arrays, attrs),
                           tuple(a for a in arrays if isinstance(a, np.ndarray)))  # fmt: skip
        for field in record["fields"]:
            for label, value, words in values.BY_KIND[field["kind"]]:
                attrs = {**sample.attrs, field["name"]: value}
                yield Case(f"op {name} / {field['name']} / {label}", (name,), field["name"], words,
                           lambda attrs=attrs, valid=valid, call=call: call(valid, attrs),
                           tuple(a for a in valid if a is not None))  # fmt: skip


# Layers that take a list.
MERGING = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")


# Valid constructor arguments and an input for each layer.
def _layers() -> dict[str, tuple[dict[str, Any], np.ndarray]]:
    rng = np.random.default_rng(0)

    def f(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype("float32")

    image, series = f(2, 6, 6, 4), f(2, 6, 4)
    table: dict[str, tuple[dict[str, Any], np.ndarray]] = {
        "Dense": ({"units": 3}, f(4, 5)),
        "Conv1D": ({"filters": 4, "kernel_size": 3}, series),
        "Conv2D": ({"filters": 4, "kernel_size": 3}, image),
        "DepthwiseConv2D": ({"kernel_size": 3}, image),
        "Conv2DTranspose": ({"filters": 3, "kernel_size": 3}, image),
        "Reshape": ({"target_shape": (4, 6)}, series),
        "Permute": ({"dims": (2, 1)}, series),
        "Dropout": ({"rate": 0.5}, f(4, 5)),
        "Activation": ({"activation": "relu"}, f(4, 5)),
        "Rescaling": ({"scale": 2.0}, f(4, 5)),
        "SimpleRNN": ({"units": 3}, series),
        "GRU": ({"units": 3}, series),
        "LSTM": ({"units": 3}, series),
        "Embedding": ({"input_dim": 10, "output_dim": 3}, rng.integers(0, 10, (2, 3)).astype("int32")),
    }
    for name in _core.layer_classes():
        if name in table or name in ("InputLayer", "MultiHeadAttention"):
            continue
        deep = "2D" in name
        table[name] = ({}, image if deep else series)
    return table


def layers() -> Iterator[Case]:
    for name, (options, x) in _layers().items():
        cls = getattr(nc.layers, name)
        snake = cls(**options).name
        merges = issubclass(cls, tuple(getattr(nc.layers, n) for n in MERGING))

        def call(options: dict[str, Any], x: Any, cls: Any = cls, merges: bool = merges) -> None:
            argument = as_argument(x)
            backward(cls(**options)([argument, argument] if merges else argument, training=True))

        for info in _core.layer_options(name):
            kind = info["kind"].rstrip("?")
            for label, value, words in values.BY_KIND[kind]:
                changed = {**options, info["name"]: value}
                yield Case(f"layer {name} / {info['name']} / {label}", (name, snake), info["name"], words,
                           lambda options=changed, x=x, call=call: call(options, x), (x,))  # fmt: skip
        for label, value, words in values.tensors(x):
            yield Case(f"layer {name} / x / {label}", (name, snake), "input", words, lambda options=options, value=value, call=call: call(options, value),
                       (value,) if isinstance(value, np.ndarray) else ())  # fmt: skip


def objects() -> Iterator[Case]:
    """Optimizers, losses and metrics: constructor arguments, then their calls."""
    for module, base in ((nc.optimizers, nc.optimizers.Optimizer), (nc.losses, nc.losses.Loss), (nc.metrics, nc.metrics.Metric)):
        for name in module.__all__:
            cls = getattr(module, name)
            if not (isinstance(cls, type) and issubclass(cls, base)) or cls is base:
                continue
            for argument, parameter in inspect.signature(cls).parameters.items():
                default = parameter.default
                kind = (
                    "bool"
                    if isinstance(default, bool)
                    else "int"
                    if isinstance(default, int)
                    else "float"
                    if isinstance(default, float)
                    else "any"
                )
                kind = "str" if isinstance(default, str) else kind
                for label, value, words in values.BY_KIND[kind]:
                    yield Case(f"{module.__name__} {name} / {argument} / {label}", (name,), argument, words,
                               lambda cls=cls, argument=argument, value=value: cls(**{argument: value}))  # fmt: skip
    rng = np.random.default_rng(0)
    for name in nc.losses.__all__:
        cls = getattr(nc.losses, name)
        if not (isinstance(cls, type) and issubclass(cls, nc.losses.Loss)) or cls is nc.losses.Loss:
            continue
        sparse = name in ("SparseCategoricalCrossentropy", "NLL")
        y_pred = rng.dirichlet(np.ones(3), 4).astype("float32")
        y_true = rng.integers(0, 3, 4).astype("int32") if sparse else rng.dirichlet(np.ones(3), 4).astype("float32")
        names = (name, cls().name)
        for argument, valid in (("y_true", y_true), ("y_pred", y_pred), ("sample_weight", np.ones(4, "float32"))):
            for label, value, words in values.tensors(valid):
                given = {"y_true": y_true, "y_pred": y_pred, argument: value}
                yield Case(f"loss {name} / {argument} / {label}", names, argument, words,
                           lambda cls=cls, given=given: backward(cls()(given["y_true"], as_argument(given["y_pred"]), given.get("sample_weight"))),
                           tuple(v for v in given.values() if isinstance(v, np.ndarray)))  # fmt: skip
    for name in ("SGD", "Adam", "RMSprop"):
        cls = getattr(nc.optimizers, name)
        for label, value, words in values.tensors(np.ones((2, 3), "float32")):
            yield Case(f"optimizer {name} / grads / {label}", (name,), "grad", words,
                       lambda cls=cls, value=value: cls().apply([value], [nc.Tensor(np.ones((2, 3), "float32"), requires_grad=True)]))  # fmt: skip


def _model() -> Any:
    model = nc.Sequential([nc.Input(shape=(5,)), nc.layers.Dense(4, activation="relu"), nc.layers.Dense(3, activation="softmax")])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def models() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((8, 5)).astype("float32"), rng.integers(0, 3, 8).astype("int32")
    for method in ("fit", "evaluate", "train_on_batch", "test_on_batch"):
        extra = {"verbose": 0} if method in ("fit", "evaluate") else {}
        for argument, valid in (("x", x), ("y", y), ("sample_weight", np.ones(8, "float32"))):
            for label, value, words in values.tensors(valid):
                given = {"x": x, "y": y, argument: value, **extra}
                yield Case(f"model {method} / {argument} / {label}", (method, "crossentropy", "sequential", "dense", "accuracy", "InputLayer"), argument, words,
                           lambda method=method, given=given: getattr(_model(), method)(**given),
                           tuple(v for v in given.values() if isinstance(v, np.ndarray)))  # fmt: skip
    for method in ("predict", "predict_on_batch"):
        extra = {"verbose": 0} if method == "predict" else {}
        for label, value, words in values.tensors(x):
            yield Case(f"model {method} / x / {label}", (method, "predict", "sequential", "dense", "InputLayer"), "x", words,
                       lambda method=method, value=value, extra=extra: getattr(_model(), method)(value, **extra),
                       (value,) if isinstance(value, np.ndarray) else ())  # fmt: skip
    kinds = {
        "fit": {"batch_size": "int", "epochs": "int", "validation_split": "float", "shuffle": "bool", "initial_epoch": "int", "verbose": "str",
                "steps_per_epoch": "int", "validation_freq": "int", "validation_batch_size": "int", "class_weight": "any", "callbacks": "any",
                "validation_data": "any"},
        "evaluate": {"batch_size": "int", "steps": "int"},
        "predict": {"batch_size": "int", "steps": "int"},
        "compile": {"optimizer": "any", "loss": "any", "metrics": "any"},
    }  # fmt: skip
    for method, arguments in kinds.items():
        known = inspect.signature(getattr(nc.Sequential, method)).parameters
        for argument, kind in arguments.items():
            if argument not in known:
                continue
            for label, value, words in values.BY_KIND[kind]:
                if argument in ("epochs", "steps_per_epoch") and label in ("big", "huge"):
                    continue  # a right call that would train for years
                given = {argument: value}
                if method == "fit" or method == "evaluate":
                    given = {"x": x, "y": y, "verbose": 0, **given}
                elif method == "predict":
                    given = {"x": x, "verbose": 0, **given}
                elif method == "compile":
                    given = {"loss": "sparse_categorical_crossentropy", **given}
                yield Case(f"model {method} / {argument} / {label}", (method, "Sequential", "optimizer", "loss", "metric"), argument, words,
                           lambda method=method, given=given: getattr(_model(), method)(**given))  # fmt: skip
    for label, value, words in values.ANY:
        yield Case(
            f"model add / layer / {label}", ("add", "Sequential", "layer"), "layer", words, lambda value=value: _model().add(value)
        )
        yield Case(
            f"model set_weights / weights / {label}",
            ("set_weights",),
            "weights",
            words,
            lambda value=value: _model().set_weights(value),
        )
        yield Case(
            f"load_model / filepath / {label}",
            ("load_model", "load"),
            "path",
            words,
            lambda value=value: nc.models.load_model(value),
        )
        yield Case(f"Sequential.from_config / config / {label}", ("from_config", "Sequential"), "config", words,
                   lambda value=value: nc.Sequential.from_config(value))  # fmt: skip
    for label, value, words in values.INTS:
        yield Case(f"model build / input_shape / {label}", ("build", "Sequential", "dense", "Input", "shape"), "shape", words,
                   lambda value=value: nc.Sequential([nc.layers.Dense(2)]).build(value))  # fmt: skip
        yield Case(f"Input / shape / {label}", ("Input", "dense", "Sequential"), "input", words,
                   lambda value=value: nc.Sequential([nc.Input(shape=value), nc.layers.Dense(2)]))  # fmt: skip


def functions() -> Iterator[Case]:
    """Tensors themselves, random numbers, and what stands beside the ops."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 4)).astype("float32")
    for label, value, words in [*values.INTEGER, *values.INTS]:
        yield Case(f"Tensor[] / index / {label}", ("index", "[]", "slice"), "index", words, lambda value=value: nc.Tensor(x)[value])
        yield Case(f"Tensor[]= / index / {label}", ("index", "[]", "slice", "assign"), "index", words,
                   lambda value=value: nc.Tensor(x).__setitem__(value, 1.0))  # fmt: skip
        yield Case(
            f"set_num_threads / n / {label}", ("set_num_threads",), "n", words, lambda value=value: nc.set_num_threads(value)
        )
        yield Case(
            f"set_random_seed / seed / {label}",
            ("set_random_seed",),
            "seed",
            words,
            lambda value=value: nc.utils.set_random_seed(value),
        )
    for label, value, words in values.tensors(x):
        yield Case(
            f"convert_to_tensor / x / {label}", ("convert_to_tensor",), "x", words, lambda value=value: nc.convert_to_tensor(value)
        )
        yield Case(f"asarray / x / {label}", ("asarray",), "x", words, lambda value=value: nc.asarray(value))
        yield Case(
            f"Tensor + / other / {label}",
            ("add", "+"),
            "y",
            words,
            lambda value=value: backward(nc.Tensor(x, requires_grad=True) + value),
        )
        yield Case(
            f"Tensor @ / other / {label}",
            ("matmul", "@"),
            "y",
            words,
            lambda value=value: backward(nc.Tensor(x, requires_grad=True) @ value),
        )
        yield Case(f"Tensor.assign / value / {label}", ("assign",), "value", words, lambda value=value: nc.Tensor(x).assign(value))
        yield Case(f"backward / gradient / {label}", ("backward",), "gradient", words,
                   lambda value=value: (nc.Tensor(x, requires_grad=True) * 2.0).backward(value))  # fmt: skip
    shapes = {"uniform": (), "normal": (), "truncated_normal": (), "randint": (0, 5), "bernoulli": ()}
    for name, rest in shapes.items():
        function = getattr(nc.random, name)
        for label, value, words in values.INTS:
            yield Case(
                f"random.{name} / shape / {label}",
                (name,),
                "shape",
                words,
                lambda function=function, value=value, rest=rest: function(value, *rest),
            )
        for label, value, words in values.REAL:
            yield Case(f"random.{name} / first number / {label}", (name,), "", words,
                       lambda function=function, value=value, rest=rest: function((2,), value, *rest[1:]))  # fmt: skip
    for label, value, words in values.DTYPE:
        yield Case(
            f"convert_to_tensor / dtype / {label}",
            ("convert_to_tensor", "dtype"),
            "dtype",
            words,
            lambda value=value: nc.convert_to_tensor(x, value),
        )
        yield Case(f"set_floatx / value / {label}", ("floatx",), "", words, lambda value=value: nc.config.set_floatx(value))


def all_cases() -> list[Case]:
    """In a fixed order, so that a child process can be told where to go on."""
    return [*ops(), *layers(), *objects(), *models(), *functions()]
