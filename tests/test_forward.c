/* test_forward.c -- whole forward passes against the float64 reference in
   tests/vectors/reference.py: every case's weights are made here from the same
   integer generator, written as GGUF or llama2.c, loaded, run, and compared with
   tests/vectors/forward_*.bin. Also: results that may not depend on threads, cuts or
   instruction set (DESIGN 5), truncation, taps, and values that stop being finite.

   The half RoPE layout belongs to no family of this version: that case sets the
   model's config after loading, which only a test may do. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

/* ------------------------------------------------------------ the cases */
enum { C_EMBED = 1, C_POS, C_OUT_NORM, C_OUT_NORM_B, C_HEAD };
enum {
    C_ATTN_NORM,
    C_ATTN_NORM_B,
    C_Q,
    C_K,
    C_V,
    C_O,
    C_Q_B,
    C_K_B,
    C_V_B,
    C_O_B,
    C_FFN_NORM,
    C_FFN_NORM_B,
    C_GATE,
    C_UP,
    C_DOWN,
    C_UP_B,
    C_DOWN_B
};
enum { C_SCALES = 0x8000 };

typedef struct forward_case {
    const char *name;
    unsigned seed;
    bool gpt2;
    llmc_dtype type;
    uint32_t V, D, F, L, H, G, K, context, T;
    bool tied, half, bias;
    uint32_t rope_dims;
    float rope_base, rope_scale;
    int version; /* of llama2.c; -1: GGUF */
    uint32_t group;
} forward_case;

/* Keep in step with CASES in tests/vectors/reference.py. */
static const forward_case cases[] = {
    {"adjacent", 1, false, LLMC_F32, 61, 32, 96, 2, 4, 2, 8, 128, 80, false, false, false, 8, 1e4f, 1, -1, 0},
    {"half", 1, false, LLMC_F32, 61, 32, 96, 2, 4, 2, 8, 128, 12, false, true, false, 8, 1e4f, 1, -1, 0},
    {"linear", 3, false, LLMC_F32, 61, 32, 96, 2, 4, 4, 8, 128, 12, true, false, false, 4, 5e5f, 4, -1, 0},
    {"f16", 4, false, LLMC_F16, 61, 64, 160, 2, 4, 1, 16, 128, 12, false, false, false, 16, 1e4f, 1, -1, 0},
    {"bf16", 5, false, LLMC_BF16, 61, 32, 96, 3, 4, 2, 8, 128, 12, false, false, true, 8, 1e4f, 1, -1, 0},
    {"gpt2", 6, true, LLMC_F32, 61, 32, 128, 2, 4, 4, 8, 128, 80, true, false, false, 8, 1e4f, 1, -1, 0},
    {"llama2c", 7, false, LLMC_F32, 61, 32, 96, 2, 4, 2, 8, 128, 12, false, false, false, 8, 1e4f, 1, 0, 0},
    {"llama2c", 7, false, LLMC_F32, 61, 32, 96, 2, 4, 2, 8, 128, 12, false, false, false, 8, 1e4f, 1, 1, 0},
    {"llama2c_tied", 8,     false, LLMC_F32, 61,   32, 96, 2, 4, 2, 8, 128, 12,
     true,           false, false, 8,        1e4f, 1,  0,  0},
    {"llama2c_tied", 8,     false, LLMC_F32, 61,   32, 96, 2, 4, 2, 8, 128, 12,
     true,           false, false, 8,        1e4f, 1,  1,  0},
    {"llama2c_v2", 9,  false, LLMC_I8, 61,    32, 96,   2, 4, 2, 8,
     128,          12, false, false,   false, 8,  1e4f, 1, 2, 32},
};
#define N_CASES ((int)(sizeof cases / sizeof cases[0]))

