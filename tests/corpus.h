/* corpus.h -- made-up text of every sort, the same on every machine

   What tokenizers are compared on: this file's own words and snippets, put together by a generator of
   random numbers, without floating point. Prose in 28 scripts, combining marks in any order, numbers,
   contractions, code, emoji, controls, white space, private use, Markdown, JSON, long runs and,
   when asked for, code points that are not assigned and bytes that are not UTF-8.

     corpus c = corpus_make(seed, 1 << 20, CORPUS_INVALID | CORPUS_UNASSIGNED);
     block b of c: the bytes c.text[c.starts[b]] .. c.text[c.starts[b + 1]] - 1, of the sort corpus_sort(&c, b)

   A block depends on seed, flags and its number only: a larger corpus begins with the smaller one. Blocks
   are texts of their own, encoded one by one, so that a difference has a place. Without flags every
   code point was assigned before Unicode 13, private or a noncharacter for ever: references of later
   versions agree on what it is. tests/vectors/corpus.c prints a corpus for references in other languages. */
#ifndef CORPUS_H
#define CORPUS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CORPUS_INVALID = 1, CORPUS_UNASSIGNED = 2 };

typedef struct corpus {
    char *text;
    size_t n;
    size_t *starts; /* [blocks + 1] */
    size_t blocks;
    unsigned flags;
} corpus;

/* The text being written; room is made in corpus_byte alone. */
typedef struct corpus_out {
    char *text;
    size_t n, cap;
    uint64_t random;
} corpus_out;

/* SplitMix64: a number below n, n > 0. */
static unsigned corpus_random(corpus_out *o, unsigned n)
{
    uint64_t z = o->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (unsigned)(((z ^ (z >> 31)) >> 32) % n);
}

/* Small numbers more often than large ones. */
static unsigned corpus_small(corpus_out *o, unsigned n)
{
    return corpus_random(o, 1 + corpus_random(o, 1 + corpus_random(o, n)));
}

static void corpus_byte(corpus_out *o, unsigned byte)
{
    if (o->n == o->cap) {
        o->cap = o->cap * 2 + 4096;
        o->text = (char *)realloc(o->text, o->cap);
        if (o->text == NULL)
            abort();
    }
    o->text[o->n++] = (char)byte;
}

static void corpus_put(corpus_out *o, const char *s)
{
    while (*s != 0)
        corpus_byte(o, (unsigned char)*s++);
}

/* One code point as UTF-8. */
static void corpus_char(corpus_out *o, unsigned c)
{
    if (c < 0x80) {
        corpus_byte(o, c);
        return;
    }
    if (c < 0x800) {
        corpus_byte(o, 0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            corpus_byte(o, 0xe0 | c >> 12);
        } else {
            corpus_byte(o, 0xf0 | c >> 18);
            corpus_byte(o, 0x80 | (c >> 12 & 63));
        }
        corpus_byte(o, 0x80 | (c >> 6 & 63));
    }
    corpus_byte(o, 0x80 | (c & 63));
}

#define CORPUS_COUNT(a) ((unsigned)(sizeof(a) / sizeof(a)[0]))

/* One of the words of a text that separates them by single spaces. */
static void corpus_pick(corpus_out *o, const char *words)
{
    unsigned n = 1, i;
    const char *p;
    for (p = words; *p != 0; p++)
        n += *p == ' ';
    for (i = corpus_random(o, n), p = words; i > 0; p++)
        i -= *p == ' ';
    for (; *p != 0 && *p != ' '; p++)
        corpus_byte(o, (unsigned char)*p);
}

/*--- prose: scripts with their habits ---*/

/* A script's letters (pairs of first and last code point), vowel signs and other marks that follow a
   letter, digits from `zero` on, what stands between words and at the end of a sentence. */
typedef struct corpus_script {
    const char *name;
    unsigned letter[8];
    unsigned mark[4];
    unsigned zero;
    const char *between, *comma, *stop;
    unsigned shortest, longest; /* letters in a word */
} corpus_script;

