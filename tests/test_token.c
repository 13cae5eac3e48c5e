/* test_token.c -- section TOKEN

   Expected ids come from llama.cpp's published vocabulary vectors (the .out files beside each
   vocabulary) and from tests/vectors/token_reference.py, a separate tokenizer in Python; classes of
   characters from Debian's unicode-data. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

#define MAX_TEXT (1 << 16)

/* A vocabulary loaded from the shared folder, or built here. */
typedef struct loaded {
    llmc_tokenizer *tok;
    unsigned char *file;
    void *mem;
} loaded;

/* Carves v into memory of exactly the size it asks for. */
static llmc_status carve(loaded *out, const llmc__vocab *v, llmc_diag *diag)
{
    llmc__arena a;
    llmc_status s;
    size_t need;
    memset(&a, 0, sizeof a);
    out->tok = NULL;
    out->mem = NULL;
    s = llmc__tokenizer_carve(&out->tok, v, &a, diag);
    if (s != LLMC_OK)
        return s;
    CHECK(out->tok == NULL);
    need = (size_t)llmc__arena_need(&a);
    out->mem = malloc(need);
    if (out->mem == NULL)
        return LLMC_NO_MEMORY;
    a = llmc__arena_over(out->mem, need);
    return llmc__tokenizer_carve(&out->tok, v, &a, diag);
}

static bool load(loaded *out, const char *name)
{
    static llmc__gguf g;
    llmc__vocab v;
    llmc_blob file;
    llmc_diag diag;
    bool present = true, ok;
    size_t n = 0;
    memset(out, 0, sizeof *out);
    memset(&diag, 0, sizeof diag);
    out->file = test_read(test_shared(name), &n);
    if (out->file == NULL)
        return false;
    file.data = out->file;
    file.size = n;
    file.name = name;
    if (strstr(name, ".gguf") != NULL)
        ok = llmc__gguf_open(&g, &file, true, &diag) == LLMC_OK &&
             llmc__vocab_gguf(&v, &g, &present) == LLMC_OK;
    else
        ok = llmc__vocab_llama2c(&v, &file, 0, &diag) == LLMC_OK;
    CHECKF(ok && present && carve(out, &v, &diag) == LLMC_OK, "%s: %s", name, diag.message);
    return out->tok != NULL;
}

static void unload(loaded *l)
{
    free(l->mem);
    free(l->file);
}

#define NEED_VOCAB(l, name)                                     \
    if (!load(&(l), name)) {                                    \
        if (test_bad == 0)                                      \
            SKIP("its vocabulary is not in the shared folder"); \
        return;                                                 \
    }

/* encode with exactly the memory that llmc_encode_need asks for; ids to be freed. */
static llmc_token *encode(const llmc_tokenizer *tok, const char *text, size_t len,
                          const llmc_encode_options *opt, size_t *n)
{
    size_t need = llmc_encode_need(tok, len), cap = len + 2;
    void *work = malloc(need);
    llmc_token *ids = (llmc_token *)malloc(cap * sizeof *ids);
    llmc_diag diag;
    llmc_status s = llmc_encode(tok, text, len, opt, work, need, ids, cap, n, &diag);
    CHECKF(s == LLMC_OK, "encode: %s", diag.message);
    free(work);
    return ids;
}

/* encode(text) is exactly the ids expected, which end with -1. */
static void expect(const llmc_tokenizer *tok, const char *text, size_t len, const llmc_encode_options *opt,
                   const llmc_token *expected)
{
    size_t n, i;
    llmc_token *ids = encode(tok, text, len, opt, &n);
    for (i = 0; i < n && expected[i] >= 0 && ids[i] == expected[i]; i++)
        ;
    CHECKF(i == n && expected[i] < 0, "'%.40s': id %u of %u is %d, expected %d", text, (unsigned)i,
           (unsigned)n, i < n ? (int)ids[i] : -1, (int)expected[i]);
    free(ids);
}

/* What a text is to a vocabulary in which U+2581 stands for spaces; to be freed. */
static char *fold(const llmc_tokenizer *tok, const char *text, size_t len, size_t *out_len)
{
    char *out = (char *)malloc(len + 1);
    size_t i, n = 0;
    for (i = 0; i < len; i++) {
        bool mark =
            tok->vocab.alphabet == LLMC__ALPHABET_MARK && len - i > 2 && !memcmp(text + i, "\xe2\x96\x81", 3);
        out[n++] = mark ? ' ' : text[i];
        i += mark ? 2 : 0;
    }
    *out_len = n;
    return out;
}

static bool round_trip(const llmc_tokenizer *tok, const char *original, size_t len)
{
    size_t n, m = 0, i, at = 0;
    llmc_token *ids = encode(tok, original, len, NULL, &n);
    char *text = fold(tok, original, len, &len);
    char *back = (char *)malloc(len + 1), *piece = (char *)malloc(llmc__tokenizer_longest(tok));
    bool same = llmc_decode(tok, ids, n, NULL, back, len, &m, NULL) == LLMC_OK && m == len &&
                memcmp(back, text, len) == 0;
    for (i = 0; i < n && same; i++) { /* what streams is what decode writes */
        bool after_special = i > 0 && llmc__opens_text(tok, tok->tok[ids[i - 1]].kind);
        size_t k = llmc__token_bytes(tok, ids[i], i == 0 || after_special, false, piece);
        same = k <= len - at && memcmp(text + at, piece, k) == 0;
        at += k;
    }
    same = same && at == len;
    free(ids);
    free(text);
    free(back);
    free(piece);
    return same;
}

//--[ published vectors ]--
static void check_vectors(const char *name)
{
    static const char split[] = "\n__ggml_vocab_test__\n";
    char path[128];
    unsigned char *in, *out;
    size_t in_len = 0, out_len = 0, count = 0;
    loaded l;
    NEED_VOCAB(l, name)
    snprintf(path, sizeof path, "%s.inp", name);
    in = test_read(test_shared(path), &in_len);
    snprintf(path, sizeof path, "%s.out", name);
    out = test_read(test_shared(path), &out_len);
    if (in != NULL && out != NULL) {
        char *text = (char *)in, *line = (char *)out;
        while (*line != 0) {
            llmc_token expected[512];
            size_t k = 0, len;
            char *end = strstr(text, split), *eol = strchr(line, '\n');
            while (line < eol && k < 511) {
                expected[k++] = (llmc_token)strtol(line, &line, 10);
                while (*line == ' ')
                    line++;
            }
            expected[k] = -1;
            len = end != NULL ? (size_t)(end - text) : (size_t)((char *)in + in_len - text);
            if (end == NULL && len > 0 && text[len - 1] == '\n')
                len--;
            expect(l.tok, text, len, NULL, expected);
            CHECKF(round_trip(l.tok, text, len), "%s: vector %u does not come back", name, (unsigned)count);
            count++;
            line = eol + 1;
            if (end == NULL)
                break;
            text = end + sizeof split - 1;
        }
        CHECKF(count == 46 && *line == 0, "%s: %u vectors, expected 46", name, (unsigned)count);
    }
    CHECK(in != NULL && out != NULL);
    free(in);
    free(out);
    unload(&l);
}

