#!/usr/bin/python3
"""Independent reference for llmc.h: forward passes from the definitions in float64,
and the generator of every model and golden file under tests/.

    /usr/bin/python3 tests/vectors/reference.py [ROOT]      (ROOT: the repository, default .)

writes tests/models/*.gguf, tests/models/*.greedy, tests/vectors/forward_*.bin and
tests/hostile/*. Needs numpy (Debian: python3-numpy). Everything is derived from
fixed seeds, so that a second run writes the same bytes. See README.md beside this file.

    reference.py --story ../shared/data 1 403 407 261 378

prints the greedy text of the trained model there, if there is one, and its hash.
"""
import hashlib
import os
import re
import struct
import sys

import numpy as np

# ---------------------------------------------------------------- random weights
# SplitMix64 by counter, so that a test in C makes the same numbers: element i of the
# tensor with code c of case s is mix(s * 65536 + c, i), its top 24 bits as [-1, 1).
GOLDEN = 0x9E3779B97F4A7C15
EMBED, POS, OUT_NORM, OUT_NORM_B, HEAD = 1, 2, 3, 4, 5
(ATTN_NORM, ATTN_NORM_B, WQ, WK, WV, WO, Q_B, K_B, V_B, O_B, FFN_NORM, FFN_NORM_B, GATE, UP, DOWN, UP_B,
 DOWN_B) = range(17)
SCALES = 0x8000  # codes of the llama2.c v2 group scales


