"""gpt-oss: a logit per head that joins the softmax, windows on every other layer, YaRN whose limits
are not rounded, experts with biases whose gate and up rows alternate, MXFP4."""
import math

import numpy as np

import decode as d
from common import Make, Read, case, config, gguf_tensors, text_keys, u32
from store import mxfp4_blocks, mxfp4_gguf, to_mxfp4

D, F, E, H, G, K, V = 64, 96, 5, 4, 2, 24, 57


def expert(up, up_bias, down, down_bias, limit):
    """up [D][2F]: gate and up alternate; (up + 1) * gate * sigmoid(1.702 gate), both clamped."""
    def apply(x):
        y = x @ up + up_bias
        gate, lin = np.minimum(y[:, 0::2], limit), np.clip(y[:, 1::2], -limit, limit)
        return ((lin + 1) * gate / (1 + np.exp(-1.702 * gate))) @ down + down_bias
    return apply


def reads(c, t):
    r, blocks, eps, s = Read(t), [], c["rms_norm_eps"], c["rope_scaling"]
    freq = d.yarn(c["rope_theta"], K, s["factor"], s["original_max_position_embeddings"], s["beta_fast"],
                  s["beta_slow"], s["truncate"])
    turn = d.rotation(freq, scale=0.1 * math.log(s["factor"]) + 1)
    for l in range(c["num_hidden_layers"]):
        p = "model.layers.%d." % l
        a, e = p + "self_attn.", p + "mlp.experts."
        attn = d.attention(r.lin(a + "q_proj"), r.lin(a + "k_proj"), r.lin(a + "v_proj"), r.lin(a + "o_proj"), H, G, K,
                           turn=turn, sinks=r[a + "sinks"],
                           window=c["sliding_window"] if c["layer_types"][l] == "sliding_attention" else None)
        each = [expert(*(r[e + n][i] for n in ("gate_up_proj", "gate_up_proj_bias", "down_proj", "down_proj_bias")),
                       c["swiglu_limit"]) for i in range(E)]
        ffn = d.experts(r.lin(p + "mlp.router"), each, c["num_experts_per_tok"], True)
        blocks.append(d.block(attn, ffn, r.rms(p + "input_layernorm", eps), r.rms(p + "post_attention_layernorm", eps)))
    return d.model(t["model.embed_tokens.weight"], blocks, r.rms("model.norm", eps), r.head(False))


def gptoss(name, seed, L, gain, fast, slow, packed_twin):
    """gain: of gate and up; from 4 on the limit of 7 matters. fast, slow: YaRN's. packed_twin: GGUF and a folder with
    MXFP4 experts as well; else GGUF with plain ones."""
    c = config("GptOssForCausalLM", "gpt_oss", attention_bias=True, eos_token_id=50, experts_per_token=2, head_dim=K,
               hidden_act="silu", hidden_size=D, initial_context_length=16, intermediate_size=F,
               layer_types=["sliding_attention", "full_attention"] * (L // 2), max_position_embeddings=128,
               num_attention_heads=H, num_experts_per_tok=2, num_hidden_layers=L, num_key_value_heads=G,
               num_local_experts=E, output_router_logits=False, pad_token_id=51, rms_norm_eps=0.003,
               rope_scaling={"beta_fast": fast, "beta_slow": slow, "factor": 8.0,
                             "original_max_position_embeddings": 16, "rope_type": "yarn", "truncate": False},
               rope_theta=1500, router_aux_loss_coef=0.9, sliding_window=5, swiglu_limit=7.0,
               tie_word_embeddings=False, vocab_size=V)
    m, packed, blocks, plain = Make(seed), {}, {}, {}
    m.embed("model.embed_tokens", V, D)
    for l in range(L):
        p = "model.layers.%d." % l
        e, b = p + "mlp.experts.", "blk.%d.ffn_" % l
        m.norm(p + "input_layernorm", D)
        m.norm(p + "post_attention_layernorm", D)
        m.attention(p + "self_attn.", D, H, G, K, True, True)
        m.put(p + "self_attn.sinks", m.random.randn(H) + 1)
        m.lin(p + "mlp.router", E, D, True, 2.0)
        m.put(e + "gate_up_proj_bias", m.random.randn(E, 2 * F) * 0.3)
        m.put(e + "down_proj_bias", m.random.randn(E, D) * 0.3)
        # [E][out][in] as MXFP4 counts them; the plain tensors are the transposes of what it stands for.
        for w, shape, scale in (("gate_up_proj", (E, 2 * F, D), gain), ("down_proj", (E, D, F), 1 / gain)):
            codes, exponents, values = to_mxfp4(m.random.randn(*shape) * scale / np.sqrt(shape[2]))
            m.put(e + w, values.swapaxes(1, 2))
            blocks[e + w + "_blocks"], blocks[e + w + "_scales"] = mxfp4_blocks(codes), exponents
            for part, rows in (("down", slice(None)),) if w == "down_proj" else (("gate", slice(0, None, 2)),
                                                                                 ("up", slice(1, None, 2))):
                packed[b + part + "_exps.weight"] = mxfp4_gguf(codes[:, rows], exponents[:, rows])
                plain[b + part + "_exps.weight"] = values[:, rows]
    m.norm("model.norm", D)
    m.lin("lm_head", V, D)
    own, keys = {k: v for k, v in m.t.items() if not k.endswith(("gate_up_proj", "down_proj"))}, gguf_keys(c)
    if packed_twin:
        mx = dict(c, quantization_config={"modules_to_not_convert": [
            "model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"],
            "quant_method": "mxfp4"})
        case(name, c, m.t, reads, (keys, dict(gguf_rest(own), **packed)), T=20, context=64,
             folders={"-mxfp4": (mx, dict(own, **blocks))}, loose=("gguf", "-mxfp4"))
    else:
        case(name, c, m.t, reads, (keys, dict(gguf_rest(own), **plain)), T=20, context=64)


def gguf_keys(c):
    return text_keys("gpt-oss", c) + u32("gpt-oss", attention__sliding_window=c["sliding_window"],
                                         expert_feed_forward_length=F)


def gguf_rest(own):
    """Everything but the experts' matrices; gate and up biases apart."""
    out = {}
    for k, v in own.items():
        if k.endswith("gate_up_proj_bias"):
            out[k.replace("gate_up_proj_bias", "gate_proj.bias")] = v[:, 0::2]
            out[k.replace("gate_up_proj_bias", "up_proj.bias")] = v[:, 1::2]
        elif k.endswith("sinks"):
            out[k + ".weight"] = v
        else:
            out[k.replace("down_proj_bias", "down_proj.bias")] = v
    e = "mlp.experts."
    return gguf_tensors(out, {"mlp.router": "ffn_gate_inp", "self_attn.sinks": "attn_sinks",
                              "post_attention_layernorm": "post_attention_norm", e + "gate_proj": "ffn_gate_exps",
                              e + "up_proj": "ffn_up_exps", e + "down_proj": "ffn_down_exps"})


gptoss("gpt-oss", 512, 2, 1.2, 32.0, 1.0, True)
gptoss("gpt-oss-limit", 502, 4, 4.0, 1.5, 0.5, False)
