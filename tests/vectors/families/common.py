"""What the families' modules share: random weights, reading of Hugging Face names, GGUF names
and keys, and the list of cases."""
import re
from types import SimpleNamespace

import numpy as np

import decode as d
from store import ARRAY, BOOL, F32, STRING, U32

# ---------------------------------------------------------------- cases
CASES = {}


def case(name, config, tensors, reads, gguf=None, T=16, context=32, seed=None, **more):
    """One model: config (of config.json), tensors (Hugging Face names), reads(config, tensors64) ->
    model of decode.py, gguf (keys, tensors) or None. more: folders {suffix: (config, tensors)}
    with the same logits, loose (suffixes whose stored weights make llmc.h round activations),
    shards, half (how its files store the weights: BF16, F16)."""
    assert name not in CASES
    V = tensors_vocab(config)
    ids = np.random.RandomState(sum(map(ord, name))).randint(0, V, T).tolist()
    CASES[name] = SimpleNamespace(name=name, config=config, tensors=tensors, reads=reads, gguf=gguf, ids=ids,
                                  context=context, folders=more.get("folders", {}), loose=more.get("loose", ()),
                                  shards=more.get("shards", 1), half=more.get("half"))


def tensors_vocab(config):
    return config["vocab_size"] if "vocab_size" in config else config["text_config"]["vocab_size"]


def reference(c, watch=None):
    """Logits of the case in float64."""
    t = {k: v.astype(np.float64) for k, v in c.tensors.items()}
    return d.run(c.reads(c.config, t), c.ids, watch)


# ---------------------------------------------------------------- random weights


class Make:
    """Weights from a fixed seed, rounded to float32 as they are made, or to what a half can hold."""

    def __init__(self, seed, half=None):
        self.random, self.t, self.half = np.random.RandomState(seed), {}, half

    def put(self, name, a):
        a = np.asarray(a, dtype=np.float32)
        if self.half == "F16":
            a = a.astype(np.float16).astype(np.float32)
        elif self.half == "BF16":
            a = ((a.view(np.uint32) + 0x8000) & 0xFFFF0000).astype(np.uint32).view(np.float32)
        self.t[name] = a

    def lin(self, name, n_out, n_in, bias=False, gain=1.0):
        self.put(name + ".weight", self.random.randn(n_out, n_in) * gain / np.sqrt(n_in))
        if bias:
            self.put(name + ".bias", self.random.randn(n_out) * 0.3)

    def norm(self, name, n, bias=False, mean=1.0):
        shape = n if isinstance(n, tuple) else (n,)
        self.put(name + ".weight", mean + 0.2 * self.random.randn(*shape))
        if bias:
            self.put(name + ".bias", self.random.randn(*shape) * 0.2)

    def embed(self, name, V, D, std=0.25):
        self.put(name + ".weight", self.random.randn(V, D) * std)

    def attention(self, p, D, H, G, K, bias=False, out_bias=False, out="o_proj"):
        """Queries and keys are large enough that attention is far from uniform."""
        self.lin(p + "q_proj", H * K, D, bias, 1.4)
        self.lin(p + "k_proj", G * K, D, bias, 1.4)
        self.lin(p + "v_proj", G * K, D, bias)
        self.lin(p + out, D, H * K, out_bias)

    def swiglu(self, p, D, F, bias=False):
        self.lin(p + "gate_proj", F, D, bias, 1.4)
        self.lin(p + "up_proj", F, D, bias, 1.4)
        self.lin(p + "down_proj", D, F, bias, 1.4)


def tied_mean(D, std=0.25):
    """Mean of the last norm's weights that makes the logits of a tied head about 1."""
    return 1 / (std * np.sqrt(D))


# ---------------------------------------------------------------- reading Hugging Face names


class Read:
    """Tensors by name as functions."""

    def __init__(self, t):
        self.t = t

    def __getitem__(self, name):
        return self.t[name]

    def has(self, name):
        return name in self.t

    def lin(self, name):
        return d.linear(self.t[name + ".weight"], self.t.get(name + ".bias"))

    def rms(self, name, eps, plus_one=False):
        return d.rms_norm(self.t[name + ".weight"], eps, plus_one)

    def ln(self, name, eps, plus_one=False):
        return d.layer_norm(self.t[name + ".weight"], self.t.get(name + ".bias"), eps, plus_one)

    def head(self, tied, embed="model.embed_tokens", head="lm_head"):
        return d.linear(self.t[embed + ".weight"]) if tied else self.lin(head)

    def swiglu(self, p, act=d.silu):
        return d.gated(self.lin(p + "gate_proj"), self.lin(p + "up_proj"), self.lin(p + "down_proj"), act)


def head_dim(c):
    return c.get("head_dim") or c["hidden_size"] // c["num_attention_heads"]


# ---------------------------------------------------------------- GGUF
PER_LAYER = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "self_attn.qkv_proj": "attn_qkv", "self_attn.dense": "attn_output",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "mlp.gate_up_proj": "ffn_up",
    "mlp.gate": "ffn_gate_inp", "mlp.shared_expert_gate": "ffn_gate_inp_shexp",
    "mlp.shared_expert.gate_proj": "ffn_gate_shexp", "mlp.shared_expert.up_proj": "ffn_up_shexp",
    "mlp.shared_expert.down_proj": "ffn_down_shexp",
    "mlp.experts.gate_proj": "ffn_gate_exps", "mlp.experts.up_proj": "ffn_up_exps",
    "mlp.experts.down_proj": "ffn_down_exps",
}
TOP = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
# Post-norms, where a family has them beside or instead of the usual two.
POST_ONLY = {"post_attention_layernorm": "post_attention_norm", "post_feedforward_layernorm": "post_ffw_norm"}


