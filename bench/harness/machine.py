"""The machine: processors, load, who else was running, versions; the environment that gives a process its threads."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def allowed_cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def processor_times() -> dict[str, float]:
    """Seconds of all cores since the machine started: busy (all but idle) and stolen by other virtual machines. Empty where /proc is absent."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            fields = [int(v) for v in file.readline().split()[1:9]]
    except (OSError, ValueError):
        return {}
    tick = os.sysconf("SC_CLK_TCK")
    user, nice, system, idle, iowait, irq, softirq, stolen = fields
    del idle, iowait
    return {"busy": (user + nice + system + irq + softirq + stolen) / tick, "stolen": stolen / tick}


def others(before: dict[str, float], after: dict[str, float], own: float, wall: float) -> dict[str, float]:
    """Cores that others used while `own` seconds of processor time were spent here in `wall` seconds, and the load average."""
    found = {"load": round(os.getloadavg()[0], 2)} if hasattr(os, "getloadavg") else {}
    if before and after and wall > 0.05:  # the kernel counts in ticks of 10 ms
        found["cores"] = round(max(0.0, (after["busy"] - before["busy"] - own) / wall), 2)
        found["stolen"] = round((after["stolen"] - before["stolen"]) / wall, 2)
    return found


def child_environment(threads: int, framework: str, cache: str, python_path: list[str]) -> dict[str, str]:
    """The environment of a measured process: every knob for the number of threads that a framework reads when it is imported."""
    env = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("OMP_", "MKL_", "KMP_", "XLA_", "JAX_", "TORCH", "NACRE_", "KERAS_"))
    }
    if "NACRE_ISA" in os.environ:
        env["NACRE_ISA"] = os.environ["NACRE_ISA"]
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NACRE_NUM_THREADS", "NPROC"):
        env[name] = str(threads)
    env["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=" + ("true" if threads > 1 else "false")
    env["JAX_PLATFORMS"] = "cpu"
    env["TF_CPP_MIN_LOG_LEVEL"] = "3"
    env["KERAS_BACKEND"] = "torch" if framework == "keras-torch" else "jax"
    env["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(cache, "inductor")
    env["PYTHONHASHSEED"] = "0"
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    env["PYTHONPATH"] = os.pathsep.join(python_path)
    return env


def one_per_core(processors: list[int], topology: str = "/sys/devices/system/cpu") -> list[int]:
    """The processors with those last that share a core with an earlier one: two threads of one core are no two cores."""
    seen, first, siblings = set(), [], []
    for number in processors:
        try:
            folder = Path(topology) / f"cpu{number}" / "topology"
            core = tuple((folder / name).read_text().strip() for name in ("physical_package_id", "core_id"))
        except OSError:
            core = (str(number),)
        (siblings if core in seen else first).append(number)
        seen.add(core)
    return first + siblings


def cores_for(threads: int) -> list[int]:
    """The cores that a process with so many threads is held to."""
    cores = one_per_core(allowed_cores()[::-1])  # the first processor serves most interrupts
    if threads > len(cores):
        raise ValueError(f"--threads: {threads} threads were asked for, but this process may use {len(cores)} cores.")
    return sorted(cores[:threads])


@contextlib.contextmanager
def pinned(threads: int) -> Iterator[None]:
    """Processes started inside are held to so many cores."""
    cores = cores_for(threads)
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu() -> dict[str, Any]:
    found: dict[str, Any] = {"model": platform.processor() or platform.machine(), "cores": len(allowed_cores()), "flags": ""}
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return found
    for key, pattern in (
        ("model", r"model name\s*:\s*(.*)"),
        ("family", r"cpu family\s*:\s*(\d+)"),
        ("model_number", r"model\s*:\s*(\d+)"),
    ):
        match = re.search(pattern, text)
        if match:
            found[key] = match.group(1).strip()
    flags = re.search(r"(?:flags|Features)\s*:\s*(.*)", text)
    wanted = re.compile(r"sse4|avx|fma|f16c|amx|asimd|sve|neon|bf16")
    found["flags"] = " ".join(f for f in (flags.group(1).split() if flags else []) if wanted.match(f))
    return found


def slug(model: str, flags: str) -> str:
    """A short name of the processor for a file name."""
    words = [
        w
        for w in re.sub(r"\(.*?\)|[^A-Za-z0-9]+", " ", model).lower().split()
        if w not in ("amd", "intel", "processor", "cpu", "core")
    ]
    widest = "avx512" if "avx512f" in flags else "avx2" if "avx2" in flags else "neon" if "asimd" in flags else "base"
    return "-".join([*(words[:2] or ["cpu"]), widest])


def git_commit(root: Path) -> str:
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], cwd=root, capture_output=True, text=True, check=True
        ).stdout.strip()
        dirty = subprocess.run(
            ["git", "status", "--porcelain", "-uno"], cwd=root, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + (" with changes" if dirty else "")


def describe(root: Path) -> dict[str, Any]:
    return {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "cpu": cpu(),
        "kernel": platform.release(),
        "system": platform.system(),
        "python": platform.python_version(),
        "commit": git_commit(root),
        "load_at_start": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }
