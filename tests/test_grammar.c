/* test_grammar.c -- section GRAMMAR, and the sequences of ENGINE that are bound to one

   Languages are compared with a recogniser of the tests' own: it works on the tree of a random grammar,
   character by character, and knows nothing of programs, bytes or stacks. Masks are compared with what
   each token by itself would do. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"
/* after test.h, whose headers it uses */
#include "make_gguf.h"

static llmc_diag diag;

static uint64_t random_state;
static unsigned roll(unsigned n)
{
    return test_random(&random_state, n);
}

/* ------------------------------------------------------------ a grammar with its memory */
typedef struct bound {
    llmc_grammar *g;
    llmc_grammar_state *st;
    void *mem, *state_mem;
} bound;

static void unbind(bound *b)
{
    free(b->mem);
    free(b->state_mem);
    memset(b, 0, sizeof *b);
}

/* Compiles with exactly the memory asked for, none of it cleared. */
static llmc_status bind_with(bound *b, const llmc_tokenizer *tok, const char *text, size_t len,
                             const llmc_grammar_options *opt, const llmc_grammar_state_options *sopt)
{
    size_t need = 0;
    llmc_status s;
    memset(b, 0, sizeof *b);
    memset(&diag, 0, sizeof diag);
    s = llmc_grammar_need(tok, text, len, opt, &need, &diag);
    if (s != LLMC_OK)
        return s;
    b->mem = malloc(need);
    memset(b->mem, 0xa5, need);
    s = llmc_grammar_init(&b->g, tok, text, len, opt, b->mem, need, &diag);
    if (s == LLMC_OK)
        s = llmc_grammar_state_need(b->g, sopt, &need, &diag);
    if (s == LLMC_OK) {
        b->state_mem = malloc(need);
        memset(b->state_mem, 0xa5, need);
        s = llmc_grammar_state_init(&b->st, b->g, sopt, b->state_mem, need, &diag);
    }
    if (s != LLMC_OK)
        unbind(b);
    return s;
}

static llmc_status bind(bound *b, const llmc_tokenizer *tok, const char *text)
{
    return bind_with(b, tok, text, strlen(text), NULL, NULL);
}

/* Whether the whole text matches; *alive: whether it can go on to something that does. */
static bool matches(llmc_grammar_state *st, const char *text, size_t len, bool *alive)
{
    CHECK(llmc_grammar_reset(st, false, &diag) == LLMC_OK);
    *alive = llmc_grammar_text(st, text, len, &diag) == LLMC_OK;
    return *alive && llmc_grammar_can_end(st);
}

/* ------------------------------------------------------------ tables */
typedef struct language {
    const char *grammar;
    const char *yes[8], *no[8]; /* whole texts */
    const char *dead[6];        /* beginnings of nothing */
} language;

static const language table[] = {
    {"root ::= \"a\"", {"a"}, {"", "aa", "b"}, {"b", "aa"}},
    {"root ::= \"a\" | \"bc\" | ", {"a", "bc", ""}, {"b", "c", "ab"}, {"ab", "c"}},
    {"root ::= (\"a\" | \"b\")* \"c\"", {"c", "abc", "bbbc"}, {"", "ab", "cc"}, {"cc", "d"}},
    {"root ::= x+ y?\nx ::= \"ab\"\ny ::= \"c\"", {"ab", "ababc"}, {"", "c", "aba", "abcc"}, {"aa", "abcc"}},
    {"root ::= \"a\"{3}", {"aaa"}, {"aa", "aaaa", ""}, {"aaaa"}},
    {"root ::= \"a\"{2,}", {"aa", "aaaaaa"}, {"a", ""}, {"b"}},
    {"root ::= \"a\"{,2}", {NULL}, {NULL}, {NULL}}, /* refused: see errors */
    {"root ::= (\"ab\"){1,3} \"!\"", {"ab!", "ababab!"}, {"!", "abababab!"}, {"!", "abababa"}},
    {"root ::= \"a\"{0} \"b\"", {"b"}, {"ab", ""}, {"a"}},
    {"root ::= \"a\"{0,2}{2}", {"", "a", "aaaa"}, {"aaaaa"}, {"aaaaa"}},
    {"root ::= [a-cx]", {"a", "c", "x"}, {"d", "y", "-"}, {"d"}},
    {"root ::= [^a-c]+",
     {"d", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"},
     {"a", ""},
     {"a", "da", "\x80", "\xc0", "\xed\xa0"}},
    {"root ::= [a\\-\\]\\\\]+", {"a-]\\"}, {"b"}, {"b"}},
    {"root ::= [-a]+ [a-]", {"-a-"}, {"b"}, {"b"}},
    {"root ::= \"\\x41\\u00e9\\U0001F600\\n\\t\\r\\\"\\\\\"",
     {"A\xc3\xa9\xf0\x9f\x98\x80\n\t\r\"\\"},
     {"A"},
     {"a"}},
    {"root ::= \"\xc3\xa9\"", {"\xc3\xa9"}, {"e"}, {"\xc3\xa8"}},
    {"root ::= . .", {"ab", "\xc3\xa9\n"}, {"a", "abc"}, {"\xff", "abc"}},
    {"# comment\nroot ::= # another\n  \"a\" |\n  (\n \"b\"\n  # here too\n  \"c\" )  \n\n",
     {"a", "bc"},
     {"b"},
     {"c"}},
    {"root ::= \"a\" root \"b\" | \"\"", {"", "ab", "aaabbb"}, {"aab", "b"}, {"b", "abb"}},
    {"root ::= (\"a\"? \"b\"?)*", {"", "abab", "bbaa"}, {"c"}, {"c"}},
    {"root ::= ((\"a\"*)*)*", {"", "aaaa"}, {"b"}, {"b"}},
    {"root ::= l\nl ::= \"x\" | \"x\" \",\" l", {"x", "x,x,x"}, {"x,", ",x"}, {","}},
    {"root ::= e\ne ::= t (\"+\" t)*\nt ::= \"1\" | \"(\" e \")\"",
     {"1", "1+(1+1)", "((1))"},
     {"(1", "1+"},
     {")", "1)"}},
    {"root ::= \"a\" | \"b\" dead\ndead ::= \"x\" dead",
     {"a"},
     {"b"},
     {"b"}}, /* never led into what has no end */
    {"root ::= \"a\" [^\\x00-\\U0010FFFF] | \"b\"", {"b"}, {"a"}, {"a"}},
    {"root ::= n root n | \"x\"\nn ::= \"\" | \"y\"",
     {NULL},
     {NULL},
     {NULL}}, /* refused: hidden left recursion */
    {"A-b_1 ::= \"q\"\r\nroot ::= A-b_1 A-b_1\r\n", {"qq"}, {"q"}, {"qqq"}},
    {"root ::= \"ab\"+ \"c\"", {"abc", "ababc"}, {"abbc"}, {"abb"}}, /* a literal is one item */
};

static void languages(void)
{
    size_t i, k;
    for (i = 0; i < sizeof table / sizeof table[0]; i++) {
        const language *l = &table[i];
        bool alive;
        bound b;
        if (l->yes[0] == NULL)
            continue;
        if (!CHECKF(bind(&b, NULL, l->grammar) == LLMC_OK, "%s: %s", l->grammar, diag.message))
            continue;
        for (k = 0; k < 8 && (k == 0 || l->yes[k] != NULL); k++)
            CHECKF(matches(b.st, l->yes[k], strlen(l->yes[k]), &alive), "%s: '%s'", l->grammar, l->yes[k]);
        for (k = 0; k < 8 && l->no[k] != NULL; k++)
            CHECKF(!matches(b.st, l->no[k], strlen(l->no[k]), &alive), "%s: not '%s'", l->grammar, l->no[k]);
        for (k = 0; k < 6 && l->dead[k] != NULL; k++) {
            matches(b.st, l->dead[k], strlen(l->dead[k]), &alive);
            CHECKF(!alive, "%s: nothing begins with '%s'", l->grammar, l->dead[k]);
        }
        unbind(&b);
    }
}

/* What is wrong is said, with its place. */
static void errors(void)
{
    static const char *const wrong[][2] = {
        {"", "line 1, column 1: the grammar has no rules"},
        {"# only\n", "has no rules"},
        {"root", "line 1, column 5: ::= expected"},
        {"root = \"a\"", "line 1, column 6: ::= expected"},
        {"root ::= \"a", "line 1, column 12: the text ends inside"},
        {"root ::= [a", "the text ends inside"},
        {"root ::= [z-a]", "line 1, column 11: a range ends before"},
        {"root ::= []", "empty class"},
        {"root ::= (\"a\"", "a group is not closed"},
        {"root ::= \"a\")", "line 1, column 13: no group is open"},
        {"root ::= *", "line 1, column 10: nothing stands before"},
        {"root ::= | *", "nothing stands before"},
        {"root ::= \"a\"{", "number expected"},
        {"root ::= \"a\"{,2}", "number expected"},
        {"root ::= \"a\"{2", "{m,n} expected"},
        {"root ::= \"a\"{3,2}", "maximum is below"},
        {"root ::= \"\\q\"", "line 1, column 12: unknown escape"},
        {"root ::= \"\\x4\"", "hexadecimal digits"},
        {"root ::= \"\\uD800\"", "surrogates"},
        {"root ::= \"\\U00110000\"", "surrogates and numbers above"},
        {"root ::= \"\xff\"", "no UTF-8"},
        {"root ::= a\n b ::= \"x\"", "line 1, column 10: a: no rule has this name"},
        {"root ::= \"\xc3\xa9\" zz", "line 1, column 14: zz: no rule"},
        {"root ::= \"a\"\nroot ::= \"b\"", "line 2, column 1: root: a second rule"},
        {"x ::= \"a\"", "it has no rule root"},
        {"root ::= root \"a\" | \"b\"", "rule root: left recursion"},
        {"root ::= x\nx ::= \"\" y\ny ::= z? x \"q\" | \"a\"\nz ::= \"z\"", "left recursion"},
        {"root ::= n root n | \"x\"\nn ::= \"\" | \"y\"", "rule root: left recursion"},
        {"root ::= \"a\"\nother ::= (other \"b\"){2000} | \"c\"", "rule other: left recursion"},
        {"root ::= \"a\" root", "rule root: no text matches it"},
        {"root ::= x\nx ::= [^\\x00-\\U0010FFFF]", "no text matches"},
        {"root ::= \"a\" ::= \"b\"", "line 1, column 14: a name, a literal"},
        {"root ::= \"a\" ]", "a name, a literal"},
        {"root ::= <think>", "without a tokenizer"},
        {"root ::= <think", "> expected"},
        {"root ::= <[12>", "<[id]> expected"},
        {"root ::= !\"a\"", "a token"},
        {"root ::= \"a\"*********", "too many operators"},
    };
    size_t i;
    bound b;
    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        llmc_status s = bind(&b, NULL, wrong[i][0]);
        CHECKF(s == LLMC_BAD_ARG && strstr(diag.message, wrong[i][1]) != NULL, "%s: %d '%s', expected '%s'",
               wrong[i][0], (int)s, s != LLMC_OK ? diag.message : "compiled", wrong[i][1]);
        if (s == LLMC_OK)
            unbind(&b);
    }
}

