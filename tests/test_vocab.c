/* Every file that a tokenizer comes in: the same vocabulary in each gives the same ids, what is not known is
   refused by its name, hostile bytes do no harm. The files are built here, byte by byte. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

#include "make_gguf.h"

static llmc_diag seen;

//--[ files under construction ]--
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
text(bytes *b, const char *fmt, ...)
{
    char line[4096];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    put(b, line, strlen(line));
}

/* UTF-8 of a code point. */
static size_t utf8(uint32_t cp, char *out)
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 63));
        return 2;
    }
    out[0] = (char)(0xe0 | cp >> 12);
    out[1] = (char)(0x80 | (cp >> 6 & 63));
    out[2] = (char)(0x80 | (cp & 63));
    return 3;
}

/* GPT-2's character for a byte: itself where it can be printed, else the next free one from U+0100 on. */
static uint32_t alphabet(unsigned byte)
{
    uint32_t next = 0x100, i;
    for (i = 0; i <= byte; i++) {
        bool own = (i >= 0x21 && i <= 0x7e) || (i >= 0xa1 && i <= 0xac) || i >= 0xae;
        if (i == byte)
            return own ? i : next;
        next += !own;
    }
    return 0;
}

/* The merges of the byte-level vocabulary: a pair of byte strings, whose joined bytes are token 256 + i. */
static const char *const merge[][2] = {{"t", "h"},   {"th", "e"}, {" ", "the"},     {"i", "n"},  {" ", "a"},
                                       {"e", "r"},   {"o", "u"},  {"\xc3", "\xa9"}, {" ", " "},  {"#", "a"},
                                       {"\"", "\\"}, {"y", "ou"}, {" ", "you"},     {"\n", "\n"}};
enum { MERGES = sizeof merge / sizeof merge[0], EOT = 256 + MERGES, TOKENS = EOT + 1 };

/* Bytes of token id. */
static size_t token_bytes(unsigned id, char *out)
{
    if (id < 256) {
        out[0] = (char)id;
        return 1;
    }
    if (id == EOT) {
        strcpy(out, "<|endoftext|>");
        return 13;
    }
    strcpy(out, merge[id - 256][0]);
    strcat(out, merge[id - 256][1]);
    return strlen(out);
}

/* The same in the byte alphabet; the end of text stands for itself. */
static const char *spelled(const char *p, size_t n, char *out)
{
    size_t i, at = 0;
    if (n == 13) {
        memcpy(out, p, n);
        at = n;
    } else {
        for (i = 0; i < n; i++)
            at += utf8(alphabet((unsigned char)p[i]), out + at);
    }
    out[at] = 0;
    return out;
}

/* A JSON string of UTF-8 text; escaped: everything that is not ASCII as \u. */
static void json_string(bytes *b, const char *s, bool escaped)
{
    const unsigned char *p = (const unsigned char *)s;
    text(b, "\"");
    for (; *p != 0; p++) {
        if (*p == '"' || *p == '\\')
            text(b, "\\%c", *p);
        else if (*p < 0x80 || !escaped)
            put(b, p, 1);
        else if (*p < 0xe0) {
            text(b, "\\u%04X", (unsigned)((p[0] & 31) << 6 | (p[1] & 63)));
            p++;
        } else {
            text(b, "\\u%04x", (unsigned)((p[0] & 15) << 12 | (p[1] & 63) << 6 | (p[2] & 63)));
            p += 2;
        }
    }
    text(b, "\"");
}

/* "vocab" of the byte-level vocabulary; backwards: the last id first. */
static void names(bytes *b, bool escaped, bool backwards, bool all)
{
    char raw[64], out[256];
    unsigned i, n = all ? TOKENS : EOT;
    text(b, "{");
    for (i = 0; i < n; i++) {
        unsigned id = backwards ? n - 1 - i : i;
        size_t len = token_bytes(id, raw);
        json_string(b, spelled(raw, len, out), escaped);
        text(b, ": %u%s", id, i + 1 < n ? ", " : "");
    }
    text(b, "}");
}

static void merges_json(bytes *b, bool pairs, bool escaped)
{
    char one[256], two[256], both[600];
    unsigned i;
    text(b, "[");
    for (i = 0; i < MERGES; i++) {
        spelled(merge[i][0], strlen(merge[i][0]), one);
        spelled(merge[i][1], strlen(merge[i][1]), two);
        snprintf(both, sizeof both, "%s %s", one, two);
        if (pairs) {
            text(b, "[");
            json_string(b, one, escaped);
            text(b, ", ");
            json_string(b, two, escaped);
            text(b, "]");
        } else {
            json_string(b, both, escaped);
        }
        text(b, "%s", i + 1 < MERGES ? ", " : "");
    }
    text(b, "]");
}

/* The parts of a tokenizer.json that tests change. NULL: as GPT-2 has it. */
typedef struct parts {
    const char *normalizer, *pre, *post, *decoder, *model; /* model: members before the vocabulary */
    const char *added;
} parts;

static const char gpt2_pre[] =
    "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true}";
static const char gpt2_added[] =
    "[{\"id\": 270, \"content\": \"<|endoftext|>\", \"single_word\": false, \"lstrip\": false, "
    "\"rstrip\": false, \"normalized\": true, \"special\": true}]";

static bytes tokenizer_json(const parts *p, bool pairs, bool escaped)
{
    bytes b = {NULL, 0, 0};
    text(&b, "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null, \"added_tokens\": %s,\n",
         p->added != NULL ? p->added : gpt2_added);
    text(&b, "\"normalizer\": %s, \"pre_tokenizer\": %s,\n", p->normalizer != NULL ? p->normalizer : "null",
         p->pre != NULL ? p->pre : gpt2_pre);
    text(&b, "\"post_processor\": %s, \"decoder\": %s,\n", p->post != NULL ? p->post : "null",
         p->decoder != NULL ? p->decoder : "{\"type\": \"ByteLevel\"}");
    text(&b,
         "\"model\": {%s\"vocab\": ", p->model != NULL ? p->model : "\"type\": \"BPE\", \"dropout\": null, ");
    names(&b, escaped, escaped, pairs);
    text(&b, ", \"merges\": ");
    merges_json(&b, pairs, escaped);
    text(&b, "}}");
    return b;
}

static void base64(const char *p, size_t n, char *out)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t i;
    for (i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)(unsigned char)p[i] << 16;
        v |= i + 1 < n ? (uint32_t)(unsigned char)p[i + 1] << 8 : 0;
        v |= i + 2 < n ? (unsigned char)p[i + 2] : 0;
        *out++ = digit[v >> 18];
        *out++ = digit[v >> 12 & 63];
        *out++ = i + 1 < n ? digit[v >> 6 & 63] : '=';
        *out++ = i + 2 < n ? digit[v & 63] : '=';
    }
    *out = 0;
}

static bytes rank_file(void)
{
    bytes b = {NULL, 0, 0};
    char raw[64], out[128];
    unsigned id;
    for (id = 0; id < EOT; id++) {
        size_t n = token_bytes(id, raw);
        base64(raw, n, out);
        text(&b, "%s %u\n", out, id);
    }
    return b;
}

static bytes llmc_file(void)
{
    bytes b = {NULL, 0, 0};
    char raw[64];
    unsigned id, i;
    put_int(&b, 20240328, 4);
    put_int(&b, 2, 4);
    put_int(&b, TOKENS, 4);
    put_int(&b, EOT, 4);
    for (i = 4; i < 256; i++)
        put_int(&b, 0, 4);
    for (id = 0; id < TOKENS; id++) {
        size_t n = token_bytes(id, raw);
        put_int(&b, n, 1);
        put(&b, raw, n);
    }
    return b;
}

static bytes gguf_file(void)
{
    char raw[64], one[256], two[256], both[600];
    maker m;
    unsigned i;
    bytes out;
    make_begin(&m);
    key_str(&m, "general.architecture", "gpt2");
    key_str(&m, "tokenizer.ggml.model", "gpt2");
    key_str(&m, "tokenizer.ggml.pre", "gpt-2");
    key_array(&m, "tokenizer.ggml.tokens", 8, TOKENS);
    for (i = 0; i < TOKENS; i++)
        put_str(&m.keys, spelled(raw, token_bytes(i, raw), one));
    key_array(&m, "tokenizer.ggml.token_type", 5, TOKENS);
    for (i = 0; i < TOKENS; i++)
        put_int(&m.keys, i == EOT ? 3 : 1, 4);
    key_array(&m, "tokenizer.ggml.merges", 8, MERGES);
    for (i = 0; i < MERGES; i++) {
        spelled(merge[i][0], strlen(merge[i][0]), one);
        spelled(merge[i][1], strlen(merge[i][1]), two);
        snprintf(both, sizeof both, "%s %s", one, two);
        put_str(&m.keys, both);
    }
    key_u32(&m, "tokenizer.ggml.eos_token_id", EOT);
    make_finish(&m);
    out = m.out;
    m.out.data = NULL;
    make_end(&m);
    return out;
}

