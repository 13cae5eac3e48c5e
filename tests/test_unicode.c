/* test_unicode.c -- sections TOKEN.unicode and TOKEN.normal

   Expected texts come from tests/vectors/unicode_reference.py, which normalises by Unicode's data files alone
   and is itself held against all of NormalizationTest.txt. tests/vectors/unicode.txt has a hash for each kind
   of step and block of strings that `block` makes here; `test_unicode dump FILE` writes the strings.
   The tables are held against the data files by tests/build/tables.sh. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

#include <time.h>

#define BLOCKS  32
#define STRINGS 128 /* in a block */
#define LONGEST 1200

/* Where characters decompose, compose, combine, have case or are controls. */
static const unsigned range[][2] = {
    {0, 0x24f},         {'A', 'z'},         {0x300, 0x36f},     {0x300, 0x315},     {0x340, 0x345},
    {0x370, 0x3ff},     {0x400, 0x52f},     {0x5b0, 0x5ea},     {0x610, 0x6d5},     {0x900, 0x9ff},
    {0xb40, 0xdff},     {0xf40, 0xf84},     {0x1000, 0x1040},   {0x10a0, 0x10ff},   {0x1100, 0x11ff},
    {0x1161, 0x11c2},   {0x13a0, 0x13fd},   {0x1ab0, 0x1ace},   {0x1b00, 0x1b44},   {0x1c80, 0x1cbf},
    {0x1dc0, 0x1dff},   {0x1e00, 0x1fff},   {0x2000, 0x214f},   {0x2160, 0x22ff},   {0x2460, 0x24ff},
    {0x2adc, 0x2adc},   {0x2c00, 0x2d2f},   {0x302a, 0x30ff},   {0x3131, 0x33ff},   {0xa640, 0xa7ff},
    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfb00, 0xfdff},   {0xfe20, 0xffee},   {0x10400, 0x1044f},
    {0x11080, 0x1113f}, {0x11347, 0x115bf}, {0x11930, 0x1193f}, {0x1d15e, 0x1d1c8}, {0x1d400, 0x1d7ff},
    {0x1e000, 0x1e94a}, {0x1f100, 0x1f251}, {0x2f800, 0x2fa1d}, {0, 0x10ffff}};

/* String i of block b into p [LONGEST]: every fourth block has bytes that are not UTF-8, every fifth string is one long
   run of marks behind a letter. */
static size_t string(unsigned b, unsigned i, char *p)
{
    uint64_t s = 0x0510000u + b * 1000u + i;
    unsigned n = 1 + test_random(&s, 24), k = 0;
    bool marks = i % 5 == 4;
    size_t len = 0;
    if (marks)
        n = 20 + test_random(&s, 240);
    while (n-- > 0 && len + 8 < LONGEST) {
        unsigned cp;
        if (!marks && test_random(&s, 3) == 0)
            k = test_random(&s, sizeof range / sizeof range[0]);
        if (marks)
            k = test_random(&s, 40) == 0 ? 21 : 2;
        cp = range[k][0] + test_random(&s, range[k][1] - range[k][0] + 1);
        if (b % 4 == 3 && test_random(&s, 12) == 0)
            p[len++] = (char)(128 + test_random(&s, 128));
        if (cp < 0xd800 || cp > 0xdfff)
            len += llmc__utf8_write(cp, p + len);
        if (test_random(&s, 3) == 0)
            k = 2 + test_random(&s, 3);
    }
    return len;
}

static llmc__normal step(llmc__normal_kind kind)
{
    llmc__normal s;
    memset(&s, 0, sizeof s);
    s.kind = (uint8_t)kind;
    return s;
}

static uint32_t hash_bytes(uint32_t h, const void *p, size_t n)
{
    const unsigned char *b = (const unsigned char *)p;
    for (; n > 0; n--)
        h = (h ^ *b++) * 16777619u;
    return h;
}

