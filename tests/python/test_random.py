"""nc.random and set_random_seed: what a seed may be, and permutation of numbers and of rows."""

import numpy as np
import pytest

import nacre as nc

CALLS = [
    lambda seed: nc.random.uniform((3,), seed=seed),
    lambda seed: nc.random.normal((3,), seed=seed),
    lambda seed: nc.random.truncated_normal((3,), seed=seed),
    lambda seed: nc.random.randint((3,), 0, 1000, seed=seed),
    lambda seed: nc.random.bernoulli((64,), seed=seed),
    lambda seed: nc.random.permutation(64, seed=seed),
    lambda seed: nc.random.permutation(range(64), seed=seed),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_seed_is_anything_that_counts(call):
    expected = call(7).tolist()
    for seed in (np.int64(7), np.uint8(7), np.array(7), nc.Tensor(7)):
        assert call(seed).tolist() == expected
    assert call(np.int64(-(2**63))).tolist() == call(-(2**63)).tolist()
    for seed in (True, np.True_, 7.0, np.float64(7), "7", 2**63, -(2**63) - 1):
        with pytest.raises(ValueError, match="random: seed must be None or an integer of 64 bits, got ") as caught:
            call(seed)
        assert repr(seed) in str(caught.value)


def test_set_random_seed_takes_what_counts():
    nc.utils.set_random_seed(7)
    expected = nc.random.normal((3,)).tolist()
    for seed in (np.int32(7), np.uint64(7), np.array(7)):
        nc.utils.set_random_seed(seed)
        assert nc.random.normal((3,)).tolist() == expected
    nc.utils.set_random_seed(np.uint64(2**64 - 1))
    for seed in (True, np.True_, 7.0, "7", None):
        with pytest.raises(TypeError, match="set_random_seed: seed must be an integer, got "):
            nc.utils.set_random_seed(seed)
    with pytest.raises(ValueError, match=r"between 0 and 2\^64 - 1, got -1"):
        nc.utils.set_random_seed(np.int8(-1))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "int32", "uint8", "int8", "bool"])
@pytest.mark.parametrize("shape", [(33,), (16, 3), (5, 2, 2), (0, 4), (1,)])
def test_permutation_of_rows(dtype, shape):
    x = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    kept = x.copy()
    order = nc.random.permutation(len(x), seed=3).numpy()
    for given in (x, nc.Tensor(x, dtype=dtype)):
        result = nc.random.permutation(given, seed=3)
        assert type(result) is nc.Tensor
        assert result.dtype == dtype
        np.testing.assert_array_equal(result.numpy(), kept[order])
    np.testing.assert_array_equal(x, kept)


def test_permutation_of_lists_and_numbers():
    assert nc.random.permutation([1.5, 2.5, 3.5], seed=1).dtype == "float32"
    assert sorted(nc.random.permutation(((1, 2), (3, 4)), seed=1).tolist()) == [[1, 2], [3, 4]]
    assert nc.random.permutation([7]).tolist() == [7]
    assert nc.random.permutation(nc.Tensor([7])).tolist() == [7]  # one row, not the numbers 0 to 6
    for n in (5, np.int64(5), np.array(5), nc.Tensor(5)):
        result = nc.random.permutation(n, seed=1)
        assert result.dtype == "int64"
        assert sorted(result.tolist()) == [0, 1, 2, 3, 4]
    rows = nc.Tensor([[1.0], [2.0]], requires_grad=True)
    (nc.random.permutation(rows, seed=1) * 3).sum().backward()
    assert rows.grad.tolist() == [[3.0], [3.0]]


@pytest.mark.parametrize("x", [2.5, np.float64(2.0), np.array(2.5), nc.Tensor(2.5), True, "abc", None, {1: 2}])
def test_permutation_rejects(x):
    with pytest.raises(TypeError, match="permutation: x must be an integer") as caught:
        nc.random.permutation(x)
    assert repr(x) in str(caught.value)
