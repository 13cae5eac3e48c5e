"""Llama and the families that differ from it in a switch or two: Mistral, Mixtral, Qwen 2 and 3
with their mixtures, Granite, SmolLM3, MiniCPM, InternLM2, OLMo, EXAONE 4, GLM 4."""
import numpy as np

import decode as d
from common import (POST_ONLY, Make, Read, case, config, f32, flags, gguf_tensors, head_dim, llama_keys,
                    permute_qk, text_keys, tied_mean, u32)

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
            norms=True, last=1.0, half=None):
    """Tensors of a Llama-like model; ffn(m, p, l) makes other feed-forwards."""
    m = Make(seed, half)
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
            row[ties[1]] = row[ties[0]]
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
               num_hidden_layers=3, num_key_value_heads=4, pretraining_tp=1, rms_norm_eps=0.003, rope_scaling=None,
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
    for half, name, seed in (("BF16", "bfloat16", 105), ("F16", "float16", 106)):
        c = llama_config(num_key_value_heads=2, torch_dtype=name)
        t = weights(c, seed, half=half)
        case("llama-" + half.lower(), c, t, reads_llama(), llama_gguf(c, t), shards=2, half=half)


def llama_rope():
    low = dict(factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
    kinds = {
        "linear": dict(rope_scaling={"type": "linear", "factor": 4.0}),
        "linear-new": dict(rope_scaling={"rope_type": "linear", "factor": 2.5}),
        "yarn": dict(rope_scaling={"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}),
        "yarn-new": dict(rope_scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64,
                                       "beta_fast": 2.0, "beta_slow": 0.5}, max_position_embeddings=256),
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
                   rms_norm_eps=0.003, rope_theta=10000.0, sliding_window=window, tie_word_embeddings=False,
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
                   num_key_value_heads=2, num_local_experts=5, output_router_logits=False, rms_norm_eps=0.003,
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
               num_hidden_layers=3, num_key_value_heads=2, rms_norm_eps=0.002, rope_theta=1000000.0,
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
    for name, ties, seed in (("qwen3moe", None, 157), ("qwen3moe-ties", (2, 4), 159)):
        c = qwen_config("Qwen3MoeForCausalLM", "qwen3_moe", attention_bias=False, decoder_sparse_step=1, head_dim=24,
                        mlp_only_layers=[], moe_intermediate_size=96, norm_topk_prob=True, num_experts=6,
                        num_experts_per_tok=3, num_hidden_layers=2, output_router_logits=False, rope_scaling=None,
                        router_aux_loss_coef=0.001, sliding_window=None)
        t = weights(c, seed, qk="head", ffn=make_experts(c, 96, ties))

        def ffn(r, p, c, l):
            return moe(r, p + "mlp.", c, c["norm_topk_prob"])
        keys = text_keys("qwen3moe", c) + u32("qwen3moe", expert_feed_forward_length=96)
        case(name, c, t, reads_llama(ffn=ffn, qk="head"), (keys, gguf_tensors(t)), T=20)


# ---------------------------------------------------------------- Granite
def granite():
    c = config("GraniteForCausalLM", "granite", attention_bias=False, attention_multiplier=0.4, bos_token_id=0,
               embedding_multiplier=12.0, eos_token_id=0, hidden_act="silu", hidden_size=D, intermediate_size=F,
               logits_scaling=8.0, max_position_embeddings=128, mlp_bias=False, num_attention_heads=4,
               num_hidden_layers=3, num_key_value_heads=2, pad_token_id=0, residual_multiplier=0.22,
               rms_norm_eps=0.003, rope_scaling=None, rope_theta=10000.0, tie_word_embeddings=True, vocab_size=V)
    parts = dict(scale=lambda c: c["attention_multiplier"], residual=lambda c: c["residual_multiplier"],
                 embed=lambda c: c["embedding_multiplier"], logits=lambda c: 1 / c["logits_scaling"])
    t = weights(c, 160, True, last=8.0)
    case("granite", c, t, reads_llama(tied=True, **parts), (granite_keys("granite", c), gguf_tensors(t, change=permute_qk(c))))
    c = dict(c, architectures=["GraniteMoeForCausalLM"], model_type="granitemoe", num_experts_per_tok=3,
             num_local_experts=6, output_router_logits=False, router_aux_loss_coef=0.01, num_hidden_layers=2)
    t, stacked = granite_moe_weights(c)

    def ffn(r, p, c, l):
        b, f = p + "block_sparse_moe.", c["intermediate_size"]
        each = [d.gated(d.linear(w[:f]), d.linear(w[f:]), d.linear(o), d.silu)
                for w, o in zip(r[b + "input_linear.weight"], r[b + "output_linear.weight"])]
        return d.experts(r.lin(b + "router.layer"), each, c["num_experts_per_tok"], True)
    case("granitemoe", c, t, reads_llama(tied=True, ffn=ffn, **parts), (granite_keys("granitemoe", c), stacked), T=20)


def granite_keys(arch, c):
    return llama_keys(arch, c) + f32(arch, attention__scale=c["attention_multiplier"],
                                     embedding_scale=c["embedding_multiplier"],
                                     residual_scale=c["residual_multiplier"], logit_scale=c["logits_scaling"])


def granite_moe_weights(c):
    """Experts in two tensors: input_linear [E][2F][D], gate rows first, and output_linear [E][D][F]."""
    n, f = c["num_local_experts"], c["intermediate_size"]

    def ffn(m, p, l):
        b = p + "block_sparse_moe."
        m.put(b + "input_linear.weight", m.random.randn(n, 2 * f, D) * 1.4 / np.sqrt(D))
        m.put(b + "output_linear.weight", m.random.randn(n, D, f) * 1.4 / np.sqrt(f))
        m.lin(b + "router.layer", n, D, gain=2.0)
    t, apart = weights(c, 161, True, ffn=ffn, last=8.0), {}
    for k, v in t.items():
        if k.endswith("input_linear.weight"):
            apart[k.replace("input_linear", "gate")], apart[k.replace("input_linear", "up")] = v[:, :f], v[:, f:]
        else:
            apart[k] = v
    b = "block_sparse_moe."
    return t, gguf_tensors(apart, {b + "gate": "ffn_gate_exps", b + "up": "ffn_up_exps", b + "router.layer":
                                   "ffn_gate_inp", b + "output_linear": "ffn_down_exps"}, change=permute_qk(c))


# ---------------------------------------------------------------- SmolLM3, MiniCPM, InternLM2


def smollm3():
    c = config("SmolLM3ForCausalLM", "smollm3", attention_bias=False, bos_token_id=50, eos_token_id=51,
               hidden_act="silu", hidden_size=D, intermediate_size=F, layer_types=["full_attention"] * 5,
               max_position_embeddings=128, max_window_layers=28, mlp_bias=False, no_rope_layer_interval=4,
               no_rope_layers=[1, 1, 1, 0, 1], num_attention_heads=4, num_hidden_layers=5, num_key_value_heads=2,
               pad_token_id=52, pretraining_tp=2, rms_norm_eps=0.002, rope_scaling=None, rope_theta=50000.0,
               sliding_window=None, use_sliding_window=False, vocab_size=V)

    def turns(c, l):
        return turn(c) if c["no_rope_layers"][l] else None
    t = weights(c, 162, True)  # tied, though its config does not say so
    case("smollm3", c, t, reads_llama(turns=turns, tied=True),
         (llama_keys("smollm3", c), gguf_tensors(t, change=permute_qk(c))))
    c = dict(c, no_rope_layers=[0, 1, 0, 1], num_hidden_layers=4, layer_types=["full_attention"] * 4,
             tie_word_embeddings=False)
    t = weights(c, 163)
    case("smollm3-layers", c, t, reads_llama(turns=turns))


def minicpm():
    c = config("MiniCPMForCausalLM", "minicpm", attention_bias=False, auto_map={
        "AutoConfig": "configuration_minicpm.MiniCPMConfig", "AutoModelForCausalLM":
        "modeling_minicpm.MiniCPMForCausalLM"}, dim_model_base=16, hidden_act="silu", hidden_size=D,
        intermediate_size=F, max_position_embeddings=64, num_attention_heads=4, num_hidden_layers=3,
        num_key_value_heads=4, rms_norm_eps=0.003, rope_scaling=None, scale_depth=1.4, scale_emb=12, vocab_size=V)
    t = weights(c, 164, True, last=4.0)  # tied, though its config does not say so

    def residual(c):
        return c["scale_depth"] / np.sqrt(c["num_hidden_layers"])
    keys = text_keys("minicpm", c) + f32("minicpm", embedding_scale=12, residual_scale=residual(c),
                                         logit_scale=D / c["dim_model_base"])
    reads = reads_llama(tied=True, embed=lambda c: c["scale_emb"], residual=residual,
                        logits=lambda c: c["dim_model_base"] / c["hidden_size"])
    case("minicpm", c, t, reads, (keys, gguf_tensors(t, change=permute_qk(c, False))))


def internlm2():
    """Llama under other names; wqkv has for each key head its query heads, the key and the value."""
    H, G, L = 4, 2, 3
    K = D // H
    c = config("InternLM2ForCausalLM", "internlm2", attn_implementation="eager", auto_map={
        "AutoConfig": "configuration_internlm2.InternLM2Config", "AutoModelForCausalLM":
        "modeling_internlm2.InternLM2ForCausalLM"}, bias=False, hidden_act="silu", hidden_size=D, intermediate_size=F,
        max_position_embeddings=64, num_attention_heads=H, num_hidden_layers=L, num_key_value_heads=G, pad_token_id=2,
        rms_norm_eps=0.003, rope_scaling={"factor": 2.0, "type": "dynamic"}, rope_theta=1000000,
        tie_word_embeddings=False, vocab_size=V)
    t = weights(c, 165)

    def renamed(t):
        out, names = {}, {"self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1", "mlp.down_proj":
                          "feed_forward.w2", "mlp.up_proj": "feed_forward.w3", "input_layernorm": "attention_norm",
                          "post_attention_layernorm": "ffn_norm", "model.embed_tokens": "model.tok_embeddings",
                          "lm_head": "output"}
        for k, v in t.items():
            for a, b in names.items():
                k = k.replace(a, b)
            if "self_attn" not in k:
                out[k] = v
        for l in range(L):
            q, k, v = (t["model.layers.%d.self_attn.%s_proj.weight" % (l, x)].reshape(G, -1, K, D) for x in "qkv")
            out["model.layers.%d.attention.wqkv.weight" % l] = np.concatenate([q, k, v], 1).reshape(-1, D)
        return out
    # The reference reads the parts before they were joined: the joining is this family's definition.
    own, base = renamed(t), reads_llama(turns=lambda c, l: turn(c, 32))

    def reads(c, joined):
        back = {"model.norm.weight": joined["model.norm.weight"], "lm_head.weight": joined["output.weight"],
                "model.embed_tokens.weight": joined["model.tok_embeddings.weight"]}
        for l in range(c["num_hidden_layers"]):
            p = "model.layers.%d." % l
            w = joined[p + "attention.wqkv.weight"].reshape(G, H // G + 2, K, D)
            for x, part in (("q", w[:, :-2]), ("k", w[:, -2]), ("v", w[:, -1])):
                back[p + "self_attn.%s_proj.weight" % x] = part.reshape(-1, D)
            for a, b in (("self_attn.o_proj", "attention.wo"), ("mlp.gate_proj", "feed_forward.w1"),
                         ("mlp.down_proj", "feed_forward.w2"), ("mlp.up_proj", "feed_forward.w3"),
                         ("input_layernorm", "attention_norm"), ("post_attention_layernorm", "ffn_norm")):
                back[p + a + ".weight"] = joined[p + b + ".weight"]
        return base(c, back)
    case("internlm2", c, own, reads, (text_keys("internlm2", c), gguf_tensors(t, change=permute_qk(c))))


# ---------------------------------------------------------------- OLMo


def olmo():
    c = config("OlmoForCausalLM", "olmo", attention_bias=False, clip_qkv=1.5, eos_token_id=50, hidden_act="silu",
               hidden_size=D, intermediate_size=F, max_position_embeddings=64, num_attention_heads=4,
               num_hidden_layers=2, num_key_value_heads=4, pad_token_id=1, rope_scaling=None, rope_theta=10000.0,
               tie_word_embeddings=False, vocab_size=V)
    t = weights(c, 170, norms=False)
    keys = text_keys("olmo", c) + f32("olmo", attention__layer_norm_epsilon=1e-5, attention__clamp_kqv=1.5)
    case("olmo", c, t, reads_llama(norm=d.layer_norm(None, None, 1e-5), clip=True),
         (keys, gguf_tensors(t, change=permute_qk(c, False))))


def olmo2_config(architecture, model_type, **keys):
    c = config(architecture, model_type, attention_bias=False, eos_token_id=50, hidden_act="silu", hidden_size=D,
               intermediate_size=F, max_position_embeddings=64, num_attention_heads=4, num_hidden_layers=2,
               num_key_value_heads=2, pad_token_id=51, rms_norm_eps=0.002, rope_scaling=None, rope_theta=500000,
               tie_word_embeddings=False, vocab_size=V)
    c.update(keys)
    return c


def olmo2():
    c = olmo2_config("Olmo2ForCausalLM", "olmo2")
    t = weights(c, 171, qk="width", order="post")
    case("olmo2", c, t, reads_llama(qk="width", order="post"), (text_keys("olmo2", c), gguf_tensors(t, POST_ONLY)))
    kinds = ["sliding_attention"] * 3 + ["full_attention", "sliding_attention"]
    for name, types, seed in (("olmo3", kinds, 172), ("olmo3-types", ["full_attention", "sliding_attention"], 173)):
        c = olmo2_config("Olmo3ForCausalLM", "olmo3", layer_types=types, num_hidden_layers=len(types),
                         sliding_window=5, rope_scaling={"attention_factor": 1.2079441541679836, "beta_fast": 32.0,
                                                         "beta_slow": 1.0, "factor": 8.0, "rope_type": "yarn",
                                                         "original_max_position_embeddings": 8})
        t = weights(c, seed, qk="width", order="post")

        def local(c, l):
            return c["layer_types"][l] == "sliding_attention"
        # Only layers that see everything are stretched by YaRN.
        reads = reads_llama(qk="width", order="post", window=lambda c, l: c["sliding_window"] if local(c, l) else None,
                            turns=lambda c, l: turn(c, scaled=not local(c, l)))
        keys = text_keys("olmo2", c) + u32("olmo2", attention__sliding_window=5)
        keys += flags("olmo2", "attention.sliding_window_pattern", [x == "sliding_attention" for x in types])
        case(name, c, t, reads, (keys, gguf_tensors(t, POST_ONLY)), T=20)


def olmoe():
    c = olmo2_config("OlmoeForCausalLM", "olmoe", clip_qkv=None, norm_topk_prob=False, num_experts=6,
                     num_experts_per_tok=3, output_router_logits=False, num_key_value_heads=4, rms_norm_eps=1e-5,
                     router_aux_loss_coef=0.01)
    t = weights(c, 174, qk="width", ffn=make_experts(c, F))

    def ffn(r, p, c, l):
        return moe(r, p + "mlp.", c, c["norm_topk_prob"])
    keys = text_keys("olmoe", c)
    case("olmoe", c, t, reads_llama(qk="width", ffn=ffn), (keys, gguf_tensors(t)), T=20)


# ---------------------------------------------------------------- EXAONE 4, GLM 4


def exaone4():
    low = dict(factor=16.0, high_freq_factor=4.0, low_freq_factor=1.0, original_max_position_embeddings=32,
               rope_type="llama3")
    for name, layers, window, tied, seed in (("exaone4", 3, None, True, 180), ("exaone4-window", 5, 5, False, 181)):
        kinds = ["full_attention" if window is None or (l + 1) % 4 == 0 else "sliding_attention" for l in range(layers)]
        c = config("Exaone4ForCausalLM", "exaone4", eos_token_id=51, head_dim=16, hidden_act="silu", hidden_size=D,
                   intermediate_size=F, layer_types=kinds, max_position_embeddings=128, num_attention_heads=4,
                   num_hidden_layers=layers, num_key_value_heads=2, pad_token_id=0, rms_norm_eps=0.003,
                   rope_scaling=low, rope_theta=1000000, sliding_window=window,
                   sliding_window_pattern=None if window is None else "LLLG", tie_word_embeddings=tied, vocab_size=V)
        t = weights(c, seed, tied, qk="head", order="post")

        def local(c, l):
            return c["layer_types"][l] == "sliding_attention"
        reads = reads_llama(qk="head", order="post", tied=tied,
                            window=lambda c, l: c["sliding_window"] if local(c, l) else None,
                            turns=lambda c, l: turn(c) if c["sliding_window"] is None or local(c, l) else None)
        keys = text_keys("exaone4", c) + u32("exaone4", vocab_size=V, attention__sliding_window=window)
        if window is not None:
            keys += flags("exaone4", "attention.sliding_window_pattern", [x == "sliding_attention" for x in kinds])
        g = dict({"rope_freqs.weight": llama3_factors(c).astype(np.float32)}, **gguf_tensors(t, POST_ONLY))
        case(name, c, t, reads, (keys, g), T=20)


def glm4():
    for name, bias, seed in (("glm4", False, 182), ("glm4-bias", True, 183)):
        c = config("Glm4ForCausalLM", "glm4", attention_bias=bias, eos_token_id=[50, 51], head_dim=12,
                   hidden_act="silu", hidden_size=D, intermediate_size=F, max_position_embeddings=64,
                   num_attention_heads=4, num_hidden_layers=2, num_key_value_heads=2, pad_token_id=50,
                   partial_rotary_factor=0.5, rms_norm_eps=0.003, rope_theta=10000.0, tie_word_embeddings=False,
                   vocab_size=V)

        def make(m, p, l):
            m.lin(p + "mlp.gate_up_proj", 2 * F, D, gain=1.4)
            m.lin(p + "mlp.down_proj", D, F, gain=1.4)

        def ffn(r, p, c, l):
            w = r[p + "mlp.gate_up_proj.weight"]
            return d.gated(d.linear(w[:F]), d.linear(w[F:]), r.lin(p + "mlp.down_proj"), d.silu)
        t = weights(c, seed, bias=bias, ffn=make, order="both")
        reads = reads_llama(ffn=ffn, order="both", turns=lambda c, l: turn(c, adjacent=True))
        names = {"post_self_attn_layernorm": "post_attention_norm", "post_mlp_layernorm": "post_ffw_norm"}
        keys = text_keys("glm4", c) + u32("glm4", rope__dimension_count=6)
        case(name, c, t, reads, (keys, gguf_tensors(t, names)))


for make in (llama, llama_rope, mistral, mixtral, qwen2, qwen2moe, qwen3, qwen3moe, granite, smollm3, minicpm, internlm2,
             olmo, olmo2, olmoe, exaone4, glm4):
    make()
