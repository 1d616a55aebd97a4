"""The full tier's other builds: sanitizers, clang, aarch64 under qemu, and a CPU without AVX under qemu.

Each runs the C++ tests through the preset of its name; where there is no Python of the target, the samples of all ops go through
tests/cpp/tools/op_replay.cpp. Packages, where they are missing: clang-14, g++-aarch64-linux-gnu, qemu-user.
"""

import functools
import os
import pathlib

import op_replay
import pytest
from cmake_build import ROOT, call, tool

from nacre import _core

pytestmark = pytest.mark.full
PROGRAMS = sorted(path.stem for path in (ROOT / "tests" / "cpp").glob("test_*.cpp"))

# qemu-user itself dies in the child when a program with threads forks (7.2: qemu_plugin_vcpu_init_hook, rcu_read_unlock).
NOT_UNDER_QEMU = "--test-case-exclude=*forked child*"

# What the sanitizers say goes to the output and ends the program with an error.
ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


def need(*programs):
    for program in programs:
        if tool(program) is None:
            pytest.skip(f"{program} is not there")


def build_preset(cmake, preset, *options):
    folder = ROOT / "build" / preset
    program = [option for option in cmake.generator if option.startswith("-D")]
    call(cmake.cmake, "--preset", preset, *program, *options, cwd=ROOT, env=cmake.environment)
    cmake.build(folder)
    return folder


def run_preset(cmake, preset, *options, timeout=3600):
    environment = {**cmake.environment, **ENVIRONMENT}
    folder = build_preset(cmake, preset, *options)
    ctest = pathlib.Path(cmake.cmake).with_name("ctest")
    done = call(ctest, "--test-dir", folder, "--output-on-failure", "--timeout", "1200", env=environment, timeout=timeout)
    assert f"out of {len(PROGRAMS)}" in done.stdout
    return folder


@pytest.mark.parametrize("preset", ["asan", "tsan"])
def test_sanitizers(cmake, tmp_path, preset):
    # What the machine cannot run is not worth the minutes that it takes to compile with checks.
    folder = run_preset(cmake, preset, f"-DNACRE_ISAS={';'.join(_core.available_isas())}")
    op_replay.check([folder / "tests" / "cpp" / "op_replay"], tmp_path, functools.partial(call, env={**os.environ, **ENVIRONMENT}))


def test_clang(cmake):
    need("clang++-14")
    run_preset(cmake, "clang")


def test_aarch64(cmake):
    need("aarch64-linux-gnu-g++", "qemu-aarch64")
    run_preset(cmake, "aarch64", timeout=7200)


def test_ops_on_aarch64(cmake, tmp_path):
    need("aarch64-linux-gnu-g++", "qemu-aarch64")
    folder = build_preset(cmake, "aarch64")
    op_replay.check(["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", folder / "tests" / "cpp" / "op_replay"], tmp_path, call)


def test_ops_on_a_cpu_without_avx(cmake, cpp_build, tmp_path):
    need("qemu-x86_64")
    cmake.build(cpp_build, "--target", "op_replay")
    op_replay.check(["qemu-x86_64", "-cpu", "Nehalem", cpp_build / "tests" / "cpp" / "op_replay"], tmp_path, call)


@pytest.mark.parametrize("program", PROGRAMS)
def test_cpu_without_avx(cmake, cpp_build, program):
    """The library is built for plain x86-64 and must not touch a register that such a machine lacks."""
    need("qemu-x86_64")
    cmake.build(cpp_build, "--target", program)
    file = cpp_build / "tests" / "cpp" / program
    environment = {**os.environ, "NACRE_ISA": ""}
    done = call("qemu-x86_64", "-cpu", "Nehalem", file, NOT_UNDER_QEMU, timeout=3600, env=environment)
    assert "[doctest] test cases:" in done.stdout


def test_without_threads(cmake):
    """NACRE_THREADS=OFF: one thread, or those that the host program hands in."""
    folder = ROOT / "build" / "no-threads"
    call(cmake.cmake, "-S", ROOT, "-B", folder, *cmake.generator, "-DNACRE_THREADS=OFF", "-DNACRE_TESTS=ON", env=cmake.environment)
    for program in ("test_host", "test_plan"):
        cmake.build(folder, "--target", program)
        call(folder / "tests" / "cpp" / program)
