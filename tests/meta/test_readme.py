"""README.md says what is true: its two commands, its example, its links; and the programs in examples/ run."""

import pathlib
import re
import subprocess
import sys

import pytest
from cmake_build import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_there_are_two_commands_of_one_line_each():
    commands = blocks("bash")
    assert len(commands) == 2
    assert all(command.count("\n") == 1 for command in commands)
    assert all("apt-get" in command.split(" && ")[0] for command in commands)
    assert "python3 -m venv .venv" in commands[0]
    assert "examples/digits.py" in commands[0]
    assert ".[test]" in commands[1]
    assert "pytest" in commands[1]


def test_what_it_is_takes_three_lines():
    first = README.split("\n\n")[1]
    assert len(first.splitlines()) == 3


def test_example_has_twelve_lines_and_runs():
    (example,) = blocks("python")
    assert len(example.splitlines()) == 12
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "val_accuracy" in done.stdout


def test_links_lead_somewhere():
    for page in [ROOT / "README.md", *ROOT.glob("docs/*.md"), ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "examples").glob("*.py")))
def test_examples_are_written_for_reading(script):
    text = pathlib.Path(ROOT / "examples" / script).read_text(encoding="utf-8")
    assert text.startswith('"""')
    assert f"python examples/{script}" in text
    assert len(text.splitlines()) < 120


def test_own_loop_learns():
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "own_loop.py"], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    found = [float(text) for text in re.findall(r"test accuracy (\d\.\d+)", done.stdout)]
    assert len(found) == 3
    assert min(found) > 0.95


@pytest.mark.full
def test_fashion_mnist_reaches_ninety_percent():
    from nacre import datasets

    try:
        datasets.fashion_mnist.load_data()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "fashion_mnist.py"], capture_output=True, text=True, check=False, timeout=3600
    )
    assert done.returncode == 0, done.stderr
    (found,) = re.findall(r"test accuracy (\d\.\d+)", done.stdout)
    assert float(found) >= 0.9
