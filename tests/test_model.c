/* test_model.c -- section MODEL: configuration and weights out of files, and back into one */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"
#include "make_gguf.h"

static llmc_diag seen;

/* A model opened from memory; free opened.mem afterwards. */
typedef struct opened {
    llmc_model *model;
    void *mem;
} opened;

static llmc_status open_model(opened *o, const void *data, size_t size, const llmc_model_options *opt)
{
    llmc_blob file;
    llmc_status status;
    size_t need = 0;
    file.data = data;
    file.size = size;
    file.name = "t.gguf";
    memset(&seen, 0, sizeof seen);
    o->model = NULL;
    o->mem = NULL;
    status = llmc_model_need(&file, 1, opt, &need, &seen);
    if (status != LLMC_OK)
        return status;
    o->mem = malloc(need);
    status = llmc_model_init(&o->model, &file, 1, opt, o->mem, need, &seen);
    CHECK((status == LLMC_OK) == (o->model != NULL));
    return status;
}

static void close_model(opened *o)
{
    free(o->mem);
    o->mem = NULL;
    o->model = NULL;
}

/* The maker's model must open with this status, and name this word if it fails. */
static void expect(maker *m, llmc_status want, const char *word)
{
    opened o;
    llmc_status got;
    make_finish(m);
    got = open_model(&o, m->out.data, m->out.size, NULL);
    CHECKF(got == want, "status %d, expected %d (%s): %s", (int)got, (int)want, word, seen.message);
    if (want != LLMC_OK)
        CHECKF(strstr(seen.message, word) != NULL && strstr(seen.message, "t.gguf") != NULL,
               "'%s' does not name '%s'", seen.message, word);
    close_model(&o);
    make_end(m);
    make_begin(m);
}

/* Every value of a tensor, read row by row, against the name it was made from. */
static void check_tensor(const llmc_tensor *t, const char *name, uint64_t cols, uint64_t rows)
{
    float row[64];
    uint64_t r, c;
    if (!CHECKF(t != NULL, "no %s", name) ||
        !CHECKF(t->dim[0] == cols && t->dim[1] == (rows == 0 ? 1 : rows), "%s", name))
        return;
    for (r = 0; r < t->dim[1]; r++) {
        CHECK(llmc_tensor_row(t, r, row) == LLMC_OK);
        for (c = 0; c < cols; c++)
            if (!CHECKF(row[c] == tensor_value(name, r * cols + c), "%s[%u][%u]", name, (unsigned)r,
                        (unsigned)c))
                return;
    }
    CHECK(llmc_tensor_row(t, t->dim[1], row) == LLMC_BAD_ARG);
}

static void check_tiny(const llmc_model *m, bool tied)
{
    const llmc_config *c = llmc_model_config(m);
    uint32_t l;
    CHECK(strcmp(c->family, "llama") == 0 && c->vocab_size == TINY_V && c->n_layer == TINY_L &&
          c->n_embd == TINY_D);
    CHECK(c->n_head == TINY_H && c->n_kv_head == TINY_G && c->head_dim == TINY_K && c->n_ff == TINY_F);
    CHECK(c->context_length == TINY_C && c->norm == LLMC_NORM_RMS && c->norm_eps == (float)1e-5f &&
          c->pos == LLMC_POS_ROPE);
    CHECK(c->rope == LLMC_ROPE_ADJACENT && c->rope_dims == TINY_K && c->rope_base == 10000 &&
          c->rope_factor == 1);
    CHECK(c->act == LLMC_ACT_SILU && c->gated && c->tied_head == tied);
    check_tensor(llmc__global(m, LLMC__W_EMBED), "token_embd.weight", TINY_D, TINY_V);
    check_tensor(llmc__global(m, LLMC__W_OUT_NORM), "output_norm.weight", TINY_D, 0);
    if (tied)
        CHECK(llmc__global(m, LLMC__W_HEAD) == llmc__global(m, LLMC__W_EMBED));
    else
        check_tensor(llmc__global(m, LLMC__W_HEAD), "output.weight", TINY_D, TINY_V);
    for (l = 0; l < TINY_L; l++) {
        check_tensor(llmc__weight(m, l, LLMC__W_ATTN_NORM), layer_name(l, "attn_norm.weight"), TINY_D, 0);
        check_tensor(llmc__weight(m, l, LLMC__W_Q), layer_name(l, "attn_q.weight"), TINY_D, TINY_D);
        check_tensor(llmc__weight(m, l, LLMC__W_K), layer_name(l, "attn_k.weight"), TINY_D, TINY_G * TINY_K);
        check_tensor(llmc__weight(m, l, LLMC__W_V), layer_name(l, "attn_v.weight"), TINY_D, TINY_G * TINY_K);
        check_tensor(llmc__weight(m, l, LLMC__W_O), layer_name(l, "attn_output.weight"), TINY_D, TINY_D);
        check_tensor(llmc__weight(m, l, LLMC__W_FFN_NORM), layer_name(l, "ffn_norm.weight"), TINY_D, 0);
        check_tensor(llmc__weight(m, l, LLMC__W_GATE), layer_name(l, "ffn_gate.weight"), TINY_D, TINY_F);
        check_tensor(llmc__weight(m, l, LLMC__W_DOWN), layer_name(l, "ffn_down.weight"), TINY_F, TINY_D);
        check_tensor(llmc__weight(m, l, LLMC__W_UP), layer_name(l, "ffn_up.weight"), TINY_D, TINY_F);
        CHECK(llmc__weight(m, l, LLMC__W_Q_B) == NULL && llmc__weight(m, l, LLMC__W_O_B) == NULL);
    }
}

static void test_llama(void)
{
    const uint64_t kv = TINY_G * TINY_K;
    const uint64_t floats =
        TINY_V * TINY_D + TINY_D +
        TINY_L * (2 * TINY_D + 2 * TINY_D * TINY_D + 2 * TINY_D * kv + 3 * TINY_D * TINY_F);
    maker m;
    opened o;
    make_begin(&m);
    tiny_llama(&m);
    if (CHECKF(open_model(&o, m.out.data, m.out.size, NULL) == LLMC_OK, "%s", seen.message)) {
        check_tiny(o.model, true);
        CHECK(strcmp(llmc_model_config(o.model)->name, "tiny") == 0);
        CHECK(llmc_model_tensor_count(o.model) == 2 + 9 * TINY_L &&
              llmc_model_tensor(o.model, 2 + 9 * TINY_L) == NULL);
        CHECK(strcmp(llmc_model_tensor(o.model, 0)->name, "token_embd.weight") == 0);
        CHECK(llmc_model_weight_bytes(o.model) == 4 * floats);
        CHECK(llmc_model_file_kind(o.model) == LLMC_FILE_GGUF);
        CHECK(llmc_model_tokenizer(o.model) != NULL && llmc_model_chat_template(o.model, NULL) == NULL);
    }
    close_model(&o);
    make_end(&m);
    make_begin(&m); /* an untied head, biases, a template, no tokenizer, a name cut inside a character */
    m.skip[0] = "general.name";
    tiny_llama_keys(&m);
    m.skip[0] = NULL;
    key_str(&m, "general.name", "0123456789012345678901234567890123456789012345678901234567890\xe2\x96\x81");
    key_str(&m, "tokenizer.chat_template", "{{ x }}");
    tiny_llama_tensors(&m, 1);
    tensor_f32(&m, "blk.0.attn_q.bias", TINY_D, 0);
    tensor_f32(&m, "blk.1.attn_q.bias", TINY_D, 0);
    make_finish(&m);
    if (CHECKF(open_model(&o, m.out.data, m.out.size, NULL) == LLMC_OK, "%s", seen.message)) {
        size_t len = 0;
        CHECK(!llmc_model_config(o.model)->tied_head && llmc_model_tokenizer(o.model) == NULL);
        CHECK(strlen(llmc_model_config(o.model)->name) == 61);
        check_tensor(llmc__global(o.model, LLMC__W_HEAD), "output.weight", TINY_D, TINY_V);
        check_tensor(llmc__weight(o.model, 1, LLMC__W_Q_B), "blk.1.attn_q.bias", TINY_D, 0);
        check_tensor(llmc__weight(o.model, 0, LLMC__W_Q_B), "blk.0.attn_q.bias", TINY_D, 0);
        CHECK(memcmp(llmc_model_chat_template(o.model, &len), "{{ x }}", 7) == 0 && len == 7);
    }
    close_model(&o);
    make_end(&m);
}

