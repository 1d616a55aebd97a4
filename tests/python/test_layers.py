"""Every layer through check_layer, and the values of each against NumPy or the definition."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from layer_check import check_layer, sample, signature_holds

import nacre as nc

L = nc.layers

# class, options, input and output shape without the batch, shapes of the weights, and for Embedding the number of indices.
LAYERS = [
    ("InputLayer", {"shape": (4, None)}, (4, 3), (4, 3), [], None),
    ("Dense", {"units": 3}, (4,), (3,), [(4, 3), (3,)], None),
    ("Dense", {"units": 3, "use_bias": False, "activation": "tanh"}, (2, 4), (2, 3), [(4, 3)], None),
    ("Dense", {"units": 3, "activation": "relu", "kernel_initializer": {"class_name": "HeNormal", "config": {"seed": 1}}}, (4,), (3,),
     [(4, 3), (3,)], None),
    ("Conv1D", {"filters": 4, "kernel_size": 3}, (7, 2), (5, 4), [(3, 2, 4), (4,)], None),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "padding": "causal", "dilation_rate": 2, "groups": 2}, (7, 2), (7, 4), [(3, 1, 4), (4,)], None),
    ("Conv1D", {"filters": 4, "kernel_size": [2], "data_format": "channels_first", "strides": 2}, (3, 7), (4, 3), [(2, 3, 4), (4,)], None),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "activation": "relu"}, (6, 5, 3), (4, 3, 4), [(3, 3, 3, 4), (4,)], None),
    ("Conv2D", {"filters": 4, "kernel_size": [3, 2], "strides": 2, "padding": "same", "groups": 2, "use_bias": False}, (7, 6, 4), (4, 3, 4),
     [(3, 2, 2, 4)], None),
    ("Conv2D", {"filters": 2, "kernel_size": 3, "padding": [1, 2], "dilation_rate": 2}, (6, 5, 3), (4, 5, 2), [(3, 3, 3, 2), (2,)], None),
    ("Conv2D", {"filters": 2, "kernel_size": 3, "padding": [1, 0, 2, 1], "data_format": "channels_first"}, (3, 6, 5), (2, 5, 6),
     [(3, 3, 3, 2), (2,)], None),
    ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2}, (6, 5, 3), (4, 3, 6), [(3, 3, 3, 2), (6,)], None),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 3, "strides": 2}, (3, 4, 2), (7, 9, 4), [(3, 3, 4, 2), (4,)], None),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}, (3, 4, 2), (6, 8, 4), [(3, 3, 4, 2), (4,)], None),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1}, (3, 4, 2), (6, 8, 4),
     [(3, 3, 4, 2), (4,)], None),
    ("MaxPooling1D", {}, (7, 3), (3, 3), [], None),
    ("MaxPooling2D", {"pool_size": [3, 2], "strides": 1, "padding": "same"}, (5, 6, 3), (5, 6, 3), [], None),
    ("MaxPooling2D", {"data_format": "channels_first"}, (3, 5, 6), (3, 2, 3), [], None),
    ("AveragePooling1D", {"pool_size": 3, "padding": "same"}, (7, 3), (3, 3), [], None),
    ("AveragePooling2D", {}, (5, 6, 3), (2, 3, 3), [], None),
    ("GlobalMaxPooling1D", {}, (7, 3), (3,), [], None),
    ("GlobalMaxPooling2D", {"keepdims": True}, (5, 6, 3), (1, 1, 3), [], None),
    ("GlobalAveragePooling1D", {"data_format": "channels_first"}, (3, 7), (3,), [], None),
    ("GlobalAveragePooling2D", {}, (5, 6, 3), (3,), [], None),
    ("Flatten", {}, (2, 3, 4), (24,), [], None),
    ("Flatten", {"data_format": "channels_first"}, (2, 3, 4), (24,), [], None),
    ("Reshape", {"target_shape": (3, -1)}, (6, 2), (3, 4), [], None),
    ("Permute", {"dims": (3, 1, 2)}, (2, 3, 4), (4, 2, 3), [], None),
    ("ZeroPadding2D", {"padding": ((1, 2), (0, 3))}, (3, 4, 2), (6, 7, 2), [], None),
    ("ZeroPadding2D", {"padding": (1, 2), "data_format": "channels_first"}, (2, 3, 4), (2, 5, 8), [], None),
    ("UpSampling2D", {}, (2, 3, 4), (4, 6, 4), [], None),
    ("UpSampling2D", {"size": (2, 3), "interpolation": "bilinear", "data_format": "channels_first"}, (4, 2, 3), (4, 4, 9), [], None),
    ("Rescaling", {"scale": 0.5, "offset": -1.0}, (3,), (3,), [], None),
    ("Dropout", {"rate": 0.4}, (3, 4), (3, 4), [], None),
    ("Activation", {"activation": "silu"}, (3,), (3,), [], None),
    ("ReLU", {}, (3,), (3,), [], None),
    ("ReLU", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.25}, (3,), (3,), [], None),
    ("LeakyReLU", {}, (3,), (3,), [], None),
    ("PReLU", {}, (3, 4), (3, 4), [(3, 4)], None),
    ("PReLU", {"shared_axes": [1], "alpha_initializer": "ones"}, (3, 4), (3, 4), [(1, 4)], None),
    ("ELU", {"alpha": 2.0}, (3,), (3,), [], None),
    ("Softmax", {"axis": 1}, (3, 4), (3, 4), [], None),
    ("BatchNormalization", {}, (3, 4), (3, 4), [(4,)] * 4, None),
    ("BatchNormalization", {"axis": 1, "scale": False, "momentum": 0.5}, (3, 4), (3, 4), [(3,)] * 3, None),
    ("LayerNormalization", {}, (3, 4), (3, 4), [(4,)] * 2, None),
    ("LayerNormalization", {"axis": 1, "center": False}, (3, 4), (3, 4), [(3,)], None),
    ("LayerNormalization", {"axis": [1, 2], "epsilon": 1e-6}, (3, 4), (3, 4), [(3, 4)] * 2, None),
    ("Embedding", {"input_dim": 10, "output_dim": 4}, (3,), (3, 4), [(10, 4)], 10),
    ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3}, (5, 6), (5, 6), [(6, 2, 3), (2, 3)] * 3 + [(2, 3, 6), (6,)], None),
    ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "value_dim": 4, "output_shape": 5, "use_bias": False, "dropout": 0.1}, (5, 6), (5, 5),
     [(6, 2, 3), (6, 2, 3), (6, 2, 4), (2, 4, 5)], None),
    ("SimpleRNN", {"units": 4}, (5, 3), (4,), [(3, 4), (4, 4), (4,)], None),
    ("SimpleRNN", {"units": 4, "activation": "gelu", "use_bias": False, "return_sequences": True, "seed": 1}, (5, 3), (5, 4), [(3, 4), (4, 4)], None),
    ("GRU", {"units": 4}, (5, 3), (4,), [(3, 12), (4, 12), (2, 12)], None),
    ("GRU", {"units": 4, "reset_after": False, "go_backwards": True, "dropout": 0.1, "recurrent_dropout": 0.1}, (5, 3), (4,),
     [(3, 12), (4, 12), (12,)], None),
    ("LSTM", {"units": 4, "return_sequences": True}, (5, 3), (5, 4), [(3, 16), (4, 16), (16,)], None),
    ("LSTM", {"units": 4, "unit_forget_bias": False, "recurrent_activation": "hard_sigmoid", "activation": None}, (5, 3), (4,),
     [(3, 16), (4, 16), (16,)], None),
]  # fmt: skip


@pytest.mark.parametrize("case", LAYERS, ids=lambda c: f"{c[0]}-{'-'.join(map(str, c[1].values()))}"[:60])
def test_layer(case):
    name, options, input_shape, output_shape, weights, integers = case
    check_layer(getattr(L, name), options, input_shape, output_shape, weights, integers)


MERGING = [
    ("Add", {}, [(4,), (4,), (1,)], lambda a, b, c: a + b + c),
    ("Subtract", {}, [(3, 4), (1, 4)], lambda a, b: a - b),
    ("Multiply", {}, [(4,), (4,)], lambda a, b: a * b),
    ("Average", {}, [(4,), (4,), (4,)], lambda a, b, c: (a + b + c) / 3),
    ("Maximum", {}, [(4,), (4,)], np.maximum),
    ("Minimum", {}, [(4,), (4,)], np.minimum),
    ("Concatenate", {}, [(3, 4), (3, 2)], lambda a, b: np.concatenate([a, b], -1)),
    ("Concatenate", {"axis": 1}, [(3, 4), (2, 4)], lambda a, b: np.concatenate([a, b], 1)),
]


@pytest.mark.parametrize(("name", "options", "shapes", "expected"), MERGING)
def test_merging_layer(name, options, shapes, expected):
    cls = getattr(L, name)
    signature_holds(cls, options)
    layer = cls(**options)
    assert eval(repr(layer), vars(L)).get_config() == layer.get_config() == cls.from_config(layer.get_config()).get_config()
    rng = np.random.default_rng(0)
    x = [rng.standard_normal((5, *s)).astype("float32") for s in shapes]
    wanted = expected(*x)
    # At most three roundings of float32.
    np.testing.assert_allclose(layer(x), wanted, rtol=3e-7, atol=3e-7)
    assert layer(tuple(x)).dtype == "float32"
    assert layer([v[:0] for v in x]).shape == (0, *wanted.shape[1:])
    assert layer.compute_output_shape([(None, *s) for s in shapes]) == (None, *wanted.shape[1:])
    assert layer.built
    assert layer.weights == []
    assert layer([v.astype("float64") for v in map(nc.asarray, x)]).dtype == "float64"
    for clone in (pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer)):
        np.testing.assert_array_equal(clone(x), layer(x))
    t = [nc.Tensor(v, requires_grad=True) for v in x]
    (layer(t) * nc.asarray(rng.standard_normal(wanted.shape).astype("float32"))).sum().backward()
    assert all(v.grad is not None and v.grad.shape == v.shape for v in t)


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda x: L.Add()([x]), ValueError, ["Add 'add'", "at least 2", "got 1"]),
        (lambda x: L.Add()(x), TypeError, ["Add 'add'", "takes a list", "ndarray"]),
        (lambda x: L.Add()([x, x[:, :3]]), nc.errors.ShapeError, ["[2, 4], [2, 3]"]),
        (lambda x: L.Add()([x, x[None]]), nc.errors.ShapeError, ["one rank", "[2, 4], [1, 2, 4]"]),
        (lambda x: L.Subtract()([x, x, x]), ValueError, ["Subtract", "takes 2 inputs, got 3"]),
        (lambda x: L.Concatenate()([x, x[:1]]), nc.errors.ShapeError, ["but 1", "[2, 4], [1, 4]"]),
        (lambda x: L.Concatenate(axis=0), ValueError, ["axis", "got 0"]),
        (lambda x: L.Concatenate(axis=2)([x, x]), nc.errors.ShapeError, ["axis 2", "rank 2"]),
        (lambda x: L.Dense(2)([nc.Input((4,)), nc.Input((4,))]), ValueError, ["Dense 'dense'", "one input, got 2"]),
    ],
)
def test_merging_messages(call, error, parts):
    with pytest.raises(error) as caught:
        call(np.ones((2, 4), "float32"))
    for part in parts:
        assert part in str(caught.value)


def test_every_class_is_checked():
    assert {case[0] for case in [*LAYERS, *MERGING]} == set(nc._core.layer_classes())
    assert set(nc._core.layer_classes()) < set(L.__all__)


def weighted(layer, *weights):
    layer.set_weights([np.asarray(w, "float32") for w in weights])
    return layer


def test_positional_arguments_of_keras():
    assert L.Dense(64, "relu").get_config()["units"] == 64
    assert L.Dense(64, "relu").activation == "relu"
    assert L.Conv2D(32, 3, activation="relu").kernel_size == 3
    assert L.Conv2D(32, (3, 5), 2).strides == 2
    assert L.Conv2D(32, (3, 5), (1, 2), "same").get_config()["padding"] == "same"
    assert L.Dropout(0.5).rate == 0.5
    assert L.Embedding(1000, 64).output_dim == 64
    assert L.MaxPooling2D((2, 3)).pool_size == [2, 3]
    assert L.MultiHeadAttention(4, 16).key_dim == 16
    assert L.BatchNormalization(momentum=0.9).momentum == 0.9


def test_objects_and_functions_as_options():
    dense = L.Dense(
        np.int64(3), activation=nc.activations.gelu, kernel_initializer=nc.initializers.HeNormal(seed=2), dtype=np.float64
    )
    assert dense.get_config()["units"] == 3
    assert dense.activation == "gelu"
    assert dense.kernel_initializer == {"class_name": "HeNormal", "config": {"seed": 2}}
    assert dense.dtype == "float64"
    assert L.Dense(3, activation=nc.ops.tanh).activation == "tanh"
    with pytest.raises(TypeError, match=r"Dense: activation must be a name or a function of nacre\.activations, got <function"):
        L.Dense(3, activation=lambda x: x)

    def relu(x):
        return x + 1

    with pytest.raises(TypeError, match="activation must be a name or a function of nacre"):
        L.Dense(3, activation=relu)


def test_dense_values():
    x, w, b = sample((3, 4)), sample((4, 2), 1), sample(2, 2)
    layer = L.Dense(2, activation="relu")
    layer.build((None, 4))
    weighted(layer, w, b)
    # Four products in float32.
    np.testing.assert_allclose(layer(x), np.maximum(x.astype("f8") @ w + b, 0), rtol=1e-5, atol=1e-6)
    assert np.array_equal(np.asarray(layer.kernel.detach()), w)
    x8 = np.arange(8, dtype="uint8").reshape(2, 4)  # integers become the layer's dtype
    np.testing.assert_allclose(layer(x8), np.maximum(x8 @ w.astype("f8") + b, 0), rtol=1e-5, atol=1e-5)


def test_flatten_and_permute_values():
    x = np.arange(24.0, dtype="f4").reshape(1, 2, 3, 4)
    assert np.array_equal(L.Flatten()(x), x.reshape(1, 24))
    assert np.array_equal(L.Flatten(data_format="channels_first")(x), np.moveaxis(x, 1, -1).reshape(1, 24))
    assert np.array_equal(L.Permute((3, 1, 2))(x), np.transpose(x, (0, 3, 1, 2)))
    assert np.array_equal(L.Reshape((-1, 2))(x), x.reshape(1, 12, 2))
    assert L.Flatten()(np.ones(3, "f4")).shape == (3, 1)
    assert L.Flatten()(np.ones((2, 3), "int32")).dtype == "int32"
    padded = np.zeros((1, 4, 6, 4), "f4")
    padded[:, 1:3, 2:5] = x
    assert np.array_equal(L.ZeroPadding2D((1, (2, 1)))(x), padded)


def test_upsampling_values():
    x = np.arange(6.0, dtype="f4").reshape(1, 2, 3, 1)
    assert np.array_equal(L.UpSampling2D((2, 3))(x), x.repeat(2, 1).repeat(3, 2))
    line = np.array([0.0, 4.0], "f4").reshape(1, 1, 2, 1)
    # Centres of the four outputs lie at -0.25, 0.25, 0.75, 1.25 of the input's; the ends are held.
    assert np.asarray(L.UpSampling2D((1, 2), interpolation="bilinear")(line)).ravel().tolist() == [0.0, 1.0, 3.0, 4.0]


def test_activation_layers_values():
    x = np.array([[-2.0, -0.5, 0.0, 0.5, 3.0]], "f4")
    assert np.asarray(L.ReLU(max_value=1.0, negative_slope=0.5, threshold=0.25)(x)).tolist() == [[-1.125, -0.375, -0.125, 0.5, 1.0]]
    assert np.array_equal(L.ReLU(max_value=6)(4 * x), np.clip(4 * x, 0, 6))
    np.testing.assert_allclose(
        L.LeakyReLU()(x), np.where(x > 0, x, np.float32(0.01) * x), rtol=1e-7
    )  # the lectures' slope, not Keras's 0.3
    np.testing.assert_allclose(L.LeakyReLU(3.0)(x), np.where(x > 0, x, 3 * x))  # not max(ax, x)
    np.testing.assert_allclose(L.ELU()(x), np.where(x > 0, x, np.expm1(x)), rtol=1e-6)
    prelu = L.PReLU(alpha_initializer="ones")
    assert np.array_equal(prelu(x), x)
    np.testing.assert_allclose(np.asarray(L.Softmax()(x)).sum(), 1, rtol=1e-6)
    assert np.array_equal(L.Rescaling(0.5, 1)(x), x * np.float32(0.5) + 1)


def test_relu_gradient_at_zero_is_zero():
    x = nc.convert_to_tensor([[0.0, 1.0]])
    x.requires_grad = True
    L.ReLU()(x).sum().backward()
    assert x.grad.tolist() == [[0.0, 1.0]]


def test_batch_normalization_running_statistics():
    x = np.array([[1.0], [2.0], [3.0], [4.0]], "f4")
    layer = L.BatchNormalization(epsilon=0.0)
    y = np.asarray(layer(x, training=True))
    np.testing.assert_allclose(y, (x - 2.5) / np.sqrt(1.25), rtol=1e-6)
    # momentum 0.99 is the share that stays; the biased variance is stored.
    np.testing.assert_allclose(layer.get_weights()[2:], [[0.025], [1.0025]], rtol=1e-6)
    layer.trainable = False
    frozen = [w.copy() for w in layer.get_weights()]
    np.testing.assert_allclose(layer(x, training=True), (x - 0.025) / np.sqrt(1.0025), rtol=1e-5)
    assert all(np.array_equal(a, b) for a, b in zip(frozen, layer.get_weights(), strict=True))
    assert layer.moving_mean.tolist() == [pytest.approx(0.025)]


def test_batch_of_one_position_warns_and_gives_beta():
    layer = L.BatchNormalization(beta_initializer=nc.initializers.Constant(2.0), name="bn")
    with pytest.warns(UserWarning, match="BatchNormalization 'bn': one position per channel"):
        y = layer(np.array([[3.0, np.float32(-1e6)]], "f4"), training=True)
    assert y.tolist() == [[2.0, 2.0]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="one position"):
            layer(np.ones((1, 2), "f4"), training=True)


def test_layer_normalization_values():
    x = sample((3, 4, 5), dtype="float64")
    layer = L.LayerNormalization(axis=1, epsilon=1e-3, dtype="float64", center=False, scale=False)
    expected = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-12, atol=1e-14)
    assert layer.weights == []


def test_dropout_modes():
    x = np.ones((100, 100), "f4")
    layer = L.Dropout(0.25)
    assert np.array_equal(layer(x), x)
    y = np.asarray(layer(x, training=True))
    assert set(np.unique(y)) == {0.0, np.float32(1) / np.float32(0.75)}
    # 10,000 draws: the mean has a standard deviation of 0.006.
    assert abs(y.mean() - 1) < 0.03
    late = L.Dropout(0.25, scale_at="inference")
    assert set(np.unique(late(x, training=True))) == {0.0, 1.0}
    assert np.array_equal(late(x), x * np.float32(0.75))
    assert not np.array_equal(layer(x, training=True), layer(x, training=True))
    nc.utils.set_random_seed(4)
    first = [np.asarray(L.Dropout(0.5)(x, training=True)) for _ in range(2)]
    nc.utils.set_random_seed(4)
    second = [np.asarray(L.Dropout(0.5)(x, training=True)) for _ in range(2)]
    assert np.array_equal(first, second)
    assert not np.array_equal(first[0], first[1])
    assert np.array_equal(L.Dropout(0.5, seed=3)(x, training=True), L.Dropout(0.5, seed=3)(x, training=True))
    assert np.asarray(L.Dropout(1.0)(x, training=True)).max() == 0


def attention_reference(layer, query, value, key, mask):
    """The definition, head by head, in float64."""
    wq, bq, wk, bk, wv, bv, wo, bo = (w.astype("f8") for w in layer.get_weights())
    out = np.zeros((*query.shape[:2], wo.shape[2])) + bo
    for h in range(wq.shape[1]):
        q, k, v = query @ wq[:, h] + bq[h], key @ wk[:, h] + bk[h], value @ wv[:, h] + bv[h]
        scores = np.einsum("ntd,nsd->nts", q, k) / np.sqrt(q.shape[-1])
        scores = np.where(mask, scores, -np.inf)
        with np.errstate(invalid="ignore"):
            e = np.exp(scores - scores.max(-1, keepdims=True))
            p = np.nan_to_num(e / e.sum(-1, keepdims=True))
        out += p @ v @ wo[h]
    return out


@pytest.mark.parametrize("causal", [False, True])
def test_attention_values(causal):
    query, value, key = sample((2, 4, 6), 1, dtype="f8"), sample((2, 5, 3), 2, dtype="f8"), sample((2, 5, 7), 3, dtype="f8")
    mask = np.random.default_rng(4).random((2, 4, 5)) < 0.6
    mask[0, 1] = False
    layer = L.MultiHeadAttention(3, 4, value_dim=2, output_shape=5, dtype="float64", bias_initializer="normal")
    y = layer(query, value, key, attention_mask=mask, use_causal_mask=causal)
    allowed = mask & np.tri(4, 5, dtype=bool) if causal else mask
    np.testing.assert_allclose(y, attention_reference(layer, query, value, key, allowed), rtol=1e-11, atol=1e-12)
    # The path with dropout forms the weights; dropping nearly nothing leaves the values.
    dropping = L.MultiHeadAttention(3, 4, value_dim=2, output_shape=5, dtype="float64", dropout=1e-12)
    dropping.build((None, 4, 6), (None, 5, 3), (None, 5, 7))
    dropping.set_weights(layer.get_weights())
    z = dropping(query, value, key, attention_mask=mask, use_causal_mask=causal, training=True)
    np.testing.assert_allclose(z, y.detach(), rtol=1e-10, atol=1e-12)


def test_attention_dropout_and_pickle():
    import pickle

    layer = L.MultiHeadAttention(2, 3, dropout=0.5, seed=1)
    x, v = sample((2, 4, 6)), sample((2, 5, 3), 1)
    plain = np.asarray(layer(x, v))
    assert not np.array_equal(layer(x, v, training=True), plain)
    clone = pickle.loads(pickle.dumps(layer))
    assert np.array_equal(clone(x, v), plain)


def test_embedding():
    layer = L.Embedding(5, 2)
    y = layer(np.array([[1, 4]], "uint8"))
    assert np.array_equal(np.asarray(y.detach())[0], layer.get_weights()[0][[1, 4]])
    with pytest.raises(IndexError, match="5"):
        layer(np.array([5]))
    with pytest.raises(IndexError):
        layer(np.array([-1]))
    with pytest.raises(TypeError, match="Embedding 'embedding': x must hold integers, got float32"):
        layer(np.array([1.0]))


def test_convolutions_share_weights_between_sizes():
    layer = L.Conv2D(2, 3)
    assert layer(sample((1, 5, 5, 3))).shape == (1, 3, 3, 2)
    assert layer(sample((2, 8, 6, 3))).shape == (2, 6, 4, 2)
    with pytest.raises(
        ValueError, match=r"Conv2D 'conv2d': was built for inputs of shape \[-1, 5, 5, 3\] and cannot take \[1, 5, 5, 4\]"
    ):
        layer(sample((1, 5, 5, 4)))


def test_causal_convolution_sees_no_future():
    layer = L.Conv1D(3, 2, padding="causal", dilation_rate=2)
    x = sample((1, 8, 2))
    y = np.asarray(layer(x))
    x[:, 5:] += 1
    assert np.array_equal(np.asarray(layer(x))[:, :5], y[:, :5])
    assert not np.array_equal(np.asarray(layer(x))[:, 5:], y[:, 5:])


def test_same_padding_with_stride_pads_more_at_the_end():
    layer = L.Conv1D(1, 3, strides=2, padding="same", use_bias=False, kernel_initializer="ones")
    x = np.arange(1.0, 5.0, dtype="f4").reshape(1, 4, 1)
    # ceil(4 / 2) = 2 windows, 1 zero at the end and none in front (TensorFlow's rule): 1+2+3, 3+4+0.
    assert np.asarray(layer(x)).ravel().tolist() == [6.0, 7.0]


def test_names_and_attributes():
    layer = L.Dense(3, name="hidden")
    assert layer.name == "hidden"
    assert repr(layer) == "Dense(units=3, name='hidden')"
    with pytest.raises(RuntimeError, match="Dense 'hidden': is not built yet"):
        _ = layer.input_shape
    layer.build((None, 4))
    assert layer.input_shape == (None, 4)
    assert [v.name for v in layer.variables] == ["hidden/kernel", "hidden/bias"]
    assert layer.use_bias is True
    with pytest.raises(AttributeError, match="'Dense' has no attribute 'weight'"):
        _ = layer.weight
    assert L.Dense.__module__ == "nacre.layers"


BAD = [
    (lambda: L.Dense(), TypeError, "Dense: units is missing"),
    (lambda: L.Dense("a"), TypeError, "Dense: units must be an integer, got 'a'"),
    (lambda: L.Dense(2.5), TypeError, r"Dense: units must be an integer, got 2\.5"),
    (lambda: L.Dense(0), ValueError, "Dense: units must be from 1 to 2147483647, got 0"),
    (lambda: L.Dense(-(2**62)), ValueError, "Dense: units .*got -4611686018427387904"),
    (lambda: L.Dense(2**70), ValueError, "Dense: units"),
    (lambda: L.Dense(3, activation="reul"), ValueError, "Dense: activation 'reul' is unknown. Known: linear, relu"),
    (lambda: L.Dense(3, activation=3), TypeError, "Dense: activation must be a string or None, got 3"),
    (lambda: L.Dense(3, use_bias=1), TypeError, "Dense: use_bias must be True or False, got 1"),
    (lambda: L.Dense(3, kernel_initializer="he"), ValueError, "Dense: kernel_initializer 'he' is unknown. Known: Zeros"),
    (lambda: L.Dense(3, kernel_initializer=None), TypeError, "Dense: kernel_initializer must be the name of an initializer"),
    (lambda: L.Dense(3, kernel_regularizer="l2"), TypeError, "Dense: unknown argument 'kernel_regularizer'. Known: units"),
    (lambda: L.Dense(3, units=4), TypeError, "Dense: argument 'units' was given twice"),
    (lambda: L.Dense(3, dtype="float16"), ValueError, "Dense: dtype must be float32 or float64, got float16"),
    (lambda: L.Dense(3, dtype="x"), ValueError, "Dense: dtype: unknown dtype 'x'"),
    (lambda: L.Dense(3, kernel_initializer={"class_name": "Constant", "config": {"value": "a"}}), TypeError,
     "Dense: kernel_initializer: Constant: value must be a number, got 'a'"),
    (lambda: L.MaxPooling2D((3, 2), padding=2), ValueError, r"MaxPooling2D: padding \[2\] must be smaller than pool_size \[3, 2\]"),
    (lambda: L.AveragePooling2D((3, 2), padding=[1, 2, 0, 2]), ValueError, r"AveragePooling2D: padding \[1, 2, 0, 2\] must be smaller"),
    (lambda: L.Dense(3, name=""), ValueError, "Dense: name '' must be non-empty"),
    (lambda: L.Conv2D(3, 0), ValueError, "Conv2D: kernel_size must be from 1 to 2147483647, got 0"),
    (lambda: L.Conv2D(3, (1, 2, 3)), ValueError, r"Conv2D: kernel_size must be an integer or 2 integers, got \(1, 2, 3\)"),
    (lambda: L.Conv2D(3, 3, padding="full"), ValueError, "Conv2D: padding must be 'valid', 'same', .*got 'full'"),
    (lambda: L.Conv2D(3, 3, padding=-1), ValueError, "Conv2D: padding .*got -1"),
    (lambda: L.Conv2D(3, 3, data_format="nhwc"), ValueError, "Conv2D: data_format must be .*got 'nhwc'"),
    (lambda: L.Conv2D(4, 3, groups=3), ValueError, "Conv2D: filters 4 must be a multiple of groups 3"),
    (lambda: L.Conv2DTranspose(4, 3, strides=2, output_padding=2), ValueError, "Conv2DTranspose: output_padding 2 .*stride 2"),
    (lambda: L.MaxPooling2D(0), ValueError, "MaxPooling2D: pool_size .*got 0"),
    (lambda: L.Dropout(1.5), ValueError, r"Dropout: rate must be from 0 to 1, got 1\.5"),
    (lambda: L.Dropout(float("nan")), ValueError, "Dropout: rate"),
    (lambda: L.Dropout(0.5, scale_at="test"), ValueError, "Dropout: scale_at must be 'training' or 'inference', got 'test'"),
    (lambda: L.Embedding(0, 3), ValueError, "Embedding: input_dim .*got 0"),
    (lambda: L.BatchNormalization(momentum=2.0), ValueError, "BatchNormalization: momentum must be from 0 to 1, got 2"),
    (lambda: L.BatchNormalization(epsilon=-1.0), ValueError, "BatchNormalization: epsilon must be >= 0 and finite, got -1"),
    (lambda: L.LayerNormalization(axis=[]), ValueError, "LayerNormalization: axis must name at least one axis"),
    (lambda: L.Permute((1, 3)), ValueError, r"Permute: dims must be the axes 1, 2, ... in some order, got \[1, 3\]"),
    (lambda: L.Reshape((-1, -1)), ValueError, r"Reshape: target_shape .*got \[-1, -1\]"),
    (lambda: L.ZeroPadding2D((1, 2, 3)), ValueError, "ZeroPadding2D: padding .*got"),
    (lambda: L.UpSampling2D(interpolation="cubic"), ValueError, "UpSampling2D: interpolation must be 'nearest' or 'bilinear', got 'cubic'"),
    (lambda: L.Rescaling(float("inf")), ValueError, "Rescaling: scale must be finite, got inf"),
    (lambda: L.ReLU(max_value=-1.0), ValueError, "ReLU: max_value must be >= 0 and finite, got -1"),
    (lambda: L.PReLU(shared_axes=[0]), ValueError, r"PReLU: shared_axes must be from 1 to 7, got \[0\]"),
    (lambda: L.MultiHeadAttention(0, 4), ValueError, "MultiHeadAttention: num_heads .*got 0"),
    (lambda: L.InputLayer(shape=4), ValueError, "InputLayer: shape must be a list .*got 4"),
    (lambda: nc.Input(), TypeError, "Input: shape is missing"),
    (lambda: nc.Input((-2,)), ValueError, r"InputLayer: shape must be a list .*got \[-2\]"),
    (lambda: L.Dense(3)(None), TypeError, "Dense 'dense': the input is missing"),
    (lambda: L.Dense(3)("abc"), TypeError, "Dense 'dense': x: cannot make a tensor from str"),
    (lambda: L.Dense(3)(np.ones(4)), ValueError, r"Dense 'dense': the input must have rank 2 or more .*got \[4\]"),
    (lambda: L.Dense(3)(np.ones((2, 0))), ValueError, r"Dense 'dense': axis 1 of the input \[2, 0\] must be at least 1"),
    (lambda: L.Dense(3)(np.ones((2, 4)), training=2), TypeError, "Dense 'dense': training must be True or False, got int"),
    (lambda: L.Dense(3).build((None, None)), ValueError, r"Dense 'dense': axis 1 of the input \[-1, -1\] must be known"),
    (lambda: L.Dense(3).build(4), TypeError, "Dense 'dense': input_shape must be a list of integers and None, got int"),
    (lambda: L.Dense(3).build((None, "a")), ValueError, r"Dense 'dense': input_shape must be a list of integers >= 0 and None, got \(None, 'a'\)"),
    (lambda: L.Conv2D(3, 3)(np.ones((2, 5, 5))), ValueError, r"Conv2D 'conv2d': the input must have rank 4 \[N, H, W, C\], got \[2, 5, 5\] of rank 3"),
    (lambda: L.Conv2D(3, 3)(np.ones((2, 2, 5, 1))), ValueError, "Conv2D 'conv2d': the window does not fit"),
    (lambda: L.Conv2D(4, 3, groups=2)(np.ones((2, 5, 5, 3))), ValueError, "has 3 channels, which groups 2 does not divide"),
    (lambda: L.Reshape((5,))(np.ones((2, 4))), ValueError, r"Reshape 'reshape': the input .* has 4 values each, which do not fill target_shape \[5\]"),
    (lambda: L.Permute((2, 1))(np.ones((2, 4))), ValueError, "Permute 'permute': the input must have rank 3"),
    (lambda: L.Softmax(axis=3)(np.ones((2, 4))), ValueError, "Softmax 'softmax': .*3"),
    (lambda: L.BatchNormalization(axis=0)(np.ones((2, 4))), ValueError, "axis 0 is the batch axis"),
    (lambda: L.MultiHeadAttention(2, 3)(np.ones((2, 4))), ValueError, "MultiHeadAttention 'multi_head_attention': .* must have rank 3"),
    (lambda: L.MultiHeadAttention(2, 3)(np.ones((2, 4, 3)), np.ones((3, 4, 3))), ValueError, "have different batch sizes"),
    (lambda: L.MultiHeadAttention(2, 3)(np.ones((2, 4, 3)), np.ones((2, 4, 3)), np.ones((2, 5, 3))), ValueError, "have different lengths"),
    (lambda: L.get({"class_name": "os.system", "config": {}}), ValueError, "layers: class 'os.system' is unknown. Known: InputLayer"),
    (lambda: L.Dense.from_config({"units": 3, "x": 1}), TypeError, "Dense: unknown argument 'x'"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_arguments(number):
    call, error, pattern = BAD[number]
    with pytest.raises(error, match=pattern):
        call()


def test_set_weights_is_all_or_nothing():
    layer = L.Dense(3)
    layer.build((None, 2))
    before = layer.get_weights()
    with pytest.raises(ValueError, match=r"set_weights: dense/bias has shape \[3\], got \[4\]"):
        layer.set_weights([np.ones((2, 3)), np.ones(4)])
    with pytest.raises(ValueError, match="set_weights: Dense 'dense' has 2 weights, got 1"):
        layer.set_weights([np.ones((2, 3))])
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True))


def test_threads_call_one_layer():
    from concurrent.futures import ThreadPoolExecutor

    layer = L.Conv2D(8, 3, activation="relu")
    x = sample((4, 16, 16, 3))
    y = np.asarray(layer(x))
    with ThreadPoolExecutor(4) as pool:
        assert all(np.array_equal(np.asarray(r), y) for r in pool.map(layer, [x] * 32))


@pytest.mark.parametrize("name", nc._core.activation_names())
def test_activations_by_name_and_function(name):
    x = sample((3, 5))
    function = nc.activations.get(name)
    assert getattr(nc.activations, name) is function
    by_name = np.asarray(L.Activation(name)(x))
    np.testing.assert_array_equal(by_name, np.asarray(function(x)))
    np.testing.assert_array_equal(np.asarray(L.Activation(function)(x)), by_name)
    dense = L.Dense(5, activation=name, kernel_initializer="identity", use_bias=False)
    np.testing.assert_array_equal(np.asarray(dense(x)), by_name)


def test_activation_variants_are_not_swapped():
    x = np.array([-1.5, -0.3, 0.7], "f4")
    exact, tanh = np.asarray(nc.activations.gelu(x)), np.asarray(nc.activations.gelu_tanh(x))
    assert 1e-5 < np.abs(exact - tanh).max() < 5e-4
    assert np.array_equal(np.asarray(L.Activation("gelu")(x.reshape(1, 3)))[0], exact)
    np.testing.assert_allclose(nc.activations.swish(x, beta=2.0), x / (1 + np.exp(-2 * x)), rtol=1e-6)
    with pytest.raises(ValueError, match="activations: 'reul' is unknown"):
        nc.activations.get("reul")


# ---- PyTorch as the reference ----


def torch_layers():
    torch = pytest.importorskip("torch")
    return torch, torch.nn.functional


@pytest.mark.parity
@pytest.mark.parametrize(("strides", "dilation", "groups"), [(1, 1, 1), (2, 1, 2), (1, 2, 4)])
def test_conv2d_as_torch(strides, dilation, groups):
    torch, f = torch_layers()
    x = sample((2, 9, 8, 4), dtype="f8")
    layer = L.Conv2D(
        8, (3, 2), strides=strides, dilation_rate=dilation, groups=groups, padding=1, bias_initializer="normal", dtype="float64"
    )
    y = layer(x)
    w, b = (torch.tensor(v) for v in layer.get_weights())
    z = f.conv2d(torch.tensor(x).permute(0, 3, 1, 2), w.permute(3, 2, 0, 1), b, strides, 1, dilation, groups).permute(0, 2, 3, 1)
    np.testing.assert_allclose(y.detach(), z, rtol=1e-11, atol=1e-12)


@pytest.mark.parity
def test_conv2d_transpose_as_torch():
    torch, f = torch_layers()
    x = sample((2, 4, 5, 3), dtype="f8")
    layer = L.Conv2DTranspose(6, 3, strides=2, bias_initializer="normal", dtype="float64")
    y = layer(x)
    w, b = (torch.tensor(v) for v in layer.get_weights())
    z = f.conv_transpose2d(torch.tensor(x).permute(0, 3, 1, 2), w.permute(3, 2, 0, 1), b, 2).permute(0, 2, 3, 1)
    np.testing.assert_allclose(y.detach(), z, rtol=1e-11, atol=1e-12)


@pytest.mark.parity
def test_depthwise_and_pooling_as_torch():
    torch, f = torch_layers()
    x = sample((2, 8, 8, 3), dtype="f8")
    layer = L.DepthwiseConv2D(3, depth_multiplier=2, dtype="float64")
    y = layer(x)
    w, b = (torch.tensor(v) for v in layer.get_weights())
    channels_first = torch.tensor(x).permute(0, 3, 1, 2)
    z = f.conv2d(channels_first, w.permute(2, 3, 0, 1).reshape(6, 1, 3, 3), b, groups=3).permute(0, 2, 3, 1)
    np.testing.assert_allclose(y.detach(), z, rtol=1e-11, atol=1e-12)
    pooled = L.AveragePooling2D(3, strides=2, padding=1, dtype="float64")(x)
    expected = f.avg_pool2d(channels_first, 3, 2, 1, count_include_pad=False).permute(0, 2, 3, 1)
    np.testing.assert_allclose(pooled, expected, rtol=1e-12, atol=1e-14)
    largest = L.MaxPooling2D(3, strides=2, padding=1, dtype="float64")(x)
    np.testing.assert_array_equal(largest, f.max_pool2d(channels_first, 3, 2, 1).permute(0, 2, 3, 1))


@pytest.mark.parity
def test_bilinear_upsampling_as_torch():
    torch, f = torch_layers()
    x = sample((2, 3, 4, 5), dtype="f8")
    y = L.UpSampling2D((2, 3), interpolation="bilinear", dtype="float64")(x)
    z = f.interpolate(torch.tensor(x).permute(0, 3, 1, 2), scale_factor=(2, 3), mode="bilinear", align_corners=False).permute(
        0, 2, 3, 1
    )
    np.testing.assert_allclose(y, z, rtol=1e-12, atol=1e-13)
