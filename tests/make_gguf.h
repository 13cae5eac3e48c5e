/* make_gguf.h -- files built by hand for the tests of FILE and MODEL

   Independent of llmc.h's own writer: bytes are put down one by one, in the
   order of the GGUF specification, so that both cannot be wrong in one way. */
#ifndef MAKE_GGUF_H
#define MAKE_GGUF_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__)
#define MAKE_UNUSED __attribute__((unused))
#else
#define MAKE_UNUSED
#endif

typedef struct bytes {
    unsigned char *data;
    size_t size, cap;
} bytes;

static void put(bytes *b, const void *p, size_t n)
{
    if (b->size + n > b->cap) {
        b->cap = (b->size + n) * 2 + 64;
        b->data = (unsigned char *)realloc(b->data, b->cap);
        if (b->data == NULL)
            abort();
    }
    if (n > 0)
        memcpy(b->data + b->size, p, n);
    b->size += n;
}

static void put_int(bytes *b, uint64_t v, unsigned n)
{
    unsigned char c;
    while (n-- > 0) {
        c = (unsigned char)(v & 255u);
        put(b, &c, 1);
        v >>= 8;
    }
}

static uint32_t bits_of(float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}

MAKE_UNUSED static void put_f32(bytes *b, float f)
{
    put_int(b, bits_of(f), 4);
}

static void put_str(bytes *b, const char *s)
{
    put_int(b, strlen(s), 8);
    put(b, s, strlen(s));
}

/* A GGUF file in the making. Keys named in `skip` are left out by the key_
   functions, so that a test can put another value there itself. */
typedef struct maker {
    bytes keys, table, data, out;
    uint64_t n_keys, n_tensors, align;
    const char *skip[4];
    const char *skip_tensor;
    uint32_t version;
} maker;

static void make_begin(maker *m)
{
    memset(m, 0, sizeof *m);
    m->align = 32;
    m->version = 3;
}

MAKE_UNUSED static void make_end(maker *m)
{
    free(m->keys.data);
    free(m->table.data);
    free(m->data.data);
    free(m->out.data);
    memset(m, 0, sizeof *m);
}

static int key_head(maker *m, const char *key, uint32_t type)
{
    size_t i;
    for (i = 0; i < 4; i++)
        if (m->skip[i] != NULL && strcmp(m->skip[i], key) == 0)
            return 0;
    put_str(&m->keys, key);
    put_int(&m->keys, type, 4);
    m->n_keys++;
    return 1;
}

MAKE_UNUSED static void key_int(maker *m, const char *key, uint32_t type, unsigned n, uint64_t v)
{
    if (key_head(m, key, type))
        put_int(&m->keys, v, n);
}

static void key_u32(maker *m, const char *key, uint32_t v)
{
    if (key_head(m, key, 4))
        put_int(&m->keys, v, 4);
}

static void key_f32(maker *m, const char *key, float v)
{
    if (key_head(m, key, 6))
        put_f32(&m->keys, v);
}

MAKE_UNUSED static void key_bool(maker *m, const char *key, unsigned v)
{
    if (key_head(m, key, 7))
        put_int(&m->keys, v, 1);
}

static void key_str(maker *m, const char *key, const char *v)
{
    if (key_head(m, key, 8))
        put_str(&m->keys, v);
}

static int key_array(maker *m, const char *key, uint32_t type, uint64_t count)
{
    if (!key_head(m, key, 9))
        return 0;
    put_int(&m->keys, type, 4);
    put_int(&m->keys, count, 8);
    return 1;
}

/* A table entry whatever it says, and n bytes of data. */
static void tensor_raw(maker *m, const char *name, uint32_t n_dims, const uint64_t *dim, uint32_t type,
                       uint64_t offset)
{
    uint32_t i;
    put_str(&m->table, name);
    put_int(&m->table, n_dims, 4);
    for (i = 0; i < n_dims; i++)
        put_int(&m->table, dim[i], 8);
    put_int(&m->table, type, 4);
    put_int(&m->table, offset, 8);
    m->n_tensors++;
}

/* f32 tensor; its values are a function of its name and index alone, so that two
   files with the same names hold the same numbers. cols x rows, rows 0: a vector. */