static const corpus_script corpus_scripts[] = {
    {"Latin", {'a', 'z', 0xdf, 0xf6, 0x101, 0x105}, {0}, '0', " ", ", ", ". ", 2, 10},
    {"Cyrillic", {0x430, 0x44f, 0x430, 0x44f, 0x451, 0x45c}, {0}, '0', " ", ", ", ". ", 2, 11},
    {"Greek", {0x3b1, 0x3c9, 0x3ac, 0x3ce, 0x1f70, 0x1f7d}, {0}, '0', " ", ", ", "; ", 2, 10},
    {"Arabic", {0x627, 0x63a, 0x641, 0x64a}, {0x64b, 0x652}, 0x660, " ", "\xd8\x8c ", "\xd8\x9f ", 2, 8},
    {"Persian", {0x627, 0x63a, 0x6a9, 0x6af, 0x641, 0x648}, {0}, 0x6f0, " ", "\xd8\x8c ", ". ", 2, 8},
    {"Hebrew", {0x5d0, 0x5ea}, {0x5b0, 0x5bc}, '0', " ", ", ", ": ", 2, 7},
    {"Syriac", {0x710, 0x710, 0x712, 0x72c}, {0x730, 0x73f}, '0', " ", ", ", ". ", 2, 7},
    {"Devanagari", {0x905, 0x939}, {0x93e, 0x94d, 0x901, 0x903}, 0x966, " ", ", ", "\xe0\xa5\xa4 ", 2, 6},
    {"Bengali",
     {0x995, 0x9a8, 0x9aa, 0x9b0},
     {0x9be, 0x9c4, 0x9cd, 0x9cd},
     0x9e6,
     " ",
     ", ",
     "\xe0\xa5\xa4\n",
     2,
     6},
    {"Gujarati", {0xa95, 0xaa8, 0xaaa, 0xab0}, {0xabe, 0xac5, 0xacd, 0xacd}, 0xae6, " ", ", ", ". ", 2, 6},
    {"Tamil",
     {0xb95, 0xb95, 0xb99, 0xb9a, 0xbae, 0xbb9},
     {0xbbe, 0xbc2, 0xbcd, 0xbcd},
     0xbe6,
     " ",
     ", ",
     ". ",
     2,
     8},
    {"Telugu", {0xc15, 0xc28, 0xc2a, 0xc33}, {0xc3e, 0xc44, 0xc4d, 0xc4d}, 0xc66, " ", ", ", ". ", 2, 7},
    {"Sinhala", {0xd9a, 0xdb1, 0xdb3, 0xdbb}, {0xdcf, 0xdd4, 0xdca, 0xdca}, 0xde6, " ", ", ", ". ", 2, 7},
    {"Thai", {0xe01, 0xe2e, 0xe40, 0xe44}, {0xe31, 0xe3a, 0xe47, 0xe4d}, 0xe50, "", " ", " ", 4, 30},
    {"Lao",
     {0xe81, 0xe82, 0xe94, 0xe97, 0xe99, 0xe9f, 0xec0, 0xec4},
     {0xeb4, 0xeb9},
     0xed0,
     "",
     " ",
     " ",
     4,
     24},
    {"Tibetan",
     {0xf40, 0xf47, 0xf49, 0xf6a},
     {0xf90, 0xf97, 0xf71, 0xf7d},
     0xf20,
     "\xe0\xbc\x8b",
     "\xe0\xbc\x8d ",
     "\xe0\xbc\x8d\xe0\xbc\x8d ",
     1,
     4},
    {"Myanmar",
     {0x1000, 0x1021},
     {0x102b, 0x1032, 0x1036, 0x103e},
     0x1040,
     "",
     "\xe1\x81\x8a ",
     "\xe1\x81\x8b ",
     3,
     20},
    {"Khmer",
     {0x1780, 0x17a2},
     {0x17b6, 0x17c5, 0x17d2, 0x17d2},
     0x17e0,
     "\xe2\x80\x8b",
     " ",
     "\xe1\x9f\x94 ",
     2,
     8},
    {"Georgian", {0x10d0, 0x10f0}, {0}, '0', " ", ", ", ". ", 2, 12},
    {"Armenian", {0x561, 0x586}, {0}, '0', " ", ", ", "\xd6\x89 ", 2, 11},
    {"Ethiopic",
     {0x1200, 0x1248, 0x1260, 0x1286, 0x1290, 0x12ae},
     {0},
     0x1369,
     "\xe1\x8d\xa1",
     "\xe1\x8d\xa3 ",
     "\xe1\x8d\xa2 ",
     2,
     6},
    {"Cherokee", {0x13a0, 0x13f4, 0xab70, 0xabbf}, {0}, '0', " ", ", ", ". ", 2, 8},
    {"Mongolian", {0x1820, 0x1842}, {0x180b, 0x180d}, 0x1810, " ", "\xe1\xa0\x82 ", "\xe1\xa0\x83 ", 2, 9},
    {"Hangul", {0xac00, 0xd7a3}, {0}, '0', " ", ", ", ". ", 1, 5},
    {"Hiragana", {0x3042, 0x3093}, {0x3099, 0x309a}, 0xff10, "", "\xe3\x80\x81", "\xe3\x80\x82", 3, 14},
    {"Katakana",
     {0x30a2, 0x30f3, 0x30fc, 0x30fc, 0xff71, 0xff9d},
     {0xff9e, 0xff9f},
     '0',
     "\xe3\x83\xbb",
     "\xe3\x80\x81",
     "\xe3\x80\x82\n",
     2,
     9},
    {"Han",
     {0x4e00, 0x9fa5, 0x4e00, 0x5fff, 0x20000, 0x200ff},
     {0},
     0xff10,
     "",
     "\xef\xbc\x8c",
     "\xe3\x80\x82",
     3,
     18},
    {"Deseret", {0x10400, 0x1044f}, {0}, 0x104a0, " ", ", ", ". ", 2, 8},
};

/* A code point of the ranges at `pairs`, which end at a zero or after n numbers; 0: there are none. */
static unsigned corpus_of(corpus_out *o, const unsigned *pairs, unsigned n)
{
    unsigned ranges = 0, i;
    while (ranges * 2 < n && pairs[ranges * 2] != 0)
        ranges++;
    if (ranges == 0)
        return 0;
    i = corpus_random(o, ranges) * 2;
    return pairs[i] + corpus_random(o, pairs[i + 1] - pairs[i] + 1);
}

/* A word of the script, out of 2000 that come again and again: the rare ones less. */
static void corpus_script_word(corpus_out *o, const corpus_script *s)
{
    uint64_t resume;
    unsigned i, n, which = corpus_small(o, 2000);
    resume = o->random;
    o->random = (uint64_t)(s - corpus_scripts + 1) * 0x100000 + which;
    n = s->shortest + corpus_random(o, s->longest - s->shortest + 1);
    for (i = 0; i < n; i++) {
        unsigned mark;
        corpus_char(o, corpus_of(o, s->letter, 8));
        mark = corpus_of(o, s->mark, 4);
        if (mark != 0 && corpus_random(o, 3) == 0)
            corpus_char(o, mark);
    }
    o->random = resume;
}

static void corpus_script_number(corpus_out *o, unsigned zero)
{
    unsigned n = 1 + corpus_small(o, 8);
    while (n-- > 0) /* the Ethiopic digits are nine and have no zero */
        corpus_char(o, zero + corpus_random(o, zero == 0x1369 ? 9 : 10));
}

