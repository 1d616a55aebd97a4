"""Samples of matrix products and einsum."""

from __future__ import annotations

import numpy as np

from . import SIZES, B, Bad, S, Sample, bools, const, ints, r

SAMPLES: dict[str, list[Sample]] = {}
BAD: dict[str, list[Bad]] = {}


def np_matmul(a: np.ndarray, b: np.ndarray, transpose_a: bool = False, transpose_b: bool = False) -> np.ndarray:
    a = np.swapaxes(a, -1, -2) if transpose_a else a
    b = np.swapaxes(b, -1, -2) if transpose_b else b
    return np.matmul(a, b)


SAMPLES["matmul"] = [S(f"n={n}", [r(3, n), r(n, 4)], np_matmul) for n in SIZES if n < 33]
SAMPLES["matmul"] += [
    S(f"{m}x{k}x{n}", [r(m, k), r(k, n)], np_matmul) for m, k, n in ((1, 5, 1), (17, 2, 3), (2, 3, 33), (7, 9, 8))
]
SAMPLES["matmul"] += [
    S(
        f"transposed {ta:d}{tb:d}",
        [r(*((5, 3) if ta else (3, 5))), r(*((4, 5) if tb else (5, 4)))],
        np_matmul,
        transpose_a=ta,
        transpose_b=tb,
    )
    for ta, tb in ((True, False), (False, True), (True, True))
]
SAMPLES["matmul"] += [
    S("batched, transposed", [r(2, 5, 3), r(2, 4, 5)], np_matmul, transpose_a=True, transpose_b=True),
    S("batch", [r(4, 2, 3), r(4, 3, 5)], np_matmul),
    S("matrix shared on the right", [r(2, 4, 2, 3), r(3, 5)], np_matmul),
    S("shared on the right, transposed", [r(4, 2, 3), r(5, 3)], np_matmul, transpose_b=True),
    S("shared on the right, left transposed", [r(4, 3, 2), r(3, 5)], np_matmul, transpose_a=True),
    S("matrix shared on the left", [r(2, 3), r(4, 3, 5)], np_matmul),
    S("batches broadcast", [r(3, 1, 2, 4), r(2, 4, 3)], np_matmul),
    S("batch of rows, shared matrix", [r(4, 1, 3), r(3, 5)], np_matmul),
    S("vector, vector", [r(9), r(9)], np_matmul),
    S("matrix, vector", [r(3, 9), r(9)], np_matmul),
    S("vector, matrix", [r(9), r(9, 3)], np_matmul),
    S("batch, vector", [r(2, 3, 9), r(9)], np_matmul),
    S("vector, batch", [r(9), r(2, 9, 3)], np_matmul),
    S("nothing summed", [r(2, 0), r(0, 3)], np_matmul),
    S("no rows", [r(0, 2), r(2, 3)], np_matmul),
    S("no batch", [r(0, 2, 3), r(3, 4)], np_matmul),
    # Past the sizes of one block; too many elements for a difference quotient of each.
    S("larger", [r(150, 270), r(270, 140)], np_matmul, gradient=False, dtypes=["float64"]),
    # 1e-4: 270 products of up to 4, each sum rounded to 6e-8 of itself.
    S("larger, float32", [r(150, 270), r(270, 140)], np_matmul, gradient=False, dtypes=["float32"], atol=1e-4),
    *[
        S(d, [ints(3, 9, dtype=d), ints(9, 4, dtype=d)], lambda a, b: np_matmul(a.astype("int64"), b.astype("int64")))
        for d in ("int8", "int32", "int64")
    ],
    S(
        "uint8",
        [ints(3, 9, low=0, dtype="uint8"), ints(9, 4, low=0, dtype="uint8")],
        lambda a, b: np_matmul(a.astype("int64"), b.astype("int64")),
    ),
    S("integer and float", [ints(3, 5), r(5, 2)], np_matmul, dtypes=["float32"]),
]
BAD["matmul"] = [
    B([r(2, 3), r(4, 5)], "ShapeError", ["matmul", "3", "4", "[2, 3]", "[4, 5]"]),
    B([r(2, 3), r(5, 4)], "ShapeError", ["matmul", "[2, 3]", "[5, 4] transposed"], transpose_b=True),
    B([r(3, 2, 3), r(2, 3, 4)], "ShapeError", ["matmul", "[3]", "[2]"]),
    B([r(), r(3)], "ShapeError", ["matmul", "x1", "rank 0"]),
    B([r(3), r(3)], "ValueError", ["matmul", "transpose_a", "[3]"], transpose_a=True),
    B([bools(2, 2), bools(2, 2)], "DTypeError", ["matmul", "x1", "bool"]),
    B([r(2, 2), r(2, 2)], "TypeError", ["matmul", "transpose_b"], transpose_b=1),
]


def np_dense(x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None, activation: str = "linear") -> np.ndarray:
    y = np.matmul(x, w) + (0 if b is None else b)
    return np.maximum(y, 0) if activation == "relu" else y


