"""One epoch of a Fashion-MNIST MLP (784-256-128-10, batch 64, Adam) through nacre's fit and through PyTorch's eager loop with its fused Adam.

    python bench/python/fashion_mlp.py [--seeds 3] [--threads 2]

Both sides run in one process, alternating, with the same threads and data; medians over the seeds, and the test accuracies. Needs PyTorch (CPU).
"""

import argparse
import statistics
import time

import numpy as np

import nacre as nc


def load():
    (x_train, y_train), (x_test, y_test) = nc.datasets.fashion_mnist.load_data()
    flat = [(x.reshape(len(x), 784) / np.float32(255)).astype(np.float32) for x in (x_train, x_test)]
    return flat[0], y_train.astype(np.int64), flat[1], y_test.astype(np.int64)


def run_nacre(data, seed):
    x_train, y_train, x_test, y_test = data
    nc.utils.set_random_seed(seed)
    model = nc.Sequential(
        [
            nc.Input(shape=(784,)),
            nc.layers.Dense(256, activation="relu"),
            nc.layers.Dense(128, activation="relu"),
            nc.layers.Dense(10),
        ]
    )
    model.compile(optimizer="adam", loss=nc.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    start = time.perf_counter()
    model.fit(x_train, y_train, batch_size=64, epochs=1, verbose=0)
    seconds = time.perf_counter() - start
    return seconds, model.evaluate(x_test, y_test, batch_size=512, verbose=0)[1]


def run_torch(data, seed):
    import torch

    x_train, y_train, x_test, y_test = (torch.from_numpy(a) for a in data)
    torch.manual_seed(seed)
    model = torch.nn.Sequential(
        torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    loss_function = torch.nn.CrossEntropyLoss()
    start = time.perf_counter()
    order = torch.randperm(len(x_train))
    total = right = 0.0
    for at in range(0, len(order), 64):
        rows = order[at : at + 64]
        x, y = x_train[rows], y_train[rows]
        optimizer.zero_grad()
        scores = model(x)
        loss = loss_function(scores, y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)  # the same loss and accuracy as fit reports
        right += (scores.argmax(1) == y).sum().item()
    seconds = time.perf_counter() - start
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
    return seconds, accuracy


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(arguments.threads)
    nc.set_num_threads(arguments.threads)
    data = load()
    sides = {"nacre": run_nacre, "torch": run_torch}
    for run in sides.values():  # warm-up: pages, pools, caches
        run((data[0][:6400], data[1][:6400], *data[2:]), 0)
    results = {name: [] for name in sides}
    for seed in range(arguments.seeds):
        for name, run in sides.items():
            results[name].append(run(data, seed))
            print(f"seed {seed} {name}: {results[name][-1][0]:.3f} s, test accuracy {results[name][-1][1]:.4f}", flush=True)
    medians = {name: statistics.median(t for t, _ in r) for name, r in results.items()}
    accuracies = {name: statistics.median(a for _, a in r) for name, r in results.items()}
    print(f"fashion_mlp/784-256-128-10/batch 64/float32/{arguments.threads} threads: "
          f"nacre {medians['nacre']:.3f} s (accuracy {accuracies['nacre']:.4f}), torch {medians['torch']:.3f} s "
          f"(accuracy {accuracies['torch']:.4f}), speed x{medians['torch'] / medians['nacre']:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
