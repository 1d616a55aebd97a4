"""Shows what changed between two results of bench/run.py: python bench/compare.py old.json new.json [--frameworks nacre] [--all]

A change counts as one only when the two runs' spreads do not overlap and the medians differ by more than 5 %; everything else is noise and is left out
unless --all. Exits with 1 when a figure of nacre became slower.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import figures, report

SMALLEST = 1.05  # medians nearer than this are equal


def mark(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """faster, slower, same or noise, from medians and the lowest and highest of the rounds."""
    change = old["median"] / new["median"]
    if 1 / SMALLEST <= change <= SMALLEST:
        return "same"
    apart = new["high"] < old["low"] or new["low"] > old["high"]
    if not apart:
        return "noise"
    return "faster" if change > 1 else "slower"


def index(result: Mapping[str, Any]) -> dict[tuple[str, int, str], tuple[Mapping[str, Any], str]]:
    """(case, threads, variant) -> summary and unit."""
    return {
        (e["case"], e["threads"], variant): (summary, e["unit"])
        for e in result["entries"]
        for variant, summary in e["variants"].items()
    }


def compare(
    old: Mapping[str, Any], new: Mapping[str, Any], frameworks: Sequence[str], everything: bool = False
) -> tuple[list[list[str]], bool]:
    """Lines of the table, and whether a figure of nacre became slower or was lost."""
    before, after = index(old), index(new)
    lines, worse = [], False
    for key in sorted(before.keys() | after.keys()):
        case, threads, variant = key
        if variant.split()[0] not in frameworks:
            continue
        a, unit = before.get(key, ({"error": "not measured"}, ""))
        b, unit = after.get(key, ({"error": "not measured"}, unit))
        a_timed, b_timed = "median" in a, "median" in b
        if a_timed and b_timed:
            word = mark(a, b)
            change = f"x{a['median'] / b['median']:.2f}"
        elif not a_timed and not b_timed:
            continue
        else:
            word, change = ("new" if b_timed else "lost"), "-"
            if key not in before or key not in after:
                word = "only in " + ("new" if b_timed else "old")
        if word in ("same", "noise") and not everything:
            continue
        worse = worse or (variant.split()[0] == report.OURS and word in ("slower", "lost"))
        shown = [figures.show_value(s["median"], unit) if "median" in s else s["error"] for s in (a, b)]
        lines.append([case, str(threads), variant, *shown, change, word])
    return lines, worse


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--frameworks", nargs="+", default=[report.OURS])
    parser.add_argument("--all", action="store_true", help="show what stayed the same, too")
    options = parser.parse_args(words)
    old, new = (json.loads(path.read_text(encoding="utf-8")) for path in (options.old, options.new))
    for name, result in (("old", old), ("new", new)):
        m = result["machine"]
        print(f"{name}: {m['date']}, {m['cpu']['model']}, {m['cpu']['flags']}, commit {m['commit']}")
    same = all(old["machine"]["cpu"][k] == new["machine"]["cpu"][k] for k in ("model", "flags", "cores"))
    if not same:
        print("The machines differ: only ratios to peers may be compared, not times.")
    lines, worse = compare(old, new, options.frameworks, options.all)
    print()
    print(
        report.table(["case", "threads", "variant", "old", "new", "times faster", ""], lines)
        if lines
        else "Nothing changed beyond the spread."
    )
    return int(worse)


if __name__ == "__main__":
    sys.exit(main())