_X, _W = const(np.linspace(-1, 1, 15).reshape(3, 5)), const(np.linspace(-2, 1.7, 20).reshape(5, 4))
SAMPLES["dense"] = [
    S("bias", [r(3, 5), r(5, 4), r(4)], np_dense),
    S("no bias", [r(3, 5), r(5, 4), None], np_dense),
    S("relu", [_X, _W, const([0.3, -0.2, 0.11, 0.6])], np_dense, activation="relu"),
    S("relu, no bias", [_X, _W, None], np_dense, activation="relu"),
    S("one unit", [r(7, 5), r(5, 1), r(1)], np_dense),
    S("one row", [r(1, 17), r(17, 9), r(9)], np_dense),
    S("vector", [r(5), r(5, 3), r(3)], np_dense),
    S("more axes", [r(2, 3, 5), r(5, 4), r(4)], np_dense),
    S("no rows", [r(0, 5), r(5, 4), r(4)], np_dense),
    S("no features", [r(3, 0), r(0, 4), r(4)], np_dense),
    S("larger", [r(64, 100), r(100, 40), r(40)], np_dense, gradient=False, activation="relu"),  # too many elements
    S("integers", [ints(3, 5), r(5, 4), r(4)], np_dense, dtypes=["float32"]),
]
BAD["dense"] = [
    B([r(3, 5), r(4, 2), r(2)], "ShapeError", ["dense", "5", "4", "[3, 5]", "[4, 2]"]),
    B([r(3, 5), r(5, 2), r(3)], "ShapeError", ["dense", "bias", "[3]", "2"]),
    B([r(3, 5), r(5), None], "ShapeError", ["dense", "kernel", "[5]"]),
    B([r(), r(5, 2), None], "ShapeError", ["dense", "x", "rank 0"]),
    B([r(3, 5), r(5, 2), None], "ValueError", ["dense", "activation", "tanh"], activation="tanh"),
]


def np_einsum(*operands: np.ndarray, equation: str) -> np.ndarray:
    return np.einsum(equation, *operands)


SAMPLES["einsum"] = [
    S(f"{eq} {shapes}", [r(*shape) for shape in shapes], np_einsum, equation=eq)
    for eq, shapes in (
        ("ij->ji", [(3, 5)]),
        ("ij->", [(3, 5)]),
        ("ij->j", [(3, 5)]),
        ("ba", [(3, 5)]),
        ("->", [()]),
        ("ij,jk->ik", [(3, 5), (5, 4)]),
        ("ij,jk->ki", [(3, 5), (5, 4)]),
        ("ij,jk", [(3, 5), (5, 4)]),
        ("ji,kj->ik", [(5, 3), (4, 5)]),
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
        ("bij,jk->bik", [(2, 3, 4), (4, 5)]),
        ("i,i->", [(9,), (9,)]),
        ("i,i->i", [(9,), (9,)]),
        ("i,j->ij", [(3,), (5,)]),
        ("i,->i", [(3,), ()]),
        ("ij,i->i", [(3, 5), (3,)]),
        ("ij,kl->ik", [(2, 3), (4, 2)]),
        ("bhqd,bhkd->bhqk", [(2, 2, 3, 4), (2, 2, 5, 4)]),
        ("bqhd,bkhd->bhqk", [(2, 3, 2, 4), (2, 5, 2, 4)]),
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]),
        ("i,ij,j->", [(3,), (3, 4), (4,)]),
        ("a,b,c->abc", [(2,), (3,), (4,)]),
        ("...ij,...jk->...ik", [(2, 3, 4), (4, 5)]),
        ("...ij,jk->...ik", [(2, 2, 3, 4), (4, 5)]),
        ("...,i->...i", [(2, 3), (4,)]),
        ("i...,i...->...", [(3, 1, 4), (3, 2, 4)]),
        ("i...->...i", [(2, 3, 4)]),
        ("...ij->...", [(2, 3, 4)]),
        ("ij , jk -> ik", [(2, 3), (3, 2)]),
        ("ij,jk->ik", [(2, 0), (0, 3)]),
        ("ij,jk->ik", [(0, 2), (2, 3)]),
    )
]
SAMPLES["einsum"] += [
    S("integers", [ints(3, 5), ints(5, 4)], np_einsum, equation="ij,jk->ik"),
    S("integers, summed", [ints(3, 5), ints(4)], np_einsum, equation="ij,k->ik"),
    S("int8", [ints(3, 5, dtype="int8")], lambda x, equation: np.einsum(equation, x.astype("int64")), equation="ij->i"),
]
BAD["einsum"] = [
    B([r(3, 5), r(4, 2)], "ShapeError", ["einsum", "j", "5", "4"], equation="ij,jk->ik"),
    B([r(3, 5)], "ValueError", ["einsum", "2 terms", "1 operands"], equation="ij,jk->ik"),
    B([r(3, 5)], "ShapeError", ["einsum", "ijk", "[3, 5]"], equation="ijk->i"),
    B([r(3, 3)], "ValueError", ["einsum", "'i'", "twice", "iagonal"], equation="ii->i"),
    B([r(3, 5)], "ValueError", ["einsum", "'k'", "result"], equation="ij->k"),
    B([r(3, 5)], "ValueError", ["einsum", "1"], equation="i1->i"),
    B([r(3, 5)], "ValueError", ["einsum", "ellipsis"], equation="...j->j"),
    B([r(3, 5)], "ValueError", ["einsum", "twice"], equation="ij->ii"),
    B([bools(3, 5)], "DTypeError", ["einsum", "bool"], equation="ij->i"),
    B([], "ValueError", ["einsum", "operand"], equation="i->i"),
]
