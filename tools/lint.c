// cc -O2 tools/lint.c -o lint
/* lint.c -- the structure of llmc.h

     lint [FILE]   reads llmc.h, or FILE

   Proves the structure of llmc.h: that the manual's contents, the interface's
   blocks, the section banners and the concept index agree, that sections use
   only what they say they need, that public functions, options and macros are
   explained, and that the written rules of style which a program can see are
   kept. Findings go to stdout as "file:line: message", then
   statistics; exit 1 if there was a finding.

   It reads text, not C: functions open with "{" and close with "}" alone in
   column 0, as clang-format writes them here. */
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTIONS     26
#define COLUMNS      110
#define STRING_LIMIT 4095
#define LONG_LIMIT   120

static const char *const section_tag[SECTIONS + 1] = {
    "",       "CONFIG",  "PLATFORM", "STATUS", "MEM",   "MATH",  "VEC",   "DTYPE", "QUANT",
    "KERNEL", "TASK",    "DATA",     "FILE",   "TOKEN", "MODEL", "LAYER", "KV",    "FORWARD",
    "SAMPLE", "GRAMMAR", "ENGINE",   "CHAT",   "GRAD",  "OPTIM", "TRAIN", "INDEX", "OS"};

enum { CONFIG = 1, PLATFORM = 2, VEC = 6, OS = 26 };

static const char *const gates[] = {"LLMC_NO_TRAIN",   "LLMC_NO_INDEX",  "LLMC_NO_TOKEN", "LLMC_NO_GRAMMAR",
                                    "LLMC_NO_CHAT",    "LLMC_NO_OS",     "LLMC_NO_SIMD",  "LLMC_NO_STRINGS",
                                    "LLMC_NO_FORMATS", "LLMC_NO_UNICODE"};

static const char *const core_headers[] = {"<stdint.h>", "<stddef.h>", "<stdbool.h>",
                                           "<limits.h>", "<float.h>",  "<stdarg.h>"};

static const char *const forbidden_calls[] = {"malloc",  "calloc",  "realloc",  "free",   "alloca", "printf",
                                              "fprintf", "sprintf", "snprintf", "puts",   "fopen",  "exit",
                                              "abort",   "assert",  "getenv",   "setjmp", "strtod", "qsort"};
static const char *const forbidden[] = {"FILE", "errno", "__thread", "thread_local", "_Thread_local"};

/* Words by which an algorithm would ask for the platform. */
static const char *const platform_words[] = {"_WIN32",     "__linux__", "__APPLE__",   "__x86_64__",
                                             "__i386__",   "_M_X64",    "__aarch64__", "__arm__",
                                             "__ARM_NEON", "__AVX2__",  "__AVX512F__", "__GNUC__",
                                             "__clang__",  "_MSC_VER",  "__TINYC__",   "__wasm__"};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

//--- findings

static const char *path;
static int findings;

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
complain(int line, const char *fmt, ...)
{
    va_list args;
    printf("%s:%d: ", path, line);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
    findings++;
}

static void *need_memory(size_t n)
{
    void *p = calloc(n > 0 ? n : 1, 1);
    if (p == NULL) {
        fprintf(stderr, "lint: out of memory\n");
        exit(1);
    }
    return p;
}

//--- the text, and its lines

typedef struct line {
    const char *raw;  /* as it stands; not NUL-terminated                  */
    const char *code; /* same bytes, comments and string contents blanked  */
    int len;
    bool comment;   /* some of it is comment                            */
    bool directive; /* preprocessor, continuation lines included        */
    int section;    /* of the implementation, 0 outside                 */
    int block;      /* of the interface, 0 outside                      */
} line;

static char *text, *code;
static size_t text_size;
static line *lines; /* [1 .. n_lines] */
static int n_lines;
static int first_block, first_banner; /* line numbers; n_lines + 1 if there is none */

static void read_text(void)
{
    FILE *f = fopen(path, "rb");
    long size;
    if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET) != 0) {
        fprintf(stderr, "lint: cannot read %s\n", path);
        exit(1);
    }
    text_size = (size_t)size;
    text = (char *)need_memory(text_size + 2);
    if (fread(text, 1, text_size, f) != text_size) {
        fprintf(stderr, "lint: cannot read %s\n", path);
        exit(1);
    }
    fclose(f);
    if (text_size > 0 && text[text_size - 1] != '\n')
        text[text_size++] = '\n';
    code = (char *)need_memory(text_size + 1);
    memcpy(code, text, text_size);
}

/* Splits into lines; raw and code share offsets. */
static void split_lines(void)
{
    size_t i, start = 0;
    int n = 0;
    for (i = 0; i < text_size; i++)
        n += text[i] == '\n';
    n_lines = n;
    lines = (line *)need_memory((size_t)(n + 2) * sizeof *lines);
    for (i = 0, n = 1; i < text_size; i++)
        if (text[i] == '\n') {
            lines[n].raw = text + start;
            lines[n].code = code + start;
            lines[n].len = (int)(i - start);
            start = i + 1;
            n++;
        }
}

