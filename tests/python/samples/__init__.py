"""Samples of every op: inputs, options, expected values. One module per family of ops, each with two tables keyed by op name.

`SAMPLES[name]` is a list of `S`, right calls with a NumPy reference:

    SAMPLES = {
        "softmax": [
            S("rows", [r(3, 5)], lambda x, axis: ..., axis=-1),
        ],
    }

`BAD[name]` is a list of `B`, wrong calls with the error they must raise and pieces of its message:

    BAD = {
        "softmax": [B([r(2, 3)], "ValueError", ["softmax", "axis", "7"], axis=7)],
    }

The generic tests (test_ops_*.py) run every sample in float32 and float64, contiguous and strided, with 1 and 2 threads, compare the values
with the reference and the first and second gradients with central differences, and compare both tables with the registry.

An input is a maker: a function of a numpy Generator that gives an array. float64 arrays stand for "a float": they are passed as float32 and
as float64. Every other dtype is passed as it is. None is an absent optional input. The inputs of a variadic op are simply listed.
Keep gradient samples at 200 elements or fewer, and away from kinks (`away=`), where a difference quotient is no derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Maker = Callable[[np.random.Generator], np.ndarray]

SIZES = (1, 7, 8, 9, 15, 16, 17, 33)  # around the widths of packets


def r(*shape: int, low: float = -2.0, high: float = 2.0, away: Sequence[float] = (), margin: float = 0.05) -> Maker:
    """Uniform floats in [low, high), at least `margin` away from the values in `away`."""

    def make(rng: np.random.Generator) -> np.ndarray:
        x = rng.uniform(low, high, shape)
        for a in away:
            near = np.abs(x - a) < margin
            x = np.where(near, a + np.where(x >= a, margin, -margin) * (1 + np.abs(x - a)), x)
        return x

    return make


def distinct(*shape: int, gap: float = 0.1) -> Maker:
    """Floats that are all different by at least `gap` / 2: for max, sort and the like, whose gradient breaks at ties."""

    def make(rng: np.random.Generator) -> np.ndarray:
        n = int(np.prod(shape, dtype=np.int64))
        values = (np.arange(n) - n / 2) * gap + rng.uniform(-gap / 4, gap / 4, n)
        return rng.permutation(values).reshape(shape)

    return make


def ints(*shape: int, low: int = -5, high: int = 6, dtype: str = "int32") -> Maker:
    """Integers in [low, high)."""
    return lambda rng: rng.integers(low, high, shape).astype(dtype)


def bools(*shape: int) -> Maker:
    return lambda rng: rng.random(shape) < 0.5


def const(values: Any, dtype: str | None = None) -> Maker:
    """These values. Floats without a dtype are float64, which stands for both float types."""
    array = np.asarray(values, dtype=dtype)
    return lambda rng: array.copy()


@dataclass(frozen=True)
class Sample:
    label: str
    inputs: tuple[Maker | None, ...]
    reference: Callable[..., Any] | None
    check: Callable[..., None] | None
    attrs: dict[str, Any] = field(default_factory=dict)
    gradient: bool = True
    second: bool = True
    strided: bool = True
    rtol: float = 0.0
    atol: float = 0.0
    dtypes: tuple[str, ...] = ("float32", "float64")

    def arrays(self, seed: int = 0) -> list[np.ndarray | None]:
        rng = np.random.default_rng([seed, *self.label.encode()])
        return [None if make is None else make(rng) for make in self.inputs]


def S(
    label: str,
    inputs: Sequence[Maker | None],
    reference: Callable[..., Any] | None = None,
    *,
    check: Callable[..., None] | None = None,
    gradient: bool = True,
    second: bool = True,
    strided: bool = True,
    rtol: float = 0.0,
    atol: float = 0.0,
    dtypes: Sequence[str] = ("float32", "float64"),
    **attrs: Any,
) -> Sample:
    """A right call.

    Args:
        label: Name of the case within its op.
        inputs: Makers; None where an optional input is absent.
        reference: f(*arrays, **attrs) in NumPy: the expected output, or a tuple of them. It gets float64 arrays (the values that the op
            got, so rounded to float32 first when the op runs in float32) and the attributes given here.
        check: Instead of a reference: f(outputs, *arrays, **attrs) with asserts, for random numbers and the like.
        gradient: False leaves out the gradient tests, with a comment that says why.
        second: False leaves out the second derivative only, with a comment that says why.
        strided: False leaves out the strided variant (keys of random ops).
        rtol, atol: Added to the tolerance of the value test: 1e-5 relative in float32, 1e-12 in float64, of the largest expected value.
        dtypes: The float types to run in.
        attrs: The op's attributes.
    """
    return Sample(label, tuple(inputs), reference, check, attrs, gradient, second, strided, rtol, atol, tuple(dtypes))


@dataclass(frozen=True)
class Bad:
    inputs: tuple[Any, ...]
    error: str
    match: tuple[str, ...]
    attrs: dict[str, Any] = field(default_factory=dict)

    def objects(self) -> list[Any]:
        rng = np.random.default_rng(0)
        return [make(rng) if callable(make) else make for make in self.inputs]


def B(inputs: Sequence[Any], error: str, match: Sequence[str], **attrs: Any) -> Bad:
    """A wrong call: `error` is the name of the error class (ValueError, ShapeError, DTypeError, TypeError, IndexError), `match` the
    pieces that its message must contain: the op, the argument, the value. Inputs are makers or any Python objects; float64 arrays are
    passed as float32."""
    return Bad(tuple(inputs), error, tuple(match), attrs)


def tables() -> tuple[dict[str, list[Sample]], dict[str, list[Bad]]]:
    """The tables of all families, merged; an op that stands in two of them is an error."""
    from . import array, math, nn

    samples: dict[str, list[Sample]] = {}
    bad: dict[str, list[Bad]] = {}
    for module in (math, array, nn):
        for merged, own in ((samples, module.SAMPLES), (bad, module.BAD)):
            twice = merged.keys() & own.keys()
            if twice:
                raise ValueError(f"ops in two sample modules: {sorted(twice)}")
            merged.update(own)
    return samples, bad
