/* test_file.c -- section FILE: containers built byte by byte, whole and damaged */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"
#include "make_gguf.h"

/* Opening must end in this status and with this word in its message. */
static llmc_diag seen;

static llmc_status open_gguf(const void *data, size_t size)
{
    llmc_blob file;
    llmc__gguf g;
    llmc__reader r;
    llmc_tensor t;
    llmc_status status;
    uint64_t i;
    unsigned char *copy =
        (unsigned char *)malloc(size + (size == 0)); /* exact: a sanitizer sees any overrun */
    if (size > 0)
        memcpy(copy, data, size);
    file.data = copy;
    file.size = size;
    file.name = "t.gguf";
    memset(&seen, 0, sizeof seen);
    status = llmc__gguf_open(&g, &file, false, &seen);
    if (status == LLMC_OK) {
        r = g.file;
        r.at = g.tensors_at;
        for (i = 0; i < g.n_tensors && status == LLMC_OK; i++)
            status = llmc__gguf_tensor(&g, &r, &t);
    }
    free(copy);
    return status;
}

static void expect(maker *m, llmc_status want, const char *word)
{
    llmc_status got;
    make_finish(m);
    got = open_gguf(m->out.data, m->out.size);
    CHECKF(got == want, "status %d, expected %d (%s): %s", (int)got, (int)want, word, seen.message);
    if (want != LLMC_OK)
        CHECKF(strstr(seen.message, word) != NULL && strstr(seen.message, "t.gguf") != NULL &&
                   seen.tag != NULL,
               "'%s' does not name '%s'", seen.message, word);
    make_end(m);
    make_begin(m);
}

static void test_identify(void)
{
    bytes b = {NULL, 0, 0};
    maker m;
    llmc_blob file;
    memset(&file, 0, sizeof file);
    CHECK(llmc_file_identify(NULL) == LLMC_FILE_UNKNOWN);
    CHECK(llmc_file_identify(&file) == LLMC_FILE_UNKNOWN);
    make_begin(&m);
    make_finish(&m);
    file.data = m.out.data;
    file.size = m.out.size;
    CHECK(llmc_file_identify(&file) == LLMC_FILE_GGUF);
    file.size = 3;
    CHECK(llmc_file_identify(&file) == LLMC_FILE_UNKNOWN);
    tiny_llama2c_v0(&b, 0);
    file.data = b.data;
    file.size = b.size;
    CHECK(llmc_file_identify(&file) == LLMC_FILE_LLAMA2C);
    file.size = 27;
    CHECK(llmc_file_identify(&file) == LLMC_FILE_UNKNOWN);
    file.data = "Once upon a time there was a model that was not one.";
    file.size = 52;
    CHECK(llmc_file_identify(&file) == LLMC_FILE_UNKNOWN);
    b.size = 0;
    tiny_llama2c_v2(&b, 1, 16);
    file.data = b.data;
    file.size = b.size;
    CHECK(llmc_file_identify(&file) == LLMC_FILE_LLAMA2C);
    CHECK(strcmp(llmc_file_kind_name(LLMC_FILE_GGUF), "GGUF") == 0);
    CHECK(strcmp(llmc_file_kind_name(LLMC_FILE_LLAMA2C), "llama2.c") == 0);
    CHECK(strcmp(llmc_file_kind_name(LLMC_FILE_UNKNOWN), "unknown") == 0);
    free(b.data);
    make_end(&m);
}

static void test_header(void)
{
    maker m;
    unsigned char head[24];
    make_begin(&m);
    tiny_llama_keys(&m);
    expect(&m, LLMC_OK, "");
    m.version = 2;
    expect(&m, LLMC_OK, "");
    m.version = 1;
    expect(&m, LLMC_UNSUPPORTED, "version 1");
    m.version = 4;
    expect(&m, LLMC_UNSUPPORTED, "version 4");
    m.version = 0;
    expect(&m, LLMC_UNSUPPORTED, "version 0");
    m.version = 3u << 24;
    expect(&m, LLMC_UNSUPPORTED, "big-endian");
    m.n_keys = 1;
    expect(&m, LLMC_BAD_FILE, "1 keys");
    m.n_tensors = 1;
    expect(&m, LLMC_BAD_FILE, "1 tensors");
    m.n_keys = UINT64_MAX;
    expect(&m, LLMC_BAD_FILE, "keys");
    m.n_tensors = (uint64_t)1 << 61;
    expect(&m, LLMC_BAD_FILE, "tensors");
    memcpy(head, "GGML", 4);
    CHECK(open_gguf(head, 4) == LLMC_BAD_FILE);
    CHECK(open_gguf("GGUF", 4) == LLMC_BAD_FILE && seen.offset == 4);
    make_end(&m);
}

