/* test_encode.c -- section TOKEN: text that comes in pieces, offsets, time

   That ids are right is shown in test_token.c, test_vocab.c and test_compare.c. Here the whole is compared with its
   pieces: an encoder that is fed in any way, a decoder that is asked id by id, offsets that say where ids
   come from; and no text may take much longer than another of its length. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "corpus.h"
#include "test.h"
#include <time.h>

/* Tokenizers of every kind; the last ones only where the shared folder is. */
static const char *const file[] = {
    "tests/models/tokenizers/byte.json",          "tests/models/tokenizers/spm.json",
    "tests/models/tokenizers/unigram.json",       "tests/models/tokenizers/wordpiece.json",
    "tests/models/tokenizers/wordlevel.json",     "tests/models/tokenizers/bpe.model",
    "tests/models/tokenizers/bpe-fallback.model", "tests/models/tokenizers/bpe-rules.model",
    "tests/models/tokenizers/unigram.model",      "tests/models/tokenizers/unigram-fallback.model",
    "tests/models/tokenizers/unigram-user.model", "tests/models/tokenizers/unigram-rules.model",
    "tests/models/tokenizers/char.model",         "tests/models/tokenizers/word.model",
    "data/vocabs/ggml-vocab-gpt-2.gguf",          "data/vocabs/ggml-vocab-llama-spm.gguf",
    "data/vocabs/ggml-vocab-phi-3.gguf",          "data/vocabs/ggml-vocab-deepseek-coder.gguf",
    "data/vocabs/ggml-vocab-falcon.gguf",         "data/tok512.bin",
};
#define N_FILES (sizeof file / sizeof file[0])

typedef struct loaded {
    llmc_tokenizer *tok;
    unsigned char *data;
    void *mem;
} loaded;

/* False: the file is not there. */
static bool load(loaded *l, const char *name)
{
    llmc_blob blob;
    llmc_diag diag;
    size_t need = 0;
    llmc_status s;
    memset(l, 0, sizeof *l);
    memset(&diag, 0, sizeof diag);
    l->data = test_read(strncmp(name, "data/", 5) == 0 ? test_shared(name) : name, &blob.size);
    if (l->data == NULL)
        return false;
    blob.data = l->data;
    blob.name = name;
    s = llmc_tokenizer_need(&blob, 1, NULL, &need, &diag);
    l->mem = malloc(need + 1);
    if (s == LLMC_OK)
        s = llmc_tokenizer_init(&l->tok, &blob, 1, NULL, l->mem, need, &diag);
    CHECKF(s == LLMC_OK, "%s: %s", name, diag.message);
    return s == LLMC_OK;
}

static void unload(loaded *l)
{
    free(l->mem);
    free(l->data);
}

/* Ids and where they come from, of a text in one go or fed in pieces. */
typedef struct result {
    llmc_token *ids;
    llmc_span *spans;
    size_t cap, n;
} result;

static result make_result(size_t len)
{
    result r;
    r.cap = 40 * len + 64;
    r.n = 0;
    r.ids = (llmc_token *)malloc(r.cap * sizeof *r.ids);
    r.spans = (llmc_span *)malloc(r.cap * sizeof *r.spans);
    return r;
}

static void free_result(result *r)
{
    free(r->ids);
    free(r->spans);
}

/* With just the memory that llmc_encode_need names. */
static bool encode_whole(const llmc_tokenizer *tok, const char *text, size_t len,
                         const llmc_encode_options *options, result *r)
{
    llmc_encode_options o = *options;
    size_t need = llmc_encode_need(tok, len);
    void *work = malloc(need);
    llmc_diag diag;
    llmc_status s;
    o.offsets = r->spans;
    s = llmc_encode(tok, text, len, &o, work, need, r->ids, r->cap, &r->n, &diag);
    CHECKF(s == LLMC_OK, "encode of %u bytes: %s", (unsigned)len, diag.message);
    free(work);
    return s == LLMC_OK;
}

