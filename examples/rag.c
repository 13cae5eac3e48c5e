// cc -O2 examples/rag.c -o rag && ./rag index DIR -e embedder.gguf && ./rag ask DIR "How do I ...?" -m model.gguf
//
// rag.c - answers from your own files. `index` cuts the texts of a folder into passages and keeps their vectors
// and words in one file; `search` finds passages, `ask` and `chat` let a model answer from them, with sources.
// Run it again after files have changed: only those are read anew.
#define LLMC_STATIC // the only file: what it does not use is not compiled
#define LLMC_IMPLEMENTATION
#include "../llmc.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };
enum {
    LIST = 50,            /* candidates of each kind that are ranked together */
    MOST_RESULTS = 100,   /* -k                                               */
    MOST_DEPTH = 64,      /* folders in folders                               */
    MOST_FILE = 16 << 20, /* bytes of a file that is worth reading            */
    PENDING = 512,        /* passages that one commit may hold                */
    HISTORY = 6           /* messages that a chat keeps                       */
};

/* ---- what the command line says ---- */
typedef struct settings {
    const char *command, *dir, *question;
    const char *model, *embedder, *index, *prefix_passage, *prefix_query, *system;
    uint32_t k, threads, context, predict, chars, overlap;
    float temperature;
    bool words_only, vectors_only, full, quiet;
} settings;

static settings set;
static bool lively; /* stderr is a terminal: progress is shown */

static void usage(FILE *to)
{
    fputs(
        "usage: rag index DIR [-e EMBEDDER]          read a folder, or what of it has changed\n"
        "       rag search DIR QUESTION               passages that fit\n"
        "       rag prompt DIR QUESTION               what `ask` tells a model, for another program\n"
        "       rag ask DIR QUESTION -m MODEL         an answer from them, with sources\n"
        "       rag chat DIR -m MODEL                 questions line by line\n\n"
        "  -e, --embedder FILE   model that turns passages into vectors: a BERT, or any other\n"
        "                        (default: MODEL; without either, passages are found by their words alone)\n"
        "  -m, --model FILE      model that answers\n"
        "  -k N                  passages (default 5; prompt, ask and chat 4)\n"
        "  -n N                  most tokens of an answer (default 256)\n"
        "  -c N                  context of the model\n"
        "  -t N                  threads (default: all)\n"
        "      --temp X          temperature (default 0)\n"
        "      --system TEXT     system message\n"
        "      --index FILE      where the index is (default DIR/.rag.vec)\n"
        "      --chars N         characters of a passage (default 512)\n"
        "      --overlap N       that two passages share (default 64)\n"
        "      --words           find by words alone     --vectors  by vectors alone\n"
        "      --full            print whole passages\n"
        "      --passage-prefix TEXT, --query-prefix TEXT   what the embedder wants before each\n"
        "  -q, --quiet           no progress\n"
        "  -h, --help            this text\n\n"
        "Files: text, Markdown, HTML and code; what .gitignore names, hidden files and links are left out.\n",
        to);
}

static void complain(const char *what, const char *why)
{
    fprintf(stderr, "rag: %s%s%s\n", what, why[0] != 0 ? ": " : "", why);
}

static void die(const char *why)
{
    complain(why, "");
    exit(EXIT_FAILED);
}

static void *grow(void *p, size_t bytes)
{
    p = realloc(p, bytes > 0 ? bytes : 1);
    if (p == NULL)
        die("out of memory");
    return p;
}

/* Memory that counts as used only where it is written. */
static void *pages(size_t bytes)
{
    void *mem;
    llmc_diag diag;
    if (llmc_os_memory(&mem, bytes, &diag) != LLMC_OK)
        die(diag.message);
    return mem;
}

static uint32_t number(const char *name, const char *text, uint32_t most)
{
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end != 0 || !(v >= 0 && v <= most) || v != (double)(uint32_t)v) {
        fprintf(stderr, "rag: %s: '%s' is not a whole number from 0 to %u\n", name, text, most);
        exit(EXIT_USAGE);
    }
    return (uint32_t)v;
}

static void parse(int argc, char **argv)
{
    static const struct option longs[] = {
        {"embedder", 1, NULL, 'e'}, {"model", 1, NULL, 'm'},        {"temp", 1, NULL, 1},
        {"system", 1, NULL, 2},     {"index", 1, NULL, 3},          {"chars", 1, NULL, 4},
        {"overlap", 1, NULL, 5},    {"words", 0, NULL, 6},          {"vectors", 0, NULL, 7},
        {"full", 0, NULL, 8},       {"passage-prefix", 1, NULL, 9}, {"query-prefix", 1, NULL, 10},
        {"quiet", 0, NULL, 'q'},    {"help", 0, NULL, 'h'},         {"threads", 1, NULL, 't'},
        {"context", 1, NULL, 'c'},  {"predict", 1, NULL, 'n'},      {NULL, 0, NULL, 0},
    };
    const char **word[3];
    int opt, n = 0;
    char *end;
    word[0] = &set.command;
    word[1] = &set.dir;
    word[2] = &set.question;
    set.predict = 256;
    while ((opt = getopt_long(argc, argv, "e:m:k:n:c:t:qh", longs, NULL)) != -1)
        switch (opt) {
        case 'e':
            set.embedder = optarg;
            break;
        case 'm':
            set.model = optarg;
            break;
        case 'k':
            set.k = number("-k", optarg, MOST_RESULTS);
            break;
        case 'n':
            set.predict = number("-n", optarg, 1 << 20);
            break;
        case 'c':
            set.context = number("-c", optarg, INT32_MAX);
            break;
        case 't':
            set.threads = number("-t", optarg, 1024);
            break;
        case 1:
            set.temperature = strtof(optarg, &end);
            if (*end != 0 || !(set.temperature >= 0 && set.temperature <= 1000)) {
                complain("--temp", "a number from 0 to 1000 is expected");
                exit(EXIT_USAGE);
            }
            break;
        case 2:
            set.system = optarg;
            break;
        case 3:
            set.index = optarg;
            break;
        case 4:
            set.chars = number("--chars", optarg, 1 << 20);
            break;
        case 5:
            set.overlap = number("--overlap", optarg, 1 << 20);
            break;
        case 6:
            set.words_only = true;
            break;
        case 7:
            set.vectors_only = true;
            break;
        case 8:
            set.full = true;
            break;
        case 9:
            set.prefix_passage = optarg;
            break;
        case 10:
            set.prefix_query = optarg;
            break;
        case 'q':
            set.quiet = true;
            break;
        case 'h':
            usage(stdout);
            exit(EXIT_OK);
        default:
            exit(EXIT_USAGE); /* getopt has said why */
        }
    for (; optind < argc; optind++)
        if (n < 3)
            *word[n++] = argv[optind];
        else {
            complain(argv[optind], "unexpected; put quotes around a question");
            exit(EXIT_USAGE);
        }
}

/* ---- vectors for texts ---- */

