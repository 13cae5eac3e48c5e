#!/usr/bin/env python3
# optim_reference.py -- what tests/test_optim.c expects: one and three updates of each optimiser, in float64.
#
#     python3 tests/vectors/optim_reference.py > tests/vectors/optim.bin
#
# Written from the papers: Loshchilov and Hutter 2019 (AdamW), Jordan 2024 (Muon), momentum SGD with decay
# apart from the gradient. Weights and gradients come from SplitMix64, as in test_optim.c; the file is the
# weights after the first and after the third update as little-endian float32, optimiser by optimiser.
import sys

import numpy as np

SHAPES = [(12, 20), (20, 12), (33,), (10, 8)]  # two matrices, a norm, an embedding
MATRIX = [True, True, False, False]
STEPS, RATE, MATRIX_RATE, DECAY, CLIP = 3, 0.01, 0.02, 0.1, 0.75


def splitmix(seed):
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) % 2**64
        z = seed
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        yield z ^ z >> 31


def draw(stream, scale):
    return [np.array([((next(stream) >> 40) / 2**24 * 2 - 1) * scale for _ in range(int(np.prod(s)))]).reshape(s)
            for s in SHAPES]


def clipped(g):
    norm = np.sqrt(sum((x * x).sum() for x in g))
    return [x * CLIP / (norm + 1e-6) for x in g] if norm > CLIP else g


def adamw(w, g, s, t, decay):
    b1, b2 = 0.9, 0.95
    s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0) + (1 - b2) * g * g
    m, v = s["m"] / (1 - b1**t), s["v"] / (1 - b2**t)
    return w * (1 - RATE * decay) - RATE * m / (np.sqrt(v) + 1e-8)


def sgd(w, g, s, t, decay):
    s["m"] = 0.9 * s.get("m", 0) + g
    return w * (1 - RATE * decay) - RATE * s["m"]


def muon(w, g, s, t, decay):
    mu = 0.95
    s["m"] = mu * s.get("m", 0) + (1 - mu) * g
    x = mu * s["m"] + (1 - mu) * g
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (np.sqrt((x * x).sum()) + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    x = x.T if tall else x
    return w * (1 - MATRIX_RATE * decay) - MATRIX_RATE * max(1, w.shape[0] / w.shape[1])**0.5 * x


def main():
    for kind in ("adamw", "muon", "sgd"):
        stream = splitmix(7)
        w, state = draw(stream, 0.5), [{} for _ in SHAPES]
        for t in range(1, STEPS + 1):
            g = clipped(draw(stream, 0.1))
            for i in range(len(w)):
                step = {"adamw": adamw, "sgd": sgd, "muon": muon if MATRIX[i] else adamw}[kind]
                w[i] = step(w[i], g[i], state[i], t, DECAY if MATRIX[i] else 0)
            if t in (1, STEPS):
                for x in w:
                    sys.stdout.buffer.write(x.astype("<f4").tobytes())


main()
