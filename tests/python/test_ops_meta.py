"""The tables of samples are complete: every op of the registry, every attribute, every optional input; and every op explains itself."""

import re

import numpy as np
import op_harness
import pytest
from samples import tables

import nacre as nc

SAMPLES, BAD = tables()
RECORDS = op_harness.RECORDS
PUBLIC = [name for name, record in RECORDS.items() if not record["internal"]]
# Internal ops (gradients, helpers) repeat the attributes of their public op, so completeness is asked of the public ones.


def test_tables_and_registry_agree():
    names = set(RECORDS)
    assert not names - SAMPLES.keys(), "ops without samples"
    assert not names - BAD.keys(), "ops without an error table"
    assert not SAMPLES.keys() - names, "samples of unknown ops"
    assert not BAD.keys() - names, "error tables of unknown ops"
    assert all(SAMPLES.values())
    assert all(BAD.values())


@pytest.mark.parametrize("name", list(RECORDS))
def test_labels_are_unique(name):
    labels = [s.label for s in SAMPLES[name]]
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize("name", PUBLIC)
def test_every_attribute_has_a_sample(name):
    given = {key for s in SAMPLES[name] for key in s.attrs}
    assert not {f["name"] for f in RECORDS[name]["fields"]} - given


@pytest.mark.parametrize("name", PUBLIC)
def test_every_optional_input_is_present_and_absent(name):
    for k, argument in enumerate(RECORDS[name]["inputs"]):
        if argument["optional"]:
            there = {k < len(s.inputs) and s.inputs[k] is not None for s in SAMPLES[name]}
            assert there == {True, False}, argument["name"]


@pytest.mark.parametrize("name", list(RECORDS))
def test_gradient_or_reason(name):
    record = RECORDS[name]
    if record["differentiable"]:
        parent = op_harness.CHECKED_THROUGH.get(name)
        rows = SAMPLES[parent or name]
        assert any(s.gradient and (s.second or not parent) for s in rows), "an op with a gradient and no gradient sample"
    else:
        assert record["not_differentiable"]


@pytest.mark.parametrize("name", PUBLIC)
def test_samples_differ_from_constants(name):
    """A reference that ignores its inputs would let a broken op pass: for some sample other inputs must give another result."""
    if not RECORDS[name]["inputs"]:
        return
    for s in SAMPLES[name]:
        if s.reference is None:
            return
        a, b = (s.arrays(seed) for seed in (0, 1))
        with np.errstate(all="ignore"):
            one, other = (np.concatenate([y.reshape(-1) for y in op_harness.expected_outputs(s, arrays)]) for arrays in (a, b))
        if not np.array_equal(one, other):
            return
    unchanging = {"zeros_like", "ones_like", "full_like"}
    assert name in unchanging


@pytest.mark.parametrize("name", PUBLIC)
def test_doc_says_what_is_needed(name):
    doc = RECORDS[name]["doc"]
    first = doc.splitlines()[0]
    assert first.endswith("."), first
    if RECORDS[name]["inputs"] or RECORDS[name]["fields"]:
        assert "\nArgs:\n" in doc
    for part in ("\nReturns:\n", "\nExample:\n"):
        assert part in doc, part
    arguments = doc.split("\nArgs:\n")[-1].split("\n\n")[0]
    for argument in [*RECORDS[name]["inputs"], *RECORDS[name]["fields"]]:
        assert re.search(rf"\b{argument['name']}\b", arguments), f"Args says nothing about {argument['name']}"


@pytest.mark.parametrize("name", PUBLIC)
def test_doc_example_runs(name):
    code = "\n".join(line.strip()[4:] for line in RECORDS[name]["doc"].splitlines() if line.strip().startswith((">>> ", "... ")))
    assert code
    exec(compile(code, f"<doc of {name}>", "exec"), {"nc": nc, "np": np})  # noqa: S102 - our own text