/* Another root, other limits. */
static void options(void)
{
    static const char text[] = "a ::= \"x\" b\nb ::= \"y\"";
    llmc_grammar_options o;
    llmc_grammar_state_options so;
    bool alive;
    bound b;
    memset(&o, 0, sizeof o);
    o.root = "b";
    if (CHECK(bind_with(&b, NULL, text, strlen(text), &o, NULL) == LLMC_OK)) {
        CHECK(matches(b.st, "y", 1, &alive) && !matches(b.st, "xy", 2, &alive));
        unbind(&b);
    }
    o.root = "zz";
    CHECK(bind_with(&b, NULL, text, strlen(text), &o, NULL) == LLMC_BAD_ARG &&
          strstr(diag.message, "zz") != NULL);
    memset(&o, 0, sizeof o);
    o.max_code = 3;
    o.root = "a";
    CHECK(bind_with(&b, NULL, text, strlen(text), &o, NULL) == LLMC_UNSUPPORTED &&
          strstr(diag.message, "max_code") != NULL);
    o.max_code = (1u << 22) + 1;
    CHECK(bind_with(&b, NULL, text, strlen(text), &o, NULL) == LLMC_BAD_ARG);
    memset(&so, 0, sizeof so);
    o.max_code = 0;
    so.max_states = 15;
    CHECK(bind_with(&b, NULL, text, strlen(text), &o, &so) == LLMC_BAD_ARG);
    so.max_states = 65536;
    CHECK(bind_with(&b, NULL, text, strlen(text), &o, &so) == LLMC_BAD_ARG);
}

/* c as UTF-8 (RFC 3629); its length. */
static size_t write_utf8(uint32_t c, char out[4])
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4, i;
    if (n == 1) {
        out[0] = (char)c;
        return 1;
    }
    for (i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((0xf00u >> n) | c);
    return n;
}

/* Classes against plain comparison, near all borders of UTF-8 and of the class itself. */
static void characters(void)
{
    static const uint32_t edge[] = {0,       1,       0x20,    0x7f,     0x80,     0xbf,    0xc0,
                                    0x7ff,   0x800,   0x801,   0xfff,    0x1000,   0xcfff,  0xd000,
                                    0xd7ff,  0xe000,  0xe001,  0xfffd,   0xffff,   0x10000, 0x10001,
                                    0x3ffff, 0x40000, 0xfffff, 0x100000, 0x10fffe, 0x10ffff};
    const unsigned n_edge = sizeof edge / sizeof edge[0];
    int round;
    for (round = 0; round < 300; round++) {
        char text[256], utf8[4];
        uint32_t lo[3], hi[3], c;
        unsigned n = 1 + roll(3), i, k, at;
        bool inverted = roll(3) == 0, alive;
        bound b;
        at = (unsigned)sprintf(text, "root ::= [%s", inverted ? "^" : "");
        for (i = 0; i < n; i++) {
            lo[i] = edge[roll(n_edge)];
            hi[i] = roll(2) == 0 ? lo[i] : edge[roll(n_edge)];
            if (hi[i] < lo[i]) {
                c = lo[i];
                lo[i] = hi[i];
                hi[i] = c;
            }
            at += (unsigned)sprintf(text + at, "\\U%08X-\\U%08X", (unsigned)lo[i], (unsigned)hi[i]);
        }
        sprintf(text + at, "]");
        if (bind(&b, NULL, text) != LLMC_OK) { /* all characters, inverted */
            CHECKF(strstr(diag.message, "no text matches") != NULL, "%s: %s", text, diag.message);
            continue;
        }
        for (k = 0; k < 4 * n_edge; k++) {
            bool in = false;
            c = edge[k % n_edge] + (k / n_edge == 1 ? 1 : k / n_edge == 2 ? 0xffffffffu : 0);
            if (k / n_edge == 3)
                c = roll(0x110000);
            if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
                continue;
            for (i = 0; i < n; i++)
                in = in || (c >= lo[i] && c <= hi[i]);
            CHECKF(matches(b.st, utf8, write_utf8(c, utf8), &alive) == (in != inverted), "%s: U+%04X", text,
                   (unsigned)c);
        }
        unbind(&b);
    }
}

