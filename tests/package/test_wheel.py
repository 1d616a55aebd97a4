"""What the wheel holds and how large it is, read from the files that pip installed; and, in the full tier, a wheel in a clean environment."""

import importlib.metadata
import os
import subprocess
import sys
import zlib

import pytest
from cmake_build import ROOT, call

LIMIT = 5_000_000


@pytest.fixture(scope="module")
def files():
    distribution = importlib.metadata.distribution("nacre")
    listed = [file for file in distribution.files or [] if "__pycache__" not in file.parts]
    if not any(file.name == "nacreConfig.cmake" for file in listed):
        pytest.skip("nacre is installed in editable mode: there is no wheel to look at")
    return listed


def test_wheel_is_small(files):
    packed = sum(len(zlib.compress(file.read_binary(), 6)) for file in files)  # as a zip archive packs each file
    assert packed < LIMIT, f"the wheel has {packed / 1e6:.2f} MB"


def test_wheel_holds_what_it_should(files):
    names = {file.as_posix() for file in files}
    for name in (
        "nacre/__init__.py", "nacre/py.typed", "nacre/lib/libnacre.so", "nacre/include/nacre/version.h",
        "nacre/lib/cmake/nacre/nacreConfig.cmake", "nacre/lib/cmake/nacre/nacreTargets.cmake",
        "nacre/datasets/data/digits.safetensors", "nacre/datasets/data/README.md",
    ):  # fmt: skip
        assert name in names, name
    assert [name for name in names if name.startswith("nacre/_core.") and name.endswith(".so")]
    wrong = [name for name in names if name.endswith((".cpp", ".a", ".o")) or not name.startswith(("nacre/", "nacre-"))]
    assert not [name for name in wrong if not name.startswith("../")], wrong


def test_requirements_are_numpy_and_tqdm_alone():
    required = importlib.metadata.requires("nacre") or []
    names = sorted(text.split(">")[0].split(";")[0].strip() for text in required if "extra ==" not in text)
    assert names == ["numpy", "tqdm"]


def test_version_is_that_of_the_core():
    import nacre

    assert importlib.metadata.version("nacre") == nacre.__version__


@pytest.mark.full
def test_wheel_in_a_clean_environment(tmp_path):
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    call(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path / "dist", ROOT, env=environment)
    wheel = next((tmp_path / "dist").glob("nacre-*.whl"))
    assert wheel.stat().st_size < LIMIT
    call(sys.executable, "-m", "venv", tmp_path / "venv", env=environment)
    python = tmp_path / "venv" / "bin" / "python"
    call(python, "-m", "pip", "install", "-q", wheel, env=environment)
    done = subprocess.run(
        [python, ROOT / "examples" / "digits.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert "test accuracy 0.9" in done.stdout