static float tensor_value(const char *name, uint64_t i)
{
    uint32_t h = 2166136261u;
    for (; *name != 0; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    h = (h ^ (uint32_t)i) * 2654435761u;
    h ^= h >> 15;
    h *= 2246822519u;
    h ^= h >> 13;
    return (float)((int)(h & 0xffffu) - 32768) / 65536.0f;
}

static void tensor_f32(maker *m, const char *name, uint64_t cols, uint64_t rows)
{
    uint64_t dim[2], i, n = cols * (rows == 0 ? 1 : rows);
    if (m->skip_tensor != NULL && strcmp(m->skip_tensor, name) == 0)
        return;
    dim[0] = cols;
    dim[1] = rows;
    while (m->data.size % m->align != 0)
        put_int(&m->data, 0, 1);
    tensor_raw(m, name, rows == 0 ? 1 : 2, dim, 0, m->data.size);
    for (i = 0; i < n; i++)
        put_f32(&m->data, tensor_value(name, i));
}

/* Everything put together in m->out; the data's place is returned. */
static size_t make_finish(maker *m)
{
    size_t begin;
    m->out.size = 0;
    put(&m->out, "GGUF", 4);
    put_int(&m->out, m->version, 4);
    put_int(&m->out, m->n_tensors, 8);
    put_int(&m->out, m->n_keys, 8);
    put(&m->out, m->keys.data, m->keys.size);
    put(&m->out, m->table.data, m->table.size);
    while (m->align != 0 && m->out.size % m->align != 0)
        put_int(&m->out, 0, 1);
    begin = m->out.size;
    put(&m->out, m->data.data, m->data.size);
    return begin;
}

/* The little model of these tests: V 12, L 2, D 8, H 4, G 2, K 2, F 6, C 16. */
enum { TINY_V = 12, TINY_L = 2, TINY_D = 8, TINY_H = 4, TINY_G = 2, TINY_K = 2, TINY_F = 6, TINY_C = 16 };

/* As SentencePiece and GGUF spell it. */
static const char *const tiny_token[TINY_V] = {"<unk>",
                                               "<s>",
                                               "</s>",
                                               "<0x0A>",
                                               "\xe2\x96\x81",
                                               "a",
                                               "b",
                                               "c",
                                               "ab",
                                               "\xe2\x96\x81"
                                               "a",
                                               "bc",
                                               "\xe2\x96\x81"
                                               "ab"};
static const int tiny_type[TINY_V] = {2, 3, 3, 6, 1, 1, 1, 1, 1, 1, 1, 1};

static float tiny_score(int i)
{
    return i < 4 ? 0.0f : -(float)i;
}

static void tiny_vocab(maker *m)
{
    int i;
    key_str(m, "tokenizer.ggml.model", "llama");
    if (key_array(m, "tokenizer.ggml.tokens", 8, TINY_V))
        for (i = 0; i < TINY_V; i++)
            put_str(&m->keys, tiny_token[i]);
    if (key_array(m, "tokenizer.ggml.scores", 6, TINY_V))
        for (i = 0; i < TINY_V; i++)
            put_f32(&m->keys, tiny_score(i));
    if (key_array(m, "tokenizer.ggml.token_type", 5, TINY_V))
        for (i = 0; i < TINY_V; i++)
            put_int(&m->keys, (uint64_t)tiny_type[i], 4);
    key_u32(m, "tokenizer.ggml.bos_token_id", 1);
    key_u32(m, "tokenizer.ggml.eos_token_id", 2);
    key_u32(m, "tokenizer.ggml.unknown_token_id", 0);
}

static void tiny_llama_keys(maker *m)
{
    key_str(m, "general.architecture", "llama");
    key_str(m, "general.name", "tiny");
    key_u32(m, "llama.block_count", TINY_L);
    key_u32(m, "llama.context_length", TINY_C);
    key_u32(m, "llama.embedding_length", TINY_D);
    key_u32(m, "llama.feed_forward_length", TINY_F);
    key_u32(m, "llama.attention.head_count", TINY_H);
    key_u32(m, "llama.attention.head_count_kv", TINY_G);
    key_f32(m, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    key_u32(m, "llama.rope.dimension_count", TINY_K);
}

static const char *layer_name(unsigned l, const char *name)
{
    static char text[8][80];
    static unsigned turn;
    char *out = text[turn++ & 7u];
    snprintf(out, sizeof text[0], "blk.%u.%s", l, name);
    return out;
}

/* The order is llama2.c's, v0: a converter would write it so. */
static void tiny_llama_tensors(maker *m, int head)
{
    unsigned l;
    tensor_f32(m, "token_embd.weight", TINY_D, TINY_V);
    for (l = 0; l < TINY_L; l++) {
        tensor_f32(m, layer_name(l, "attn_norm.weight"), TINY_D, 0);
        tensor_f32(m, layer_name(l, "attn_q.weight"), TINY_D, TINY_D);
        tensor_f32(m, layer_name(l, "attn_k.weight"), TINY_D, TINY_G * TINY_K);
        tensor_f32(m, layer_name(l, "attn_v.weight"), TINY_D, TINY_G * TINY_K);
        tensor_f32(m, layer_name(l, "attn_output.weight"), TINY_D, TINY_D);
        tensor_f32(m, layer_name(l, "ffn_norm.weight"), TINY_D, 0);
        tensor_f32(m, layer_name(l, "ffn_gate.weight"), TINY_D, TINY_F);
        tensor_f32(m, layer_name(l, "ffn_down.weight"), TINY_F, TINY_D);
        tensor_f32(m, layer_name(l, "ffn_up.weight"), TINY_D, TINY_F);
    }
    tensor_f32(m, "output_norm.weight", TINY_D, 0);
    if (head)
        tensor_f32(m, "output.weight", TINY_D, TINY_V);
}

/* A complete small Llama in m->out. */
MAKE_UNUSED static size_t tiny_llama(maker *m)
{
    tiny_llama_keys(m);
    tiny_vocab(m);
    tiny_llama_tensors(m, 0);
    return make_finish(m);
}

/* The same model as a llama2.c file of version 0 or 1. */
static void put_tensor(bytes *b, const char *name, uint64_t n)
{
    uint64_t i;
    for (i = 0; i < n; i++)
        put_f32(b, tensor_value(name, i));
}

static void put_layers(bytes *b, const char *name, uint64_t n)
{
    unsigned l;
    for (l = 0; l < TINY_L; l++)
        put_tensor(b, layer_name(l, name), n);
}

static void put_llama2c_ints(bytes *b, int64_t vocab)
{
    const int64_t v[7] = {TINY_D, TINY_F, TINY_L, TINY_H, TINY_G, vocab, TINY_C};
    int i;
    for (i = 0; i < 7; i++)
        put_int(b, (uint64_t)v[i], 4);
}

MAKE_UNUSED static void tiny_llama2c_v0(bytes *b, int tied)
{
    const uint64_t kv = TINY_G * TINY_K;
    put_llama2c_ints(b, tied ? TINY_V : -TINY_V);
    put_tensor(b, "token_embd.weight", TINY_D * TINY_V);
    put_layers(b, "attn_norm.weight", TINY_D);
    put_layers(b, "attn_q.weight", TINY_D * TINY_D);
    put_layers(b, "attn_k.weight", TINY_D * kv);
    put_layers(b, "attn_v.weight", TINY_D * kv);
    put_layers(b, "attn_output.weight", TINY_D * TINY_D);
    put_layers(b, "ffn_norm.weight", TINY_D);
    put_layers(b, "ffn_gate.weight", TINY_D * TINY_F);
    put_layers(b, "ffn_down.weight", TINY_D * TINY_F);
    put_layers(b, "ffn_up.weight", TINY_D * TINY_F);
    put_tensor(b, "output_norm.weight", TINY_D);
    put_tensor(b, "legacy cos", TINY_C * TINY_K / 2);
    put_tensor(b, "legacy sin", TINY_C * TINY_K / 2);
    if (!tied)
        put_tensor(b, "output.weight", TINY_D * TINY_V);
}

static void put_llama2c_head(bytes *b, unsigned version, int tied, uint32_t group)
{
    put_int(b, 0x616b3432u, 4);
    put_int(b, version, 4);
    put_llama2c_ints(b, TINY_V);
    put_int(b, tied ? 1 : 0, 1);
    if (version == 2)
        put_int(b, group, 4);
    while (b->size < 256)
        put_int(b, 0, 1);
}

MAKE_UNUSED static void tiny_llama2c_v1(bytes *b, int tied)
{
    const uint64_t kv = TINY_G * TINY_K;
    put_llama2c_head(b, 1, tied, 0);
    put_layers(b, "attn_norm.weight", TINY_D);
    put_layers(b, "ffn_norm.weight", TINY_D);
    put_tensor(b, "output_norm.weight", TINY_D);
    put_tensor(b, "token_embd.weight", TINY_D * TINY_V);
    put_layers(b, "attn_q.weight", TINY_D * TINY_D);
    put_layers(b, "attn_k.weight", TINY_D * kv);
    put_layers(b, "attn_v.weight", TINY_D * kv);
    put_layers(b, "attn_output.weight", TINY_D * TINY_D);
    put_layers(b, "ffn_gate.weight", TINY_D * TINY_F);
    put_layers(b, "ffn_down.weight", TINY_D * TINY_F);
    put_layers(b, "ffn_up.weight", TINY_D * TINY_F);
    if (!tied)
        put_tensor(b, "output.weight", TINY_D * TINY_V);
}

/* Version 2: each matrix as int8, then f32 scales; what they are is a function of
   the name alone. quantised_value says what a reader has to find. */
static int quantised_q(const char *name, uint64_t i)
{
    return (int)(tensor_value(name, i) * 250.0f);
}

static float quantised_scale(const char *name, uint64_t group)
{
    return 0.01f + tensor_value(name, 1000000 + group) * 0.005f;
}

static void put_quantised(bytes *b, const char *name, uint64_t n, uint32_t group)
{
    uint64_t i;
    for (i = 0; i < n; i++)
        put_int(b, (uint64_t)(int64_t)quantised_q(name, i), 1);
    for (i = 0; i < n / group; i++)
        put_f32(b, quantised_scale(name, i));
}

static void put_quantised_layers(bytes *b, const char *name, uint64_t n, uint32_t group)
{
    unsigned l;
    for (l = 0; l < TINY_L; l++)
        put_quantised(b, layer_name(l, name), n, group);
}

MAKE_UNUSED static void tiny_llama2c_v2(bytes *b, int tied, uint32_t group)
{
    const uint64_t kv = TINY_G * TINY_K;
    put_llama2c_head(b, 2, tied, group);
    put_layers(b, "attn_norm.weight", TINY_D);
    put_layers(b, "ffn_norm.weight", TINY_D);
    put_tensor(b, "output_norm.weight", TINY_D);
    put_quantised(b, "token_embd.weight", TINY_D * TINY_V, group);
    put_quantised_layers(b, "attn_q.weight", TINY_D * TINY_D, group);
    put_quantised_layers(b, "attn_k.weight", TINY_D * kv, group);
    put_quantised_layers(b, "attn_v.weight", TINY_D * kv, group);
    put_quantised_layers(b, "attn_output.weight", TINY_D * TINY_D, group);
    put_quantised_layers(b, "ffn_gate.weight", TINY_D * TINY_F, group);
    put_quantised_layers(b, "ffn_down.weight", TINY_D * TINY_F, group);
    put_quantised_layers(b, "ffn_up.weight", TINY_D * TINY_F, group);
    if (!tied)
        put_quantised(b, "output.weight", TINY_D * TINY_V, group);
}

/* tokenizer.bin of tiny_token: plain spaces, control tokens between newlines. */
MAKE_UNUSED static void tiny_tokenizer_bin(bytes *b)
{
    int i;
    put_int(b, 7, 4);
    for (i = 0; i < TINY_V; i++) {
        const char *t = i == 1 ? "\n<s>\n" : i == 2 ? "\n</s>\n" : tiny_token[i];
        int space = strncmp(t, "\xe2\x96\x81", 3) == 0;
        size_t len = strlen(t) - (space ? 2 : 0);
        put_f32(b, tiny_score(i));
        put_int(b, len, 4);
        if (space)
            put(b, " ", 1);
        put(b, t + (space ? 3 : 0), len - (size_t)space);
    }
}

#endif