/* ------------------------------------------------------------ a recogniser of our own */
/* A grammar as a tree: rules R0, R1, ... over the letters a, b, c. */
enum { CHARACTER, RULE, SEQUENCE, CHOICE, REPEAT, NODES = 64, RULES = 4, LETTERS = 3 };

typedef struct node {
    int kind, from, to, left, right; /* characters or counts (to < 0: any number); children */
} node;

static node tree[NODES];
static int n_nodes, root_of[RULES], n_rules;

static int grow(int kind, int from, int to, int left, int right)
{
    node *t = &tree[n_nodes];
    t->kind = kind;
    t->from = from;
    t->to = to;
    t->left = left;
    t->right = right;
    return n_nodes++;
}

/* recursion: depth goes down. */
static int grow_random(int depth)
{
    int kind = n_nodes > NODES - 16 || depth == 0 ? (int)roll(2) : (int)roll(5), from, to, left, right;
    if (kind == CHARACTER) {
        from = 'a' + (int)roll(LETTERS);
        to = roll(4) == 0 ? 'a' + LETTERS - 1 : from;
        return grow(kind, from, to, 0, 0);
    }
    if (kind == RULE)
        return grow(kind, (int)roll((unsigned)n_rules), 0, 0, 0);
    left = grow_random(depth - 1);
    if (kind == REPEAT) {
        from = (int)roll(3);
        to = roll(3) == 0 ? -1 : from + (int)roll(3);
        return grow(kind, from, to, left, 0);
    }
    right = grow_random(depth - 1);
    return grow(kind, 0, 0, left, right);
}

static void write_node(char *out, const node *t)
{
    char *p = out + strlen(out);
    if (t->kind == CHARACTER)
        sprintf(p, t->from == t->to ? "\"%c\"" : "[%c-%c]", t->from, t->to);
    else if (t->kind == RULE)
        sprintf(p, t->from == 0 ? "root" : "R%d", t->from);
    else {
        strcat(p, "(");
        write_node(out, &tree[t->left]);
        if (t->kind == REPEAT) {
            p = out + strlen(out);
            sprintf(p, t->to < 0 ? "){%d,}" : "){%d,%d}", t->from, t->to);
            return;
        }
        strcat(out, t->kind == CHOICE ? " | " : " ");
        write_node(out, &tree[t->right]);
        strcat(out, ")");
    }
}

/* Places (bits) where a match of t from any of the places `from` in text [len] can end. Rules are tables,
   made by rounds until nothing changes, so that recursion of any sort is no matter. */
static uint32_t rule_ends[RULES][32];

static uint32_t ends_of(const node *t, uint32_t from, const char *text, int len)
{
    uint32_t out = 0, now, seen;
    int i;
    switch (t->kind) {
    case CHARACTER:
        for (i = 0; i < len; i++)
            if ((from >> i & 1) != 0 && text[i] >= t->from && text[i] <= t->to)
                out |= 2u << i;
        return out;
    case RULE:
        for (i = 0; i <= len; i++)
            if ((from >> i & 1) != 0)
                out |= rule_ends[t->from][i];
        return out;
    case SEQUENCE:
        return ends_of(&tree[t->right], ends_of(&tree[t->left], from, text, len), text, len);
    case CHOICE:
        return ends_of(&tree[t->left], from, text, len) | ends_of(&tree[t->right], from, text, len);
    default:
        now = from;
        for (i = 0; i < t->from; i++)
            now = ends_of(&tree[t->left], now, text, len);
        out = seen = now;
        for (i = t->from; (t->to < 0 ? now != 0 : i < t->to); i++) {
            now = ends_of(&tree[t->left], now, text, len);
            if (t->to < 0) {
                now &= ~seen;
                seen |= now;
            }
            out |= now;
        }
        return out;
    }
}

static bool recognised(const char *text, int len)
{
    bool changed = true;
    int r, i;
    memset(rule_ends, 0, sizeof rule_ends);
    while (changed) {
        changed = false;
        for (r = 0; r < n_rules; r++)
            for (i = 0; i <= len; i++) {
                uint32_t e = ends_of(&tree[root_of[r]], 1u << i, text, len) | rule_ends[r][i];
                changed = changed || e != rule_ends[r][i];
                rule_ends[r][i] = e;
            }
    }
    return (rule_ends[0][0] >> len & 1) != 0;
}

static void random_grammar(char *text)
{
    int r;
    n_nodes = 0;
    n_rules = 1 + (int)roll(RULES);
    text[0] = 0;
    for (r = 0; r < n_rules; r++) {
        root_of[r] = grow_random(3);
        sprintf(text + strlen(text), r == 0 ? "root ::= " : "R%d ::= ", r);
        write_node(text, &tree[root_of[r]]);
        strcat(text, "\n");
    }
}

/* All texts of up to five letters, and random longer ones: the same verdict, and every beginning of a
   text that matches is alive. */
static void same_languages(const bound *b, const char *grammar)
{
    char text[16];
    int len, code, i, count = 1;
    bool alive, yes, expected;
    for (len = 0; len <= 5; len++, count *= LETTERS)
        for (code = 0; code < count; code++) {
            int c = code;
            for (i = 0; i < len; i++, c /= LETTERS)
                text[i] = (char)('a' + c % LETTERS);
            expected = recognised(text, len);
            yes = matches(b->st, text, (size_t)len, &alive);
            CHECKF(yes == expected, "%s'%.*s': %d, expected %d", grammar, len, text, yes, expected);
        }
    for (code = 0; code < 60; code++) {
        len = 6 + (int)roll(9);
        for (i = 0; i < len; i++)
            text[i] = (char)('a' + roll(LETTERS));
        CHECKF(matches(b->st, text, (size_t)len, &alive) == recognised(text, len), "%s'%.*s'", grammar, len,
               text);
    }
}

/* Walks at random through what is alive: texts that end on the way match, and no way is a dead end. */
static void same_walks(const bound *b, const char *grammar)
{
    int walk, len, i;
    for (walk = 0; walk < 20; walk++) {
        char text[16];
        CHECK(llmc_grammar_reset(b->st, false, &diag) == LLMC_OK);
        for (len = 0; len < 14; len++) {
            unsigned first = roll(LETTERS);
            bool done = llmc_grammar_is_done(b->st);
            if (llmc_grammar_can_end(b->st) || recognised(text, len))
                CHECKF(llmc_grammar_can_end(b->st) && recognised(text, len), "%s'%.*s'", grammar, len, text);
            for (i = 0; i < LETTERS; i++) {
                text[len] = (char)('a' + (first + (unsigned)i) % LETTERS);
                if (llmc_grammar_text(b->st, text + len, 1, &diag) == LLMC_OK)
                    break;
            }
            CHECKF((i == LETTERS) == done, "%s'%.*s' leads nowhere", grammar, len, text);
            if (i == LETTERS)
                break;
        }
    }
}

/* Rules (bits) that t can begin with; nullable: after recognised("", 0) the tables say it. */
static unsigned firsts(const node *t)
{
    unsigned out;
    switch (t->kind) {
    case CHARACTER:
        return 0;
    case RULE:
        return 1u << t->from;
    case SEQUENCE:
        out = firsts(&tree[t->left]);
        return (ends_of(&tree[t->left], 1, "", 0) & 1) != 0 ? out | firsts(&tree[t->right]) : out;
    case CHOICE:
        return firsts(&tree[t->left]) | firsts(&tree[t->right]);
    default:
        return t->to == 0 ? 0 : firsts(&tree[t->left]);
    }
}

