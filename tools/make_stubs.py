"""Writes the typed stubs of what Python makes at run time: the core, and the modules that are filled from its registries.

    python tools/make_stubs.py            write python/nacre/*.pyi
    python tools/make_stubs.py --check    say which are stale, and fail

Ops, layers, optimizers, losses, metrics and initialisers come from the records of the installed core: names, kinds, defaults, first lines of the
documentation. What is bound by hand (Tensor's attributes, the base classes, the free functions) stands in tools/core.pyi.in, and
tests/meta/test_stubs.py compares it with the core. Run this after adding or changing an op or a class.
"""

from __future__ import annotations

import ast
import inspect
import math
import pathlib
import sys
from typing import Any

import nacre
from nacre import _core, activations, initializers, losses, metrics, ops, optimizers

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEAD = "# Written by tools/make_stubs.py. Do not edit: change the op, the class or tools/core.pyi.in, and run it again.\n"
WIDTH = 132

INTS = "int | Sequence[int]"
PADS = "int | Sequence[int] | Sequence[Sequence[int]]"
# Types of op attributes by the kind in the record.
FIELD_TYPES = {
    "int": "int",
    "float": "float",
    "bool": "bool",
    "str": "str",
    "ints": INTS,
    "axes": INTS,
    "dtype": "_DTypeLike",
    "opt_dtype": "_DTypeLike",
}
# Types of options by the kind in the registry of layers; "?" adds None.
OPTION_TYPES = {"int": "int", "float": "float", "bool": "bool", "str": "str", "ints": INTS}
# Options that say more by their name than by their kind or default.
NAMED_TYPES = {
    "activation": "str | Callable[..., Tensor]",
    "dtype": "_DTypeLike",
    "exclude_from_weight_decay": "Sequence[str]",
    "name": "str",
    "nesterov": "bool | str",
    "pad_width": PADS,
    "seed": "int",
    "shape": "Sequence[int | None]",
    "weight_decay": "float",
    "clipnorm": "float",
    "clipvalue": "float",
    "global_clipnorm": "float",
}


def literal(value: Any) -> str:
    """The default as Python text; ... for what has no literal."""
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]  # strides=(1,) is what strides=1 says
    if isinstance(value, float) and not math.isfinite(value):
        return "..."
    return repr(value).replace("'", '"')


def parameter(name: str, kind: str, required: bool, default: Any = None) -> str:
    """One parameter with its type and default."""
    if required:
        return f"{name}: {kind}"
    if default is None and not kind.endswith("None"):
        kind += " | None"
    return f"{name}: {kind} = {literal(default)}"


def summary(doc: str) -> str:
    """The first line of a documentation, without what would end a docstring."""
    return doc.strip().split("\n")[0].replace("\\", "\\\\").replace('"""', "'''")


def function(name: str, parameters: list[str], result: str, doc: str, indent: str = "") -> str:
    """A function with its signature on one line or, when too long, one parameter per line."""
    head = f"{indent}def {name}({', '.join(parameters)}) -> {result}:"
    if len(head) > WIDTH - 4:
        lines = "".join(f"{indent}    {p},\n" for p in parameters)
        head = f"{indent}def {name}(\n{lines}{indent}) -> {result}:"
    return f'{head}\n{indent}    """{doc}"""\n' if doc else f"{head} ...\n"


# ---- ops ----


def op_parameters(record: dict[str, Any]) -> list[str]:
    """The parameters of an op: tensors, then attributes."""
    out = []
    for arg in record["inputs"]:
        kind = "Sequence[_ArrayLike]" if arg["variadic"] else "_ArrayLike"
        out.append(parameter(arg["name"], kind, not arg["optional"]))
    for field in record["fields"]:
        kind = NAMED_TYPES["pad_width"] if field["name"] == "pad_width" else FIELD_TYPES[field["kind"]]
        out.append(parameter(field["name"], kind, field["required"], field["default"]))
    return out


def op_result(record: dict[str, Any]) -> str:
    """The type of an op's result."""
    n = record["outputs"]
    if n == 1:
        return "Tensor"
    return "tuple[Tensor, ...]" if n < 0 else f"tuple[{', '.join(['Tensor'] * n) or '()'}]"


def op_function(record: dict[str, Any]) -> str:
    """An op as a function."""
    return function(record["name"], op_parameters(record), op_result(record), summary(record["doc"]))


def op_method(record: dict[str, Any]) -> str:
    """An op as a method of Tensor: its first input is self."""
    return function(record["name"], ["self", *op_parameters(record)[1:]], op_result(record), summary(record["doc"]), "    ")