static void vectors_gpt2(void)
{
    check_vectors("data/vocabs/ggml-vocab-gpt-2.gguf");
}

static void vectors_llama(void)
{
    check_vectors("data/vocabs/ggml-vocab-llama-spm.gguf");
}

static void vectors_phi3(void)
{
    check_vectors("data/vocabs/ggml-vocab-phi-3.gguf");
}

static void vectors_starcoder(void)
{
    check_vectors("data/vocabs/ggml-vocab-starcoder.gguf");
}

static void vectors_falcon(void)
{
    check_vectors("data/vocabs/ggml-vocab-falcon.gguf");
}

static void vectors_deepseek(void)
{
    check_vectors("data/vocabs/ggml-vocab-deepseek-coder.gguf");
}

//--[ against the reference, round trips ]--
static const struct {
    const char *name;
    uint64_t hash[4]; /* printed by tests/vectors/token_reference.py */
} vocabulary[] = {
    {"data/vocabs/ggml-vocab-gpt-2.gguf",
     {0xed8d33c1e242fecf, 0x36f9e8152fd5c4a7, 0x7413a68c8c79b328, 0x50ad1934cedee1ec}},
    {"data/vocabs/ggml-vocab-llama-spm.gguf",
     {0x1b8443dcefa2e26a, 0xf6e0c1968df03d79, 0xec0b3ae1cffff9e2, 0x48c954c01d05f12a}},
    {"data/vocabs/ggml-vocab-phi-3.gguf",
     {0x773bb96e23ce21f2, 0xc6d3ef77f415e75c, 0x151aaa1953dff4ed, 0xa8b5248f6edf85be}},
    {"data/tok512.bin", {0x37eb9d89180ccbed, 0x95a7f3d14a5e1b6c, 0x8436f343f6bb1125, 0xcdaa52986557a109}},
    {"data/tok32000.bin", {0x146ce22142f9ac30, 0x2e1098400ca67170, 0x2da63a1fc827a35c, 0x8cd02e00473e20c4}},
};
#define N_VOCABULARY (sizeof vocabulary / sizeof vocabulary[0])

typedef struct snippet {
    const char *text;
    size_t len;
} snippet;

/* The same list, in the same order, as in token_reference.py. */
#define S(text)               \
    {                         \
        text, sizeof text - 1 \
    }
