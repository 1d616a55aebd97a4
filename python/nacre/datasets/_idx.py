"""IDX files (the format of MNIST): find, check, read, and download when asked.

Format: two zero bytes, a type code, the number of dimensions, each dimension as a big-endian uint32, then the values, big-endian.
A file may be compressed with gzip. Checksums are those of the decompressed bytes, because distributions compress anew.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nacre.datasets._bundled import Split

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_LARGEST = 1 << 28  # bytes read of one file at most (the largest has 47 MB): a gzip bomb ends here


@dataclass(frozen=True)
class IdxSet:
    """A data set of four IDX files. `files` maps the file name (without .gz) to its SHA-256; `debian` is the package that holds it."""

    name: str
    url: str
    system_folder: str
    debian: str | None
    files: dict[str, str]


def parse_idx(content: bytes, name: str = "idx") -> NDArray[Any]:
    """The array in an IDX file's bytes, as a new array in native byte order. `name` begins the messages.

    Raises:
        ValueError: the bytes are not exactly one IDX file.
    """
    import numpy as np

    if len(content) < 4:
        raise ValueError(f"{name}: an IDX file begins with 4 bytes, but there are only {len(content)}.")
    if content[:2] != b"\0\0" or content[2] not in _TYPES:
        known = ", ".join(f"0x{code:02x}" for code in _TYPES)
        raise ValueError(f"{name}: the first bytes are {content[:4].hex(' ')}. An IDX file has 00 00, a type ({known}), the rank.")
    rank = content[3]
    if rank == 0 or len(content) < 4 + 4 * rank:
        raise ValueError(f"{name}: rank {rank} needs {4 + 4 * rank} bytes of header (at least one dimension), got {len(content)}.")
    shape = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank)]
    dtype = np.dtype(_TYPES[content[2]])
    expected = dtype.itemsize
    for size in shape:
        expected *= size
    if len(content) - 4 - 4 * rank != expected:
        raise ValueError(f"{name}: shape {shape} of {dtype.name} needs {expected} bytes, got {len(content) - 4 - 4 * rank}.")
    return np.frombuffer(content, dtype, offset=4 + 4 * rank).reshape(shape).astype(dtype.newbyteorder("="))


def read_file(path: str) -> bytes:
    """The bytes of an IDX file, decompressed when the name ends in .gz."""
    if not path.endswith(".gz"):
        with open(path, "rb") as file:
            return file.read(_LARGEST)
    import gzip
    import zlib

    try:
        with gzip.open(path, "rb") as file:
            return file.read(_LARGEST)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: not a whole gzip file ({error}).") from None


def cache_folder(name: str, cache_dir: str | os.PathLike[str] | None) -> str:
    """Where downloads of this set are kept: `cache_dir`, else NACRE_HOME, else the user's cache folder."""
    if cache_dir is not None:
        return os.path.join(os.fspath(cache_dir), name)
    home = os.environ.get("NACRE_HOME")
    if not home:
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        home = os.path.join(cache, "nacre")
    return os.path.join(home, "datasets", name)


def folders(data: IdxSet, path: str | os.PathLike[str] | None, cache_dir: str | os.PathLike[str] | None) -> list[str]:
    """Where the files are looked for, in this order. A `path` that is given is the only place."""
    if path is not None:
        return [os.fspath(path)]
    places = []
    shared = os.environ.get("NACRE_DATA")
    if shared:
        places += [os.path.join(shared, data.name), os.path.join(shared, data.name.replace("_", "-")), shared]
    return [*places, cache_folder(data.name, cache_dir), data.system_folder]


def _find(folder: str, files: dict[str, str]) -> list[str] | None:
    found = []
    for name in files:
        for candidate in (os.path.join(folder, name), os.path.join(folder, name + ".gz")):
            if os.path.isfile(candidate):
                found.append(candidate)
                break
        else:
            return None
    return found


def _check(content: bytes, expected: str, where: str) -> None:
    import hashlib

    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ValueError(f"{where}: SHA-256 of the decompressed bytes is {found}, not {expected}. Damaged, or another data set.")


def _download(data: IdxSet, folder: str) -> None:
    """The four files into `folder`: each is checked in memory, written under another name and renamed, so none is ever half there."""
    import gzip
    import tempfile
    import urllib.request
    import zlib

    os.makedirs(folder, exist_ok=True)
    for name, sha256 in data.files.items():
        target = os.path.join(folder, name + ".gz")
        if os.path.isfile(target):
            continue
        url = f"{data.url}{name}.gz"
        with urllib.request.urlopen(url, timeout=60) as answer:
            packed = answer.read(_LARGEST)
        try:
            content = gzip.decompress(packed)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{url}: not a whole gzip file ({error}).") from None
        _check(content, sha256, url)
        handle, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(packed)
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise


def _read_set(files: list[str], data: IdxSet) -> Split:
    arrays = []
    for file, sha256 in zip(files, data.files.values(), strict=True):
        content = read_file(file)
        _check(content, sha256, file)
        arrays.append(parse_idx(content, file))
    x_train, y_train, x_test, y_test = arrays
    return (x_train, y_train), (x_test, y_test)


def load(data: IdxSet, path: str | os.PathLike[str] | None, cache_dir: str | os.PathLike[str] | None, download: bool) -> Split:
    """The set from the first folder that has all four files with the right content."""
    places = folders(data, path, cache_dir)
    damage = None
    for folder in places:
        found = _find(folder, data.files)
        if found is not None:
            try:
                return _read_set(found, data)
            except ValueError as error:  # NACRE_DATA may hold another set with the same file names: look further
                damage = damage or error
    if damage is not None:
        raise damage
    if download:
        folder = cache_folder(data.name, cache_dir) if path is None else os.fspath(path)
        _download(data, folder)
        found = _find(folder, data.files)
        if found is not None:
            return _read_set(found, data)
    ways = ["give download=True", f"put {', '.join(data.files)} (or .gz) into {places[0]}"]
    if data.debian is not None:
        ways.insert(0, f"install the Debian package {data.debian} (it fills {data.system_folder})")
    raise FileNotFoundError(f"{data.name}: the files are in none of {', '.join(places)}. Either {'; or '.join(ways)}.")
