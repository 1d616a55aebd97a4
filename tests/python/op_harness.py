"""What the generic op tests share: calling an op by its record, strided twins of arrays, and the comparisons.

Run as a program it checks values and gradients of every op under the instruction set that NACRE_ISA forces, without pytest:
`NACRE_ISA=scalar python op_harness.py` prints the count and exits with 1 on the first failure. test_ops_isa.py does so for each.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

import numpy as np
from samples import Sample, tables

from nacre import _core

RECORDS: dict[str, dict[str, Any]] = _core.op_records()
# Relative, and absolute on the scale of the inputs. float32: a few rounding steps of 6e-8 in sums of up to 1500 terms, and functions within
# 4 ULP. float64: the reference itself is rounded.
RTOL = {"float32": 1e-5, "float64": 1e-11}
ATOL = {"float32": 3e-6, "float64": 1e-12}
GRADIENT_ELEMENTS = 200
# Gradient ops that take statistics of x beside x. Differences that move x alone mean nothing there; their own gradient is what the second
# derivative of the op they belong to is made of, and is checked through it.
CHECKED_THROUGH = {
    "attention_grad": "dot_product_attention",
    "batch_norm_grad": "batch_norm_training",
    "group_norm_grad": "group_norm",
    "layer_norm_grad": "layer_norm",
    "softmax_cross_entropy_grad": "softmax_cross_entropy",
}


def cases() -> list[tuple[str, Sample]]:
    samples, _ = tables()
    return [(name, s) for name, rows in samples.items() for s in rows]


def stands_for_float(x: np.ndarray | None) -> bool:
    return x is not None and x.dtype == np.float64


def float_types(sample: Sample, arrays: list[np.ndarray | None]) -> tuple[str, ...]:
    """The float types to run a sample in: one is enough when no input is a float."""
    return sample.dtypes if any(stands_for_float(x) for x in arrays) else sample.dtypes[:1]


def as_type(arrays: list[np.ndarray | None], dtype: str) -> list[np.ndarray | None]:
    return [x.astype(dtype) if x is not None and stands_for_float(x) else None if x is None else x.copy() for x in arrays]


def tensor(x: np.ndarray | None) -> Any:
    return None if x is None else _core.asarray(x)


def call(name: str, tensors: list[Any], attrs: dict[str, Any]) -> Any:
    """The op on tensors; those of a variadic input are gathered in a list."""
    inputs = RECORDS[name]["inputs"]
    if inputs and inputs[-1]["variadic"]:
        fixed = len(inputs) - 1
        return _core.op_functions[name](*tensors[:fixed], list(tensors[fixed:]), **attrs)
    return _core.op_functions[name](*tensors, **attrs)


def outputs_of(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (list, tuple)) else [result]


def run(name: str, arrays: list[np.ndarray | None], attrs: dict[str, Any]) -> list[np.ndarray]:
    return [np.array(_core.to_numpy(y)) for y in outputs_of(call(name, [tensor(x) for x in arrays], attrs))]


def twins(x: np.ndarray) -> list[np.ndarray]:
    """The same values in other memory layouts: with gaps, with the axes' order reversed, backwards, read-only."""
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]) if x.ndim else (), x.dtype)
    if x.ndim == 0:
        return []
    wide[..., ::2] = x
    fortran = np.array(x.T, order="C").T
    backwards = np.flip(np.flip(x).copy())
    fixed = x.copy()
    fixed.flags.writeable = False
    return [wide[..., ::2], fortran, backwards, fixed]


def flag(name: str, k: int, key: str) -> bool:
    inputs = RECORDS[name]["inputs"]
    return bool(inputs[min(k, len(inputs) - 1)][key])


def expected_outputs(sample: Sample, arrays: list[np.ndarray | None]) -> list[np.ndarray]:
    assert sample.reference is not None
    # The reference sees the values that the op saw, in float64.
    given = [x.astype(np.float64) if x is not None and x.dtype == np.float32 else x for x in arrays]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's "mean of empty slice": NaN is what is expected there
        expected = sample.reference(*given, **sample.attrs)
    return [np.asarray(y) for y in (expected if isinstance(expected, (list, tuple)) else [expected])]


