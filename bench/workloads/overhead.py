"""What is paid besides arithmetic: a tiny eager add, a hand-written eager loop, predict of one row, compile() to the first step, memory."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from harness.cases import Case, Context, Timed, Workload

from . import models
from .common import nacre_import, normal, torch_import
from .models import Spec
from .train import SPECS

Factories = Mapping[str, Callable[[], Timed]]

# ---- eager add of two 8-element tensors ----


def add_cases(seed: int) -> Sequence[Case]:
    return [
        Case("add/8/against-torch", {}, "add-torch", tolerance=1e-6, quick=True, peers=("torch",)),
        Case("add/8/against-numpy", {}, "add-numpy", tolerance=1e-6, quick=True, peers=("numpy",)),
    ]


def repeated(function: Callable[..., Any], *arguments: Any, **named: Any) -> Callable[[int], None]:
    """n calls with as little of Python's own time around each as there can be; the same for every framework."""
    if named:
        out = named["out"]
        a, b = arguments

        def loop_out(n: int) -> None:
            for _ in itertools.repeat(None, n):
                function(a, b, out=out)

        return loop_out
    a, b = arguments

    def loop(n: int) -> None:
        for _ in itertools.repeat(None, n):
            function(a, b)

    return loop


def plus(a: Any, b: Any) -> Callable[[int], None]:
    def loop(n: int) -> None:
        for _ in itertools.repeat(None, n):
            a + b

    return loop


def pair(context: Context) -> tuple[Any, Any]:
    return normal(context, "a", (8,)), normal(context, "b", (8,))


def nacre_add(case: Case, context: Context) -> Factories:
    nc = nacre_import(context)

    def make(operator: bool) -> Timed:
        a, b = (nc.Tensor(v) for v in pair(context))
        return Timed(loop=plus(a, b) if operator else repeated(nc.add, a, b), check=lambda: [(a + b).numpy()])

    return {"nacre": lambda: make(True), "nacre add()": lambda: make(False)}


def numpy_add(case: Case, context: Context) -> Factories:
    def make(form: str) -> Timed:
        a, b = pair(context)
        loops = {
            "+": lambda: plus(a, b),
            "add": lambda: repeated(np.add, a, b),
            "out": lambda: repeated(np.add, a, b, out=np.empty_like(a)),
        }
        return Timed(loop=loops[form](), check=lambda: [a + b])

    return {"numpy": lambda: make("+"), "numpy add()": lambda: make("add"), "numpy out=": lambda: make("out")}


def torch_add(case: Case, context: Context) -> Factories:
    torch = torch_import(context)

    def make(form: str) -> Timed:
        a, b = (torch.from_numpy(v) for v in pair(context))
        loops = {"+": lambda: plus(a, b), "out": lambda: repeated(torch.add, a, b, out=torch.empty_like(a))}
        return Timed(loop=loops[form](), check=lambda: [(a + b).numpy()])

    return {"torch": lambda: make("+"), "torch out=": lambda: make("out")}


def jax_add(case: Case, context: Context) -> Factories:
    def make() -> Timed:
        import jax

        a, b = (jax.numpy.asarray(v) for v in pair(context))
        return Timed(loop=repeated(jax.jit(lambda a, b: a + b), a, b), check=lambda: [a + b])

    return {"jax": make}


# ---- a hand-written eager loop ----

EAGER_STEPS = 50


def eager_cases(seed: int) -> Sequence[Case]:
    spec = SPECS["fashion"]
    flops = models.training_flops(spec.model, spec.sizes, spec.batch)
    return [Case("eager-loop/mlp-784-256-128-10-b64", {}, "eager-loop", flops=flops, tolerance=2e-3, peers=("torch",))]


def eager_data(context: Context) -> tuple[Any, Any, Any, Any]:
    spec = SPECS["fashion"]
    x, y = models.make_data(spec, EAGER_STEPS * spec.batch, context.seed)
    return spec, models.make_weights(spec.model, spec.sizes, context.seed), x, y


