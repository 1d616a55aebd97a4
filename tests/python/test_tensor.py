"""The tensor itself: dtypes and promotion, memory shared with NumPy and DLPack, copies, in-place changes, printing."""

from __future__ import annotations

import copy
import pickle
import threading
import weakref

import numpy as np
import pytest

import nacre as nc
from nacre import _core


def test_conversion_dtypes():
    assert nc.convert_to_tensor(np.ones(2)).dtype == "float32"  # float64 arrays become floatx
    assert nc.convert_to_tensor(np.ones(2), "float64").dtype == "float64"
    assert nc.asarray(np.ones(2)).dtype == "float64"
    assert nc.convert_to_tensor([1, 2]).dtype == "int32"
    assert nc.convert_to_tensor([1, 2.5]).dtype == "float32"
    assert nc.convert_to_tensor([True, False]).dtype == "bool"
    assert nc.convert_to_tensor(np.arange(2)).dtype == "int64"
    assert nc.convert_to_tensor(np.arange(2, dtype="uint16")).tolist() == [0, 1]
    assert nc.convert_to_tensor([np.ones(2), np.zeros(2)]).shape == (2, 2)
    assert nc.convert_to_tensor([]).shape == (0,)


NAMES = ["bool", "uint8", "int8", "int32", "int64", "float32", "float64"]


@pytest.mark.parametrize("a", NAMES)
@pytest.mark.parametrize("b", NAMES)
def test_promotion(a, b):
    """As Keras and JAX: floats win over integers whatever their width; otherwise the wider one."""
    x, y = nc.ones((2,), dtype=a), nc.ones((2,), dtype=b)
    floats = [t for t in (a, b) if t.startswith("float")]
    if floats:
        expected = max(floats)
    elif {a, b} == {"uint8", "int8"}:
        expected = "int32"
    else:
        expected = max((a, b), key=NAMES.index)
    assert nc.maximum(x, y).dtype == expected


def test_numbers_are_weak():
    f, i, d = nc.ones((2,)), nc.ones((2,), dtype="int32"), nc.ones((2,), dtype="float64")
    assert (f + 1).dtype == "float32"
    assert (2.5 * d).dtype == "float64"
    assert (i + 1).dtype == "int32"
    assert (i + 1.5).dtype == "float32"
    assert (i / i).dtype == "float32"
    assert i.mean().dtype == "float32"
    assert (nc.ones((2,), dtype="uint8") + 1).dtype == "uint8"
    assert (f + i).dtype == "float32"
    with pytest.raises(ValueError, match="300"):
        nc.ones((2,), dtype="uint8") + 300


def test_floatx():
    try:
        nc.config.set_floatx("float64")
        assert nc.convert_to_tensor([1.0]).dtype == "float64"
    finally:
        nc.config.set_floatx("float32")


@pytest.mark.parametrize("make", [
    lambda a: a, lambda a: a[::2], lambda a: a[::-1], lambda a: a.T, lambda a: a[:, 1:3], lambda a: np.broadcast_to(a[0], (3, 6)),
    lambda a: a[1:1], lambda a: a[2, 3],
], ids=["plain", "step", "reversed", "transposed", "columns", "broadcast", "empty", "scalar"])  # fmt: skip
def test_asarray_shares_memory_of_any_strides(make):
    a = make(np.arange(24, dtype="float32").reshape(4, 6))
    t = nc.asarray(a)
    np.testing.assert_array_equal(t.numpy(), a)
    if isinstance(a, np.ndarray) and a.size:  # a[2, 3] is NumPy's scalar: it has no memory to share
        assert np.shares_memory(t.numpy(), a)
    np.testing.assert_array_equal((t + 1).numpy(), a + 1)


def test_read_only_swapped_and_misaligned_arrays():
    a = np.arange(4, dtype="float32")
    a.flags.writeable = False
    t = nc.asarray(a)
    with pytest.raises(nc.errors.StateError, match="read-only"):
        t.assign([0.0, 0.0, 0.0, 0.0])
    assert not t.numpy().flags.writeable
    swapped = np.arange(4, dtype=">f8")
    assert nc.asarray(swapped).tolist() == [0.0, 1.0, 2.0, 3.0]
    raw = np.zeros(17, "uint8")
    misaligned = raw[1:].view("float32")
    misaligned[:] = [1, 2, 3, 4]
    before = raw.tobytes()
    assert (nc.asarray(misaligned) * 2).tolist() == [2.0, 4.0, 6.0, 8.0]
    assert raw.tobytes() == before


def test_memory_lives_as_long_as_any_view():
    a = np.arange(3, dtype="float32")
    alive = weakref.ref(a)
    t = nc.asarray(a)[1:]
    del a
    assert alive() is not None
    assert t.tolist() == [1.0, 2.0]
    del t
    assert alive() is None
    out = nc.ones((3,)).numpy()
    assert out.sum() == 3  # the tensor is gone, its memory is not


def test_numpy_sees_changes_and_is_read_only_while_recording():
    t = nc.zeros((3,))
    view = t.numpy()
    t[1] = 5.0
    assert view[1] == 5
    view[0] = 2
    assert t.tolist() == [2.0, 5.0, 0.0]
    w = nc.Tensor([1.0], requires_grad=True)
    assert not w.numpy().flags.writeable
    assert np.asarray(w, dtype="float64").dtype == np.float64