static void put_text32(bytes *b, const char *s)
{
    put_int(b, strlen(s), 4);
    put(b, s, strlen(s));
}

/* A MOG whose header holds a tokenizer and nothing else. version 2: the byte-level one. */
static bytes mog_file(const char *pattern)
{
    bytes b = {NULL, 0, 0}, h = {NULL, 0, 0};
    char raw[64], one[256], two[256], both[600];
    unsigned i;
    put_text32(&h, "Qwen3");
    put_int(&h, 0, 4);
    put_int(&h, TOKENS, 4);
    for (i = 0; i < TOKENS; i++) {
        put_text32(&h, spelled(raw, token_bytes(i, raw), one));
        put_int(&h, i, 4);
    }
    put_int(&h, MERGES, 4);
    for (i = 0; i < MERGES; i++) {
        spelled(merge[i][0], strlen(merge[i][0]), one);
        spelled(merge[i][1], strlen(merge[i][1]), two);
        snprintf(both, sizeof both, "%s %s", one, two);
        put_text32(&h, both);
    }
    put_text32(&h, pattern);
    put_int(&h, 0, 4);
    put(&b, "MOG", 4);
    put_int(&b, 2, 4);
    put_int(&b, h.size, 8);
    put(&b, h.data, h.size);
    while (b.size % 64 != 0)
        put_int(&b, 0, 1);
    free(h.data);
    return b;
}

//--[ opening them ]--
typedef struct opened {
    llmc_tokenizer *tok;
    void *mem;
    llmc_status status;
} opened;

static llmc_blob blob(const bytes *b, const char *name)
{
    llmc_blob out;
    out.data = b->data;
    out.size = b->size;
    out.name = name;
    return out;
}

static opened open_files(const llmc_blob *files, size_t n, const llmc_tokenizer_options *o)
{
    opened out;
    size_t need = 0;
    memset(&out, 0, sizeof out);
    memset(&seen, 0, sizeof seen);
    out.status = llmc_tokenizer_need(files, n, o, &need, &seen);
    if (out.status != LLMC_OK)
        return out;
    if (need > (size_t)1 << 27) { /* memory follows the file's size, and files here are small */
        out.status = LLMC_NO_MEMORY;
        return out;
    }
    out.mem = malloc(need + 1);
    out.status = llmc_tokenizer_init(&out.tok, files, n, o, out.mem, need, &seen);
    return out;
}

static void shut(opened *o)
{
    free(o->mem);
    memset(o, 0, sizeof *o);
}

static opened open_bytes(const bytes *b, const char *name)
{
    llmc_blob f = blob(b, name);
    return open_files(&f, 1, NULL);
}

/* The ids of a text as "1 2 3". */
static const char *ids_of(const llmc_tokenizer *tok, const char *s, bool special, bool around)
{
    static char out[4][2048];
    static unsigned turn;
    char *p = out[turn++ & 3];
    llmc_encode_options o;
    llmc_token ids[256];
    size_t n = 0, need = llmc_encode_need(tok, strlen(s)), at = 0, i;
    void *work = malloc(need + 1);
    memset(&o, 0, sizeof o);
    o.parse_special = special;
    o.add_bos = o.add_eos = around;
    memset(&seen, 0, sizeof seen);
    p[0] = 0;
    if (llmc_encode(tok, s, strlen(s), &o, work, need, ids, 256, &n, &seen) != LLMC_OK)
        snprintf(p, sizeof out[0], "error: %s", seen.message);
    else
        for (i = 0; i < n; i++)
            at += (size_t)snprintf(p + at, sizeof out[0] - at, "%s%d", i > 0 ? " " : "", (int)ids[i]);
    free(work);
    return p;
}

static const char *const samples[] = {"the other you",
                                      "  thing\n\n you're in",
                                      "caf\xc3\xa9 #a \"\\ 12 <|endoftext|>x",
                                      "\xff\x80 the<|endoftext|>",
                                      "",
                                      "a",
                                      "\xe2\x96\x81the"};
enum { SAMPLES = sizeof samples / sizeof samples[0] };

/* Both vocabularies give the same ids for all samples, and these are decoded to the samples again. */
static void same_ids(const llmc_tokenizer *a, const llmc_tokenizer *b, const char *what)
{
    unsigned i, s;
    for (i = 0; i < SAMPLES; i++)
        for (s = 0; s < 2; s++) {
            const char *x = ids_of(a, samples[i], s == 1, false), *y = ids_of(b, samples[i], s == 1, false);
            CHECKF(strcmp(x, y) == 0, "%s, '%s': %s, expected %s", what, samples[i], y, x);
        }
}

static void expect_open(const opened *o, const char *what)
{
    CHECKF(o->status == LLMC_OK && o->tok != NULL, "%s: %s", what, seen.message);
}

//--[ byte-level BPE in every format ]--
static void test_byte_level(void)
{
    static const parts plain = {NULL, NULL, NULL, NULL, NULL, NULL};
    bytes g = gguf_file(), j = tokenizer_json(&plain, false, false), e = tokenizer_json(&plain, true, true);
    bytes r = rank_file(), l = llmc_file(), m, v = {NULL, 0, 0}, w = {NULL, 0, 0};
    char one[256], two[256];
    llmc_tokenizer_options o;
    llmc_token_name eot;
    llmc_blob pair[3];
    opened a = open_bytes(&g, "g.gguf"), b;
    unsigned i;
    expect_open(&a, "gguf");
    if (a.tok == NULL)
        return;
    CHECK(strcmp(ids_of(a.tok, "the", false, false), "257") == 0);
    b = open_bytes(&j, "x/tokenizer.json");
    expect_open(&b, "tokenizer.json");
    same_ids(a.tok, b.tok, "tokenizer.json");
    CHECK(llmc_tokenizer_count(b.tok) == TOKENS);
    shut(&b);
    b = open_bytes(&j, "no-name"); /* by content */
    expect_open(&b, "tokenizer.json without its name");
    shut(&b);
    b = open_bytes(&e, "tokenizer.json"); /* escaped, pairs, the last id first */
    expect_open(&b, "escaped tokenizer.json");
    same_ids(a.tok, b.tok, "escaped tokenizer.json");
    shut(&b);
    b = open_bytes(&l, "gpt2_tokenizer.bin");
    expect_open(&b, "llm.c");
    same_ids(a.tok, b.tok, "llm.c");
    CHECK(llmc_tokenizer_special(b.tok, LLMC_SPECIAL_EOS) == EOT);
    shut(&b);
    m = mog_file("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| "
                 "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|"
                 "\\s+(?!\\S)|\\s+");
    b = open_bytes(&m, "m.mog");
    expect_open(&b, "mog");
    CHECK(b.tok != NULL && strcmp(ids_of(b.tok, "the you", true, false), "257 268") == 0);
    shut(&b);
    free(m.data);
    m = mog_file("[a-z]+");
    b = open_bytes(&m, "m.mog");
    CHECK(b.status == LLMC_UNSUPPORTED && strstr(seen.message, "[a-z]+") != NULL);
    shut(&b);
    /* ranks: how to cut, and the special token, come from the caller */
    memset(&o, 0, sizeof o);
    pair[0] = blob(&r, "r.tiktoken");
    b = open_files(pair, 1, NULL);
    CHECK(b.status == LLMC_UNSUPPORTED && strstr(seen.message, "270 ranks") != NULL);
    o.pattern = "gpt-2";
    eot.text = "<|endoftext|>";
    eot.id = EOT;
    o.special = &eot;
    o.n_special = 1;
    b = open_files(pair, 1, &o);
    expect_open(&b, "ranks");
    same_ids(a.tok, b.tok, "ranks");
    CHECK(llmc_tokenizer_special(b.tok, LLMC_SPECIAL_EOS) == EOT);
    shut(&b);
    o.pattern = "no-such-name";
    b = open_files(pair, 1, &o);
    CHECK(b.status == LLMC_UNSUPPORTED && strstr(seen.message, "no-such-name") != NULL);
    /* vocab.json and merges.txt; a merge that begins with '#' is one */
    names(&v, false, true, true);
    text(&w, "#version: 0.2\n");
    for (i = 0; i < MERGES; i++)
        text(&w, "%s %s%s\n", spelled(merge[i][0], strlen(merge[i][0]), one),
             spelled(merge[i][1], strlen(merge[i][1]), two), i % 2 == 0 ? "" : "\r");
    pair[0] = blob(&w, "merges.txt");
    pair[1] = blob(&v, "vocab.json");
    b = open_files(pair, 2, NULL);
    expect_open(&b, "vocab.json");
    same_ids(a.tok, b.tok, "vocab.json");
    shut(&b);
    b = open_files(pair + 1, 1, NULL);
    CHECK(b.status == LLMC_BAD_FILE && strstr(seen.message, "merges.txt is missing") != NULL);
    o.pattern = "gpt-2";
    pair[0] = blob(&j, "tokenizer.json");
    b = open_files(pair, 1, &o);
    CHECK(b.status == LLMC_BAD_ARG && strstr(seen.message, "says itself") != NULL);
    shut(&a);
    free(g.data), free(j.data), free(e.data), free(r.data), free(l.data), free(m.data), free(v.data),
        free(w.data);
}