static const snippet snippets[] = {
    S("a"),
    S("e"),
    S("the"),
    S("ing"),
    S(" "),
    S(" "),
    S(" "),
    S("  "),
    S("\n"),
    S("\t"),
    S("\r\n"),
    S("'s"),
    S("'ll"),
    S("'LL"),
    S("'"),
    S("'re"),
    S("x'"),
    S("1"),
    S("42"),
    S("2026"),
    S("."),
    S(","),
    S("!?"),
    S("--"),
    S("=="),
    S("_"),
    S("Hello"),
    S(" world"),
    S(" World"),
    S(" and"),
    S("ation"),
    S("\xc3\xa9"),
    S("\xc3\x9f"),
    S("\xd0\x9f\xd1\x80\xd0\xb8"),
    S("\xe4\xbd\xa0\xe5\xa5\xbd"),
    S("\xf0\x9f\x98\x80"),
    S("\xe0\xa4\xa8\xe0\xa4\xbf"),
    S("\xcc\x81"),
    S("\xd9\xa3\xd9\xa4"),
    S("\xe2\x85\xa7"),
    S("\xc2\xa0"),
    S("\xe3\x80\x80"),
    S("\xc2\x85"),
    S("\xe2\x80\xa8"),
    S("\xe2\x80\x8d"),
    S("\xe2\x82\xac"),
    S("\xe2\x96\x81"),
    S("<s>"),
    S("</s>"),
    S("<0x0A>"),
    S("<|endoftext|>"),
    S("<unk>"),
    S("\xff"),
    S("\xe2\x96"),
    S("\xc0\x80"),
    S("\xed\xa0\x80"),
    S("\xf4\x90\x80\x80"),
    S("\0"),
    S("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    S("                                        "),
    S("antidisestablishmentarianism"),
    S("========================================================="),
    S("0123456789012345678901234567890123456789012345678901234567890123456789"),
    S("\xef\xbf\xbd"),
};

static uint64_t fnv(uint64_t h, uint32_t v)
{
    int i;
    for (i = 0; i < 4; i++)
        h = (h ^ (v >> (8 * i) & 0xff)) * 0x100000001b3u;
    return h;
}

static void reference_ids(void)
{
    unsigned v, k, found = 0;
    for (v = 0; v < N_VOCABULARY; v++) {
        uint64_t rng = 1, h = 0xcbf29ce484222325u;
        loaded l;
        if (!load(&l, vocabulary[v].name))
            continue;
        found++;
        for (k = 0; k < 2000; k++) {
            char text[24 * 80];
            size_t len = 0, n, i;
            unsigned parts = 1 + test_random(&rng, 24);
            llmc_token *ids;
            while (parts-- > 0) {
                const snippet *s = &snippets[test_random(&rng, sizeof snippets / sizeof snippets[0])];
                memcpy(text + len, s->text, s->len);
                len += s->len;
            }
            ids = encode(l.tok, text, len, NULL, &n);
            for (i = 0; i < n; i++)
                h = fnv(h, (uint32_t)ids[i]);
            h = fnv(h, 0xffffffffu);
            free(ids);
            CHECKF(round_trip(l.tok, text, len), "%s: string %u does not come back", vocabulary[v].name, k);
            if (k % 500 == 499)
                CHECKF(h == vocabulary[v].hash[k / 500],
                       "%s: ids differ from the reference within strings %u to %u", vocabulary[v].name,
                       k - 499, k);
        }
        unload(&l);
    }
    if (found == 0)
        SKIP("no vocabularies in the shared data folder");
}

static void round_trip_shakespeare(void)
{
    size_t len = 0;
    unsigned v;
    char *text = (char *)test_read(test_shared("data/tinyshakespeare.txt"), &len);
    if (text == NULL) {
        SKIP("no tinyshakespeare.txt in the shared data folder");
        return;
    }
    for (v = 0; v < N_VOCABULARY; v++) {
        loaded l;
        if (!load(&l, vocabulary[v].name))
            continue;
        CHECKF(round_trip(l.tok, text, len), "%s", vocabulary[v].name);
        unload(&l);
    }
    free(text);
}

/* One random code point as UTF-8; every plane, no surrogates. */
static size_t random_char(uint64_t *rng, char *out)
{
    static const unsigned limit[] = {0x80, 0x800, 0x3000, 0x10000, 0x110000};
    unsigned c = test_random(rng, limit[test_random(rng, 5)]);
    if (c >= 0xd800 && c < 0xe000)
        c = 0x2581;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

static void round_trip_random(void)
{
    uint64_t rng = test_seed(20261121);
    unsigned v, k, found = 0;
    char *text = (char *)malloc(MAX_TEXT);
    for (v = 0; v < N_VOCABULARY; v++) {
        loaded l;
        if (!load(&l, vocabulary[v].name))
            continue;
        found++;
        for (k = 0; k < 200; k++) {
            size_t len = 0, want = test_random(&rng, k % 20 == 0 ? 20000 : 200);
            while (len < want) {
                if (k & 1)
                    text[len++] = (char)test_random(&rng, 256);
                else
                    len += random_char(&rng, text + len);
            }
            CHECKF(round_trip(l.tok, text, len), "%s: text %u", vocabulary[v].name, k);
        }
        unload(&l);
    }
    free(text);
    if (found == 0)
        SKIP("no vocabularies in the shared data folder");
}

/* Texts that make careless tokenizers quadratic: one word of a megabyte. */
static void long_words(void)
{
    static const char *const unit[] = {"a",  " ", "\n", "=", "ab", "\xff", "\xe4\xbd\xa0",
                                       "'s", "0", "<",  " a"};
    size_t n = 1 << 20, i;
    char *text = (char *)malloc(n);
    unsigned v, k;
    for (v = 0; v < 2; v++) {
        loaded l;
        NEED_VOCAB(l, "data/vocabs/ggml-vocab-gpt-2.gguf")
        if (v == 1) {
            unload(&l);
            NEED_VOCAB(l, "data/vocabs/ggml-vocab-llama-spm.gguf")
        }
        for (k = 0; k < sizeof unit / sizeof unit[0]; k++) {
            size_t m = strlen(unit[k]);
            for (i = 0; i < n; i++)
                text[i] = unit[k][i % m];
            CHECKF(round_trip(l.tok, text, n), "a megabyte of '%s'", unit[k]);
        }
        unload(&l);
    }
    free(text);
}

//--[ vocabularies built here ]--
typedef struct builder {
    llmc__vocab v;
    uint8_t tokens[MAX_TEXT], scores[4096], types[4096], merges[MAX_TEXT];
} builder;

static void build(builder *b, llmc__vocab_kind kind)
{
    unsigned i;
    memset(b, 0, sizeof *b);
    b->v.kind = kind;
    b->v.tokens.layout = b->v.merges.layout = LLMC__LIST_GGUF;
    b->v.tokens.data = b->tokens;
    b->v.types = b->types;
    b->v.scores = kind == LLMC__VOCAB_SPM ? b->scores : NULL;
    b->v.merges.data = b->merges;
    b->v.name = "built";
    b->v.prefix = kind == LLMC__VOCAB_SPM ? LLMC__PREFIX_ALWAYS : LLMC__PREFIX_NONE;
    b->v.alphabet = kind == LLMC__VOCAB_SPM ? LLMC__ALPHABET_MARK : LLMC__ALPHABET_BYTES;
    b->v.byte_fallback = b->v.drop_space = kind == LLMC__VOCAB_SPM;
    strcpy(b->v.pre, kind == LLMC__VOCAB_SPM ? "default" : "gpt-2");
    for (i = 0; i < LLMC_SPECIAL_COUNT; i++)
        b->v.special[i] = LLMC_TOKEN_NONE;
}

static llmc_token add(builder *b, const char *text, size_t len, llmc_token_kind kind, float score)
{
    uint32_t id = b->v.count++;
    b->v.tokens.count = b->v.count;
    llmc__put_u64le(b->tokens + b->v.tokens.bytes, len);
    memcpy(b->tokens + b->v.tokens.bytes + 8, text, len);
    b->v.tokens.bytes += 8 + len;
    llmc__put_u32le(b->scores + 4 * id, llmc__f32_bits(score));
    llmc__put_u32le(b->types + 4 * id, (uint32_t)kind);
    return (llmc_token)id;
}

static llmc_token add_text(builder *b, const char *text, llmc_token_kind kind)
{
    return add(b, text, strlen(text), kind, 0.0f);
}

static void add_merge(builder *b, const char *text)
{
    llmc__put_u64le(b->merges + b->v.merges.bytes, strlen(text));
    memcpy(b->merges + b->v.merges.bytes + 8, text, strlen(text));
    b->v.merges.bytes += 8 + strlen(text);
    b->v.merges.count++;
}

/* Carving must fail like this, with the vocabulary's name in the message. */
static void refused(builder *b, llmc_status status, const char *words)
{
    llmc_diag diag;
    loaded l;
    llmc_status s;
    memset(&diag, 0, sizeof diag);
    s = carve(&l, &b->v, &diag);
    CHECKF(s == status && l.tok == NULL, "status %d, expected %d (%s)", s, status, words);
    CHECKF(strstr(diag.message, "built") != NULL && strstr(diag.message, words) != NULL,
           "message '%s' lacks '%s'", diag.message, words);
    CHECK(diag.tag != NULL && diag.status == status);
    free(l.mem);
}

/* letters a to d and their merges "ab", "abc" */
static void build_letters(builder *b)
{
    build(b, LLMC__VOCAB_BPE);
    add_text(b, "a", LLMC_TOKEN_NORMAL);
    add_text(b, "b", LLMC_TOKEN_NORMAL);
    add_text(b, "c", LLMC_TOKEN_NORMAL);
    add_text(b, "d", LLMC_TOKEN_NORMAL);
    add_text(b, "ab", LLMC_TOKEN_NORMAL);
    add_text(b, "abc", LLMC_TOKEN_NORMAL);
    add_merge(b, "a b");
    add_merge(b, "ab c");
}

static void hostile_vocabularies(void)
{
    static const char *const bad_merge[] = {"ab", "a  b", " ab", "ab ", "a b c", "", " "};
    static const char *const bad_byte[] = {"<0x-1>", "<0x1>", "<0xGG>", "<0x000>", "0x00", ""};
    static builder b;
    unsigned i;
    for (i = 0; i < sizeof bad_merge / sizeof bad_merge[0]; i++) {
        build_letters(&b);
        add_merge(&b, bad_merge[i]);
        refused(&b, LLMC_BAD_FILE, "one space between");
    }
    build_letters(&b);
    add_merge(&b, "a z");
    refused(&b, LLMC_BAD_FILE, "names a token that is not");
    build_letters(&b);
    add_merge(&b, "c d");
    refused(&b, LLMC_BAD_FILE, "makes a token that is not");
    build_letters(&b);
    b.v.merges.count++;
    refused(&b, LLMC_BAD_FILE, "past the end");
    for (i = 0; i < sizeof bad_byte / sizeof bad_byte[0]; i++) {
        build(&b, LLMC__VOCAB_SPM);
        add_text(&b, "a", LLMC_TOKEN_NORMAL);
        add_text(&b, bad_byte[i], LLMC_TOKEN_BYTE);
        refused(&b, LLMC_BAD_FILE, "not of the form <0xXX>");
    }
    build_letters(&b);
    add_text(&b, "x", (llmc_token_kind)7);
    refused(&b, LLMC_BAD_FILE, "type");
    build_letters(&b);
    b.v.tokens.count++;
    refused(&b, LLMC_BAD_FILE, "past the end");
    build_letters(&b);
    llmc__put_u64le(b.tokens, UINT64_MAX - 4);
    refused(&b, LLMC_BAD_FILE, "65535");
    build_letters(&b);
    b.v.count = 0;
    refused(&b, LLMC_BAD_FILE, "0 tokens");
    build_letters(&b);
    b.v.special[LLMC_SPECIAL_EOT] = 6;
    refused(&b, LLMC_BAD_FILE, "special token id 6");
    build(&b, LLMC__VOCAB_SPM);
    add(&b, "a", 1, LLMC_TOKEN_NORMAL, 0.0f);
    llmc__put_u32le(b.scores, 0x7fc00000u);
    refused(&b, LLMC_BAD_FILE, "not a number");
}

/* Tokens whose hashes were made to fall on one slot. */
static void colliding_tokens(void)
{
    static builder b;
    uint32_t i, k = 0;
    build(&b, LLMC__VOCAB_BPE);
    for (i = 0; k < 600; i++) {
        char text[16];
        int n = snprintf(text, sizeof text, "%x", (unsigned)i);
        if ((llmc__token_hash((const uint8_t *)text, (size_t)n) & 2047) == 5) {
            add_text(&b, text, LLMC_TOKEN_NORMAL);
            k++;
        }
    }
    refused(&b, LLMC_BAD_FILE, "collide");
}

/* Every size below the need is refused, and nothing outside the memory is written. */
static void carve_sizes(void)
{
    static builder b;
    llmc__arena measure, a;
    llmc_tokenizer *tok;
    uint8_t *mem;
    size_t need, size;
    build_letters(&b);
    memset(&measure, 0, sizeof measure);
    CHECK(llmc__tokenizer_carve(&tok, &b.v, &measure, NULL) == LLMC_OK);
    need = (size_t)measure.used;
    for (size = 0; size < need; size += size < 8192 || size > need - 256 ? 64 : 4096) {
        mem = (uint8_t *)malloc(size + LLMC__ALIGN);
        a = llmc__arena_over(mem, size + LLMC__ALIGN);
        a.size = size;
        CHECK(llmc__tokenizer_carve(&tok, &b.v, &a, NULL) == LLMC_NO_MEMORY && tok == NULL);
        free(mem);
    }
}

/* A byte token at the very end of the raw bytes takes one of them, not the six of its spelling: the
   table after them has no more entries than there are tokens. */
static void byte_token_comes_last(void)
{
    static builder b;
    char word[64];
    uint32_t n, i, used;
    loaded l;
    memset(word, 'a', sizeof word);
    for (n = 57; n < 64; n++) {
        build(&b, LLMC__VOCAB_SPM);
        add(&b, word, n, LLMC_TOKEN_NORMAL, 0);
        add_text(&b, "<0xFF>", LLMC_TOKEN_BYTE);
        CHECK(carve(&l, &b.v, NULL) == LLMC_OK);
        for (i = used = 0; i <= l.tok->slot_mask; i++)
            used += l.tok->slot[i] != 0;
        CHECKF(used <= b.v.count, "%u bytes: %u slots for %u tokens", (unsigned)n, (unsigned)used,
               (unsigned)b.v.count);
        CHECK(llmc_token_find(l.tok, word, n) == 0 && llmc_token_find(l.tok, "<0xFF>", 6) == 1);
        CHECK(llmc_token_find(l.tok, "b", 1) == LLMC_TOKEN_NONE);
        free(l.mem);
    }
}

static void put_string(uint8_t *at, size_t *n, const char *s, size_t len)
{
    llmc__put_u64le(at + *n, len);
    memcpy(at + *n + 8, s, len);
    *n += 8 + len;
}

/* 700000 merges of a token that is spelled as a byte token, the last of 300000: a tenth of a second, and
   minutes if each of them looks through the vocabulary. run.sh's time limit ends it then. */
static void merges_of_byte_spellings(void)
{
    enum { TOKENS = 300000, MERGES = 700000 };
    static builder b;
    uint8_t *tokens, *types, *merges;
    size_t tokens_bytes = 0, merges_bytes = 0;
    llmc_diag diag;
    uint32_t i;
    loaded l;
    build(&b, LLMC__VOCAB_BPE);
    tokens = (uint8_t *)malloc((size_t)TOKENS * 16);
    types = (uint8_t *)malloc((size_t)TOKENS * 4);
    merges = (uint8_t *)malloc((size_t)MERGES * 21);
    for (i = 0; i < TOKENS; i++) {
        char text[16];
        int n = snprintf(text, sizeof text, "%x", (unsigned)i);
        bool last = i == TOKENS - 1;
        put_string(tokens, &tokens_bytes, last ? "<0x00>" : text, last ? 6 : (size_t)n);
        llmc__put_u32le(types + 4 * i, last ? LLMC_TOKEN_CONTROL : LLMC_TOKEN_NORMAL);
    }
    for (i = 0; i < MERGES; i++)
        put_string(merges, &merges_bytes, "<0x00> <0x00>", 13);
    b.v.tokens.data = tokens;
    b.v.tokens.bytes = tokens_bytes;
    b.v.types = types;
    b.v.merges.data = merges;
    b.v.merges.bytes = merges_bytes;
    b.v.count = b.v.tokens.count = TOKENS;
    b.v.merges.count = MERGES;
    memset(&diag, 0, sizeof diag);
    CHECKF(carve(&l, &b.v, &diag) == LLMC_OK, "%s", diag.message);
    CHECK(l.tok != NULL && llmc_token_find(l.tok, "<0x00>", 6) == TOKENS - 1);
    free(l.mem);
    free(tokens);
    free(types);
    free(merges);
}

/* 200000 control tokens that are all spelled "<", which nobody asked for, and a text of 1.5 MB of
   them: a tenth of a second, and minutes if each byte looks at each copy. */
static void copies_of_a_special_token(void)
{
    enum { COPIES = 200000, LENGTH = 1500000, WORK = 65536 };
    static builder b;
    uint8_t *tokens = (uint8_t *)malloc((size_t)COPIES * 9 + 64);
    uint8_t *types = (uint8_t *)malloc((size_t)(COPIES + 2) * 4);
    char *text = (char *)malloc(LENGTH);
    void *work = malloc(WORK);
    llmc_token ids[4];
    size_t tokens_bytes = 0, n = 0, i;
    llmc_encode_options o;
    llmc_diag diag;
    loaded l;
    build(&b, LLMC__VOCAB_SPM);
    put_string(tokens, &tokens_bytes, "<u>", 3);
    llmc__put_u32le(types, LLMC_TOKEN_USER);
    for (i = 1; i <= COPIES; i++) {
        put_string(tokens, &tokens_bytes, "<", 1);
        llmc__put_u32le(types + 4 * i, LLMC_TOKEN_CONTROL);
    }
    put_string(tokens, &tokens_bytes, "a", 1);
    llmc__put_u32le(types + 4 * i, LLMC_TOKEN_NORMAL);
    b.v.tokens.data = tokens;
    b.v.tokens.bytes = tokens_bytes;
    b.v.types = types;
    b.v.scores = NULL;
    b.v.count = b.v.tokens.count = COPIES + 2;
    for (i = 0; i < LENGTH; i++) /* words of 100 bytes, so that little work memory is enough */
        text[i] = i % 100 == 99 ? ' ' : '<';
    memcpy(text + LENGTH - 4, "<u>a", 4);
    memset(&diag, 0, sizeof diag);
    memset(&o, 0, sizeof o);
    if (CHECKF(carve(&l, &b.v, &diag) == LLMC_OK, "%s", diag.message)) {
        CHECKF(llmc_encode(l.tok, text, LENGTH, &o, work, WORK, ids, 4, &n, &diag) == LLMC_OK, "%s",
               diag.message);
        CHECK(n == 2 && ids[0] == 0 && ids[1] == COPIES + 1); /* nothing stands for the rest */
        o.parse_special = true; /* of copies the first is found, and the longer token before it */
        CHECK(llmc_encode(l.tok, "<<u>", 4, &o, work, WORK, ids, 4, &n, &diag) == LLMC_OK);
        CHECK(n == 2 && ids[0] == 1 && ids[1] == 0);
    }
    free(l.mem);
    free(tokens);
    free(types);
    free(text);
    free(work);
}

/* The search for special tokens takes a step per byte of the longest, so there is a limit. */
static void special_tokens_have_a_limit(void)
{
    static const struct {
        llmc_token_kind kind;
        size_t len;
        bool ok;
    } t[] = {{LLMC_TOKEN_USER, 1024, true},      {LLMC_TOKEN_USER, 1025, false},
             {LLMC_TOKEN_CONTROL, 1024, true},   {LLMC_TOKEN_CONTROL, 1025, false},
             {LLMC_TOKEN_CONTROL, 60000, false}, {LLMC_TOKEN_NORMAL, 60000, true}};
    static builder b;
    static char text[60000];
    loaded l;
    size_t i;
    memset(text, '<', sizeof text);
    for (i = 0; i < sizeof t / sizeof t[0]; i++) {
        build(&b, LLMC__VOCAB_SPM);
        add_text(&b, "a", LLMC_TOKEN_NORMAL);
        add(&b, text, t[i].len, t[i].kind, 0);
        if (t[i].ok) {
            CHECK(carve(&l, &b.v, NULL) == LLMC_OK);
            free(l.mem);
        } else
            refused(&b, LLMC_UNSUPPORTED, "the limit is 1024");
    }
}

//--[ specials, spans, options ]--
/* SPM with bytes, a control token "<|e|>", user tokens, and the word " hi". */
static void build_special(builder *b)
{
    unsigned i;
    build(b, LLMC__VOCAB_SPM);
    add_text(b, "<unk>", LLMC_TOKEN_UNKNOWN);
    add_text(b, "<s>", LLMC_TOKEN_CONTROL);
    add_text(b, "</s>", LLMC_TOKEN_CONTROL);
    for (i = 0; i < 256; i++) {
        char text[8];
        snprintf(text, sizeof text, "<0x%02X>", i);
        add_text(b, text, LLMC_TOKEN_BYTE); /* 3 + byte */
    }
    add(b, "\xe2\x96\x81", 3, LLMC_TOKEN_NORMAL, -3);   /* 259 */
    add(b, "h", 1, LLMC_TOKEN_NORMAL, -4);              /* 260 */
    add(b, "i", 1, LLMC_TOKEN_NORMAL, -5);              /* 261 */
    add(b, "hi", 2, LLMC_TOKEN_NORMAL, -1);             /* 262 */
    add(b, "\xe2\x96\x81hi", 5, LLMC_TOKEN_NORMAL, -2); /* 263 */
    add_text(b, "<|e|>", LLMC_TOKEN_CONTROL);           /* 264 */
    add_text(b, "<|e|>>", LLMC_TOKEN_CONTROL);          /* 265 */
    add_text(b, "@@", LLMC_TOKEN_USER);                 /* 266 */
    add_text(b, "<|im_end|>", LLMC_TOKEN_CONTROL);      /* 267 */
    add_text(b, "<|eot_id|>", LLMC_TOKEN_NORMAL);       /* 268 */
    b->v.special[LLMC_SPECIAL_UNK] = 0;
    b->v.special[LLMC_SPECIAL_BOS] = 1;
    b->v.special[LLMC_SPECIAL_EOS] = 2;
    b->v.add_bos = true;
    b->v.before[b->v.n_before++] = 1;
}

#define BYTE(c) (3 + (c))

static void special_tokens(void)
{
    static const llmc_token text[] = {263, BYTE('<'), BYTE('|'), BYTE('e'), BYTE('|'), BYTE('>'), -1};
    static const llmc_token parsed[] = {1, 263, 264, 263, 265, 263, -1};
    static const llmc_token user[] = {263, 266, 263, -1};
    static const llmc_token none[] = {-1};
    static const llmc_token bos[] = {1, -1};
    static const char shown[] = "<s>hi<|e|>hi<|e|>>hi";
    static builder b;
    llmc_encode_options opt;
    llmc_decode_options show;
    char out[64];
    size_t n;
    loaded l;
    build_special(&b);
    CHECK(carve(&l, &b.v, NULL) == LLMC_OK);
    memset(&opt, 0, sizeof opt);
    memset(&show, 0, sizeof show);
    expect(l.tok, "hi<|e|>", 7, NULL, text);
    expect(l.tok, "hi@@hi", 6, NULL, user);
    CHECK(round_trip(l.tok, "hi@@hi@@ hi", 11));
    expect(l.tok, "", 0, NULL, none);
    opt.add_bos = true;
    expect(l.tok, "", 0, &opt, bos);
    opt.parse_special = true;
    expect(l.tok, "hi<|e|>hi<|e|>>hi", 17, &opt, parsed);
    CHECK(llmc_decode(l.tok, parsed, 6, NULL, out, sizeof out, &n, NULL) == LLMC_OK && n == 6 &&
          !memcmp(out, "hihihi", 6));
    show.show_special = true;
    CHECK(llmc_decode(l.tok, parsed, 6, &show, out, sizeof out, &n, NULL) == LLMC_OK &&
          n == sizeof shown - 1 && memcmp(out, shown, n) == 0);
    show.keep_space = true;
    CHECK(llmc_decode(l.tok, user, 3, &show, out, sizeof out, &n, NULL) == LLMC_OK && n == 8 &&
          !memcmp(out, " hi@@ hi", 8));
    free(l.mem);
}

static void plain_spans(void)
{
    /*                          0123456789012345678901234567890 */
    static const char text[] = "<|e|><|e|><|e|>>hi@@hi";
    static const llmc_token inside[] = {264,       259, BYTE('<'), BYTE('|'), BYTE('e'), BYTE('|'),
                                        BYTE('>'), 265, 263,       266,       263,       -1};
    static const llmc_token touched[] = {264, 264, 264, 259, BYTE('>'), 262, 266, 263, -1};
    static const llmc_token crossed[] = {264, 264, 265, 263, BYTE('@'), BYTE('@'), 262, -1};
    static builder b;
    llmc_span span[2];
    llmc_encode_options opt;
    size_t n;
    llmc_token ids[64];
    loaded l;
    build_special(&b);
    CHECK(carve(&l, &b.v, NULL) == LLMC_OK);
    memset(&opt, 0, sizeof opt);
    opt.parse_special = true;
    opt.plain = span;
    opt.n_plain = 1;
    span[0].begin = 5; /* the second one is text */
    span[0].end = 10;
    expect(l.tok, text, 22, &opt, inside);
    span[0].begin = 15; /* the longer token is cut short; a user token inside still counts */
    span[0].end = 22;
    expect(l.tok, text, 22, &opt, touched);
    span[0].begin = 17; /* a user token does not cross the border */
    span[0].end = 19;
    expect(l.tok, text, 22, &opt, crossed);
    span[0].end = 23;
    CHECK(llmc_encode(l.tok, text, 22, &opt, NULL, 0, ids, 64, &n, NULL) == LLMC_BAD_ARG);
    span[0].end = 16;
    CHECK(llmc_encode(l.tok, text, 22, &opt, NULL, 0, ids, 64, &n, NULL) == LLMC_BAD_ARG);
    span[0].end = 19;
    span[1].begin = 18;
    span[1].end = 20;
    opt.n_plain = 2;
    CHECK(llmc_encode(l.tok, text, 22, &opt, NULL, 0, ids, 64, &n, NULL) == LLMC_BAD_ARG);
    free(l.mem);
}

static void questions(void)
{
    static builder b;
    llmc_token_info info;
    loaded l;
    build_special(&b);
    CHECK(carve(&l, &b.v, NULL) == LLMC_OK);
    CHECK(strcmp(llmc_tokenizer_name(l.tok), "llama") == 0);
    CHECK(llmc_tokenizer_count(l.tok) == 269);
    CHECK(llmc_tokenizer_adds_bos(l.tok));
    CHECK(llmc_tokenizer_special(l.tok, LLMC_SPECIAL_EOS) == 2);
    CHECK(llmc_tokenizer_special(l.tok, LLMC_SPECIAL_PAD) == LLMC_TOKEN_NONE);
    CHECK(llmc_token_ends(l.tok, 2) && llmc_token_ends(l.tok, 267));
    CHECK(!llmc_token_ends(l.tok, 268) && !llmc_token_ends(l.tok, 1) && !llmc_token_ends(l.tok, -1) &&
          !llmc_token_ends(l.tok, 269));
    CHECK(llmc_token_get(l.tok, 263, &info) == LLMC_OK && info.text_len == 5 && info.score == -2.0f &&
          info.kind == LLMC_TOKEN_NORMAL);
    CHECK(llmc_token_get(l.tok, 269, &info) == LLMC_BAD_ARG &&
          llmc_token_get(l.tok, -1, &info) == LLMC_BAD_ARG);
    CHECK(llmc_token_find(l.tok, "<0x0A>", 6) == BYTE(10));
    CHECK(llmc_token_find(l.tok, " hi", 3) == LLMC_TOKEN_NONE);
    CHECK(llmc_token_find(l.tok, "", 0) == LLMC_TOKEN_NONE);
    free(l.mem);
}

/* Converters write the ends of a turn as control or as user tokens. */
static void user_tokens_end_turns(void)
{
    static builder b;
    llmc_token end;
    loaded l;
    build_special(&b);
    end = add_text(&b, "<|end|>", LLMC_TOKEN_USER);
    CHECK(carve(&l, &b.v, NULL) == LLMC_OK);
    CHECK(llmc_token_ends(l.tok, end));
    CHECK(!llmc_token_ends(l.tok, 266) && !llmc_token_ends(l.tok, 268)); /* another user token, plain text */
    free(l.mem);
}

/* Every stored text is found again; its id has the same text. */
static void find_all(void)
{
    unsigned v, found = 0;
    for (v = 0; v < N_VOCABULARY; v++) {
        llmc_token_info a, b;
        llmc_token id, hit;
        unsigned bad = 0;
        loaded l;
        if (!load(&l, vocabulary[v].name))
            continue;
        found++;
        for (id = 0; id < (llmc_token)llmc_tokenizer_count(l.tok); id++) {
            llmc_token_get(l.tok, id, &a);
            hit = llmc_token_find(l.tok, a.text, a.text_len);
            bad += hit < 0 || llmc_token_get(l.tok, hit, &b) != LLMC_OK || a.text_len != b.text_len ||
                   memcmp(a.text, b.text, a.text_len) != 0;
        }
        CHECKF(bad == 0, "%s: %u tokens are not found by their text", vocabulary[v].name, bad);
        unload(&l);
    }
    if (found == 0)
        SKIP("no vocabularies in the shared data folder");
}

/* Flipped bytes anywhere in a vocabulary: carving refuses, or what it makes takes any text. */
static void mutated_vocabularies(void)
{
    static const char text[] = "hi <|e|> abc @@\xe4\xbd\xa0\xff<s>";
    static builder b;
    uint64_t rng = test_seed(7);
    unsigned k, made = 0;
    for (k = 0; k < 3000; k++) {
        unsigned flips = 1 + test_random(&rng, 3);
        loaded l;
        if (k & 1)
            build_letters(&b);
        else
            build_special(&b);
        while (flips-- > 0) {
            uint8_t bits = (uint8_t)(1u << test_random(&rng, 8));
            unsigned part = test_random(&rng, 4);
            if (part == 0 && b.v.merges.bytes > 0)
                b.merges[test_random(&rng, (unsigned)b.v.merges.bytes)] ^= bits;
            else if (part == 1)
                b.types[test_random(&rng, 4 * b.v.count)] ^= bits;
            else if (part == 2)
                b.scores[test_random(&rng, 4 * b.v.count)] ^= bits;
            else
                b.tokens[test_random(&rng, (unsigned)b.v.tokens.bytes)] ^= bits;
        }
        if (carve(&l, &b.v, NULL) == LLMC_OK) {
            llmc_encode_options opt;
            llmc_token *ids;
            char out[256];
            size_t n, m;
            memset(&opt, 0, sizeof opt);
            opt.parse_special = (k & 2) != 0;
            ids = encode(l.tok, text, sizeof text - 1, &opt, &n);
            CHECK(llmc_decode(l.tok, ids, n, NULL, out, sizeof out, &m, NULL) == LLMC_OK);
            free(ids);
            made++;
        }
        free(l.mem);
    }
    CHECK(made > 0 && made < k);
}

/* Counts stay right when there is no room; work memory may be odd, small or absent. */
static void limits(void)
{
    static builder b;
    static char text[400], out[8];
    llmc_token ids[401], few[3];
    llmc_diag diag;
    size_t n = 9, i, need;
    char *work;
    loaded l;
    build_special(&b);
    CHECK(carve(&l, &b.v, NULL) == LLMC_OK);
    CHECK(llmc_encode(l.tok, "hi hi hi hi", 11, NULL, NULL, 0, few, 3, &n, &diag) == LLMC_NO_MEMORY &&
          n == 4);
    CHECK(llmc_encode(l.tok, "hi hi hi hi", 11, NULL, NULL, 0, NULL, 0, &n, NULL) == LLMC_NO_MEMORY &&
          n == 4);
    CHECK(few[2] == 263);
    CHECK(llmc_encode(l.tok, NULL, 3, NULL, NULL, 0, ids, 401, &n, NULL) == LLMC_BAD_ARG && n == 0);
    CHECK(llmc_encode(l.tok, "hi", 2, NULL, NULL, 8, ids, 401, &n, NULL) == LLMC_BAD_ARG);
    memset(text, 'h', sizeof text);
    need = llmc_encode_need(l.tok, sizeof text);
    for (i = 0; i < need; i += i < need - 60 ? 37 : 1) { /* enough, not enough: never more than given */
        llmc_status s;
        work = (char *)malloc(i + 1);
        s = llmc_encode(l.tok, text, sizeof text, NULL, work, i, ids, 401, &n, NULL);
        CHECK(s == LLMC_OK ? n == 401 : s == LLMC_NO_MEMORY && n == 0);
        free(work);
    }
    for (i = 0; i < 5; i++) {
        work = (char *)malloc(need + i);
        CHECK(llmc_encode(l.tok, text, sizeof text, NULL, work + i, need, ids, 401, &n, NULL) == LLMC_OK &&
              n == 401);
        free(work);
    }
    for (i = 3; i < sizeof text; i += 3) /* only the longest word counts */
        text[i] = ' ';
    CHECK(llmc_encode(l.tok, text, sizeof text, NULL, NULL, 0, ids, 401, &n, NULL) == LLMC_OK);
    CHECK(llmc_decode(l.tok, few, 3, NULL, out, 5, &n, NULL) == LLMC_NO_MEMORY && n == 8);
    CHECK(llmc_decode(l.tok, few, 3, NULL, out, 8, &n, NULL) == LLMC_OK && memcmp(out, "hi hi hi", 8) == 0);
    few[1] = 269;
    CHECK(llmc_decode(l.tok, few, 3, NULL, out, 8, &n, &diag) == LLMC_BAD_ARG &&
          strstr(diag.message, "269") != NULL);
    few[1] = -1;
    CHECK(llmc_decode(l.tok, few, 3, NULL, out, 8, &n, NULL) == LLMC_BAD_ARG);
    CHECK(llmc_encode_need(l.tok, SIZE_MAX) == SIZE_MAX);
    free(l.mem);
}

/* Merges reach from one word to the next where a token does. */
static void inner_spaces(void)
{
    static const llmc_token apart[] = {263, 263, -1};
    static const llmc_token across[] = {259, 270, 269, -1};
    static builder b;
    loaded l;
    build_special(&b);
    CHECK(carve(&l, &b.v, NULL) == LLMC_OK);
    expect(l.tok, "hi hi", 5, NULL, apart);
    free(l.mem);
    add(&b, "hi\xe2\x96\x81", 5, LLMC_TOKEN_NORMAL,
        -0.5f); /* 269: "hi" and the space after it, best of all */
    add(&b, "hi\xe2\x96\x81hi", 7, LLMC_TOKEN_NORMAL, -0.25f); /* 270 */
    CHECK(carve(&l, &b.v, NULL) == LLMC_OK);
    expect(l.tok, "hi hihi ", 8, NULL, across);
    CHECK(round_trip(l.tok, "hi hihi ", 8));
    free(l.mem);
}

/* Without byte tokens what is not in the vocabulary becomes the unknown token, one a character. */
static void without_bytes(void)
{
    static const llmc_token expected[] = {2, 1, 0, 0, 1, -1};
    static builder b;
    loaded l;
    build(&b, LLMC__VOCAB_SPM);
    add_text(&b, "<unk>", LLMC_TOKEN_UNKNOWN);
    add_text(&b, "a", LLMC_TOKEN_NORMAL);
    add_text(&b, "\xe2\x96\x81", LLMC_TOKEN_NORMAL);
    b.v.special[LLMC_SPECIAL_UNK] = 0;
    CHECK(carve(&l, &b.v, NULL) == LLMC_OK);
    expect(l.tok,
           "a\xe4\xbd\xa0\xff"
           "a",
           6, NULL, expected);
    free(l.mem);
}

//--[ Unicode ]--
static unsigned char *read_category(void)
{
    FILE *f = fopen("/usr/share/unicode/UnicodeData.txt", "r");
    unsigned char *gc = f != NULL ? (unsigned char *)calloc(0x110000, 2) : NULL;
    char line[1024];
    unsigned first = 0;
    while (f != NULL && gc != NULL && fgets(line, sizeof line, f) != NULL) {
        char name[512], cat[8];
        unsigned code;
        if (sscanf(line, "%x;%511[^;];%7[^;]", &code, name, cat) != 3)
            continue;
        if (strstr(name, ", Last>") == NULL)
            first = code;
        for (; first <= code; first++)
            memcpy(gc + 2 * first, cat, 2);
    }
    if (f != NULL)
        fclose(f);
    return gc;
}

/* The property White_Space is exactly the separators, TAB to CR, and NEL (PropList.txt). */
static void unicode_classes(void)
{
    unsigned char *gc = read_category();
    unsigned cp, bad = 0;
    if (gc == NULL) {
        SKIP("no unicode-data package");
        return;
    }
    for (cp = 0; cp < 0x110000; cp++) {
        unsigned char a = gc[2 * cp], c = gc[2 * cp + 1];
        unsigned expected = LLMC__UC_OTHER;
        if (cp == 10 || cp == 13)
            expected = LLMC__UC_NEWLINE;
        else if (a == 'Z' || (cp >= 9 && cp <= 13) || cp == 0x85)
            expected = LLMC__UC_SPACE;
        else if (a == 'L')
            expected = c == 'u' || c == 't' ? LLMC__UC_UPPER : c == 'l' ? LLMC__UC_LOWER : LLMC__UC_LETTER;
        else if (a != 0 && a != 'C')
            expected = a == 'M'   ? (c == 'n' ? LLMC__UC_MARK : LLMC__UC_MARK_WIDE)
                       : a == 'N' ? (c == 'o' ? LLMC__UC_NUMBER_OTHER : LLMC__UC_NUMBER)
                       : a == 'P' ? (c == 'c' ? LLMC__UC_CONNECTOR : LLMC__UC_PUNCT)
                                  : LLMC__UC_SYMBOL;
        bad += llmc__uc_class(cp) != expected;
    }
    CHECKF(bad == 0, "%u code points have another class than the data files say", bad);
    CHECK(llmc__uc_class(0x110000) == LLMC__UC_OTHER && llmc__uc_class(UINT32_MAX) == LLMC__UC_OTHER);
    free(gc);
}

/* Unicode 15, table 3-7: what is a character and what is not. */
static void utf8(void)
{
    static const struct {
        const char *text;
        size_t n;
        uint32_t len, cp;
    } t[] = {
        {"a", 1, 1, 'a'},
        {"\x7f", 1, 1, 0x7f},
        {"\xc2\x80", 2, 2, 0x80},
        {"\xdf\xbf", 2, 2, 0x7ff},
        {"\xe0\xa0\x80", 3, 3, 0x800},
        {"\xed\x9f\xbf", 3, 3, 0xd7ff},
        {"\xef\xbf\xbf", 3, 3, 0xffff},
        {"\xf0\x90\x80\x80", 4, 4, 0x10000},
        {"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
        {"\x80", 1, 1, LLMC__NOT_UTF8},
        {"\xc0\x80", 2, 1, LLMC__NOT_UTF8},
        {"\xc1\xbf", 2, 1, LLMC__NOT_UTF8},
        {"\xe0\x9f\xbf", 3, 1, LLMC__NOT_UTF8},
        {"\xed\xa0\x80", 3, 1, LLMC__NOT_UTF8},
        {"\xf0\x8f\xbf\xbf", 4, 1, LLMC__NOT_UTF8},
        {"\xf4\x90\x80\x80", 4, 1, LLMC__NOT_UTF8},
        {"\xf5\x80\x80\x80", 4, 1, LLMC__NOT_UTF8},
        {"\xe2\x96", 2, 1, LLMC__NOT_UTF8},
        {"\xe2\x96"
         "a",
         3, 1, LLMC__NOT_UTF8},
    };
    size_t i;
    for (i = 0; i < sizeof t / sizeof t[0]; i++) {
        uint32_t cp = 0, len = llmc__uc_next((const uint8_t *)t[i].text, t[i].n, &cp);
        CHECKF(len == t[i].len && cp == t[i].cp, "case %u: length %u, code point %x", (unsigned)i,
               (unsigned)len, (unsigned)cp);
    }
}

int main(void)
{
    RUN(utf8);
    RUN(unicode_classes);
    RUN(vectors_gpt2);
    RUN(vectors_llama);
    RUN(vectors_phi3);
    RUN(vectors_starcoder);
    RUN(vectors_falcon);
    RUN(vectors_deepseek);
    RUN(reference_ids);
    RUN(round_trip_shakespeare);
    RUN(round_trip_random);
    RUN(long_words);
    RUN(find_all);
    RUN(hostile_vocabularies);
    RUN(colliding_tokens);
    RUN(carve_sizes);
    RUN(byte_token_comes_last);
    RUN(merges_of_byte_spellings);
    RUN(copies_of_a_special_token);
    RUN(special_tokens_have_a_limit);
    RUN(special_tokens);
    RUN(plain_spans);
    RUN(questions);
    RUN(user_tokens_end_turns);
    RUN(mutated_vocabularies);
    RUN(limits);
    RUN(inner_spaces);
    RUN(without_bytes);
    return test_end("test_token");
}
