"""What must not compile: each file once as it is (it must compile) and once with -DMISTAKE (it must fail with the message it expects)."""

import os
import pathlib
import re

import pytest
from cmake_build import ROOT, call, tool

FILES = sorted(pathlib.Path(__file__).parent.glob("*.cpp"))


def compile_file(path, *options):
    compiler = os.environ.get("CXX") or tool("g++") or tool("c++")
    if compiler is None:
        pytest.fail("no C++ compiler: install g++", pytrace=False)
    environment = {**os.environ, "LC_ALL": "C"}  # messages in English
    return call(
        *compiler.split(),
        "-std=c++20",
        "-fsyntax-only",
        "-I",
        ROOT / "cpp",
        *options,
        path,
        check=False,
        timeout=300,
        env=environment,
    )


def test_there_are_files():
    assert len(FILES) >= 7


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_mistake_and_nothing_else_fails(path):
    (expected,) = re.findall(r"^// expect: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    right = compile_file(path)
    assert right.returncode == 0, right.stdout
    wrong = compile_file(path, "-DMISTAKE")
    assert wrong.returncode != 0, "compiled"
    assert re.search(expected, wrong.stdout), f"{expected!r} is not in:\n{wrong.stdout[:3000]}"