static const char corpus_english[] =
    "the of and to a in that is was he for it with as his on be at by I this had not are but from or have an "
    "they "
    "which one you were all her she there would their we him been has when who will no more if out so up "
    "said what "
    "its about than into them can only other time new some could these two may first then do any like my now "
    "over such "
    "our man me even most made after also did many off before must well back through years much where your "
    "way down "
    "should because long each just state those people too mister good very make world still see own work men "
    "day get "
    "here old life both between being under three never know same last another while us might great year "
    "since against "
    "right came house during without place American around however home small found thought went say part "
    "once general "
    "high upon school every internet tokenizer vocabulary language understanding "
    "antidisestablishmentarianism "
    "Massachusetts Wednesday JavaScript OpenStreetMap iPhone NASA COVID McDonald's O'Neill naive hello world";
static const char corpus_europe[] =
    "\xc3\xa9t\xc3\xa9 gar\xc3\xa7on fa\xc3\xa7"
    "ade \xc5\x93uvre No\xc3\xabl stra\xc3\x9f"
    "e gr\xc3\xb6\xc3\x9f"
    "er \xc3\x9c"
    "bergr\xc3\xb6\xc3\x9f"
    "e f\xc3\xbcr "
    "ma\xc3\xb1"
    "ana \xc2\xbfqu\xc3\xa9? \xc2\xa1s\xc3\xad! cora\xc3\xa7\xc3\xa3o S\xc3\xa3o p\xc3\xbb\xc5\x99 "
    "\xc5\x99\xc3\xad\xc4\x8dka \xc5\xbd\xc3\xa1"
    "dn\xc3\xbd \xc5\x82\xc3\xb3"
    "d\xc5\xba za\xc5\xbc\xc3\xb3\xc5\x82\xc4\x87 \xc4\xb0stanbul \xc4\xb1\xc5\x9f\xc4\xb1k "
    "\xc4\x9f\xc3\xbcne\xc5\x9f ti\xe1\xba\xbfng Vi\xe1\xbb\x87t ng\xc6\xb0\xe1\xbb\x9di \xc3\xbe\xc3\xb3rn "
    "\xc3\x86sir "
    "sm\xc3\xb8rrebr\xc3\xb8"
    "d \xc3\x85ngstr\xc3\xb6m r\xc3\xa9sum\xc3\xa9 l'homme d'Artagnan aujourd'hui dell'arte";

/* Capitals for the last word written, if it is of ASCII: the first letter or all. */
static void corpus_capital(corpus_out *o, size_t from, int all)
{
    for (; from < o->n; from++) {
        if (o->text[from] >= 'a' && o->text[from] <= 'z')
            o->text[from] = (char)(o->text[from] - 32);
        if (!all)
            return;
    }
}

static void corpus_latin_word(corpus_out *o)
{
    size_t from = o->n;
    switch (corpus_random(o, 8)) {
    case 0:
        corpus_script_word(o, &corpus_scripts[0]);
        break;
    case 1:
        corpus_pick(o, corpus_europe);
        break;
    default:
        corpus_pick(o, corpus_english);
    }
    if (corpus_random(o, 12) == 0)
        corpus_capital(o, from, corpus_random(o, 3) == 0);
}

static const char *const corpus_quotes[][2] = {
    {"\"", "\""},
    {"'", "'"},
    {"(", ")"},
    {"[", "]"},
    {"\xe2\x80\x9c", "\xe2\x80\x9d"},
    {"\xe2\x80\x98", "\xe2\x80\x99"},
    {"\xc2\xab\xc2\xa0", "\xc2\xa0\xc2\xbb"},
    {"\xe2\x80\x9e", "\xe2\x80\x9c"},
    {"\xe3\x80\x8c", "\xe3\x80\x8d"},
    {"{", "}"},
};

/* What follows a sentence's last word. */
static void corpus_stop(corpus_out *o, const corpus_script *s)
{
    static const char *const stops[] = {"! ",   "? ",    "...\n", "\xe2\x80\xa6 ", ".\n\n",
                                        "?!\n", ".\r\n", ";\n",   ":\n\n\n",       ".  "};
    corpus_put(o, corpus_random(o, 3) == 0 ? stops[corpus_random(o, CORPUS_COUNT(stops))] : s->stop);
}

static void corpus_sentence(corpus_out *o, const corpus_script *s)
{
    unsigned words = 3 + corpus_random(o, 12), quoted = corpus_random(o, 40);
    while (words-- > 0) {
        const char *const *quote = corpus_quotes[corpus_random(o, CORPUS_COUNT(corpus_quotes))];
        if (quoted == words)
            corpus_put(o, quote[0]);
        if (corpus_random(o, 15) == 0)
            corpus_script_number(o, corpus_random(o, 2) == 0 ? '0' : s->zero);
        else if (s == &corpus_scripts[0])
            corpus_latin_word(o);
        else
            corpus_script_word(o, s);
        if (quoted == words)
            corpus_put(o, quote[1]);
        if (words > 0)
            corpus_put(o, corpus_random(o, 9) == 0 ? s->comma : s->between);
    }
    corpus_stop(o, s);
}

static void corpus_mixed(corpus_out *o)
{
    unsigned n = 2 + corpus_random(o, 9);
    while (n-- > 0) {
        if (corpus_random(o, 3) == 0)
            corpus_latin_word(o);
        else
            corpus_script_word(o, &corpus_scripts[corpus_random(o, CORPUS_COUNT(corpus_scripts))]);
        if (corpus_random(o, 4) != 0)
            corpus_byte(o, ' ');
    }
    corpus_stop(o, &corpus_scripts[0]);
}

/*--- letters with something about them ---*/