/* Fed in pieces: of `step` bytes, or of random lengths if that is 0; ids are taken some at a time. */
static bool encode_pieces(const llmc_tokenizer *tok, const char *text, size_t len,
                          const llmc_encode_options *o, size_t longest, size_t step, uint64_t *rng, result *r)
{
    llmc_encoder *enc = NULL;
    llmc_diag diag;
    size_t need = 0, at = 0, end = 0, used = 0, n = 0, cap;
    void *mem;
    llmc_status s = llmc_encoder_need(tok, longest, &need, &diag);
    mem = malloc(need);
    if (s == LLMC_OK)
        s = llmc_encoder_init(&enc, tok, o, longest, mem, need, &diag);
    r->n = 0;
    while (s == LLMC_OK) {
        cap = 1 + test_random(rng, 9);
        if (at == end && end < len) {
            end += step > 0 ? step : 1 + test_random(rng, 1 + test_random(rng, 60));
            end = end < len ? end : len;
        }
        s = llmc_encoder_feed(enc, text + at, end - at, end == len, &used, r->ids + r->n, r->spans + r->n,
                              cap, &n, &diag);
        at += used;
        r->n += n;
        if (s == LLMC_OK && at == len && n < cap && end == len)
            break;
        if (r->n + 16 > r->cap) {
            CHECKF(false, "ids without end");
            break;
        }
    }
    CHECKF(s == LLMC_OK, "encoder: %s", diag.message);
    free(mem);
    return s == LLMC_OK;
}

/* The same ids, from the same places. */
static bool same(const result *a, const result *b)
{
    size_t i;
    if (a->n != b->n)
        return false;
    for (i = 0; i < a->n; i++)
        if (a->ids[i] != b->ids[i] || a->spans[i].begin != b->spans[i].begin ||
            a->spans[i].end != b->spans[i].end)
            return false;
    return true;
}

/* Fed in all the ways that are tried for one text. */
static void check_pieces(const char *name, const llmc_tokenizer *tok, const char *text, size_t len,
                         const llmc_encode_options *o, uint64_t *rng)
{
    result whole = make_result(len), pieces = make_result(len);
    size_t k;
    if (encode_whole(tok, text, len, o, &whole)) {
        for (k = 0; k < 4; k++) {
            size_t step = k == 0 ? 1 : k == 1 ? 7 : 0;
            if (encode_pieces(tok, text, len, o, len + 70, step, rng, &pieces) && !same(&whole, &pieces)) {
                CHECKF(false, "%s: %u bytes '%.40s' in pieces (%u) give %u ids, at once %u", name,
                       (unsigned)len, text, (unsigned)step, (unsigned)pieces.n, (unsigned)whole.n);
                break;
            }
        }
    }
    free_result(&whole);
    free_result(&pieces);
}

/* Texts of the corpus, with special tokens written into some. */
static void streamed_encode(void)
{
    uint64_t rng = test_seed(20261125);
    corpus c = corpus_make(7, 1 << 16, CORPUS_INVALID | CORPUS_UNASSIGNED);
    size_t f, b;
    for (f = 0; f < N_FILES; f++) {
        loaded l;
        if (!load(&l, file[f]))
            continue;
        for (b = f % 3; b < c.blocks; b += 3) {
            size_t all = c.starts[b + 1] - c.starts[b], len = all < 1500 ? all : 1500;
            llmc_encode_options o;
            llmc_span plain[2];
            memset(&o, 0, sizeof o);
            o.add_bos = o.add_eos = b % 2 == 0;
            o.parse_special = b % 4 == 1;
            plain[0].begin = len / 5;
            plain[0].end = plain[1].begin = len / 3;
            plain[1].end = len / 2;
            o.plain = plain;
            o.n_plain = b % 5 == 0 ? 2 : 0;
            check_pieces(file[f], l.tok, c.text + c.starts[b], len, &o, &rng);
        }
        unload(&l);
    }
    corpus_free(&c);
}

/* Short texts cut at every place, made of what is decided late: begins of special tokens, white space before
   words, marks, capitals, bytes of a character. */
static void streamed_cuts(void)
{
    static const char *const part[] = {"<s>",
                                       "</s>",
                                       "<|endo",
                                       "<|endoftext|>",
                                       "<unk",
                                       "[MASK]",
                                       "[CLS",
                                       " ",
                                       "  ",
                                       "\n",
                                       "\r",
                                       "a",
                                       "Ab",
                                       "the",
                                       "'s",
                                       "'l",
                                       "1",
                                       "234",
                                       ".",
                                       "!\n",
                                       "\xe2",
                                       "\xe2\x96\x81",
                                       "\xcc\x81",
                                       "\xe4\xb8\xad",
                                       "\xf0\x9f\x98",
                                       "\xc2\xa0",
                                       "\t",
                                       "x",
                                       "<sep>",
                                       "\xef\xac\x81"};
    uint64_t rng = test_seed(77);
    size_t f, k, cut;
    for (f = 0; f < N_FILES; f++) {
        loaded l;
        if (!load(&l, file[f]))
            continue;
        for (k = 0; k < 60; k++) {
            char text[256];
            size_t len = 0, n = 1 + test_random(&rng, 12);
            llmc_encode_options o;
            result whole, pieces;
            memset(&o, 0, sizeof o);
            o.parse_special = k % 2 == 0;
            while (n-- > 0) {
                const char *s = part[test_random(&rng, sizeof part / sizeof part[0])];
                memcpy(text + len, s, strlen(s));
                len += strlen(s);
            }
            whole = make_result(len);
            pieces = make_result(len);
            encode_whole(l.tok, text, len, &o, &whole);
            for (cut = 1; cut <= len; cut++)
                if (encode_pieces(l.tok, text, len, &o, len + 64, cut, &rng, &pieces) &&
                    !same(&whole, &pieces)) {
                    CHECKF(false, "%s: '%.*s' in steps of %u", file[f], (int)len, text, (unsigned)cut);
                    break;
                }
            free_result(&whole);
            free_result(&pieces);
        }
        unload(&l);
    }
}

