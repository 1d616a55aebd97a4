"""Runs cases from a given number on and writes one line per case: `start i`, then `end i` with what happened. Killed by its parent when one hangs."""

from __future__ import annotations

import faulthandler
import json
import pathlib
import resource
import sys
import warnings

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1])]
faulthandler.enable()
MEMORY = 5 << 30  # bytes of address space beyond which an allocation must fail
PYTHON_ERRORS = (ValueError, TypeError, IndexError, RuntimeError, MemoryError, OverflowError, OSError, KeyError)


def main() -> None:
    import numpy as np

    from attack.cases import all_cases

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    cases = all_cases()
    print(f"count {len(cases)}", flush=True)
    for i in range(int(sys.argv[1]), len(cases)):
        case = cases[i]
        before = [a.tobytes() if isinstance(a, np.ndarray) and a.dtype != object else None for a in case.arrays]
        print(f"start {i}", flush=True)
        outcome = {"kind": "returned"}
        try:
            case.run()
        except PYTHON_ERRORS as error:
            outcome = {"kind": "raised", "type": type(error).__name__, "message": str(error)}
        except BaseException as error:  # noqa: BLE001 - any other kind is a finding
            outcome = {"kind": "foreign", "type": type(error).__name__, "message": str(error)}
        after = [a.tobytes() if isinstance(a, np.ndarray) and a.dtype != object else None for a in case.arrays]
        outcome["changed"] = before != after
        print(f"end {i} {json.dumps(outcome)}", flush=True)
    print("done", flush=True)


if __name__ == "__main__":
    main()