def mix(seed, n):
    i = np.arange(1, n + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + i * np.uint64(GOLDEN)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(seed, n):
    """n float32 in [-1, 1), each a multiple of 2^-23."""
    top = (mix(seed, n) >> np.uint64(40)).astype(np.int64) - (1 << 23)
    return top.astype(np.float32) * np.float32(2.0 ** -23)


def matrix_scale(inputs):
    return np.float32(0.5 if inputs < 48 else 0.25)


def layer_code(layer, role):
    return 32 * (layer + 1) + role


# ---------------------------------------------------------------- storage types
def round_bf16(x):
    bits = x.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


def pack_q8_0(x):
    """Blocks of 32: f16 scale d = max|x| / 127, then q = round(x / d)."""
    blocks = x.astype(np.float32).reshape(-1, 32)
    out = bytearray()
    for b in blocks:
        d = np.float16(np.abs(b).max() / np.float32(127))
        q = np.clip(np.rint(b / np.float32(d)) if d != 0 else b * 0, -127, 127).astype(np.int8)
        out += d.tobytes() + q.tobytes()
    return bytes(out)


def unpack_q8_0(data):
    a = np.frombuffer(data, dtype=np.uint8).reshape(-1, 34)
    d = a[:, :2].copy().view(np.float16).astype(np.float32)
    return (d * a[:, 2:].copy().view(np.int8).astype(np.float32)).reshape(-1)


TYPES = {"F32": 0, "F16": 1, "Q8_0": 8, "BF16": 30}


def pack(x, kind):
    x = np.ascontiguousarray(x, dtype=np.float32)
    if kind == "F32":
        return x.astype("<f4").tobytes()
    if kind == "F16":
        return x.astype("<f2").tobytes()
    if kind == "BF16":
        return (round_bf16(x).view(np.uint32) >> 16).astype("<u2").tobytes()
    return pack_q8_0(x)


def stored(x, kind):
    """The values that a reader of the stored tensor sees."""
    x = np.ascontiguousarray(x, dtype=np.float32)
    if kind == "F32":
        return x
    if kind == "F16":
        return x.astype(np.float16).astype(np.float32)
    if kind == "BF16":
        return round_bf16(x)
    return unpack_q8_0(pack_q8_0(x)).reshape(x.shape)


# ---------------------------------------------------------------- the model
def make_weights(c):
    """Weights of case c as a dict (role code -> float32 array [outputs][inputs])."""
    D, F, V, L = c["D"], c["F"], c["V"], c["L"]
    A, B = c["H"] * c["K"], c["G"] * c["K"]
    gpt2 = c["family"] == "gpt2"
    w = {}

    def seed(code):
        return c["seed"] * 65536 + code

    def mat(code, rows, cols, scale=None):
        scale = matrix_scale(cols) if scale is None else np.float32(scale)
        if c.get("group"):  # llama2.c v2: int8 times a scale for each group
            q = (mix(seed(code), rows * cols) >> np.uint64(56)).astype(np.uint8).view(np.int8)
            q = np.maximum(q, -127).astype(np.float32)
            s = np.float32(0.75) + np.float32(0.25) * uniform(seed(SCALES + code), rows * cols // c["group"])
            s = s * (scale / np.float32(128))
            w[code] = (q.reshape(-1, c["group"]) * s[:, None]).reshape(rows, cols)
        else:
            x = (uniform(seed(code), rows * cols) * scale).reshape(rows, cols)
            w[code] = stored(x, c["type"])

    def vec(code, n, one):
        u = uniform(seed(code), n) * np.float32(0.25)
        w[code] = np.float32(1) + u if one else u

    mat(EMBED, V, D, 0.5)
    vec(OUT_NORM, D, True)
    if gpt2:
        mat(POS, c["context"], D, 0.5)
        vec(OUT_NORM_B, D, False)
    if not c["tied"]:
        mat(HEAD, V, D)
    for l in range(L):
        def at(role):
            return layer_code(l, role)
        vec(at(ATTN_NORM), D, True)
        vec(at(FFN_NORM), D, True)
        mat(at(WQ), A, D)
        mat(at(WK), B, D)
        mat(at(WV), B, D)
        mat(at(WO), D, A)
        mat(at(UP), F, D)
        mat(at(DOWN), D, F)
        if gpt2:
            for role, n in ((ATTN_NORM_B, D), (FFN_NORM_B, D), (Q_B, A), (K_B, B), (V_B, B), (O_B, D),
                            (UP_B, F), (DOWN_B, D)):
                vec(at(role), n, False)
        else:
            mat(at(GATE), F, D)
            if c.get("bias"):
                for role, n in ((Q_B, A), (K_B, B), (V_B, B)):
                    vec(at(role), n, False)
    return w


def rms_norm(x, w, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * w


def layer_norm(x, w, b, eps):
    m = x.mean(-1, keepdims=True)
    v = ((x - m) ** 2).mean(-1, keepdims=True)
    return (x - m) / np.sqrt(v + eps) * w + b


def silu(x):
    return x / (1 + np.exp(-x))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))


def rope(x, c):
    """x [T][heads][K]: turns pair i of position t by t / scale * base^(-2i / dims)."""
    dims = c["rope_dims"]
    i = np.arange(dims // 2)
    t = np.arange(x.shape[0]) / c["rope_scale"]
    angle = t[:, None] * c["rope_base"] ** (-2.0 * i / dims)
    cos, sin = np.cos(angle)[:, None, :], np.sin(angle)[:, None, :]
    first, second = (2 * i, 2 * i + 1) if c["rope"] == "adjacent" else (i, i + dims // 2)
    y = x.copy()
    y[..., first] = x[..., first] * cos - x[..., second] * sin
    y[..., second] = x[..., first] * sin + x[..., second] * cos
    return y


def forward(c, w, ids):
    """Logits [T][V] of the whole sequence in float64."""
    w = {k: v.astype(np.float64) for k, v in w.items()}
    T, H, G, K, eps = len(ids), c["H"], c["G"], c["K"], c["eps"]
    gpt2 = c["family"] == "gpt2"
    x = w[EMBED][ids]
    if gpt2:
        x = x + w[POS][:T]
    mask = np.triu(np.full((T, T), -np.inf), 1)
    for l in range(c["L"]):
        def at(role):
            return w.get(layer_code(l, role))

        def norm(x, weight, bias):
            return layer_norm(x, at(weight), at(bias), eps) if gpt2 else rms_norm(x, at(weight), eps)

        def linear(x, weight, bias):
            y = x @ at(weight).T
            return y if at(bias) is None else y + at(bias)

        h = norm(x, ATTN_NORM, ATTN_NORM_B)
        q = linear(h, WQ, Q_B).reshape(T, H, K)
        k = linear(h, WK, K_B).reshape(T, G, K)
        v = linear(h, WV, V_B).reshape(T, G, K)
        if not gpt2:
            q, k = rope(q, c), rope(k, c)
        heads = np.empty((T, H, K))
        for n in range(H):
            g = n // (H // G)
            s = q[:, n] @ k[:, g].T / np.sqrt(K) + mask
            p = np.exp(s - s.max(-1, keepdims=True))
            heads[:, n] = p / p.sum(-1, keepdims=True) @ v[:, g]
        x = x + linear(heads.reshape(T, H * K), WO, O_B)
        h = norm(x, FFN_NORM, FFN_NORM_B)
        if gpt2:
            x = x + linear(gelu_tanh(linear(h, UP, UP_B)), DOWN, DOWN_B)
        else:
            x = x + linear(silu(linear(h, GATE, -1)) * linear(h, UP, -1), DOWN, -1)
    if gpt2:
        x = layer_norm(x, w[OUT_NORM], w[OUT_NORM_B], eps)
    else:
        x = rms_norm(x, w[OUT_NORM], eps)
    return x @ (w[EMBED] if c["tied"] else w[HEAD]).T


def greedy(c, w, ids, n, ends=()):
    """(ids with at most n more, smallest lead of a choice over the runner-up)"""
    ids, margin = list(ids), np.inf
    for _ in range(n):
        logits = forward(c, w, ids)[-1]
        order = np.argsort(logits)
        margin = min(margin, logits[order[-1]] - logits[order[-2]])
        ids.append(int(order[-1]))
        if ids[-1] in ends:
            break
    return ids, margin


# ---------------------------------------------------------------- GGUF v3
U32, I32, F32, BOOL, STRING, ARRAY, U64 = 4, 5, 6, 7, 8, 9, 10


def g_string(s):
    b = s.encode() if isinstance(s, str) else s
    return struct.pack("<Q", len(b)) + b


def g_value(kind, v):
    if kind == STRING:
        return g_string(v)
    if kind == ARRAY:
        inner, items = v
        return struct.pack("<IQ", inner, len(items)) + b"".join(g_value(inner, i) for i in items)
    return struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<B", U64: "<Q"}[kind], v)


def g_key(name, kind, value):
    return g_string(name) + struct.pack("<I", kind) + g_value(kind, value)


def g_info(name, dims, kind, offset):
    return g_string(name) + struct.pack("<I%dQIQ" % len(dims), len(dims), *dims, kind, offset)


def g_file(keys, tensors, alignment=32, version=3, n_keys=None, n_tensors=None):
    """keys: encoded; tensors: (name, dims, type number, data[, offset that lies])"""
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors) if n_tensors is None else n_tensors,
                                len(keys) if n_keys is None else n_keys)
    out += b"".join(keys)
    data = b""
    for t in tensors:
        data += b"\0" * (-len(data) % alignment)
        out += g_info(t[0], t[1], t[2], t[4] if len(t) > 4 else len(data))
        data += t[3]
    return out + b"\0" * (-len(out) % alignment) + data


GGUF_LAYER = {
    ATTN_NORM: "attn_norm.weight", ATTN_NORM_B: "attn_norm.bias", WQ: "attn_q.weight", WK: "attn_k.weight",
    WV: "attn_v.weight", WO: "attn_output.weight", Q_B: "attn_q.bias", K_B: "attn_k.bias", V_B: "attn_v.bias",
    O_B: "attn_output.bias", FFN_NORM: "ffn_norm.weight", FFN_NORM_B: "ffn_norm.bias", GATE: "ffn_gate.weight",
    UP: "ffn_up.weight", DOWN: "ffn_down.weight", UP_B: "ffn_up.bias", DOWN_B: "ffn_down.bias"}


def gguf_tensors(c, w, kind):
    """The case's weights under their GGUF names; matrices stored as `kind`."""
    out = []

    def put(name, x, t):
        out.append((name, list(x.shape[::-1]), TYPES[t], pack(x, t)))

    put("token_embd.weight", w[EMBED], kind)
    if POS in w:
        put("position_embd.weight", w[POS], kind)
    for l in range(c["L"]):
        for role, name in GGUF_LAYER.items():
            x = w.get(layer_code(l, role))
            if x is None or (c["family"] == "gpt2" and role in (WK, WV, K_B, V_B)):
                continue
            if c["family"] == "gpt2" and role in (WQ, Q_B):  # one fused tensor, rows q, k, v
                parts = (WQ, WK, WV) if role == WQ else (Q_B, K_B, V_B)
                x = np.concatenate([w[layer_code(l, r)] for r in parts])
                name = name.replace("attn_q", "attn_qkv")
            put("blk.%d.%s" % (l, name), x, kind if x.ndim == 2 else "F32")
    put("output_norm.weight", w[OUT_NORM], "F32")
    if OUT_NORM_B in w:
        put("output_norm.bias", w[OUT_NORM_B], "F32")
    if HEAD in w:
        put("output.weight", w[HEAD], kind)
    return out


def gguf_config(c, name):
    f = c["family"]
    keys = [g_key("general.architecture", STRING, f), g_key("general.name", STRING, name),
            g_key(f + ".context_length", U32, c["context"]), g_key(f + ".embedding_length", U32, c["D"]),
            g_key(f + ".block_count", U32, c["L"]), g_key(f + ".feed_forward_length", U32, c["F"]),
            g_key(f + ".attention.head_count", U32, c["H"])]
    if f == "gpt2":
        keys.append(g_key("gpt2.attention.layer_norm_epsilon", F32, c["eps"]))
    else:
        keys += [g_key(f + ".attention.head_count_kv", U32, c["G"]),
                 g_key(f + ".attention.layer_norm_rms_epsilon", F32, c["eps"]),
                 g_key(f + ".rope.dimension_count", U32, c["rope_dims"]),
                 g_key(f + ".rope.freq_base", F32, c["rope_base"]),
                 g_key(f + ".vocab_size", U32, c["V"])]
    return keys


# ---------------------------------------------------------------- golden forward cases
def case(name, seed, **changes):
    """Keep in step with the table in tests/test_forward.c."""
    c = dict(name=name, seed=seed, family="llama", type="F32", V=61, D=32, F=96, L=2, H=4, G=2, K=8,
             context=128, T=12, tied=False, eps=float(np.float32(1e-5)), rope="adjacent", rope_dims=8,
             rope_base=10000.0, rope_scale=1.0)
    c.update(changes)
    return c


CASES = [
    case("adjacent", 1, T=80),
    case("half", 1, rope="half"),
    case("linear", 3, tied=True, G=4, rope_dims=4, rope_scale=4.0, rope_base=500000.0),
    case("f16", 4, type="F16", G=1, D=64, K=16, rope_dims=16, F=160),
    case("bf16", 5, type="BF16", L=3, bias=True),
    case("gpt2", 6, family="gpt2", G=4, tied=True, F=128, T=80),
    case("llama2c", 7, G=2),
    case("llama2c_tied", 8, tied=True),
    case("llama2c_v2", 9, group=32),
]


def case_ids(c):
    return [int(z % np.uint64(c["V"])) for z in mix(c["seed"] * 65536, c["T"])]


def write(root, path, data):
    path = os.path.join(root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def golden(root, c, w, ids, name):
    logits = forward(c, w, ids)
    write(root, "tests/vectors/forward_%s.bin" % name, logits.astype("<f4").tobytes())
    lead = np.sort(logits, -1)
    print("%-14s %3d x %d  std %.2f  smallest lead %.2g" %
          (name, *logits.shape, logits.std(), (lead[:, -1] - lead[:, -2]).min()))


# ---------------------------------------------------------------- end-to-end: a Llama with SentencePiece
# Random weights, on top of which the head makes the next word of these two sentences
# likely, so that greedy text does not depend on rounding, and a chat ends by itself.
TALE = "Once upon a time there was one small model that knew nothing but this sentence ."
ANSWER = "Hello , I am made of random numbers ; please do not trust me !"
TEMPLATE = ("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


def chain(text, lead):
    out = []
    for n, word in enumerate(text.split()):
        glued = (n == 0 and not lead) or word in ",.;!"
        out.append(word if glued else "\u2581" + word)
    return out


def spm_vocabulary():
    tokens, kinds = ["<unk>", "<s>", "</s>"], [2, 3, 3]
    for b in range(256):
        tokens.append("<0x%02X>" % b)
        kinds.append(6)
    pieces = []
    for word in chain(TALE, True) + chain(ANSWER, False):
        for n in range(1, len(word) + 1):  # every prefix, for the merges to lead to the word
            if word[:n] not in pieces:
                pieces.append(word[:n])
    pieces += ["e", "t", "\u2581\u2581", "\u00e9", "er", "th", "the", "\u2581the"]
    pieces = list(dict.fromkeys(pieces))
    scores = [0.0] * len(tokens) + [-float(n) for n in range(len(pieces))]
    tokens += pieces
    kinds += [1] * len(pieces)
    for t in ("<|im_start|>", "<|im_end|>"):
        tokens.append(t)
        kinds.append(3)
        scores.append(0.0)
    return tokens, kinds, scores


def spm_text(tokens, ids):
    out = b""
    for i in ids:
        t = tokens[i]
        if re.fullmatch("<0x..>", t):
            out += bytes([int(t[3:5], 16)])
        elif i > 2 and not t.startswith("<|"):
            out += t.replace("\u2581", " ").encode()
    return out


def tiny_llama(root):
    tokens, kinds, scores = spm_vocabulary()
    index = {t: i for i, t in enumerate(tokens)}
    c = case("tiny-llama", 20, type="F32", V=len(tokens), D=64, F=96, K=16, rope_dims=16, context=256)
    w = make_weights(c)
    w[EMBED] = w[EMBED] * 4
    w[HEAD] = w[HEAD] / 2
    for l in range(c["L"]):
        w[layer_code(l, WO)] = w[layer_code(l, WO)] / 2
        w[layer_code(l, DOWN)] = w[layer_code(l, DOWN)] / 2
    for words in (chain(TALE, True), ["<0x0A>"] + chain(ANSWER, False)):
        for a, b in zip(words, words[1:] + ["<|im_end|>"]):
            e = w[EMBED][index[a]]
            w[HEAD][index[b]] += 14 * e / np.sqrt(64 * (e * e).sum())
    raw = w
    w = {k: stored(x, "Q8_0") if x.ndim == 2 else x for k, x in w.items()}
    keys = gguf_config(c, "llmc.h tiny llama") + [
        g_key("tokenizer.ggml.model", STRING, "llama"),
        g_key("tokenizer.ggml.pre", STRING, "default"),
        g_key("tokenizer.ggml.tokens", ARRAY, (STRING, tokens)),
        g_key("tokenizer.ggml.scores", ARRAY, (F32, scores)),
        g_key("tokenizer.ggml.token_type", ARRAY, (I32, kinds)),
        g_key("tokenizer.ggml.bos_token_id", U32, 1), g_key("tokenizer.ggml.eos_token_id", U32, 2),
        g_key("tokenizer.ggml.eot_token_id", U32, index["<|im_end|>"]),
        g_key("tokenizer.ggml.unknown_token_id", U32, 0),
        g_key("tokenizer.ggml.add_bos_token", BOOL, 1), g_key("tokenizer.ggml.add_eos_token", BOOL, 0),
        g_key("tokenizer.chat_template", STRING, TEMPLATE)]
    write(root, "tests/models/tiny-llama.gguf", g_file(keys, gguf_tensors(c, raw, "Q8_0")))
    golden(root, c, w, case_ids(dict(c, T=16)), "tiny-llama")
    start = [1] + [index[t] for t in chain(TALE, True)[:2]]
    ids, margin = greedy(c, w, start, 32, (index["<|im_end|>"],))
    print("tiny-llama", spm_text(tokens, ids[3:]), "lead", margin)
    assert margin > 2
    write(root, "tests/models/tiny-llama.greedy", spm_text(tokens, ids[3:]))
    ids, margin = greedy(c, w, [1, 13], 32, (index["<|im_end|>"],))
    print("tiny-llama", spm_text(tokens, ids[2:]), "lead", margin)
    write(root, "tests/models/tiny-llama.answer", spm_text(tokens, ids[2:]))
    assert margin > 2


# ---------------------------------------------------------------- end-to-end: a GPT-2 with byte-level BPE
CORPUS = """The header is one file. You include it, you give it memory, and it runs a language model.
It never asks for more memory than you gave it, and it never prints a line that you did not ask for.
A model is a file of numbers and a list of words. The numbers are read where they lie, the words are
joined from bytes, and the text that comes out is never cut in the middle of a letter. If the file is
damaged, the header says what is wrong, and where, and what it expected to find there instead.
Tests should fail when the code is wrong; that's what they're for. We don't widen what they tolerate.
In 2023 there were 7 ways to do this, in 2024 there were 12, and in 2025 we've counted 30 or more!"""
SPLIT = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+")


def byte_alphabet():
    """GPT-2's printable stand-in for each byte: itself if visible in Latin-1, else 256, 257, ..."""
    seen = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255]
    out, spare = {b: chr(b) for b in seen}, 256
    for b in range(256):
        if b not in out:
            out[b] = chr(spare)
            spare += 1
    return out


def train_bpe(text, n):
    alphabet = byte_alphabet()
    words = {}
    for word in SPLIT.findall(text):
        key = tuple(alphabet[b] for b in word.encode())
        words[key] = words.get(key, 0) + 1
    merges = []
    while len(merges) < n:
        pairs = {}
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] = pairs.get(pair, 0) + count
        best = max(pairs, key=lambda p: (pairs[p], p))
        if pairs[best] < 2:
            break
        merges.append(best)
        joined = {}
        for word, count in words.items():
            out, i = [], 0
            while i < len(word):
                if word[i:i + 2] == best:
                    out.append(word[i] + word[i + 1])
                    i += 2
                else:
                    out.append(word[i])
                    i += 1
            joined[tuple(out)] = joined.get(tuple(out), 0) + count
        words = joined
    return [alphabet[b] for b in range(256)] + ["".join(m) for m in merges], merges


def bpe_encode(text, tokens, merges):
    alphabet, ids = byte_alphabet(), []
    for word in SPLIT.findall(text):
        parts = [alphabet[b] for b in word.encode()]
        for a, b in merges:  # in rank order; joining never makes an earlier pair
            i = 0
            while i + 1 < len(parts):
                if parts[i] == a and parts[i + 1] == b:
                    parts[i:i + 2] = [a + b]
                i += 1
        ids += [tokens.index(p) for p in parts]
    return ids


def bpe_text(tokens, ids):
    back = {v: k for k, v in byte_alphabet().items()}
    return b"".join(bytes(back[ch] for ch in tokens[i]) for i in ids)


def tiny_gpt2(root):
    tokens, merges = train_bpe(CORPUS, 90)
    end = len(tokens)
    prompt = bpe_encode("The model is", tokens, merges)
    for seed in range(30, 400):  # greedy text that does not depend on rounding, and is ASCII
        c = case("tiny-gpt2", seed, family="gpt2", type="F16", V=end + 1, D=32, F=64, G=4, tied=True, context=64)
        w = make_weights(c)
        w[EMBED][:256] *= np.float32(0.25)  # single bytes become rare
        w[EMBED][end] *= np.float32(0.25)
        ids, margin = greedy(c, w, prompt, 32, (end,))
        if margin > 0.02 and len(set(ids[len(prompt):])) > 12 and bpe_text(tokens, ids).isascii():
            break
    else:
        sys.exit("no seed gives a stable text")
    keys = gguf_config(c, "llmc.h tiny gpt2") + [
        g_key("tokenizer.ggml.model", STRING, "gpt2"), g_key("tokenizer.ggml.pre", STRING, "gpt-2"),
        g_key("tokenizer.ggml.tokens", ARRAY, (STRING, tokens + ["<|endoftext|>"])),
        g_key("tokenizer.ggml.token_type", ARRAY, (I32, [1] * end + [3])),
        g_key("tokenizer.ggml.merges", ARRAY, (STRING, ["%s %s" % m for m in merges])),
        g_key("tokenizer.ggml.bos_token_id", U32, end), g_key("tokenizer.ggml.eos_token_id", U32, end),
        g_key("tokenizer.ggml.unknown_token_id", U32, end)]
    write(root, "tests/models/tiny-gpt2.gguf", g_file(keys, gguf_tensors(c, w, "F16")))
    golden(root, c, w, case_ids(dict(c, T=16)), "tiny-gpt2")
    print("tiny-gpt2 seed", seed, bpe_text(tokens, ids[len(prompt):]), "lead", margin)
    write(root, "tests/models/tiny-gpt2.greedy", bpe_text(tokens, ids[len(prompt):]))
    write(root, "tests/models/tiny-gpt2.ids", " ".join(map(str, bpe_encode(CORPUS, tokens, merges))) + "\n")
    write(root, "tests/models/tiny-gpt2.txt", CORPUS)


# ---------------------------------------------------------------- defective files
# One good file and copies of it with one thing wrong each. list.txt says what a reader
# must do: "good" load, "bad" refuse with a message, "any" either, but without harm.
TOKENS = ["<unk>", "<s>", "</s>", "a", "b", "ab", "\u2581", "\u2581a"]


class Micro:
    """The good file's parts, open to change."""

    def __init__(self):
        c = case("micro", 40, V=len(TOKENS), D=8, F=8, L=1, H=2, G=1, K=4, rope_dims=4, context=16)
        self.keys = {}
        for k, kind, v in (
                ("general.architecture", STRING, "llama"), ("general.alignment", U32, 32),
                ("llama.context_length", U32, 16), ("llama.embedding_length", U32, 8),
                ("llama.block_count", U32, 1), ("llama.feed_forward_length", U32, 8),
                ("llama.attention.head_count", U32, 2), ("llama.attention.head_count_kv", U32, 1),
                ("llama.attention.layer_norm_rms_epsilon", F32, 1e-5), ("llama.rope.dimension_count", U32, 4),
                ("llama.rope.freq_base", F32, 10000.0), ("llama.vocab_size", U32, len(TOKENS)),
                ("tokenizer.ggml.model", STRING, "llama"), ("tokenizer.ggml.tokens", ARRAY, (STRING, TOKENS)),
                ("tokenizer.ggml.scores", ARRAY, (F32, [0.0, 0, 0, -1, -2, -3, -4, -5])),
                ("tokenizer.ggml.token_type", ARRAY, (I32, [2, 3, 3, 1, 1, 1, 1, 1])),
                ("tokenizer.ggml.bos_token_id", U32, 1), ("tokenizer.ggml.eos_token_id", U32, 2)):
            self.set(k, kind, v)
        self.tensors = [list(t) for t in gguf_tensors(c, make_weights(c), "F32")]
        self.options = {}

    def set(self, key, kind, value):
        self.keys[key] = g_key(key, kind, value)
        return self

    def raw(self, key, data):
        """A key whose type and value are these bytes."""
        self.keys[key] = g_string(key) + data
        return self

    def drop(self, *keys):
        for k in keys:
            del self.keys[k]
        return self

    def tensor(self, name):
        return next(t for t in self.tensors if t[0] == name)

    def dims(self, name, *dims):
        self.tensor(name)[1] = list(dims)
        return self

    def kind(self, name, number):
        self.tensor(name)[2] = number
        return self

    def offset(self, name, offset):
        self.tensor(name).append(offset)
        return self

    def rename(self, name, new):
        self.tensor(name)[0] = new
        return self

    def without(self, name):
        self.tensors.remove(self.tensor(name))
        return self

    def with_options(self, **options):
        self.options = options
        return self

    def file(self):
        return g_file(list(self.keys.values()), self.tensors, **self.options)


def array_of(kind, count, data=b""):
    return struct.pack("<IIQ", ARRAY, kind, count) + data


def nested(depth):
    return struct.pack("<I", ARRAY) + struct.pack("<IQ", ARRAY, 1) * depth + struct.pack("<IQ", U32, 1) + b"\1\0\0\0"


def llama2c(*header, size=4096):
    return struct.pack("<7i", *header) + b"\0" * size


def llama2c_new(version, *header, group=b"", size=4096):
    head = struct.pack("<Ii7iB", 0x616B3432, version, *header, 1) + group
    return head + b"\0" * (256 - len(head)) + b"\0" * size


def hostile_files():
    T = "tokenizer.ggml."
    A = "llama.attention."
    nan = float("nan")
    big = (1 << 64) - 1
    words = list(TOKENS)
    good = Micro().file()
    yield "good", "good", "as it should be", good
    yield "magic-only", "bad", "four bytes", good[:4]
    yield "header-cut", "bad", "ends inside the header", good[:20]
    yield "keys-cut", "bad", "ends inside the keys", good[:200]
    yield "tensors-cut", "bad", "ends before the data does", good[:-4]
    yield "version-1", "bad", "32-bit counts of an old version", Micro().with_options(version=1).file()
    yield "version-99", "bad", "a version of the future", Micro().with_options(version=99).file()
    yield "version-swapped", "bad", "the version in big-endian", Micro().with_options(version=3 << 24).file()
    yield "keys-2e63", "bad", "2^63 keys", Micro().with_options(n_keys=1 << 63).file()
    yield "keys-all", "bad", "2^64 - 1 keys", Micro().with_options(n_keys=big).file()
    yield "tensors-2e60", "bad", "2^60 tensors", Micro().with_options(n_tensors=1 << 60).file()
    yield "tensors-all", "bad", "2^64 - 1 tensors", Micro().with_options(n_tensors=big).file()
    yield ("key-length-all", "bad", "a key of 2^64 - 1 bytes",
           g_file([struct.pack("<Q", big) + b"general.architecture"], []))
    yield ("value-length-all", "bad", "a string value of 2^64 - 1 bytes",
           Micro().raw("general.name", struct.pack("<IQ", STRING, big) + b"x").file())
    yield "value-type", "bad", "a value type that does not exist", Micro().raw("general.name", struct.pack("<IQ", 77, 0)).file()
    yield ("array-wrap", "bad", "2^62 + 1 u32: 4 bytes modulo 2^64",
           Micro().raw("x.y", array_of(U32, (1 << 62) + 1, b"abcd")).file())
    yield "array-huge", "bad", "2^40 strings", Micro().raw("x.y", array_of(STRING, 1 << 40, b"\0" * 64)).file()
    yield "array-type", "bad", "an array of a type that does not exist", Micro().raw("x.y", array_of(99, 1, b"\0" * 8)).file()
    yield "array-nested", "any", "an array of arrays", Micro().raw("x.y", nested(1)).file()
    yield "array-nested-1000", "bad", "arrays nested a thousand deep", Micro().raw("x.y", nested(1000)).file()
    yield "alignment-0", "bad", "alignment 0", Micro().set("general.alignment", U32, 0).file()
    yield "alignment-3", "bad", "alignment 3", Micro().set("general.alignment", U32, 3).file()
    yield "alignment-2e31", "bad", "alignment 2^31", Micro().set("general.alignment", U32, 1 << 31).file()
    yield "alignment-text", "bad", "alignment as a string", Micro().set("general.alignment", STRING, "32").file()
    yield "architecture-none", "bad", "no architecture", Micro().drop("general.architecture").file()
    yield "architecture-number", "bad", "architecture as a number", Micro().set("general.architecture", U32, 5).file()
    yield "architecture-unknown", "bad", "an architecture nobody knows", Micro().set("general.architecture", STRING, "nosuch").file()
    for key, name in (("llama.embedding_length", "width"), ("llama.block_count", "layers"), (A + "head_count", "heads"),
                      (A + "head_count_kv", "kv-heads"), ("llama.feed_forward_length", "ff"),
                      ("llama.context_length", "context")):
        yield name + "-0", "bad", key + " 0", Micro().set(key, U32, 0).file()
        yield (name + "-all", "any" if name == "context" else "bad", key + " 2^32 - 1",
               Micro().set(key, U32, (1 << 32) - 1).file())
    yield "layers-2", "bad", "one more layer than there is", Micro().set("llama.block_count", U32, 2).file()
    yield "layers-2e32", "bad", "2^32 + 1 layers as u64", Micro().set("llama.block_count", U64, (1 << 32) + 1).file()
    yield "layers-text", "bad", "the number of layers as a string", Micro().set("llama.block_count", STRING, "1").file()
    yield "layers-array", "bad", "the number of layers as an array", Micro().set("llama.block_count", ARRAY, (U32, [1])).file()
    yield "layers-none", "bad", "no number of layers", Micro().drop("llama.block_count").file()
    yield "heads-3", "bad", "heads that do not divide the width", Micro().set(A + "head_count", U32, 3).file()
    yield "kv-heads-3", "bad", "more key/value heads than heads", Micro().set(A + "head_count_kv", U32, 3).file()
    yield "eps-nan", "bad", "epsilon NaN", Micro().set(A + "layer_norm_rms_epsilon", F32, nan).file()
    yield "eps-negative", "bad", "epsilon -1", Micro().set(A + "layer_norm_rms_epsilon", F32, -1.0).file()
    yield "rope-dims-6", "bad", "more rotated dimensions than a head has", Micro().set("llama.rope.dimension_count", U32, 6).file()
    yield "rope-dims-3", "bad", "an odd number of rotated dimensions", Micro().set("llama.rope.dimension_count", U32, 3).file()
    yield "rope-base-nan", "bad", "rotation base NaN", Micro().set("llama.rope.freq_base", F32, nan).file()
    yield "rope-base-0", "bad", "rotation base 0", Micro().set("llama.rope.freq_base", F32, 0.0).file()
    yield "rope-base-negative", "bad", "rotation base -1", Micro().set("llama.rope.freq_base", F32, -1.0).file()
    yield ("rope-factor-0", "any", "linear scaling by 0",
           Micro().set("llama.rope.scaling.type", STRING, "linear").set("llama.rope.scaling.factor", F32, 0.0).file())
    yield "rope-kind", "bad", "an unknown kind of scaling", Micro().set("llama.rope.scaling.type", STRING, "nosuch").file()
    yield "vocab-9", "bad", "a vocabulary size other than the embedding's", Micro().set("llama.vocab_size", U32, 9).file()
    yield "dims-0", "bad", "a tensor of no dimensions", Micro().dims("token_embd.weight").file()
    yield "dims-5", "bad", "a tensor of five dimensions", Micro().dims("token_embd.weight", 8, 8, 1, 1, 1).file()
    yield "dims-zero", "bad", "a dimension of 0", Micro().dims("token_embd.weight", 0, 8).file()
    yield "dims-wrap", "bad", "2^32 * 2^32 elements", Micro().dims("token_embd.weight", 1 << 32, 1 << 32).file()
    yield "dims-wrap-bytes", "bad", "2^62 + 8 floats: 32 bytes modulo 2^64", Micro().dims("output_norm.weight", (1 << 62) + 8).file()
    yield "dims-swapped", "bad", "inputs and outputs exchanged", Micro().dims("blk.0.attn_k.weight", 4, 8).file()
    yield "norm-2d", "bad", "a norm with two rows", Micro().dims("output_norm.weight", 4, 2).file()
    yield "norm-short", "bad", "a norm that is too short", Micro().dims("output_norm.weight", 7).file()
    yield "type-999", "bad", "a tensor type that does not exist", Micro().kind("token_embd.weight", 999).file()
    yield "type-q8-width-8", "bad", "Q8_0 rows that are no multiple of 32", Micro().kind("token_embd.weight", 8).file()
    yield "type-f64", "any", "a type that is not read here", Micro().kind("output_norm.weight", 28).file()
    yield "offset-past-end", "bad", "data past the end", Micro().offset("output.weight", 1 << 20).file()
    yield "offset-wrap", "bad", "an offset of 2^64 - 32", Micro().offset("output.weight", (1 << 64) - 32).file()
    yield "offset-odd", "any", "an offset that is not aligned", Micro().offset("blk.0.ffn_up.weight", 1).file()
    yield "offset-overlap", "any", "two tensors in one place", Micro().offset("blk.0.ffn_up.weight", 0).file()
    yield ("name-twice", "bad", "two tensors of one name",
           Micro().rename("blk.0.ffn_up.weight", "blk.0.ffn_gate.weight").file())
    yield "name-long", "bad", "a tensor name of 300 bytes", Micro().rename("blk.0.ffn_up.weight", "x" * 300).file()
    yield "name-zero-byte", "bad", "a tensor name with a zero byte in it", Micro().rename("blk.0.ffn_up.weight", "blk.0.ffn_up.weight\0").file()
    yield "weight-missing", "bad", "a layer without its value weights", Micro().without("blk.0.attn_v.weight").file()
    yield "embedding-missing", "bad", "no token embedding", Micro().without("token_embd.weight").file()
    yield "tokenizer-unknown", "bad", "a tokenizer nobody knows", Micro().set(T + "model", STRING, "nosuch").file()
    yield "tokens-numbers", "bad", "tokens as an array of numbers", Micro().set(T + "tokens", ARRAY, (U32, list(range(8)))).file()
    yield "tokens-short", "bad", "one token less than the embedding has rows", Micro().set(T + "tokens", ARRAY, (STRING, words[:7])).file()
    yield "tokens-none", "bad", "an empty vocabulary", Micro().set(T + "tokens", ARRAY, (STRING, [])).file()
    yield "scores-strings", "bad", "scores as strings", Micro().set(T + "scores", ARRAY, (STRING, words)).file()
    yield "scores-short", "bad", "one score less than there are tokens", Micro().set(T + "scores", ARRAY, (F32, [0.0] * 7)).file()
    yield "scores-nan", "any", "scores NaN", Micro().set(T + "scores", ARRAY, (F32, [nan] * 8)).file()
    yield "types-short", "bad", "one token type less than there are tokens", Micro().set(T + "token_type", ARRAY, (I32, [1] * 7)).file()
    yield "types-99", "any", "token types that do not exist", Micro().set(T + "token_type", ARRAY, (I32, [99] * 8)).file()
    yield "bos-8", "bad", "a first token outside the vocabulary", Micro().set(T + "bos_token_id", U32, 8).file()
    yield "eos-all", "any", "an end token of 2^32 - 1", Micro().set(T + "eos_token_id", U32, (1 << 32) - 1).file()
    for name, text in (("minus", "<0x-1>"), ("word", "<0xZZ>"), ("long", "<0x100>"), ("short", "<0x>")):
        yield ("byte-token-" + name, "any", "a byte token " + text,
               Micro().set(T + "tokens", ARRAY, (STRING, words[:3] + [text] + words[4:]))
               .set(T + "token_type", ARRAY, (I32, [2, 3, 3, 6, 1, 1, 1, 1])).file())
    yield ("token-long", "any", "a token of 5000 bytes",
           Micro().set(T + "tokens", ARRAY, (STRING, words[:7] + ["x" * 5000])).file())
    yield ("token-not-utf8", "any", "tokens that are not UTF-8",
           Micro().set(T + "tokens", ARRAY, (STRING, words[:5] + [b"\xff\xfe", b"\xe2\x96", b"\x80"])).file())
    yield "tokens-twice", "any", "one token twice", Micro().set(T + "tokens", ARRAY, (STRING, words[:7] + ["ab"])).file()
    bpe = Micro().set(T + "model", STRING, "gpt2").set(T + "pre", STRING, "gpt-2")
    for name, merges in (("no-space", ["ab"]), ("unknown", ["q r"]), ("empty", [""]), ("spaces", ["   "]),
                         ("many", ["a b"] * 1000)):
        yield "merges-" + name, "any", "merges %r" % merges[0], bpe.set(T + "merges", ARRAY, (STRING, merges)).file()
    yield "merges-numbers", "bad", "merges as numbers", bpe.set(T + "merges", ARRAY, (U32, [1, 2])).file()
    yield "template-number", "any", "a chat template that is a number", Micro().set("tokenizer.chat_template", U32, 1).file()
    yield "c0-zero", "bad", "llama2.c header of zeros", llama2c(0, 0, 0, 0, 0, 0, 0)
    yield "c0-negative", "bad", "llama2.c with negative sizes", llama2c(-8, -8, -1, -2, -1, 8, 16)
    yield "c0-min", "bad", "llama2.c with a vocabulary of -2^31", llama2c(8, 8, 1, 2, 1, -(1 << 31), 16)
    yield "c0-huge", "bad", "llama2.c whose products overflow", llama2c(*[(1 << 31) - 1] * 7)
    yield "c0-heads-0", "bad", "llama2.c without heads", llama2c(8, 8, 1, 0, 1, 8, 16)
    yield "c0-heads-3", "bad", "llama2.c with heads that do not divide the width", llama2c(8, 8, 1, 3, 1, 8, 16)
    yield "c0-cut", "bad", "llama2.c that ends too early", llama2c(8, 8, 1, 2, 1, 8, 16, size=100)
    yield "c1-cut", "bad", "llama2.c v1 that ends in its header", llama2c_new(1, 8, 8, 1, 2, 1, 8, 16)[:60]
    yield "c9-version", "bad", "llama2.c of a version that does not exist", llama2c_new(9, 8, 8, 1, 2, 1, 8, 16)
    yield ("c2-group-0", "bad", "llama2.c v2 with groups of 0",
           llama2c_new(2, 32, 8, 1, 2, 1, 8, 16, group=struct.pack("<i", 0), size=8192))
    yield ("c2-group-negative", "bad", "llama2.c v2 with groups of -32",
           llama2c_new(2, 32, 8, 1, 2, 1, 8, 16, group=struct.pack("<i", -32), size=8192))
    yield ("c2-group-7", "bad", "llama2.c v2 with groups that cut rows",
           llama2c_new(2, 32, 8, 1, 2, 1, 8, 16, group=struct.pack("<i", 7), size=8192))
    yield "text", "bad", "a text file", b"This is not a model.\n" * 20
    yield "empty", "bad", "nothing", b""


def hostile(root):
    listing = "# name verdict what (written by tests/vectors/reference.py)\n"
    for name, verdict, what, data in hostile_files():
        write(root, "tests/hostile/" + name, data)
        listing += "%s %s %s\n" % (name, verdict, what)
    write(root, "tests/hostile/list.txt", listing)


# ---------------------------------------------------------------- a trained model, if there is one
def read_llama2c(path):
    """A llama2.c v0 file as (case, weights)."""
    with open(path, "rb") as f:
        D, F, L, H, G, V, context = struct.unpack("<7i", f.read(28))
        data = np.frombuffer(f.read(), dtype="<f4")
    c = case("file", 0, V=abs(V), D=D, F=F, L=L, H=H, G=G, K=D // H, rope_dims=D // H, context=context, tied=V > 0)
    w, at = {}, 0

    def take(*shape):
        nonlocal at
        n = int(np.prod(shape))
        at += n
        return data[at - n:at].reshape(shape)

    def layers(role, *shape):
        for l in range(L):
            w[layer_code(l, role)] = take(*shape)

    A, B = H * c["K"], G * c["K"]
    w[EMBED] = take(c["V"], D)
    layers(ATTN_NORM, D)
    layers(WQ, A, D)
    layers(WK, B, D)
    layers(WV, B, D)
    layers(WO, D, A)
    layers(FFN_NORM, D)
    layers(GATE, F, D)
    layers(DOWN, D, F)
    layers(UP, F, D)
    w[OUT_NORM] = take(D)
    take(context, c["K"])  # legacy rotation tables
    if not c["tied"]:
        w[HEAD] = take(c["V"], D)
    return c, w


def read_tokenizer_bin(path):
    with open(path, "rb") as f:
        data = f.read()
    tokens, at = [], 4
    while at < len(data):
        n = struct.unpack_from("<i", data, at + 4)[0]
        tokens.append(data[at + 8:at + 8 + n])
        at += 8 + n
    return tokens


def tell_story(folder, ids, n):
    """Greedy continuation of ids by stories260K.bin, for the hash in tests/cli/stories.sh."""
    c, w = read_llama2c(os.path.join(folder, "stories260K.bin"))
    tokens = read_tokenizer_bin(os.path.join(folder, "tok512.bin"))
    out, margin = greedy(c, w, ids, n, (1, 2))
    text = b"".join(bytes([int(tokens[i][3:5], 16)]) if re.fullmatch(b"<0x..>", tokens[i]) else tokens[i]
                    for i in out[len(ids):] if i > 2)
    print("story", text, "lead", margin, "sha256", hashlib.sha256(text).hexdigest())


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "--story":  # --story FOLDER ID...: needs the trained model
        tell_story(sys.argv[2], [int(i) for i in sys.argv[3:]], 60)
        sys.exit()
    root = sys.argv[1] if len(sys.argv) > 1 else "."
    for c in CASES:
        golden(root, c, make_weights(c), case_ids(c), c["name"])
    tiny_llama(root)
    tiny_gpt2(root)
    hostile(root)
    print("numpy", np.__version__)
