"""x[...] and x[...] = v against NumPy: every kind of index alone and in combination, views, errors, gradients."""

import itertools

import numpy as np
import pytest

import nacre as nc

X = np.arange(2 * 3 * 4 * 5, dtype=np.int32).reshape(2, 3, 4, 5)
I3, J3 = np.array([0, 1, -1]), np.array([2, 0, 1])
MASK1 = np.array([True, False, True])
BASIC = [
    (), 0, -1, 1, slice(None), slice(1, None), slice(None, -1), slice(None, None, -1), slice(5, 0, -2), slice(1, 1), slice(-100, 100), ..., None,
    (0, 1), (0, ..., 2), (..., 0), (slice(None), 1), (None, 0, None), (slice(None), slice(0, 3, 2), slice(None, None, -2)), (1, 2, 3, 4),
    (0, slice(2, 0, -1), None, ..., slice(1, 3)), (..., None), slice(None, None, 2**62), slice(None, None, -(2**62)), slice(2**62, None),
]  # fmt: skip
ADVANCED = [
    I3 % 2, [0, 1, 1], np.array([[0, 1], [1, 0]]), (slice(None), I3), (..., I3), (I3 % 2, J3), (I3 % 2, slice(None), J3), (0, slice(None), I3),
    (slice(None), 1, I3), (slice(None), I3, None, J3), (slice(None), I3, J3), (slice(None), I3[:, None], J3), (..., I3, J3), (I3 % 2, ..., J3),
    (slice(None), MASK1), (0, MASK1), (slice(None), MASK1, slice(1, 3)), (I3[:2] % 2, MASK1), (None, I3 % 2), (slice(None, None, -1), I3, slice(0, 2)),
    np.zeros((2, 3), bool), np.zeros(0, np.int64), (slice(None), np.zeros((0, 2), np.int64)), (I3 % 2, J3, I3, J3), (0, I3), (I3 % 2, 1, 2),
    np.array([1], np.uint8), np.array([-1], np.int8),
]  # fmt: skip


def same(got, expected):
    assert got.shape == expected.shape
    np.testing.assert_array_equal(np.asarray(got), expected)


@pytest.mark.parametrize("index", BASIC, ids=repr)
def test_basic_indexing_equals_numpy(index):
    same(nc.convert_to_tensor(X)[index], X[index])
    # The same through strides: reversed and transposed.
    same(nc.flip(nc.convert_to_tensor(X))[index], np.flip(X)[index])


@pytest.mark.parametrize("index", ADVANCED, ids=lambda i: repr(i).replace("\n", ""))
def test_index_tensors_equal_numpy(index):
    same(nc.convert_to_tensor(X)[index], X[index])
    same(nc.transpose(nc.convert_to_tensor(X.T.copy()))[index], X[index])


@pytest.mark.parametrize("shape", [(6,), (2, 3), (2, 3, 4)])
def test_masks_of_every_rank(shape):
    rng = np.random.default_rng(0)
    x = (
        rng.integers(0, 100, (2, 3, 4))
        .reshape(-1, *((4,) if len(shape) < 3 else ()))
        .reshape(*shape, *((4,) if len(shape) < 3 else ()))
    )
    for rank in range(1, len(shape) + 1):
        mask = rng.random(shape[:rank]) < 0.5
        same(nc.convert_to_tensor(x)[mask], x[mask])
        same(nc.convert_to_tensor(x)[nc.convert_to_tensor(mask)], x[mask])


def test_random_combinations_equal_numpy():
    """A few hundred index tuples drawn at random, reading and writing."""
    rng = np.random.default_rng(1)
    kinds = [
        lambda n: int(rng.integers(-n, n)),
        lambda n: slice(
            *(None if rng.random() < 0.3 else int(rng.integers(-n - 2, n + 3)) for _ in range(2)), int(rng.choice([-3, -1, 1, 2]))
        ),
        lambda n: rng.integers(-n, n, 3),
        lambda n: rng.integers(-n, n, (2, 1)),
        lambda n: slice(None),
    ]
    for _ in range(400):
        items = []
        for axis in range(rng.integers(1, 5)):
            if rng.random() < 0.15:
                items.append(None)
            items.append(kinds[rng.integers(len(kinds))](X.shape[axis]))
        if rng.random() < 0.2:
            items.append(...)
        index = tuple(items)
        expected = X[index]
        same(nc.convert_to_tensor(X)[index], expected)
        want, got = X.copy(), nc.convert_to_tensor(X.copy())
        value = rng.integers(1000, 2000, expected.shape[1:] if rng.random() < 0.5 and expected.ndim else ()).astype(np.int32)
        want[index] = value
        got[index] = value
        np.testing.assert_array_equal(np.asarray(got), want, err_msg=repr(index))