static void test_alignment(void)
{
    static const uint32_t good[] = {1, 8, 32, 64, 4096}, bad[] = {0, 3, 48, 1u << 31, UINT32_MAX};
    maker m;
    size_t i;
    make_begin(&m);
    for (i = 0; i < 5; i++) {
        m.align = good[i];
        key_u32(&m, "general.alignment", good[i]);
        tensor_f32(&m, "a", 3, 0);
        tensor_f32(&m, "b", 5, 2);
        expect(&m, LLMC_OK, "");
    }
    for (i = 0; i < 5; i++) {
        key_u32(&m, "general.alignment", bad[i]);
        expect(&m, LLMC_BAD_FILE, "general.alignment");
    }
    key_str(&m, "general.alignment", "32");
    expect(&m, LLMC_BAD_FILE, "general.alignment");
    key_u32(&m, "general.alignment", 32);
    key_u32(&m, "general.alignment", 64);
    expect(&m, LLMC_BAD_FILE, "twice");
    make_end(&m);
}

/* One key of every value type, read back by walking. */
static void test_values(void)
{
    static const uint32_t type[] = {0, 1, 2, 3, 4, 5, 10, 11};
    static const unsigned size[] = {1, 1, 2, 2, 4, 4, 8, 8};
    maker m;
    llmc__gguf g;
    llmc__reader r;
    llmc__gguf_pair p;
    llmc_blob file;
    uint64_t u, pi = 0x400921fb54442d18u; /* IEEE 754 binary64 of pi */
    double d;
    bool flag;
    size_t i, len;
    const char *text;
    make_begin(&m);
    for (i = 0; i < 8; i++)
        key_int(&m, "x", type[i], size[i], 77);
    key_f32(&m, "f", 0.5f);
    key_int(&m, "d", 12, 8, pi);
    key_bool(&m, "y", 1);
    key_bool(&m, "n", 0);
    key_str(&m, "s", "text");
    key_int(&m, "i", 5, 4, (uint64_t)-1);
    key_bool(&m, "z", 2);
    make_finish(&m);
    file.data = m.out.data;
    file.size = m.out.size;
    file.name = NULL;
    CHECK(llmc__gguf_open(&g, &file, false, NULL) == LLMC_OK);
    r = g.file;
    r.at = g.keys_at;
    for (i = 0; i < 8; i++) {
        CHECK(llmc__gguf_next(&r, &p) == LLMC_OK && p.value.type == type[i]);
        CHECK(llmc__gguf_uint(&g, &p.value, &u) && u == 77);
        CHECK(llmc__gguf_real(&g, &p.value, &d) && d == 77);
        CHECK(!llmc__gguf_flag(&g, &p.value, &flag) && !llmc__gguf_text(&g, &p.value, &text, &len));
    }
    CHECK(llmc__gguf_next(&r, &p) == LLMC_OK && llmc__gguf_real(&g, &p.value, &d) && d == 0.5);
    CHECK(!llmc__gguf_uint(&g, &p.value, &u));
    CHECK(llmc__gguf_next(&r, &p) == LLMC_OK && llmc__gguf_real(&g, &p.value, &d) && d > 3.14159265 &&
          d < 3.14159266);
    CHECK(llmc__gguf_next(&r, &p) == LLMC_OK && llmc__gguf_flag(&g, &p.value, &flag) && flag);
    CHECK(!llmc__gguf_uint(&g, &p.value, &u));
    CHECK(llmc__gguf_next(&r, &p) == LLMC_OK && llmc__gguf_flag(&g, &p.value, &flag) && !flag);
    CHECK(llmc__gguf_next(&r, &p) == LLMC_OK && llmc__gguf_text(&g, &p.value, &text, &len));
    CHECK(len == 4 && memcmp(text, "text", 4) == 0 && p.key_len == 1 && p.key[0] == 's');
    CHECK(llmc__gguf_next(&r, &p) == LLMC_OK && !llmc__gguf_uint(&g, &p.value, &u) &&
          !llmc__gguf_real(&g, &p.value, &d));
    CHECK(llmc__gguf_next(&r, &p) == LLMC_OK && !llmc__gguf_flag(&g, &p.value, &flag));
    CHECK(r.at == g.tensors_at);
    make_end(&m);
}

