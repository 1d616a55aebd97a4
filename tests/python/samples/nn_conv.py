"""Samples of convolutions and pools."""

from __future__ import annotations

import numpy as np

from . import SIZES, B, S, bools, const, distinct, ints, r
from .nn_reference import (
    average_pool,
    average_pool2d,
    average_pool2d_grad,
    conv1d,
    conv2d,
    conv2d_dw,
    conv2d_dx,
    conv2d_nhwc,
    conv2d_transpose,
    depthwise_conv2d,
    max_pool,
    max_pool2d,
    max_pool2d_grad,
    max_pool2d_take,
)

BIG = 2**62
WINOGRAD = ("winograd_2x2", "winograd_4x4")


def _filled(*shape: int, dtype: str = "float64"):
    return const(np.ones(shape), dtype)


# ---- convolution ----

_CONV2D = [
    S("plain", [r(2, 5, 4, 3), r(3, 2, 3, 4)], conv2d),
    S("bias", [r(2, 4, 5, 2), r(2, 3, 2, 3), r(3)], conv2d),
    S("bias_relu", [r(1, 5, 5, 2), r(3, 3, 2, 3), r(3)], conv2d, activation="relu"),
    S("relu_without_bias", [r(1, 4, 4, 2), r(2, 2, 2, 3)], conv2d, activation="relu"),
    S("one_by_one", [r(2, 3, 3, 4), r(1, 1, 4, 5), r(5)], conv2d),
    S("one_by_one_stride", [r(1, 5, 5, 3), r(1, 1, 3, 2)], conv2d, strides=2),
    S("same", [r(1, 5, 6, 2), r(3, 3, 2, 2)], conv2d, padding="same"),
    # TOPICS section 9: with stride 2 an even input pads more at the end; symmetric padding gives other numbers.
    S("same_stride_even", [r(1, 6, 6, 2), r(3, 3, 2, 2)], conv2d, padding="same", strides=2),
    S("same_stride_odd", [r(1, 7, 5, 1), r(4, 3, 1, 2)], conv2d, padding="same", strides=(2, 3)),
    S("same_dilated", [r(1, 7, 6, 1), r(3, 2, 1, 2)], conv2d, padding="same", dilation=2),
    S("explicit_one", [r(1, 4, 4, 2), r(3, 3, 2, 2)], conv2d, padding="explicit", pads=1),
    S("explicit_two", [r(1, 4, 4, 1), r(3, 3, 1, 2)], conv2d, padding="explicit", pads=(0, 2)),
    S("explicit_four", [r(1, 4, 4, 1), r(3, 3, 1, 2)], conv2d, padding="explicit", pads=(2, 0, 1, 3), strides=2),
    S("padding_beyond_kernel", [r(1, 2, 2, 1), r(2, 2, 1, 1)], conv2d, padding="explicit", pads=4, strides=3),
    S("dilated", [r(1, 7, 8, 2), r(2, 3, 2, 2)], conv2d, dilation=(3, 2)),
    S("dilated_strided", [r(1, 8, 7, 1), r(2, 2, 1, 3)], conv2d, dilation=2, strides=(2, 1)),
    S("groups", [r(1, 4, 4, 4), r(2, 2, 2, 6), r(6)], conv2d, groups=2),
    S("groups_are_channels", [r(1, 4, 4, 3), r(3, 2, 1, 3)], conv2d, groups=3),
    S("channels_first", [r(2, 3, 5, 4), r(3, 2, 3, 4), r(4)], conv2d, data_format="channels_first"),
    S("channels_first_all", [r(1, 4, 5, 6), r(2, 3, 2, 4), r(4)], conv2d, data_format="channels_first", groups=2, padding="same", strides=2,
      activation="relu"),
    S("kernel_is_image", [r(2, 3, 4, 2), r(3, 4, 2, 5)], conv2d),
    S("one_row", [r(1, 1, 9, 2), r(1, 3, 2, 2)], conv2d),
    S("empty_batch", [r(0, 4, 4, 2), r(3, 3, 2, 2), r(2)], conv2d),
    S("no_outputs", [r(2, 4, 4, 2), r(3, 3, 2, 0)], conv2d),
    S("infinite", [const(np.where(np.arange(32).reshape(1, 4, 4, 2) == 5, np.inf, 1.0)), _filled(2, 2, 2, 2)], conv2d, gradient=False),  # no derivative
    *[S(f"channels_{n}", [r(1, 2, 2, n), r(1, 2, n, 1), r(1)], conv2d, padding="same", gradient=n < 33) for n in SIZES],  # 33: size
    *[S(f"filters_{n}", [r(1, 3, 3, 2), r(2, 1, 2, n), r(n)], conv2d, gradient=n < 33) for n in SIZES],  # 33: size
    *[S(f"width_{n}", [r(1, 2, n, 2), r(2, 3, 2, 3)], conv2d, padding="same") for n in SIZES],
    # Only values, for size and with atol for Winograd, whose errors are relative to the largest value (about 40): whole vectors of channels in and out, whole rows of 3x3 windows.
    *[S(f"many_{n}", [r(2, 7, 9, n), r(3, 3, n, 2 * n), r(2 * n)], conv2d, padding="same", gradient=False, atol=2e-4) for n in SIZES],
    *[S(f"many_strided_{n}", [r(2, 9, 8, n), r(3, 3, n, n)], conv2d, strides=2, gradient=False, atol=2e-5) for n in SIZES],
    # Both Winograd tiles, cut tiles on two sides; with gradients of first and second order, which take the same algorithm.
    *[S(f"{a}", [r(2, 5, 6, 2), r(3, 3, 2, 3), r(3)], conv2d, padding="same", algorithm=a) for a in WINOGRAD],
    *[S(f"{a}_relu", [r(1, 4, 3, 1), r(3, 3, 1, 2), r(2)], conv2d, padding="explicit", pads=(2, 0, 1, 2), activation="relu", algorithm=a) for a in WINOGRAD],
    *[S(f"{a}_first", [r(1, 3, 4, 4), r(3, 3, 3, 2)], conv2d, data_format="channels_first", algorithm=a) for a in WINOGRAD],
    *[S(f"{a}_{n}", [r(2, 7, 9, n), r(3, 3, n, n), r(n)], conv2d, padding="same", gradient=False, atol=2e-4, algorithm=a) for n in SIZES for a in WINOGRAD],
    S("direct", [r(1, 5, 4, 3), r(3, 3, 3, 2)], conv2d, algorithm="direct"),
    S("integers", [ints(1, 4, 4, 2), ints(3, 3, 2, 2)], conv2d, dtypes=("float32",), gradient=False),  # integers have no gradient
]  # fmt: skip