/* One of the little model's keys replaced. */
static void replaced(maker *m, const char *key)
{
    m->skip[0] = key;
    tiny_llama(m);
}

static void test_hyper(void)
{
    static const char *const needed[] = {
        "llama.block_count",         "llama.context_length",       "llama.embedding_length",
        "llama.feed_forward_length", "llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon"};
    static const uint32_t bad[] = {0, 0x80000000u, UINT32_MAX};
    maker m;
    unsigned i, j;
    make_begin(&m);
    for (i = 0; i < 6; i++) {
        replaced(&m, needed[i]);
        expect(&m, LLMC_BAD_FILE, needed[i]);
        key_str(&m, needed[i], "8");
        replaced(&m, needed[i]);
        expect(&m, LLMC_BAD_FILE, needed[i]);
        key_u32(&m, needed[i], 8);
        tiny_llama(&m);
        expect(&m, LLMC_BAD_FILE, "twice");
        if (i == 5)
            break;
        key_int(&m, needed[i], 5, 4, (uint64_t)-8);
        replaced(&m, needed[i]);
        expect(&m, LLMC_BAD_FILE, needed[i]);
        key_array(&m, needed[i], 4, 2);
        put_int(&m.keys, 0x100000002, 8); /* 2, 1 */
        replaced(&m, needed[i]);
        if (i == 3 || i == 4) /* feed-forward and heads */
            expect(&m, LLMC_UNSUPPORTED, "layer to layer");
        else
            expect(&m, LLMC_BAD_FILE, "must be a whole number");
        for (j = 0; j < 3; j++) {
            key_u32(&m, needed[i], bad[j]);
            replaced(&m, needed[i]);
            expect(&m, LLMC_BAD_FILE, needed[i]);
        }
    }
    make_end(&m);
}

static void hyper_f32(maker *m, const char *key, float v, llmc_status want)
{
    key_f32(m, key, v);
    m->skip[0] = key;
    tiny_llama(m);
    expect(m, want, key);
}

static void hyper_u32(maker *m, const char *key, uint32_t v, llmc_status want, const char *word)
{
    key_u32(m, key, v);
    m->skip[0] = key;
    tiny_llama(m);
    expect(m, want, word);
}

static void test_hyper_values(void)
{
    static const char *const expert[] = {"llama.expert_used_count",       "llama.expert_feed_forward_length",
                                         "llama.expert_shared_count",     "llama.expert_group_count",
                                         "llama.expert_group_used_count", "llama.leading_dense_block_count"};
    float inf = llmc__bits_f32(0x7f800000u), nan = llmc__bits_f32(0x7fc00000u);
    size_t i;
    maker m;
    make_begin(&m);
    hyper_f32(&m, "llama.attention.layer_norm_rms_epsilon", 0, LLMC_BAD_FILE);
    hyper_f32(&m, "llama.attention.layer_norm_rms_epsilon", -1e-5f, LLMC_BAD_FILE);
    hyper_f32(&m, "llama.attention.layer_norm_rms_epsilon", inf, LLMC_BAD_FILE);
    hyper_f32(&m, "llama.attention.layer_norm_rms_epsilon", nan, LLMC_BAD_FILE);
    hyper_f32(&m, "llama.rope.freq_base", 500000, LLMC_OK);
    hyper_f32(&m, "llama.rope.freq_base", 0, LLMC_BAD_FILE);
    hyper_f32(&m, "llama.rope.freq_base", nan, LLMC_BAD_FILE);
    hyper_f32(&m, "llama.rope.freq_base", inf, LLMC_BAD_FILE);
    hyper_f32(&m, "llama.rope.scaling.factor", 4, LLMC_OK);
    hyper_f32(&m, "llama.rope.scaling.factor", 0, LLMC_OK);
    hyper_f32(&m, "llama.rope.scaling.factor", -1, LLMC_BAD_FILE);
    hyper_f32(&m, "llama.rope.scaling.factor", nan, LLMC_BAD_FILE);
    hyper_f32(&m, "llama.rope.scaling.attn_factor", 1, LLMC_OK);
    hyper_f32(&m, "llama.rope.scaling.attn_factor", 2, LLMC_OK);
    hyper_f32(&m, "llama.logit_scale", 1, LLMC_OK);
    hyper_f32(&m, "llama.logit_scale", 0.5f, LLMC_OK);
    hyper_f32(&m, "llama.final_logit_softcapping", 30, LLMC_OK);
    hyper_f32(&m, "llama.attn_logit_softcapping", nan, LLMC_BAD_FILE);
    hyper_f32(&m, "llama.attention.scale", 0, LLMC_OK);
    hyper_u32(&m, "llama.expert_count", 0, LLMC_OK, "");
    hyper_u32(&m, "llama.expert_count", 8, LLMC_BAD_FILE, "llama.expert_used_count");
    for (i = 0; i < sizeof expert / sizeof expert[0]; i++) /* dense models say so with zeros */
        hyper_u32(&m, expert[i], 0, LLMC_OK, "");
    hyper_u32(&m, "llama.expert_used_count", 2, LLMC_BAD_FILE, "chooses among no experts");
    hyper_u32(&m, "llama.expert_shared_count", 2, LLMC_UNSUPPORTED, "llama.expert_shared_count");
    hyper_u32(&m, "llama.expert_group_count", 2, LLMC_UNSUPPORTED, "llama.expert_group_count");
    hyper_u32(&m, "llama.expert_group_used_count", 2, LLMC_UNSUPPORTED, "llama.expert_group_used_count");
    hyper_u32(&m, "llama.attention.sliding_window", 0, LLMC_OK, "");
    hyper_u32(&m, "llama.attention.sliding_window", TINY_C, LLMC_OK, "");
    hyper_u32(&m, "llama.attention.sliding_window", TINY_C - 1, LLMC_OK, "");
    hyper_u32(&m, "llama.some.new.thing", 0, LLMC_UNSUPPORTED, "'llama.some.new.thing'");
    hyper_u32(&m, "llamas.some.new.thing", 0, LLMC_OK, "");
    hyper_u32(&m, "llama.vocab_size", TINY_V, LLMC_OK, "");
    hyper_u32(&m, "llama.vocab_size", TINY_V + 1, LLMC_BAD_FILE,
              "vocabulary size is 13, the token embedding has 12 rows");
    hyper_u32(&m, "llama.attention.head_count", 3, LLMC_BAD_FILE, "head_count");
    hyper_u32(&m, "llama.attention.head_count", 1u << 20, LLMC_BAD_FILE, "head_count");
    hyper_u32(&m, "llama.attention.head_count_kv", 3, LLMC_BAD_FILE, "heads");
    hyper_u32(&m, "llama.attention.head_count_kv", 0, LLMC_BAD_FILE, "head_count_kv");
    hyper_u32(&m, "llama.attention.head_count_kv", 4, LLMC_BAD_FILE, "'blk.0.attn_k.weight' is 8 x 4");
    hyper_u32(&m, "llama.attention.key_length", TINY_K, LLMC_OK, "");
    hyper_u32(&m, "llama.attention.key_length", 4, LLMC_BAD_FILE, "blk.0.attn_q.weight");
    hyper_u32(&m, "llama.attention.value_length", TINY_K, LLMC_OK, "");
    hyper_u32(&m, "llama.attention.value_length", 4, LLMC_UNSUPPORTED, "value_length");
    hyper_u32(&m, "llama.rope.dimension_count", 1, LLMC_BAD_FILE, "rotated");
    hyper_u32(&m, "llama.rope.dimension_count", 4, LLMC_BAD_FILE, "rotated");
    hyper_u32(&m, "llama.block_count", TINY_L + 1, LLMC_BAD_FILE, "'blk.2.attn_norm.weight' is missing");
    hyper_u32(&m, "llama.block_count", TINY_L - 1, LLMC_BAD_FILE, "belongs to no layer");
    hyper_u32(&m, "llama.block_count", 1000, LLMC_BAD_FILE, "1000 layers");
    hyper_u32(&m, "llama.context_length", 1u << 30, LLMC_OK, "");
    hyper_u32(&m, "split.count", 2, LLMC_BAD_FILE, "one of 2 parts");
    key_str(&m, "llama.rope.scaling.type", "none");
    tiny_llama(&m);
    expect(&m, LLMC_OK, "");
    key_str(&m, "llama.rope.scaling.type", "yawn");
    tiny_llama(&m);
    expect(&m, LLMC_UNSUPPORTED, "'yawn'");
    key_str(&m, "llama.rope.scaling.type", "linear"); /* and no factor */
    tiny_llama(&m);
    expect(&m, LLMC_OK, "");
    key_bool(&m, "llama.attention.causal", 0);
    tiny_llama(&m);
    expect(&m, LLMC_OK, ""); /* an encoder made of a Llama */
    make_end(&m);
}