def nacre_eager(case: Case, context: Context) -> Factories:
    nc = nacre_import(context)

    def make() -> Timed:
        spec, weights, x, y = eager_data(context)
        order = np.arange(len(x))

        def fresh() -> Callable[[Any], float]:
            params = [nc.Tensor(a, requires_grad=True) for name in ("d0", "d1", "d2") for a in weights[name]]
            optimizer = nc.optimizers.Adam(learning_rate=spec.rate, epsilon=models.EPSILON)
            optimizer.build(params)
            w0, b0, w1, b1, w2, b2 = params
            x_all, y_all = nc.asarray(x), nc.asarray(y)

            def run(order: Any) -> float:
                total = 0.0
                for at in range(0, len(order), spec.batch):
                    rows = nc.asarray(order[at : at + spec.batch])
                    hidden = nc.dense(nc.take(x_all, rows, axis=0), w0, b0, activation="relu")
                    scores = nc.dense(nc.dense(hidden, w1, b1, activation="relu"), w2, b2)
                    loss = nc.mean(nc.sparse_categorical_crossentropy(nc.take(y_all, rows, axis=0), scores, from_logits=True))
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    total += loss.item()
                return total / EAGER_STEPS

            return run

        run = fresh()
        source = np.random.default_rng(0)
        return Timed(call=lambda: run(source.permutation(len(x))), units=EAGER_STEPS, check=lambda: [[fresh()(order)]])

    return {"nacre": make}


def torch_eager(case: Case, context: Context) -> Factories:
    torch = torch_import(context)

    def make() -> Timed:
        from . import models_torch

        spec, weights, x, y = eager_data(context)
        x_all, y_all = torch.from_numpy(x), torch.from_numpy(y).long()

        def fresh() -> Callable[[Any], float]:
            model = models_torch.build(spec.model, spec.sizes)
            models_torch.load(model, weights)
            optimizer = models_torch.optimizer(spec, model.parameters(), fused=True)

            def run(order: Any) -> float:
                total = 0.0
                for at in range(0, len(order), spec.batch):
                    rows = order[at : at + spec.batch]
                    loss = models_torch.loss_of(spec, model(x_all[rows]), y_all[rows])
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    total += loss.item()
                return total / EAGER_STEPS

            return run

        run = fresh()
        return Timed(call=lambda: run(torch.randperm(len(x))), units=EAGER_STEPS, check=lambda: [[fresh()(torch.arange(len(x)))]])

    return {"torch fused": make}


# ---- predict of one row ----


def predict_cases(seed: int) -> Sequence[Case]:
    return [Case("predict/lenet/b1", {}, "predict", tolerance=1e-4)]


def predict(K: Any, name: str, context: Context) -> Factories:
    def make() -> Timed:
        from . import models_keras

        spec = SPECS["lenet"]
        model = models_keras.compiled(K, spec, models.make_weights(spec.model, spec.sizes, context.seed))
        x = models.make_data(spec, 1, context.seed)[0]
        return Timed(call=lambda: model.predict(x, verbose=0), check=lambda: [model.predict(x, verbose=0)])

    return {name: make}


def keras_predict(case: Case, context: Context) -> Factories:
    import keras as K

    return predict(K, f"keras-{K.backend.backend()}", context)


# ---- compile() to the end of the first step, in a process that has done none ----


def compile_cases(seed: int) -> Sequence[Case]:
    return [
        Case("compile/mlp", {"key": "fashion"}, "compile-mlp", quick=True),
        Case("compile/resnet20", {"key": "resnet20"}, "compile-resnet20"),
    ]


def one_batch(key: str, context: Context) -> tuple[Spec, Any, Any]:
    spec = SPECS[key]
    return spec, *models.make_data(spec, spec.batch, context.seed)


def keras_compile(K: Any, name: str, case: Case, context: Context) -> Factories:
    def once() -> float:
        from . import models_keras

        spec, x, y = one_batch(case.params["key"], context)
        model = models_keras.build(K, spec.model, spec.sizes, spec.loss)
        loss, optimizer = K.losses.SparseCategoricalCrossentropy(from_logits=True), models_keras.optimizer(K, spec)
        begin = time.perf_counter()
        model.compile(optimizer=optimizer, loss=loss)
        model.train_on_batch(x, y)
        return time.perf_counter() - begin

    return {name: lambda: Timed(once=once)}


def keras_backend_compile(case: Case, context: Context) -> Factories:
    import keras as K

    return keras_compile(K, f"keras-{K.backend.backend()}", case, context)


