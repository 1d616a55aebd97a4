"""The benchmark's arithmetic and its list of workloads; nothing is timed and no peer is needed."""

import importlib
import json
import math
import random
import subprocess
import sys

import pytest
from cmake_build import ROOT

BENCH = ROOT / "bench"


@pytest.fixture(scope="module", autouse=True)
def _path():
    sys.path.insert(0, str(BENCH))
    yield
    sys.path.remove(str(BENCH))


def load(name):
    return importlib.import_module(name)


def case(**changes):
    cases = load("harness.cases")
    return cases.Case(**{"name": "op/8", "params": {}, "row": "gemm", "flops": 100.0, "limit": "fma", "tolerance": 1e-3, **changes})


def rounds(*medians, **more):
    return [{"median": m, "min": m, "n": 5, **more} for m in medians]


def test_list_names_every_workload_and_measures_nothing():
    command = [sys.executable, str(BENCH / "run.py"), "--list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in load("harness.cases").workloads():
        assert f"\n{name}: " in "\n" + done.stdout


def test_list_refuses_what_does_not_exist():
    with pytest.raises(SystemExit, match="no-such-thing"):
        load("run").main(["--list", "--only", "no-such-thing"])


def test_a_result_without_a_peers_is_marked():
    report = load("harness.report")
    check = [{"count": 1, "values": [1.0], "largest": 1.0}]
    entry = report.entry(case(), {"nacre": {"2": rounds(1.0, check=check)}}, 2, {})
    assert entry["best_peer"] is None
    assert "unchecked" in report.show_variant(entry["variants"]["nacre"], "s")


def test_every_row_of_targets_has_cases_and_every_case_a_row():
    cases = load("harness.cases")
    used = {c.row for w in cases.workloads().values() for c in w.cases(0)}
    assert used == set(cases.ROWS) - {"threads"}  # derived from two numbers of threads


def test_names_of_cases_are_unique_and_nacre_runs_all():
    cases = load("harness.cases")
    found = [c.name for w in cases.workloads().values() for c in w.cases(3)]
    assert len(found) == len(set(found))
    assert all("nacre" in w.runners and set(w.runners) <= set(cases.FRAMEWORKS) for w in cases.workloads().values())


def test_every_training_row_has_neighbours_of_its_own_seed():
    cases = load("harness.cases")
    for key in ("lenet", "resnet20", "lstm", "gpt-nano", "fashion", "tiny-fit", "large-gpt2"):
        workload = cases.workloads()[key]
        named = [c for c in workload.cases(1) if not c.neighbour_of]
        beside = [c for c in workload.cases(1) if c.neighbour_of]
        assert len(named) == 1
        assert len(beside) == cases.NEIGHBOURS
        assert {c.neighbour_of for c in beside} == {named[0].name}
        assert [c.name for c in workload.cases(1)] == [c.name for c in workload.cases(1)]
        assert [c.name for c in workload.cases(1)] != [c.name for c in workload.cases(2)]
        assert all(c.flops > 0 for c in workload.cases(1))


def test_draw_neighbours_gives_different_ones_or_says_so():
    cases = load("harness.cases")
    drawn = cases.draw_neighbours(5, "x", lambda r: {"batch": r.randrange(24, 201), "width": cases.odd(r, 120, 150)})
    assert len({tuple(d.items()) for d in drawn}) == 3
    assert all(24 <= d["batch"] <= 200 and d["width"] % 2 == 1 and 120 <= d["width"] <= 150 for d in drawn)
    with pytest.raises(ValueError, match="fewer than 3"):
        cases.draw_neighbours(5, "x", lambda r: {"batch": 1})


def test_odd_reaches_both_ends():
    cases = load("harness.cases")
    source = random.Random(0)
    assert {cases.odd(source, 4, 9) for _ in range(200)} == {5, 7, 9}


def test_flops_are_those_of_the_layers():
    models = load("workloads.models")
    mlp = {"sizes": (3, 4, 2)}
    assert models.inference_flops("mlp", mlp, 5) == 5 * 2 * (3 * 4 + 4 * 2)
    assert models.training_flops("mlp", mlp, 5) == 5 * (3 * 2 * (3 * 4 + 4 * 2) - 2 * 3 * 4)  # no gradient of the data
    # LeNet by hand: 26 x 26 x 32 outputs of 9 products, 11 x 11 x 64 of 288, 1600 x 128, 128 x 10.
    lenet = {"image": 28, "channels": (32, 64), "dense": 128}
    assert models.inference_flops("lenet", lenet, 1) == 2 * (26 * 26 * 32 * 9 + 11 * 11 * 64 * 288 + 1600 * 128 + 128 * 10)
    # An embedding's output needs its gradient, so nothing is left out.
    lstm = {"vocab": 10, "units": 4, "length": 3}
    assert models.inference_flops("lstm", lstm, 1) == 3 * 2 * (16 * 8 + 4 * 10)
    assert models.training_flops("lstm", lstm, 1) == 3 * models.inference_flops("lstm", lstm, 1)


def test_weights_are_the_same_for_the_same_seed_and_fit_the_layers():
    import numpy as np

    models, sizes = load("workloads.models"), {"image": 8, "width": 2}
    first, second, other = (models.make_weights("resnet20", sizes, seed) for seed in (0, 0, 1))
    assert first.keys() == second.keys()
    assert all(np.array_equal(a, b) for name in first for a, b in zip(first[name], second[name], strict=True))
    assert not np.array_equal(first["stem"][0], other["stem"][0])
    assert first["s1b0_c0"][0].shape == (3, 3, 2, 4)
    assert len(first["stem_bn"]) == 4


def test_median_and_quantiles():
    figures = load("harness.figures")
    assert figures.median([3.0, 1.0, 2.0]) == 2.0
    assert figures.median([4.0, 1.0, 2.0, 3.0]) == 2.5
    assert figures.quantile([1.0, 2.0, 3.0, 5.0], 0.5) == 2.5
    assert figures.quantile([7.0], 0.25) == 7.0
    for function in (figures.median, figures.geometric_mean):
        with pytest.raises(ValueError, match="no values"):
            function([])


def test_geometric_mean_and_ratio():
    figures = load("harness.figures")
    assert math.isclose(figures.geometric_mean([0.5, 8.0]), 2.0)
    assert figures.ratio(3.0, 2.0) == 1.5
    with pytest.raises(ValueError, match="> 0"):
        figures.ratio(1.0, 0.0)


def test_cost_per_flop_is_relative_to_the_named_shape():
    figures = load("harness.figures")
    assert figures.cost_per_flop((3.0, 2e9), (1.0, 1e9)) == 1.5


def test_rounds_that_differ_are_marked():
    figures = load("harness.figures")
    assert not figures.summarise_rounds([1.0, 1.14])["noisy"]
    found = figures.summarise_rounds([1.0, 1.2, 1.1])
    assert (found["median"], found["low"], found["high"], found["noisy"]) == (1.1, 1.0, 1.2, True)


def test_the_best_peer_is_the_fastest_that_is_not_ours():
    figures = load("harness.figures")
    times = {
        "nacre": {"median": 1.0},
        "nacre add()": {"median": 0.5},
        "jax": {"median": 3.0},
        "torch out=": {"median": 2.0},
        "x": {"error": "no"},
    }
    assert figures.best_peer(times) == "torch out="
    assert figures.best_peer(times, allowed=("jax",)) == "jax"
    assert figures.best_peer({"nacre": {"median": 1.0}}) is None


def test_digests_agree_within_the_tolerance_only():
    np = pytest.importorskip("numpy")
    figures, child = load("harness.figures"), load("harness.child")
    a = np.linspace(-2, 2, 1000)
    same = [child.digest(a)]
    assert figures.compare_digests(same, [child.digest(a + 1e-5)], 1e-4) == ""
    assert "differs by" in figures.compare_digests(same, [child.digest(a + 1e-2)], 1e-4)
    assert "999" in figures.compare_digests([child.digest(a[1:])], same, 1e-4)
    assert "not finite" in figures.compare_digests([child.digest(np.full(3, np.nan))], [child.digest(np.zeros(3))], 1e-4)
    # A single wrong value between the picked ones is seen when it is the largest.
    wrong = a.copy()
    wrong[501] = 50
    assert "differs by" in figures.compare_digests([child.digest(wrong)], same, 1e-4)


def test_a_fast_wrong_answer_fails_its_row():
    report = load("harness.report")
    good, bad = ([{"count": 1, "values": [v], "largest": v}] for v in (1.0, 2.0))
    variants = {"nacre": {"2": rounds(1.0, check=bad)}, "torch": {"2": rounds(5.0, check=good)}}
    entry = report.entry(case(), variants, 2, {"fma": 200.0})
    assert "ratio" not in entry
    assert "wrong result" in entry["variants"]["nacre"]["error"]
    lines = report.rows([entry], 2)
    assert lines["gemm"]["measured"] == 0
    assert "met" not in lines["gemm"]


def test_an_entry_has_ratio_spread_and_share_of_the_limit():
    report = load("harness.report")
    variants = {"nacre": {"2": rounds(1.0, 2.0, 1.5)}, "torch": {"2": rounds(3.0, 3.0, 3.0)}, "jax": {"2": [{"error": "X: y"}]}}
    entry = report.entry(case(), variants, 2, {"fma": 200.0})
    assert (entry["best_peer"], entry["ratio"]) == ("torch", 2.0)
    assert (entry["ratio_low"], entry["ratio_high"]) == (1.5, 3.0)
    assert math.isclose(entry["of_limit"], 100 / 1.5 / 200)
    assert entry["variants"]["nacre"]["noisy"]
    assert entry["variants"]["jax"]["error"] == "X: y"


def test_rows_are_met_by_mean_and_worst_over_all_cases():
    report = load("harness.report")

    def entries(*ratios):
        return [
            {"case": f"c{i}", "row": "gemm", "threads": 2, "ratio": r, "unit": "s", "best_peer": "torch", "variants": {}}
            for i, r in enumerate(ratios)
        ]

    assert report.rows(entries(1.0, 1.2), 2)["gemm"]["met"]
    assert not report.rows(entries(0.9, 3.0), 2)["gemm"]["met"]  # the worst, 0.98, is missed
    assert not report.rows(entries(1.0, 1.0), 2)["gemm"]["met"]  # the mean, 1.05, is missed
    lost = entries(2.0, 2.0)
    del lost[0]["ratio"]
    assert not report.rows(lost, 2)["gemm"]["met"]


def test_rows_without_a_target_are_neither_met_nor_missed():
    report = load("harness.report")
    entry = {"case": "c", "row": "conv-other-fwd", "threads": 2, "ratio": 0.5, "unit": "s", "best_peer": "torch", "variants": {}}
    lines = report.rows([entry], 2)
    assert "met" not in lines["conv-other-fwd"]
    assert report.row_lines(lines)[0][1:] == ["-", "0.50 / 0.50", "no target"]


def test_neighbours_that_cost_too_much_are_flagged():
    report = load("harness.report")

    def entry(name, seconds, flops, of=None):
        found = {"case": name, "threads": 1, "flops": flops, "variants": {"nacre": {"median": seconds}}}
        return {**found, "neighbour_of": of} if of else found

    entries = [entry("a", 1.0, 100.0), entry("b", 1.2, 100.0, "a"), entry("c", 1.3, 100.0, "a")]
    report.neighbours(entries)
    assert [e.get("flagged") for e in entries] == [None, False, True]


def test_table_escapes_bars_and_keeps_lines_whole():
    report = load("harness.report")
    text = report.table(["a", "b"], [["x|y", "one\ntwo"]])
    assert text.splitlines() == ["| a | b |", "|---|---|", "| x\\|y | one two |"]


def finished(seconds, error=None):
    """A result with one case, as run.py writes it."""
    cases, report = load("harness.cases"), load("harness.report")
    workload = next(iter(cases.workloads().values()))
    ours = [{"error": error}] if error else rounds(*seconds)
    raw = {
        "results": {"op/8": {"nacre": {"2": ours}, "torch": {"2": rounds(4.0, 4.0)}}},
        "limits": {"2": {"fma": 200.0, "fma avx2": 200.0}},
        "versions": {"torch": "2"},
        "frameworks": {workload.name: ["nacre", "torch", "jax"]},
        "left_out": ["round 2, x: out of time"],
        "machine": {"date": "2026-01-01 10:00", "commit": "abc", "kernel": "6", "python": "3", "load_at_start": 0.0,
                    "cpu": {"model": "M", "family": "1", "model_number": "2", "cores": 2, "flags": "avx2"}},
        "seconds": 1.0,
    }  # fmt: skip
    settings = {"quick": False, "rounds": 2, "budget": 1.0, "seed": 0, "only": []}
    return report.finish(raw, {"op/8": (workload, case())}, [2], settings)


def test_markdown_shows_results_failures_and_what_was_left_out():
    report = load("harness.report")
    text = report.markdown(finished([2.0, 2.0]))
    assert "| op/8 | 2 s (2 s .. 2 s) | torch 4 s (4 s .. 4 s) | 2.00 |" in text
    assert "out of time" in text
    assert "no figure of jax" in text  # a peer that did not run must not make us look fast unseen
    assert "jax: not run" in text
    assert "not available: ImportError: no such layer" in report.markdown(finished([], error="ImportError: no such layer"))


def test_compare_tells_changes_from_noise(tmp_path, capsys):
    compare = load("compare")
    old, faster, noise, slower = finished([2.0, 2.2]), finished([1.0, 1.1]), finished([1.6, 2.1]), finished([3.0, 3.1])
    for new, word, worse in ((faster, "faster", False), (slower, "slower", True), (finished([], error="X: y"), "lost", True)):
        lines, is_worse = compare.compare(old, new, ["nacre"])
        assert [line[-1] for line in lines] == [word]
        assert is_worse == worse
    assert compare.compare(old, noise, ["nacre"]) == ([], False)
    assert [line[-1] for line in compare.compare(old, noise, ["nacre"], everything=True)[0]] == ["noise"]
    for name, result in (("old", old), ("new", slower)):
        (tmp_path / f"{name}.json").write_text(json.dumps(result))
    assert compare.main([str(tmp_path / "old.json"), str(tmp_path / "new.json")]) == 1
    assert "x0.69" in capsys.readouterr().out


def test_a_process_gets_its_threads_and_nothing_of_the_users(monkeypatch):
    machine = load("harness.machine")
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    monkeypatch.setenv("XLA_FLAGS", "--something")
    env = machine.child_environment(1, "keras-torch", "cache", ["bench", "site"])
    assert env["OMP_NUM_THREADS"] == env["NACRE_NUM_THREADS"] == "1"
    assert env["KERAS_BACKEND"] == "torch"
    assert "--something" not in env["XLA_FLAGS"]


def test_too_many_threads_are_refused():
    machine = load("harness.machine")
    with pytest.raises(ValueError, match="9999"):
        machine.cores_for(9999)


def test_two_threads_of_one_core_are_not_taken_for_two_cores(tmp_path):
    machine = load("harness.machine")
    for number in range(4):  # 0 and 2 share a core, so do 1 and 3
        folder = tmp_path / f"cpu{number}" / "topology"
        folder.mkdir(parents=True)
        (folder / "physical_package_id").write_text("0\n")
        (folder / "core_id").write_text(f"{number % 2}\n")
    assert machine.one_per_core([3, 2, 1, 0], str(tmp_path)) == [3, 2, 1, 0]
    assert machine.one_per_core([0, 2, 1], str(tmp_path)) == [0, 1, 2]
    assert machine.one_per_core([5, 6], str(tmp_path)) == [5, 6]  # nothing is known of them


def test_time_of_others_is_what_was_not_ours():
    machine = load("harness.machine")
    found = machine.others({"busy": 10.0, "stolen": 0.0}, {"busy": 13.0, "stolen": 0.5}, 2.0, 2.0)
    assert (found["cores"], found["stolen"]) == (0.5, 0.25)


def test_names_of_processors_in_file_names():
    machine = load("harness.machine")
    assert machine.slug("AMD EPYC", "fma avx2") == "epyc-avx2"
    assert machine.slug("Intel(R) Xeon(R) Platinum 8488C", "avx2 avx512f") == "xeon-platinum-avx512"
