/* test_reply.c -- section CHAT: reasoning, calls and text out of what a model says. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"

static llmc_diag diag;

/* ------------------------------------------------------------ parts as text */
static void put(char **text, size_t *n, size_t *cap, const char *s, size_t len)
{
    if (*n + len + 1 > *cap) {
        *cap = 2 * (*n + len) + 64;
        *text = (char *)realloc(*text, *cap);
    }
    if (len > 0)
        memcpy(*text + *n, s, len);
    *n += len;
    (*text)[*n] = 0;
}

/* JSON in the one form that is compared: no white space, escapes only where they have to be. */
static void put_json(char **out, size_t *n, size_t *cap, llmc_json v)
{
    llmc_json_iter it;
    llmc_json key, value;
    const char *comma = "", *end = v.text;
    char text[4096], escape[8];
    size_t i, len;
    memset(&it, 0, sizeof it);
    if (v.type == LLMC_JSON_STRING) {
        len = llmc_json_string(v, text, sizeof text);
        put(out, n, cap, "\"", 1);
        for (i = 0; i < len && i < sizeof text; i++) {
            snprintf(escape, sizeof escape, text[i] == '"' || text[i] == '\\' ? "\\%c" : "\\u%04x",
                     (unsigned char)text[i]);
            if (text[i] == '"' || text[i] == '\\' || (unsigned char)text[i] < 0x20)
                put(out, n, cap, escape, strlen(escape));
            else
                put(out, n, cap, text + i, 1);
        }
        put(out, n, cap, "\"", 1);
    } else if (v.type == LLMC_JSON_OBJECT || v.type == LLMC_JSON_ARRAY) {
        put(out, n, cap, v.type == LLMC_JSON_OBJECT ? "{" : "[", 1);
        while (llmc_json_next(v, &it, &key, &value)) {
            put(out, n, cap, comma, strlen(comma));
            comma = ",";
            if (v.type == LLMC_JSON_OBJECT) {
                put_json(out, n, cap, key);
                put(out, n, cap, ":", 1);
            }
            put_json(out, n, cap, value);
        }
        put(out, n, cap, v.type == LLMC_JSON_OBJECT ? "}" : "]", 1);
    } else {
        while (end < v.end && strchr(" \t\n\r,]}", *end) == NULL)
            end++;
        put(out, n, cap, v.text, (size_t)(end - v.text));
    }
}

/* Everything a reply gave: a line for each text, reasoning, call or error, as tests/vectors/reply.py
   writes them; and whether events came as the interface says. */
typedef struct gathered {
    char *text;
    size_t n, cap;
    char *args;
    size_t n_args, cap_args;
    int open;   /* between CALL_BEGIN and CALL_END or ERROR */
    int last;   /* kind of the line that is open, -1: none */
    int broken; /* the order of events was wrong, or text was not whole */
    uint32_t part;
    char error[300];
} gathered;

static void put_escaped(gathered *g, const char *s, size_t len)
{
    size_t i;
    for (i = 0; i < len; i++)
        if (s[i] == '\\' || s[i] == '\n' || s[i] == '\r')
            put(&g->text, &g->n, &g->cap, s[i] == '\n' ? "\\n" : s[i] == '\r' ? "\\r" : "\\\\", 2);
        else
            put(&g->text, &g->n, &g->cap, s + i, 1);
}

static void line(gathered *g, int kind, const char *head)
{
    if (g->last >= 0)
        put(&g->text, &g->n, &g->cap, "\n", 1);
    g->last = kind;
    put(&g->text, &g->n, &g->cap, head, strlen(head));
}

