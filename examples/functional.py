"""A network with a branch, two outputs and a layer of your own, by the functional API.

    python examples/functional.py [--epochs 15]

From the digits that come with nacre it learns two things at once: which digit it is, and how much ink it has. The two share a
residual block; the ink is read by a layer that is written here.
"""

import argparse

import nacre as nc


@nc.saving.register_serializable("examples")
class WeightedSum(nc.layers.Layer):
    """One number per row: the sum of its features with learned weights."""

    def build(self, input_shape):
        self.weight = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="weight")

    def call(self, x):
        return (x * self.weight).sum(axis=-1, keepdims=True)


def build_model():
    image = nc.Input((8, 8, 1), name="image")
    h = nc.layers.Conv2D(16, 3, padding="same", activation="relu")(image)
    branch = nc.layers.Conv2D(16, 3, padding="same", activation="relu")(h)
    h = nc.layers.MaxPooling2D()(nc.layers.Add()([h, branch]))
    digit = nc.layers.Dense(10, activation="softmax", name="digit")(nc.layers.Dropout(0.25)(nc.layers.Flatten()(h)))
    ink = WeightedSum(name="ink")(nc.layers.Flatten()(image - 0.5)) + 0.5
    model = nc.Model(image, {"digit": digit, "ink": ink})
    model.compile(
        "adam",
        loss={"digit": "sparse_categorical_crossentropy", "ink": "mse"},
        loss_weights={"ink": 10},
        metrics={"digit": ["accuracy"], "ink": ["mae"]},
    )
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=15)
    arguments = parser.parse_args()

    nc.utils.set_random_seed(0)
    (x_train, y_train), (x_test, y_test) = nc.datasets.digits.load_data()
    x_train, x_test = x_train[..., None] / 16, x_test[..., None] / 16

    model = build_model()
    model.summary()
    model.fit(x_train, {"digit": y_train, "ink": x_train.mean((1, 2))}, epochs=arguments.epochs, validation_split=0.1)
    results = model.evaluate(x_test, {"digit": y_test, "ink": x_test.mean((1, 2))}, verbose=0, return_dict=True)
    print(f"test accuracy {results['digit_accuracy']:.2f}, mean error of the ink {results['ink_mae']:.4f}")


if __name__ == "__main__":
    main()
