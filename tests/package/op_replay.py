"""The samples of all ops for a program without Python: writes the calls for tests/cpp/tools/op_replay.cpp and compares what it gives."""

import json
import math
import pathlib
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "python"))
import op_harness


def _plain(value):
    """An attribute as JSON: lists of pairs flat, infinities as words, NaN as null."""
    if isinstance(value, (list, tuple, np.ndarray)):
        flat = [_plain(v) for v in value]
        return [w for v in flat for w in (v if isinstance(v, list) else [v])]
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return None if math.isnan(value) else float(value) if math.isfinite(value) else "inf" if value > 0 else "-inf"
    return np.dtype(value).name


def calls():
    """(op, sample, dtype, arrays, gradient?) for each sample in each float type; a gradient for the first of an op that has one."""
    seen = set()
    for name, sample in op_harness.cases():
        raw = sample.arrays()
        for dtype in op_harness.float_types(sample, raw):
            arrays = op_harness.as_type(raw, dtype)
            gradient = dtype == "float64" and name not in seen and op_harness.has_gradient(name, sample)
            if gradient:
                seen.add(name)
            yield name, sample, dtype, arrays, gradient


def check(program, folder, call):
    """Runs `program FROM TO` through `call` and compares every output with the sample's reference. Gives the program's last line."""
    safetensors = pytest.importorskip("safetensors.numpy", reason="the package safetensors writes the samples")
    tensors, listed, kept = {}, [], list(calls())
    for k, (name, sample, _, arrays, gradient) in enumerate(kept):
        names = []
        for i, x in enumerate(arrays):
            names.append(None if x is None else f"{k}.{i}")
            if x is not None:
                tensors[f"{k}.{i}"] = np.ascontiguousarray(x).reshape(x.shape)
        attrs = {key: _plain(value) for key, value in sample.attrs.items()}
        listed.append({"op": name, "attrs": attrs, "inputs": names, "gradient": gradient})
    source, target = folder / "calls.safetensors", folder / "outputs.safetensors"
    safetensors.save_file(tensors, source, metadata={"calls": json.dumps(listed)})
    done = call(*program, source, target)
    outputs = safetensors.load_file(target)
    for k, (name, sample, dtype, arrays, _) in enumerate(kept):
        got = []
        while f"{k}.{len(got)}" in outputs:
            got.append(outputs[f"{k}.{len(got)}"])
        try:
            if sample.check is not None:
                sample.check(got, *arrays, **sample.attrs)
            else:
                op_harness.compare(got, op_harness.expected_outputs(sample, arrays), sample, arrays, dtype)
        except AssertionError as error:
            raise AssertionError(f"{name}, sample '{sample.label}', {dtype}: {error}") from None
    assert done.stdout.startswith(f"{len(kept)} calls")
    return done.stdout.strip()
