"""`import nacre` is cheap and changes nothing: time, memory, modules, threads, environment. Each measured in a process of its own."""

import json
import statistics
import subprocess
import sys

import pytest

CHILD = """
import json, os, sys, time
def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
environment = dict(os.environ)
before = memory()
start = time.perf_counter()
import nacre
seconds = time.perf_counter() - start
print(json.dumps({
    "ms": seconds * 1e3, "mb": (memory() - before) / 2**20, "numpy": "numpy" in sys.modules, "tqdm": "tqdm" in sys.modules,
    "threads": len(os.listdir("/proc/self/task")), "same": environment == dict(os.environ),
}))
"""


def measure():
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def runs():
    measure()  # fills the page cache and writes the .pyc files
    return [measure() for _ in range(11)]


def test_import_leaves_numpy_and_tqdm_alone(runs):
    assert not any(run["numpy"] or run["tqdm"] for run in runs)


def test_import_starts_no_thread_and_keeps_the_environment(runs):
    assert all(run["threads"] == 1 and run["same"] for run in runs)


def test_import_takes_little_memory(runs):
    used = statistics.median(run["mb"] for run in runs)
    assert used < 12, f"import nacre adds {used:.1f} MB"


def test_import_is_quick(runs):
    # The bound is for a quiet machine; a busy one gets two more chances, and the best median counts.
    medians = [statistics.median(run["ms"] for run in runs)]
    while medians[-1] >= 15 and len(medians) < 3:
        medians.append(statistics.median(measure()["ms"] for _ in range(11)))
    assert min(medians) < 15, f"import nacre takes {min(medians):.1f} ms"
