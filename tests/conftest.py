"""Options, the two tiers, and the C++ build that several tests share.

`pytest` runs the quick tier; `pytest --full` adds what is marked `full`: other instruction sets, compilers and targets, sanitizers,
long searches. NACRE_CPP_BUILD names a build folder to use instead of build/cpp.
"""

import os
import pathlib

import pytest
from cmake_build import ROOT, CMake


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", default=False, help="run the full tier too")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--full"):
        return
    chosen = [item for item in items if item.get_closest_marker("full") is None]
    left = [item for item in items if item.get_closest_marker("full") is not None]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = chosen


def pytest_report_header(config):
    return f"nacre: {'full' if config.getoption('--full') else 'quick'} tier"


@pytest.fixture
def threads_kept():
    """The number of threads is again what it was when the test is over."""
    import nacre as nc

    before = nc.num_threads()
    yield
    nc.set_num_threads(before)


@pytest.fixture(scope="session")
def cmake():
    return CMake()


@pytest.fixture(scope="session")
def cpp_build(cmake):
    """The folder of the C++ build: library and test programs. What fails to compile fails in the test that needs it."""
    folder = pathlib.Path(os.environ.get("NACRE_CPP_BUILD") or ROOT / "build" / "cpp")
    cmake.configure(ROOT, folder, "-DNACRE_TESTS=ON", "-DNACRE_PYTHON=OFF")
    keep_going = ["--", "-k", "0"] if (folder / "build.ninja").exists() else ["--", "-k"]
    cmake.build(folder, *keep_going, check=False)
    return folder