/* Blanks comments and the insides of literals in `code`, marks comment lines. */
static void blank_comments(void)
{
    enum { PLAIN, LINE, BLOCK, STRING, CHARACTER } state = PLAIN;
    int n = 1;
    size_t i;
    for (i = 0; i < text_size; i++) {
        char c = text[i], next = i + 1 < text_size ? text[i + 1] : '\0';
        if (c == '\n') {
            if (state == LINE)
                state = PLAIN;
            n++;
            continue;
        }
        if (state == PLAIN) {
            if (c == '/' && next == '/')
                state = LINE;
            else if (c == '/' && next == '*')
                state = BLOCK;
            else if (c == '"')
                state = STRING;
            else if (c == '\'')
                state = CHARACTER;
            if (state == LINE || state == BLOCK) {
                lines[n].comment = true;
                code[i] = code[i + 1] = ' ';
                i++;
            }
        } else if (state == LINE || state == BLOCK) {
            lines[n].comment = true;
            code[i] = ' ';
            if (state == BLOCK && c == '*' && next == '/') {
                code[++i] = ' ';
                state = PLAIN;
            }
        } else if (c == '\\' && next != '\n') {
            code[i] = code[i + 1] = ' ';
            i++;
        } else if (c == (state == STRING ? '"' : '\'')) {
            state = PLAIN;
        } else {
            code[i] = ' ';
        }
    }
}

static bool starts(int n, const char *prefix)
{
    size_t k = strlen(prefix);
    return (size_t)lines[n].len >= k && memcmp(lines[n].raw, prefix, k) == 0;
}

static bool blank(int n)
{
    int i;
    for (i = 0; i < lines[n].len; i++)
        if (!isspace((unsigned char)lines[n].raw[i]))
            return false;
    return true;
}

static bool code_blank(int n)
{
    int i;
    for (i = 0; i < lines[n].len; i++)
        if (!isspace((unsigned char)lines[n].code[i]))
            return false;
    return true;
}

/* The line's code is exactly s. */
static bool code_is(int n, const char *s)
{
    int len = lines[n].len;
    while (len > 0 && isspace((unsigned char)lines[n].code[len - 1]))
        len--;
    return (size_t)len == strlen(s) && memcmp(lines[n].code, s, (size_t)len) == 0;
}

static void mark_directives(void)
{
    bool more = false;
    int n, i;
    for (n = 1; n <= n_lines; n++) {
        for (i = 0; i < lines[n].len && isspace((unsigned char)lines[n].code[i]); i++)
            ;
        lines[n].directive = more || (i < lines[n].len && lines[n].code[i] == '#');
        more = lines[n].directive && lines[n].len > 0 && lines[n].code[lines[n].len - 1] == '\\';
    }
}

//--- cursor over one line

typedef struct cursor {
    const char *at, *end;
} cursor;

static cursor line_cursor(int n)
{
    cursor c;
    c.at = lines[n].raw;
    c.end = lines[n].raw + lines[n].len;
    return c;
}

static void skip_blanks(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
        c->at++;
}

static bool accept(cursor *c, const char *s)
{
    size_t n = strlen(s);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, s, n) != 0)
        return false;
    c->at += n;
    return true;
}

/* Decimal number; -1 if there is none. */
static int accept_number(cursor *c)
{
    int v = 0;
    const char *start = c->at;
    while (c->at < c->end && isdigit((unsigned char)*c->at) && v < 10000)
        v = v * 10 + (*c->at++ - '0');
    return c->at > start ? v : -1;
}

/* Characters of a tag or of a sub-section's name; false if there are none. */
static bool accept_word(cursor *c, char *out, size_t cap)
{
    size_t n = 0;
    while (c->at < c->end && (isalnum((unsigned char)*c->at) || *c->at == '_') && n + 1 < cap)
        out[n++] = *c->at++;
    out[n] = 0;
    return n > 0;
}

static bool find_text(cursor *c, const char *s)
{
    size_t n = strlen(s);
    for (; (size_t)(c->end - c->at) >= n; c->at++)
        if (memcmp(c->at, s, n) == 0)
            return true;
    return false;
}

static int tag_number(const char *tag)
{
    int i;
    for (i = 1; i <= SECTIONS; i++)
        if (strcmp(section_tag[i], tag) == 0)
            return i;
    return 0;
}

//--- banners, blocks, contents, index

static uint32_t needs[SECTIONS + 1];   /* as written, one bit each */
static uint32_t closure[SECTIONS + 1]; /* with what those need     */
static int banner_line[SECTIONS + 1], block_line[SECTIONS + 1];

typedef struct sub {
    int section;
    char name[64];
} sub;

static sub subs[1024];
static int n_subs;

/* NN TAG as both a banner and a block start; 0 and a finding if they disagree. */
static int accept_head(cursor *c, int n, const char *what)
{
    char tag[32];
    int number;
    skip_blanks(c);
    number = accept_number(c);
    skip_blanks(c);
    if (number < 1 || number > SECTIONS || !accept_word(c, tag, sizeof tag)) {
        complain(n, "%s is not of the form NN TAG", what);
        return 0;
    }
    if (strcmp(tag, section_tag[number]) != 0) {
        complain(n, "%s says %02d %s; section %02d is %s", what, number, tag, number, section_tag[number]);
        return 0;
    }
    return number;
}

/* //==[ NN TAG ]==== title ==== needs: 01 02 ==== */
static void read_banner(int n, int *last)
{
    cursor c = line_cursor(n);
    int number;
    accept(&c, "//==[");
    number = accept_head(&c, n, "banner");
    if (number == 0)
        return;
    if (number != *last + 1)
        complain(n, "banner %02d follows %02d", number, *last);
    *last = number;
    banner_line[number] = n;
    if (!accept(&c, " ]==== ") || !find_text(&c, " ==== needs: ") || !accept(&c, " ==== needs: ")) {
        complain(n, "banner is not //==[ NN TAG ]==== title ==== needs: NN NN ====");
        return;
    }
    if (!accept(&c, "-")) {
        int need, before = 0;
        while ((need = accept_number(&c)) >= 0) {
            if (need < 1 || need >= number)
                complain(n, "%s needs %02d, which is not a lower number", section_tag[number], need);
            else if (need <= before)
                complain(n, "needs: are not in ascending order");
            else
                needs[number] |= 1u << need;
            before = need;
            skip_blanks(&c);
        }
    } else {
        skip_blanks(&c);
    }
    if (!accept(&c, "====") || c.at != c.end)
        complain(n, "banner does not end with ====");
}

