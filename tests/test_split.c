/* test_split.c -- section FILE.pattern, and TOKEN.split

   Expected pieces come from tests/vectors/split_reference.py: the published patterns run by Python's module
   regex, whose classes are those of Unicode 15.0. tests/vectors/split.txt has a hash per pattern and
   block of the text that `corpus` makes here; `test_split dump FILE` writes that text for the reference. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

#include <time.h>

#define BLOCK  16384
#define BLOCKS 72

typedef struct text {
    unsigned char *p;
    size_t n, cap;
} text;

static void put(text *t, const char *p, size_t n)
{
    if (n <= t->cap - t->n) {
        memcpy(t->p + t->n, p, n);
        t->n += n;
    }
}

static void put_point(text *t, unsigned cp)
{
    char c[4];
    if (cp < 0x110000 && (cp < 0xd800 || cp > 0xdfff))
        put(t, c, llmc__utf8_write(cp, c));
}

/* First and last code points to draw words from: 24 scripts, digits of several, fullwidth and styled
   letters, emoji, marks, and the rest of the planes. */
static const unsigned script[][2] = {
    {'a', 'z'},         {'A', 'Z'},         {0xc0, 0x24f},      {0x250, 0x2ff},     {0x370, 0x3ff},
    {0x400, 0x4ff},     {0x531, 0x58f},     {0x5d0, 0x5f4},     {0x600, 0x6ff},     {0x710, 0x74a},
    {0x900, 0x97f},     {0x980, 0x9fe},     {0xb80, 0xbfa},     {0xe01, 0xe5b},     {0xe81, 0xedf},
    {0xf00, 0xfda},     {0x1000, 0x109f},   {0x10a0, 0x10ff},   {0x1100, 0x11ff},   {0x1200, 0x137c},
    {0x13a0, 0x13fd},   {0x1780, 0x17f9},   {0x1c90, 0x1cbf},   {0x1e00, 0x1fff},   {0x3041, 0x30ff},
    {0x3400, 0x9fff},   {0xac00, 0xd7a3},   {0xa640, 0xa7ff},   {0xab70, 0xabbf},   {0xff01, 0xffdc},
    {0x1d400, 0x1d7ff}, {0x10400, 0x104fb}, {0x1e900, 0x1e95f}, {0x20000, 0x323af}, {0x16fe0, 0x16ff1},
    {0x1f300, 0x1faff}, {0x1f100, 0x1f1ff}, {0x300, 0x36f},     {0x2100, 0x218b},   {0x2460, 0x24ff},
    {0x2e80, 0x2fd5},   {0x3000, 0x303f},   {0x660, 0x669},     {0x966, 0x96f},     {0, 0x10ffff}};
static const char *const space[] = {" ",
                                    " ",
                                    " ",
                                    "  ",
                                    "   ",
                                    "\n",
                                    "\n",
                                    "\r\n",
                                    "\t",
                                    "\n\n",
                                    " \n",
                                    "\r",
                                    "\v",
                                    "\f",
                                    "        ",
                                    "\xc2\xa0",
                                    "\xe3\x80\x80",
                                    "\xe2\x80\xa8",
                                    "\xc2\x85",
                                    "\xe1\x9a\x80",
                                    "\xe2\x80\x8b",
                                    "\x1c",
                                    "\xef\xbb\xbf",
                                    "\xe1\xa0\x8e"};
static const char *const contraction[] = {
    "'s",  "'t",  "'m",  "'d",        "'re",           "'ve", "'ll", "'S",
    "'LL", "'Re", "'vE", "'\xc5\xbf", "'\xe2\x84\xaa", "'r",  "'l",  "\xe2\x80\x99s",
    "'"};
static const char *const snippet[] = {
    "for (int i = 0; i < n; i++)\n{\n\tx[i] += 1.5e-3;\n}\n",
    "https://example.org/a/b?c=d&e=f#g ",
    "<|im_start|>user\n",
    "camelCaseIdentifier_with_underscores ",
    "HTTPServer2XML ",
    "//\n/\r\n//",
    "...\n\n",
    "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7",
    "e\xcc\x81\xcc\xa3 ",
    "\xe4\xb8\xad"
    "A"
    "\xe4\xb8\xad"
    "ABC abc ",
    "  \n  \n   x",
    "$100,000.00 ",
    "0x1F 3.14159 1234567 ",
    "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8",
    "def f(self, x):\n    return x\n\n\n",
    "\"quoted\" 'quoted' ``"};

