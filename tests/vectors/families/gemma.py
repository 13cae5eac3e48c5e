"""Gemma 1, 2 and 3: embeddings times sqrt(D), norms stored less one, gelu by tanh, tied heads."""
import math

import decode as d
from common import Make, Read, case, config, f32, gguf_tensors, norms_plus_one, start, text_keys, tied_mean, u32

D, F, V = 64, 128, 59


def weights(c, seed, four_norms=False, qk=False, last=1.0):
    m, D, K = Make(seed), c["hidden_size"], c["head_dim"]
    m.embed("model.embed_tokens", c["vocab_size"], D)
    names = ["input_layernorm", "post_attention_layernorm"]
    if four_norms:
        names += ["pre_feedforward_layernorm", "post_feedforward_layernorm"]
    for l in range(c["num_hidden_layers"]):
        p = "model.layers.%d." % l
        for n in names:
            m.norm(p + n, D, mean=0.0)
        m.attention(p + "self_attn.", D, c["num_attention_heads"], c["num_key_value_heads"], K)
        if qk:
            m.norm(p + "self_attn.q_norm", K, mean=0.4)
            m.norm(p + "self_attn.k_norm", K, mean=0.4)
        m.swiglu(p + "mlp.", D, c["intermediate_size"])
    m.norm("model.norm", D, mean=last * tied_mean(D) - 1)
    return m.t


def reads(four_norms=False, qk=False):
    def build(c, t):
        r, blocks, eps = Read(t), [], c["rms_norm_eps"]
        cap = c.get("attn_logit_softcapping")
        scale = c["query_pre_attn_scalar"] ** -0.5 if "query_pre_attn_scalar" in c else None
        for l in range(c["num_hidden_layers"]):
            p = "model.layers.%d." % l
            a, qn, kn = p + "self_attn.", None, None
            if qk:
                qn, kn = r.rms(a + "q_norm", eps, True), r.rms(a + "k_norm", eps, True)
            local, turn = layer_kind(c, l)
            attn = d.attention(r.lin(a + "q_proj"), r.lin(a + "k_proj"), r.lin(a + "v_proj"), r.lin(a + "o_proj"),
                               c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"], qn, kn, turn,
                               c["sliding_window"] if local else None, scale, cap)
            ffn = r.swiglu(p + "mlp.", d.gelu_tanh)

            def n(name, p=p):
                return r.rms(p + name, eps, True)
            if four_norms:
                b = d.block(attn, ffn, n("input_layernorm"), n("pre_feedforward_layernorm"),
                            n("post_attention_layernorm"), n("post_feedforward_layernorm"))
            else:
                b = d.block(attn, ffn, n("input_layernorm"), n("post_attention_layernorm"))
            blocks.append(b)
        return d.model(t["model.embed_tokens.weight"], blocks, r.rms("model.norm", eps, True),
                       r.head(True), math.sqrt(c["hidden_size"]), softcap=c.get("final_logit_softcapping"))
    return build


def layer_kind(c, l):
    """(whether layer l sees only a window, its rotation). Gemma 2: every other layer from the first;
    Gemma 3: five of six, and these turn by a base of their own, never scaled."""
    K = c["head_dim"]
    if c["model_type"] == "gemma":
        return False, d.rotation(d.frequencies(c["rope_theta"], K))
    if c["model_type"] == "gemma2":
        return l % 2 == 0, d.rotation(d.frequencies(c["rope_theta"], K))
    kinds = c.get("layer_types")
    local = kinds[l] == "sliding_attention" if kinds else (l + 1) % c.get("sliding_window_pattern", 6) != 0
    new = c.get("rope_parameters")
    if new:
        one = new["sliding_attention" if local else "full_attention"]
        factor, base = one.get("factor", 1.0), one["rope_theta"]
    elif local:
        factor, base = 1.0, c["rope_local_base_freq"]
    else:
        factor, base = (c["rope_scaling"] or {}).get("factor", 1.0), c["rope_theta"]
    return local, d.rotation(d.frequencies(base, K) / factor)


def gguf_keys(arch, c):
    return start(arch, c) + u32(
        arch, context_length=c["max_position_embeddings"], embedding_length=c["hidden_size"],
        block_count=c["num_hidden_layers"], feed_forward_length=c["intermediate_size"],
        attention__head_count=c["num_attention_heads"], attention__head_count_kv=c["num_key_value_heads"]) + f32(
        arch, attention__layer_norm_rms_epsilon=c["rms_norm_eps"]) + u32(
        arch, attention__key_length=c["head_dim"], attention__value_length=c["head_dim"])


def gemma1():
    c = config("GemmaForCausalLM", "gemma", attention_bias=False, bos_token_id=2, eos_token_id=1, head_dim=24,
               hidden_act="gelu", hidden_activation="gelu_pytorch_tanh", hidden_size=D, intermediate_size=F,
               max_position_embeddings=64, num_attention_heads=4, num_hidden_layers=2, num_key_value_heads=1,
               pad_token_id=0, rms_norm_eps=0.002, rope_scaling=None, rope_theta=10000.0, vocab_size=V)
    t = weights(c, 201)
    case("gemma", c, t, reads(), (gguf_keys("gemma", c), gguf_tensors(t, change=norms_plus_one)))