/* A model that turns texts into vectors; seq NULL: there is none. */
typedef struct embedder {
    llmc_host own, *host; /* the answering model's host, or its own */
    llmc_seq *seq;
    uint32_t dim, context;
    const char *name; /* in records, so that vectors of two models never meet */
    llmc_token *ids;
    void *work;
    size_t work_bytes;
} embedder;

static const char *last_part(const char *path)
{
    const char *at = path;
    for (; *path != 0; path++)
        if ((*path == '/' || *path == '\\') && path[1] != 0)
            at = path + 1;
    return at;
}

static void open_host(llmc_host *host, const char *path, uint32_t context, uint32_t seqs)
{
    llmc_open_options open;
    llmc_engine_options engine;
    llmc_seq_options seq;
    llmc_sample_options sample;
    llmc_diag diag;
    memset(&open, 0, sizeof open);
    memset(&engine, 0, sizeof engine);
    memset(&seq, 0, sizeof seq);
    memset(&sample, 0, sizeof sample);
    sample.temperature = set.temperature;
    seq.sample = &sample;
    seq.max_tokens = set.predict;
    engine.context_length = context;
    engine.max_seqs = seqs;
    open.threads = set.threads;
    open.engine = &engine;
    open.seq = &seq;
    if (llmc_open(host, path, &open, &diag) != LLMC_OK)
        die(diag.message);
}

/* answering: the other model's host, or NULL. */
static void open_embedder(embedder *e, llmc_host *answering)
{
    llmc_diag diag;
    memset(e, 0, sizeof *e);
    e->dim = 1;
    e->name = "-";
    if (set.words_only || (set.embedder == NULL && set.model == NULL))
        return;
    if (set.embedder == NULL && answering != NULL) {
        e->host = answering;
        if (llmc_seq_open(&e->seq, answering->engine, NULL, &diag) != LLMC_OK)
            die(diag.message);
        e->name = last_part(set.model);
    } else {
        const char *path = set.embedder != NULL ? set.embedder : set.model;
        open_host(&e->own, path, 0, 1);
        e->host = &e->own;
        e->seq = e->own.seq;
        e->name = last_part(path);
    }
    if (llmc_model_tokenizer(e->host->model) == NULL)
        die("the embedder has no tokenizer");
    e->dim = llmc_model_config(e->host->model)->n_embd;
    e->context = llmc_engine_context(e->host->engine);
    if (e->dim > LLMC_INDEX_DIM_MAX)
        die("the embedder is too wide");
}

/* out [dim]; zeros where there is no model, or no token. What does not fit the context is left out. */
static void embed(embedder *e, const char *prefix, const char *text, size_t len, float *out)
{
    const llmc_tokenizer *tok;
    llmc_encode_options opt;
    llmc_status status;
    llmc_diag diag;
    size_t n = 0, before = prefix != NULL ? strlen(prefix) : 0, need;
    bool both;
    char *whole;
    memset(out, 0, e->dim * sizeof *out);
    if (e->seq == NULL)
        return;
    tok = llmc_model_tokenizer(e->host->model);
    both = llmc_model_config(e->host->model)->bidirectional;
    whole = (char *)grow(NULL, before + len + 1);
    memcpy(whole, before > 0 ? prefix : "", before);
    memcpy(whole + before, text, len);
    len += before;
    need = llmc_encode_need(tok, len);
    if (need > e->work_bytes) {
        e->work = grow(e->work, need);
        e->work_bytes = need;
    }
    e->ids = (llmc_token *)grow(e->ids, (len + 8) * sizeof *e->ids);
    memset(&opt, 0, sizeof opt);
    opt.add_bos = both || llmc_tokenizer_adds_bos(tok);
    opt.add_eos = both;
    status = llmc_encode(tok, whole, len, &opt, e->work, e->work_bytes, e->ids, len + 8, &n, &diag);
    free(whole);
    if (status != LLMC_OK)
        die(diag.message);
    if (n > e->context) { /* an encoder's last token ends the text */
        e->ids[e->context - 1] = both ? e->ids[n - 1] : e->ids[e->context - 1];
        n = e->context;
    }
    if (n > 0 && llmc_seq_embed(e->seq, e->ids, n, LLMC_POOL_DEFAULT, out, &diag) != LLMC_OK)
        die(diag.message);
}

/* ---- records: "path\tbytes\tmodified\thash\tline\tmodel\theading\n" and the passage ---- */
typedef struct passage {
    const char *path, *model, *heading, *text;
    size_t path_len, model_len, heading_len, text_len;
    uint64_t bytes, modified, hash;
    unsigned line;
} passage;

/* Up to the next tab, or the newline that ends the head. */
static const char *field(const char **at, const char *end, size_t *len)
{
    const char *begin = *at;
    while (*at < end && **at != '\t' && **at != '\n')
        ++*at;
    *len = (size_t)(*at - begin);
    *at += *at < end;
    return begin;
}

static uint64_t field_number(const char **at, const char *end)
{
    size_t len, i;
    uint64_t v = 0;
    const char *p = field(at, end, &len);
    for (i = 0; i < len && p[i] >= '0' && p[i] <= '9'; i++)
        v = v * 10 + (uint64_t)(p[i] - '0');
    return v;
}

static passage read_passage(const llmc_record *r)
{
    passage p;
    const char *at = r->text, *end = r->text + r->text_len;
    memset(&p, 0, sizeof p);
    p.path = field(&at, end, &p.path_len);
    p.bytes = field_number(&at, end);
    p.modified = field_number(&at, end);
    p.hash = field_number(&at, end);
    p.line = (unsigned)field_number(&at, end);
    p.model = field(&at, end, &p.model_len);
    p.heading = field(&at, end, &p.heading_len);
    p.text = at;
    p.text_len = (size_t)(end - at);
    return p;
}

/* FNV-1a, 64 bits: tells a file that was only touched from one that changed. */
static uint64_t hash_of(const char *p, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    size_t i;
    for (i = 0; i < n; i++)
        h = (h ^ (unsigned char)p[i]) * 0x100000001b3u;
    return h;
}

/* ---- which files ---- */
typedef struct source {
    char *path; /* below the folder, with slashes */
    uint64_t bytes, modified;
} source;

/* A line of a .gitignore. */
typedef struct rule {
    char *pattern;
    size_t base; /* bytes of the folder that the .gitignore is in, with its slash */
    bool not, folder, anchored;
} rule;

typedef struct walk {
    char path[4096];  /* of the folder, then of what is below it  */
    size_t root, len; /* bytes of the folder; of path             */
    unsigned depth;
    rule *rules;
    size_t n_rules;
    source *files;
    size_t n_files;
    char **names; /* of the folder that is being read: folders have a slash at the end */
    source *about;
    size_t n_names;
} walk;

/* Whether text matches a pattern of .gitignore: * and ? stay within a name, ** does not. What did not match is
   tried again with the last star one character longer; with the last ** if that is not enough. */
