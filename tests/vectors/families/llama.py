"""Llama and the families that differ from it in a switch or two: Mistral, Mixtral, Qwen 2 and 3
with their mixtures, Granite, SmolLM3, MiniCPM, InternLM2, OLMo, EXAONE 4, GLM 4."""
import copy

import numpy as np

import decode as d
from common import (POST_ONLY, Make, Read, case, config, f32, flags, gguf_tensors, head_dim, llama_keys, permute,
                    permute_qk, text_keys, tied_mean, u32)
from store import STRING

D, F, V = 64, 96, 53


# ---------------------------------------------------------------- the definitions


def turn(c, context=None, scaled=True, adjacent=False):
    """The rotation that config c asks for. context: the sequence's limit, on which the dynamic kind
    depends. Old files say rope_scaling {type}, later ones {rope_type}, the latest rope_parameters."""
    r = c.get("rope_parameters") or c.get("rope_scaling") or {}
    kind = r.get("rope_type", r.get("type", "default")) if scaled else "default"
    base = r.get("rope_theta") or c.get("rope_theta", 10000.0)
    part = c.get("partial_rotary_factor") or r.get("partial_rotary_factor") or 1.0
    dims, scale = int(head_dim(c) * part), 1.0
    freq = d.frequencies(base, dims)
    longest = c["max_position_embeddings"]
    if kind == "linear":
        freq = freq / r["factor"]
    elif kind == "dynamic":
        n = max(context or longest, longest)
        freq = d.frequencies(base * (r["factor"] * n / longest - (r["factor"] - 1)) ** (dims / (dims - 2)), dims)
    elif kind == "yarn":
        freq = d.yarn(base, dims, r["factor"], r["original_max_position_embeddings"], r.get("beta_fast") or 32.0,
                      r.get("beta_slow") or 1.0, r.get("truncate", True))
        scale = r.get("attention_factor") or 0.1 * np.log(r["factor"]) + 1
    elif kind == "llama3":
        freq = freq / llama3_factors(c)
    else:
        assert kind == "default"
    return d.rotation(freq, adjacent, scale)


def llama3_factors(c):
    r = c.get("rope_parameters") or c["rope_scaling"]
    return d.llama3_factors(r.get("rope_theta") or c["rope_theta"], head_dim(c), r["factor"],
                            r["low_freq_factor"], r["high_freq_factor"], r["original_max_position_embeddings"])


def moe(r, p, c, renorm, shared=None, names=("gate_proj", "up_proj", "down_proj")):
    """Router p + "gate", experts p + "experts.N."."""
    n = c.get("num_local_experts", c.get("num_experts"))
    each = [d.gated(*(r.lin("%sexperts.%d.%s" % (p, e, w)) for w in names), d.silu) for e in range(n)]
    return d.experts(r.lin(p + "gate"), each, c["num_experts_per_tok"], renorm, shared)


def reads_llama(window=lambda c, l: None, turns=lambda c, l: turn(c), ffn=None, qk=None, tied=False, context=None,
                scale=None, residual=lambda c: 1.0, embed=lambda c: 1.0, logits=lambda c: 1.0, clip=None,
                norm=None, order="pre"):
    """A pre-norm Llama block with the named parts changed: window(c, l); turns(c, l); ffn(r, p, c, l);
    qk: "head" or "width" norms; order: "pre", "post" (norms on the branches only), "both"."""
    def build(c, t):
        r, blocks, eps = Read(t), [], c.get("rms_norm_eps", 1e-5)
        H, G, K = c["num_attention_heads"], c["num_key_value_heads"], head_dim(c)
        for l in range(c["num_hidden_layers"]):
            p = "model.layers.%d." % l
            a, qn, kn = p + "self_attn.", None, None
            if qk is not None:
                qn, kn = r.rms(a + "q_norm", eps), r.rms(a + "k_norm", eps)
                if qk == "width":
                    qn, kn = d.over_width(qn), d.over_width(kn)
            attn = d.attention(r.lin(a + "q_proj"), r.lin(a + "k_proj"), r.lin(a + "v_proj"), r.lin(a + "o_proj"),
                               H, G, K, qn, kn, turns(c, l), window(c, l), None if scale is None else scale(c),
                               clip=c.get("clip_qkv") if clip else None)
            f = r.swiglu(p + "mlp.") if ffn is None else ffn(r, p, c, l)

            def n(name):
                return norm if norm is not None else r.rms(p + name, eps)
            if order == "pre":
                b = d.block(attn, f, n("input_layernorm"), n("post_attention_layernorm"), residual=residual(c))
            elif order == "post":
                b = d.block(attn, f, post=n("post_attention_layernorm"), post_ffn=n("post_feedforward_layernorm"))
            else:
                b = d.block(attn, f, n("input_layernorm"), n("post_attention_layernorm"),
                            n("post_self_attn_layernorm"), n("post_mlp_layernorm"))
            blocks.append(b)
        return d.model(t["model.embed_tokens.weight"], blocks, norm or r.rms("model.norm", eps), r.head(tied),
                       embed(c), logit_scale=logits(c))
    return build