/* //--[ NN.k TAG.name ]-- text */
static void read_sub_banner(int n, int section, int *last)
{
    cursor c = line_cursor(n);
    char tag[32], name[64];
    int number, k, i;
    accept(&c, "//--[ ");
    number = accept_number(&c);
    if (number < 0 || !accept(&c, ".") || (k = accept_number(&c)) < 0 || !accept(&c, " ") ||
        !accept_word(&c, tag, sizeof tag) || !accept(&c, ".") || !accept_word(&c, name, sizeof name) ||
        !accept(&c, " ]-- ") || c.at == c.end) {
        complain(n, "sub-banner is not //--[ NN.k TAG.name ]-- text");
        return;
    }
    if (number != section || tag_number(tag) != section)
        complain(n, "sub-banner %02d %s stands in section %02d %s", number, tag, section,
                 section_tag[section]);
    if (k != *last + 1)
        complain(n, "sub-banner %02d.%d follows %02d.%d", number, k, section, *last);
    *last = k;
    for (i = 0; i < n_subs; i++)
        if (subs[i].section == section && strcmp(subs[i].name, name) == 0)
            complain(n, "%s.%s stands twice", tag, name);
    if (n_subs < (int)COUNT(subs)) {
        subs[n_subs].section = section;
        strcpy(subs[n_subs++].name, name);
    }
}

static void read_structure(void)
{
    int n, i, banner = 0, block = 0, k = 0;
    first_block = first_banner = n_lines + 1;
    for (n = 1; n <= n_lines; n++) {
        if (starts(n, "/*====")) {
            cursor c = line_cursor(n);
            int number;
            accept(&c, "/*====");
            number = accept_head(&c, n, "interface block");
            if (number != 0 && number <= block)
                complain(n, "interface block %02d follows %02d", number, block);
            if (first_banner <= n_lines)
                complain(n, "interface block inside the implementation");
            if (!find_text(&c, "====*/") || c.end - c.at != 6)
                complain(n, "interface block is not /*==== NN TAG ==== title ====*/");
            if (number != 0) {
                block_line[number] = n;
                block = number;
            }
            if (first_block > n_lines)
                first_block = n;
        } else if (starts(n, "//==")) {
            read_banner(n, &banner);
            k = 0;
            if (first_banner > n_lines)
                first_banner = n;
        } else if (starts(n, "//--")) {
            read_sub_banner(n, banner, &k);
        } else if (starts(n, "//@@")) {
            complain(n, "left-over marker");
        }
        if (banner > 0)
            lines[n].section = banner;
        else if (block > 0)
            lines[n].block = block;
    }
    for (i = 1; i <= SECTIONS; i++) {
        uint32_t reach = 1u << i;
        int j;
        if (banner_line[i] == 0)
            complain(n_lines, "no banner for %02d %s", i, section_tag[i]);
        for (j = i - 1; j >= 1; j--)
            if (needs[i] & (1u << j))
                reach |= closure[j];
        closure[i] = reach;
    }
}

static bool sub_exists(int section, const char *name)
{
    int i;
    for (i = 0; i < n_subs; i++)
        if (subs[i].section == section && strcmp(subs[i].name, name) == 0)
            return true;
    return false;
}

/* The manual's table of contents: "NN TAG" at the start of a line or of a column. */
static void check_contents(void)
{
    uint32_t seen = 0;
    int n, i;
    for (n = 1; n < first_block && n < first_banner; n++)
        for (i = 0; i + 3 < lines[n].len; i++) {
            cursor c = line_cursor(n);
            const char *p = c.at + i;
            char tag[32];
            int number;
            if ((i > 0 && p[-1] != ' ') || (i > 1 && p[-2] != ' ') || !isdigit((unsigned char)p[0]) ||
                !isdigit((unsigned char)p[1]) || p[2] != ' ')
                continue;
            c.at = p;
            number = accept_number(&c);
            skip_blanks(&c);
            if (!accept_word(&c, tag, sizeof tag) || tag_number(tag) == 0)
                continue;
            if (tag_number(tag) != number)
                complain(n, "contents say %02d %s; it is %02d", number, tag, tag_number(tag));
            if (seen & (1u << tag_number(tag)))
                complain(n, "contents name %s twice", tag);
            seen |= 1u << tag_number(tag);
        }
    for (i = 1; i <= SECTIONS; i++)
        if (!(seen & (1u << i)))
            complain(1, "contents in the manual leave out %02d %s", i, section_tag[i]);
}

/* "concept -> TAG.sub" in the manual, and every TAG.sub named in a comment or a
   string anywhere: the place must exist. */
static void check_references(void)
{
    int n, entries = 0;
    for (n = 1; n <= n_lines; n++) {
        cursor c = line_cursor(n);
        bool manual = n < first_block && n < first_banner;
        for (; c.at < c.end; c.at++) {
            cursor w = c;
            char tag[32], name[64];
            int section;
            bool arrow = manual && c.at >= lines[n].raw + 4 && memcmp(c.at - 4, " -> ", 4) == 0;
            if (!isupper((unsigned char)*c.at))
                continue;
            if (c.at > lines[n].raw &&
                (isalnum((unsigned char)c.at[-1]) || strchr("_.<>/", c.at[-1]) != NULL))
                continue;
            if (!accept_word(&w, tag, sizeof tag))
                continue;
            section = tag_number(tag);
            if (arrow && section == 0) {
                complain(n, "index points to %s, which is no section", tag);
            } else if (section != 0 && w.at + 1 < w.end && w.at[0] == '.' &&
                       islower((unsigned char)w.at[1])) {
                w.at++;
                accept_word(&w, name, sizeof name);
                if (!sub_exists(section, name))
                    complain(n, "%s.%s does not exist", tag, name);
            }
            entries += arrow;
            c.at = w.at - 1;
        }
    }
    if (entries == 0)
        complain(1, "no concept index (concept -> TAG.sub) in the manual");
}

