/* test_bpe.c -- sections TOKEN.words, TOKEN.train, TOKEN.files: byte-level BPE from text

   Merges are compared with tests/vectors/bpe.txt, by a naive trainer in Python (bpe_reference.py) over 1 MB of
   tests/corpus.h, and with a naive trainer here over many small texts of few letters. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "corpus.h"
#include "test.h"

typedef struct output {
    char *text;
    size_t n, cap, room; /* room: bytes until the writer stops */
} output;

static bool take(void *user, const void *data, size_t n)
{
    output *o = (output *)user;
    if (n > o->room - o->n)
        return false;
    if (o->n + n + 1 > o->cap) {
        o->cap = 2 * o->cap + n + 4096;
        o->text = (char *)realloc(o->text, o->cap);
    }
    memcpy(o->text + o->n, data, n);
    o->n += n;
    o->text[o->n] = 0;
    return true;
}

/* A text that comes in pieces of at most `piece` bytes; fails once `fail` bytes are read. */
typedef struct source {
    const char *text;
    size_t n, at, piece, fail;
} source;

static bool give(void *user, void *data, size_t cap, size_t *n)
{
    source *s = (source *)user;
    size_t k = s->n - s->at;
    if (s->at >= s->fail)
        return false;
    k = k > s->piece ? s->piece : k;
    k = k > cap ? cap : k;
    if (k > 0)
        memcpy(data, s->text + s->at, k);
    s->at += k;
    *n = k;
    return true;
}

static llmc_diag diag;

static llmc_status add(llmc_bpe *bpe, const char *text, size_t n, size_t piece)
{
    source s;
    llmc_reader r;
    s.text = text;
    s.n = n;
    s.at = 0;
    s.piece = piece;
    s.fail = SIZE_MAX;
    r.read = give;
    r.user = &s;
    return llmc_bpe_add(bpe, &r, &diag);
}

/* A file of a trained BPE; the caller frees it. */
static output written(const llmc_bpe *bpe, llmc_bpe_file file)
{
    output o = {NULL, 0, 0, SIZE_MAX};
    llmc_writer w;
    w.write = take;
    w.user = &o;
    CHECKF(llmc_bpe_write(bpe, file, &w, &diag) == LLMC_OK, "%s", diag.message);
    return o;
}

/* Trained on one text with memory for the worst case, in *mem. */
static llmc_bpe *trained(const llmc_bpe_options *opt, const char *text, size_t n, size_t piece, void **mem)
{
    llmc_bpe *bpe = NULL;
    size_t bytes = 0;
    memset(&diag, 0, sizeof diag);
    CHECKF(llmc_bpe_need(opt, n, &bytes, &diag) == LLMC_OK, "%s", diag.message);
    *mem = malloc(bytes);
    if (CHECKF(llmc_bpe_init(&bpe, opt, *mem, bytes, &diag) == LLMC_OK, "%s", diag.message) &&
        CHECKF(add(bpe, text, n, piece) == LLMC_OK, "%s", diag.message))
        CHECKF(llmc_bpe_train(bpe, &diag) == LLMC_OK, "%s", diag.message);
    return bpe;
}

static uint64_t fnv(const char *p, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    size_t i;
    for (i = 0; i < n; i++)
        h = (h ^ (uint8_t)p[i]) * 0x100000001b3u;
    return h;
}

/* Bytes of the first `lines` lines. */
static size_t lines_of(const char *p, size_t n, unsigned lines)
{
    size_t i;
    for (i = 0; i < n && lines > 0; i++)
        lines -= p[i] == '\n';
    return i;
}