def python_function(f: Any) -> str:
    """A function defined in Python, with the annotations of its source."""
    out, keyword_only = [], False
    for p in inspect.signature(f).parameters.values():
        if p.kind is p.KEYWORD_ONLY and not keyword_only:
            out.append("*")
        keyword_only |= p.kind is p.KEYWORD_ONLY
        stars = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        default = "" if p.default is p.empty else f" = {literal(p.default)}"
        out.append(f"{stars}{p.name}: {p.annotation}{default}")
    return function(f.__name__, out, inspect.signature(f).return_annotation, summary(inspect.getdoc(f) or ""))


def imports(text: str, *, core: str = "", extra: str = "") -> str:
    """The import lines that `text` needs."""
    words = set("".join(c if c.isalnum() or c == "_" else " " for c in text).split())
    lines = []
    abc = [w for w in ("Callable", "Iterable", "Sequence") if w in words]
    if abc:
        lines.append(f"from collections.abc import {', '.join(abc)}\n")
    typing = [w for w in ("Any",) if w in words]
    if typing:
        lines.append(f"from typing import {', '.join(typing)}\n")
    if "Self" in words:
        lines.append("\nfrom typing_extensions import Self\n")
    names = [w for w in ("_ArrayLike", "_DTypeLike", "_InitializerLike", "Tensor") if w in words and w not in core]
    lines.append("\n" + extra)
    if names:
        lines.append(f"from ._core import {', '.join(names)}\n")
    return "".join(lines)


def name_list(names: list[str]) -> str:
    """__all__ as text."""
    lines, line = [], "   "
    for name in names:
        if len(line) + len(name) + 4 > WIDTH:
            lines.append(line)
            line = "   "
        line += f' "{name}",'
    return "__all__ = [\n" + "\n".join([*lines, line]) + "\n]\n"


def ops_stub() -> str:
    """nacre.ops: every public op, and the spellings that need Python."""
    records = _core.op_records()
    functions = []
    for name in ops.__all__:
        if name == "convert_to_tensor":
            continue
        if name in ops._aliases:
            functions.append(op_function({**records[ops._aliases[name]], "name": name}))
            continue
        f = getattr(ops, name)
        functions.append(python_function(f) if inspect.isfunction(f) else op_function(records[name]))
    body = "\n".join(functions)
    return f"{HEAD}{imports(body)}from ._core import convert_to_tensor as convert_to_tensor\n\n{name_list(ops.__all__)}\n{body}"


# ---- classes made from registries ----


def options_of(doc: str) -> list[tuple[str, Any, bool]]:
    """Name, default and whether it must be given, from "SGD(learning_rate=0.01, ...)" in the first line of a documentation."""
    call = doc.split("\n")[0]
    arguments = ast.parse(f"def {call}: ...").body[0].args  # type: ignore[attr-defined]
    missing = len(arguments.args) - len(arguments.defaults)
    defaults = [None] * missing + [ast.literal_eval(d) for d in arguments.defaults]
    return [(a.arg, d, i < missing) for i, (a, d) in enumerate(zip(arguments.args, defaults, strict=True))]


def option_type(name: str, default: Any) -> str:
    """The type of an option of an optimizer, loss, metric or initialiser."""
    if name in NAMED_TYPES:
        return NAMED_TYPES[name]
    if default is None:
        raise SystemExit(f"make_stubs: option {name!r} has the default None; add its type to NAMED_TYPES.")
    return type(default).__name__


def body_of_doc(doc: str) -> str:
    """What follows the call in the documentation of a class."""
    return doc.split("\n--\n")[1] if "\n--\n" in doc else doc.partition("\n")[2]


def registry_class(description: dict[str, str], base: str) -> str:
    """A class of a registry."""
    doc = description["doc"]
    options = [parameter(n, option_type(n, d), required, d) for n, d, required in options_of(doc)]
    return (
        f'class {description["class_name"]}({base}):\n    """{summary(body_of_doc(doc))}"""\n\n'
        + function("__init__", ["self", *options], "None", "", "    ")
        + "    @classmethod\n"
        + function("from_config", ["cls", "config: dict[str, Any]"], "Self", "", "    ")
    )


def registry_stub(module: Any, base: str, descriptions: list[dict[str, str]], base_text: str, more: str = "") -> str:
    """A module whose classes come from a registry."""
    body = base_text + "\n".join(registry_class(d, base) for d in descriptions) + more
    known = {"Any", "Self"}
    extra = "from . import _core\n" if "_core." in body else ""
    if base == "Loss":
        extra += "from ._core import Loss as Loss\n"
    assert known <= set(body.replace("[", " ").replace("]", " ").replace(":", " ").split())
    return f"{HEAD}{imports(body, extra=extra)}\n{name_list(sorted(module.__all__))}\n{body}"