/* nanochat: nine tokens behind the ranks, its pattern cuts numbers by twos. */
static void test_nanochat(void)
{
    bytes r = rank_file();
    llmc_blob f = blob(&r, "tokenizer.ranks");
    llmc_tokenizer_options o;
    opened a;
    memset(&o, 0, sizeof o);
    o.pattern = "nanochat";
    a = open_files(&f, 1, &o);
    expect_open(&a, "nanochat");
    if (a.tok != NULL) {
        CHECK(llmc_tokenizer_count(a.tok) == 279 && llmc_tokenizer_special(a.tok, LLMC_SPECIAL_BOS) == 270);
        CHECK(strcmp(ids_of(a.tok, "<|user_start|>the<|output_end|>", true, false), "271 257 278") == 0);
        CHECK(llmc_tokenizer_adds_bos(a.tok) && !llmc_tokenizer_adds_bos(NULL));
    }
    shut(&a);
    free(r.data);
}

//--[ what tokenizer.json may say ]--
static const char *problem_of(const parts *p)
{
    bytes b = tokenizer_json(p, false, false);
    opened o = open_bytes(&b, "tokenizer.json");
    if (o.status == LLMC_OK)
        seen.message[0] = 0;
    CHECKF(o.status == LLMC_OK || o.status == LLMC_UNSUPPORTED || o.status == LLMC_BAD_FILE, "status %d",
           o.status);
    shut(&o);
    free(b.data);
    return seen.message;
}

/* Each in turn takes the place of a part and must be refused with these words. */
static void test_refused(void)
{
    static const struct {
        const char *word;
        parts p;
    } row[] = {
        {"normalizer 'Magic'", {"{\"type\": \"Magic\"}", 0, 0, 0, 0, 0}},
        {"normalizer 'ByteLevel'", {"{\"type\": \"ByteLevel\"}", 0, 0, 0, 0, 0}},
        {"[0-9]",
         {"{\"type\": \"Replace\", \"pattern\": {\"Regex\": \"[0-9]\"}, \"content\": \"x\"}", 0, 0, 0, 0, 0}},
        {"'Prepend without Replace'",
         {"{\"type\": \"Prepend\", \"prepend\": \"\xe2\x96\x81\"}", 0, 0, 0, 0, 0}},
        {"after U+2581 'NFC'",
         {"{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Replace\", \"pattern\": {\"String\": \" "
          "\"}, "
          "\"content\": \"\xe2\x96\x81\"}, {\"type\": \"NFC\"}]}",
          "null", 0, 0, 0, 0}},
        {"precompiled_charsmap must be base64",
         {"{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"a?b\"}", 0, 0, 0, 0, 0}},
        {"normalizer must be an object", {"[1]", 0, 0, 0, 0, 0}},
        {"pre_tokenizer 'UnicodeScripts'", {0, "{\"type\": \"UnicodeScripts\"}", 0, 0, 0, 0}},
        {"pre_tokenizer's regex '\"a+b\"'",
         {0, "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"a+b\"}, \"behavior\": \"Isolated\"}", 0, 0, 0,
          0}},
        {"behavior",
         {0, "{\"type\": \"Split\", \"pattern\": {\"String\": \"a\"}, \"behavior\": \"Odd\"}", 0, 0, 0, 0}},
        {"after ByteLevel, pre_tokenizer 'Whitespace'",
         {0,
          "{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"ByteLevel\", \"add_prefix_space\": "
          "false}, {\"type\": \"Whitespace\"}]}",
          0, 0, 0, 0}},
        {"ByteLevel after other steps",
         {0,
          "{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Digits\"}, {\"type\": \"ByteLevel\"}]}",
          0, 0, 0, 0}},
        {"Metaspace's replacement", {0, "{\"type\": \"Metaspace\", \"replacement\": \"_\"}", 0, 0, 0, 0}},
        {"Metaspace's prepend_scheme '\"odd\"'",
         {0, "{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"odd\"}", 0,
          0, 0, 0}},
        {"Sequence in Sequence",
         {0,
          "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":"
          "\"Sequence\",\"pretokenizers\":["
          "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Sequence\",\"pretokenizers\":[]}]}]}]}]}",
          0, 0, 0, 0}},
        {"post_processor 'Magic'", {0, 0, "{\"type\": \"Magic\"}", 0, 0, 0}},
        {"special_tokens lacks",
         {0, 0,
          "{\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"<s>\"}}, "
          "{\"Sequence\": {\"id\": \"A\"}}], \"special_tokens\": {}}",
          0, 0, 0}},
        {"template",
         {0, 0,
          "{\"type\": \"TemplateProcessing\", \"single\": [{\"Sequence\": {\"id\": \"B\"}}], "
          "\"special_tokens\": {}}",
          0, 0, 0}},
        {"not in the vocabulary",
         {0, 0, "{\"type\": \"BertProcessing\", \"cls\": [\"a\", 1], \"sep\": [\"b\", 271]}", 0, 0, 0}},
        {"decoder 'CTC'", {0, 0, 0, "{\"type\": \"CTC\"}", 0, 0}},
        {"decoder 'Strip'",
         {0, 0, 0, "{\"type\": \"Strip\", \"content\": \" \", \"start\": 2, \"stop\": 0}", 0, 0}},
        {"dropout", {0, 0, 0, 0, "\"type\": \"BPE\", \"dropout\": 0.1, ", 0}},
        {"end_of_word_suffix", {0, 0, 0, 0, "\"type\": \"BPE\", \"end_of_word_suffix\": \"</w>\", ", 0}},
        {"continuing_subword_prefix",
         {0, 0, 0, 0, "\"type\": \"BPE\", \"continuing_subword_prefix\": \"##\", ", 0}},
        {"model of type '\"Other\"'", {0, 0, 0, 0, "\"type\": \"Other\", ", 0}},
        {"byte_fallback", {0, 0, 0, 0, "\"type\": \"BPE\", \"byte_fallback\": true, ", 0}},
        {"model.vocab must be an array", {0, 0, 0, 0, "\"type\": \"Unigram\", ", 0}},
        {"model.unk_token", {0, 0, 0, 0, "\"type\": \"WordPiece\", \"unk_token\": \"[UNK]\", ", 0}},
        {"max_input_chars_per_word",
         {0, 0, 0, 0, "\"type\": \"WordPiece\", \"unk_token\": \"a\", \"max_input_chars_per_word\": 0, ", 0}},
        {"added_tokens", {0, 0, 0, 0, 0, "{\"a\": 1}"}},
        {"entry 0", {0, 0, 0, 0, 0, "[{\"id\": -1, \"content\": \"x\"}]"}},
        {"entry 0", {0, 0, 0, 0, 0, "[{\"content\": \"x\"}]"}},
        {"entry 0", {0, 0, 0, 0, 0, "[7]"}},
        {"highest id is 9999999", {0, 0, 0, 0, 0, "[{\"id\": 9999999, \"content\": \"x\"}]"}},
    };
    unsigned i;
    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        const char *got = problem_of(&row[i].p);
        CHECKF(strstr(got, row[i].word) != NULL && strstr(got, "tokenizer.json") != NULL,
               "row %u: '%s' does not say '%s'", i, got, row[i].word);
    }
}

