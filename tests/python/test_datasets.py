"""The data sets: what load_data gives, and that damaged or missing files are refused in words. No core needed."""

import gzip
import hashlib
import os
import struct
import subprocess
import sys

import numpy as np
import pytest

from nacre import datasets
from nacre.datasets import _bundled, _idx, digits, fashion_mnist, iris, mnist, wine

EXPECTED_Y_TRAIN = "909549486956"
EXPECTED_SHA256 = "286494db9fabeff83cb131d9d43d22362bc1a3a7f0deb0713bff9ceddecad37e"
BUNDLED = {digits: (1797, (8, 8), np.uint8), iris: (150, (4,), np.float32), wine: (178, (13,), np.float32)}


def name_of(module):
    return module.__name__.rsplit(".", 1)[1]


@pytest.mark.parametrize("module", BUNDLED, ids=name_of)
def test_bundled_shapes_and_classes(module):
    rows, shape, dtype = BUNDLED[module]
    (x_train, y_train), (x_test, y_test) = module.load_data()
    assert x_train.shape == (len(y_train), *shape)
    assert x_test.shape == (len(y_test), *shape)
    assert len(y_train) + len(y_test) == rows
    assert x_train.dtype == x_test.dtype == dtype
    assert y_train.dtype == y_test.dtype == np.uint8
    assert set(y_train) == set(y_test) == set(range(module.NUM_CLASSES))
    assert x_train.flags.writeable


@pytest.mark.parametrize("module", BUNDLED, ids=name_of)
def test_bundled_split_is_stratified_and_complete(module):
    x, y, _ = _bundled.read(name_of(module))
    for fraction in (0.0, 0.1, 0.25, 0.5):
        (x_train, y_train), (x_test, y_test) = module.load_data(fraction, seed=3)
        both = np.concatenate([x_train, x_test]).reshape(len(x), -1)
        assert sorted(map(bytes, both)) == sorted(map(bytes, x.reshape(len(x), -1)))  # each row once
        for label in range(module.NUM_CLASSES):
            count = int((y == label).sum())
            assert int((y_test == label).sum()) == round(count * fraction)
            assert int((y_train == label).sum()) == count - round(count * fraction)


def test_bundled_split_is_the_same_everywhere():
    """The rows of the default split, so that an accuracy that was written down stays comparable."""
    (x_train, y_train), (_, y_test) = digits.load_data()
    assert y_train[:12].tolist() == [int(v) for v in EXPECTED_Y_TRAIN]
    assert hashlib.sha256(x_train.tobytes() + y_test.tobytes()).hexdigest() == EXPECTED_SHA256
    again = digits.load_data()[0][0]
    assert (again == x_train).all()
    assert not (digits.load_data(seed=1)[0][0] == x_train).all()


def test_bundled_training_rows_are_shuffled():
    for module in BUNDLED:
        labels = module.load_data()[0][1].astype(int)
        assert (np.diff(labels) < 0).sum() > len(labels) / 8  # sorted labels have 0 descents
        for part in (labels[: len(labels) // 4], labels[-len(labels) // 4 :]):  # no class is rare at either end
            assert np.bincount(part, minlength=module.NUM_CLASSES).min() > len(part) / module.NUM_CLASSES / 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"test_fraction": 1.0}, r"digits: test_fraction must be in \[0, 1\), got 1\.0"),
        ({"test_fraction": -0.1}, "got -0.1"),
        ({"test_fraction": float("nan")}, "got nan"),
        ({"test_fraction": "0.2"}, "got '0.2'"),
        ({"seed": -1}, r"seed must be a whole number in \[0, 2\*\*32\), got -1"),
        ({"seed": 2**32}, "got 4294967296"),
        ({"seed": 0.5}, "got 0.5"),
    ],
)
def test_bundled_rejects(arguments, message):
    with pytest.raises(ValueError, match=message):
        digits.load_data(**arguments)


def test_bundled_file_that_was_changed_is_refused(tmp_path, monkeypatch):
    with open(_bundled.path_of("iris"), "rb") as file:
        content = bytearray(file.read())
    content[-1] ^= 1
    (tmp_path / "iris.safetensors").write_bytes(content)
    monkeypatch.setattr(_bundled, "path_of", lambda name: str(tmp_path / f"{name}.safetensors"))
    with pytest.raises(ValueError, match=r"iris: the file .* has SHA-256"):
        iris.load_data()


