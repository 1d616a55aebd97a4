"""`python -m nacre`: the version, and where the C++ side of this installation lies.

--cmake-root     folder for -Dnacre_ROOT=..., so that find_package(nacre) finds it
--include-dir    folder of the headers
--lib-dir        folder of libnacre
"""

from __future__ import annotations

import argparse
import os


def root() -> str:
    """The folder that holds lib/cmake/nacre: of an editable install it is not the one of this file."""
    import nacre

    places = [*nacre.__path__]
    core = getattr(nacre, "_core", None)
    if core is not None and getattr(core, "__file__", None):
        places.append(os.path.dirname(core.__file__))
    return next((place for place in places if os.path.isdir(os.path.join(place, "lib", "cmake", "nacre"))), places[0])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m nacre", description="Where the C++ side of this installation lies.")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--cmake-root", action="store_true", help="folder for -Dnacre_ROOT")
    choice.add_argument("--include-dir", action="store_true", help="folder of the headers")
    choice.add_argument("--lib-dir", action="store_true", help="folder of libnacre")
    arguments = parser.parse_args()
    if arguments.cmake_root:
        print(root())
    elif arguments.include_dir:
        print(os.path.join(root(), "include"))
    elif arguments.lib_dir:
        print(os.path.join(root(), "lib"))
    else:
        import nacre

        print(f"nacre {nacre.__version__} in {root()}")


if __name__ == "__main__":
    main()
