"""examples/cpp against an installed nacre: it trains, Python reads its model and predicts the same bits, and the reverse."""

import json

import numpy as np
from cmake_build import ROOT, call

import nacre as nc
from nacre.datasets import _bundled


def predictions(path):
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    entry = json.loads(raw[8 : 8 + length])["predictions"]
    begin, end = entry["data_offsets"]
    return np.frombuffer(raw[8 + length + begin : 8 + length + end], "<f4").reshape(entry["shape"])


def test_digits_in_cpp(cmake, cpp_build, tmp_path):
    cmake.build(cpp_build, "--target", "nacre")
    cmake.install(cpp_build, tmp_path / "nacre")
    cmake.configure(ROOT / "examples" / "cpp", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={tmp_path / 'nacre'}")
    cmake.build(tmp_path / "build")
    data = _bundled.path_of("digits")
    program = tmp_path / "build" / "digits"
    text = call(program, "train", data, tmp_path / "model", tmp_path / "p").stdout
    assert float(text.split("held-out digits ")[1].split()[0]) > 0.9
    assert "Total params: " in text

    x, y, _ = _bundled.read("digits")
    model = nc.models.load_model(tmp_path / "model")
    assert model.predict(x, verbose=0).tobytes() == predictions(tmp_path / "p").tobytes()
    assert model.name == "digits"

    model.fit(x, y, epochs=1, verbose=0)  # goes on in Python, then back to C++
    model.save(tmp_path / "model")
    call(program, "predict", data, tmp_path / "model", tmp_path / "p")
    assert model.predict(x, verbose=0).tobytes() == predictions(tmp_path / "p").tobytes()

    broken = call(program, "predict", data, data, tmp_path / "p", check=False)
    assert broken.returncode == 1
    assert "load_model" in broken.stdout
