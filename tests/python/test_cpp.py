"""Runs the C++ unit tests (tests/cpp): each test_*.cpp is a program of its own and a test here, so one failure hides no other."""

import os
import pathlib

import pytest
from cmake_build import ROOT, call

PROGRAMS = sorted(path.stem for path in (ROOT / "tests" / "cpp").glob("test_*.cpp"))


def instruction_sets():
    """What this machine can run besides the best one, which is used when nothing is said."""
    info = pathlib.Path("/proc/cpuinfo")
    flags = set(info.read_text().split()) if info.exists() else set()
    sets = ["scalar"]
    if {"avx2", "fma", "f16c"} <= flags:
        sets.append("avx2")
    return sets if {"avx512f", "avx512vl", "avx512bw", "avx512dq"} <= flags else sets[:-1] or sets


def run(cmake, folder, program, **environment):
    cmake.build(folder, "--target", program)  # no work when it was built with the rest; its errors when that failed
    done = call(folder / "tests" / "cpp" / program, timeout=900, env={**os.environ, **environment})
    assert "[doctest] test cases:" in done.stdout  # it did run tests
    return done


def test_there_are_programs():
    assert PROGRAMS


@pytest.mark.parametrize("program", PROGRAMS)
def test_cpp(request, cmake, cpp_build, program):
    longer = {"NACRE_FULL": "1"} if request.config.getoption("--full") else {}  # more random cases
    run(cmake, cpp_build, program, **longer)


@pytest.mark.full
@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("program", PROGRAMS)
def test_cpp_with_isa(cmake, cpp_build, program, isa):
    run(cmake, cpp_build, program, NACRE_ISA=isa)