static void put_word(text *t, uint64_t *s)
{
    unsigned k = test_random(s, sizeof script / sizeof script[0]), n = 1 + test_random(s, 8), i;
    for (i = 0; i < n; i++)
        put_point(t, script[k][0] + test_random(s, script[k][1] - script[k][0] + 1));
}

/* One piece of text of a random kind. In every fourth block some bytes are not UTF-8. */
static void put_something(text *t, uint64_t *s, bool broken)
{
    unsigned i, n, kind = test_random(s, 100);
    if (kind < 25) {
        for (i = 0, n = 1 + test_random(s, 9); i < n; i++)
            put_point(t, (test_random(s, 12) == 0 ? 'A' : 'a') + test_random(s, 26));
    } else if (kind < 45) {
        put_word(t, s);
    } else if (kind < 70) {
        const char *c = space[test_random(s, sizeof space / sizeof space[0])];
        put(t, c, strlen(c));
    } else if (kind < 76) {
        for (i = 0, n = 1 + test_random(s, 7); i < n; i++)
            put_point(t, '0' + test_random(s, 10));
    } else if (kind < 84) {
        for (i = 0, n = 1 + test_random(s, 3); i < n; i++)
            put_point(t, (unsigned char)"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"[test_random(s, 32)]);
    } else if (kind < 90) {
        const char *c = contraction[test_random(s, sizeof contraction / sizeof contraction[0])];
        put(t, c, strlen(c));
    } else if (kind < 96) {
        const char *c = snippet[test_random(s, sizeof snippet / sizeof snippet[0])];
        put(t, c, strlen(c));
    } else if (kind < 98 || !broken) {
        put_point(t, test_random(s, 2) == 0 ? test_random(s, 32) : 0x300 + test_random(s, 0x70));
    } else {
        for (i = 0, n = 1 + test_random(s, 4); i < n; i++) {
            char byte = (char)test_random(s, 256);
            put(t, &byte, 1);
        }
    }
}

/* Block b of the text: up to BLOCK bytes in p. Every eighth one is of few kinds, so that runs get long. */
static size_t corpus(unsigned b, unsigned char *p)
{
    uint64_t s = 0x5eed0000u + b;
    text t;
    t.p = p;
    t.n = 0;
    t.cap = BLOCK;
    while (t.n + 64 < BLOCK) {
        if (b % 8 == 7 && test_random(&s, 3) != 0)
            put_point(&t, test_random(&s, 4) != 0 ? ' ' + (b / 8 % 3) * 1
                                                  : (unsigned char)"\n\r/'aA1\t"[test_random(&s, 8)]);
        else
            put_something(&t, &s, b % 4 == 3);
    }
    return t.n;
}

static uint8_t classes[LLMC__UC_BMP];

/* FNV-1a over where the pieces begin and end. */
static uint32_t hash_piece(uint32_t h, size_t begin, size_t end)
{
    unsigned i;
    for (i = 0; i < 4; i++)
        h = (h ^ ((unsigned)(begin >> (8 * i)) & 255)) * 16777619u;
    for (i = 0; i < 4; i++)
        h = (h ^ ((unsigned)(end >> (8 * i)) & 255)) * 16777619u;
    return h;
}

static uint32_t hash_pieces(const llmc__split *steps, uint32_t n_steps, const unsigned char *p, size_t n,
                            const uint8_t *uc)
{
    llmc__splitter s;
    size_t begin, end;
    uint32_t h = 2166136261u;
    llmc__splitter_init(&s, uc, steps, n_steps, p, n, true);
    while (llmc__splitter_next(&s, &begin, &end))
        h = hash_piece(h, begin, end);
    CHECK(s.settled == n);
    return h;
}

/* A line of split.txt names its steps: a name of tokenizer.ggml.pre, or patterns by number with how they behave,
   "p35:0:0" (pattern, behaviour, invert), joined by "+". */
static bool steps_of(const char *name, llmc__split *steps, uint32_t *n)
{
    uint32_t flags;
    unsigned pattern, behaviour, invert;
    int used;
    if (llmc__pattern_named(name, steps, n, &flags))
        return true;
    for (*n = 0; *n < LLMC__SPLIT_MAX; name += used + 1) {
        if (sscanf(name, "p%u:%u:%u%n", &pattern, &behaviour, &invert, &used) != 3)
            return false;
        steps[(*n)++] = llmc__split_step(pattern, (llmc__behaviour)behaviour, invert != 0);
        if (name[used] != '+')
            return true;
    }
    return false;
}

