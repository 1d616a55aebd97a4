"""The functions of nc.ops that are spellings of other ops under Keras's names: eager, on symbolic tensors, captured, wrong."""

import inspect

import numpy as np
import pytest
from layer_check import sample

import nacre as nc

O = nc.ops
X = sample((2, 5, 6, 4), dtype="f8")
MATRIX = np.array([[0.0, 3.0, np.nan], [-1.0, 0.0, -0.0]])


def tensor(x):
    return nc.convert_to_tensor(x, "float64")


SIGNATURES = {
    "array": ["x", "dtype"],
    "batch_normalization": ["x", "mean", "variance", "axis", "offset", "scale", "epsilon"],
    "conv": ["inputs", "kernel", "strides", "padding", "data_format", "dilation_rate"],
    "depthwise_conv": ["inputs", "kernel", "strides", "padding", "data_format", "dilation_rate"],
    "fliplr": ["x"],
    "flipud": ["x"],
    "get_item": ["x", "key"],
    "nonzero": ["x"],
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_are_those_of_keras(name):
    assert list(inspect.signature(getattr(O, name)).parameters) == SIGNATURES[name]
    assert getattr(nc, name) is getattr(O, name)


def test_array():
    assert O.array([1, 2]).dtype == "int32"
    assert O.array(np.float64(3)).shape == ()
    assert O.array([1, 2], "float64").dtype == "float64"
    x = nc.ones((3,))
    x.requires_grad = True
    y = O.array(x)
    assert not nc._core.share_memory(x, y)
    (O.array(x, "float64") * 2 + y).sum().backward()
    assert x.grad.tolist() == [3.0] * 3


def test_flips():
    for function, reference in ((O.fliplr, np.fliplr), (O.flipud, np.flipud)):
        for x in (X, MATRIX, np.zeros((0, 3))):
            np.testing.assert_array_equal(function(tensor(x)), reference(x))
    np.testing.assert_array_equal(O.flipud(np.arange(3)), [2, 1, 0])


@pytest.mark.parametrize("key", [0, -1, (slice(None), 2), (..., None, 1), (1, slice(1, 4, 2)), np.array([1, 0, 1])], ids=str)
def test_get_item(key):
    np.testing.assert_array_equal(O.get_item(tensor(X), key), X[key])


def test_get_item_by_mask():
    np.testing.assert_array_equal(O.get_item(X, X > 0), X[X > 0].astype("f4"))


@pytest.mark.parametrize("x", [MATRIX, X > 0.3, np.zeros((2, 3)), np.zeros((0, 4)), np.array([0, 7, -2]), X[0] > 0], ids=str)
def test_nonzero(x):
    got, want = O.nonzero(nc.convert_to_tensor(x)), np.nonzero(x)
    assert isinstance(got, tuple)
    assert len(got) == len(want)
    for a, b in zip(got, want, strict=True):
        assert a.dtype == "int64"
        np.testing.assert_array_equal(a, b)


class Counter(nc.layers.Layer):
    """Calls nonzero on its input or on its weight."""

    def __init__(self, of_weight=False, **kwargs):
        super().__init__(**kwargs)
        self.of_weight = of_weight

    def get_config(self):
        return {**super().get_config(), "of_weight": self.of_weight}

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="w")

    def call(self, x):
        return x * self.w * float(O.nonzero(self.w if self.of_weight else x)[0].shape[0])

    def compute_output_shape(self, input_shape):
        return input_shape


@pytest.mark.parametrize("of_weight", [False, True])
def test_nonzero_is_refused_where_it_would_be_captured(of_weight):
    x = np.ones((4, 3), "f4")
    model = nc.Sequential([Counter(of_weight)])
    model.compile("sgd", "mse")
    with pytest.raises(nc.errors.StateError, match=r"nonzero: .*captured.*run_eagerly=True"):
        model.fit(x, x, verbose=0)
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(x, x, verbose=0)


