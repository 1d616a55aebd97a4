"""Training: fit over batches with the gather of the rows included, and train_on_batch. The models are models.py's."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.cases import Case, Context, Runner, Timed, Workload, draw_neighbours, odd

from . import models, train_jax, train_keras, train_torch
from .models import Spec

GPT2 = {"vocab": 50257, "layers": 12, "width": 768, "heads": 12, "length": 512}

# The named shapes. A fit covers `steps` batches; where `total` is set the figure is the whole fit, elsewhere one step.
SPECS = {
    "tiny-fit": Spec("mlp-2-8-1", "mlp", {"sizes": (2, 8, 1)}, 32, "sgd", 0.1, loss="binary", steps=2000),
    "tiny-batch": Spec("mlp-2-8-1-on-batch", "mlp", {"sizes": (2, 8, 1)}, 32, "sgd", 0.1, loss="binary", steps=1),
    "mlp13": Spec("mlp-13-32-3", "mlp", {"sizes": (13, 32, 3)}, 16, "adam", 1e-3, steps=1000),
    "fashion": Spec("mlp-784-256-128-10", "mlp", {"sizes": (784, 256, 128, 10)}, 64, "adam", 1e-3, steps=938, data="fashion"),
    "lenet": Spec("lenet", "lenet", {"image": 28, "channels": (32, 64), "dense": 128}, 64, "adam", 1e-3),
    "resnet20": Spec("resnet20", "resnet20", {"image": 32, "width": 16}, 64, "momentum", 0.05, steps=4),
    "lstm": Spec("lstm", "lstm", {"vocab": 64, "units": 128, "length": 64}, 32, "adam", 1e-3),
    "gpt-nano": Spec(
        "gpt-nano", "gpt", {"vocab": 64, "layers": 4, "width": 128, "heads": 4, "length": 64}, 32, "adamw", 1e-3, steps=4
    ),
    "large-mlp": Spec("mlp-4096", "mlp", {"sizes": (4096, 4096, 4096)}, 256, "adam", 1e-3, steps=2),
    "large-resnet50": Spec("resnet50", "resnet50", {"image": 224, "width": 64, "classes": 1000}, 8, "momentum", 0.01, steps=1),
    "large-gpt2": Spec("gpt2-124m", "gpt", GPT2, 1, "adamw", 1e-4, steps=1),
}
TOTAL = {"mlp13", "fashion"}  # the figure is the whole fit
QUICK = {"tiny-fit", "lenet"}
# Losses of three steps: roundings pass through the optimizer. Batch norms over few pixels amplify them: 8 images of 7 x 7 at ResNet-50's end.
CHECK_TOLERANCE = {"large-resnet50": 2e-2}
NEIGHBOUR_STEPS = 3


def describe(spec: Spec) -> str:
    h = spec.sizes
    text = {
        "mlp": lambda: "-".join(map(str, h["sizes"])),
        "lenet": lambda: f"c{h['channels'][0]}-{h['channels'][1]}-d{h['dense']}",
        "resnet20": lambda: f"w{h['width']}",
        "resnet50": lambda: f"w{h['width']}-{h['image']}",
        "lstm": lambda: f"u{h['units']}-T{h['length']}",
        "gpt": lambda: f"L{h['layers']}-d{h['width']}-T{h['length']}",
    }[spec.model]()
    return f"{text}-b{spec.batch}"


def draw(key: str) -> Callable[[random.Random], Mapping[str, Any]]:
    """How neighbours of a named shape are drawn: {"batch": ..., sizes}."""

    def batch(r: random.Random) -> int:
        return r.randrange(24, 201)

    def mlp(low: Sequence[int], high: Sequence[int]) -> Callable[[random.Random], Mapping[str, Any]]:
        return lambda r: {"batch": batch(r), "sizes": tuple(a if a == b else odd(r, a, b) for a, b in zip(low, high, strict=True))}

    large = {
        "large-mlp": lambda r: {"batch": odd(r, 129, 383), "sizes": (4096, odd(r, 3585, 4607), 4096)},
        "large-resnet50": lambda r: {
            "batch": r.randrange(5, 12),
            "width": 64 + r.randrange(1, 8),
            "image": r.choice((192, 224, 256)),
        },
        "large-gpt2": lambda r: {"batch": 1, "length": odd(r, 385, 639)},
    }
    return {
        "tiny-fit": mlp((2, 9, 1), (2, 15, 1)),
        "tiny-batch": mlp((2, 9, 1), (2, 15, 1)),
        "mlp13": mlp((13, 33, 3), (13, 47, 3)),
        "fashion": mlp((784, 241, 121, 10), (784, 287, 143, 10)),
        "lenet": lambda r: {
            "batch": batch(r),
            "channels": (32 + r.randrange(1, 8), 64 + r.randrange(1, 12)),
            "dense": odd(r, 121, 151),
        },
        "resnet20": lambda r: {"batch": batch(r), "width": 16 + r.randrange(1, 7)},
        "lstm": lambda r: {"batch": batch(r), "units": odd(r, 121, 151), "length": r.randrange(40, 97)},
        "gpt-nano": lambda r: {"batch": batch(r), "width": 4 * odd(r, 31, 39), "length": r.randrange(40, 97)},
        **large,
    }[key]


def spec_case(key: str, spec: Spec, row: str, neighbour_of: str = "") -> Case:
    calls = spec.steps if key in TOTAL else 1
    rows = 60000 if key == "fashion" and not neighbour_of else spec.batch * calls
    flops = models.training_flops(spec.model, spec.sizes, 1) * rows
    return Case(
        f"train/{spec.name}/{describe(spec)}", {"spec": spec, "key": key, "calls": calls}, row,
        flops=flops, steps=calls, tolerance=CHECK_TOLERANCE.get(key, 2e-3), quick=key in QUICK and not neighbour_of, neighbour_of=neighbour_of,
    )  # fmt: skip


def neighbour_spec(spec: Spec, drawn: Mapping[str, Any]) -> Spec:
    sizes = {**spec.sizes, **{k: v for k, v in drawn.items() if k != "batch"}}
    # As many batches as the named fit where the fit is short work, so that its fixed cost weighs the same.
    steps = spec.steps if spec.model == "mlp" else min(spec.steps, NEIGHBOUR_STEPS)
    if spec.data == "fashion":
        steps = min(steps, 60000 // drawn["batch"])
    return dataclasses.replace(spec, sizes=sizes, batch=drawn["batch"], steps=steps)


def cases_of(key: str, row: str) -> Callable[[int], Sequence[Case]]:
    def cases(seed: int) -> Sequence[Case]:
        spec = SPECS[key]
        named = spec_case(key, spec, row)
        beside = (neighbour_spec(spec, drawn) for drawn in draw_neighbours(seed, key, draw(key)))
        return [named, *(spec_case(key, s, row, neighbour_of=named.name) for s in beside)]

    return cases


def runner(function: Callable[[Spec, Context, float, bool], Mapping[str, Callable[[], Timed]]]) -> Runner:
    """Hands a runner the spec, what a figure covers (units of the fit), and whether one batch from NumPy is meant."""

    def run(case: Case, context: Context) -> Mapping[str, Callable[[], Timed]]:
        spec = case.params["spec"]
        on_batch = case.params["key"] == "tiny-batch"
        return function(spec, context, spec.steps / case.params["calls"], on_batch)

    return run


RUNNERS: dict[str, Runner] = {
    "nacre": runner(train_keras.nacre),
    "torch": runner(train_torch.eager),
    "torch.compile": runner(train_torch.compiled),
    "jax": runner(train_jax.jit_and_scan),
    "keras-jax": runner(train_keras.keras),
    "keras-torch": runner(train_keras.keras),
}
SKLEARN = {"scikit-learn": runner(train_keras.scikit_learn)}

TITLES = {
    "tiny-fit": "MLP 2-8-1 through fit, per step",
    "tiny-batch": "MLP 2-8-1, train_on_batch from NumPy",
    "mlp13": "MLP 13-32-3, 1000 steps through fit",
    "fashion": "Fashion-MNIST MLP, one epoch through fit",
    "lenet": "LeNet, per step",
    "resnet20": "ResNet-20, per step",
    "lstm": "LSTM, per step",
    "gpt-nano": "GPT-nano, per step",
    "large-mlp": "MLP 4096-4096-4096, per step",
    "large-resnet50": "ResNet-50, per step",
    "large-gpt2": "GPT-2 124M, per step",
}

WORKLOADS = [
    Workload(
        key,
        TITLES[key],
        cases_of(key, "large" if key.startswith("large") else key),
        {**RUNNERS, **(SKLEARN if key in ("mlp13", "fashion") else {})},
        slow=key.startswith("large"),
    )
    for key in SPECS
]
