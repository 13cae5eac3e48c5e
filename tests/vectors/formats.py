#!/usr/bin/python3
"""Independent reference for the formats that llmc.h reads: small random models written in every
container, and their logits computed in float64 straight from the definitions.

    /usr/bin/python3 tests/vectors/formats.py OUT [NAME...]   models and list.txt into OUT
    /usr/bin/python3 tests/vectors/formats.py --vectors       tests/vectors/formats/*.bin anew
    /usr/bin/python3 tests/vectors/formats.py --check         are those what is computed today?

Run from the repository's root; needs numpy (Debian: python3-numpy). Everything is derived from
fixed seeds. A line of list.txt describes one case, in fields separated by spaces:

    name  path  vector  ids  context  class

path is relative to OUT, vector to tests/vectors/formats, ids are separated by commas, context is
the length to open with. The class says what the vector holds: `f32` the last rows of the logits
[rows][V]; `same` likewise, and all cases of one vector agree with each other far closer (it is
one set of weights in several containers); `mean`, `cls`, `last`, `default` a pooled, normalised
hidden state [D]. See README.md beside this file.
"""
import hashlib
import json
import os
import shutil
import struct
import sys
from functools import partial

import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "formats")


# ---------------------------------------------------------------- random weights
class Random:
    """Weights by a fixed seed, rounded to float32. A matrix is [outputs][inputs]."""

    def __init__(self, seed):
        self.r = np.random.RandomState(seed)

    def mat(self, rows, cols, gain=1.0):
        return (self.r.standard_normal((rows, cols)) * gain / np.sqrt(cols)).astype(np.float32)

    def table(self, rows, cols, std=1.0):
        return (self.r.standard_normal((rows, cols)) * std).astype(np.float32)

    def embedding(self, rows, cols, small):
        """A table whose first 16 rows are so small that a norm's epsilon shows."""
        x = self.table(rows, cols)
        x[:16] *= np.float32(small)
        return x

    def gain(self, n):
        return (1 + 0.3 * self.r.uniform(-1, 1, n)).astype(np.float32)

    def bias(self, n, std=0.3):
        return (self.r.standard_normal(n) * std).astype(np.float32)

    def ids(self, n, vocab):
        return [int(i) for i in self.r.randint(0, vocab, n)]


def round_bf16(x):
    bits = np.ascontiguousarray(x, dtype=np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


def stored(x, kind):
    """The values that a reader of x stored as `kind` sees."""
    if kind == "F16":
        return x.astype(np.float16).astype(np.float32)
    return round_bf16(x) if kind == "BF16" else x


def raw(x, kind):
    """x as the bytes of `kind`, little-endian."""
    if kind == "BF16":
        return (round_bf16(x).view(np.uint32) >> 16).astype("<u2").tobytes()
    return np.ascontiguousarray(x).astype({"F32": "<f4", "F16": "<f2", "I64": "<i8"}[kind]).tobytes()


# ---------------------------------------------------------------- definitions
def rms(x, eps, w=None):
    y = x / np.sqrt((x * x).mean(-1, keepdims=True) + eps)
    return y if w is None else y * w


def layer_norm(x, w, b, eps):
    c = x - x.mean(-1, keepdims=True)
    return c / np.sqrt((c * c).mean(-1, keepdims=True) + eps) * w + b


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def silu(x):
    return x * sigmoid(x)


def erf(x):
    """Series near zero, continued fraction of erfc beyond: accurate to 1e-15 or so."""
    a = np.abs(x)
    series, term = a.copy(), a.copy()
    for n in range(1, 80):
        term = -term * a * a / n
        series += term / (2 * n + 1)
    near = 2 / np.sqrt(np.pi) * series
    b = np.maximum(a, 2.0)
    f = b.copy()
    for n in range(60, 0, -1):
        f = b + n / 2 / f
    far = 1 - np.exp(-b * b) / f / np.sqrt(np.pi)
    return np.sign(x) * np.where(a < 2.5, near, far)


def gelu_erf(x):
    return 0.5 * x * (1 + erf(x / np.sqrt(2)))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))


def rope_half(x, base, sign=1.0):
    """x [T][heads][K]: pair (i, i + K/2) of position t turns by sign * t * base^(-2i/K)."""
    half = x.shape[-1] // 2
    angle = np.arange(x.shape[0])[:, None] * base ** (-np.arange(half) / half)
    cos, sin = np.cos(angle)[:, None], sign * np.sin(angle)[:, None]
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * cos - b * sin, a * sin + b * cos], -1)


def causal(T, window=None, sinks=0):
    """True where query i sees key j: j <= i, and j > i - window or j < sinks."""
    i, j = np.arange(T)[:, None], np.arange(T)[None]
    near = True if window is None else (j > i - window) | (j < sinks)
    return (j <= i) & near


def attend(q, k, v, seen):
    """q [T][H][K], k and v [T][G][K], seen [T][T]; out [T][H*K]."""
    T, H, K = q.shape
    out = np.empty((T, H, K))
    for h in range(H):
        g = h // (H // k.shape[1])
        s = np.where(seen, q[:, h] @ k[:, g].T / np.sqrt(K), -np.inf)
        out[:, h] = softmax(s) @ v[:, g]
    return out.reshape(T, H * K)


def heads(x, n):
    return x.reshape(x.shape[0], n, -1)


def wide(w):
    return {k: v.astype(np.float64) for k, v in w.items()}


# ---------------------------------------------------------------- a llama, by its makers' names
def llama_weights(c, seed):
    r, D, F, V, H, G, K = Random(seed), c["D"], c["F"], c["V"], c["H"], c["G"], c["K"]
    w = {"model.embed_tokens.weight": r.embedding(V, D, 0.01)}
    for l in range(c["L"]):
        p = "model.layers.%d." % l
        w[p + "input_layernorm.weight"] = r.gain(D)
        w[p + "self_attn.q_proj.weight"] = r.mat(H * K, D, 1.5)
        w[p + "self_attn.k_proj.weight"] = r.mat(G * K, D, 1.5)
        w[p + "self_attn.v_proj.weight"] = r.mat(G * K, D)
        w[p + "self_attn.o_proj.weight"] = r.mat(D, H * K)
        if c.get("qk_norm"):
            w[p + "self_attn.q_norm.weight"] = r.gain(K) * np.float32(1.3)
            w[p + "self_attn.k_norm.weight"] = r.gain(K) * np.float32(1.3)
        w[p + "post_attention_layernorm.weight"] = r.gain(D)
        w[p + "mlp.gate_proj.weight"] = r.mat(F, D, 1.5)
        w[p + "mlp.up_proj.weight"] = r.mat(F, D)
        w[p + "mlp.down_proj.weight"] = r.mat(D, F, 1.5)
    w["model.norm.weight"] = r.gain(D)
    if not c.get("tied"):
        w["lm_head.weight"] = r.mat(V, D)
    elif c["D"] > 0:  # a tied head: embeddings small enough that logits stay near 1
        w["model.embed_tokens.weight"] *= np.float32(1 / np.sqrt(D))
    return w


def llama_hidden(c, w, ids):
    """States after the last norm [T][D]. Touvron 2023; q/k norm by Qwen 3."""
    w, eps = wide(w), c["eps"]
    x = w["model.embed_tokens.weight"][ids]
    for l in range(c["L"]):
        def at(name):
            return w["model.layers.%d.%s.weight" % (l, name)]

        h = rms(x, eps, at("input_layernorm"))
        q = heads(h @ at("self_attn.q_proj").T, c["H"])
        k = heads(h @ at("self_attn.k_proj").T, c["G"])
        v = heads(h @ at("self_attn.v_proj").T, c["G"])
        if c.get("qk_norm"):
            q, k = rms(q, eps, at("self_attn.q_norm")), rms(k, eps, at("self_attn.k_norm"))
        q, k = rope_half(q, c["base"]), rope_half(k, c["base"])
        x = x + attend(q, k, v, causal(len(ids), c.get("window"))) @ at("self_attn.o_proj").T
        h = rms(x, eps, at("post_attention_layernorm"))
        x = x + (silu(h @ at("mlp.gate_proj").T) * (h @ at("mlp.up_proj").T)) @ at("mlp.down_proj").T
    return rms(x, eps, w["model.norm.weight"])


def llama(c, w, ids):
    head = w.get("lm_head.weight", w["model.embed_tokens.weight"])
    return llama_hidden(c, w, ids) @ head.astype(np.float64).T


