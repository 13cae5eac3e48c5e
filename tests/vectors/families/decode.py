"""One decoder in float64, straight from the definitions. The families' modules describe a
model by small functions over arrays ("norm", "ffn") and plain numbers; nothing here knows a
file format, and nothing is shared with llmc.h.

Letters: T tokens, D width, H query heads, G key heads, K head size, V vocabulary, E experts.
"""
import math
from types import SimpleNamespace

import numpy as np

# ---------------------------------------------------------------- functions of one vector


def rms_norm(w, eps, plus_one=False):
    """x / sqrt(mean x^2 + eps) * w; Gemma stores w - 1. Over the last axis."""
    scale = w + 1.0 if plus_one else w
    return lambda x: x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * scale


def layer_norm(w, b, eps, plus_one=False):
    """(x - mean) / sqrt(variance + eps) * w + b; w or b may be None."""
    def apply(x):
        m = x.mean(-1, keepdims=True)
        y = (x - m) / np.sqrt(((x - m) ** 2).mean(-1, keepdims=True) + eps)
        if w is not None:
            y = y * (w + 1.0 if plus_one else w)
        return y if b is None else y + b
    return apply


def silu(x):
    return x / (1 + np.exp(-x))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def gelu_erf(x):
    return 0.5 * x * (1 + np.vectorize(math.erf, otypes=[float])(x / math.sqrt(2)))


def relu2(x):
    return np.maximum(x, 0) ** 2


ACTIVATIONS = {"silu": silu, "gelu": gelu_erf, "gelu_new": gelu_tanh, "gelu_pytorch_tanh": gelu_tanh,
               "relu2": relu2}


def linear(w, b=None):
    """w [out][in]"""
    return lambda x: x @ w.T if b is None else x @ w.T + b


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# ---------------------------------------------------------------- feed-forward layers


def gated(gate, up, down, act):
    return lambda x: down(act(gate(x)) * up(x))


def plain(up, down, act):
    return lambda x: down(act(up(x)))


def experts(router, each, used, renorm, shared=None):
    """Softmax over all experts, the `used` largest (of equal ones the lower index first), their
    weights divided by their sum if `renorm`. Softmax over the chosen logits only, as Mixtral's,
    Granite's and gpt-oss's makers write it, is the same thing as renorm."""
    def apply(x):
        logits = router(x).round(12)  # equal rows of the router give equal logits, whatever the BLAS
        y = np.zeros_like(x)
        for t in range(x.shape[0]):
            p = softmax(logits[t])
            order = np.argsort(-logits[t], kind="stable")[:used]
            w = p[order] / p[order].sum() if renorm else p[order]
            for e, s in zip(order, w):
                y[t] += s * each[e](x[t:t + 1])[0]
        return y if shared is None else y + shared(x)
    apply.router = router
    apply.used = used
    return apply


# ---------------------------------------------------------------- rotary positions


def frequencies(base, dims):
    """Radians per position of each pair: base^(-2i / dims)."""
    return base ** (-np.arange(0, dims, 2) / dims)


