"""Initialisers: distributions against their definitions, fans, seeds, names, errors."""

import numpy as np
import pytest

import nacre as nc

I = nc.initializers
SHAPE = (300, 700)  # 210,000 draws: the variance of a normal sample has a relative standard deviation of 0.3 %


def draw(initializer, shape=SHAPE):
    return np.asarray(initializer(shape, "float64"))


@pytest.mark.parametrize(("name", "variance", "bound"), [
    ("HeNormal", 2 / 300, None), ("HeUniform", 2 / 300, (6 / 300) ** 0.5),
    ("GlorotNormal", 2 / 1000, None), ("GlorotUniform", 2 / 1000, (6 / 1000) ** 0.5),
    ("LecunNormal", 1 / 300, None), ("LecunUniform", 1 / 300, (3 / 300) ** 0.5),
])  # fmt: skip
def test_named_forms(name, variance, bound):
    values = draw(getattr(I, name)(seed=1))
    assert abs(values.mean()) < 5 * (variance / values.size) ** 0.5
    assert values.var() == pytest.approx(variance, rel=0.015)
    if bound is not None:
        assert 0.999 * bound < np.abs(values).max() <= bound
    else:  # cut at two standard deviations of the wider normal distribution it starts from
        cut = 2 * variance**0.5 / 0.87962566103423978
        assert 0.99 * cut < np.abs(values).max() <= cut


def test_the_lectures_forms():
    # C's Xavier has half of the standard variance; its He is D's, untruncated.
    half = draw(I.VarianceScaling(0.5, "fan_avg", "untruncated_normal", seed=2))
    assert half.var() == pytest.approx(1 / 1000, rel=0.015)
    assert np.abs(half).max() > 3.5 * half.std()
    he = draw(I.VarianceScaling(2.0, "fan_in", "untruncated_normal", seed=2))
    assert he.var() == pytest.approx(2 / 300, rel=0.015)
    assert np.abs(he).max() > 3.5 * he.std()
    torch_linear = draw(I.VarianceScaling(1 / 3, "fan_in", "uniform", seed=2))
    assert np.abs(torch_linear).max() == pytest.approx(1 / 300**0.5, rel=1e-3)
    out = draw(I.VarianceScaling(1.0, "fan_out", "truncated_normal", seed=2))
    assert out.var() == pytest.approx(1 / 700, rel=0.015)


def test_plain_distributions():
    assert draw(I.RandomNormal(1.0, 0.5, seed=1)).mean() == pytest.approx(1, abs=0.01)
    assert draw(I.RandomNormal(seed=1)).std() == pytest.approx(0.05, rel=0.01)
    uniform = draw(I.RandomUniform(-1.0, 3.0, seed=1))
    assert -1 <= uniform.min() < -0.99
    assert 2.99 < uniform.max() < 3
    truncated = draw(I.TruncatedNormal(0.0, 1.0, seed=1))
    assert 1.99 < np.abs(truncated).max() <= 2
    assert truncated.std() == pytest.approx(0.8796, rel=0.01)
    assert draw(I.Zeros()).max() == 0
    assert draw(I.Ones()).min() == 1
    assert draw(I.Constant(2.5)).min() == 2.5
    assert np.array_equal(draw(I.Identity(2.0), (2, 3)), 2 * np.eye(2, 3))


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (2, 3, 4), (1, 3)])
def test_orthogonal(shape):
    q = draw(I.Orthogonal(gain=3.0, seed=1), shape).reshape(-1, shape[-1])
    gram = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    # Projected twice, so orthogonal to rounding error.
    np.testing.assert_allclose(gram, 9 * np.eye(len(gram)), atol=1e-13)


def test_seeds():
    assert np.array_equal(draw(I.HeNormal(seed=3)), draw(I.HeNormal(seed=3)))
    assert not np.array_equal(draw(I.HeNormal(seed=3)), draw(I.HeNormal(seed=4)))
    assert not np.array_equal(draw(I.HeNormal()), draw(I.HeNormal()))
    nc.utils.set_random_seed(5)
    first = draw(I.HeNormal())
    nc.utils.set_random_seed(5)
    assert np.array_equal(draw(I.HeNormal()), first)
    before = draw(I.GlorotUniform(seed=1))
    threads = nc.num_threads()
    try:
        nc.set_num_threads(1)
        assert np.array_equal(draw(I.GlorotUniform(seed=1)), before)
    finally:
        nc.set_num_threads(threads)