LLAMA = dict(V=61, D=64, F=96, L=2, H=4, G=2, K=16, eps=1e-5, base=10000.0, context=128)


# ---------------------------------------------------------------- GPT-2, by its makers' names
def gpt2_weights(c, seed, kind="F32"):
    """Hugging Face's names; matrices [out][in] here."""
    r, D = Random(seed), c["D"]
    w = {"wte.weight": r.table(c["V"], D, 0.02), "wpe.weight": r.table(c["context"], D, 0.01)}
    for l in range(c["L"]):
        p = "h.%d." % l
        for name, shape, gain in (("attn.c_attn", (3 * D, D), 1.5), ("attn.c_proj", (D, D), 1),
                                  ("mlp.c_fc", (4 * D, D), 1.5), ("mlp.c_proj", (D, 4 * D), 1)):
            w[p + name + ".weight"] = r.mat(*shape, gain)
            w[p + name + ".bias"] = r.bias(shape[0])
        for name in ("ln_1", "ln_2"):
            w[p + name + ".weight"], w[p + name + ".bias"] = r.gain(D), r.bias(D)
    w["ln_f.weight"], w["ln_f.bias"] = r.gain(D), r.bias(D)
    return {k: stored(v, kind) for k, v in w.items()}


def gpt2(c, w, ids):
    """Radford 2019: pre-norm, learned positions, GELU by tanh, tied head."""
    w, T, eps = wide(w), len(ids), 1e-5
    x = w["wte.weight"][ids] + w["wpe.weight"][:T]
    for l in range(c["L"]):
        def linear(x, name):
            return x @ w["h.%d.%s.weight" % (l, name)].T + w["h.%d.%s.bias" % (l, name)]

        def norm(x, name):
            return layer_norm(x, w["h.%d.%s.weight" % (l, name)], w["h.%d.%s.bias" % (l, name)], eps)

        q, k, v = (heads(y, c["H"]) for y in np.split(linear(norm(x, "ln_1"), "attn.c_attn"), 3, -1))
        x = x + linear(attend(q, k, v, causal(T)), "attn.c_proj")
        x = x + linear(gelu_tanh(linear(norm(x, "ln_2"), "mlp.c_fc")), "mlp.c_proj")
    return layer_norm(x, w["ln_f.weight"], w["ln_f.bias"], eps) @ w["wte.weight"].T


GPT2 = dict(V=50, D=48, L=3, H=4, context=64)


# ---------------------------------------------------------------- claude-rust
def claude_weights(c, seed, kind="F32"):
    r, D, K = Random(seed), c["D"], c["D"] // c["H"]
    rows = D + 2 * c["G"] * K
    w = {"wte.weight": r.embedding(c["V"], D, 0.01)}
    if c.get("position") == "learned":
        w["wpe.weight"] = r.table(c["context"], D, 0.5)
    for l in range(c["L"]):
        p = "h.%d." % l
        for name, shape, gain, bias in (("attn.c_attn", (rows, D), 1.5, c.get("bias")),
                                        ("attn.c_proj", (D, D), 1, c.get("bias")),
                                        ("mlp.c_fc", (4 * D, D), 1.5, True), ("mlp.c_proj", (D, 4 * D), 1, True)):
            w[p + name + ".weight"] = r.mat(*shape, gain)
            if bias:
                w[p + name + ".bias"] = r.bias(shape[0])
        w[p + "ln_1.weight"], w[p + "ln_2.weight"] = r.gain(D), r.gain(D)
    w["ln_f.weight"] = r.gain(D)
    w["lm_head.weight"] = r.mat(c["V"], D)
    return {k: stored(v, kind) for k, v in w.items()}


def sinusoids(T, D):
    """Vaswani 2017: sine in even dimensions, cosine in odd ones."""
    angle = np.arange(T)[:, None] / 10000.0 ** (np.arange(0, D, 2) / D)
    out = np.empty((T, D))
    out[:, 0::2], out[:, 1::2] = np.sin(angle), np.cos(angle)
    return out


def claude_rust(c, w, ids):
    """Pre-norm RMSNorm, fused q k v, half RoPE with NTK scaling, MLP with exact GELU."""
    w, T, D, H, G = wide(w), len(ids), c["D"], c["H"], c["G"]
    K, eps = D // H, c.get("eps", 1e-5)
    position = c.get("position", "rope")
    base = c.get("base", 10000.0)
    stretch = c["context"] / c["original"]
    if stretch > 1:
        base *= stretch ** (K / (K - 2))
    x = w["wte.weight"][ids]
    if position == "learned":
        x = x + w["wpe.weight"][:T]
    if position == "sinusoidal":
        x = x + sinusoids(T, D)
    seen = causal(T, c.get("window", 4096), c.get("sinks", 4))
    for l in range(c["L"]):
        def linear(x, name):
            return x @ w["h.%d.%s.weight" % (l, name)].T + w.get("h.%d.%s.bias" % (l, name), 0.0)

        qkv = linear(rms(x, eps, w["h.%d.ln_1.weight" % l]), "attn.c_attn")
        q, k, v = (heads(y, n) for y, n in zip(np.split(qkv, [D, D + G * K], -1), (H, G, G)))
        if position == "rope":
            q, k = rope_half(q, base), rope_half(k, base)
        x = x + linear(attend(q, k, v, seen), "attn.c_proj")
        x = x + linear(gelu_erf(linear(rms(x, eps, w["h.%d.ln_2.weight" % l]), "mlp.c_fc")), "mlp.c_proj")
    return rms(x, eps, w["ln_f.weight"]) @ w["lm_head.weight"].T


# ---------------------------------------------------------------- nanochat
def nanochat_weights(c, seed):
    """October 2025. Rows of the vocabulary beyond V are padding that must not show in the logits."""
    r, D, G, rows = Random(seed), c["D"], c["G"], c.get("rows", c["V"])
    K = D // c["H"]
    w = {"transformer.wte.weight": r.embedding(rows, D, 0.001)}
    for l in range(c["L"]):
        p = "transformer.h.%d." % l
        w[p + "attn.c_q.weight"] = r.mat(D, D, 2)
        w[p + "attn.c_k.weight"] = r.mat(G * K, D, 2)
        w[p + "attn.c_v.weight"] = r.mat(G * K, D)
        w[p + "attn.c_proj.weight"] = r.mat(D, D)
        w[p + "mlp.c_fc.weight"] = r.mat(4 * D, D)
        w[p + "mlp.c_proj.weight"] = r.mat(D, 4 * D)
    w["lm_head.weight"] = r.mat(rows, D, 6)
    return w


def nanochat_weights_2026(c, seed):
    """What July 2026 adds."""
    w, r, L = nanochat_weights(c, seed), Random(seed + 1000), c["L"]
    rows, K = c["rows"], c["D"] // c["H"]
    w["resid_lambdas"] = (1 + r.bias(L, 0.2)).astype(np.float32)
    w["x0_lambdas"] = r.bias(L, 0.5)
    w["smear_gate.weight"] = r.mat(1, 24, 3)
    w["smear_lambda"] = np.full(c["scalars"], 0.7, np.float32)
    w["backout_lambda"] = np.full(c["scalars"], 0.4, np.float32)
    for l in range(L):
        if l % 2 == (L - 1) % 2:
            w["value_embeds.%d.weight" % l] = r.table(rows, c["G"] * K)
            w["transformer.h.%d.attn.ve_gate.weight" % l] = r.mat(c["G"], 12, 3)
    return w


def softcap(x, cap):
    return cap * np.tanh(x / cap)


def nanochat_block(w, p, x, H, G, eps, base, scale, seen, value=None, clamp=None):
    """One block of any nanochat. value(h) is added to v [T][G][K]."""
    h = rms(x, eps)
    q, k, v = (heads(h @ w[p + "attn.c_%s.weight" % n].T, m) for n, m in (("q", H), ("k", G), ("v", G)))
    if clamp:
        q, k, v = (np.clip(y, -clamp, clamp) for y in (q, k, v))
    if value is not None:
        v = v + value(h)
    q, k = (scale * rms(rope_half(y, base, -1.0), eps) for y in (q, k))
    x = x + attend(q, k, v, seen) @ w[p + "attn.c_proj.weight"].T
    return x + np.maximum(rms(x, eps) @ w[p + "mlp.c_fc.weight"].T, 0) ** 2 @ w[p + "mlp.c_proj.weight"].T