@pytest.mark.parametrize("index", [*BASIC, *ADVANCED], ids=lambda i: repr(i).replace("\n", ""))
def test_assignment_equals_numpy(index):
    want, got = X.astype(np.float32), nc.convert_to_tensor(X.astype(np.float32))
    # Distinct targets only: NumPy does not promise which of several values stays. A number is the same for all of them.
    want[index] = 7.5
    got[index] = 7.5
    np.testing.assert_array_equal(np.asarray(got), want)


def test_of_repeated_positions_the_last_one_stays():
    x = nc.zeros((3,))
    x[[0, 1, 0]] = [1.0, 2.0, 3.0]
    assert x.tolist() == [3.0, 2.0, 0.0]


def test_basic_indexing_shares_memory():
    x = nc.zeros((3, 4))
    x[1][2:] = 5.0
    assert x[1].tolist() == [0.0, 0.0, 5.0, 5.0]


def test_values_are_cast_and_broadcast():
    x = nc.zeros((2, 3), dtype="int32")
    x[0] = nc.convert_to_tensor([1.9, -1.9, 0.0])
    x[:, 2] = [[7]]
    assert x.tolist() == [[1, -1, 7], [0, 0, 7]]


def test_overlapping_assignment():
    x = nc.arange(6)
    x[1:] = x[:-1]
    assert x.tolist() == [0, 0, 1, 2, 3, 4]
    x[::-1] = x
    assert x.tolist() == [4, 3, 2, 1, 0, 0]


@pytest.mark.parametrize(
    ("index", "kind", "pieces"),
    [
        (2, IndexError, ["2", "axis 0", "size 2"]),
        ((0, -4), IndexError, ["-4", "axis 1", "size 3"]),
        ((0,) * 5, IndexError, ["5", "[2, 3, 4, 5]"]),
        ((..., ...), IndexError, ["ellips"]),
        (slice(None, None, 0), ValueError, ["step is 0"]),
        (np.array([0, 2]), IndexError, ["2", "position 1"]),
        ((I3, np.array([0, 1])), ValueError, ["[3]", "[2]"]),
        (np.array([0.5]), IndexError, ["float"]),
        (np.ones((3,), bool), IndexError, ["mask", "[3]"]),
        ((0, 0, 0, 10**30), IndexError, [str(10**30)]),
        ("a", (TypeError, IndexError), []),
        (slice("a", None), TypeError, ["start", "str"]),
    ],
)
def test_errors(index, kind, pieces):
    x = nc.convert_to_tensor(X)
    for act in (lambda: x[index], lambda: x.__setitem__(index, 0)):
        with pytest.raises(kind) as caught:
            act()
        assert all(p in str(caught.value) for p in pieces), str(caught.value)
    np.testing.assert_array_equal(np.asarray(x), X)


def test_value_that_does_not_fit():
    x = nc.zeros((2, 3))
    for index, value in itertools.product(
        [slice(None), (slice(None), [0, 1, 2])], [np.zeros(2), np.zeros((3, 3)), np.zeros((2, 1, 3))]
    ):
        with pytest.raises(ValueError, match="does not broadcast"):
            x[index] = value
    assert not np.asarray(x).any()


def test_repeated_memory_is_not_written():
    x = nc.broadcast_to(nc.zeros((1, 3)), (2, 3))
    with pytest.raises(RuntimeError, match="broadcast_to"):
        x[0] = 1.0


@pytest.mark.parametrize(
    "index", [(slice(None, None, -2), [1, 1, 0]), ([0, 1, 1],), (..., 1), (MASK1,), (None, 2, slice(1, 3))], ids=repr
)
def test_gradient_counts_how_often_an_element_was_taken(index):
    x = nc.convert_to_tensor(np.zeros((3, 4)), dtype="float64")
    x.requires_grad = True
    y = x[index]
    weights = np.random.default_rng(0).uniform(1, 2, y.shape)
    nc.sum(y * nc.convert_to_tensor(weights, dtype="float64")).backward()
    expected = np.zeros((3, 4))
    np.add.at(expected, index, weights)
    np.testing.assert_allclose(np.asarray(x.grad), expected, rtol=1e-14)


def test_writing_while_recording_is_refused():
    w = nc.ones((3,))
    w.requires_grad = True
    y = w * 2.0
    with pytest.raises(RuntimeError, match="recorded"):
        y[0] = 1.0
    with pytest.raises(RuntimeError, match="recorded"):
        nc.zeros((3,))[:] = w
    with nc.no_grad():
        y[0] = 1.0
    assert y.tolist() == [1.0, 2.0, 2.0]
