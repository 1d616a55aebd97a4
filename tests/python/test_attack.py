"""Every public call with every class of bad value, in child processes: no signal, no hang, bounded memory, no array changed, and messages that name the
op, the argument and the value. The cases are generated in attack/cases.py."""

from __future__ import annotations

import json
import pathlib
import queue
import subprocess
import sys
import threading

import pytest

HERE = pathlib.Path(__file__).parent
CALL_S = 5.0
# The first line of a child comes after the imports and the making of all cases.
START_S = 120.0


class Child:
    """A child process that runs the cases from `first` on."""

    def __init__(self, first: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "attack" / "child.py"), str(first)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.errors: list[str] = []
        self.reader = threading.Thread(target=lambda: self.errors.extend(self.process.stderr or []), daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or []:
            self.lines.put(line)
        self.lines.put(None)

    def next(self, timeout: float) -> str | None:
        """The next line, None at the end; queue.Empty after `timeout` seconds."""
        return self.lines.get(timeout=timeout)


def run_all() -> tuple[int, dict[int, dict[str, object]], list[str]]:
    """Number of cases, outcome by case, and findings about the process (signals, hangs)."""
    outcomes: dict[int, dict[str, object]] = {}
    findings: list[str] = []
    first, count = 0, 1
    while first < count:
        child = Child(first)
        running = None
        try:
            while True:
                line = child.next(START_S if running is None else CALL_S)
                if line is None:
                    code = child.process.wait()
                    child.reader.join(5)
                    findings.append(f"case {running}: the process ended with {code}: {''.join(child.errors)[-600:]}")
                    break
                word, _, rest = line.strip().partition(" ")
                if word == "count":
                    count = int(rest)
                elif word == "start":
                    running = int(rest)
                elif word == "end":
                    number, _, text = rest.partition(" ")
                    outcomes[int(number)] = json.loads(text)
                elif word == "done":
                    return count, outcomes, findings
        except queue.Empty:
            findings.append(f"case {running}: no answer within {CALL_S} s")
        finally:
            child.process.kill()
            child.process.wait()
        if running is None:
            break
        first = running + 1
        if len(findings) > 20:
            break
    return count, outcomes, findings


@pytest.fixture(scope="module")
def attack():
    sys.path.insert(0, str(HERE))
    from attack.cases import all_cases

    count, outcomes, findings = run_all()
    return all_cases(), count, outcomes, findings


def names(findings, cases):
    return [f"{cases[int(f.split()[1].rstrip(':'))].name}: {f}" if f.split()[1].rstrip(":").isdigit() else f for f in findings]


def test_no_signal_and_no_hang(attack):
    cases, count, outcomes, findings = attack
    assert not findings, "\n".join(names(findings, cases))
    assert len(cases) == count >= 5000
    assert len(outcomes) == count
    raised = sum(o["kind"] == "raised" for o in outcomes.values())
    print(f"attack: {count} calls, {raised} raised, {count - raised} returned")


def test_errors_are_of_python_kinds(attack):
    cases, _, outcomes, _ = attack
    foreign = [f"{cases[i].name}: {o['type']}: {o['message']}" for i, o in outcomes.items() if o["kind"] == "foreign"]
    assert not foreign, "\n".join(foreign[:40])


def test_no_array_of_the_caller_changed(attack):
    cases, _, outcomes, _ = attack
    changed = [cases[i].name for i, o in outcomes.items() if o["changed"]]
    assert not changed, "\n".join(changed[:40])


def test_messages_name_op_argument_and_value(attack):
    cases, _, outcomes, _ = attack
    poor = []
    for i, outcome in outcomes.items():
        if outcome["kind"] != "raised":
            continue
        case, message = cases[i], str(outcome["message"])
        low = message.lower()
        who = any(owner.lower() in low for owner in case.owner)
        # An argument may be named by its value alone where the message shows both shapes of a pair. What a value leads to stands for it where it
        # is a size (the shape that has too many elements) or lies in the data (the index and its place).
        stem = "axes" if case.argument == "axis" and "axes" in low else case.argument.rstrip("s").lower()
        what = (
            (stem and stem in low)
            or any(word and word.lower() in low for word in case.words)
            or (" shape [" in low and ("could not be allocated" in low or "too many elements" in low))
            or (": index " in low and " at position " in low)
        )
        if not who or not what:
            poor.append(f"{case.name}: {outcome['type']}: {message[:200]}")
    assert not poor, f"{len(poor)} messages\n" + "\n".join(poor[:60])