/* The steps that lines of unicode.txt name. */
static bool steps_of(const char *name, llmc__normal *steps, uint32_t *n)
{
    static const char *const names[] = {"nfc", "nfd", "nfkc", "nfkd", "lower", "strip_accents"};
    unsigned i;
    *n = 1;
    for (i = 0; i < 6; i++)
        if (strcmp(name, names[i]) == 0) {
            steps[0] = step((llmc__normal_kind)i);
            return true;
        }
    steps[0] = step(strcmp(name, "nmt") == 0 ? LLMC__NORMAL_NMT : LLMC__NORMAL_BERT);
    steps[0].a = strchr(name, 'a') != NULL; /* bert:abcd */
    steps[0].b = strchr(name + 4, 'b') != NULL;
    steps[0].c = strchr(name, 'c') != NULL;
    steps[0].d = strchr(name, 'd') != NULL;
    if (strcmp(name, "nmt") == 0 || strncmp(name, "bert:", 5) == 0)
        return true;
    if (strcmp(name, "nfkd+strip_accents+lower+nfc") != 0)
        return false;
    *n = 4;
    steps[0] = step(LLMC__NORMAL_NFKD);
    steps[1] = step(LLMC__NORMAL_STRIP_ACCENTS);
    steps[2] = step(LLMC__NORMAL_LOWER);
    steps[3] = step(LLMC__NORMAL_NFC);
    return true;
}

/* The steps' output for p [n], with exactly the memory that they say they need: *used, to be freed. */
static uint8_t *apply(const llmc__normal *steps, uint32_t n_steps, const char *p, size_t n, size_t *used)
{
    size_t cap = llmc__normal_room(steps, n_steps, n),
           work_bytes = llmc__normal_work(steps, n_steps, n, true), i;
    uint8_t *out = (uint8_t *)malloc(cap + 1), *work = (uint8_t *)malloc(work_bytes + 1);
    uint32_t *origin = (uint32_t *)malloc((cap + 1) * sizeof *origin);
    bool ok =
        llmc__normalize(steps, n_steps, (const uint8_t *)p, n, out, cap, origin, work, work_bytes, used);
    CHECKF(ok, "%u bytes do not fit %u", (unsigned)*used, (unsigned)cap);
    for (i = 0; ok && i < *used; i++)
        CHECK(origin[i] < n);
    CHECK(!ok || origin[*used] == n);
    free(origin);
    free(work);
    return out;
}

static void reference(void)
{
    FILE *f = fopen("tests/vectors/unicode.txt", "r");
    char name[64], p[LONGEST];
    unsigned lines = 0;
    if (!CHECKF(f != NULL, "tests/vectors/unicode.txt is missing"))
        return;
    while (fscanf(f, "%63s", name) == 1) {
        llmc__normal steps[LLMC__NORMAL_MAX];
        uint32_t n_steps = 0;
        unsigned b, i, want;
        if (!CHECKF(steps_of(name, steps, &n_steps), "%s", name))
            break;
        for (b = 0; b < BLOCKS && fscanf(f, "%x", &want) == 1; b++) {
            uint32_t h = 2166136261u;
            for (i = 0; i < STRINGS; i++) {
                size_t n = string(b, i, p), used;
                uint8_t *out = apply(steps, n_steps, p, n, &used);
                h = hash_bytes(hash_bytes(h, out, used), "\xff", 1);
                free(out);
            }
            CHECKF(h == want, "%s makes something else of block %u", name, b);
        }
        CHECKF(b == BLOCKS, "%s: %u blocks", name, b);
        lines++;
    }
    fclose(f);
    CHECK(lines >= 10);
}

/* One step on a short text. */
static void expect(const llmc__normal *s, uint32_t n_steps, const char *text, const char *want)
{
    size_t used;
    uint8_t *out = apply(s, n_steps, text, strlen(text), &used);
    CHECKF(used == strlen(want) && memcmp(out, want, used) == 0, "'%s' becomes '%.*s', not '%s'", text,
           (int)used, (char *)out, want);
    free(out);
}

