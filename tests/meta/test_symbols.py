"""No code of one instruction set may reach a machine that lacks it.

Inline functions and templates are weak symbols: of several equal ones the linker keeps any. One compiled with -mavx512f under a name that
the base build uses too could be the copy that a plain x86-64 machine runs. So each weak symbol of a kernel object must carry the name
of its instruction set.
"""

import re

import pytest
from cmake_build import call, tool

# What nm prints: value, type, name. W and V: weak; u: unique in the process.
WEAK = re.compile(r"^[0-9a-f]+ [WVu] (.+)$", re.MULTILINE)


def kernel_objects(folder):
    found = {}
    for path in (folder / "cpp" / "CMakeFiles").glob("nacre_kernels_*.dir"):
        found[path.name[len("nacre_kernels_") : -len(".dir")]] = sorted(path.rglob("*.o"))
    return found


def test_weak_symbols_carry_their_instruction_set(cpp_build):
    nm = tool("nm")
    if nm is None:
        pytest.skip("nm is not there (binutils)")
    objects = kernel_objects(cpp_build)
    assert objects
    leaks = []
    for isa, files in objects.items():
        assert files, isa
        if isa == "scalar":
            continue  # compiled for the base machine
        for file in files:
            for symbol in WEAK.findall(call(nm, "-C", "--defined-only", file).stdout):
                if f"isa_{isa}" not in symbol:
                    leaks.append(f"{isa}/{file.name}: {symbol}")
    assert not leaks, "\n".join(leaks[:40])
