"""Fashion-MNIST: 70,000 grey pictures of clothes, 28x28, in 10 classes (Xiao, Rasul, Vollgraf 2017; MIT licence)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nacre.datasets import _idx

if TYPE_CHECKING:
    import os

    from nacre.datasets._bundled import Split

NUM_CLASSES = 10
CLASS_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

_SET = _idx.IdxSet(
    name="fashion_mnist",
    url="https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    system_folder="/usr/share/datasets/fashion-mnist",
    debian="dataset-fashion-mnist",
    files={
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
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
    /usr/share/datasets/fashion-mnist (Debian package `dataset-fashion-mnist`). Their content is checked against known SHA-256 sums.

    Args:
        path: the folder that holds the files; no other is looked at.
        cache_dir: where downloads are kept, in a subfolder of the set's name.
        download: fetch the files into the cache (or `path`) when they are nowhere.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: x is uint8 [60000, 28, 28] and [10000, 28, 28] with values 0 to 255, y is uint8
        [60000] and [10000] with 0 to 9, the classes of CLASS_NAMES.

    Raises:
        FileNotFoundError: the files are nowhere; the message says how to get them.
        ValueError: a file is damaged or holds something else.

    Example:
        >>> (x, y), (x_test, y_test) = nc.datasets.fashion_mnist.load_data()  # doctest: +SKIP
        >>> x.shape, y.shape  # doctest: +SKIP
        ((60000, 28, 28), (60000,))
    """
    return _idx.load(_SET, path, cache_dir, download)