static void corpus_contraction(corpus_out *o)
{
    static const char tails[] =
        "s t re ve m ll d S T RE VE M LL D Re vE Ll lL \xc5\xbf rE sd st's x em n nt cause";
    size_t from = o->n;
    if (corpus_random(o, 6) != 0)
        corpus_pick(o, corpus_english);
    if (corpus_random(o, 4) == 0)
        corpus_capital(o, from, corpus_random(o, 2) == 0);
    if (corpus_random(o, 12) == 0)
        corpus_byte(o, ' ');
    corpus_put(o, corpus_random(o, 4) == 0 ? "\xe2\x80\x99" : corpus_random(o, 20) == 0 ? "''" : "'");
    corpus_pick(o, tails);
    if (corpus_random(o, 8) == 0)
        corpus_script_word(o, &corpus_scripts[corpus_random(o, 3)]);
    corpus_put(o, corpus_random(o, 6) == 0 ? ". " : " ");
}

static void corpus_number(corpus_out *o)
{
    static const unsigned zeros[] = {'0', '0', '0', '0', 0x660, 0x966, 0xe50, 0xff10, 0x1d7ce, 0x9e6};
    static const unsigned odd[] = {0xb2,   0xb3,   0xbc,   0xbe,   0x2150, 0x215f,
                                   0x2160, 0x2183, 0x2460, 0x249b, 0x3007, 0x3007};
    static const char seps[] = ". , : / - % e x _ ' \xc2\xb0 \xe2\x82\xac $ \xc2\xa0 + E- e+ ., \xe2\x88\x92";
    unsigned n = 1 + corpus_small(o, 6);
    while (n-- > 0) {
        if (corpus_random(o, 8) == 0)
            corpus_char(o, corpus_of(o, odd, CORPUS_COUNT(odd)));
        else
            corpus_script_number(o, zeros[corpus_random(o, CORPUS_COUNT(zeros))]);
        if (n > 0)
            corpus_pick(o, seps);
    }
    corpus_put(o, corpus_random(o, 10) == 0 ? "\n" : corpus_random(o, 10) == 0 ? "px " : " ");
}

/* Letters with marks of every combining class, in order or not; Hangul in pieces; Indic signs alone. */
static void corpus_marks(corpus_out *o)
{
    static const unsigned base[] = {'a',    'z',   'A',   'Z',    0xc0,   0xf6,  0x1e00,
                                    0x1eff, 0x3b1, 0x3c9, 0x1100, 0x1112, 0x915, 0x939};
    static const unsigned mark[] = {0x300,  0x34e,  0x350,  0x36f,  0x1ab0, 0x1abd, 0x5b0,   0x5bd,
                                    0x64b,  0x652,  0x20d0, 0x20dc, 0xfe20, 0xfe2f, 0x93c,   0x93c,
                                    0x1161, 0x1175, 0x11a8, 0x11c2, 0x302a, 0x302d, 0x1d165, 0x1d169};
    unsigned letters = 1 + corpus_random(o, 6), n;
    while (letters-- > 0) {
        corpus_char(o, corpus_of(o, base, CORPUS_COUNT(base)));
        for (n = corpus_small(o, 5); n > 0; n--)
            corpus_char(o, corpus_of(o, mark, CORPUS_COUNT(mark)));
    }
    if (corpus_random(o, 10) == 0) {
        corpus_byte(o, ' '); /* a mark on a space */
        corpus_char(o, corpus_of(o, mark, CORPUS_COUNT(mark)));
    }
    if (corpus_random(o, 3) == 0) { /* a whole Hangul syllable as its parts */
        corpus_char(o, 0x1100 + corpus_random(o, 19));
        corpus_char(o, 0x1161 + corpus_random(o, 21));
        if (corpus_random(o, 2) == 0)
            corpus_char(o, 0x11a8 + corpus_random(o, 27));
    }
    corpus_put(o, " ");
}

/* Cases: camelCase, titlecase letters, letters whose other case is longer or elsewhere. */
static void corpus_case(corpus_out *o)
{
    static const unsigned odd[] = {0x1c4,   0x1cc,   0x1f1,  0x1f3,  0x130,  0x131,  0x17f,  0x17f,  0x212a,
                                   0x212b,  0x1e9e,  0x1e9e, 0x1f88, 0x1f8f, 0x3c2,  0x3c3,  0x2b0,  0x2b8,
                                   0x1d400, 0x1d433, 0x24b6, 0x24e9, 0xff21, 0xff3a, 0xff41, 0xff5a, 0x149,
                                   0x149,   0x1c90,  0x1cba, 0x10d0, 0x10fa, 0xaa,   0xaa,   0xba,   0xba};
    unsigned n = 1 + corpus_random(o, 5);
    while (n-- > 0) {
        size_t from = o->n;
        if (corpus_random(o, 3) == 0) {
            corpus_char(o, corpus_of(o, odd, CORPUS_COUNT(odd)));
        } else if (corpus_random(o, 4) == 0) {
            corpus_char(o, 0x391 + corpus_random(o, 17));
            corpus_char(o, 0x410 + corpus_random(o, 64));
        } else {
            corpus_pick(o, corpus_english);
            corpus_capital(o, from, corpus_random(o, 4) == 0);
        }
    }
    corpus_put(o, corpus_random(o, 5) == 0 ? "_" : " ");
}

/* What compatibility normalisation takes apart, and what it must leave. */
static void corpus_compat(corpus_out *o)
{
    static const unsigned some[] = {0xfb00,  0xfb06,  0x2100,  0x2138,  0x3300, 0x3357, 0x3380, 0x33df,
                                    0xfe50,  0xfe52,  0xff01,  0xff5e,  0xfb50, 0xfbb1, 0xfdf0, 0xfdfb,
                                    0xfe70,  0xfe72,  0x1d400, 0x1d454, 0x2070, 0x2071, 0xf900, 0xfa0d,
                                    0x1f100, 0x1f10a, 0x3131,  0x318e,  0xffa1, 0xffbe, 0x2f00, 0x2fd5,
                                    0x2f800, 0x2fa1d, 0xa8,    0xb8,    0x2000, 0x200a};
    unsigned n = 1 + corpus_random(o, 7);
    while (n-- > 0)
        corpus_char(o, corpus_of(o, some, CORPUS_COUNT(some)));
    if (corpus_random(o, 2) == 0)
        corpus_latin_word(o);
    corpus_put(o, " ");
}