static void test_architecture(void)
{
    maker m;
    make_begin(&m);
    m.skip[0] = "general.architecture";
    tiny_llama(&m);
    expect(&m, LLMC_BAD_FILE, "general.architecture");
    m.skip[0] = NULL;
    key_str(&m, "general.architecture", "mamba");
    tiny_vocab(&m);
    tiny_llama_tensors(&m, 0);
    expect(&m, LLMC_UNSUPPORTED, "'mamba'");
    key_u32(&m, "general.architecture", 1);
    m.skip[0] = "general.architecture";
    tiny_llama(&m);
    expect(&m, LLMC_BAD_FILE, "general.architecture");
    tiny_llama_keys(&m);
    tiny_vocab(&m);
    expect(&m, LLMC_BAD_FILE, "no weights");
    if (key_head(&m, "general.architecture", 8)) { /* a NUL inside does not make it "llama" */
        put_int(&m.keys, 7, 8);
        put(&m.keys, "llama\0x", 7);
    }
    m.skip[0] = "general.architecture";
    tiny_llama(&m);
    expect(&m, LLMC_UNSUPPORTED, "architecture 'llama");
    key_str(&m, "general.architecture", "llama-but-of-a-kind-that-nobody-has-heard-of-before");
    m.skip[0] = "general.architecture";
    tiny_llama(&m);
    expect(&m, LLMC_UNSUPPORTED, "nobody-has-heard-of-before' is not supported");
    make_end(&m);
}

static void without(maker *m, const char *name, llmc_status want, const char *word)
{
    m->skip_tensor = name;
    tiny_llama(m);
    expect(m, want, word);
}

static void with(maker *m, const char *skip, const char *name, uint64_t cols, uint64_t rows, llmc_status want,
                 const char *word)
{
    tiny_llama_keys(m);
    tiny_vocab(m);
    m->skip_tensor = skip;
    tiny_llama_tensors(m, 0);
    m->skip_tensor = NULL;
    tensor_f32(m, name, cols, rows);
    expect(m, want, word);
}

