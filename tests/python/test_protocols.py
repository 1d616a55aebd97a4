"""What other code asks of a tensor: Python's protocols (format, copy, operators with lists), NumPy's and DLPack's."""

from __future__ import annotations

import copy
import operator

import numpy as np
import pytest

import nacre as nc


def test_a_single_number_is_formatted_as_a_number():
    loss = nc.Tensor(0.123456)
    assert f"{loss:.4f}" == "0.1235"
    assert f"{nc.Tensor(7):05d}" == "00007"
    assert f"{loss}" == str(loss)
    with pytest.raises(TypeError, match=r"format: '\.2f'.*\[2\]"):
        f"{nc.ones(2):.2f}"


def test_copies_keep_requires_grad():
    x = nc.Tensor([1.0], requires_grad=True)
    for y in (copy.copy(x), copy.deepcopy(x)):
        assert y.requires_grad
        assert not np.shares_memory(y.detach().numpy(), x.detach().numpy())


def test_lists_beside_wide_tensors_are_not_rounded():
    wide = nc.ones(1, dtype="float64")
    assert (wide * [0.1]).item() == 0.1
    assert ([0.1] * wide).item() == 0.1
    assert nc.concatenate([wide, [0.1]]).tolist() == [1.0, 0.1]
    wide += [0.1]
    assert wide.item() == 1.1
    one = nc.Tensor([1], dtype="int64")
    assert operator.add(one, [2**40]).item() == 2**40 + 1
    assert (nc.ones(1) * [0.1]).dtype == "float32"


@pytest.mark.parametrize("key", [[0, 3], [2**40], ([0, 1], [0, 1, 2]), 5])
def test_errors_of_indexing_name_indexing(key):
    x = nc.ones((3, 3))
    for use in (lambda: x[key], lambda: operator.setitem(x, key, 0.0)):
        with pytest.raises((IndexError, nc.errors.ShapeError), match=r"^index: "):
            use()


@pytest.mark.parametrize("value", [-1, 255, 256, 300, 2**31, 2**40, -(2**40), 2**63, 2**70, -(2**70)])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64"])
def test_integers_compare_exactly(dtype, value):
    numbers = [0, 1, 100]
    x = nc.Tensor(numbers, dtype=dtype)
    for compare in (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge):
        assert compare(x, value).tolist() == [compare(n, value) for n in numbers]
        assert compare(value, x).tolist() == [compare(value, n) for n in numbers]


def test_full_takes_the_ends_of_the_range():
    for dtype, low, high in (
        ("int64", -(2**63), 2**63 - 2**10),
        ("int32", -(2**31), 2**31 - 1),
        ("uint8", 0, 255),
        ("int8", -128, 127),
    ):
        assert nc.full((1,), low, dtype=dtype).item() == low
        assert nc.full((1,), high, dtype=dtype).item() == high
    assert nc.full((1,), -0.5, dtype="uint8").item() == 0


def test_range_is_a_list_of_integers():
    assert nc.Tensor(range(3)).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("function", "expected"),
    [(operator.and_, [True, False]), (operator.or_, [True, True]), (operator.xor, [False, True])],
)
def test_bit_operators_take_bools_only(function, expected):
    a = nc.Tensor([True, False])
    assert function(a, nc.Tensor([True, True])).tolist() == expected
    assert function(a, True).tolist() == expected
    with pytest.raises(nc.errors.DTypeError, match=r"logical_.*int32"):
        function(nc.Tensor([6]), 3)


def test_large_integers_are_exact_or_refused():
    big = 2**53
    assert nc.arange(big, big + 4, dtype="int64").tolist() == [big, big + 1, big + 2, big + 3]
    assert nc.arange(-(2**62) + 1024, -(2**62), -512).tolist() == [-(2**62) + 1024, -(2**62) + 512]
    for make in (
        lambda: nc.full((1,), big + 1, dtype="int64"),
        lambda: nc.arange(big, big + 3, dtype="int64"),
        lambda: nc.clip(nc.Tensor([1], dtype="int64"), 0, big + 1),
        lambda: nc.pad(nc.Tensor([1], dtype="int64"), (1, 1), constant_values=big + 1),
    ):
        with pytest.raises(ValueError, match=r"900719925474099\d is an integer that float64 cannot hold"):
            make()


@pytest.mark.parametrize(
    ("value", "dtype"), [(float("nan"), "int32"), (float("inf"), "int64"), (2**31, "int32"), (-1, "uint8"), (300, "uint8")]
)
def test_full_refuses_what_the_dtype_cannot_hold(value, dtype):
    with pytest.raises(ValueError, match=f"full: the value .* is no value of {dtype}"):
        nc.full((2,), value, dtype=dtype)
    with pytest.raises(ValueError, match="full_like"):
        nc.full_like(nc.zeros(2, dtype=dtype), value)
    if np.isfinite(value):
        with pytest.raises(ValueError, match="arange"):
            nc.arange(value, value + 2, dtype=dtype)


def test_sizes_spread_out():
    x = nc.Tensor(range(6))
    assert x.reshape(2, 3).shape == x.reshape((2, 3)).shape == (2, 3)
    assert x.reshape(3, -1).transpose(1, 0).shape == (2, 3)
    with pytest.raises(TypeError, match="reshape: takes at most 2 arguments, got 3"):
        x.reshape(2, 3.0)


def test_bfloat16_has_no_numpy_array():
    x = nc.Tensor([1.5], dtype="bfloat16")
    for convert in (x.numpy, lambda: np.asarray(x)):
        with pytest.raises(nc.errors.DTypeError, match="bfloat16"):
            convert()
    assert x.astype("float32").numpy().tolist() == [1.5]


def test_array_protocol_copies_only_when_allowed():
    x = nc.ones(3)
    assert np.shares_memory(x.__array__(copy=False), x.numpy())
    assert not np.shares_memory(x.__array__(copy=True), x.numpy())
    with pytest.raises(ValueError, match="copy=False"):
        x.__array__(np.dtype("float64"), copy=False)


def test_dlpack_requests():
    x = nc.Tensor(range(4))
    with pytest.raises(BufferError, match=r"dl_device \(2, 0\)"):
        x.__dlpack__(dl_device=(2, 0))
    backwards = x[::-1]
    assert np.from_dlpack(backwards).tolist() == [3, 2, 1, 0]  # a copy: PyTorch ends the process on negative strides
    with pytest.raises(BufferError, match="negative strides"):
        backwards.__dlpack__(copy=False)


def test_what_is_no_array_is_a_type_error():
    for thing in (np.array(["2020-01-01"], dtype="datetime64[D]"), np.array(["a"]), object(), {1: 2}):
        with pytest.raises(TypeError, match="asarray"):
            nc.asarray(thing)


@pytest.mark.parametrize("make", [
    lambda: nc.layers.Dense(3, name="\ud800"),
    lambda: nc.conv2d(nc.ones((1, 3, 3, 1)), nc.ones((2, 2, 1, 1)), padding="\ud800"),
])  # fmt: skip
def test_text_that_utf8_cannot_hold(make):
    with pytest.raises((ValueError, TypeError)):
        make()


@pytest.mark.parametrize("name", ["", "a/b", "a\nb", "a\0b", "\x7f"])
def test_layer_names_fit_a_file(name):
    with pytest.raises(ValueError, match="name"):
        nc.layers.Dense(3, name=name)