static void corpus_punctuation(corpus_out *o)
{
    static const unsigned some[] = {'!',    '/',    ':',    '@',    '[',    '`',    '{',    '~',    0xa1,
                                    0xbf,   0x2010, 0x2027, 0x2030, 0x205e, 0x3001, 0x3003, 0x3008, 0x3020,
                                    0x20a0, 0x20bf, 0x2190, 0x22ff, 0x2500, 0x25ff, 0x58a,  0x58a,  0x61b,
                                    0x61b,  0x964,  0x965,  0xf04,  0xf14,  0xd7,   0xf7,   0x2200, 0x22ff,
                                    '!',    '/',    ':',    '@',    '[',    '`',    '{',    '~'};
    unsigned n = 1 + corpus_small(o, 9), same = corpus_random(o, 4) == 0;
    unsigned c = corpus_of(o, some, CORPUS_COUNT(some));
    while (n-- > 0) {
        corpus_char(o, c);
        if (!same)
            c = corpus_of(o, some, CORPUS_COUNT(some));
    }
    if (corpus_random(o, 2) == 0)
        corpus_latin_word(o);
    corpus_put(o, corpus_random(o, 4) == 0 ? "\n" : corpus_random(o, 3) == 0 ? "" : " ");
}

/*--- emoji, controls, white space and other company ---*/

static void corpus_emoji(corpus_out *o)
{
    static const unsigned some[] = {0x1f600, 0x1f64f, 0x1f300, 0x1f320, 0x1f680, 0x1f6c5,
                                    0x2600,  0x26ff,  0x1f910, 0x1f93a, 0x2700,  0x27bf};
    static const unsigned person[] = {0x1f466, 0x1f469, 0x1f9d1, 0x1f9d1};
    static const unsigned job[] = {0x1f33e, 0x1f33e, 0x1f4bb, 0x1f4bc, 0x1f680,
                                   0x1f680, 0x2695,  0x2696,  0x2640,  0x2642};
    unsigned n;
    switch (corpus_random(o, 6)) {
    case 0: /* a person of some colour at work */
        corpus_char(o, corpus_of(o, person, CORPUS_COUNT(person)));
        if (corpus_random(o, 2) == 0)
            corpus_char(o, 0x1f3fb + corpus_random(o, 5));
        corpus_char(o, 0x200d);
        corpus_char(o, corpus_of(o, job, CORPUS_COUNT(job)));
        corpus_char(o, 0xfe0f);
        break;
    case 1: /* a family */
        for (n = 2 + corpus_random(o, 3); n > 0; n--) {
            corpus_char(o, corpus_of(o, person, CORPUS_COUNT(person)));
            if (n > 1)
                corpus_char(o, 0x200d);
        }
        break;
    case 2: /* a flag, or half of one */
        for (n = 1 + corpus_random(o, 4); n > 0; n--)
            corpus_char(o, 0x1f1e6 + corpus_random(o, 26));
        break;
    case 3: /* a keycap */
        corpus_byte(o, '0' + corpus_random(o, 10));
        corpus_char(o, 0xfe0f);
        corpus_char(o, 0x20e3);
        break;
    case 4: /* a flag of tags */
        corpus_char(o, 0x1f3f4);
        for (n = 5; n > 0; n--)
            corpus_char(o, 0xe0061 + corpus_random(o, 26));
        corpus_char(o, 0xe007f);
        break;
    default:
        for (n = 1 + corpus_small(o, 5); n > 0; n--)
            corpus_char(o, corpus_of(o, some, CORPUS_COUNT(some)));
    }
    if (corpus_random(o, 3) == 0)
        corpus_latin_word(o);
    if (corpus_random(o, 2) == 0)
        corpus_byte(o, ' ');
}

static void corpus_control(corpus_out *o)
{
    static const unsigned some[] = {0,      0x1f,   0x7f,   0x9f,   0xad,    0xad,    0x200b,  0x200f, 0x202a,
                                    0x202e, 0x2060, 0x2064, 0xfeff, 0xfeff,  0xfff9,  0xfffd,  0x61c,  0x61c,
                                    0x34f,  0x34f,  0x180e, 0x180e, 0xe0001, 0xe0001, 0x1d173, 0x1d17a};
    unsigned n = 1 + corpus_small(o, 4);
    while (n-- > 0) {
        corpus_char(o, corpus_of(o, some + 2 * (corpus_random(o, 3) == 0), CORPUS_COUNT(some) - 2));
        if (corpus_random(o, 3) == 0)
            corpus_byte(o, corpus_random(o, 32));
    }
    corpus_latin_word(o);
    if (corpus_random(o, 2) == 0)
        corpus_byte(o, ' ');
}

static void corpus_white(corpus_out *o)
{
    static const unsigned space[] = {' ',    ' ',    ' ',    ' ',    '\t',   '\n',   '\n',   '\r',   0x0b,
                                     0x0c,   0x85,   0xa0,   0x1680, 0x2000, 0x2003, 0x2009, 0x200a, 0x2028,
                                     0x2029, 0x202f, 0x205f, 0x3000, 0x1c,   0x1f,   0x180e, 0x200b, 0xfeff};
    unsigned n = 1 + corpus_small(o, 12), same = corpus_random(o, 2) == 0,
             i = corpus_random(o, CORPUS_COUNT(space));
    while (n-- > 0) {
        corpus_char(o, space[i]);
        if (!same)
            i = corpus_random(o, CORPUS_COUNT(space));
    }
    switch (corpus_random(o, 6)) {
    case 0:
        corpus_script_number(o, '0');
        break;
    case 1:
        corpus_pick(o, "; ... }; )) -- 's \xe2\x80\x94 \xc2\xa7 # */");
        break;
    case 2:
        corpus_put(o, "\r\n");
        break;
    default:
        corpus_latin_word(o);
    }
}