def optimizers_stub() -> str:
    """nacre.optimizers."""
    base = f'class Optimizer(_core.Optimizer):\n    """{summary(optimizers.Optimizer.__doc__ or "")}"""\n\n' + function(
        "apply_gradients",
        ["self", "grads_and_vars: Iterable[tuple[Any, Any]]"],
        "None",
        summary(optimizers.Optimizer.apply_gradients.__doc__ or ""),
        "    ",
    )
    return registry_stub(optimizers, "Optimizer", _core.optimizer_classes(), base + "\n", "\n" + python_function(optimizers.get))


def losses_stub() -> str:
    """nacre.losses."""
    records = _core.op_records()
    names = sorted(n for n in losses.__all__ if n in records)
    functions = "\n".join(op_function(records[n]) for n in names)
    aliases = "mse = mean_squared_error\nmae = mean_absolute_error\n"
    more = f"\n{functions}\n{aliases}\n{python_function(losses.get)}"
    return registry_stub(losses, "Loss", _core.loss_classes(), "", more)


def metrics_stub() -> str:
    """nacre.metrics."""
    update, call = metrics.Metric.update_state, metrics.Metric.__call__
    tensors = ["self", "y_true: _ArrayLike", "y_pred: _ArrayLike", "sample_weight: _ArrayLike | None = None"]
    mean = ["self", "values: _ArrayLike", "sample_weight: _ArrayLike | None = None"]
    base = (
        f'class Metric(_core.Metric):\n    """{summary(metrics.Metric.__doc__ or "")}"""\n\n'
        + function("update_state", tensors, "None", summary(update.__doc__ or ""), "    ")
        + function("__call__", tensors, "float", summary(call.__doc__ or ""), "    ")
        + "\n"
    )
    text = registry_stub(metrics, "Metric", _core.metric_classes(), base, "\n" + python_function(metrics.get))
    # A mean is taken of values alone.
    own = function("update_state", mean, "None", "", "    ") + function("__call__", mean, "float", "", "    ")
    own = own.replace(" ...\n", " ...  # type: ignore[override]\n")
    at = text.index("class Mean(")
    start = text.index("    def __init__", at)
    return text[:start] + own + text[start:]


def initializers_stub() -> str:
    """nacre.initializers."""
    base = f'class Initializer(_core.Initializer):\n    """{summary(initializers.Initializer.__doc__ or "")}"""\n\n'
    return registry_stub(initializers, "Initializer", _core.initializer_classes(), base, "\n" + python_function(initializers.get))


def layer_option(option: dict[str, Any]) -> str:
    """One option of a layer."""
    name, kind, default = option["name"], option["kind"], option["default"]
    if name.endswith("_initializer"):
        type_text = "_InitializerLike"
    elif name == "padding" and kind == "any":
        type_text = PADS if default == 1 else f"str | {PADS}"
    elif name == "output_padding":
        type_text = INTS
    elif name in NAMED_TYPES:
        type_text = NAMED_TYPES[name]
    else:
        type_text = OPTION_TYPES[kind.rstrip("?")]
    return parameter(name, type_text, option["required"], default)


def layer_class(name: str) -> str:
    """A layer; its weights and options are attributes by the base class."""
    options = [layer_option(o) for o in _core.layer_options(name)]
    text = f'class {name}(Layer):\n    """{summary(body_of_doc(getattr(_core, name).__doc__))}"""\n\n' + function(
        "__init__", ["self", *options], "None", "", "    "
    )
    if name == "MultiHeadAttention":
        call = ["self", "query: _ArrayLike", *(f"{n}: _ArrayLike | None = None" for n in ("value", "key", "attention_mask"))]
        call += ["training: bool | None = None", "use_causal_mask: bool = False"]
        build = [
            "self",
            "query_shape: Sequence[int | None]",
            *(f"{n}_shape: Sequence[int | None] | None = None" for n in ("value", "key")),
        ]
        own = function("__call__", call, "Tensor", "", "    ")  # other tensors than the base takes
        text += own.replace("(\n", "(  # type: ignore[override]\n", 1) + function("build", build, "None", "", "    ")
    if "return_state" in {option["name"] for option in _core.layer_options(name)}:
        call = ["self", "sequences: _ArrayLike", "initial_state: _ArrayLike | Sequence[_ArrayLike] | None = None"]
        call += ["mask: _ArrayLike | None = None", "training: bool | None = None"]
        own = function("__call__", call, "Any", "", "    ")  # one tensor, or with return_state a list
        text += own.replace("(\n", "(  # type: ignore[override]\n", 1)
    return text