_NHWC = [
    *[S(a, [r(1, 5, 4, 3), r(3, 3, 3, 4)], conv2d_nhwc, pads=(1, 1, 0, 2), algorithm=a) for a in WINOGRAD],
    S("plain", [r(2, 5, 4, 3), r(3, 2, 3, 4)], conv2d_nhwc),
    S(
        "all_options",
        [r(1, 5, 6, 4), r(2, 2, 2, 6), r(6)],
        conv2d_nhwc,
        strides=(2, 1),
        pads=(1, 0, 2, 1),
        dilation=(1, 2),
        groups=2,
        relu=True,
    ),
    S("empty", [r(0, 5, 4, 3), r(3, 2, 3, 4)], conv2d_nhwc),
]

_DX = [
    *[S(a, [r(1, 3, 4, 2), r(3, 3, 3, 2)], conv2d_dx, size=(5, 4), pads=(0, 0, 0, 2), algorithm=a) for a in WINOGRAD],
    S("plain", [r(1, 3, 3, 2), r(3, 2, 3, 2)], conv2d_dx, size=(5, 4)),
    S("bias_relu", [r(1, 2, 2, 3), r(2, 2, 2, 3), r(2)], conv2d_dx, size=(3, 3), relu=True),
    S(
        "all_options",
        [r(1, 3, 5, 4), r(2, 2, 3, 4), r(6)],
        conv2d_dx,
        size=(5, 6),
        strides=(2, 1),
        pads=(1, 0, 0, 1),
        dilation=(1, 2),
        groups=2,
    ),
    S("uncovered_rows", [r(1, 2, 2, 1), r(2, 2, 1, 1)], conv2d_dx, size=(6, 5), strides=(3, 3)),
    S("empty", [r(0, 3, 3, 2), r(3, 2, 3, 2)], conv2d_dx, size=(5, 4)),
    *[S(f"channels_{n}", [r(1, 3, 2, 2), r(2, 1, n, 2)], conv2d_dx, size=(4, 2)) for n in SIZES],
    *[
        S(f"many_{n}", [r(2, 5, 7, 2 * n), r(3, 3, n, 2 * n)], conv2d_dx, size=(7, 9), gradient=False, atol=2e-4) for n in SIZES
    ],  # size
]