static bool left_recursive(void)
{
    unsigned to[RULES];
    int r, k, round;
    (void)recognised("", 0);
    for (r = 0; r < n_rules; r++)
        to[r] = firsts(&tree[root_of[r]]);
    for (round = 0; round < n_rules; round++)
        for (r = 0; r < n_rules; r++)
            for (k = 0; k < n_rules; k++)
                if ((to[r] >> k & 1) != 0)
                    to[r] |= to[k];
    for (r = 0; r < n_rules; r++)
        if ((to[r] >> r & 1) != 0)
            return true;
    return false;
}

static void random_languages(void)
{
    int round, compiled = 0, left = 0, never = 0;
    for (round = 0; round < 400; round++) {
        char text[4096];
        bound b;
        llmc_status s;
        random_grammar(text);
        s = bind(&b, NULL, text);
        if (s == LLMC_OK) {
            compiled++;
            same_languages(&b, text);
            same_walks(&b, text);
            unbind(&b);
        } else if (strstr(diag.message, "left recursion") != NULL) {
            left++;
            CHECKF(left_recursive(), "%sis not left recursive", text);
        } else if (CHECKF(strstr(diag.message, "no text matches") != NULL, "%s%s", text, diag.message)) {
            never++;
            CHECK(!recognised("", 0) && !recognised("a", 1) && !recognised("abc", 3));
        }
    }
    CHECKF(compiled > 150, "%d compiled, %d left recursive, %d without end", compiled, left, never);
}

/* ------------------------------------------------------------ vocabularies */
typedef struct vocab {
    llmc_model *model;
    const llmc_tokenizer *tok;
    void *mem;
    maker file;
    unsigned char *data;
} vocab;

static bool open_vocab(vocab *v, const void *data, size_t size)
{
    llmc_model_options o;
    llmc_blob file;
    size_t need = 0;
    memset(&o, 0, sizeof o);
    o.vocab_only = true;
    file.data = data;
    file.size = size;
    file.name = "vocabulary";
    if (!CHECKF(llmc_model_need(&file, 1, &o, &need, &diag) == LLMC_OK, "%s", diag.message))
        return false;
    v->mem = malloc(need);
    if (!CHECKF(llmc_model_init(&v->model, &file, 1, &o, v->mem, need, &diag) == LLMC_OK, "%s", diag.message))
        return false;
    v->tok = llmc_model_tokenizer(v->model);
    return v->tok != NULL;
}

static void close_vocab(vocab *v)
{
    free(v->mem);
    free(v->data);
    make_end(&v->file);
    memset(v, 0, sizeof *v);
}

/* A file, from the repository or the shared folder; false: it is not there. */
static bool read_vocab(vocab *v, const char *path)
{
    size_t n = 0;
    memset(v, 0, sizeof *v);
    v->data = test_read(path, &n);
    return v->data != NULL && open_vocab(v, v->data, n);
}

/* A SentencePiece vocabulary: <unk> <s> </s>, all bytes, then text [n], U+2581 for a space. kind as GGUF's
   token types; NULL: all normal. */
static bool make_vocab(vocab *v, const char *const *text, const int *kind, unsigned n)
{
    static const char *const first[3] = {"<unk>", "<s>", "</s>"};
    unsigned i;
    char byte[8];
    memset(v, 0, sizeof *v);
    make_begin(&v->file);
    key_str(&v->file, "general.architecture", "llama");
    key_str(&v->file, "tokenizer.ggml.model", "llama");
    key_array(&v->file, "tokenizer.ggml.tokens", 8, 3 + 256 + n);
    for (i = 0; i < 3; i++)
        put_str(&v->file.keys, first[i]);
    for (i = 0; i < 256; i++) {
        sprintf(byte, "<0x%02X>", i);
        put_str(&v->file.keys, byte);
    }
    for (i = 0; i < n; i++)
        put_str(&v->file.keys, text[i]);
    key_array(&v->file, "tokenizer.ggml.scores", 6, 3 + 256 + n);
    for (i = 0; i < 3 + 256 + n; i++)
        put_f32(&v->file.keys, -(float)i);
    key_array(&v->file, "tokenizer.ggml.token_type", 5, 3 + 256 + n);
    for (i = 0; i < 3 + 256 + n; i++)
        put_int(&v->file.keys,
                i == 0         ? 2
                : i < 3        ? 3
                : i < 259      ? 6
                : kind != NULL ? (unsigned)kind[i - 259]
                               : 1,
                4);
    key_u32(&v->file, "tokenizer.ggml.bos_token_id", 1);
    key_u32(&v->file, "tokenizer.ggml.eos_token_id", 2);
    key_u32(&v->file, "tokenizer.ggml.unknown_token_id", 0);
    make_finish(&v->file);
    return open_vocab(v, v->file.out.data, v->file.out.size);
}

/* Tokens over a, b, c of all lengths up to 4, long runs, JSON's marks, spaces, halves of characters. */
static bool letters_vocab(vocab *v)
{
    static char text[256][64];
    static const char *list[256];
    static const char *const more[] = {"\"",
                                       "\":",
                                       "\"}",
                                       "\"}}",
                                       "\"}}}}}}}",
                                       "]]]]]]",
                                       "}]}]}]}]",
                                       "{\"",
                                       ",\"",
                                       "[[",
                                       "[{\"",
                                       "}}}",
                                       "\xc3\xa9",
                                       "\xe2\x82\xac\xe2\x82\xac",
                                       "\xe2\x96\x81\x61",
                                       "\xe2\x96\x81",
                                       "true",
                                       "ull",
                                       ":null",
                                       "1",
                                       "12",
                                       "0.5",
                                       "\\u",
                                       "\\u00",
                                       "a\"",
                                       "ab\",\"c"};
    unsigned n = 0, len, code, i, count = 1;
    for (len = 1; len <= 4; len++) {
        count *= 3;
        for (code = 0; code < count; code++) {
            unsigned c = code;
            for (i = 0; i < len; i++, c /= 3)
                text[n][i] = (char)('a' + c % 3);
            text[n][len] = 0;
            list[n] = text[n];
            n++;
        }
    }
    for (len = 5; len < 60; len += 3) {
        memset(text[n], 'a', len);
        text[n][len] = 0;
        if (len % 2 == 0)
            text[n][len - 1] = 'b';
        list[n] = text[n];
        n++;
    }
    for (i = 0; i < sizeof more / sizeof more[0]; i++)
        list[n++] = more[i];
    return make_vocab(v, list, NULL, n);
}

/* Ambiguity may outgrow a small memory; whoever expects that counts how often. */
static int full_masks;

/* The mask against every token by itself, on a copy. False: no use in going on. */
static bool same_mask(const bound *b, llmc_grammar_state *copy, const llmc_tokenizer *tok, const char *what)
{
    uint32_t n = llmc_tokenizer_count(tok), id, *bits = (uint32_t *)malloc((n / 32 + 3) * 4), allowed = 0;
    bool good = true;
    llmc_status status = llmc_grammar_mask(b->st, bits, n / 32 + 2, &diag);
    full_masks += status == LLMC_FULL;
    good =
        CHECKF(status == LLMC_OK || status == LLMC_FULL, "%s: %s", what, diag.message) && status == LLMC_OK;
    CHECK(bits[n / 32 + 1] == 0);
    CHECK(llmc_grammar_copy(copy, b->st, &diag) == LLMC_OK);
    for (id = 0; id < n && good; id++) {
        llmc_status s = llmc_grammar_advance(copy, (llmc_token)id, NULL);
        llmc_token_info info;
        bool in = (bits[id / 32] >> (id % 32) & 1) != 0;
        llmc_token_get(tok, (llmc_token)id, &info);
        allowed += in;
        good = CHECKF((s == LLMC_OK) == in, "%s: token %u '%.*s': mask %d, by itself %d", what, (unsigned)id,
                      (int)info.text_len, info.text, in, (int)s) != 0;
        if (s == LLMC_OK)
            llmc_grammar_copy(copy, b->st, &diag);
    }
    CHECKF(!good || (allowed == 0) == (llmc_grammar_is_done(b->st) && !llmc_grammar_can_end(b->st)) ||
               allowed > 0,
           "%s: nothing is allowed", what);
    free(bits);
    return good;
}