def test_bundled_metadata_names_source_and_licence():
    for module in BUNDLED:
        metadata = _bundled.read(name_of(module))[2]
        assert metadata["licence"] == "CC BY 4.0"
        assert "UCI Machine Learning Repository" in metadata["source"]
        assert metadata["creators"]


@pytest.mark.parity
def test_bundled_equals_scikit_learn():
    sklearn = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    for name, key in (("digits", "images"), ("iris", "data"), ("wine", "data")):
        x, y, _ = _bundled.read(name)
        theirs = getattr(sklearn, f"load_{name}")()
        assert (x == theirs[key].astype(x.dtype)).all()
        assert (y == theirs.target).all()


@pytest.mark.parity
def test_bundled_file_opens_in_another_safetensors_reader():
    safetensors = pytest.importorskip("safetensors.numpy", reason="the package safetensors is not installed")
    for module in BUNDLED:
        theirs = safetensors.load_file(_bundled.path_of(name_of(module)))
        x, y, _ = _bundled.read(name_of(module))
        assert (theirs["x"] == x).all()
        assert (theirs["y"] == y).all()


# --- IDX


def idx(array, code=0x08):
    array = np.asarray(array)
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.mark.parametrize(
    ("code", "dtype"), [(0x08, "u1"), (0x09, "i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")]
)
def test_idx_reads_every_type(code, dtype):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    read = _idx.parse_idx(idx(array, code))
    assert (read == array).all()
    assert read.dtype.isnative
    assert read.flags.writeable
    assert _idx.parse_idx(idx(array[:0], code)).shape == (0, 3, 4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with 4 bytes, but there are only 0"),
        (b"\0\0\x08", "there are only 3"),
        (b"\0\x01\x08\x01\0\0\0\0", "the first bytes are 00 01 08 01"),
        (b"\0\0\x07\x01\0\0\0\0", "the first bytes are 00 00 07 01"),
        (b"\0\0\x08\0", "rank 0 needs 4 bytes of header"),
        (b"\0\0\x08\x02\0\0\0\x01", "rank 2 needs 12 bytes of header .* got 8"),
        (idx(np.zeros((2, 3), np.uint8))[:-1], r"shape \[2, 3\] of uint8 needs 6 bytes, got 5"),
        (idx(np.zeros((2, 3), np.uint8)) + b"\0", "needs 6 bytes, got 7"),
        (b"\0\0\x08\xff" + b"\xff" * 1020, "needs .* bytes, got 0"),
    ],
)
def test_idx_refuses(content, message):
    with pytest.raises(ValueError, match=message):
        _idx.parse_idx(content, "x")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A set of four small files, where it is looked for confined to a folder of this test."""
    monkeypatch.setenv("NACRE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NACRE_DATA", raising=False)
    rng = np.random.default_rng(0)
    contents = {}
    for part, rows in (("train", 6), ("t10k", 2)):
        contents[f"{part}-images-idx3-ubyte"] = idx(rng.integers(0, 256, (rows, 4, 4), dtype=np.uint8))
        contents[f"{part}-labels-idx1-ubyte"] = idx(np.arange(rows, dtype=np.uint8))
    source = tmp_path / "source"
    source.mkdir()
    for name, content in contents.items():
        (source / f"{name}.gz").write_bytes(gzip.compress(content))
    files = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    data = _idx.IdxSet("tiny_set", source.as_uri() + "/", str(tmp_path / "system"), "dataset-tiny", files)
    return data, source, contents


def fill(folder, contents, packed=True):
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / (name + ".gz" * packed)).write_bytes(gzip.compress(content) if packed else content)


def test_missing_files_name_the_package_and_the_folders(tiny, tmp_path):
    data, _, _ = tiny
    with pytest.raises(FileNotFoundError, match="tiny_set: the files are in none of") as caught:
        _idx.load(data, None, None, False)
    message = str(caught.value)
    for part in ("dataset-tiny", "download=True", str(tmp_path / "system"), str(tmp_path / "home"), "t10k-images-idx3-ubyte"):
        assert part in message
    assert not (tmp_path / "home").exists()  # nothing was made, let alone fetched


def test_fashion_mnist_error_names_the_debian_package(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Debian package dataset-fashion-mnist .*/usr/share/datasets/fashion-mnist"):
        fashion_mnist.load_data(tmp_path)


@pytest.mark.parametrize("packed", [True, False], ids=["gz", "plain"])
def test_search_order(tiny, tmp_path, monkeypatch, packed):
    data, _, contents = tiny
    places = ["system", "home/datasets/tiny_set", "shared", "shared/tiny-set", "shared/tiny_set"]
    monkeypatch.setenv("NACRE_DATA", str(tmp_path / "shared"))
    opened = []
    monkeypatch.setattr(_idx, "read_file", lambda path, read=_idx.read_file: opened.append(os.path.dirname(path)) or read(path))
    for place in places:  # from the last to the first
        folder = tmp_path / place
        if not folder.exists():
            fill(folder, contents, packed)
        _idx.load(data, None, None, False)
        assert opened[-1] == str(folder)
    _idx.load(data, tmp_path / "system", None, False)
    assert opened[-1] == str(tmp_path / "system")
    with pytest.raises(FileNotFoundError):
        _idx.load(data, tmp_path / "nowhere", None, False)  # a path that is given is the only place


def test_other_set_with_the_same_names_is_passed_over(tiny, tmp_path, monkeypatch):
    data, _, contents = tiny
    monkeypatch.setenv("NACRE_DATA", str(tmp_path / "shared"))
    fill(tmp_path / "shared", {name: content[:-1] + b"\xee" for name, content in contents.items()})
    with pytest.raises(ValueError, match="SHA-256 of the decompressed bytes is"):
        _idx.load(data, None, None, False)
    fill(tmp_path / "system", contents)
    assert _idx.load(data, None, None, False)[0][0].shape == (6, 4, 4)


def test_download_only_when_asked_and_once(tiny, tmp_path, monkeypatch):
    data, source, contents = tiny
    (x_train, y_train), (x_test, y_test) = _idx.load(data, None, None, True)
    assert (x_train.shape, y_train.shape, x_test.shape, y_test.shape) == ((6, 4, 4), (6,), (2, 4, 4), (2,))
    cache = tmp_path / "home" / "datasets" / "tiny_set"
    assert sorted(os.listdir(cache)) == sorted(f"{name}.gz" for name in contents)
    for file in source.iterdir():
        file.unlink()
    _idx.load(data, None, None, True)  # from the cache


def test_download_refuses_wrong_content(tiny, tmp_path):
    data, source, contents = tiny
    name = "t10k-images-idx3-ubyte"
    (source / f"{name}.gz").write_bytes(gzip.compress(contents[name] + b"x"))
    with pytest.raises(ValueError, match="SHA-256"):
        _idx.load(data, None, tmp_path / "cache", True)
    assert sorted(os.listdir(tmp_path / "cache" / "tiny_set")) == [f"train-{n}-ubyte.gz" for n in ("images-idx3", "labels-idx1")]
    (source / f"{name}.gz").write_bytes(gzip.compress(contents[name])[:-9])
    with pytest.raises(ValueError, match="not a whole gzip file"):
        _idx.load(data, None, tmp_path / "cache", True)


def test_cut_gzip_file_is_refused(tiny, tmp_path):
    data, _, contents = tiny
    fill(tmp_path / "here", contents)
    file = tmp_path / "here" / "train-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(ValueError, match="not a whole gzip file"):
        _idx.load(data, tmp_path / "here", None, False)


def test_fashion_mnist_of_this_machine():
    try:
        (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    assert (x_train.shape, x_test.shape, x_train.dtype) == ((60000, 28, 28), (10000, 28, 28), np.uint8)
    assert np.bincount(y_train).tolist() == [6000] * 10
    assert np.bincount(y_test).tolist() == [1000] * 10
    assert len(fashion_mnist.CLASS_NAMES) == 10


def test_mnist_says_how_to_get_it(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"mnist: .* download=True"):
        mnist.load_data(tmp_path)


def test_datasets_are_loaded_when_used():
    code = (
        "import sys, nacre.datasets as d\n"
        "assert 'numpy' not in sys.modules\n"
        "assert 'nacre.datasets.digits' not in sys.modules\n"
        "d.digits\n"
        "assert 'numpy' not in sys.modules, 'numpy'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert dir(datasets) == ["digits", "fashion_mnist", "iris", "mnist", "wine"]
    with pytest.raises(AttributeError, match="there is no data set 'cifar'"):
        datasets.cifar  # noqa: B018