def yarn(base, dims, factor, original, fast=32.0, slow=1.0, truncate=True):
    """YaRN (Peng et al. 2023): pairs that turn more than `fast` times within the original length
    stay, those below `slow` turns are slowed by the factor, a linear ramp in between."""
    def pair_of(turns):
        return dims * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(base))
    low, high = pair_of(fast), pair_of(slow)
    if truncate:
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dims - 1)
    if low == high:
        high += 0.001
    ramp = np.clip((np.arange(dims // 2) - low) / (high - low), 0, 1)
    f = frequencies(base, dims)
    return f / factor * ramp + f * (1 - ramp)


def llama3_factors(base, dims, factor, low, high, original):
    """What Llama 3.1 divides each frequency by: 1 for short waves, `factor` for long ones."""
    out = []
    for f in frequencies(base, dims):
        wave = 2 * math.pi / f
        if wave < original / high:
            out.append(1.0)
        elif wave > original / low:
            out.append(factor)
        else:
            s = (original / wave - low) / (high - low)
            out.append(1 / ((1 - s) / factor + s))
    return np.array(out)


def rotation(freq, adjacent=False, scale=1.0):
    """Turns pair i of position t by t * freq[i]. The pair is (2i, 2i+1) if adjacent, else
    (i, i + half); elements past the pairs stay. Cosine and sine are multiplied by scale."""
    n = len(freq)
    i = np.arange(n)
    first, second = (2 * i, 2 * i + 1) if adjacent else (i, i + n)

    def apply(x):  # [T][heads][K]
        angle = np.arange(x.shape[0])[:, None] * freq
        c, s = scale * np.cos(angle)[:, None, :], scale * np.sin(angle)[:, None, :]
        y = x.copy()
        y[..., first] = x[..., first] * c - x[..., second] * s
        y[..., second] = x[..., first] * s + x[..., second] * c
        return y
    return apply


# ---------------------------------------------------------------- attention and the blocks


def attention(q, k, v, o, heads, kv_heads, head_dim, q_norm=None, k_norm=None, turn=None, window=None,
              scale=None, softcap=None, sinks=None, clip=None):
    """q, k, v, o: linear functions; norms see [T][heads][K]; window W: the token itself and the
    W - 1 before it; sinks [H]: a logit for each head that joins the softmax and then is dropped."""
    scale = head_dim ** -0.5 if scale is None else scale

    def apply(x):
        T = x.shape[0]
        qs, ks, vs = q(x), k(x), v(x)
        if clip is not None:
            qs, ks, vs = (np.clip(a, -clip, clip) for a in (qs, ks, vs))
        qs = qs.reshape(T, heads, head_dim)
        ks, vs = ks.reshape(T, kv_heads, head_dim), vs.reshape(T, kv_heads, head_dim)
        if q_norm is not None:
            qs, ks = q_norm(qs), k_norm(ks)
        if turn is not None:
            qs, ks = turn(qs), turn(ks)
        i, j = np.arange(T)[:, None], np.arange(T)[None, :]
        seen = j <= i
        if window is not None:
            seen &= j > i - window
        out = np.empty((T, heads, head_dim))
        for h in range(heads):
            g = h // (heads // kv_heads)
            s = qs[:, h] @ ks[:, g].T * scale
            if softcap is not None:
                s = softcap * np.tanh(s / softcap)
            s = np.where(seen, s, -np.inf)
            if sinks is not None:
                s = np.concatenate([s, np.full((T, 1), sinks[h])], 1)
            out[:, h] = softmax(s)[:, :T] @ vs[:, g]
        return o(out.reshape(T, heads * head_dim))
    return apply


def same(x):
    return x


def over_width(norm):
    """A norm over all heads together, applied to [T][heads][K]."""
    return lambda x: norm(x.reshape(x.shape[0], -1)).reshape(x.shape)


def block(attn, ffn, pre=same, pre_ffn=same, post=same, post_ffn=same, parallel=False, residual=1.0):
    return SimpleNamespace(attn=attn, ffn=ffn, pre=pre, pre_ffn=pre_ffn, post=post, post_ffn=post_ffn,
                           parallel=parallel, residual=residual)


def run(m, ids, watch=None):
    """Logits [T][V] of m: embed [V][D], embed_scale, positions [n][D] or None, blocks, norm, head
    (a function), logit_scale, softcap. watch(layer, x) sees the input of each feed-forward."""
    x = m.embed[ids] * m.embed_scale
    if m.positions is not None:
        x = x + m.positions[:len(ids)]
    for l, b in enumerate(m.blocks):
        a = b.post(b.attn(b.pre(x))) * b.residual
        y = b.pre_ffn(x if b.parallel else x + a)
        if watch is not None:
            watch(l, y)
        x = x + a + b.post_ffn(b.ffn(y)) * b.residual
    y = m.head(m.norm(x)) * m.logit_scale
    return y if m.softcap is None else m.softcap * np.tanh(y / m.softcap)


def model(embed, blocks, norm, head, embed_scale=1.0, positions=None, logit_scale=1.0, softcap=None):
    return SimpleNamespace(embed=embed, blocks=blocks, norm=norm, head=head, embed_scale=embed_scale,
                           positions=positions, logit_scale=logit_scale, softcap=softcap)
