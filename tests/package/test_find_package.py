"""find_package(nacre) from `cmake --install` (shared and static, moved to another place), from the wheel, and add_subdirectory."""

import pathlib

import pytest
from cmake_build import ROOT, call

CONSUMER = ROOT / "tests" / "package" / "consumer"


def build_and_run(cmake, source, folder, prefix):
    options = [f"-DCMAKE_PREFIX_PATH={prefix}"] if prefix is not None else []
    cmake.configure(source, folder, *options)
    if prefix is not None:
        cache = (folder / "CMakeCache.txt").read_text()
        assert f"nacre_DIR:PATH={prefix}" in cache  # this one, not another that is installed
    cmake.build(folder)
    assert call(folder / "consumer").stdout.startswith("nacre 0.")


def installed(cmake, build, tmp_path):
    """Installs and moves the tree, so that a path of the build that was kept would be missed."""
    cmake.install(build, tmp_path / "first")
    place = tmp_path / "moved" / "here"
    place.parent.mkdir()
    (tmp_path / "first").rename(place)
    return place


def test_shared_install(cmake, cpp_build, tmp_path):
    cmake.build(cpp_build, "--target", "nacre")
    prefix = installed(cmake, cpp_build, tmp_path)
    files = {path.relative_to(prefix).as_posix() for path in prefix.rglob("*") if not path.is_dir()}
    assert "include/nacre/version.h" in files
    assert not [name for name in files if name.endswith((".cpp", ".py")) or "/bindings/" in name]
    build_and_run(cmake, CONSUMER, tmp_path / "build", prefix)


def test_wheel_has_the_library_for_cmake(cmake, tmp_path):
    import nacre

    package = pathlib.Path(nacre.__file__).parent
    if not (package / "lib" / "cmake").exists():
        package = next((pathlib.Path(place) for place in nacre.__path__ if (pathlib.Path(place) / "lib" / "cmake").exists()), None)
    if package is None:
        pytest.skip("nacre is not installed as a wheel (an editable install keeps the library elsewhere)")
    build_and_run(cmake, CONSUMER, tmp_path / "build", package)


@pytest.mark.full
def test_static_install(cmake, tmp_path):
    build = ROOT / "build" / "static"
    cmake.configure(ROOT, build, "-DNACRE_SHARED=OFF", "-DNACRE_TESTS=OFF")
    cmake.build(build)
    prefix = installed(cmake, build, tmp_path)
    assert not list(prefix.rglob("libnacre.so*"))
    build_and_run(cmake, CONSUMER, tmp_path / "build", prefix)


@pytest.mark.full
def test_add_subdirectory(cmake, tmp_path):
    text = (
        (CONSUMER / "CMakeLists.txt")
        .read_text()
        .replace("find_package(nacre 0.1 REQUIRED)", f"add_subdirectory({ROOT} nacre EXCLUDE_FROM_ALL)")
    )
    (tmp_path / "CMakeLists.txt").write_text(text)
    (tmp_path / "main.cpp").write_text((CONSUMER / "main.cpp").read_text())
    build_and_run(cmake, tmp_path, tmp_path / "build", None)