//--- tokens and definitions

typedef struct token {
    const char *at;
    int len, line;
} token;

typedef struct name {
    char *text;
    uint32_t defined;       /* sections that define it, one bit each    */
    int declared;           /* interface block that declares it, or 0   */
    int first;              /* section in which it is seen first, or 0  */
    int at;                 /* line of a definition or first sight      */
    bool function, unknown; /* unknown: a macro that the manual leaves out, said once */
} name;

static token *tokens;
static size_t n_tokens;
static name *names;
static size_t n_names;
static int *slots;
static size_t n_slots;

static bool token_is(const token *t, const char *s)
{
    return (size_t)t->len == strlen(s) && memcmp(t->at, s, (size_t)t->len) == 0;
}

static bool word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static void read_tokens(void)
{
    int n;
    tokens = (token *)need_memory((text_size + 1) * sizeof *tokens);
    for (n = 1; n <= n_lines; n++) {
        const char *p = lines[n].code, *end = p + lines[n].len;
        while (p < end) {
            const char *start = p;
            if (isspace((unsigned char)*p)) {
                p++;
                continue;
            }
            if (word_char(*p))
                while (p < end && word_char(*p))
                    p++;
            else
                p++;
            tokens[n_tokens].at = start;
            tokens[n_tokens].len = (int)(p - start);
            tokens[n_tokens++].line = n;
        }
    }
}

static name *name_of(const char *s, int len)
{
    uint32_t h = 2166136261u;
    size_t slot;
    int i;
    for (i = 0; i < len; i++)
        h = (h ^ (unsigned char)s[i]) * 16777619u;
    if (n_slots == 0) {
        n_slots = 1;
        while (n_slots < 2 * n_tokens + 16)
            n_slots *= 2;
        slots = (int *)need_memory(n_slots * sizeof *slots);
        names = (name *)need_memory((n_tokens + 1) * sizeof *names);
    }
    for (slot = h & (n_slots - 1); slots[slot] != 0; slot = (slot + 1) & (n_slots - 1)) {
        name *found = &names[slots[slot] - 1];
        if (strlen(found->text) == (size_t)len && memcmp(found->text, s, (size_t)len) == 0)
            return found;
    }
    names[n_names].text = (char *)need_memory((size_t)len + 1);
    memcpy(names[n_names].text, s, (size_t)len);
    slots[slot] = (int)++n_names;
    return &names[n_names - 1];
}

static bool ours(const token *t)
{
    return (t->len > 5 && memcmp(t->at, "llmc_", 5) == 0) || (t->len > 5 && memcmp(t->at, "LLMC_", 5) == 0);
}

typedef struct function {
    name *name;
    int sig, open, close; /* lines */
    size_t from, to;      /* tokens of the body */
    bool is_public, is_static;
} function;

static function *functions;
static int n_functions;

/* t is a macro of ours whose definition says static. */
static bool static_macro(const token *t)
{
    size_t i, j;
    if (t->len < 7 || memcmp(t->at, "LLMC__", 6) != 0)
        return false;
    for (i = 2; i < n_tokens; i++)
        if (tokens[i].len == t->len && memcmp(tokens[i].at, t->at, (size_t)t->len) == 0 &&
            token_is(&tokens[i - 1], "define"))
            for (j = i; j < n_tokens && tokens[j].line <= tokens[i].line + 1; j++)
                if (token_is(&tokens[j], "static") && lines[tokens[j].line].directive)
                    return true;
    return false;
}

/* Finds functions by their braces in column 0, and what stands before them. */
static void find_functions(void)
{
    size_t t = 0;
    int n;
    functions = (function *)need_memory((size_t)n_lines * sizeof *functions);
    for (n = 1; n <= n_lines; n++) {
        function *f = &functions[n_functions];
        const token *called = NULL;
        int depth = 0;
        size_t i;
        if (!code_is(n, "{"))
            continue;
        f->open = n;
        for (f->sig = n; f->sig > 1; f->sig--) {
            int p = f->sig - 1, len = lines[p].len;
            while (len > 0 && isspace((unsigned char)lines[p].code[len - 1]))
                len--;
            if (len == 0 || lines[p].directive || lines[p].code[len - 1] == ';' ||
                lines[p].code[len - 1] == '}')
                break;
        }
        for (f->close = n; f->close <= n_lines && !code_is(f->close, "}"); f->close++)
            ;
        while (t < n_tokens && tokens[t].line < f->sig)
            t++;
        for (i = t; i < n_tokens && tokens[i].line < n; i++) {
            if (token_is(&tokens[i], "(") && depth++ == 0 && i > t && word_char(tokens[i - 1].at[0]))
                called = &tokens[i - 1];
            else if (token_is(&tokens[i], ")"))
                depth--;
            else if (token_is(&tokens[i], "LLMC_API"))
                f->is_public = true;
            else if (token_is(&tokens[i], "static") || (depth == 0 && static_macro(&tokens[i])))
                f->is_static = true;
        }
        if (called == NULL)
            continue;
        f->from = i;
        while (i < n_tokens && tokens[i].line <= f->close)
            i++;
        f->to = i;
        f->name = name_of(called->at, called->len);
        n_functions++;
    }
}