def compare(got: list[np.ndarray], expected: list[np.ndarray], sample: Sample, arrays: list[np.ndarray | None], dtype: str) -> None:
    assert len(got) == len(expected), f"{len(got)} outputs, expected {len(expected)}"
    finite = [np.abs(x[np.isfinite(x)]).max(initial=0) for x in arrays if x is not None and x.dtype.kind == "f"]
    scale = max([1.0, *(float(v) for v in finite if v < 1e3)])
    for i, (y, e) in enumerate(zip(got, expected, strict=True)):
        assert y.shape == e.shape, f"output {i}: shape {y.shape}, expected {e.shape}"
        kind = "f" if e.dtype.kind == "f" else "b" if e.dtype.kind == "b" else "i"
        assert (kind == "i" and y.dtype.kind in "iu") or y.dtype.kind == kind, f"output {i}: dtype {y.dtype}, expected kind {kind}"
        if kind != "f":
            np.testing.assert_array_equal(y, e, err_msg=f"output {i}")
            continue
        tolerance = dtype if y.dtype == np.float64 else "float32"
        with np.errstate(all="ignore"):
            e = e.astype(y.dtype)
        np.testing.assert_allclose(
            y.astype(np.float64), e.astype(np.float64), rtol=RTOL[tolerance] + sample.rtol, atol=ATOL[tolerance] * scale + sample.atol,
            equal_nan=True, err_msg=f"output {i}",
        )  # fmt: skip


def check_value(name: str, sample: Sample) -> None:
    """Values in every dtype, layout and number of threads; inputs stay as they were."""
    raw = sample.arrays()
    for dtype in float_types(sample, raw):
        arrays = as_type(raw, dtype)
        before = [None if x is None else x.copy() for x in arrays]
        _core.set_num_threads(1)
        got = run(name, arrays, sample.attrs)
        for k, (x, old) in enumerate(zip(arrays, before, strict=True)):
            if x is not None and not flag(name, k, "mutated"):
                np.testing.assert_array_equal(x, old, err_msg=f"{dtype}: input {k} was changed")
        if sample.check is not None:
            sample.check(got, *before, **sample.attrs)
        else:
            compare(got, expected_outputs(sample, before), sample, before, dtype)
        for threads in (2, 1):
            _core.set_num_threads(threads)
            again = run(name, [None if x is None else x.copy() for x in before], sample.attrs)
            for i, (y, z) in enumerate(zip(got, again, strict=True)):
                assert y.tobytes() == z.tobytes(), f"{dtype}: output {i} has other bits with {threads} threads"
        if sample.strided and sample.reference is not None:
            check_strided(name, sample, before, dtype)


def check_strided(name: str, sample: Sample, arrays: list[np.ndarray | None], dtype: str) -> None:
    expected = expected_outputs(sample, arrays)
    layouts = [None if x is None else twins(x) for x in arrays]
    for v in range(4):
        chosen = []
        for k, x in enumerate(arrays):
            layout = layouts[k]
            usable = layout and not flag(name, k, "mutated")  # what is written in place must be contiguous
            chosen.append(layout[v] if layout and usable else None if x is None else x.copy())
        compare(run(name, chosen, sample.attrs), expected, sample, arrays, dtype)


def gradient_inputs(name: str, arrays: list[np.ndarray | None]) -> list[int]:
    return [
        k for k, x in enumerate(arrays) if stands_for_float(x) and not flag(name, k, "no_grad") and not flag(name, k, "mutated")
    ]


def has_gradient(name: str, sample: Sample) -> bool:
    """Whether there is a gradient to test: the op has one, and the sample has a float input and a float output."""
    if not RECORDS[name]["differentiable"] or not sample.gradient:
        return False
    arrays = sample.arrays()
    if not gradient_inputs(name, arrays):
        return False
    return any(y.dtype.kind == "f" for y in run(name, as_type(arrays, "float64"), sample.attrs))


