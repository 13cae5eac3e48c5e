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
    char name[112];
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
    one_tensor(&m, "w", 1, 256, 0, 0, 0, 16, 0, LLMC_UNSUPPORTED, "'w' has type 16 (IQ2_XXS)");
    one_tensor(&m, "w", 1, 256, 0, 0, 0, 12, 0, LLMC_OK, ""); /* Q4_K: 144 bytes */
    one_tensor(&m, "w", 1, 255, 0, 0, 0, 12, 0, LLMC_BAD_FILE, "Q4_K does not divide into blocks of 256");
    one_tensor(&m, "w", 1, 256, 0, 0, 0, 9, 0, LLMC_UNSUPPORTED, "(Q8_1)");
    one_tensor(&m, "w", 1, 256, 0, 0, 0, 31, 0, LLMC_UNSUPPORTED, "type 31 (Q4_0_4_4)");
    one_tensor(&m, "w", 1, 256, 0, 0, 0, 40, 0, LLMC_UNSUPPORTED, "type 40 (NVFP4)");
    one_tensor(&m, "w", 1, 256, 0, 0, 0, 43, 0, LLMC_UNSUPPORTED, "type 43 (?)");
    one_tensor(&m, "w", 1, 256, 0, 0, 0, 24, 0, LLMC_UNSUPPORTED, "(I8)");
    one_tensor(&m, "w", 1, 256, 0, 0, 0, 4, 0, LLMC_UNSUPPORTED, "type 4");
    one_tensor(&m, "w", 1, 256, 0, 0, 0, 0xffffffffu, 0, LLMC_UNSUPPORTED, "type 4294967295");
    one_tensor(&m, "", 1, 8, 0, 0, 0, 0, 0, LLMC_BAD_FILE, "name has 0 bytes");
    memset(name, 'n', sizeof name);
    name[95] = 0;
    one_tensor(&m, name, 1, 8, 0, 0, 0, 0, 0, LLMC_OK, "");
    name[95] = 'n';
    name[96] = 0;
    one_tensor(&m, name, 1, 8, 0, 0, 0, 0, 0, LLMC_BAD_FILE, "name has 96 bytes");
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
    CHECK(v.kind == LLMC__VOCAB_SPM && v.tokens.layout == LLMC__LIST_GGUF && v.count == TINY_V &&
          v.pre[0] == 0);
    CHECK(v.add_bos && !v.add_eos && v.prefix == LLMC__PREFIX_ALWAYS && v.types != NULL && v.scores != NULL &&
          v.merges.data == NULL);
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
    CHECK(open_vocab(&m, &v, &present) == LLMC_OK && !v.add_bos && v.add_eos &&
          v.prefix == LLMC__PREFIX_NONE);
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
    CHECK(open_vocab(&m, &v, &present) == LLMC_OK && present && v.kind == LLMC__VOCAB_BPE &&
          v.merges.count == 1);
    CHECK(!v.add_bos && v.prefix == LLMC__PREFIX_NONE && strcmp(v.pre, "gpt-2") == 0);
    CHECK(v.merges.bytes == 11 && memcmp(v.merges.data + 8, "a b", 3) == 0 &&
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
    key_str(&m, "tokenizer.ggml.model", "rwkv");
    m.skip[0] = "tokenizer.ggml.model";
    expect_vocab(&m, LLMC_UNSUPPORTED, "'rwkv'");
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
        CHECK(v.count == TINY_V && v.tokens.layout == LLMC__LIST_LLAMA2C && v.tokens.bytes == size - 4 &&
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
    llmc__out_key(&o, "f", LLMC__GGUF_F32);
    llmc__out_u32(&o, 0x3f800000u);
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

//--[ the formats that are neither GGUF nor llama2.c ]--

/* Everything that an opened file can be asked for, in the order of enum llmc_file_kind. */
typedef struct opened {
    llmc_tensor t[48];
    char dtype[48][16];
    uint32_t n, declared;
    llmc__safetensors safetensors;
    llmc__torchless torchless;
    llmc__mog mog;
} opened;

static opened now;

/* Opens bytes as a format in memory of exactly that size, walks it to the end and holds each tensor
   against the file. The tensors stay in `now`, their data does not. */
static llmc_status open_as(llmc_file_kind kind, const void *data, size_t size)
{
    llmc_blob file;
    llmc_status status = LLMC_UNSUPPORTED;
    llmc__safetensors_walk sw;
    llmc__torchless_walk tw;
    llmc__mog_walk ow;
    llmc__mpk mpk;
    llmc__mpk_walk mw;
    llmc__llmc lc;
    llmc__llmc_walk lw;
    unsigned char *copy = (unsigned char *)malloc(size + (size == 0));
    if (size > 0)
        memcpy(copy, data, size);
    file.data = copy;
    file.size = size;
    file.name = "t.model";
    memset(&seen, 0, sizeof seen);
    memset(&now, 0, sizeof now);
    memset(&sw, 0, sizeof sw);
    memset(&tw, 0, sizeof tw);
    memset(&ow, 0, sizeof ow);
    memset(&mw, 0, sizeof mw);
    memset(&lw, 0, sizeof lw);
    (void)llmc_file_identify(&file);
    if (kind == LLMC_FILE_SAFETENSORS)
        status = llmc__safetensors_open(&now.safetensors, &file, &seen);
    else if (kind == LLMC_FILE_TORCHLESS)
        status = llmc__torchless_open(&now.torchless, &file, &seen);
    else if (kind == LLMC_FILE_MOG)
        status = llmc__mog_open(&now.mog, &file, &seen);
    else if (kind == LLMC_FILE_MPK)
        status = llmc__mpk_open(&mpk, &file, &seen);
    else if (kind == LLMC_FILE_LLMC)
        status = llmc__llmc_open(&lc, &file, &seen);
    while (status == LLMC_OK) {
        llmc_tensor t;
        if (kind == LLMC_FILE_SAFETENSORS)
            status = llmc__safetensors_next(&now.safetensors, &sw, &t);
        else if (kind == LLMC_FILE_TORCHLESS)
            status = llmc__torchless_next(&now.torchless, &tw, &t);
        else if (kind == LLMC_FILE_MOG)
            status = llmc__mog_next(&now.mog, &ow, &t);
        else if (kind == LLMC_FILE_MPK)
            status = llmc__mpk_next(&mpk, &mw, &t);
        else
            status = llmc__llmc_next(&lc, &lw, &t);
        if (!CHECKF(status == LLMC_OK || status == LLMC_DONE, "a walk fails: %s", seen.message))
            break;
        if (status != LLMC_OK || now.n == 48)
            continue;
        CHECK(t.data >= copy && t.bytes <= size && t.data + t.bytes <= copy + size);
        CHECK(t.n_dims >= 1 && t.n_dims <= 4 && t.name[0] != 0);
        if (t.type != LLMC_DTYPE_NONE)
            CHECK(t.bytes == t.dim[0] * t.dim[1] * t.dim[2] * t.dim[3] * llmc_dtype_bytes(t.type, 1));
        if (t.scales != NULL) {
            CHECK(t.type == LLMC_I8R && t.group == 64);
            CHECK(t.scales >= copy && t.scales + (t.bytes + 63) / 64 * 4 <= copy + size);
            t.scales -= (uintptr_t)copy;
        }
        t.data -= (uintptr_t)copy; /* an offset is what the tests compare */
        strcpy(now.dtype[now.n], kind == LLMC_FILE_SAFETENSORS ? sw.dtype : mw.dtype);
        now.t[now.n++] = t;
    }
    now.declared = kind == LLMC_FILE_SAFETENSORS ? now.safetensors.n_tensors
                   : kind == LLMC_FILE_TORCHLESS ? now.torchless.n_tensors
                   : kind == LLMC_FILE_MOG       ? now.mog.n_tensors
                   : kind == LLMC_FILE_MPK       ? mpk.n_tensors
                                                 : lc.n_tensors;
    if (status == LLMC_DONE && now.n < 48)
        CHECKF(now.n == now.declared, "%u tensors, %u declared", (unsigned)now.n, (unsigned)now.declared);
    free(copy);
    return status == LLMC_DONE ? LLMC_OK : status;
}

static void expect_as(llmc_file_kind kind, const bytes *b, llmc_status want, const char *word)
{
    llmc_status got = open_as(kind, b->data, b->size);
    CHECKF(got == want, "status %d, expected %d (%s): %s", (int)got, (int)want, word, seen.message);
    if (want != LLMC_OK && got != LLMC_OK)
        CHECKF(strstr(seen.message, word) != NULL && strstr(seen.message, "t.model") != NULL &&
                   (strncmp(seen.tag, "FILE.", 5) == 0 || strncmp(seen.tag, "DATA.", 5) == 0),
               "'%s' does not name '%s'", seen.message, word);
}

/* A good file cut at every byte is refused; with a byte changed it is refused or read safely. */
static void expect_robust(llmc_file_kind kind, const bytes *good)
{
    static const unsigned char other[] = {0x00, 0xff, 0x80, 0x7f, '"', '}', '9', 0xdf};
    bytes b = {NULL, 0, 0};
    size_t n, i;
    CHECKF(open_as(kind, good->data, good->size) == LLMC_OK, "%s", seen.message);
    for (n = 0; n < good->size; n++)
        if (!CHECKF(open_as(kind, good->data, n) == LLMC_BAD_FILE, "cut to %u bytes", (unsigned)n))
            break;
    put(&b, good->data, good->size);
    for (n = 0; n < good->size && n < 4096; n++)
        for (i = 0; i < sizeof other; i++) {
            b.data[n] = other[i];
            (void)open_as(kind, b.data, b.size);
            b.data[n] = good->data[n];
        }
    free(b.data);
}

static void expect_kind(const void *data, size_t size, llmc_file_kind want)
{
    llmc_blob file;
    llmc_file_kind got;
    unsigned char *copy = (unsigned char *)malloc(size + (size == 0));
    memcpy(copy, data, size);
    file.data = copy;
    file.size = size;
    file.name = NULL;
    got = llmc_file_identify(&file);
    CHECKF(got == want, "%s, expected %s: %.20s", llmc_file_kind_name(got), llmc_file_kind_name(want),
           (const char *)data);
    free(copy);
}

/* u64 length, JSON, `pad` bytes of fill, n bytes of data. */
static void json_file(bytes *b, const char *json, unsigned pad, unsigned char fill, size_t n)
{
    b->size = 0;
    put_int(b, strlen(json) + pad, 8);
    put(b, json, strlen(json));
    while (pad-- > 0)
        put(b, &fill, 1);
    while (n-- > 0)
        put_int(b, n & 255u, 1);
}

static void test_safetensors(void)
{
    static const char *const json =
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"a.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
        "\"b\":{\"shape\":[4],\"data_offsets\":[24,32],\"dtype\":\"BF16\"},"
        " \"scalar\" : { \"dtype\" : \"F16\" , \"shape\" : [ ] , \"data_offsets\" : [ 32 , 34 ] , \"x\":[{}] "
        "},"
        "\"ids\":{\"dtype\":\"I64\",\"shape\":[1,2],\"data_offsets\":[34,50]},"
        "\"f8\":{\"dtype\":\"F8_E4M3_longer_than_any\",\"shape\":[3],\"data_offsets\":[50,53]},"
        "\"\\u0064eep\":{\"dtype\":\"F32\",\"shape\":[1,2,1,2,1,3],\"data_offsets\":[16,64]}}";
    bytes b = {NULL, 0, 0};
    const uint64_t at = 8 + strlen(json) + 3;
    json_file(&b, json, 3, ' ', 64);
    expect_kind(b.data, b.size, LLMC_FILE_SAFETENSORS);
    expect_robust(LLMC_FILE_SAFETENSORS, &b);
    CHECK(open_as(LLMC_FILE_SAFETENSORS, b.data, b.size) == LLMC_OK && now.n == 6);
    CHECK(strcmp(now.t[0].name, "a.weight") == 0 && now.t[0].type == LLMC_F32 && now.t[0].n_dims == 2 &&
          now.t[0].dim[0] == 3 && now.t[0].dim[1] == 2 && now.t[0].bytes == 24 &&
          (uintptr_t)now.t[0].data == at && !now.t[0].transposed && now.t[0].row_bytes == 0);
    CHECK(now.t[1].type == LLMC_BF16 && now.t[1].n_dims == 1 && now.t[1].dim[0] == 4 &&
          now.t[1].dim[1] == 1 && (uintptr_t)now.t[1].data == at + 24);
    CHECK(now.t[2].type == LLMC_F16 && now.t[2].n_dims == 1 && now.t[2].dim[0] == 1 && now.t[2].bytes == 2);
    CHECK(now.t[3].type == LLMC_DTYPE_NONE && strcmp(now.dtype[3], "I64") == 0 && now.t[3].bytes == 16);
    CHECK(now.t[4].type == LLMC_DTYPE_NONE && strcmp(now.dtype[4], "F8_E4M3_longer_") == 0);
    CHECK(strcmp(now.t[5].name, "deep") == 0 && now.t[5].n_dims == 4 && now.t[5].dim[0] == 3 &&
          now.t[5].dim[1] == 1 && now.t[5].dim[2] == 2 && now.t[5].dim[3] == 2);
    json_file(&b, "{}", 0, 0, 0);
    expect_kind(b.data, b.size, LLMC_FILE_SAFETENSORS);
    expect_as(LLMC_FILE_SAFETENSORS, &b, LLMC_OK, "");
    CHECK(now.n == 0 && now.safetensors.metadata.type == LLMC_JSON_NONE);
    free(b.data);
}

/* One tensor, "w", whose entry is as given; 64 bytes of data. */
static void expect_entry(llmc_file_kind kind, const char *entry, llmc_status want, const char *word)
{
    char json[1024];
    bytes b = {NULL, 0, 0};
    snprintf(json, sizeof json,
             kind == LLMC_FILE_SAFETENSORS ? "{\"w\":%s}" : "{\"metadata\":{},\"tensors\":{\"w\":%s}}",
             entry);
    json_file(&b, json, 0, 0, 64);
    expect_as(kind, &b, want, word);
    free(b.data);
}

/* The same with a dtype and these shape and offsets. */
static void expect_shape(const char *shape, const char *offsets, llmc_status want, const char *word)
{
    char entry[512];
    snprintf(entry, sizeof entry, "{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":%s}", shape, offsets);
    expect_entry(LLMC_FILE_SAFETENSORS, entry, want, word);
    snprintf(entry, sizeof entry, "{\"dtype\":\"I64\",\"shape\":%s,\"data_offsets\":%s}", shape, offsets);
    if (strstr(word, "shape needs") == NULL && strstr(word, "larger") == NULL)
        expect_entry(LLMC_FILE_SAFETENSORS, entry, want, word);
}

static void test_safetensors_hostile(void)
{
    static const unsigned char huge[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, '{', '}'};
    bytes b = {NULL, 0, 0};
    char json[2048], name[200];
    int i;
    expect_shape("[16]", "[0,64]", LLMC_OK, "");
    expect_shape("[2,8]", "[0,64]", LLMC_OK, "");
    expect_shape("[8]", "[32,64]", LLMC_OK, "");
    expect_shape("[8]", "[36,68]", LLMC_BAD_FILE, "'w' lies past the end");
    expect_shape("[8]", "[9223372036854775775,9223372036854775807]", LLMC_BAD_FILE, "'w' lies past the end");
    expect_shape("[8]", "[18446744073709551615,31]", LLMC_BAD_FILE, "an offset of tensor 'w'");
    expect_shape("[8]", "[-32,0]", LLMC_BAD_FILE, "an offset of tensor 'w'");
    expect_shape("[8]", "[0.5,32]", LLMC_BAD_FILE, "an offset");
    expect_shape("[8]", "[\"0\",32]", LLMC_BAD_FILE, "an offset");
    expect_shape("[8]", "[32,0]", LLMC_BAD_FILE, "must be [begin, end]");
    expect_shape("[8]", "[0]", LLMC_BAD_FILE, "must be [begin, end]");
    expect_shape("[8]", "[0,32,64]", LLMC_BAD_FILE, "must be [begin, end]");
    expect_shape("[8]", "32", LLMC_BAD_FILE, "must be [begin, end]");
    expect_shape("[9]", "[0,32]", LLMC_BAD_FILE, "has 32 bytes, its shape needs 36");
    expect_shape("[7]", "[0,32]", LLMC_BAD_FILE, "its shape needs 28");
    expect_shape("[0]", "[0,0]", LLMC_BAD_FILE, "impossible dimension 0");
    expect_shape("[4,0]", "[0,0]", LLMC_BAD_FILE, "impossible dimension 0");
    expect_shape("[-1]", "[0,32]", LLMC_BAD_FILE, "a dimension of tensor 'w'");
    expect_shape("[1.5]", "[0,32]", LLMC_BAD_FILE, "a dimension");
    expect_shape("[null]", "[0,32]", LLMC_BAD_FILE, "a dimension");
    expect_shape("[[8]]", "[0,32]", LLMC_BAD_FILE, "a dimension");
    expect_shape("8", "[0,32]", LLMC_BAD_FILE, "must be a list");
    expect_shape("{\"0\":8}", "[0,32]", LLMC_BAD_FILE, "must be a list");
    expect_shape("[9223372036854775808]", "[0,32]", LLMC_BAD_FILE, "a dimension");
    expect_shape("[9223372036854775807]", "[0,32]", LLMC_BAD_FILE, "larger than the file");
    expect_shape("[2147483648,2147483648]", "[0,32]", LLMC_BAD_FILE, "larger than the file");
    expect_shape("[2147483648,2147483648,4]", "[0,32]", LLMC_BAD_FILE, "impossible dimension 4");
    expect_shape("[4294967296,4294967296,8]", "[0,32]", LLMC_BAD_FILE, "impossible dimension 4294967296");
    expect_shape("[2,2,2,2,2,2,4294967296,4294967296]", "[0,32]", LLMC_BAD_FILE, "impossible dimension");
    expect_entry(LLMC_FILE_SAFETENSORS, "{\"shape\":[8],\"data_offsets\":[0,32]}", LLMC_BAD_FILE,
                 "with dtype");
    expect_entry(LLMC_FILE_SAFETENSORS, "{\"dtype\":\"F32\",\"data_offsets\":[0,32]}", LLMC_BAD_FILE,
                 "'w' must be");
    expect_entry(LLMC_FILE_SAFETENSORS, "{\"dtype\":\"F32\",\"shape\":[8]}", LLMC_BAD_FILE, "'w' must be");
    expect_entry(LLMC_FILE_SAFETENSORS, "{\"dtype\":1,\"shape\":[8],\"data_offsets\":[0,32]}", LLMC_BAD_FILE,
                 "'w' must be");
    expect_entry(LLMC_FILE_SAFETENSORS, "[]", LLMC_BAD_FILE, "'w' must be an object");
    expect_entry(LLMC_FILE_SAFETENSORS, "null", LLMC_BAD_FILE, "'w' must be an object");
    expect_entry(LLMC_FILE_SAFETENSORS, "{", LLMC_BAD_FILE, "t.model:1: expected");
    memset(name, 'n', sizeof name);
    for (i = 94; i < 98; i++) { /* 95 bytes fit; so do 94 and a character of two with one more */
        snprintf(json, sizeof json, "{\"%.*s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", i,
                 name);
        json_file(&b, json, 0, 0, 4);
        expect_as(LLMC_FILE_SAFETENSORS, &b, i < 96 ? LLMC_OK : LLMC_BAD_FILE, "a tensor's name has 9");
    }
    json_file(&b, "{\"\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 0, 0, 4);
    expect_as(LLMC_FILE_SAFETENSORS, &b, LLMC_BAD_FILE, "a tensor's name has 0 bytes");
    json_file(&b, "{\"a\\u0000b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 0, 0, 4);
    expect_as(LLMC_FILE_SAFETENSORS, &b, LLMC_BAD_FILE, "'a' contains a NUL");
    json_file(&b, "[]", 0, 0, 4);
    expect_as(LLMC_FILE_SAFETENSORS, &b, LLMC_BAD_FILE, "no JSON object");
    json_file(&b, "{\"a\":}", 0, 0, 4);
    expect_as(LLMC_FILE_SAFETENSORS, &b, LLMC_BAD_FILE, "expected a value");
    CHECKF(seen.offset == 13, "%u", (unsigned)seen.offset);
    memset(json, '[', 600); /* far deeper than JSON may be here */
    json[600] = 0;
    memcpy(json, "{\"a\":", 5);
    json_file(&b, json, 0, 0, 4);
    expect_as(LLMC_FILE_SAFETENSORS, &b, LLMC_BAD_FILE, "less deep nesting");
    b.size = 0;
    put(&b, huge, sizeof huge);
    expect_as(LLMC_FILE_SAFETENSORS, &b, LLMC_BAD_FILE, "header of 18446744073709551615 bytes");
    memcpy(b.data, "\x00\x00\x00\x06\x00\x00\x00\x00", 8); /* 100663296 > 100 MB */
    expect_as(LLMC_FILE_SAFETENSORS, &b, LLMC_BAD_FILE, "header of 100663296 bytes");
    memcpy(b.data, "\x00\x00\x00\x05\x00\x00\x00\x00", 8);
    expect_as(LLMC_FILE_SAFETENSORS, &b, LLMC_BAD_FILE, "ends inside the header");
    expect_kind(b.data, b.size, LLMC_FILE_SAFETENSORS);
    memcpy(b.data, "\x01\x00\x00\x00\x00\x00\x00\x00", 8);
    expect_as(LLMC_FILE_SAFETENSORS, &b, LLMC_BAD_FILE, "t.model:1: expected");
    memcpy(b.data, "\x00\x00\x00\x00\x00\x00\x00\x00", 8);
    expect_as(LLMC_FILE_SAFETENSORS, &b, LLMC_BAD_FILE, "expected a value");
    free(b.data);
}

static void test_torchless(void)
{
    static const char *const json =
        "{\"tensors\":{"
        "\"model.embed_tokens.weight\":{\"dtype\":\"f32\",\"shape\":[2,3],\"offset\":0},"
        "\"lm_head.weight\":{\"dtype\":\"int8\",\"shape\":[2,64],\"offset\":64,\"scale_offset\":192,\"scale_"
        "size\":2},"
        "\"old\":{\"scale_size\":8,\"scale_offset\":192,\"dtype\":\"int8\",\"shape\":[65],\"offset\":64}},"
        "\"metadata\":{\"hidden_size\":\"3\",\"sliding_window\":\"None\"},"
        "\"tokenizer\":{\"vocab\":{\"<s>\":0},\"merges\":[]}}";
    const unsigned pad = (unsigned)((64 - (8 + strlen(json)) % 64) % 64);
    bytes b = {NULL, 0, 0};
    uint64_t at;
    char text[8];
    unsigned i;
    for (i = 0; i < 2; i++) { /* padded, and as older files were */
        json_file(&b, json, i == 0 ? pad : 0, 0, 200);
        at = b.size - 200;
        expect_kind(b.data, b.size, LLMC_FILE_TORCHLESS);
        expect_robust(LLMC_FILE_TORCHLESS, &b);
        CHECK(open_as(LLMC_FILE_TORCHLESS, b.data, b.size) == LLMC_OK && now.n == 3);
        CHECK(now.t[0].type == LLMC_F32 && now.t[0].dim[0] == 3 && now.t[0].dim[1] == 2 &&
              (uintptr_t)now.t[0].data == at && now.t[0].scales == NULL && now.t[0].group == 0);
        CHECK(now.t[1].type == LLMC_I8R && now.t[1].bytes == 128 && (uintptr_t)now.t[1].data == at + 64 &&
              (uintptr_t)now.t[1].scales == at + 192 && now.t[1].group == 64);
        CHECK(now.t[2].type == LLMC_I8R && now.t[2].bytes == 65 && (uintptr_t)now.t[2].scales == at + 192);
    }
    json_file(&b, "{\"metadata\":{\"a\":\"b\"},\"tensors\":{}}", 0, 0, 0);
    expect_kind(b.data, b.size, LLMC_FILE_TORCHLESS);
    {
        llmc__torchless f;
        llmc_blob file;
        file.data = b.data;
        file.size = b.size;
        file.name = NULL;
        CHECK(llmc__torchless_open(&f, &file, NULL) == LLMC_OK && f.n_tensors == 0 &&
              f.tokenizer.type == LLMC_JSON_NONE);
        CHECK(llmc_json_string(llmc_json_get(f.metadata, "a"), text, sizeof text) == 1 && text[0] == 'b');
    }
    free(b.data);
}

static void test_torchless_hostile(void)
{
    static const struct {
        const char *entry;
        llmc_status want;
        const char *word;
    } c[] = {
        {"{\"dtype\":\"f32\",\"shape\":[16],\"offset\":0}", LLMC_OK, ""},
        {"{\"dtype\":\"f32\",\"shape\":[],\"offset\":60}", LLMC_OK, ""},
        {"{\"dtype\":\"int8\",\"shape\":[60],\"offset\":0,\"scale_offset\":60,\"scale_size\":1}", LLMC_OK,
         ""},
        {"{\"dtype\":\"int8\",\"shape\":[60],\"offset\":0,\"scale_offset\":60,\"scale_size\":4}", LLMC_OK,
         ""},
        {"{\"dtype\":\"int8\",\"shape\":[60],\"offset\":0,\"scale_offset\":60,\"scale_size\":2}",
         LLMC_BAD_FILE, "'w' has 2 scales, its groups of 64 need 1"},
        {"{\"dtype\":\"int8\",\"shape\":[60],\"offset\":0,\"scale_offset\":61,\"scale_size\":1}",
         LLMC_BAD_FILE, "past the end"},
        {"{\"dtype\":\"int8\",\"shape\":[60],\"offset\":0,\"scale_offset\":60}", LLMC_BAD_FILE, "scale_size"},
        {"{\"dtype\":\"int8\",\"shape\":[60],\"offset\":0,\"scale_size\":1}", LLMC_BAD_FILE, "scale_offset"},
        {"{\"dtype\":\"int8\",\"shape\":[60],\"offset\":0,\"scale_offset\":-4,\"scale_size\":1}",
         LLMC_BAD_FILE, "scale_offset"},
        {"{\"dtype\":\"int8\",\"shape\":[60],\"offset\":0,\"scale_offset\":9223372036854775807,\"scale_"
         "size\":1}",
         LLMC_BAD_FILE, "past the end"},
        {"{\"dtype\":\"f32\",\"shape\":[17],\"offset\":0}", LLMC_BAD_FILE, "past the end"},
        {"{\"dtype\":\"f32\",\"shape\":[16],\"offset\":4}", LLMC_BAD_FILE, "past the end"},
        {"{\"dtype\":\"f32\",\"shape\":[1],\"offset\":9223372036854775807}", LLMC_BAD_FILE, "past the end"},
        {"{\"dtype\":\"f32\",\"shape\":[1],\"offset\":-1}", LLMC_BAD_FILE, "offset of tensor 'w'"},
        {"{\"dtype\":\"f32\",\"shape\":[1]}", LLMC_BAD_FILE, "offset of tensor 'w'"},
        {"{\"dtype\":\"f32\",\"offset\":0}", LLMC_BAD_FILE, "shape of tensor 'w'"},
        {"{\"dtype\":\"f32\",\"shape\":[0],\"offset\":0}", LLMC_BAD_FILE, "impossible dimension 0"},
        {"{\"dtype\":\"f32\",\"shape\":[4611686018427387904],\"offset\":0}", LLMC_BAD_FILE,
         "larger than the file"},
        {"{\"dtype\":\"f32\",\"shape\":[4294967296,4294967296],\"offset\":0}", LLMC_BAD_FILE, "impossible"},
        {"{\"dtype\":\"f16\",\"shape\":[1],\"offset\":0}", LLMC_UNSUPPORTED, "'w' has the dtype 'f16'"},
        {"{\"shape\":[1],\"offset\":0}", LLMC_UNSUPPORTED, "dtype ''"},
        {"7", LLMC_UNSUPPORTED, "dtype ''"}};
    static const char *const header[] = {
        "{\"tensors\":{}}", "{\"metadata\":{}}", "{\"metadata\":1,\"tensors\":{}}",
        "{\"metadata\":{},\"tensors\":[]}", "{\"metadata\":{},\"tensors\":{},\"tokenizer\":[]}"};
    bytes b = {NULL, 0, 0};
    unsigned i;
    for (i = 0; i < sizeof c / sizeof c[0]; i++)
        expect_entry(LLMC_FILE_TORCHLESS, c[i].entry, c[i].want, c[i].word);
    for (i = 0; i < 5; i++) {
        json_file(&b, header[i], 0, 0, 0);
        expect_as(LLMC_FILE_TORCHLESS, &b, LLMC_BAD_FILE, "metadata, tokenizer and tensors");
    }
    free(b.data);
}

static void mog_str(bytes *b, const char *s)
{
    put_int(b, strlen(s), 4);
    put(b, s, strlen(s));
}

static void mog_tensor(bytes *b, const char *name, unsigned dtype, unsigned n_dims, uint32_t d0, uint32_t d1,
                       uint64_t offset, uint64_t scale_offset, uint32_t scales)
{
    mog_str(b, name);
    put_int(b, dtype, 1);
    put_int(b, n_dims, 1);
    put_int(b, d0, 4);
    put_int(b, d1, 4);
    put_int(b, 1, 4);
    put_int(b, 0, 4);
    put_int(b, offset, 8);
    put_int(b, scale_offset, 8);
    put_int(b, scales, 4);
}

/* What stands before the tensors: two keys, two tokens, a merge. */
static void mog_lists(bytes *b, unsigned version)
{
    mog_str(b, "MistralForCausalLM");
    put_int(b, 3, 4);
    mog_str(b, "hidden_size");
    put_int(b, 1, 1);
    put_int(b, 64, 4);
    mog_str(b, "act_type");
    put_int(b, 0, 1);
    mog_str(b, "silu");
    mog_str(b, "norm_eps");
    put_int(b, 2, 1);
    put_f32(b, 0.5f);
    put_int(b, 2, 4);
    mog_str(b, "<s>");
    put_int(b, 0, 4);
    mog_str(b, "");
    put_int(b, 0xffffffffu, 4);
    put_int(b, 1, 4);
    mog_str(b, "a b");
    if (version == 2)
        mog_str(b, "\\s+");
}

/* Magic and length around a header, n bytes of data behind it. */
static void mog_file(bytes *b, unsigned version, const bytes *header, size_t n)
{
    b->size = 0;
    put(b, "MOG\0", 4);
    put_int(b, version, 4);
    put_int(b, header->size, 8);
    put(b, header->data, header->size);
    while (b->size % 64 != 0)
        put_int(b, 0, 1);
    while (n-- > 0)
        put_int(b, n & 255u, 1);
}

static void test_mog(void)
{
    bytes h = {NULL, 0, 0}, b = {NULL, 0, 0};
    llmc__mog f;
    llmc__reader r;
    llmc__mog_pair p;
    llmc_blob file;
    const char *text;
    size_t len;
    uint32_t id = 1;
    unsigned version;
    uint64_t at;
    for (version = 1; version <= 2; version++) {
        h.size = 0;
        mog_lists(&h, version);
        put_int(&h, 3, 4);
        mog_tensor(&h, "model.norm.weight", 0, 1, 4, 7, 0, 0, 0);
        mog_tensor(&h, "w8", 1, 2, 2, 64, 16, 144, 2);
        mog_tensor(&h, "w16", 2, 2, 2, 3, 144, 0, 0);
        mog_file(&b, version, &h, 156);
        at = b.size - 156;
        expect_kind(b.data, b.size, LLMC_FILE_MOG);
        expect_robust(LLMC_FILE_MOG, &b);
        CHECK(open_as(LLMC_FILE_MOG, b.data, b.size) == LLMC_OK && now.n == 3);
        CHECK(now.t[0].type == LLMC_F32 && now.t[0].n_dims == 1 && now.t[0].dim[0] == 4 &&
              now.t[0].dim[1] == 1);
        CHECK(now.t[1].type == LLMC_I8R && now.t[1].dim[0] == 64 && now.t[1].dim[1] == 2 &&
              (uintptr_t)now.t[1].scales == at + 144);
        CHECK(now.t[2].type == LLMC_F16 && now.t[2].dim[0] == 3 && (uintptr_t)now.t[2].data == at + 144);
    }
    file.data = b.data;
    file.size = b.size;
    file.name = NULL;
    CHECK(llmc__mog_open(&f, &file, NULL) == LLMC_OK);
    CHECK(f.n_keys == 3 && f.n_tokens == 2 && f.n_merges == 1 && f.architecture_len == 18 &&
          f.pattern_len == 3);
    r = f.file;
    r.at = f.keys_at;
    CHECK(llmc__mog_key(&r, &p) == LLMC_OK && p.type == LLMC__MOG_U32 && p.u32 == 64 && p.key_len == 11);
    CHECK(llmc__mog_key(&r, &p) == LLMC_OK && p.type == LLMC__MOG_STRING &&
          llmc__texteq(p.text, p.text_len, "silu"));
    CHECK(llmc__mog_key(&r, &p) == LLMC_OK && p.type == LLMC__MOG_F32 && llmc__bits_f32(p.u32) == 0.5f);
    r.at = f.tokens_at;
    CHECK(llmc__mog_token(&r, &text, &len, &id) == LLMC_OK && len == 3 && id == 0);
    CHECK(llmc__mog_token(&r, &text, &len, &id) == LLMC_OK && len == 0 && id == 0xffffffffu);
    r.at = f.merges_at;
    CHECK(llmc__mog_string(&r, "", &text, &len) == LLMC_OK && llmc__texteq(text, len, "a b"));
    free(h.data);
    free(b.data);
}

static void expect_mog(const char *name, unsigned dtype, unsigned n_dims, uint32_t d0, uint32_t d1,
                       uint64_t offset, uint64_t scale_offset, uint32_t scales, llmc_status want,
                       const char *word)
{
    bytes h = {NULL, 0, 0}, b = {NULL, 0, 0};
    mog_lists(&h, 1);
    put_int(&h, 1, 4);
    mog_tensor(&h, name, dtype, n_dims, d0, d1, offset, scale_offset, scales);
    mog_file(&b, 1, &h, 64);
    expect_as(LLMC_FILE_MOG, &b, want, word);
    free(h.data);
    free(b.data);
}

static void test_mog_hostile(void)
{
    bytes h = {NULL, 0, 0}, b = {NULL, 0, 0};
    char name[100];
    unsigned i;
    expect_mog("w", 0, 2, 4, 4, 0, 0, 0, LLMC_OK, "");
    expect_mog("w", 0, 0, 4, 4, 60, 0, 0, LLMC_OK, "");
    expect_mog("w", 0, 2, 4, 4, 4, 0, 0, LLMC_BAD_FILE, "past the end");
    expect_mog("w", 0, 1, 1, 0, UINT64_MAX, 0, 0, LLMC_BAD_FILE, "past the end");
    expect_mog("w", 0, 1, 1, 0, UINT64_MAX / 2, 0, 0, LLMC_BAD_FILE, "past the end");
    expect_mog("w", 0, 2, 0, 4, 0, 0, 0, LLMC_BAD_FILE, "impossible dimension 0");
    expect_mog("w", 0, 4, 4, 4, 0, 0, 0, LLMC_BAD_FILE, "impossible dimension 0");
    expect_mog("w", 0, 2, UINT32_MAX, UINT32_MAX, 0, 0, 0, LLMC_BAD_FILE, "larger than the file");
    expect_mog("w", 0, 5, 1, 1, 0, 0, 0, LLMC_BAD_FILE, "5 dimensions");
    expect_mog("w", 3, 1, 1, 1, 0, 0, 0, LLMC_UNSUPPORTED, "dtype 3");
    expect_mog("w", 1, 1, 60, 1, 0, 60, 1, LLMC_OK, "");
    expect_mog("w", 1, 1, 60, 1, 0, 60, 4, LLMC_BAD_FILE, "4 scales");
    expect_mog("w", 1, 1, 60, 1, 0, 64, 1, LLMC_BAD_FILE, "past the end");
    expect_mog("w", 1, 1, 60, 1, 0, UINT64_MAX - 2, 1, LLMC_BAD_FILE, "past the end");
    expect_mog("", 0, 1, 1, 0, 0, 0, 0, LLMC_BAD_FILE, "name has 0 bytes");
    memset(name, 'n', sizeof name);
    name[96] = 0;
    expect_mog(name, 0, 1, 1, 0, 0, 0, 0, LLMC_BAD_FILE, "name has 96 bytes");
    for (i = 0; i < 8; i++) { /* a version, a type, each of the four counts, and a string's length */
        mog_lists(&h, 2);
        put_int(&h, i == 4 ? 1u << 31 : i == 5 ? 2 : 0, 4);
        if (i == 0)
            h.data[4 + 18 + 4 + 4 + 11] = 3;
        if (i == 1)
            h.data[22 + 3] = 0x80;
        if (i == 2)
            memset(h.data, 0xff, 4);
        if (i == 3)
            mog_tensor(&h, "w", 0, 1, 1, 0, 0, 0, 0); /* left over: nobody minds */
        mog_file(&b, i == 6 ? 3 : 2, &h, 8);
        if (i == 7)
            memset(b.data + 8, 0xff, 8);
        expect_as(LLMC_FILE_MOG, &b,
                  i == 3   ? LLMC_OK
                  : i == 6 ? LLMC_UNSUPPORTED
                           : LLMC_BAD_FILE,
                  i == 0   ? "'hidden_size' has the unknown value type 3"
                  : i == 1 ? "t.model"
                  : i == 2 ? "length 4294967295"
                  : i == 6 ? "version 3"
                  : i == 7 ? "ends inside the header"
                           : "tensors, more than the header can hold");
        h.size = 0;
    }
    CHECK(open_as(LLMC_FILE_MOG, "MOX\0\1\0\0\0\0\0\0\0\0\0\0\0", 16) == LLMC_BAD_FILE);
    free(h.data);
    free(b.data);
}

/* MessagePack by hand; bytes after the specification. */
static void pack_text(bytes *b, const char *s)
{
    put_int(b, 0xa0 | strlen(s), 1);
    put(b, s, strlen(s));
}

/* A parameter {id, param}, its members in one of two orders. */
static void pack_param(bytes *b, const char *name, const char *dtype, unsigned d0, unsigned d1, size_t n,
                       int other)
{
    size_t i;
    int k;
    pack_text(b, name);
    put_int(b, 0x82, 1);
    for (k = 0; k < 2; k++) {
        if (k == other) {
            pack_text(b, "id");
            pack_text(b, "0123456789abc");
            continue;
        }
        pack_text(b, "param");
        put_int(b, 0x83, 1);
        if (other)
            pack_text(b, "dtype"), pack_text(b, dtype);
        pack_text(b, "bytes");
        put_int(b, 0xc5, 1);
        put_int(b, n >> 8, 1);
        put_int(b, n, 1);
        for (i = 0; i < n; i++)
            put_int(b, i & 255u, 1);
        pack_text(b, "shape");
        put_int(b, d1 > 0 ? 0x92 : 0x91, 1);
        put_int(b, 0xcd, 1);
        put_int(b, d0 >> 8, 1);
        put_int(b, d0, 1);
        if (d1 > 0)
            put_int(b, d1, 1);
        if (!other)
            pack_text(b, "dtype"), pack_text(b, dtype);
    }
}

static void pack_head(bytes *b)
{
    put_int(b, 0x82, 1);
    pack_text(b, "metadata");
    put_int(b, 0x82, 1);
    pack_text(b, "float");
    pack_text(b, "f32");
    pack_text(b, "settings");
    put_int(b, 0xc0, 1);
    pack_text(b, "item");
}

static void good_mpk(bytes *b, int other)
{
    b->size = 0;
    pack_head(b);
    put_int(b, 0x84, 1);
    pack_text(b, "wte");
    put_int(b, 0x81, 1);
    pack_param(b, "weight", "F32", 4, 3, 48, other);
    pack_text(b, "n_layer");
    put_int(b, 0xc0, 1);
    pack_text(b, "blocks");
    put_int(b, 0xdc, 1);
    put_int(b, 0x0200, 2); /* big-endian 2 */
    put_int(b, 0x81, 1);
    pack_text(b, "c_q");
    put_int(b, 0x82, 1);
    pack_param(b, "weight", "F16", 3, 5, 30, other);
    pack_text(b, "bias");
    put_int(b, 0xc0, 1);
    put_int(b, 0x82, 1);
    pack_param(b, "gamma", "BF16", 7, 0, 14, other);
    pack_param(b, "count", "I64", 1, 0, 8, other);
    pack_text(b, "lm_head");
    put_int(b, 0x81, 1);
    pack_param(b, "weight", "F32", 3, 4, 48, other);
}

static void test_mpk(void)
{
    bytes b = {NULL, 0, 0};
    int other;
    for (other = 0; other < 2; other++) {
        good_mpk(&b, other);
        expect_kind(b.data, b.size, LLMC_FILE_MPK);
        expect_robust(LLMC_FILE_MPK, &b);
        CHECK(open_as(LLMC_FILE_MPK, b.data, b.size) == LLMC_OK && now.n == 5);
        CHECK(strcmp(now.t[0].name, "wte.weight") == 0 && now.t[0].type == LLMC_F32 && !now.t[0].transposed &&
              now.t[0].dim[0] == 3 && now.t[0].dim[1] == 4);
        CHECKF(strcmp(now.t[1].name, "blocks.0.c_q.weight") == 0, "%s", now.t[1].name);
        CHECK(now.t[1].type == LLMC_F16 && now.t[1].transposed && now.t[1].dim[0] == 3 &&
              now.t[1].dim[1] == 5);
        CHECKF(strcmp(now.t[2].name, "blocks.1.gamma") == 0, "%s", now.t[2].name);
        CHECK(now.t[2].type == LLMC_BF16 && now.t[2].n_dims == 1 && !now.t[2].transposed &&
              now.t[2].dim[0] == 7);
        CHECK(now.t[3].type == LLMC_DTYPE_NONE && now.t[3].bytes == 8 && strcmp(now.dtype[3], "I64") == 0);
        CHECK(strcmp(now.t[4].name, "lm_head.weight") == 0 && now.t[4].transposed && now.t[4].dim[0] == 3 &&
              now.t[4].dim[1] == 4);
        CHECK(b.data[(uintptr_t)now.t[4].data] == 0 && b.data[(uintptr_t)now.t[4].data + 47] == 47);
    }
    free(b.data);
}

/* One parameter {bytes: n bytes in 0xc4 form, shape, dtype} whose map is put together by the caller. */
static void expect_mpk(const char *shape, size_t shape_len, size_t n, llmc_status want, const char *word)
{
    bytes b = {NULL, 0, 0};
    size_t i;
    pack_head(&b);
    put_int(&b, 0x81, 1);
    pack_text(&b, "w");
    put_int(&b, 0x81, 1);
    pack_text(&b, "param");
    put_int(&b, 0x83, 1);
    pack_text(&b, "bytes");
    put_int(&b, 0xc4, 1);
    put_int(&b, n, 1);
    for (i = 0; i < n; i++)
        put_int(&b, i, 1);
    pack_text(&b, "dtype");
    pack_text(&b, "F32");
    if (shape_len > 0)
        pack_text(&b, "shape");
    else
        pack_text(&b, "form"), put_int(&b, 0xc0, 1);
    put(&b, shape, shape_len);
    expect_as(LLMC_FILE_MPK, &b, want, word);
    free(b.data);
}

static void test_mpk_hostile(void)
{
    bytes b = {NULL, 0, 0};
    unsigned i, depth;
    expect_mpk("\x92\x02\x04", 3, 32, LLMC_OK, "");
    expect_mpk("\x90", 1, 4, LLMC_OK, "");
    expect_mpk("\x92\xd0\x02\xd3\0\0\0\0\0\0\0\4", 12, 32, LLMC_OK, ""); /* signed types, whole numbers */
    expect_mpk("\x92\x02\x05", 3, 32, LLMC_BAD_FILE, "has 32 bytes, its shape needs 40");
    expect_mpk("\x91\x00", 2, 0, LLMC_BAD_FILE, "impossible dimension 0");
    expect_mpk("\x91\xff", 2, 32, LLMC_BAD_FILE, "expected a dimension");
    expect_mpk("\x91\xd1\xff\x00", 4, 32, LLMC_BAD_FILE, "expected a dimension");
    expect_mpk("\x91\xca\x3f\x80\0\0", 6, 4, LLMC_BAD_FILE, "expected a dimension");
    expect_mpk("\x91\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 10, 4, LLMC_BAD_FILE, "impossible dimension");
    expect_mpk("\x92\xcf\x40\0\0\0\0\0\0\0\x08", 11, 4, LLMC_BAD_FILE, "impossible dimension 8");
    expect_mpk("\x91\xcf\x40\0\0\0\0\0\0\0", 10, 4, LLMC_BAD_FILE, "larger than the file");
    expect_mpk("\x04", 1, 4, LLMC_BAD_FILE, "expected a shape");
    expect_mpk("\xdd\xff\xff\xff\xff", 5, 4, LLMC_BAD_FILE, "expected");
    expect_mpk("", 0, 4, LLMC_BAD_FILE, "'w' must have bytes");
    for (depth = 22; depth < 26; depth++) { /* arrays in arrays: 24 containers with item's own map */
        b.size = 0;
        pack_head(&b);
        put_int(&b, 0x81, 1);
        pack_text(&b, "a");
        for (i = 0; i < depth; i++)
            put_int(&b, 0x91, 1);
        put_int(&b, 0xc3, 1);
        expect_as(LLMC_FILE_MPK, &b, depth < 24 ? LLMC_OK : LLMC_UNSUPPORTED, "nests more than 24");
    }
    b.size = 0; /* a million arrays in each other, in what is passed over and in what is not */
    pack_head(&b);
    for (i = 0; i < 1000000; i++)
        put_int(&b, 0x91, 1);
    put_int(&b, 0xc0, 1);
    expect_as(LLMC_FILE_MPK, &b, LLMC_BAD_FILE, "expected item to be a map");
    b.size = 0; /* names that together are too long */
    pack_head(&b);
    for (i = 0; i < 5; i++) {
        put_int(&b, 0x81, 1);
        pack_text(&b, "twenty_bytes_of_name");
    }
    put_int(&b, 0x80, 1);
    expect_as(LLMC_FILE_MPK, &b, LLMC_BAD_FILE, "longer than 95 bytes");
    b.size = 0;
    put_int(&b, 0x81, 1);
    pack_text(&b, "metadata");
    put_int(&b, 0xc0, 1);
    expect_as(LLMC_FILE_MPK, &b, LLMC_BAD_FILE, "expected a map with metadata and item");
    good_mpk(&b, 0);
    put_int(&b, 0xc0, 1);
    expect_as(LLMC_FILE_MPK, &b, LLMC_BAD_FILE, "expected the end of the file");
    b.size = 0;
    pack_head(&b);
    put_int(&b, 0x81, 1);
    put_int(&b, 0x05, 1); /* a number as name */
    put_int(&b, 0xc0, 1);
    expect_as(LLMC_FILE_MPK, &b, LLMC_BAD_FILE, "expected a name");
    free(b.data);
}

static void llmc_file(bytes *b, const uint32_t *head, size_t n)
{
    unsigned i;
    b->size = 0;
    for (i = 0; i < 256; i++)
        put_int(b, i < 8 ? head[i] : 0, 4);
    while (n-- > 0)
        put_int(b, n & 255u, 1);
}

/* context 3, V 5 in 8 rows, 2 layers, 2 heads, D 4. */
static void test_llmc(void)
{
    static const uint32_t bad[] = {0, UINT32_MAX, 1u << 31, 0x7fffffffu};
    static const char *const first[] = {
        "token_embd.weight",      "position_embd.weight",     "blk.0.attn_norm.weight",
        "blk.1.attn_norm.weight", "blk.0.attn_norm.bias",     "blk.1.attn_norm.bias",
        "blk.0.attn_qkv.weight",  "blk.1.attn_qkv.weight",    "blk.0.attn_qkv.bias",
        "blk.1.attn_qkv.bias",    "blk.0.attn_output.weight", "blk.1.attn_output.weight"};
    uint32_t head[8] = {20240326, 3, 3, 5, 2, 2, 4, 8};
    const size_t d = 4, values = 8 * d + 3 * d +
                                 2 * (4 * d + 3 * d * d + 3 * d + d * d + d + 8 * d * d + 4 * d + d) + 2 * d;
    bytes b = {NULL, 0, 0};
    unsigned i, j;
    for (j = 0; j < 2; j++) {
        head[1] = j == 0 ? 3 : 5;
        llmc_file(&b, head, values * (j == 0 ? 4 : 2));
        expect_kind(b.data, b.size, LLMC_FILE_LLMC);
        if (j == 1)
            expect_robust(LLMC_FILE_LLMC, &b);
        expect_as(LLMC_FILE_LLMC, &b, LLMC_OK, "");
        CHECK(now.n == 4 + 2 * 12);
        for (i = 0; i < 12; i++)
            CHECKF(strcmp(now.t[i].name, first[i]) == 0, "%u: %s", i, now.t[i].name);
        CHECK(now.t[0].dim[0] == 4 && now.t[0].dim[1] == 8 && (uintptr_t)now.t[0].data == 1024 &&
              now.t[0].type == (j == 0 ? LLMC_F32 : LLMC_BF16));
        CHECK(now.t[1].dim[1] == 3 && now.t[7].dim[0] == 4 && now.t[7].dim[1] == 12 && now.t[8].dim[0] == 12);
        CHECK((uintptr_t)now.t[7].data - (uintptr_t)now.t[6].data == now.t[6].bytes);
        CHECK(strcmp(now.t[18].name, "blk.0.ffn_up.weight") == 0 && now.t[18].dim[0] == 4 &&
              now.t[18].dim[1] == 16);
        CHECK(strcmp(now.t[22].name, "blk.0.ffn_down.weight") == 0 && now.t[22].dim[0] == 16);
        CHECK(strcmp(now.t[27].name, "output_norm.bias") == 0 &&
              (uintptr_t)now.t[27].data + now.t[27].bytes == b.size);
        put_int(&b, 0, 1);
        expect_as(LLMC_FILE_LLMC, &b, LLMC_BAD_FILE, "its header implies");
    }
    for (i = 2; i < 8; i++)
        for (j = 0; j < 4; j++) {
            uint32_t old = head[i];
            head[i] = bad[j];
            llmc_file(&b, head, values * 2);
            expect_as(LLMC_FILE_LLMC, &b, LLMC_BAD_FILE, "");
            head[i] = old;
        }
    head[1] = 4;
    llmc_file(&b, head, values * 2);
    expect_as(LLMC_FILE_LLMC, &b, LLMC_UNSUPPORTED, "version 4");
    head[0] = 20240327;
    llmc_file(&b, head, values * 2);
    expect_as(LLMC_FILE_LLMC, &b, LLMC_BAD_FILE, "not a model of llm.c");
    free(b.data);
}

static llmc_status open_tokens(const bytes *b, size_t size, llmc__llmc_tokens *t)
{
    unsigned char *copy = (unsigned char *)malloc(size + 1);
    llmc_blob file;
    llmc_status status;
    memcpy(copy, b->data, size);
    file.data = copy;
    file.size = size;
    file.name = "t.bin";
    memset(&seen, 0, sizeof seen);
    status = llmc__llmc_tokens_open(t, &file, &seen);
    if (status == LLMC_OK) {
        llmc__reader r = t->file;
        const char *text;
        size_t len;
        r.at = t->begin_at;
        CHECK(llmc__llmc_token(&r, &text, &len) == LLMC_OK && len == 1 && text[0] == '!');
        CHECK(llmc__llmc_token(&r, &text, &len) == LLMC_OK && len == 0);
        CHECK(llmc__llmc_token(&r, &text, &len) == LLMC_OK && len == 3 && memcmp(text, "abc", 3) == 0);
        CHECK(r.at == size);
    }
    free(copy);
    return status;
}

static void test_llmc_tokens(void)
{
    uint32_t head[8] = {20240328, 2, 3, 1, 0, 0, 0, 0};
    bytes b = {NULL, 0, 0};
    llmc__llmc_tokens t;
    size_t n;
    llmc_file(&b, head, 0);
    put(&b, "\1!\0\3abc", 7);
    CHECK(open_tokens(&b, b.size, &t) == LLMC_OK && t.count == 3 && t.end == 1);
    for (n = 0; n < b.size; n++)
        if (!CHECKF(open_tokens(&b, n, &t) == LLMC_BAD_FILE, "cut to %u", (unsigned)n))
            break;
    b.data[4] = 1;
    CHECK(open_tokens(&b, b.size, &t) == LLMC_OK && t.end == 2);
    b.data[4] = 3;
    CHECK(open_tokens(&b, b.size, &t) == LLMC_UNSUPPORTED && strstr(seen.message, "version 3") != NULL);
    b.data[4] = 2;
    b.data[12] = 3;
    CHECK(open_tokens(&b, b.size, &t) == LLMC_BAD_FILE && strstr(seen.message, "token 3 of 3") != NULL);
    b.data[12] = 0;
    b.data[8] = 2;
    CHECK(open_tokens(&b, b.size, &t) == LLMC_BAD_FILE && strstr(seen.message, "4 bytes are left") != NULL);
    b.data[11] = 0x80; /* 2^31 and 2 tokens */
    CHECK(open_tokens(&b, b.size, &t) == LLMC_BAD_FILE &&
          strstr(seen.message, "declares 2147483650") != NULL);
    b.data[8] = b.data[11] = 0;
    CHECK(open_tokens(&b, b.size, &t) == LLMC_BAD_FILE && strstr(seen.message, "declares 0") != NULL);
    free(b.data);
}

static void test_kinds(void)
{
    static const char *const json[] = {"{}", " \n{\"a\":1}", "\xef\xbb\xbf{",
                                       "{\"n_embd\": 4, \"n_head\": 4}"};
    static const char *const flat[] = {"n_embd: 4\nn_head: 2\n", "# of a model\n\n[model]\nn_embd = 1_000\n",
                                       "a: b", "---\nkey: 'value' # comment\r\n"};
    static const char *const none[] = {"# only\n",
                                       "a b c",
                                       "\x7f"
                                       "ELF....",
                                       "Once upon a time: there was\n",
                                       "[1, 2]",
                                       "\"text\"",
                                       "PK\3\4..........................",
                                       "key: 1\nand: then\n- a list\n"};
    static char name[16];
    unsigned i;
    for (i = 0; i < 4; i++)
        expect_kind(json[i], strlen(json[i]), LLMC_FILE_JSON);
    for (i = 0; i < 4; i++)
        expect_kind(flat[i], strlen(flat[i]), LLMC_FILE_SETTINGS);
    for (i = 0; i < sizeof none / sizeof none[0]; i++)
        expect_kind(none[i], strlen(none[i]), LLMC_FILE_UNKNOWN);
    expect_kind("", 0, LLMC_FILE_UNKNOWN);
    expect_kind("#version: 0.2\na b\n", 18, LLMC_FILE_MERGES);
    expect_kind("IQ== 0\nIg== 1\n", 14, LLMC_FILE_RANKS);
    expect_kind("{\"version\": \"1.0\", \"truncation\": null}", 39, LLMC_FILE_TOKENIZER_JSON);
    expect_kind("\n\x0e\n\x05<unk>\x15\0\0\0\0\x18\x02\n\x01", 18, LLMC_FILE_SENTENCEPIECE);
    expect_kind("MOG", 3, LLMC_FILE_UNKNOWN);
    expect_kind("MOG\0", 4, LLMC_FILE_MOG);
    for (i = 0; i <= LLMC_FILE_LLMC_TOKENS; i++) { /* each kind has a name of its own */
        CHECK(strcmp(llmc_file_kind_name((llmc_file_kind)i), name) != 0);
        snprintf(name, sizeof name, "%s", llmc_file_kind_name((llmc_file_kind)i));
    }
    CHECK(strcmp(llmc_file_kind_name((llmc_file_kind)i), "unknown") == 0);
    CHECK(strcmp(llmc_file_kind_name(LLMC_FILE_LLMC), "llm.c") == 0 &&
          strcmp(llmc_file_kind_name(LLMC_FILE_SAFETENSORS), "safetensors") == 0);
}

/* A header of 60000 tensors opens in the time that its bytes take: 10 ms, not seconds. */
static void test_linear(void)
{
    bytes b = {NULL, 0, 0};
    char entry[128];
    unsigned i;
    put_int(&b, 0, 8);
    put(&b, "{", 1);
    for (i = 0; i < 60000; i++) {
        int n = snprintf(entry, sizeof entry,
                         "%s\"t%u\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}",
                         i > 0 ? "," : "", i);
        put(&b, entry, (size_t)n);
    }
    put(&b, "}", 1);
    for (i = 0; i < 4; i++)
        b.data[i] = (unsigned char)((b.size - 8) >> (8 * i));
    put_int(&b, 0, 4);
    expect_as(LLMC_FILE_SAFETENSORS, &b, LLMC_OK, "");
    CHECK(now.declared == 60000);
    free(b.data);
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
    RUN(test_safetensors);
    RUN(test_safetensors_hostile);
    RUN(test_torchless);
    RUN(test_torchless_hostile);
    RUN(test_mog);
    RUN(test_mog_hostile);
    RUN(test_mpk);
    RUN(test_mpk_hostile);
    RUN(test_llmc);
    RUN(test_llmc_tokens);
    RUN(test_kinds);
    RUN(test_linear);
    return test_end("file");
}
