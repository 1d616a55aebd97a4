"""Rules that hold for every file of the tree."""

import re
import subprocess

from cmake_build import ROOT

TEXT = {
    ".h",
    ".hpp",
    ".cpp",
    ".inc",
    ".cc",
    ".c",
    ".cu",
    ".py",
    ".pyi",
    ".md",
    ".txt",
    ".cmake",
    ".in",
    ".toml",
    ".json",
    ".yaml",
    ".sh",
}
CODE = {".h", ".hpp", ".cpp", ".inc", ".cc", ".c", ".cu", ".py", ".cmake"}
MAX_LINES = 650
SKIPPED_FOLDERS = {"build", ".venv", ".git", "dist", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", "__pycache__"}


def tracked():
    """The files that git knows; all files where the tree is no git checkout."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = done.stdout.split("\0") if done.returncode == 0 else []
    paths = [ROOT / name for name in names if name]
    if not paths:
        paths = [path for path in ROOT.rglob("*") if not SKIPPED_FOLDERS & set(path.relative_to(ROOT).parts)]
    return [path for path in paths if path.is_file() and (path.suffix in TEXT or path.name == "run")]


def matches(pattern, suffixes=TEXT):
    found = []
    for path in tracked():
        if path.suffix not in suffixes and path.name != "run":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(pattern, line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    return found


def test_there_are_files():
    assert len(tracked()) > 50


def test_no_file_is_too_long():
    generated = {"_core.pyi"}
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in tracked() if path.suffix in CODE}
    long = [f"{path.relative_to(ROOT)}: {n} lines" for path, n in lengths.items() if n > MAX_LINES and path.name not in generated]
    assert not long, "\n".join(long)


def test_no_path_of_one_machine():
    # Written in pieces, so that this line does not find itself.
    folders = "|".join("/" + name + "/" for name in ("work", "tmp", "root", "home"))
    found = matches(rf"(?<![\w.}})/-])({folders})\w")
    assert not found, "\n".join(found)


def test_no_package_index_is_named():
    found = matches("|".join(["pypi" + r"\.org", "pythonhosted" + r"\.org", "index" + "-url"]))
    assert not found, "\n".join(found)


def test_arithmetic_is_never_loosened():
    """No flag that lets the compiler change values, and nothing that changes the floating-point state of the caller."""
    words = ["f" + "fast-math", "funsafe" + "-math", "fassociative" + "-math", "Of" + "ast", "fe" + "setround", "_MM_SET" + "_FLUSH",
             "_MM_SET" + "_DENORM", "_mm_set" + "csr", "fe" + "setenv", "ffinite" + "-math"]  # fmt: skip
    found = [line for line in matches("|".join(words), CODE | {".txt", ".json"}) if "tests/meta" not in line]
    assert not found, "\n".join(found)


def test_the_library_prints_and_ends_nothing():
    """It runs inside other programs (STYLE: never abort, exit or print)."""
    pattern = re.compile(r"\b(std::abort|std::exit|std::terminate|std::cout|std::cerr|printf\s*\(|::abort\s*\(|[^_.\w]exit\s*\()")
    allowed = re.compile(r"\bv?snprintf")
    found = []
    for path in (ROOT / "cpp" / "nacre").rglob("*"):
        if path.suffix in CODE and not path.is_dir():
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                code = allowed.sub("", line.split("//")[0])
                if pattern.search(code):
                    found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert not found, "\n".join(found)


def test_version_has_one_source():
    header = (ROOT / "cpp" / "nacre" / "version.h").read_text(encoding="utf-8")
    parts = [re.search(rf"NACRE_VERSION_{part} (\d+)", header).group(1) for part in ("MAJOR", "MINOR", "PATCH")]
    assert f'NACRE_VERSION "{".".join(parts)}"' in header


def test_every_preset_builds_into_the_ignored_folder():
    import json

    presets = json.loads((ROOT / "CMakePresets.json").read_text(encoding="utf-8"))
    assert {"dev", "release", "asan", "ubsan", "tsan"} <= {preset["name"] for preset in presets["configurePresets"]}
    assert presets["configurePresets"][0]["binaryDir"] == "${sourceDir}/build/${presetName}"
    assert "/build/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