static void test_roles(void)
{
    maker m;
    make_begin(&m);
    without(&m, "token_embd.weight", LLMC_BAD_FILE, "'token_embd.weight'");
    without(&m, "output_norm.weight", LLMC_BAD_FILE, "'output_norm.weight' is missing");
    without(&m, "blk.1.ffn_gate.weight", LLMC_BAD_FILE, "'blk.1.ffn_gate.weight' is missing");
    without(&m, "blk.0.attn_norm.weight", LLMC_BAD_FILE, "'blk.0.attn_norm.weight' is missing");
    with(&m, NULL, "rope_freqs.weight", 3, 0, LLMC_BAD_FILE, "'rope_freqs.weight'");
    with(&m, NULL, "rope_freqs.weight", TINY_K / 2, 0, LLMC_OK, "");
    with(&m, NULL, "rope_factors_long.weight", TINY_K / 2, 0, LLMC_BAD_FILE, "factors for short contexts");
    with(&m, NULL, "blk.0.attn_sinks.weight", 4, 0, LLMC_UNSUPPORTED, "'blk.0.attn_sinks.weight'");
    with(&m, NULL, "blk.0.ffn_gate_exps.weight", 4, 4, LLMC_UNSUPPORTED, "ffn_gate_exps");
    with(&m, NULL, "blk.0.attn_qkv.weight", TINY_D, 16, LLMC_BAD_FILE, "attn_qkv");
    with(&m, NULL, "blk.0.attn_q.bias", TINY_D, 0, LLMC_BAD_FILE,
         "'blk.1.attn_q.bias' is missing, other layers have it");
    with(&m, NULL, "blk.1.attn_q.bias", TINY_D, 0, LLMC_BAD_FILE,
         "'blk.0.attn_q.bias' is missing, other layers have it");
    with(&m, NULL, "position_embd.weight", TINY_D, TINY_C, LLMC_UNSUPPORTED, "position_embd");
    with(&m, NULL, "attn_q.weight", TINY_D, TINY_D, LLMC_UNSUPPORTED, "'attn_q.weight'");
    with(&m, NULL, "blk.0.token_embd.weight", TINY_D, TINY_V, LLMC_UNSUPPORTED, "'blk.0.token_embd.weight'");
    with(&m, NULL, "blk.00.attn_q.bias", TINY_D, 0, LLMC_UNSUPPORTED, "'blk.00.attn_q.bias'");
    with(&m, NULL, "blk..attn_q.bias", TINY_D, 0, LLMC_UNSUPPORTED, "'blk..attn_q.bias'");
    with(&m, NULL, "blk.-1.attn_q.bias", TINY_D, 0, LLMC_UNSUPPORTED, "'blk.-1.attn_q.bias'");
    with(&m, NULL, "blk.4294967296.attn_q.bias", TINY_D, 0, LLMC_UNSUPPORTED, "4294967296");
    with(&m, NULL, "blk.99999.attn_q.bias", TINY_D, 0, LLMC_BAD_FILE, "belongs to no layer");
    with(&m, NULL, "output.weight", TINY_D, TINY_V, LLMC_OK, "");
    with(&m, NULL, "output.weight", TINY_D, TINY_V + 1, LLMC_BAD_FILE, "'output.weight' is 8 x 13");
    with(&m, NULL, "blk.0.attn_norm.weight", TINY_D, 0, LLMC_BAD_FILE,
         "'blk.0.attn_norm.weight' stands there twice");
    with(&m, "blk.0.attn_norm.weight", "blk.0.attn_norm.weight", TINY_D, 1, LLMC_OK, "");
    with(&m, "blk.0.attn_norm.weight", "blk.0.attn_norm.weight", TINY_D + 1, 0, LLMC_BAD_FILE,
         "expected 8 x 1");
    with(&m, "blk.1.ffn_down.weight", "blk.1.ffn_down.weight", TINY_D, TINY_F, LLMC_BAD_FILE,
         "expected 6 x 8");
    with(&m, "token_embd.weight", "token_embd.weight", TINY_D, TINY_V - 1, LLMC_BAD_FILE,
         "12 tokens, the token embedding of t.gguf has 11 rows");
    with(&m, "token_embd.weight", "token_embd.weight", TINY_D + 1, TINY_V, LLMC_BAD_FILE, "expected 8 x 12");
    make_end(&m);
}

/* GPT-2 of width 8: fused q, k, v, biases everywhere, learned positions. */
static void tiny_gpt2(maker *m)
{
    unsigned l;
    key_str(m, "general.architecture", "gpt2");
    key_u32(m, "gpt2.block_count", TINY_L);
    key_u32(m, "gpt2.context_length", TINY_C);
    key_u32(m, "gpt2.embedding_length", TINY_D);
    key_u32(m, "gpt2.feed_forward_length", TINY_F);
    key_u32(m, "gpt2.attention.head_count", TINY_H);
    key_f32(m, "gpt2.attention.layer_norm_epsilon", 1e-5f);
    tensor_f32(m, "token_embd.weight", TINY_D, TINY_V);
    tensor_f32(m, "position_embd.weight", TINY_D, TINY_C);
    tensor_f32(m, "output_norm.weight", TINY_D, 0);
    tensor_f32(m, "output_norm.bias", TINY_D, 0);
    for (l = 0; l < TINY_L; l++) {
        tensor_f32(m, layer_name(l, "attn_norm.weight"), TINY_D, 0);
        tensor_f32(m, layer_name(l, "attn_norm.bias"), TINY_D, 0);
        tensor_f32(m, layer_name(l, "attn_qkv.weight"), TINY_D, 3 * TINY_D);
        tensor_f32(m, layer_name(l, "attn_qkv.bias"), 3 * TINY_D, 0);
        tensor_f32(m, layer_name(l, "attn_output.weight"), TINY_D, TINY_D);
        tensor_f32(m, layer_name(l, "attn_output.bias"), TINY_D, 0);
        tensor_f32(m, layer_name(l, "ffn_norm.weight"), TINY_D, 0);
        tensor_f32(m, layer_name(l, "ffn_norm.bias"), TINY_D, 0);
        tensor_f32(m, layer_name(l, "ffn_up.weight"), TINY_D, TINY_F);
        tensor_f32(m, layer_name(l, "ffn_up.bias"), TINY_F, 0);
        tensor_f32(m, layer_name(l, "ffn_down.weight"), TINY_F, TINY_D);
        tensor_f32(m, layer_name(l, "ffn_down.bias"), TINY_D, 0);
    }
}

/* Row r of a slice is row begin + r of the fused tensor. */
static void check_slice(const llmc_tensor *t, const char *fused, unsigned part, const char *name)
{
    float row[64];
    unsigned r, c;
    if (!CHECKF(t != NULL && strcmp(t->name, name) == 0, "%s", name))
        return;
    if (t->n_dims == 1) {
        CHECK(t->dim[0] == TINY_D && t->bytes == 4 * TINY_D && llmc_tensor_row(t, 0, row) == LLMC_OK);
        for (c = 0; c < TINY_D; c++)
            CHECK(row[c] == tensor_value(fused, part * TINY_D + c));
        return;
    }
    CHECK(t->dim[0] == TINY_D && t->dim[1] == TINY_D && t->bytes == 4 * TINY_D * TINY_D);
    for (r = 0; r < TINY_D; r++) {
        CHECK(llmc_tensor_row(t, r, row) == LLMC_OK);
        for (c = 0; c < TINY_D; c++)
            CHECK(row[c] == tensor_value(fused, (part * TINY_D + r) * TINY_D + c));
    }
}

static void test_gpt2(void)
{
    static const unsigned role[2][3] = {{LLMC__W_Q, LLMC__W_K, LLMC__W_V},
                                        {LLMC__W_Q_B, LLMC__W_K_B, LLMC__W_V_B}};
    static const char *const part[3] = {"q", "k", "v"};
    maker m;
    opened o;
    unsigned l, i;
    make_begin(&m);
    tiny_gpt2(&m);
    make_finish(&m);
    if (CHECKF(open_model(&o, m.out.data, m.out.size, NULL) == LLMC_OK, "%s", seen.message)) {
        const llmc_config *c = llmc_model_config(o.model);
        CHECK(strcmp(c->family, "gpt2") == 0 && c->norm == LLMC_NORM_LAYER && c->pos == LLMC_POS_LEARNED &&
              !c->gated);
        CHECK(c->act == LLMC_ACT_GELU_TANH && c->tied_head && c->n_kv_head == TINY_H &&
              c->head_dim == TINY_K);
        check_tensor(llmc__global(o.model, LLMC__W_POS), "position_embd.weight", TINY_D, TINY_C);
        check_tensor(llmc__global(o.model, LLMC__W_OUT_NORM_B), "output_norm.bias", TINY_D, 0);
        for (l = 0; l < TINY_L; l++)
            for (i = 0; i < 3; i++) {
                char name[2][64];
                snprintf(name[0], 64, "blk.%u.attn_%s.weight", l, part[i]);
                snprintf(name[1], 64, "blk.%u.attn_%s.bias", l, part[i]);
                check_slice(llmc__weight(o.model, l, role[0][i]), layer_name(l, "attn_qkv.weight"), i,
                            name[0]);
                check_slice(llmc__weight(o.model, l, role[1][i]), layer_name(l, "attn_qkv.bias"), i, name[1]);
            }
        check_tensor(llmc__weight(o.model, 1, LLMC__W_UP_B), "blk.1.ffn_up.bias", TINY_F, 0);
        check_tensor(llmc__weight(o.model, 1, LLMC__W_DOWN_B), "blk.1.ffn_down.bias", TINY_D, 0);
    }
    close_model(&o);
    make_end(&m);
    make_begin(&m);
    m.skip_tensor = "blk.1.attn_qkv.bias";
    tiny_gpt2(&m);
    expect(&m, LLMC_BAD_FILE, "'blk.1.attn_qkv.bias' is missing, other layers have it");
    m.skip_tensor = "position_embd.weight";
    tiny_gpt2(&m);
    m.skip_tensor = NULL;
    tensor_f32(&m, "position_embd.weight", TINY_D, TINY_C - 1);
    expect(&m, LLMC_BAD_FILE, "'position_embd.weight'");
    key_f32(&m, "gpt2.rope.freq_base", 10000);
    tiny_gpt2(&m);
    expect(&m, LLMC_UNSUPPORTED, "gpt2.rope.freq_base");
    make_end(&m);
}