/* Every pattern on every block, against the reference; with the table of classes and without. */
static void reference_pieces(void)
{
    FILE *f = fopen("tests/vectors/split.txt", "r");
    static unsigned char p[BLOCK];
    char name[64];
    unsigned lines = 0;
    if (!CHECKF(f != NULL, "tests/vectors/split.txt is missing"))
        return;
    while (fscanf(f, "%63s", name) == 1) {
        llmc__split steps[LLMC__SPLIT_MAX];
        uint32_t n_steps = 0, b;
        unsigned want;
        bool known = steps_of(name, steps, &n_steps);
        CHECKF(known, "%s is no pattern", name);
        for (b = 0; b < BLOCKS && fscanf(f, "%x", &want) == 1; b++) {
            size_t n = corpus(b, p);
            uint32_t got = known ? hash_pieces(steps, n_steps, p, n, b % 2 == 0 ? classes : NULL) : 0;
            CHECKF(got == want, "%s cuts block %u in another way", name, b);
        }
        CHECKF(b == BLOCKS, "%s: %u blocks", name, b);
        lines++;
    }
    fclose(f);
    CHECK(lines >= 30);
}

/* Cut anywhere and continued at `settled`, a text gives the same pieces. */
static void streaming(void)
{
    static const char *const names[] = {
        "gpt-2",   "llama3",         "gpt-4o",          "tekken",         "kimi-k2",
        "qwen35",  "starcoder",      "deepseek-v3",     "deepseek-coder", "deepseek-llm",
        "falcon",  "bloom",          "laguna",          "default",        "p35:4:0+p1:0:0",
        "p33:2:0", "p33:3:0+p2:0:0", "p36:1:0+p31:0:0", "p3:0:0",         "p20:1:1",
        "p36:1:1", "p26:4:0",        "p26:2:1",         "p26:3:1",        "p26:3:0"};
    static unsigned char p[BLOCK];
    uint64_t seed = test_seed(41);
    unsigned round, k;
    for (k = 0; k < sizeof names / sizeof names[0]; k++) {
        llmc__split steps[LLMC__SPLIT_MAX];
        uint32_t n_steps = 0;
        if (!CHECKF(steps_of(names[k], steps, &n_steps), "%s", names[k]))
            continue;
        for (round = 0; round < 12; round++) {
            size_t n = corpus(test_random(&seed, BLOCKS), p), at = 0, have = 0, begin, end;
            uint32_t h = 2166136261u;
            unsigned most = 1 + (round % 3 == 0 ? 3 : test_random(&seed, 400));
            llmc__splitter s;
            n = n > 3000 ? 3000 : n;
            while (have < n || at < n) {
                have += have < n ? 1 + test_random(&seed, most) : 0;
                have = have > n ? n : have;
                llmc__splitter_init(&s, classes, steps, n_steps, p + at, have - at, have == n);
                while (llmc__splitter_next(&s, &begin, &end))
                    h = hash_piece(h, at + begin, at + end);
                if (!CHECK(s.settled <= have - at))
                    return;
                at += s.settled;
                if (have == n)
                    break;
            }
            CHECKF(at == n && h == hash_pieces(steps, n_steps, p, n, NULL),
                   "%s: other pieces when cut, round %u", names[k], round);
        }
    }
}

/* What is left unsettled of an ordinary text is short. */
static void streaming_goes_on(void)
{
    static const char sample[] = "It was a bright day in April, and 13 clocks were striking: one, two, ";
    static const char *const names[] = {"gpt-2",  "llama3",      "gpt-4o",        "starcoder",
                                        "falcon", "deepseek-v3", "deepseek-coder"};
    unsigned k;
    for (k = 0; k < sizeof names / sizeof names[0]; k++) {
        llmc__split steps[LLMC__SPLIT_MAX];
        llmc__splitter s;
        uint32_t n_steps = 0;
        size_t n, begin, end;
        CHECK(steps_of(names[k], steps, &n_steps));
        for (n = 0; n < sizeof sample; n++) {
            llmc__splitter_init(&s, classes, steps, n_steps, (const uint8_t *)sample, n, false);
            while (llmc__splitter_next(&s, &begin, &end))
                ;
            CHECKF(s.settled + 12 >= n, "%s: %u of %u bytes are settled", names[k], (unsigned)s.settled,
                   (unsigned)n);
        }
    }
}

