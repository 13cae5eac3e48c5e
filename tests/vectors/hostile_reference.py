#!/usr/bin/python3
"""Defective files and folders for every loader but the single GGUF and llama2.c, which
reference.py writes: small good models, and copies of them with one thing wrong each.

    /usr/bin/python3 tests/vectors/hostile_reference.py .

writes tests/hostile/NAME, a file or a folder, and tests/hostile/loaders.txt. Its lines: name (of a
folder that is opened by one of its files: both), verdict, description. The verdict is what a reader must do: `good` load and run; `bad_file`,
`unsupported`, `io` refuse with that status; `bad` refuse; `any` either, but without harm. Needs
numpy; everything is derived from fixed seeds.
"""
import json
import os
import shutil
import struct
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import formats as f  # noqa: E402

f.words = lambda n, all_words=f.words: dict(list(all_words(n).items())[:n])
NAN = float("nan")
BIG = (1 << 64) - 1
C = dict(V=4, D=4, F=4, L=1, H=2, G=1, K=2, eps=1e-5, base=10000.0, context=16)
DROP = object()  # a value that takes its key away


def changed(x, changes):
    x = dict(x)
    for key, v in changes.items():
        if v is DROP:
            x.pop(key, None)
        else:
            x[key] = v
    return x


# ---------------------------------------------------------------- safetensors and config.json
def entries(w, kind="BF16"):
    """name -> [header's entry, bytes], in the order of the file."""
    out, at = {}, 0
    for name, x in w.items():
        data = x if isinstance(x, bytes) else f.raw(x, kind)
        out[name] = [{"dtype": kind, "shape": list(getattr(x, "shape", (len(data),))),
                      "data_offsets": [at, at + len(data)]}, data]
        at += len(data)
    return out


def store(head, body, length=None):
    """head: an object or its text."""
    text = head if isinstance(head, bytes) else json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text) if length is None else length) + text + body


class Folder:
    """A Hugging Face folder open to change."""

    def __init__(self, config, w, kind="BF16"):
        self.config, self.w, self.kind = dict(config), entries(w, kind), kind
        self.text, self.files, self.length, self.cut, self.head = None, {}, None, 0, None

    def set(self, **changes):
        self.config = changed(self.config, changes)
        return self

    def entry(self, name, **changes):
        self.w[name][0] = changed(self.w[name][0], changes)
        return self

    def drop(self, name):
        """Its bytes stay."""
        self.w[name][0] = None
        return self

    def rename(self, name, new):
        self.w = {new if k == name else k: v for k, v in self.w.items()}
        return self

    def add(self, name, like, **changes):
        """One more entry, over the bytes of another one."""
        self.w[name] = [changed(self.w[like][0], changes), b""]
        return self

    def tensors(self):
        head = {k: e for k, (e, _) in self.w.items() if e is not None} if self.head is None else self.head
        data = store(head, b"".join(d for _, d in self.w.values()), self.length)
        return data[:len(data) - self.cut]

    def made(self):
        config = json.dumps(self.config, separators=(",", ":")) if self.text is None else self.text
        files = {"config.json": config, "model.safetensors": self.tensors()}
        files.update(self.files)
        return {k: v for k, v in files.items() if v is not None}


NOISE = ("architectures", "attention_dropout", "initializer_range", "pretraining_tp", "torch_dtype", "transformers_version",
         "use_cache", "bos_token_id", "eos_token_id")


def llama(**changes):
    config = {k: v for k, v in f.llama_config(C).items() if k not in NOISE}
    return Folder(config, f.llama_weights(C, 1)).set(**changes)


Q = "model.layers.0.self_attn.q_proj.weight"
EMBED = "model.embed_tokens.weight"


def raw_config(key, text):
    """config.json with a value that json.dumps would not write."""
    x = llama(**{key: "@"})
    x.text = json.dumps(x.config).replace('"@"', text)
    return x


def llama_files():
    yield "st-good", "good", "a Hugging Face folder as it should be", llama()
    yield "st-good-f32", "good", "in F32", Folder(llama().config, f.llama_weights(C, 1), "F32")
    sizes = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
             "vocab_size", "max_position_embeddings")
    for key in sizes:
        short = key.replace("num_", "").replace("_size", "").replace("_embeddings", "")
        for name, v in (("0", 0), ("negative", -1), ("half", 2.5), ("text", "4"), ("object", {"n": 4})):
            if name == "0" or key == "hidden_size":
                yield "st-%s-%s" % (short, name), "bad_file", "%s %s" % (key, json.dumps(v)), llama(**{key: v})
    for key in sizes[::2]:
        short = key.replace("num_", "").replace("_size", "").replace("_embeddings", "")
        yield ("st-%s-huge" % short, "bad_file", "%s 2^32 - 1" % key, llama(**{key: (1 << 32) - 1}))
    yield "st-hidden-2e64", "bad_file", "hidden_size 2^64 + 4", llama(hidden_size=(1 << 64) + 4)
    yield "st-hidden-1e400", "bad_file", "hidden_size 1e400", raw_config("hidden_size", "1e400")
    yield "st-hidden-nan", "bad_file", "hidden_size NaN", raw_config("hidden_size", "NaN")
    yield "st-hidden-list", "any", "hidden_size [4]", llama(hidden_size=[4])
    yield "st-hidden-list-empty", "bad_file", "hidden_size []", llama(hidden_size=[])
    yield "st-hidden-twice", "bad_file", "hidden_size under two names that differ", llama(n_embd=16)
    yield "st-layers-2", "bad_file", "one more layer than there is", llama(num_hidden_layers=2)
    yield "st-layers-1000", "bad_file", "a thousand layers", llama(num_hidden_layers=1000)
    yield "st-layers-none", "bad_file", "no number of layers", llama(num_hidden_layers=DROP)
    yield "st-heads-3", "bad_file", "heads that do not divide the width", llama(num_attention_heads=3)
    yield "st-kv-heads-3", "bad_file", "more key heads than heads", llama(num_key_value_heads=3)
    yield "st-head-dim-odd", "bad_file", "heads of 3", llama(head_dim=3)
    yield "st-head-dim-0", "bad_file", "heads of 0", llama(head_dim=0)
    yield "st-vocab-5", "bad_file", "a vocabulary larger than the embedding", llama(vocab_size=5)
    yield "st-vocab-3", "bad_file", "a vocabulary smaller than the embedding", llama(vocab_size=3)
    yield "st-eps-0", "bad_file", "epsilon 0", llama(rms_norm_eps=0)
    yield "st-eps-negative", "bad_file", "epsilon -1", llama(rms_norm_eps=-1.0)
    yield "st-eps-text", "bad_file", "epsilon as text", llama(rms_norm_eps="1e-5")
    yield "st-theta-0", "bad_file", "rotation base 0", llama(rope_theta=0)
    yield "st-theta-negative", "bad_file", "rotation base -1", llama(rope_theta=-1.0)
    yield "st-act", "unsupported", "an activation nobody knows", llama(hidden_act="nosuch")
    yield "st-key", "unsupported", "a key nobody knows", llama(nosuch_option=3)
    yield "st-type", "unsupported", "a model_type nobody knows", llama(model_type="nosuch")
    yield "st-type-number", "bad_file", "model_type 5", llama(model_type=5)
    yield "st-type-none", "bad_file", "no model_type", llama(model_type=DROP)
    yield "st-quantized", "unsupported", "a quantisation nobody knows", llama(quantization_config={"quant_method": "nosuch"})
    window = {"model_type": "mistral"}
    yield "st-window-good", "good", "a window of 2", llama(sliding_window=2, **window)
    yield "st-window-0", "any", "a window of 0", llama(sliding_window=0, **window)
    yield "st-window-negative", "bad_file", "a window of -1", llama(sliding_window=-1, **window)
    yield "st-window-huge", "good", "a window of 2^32 - 1", llama(sliding_window=(1 << 32) - 1, **window)
    yield "st-window-2e32", "bad_file", "a window of 2^32", llama(sliding_window=1 << 32, **window)
    types = {"model_type": "qwen3", "head_dim": 2, "use_sliding_window": True, "sliding_window": 2}
    for name, v, verdict in (("long", ["full_attention"] * 2, "bad_file"), ("short", [], "bad_file"),
                             ("numbers", [1], "bad_file"), ("long-200", ["sliding_attention"] * 200, "bad_file"),
                             ("words", ["nosuch"], "any"), ("text", "full_attention", "any")):
        yield ("st-layer-types-" + name, verdict, "layer_types that do not fit: " + name,
               Folder(llama().config, dict(f.llama_weights(dict(C, qk_norm=True), 1))).set(layer_types=v, **types))
    yield "st-config-none", "bad_file", "no config.json", with_files(llama(), {"config.json": None})
    yield "st-config-empty", "bad_file", "an empty config.json", with_files(llama(), {"config.json": ""})
    yield "st-config-list", "bad_file", "config.json is a list", with_files(llama(), {"config.json": "[1,2]"})
    yield "st-config-cut", "bad_file", "config.json ends in the middle", with_files(llama(), {"config.json": '{"model_type":"llama",'})
    yield ("st-config-deep", "bad", "config.json nests 5000 deep",
           with_files(llama(), {"config.json": '{"model_type":"llama","x":' + "[" * 5000 + "]" * 5000 + "}"}))
    yield "st-config-zero", "bad_file", "a zero byte in config.json", with_files(llama(), {"config.json": '{"model_type":"llama"\0}'})
    yield "st-config-line", "unsupported", "a model_type of two lines", with_files(llama(), {"config.json": '{"model_type":"a\\nb\\u0000c"}'})


