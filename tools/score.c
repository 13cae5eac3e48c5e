// cc -O2 tools/score.c -o score
/* How many questions of a set a chat model answers exactly, kind by kind. */
#define LLMC_STATIC // the only file: what it does not use is not compiled
#define LLMC_IMPLEMENTATION
#include "tool.h"

static const char usage[] =
    "score -m MODEL SET.jsonl... [-n N] [--save FILE]     the model answers, greedily\n"
    "       score --replies FILE SET.jsonl...                    answers of a file are scored\n\n"
    "A line of a set is an object: messages (OpenAI's; the model answers the last), tools if any are\n"
    "offered, kind, and one of\n"
    "  answer  the text that is right; white space around it does not count\n"
    "  call    {\"name\": ..., \"arguments\": {...}}: this call and no other is right\n"
    "as tools/world writes them. A line of replies is {\"reply\": \"...\"}, what the model wrote, tags and\n"
    "all; --save writes such a file. Printed are, for each kind, how many there were and how many were\n"
    "right; for calls also how many were well-formed.";

/* ---- what is known of one kind -------------------------------------------------------------- */

enum { KINDS = 64, NAME = 64 };

typedef struct tally {
    char kind[NAME];
    uint64_t n, right, calls, formed; /* calls: where one was wanted; formed: where one came */
    double least;                     /* percent that --min asks for; below 0: none          */
} tally;

static tally tallies[KINDS];
static size_t n_tallies;

static tally *tally_of(const char *kind)
{
    size_t i;
    for (i = 0; i < n_tallies; i++)
        if (strcmp(tallies[i].kind, kind) == 0)
            return &tallies[i];
    if (n_tallies == KINDS)
        tool_die("more than %d kinds", KINDS);
    snprintf(tallies[i].kind, NAME, "%s", kind);
    tallies[i].least = -1;
    n_tallies++;
    return &tallies[i];
}

/* ---- texts ------------------------------------------------------------------------------------ */

typedef struct text {
    char *s;
    size_t n, cap;
} text;

static void put(text *t, const char *s, size_t n)
{
    if (n >= t->cap - t->n) {
        char *more = (char *)realloc(t->s, t->cap = (t->n + n + 64) * 2);
        if (more == NULL)
            tool_die("out of memory");
        t->s = more;
    }
    memcpy(t->s + t->n, s, n);
    t->n += n;
    t->s[t->n] = 0;
}

static void clear(text *t)
{
    t->n = 0;
    put(t, "", 0);
}

/* A string of JSON, unescaped. */
static void put_string(text *t, llmc_json v)
{
    size_t n = llmc_json_string(v, NULL, 0);
    char *s = (char *)tool_alloc(n + 1, 1);
    llmc_json_string(v, s, n + 1);
    put(t, s, n);
    free(s);
}

/* Where a checked value ends. */
static const char *value_end(llmc_json v)
{
    const char *p = v.text;
    size_t depth = 0;
    if (v.type != LLMC_JSON_STRING && v.type != LLMC_JSON_ARRAY && v.type != LLMC_JSON_OBJECT) {
        while (p < v.end && strchr(",]} \t\r\n", *p) == NULL)
            p++;
        return p;
    }
    do {
        if (*p == '"')
            for (p++; *p != '"'; p++)
                p += *p == '\\';
        else if (*p == '[' || *p == '{')
            depth++;
        else if (*p == ']' || *p == '}')
            depth--;
        p++;
    } while (depth > 0);
    return p;
}

static void put_value(text *t, llmc_json v)
{
    put(t, v.text, (size_t)(value_end(v) - v.text));
}

/* [*s, *end) without white space around it. */
static void trim(const char **s, const char **end)
{
    while (*s < *end && ((unsigned char)**s <= ' '))
        ++*s;
    while (*s < *end && ((unsigned char)(*end)[-1] <= ' '))
        --*end;
}

