"""The machine's limits, measured by bench/cpp/limits.cpp, which is compiled here without the library."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import figures, machine

X86 = {
    "avx2": ["-mavx2", "-mfma", "-mf16c"],
    "avx512": ["-mavx2", "-mfma", "-mf16c", "-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512dq", "-mprefer-vector-width=512"],
}


def instruction_sets() -> dict[str, list[str]]:
    arch = platform.machine().lower()
    if arch in ("x86_64", "amd64"):
        return {"scalar": [], **X86}
    return {"scalar": [], "neon": []} if arch in ("aarch64", "arm64") else {"scalar": []}


def build(root: Path, cache: Path) -> Path:
    """The program, compiled again when its text has changed."""
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")
    if not compiler:
        raise RuntimeError("there is no C++ compiler (CXX, g++, c++) to build bench/cpp/limits.cpp with.")
    sources = root / "bench" / "cpp"
    own = [sources / name for name in ("limits.cpp", "limit_rate.cpp", "limit_rate.h", "limit_loops.cpp", "limit_loops.h")]
    parts = [*own, *sorted((root / "cpp/nacre/simd").glob("packet*.h"))]
    key = hashlib.sha256(b"".join(p.read_bytes() for p in parts)).hexdigest()[:16]
    program = cache / f"limits-{key}"
    if program.exists():
        return program
    cache.mkdir(parents=True, exist_ok=True)
    common = [
        *compiler.split(),
        "-std=c++20",
        "-O2",
        "-ffp-contract=off",
        "-fno-trapping-math",
        "-w",
        f"-I{root / 'cpp'}",
        f"-I{sources}",
    ]
    objects, have = [], []
    for isa, flags in instruction_sets().items():
        target = cache / f"limit_loops-{key}-{isa}.o"
        subprocess.run(
            [
                *common,
                *flags,
                f"-DNACRE_ISA=isa_{isa}",
                f"-DNACRE_ISA_{isa.upper()}=1",
                "-c",
                str(sources / "limit_loops.cpp"),
                "-o",
                str(target),
            ],
            check=True,
        )
        objects.append(str(target))
        have.append(f"-DNACRE_HAVE_{isa.upper()}=1")
    made = cache / f"limits-{key}.new"
    subprocess.run(
        [*common, *have, str(sources / "limits.cpp"), str(sources / "limit_rate.cpp"), *objects, "-pthread", "-o", str(made)],
        check=True,
    )
    made.rename(program)
    for name in objects:
        os.unlink(name)
    return program


def measure(program: Path, threads: int, ms: float) -> dict[str, float]:
    command = [str(program), "--json", "--threads", str(threads), "--ms", str(ms)]
    with machine.pinned(threads):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {line["name"]: line["value"] for line in json.loads(done.stdout)}


def merge(rounds: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Median over the rounds; "fma" is the fastest instruction set, "read" and "triad" those of memory."""
    names = {name for r in rounds for name in r}
    found: dict[str, Any] = {name: figures.median([r[name] for r in rounds if name in r]) for name in sorted(names)}
    if found:
        found["fma"] = max(v for k, v in found.items() if k.startswith("fma "))
        found["read"], found["triad"] = found["read dram"], found["triad dram"]
    return found