/* Found by fuzzing: a search that looked far ahead forgot the plain spans before that place. */
static void plain_spans_ahead(void)
{
    static const char text[] = "Hello <s> w=orld [MASK]d [MASK]  the <|endoftext|> "
                               "\xe2\x05\x05\x03Hel\xcc\x81&   the <|endoftext|> ";
    llmc_encode_options o;
    llmc_span plain;
    uint64_t rng = 1;
    loaded l;
    memset(&o, 0, sizeof o);
    plain.begin = 30;
    plain.end = 45;
    o.plain = &plain;
    o.n_plain = 1;
    o.parse_special = true;
    if (!load(&l, "tests/models/tokenizers/unigram-user.model"))
        return;
    check_pieces("unigram-user.model", l.tok, text, sizeof text - 1, &o, &rng);
    unload(&l);
}

/* Found on i386 and s390x, whose buffers cut elsewhere: text that no pattern cuts was settled up to a place inside a
   character, and a single_word token behind that character no longer saw a letter before it. */
static void word_behind_a_character(void)
{
    static const char json[] =
        "{\"added_tokens\": [{\"id\": 9, \"content\": \"house\", \"single_word\": true, \"lstrip\": false, "
        "\"rstrip\": false, \"normalized\": false, \"special\": false}], \"normalizer\": null, "
        "\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": false}, "
        "\"post_processor\": null, \"decoder\": {\"type\": \"ByteLevel\"}, \"model\": {\"type\": \"BPE\", "
        "\"vocab\": {\"\\u00e0\": 0, \"\\u00bd\": 1, \"\\u0124\": 2, \"h\": 3, \"o\": 4, \"u\": 5, \"s\": 6, "
        "\"e\": 7, \"\\u00e0\\u00bd\": 8}, \"merges\": [\"\\u00e0 \\u00bd\"]}}";
    static const char text[] = "\xe0\xbd\x82house"; /* U+0F42, a letter */
    static const llmc_token expected[] = {8, 2, 3, 4, 5, 6, 7};
    llmc_encode_options o;
    result whole = make_result(sizeof text), pieces = make_result(sizeof text);
    uint64_t rng = 1;
    size_t need = 0, step;
    llmc_tokenizer *tok = NULL;
    llmc_diag diag;
    llmc_blob file;
    void *mem;
    memset(&o, 0, sizeof o);
    memset(&diag, 0, sizeof diag);
    file.data = json;
    file.size = sizeof json - 1;
    file.name = "tokenizer.json";
    CHECKF(llmc_tokenizer_need(&file, 1, NULL, &need, &diag) == LLMC_OK, "%s", diag.message);
    mem = malloc(need + 1);
    CHECKF(llmc_tokenizer_init(&tok, &file, 1, NULL, mem, need, &diag) == LLMC_OK, "%s", diag.message);
    if (tok != NULL && CHECK(encode_whole(tok, text, sizeof text - 1, &o, &whole))) {
        CHECK(whole.n == 7 && memcmp(whole.ids, expected, sizeof expected) == 0);
        for (step = 1; step < sizeof text; step++)
            CHECKF(encode_pieces(tok, text, sizeof text - 1, &o, 80, step, &rng, &pieces) &&
                       same(&whole, &pieces),
                   "in pieces of %u bytes: %u ids", (unsigned)step, (unsigned)pieces.n);
    }
    free(mem);
    free_result(&whole);
    free_result(&pieces);
}

