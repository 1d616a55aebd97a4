"""Times workloads x frameworks x threads and writes what was measured to bench/results.

    python bench/run.py                        everything (hours)
    python bench/run.py --quick                a representative part, in five minutes
    python bench/run.py --only lenet --rounds 5 --threads 2

Every (workload, framework, threads) runs in a fresh process, framework after framework, and the sweep is repeated. What is missing is prepared first:
a virtual environment with the peers, nacre installed into it from this checkout. docs/performance.md says how to read the result.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
sys.path.insert(0, str(BENCH))

from harness import cases, limits, machine, prepare, report

QUICK_SECONDS = 285  # --quick: no process begins that would probably end later
QUICK_FRAMEWORKS = (
    "nacre",
    "numpy",
    "torch",
    "jax",
    "keras-jax",
    "onnxruntime",
)  # torch.compile takes 20 s to begin, keras-torch 4 s


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def arguments_of(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="a representative part, in five minutes; torch.compile and keras-torch are left out"
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="workloads, or cases, whose name contains one of these"
    )
    parser.add_argument("--threads", default="", help="numbers of threads, as 1,2; default 1 and the number of cores up to 2")
    parser.add_argument(
        "--frameworks", nargs="+", default=[], choices=cases.FRAMEWORKS, metavar="NAME", help=", ".join(cases.FRAMEWORKS)
    )
    parser.add_argument("--seed", type=int, default=0, help="of inputs, initial weights and neighbours")
    parser.add_argument("--rounds", type=int, default=0, help="default 3; with --quick 2")
    parser.add_argument(
        "--budget",
        type=float,
        default=None,
        help="seconds of samples per case; default 1.0, with --quick 0.1; 0: one call each, to check results",
    )
    parser.add_argument("--no-neighbours", action="store_true", help="leave out the neighbours of the training rows")
    parser.add_argument(
        "--timeout", type=float, default=0.0, help="seconds that one process may take; default 900, with --quick 60"
    )
    parser.add_argument("--out", type=Path, default=BENCH / "results", help="folder of the results; default bench/results")
    parser.add_argument(
        "--venv", type=Path, default=None, help="the peers' virtual environment; default in the user's cache folder"
    )
    parser.add_argument(
        "--nacre-site", default=None, help="a folder that holds a built package nacre, in place of installing this checkout"
    )
    parser.add_argument("--list", action="store_true", help="print the workloads, their cases and frameworks, and measure nothing")
    found = parser.parse_args(words)
    found.rounds = found.rounds or (2 if found.quick else 3)
    found.budget = (0.1 if found.quick else 1.0) if found.budget is None else found.budget
    found.timeout = found.timeout or (60.0 if found.quick else 900.0)
    try:
        found.thread_list = sorted({int(t) for t in found.threads.split(",")}) if found.threads else default_threads(found.quick)
        for threads in found.thread_list:
            if threads < 1:
                raise ValueError(f"--threads: numbers of threads are at least 1, got {threads}.")
            machine.cores_for(threads)
    except ValueError as error:
        parser.error(str(error))
    return found


def default_threads(quick: bool) -> list[int]:
    most = min(2, len(machine.allowed_cores()))
    return [most] if quick else sorted({1, most})


def chosen(options: argparse.Namespace) -> list[tuple[cases.Workload, list[cases.Case]]]:
    """The workloads and cases that --only, --quick and --no-neighbours leave."""
    found = []
    for workload in cases.workloads().values():
        all_cases = list(workload.cases(options.seed))
        kept = [
            c
            for c in all_cases
            if (not options.only or any(word in workload.name or word in c.name for word in options.only))
            and (not options.quick or c.quick)
            and not (c.neighbour_of and options.no_neighbours)
        ]
        if kept:
            found.append((workload, kept))
    if options.only and not found:
        raise SystemExit(f"--only: nothing is called {' or '.join(options.only)}. `--list` shows the names.")
    return found


def frameworks_of(workload: cases.Workload, options: argparse.Namespace) -> list[str]:
    wanted = options.frameworks or (QUICK_FRAMEWORKS if options.quick else cases.FRAMEWORKS)
    return [f for f in cases.FRAMEWORKS if f in wanted and f in workload.runners]


def print_list(options: argparse.Namespace) -> None:
    for workload, kept in chosen(options):
        print(f"{workload.name}: {workload.title} [{', '.join(frameworks_of(workload, options))}]")
        for case in kept:
            mark = " (quick)" if case.quick else ""
            print(f"    {case.name}{mark}" + (f" (neighbour of {case.neighbour_of})" if case.neighbour_of else ""))


def run_process(python: Path, workload: cases.Workload, kept: Sequence[cases.Case], framework: str, threads: int,
                options: argparse.Namespace, cache: Path, limit: float) -> list[dict[str, Any]]:  # fmt: skip
    """The lines that one child printed; what it did not print is an error of its own."""
    path = [str(BENCH), *([str(Path(options.nacre_site).resolve())] if options.nacre_site else [])]
    command = [
        str(python), "-m", "harness.child", workload.name, framework, "--threads", str(threads), "--budget", str(options.budget),
        "--least", "1" if options.quick or workload.slow else "3", "--seed", str(options.seed), "--cache", str(cache),
    ]  # fmt: skip
    if options.quick:
        command.append("--quick")
    for case in kept:
        command += ["--case", case.name]
    env = machine.child_environment(threads, framework, str(cache), path)
    with machine.pinned(threads):
        process = subprocess.Popen(command, cwd=BENCH, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, err = process.communicate(timeout=limit)
        ended = "" if process.returncode == 0 else f"the process ended with status {process.returncode}"
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        ended = f"the process took over {limit:.0f} s"
    except BaseException:  # Ctrl-C: nothing is left running
        process.kill()
        raise
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{") and line.endswith("}")]
    if ended:
        lines.append({"ended": f"{workload.name}, {framework}, {threads} threads: {ended}"})
        last = [line for line in err.splitlines() if line.strip()][-1:]
        told = {line.get("case") for line in lines}
        for case in kept:
            if case.name not in told and not (case.neighbour_of and framework != "nacre"):
                lines.append({"case": case.name, "variant": framework, "error": f"{ended}: {' '.join(last)[:200]}"})
    return lines


def sweep(options: argparse.Namespace, python: Path, cache: Path) -> dict[str, Any]:
    """All rounds; returns raw results by case, variant and threads, limits, versions and what was left out."""
    plan = chosen(options)
    program = None
    result: dict[str, Any] = {"results": {}, "limits": {}, "versions": {}, "left_out": [], "machine": machine.describe(ROOT)}
    result["frameworks"] = {workload.name: frameworks_of(workload, options) for workload, _ in plan}
    try:
        program = limits.build(ROOT, cache)
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        result["limits_error"] = str(error)
        say(f"no limits: {error}")
    begin, limit_rounds = time.monotonic(), {t: [] for t in options.thread_list}
    durations: dict[tuple[str, str], float] = {}
    try:
        for number in range(options.rounds):
            if program:
                for threads in options.thread_list:
                    limit_rounds[threads].append(limits.measure(program, threads, 10 if options.quick else 40))
            for workload, kept in plan:
                # Frameworks alternate; the thread counts of one framework follow one another.
                for framework in frameworks_of(workload, options):
                    for threads in options.thread_list:
                        expected = durations.get((workload.name, framework), 5.0)
                        left = QUICK_SECONDS - (time.monotonic() - begin)
                        if options.quick and left < expected:
                            result["left_out"].append(
                                f"round {number + 1}, {workload.name}, {framework}, {threads} threads: out of time"
                            )
                            continue
                        started = time.monotonic()
                        limit = min(options.timeout, left) if options.quick else options.timeout * (3 if workload.slow else 1)
                        lines = run_process(python, workload, kept, framework, threads, options, cache, limit)
                        durations[workload.name, framework] = time.monotonic() - started
                        errors = sum("error" in line for line in lines)
                        say(f"round {number + 1}/{options.rounds} {workload.name} {framework} {threads}t: {durations[workload.name, framework]:.1f} s"
                            + (f", {errors} errors" if errors else ""))  # fmt: skip
                        keep(result, lines, workload, threads)
    except KeyboardInterrupt:  # of hours of measuring, what is there is kept
        result["left_out"].append("the rest: the run was interrupted")
    result["limits"] = {str(t): limits.merge(r) for t, r in limit_rounds.items() if r}
    result["seconds"] = round(time.monotonic() - begin, 1)
    return result


def keep(result: dict[str, Any], lines: Sequence[Mapping[str, Any]], workload: cases.Workload, threads: int) -> None:
    for line in lines:
        if "started" in line:
            result["versions"].update({k: v for k, v in line["started"].items() if v})
            continue
        if "ended" in line:
            result["left_out"].append(line["ended"])
            continue
        by_variant = result["results"].setdefault(line["case"], {})
        rounds = by_variant.setdefault(line["variant"], {}).setdefault(str(threads), [])
        rounds.append({k: v for k, v in line.items() if k not in ("case", "variant")})


def main(words: Sequence[str] | None = None) -> int:
    options = arguments_of(words)
    if options.list:
        print_list(options)
        return 0
    cache = prepare.cache_folder()
    try:
        python = prepare.prepare(options.venv or cache / "venv", ROOT, options.nacre_site, say)
    except (RuntimeError, OSError) as error:
        say(str(error))
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    raw = sweep(options, python, cache)
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "last-run.json").write_text(json.dumps(raw), encoding="utf-8")  # raw, in case what follows fails
    settings = {k: getattr(options, k) for k in ("quick", "rounds", "budget", "seed", "only")}
    by_name = {c.name: (w, c) for w, kept in chosen(options) for c in kept}
    finished = report.finish(raw, by_name, options.thread_list, settings)
    text = report.markdown(finished)
    options.out.mkdir(parents=True, exist_ok=True)
    name = f"{finished['machine']['date'][:10]}-{machine.slug(finished['machine']['cpu']['model'], finished['machine']['cpu']['flags'])}-{max(options.thread_list)}t"
    if options.quick:
        name += "-quick"
    elif options.only:
        name += "-part"
    (options.out / f"{name}.json").write_text(json.dumps(finished, indent=1) + "\n", encoding="utf-8")
    (options.out / f"{name}.md").write_text(text, encoding="utf-8")
    print(text)
    say(f"written: {options.out / name}.json and .md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
