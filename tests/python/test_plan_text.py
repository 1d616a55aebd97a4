"""model.plan(): the rows of the table before and after the captured steps, their sums and times."""

import re

import numpy as np
import pytest

import nacre as nc

L = nc.layers
ROW = re.compile(r" *(\d+)([* ]) (\S+) +(.*?) -> (.*); ([\d.]+) ?(\w*)flop, ([\d.]+) ?(\w*)B(, ([\d.]+) us)?")
SCALE = {"": 1, "k": 1e3, "M": 1e6}


def rows(model, *args, **options):
    """The rows as dictionaries, and the lines behind them."""
    text = []
    model.plan(*args, print_fn=text.append, **options)
    table, rest = [], []
    for line in text[0].split("\n"):
        found = ROW.match(line)
        if not found or rest:
            rest.append(line)
            continue
        number, late, op, inputs, outputs, flops, fp, size, sp, _, time = found.groups()
        assert int(number) == len(table)
        table.append(
            {
                "op": op,
                "late": late == "*",
                "in": inputs,
                "out": outputs,
                "flops": float(flops) * SCALE[fp],
                "bytes": float(size) * SCALE[sp],
                "us": time and float(time),
            }
        )
    assert rest[0].startswith(f"{len(table)} steps")
    return table, rest


def mlp(optimizer="sgd", loss="mse", units=(8, 4)):
    model = nc.Sequential([nc.Input((16,)), *(L.Dense(n, activation="relu") for n in units)])
    model.compile(optimizer, loss)
    return model


PARAMETERS = 16 * 8 + 8 + 8 * 4 + 4
PLACES = 128 + 16 + 32 + 16  # each variable begins on a boundary of 16 floats; the last one's end is its own
ELEMENTS = PLACES - 12


@pytest.mark.parametrize(
    ("make", "flops", "values", "slots"),
    [
        (lambda: nc.optimizers.SGD(0.1), 2, 3, []),
        (lambda: nc.optimizers.SGD(0.1, momentum=0.9), 4, 5, ["momentum"]),
        (lambda: nc.optimizers.SGD(0.1, momentum=0.9, nesterov="lookahead"), 4, 5, ["momentum"]),
        (lambda: nc.optimizers.RMSprop(centered=True), 14, 7, ["velocity", "average_gradient"]),
        (lambda: nc.optimizers.Adam(), 14, 7, ["momentum", "velocity"]),
        (lambda: nc.optimizers.AdamW(clipvalue=1.0), 18, 7, ["momentum", "velocity"]),
        (lambda: nc.optimizers.Adagrad(), 7, 4 + 1, ["accumulator"]),
    ],
    ids=["sgd", "momentum", "lookahead", "rmsprop", "adam", "adamw", "adagrad"],
)
def test_the_update_is_one_pass(make, flops, values, slots):
    optimizer = make()
    table, rest = rows(mlp(optimizer), batch_size=32)
    update = table[-1]
    assert [r["op"] for r in table].count(update["op"]) == 1
    assert update["op"] == type(optimizer).__name__
    assert update["late"]
    assert f"[{PARAMETERS}] 4 variables, their gradients" in update["in"]
    assert update["out"] == ", ".join(["4 variables", *slots])
    # Two digits are printed from 1000 on.
    assert update["flops"] == pytest.approx(flops * ELEMENTS, rel=0.05)
    assert update["bytes"] == pytest.approx(4 * values * ELEMENTS, rel=0.05)
    assert any("when it is certain that the step is kept" in line for line in rest)


def test_norms_are_rows_and_variables_apart_where_each_has_its_own():
    table, _ = rows(mlp(nc.optimizers.Adam(global_clipnorm=1.0)))
    assert [r["op"] for r in table[-2:]] == ["norm", "Adam"]
    assert table[-2]["flops"] == 2 * PARAMETERS
    table, _ = rows(mlp(nc.optimizers.Adam(clipnorm=1.0)))
    assert [r["op"] for r in table[-4:]] == ["Adam"] * 4
    assert ["kernel" in r["in"] for r in table[-4:]] == [True, False, True, False]


def test_gather_comes_first():
    x, y = np.zeros((32, 16), "uint8"), np.zeros((32, 4), "float64")
    table, _ = rows(mlp(), x, y)
    assert table[0]["op"] == "gather"
    assert table[0]["in"] == "rows of uint8 [N, 16], rows of float64 [N, 4]"
    assert table[0]["out"] == "uint8 [32, 16] x, float32 [32, 4] y"
    assert table[0]["bytes"] == pytest.approx(32 * (16 + 16 + 4 * (8 + 4)), rel=0.05)
    assert not table[0]["late"]
    for mode in ("test", "predict"):
        table, rest = rows(mlp(), mode=mode)
        assert [r["op"] for r in table].count("gather") == 1
        assert not any(r["late"] for r in table)
        assert not any("certain" in line for line in rest)
    a, b = nc.Input((3,)), nc.Input((3,))
    table, _ = rows(nc.Model([a, b], L.Add()([a, b])), mode="predict", batch_size=2)
    assert table[0]["out"] == "float32 [2, 3] x0, float32 [2, 3] x1"


def test_sums_are_those_of_the_rows():
    table, rest = rows(mlp("adam"), batch_size=64)
    said = re.match(r"(\d+) steps, ([\d.]+) (\w?)flop, ([\d.]+) (\w?)B;", rest[0])
    assert float(said[2]) * SCALE[said[3]] == pytest.approx(sum(r["flops"] for r in table), rel=0.05)
    assert float(said[4]) * SCALE[said[5]] == pytest.approx(sum(r["bytes"] for r in table), rel=0.05)


@pytest.mark.parametrize("before", [False, True], ids=["new", "trained"])
def test_times_of_all_rows_and_nothing_changes(before):
    nc.utils.set_random_seed(1)
    x, y = np.random.default_rng(0).random((64, 16), "f4"), np.ones((64, 4), "f4")
    models = [mlp(nc.optimizers.Adam(0.01, global_clipnorm=0.5)) for _ in range(2)]
    models[1].set_weights(models[0].get_weights())
    if before:
        for model in models:
            model.fit(x, y, batch_size=16, shuffle=False, verbose=0)
    weights = models[0].get_weights()
    table, rest = rows(models[0], x, y, profile=True)
    assert all(r["us"] is not None for r in table)
    assert table[-1]["us"] > 0
    assert any(line.startswith("gather: the rows of this batch again and again") for line in rest)
    for a, b in zip(weights, models[0].get_weights(), strict=True):
        assert np.array_equal(a, b)
    assert models[0].optimizer.iterations == models[1].optimizer.iterations
    for model in models:
        model.fit(x, y, batch_size=16, shuffle=False, verbose=0)
    for a, b in zip(*(m.get_weights() for m in models), strict=True):
        assert np.array_equal(a, b)


def test_a_model_without_trainable_weights():
    model = nc.Sequential([nc.Input((16,)), L.ReLU()])
    model.compile("adam", "mse")
    assert "Adam" not in [r["op"] for r in rows(model, profile=True)[0]]