# ---------------------------------------------------------------- weights


def weights(c, seed, tied=False, bias=False, out_bias=False, mlp_bias=False, ffn=None, qk=None, order="pre",
            norms=True, last=1.0, bf16=False):
    """Tensors of a Llama-like model; ffn(m, p, l) makes other feed-forwards."""
    m = Make(seed, bf16)
    H, G, K, D = c["num_attention_heads"], c["num_key_value_heads"], head_dim(c), c["hidden_size"]
    m.embed("model.embed_tokens", c["vocab_size"], D)
    for l in range(c["num_hidden_layers"]):
        p = "model.layers.%d." % l
        if norms:
            for name in {"pre": ("input_layernorm", "post_attention_layernorm"),
                         "post": ("post_attention_layernorm", "post_feedforward_layernorm"),
                         "both": ("input_layernorm", "post_attention_layernorm", "post_self_attn_layernorm",
                                  "post_mlp_layernorm")}[order]:
                m.norm(p + name, D)
        m.attention(p + "self_attn.", D, H, G, K, bias, out_bias)
        if qk is not None:
            m.norm(p + "self_attn.q_norm", K if qk == "head" else H * K, mean=1.4)
            m.norm(p + "self_attn.k_norm", K if qk == "head" else G * K, mean=1.4)
        if ffn is None:
            m.swiglu(p + "mlp.", D, c["intermediate_size"], mlp_bias)
        else:
            ffn(m, p, l)
    if norms:
        m.norm("model.norm", D, mean=last * (tied_mean(D) if tied else 1.0))
    if not tied:
        m.lin("lm_head", c["vocab_size"], D)
    return m.t


def make_experts(c, width, ties=None, shared=None, dense=()):
    """ties: (a, b) gives experts a and b the same router row; shared: width of the shared expert."""
    def ffn(m, p, l):
        D, n = c["hidden_size"], c.get("num_local_experts", c.get("num_experts"))
        if l in dense:
            return m.swiglu(p + "mlp.", D, c["intermediate_size"])
        m.lin(p + "mlp.gate", n, D, gain=2.0)
        if ties is not None:
            row = m.t[p + "mlp.gate.weight"]
            row[ties[0]] = row[ties[1]] = row[ties[0]] * 3
        for e in range(n):
            m.swiglu("%smlp.experts.%d." % (p, e), D, width)
        if shared is not None:
            m.swiglu(p + "mlp.shared_expert.", D, shared)
            m.lin(p + "mlp.shared_expert_gate", 1, D)
    return ffn


# ---------------------------------------------------------------- Llama


def llama_config(**keys):
    c = config("LlamaForCausalLM", "llama", hidden_act="silu", hidden_size=D, intermediate_size=F,
               max_position_embeddings=64, mlp_bias=False, attention_bias=False, num_attention_heads=4,
               num_hidden_layers=3, num_key_value_heads=4, pretraining_tp=1, rms_norm_eps=1e-5, rope_scaling=None,
               rope_theta=10000.0, tie_word_embeddings=False, vocab_size=V)
    c.update(keys)
    return {k: v for k, v in c.items() if v != "absent"}


def llama_gguf(c, t):
    out = gguf_tensors(t, change=permute_qk(c))
    r = c.get("rope_parameters") or c.get("rope_scaling") or {}
    if r.get("rope_type", r.get("type")) == "llama3":
        out = dict({"rope_freqs.weight": llama3_factors(c).astype(np.float32)}, **out)
    return llama_keys("llama", c), out


def llama():
    c = llama_config()
    t = weights(c, 101)
    for l in range(3):  # a buffer that files of the first Llamas carry
        t["model.layers.%d.self_attn.rotary_emb.inv_freq" % l] = d.frequencies(10000.0, 16).astype(np.float32)
    case("llama-mha", c, t, reads_llama(), llama_gguf(c, t))
    c = llama_config(num_key_value_heads=2, head_dim=12, rope_theta=500000.0)
    t = weights(c, 102)
    case("llama-gqa", c, t, reads_llama(), llama_gguf(c, t), shards=3)
    c = llama_config(num_key_value_heads=1, attention_bias=True, mlp_bias=True)
    t = weights(c, 103, bias=True, out_bias=True, mlp_bias=True)
    case("llama-bias", c, t, reads_llama(), llama_gguf(c, t))
    c = llama_config(num_key_value_heads=2, tie_word_embeddings=True)
    t = weights(c, 104, tied=True)
    case("llama-tied", c, t, reads_llama(tied=True), llama_gguf(c, t))
    c = llama_config(num_key_value_heads=2, torch_dtype="bfloat16")
    t = weights(c, 105, bf16=True)
    case("llama-bf16", c, t, reads_llama(), llama_gguf(c, t), shards=2, bf16=tuple(t))