/* One token out of the mask at random; LLMC_TOKEN_NONE: the text is over. */
static llmc_token draw(const bound *b, const llmc_tokenizer *tok)
{
    uint32_t n = llmc_tokenizer_count(tok), id, *bits = (uint32_t *)malloc((n / 32 + 2) * 4), k = 0, pick;
    llmc_token out = LLMC_TOKEN_NONE;
    if (CHECK(llmc_grammar_mask(b->st, bits, n / 32 + 1, &diag) == LLMC_OK)) {
        for (id = 0; id < n; id++)
            k += bits[id / 32] >> (id % 32) & 1;
        pick = k > 0 ? roll(k) : 0;
        for (id = 0; id < n && k > 0; id++)
            if ((bits[id / 32] >> (id % 32) & 1) != 0 && pick-- == 0) {
                out = (llmc_token)id;
                break;
            }
    }
    free(bits);
    return out;
}

static const char json_grammar[] =
    "root ::= value\n"
    "value ::= object | array | string | number | \"true\" | \"null\"\n"
    "object ::= \"{\" ws (pair (\",\" ws pair)*)? \"}\"\n"
    "pair ::= string \":\" ws value\n"
    "array ::= \"[\" ws (value (\",\" ws value)*)? \"]\"\n"
    "string ::= \"\\\"\" char* \"\\\"\"\n"
    "char ::= [^\"\\\\\\x00-\\x1f] | \"\\\\\" ([\"\\\\nt] | \"u\" [0-9a-f]{4})\n"
    "number ::= \"-\"? ([0-9] | [1-9] [0-9]{0,15}) (\".\" [0-9]+)?\n"
    "ws ::= \" \"?\n";

/* Walks through a grammar by random tokens, comparing masks on the way. */
static void walk_masks(const llmc_tokenizer *tok, const char *grammar, const llmc_grammar_vocab *shared,
                       int steps, const llmc_grammar_state_options *so)
{
    llmc_grammar_options o;
    bound b;
    llmc_grammar_state *copy = NULL;
    size_t need = 0;
    void *mem;
    int i;
    memset(&o, 0, sizeof o);
    o.vocab = shared;
    if (bind_with(&b, tok, grammar, strlen(grammar), &o, so) != LLMC_OK) {
        CHECKF(strstr(diag.message, "left recursion") != NULL ||
                   strstr(diag.message, "no text matches") != NULL,
               "%s: %s", grammar, diag.message);
        return;
    }
    CHECK(llmc_grammar_state_need(b.g, so, &need, &diag) == LLMC_OK);
    mem = malloc(need);
    CHECK(llmc_grammar_state_init(&copy, b.g, so, mem, need, &diag) == LLMC_OK);
    for (i = 0; i < steps; i++) {
        llmc_token id;
        if (!same_mask(&b, copy, tok, grammar))
            break;
        id = draw(&b, tok);
        if (id == LLMC_TOKEN_NONE) {
            CHECK(llmc_grammar_reset(b.st, i % 2 == 0, &diag) == LLMC_OK);
            continue;
        }
        if (!CHECKF(llmc_grammar_advance(b.st, id, &diag) == LLMC_OK, "%s", diag.message))
            break;
        if (llmc_grammar_is_done(b.st))
            CHECK(llmc_grammar_reset(b.st, i % 2 == 0, &diag) == LLMC_OK);
    }
    free(mem);
    unbind(&b);
}

static const llmc_grammar_state_options small_state = {0, 512, 3};

static void masks(void)
{
    static const char *const grammar[] = {
        json_grammar,
        "root ::= [a-c]*",
        "root ::= [a-c]{0,100} \"!\"",
        "root ::= [a-b]{40} [a-c]{3,50}",
        "root ::= ([a-c]{20,40} \",\"){0,30}",
        "root ::= x{0,90} \"!\"\nx ::= [a-c] | \"\\\"\" x \"\\\"\"",
        "root ::= (\"a\"? \"b\"?){30,60} \"c\"",
        "root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"a\"",
        "root ::= [\xe2\x82\xac\xc3\xa9 ]+",
        "root ::= (\"ab\" | \"a\" | \"ba\"){25,}",
        "root ::= ((([a-c] [a-c] [a-c]){100} \"!\"){100})+",
        "root ::= ([a-b]{1,30}){1,30} \"c\"",
        "root ::= (([a-c] [a-c] [a-c]){0,400} \"!\"){2,4}{2}", /* code moved out of line, then copied */
        "root ::= R2\nR1 ::= R1\nR2 ::= \"c\"\nR3 ::= ((\"c\" root) (\"c\" | [a-c])){0}", /* the most code is not the last */
        "root ::= ([a-c] [a-c] [a-c]){400}{0} ([a-c] [ab] [a-c]){0,400}{0} [a-c]{2}",
        "root ::= . . .* \"\\\"\"",
    };
    vocab v;
    size_t i;
    if (letters_vocab(&v))
        for (i = 0; i < sizeof grammar / sizeof grammar[0]; i++)
            walk_masks(v.tok, grammar[i], NULL, i == 0 ? 150 : 60, i % 2 == 0 ? &small_state : NULL);
    CHECKF(full_masks == 0, "%d masks did not fit", full_masks);
    close_vocab(&v);
}

static void random_masks(void)
{
    vocab v;
    int round;
    full_masks = 0;
    if (letters_vocab(&v))
        for (round = 0; round < 150; round++) {
            char text[4096];
            random_grammar(text);
            walk_masks(v.tok, text, NULL, 8, &small_state);
        }
    CHECKF(full_masks < 15, "%d masks did not fit", full_masks);
    close_vocab(&v);
}

/* Byte-level and SentencePiece vocabularies of models, one set of tokens for several grammars. */
static void model_masks(void)
{
    static const char *const name[] = {"tests/models/tiny-llama.gguf", "tests/models/tiny-gpt2.gguf"};
    size_t i;
    for (i = 0; i < 2; i++) {
        vocab v;
        size_t need = 0;
        llmc_grammar_vocab *shared = NULL;
        void *mem;
        if (!CHECK(read_vocab(&v, name[i])))
            continue;
        CHECK(llmc_grammar_vocab_need(v.tok, &need, &diag) == LLMC_OK);
        mem = malloc(need);
        CHECK(llmc_grammar_vocab_init(&shared, v.tok, mem, need - 1, &diag) == LLMC_NO_MEMORY);
        if (CHECK(llmc_grammar_vocab_init(&shared, v.tok, mem, need, &diag) == LLMC_OK)) {
            walk_masks(v.tok, json_grammar, shared, 60, &small_state);
            walk_masks(v.tok, "root ::= [a-zA-Z ,.]{0,60} [!?]", shared, 60, &small_state);
            walk_masks(v.tok, "root ::= \" \"? (\"Once\" | \"One\") .*", shared, 30, &small_state);
        }
        free(mem);
        close_vocab(&v);
    }
}