def with_files(folder, files):
    folder.files.update(files)
    return folder


def scaled(**rope):
    return llama(rope_scaling=rope, max_position_embeddings=16)


def rope_files():
    yield "st-rope-good", "good", "linear scaling by 2", scaled(rope_type="linear", factor=2.0)
    yield "st-rope-text", "bad_file", "rope_scaling as text", llama(rope_scaling="linear")
    yield "st-rope-kind", "unsupported", "an unknown kind of scaling", scaled(rope_type="nosuch", factor=2.0)
    yield "st-rope-kind-number", "unsupported", "the kind of scaling as a number", scaled(rope_type=3, factor=2.0)
    for kind, more in (("linear", {}), ("dynamic", {}), ("yarn", {"original_max_position_embeddings": 8}),
                       ("llama3", {"original_max_position_embeddings": 8, "low_freq_factor": 1.0, "high_freq_factor": 4.0})):
        for name, v in (("0", 0), ("negative", -2.0)):
            yield "st-rope-%s-%s" % (kind, name), "bad_file", "%s scaling by %s" % (kind, json.dumps(v)), scaled(rope_type=kind, factor=v, **more)
        yield ("st-rope-%s-huge" % kind, "any", "%s scaling by 1e9" % kind, scaled(rope_type=kind, factor=1e9, **more))
    yield "st-rope-linear-tiny", "any", "linear scaling by 1e-30", scaled(rope_type="linear", factor=1e-30)
    yield "st-rope-linear-text", "bad_file", "linear scaling by a text", scaled(rope_type="linear", factor="2")
    yarn = dict(rope_type="yarn", factor=2.0, original_max_position_embeddings=8)
    yield "st-rope-yarn-good", "good", "YaRN", scaled(**yarn)
    yield "st-rope-yarn-original-0", "bad_file", "an original length of 0", scaled(**dict(yarn, original_max_position_embeddings=0))
    yield "st-rope-yarn-original-huge", "any", "an original length of 1e9", scaled(**dict(yarn, original_max_position_embeddings=1e9))
    yield "st-rope-yarn-original-2e40", "bad_file", "an original length of 2^40", scaled(**dict(yarn, original_max_position_embeddings=1 << 40))
    yield "st-rope-yarn-betas", "bad_file", "YaRN's limits exchanged", scaled(**dict(yarn, beta_fast=1.0, beta_slow=32.0))
    yield "st-rope-yarn-beta-0", "bad_file", "a limit of 0", scaled(**dict(yarn, beta_slow=0))
    yield "st-rope-yarn-mscale", "bad_file", "mscale -1", scaled(**dict(yarn, mscale=-1.0, mscale_all_dim=1.0))
    three = dict(rope_type="llama3", factor=8.0, original_max_position_embeddings=8, low_freq_factor=1.0, high_freq_factor=4.0)
    yield "st-rope-llama3-good", "good", "Llama 3's scaling", scaled(**three)
    yield "st-rope-llama3-equal", "bad_file", "both frequency factors the same", scaled(**dict(three, low_freq_factor=4.0))
    long = dict(type="longrope", long_factor=[1.5], short_factor=[1.1])
    for name, verdict, what, rope in (
            ("good", "good", "longrope", {}), ("short-list", "bad_file", "a factor too few", {"long_factor": []}),
            ("long-list", "bad_file", "a hundred factors for one", {"long_factor": [1.5] * 100}),
            ("zero", "bad_file", "a factor of 0", {"short_factor": [0]}),
            ("negative", "bad_file", "a negative factor", {"short_factor": [-1.0]}),
            ("text", "bad_file", "factors as text", {"short_factor": ["1"]}),
            ("none", "bad_file", "no long factors", {"long_factor": None}),
            ("number", "bad_file", "a number for a list", {"long_factor": 2.0})):
        yield ("st-longrope-" + name, verdict, what,
               llama(rope_scaling=dict(long, **rope), original_max_position_embeddings=8))
    yield "st-rope-fraction-0", "bad_file", "no part of a head turns", llama(partial_rotary_factor=0)
    yield "st-rope-fraction-2", "bad_file", "twice a head turns", llama(partial_rotary_factor=2.0)
    yield "st-rope-fraction-odd", "bad_file", "one element of a head turns", llama(partial_rotary_factor=0.5)


def store_files():
    q = C["H"] * C["K"] * C["D"] * 2
    for name, verdict, what, v in (
            ("past-end", "bad_file", "data past the end", [100000, 100000 + q]),
            ("wrap", "bad_file", "offsets that wrap around", [(1 << 63) - 64, (1 << 63) - 64 + q]),
            ("backwards", "bad_file", "an end before its begin", [q, 0]),
            ("negative", "bad_file", "a negative offset", [-q, 0]), ("one", "bad_file", "one offset", [0]),
            ("three", "bad_file", "three offsets", [0, q, q]), ("text", "bad_file", "offsets as text", ["0", str(q)]),
            ("short", "bad_file", "fewer bytes than the shape needs", [0, q - 2]),
            ("overlap", "any", "two tensors in one place", [0, q])):
        yield "st-offsets-" + name, verdict, what, llama().entry(Q, data_offsets=v)
    for name, verdict, what, v in (
            ("zero", "bad_file", "a dimension of 0", [4, 0]), ("negative", "bad_file", "a dimension of -4", [4, -4]),
            ("wrap", "bad_file", "2^32 * 2^32 elements", [1 << 32, 1 << 32]),
            ("huge", "bad_file", "2^63 elements in a row", [1 << 63]), ("swapped", "bad_file", "rows and columns exchanged", [2, 8]),
            ("3d", "bad_file", "three dimensions for two", [1, 4, 4]), ("none", "bad_file", "no dimensions", []),
            ("text", "bad_file", "a shape as text", "4x4"), ("nested", "bad_file", "a shape in a shape", [[4, 4]])):
        yield "st-shape-" + name, verdict, what, llama().entry(Q, shape=v)
    yield "st-shape-permuted", "bad_file", "a key's matrix the wrong way round", llama().entry("model.layers.0.self_attn.k_proj.weight", shape=[4, 2])
    yield "st-dtype-i64", "unsupported", "weights in I64", llama().entry(Q, dtype="I64")
    yield "st-dtype-f8", "unsupported", "weights in F8_E4M3", llama().entry(Q, dtype="F8_E4M3")
    yield "st-dtype-number", "bad_file", "a type that is a number", llama().entry(Q, dtype=16)
    yield "st-dtype-f32", "bad_file", "F32 over bytes for BF16", llama().entry(Q, dtype="F32")
    yield "st-entry-number", "bad_file", "a number for an entry", put_entry(7)
    yield "st-entry-empty", "bad_file", "an empty entry", put_entry({})
    yield "st-missing", "bad_file", "a layer without its value weights", llama().drop("model.layers.0.self_attn.v_proj.weight")
    yield "st-missing-embedding", "bad_file", "no token embedding", llama().drop(EMBED)
    yield "st-missing-head", "bad_file", "no head where one is said to be", llama().drop("lm_head.weight")
    yield "st-name", "unsupported", "a tensor nobody knows", llama().add("model.layers.0.nosuch.weight", Q)
    yield "st-name-layer", "bad_file", "a tensor of layer 99999", llama().add("model.layers.99999.self_attn.q_proj.weight", Q)
    yield "st-name-layer-2e32", "bad", "a tensor of layer 2^32", llama().add("model.layers.4294967296.self_attn.q_proj.weight", Q)
    yield "st-name-layer-negative", "bad", "a tensor of layer -1", llama().add("model.layers.-1.self_attn.q_proj.weight", Q)
    yield "st-name-twice", "bad_file", "one tensor under two prefixes", llama().add("layers.0.self_attn.q_proj.weight", Q)
    yield "st-name-long", "bad_file", "a name of 300 bytes", llama().add("x" * 300, Q)
    yield "st-name-line", "bad", "a name of two lines", llama().add("a\nb\r\x1b[31m", Q)
    yield "st-name-zero", "bad_file", "a name with a zero byte", llama().add("a\0b", Q)
    yield "st-name-empty", "bad", "a name of no bytes", llama().add("", Q)
    yield "st-fused-twice", "bad", "q beside a fused q, k, v", llama().add("model.layers.0.self_attn.qkv_proj.weight", Q, shape=[8, 4], data_offsets=[0, 64])
    for name, n in (("0", 0), ("2e63", 1 << 63), ("all", BIG), ("past-end", 100000), ("short", 40)):
        x = llama()
        x.length = n
        yield "st-header-" + name, "bad", "a header of %d bytes" % n, x
    x = llama()
    x.cut = 4
    yield "st-cut", "bad_file", "ends before the data does", x
    x = llama()
    x.files["model.safetensors"] = b""
    yield "st-empty", "bad_file", "an empty model.safetensors", x
    x = llama()
    x.files["model.safetensors"] = b"\x08\0\0\0"
    yield "st-four-bytes", "bad", "half a length", x
    x = llama()
    x.head = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
    yield "st-header-json", "bad_file", "a header that is no JSON", x
    x = llama()
    x.head = b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"
    yield "st-header-deep", "bad", "a header nested 5000 deep", x
    x = llama()
    x.head = b'{"__metadata__":[1,2],"b":null}'
    yield "st-header-null", "bad_file", "an entry that is null", x
    x = llama()
    text = json.dumps({k: e for k, (e, _) in x.w.items()}, separators=(",", ":"))
    entry = json.dumps({Q: x.w[Q][0]}, separators=(",", ":"))[1:-1]
    x.head = (text[:-1] + "," + entry + "}").encode()
    yield "st-header-twice", "bad_file", "one key twice in the header", x


