"""Makes the bundled data files of python/nacre/datasets/data from scikit-learn's copies. For developers; needs scikit-learn.

    python tools/make_datasets.py

Each file is in the safetensors format with two tensors, `x` and `y`, and its source and licence in the metadata, so that C++, Python
and any safetensors reader open the same file. The bytes depend on the data alone: running it again changes nothing.
"""

import hashlib
import json
import pathlib

import numpy as np
import sklearn.datasets

OUT = pathlib.Path(__file__).parent.parent / "python" / "nacre" / "datasets" / "data"
DTYPES = {"uint8": "U8", "float32": "F32"}
ALIGNMENT = 64  # of the data, so that a mapped file has aligned tensors

SOURCES = {
    "digits": {
        "title": "Optical Recognition of Handwritten Digits, test part: 1,797 images of 8x8 pixels, values 0 to 16",
        "creators": "E. Alpaydin, C. Kaynak (1998)",
        "source": "UCI Machine Learning Repository, doi 10.24432/C50P49; copy of scikit-learn",
        "licence": "CC BY 4.0",
    },
    "iris": {
        "title": "Iris: 150 flowers of 3 kinds, 4 lengths in cm",
        "creators": "R. A. Fisher (1936)",
        "source": "UCI Machine Learning Repository, doi 10.24432/C56C76; copy of scikit-learn (two values follow Fisher's paper)",
        "licence": "CC BY 4.0",
        "features": "sepal length,sepal width,petal length,petal width",
        "classes": "setosa,versicolor,virginica",
    },
    "wine": {
        "title": "Wine: 178 wines of 3 growers, 13 measurements",
        "creators": "S. Aeberhard, M. Forina (1992)",
        "source": "UCI Machine Learning Repository, doi 10.24432/C5PC7J; copy of scikit-learn",
        "licence": "CC BY 4.0",
        "classes": "class_0,class_1,class_2",
    },
}


def header_of(tensors, metadata):
    header, begin = {"__metadata__": metadata}, 0
    for name, array in tensors.items():
        end = begin + array.nbytes
        header[name] = {"dtype": DTYPES[array.dtype.name], "shape": list(array.shape), "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(header, separators=(",", ":")).encode()
    return text + b" " * (-(8 + len(text)) % ALIGNMENT)


def write(name, x, y):
    tensors = {"x": np.ascontiguousarray(x), "y": np.ascontiguousarray(y, dtype=np.uint8)}
    header = header_of(tensors, SOURCES[name])
    content = len(header).to_bytes(8, "little") + header + b"".join(array.tobytes() for array in tensors.values())
    (OUT / f"{name}.safetensors").write_bytes(content)
    print(f"{name}: x {x.shape} {x.dtype}, {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


digits = sklearn.datasets.load_digits()
assert (digits.images == np.round(digits.images)).all()
write("digits", digits.images.astype(np.uint8), digits.target)
iris = sklearn.datasets.load_iris()
write("iris", iris.data.astype(np.float32), iris.target)
wine = sklearn.datasets.load_wine()
SOURCES["wine"]["features"] = ",".join(wine.feature_names)
write("wine", wine.data.astype(np.float32), wine.target)