/* llama2.c files of every version give the tensors of the GGUF, under its names. */
static void test_llama2c(void)
{
    bytes b = {NULL, 0, 0}, tok = {NULL, 0, 0};
    llmc_model_options opt;
    opened o;
    int kind;
    memset(&opt, 0, sizeof opt);
    tiny_tokenizer_bin(&tok);
    opt.tokenizer.data = tok.data;
    opt.tokenizer.size = tok.size;
    opt.tokenizer.name = "tok.bin";
    for (kind = 0; kind < 4; kind++) {
        b.size = 0;
        if (kind < 2)
            tiny_llama2c_v0(&b, kind & 1);
        else
            tiny_llama2c_v1(&b, kind & 1);
        if (CHECKF(open_model(&o, b.data, b.size, &opt) == LLMC_OK, "kind %d: %s", kind, seen.message)) {
            check_tiny(o.model, (kind & 1) != 0);
            CHECK(llmc_model_tokenizer(o.model) != NULL &&
                  llmc_model_file_kind(o.model) == LLMC_FILE_LLAMA2C);
        }
        close_model(&o);
    }
    CHECK(open_model(&o, b.data, b.size, NULL) == LLMC_OK && llmc_model_tokenizer(o.model) == NULL);
    close_model(&o);
    opt.tokenizer.size--;
    CHECK(open_model(&o, b.data, b.size, &opt) == LLMC_BAD_FILE && strstr(seen.message, "tok.bin") != NULL);
    free(b.data);
    free(tok.data);
}

/* Groups of 16 over rows of 8 and 6: they end inside rows. */
static void test_llama2c_int8(void)
{
    static const struct {
        const char *name;
        unsigned role, cols, rows;
    } part[] = {{"attn_q.weight", LLMC__W_Q, TINY_D, TINY_D},
                {"attn_v.weight", LLMC__W_V, TINY_D, TINY_G * TINY_K},
                {"ffn_down.weight", LLMC__W_DOWN, TINY_F, TINY_D},
                {"ffn_up.weight", LLMC__W_UP, TINY_D, TINY_F}};
    bytes b = {NULL, 0, 0};
    opened o;
    unsigned l, i, r, c;
    float row[16];
    tiny_llama2c_v2(&b, 1, 16);
    if (CHECKF(open_model(&o, b.data, b.size, NULL) == LLMC_OK, "%s", seen.message)) {
        for (l = 0; l < TINY_L; l++) {
            check_tensor(llmc__weight(o.model, l, LLMC__W_FFN_NORM), layer_name(l, "ffn_norm.weight"), TINY_D,
                         0);
            for (i = 0; i < 4; i++) {
                const llmc_tensor *t = llmc__weight(o.model, l, part[i].role);
                const char *name = layer_name(l, part[i].name);
                CHECK(t->type == LLMC_I8 && t->group == 16 && t->dim[0] == part[i].cols &&
                      t->dim[1] == part[i].rows);
                for (r = 0; r < part[i].rows; r++) {
                    CHECK(llmc_tensor_row(t, r, row) == LLMC_OK);
                    for (c = 0; c < part[i].cols; c++) {
                        uint64_t at = (uint64_t)r * part[i].cols + c;
                        volatile float scale = quantised_scale(name, at / 16);
                        volatile float want = (float)quantised_q(name, at) * scale;
                        CHECKF(row[c] == want, "%s[%u][%u]", name, r, c); /* volatile: no x87 excess */
                    }
                }
            }
        }
        CHECK(llmc_model_weight_bytes(o.model) ==
              4u * (2 * TINY_L + 1) * TINY_D +
                  (TINY_V * TINY_D + TINY_L * (2 * 64 + 2 * 32 + 3 * 48)) * (16 + 4) / 16);
    }
    close_model(&o);
    free(b.data);
}

/* Every size below need: NO_MEMORY, and not a byte written. */
static void test_memory(void)
{
    maker m;
    llmc_blob file;
    llmc_model *model = (llmc_model *)&m;
    unsigned char *mem;
    size_t need, n, i, shift;
    make_begin(&m);
    tiny_llama(&m);
    file.data = m.out.data;
    file.size = m.out.size;
    file.name = "t.gguf";
    CHECK(llmc_model_need(&file, 1, NULL, &need, NULL) == LLMC_OK);
    mem = (unsigned char *)malloc(need + 64);
    memset(mem, 0xa5, need + 64);
    for (n = 0; n < need; n++) {
        if (!CHECK(llmc_model_init(&model, &file, 1, NULL, mem, n, &seen) == LLMC_NO_MEMORY))
            break;
        if (n % 64 == 0 || n + 1 == need)
            for (i = 0; i < need + 64; i++)
                if (!CHECKF(mem[i] == 0xa5, "size %u wrote byte %u", (unsigned)n, (unsigned)i))
                    break;
    }
    CHECK(model == (llmc_model *)&m && seen.status == LLMC_NO_MEMORY);
    for (shift = 0; shift < 64; shift++) { /* any address will do */
        memset(mem, 0xa5, need + 64);
        CHECK(llmc_model_init(&model, &file, 1, NULL, mem + shift, need, NULL) == LLMC_OK);
        check_tiny(model, true);
        for (i = 0; i < shift; i++)
            CHECK(mem[i] == 0xa5);
        for (i = shift + need; i < need + 64; i++)
            CHECK(mem[i] == 0xa5);
    }
    CHECK(llmc_model_need(NULL, 0, NULL, &need, NULL) == LLMC_BAD_ARG);
    CHECK(llmc_model_need(&file, 0, NULL, &need, NULL) == LLMC_BAD_ARG);
    CHECK(llmc_model_need(&file, 1, NULL, NULL, NULL) == LLMC_BAD_ARG);
    CHECK(llmc_model_init(NULL, &file, 1, NULL, mem, need, NULL) == LLMC_BAD_ARG);
    free(mem);
    make_end(&m);
}

