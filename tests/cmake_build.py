"""Programs that the tests call: cmake, ninja, compilers and what they build. Used by the fixtures of conftest.py."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


def tool(name):
    """A program of this environment (the extra `test` brings cmake and ninja) or of the system; None when it is nowhere."""
    return shutil.which(name, path=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")]))


def find_cmake():
    """The cmake that scikit-build-core took for the wheel: the system's when it is new enough, else the package index's.

    Versions order the flags differently, and ccache then finds nothing of the wheel's build."""
    system = shutil.which("cmake")
    if system:
        found = re.search(r"version (\d+)\.(\d+)", call(system, "--version").stdout)
        if found and (int(found[1]), int(found[2])) >= (3, 21):
            return system
    return tool("cmake")


def call(*command, check=True, timeout=1800, **options):
    """Runs a program; when it fails, the test fails with its output."""
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
        **options,
    )
    if check and done.returncode != 0:
        pytest.fail(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stdout[-6000:]}", pytrace=False)
    return done


class CMake:
    """Configures and builds folders with the cmake and ninja that are there, and ccache when CMakeLists.txt finds it."""

    def __init__(self):
        self.cmake = find_cmake()
        if self.cmake is None:
            pytest.fail("cmake is not there: pip install '.[test]' brings it.", pytrace=False)
        self.environment = dict(os.environ)
        # The compiler's name as scikit-build-core takes it, from Python's own build: ccache tells g++ from c++.
        compiler = (sysconfig.get_config_var("CXX") or "").split()[:1]
        if compiler and tool(compiler[0]):
            self.environment.setdefault("CXX", compiler[0])
        ninja = tool("ninja")
        self.generator = ["-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja}"] if ninja else []
        self.jobs = str(len(os.sched_getaffinity(0)))

    def configure(self, source, folder, *options):
        if not (pathlib.Path(folder) / "CMakeCache.txt").exists():
            strict = os.environ.get("NACRE_WARNINGS_AS_ERRORS", "OFF")  # as in the wheel's build: ccache finds its objects again
            options = (*self.generator, f"-DNACRE_WARNINGS_AS_ERRORS={strict}", *options)
        return call(self.cmake, "-S", source, "-B", folder, *options, env=self.environment)

    def build(self, folder, *options, check=True):
        return call(self.cmake, "--build", folder, "-j", self.jobs, *options, env=self.environment, check=check)

    def install(self, folder, prefix):
        return call(self.cmake, "--install", folder, "--prefix", prefix, env=self.environment)