static void test_keys(void)
{
    maker m;
    unsigned i, depth;
    make_begin(&m);
    key_int(&m, "odd", 13, 8, 0);
    expect(&m, LLMC_BAD_FILE, "'odd' has the unknown value type 13");
    key_u32(&m, "", 1);
    expect(&m, LLMC_BAD_FILE, "key is empty");
    key_array(&m, "long", 4, (uint64_t)1 << 62);
    expect(&m, LLMC_BAD_FILE, "'long' declares");
    key_array(&m, "long", 8, 3); /* strings, which end too early */
    put_int(&m.keys, 1, 8);
    expect(&m, LLMC_BAD_FILE, "'long' declares 3");
    key_array(&m, "long", 8, 1);
    put_int(&m.keys, UINT64_MAX - 3, 8);
    expect(&m, LLMC_BAD_FILE, "ends inside");
    key_array(&m, "empty", 4, 0);
    expect(&m, LLMC_OK, "");
    key_array(&m, "odd", 77, 0);
    expect(&m, LLMC_BAD_FILE, "'odd'");
    put_int(&m.keys, 70000, 8); /* a key of 70000 bytes */
    for (i = 0; i < 70012; i++)
        put_int(&m.keys, 0x61, 1);
    m.n_keys = 1;
    expect(&m, LLMC_BAD_FILE, "65535");
    /* [[1,2],[]] is skipped; four levels too; five are refused */
    key_array(&m, "nest", 9, 2);
    put_int(&m.keys, 0, 4);
    put_int(&m.keys, 2, 8);
    put_int(&m.keys, 0x0201, 2);
    put_int(&m.keys, 4, 4);
    put_int(&m.keys, 0, 8);
    expect(&m, LLMC_OK, "");
    for (depth = 4; depth < 7; depth++) {
        key_array(&m, "nest", 9, 1);
        for (i = 1; i < depth; i++) {
            put_int(&m.keys, 9, 4);
            put_int(&m.keys, 1, 8);
        }
        put_int(&m.keys, 0, 4);
        put_int(&m.keys, 1, 8);
        put_int(&m.keys, 7, 1);
        expect(&m, depth == 4 ? LLMC_OK : LLMC_UNSUPPORTED, "'nest' nests arrays too deep");
    }
    key_array(&m, "nest", 9, 1000); /* far more than there is */
    expect(&m, LLMC_BAD_FILE, "ends inside");
    make_end(&m);
}

static void one_tensor(maker *m, const char *name, uint32_t n_dims, uint64_t d0, uint64_t d1, uint64_t d2,
                       uint64_t d3, uint32_t type, uint64_t offset, llmc_status want, const char *word)
{
    uint64_t dim[8];
    dim[0] = d0;
    dim[1] = d1;
    dim[2] = d2;
    dim[3] = d3;
    dim[4] = dim[5] = dim[6] = dim[7] = 1;
    tensor_raw(m, name, n_dims, dim, type, offset);
    while (m->data.size < 1024)
        put_int(&m->data, 0, 1);
    expect(m, want, word);
}

