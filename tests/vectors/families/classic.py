"""Families with LayerNorm: GPT-2, GPT-NeoX, StarCoder2, Falcon, StableLM, Nemotron, Command R, Cohere 2."""
import numpy as np

import decode as d
from common import Make, Read, case, config, f32, gguf_tensors, head_dim, start, text_keys, tied_mean, u32
from store import BOOL, STRING

V = 55


# ---------------------------------------------------------------- GPT-2
def reads_gpt2(prefix):
    def build(c, t):
        r, blocks, eps, D, H = Read(t), [], c["layer_norm_epsilon"], c["n_embd"], c["n_head"]

        def conv(name):  # its makers' Conv1D: [in][out]
            return d.linear(t[prefix + name + ".weight"].T, t[prefix + name + ".bias"])

        def part(name, n):
            w, b = t[prefix + name + ".weight"].T, t[prefix + name + ".bias"]
            return d.linear(w[n * D:(n + 1) * D], b[n * D:(n + 1) * D])
        for l in range(c["n_layer"]):
            p = "h.%d." % l
            attn = d.attention(part(p + "attn.c_attn", 0), part(p + "attn.c_attn", 1), part(p + "attn.c_attn", 2),
                               conv(p + "attn.c_proj"), H, H, D // H)
            blocks.append(d.block(attn, d.plain(conv(p + "mlp.c_fc"), conv(p + "mlp.c_proj"), d.gelu_tanh),
                                  r.ln(prefix + p + "ln_1", eps), r.ln(prefix + p + "ln_2", eps)))
        return d.model(t[prefix + "wte.weight"], blocks, r.ln(prefix + "ln_f", eps),
                       d.linear(t[prefix + "wte.weight"]), positions=t[prefix + "wpe.weight"])
    return build


GPT2_LAYER = {"ln_1": "attn_norm", "ln_2": "ffn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output",
              "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}


def gpt2():
    D, H, L, ctx = 32, 4, 2, 48
    c = config("GPT2LMHeadModel", "gpt2", activation_function="gelu_new", attn_pdrop=0.1, bos_token_id=V - 1,
               embd_pdrop=0.1, eos_token_id=V - 1, layer_norm_epsilon=0.003, n_ctx=ctx, n_embd=D, n_head=H, n_layer=L,
               n_positions=ctx, resid_pdrop=0.1, summary_activation=None, summary_first_dropout=0.1,
               summary_proj_to_labels=True, summary_type="cls_index", summary_use_proj=True, vocab_size=V,
               task_specific_params={"text-generation": {"do_sample": True, "max_length": 50}})
    m = Make(401)
    m.embed("wte", V, D, 0.4)
    m.embed("wpe", ctx, D, 0.4)
    for l in range(L):
        p = "h.%d." % l
        m.norm(p + "ln_1", D, True)
        m.norm(p + "ln_2", D, True)
        for name, n_in, n_out, gain in (("attn.c_attn", D, 3 * D, 1.3), ("attn.c_proj", D, D, 1.0),
                                        ("mlp.c_fc", D, 4 * D, 1.4), ("mlp.c_proj", 4 * D, D, 1.0)):
            m.lin(p + name, n_out, n_in, True, gain)
            m.put(p + name + ".weight", m.t[p + name + ".weight"].T)
    m.norm("ln_f", D, True, mean=tied_mean(D, 0.4))
    keys = start("gpt2", c) + u32("gpt2", block_count=L, context_length=ctx, embedding_length=D,
                                  feed_forward_length=4 * D, attention__head_count=H)
    keys += f32("gpt2", attention__layer_norm_epsilon=0.003)

    def change(name, a):
        return a.T.copy() if ".c_" in name and name.endswith(".weight") else a
    g = gguf_tensors(m.t, GPT2_LAYER, {"wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm"}, change,
                     "h.")
    bare = dict(m.t)  # the first GPT-2's files: no prefix, and the causal mask among the tensors
    for l in range(L):
        bare["h.%d.attn.bias" % l] = np.tril(np.ones((1, 1, ctx, ctx), dtype=np.float32))
    named = {"transformer." + k: v for k, v in m.t.items()}
    case("gpt2", c, bare, reads_gpt2(""), (keys, g), context=40, folders={"-prefix": (c, named)})


# ---------------------------------------------------------------- GPT-NeoX
def reads_neox(c, t):
    r, blocks, eps, D, H = Read(t), [], c["layer_norm_eps"], c["hidden_size"], c["num_attention_heads"]
    K = D // H
    turn = d.rotation(d.frequencies(c["rotary_emb_base"], int(K * c["rotary_pct"])))
    for l in range(c["num_hidden_layers"]):
        p = "gpt_neox.layers.%d." % l
        w = t[p + "attention.query_key_value.weight"].reshape(H, 3, K, D)  # each head's q, k, v together
        b = t[p + "attention.query_key_value.bias"].reshape(H, 3, K)
        q, k, v = (d.linear(w[:, n].reshape(D, D), b[:, n].reshape(D)) for n in range(3))
        attn = d.attention(q, k, v, r.lin(p + "attention.dense"), H, H, K, turn=turn)
        ffn = d.plain(r.lin(p + "mlp.dense_h_to_4h"), r.lin(p + "mlp.dense_4h_to_h"), d.ACTIVATIONS[c["hidden_act"]])
        blocks.append(d.block(attn, ffn, r.ln(p + "input_layernorm", eps), r.ln(p + "post_attention_layernorm", eps),
                              parallel=c["use_parallel_residual"]))
    return d.model(t["gpt_neox.embed_in.weight"], blocks, r.ln("gpt_neox.final_layer_norm", eps), r.lin("embed_out"))


NEOX_LAYER = {"attention.query_key_value": "attn_qkv", "attention.dense": "attn_output",
              "mlp.dense_h_to_4h": "ffn_up", "mlp.dense_4h_to_h": "ffn_down"}


def neox():
    D, H, L, F = 64, 4, 2, 256
    for name, parallel, pct, seed in (("neox", True, 0.25, 402), ("neox-serial", False, 1.0, 403)):
        c = config("GPTNeoXForCausalLM", "gpt_neox", attention_bias=True, bos_token_id=0, classifier_dropout=0.1,
                   eos_token_id=0, hidden_act="gelu", hidden_dropout=0.0, hidden_size=D, intermediate_size=F,
                   layer_norm_eps=0.003, max_position_embeddings=64, num_attention_heads=H, num_hidden_layers=L,
                   rope_scaling=None, rotary_emb_base=10000, rotary_pct=pct, tie_word_embeddings=False,
                   use_parallel_residual=parallel, vocab_size=V)
        m = Make(seed)
        m.embed("gpt_neox.embed_in", V, D)
        for l in range(L):
            p = "gpt_neox.layers.%d." % l
            m.norm(p + "input_layernorm", D, True)
            m.norm(p + "post_attention_layernorm", D, True)
            m.lin(p + "attention.query_key_value", 3 * D, D, True, 1.3)
            m.lin(p + "attention.dense", D, D, True)
            m.lin(p + "mlp.dense_h_to_4h", F, D, True, 1.4)
            m.lin(p + "mlp.dense_4h_to_h", D, F, True)
            # Buffers that Pythia's files carry: the mask, its fill and the frequencies.
            m.t[p + "attention.bias"] = np.tril(np.ones((1, 1, 64, 64), dtype=np.uint8))
            m.t[p + "attention.masked_bias"] = np.array(-1e9, dtype=np.float32)
            m.t[p + "attention.rotary_emb.inv_freq"] = d.frequencies(10000.0, int(16 * pct)).astype(np.float32)
        m.norm("gpt_neox.final_layer_norm", D, True)
        m.lin("embed_out", V, D)

        def change(name, a):
            if "query_key_value" not in name:
                return a
            return np.concatenate([a.reshape((H, 3, D // H) + a.shape[1:])[:, n].reshape((D,) + a.shape[1:])
                                   for n in range(3)])
        keys = start("gptneox", c) + u32(
            "gptneox", context_length=64, embedding_length=D, block_count=L, feed_forward_length=F,
            rope__dimension_count=int(pct * (D // H)), attention__head_count=H)
        keys += [("gptneox.use_parallel_residual", BOOL, parallel)] + f32("gptneox", attention__layer_norm_epsilon=0.003)
        g = gguf_tensors(m.t, NEOX_LAYER, {"gpt_neox.embed_in": "token_embd", "embed_out": "output",
                                           "gpt_neox.final_layer_norm": "output_norm"}, change, "gpt_neox.layers.")
        case(name, c, m.t, reads_neox, (keys, g))


# ---------------------------------------------------------------- StarCoder2
def reads_starcoder2(c, t):
    r, blocks, eps = Read(t), [], c["norm_epsilon"]
    H, G, K = c["num_attention_heads"], c["num_key_value_heads"], head_dim(c)
    turn = d.rotation(d.frequencies(c["rope_theta"], K))
    for l in range(c["num_hidden_layers"]):
        p = "model.layers.%d." % l
        a = p + "self_attn."
        attn = d.attention(r.lin(a + "q_proj"), r.lin(a + "k_proj"), r.lin(a + "v_proj"), r.lin(a + "o_proj"), H, G, K,
                           turn=turn, window=c["sliding_window"])
        ffn = d.plain(r.lin(p + "mlp.c_fc"), r.lin(p + "mlp.c_proj"), d.gelu_tanh)
        blocks.append(d.block(attn, ffn, r.ln(p + "input_layernorm", eps), r.ln(p + "post_attention_layernorm", eps)))
    return d.model(t["model.embed_tokens.weight"], blocks, r.ln("model.norm", eps), r.head(c["tie_word_embeddings"]))


def starcoder2():
    D, H, G, L, F = 64, 4, 2, 2, 128
    for name, window, tied, seed in (("starcoder2", None, True, 404), ("starcoder2-window", 5, False, 405)):
        c = config("Starcoder2ForCausalLM", "starcoder2", bos_token_id=0, embedding_dropout=0.1, eos_token_id=0,
                   hidden_act="gelu_pytorch_tanh", hidden_size=D, intermediate_size=F, layer_norm_epsilon=0.003,
                   max_position_embeddings=64, mlp_type="default", norm_epsilon=0.003, norm_type="layer_norm",
                   num_attention_heads=H, num_hidden_layers=L, num_key_value_heads=G, residual_dropout=0.1,
                   rope_theta=100000.0, sliding_window=window, tie_word_embeddings=tied, use_bias=True, vocab_size=V)
        m = Make(seed)
        m.embed("model.embed_tokens", V, D)
        for l in range(L):
            p = "model.layers.%d." % l
            m.norm(p + "input_layernorm", D, True)
            m.norm(p + "post_attention_layernorm", D, True)
            m.attention(p + "self_attn.", D, H, G, D // H, True, True)
            m.lin(p + "mlp.c_fc", F, D, True, 1.4)
            m.lin(p + "mlp.c_proj", D, F, True, 1.4)
        m.norm("model.norm", D, True, mean=tied_mean(D) if tied else 1.0)
        if not tied:
            m.lin("lm_head", V, D)
        g = gguf_tensors(m.t, {"mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"})
        case(name, c, m.t, reads_starcoder2, None if window else (text_keys("starcoder2", c), g), T=18)


# ---------------------------------------------------------------- Falcon
def reads_falcon(c, t):
    """q, k, v in groups: the queries that share a key head, then that key and value."""
    r, blocks, eps, D, H = Read(t), [], c["layer_norm_epsilon"], c["hidden_size"], c["num_attention_heads"]
    new = c["new_decoder_architecture"]
    G, K = c["num_kv_heads"] if new else 1, D // H
    turn = d.rotation(d.frequencies(c.get("rope_theta", 10000.0), K))
    for l in range(c["num_hidden_layers"]):
        p = "transformer.h.%d." % l
        w = t[p + "self_attention.query_key_value.weight"].reshape(G, H // G + 2, K, D)
        q, k, v = (d.linear(x.reshape(-1, D)) for x in (w[:, :-2], w[:, -2], w[:, -1]))
        attn = d.attention(q, k, v, r.lin(p + "self_attention.dense"), H, G, K, turn=turn)
        ffn = d.plain(r.lin(p + "mlp.dense_h_to_4h"), r.lin(p + "mlp.dense_4h_to_h"), d.gelu_erf)
        one = r.ln(p + ("ln_attn" if new else "input_layernorm"), eps)
        blocks.append(d.block(attn, ffn, one, r.ln(p + "ln_mlp", eps) if new else one, parallel=True))
    return d.model(t["transformer.word_embeddings.weight"], blocks, r.ln("transformer.ln_f", eps),
                   r.head(True, "transformer.word_embeddings"))


FALCON_LAYER = {"self_attention.query_key_value": "attn_qkv", "self_attention.dense": "attn_output",
                "mlp.dense_h_to_4h": "ffn_up", "mlp.dense_4h_to_h": "ffn_down", "ln_mlp": "attn_norm",
                "ln_attn": "attn_norm_2"}


def falcon():
    D, H, L = 64, 4, 2
    for name, G, seed in (("falcon-7b", 1, 406), ("falcon-40b", 2, 407)):
        new = G > 1
        c = config("FalconForCausalLM", "falcon", alibi=False, apply_residual_connection_post_layernorm=False,
                   bias=False, bos_token_id=11, eos_token_id=11, hidden_dropout=0.0, hidden_size=D,
                   layer_norm_epsilon=0.003, multi_query=True, new_decoder_architecture=new, num_attention_heads=H,
                   num_hidden_layers=L, parallel_attn=True, vocab_size=V)
        if new:
            c["num_kv_heads"] = G
        m, K = Make(seed), D // H
        m.embed("transformer.word_embeddings", V, D)
        for l in range(L):
            p = "transformer.h.%d." % l
            for n in ("ln_attn", "ln_mlp") if new else ("input_layernorm",):
                m.norm(p + n, D, True)
            m.lin(p + "self_attention.query_key_value", (H + 2 * G) * K, D, gain=1.3)
            m.lin(p + "self_attention.dense", D, D)
            m.lin(p + "mlp.dense_h_to_4h", 4 * D, D, gain=1.4)
            m.lin(p + "mlp.dense_4h_to_h", D, 4 * D)
        m.norm("transformer.ln_f", D, True, mean=tied_mean(D))

        def change(name, a, G=G, K=K):
            if "query_key_value" not in name:
                return a
            w = a.reshape(G, H // G + 2, K, D)
            return np.concatenate([x.reshape(-1, D) for x in (w[:, :-2], w[:, -2], w[:, -1])])
        keys = start("falcon", c) + u32("falcon", context_length=2048) + [
            ("falcon.tensor_data_layout", STRING, "jploski")] + u32(
            "falcon", embedding_length=D, feed_forward_length=4 * D, block_count=L, attention__head_count=H,
            attention__head_count_kv=G) + f32("falcon", attention__layer_norm_epsilon=0.003)
        if not new:  # its files hold the tied head a second time
            m.t["lm_head.weight"] = m.t["transformer.word_embeddings.weight"]
        g = gguf_tensors(m.t, FALCON_LAYER, {"transformer.word_embeddings": "token_embd",
                                             "transformer.ln_f": "output_norm"}, change, "transformer.h.")
        case(name, c, m.t, reads_falcon, (keys, g))


# ---------------------------------------------------------------- StableLM
def reads_stablelm(c, t):
    r, blocks, eps = Read(t), [], c["layer_norm_eps"]
    H, G, K = c["num_attention_heads"], c["num_key_value_heads"], head_dim(c)
    turn = d.rotation(d.frequencies(c["rope_theta"], int(K * c["partial_rotary_factor"])))
    for l in range(c["num_hidden_layers"]):
        p = "model.layers.%d." % l
        a, qn, kn = p + "self_attn.", None, None
        if c["qk_layernorm"]:  # each head by itself, with weights of its own
            qn, kn = (d.layer_norm(np.stack([t["%s%s_layernorm.norms.%d.weight" % (a, x, h)] for h in range(n)]), None,
                                   eps) for x, n in (("q", H), ("k", G)))
        attn = d.attention(r.lin(a + "q_proj"), r.lin(a + "k_proj"), r.lin(a + "v_proj"), r.lin(a + "o_proj"), H, G, K,
                           qn, kn, turn)
        n = r.ln(p + "input_layernorm", eps)
        par = c["use_parallel_residual"]
        blocks.append(d.block(attn, r.swiglu(p + "mlp."), n, n if par else r.ln(p + "post_attention_layernorm", eps),
                              parallel=par))
    return d.model(t["model.embed_tokens.weight"], blocks, r.ln("model.norm", eps), r.head(False))


def stablelm():
    D, H, L, F = 64, 4, 2, 96
    for name, parallel, qk, bias, G, seed in (("stablelm", False, False, True, 4, 408),
                                              ("stablelm-parallel", True, True, False, 2, 409)):
        c = config("StableLmForCausalLM", "stablelm", bos_token_id=0, eos_token_id=0, hidden_act="silu",
                   hidden_dropout=0.0, hidden_size=D, intermediate_size=F, layer_norm_eps=0.003,
                   max_position_embeddings=64, num_attention_heads=H, num_hidden_layers=L, num_key_value_heads=G,
                   partial_rotary_factor=0.25, qk_layernorm=qk, rope_theta=10000, tie_word_embeddings=False,
                   use_parallel_residual=parallel, use_qkv_bias=bias, vocab_size=V)
        m, K = Make(seed), D // H
        m.embed("model.embed_tokens", V, D)
        for l in range(L):
            p = "model.layers.%d." % l
            m.norm(p + "input_layernorm", D, True)
            if not parallel:
                m.norm(p + "post_attention_layernorm", D, True)
            m.attention(p + "self_attn.", D, H, G, K, bias)
            for x, n in (("q", H), ("k", G)) if qk else ():
                for h in range(n):
                    m.norm("%sself_attn.%s_layernorm.norms.%d" % (p, x, h), K, mean=1.4)
            m.swiglu(p + "mlp.", D, F)
        m.norm("model.norm", D, True)
        m.lin("lm_head", V, D)
        stacked = {k: v for k, v in m.t.items() if ".norms." not in k}
        for l in range(L) if qk else ():
            for x, n in (("q", H), ("k", G)):
                stem = "model.layers.%d.self_attn.%s_layernorm" % (l, x)
                stacked[stem + ".weight"] = np.stack([m.t["%s.norms.%d.weight" % (stem, h)] for h in range(n)])
        keys = start("stablelm", c) + u32(
            "stablelm", context_length=64, embedding_length=D, block_count=L, feed_forward_length=F,
            rope__dimension_count=K // 4, attention__head_count=H, attention__head_count_kv=G)
        keys += [("stablelm.use_parallel_residual", BOOL, parallel)]
        keys += f32("stablelm", attention__layer_norm_epsilon=0.003)
        g = gguf_tensors(stacked, {"self_attn.q_layernorm": "attn_q_norm", "self_attn.k_layernorm": "attn_k_norm"})
        case(name, c, m.t, reads_stablelm, (keys, g))


# ---------------------------------------------------------------- Nemotron
def reads_nemotron(c, t):
    """LayerNorm stored less one, squared ReLU without a gate."""
    r, blocks, eps = Read(t), [], c["norm_eps"]
    H, G, K = c["num_attention_heads"], c["num_key_value_heads"], head_dim(c)
    turn = d.rotation(d.frequencies(c["rope_theta"], int(K * c["partial_rotary_factor"])))
    for l in range(c["num_hidden_layers"]):
        p = "model.layers.%d." % l
        a = p + "self_attn."
        attn = d.attention(r.lin(a + "q_proj"), r.lin(a + "k_proj"), r.lin(a + "v_proj"), r.lin(a + "o_proj"), H, G, K,
                           turn=turn)
        blocks.append(d.block(attn, d.plain(r.lin(p + "mlp.up_proj"), r.lin(p + "mlp.down_proj"), d.relu2),
                              r.ln(p + "input_layernorm", eps, True), r.ln(p + "post_attention_layernorm", eps, True)))
    return d.model(t["model.embed_tokens.weight"], blocks, r.ln("model.norm", eps, True), r.head(False))


def nemotron():
    D, H, G, L, F = 64, 4, 2, 2, 128
    c = config("NemotronForCausalLM", "nemotron", attention_bias=False, bos_token_id=2, eos_token_id=3,
               head_dim=D // H, hidden_act="relu2", hidden_dropout=0.0, hidden_size=D, intermediate_size=F,
               max_position_embeddings=64, mlp_bias=False, norm_eps=0.003, num_attention_heads=H, num_hidden_layers=L,
               num_key_value_heads=G, partial_rotary_factor=0.5, rope_theta=10000, tie_word_embeddings=False,
               vocab_size=V)
    m = Make(410)
    m.embed("model.embed_tokens", V, D)
    for l in range(L):
        p = "model.layers.%d." % l
        m.norm(p + "input_layernorm", D, True, mean=0.0)
        m.norm(p + "post_attention_layernorm", D, True, mean=0.0)
        m.attention(p + "self_attn.", D, H, G, D // H)
        m.lin(p + "mlp.up_proj", F, D)
        m.lin(p + "mlp.down_proj", D, F)
    m.norm("model.norm", D, True, mean=0.0)
    m.lin("lm_head", V, D)
    keys = text_keys("nemotron", c) + u32("nemotron", vocab_size=V)
    keys += f32("nemotron", attention__layer_norm_epsilon=0.003) + u32("nemotron", rope__dimension_count=D // H // 2)
    keys += [("nemotron.rope.scaling.type", STRING, "none")]
    g = gguf_tensors(m.t, change=lambda n, a: a + np.float32(1) if n.endswith("norm.weight") else a)
    case("nemotron", c, m.t, reads_nemotron, (keys, g))


# ---------------------------------------------------------------- Command R, Cohere 2
def reads_cohere(c, t):
    """Attention and feed-forward read the same norm; pairs that turn are adjacent. Cohere 2: three
    layers of four see a window and turn, the fourth sees all and does not turn."""
    r, blocks, eps = Read(t), [], c["layer_norm_eps"]
    H, G, K = c["num_attention_heads"], c["num_key_value_heads"], head_dim(c)
    turn = d.rotation(d.frequencies(c["rope_theta"], K), adjacent=True)
    for l in range(c["num_hidden_layers"]):
        p = "model.layers.%d." % l
        a, qn, kn = p + "self_attn.", None, None
        if c.get("use_qk_norm"):
            qn, kn = r.ln(a + "q_norm", eps), r.ln(a + "k_norm", eps)
        local = c["model_type"] == "cohere2" and (l + 1) % c["sliding_window_pattern"] != 0
        attn = d.attention(r.lin(a + "q_proj"), r.lin(a + "k_proj"), r.lin(a + "v_proj"), r.lin(a + "o_proj"), H, G, K,
                           qn, kn, turn if local or c["model_type"] == "cohere" else None,
                           c["sliding_window"] if local else None)
        n = r.ln(p + "input_layernorm", eps)
        blocks.append(d.block(attn, r.swiglu(p + "mlp."), n, n, parallel=True))
    return d.model(t["model.embed_tokens.weight"], blocks, r.ln("model.norm", eps), r.head(True),
                   logit_scale=c["logit_scale"])


def cohere():
    D, F = 64, 96
    for name, H, G, L, keys, seed in (
            ("command-r", 4, 2, 2, {"use_qk_norm": False}, 411), ("command-r-qknorm", 4, 4, 2, {"use_qk_norm": True}, 412),
            ("cohere2", 4, 2, 4, {"cache_implementation": "hybrid", "head_dim": 16,
                                  "order_of_interleaved_layers": "local_attn_first",
                                  "position_embedding_type": "rope_gptj", "rotary_pct": 1.0, "sliding_window": 5,
                                  "sliding_window_pattern": 4, "use_embedding_sharing": True,
                                  "use_gated_activation": True, "use_parallel_block": True,
                                  "use_parallel_embedding": True}, 413)):
        two = name == "cohere2"
        c = config("Cohere2ForCausalLM" if two else "CohereForCausalLM", "cohere2" if two else "cohere",
                   attention_bias=False, bos_token_id=5, eos_token_id=50, hidden_act="silu", hidden_size=D,
                   intermediate_size=F, layer_norm_eps=0.003, logit_scale=0.0625, max_position_embeddings=64,
                   num_attention_heads=H, num_hidden_layers=L, num_key_value_heads=G, pad_token_id=0,
                   rope_theta=50000.0, vocab_size=V, **keys)
        m, K = Make(seed), D // H
        m.embed("model.embed_tokens", V, D)
        for l in range(L):
            p = "model.layers.%d." % l
            m.norm(p + "input_layernorm", D)
            m.attention(p + "self_attn.", D, H, G, K)
            if c.get("use_qk_norm"):
                m.norm(p + "self_attn.q_norm", (H, K), mean=1.4)
                m.norm(p + "self_attn.k_norm", (G, K), mean=1.4)
            m.swiglu(p + "mlp.", D, F)
        m.norm("model.norm", D, mean=16 * tied_mean(D))
        arch = "cohere2" if two else "command-r"
        keys = text_keys(arch, c) + f32(arch, logit_scale=0.0625)
        if two:
            keys += u32(arch, attention__sliding_window=5, vocab_size=V, rope__dimension_count=K)
        keys += [(arch + ".rope.scaling.type", STRING, "none")]
        case(name, c, m.t, reads_cohere, (keys, gguf_tensors(m.t)), T=18)


for make in (gpt2, neox, starcoder2, falcon, stablelm, nemotron, cohere):
    make()