_DW = [
    *[S(a, [r(2, 5, 4, 3), r(2, 3, 4, 2)], conv2d_dw, kernel=(3, 3), pads=(0, 0, 1, 1), algorithm=a) for a in WINOGRAD],
    S("plain", [r(2, 5, 4, 3), r(2, 3, 3, 2)], conv2d_dw, kernel=(3, 2)),
    S(
        "all_options",
        [r(1, 5, 6, 4), r(1, 3, 5, 4)],
        conv2d_dw,
        kernel=(2, 2),
        strides=(2, 1),
        pads=(1, 0, 0, 1),
        dilation=(1, 2),
        groups=2,
    ),
    S("empty_batch", [r(0, 5, 4, 3), r(0, 3, 3, 2)], conv2d_dw, kernel=(3, 2)),
    *[S(f"channels_{n}", [r(1, 3, 2, n), r(1, 2, 1, 3)], conv2d_dw, kernel=(2, 2), gradient=n < 33) for n in SIZES],  # 33: size
    *[
        S(f"many_{n}", [r(2, 7, 9, n), r(2, 5, 7, 2 * n)], conv2d_dw, kernel=(3, 3), gradient=False, atol=2e-4) for n in SIZES
    ],  # size
]

_CONV_SAMPLES = {
    "conv2d": _CONV2D,
    "conv1d": [
        S("plain", [r(2, 7, 3), r(3, 3, 4)], conv1d),
        S("bias_relu", [r(2, 6, 2), r(2, 2, 3), r(3)], conv1d, activation="relu"),
        S("same_stride", [r(1, 8, 2), r(3, 2, 2)], conv1d, padding="same", strides=2),
        S("explicit", [r(1, 5, 2), r(3, 2, 2)], conv1d, padding="explicit", pads=(2, 0)),
        S("explicit_one", [r(1, 5, 2), r(3, 2, 2)], conv1d, padding="explicit", pads=1),
        S("dilated", [r(1, 9, 2), r(3, 2, 2)], conv1d, dilation=3),
        S("groups", [r(1, 6, 4), r(2, 2, 4), r(4)], conv1d, groups=2),
        S("channels_first", [r(2, 3, 6), r(2, 3, 4), r(4)], conv1d, data_format="channels_first", padding="same"),
        S("empty_batch", [r(0, 6, 2), r(2, 2, 3)], conv1d),
        *[S(f"length_{n}", [r(1, n, 2), r(3, 2, 3)], conv1d, padding="same") for n in SIZES],
    ],
    "depthwise_conv2d": [
        S("plain", [r(2, 5, 4, 3), r(3, 2, 3, 1)], depthwise_conv2d),
        S("multiplier", [r(1, 4, 5, 2), r(2, 3, 2, 3), r(6)], depthwise_conv2d),
        S("same_stride_relu", [r(1, 6, 6, 2), r(3, 3, 2, 1), r(2)], depthwise_conv2d, padding="same", strides=2, activation="relu"),
        S("dilated", [r(1, 7, 7, 2), r(3, 3, 2, 1)], depthwise_conv2d, dilation=2),
        S("explicit", [r(1, 4, 4, 2), r(3, 3, 2, 1)], depthwise_conv2d, padding="explicit", pads=(1, 1)),
        S("channels_first", [r(1, 3, 5, 4), r(2, 2, 3, 2), r(6)], depthwise_conv2d, data_format="channels_first"),
        S("empty_batch", [r(0, 5, 4, 3), r(3, 2, 3, 1)], depthwise_conv2d),
        *[S(f"channels_{n}", [r(1, 2, 2, n), r(1, 2, n, 1)], depthwise_conv2d, padding="same") for n in SIZES],
        *[S(f"many_{n}", [r(2, 7, 9, n), r(3, 3, n, 1)], depthwise_conv2d, padding="same", gradient=False) for n in SIZES],  # size
    ],
    "conv2d_transpose": [
        S("plain", [r(2, 3, 3, 2), r(3, 2, 4, 2)], conv2d_transpose),
        S("bias_relu", [r(1, 3, 2, 2), r(2, 2, 3, 2), r(3)], conv2d_transpose, activation="relu"),
        S("stride", [r(1, 3, 3, 2), r(3, 3, 2, 2)], conv2d_transpose, strides=2),
        S("stride_beyond_kernel", [r(1, 2, 2, 1), r(2, 2, 2, 1)], conv2d_transpose, strides=3),
        S("same_stride", [r(1, 3, 4, 2), r(3, 3, 2, 2)], conv2d_transpose, strides=2, padding="same"),
        S("same_even_kernel", [r(1, 3, 3, 1), r(4, 4, 2, 1)], conv2d_transpose, strides=2, padding="same"),
        S("output_padding", [r(1, 3, 3, 1), r(3, 3, 2, 1)], conv2d_transpose, strides=2, output_padding=1),
        S(
            "same_output_padding",
            [r(1, 3, 3, 1), r(3, 3, 2, 1)],
            conv2d_transpose,
            strides=2,
            padding="same",
            output_padding=(1, 0),
        ),
        S("dilated", [r(1, 3, 3, 1), r(2, 2, 2, 1)], conv2d_transpose, dilation=2),
        S("channels_first", [r(1, 2, 3, 4), r(2, 3, 3, 2), r(3)], conv2d_transpose, data_format="channels_first", strides=(1, 2)),
        S("empty_batch", [r(0, 3, 3, 2), r(3, 2, 4, 2)], conv2d_transpose),
        *[S(f"filters_{n}", [r(1, 2, 2, 2), r(2, 1, n, 2), r(n)], conv2d_transpose, strides=2) for n in SIZES],
    ],
    "conv2d_nhwc": _NHWC,
    "conv2d_dx": _DX,
    "conv2d_dw": _DW,
}


