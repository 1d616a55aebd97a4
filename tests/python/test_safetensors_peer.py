"""nacre's safetensors files and the reference package's, both ways: each opens what the other wrote, with the same bits."""

import json

import numpy as np
import pytest
from cmake_build import call

pytestmark = pytest.mark.parity

DTYPES = ["float64", "float32", "float16", "int64", "int32", "int8", "uint8", "bool"]


@pytest.fixture(scope="module")
def peer():
    return pytest.importorskip("safetensors.numpy", reason="the package safetensors, the oracle of this file, is not installed")


@pytest.fixture(scope="module")
def copy(cmake, cpp_build):
    cmake.build(cpp_build, "--target", "safetensors_copy")
    program = cpp_build / "tests" / "cpp" / "safetensors_copy"
    return lambda source, target, **options: call(program, source, target, **options)


def tensors():
    random = np.random.default_rng(0)
    out = {}
    for i, dtype in enumerate(DTYPES):
        for shape in [(), (1,), (0, 3), (2 * i + 1, 5)]:  # odd counts, so that a wrong order would leave tensors misaligned
            name = f"layer_{i}/{dtype}/é{len(shape)}_{'x'.join(map(str, shape))}"
            out[name] = np.array(random.integers(0, 2 if dtype == "bool" else 100, size=shape)).astype(dtype)
    return out


def assert_same(got, expected):
    assert got.keys() == expected.keys()
    for name, array in expected.items():
        assert got[name].dtype == array.dtype, name
        assert got[name].shape == array.shape, name
        assert got[name].tobytes() == array.tobytes(), name


def test_files_go_both_ways(peer, copy, tmp_path):
    source, target = tmp_path / "peer.safetensors", tmp_path / "nacre.safetensors"
    metadata = {"format": "pt", "text": 'quotes " and é and \n'}
    peer.save_file(tensors(), source, metadata=metadata)
    copy(source, target)
    assert_same(peer.load_file(target), tensors())
    with peer.safe_open(target, framework="np") as file:
        ours = file.metadata()
    assert len(ours.pop("nacre_sha256")) == 64
    assert ours == metadata


def test_our_data_is_aligned(peer, copy, tmp_path):
    source, target = tmp_path / "peer.safetensors", tmp_path / "nacre.safetensors"
    peer.save_file(tensors(), source)
    copy(source, target)
    raw = target.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    assert (8 + length) % 64 == 0
    width = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "I8": 1, "U8": 1, "BOOL": 1}
    for name, entry in json.loads(raw[8 : 8 + length]).items():
        if name != "__metadata__":
            assert entry["data_offsets"][0] % width[entry["dtype"]] == 0, name


def test_bfloat16(copy, tmp_path):
    # NumPy has no bfloat16: the file is written by hand here and compared as bytes.
    header = json.dumps({"w": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}).encode()
    data = bytes([0x80, 0x3F, 0, 0xC0, 0x40, 0x40])
    source, target = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    source.write_bytes(len(header).to_bytes(8, "little") + header + data)
    copy(source, target)
    assert target.read_bytes().endswith(data)
    assert b'"dtype":"BF16"' in target.read_bytes()


def test_unknown_dtype_is_named(peer, copy, tmp_path):
    source = tmp_path / "u16.safetensors"
    peer.save_file({"w": np.zeros(3, np.uint16)}, source)
    done = copy(source, tmp_path / "out.safetensors", check=False)
    assert done.returncode == 1
    assert "tensor 'w' has the dtype \"U16\". Known here: BOOL, U8" in done.stdout
    assert not (tmp_path / "out.safetensors").exists()
