"""Builds the fuzzers with Clang and lets each run for a while from a few good files (full tier)."""

import json

import pytest
from cmake_build import ROOT, call, tool

pytestmark = pytest.mark.full

RUNS = 300_000


def safetensors_file(header, data):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


SEEDS = {
    "fuzz_json": [b'{"a": [1, -2.5e3, true, null, "x\\u00e9\\ud83d\\ude00"], "b": {}}', b"[[[]]]", b"0"],
    "fuzz_safetensors": [
        safetensors_file({}, b""),
        safetensors_file(
            {
                "__metadata__": {"k": "v"},
                "w": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]},
                "b": {"dtype": "BOOL", "shape": [3], "data_offsets": [8, 11]},
                "e": {"dtype": "I64", "shape": [0, 2], "data_offsets": [11, 11]},
            },
            bytes(11),
        ),
    ],
    "fuzz_idx": [bytes([0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3]), bytes([0, 0, 11, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4])],
}


@pytest.fixture(scope="module")
def fuzz_build(cmake):
    clang = tool("clang++-14") or tool("clang++")
    if clang is None:
        pytest.skip("Clang, whose libFuzzer these programs need, is not installed: apt-get install clang-14")
    folder = ROOT / "build" / "fuzz"
    cmake.configure(ROOT, folder, "-DNACRE_FUZZ=ON", f"-DCMAKE_CXX_COMPILER={clang}")
    cmake.build(folder, "--target", "fuzz")
    return folder / "tests" / "fuzz"


@pytest.mark.parametrize("program", sorted(SEEDS))
def test_fuzz(fuzz_build, tmp_path, program):
    for i, seed in enumerate(SEEDS[program]):
        (tmp_path / f"seed{i}").write_bytes(seed)
    done = call(
        fuzz_build / program,
        "-seed=1",
        f"-runs={RUNS}",
        "-max_len=2048",
        "-timeout=10",
        "-rss_limit_mb=1024",
        tmp_path,
        timeout=1800,
        cwd=tmp_path,
    )
    assert f"Done {RUNS} runs" in done.stdout