def _bad_conv(op: str, x, w, bias, wide):
    """Errors that all public convolutions share; `wide` is a weight larger than x."""
    return [
        B([x, w, bias], "ValueError", [op, "strides", "0"], strides=0),
        B([x, w, bias], "ValueError", [op, "strides", "-1"], strides=-1),
        B([x, w, bias], "ValueError", [op, "strides", str(BIG)], strides=BIG),
        B([x, w, bias], "ValueError", [op, "strides", "[1, 1, 1]"], strides=(1, 1, 1)),
        B([x, w, bias], "ValueError", [op, "dilation", "0"], dilation=0),
        B([x, w, bias], "ValueError", [op, "dilation", str(BIG)], dilation=BIG),
        B([x, w, bias], "ValueError", [op, "padding", "full"], padding="full"),
        B([x, w, bias], "ValueError", [op, "data_format", "NCHW"], data_format="NCHW"),
        B([x, w, bias], "ValueError", [op, "activation", "tanh"], activation="tanh"),
        B([x, w, r(9)], "ShapeError", [op, "bias", "[9]"]),
        B([x, wide], "ShapeError", [op, "does not fit", "size 4"]),
        B([x, w, bias], "ShapeError", [op, "does not fit", "dilation 100"], dilation=100),
        B([r(3), w], "ShapeError", [op, "x", "[3]"]),
        B([x, r(3)], "ShapeError", [op, "weight", "[3]"]),
        B(
            [const(np.zeros((1, 4, 4, 2)), "float16"), const(np.zeros((1, 1, 2, 2)), "float16")],
            "DTypeError",
            [op, "float16", "cast"],
        )
        if op != "conv1d"
        else B(
            [const(np.zeros((1, 4, 2)), "float16"), const(np.zeros((1, 2, 2)), "float16")], "DTypeError", [op, "float16", "cast"]
        ),
        B([x], "TypeError", [op, "weight"]),
    ]


def _bad_pads(op: str, x, w):
    return [
        B([x, w], "ValueError", [op, "pads", "[-1]"], padding="explicit", pads=-1),
        B([x, w], "ValueError", [op, "pads", str(BIG)], padding="explicit", pads=BIG),
        B([x, w], "ValueError", [op, "pads", "[]"], padding="explicit"),
        B([x, w], "ValueError", [op, "pads", "[1, 1, 1]"], padding="explicit", pads=(1, 1, 1)),
        B([x, w], "ValueError", [op, "pads", "explicit"], padding="same", pads=1),
    ]