static void text_steps(void)
{
    llmc__normal s[3];
    s[0] = step(LLMC__NORMAL_PREPEND);
    memcpy(s[0].to, "\xe2\x96\x81", 3);
    s[0].to_len = 3;
    expect(s, 1, "a b",
           "\xe2\x96\x81"
           "a b");
    expect(s, 1, "", "");
    s[1] = step(LLMC__NORMAL_REPLACE);
    s[1].from[0] = ' ';
    s[1].from_len = 1;
    memcpy(s[1].to, "\xe2\x96\x81", 3);
    s[1].to_len = 3;
    expect(s, 2, "a  b",
           "\xe2\x96\x81"
           "a\xe2\x96\x81\xe2\x96\x81"
           "b");
    memcpy(s[1].from, "aa", 2);
    s[1].from_len = 2;
    s[1].to_len = 0;
    expect(s + 1, 1, "aaaaabaa", "ab");
    expect(s + 1, 1, "a", "a");
    s[1].from_len = 0;
    expect(s + 1, 1, "aa", "aa");
    s[2] = step(LLMC__NORMAL_COLLAPSE);
    s[2].to[0] = '_';
    s[2].to_len = 1;
    expect(s + 2, 1, "  a b   c  ", "_a b_c_");
    s[2] = step(LLMC__NORMAL_STRIP);
    expect(s + 2, 1, " a ", " a ");
    s[2].a = true;
    expect(s + 2, 1, " \xe3\x80\x80 a b \n", "a b \n");
    expect(s + 2, 1, " \n", "");
    s[2].b = true;
    expect(s + 2, 1, " \xe3\x80\x80 a b \n", "a b");
    expect(s + 2, 1, "\t \n", "");
    s[2].a = false;
    expect(s + 2, 1, " a \n", " a");
    expect(s + 2, 1, "  ", "");
}

/* Where output bytes come from. */
static void origins(void)
{
    llmc__normal s[2];
    uint8_t out[32], work[256];
    uint32_t origin[33];
    static const uint32_t want[] = {0, 1, 1, 1, 2, 3, 3, 5};
    size_t used;
    s[0] = step(LLMC__NORMAL_NFD);
    s[1] = step(LLMC__NORMAL_REPLACE);
    s[1].from[0] = ' ';
    s[1].from_len = 1;
    memcpy(s[1].to, "...", 3);
    s[1].to_len = 3;
    /* a, a space, b, U+00E9 as e and U+0301 */
    CHECK(
        llmc__normalize(s, 2, (const uint8_t *)"a b\xc3\xa9", 5, out, 32, origin, work, sizeof work, &used));
    CHECK(used == 8 && memcmp(out, "a...be\xcc\x81", 8) == 0);
    CHECK(used == 8 && memcmp(origin, want, sizeof want - sizeof want[0]) == 0 && origin[7] == 3 &&
          origin[8] == 5);
}

/* With less room than the output takes nothing is written beyond it, and the whole length is known. */
static void too_small(void)
{
    static const char text[] = "caf\xc3\xa9 \xef\xb7\xba A\xcc\x81\xcc\xa3";
    llmc__normal s[2];
    uint8_t out[128], work[512];
    size_t used, whole, cap, w;
    s[0] = step(LLMC__NORMAL_NFKD);
    s[1] = step(LLMC__NORMAL_LOWER);
    CHECK(llmc__normalize(s, 2, (const uint8_t *)text, sizeof text - 1, out, sizeof out, NULL, work,
                          sizeof work, &whole));
    for (cap = 0; cap < whole; cap++) {
        memset(out, 0xaa, sizeof out);
        CHECK(!llmc__normalize(s, 2, (const uint8_t *)text, sizeof text - 1, out, cap, NULL, work,
                               sizeof work, &used));
        CHECK(used == whole && out[cap] == 0xaa);
    }
    for (w = 0; w < 2 * whole; w++)
        CHECK(!llmc__normalize(s, 2, (const uint8_t *)text, sizeof text - 1, out, sizeof out, NULL, work, w,
                               &used) &&
              used == 0);
    CHECK(!llmc__normalize(s, 2, (const uint8_t *)text, sizeof text - 1, out, sizeof out, NULL, NULL, 0,
                           &used));
    CHECK(llmc__normalize(s, 0, (const uint8_t *)text, 5, out, sizeof out, NULL, NULL, 0, &used) &&
          used == 5);
    CHECK(llmc__normalize(s, 2, NULL, 0, out, 0, NULL, NULL, 0, &used) && used == 0);
}