/* SplitMix64 by counter (Steele 2014), as in reference.py. */
static uint64_t mix(uint64_t seed, uint64_t i)
{
    uint64_t z = seed + (i + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static float uniform(uint64_t seed, uint64_t i)
{
    return (float)((int32_t)(mix(seed, i) >> 40) - (1 << 23)) * (1.0f / (1 << 23));
}

static uint64_t code_seed(const forward_case *c, uint32_t code)
{
    return (uint64_t)c->seed * 65536 + code;
}

static uint32_t layer_code(uint32_t layer, uint32_t role)
{
    return 32 * (layer + 1) + role;
}

/* ------------------------------------------------------------ bytes of a file */
typedef struct bytes {
    uint8_t *data;
    size_t n, cap;
} bytes;

static void put(bytes *b, const void *data, size_t n)
{
    if (b->n + n > b->cap) {
        b->cap = (b->n + n) * 2;
        b->data = (uint8_t *)realloc(b->data, b->cap);
        if (b->data == NULL)
            exit(2);
    }
    memcpy(b->data + b->n, data, n);
    b->n += n;
}

static void put_number(bytes *b, uint64_t v, size_t width)
{
    uint8_t le[8];
    size_t i;
    for (i = 0; i < 8; i++)
        le[i] = (uint8_t)(v >> (8 * i));
    put(b, le, width);
}

static void put_f32(bytes *b, float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    put_number(b, u, 4);
}

static void put_zeros(bytes *b, size_t n)
{
    while (n-- > 0)
        put(b, "", 1);
}

static void put_string(bytes *b, const char *s)
{
    put_number(b, strlen(s), 8);
    put(b, s, strlen(s));
}

static void put_vector(bytes *b, const forward_case *c, uint32_t code, uint32_t n, bool one)
{
    uint32_t i;
    for (i = 0; i < n; i++) {
        float u = uniform(code_seed(c, code), i) * 0.25f;
        put_f32(b, one ? 1.0f + u : u);
    }
}

/* rows x cols weights in the case's type; I8: the values, then the scales of each group. */
static void put_matrix(bytes *b, const forward_case *c, uint32_t code, uint32_t rows, uint32_t cols)
{
    float scale = code == C_EMBED || code == C_POS || cols < 48 ? 0.5f : 0.25f;
    uint32_t n = rows * cols, i;
    for (i = 0; i < n; i++) {
        if (c->type == LLMC_I8) {
            int q = (int)(mix(code_seed(c, code), i) >> 56);
            q = q > 127 ? q - 256 : q;
            put_number(b, (uint64_t)(int64_t)(q < -127 ? -127 : q), 1);
        } else if (c->type == LLMC_F32) {
            put_f32(b, uniform(code_seed(c, code), i) * scale);
        } else {
            float x = uniform(code_seed(c, code), i) * scale;
            uint8_t two[2];
            llmc_quantize(c->type, &x, 1, two);
            put(b, two, 2);
        }
    }
    for (i = 0; c->type == LLMC_I8 && i < n / c->group; i++)
        put_f32(b, (0.75f + 0.25f * uniform(code_seed(c, C_SCALES + code), i)) * (scale / 128));
}

/* ------------------------------------------------------------ llama2.c, v0 v1 v2 */
static void put_layers(bytes *b, const forward_case *c, uint32_t role, uint32_t rows, uint32_t cols)
{
    uint32_t l;
    for (l = 0; l < c->L; l++)
        if (rows == 0)
            put_vector(b, c, layer_code(l, role), cols, true);
        else
            put_matrix(b, c, layer_code(l, role), rows, cols);
}

static void build_llama2c(bytes *b, const forward_case *c)
{
    uint32_t A = c->H * c->K, B = c->G * c->K;
    const uint32_t head[7] = {c->D, c->F, c->L, c->H, c->G, c->V, c->context};
    int i;
    if (c->version > 0) {
        put_number(b, 0x616b3432, 4);
        put_number(b, (uint64_t)c->version, 4);
    }
    for (i = 0; i < 7; i++)
        put_number(b, i == 5 && c->version == 0 && !c->tied ? (uint64_t)0 - head[i] : head[i], 4);
    if (c->version > 0) {
        put_number(b, c->tied, 1);
        if (c->version == 2)
            put_number(b, c->group, 4);
        put_zeros(b, 256 - b->n);
        put_layers(b, c, C_ATTN_NORM, 0, c->D);
        put_layers(b, c, C_FFN_NORM, 0, c->D);
        put_vector(b, c, C_OUT_NORM, c->D, true);
    }
    put_matrix(b, c, C_EMBED, c->V, c->D);
    if (c->version == 0)
        put_layers(b, c, C_ATTN_NORM, 0, c->D);
    put_layers(b, c, C_Q, A, c->D);
    put_layers(b, c, C_K, B, c->D);
    put_layers(b, c, C_V, B, c->D);
    put_layers(b, c, C_O, c->D, A);
    if (c->version == 0)
        put_layers(b, c, C_FFN_NORM, 0, c->D);
    put_layers(b, c, C_GATE, c->F, c->D);
    put_layers(b, c, C_DOWN, c->D, c->F);
    put_layers(b, c, C_UP, c->F, c->D);
    if (c->version == 0) {
        put_vector(b, c, C_OUT_NORM, c->D, true);
        put_zeros(b, (size_t)c->context * c->K * 4); /* two tables nobody reads */
    }
    if (!c->tied)
        put_matrix(b, c, C_HEAD, c->V, c->D);
}

/* ------------------------------------------------------------ GGUF */
typedef struct gguf {
    bytes keys, infos, data;
    uint64_t n_keys, n_tensors;
    const forward_case *c;
} gguf;

static void key(gguf *g, const char *prefix, const char *name, uint32_t type)
{
    char full[128];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    put_string(&g->keys, full);
    put_number(&g->keys, type, 4);
    g->n_keys++;
}

static void key_u32(gguf *g, const char *prefix, const char *name, uint32_t v)
{
    key(g, prefix, name, 4);
    put_number(&g->keys, v, 4);
}

static void key_f32(gguf *g, const char *prefix, const char *name, float v)
{
    key(g, prefix, name, 6);
    put_f32(&g->keys, v);
}

static void key_text(gguf *g, const char *prefix, const char *name, const char *v)
{
    key(g, prefix, name, 8);
    put_string(&g->keys, v);
}

/* rows 0: a vector; the parts' codes stand one after the other, each with its rows. */
static void tensor(gguf *g, int layer, const char *name, uint32_t cols, bool one, int n_parts,
                   const uint32_t *code, const uint32_t *rows)
{
    static const uint32_t number[LLMC_DTYPE_COUNT] = {0, 0, 1, 30, 8, 2, 0};
    char full[64];
    uint64_t all = 0;
    int i;
    if (layer < 0)
        snprintf(full, sizeof full, "%s", name);
    else
        snprintf(full, sizeof full, "blk.%d.%s", layer, name);
    put_zeros(&g->data, (32 - g->data.n % 32) % 32);
    put_string(&g->infos, full);
    for (i = 0; i < n_parts; i++)
        all += rows[i];
    put_number(&g->infos, cols > 0 ? 2 : 1, 4);
    if (cols > 0)
        put_number(&g->infos, cols, 8);
    put_number(&g->infos, all, 8);
    put_number(&g->infos, cols > 0 ? number[g->c->type] : 0, 4);
    put_number(&g->infos, g->data.n, 8);
    for (i = 0; i < n_parts; i++)
        if (cols > 0)
            put_matrix(&g->data, g->c, code[i], rows[i], cols);
        else
            put_vector(&g->data, g->c, code[i], rows[i], one);
    g->n_tensors++;
}

static void matrix(gguf *g, int layer, const char *name, uint32_t role, uint32_t rows, uint32_t cols)
{
    uint32_t code = layer < 0 ? role : layer_code((uint32_t)layer, role);
    tensor(g, layer, name, cols, false, 1, &code, &rows);
}

static void vector(gguf *g, int layer, const char *name, uint32_t role, uint32_t n, bool one)
{
    uint32_t code = layer < 0 ? role : layer_code((uint32_t)layer, role);
    tensor(g, layer, name, 0, one, 1, &code, &n);
}

static void gguf_layer(gguf *g, int l)
{
    const forward_case *c = g->c;
    uint32_t A = c->H * c->K, B = c->G * c->K, i;
    const uint32_t rows[3] = {A, B, B};
    uint32_t qkv[3], qkv_b[3];
    for (i = 0; i < 3; i++) {
        qkv[i] = layer_code((uint32_t)l, C_Q + i);
        qkv_b[i] = layer_code((uint32_t)l, C_Q_B + i);
    }
    vector(g, l, "attn_norm.weight", C_ATTN_NORM, c->D, true);
    vector(g, l, "ffn_norm.weight", C_FFN_NORM, c->D, true);
    matrix(g, l, "attn_output.weight", C_O, c->D, A);
    matrix(g, l, "ffn_up.weight", C_UP, c->F, c->D);
    matrix(g, l, "ffn_down.weight", C_DOWN, c->D, c->F);
    if (c->gpt2) {
        tensor(g, l, "attn_qkv.weight", c->D, false, 3, qkv, rows);
        tensor(g, l, "attn_qkv.bias", 0, false, 3, qkv_b, rows);
        vector(g, l, "attn_norm.bias", C_ATTN_NORM_B, c->D, false);
        vector(g, l, "attn_output.bias", C_O_B, c->D, false);
        vector(g, l, "ffn_norm.bias", C_FFN_NORM_B, c->D, false);
        vector(g, l, "ffn_up.bias", C_UP_B, c->F, false);
        vector(g, l, "ffn_down.bias", C_DOWN_B, c->D, false);
        return;
    }
    matrix(g, l, "attn_q.weight", C_Q, A, c->D);
    matrix(g, l, "attn_k.weight", C_K, B, c->D);
    matrix(g, l, "attn_v.weight", C_V, B, c->D);
    matrix(g, l, "ffn_gate.weight", C_GATE, c->F, c->D);
    if (c->bias) {
        vector(g, l, "attn_q.bias", C_Q_B, A, false);
        vector(g, l, "attn_k.bias", C_K_B, B, false);
        vector(g, l, "attn_v.bias", C_V_B, B, false);
    }
}

static void gguf_keys(gguf *g)
{
    const forward_case *c = g->c;
    const char *f = c->gpt2 ? "gpt2." : "llama.";
    key_text(g, "general.", "architecture", c->gpt2 ? "gpt2" : "llama");
    key_u32(g, f, "context_length", c->context);
    key_u32(g, f, "embedding_length", c->D);
    key_u32(g, f, "block_count", c->L);
    key_u32(g, f, "feed_forward_length", c->F);
    key_u32(g, f, "attention.head_count", c->H);
    if (c->gpt2) {
        key_f32(g, f, "attention.layer_norm_epsilon", 1e-5f);
        return;
    }
    key_u32(g, f, "attention.head_count_kv", c->G);
    key_f32(g, f, "attention.layer_norm_rms_epsilon", 1e-5f);
    key_u32(g, f, "rope.dimension_count", c->rope_dims);
    key_f32(g, f, "rope.freq_base", c->rope_base);
    key_u32(g, f, "vocab_size", c->V);
    if (c->rope_scale > 1) {
        key_text(g, f, "rope.scaling.type", "linear");
        key_f32(g, f, "rope.scaling.factor", c->rope_scale);
    }
}

static void build_gguf(bytes *b, const forward_case *c)
{
    gguf g;
    uint32_t l;
    memset(&g, 0, sizeof g);
    g.c = c;
    gguf_keys(&g);
    matrix(&g, -1, "token_embd.weight", C_EMBED, c->V, c->D);
    if (c->gpt2) {
        matrix(&g, -1, "position_embd.weight", C_POS, c->context, c->D);
        vector(&g, -1, "output_norm.bias", C_OUT_NORM_B, c->D, false);
    }
    vector(&g, -1, "output_norm.weight", C_OUT_NORM, c->D, true);
    if (!c->tied)
        matrix(&g, -1, "output.weight", C_HEAD, c->V, c->D);
    for (l = 0; l < c->L; l++)
        gguf_layer(&g, (int)l);
    put(b, "GGUF", 4);
    put_number(b, 3, 4);
    put_number(b, g.n_tensors, 8);
    put_number(b, g.n_keys, 8);
    put(b, g.keys.data, g.keys.n);
    put(b, g.infos.data, g.infos.n);
    put_zeros(b, (32 - b->n % 32) % 32);
    put(b, g.data.data, g.data.n);
    free(g.keys.data);
    free(g.infos.data);
    free(g.data.data);
}

/* ------------------------------------------------------------ a model and an engine on the heap */
typedef struct rig {
    bytes file;
    void *model_mem, *engine_mem;
    llmc_model *model;
    llmc_engine *engine;
    llmc_seq *seq;
    llmc_diag diag;
} rig;

static bool rig_model(rig *r)
{
    llmc_blob blob;
    size_t need = 0;
    blob.data = r->file.data;
    blob.size = r->file.n;
    blob.name = "case";
    if (llmc_model_need(&blob, 1, NULL, &need, &r->diag) == LLMC_OK) {
        r->model_mem = malloc(need);
        if (llmc_model_init(&r->model, &blob, 1, NULL, r->model_mem, need, &r->diag) == LLMC_OK)
            return true;
    }
    CHECKF(false, "%s: %s", r->diag.tag, r->diag.message);
    return false;
}

static bool rig_engine(rig *r, const llmc_engine_options *opt)
{
    size_t need = 0;
    free(r->engine_mem);
    r->engine_mem = NULL;
    if (llmc_engine_need(r->model, opt, &need, &r->diag) == LLMC_OK) {
        r->engine_mem = malloc(need);
        memset(r->engine_mem, 0xa5, need); /* nothing may rely on zeroed memory */
        if (llmc_engine_init(&r->engine, r->model, opt, r->engine_mem, need, &r->diag) == LLMC_OK &&
            llmc_seq_open(&r->seq, r->engine, NULL, &r->diag) == LLMC_OK)
            return true;
    }
    CHECKF(false, "%s: %s", r->diag.tag, r->diag.message);
    return false;
}

static bool rig_case(rig *r, const forward_case *c)
{
    memset(r, 0, sizeof *r);
    if (c->version >= 0)
        build_llama2c(&r->file, c);
    else
        build_gguf(&r->file, c);
    if (!rig_model(r))
        return false;
    if (c->half)
        r->model->config.rope = LLMC_ROPE_HALF;
    return true;
}

static void rig_free(rig *r)
{
    free(r->engine_mem);
    free(r->model_mem);
    free(r->file.data);
}

static llmc_engine_options engine_options(uint32_t batch)
{
    llmc_engine_options o;
    memset(&o, 0, sizeof o);
    o.context_length = 96;
    o.batch_tokens = batch;
    o.kv_type = LLMC_F32;
    return o;
}

/* Feeds ids [T] in cuts of at most `cut` tokens, and gets all logits [T][V]. */
static bool run(rig *r, const llmc_token *ids, uint32_t T, uint32_t cut, float *logits)
{
    uint32_t at, n, V = r->model->config.vocab_size;
    for (at = 0; at < T; at += n) {
        n = T - at < cut ? T - at : cut;
        if (llmc_seq_forward(r->seq, ids + at, n, logits + (size_t)at * V, n, &r->diag) != LLMC_OK) {
            CHECKF(false, "%s: %s", r->diag.tag, r->diag.message);
            return false;
        }
    }
    return true;
}

static bool run_fresh(rig *r, const llmc_engine_options *o, const llmc_token *ids, uint32_t T, uint32_t cut,
                      float *logits)
{
    return rig_engine(r, o) && run(r, ids, T, cut, logits);
}

static void case_ids(const forward_case *c, llmc_token *ids)
{
    uint32_t t;
    for (t = 0; t < c->T; t++)
        ids[t] = (llmc_token)(mix((uint64_t)c->seed * 65536, t) % c->V);
}

/* tests/vectors/forward_NAME.bin as native floats. */
static float *golden(const char *name, size_t count)
{
    char path[128];
    size_t n = 0, i;
    unsigned char *raw;
    float *out;
    snprintf(path, sizeof path, "tests/vectors/forward_%s.bin", name);
    raw = test_read(path, &n);
    if (!CHECKF(raw != NULL && n == count * 4, "%s: %zu bytes, expected %zu", path, n, count * 4)) {
        free(raw);
        return NULL;
    }
    out = (float *)malloc(n);
    for (i = 0; i < count; i++) {
        uint32_t u = (uint32_t)raw[4 * i] | (uint32_t)raw[4 * i + 1] << 8 | (uint32_t)raw[4 * i + 2] << 16 |
                     (uint32_t)raw[4 * i + 3] << 24;
        memcpy(&out[i], &u, 4);
    }
    free(raw);
    return out;
}

/* Largest difference, or with rms the root of the mean square, in standard deviations of
   the expected logits; squared, for want of a libm. */
static double deviation(const float *got, const float *expect, size_t n, bool rms)
{
    double mean = 0, square = 0, worst = 0, sum = 0;
    size_t i;
    for (i = 0; i < n; i++) {
        double d = (double)got[i] - (double)expect[i];
        d = d < 0 ? -d : d;
        if (!(d <= worst)) /* a NaN too */
            worst = d;
        sum += d * d / (double)n;
        mean += (double)expect[i] / (double)n;
        square += (double)expect[i] * (double)expect[i] / (double)n;
    }
    square -= mean * mean;
    return (rms ? sum : worst * worst) / square;
}

static void close_to(const char *name, const char *how, const float *got, const float *expect, size_t n,
                     double bound, bool rms)
{
    double d = deviation(got, expect, n, rms);
    CHECKF(d < bound * bound, "%s, %s: (%s error/std)^2 is %g, bound %g", name, how, rms ? "rms" : "largest",
           d, bound * bound);
    if (getenv("TEST_VERBOSE") != NULL)
        printf("    %-13s %-24s (%s error/std)^2 %.2g\n", name, how, rms ? "rms" : "largest", d);
}

static void near(const char *name, const char *how, const float *got, const float *expect, size_t n,
                 double bound)
{
    close_to(name, how, got, expect, n, bound, false);
}

/* ------------------------------------------------------------ tests */
static llmc_token ids[96];
static float one_go[96 * 61], other[96 * 61];

static void matches_reference(void)
{
    int i;
    for (i = 0; i < N_CASES; i++) {
        const forward_case *c = &cases[i];
        size_t n = (size_t)c->T * c->V;
        llmc_engine_options o = engine_options(c->T);
        float *expect = golden(c->name, n);
        rig r;
        case_ids(c, ids);
        if (rig_case(&r, c) && expect != NULL && run_fresh(&r, &o, ids, c->T, c->T, one_go)) {
            near(c->name, "prefill", one_go, expect, n, 1e-3);
            if (run_fresh(&r, &o, ids, c->T, 1, other)) {
                near(c->name, "token by token", other, expect, n, 1e-3);
                CHECKF(memcmp(one_go, other, n * 4) == 0, "%s: decode differs from prefill", c->name);
            }
            o.cpu.features = LLMC_CPU_SCALAR;
            if (run_fresh(&r, &o, ids, c->T, c->T, other))
                near(c->name, "scalar", other, expect, n, 1e-3);
            o.cpu.features = 0;
            o.kv_type = LLMC_F16;
            if (run_fresh(&r, &o, ids, c->T, c->T, other))
                near(c->name, "F16 cache", other, expect, n, 1e-2);
        }
        free(expect);
        rig_free(&r);
    }
}

/* DESIGN 5: the same bits however a prefill is cut. */
static void cuts_do_not_matter(void)
{
    static const uint32_t cut[] = {2, 3, 7, 31, 32, 33, 64};
    static const int which[] = {0, 3, 5, 10};
    int k;
    size_t i;
    for (k = 0; k < 4; k++) {
        const forward_case *c = &cases[which[k]];
        llmc_engine_options o = engine_options(c->T);
        rig r;
        case_ids(c, ids);
        if (rig_case(&r, c) && run_fresh(&r, &o, ids, c->T, c->T, one_go))
            for (i = 0; i < sizeof cut / sizeof cut[0]; i++)
                if (run_fresh(&r, &o, ids, c->T, cut[i], other))
                    CHECKF(memcmp(one_go, other, (size_t)c->T * c->V * 4) == 0, "%s in cuts of %u", c->name,
                           cut[i]);
        rig_free(&r);
    }
}

/* Runs the pieces backwards, which llmc_tasks allows. */
static void backwards(void *user, uint32_t n, llmc_task_fn fn, void *arg)
{
    (void)user;
    while (n-- > 0)
        fn(arg, n);
}

static bool same_with(rig *r, const forward_case *c, llmc_tasks tasks, const char *how)
{
    llmc_engine_options o = engine_options(c->T);
    size_t n = (size_t)c->T * c->V * 4;
    o.tasks = tasks;
    if (!run_fresh(r, &o, ids, c->T, c->T, other))
        return false;
    CHECKF(memcmp(one_go, other, n) == 0, "%s, prefill, %s, %u workers", c->name, how, tasks.workers);
    if (!run_fresh(r, &o, ids, c->T, 1, other))
        return false;
    return CHECKF(memcmp(one_go, other, n) == 0, "%s, decode, %s, %u workers", c->name, how, tasks.workers) !=
           0;
}

static void threads_do_not_matter(void)
{
    static const uint32_t threads[] = {1, 2, 3, 5};
    static const int which[] = {0, 3, 5, 10};
    int k;
    size_t i;
    for (k = 0; k < 4; k++) {
        const forward_case *c = &cases[which[k]];
        llmc_engine_options o = engine_options(c->T);
        rig r;
        case_ids(c, ids);
        if (rig_case(&r, c) && run_fresh(&r, &o, ids, c->T, c->T, one_go))
            for (i = 0; i < 4; i++) {
                llmc_tasks tasks;
                tasks.run = backwards;
                tasks.user = NULL;
                tasks.workers = threads[i] + 1;
                same_with(&r, c, tasks, "one after the other");
#ifndef LLMC_NO_OS
                {
                    llmc_pool *pool = NULL;
                    if (llmc_pool_open(&pool, threads[i], &r.diag) == LLMC_OK) {
                        same_with(&r, c, llmc_pool_tasks(pool), "pool");
                        llmc_pool_close(pool);
                    } else
                        CHECKF(false, "%s", r.diag.message);
                }
#endif
            }
        rig_free(&r);
    }
}

/* Saving in another type and loading again: F32 of what was read is exact. */
static bool sink(void *user, const void *data, size_t n)
{
    put((bytes *)user, data, n);
    return true;
}

static bool resave(rig *r, llmc_dtype type)
{
    bytes out = {NULL, 0, 0};
    llmc_save_options o;
    llmc_writer w;
    size_t need = llmc_model_save_need(r->model);
    void *work = malloc(need + 1);
    llmc_status status;
    memset(&o, 0, sizeof o);
    o.type = type;
    w.write = sink;
    w.user = &out;
    status = llmc_model_save(r->model, &o, &w, work, need, &r->diag);
    free(work);
    CHECKF(status == LLMC_OK, "save: %s", r->diag.message);
    free(r->model_mem);
    free(r->file.data);
    r->model_mem = NULL;
    r->file = out;
    return status == LLMC_OK && rig_model(r);
}

/* The committed models, as they are and in every type that quantize writes. What is exact
   in float32 is held to the largest error; for rounded weights the mean one is bounded, about
   three times what the reference itself says of these models (random weights show rounding
   more than trained ones: tiny-gpt2's Q8_0 weights alone give 0.018). */
static void committed_models(void)
{
    static const struct {
        const char *name;
        unsigned seed;
        uint32_t V;
        llmc_dtype own;
    } model[] = {{"tiny-llama", 20, 367, LLMC_Q8_0}, {"tiny-gpt2", 30, 347, LLMC_F16}};
    static const struct {
        llmc_dtype type;
        double bound;
    } save[] = {{LLMC_F32, 1e-3}, {LLMC_F16, 3e-3}, {LLMC_BF16, 0.03}, {LLMC_Q8_0, 0.06}, {LLMC_Q4_0, 0.8}};
    size_t i, k;
    for (i = 0; i < 2; i++)
        for (k = 0; k <= sizeof save / sizeof save[0]; k++) {
            forward_case c = cases[0];
            llmc_engine_options o = engine_options(16);
            size_t n = (size_t)16 * model[i].V;
            float *expect = golden(model[i].name, n), *got = (float *)malloc(n * 4);
            char path[128], how[64];
            rig r;
            bool ok;
            memset(&r, 0, sizeof r);
            snprintf(path, sizeof path, "tests/models/%s.gguf", model[i].name);
            snprintf(how, sizeof how, "%s", k == 0 ? "as it is" : llmc_dtype_name(save[k - 1].type));
            r.file.data = test_read(path, &r.file.n);
            c.seed = model[i].seed;
            c.V = model[i].V;
            c.T = 16;
            case_ids(&c, ids);
            o.context_length = 32;
            ok = CHECKF(r.file.data != NULL, "%s", path) && rig_model(&r);
            if (ok && k > 0)
                ok = resave(&r, save[k - 1].type);
            if (ok && expect != NULL && run_fresh(&r, &o, ids, 16, 16, got)) {
                llmc_dtype type = k == 0 ? model[i].own : save[k - 1].type;
                bool exact = type == LLMC_F32 || (k == 0 && type == LLMC_F16);
                double bound = exact ? 1e-3 : k == 0 ? 0.06 : save[k - 1].bound;
                close_to(model[i].name, how, got, expect, n, bound, !exact);
            }
            free(got);
            free(expect);
            rig_free(&r);
        }
}

/* Truncated and fed again, a sequence gives the same bits; other text in between leaves no trace. */
static void truncate_and_refeed(void)
{
    static const uint32_t keep[] = {0, 1, 31, 32, 33, 79};
    const forward_case *c = &cases[0];
    llmc_engine_options o = engine_options(c->T);
    llmc_token reversed[96];
    size_t k, n;
    uint32_t t, V = c->V;
    rig r;
    case_ids(c, ids);
    for (t = 0; t < c->T; t++)
        reversed[t] = ids[c->T - 1 - t];
    if (rig_case(&r, c) && run_fresh(&r, &o, ids, c->T, c->T, one_go))
        for (k = 0; k < sizeof keep / sizeof keep[0]; k++) {
            uint32_t at = keep[k];
            CHECK(llmc_seq_truncate(r.seq, at, NULL) == LLMC_OK);
            CHECK(llmc_seq_forward(r.seq, reversed, 9, other, 9, NULL) == LLMC_OK);
            CHECK(llmc_seq_truncate(r.seq, at, NULL) == LLMC_OK);
            CHECK(llmc_seq_forward(r.seq, ids + at, c->T - at, other, c->T - at, NULL) == LLMC_OK);
            CHECKF(memcmp(other, one_go + (size_t)at * V, (size_t)(c->T - at) * V * 4) == 0, "from %u on",
                   at);
            llmc_seq_ids(r.seq, &n);
            CHECK(n == c->T);
        }
    CHECK(llmc_seq_truncate(r.seq, c->T + 1, &r.diag) == LLMC_BAD_ARG);
    rig_free(&r);
}

/* Only the last n_logits tokens' logits are written, and they are the same. */
static void fewer_logits(void)
{
    const forward_case *c = &cases[5];
    llmc_engine_options o = engine_options(c->T);
    uint32_t n, V = c->V;
    rig r;
    case_ids(c, ids);
    if (rig_case(&r, c) && run_fresh(&r, &o, ids, c->T, c->T, one_go))
        for (n = 0; n <= 4; n++) {
            memset(other, 0x7f, sizeof other);
            if (!rig_engine(&r, &o))
                break;
            CHECK(llmc_seq_forward(r.seq, ids, c->T, other, n, NULL) == LLMC_OK);
            CHECK(memcmp(other, one_go + (size_t)(c->T - n) * V, (size_t)n * V * 4) == 0);
            CHECK(((unsigned char *)other)[(size_t)n * V * 4] == 0x7f);
        }
    rig_free(&r);
}

static void forward_errors(void)
{
    const forward_case *c = &cases[0];
    llmc_engine_options o = engine_options(8);
    llmc_token bad[2] = {0, 61};
    size_t n;
    rig r;
    case_ids(c, ids);
    if (rig_case(&r, c) && rig_engine(&r, &o)) {
        CHECK(llmc_seq_forward(r.seq, ids, 0, other, 0, &r.diag) == LLMC_BAD_ARG);
        CHECK(llmc_seq_forward(r.seq, ids, 9, other, 0, &r.diag) == LLMC_BAD_ARG);
        CHECK(llmc_seq_forward(r.seq, ids, 4, other, 5, &r.diag) == LLMC_BAD_ARG);
        CHECK(llmc_seq_forward(r.seq, bad, 2, other, 2, &r.diag) == LLMC_BAD_ARG);
        bad[1] = -1;
        CHECK(llmc_seq_forward(r.seq, bad, 2, other, 2, &r.diag) == LLMC_BAD_ARG);
        llmc_seq_ids(r.seq, &n);
        CHECK(n == 0);
    }
    o.context_length = 10;
    if (rig_engine(&r, &o)) {
        CHECK(llmc_seq_forward(r.seq, ids, 8, other, 8, &r.diag) == LLMC_OK);
        CHECK(llmc_seq_forward(r.seq, ids, 3, other, 3, &r.diag) == LLMC_FULL);
        CHECK(llmc_seq_forward(r.seq, ids, 2, other, 2, &r.diag) == LLMC_OK);
        CHECK(llmc_seq_forward(r.seq, ids, 1, other, 1, &r.diag) == LLMC_FULL);
    }
    rig_free(&r);
}

/* A llmc_seq_forward that finds no page changes nothing: the sequence goes on as it was about to. */
static void forward_that_fails_changes_nothing(void)
{
    const forward_case *c = &cases[0];
    llmc_engine_options o = engine_options(96);
    llmc_piece first, p;
    size_t n = 0;
    rig r;
    case_ids(c, ids);
    o.kv_pool_tokens = 32; /* one page */
    if (rig_case(&r, c) && rig_engine(&r, &o)) {
        CHECK(llmc_seq_add_ids(r.seq, ids, 4, &r.diag) == LLMC_OK);
        CHECK(llmc_seq_next(r.seq, &first, &r.diag) == LLMC_OK);
        CHECK(llmc_seq_truncate(r.seq, 4, &r.diag) == LLMC_OK); /* to choose the same token once more */
        CHECK(llmc_seq_forward(r.seq, ids, 64, other, 1, &r.diag) == LLMC_FULL);
        CHECK(llmc_seq_ids(r.seq, &n) != NULL && n == 4);
        CHECKF(llmc_seq_next(r.seq, &p, &r.diag) == LLMC_OK && p.token == first.token, "%s", r.diag.message);
    }
    rig_free(&r);
}

/* Values that are not finite are found before the first layer and behind the last, too; the message says
   where, and the pages come back. */
static void not_finite_outside_the_layers(void)
{
    static const unsigned role[] = {LLMC__W_EMBED, LLMC__W_OUT_NORM};
    static const char *const word[] = {"the token embedding", "the output norm"};
    const forward_case *c = &cases[0];
    llmc_engine_options o = engine_options(96);
    int i;
    case_ids(c, ids);
    o.check_finite = true;
    o.max_seqs = 2;
    o.kv_pool_tokens = 96;
    for (i = 0; i < 2; i++) {
        unsigned char *at, was[4];
        llmc_seq *next = NULL;
        size_t n = 0;
        rig r;
        if (!rig_case(&r, c) || !rig_engine(&r, &o)) {
            rig_free(&r);
            return;
        }
        at = r.file.data + (llmc__global(r.model, role[i])->data - r.file.data);
        if (i == 0)
            at += (size_t)ids[0] * c->D * 4;
        memcpy(was, at, 4);
        memcpy(at, "\x00\x00\xc0\x7f", 4); /* NaN */
        CHECK(llmc_seq_forward(r.seq, ids, 80, other, 1, &r.diag) == LLMC_NOT_FINITE);
        CHECKF(strstr(r.diag.message, word[i]) != NULL, "%s not in: %s", word[i], r.diag.message);
        CHECK(llmc_seq_ids(r.seq, &n) != NULL && n == 0);
        memcpy(at, was, 4);
        CHECK(llmc_seq_open(&next, r.engine, NULL, &r.diag) == LLMC_OK);
        CHECKF(llmc_seq_forward(next, ids, 80, other, 1, &r.diag) == LLMC_OK, "%s", r.diag.message);
        rig_free(&r);
    }
}

typedef struct tapped {
    int embed, layer, final, bad;
} tapped;

static void on_tap(void *user, const char *point, uint32_t layer, const float *x, size_t n_tokens,
                   size_t width)
{
    tapped *t = (tapped *)user;
    t->bad += width != 32 || n_tokens == 0 || x == NULL;
    if (strcmp(point, "embed") == 0)
        t->embed++;
    else if (strcmp(point, "layer") == 0)
        t->bad += layer != (uint32_t)t->layer++;
    else if (strcmp(point, "final") == 0)
        t->final++;
    else
        t->bad++;
}

static void taps_see_every_layer(void)
{
    const forward_case *c = &cases[4];
    llmc_engine_options o = engine_options(c->T);
    tapped t = {0, 0, 0, 0};
    rig r;
    case_ids(c, ids);
    o.tap.fn = on_tap;
    o.tap.user = &t;
    if (rig_case(&r, c) && run_fresh(&r, &o, ids, c->T, c->T, other))
        CHECKF(t.embed == 1 && t.layer == 3 && t.final == 1 && t.bad == 0, "%d %d %d %d", t.embed, t.layer,
               t.final, t.bad);
    rig_free(&r);
}

/* A NaN in one layer's weights is reported with that layer's name. */
static void names_the_layer_that_is_not_finite(void)
{
    const forward_case *c = &cases[4];
    llmc_engine_options o = engine_options(c->T);
    char want[32];
    uint32_t l;
    case_ids(c, ids);
    o.check_finite = true;
    for (l = 0; l < c->L; l++) {
        rig r;
        const llmc_tensor *w;
        if (!rig_case(&r, c) || !rig_engine(&r, &o)) {
            rig_free(&r);
            return;
        }
        CHECK(run(&r, ids, c->T, c->T, other));
        CHECK(llmc_seq_truncate(r.seq, 0, NULL) == LLMC_OK);
        w = llmc__weight(r.model, l, LLMC__W_DOWN);
        r.file.data[w->data - r.file.data] = 0xc0; /* BF16 NaN 0x7fc0 */
        r.file.data[w->data - r.file.data + 1] = 0x7f;
        CHECK(llmc_seq_forward(r.seq, ids, c->T, other, 1, &r.diag) == LLMC_NOT_FINITE);
        snprintf(want, sizeof want, "blk.%u", l);
        CHECKF(strstr(r.diag.message, want) != NULL, "%s not in: %s", want, r.diag.message);
        rig_free(&r);
    }
}

int main(void)
{
    RUN(matches_reference);
    RUN(cuts_do_not_matter);
    RUN(threads_do_not_matter);
    RUN(committed_models);
    RUN(truncate_and_refeed);
    RUN(fewer_logits);
    RUN(forward_errors);
    RUN(forward_that_fails_changes_nothing);
    RUN(not_finite_outside_the_layers);
    RUN(taps_see_every_layer);
    RUN(names_the_layer_that_is_not_finite);
    return test_end("test_forward");
}