def llama_rope():
    low = dict(factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
    kinds = {
        "linear": dict(rope_scaling={"type": "linear", "factor": 4.0}),
        "linear-new": dict(rope_scaling={"rope_type": "linear", "factor": 2.5}),
        "yarn": dict(rope_scaling={"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}),
        "yarn-new": dict(rope_scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16,
                                       "beta_fast": 8.0, "beta_slow": 0.5}),
        "llama3": dict(rope_scaling=dict(low, rope_type="llama3"), rope_theta=500000.0),
        "llama3-old": dict(rope_scaling=dict(low, type="llama3"), rope_theta=50000.0),
        "llama3-v5": dict(rope_scaling="absent", rope_theta="absent", torch_dtype="absent", dtype="float32",
                          transformers_version="5.0.0",
                          rope_parameters=dict(low, rope_type="llama3", rope_theta=20000.0)),
    }
    for n, (kind, keys) in enumerate(kinds.items()):
        c = llama_config(num_key_value_heads=2, num_hidden_layers=2, **keys)
        t = weights(c, 110 + n)
        case("llama-" + kind, c, t, reads_llama(), llama_gguf(c, t), T=20)
    for name, key in (("dynamic", "type"), ("dynamic-new", "rope_type")):
        c = llama_config(num_hidden_layers=2, max_position_embeddings=12, rope_scaling={key: "dynamic", "factor": 3.0})
        t = weights(c, 119)
        # Turned as for the whole context, which the ids fill, so that both readings of "length" agree.
        case("llama-" + name, c, t, reads_llama(turns=lambda c, l: turn(c, 24)), T=24, context=24)


# ---------------------------------------------------------------- Mistral, Mixtral


def mistral():
    for name, window, seed in (("mistral", 5, 130), ("mistral-full", None, 131)):
        c = config("MistralForCausalLM", "mistral", hidden_act="silu", hidden_size=D, intermediate_size=F,
                   max_position_embeddings=128, num_attention_heads=4, num_hidden_layers=3, num_key_value_heads=2,
                   rms_norm_eps=1e-5, rope_theta=10000.0, sliding_window=window, tie_word_embeddings=False,
                   vocab_size=V)
        t = weights(c, seed)
        g = None if window else (llama_keys("llama", c), gguf_tensors(t, change=permute_qk(c)))
        case(name, c, t, reads_llama(window=lambda c, l: c["sliding_window"]), g, T=20)


MIXTRAL = {"block_sparse_moe.gate": "ffn_gate_inp", "block_sparse_moe.experts.w1": "ffn_gate_exps",
           "block_sparse_moe.experts.w2": "ffn_down_exps", "block_sparse_moe.experts.w3": "ffn_up_exps"}


def mixtral():
    for name, ties, seed in (("mixtral", None, 140), ("mixtral-ties", (1, 3), 141)):
        c = config("MixtralForCausalLM", "mixtral", hidden_act="silu", hidden_size=D, intermediate_size=F,
                   max_position_embeddings=128, num_attention_heads=4, num_experts_per_tok=2, num_hidden_layers=2,
                   num_key_value_heads=2, num_local_experts=5, output_router_logits=False, rms_norm_eps=1e-5,
                   rope_theta=1000000.0, router_aux_loss_coef=0.02, sliding_window=None, tie_word_embeddings=False,
                   vocab_size=V)
        t = weights(c, seed, ffn=make_experts(c, F, ties))
        for k in list(t):
            n = k.replace("mlp.", "block_sparse_moe.").replace("gate_proj", "w1").replace("up_proj", "w3")
            t[n.replace("down_proj", "w2")] = t.pop(k)

        def ffn(r, p, c, l):
            return moe(r, p + "block_sparse_moe.", c, True, names=("w1", "w3", "w2"))
        case(name, c, t, reads_llama(ffn=ffn), (llama_keys("llama", c), gguf_tensors(t, MIXTRAL, change=permute_qk(c))),
             T=24)


# ---------------------------------------------------------------- Qwen 2, Qwen 3


def qwen_config(architecture, model_type, **keys):
    c = config(architecture, model_type, bos_token_id=51, eos_token_id=52, hidden_act="silu", hidden_size=D,
               intermediate_size=F, max_position_embeddings=128, max_window_layers=28, num_attention_heads=4,
               num_hidden_layers=3, num_key_value_heads=2, rms_norm_eps=1e-6, rope_theta=1000000.0,
               sliding_window=4096, tie_word_embeddings=False, use_sliding_window=False, vocab_size=V)
    c.update(keys)
    return c


def qwen_window(c, l):
    return c["sliding_window"] if c["use_sliding_window"] and l >= c["max_window_layers"] else None


def qwen2():
    for name, keys, seed in (("qwen2", {}, 150), ("qwen2-tied", {"tie_word_embeddings": True, "hidden_size": 32}, 151),
                             ("qwen2-window", {"use_sliding_window": True, "sliding_window": 4,
                                               "max_window_layers": 1}, 152)):
        c = qwen_config("Qwen2ForCausalLM", "qwen2", **keys)
        tied = c["tie_word_embeddings"]
        t = weights(c, seed, tied, bias=True)
        g = None if c["use_sliding_window"] else (text_keys("qwen2", c), gguf_tensors(t))
        case(name, c, t, reads_llama(tied=tied, window=qwen_window), g)


def qwen2moe():
    moe_keys = dict(decoder_sparse_step=1, mlp_only_layers=[], moe_intermediate_size=48, norm_topk_prob=False,
                    num_experts=6, num_experts_per_tok=2, output_router_logits=False, router_aux_loss_coef=0.001,
                    shared_expert_intermediate_size=64)
    for name, keys, seed in (("qwen2moe", {}, 153),
                             ("qwen2moe-dense", {"decoder_sparse_step": 2, "mlp_only_layers": [3],
                                                 "num_hidden_layers": 6}, 154)):
        c = qwen_config("Qwen2MoeForCausalLM", "qwen2_moe", **dict(moe_keys, **keys))
        dense = [l for l in range(c["num_hidden_layers"])
                 if l in c["mlp_only_layers"] or (l + 1) % c["decoder_sparse_step"] != 0]
        t = weights(c, seed, bias=True, ffn=make_experts(c, 48, shared=64, dense=dense))

        def ffn(r, p, c, l, dense=tuple(dense)):
            if l in dense:
                return r.swiglu(p + "mlp.")
            own, gate = r.swiglu(p + "mlp.shared_expert."), r.lin(p + "mlp.shared_expert_gate")
            return moe(r, p + "mlp.", c, c["norm_topk_prob"], lambda x: own(x) / (1 + np.exp(-gate(x))))
        g = gguf_tensors(t, change=lambda n, a: a[0] if n.endswith("shared_expert_gate.weight") else a)
        keys = text_keys("qwen2moe", c) + u32("qwen2moe", expert_feed_forward_length=48,
                                              expert_shared_feed_forward_length=64)
        case(name, c, t, reads_llama(ffn=ffn), None if dense else (keys, g))


def qwen3():
    for name, tied, seed in (("qwen3", False, 155), ("qwen3-tied", True, 156)):
        c = qwen_config("Qwen3ForCausalLM", "qwen3", attention_bias=False, head_dim=24, rope_scaling=None,
                        sliding_window=None, tie_word_embeddings=tied)
        t = weights(c, seed, tied, qk="head")
        case(name, c, t, reads_llama(tied=tied, qk="head", window=qwen_window), (text_keys("qwen3", c), gguf_tensors(t)))


def qwen3moe():
    for name, ties, seed in (("qwen3moe", None, 157), ("qwen3moe-ties", (2, 4), 158)):
        c = qwen_config("Qwen3MoeForCausalLM", "qwen3_moe", attention_bias=False, decoder_sparse_step=1, head_dim=24,
                        mlp_only_layers=[], moe_intermediate_size=96, norm_topk_prob=True, num_experts=6,
                        num_experts_per_tok=3, num_hidden_layers=2, output_router_logits=False, rope_scaling=None,
                        router_aux_loss_coef=0.001, sliding_window=None)
        t = weights(c, seed, qk="head", ffn=make_experts(c, 96, ties))

        def ffn(r, p, c, l):
            return moe(r, p + "mlp.", c, c["norm_topk_prob"])
        keys = text_keys("qwen3moe", c) + u32("qwen3moe", expert_feed_forward_length=96)
        case(name, c, t, reads_llama(ffn=ffn, qk="head"), (keys, gguf_tensors(t)), T=20)


for make in (llama, llama_rope, mistral, mixtral, qwen2, qwen2moe, qwen3, qwen3moe):
    make()