/* Touches everything a model offers; a sanitizer watches. */
static float walk_model(const llmc_model *m)
{
    float row[4096], sum = 0;
    uint32_t i;
    uint64_t r;
    for (i = 0; i < llmc_model_tensor_count(m); i++) {
        const llmc_tensor *t = llmc_model_tensor(m, i);
        for (r = 0; t->dim[0] <= 4096 && r < t->dim[1] * t->dim[2] * t->dim[3]; r++)
            if (llmc_tensor_row(t, r, row) == LLMC_OK)
                sum += row[0] + row[t->dim[0] - 1];
    }
#ifndef LLMC_NO_TOKEN
    if (llmc_model_tokenizer(m) != NULL) {
        const llmc_tokenizer *tok = llmc_model_tokenizer(m);
        llmc_token id, n = (llmc_token)llmc_tokenizer_count(tok);
        llmc_token_info info;
        char text[256];
        size_t len;
        for (id = 0; id < n; id++) {
            CHECK(llmc_token_get(tok, id, &info) == LLMC_OK);
            sum += (float)info.text_len;
            (void)llmc_token_find(tok, info.text, info.text_len);
            (void)llmc_decode(tok, &id, 1, NULL, text, sizeof text, &len, NULL);
        }
    }
#endif
    return sum;
}

/* Every byte before the data, with every single bit turned and a few values. */
static void flip(bytes *b, size_t begin, size_t end, const llmc_model_options *opt)
{
    size_t i;
    unsigned k, ok = 0;
    volatile float sink = 0;
    for (i = begin; i < end; i++) {
        unsigned char old = b->data[i];
        for (k = 0; k < 12; k++) {
            opened o;
            b->data[i] = (unsigned char)(k < 8     ? old ^ (1u << k)
                                         : k == 8  ? 0u
                                         : k == 9  ? 0xffu
                                         : k == 10 ? 0x7fu
                                                   : old + 1u);
            if (b->data[i] == old)
                continue;
            if (open_model(&o, b->data, b->size, opt) == LLMC_OK) {
                sink = sink + walk_model(o.model);
                ok++;
            } else {
                CHECK(seen.status != LLMC_OK && seen.tag != NULL && seen.message[0] != 0);
            }
            close_model(&o);
        }
        b->data[i] = old;
    }
    CHECK(ok > 0); /* names and scores may change */
}

static void test_flipped(void)
{
    maker m;
    bytes b = {NULL, 0, 0}, tok = {NULL, 0, 0};
    llmc_model_options opt;
    size_t begin;
    make_begin(&m);
    begin = tiny_llama(&m);
    flip(&m.out, 0, begin, NULL);
    make_end(&m);
    make_begin(&m);
    tiny_gpt2(&m);
    begin = make_finish(&m);
    flip(&m.out, 0, begin, NULL);
    make_end(&m);
    tiny_llama2c_v0(&b, 1);
    flip(&b, 0, 32, NULL);
    b.size = 0;
    tiny_llama2c_v2(&b, 1, 16);
    flip(&b, 0, 256, NULL);
    memset(&opt, 0, sizeof opt);
    opt.vocab_only = true;
    tiny_tokenizer_bin(&tok);
    flip(&tok, 0, tok.size, &opt);
    free(b.data);
    free(tok.data);
}

static void test_truncated(void)
{
    maker m;
    bytes b = {NULL, 0, 0};
    size_t n;
    opened o;
    make_begin(&m);
    tiny_llama(&m);
    put(&b, m.out.data, m.out.size);
    for (n = 0; n < b.size; n++) {
        unsigned char *copy = (unsigned char *)malloc(n + (n == 0));
        memcpy(copy, b.data, n);
        if (!CHECKF(open_model(&o, copy, n, NULL) == LLMC_BAD_FILE, "cut to %u bytes", (unsigned)n))
            n = b.size;
        close_model(&o);
        free(copy);
    }
    free(b.data);
    make_end(&m);
}

static void test_vocab_only(void)
{
    maker m;
    bytes b = {NULL, 0, 0}, v0 = {NULL, 0, 0};
    llmc_model_options opt;
    opened o;
    memset(&opt, 0, sizeof opt);
    opt.vocab_only = true;
    make_begin(&m);
    key_str(&m, "general.architecture", "some-other");
    tiny_vocab(&m);
    make_finish(&m);
    CHECKF(open_model(&o, m.out.data, m.out.size, &opt) == LLMC_OK, "%s", seen.message);
    if (o.model != NULL) {
        CHECK(llmc_model_tokenizer(o.model) != NULL && llmc_model_config(o.model)->vocab_size == TINY_V);
        CHECK(llmc_model_tensor_count(o.model) == 0 && llmc_model_weight_bytes(o.model) == 0);
    }
    close_model(&o);
    tiny_tokenizer_bin(&b);
    CHECKF(open_model(&o, b.data, b.size, &opt) == LLMC_OK, "%s", seen.message);
    close_model(&o);
    CHECK(open_model(&o, "Once upon a time there was nothing", 34, &opt) == LLMC_BAD_FILE);
    close_model(&o);
    opt.vocab_only =
        false; /* a GGUF's vocabulary beside a llama2.c model, and a tokenizer.bin beside a GGUF */
    opt.tokenizer.data = m.out.data;
    opt.tokenizer.size = m.out.size;
    tiny_llama2c_v0(&v0, 1);
    CHECKF(open_model(&o, v0.data, v0.size, &opt) == LLMC_OK && llmc_model_tokenizer(o.model) != NULL, "%s",
           seen.message);
    close_model(&o);
    opt.tokenizer.data = b.data;
    opt.tokenizer.size = b.size;
    make_end(&m);
    make_begin(&m);
    tiny_llama(&m);
    CHECKF(open_model(&o, m.out.data, m.out.size, &opt) == LLMC_OK, "%s", seen.message);
    close_model(&o);
    make_end(&m);
    make_begin(&m);
    tiny_llama_keys(&m);
    make_finish(&m);
    opt.vocab_only = true;
    opt.tokenizer.data = NULL;
    CHECK(open_model(&o, m.out.data, m.out.size, &opt) == LLMC_BAD_FILE &&
          strstr(seen.message, "no vocabulary") != NULL);
    close_model(&o);
    make_end(&m);
    free(b.data);
    free(v0.data);
}

/* A writer that stops after `room` bytes. */
typedef struct sink {
    bytes b;
    size_t room;
} sink;

static bool take(void *user, const void *data, size_t n)
{
    sink *s = (sink *)user;
    if (s->b.size + n > s->room)
        return false;
    put(&s->b, data, n);
    return true;
}

static llmc_status save(const llmc_model *m, llmc_dtype type, sink *s, const llmc_progress *progress)
{
    llmc_save_options opt;
    llmc_writer to;
    llmc_status status;
    void *work = malloc(llmc_model_save_need(m));
    memset(&opt, 0, sizeof opt);
    opt.type = type;
    if (progress != NULL)
        opt.progress = *progress;
    to.write = take;
    to.user = s;
    memset(&seen, 0, sizeof seen);
    status = llmc_model_save(m, &opt, &to, work, llmc_model_save_need(m), &seen);
    free(work);
    return status;
}