/* A call's line; what is complete is valid by the parser that reads whole texts. */
static void put_call(gathered *g, const char *name, const char *id, const char *args, size_t n_args)
{
    llmc_blob blob;
    llmc_json root;
    char *text = NULL;
    size_t n = 0, cap = 0;
    line(g, LLMC_REPLY_CALL_END, "C ");
    put_escaped(g, name, strlen(name));
    put(&g->text, &g->n, &g->cap, " ", 1);
    put_escaped(g, id, strlen(id));
    put(&g->text, &g->n, &g->cap, " ", 1);
    blob.data = args;
    blob.size = n_args;
    blob.name = "arguments";
    if (llmc_json_parse(&blob, &root, NULL) != LLMC_OK || root.type != LLMC_JSON_OBJECT || name[0] == 0) {
        g->broken = 1;
        return;
    }
    put_json(&text, &n, &cap, root);
    put_escaped(g, text, n);
    free(text);
}

static void gather(gathered *g, const llmc_reply_event *e)
{
    if (e->part < g->part)
        g->broken = 1;
    g->part = e->part;
    switch (e->kind) {
    case LLMC_REPLY_TEXT:
    case LLMC_REPLY_REASONING:
        if (g->open || e->len == 0 || e->name[0] != 0)
            g->broken = 1;
        if (g->last != (int)e->kind)
            line(g, e->kind, e->kind == LLMC_REPLY_TEXT ? "T " : "R ");
        put_escaped(g, e->text, e->len);
        break;
    case LLMC_REPLY_CALL_BEGIN:
        if (g->open || e->len != 0)
            g->broken = 1;
        g->open = 1;
        g->n_args = 0;
        break;
    case LLMC_REPLY_CALL_ARGUMENTS:
        if (!g->open || e->len == 0)
            g->broken = 1;
        put(&g->args, &g->n_args, &g->cap_args, e->text, e->len);
        break;
    case LLMC_REPLY_CALL_END:
        if (!g->open)
            g->broken = 1;
        put_call(g, e->name, e->id, g->args, g->n_args);
        g->open = 0;
        break;
    default:
        line(g, e->kind, "E");
        if (e->len == 0 || e->len >= sizeof g->error)
            g->broken = 1;
        snprintf(g->error, sizeof g->error, "%.*s", (int)e->len, e->text);
        g->open = 0;
    }
}

static void drain(llmc_reply *r, gathered *g)
{
    llmc_reply_event e;
    while (llmc_reply_next(r, &e))
        gather(g, &e);
}

/* text [n] in pieces that end at the cuts; cuts == NULL: one byte at a time. The result is good until the
   next call. */
static gathered *parse(const llmc_reply_options *opt, const char *text, size_t n, const size_t *cuts,
                       size_t n_cuts)
{
    static gathered g;
    static char mem[16384];
    llmc_reply *r;
    size_t i, at = 0;
    char *piece = (char *)malloc(n + 1); /* of its own, and gone as soon as it may be */
    g.n = g.n_args = 0;
    g.open = g.broken = 0;
    g.last = -1;
    g.part = 0;
    g.error[0] = 0;
    put(&g.text, &g.n, &g.cap, "", 0);
    put(&g.args, &g.n_args, &g.cap_args, "", 0);
    if (llmc_reply_need() > sizeof mem || llmc_reply_init(&r, opt, mem, sizeof mem, &diag) != LLMC_OK) {
        g.broken = 1;
        free(piece);
        return &g;
    }
    for (i = 0; at < n; i++) {
        size_t end = cuts == NULL ? at + 1 : i < n_cuts ? cuts[i] : n;
        if (end <= at)
            continue;
        memcpy(piece, text + at, end - at);
        if (llmc_reply_feed(r, piece, end - at, &diag) != LLMC_OK)
            g.broken = 1;
        drain(r, &g);
        memset(piece, '?', end - at);
        at = end;
    }
    llmc_reply_finish(r);
    drain(r, &g);
    if (g.open)
        g.broken = 1;
    if (g.last >= 0)
        put(&g.text, &g.n, &g.cap, "\n", 1);
    free(piece);
    return &g;
}

/* ------------------------------------------------------------ vectors */
static char *unescape(char *s)
{
    char *in = s, *out = s;
    for (; *in != 0; in++)
        if (*in == '\\') {
            in++;
            *out++ = *in == 'n' ? '\n' : *in == 'r' ? '\r' : *in;
        } else {
            *out++ = *in;
        }
    *out = 0;
    return s;
}

