"""The order of the layers is a test, not a wish: a file of cpp/nacre includes its own layer or layers to the left.

base -> simd -> expr -> kernels -> tensor -> autograd, io, data -> ops -> nn, optim, metrics -> plan -> model -> capi, bindings
"""

import re

from cmake_build import ROOT

CORE = ROOT / "cpp" / "nacre"
ORDER = [
    ["base"], ["simd"], ["expr"], ["kernels"], ["tensor"], ["autograd", "io", "data"], ["ops"], ["nn", "optim", "metrics"], ["plan"],
    ["model"], ["capi", "bindings"],
]  # fmt: skip
RANK = {layer: rank for rank, layers in enumerate(ORDER) for layer in layers}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.MULTILINE)
SUFFIXES = {".h", ".hpp", ".cpp", ".inc", ".cc"}


def sources(core):
    return sorted(path for path in core.rglob("*") if path.suffix in SUFFIXES)


def problems_of(core):
    """All includes that break a rule, as text, and the number of includes that were read."""
    problems, count = [], 0
    for path in sources(core):
        where = path.relative_to(core)
        layer = where.parts[0] if len(where.parts) > 1 else None
        if layer is not None and layer not in RANK:
            problems.append(f"{where}: '{layer}' is no layer")
            continue
        for bracket, name in INCLUDE.findall(path.read_text(encoding="utf-8")):
            count += 1
            if name.startswith("pybind11") and layer != "bindings":
                problems.append(f"{where}: includes <{name}>; only bindings may")
            if not name.startswith("nacre/"):
                if bracket == '"' and not name.startswith("pybind11"):
                    problems.append(f'{where}: includes "{name}"; write the path from nacre/')
                continue
            target = name.split("/")[1:]
            if not (core / "/".join(target)).is_file():
                problems.append(f"{where}: includes {name}, which does not exist")
            elif len(target) == 1:  # nacre/version.h, nacre/nacre.hpp
                if target[0] != "version.h" and layer not in (None, "bindings"):
                    problems.append(f"{where}: includes {name}; the core includes what it needs")
            elif layer is not None and target[0] != layer and RANK[target[0]] >= RANK[layer]:
                problems.append(f"{where}: includes {name}; {layer} stands left of {target[0]} or beside it")
    return problems, count


def test_no_arrow_points_right():
    problems, count = problems_of(CORE)
    assert count > 100
    assert not problems, "\n".join(problems)


def test_wrong_arrows_are_seen(tmp_path):
    files = {
        "version.h": "",
        "nacre.hpp": '#include "nacre/ops/op.h"\n',
        "base/a.h": '#include "nacre/kernels/k.h"\n',
        "kernels/k.h": '#include "nacre/base/a.h"\n#include <vector>\n#include "nacre/version.h"\n',
        "kernels/deep/k.cpp": '#include "nacre/tensor/t.h"\n  #  include "k.h"\n',
        "tensor/t.h": '#include "nacre/nacre.hpp"\n#include "nacre/tensor/gone.h"\n',
        "io/i.h": '#include "nacre/data/d.h"\n',
        "data/d.h": '#include "nacre/base/a.h"\n',
        "ops/op.h": "#include <pybind11/pybind11.h>\n",
        "bindings/b.cpp": '#include <pybind11/pybind11.h>\n#include "nacre/ops/op.h"\n',
        "extra/e.h": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    problems, count = problems_of(tmp_path)
    assert count == 14
    assert sorted(problem.split(":")[0] for problem in problems) == [
        "base/a.h", "extra/e.h", "io/i.h", "kernels/deep/k.cpp", "kernels/deep/k.cpp", "ops/op.h", "tensor/t.h", "tensor/t.h",
    ]  # fmt: skip


def test_the_order_is_the_one_of_the_docs():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert " -> ".join(", ".join(layers) for layers in ORDER) + " -> python" in text
