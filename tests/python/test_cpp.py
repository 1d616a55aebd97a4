"""Runs the C++ unit tests (tests/cpp): each test_*.cpp is a program of its own and a test here, so one failure hides no other."""

import os

import pytest
from cmake_build import ROOT, call

from nacre import _core

PROGRAMS = sorted(path.stem for path in (ROOT / "tests" / "cpp").glob("test_*.cpp"))


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
@pytest.mark.parametrize("isa", [isa for isa in _core.available_isas() if isa != _core.isa()])
@pytest.mark.parametrize("program", PROGRAMS)
def test_cpp_with_isa(cmake, cpp_build, program, isa):
    run(cmake, cpp_build, program, NACRE_ISA=isa)