def nanochat_2025(c, w, ids):
    w, eps = wide(w), 2.0 ** -23
    x = rms(w["transformer.wte.weight"][ids], eps)
    for l in range(c["L"]):
        x = nanochat_block(w, "transformer.h.%d." % l, x, c["H"], c["G"], eps, 1e4, 1.0, causal(len(ids)))
    return softcap(rms(x, eps) @ w["lm_head.weight"].T, 15)[:, :c["V"]]


# FORMATS has a norm between embedding and first block for the Rust port, too; its published
# source has none there. This is the one place to change.
PORT_NORMS_EMBEDDING = True


def nanochat_port(c, w, ids):
    """The Rust port: eps 1e-6, q k v within 5, logits within 50 before and after the cap."""
    w, eps = wide(w), 1e-6
    x = w["transformer.wte.weight"][ids]
    if PORT_NORMS_EMBEDDING:
        x = rms(x, eps)
    for l in range(c["L"]):
        x = nanochat_block(w, "transformer.h.%d." % l, x, c["H"], c["G"], eps, 1e4, 1.0, causal(len(ids)),
                           clamp=5.0)
    logits = np.clip(rms(x, eps) @ w["lm_head.weight"].T, -50, 50)
    return np.clip(softcap(logits, 15), -50, 50)