static void shared_masks(void)
{
    static const char *const name[] = {"data/vocabs/ggml-vocab-gpt-2.gguf",
                                       "data/vocabs/ggml-vocab-llama-spm.gguf"};
    vocab v;
    size_t i;
    for (i = 0; i < 2; i++) {
        if (!read_vocab(&v, test_shared(name[i]))) {
            SKIP("its vocabulary is not in the shared folder");
            return;
        }
        walk_masks(v.tok, json_grammar, NULL, 8, &small_state);
        walk_masks(v.tok, "root ::= \"\\\"\" [^\"]{0,40} \"\\\"\"", NULL, 6, &small_state);
        close_vocab(&v);
    }
}

/* ------------------------------------------------------------ limits */
/* Every size below what was asked for is refused, and nothing is written. */
static void sizes(void)
{
    static const char text[] = "root ::= [a-z]{2,5} x | \"q\"\nx ::= \"(\" root \")\"";
    static const llmc_grammar_state_options so = {0, 16, 1};
    size_t need = 0, state_need = 0, n, i;
    llmc_grammar *g = NULL;
    llmc_grammar_state *st = NULL;
    unsigned char *mem;
    CHECK(llmc_grammar_need(NULL, text, sizeof text - 1, NULL, &need, &diag) == LLMC_OK);
    mem = (unsigned char *)malloc(need);
    for (n = 0; n < need; n++) {
        memset(mem, 0x77, need);
        CHECKF(llmc_grammar_init(&g, NULL, text, sizeof text - 1, NULL, mem, n, &diag) == LLMC_NO_MEMORY &&
                   g == NULL,
               "%u of %u bytes", (unsigned)n, (unsigned)need);
        for (i = 0; i < need && mem[i] == 0x77; i++)
            continue;
        CHECK(i == need);
    }
    if (!CHECK(llmc_grammar_init(&g, NULL, text, sizeof text - 1, NULL, mem, need, &diag) == LLMC_OK))
        return;
    CHECK(llmc_grammar_state_need(g, &so, &state_need, &diag) == LLMC_OK);
    {
        unsigned char *state = (unsigned char *)malloc(state_need);
        for (n = 0; n < state_need; n += n < 64 || n + 64 > state_need ? 1 : 61)
            CHECK(llmc_grammar_state_init(&st, g, &so, state, n, &diag) == LLMC_NO_MEMORY && st == NULL);
        CHECK(llmc_grammar_state_init(&st, g, &so, state, state_need, &diag) == LLMC_OK);
        CHECK(llmc_grammar_text(st, "ab(q)", 5, &diag) == LLMC_OK && llmc_grammar_is_done(st));
        free(state);
    }
    free(mem);
}

/* Whatever a grammar asks for, an answer comes soon. */
static void pathological(void)
{
    static const char *const head[] = {"root ::= ", "root ::= ", "root ::= ", "root ::= x\nx ::= ",
                                       "root ::= ", "root ::= ", "root ::= ", "root ::= "};
    static const char *const part[] = {"\"a\"? ",
                                       "(\"a\"?)* ",
                                       "(\"a\" | ",
                                       "[a-z] x? ",
                                       "(",
                                       "\"a\" root \"b\" | ",
                                       "\"a\"{1000}{1000}{1000} ",
                                       "(\"a\"{0,50} \"b\"?){0,50} "};
    static const int count[] = {3000, 2000, 60, 2000, 60, 3000, 3, 40};
    static const char *const tail[] = {"\"!\"", "\"!\"", "\"a\"", "\"!\"",
                                       "\"a\"", "\"a\"", "\"!\"", "\"!\""};
    static char text[1 << 17], run[2000];
    vocab v;
    size_t i;
    int k;
    memset(run, 'a', sizeof run);
    if (!letters_vocab(&v))
        return;
    for (i = 0; i < 8; i++) {
        bound b;
        uint32_t bits[32];
        llmc_status s;
        strcpy(text, head[i]);
        for (k = 0; k < count[i]; k++)
            strcat(text, part[i]);
        strcat(text, tail[i]);
        for (k = 0; k < count[i] && (i == 2 || i == 4); k++)
            strcat(text, ")");
        s = bind(&b, v.tok, text);
        CHECKF(s == LLMC_OK || s == LLMC_FULL || s == LLMC_UNSUPPORTED, "%.40s: %s", text, diag.message);
        if (s != LLMC_OK)
            continue;
        s = llmc_grammar_mask(b.st, bits, 32, &diag);
        CHECKF(s == LLMC_OK || s == LLMC_FULL, "%.40s: %s", text, diag.message);
        for (k = 0; k < 2000 && s == LLMC_OK; k++)
            s = llmc_grammar_text(b.st, run, 1, &diag);
        CHECKF(s == LLMC_OK || s == LLMC_FULL || s == LLMC_BAD_ARG, "%.40s: %s", text, diag.message);
        unbind(&b);
    }
    close_vocab(&v);
}

/* Large programs are refused before they are made. */
static void large(void)
{
    static const char *const text[] = {
        "root ::= (\"a\" [b-c]){1000000000}",
        "root ::= x{1,99999999999999999999}\nx ::= \"a\"",
        "root ::= ((\"ab\"{500} \"c\"){500} \"d\"){600000}",
        "root ::= \"a\"{0,1000000}",
    };
    size_t i;
    bound b;
    for (i = 0; i < sizeof text / sizeof text[0]; i++)
        CHECKF(bind(&b, NULL, text[i]) == LLMC_UNSUPPORTED && strstr(diag.message, "max_code") != NULL,
               "%s: %s", text[i], diag.message);
}