def gguf_tensors(t, names=None, top=None, change=None, layers="model.layers."):
    """t under GGUF names. Experts (".experts.N.") are stacked. change(name, array) -> array, or None
    to leave it out, sees Hugging Face names. Buffers that are no weights are left out."""
    table, top_table, stacks, out = dict(PER_LAYER, **(names or {})), dict(TOP, **(top or {})), {}, {}
    for name in t:
        a = t[name] if change is None else change(name, t[name])
        if a is None or name.endswith(("rotary_emb.inv_freq", ".attention.bias", ".masked_bias", ".attn.bias")):
            continue
        stem, kind = name.rsplit(".", 1)
        if not stem.startswith(layers):
            out[top_table[stem] + "." + kind] = a
            continue
        layer, rest = stem[len(layers):].split(".", 1)
        one = re.fullmatch(r"(.*\.experts\.)(\d+)\.(.*)", rest)
        if one:
            key = "blk.%s.%s.%s" % (layer, table[one[1] + one[3]], kind)
            stacks.setdefault(key, {})[int(one[2])] = a
            out[key] = None
        else:
            out["blk.%s.%s.%s" % (layer, table[rest], kind)] = a
    for key, parts in stacks.items():
        out[key] = np.stack([parts[n] for n in range(len(parts))])
    return out


def permute(w, heads):
    """Rows of each head from halves to adjacent pairs, as llama.cpp stores the Llama family."""
    return w.reshape((heads, 2, -1) + w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def permute_qk(c, biases=True):
    """The change that turns q and k of a Llama-like model."""
    def change(name, a):
        kinds = (".weight", ".bias") if biases else (".weight",)
        if name.endswith(tuple("q_proj" + k for k in kinds)):
            return permute(a, c["num_attention_heads"])
        if name.endswith(tuple("k_proj" + k for k in kinds)):
            return permute(a, c["num_key_value_heads"])
        return a
    return change


def norms_plus_one(name, a):
    return a + np.float32(1) if name.endswith("norm.weight") else a


def first(c, names):
    for n in names:
        if c.get(n) is not None:
            return c[n]
    return None


def start(arch, c):
    return [("general.architecture", STRING, arch), ("general.type", STRING, "model"),
            ("general.name", STRING, "test " + arch), ("general.file_type", U32, 0),
            ("general.quantization_version", U32, 2), ("tokenizer.ggml.model", STRING, "none")]


def u32(arch, **values):
    return [("%s.%s" % (arch, k.replace("__", ".")), U32, int(v)) for k, v in values.items() if v is not None]


def f32(arch, **values):
    return [("%s.%s" % (arch, k.replace("__", ".")), F32, float(v)) for k, v in values.items() if v is not None]


def flags(arch, name, values):
    return [("%s.%s" % (arch, name), ARRAY, (BOOL, values))]


def text_keys(arch, c):
    """The keys that the converter writes for every text model whose class asks for no others."""
    e = c.get("num_local_experts", c.get("num_experts"))
    used = first(c, ["num_experts_per_tok", "num_experts_per_token"])
    rope = c.get("rope_parameters") or c.get("rope_scaling") or {}
    rope = rope.get("full_attention", rope)
    kind = rope.get("rope_type", rope.get("type"))
    keys = start(arch, c) + u32(
        arch, block_count=c["num_hidden_layers"], context_length=c["max_position_embeddings"],
        embedding_length=c["hidden_size"], feed_forward_length=first(c, ["intermediate_size"]),
        attention__head_count=c["num_attention_heads"], attention__head_count_kv=c.get("num_key_value_heads"))
    if kind in ("linear", "yarn") and rope.get("factor"):
        keys += [(arch + ".rope.scaling.type", STRING, kind)] + f32(arch, rope__scaling__factor=rope["factor"])
    if kind == "yarn":
        keys += u32(arch, rope__scaling__original_context_length=rope["original_max_position_embeddings"])
        keys += f32(arch, rope__scaling__yarn_attn_factor=rope.get("attention_factor"),
                    rope__scaling__yarn_beta_fast=rope.get("beta_fast"),
                    rope__scaling__yarn_beta_slow=rope.get("beta_slow"))
    if kind == "longrope":
        keys += [(arch + ".rope.scaling.type", STRING, kind)]
    local = (c.get("rope_parameters") or {}).get("sliding_attention", {}).get("rope_theta")
    keys += f32(arch, rope__freq_base=first(c, ["rope_theta"]) or rope.get("rope_theta"),
                rope__freq_base_swa=first(c, ["rope_local_base_freq"]) or local,
                attention__layer_norm_rms_epsilon=first(c, ["rms_norm_eps", "norm_eps"]),
                attention__layer_norm_epsilon=first(c, ["layer_norm_eps", "layer_norm_epsilon", "norm_epsilon"]))
    return keys + u32(arch, expert_count=e, expert_used_count=used, attention__key_length=c.get("head_dim"),
                      attention__value_length=c.get("head_dim"))


def llama_keys(arch, c):
    return text_keys(arch, c) + u32(arch, vocab_size=c["vocab_size"], rope__dimension_count=head_dim(c))


# ---------------------------------------------------------------- config.json
def config(architecture, model_type, **keys):
    """The keys of every config.json, most of which no reader needs, and the family's own."""
    c = {"architectures": [architecture], "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2,
         "initializer_range": 0.02, "model_type": model_type, "torch_dtype": "float32",
         "transformers_version": "4.51.3", "use_cache": True}
    c.update(keys)
    return c