static bool matches(const char *p, const char *t)
{
    const char *star = NULL, *star_t = NULL, *deep = NULL, *deep_t = NULL;
    for (;;) {
        bool same = false;
        if (p[0] == '*' && p[1] == '*') {
            p += p[2] == '/' ? 3 : 2;
            deep = p;
            deep_t = t;
            star = NULL;
            continue;
        }
        if (*p == '*') {
            star = ++p;
            star_t = t;
            continue;
        }
        if (*t == 0 && *p == 0)
            return true;
        if (*t != 0 && *p == '[') {
            const char *c = p + 1;
            bool not = *c == '!' || *c == '^', in = false;
            for (c += not ; *c != 0 && (*c != ']' || c == p + 1 + not ); c++)
                if (c[1] == '-' && c[2] != ']' && c[2] != 0) {
                    in = in || (*t >= *c && *t <= c[2]);
                    c += 2;
                } else
                    in = in || *c == *t;
            same = *c == ']' && in != not &&*t != '/';
            if (same)
                p = c + 1;
        } else if (*t != 0 && *p != 0) {
            const char *c = *p == '\\' && p[1] != 0 ? p + 1 : p;
            same = (*p == '?' && *t != '/') || *c == *t;
            if (same)
                p = c + 1;
        }
        if (same) {
            t++;
        } else if (star != NULL && *star_t != 0 && *star_t != '/') {
            p = star;
            t = ++star_t;
        } else if (deep != NULL && *deep_t != 0) {
            p = deep;
            t = ++deep_t;
            star = NULL;
        } else
            return false;
    }
}

/* The last rule that matches decides. path below the root, name its last part. */
static bool ignored(const walk *w, const char *path, const char *name, bool folder)
{
    size_t i = w->n_rules;
    while (i-- > 0) {
        const rule *r = &w->rules[i];
        if ((!r->folder || folder) && matches(r->pattern, r->anchored ? path + r->base : name))
            return !r->not ;
    }
    return false;
}

static void read_rules(walk *w)
{
    llmc_blob file;
    size_t at, end, base = w->len - w->root;
    snprintf(w->path + w->len, sizeof w->path - w->len, ".gitignore");
    if (llmc_map_open(&file, w->path, NULL) == LLMC_OK) {
        const char *p = (const char *)file.data;
        for (at = 0; at < file.size; at = end + 1) {
            rule r;
            size_t from = at, to, i;
            memset(&r, 0, sizeof r);
            for (end = at; end < file.size && p[end] != '\n';)
                end++;
            to = end;
            while (to > from &&
                   (p[to - 1] == '\r' || (p[to - 1] == ' ' && (to - from < 2 || p[to - 2] != '\\'))))
                to--;
            if (from == to || p[from] == '#')
                continue;
            r.not = p[from] == '!';
            from += r.not ;
            r.folder = to > from && p[to - 1] == '/';
            to -= r.folder;
            r.anchored = memchr(p + from, '/', to - from) != NULL;
            from += from < to && p[from] == '/';
            if (from == to)
                continue;
            r.pattern = (char *)grow(NULL, to - from + 1);
            for (i = from; i < to; i++)
                r.pattern[i - from] = p[i];
            r.pattern[to - from] = 0;
            r.base = base;
            w->rules = (rule *)grow(w->rules, (w->n_rules + 1) * sizeof r);
            w->rules[w->n_rules++] = r;
        }
        llmc_map_close(&file);
    }
    w->path[w->len] = 0;
}

enum { KIND_NONE = -1, KIND_HTML = 100 };

/* How a file is read, by its name: an llmc_text_kind, HTML, or not at all. */
static int kind_of(const char *path)
{
    static const char *const plain = " txt text log rst tex org csv tsv json yaml yml toml ini cfg xml srt ";
    static const char *const code = " c h cc cpp cxx hh hpp hxx m mm py js mjs cjs ts jsx tsx rs go java kt "
                                    "kts scala rb php pl pm lua sh bash zsh "
                                    "fish ps1 bat sql cs fs swift zig nim d r jl hs ml mli ex exs erl clj "
                                    "lisp el scm vim asm s cu cl glsl hlsl "
                                    "proto cmake mk gradle dart vue svelte css scss less ";
    const char *name = last_part(path), *dot = strrchr(name, '.');
    char ext[16];
    size_t i;
    if (dot == NULL || dot == name)
        return strcmp(name, "Makefile") == 0 ? LLMC_TEXT_CODE : LLMC_TEXT_PLAIN;
    if (strlen(dot) > 10)
        return KIND_NONE;
    ext[0] = ' ';
    for (i = 1; dot[i] != 0; i++)
        ext[i] = (char)(dot[i] >= 'A' && dot[i] <= 'Z' ? dot[i] + 32 : dot[i]);
    ext[i++] = ' ';
    ext[i] = 0;
    if (strstr(" md markdown mdx ", ext) != NULL)
        return LLMC_TEXT_MARKDOWN;
    if (strstr(" html htm xhtml ", ext) != NULL)
        return KIND_HTML;
    return strstr(code, ext) != NULL    ? LLMC_TEXT_CODE
           : strstr(plain, ext) != NULL ? LLMC_TEXT_PLAIN
                                        : KIND_NONE;
}

static bool take_name(void *user, const llmc_os_entry *e)
{
    walk *w = (walk *)user;
    size_t n = strlen(e->name);
    source *s;
    if (e->name[0] == '.' || (!e->file && !e->folder) || strpbrk(e->name, "\t\n\r") != NULL)
        return true;
    w->about = (source *)grow(w->about, (w->n_names + 1) * sizeof *w->about);
    s = &w->about[w->n_names++];
    s->path = (char *)grow(NULL, n + 2);
    snprintf(s->path, n + 2, "%s%s", e->name, e->folder ? "/" : "");
    s->bytes = e->bytes;
    s->modified = (uint64_t)e->modified;
    return true;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const source *)a)->path, ((const source *)b)->path);
}

/* All files below w->path [w->len], which ends in a slash. */
static void walk_folder(walk *w)
{
    llmc_diag diag;
    size_t i, rules = w->n_rules, len = w->len, n;
    source *about;
    if (w->depth == MOST_DEPTH)
        return;
    read_rules(w);
    w->about = NULL;
    w->n_names = 0;
    if (llmc_os_list(w->path, take_name, w, &diag) != LLMC_OK)
        complain(diag.message, "left out");
    about = w->about;
    n = w->n_names;
    if (n > 0)
        qsort(about, n, sizeof *about, by_path); /* the same order on every machine */
    for (i = 0; i < n; i++) {
        char *name = about[i].path;
        size_t name_len = strlen(name);
        bool folder = name[name_len - 1] == '/';
        if (len + name_len + 16 < sizeof w->path) {
            name[name_len - folder] = 0;
            memcpy(w->path + len, name, name_len - folder + 1);
            w->len = len + name_len;
            if (ignored(w, w->path + w->root, name, folder)) {
                ; /* left out */
            } else if (folder) {
                strcpy(w->path + w->len - 1, "/");
                w->depth++;
                walk_folder(w);
                w->depth--;
            } else if (kind_of(name) != KIND_NONE && about[i].bytes <= MOST_FILE) {
                w->files = (source *)grow(w->files, (w->n_files + 1) * sizeof *w->files);
                w->files[w->n_files] = about[i];
                w->files[w->n_files++].path =
                    strcpy((char *)grow(NULL, w->len - w->root + 1), w->path + w->root);
            }
        }
        free(name);
    }
    free(about);
    while (w->n_rules > rules)
        free(w->rules[--w->n_rules].pattern);
    w->len = len;
    w->path[len] = 0;
}

