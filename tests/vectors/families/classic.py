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
               embd_pdrop=0.1, eos_token_id=V - 1, layer_norm_epsilon=1e-5, n_ctx=ctx, n_embd=D, n_head=H, n_layer=L,
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
    keys += f32("gpt2", attention__layer_norm_epsilon=1e-5)

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
                   layer_norm_eps=1e-5, max_position_embeddings=64, num_attention_heads=H, num_hidden_layers=L,
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
        keys += [("gptneox.use_parallel_residual", BOOL, parallel)] + f32("gptneox", attention__layer_norm_epsilon=1e-5)
        g = gguf_tensors(m.t, NEOX_LAYER, {"gpt_neox.embed_in": "token_embd", "embed_out": "output",
                                           "gpt_neox.final_layer_norm": "output_norm"}, change, "gpt_neox.layers.")
        case(name, c, m.t, reads_neox, (keys, g))


for make in (gpt2, neox):
    make()