/* Deep nesting ends in an error that leaves the state as it was; long flat texts do not. */
static void deep(void)
{
    static const llmc_grammar_state_options so = {0, 64, 1};
    bound b;
    int depth = 0, i;
    if (!CHECK(bind_with(&b, NULL, json_grammar, sizeof json_grammar - 1, NULL, &so) == LLMC_OK))
        return;
    while (depth < 10000 && llmc_grammar_text(b.st, "[", 1, &diag) == LLMC_OK)
        depth++;
    CHECKF(diag.status == LLMC_FULL && depth > 40, "%d: %s", depth, diag.message);
    CHECK(llmc_grammar_text(b.st, "1", 1, &diag) == LLMC_OK);
    for (i = 0; i < depth; i++)
        CHECKF(llmc_grammar_text(b.st, "]", 1, &diag) == LLMC_OK, "%d of %d: %s", i, depth, diag.message);
    CHECK(llmc_grammar_is_done(b.st) && llmc_grammar_text(b.st, "]", 1, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_grammar_reset(b.st, false, &diag) == LLMC_OK &&
          llmc_grammar_text(b.st, "[1", 2, &diag) == LLMC_OK);
    for (i = 0; i < 20000; i++)
        CHECK(llmc_grammar_text(b.st, ", {\"k\": \"v\"}", 12, &diag) == LLMC_OK);
    CHECK(llmc_grammar_text(b.st, "]", 1, &diag) == LLMC_OK && llmc_grammar_is_done(b.st));
    unbind(&b);
}

/* ------------------------------------------------------------ tokens by name, ends, forks */
static void named_tokens(void)
{
    static const char *const text[] = {"<think>", "</think>", "ab", "<0x", "b"};
    static const int kind[] = {3, 4, 1, 1, 1};
    const llmc_token think = 259, over = 260, ab = 261, letter_b = 3 + 'b', end = 2;
    llmc_grammar_state *copy = NULL;
    size_t need = 0;
    void *mem;
    vocab v;
    bound b;
    if (!make_vocab(&v, text, kind, 5))
        return;
    if (CHECKF(bind(&b, v.tok, "root ::= <think> !<[260]>* </think> \"ab\"?") == LLMC_OK, "%s",
               diag.message)) {
        CHECK(llmc_grammar_state_need(b.g, NULL, &need, &diag) == LLMC_OK);
        mem = malloc(need);
        CHECK(llmc_grammar_state_init(&copy, b.g, NULL, mem, need, &diag) == LLMC_OK);
        same_mask(&b, copy, v.tok, "think");
        CHECK(llmc_grammar_advance(b.st, ab, &diag) == LLMC_BAD_ARG);
        CHECK(llmc_grammar_text(b.st, "<think>", 7, &diag) ==
              LLMC_BAD_ARG); /* its spelling is not the token */
        CHECK(llmc_grammar_advance(b.st, think, &diag) == LLMC_OK);
        same_mask(&b, copy, v.tok, "thinking");
        CHECK(llmc_grammar_advance(b.st, think, &diag) == LLMC_BAD_ARG); /* no text */
        CHECK(llmc_grammar_advance(b.st, end, &diag) == LLMC_BAD_ARG);
        CHECK(llmc_grammar_advance(b.st, ab, &diag) == LLMC_OK);
        CHECK(llmc_grammar_advance(b.st, 3 + 0xff, &diag) == LLMC_OK);
        CHECK(!llmc_grammar_can_end(b.st));
        CHECK(llmc_grammar_advance(b.st, over, &diag) == LLMC_OK);
        same_mask(&b, copy, v.tok, "thought");
        CHECK(llmc_grammar_can_end(b.st) && !llmc_grammar_is_done(b.st));
        CHECK(llmc_grammar_advance(b.st, ab, &diag) == LLMC_OK && llmc_grammar_is_done(b.st));
        same_mask(&b, copy, v.tok, "done");
        CHECK(llmc_grammar_advance(b.st, end, &diag) == LLMC_OK && llmc_grammar_is_done(b.st));
        CHECK(llmc_grammar_advance(b.st, end, &diag) == LLMC_BAD_ARG);
        CHECK(llmc_grammar_advance(b.st, -1, &diag) == LLMC_BAD_ARG);
        CHECK(llmc_grammar_advance(b.st, 264, &diag) == LLMC_BAD_ARG);
        CHECK(llmc_grammar_reset(b.st, false, &diag) == LLMC_OK && !llmc_grammar_can_end(b.st));
        free(mem);
        unbind(&b);
    }
    CHECK(bind(&b, v.tok, "root ::= <none>") == LLMC_BAD_ARG && strstr(diag.message, "<none>") != NULL);
    CHECK(bind(&b, v.tok, "root ::= <[264]>") == LLMC_BAD_ARG && strstr(diag.message, "<[264]>") != NULL);
    /* a token and its letters at once */
    if (CHECKF(bind(&b, v.tok, "root ::= <[261]> \"x\" | \"ab\" \"y\" | \"a\" <[101]> \"z\"") == LLMC_OK,
               "%s", diag.message)) {
        CHECK(llmc_grammar_advance(b.st, ab, &diag) == LLMC_OK);
        CHECK(llmc_grammar_text(b.st, "x", 1, &diag) == LLMC_OK && llmc_grammar_is_done(b.st));
        CHECK(llmc_grammar_reset(b.st, false, &diag) == LLMC_OK &&
              llmc_grammar_advance(b.st, ab, &diag) == LLMC_OK);
        CHECK(llmc_grammar_text(b.st, "y", 1, &diag) == LLMC_OK);
        CHECK(llmc_grammar_reset(b.st, false, &diag) == LLMC_OK &&
              llmc_grammar_text(b.st, "ab", 2, &diag) == LLMC_OK);
        CHECK(llmc_grammar_text(b.st, "x", 1, &diag) == LLMC_BAD_ARG);
        CHECK(llmc_grammar_reset(b.st, false, &diag) == LLMC_OK &&
              llmc_grammar_text(b.st, "a", 1, &diag) == LLMC_OK);
        CHECK(llmc_grammar_advance(b.st, letter_b, &diag) == LLMC_OK);
        CHECK(llmc_grammar_text(b.st, "z", 1, &diag) == LLMC_OK);
        unbind(&b);
    }
    close_vocab(&v);
}

/* SentencePiece drops the space of a text's first token, and grammars see what is left. */
static void opening_space(void)
{
    static const char *const text[] = {"\xe2\x96\x81one", "one", "\xe2\x96\x81",
                                       "\xe2\x96\x81\xe2\x96\x81one"};
    vocab v;
    bound b;
    if (!make_vocab(&v, text, NULL, 4))
        return;
    if (CHECK(bind(&b, v.tok, "root ::= \" \"? \"one\"") == LLMC_OK)) {
        static const int yes[2][4] = {{1, 1, 1, 0}, {1, 1, 0, 1}};
        int opening, i;
        for (opening = 0; opening < 2; opening++)
            for (i = 0; i < 4; i++) {
                uint32_t bits[16];
                CHECK(llmc_grammar_reset(b.st, opening == 1, &diag) == LLMC_OK);
                CHECK(llmc_grammar_mask(b.st, bits, 16, &diag) == LLMC_OK);
                CHECKF((int)(bits[(259 + i) / 32] >> ((259 + i) % 32) & 1) == yes[opening][i], "%d: token %d",
                       opening, i);
                CHECKF((llmc_grammar_advance(b.st, 259 + i, &diag) == LLMC_OK) == yes[opening][i],
                       "%d: token %d", opening, i);
            }
        unbind(&b);
    }
    close_vocab(&v);
}

/* ------------------------------------------------------------ sequences */
typedef struct engine_of {
    vocab v;
    llmc_engine *engine;
    void *mem;
} engine_of;

static bool open_engine(engine_of *e)
{
    llmc_engine_options o;
    llmc_blob file;
    size_t need = 0;
    memset(e, 0, sizeof *e);
    file.name = "tiny-llama.gguf";
    e->v.data = test_read("tests/models/tiny-llama.gguf", &file.size);
    file.data = e->v.data;
    if (!CHECK(e->v.data != NULL && llmc_model_need(&file, 1, NULL, &need, &diag) == LLMC_OK))
        return false;
    e->v.mem = malloc(need);
    if (!CHECK(llmc_model_init(&e->v.model, &file, 1, NULL, e->v.mem, need, &diag) == LLMC_OK))
        return false;
    e->v.tok = llmc_model_tokenizer(e->v.model);
    memset(&o, 0, sizeof o);
    o.context_length = 96;
    o.max_seqs = 3;
    o.text_bytes = 512;
    if (!CHECK(llmc_engine_need(e->v.model, &o, &need, &diag) == LLMC_OK))
        return false;
    e->mem = malloc(need);
    return CHECK(llmc_engine_init(&e->engine, e->v.model, &o, e->mem, need, &diag) == LLMC_OK) != 0;
}

static void close_engine(engine_of *e)
{
    free(e->mem);
    close_vocab(&e->v);
}

/* What a sequence says until it finishes; the finish. */
static llmc_finish say(llmc_seq *seq, char *text, size_t cap, int most)
{
    llmc_piece p;
    size_t n = 0;
    text[0] = 0;
    memset(&p, 0, sizeof p);
    while (most-- > 0 && llmc_seq_next(seq, &p, &diag) == LLMC_OK) {
        if (n + p.text_len + 1 < cap) {
            memcpy(text + n, p.text, p.text_len + 1);
            n += p.text_len;
        }
        if (p.finish != LLMC_FINISH_NONE)
            break;
    }
    return p.finish;
}

static void sequences(void)
{
    static const char grammar[] =
        "root ::= \"{\\\"name\\\": \\\"\" [a-z ]{1,12} \"\\\", \\\"n\\\": \" [1-9] [0-9]{0,3} \"}\"";
    engine_of e;
    bound b, judge;
    llmc_seq_options o;
    llmc_sample_options sample;
    llmc_seq *seq = NULL;
    char text[512], again[512];
    bool alive;
    int round;
    if (!open_engine(&e) || !CHECK(bind(&b, e.v.tok, grammar) == LLMC_OK) ||
        !CHECK(bind(&judge, NULL, grammar) == LLMC_OK))
        return;
    memset(&o, 0, sizeof o);
    memset(&sample, 0, sizeof sample);
    sample.temperature = 1.5f;
    o.sample = &sample;
    o.grammar = b.st;
    CHECK(llmc_seq_open(&seq, e.engine, &o, &diag) == LLMC_OK);
    for (round = 0; round < 12; round++) {
        sample.seed = (uint64_t)round;
        CHECK(llmc_seq_configure(seq, &o, &diag) == LLMC_OK);
        CHECK(llmc_seq_truncate(seq, 0, &diag) == LLMC_OK &&
              llmc_seq_add_text(seq, "Once", 4, &diag) == LLMC_OK);
        CHECK(say(seq, text, sizeof text, 200) == LLMC_FINISH_END);
        CHECKF(matches(judge.st, text, strlen(text), &alive), "'%s'", text);
        /* a second answer begins the grammar anew */
        CHECK(llmc_seq_add_text(seq, " a", 2, &diag) == LLMC_OK);
        if (say(seq, again, sizeof again, 200) == LLMC_FINISH_END)
            CHECKF(matches(judge.st, again, strlen(again), &alive), "'%s'", again);
    }
    /* rolled back in the middle, it goes on from there */
    for (round = 0; round < 6; round++) {
        size_t n = 0, begin = 0;
        char joined[1024];
        CHECK(llmc_seq_truncate(seq, 0, &diag) == LLMC_OK &&
              llmc_seq_add_text(seq, "One", 3, &diag) == LLMC_OK);
        (void)llmc_seq_ids(seq, &begin);
        say(seq, text, sizeof text, 9 + round);
        (void)llmc_seq_ids(seq, &n);
        n = begin + (n - begin) / 2;
        CHECK(llmc_seq_truncate(seq, n, &diag) == LLMC_OK);
        joined[0] = 0;
        {
            size_t len = 0;
            llmc_decode_options keep = {0, false, true};
            llmc_decode(e.v.tok, llmc_seq_ids(seq, &n) + begin, n - begin, &keep, joined, sizeof joined - 1,
                        &len, &diag);
            joined[len] = 0;
        }
        CHECK(say(seq, again, sizeof again, 200) == LLMC_FINISH_END);
        strcat(joined, again);
        CHECKF(matches(judge.st, joined, strlen(joined), &alive), "'%s' after '%s'", joined, text);
    }
    /* rolled back into the prompt, it begins there */
    CHECK(llmc_seq_truncate(seq, 1, &diag) == LLMC_OK);
    CHECK(say(seq, text, sizeof text, 200) == LLMC_FINISH_END &&
          matches(judge.st, text, strlen(text), &alive));
    llmc_seq_close(seq);
    unbind(&b);
    unbind(&judge);
    close_engine(&e);
}

/* Chooses what it is told, or looks at what it may. */
static llmc_token dictate(void *user, llmc_seq *seq, float *logits, size_t n)
{
    (void)seq;
    (void)logits;
    (void)n;
    return *(const llmc_token *)user;
}

static void sequence_ends(void)
{
    engine_of e;
    bound b, other;
    llmc_seq_options o;
    llmc_seq *seq = NULL;
    llmc_token forced = 0;
    llmc_piece p;
    char text[512];
    vocab foreign;
    static const char *const piece[] = {"a"};
    if (!open_engine(&e))
        return;
    memset(&o, 0, sizeof o);
    /* open-ended: it may end, and goes on to max_tokens; never an end token with ignore_end */
    if (CHECK(bind(&b, e.v.tok, "root ::= [a-z ]*") == LLMC_OK)) {
        o.grammar = b.st;
        o.max_tokens = 20;
        o.ignore_end = true;
        CHECK(llmc_seq_open(&seq, e.engine, &o, &diag) == LLMC_OK &&
              llmc_seq_add_text(seq, "Once", 4, &diag) == LLMC_OK);
        CHECK(say(seq, text, sizeof text, 100) == LLMC_FINISH_LENGTH);
        /* a chooser is not asked what it likes */
        forced = llmc_tokenizer_special(e.v.tok, LLMC_SPECIAL_BOS);
        o.chooser.fn = dictate;
        o.chooser.user = &forced;
        CHECK(llmc_seq_configure(seq, &o, &diag) == LLMC_OK &&
              llmc_seq_add_text(seq, "a", 1, &diag) == LLMC_OK);
        CHECK(llmc_seq_next(seq, &p, &diag) == LLMC_BAD_ARG && strstr(diag.message, "grammar") != NULL);
        CHECK(llmc_seq_finish(seq) == LLMC_FINISH_FAILED);
        /* an end token ends where the text may end */
        o.ignore_end = false;
        forced = llmc_tokenizer_special(e.v.tok, LLMC_SPECIAL_EOS);
        CHECK(llmc_seq_configure(seq, &o, &diag) == LLMC_OK &&
              llmc_seq_add_text(seq, "a", 1, &diag) == LLMC_OK);
        CHECK(llmc_seq_next(seq, &p, &diag) == LLMC_OK && p.finish == LLMC_FINISH_END && p.token == forced);
        o.chooser.fn = NULL;
        llmc_seq_close(seq);
        unbind(&b);
    }
    /* nothing but the empty text */
    if (CHECK(bind(&b, e.v.tok, "root ::= \"\"") == LLMC_OK)) {
        memset(&o, 0, sizeof o);
        o.grammar = b.st;
        CHECK(llmc_seq_open(&seq, e.engine, &o, &diag) == LLMC_OK &&
              llmc_seq_add_text(seq, "Once", 4, &diag) == LLMC_OK);
        CHECK(llmc_seq_next(seq, &p, &diag) == LLMC_OK && p.finish == LLMC_FINISH_END &&
              p.token == LLMC_TOKEN_NONE);
        llmc_seq_close(seq);
        unbind(&b);
    }
    /* another tokenizer's grammar */
    if (make_vocab(&foreign, piece, NULL, 1) &&
        CHECK(bind(&other, foreign.tok, "root ::= \"a\"") == LLMC_OK)) {
        o.grammar = other.st;
        CHECK(llmc_seq_open(&seq, e.engine, &o, &diag) == LLMC_BAD_ARG &&
              strstr(diag.message, "tokenizer") != NULL);
        unbind(&other);
    }
    close_vocab(&foreign);
    close_engine(&e);
}

int main(void)
{
    random_state = test_seed(19);
    RUN(languages);
    RUN(errors);
    RUN(options);
    RUN(characters);
    RUN(random_languages);
    RUN(masks);
    RUN(random_masks);
    RUN(model_masks);
    RUN(shared_masks);
    RUN(sizes);
    RUN(pathological);
    RUN(large);
    RUN(deep);
    RUN(named_tokens);
    RUN(opening_space);
    RUN(sequences);
    RUN(sequence_ends);
    return test_end("grammar");
}
