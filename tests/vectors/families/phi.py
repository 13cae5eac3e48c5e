"""Phi 2 (parallel, biased, part of each head turns), Phi 3 and 4 mini (fused, longrope)."""
import math

import numpy as np

import decode as d
from common import Make, Read, case, config, f32, gguf_tensors, start, tied_mean, u32

V = 51


# ---------------------------------------------------------------- Phi 2
def reads_phi2(c, t):
    r, blocks, eps, D, H = Read(t), [], c["layer_norm_eps"], c["hidden_size"], c["num_attention_heads"]
    turn = d.rotation(d.frequencies(c["rope_theta"], int(D // H * c["partial_rotary_factor"])))
    for l in range(c["num_hidden_layers"]):
        p = "model.layers.%d." % l
        a = p + "self_attn."
        attn = d.attention(r.lin(a + "q_proj"), r.lin(a + "k_proj"), r.lin(a + "v_proj"), r.lin(a + "dense"), H, H,
                           D // H, turn=turn)
        n = r.ln(p + "input_layernorm", eps)
        blocks.append(d.block(attn, d.plain(r.lin(p + "mlp.fc1"), r.lin(p + "mlp.fc2"), d.gelu_tanh), n, n,
                              parallel=True))
    return d.model(t["model.embed_tokens.weight"], blocks, r.ln("model.final_layernorm", eps), r.lin("lm_head"))


def phi2():
    D, H, F = 64, 4, 256
    c = config("PhiForCausalLM", "phi", bos_token_id=50, embd_pdrop=0.0, eos_token_id=50, hidden_act="gelu_new",
               hidden_size=D, intermediate_size=F, layer_norm_eps=0.003, max_position_embeddings=64,
               num_attention_heads=H, num_hidden_layers=2, num_key_value_heads=H, partial_rotary_factor=0.5,
               qk_layernorm=False, resid_pdrop=0.1, rope_scaling=None, rope_theta=10000.0, tie_word_embeddings=False,
               vocab_size=V)
    m = Make(301)
    m.embed("model.embed_tokens", V, D)
    for l in range(2):
        p = "model.layers.%d." % l
        m.attention(p + "self_attn.", D, H, H, D // H, True, True, "dense")
        m.lin(p + "mlp.fc1", F, D, True, 1.4)
        m.lin(p + "mlp.fc2", D, F, True)
        m.norm(p + "input_layernorm", D, True)
    m.norm("model.final_layernorm", D, True)
    m.lin("lm_head", V, D, True)
    keys = start("phi2", c) + u32(
        "phi2", context_length=64, embedding_length=D, feed_forward_length=4 * D, block_count=2,
        attention__head_count=H, attention__head_count_kv=H) + f32("phi2", attention__layer_norm_epsilon=0.003)
    keys += u32("phi2", rope__dimension_count=D // H // 2)
    g = gguf_tensors(m.t, {"mlp.fc1": "ffn_up", "mlp.fc2": "ffn_down"}, {"model.final_layernorm": "output_norm"})
    case("phi2", c, m.t, reads_phi2, (keys, g))


# ---------------------------------------------------------------- Phi 3, Phi 4 mini
def reads_phi3(context):
    def build(c, t):
        r, blocks, eps, D, F = Read(t), [], c["rms_norm_eps"], c["hidden_size"], c["intermediate_size"]
        H, G = c["num_attention_heads"], c["num_key_value_heads"]
        K = D // H
        q, kv = H * K, G * K
        dims, scale, s = int(K * c.get("partial_rotary_factor", 1.0)), 1.0, c["rope_scaling"]
        freq, first = d.frequencies(c["rope_theta"], dims), c["original_max_position_embeddings"]
        if s is not None:  # longrope (Ding et al. 2024): a factor for each pair, by the length
            freq = freq / np.array(s["long_factor"] if context > first else s["short_factor"])
            scale = math.sqrt(1 + math.log(c["max_position_embeddings"] / first) / math.log(first))
        turn = d.rotation(freq, scale=scale)
        for l in range(c["num_hidden_layers"]):
            p = "model.layers.%d." % l
            w, gu = r[p + "self_attn.qkv_proj.weight"], r[p + "mlp.gate_up_proj.weight"]
            attn = d.attention(d.linear(w[:q]), d.linear(w[q:q + kv]), d.linear(w[q + kv:]),
                               r.lin(p + "self_attn.o_proj"), H, G, K, turn=turn, window=c["sliding_window"])
            ffn = d.gated(d.linear(gu[:F]), d.linear(gu[F:]), r.lin(p + "mlp.down_proj"), d.silu)
            blocks.append(d.block(attn, ffn, r.rms(p + "input_layernorm", eps),
                                  r.rms(p + "post_attention_layernorm", eps)))
        return d.model(t["model.embed_tokens.weight"], blocks, r.rms("model.norm", eps),
                       r.head(c["tie_word_embeddings"]))
    return build


def weights_phi3(c, seed):
    m, D, F = Make(seed), c["hidden_size"], c["intermediate_size"]
    H, G, tied = c["num_attention_heads"], c["num_key_value_heads"], c["tie_word_embeddings"]
    K = D // H
    m.embed("model.embed_tokens", V, D)
    for l in range(c["num_hidden_layers"]):
        p = "model.layers.%d." % l
        m.norm(p + "input_layernorm", D)
        m.norm(p + "post_attention_layernorm", D)
        m.lin(p + "self_attn.qkv_proj", (H + 2 * G) * K, D, gain=1.3)
        m.lin(p + "self_attn.o_proj", D, H * K)
        m.lin(p + "mlp.gate_up_proj", 2 * F, D, gain=1.4)
        m.lin(p + "mlp.down_proj", D, F, gain=1.4)
    m.norm("model.norm", D, mean=tied_mean(D) if tied else 1.0)
    if not tied:
        m.lin("lm_head", V, D)
    return m.t


def gguf_phi3(c, t):
    D, H, longest, first = (c[k] for k in ("hidden_size", "num_attention_heads", "max_position_embeddings",
                                           "original_max_position_embeddings"))
    keys = start("phi3", c) + u32(
        "phi3", context_length=longest, rope__scaling__original_context_length=first, embedding_length=D,
        feed_forward_length=c["intermediate_size"], block_count=c["num_hidden_layers"], attention__head_count=H,
        attention__head_count_kv=c["num_key_value_heads"]) + f32(
        "phi3", attention__layer_norm_rms_epsilon=c["rms_norm_eps"]) + u32(
        "phi3", rope__dimension_count=int(c.get("partial_rotary_factor", 1.0) * D) // H) + f32(
        "phi3", rope__freq_base=c["rope_theta"]) + u32("phi3", attention__sliding_window=c["sliding_window"] or 0)
    out, s = gguf_tensors(t), c["rope_scaling"]
    if s is not None:
        keys += f32("phi3", rope__scaling__attn_factor=math.sqrt(1 + math.log(longest / first) / math.log(first)))
        out = dict({"rope_factors_long.weight": np.array(s["long_factor"], dtype=np.float32),
                    "rope_factors_short.weight": np.array(s["short_factor"], dtype=np.float32)}, **out)
    return keys, out


def phi3_config(**keys):
    c = config("Phi3ForCausalLM", "phi3", attention_bias=False, auto_map={
        "AutoConfig": "configuration_phi3.Phi3Config", "AutoModelForCausalLM": "modeling_phi3.Phi3ForCausalLM"},
        embd_pdrop=0.0, hidden_act="silu", hidden_size=64, intermediate_size=96, max_position_embeddings=64,
        num_attention_heads=4, num_hidden_layers=3, num_key_value_heads=4, original_max_position_embeddings=64,
        pad_token_id=50, resid_pdrop=0.0, rms_norm_eps=0.003, rope_scaling=None, rope_theta=10000.0, sliding_window=6,
        tie_word_embeddings=False, vocab_size=V)
    c.update(keys)
    return c


def longrope(pairs, seed):
    r = np.random.RandomState(seed)
    short = [round(float(x), 2) for x in 1 + 0.3 * r.rand(pairs)]
    return {"long_factor": [round(float(x), 2) for x in 1 + 5 * np.sort(r.rand(pairs))], "short_factor": short,
            "type": "longrope"}


def phi3():
    c = phi3_config()
    t = weights_phi3(c, 302)
    case("phi3", c, t, reads_phi3(64), gguf_phi3(c, t), T=20, context=64)
    for name, T, context in (("phi3-short", 14, 16), ("phi3-long", 24, 64)):
        c = phi3_config(original_max_position_embeddings=16, sliding_window=262144, rope_scaling=longrope(8, 7),
                        num_key_value_heads=2)
        t = weights_phi3(c, 303)
        old = dict(c, rope_scaling=dict(c["rope_scaling"], type="su"))  # the kind's first name
        case(name, c, t, reads_phi3(context), gguf_phi3(c, t), T=T, context=context, folders={"-su": (old, t)})
    for name, T, context in (("phi4-mini", 14, 16), ("phi4-mini-long", 24, 64)):
        c = phi3_config(original_max_position_embeddings=16, sliding_window=262144, rope_scaling=longrope(6, 8),
                        num_key_value_heads=2, partial_rotary_factor=0.75, tie_word_embeddings=True, full_attn_mod=1,
                        interpolate_factor=1, lm_head_bias=False, mlp_bias=False)
        t = weights_phi3(c, 304)
        case(name, c, t, reads_phi3(context), gguf_phi3(c, t), T=T, context=context)


phi2()
phi3()