/* An encoder that holds little back, where words are short; and what it says where one is not. */
static void encoder_memory(void)
{
    static const char *const small[] = {"data/vocabs/ggml-vocab-gpt-2.gguf",
                                        "data/vocabs/ggml-vocab-llama-spm.gguf"};
    char text[6000];
    uint64_t rng = 5;
    size_t f, i, need, used, n;
    for (i = 0; i < sizeof text; i++)
        text[i] = "the cat sat on a mat. "[i % 22];
    for (f = 0; f < 2; f++) {
        llmc_encode_options o;
        llmc_encoder *enc = NULL;
        llmc_diag diag;
        llmc_token ids[64];
        result whole = make_result(sizeof text), pieces = make_result(sizeof text);
        loaded l;
        void *mem;
        memset(&o, 0, sizeof o);
        if (!load(&l, small[f]))
            continue;
        encode_whole(l.tok, text, sizeof text, &o, &whole);
        CHECKF(encode_pieces(l.tok, text, sizeof text, &o, 64, 0, &rng, &pieces) && same(&whole, &pieces),
               "%s", small[f]);
        CHECK(llmc_encoder_need(l.tok, 64, &need, NULL) == LLMC_OK);
        mem = malloc(need);
        CHECK(llmc_encoder_init(&enc, l.tok, NULL, 64, mem, need - 1, &diag) == LLMC_NO_MEMORY &&
              enc == NULL);
        CHECK(llmc_encoder_init(&enc, l.tok, NULL, 64, mem, need, &diag) == LLMC_OK);
        memset(text, 'a', 400);
        CHECK(llmc_encoder_feed(enc, text, 400, false, &used, ids, NULL, 64, &n, &diag) == LLMC_NO_MEMORY &&
              strstr(diag.message, "64 bytes") != NULL);
        for (i = 0; i < 400; i++)
            text[i] = "the cat sat on a mat. "[i % 22];
        free(mem);
        free_result(&whole);
        free_result(&pieces);
        unload(&l);
    }
}

/* A decoder's pieces, one after the other, are the whole text; each ends where a character does. */
static void streamed_decode(void)
{
    corpus c = corpus_make(3, 1 << 15, CORPUS_INVALID);
    size_t f, b, i;
    for (f = 0; f < N_FILES; f++) {
        loaded l;
        if (!load(&l, file[f]))
            continue;
        for (b = 0; b < c.blocks; b++) {
            size_t len = c.starts[b + 1] - c.starts[b], m, at = 0, room = llmc_decoder_room(l.tok);
            const char *text = c.text + c.starts[b];
            char *out = (char *)malloc(60 * len + 600), *piece = (char *)malloc(room);
            llmc_encode_options o;
            llmc_decode_options d;
            llmc_decoder dec;
            result r = make_result(len);
            bool ok = true;
            memset(&o, 0, sizeof o);
            memset(&d, 0, sizeof d);
            o.add_bos = o.add_eos = d.show_special = b % 2 == 0;
            d.keep_space = b % 3 == 0;
            encode_whole(l.tok, text, len, &o, &r);
            CHECK(llmc_decode(l.tok, r.ids, r.n, &d, out, 60 * len + 600, &m, NULL) == LLMC_OK);
            llmc_decoder_init(&dec, l.tok, &d);
            for (i = 0; i < r.n && ok; i++) {
                size_t n = 0;
                ok = llmc_decoder_next(&dec, r.ids[i], piece, room, &n, NULL) == LLMC_OK && n <= m - at &&
                     memcmp(out + at, piece, n) == 0;
                ok = ok && (n == 0 || llmc__whole_chars((const uint8_t *)piece, n) == n);
                at += n;
            }
            i = llmc_decoder_end(&dec, piece);
            ok = ok && i == m - at && memcmp(out + at, piece, i) == 0;
            CHECKF(ok, "%s: block %u, id by id", file[f], (unsigned)b);
            free(out);
            free(piece);
            free_result(&r);
        }
        unload(&l);
    }
    corpus_free(&c);
}

/* Offsets ascend and stay in the text; byte-level ones are the tokens' own bytes without a gap. */
static void offsets(void)
{
    corpus c = corpus_make(11, 1 << 16, CORPUS_INVALID);
    size_t f, b, i;
    for (f = 0; f < N_FILES; f++) {
        loaded l;
        if (!load(&l, file[f]))
            continue;
        for (b = 0; b < c.blocks; b++) {
            size_t len = c.starts[b + 1] - c.starts[b], last = 0;
            const char *text = c.text + c.starts[b];
            llmc_encode_options o;
            result r = make_result(len);
            bool ok = true, exact = l.tok->bytes;
            memset(&o, 0, sizeof o);
            encode_whole(l.tok, text, len, &o, &r);
            for (i = 0; i < r.n && ok; i++) {
                const llmc__tok *k = &l.tok->tok[r.ids[i]];
                llmc_span s = r.spans[i];
                ok = s.begin <= s.end && s.end <= len;
                if (exact)
                    ok = ok && s.begin == last && s.end - s.begin == k->raw_len &&
                         memcmp(text + s.begin, l.tok->raw + k->raw, k->raw_len) == 0;
                last = s.end;
            }
            CHECKF(ok && (!exact || last == len), "%s: block %u: id %u of %u", file[f], (unsigned)b,
                   (unsigned)i, (unsigned)r.n);
            free_result(&r);
        }
        unload(&l);
    }
    corpus_free(&c);
}