_X4, _W4 = r(1, 4, 4, 2), r(3, 3, 2, 4)
_CONV_BAD = {
    "conv2d": [
        *_bad_conv("conv2d", _X4, _W4, r(4), r(5, 5, 2, 4)),
        *_bad_pads("conv2d", _X4, _W4),
        B(
            [r(1, 4, 4, 4), r(3, 3, 3, 8)],
            "ShapeError",
            ["conv2d", "input has 4 channels but weight expects 3", "[1, 4, 4, 4]", "[3, 3, 3, 8]", "groups 1"],
        ),
        B([_X4, _W4], "ShapeError", ["conv2d", "groups 3", "2 input"], groups=3),
        B([_X4, _W4], "ValueError", ["conv2d", "groups", "0"], groups=0),
        B([_X4, _W4], "ValueError", ["conv2d", "groups", "-2"], groups=-2),
        B([_X4, r(0, 3, 2, 4)], "ShapeError", ["conv2d", "weight", "size 0"]),
        B([_X4, _W4], "ValueError", ["conv2d", "algorithm", "'fft'"], algorithm="fft"),
        B([_X4, r(3, 2, 2, 4)], "ValueError", ["conv2d", "winograd_4x4", "kernel [3, 2]"], algorithm="winograd_4x4"),
        B([_X4, _W4], "ValueError", ["conv2d", "winograd_2x2", "strides [2, 2]"], strides=2, algorithm="winograd_2x2"),
        B([r(1, 5, 5, 2), _W4], "ValueError", ["conv2d", "winograd_2x2", "dilation [2, 2]"], dilation=2, algorithm="winograd_2x2"),
        B([_X4, r(3, 3, 1, 4)], "ValueError", ["conv2d", "winograd_4x4", "groups 2"], groups=2, algorithm="winograd_4x4"),
    ],
    "conv1d": [
        *_bad_conv("conv1d", r(1, 4, 2), r(3, 2, 4), r(4), r(5, 2, 4)),
        *_bad_pads("conv1d", r(1, 4, 2), r(3, 2, 4)),
        B([r(1, 4, 4), r(3, 3, 8)], "ShapeError", ["conv1d", "input has 4 channels but weight expects 3"]),
        B([r(1, 4, 2), r(3, 2, 4)], "ValueError", ["conv1d", "groups", "0"], groups=0),
    ],
    "depthwise_conv2d": [
        *_bad_conv("depthwise_conv2d", _X4, r(3, 3, 2, 2), r(4), r(5, 5, 2, 2)),
        *_bad_pads("depthwise_conv2d", _X4, r(3, 3, 2, 2)),
        B([_X4, r(3, 3, 5, 1)], "ShapeError", ["depthwise_conv2d", "2 channels", "expects 5"]),
    ],
    "conv2d_transpose": [
        B([_X4, r(3, 3, 2, 5)], "ShapeError", ["conv2d_transpose", "2 channels", "expects 5"]),
        B([_X4, r(3, 3, 4, 2)], "ValueError", ["conv2d_transpose", "padding", "explicit"], padding="explicit"),
        B([_X4, r(3, 3, 4, 2)], "ValueError", ["conv2d_transpose", "strides", "0"], strides=0),
        B([_X4, r(3, 3, 4, 2)], "ValueError", ["conv2d_transpose", "output_padding", "[2]"], strides=2, output_padding=2),
        B([_X4, r(3, 3, 4, 2)], "ValueError", ["conv2d_transpose", "output_padding", "-1"], strides=2, output_padding=-1),
        B([_X4, r(3, 3, 4, 2), r(3)], "ShapeError", ["conv2d_transpose", "bias", "[3]"]),
        B([_X4, r(3, 3, 4, 2)], "ValueError", ["conv2d_transpose", "dilation", "-3"], dilation=-3),
        B([_X4, r(3, 3, 4, 2)], "ValueError", ["conv2d_transpose", "data_format", "last"], data_format="last"),
        B([_X4, r(3, 3, 4, 2)], "ValueError", ["conv2d_transpose", "activation", "gelu"], activation="gelu"),
        B([r(1, 0, 4, 2), r(3, 3, 4, 2)], "ShapeError", ["conv2d_transpose", "size 0"]),
        B([r(4, 2), r(3, 3, 4, 2)], "ShapeError", ["conv2d_transpose", "x", "[4, 2]"]),
    ],
    "conv2d_nhwc": [
        B([_X4, r(3, 3, 3, 4)], "ShapeError", ["conv2d_nhwc", "2 channels", "[3, 3, 3, 4]"]),
        B([_X4, _W4], "ValueError", ["conv2d_nhwc", "pads", "[1]"], pads=(1,)),
        B([_X4, _W4], "ValueError", ["conv2d_nhwc", "groups", "0"], groups=0),
        B([_X4, r(5, 3, 2, 4)], "ShapeError", ["conv2d_nhwc", "does not fit"]),
        B([_X4, _W4], "ValueError", ["conv2d_nhwc", "algorithm", "'best'"], algorithm="best"),
    ],
    "conv2d_dx": [
        B([r(1, 3, 3, 2), r(3, 2, 3, 2)], "ShapeError", ["conv2d_dx", "dy", "[1, 3, 3, 2]"], size=(9, 9)),
        B([r(1, 3, 3, 2), r(3, 2, 3, 2)], "ValueError", ["conv2d_dx", "size", "[5]"], size=(5,)),
        B([r(1, 3, 3, 2), r(3, 2, 3, 2)], "ValueError", ["conv2d_dx", "size", "-5"], size=(-5, 4)),
        B([r(1, 3, 3, 2), r(3, 2, 3, 2)], "ShapeError", ["conv2d_dx", str(BIG)], size=(5, 4), groups=BIG),
        B(
            [r(1, 3, 3, 2), r(3, 2, 3, 2)],
            "ValueError",
            ["conv2d_dx", "winograd_2x2", "kernel [3, 2]"],
            size=(5, 4),
            algorithm="winograd_2x2",
        ),
    ],
    "conv2d_dw": [
        B([r(2, 5, 4, 3), r(2, 3, 3, 2)], "ShapeError", ["conv2d_dw", "dy", "[2, 3, 3, 2]"], kernel=(2, 2)),
        B([r(2, 5, 4, 3), r(2, 3, 3, 2)], "ValueError", ["conv2d_dw", "kernel", "[3]"], kernel=(3,)),
        B([r(2, 5, 4, 3), r(2, 3, 3, 2)], "ShapeError", ["conv2d_dw", "weight", "-1"], kernel=(-1, 2)),
        B([r(2, 5, 4, 3), r(2, 3, 3, 2)], "ValueError", ["conv2d_dw", "groups", "0"], kernel=(3, 2), groups=0),
        B(
            [r(2, 5, 4, 3), r(2, 3, 3, 2)],
            "ValueError",
            ["conv2d_dw", "winograd_4x4", "kernel [3, 2]"],
            kernel=(3, 2),
            algorithm="winograd_4x4",
        ),
    ],
}

