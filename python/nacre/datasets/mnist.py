"""MNIST: 70,000 grey pictures of handwritten digits, 28x28 (LeCun, Cortes, Burges 1998)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nacre.datasets import _idx

if TYPE_CHECKING:
    import os

    from nacre.datasets._bundled import Split

NUM_CLASSES = 10

_SET = _idx.IdxSet(
    name="mnist",
    url="https://storage.googleapis.com/cvdf-datasets/mnist/",
    system_folder="/usr/share/datasets/mnist",
    debian=None,
    files={
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
)


def load_data(
    path: str | os.PathLike[str] | None = None,
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    download: bool = False,
) -> Split:
    """The pictures and labels, from files on this machine or, when asked, from the net.

    The four IDX files, plain or .gz, are looked for in `path`; without it in the folder of the environment variable NACRE_DATA, in
    the cache (`cache_dir`, else below NACRE_HOME, else the user's cache folder) and in the system folder
    /usr/share/datasets/mnist. Their content is checked against known SHA-256 sums.

    Args:
        path: the folder that holds the files; no other is looked at.
        cache_dir: where downloads are kept, in a subfolder of the set's name.
        download: fetch the files into the cache (or `path`) when they are nowhere.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: x is uint8 [60000, 28, 28] and [10000, 28, 28] with values 0 to 255, y is uint8
        [60000] and [10000] with 0 to 9, the digits.

    Raises:
        FileNotFoundError: the files are nowhere; the message says how to get them.
        ValueError: a file is damaged or holds something else.

    Example:
        >>> (x, y), (x_test, y_test) = nc.datasets.mnist.load_data()  # doctest: +SKIP
        >>> x.shape, y.shape  # doctest: +SKIP
        ((60000, 28, 28), (60000,))
    """
    return _idx.load(_SET, path, cache_dir, download)