def test_dlpack_with_numpy():
    t = nc.arange(6, dtype="float32").reshape((2, 3))
    a = np.from_dlpack(t)
    assert np.shares_memory(a, t.numpy())
    back = nc.from_dlpack(np.arange(6, dtype="int32").reshape(2, 3)[:, ::2])
    assert back.tolist() == [[0, 2], [3, 5]]
    frozen = np.arange(3, dtype="float32")
    frozen.flags.writeable = False
    with pytest.raises(nc.errors.StateError, match="read-only"):
        nc.from_dlpack(frozen).assign(np.zeros(3, "float32"))
    with pytest.raises(nc.errors.StateError, match="detach"):
        np.from_dlpack(nc.Tensor([1.0], requires_grad=True))
    unused = nc.ones((2,)).__dlpack__(max_version=(1, 0))
    del unused  # frees its export
    with pytest.raises(TypeError, match="__dlpack__"):
        nc.from_dlpack(3)


@pytest.mark.parity
def test_dlpack_with_torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    x = torch.arange(6, dtype=torch.float32).reshape(2, 3).T
    t = nc.from_dlpack(x)
    x[0, 0] = 7
    assert t.tolist() == x.tolist()
    y = torch.from_dlpack(nc.ones((2, 2), dtype="int64"))
    assert y.tolist() == [[1, 1], [1, 1]]
    assert nc.asarray(torch.ones(2, dtype=torch.bfloat16)).dtype == "bfloat16"


@pytest.mark.parametrize("dtype", [*NAMES, "float16", "bfloat16"])
def test_pickle_and_deepcopy(dtype):
    t = nc.cast(nc.convert_to_tensor([[0.0, 1.0], [2.0, 3.0]]), dtype).T
    for other in (pickle.loads(pickle.dumps(t)), copy.deepcopy(t), t.clone()):
        assert other.dtype == dtype
        assert other.tolist() == t.tolist()
        assert not _core.share_memory(other, t)
    w = nc.Tensor([1.0], requires_grad=True)
    assert pickle.loads(pickle.dumps(w)).requires_grad
    assert copy.deepcopy(w).requires_grad


def test_half_precision_is_storage():
    t = nc.cast([1.0, 65504.0, 1e6, 2.0**-24], "float16")
    assert t.tolist() == [1.0, 65504.0, float("inf"), 2.0**-24]
    np.testing.assert_array_equal(t.numpy(), np.array([1.0, 65504.0, np.inf, 2.0**-24], "float16"))
    with pytest.raises(nc.errors.DTypeError, match="cast"):
        t + t


def test_item_bool_len_iter():
    assert nc.Tensor(2.5).item() == 2.5
    assert int(nc.Tensor(7)) == 7
    assert [1, 2, 3][nc.Tensor(1)] == 2
    assert nc.Tensor(2**53 + 1, dtype="int64").item() == 2**53 + 1
    assert [x.tolist() for x in nc.Tensor([[1, 2], [3, 4]])] == [[1, 2], [3, 4]]
    with pytest.raises(nc.errors.ShapeError, match=r"\[2\]"):
        nc.ones((2,)).item()
    with pytest.raises(ValueError, match="any"):
        bool(nc.ones((2,)))
    with pytest.raises(TypeError):
        len(nc.Tensor(1.0))
    with pytest.raises(TypeError):
        iter(nc.Tensor(1.0)).__next__()


def test_repr_shows_values_shape_and_dtype():
    text = repr(nc.Tensor([[1.0, 2.0]], requires_grad=True))
    assert "1., 2." in text
    assert "shape=[1, 2], dtype=float32, requires_grad=True" in text
    assert len(repr(nc.zeros((1000, 1000)))) < 1000


def test_in_place_changes():
    x = nc.ones((2, 2))
    same = x
    x += 1
    x *= np.array([1.0, 3.0], "float32")
    assert same is x
    assert x.tolist() == [[2.0, 6.0], [2.0, 6.0]]
    x[0, 1] = 0
    x[:, 0] = nc.Tensor([8.0, 9.0])
    assert x.tolist() == [[8.0, 0.0], [9.0, 6.0]]
    x.assign(x.T)  # overlapping memory
    assert x.tolist() == [[8.0, 9.0], [0.0, 6.0]]
    with pytest.raises(nc.errors.ShapeError):
        x += nc.ones((3, 2, 2))
    i = nc.ones((2,), dtype="int32")
    with pytest.raises(nc.errors.DTypeError):
        i += 0.5


def test_a_repeated_element_is_not_assigned_to():
    with pytest.raises(nc.errors.StateError, match="broadcast_to"):
        nc.broadcast_to(nc.ones((1, 2)), (3, 2)).assign(np.zeros((3, 2), "float32"))


def test_in_place_is_refused_while_recording():
    w = nc.Tensor([1.0, 2.0], requires_grad=True)
    for change in (lambda: w.__iadd__(1.0), lambda: w.__setitem__(0, 3.0), lambda: nc.zeros((2,)).__iadd__(w)):
        with pytest.raises(nc.errors.StateError, match="no_grad"):
            change()
    with nc.no_grad():
        w += 1
    assert w.tolist() == [2.0, 3.0]
    assert w.requires_grad


def test_unknown_operands_are_left_to_python():
    with pytest.raises(TypeError):
        nc.ones((2,)) + "x"
    with pytest.raises(TypeError):
        None * nc.ones((2,))
    assert (nc.ones((2,)) == "x") is False


def test_numpy_on_the_left():
    out = np.array([1.0, 2.0], "float32") + nc.Tensor([1.0, 1.0])
    assert isinstance(out, nc.Tensor)
    assert out.tolist() == [2.0, 3.0]


def test_tensors_are_used_from_several_threads():
    x = nc.random.normal((64, 64), seed=1)
    expected = (x @ x).tolist()
    results = [None] * 4

    def work(i):
        for _ in range(20):
            results[i] = (x @ x).tolist()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert all(r == expected for r in results)