static void test_tensors(void)
{
    const uint64_t big = (uint64_t)1 << 32;
    char name[80];
    maker m;
    make_begin(&m);
    one_tensor(&m, "w", 1, 256, 0, 0, 0, 0, 0, LLMC_OK, "");
    one_tensor(&m, "w", 4, 4, 4, 4, 4, 0, 0, LLMC_OK, "");
    one_tensor(&m, "w", 2, 32, 8, 0, 0, 8, 0, LLMC_OK, "");  /* Q8_0: 8 x 34 bytes */
    one_tensor(&m, "w", 1, 8, 0, 0, 0, 0, 992, LLMC_OK, ""); /* the last 32 bytes */
    one_tensor(&m, "w", 1, 257, 0, 0, 0, 0, 0, LLMC_BAD_FILE, "'w' lies past the end");
    one_tensor(&m, "w", 1, 9, 0, 0, 0, 0, 992, LLMC_BAD_FILE, "past the end");
    one_tensor(&m, "w", 1, 8, 0, 0, 0, 0, UINT64_MAX - 31, LLMC_BAD_FILE, "past the end");
    one_tensor(&m, "w", 1, 8, 0, 0, 0, 0, 8, LLMC_BAD_FILE, "not a multiple of 32");
    one_tensor(&m, "w", 2, 33, 8, 0, 0, 8, 0, LLMC_BAD_FILE, "blocks of 32");
    one_tensor(&m, "w", 2, 0, 8, 0, 0, 0, 0, LLMC_BAD_FILE, "impossible dimension 0");
    one_tensor(&m, "w", 2, 8, 0, 0, 0, 0, 0, LLMC_BAD_FILE, "impossible dimension 0");
    one_tensor(&m, "w", 2, big, big, 0, 0, 0, 0, LLMC_BAD_FILE, "impossible dimension");
    one_tensor(&m, "w", 4, big / 2, big / 2, 2, 2, 0, 0, LLMC_BAD_FILE, "'w'"); /* 2^64 elements */
    one_tensor(&m, "w", 2, big / 4, big, 0, 0, 0, 0, LLMC_BAD_FILE, "'w'");     /* 2^64 bytes */
    one_tensor(&m, "w", 1, UINT64_MAX, 0, 0, 0, 0, 0, LLMC_BAD_FILE, "impossible dimension");
    one_tensor(&m, "w", 0, 0, 0, 0, 0, 0, 0, LLMC_BAD_FILE, "0 dimensions");
    one_tensor(&m, "w", 5, 1, 1, 1, 1, 0, 0, LLMC_BAD_FILE, "5 dimensions");
    one_tensor(&m, "w", 1, 256, 0, 0, 0, 12, 0, LLMC_UNSUPPORTED, "'w' has type 12 (Q4_K)");
    one_tensor(&m, "w", 1, 256, 0, 0, 0, 24, 0, LLMC_UNSUPPORTED, "(I8)");
    one_tensor(&m, "w", 1, 256, 0, 0, 0, 4, 0, LLMC_UNSUPPORTED, "type 4");
    one_tensor(&m, "w", 1, 256, 0, 0, 0, 0xffffffffu, 0, LLMC_UNSUPPORTED, "type 4294967295");
    one_tensor(&m, "", 1, 8, 0, 0, 0, 0, 0, LLMC_BAD_FILE, "name has 0 bytes");
    memset(name, 'n', sizeof name);
    name[63] = 0;
    one_tensor(&m, name, 1, 8, 0, 0, 0, 0, 0, LLMC_OK, "");
    name[63] = 'n';
    name[64] = 0;
    one_tensor(&m, name, 1, 8, 0, 0, 0, 0, 0, LLMC_BAD_FILE, "name has 64 bytes");
    make_end(&m);
}

/* Every prefix of a good file is refused, except those that only lack padding. */
static void test_truncated(void)
{
    maker m;
    size_t n;
    make_begin(&m);
    tiny_llama(&m);
    CHECK(open_gguf(m.out.data, m.out.size) == LLMC_OK);
    for (n = 0; n < m.out.size; n++)
        if (!CHECKF(open_gguf(m.out.data, n) == LLMC_BAD_FILE, "cut to %u bytes", (unsigned)n))
            break;
    make_end(&m);
}

static llmc_status open_vocab(maker *m, llmc__vocab *v, bool *present)
{
    llmc_blob file;
    llmc__gguf g;
    llmc_status status;
    make_finish(m);
    file.data = m->out.data;
    file.size = m->out.size;
    file.name = "t.gguf";
    memset(&seen, 0, sizeof seen);
    status = llmc__gguf_open(&g, &file, true, &seen);
    if (status == LLMC_OK)
        status = llmc__vocab_gguf(v, &g, present);
    return status;
}

/* The good vocabulary without `skip`, and with what the test adds. */
static void expect_vocab(maker *m, llmc_status want, const char *word)
{
    llmc__vocab v;
    bool present;
    llmc_status got;
    tiny_vocab(m);
    got = open_vocab(m, &v, &present);
    CHECKF(got == want, "status %d, expected %d (%s): %s", (int)got, (int)want, word, seen.message);
    if (want != LLMC_OK)
        CHECKF(strstr(seen.message, word) != NULL, "'%s' does not name '%s'", seen.message, word);
    make_end(m);
    make_begin(m);
}