def torch_compile(case: Case, context: Context, compiled: bool) -> Factories:
    torch = torch_import(context)

    def once() -> float:
        from . import models_torch

        spec, x, y = one_batch(case.params["key"], context)
        torch._dynamo.reset()
        model = models_torch.build(spec.model, spec.sizes)
        x, y = models_torch.as_input(spec.model, x), torch.from_numpy(y).long()
        begin = time.perf_counter()
        optimizer = models_torch.optimizer(spec, model.parameters(), fused=True)
        if compiled:
            with torch._inductor.config.patch(force_disable_caches=True):
                models_torch.loss_of(spec, torch.compile(model)(x), y).backward()
        else:
            models_torch.loss_of(spec, model(x), y).backward()
        optimizer.step()
        return time.perf_counter() - begin

    return {"torch.compile" if compiled else "torch fused": lambda: Timed(once=once)}


def jax_compile(case: Case, context: Context) -> Factories:
    def once() -> float:
        import jax

        from . import models_jax

        spec, x, y = one_batch(case.params["key"], context)
        norms = {layer[1] for layer in models.layers(spec.model, spec.sizes) if layer[0] == "norm"}
        trained, state = models_jax.split(models.make_weights(spec.model, spec.sizes, context.seed), norms)
        carry = (trained, state, models_jax.initial(spec, trained), jax.random.key(0))
        begin = time.perf_counter()
        jax.block_until_ready(jax.jit(models_jax.make_step(spec))(carry, x, y))
        return time.perf_counter() - begin

    return {"jax": lambda: Timed(once=once)}


# ---- memory ----

MEMORY_STEPS = 3


def memory_cases(seed: int) -> Sequence[Case]:
    return [Case("memory/resnet20-b64", {}, "memory", unit="B", peers=("torch",))]


def status(key: str) -> int:
    """A line of /proc/self/status in bytes."""
    with open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {key}.")


def memory_timed(prepare: Callable[[], Callable[[], Any]]) -> Timed:
    """prepare imports and returns what takes MEMORY_STEPS steps. Bytes: the peak of the steps over what was there after the import."""

    def once() -> float:
        steps = prepare()
        before = status("VmRSS")
        try:
            with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
                file.write("5")  # the peak begins anew
        except OSError:
            pass
        steps()
        return float(status("VmHWM") - before)

    return Timed(once=once)


def nacre_memory(case: Case, context: Context) -> Factories:
    def prepare() -> Callable[[], Any]:
        nc = nacre_import(context)
        from . import models_keras

        def steps() -> None:
            spec, x, y = one_batch("resnet20", context)
            model = models_keras.compiled(nc, spec, None)
            for _ in range(MEMORY_STEPS):
                model.train_on_batch(x, y)

        return steps

    return {"nacre": lambda: memory_timed(prepare)}


def torch_memory(case: Case, context: Context) -> Factories:
    def prepare() -> Callable[[], Any]:
        torch = torch_import(context)
        from . import models_torch

        def steps() -> None:
            spec, x, y = one_batch("resnet20", context)
            x, y = models_torch.as_input(spec.model, x), torch.from_numpy(y).long()
            model = models_torch.build(spec.model, spec.sizes)
            optimizer = models_torch.optimizer(spec, model.parameters(), fused=True)
            for _ in range(MEMORY_STEPS):
                optimizer.zero_grad()
                models_torch.loss_of(spec, model(x), y).backward()
                optimizer.step()

        return steps

    return {"torch fused": lambda: memory_timed(prepare)}


WORKLOADS = [
    Workload(
        "add",
        "eager add of two 8-element tensors",
        add_cases,
        {"nacre": nacre_add, "numpy": numpy_add, "torch": torch_add, "jax": jax_add},
    ),
    Workload("eager-loop", "a hand-written training loop", eager_cases, {"nacre": nacre_eager, "torch": torch_eager}),
    Workload(
        "predict",
        "predict of one row",
        predict_cases,
        {
            "nacre": lambda case, context: predict(nacre_import(context), "nacre", context),
            "keras-jax": keras_predict,
            "keras-torch": keras_predict,
        },
    ),
    Workload("memory", "peak memory of a training step", memory_cases, {"nacre": nacre_memory, "torch": torch_memory}),
]
WORKLOADS += [
    Workload(
        case.name.replace("/", "-"),
        f"compile() to the end of the first step, {case.name.split('/')[1]}",
        lambda seed, case=case: [case],  # one model per process: the second would find things warm
        {
            "nacre": lambda case, context: keras_compile(nacre_import(context), "nacre", case, context),
            "torch": lambda case, context: torch_compile(case, context, False),
            "torch.compile": lambda case, context: torch_compile(case, context, True),
            "jax": jax_compile,
            "keras-jax": keras_backend_compile,
            "keras-torch": keras_backend_compile,
        },
    )
    for case in compile_cases(0)
]
