"""NumPy references of the nn family, written as the definitions say, without a thought for speed."""

from __future__ import annotations

import numpy as np


def _list(value, n, default=1):
    values = list(np.atleast_1d(value)) if np.size(value) else [default]
    return [int(v) for v in (values * n if len(values) == 1 else values)]


def pads_of(size, kernel, stride, dilation, padding, pads, i, n):
    """Padding before and after spatial axis i of n."""
    extent = dilation * (kernel - 1) + 1
    if padding == "explicit":
        p = [int(v) for v in np.atleast_1d(pads)]
        if len(p) == 1:
            return p[0], p[0]
        return (p[i], p[i]) if len(p) == n else (p[2 * i], p[2 * i + 1])
    if padding == "valid":
        return 0, 0
    out = -(-size // stride)
    total = max((out - 1) * stride + extent - size, 0)
    return total // 2, total - total // 2


def _last(x, data_format):
    return x if data_format == "channels_last" else np.moveaxis(x, 1, -1)


def _first(x, data_format):
    return x if data_format == "channels_last" else np.moveaxis(x, -1, 1)


# ---- convolution ----


def _taps(w, strides, pads, dilation, out):
    for p in range(w.shape[0]):
        for q in range(w.shape[1]):
            rows = slice(p * dilation[0], p * dilation[0] + (out[0] - 1) * strides[0] + 1, strides[0])
            columns = slice(q * dilation[1], q * dilation[1] + (out[1] - 1) * strides[1] + 1, strides[1])
            yield p, q, rows, columns


def _out(size, kernel, strides, pads, dilation):
    return [(size[i] + pads[2 * i] + pads[2 * i + 1] - dilation[i] * (kernel[i] - 1) - 1) // strides[i] + 1 for i in (0, 1)]


def _padded(x, pads):
    return np.pad(x, ((0, 0), (pads[0], pads[1]), (pads[2], pads[3]), (0, 0)))


def _conv(x, w, strides, pads, dilation, groups):
    out = _out(x.shape[1:3], w.shape[:2], strides, pads, dilation)
    xp, ci, co = _padded(x, pads), x.shape[3] // groups, w.shape[3] // groups
    y = np.zeros((x.shape[0], *out, w.shape[3]))
    for p, q, rows, columns in _taps(w, strides, pads, dilation, out):
        for g in range(groups):
            y[..., g * co : (g + 1) * co] += xp[:, rows, columns, g * ci : (g + 1) * ci] @ w[p, q, :, g * co : (g + 1) * co]
    return y


def _act(y, b, relu):
    y = y if b is None else y + b
    return np.maximum(y, 0) if relu else y


def conv2d_nhwc(x, w, b=None, strides=(1, 1), pads=(0, 0, 0, 0), dilation=(1, 1), groups=1, relu=False, algorithm="auto"):
    return _act(_conv(x, w, strides, pads, dilation, groups), b, relu)


def conv2d_dx(dy, w, b=None, size=None, strides=(1, 1), pads=(0, 0, 0, 0), dilation=(1, 1), groups=1, relu=False, algorithm="auto"):
    ci, co = w.shape[2], w.shape[3] // groups
    dx = _padded(np.zeros((dy.shape[0], *size, ci * groups)), pads)
    for p, q, rows, columns in _taps(w, strides, pads, dilation, dy.shape[1:3]):
        for g in range(groups):
            dx[:, rows, columns, g * ci : (g + 1) * ci] += dy[..., g * co : (g + 1) * co] @ w[p, q, :, g * co : (g + 1) * co].T
    return _act(dx[:, pads[0] : pads[0] + size[0], pads[2] : pads[2] + size[1]], b, relu)


def conv2d_dw(x, dy, kernel=None, strides=(1, 1), pads=(0, 0, 0, 0), dilation=(1, 1), groups=1, algorithm="auto"):
    ci, co = x.shape[3] // groups, dy.shape[3] // groups
    dw, xp = np.zeros((*kernel, ci, dy.shape[3])), _padded(x, pads)
    for p, q, rows, columns in _taps(dw, strides, pads, dilation, dy.shape[1:3]):
        for g in range(groups):
            dw[p, q, :, g * co : (g + 1) * co] = np.einsum(
                "nijc,nijo->co", xp[:, rows, columns, g * ci : (g + 1) * ci], dy[..., g * co : (g + 1) * co]
            )
    return dw


def conv2d(
    x,
    w,
    b=None,
    strides=1,
    padding="valid",
    pads=(),
    dilation=1,
    groups=1,
    data_format="channels_last",
    activation="linear",
    algorithm="auto",
):
    x = _last(x, data_format)
    s, d = _list(strides, 2), _list(dilation, 2)
    p = [v for i in (0, 1) for v in pads_of(x.shape[1 + i], w.shape[i], s[i], d[i], padding, pads, i, 2)]
    return _first(conv2d_nhwc(x, w, b, s, p, d, groups, activation == "relu"), data_format)


def conv1d(
    x, w, b=None, strides=1, padding="valid", pads=(), dilation=1, groups=1, data_format="channels_last", activation="linear"
):
    x = _last(x, data_format)
    s, d = _list(strides, 1), _list(dilation, 1)
    p = [0, 0, *pads_of(x.shape[1], w.shape[0], s[0], d[0], padding, pads, 0, 1)]
    y = conv2d_nhwc(x[:, None], w[None], b, [1, *s], p, [1, *d], groups, activation == "relu")
    return _first(y[:, 0], data_format)


def depthwise_conv2d(
    x, w, b=None, strides=1, padding="valid", pads=(), dilation=1, data_format="channels_last", activation="linear"
):
    each = [
        conv2d(_last(x, data_format)[..., c : c + 1], w[:, :, c : c + 1], None, strides, padding, pads, dilation)
        for c in range(w.shape[2])
    ]
    return _first(_act(np.concatenate(each, axis=-1), b, activation == "relu"), data_format)


def conv2d_transpose(
    x, w, b=None, strides=1, padding="valid", output_padding=(), dilation=1, data_format="channels_last", activation="linear"
):
    x = _last(x, data_format)
    s, d = _list(strides, 2), _list(dilation, 2)
    extra = _list(output_padding, 2, 0)
    size, pads = [], []
    for i in (0, 1):
        extent = d[i] * (w.shape[i] - 1) + 1
        n = x.shape[1 + i]
        if np.size(output_padding):
            size.append((n - 1) * s[i] + extent + extra[i] - (2 * (extent // 2) if padding == "same" else 0))
        else:
            size.append(n * s[i] + (max(extent - s[i], 0) if padding == "valid" else 0))
        pads += pads_of(size[i], w.shape[i], s[i], d[i], padding, (), i, 2)
    # Rows that the padding pushes out are dropped: scatter into the full picture, then cut.
    return _first(conv2d_dx(x, w, b, size, s, pads, d, 1, activation == "relu"), data_format)


# ---- pooling ----


def _windows(x, pool, strides, pads):
    """For every output position the values and flat positions of its window inside the image: ([n, k, c], [k])."""
    out = _out(x.shape[1:3], pool, strides, pads, (1, 1))
    h, w = x.shape[1:3]
    for i in range(out[0]):
        for j in range(out[1]):
            rows = [p for p in range(i * strides[0] - pads[0], i * strides[0] - pads[0] + pool[0]) if 0 <= p < h]
            columns = [q for q in range(j * strides[1] - pads[2], j * strides[1] - pads[2] + pool[1]) if 0 <= q < w]
            yield i, j, np.array([p * w + q for p in rows for q in columns], dtype=np.int64)


def max_pool2d(x, pool_size=(2, 2), strides=(2, 2), pads=(0, 0, 0, 0)):
    out = _out(x.shape[1:3], pool_size, strides, pads, (1, 1))
    y = np.zeros((x.shape[0], *out, x.shape[3]), dtype=x.dtype)
    at = np.zeros(y.shape, dtype=np.int32)
    flat = x.reshape(x.shape[0], x.shape[1] * x.shape[2], x.shape[3])
    for i, j, window in _windows(x, pool_size, strides, pads):
        best = np.argmax(flat[:, window], axis=1)  # the first maximum; the first NaN
        at[:, i, j] = window[best]
        y[:, i, j] = np.take_along_axis(flat, window[best][:, None], axis=1)[:, 0]
    return y, at


def max_pool2d_grad(dy, argmax, size=None):
    dx = np.zeros((dy.shape[0], size[0] * size[1], dy.shape[3]))
    for n, i, j, c in np.ndindex(*dy.shape):
        if argmax[n, i, j, c] >= 0:
            dx[n, argmax[n, i, j, c], c] += dy[n, i, j, c]
    return dx.reshape(dy.shape[0], *size, dy.shape[3])


def max_pool2d_take(x, argmax):
    flat = x.reshape(x.shape[0], x.shape[1] * x.shape[2], x.shape[3])
    y = np.zeros(argmax.shape)
    for n, i, j, c in np.ndindex(*argmax.shape):
        if argmax[n, i, j, c] >= 0:
            y[n, i, j, c] = flat[n, argmax[n, i, j, c], c]
    return y


def average_pool2d(x, pool_size=(2, 2), strides=(2, 2), pads=(0, 0, 0, 0)):
    out = _out(x.shape[1:3], pool_size, strides, pads, (1, 1))
    y = np.zeros((x.shape[0], *out, x.shape[3]))
    flat = x.reshape(x.shape[0], x.shape[1] * x.shape[2], x.shape[3])
    for i, j, window in _windows(x, pool_size, strides, pads):
        y[:, i, j] = flat[:, window].mean(axis=1)
    return y


def average_pool2d_grad(dy, size=None, pool_size=(2, 2), strides=(2, 2), pads=(0, 0, 0, 0)):
    dx = np.zeros((dy.shape[0], size[0] * size[1], dy.shape[3]))
    for i, j, window in _windows(np.zeros((1, *size, 1)), pool_size, strides, pads):
        dx[:, window] += dy[:, i, j][:, None] / len(window)
    return dx.reshape(dy.shape[0], *size, dy.shape[3])


def _pool(f, x, pool_size=2, strides=(), padding="valid", pads=(), data_format="channels_last"):
    x = _last(x, data_format)
    n = x.ndim - 2
    pool = _list(pool_size, n)
    s = _list(strides, n) if np.size(strides) else pool
    p = [v for i in range(n) for v in pads_of(x.shape[1 + i], pool[i], s[i], 1, padding, pads, i, n)]
    if n == 1:
        y = f(x[:, None], [1, *pool], [1, *s], [0, 0, *p])[:, 0]
    else:
        y = f(x, pool, s, p)
    return _first(y, data_format)


def max_pool(x, **attrs):
    return _pool(lambda *a: max_pool2d(*a)[0], x, **attrs)


def average_pool(x, **attrs):
    return _pool(average_pool2d, x, **attrs)


# ---- normalisation ----


def _norm(x, axes, epsilon, rms=False):
    mean = np.zeros_like(x.mean(axis=axes, keepdims=True)) if rms else x.mean(axis=axes, keepdims=True)
    var = ((x - mean) ** 2).mean(axis=axes, keepdims=True)
    rstd = 1 / np.sqrt(var + epsilon)
    return mean, var, rstd, (x - mean) * rstd


def _affine(xhat, gamma, beta):
    y = xhat if gamma is None else xhat * gamma
    return y if beta is None else y + beta


def _norm_grad(x, dy, gamma, axes, shared, epsilon, rms=False):
    _, _, rstd, xhat = _norm(x, axes, epsilon, rms)
    g = dy if gamma is None else dy * gamma
    dx = g - xhat * (g * xhat).mean(axis=axes, keepdims=True)
    if not rms:
        dx = dx - g.mean(axis=axes, keepdims=True)
    return rstd * dx, (dy * xhat).sum(axis=shared), dy.sum(axis=shared)


def _channels(x, axis):
    axis %= x.ndim
    shape = [1] * x.ndim
    shape[axis] = -1
    return tuple(i for i in range(x.ndim) if i != axis), lambda p: None if p is None else p.reshape(shape)


def batch_norm_training(x, gamma=None, beta=None, axis=-1, epsilon=1e-3):
    axes, along = _channels(x, axis)
    mean, var, _, xhat = _norm(x, axes, epsilon)
    return _affine(xhat, along(gamma), along(beta)), mean.reshape(-1), var.reshape(-1)


def batch_norm_inference(x, mean, var, gamma=None, beta=None, axis=-1, epsilon=1e-3):
    _, along = _channels(x, axis)
    return _affine((x - along(mean)) / np.sqrt(along(var) + epsilon), along(gamma), along(beta))


def batch_norm_grad(x, dy, mean, var, gamma=None, axis=-1, epsilon=1e-3):
    axes, along = _channels(x, axis)
    if x.size == 0:
        return np.zeros(x.shape), np.zeros(mean.shape), np.zeros(mean.shape)
    return _norm_grad(x, dy, along(gamma), axes, axes, epsilon)


def _trailing(x, axis):
    if axis is None:
        return x.ndim
    return np.size(axis)


def layer_norm_stats(x, gamma=None, beta=None, trailing=1, epsilon=1e-3, rms=False):
    axes = tuple(range(x.ndim - trailing, x.ndim))
    mean, _, rstd, xhat = _norm(x, axes, epsilon, rms)
    outer = x.shape[: x.ndim - trailing]
    return _affine(xhat, gamma, beta), mean.reshape(outer), rstd.reshape(outer)


def layer_norm(x, gamma=None, beta=None, axis=-1, epsilon=1e-3):
    return layer_norm_stats(x, gamma, beta, _trailing(x, axis), epsilon)[0]


def rms_norm(x, gamma=None, axis=-1, epsilon=1e-6):
    return layer_norm_stats(x, gamma, None, _trailing(x, axis), epsilon, rms=True)[0]


def layer_norm_grad(x, dy, mean, rstd, gamma=None, trailing=1, epsilon=1e-3, rms=False):
    axes = tuple(range(x.ndim - trailing, x.ndim))
    return _norm_grad(x, dy, gamma, axes, tuple(range(x.ndim - trailing)), epsilon, rms)


def _groups(x, groups, channels_last):
    first = np.moveaxis(x, -1, 1) if channels_last else x
    return first.reshape(x.shape[0], groups, first.shape[1] // groups, int(np.prod(first.shape[2:])))


def _ungroup(y, x, channels_last):
    if channels_last:
        return np.moveaxis(y.reshape(x.shape[0], x.shape[-1], *x.shape[1:-1]), 1, -1)
    return y.reshape(x.shape)


def _per_group(p, groups):
    return None if p is None else p.reshape(groups, -1, 1)


def group_norm_stats(x, gamma=None, beta=None, groups=32, channels_last=True, epsilon=1e-3):
    mean, _, rstd, xhat = _norm(_groups(x, groups, channels_last), (2, 3), epsilon)
    y = _ungroup(_affine(xhat, _per_group(gamma, groups), _per_group(beta, groups)), x, channels_last)
    return y, mean.reshape(x.shape[0], groups), rstd.reshape(x.shape[0], groups)


def group_norm(x, gamma=None, beta=None, groups=32, axis=-1, epsilon=1e-3):
    return group_norm_stats(x, gamma, beta, groups, axis in (-1, x.ndim - 1), epsilon)[0]


def group_norm_grad(x, dy, mean, rstd, gamma=None, groups=32, channels_last=True, epsilon=1e-3):
    parts = _groups(x, groups, channels_last), _groups(dy, groups, channels_last), _per_group(gamma, groups)
    dx, dgamma, dbeta = _norm_grad(*parts, (2, 3), (0, 3), epsilon)
    return _ungroup(dx, x, channels_last), dgamma.reshape(-1), dbeta.reshape(-1)


# ---- dropout ----


def philox(counter, key):
    """Philox4x32-10 of one counter (4 words) and key (2 words): Salmon et al. 2011."""
    c, k, mask = list(counter), list(key), 0xFFFFFFFF
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & mask, (p0 >> 32) ^ c[3] ^ k[1], p0 & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return c


def dropout(x, key, rate=0.5, stream=0, scale_at="training"):
    seed, key_stream, step = (int(v) for v in key)
    words = [philox((i // 4, 0, step, key_stream + stream), (seed & 0xFFFFFFFF, seed >> 32))[i % 4] for i in range(x.size)]
    keep = np.array([w >= rate * 2**32 for w in words], dtype=bool).reshape(x.shape)
    scale = 1 / (1 - rate) if scale_at == "training" and rate < 1 else 1.0
    return np.where(keep, x * scale, 0.0)


# ---- embedding ----


def embedding_grad(dy, indices, rows=0):
    table = np.zeros((rows, *dy.shape[indices.ndim :]))
    for at in np.ndindex(*indices.shape):
        table[indices[at]] += dy[at]
    return table


# ---- attention ----


def _probabilities(q, k, mask, bias, scale, causal):
    s = scale * np.einsum("bqhd,bkhd->bhqk", q, k)
    if bias is not None:
        s = s + bias
    allowed = np.isfinite(s)
    if mask is not None:
        allowed = allowed & mask
    if causal:
        allowed = allowed & np.tril(np.ones(s.shape[2:], dtype=bool))
    s = np.where(allowed, s, -np.inf)
    top = np.max(s, axis=-1, keepdims=True, initial=-np.inf)
    e = np.exp(s - np.where(np.isfinite(top), top, 0))
    total = e.sum(axis=-1, keepdims=True)
    with np.errstate(divide="ignore"):
        lse = np.log(total) + np.where(np.isfinite(top), top, 0)
    return np.divide(e, total, out=np.zeros_like(e), where=total > 0), lse[..., 0]


def attention_lse(q, k, v, mask=None, bias=None, scale=1.0, causal=False):
    p, lse = _probabilities(q, k, mask, bias, scale, causal)
    return np.einsum("bhqk,bkhd->bqhd", p, v), lse


def attention(q, k, v, mask=None, bias=None, scale=0.0, causal=False):
    return attention_lse(q, k, v, mask, bias, scale or 1 / np.sqrt(q.shape[-1]), causal)[0]


def attention_grad(q, k, v, dy, o, lse, mask=None, bias=None, scale=1.0, causal=False):
    p, _ = _probabilities(q, k, mask, bias, scale, causal)
    dp = np.einsum("bqhd,bkhd->bhqk", dy, v)
    ds = scale * p * (dp - (p * dp).sum(axis=-1, keepdims=True))
    return np.einsum("bhqk,bkhd->bqhd", ds, k), np.einsum("bhqk,bqhd->bkhd", ds, q), np.einsum("bhqk,bqhd->bkhd", p, dy)
