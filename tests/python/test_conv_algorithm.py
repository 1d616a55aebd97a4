"""The algorithm of a convolution: what "auto" chooses, that gradients follow, and NACRE_CONV."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import nacre as nc

PROGRAM = """
import sys, numpy as np, nacre as nc
rng = np.random.default_rng(3)
x = nc.Tensor(rng.standard_normal((4, 16, 16, 32)), dtype="float32", requires_grad=True)
w = nc.Tensor(rng.standard_normal((3, 3, 32, 32)), dtype="float32", requires_grad=True)
y = nc.conv2d(x, w, padding="same", algorithm=sys.argv[1])
for t in (y, *nc.gradients((y * y).sum(), [x, w])):
    sys.stdout.buffer.write(t.numpy().tobytes())
"""


def run(algorithm: str, setting: str | None = None) -> subprocess.CompletedProcess[bytes]:
    environment = {k: v for k, v in os.environ.items() if k != "NACRE_CONV"}
    if setting is not None:
        environment["NACRE_CONV"] = setting
    return subprocess.run([sys.executable, "-c", PROGRAM, algorithm], env=environment, capture_output=True, check=False)


def test_auto_is_winograd_where_it_pays_and_gradients_follow():
    outputs = {a: run(a).stdout for a in ("auto", "direct", "winograd_2x2", "winograd_4x4")}
    assert outputs["auto"] == outputs["winograd_4x4"]
    assert len({*outputs.values()}) == 3
    # y, dx and dw each: no part of one algorithm's run is part of another's.
    sizes = np.cumsum([4 * 16 * 16 * 32 * 4, 4 * 16 * 16 * 32 * 4])
    parts = {a: np.split(np.frombuffer(o, np.uint8), sizes) for a, o in outputs.items()}
    for i in range(3):
        assert not np.array_equal(parts["direct"][i], parts["winograd_4x4"][i])
        close = [np.frombuffer(parts[a][i].tobytes(), np.float32) for a in ("direct", "winograd_4x4")]
        np.testing.assert_allclose(close[0], close[1], atol=1e-5 * np.abs(close[0]).max())


@pytest.mark.parametrize(("setting", "same"), [("direct", "direct"), ("auto", "winograd_4x4"), ("", "winograd_4x4")])
def test_environment(setting, same):
    assert run("auto", setting).stdout == run(same).stdout


def test_environment_leaves_a_named_algorithm_alone():
    assert run("winograd_4x4", "direct").stdout == run("winograd_4x4").stdout


def test_environment_with_an_unknown_value():
    failed = run("auto", "fast")
    assert failed.returncode != 0
    assert b"NACRE_CONV: unknown value 'fast'. Known: auto, direct." in failed.stderr


def test_float64_is_direct():
    rng = np.random.default_rng(0)
    x = nc.Tensor(rng.standard_normal((4, 16, 16, 32)), dtype="float64")
    w = nc.Tensor(rng.standard_normal((3, 3, 32, 32)), dtype="float64")
    chosen = nc.conv2d(x, w).numpy()
    np.testing.assert_array_equal(chosen, nc.conv2d(x, w, algorithm="direct").numpy())
    forced = nc.conv2d(x, w, algorithm="winograd_4x4").numpy()
    assert not np.array_equal(chosen, forced)
    np.testing.assert_allclose(forced, chosen, atol=1e-14 * np.abs(chosen).max())