static char *next_line(char **at)
{
    char *begin = *at, *end = strchr(begin, '\n');
    if (end == NULL)
        return NULL;
    *end = 0;
    *at = end + 1;
    return begin;
}

/* The expected lines with their calls' arguments in the form above. Good until the next call. */
static const char *normal(char *want)
{
    static gathered g;
    char *at = want, *l, *id, *args;
    g.n = 0;
    g.last = -1;
    put(&g.text, &g.n, &g.cap, "", 0);
    while ((l = next_line(&at)) != NULL) {
        if (l[0] != 'C') {
            line(&g, 0, l);
            continue;
        }
        id = strchr(l + 2, ' ');
        args = strchr(id + 1, ' ');
        *id++ = *args++ = 0;
        unescape(l + 2);
        unescape(id);
        unescape(args);
        put_call(&g, l + 2, id, args, strlen(args));
    }
    if (g.last >= 0)
        put(&g.text, &g.n, &g.cap, "\n", 1);
    return g.text;
}

/* Every case whole, byte by byte, in two pieces at every place, in random pieces. */
static void vectors(void)
{
    const char *path = getenv("REPLY_VECTORS") != NULL ? getenv("REPLY_VECTORS") : "tests/vectors/reply.txt";
    size_t size, n_cases = 0, cut[8], i, k;
    unsigned char *file = test_read(path, &size);
    llmc_rng rng = llmc_rng_seed(test_seed(4));
    char *at = (char *)file, *format, *text, *tools, *lines;
    const char *want;
    if (!CHECKF(file != NULL, "cannot read %s", path))
        return;
    while ((format = next_line(&at)) != NULL) {
        llmc_reply_options opt;
        size_t n;
        gathered *g;
        memset(&opt, 0, sizeof opt);
        text = next_line(&at);
        tools = next_line(&at);
        lines = next_line(&at);
        if (!CHECK(text != NULL && tools != NULL && lines != NULL))
            break;
        unescape(text);
        unescape(tools);
        want = normal(unescape(lines));
        n = strlen(text);
        if (format[strlen(format) - 1] == '+') {
            opt.prompt = strncmp(format, "mistral", 7) == 0 ? "[THINK]" : "<think>\n";
            opt.prompt_len = strlen(opt.prompt);
            format[strlen(format) - 1] = 0;
        }
        if (!CHECK(llmc_reply_format_named(format, &opt.format) == LLMC_OK))
            break;
        if (strcmp(tools, "-") != 0) {
            opt.tools = tools;
            opt.tools_len = strlen(tools);
        }
        g = parse(&opt, text, n, &n, 1);
        CHECKF(!g->broken && strcmp(g->text, want) == 0, "%s:\n%s\n-- expected\n%s-- got%s\n%s%s", format,
               text, want, g->broken ? " (broken)" : "", g->text, g->error);
        g = parse(&opt, text, n, NULL, 0);
        CHECKF(!g->broken && strcmp(g->text, want) == 0, "%s, byte by byte:\n%s\n-- got\n%s", format, text,
               g->text);
        for (i = 1; i < n && n_cases % 8 == 0; i++) {
            cut[0] = i;
            g = parse(&opt, text, n, cut, 1);
            CHECKF(!g->broken && strcmp(g->text, want) == 0, "%s, cut at %d:\n%s\n-- got\n%s", format, (int)i,
                   text, g->text);
        }
        for (i = 0; i < 4 && n > 0; i++) {
            for (k = 0; k < 8; k++)
                cut[k] = (size_t)(llmc_rng_u64(&rng) % n);
            g = parse(&opt, text, n, cut, 8);
            CHECKF(!g->broken && strcmp(g->text, want) == 0, "%s, in pieces:\n%s\n-- got\n%s", format, text,
                   g->text);
        }
        n_cases++;
    }
    printf("  %d replies\n", (int)n_cases);
    CHECK(n_cases >= 1000);
    free(file);
}

int main(void)
{
    RUN(vectors);
    return test_end("reply");
}