/* What the description says of a tokenizer.json. */
static llmc__vocab described(const parts *p)
{
    static bytes b; /* v points into it; one at a time */
    llmc__vocab v;
    llmc_blob f;
    llmc_status status;
    free(b.data);
    b = tokenizer_json(p, false, false);
    f = blob(&b, "tokenizer.json");
    memset(&seen, 0, sizeof seen);
    status = llmc__vocab_hf(&v, &f, &seen);
    CHECKF(status == LLMC_OK, "%s", seen.message);
    if (p->pre == NULL && p->normalizer == NULL && p->model == NULL && p->post == NULL) {
        free(b.data);
        b.data = NULL;
    }
    return v;
}

static bool step_is(const llmc__vocab *v, unsigned i, unsigned pattern, llmc__behaviour behaviour,
                    bool invert)
{
    return i < v->n_split && v->split[i].pattern == pattern && v->split[i].behaviour == behaviour &&
           v->split[i].invert == invert;
}

static void test_described(void)
{
    static const parts qwen = {
        "{\"type\": \"NFC\"}",
        "{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": "
        "\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
        "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}| "
        "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"}, "
        "\"behavior\": \"Isolated\", \"invert\": false}, {\"type\": \"ByteLevel\", \"add_prefix_space\": "
        "false, \"use_regex\": false}]}",
        "{\"type\": \"ByteLevel\"}",
        NULL,
        "\"type\": \"BPE\", \"ignore_merges\": true, ",
        NULL};
    static const parts llama = {"{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Prepend\", "
                                "\"prepend\": \"\xe2\x96\x81\"}, {\"type\": \"Replace\", "
                                "\"pattern\": {\"String\": \" \"}, \"content\": \"\xe2\x96\x81\"}]}",
                                "null",
                                "{\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": "
                                "\"<s>\", \"type_id\": 0}}, {\"Sequence\": "
                                "{\"id\": \"A\", \"type_id\": 0}}, {\"SpecialToken\": {\"id\": \"x\"}}], "
                                "\"special_tokens\": {\"<s>\": {\"ids\": [270]}, \"x\": {\"ids\": [3, 4]}}}",
                                "{\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Replace\", "
                                "\"pattern\": {\"String\": \"\xe2\x96\x81\"}, \"content\": \" \"}, "
                                "{\"type\": \"ByteFallback\"}, {\"type\": \"Fuse\"}, {\"type\": \"Strip\", "
                                "\"content\": \" \", \"start\": 1, \"stop\": 0}]}",
                                "\"type\": \"BPE\", \"byte_fallback\": true, \"fuse_unk\": true, ",
                                NULL};
    static const parts bert = {
        "{\"type\": \"BertNormalizer\", \"clean_text\": true, \"handle_chinese_chars\": true, "
        "\"strip_accents\": null, "
        "\"lowercase\": false}",
        "{\"type\": \"BertPreTokenizer\"}",
        "{\"type\": \"RobertaProcessing\", \"sep\": [\"b\", 98], \"cls\": [\"a\", 97]}",
        "{\"type\": \"WordPiece\", \"prefix\": \"##\", \"cleanup\": true}",
        "\"type\": \"WordPiece\", \"unk_token\": \"a\", \"continuing_subword_prefix\": \"@@\", "
        "\"max_input_chars_per_word\": 7, ",
        NULL};
    static const parts t5 = {
        "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"BAAAAAAAAAAA\"}",
        "{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"WhitespaceSplit\"}, {\"type\": "
        "\"Metaspace\", "
        "\"replacement\": \"\xe2\x96\x81\", \"add_prefix_space\": true}]}",
        NULL,
        "{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"add_prefix_space\": true}",
        NULL,
        NULL};
    static const parts words = {"{\"type\": \"Lowercase\"}",
                                "{\"type\": \"Whitespace\"}",
                                NULL,
                                "null",
                                "\"type\": \"WordLevel\", \"unk_token\": \"a\", ",
                                NULL};
    static const parts many = {"{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Strip\", "
                               "\"strip_left\": false, \"strip_right\": true}, {\"type\": \"Replace\", "
                               "\"pattern\": {\"Regex\": \" {2,}\"}, \"content\": \" \"}, {\"type\": "
                               "\"Replace\", \"pattern\": {\"String\": \"``\"}, \"content\": \"\"}]}",
                               "{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Sequence\", "
                               "\"pretokenizers\": [{\"type\": \"Digits\", \"individual_digits\": true}, "
                               "{\"type\": \"Punctuation\", \"behavior\": \"Contiguous\"}]}, {\"type\": "
                               "\"CharDelimiterSplit\", \"delimiter\": \"|\"}, {\"type\": \"Metaspace\", "
                               "\"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"never\"}]}",
                               NULL,
                               NULL,
                               NULL,
                               NULL};
    llmc__vocab v = described(&qwen);
    CHECK(v.kind == LLMC__VOCAB_BPE && v.alphabet == LLMC__ALPHABET_BYTES && v.ignore_merges &&
          v.n_normal == 1);
    CHECK(v.normal[0].kind == LLMC__NORMAL_NFC && v.n_split == 1 &&
          step_is(&v, 0, LLMC__PAT_QWEN2, LLMC__ISOLATED, false));
    CHECK(v.prefix == LLMC__PREFIX_NONE && !v.add_bos && v.decoding == LLMC__DECODE_JOIN && !v.drop_space);
    v = described(&llama);
    CHECK(v.alphabet == LLMC__ALPHABET_MARK && v.prefix == LLMC__PREFIX_ALWAYS && v.n_normal == 0 &&
          v.n_split == 0);
    CHECK(v.byte_fallback && v.fuse_unk && v.drop_space && v.add_bos && v.add_eos && v.n_before == 1 &&
          v.before[0] == 270);
    CHECK(v.n_after == 2 && v.after[0] == 3 && v.after[1] == 4);
    v = described(&bert);
    CHECK(v.kind == LLMC__VOCAB_WORDPIECE && v.max_piece == 7 && strcmp(v.piece_prefix, "@@") == 0 &&
          v.cleanup);
    CHECK(v.normal[0].a && v.normal[0].b && !v.normal[0].c && !v.normal[0].d &&
          v.special[LLMC_SPECIAL_UNK] == 97);
    CHECK(v.n_split == 2 && step_is(&v, 0, LLMC__PAT_SPACES, LLMC__REMOVED, false) &&
          step_is(&v, 1, LLMC__PAT_PUNCT, LLMC__ISOLATED, false));
    CHECK(v.before[0] == 97 && v.after[0] == 98 && v.decoding == LLMC__DECODE_WORDPIECE);
    v = described(&t5);
    CHECK(v.prefix == LLMC__PREFIX_PIECES && v.alphabet == LLMC__ALPHABET_MARK && v.n_split == 1 &&
          v.drop_space);
    CHECK(v.n_normal == 1 && v.normal[0].kind == LLMC__NORMAL_PRECOMPILED && v.normal[0].a &&
          v.normal[0].blob_len == 12);
    v = described(&words);
    CHECK(v.kind == LLMC__VOCAB_WORDS && v.decoding == LLMC__DECODE_WORDS &&
          step_is(&v, 0, LLMC__PAT_WORDS, LLMC__REMOVED, true));
    v = described(&many);
    CHECK(v.n_normal == 3 && v.normal[0].kind == LLMC__NORMAL_STRIP && !v.normal[0].a && v.normal[0].b);
    CHECK(v.normal[1].kind == LLMC__NORMAL_COLLAPSE && v.normal[2].from_len == 2 && v.normal[2].to_len == 0);
    CHECK(v.n_split == 4 && step_is(&v, 0, LLMC__PAT_DIGIT, LLMC__ISOLATED, false) &&
          step_is(&v, 1, LLMC__PAT_PUNCT, LLMC__CONTIGUOUS, false));
    CHECK(step_is(&v, 2, LLMC__PAT_TEXT, LLMC__REMOVED, false) && v.split[2].text[0] == '|' &&
          v.prefix == LLMC__PREFIX_NONE);
    CHECK(step_is(&v, 3, LLMC__PAT_TEXT, LLMC__MERGED_NEXT, false) && v.split[3].text_len == 3);
}

