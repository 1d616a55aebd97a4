"""Every sample of every op: values against NumPy in float32 and float64, contiguous and strided, bits with 1 and 2 threads and when repeated."""

import op_harness
import pytest

CASES = op_harness.cases()


@pytest.fixture(autouse=True)
def threads():
    before = op_harness._core.num_threads()
    yield
    op_harness._core.set_num_threads(before)


@pytest.mark.parametrize(("name", "sample"), CASES, ids=[f"{name}-{s.label}" for name, s in CASES])
def test_value(name, sample):
    op_harness.check_value(name, sample)
