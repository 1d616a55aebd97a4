"""The models in Keras's words, for Keras and for nacre: K is the package, and nothing else differs."""

from __future__ import annotations

from typing import Any

from .models import (
    BATCH_NORM_MOMENTUM,
    BETA_1,
    BETA_2,
    DECAY,
    EPSILON,
    MOMENTUM,
    NORM_EPSILON,
    Sizes,
    Spec,
    Weights,
    input_shape,
    resnet20_blocks,
    resnet50_blocks,
)


def build(K: Any, model: str, h: Sizes, loss: str = "sparse", dropout: bool = True) -> Any:
    return {"mlp": mlp, "lenet": lenet, "resnet20": resnet20, "resnet50": resnet50, "lstm": lstm, "gpt": gpt}[model](
        K, h, loss, dropout
    )


def mlp(K: Any, h: Sizes, loss: str, dropout: bool) -> Any:
    sizes = h["sizes"]
    parts = [K.layers.Dense(n, activation=h.get("activation", "relu"), name=f"d{i}") for i, n in enumerate(sizes[1:-1])]
    parts.append(K.layers.Dense(sizes[-1], activation="sigmoid" if loss == "binary" else None, name=f"d{len(sizes) - 2}"))
    return K.Sequential([K.Input((sizes[0],)), *parts])


def lenet(K: Any, h: Sizes, loss: str, dropout: bool) -> Any:
    first, second = h["channels"]
    return K.Sequential(
        [
            K.Input((h["image"], h["image"], 1)),
            K.layers.Conv2D(first, 3, activation="relu", name="c0"),
            K.layers.MaxPooling2D(2),
            K.layers.Conv2D(second, 3, activation="relu", name="c1"),
            K.layers.MaxPooling2D(2),
            K.layers.Flatten(),
            K.layers.Dense(h["dense"], activation="relu", name="d0"),
            *([K.layers.Dropout(0.5)] if dropout else []),
            K.layers.Dense(10, name="d1"),
        ]
    )


def conv_norm(K: Any, x: Any, name: str, number: str, filters: int, size: int, stride: int = 1, relu: bool = True) -> Any:
    x = K.layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False, name=f"{name}_c{number}")(x)
    return normalised(K, x, f"{name}_n{number}", relu)


def normalised(K: Any, x: Any, name: str, relu: bool) -> Any:
    x = K.layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, epsilon=NORM_EPSILON, name=name)(x)
    return K.layers.ReLU()(x) if relu else x


def resnet20(K: Any, h: Sizes, loss: str, dropout: bool) -> Any:
    inputs = K.Input((h["image"], h["image"], 3))
    x = K.layers.Conv2D(h["width"], 3, padding="same", use_bias=False, name="stem")(inputs)
    x = normalised(K, x, "stem_bn", relu=True)
    for name, inner, out, stride in resnet20_blocks(h):
        y = conv_norm(K, x, name, "0", out, 3, stride)
        y = conv_norm(K, y, name, "1", out, 3, relu=False)
        shortcut = x if inner == out else conv_norm(K, x, name, "s", out, 1, stride, relu=False)
        x = K.layers.ReLU()(K.layers.Add()([y, shortcut]))
    x = K.layers.GlobalAveragePooling2D()(x)
    return K.Model(inputs, K.layers.Dense(10, name="head")(x))


def resnet50(K: Any, h: Sizes, loss: str, dropout: bool) -> Any:
    inputs = K.Input((h["image"], h["image"], 3))
    x = K.layers.Conv2D(h["width"], 7, strides=2, padding="same", use_bias=False, name="stem")(inputs)
    x = normalised(K, x, "stem_bn", relu=True)
    x = K.layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for name, inner, middle, out, stride in resnet50_blocks(h):
        y = conv_norm(K, x, name, "0", middle, 1)
        y = conv_norm(K, y, name, "1", middle, 3, stride)
        y = conv_norm(K, y, name, "2", out, 1, relu=False)
        shortcut = x if inner == out else conv_norm(K, x, name, "s", out, 1, stride, relu=False)
        x = K.layers.ReLU()(K.layers.Add()([y, shortcut]))
    x = K.layers.GlobalAveragePooling2D()(x)
    return K.Model(inputs, K.layers.Dense(h["classes"], name="head")(x))


def lstm(K: Any, h: Sizes, loss: str, dropout: bool) -> Any:
    return K.Sequential(
        [
            K.Input((h["length"],), dtype="int32"),
            K.layers.Embedding(h["vocab"], h["units"], name="tokens"),
            K.layers.LSTM(h["units"], return_sequences=True, name="lstm"),
            K.layers.Dense(h["vocab"], name="head"),
        ]
    )


def position_embedding(K: Any) -> Any:
    class PositionEmbedding(K.layers.Layer):  # type: ignore[misc]
        """Adds a learned vector to every position."""

        def build(self, input_shape: Any) -> None:
            self.table = self.add_weight(shape=tuple(input_shape[1:]), initializer="zeros", name="table")

        def call(self, x: Any) -> Any:
            return x + self.table

    return PositionEmbedding


def gpt(K: Any, h: Sizes, loss: str, dropout: bool) -> Any:
    width = h["width"]
    inputs = K.Input((h["length"],), dtype="int32")
    x = K.layers.Embedding(h["vocab"], width, name="tokens")(inputs)
    x = position_embedding(K)(name="positions")(x)
    for i in range(h["layers"]):
        y = K.layers.LayerNormalization(epsilon=NORM_EPSILON, name=f"b{i}_n0")(x)
        y = K.layers.MultiHeadAttention(h["heads"], width // h["heads"], name=f"b{i}_attention")(y, y, use_causal_mask=True)
        x = K.layers.Add()([x, y])
        y = K.layers.LayerNormalization(epsilon=NORM_EPSILON, name=f"b{i}_n1")(x)
        y = K.layers.Dense(4 * width, activation="gelu", name=f"b{i}_d0")(y)
        y = K.layers.Dense(width, name=f"b{i}_d1")(y)
        x = K.layers.Add()([x, y])
    x = K.layers.LayerNormalization(epsilon=NORM_EPSILON, name="final_norm")(x)
    return K.Model(inputs, K.layers.Dense(h["vocab"], use_bias=False, name="head")(x))


def load(model: Any, weights: Weights) -> None:
    for name, values in weights.items():
        model.get_layer(name).set_weights(values)


def optimizer(K: Any, spec: Spec) -> Any:
    adam = {"learning_rate": spec.rate, "beta_1": BETA_1, "beta_2": BETA_2, "epsilon": EPSILON}
    return {
        "sgd": lambda: K.optimizers.SGD(learning_rate=spec.rate),
        "momentum": lambda: K.optimizers.SGD(learning_rate=spec.rate, momentum=MOMENTUM),
        "adam": lambda: K.optimizers.Adam(**adam),
        "adamw": lambda: K.optimizers.AdamW(weight_decay=DECAY, **adam),
    }[spec.optimizer]()


def compiled(K: Any, spec: Spec, weights: Weights | None, dropout: bool = True, **options: Any) -> Any:
    model = build(K, spec.model, spec.sizes, spec.loss, dropout)
    if weights is not None:
        load(model, weights)
    binary = spec.loss == "binary"
    loss = K.losses.BinaryCrossentropy() if binary else K.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=optimizer(K, spec), loss=loss, **options)
    return model


def example_shape(model: str, h: Sizes) -> tuple[int, ...]:
    return (1, *input_shape(model, h))