/* Added tokens: kinds, flags, ids that come again, holes. */
static void test_added(void)
{
    static const parts p = {NULL,
                            NULL,
                            NULL,
                            NULL,
                            NULL,
                            "[{\"id\": 65, \"content\": \"A\", \"lstrip\": true, \"single_word\": true, "
                            "\"normalized\": false, \"special\": false},"
                            " {\"id\": 280, \"content\": \"\\u003cx\\ud83d\\ude00>\", \"rstrip\": true, "
                            "\"normalized\": true, \"special\": true}]"};
    bytes b = tokenizer_json(&p, false, false);
    opened o = open_bytes(&b, "tokenizer.json");
    llmc_token_info k;
    expect_open(&o, "added");
    if (o.tok != NULL) {
        CHECK(llmc_tokenizer_count(o.tok) == 281);
        CHECK(llmc_token_get(o.tok, 65, &k) == LLMC_OK && k.kind == LLMC_TOKEN_USER);
        CHECK(llmc_token_get(o.tok, 280, &k) == LLMC_OK && k.kind == LLMC_TOKEN_CONTROL && k.text_len == 7 &&
              memcmp(k.text, "<x\xf0\x9f\x98\x80>", 7) == 0);
        CHECK(llmc_token_get(o.tok, 275, &k) == LLMC_OK && k.text_len == 0); /* a hole */
        CHECK(strcmp(ids_of(o.tok, "<x\xf0\x9f\x98\x80>the", true, false), "280 257") == 0);
    }
    shut(&o);
    free(b.data);
}

//--[ SentencePiece ]--
static void varint(bytes *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        put_int(b, (v & 0x7f) | 0x80, 1);
    put_int(b, v, 1);
}

static void field_bytes(bytes *b, unsigned number, const void *p, size_t n)
{
    varint(b, number << 3 | 2);
    varint(b, n);
    put(b, p, n);
}

static void field_int(bytes *b, unsigned number, uint64_t v)
{
    varint(b, number << 3);
    varint(b, v);
}

static void piece(bytes *b, const char *s, float score, unsigned type)
{
    bytes p = {NULL, 0, 0};
    field_bytes(&p, 1, s, strlen(s));
    varint(&p, 2 << 3 | 5);
    put_f32(&p, score);
    if (type != 1)
        field_int(&p, 3, type);
    field_bytes(b, 1, p.data, p.size);
    free(p.data);
}

/* A model of this type; remove: remove_extra_whitespaces. */
static bytes proto_file(unsigned type, bool remove, unsigned extra_field, uint64_t extra_value)
{
    static const char *const s[] = {"\xe2\x96\x81",
                                    "a",
                                    "b",
                                    "ab",
                                    "\xe2\x96\x81"
                                    "ab",
                                    "c"};
    bytes b = {NULL, 0, 0}, t = {NULL, 0, 0}, n = {NULL, 0, 0};
    unsigned i;
    piece(&b, "<unk>", 0, 2);
    piece(&b, "<s>", 0, 3);
    piece(&b, "</s>", 0, 3);
    piece(&b, "<user>", 0, 4);
    for (i = 0; i < 6; i++)
        piece(&b, s[i], type == 2 ? (i == 3 ? -1.0f : i == 4 ? -2.0f : -9.0f) : -1.0f - (float)i / 8, 1);
    field_int(&t, 3, type);
    if (extra_field != 0)
        field_int(&t, extra_field, extra_value);
    field_bytes(&b, 2, t.data, t.size);
    field_bytes(&n, 1, "identity", 8);
    field_int(&n, 4, remove);
    field_bytes(&b, 3, n.data, n.size);
    free(t.data);
    free(n.data);
    return b;
}

static void test_sentencepiece(void)
{
    bytes b = proto_file(2, false, 0, 0), d = {NULL, 0, 0};
    opened o = open_bytes(&b, "x");
    expect_open(&o, "bpe");
    if (o.tok != NULL) {
        CHECK(llmc_tokenizer_adds_bos(o.tok) && llmc_tokenizer_special(o.tok, LLMC_SPECIAL_BOS) == 1);
        CHECK(strcmp(ids_of(o.tok, "ab ab", false, false), "8 8") == 0);
        CHECK(strcmp(ids_of(o.tok, "ab<user>c", false, false), "8 3 9") == 0);
        CHECK(strcmp(ids_of(o.tok, "  ab", false, false), "4 4 8") == 0);
    }
    shut(&o);
    free(b.data);
    b = proto_file(1, true, 0, 0);
    o = open_bytes(&b, "tokenizer.model");
    expect_open(&o, "unigram");
    if (o.tok != NULL) {
        CHECK(!llmc_tokenizer_adds_bos(o.tok));
        CHECK(strcmp(ids_of(o.tok, "  ab   ab ", false, false), "8 8") == 0);
        CHECK(strcmp(ids_of(o.tok, "ab??c", false, false), "8 0 9") == 0);
    }
    shut(&o);
    free(b.data);
    b = proto_file(7, true, 0, 0);
    o = open_bytes(&b, "tokenizer.model");
    CHECK(o.status == LLMC_UNSUPPORTED && strstr(seen.message, "model_type 7") != NULL);
    free(b.data);
    b = proto_file(1, true, 24, 1);
    o = open_bytes(&b, "tokenizer.model");
    CHECK(o.status == LLMC_UNSUPPORTED && strstr(seen.message, "treat_whitespace_as_suffix") != NULL);
    field_bytes(&d, 2, "x", 1);
    field_bytes(&b, 5, d.data, d.size);
    o = open_bytes(&b, "tokenizer.model");
    CHECK(o.status == LLMC_UNSUPPORTED && strstr(seen.message, "denormalizer_spec") != NULL);
    free(b.data);
    free(d.data);
}

