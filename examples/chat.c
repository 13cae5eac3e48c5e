// cc -O2 examples/chat.c -o chat && ./chat model.gguf "Why is the sky blue?"
//
// chat.c - talk with a model, or let it continue a text. Without a prompt and at a
// terminal it keeps a conversation; with one it answers once. Answers go to stdout,
// everything else to stderr.
#define LLMC_STATIC // the only file: what it does not use is not compiled
#define LLMC_IMPLEMENTATION
#include "../llmc.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* ---- what the command line says ---- */

typedef struct settings {
    const char *model, *tokenizer, *prompt, *file, *system, *format, *template_file, *grammar, *schema, *isa,
        *kv_type, *log_level, *config;
    const char *seed;
    uint32_t predict, threads, context, batch_tokens;
    llmc_sample_options sample;
    llmc_logit_bias *bias;
    const char **stop;
    size_t n_stop;
    bool raw, ignore_eos, no_mmap, debug, help;
} settings;

typedef enum option_kind { AS_TEXT, AS_FLAG, AS_WHOLE, AS_REAL, AS_STOP, AS_BIAS } option_kind;

typedef struct option_row {
    const char *name;
    char letter; /* 0: none */
    option_kind kind;
    size_t at; /* member of settings */
    double low, high;
    const char *value, *help;
} option_row;

#define AT(member) offsetof(settings, member)

