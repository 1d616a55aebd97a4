"""The peers' virtual environment, and nacre in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PEERS = ["torch==2.13.0", "jax", "keras", "onnxruntime", "onnx", "numpy", "scikit-learn"]


def cache_folder() -> Path:
    """Where the environment and other files made on the way live unless --venv says otherwise: outside the repository."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "nacre-bench"


def python_of(venv: Path) -> Path:
    return venv / ("Scripts" if os.name == "nt" else "bin") / "python"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:5])} ... failed:\n{done.stdout[-3000:]}")


def prepare(venv: Path, root: Path, nacre_site: str | None, say: object = print) -> Path:
    """Makes what is missing and returns the interpreter of the environment."""
    python = python_of(venv)
    if not python.exists():
        say(f"making {venv}")  # type: ignore[operator]
        venv.parent.mkdir(parents=True, exist_ok=True)
        _run([sys.executable, "-m", "venv", str(venv)])
    wanted = "import importlib.util as u, sys; sys.exit(any(u.find_spec(m) is None for m in sys.argv[1:]))"
    modules = ["torch", "jax", "keras", "onnxruntime", "onnx", "numpy", "sklearn"]
    if subprocess.run([str(python), "-c", wanted, *modules], check=False, stderr=subprocess.DEVNULL).returncode != 0:
        say(f"installing the peers: {' '.join(PEERS)}")  # type: ignore[operator]
        _run([str(python), "-m", "pip", "install", "-q", *PEERS])
    if nacre_site is None:
        say("installing nacre from this checkout")  # type: ignore[operator]
        _run([str(python), "-m", "pip", "install", "-q", str(root)])
    elif not (Path(nacre_site) / "nacre").is_dir():
        raise FileNotFoundError(f"--nacre-site: '{nacre_site}' holds no package 'nacre'.")
    return python
