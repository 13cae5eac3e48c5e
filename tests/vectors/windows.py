#!/usr/bin/python3
"""Logits of whole sequences where each query sees only what windows and sinks leave it, from the
definitions in float64: no cache, a mask and a position for every query.

    /usr/bin/python3 tests/vectors/windows.py [ROOT]

writes tests/models/windows.gguf (a Llama of three layers, random weights, F16) and tests/vectors/windows.bin:
for each of CASES the logits [T / STEP][V] of every STEP-th token, float32. Read by tests/test_kv.c.
"""
import sys

import numpy as np

from reference import (ATTN_NORM, DOWN, EMBED, FFN_NORM, GATE, HEAD, OUT_NORM, UP, WK, WO,
                       WQ, WV, case, case_ids, g_file, gguf_config, gguf_tensors, layer_code, make_weights,
                       rms_norm, silu, write)

T, STEP = 200, 9
C = case("windows", 60, type="F16", D=32, F=48, L=3, context=256, T=T)

# Keep in step with the table in tests/test_kv.c. layers: windows of the model's own; sinks, window, capacity:
# of the caller; base: of windowed layers.
CASES = [
    dict(layers=[0, 40, 0]),
    dict(window=50),
    dict(window=50, sinks=4),
    dict(window=50, sinks=4, stay=True),
    dict(capacity=70, sinks=6),
    dict(layers=[40, 0, 40], own_sinks=3),
    dict(layers=[0, 40, 0], window=90, sinks=5),
    dict(layers=[0, 40, 0], capacity=97, sinks=33),
    dict(layers=[0, 40, 40], window=60, sinks=4, base=500.0),
    dict(window=60, sinks=7, rope="half"),
]


def turn(x, at, base, kind):
    """x [K] as a query or key at position `at`."""
    i = np.arange(len(x) // 2)
    angle = at * base ** (-2.0 * i / len(x))
    a, b = (2 * i, 2 * i + 1) if kind == "adjacent" else (i, i + len(x) // 2)
    y = x.copy()
    y[a] = x[a] * np.cos(angle) - x[b] * np.sin(angle)
    y[b] = x[a] * np.sin(angle) + x[b] * np.cos(angle)
    return y


def forward(w, ids, o):
    H, G, K, eps = C["H"], C["G"], C["K"], C["eps"]
    sinks = o.get("sinks", o.get("own_sinks", 0))
    moves = "sinks" in o and not o.get("stay")
    kind = o.get("rope", "adjacent")
    x = w[EMBED][ids]
    for l in range(C["L"]):
        own = o.get("layers", [0] * 3)[l]
        W = min([v for v in (own, o.get("window", 0), o.get("capacity", 0) and o["capacity"] - sinks) if v] or [10**9])
        base = o["base"] if own and "base" in o else C["rope_base"]
        h = rms_norm(x, w[layer_code(l, ATTN_NORM)], eps)
        q = (h @ w[layer_code(l, WQ)].T).reshape(-1, H, K)
        k = (h @ w[layer_code(l, WK)].T).reshape(-1, G, K)
        v = (h @ w[layer_code(l, WV)].T).reshape(-1, G, K)
        k = np.array([[turn(k[t, g], t, base, kind) for g in range(G)] for t in range(len(ids))])
        out = np.zeros((len(ids), H, K))
        for t in range(len(ids)):
            for n in range(H):
                near = turn(q[t, n], t, base, kind)
                far = turn(q[t, n], min(t, W + sinks - 1), base, kind) if moves else near
                seen = [j for j in range(t + 1) if j < sinks or j > t - W]
                s = np.array([(far if j < sinks else near) @ k[j, n // (H // G)] for j in seen]) / np.sqrt(K)
                p = np.exp(s - s.max())
                out[t, n] = p / p.sum() @ v[seen, n // (H // G)]
        x = x + out.reshape(-1, H * K) @ w[layer_code(l, WO)].T
        h = rms_norm(x, w[layer_code(l, FFN_NORM)], eps)
        x = x + (silu(h @ w[layer_code(l, GATE)].T) * (h @ w[layer_code(l, UP)].T)) @ w[layer_code(l, DOWN)].T
    return rms_norm(x, w[OUT_NORM], eps) @ w[HEAD].T


def main(root):
    w = make_weights(C)
    keys = gguf_config(C, "llmc.h windows")
    write(root, "tests/models/windows.gguf", g_file(keys, gguf_tensors(C, w, "F16")))
    w = {k: v.astype(np.float64) for k, v in w.items()}
    ids, data, last = case_ids(C), b"", None
    for o in CASES:
        logits = forward(w, ids, o)
        print(o, "std %.2f" % logits.std(), "" if last is None else "apart %.3g" % np.abs(logits - last).max())
        data, last = data + logits[STEP - 1::STEP].astype("<f4").tobytes(), logits
    write(root, "tests/vectors/windows.bin", data)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else ".")
