"""The typed stubs say what the core says: they are fresh, agree with the running package, and type-check as a user would expect."""

import os
import re
import subprocess
import sys

import pytest
from cmake_build import ROOT

# Where the type system cannot say what stands there; each with its reason.
ACCEPTED = [
    r"metaclass differs",  # pybind11's own
    r"__signature__ is not present in stub",  # made for inspect.signature; the stub has __init__
    r'stub parameter "self" differs from runtime parameter "\w+"',  # ops bound as methods keep the name of their first input
    r"Tensor\.__iter__ is not present at runtime",  # iteration goes through __getitem__, which mypy does not see
    r"(Layer|Model|SymbolicTensor|Variable)\.__init__ is inconsistent",  # made by the core only
    r"ModelBase\.__getattr__ is not present at runtime",  # stands for what each model has from its class of the core
    r"_bundled\.Split is not present at runtime",  # an alias for annotations
]

GOOD = """
import numpy as np
from typing import Any
from typing_extensions import assert_type
import nacre as nc

x = nc.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
assert_type(nc.softmax(x, axis=-1), nc.Tensor)
assert_type(nc.ops.softmax([1.0, 2.0]), nc.Tensor)
assert_type(nc.ops.top_k(x, 1), tuple[nc.Tensor, nc.Tensor])
assert_type(nc.split(x, 2), list[nc.Tensor])
assert_type(nc.sum(x, axis=(0, 1), keepdims=True) / 2 + np.ones(2), nc.Tensor)
assert_type(1.0 - x, nc.Tensor)
assert_type(x.mean(axis=0), nc.Tensor)
assert_type(x.shape, tuple[int, ...])
assert_type(x[0, None, ..., 1:], nc.Tensor)
assert_type(x == 1, nc.Tensor)
assert_type(nc.zeros((2, 3), dtype=np.float32), nc.Tensor)
(x * x).sum().backward()
for row in x:
    assert_type(row, nc.Tensor)
dense = nc.layers.Dense(3, activation=nc.activations.relu, kernel_initializer=nc.initializers.HeNormal(seed=1))
assert_type(dense(x, training=True), nc.Tensor)
kernel: nc.Tensor = dense.kernel
adam = nc.optimizers.Adam(learning_rate=1e-3, weight_decay=None)
assert_type(adam.learning_rate, float)
adam.build(dense.variables)
assert_type(nc.losses.Huber(delta=2.0)([1.0], [2.0]), nc.Tensor)
assert_type(nc.losses.mean_squared_error([1.0], [2.0]), nc.Tensor)
assert_type(nc.metrics.BinaryAccuracy(threshold=0.4)([1], [0.7]), float)
nc.metrics.Mean().update_state([1.0, 2.0])
assert_type(nc.layers.MultiHeadAttention(2, key_dim=4)(x, x, attention_mask=None), nc.Tensor)
model = nc.Sequential([nc.Input((4,)), dense])
model.compile(optimizer=adam, loss="mse", metrics=["mae"])
history = model.fit(np.ones((2, 4)), np.ones((2, 3)), epochs=1)
assert_type(history, nc.callbacks.History)
with nc.no_grad():
    assert_type(nc.random.normal((2,), seed=1), nc.Tensor)
"""

# One mistake per line, and the code that mypy gives it.
BAD = [
    ("nc.softmax()", "call-arg"),
    ("nc.softmax([1.0], axes=0)", "call-arg"),
    ("nc.sofmax([1.0])", "attr-defined"),
    ("nc.layers.Dense()", "call-arg"),
    ("nc.layers.Dense('3')", "arg-type"),
    ("nc.layers.Dense(3, activatoin='relu')", "call-arg"),
    ("nc.layers.Danse(3)", "attr-defined"),
    ("nc.optimizers.Adam(lr=0.1)", "call-arg"),
    ("nc.losses.Huber(delta='1')", "arg-type"),
    ("nc.metrics.BinaryAccuracy(threshold=[1])", "arg-type"),
    ("nc.ones((2,)).reshpe((1, 2))", "attr-defined"),
]


def mypy(*arguments, **options):
    pytest.importorskip("mypy", reason="mypy is not installed; pip install '.[test]' brings it")
    environment = {**os.environ, "MYPYPATH": str(ROOT / "python")}
    return subprocess.run(
        [sys.executable, "-m", *arguments], capture_output=True, text=True, check=False, timeout=600, env=environment, **options
    )


def test_stubs_are_fresh(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import make_stubs

    assert make_stubs.stale() == [], "run python tools/make_stubs.py"


def test_every_public_name_is_in_a_stub():
    import nacre

    package = (ROOT / "python" / "nacre" / "ops.pyi").read_text(encoding="utf-8")
    missing = [name for name in nacre.ops.__all__ if not re.search(rf"^def {name}\(|as {name}$", package, re.MULTILINE)]
    assert not missing


def test_the_package_is_strictly_typed(tmp_path):
    done = mypy("mypy", "--config-file", ROOT / "pyproject.toml", "--cache-dir", tmp_path, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_stubs_agree_with_the_running_package(tmp_path):
    config = tmp_path / "mypy.ini"
    config.write_text(f"[mypy]\nignore_missing_imports = True\ncache_dir = {tmp_path}\n[mypy-tqdm.*]\nfollow_imports = skip\n")
    done = mypy("mypy.stubtest", "nacre", "--concise", "--mypy-config-file", config, cwd=tmp_path)
    lines = [line for line in done.stdout.splitlines() if line.startswith(("nacre.", "error"))]
    assert len(lines) > 40, done.stdout + done.stderr  # the accepted ones: stubtest did run
    found = [line for line in lines if not any(re.search(pattern, line) for pattern in ACCEPTED)]
    assert not found, "\n".join(found)


def test_programs_type_check(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(GOOD)
    done = mypy("mypy", "--strict", "--ignore-missing-imports", "--cache-dir", tmp_path, program, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr

    program.write_text("import nacre as nc\n" + "\n".join(line for line, _ in BAD) + "\n")
    done = mypy("mypy", "--strict", "--ignore-missing-imports", "--cache-dir", tmp_path, program, cwd=tmp_path)
    for number, (line, code) in enumerate(BAD, 2):
        assert re.search(rf"program\.py:{number}: error: .*\[{code}\]", done.stdout), f"{line}: no error [{code}]\n{done.stdout}"