/* Each text of the corpus as bpe_reference.py trains on it. */
static void reference(void)
{
    size_t size = 0, bytes = 0, b;
    char *file = (char *)test_read("tests/vectors/bpe.txt", &size), *line;
    char name[16], now[16] = "", word[32];
    unsigned merges, made = 0, compared = 0;
    corpus c = corpus_make(7, 1 << 20, CORPUS_INVALID | CORPUS_UNASSIGNED);
    output o = {NULL, 0, 0, SIZE_MAX};
    void *mem = NULL;
    if (!CHECK(file != NULL))
        return;
    for (line = strtok(file, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (!CHECK(sscanf(line, "%15s %u %31s", name, &merges, word) == 3))
            break;
        if (strcmp(name, now) != 0) {
            llmc_bpe_options opt;
            llmc_bpe *bpe = NULL;
            bool nano = strcmp(name, "nanochat") == 0, none = strcmp(name, "none") == 0;
            memset(&opt, 0, sizeof opt);
            opt.pattern = name;
            opt.no_special = true;
            opt.bytes_first = nano;
            opt.min_frequency = nano ? 3 : 0;
            opt.max_token_bytes = none ? 8 : 0;
            opt.vocab_size = 256 + (nano ? 1000 : none ? 400 : 2000);
            bytes = (size_t)64 << 20;
            mem = realloc(mem, bytes);
            CHECK(llmc_bpe_init(&bpe, &opt, mem, bytes, &diag) == LLMC_OK);
            for (b = 0; b < c.blocks; b++)
                if (!CHECKF(add(bpe, c.text + c.starts[b], c.starts[b + 1] - c.starts[b], 1000) == LLMC_OK,
                            "%s", diag.message))
                    return;
            CHECKF(llmc_bpe_about(bpe).distinct == strtoul(word, NULL, 10), "%s: %u words, not %s", name,
                   (unsigned)llmc_bpe_about(bpe).distinct, word);
            CHECKF(llmc_bpe_train(bpe, &diag) == LLMC_OK, "%s", diag.message);
            free(o.text);
            o = written(bpe, LLMC_BPE_MERGES);
            made = llmc_bpe_about(bpe).merges;
            strcpy(now, name);
            continue;
        }
        CHECKF(merges <= made, "%s: %u merges, the reference has %u", name, made, merges);
        if (merges <= made && o.n > 14) {
            uint64_t got = fnv(o.text + 14, lines_of(o.text + 14, o.n - 14, merges));
            if (!CHECKF(got == strtoull(word, NULL, 16), "%s: the first %u merges differ", name, merges))
                break;
        }
        compared++;
    }
    CHECK(compared >= 30 && memcmp(o.text, "#version: 0.2\n", 14) == 0);
    free(o.text);
    free(mem);
    free(file);
    corpus_free(&c);
}

/* The naive trainer: texts of at most 1000 bytes, pairs counted again at each step. */
typedef struct naive {
    unsigned sym[512][1000], len[512], count[512], words;
    unsigned left[400], right[400], size[656], merges;
} naive;

static void naive_words(naive *v, const char *text, size_t n)
{
    size_t at = 0, end, i, k;
    v->words = 0;
    while (at < n) {
        for (end = at; end < n && (text[end] == '\n') == (text[at] == '\n'); end++)
            ;
        for (i = 0; i < v->words; i++) {
            for (k = 0; k < end - at && k < v->len[i] && v->sym[i][k] == (unsigned char)text[at + k]; k++)
                ;
            if (k == end - at && k == v->len[i])
                break;
        }
        if (i == v->words) {
            v->len[i] = (unsigned)(end - at);
            v->count[i] = 0;
            for (k = 0; k < end - at; k++)
                v->sym[i][k] = (unsigned char)text[at + k];
            v->words++;
        }
        v->count[i]++;
        at = end;
    }
}

static void naive_train(naive *v, unsigned most, unsigned least, unsigned longest)
{
    unsigned i, k, to;
    for (i = 0; i < 256; i++)
        v->size[i] = 1;
    for (v->merges = 0; v->merges < most; v->merges++) {
        static unsigned seen[656][656];
        unsigned best = 0, left = 0, right = 0, n = 256 + v->merges, c = n;
        memset(seen, 0, sizeof seen);
        for (i = 0; i < v->words; i++)
            for (k = 0; k + 1 < v->len[i]; k++)
                seen[v->sym[i][k]][v->sym[i][k + 1]] += v->count[i];
        for (i = 0; i < n; i++)
            for (k = 0; k < n; k++)
                if (seen[i][k] > best && seen[i][k] >= least && v->size[i] + v->size[k] <= longest) {
                    best = seen[i][k];
                    left = i;
                    right = k;
                }
        if (best == 0)
            return;
        v->left[v->merges] = left;
        v->right[v->merges] = right;
        v->size[c] = v->size[left] + v->size[right];
        for (i = 0; i < v->words; i++) {
            for (k = to = 0; k < v->len[i]; to++)
                if (k + 1 < v->len[i] && v->sym[i][k] == left && v->sym[i][k + 1] == right) {
                    v->sym[i][to] = c;
                    k += 2;
                } else {
                    v->sym[i][to] = v->sym[i][k++];
                }
            v->len[i] = to;
        }
    }
}

/* Bytes of a naive token as letters: those of the texts are printable ASCII or a line feed. */
static size_t naive_letters(const naive *v, unsigned token, char *out)
{
    if (token >= 256) {
        size_t n = naive_letters(v, v->left[token - 256], out);
        return n + naive_letters(v, v->right[token - 256], out + n);
    }
    if (token == '\n') {
        memcpy(out, "\xc4\x8a", 2); /* U+010A */
        return 2;
    }
    out[0] = (char)token;
    return 1;
}

static void few_letters(void)
{
    static naive v;
    static char text[1024], want[1 << 16];
    uint64_t seed = test_seed(11);
    unsigned round, i, letters;
    for (round = 0; round < 200 && test_bad == 0; round++) {
        llmc_bpe_options opt;
        llmc_bpe *bpe;
        void *mem;
        output o;
        size_t n = 1 + test_random(&seed, 1000), at = 14, run = 0;
        letters = 1 + test_random(&seed, 4);
        for (i = 0; i < n; i++) {
            bool end = run >= 60 || test_random(&seed, 1 + (round & 31)) == 0;
            text[i] = end ? '\n' : (char)("aabcd"[test_random(&seed, letters + 1)]);
            run = end ? (run >= 60 ? 0 : run + 1) : run + 1;
        }
        memset(&opt, 0, sizeof opt);
        opt.pattern = "none";
        opt.no_special = true;
        opt.bytes_first = true;
        opt.min_frequency = 1 + test_random(&seed, 3);
        opt.max_token_bytes = test_random(&seed, 2) ? 0 : 1 + test_random(&seed, 12);
        opt.vocab_size = 256 + test_random(&seed, 400);
        naive_words(&v, text, n);
        naive_train(&v, opt.vocab_size - 256, opt.min_frequency,
                    opt.max_token_bytes == 0 ? 256 : opt.max_token_bytes);
        memcpy(want, "#version: 0.2\n", 14);
        for (i = 0; i < v.merges; i++) {
            at += naive_letters(&v, v.left[i], want + at);
            want[at++] = ' ';
            at += naive_letters(&v, v.right[i], want + at);
            want[at++] = '\n';
        }
        bpe = trained(&opt, text, n, 1 + test_random(&seed, 50), &mem);
        o = written(bpe, LLMC_BPE_MERGES);
        CHECKF(o.n == at && memcmp(o.text, want, at) == 0, "round %u, %u merges, expected %u", round,
               (unsigned)llmc_bpe_about(bpe).merges, v.merges);
        free(o.text);
        free(mem);
    }
}

/* A tokenizer from files in memory, which it keeps. */
static llmc_tokenizer *opened(const llmc_blob *files, size_t n, const char *pattern, void **mem)
{
    llmc_tokenizer_options opt;
    llmc_tokenizer *tok = NULL;
    size_t bytes = 0;
    memset(&opt, 0, sizeof opt);
    memset(&diag, 0, sizeof diag);
    opt.pattern = pattern;
    *mem = NULL;
    if (!CHECKF(llmc_tokenizer_need(files, n, &opt, &bytes, &diag) == LLMC_OK, "%s", diag.message))
        return NULL;
    *mem = malloc(bytes);
    CHECKF(llmc_tokenizer_init(&tok, files, n, &opt, *mem, bytes, &diag) == LLMC_OK, "%s", diag.message);
    return tok;
}

static llmc_token ids[2][1 << 17];
static char back[1 << 18];

static size_t encoded(const llmc_tokenizer *tok, const char *text, size_t n, llmc_token *out)
{
    llmc_encode_options opt;
    size_t bytes = llmc_encode_need(tok, n), count = 0;
    void *work = malloc(bytes);
    memset(&opt, 0, sizeof opt);
    opt.parse_special = true;
    CHECKF(llmc_encode(tok, text, n, &opt, work, bytes, out, 1 << 17, &count, &diag) == LLMC_OK, "%s",
           diag.message);
    free(work);
    return count;
}

/* Text there and back by all files that a training writes, which give the same ids. */
static void round_trip(const char *pattern, bool nano)
{
    static const char *const nine[] = {
        "<|bos|>",          "<|user_start|>", "<|user_end|>",     "<|assistant_start|>", "<|assistant_end|>",
        "<|python_start|>", "<|python_end|>", "<|output_start|>", "<|output_end|>"};
    corpus c = corpus_make(3, 100000, CORPUS_INVALID | CORPUS_UNASSIGNED);
    llmc_bpe_options opt;
    llmc_bpe *bpe;
    output o[5];
    llmc_blob file[5];
    void *mem, *tok_mem[3];
    llmc_tokenizer *tok[3];
    llmc_decode_options show;
    unsigned i, n_files = nano ? 5 : 4;
    size_t n, k, len;
    static const char *const name[] = {"tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json",
                                       "x.tiktoken"};
    static const llmc_bpe_file kind[] = {LLMC_BPE_TOKENIZER, LLMC_BPE_VOCAB, LLMC_BPE_MERGES, LLMC_BPE_CONFIG,
                                         LLMC_BPE_RANKS};
    memset(&opt, 0, sizeof opt);
    memset(&show, 0, sizeof show);
    show.show_special = true;
    opt.vocab_size = 1500;
    opt.pattern = pattern;
    opt.bytes_first = nano;
    opt.special = nano ? nine : NULL;
    opt.n_special = nano ? 9 : 0;
    bpe = trained(&opt, c.text, c.n, 4096, &mem);
    CHECK(llmc_bpe_about(bpe).tokens == 1500 && llmc_bpe_about(bpe).bytes == c.n);
    for (i = 0; i < n_files; i++) {
        o[i] = written(bpe, kind[i]);
        file[i].data = o[i].text;
        file[i].size = o[i].n;
        file[i].name = name[i];
    }
    tok[0] = opened(file, 1, NULL, &tok_mem[0]);
    tok[1] = opened(file + 1, 3, pattern, &tok_mem[1]);
    tok[2] = nano ? opened(file + 4, 1, pattern, &tok_mem[2]) : NULL;
    if (tok[0] != NULL && tok[1] != NULL) {
        n = encoded(tok[0], c.text, c.n, ids[0]);
        CHECKF(n < c.n * 2 / 3, "%zu tokens for %zu bytes", n, c.n);
        CHECK(llmc_decode(tok[0], ids[0], n, &show, back, sizeof back, &len, &diag) == LLMC_OK &&
              len == c.n && memcmp(back, c.text, len) == 0);
        for (i = 1; i < 3 && tok[i] != NULL; i++) {
            k = encoded(tok[i], c.text, c.n, ids[1]);
            CHECKF(k == n && memcmp(ids[0], ids[1], n * sizeof ids[0][0]) == 0, "%s: ids differ",
                   name[2 * i]);
            CHECK(llmc_tokenizer_count(tok[i]) == 1500);
        }
        /* special tokens where they were asked for, and their roles */
        k = encoded(tok[0], nano ? "a<|bos|>" : "a<EOS>", nano ? 8 : 6, ids[1]);
        CHECK(k == 2 && ids[1][1] == (nano ? 1491 : 2));
        CHECK(llmc_tokenizer_special(tok[1], LLMC_SPECIAL_EOS) == (nano ? 1495 : 2));
        CHECK(llmc_tokenizer_special(tok[1], LLMC_SPECIAL_BOS) == (nano ? 1491 : LLMC_TOKEN_NONE));
        CHECK(nano || llmc_tokenizer_special(tok[1], LLMC_SPECIAL_UNK) == 0);
    }
    for (i = 0; i < 3; i++)
        if (i < 2 || nano)
            free(tok_mem[i]);
    for (i = 0; i < n_files; i++)
        free(o[i].text);
    free(mem);
    corpus_free(&c);
}

static void round_trips(void)
{
    /* names whose regexes tokenizer.json can hold, of each kind */
    static const char *const name[] = {"gpt-2",       "starcoder", "falcon", "llama-bpe",      "qwen2",
                                       "deepseek-v3", "gpt-4o",    "tekken", "deepseek-coder", "viking"};
    unsigned i;
    round_trip("nanochat", true);
    for (i = 0; i < sizeof name / sizeof name[0]; i++)
        round_trip(name[i], false);
}

/* The pieces in which text comes make no difference, even where it has to be cut; nor do special tokens at
   their seams count. */
static void pieces(void)
{
    size_t n = 700000, i, k;
    char *text = (char *)malloc(n);
    static const size_t piece[] = {700000, 1, 13, 65536};
    output o[4];
    for (k = 0; k < 2; k++) {
        llmc_bpe_options opt;
        memset(&opt, 0, sizeof opt);
        opt.vocab_size = 400;
        opt.pattern = k == 0 ? "none" : "gpt-2";
        for (i = 0; i < n; i++) /* one word of them all, or a special token every ten bytes */
            text[i] = k == 0 ? (char)('a' + (i * i / 7 + i % 5) % 11) : "ab cab<EOS>"[i % 11];
        for (i = 0; i < 4; i++) {
            void *mem;
            llmc_bpe *bpe = trained(&opt, text, n, piece[i], &mem);
            o[i] = written(bpe, LLMC_BPE_MERGES);
            if (k == 1) /* "ab", " cab"; the last word is cut by the end of the text */
                CHECKF(llmc_bpe_about(bpe).merges == 3 && strcmp(o[i].text + 14, "a b\n\xc4\xa0 c\n\xc4\xa0"
                                                                                 "c ab\n") == 0,
                       "%s", o[i].text);
            free(mem);
        }
        for (i = 1; i < 4; i++)
            CHECKF(o[i].n == o[0].n && memcmp(o[i].text, o[0].text, o[0].n) == 0, "pieces of %zu", piece[i]);
        CHECK(k == 1 || llmc_bpe_need(&opt, n, &i, &diag) == LLMC_OK);
        for (i = 0; i < 4; i++)
            free(o[i].text);
    }
    free(text);
}

/* A token that would be written like a special one is left out. */
static void letters(void)
{
    static const char text[] = " a a a a a a b b b b";
    static const char *const special[] = {"\xc4\xa0"
                                          "a",
                                          "<\xc4\xa0>"};
    llmc_bpe_options opt;
    llmc_bpe *bpe;
    void *mem;
    output o;
    memset(&opt, 0, sizeof opt);
    opt.special = special;
    opt.n_special = 2;
    bpe = trained(&opt, text, sizeof text - 1, 1, &mem);
    o = written(bpe, LLMC_BPE_MERGES);
    CHECKF(strcmp(o.text + 14, "\xc4\xa0 b\n") == 0, "%s", o.text);
    free(o.text);
    free(mem);
}

/* Any memory: the same merges or NO_MEMORY, and nothing beyond it is touched. */
static void memory(void)
{
    corpus c = corpus_make(9, 30000, 0);
    llmc_bpe_options opt;
    llmc_bpe *bpe;
    size_t bytes, most = 0, least = 0;
    unsigned char *mem;
    void *first;
    output want, o;
    unsigned ok = 0, failed = 0;
    memset(&opt, 0, sizeof opt);
    opt.vocab_size = 700;
    bpe = trained(&opt, c.text, c.n, 1000, &first);
    want = written(bpe, LLMC_BPE_TOKENIZER);
    free(first);
    CHECK(llmc_bpe_need(&opt, c.n, &most, &diag) == LLMC_OK &&
          llmc_bpe_need(&opt, 0, &least, &diag) == LLMC_OK);
    mem = (unsigned char *)malloc(most + 2);
    for (bytes = 0; bytes <= most; bytes += bytes < 4096 ? 64 : most / 70) {
        llmc_status s;
        memset(mem, 0xaa, most + 2);
        bpe = NULL;
        s = llmc_bpe_init(&bpe, &opt, mem + 1, bytes, &diag);
        if (s == LLMC_OK)
            s = add(bpe, c.text, c.n, 1000);
        if (s == LLMC_OK)
            s = llmc_bpe_train(bpe, &diag);
        CHECKF(s == LLMC_OK || (s == LLMC_NO_MEMORY && strstr(diag.message, "bytes") != NULL), "%s",
               diag.message);
        CHECK(mem[0] == 0xaa && mem[bytes + 1] == 0xaa);
        if (s == LLMC_OK) {
            o = written(bpe, LLMC_BPE_TOKENIZER);
            CHECKF(o.n == want.n && memcmp(o.text, want.text, o.n) == 0, "%zu bytes", bytes);
            free(o.text);
            ok++;
        } else {
            failed++;
            CHECK(ok == 0);
            CHECK(bpe == NULL || (add(bpe, "a", 1, 1) == LLMC_BAD_ARG || s == LLMC_OK));
        }
    }
    CHECKF(ok > 3 && failed > 3, "%u sizes enough, %u not", ok, failed);
    free(mem);
    free(want.text);
    corpus_free(&c);
}

/* need's bytes are enough for text that is as bad as can be: every word its own. */
static void worst(void)
{
    uint64_t seed = test_seed(5);
    static char text[60000];
    unsigned round, i;
    for (round = 0; round < 6; round++) {
        llmc_bpe_options opt;
        void *mem;
        size_t n = round == 0 ? 0 : sizeof text >> (2 * (round - 1));
        memset(&opt, 0, sizeof opt);
        opt.vocab_size = 256 + 3 + 600;
        opt.min_frequency = 1;
        for (i = 0; i < n; i++)
            text[i] = i % 3 == 0 ? ' ' : (char)(128 + test_random(&seed, 64)); /* not UTF-8: no letters */
        (void)trained(&opt, text, n, 100, &mem);
        free(mem);
    }
}

static bool stop(void *user, const char *what, uint64_t done, uint64_t total)
{
    (void)what;
    (void)done;
    (void)total;
    return --*(int *)user > 0;
}

/* Readers and writers that stop, callers that cancel, calls in the wrong order. */
static void failures(void)
{
    static char text[30000];
    static unsigned char mem[4 << 20];
    llmc_bpe_options opt;
    llmc_bpe *bpe = NULL;
    source s = {text, sizeof text, 0, 1000, 5000};
    llmc_reader r = {give, &s};
    output o = {NULL, 0, 0, 100};
    llmc_writer w = {take, &o};
    int calls = 3;
    unsigned i;
    uint64_t seed = 1;
    for (i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + test_random(&seed, 20));
    memset(&opt, 0, sizeof opt);
    opt.pattern = "none";
    opt.progress.fn = stop;
    opt.progress.user = &calls;
    CHECK(llmc_bpe_init(&bpe, &opt, mem, sizeof mem, &diag) == LLMC_OK);
    CHECK(llmc_bpe_write(bpe, LLMC_BPE_MERGES, &w, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_bpe_add(bpe, &r, &diag) == LLMC_IO && llmc_bpe_train(bpe, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_bpe_init(&bpe, &opt, mem, sizeof mem, &diag) == LLMC_OK);
    s.at = 0;
    s.fail = SIZE_MAX;
    CHECK(llmc_bpe_add(bpe, NULL, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_bpe_add(bpe, &r, &diag) == LLMC_OK);
    CHECK(llmc_bpe_train(bpe, &diag) == LLMC_CANCELLED && llmc_bpe_train(bpe, &diag) == LLMC_BAD_ARG);
    opt.progress.fn = NULL;
    CHECK(llmc_bpe_init(&bpe, &opt, mem, sizeof mem, &diag) == LLMC_OK);
    CHECK(llmc_bpe_train(bpe, &diag) == LLMC_OK && llmc_bpe_about(bpe).tokens == 259);
    CHECK(add(bpe, "ab", 2, 1) == LLMC_BAD_ARG && llmc_bpe_train(bpe, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_bpe_write(bpe, LLMC_BPE_RANKS, &w, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_bpe_write(bpe, (llmc_bpe_file)77, &w, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_bpe_write(bpe, LLMC_BPE_TOKENIZER, &w, &diag) == LLMC_IO);
    CHECK(llmc_bpe_write(NULL, LLMC_BPE_VOCAB, &w, &diag) == LLMC_BAD_ARG);
    free(o.text);
}

static void arguments(void)
{
    static const char *const twice[] = {"<a>", "<a>"}, *const empty[] = {""}, *const bad[] = {"\xff"},
                             *const none[] = {NULL}, *const letter[] = {"a"};
    static const char *const *const wrong[] = {twice, empty, bad, none, letter};
    llmc_bpe_options opt;
    llmc_bpe *bpe = NULL;
    size_t bytes = 0;
    char mem[8];
    unsigned i;
    for (i = 0; i < 5; i++) {
        memset(&opt, 0, sizeof opt);
        opt.special = wrong[i];
        opt.n_special = i == 0 ? 2 : 1;
        CHECKF(llmc_bpe_need(&opt, 0, &bytes, &diag) == LLMC_BAD_ARG, "special tokens %u", i);
    }
    opt.special = twice;
    opt.no_special = true;
    CHECK(llmc_bpe_need(&opt, 0, &bytes, &diag) == LLMC_BAD_ARG);
    memset(&opt, 0, sizeof opt);
    opt.vocab_size = 258;
    CHECK(llmc_bpe_need(&opt, 0, &bytes, &diag) == LLMC_BAD_ARG && strstr(diag.message, "259") != NULL);
    opt.vocab_size = 1u << 25;
    CHECK(llmc_bpe_need(&opt, 0, &bytes, &diag) == LLMC_BAD_ARG);
    opt.vocab_size = 0;
    opt.max_token_bytes = 16385;
    CHECK(llmc_bpe_need(&opt, 0, &bytes, &diag) == LLMC_BAD_ARG);
    opt.max_token_bytes = 0;
    opt.pattern = "gpt-77";
    CHECK(llmc_bpe_need(&opt, 0, &bytes, &diag) == LLMC_UNSUPPORTED &&
          strstr(diag.message, "gpt-77") != NULL);
    opt.pattern = "kimi-k2";
    CHECK(llmc_bpe_need(&opt, 0, &bytes, &diag) == LLMC_UNSUPPORTED);
    opt.pattern = "\\p{N}{1,3}";
    CHECK(llmc_bpe_need(&opt, 0, &bytes, &diag) == LLMC_OK);
    CHECK(llmc_bpe_need(&opt, (uint64_t)1 << 40, &bytes, &diag) == LLMC_NO_MEMORY);
    CHECK(llmc_bpe_need(&opt, 0, NULL, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_bpe_init(NULL, &opt, mem, 8, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_bpe_init(&bpe, &opt, NULL, 8, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_bpe_init(&bpe, &opt, mem, 8, &diag) == LLMC_NO_MEMORY && bpe == NULL);
}

int main(void)
{
    RUN(reference);
    RUN(few_letters);
    RUN(round_trips);
    RUN(pieces);
    RUN(letters);
    RUN(memory);
    RUN(worst);
    RUN(failures);
    RUN(arguments);
    return test_end("bpe");
}
