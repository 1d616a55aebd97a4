"""One (workload, framework, threads) in a process of its own: prints one line of JSON per case and variant.

    python -m harness.child WORKLOAD FRAMEWORK --threads N --budget SECONDS ...

The driver has pinned the process and set the environment before it starts. Everything that the frameworks print goes to stderr.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import sys
import time
import traceback
from typing import Any

from . import cases as table
from . import figures, machine

MODULES = {
    "torch.compile": "torch",
    "keras-jax": "keras",
    "keras-torch": "keras",
    "scikit-learn": "sklearn",
}  # others carry their own name


class Sampler:
    """Warms up, then takes samples until the budget is spent."""

    def __init__(self, budget: float, least: int):
        self.budget, self.least = budget, least

    def __call__(self, timed: table.Timed) -> list[float]:
        loop = timed.loop or _loop(timed.call)
        clock = time.perf_counter
        begin = clock()
        loop(1)
        self.first = clock() - begin
        if self.budget <= 0:
            return [self.first / timed.units]
        warm, count = clock() + 0.2 * self.budget, 0
        while count < 2 or clock() < warm:  # caches, pools, branch predictors, late compilation
            begin = clock()
            loop(1)
            once = clock() - begin
            count += 1
            if once > 0.5 * self.budget:
                break
        # A sample lasts long enough for the clock, and short enough that there are some twenty.
        inner = max(1, int(min(self.budget / 20, 5e-3) / max(once, 1e-9)))
        if inner > 1:
            begin = clock()
            loop(inner)
            inner = max(1, int(inner * min(self.budget / 20, 5e-3) / max(clock() - begin, 1e-9)))
        samples: list[float] = []
        end = clock() + self.budget
        gc.collect()
        gc.disable()
        try:
            while len(samples) < self.least or clock() < end:
                begin = clock()
                loop(inner)
                samples.append((clock() - begin) / inner / timed.units)
        finally:
            gc.enable()
        return samples


def _loop(call: Any) -> Any:
    def loop(n: int) -> None:
        for _ in range(n):
            call()

    return loop


def digest(array: Any) -> dict[str, Any]:
    """Evenly spaced values of a result and its largest, small enough to travel between processes."""
    import numpy as np

    flat = np.asarray(array, dtype=np.float64).ravel()
    picked = flat[np.linspace(0, flat.size - 1, min(flat.size, 97)).astype(int)] if flat.size else flat
    return {"count": int(flat.size), "values": picked.tolist(), "largest": float(np.abs(flat).max()) if flat.size else 0.0}


def run_variant(factory: Any, sampler: Sampler, checked: bool) -> dict[str, Any]:
    timed = factory()
    found: dict[str, Any] = {"note": timed.note} if timed.note else {}
    if checked and timed.check is not None:
        found["check"] = [digest(a) for a in timed.check()]
    before = machine.processor_times()
    own = time.process_time()
    begin = time.perf_counter()
    if timed.once is not None:
        samples = [timed.once()]
    else:
        samples = sampler(timed)
        found["first"] = sampler.first
    wall = time.perf_counter() - begin
    found.update(figures.summarise_samples(samples))
    found["others"] = machine.others(before, machine.processor_times(), time.process_time() - own, wall)
    return found


def message(error: BaseException) -> str:
    """One line that says what went wrong and where."""
    text = " ".join(str(error).split())[:300]
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "workloads" in f.filename]
    place = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {text}{place}"


def versions(framework: str) -> dict[str, str]:
    found = {}
    name = MODULES.get(framework, framework)
    for module in (name, "numpy", *(["jax"] if framework == "keras-jax" else ["torch"] if framework == "keras-torch" else [])):
        try:
            found[module] = str(importlib.import_module(module).__version__)
        except Exception as error:  # noqa: BLE001 reported as it is
            found[module] = message(error)
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("workload")
    parser.add_argument("framework")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--budget", type=float, required=True)
    parser.add_argument("--least", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", default="")
    parser.add_argument("--case", action="append", default=[])
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def say(**fields: Any) -> None:
        out.write(json.dumps(fields) + "\n")

    workload = table.workloads()[arguments.workload]
    context = table.Context(arguments.threads, arguments.seed, arguments.quick, arguments.cache)
    sampler = Sampler(arguments.budget, arguments.least)
    say(started=versions(arguments.framework) if "memory" not in workload.name and "compile" not in workload.name else {})
    if arguments.framework in ("torch", "torch.compile", "keras-torch"):
        import torch

        torch.set_num_threads(arguments.threads)
    runner = workload.runners[arguments.framework]
    for case in workload.cases(arguments.seed):
        if arguments.case and case.name not in arguments.case:
            continue
        if case.neighbour_of and arguments.framework != "nacre":
            continue
        try:
            variants = runner(case, context)
        except Exception as error:  # noqa: BLE001 the row shows it
            say(case=case.name, variant=arguments.framework, error=message(error))
            continue
        for variant, factory in variants.items():
            try:
                say(case=case.name, variant=variant, **run_variant(factory, sampler, not case.neighbour_of))
            except Exception as error:  # noqa: BLE001
                if not isinstance(error, table.NotAvailable):
                    traceback.print_exc()
                say(case=case.name, variant=variant, error=message(error))
            gc.collect()
    return 0


if __name__ == "__main__":
    sys.exit(main())