static bool same_text(const text *a, const text *b)
{
    const char *s = a->s, *s_end = a->s + a->n, *t = b->s, *t_end = b->s + b->n;
    trim(&s, &s_end);
    trim(&t, &t_end);
    return s_end - s == t_end - t && memcmp(s, t, (size_t)(s_end - s)) == 0;
}

/* Whether two values are the same: strings by their characters, all else as it is written. Arguments of tools are
   flat; what is nested has to have its members in the same order. */
static bool same_value(llmc_json a, llmc_json b)
{
    text x = {NULL, 0, 0}, y = {NULL, 0, 0};
    bool same;
    if (a.type != b.type)
        return false;
    put(&x, "", 0);
    put(&y, "", 0);
    if (a.type == LLMC_JSON_STRING) {
        put_string(&x, a);
        put_string(&y, b);
        same = x.n == y.n && memcmp(x.s, y.s, x.n) == 0;
    } else {
        put_value(&x, a);
        put_value(&y, b);
        same = same_text(&x, &y);
    }
    free(x.s);
    free(y.s);
    return same;
}

static bool same_arguments(llmc_json want, llmc_json got)
{
    llmc_json_iter it = {NULL, false};
    llmc_json key, value;
    size_t n = 0;
    text name = {NULL, 0, 0};
    bool same = true;
    if (want.type != LLMC_JSON_OBJECT || got.type != LLMC_JSON_OBJECT)
        return false;
    while (same && llmc_json_next(want, &it, &key, &value)) {
        clear(&name);
        put_string(&name, key);
        same = same_value(value, llmc_json_get(got, name.s));
        n++;
    }
    free(name.s);
    it.at = NULL;
    it.started = false;
    while (llmc_json_next(got, &it, &key, &value))
        n--;
    return same && n == 0;
}

static bool parse(const char *data, size_t n, const char *name, llmc_json *out, llmc_diag *diag)
{
    llmc_blob blob;
    blob.data = data;
    blob.size = n;
    blob.name = name;
    return llmc_json_parse(&blob, out, diag) == LLMC_OK;
}

/* ---- replies ------------------------------------------------------------------------------------ */

/* A reply taken apart: its text for the user, and its calls. */
typedef struct reply {
    text said, name, arguments; /* of the first call */
    size_t calls, errors;
} reply;

static void take_events(llmc_reply *r, reply *out)
{
    llmc_reply_event event;
    while (llmc_reply_next(r, &event)) {
        if (event.kind == LLMC_REPLY_TEXT)
            put(&out->said, event.text, event.len);
        else if (event.kind == LLMC_REPLY_CALL_ARGUMENTS && out->calls == 0)
            put(&out->arguments, event.text, event.len);
        else if (event.kind == LLMC_REPLY_CALL_END && out->calls++ == 0)
            put(&out->name, event.name, strlen(event.name));
        else if (event.kind == LLMC_REPLY_ERROR)
            out->errors++;
    }
}

/* What the parser of replies makes of a text. */
static void read_reply(reply *out, const text *raw, llmc_reply_format format, void *mem)
{
    llmc_reply_options opt;
    llmc_reply *r;
    llmc_diag diag;
    diag.message[0] = 0;
    memset(&opt, 0, sizeof opt);
    opt.format = format;
    clear(&out->said);
    clear(&out->name);
    clear(&out->arguments);
    out->calls = out->errors = 0;
    tool_check(llmc_reply_init(&r, &opt, mem, llmc_reply_need(), &diag), &diag);
    tool_check(llmc_reply_feed(r, raw->s, raw->n, &diag), &diag);
    take_events(r, out);
    llmc_reply_finish(r);
    take_events(r, out);
}

