"""Training without fit: the loop of the lectures, written out.

    python examples/own_loop.py

Three ways to the same step. The first accumulates gradients in the variables, the second asks for them as values, the third is what
fit does.
"""

import numpy as np

import nacre as nc

BATCH = 32
EPOCHS = 10


def build_model():
    return nc.Sequential(
        [
            nc.Input(shape=(64,)),
            nc.layers.Dense(64, activation="relu"),
            nc.layers.Dense(10),  # logits
        ]
    )


def batches(x, y, epoch):
    """The rows in a new order each epoch, in pieces of BATCH."""
    order = np.random.default_rng(epoch).permutation(len(x))
    for begin in range(0, len(x), BATCH):
        rows = order[begin : begin + BATCH]
        yield x[rows], y[rows]


def accuracy(model, x, y):
    with nc.no_grad():
        return float((model(x).numpy().argmax(axis=1) == y).mean())


def main():
    (x_train, y_train), (x_test, y_test) = nc.datasets.digits.load_data()
    x_train = x_train.reshape(-1, 64).astype("float32") / 16
    x_test = x_test.reshape(-1, 64).astype("float32") / 16
    loss_of = nc.losses.SparseCategoricalCrossentropy(from_logits=True)

    # 1. backward, step, zero_grad: each variable keeps its gradient until it is set back.
    nc.utils.set_random_seed(0)
    model = build_model()
    opt = nc.optimizers.Adam(learning_rate=0.003)
    opt.build(model.trainable_weights)
    for epoch in range(EPOCHS):
        for x, y in batches(x_train, y_train, epoch):
            loss = loss_of(y, model(x, training=True))
            loss.backward()
            opt.step()
            opt.zero_grad()
    print(f"backward and step:  test accuracy {accuracy(model, x_test, y_test):.3f}")

    # 2. gradients as values: nothing is stored in the variables.
    nc.utils.set_random_seed(0)
    model = build_model()
    opt = nc.optimizers.Adam(learning_rate=0.003)
    for epoch in range(EPOCHS):
        for x, y in batches(x_train, y_train, epoch):
            loss = loss_of(y, model(x, training=True))
            opt.apply(nc.gradients(loss, model.trainable_weights), model.trainable_weights)
    print(f"gradients, apply:   test accuracy {accuracy(model, x_test, y_test):.3f}")

    # 3. the same in one call per batch.
    nc.utils.set_random_seed(0)
    model = build_model()
    model.compile(optimizer=nc.optimizers.Adam(learning_rate=0.003), loss=loss_of)
    for epoch in range(EPOCHS):
        for x, y in batches(x_train, y_train, epoch):
            model.train_on_batch(x, y)
    print(f"train_on_batch:     test accuracy {accuracy(model, x_test, y_test):.3f}")


if __name__ == "__main__":
    main()