def conv_reference(x, kernel, strides, padding, dilation, groups):
    """Convolution by loops over kernel taps, [N, H, W, C]."""
    kh, kw, taken, out = kernel.shape
    size = [(k - 1) * d + 1 for k, d in zip((kh, kw), dilation, strict=True)]
    pads = [(0, 0)] * 4
    if padding == "same":
        for axis in (0, 1):
            n = x.shape[1 + axis]
            total = max((-(-n // strides[axis]) - 1) * strides[axis] + size[axis] - n, 0)
            pads[1 + axis] = (total // 2, total - total // 2)
    x = np.pad(x, pads)
    oh, ow = ((x.shape[1 + a] - size[a]) // strides[a] + 1 for a in (0, 1))
    y = np.zeros((x.shape[0], oh, ow, out))
    per = out // groups
    for i in range(kh):
        for j in range(kw):
            part = x[:, i * dilation[0] :, j * dilation[1] :][:, : oh * strides[0] : strides[0], : ow * strides[1] : strides[1]]
            for g in range(groups):
                o = slice(g * per, (g + 1) * per)
                y[..., o] += part[..., g * taken : (g + 1) * taken] @ kernel[i, j, :, o]
    return y


CONVS = [
    ({}, (3, 3, 4, 6)),
    ({"padding": "same"}, (3, 2, 4, 6)),
    ({"strides": (2, 1), "padding": "same"}, (3, 3, 4, 2)),
    ({"dilation_rate": 2}, (2, 2, 4, 3)),
    ({"strides": 2}, (2, 3, 2, 6)),  # two groups
]


@pytest.mark.parametrize(("options", "shape"), CONVS)
@pytest.mark.parametrize("data_format", [None, "channels_last", "channels_first"])
def test_conv(options, shape, data_format):
    kernel = sample(shape, 1, dtype="f8")
    pair = {k: (v, v) if isinstance(v, int) else v for k, v in options.items() if k != "padding"}
    want = conv_reference(
        X, kernel, pair.get("strides", (1, 1)), options.get("padding", "valid"), pair.get("dilation_rate", (1, 1)), 4 // shape[2]
    )
    first = data_format == "channels_first"
    x = tensor(X.transpose(0, 3, 1, 2) if first else X)
    got = np.asarray(O.conv(x, tensor(kernel), data_format=data_format, **options))
    np.testing.assert_allclose(got.transpose(0, 2, 3, 1) if first else got, want, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("options", [{}, {"padding": "same", "strides": 2}, {"dilation_rate": (2,)}])
def test_one_axis(data_format, options):
    """conv and depthwise_conv of sequences against those of images of one row."""
    x = X[:, 0]
    first = data_format == "channels_first"
    given = tensor(x.transpose(0, 2, 1) if first else x)
    stride, dilation = (np.ravel(options.get(k, 1))[0] for k in ("strides", "dilation_rate"))
    image = ((1, stride), options.get("padding", "valid"), (1, dilation))
    kernel = sample((3, 4, 2), 1, dtype="f8")
    got = np.asarray(O.conv(given, tensor(kernel), data_format=data_format, **options))
    want = conv_reference(x[:, None], kernel[None], *image, 1)[:, 0]
    np.testing.assert_allclose(got.transpose(0, 2, 1) if first else got, want, rtol=1e-12, atol=1e-13)
    got = np.asarray(O.depthwise_conv(given, tensor(kernel), data_format=data_format, **options))
    want = conv_reference(x[:, None], kernel.reshape(1, 3, 1, 8), *image, 4)[:, 0]
    np.testing.assert_allclose(got.transpose(0, 2, 1) if first else got, want, rtol=1e-12, atol=1e-13)


def test_depthwise_conv_of_images():
    kernel = sample((3, 2, 4, 2), 1, dtype="f8")
    want = conv_reference(X, kernel.reshape(3, 2, 1, 8), (2, 2), "same", (1, 1), 4)
    np.testing.assert_allclose(O.depthwise_conv(tensor(X), tensor(kernel), 2, "same"), want, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("axis", [-1, 1])
def test_batch_normalization(axis):
    n = X.shape[axis]
    mean, variance, offset, scale = (sample((n,), k, dtype="f8") for k in range(4))
    variance = variance**2 + 0.1
    shape = [1] * 4
    shape[axis] = n
    wide = [v.reshape(shape) for v in (mean, variance, offset, scale)]
    y = (X - wide[0]) / np.sqrt(wide[1] + 0.01)
    got = O.batch_normalization(tensor(X), tensor(mean), tensor(variance), axis, epsilon=0.01)
    np.testing.assert_allclose(got, y, rtol=1e-12, atol=1e-13)
    got = O.batch_normalization(*map(tensor, (X, mean, variance)), axis, tensor(offset), tensor(scale), 0.01)
    np.testing.assert_allclose(got, wide[3] * y + wide[2], rtol=1e-12, atol=1e-13)


def test_symbolic_tensors_and_gradients_to_operands():
    """Each in a graph of layers gives what it gives on arrays, and trains what stands before it."""
    x = sample((3, 5, 6, 4))
    kernel, depth, statistic = sample((2, 2, 4, 3), 1), sample((3, 3, 3, 2), 2), np.linspace(0.5, 1, 6).astype("f4")

    def function(t):
        t = O.conv(O.array(t), kernel, padding="same")
        t = O.depthwise_conv(O.flipud(O.fliplr(t)), depth, strides=2)
        t = O.batch_normalization(t, statistic, statistic, -1, statistic, statistic)
        return O.depthwise_conv(O.get_item(t, (slice(None), 0)), sample((1, 6, 1), 3))

    i = nc.Input((5, 6, 4))
    out = function(nc.layers.Dense(4)(i))
    assert out.shape == (None, 2, 6)
    model = nc.Model(i, out)
    dense = model.layers[1]
    np.testing.assert_array_equal(model.predict(x, verbose=0), np.asarray(function(dense(x)).detach()))
    y = sample((3, 2, 6), 5)
    results = []
    for eager in (False, True):
        dense.set_weights([np.eye(4, dtype="f4"), np.zeros(4, "f4")])
        model.compile("sgd", "mse", run_eagerly=eager)
        model.fit(x, y, epochs=2, batch_size=3, shuffle=False, verbose=0)
        results.append(dense.get_weights())
    assert np.abs(results[0][0] - np.eye(4)).max() > 1e-4
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


BAD = [
    (lambda: O.fliplr([1.0]), nc.errors.ShapeError, r"fliplr: x must have rank >= 2, got shape \[1\]"),
    (lambda: O.flipud(1.0), nc.errors.ShapeError, r"flipud: x must have rank >= 1, got shape \[\]"),
    (lambda: O.nonzero(1.0), nc.errors.ShapeError, "nonzero: x is a scalar"),
    (lambda: O.nonzero(nc.Input((3,), name="a")), TypeError, r"nonzero: x is a symbolic tensor \('a', shape \(None, 3\)\)"),
    (lambda: O.get_item([1, 2], 7), IndexError, "7"),
    (lambda: O.array("text"), TypeError, "text|str"),
    (lambda: O.array(nc.ones((2,)), "flaot"), ValueError, "flaot"),
    (lambda: O.conv(X, np.ones((3, 3, 3, 1))), nc.errors.ShapeError, "conv: inputs have 4 channels .* multiple of the 3"),
    (lambda: O.conv(nc.Input((5, None)), np.ones((3, 3, 1))), nc.errors.ShapeError, "conv: inputs have None channels"),
    (lambda: O.conv(X, np.ones((3, 4, 1))), nc.errors.ShapeError, r"rank.*inputs \[2, 5, 6, 4\], kernel \[3, 4, 1\]"),
    (lambda: O.conv(X, np.ones((3, 3, 4, 1)), padding="smae"), ValueError, "smae"),
    (lambda: O.conv(X, np.ones((3, 3, 4, 1)), data_format="NHWC"), ValueError, "conv: data_format .*'NHWC'"),
    (lambda: O.depthwise_conv(X, np.ones((3, 3, 3, 1))), nc.errors.ShapeError, "depthwise_conv2d: .*4.*3"),
    (lambda: O.depthwise_conv(X[0], np.ones((3, 4, 1)), (1, 2)), ValueError, r"depthwise_conv: strides .* one number .*\(1, 2\)"),
    (lambda: O.batch_normalization(X, [0.0], [1.0], -1), nc.errors.ShapeError, "batch_norm_inference: mean"),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_calls(number):
    call, error, pattern = BAD[number]
    with pytest.raises(error, match=pattern):
        call()
