"""From raw rounds to the table: medians and spreads, correctness, the best peer, rows against targets, Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import figures
from .cases import NEIGHBOUR_LIMIT, ROWS, Case

OURS = "nacre"
BUSY = 0.3  # cores that others used while a case was timed: marked


def summarise(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One variant with one number of threads: its rounds together, or its error."""
    good = [r for r in rounds if "median" in r]
    if not good:
        return {"error": rounds[-1]["error"] if rounds else "not run"}
    found: dict[str, Any] = dict(figures.summarise_rounds([r["median"] for r in good]))
    found["best"] = min(r["min"] for r in good)
    found["each_round"] = [{k: v for k, v in r.items() if k not in ("check", "note")} for r in rounds]
    found["others"] = max(r.get("others", {}).get("cores", 0.0) for r in good)
    found["stolen"] = max(r.get("others", {}).get("stolen", 0.0) for r in good)
    if any("first" in r for r in good):
        found["first"] = max(r.get("first", 0.0) for r in good)
    for key in ("note", "check"):
        if key in good[-1]:
            found[key] = good[-1][key]
    errors = [r["error"] for r in rounds if "error" in r]
    if errors:
        found["failed_rounds"] = errors
    return found


def reference_of(variants: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The peer whose result ours is held against."""
    order = ["numpy", "torch", "jax", "keras-jax", "onnxruntime"]
    with_check = [name for name, s in variants.items() if name.split()[0] != OURS and s.get("check")]
    rank = {name: next((i for i, o in enumerate(order) if name.split()[0] == o), len(order)) for name in with_check}
    return min(with_check, key=lambda name: rank[name], default=None)


def judge(case: Case, variants: dict[str, dict[str, Any]]) -> None:
    """Turns a variant of ours whose result differs from the reference's into an error, and a differing peer's into a note."""
    reference = reference_of(variants)
    for name, summary in variants.items():
        if "check" not in summary or name == reference:
            continue
        if reference is None:
            summary["unchecked"] = True
            continue
        wrong = figures.compare_digests(summary["check"], variants[reference]["check"], case.tolerance)
        if wrong:
            median = summary.pop("median")
            summary["error"] = f"wrong result: {wrong} ({reference}'s)"
            summary["wrong_median"] = median
        else:
            summary["checked_against"] = reference


def entry(case: Case, by_variant: Mapping[str, Mapping[str, Any]], threads: int, limit: Mapping[str, float]) -> dict[str, Any]:
    """One case with one number of threads."""
    variants = {name: summarise(rounds[str(threads)]) for name, rounds in by_variant.items() if rounds.get(str(threads))}
    judge(case, variants)
    found: dict[str, Any] = {
        "case": case.name,
        "row": case.row,
        "threads": threads,
        "unit": case.unit,
        "steps": case.steps,
        "variants": variants,
    }
    if case.neighbour_of:
        found["neighbour_of"] = case.neighbour_of
    if case.flops:
        found["flops"] = case.flops
    peer = figures.best_peer(variants, OURS, case.peers)
    ours = variants.get(OURS, {"error": "not run"})
    found["best_peer"] = peer
    if peer and "median" in ours:
        found["ratio"] = figures.ratio(variants[peer]["median"], ours["median"])
        found["ratio_low"] = figures.ratio(variants[peer]["low"], ours["high"])
        found["ratio_high"] = figures.ratio(variants[peer]["high"], ours["low"])
    amount = case.flops if case.limit.startswith("fma") else case.bytes
    if case.limit and amount and "median" in ours and limit:
        found["rate"] = amount / ours["median"]
        found["of_limit"] = found["rate"] / limit[case.limit]
        found["limit"] = case.limit
    elif case.flops and case.unit == "s" and "median" in ours and limit:
        found["floor"] = case.flops / limit["fma"]
    for summary in variants.values():
        summary.pop("check", None)
    return found


def add_missing(e: dict[str, Any], frameworks: Sequence[str]) -> None:
    """Frameworks that were to run and have said nothing stay in the table."""
    if "neighbour_of" in e:
        return
    told = {name.split()[0] for name in e["variants"]}
    e["variants"].update({name: {"error": "not run"} for name in frameworks if name not in told})


def neighbours(entries: Sequence[dict[str, Any]]) -> None:
    """Adds the cost per flop relative to the named case."""
    named = {(e["case"], e["threads"]): e for e in entries if "neighbour_of" not in e}
    for e in entries:
        other = named.get((e.get("neighbour_of", ""), e["threads"]))
        if other is None:
            continue
        pair = [x["variants"].get(OURS, {}).get("median") for x in (e, other)]
        if all(pair) and e.get("flops") and other.get("flops"):
            e["cost_per_flop"] = figures.cost_per_flop((pair[0], e["flops"]), (pair[1], other["flops"]))
            e["flagged"] = e["cost_per_flop"] > NEIGHBOUR_LIMIT


def rows(entries: Sequence[Mapping[str, Any]], threads: int) -> dict[str, dict[str, Any]]:
    """The lines of the table of targets for one number of threads."""
    found: dict[str, dict[str, Any]] = {}
    for key, row in ROWS.items():
        mine = [e for e in entries if e["row"] == key and e["threads"] == threads and "neighbour_of" not in e]
        if not mine:
            continue
        line: dict[str, Any] = {"title": row.title, "target": row.mean, "worst_target": row.worst, "cases": len(mine)}
        if row.absolute:
            values = [e["variants"].get(OURS, {}).get("median") for e in mine]
            got = [v for v in values if v is not None]
            line.update(absolute=True, measured=len(got), unit=mine[0]["unit"])
            if got:
                line.update(value=max(got), met=max(got) <= row.mean and len(got) == len(mine))
        else:
            ratios = [e["ratio"] for e in mine if "ratio" in e]
            line["measured"] = len(ratios)
            if ratios:
                line.update(mean=figures.geometric_mean(ratios), worst=min(ratios))
                if row.mean is not None:
                    enough = line["mean"] >= row.mean and (row.worst is None or line["worst"] >= row.worst)
                    line["met"] = enough and len(ratios) == len(mine)
        line["noisy"] = any(is_noisy(e) for e in mine)
        line["silent_peers"] = sorted(
            {n for e in mine for n, s in e["variants"].items() if "median" not in s and n.split()[0] != OURS}
        )
        found[key] = line
    return found


def is_noisy(e: Mapping[str, Any]) -> bool:
    """The rounds of ours or of the best peer differ too much."""
    return any(e["variants"].get(name, {}).get("noisy", False) for name in (OURS, e["best_peer"]) if name)


def scaling(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Ours with 2 threads against 1, over the training steps that take over 1 ms with one thread."""
    times = {(e["case"], e["threads"]): e["variants"].get(OURS, {}).get("median") for e in entries if e["unit"] == "s"}
    steps = {e["case"]: e["steps"] for e in entries if e["case"].startswith("train/") and "neighbour_of" not in e}
    found = {}
    for case in sorted(steps):
        one, two = times.get((case, 1)), times.get((case, 2))
        if one and two and one / steps[case] > 1e-3:
            found[case] = one / two
    if not found:
        return None
    row = ROWS["threads"]
    mean = figures.geometric_mean(found.values())
    return {
        "title": row.title,
        "target": row.mean,
        "mean": mean,
        "worst": min(found.values()),
        "cases": found,
        "met": mean >= row.mean,
    }


def finish(
    raw: Mapping[str, Any], by_name: Mapping[str, tuple[Any, Case]], thread_list: Sequence[int], settings: Mapping[str, Any]
) -> dict[str, Any]:
    entries = []
    for name, (workload, case) in by_name.items():
        for threads in thread_list:
            limit = raw["limits"].get(str(threads), {})
            e = entry(case, raw["results"].get(name, {}), threads, limit)
            e["workload"] = workload.name
            add_missing(e, raw.get("frameworks", {}).get(workload.name, ()))
            entries.append(e)
    neighbours(entries)
    return {
        "machine": raw["machine"],
        "versions": raw["versions"],
        "settings": dict(settings),
        "threads": list(thread_list),
        "limits": raw["limits"],
        **({"limits_error": raw["limits_error"]} if "limits_error" in raw else {}),
        "seconds": raw.get("seconds"),
        "left_out": raw["left_out"],
        "rows": {str(t): rows(entries, t) for t in thread_list},
        "scaling": scaling(entries),
        "entries": entries,
    }


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table; bars inside a cell are escaped."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in cells) + " |"

    return "\n".join([line(head), "|" + "---|" * len(head), *(line(cells) for cells in lines)])


def show_ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def show_variant(summary: Mapping[str, Any], unit: str) -> str:
    if "median" not in summary:
        return f"not available: {summary['error']}"
    text = figures.show_value(summary["median"], unit)
    if summary["rounds"] > 1:
        text += f" ({figures.show_value(summary['low'], unit)} .. {figures.show_value(summary['high'], unit)})"
    text += " (unchecked: no peer's result)" if summary.get("unchecked") else ""
    return text + (" ~" if summary["noisy"] else "") + (f" [others {summary['others']}]" if summary["others"] > BUSY else "")


def bound(e: Mapping[str, Any]) -> str:
    if "of_limit" in e:
        unit = "GFLOP/s" if e["limit"].startswith("fma") else "GB/s"
        return f"{e['rate'] / 1e9:.0f} {unit}, {100 * e['of_limit']:.0f} % of {e['limit']}"
    if "floor" in e:
        return f"floor {figures.show_time(e['floor'])}, ours x{e['variants'][OURS]['median'] / e['floor']:.1f}"
    return "-"


def other_peers(e: Mapping[str, Any]) -> str:
    """Times slower than the best, nearest first; then what failed."""
    best = e["best_peer"]
    timed = {n: s for n, s in e["variants"].items() if n != best and n.split()[0] != OURS and "median" in s}
    parts = [
        f"{n} {s['median'] / e['variants'][best]['median']:.2f}" for n, s in sorted(timed.items(), key=lambda p: p[1]["median"])
    ]
    parts += [f"{n}: {s['error']}" for n, s in e["variants"].items() if "median" not in s and n.split()[0] != OURS]
    return ", ".join(parts) or "-"


def row_lines(lines: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    out = []
    for line in lines.values():
        if line.get("absolute"):
            target, got = f"under {figures.show_value(line['target'], line['unit'])}", "-"
            if "value" in line:
                got = figures.show_value(line["value"], line["unit"])
        else:
            target = (
                "-"
                if line["target"] is None
                else f"{line['target']:.2f}" + (f" / {line['worst_target']:.2f}" if line["worst_target"] else "")
            )
            got = f"{line['mean']:.2f} / {line['worst']:.2f}" if "mean" in line else "-"
        state = (
            ("no target" if line["target"] is None else "no figure") if "met" not in line else "met" if line["met"] else "MISSED"
        )
        if line["measured"] < line["cases"]:
            state += f" ({line['measured']} of {line['cases']} cases)"
        silent = f"; no figure of {', '.join(line['silent_peers'])}" if line["silent_peers"] else ""
        out.append([line["title"], target, got, state + (" ~" if line["noisy"] else "") + silent])
    return out


def markdown(done: Mapping[str, Any]) -> str:
    m, settings = done["machine"], done["settings"]
    cpu, versions = m["cpu"], ", ".join(f"{k} {v}" for k, v in sorted(done["versions"].items())) or "none"
    facts = [
        f"Flags: {cpu['flags']}. Kernel {m['kernel']}, Python {m['python']}, commit {m['commit']}, load at start {m['load_at_start']}.",
        f"Versions: {versions}.",
        (f"{'Quick run, a part of the cases. ' if settings['quick'] else ''}{settings['rounds']} rounds, {settings['budget']} s of samples per case "
        f"and process, seed {settings['seed']}, {done['seconds']} s in all."),
        "",
        ("Ratio = time of the best peer / ours, mean (geometric over the row's cases) / worst. Times are medians over the rounds (lowest .. highest "
        f"median). `~`: the rounds differ by more than {round(100 * (figures.NOISY - 1))} %; `[others x]`: other processes used x cores meanwhile: "
        "measure again."),
    ]  # fmt: skip
    title = f"# {m['date'][:10]}, {cpu['model']} (family {cpu.get('family', '?')}, model {cpu.get('model_number', '?')}), {cpu['cores']} cores"
    parts = [title, "\n".join(facts)]
    if done["limits"]:
        names = [n for n in next(iter(done["limits"].values())) if n not in ("fma", "read", "triad")]
        lines = [
            [n, *(f"{done['limits'][str(t)][n] / 1e9:.1f} {'GFLOP/s' if n.startswith('fma') else 'GB/s'}" for t in done["threads"])]
            for n in names
        ]
        parts += ["## Limits", table(["limit", *(f"{t} threads" for t in done["threads"])], lines)]
    else:
        parts += ["## Limits", f"Not measured: {done.get('limits_error', 'not asked for')}"]
    for threads in done["threads"]:
        lines = row_lines(done["rows"][str(threads)])
        if lines:
            parts += [f"## Targets, {threads} threads", table(["workload", "at least", "measured", "state"], lines)]
    if done["scaling"]:
        s = done["scaling"]
        parts += [
            "## 2 threads against 1",
            f"{s['title']}: mean {s['mean']:.2f}, worst {s['worst']:.2f}, at least {s['target']} ({'met' if s['met'] else 'MISSED'}).",
            table(["step", "times faster"], [[c, f"{v:.2f}"] for c, v in s["cases"].items()]),
        ]
    for threads in done["threads"]:
        lines = []
        for e in done["entries"]:
            if e["threads"] != threads or "neighbour_of" in e or not e["variants"]:
                continue
            peer = e["best_peer"]
            ours = show_variant(e["variants"].get(OURS, {"error": "not run"}), e["unit"])
            best = f"{peer} {show_variant(e['variants'][peer], e['unit'])}" if peer else "-"
            span = f" ({e['ratio_low']:.2f} .. {e['ratio_high']:.2f})" if "ratio" in e and e["ratio_high"] > e["ratio_low"] else ""
            lines.append([e["case"], ours, best, show_ratio(e.get("ratio")) + span, bound(e), other_peers(e)])
        if lines:
            head = ["case", "nacre", "best peer", "ratio", "limit", "the others (times the best peer)"]
            parts += [f"## Cases, {threads} threads", table(head, lines)]
    beside = [e for e in done["entries"] if "neighbour_of" in e]
    if beside:
        lines = [
            [e["case"], str(e["threads"]), show_variant(e["variants"].get(OURS, {"error": "not run"}), e["unit"]),
             show_ratio(e.get("cost_per_flop")) + (" FLAGGED" if e.get("flagged") else "")]
            for e in beside
        ]  # fmt: skip
        parts += [
            "## Neighbours",
            f"Shapes drawn by the seed beside the named ones; cost per flop relative to the named shape, flagged over {NEIGHBOUR_LIMIT}.",
            table(["neighbour", "threads", "nacre", "cost per flop"], lines),
        ]
    notes = sorted({f"{e['case']}, {n}: {s['note']}" for e in done["entries"] for n, s in e["variants"].items() if s.get("note")})
    if notes:
        parts += ["## Notes", "\n".join(f"- {n}" for n in notes)]
    if done["left_out"]:
        parts += ["## Left out", "\n".join(f"- {n}" for n in done["left_out"])]
    return "\n\n".join(parts) + "\n"