/* Pieces of text by one step, joined by '|'. */
static const char *pieces(const llmc__split *steps, uint32_t n_steps, const char *p, char *out)
{
    llmc__splitter s;
    size_t begin, end, n = 0;
    llmc__splitter_init(&s, NULL, steps, n_steps, (const uint8_t *)p, strlen(p), true);
    while (llmc__splitter_next(&s, &begin, &end)) {
        if (n > 0)
            out[n++] = '|';
        memcpy(out + n, p + begin, end - begin);
        n += end - begin;
    }
    out[n] = 0;
    return out;
}

/* Split behaviours as Hugging Face's documentation of SplitDelimiterBehavior defines them ("the-final--countdown"), also inverted. */
static void behaviours(void)
{
    static const struct {
        int behaviour, invert;
        const char *want;
    } t[] = {
        {LLMC__REMOVED, 0, "the|final|countdown"},
        {LLMC__ISOLATED, 0, "the|-|final|-|-|countdown"},
        {LLMC__MERGED_PREVIOUS, 0, "the-|final-|-|countdown"},
        {LLMC__MERGED_NEXT, 0, "the|-final|-|-countdown"},
        {LLMC__CONTIGUOUS, 0, "the|-|final|--|countdown"},
        {LLMC__REMOVED, 1, "-|-|-"},
        {LLMC__ISOLATED, 1, "the|-|final|-|-|countdown"},
        {LLMC__MERGED_PREVIOUS, 1, "the|-final|-|-countdown"},
        {LLMC__MERGED_NEXT, 1, "the-|final-|-|countdown"},
        {LLMC__CONTIGUOUS, 1, "the|-|final|--|countdown"},
    };
    char out[64];
    unsigned i;
    for (i = 0; i < sizeof t / sizeof t[0]; i++) {
        llmc__split step =
            llmc__split_step(LLMC__PAT_TEXT, (llmc__behaviour)t[i].behaviour, t[i].invert != 0);
        step.text[0] = '-';
        step.text_len = 1;
        pieces(&step, 1, "the-final--countdown", out);
        CHECKF(strcmp(out, t[i].want) == 0, "behaviour %d, invert %d: %s", t[i].behaviour, t[i].invert, out);
    }
    CHECK(strcmp(pieces(NULL, 0, "all of it", out), "all of it") == 0);
    CHECK(strcmp(pieces(NULL, 0, "", out), "") == 0);
}

/* Names and regexes that are known, and some that are not. */
static void names(void)
{
    llmc__split steps[LLMC__SPLIT_MAX];
    uint32_t n, flags;
    CHECK(llmc__pattern_named("llama-bpe", steps, &n, &flags) && n == 1 &&
          steps[0].pattern == LLMC__PAT_CL100K && flags == LLMC__PRE_LLAMA3);
    CHECK(llmc__pattern_named("deepseek-llm", steps, &n, &flags) && n == 6 && flags == 0);
    CHECK(!llmc__pattern_named("", steps, &n, &flags) &&
          !llmc__pattern_named("llama-bpe2", steps, &n, &flags));
    CHECK(llmc__pattern_of_regex("\\p{N}{1,3}", 10) == LLMC__PAT_DIGITS3);
    CHECK(llmc__pattern_of_regex("\\p{N}{1,3}", 9) == LLMC__PAT_NONE);
    CHECK(llmc__pattern_of_regex("\\p{N}{1,3}\0", 11) == LLMC__PAT_NONE);
    CHECK(llmc__pattern_of_regex("[\r\n]", 4) == LLMC__PAT_NEWLINE);
    CHECK(llmc__pattern_of_regex("[\\r\\n]", 6) == LLMC__PAT_NEWLINE);
    CHECK(llmc__pattern_of_regex("[\r\\n]", 5) == LLMC__PAT_NEWLINE);
    CHECK(llmc__pattern_of_regex("", 0) == LLMC__PAT_NONE &&
          llmc__pattern_of_regex("[\r", 2) == LLMC__PAT_NONE);
}