/* Where the ids of a text come from, through prefix, lower case, accents and folded spaces. */
static void offsets_by_hand(void)
{
    static const struct {
        const char *file, *text;
        size_t n, begin[8], end[8]; /* of the first and the last id of each word: a word's extent */
    } want[] = {
        {"tests/models/tokenizers/spm.json", "the the", 2, {0, 3}, {3, 7}},
        {"tests/models/tokenizers/unigram.model", "  the   \xef\xac\x81 ", 2, {2, 5}, {5, 11}},
    };
    size_t w, i, k;
    for (w = 0; w < sizeof want / sizeof want[0]; w++) {
        llmc_encode_options o;
        size_t len = strlen(want[w].text);
        result r = make_result(len);
        loaded l;
        memset(&o, 0, sizeof o);
        if (!load(&l, want[w].file))
            continue;
        encode_whole(l.tok, want[w].text, len, &o, &r);
        for (i = k = 0; k < want[w].n; k++) {
            size_t begin = i < r.n ? r.spans[i].begin : SIZE_MAX, end = begin;
            while (i < r.n && r.spans[i].end <= want[w].end[k])
                end = r.spans[i++].end;
            CHECKF(begin == want[w].begin[k] && end == want[w].end[k],
                   "%s: word %u is [%u, %u), expected [%u, %u)", want[w].file, (unsigned)k, (unsigned)begin,
                   (unsigned)end, (unsigned)want[w].begin[k], (unsigned)want[w].end[k]);
        }
        free_result(&r);
        unload(&l);
    }
}

/* Seconds of processor time for one text. */
static double seconds(const llmc_tokenizer *tok, const char *text, size_t len)
{
    llmc_encode_options o;
    result r = make_result(len);
    size_t need = llmc_encode_need(tok, len);
    void *work = malloc(need);
    clock_t begin;
    double best = 1e9;
    int k;
    memset(&o, 0, sizeof o);
    for (k = 0; k < (TEST_SANITIZED ? 1 : 3); k++) {
        double t;
        begin = clock();
        CHECK(llmc_encode(tok, text, len, &o, work, need, r.ids, r.cap, &r.n, NULL) == LLMC_OK);
        t = (double)(clock() - begin) / CLOCKS_PER_SEC;
        best = t < best ? t : best;
    }
    free(work);
    free_result(&r);
    return best;
}

/* Sixteen times the text takes about sixteen times as long, not 256 times: what quadratic algorithms fall over. */
static void linear_time(void)
{
    static const char *const unit[] = {"a",        " ", "ab", "-",  "\n", "\xe4\xb8\xad",
                                       "\xcc\x81", "A", "1",  " a", "aA"};
    const size_t small = 1 << 14, large = 1 << 18;
    char *text = (char *)malloc(large);
    uint64_t rng = 9;
    size_t f, u, i, every = test_every(5);
    for (f = 0; f < N_FILES; f++) {
        loaded l;
        if (!load(&l, file[f]))
            continue;
        for (u = f % every; u < sizeof unit / sizeof unit[0] + 2; u += every) {
            bool letters = u == sizeof unit / sizeof unit[0];
            size_t m = u < sizeof unit / sizeof unit[0] ? strlen(unit[u]) : 0;
            double a, b;
            for (i = 0; i < large; i++)
                text[i] = m > 0 ? unit[u][i % m]
                                : (char)(letters ? 'a' + test_random(&rng, 26) : test_random(&rng, 256));
            a = seconds(l.tok, text, small);
            b = seconds(l.tok, text, large);
            CHECKF(b < 100 * (a + 0.0005), "%s: text %u: %g s for %u bytes, %g s for %u", file[f],
                   (unsigned)u, a, (unsigned)small, b, (unsigned)large);
        }
        unload(&l);
    }
    free(text);
}

int main(void)
{
    RUN(streamed_encode);
    RUN(streamed_cuts);
    RUN(plain_spans_ahead);
    RUN(word_behind_a_character);
    RUN(encoder_memory);
    RUN(streamed_decode);
    RUN(offsets);
    RUN(offsets_by_hand);
    RUN(linear_time);
    return test_end("test_encode");
}