/* ---- texts ---- */

/* Whether bytes are text: no NUL, and hardly anything that is not UTF-8. */
static bool is_text(const char *p, size_t n)
{
    size_t i = 0, wrong = 0;
    if (memchr(p, 0, n) != NULL)
        return false;
    while (i < n) {
        unsigned char c = (unsigned char)p[i];
        size_t want = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0, k = 1;
        while (k < want && i + k < n && ((unsigned char)p[i + k] & 0xc0) == 0x80)
            k++;
        wrong += want == 0 || k < want;
        i += k;
    }
    return wrong * 50 <= n;
}

static size_t put_utf8(char *to, unsigned long c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    to[0] = (char)(c < 0x10000 ? 0xe0 | c >> 12 : 0xf0 | c >> 18);
    if (c < 0x10000) {
        to[1] = (char)(0x80 | (c >> 6 & 63));
        to[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    to[1] = (char)(0x80 | (c >> 12 & 63));
    to[2] = (char)(0x80 | (c >> 6 & 63));
    to[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* An entity at p, which points to '&': its bytes to `to`, never more than it had; returns how many were read. */
static size_t entity(const char *p, size_t n, char *to, size_t *made)
{
    static const char *const known[][2] = {
        {"amp;", "&"},   {"lt;", "<"},     {"gt;", ">"},     {"quot;", "\""},    {"apos;", "'"},
        {"nbsp;", " "},  {"mdash;", "-"},  {"ndash;", "-"},  {"hellip;", "..."}, {"rsquo;", "'"},
        {"lsquo;", "'"}, {"rdquo;", "\""}, {"ldquo;", "\""}, {"copy;", "(c)"}};
    size_t i;
    for (i = 0; i < sizeof known / sizeof known[0]; i++)
        if (n > strlen(known[i][0]) && memcmp(p + 1, known[i][0], strlen(known[i][0])) == 0) {
            *made = strlen(known[i][1]);
            memcpy(to, known[i][1], *made);
            return 1 + strlen(known[i][0]);
        }
    if (n > 3 && p[1] == '#') {
        unsigned long c = 0;
        bool hex = p[2] == 'x' || p[2] == 'X';
        for (i = 2 + hex; i < n && i < 10 && p[i] != ';'; i++) {
            char d = (char)(p[i] >= 'A' && p[i] <= 'F' ? p[i] + 32 : p[i]);
            if (!(d >= '0' && d <= '9') && !(hex && d >= 'a' && d <= 'f'))
                break;
            c = c * (hex ? 16 : 10) + (unsigned long)(d <= '9' ? d - '0' : d - 'a' + 10);
        }
        if (i < n && p[i] == ';' && c >= 32 && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff)) {
            *made = put_utf8(to, c); /* U+10000 takes 4 bytes, and "&#x10000;" has more */
            return i + 1;
        }
    }
    to[0] = '&';
    *made = 1;
    return 1;
}

static bool tag_is(const char *p, size_t n, const char *name)
{
    size_t i;
    for (i = 0; name[i] != 0; i++)
        if (i >= n || (p[i] | 32) != name[i])
            return false;
    return i >= n || !((p[i] | 32) >= 'a' && (p[i] | 32) <= 'z');
}

/* HTML's text, shorter than it: no tags, scripts and styles; blocks begin lines. Returns its bytes. */
static size_t strip_html(const char *p, size_t n, char *to)
{
    static const char *const block[] = {
        "p",  "br",      "div",     "li",  "tr",         "h1",    "h2", "h3", "h4",    "h5", "h6", "td",
        "th", "section", "article", "pre", "blockquote", "table", "ul", "ol", "title", "dt", "dd"};
    size_t i = 0, out = 0, made, k;
    while (i < n) {
        const char *end;
        bool close;
        if (p[i] == '&') {
            i += entity(p + i, n - i, to + out, &made);
            out += made;
            continue;
        }
        if (p[i] != '<' || i + 1 == n ||
            (p[i + 1] != '/' && p[i + 1] != '!' && !((p[i + 1] | 32) >= 'a' && (p[i + 1] | 32) <= 'z'))) {
            to[out++] = p[i++];
            continue;
        }
        if (n - i > 4 && memcmp(p + i, "<!--", 4) == 0) {
            for (i += 4; i < n && (n - i < 3 || memcmp(p + i, "-->", 3) != 0);)
                i++;
            i = i + 3 < n ? i + 3 : n;
            continue;
        }
        close = p[i + 1] == '/';
        for (k = 0; k < sizeof block / sizeof block[0]; k++)
            if (tag_is(p + i + 1 + close, n - i - 1 - close, block[k])) {
                to[out++] = '\n';
                break;
            }
        for (k = 0; k < 2 && !close; k++) { /* up to the tag that closes it */
            const char *name = k == 0 ? "script" : "style";
            if (tag_is(p + i + 1, n - i - 1, name)) {
                for (i++; i < n && !(p[i] == '<' && i + 1 < n && p[i + 1] == '/' &&
                                     tag_is(p + i + 2, n - i - 2, name));)
                    i++;
                break;
            }
        }
        end = i < n ? (const char *)memchr(p + i, '>', n - i) : NULL;
        i = end != NULL ? (size_t)(end - p) + 1 : n;
    }
    return out;
}

/* ---- the index ---- */
typedef struct library {
    llmc_index_file *file;
    llmc_index *index;
    char *path; /* of the index's file */
    llmc_words *words;
    void *words_mem;
    size_t words_bytes;
} library;

static char *index_path(void)
{
    size_t n = strlen(set.dir);
    char *path;
    if (set.index != NULL)
        return strcpy((char *)grow(NULL, strlen(set.index) + 1), set.index);
    path = (char *)grow(NULL, n + 16);
    snprintf(path, n + 16, "%s%s.rag.vec", set.dir, n > 0 && set.dir[n - 1] == '/' ? "" : "/");
    return path;
}

/* dim 0: that of the file. */
static void open_index(library *lib, uint32_t dim, uint64_t capacity, uint64_t text_bytes, bool read_only)
{
    llmc_index_file_options file;
    llmc_index_options opt;
    llmc_diag diag;
    memset(&file, 0, sizeof file);
    memset(&opt, 0, sizeof opt);
    opt.dim = dim;
    opt.int8 = true;
    opt.capacity = capacity;
    opt.text_bytes = text_bytes;
    file.index = &opt;
    file.threads = set.threads;
    file.read_only = read_only;
    if (llmc_index_file_open(&lib->file, lib->path, &file, &diag) != LLMC_OK) {
        if (diag.status == LLMC_BAD_ARG && dim != 0)
            complain(lib->path, "was made with another embedder; remove it to index anew");
        die(diag.message);
    }
    lib->index = llmc_index_file_index(lib->file);
}

/* What the index knows of a file: its records, by path. */
typedef struct known {
    char *path; /* owned: the index's memory goes when it is opened anew */
    uint64_t id, bytes, modified, hash;
    bool model, seen;
} known;

static int by_known(const void *a, const void *b)
{
    const known *x = (const known *)a, *y = (const known *)b;
    int order = strcmp(x->path, y->path);
    return order != 0 ? order : x->id < y->id ? -1 : x->id > y->id;
}

static known *list_known(const library *lib, const embedder *e, size_t *n)
{
    known *list = NULL;
    llmc_record r;
    uint64_t id = 0;
    size_t cap = 0;
    *n = 0;
    while (llmc_index_next(lib->index, &id, &r)) {
        passage p = read_passage(&r);
        if (*n == cap) {
            cap = cap * 2 + 64;
            list = (known *)grow(list, cap * sizeof *list);
        }
        list[*n].path = (char *)grow(NULL, p.path_len + 1);
        memcpy(list[*n].path, p.path, p.path_len);
        list[*n].path[p.path_len] = 0;
        list[*n].id = r.id;
        list[*n].bytes = p.bytes;
        list[*n].modified = p.modified;
        list[*n].hash = p.hash;
        list[*n].model = p.model_len == strlen(e->name) && memcmp(p.model, e->name, p.model_len) == 0;
        list[*n].seen = false;
        ++*n;
    }
    if (*n > 0)
        qsort(list, *n, sizeof *list, by_known);
    return list;
}

/* The first record of a file; n: none. */
static size_t find_known(const known *list, size_t n, const char *path)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(list[mid].path, path) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && strcmp(list[lo].path, path) == 0 ? lo : n;
}

typedef struct tally {
    size_t files, changed, gone, passages, pending;
    uint64_t bytes, started, drawn;
} tally;

static void show_progress(tally *t, size_t done, size_t all, bool last)
{
    uint64_t now = llmc_os_nanoseconds();
    double seconds = (double)(now - t->started) / 1e9;
    if (!lively || (!last && now - t->drawn < 100000000u))
        return;
    t->drawn = now;
    fprintf(stderr, "\r\033[K%u of %u files, %u passages, %.1f s", (unsigned)done, (unsigned)all,
            (unsigned)t->passages, seconds);
    if (last)
        fputs("\r\033[K", stderr);
}

static void commit(library *lib, tally *t)
{
    llmc_diag diag;
    if (llmc_index_file_commit(lib->file, &diag) != LLMC_OK)
        die(diag.message);
    t->pending = 0;
}

/* One passage with its vector. */
static void add_passage(library *lib, embedder *e, const source *s, uint64_t hash, const char *text,
                        const llmc_chunk *c, bool lines, float *vector, tally *t)
{
    char head[5000];
    size_t heading = c->heading.end - c->heading.begin, n, len = c->end - c->begin, i;
    llmc_index_text record;
    llmc_diag diag;
    char *all;
    if (heading > 200 || c->heading.begin == c->begin)
        heading = 0;
    n = (size_t)snprintf(head, sizeof head, "%s\t%llu\t%llu\t%llu\t%u\t%s\t", s->path,
                         (unsigned long long)s->bytes, (unsigned long long)s->modified,
                         (unsigned long long)hash, lines ? (unsigned)c->line : 0u, e->name);
    if (n + heading + 1 > sizeof head)
        return;
    for (i = 0; i < heading; i++, n++)
        head[n] = text[c->heading.begin + i] == '\t' || text[c->heading.begin + i] == '\r'
                      ? ' '
                      : text[c->heading.begin + i];
    head[n++] = '\n';
    all = (char *)grow(NULL, n + len);
    memcpy(all, head, n);
    memcpy(all + n, text + c->begin, len);
    embed(e, set.prefix_passage, all + n, len, vector);
    record.data = all;
    record.len = n + len;
    if (llmc_index_add(lib->index, vector, &record, 1, NULL, &diag) != LLMC_OK)
        die(diag.message);
    free(all);
    t->passages++;
    t->pending++;
}

static char *whole_path(const char *below)
{
    size_t n = strlen(set.dir) + strlen(below) + 2;
    char *path = (char *)grow(NULL, n);
    snprintf(path, n, "%s%s%s", set.dir, set.dir[0] != 0 && set.dir[strlen(set.dir) - 1] == '/' ? "" : "/",
             below);
    return path;
}

/* All passages of a text. */
static void add_text(library *lib, embedder *e, const source *s, uint64_t hash, const char *text, size_t len,
                     int kind, tally *t, size_t done)
{
    llmc_chunk_options opt;
    llmc_chunk c;
    float *vector = (float *)grow(NULL, e->dim * sizeof *vector);
    memset(&opt, 0, sizeof opt);
    memset(&c, 0, sizeof c);
    opt.chars = set.chars;
    opt.overlap = set.overlap;
    opt.kind = kind == KIND_HTML ? LLMC_TEXT_PLAIN : (llmc_text_kind)kind;
    while (llmc_chunk_next(text, len, &opt, &c)) {
        add_passage(lib, e, s, hash, text, &c, kind != KIND_HTML, vector, t);
        show_progress(t, done, t->files, false);
    }
    free(vector);
}

/* A file that is new or may have changed: [first, last) are its records in list. */
static void update_file(library *lib, embedder *e, const source *s, const known *list, size_t first,
                        size_t last, tally *t, size_t done)
{
    llmc_blob file;
    llmc_diag diag;
    char *path = whole_path(s->path), *stripped = NULL;
    const char *text;
    uint64_t hash;
    size_t i, len, before = t->passages;
    int kind = kind_of(s->path);
    if (llmc_map_open(&file, path, &diag) != LLMC_OK) {
        complain(diag.message, "left out");
        free(path);
        return;
    }
    text = (const char *)file.data;
    len = file.size;
    hash = hash_of(text, len);
    if (first == last || list[first].hash != hash || !list[first].model) {
        for (i = first; i < last; i++)
            (void)llmc_index_delete(lib->index, list[i].id, NULL);
        if (is_text(text, len)) {
            if (kind == KIND_HTML) {
                stripped = (char *)grow(NULL, len + 8);
                len = strip_html(text, len, stripped);
                text = stripped;
            }
            add_text(lib, e, s, hash, text, len, kind, t, done);
        }
        if (first < last || t->passages > before) { /* not what holds no text */
            t->changed++;
            t->bytes += file.size;
        }
    }
    llmc_map_close(&file);
    free(stripped);
    free(path);
}

/* Which files need to be looked at: room for all that they may hold. */
static void reserve(library *lib, const embedder *e, const walk *w, known *list, size_t n_known)
{
    uint64_t capacity = 16, bytes = 4096, chars = set.chars == 0 ? 512 : set.chars < 16 ? 16 : set.chars;
    size_t i;
    for (i = 0; i < w->n_files; i++) {
        const source *s = &w->files[i];
        size_t at = find_known(list, n_known, s->path);
        uint64_t passages = s->bytes / (chars / 4) + 2;
        if (at < n_known && list[at].bytes == s->bytes && list[at].modified == s->modified && list[at].model)
            continue;
        capacity += passages;
        bytes += 2 * s->bytes + passages * (strlen(s->path) + strlen(e->name) + 300);
    }
    llmc_index_file_close(lib->file);
    open_index(lib, e->dim, capacity, bytes, false);
}

static int do_index(void)
{
    library lib;
    embedder e;
    walk *w = (walk *)pages(sizeof *w);
    tally t;
    known *list;
    llmc_index_info info;
    llmc_diag diag;
    size_t n_known, i, last;
    double seconds;
    memset(&lib, 0, sizeof lib);
    memset(&t, 0, sizeof t);
    lib.path = index_path();
    t.started = llmc_os_nanoseconds();
    w->root = w->len = (size_t)snprintf(w->path, sizeof w->path, "%s%s", set.dir,
                                        set.dir[strlen(set.dir) - 1] == '/' ? "" : "/");
    if (w->len + 16 > sizeof w->path)
        die("the folder's path is too long");
    if (llmc_os_list(set.dir, take_name, w, &diag) != LLMC_OK)
        die(diag.message);
    open_embedder(&e, NULL);
    walk_folder(w);
    open_index(&lib, e.dim, 16, 64, false);
    list = list_known(&lib, &e, &n_known);
    reserve(&lib, &e, w, list, n_known);
    t.files = w->n_files;
    for (i = 0; i < w->n_files; i++) {
        const source *s = &w->files[i];
        size_t first = find_known(list, n_known, s->path);
        for (last = first; last < n_known && strcmp(list[last].path, s->path) == 0; last++)
            list[last].seen = true;
        if (first == last || list[first].bytes != s->bytes || list[first].modified != s->modified ||
            !list[first].model)
            update_file(&lib, &e, s, list, first, last, &t, i);
        if (t.pending >= PENDING) /* between files: a file is all there or not at all */
            commit(&lib, &t);
        show_progress(&t, i + 1, t.files, false);
    }
    for (i = 0; i < n_known; i++)
        if (!list[i].seen) {
            t.gone += i == 0 || strcmp(list[i].path, list[i - 1].path) != 0;
            (void)llmc_index_delete(lib.index, list[i].id, NULL);
        }
    commit(&lib, &t);
    llmc_index_about(lib.index, &info);
    if (info.pieces > 16 || info.deleted > info.count / 2) {
        if (llmc_index_file_compact(lib.file, NULL, &diag) != LLMC_OK)
            die(diag.message);
        lib.index = llmc_index_file_index(lib.file);
    }
    seconds = (double)(llmc_os_nanoseconds() - t.started) / 1e9;
    show_progress(&t, t.files, t.files, true);
    if (!set.quiet)
        fprintf(stderr, "%u files, %u changed (%.1f MB), %u gone; %u passages, %u new; %.2f s, %.1f MB/s\n",
                (unsigned)t.files, (unsigned)t.changed, (double)t.bytes / 1e6, (unsigned)t.gone,
                (unsigned)info.count, (unsigned)t.passages, seconds, (double)t.bytes / 1e6 / seconds);
    llmc_index_file_close(lib.file);
    llmc_close(&e.own);
    return EXIT_OK;
}

/* ---- finding ---- */

/* The inverted index over all passages, with room enough at the second or third try. */
static void make_words(library *lib)
{
    llmc_words_options opt;
    llmc_index_info info;
    llmc_record r;
    llmc_diag diag;
    llmc_status status;
    uint64_t id, bytes = 0, scale;
    llmc_index_about(lib->index, &info);
    for (id = 0; llmc_index_next(lib->index, &id, &r);)
        bytes += r.text_len;
    for (scale = 1;; scale *= 4) {
        memset(&opt, 0, sizeof opt);
        opt.max_texts = (uint32_t)info.count + 1;
        opt.max_words =
            (uint32_t)(bytes / 64 * scale + 65536 < 1 << 29 ? bytes / 64 * scale + 65536 : 1 << 29);
        opt.max_postings = bytes / 8 * scale + 65536;
        status = llmc_words_need(&opt, &lib->words_bytes, &diag);
        if (status != LLMC_OK)
            die(diag.message);
        lib->words_mem = pages(lib->words_bytes);
        status = llmc_words_init(&lib->words, &opt, lib->words_mem, lib->words_bytes, &diag);
        for (id = 0; status == LLMC_OK && llmc_index_next(lib->index, &id, &r);) {
            passage p = read_passage(&r);
            const char *from = p.heading_len > 0 ? p.heading : p.text; /* the heading's words, too */
            status = llmc_words_add(lib->words, r.id, from, (size_t)(r.text + r.text_len - from), &diag);
        }
        if (status == LLMC_OK)
            return;
        if (status != LLMC_FULL || scale > 64)
            die(diag.message);
        llmc_os_release(lib->words_mem, lib->words_bytes);
    }
}

static void open_library(library *lib)
{
    memset(lib, 0, sizeof *lib);
    lib->path = index_path();
    open_index(lib, 0, 1, 1, true);
    if (!set.vectors_only)
        make_words(lib);
}

/* The best passages [n] without copies of others, at most k. */
static uint32_t drop_copies(const library *lib, llmc_hit *hit, uint32_t n, uint32_t k)
{
    uint32_t i, j, kept = 0;
    for (i = 0; i < n && kept < k; i++) {
        llmc_record r, other;
        passage p, q;
        bool copy = !llmc_index_get(lib->index, hit[i].id, &r);
        if (!copy)
            p = read_passage(&r);
        for (j = 0; j < kept && !copy; j++)
            if (llmc_index_get(lib->index, hit[j].id, &other)) {
                q = read_passage(&other);
                copy = p.text_len == q.text_len && memcmp(p.text, q.text, p.text_len) == 0;
            }
        if (!copy)
            hit[kept++] = hit[i];
    }
    return kept;
}

/* The k best passages, by words and vectors together; returns how many. */
static uint32_t find(library *lib, embedder *e, const char *question, uint32_t k, llmc_hit *out)
{
    llmc_hit by_vector[LIST], by_word[LIST], all[2 * LIST];
    const llmc_hit *lists[2];
    uint32_t lengths[2] = {0, 0}, n = 0;
    llmc_search_options opt;
    llmc_index_info info;
    llmc_record r;
    llmc_diag diag;
    uint64_t first = 0;
    memset(&opt, 0, sizeof opt);
    opt.k = LIST;
    lists[0] = by_word;
    lists[1] = by_vector;
    llmc_index_about(lib->index, &info);
    if (lib->words != NULL && llmc_words_search(lib->words, question, strlen(question), &opt, by_word,
                                                &lengths[0], &diag) != LLMC_OK)
        die(diag.message);
    if (e->seq != NULL && info.dim != e->dim)
        die(info.dim == 1 ? "the index was made without an embedder; use --words, or index again with -e"
                          : "the index was made with another embedder");
    if (e->seq != NULL && llmc_index_next(lib->index, &first, &r)) {
        passage p = read_passage(&r);
        float *query = (float *)grow(NULL, e->dim * sizeof *query);
        if (p.model_len != strlen(e->name) || memcmp(p.model, e->name, p.model_len) != 0)
            fprintf(stderr, "rag: the index was made with %.*s, not %s\n", (int)p.model_len, p.model,
                    e->name);
        embed(e, set.prefix_query, question, strlen(question), query);
        if (llmc_index_search(lib->index, query, 1, &opt, by_vector, &lengths[1], &diag) != LLMC_OK)
            die(diag.message);
        free(query);
    }
    llmc_hits_fuse(lists, lengths, 2, 0, all, 2 * LIST, &n);
    n = drop_copies(lib, all, n, k);
    memcpy(out, all, n * sizeof *out);
    return n;
}

/* A passage on one line: blanks and newlines become one space. At most `most` bytes, cut at a character. */
static size_t one_line(const passage *p, char *to, size_t most)
{
    size_t i, n = 0;
    for (i = 0; i < p->text_len && n < most; i++) {
        char c = p->text[i];
        if (c == '\n' || c == '\r' || c == '\t' || c == ' ') {
            if (n > 0 && to[n - 1] != ' ')
                to[n++] = ' ';
        } else
            to[n++] = (unsigned char)c < 32 || c == 127 ? '?' : c;
    }
    while (i < p->text_len && n > 0 && ((unsigned char)p->text[i] & 0xc0) == 0x80)
        i--, n--; /* back to where the character began */
    while (n > 0 && to[n - 1] == ' ')
        n--;
    return n;
}

static void print_source(const library *lib, const llmc_hit *hit, unsigned place, bool text)
{
    llmc_record r;
    passage p;
    char *line;
    size_t n;
    if (!llmc_index_get(lib->index, hit->id, &r))
        return;
    p = read_passage(&r);
    printf("[%u] %.*s", place, (int)p.path_len, p.path);
    if (p.line > 0)
        printf(":%u", p.line);
    if (p.heading_len > 0)
        printf("  %.*s", (int)p.heading_len, p.heading);
    putchar('\n');
    if (!text)
        return;
    line = (char *)grow(NULL, p.text_len + 1);
    n = one_line(&p, line, set.full ? p.text_len : 240);
    printf("    %.*s%s\n", (int)n, line, !set.full && n >= 236 ? " ..." : "");
    free(line);
}

static int do_search(void)
{
    library lib;
    embedder e;
    llmc_hit hit[MOST_RESULTS];
    uint32_t n, i;
    open_library(&lib);
    open_embedder(&e, NULL);
    n = find(&lib, &e, set.question, set.k > 0 ? set.k : 5, hit);
    for (i = 0; i < n; i++)
        print_source(&lib, &hit[i], i + 1, true);
    if (n == 0)
        fputs("rag: nothing fits\n", stderr);
    llmc_index_file_close(lib.file);
    llmc_close(&e.own);
    return n > 0 ? EXIT_OK : EXIT_FAILED;
}

/* ---- answering ---- */

/* What a model is told, as it grows; NUL-terminated. */
typedef struct told {
    char *s;
    size_t n, cap;
} told;

static void put(told *t, const char *s, size_t n)
{
    if (t->n + n + 1 > t->cap) {
        t->cap = 2 * (t->n + n) + 256;
        t->s = (char *)grow(t->s, t->cap);
    }
    memcpy(t->s + t->n, s, n);
    t->n += n;
    t->s[t->n] = 0;
}

/* " [place]" */
static void put_mark(told *t, unsigned place)
{
    char mark[16];
    put(t, mark, (size_t)snprintf(mark, sizeof mark, " [%u]", place));
}

/* The heading that a passage stands under, or begins with, which then is taken from it; out holds heading_len
   or, if that is 0, text_len bytes. Returns its length: "## Name" as "Name". */
static size_t take_heading(passage *p, char *out)
{
    passage h = *p;
    char path[4097];
    size_t n;
    snprintf(path, sizeof path, "%.*s", (int)p->path_len, p->path);
    h.text = p->heading;
    h.text_len = p->heading_len;
    if (h.text_len == 0 && p->text_len > 0 && p->text[0] == '#' && kind_of(path) == LLMC_TEXT_MARKDOWN) {
        const char *end = (const char *)memchr(p->text, '\n', p->text_len);
        h.text = p->text;
        h.text_len = end == NULL ? 0 : (size_t)(end - p->text); /* if it is all there is, it is the text */
        p->text += h.text_len;
        p->text_len -= h.text_len;
    }
    for (; h.text_len > 0 && strchr("# \r", *h.text) != NULL; h.text++)
        h.text_len--;
    n = one_line(&h, out, h.text_len);
    while (n > 0 && (out[n - 1] == '#' || out[n - 1] == ' '))
        n--;
    return n;
}

/* Where the sentence at the beginning of s [n] ends: behind . ! ? and what closes there, before a space. */
static size_t sentence_end(const char *s, size_t n)
{
    size_t i;
    bool ended = false;
    for (i = 0; i < n && !(ended && s[i] == ' '); i++)
        ended = strchr(".!?", s[i]) != NULL || (ended && strchr("\"')]", s[i]) != NULL);
    return i;
}

/* line [n], a passage, as it is to be answered from: behind each sentence the number of its source, as the answer
   is to have it; before each the heading, which tells whom "he" or "it" means. A small model finds what stands
   beside what it copies far more easily than what stands lines before. A long heading stands but once. */
static void put_cited(told *to, const char *line, size_t n, unsigned place, const char *heading,
                      size_t heading_len)
{
    const char *end = line + n;
    bool first = true;
    for (; line < end; first = false) {
        size_t len = sentence_end(line, (size_t)(end - line));
        if (heading_len > 0 && (first || heading_len <= 40)) {
            put(to, heading, heading_len);
            put(to, ": ", 2);
        }
        put(to, line, len);
        put_mark(to, place);
        line += len;
        if (line < end)
            put(to, line++, 1);
    }
}

/* The one form in which passages and question reach the model; tools/world.c trains on it. Caller frees. */
static char *make_prompt(const library *lib, const llmc_hit *hit, uint32_t n, const char *question)
{
    static const char task[] = "Answer from these sources and cite them like [1].\n\n";
    uint32_t i;
    told to = {NULL, 0, 0};
    llmc_record r;
    put(&to, task, sizeof task - 1);
    for (i = 0; i < n; i++)
        if (llmc_index_get(lib->index, hit[i].id, &r)) {
            passage p = read_passage(&r);
            char *line = (char *)grow(NULL, r.text_len), *heading = (char *)grow(NULL, r.text_len),
                 number[16];
            size_t heading_len = take_heading(&p, heading);
            put(&to, number, (size_t)snprintf(number, sizeof number, "[%u] ", i + 1));
            put_cited(&to, line, one_line(&p, line, p.text_len), i + 1, heading, heading_len);
            put(&to, "\n", 1);
            free(line);
            free(heading);
        }
    put(&to, "\nQuestion: ", 11);
    put(&to, question, strlen(question));
    return to.s;
}

static int do_prompt(void)
{
    library lib;
    embedder e;
    llmc_hit hit[MOST_RESULTS];
    uint32_t n;
    char *text;
    open_library(&lib);
    open_embedder(&e, NULL);
    n = find(&lib, &e, set.question, set.k > 0 ? set.k : 4, hit);
    text = make_prompt(&lib, hit, n, set.question);
    puts(text);
    free(text);
    llmc_index_file_close(lib.file);
    llmc_close(&e.own);
    return EXIT_OK;
}

typedef struct talk {
    library lib;
    embedder e;
    llmc_host host;
    char *said[HISTORY + 2]; /* questions and answers, oldest first */
    size_t n_said;
} talk;

/* The conversation with the passages in its last message, as many of them as the context holds beside the
   answer; returns how many, UINT32_MAX on failure. */
static uint32_t load_prompt(talk *t, const llmc_hit *hit, uint32_t n, const char *question, llmc_diag *diag)
{
    for (;; n--) {
        llmc_message message[HISTORY + 2];
        char *prompt = make_prompt(&t->lib, hit, n, question);
        size_t m = 0, i, used = 0;
        llmc_status status;
        memset(message, 0, sizeof message);
        if (set.system != NULL) {
            message[m].role = "system";
            message[m++].text = set.system;
        }
        for (i = 0; i < t->n_said; i++) {
            message[m].role = i % 2 == 0 ? "user" : "assistant";
            message[m++].text = t->said[i];
        }
        message[m].role = "user";
        message[m++].text = prompt;
        status = llmc_seq_chat(t->host.seq, NULL, message, m, diag);
        free(prompt);
        (void)llmc_seq_ids(t->host.seq, &used);
        if (status == LLMC_OK && (n <= 1 || used + set.predict <= llmc_engine_context(t->host.engine)))
            return n;
        if (n == 0 || (status != LLMC_OK && status != LLMC_FULL && status != LLMC_NO_MEMORY))
            return UINT32_MAX;
    }
}

/* The answer to stdout as it comes, and to *text, which the caller frees. */
static llmc_status speak(talk *t, char **text, llmc_diag *diag)
{
    llmc_piece piece;
    llmc_status status;
    size_t len = 0;
    *text = (char *)grow(NULL, 1);
    while ((status = llmc_seq_next(t->host.seq, &piece, diag)) == LLMC_OK) {
        fwrite(piece.text, 1, piece.text_len, stdout);
        fflush(stdout);
        *text = (char *)grow(*text, len + piece.text_len + 1);
        memcpy(*text + len, piece.text, piece.text_len);
        len += piece.text_len;
        if (piece.finish != LLMC_FINISH_NONE)
            break;
    }
    (*text)[len] = 0;
    putchar('\n');
    return status == LLMC_DONE ? LLMC_OK : status;
}

/* One question: passages, answer, sources. */
static int answer(talk *t, const char *question)
{
    llmc_hit hit[MOST_RESULTS];
    llmc_diag diag;
    llmc_status status;
    uint32_t n, i;
    char *text, *query;
    size_t before = t->n_said >= 2 ? strlen(t->said[t->n_said - 2]) : 0;
    query =
        (char *)grow(NULL, before + strlen(question) + 2); /* "And when?" means the question before, too */
    sprintf(query, "%s%s%s", before > 0 ? t->said[t->n_said - 2] : "", before > 0 ? " " : "", question);
    n = find(&t->lib, &t->e, query, set.k > 0 ? set.k : 4, hit);
    free(query);
    n = load_prompt(t, hit, n, question, &diag);
    if (n == UINT32_MAX) {
        complain(diag.message, "");
        return EXIT_FAILED;
    }
    status = speak(t, &text, &diag);
    putchar('\n');
    for (i = 0; i < n; i++)
        print_source(&t->lib, &hit[i], i + 1, false);
    fflush(stdout);
    t->said[t->n_said++] = strcpy((char *)grow(NULL, strlen(question) + 1), question);
    t->said[t->n_said++] = text;
    while (t->n_said > HISTORY - 2) { /* room for system, and the next question */
        free(t->said[0]);
        free(t->said[1]);
        memmove(t->said, t->said + 2, (t->n_said - 2) * sizeof t->said[0]);
        t->n_said -= 2;
    }
    if (status != LLMC_OK)
        complain(diag.message, "");
    return status == LLMC_OK ? EXIT_OK : EXIT_FAILED;
}

/* Questions line by line until the end of the input. */
static int converse(talk *t)
{
    char line[4096];
    int code = EXIT_OK;
    bool asks = lively && llmc_os_terminal(0, NULL, NULL);
    for (;;) {
        size_t n;
        if (asks)
            fputs("> ", stderr);
        if (fgets(line, sizeof line, stdin) == NULL)
            break;
        for (n = strlen(line); n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r' || line[n - 1] == ' ');)
            line[--n] = 0;
        if (strcmp(line, "/quit") == 0)
            break;
        if (n > 0)
            code = answer(t, line);
        if (n > 0)
            putchar('\n');
    }
    return code;
}

static int do_answer(void)
{
    talk *t = (talk *)pages(sizeof *t);
    int code;
    if (set.model == NULL) {
        complain(set.command, "-m MODEL is needed");
        return EXIT_USAGE;
    }
    open_library(&t->lib);
    open_host(&t->host, set.model, set.context, 2);
    open_embedder(&t->e, &t->host);
    if (set.embedder == NULL) { /* an index of words alone is as good without the model's vectors */
        llmc_index_info info;
        llmc_index_about(t->lib.index, &info);
        t->e.seq = info.dim == t->e.dim ? t->e.seq : NULL;
    }
    code = strcmp(set.command, "ask") == 0 ? answer(t, set.question) : converse(t);
    llmc_index_file_close(t->lib.file);
    llmc_close(&t->e.own);
    llmc_close(&t->host);
    return code;
}

int main(int argc, char **argv)
{
    bool asks, index, chat, search, prompt;
    parse(argc, llmc_os_arguments(argc, argv));
    if (set.command == NULL || set.dir == NULL || set.dir[0] == 0) {
        complain(set.command == NULL ? "what to do? index, search, prompt, ask or chat"
                                     : "a folder is needed",
                 "-h shows all");
        return EXIT_USAGE;
    }
    asks = strcmp(set.command, "ask") == 0;
    index = strcmp(set.command, "index") == 0;
    chat = strcmp(set.command, "chat") == 0;
    search = strcmp(set.command, "search") == 0;
    prompt = strcmp(set.command, "prompt") == 0;
    if (!asks && !index && !chat && !search && !prompt) {
        complain(set.command, "not a command: index, search, prompt, ask or chat");
        return EXIT_USAGE;
    }
    if ((asks || search || prompt) != (set.question != NULL) || (set.words_only && set.vectors_only)) {
        complain(set.command, set.words_only && set.vectors_only ? "--words and --vectors exclude each other"
                              : set.question == NULL             ? "a question is needed"
                                                                 : "takes no question");
        return EXIT_USAGE;
    }
    lively = llmc_os_terminal(2, NULL, NULL) && !set.quiet;
    return index ? do_index() : search ? do_search() : prompt ? do_prompt() : do_answer();
}