//--[ word lists, and what stands beside a vocabulary ]--
static void test_bert(void)
{
    static const char list[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhe\n##llo\nworld\n,\n\xe4\xb8\xad\n";
    static const char cased[] = "{\"do_lower_case\": false, \"tokenizer_class\": \"BertTokenizer\"}";
    llmc_blob f[2];
    opened o;
    f[0].data = list;
    f[0].size = sizeof list - 1;
    f[0].name = "vocab.txt";
    f[1].data = cased;
    f[1].size = sizeof cased - 1;
    f[1].name = "tokenizer_config.json";
    o = open_files(f, 1, NULL);
    expect_open(&o, "vocab.txt");
    if (o.tok != NULL) {
        CHECK(strcmp(ids_of(o.tok, "Hello, World", false, true), "2 4 5 7 6 3") == 0);
        CHECK(strcmp(ids_of(o.tok, "hex \xe4\xb8\xad\xe4\xb8\xad", false, false), "1 8 8") == 0);
    }
    shut(&o);
    o = open_files(f, 2, NULL);
    expect_open(&o, "cased vocab.txt");
    if (o.tok != NULL)
        CHECK(strcmp(ids_of(o.tok, "Hello, world", false, false), "1 7 6") == 0);
    shut(&o);
}

/* special_tokens_map.json, tokenizer_config.json, added_tokens.json. */
static void test_beside(void)
{
    static const parts plain = {NULL, NULL, NULL, NULL, NULL, NULL};
    static const char config[] = "{\"bos_token\": {\"content\": \"<|endoftext|>\"}, \"eos_token\": "
                                 "\"<|endoftext|>\", \"pad_token\": null, "
                                 "\"add_bos_token\": true, \"unk_token\": \"nothing\"}";
    static const char map[] = "{\"pad_token\": \"a\"}";
    static const char more[] = "{\"<tool>\": 271}";
    static const char classes[] = "{\"tokenizer_class\": \"CLIPTokenizer\"}";
    bytes j = tokenizer_json(&plain, false, false), v = {NULL, 0, 0}, b = proto_file(1, true, 0, 0);
    static const char merges[] = "t h\nth e\n";
    static const char xlmr[] = "{\"tokenizer_class\": \"XLMRobertaTokenizer\"}";
    llmc_blob f[4];
    opened o;
    memset(f, 0, sizeof f);
    f[0] = blob(&j, "d/tokenizer.json");
    f[1].data = config;
    f[1].size = sizeof config - 1;
    f[1].name = "d/tokenizer_config.json";
    f[2].data = map;
    f[2].size = sizeof map - 1;
    f[2].name = "d/special_tokens_map.json";
    o = open_files(f, 3, NULL);
    expect_open(&o, "beside");
    if (o.tok != NULL) {
        CHECK(llmc_tokenizer_special(o.tok, LLMC_SPECIAL_BOS) == EOT &&
              llmc_tokenizer_special(o.tok, LLMC_SPECIAL_EOS) == EOT);
        CHECK(llmc_tokenizer_special(o.tok, LLMC_SPECIAL_PAD) == 97 &&
              llmc_tokenizer_special(o.tok, LLMC_SPECIAL_UNK) == LLMC_TOKEN_NONE);
        CHECK(llmc_tokenizer_adds_bos(o.tok) &&
              strcmp(ids_of(o.tok, "the", false, true), "270 257 270") == 0);
    }
    shut(&o);
    names(&v, false, false, true);
    f[0] = blob(&v, "vocab.json");
    f[1].data = merges;
    f[1].size = sizeof merges - 1;
    f[1].name = "merges.txt";
    f[2].data = more;
    f[2].size = sizeof more - 1;
    f[2].name = "added_tokens.json";
    o = open_files(f, 3, NULL);
    expect_open(&o, "added_tokens.json");
    if (o.tok != NULL)
        CHECK(llmc_tokenizer_count(o.tok) == 272 &&
              strcmp(ids_of(o.tok, "the<tool>", false, false), "257 271") == 0);
    shut(&o);
    f[3].data = classes;
    f[3].size = sizeof classes - 1;
    f[3].name = "tokenizer_config.json";
    o = open_files(f, 4, NULL);
    CHECK(o.status == LLMC_UNSUPPORTED && strstr(seen.message, "CLIPTokenizer") != NULL);
    f[0] = blob(&b, "tokenizer.model");
    f[1].data = xlmr;
    f[1].size = sizeof xlmr - 1;
    f[1].name = "tokenizer_config.json";
    o = open_files(f, 2, NULL);
    CHECK(o.status == LLMC_UNSUPPORTED && strstr(seen.message, "XLMRobertaTokenizer") != NULL);
    free(j.data), free(v.data), free(b.data);
}

//--[ makers' folders ]--
/* A safetensors Llama of one layer and `rows` tokens. */
static bytes safetensors_file(unsigned rows)
{
    static const struct {
        const char *name;
        unsigned dim[2];
    } t[] = {{"model.embed_tokens.weight", {0, 8}},
             {"model.layers.0.input_layernorm.weight", {8, 0}},
             {"model.layers.0.post_attention_layernorm.weight", {8, 0}},
             {"model.layers.0.self_attn.q_proj.weight", {8, 8}},
             {"model.layers.0.self_attn.k_proj.weight", {8, 8}},
             {"model.layers.0.self_attn.v_proj.weight", {8, 8}},
             {"model.layers.0.self_attn.o_proj.weight", {8, 8}},
             {"model.layers.0.mlp.gate_proj.weight", {8, 8}},
             {"model.layers.0.mlp.up_proj.weight", {8, 8}},
             {"model.layers.0.mlp.down_proj.weight", {8, 8}},
             {"model.norm.weight", {8, 0}}};
    bytes h = {NULL, 0, 0}, b = {NULL, 0, 0};
    size_t at = 0, i;
    text(&h, "{");
    for (i = 0; i < sizeof t / sizeof t[0]; i++) {
        unsigned a = t[i].dim[0] == 0 ? rows : t[i].dim[0], c = t[i].dim[1];
        size_t n = (size_t)a * (c == 0 ? 1 : c) * 4;
        text(&h, "%s\"%s\": {\"dtype\": \"F32\", \"shape\": ", i > 0 ? ", " : "", t[i].name);
        if (c == 0)
            text(&h, "[%u]", a);
        else
            text(&h, "[%u, %u]", a, c);
        text(&h, ", \"data_offsets\": [%zu, %zu]}", at, at + n);
        at += n;
    }
    text(&h, "}");
    put_int(&b, h.size, 8);
    put(&b, h.data, h.size);
    for (i = 0; i < at / 4; i++)
        put_f32(&b, 0.01f);
    free(h.data);
    return b;
}

static const char llama_config[] =
    "{\"model_type\": \"llama\", \"hidden_size\": 8, \"intermediate_size\": 8, \"num_attention_heads\": 2, "
    "\"num_hidden_layers\": 1, \"num_key_value_heads\": 2, \"vocab_size\": %u, \"max_position_embeddings\": "
    "32, "
    "\"rms_norm_eps\": 1e-5, \"rope_theta\": 10000.0, \"tie_word_embeddings\": true, \"hidden_act\": "
    "\"silu\"}";

static bytes folder_weights, folder_config; /* of the folder opened last */

/* Opens a folder of `rows` tokens with this tokenizer and files beside it; the model in *mem. */
static llmc_model *open_named(unsigned rows, const bytes *tokenizer, const char *name,
                              const llmc_blob *beside, size_t n, void **mem)
{
    llmc_blob f[8];
    llmc_model *m = NULL;
    size_t need, i;
    free(folder_weights.data);
    folder_weights = safetensors_file(rows);
    folder_config.size = 0;
    text(&folder_config, llama_config, rows);
    f[0] = blob(&folder_weights, "d/model.safetensors");
    f[1] = blob(&folder_config, "d/config.json");
    f[2] = blob(tokenizer, name);
    for (i = 0; i < n; i++)
        f[3 + i] = beside[i];
    memset(&seen, 0, sizeof seen);
    *mem = NULL;
    if (llmc_model_need(f, 3 + n, NULL, &need, &seen) == LLMC_OK) {
        *mem = malloc(need);
        llmc_model_init(&m, f, 3 + n, NULL, *mem, need, &seen);
    }
    return m;
}

static llmc_model *open_folder(unsigned rows, const bytes *tokenizer, const llmc_blob *beside, size_t n,
                               void **mem)
{
    return open_named(rows, tokenizer, "d/tokenizer.json", beside, n, mem);
}

static void test_folder(void)
{
    static const parts plain = {NULL, NULL, NULL, NULL, NULL, NULL};
    static const parts more = {NULL,
                               NULL,
                               NULL,
                               NULL,
                               NULL,
                               "[{\"id\": 270, \"content\": \"<|endoftext|>\", \"special\": true}, {\"id\": "
                               "271, \"content\": \"<far>\", \"special\": true}]"};
    static const char one[] = "{\"chat_template\": \"{{ \\\"h\\u00e9\\\" }}\\n\"}";
    static const char several[] = "{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"T\"}, "
                                  "{\"name\": \"default\", \"template\": \"D\"}]}";
    static const char jinja[] = "from a file";
    bytes j = tokenizer_json(&plain, false, false), k = tokenizer_json(&more, false, false);
    llmc_blob beside[2];
    const char *t;
    char out[64];
    llmc_token id = 300;
    size_t len = 9;
    void *mem;
    llmc_model *m = open_folder(320, &j, NULL, 0, &mem);
    if (CHECKF(m != NULL, "padded: %s", seen.message)) {
        const llmc_tokenizer *tok = llmc_model_tokenizer(m);
        CHECK(tok != NULL && llmc_tokenizer_count(tok) == 320 && llmc_model_chat_template(m, &len) == NULL &&
              len == 0);
        CHECK(llmc_decode(tok, &id, 1, NULL, out, sizeof out, &len, NULL) == LLMC_OK &&
              len == 0); /* padding has no text */
    }
    free(mem);
    m = open_folder(270, &k, NULL, 0, &mem); /* added tokens without a row are left out */
    if (CHECKF(m != NULL, "beyond: %s", seen.message)) {
        const llmc_tokenizer *tok = llmc_model_tokenizer(m);
        CHECK(tok != NULL && llmc_tokenizer_count(tok) == 270 &&
              strstr(ids_of(tok, "<far>", true, false), "271") == NULL);
    }
    free(mem);
    m = open_folder(260, &j, NULL, 0, &mem);
    CHECK(m == NULL && strstr(seen.message, "271 tokens") != NULL &&
          strstr(seen.message, "260 rows") != NULL);
    free(mem);
    memset(beside, 0, sizeof beside);
    beside[0].data = one;
    beside[0].size = sizeof one - 1;
    beside[0].name = "d/tokenizer_config.json";
    m = open_folder(271, &j, beside, 1, &mem);
    if (CHECKF(m != NULL, "template: %s", seen.message)) {
        t = llmc_model_chat_template(m, &len);
        CHECK(t != NULL && len == 12 && memcmp(t, "{{ \"h\xc3\xa9\" }}\n", 12) == 0);
    }
    free(mem);
    beside[0].data = several;
    beside[0].size = sizeof several - 1;
    m = open_folder(271, &j, beside, 1, &mem);
    if (CHECKF(m != NULL, "templates: %s", seen.message)) {
        t = llmc_model_chat_template(m, &len);
        CHECK(t != NULL && len == 1 && t[0] == 'D');
    }
    free(mem);
    beside[1].data = jinja;
    beside[1].size = sizeof jinja - 1;
    beside[1].name = "d/chat_template.jinja";
    m = open_folder(271, &j, beside, 2, &mem);
    if (CHECKF(m != NULL, "jinja: %s", seen.message))
        CHECK(llmc_model_chat_template(m, &len) == jinja && len == sizeof jinja - 1);
    free(mem);
    free(j.data), free(k.data);
}

//--[ torchless: characters joined by merges ]--
static const char *const letters[] = {"<unk>",
                                      "<s>",
                                      "</s>",
                                      "\xe2\x96\x81",
                                      "a",
                                      "b",
                                      "ab",
                                      "\xe2\x96\x81"
                                      "ab",
                                      "\xf0\x9f\x98\x80",
                                      "<0xC3>",
                                      "<0xA9>",
                                      "\"",
                                      "\\"};
enum { LETTERS = sizeof letters / sizeof letters[0] };

/* "vocab" and "merges" of it, as strings or as pairs. */
static void letters_json(bytes *b, bool pairs)
{
    unsigned i;
    text(b, "\"vocab\": {");
    for (i = 0; i < LETTERS; i++) {
        json_string(b, letters[i], false);
        text(b, ": %u%s", i, i + 1 < LETTERS ? ", " : "");
    }
    text(b, pairs ? "}, \"merges\": [[\"a\", \"b\"], [\"\xe2\x96\x81\", \"ab\"]]"
                  : "}, \"merges\": [\"a b\", \"\xe2\x96\x81 ab\"]");
}

/* A .bin whose header holds a tokenizer and no tensors. */
static bytes torchless_file(bool pairs)
{
    bytes h = {NULL, 0, 0}, b = {NULL, 0, 0};
    text(&h, "{\"metadata\": {\"hidden_size\": \"8\"}, \"tokenizer\": {");
    letters_json(&h, pairs);
    text(&h, "}, \"tensors\": {}}");
    put_int(&b, h.size, 8);
    put(&b, h.data, h.size);
    free(h.data);
    return b;
}

static bytes mog1_file(void)
{
    bytes b = {NULL, 0, 0}, h = {NULL, 0, 0};
    unsigned i;
    put_text32(&h, "Mistral");
    put_int(&h, 0, 4);
    put_int(&h, LETTERS, 4);
    for (i = LETTERS; i > 0; i--) { /* ids in any order */
        put_text32(&h, letters[i - 1]);
        put_int(&h, i - 1, 4);
    }
    put_int(&h, 2, 4);
    put_text32(&h, "a b");
    put_text32(&h, "\xe2\x96\x81 ab");
    put_int(&h, 0, 4);
    put(&b, "MOG", 4);
    put_int(&b, 1, 4);
    put_int(&b, h.size, 8);
    put(&b, h.data, h.size);
    free(h.data);
    return b;
}

/* The same as Hugging Face's Llamas have it. */
static bytes letters_file(void)
{
    bytes b = {NULL, 0, 0};
    text(&b, "{\"added_tokens\": [{\"id\": 1, \"content\": \"<s>\", \"special\": true}, {\"id\": 2, "
             "\"content\": \"</s>\", \"special\": true}], "
             "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Prepend\", "
             "\"prepend\": \"\xe2\x96\x81\"}, {\"type\": \"Replace\", "
             "\"pattern\": {\"String\": \" \"}, \"content\": \"\xe2\x96\x81\"}]}, \"pre_tokenizer\": null, "
             "\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": "
             "{\"id\": \"<s>\"}}, {\"Sequence\": {\"id\": \"A\"}}], "
             "\"special_tokens\": {\"<s>\": {\"ids\": [1]}}}, \"decoder\": {\"type\": \"Sequence\", "
             "\"decoders\": [{\"type\": \"ByteFallback\"}, "
             "{\"type\": \"Fuse\"}, {\"type\": \"Strip\", \"content\": \" \", \"start\": 1, \"stop\": 0}]}, "
             "\"model\": {\"type\": \"BPE\", \"byte_fallback\": true, \"fuse_unk\": true, \"unk_token\": "
             "\"<unk>\", ");
    letters_json(&b, false);
    text(&b, "}}");
    return b;
}

static void test_torchless(void)
{
    static const char *const s[] = {"ab", " ab a  b", "\xf0\x9f\x98\x80", "caf\xc3\xa9", "</s>ab", "\"\\"};
    static const char *const want[] = {"1 7", "1 3 7 3 4 3 3 5", "1 3 8", "1 3 0 4 0 9 10",
                                       NULL,  "1 3 11 12"};
    bytes b[4];
    opened o[4];
    unsigned i, k;
    b[0] = torchless_file(false);
    b[1] = torchless_file(true);
    b[2] = mog1_file();
    b[3] = letters_file();
    for (i = 0; i < 4; i++) {
        o[i] = open_bytes(&b[i], i == 3 ? "tokenizer.json" : "model.bin");
        expect_open(&o[i], "letters");
        for (k = 0; k < 6 && o[i].tok != NULL && o[0].tok != NULL; k++) {
            const char *x = ids_of(o[0].tok, s[k], false, true), *y = ids_of(o[i].tok, s[k], false, true);
            size_t n = want[k] == NULL ? 0 : strlen(want[k]);
            CHECKF(strcmp(x, y) == 0 || i == 3, "%u: '%s': %s, expected %s", i, s[k], y, x);
            CHECKF(strncmp(y, n > 0 ? want[k] : "", n) == 0, "%u: '%s': %s, expected %s", i, s[k], y,
                   want[k]);
        }
    }
    for (i = 0; i < 4; i++) {
        shut(&o[i]);
        free(b[i].data);
    }
}

//--[ saving ]--
static bool keep(void *user, const void *data, size_t n)
{
    put((bytes *)user, data, n);
    return true;
}

static unsigned warnings;

static void count_warning(void *user, llmc_log_level level, const char *tag, const char *message)
{
    (void)user, (void)tag, (void)message;
    warnings += level == LLMC_LOG_WARN;
}

/* Saves a model; its bytes. */
static bytes saved_as(const llmc_model *m, llmc_save_format format)
{
    bytes out = {NULL, 0, 0};
    llmc_save_options o;
    llmc_writer w;
    size_t need = llmc_model_save_need(m);
    void *work = malloc(need);
    memset(&o, 0, sizeof o);
    memset(&w, 0, sizeof w);
    o.format = format;
    o.type = LLMC_F32;
    o.log.fn = count_warning;
    o.log.level = LLMC_LOG_WARN;
    w.write = keep;
    w.user = &out;
    warnings = 0;
    CHECKF(llmc_model_save(m, &o, &w, work, need, &seen) == LLMC_OK, "%s", seen.message);
    free(work);
    return out;
}

static bytes saved(const llmc_model *m)
{
    return saved_as(m, LLMC_SAVE_GGUF);
}

/* A folder's tokenizer, saved in a GGUF and read again, gives the same ids. */
static void saved_ids(unsigned rows, const bytes *tokenizer, const char *name, const llmc_blob *beside,
                      size_t n)
{
    static const char *const more[] = {"Hello, World \xe4\xb8\xad", "ab<user> c  ab",
                                       "e\xcc\x81 caf\xc3\xa9  <t>  x"};
    void *mem;
    bytes g;
    opened again;
    unsigned i;
    llmc_model *m = open_named(rows, tokenizer, name, beside, n, &mem);
    if (!CHECKF(m != NULL, "%s: %s", name, seen.message))
        return;
    g = saved(m);
    CHECKF(warnings == 0, "%s: a warning", name);
    again = open_bytes(&g, "saved.gguf");
    expect_open(&again, name);
    if (again.tok != NULL) {
        if (strstr(name, ".txt") == NULL) /* in a GGUF of BERT's U+2581 in text is a space */
            same_ids(llmc_model_tokenizer(m), again.tok, name);
        for (i = 0; i < 3; i++) {
            const char *x = ids_of(llmc_model_tokenizer(m), more[i], true, true),
                       *y = ids_of(again.tok, more[i], true, true);
            CHECKF(strcmp(x, y) == 0, "%s: '%s': %s, saved: %s", name, more[i], x, y);
        }
    }
    shut(&again);
    free(g.data);
    free(mem);
}

static void test_save(void)
{
    static const parts nfc = {"{\"type\": \"NFC\"}",
                              NULL,
                              NULL,
                              NULL,
                              NULL,
                              "[{\"id\": 270, \"content\": \"<|endoftext|>\", \"special\": true}, {\"id\": "
                              "271, \"content\": \"<t>\", "
                              "\"lstrip\": true, \"rstrip\": true, \"special\": true}]"};
    static const parts words = {
        NULL, "{\"type\": \"Whitespace\"}", NULL, "null", "\"type\": \"WordLevel\", \"unk_token\": \"a\", ",
        NULL};
    static const char list[] =
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhe\n##llo\nworld\n,\n\xe4\xb8\xad\nth\n##e\nyou\n";
    static const char config[] = "{\"chat_template\": \"T\\n\", \"eos_token\": \"<|endoftext|>\"}";
    bytes j = tokenizer_json(&nfc, true, true), b = proto_file(2, false, 35, 1),
          u = proto_file(1, true, 0, 0), v = {NULL, 0, 0};
    bytes k = tokenizer_json(&words, false, false), g;
    llmc_blob beside;
    llmc_model *m, *again = NULL;
    size_t need = 0, len = 0;
    void *mem, *more;
    beside.data = config;
    beside.size = sizeof config - 1;
    beside.name = "d/tokenizer_config.json";
    put(&v, list, sizeof list - 1);
    saved_ids(280, &j, "d/tokenizer.json", &beside, 1);
    saved_ids(10, &b, "d/tokenizer.model", NULL, 0);
    saved_ids(10, &u, "d/tokenizer.model", NULL, 0);
    saved_ids(12, &v, "d/vocab.txt", NULL, 0);
    /* the chat template goes along */
    m = open_folder(280, &j, &beside, 1, &mem);
    g = saved(m);
    beside = blob(&g, "saved.gguf");
    CHECK(llmc_model_need(&beside, 1, NULL, &need, &seen) == LLMC_OK);
    more = malloc(need);
    CHECKF(llmc_model_init(&again, &beside, 1, NULL, more, need, &seen) == LLMC_OK, "%s", seen.message);
    CHECK(again != NULL && llmc_model_chat_template(again, &len) != NULL && len == 2);
    CHECK(again != NULL && llmc_tokenizer_special(llmc_model_tokenizer(again), LLMC_SPECIAL_EOS) == 270);
    free(more), free(mem), free(g.data);
    m = open_folder(271, &k, NULL, 0, &mem); /* what a GGUF cannot hold is left out, and said */
    if (CHECKF(m != NULL, "%s", seen.message)) {
        g = saved(m);
        CHECK(warnings == 1);
        free(g.data);
    }
    free(mem);
    free(j.data), free(b.data), free(u.data), free(v.data), free(k.data);
    k = letters_file(); /* which torchless can hold */
    m = open_folder(LETTERS, &k, NULL, 0, &mem);
    if (CHECKF(m != NULL, "%s", seen.message)) {
        opened t;
        g = saved_as(m, LLMC_SAVE_TORCHLESS);
        CHECK(warnings == 0);
        t = open_bytes(&g, "model.bin");
        expect_open(&t, "torchless");
        if (t.tok != NULL)
            CHECK(strcmp(ids_of(t.tok, "ab \xf0\x9f\x98\x80\"", true, false),
                         ids_of(llmc_model_tokenizer(m), "ab \xf0\x9f\x98\x80\"", true, false)) == 0);
        shut(&t);
        free(g.data);
    }
    free(mem);
    free(k.data);
}

//--[ hostile ]--
/* Opens exact copies, so that a sanitizer sees one byte too far, and uses what opens. */
static void try_bytes(const unsigned char *data, size_t n, const char *name, const llmc_blob *beside)
{
    llmc_tokenizer_options o;
    llmc_blob f[2];
    opened t;
    unsigned char *copy = (unsigned char *)malloc(n > 0 ? n : 1);
    if (n > 0)
        memcpy(copy, data, n);
    memset(&o, 0, sizeof o);
    f[0].data = copy;
    f[0].size = n;
    f[0].name = name;
    if (beside != NULL)
        f[1] = *beside;
    if (strstr(name, "ranks") != NULL)
        o.pattern = "nanochat";
    t = open_files(f, beside != NULL ? 2 : 1, &o);
    if (t.status == LLMC_OK)
        ids_of(t.tok, "the caf\xc3\xa9 ab \xff<|endoftext|>", true, true);
    else
        CHECKF(seen.tag != NULL && seen.message[0] != 0, "%s: status %d without a word", name, t.status);
    shut(&t);
    free(copy);
}

/* Cut at every place, and bytes and numbers replaced. */
static void attack(const bytes *b, const char *name, const llmc_blob *beside)
{
    static const unsigned char value[] = {0, 1, 0x7f, 0x80, 0xff, '"', '{', '[', '9', '-', ' ', '\n'};
    unsigned char *copy = (unsigned char *)malloc(b->size + 16);
    size_t i, step = b->size > 2000 ? b->size / 400 + 1 : 1;
    unsigned k;
    for (i = 0; i < b->size; i += i < 300 || i + 300 > b->size ? 1 : step)
        try_bytes(b->data, i, name, beside);
    for (i = 0; i < b->size; i += i < 300 || i + 700 > b->size ? 1 : step)
        for (k = 0; k < sizeof value; k += 1 + (i % 3)) {
            memcpy(copy, b->data, b->size);
            copy[i] = value[k];
            try_bytes(copy, b->size, name, beside);
        }
    free(copy);
}

static void test_hostile(void)
{
    static const parts plain = {
        NULL,
        NULL,
        "{\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"<s>\", \"type_id\": "
        "0}}, "
        "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}], \"special_tokens\": {\"<s>\": {\"ids\": [270]}}}",
        NULL,
        NULL,
        NULL};
    static const char merges[] = "#version: 0.2\nt h\nth e\n";
    llmc_blob beside;
    bytes b = tokenizer_json(&plain, false, false);
    beside.data = merges;
    beside.size = sizeof merges - 1;
    beside.name = "merges.txt";
    attack(&b, "tokenizer.json", NULL);
    free(b.data);
    b = proto_file(1, true, 40, 0);
    attack(&b, "tokenizer.model", NULL);
    free(b.data);
    b = proto_file(2, false, 0, 0);
    attack(&b, "tokenizer.model", NULL);
    free(b.data);
    b = rank_file();
    attack(&b, "x.ranks", NULL);
    free(b.data);
    b = llmc_file();
    attack(&b, "gpt2_tokenizer.bin", NULL);
    free(b.data);
    b = mog_file("\\p{N}+");
    attack(&b, "x.mog", NULL);
    free(b.data);
    memset(&b, 0, sizeof b);
    names(&b, false, false, true);
    attack(&b, "vocab.json", &beside);
    free(b.data);
}

/* Every size below need is NO_MEMORY and touches nothing. */
static void test_memory(void)
{
    static const parts plain = {NULL, NULL, NULL, NULL, NULL, NULL};
    bytes j = tokenizer_json(&plain, false, false);
    llmc_blob f = blob(&j, "tokenizer.json");
    llmc_tokenizer *tok = NULL;
    size_t need = 0, i, k;
    unsigned char *mem;
    CHECK(llmc_tokenizer_need(&f, 1, NULL, &need, NULL) == LLMC_OK);
    CHECK(llmc_tokenizer_need(&f, 1, NULL, NULL, NULL) == LLMC_BAD_ARG);
    CHECK(llmc_tokenizer_need(NULL, 1, NULL, &need, NULL) == LLMC_BAD_ARG);
    CHECK(llmc_tokenizer_init(NULL, &f, 1, NULL, NULL, 0, NULL) == LLMC_BAD_ARG);
    mem = (unsigned char *)malloc(need + 1);
    memset(mem, 0xa5, need + 1);
    for (i = 0; i < need; i += i < 64 || i + 64 > need ? 1 : need / 16) {
        CHECK(llmc_tokenizer_init(&tok, &f, 1, NULL, mem, i, NULL) == LLMC_NO_MEMORY && tok == NULL);
        for (k = 0; k < need && mem[k] == 0xa5; k++)
            ;
        CHECK(k == need);
    }
    CHECK(llmc_tokenizer_init(&tok, &f, 1, NULL, mem + 1, need, NULL) == LLMC_OK && tok != NULL);
    free(mem);
    free(j.data);
}

int main(void)
{
    RUN(test_byte_level);
    RUN(test_nanochat);
    RUN(test_refused);
    RUN(test_described);
    RUN(test_added);
    RUN(test_sentencepiece);
    RUN(test_bert);
    RUN(test_beside);
    RUN(test_folder);
    RUN(test_torchless);
    RUN(test_save);
    RUN(test_memory);
    RUN(test_hostile);
    return test_end("vocab");
}