#ifndef LLMC_NO_TOKEN
/* The saved tokenizer is the GGUF spelling of the tokenizer.bin it came from. */
static void check_tokens(const llmc_model *m)
{
    const llmc_tokenizer *tok = llmc_model_tokenizer(m);
    llmc_token_info info;
    int i;
    if (!CHECK(tok != NULL && llmc_tokenizer_count(tok) == TINY_V))
        return;
    for (i = 0; i < TINY_V; i++) {
        CHECK(llmc_token_get(tok, i, &info) == LLMC_OK && (int)info.kind == tiny_type[i] &&
              info.score == tiny_score(i));
        CHECKF(info.text_len == strlen(tiny_token[i]) && memcmp(info.text, tiny_token[i], info.text_len) == 0,
               "token %d is '%.*s'", i, (int)info.text_len, info.text);
    }
    CHECK(llmc_tokenizer_special(tok, LLMC_SPECIAL_BOS) == 1 &&
          llmc_tokenizer_special(tok, LLMC_SPECIAL_EOS) == 2);
    CHECK(llmc_tokenizer_special(tok, LLMC_SPECIAL_UNK) == 0 && llmc_tokenizer_adds_bos(tok));
}
#else
static void check_tokens(const llmc_model *m)
{
    (void)m;
}
#endif

static void test_save(void)
{
    bytes b = {NULL, 0, 0}, tok = {NULL, 0, 0};
    sink s = {{NULL, 0, 0}, SIZE_MAX}, again = {{NULL, 0, 0}, SIZE_MAX};
    llmc_model_options opt;
    opened o, saved;
    int tied;
    memset(&opt, 0, sizeof opt);
    tiny_tokenizer_bin(&tok);
    opt.tokenizer.data = tok.data;
    opt.tokenizer.size = tok.size;
    for (tied = 0; tied < 2; tied++) {
        b.size = s.b.size = again.b.size = 0;
        tiny_llama2c_v0(&b, tied);
        if (!CHECK(open_model(&o, b.data, b.size, &opt) == LLMC_OK))
            return;
        CHECKF(save(o.model, LLMC_DTYPE_NONE, &s, NULL) == LLMC_OK, "%s", seen.message);
        if (CHECKF(open_model(&saved, s.b.data, s.b.size, NULL) == LLMC_OK, "%s", seen.message)) {
            check_tiny(saved.model, tied != 0);
            check_tokens(saved.model);
            CHECK(save(saved.model, LLMC_F32, &again, NULL) == LLMC_OK); /* a GGUF copies to itself */
            CHECK(again.b.size == s.b.size && memcmp(again.b.data, s.b.data, s.b.size) == 0);
        }
        close_model(&saved);
        close_model(&o);
    }
    free(b.data);
    free(tok.data);
    free(s.b.data);
    free(again.b.data);
}

/* Other keys survive, the file type is written anew, the alignment holds. */
static void test_save_keys(void)
{
    maker m;
    sink s = {{NULL, 0, 0}, SIZE_MAX};
    opened o, saved;
    llmc__gguf g;
    llmc__gguf_pair p;
    llmc__reader r;
    llmc_blob file;
    uint64_t i, u = 0;
    unsigned found = 0;
    make_begin(&m);
    m.align = 64;
    key_u32(&m, "general.alignment", 64);
    key_u32(&m, "general.file_type", 0);
    key_str(&m, "general.author", "nobody");
    key_str(&m, "tokenizer.chat_template", "T");
    tiny_llama(&m);
    if (!CHECKF(open_model(&o, m.out.data, m.out.size, NULL) == LLMC_OK, "%s", seen.message))
        return;
    CHECK(save(o.model, LLMC_F16, &s, NULL) == LLMC_OK);
    CHECKF(open_model(&saved, s.b.data, s.b.size, NULL) == LLMC_OK, "%s", seen.message);
    file.data = s.b.data;
    file.size = s.b.size;
    file.name = NULL;
    CHECK(llmc__gguf_open(&g, &file, false, NULL) == LLMC_OK && g.alignment == 64 && g.n_keys == m.n_keys);
    r = g.file;
    r.at = g.keys_at;
    for (i = 0; i < g.n_keys; i++) {
        CHECK(llmc__gguf_next(&r, &p) == LLMC_OK);
        if (llmc__texteq(p.key, p.key_len, "general.file_type"))
            found += llmc__gguf_uint(&g, &p.value, &u) && u == 1; /* 1: mostly F16 */
        found += llmc__texteq(p.key, p.key_len, "general.author") ||
                 llmc__texteq(p.key, p.key_len, "tokenizer.chat_template");
    }
    CHECK(found == 3);
    for (i = 0; i < llmc_model_tensor_count(saved.model); i++) {
        const llmc_tensor *t = llmc_model_tensor(saved.model, (uint32_t)i);
        CHECK(t->type == (t->n_dims == 1 ? LLMC_F32 : LLMC_F16) && (size_t)(t->data - s.b.data) % 64 == 0);
    }
    close_model(&o);
    close_model(&saved);
    free(s.b.data);
    make_end(&m);
}

static unsigned noted;
static void note(void *user, llmc_log_level level, const char *tag, const char *message)
{
    (void)user;
    noted += level == LLMC_LOG_WARN && strcmp(tag, "MODEL.save") == 0 && strstr(message, "F16") != NULL;
}

/* Rows of 8 and 6 have no blocks of 32: all become F16, and the log says so. */
static void test_save_types(void)
{
    static const llmc_dtype type[] = {LLMC_F32, LLMC_F16, LLMC_BF16, LLMC_Q8_0, LLMC_Q4_0};
    bytes b = {NULL, 0, 0};
    sink s = {{NULL, 0, 0}, SIZE_MAX};
    llmc_save_options opt;
    llmc_writer to;
    opened o, saved;
    unsigned i;
    float row[16], want[16], error;
    char work[512];
    uint32_t k, c;
    tiny_llama2c_v0(&b, 1);
    if (!CHECK(open_model(&o, b.data, b.size, NULL) == LLMC_OK &&
               llmc_model_save_need(o.model) <= sizeof work))
        return;
    memset(&opt, 0, sizeof opt);
    opt.log.fn = note;
    opt.log.level = LLMC_LOG_WARN;
    to.write = take;
    to.user = &s;
    for (i = 0; i < 5; i++) {
        s.b.size = noted = 0;
        opt.type = type[i];
        CHECK(llmc_model_save(o.model, &opt, &to, work, sizeof work, &seen) == LLMC_OK);
        CHECK(noted == (i < 3 ? 0u : 1u + 7u * TINY_L));
        if (!CHECKF(open_model(&saved, s.b.data, s.b.size, NULL) == LLMC_OK, "%s", seen.message))
            continue;
        error = i == 0 ? 0 : i == 2 ? 1.0f / 256 : 1.0f / 2048; /* half a unit in the last place, relative */
        for (k = 0; k < llmc_model_tensor_count(saved.model); k++) {
            const llmc_tensor *t = llmc_model_tensor(saved.model, k);
            CHECK(t->type == (t->n_dims == 1 || i == 0 ? LLMC_F32 : i == 2 ? LLMC_BF16 : LLMC_F16));
            CHECK(llmc_tensor_row(t, t->dim[1] - 1, row) == LLMC_OK);
            for (c = 0; strcmp(llmc_model_tensor(o.model, c)->name, t->name) != 0;) /* in another order */
                c++;
            CHECK(llmc_tensor_row(llmc_model_tensor(o.model, c), t->dim[1] - 1, want) == LLMC_OK);
            for (c = 0; c < t->dim[0]; c++) {
                float d = row[c] - want[c], bound = (want[c] < 0 ? -want[c] : want[c]) * error + 1e-7f;
                CHECKF(d <= bound && -d <= bound, "%s: %g for %g", t->name, (double)row[c], (double)want[c]);
            }
        }
        close_model(&saved);
    }
    opt.type = LLMC_I8;
    CHECK(llmc_model_save(o.model, &opt, &to, work, sizeof work, &seen) == LLMC_BAD_ARG);
    opt.type = LLMC_F32;
    CHECK(llmc_model_save(o.model, &opt, &to, work, llmc_model_save_need(o.model) - 1, &seen) ==
          LLMC_NO_MEMORY);
    CHECK(llmc_model_save(o.model, &opt, NULL, work, sizeof work, &seen) == LLMC_BAD_ARG);
    close_model(&o);
    free(b.data);
    free(s.b.data);
}