def layers_stub() -> str:
    """nacre.layers."""
    from nacre import layers

    names = ["SymbolicTensor", *_core.layer_classes()]
    body = python_function(layers.Input) + "\n" + python_function(layers.get)
    lines = "".join(f"from ._core import {name} as {name}\n" for name in sorted(names)) + "from ._custom import Layer as Layer\n"
    aliases = "".join(f"{short} = {value.__name__}\n" for short, value in sorted(layers._aliases.items()))
    return f"{HEAD}{imports(body, core='Layer', extra=lines)}\n{name_list(sorted(layers.__all__))}\n{aliases}\n{body}"


def activations_stub() -> str:
    """nacre.activations."""
    records = _core.op_records()
    names = sorted(set(activations.__all__))
    from_ops = [n for n in names if n in records]
    body = "\n".join(python_function(getattr(activations, n)) for n in names if n not in records)
    lines = "".join(f"from .ops import {n} as {n}\n" for n in from_ops)
    return f"{HEAD}{imports(body)}{lines}\n{name_list(names)}\n{body}"


# ---- the core and the package ----


def core_stub() -> str:
    """nacre._core: the template with Tensor's methods, the errors and the layers put in."""
    records = _core.op_records()
    template = (ROOT / "tools" / "core.pyi.in").read_text(encoding="utf-8")
    methods = [n for n, v in vars(_core.Tensor).items() if type(v).__name__ == "instancemethod" and n in records]
    errors = []
    for name, value in sorted(vars(_core).items()):
        if isinstance(value, type) and issubclass(value, BaseException):
            bases = ", ".join(b.__name__ if b.__module__ != "builtins" else f"builtins.{b.__name__}" for b in value.__bases__)
            errors.append(f'class {name}({bases}):\n    """{summary(value.__doc__ or "")}"""\n')
    return HEAD + template.replace("    # TENSOR METHODS\n", "".join(op_method(records[n]) for n in sorted(methods))).replace(
        "# ERRORS\n", "\n".join(errors)
    ).replace("# LAYERS\n", "\n".join(layer_class(n) for n in _core.layer_classes()))


def package_stub() -> str:
    """nacre itself."""
    homes: dict[str, list[str]] = {}
    for name, home in sorted(nacre._HOMES.items()):
        homes.setdefault(home, []).append(name)
    lines = "".join(f"from . import {name} as {name}\n" for name in ("_core", *sorted(nacre._MODULES)))
    lines += "".join(
        f"from ._core import {name} as {name}\n"
        for name in (
            "SymbolicTensor",
            "Tensor",
            "__version__",
            "asarray",
            "convert_to_tensor",
            "from_dlpack",
            "num_threads",
            "set_num_threads",
        )
    )
    lines += "".join(f"from .{home} import {name} as {name}\n" for home, names in sorted(homes.items()) for name in names)
    lines += "from .ops import *\n"
    dtypes = [n for n, v in vars(nacre).items() if isinstance(v, str) and v == n.rstrip("_") and not n.startswith("_")]
    constants = "".join(f"{name}: str\n" for name in sorted(dtypes))
    return f"{HEAD}{lines}\nfrom_numpy = asarray\n{constants}_HOMES: dict[str, str]\n_MODULES: frozenset[str]\n\ndef __dir__() -> list[str]: ...\n"


def stubs() -> dict[str, str]:
    """Every stub: file name in python/nacre -> text."""
    return {
        "__init__.pyi": package_stub(),
        "_core.pyi": core_stub(),
        "activations.pyi": activations_stub(),
        "initializers.pyi": initializers_stub(),
        "layers.pyi": layers_stub(),
        "losses.pyi": losses_stub(),
        "metrics.pyi": metrics_stub(),
        "ops.pyi": ops_stub(),
        "optimizers.pyi": optimizers_stub(),
    }


def stale() -> list[str]:
    """Names of the files that differ from what the core says."""
    folder = ROOT / "python" / "nacre"
    return [n for n, text in stubs().items() if not (folder / n).exists() or (folder / n).read_text(encoding="utf-8") != text]


def main() -> None:
    """Writes the files, or with --check only compares."""
    old = stale()
    if "--check" in sys.argv[1:]:
        if old:
            raise SystemExit(f"stale: {', '.join(old)}. Run python tools/make_stubs.py with the newly built package.")
        return
    texts = stubs()
    for name in old:
        (ROOT / "python" / "nacre" / name).write_text(texts[name], encoding="utf-8")
        print(f"wrote python/nacre/{name}")


if __name__ == "__main__":
    main()