def put_entry(v):
    x = llama()
    x.w[Q][0] = v
    return x


# ---------------------------------------------------------------- experts
def mixtral(E=2, **changes):
    w = f.llama_weights(C, 1)
    r = f.Random(2)
    out = {}
    for k, x in w.items():
        if ".mlp." not in k:
            out[k] = x
    p = "model.layers.0.block_sparse_moe."
    out[p + "gate.weight"] = r.mat(E, 4)
    for e in range(E):
        for n in ("w1", "w2", "w3"):
            out[p + "experts.%d.%s.weight" % (e, n)] = r.mat(4, 4)
    return Folder(llama().config, out).set(model_type="mixtral", num_local_experts=E, num_experts_per_tok=1).set(**changes)


def stable(**changes):
    """StableLM 2 with norms of each head."""
    w = f.llama_weights(C, 1)
    p = "model.layers.0."
    for n in ("model.norm", p + "input_layernorm", p + "post_attention_layernorm"):
        w[n + ".bias"] = np.zeros(4, np.float32)
    for n, heads in (("q", 2), ("k", 1)):
        for h in range(heads):
            w[p + "self_attn.%s_layernorm.norms.%d.weight" % (n, h)] = np.ones(2, np.float32)
    config = {"model_type": "stablelm", "hidden_act": "silu", "hidden_size": 4, "intermediate_size": 4, "layer_norm_eps": 1e-5,
              "max_position_embeddings": 16, "num_attention_heads": 2, "num_hidden_layers": 1, "num_key_value_heads": 1,
              "rope_theta": 10000, "partial_rotary_factor": 1.0, "qk_layernorm": True, "tie_word_embeddings": False, "vocab_size": 4}
    return Folder(config, w).set(**changes)


OSS = "model.layers.0.mlp.experts."


def oss(**changes):
    """gpt-oss with MXFP4: width and expert of 32."""
    D, r = 32, f.Random(3)
    p = "model.layers.0."
    w = {EMBED: r.table(4, D), p + "input_layernorm.weight": r.gain(D), p + "post_attention_layernorm.weight": r.gain(D),
         p + "self_attn.q_proj.weight": r.mat(8, D), p + "self_attn.k_proj.weight": r.mat(4, D),
         p + "self_attn.v_proj.weight": r.mat(4, D), p + "self_attn.o_proj.weight": r.mat(D, 8),
         p + "self_attn.sinks": r.bias(2), p + "mlp.router.weight": r.mat(1, D), p + "mlp.router.bias": r.bias(1),
         OSS + "gate_up_proj_bias": r.table(1, 64), OSS + "down_proj_bias": r.table(1, D), "model.norm.weight": r.gain(D)}
    x = Folder({"model_type": "gpt_oss", "head_dim": 4, "hidden_act": "silu", "hidden_size": D, "intermediate_size": 32,
                "layer_types": ["sliding_attention"], "max_position_embeddings": 16, "num_attention_heads": 2,
                "num_experts_per_tok": 1, "num_hidden_layers": 1, "num_key_value_heads": 1, "num_local_experts": 1,
                "rms_norm_eps": 1e-5, "rope_theta": 1500, "sliding_window": 4, "swiglu_limit": 7.0, "tie_word_embeddings": True,
                "vocab_size": 4, "quantization_config": {"quant_method": "mxfp4"}}, w)
    at = max(e["data_offsets"][1] for e, _ in x.w.values())
    for name, shape in (("gate_up_proj_blocks", [1, 64, 1, 16]), ("gate_up_proj_scales", [1, 64, 1]),
                        ("down_proj_blocks", [1, 32, 1, 16]), ("down_proj_scales", [1, 32, 1])):
        n = int(np.prod(shape))
        data = bytes((17 * i + 3) % 256 for i in range(n)) if "blocks" in name else b"\x7c" * n
        x.w[OSS + name] = [{"dtype": "U8", "shape": shape, "data_offsets": [at, at + n]}, data]
        at += n
    return x.set(**changes)