static void find_names(void)
{
    size_t i;
    int k;
    for (k = 0; k < n_functions; k++) {
        function *f = &functions[k];
        int section = lines[f->open].section;
        if (section == 0)
            continue;
        f->name->function = true;
        f->name->defined |= 1u << section;
        f->name->at = f->sig;
    }
    for (i = 0; i < n_tokens; i++) {
        const token *t = &tokens[i];
        int section = lines[t->line].section;
        name *m;
        if (!ours(t))
            continue;
        m = name_of(t->at, t->len);
        if (i > 1 && token_is(&tokens[i - 1], "define") && token_is(&tokens[i - 2], "#")) {
            if (section != 0) {
                m->defined |= 1u << section;
                m->at = t->line;
            }
        }
        if (section != 0 && m->first == 0) {
            m->first = section;
            if (m->at == 0)
                m->at = t->line;
        }
    }
}

/* LLMC_API in the interface, up to its "(": a declaration. */
static void find_declarations(void)
{
    size_t i, j;
    for (i = 0; i < n_tokens; i++) {
        int block = lines[tokens[i].line].block;
        if (block == 0 || lines[tokens[i].line].directive || !token_is(&tokens[i], "LLMC_API"))
            continue;
        for (j = i + 1; j < n_tokens && !token_is(&tokens[j], "(") && !token_is(&tokens[j], ";"); j++)
            ;
        if (j < n_tokens && token_is(&tokens[j], "(") && ours(&tokens[j - 1])) {
            name *m = name_of(tokens[j - 1].at, tokens[j - 1].len);
            m->declared = block;
            if (m->defined == 0)
                complain(tokens[j - 1].line, "%s is declared but not defined", m->text);
            else if (!(m->defined & (1u << block)))
                complain(m->at, "%s is declared in block %02d %s and defined elsewhere", m->text, block,
                         section_tag[block]);
        }
    }
}

/* Every use of another section's name must be covered by needs:. */
static void check_uses(void)
{
    static uint32_t used[SECTIONS + 1];
    size_t i;
    int s, d;
    for (i = 0; i < n_tokens; i++) {
        const token *t = &tokens[i];
        int section = lines[t->line].section;
        uint32_t from;
        name *m;
        if (section == 0 || !ours(t))
            continue;
        m = name_of(t->at, t->len);
        from = m->function || memcmp(t->at + 4, "__", 2) == 0 ? m->defined
                                                              : 0; /* public macros are everybody's */
        if (from == 0 && t->len > 6 && (memcmp(t->at, "llmc__", 6) == 0 || memcmp(t->at, "LLMC__", 6) == 0))
            from = 1u << m->first;
        if (from == 0 || (from & (1u << section)))
            continue;
        if (!(from & closure[section])) {
            for (d = 1; !(from & (1u << d)); d++)
                ;
            if (d > section && lines[t->line].directive)
                continue; /* a configuration macro, perhaps of another pass */
            complain(t->line, "%02d %s uses %s of %02d %s, which it does not say it needs", section,
                     section_tag[section], m->text, d, section_tag[d]);
        }
        used[section] |= from;
    }
    for (s = 1; s <= SECTIONS; s++)
        for (d = PLATFORM + 1; d < s; d++)
            if ((needs[s] & (1u << d)) && !(used[s] & (1u << d)))
                printf("note: %02d %s needs %02d %s but uses nothing of it\n", s, section_tag[s], d,
                       section_tag[d]);
}

//--- rules of style

static bool in_list(const token *t, const char *const *list, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        if (token_is(t, list[i]))
            return true;
    return false;
}

static void check_lines(void)
{
    int n, i;
    for (n = 1; n <= n_lines; n++) {
        bool tab = false, odd = false;
        for (i = 0; i < lines[n].len; i++) {
            unsigned char c = (unsigned char)lines[n].raw[i];
            tab = tab || c == '\t';
            odd = odd || (c < 0x20 && c != '\t') || c > 0x7e;
        }
        if (lines[n].len > COLUMNS)
            complain(n, "%d columns; %d is the limit", lines[n].len, COLUMNS);
        if (tab)
            complain(n, "tab");
        if (odd)
            complain(n, "not ASCII");
        if (lines[n].len > 0 && isspace((unsigned char)lines[n].raw[lines[n].len - 1]))
            complain(n, "blank at the end of the line");
    }
}

/* C promises 4095 characters for a literal, after its parts are joined. */
static void check_strings(void)
{
    size_t i, length = 0;
    bool inside = false, quiet = false;
    int n = 1, start = 1;
    for (i = 0; i < text_size; i++) {
        char c = code[i];
        n += c == '\n';
        if (c == '"') {
            inside = !inside;
            if (inside && length == 0)
                start = n;
        } else if (inside) {
            length += text[i] == '\\' && i + 1 < text_size && text[i + 1] != '\n' ? 0 : 1;
            if (length > STRING_LIMIT && !quiet) {
                complain(start, "string literal over %d characters", STRING_LIMIT);
                quiet = true;
            }
        } else if (!isspace((unsigned char)c) && c != '\\') {
            length = 0;
            quiet = false;
        }
    }
}

static void check_words(void)
{
    size_t i;
    for (i = 0; i < n_tokens; i++) {
        const token *t = &tokens[i];
        const line *l = &lines[t->line];
        const token *before = i > 0 ? &tokens[i - 1] : t, *before2 = i > 1 ? &tokens[i - 2] : t;
        bool member = before->at[0] == '.' || (before->at[0] == '>' && before2->at[0] == '-');
        if ((l->section == 0 && l->block == 0) || l->section == OS || member)
            continue;
        if (i + 1 < n_tokens && tokens[i + 1].at[0] == '(' &&
            in_list(t, forbidden_calls, COUNT(forbidden_calls)))
            complain(t->line, "call of %.*s outside OS", t->len, t->at);
        if (in_list(t, forbidden, COUNT(forbidden)))
            complain(t->line, "%.*s outside OS", t->len, t->at);
    }
}