static void test_vocab(void)
{
    maker m;
    llmc__vocab v;
    bool present = true;
    int i;
    make_begin(&m);
    CHECK(open_vocab(&m, &v, &present) == LLMC_OK && !present);
    tiny_vocab(&m);
    CHECK(open_vocab(&m, &v, &present) == LLMC_OK && present);
    CHECK(v.kind == LLMC__VOCAB_SPM && v.layout == LLMC__STRINGS_GGUF && v.count == TINY_V && v.pre[0] == 0);
    CHECK(v.add_bos && !v.add_eos && v.add_space_prefix && v.types != NULL && v.scores != NULL &&
          v.merges == NULL);
    CHECK(v.special[LLMC_SPECIAL_BOS] == 1 && v.special[LLMC_SPECIAL_EOS] == 2 &&
          v.special[LLMC_SPECIAL_UNK] == 0);
    CHECK(v.special[LLMC_SPECIAL_EOT] == LLMC_TOKEN_NONE && v.special[LLMC_SPECIAL_PAD] == LLMC_TOKEN_NONE);
    make_end(&m);
    make_begin(&m);
    key_bool(&m, "tokenizer.ggml.add_bos_token", 0);
    key_bool(&m, "tokenizer.ggml.add_eos_token", 1);
    key_bool(&m, "tokenizer.ggml.add_space_prefix", 0);
    key_int(&m, "tokenizer.ggml.eot_token_id", 10, 8, 11);
    tiny_vocab(&m);
    CHECK(open_vocab(&m, &v, &present) == LLMC_OK && !v.add_bos && v.add_eos && !v.add_space_prefix);
    CHECK(v.special[LLMC_SPECIAL_EOT] == 11);
    make_end(&m);
    make_begin(&m);
    key_str(&m, "tokenizer.ggml.model", "gpt2");
    key_str(&m, "tokenizer.ggml.pre", "gpt-2");
    key_array(&m, "tokenizer.ggml.tokens", 8, 3);
    for (i = 0; i < 3; i++)
        put_str(&m.keys, i == 0 ? "a" : i == 1 ? "b" : "ab");
    key_array(&m, "tokenizer.ggml.merges", 8, 1);
    put_str(&m.keys, "a b");
    CHECK(open_vocab(&m, &v, &present) == LLMC_OK && present && v.kind == LLMC__VOCAB_BPE && v.n_merges == 1);
    CHECK(!v.add_bos && !v.add_space_prefix && strcmp(v.pre, "gpt-2") == 0);
    CHECK(v.merges_bytes == 11 && memcmp(v.merges + 8, "a b", 3) == 0 &&
          v.special[LLMC_SPECIAL_BOS] == LLMC_TOKEN_NONE);
    make_end(&m);
}