static void corpus_private(corpus_out *o)
{
    static const unsigned some[] = {0xe000, 0xf8ff, 0xf0000, 0xffffd, 0x100000, 0x10fffd, 0xfdd0, 0xfdef,
                                    0xfffe, 0xffff, 0x1fffe, 0x1ffff, 0x10fffe, 0x10ffff, 0xfffc, 0xfffd};
    unsigned n = 1 + corpus_small(o, 4);
    while (n-- > 0)
        corpus_char(o, corpus_of(o, some, CORPUS_COUNT(some)));
    if (corpus_random(o, 2) == 0)
        corpus_byte(o, ' ');
    corpus_latin_word(o);
}

/* What looks like tokens of this or that vocabulary. */
static void corpus_tokens(corpus_out *o)
{
    static const char some[] = "<s> </s> <unk> <pad> [CLS] [SEP] [MASK] [UNK] <0x0A> <0xE2> \xe2\x96\x81 "
                               "\xe2\x96\x81\xe2\x96\x81the \xc4\xa0 \xc4\xa0the "
                               "\xc4\x8a ##ing ## <|endoftext|> <|im_start|> <|im_end|> <|begin_of_text|> "
                               "<|eot_id|> [INST] [/INST] <<SYS>> "
                               "<|bos|> <bos> <start_of_turn> <|endofprompt|> <|fim_prefix|> <fim_middle> "
                               "<tool_call> <think> <|channel|> @@ </w>";
    if (corpus_random(o, 3) != 0)
        corpus_latin_word(o);
    if (corpus_random(o, 2) == 0)
        corpus_byte(o, ' ');
    corpus_pick(o, some);
    corpus_put(o, corpus_random(o, 3) == 0 ? "\n" : corpus_random(o, 2) == 0 ? " " : "");
}

/*--- text that programs write and read ---*/

static void corpus_indent(corpus_out *o, unsigned depth, unsigned style)
{
    unsigned n = style == 0 ? depth : depth * (style == 1 ? 4 : 2);
    while (n-- > 0)
        corpus_byte(o, style == 0 ? '\t' : ' ');
}

static void corpus_name(corpus_out *o)
{
    static const char names[] =
        "i n len buf_size getValue HTTPServer self._x user_id MAX_LEN __init__ $el foo bar x1 tmp2 "
        "node->next std::vector "
        "ctx args[0] response.data THREAD_COUNT \xce\xbb \xd0\xb8\xd0\xbc\xd1\x8f na\xc3\xafve";
    corpus_pick(o, names);
}

static void corpus_value(corpus_out *o)
{
    switch (corpus_random(o, 6)) {
    case 0:
        corpus_script_number(o, '0');
        break;
    case 1:
        corpus_pick(o, "0x1F 1e-9 0b1010 3.14159f 1_000_000 0xDEADBEEFull 'a' '\\n' None null True nil -1");
        break;
    case 2:
        corpus_byte(o, '"');
        corpus_latin_word(o);
        corpus_put(o, " %d\\n\\t\\\"\\u00e9\"");
        break;
    default:
        corpus_name(o);
    }
}

/* A line of a language: its text, in which N is a name, V a value, O an operator. */
static void corpus_line(corpus_out *o, const char *line)
{
    static const char operators[] = "+ - * / == != <= >= && || << >>= += -> => :: ?. ?? === !== <=> |> >>> "
                                    "** // % ^ ~ .. ... := <- <$> >>= =~ & |";
    for (; *line != 0; line++) {
        if (*line == 'N' && line[1] != 'U')
            corpus_name(o);
        else if (*line == 'V')
            corpus_value(o);
        else if (*line == 'O')
            corpus_pick(o, operators);
        else
            corpus_byte(o, (unsigned char)*line);
    }
}

static void corpus_code(corpus_out *o)
{
    static const char *const lines[] = {
        "for (int i = 0; i < N; i++) {",
        "    if (N O V && !N) return V;",
        "def N(self, N: int = V) -> None:",
        "    \"\"\"Returns N.\"\"\"",
        "return [N for N in N if N O V]",
        "const N = async ({N, ...rest}) => await N?.N(V);",
        "#define N(x) (((x) O V) ? (x) : V)",
        "#include <stdio.h>",
        "SELECT N, count(*) FROM N WHERE N = 'V' GROUP BY N;",
        "<div class=\"N-V\" id='V'>V</div><br/>",
        "fn N<'a, T: Clone>(N: &'a mut [T]) -> Result<(), Box<dyn Error>> {",
        "main = mapM_ print $ N <$> [V..] >>= N . N",
        "x=$(grep -rn \"V\" ./N | awk '{print $2}' | sort -u) && echo \"${N:-V}\" >/dev/null 2>&1",
        "\\begin{equation} \\frac{N}{V} = \\sum_{i=0}^{\\infty} V \\end{equation}",
        "/* N O V: V */ // V",
        "a[i] = b[i]*c[i]+d[i]-(e[i]/V)%V;",
        "{",
        "}",
        "}); // end N",
        "",
        "    ",
        "################################################",
        "// ----------------------------------------------------------------",
        "==================",
        "let N: Vec<u8> = vec![V; V];",
        "try { throw new N(V); } catch (e) { console.log(`${e}: ${N}`); }",
        "@N.route('/N/<int:V>', methods=['GET','POST'])",
        "r = re.match(r'^[\\w.+-]+@\\d{V,}\\s*$', N)",
        "IF N<>V THEN 'don''t' ELSE 'we''ll' END",
        "std::cout << N << \"V\" << std::endl;",
    };
    unsigned n = 5 + corpus_random(o, 15), depth = 0, style = corpus_random(o, 3),
             crlf = corpus_random(o, 5) == 0;
    while (n-- > 0) {
        const char *line = lines[corpus_random(o, CORPUS_COUNT(lines))];
        size_t len = strlen(line);
        corpus_indent(o, depth, style);
        corpus_line(o, line);
        if (corpus_random(o, 15) == 0)
            corpus_indent(o, 1 + corpus_random(o, 3), style); /* white space before the line's end */
        corpus_put(o, crlf ? "\r\n" : "\n");
        if (len > 0 && (line[len - 1] == '{' || line[len - 1] == ':'))
            depth = depth < 12 ? depth + 1 : 0;
        else if (depth > 0 && corpus_random(o, 4) == 0)
            depth--;
    }
}