FOUR = {"post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
        "post_feedforward_layernorm": "post_ffw_norm"}


def gemma2():
    for name, scalar, seed in (("gemma2", 16, 202), ("gemma2-scalar", 36, 203)):
        c = config("Gemma2ForCausalLM", "gemma2", attention_bias=False, attn_logit_softcapping=2.5, bos_token_id=2,
                   cache_implementation="hybrid", eos_token_id=1, final_logit_softcapping=3.0, head_dim=16,
                   hidden_act="gelu_pytorch_tanh", hidden_activation="gelu_pytorch_tanh", hidden_size=D,
                   intermediate_size=F, max_position_embeddings=64, num_attention_heads=4, num_hidden_layers=4,
                   num_key_value_heads=2, pad_token_id=0, query_pre_attn_scalar=scalar, rms_norm_eps=0.002,
                   rope_theta=10000.0, sliding_window=6, sliding_window_size=6, vocab_size=V)
        t = weights(c, seed, True, last=2.0)
        # The converter writes no scalar: GGUF readers take the head size (or the 27B's own rule).
        keys = gguf_keys("gemma2", c) + f32("gemma2", attn_logit_softcapping=2.5, final_logit_softcapping=3.0)
        keys += u32("gemma2", attention__sliding_window=6)
        g = (keys, gguf_tensors(t, FOUR, change=norms_plus_one)) if scalar == 16 else None
        case(name, c, t, reads(True), g, T=18)


def gemma3_config(**keys):
    c = config("Gemma3ForCausalLM", "gemma3_text", attention_bias=False, attn_logit_softcapping=None, bos_token_id=2,
               cache_implementation="hybrid", eos_token_id=[1, 50], final_logit_softcapping=None, head_dim=16,
               hidden_activation="gelu_pytorch_tanh", hidden_size=D, intermediate_size=F, max_position_embeddings=128,
               num_attention_heads=4, num_hidden_layers=7, num_key_value_heads=2, pad_token_id=0,
               query_pre_attn_scalar=16, rms_norm_eps=0.002, rope_local_base_freq=10000.0,
               rope_scaling={"factor": 8.0, "rope_type": "linear"}, rope_theta=1000000.0, sliding_window=5,
               sliding_window_pattern=6, vocab_size=V)
    c.update(keys)
    return {k: v for k, v in c.items() if v != "absent"}


def gemma3_gguf(c, t):
    # text_keys writes the key and value length; the class then asks for the window.
    keys = text_keys("gemma3", c) + u32("gemma3", attention__sliding_window=c["sliding_window"])
    return keys, gguf_tensors(t, FOUR, change=norms_plus_one)


def gemma3():
    c = gemma3_config()
    t = weights(c, 204, True, True)
    # The 4B and larger come with a picture encoder: the text model is one part of config and names.
    text = {k: v for k, v in c.items() if k not in ("architectures", "eos_token_id", "bos_token_id")}
    whole = {"architectures": ["Gemma3ForConditionalGeneration"], "boi_token_index": 55, "eoi_token_index": 56,
             "eos_token_id": [1, 50], "image_token_index": 57, "initializer_range": 0.02, "mm_tokens_per_image": 256,
             "model_type": "gemma3", "text_config": text, "torch_dtype": "float32", "transformers_version": "4.51.3",
             "vision_config": {"hidden_size": 16, "image_size": 28, "model_type": "siglip_vision_model",
                               "num_hidden_layers": 1, "patch_size": 14}}
    named = {"language_model." + k: v for k, v in t.items()}
    named["multi_modal_projector.mm_input_projection_weight"] = t["model.norm.weight"].reshape(4, 16)
    named["vision_tower.vision_model.post_layernorm.weight"] = t["model.norm.weight"][:16]
    case("gemma3", c, t, reads(True, True), gemma3_gguf(c, t), T=20, context=64,
         folders={"-vision": (whole, named)})
    c = gemma3_config(query_pre_attn_scalar=30, rope_scaling=None, sliding_window_pattern="absent", num_hidden_layers=3,
                      layer_types=["sliding_attention", "full_attention", "sliding_attention"])
    t = weights(c, 205, True, True)
    case("gemma3-types", c, t, reads(True, True), None, T=20, context=64)
    c = gemma3_config(rope_scaling="absent", rope_theta="absent", rope_local_base_freq="absent", torch_dtype="absent",
                      dtype="float32", transformers_version="5.0.0", sliding_window_pattern="absent",
                      _sliding_window_pattern=6, use_bidirectional_attention=False, num_hidden_layers=6,
                      layer_types=["sliding_attention"] * 5 + ["full_attention"],
                      rope_parameters={"full_attention": {"factor": 8.0, "rope_theta": 1000000.0,
                                                          "rope_type": "linear"},
                                       "sliding_attention": {"rope_theta": 10000.0, "rope_type": "default"}})
    t = weights(c, 206, True, True)
    case("gemma3-v5", c, t, reads(True, True), gemma3_gguf(c, t), T=20, context=64)


for make in (gemma1, gemma2, gemma3):
    make()