/* One item and the reply to it. */
static bool judge(tally *t, llmc_json item, const reply *r)
{
    llmc_json call = llmc_json_get(item, "call"), got;
    text want = {NULL, 0, 0};
    llmc_diag diag;
    bool right, formed = r->calls == 1 && r->errors == 0;
    clear(&want);
    put_string(&want,
               call.type == LLMC_JSON_OBJECT ? llmc_json_get(call, "name") : llmc_json_get(item, "answer"));
    if (call.type == LLMC_JSON_OBJECT) {
        right = formed && same_text(&want, &r->name) &&
                parse(r->arguments.s, r->arguments.n, "arguments", &got, &diag) &&
                same_arguments(llmc_json_get(call, "arguments"), got);
        t->calls++;
        t->formed += formed;
    } else {
        right = r->calls == 0 && r->errors == 0 && same_text(&want, &r->said);
    }
    free(want.s);
    t->n++;
    t->right += right;
    return right;
}

/* ---- the model ------------------------------------------------------------------------------------ */

typedef struct program {
    llmc_host host;
    llmc_reply_format format;
    const char *template_path, *replies_path, *save_path, *least;
    uint32_t predict, show, limit; /* longest reply; wrong ones that are shown; items of a set */
    text template_text;
    const char *replies, *replies_end; /* what is left of --replies */
    char *replies_begin;
    tool_out save;
    void *reply_mem;
    text raw, messages, tools;
    reply reply;
    uint64_t tokens;
} program;

static void open_model(program *p)
{
    llmc_model_options model;
    llmc_engine_options engine;
    llmc_seq_options seq;
    llmc_open_options open;
    llmc_diag diag;
    memset(&model, 0, sizeof model);
    memset(&engine, 0, sizeof engine);
    memset(&seq, 0, sizeof seq);
    memset(&open, 0, sizeof open);
    model.log = engine.log = tool_log();
    engine.context_length = tool_opt.context;
    engine.cpu = tool_opt.cpu;
    seq.max_tokens = p->predict;
    open.tokenizer_path = tool_opt.tokenizer;
    open.threads = tool_opt.threads;
    open.model = &model;
    open.engine = &engine;
    open.seq = &seq;
    diag.message[0] = 0;
    tool_check(llmc_open(&p->host, tool_opt.model, &open, &diag), &diag);
    if (llmc_model_tokenizer(p->host.model) == NULL)
        tool_die("%s has no tokenizer in it: give one with --tokenizer", tool_opt.model);
    p->format = llmc_reply_format_of(p->host.model);
    if (p->template_path == NULL)
        return;
    p->template_text.s = tool_read(p->template_path, 0, &p->template_text.n);
    p->format = llmc_reply_format_in(p->template_text.s, p->template_text.n);
}

/* The reply to an item into p->raw. */
static void generate(program *p, llmc_json item)
{
    llmc_json tools = llmc_json_get(item, "tools");
    llmc_chat_options opt;
    llmc_piece piece;
    llmc_status status;
    llmc_diag diag;
    diag.message[0] = 0;
    memset(&opt, 0, sizeof opt);
    clear(&p->messages);
    put_value(&p->messages, llmc_json_get(item, "messages"));
    opt.messages = p->messages.s;
    if (tools.type == LLMC_JSON_ARRAY) {
        clear(&p->tools);
        put_value(&p->tools, tools);
        opt.tools = p->tools.s;
    }
    opt.text = p->template_text.s;
    opt.text_len = p->template_text.n;
    tool_check(llmc_seq_chat(p->host.seq, &opt, NULL, 0, &diag), &diag);
    while ((status = llmc_seq_next(p->host.seq, &piece, &diag)) == LLMC_OK) {
        put(&p->raw, piece.text, piece.text_len);
        p->tokens++;
    }
    tool_check(status == LLMC_DONE ? LLMC_OK : status, &diag);
}

/* The next line of a file of lines; false at the end. */
static bool next_line(const char **at, const char *end, const char **line, size_t *n)
{
    const char *stop;
    while (*at < end && (unsigned char)**at <= ' ')
        ++*at;
    if (*at == end)
        return false;
    *line = *at;
    stop = (const char *)memchr(*at, '\n', (size_t)(end - *at));
    *at = stop != NULL ? stop : end;
    *n = (size_t)(*at - *line);
    return true;
}

