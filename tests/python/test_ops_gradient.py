"""First and second derivatives of every differentiable op and option, against central differences in float64 (rtol 1e-5, atol 1e-7),
and the gradient in float32 against that in float64."""

import op_harness
import pytest

CASES = [(name, s) for name, s in op_harness.cases() if s.gradient and op_harness.RECORDS[name]["differentiable"]]
IDS = [f"{name}-{s.label}" for name, s in CASES]
CHECKED: dict[str, int] = {}
SECOND: dict[str, int] = {}


def differentiable(name, sample):
    """False for samples without a float on both sides: integers through an op that has a gradient."""
    return op_harness.has_gradient(name, sample)


@pytest.mark.parametrize(("name", "sample"), CASES, ids=IDS)
def test_gradient(name, sample):
    if differentiable(name, sample):
        CHECKED[name] = CHECKED.get(name, 0) + op_harness.check_gradient(name, sample)
        op_harness.check_gradient_float32(name, sample)


@pytest.mark.parametrize(
    ("name", "sample"), [c for c in CASES if c[1].second], ids=[f"{name}-{s.label}" for name, s in CASES if s.second]
)
def test_second_derivative(name, sample):
    if differentiable(name, sample):
        SECOND[name] = SECOND.get(name, 0) + op_harness.check_gradient(name, sample, second=True)


def test_every_differentiable_op_was_checked(request, record_property, capsys):
    """Runs after the gradients above: each op with a gradient had at least one number of it compared."""
    ran = [item for item in request.session.items if item.path == request.path]
    if len(ran) < len(CASES):
        pytest.skip("only a part of the gradient tests was chosen")
    through = op_harness.CHECKED_THROUGH
    differentiable_ops = [name for name, record in op_harness.RECORDS.items() if record["differentiable"]]
    missing = [name for name in differentiable_ops if not (SECOND.get(through[name]) if name in through else CHECKED.get(name))]
    record_property("ops", len(CHECKED))
    with capsys.disabled():
        print(f" gradients of {len(differentiable_ops)} ops, {sum(CHECKED.values())} + {sum(SECOND.values())} numbers ", end="")
    assert not missing
