"""A small convolutional network on Fashion-MNIST: 70,000 pictures of clothes in 10 classes. Reaches 90 % on the test set.

    python examples/fashion_mnist.py [--epochs 8] [--download]

The data are looked for on this machine (Debian package dataset-fashion-mnist) and downloaded only with --download.
"""

import argparse

import nacre as nc


def build_model():
    model = nc.Sequential(
        [
            nc.Input(shape=(28, 28, 1)),
            nc.layers.Conv2D(32, 3, activation="relu"),
            nc.layers.MaxPooling2D(),
            nc.layers.Conv2D(64, 3, activation="relu"),
            nc.layers.MaxPooling2D(),
            nc.layers.Flatten(),
            nc.layers.Dropout(0.25),
            nc.layers.Dense(128, activation="relu"),
            nc.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--download", action="store_true", help="fetch the data when they are not on this machine")
    arguments = parser.parse_args()

    nc.utils.set_random_seed(0)
    (x_train, y_train), (x_test, y_test) = nc.datasets.fashion_mnist.load_data(download=arguments.download)
    x_train = x_train[..., None].astype("float32") / 255
    x_test = x_test[..., None].astype("float32") / 255

    model = build_model()
    model.summary()
    model.fit(x_train, y_train, batch_size=128, epochs=arguments.epochs, validation_data=(x_test, y_test))
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"test accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