static void test_vocab_hostile(void)
{
    static const char *const id[] = {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id",
                                     "tokenizer.ggml.unknown_token_id"};
    static const char *const array[] = {"tokenizer.ggml.tokens", "tokenizer.ggml.scores",
                                        "tokenizer.ggml.token_type"};
    static const uint32_t type[] = {8, 6, 5};
    maker m;
    unsigned i, j;
    make_begin(&m);
    expect_vocab(&m, LLMC_OK, "");
    for (i = 0; i < 3; i++) {
        m.skip[0] = id[i];
        expect_vocab(&m, LLMC_OK, "");
        key_u32(&m, id[i], TINY_V);
        m.skip[0] = id[i];
        expect_vocab(&m, LLMC_BAD_FILE, id[i]);
        key_int(&m, id[i], 5, 4, (uint64_t)-1);
        m.skip[0] = id[i];
        expect_vocab(&m, LLMC_BAD_FILE, id[i]);
        key_str(&m, id[i], "1");
        m.skip[0] = id[i];
        expect_vocab(&m, LLMC_BAD_FILE, id[i]);
        m.skip[0] = array[i];
        expect_vocab(&m, i == 2 ? LLMC_OK : LLMC_BAD_FILE, array[i]);
        for (j = 0; j < 3; j++) { /* too few, none, of another element type */
            uint32_t n = j == 0 ? TINY_V - 1 : j == 1 ? 0 : TINY_V, k;
            key_array(&m, array[i], j == 2 ? 10 : type[i], n);
            for (k = 0; k < n; k++)
                put_int(&m.keys, 0, i == 0 || j == 2 ? 8 : 4);
            m.skip[0] = array[i];
            expect_vocab(&m, LLMC_BAD_FILE, i == 0 && j == 0 ? array[2] : array[i]);
        }
        key_u32(&m, array[i], 5);
        m.skip[0] = array[i];
        expect_vocab(&m, LLMC_BAD_FILE, array[i]);
    }
    key_array(&m, "tokenizer.ggml.scores", 6, TINY_V);
    for (i = 0; i < TINY_V; i++)
        put_int(&m.keys, i == 7 ? 0x7fc00000u : 0, 4);
    m.skip[0] = "tokenizer.ggml.scores";
    expect_vocab(&m, LLMC_BAD_FILE, "score of token 7");
    key_str(&m, "tokenizer.ggml.model", "bert");
    m.skip[0] = "tokenizer.ggml.model";
    expect_vocab(&m, LLMC_UNSUPPORTED, "'bert'");
    key_u32(&m, "tokenizer.ggml.model", 1);
    m.skip[0] = "tokenizer.ggml.model";
    expect_vocab(&m, LLMC_BAD_FILE, "tokenizer.ggml.model");
    key_str(&m, "tokenizer.ggml.model", "none");
    m.skip[0] = "tokenizer.ggml.model";
    expect_vocab(&m, LLMC_OK, "");
    key_str(&m, "tokenizer.ggml.model", "gpt2"); /* without merges */
    m.skip[0] = "tokenizer.ggml.model";
    expect_vocab(&m, LLMC_BAD_FILE, "tokenizer.ggml.merges");
    key_str(&m, "tokenizer.ggml.pre", "a-name-far-longer-than-any-pre-tokenizer-has");
    expect_vocab(&m, LLMC_UNSUPPORTED, "a-name-far");
    key_u32(&m, "tokenizer.ggml.add_bos_token", 1);
    expect_vocab(&m, LLMC_BAD_FILE, "add_bos_token");
    make_end(&m);
}

static llmc_status open_bin(const bytes *b, size_t size, uint32_t count)
{
    unsigned char *copy = (unsigned char *)malloc(size + (size == 0));
    llmc__vocab v;
    llmc_blob file;
    llmc_status status;
    if (size > 0)
        memcpy(copy, b->data, size);
    file.data = copy;
    file.size = size;
    file.name = "t.bin";
    memset(&seen, 0, sizeof seen);
    status = llmc__vocab_llama2c(&v, &file, count, &seen);
    if (status == LLMC_OK)
        CHECK(v.count == TINY_V && v.layout == LLMC__STRINGS_LLAMA2C && v.tokens_bytes == size - 4 &&
              v.add_bos);
    free(copy);
    return status;
}

static void test_tokenizer_bin(void)
{
    bytes b = {NULL, 0, 0};
    size_t n;
    tiny_tokenizer_bin(&b);
    CHECK(open_bin(&b, b.size, TINY_V) == LLMC_OK);
    CHECK(open_bin(&b, b.size, 0) == LLMC_OK);
    CHECK(open_bin(&b, b.size, TINY_V - 1) == LLMC_BAD_FILE && strstr(seen.message, "left after 11") != NULL);
    CHECK(open_bin(&b, b.size, TINY_V + 1) == LLMC_BAD_FILE &&
          strstr(seen.message, "holds 12 tokens, the model has 13") != NULL);
    for (n = 0; n < b.size; n++)
        if (!CHECKF(open_bin(&b, n, TINY_V) == LLMC_BAD_FILE, "cut to %u bytes", (unsigned)n))
            break;
    memset(b.data + 8, 0xff, 4); /* length -1 */
    CHECK(open_bin(&b, b.size, TINY_V) == LLMC_BAD_FILE && strstr(seen.message, "token 0") != NULL);
    b.size = 0;
    tiny_tokenizer_bin(&b);
    memset(b.data + 4, 0xff, 4); /* score NaN */
    CHECK(open_bin(&b, b.size, TINY_V) == LLMC_BAD_FILE);
    free(b.data);
}