# ---- pooling ----

_TIES = const([[[[1.0], [3.0], [3.0]], [[3.0], [1.0], [0.0]], [[2.0], [2.0], [3.0]]]])
_NAN = const([[[1.0, 2.0], [np.nan, 5.0], [3.0, np.nan], [4.0, 0.0]]])


def _pools(f, maker):
    return [
        S("images", [maker(2, 4, 6, 3)], f),
        S("sequence", [maker(2, 7, 3)], f),
        S("pool_3_stride_1", [maker(1, 5, 4, 2)], f, pool_size=3, strides=1),
        S("uneven", [maker(1, 5, 7, 2)], f, pool_size=(2, 3), strides=(1, 2)),
        S("same", [maker(1, 5, 5, 2)], f, padding="same"),
        S("same_stride", [maker(1, 6, 5, 2)], f, pool_size=3, strides=2, padding="same"),
        S("sequence_same", [maker(2, 5, 2)], f, pool_size=3, strides=2, padding="same"),
        S("explicit", [maker(1, 4, 4, 2)], f, pool_size=3, strides=2, padding="explicit", pads=(1, 2, 0, 1)),
        S("explicit_sequence", [maker(1, 5, 2)], f, pool_size=2, padding="explicit", pads=1),
        S("channels_first", [maker(2, 3, 4, 5)], f, data_format="channels_first"),
        S("sequence_channels_first", [maker(2, 3, 6)], f, data_format="channels_first", pool_size=3, padding="same"),
        S("whole", [maker(2, 3, 4, 2)], f, pool_size=(3, 4)),
        S("empty_batch", [maker(0, 4, 4, 2)], f),
        S("no_channels", [maker(1, 4, 4, 0)], f),
        S("negative", [r(1, 4, 4, 2, low=-3, high=-1)], f, padding="same", pool_size=3),
        *[S(f"channels_{n}", [maker(1, 3, 2, n)], f) for n in SIZES],
    ]


def _global(f):
    return [
        S("images", [distinct(2, 3, 4, 2)], f),
        S("sequence", [distinct(2, 5, 3)], f),
        S("keepdims", [distinct(2, 3, 2, 2)], f, keepdims=True),
        S("channels_first", [distinct(2, 3, 4, 2)], f, data_format="channels_first"),
        S("sequence_channels_first_keepdims", [distinct(2, 3, 5)], f, data_format="channels_first", keepdims=True),
        S("empty_batch", [distinct(0, 3, 4, 2)], f),
        *[S(f"channels_{n}", [distinct(1, 3, 2, n)], f) for n in SIZES],
    ]


