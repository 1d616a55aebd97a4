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


def leaks(listing, isa):
    """The weak symbols of nm's output that do not carry the name of their instruction set.

    DW.ref.*: pointers that exception tables use, the same data in every object; no code.
    """
    return [symbol for symbol in WEAK.findall(listing) if f"isa_{isa}" not in symbol and not symbol.startswith("DW.ref.")]


def test_weak_symbols_carry_their_instruction_set(cpp_build):
    nm = tool("nm")
    if nm is None:
        pytest.skip("nm is not there (binutils)")
    objects = kernel_objects(cpp_build)
    assert objects
    found = []
    for isa, files in objects.items():
        assert files, isa
        if isa == "scalar":
            continue  # compiled for the base machine
        for file in files:
            listing = call(nm, "-C", "--defined-only", file).stdout
            assert " T " in listing, file  # it was read
            found += [f"{isa}/{file.name}: {symbol}" for symbol in leaks(listing, isa)]
    assert not found, "\n".join(found[:40])


def test_a_leak_is_seen():
    listing = """0000000000000000 W std::vector<float, std::allocator<float> >::size() const
0000000000000010 W void nacre::isa_avx512::tile<4>(float*)
0000000000000020 u std::__once_callable
0000000000000030 T nacre::isa_avx512::fill(nacre::KernelTable&)
0000000000000040 V typeinfo for nacre::ShapeError
0000000000000050 W nacre::isa_avx2::f()
0000000000000060 V DW.ref.__gxx_personality_v0
"""
    assert leaks(listing, "avx512") == [
        "std::vector<float, std::allocator<float> >::size() const",
        "std::__once_callable",
        "typeinfo for nacre::ShapeError",
        "nacre::isa_avx2::f()",
    ]