def check_gradient(name: str, sample: Sample, *, second: bool = False) -> int:
    """Gradients against central differences in float64, contiguous and strided. Gives the count of numbers compared."""
    raw = sample.arrays()
    arrays = as_type(raw, "float64")
    total = sum(x.size for k, x in enumerate(arrays) if k in gradient_inputs(name, raw) and x is not None)
    assert total <= GRADIENT_ELEMENTS, f"the sample has {total} elements; at most {GRADIENT_ELEMENTS} for a gradient"
    variants = [arrays]
    if sample.strided:
        variants.append(
            [twins(x)[1] if x is not None and x.ndim and not flag(name, k, "mutated") else x for k, x in enumerate(arrays)]
        )
    checked = 0
    for v in variants:
        result = _core.gradient_check(name, [tensor(x) for x in v], sample.attrs, second=second)
        where = (
            f"input {result['worst_input']}, element {result['worst_element']}: got {result['got']}, expected {result['expected']}"
        )
        assert result["worst"] <= 1, f"{where} ({result['worst']:.3g} times the tolerance)"
        assert result["checked"] == total, f"{result['checked']} numbers compared, the inputs hold {total}"
        checked += result["checked"]
    return checked


def gradients(name: str, arrays: list[np.ndarray | None], attrs: dict[str, Any], wanted: list[int]) -> list[np.ndarray | None]:
    """d sum(w * y) for fixed weights w of the outputs."""
    tensors = [None if x is None else _core.convert_to_tensor(x, x.dtype.name) for x in arrays]
    for k in wanted:
        tensors[k].requires_grad = True
    ys = [y for y in outputs_of(call(name, tensors, attrs)) if y.requires_grad]
    weights = [np.random.default_rng(i).uniform(-1, 1, y.shape).astype(_core.to_numpy(y.detach()).dtype) for i, y in enumerate(ys)]
    found = _core.gradients(ys, [tensors[k] for k in wanted], [_core.asarray(w) for w in weights])
    return [None if g is None else np.array(_core.to_numpy(g)) for g in found]


def check_gradient_float32(name: str, sample: Sample) -> None:
    """The gradient in float32 against the one in float64 on the same values."""
    if "float32" not in sample.dtypes:
        return
    raw = sample.arrays()
    wanted = gradient_inputs(name, raw)
    single = as_type(raw, "float32")
    double = [x.astype(np.float64) if x is not None and x.dtype == np.float32 else x for x in single]
    narrow, wide = (gradients(name, arrays, sample.attrs, wanted) for arrays in (single, double))
    for k, g, e in zip(wanted, narrow, wide, strict=True):
        assert (g is None) == (e is None)
        if g is None or e is None:
            continue
        assert g.dtype == np.float32
        # 2e-5 of the largest: a few hundred roundings of 6e-8, functions within 4 ULP.
        scale = max(1.0, float(np.abs(e).max(initial=0)))
        np.testing.assert_allclose(g, e, rtol=1e-4, atol=2e-5 * scale + sample.atol, err_msg=f"input {k}")


def main() -> int:
    isa = _core.isa()
    if os.environ.get("NACRE_ISA", isa) != isa:
        print(f"NACRE_ISA={os.environ['NACRE_ISA']} was asked for, {isa} runs")
        return 1
    values = gradient_count = 0
    with_gradient: set[str] = set()
    for name, sample in cases():
        try:
            check_value(name, sample)
            values += 1
            if name not in with_gradient and has_gradient(name, sample):
                gradient_count += check_gradient(name, sample)
                with_gradient.add(name)
        except Exception as e:  # noqa: BLE001 - whatever goes wrong is the report
            print(f"{isa}: {name}, sample '{sample.label}': {type(e).__name__}: {e}")
            return 1
    print(f"{isa}: {values} samples, gradients of {len(with_gradient)} ops ({gradient_count} numbers)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