@pytest.mark.parametrize(("name", "made"), [
    ("glorot_uniform", "GlorotUniform"), ("GlorotUniform", "GlorotUniform"), ("he_normal", "HeNormal"), ("uniform", "RandomUniform"),
    ("normal", "RandomNormal"), ("zeros", "Zeros"), ("zero", "Zeros"), ("ones", "Ones"), ("orthogonal", "Orthogonal"), ("identity", "Identity"),
    ("truncated_normal", "TruncatedNormal"), ("variance_scaling", "VarianceScaling"), ("lecun_uniform", "LecunUniform"),
])  # fmt: skip
def test_names_of_keras(name, made):
    assert type(I.get(name)) is getattr(I, made)
    layer = nc.layers.Dense(3, kernel_initializer=name)
    assert layer.kernel_initializer == name
    layer.build((None, 3))


def test_configurations():
    for name in (d["class_name"] for d in nc._core.initializer_classes()):
        cls = getattr(I, name)
        made = cls()
        again = cls.from_config(made.get_config())
        assert again.get_config() == made.get_config()
        assert type(I.get({"class_name": name, "config": made.get_config()})) is cls
        assert type(I.get(cls)) is cls
        assert repr(made) == f"{name}()"
        assert made((2, 2)).dtype == "float32"
        assert cls.__doc__
    assert repr(I.HeNormal(seed=1)) == "HeNormal(seed=1)"


def test_fans_of_grouped_convolutions():
    layer = nc.layers.Conv2D(64, 3, groups=4, kernel_initializer="he_uniform")
    layer.build((None, 8, 8, 64))
    bound = (6 / (9 * 16)) ** 0.5  # receptive field times the channels of one group
    assert 0.99 * bound < np.abs(layer.get_weights()[0]).max() <= bound
    depthwise = nc.layers.DepthwiseConv2D(3, depthwise_initializer="he_uniform")
    depthwise.build((None, 8, 8, 512))
    bound = (6 / 9) ** 0.5
    assert 0.99 * bound < np.abs(depthwise.get_weights()[0]).max() <= bound
    attention = nc.layers.MultiHeadAttention(8, 16)
    attention.build((None, 4, 64))
    bound = (6 / (64 + 128)) ** 0.5  # the kernel [64, 8, 16] is a matrix [64, 128]
    assert 0.99 * bound < np.abs(attention.get_weights()[0]).max() <= bound


def test_zero_weights_keep_units_equal():
    layer = nc.layers.Dense(4, kernel_initializer="zeros", activation="tanh")
    x = np.random.default_rng(0).standard_normal((8, 3)).astype("f4")
    (layer(x) * 1.0).sum().backward()
    gradient = np.asarray(layer.kernel.grad)
    assert (gradient == gradient[:, :1]).all()


@pytest.mark.parametrize(("call", "error", "pattern"), [
    (lambda: I.RandomNormal(stddev=-1.0), ValueError, "RandomNormal: stddev must be >= 0 and finite, got -1"),
    (lambda: I.RandomUniform(1.0, 0.0), ValueError, "RandomUniform: minval 1 is larger than maxval 0"),
    (lambda: I.VarianceScaling(0.0), ValueError, "VarianceScaling: scale must be > 0 and finite, got 0"),
    (lambda: I.VarianceScaling(mode="fan"), ValueError, "VarianceScaling: mode must be .*got 'fan'"),
    (lambda: I.VarianceScaling(distribution="cauchy"), ValueError, "VarianceScaling: distribution must be .*got 'cauchy'"),
    (lambda: I.Constant("a"), TypeError, "Constant: value must be a number, got 'a'"),
    (lambda: I.HeNormal(stddev=1.0), TypeError, "HeNormal: unknown argument 'stddev'. Known: seed"),
    (lambda: I.Orthogonal()((3,)), ValueError, r"Orthogonal: the weight needs at least two axes, got shape \[3\]"),
    (lambda: I.Identity()((3, 3, 3)), ValueError, r"Identity: the weight must be a matrix, got shape \[3, 3, 3\]"),
    (lambda: I.Zeros()((3,), "int32"), TypeError, "Zeros: dtype must be float32 or float64, got int32"),
    (lambda: I.Zeros()((-3,)), ValueError, "Zeros: shape must be a list of integers >= 0"),
    (lambda: I.Zeros()((2**40, 2**40)), ValueError, "Zeros"),
    (lambda: I.get("he"), ValueError, "initializer 'he' is unknown. Known: Zeros"),
    (lambda: I.get(3), TypeError, "initializer: must be a name"),
])  # fmt: skip
def test_bad_arguments(call, error, pattern):
    with pytest.raises(error, match=pattern):
        call()
