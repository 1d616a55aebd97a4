"""What is measured: cases (one shape), workloads (cases that share a process), and the rows of the table of targets.

A workload module offers WORKLOADS. A runner is called in a fresh process with a case and a Context and returns {variant: factory}; a factory
returns a Timed. So a framework can show several forms of one thing, each of which may fail by itself.
"""

from __future__ import annotations

import dataclasses
import importlib
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

FAMILIES = ("gemm", "conv", "attention", "rowwise", "optim", "train", "infer", "overhead")
# The first is ours; the order is that of the columns.
FRAMEWORKS = ("nacre", "numpy", "torch", "torch.compile", "jax", "keras-jax", "keras-torch", "onnxruntime", "scikit-learn")
NEIGHBOURS = 3  # drawn per training case
NEIGHBOUR_LIMIT = 1.25  # cost per flop relative to the named shape


class NotAvailable(Exception):
    """This framework has no such thing; the message says what is missing."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One shape of a workload, named op/shape[/form]."""

    name: str
    params: Mapping[str, Any]
    row: str  # key of ROWS
    flops: float = 0.0  # per call; 0: not counted
    bytes: float = 0.0  # moved per call at least; 0: not counted
    limit: str = ""  # "fma", "read", "triad", "triad l2" ...: what the rate is held against
    tolerance: float = 1e-4  # largest difference of results, relative to the largest value
    quick: bool = False
    neighbour_of: str = ""  # the named case that this one was drawn beside; only nacre runs it
    steps: int = 1  # training steps that one figure covers
    unit: str = "s"  # "s" or "B"
    peers: Sequence[str] = ()  # the variants that count as peers; empty: all


@dataclasses.dataclass
class Timed:
    """What a factory returns. Exactly one of call, loop and once is set."""

    call: Callable[[], Any] | None = None  # one unit of work
    loop: Callable[[int], Any] | None = None  # n units; for work so short that a call of Python's would show
    once: Callable[[], float] | None = None  # measures by itself, one figure per process: seconds or bytes
    check: Callable[[], Sequence[Any]] | None = None  # arrays that must agree between the frameworks
    units: float = 1.0  # calls of the case that one unit of work is (a fit over 50 batches: 50)
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Context:
    threads: int
    seed: int
    quick: bool
    cache: str  # a folder for files made on the way (ONNX models, Inductor's cache)


Runner = Callable[[Case, Context], Mapping[str, Callable[[], Timed]]]


@dataclasses.dataclass(frozen=True)
class Workload:
    """Cases timed one after another in one process per framework."""

    name: str
    title: str
    cases: Callable[[int], Sequence[Case]]  # seed -> cases, neighbours included
    runners: Mapping[str, Runner]
    slow: bool = False  # large: longer limit, fewer samples


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the table of targets: ratio = time of the best peer / ours."""

    title: str
    mean: float | None  # geometric mean over the cases; with `absolute`: seconds or bytes, an upper bound; None: no target
    worst: float | None = None
    absolute: bool = False


ROWS: dict[str, Row] = {
    "gemm-small": Row("GEMM to 128 square, 64x10x256", 1.5, 1.1),
    "gemm": Row("GEMM 256 to 2048 and skinny", 1.05, 0.98),
    "linear": Row("linear + bias + activation", 1.05, 0.98),
    "gemv": Row("matrix-vector 4096, both orders", 1.0, 0.95),
    "conv-fwd": Row("3x3 convolution, 64 and 128 channels, forward", 2.0, 1.7),
    "conv-bwd": Row("3x3 convolution, 64 and 128 channels, forward+backward", 1.6, 1.4),
    "conv-narrow": Row("3x3 convolution, 16 and 32 channels, forward+backward", 1.5, 1.3),
    "conv-first": Row("first layer (1 and 3 channels); depthwise, forward+backward", 1.6, 1.3),
    "conv-other": Row("1x1, stride 2, 5x5, 7x7 stride 2, dilation 2, groups 4, forward+backward", 1.05, 1.0),
    "conv-other-fwd": Row("the same and first layers, forward", None),
    "attention-fwd": Row("attention, forward", 1.2, 1.1),
    "attention-bwd": Row("attention, forward+backward", 1.3, 1.15),
    "attention-causal": Row("attention, causal", 1.3, 1.15),
    "attention-mask": Row("attention, padding mask", 1.1),
    "rowwise": Row("row-wise ops, 4096x1024, forward+backward", 1.4, 1.1),
    "rowwise-cache": Row("row-wise ops, in cache, forward+backward", 1.5, 1.2),
    "rowwise-fwd": Row("row-wise ops, forward alone", None),
    "optim": Row("Adam, AdamW on 10 M parameters", 1.0),
    "tiny-fit": Row("MLP 2-8-1, batch 32, SGD: fit over 2000 batches", 4.0),
    "tiny-batch": Row("MLP 2-8-1, batch 32, SGD: train_on_batch from NumPy", 6.0),
    "mlp13": Row("MLP 13-32-3, batch 16, Adam, 1000 steps through fit", 6.0),
    "fashion": Row("Fashion-MNIST MLP 784-256-128-10, batch 64, Adam, epoch through fit", 1.7),
    "lenet": Row("LeNet, batch 64, Adam, step", 2.5),
    "resnet20": Row("ResNet-20, batch 64, SGD momentum, step", 1.7),
    "lstm": Row("LSTM 128, T 64, batch 32, step", 1.4),
    "gpt-nano": Row("GPT-nano, T 64, batch 32, AdamW, step", 1.5),
    "large": Row("large: MLP 4096, ResNet-50, GPT-2 124M, steps", 1.0, 0.97),
    "eager-loop": Row("hand-written eager loop, Fashion MLP, against PyTorch eager's", 2.0),
    "infer": Row("inference of one row, each model, from Python", 1.6, 1.2),
    "predict": Row("predict of one row, LeNet, against Keras", 15.0),
    "add-torch": Row("eager add of two 8-element tensors, against PyTorch", 8.0),
    "add-numpy": Row("eager add of two 8-element tensors, against NumPy", 2.0),
    "compile-mlp": Row("compile() to the end of the first step: MLP", 2e-3, absolute=True),
    "compile-resnet20": Row("compile() to the end of the first step: ResNet-20", 20e-3, absolute=True),
    "threads": Row("2 threads against 1, every step over 1 ms", 1.8),
    "memory": Row("peak memory of a ResNet-20 step over that after import, against PyTorch", 1 / 0.6),
}


def workloads() -> dict[str, Workload]:
    """All workloads by name, in the order of the families."""
    found: dict[str, Workload] = {}
    for family in FAMILIES:
        for workload in importlib.import_module(f"workloads.{family}").WORKLOADS:
            if workload.name in found:
                raise ValueError(f"two workloads are called '{workload.name}'.")
            found[workload.name] = workload
    return found


def draw_neighbours(seed: int, name: str, draw: Callable[[random.Random], Mapping[str, Any]]) -> list[dict[str, Any]]:
    """NEIGHBOURS different parameter sets of a case, the same for the same seed, whatever else is drawn."""
    source = random.Random(f"{seed}/{name}")
    found: list[dict[str, Any]] = []
    for _ in range(100):
        params = dict(draw(source))
        if params not in found:
            found.append(params)
        if len(found) == NEIGHBOURS:
            return found
    raise ValueError(f"draw_neighbours: '{name}' gave fewer than {NEIGHBOURS} different neighbours in 100 draws.")


def odd(source: random.Random, low: int, high: int) -> int:
    """An odd number from low to high."""
    return source.randrange(low | 1, high + 1, 2)