static void corpus_json(corpus_out *o)
{
    unsigned n = 1 + corpus_random(o, 6), pretty = corpus_random(o, 2);
    corpus_put(o, "{");
    while (n-- > 0) {
        corpus_put(o, pretty ? "\n  \"" : "\"");
        corpus_name(o);
        corpus_put(o, pretty ? "\": " : "\":");
        switch (corpus_random(o, 4)) {
        case 0:
            corpus_put(o, "[");
            corpus_number(o);
            corpus_put(o, ",true,null,{}]");
            break;
        case 1:
            corpus_put(o, "\"\\u");
            corpus_put(o, corpus_random(o, 2) == 0 ? "00e9" : "D83D\\uDE00");
            corpus_put(o, "\\\\\\\"\"");
            break;
        default:
            corpus_put(o, "\"");
            corpus_mixed(o);
            corpus_put(o, "\"");
        }
        if (n > 0)
            corpus_put(o, ",");
    }
    corpus_put(o, pretty ? "\n}\n" : "}\n");
}

static void corpus_markdown(corpus_out *o)
{
    static const char *const lead[] = {"# ",    "## ",   "- ",   "* ",  "1. ", "> ",   "  - [ ] ", "| ",
                                       "```\n", "---\n", "    ", "***", "~~",  "\n\n", "$$"};
    static const char urls[] = "https://example.com/a/b?x=1&y=%20z#frag http://localhost:8080/index.html "
                               "mailto:me@example.org www.example.co.uk "
                               "ftp://user:pw@10.0.0.1/~dir/file.tar.gz C:\\Users\\me\\file.txt "
                               "/usr/lib/x86_64-linux-gnu/libc.so.6 @user #hashtag";
    corpus_put(o, lead[corpus_random(o, CORPUS_COUNT(lead))]);
    switch (corpus_random(o, 4)) {
    case 0:
        corpus_pick(o, urls);
        break;
    case 1:
        corpus_put(o, "[");
        corpus_latin_word(o);
        corpus_put(o, "](");
        corpus_pick(o, urls);
        corpus_put(o, ")");
        break;
    case 2:
        corpus_put(o, "**");
        corpus_latin_word(o);
        corpus_put(o, "** `");
        corpus_name(o);
        corpus_put(o, "` | ");
        break;
    default:
        corpus_sentence(o, &corpus_scripts[0]);
    }
    corpus_put(o, corpus_random(o, 3) == 0 ? "\n\n" : "\n");
}

/* Long words and long runs of one thing. */
static void corpus_run(corpus_out *o)
{
    static const char *const some[] = {"a",
                                       "A",
                                       " ",
                                       "\n",
                                       "\t",
                                       "=",
                                       "-",
                                       "0",
                                       "9",
                                       ".",
                                       "!",
                                       "ab",
                                       "\xc3\xa9",
                                       "\xe4\xb8\xad",
                                       "\xf0\x9f\x98\x80",
                                       "\r\n",
                                       "\xcc\x81",
                                       "'s",
                                       " a",
                                       "a ",
                                       "\xe2\x96\x81",
                                       "\xc2\xa0",
                                       "#",
                                       "xyz",
                                       "/*",
                                       "\n "};
    const char *s = some[corpus_random(o, CORPUS_COUNT(some))];
    unsigned n = corpus_random(o, 4) == 0 ? 200 + corpus_random(o, 800) : 2 + corpus_random(o, 60);
    if (corpus_random(o, 5) == 0) { /* letters in no order at all */
        const corpus_script *script = &corpus_scripts[corpus_random(o, CORPUS_COUNT(corpus_scripts))];
        while (n-- > 0)
            corpus_char(o, corpus_of(o, script->letter, 8));
    } else {
        while (n-- > 0)
            corpus_put(o, s);
    }
    if (corpus_random(o, 2) == 0)
        corpus_latin_word(o);
}

/*--- on request: what is no text, or not yet ---*/

/* Bytes that are not UTF-8, among words. */
static void corpus_invalid(corpus_out *o)
{
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc3",
                                      "\xe2\x82",
                                      "\xe2",
                                      "\xf0\x9f\x98",
                                      "\xf0\x9f",
                                      "\xf0",
                                      "\xc0\x80",
                                      "\xc0\xaf",
                                      "\xc1\xbf",
                                      "\xe0\x80\x80",
                                      "\xe0\x9f\xbf",
                                      "\xf0\x80\x80\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xed\xa0\xbd\xed\xb8\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xfc\x84\x80\x80\x80\x80",
                                      "\xfe",
                                      "\xff",
                                      "\xff\xfe",
                                      "\xe2\x28\xa1"};
    unsigned n = 1 + corpus_small(o, 5);
    if (corpus_random(o, 4) == 0) {
        while (n-- > 0)
            corpus_byte(o, corpus_random(o, 256));
    } else if (corpus_random(o, 6) == 0) {
        while (n-- > 0)
            corpus_byte(o, 0x80 + corpus_random(o, 64));
    } else {
        while (n-- > 0)
            corpus_put(o, bad[corpus_random(o, CORPUS_COUNT(bad))]);
    }
    if (corpus_random(o, 3) == 0)
        corpus_byte(o, corpus_random(o, 2) == 0 ? ' ' : '\n');
    if (corpus_random(o, 2) == 0)
        corpus_latin_word(o);
    else if (corpus_random(o, 2) == 0)
        corpus_script_word(o, &corpus_scripts[corpus_random(o, CORPUS_COUNT(corpus_scripts))]);
}