static void check_directives(void)
{
    size_t i, k;
    int n, section;
    for (i = 0; i + 1 < n_tokens; i++) {
        const token *t = &tokens[i + 1];
        const line *l = &lines[t->line];
        if (!l->directive)
            continue;
        if (in_list(t, platform_words, COUNT(platform_words)) && l->section > PLATFORM && l->section != VEC &&
            l->section != OS && !token_is(&tokens[i], "define"))
            complain(t->line, "%.*s asked outside CONFIG, PLATFORM, VEC and OS", t->len, t->at);
        if (t->len > 8 && memcmp(t->at, "LLMC_NO_", 8) == 0) {
            bool gate = in_list(t, gates, COUNT(gates));
            bool defines = token_is(&tokens[i], "define");
            if (!gate && !defines && !name_of(t->at, t->len)->declared && l->code[0] == '#')
                complain(t->line, "%.*s is not a gate", t->len, t->at);
            if (gate && defines && !token_is(t, "LLMC_NO_OS"))
                complain(t->line, "%.*s is a gate and is defined here as something else", t->len, t->at);
        }
    }
    for (n = 1; n <= n_lines; n++) {
        cursor c = line_cursor(n);
        bool known = false;
        if (!lines[n].directive || !accept(&c, "#"))
            continue;
        skip_blanks(&c);
        section = lines[n].section;
        if (!accept(&c, "include") || section == PLATFORM || section == VEC || section == OS)
            continue;
        skip_blanks(&c);
        for (k = 0; k < COUNT(core_headers); k++) {
            cursor h = c;
            known = known || accept(&h, core_headers[k]);
        }
        if (!known && c.at < c.end && *c.at == '<')
            complain(n, "%.*s included outside PLATFORM, VEC and OS", (int)(c.end - c.at), c.at);
    }
}