static llmc_status open_llama2c(const bytes *b, size_t size, uint32_t *n_tensors)
{
    unsigned char *copy = (unsigned char *)malloc(size + 1);
    llmc__llama2c f;
    llmc__llama2c_walk w;
    llmc_tensor t;
    llmc_blob file;
    llmc_status status;
    uint32_t i;
    memcpy(copy, b->data, size < b->size ? size : b->size);
    file.data = copy;
    file.size = size;
    file.name = "t.bin";
    memset(&seen, 0, sizeof seen);
    status = llmc__llama2c_open(&f, &file, &w, n_tensors, &seen);
    if (status == LLMC_OK) {
        for (i = 0; i < *n_tensors; i++) {
            CHECK(llmc__llama2c_next(&f, &w, &t) == LLMC_OK);
            CHECK(t.data >= copy && t.data + t.bytes <= copy + size);
        }
        CHECK(llmc__llama2c_next(&f, &w, &t) == LLMC_DONE && w.at == size);
    }
    free(copy);
    return status;
}

static void test_llama2c(void)
{
    bytes b = {NULL, 0, 0};
    uint32_t n, kind, i;
    for (kind = 0; kind < 6; kind++) {
        int tied = (int)(kind & 1u);
        b.size = 0;
        if (kind < 2)
            tiny_llama2c_v0(&b, tied);
        else if (kind < 4)
            tiny_llama2c_v1(&b, tied);
        else
            tiny_llama2c_v2(&b, tied, 16);
        CHECKF(open_llama2c(&b, b.size, &n) == LLMC_OK, "kind %u: %s", (unsigned)kind, seen.message);
        CHECK(n == 9 * TINY_L + (tied ? 2u : 3u));
        CHECK(open_llama2c(&b, b.size + 1, &n) == LLMC_BAD_FILE && strstr(seen.message, "implies") != NULL);
        for (i = 28; i < b.size; i += 3)
            if (!CHECKF(open_llama2c(&b, i, &n) == LLMC_BAD_FILE, "kind %u cut to %u", (unsigned)kind,
                        (unsigned)i))
                break;
    }
    free(b.data);
}

/* Each of the seven integers in turn takes values that no model has. */
static void test_llama2c_hostile(void)
{
    static const uint32_t bad[] = {0, UINT32_MAX, 0x80000000u, 0x7fffffffu, 0x20202020u};
    bytes b = {NULL, 0, 0};
    uint32_t n, i, j, old;
    unsigned char *p;
    for (i = 0; i < 14; i++) {
        b.size = 0;
        if (i < 7)
            tiny_llama2c_v0(&b, 1);
        else
            tiny_llama2c_v1(&b, 1);
        p = b.data + (i < 7 ? 4 * i : 8 + 4 * (i - 7));
        old = llmc__u32le(p);
        for (j = 0; j < 5; j++) {
            llmc__put_u32le(p, bad[j]);
            CHECKF(open_llama2c(&b, b.size, &n) == LLMC_BAD_FILE, "integer %u as %u", (unsigned)i,
                   (unsigned)bad[j]);
        }
        llmc__put_u32le(p, old + 1);
        CHECK(open_llama2c(&b, b.size, &n) != LLMC_OK || i % 7 == 6);
    }
    b.size = 0;
    tiny_llama2c_v2(&b, 1, 16);
    llmc__put_u32le(b.data + 37, 0);
    CHECK(open_llama2c(&b, b.size, &n) == LLMC_BAD_FILE && strstr(seen.message, "group size 0") != NULL);
    llmc__put_u32le(b.data + 37, 7);
    CHECK(open_llama2c(&b, b.size, &n) == LLMC_BAD_FILE && strstr(seen.message, "groups of 7") != NULL);
    llmc__put_u32le(b.data + 37, UINT32_MAX);
    CHECK(open_llama2c(&b, b.size, &n) == LLMC_BAD_FILE);
    b.data[36] = 2;
    CHECK(open_llama2c(&b, b.size, &n) == LLMC_BAD_FILE);
    llmc__put_u32le(b.data + 4, 3);
    CHECK(open_llama2c(&b, b.size, &n) == LLMC_UNSUPPORTED && strstr(seen.message, "version 3") != NULL);
    free(b.data);
}

