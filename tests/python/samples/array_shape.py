"""Samples of the array family: shapes, slices, joining, repeating, padding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import SIZES, B, Bad, S, Sample, bools, ints, r

INF, NAN = math.inf, math.nan
BIG = 2**62

SAMPLES: dict[str, list[Sample]] = {}
BAD: dict[str, list[Bad]] = {}


# ---- shapes ----


def np_reshape(x: np.ndarray, newshape: Any) -> np.ndarray:
    return np.reshape(x, newshape)


SAMPLES["reshape"] = [
    *(S(f"n={n}", [r(n)], np_reshape, newshape=(1, n, 1)) for n in SIZES),
    S("merge", [r(2, 3, 4)], np_reshape, newshape=(6, 4)),
    S("open size", [r(2, 3, 4)], np_reshape, newshape=(4, -1)),
    S("one number", [r(2, 3)], np_reshape, newshape=-1),
    S("to scalar", [r(1, 1)], np_reshape, newshape=()),
    S("empty", [r(0, 3)], np_reshape, newshape=(3, 0, 2)),
    S("empty, open size", [r(0, 3)], np_reshape, newshape=(-1, 3)),
    S("integers", [ints(6, dtype="int64")], np_reshape, newshape=(2, 3)),
    S("bool", [bools(6)], np_reshape, newshape=(3, 2)),
]
BAD["reshape"] = [
    B([r(2, 3)], "ShapeError", ["reshape", "newshape", "[4]", "[2, 3]"], newshape=(4,)),
    B([r(2, 3)], "ShapeError", ["reshape", "newshape", "-1"], newshape=(-1, -1)),
    B([r(2, 3)], "ShapeError", ["reshape", "newshape", "[4, -1]"], newshape=(4, -1)),
    B([r(2, 3)], "ShapeError", ["reshape", "newshape", "-2"], newshape=(-2, 3)),
    B([r(0, 3)], "ShapeError", ["reshape", "newshape", "[0, -1]"], newshape=(0, -1)),
    B([r(2, 3)], "ShapeError", ["reshape", str(BIG)], newshape=(BIG, 4, 4)),
    B([r(1)], "ShapeError", ["reshape", "newshape", "rank", "9"], newshape=(1,) * 9),
    B([r(2)], "TypeError", ["reshape", "newshape"], newshape="ab"),
]
SAMPLES["ravel"] = [
    S("matrix", [r(3, 5)], np.ravel),
    S("scalar", [r()], np.ravel),
    S("empty", [r(2, 0)], np.ravel),
    S("integers", [ints(2, 3, 4)], np.ravel),
]
BAD["ravel"] = [B([None], "TypeError", ["ravel", "x"]), B(["text"], "TypeError", ["ravel", "x"])]

SAMPLES["transpose"] = [
    S("matrix", [r(3, 5)], lambda x: x.T),
    S("rank 3", [r(2, 3, 4)], lambda x: x.T),
    S("axes", [r(2, 3, 4)], np.transpose, axes=(1, 2, 0)),
    S("axes from the end", [r(2, 3, 4)], np.transpose, axes=(-1, 0, -2)),
    S("scalar", [r()], lambda x: x.T),
    S("vector", [r(7)], np.transpose, axes=0),
    S("empty", [r(0, 3)], lambda x: x.T),
    S("rank 8", [r(1, 2, 1, 2, 1, 2, 1, 3)], lambda x: x.T),
    S("bytes", [ints(17, 33, dtype="uint8", low=0)], lambda x: x.T),
]
BAD["transpose"] = [
    B([r(2, 3)], "ValueError", ["transpose", "axes", "[0]"], axes=(0,)),
    B([r(2, 3)], "ValueError", ["transpose", "axis", "0", "twice"], axes=(0, 0)),
    B([r(2, 3)], "ValueError", ["transpose", "axis", "2"], axes=(0, 2)),
    B([r(2, 3)], "ValueError", ["transpose", str(BIG)], axes=(0, BIG)),
    B([r(2, 3)], "TypeError", ["transpose", "axes"], axes=(0.5, 1)),
]
SAMPLES["swapaxes"] = [
    S("first and last", [r(2, 3, 4)], np.swapaxes, axis1=0, axis2=-1),
    S("same", [r(2, 3)], np.swapaxes, axis1=1, axis2=1),
    S("empty", [r(2, 0, 3)], np.swapaxes, axis1=0, axis2=1),
]
BAD["swapaxes"] = [
    B([r(2, 3)], "ValueError", ["swapaxes", "axis", "2"], axis1=0, axis2=2),
    B([r(2, 3)], "ValueError", ["swapaxes", "axis", "-3"], axis1=-3, axis2=0),
    B([r()], "ValueError", ["swapaxes", "axis", "scalar"], axis1=0, axis2=0),
]
SAMPLES["moveaxis"] = [
    S("one", [r(2, 3, 4)], np.moveaxis, source=0, destination=-1),
    S("two", [r(2, 3, 4, 2)], np.moveaxis, source=(0, 1), destination=(-1, 0)),
    S("none", [r(2, 3)], np.moveaxis, source=(), destination=()),
    S("empty", [r(2, 0, 3)], np.moveaxis, source=1, destination=0),
]
BAD["moveaxis"] = [
    B([r(2, 3)], "ValueError", ["moveaxis", "source", "[0, 1]", "[0]"], source=(0, 1), destination=(0,)),
    B([r(2, 3)], "ValueError", ["moveaxis", "axis", "2"], source=2, destination=0),
    B([r(2, 3)], "ValueError", ["moveaxis", "1", "twice"], source=(0, 1), destination=(1, 1)),
]


SAMPLES["squeeze"] = [
    S("all", [r(1, 3, 1)], lambda x: np.squeeze(x)),
    S("one", [r(1, 3, 1)], lambda x, axis: np.squeeze(x, axis), axis=0),
    S("two", [r(1, 3, 1)], lambda x, axis: np.squeeze(x, axis), axis=(0, -1)),
    S("nothing to do", [r(2, 3)], lambda x: np.squeeze(x)),
    S("to scalar", [r(1, 1)], lambda x: np.squeeze(x)),
    S("empty", [r(1, 0)], lambda x: np.squeeze(x)),
]
BAD["squeeze"] = [
    B([r(1, 3)], "ShapeError", ["squeeze", "axis", "1", "3"], axis=1),
    B([r(1, 3)], "ValueError", ["squeeze", "axis", "2"], axis=2),
    B([r(1, 1)], "ValueError", ["squeeze", "0", "twice"], axis=(0, -2)),
]
SAMPLES["expand_dims"] = [
    S("front", [r(3)], np.expand_dims, axis=0),
    S("end", [r(2, 3)], np.expand_dims, axis=-1),
    S("two", [r(2, 3)], np.expand_dims, axis=(0, 2)),
    S("scalar", [r()], np.expand_dims, axis=0),
    S("empty", [r(0)], np.expand_dims, axis=1),
]
BAD["expand_dims"] = [
    B([r(3)], "ValueError", ["expand_dims", "axis", "2"], axis=2),
    B([r(3)], "ValueError", ["expand_dims", "axis", "-3"], axis=-3),
    B([r(3)], "ValueError", ["expand_dims", "0", "twice"], axis=(0, 0)),
    B([r(*(1,) * 8)], "ShapeError", ["expand_dims", "rank", "9"], axis=0),
]
SAMPLES["broadcast_to"] = [
    S("rows", [r(3)], np.broadcast_to, shape=(2, 3)),
    S("columns", [r(2, 1)], np.broadcast_to, shape=(2, 5)),
    S("scalar", [r()], np.broadcast_to, shape=(17,)),
    S("middle", [r(2, 1, 3)], np.broadcast_to, shape=(4, 2, 5, 3)),
    S("same", [r(2, 3)], np.broadcast_to, shape=(2, 3)),
    S("to nothing", [r(1, 3)], np.broadcast_to, shape=(0, 3)),
    S("integers", [ints(1, 3)], np.broadcast_to, shape=(2, 3)),
]
BAD["broadcast_to"] = [
    B([r(3)], "ShapeError", ["broadcast_to", "[3]", "[2]"], shape=(2,)),
    B([r(2, 3)], "ShapeError", ["broadcast_to", "[2, 3]", "[3]"], shape=(3,)),
    B([r(1)], "ShapeError", ["broadcast_to", "-1"], shape=(-1,)),
    B([r(1, 1)], "ShapeError", ["broadcast_to", str(BIG)], shape=(BIG, BIG)),
]
SAMPLES["flip"] = [
    *(S(f"n={n}", [r(n)], lambda x: np.flip(x)) for n in SIZES),
    S("all axes", [r(2, 3)], lambda x: np.flip(x)),
    S("one axis", [r(2, 3, 4)], np.flip, axis=1),
    S("two axes", [r(2, 3, 4)], np.flip, axis=(0, -1)),
    S("scalar", [r()], lambda x: np.flip(x)),
    S("empty", [r(0, 3)], lambda x: np.flip(x)),
]
BAD["flip"] = [
    B([r(2, 3)], "ValueError", ["flip", "axis", "2"], axis=2),
    B([r(2, 3)], "ValueError", ["flip", "1", "twice"], axis=(1, -1)),
]
SAMPLES["copy"] = [
    *(S(f"n={n}", [r(n)], np.copy) for n in SIZES),
    S("matrix", [r(3, 5)], np.copy),
    S("scalar", [r()], np.copy),
    S("empty", [r(0)], np.copy),
    S("bool", [bools(9)], np.copy),
]
SAMPLES["stop_gradient"] = [S("matrix", [r(3, 5)], np.copy), S("integers", [ints(3)], np.copy), S("empty", [r(0, 2)], np.copy)]
for _name in ("copy", "stop_gradient"):
    BAD[_name] = [B([None], "TypeError", [_name, "x"]), B(["text"], "TypeError", [_name, "x"])]


def _assigned(outputs: Any, target: np.ndarray, value: np.ndarray) -> None:
    assert len(outputs) == 0  # the values are in `target` itself; tests/python/test_captured.py reads them there


SAMPLES["assign_"] = [
    S("vector", [r(5), r(5)], check=_assigned, strided=False),  # changed in place, so it must be contiguous
    S("scalar", [r(), r()], check=_assigned, strided=False),
]
BAD["assign_"] = [B([r(3), r(4)], "ShapeError", ["assign_", "[3]", "[4]"]), B([r(3)], "TypeError", ["assign_", "value"])]


def _probed(outputs: Any, *arrays: np.ndarray, **attributes: Any) -> None:
    assert len(outputs) == 0  # the rows are in `ring` itself; tests/cpp/test_reserved.cpp reads them there


def _zeros(*shape: int) -> Any:
    return lambda rng: np.zeros(shape)


def _key(*shape: int) -> Any:
    return lambda rng: np.full(shape, 4, np.int64)


SAMPLES["probe_"] = [
    S("statistics", [_zeros(2, 5), r(3, 4), _key(3)], check=_probed, strided=False),
    S("histogram", [_zeros(2, 8), r(9), _key(3)], check=_probed, strided=False, bins=3, low=-2.0, high=2.0),
]
BAD["probe_"] = [
    B([_zeros(2, 6), r(3), _key(3)], "ShapeError", ["probe_", "ring", "[2, 6]"]),
    B([ints(2, 5), r(3), _key(3)], "DTypeError", ["probe_", "ring", "int32"]),
    B([_zeros(2, 5), ints(3), _key(3)], "DTypeError", ["probe_", "x", "int32"]),
    B([_zeros(2, 5), r(0), _key(3)], "ShapeError", ["probe_", "x", "[0]"]),
    B([_zeros(2, 5), r(3), _key(2)], "ShapeError", ["probe_", "key", "[2]"]),
    B([_zeros(2, 4), r(3), _key(3)], "ValueError", ["probe_", "bins", "-1"], bins=-1),
    B([_zeros(2, 5), r(3), _key(3)], "ValueError", ["probe_", "low", "2"], low=2.0),
]

# ---- slices ----


def np_slice(x: np.ndarray, start_indices: Any, shape: Any) -> np.ndarray:
    starts, sizes = np.atleast_1d(start_indices), np.atleast_1d(shape)
    return x[tuple(slice(a, None if n == -1 else a + n) for a, n in zip(starts, sizes, strict=True))]


SAMPLES["slice"] = [
    S("block", [r(4, 5)], np_slice, start_indices=(1, 2), shape=(2, 3)),
    S("to the end", [r(4, 5)], np_slice, start_indices=(1, 0), shape=(-1, -1)),
    S("vector", [r(17)], np_slice, start_indices=3, shape=9),
    S("nothing", [r(4, 5)], np_slice, start_indices=(4, 0), shape=(0, 5)),
    S("integers", [ints(4, 5)], np_slice, start_indices=(0, 1), shape=(4, 2)),
]
BAD["slice"] = [
    B([r(4, 5)], "ValueError", ["slice", "start_indices", "[1]"], start_indices=(1,), shape=(2, 2)),
    B([r(4, 5)], "ValueError", ["slice", "start_indices", "-1"], start_indices=(-1, 0), shape=(2, 2)),
    B([r(4, 5)], "ValueError", ["slice", "start_indices", "5"], start_indices=(5, 0), shape=(0, 2)),
    B([r(4, 5)], "ValueError", ["slice", "shape", "4"], start_indices=(1, 0), shape=(4, 2)),
    B([r(4, 5)], "ValueError", ["slice", "shape", str(BIG)], start_indices=(1, 0), shape=(BIG, 2)),
    B([r(4, 5)], "ValueError", ["slice", "shape", "-2"], start_indices=(0, 0), shape=(-2, 2)),
]


def positions(begin: Sequence[int], size: Sequence[int], step: Sequence[int]) -> tuple[np.ndarray, ...]:
    return np.ix_(*[b + np.arange(n) * s for b, n, s in zip(begin, size, step, strict=True)])


def np_slice_grad(dy: np.ndarray, shape: Sequence[int], begin: Sequence[int], step: Sequence[int]) -> np.ndarray:
    x = np.zeros(shape, dy.dtype)
    x[positions(begin, dy.shape, step)] = dy
    return x


SAMPLES["slice_view"] = [
    S(
        "every other",
        [r(5, 4)],
        lambda x, begin, size, step: x[positions(begin, size, step)],
        begin=(0, 1),
        size=(3, 2),
        step=(2, 2),
    ),
    S(
        "backwards",
        [r(5, 4)],
        lambda x, begin, size, step: x[positions(begin, size, step)],
        begin=(4, 3),
        size=(2, 4),
        step=(-3, -1),
    ),
    S("nothing", [r(5, 4)], lambda x, begin, size, step: np.zeros(size), begin=(0, 9), size=(5, 0), step=(1, 1)),
    S("long step", [r(5)], lambda x, begin, size, step: x[2:3], begin=(2,), size=(1,), step=(BIG,)),
]
SAMPLES["slice_grad"] = [
    S("every other", [r(3, 2)], np_slice_grad, shape=(5, 4), begin=(0, 1), step=(2, 2)),
    S("backwards", [r(2, 4)], np_slice_grad, shape=(5, 4), begin=(4, 3), step=(-3, -1)),
    S("nothing", [r(0, 2)], lambda dy, shape, begin, step: np.zeros(shape), shape=(3, 2), begin=(0, 0), step=(1, 1)),
]
for _name in ("slice_view", "slice_grad"):
    _sizes = {"size": (2, 2)} if _name == "slice_view" else {"shape": (3, 3)}
    _x = r(3, 3) if _name == "slice_view" else r(2, 2)
    BAD[_name] = [
        B([_x], "ValueError", [_name, "step is 0"], begin=(0, 0), step=(0, 1), **_sizes),
        B([_x], "ValueError", [_name, "begin", "-1"], begin=(-1, 0), step=(1, 1), **_sizes),
        B([_x], "ValueError", [_name, "begin 2", "size 2"], begin=(2, 0), step=(1, 1), **_sizes),
        B([_x], "ValueError", [_name, "step", str(BIG)], begin=(0, 0), step=(BIG, 1), **_sizes),
        B([_x], "ValueError", [_name, "begin", "[0]"], begin=(0,), step=(1, 1), **_sizes),
    ]


def np_split(x: np.ndarray, sections: int = 0, indices: Any = (), axis: int = 0) -> list[np.ndarray]:
    return np.split(x, sections or np.atleast_1d(indices), axis)


SAMPLES["split"] = [
    S("halves", [r(4, 3)], np_split, sections=2),
    S("one part", [r(4, 3)], np_split, sections=1),
    S("columns", [r(2, 6)], np_split, sections=3, axis=-1),
    S("cuts", [r(7)], np_split, indices=(2, 5)),
    S("empty parts", [r(5, 2)], np_split, indices=(0, 2, 2, 9)),
    S("one cut", [r(2, 5)], np_split, indices=3, axis=1),
    S("empty", [r(0, 2)], np_split, sections=3),
    S("integers", [ints(6)], np_split, sections=3),
]
BAD["split"] = [
    B([r(5)], "ShapeError", ["split", "sections", "2", "5"], sections=2),
    B([r(5)], "ValueError", ["split", "sections", "indices"]),
    B([r(5)], "ValueError", ["split", "sections", "5", "indices", "[1]"], sections=5, indices=(1,)),
    B([r(5)], "ValueError", ["split", "sections", "-1"], sections=-1),
    B([r(0)], "ValueError", ["split", "sections", str(BIG)], sections=BIG),
    B([r(5)], "ValueError", ["split", "indices", "[3, 2]"], indices=(3, 2)),
    B([r(5)], "ValueError", ["split", "indices", "-1"], indices=(-1,)),
    B([r(5)], "ValueError", ["split", "axis", "1"], sections=1, axis=1),
    B([r()], "ValueError", ["split", "axis", "scalar"], sections=1),
]


def np_unstack(x: np.ndarray, axis: int = 0) -> list[np.ndarray]:
    return list(np.moveaxis(x, axis, 0))


SAMPLES["unstack"] = [
    S("rows", [r(3, 4)], np_unstack),
    S("columns", [r(3, 4)], np_unstack, axis=-1),
    S("middle", [r(2, 3, 4)], np_unstack, axis=1),
    S("numbers", [r(5)], np_unstack),
]
BAD["unstack"] = [
    B([r(3, 4)], "ValueError", ["unstack", "axis", "2"], axis=2),
    B([r()], "ValueError", ["unstack", "axis", "scalar"]),
]

# ---- joining and repeating ----


def np_concatenate(*xs: np.ndarray, axis: int = 0) -> np.ndarray:
    return np.concatenate(xs, axis)


def np_stack(*xs: np.ndarray, axis: int = 0) -> np.ndarray:
    return np.stack(xs, axis)


SAMPLES["concatenate"] = [
    S("rows", [r(2, 3), r(1, 3), r(4, 3)], np_concatenate),
    S("columns", [r(3, 2), r(3, 5)], np_concatenate, axis=-1),
    S("middle", [r(2, 1, 3), r(2, 4, 3)], np_concatenate, axis=1),
    S("one", [r(5)], np_concatenate),
    S("an empty one", [r(2, 0), r(2, 3)], np_concatenate, axis=1),
    S("all empty", [r(0, 3), r(0, 3)], np_concatenate),
    S("ten", [r(1) for _ in range(10)], np_concatenate),
    S("integers", [ints(3), ints(2)], np_concatenate),
    S("integers with floats", [ints(3), r(2)], np_concatenate),
    S("bool", [bools(3), bools(2)], np_concatenate),
]
BAD["concatenate"] = [
    B([], "ValueError", ["concatenate", "xs"]),
    B([r(2, 3), r(2, 4)], "ShapeError", ["concatenate", "xs[1]", "[2, 4]", "[2, 3]"]),
    B([r(2, 3), r(3)], "ShapeError", ["concatenate", "xs[1]", "[3]"]),
    B([r(), r()], "ShapeError", ["concatenate", "xs[0]", "scalar"]),
    B([r(2)], "ValueError", ["concatenate", "axis", "1"], axis=1),
]
SAMPLES["stack"] = [
    S("rows", [r(3), r(3)], np_stack),
    S("last", [r(2, 3), r(2, 3), r(2, 3)], np_stack, axis=-1),
    S("middle", [r(2, 3), r(2, 3)], np_stack, axis=1),
    S("scalars", [r(), r()], np_stack),
    S("empty", [r(0), r(0)], np_stack),
    S("integers with floats", [ints(3), r(3)], np_stack),
]
BAD["stack"] = [
    B([], "ValueError", ["stack", "xs"]),
    B([r(3), r(4)], "ShapeError", ["stack", "xs[1]", "[4]", "[3]"]),
    B([r(3), r(3)], "ValueError", ["stack", "axis", "2"], axis=2),
    B([r(*(1,) * 8)], "ShapeError", ["stack", "rank"]),
]


def np_tile(x: np.ndarray, repeats: Any) -> np.ndarray:
    return np.tile(x, repeats)


SAMPLES["tile"] = [
    *(S(f"n={n}", [r(n)], np_tile, repeats=3) for n in SIZES),
    S("both axes", [r(2, 3)], np_tile, repeats=(2, 4)),
    S("new axes", [r(2, 3)], np_tile, repeats=(2, 1, 3)),
    S("fewer numbers", [r(2, 3)], np_tile, repeats=(2,)),
    S("zero times", [r(2, 3)], np_tile, repeats=(0, 1)),
    S("scalar", [r()], np_tile, repeats=5),
    S("empty", [r(0, 3)], np_tile, repeats=(2, 2)),
    S("once", [r(2, 3)], np_tile, repeats=()),
    S("integers", [ints(2, 3)], np_tile, repeats=(3, 2)),
]
BAD["tile"] = [
    B([r(2)], "ValueError", ["tile", "repeats", "-1"], repeats=-1),
    B([r(2)], "ShapeError", ["tile", str(BIG)], repeats=BIG),
    B([r(2)], "ShapeError", ["tile", "repeats", "9"], repeats=(1,) * 9),
    B([r(2, 2)], "ShapeError", ["tile", str(2**41)], repeats=(2**40, 2**40)),
]
SAMPLES["repeat"] = [
    S("flat", [r(2, 3)], lambda x, repeats: np.repeat(x, repeats), repeats=2),
    S("rows", [r(2, 3)], np.repeat, repeats=3, axis=0),
    S("last", [r(2, 3)], np.repeat, repeats=2, axis=-1),
    S("middle", [r(2, 3, 2)], np.repeat, repeats=2, axis=1),
    S("zero times", [r(2, 3)], np.repeat, repeats=0, axis=1),
    S("scalar", [r()], lambda x, repeats: np.repeat(x, repeats), repeats=4),
    S("empty", [r(0, 3)], np.repeat, repeats=2, axis=1),
    S("bool", [bools(7)], lambda x, repeats: np.repeat(x, repeats), repeats=3),
]
BAD["repeat"] = [
    B([r(2)], "ValueError", ["repeat", "repeats", "-1"], repeats=-1),
    B([r(2)], "ShapeError", ["repeat", str(BIG)], repeats=BIG),
    B([r(2)], "ValueError", ["repeat", "axis", "1"], repeats=2, axis=1),
    B([r(2, 2)], "ValueError", ["repeat", "axis", "[0, 1]"], repeats=2, axis=(0, 1)),
]
SAMPLES["roll"] = [
    S("vector", [r(7)], lambda x, shift: np.roll(x, shift), shift=2),
    S("backwards", [r(9)], lambda x, shift: np.roll(x, shift), shift=-4),
    S("flat", [r(3, 4)], lambda x, shift: np.roll(x, shift), shift=5),
    S("axis", [r(3, 4)], np.roll, shift=1, axis=1),
    S("two axes", [r(3, 4)], np.roll, shift=(2, -1), axis=(0, 1)),
    S("one shift for two axes", [r(3, 4)], np.roll, shift=1, axis=(0, 1)),
    S("round and round", [r(5)], lambda x, shift: np.roll(x, shift % 5), shift=BIG),
    S("by nothing", [r(5)], lambda x, shift: np.roll(x, shift), shift=0),
    S("empty", [r(0, 3)], np.roll, shift=1, axis=0),
]
BAD["roll"] = [
    B([r(3, 4)], "ValueError", ["roll", "axis", "2"], shift=1, axis=2),
    B([r(3, 4)], "ValueError", ["roll", "0", "twice"], shift=(1, 1), axis=(0, -2)),
    B([r(3, 4)], "ValueError", ["roll", "shift", "[1, 2]"], shift=(1, 2)),
    B([r(3, 4)], "ValueError", ["roll", "shift", "[1, 2]", "[0]"], shift=(1, 2), axis=0),
    B([r(3)], "ValueError", ["roll", "shift", str(-(2**63))], shift=-(2**63)),
]


def pairs(pad_width: Any, rank: int) -> list[tuple[int, int]]:
    flat = np.ravel(pad_width).tolist()
    flat = flat * (2 * rank) if len(flat) == 1 else flat * rank if len(flat) == 2 else flat
    return [(flat[2 * i], flat[2 * i + 1]) for i in range(rank)]


def np_pad(x: np.ndarray, pad_width: Any, mode: str = "constant", constant_values: float = 0.0) -> np.ndarray:
    more = {"constant_values": constant_values} if mode == "constant" else {}
    return np.pad(x, pairs(pad_width, x.ndim), mode, **more)


def np_pad_grad(dy: np.ndarray, pad_width: Any, mode: str) -> np.ndarray:
    """Every element of the border adds to the element that np.pad copies there."""
    widths = pairs(pad_width, dy.ndim)
    inner = tuple(n - a - b for n, (a, b) in zip(dy.shape, widths, strict=True))
    source = np.pad(np.arange(math.prod(inner)).reshape(inner), widths, mode)
    dx = np.zeros(math.prod(inner))
    np.add.at(dx, source.ravel(), dy.ravel())
    return dx.reshape(inner)


SAMPLES["pad"] = [
    *(S(f"n={n}", [r(n)], np_pad, pad_width=(1, 2)) for n in SIZES),
    S("one number", [r(2, 3)], np_pad, pad_width=1),
    S("one pair", [r(2, 3)], np_pad, pad_width=(1, 2)),
    S("pairs", [r(2, 3)], np_pad, pad_width=((1, 0), (2, 3))),
    S("value", [r(2, 3)], np_pad, pad_width=1, constant_values=-1.5),
    S("integers", [ints(2, 3)], np_pad, pad_width=((0, 1), (1, 0)), constant_values=7.0),
    S("reflect", [r(3, 4)], np_pad, pad_width=((2, 1), (3, 2)), mode="reflect"),
    S("reflect one axis", [r(2, 5)], np_pad, pad_width=((0, 0), (4, 4)), mode="reflect"),
    S("edge", [r(2, 3)], np_pad, pad_width=((1, 3), (4, 0)), mode="edge"),
    S("edge of one", [r(1, 1)], np_pad, pad_width=2, mode="edge"),
    S("no width", [r(2, 3)], np_pad, pad_width=0, mode="reflect"),
    S("empty", [r(0, 3)], np_pad, pad_width=((1, 1), (0, 0))),
    S("empty other axis", [r(0, 3)], np_pad, pad_width=((0, 0), (1, 1)), mode="edge"),
    S("rank 4", [r(1, 2, 3, 2)], np_pad, pad_width=((0, 0), (1, 1), (2, 0), (0, 0))),
]
BAD["pad"] = [
    B([r(2, 3)], "ValueError", ["pad", "pad_width", "-1"], pad_width=-1),
    B([r(2, 3)], "ValueError", ["pad", "pad_width", "3 numbers"], pad_width=(1, 2, 3)),
    B([r(2, 3)], "ValueError", ["pad", "mode", "wrap"], pad_width=1, mode="wrap"),
    B([r(2, 3)], "ShapeError", ["pad", "pad_width", "2", "reflect"], pad_width=2, mode="reflect"),
    B([r(0, 3)], "ShapeError", ["pad", "pad_width", "edge"], pad_width=1, mode="edge"),
    B([r(2, 3)], "ShapeError", ["pad", str(BIG)], pad_width=BIG),
    B([r(2, 3)], "TypeError", ["pad", "mode"], pad_width=1, mode=3),
]
SAMPLES["pad_grad"] = [
    S("reflect", [r(6, 7)], np_pad_grad, pad_width=((2, 1), (1, 2)), mode="reflect"),
    S("edge", [r(6, 7)], np_pad_grad, pad_width=((2, 3), (4, 0)), mode="edge"),
    S("vector", [r(9)], np_pad_grad, pad_width=(3, 2), mode="reflect"),
]
BAD["pad_grad"] = [
    B([r(3)], "ShapeError", ["pad_grad", "[3]", "[2, 2]"], pad_width=(2, 2), mode="edge"),
    B([r(3)], "ValueError", ["pad_grad", "mode", "constant"], pad_width=1, mode="constant"),
    B([r(3)], "ValueError", ["pad_grad", "pad_width", "-1"], pad_width=-1, mode="edge"),
    B([ints(5)], "DTypeError", ["pad_grad", "dy", "int32"], pad_width=1, mode="edge"),
]