static void next_reply(program *p)
{
    const char *line;
    llmc_json v;
    llmc_diag diag;
    size_t n;
    if (!next_line(&p->replies, p->replies_end, &line, &n))
        tool_die("%s: there are fewer replies than questions", p->replies_path);
    if (!parse(line, n, p->replies_path, &v, &diag))
        tool_die("%s", diag.message);
    v = llmc_json_get(v, "reply");
    if (v.type != LLMC_JSON_STRING)
        tool_die("%s: a line without \"reply\"", p->replies_path);
    put_string(&p->raw, v);
}

/* {"reply": "..."} */
static void save_reply(program *p)
{
    static const char hex[] = "0123456789abcdef";
    text out = {NULL, 0, 0};
    size_t i;
    clear(&out);
    put(&out, "{\"reply\": \"", 11);
    for (i = 0; i < p->raw.n; i++) {
        const unsigned char c = (unsigned char)p->raw.s[i];
        char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        if (c < ' ')
            put(&out, escape, 6);
        else if (c == '"' || c == '\\')
            put(&out, c == '"' ? "\\\"" : "\\\\", 2);
        else
            put(&out, (const char *)&c, 1);
    }
    put(&out, "\"}\n", 3);
    if (!tool_out_write(&p->save, out.s, out.n))
        tool_out_close(&p->save); /* says why */
    free(out.s);
}

static void show(program *p, const char *kind, llmc_json item)
{
    if (p->show == 0)
        return;
    p->show--;
    clear(&p->messages);
    put_value(&p->messages,
              llmc_json_get(item, llmc_json_get(item, "call").type == LLMC_JSON_OBJECT ? "call" : "answer"));
    fprintf(stderr, "%s: wanted %s\n", kind, p->messages.s);
    clear(&p->messages);
    put_value(&p->messages, llmc_json_get(item, "messages"));
    fprintf(stderr, "    got \"%s\"\n    after %s\n", p->raw.s, p->messages.s);
}

/* All items of a set. */
static void score_set(program *p, const char *path)
{
    size_t size, n, count = 0;
    char *data = tool_read(path, 0, &size);
    const char *at = data, *line;
    char kind[NAME];
    llmc_json item;
    llmc_diag diag;
    while (next_line(&at, data + size, &line, &n) && (p->limit == 0 || count < p->limit)) {
        bool has_answer, has_call;
        count++;
        if (!parse(line, n, path, &item, &diag))
            tool_die("item %zu: %s", count, diag.message);
        has_answer = llmc_json_get(item, "answer").type == LLMC_JSON_STRING;
        has_call = llmc_json_get(llmc_json_get(item, "call"), "name").type == LLMC_JSON_STRING;
        if (llmc_json_get(item, "messages").type != LLMC_JSON_ARRAY || has_answer == has_call)
            tool_die("%s: item %zu needs \"messages\" and either \"answer\" or \"call\"", path, count);
        if (llmc_json_string(llmc_json_get(item, "kind"), kind, sizeof kind) == 0)
            snprintf(kind, sizeof kind, "all");
        clear(&p->raw);
        if (p->replies_path != NULL)
            next_reply(p);
        else
            generate(p, item);
        if (p->save_path != NULL)
            save_reply(p);
        read_reply(&p->reply, &p->raw, p->format, p->reply_mem);
        if (!judge(tally_of(kind), item, &p->reply))
            show(p, kind, item);
        if (!tool_draw(NULL, "scoring", (uint64_t)(at - data), (uint64_t)size))
            tool_die("interrupted");
    }
    if (count == 0)
        tool_die("%s: there is nothing in it", path);
    free(data);
}

/* ---- results --------------------------------------------------------------------------------------- */