def expert_files():
    p = "model.layers.0.block_sparse_moe."
    yield "moe-good", "good", "two experts", mixtral()
    for name, v in (("0-used", {"num_experts_per_tok": 0}), ("more-used", {"num_experts_per_tok": 3}),
                    ("more", {"num_local_experts": 3}), ("4096", {"num_local_experts": 4096}),
                    ("huge", {"num_local_experts": (1 << 32) - 1}), ("negative", {"num_local_experts": -2}),
                    ("list", {"num_local_experts": [2, 3]}), ("used-none", {"num_experts_per_tok": DROP})):
        yield "moe-" + name, "bad", "experts: " + name, mixtral(**v)
    yield "moe-1", "bad", "fewer experts than there are", mixtral(num_local_experts=1)
    yield "moe-none", "bad", "experts of which config.json knows nothing", mixtral(num_local_experts=0)
    yield "moe-missing", "bad_file", "an expert without a matrix", mixtral().drop(p + "experts.1.w2.weight")
    yield "moe-missing-router", "bad", "experts without a router", mixtral().drop(p + "gate.weight")
    yield "moe-twice", "bad_file", "an expert's matrix twice", mixtral().add("layers.0.block_sparse_moe.experts.1.w2.weight", p + "experts.1.w2.weight")
    yield "moe-index", "bad", "expert 99999", mixtral().add(p + "experts.99999.w2.weight", p + "experts.1.w2.weight")
    yield "moe-index-2", "bad", "an expert too many", mixtral().add(p + "experts.2.w2.weight", p + "experts.1.w2.weight")
    yield "moe-index-01", "unsupported", "an expert's number with a zero before it", mixtral().add(p + "experts.01.w2.weight", p + "experts.1.w2.weight")
    yield "moe-dense", "bad", "a dense feed-forward beside the experts", mixtral().add("model.layers.0.mlp.up_proj.weight", p + "experts.1.w2.weight")
    yield ("moe-fused", "bad", "fused experts beside single ones",
           mixtral().add("model.layers.0.mlp.experts.gate_up_proj", p + "experts.0.w1.weight", shape=[2, 8, 4], data_offsets=[0, 128]))
    yield ("moe-stacked", "bad", "stacked experts beside single ones",
           mixtral().add(p + "output_linear.weight", p + "experts.0.w1.weight", shape=[2, 4, 4], data_offsets=[0, 64]))
    yield "moe-expert-3d", "bad_file", "an expert in three dimensions", mixtral().entry(p + "experts.0.w1.weight", shape=[1, 4, 4])
    yield "moe-u8", "bad", "bytes for an expert", mixtral().entry(p + "experts.0.w1.weight", dtype="U8", shape=[1, 2, 1, 16])
    yield ("moe-wide", "bad", "experts 2^24 wide where no layer has any",
           llama(model_type="mixtral", num_local_experts=4096, num_experts_per_tok=4096, moe_intermediate_size=1 << 24))
    yield "moe-ff-huge", "any", "a dense width of 2^24 where every layer has experts", mixtral(moe_intermediate_size=8, intermediate_size=1 << 24)

    yield "oss-good", "good", "MXFP4 experts", oss()
    yield "oss-scales-none", "bad_file", "blocks without scales", oss().drop(OSS + "down_proj_scales")
    yield "oss-blocks-none", "bad", "scales without blocks", oss().drop(OSS + "down_proj_blocks")
    yield "oss-scales-short", "bad_file", "scales for fewer rows", oss().entry(OSS + "down_proj_scales", shape=[1, 31, 1])
    yield "oss-blocks-15", "bad", "blocks of 15 bytes", oss().entry(OSS + "down_proj_blocks", shape=[1, 32, 1, 15])
    yield "oss-blocks-3d", "bad", "blocks in three dimensions", oss().entry(OSS + "down_proj_blocks", shape=[1, 32, 16])
    a = oss().w[OSS + "down_proj_blocks"][0]["data_offsets"][0]
    yield "oss-blocks-bytes", "bad_file", "blocks of no bytes", oss().entry(OSS + "down_proj_blocks", data_offsets=[a, a])
    a = oss().w[OSS + "down_proj_scales"][0]["data_offsets"][0]
    yield "oss-scales-bytes", "bad_file", "scales of one byte", oss().entry(OSS + "down_proj_scales", data_offsets=[a, a + 1])
    yield "oss-blocks-wrap", "bad", "2^60 blocks", oss().entry(OSS + "down_proj_blocks", shape=[1 << 30, 1 << 30, 1, 16])
    yield ("oss-scales-f32", "any", "scales in F32 over other bytes",
           oss().entry(OSS + "down_proj_scales", dtype="F32", data_offsets=[0, 128]))
    yield "oss-sinks-2d", "any", "sinks as a matrix", oss().entry("model.layers.0.self_attn.sinks", shape=[1, 2])
    yield "oss-sinks-none", "bad_file", "no sinks", oss().drop("model.layers.0.self_attn.sinks")
    yield "oss-limit", "unsupported", "another limit of the activation", oss(swiglu_limit=5.0)

    q, k = "model.layers.0.self_attn.q_layernorm.norms.", "model.layers.0.self_attn.k_layernorm.norms."
    yield "norms-good", "good", "a norm for each head", stable()
    yield "norms-missing", "bad_file", "a head without its norm", stable().drop(q + "1.weight")
    yield "norms-k-only", "bad", "norms of keys, none of queries", stable().drop(q + "0.weight").drop(q + "1.weight")
    yield "norms-twice", "bad_file", "a head's norm twice", stable().add("layers.0.self_attn.q_layernorm.norms.1.weight", q + "1.weight")
    yield "norms-index", "bad", "the norm of head 99999", stable().add(q + "99999.weight", q + "1.weight")
    yield "norms-layer", "bad_file", "a head's norm of layer 99999", stable().add("layers.99999.self_attn.q_layernorm.norms.1.weight", q + "1.weight")
    yield "norms-short", "bad_file", "a head's norm that is too short", stable().entry(q + "1.weight", shape=[1], data_offsets=[0, 2])
    yield ("norms-heads", "bad", "norms for 2^16 heads of 256 where three are there",
           stable(num_attention_heads=1 << 16, num_key_value_heads=1 << 16, head_dim=256))
    x = Folder(llama().config, f.llama_weights(dict(C, qk_norm=True), 1)).set(model_type="qwen3", head_dim=2)
    yield "norms-family-good", "good", "one norm for all heads", x
    x = Folder(llama().config, f.llama_weights(dict(C, qk_norm=True), 1)).set(model_type="qwen3", head_dim=2)
    for h in range(2):
        x.add(q + "%d.weight" % h, "model.layers.0.self_attn.q_norm.weight")
    yield "norms-family", "bad", "norms of each head where the family has one for all", x
    wide = dict(C, H=4)
    w = f.llama_weights(wide, 1)
    p = "model.layers.0."
    w[p + "post_feedforward_layernorm.weight"] = w.pop(p + "input_layernorm.weight")
    w[p + "self_attn.q_norm.weight"], w[p + "self_attn.k_norm.weight"] = np.ones(8, np.float32), np.ones(2, np.float32)
    heads = {"model_type": "olmo2", "num_attention_heads": 4, "head_dim": 2}
    x = Folder(llama().config, w).set(**heads)
    yield "norms-width-good", "good", "a norm over all heads", x
    x = Folder(llama().config, w).set(**heads)
    x.rename(p + "self_attn.q_norm.weight", q + "3.weight")
    yield "norms-width", "bad", "a norm over all heads under the name of one head's", x
    x = Folder(llama().config, w).set(**heads)
    x.rename(p + "self_attn.k_norm.weight", k + "0.weight")
    yield "norms-width-k", "bad", "a key's norm under the name of one head's", x