static bool take(void *user, const void *data, size_t n)
{
    bytes *b = (bytes *)user;
    if (b->size + n > 64)
        return false;
    put(b, data, n);
    return true;
}

static void test_writer(void)
{
    /* by hand from the specification: string "k", type 4, value 258; string "f", type 6, 1.0f; pad to 16 */
    static const unsigned char want[] = {1,    0,    0, 0, 0, 0, 0, 0, 'k', 4,   0, 0, 0, 2, 1, 0,
                                         0,    1,    0, 0, 0, 0, 0, 0, 0,   'f', 6, 0, 0, 0, 0, 0,
                                         0x80, 0x3f, 0, 0, 0, 0, 0, 0, 0,   0,   0, 0, 0, 0, 0, 0};
    bytes b = {NULL, 0, 0};
    llmc_writer to;
    llmc__out o;
    to.write = take;
    to.user = &b;
    memset(&o, 0, sizeof o);
    o.to = &to;
    llmc__out_key_u32(&o, "k", 258);
    llmc__out_key_f32(&o, "f", 1.0f);
    llmc__out_pad(&o, 16);
    CHECK(o.at == sizeof want && b.size == sizeof want && memcmp(b.data, want, sizeof want) == 0 &&
          o.keys == 2);
    llmc__out_u64(&o, 1);
    CHECK(!o.failed);
    llmc__out_key_text(&o, "key", "a text that does not fit");
    CHECK(o.failed && b.size <= 64);
    llmc__out_bytes(&o, "x", 1);
    CHECK(o.failed && b.size <= 64);
    free(b.data);
}

/* A padding id of -1, whatever its type's sign, says "none", as llama.cpp's llama2.c converter writes;
   other ids of -1 are mistakes. */
static void test_no_padding(void)
{
    static const struct {
        uint32_t type;
        unsigned bytes;
    } t[] = {{4, 4}, {5, 4}, {10, 8}, {11, 8}};
    llmc__vocab v;
    bool present;
    maker m;
    unsigned i;
    make_begin(&m);
    for (i = 0; i < 4; i++) {
        key_int(&m, "tokenizer.ggml.padding_token_id", t[i].type, t[i].bytes, UINT64_MAX);
        tiny_vocab(&m);
        CHECKF(open_vocab(&m, &v, &present) == LLMC_OK && present, "type %u: %s", (unsigned)t[i].type,
               seen.message);
        CHECK(v.special[LLMC_SPECIAL_PAD] == LLMC_TOKEN_NONE);
        make_end(&m);
        make_begin(&m);
        key_int(&m, "tokenizer.ggml.eot_token_id", t[i].type, t[i].bytes, UINT64_MAX);
        expect_vocab(&m, LLMC_BAD_FILE, "eot_token_id");
    }
    key_u32(&m, "tokenizer.ggml.padding_token_id", TINY_V);
    expect_vocab(&m, LLMC_BAD_FILE, "padding_token_id");
    key_int(&m, "tokenizer.ggml.padding_token_id", 0, 1, 255);
    expect_vocab(&m, LLMC_BAD_FILE, "padding_token_id");
    make_end(&m);
}

/* However long the file's path is, its end and what is wrong are said. */
static void test_long_name(void)
{
    static char name[400];
    llmc_blob file;
    llmc__gguf g;
    memset(name, 'p', 380);
    strcpy(name + 380, "/model.gguf");
    file.data = "GGUX....";
    file.size = 8;
    file.name = name;
    CHECK(llmc__gguf_open(&g, &file, false, &seen) == LLMC_BAD_FILE);
    CHECKF(strstr(seen.message, "/model.gguf: not a GGUF file") != NULL, "%s", seen.message);
}

int main(void)
{
    RUN(test_identify);
    RUN(test_header);
    RUN(test_alignment);
    RUN(test_values);
    RUN(test_keys);
    RUN(test_tensors);
    RUN(test_truncated);
    RUN(test_vocab);
    RUN(test_vocab_hostile);
    RUN(test_no_padding);
    RUN(test_long_name);
    RUN(test_tokenizer_bin);
    RUN(test_llama2c);
    RUN(test_llama2c_hostile);
    RUN(test_writer);
    return test_end("file");
}
