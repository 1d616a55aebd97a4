"""Documentation is complete and true: every public name says what it takes and gives, and every example is run and compared."""

import ast
import doctest
import importlib
import inspect
import re

import numpy as np
import pytest

import nacre
from nacre import _core

RECORDS = _core.op_records()
PUBLIC_OPS = sorted(name for name, record in RECORDS.items() if not record["internal"])
MODULES = ["nacre", "nacre.autograd", *(f"nacre.{name}" for name in sorted(nacre._MODULES) if name not in ("datasets", "errors"))]
DATASETS = [f"nacre.datasets.{name}" for name in ("digits", "fashion_mnist", "iris", "mnist", "wine")]


def example_lines(doc):
    """(statement, what is said to come out or None) for each line behind "Example:": `>>> f(x)  # 3`, or the result on the next line."""
    block = doc.partition("Example:\n")[2].split("\n\n")[0]
    lines = [line.strip() for line in block.splitlines()]
    out = []
    for line in lines:
        if line.startswith(">>> "):
            code, _, comment = line[4:].partition("  # ")
            out.append((code, comment or None))
        elif line:
            out[-1] = (out[-1][0], line)
    return out


def same(got, said):
    """Compares a result with text such as "[1, 2.5]", "(2, 3)", "True"; numbers to the 7 digits that the text gives."""
    expected = ast.literal_eval(said)
    if isinstance(got, (tuple, list)) and got and isinstance(got[0], nacre.Tensor):
        got = [tensor.tolist() for tensor in got]
    elif isinstance(got, nacre.Tensor):
        got = got.tolist()
    np.testing.assert_allclose(np.asarray(got, dtype=float), np.asarray(expected, dtype=float), rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("name", PUBLIC_OPS)
def test_op_example(name):
    lines = example_lines(RECORDS[name]["doc"])
    assert lines, "no example"
    assert any(name in code or name.removeprefix("random_") in code for code, _ in lines)
    scope = {"nc": nacre}
    assert any(said for _, said in lines), "no result is shown"
    for code, said in lines:
        if said is None:
            exec(code, scope)  # noqa: S102 - our own documentation; it must not raise
        else:
            same(eval(code, scope), said)


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_op_documentation_names_every_argument(name):
    record = RECORDS[name]
    doc = record["doc"]
    first = doc.split("\n")[0]
    assert first
    assert first.endswith((".", ":"))
    if record["internal"]:
        return
    for part in ("Returns:", "Example:"):
        assert f"\n{part}\n" in doc, part
    arguments = [entry["name"] for entry in record["inputs"] + record["fields"]]
    described = set(re.findall(r"\w+", " ".join(re.findall(r"^    ([\w, ]+):", doc.partition("\nArgs:\n")[2], re.MULTILINE))))
    assert set(arguments) <= described


def public():
    for module_name in MODULES + DATASETS:
        module = importlib.import_module(module_name)
        for name in getattr(module, "__all__", None) or sorted(n for n in vars(module) if not n.startswith("_")):
            value = getattr(module, name)
            own = getattr(value, "__module__", None) in (module_name, "nacre._core", "nacre.layers")
            if own and callable(value) and name not in RECORDS and name not in nacre.ops._aliases:
                yield f"{module_name}.{name}", value


ENTRIES = dict(public())


def test_public_names_were_found():
    assert len(ENTRIES) > 100
    for name in (*MODULES, *DATASETS):
        assert (importlib.import_module(name).__doc__ or "").strip(), name


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_documentation_names_every_argument(name):
    value = ENTRIES[name]
    doc = inspect.getdoc(value)
    assert doc
    try:
        names = [p.name for p in inspect.signature(value).parameters.values() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    except ValueError:  # a function of the core without a readable signature
        return
    described = re.findall(r"^    (\w+):", doc.partition("Args:\n")[2], re.MULTILINE)
    if inspect.isfunction(value) or "Args:" in doc:
        assert set(names) <= set(described), "not every argument is under Args"


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_example_shows_a_result(name):
    """The right one: test_docstring_examples_run does not look at what is bound in the core."""
    doc = inspect.getdoc(ENTRIES[name]) or ""
    test = doctest.DocTestParser().get_doctest(doc.partition("Example:\n")[2], {"nc": nacre}, name, None, None)
    assert any(example.want for example in test.examples), "no example with a result"
    assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test).failed == 0, "see the output above"


@pytest.mark.parametrize("name", sorted(name for name, value in ENTRIES.items() if inspect.isclass(value)))
def test_methods_are_documented(name):
    own = vars(ENTRIES[name])
    bare = []
    for key, value in own.items():
        base = next((vars(b)[key] for b in ENTRIES[name].__mro__[1:] if key in vars(b)), None)
        if key.startswith("_") or not (callable(value) or isinstance(value, (property, classmethod))):
            continue
        if not (getattr(value, "__doc__", None) or getattr(base, "__doc__", None)):
            bare.append(key)
    assert not bare


@pytest.mark.parametrize("module_name", MODULES + DATASETS)
def test_docstring_examples_run(module_name):
    """All but those of the ops, which have their own form above."""
    module = importlib.import_module(module_name)
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in finder.find(module, module_name, extraglobs={"nc": nacre}):
        if test.name.rpartition(".")[2] in RECORDS and not inspect.isfunction(getattr(module, test.name.rpartition(".")[2], None)):
            continue
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0, "see the output above"
