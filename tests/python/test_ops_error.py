"""Every wrong call in the tables: the class of the error, and a message that names the op, the argument and the value."""

import builtins

import numpy as np
import op_harness
import pytest
from samples import tables

from nacre import _core, errors

_, BAD = tables()
CASES = [(name, bad) for name, rows in BAD.items() for bad in rows]


@pytest.mark.parametrize(("name", "bad"), CASES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(CASES)])
def test_error(name, bad):
    kind = getattr(errors, bad.error, None) or getattr(builtins, bad.error)
    arrays = [x.astype(np.float32) if isinstance(x, np.ndarray) and x.dtype == np.float64 else x for x in bad.objects()]
    before = [x.copy() if isinstance(x, np.ndarray) else x for x in arrays]
    given = [_core.asarray(x) if isinstance(x, np.ndarray) else x for x in arrays]
    with pytest.raises(kind) as caught:
        op_harness.call(name, given, bad.attrs)
    text = str(caught.value)
    for piece in bad.match:
        assert piece in text, f"{piece!r} is not in {text!r}"
    for x, old in zip(arrays, before, strict=True):
        if isinstance(x, np.ndarray):
            np.testing.assert_array_equal(x, old)


def test_every_public_op_names_itself():
    """Without arguments an op with a required one says so, under its own name."""
    for name, record in op_harness.RECORDS.items():
        required = [a for a in record["inputs"] if not a["optional"]] + [f for f in record["fields"] if f["required"]]
        if required:
            with pytest.raises(TypeError, match=name):
                _core.op_functions[name]()
        with pytest.raises(TypeError, match="no_such_option"):
            _core.op_functions[name](no_such_option=1)