/* A double array by hand: key "a" -> "xyz", key "ab" -> "", key "\xc3\xa9" -> "e". */
static void put_u32(uint8_t *p, uint32_t v)
{
    unsigned i;
    for (i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

#define UNITS 1024

static uint32_t make_charsmap(uint8_t *p)
{
    const uint32_t leaf = 0x80000000u;
    uint8_t *unit = p + 4;
    memset(p, 0, 4 + 4 * UNITS + 8);
    put_u32(p, 4 * UNITS);
    put_u32(unit, 256 << 10);                                 /* root: children at 256 ^ byte */
    put_u32(unit + 4 * (256 ^ 'a'), 512 << 10 | 0x100 | 'a'); /* value at place ^ 512, children there */
    put_u32(unit + 4 * ((256 ^ 'a') ^ 512), leaf | 0);
    put_u32(unit + 4 * ((256 ^ 'a') ^ 512 ^ 'b'), 128 << 10 | 0x100 | 'b');
    put_u32(unit + 4 * ((256 ^ 'a') ^ 512 ^ 'b' ^ 128), leaf | 3);
    put_u32(unit + 4 * (256 ^ 0xc3), 512 << 10 | 0xc3);
    put_u32(unit + 4 * ((256 ^ 0xc3) ^ 512 ^ 0xa9), 64 << 10 | 0x100 | 0xa9);
    put_u32(unit + 4 * ((256 ^ 0xc3) ^ 512 ^ 0xa9 ^ 64), leaf | 4);
    memcpy(p + 4 + 4 * UNITS, "xyz\0e\0", 6);
    return 4 + 4 * UNITS + 6;
}

static void base64(const uint8_t *p, size_t n, uint8_t *out, uint32_t *len)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t i;
    *len = 0;
    for (i = 0; i < n; i += 3) {
        uint32_t v =
            (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0u);
        unsigned k;
        for (k = 0; k < 4 && i + k <= n; k++)
            out[(*len)++] = (uint8_t)digit[v >> (18 - 6 * k) & 63];
    }
}

static void charsmap(void)
{
    static uint8_t map[8192], text[8192];
    llmc__normal s = step(LLMC__NORMAL_PRECOMPILED);
    uint32_t size = make_charsmap(map), i;
    s.blob = map;
    s.blob_len = size;
    CHECK(llmc__charsmap_check(&s) && s.to_len == 3);
    expect(&s, 1, "caab\xc3\xa9\xc3\xa8", "cxyze\xc3\xa8");
    expect(&s, 1,
           "b\xff"
           "a",
           "b\xff"
           "xyz");
    base64(map, size, text, &s.blob_len);
    s.blob = text;
    s.a = true;
    CHECK(llmc__charsmap_size(&s) == size && llmc__charsmap_check(&s) && s.to_len == 3);
    expect(&s, 1, "caab\xc3\xa9\xc3\xa8", "cxyze\xc3\xa8");
    s.a = false;
    s.blob = map;
    for (i = 0; i < size; i++) {
        s.blob_len = i;
        CHECK(!llmc__charsmap_check(&s) || i == size - 1 || i > 4 + 4 * UNITS);
    }
    s.blob_len = size;
    put_u32(map, 4 * UNITS + 2);
    CHECK(!llmc__charsmap_check(&s));
    put_u32(map, 0xfffffffcu);
    CHECK(!llmc__charsmap_check(&s));
}

/* Whatever the trie holds, nothing is read or written out of place. */
static void hostile_charsmap(void)
{
    static uint8_t map[8192];
    uint64_t seed = test_seed(5);
    unsigned round;
    for (round = 0; round < 300; round++) {
        llmc__normal s = step(LLMC__NORMAL_PRECOMPILED);
        char p[LONGEST];
        size_t n = string(round % BLOCKS, round % STRINGS, p), used, i;
        uint8_t out[4096];
        s.blob_len = make_charsmap(map);
        for (i = 1 + test_random(&seed, 400); i > 0; i--)
            map[4 + test_random(&seed, s.blob_len - 4)] = (uint8_t)test_random(&seed, 256);
        map[s.blob_len - 1] = 0;
        s.blob = map;
        if (llmc__charsmap_check(&s))
            llmc__normalize(&s, 1, (const uint8_t *)p, n, out, sizeof out, NULL, NULL, 0, &used);
    }
}

/* Four times the text takes less than ten times as long, also where there is nothing but marks, in one class or many. */
static void linear_time(void)
{
    static const char *const unit[] = {"\xcc\x81",
                                       "\xcc\x81\xcc\xa3\xcc\xb4\xcd\xa0\xcc\x95",
                                       "e\xcc\x81",
                                       "\xe1\x85\xa1",
                                       "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8",
                                       "\xef\xb7\xba",
                                       "  ",
                                       "a ",
                                       "\xff",
                                       "\xcd\x84"};
    static const char *const names[] = {"nfc", "nfd", "nfkc", "nfkd", "bert:abcd"};
    size_t big = 1 << 17, n, used;
    char *p = (char *)malloc(big);
    uint8_t *out = (uint8_t *)malloc(big * 11), *work = (uint8_t *)malloc(big * 22 + 64);
    unsigned i, k, turn;
    for (i = 0; i < sizeof unit / sizeof unit[0]; i++) {
        for (n = 0; n < big; n++)
            p[n] = unit[i][n % strlen(unit[i])];
        for (k = 0; k < 5; k++) {
            double seconds[2] = {1e9, 1e9};
            llmc__normal s[4];
            uint32_t n_steps = 0;
            CHECK(steps_of(names[k], s, &n_steps));
            for (turn = 0; turn < 4; turn++) {
                clock_t begin = clock();
                double t;
                CHECK(llmc__normalize(s, n_steps, (const uint8_t *)p, turn % 2 == 0 ? big / 4 : big, out,
                                      big * 11, NULL, work, big * 22 + 64, &used));
                t = (double)(clock() - begin) / CLOCKS_PER_SEC;
                seconds[turn % 2] = t < seconds[turn % 2] ? t : seconds[turn % 2];
            }
            CHECKF(seconds[1] < 10 * seconds[0] + 0.02, "%s, text %u: %.4f s for a quarter, %.4f s for all",
                   names[k], i, seconds[0], seconds[1]);
        }
    }
    free(p);
    free(out);
    free(work);
}

static int dump(const char *path)
{
    FILE *f = fopen(path, "wb");
    char p[LONGEST];
    unsigned b, i;
    if (f == NULL)
        return 1;
    for (b = 0; b < BLOCKS; b++)
        for (i = 0; i < STRINGS; i++) {
            size_t n = string(b, i, p);
            fputc((int)(n & 255), f);
            fputc((int)(n >> 8), f);
            fwrite(p, 1, n, f);
        }
    return fclose(f) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "dump") == 0)
        return dump(argv[2]);
    RUN(reference);
    RUN(text_steps);
    RUN(origins);
    RUN(too_small);
    RUN(charsmap);
    RUN(hostile_charsmap);
    RUN(linear_time);
    return test_end("unicode");
}
