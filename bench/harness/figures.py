"""Medians, spreads, ratios, costs: arithmetic on samples, nothing measured here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

NOISY = 1.15  # rounds that differ by more are marked


def median(values: Iterable[float]) -> float:
    ordered = sorted(values)
    if not ordered:
        raise ValueError("median: there are no values.")
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def quantile(values: Iterable[float], share: float) -> float:
    """Linear between the two nearest."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("quantile: there are no values.")
    at = share * (len(ordered) - 1)
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])


def geometric_mean(values: Iterable[float]) -> float:
    logs = [math.log(v) for v in values]
    if not logs:
        raise ValueError("geometric_mean: there are no values.")
    return math.exp(sum(logs) / len(logs))


def summarise_samples(samples: Sequence[float]) -> dict[str, float | int]:
    """What is kept of one process's samples."""
    return {
        "n": len(samples),
        "median": median(samples),
        "min": min(samples),
        "p25": quantile(samples, 0.25),
        "p75": quantile(samples, 0.75),
        "max": max(samples),
    }


def summarise_rounds(medians: Sequence[float]) -> dict[str, float | int | bool]:
    """The median of the rounds' medians, their smallest and largest, and whether they differ by more than NOISY."""
    low, high = min(medians), max(medians)
    return {"median": median(medians), "low": low, "high": high, "rounds": len(medians), "noisy": low > 0 and high / low > NOISY}


def ratio(peer: float, ours: float) -> float:
    """Time of the peer / ours: above 1 we are faster."""
    if not (peer > 0 and ours > 0):
        raise ValueError(f"ratio: both times must be > 0, got {peer} and {ours}.")
    return peer / ours


def best_peer(times: Mapping[str, Mapping[str, Any]], ours: str = "nacre", allowed: Sequence[str] = ()) -> str | None:
    """The variant with the smallest median among those that are not ours; None when none has a time."""
    peers = [
        name
        for name in times
        if name.split()[0] != ours and "median" in times[name] and (not allowed or name.split()[0] in allowed)
    ]
    return min(peers, key=lambda name: times[name]["median"], default=None)


def cost_per_flop(neighbour: tuple[float, float], named: tuple[float, float]) -> float:
    """(seconds, flops) of both: seconds per flop of the neighbour over that of the named shape."""
    for seconds, flops in (neighbour, named):
        if not (seconds > 0 and flops > 0):
            raise ValueError(f"cost_per_flop: seconds and flops must be > 0, got {seconds} and {flops}.")
    return (neighbour[0] / neighbour[1]) / (named[0] / named[1])


def compare_digests(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]], tolerance: float) -> str:
    """Empty when the results agree to `tolerance` of the largest value of each array; otherwise what differs."""
    if len(ours) != len(theirs):
        return f"{len(ours)} results, expected {len(theirs)}"
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        if a["count"] != b["count"]:
            return f"result {i} has {a['count']} values, expected {b['count']}"
        scale = max(b["largest"], 1e-30)
        if not math.isfinite(a["largest"]) or not math.isfinite(b["largest"]):
            return f"result {i} is not finite"
        pairs = [*zip(a["values"], b["values"], strict=True), (a["largest"], b["largest"])]
        error = max(abs(x - y) for x, y in pairs) / scale
        if not error <= tolerance:
            return f"result {i} differs by {error:.2g} of its largest value, more than {tolerance:.2g}"
    return ""


def show_time(seconds: float) -> str:
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= factor:
            return f"{seconds / factor:.3g} {unit}" if seconds / factor < 1000 else f"{seconds / factor:.0f} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def show_value(value: float, unit: str) -> str:
    return show_time(value) if unit == "s" else f"{value / 2**20:.1f} MiB"
