"""The tape: accumulation, graphs used twice, saved values, higher derivatives, long chains."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import nacre as nc
from nacre import _core


def leaf(*values):
    return nc.Tensor(list(values), dtype="float64", requires_grad=True)


def test_accumulates_until_cleared():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    (x * x).sum().backward()
    assert x.grad.tolist() == [4.0, 8.0]
    x.grad = None
    (3 * x).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_gradient_argument_and_shape_errors():
    x = leaf(1.0, 2.0)
    y = x * x
    with pytest.raises(nc.errors.ShapeError, match=r"\[2\].*single number"):
        y.backward()
    y.backward(nc.Tensor([1.0, 10.0], dtype="float64"))
    assert x.grad.tolist() == [2.0, 40.0]
    with pytest.raises(nc.errors.StateError, match=r"no_grad|requires_grad"):
        nc.ones(()).backward()


def test_graph_is_freed_after_use_unless_retained():
    x = leaf(3.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [12.0]
    with pytest.raises(nc.errors.StateError, match="retain_graph"):
        y.backward()


def test_change_of_a_saved_value_is_found():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    z = (x * y).sum()
    y.assign([0.0, 0.0])
    with pytest.raises(nc.errors.StateError, match="'x2' of multiply was changed in place"):
        z.backward()


def test_diamond_and_reuse():
    x = leaf(2.0)
    a = x * 3
    y = (a * a + a + x).sum()
    y.backward()
    assert x.grad.tolist() == [2 * 2 * 9 + 3 + 1]


def test_no_grad_and_detach():
    x = leaf(2.0)
    with nc.no_grad():
        y = x * x
        with nc.enable_grad():
            assert (x * x).requires_grad
    assert not y.requires_grad
    assert not (x.detach() * 2).requires_grad

    @nc.no_grad()
    def f(v):
        return v * v

    assert not f(x).requires_grad
    assert nc.is_grad_enabled()


def test_requires_grad_rules():
    with pytest.raises(nc.errors.DTypeError, match="int32"):
        nc.Tensor([1, 2]).requires_grad = True
    y = leaf(1.0) * 2
    with pytest.raises(nc.errors.StateError, match="detach"):
        y.requires_grad = False


def test_higher_derivatives():
    f = nc.grad(nc.grad(nc.grad(lambda x: x**4)))
    assert f(2.0).item() == pytest.approx(48.0)
    x = leaf(1.0, 2.0)
    (g,) = nc.gradients((x**3).sum(), [x], create_graph=True)
    (g * g).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 36 * np.array([1.0, 8.0]))  # d(9 x^4)/dx


def test_gradients_of_intermediate_values_and_unused_inputs():
    x, unused = leaf(2.0), leaf(1.0)
    y = x * x
    z = (y * 3).sum()
    dy, du = nc.gradients(z, [y, unused], retain_graph=True)
    assert dy.tolist() == [3.0]
    assert du is None
    assert x.grad is None  # only asked-for gradients are made


def test_value_and_grad_of_several_arguments():
    value, (da, db) = nc.value_and_grad(lambda a, b: (a * b).sum(), argnums=(0, 1))(
        np.array([1.0, 2.0], "float32"), nc.Tensor([3.0, 4.0])
    )
    assert value.item() == 11.0
    assert da.tolist() == [3.0, 4.0]
    assert db.tolist() == [1.0, 2.0]
    assert nc.grad(lambda a: nc.ones(()) * 2)(1.0).item() == 0.0
    with pytest.raises(ValueError, match="argument 3"):
        nc.grad(lambda a: a, argnums=3)(1.0)
    with pytest.raises(ValueError, match=r"shape \[2\]"):
        nc.grad(lambda a: a)(np.ones(2))


def test_grad_keeps_the_way_to_other_tensors():
    """What the function uses besides its arguments: the gradient depends on it, and on a graph that the caller still needs."""
    w = nc.Tensor([2.0], requires_grad=True)
    g = nc.grad(lambda z: (z * z * w).sum())(nc.Tensor([3.0]))
    ((w * 1.0).sum() + (g * g).sum()).backward()
    assert w.grad.tolist() == [1 + 8 * 9 * 2]
    w.grad = None
    value, _ = nc.value_and_grad(lambda z, k: (z * k).sum())(nc.Tensor([3.0]), k=w)
    value.backward()
    assert w.grad.tolist() == [3.0]

    w.grad = None
    shared = w * w
    with nc.no_grad():
        value, g = nc.value_and_grad(lambda z: (z * shared).sum())(nc.Tensor([3.0]))
        again = nc.grad(lambda z: (z * z).sum())(w)
    assert not any(t.requires_grad for t in (value, g, again))
    (shared * shared).sum().backward()
    assert w.grad.tolist() == [32.0]
    assert not nc.grad(lambda z: (z * z).sum())(nc.Tensor([3.0])).requires_grad


@pytest.mark.parametrize("argnums", ["x", 1.5, True, None, (0, "x"), (0, False), b"a"])
def test_argnums_are_integers(argnums):
    for make in (nc.grad, nc.value_and_grad):
        with pytest.raises(TypeError, match="grad: argnums must be an integer or a list of integers, got ") as caught:
            make(lambda a, b: a * b, argnums=argnums)
        assert repr(argnums) in str(caught.value)


def test_argnums_of_numpy_are_integers():
    assert nc.grad(lambda a, b: a * b, argnums=np.int64(1))(2.0, 3.0).item() == 2.0
    (by_b,) = nc.grad(lambda a, b: a * b, argnums=np.array([1]))(2.0, 3.0)
    assert by_b.item() == 2.0


def test_a_million_nodes():
    """Built, walked and freed without recursion."""
    x = nc.Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(1_000_000):
        y = y + x
    y.backward()
    assert x.grad.item() == 1_000_001.0
    del y
    z = x
    for _ in range(1_000_000):
        z = -z
    del z  # freed without having been walked


def test_memory_of_a_step_comes_back():
    x = nc.random.normal((256, 256), seed=1)
    w = nc.Tensor(x.numpy(), requires_grad=True)

    def step():
        w.grad = None
        nc.relu(x @ w).sum().backward()

    step()
    gc.collect()
    before = _core.memory_in_use()
    for _ in range(5):
        step()
    assert _core.memory_in_use() == before


def test_errors_inside_backward_leave_the_switch_as_it_was():
    x, y = leaf(1.0), leaf(2.0)
    z = (x * y).sum()
    y.assign([5.0])
    with pytest.raises(nc.errors.StateError):
        z.backward()
    assert nc.is_grad_enabled()


@pytest.mark.parametrize("switch", [nc.no_grad, nc.no_grad()])
def test_switch_as_a_decorator(switch):
    @switch
    def square(v):
        """The square."""
        return v * v

    assert not square(leaf(2.0)).requires_grad
    assert (square.__name__, square.__doc__) == ("square", "The square.")
    with nc.no_grad():
        assert nc.enable_grad(lambda v: v * v)(leaf(2.0)).requires_grad
    with pytest.raises(TypeError, match="no_grad: function must be a function to decorate, got 3"):
        nc.no_grad(3)


@pytest.mark.parametrize("switch", [nc.no_grad, nc.no_grad()])
def test_switch_around_a_generator(switch):
    """It holds while the body runs, however that is resumed or ended, and never for the loop around."""
    inside = []

    @switch
    def body():
        got = None
        try:
            while True:
                inside.append(nc.is_grad_enabled())
                try:
                    got = yield got
                except KeyError:
                    inside.append(nc.is_grad_enabled())
                if got == "stop":
                    return "end"
        finally:
            inside.append(nc.is_grad_enabled())

    run = body()
    assert next(run) is None
    assert nc.is_grad_enabled()
    assert run.send(7) == 7
    run.throw(KeyError("x"))
    assert nc.is_grad_enabled()
    with pytest.raises(StopIteration) as end:
        run.send("stop")
    assert end.value.value == "end"
    closed = body()
    next(closed)
    closed.close()
    failing = body()
    next(failing)
    with pytest.raises(ValueError, match="mine"):
        failing.throw(ValueError("mine"))
    assert nc.is_grad_enabled()
    assert len(inside) >= 8
    assert not any(inside)
    assert next(nc.enable_grad(body)()) is None  # a generator function still
    assert inside[-1] is False