# ---------------------------------------------------------------- several files
def sharded(**changes):
    """Two shards and their index; changes: of weight_map."""
    x = llama()
    names, files, where = list(x.w), {}, {}
    for n in range(2):
        part = names[n * len(names) // 2:(n + 1) * len(names) // 2]
        at, head, body = 0, {}, b""
        for k in part:
            d = x.w[k][1]
            head[k] = dict(x.w[k][0], data_offsets=[at, at + len(d)])
            at += len(d)
            body += d
        file = "model-%05d-of-00002.safetensors" % (n + 1)
        files[file] = store(head, body)
        where.update({k: file for k in part})
    files["config.json"] = json.dumps(x.config)
    files["model.safetensors.index.json"] = json.dumps({"weight_map": changed(where, changes)}, separators=(",", ":"))
    return files


def several_files():
    second = "model-00002-of-00002.safetensors"
    index = "model.safetensors.index.json"
    yield "shards-good", "good", "two shards as they should be", sharded()
    yield "shards-missing", "io", "a shard that is not there", changed(sharded(), {second: DROP})
    yield "shards-outside", "io", "a shard outside the folder", sharded(**{Q: "../../../../etc/passwd"})
    yield "shards-absolute", "io", "a shard by its whole path", sharded(**{Q: "/etc/passwd"})
    yield "shards-backslash", "io", "a shard outside the folder, the other slash", sharded(**{Q: "..\\..\\x.safetensors"})
    yield "shards-dot", "bad", "the folder as a shard", sharded(**{Q: "."})
    yield "shards-zero", "any", "a shard's name with a zero byte", sharded(**{Q: "model-00001-of-00002.safetensors\0x"})
    yield "shards-line", "io", "a shard's name of two lines", sharded(**{Q: "a\nb"})
    yield "shards-long", "io", "a shard's name of 5000 bytes", sharded(**{Q: "x" * 5000})
    yield "shards-number", "bad", "a number for a shard", sharded(**{Q: 7})
    yield "shards-config", "any", "config.json as a shard", sharded(**{Q: "config.json"})
    yield "shards-index-empty", "bad", "an index of nothing", changed(sharded(), {index: "{}"})
    yield "shards-index-cut", "bad_file", "an index that ends in the middle", changed(sharded(), {index: '{"weight_map":{"a":'})
    yield "shards-index-list", "bad", "an index that is a list", changed(sharded(), {index: '{"weight_map":["a"]}'})
    both = sharded()
    both[second] = both["model-00001-of-00002.safetensors"]
    yield "shards-twice", "bad_file", "the same tensors in both shards", both
    yield "shards-mixed", "bad", "a GGUF for a shard", changed(sharded(), {second: b"GGUF" + struct.pack("<IQQ", 3, 0, 0)})
    yield "shards-cut", "bad_file", "a shard that ends early", changed(sharded(), {second: sharded()[second][:-4]})
    yield "shards-empty", "bad_file", "an empty shard", changed(sharded(), {second: b""})

    keys, tensors = f.llama_gguf(C, f.llama_weights(C, 1))
    one, two = "model-00001-of-00002.gguf", "model-00002-of-00002.gguf"
    good = f.split_gguf(keys, tensors, 2)
    names = list(tensors)

    def part(i, own, which):
        return f.gguf((keys if i == 0 else []) + own, {k: tensors[k] for k in which})

    def split(no, count, total=len(names), kind=(f.U16, f.U16)):
        return [("split.no", kind[0], no), ("split.count", kind[1], count), ("split.tensors.count", f.I32, total)]

    half = len(names) // 2
    yield "split-good/model-00001-of-00002.gguf", "good", "a GGUF in two parts", good
    yield "split-missing/model-00001-of-00002.gguf", "bad", "the second part is not there", changed(good, {two: DROP})
    yield "split-first-missing/model-00002-of-00002.gguf", "bad", "the first part is not there", changed(good, {one: DROP})
    yield "split-number/model-00001-of-00002.gguf", "bad_file", "both parts are the first", changed(good, {two: part(1, split(0, 2), names[half:])})
    yield "split-number-huge/model-00001-of-00002.gguf", "bad_file", "a part of number 65535", changed(good, {two: part(1, split(65535, 2), names[half:])})
    yield "split-count-3/model-00001-of-00002.gguf", "bad_file", "two of three parts", changed(good, {one: part(0, split(0, 3), names[:half])})
    yield "split-count-0/model-00001-of-00002.gguf", "bad_file", "none of no parts", changed(good, {one: part(0, split(0, 0), names[:half])})
    yield "split-count-huge/model-00001-of-00002.gguf", "bad_file", "65535 parts", changed(good, {one: part(0, split(0, 65535), names[:half])})
    yield "split-total/model-00001-of-00002.gguf", "bad_file", "fewer tensors than declared", changed(good, {one: part(0, split(0, 2, 1000), names[:half])})
    yield "split-total-negative/model-00001-of-00002.gguf", "any", "-1 tensors declared", changed(good, {one: part(0, split(0, 2, -1), names[:half])})
    yield "split-twice/model-00001-of-00002.gguf", "bad_file", "one tensor in both parts", changed(good, {two: part(1, split(1, 2, len(names) + 1), names[half - 1:])})
    yield "split-cut/model-00001-of-00002.gguf", "bad_file", "the second part ends early", changed(good, {two: good[two][:-8]})
    yield "split-other/model-00001-of-00002.gguf", "bad", "the second part is a safetensors", changed(good, {two: llama().tensors()})
    yield "split-text/model-00001-of-00002.gguf", "bad", "the second part is a text", changed(good, {two: "not a model\n"})
    yield "split-text-number/model-00001-of-00002.gguf", "bad_file", "a part's number as text", changed(
        good, {two: f.gguf([("split.no", f.STRING, "1"), ("split.count", f.U16, 2)], {k: tensors[k] for k in names[half:]})})

    yield "folder-empty", "io", "a folder with a note and nothing else", {"note.txt": "nothing here\n"}
    yield "folder-two", "io", "a folder with two GGUFs", {"a.gguf": f.gguf(keys, tensors), "b.gguf": f.gguf(keys, tensors)}
    yield "folder-one", "good", "a folder with one GGUF", {"a.gguf": f.gguf(keys, tensors)}
    yield "folder-config", "io", "a folder with a config.json alone", {"config.json": json.dumps(llama().config)}
    x = llama()
    yield "folder-names", "bad", "a safetensors called model.mpk", {"config.json": json.dumps(x.config), "model.mpk": b"\x82\xa4item"}


# ---------------------------------------------------------------- claude-rust, nanochat, BERT
R = dict(V=4, D=4, L=1, H=2, G=1, context=16, original=16, window=4, sinks=1)


def rust(settings, checkpoint="checkpoint.safetensors", c=R):
    return {settings[0]: settings[1], checkpoint: f.safetensors(f.typed(f.claude_weights(c, 5, "BF16"), "BF16"))}


def claude_files():
    config = {k: v for k, v in f.claude_config(R).items() if k != "dropout"}

    def yaml(text=None, **changes):
        return rust(("model_config.yaml", f.yaml(changed(config, changes)) if text is None else text))

    def toml(text):
        return rust(("million_context.toml", text))

    table = "[model]\nn_embd = 4\nn_head = 2\nn_kv_heads = 1\nn_layer = 1\nvocab_size = 4\nmax_seq_len = 16\noriginal_max_seq_len = 16\n"
    yield "rust-good", "good", "claude-rust's YAML", yaml()
    yield "rust-json-good", "good", "the same as JSON", rust(("config.json", json.dumps(config)))
    yield "rust-toml-good", "good", "the same as TOML", toml(table)
    for name, v in (("width-0", {"n_embd": 0}), ("width-negative", {"n_embd": -4}), ("width-list", {"n_embd": [4]}),
                    ("width-huge", {"n_embd": 1 << 40}), ("heads-0", {"n_head": 0}), ("heads-3", {"n_head": 3}),
                    ("kv-0", {"n_kv_heads": 0}), ("layers-huge", {"n_layer": 1 << 31}), ("context-0", {"max_seq_len": 0}),
                    ("window-negative", {"window_size": -1}), ("sinks-negative", {"sink_tokens": -4}),
                    ("base-0", {"rope_base": 0}), ("eps-nan", {"layer_norm_epsilon": ".nan"}), ("vocab-5", {"vocab_size": 5}),
                    ("original-0", {"original_max_seq_len": -1})):
        yield "rust-" + name, "bad_file", "settings: " + name, yaml(**v)
    yield "rust-sinks-huge", "any", "2^30 sinks", yaml(sink_tokens=1 << 30)
    yield "rust-key", "unsupported", "a key nobody knows", yaml(nosuch=1)
    yield "rust-twice", "bad", "a key twice with other values", yaml(f.yaml(config) + "n_head: 4\n")
    yield "rust-nested", "bad", "a nested YAML", yaml("model:\n  inner:\n    deep:\n      n_embd: 8\n")
    yield "rust-anchor", "bad", "a YAML of anchors", yaml("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n")
    yield "rust-tab", "bad", "no setting at all", yaml("\t\t\x01\x02\n")
    yield "rust-key-long", "bad", "a key of 5000 bytes", yaml("k" * 5000 + ": 1\n")
    yield "rust-value-long", "bad", "a value of 5000 bytes", yaml("n_embd: " + "8" * 5000 + "\n")
    yield "rust-quote", "bad", "a quote without end", yaml('n_embd: "8\n')
    yield "rust-zero", "bad", "a zero byte in the YAML", yaml("n_embd: 4\0\nn_head: 2\n")
    yield "rust-toml-section", "bad", "a section without end", toml("[model\nn_embd = 8\n")
    yield "rust-toml-deep", "bad", "a section of 5000 bytes", toml("[" + "a." * 2500 + "b]\nn_embd = 8\n")
    yield "rust-toml-array", "bad", "an array over lines", toml(table + "x = [\n1,\n2\n")
    yield "rust-toml-value", "bad", "a key without a value", toml(table + "window_size =\n")
    yield "rust-toml-underscores", "bad", "a number of underscores", toml(table.replace("= 4", "= ____", 1))
    yield "rust-none", "bad", "a checkpoint without settings", {"checkpoint.safetensors": rust(("a", ""))["checkpoint.safetensors"]}
    yield ("rust-step-huge", "any", "a checkpoint of step 10^30",
           rust(("model_config.yaml", f.yaml(config)), "checkpoint_step_1%s.safetensors" % ("0" * 30)))
    w = f.claude_weights(R, 5, "BF16")
    short = {k: v for k, v in w.items() if k != "h.0.attn.c_attn.weight"}
    yield "rust-missing", "bad_file", "no fused q, k, v", dict(yaml(), **{"checkpoint.safetensors": f.safetensors(f.typed(short, "BF16"))})
    fused = dict(w, **{"h.0.attn.c_attn.weight": w["h.0.attn.c_attn.weight"][:-1]})
    yield "rust-fused-short", "bad_file", "a fused q, k, v a row short", dict(yaml(), **{"checkpoint.safetensors": f.safetensors(f.typed(fused, "BF16"))})


N = dict(V=4, D=8, L=1, H=2, G=1, sequence=16)


def nano_files():
    config = f.nanochat_config(N)

    def nano(name="config.json", text=None, tensors=None, **changes):
        w = f.typed(f.nanochat_weights(N, 50), "BF16") if tensors is None else tensors
        return {name: json.dumps(changed(config, changes)) if text is None else text, "model.safetensors": f.safetensors(w)}

    late = dict(N, D=24, L=2, scalars=(1,), rows=4)
    w26 = f.nanochat_weights_2026(late, 52)

    def nano26(**tensors):
        return nano(tensors=f.typed(changed(w26, tensors), "BF16"), n_embd=24, n_layer=2, window_pattern="L")

    yield "nano-good", "good", "nanochat of October 2025", nano()
    yield "nano-2026-good", "good", "nanochat of July 2026", nano26()
    yield "nano-meta-good", "good", "settings in meta_000001.json", nano("meta_000001.json", json.dumps({"model_config": config}))
    for name, v in (("length-0", {"sequence_len": 0}), ("length-huge", {"sequence_len": 1 << 31}), ("heads-0", {"n_head": 0}),
                    ("kv-0", {"n_kv_head": 0}), ("kv-4", {"n_kv_head": 4}), ("width-0", {"n_embd": 0}), ("width-12", {"n_embd": 12}),
                    ("vocab-5", {"vocab_size": 5}), ("vocab-0", {"vocab_size": 0}), ("layers-2", {"n_layer": 2})):
        yield "nano-" + name, "bad_file", "settings: " + name, nano(**v)
    yield "nano-meta-number", "bad", "model_config is a number", nano("meta_000001.json", '{"model_config":5}')
    yield "nano-meta-nested", "bad", "model_config in model_config", nano("meta_000001.json", '{"model_config":{"model_config":{"n_embd":8}}}')
    for key in ("resid_lambdas",):
        yield "nano-2026-no-" + key.split(".")[0], "bad", "no " + key, nano26(**{key: DROP})
    yield "nano-2026-smear", "bad_file", "a gate of 23 channels", nano26(**{"smear_gate.weight": np.ones((1, 23), np.float32)})
    yield "nano-2026-narrow", "bad", "a model narrower than its gates", {
        "config.json": json.dumps(dict(config, n_embd=8, n_layer=2)),
        "model.safetensors": f.safetensors(f.typed(f.nanochat_weights_2026(dict(late, D=8), 52), "BF16"))}

    c = dict(N, L=1)
    w = f.nanochat_weights(c, 56)
    good = f.port_mpk(c, w, 60)

    def port(data):
        return {"config.json": json.dumps(dict(config, block_size=16, dropout=0.0)), "model.mpk": data}

    def tree(item):
        return port(f.mp({"metadata": {"float": "f32"}, "item": item}))

    def param(**changes):
        return {"wte": {"weight": {"id": "A", "param": changed({"bytes": b"\0" * 64, "shape": [4, 4], "dtype": "F32"}, changes)}}}

    yield "mpk-good", "good", "the Rust port's record", port(good)
    yield "mpk-alone", "bad", "a record without config.json", {"model.mpk": good}
    yield "mpk-cut", "bad_file", "ends before the last value does", port(good[:-100])
    yield "mpk-left", "bad_file", "bytes are left behind the record", port(good + b"\xc0")
    yield "mpk-twice", "bad", "the record is there twice", port(good + good)
    head = b"\x82\xa8metadata\xc0\xa4item"
    yield "mpk-deep", "bad", "10000 arrays in each other", port(head + b"\x91" * 10000 + b"\xc0")
    yield "mpk-deep-maps", "unsupported", "1000 maps in each other", port(head + b"\x81\xa1a" * 1000 + b"\xc0")
    yield "mpk-deep-100", "bad", "100 arrays in each other", port(head + b"\x81\xa1a" + b"\x91" * 100 + b"\xc0")
    yield "mpk-map-huge", "bad_file", "a map of 2^32 - 1 pairs", port(head + b"\xdf\xff\xff\xff\xff")
    yield "mpk-array-huge", "bad_file", "an array of 2^32 - 1 values", port(head + b"\x81\xa1a\xdd\xff\xff\xff\xff\xc0")
    yield "mpk-text-huge", "bad_file", "a text of 2^32 - 1 bytes", port(head + b"\x81\xdb\xff\xff\xff\xffabc")
    yield "mpk-bin-huge", "bad_file", "2^32 - 1 bytes of binary", port(head + b"\x81\xa1a\xc6\xff\xff\xff\xffabc")
    yield "mpk-ext-huge", "bad_file", "an extension of 2^32 - 1 bytes", port(head + b"\x81\xa1a\xc9\xff\xff\xff\xff\x01abc")
    yield "mpk-c1", "bad_file", "the byte that means nothing", port(head + b"\x81\xa1a\xc1")
    yield "mpk-key-number", "bad_file", "a number for a name", port(head + b"\x81\x07\xc0")
    yield "mpk-no-item", "bad", "a map without item", port(b"\x81\xa8metadata\xc0")
    yield "mpk-item-nil", "bad_file", "item is nil", port(head + b"\xc0")
    yield "mpk-item-empty", "bad_file", "item is empty", port(head + b"\x80")
    for name, v in (("dim-0", {"shape": [4, 0]}), ("dim-wrap", {"shape": [1 << 32, 1 << 32]}), ("dim-huge", {"shape": [(1 << 64) - 1]}),
                    ("dims-none", {"shape": None}), ("bytes-short", {"bytes": b"\0" * 60}), ("bytes-none", {"bytes": DROP}),
                    ("bytes-text", {"bytes": "abc"}), ("dtype-none", {"dtype": DROP}), ("bytes-list", {"bytes": [0] * 64})):
        yield "mpk-" + name, "bad_file", "a parameter: " + name, tree(param(**v))
    yield "mpk-dtype", "unsupported", "a parameter in I8", tree(param(dtype="I8"))
    yield "mpk-dtype-map", "unsupported", "a parameter of a quantised type", tree(param(dtype={"QFloat": {"scheme": "x"}}))
    yield "mpk-dims-9", "bad", "a parameter of nine dimensions", tree(param(shape=[1, 1, 1, 1, 1, 1, 1, 4, 4]))
    yield "mpk-name-long", "bad", "a name of 5000 bytes", tree({"x" * 200: {"y" * 200: param()}})
    yield "mpk-name-zero", "bad", "a name with a zero byte", tree({"w\0": param()})
    yield "mpk-layer-huge", "bad", "an array of 100 blocks", tree({"blocks": [{"attn": {"c_q": {"weight": param(bytes=b"\0" * 4, shape=[1])["wte"]["weight"]}}}] * 100})


def bert_files():
    c = dict(V=4, D=4, F=4, L=1, H=2, context=16, eps=1e-12)
    w = f.bert_weights(c, 70)
    config = {k: v for k, v in f.bert_config(c).items() if k not in NOISE}
    yield "bert-good", "good", "an encoder", Folder(config, w)
    for name, v in (("types-0", {"type_vocab_size": 0}), ("context-8", {"max_position_embeddings": 8}),
                    ("context-huge", {"max_position_embeddings": 1 << 30})):
        yield "bert-" + name, "any" if "types" in name else "bad_file", "an encoder: " + name, Folder(config, w).set(**v)
    yield "bert-position", "unsupported", "relative positions", Folder(config, w).set(position_embedding_type="relative_key")
    yield "bert-missing", "bad_file", "no positions", Folder(config, w).drop("embeddings.position_embeddings.weight")
    x = Folder(config, w)
    x.files["1_Pooling/config.json"] = '{"pooling_mode_max_tokens":true}'
    yield "bert-pooling", "unsupported", "a pooling nobody knows", x
    x = Folder(config, w)
    x.files["1_Pooling/config.json"] = '{"pooling_mode_cls_token":'
    yield "bert-pooling-cut", "bad_file", "a pooling file that ends early", x
    x = Folder(config, w)
    x.files["1_Pooling/config.json"] = ""
    yield "bert-pooling-empty", "bad", "an empty pooling file", x


# ---------------------------------------------------------------- torchless, MOG, llm.c
def torchless_files():
    c = dict(C, D=8, F=8, K=4, V=8)  # matrices of one group
    good = f.torchless_bin(C, f.llama_weights(C, 20), "none")
    n = struct.unpack_from("<Q", good)[0]
    head = json.loads(good[8:8 + n].rstrip(b"\0"))
    body = good[8 + n:]

    def made(head, body=body, length=None):
        text = head if isinstance(head, bytes) else json.dumps(head).encode()
        text += b"\0" * (-(8 + len(text)) % 64)
        return struct.pack("<Q", len(text) if length is None else length) + text + body

    def meta(**v):
        return made(dict(head, metadata=changed(head["metadata"], v)))

    def tensor(name, v):
        t = head["tensors"]
        return made(dict(head, tensors=dict(t, **{name: changed(t[name], v) if isinstance(v, dict) else v})))

    yield "torchless-good", "good", "a .bin as it should be", good
    for name, v in (("0", 0), ("2e63", 1 << 63), ("all", BIG), ("past-end", len(good)), ("short", 100)):
        yield "torchless-length-" + name, "bad", "a header of %d bytes" % v, made(head, length=v)
    yield "torchless-cut", "bad_file", "ends before the data does", good[:-64]
    yield "torchless-cut-header", "bad", "ends in the header", good[:100]
    yield "torchless-json", "bad_file", "a header that is no JSON", made(b'{"metadata": {"hidden_size": }}')
    yield "torchless-deep", "bad", "a header nested 5000 deep", made(b'{"metadata":' + b"[" * 5000 + b"]" * 5000 + b"}")
    for key in ("metadata", "tensors"):
        yield "torchless-no-" + key, "bad_file", "no " + key, made({k: v for k, v in head.items() if k != key})
        yield "torchless-%s-list" % key, "bad_file", key + " is a list", made(dict(head, **{key: []}))
    yield "torchless-tokenizer-number", "bad_file", "the tokenizer is a number", made(dict(head, tokenizer=3))
    yield "torchless-vocab-id", "any", "a token of id 2^40", made(dict(head, tokenizer={"vocab": {"a": 1 << 40}, "merges": []}))
    yield "torchless-vocab-negative", "any", "a token of id -1", made(dict(head, tokenizer={"vocab": {"a": -1}, "merges": []}))
    yield "torchless-vocab-list", "any", "a vocabulary that is a list", made(dict(head, tokenizer={"vocab": [1, 2], "merges": {}}))
    for key, short in (("hidden_size", "width"), ("n_layers", "layers"), ("n_heads", "heads"), ("n_kv_heads", "kv-heads"),
                       ("vocab_size", "vocab")):
        yield "torchless-%s-0" % short, "bad_file", key + " 0", meta(**{key: "0"})
        if short in ("width", "layers", "heads"):
            yield "torchless-%s-huge" % short, "bad_file", key + " 2^32 - 1", meta(**{key: "4294967295"})
    yield "torchless-width-negative", "bad_file", "hidden_size -4", meta(hidden_size="-4")
    yield "torchless-width-text", "bad_file", "hidden_size four", meta(hidden_size="four")
    yield "torchless-width-half", "bad_file", "hidden_size 8.5", meta(hidden_size="8.5")
    yield "torchless-width-long", "bad_file", "hidden_size of 300 digits", meta(hidden_size="8" * 300)
    yield "torchless-width-none", "bad_file", "no hidden_size", meta(hidden_size=DROP)
    yield "torchless-eps-nan", "bad_file", "norm_eps NaN", meta(norm_eps="nan")
    yield "torchless-theta-0", "bad_file", "rope_theta 0", meta(rope_theta="0.0")
    yield "torchless-window-negative", "bad_file", "sliding_window -1", meta(sliding_window="-1")
    for name, verdict, v in (
            ("offset-past-end", "bad_file", {"offset": 1 << 20}), ("offset-wrap", "bad_file", {"offset": (1 << 63) - 1}),
            ("offset-negative", "bad_file", {"offset": -64}), ("offset-text", "bad_file", {"offset": "0"}),
            ("offset-odd", "any", {"offset": 1}), ("offset-none", "bad_file", {"offset": DROP}),
            ("shape-wrap", "bad_file", {"shape": [1 << 32, 1 << 32]}), ("shape-0", "bad_file", {"shape": [4, 0]}),
            ("shape-swapped", "bad_file", {"shape": [2, 8]}), ("shape-none", "bad_file", {"shape": DROP}),
            ("dtype-f16", "unsupported", {"dtype": "f16"}), ("dtype-none", "bad", {"dtype": DROP}),
            ("number", "bad", 7)):
        yield "torchless-" + name, verdict, "a tensor: " + name, tensor(Q, v)

    big = f.llama_weights(c, 21)
    eight = f.torchless_bin(c, big, "mlp")
    yield "torchless-int8-good", "good", "int8 in groups of 64", eight
    n8 = struct.unpack_from("<Q", eight)[0]
    head8 = json.loads(eight[8:8 + n8].rstrip(b"\0"))
    G = "model.layers.0.mlp.gate_proj.weight"
    # the data is not needed to see that these are wrong, so only what comes before it is kept
    for name, verdict, v in (("scale-past-end", "bad_file", {"scale_offset": 1 << 30}), ("scale-wrap", "bad_file", {"scale_offset": (1 << 63) - 1}),
                             ("scale-none", "bad_file", {"scale_offset": DROP}), ("scale-few", "bad_file", {"scale_size": 1}),
                             ("scale-many", "bad_file", {"scale_size": 1 << 40}), ("scale-negative", "bad_file", {"scale_size": -1})):
        t = {G: changed(dict(head8["tensors"][G], offset=0, scale_offset=4096), v)}
        yield "torchless-" + name, verdict, "scales: " + name, made(dict(head8, tensors=t), body=b"\1" * 4096 + b"\0\0\x80\x3f" * 64)
    small8 = dict(head["tensors"])
    for k in small8:
        shape = small8[k]["shape"]
        count = int(np.prod(shape))
        small8[k] = {"dtype": "int8", "shape": shape, "offset": 0, "scale_offset": 64, "scale_size": (count + 63) // 64}
    yield "torchless-int8-everything", "any", "norms in int8, all in one place", made(dict(head, tensors=small8), b"\1" * 64 + b"\0\0\x80\x3f" * 4)


class Mog:
    """A MOG's parts, open to change."""

    def __init__(self):
        self.version, self.arch = 1, b"mistral"
        self.keys = {"hidden_size": 4, "intermediate_size": 4, "n_layers": 1, "n_heads": 2, "n_kv_heads": 1, "vocab_size": 4,
                     "sliding_window": 0, "max_position_embeddings": 16, "rope_theta": 10000.0, "norm_eps": 1e-5}
        self.vocab, self.merges, self.counts, self.cut = f.words(4), f.merges(f.words(4)), {}, None
        self.tensors, self.body, self.length = {}, b"", None
        for name, x in f.llama_weights(C, 30).items():
            self.tensors[name] = [2, x.ndim, list(x.shape) + [0] * (4 - x.ndim), len(self.body), 0, 0]
            self.body += f.raw(x, "F16")
            self.body += b"\0" * (-len(self.body) % 64)

    def set(self, **v):
        self.keys = changed(self.keys, v)
        return self

    def field(self, name, at, v):
        self.tensors[name][at] = v
        return self

    def with_(self, **v):
        self.__dict__.update(v)
        return self

    def file(self):
        def text(s):
            s = s if isinstance(s, bytes) else s.encode()
            return struct.pack("<I", self.counts.get(s, len(s))) + s

        def pair(k, v):
            if isinstance(v, (str, bytes)):
                return text(k) + b"\0" + text(v)
            return text(k) + (struct.pack("<Bf", 2, v) if isinstance(v, float) else struct.pack("<BI", *(v if isinstance(v, tuple) else (1, v))))

        def n(what, x):
            return struct.pack("<I", self.counts.get(what, len(x)))

        head = text(self.arch) + n("keys", self.keys) + b"".join(pair(*p) for p in self.keys.items())
        head += n("vocab", self.vocab) + b"".join(text(t) + struct.pack("<I", i) for t, i in self.vocab.items())
        head += n("merges", self.merges) + b"".join(text(m) for m in self.merges) + (text("\\p{N}+") if self.version == 2 else b"")
        head += n("tensors", self.tensors)
        for name, (kind, dims, dim, offset, scales, count) in self.tensors.items():
            head += text(name) + struct.pack("<BB4IQQI", kind, dims, *dim, offset, scales, count)
        out = b"MOG\0" + struct.pack("<IQ", self.version, len(head) if self.length is None else self.length) + head
        out += b"\0" * (-len(out) % 64) + self.body
        return out[:self.cut]


def mog_files():
    yield "mog-good", "good", "a MOG as it should be", Mog().file()
    for v in (0, 3, 1 << 31):
        yield "mog-version-%d" % v, "unsupported", "version %d" % v, Mog().with_(version=v).file()
    yield "mog-version-2", "bad_file", "a Qwen 3 without its norms", Mog().with_(version=2).file()
    for name, n in (("0", 0), ("2e63", 1 << 63), ("all", BIG), ("short", 200)):
        yield "mog-header-" + name, "bad", "a header of %d bytes" % n, Mog().with_(length=n).file()
    yield "mog-cut", "bad_file", "ends before the data does", Mog().with_(cut=-64).file()
    yield "mog-cut-header", "bad_file", "ends in its header", Mog().with_(cut=150).file()
    yield "mog-magic", "bad", "four bytes", Mog().with_(cut=4).file()
    for what in ("keys", "vocab", "merges", "tensors"):
        yield "mog-%s-all" % what, "bad_file", "2^32 - 1 " + what, Mog().with_(counts={what: (1 << 32) - 1}).file()
    yield "mog-keys-1", "bad", "one key where there are ten", Mog().with_(counts={"keys": 1}).file()
    yield "mog-string-all", "bad_file", "a key of 2^32 - 1 bytes", Mog().with_(counts={b"hidden_size": (1 << 32) - 1}).file()
    yield "mog-name-all", "bad_file", "a tensor's name of 2^31 bytes", Mog().with_(counts={Q.encode(): 1 << 31}).file()
    yield "mog-value-type", "bad_file", "a value of type 77", Mog().set(hidden_size=(77, 4)).file()
    for key, short in (("hidden_size", "width"), ("n_layers", "layers"), ("n_heads", "heads"), ("n_kv_heads", "kv-heads"),
                       ("vocab_size", "vocab")):
        yield "mog-%s-0" % short, "bad_file", key + " 0", Mog().set(**{key: 0}).file()
        if short in ("width", "layers", "heads"):
            yield "mog-%s-all" % short, "bad_file", key + " 2^32 - 1", Mog().set(**{key: (1 << 32) - 1}).file()
    yield "mog-width-nan", "bad_file", "hidden_size NaN", Mog().set(hidden_size=NAN).file()
    yield "mog-eps-nan", "bad_file", "norm_eps NaN", Mog().set(norm_eps=NAN).file()
    yield "mog-theta-inf", "bad_file", "rope_theta infinite", Mog().set(rope_theta=float("inf")).file()
    yield "mog-token-id", "any", "a token of id 2^32 - 1", Mog().with_(vocab=dict(f.words(3), ab=(1 << 32) - 1)).file()
    yield "mog-token-long", "any", "a token of 5000 bytes", Mog().with_(vocab=dict(f.words(3), **{"x" * 5000: 3})).file()
    yield "mog-merge", "any", "a merge without a space", Mog().with_(merges=["ab", " ", ""]).file()
    for name, verdict, at, v in (
            ("dtype", "unsupported", 0, 9), ("dims-5", "bad_file", 1, 5), ("dims-255", "bad_file", 1, 255), ("dims-0", "bad_file", 1, 0),
            ("dims-1", "bad_file", 1, 1), ("dim-0", "bad_file", 2, [4, 0, 0, 0]), ("dim-all", "bad_file", 2, [(1 << 32) - 1] * 4),
            ("dim-swapped", "bad_file", 2, [2, 8, 0, 0]), ("offset-past-end", "bad_file", 3, 1 << 20),
            ("offset-all", "bad_file", 3, BIG), ("offset-wrap", "bad_file", 3, BIG - 1023), ("offset-odd", "any", 3, 1)):
        yield "mog-" + name, verdict, "a tensor: " + name, Mog().field(Q, at, v).file()
    eight = Mog().field(Q, 0, 1).field(Q, 4, 0).field(Q, 5, 1)
    yield "mog-int8-good", "good", "an int8 matrix with one group", eight.file()
    yield "mog-int8-scales-0", "bad_file", "no scales", Mog().field(Q, 0, 1).file()
    yield "mog-int8-scales-all", "bad_file", "2^32 - 1 scales", Mog().field(Q, 0, 1).field(Q, 5, (1 << 32) - 1).file()
    yield "mog-int8-past-end", "bad_file", "scales past the end", Mog().field(Q, 0, 1).field(Q, 5, 1).field(Q, 4, 1 << 40).file()
    yield "mog-int8-wrap", "bad_file", "scales that wrap around", Mog().field(Q, 0, 1).field(Q, 5, 1).field(Q, 4, BIG - 1).file()
    m = Mog()
    m.tensors["nosuch.weight"] = m.tensors[Q]
    yield "mog-name", "unsupported", "a tensor nobody knows", m.file()
    m = Mog()
    m.tensors["layers.0.self_attn.q_proj.weight"] = m.tensors[Q]
    yield "mog-name-twice", "bad_file", "one tensor under two prefixes", m.file()
    m = Mog()
    m.tensors["x" * 300] = m.tensors[Q]
    yield "mog-name-long", "bad_file", "a name of 300 bytes", m.file()
    m = Mog()
    del m.tensors[EMBED]
    yield "mog-missing", "bad_file", "no token embedding", m.file()


def llmc_files():
    c = dict(V=3, D=4, L=1, H=2, context=16)
    good = f.llmc_gpt2(c, f.gpt2_weights(c, 10, "BF16"), "BF16", 4)

    def head(**v):
        at = dict(magic=0, version=1, context=2, vocab=3, layers=4, heads=5, width=6, rows=7)
        x = np.frombuffer(good[:1024], "<u4").copy()
        for k, n in v.items():
            x[at[k]] = n
        return x.tobytes() + good[1024:]

    yield "llmc-good", "good", "llm.c's GPT-2 as it should be", good
    all_ = (1 << 32) - 1
    for key in ("context", "vocab", "layers", "heads", "width", "rows"):
        yield "llmc-%s-0" % key, "bad_file", key + " 0", head(**{key: 0})
        yield "llmc-%s-all" % key, "bad_file", key + " 2^32 - 1", head(**{key: all_})
        yield "llmc-%s-2e31" % key, "bad_file", key + " 2^31", head(**{key: 1 << 31})
    yield "llmc-heads-3", "bad_file", "heads that do not divide the width", head(heads=3)
    yield "llmc-heads-8", "bad_file", "more heads than the width", head(heads=8)
    yield "llmc-vocab-5", "bad_file", "more tokens than rows", head(vocab=5)
    yield "llmc-layers-2", "bad_file", "one more layer than there is", head(layers=2)
    yield "llmc-layers-4096", "bad_file", "4096 layers", head(layers=4096)
    yield "llmc-wrap", "bad_file", "sizes whose products overflow", head(context=1 << 24, rows=1 << 24, vocab=5, width=1 << 20, layers=4096, heads=1)
    yield "llmc-version-1", "unsupported", "version 1", head(version=1)
    yield "llmc-version-3", "bad_file", "f32 where the bytes are bf16", head(version=3)
    yield "llmc-version-all", "unsupported", "version 2^32 - 1", head(version=all_)
    yield "llmc-cut", "bad_file", "ends before the data does", good[:-2]
    yield "llmc-cut-header", "bad_file", "ends in its header", good[:500]
    yield "llmc-magic", "bad_file", "four bytes", good[:4]
    yield "llmc-more", "bad_file", "bytes are left behind the data", good + b"\0\0"


ALL = (llama_files, rope_files, store_files, expert_files, several_files, claude_files, nano_files, bert_files, torchless_files,
       mog_files, llmc_files)


def main(root):
    out = os.path.join(root, "tests", "hostile")
    lines, total = "# name verdict what (written by tests/vectors/hostile_reference.py)\n", 0
    for make in ALL:
        for name, verdict, what, data in make():
            path = os.path.join(out, name.split("/")[0])
            if os.path.isdir(path):
                shutil.rmtree(path)
            files = data.made() if isinstance(data, Folder) else data
            for file, x in (files.items() if isinstance(files, dict) else [("", files)]):
                x = x if isinstance(x, bytes) else x.encode("utf-8", "surrogatepass")
                where = os.path.join(path, file) if file else path
                os.makedirs(os.path.dirname(where), exist_ok=True)
                with open(where, "wb") as g:
                    g.write(x)
                total += len(x)
            lines += "%s %s %s\n" % (name, verdict, what)
    with open(os.path.join(out, "loaders.txt"), "w") as g:
        g.write(lines)
    print("%d files and folders, %d bytes" % (lines.count("\n") - 1, total))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else sys.exit(__doc__))