def _spatial(x, data_format):
    first = 1 if data_format == "channels_last" else 2
    return tuple(range(first, first + x.ndim - 2))


def _global_max(x, keepdims=False, data_format="channels_last"):
    return x.max(axis=_spatial(x, data_format), keepdims=keepdims)


def _global_average(x, keepdims=False, data_format="channels_last"):
    return x.mean(axis=_spatial(x, data_format), keepdims=keepdims)


_POOL_SAMPLES = {
    "max_pool": [
        *_pools(max_pool, distinct),
        S(
            "ties", [_TIES], max_pool, gradient=False, pool_size=2, strides=1
        ),  # no derivative at ties; tests/cpp/test_ops_nn.cpp has the rule
        S("nan", [_NAN], max_pool, gradient=False),  # NaN has no derivative
        *[
            S(f"integers_{t}", [ints(1, 4, 4, 3, low=0, dtype=t)], max_pool, gradient=False)
            for t in ("uint8", "int8", "int32", "int64")
        ],
    ],
    "average_pool": [
        *_pools(average_pool, r),
        S("nan", [_NAN], average_pool, gradient=False),  # NaN has no derivative
        S("integers", [ints(1, 4, 4, 3)], average_pool, dtypes=("float32",), gradient=False),  # integers have no gradient
    ],
    "global_max_pool": _global(_global_max),
    "global_average_pool": _global(_global_average),
    "max_pool2d": [
        S("plain", [distinct(2, 4, 6, 3)], max_pool2d),
        S("pads", [distinct(1, 5, 4, 2)], max_pool2d, pool_size=(3, 2), strides=(2, 1), pads=(1, 2, 0, 1)),
        S("ties", [_TIES], max_pool2d, gradient=False, strides=(1, 1)),  # no derivative at ties
        S("empty", [distinct(0, 4, 4, 2)], max_pool2d),
    ],
    "max_pool2d_grad": [
        S("plain", [r(2, 2, 2, 3), ints(2, 2, 2, 3, low=0, high=12)], max_pool2d_grad, size=(3, 4)),
        S("empty_windows", [r(1, 2, 2, 2), ints(1, 2, 2, 2, low=-1, high=2)], max_pool2d_grad, size=(2, 3)),
        S("empty", [r(0, 2, 2, 3), ints(0, 2, 2, 3)], max_pool2d_grad, size=(3, 4)),
    ],
    "max_pool2d_take": [
        S("plain", [r(2, 3, 4, 3), ints(2, 2, 2, 3, low=0, high=12)], max_pool2d_take),
        S("empty_windows", [r(1, 2, 3, 2), ints(1, 2, 2, 2, low=-1, high=2)], max_pool2d_take),
        S("empty", [r(0, 3, 4, 3), ints(0, 2, 2, 3)], max_pool2d_take),
    ],
    "average_pool2d": [
        S("plain", [r(2, 4, 6, 3)], average_pool2d),
        S("pads", [r(1, 5, 4, 2)], average_pool2d, pool_size=(3, 2), strides=(2, 1), pads=(1, 2, 0, 1)),
        S("empty", [r(0, 4, 4, 2)], average_pool2d),
    ],
    "average_pool2d_grad": [
        S("plain", [r(2, 2, 3, 3)], average_pool2d_grad, size=(4, 6)),
        S("pads", [r(1, 3, 4, 2)], average_pool2d_grad, size=(5, 4), pool_size=(3, 2), strides=(2, 1), pads=(1, 2, 0, 1)),
        S("empty", [r(0, 2, 2, 2)], average_pool2d_grad, size=(4, 4)),
    ],
}


