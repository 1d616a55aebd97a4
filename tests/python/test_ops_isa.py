"""Values and one gradient per op under each other instruction set that this machine has, in child processes."""

import os
import pathlib
import subprocess
import sys

import pytest

from nacre import _core

OTHERS = [isa for isa in _core.available_isas() if isa != _core.isa()]


@pytest.mark.parametrize("isa", OTHERS)
def test_instruction_set(isa):
    here = pathlib.Path(__file__).parent
    done = subprocess.run(
        [sys.executable, str(here / "op_harness.py")], env={**os.environ, "NACRE_ISA": isa}, capture_output=True, text=True, check=False,
        timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{isa}: "), done.stdout


def test_unknown_instruction_set_is_an_error():
    done = subprocess.run(
        [sys.executable, "-c", "import nacre._core as c; c.op_functions['exp']([1.0])"],
        env={**os.environ, "NACRE_ISA": "no_such_isa"}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert "no_such_isa" in done.stderr