/* Any code points at all: letters that came with Unicode 13 to 17, and gaps. */
static void corpus_unassigned(corpus_out *o)
{
    static const unsigned late[] = {0x11f00, 0x11f10, 0x1e4d0, 0x1e4eb, 0x1c89,  0x1c8a,  0xa7c0,
                                    0xa7dc,  0x10570, 0x1057a, 0x31350, 0x323af, 0x1f7f0, 0x1f7f0,
                                    0x2fe0,  0x2fef,  0x378,   0x379,   0x530,   0x530,   0xe0080,
                                    0xe00ff, 0x2ebf0, 0x2ee5d, 0x1df00, 0x1df2a, 0x18b00, 0x18cd5};
    unsigned n = 1 + corpus_small(o, 6), c;
    while (n-- > 0) {
        c = corpus_of(o, late, CORPUS_COUNT(late));
        if (corpus_random(o, 3) == 0)
            c = corpus_random(o, corpus_random(o, 2) == 0 ? 0x110000 : 0x20000);
        if (c < 0xd800 || c > 0xdfff)
            corpus_char(o, c);
    }
    if (corpus_random(o, 2) == 0)
        corpus_byte(o, ' ');
    if (corpus_random(o, 2) == 0)
        corpus_latin_word(o);
}

/*--- blocks ---*/

typedef struct corpus_kind {
    const char *name;
    void (*write)(corpus_out *o);
} corpus_kind;

/* Scripts come first, one kind of block each, then these, then what flags ask for. */
static const corpus_kind corpus_kinds[] = {
    {"mixed scripts", corpus_mixed},
    {"contractions", corpus_contraction},
    {"numbers", corpus_number},
    {"marks", corpus_marks},
    {"cases", corpus_case},
    {"compatibility", corpus_compat},
    {"punctuation", corpus_punctuation},
    {"emoji", corpus_emoji},
    {"controls", corpus_control},
    {"white space", corpus_white},
    {"private use", corpus_private},
    {"tokens", corpus_tokens},
    {"code", corpus_code},
    {"JSON", corpus_json},
    {"Markdown", corpus_markdown},
    {"runs", corpus_run},
    {"code", corpus_code},
    {"English", NULL},
};

/* The sorts of blocks take turns; what flags ask for comes at the end of each turn, twice. */
static unsigned corpus_turn(unsigned flags)
{
    unsigned asked = (flags & 1) + (flags >> 1 & 1);
    return CORPUS_COUNT(corpus_scripts) + CORPUS_COUNT(corpus_kinds) + 2 * asked;
}

/* The name of a block's sort, and how it is written: a script or a function. */
static const char *corpus_sort_of(unsigned flags, size_t block, const corpus_script **script,
                                  void (**write)(corpus_out *o))
{
    unsigned i = (unsigned)(block % corpus_turn(flags));
    *script = &corpus_scripts[0];
    *write = NULL;
    if (i < CORPUS_COUNT(corpus_scripts)) {
        *script = &corpus_scripts[i];
        return corpus_scripts[i].name;
    }
    i -= CORPUS_COUNT(corpus_scripts);
    if (i < CORPUS_COUNT(corpus_kinds)) {
        *write = corpus_kinds[i].write;
        return corpus_kinds[i].name;
    }
    i -= CORPUS_COUNT(corpus_kinds);
    if ((flags & CORPUS_INVALID) != 0 && ((flags & CORPUS_UNASSIGNED) == 0 || i % 2 == 0)) {
        *write = corpus_invalid;
        return "invalid UTF-8";
    }
    *write = corpus_unassigned;
    return "unassigned";
}

static const char *corpus_sort(const corpus *c, size_t block)
{
    const corpus_script *script;
    void (*write)(corpus_out * o);
    return corpus_sort_of(c->flags, block, &script, &write);
}

/* At least 1500 to 5500 bytes; it ends where the last thing written ends, often with white space. */
static void corpus_block(corpus_out *o, uint64_t seed, unsigned flags, size_t block)
{
    const corpus_script *script;
    void (*write)(corpus_out * o);
    size_t end;
    o->random = seed * 0x2545f4914f6cdd1du + (uint64_t)block * 0x9fb21c651e98df25u;
    end = o->n + 1500 + corpus_random(o, 4000);
    corpus_sort_of(flags, block, &script, &write);
    while (o->n < end) {
        if (write != NULL)
            write(o);
        else
            corpus_sentence(o, script);
    }
}

/* Whole blocks, until `size` bytes or more are there. */
static corpus corpus_make(uint64_t seed, size_t size, unsigned flags)
{
    corpus c;
    corpus_out o;
    size_t most = size / 1500 + 2;
    memset(&c, 0, sizeof c);
    memset(&o, 0, sizeof o);
    c.flags = flags;
    c.starts = (size_t *)malloc(most * sizeof *c.starts);
    if (c.starts == NULL)
        abort();
    c.starts[0] = 0;
    while (o.n < size) {
        corpus_block(&o, seed, flags, c.blocks);
        c.starts[++c.blocks] = o.n;
    }
    c.text = o.text;
    c.n = o.n;
    return c;
}

static void corpus_free(corpus *c)
{
    free(c->text);
    free(c->starts);
    memset(c, 0, sizeof *c);
}

#endif