/* DeepSeek LLM's letters, spelt from the ranges in the two ways that stand side by side in it. */
static void cased_regex(void)
{
    char t[2048];
    size_t n = 4, i;
    memcpy(t, "\\s?[", 4);
    for (i = 0; i < sizeof llmc__cased_range / sizeof llmc__cased_range[0]; i++) {
        const uint32_t *r = llmc__cased_range[i];
        n += llmc__utf8_write(r[0], t + n);
        if (r[1] > r[0] + 1)
            t[n++] = '-';
        if (r[1] > r[0])
            n += llmc__utf8_write(r[1], t + n);
    }
    memcpy(t + n, "]+", 2);
    CHECK(llmc__pattern_of_regex(t, n + 2) == LLMC__PAT_CASED);
    CHECK(llmc__pattern_of_regex(t, n + 1) == LLMC__PAT_NONE);

    t[8] = 'X';
    CHECK(llmc__pattern_of_regex(t, n + 2) == LLMC__PAT_NONE);
}

/* The same regex is in the table once, and every row's own text leads back to its pattern. */
static void regex_table(void)
{
    size_t i;
    for (i = 0; i < sizeof llmc__regex_table / sizeof llmc__regex_table[0]; i++) {
        const llmc__regex *r = &llmc__regex_table[i];
        CHECKF(llmc__pattern_of_regex(r->text, strlen(r->text)) == (llmc__pattern)r->pattern, "%s", r->text);
    }
    for (i = 0; i < sizeof llmc__pre_name_table / sizeof llmc__pre_name_table[0]; i++)
        CHECK(llmc__pre_name_table[i].cut < LLMC__CUT_COUNT);
}

static double seconds_of(const llmc__split *steps, uint32_t n_steps, const unsigned char *p, size_t n)
{
    double best = 1e9;
    int i;
    for (i = 0; i < 3; i++) {
        clock_t begin = clock();
        double s;
        hash_pieces(steps, n_steps, p, n, classes);
        s = (double)(clock() - begin) / CLOCKS_PER_SEC;
        best = s < best ? s : best;
    }
    return best;
}

/* No text takes much longer per byte than another: four times the length takes less than ten times as long, where
   a quadratic matcher would take sixteen times. */
static void linear_time(void)
{
    static const char *const unit[] = {"a",
                                       " ",
                                       "\n",
                                       "A",
                                       "1",
                                       "'",
                                       "\xcc\x81",
                                       "\xe4\xb8\xad",
                                       "\xff",
                                       "a ",
                                       " \n",
                                       "\xe4\xb8\xad"
                                       "A",
                                       "'r",
                                       "\x01",
                                       "-",
                                       " x  ",
                                       "\xe2\x80\xa8",
                                       "12 "};
    static const char *const names[] = {
        "gpt-2",          "llama3",       "gpt-4o", "kimi-k2", "qwen35", "starcoder", "deepseek-v3",
        "deepseek-coder", "deepseek-llm", "falcon", "bloom",   "p3:0:0", "p20:1:1"};
    size_t big = 1 << 19, n;
    unsigned char *p = (unsigned char *)malloc(big);
    unsigned i, k, every = test_every(7);
    if (p == NULL)
        return;
    for (i = 0; i < sizeof unit / sizeof unit[0]; i++) {
        for (n = 0; n < big; n++)
            p[n] = (unsigned char)unit[i][n % strlen(unit[i])];
        for (k = i % every; k < sizeof names / sizeof names[0]; k += every) {
            llmc__split steps[LLMC__SPLIT_MAX];
            uint32_t n_steps = 0;
            double small, large;
            CHECK(steps_of(names[k], steps, &n_steps));
            small = seconds_of(steps, n_steps, p, big / 4);
            large = seconds_of(steps, n_steps, p, big);
            CHECKF(large < 10 * small + 0.02, "%s, text %u: %.4f s for a quarter, %.4f s for all", names[k],
                   i, small, large);
        }
    }
    free(p);
}

static int dump(const char *path)
{
    static unsigned char p[BLOCK];
    FILE *f = fopen(path, "wb");
    unsigned b;
    if (f == NULL)
        return 1;
    for (b = 0; b < BLOCKS; b++) {
        size_t n = corpus(b, p);
        unsigned char size[4] = {(unsigned char)n, (unsigned char)(n >> 8), (unsigned char)(n >> 16), 0};
        fwrite(size, 1, 4, f);
        fwrite(p, 1, n, f);
    }
    return fclose(f) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "dump") == 0)
        return dump(argv[2]);
    llmc__uc_fill(classes);
    RUN(names);
    RUN(regex_table);
    RUN(cased_regex);
    RUN(behaviours);
    RUN(reference_pieces);
    RUN(streaming);
    RUN(streaming_goes_on);
    RUN(linear_time);
    return test_end("split");
}