def nanochat_2026(c, w, ids):
    w, eps, T, L, G, n = wide(w), 2.0 ** -23, len(ids), c["L"], c["G"], c["sequence"]
    x = rms(w["transformer.wte.weight"][ids], eps)
    gate = w["smear_lambda"].reshape(()) * sigmoid(x[1:, :24] @ w["smear_gate.weight"].T)
    x = np.concatenate([x[:1], x[1:] + gate * x[:-1]])
    x0 = x
    short = -(-n // 4 // 128) * 128
    for l in range(L):
        letter = "L" if l == L - 1 else c["pattern"][l % len(c["pattern"])].upper()
        seen = causal(T, (short if letter == "S" else n) + 1)  # so many earlier tokens, and itself
        x = w["resid_lambdas"][l] * x + w["x0_lambdas"][l] * x0
        p = "transformer.h.%d." % l

        def value(h):
            table = w["value_embeds.%d.weight" % l]
            g = 3 * sigmoid(h[:, :12] @ w[p + "attn.ve_gate.weight"].T)
            return g[:, :, None] * heads(table[ids], G)

        has = "value_embeds.%d.weight" % l in w
        x = nanochat_block(w, p, x, c["H"], G, eps, 1e5, 1.2, seen, value if has else None)
        if l == L // 2:
            backout = x
    x = x - w["backout_lambda"].reshape(()) * backout
    return softcap(rms(x, eps) @ w["lm_head.weight"].T, 15)[:, :c["V"]]


# ---------------------------------------------------------------- BERT
def bert_weights(c, seed):
    r, D, F = Random(seed), c["D"], c["F"]
    e = "embeddings."
    w = {e + "word_embeddings.weight": r.table(c["V"], D, 0.005),
         e + "position_embeddings.weight": r.table(c["context"], D, 0.005),
         e + "token_type_embeddings.weight": r.table(2, D, 0.005),
         e + "LayerNorm.weight": r.gain(D), e + "LayerNorm.bias": r.bias(D)}
    for l in range(c["L"]):
        p = "encoder.layer.%d." % l
        for name, shape, gain in (("attention.self.query", (D, D), 1.5), ("attention.self.key", (D, D), 1.5),
                                  ("attention.self.value", (D, D), 1), ("attention.output.dense", (D, D), 1),
                                  ("intermediate.dense", (F, D), 1.5), ("output.dense", (D, F), 1)):
            w[p + name + ".weight"], w[p + name + ".bias"] = r.mat(*shape, gain), r.bias(shape[0])
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            w[p + name + ".weight"], w[p + name + ".bias"] = r.gain(D), r.bias(D)
    w["pooler.dense.weight"], w["pooler.dense.bias"] = r.mat(D, D), r.bias(D)
    return w


def bert_hidden(c, w, ids):
    """Devlin 2018: bidirectional, norms on the sums, exact GELU; every token of type 0."""
    w, T, eps = wide(w), len(ids), c["eps"]
    e = "embeddings."
    x = w[e + "word_embeddings.weight"][ids] + w[e + "position_embeddings.weight"][:T]
    x = x + w[e + "token_type_embeddings.weight"][0]
    x = layer_norm(x, w[e + "LayerNorm.weight"], w[e + "LayerNorm.bias"], eps)
    for l in range(c["L"]):
        def linear(x, name):
            return x @ w["encoder.layer.%d.%s.weight" % (l, name)].T + w["encoder.layer.%d.%s.bias" % (l, name)]

        def norm(x, name):
            p = "encoder.layer.%d.%s.LayerNorm." % (l, name)
            return layer_norm(x, w[p + "weight"], w[p + "bias"], eps)

        q, k, v = (heads(linear(x, "attention.self." + n), c["H"]) for n in ("query", "key", "value"))
        heard = attend(q, k, v, np.full((T, T), True))
        x = norm(x + linear(heard, "attention.output.dense"), "attention.output")
        x = norm(x + linear(gelu_erf(linear(x, "intermediate.dense")), "output.dense"), "output")
    return x


def pool(x, how):
    v = {"mean": x.mean(0), "cls": x[0], "last": x[-1]}[how]
    return v / np.sqrt((v * v).sum())


def pooled(hidden, c, w, ids, how):
    return pool(hidden(c, w, ids), how)


# ---------------------------------------------------------------- RustGPT
def rustgpt_weights(c, seed):
    r, D, F = Random(seed), c["D"], c["F"]
    w = {"embeddings.token.weight": r.table(c["V"], D), "embeddings.position.weight": r.table(c["context"], D, 0.5)}
    for l in range(c["L"]):
        p = "layers.%d." % l
        for name in ("w_q", "w_k", "w_v"):
            w[p + "attention.%s.weight" % name] = r.mat(D, D, 1.2)
        for name, shape in (("fc1", (F, D)), ("fc2", (D, F))):
            w[p + "ffn.%s.weight" % name], w[p + "ffn.%s.bias" % name] = r.mat(*shape, 1.5), r.bias(shape[0])
        for name in ("norm1", "norm2"):
            w[p + name + ".weight"], w[p + name + ".bias"] = r.gain(D), r.bias(D)
    w["output.weight"], w["output.bias"] = r.mat(c["V"], D), r.bias(c["V"])
    return w


def rustgpt(c, w, ids):
    """Post-norm, one head, no output projection. Its LayerNorm adds eps to the deviation."""
    w, T = wide(w), len(ids)

    def norm(x, p):
        m, s = x.mean(-1, keepdims=True), x.std(-1, keepdims=True)
        return (x - m) / (s + 1e-5) * w[p + ".weight"] + w[p + ".bias"]

    x = w["embeddings.token.weight"][ids] + w["embeddings.position.weight"][:T]
    for l in range(c["L"]):
        p = "layers.%d." % l
        q, k, v = (heads(x @ w[p + "attention.%s.weight" % n].T, 1) for n in ("w_q", "w_k", "w_v"))
        x = norm(x + attend(q, k, v, causal(T)), p + "norm1")
        h = np.maximum(x @ w[p + "ffn.fc1.weight"].T + w[p + "ffn.fc1.bias"], 0)
        x = norm(x + h @ w[p + "ffn.fc2.weight"].T + w[p + "ffn.fc2.bias"], p + "norm2")
    return x @ w["output.weight"].T + w["output.bias"]


# ---------------------------------------------------------------- container: safetensors
def safetensors(tensors, metadata=None):
    """tensors: name -> (array, kind), in the order of the file."""
    head, at, body = {}, 0, []
    if metadata:
        head["__metadata__"] = metadata
    for name, (x, kind) in tensors.items():
        data = raw(x, kind)
        head[name] = {"dtype": kind, "shape": list(x.shape), "data_offsets": [at, at + len(data)]}
        body.append(data)
        at += len(data)
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(body)


def typed(w, kind="F32"):
    return {k: (v, kind) for k, v in w.items()}


def pretty(x):
    return json.dumps(x, indent=2) + "\n"


def hf_folder(config, w, kind="F32", shards=1):
    """A folder as downloaded; with shards an index that says which file holds what."""
    files = {"config.json": pretty(config),
             "generation_config.json": pretty({"_from_model_config": True, "bos_token_id": 1, "eos_token_id": 2,
                                               "transformers_version": "4.44.0"})}
    if shards == 1:
        files["model.safetensors"] = safetensors(typed(w, kind), {"format": "pt"})
        return files
    names, where = list(w), {}
    for n in range(shards):
        part = names[n * len(names) // shards:(n + 1) * len(names) // shards]
        file = "model-%05d-of-%05d.safetensors" % (n + 1, shards)
        files[file] = safetensors(typed({k: w[k] for k in part}, kind), {"format": "pt"})
        where.update({k: file for k in part})
    total = sum(v.size for v in w.values()) * (4 if kind == "F32" else 2)
    files["model.safetensors.index.json"] = pretty({"metadata": {"total_size": total}, "weight_map": where})
    return files


def llama_config(c, model_type="llama"):
    return {"architectures": ["LlamaForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 1,
            "eos_token_id": 2, "hidden_act": "silu", "hidden_size": c["D"], "initializer_range": 0.02,
            "intermediate_size": c["F"], "max_position_embeddings": c["context"], "mlp_bias": False,
            "model_type": model_type, "num_attention_heads": c["H"], "num_hidden_layers": c["L"],
            "num_key_value_heads": c["G"], "pretraining_tp": 1, "rms_norm_eps": c["eps"], "rope_scaling": None,
            "rope_theta": c["base"], "tie_word_embeddings": bool(c.get("tied")), "torch_dtype": "float32",
            "transformers_version": "4.44.0", "use_cache": True, "vocab_size": c["V"]}


# ---------------------------------------------------------------- container: GGUF v3
U16, U32, I32, F32, BOOL, STRING, ARRAY = 2, 4, 5, 6, 7, 8, 9


def g_string(s):
    return struct.pack("<Q", len(s.encode())) + s.encode()


def g_key(name, kind, value):
    data = g_string(value) if kind == STRING else struct.pack({U16: "<H", U32: "<I", I32: "<i", F32: "<f", BOOL: "<B"}[kind],
                                                              value)
    return g_string(name) + struct.pack("<I", kind) + data


def gguf(keys, tensors):
    """keys: (name, kind, value); tensors: name -> float32 array, stored as F32."""
    info, data = b"", b""
    for name, x in tensors.items():
        info += g_string(name) + struct.pack("<I%dQIQ" % x.ndim, x.ndim, *x.shape[::-1], 0, len(data))
        data += raw(x, "F32")
        data += b"\0" * (-len(data) % 32)
    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys)) + b"".join(g_key(*k) for k in keys) + info
    return out + b"\0" * (-len(out) % 32) + data


def adjacent(x, n):
    """Rows of n heads from pairs (i, i + K/2) to pairs (2i, 2i + 1), as llama.cpp stores them."""
    return x.reshape(n, 2, -1, x.shape[-1]).swapaxes(1, 2).reshape(x.shape)


LLAMA_GGUF = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
              "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
              "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}


def llama_gguf(c, w):
    """(keys, tensors)"""
    keys = [("general.architecture", STRING, "llama"), ("general.name", STRING, "formats"),
            ("llama.block_count", U32, c["L"]), ("llama.context_length", U32, c["context"]),
            ("llama.embedding_length", U32, c["D"]), ("llama.feed_forward_length", U32, c["F"]),
            ("llama.attention.head_count", U32, c["H"]), ("llama.attention.head_count_kv", U32, c["G"]),
            ("llama.attention.layer_norm_rms_epsilon", F32, c["eps"]), ("llama.rope.freq_base", F32, c["base"]),
            ("llama.rope.dimension_count", U32, c["K"]), ("llama.vocab_size", U32, c["V"])]
    out = {"token_embd.weight": w["model.embed_tokens.weight"]}
    for l in range(c["L"]):
        for name, short in LLAMA_GGUF.items():
            x = w["model.layers.%d.%s.weight" % (l, name)]
            if short in ("attn_q", "attn_k"):
                x = adjacent(x, c["H"] if short == "attn_q" else c["G"])
            out["blk.%d.%s.weight" % (l, short)] = x
    out["output_norm.weight"] = w["model.norm.weight"]
    if "lm_head.weight" in w:
        out["output.weight"] = w["lm_head.weight"]
    return keys, out


def split_gguf(keys, tensors, n):
    """llama.cpp's split: every file is a GGUF; the first holds the configuration."""
    names, files = list(tensors), {}
    for i in range(n):
        part = names[i * len(names) // n:(i + 1) * len(names) // n]
        own = (keys if i == 0 else []) + [("split.no", U16, i), ("split.count", U16, n),
                                          ("split.tensors.count", I32, len(names))]
        files["model-%05d-of-%05d.gguf" % (i + 1, n)] = gguf(own, {k: tensors[k] for k in part})
    return files


def gpt2_gguf(c, w):
    keys = [("general.architecture", STRING, "gpt2"), ("general.name", STRING, "formats"),
            ("gpt2.block_count", U32, c["L"]), ("gpt2.context_length", U32, c["context"]),
            ("gpt2.embedding_length", U32, c["D"]), ("gpt2.feed_forward_length", U32, 4 * c["D"]),
            ("gpt2.attention.head_count", U32, c["H"]), ("gpt2.attention.layer_norm_epsilon", F32, 1e-5)]
    out = {"token_embd.weight": w["wte.weight"], "position_embd.weight": w["wpe.weight"]}
    for l in range(c["L"]):
        for name, short in (("ln_1", "attn_norm"), ("attn.c_attn", "attn_qkv"), ("attn.c_proj", "attn_output"),
                            ("ln_2", "ffn_norm"), ("mlp.c_fc", "ffn_up"), ("mlp.c_proj", "ffn_down")):
            for part in ("weight", "bias"):
                out["blk.%d.%s.%s" % (l, short, part)] = w["h.%d.%s.%s" % (l, name, part)]
    out["output_norm.weight"], out["output_norm.bias"] = w["ln_f.weight"], w["ln_f.bias"]
    out["output.weight"] = w["wte.weight"]  # llama.cpp's converter writes the tied head out
    return gguf(keys, out)


def bert_gguf(c, w, pooling=None):
    keys = [("general.architecture", STRING, "bert"), ("general.name", STRING, "formats"),
            ("bert.block_count", U32, c["L"]), ("bert.context_length", U32, c["context"]),
            ("bert.embedding_length", U32, c["D"]), ("bert.feed_forward_length", U32, c["F"]),
            ("bert.attention.head_count", U32, c["H"]), ("bert.attention.layer_norm_epsilon", F32, c["eps"]),
            ("general.file_type", U32, 0), ("bert.attention.causal", BOOL, 0),
            ("tokenizer.ggml.token_type_count", U32, 2)]
    if pooling is not None:
        keys.append(("bert.pooling_type", U32, pooling))
    e = "embeddings."
    out = {"token_embd.weight": w[e + "word_embeddings.weight"], "position_embd.weight": w[e + "position_embeddings.weight"],
           "token_types.weight": w[e + "token_type_embeddings.weight"],
           "token_embd_norm.weight": w[e + "LayerNorm.weight"], "token_embd_norm.bias": w[e + "LayerNorm.bias"]}
    for l in range(c["L"]):
        for name, short in (("attention.self.query", "attn_q"), ("attention.self.key", "attn_k"),
                            ("attention.self.value", "attn_v"), ("attention.output.dense", "attn_output"),
                            ("attention.output.LayerNorm", "attn_output_norm"), ("intermediate.dense", "ffn_up"),
                            ("output.dense", "ffn_down"), ("output.LayerNorm", "layer_output_norm")):
            for part in ("weight", "bias"):
                out["blk.%d.%s.%s" % (l, short, part)] = w["encoder.layer.%d.%s.%s" % (l, name, part)]
    return gguf(keys, out)


# ---------------------------------------------------------------- containers: torchless .bin and MOG
def int8_groups(x):
    """(values, scales): groups of 64 over the flattened array; the scale is 127 / largest."""
    g = np.ascontiguousarray(x, dtype=np.float32).reshape(-1, 64)
    with np.errstate(divide="ignore", invalid="ignore"):
        s = (np.float32(127) / np.abs(g).max(-1)).astype(np.float32)
        q = np.where(np.isinf(s)[:, None], 0, np.rint(g * s[:, None])).astype(np.int8)
    return q, s


def int8_values(x):
    """What int8_groups(x) means: value / scale; nothing where the scale is infinite."""
    q, s = int8_groups(x)
    return (q / s[:, None]).astype(np.float32).reshape(x.shape)


def torchless_kinds(w, which):
    """name -> 'int8' or 'f32'. Exports of different ages quantise different tensors."""
    def small(name, x):
        if which == "none" or x.ndim != 2:
            return False
        return which == "all" or (which == "proj" and "_proj" in name) or ("gate_proj" in name or "up_proj" in name)
    return {k: "int8" if small(k, v) else "f32" for k, v in w.items()}


def torchless_values(w, which):
    kinds = torchless_kinds(w, which)
    return {k: int8_values(v) if kinds[k] == "int8" else v for k, v in w.items()}


def words(V):
    """A vocabulary in the manner of SentencePiece: token -> id. One lies beyond JSON's plain \\u."""
    out = {"<unk>": 0, "<s>": 1, "</s>": 2, "\u2581": 3, "\u2581a": 4, "ab": 5, "\U0001F600": 6}
    for i in range(len(out), V):
        out[chr(ord("a") + i - 7) if i < 33 else "x%d" % i] = i
    return out


def merges(vocab):
    """Two merges in the order of their ranks, as far as a small vocabulary has what they speak of."""
    return [m for m in ("\u2581 a", "a b") if all(t in vocab for t in m.split(" ") + [m.replace(" ", "")])]


def torchless_bin(c, w, which, padded=True, bytes_in_scale_size=False, quant="int8", window="None", order=None):
    meta = {"hidden_size": str(c["D"]), "intermediate_size": str(c["F"]), "n_layers": str(c["L"]),
            "n_heads": str(c["H"]), "n_kv_heads": str(c["G"]), "vocab_size": str(c["V"]),
            "max_position_embeddings": str(c["context"]), "sliding_window": window, "rope_theta": str(c["base"]),
            "norm_eps": str(c["eps"]), "act_type": "silu"}
    if quant:
        meta["quant"] = quant
    kinds, tensors, body = torchless_kinds(w, which), {}, b""
    for name, x in w.items():
        tensors[name] = {"dtype": kinds[name], "shape": list(x.shape), "offset": len(body)}
        if kinds[name] == "int8":
            q, s = int8_groups(x)
            body += q.tobytes()
            body += b"\0" * (-len(body) % 64 if padded else 0)
            tensors[name]["scale_offset"] = len(body)
            tensors[name]["scale_size"] = 4 * s.size if bytes_in_scale_size else s.size
            body += raw(s, "F32")
        else:
            body += raw(x, "F32")
        body += b"\0" * (-len(body) % 64 if padded else 0)
    head = {"metadata": meta, "tokenizer": {"vocab": words(c["V"]), "merges": merges(words(c["V"]))}, "tensors": tensors}
    text = json.dumps({k: head[k] for k in order or head}).encode()
    if padded:
        text += b"\0" * (-(8 + len(text)) % 64)
    elif len(text) % 4 == 0:
        text += b" "  # the payload of an old file may begin anywhere
    return struct.pack("<Q", len(text)) + text + body


def mog(c, w, version, kind="F32", which="none"):
    """MOG of the newer torchless. `which` tensors are int8, the others `kind`."""
    def text(s):
        return struct.pack("<I", len(s.encode())) + s.encode()

    def pair(key, value):
        if isinstance(value, str):
            return text(key) + b"\0" + text(value)
        return text(key) + (struct.pack("<BI", 1, value) if isinstance(value, int) else struct.pack("<Bf", 2, value))

    config = [("hidden_size", c["D"]), ("intermediate_size", c["F"]), ("n_layers", c["L"]), ("n_heads", c["H"]),
              ("n_kv_heads", c["G"]), ("vocab_size", c["V"]), ("sliding_window", c.get("window") or 0),
              ("max_position_embeddings", c["context"]), ("rope_theta", float(c["base"])), ("norm_eps", float(c["eps"])),
              ("quant", "f32" if which == "none" else "Q8F16")]
    if version == 2:
        config += [("head_dim", c["K"]), ("tie_word_embeddings", int(bool(c.get("tied")))), ("bos_token_id", 1),
                   ("eos_token_id", 2), ("made_by", "formats.py"), ("temperature", 0.5)]
    vocab = words(c["V"])
    head = text("mistral" if version == 1 else "qwen3")
    head += struct.pack("<I", len(config)) + b"".join(pair(*p) for p in config)
    head += struct.pack("<I", len(vocab)) + b"".join(text(t) + struct.pack("<I", i) for t, i in vocab.items())
    head += struct.pack("<I", len(merges(vocab))) + b"".join(text(m) for m in merges(vocab))
    if version == 2:
        head += text(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
                     r"|\s+(?!\S)|\s+")
    kinds, body = torchless_kinds(w, which), b""
    head += struct.pack("<I", len(w))
    for name, x in w.items():
        entry = text(name), struct.pack("<B4I", x.ndim, *(list(x.shape) + [0] * (4 - x.ndim)))
        offset, scale_offset, scales = len(body), 0, 0
        if kinds[name] == "int8":
            q, s = int8_groups(x)
            body += q.tobytes()
            body += b"\0" * (-len(body) % 64)
            scale_offset, scales = len(body), s.size
            body += raw(s, "F32")
        else:
            body += raw(x, kind)
        body += b"\0" * (-len(body) % 64)
        code = 1 if kinds[name] == "int8" else {"F32": 0, "F16": 2}[kind]
        head += entry[0] + struct.pack("<B", code) + entry[1] + struct.pack("<QQI", offset, scale_offset, scales)
    out = b"MOG\0" + struct.pack("<IQ", version, len(head)) + head
    return out + b"\0" * (-len(out) % 64) + body


# ---------------------------------------------------------------- containers: llama2.c and llm.c
def llama2c_parts(c, w):
    """(embedding, norms, matrices, head): lists in the order of the files, rows for adjacent RoPE."""
    def layers(name, fold=None):
        out = [w["model.layers.%d.%s.weight" % (l, name)] for l in range(c["L"])]
        return out if fold is None else [adjacent(x, fold) for x in out]

    norms = layers("input_layernorm"), layers("post_attention_layernorm"), [w["model.norm.weight"]]
    attention = (layers("self_attn.q_proj", c["H"]) + layers("self_attn.k_proj", c["G"]) +
                 layers("self_attn.v_proj") + layers("self_attn.o_proj"))
    ffn = layers("mlp.gate_proj") + layers("mlp.down_proj") + layers("mlp.up_proj")
    head = [w["lm_head.weight"]] if "lm_head.weight" in w else []
    return [w["model.embed_tokens.weight"]], norms, attention, ffn, head


def flat(arrays):
    return b"".join(raw(x, "F32") for x in arrays)


def llama2c_v0(c, w):
    embedding, norms, attention, ffn, head = llama2c_parts(c, w)
    out = struct.pack("<7i", c["D"], c["F"], c["L"], c["H"], c["G"], -c["V"] if head else c["V"], c["context"])
    legacy = b"\xff" * (4 * c["context"] * c["K"])  # rotation tables that nobody reads
    return (out + flat(embedding) + flat(norms[0]) + flat(attention) + flat(norms[1]) + flat(ffn) + flat(norms[2]) +
            legacy + flat(head))


def llama2c_header(c, version, head, group=b""):
    out = struct.pack("<Ii7iB", 0x616B3432, version, c["D"], c["F"], c["L"], c["H"], c["G"], c["V"], c["context"],
                      0 if head else 1) + group
    return out + b"\0" * (256 - len(out))


def llama2c_v1(c, w):
    embedding, norms, attention, ffn, head = llama2c_parts(c, w)
    return (llama2c_header(c, 1, head) + flat(norms[0] + norms[1] + norms[2]) + flat(embedding) +
            flat(attention) + flat(ffn) + flat(head))


def v2_groups(x, size):
    """int8 and one f32 for each group: value = int8 * scale."""
    g = x.reshape(-1, size)
    s = (np.abs(g).max(-1) / np.float32(127)).astype(np.float32)
    return np.rint(g / s[:, None]).astype(np.int8), s


def v2_values(x, size):
    q, s = v2_groups(x, size)
    return (q * s[:, None]).astype(np.float32).reshape(x.shape)


def llama2c_v2(c, w, size):
    embedding, norms, attention, ffn, head = llama2c_parts(c, w)
    out = llama2c_header(c, 2, head, struct.pack("<i", size)) + flat(norms[0] + norms[1] + norms[2])
    for x in embedding + attention + ffn + head:
        q, s = v2_groups(x, size)
        out += q.tobytes() + raw(s, "F32")
    return out


def llmc_gpt2(c, w, kind, rows):
    """llm.c's checkpoint: version 3 in f32, 5 in bf16; the vocabulary padded to `rows`."""
    head = np.zeros(256, "<i4")
    head[:8] = 20240326, 3 if kind == "F32" else 5, c["context"], c["V"], c["L"], c["H"], c["D"], rows
    wte = np.concatenate([w["wte.weight"], np.full((rows - c["V"], c["D"]), 7, np.float32)])
    out = head.tobytes() + raw(wte, kind) + raw(w["wpe.weight"], kind)
    for name in ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"):
        for part in ("weight", "bias"):
            for l in range(c["L"]):
                out += raw(w["h.%d.%s.%s" % (l, name, part)], kind)
    return out + raw(w["ln_f.weight"], kind) + raw(w["ln_f.bias"], kind)


# ---------------------------------------------------------------- container: MessagePack of burn
def mp(x):
    """None, bool, int >= 0, str, bytes, list, dict."""
    if x is None:
        return b"\xc0"
    if isinstance(x, int):
        for limit, code, form in ((1 << 8, 0xCC, ">B"), (1 << 16, 0xCD, ">H"), (1 << 32, 0xCE, ">I"), (1 << 64, 0xCF, ">Q")):
            if x < 128:
                return struct.pack("B", x)
            if x < limit:
                return struct.pack("B", code) + struct.pack(form, x)
    if isinstance(x, bytes):
        n = len(x)
        head = struct.pack(">BB", 0xC4, n) if n < 256 else struct.pack(">BH", 0xC5, n) if n < 65536 else struct.pack(">BI", 0xC6, n)
        return head + x
    if isinstance(x, str):
        b = x.encode()
        n = len(b)
        return (struct.pack("B", 0xA0 | n) if n < 32 else struct.pack(">BB", 0xD9, n)) + b
    n = len(x)
    small = 0x90 if isinstance(x, list) else 0x80
    head = struct.pack("B", small | n) if n < 16 else struct.pack(">BH", 0xDC if small == 0x90 else 0xDE, n)
    items = x if isinstance(x, list) else [y for pair in x.items() for y in pair]
    return head + b"".join(mp(y) for y in items)


def port_mpk(c, w, seed):
    """The record of the Rust port: parameters with ids, everything constant nil."""
    r = Random(seed)

    def param(x):
        letters = "".join("0123456789ABCDEFGHIJKLMNOPQRSTUV"[i] for i in r.r.randint(0, 32, 13))
        return {"id": letters, "param": {"bytes": raw(x, "F32"), "shape": list(x.shape), "dtype": "F32"}}

    def linear(name):
        return {"weight": param(w[name].T.copy()), "bias": None}

    def unused(n):
        return {"gamma": param(np.ones(n, np.float32)), "beta": param(np.zeros(n, np.float32)), "epsilon": None}

    D, K = c["D"], c["D"] // c["H"]
    blocks = []
    for l in range(c["L"]):
        p = "transformer.h.%d." % l
        attn = {"layer_idx": None, "n_head": None, "n_kv_head": None, "head_dim": None}
        attn.update({n: linear(p + "attn.%s.weight" % n) for n in ("c_q", "c_k", "c_v", "c_proj")})
        attn.update({"qk_norm_q": unused(K), "qk_norm_k": unused(K)})
        mlp = {n: linear(p + "mlp.%s.weight" % n) for n in ("c_fc", "c_proj")}
        blocks.append({"layer_idx": None, "ln1": unused(D), "attn": attn, "ln2": unused(D), "mlp": mlp})
    item = {"wte": {"weight": param(w["transformer.wte.weight"])}, "blocks": blocks, "ln_f": unused(D),
            "lm_head": linear("lm_head.weight"), "cos": None, "sin": None, "n_embd": None}
    metadata = {"float": "f32", "int": "i32", "format": "burn_core::record::file::NamedMpkFileRecorder<burn_core::record::"
                "settings::FullPrecisionSettings>", "version": "0.18.0", "settings": "FullPrecisionSettings"}
    return mp({"metadata": metadata, "item": item, "_b": None})


# ---------------------------------------------------------------- cases
class Case:
    """files: name -> bytes or text, relative to a folder of the case's name; path: what to open in
    it ("" the folder). reference(): the logits [T][V] or the pooled state [D]."""

    def __init__(self, name, files, path, reference, ids, context, kind="f32", vector=None, rows=None):
        self.name, self.files, self.path, self.ids = name, files, path, ids
        self.context, self.kind, self.vector = context, kind, vector or name
        self.reference, self.rows = reference, rows

    def line(self):
        path = self.name + ("/" + self.path if self.path else "")
        return " ".join([self.name, path, self.vector + ".bin", ",".join(map(str, self.ids)), str(self.context), self.kind])

    def numbers(self):
        x = np.asarray(self.reference())
        return (x[-self.rows:] if self.rows else x).astype("<f4")

    def write(self, out):
        for file, data in self.files.items():
            path = os.path.join(out, self.name, file)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(data if isinstance(data, bytes) else data.encode())


def same_llama():
    """One llama in every container that can hold it, untied and tied."""
    for tied in (False, True):
        c = dict(LLAMA, tied=tied)
        w, ids = llama_weights(c, 1 + tied), Random(100 + tied).ids(20, c["V"])
        keys, tensors = llama_gguf(c, w)
        group = "llama-tied" if tied else "llama"
        folders = [("hf", hf_folder(llama_config(c), w), ""), ("gguf", {"model.gguf": gguf(keys, tensors)}, "model.gguf"),
                   ("llama2c-v0", {"model.bin": llama2c_v0(c, w)}, "model.bin"),
                   ("llama2c-v1", {"model.bin": llama2c_v1(c, w)}, "model.bin")]
        if not tied:
            folders += [("hf-sharded", hf_folder(llama_config(c), w, shards=3), ""),
                        ("gguf-split", split_gguf(keys, tensors, 2), "model-00001-of-00002.gguf"),
                        ("torchless", {"model.bin": torchless_bin(c, w, "none", quant="f32")}, "model.bin"),
                        ("mog", {"model.mog": mog(c, w, 1)}, "model.mog")]
        for name, files, path in folders:
            yield Case(group + "-" + name, files, path, partial(llama, c, w, ids), ids, 64, "same", group)


def half_llama():
    """Half precision in a folder; states pooled as embeddings."""
    for kind in ("F16", "BF16"):
        c = dict(LLAMA)
        w = {k: stored(v, kind) for k, v in llama_weights(c, 3).items()}
        config = dict(llama_config(c), torch_dtype="float16" if kind == "F16" else "bfloat16")
        ids = Random(103).ids(20, c["V"])
        yield Case("llama-hf-" + kind.lower(), hf_folder(config, w, kind), "", partial(llama, c, w, ids), ids, 64)
    c = dict(LLAMA)
    w, ids = llama_weights(c, 4), Random(104).ids(17, LLAMA["V"])
    for how in ("mean", "last"):
        yield Case("llama-embed-" + how, hf_folder(llama_config(c), w), "",
                   partial(pooled, llama_hidden, c, w, ids, how), ids, 64, how)


def gpt2_config(c):
    return {"activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1, "bos_token_id": 49,
            "embd_pdrop": 0.1, "eos_token_id": 49, "initializer_range": 0.02, "layer_norm_epsilon": 1e-05,
            "model_type": "gpt2", "n_ctx": c["context"], "n_embd": c["D"], "n_head": c["H"], "n_inner": None,
            "n_layer": c["L"], "n_positions": c["context"], "reorder_and_upcast_attn": False, "resid_pdrop": 0.1,
            "scale_attn_by_inverse_layer_idx": False, "scale_attn_weights": True, "summary_activation": None,
            "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}}, "vocab_size": c["V"]}


def same_gpt2():
    c = GPT2
    w, ids = gpt2_weights(c, 10), Random(110).ids(24, c["V"])
    conv = {k: v.T.copy() if v.ndim == 2 and k.startswith("h.") else v for k, v in w.items()}  # Conv1D: [in][out]
    mask = np.tril(np.ones((1, 1, c["context"], c["context"]), np.float32))
    buffers = dict(conv, **{"h.%d.attn.bias" % l: mask for l in range(c["L"])})  # old files keep the mask
    prefixed = {"transformer." + k: v for k, v in conv.items()}
    for name, files, path in (("hf", hf_folder(gpt2_config(c), buffers), ""),
                              ("hf-prefixed", hf_folder(gpt2_config(c), prefixed), ""),
                              ("gguf", {"model.gguf": gpt2_gguf(c, w)}, "model.gguf"),
                              ("llmc", {"model.bin": llmc_gpt2(c, w, "F32", 64)}, "model.bin")):
        yield Case("gpt2-" + name, files, path, partial(gpt2, c, w, ids), ids, 64, "same", "gpt2")
    half = gpt2_weights(c, 11, "BF16")
    yield Case("gpt2-llmc-bf16", {"model.bin": llmc_gpt2(c, half, "BF16", 64)}, "model.bin", partial(gpt2, c, half, ids), ids, 64)


def torchless_cases():
    """int8 is computed from the values that value / scale gives."""
    c, narrow = dict(LLAMA), dict(LLAMA, D=48, K=12, F=80, V=64)  # narrow: groups of 64 cross rows
    zero = llama_weights(c, 22)
    zero["model.embed_tokens.weight"][5] = 0  # whole groups of zeros: their scale is infinite
    zero["model.layers.1.mlp.gate_proj.weight"][7] = 0
    for name, c, w, which, options, window in (
            ("torchless-f32-old", c, llama_weights(c, 20), "none", dict(padded=False, quant=None, window="8"), 8),
            ("torchless-int8", c, llama_weights(c, 21), "mlp", dict(window="8"), 8),
            ("torchless-int8-old", narrow, llama_weights(narrow, 23), "proj", dict(padded=False, bytes_in_scale_size=True), None),
            ("torchless-int8-all", c, zero, "all", dict(order=("tensors", "tokenizer", "metadata")), None)):
        ids = Random(120).ids(24, c["V"] - 1)
        ids[3] = 5
        cw, values = dict(c, window=window), torchless_values(w, which)
        yield Case(name, {"model.bin": torchless_bin(c, w, which, **options)}, "model.bin",
                   partial(llama, cw, values, ids), ids, 64)


def mog_cases():
    qwen = dict(LLAMA, K=20, qk_norm=True, eps=1e-6, base=1e6)
    for name, c, version, kind, which in (
            ("mog-window", dict(LLAMA, window=8), 1, "F32", "none"), ("mog-q8f16", LLAMA, 1, "F16", "mlp"),
            ("mog-int8-all", LLAMA, 1, "F16", "all"), ("mog-qwen3", qwen, 2, "F32", "none"),
            ("mog-qwen3-tied-f16", dict(qwen, tied=True), 2, "F16", "none")):
        w, ids = llama_weights(c, 30), Random(130).ids(24, c["V"])
        small = torchless_kinds(w, which)
        values = {k: int8_values(v) if small[k] == "int8" else stored(v, kind) for k, v in w.items()}
        yield Case(name, {"model.mog": mog(c, w, version, kind, which)}, "model.mog",
                   partial(llama, c, values, ids), ids, 64)


def llama2c_cases():
    c = dict(LLAMA)
    w = {k: v2_values(v, 32) if v.ndim == 2 else v for k, v in llama_weights(c, 40).items()}
    ids = Random(140).ids(20, c["V"])
    # v2_groups of v2_values gives the same integers again, so the file may be written from w
    for x in w.values():
        assert x.ndim == 1 or np.array_equal(v2_values(x, 32), x)
    yield Case("llama2c-v2", {"model.bin": llama2c_v2(c, w, 32)}, "model.bin", partial(llama, c, w, ids), ids, 64)


def claude_config(c, **more):
    config = {"n_embd": c["D"], "n_head": c["H"], "n_layer": c["L"], "vocab_size": c["V"], "max_seq_len": c["context"],
              "original_max_seq_len": c["original"], "dropout": 0.1, "layer_norm_epsilon": c.get("eps", 1e-5),
              "use_bias": bool(c.get("bias")), "rope_base": c.get("base", 10000.0), "window_size": c.get("window", 4096),
              "sink_tokens": c.get("sinks", 4), "kv_cache_capacity": 32768, "n_kv_heads": c["G"]}
    config.update(more)
    return config


def yaml(config):
    def value(v):
        return ("true" if v else "false") if isinstance(v, bool) else "0.00001" if v == 1e-5 else str(v)
    return "# written by the trainer\n" + "".join("%s: %s\n" % (k, value(v)) for k, v in config.items())


TOML = """# Reference configuration for a long context
[model]
n_embd = %(D)d
n_head = %(H)d
n_layer = %(L)d
vocab_size = %(V)d
max_seq_len = 1_000_000     # what it is stretched to
original_max_seq_len = 4096 # what it was trained for
dropout = 0.0
layer_norm_epsilon = 1e-5
use_bias = false

[rope]
rope_base = 10000.0

[attention]
window_size = 8             # earlier tokens and itself
sink_tokens = 2             # always seen

[kv_cache]
kv_cache_capacity = 32768
"""


def claude_cases():
    C = dict(V=61, D=48, L=3, H=4, G=4, context=1024, original=4096)
    meta = pretty({"step": 10, "loss": 2.75})

    def folder(c, seed, settings, checkpoints, kind="F32"):
        """checkpoints: file names; the first is the one that is meant, the others hold other weights."""
        w = claude_weights(c, seed, kind)
        files = {"training_meta.json": meta, settings[0]: settings[1]}
        for n, file in enumerate(checkpoints):
            files[file] = safetensors(typed(w if n == 0 else claude_weights(c, seed + 50 + n, kind), kind))
        return w, files

    def one(name, c, seed, settings, checkpoints, kind="F32", T=50):
        w, files = folder(c, seed, settings, checkpoints, kind)
        ids = Random(seed).ids(T, c["V"])
        return Case(name, files, "", partial(claude_rust, c, w, ids), ids, 64, rows=32 if T > 32 else None)

    def step(n):
        return "checkpoint_step_%d.safetensors" % n

    c = dict(C, G=2, eps=1e-4)
    yield one("claude-steps", c, 200, ("config.json", pretty(claude_config(c))), (step(10), step(9), step(2)), T=20)
    c = dict(C, G=1, bias=True, context=64, original=16, window=8, sinks=2, base=5000.0)
    yield one("claude-yaml-ntk-window-bias", c, 201, ("model_config.yaml", yaml(claude_config(c))), ("checkpoint.safetensors",), "F16")
    c = dict(C, context=1000000, window=8, sinks=2)
    yield one("claude-toml-million", c, 202, ("million_context.toml", TOML % c), (step(1000), step(999)), "BF16")
    c = dict(C)
    few = {k: v for k, v in claude_config(c).items() if k in ("n_embd", "n_head", "n_layer", "vocab_size", "max_seq_len")}
    yield one("claude-epochs-defaults", c, 203, ("config.json", pretty(few)),
              ("checkpoint_epoch_12.safetensors", "checkpoint_epoch_3.safetensors"), T=20)
    for n, position in enumerate(("learned", "sinusoidal", "rope")):
        c = dict(C, context=64, position=position, window=16, sinks=1)
        config = claude_config(c, position_embedding=position)
        yield one("claude-" + position, c, 204 + n, ("config.json", pretty(config)), ("checkpoint.safetensors",), T=40)


def nanochat_config(c, **more):
    config = {"sequence_len": c["sequence"], "vocab_size": c["V"], "n_layer": c["L"], "n_head": c["H"], "n_kv_head": c["G"],
              "n_embd": c["D"]}
    config.update(more)
    return config


def nanochat_meta(config):
    return pretty({"step": 123, "val_bpb": 1.25, "model_config": config, "user_config": {"run": "dummy", "depth": 3},
                   "device_batch_size": 1, "max_seq_len": config["sequence_len"]})


def nanochat_cases():
    N = dict(V=61, D=32, L=3, H=4, G=2, sequence=128)
    c, ids = N, Random(150).ids(24, 61)
    w = nanochat_weights(c, 50)
    w["transformer.wte.weight"] = stored(w["transformer.wte.weight"], "BF16")  # as it trains them
    tensors = {k: (v, "BF16" if "wte" in k else "F32") for k, v in w.items()}
    yield Case("nanochat-2025-meta", {"model.safetensors": safetensors(tensors), "meta_000123.json": nanochat_meta(nanochat_config(c))},
               "", partial(nanochat_2025, c, w, ids), ids, 64)
    mqa = dict(N, G=1)
    w1 = nanochat_weights(mqa, 51)
    yield Case("nanochat-2025-config", {"model.safetensors": safetensors(typed(w1)), "config.json": pretty(nanochat_config(mqa))},
               "", partial(nanochat_2025, mqa, w1, ids), ids, 64)
    for name, changes, T, how in (
            ("nanochat-2026-window", dict(L=4, sequence=512, pattern="SSSL", scalars=(1,)), 144, "meta_000123.json"),
            ("nanochat-2026-odd", dict(L=3, G=4, sequence=128, pattern="ls", scalars=()), 24, "config.json"),
            ("nanochat-2026-mqa", dict(L=2, G=1, sequence=512, pattern="S", scalars=(1,)), 144, "meta_000123.json")):
        c = dict(N, V=50, rows=64, **changes)
        w, ids26 = nanochat_weights_2026(c, 52 + len(name)), Random(152).ids(T, c["V"])
        config = nanochat_config(c, window_pattern=c["pattern"])
        text = pretty(config) if how == "config.json" else nanochat_meta(config)
        yield Case(name, {"model.safetensors": safetensors(typed(w)), how: text}, "",
                   partial(nanochat_2026, c, w, ids26), ids26, 160, rows=24)
    for name, c in (("nanochat-port", dict(N, L=2)), ("nanochat-port-mqa", dict(N, G=1))):
        w = nanochat_weights(c, 55 + c["G"])
        files = {"config.json": pretty(nanochat_config(c, block_size=128, dropout=0.0)), "model.mpk": port_mpk(c, w, 60)}
        yield Case(name, files, "", partial(nanochat_port, c, w, ids), ids, 64)


def bert_config(c):
    return {"architectures": ["BertModel"], "attention_probs_dropout_prob": 0.1, "classifier_dropout": None,
            "gradient_checkpointing": False, "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "hidden_size": c["D"],
            "initializer_range": 0.02, "intermediate_size": c["F"], "layer_norm_eps": c["eps"],
            "max_position_embeddings": c["context"], "model_type": "bert", "num_attention_heads": c["H"],
            "num_hidden_layers": c["L"], "pad_token_id": 0, "position_embedding_type": "absolute", "torch_dtype": "float32",
            "transformers_version": "4.28.1", "type_vocab_size": 2, "use_cache": True, "vocab_size": c["V"]}


def bert_cases():
    c = dict(V=61, D=48, F=112, L=3, H=4, context=40, eps=1e-12)
    w, ids = bert_weights(c, 70), Random(170).ids(19, c["V"])
    positions = (np.arange(c["context"], dtype=np.int64)[None], "I64")
    plain = {"embeddings.position_ids": positions, **typed(w)}
    prefixed = {"bert." + k: v for k, v in typed(w).items() if "pooler" not in k}
    config = pretty(bert_config(c))
    folder = {"config.json": config, "model.safetensors": safetensors(plain, {"format": "pt"})}
    other = {"config.json": config, "model.safetensors": safetensors(prefixed, {"format": "pt"})}
    modules = [{"idx": i, "name": str(i), "path": path, "type": "sentence_transformers.models." + kind}
               for i, (path, kind) in enumerate((("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")))]
    sentence = dict(folder, **{
        "modules.json": pretty(modules), "sentence_bert_config.json": pretty({"max_seq_length": 40, "do_lower_case": True}),
        "1_Pooling/config.json": pretty({"word_embedding_dimension": c["D"], "pooling_mode_cls_token": True,
                                         "pooling_mode_mean_tokens": False, "pooling_mode_max_tokens": False,
                                         "pooling_mode_mean_sqrt_len_tokens": False})})
    one = {"model.gguf": bert_gguf(c, w)}
    for name, files, path, kind, how in (
            ("bert-hf-mean", folder, "", "mean", "mean"), ("bert-hf-cls", folder, "", "cls", "cls"),
            ("bert-hf-last", folder, "", "last", "last"), ("bert-hf-default", folder, "", "default", "mean"),
            ("bert-hf-prefixed", other, "", "mean", "mean"), ("bert-sentence-transformers", sentence, "", "default", "cls"),
            ("bert-gguf-mean", one, "model.gguf", "mean", "mean"), ("bert-gguf-last", one, "model.gguf", "last", "last"),
            ("bert-gguf-says-cls", {"model.gguf": bert_gguf(c, w, 2)}, "model.gguf", "default", "cls"),
            ("bert-gguf-says-mean", {"model.gguf": bert_gguf(c, w, 1)}, "model.gguf", "default", "mean")):
        yield Case(name, files, path, partial(pooled, bert_hidden, c, w, ids, how), ids, 40, kind, "bert-" + how)


def rustgpt_cases():
    c = dict(V=61, D=32, F=64, L=3, context=80)
    w, ids = rustgpt_weights(c, 80), Random(180).ids(40, c["V"])
    config = {"model_type": "rustgpt", "vocab_size": c["V"], "embedding_dim": c["D"], "hidden_dim": c["F"], "n_layers": c["L"],
              "max_seq_len": c["context"]}
    yield Case("rustgpt", {"config.json": pretty(config), "model.safetensors": safetensors(typed(w))}, "",
               partial(rustgpt, c, w, ids), ids, 64)


CASES = (same_llama, half_llama, same_gpt2, torchless_cases, mog_cases, llama2c_cases, claude_cases, nanochat_cases, bert_cases,
         rustgpt_cases)


def vectors():
    """name of the vector -> the first case that has it."""
    out = {}
    for make in CASES:
        for case in make():
            out.setdefault(case.vector, case)
    return out


def write_vectors():
    os.makedirs(HERE, exist_ok=True)
    for name, case in vectors().items():
        x = case.numbers()
        with open(os.path.join(HERE, name + ".bin"), "wb") as f:
            f.write(x.tobytes())
        print("%-28s %-10s std %.3f largest %.2f" % (name, "x".join(map(str, x.shape)), x.std(), np.abs(x).max()))


def check_vectors():
    bad = 0
    for name, case in vectors().items():
        x, old = case.numbers(), np.fromfile(os.path.join(HERE, name + ".bin"), "<f4")
        error = np.abs(x.reshape(-1) - old).max() / x.std() if old.size == x.size else np.inf
        if not error < 1e-5:
            bad += 1
            print("%s: recorded numbers differ by %g of a standard deviation" % (name, error))
    print("formats: %d vectors, %d differ" % (len(vectors()), bad))
    return bad


def write_models(out, names=()):
    os.makedirs(out, exist_ok=True)
    lines = ""
    for make in CASES:
        for case in make():
            if not names or case.name in names:
                case.write(out)
                lines += case.line() + "\n"
    with open(os.path.join(out, "list.txt"), "w") as f:
        f.write(lines)


def fill(out):
    """All models into out, unless this very program has put them there already. Other tests may be
    reading it, or making it at the same time, so it appears as a whole."""
    with open(os.path.abspath(__file__), "rb") as f:
        mark = hashlib.sha256(f.read()).hexdigest()

    def done():
        try:
            with open(os.path.join(out, "made-by")) as f:
                return f.read() == mark
        except OSError:
            return False

    if done():
        return
    new, old = "%s.new%d" % (out, os.getpid()), "%s.old%d" % (out, os.getpid())
    write_models(new)
    with open(os.path.join(new, "made-by"), "w") as f:
        f.write(mark)
    if not done():
        try:
            os.rename(out, old)
        except OSError:
            pass
        try:
            os.rename(new, out)
        except OSError:  # another one was faster
            pass
    shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def main(args):
    if args == ["--vectors"]:
        return write_vectors()
    if args == ["--check"]:
        return check_vectors()
    if not args or args[0].startswith("-"):
        sys.exit(__doc__)
    if args[1:]:
        return write_models(args[0], args[1:])
    fill(args[0].rstrip("/"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
