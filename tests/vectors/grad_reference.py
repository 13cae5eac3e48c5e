#!/usr/bin/python3
"""Gradients for tests/test_grad.c, in float64, from the definitions alone.

    GRAD_DUMP=/tmp/grad.json test_grad        (the test's cases: configuration, weights, ids, as text)
    /usr/bin/python3 tests/vectors/grad_reference.py /tmp/grad.json tests/vectors/grad.bin

The forward pass below is written in complex numbers; a weight plus 1e-30 i gives a loss whose imaginary part is
1e-30 times the derivative, right to the last bits (Squire and Trapp 1998). There is no backward pass here that
could share a mistake with the one that is tested. Written are, for each case, the loss and, for each tensor, the
derivatives by some of its elements.
"""
import json
import math
import struct
import sys

import numpy as np

EPS = 1e-30
SAMPLES = 6


def erf(x):
    r = np.vectorize(math.erf)(x.real)
    return r + 1j * x.imag * (2 / math.sqrt(math.pi)) * np.exp(-x.real ** 2)


def clamp(x, c):
    return np.where(x.real > c, c, np.where(x.real < -c, -c, x))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.real.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class Model:
    def __init__(self, case):
        self.c = case["config"]
        self.w = np.array(case["weight"], dtype=np.float64).astype(np.complex128)
        self.at = {}
        for p in case["params"]:
            self.at[(p["role"], p["layer"], p["expert"])] = p

    def get(self, role, layer=-1, expert=-1):
        p = self.at.get((role, layer, expert))
        if p is None:
            return None
        v = self.w[p["offset"]:p["offset"] + p["rows"] * p["cols"]]
        return v.reshape(p["rows"], p["cols"]) if p["matrix"] or p["embedding"] else v

    # ---------------------------------------------------------------- pieces
    def norm(self, x, w, b=None):
        if self.c["norm"] == 1:
            x = x - x.mean(axis=-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + self.c["norm_eps"])
        if w is not None:
            x = x * (w + 1 if self.c["norm_plus_one"] else w)
        return x if b is None else x + b

    def named_norm(self, x, name, layer=-1):
        return self.norm(x, self.get(name + ".weight", layer), self.get(name + ".bias", layer))

    def linear(self, x, role, layer=-1, expert=-1, bias=None):
        y = x @ self.get(role, layer, expert).T
        b = self.get(bias, layer, expert) if bias else None
        return y if b is None else y + b

    def act(self, x):
        a = self.c["act"]
        if a == 0:
            return x * sigmoid(x)
        if a == 1:
            return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))
        if a == 2:
            return 0.5 * x * (1 + erf(x / math.sqrt(2)))
        r = np.where(x.real > 0, x, 0)
        return r if a == 3 else r * r

    def mix(self, gate, up):
        if self.c["act"] == 5:
            g = np.where(gate.real > 7, 7, gate)
            return g * sigmoid(1.702 * g) * (clamp(up, 7) + 1)
        return self.act(gate) * up if gate is not None else self.act(up)

    def mlp(self, x, layer, names, expert=-1):
        gate, up, down, gb, ub, db = names
        g = self.linear(x, gate, layer, expert, gb) if self.c["gated"] else None
        return self.linear(self.mix(g, self.linear(x, up, layer, expert, ub)), down, layer, expert, db)

    def angles(self, layer, pos):
        c = self.c
        d = c["rope_dims"]
        local = c["rope_local"] and layer in c["windowed"]
        base = c["rope_local_base"] if local else c["rope_base"]
        s, kind = c["rope_factor"], 0 if local else c["rope_scaling"]
        if kind == 2:
            base = base * s ** (d / (d - 2))
        f = np.array([base ** (-2.0 * i / d) for i in range(d // 2)])
        strength = 1.0
        if kind == 1:
            f = f / s
        if kind == 4:  # Peng 2023, as models were trained: whole pairs, ends within the head
            pair = [d * math.log(c["rope_original"] / (t * 2 * math.pi)) / (2 * math.log(base)) for t in (32, 1)]
            low, high = max(math.floor(pair[0]), 0), min(math.ceil(pair[1]), d - 1)
            high = high + 0.001 if low == high else high
            ramp = np.clip((np.arange(d // 2) - low) / (high - low), 0, 1)
            f = f / s * ramp + f * (1 - ramp)
            strength = 0.1 * math.log(s) + 1
        a = np.outer(pos, f) * (-1 if c["rope_reverse"] else 1)
        return np.cos(a) * strength, np.sin(a) * strength

    def rope(self, x, layer):  # x [T][heads][K]
        c = self.c
        if c["pos"] != 1 or layer in c["unturned"]:
            return x
        cos, sin = [v[:, None, :] for v in self.angles(layer, np.arange(x.shape[0]))]
        d, y = c["rope_dims"], x.copy()
        if c["rope"] == 0:
            a, b = x[..., 0:d:2], x[..., 1:d:2]
            y[..., 0:d:2], y[..., 1:d:2] = a * cos - b * sin, a * sin + b * cos
        else:
            a, b = x[..., :d // 2], x[..., d // 2:d]
            y[..., :d // 2], y[..., d // 2:d] = a * cos - b * sin, a * sin + b * cos
        return y

    def qk_norm(self, x, role, layer):
        c, w = self.c, self.get(role, layer)
        T, heads, K = x.shape
        if c["qk_norm"] == 3:
            return self.norm(x.reshape(T, -1), w).reshape(x.shape)
        return self.norm(x, w.reshape(heads, K) if w is not None and c["qk_norm"] == 2 else w)

    def shape(self, x, role, layer):
        c = self.c
        if c["qk_norm"] and not c["qk_norm_late"]:
            x = self.qk_norm(x, role, layer)
        x = self.rope(x, layer)
        if c["qk_norm"] and c["qk_norm_late"]:
            x = self.qk_norm(x, role, layer)
        return x * c["qk_scale"] if c["qk_scale"] else x

    def attention(self, x, layer, ids):
        c = self.c
        T, H, G, K = x.shape[0], c["n_head"], c["n_kv_head"], c["head_dim"]
        if c["qkv_grouped"]:
            y = self.linear(x, "attn_qkv.weight", layer, -1, "attn_qkv.bias").reshape(T, G, H // G + 2, K)
            q, k, v = y[:, :, :H // G].reshape(T, H, K), y[:, :, H // G], y[:, :, H // G + 1]
        else:
            q = self.linear(x, "attn_q.weight", layer, -1, "attn_q.bias").reshape(T, H, K)
            k = self.linear(x, "attn_k.weight", layer, -1, "attn_k.bias").reshape(T, G, K)
            v = self.linear(x, "attn_v.weight", layer, -1, "attn_v.bias").reshape(T, G, K)
        if c["attn_clamp"]:
            q, k, v = clamp(q, c["attn_clamp"]), clamp(k, c["attn_clamp"]), clamp(v, c["attn_clamp"])
        if layer in c["value_layers"] and c["value_channels"]:
            gate = 3 * sigmoid(x[:, :c["value_channels"]] @ self.get("value_gate.weight", layer).T)
            v = v + gate[:, :, None] * self.get("value_embd.weight", layer)[ids].reshape(T, G, K)
        q, k = self.shape(q, "attn_q_norm.weight", layer), self.shape(k, "attn_k_norm.weight", layer)
        i, j = np.arange(T)[:, None], np.arange(T)[None, :]
        seen = j <= i
        if c["window_size"] and layer in c["windowed"]:
            seen = seen & ((j > i - c["window_size"]) | (j < c["sink_tokens"]))
        out = np.zeros((T, H, K), dtype=np.complex128)
        for h in range(H):
            s = q[:, h] @ k[:, h // (H // G)].T * (c["attn_scale"] or 1 / math.sqrt(K))
            if c["attn_softcap"]:
                s = c["attn_softcap"] * np.tanh(s / c["attn_softcap"])
            s = np.where(seen, s, -1e30)
            if c["sink_logits"]:
                sink = self.get("attn_sinks.weight", layer)[h]
                s = np.concatenate([s, np.full((T, 1), 1.0) * sink], axis=1)
            p = softmax(s)[:, :T]
            out[:, h] = p @ v[:, h // (H // G)]
        out = out.reshape(T, H * K)
        if self.get("attn_output.weight", layer) is None:
            return out
        return self.linear(out, "attn_output.weight", layer, -1, "attn_output.bias")

    def experts(self, x, layer, route):
        c = self.c
        score = self.linear(x, "ffn_gate_inp.weight", layer, -1, "ffn_gate_inp.bias")
        p, U = softmax(score), c["n_expert_used"]
        chosen = np.argsort(-score.real, axis=1, kind="stable")[:, :U]
        out = np.zeros_like(x)
        names = tuple(n + s for s in (".weight", ".bias") for n in ("ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"))
        for t in range(x.shape[0]):
            share = p[t, chosen[t]]
            if c["expert_renorm"]:
                share = share / share.sum()
            for u in range(U):
                out[t] = out[t] + share[u] * self.mlp(x[t:t + 1], layer, names, int(chosen[t, u]))[0]
        route.setdefault(layer, []).append((p, chosen))
        if c["n_ff_shared"]:
            names = ("ffn_gate_shexp.weight", "ffn_up_shexp.weight", "ffn_down_shexp.weight", None, None, None)
            y, w = self.mlp(x, layer, names), self.get("ffn_gate_inp_shexp.weight", layer)
            out = out + (y if w is None else y * sigmoid(x @ w)[:, None])
        return out

    def ffn(self, x, layer, route):
        if self.c["n_expert"] and layer not in self.c["dense"]:
            return self.experts(x, layer, route)
        return self.mlp(x, layer, ("ffn_gate.weight", "ffn_up.weight", "ffn_down.weight", "ffn_gate.bias",
                                   "ffn_up.bias", "ffn_down.bias"))

    def join(self, x, y, layer, branch, post):
        c = self.c
        if c["branch_norm"]:
            y = self.norm(y, self.get(branch, layer))
        x = x + c["residual_scale"] * y
        return self.named_norm(x, post, layer) if c["post_norm"] else x

    def block(self, x, layer, ids, route):
        c = self.c
        first = ("post_attention_norm.weight", "attn_output_norm")
        second = ("post_ffw_norm.weight", "layer_output_norm")
        a = self.named_norm(x, "attn_norm", layer) if c["pre_norm"] else x
        y = self.attention(a, layer, ids)
        if c["parallel"] == 0:
            x = self.join(x, y, layer, *first)
            b = self.named_norm(x, "ffn_norm", layer) if c["pre_norm"] else x
            return self.join(x, self.ffn(b, layer, route), layer, *second)
        b = a if c["parallel"] == 1 else self.named_norm(x, "ffn_norm", layer) if c["pre_norm"] else x
        z = self.ffn(b, layer, route)
        return self.join(self.join(x, y, layer, *first), z, layer, *second)

    def logits(self, ids, route):
        c = self.c
        T, D = len(ids), c["n_embd"]
        x = self.get("token_embd.weight")[ids] * c["embed_scale"]
        if c["pos"] == 2:
            x = x + self.get("position_embd.weight")[:T]
        if c["pos"] == 3:
            a = np.outer(np.arange(T), [10000.0 ** (-2.0 * (i // 2) / D) for i in range(D)])
            x = x + np.where(np.arange(D) % 2 == 0, np.sin(a), np.cos(a))
        if c["embed_norm"]:
            x = self.named_norm(x, "token_embd_norm")
        if c["smear_channels"]:
            gate = sigmoid(x[1:, :c["smear_channels"]] @ self.get("smear_gate.weight"))
            smear = self.get("smear_lambda.weight")[0] * gate[:, None] * x[:-1]
            x = np.concatenate([x[:1], x[1:] + smear])
        x0, back = x, None
        for layer in range(c["n_layer"]):
            if c["x_lambdas"]:
                x = self.get("resid_lambdas.weight")[layer] * x + self.get("x0_lambdas.weight")[layer] * x0
            x = self.block(x, layer, ids, route)
            if c["backout_layer"] and layer == c["backout_layer"]:
                back = x
        if back is not None:
            x = x - self.get("backout_lambda.weight")[0] * back
        if not c["no_out_norm"]:
            x = self.named_norm(x, "output_norm")
        z = x @ self.get("token_embd.weight" if c["tied_head"] else "output.weight").T
        if self.get("output.bias") is not None:
            z = z + self.get("output.bias")
        z = z * c["logit_scale"]
        z = clamp(z, c["logit_clamp"]) if c["logit_clamp"] else z
        z = c["logit_softcap"] * np.tanh(z / c["logit_softcap"]) if c["logit_softcap"] else z
        return clamp(z, c["logit_clamp"]) if c["logit_clamp"] else z

    def objective(self, ids, targets, rows, balance):
        total, n, route, T = 0, 0, {}, len(ids) // rows
        for b in range(rows):
            z = self.logits(ids[b * T:(b + 1) * T], route)
            for t in range(T):
                target = targets[b * T + t]
                if target < 0:
                    continue
                top = z[t].real.max()
                total, n = total + top + np.log(np.exp(z[t] - top).sum()) - z[t, target], n + 1
        loss = total / n
        for parts in route.values():  # Fedus 2021, eq. 4
            p, chosen = np.concatenate([a for a, _ in parts]), np.concatenate([b for _, b in parts])
            E = p.shape[1]
            f = np.bincount(chosen.ravel(), minlength=E) / chosen.size
            loss = loss + balance * E * (f * p.mean(axis=0)).sum()
        return loss


def main():
    out = bytearray()
    for line in open(sys.argv[1]):
        case = json.loads(line)
        m = Model(case)
        args = (np.array(case["ids"]), case["targets"], case["rows"], case["balance"])
        loss = m.objective(*args)
        out += struct.pack("<d", loss.real)
        for i, p in enumerate(case["params"]):
            n = p["rows"] * p["cols"]
            for s in range(SAMPLES):
                at = p["offset"] + (s * 7919 + i * 31) % n
                keep = m.w[at]
                m.w[at] = keep + 1j * EPS
                out += struct.pack("<f", m.objective(*args).imag / EPS)
                m.w[at] = keep
        print(case["name"], loss.real, flush=True)
    open(sys.argv[2], "wb").write(bytes(out))


main()