/* KIND=PERCENT,... of --min. */
static void read_least(const char *s)
{
    while (s != NULL && *s != 0) {
        char kind[NAME], *end;
        size_t n = strcspn(s, "=,");
        double v;
        if (s[n] != '=' || n == 0 || n >= NAME)
            tool_misused("--min takes KIND=PERCENT and more of them after commas, not '%s'", s);
        memcpy(kind, s, n);
        kind[n] = 0;
        v = strtod(s + n + 1, &end);
        if (end == s + n + 1 || (*end != 0 && *end != ',') || !(v >= 0 && v <= 100))
            tool_misused("--min: '%s' is no percentage", s + n + 1);
        tally_of(kind)->least = v;
        s = *end == ',' ? end + 1 : end;
    }
}

/* The table; how many kinds are below what was asked for. */
static unsigned print_results(void)
{
    unsigned below = 0;
    size_t i;
    printf("%-20s %7s %7s %8s\n", "kind", "items", "right", "percent");
    for (i = 0; i < n_tallies; i++) {
        const tally *t = &tallies[i];
        double percent = t->n > 0 ? 100.0 * (double)t->right / (double)t->n : 0;
        printf("%-20s %7llu %7llu %8.2f", t->kind, (unsigned long long)t->n, (unsigned long long)t->right,
               percent);
        if (t->calls > 0)
            printf("  well-formed %.2f", 100.0 * (double)t->formed / (double)t->calls);
        if (percent < t->least) {
            printf("  below %g", t->least);
            below++;
        }
        putchar('\n');
    }
    return below;
}

int main(int argc, char **argv)
{
    static program p;
    static const tool_option options[] = {
        TOOL_OPTIONS_MODEL,
        TOOL_OPTION_THREADS,
        {'c', "context", TOOL_U32, &tool_opt.context, "N", "context; default: the model's"},
        {'n', "predict", TOOL_U32, &p.predict, "N", "longest reply in tokens; default 256"},
        {0, "limit", TOOL_U32, &p.limit, "N", "only the first N items of each set"},
        {0, "template", TOOL_TEXT, &p.template_path, "FILE", "a chat template instead of the model's"},
        {0, "replies", TOOL_TEXT, &p.replies_path, "FILE", "score these replies; no model runs"},
        {0, "save", TOOL_TEXT, &p.save_path, "FILE", "write the replies there"},
        {0, "show", TOOL_U32, &p.show, "N", "show the first N that are wrong, on stderr"},
        {0, "min", TOOL_TEXT, &p.least, "LIST", "KIND=PERCENT,...: exit 1 if one has less"},
        TOOL_OPTIONS_ALL,
    };
    double start = tool_seconds();
    unsigned below;
    char **args;
    int n, i;
    tool_name = "score";
    p.predict = 256;
    args = tool_parse(argc, argv, usage, options, TOOL_COUNT_OF(options), &n);
    if (n == 0)
        tool_misused("needs a SET");
    if ((tool_opt.model != NULL) == (p.replies_path != NULL))
        tool_misused("needs either -m MODEL or --replies FILE");
    read_least(p.least);
    tool_catch_signals();
    p.reply_mem = tool_alloc(llmc_reply_need(), 1);
    p.format = LLMC_REPLY_HERMES;
    if (tool_opt.model != NULL) {
        open_model(&p);
    } else {
        size_t size;
        p.replies = p.replies_begin = tool_read(p.replies_path, 0, &size);
        p.replies_end = p.replies + size;
    }
    if (p.save_path != NULL)
        tool_out_open(&p.save, p.save_path);
    for (i = 0; i < n; i++)
        score_set(&p, args[i]);
    if (p.save_path != NULL)
        tool_out_close(&p.save);
    tool_bar_clear();
    below = print_results();
    tool_info("%llu tokens in %.1f s", (unsigned long long)p.tokens, tool_seconds() - start);
    if (tool_opt.model != NULL)
        llmc_close(&p.host);
    free(p.replies_begin);
    free(p.template_text.s);
    free(p.reply_mem);
    free(p.raw.s);
    free(p.messages.s);
    free(p.tools.s);
    free(p.reply.said.s);
    free(p.reply.name.s);
    free(p.reply.arguments.s);
    (void)tool_end();
    if (below > 0)
        tool_die("%u of the kinds reach less than --min asks for", below);
    return 0;
}