static const option_row rows[] = {
    {"model", 'm', AS_TEXT, AT(model), 0, 0, "FILE", "model file or folder"},
    {"prompt", 'p', AS_TEXT, AT(prompt), 0, 0, "TEXT", "answer this once, then end"},
    {"file", 'f', AS_TEXT, AT(file), 0, 0, "FILE", "the prompt is in this file; - is standard input"},
    {"predict", 'n', AS_WHOLE, AT(predict), -1, INT32_MAX, "N", "most tokens to generate; -1: until the end"},
    {"threads", 't', AS_WHOLE, AT(threads), 0, 1024, "N", "threads; 0: all that this process may use"},
    {"context", 'c', AS_WHOLE, AT(context), 0, INT32_MAX, "N", "context; 0: the model's, at most 4096"},
    {"system", 0, AS_TEXT, AT(system), 0, 0, "TEXT", "system message before the conversation"},
    {"chat-format", 0, AS_TEXT, AT(format), 0, 0, "NAME", "auto (the model's template), chatml, llama3, ..."},
    {"template", 0, AS_TEXT, AT(template_file), 0, 0, "FILE",
     "a chat template in Jinja, instead of the model's"},
    {"grammar", 0, AS_TEXT, AT(grammar), 0, 0, "FILE", "answers match this grammar (GBNF)"},
    {"json-schema", 0, AS_TEXT, AT(schema), 0, 0, "FILE", "answers are JSON that this schema allows"},
    {"raw", 0, AS_FLAG, AT(raw), 0, 0, NULL, "no template: continue the prompt and print only that"},
    {"temp", 0, AS_REAL, AT(sample.temperature), 0, 1000, "X", "temperature, 0: greedy (default 0.8)"},
    {"top-k", 0, AS_WHOLE, AT(sample.top_k), 0, INT32_MAX, "N", "only the N most likely; 0: off (default 0)"},
    {"top-p", 0, AS_REAL, AT(sample.top_p), 0, 1, "X",
     "the most likely that sum to X; 1: off (default 0.95)"},
    {"min-p", 0, AS_REAL, AT(sample.min_p), 0, 1, "X",
     "at least X times the most likely; 0: off (default 0)"},
    {"typical", 0, AS_REAL, AT(sample.typical_p), 0, 1, "X", "locally typical sampling; 1: off (default)"},
    {"repeat-penalty", 0, AS_REAL, AT(sample.repeat_penalty), 0, 1000, "X", "on what was said; 1: off"},
    {"frequency-penalty", 0, AS_REAL, AT(sample.frequency_penalty), -1000, 1000, "X", "for each time"},
    {"presence-penalty", 0, AS_REAL, AT(sample.presence_penalty), -1000, 1000, "X", "if said at all"},
    {"penalty-window", 0, AS_WHOLE, AT(sample.penalty_window), -1, INT32_MAX, "N",
     "tokens that penalties look at; -1: all (default 64)"},
    {"logit-bias", 0, AS_BIAS, AT(bias), 0, 0, "ID=X",
     "added to a token's logit, -inf forbids it; repeatable"},
    {"stop", 0, AS_STOP, AT(stop), 0, 0, "TEXT", "end before this text; repeatable"},
    {"ignore-eos", 0, AS_FLAG, AT(ignore_eos), 0, 0, NULL, "go on when the model wants to end"},
    {"seed", 0, AS_TEXT, AT(seed), 0, 0, "N", "of the random numbers (default: from the clock)"},
    {"tokenizer", 0, AS_TEXT, AT(tokenizer), 0, 0, "FILE", "tokenizer apart from the model (llama2.c)"},
    {"kv-type", 0, AS_TEXT, AT(kv_type), 0, 0, "TYPE", "numbers in the cache: f16 (default), bf16 or f32"},
    {"isa", 0, AS_TEXT, AT(isa), 0, 0, "NAME", "kernels: auto, scalar, avx2, avx512, neon, simde"},
    {"batch-tokens", 0, AS_WHOLE, AT(batch_tokens), 0, 1 << 20, "N", "most tokens in one step; 0: 256"},
    {"config", 0, AS_TEXT, AT(config), 0, 0, "FILE", "settings, as bench --tune writes them"},
    {"no-mmap", 0, AS_FLAG, AT(no_mmap), 0, 0, NULL, "read the model into memory instead of mapping it"},
    {"log-level", 0, AS_TEXT, AT(log_level), 0, 0, "NAME", "none, error, warn (default), info, debug"},
    {"debug", 0, AS_FLAG, AT(debug), 0, 0, NULL, "log every layer, stop at the first that is not finite"},
    {"help", 'h', AS_FLAG, AT(help), 0, 0, NULL, "this text"},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

static void print_help(void)
{
    int i;
    printf("usage: chat MODEL [PROMPT] [options]\n\n"
           "Answers PROMPT, or what is on standard input; from a terminal, holds a conversation.\n\n");
    for (i = 0; i < N_ROWS; i++) {
        char left[64], letter[] = {'-', rows[i].letter, ',', 0};
        snprintf(left, sizeof left, "%3s --%s %s", rows[i].letter != 0 ? letter : "", rows[i].name,
                 rows[i].value != NULL ? rows[i].value : "");
        printf("  %-31s %s\n", left, rows[i].help);
    }
}

#if defined(__GNUC__)
#define LIKE_PRINTF __attribute__((format(printf, 2, 3)))
#else
#define LIKE_PRINTF
#endif

/* One line on stderr; returns code. */
LIKE_PRINTF static int complain(int code, const char *fmt, ...)
{
    va_list args;
    fputs("chat: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return code;
}

static void *grow(void *p, size_t bytes)
{
    p = realloc(p, bytes);
    if (p == NULL)
        exit(complain(EXIT_FAILED, "out of memory"));
    return p;
}

/* The whole of text as a number, a whole one if asked; false if anything is left over. */
static bool read_number(const char *text, bool whole, double *out)
{
    char *end;
    *out = strtod(text, &end);
    if (end == text || *end != 0 || (unsigned char)*text <= ' ' || *out != *out)
        return false;
    return !whole || (*out > -1e15 && *out < 1e15 && *out == (double)(int64_t)*out);
}

static int store_number(settings *s, const option_row *row, const char *text)
{
    const char letter[] = {'-', row->letter, ',', ' ', 0}, *before = row->letter != 0 ? letter : "";
    double v;
    if (!read_number(text, row->kind == AS_WHOLE, &v))
        return complain(EXIT_USAGE, "%s--%s: '%s' is not a %snumber", before, row->name, text,
                        row->kind == AS_WHOLE ? "whole " : "");
    if (v < row->low || v > row->high)
        return complain(EXIT_USAGE, "%s--%s: %s is not between %.10g and %.10g", before, row->name, text,
                        row->low, row->high);
    if (row->kind == AS_WHOLE)
        *(uint32_t *)((char *)s + row->at) = v < 0 ? UINT32_MAX : (uint32_t)v;
    else
        *(float *)((char *)s + row->at) = (float)v;
    return EXIT_OK;
}

static int store_bias(settings *s, const char *text)
{
    char id[16];
    const char *equals = strchr(text, '=');
    size_t n = equals != NULL ? (size_t)(equals - text) : 0;
    llmc_logit_bias *b;
    double token, bias;
    if (n == 0 || n >= sizeof id)
        return complain(EXIT_USAGE, "--logit-bias: '%s' is not of the form ID=X", text);
    memcpy(id, text, n);
    id[n] = 0;
    if (!read_number(id, true, &token) || token < 0 || token > INT32_MAX ||
        !read_number(equals + 1, false, &bias))
        return complain(EXIT_USAGE, "--logit-bias: '%s' is not a token's number and a number", text);
    s->bias = (llmc_logit_bias *)grow(s->bias, (s->sample.n_bias + 1) * sizeof *s->bias);
    b = &s->bias[s->sample.n_bias++];
    b->token = (llmc_token)token;
    b->bias = (float)bias;
    return EXIT_OK;
}

static int store(settings *s, const option_row *row, const char *text)
{
    switch (row->kind) {
    case AS_TEXT:
        *(const char **)((char *)s + row->at) = text;
        return EXIT_OK;
    case AS_FLAG:
        *(bool *)((char *)s + row->at) = true;
        return EXIT_OK;
    case AS_STOP:
        s->stop = (const char **)grow(s->stop, (s->n_stop + 1) * sizeof *s->stop);
        s->stop[s->n_stop++] = text;
        return EXIT_OK;
    case AS_BIAS:
        return store_bias(s, text);
    default:
        return store_number(s, row, text);
    }
}

/* getopt's own tables, made from ours. */
static void make_getopt(struct option *longs, char *shorts)
{
    int i;
    *shorts++ = ':'; /* we write the messages */
    for (i = 0; i < N_ROWS; i++) {
        longs[i].name = rows[i].name;
        longs[i].has_arg = rows[i].kind == AS_FLAG ? no_argument : required_argument;
        longs[i].flag = NULL;
        longs[i].val = 256 + i;
        if (rows[i].letter != 0) {
            *shorts++ = rows[i].letter;
            if (rows[i].kind != AS_FLAG)
                *shorts++ = ':';
        }
    }
    memset(&longs[N_ROWS], 0, sizeof longs[N_ROWS]);
    *shorts = 0;
}

static const option_row *row_of(int opt)
{
    int i;
    for (i = 0; i < N_ROWS; i++)
        if (opt == 256 + i || (rows[i].letter != 0 && opt == rows[i].letter))
            return &rows[i];
    return NULL;
}

static int parse_options(settings *s, int argc, char **argv)
{
    struct option longs[N_ROWS + 1];
    char shorts[2 * N_ROWS + 2];
    int opt, code = EXIT_OK;
    make_getopt(longs, shorts);
    opterr = 0;
    while (code == EXIT_OK && (opt = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        const option_row *row = row_of(opt);
        if (opt == ':')
            code = complain(EXIT_USAGE, "%s needs a value (-h shows all)", argv[optind - 1]);
        else if (row == NULL && optopt > 0 && optopt < 256)
            code = complain(EXIT_USAGE, "unknown option -%c (-h shows all)", optopt);
        else if (row == NULL)
            code = complain(EXIT_USAGE, "unknown or unclear option %s (-h shows all)", argv[optind - 1]);
        else
            code = store(s, row, optarg);
    }
    for (; code == EXIT_OK && optind < argc; optind++) {
        if (s->model == NULL)
            s->model = argv[optind];
        else if (s->prompt == NULL)
            s->prompt = argv[optind];
        else
            code = complain(EXIT_USAGE, "unexpected argument '%s'; put quotes around a prompt", argv[optind]);
    }
    return code;
}

/* ---- one program's state ---- */

typedef struct text {
    char *data; /* NUL-terminated once anything was put in */
    size_t len, cap;
} text;

typedef struct meter {
    uint64_t started, drawn; /* nanoseconds; drawn 0: nothing to wipe */
    const char *what;
} meter;

typedef struct chat {
    settings set;
    llmc_cpu cpu;
    llmc_dtype kv_type;
    llmc_log_level level;
    bool lively, colour; /* progress bars; colours                     */
    bool talking;        /* a conversation: not every failure ends it  */
    bool exact;          /* nothing but the model's bytes on stdout    */
    meter bar;
    llmc_host host;
    llmc_seq_options seq;
    llmc_chat_format format;
    text template_text;    /* of --template */
    llmc_message *message; /* texts are owned, roles are not */
    size_t n_messages;
    text answer;
    void *grammar, *grammar_state; /* memory of --grammar or --json-schema */
} chat;

/* Set by Ctrl-C while a conversation is held; a handler can reach nothing but a global. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
#ifdef _WIN32
    signal(SIGINT, on_interrupt);
#endif
}

/* Without SA_RESTART, so that Ctrl-C also ends the wait for a line. */
static void catch_interrupts(void)
{
#ifdef _WIN32
    signal(SIGINT, on_interrupt);
#else
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    sigaction(SIGINT, &action, NULL);
#endif
}

static void put(text *t, const char *data, size_t n)
{
    if (t->len + n + 1 > t->cap) {
        t->cap = (t->len + n + 1) * 2;
        t->data = (char *)grow(t->data, t->cap);
    }
    if (n > 0)
        memcpy(t->data + t->len, data, n);
    t->len += n;
    t->data[t->len] = 0;
}

static void wipe_meter(chat *c)
{
    if (c->bar.drawn != 0)
        fputs("\r\033[K", stderr);
    c->bar.drawn = 0;
    c->bar.what = NULL;
}

/* llmc_progress: a bar for what takes longer than half a second. Ctrl-C cancels. */
static bool on_progress(void *user, const char *what, uint64_t done, uint64_t total)
{
    chat *c = (chat *)user;
    uint64_t now = llmc_os_nanoseconds();
    int percent = total > 0 ? (int)(100.0 * (double)done / (double)total) : 100, i;
    if (c->bar.what == NULL) {
        c->bar.what = what;
        c->bar.started = now;
    }
    if (c->lively && now - c->bar.started > 500000000u && now - c->bar.drawn > 100000000u) {
        c->bar.drawn = now;
        fprintf(stderr, "\r\033[K%s %3d %% ", what, percent);
        for (i = 0; i < 25; i++)
            fputc(i * 4 < percent ? '#' : '.', stderr);
    }
    if (done >= total)
        wipe_meter(c);
    return !interrupted;
}

static void on_log(void *user, llmc_log_level level, const char *tag, const char *message)
{
    wipe_meter((chat *)user);
    if (level <= LLMC_LOG_WARN)
        fprintf(stderr, "chat: %s: %s\n", level == LLMC_LOG_WARN ? "warning" : "error", message);
    else
        fprintf(stderr, "%s: %s\n", tag, message);
}

/* One line on stderr for those who asked for --log-level info. */
LIKE_PRINTF static void inform(chat *c, const char *fmt, ...)
{
    va_list args;
    if (c->level < LLMC_LOG_INFO)
        return;
    wipe_meter(c);
    fputs("chat: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

static int fail(chat *c, const llmc_diag *diag)
{
    wipe_meter(c);
    return complain(EXIT_FAILED, "%s", diag->message);
}

/* ---- settings to options ---- */

static int resolve_level(chat *c)
{
    static const char *const name[] = {"none", "error", "warn", "info", "debug"};
    int i;
    c->level = c->set.debug ? LLMC_LOG_DEBUG : LLMC_LOG_WARN;
    if (c->set.log_level == NULL)
        return EXIT_OK;
    for (i = 0; i < 5; i++)
        if (strcmp(c->set.log_level, name[i]) == 0) {
            c->level = (llmc_log_level)i;
            return EXIT_OK;
        }
    return complain(EXIT_USAGE, "--log-level: '%s' is none of none, error, warn, info, debug",
                    c->set.log_level);
}

static int resolve_seed(chat *c)
{
    char *end;
    c->set.sample.seed = llmc_os_nanoseconds() ^ ((uint64_t)time(NULL) << 20);
    if (c->set.seed == NULL)
        return EXIT_OK;
    errno = 0;
    c->set.sample.seed = strtoull(c->set.seed, &end, 10);
    if (*c->set.seed < '0' || *c->set.seed > '9' || *end != 0 || errno != 0)
        return complain(EXIT_USAGE, "--seed: '%s' is not a whole number from 0 to 2^64 - 1", c->set.seed);
    return EXIT_OK;
}

static int unknown_format(const char *name)
{
    char all[256] = "";
    int f;
    for (f = 0; f < LLMC_CHAT_FORMAT_COUNT; f++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", f > 0 ? ", " : "",
                 llmc_chat_format_name((llmc_chat_format)f));
    return complain(EXIT_USAGE, "--chat-format: '%s' is none of %s", name, all);
}

static int resolve_names(chat *c)
{
    const settings *s = &c->set;
    llmc_diag diag;
    if (llmc_os_cpu(s->isa, &c->cpu, &diag) != LLMC_OK)
        return complain(EXIT_USAGE, "%s%s", s->isa != NULL ? "--isa: " : "", diag.message);
    c->kv_type = s->kv_type != NULL ? llmc_dtype_named(s->kv_type) : LLMC_DTYPE_NONE;
    if (s->kv_type != NULL && c->kv_type != LLMC_F16 && c->kv_type != LLMC_BF16 && c->kv_type != LLMC_F32)
        return complain(EXIT_USAGE, "--kv-type: '%s' is none of f16, bf16, f32", s->kv_type);
    if (s->format != NULL && llmc_chat_format_named(s->format, &c->format) != LLMC_OK)
        return unknown_format(s->format);
    return EXIT_OK;
}

/* One setting of --config, unless the command line has said otherwise. Texts live as long as the program. */
static int configure(settings *s, const llmc_setting *setting)
{
    static const struct {
        const char *key, *option;
    } known[] = {
        {"threads", "threads"}, {"batch_tokens", "batch-tokens"}, {"kv_type", "kv-type"}, {"isa", "isa"}};
    size_t i, j, n = strlen(setting->value) + 1;
    for (i = 0; i < sizeof known / sizeof known[0]; i++)
        for (j = 0; j < N_ROWS && strcmp(setting->key, known[i].key) == 0 && setting->section[0] == 0; j++)
            if (strcmp(rows[j].name, known[i].option) == 0) {
                void *at = (char *)s + rows[j].at;
                if (rows[j].kind == AS_WHOLE ? *(uint32_t *)at != 0 : *(const char **)at != NULL)
                    return EXIT_OK;
                return store(s, &rows[j], (const char *)memcpy(grow(NULL, n), setting->value, n));
            }
    return complain(EXIT_FAILED,
                    "%s:%u: unknown setting '%s'; threads, batch_tokens, kv_type and isa are known",
                    s->config, (unsigned)setting->line, setting->key);
}

/* LLMC_ISA goes before the file's isa. */
static int read_config(settings *s)
{
    const char *variable = getenv("LLMC_ISA");
    llmc_setting setting;
    llmc_blob file;
    llmc_diag diag;
    llmc_status status;
    size_t at = 0;
    int code = EXIT_OK;
    if (s->config == NULL)
        return EXIT_OK;
    if (s->isa == NULL && variable != NULL && variable[0] != 0)
        s->isa = variable;
    memset(&setting, 0, sizeof setting);
    if (llmc_map_open(&file, s->config, &diag) != LLMC_OK)
        return complain(EXIT_FAILED, "%s", diag.message);
    while ((status = llmc_settings_next(&file, &at, &setting, &diag)) == LLMC_OK && code == EXIT_OK)
        code = configure(s, &setting);
    if (code == EXIT_OK && status != LLMC_DONE)
        code = complain(EXIT_FAILED, "%s", diag.message);
    llmc_map_close(&file);
    return code;
}

/* Everything that can be wrong before a file is opened. */
static int resolve(chat *c)
{
    settings *s = &c->set;
    llmc_diag diag;
    int code;
    if (s->model == NULL)
        return complain(EXIT_USAGE, "no model given (-h shows how)");
    if (s->prompt != NULL && s->file != NULL)
        return complain(EXIT_USAGE, "a prompt and -f were both given; one of them, please");
    if (s->raw && (s->format != NULL || s->system != NULL || s->template_file != NULL))
        return complain(EXIT_USAGE,
                        "--raw has no template: it contradicts --chat-format, --template and --system");
    if (s->format != NULL && s->template_file != NULL)
        return complain(EXIT_USAGE, "--chat-format and --template were both given; one of them, please");
    if (s->grammar != NULL && s->schema != NULL)
        return complain(EXIT_USAGE, "--grammar and --json-schema were both given; one of them, please");
    if ((code = read_config(s)) != EXIT_OK || (code = resolve_level(c)) != EXIT_OK ||
        (code = resolve_seed(c)) != EXIT_OK || (code = resolve_names(c)) != EXIT_OK)
        return code;
    s->sample.bias = s->bias;
    if (llmc_sample_check(&s->sample, &diag) != LLMC_OK)
        return complain(EXIT_USAGE, "%s", diag.message);
    c->seq.sample = &s->sample;
    c->seq.max_tokens = s->predict;
    c->seq.stop = s->stop;
    c->seq.n_stop = s->n_stop;
    c->seq.ignore_end = s->ignore_eos;
    return EXIT_OK;
}

/* ---- the model ---- */

static int open_model(chat *c)
{
    llmc_model_options model;
    llmc_engine_options engine;
    llmc_open_options opt;
    llmc_diag diag;
    uint64_t start = llmc_os_nanoseconds();
    memset(&model, 0, sizeof model);
    memset(&engine, 0, sizeof engine);
    memset(&opt, 0, sizeof opt);
    engine.log.fn = on_log;
    engine.log.user = c;
    engine.log.level = c->level;
    engine.progress.fn = on_progress;
    engine.progress.user = c;
    engine.context_length = c->set.context;
    engine.kv_type = c->kv_type;
    engine.batch_tokens = c->set.batch_tokens;
    engine.cpu = c->cpu;
    engine.check_finite = c->set.debug;
    model.log = engine.log;
    opt.progress = engine.progress;
    opt.tokenizer_path = c->set.tokenizer;
    opt.threads = c->set.threads;
    opt.no_mmap = c->set.no_mmap;
    opt.model = &model;
    opt.engine = &engine;
    opt.seq = &c->seq;
    if (llmc_open(&c->host, c->set.model, &opt, &diag) != LLMC_OK)
        return fail(c, &diag);
    wipe_meter(c);
    if (llmc_model_tokenizer(c->host.model) == NULL)
        return complain(EXIT_FAILED, "%s has no tokenizer in it: give one with --tokenizer", c->set.model);
    inform(c, "%s: %.1f MB opened in %.1f ms, %s kernels, %u threads, context %u, seed %llu", c->set.model,
           (double)c->host.file.size / 1e6, (double)(llmc_os_nanoseconds() - start) / 1e6,
           llmc_engine_isa(c->host.engine), (unsigned)llmc_pool_tasks(c->host.pool).workers,
           (unsigned)llmc_engine_context(c->host.engine), (unsigned long long)c->set.sample.seed);
    return EXIT_OK;
}

static int read_all(text *out, const char *path);

/* RAW where there is no template: the model then simply continues the text. */
static int choose_format(chat *c)
{
    const settings *s = &c->set;
    if (s->template_file != NULL && read_all(&c->template_text, s->template_file) != EXIT_OK)
        return EXIT_FAILED;
    if (s->raw)
        c->format = LLMC_CHAT_RAW;
    else if (c->format == LLMC_CHAT_AUTO && s->template_file == NULL)
        c->format = llmc_chat_format_of(c->host.model);
    inform(c, "chat format %s",
           s->template_file != NULL ? s->template_file : llmc_chat_format_name(c->format));
    if (c->format == LLMC_CHAT_RAW && s->system != NULL)
        return complain(EXIT_FAILED, "--system: %s has no chat template", s->model);
    return EXIT_OK;
}

/* The JSON schema in `schema` as a grammar, in its place. */
static int schema_to_grammar(chat *c, text *schema)
{
    const size_t work_bytes = llmc_schema_need(NULL);
    void *work = grow(NULL, work_bytes);
    text out = {NULL, 0, 0};
    llmc_blob file;
    llmc_diag diag;
    llmc_status status;
    file.data = schema->data;
    file.size = schema->len;
    file.name = c->set.schema;
    status = llmc_schema_gbnf(&file, NULL, NULL, 0, &out.len, work, work_bytes, &diag);
    if (status == LLMC_NO_MEMORY && out.len > 0) {
        out.cap = out.len + 1;
        out.data = (char *)grow(NULL, out.cap);
        status = llmc_schema_gbnf(&file, NULL, out.data, out.len, &out.len, work, work_bytes, &diag);
    }
    free(work);
    free(schema->data);
    *schema = out;
    return status == LLMC_OK ? EXIT_OK : fail(c, &diag);
}

/* Answers are bound to --grammar or --json-schema from here on. */
static int bind_answers(chat *c)
{
    const char *path = c->set.grammar != NULL ? c->set.grammar : c->set.schema;
    const llmc_tokenizer *tok = llmc_model_tokenizer(c->host.model);
    text rules = {NULL, 0, 0};
    llmc_grammar *grammar = NULL;
    llmc_status status;
    llmc_diag diag;
    size_t bytes = 0;
    int code;
    if (path == NULL)
        return EXIT_OK;
    code = read_all(&rules, path);
    if (code == EXIT_OK && c->set.schema != NULL)
        code = schema_to_grammar(c, &rules);
    if (code == EXIT_OK) {
        status = llmc_grammar_need(tok, rules.data, rules.len, NULL, &bytes, &diag);
        if (status == LLMC_OK) {
            c->grammar = grow(NULL, bytes);
            status = llmc_grammar_init(&grammar, tok, rules.data, rules.len, NULL, c->grammar, bytes, &diag);
        }
        if (status == LLMC_OK)
            status = llmc_grammar_state_need(grammar, NULL, &bytes, &diag);
        if (status == LLMC_OK) {
            c->grammar_state = grow(NULL, bytes);
            status = llmc_grammar_state_init(&c->seq.grammar, grammar, NULL, c->grammar_state, bytes, &diag);
        }
        if (status == LLMC_OK)
            status = llmc_seq_configure(c->host.seq, &c->seq, &diag);
        if (status != LLMC_OK)
            code = complain(EXIT_FAILED, "%s: %s", path, diag.message);
    }
    free(rules.data);
    return code;
}

/* ---- speaking ---- */

static void report_speed(chat *c, size_t n_read, uint64_t start, uint64_t first, size_t n_said)
{
    uint64_t end = llmc_os_nanoseconds();
    double reading = (double)(first - start) / 1e9, saying = (double)(end - first) / 1e9;
    if (first == 0)
        return;
    if (n_said < 2 || saying <= 0)
        inform(c, "%u tokens read in %.3f s (%.1f tokens/s)", (unsigned)n_read, reading,
               (double)n_read / reading);
    else
        inform(c, "%u tokens read in %.3f s (%.1f tokens/s), %u generated in %.3f s (%.1f tokens/s)",
               (unsigned)n_read, reading, (double)n_read / reading, (unsigned)n_said, saying,
               (double)(n_said - 1) / saying);
}

/* Prints the model's tokens until it ends or is interrupted, and keeps them in
   c->answer. n_before: how many tokens were read earlier. */
static int speak(chat *c, size_t n_before)
{
    llmc_piece piece;
    llmc_diag diag;
    llmc_status status;
    uint64_t start = llmc_os_nanoseconds(), first = 0;
    size_t n_ids, n_said = 0;
    c->answer.len = 0;
    put(&c->answer, "", 0);
    (void)llmc_seq_ids(c->host.seq, &n_ids);
    while (!interrupted && (status = llmc_seq_next(c->host.seq, &piece, &diag)) != LLMC_DONE) {
        if (status == LLMC_CANCELLED && interrupted)
            break;
        if (status == LLMC_NOT_FINITE && !c->set.debug)
            return complain(EXIT_FAILED, "%s (--debug names the layer)", diag.message);
        if (status != LLMC_OK)
            return fail(c, &diag);
        if (first == 0) {
            first = llmc_os_nanoseconds();
            wipe_meter(c);
        }
        n_said++;
        put(&c->answer, piece.text, piece.text_len);
        fwrite(piece.text, 1, piece.text_len, stdout);
        if (fflush(stdout) != 0 && !interrupted)
            return complain(EXIT_FAILED, "the output cannot be written");
    }
    wipe_meter(c);
    if (!c->exact)
        fputc('\n', stdout);
    if (fflush(stdout) != 0 && !interrupted)
        return complain(EXIT_FAILED, "the output cannot be written");
    if (llmc_seq_finish(c->host.seq) == LLMC_FINISH_CONTEXT && c->level >= LLMC_LOG_WARN)
        complain(0, "the context of %u tokens is full%s", (unsigned)llmc_engine_context(c->host.engine),
                 c->talking && c->format == LLMC_CHAT_RAW ? "; /clear starts afresh" : "");
    report_speed(c, n_ids > n_before ? n_ids - n_before : 0, start, first, n_said);
    return EXIT_OK;
}

static void add_message(chat *c, const char *role, const char *words)
{
    size_t n = strlen(words) + 1;
    char *copy = (char *)grow(NULL, n);
    memcpy(copy, words, n);
    c->message = (llmc_message *)grow(c->message, (c->n_messages + 1) * sizeof *c->message);
    c->message[c->n_messages].role = role;
    c->message[c->n_messages].text = copy;
    c->message[c->n_messages].more = NULL;
    c->n_messages++;
}

static void drop_messages(chat *c, size_t begin, size_t end)
{
    size_t i;
    for (i = begin; i < end; i++)
        free((void *)(uintptr_t)c->message[i].text);
    for (i = end; i < c->n_messages; i++)
        c->message[begin + i - end] = c->message[i];
    c->n_messages -= end - begin;
}

/* Lets the sequence read the conversation; one grown too long loses its oldest
   exchange, then the next, but never the system message. */
static llmc_status read_messages(chat *c, llmc_diag *diag)
{
    llmc_status status;
    size_t first = c->set.system != NULL ? 1 : 0;
    llmc_chat_options opt;
    memset(&opt, 0, sizeof opt);
    opt.format = c->format;
    opt.text = c->template_text.data;
    opt.text_len = c->template_text.len;
    opt.now = (int64_t)time(NULL);
    for (;;) {
        status = llmc_seq_chat(c->host.seq, &opt, c->message, c->n_messages, diag);
        if ((status != LLMC_FULL && status != LLMC_NO_MEMORY) || c->n_messages < first + 3)
            return status;
        drop_messages(c, first, first + 2);
        if (c->level >= LLMC_LOG_WARN)
            complain(0, "the context is full: the oldest question and answer are forgotten");
    }
}

/* One prompt, one answer: in a template as the next message, otherwise as text.
   What could not be read, or was interrupted before the answer began, was never said. */
static int respond(chat *c, const char *prompt, size_t len)
{
    bool messages = c->format != LLMC_CHAT_RAW;
    llmc_diag diag;
    llmc_status status;
    size_t n_before;
    int code;
    (void)llmc_seq_ids(c->host.seq, &n_before);
    if (messages && memchr(prompt, 0, len) != NULL)
        return complain(EXIT_FAILED, "the prompt has NUL bytes: not a text");
    if (messages)
        add_message(c, "user", prompt);
    status = messages ? read_messages(c, &diag) : llmc_seq_add_text(c->host.seq, prompt, len, &diag);
    if (status != LLMC_OK) {
        if (messages)
            drop_messages(c, c->n_messages - 1, c->n_messages);
        code = fail(c, &diag);
        return c->talking && (status == LLMC_FULL || status == LLMC_NO_MEMORY) ? EXIT_OK : code;
    }
    code = speak(c, n_before);
    if (code != EXIT_OK)
        return code;
    if (interrupted && c->answer.len == 0) {
        llmc_seq_truncate(c->host.seq, n_before, NULL);
        if (messages)
            drop_messages(c, c->n_messages - 1, c->n_messages);
    } else if (messages) {
        add_message(c, "assistant", c->answer.data);
    }
    return EXIT_OK;
}

/* ---- once ---- */

static int read_all(text *out, const char *path)
{
    char part[4096];
    size_t n;
    bool standard = path == NULL || strcmp(path, "-") == 0;
    FILE *f = standard ? stdin : fopen(path, "rb");
    if (f == NULL)
        return complain(EXIT_FAILED, "%s: %s", path, strerror(errno));
    put(out, "", 0);
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        put(out, part, n);
    n = ferror(f) ? 1 : 0;
    if (!standard)
        fclose(f);
    if (n != 0)
        return complain(EXIT_FAILED, "%s: cannot be read", standard ? "standard input" : path);
    if (out->len > 0 && out->data[out->len - 1] == '\n') /* a text file's last newline is not meant */
        out->data[--out->len] = 0;
    return EXIT_OK;
}

static int answer_once(chat *c)
{
    text prompt = {NULL, 0, 0};
    int code = EXIT_OK;
    if (c->set.prompt != NULL)
        put(&prompt, c->set.prompt, strlen(c->set.prompt));
    else
        code = read_all(&prompt, c->set.file);
    if (code == EXIT_OK)
        code = respond(c, prompt.data, prompt.len);
    free(prompt.data);
    return code;
}

/* ---- a conversation ---- */

/* A line, or several where each but the last ends in a backslash. False at the end
   of the input and at Ctrl-C. */
static bool read_line(chat *c, text *line)
{
    char part[512];
    line->len = 0;
    put(line, "", 0);
    fputs(c->colour ? "\033[1;32m>\033[0m " : "> ", stderr);
    while (fgets(part, sizeof part, stdin) != NULL) {
        put(line, part, strlen(part));
        if (line->len == 0 || line->data[line->len - 1] != '\n') /* 0: the line began with a NUL */
            continue;
        line->data[--line->len] = 0;
        if (line->len == 0 || line->data[line->len - 1] != '\\')
            return true;
        line->data[line->len - 1] = '\n';
        fputs("  ", stderr);
    }
    fputc('\n', stderr);
    return !interrupted && line->len > 0;
}

/* True: the line was meant for this program. */
static bool obey(chat *c, const char *line, bool *quit)
{
    if (strcmp(line, "/quit") == 0 || strcmp(line, "/exit") == 0) {
        *quit = true;
    } else if (strcmp(line, "/clear") == 0) {
        drop_messages(c, c->set.system != NULL ? 1 : 0, c->n_messages);
        llmc_seq_truncate(c->host.seq, 0, NULL);
    } else if (strcmp(line, "/help") == 0) {
        fputs("/clear  forget the conversation\n/quit   end (as do Ctrl-D, and Ctrl-C here)\n"
              "Ctrl-C  stops an answer; a line that ends in \\ goes on in the next\n",
              stderr);
    } else {
        return line[0] == 0;
    }
    return true;
}

static int converse(chat *c)
{
    text line = {NULL, 0, 0};
    int code = EXIT_OK;
    bool quit = false;
    c->talking = true;
    catch_interrupts();
    if (c->level >= LLMC_LOG_WARN)
        fprintf(stderr, "%s; /help says more\n",
                c->format == LLMC_CHAT_RAW ? "No chat template: the model continues your text"
                                           : "Ask something");
    while (code == EXIT_OK && !quit && read_line(c, &line)) {
        if (obey(c, line.data, &quit))
            continue;
        code = respond(c, line.data, line.len);
        interrupted = 0;
    }
    free(line.data);
    return code;
}

static int run(chat *c)
{
    int code = open_model(c);
    if (code == EXIT_OK)
        code = choose_format(c);
    if (code == EXIT_OK)
        code = bind_answers(c);
    if (code == EXIT_OK && c->set.system != NULL)
        add_message(c, "system", c->set.system);
    if (code != EXIT_OK)
        return code;
    if (c->set.prompt == NULL && c->set.file == NULL && llmc_os_terminal(0, NULL, NULL))
        return converse(c);
    return answer_once(c);
}

/* Consoles of Windows neither expect UTF-8 nor colours unless told. */
static void prepare_console(void)
{
#ifdef _WIN32
    HANDLE console = GetStdHandle(STD_ERROR_HANDLE);
    DWORD mode;
    SetConsoleOutputCP(CP_UTF8);
    if (GetConsoleMode(console, &mode))
        SetConsoleMode(console, mode | 4 /* ENABLE_VIRTUAL_TERMINAL_PROCESSING */);
#endif
}

int main(int argc, char **argv)
{
    chat c;
    const char *no_colour = getenv("NO_COLOR");
    int code;
    memset(&c, 0, sizeof c);
    c.set.sample.temperature = 0.8f;
    c.set.sample.top_p = 0.95f;
    c.lively = llmc_os_terminal(1, NULL, NULL) && llmc_os_terminal(2, NULL, NULL);
    prepare_console();
    c.colour = c.lively && (no_colour == NULL || no_colour[0] == 0);
    code = parse_options(&c.set, argc, argv);
    c.exact = c.set.raw && !llmc_os_terminal(1, NULL, NULL);
    if (code == EXIT_OK && c.set.help)
        print_help();
    else if (code == EXIT_OK && (code = resolve(&c)) == EXIT_OK)
        code = run(&c);
    llmc_close(&c.host);
    if (c.n_messages > 0)
        drop_messages(&c, 0, c.n_messages);
    free(c.message);
    free(c.answer.data);
    free(c.template_text.data);
    free(c.grammar_state);
    free(c.grammar);
    free(c.set.bias);
    free(c.set.stop);
    return code;
}