static bool name_begins(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Macros that other headers expect to be defined. */
static bool foreign_macro(const token *t)
{
    return t->at[0] == '_' || (t->len > 7 && memcmp(t->at, "SIMDE_", 6) == 0) ||
           token_is(t, "WIN32_LEAN_AND_MEAN") || token_is(t, "NOMINMAX");
}

/* The directive on the line before a #define asks about the same name. */
static bool asked_before(const token *t)
{
    char word[128];
    cursor c;
    if (t->line < 2 || !lines[t->line - 1].directive)
        return false;
    snprintf(word, sizeof word, "%.*s", t->len, t->at);
    c = line_cursor(t->line - 1);
    return find_text(&c, word);
}

static void check_names(void)
{
    size_t i;
    int k, n;
    for (k = 0; k < n_functions; k++) {
        const function *f = &functions[k];
        const char *s = f->name->text;
        bool internal = name_begins(s, "llmc__");
        if (lines[f->open].section == 0 || name_begins(s, "LLMC__")) /* a macro that writes the head */
            continue;
        if (f->is_public && (internal || !name_begins(s, "llmc_")))
            complain(f->sig, "public function %s is not called llmc_...", s);
        if (f->is_public && !internal && f->name->declared == 0)
            complain(f->sig, "%s is public but not declared in the interface", s);
        if (!f->is_public && !internal)
            complain(f->sig, "internal function %s is not called llmc__...", s);
        if (!f->is_public && !f->is_static)
            complain(f->sig, "%s is neither LLMC_API nor static", s);
    }
    for (i = 2; i < n_tokens; i++) {
        const token *t = &tokens[i];
        const line *l = &lines[t->line];
        if (l->section == 0 && l->block == 0)
            continue;
        if (token_is(&tokens[i - 1], "define") && token_is(&tokens[i - 2], "#") && !foreign_macro(t)) {
            bool replaceable = asked_before(t); /* #ifndef NAME */
            if (!ours(t) && l->section == OS && replaceable)
                continue; /* a name that this system's headers lack */
            if (l->section != 0 && t->len > 6 && memcmp(t->at, "llmc__", 6) == 0)
                continue; /* stands for a function, another one in each pass */
            if (!ours(t) || t->at[0] != 'L')
                complain(t->line, "macro %.*s is not called LLMC_...", t->len, t->at);
            else if (l->section > PLATFORM && memcmp(t->at, "LLMC__", 6) != 0 && !replaceable)
                complain(t->line, "internal macro %.*s is not called LLMC__...", t->len, t->at);
        }
    }
    for (n = 1; n <= n_lines; n++) { /* } name; in column 0 ends a typedef */
        cursor c = line_cursor(n);
        char word[128];
        if ((lines[n].section == 0 && lines[n].block == 0) || !accept(&c, "} ") ||
            !accept_word(&c, word, sizeof word) || !accept(&c, ";"))
            continue;
        if (!name_begins(word, lines[n].section != 0 ? "llmc__" : "llmc_"))
            complain(n, "type %s is not called %s...", word, lines[n].section != 0 ? "llmc__" : "llmc_");
    }
}

/* Mutable statics, at file scope or in functions, outside OS. */
static void check_globals(void)
{
    size_t i, j;
    for (i = 0; i < n_tokens; i++) {
        const token *t = &tokens[i];
        bool constant = false, function_like = false;
        if (!token_is(t, "static") || lines[t->line].section == OS || lines[t->line].section == 0 ||
            lines[t->line].directive)
            continue;
        for (j = i + 1; j < n_tokens; j++) {
            char c = tokens[j].at[0];
            constant = constant || token_is(&tokens[j], "const");
            if (c == '(' && !token_is(&tokens[j - 1], "__attribute__")) {
                function_like = true;
                break;
            }
            if (c == ';' || c == '=' || c == '{' || c == '[')
                break;
        }
        if (!constant && !function_like)
            complain(t->line, "mutable static outside OS");
    }
}

/* The comment lines right above line n contain `word`. */
static bool comment_above(int n, const char *word)
{
    int p;
    for (p = n - 1; p >= 1 && lines[p].comment && code_blank(p); p--) {
        cursor c = line_cursor(p);
        if (find_text(&c, word))
            return true;
    }
    return false;
}

static void check_functions(void)
{
    int k;
    size_t i;
    for (k = 0; k < n_functions; k++) {
        const function *f = &functions[k];
        int length = f->close - f->sig + 1;
        if (lines[f->open].section == 0)
            continue;
        if (length > LONG_LIMIT && !comment_above(f->sig, "long:"))
            complain(f->sig, "%s has %d lines and no /* long: reason */ above it", f->name->text, length);
        if (name_begins(f->name->text, "LLMC__")) /* a macro makes the name; it may make others too */
            continue;
        for (i = f->from; i + 1 < f->to; i++)
            if (token_is(&tokens[i], f->name->text) && tokens[i + 1].at[0] == '(') {
                if (!comment_above(f->sig, "recurs"))
                    complain(tokens[i].line, "%s calls itself; say in its comment what bounds the recursion",
                             f->name->text);
                break;
            }
    }
}

//--- what callers read: each function, option and macro is explained

/* The word, by itself, stands in a comment of lines [from, to]. */
static bool comment_names(int from, int to, const char *word)
{
    size_t len = strlen(word);
    int n;
    for (n = from; n <= to; n++) {
        cursor c = line_cursor(n);
        for (; find_text(&c, word); c.at++)
            if (lines[n].code[c.at - lines[n].raw] == ' ' && (c.at == lines[n].raw || !word_char(c.at[-1])) &&
                (c.at + len == c.end || !word_char(c.at[len])))
                return true;
    }
    return false;
}

/* Some line of [from, to] has a comment. */
static bool comment_on(int from, int to)
{
    for (; from <= to; from++)
        if (lines[from].comment)
            return true;
    return false;
}

/* First line of a comment of its own above line n, with no blank line between; or 0. */
static int comment_over(int n)
{
    int p;
    for (p = n - 1; p >= 1 && !blank(p); p--)
        if (starts(p, "/*") && !starts(p, "/*=="))
            return p;
    return 0;
}

/* Line of the statement's ";", of a token that is none of a directive. */
static size_t statement_end(size_t i)
{
    while (i + 1 < n_tokens && (lines[tokens[i].line].directive || !token_is(&tokens[i], ";")))
        i++;
    return i;
}

/* A public function is in the manual, or has a contract: a comment above it, or above the ones that it stands
   with, or behind it. */
static void check_contracts(void)
{
    size_t i, j;
    for (i = 0; i < n_tokens; i++) {
        const token *t = &tokens[i];
        char word[128];
        if (lines[t->line].block == 0 || lines[t->line].directive || !token_is(t, "LLMC_API"))
            continue;
        for (j = i + 1; j + 1 < n_tokens && !token_is(&tokens[j], "(") && !token_is(&tokens[j], ";"); j++)
            ;
        snprintf(word, sizeof word, "%.*s", tokens[j - 1].len, tokens[j - 1].at);
        if (!comment_on(t->line, tokens[statement_end(j)].line) && comment_over(t->line) == 0 &&
            !comment_names(1, first_block - 1, word))
            complain(t->line, "%s has no contract: no comment above or behind it, and not in the manual",
                     word);
    }
}

/* The type is one of ours, and a comment above its definition explains it. */
static bool type_explained(const token *type)
{
    size_t i;
    for (i = 2; i < n_tokens; i++)
        if (tokens[i].len == type->len && memcmp(tokens[i].at, type->at, (size_t)type->len) == 0 &&
            lines[tokens[i].line].block != 0 && token_is(&tokens[i - 2], "typedef"))
            return comment_over(tokens[i].line) != 0;
    return false;
}

/* Members of the declaration in tokens [from, to]; the struct's lines with the comment above it are
   [first, last]. */
static void check_members(size_t from, size_t to, int first, int last, const char *type)
{
    int begin = tokens[from].line, end = tokens[to].line;
    size_t i;
    const token *base = &tokens[token_is(&tokens[from], "const") ? from + 1 : from];
    if (comment_on(begin, end) || (lines[begin - 1].comment && code_blank(begin - 1)) ||
        (ours(base) && type_explained(base)))
        return;
    for (i = from + 1; i <= to; i++) {
        const token *t = &tokens[i], *before = &tokens[i - 1];
        bool pointer = i > from + 2 && token_is(t, ")") && token_is(&tokens[i - 2], "*");
        char word[128];
        if (!word_char(before->at[0]) || !(pointer || strchr(",;[", t->at[0]) != NULL))
            continue;
        snprintf(word, sizeof word, "%.*s", before->len, before->at);
        if (!comment_names(first, last, word))
            complain(before->line, "member %s of %s is not explained", word, type);
        if (pointer)
            return;
    }
}

/* Structs called ..._options begin with their size; of every other member a comment says what it does: on its
   lines, right above it, by its name beside another or above the struct, or above its type. */
static void check_options(void)
{
    size_t i, j, k;
    for (i = 2; i + 2 < n_tokens; i++) {
        const token *t = &tokens[i];
        int first, last;
        char type[128];
        snprintf(type, sizeof type, "%.*s", t->len, t->at);
        if (lines[t->line].block == 0 || !token_is(&tokens[i - 1], "struct") ||
            !token_is(&tokens[i + 1], "{") || t->len < 8 || memcmp(t->at + t->len - 8, "_options", 8) != 0)
            continue;
        for (last = t->line; last < n_lines && !starts(last, "}"); last++)
            ;
        first = comment_over(t->line) != 0 ? comment_over(t->line) : t->line;
        if (!token_is(&tokens[i + 2], "size_t") || !token_is(&tokens[i + 3], "size"))
            complain(t->line, "%s does not begin with its size", type);
        for (j = statement_end(i) + 1; j < n_tokens && tokens[j].line < last; j = k + 1) {
            k = j;
            if (lines[tokens[j].line].directive)
                continue;
            k = statement_end(j);
            check_members(j, k, first, last, type);
        }
        i = j;
    }
}

/* Names of ours in the manual and in the interface's comments: there is such a thing. */
static void check_mentions(void)
{
    int n;
    for (n = 1; n < first_banner; n++) {
        cursor c = line_cursor(n);
        for (; lines[n].comment && find_text(&c, "llmc_"); c.at++) {
            cursor w = c;
            char word[128];
            size_t known = n_names;
            if ((c.at > lines[n].raw && word_char(c.at[-1])) || !accept_word(&w, word, sizeof word) ||
                strlen(word) < 6)
                continue;
            name_of(word, (int)strlen(word));
            if (n_names > known)
                complain(n, "nothing is called %s", word);
        }
    }
}

/* The manual names every macro that the header leaves to its user, and no gate that there is not. */
static void check_macros(void)
{
    size_t i, k;
    int n;
    for (i = 2; i < n_tokens; i++) {
        const token *t = &tokens[i];
        const token *before = token_is(&tokens[i - 1], "(") ? &tokens[i - 2] : &tokens[i - 1];
        name *m;
        if (!lines[t->line].directive || t->len < 6 || memcmp(t->at, "LLMC_", 5) != 0 || t->at[5] == '_' ||
            token_is(t, "LLMC_H") ||
            !(token_is(before, "ifdef") || token_is(before, "ifndef") || token_is(before, "defined")))
            continue;
        m = name_of(t->at, t->len);
        if (!m->unknown && !comment_names(1, first_block - 1, m->text)) {
            complain(t->line, "%s can be defined, and is not in the manual", m->text);
            m->unknown = true;
        }
    }
    for (n = 1; n < first_block; n++) {
        cursor c = line_cursor(n);
        for (; find_text(&c, "LLMC_NO_"); c.at++) {
            cursor w = c;
            char word[64];
            bool known = !accept_word(&w, word, sizeof word);
            for (k = 0; k < COUNT(gates); k++)
                known = known || strcmp(gates[k], word) == 0;
            if (!known)
                complain(n, "%s in the manual is not a gate", word);
        }
    }
}

//--- statistics

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void print_statistics(void)
{
    int s, n, k, m = 0, total = 0, commented = 0, above = 0, longest = 0;
    const char *longest_name = "";
    int *length = (int *)need_memory((size_t)(n_functions + 1) * sizeof *length);
    printf("\nsection        lines  comment  functions  longest\n");
    for (s = 1; s <= SECTIONS; s++) {
        int all = 0, with = 0, count = 0, most = 0;
        for (n = 1; n <= n_lines; n++)
            if (lines[n].section == s && !blank(n)) {
                all++;
                with += lines[n].comment;
            }
        for (k = 0; k < n_functions; k++)
            if (lines[functions[k].open].section == s) {
                int lines_of = functions[k].close - functions[k].sig + 1;
                count++;
                most = lines_of > most ? lines_of : most;
            }
        if (all > 1)
            printf("%02d %-10s %6d   %5.1f%%  %9d  %7d\n", s, section_tag[s], all, 100.0 * with / all, count,
                   most);
    }
    for (n = 1; n <= n_lines; n++) {
        total += !blank(n);
        commented += lines[n].comment;
    }
    for (k = 0; k < n_functions; k++) {
        const function *f = &functions[k];
        if (lines[f->open].section == 0)
            continue;
        length[m] = f->close - f->sig + 1;
        if (length[m] > longest) {
            longest = length[m];
            longest_name = f->name->text;
        }
        above += length[m] > LONG_LIMIT;
        m++;
    }
    qsort(length, (size_t)m, sizeof *length, by_value);
    printf("%d lines, %d not blank, %.1f%% with comment\n", n_lines, total,
           total > 0 ? 100.0 * commented / total : 0.0);
    if (m > 0)
        printf("%d functions: median %d lines, nine in ten at most %d, longest %d (%s), %d over %d\n", m,
               length[m / 2], length[m * 9 / 10], longest, longest_name, above, LONG_LIMIT);
    free(length);
}

int main(int argc, char **argv)
{
    if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
        fprintf(stderr, "usage: lint [FILE]   (default llmc.h)\n");
        return argc == 2 && strcmp(argv[1], "-h") == 0 ? 0 : 2;
    }
    path = argc == 2 ? argv[1] : "llmc.h";
    read_text();
    split_lines();
    blank_comments();
    mark_directives();
    read_structure();
    check_contents();
    check_references();
    read_tokens();
    find_functions();
    find_names();
    find_declarations();
    check_uses();
    check_lines();
    check_strings();
    check_words();
    check_directives();
    check_names();
    check_globals();
    check_functions();
    check_contracts();
    check_options();
    check_macros();
    check_mentions();
    print_statistics();
    printf("%s: %d findings\n", path, findings);
    return findings > 0 ? 1 : 0;
}
