"""check_layer: what holds for every layer, given its options and one input."""

import copy
import inspect
import pickle

import numpy as np

import nacre as nc


def sample(shape, seed=0, integers=None, dtype="float32"):
    generator = np.random.default_rng(seed)
    if integers is not None:
        return generator.integers(0, integers, shape).astype("int32")
    return generator.standard_normal(shape).astype(dtype)


def signature_holds(cls, options):
    """The signature names the options in their order, and binds them."""
    parameters = list(inspect.signature(cls).parameters)
    assert parameters == [option["name"] for option in nc._core.layer_options(cls.__name__)]
    assert parameters[-3:] == ["name", "dtype", "trainable"]
    inspect.signature(cls).bind(**options)
    assert cls.__doc__.startswith(cls.__name__ + "(")
    assert f"Example:\n    >>> nc.layers.{cls.__name__}(" in cls.__doc__
    for name in parameters:
        assert f"    {name}: " in cls.__doc__


def check_layer(cls, options, input_shape, output_shape, weights=(), integers=None, trains=True, differentiable=True):
    """`weights`: shapes in Keras's order, trainable ones first. `output_shape` without the batch, as `input_shape`."""
    signature_holds(cls, options)
    layer = cls(**options)
    assert type(layer) is cls
    assert not layer.built

    # Configuration and repr rebuild it.
    config = layer.get_config()
    again = cls.from_config(config)
    assert again.get_config() == config
    assert eval(repr(layer), vars(nc.layers)).get_config() == config
    assert nc.layers.get({"class_name": cls.__name__, "config": config}).get_config() == config

    # Shapes said and given agree, for a known and an unknown batch, and for an empty one.
    x = sample((5, *input_shape), integers=integers)
    before = x.copy()
    assert layer.compute_output_shape((None, *input_shape)) == (None, *output_shape)
    y = layer(x)
    assert y.shape == (5, *output_shape)
    assert layer.compute_output_shape(x.shape) == y.shape
    assert layer(x[:0]).shape == (0, *output_shape)
    assert np.isfinite(np.asarray(y)).all()
    assert y.dtype == "float32" or integers is not None

    # Weights: count, order, copies.
    assert [tuple(w.shape) for w in layer.weights] == [tuple(s) for s in weights]
    assert layer.count_params() == sum(int(np.prod(s)) for s in weights)
    assert len(layer.trainable_weights) + len(layer.non_trainable_weights) == len(weights)
    assert [v.name.split("/")[0] for v in layer.variables] == [layer.name] * len(weights)
    values = layer.get_weights()
    again.build((None, *input_shape))
    again.set_weights(values)
    assert np.array_equal(np.asarray(again(x)), np.asarray(layer(x)))
    for clone in (pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer)):
        assert type(clone) is cls
        assert clone.get_config() == layer.get_config()
        assert np.array_equal(np.asarray(clone(x)), np.asarray(layer(x)))
    for value in values:  # copies, not views
        value += 1
    assert np.array_equal(np.asarray(again(x)), np.asarray(layer(x)))

    # The gradient reaches the input and every trainable weight, and a step of gradient descent changes these.
    if integers is None and differentiable:
        t = nc.convert_to_tensor(x)
        t.requires_grad = True
        (layer(t, training=True) * nc.convert_to_tensor(sample((5, *output_shape), seed=1))).sum().backward()
        assert t.grad.shape == t.shape
        assert np.abs(np.asarray(t.grad)).sum() > 0
    if weights and trains:
        for w in layer.trainable_weights:
            w.grad = None
        (layer(x, training=True) * nc.convert_to_tensor(sample((5, *output_shape), seed=1))).sum().backward()
        for w in layer.trainable_weights:
            assert w.grad is not None
            assert w.grad.shape == w.shape
            assert np.isfinite(np.asarray(w.grad)).all()
        optimizer = nc.optimizers.SGD(0.1)
        old = [np.array(w.detach()) for w in layer.trainable_weights]
        gradients = [np.array(w.grad) for w in layer.trainable_weights]
        optimizer.apply([w.grad for w in layer.trainable_weights], layer.trainable_weights)
        for o, g, w in zip(old, gradients, layer.trainable_weights, strict=True):
            # One subtraction and one product in float32.
            np.testing.assert_allclose(np.array(w.detach()), o - 0.1 * g, rtol=1e-6, atol=1e-6)
        layer.trainable = False
        assert layer.trainable_weights == []
        assert len(layer.non_trainable_weights) == len(weights)
        layer.trainable = True

    # float64 throughout.
    double = cls(**{**options, "dtype": "float64"})
    wide = sample((5, *input_shape), integers=integers, dtype="float64")
    if integers is None:
        assert double(wide).dtype == "float64"
    double(wide)
    assert all(w.dtype == "float64" for w in double.weights)

    assert np.array_equal(x, before)
    return layer