def _bad_pool(op: str):
    x = r(1, 4, 4, 2)
    return [
        B([r(4, 4)], "ShapeError", [op, "rank 3", "[4, 4]"]),
        B([x], "ShapeError", [op, "pool_size", "5", "size 4"], pool_size=5),
        B([x], "ValueError", [op, "pool_size", "0"], pool_size=0),
        B([x], "ValueError", [op, "pool_size", "-2"], pool_size=-2),
        B([x], "ValueError", [op, "pool_size", str(BIG)], pool_size=BIG),
        B([x], "ValueError", [op, "pool_size", "[2, 2, 2]"], pool_size=(2, 2, 2)),
        B([x], "ValueError", [op, "strides", "0"], strides=0),
        B([x], "ValueError", [op, "padding", "causal"], padding="causal"),
        B([x], "ValueError", [op, "pads", "[2]"], padding="explicit", pads=2),
        B([x], "ValueError", [op, "pads", "-1"], padding="explicit", pads=-1),
        B([x], "ValueError", [op, "pads", "[1]"], pads=1),
        B([x], "ValueError", [op, "data_format", "NHWC"], data_format="NHWC"),
        B([r(1, 0, 4, 2)], "ShapeError", [op, "[1, 0, 4, 2]"], padding="same"),
        B([const(np.zeros((1, 4, 4, 2)), "float16")], "DTypeError", [op, "float16"]),
    ]


def _bad_global(op: str):
    return [
        B([r(4, 4)], "ShapeError", [op, "[4, 4]"]),
        B([r(2, 0, 3, 2)], "ShapeError", [op, "[2, 0, 3, 2]"]),
        B([r(2, 3, 2)], "ValueError", [op, "data_format", "first"], data_format="first"),
        B([const(np.zeros((1, 4, 4, 2)), "float16")], "DTypeError", [op, "float16"]),
    ]


_POOL_BAD = {
    "max_pool": [*_bad_pool("max_pool"), B([bools(1, 4, 4, 2)], "DTypeError", ["max_pool", "bool"])],
    "average_pool": _bad_pool("average_pool"),
    "global_max_pool": _bad_global("global_max_pool"),
    "global_average_pool": _bad_global("global_average_pool"),
    "max_pool2d": [
        B([r(4, 4)], "ShapeError", ["max_pool2d", "x", "[4, 4]"]),
        B([r(1, 4, 4, 2)], "ValueError", ["max_pool2d", "pads", "[2, 0, 0, 0]"], pads=(2, 0, 0, 0)),
        B([r(1, 4, 4, 2)], "ValueError", ["max_pool2d", "pool_size", "0"], pool_size=(0, 2)),
        B([r(1, 4, 4, 2)], "ValueError", ["max_pool2d", "strides", "[2]"], strides=(2,)),
    ],
    "max_pool2d_grad": [
        B(
            [r(1, 2, 2, 1), const([[[[0], [1]], [[2], [9]]]], "int32")],
            "IndexError",
            ["max_pool2d_grad", "9", "position 3"],
            size=(3, 3),
        ),
        B([r(1, 2, 2, 1), ints(1, 2, 2, 1, dtype="int64")], "DTypeError", ["max_pool2d_grad", "argmax", "int64"], size=(3, 3)),
        B([r(1, 2, 2, 1), ints(1, 2, 2, 2)], "ShapeError", ["max_pool2d_grad", "argmax", "[1, 2, 2, 2]"], size=(3, 3)),
        B([r(1, 2, 2, 1), ints(1, 2, 2, 1)], "ValueError", ["max_pool2d_grad", "size", "[-3, 3]"], size=(-3, 3)),
    ],
    "max_pool2d_take": [
        B([r(1, 2, 2, 1), const([[[[0], [-7]]]], "int32")], "IndexError", ["max_pool2d_take", "-7", "position 1"]),
        B([r(1, 2, 2, 1), ints(2, 1, 1, 1)], "ShapeError", ["max_pool2d_take", "argmax", "[2, 1, 1, 1]"]),
    ],
    "average_pool2d": [
        B([r(4, 4)], "ShapeError", ["average_pool2d", "x", "[4, 4]"]),
        B([r(1, 4, 4, 2)], "ValueError", ["average_pool2d", "pads", "[0, 0, 0, 2]"], pads=(0, 0, 0, 2)),
        B([r(1, 1, 4, 2)], "ShapeError", ["average_pool2d", "pool_size", "size 1"]),
    ],
    "average_pool2d_grad": [
        B([r(1, 2, 2, 2)], "ShapeError", ["average_pool2d_grad", "dy", "[1, 2, 2, 2]"], size=(6, 6)),
        B([r(1, 2, 2, 2)], "ValueError", ["average_pool2d_grad", "size", "[4]"], size=(4,)),
    ],
}

SAMPLES = {**_CONV_SAMPLES, **_POOL_SAMPLES}
BAD = {**_CONV_BAD, **_POOL_BAD}
