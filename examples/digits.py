"""A small convolutional network learns to read handwritten digits.

    python examples/digits.py [--epochs 20] [--out model.safetensors]

The data are the 1,797 real digits that come with nacre. Trains, prints the accuracy on held-out digits, saves the model, loads it
again and shows a few predictions.
"""

import argparse
import os
import tempfile

import nacre as nc


def build_model():
    model = nc.Sequential(
        [
            nc.Input(shape=(8, 8, 1)),
            nc.layers.Conv2D(32, 3, padding="same", activation="relu"),
            nc.layers.MaxPooling2D(),
            nc.layers.Conv2D(64, 3, padding="same", activation="relu"),
            nc.layers.Flatten(),
            nc.layers.Dropout(0.25),
            nc.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def show(image, label, probabilities):
    """A digit in characters, beside it what the model says."""
    guess = int(probabilities.argmax())
    lines = ["".join(" .:oO@"[int(value * 5)] * 2 for value in row) for row in image[:, :, 0]]
    lines[3] += f"    it is {label}, the model says {guess} ({100 * float(probabilities[guess]):.1f} %)"
    print("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--out", help="where to save the model (default: a temporary folder)")
    arguments = parser.parse_args()

    nc.utils.set_random_seed(0)
    (x_train, y_train), (x_test, y_test) = nc.datasets.digits.load_data()
    x_train = x_train[..., None] / 16  # [N, 8, 8, 1], values 0 to 1
    x_test = x_test[..., None] / 16

    model = build_model()
    model.summary()
    model.fit(x_train, y_train, batch_size=32, epochs=arguments.epochs, validation_split=0.1)
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"test accuracy {accuracy:.2f}")

    with tempfile.TemporaryDirectory() as folder:
        path = arguments.out or os.path.join(folder, "digits.safetensors")
        model.save(path)
        print(f"saved {os.path.getsize(path) / 1024:.0f} KB to {path} and loaded it again; three digits it never saw:\n")
        loaded = nc.models.load_model(path)
    for image, label, probabilities in zip(x_test[:3], y_test[:3], loaded.predict(x_test[:3], verbose=0), strict=True):
        show(image, label, probabilities)


if __name__ == "__main__":
    main()