static uint64_t reported, allowed;
static bool report(void *user, const char *what, uint64_t done, uint64_t total)
{
    (void)user;
    CHECK(done > reported && done <= total && what[0] != 0);
    reported = done;
    return done < allowed;
}

static void test_save_stopped(void)
{
    bytes b = {NULL, 0, 0};
    sink s = {{NULL, 0, 0}, SIZE_MAX};
    llmc_progress progress;
    opened o;
    size_t full, n;
    tiny_llama2c_v1(&b, 0);
    if (!CHECK(open_model(&o, b.data, b.size, NULL) == LLMC_OK))
        return;
    progress.fn = report;
    progress.user = NULL;
    reported = 0;
    allowed = UINT64_MAX;
    CHECK(save(o.model, LLMC_F32, &s, &progress) == LLMC_OK);
    CHECK(reported == llmc_model_weight_bytes(o.model));
    reported = 0;
    allowed = 1000;
    s.b.size = 0;
    CHECK(save(o.model, LLMC_F32, &s, &progress) == LLMC_CANCELLED && seen.status == LLMC_CANCELLED);
    s.b.size = 0;
    CHECK(save(o.model, LLMC_F32, &s, NULL) == LLMC_OK);
    full = s.b.size;
    for (n = 0; n < full; n += 7) {
        s.room = n;
        s.b.size = 0;
        if (!CHECKF(save(o.model, LLMC_F32, &s, NULL) == LLMC_IO && s.b.size <= n, "room %u", (unsigned)n))
            break;
    }
    close_model(&o);
    free(b.data);
    free(s.b.data);
}

/* The trained model, saved as Q8_0 and opened again; every vocabulary that says what it is. */
static void test_shared_files(void)
{
    static const struct {
        const char *file;
        llmc_status status;
        uint32_t count;
    } vocab[] = {{"data/vocabs/ggml-vocab-llama-spm.gguf", LLMC_OK, 32000},
                 {"data/vocabs/ggml-vocab-phi-3.gguf", LLMC_OK, 32064},
                 {"data/vocabs/ggml-vocab-gpt-2.gguf", LLMC_OK, 50257},
                 {"data/tok32000.bin", LLMC_OK, 32000}};
    llmc_model_options opt;
    opened o, saved;
    sink s = {{NULL, 0, 0}, SIZE_MAX};
    size_t size, tok_size, i;
    unsigned char *data = test_read(test_shared("data/stories260K.bin"), &size);
    unsigned char *tok = test_read(test_shared("data/tok512.bin"), &tok_size);
    memset(&opt, 0, sizeof opt);
    if (data == NULL || tok == NULL) {
        free(data);
        free(tok);
        SKIP("no shared data");
        return;
    }
    opt.tokenizer.data = tok;
    opt.tokenizer.size = tok_size;
    if (CHECKF(open_model(&o, data, size, &opt) == LLMC_OK, "%s", seen.message)) {
        const llmc_config *c = llmc_model_config(o.model); /* shapes: shared/README.md */
        CHECK(c->n_embd == 64 && c->n_layer == 5 && c->n_head == 8 && c->n_kv_head == 4 &&
              c->vocab_size == 512);
        CHECK(c->context_length == 512 && c->tied_head);
        CHECK(save(o.model, LLMC_Q8_0, &s, NULL) == LLMC_OK);
        CHECKF(open_model(&saved, s.b.data, s.b.size, NULL) == LLMC_OK, "%s", seen.message);
        if (saved.model != NULL)
            CHECK(llmc__global(saved.model, LLMC__W_EMBED)->type == LLMC_Q8_0 &&
                  llmc_model_config(saved.model)->n_ff == c->n_ff);
        close_model(&saved);
    }
    close_model(&o);
    free(data);
    free(tok);
    free(s.b.data);
    memset(&opt, 0, sizeof opt);
    opt.vocab_only = true;
    for (i = 0; i < 4; i++) {
        data = test_read(test_shared(vocab[i].file), &size);
        if (data == NULL)
            continue;
        CHECKF(open_model(&o, data, size, &opt) == vocab[i].status, "%s: %s", vocab[i].file, seen.message);
        CHECK(o.model != NULL && llmc_model_config(o.model)->vocab_size == vocab[i].count);
        close_model(&o);
        free(data);
    }
}

/* A tokenizer that is not supported stands in nobody's way who speaks ids. */
static void test_no_tokenizer(void)
{
    llmc_model_options opt;
    maker m;
    opened o;
    memset(&opt, 0, sizeof opt);
    make_begin(&m);
    key_str(&m, "tokenizer.ggml.model", "odd");
    m.skip[0] = "tokenizer.ggml.model";
    tiny_llama(&m);
    CHECK(open_model(&o, m.out.data, m.out.size, NULL) == LLMC_UNSUPPORTED);
    CHECKF(strstr(seen.message, "'odd'") != NULL, "%s", seen.message);
    close_model(&o);
    opt.no_tokenizer = true;
    if (CHECKF(open_model(&o, m.out.data, m.out.size, &opt) == LLMC_OK, "%s", seen.message))
        CHECK(llmc_model_tokenizer(o.model) == NULL);
    close_model(&o);
    make_end(&m);
}

int main(void)
{
    RUN(test_llama);
    RUN(test_hyper);
    RUN(test_hyper_values);
    RUN(test_architecture);
    RUN(test_roles);
    RUN(test_gpt2);
    RUN(test_llama2c);
    RUN(test_llama2c_int8);
    RUN(test_memory);
    RUN(test_truncated);
    RUN(test_flipped);
    RUN(test_vocab_only);
    RUN(test_save);
    RUN(test_save_keys);
    RUN(test_save_types);
    RUN(test_save_stopped);
    RUN(test_shared_files);
    RUN(test_no_tokenizer);
    return test_end("model");
}
