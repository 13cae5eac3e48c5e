/* tool.h -- what the programs in tools/ share: options, messages, progress, files

   Define LLMC_IMPLEMENTATION and include this file first: it sets the feature macros
   and includes llmc.h. Unlike the library these functions print and end the program:
   exit 0 on success, 1 on an error (one line on stderr), 2 on wrong usage.
   Results go to stdout, everything else to stderr. */
#ifndef TOOL_H
#define TOOL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* fileno, fsync, realpath under -std=c11 */
#endif
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif
#ifndef __USE_MINGW_ANSI_STDIO
#define __USE_MINGW_ANSI_STDIO 1
#endif

#include "../llmc.h"

#include "../examples/files.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

#if defined(__MINGW32__) && !defined(__clang__)
#define TOOL_FORMAT(fmt, args) __attribute__((format(gnu_printf, fmt, args)))
#elif defined(__GNUC__) || defined(__clang__)
#define TOOL_FORMAT(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define TOOL_FORMAT(fmt, args)
#endif
#if defined(__GNUC__) || defined(__clang__)
#define TOOL_NORETURN __attribute__((noreturn))
#else
#define TOOL_NORETURN
#endif

#define TOOL_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- state of the one program that includes this ------------------------------- */

/* The keys of a configuration file that describe a model; 0: not said. */
typedef struct tool_shape {
    uint32_t n_embd, n_head, n_kv_heads, n_layer, vocab_size, max_seq_len, original_max_seq_len;
    float layer_norm_epsilon, rope_base;
} tool_shape;

/* Options that several tools have; each tool lists those it wants. */
typedef struct tool_common {
    const char *model, *tokenizer, *config, *isa;
    uint32_t threads, context, batch_tokens; /* 0: not said */
    llmc_cpu cpu;                            /* never zero once options are parsed */
    llmc_dtype kv_type, kv_type_v;
    uint32_t window, sinks;
    uint64_t kv_capacity;
    bool sinks_stay, rope_override;
    llmc_rope_scaling rope_scaling; /* and the rest of --rope-scaling; see tool_rope */
    float rope_factor;
    uint32_t rope_original;
    tool_shape shape;     /* out of --config */
    llmc_log_level level; /* WARN once options are being parsed */
} tool_common;

static tool_common tool_opt;
static const char *tool_name = "tool";      /* for messages                           */
static llmc_os_save *tool_unfinished;       /* given up on failure                    */
static bool tool_bar_shown;                 /* a progress bar is on the terminal      */
static volatile sig_atomic_t tool_stopping; /* SIGINT or SIGTERM came                 */

/* ---- messages ------------------------------------------------------------------- */

static inline void tool_bar_clear(void)
{
    if (tool_bar_shown)
        fputs("\r\033[K", stderr);
    tool_bar_shown = false;
}

/* The end of a program that failed: nothing half-written stays behind. */
TOOL_NORETURN static inline void tool_exit(int code)
{
    llmc_os_save_drop(tool_unfinished);
    exit(code);
}

static inline void tool_message(const char *after, const char *fmt, va_list args)
{
    tool_bar_clear();
    fflush(stdout);
    fprintf(stderr, "%s: ", tool_name);
    vfprintf(stderr, fmt, args);
    fputs(after, stderr);
}

/* `NAME: message`, exit 1. */
TOOL_NORETURN TOOL_FORMAT(1, 2) static inline void tool_die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    tool_message("\n", fmt, args);
    va_end(args);
    tool_exit(1);
}

/* `NAME: message`, exit 2. */
TOOL_NORETURN TOOL_FORMAT(1, 2) static inline void tool_misused(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    tool_message(" (-h shows the usage)\n", fmt, args);
    va_end(args);
    tool_exit(2);
}

/* A remark on stderr, at --log-level info. */
TOOL_FORMAT(1, 2) static inline void tool_info(const char *fmt, ...)
{
    va_list args;
    if (tool_opt.level < LLMC_LOG_INFO)
        return;
    va_start(args, fmt);
    tool_message("\n", fmt, args);
    va_end(args);
}

/* Ends the program if a call of the library failed. */
static inline void tool_check(llmc_status status, const llmc_diag *diag)
{
    if (status == LLMC_CANCELLED && tool_stopping)
        tool_die("interrupted");
    if (status != LLMC_OK)
        tool_die("%s", diag->message[0] != 0 ? diag->message : llmc_status_text(status));
}

static inline void tool_log_line(void *user, llmc_log_level level, const char *tag, const char *message)
{
    static const char *const name[] = {"", "error", "warning", "info", "debug"};
    (void)user;
    tool_bar_clear();
    fflush(stdout);
    fprintf(stderr, "%s: %s: %s: %s\n", tool_name, name[level], tag, message);
}

/* The library's messages, up to --log-level. */
static inline llmc_log tool_log(void)
{
    llmc_log log;
    log.fn = tool_log_line;
    log.user = NULL;
    log.level = tool_opt.level;
    return log;
}

/* ---- progress ------------------------------------------------------------------- */

static inline void tool_on_signal(int number)
{
    (void)number;
    tool_stopping = 1;
}

/* From here on SIGINT and SIGTERM make the progress callback cancel, so that
   temporary files are removed. A second signal ends the program at once. */
static inline void tool_catch_signals(void)
{
#ifdef _WIN32
    signal(SIGINT, tool_on_signal);
#else
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = tool_on_signal;
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
#endif
}

/* Draws `what [#####     ]  50 %` at most 20 times a second. */
static inline bool tool_draw(void *user, const char *what, uint64_t done, uint64_t total)
{
    static uint64_t last;
    uint64_t now = llmc_os_nanoseconds();
    uint32_t cols = 80, rows, width, filled, i;
    double part = total == 0 ? 1.0 : (double)done / (double)total;
    (void)user;
    if (done >= total) {
        tool_bar_clear();
        return !tool_stopping;
    }
    if (now - last < 50000000u || !llmc_os_terminal(1, &cols, &rows) || !llmc_os_terminal(2, &cols, &rows))
        return !tool_stopping;
    last = now;
    width = cols > 70 ? 40 : cols > 40 ? 20 : 10;
    filled = (uint32_t)(part * (double)width);
    fprintf(stderr, "\r%.20s [", what);
    for (i = 0; i < width; i++)
        fputc(i < filled ? '#' : ' ', stderr);
    fprintf(stderr, "] %3d %%\033[K", (int)(part * 100.0));
    fflush(stderr);
    tool_bar_shown = true;
    return !tool_stopping;
}

static inline llmc_progress tool_progress(void)
{
    llmc_progress progress;
    progress.fn = tool_draw;
    progress.user = NULL;
    return progress;
}

/* ---- options -------------------------------------------------------------------- */

typedef enum tool_kind {
    TOOL_FLAG,  /* bool: no argument            */
    TOOL_TEXT,  /* const char *                 */
    TOOL_U32,   /* uint32_t                     */
    TOOL_U64,   /* uint64_t                     */
    TOOL_DTYPE, /* llmc_dtype                   */
    TOOL_LEVEL, /* llmc_log_level               */
    TOOL_DEBUG, /* log level "debug"            */
    TOOL_KV,    /* the cache's two types        */
    TOOL_ROPE,  /* rotary scaling               */
    TOOL_REAL,  /* float, above 0: in files     */
    TOOL_ISA,   /* llmc_cpu, if not set: in files */
    TOOL_ANY,   /* read, and nothing to do with it: in files */
    TOOL_HELP
} tool_kind;

typedef struct tool_option {
    char letter;      /* 0: only the long name */
    const char *name; /* NULL: only the letter */
    tool_kind kind;
    void *out;
    const char *argument, *help;
} tool_option;

#define TOOL_OPTIONS_MODEL                                                                          \
    {'m', "model", TOOL_TEXT, &tool_opt.model, "FILE", "the model: a file or a folder"},            \
    {                                                                                               \
        0, "tokenizer", TOOL_TEXT, &tool_opt.tokenizer, "FILE", "its tokenizer, a file or a folder" \
    }
#define TOOL_OPTION_THREADS                                                                            \
    {                                                                                                  \
        't', "threads", TOOL_U32, &tool_opt.threads, "N", "threads; default: all this process may use" \
    }
#define TOOL_OPTION_CONFIG                                                                                   \
    {                                                                                                        \
        0, "config", TOOL_TEXT, &tool_opt.config, "FILE", "settings in YAML, TOML or JSON: configs/, --tune" \
    }
#define TOOL_OPTIONS_ENGINE                                                                                   \
    TOOL_OPTION_CONFIG,                                                                                       \
        {0, "batch-tokens", TOOL_U32, &tool_opt.batch_tokens, "N", "most tokens in one step"},                \
        {0, "kv-type", TOOL_KV, &tool_opt.kv_type, "TYPE", "cache: f16, bf16, f32, q8_0, q4_0; KEYS/VALUES"}, \
        {0, "window", TOOL_U32, &tool_opt.window, "N", "no layer sees further back; 0: as the model says"},   \
        {0, "sinks", TOOL_U32, &tool_opt.sinks, "N", "first tokens that every window keeps in sight"},        \
        {0,         "sinks-stay",                                                                             \
         TOOL_FLAG, &tool_opt.sinks_stay,                                                                     \
         NULL,      "at their true positions: to see what it costs"},                                         \
        {0, "kv-capacity", TOOL_U64, &tool_opt.kv_capacity, "N", "tokens that the cache keeps; 0: all"},      \
    {                                                                                                         \
        0, "rope-scaling", TOOL_ROPE, &tool_opt.rope_scaling, "KIND",                                         \
            "none, linear, ntk, dynamic, yarn, and [:FACTOR[:ORIGINAL]]"                                      \
    }
#define TOOL_OPTIONS_ALL                                                                                    \
    {0,         "isa",                                                                                      \
     TOOL_TEXT, &tool_opt.isa,                                                                              \
     "NAME",    "kernels: auto, scalar, avx2, avx-vnni, avx512, neon, simde"},                              \
        {0, "log-level", TOOL_LEVEL, &tool_opt.level, "LEVEL", "none, error, warn (default), info, debug"}, \
        {0, "debug", TOOL_DEBUG, &tool_opt.level, NULL, "same as --log-level debug"},                       \
    {                                                                                                       \
        'h', "help", TOOL_HELP, NULL, NULL, "show this"                                                     \
    }

/* A whole decimal number in [0, max], with single underscores between digits as one likes, and times 1024 or
   1024^2 with a k or m behind it: 1_000_000, 32k, 1m. Anything else ends the program. */
static inline uint64_t tool_number(const char *what, const char *text, uint64_t max)
{
    uint64_t v = 0, unit = 1;
    const char *s = text;
    do {
        s += *s == '_' && s > text; /* a digit stood before it and must follow */
        if (*s < '0' || *s > '9' || v > (UINT64_MAX - 9) / 10)
            tool_misused("%s takes a number, not '%s'", what, text);
        v = v * 10 + (uint64_t)(*s++ - '0');
        if (*s != 0 && strchr("kKmM", *s) != NULL && s[1] == 0)
            unit = *s == 'k' || *s == 'K' ? 1024u : 1024u * 1024u;
    } while (*s != 0 && unit == 1);
    if (v > max / unit)
        tool_misused("%s: %s is more than %llu", what, text, (unsigned long long)max);
    return v * unit;
}

static inline llmc_log_level tool_level(const char *what, const char *text)
{
    static const char *const name[] = {"none", "error", "warn", "info", "debug"};
    unsigned i;
    for (i = 0; i < TOOL_COUNT_OF(name); i++)
        if (strcmp(name[i], text) == 0)
            return (llmc_log_level)i;
    tool_misused("%s takes none, error, warn, info or debug, not '%s'", what, text);
}

static inline llmc_dtype tool_dtype(const char *what, const char *text)
{
    llmc_dtype type = llmc_dtype_named(text);
    if (type == LLMC_DTYPE_NONE)
        tool_misused("%s: '%s' is not a type", what, text);
    return type;
}

/* A number above 0; anything else ends the program. */
static inline float tool_real(const char *what, const char *text)
{
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end != 0 || !(v > 0) || v > 1e30)
        tool_misused("%s takes a number above 0, not '%s'", what, text);
    return (float)v;
}

/* TYPE for keys and values, or KEYS/VALUES. */
static inline void tool_kv(const char *what, const char *text)
{
    char keys[16];
    size_t n = strcspn(text, "/");
    snprintf(keys, sizeof keys, "%.*s", (int)(n < 15 ? n : 15), text);
    tool_opt.kv_type = tool_dtype(what, keys);
    tool_opt.kv_type_v = text[n] != 0 ? tool_dtype(what, text + n + 1) : LLMC_DTYPE_NONE;
}

/* KIND[:FACTOR[:ORIGINAL]]: what takes the place of the model's rotary scaling. Without FACTOR the context
   over ORIGINAL, without that the length that the model was trained for. */
static inline void tool_rope(const char *what, const char *text)
{
    static const char *const name[] = {"none", "linear", "ntk", "dynamic", "yarn"};
    char part[32];
    size_t n = strcspn(text, ":"), i = 0;
    while (i < TOOL_COUNT_OF(name) && (strlen(name[i]) != n || strncmp(name[i], text, n) != 0))
        i++;
    if (i == TOOL_COUNT_OF(name))
        tool_misused("%s takes none, linear, ntk, dynamic or yarn, and [:FACTOR[:ORIGINAL]], not '%s'", what,
                     text);
    tool_opt.rope_override = true;
    tool_opt.rope_scaling = (llmc_rope_scaling)i;
    tool_opt.rope_factor = 0;
    tool_opt.rope_original = 0;
    if (text[n] == 0)
        return;
    text += n + 1;
    n = strcspn(text, ":");
    snprintf(part, sizeof part, "%.*s", (int)(n < 31 ? n : 31), text);
    tool_opt.rope_factor = tool_real(what, part);
    if (text[n] != 0)
        tool_opt.rope_original = (uint32_t)tool_number(what, text + n + 1, 1u << 30);
}

/* Kernels by name out of a file; --isa and LLMC_ISA have gone before. */
static inline void tool_isa(const char *what, const char *text)
{
    llmc_diag diag;
    llmc_cpu cpu;
    if (llmc_os_cpu(text, &cpu, &diag) != LLMC_OK)
        tool_misused("%s: %s", what, diag.message);
    if (tool_opt.cpu.features == 0)
        tool_opt.cpu = cpu;
}

/* Stores one value. what: the option, or the file and key, as the user would write it. */
static inline void tool_store(tool_kind kind, void *out, const char *what, const char *text)
{
    switch (kind) {
    case TOOL_FLAG:
        *(bool *)out = true;
        break;
    case TOOL_TEXT:
        *(const char **)out = text;
        break;
    case TOOL_U32:
        *(uint32_t *)out = (uint32_t)tool_number(what, text, UINT32_MAX);
        break;
    case TOOL_U64:
        *(uint64_t *)out = tool_number(what, text, UINT64_MAX);
        break;
    case TOOL_DTYPE:
        *(llmc_dtype *)out = tool_dtype(what, text);
        break;
    case TOOL_LEVEL:
        *(llmc_log_level *)out = tool_level(what, text);
        break;
    case TOOL_DEBUG:
        *(llmc_log_level *)out = LLMC_LOG_DEBUG;
        break;
    case TOOL_KV:
        tool_kv(what, text);
        break;
    case TOOL_ROPE:
        tool_rope(what, text);
        break;
    case TOOL_REAL:
        *(float *)out = tool_real(what, text);
        break;
    case TOOL_ISA:
        tool_isa(what, text);
        break;
    case TOOL_ANY:
    case TOOL_HELP:
        break;
    }
}

/* Whether the command line has given what lies at `out`; now: it has, from here on. */
static inline bool tool_said(const void *out, bool now)
{
    static const void *said[64];
    static size_t n;
    size_t i;
    for (i = 0; i < n; i++)
        if (said[i] == out)
            return true;
    if (now && n < TOOL_COUNT_OF(said))
        said[n++] = out;
    return false;
}

/* Stores one option's value. what: the option as the user would write it. */
static inline void tool_set(const tool_option *o, const char *what, const char *text)
{
    tool_store(o->kind, o->out, what, text);
    tool_said(o->out, true);
}

static inline void tool_help(const char *usage, const tool_option *options, size_t n)
{
    size_t i;
    printf("usage: %s\n\noptions:\n", usage);
    for (i = 0; i < n; i++) {
        char left[64] = "    ";
        if (options[i].letter != 0)
            snprintf(left, sizeof left, "-%c%s", options[i].letter, options[i].name != NULL ? ", " : "");
        snprintf(left + strlen(left), sizeof left - strlen(left), "%s%s%s%s",
                 options[i].name != NULL ? "--" : "", options[i].name != NULL ? options[i].name : "",
                 options[i].argument != NULL ? " " : "",
                 options[i].argument != NULL ? options[i].argument : "");
        printf("  %-24s %s\n", left, options[i].help);
    }
    exit(0);
}

/* getopt_long's two tables out of ours. short_options [2 n + 2], long_options [n + 1]. */
static inline void tool_tables(const tool_option *options, size_t n, char *short_options,
                               struct option *long_options)
{
    size_t i, n_long = 0;
    *short_options++ = ':'; /* tell a missing argument from an unknown option */
    for (i = 0; i < n; i++) {
        int takes = options[i].argument != NULL;
        if (options[i].letter != 0) {
            *short_options++ = options[i].letter;
            if (takes)
                *short_options++ = ':';
        }
        if (options[i].name != NULL) {
            struct option *l = &long_options[n_long++];
            l->name = options[i].name;
            l->has_arg = takes ? required_argument : no_argument;
            l->flag = NULL;
            l->val = 256 + (int)i;
        }
    }
    *short_options = 0;
    memset(&long_options[n_long], 0, sizeof *long_options);
}

/* The option that getopt_long found. Long names must be written out: an abbreviation
   would change its meaning with the next version. last: the argument looked at. */
static inline const tool_option *tool_found(const tool_option *options, size_t n, int c, const char *last)
{
    size_t i;
    if (c >= 256) {
        const tool_option *o = &options[c - 256];
        size_t len = strlen(o->name);
        const char *equals = strchr(last, '=');
        size_t written = equals != NULL ? (size_t)(equals - last) : strlen(last);
        if (last[0] == '-' && last[1] == '-' && written != len + 2)
            tool_misused("unknown option '%.*s'; --%s?", (int)written, last, o->name);
        return o;
    }
    for (i = 0; i < n; i++)
        if (options[i].letter == c)
            return &options[i];
    return NULL;
}

/* What a configuration file may say: the engine's settings, and, as claude-rust's files have them, the shape of
   a model. A key stands in its section, or in none. The same table is in examples/chat.c. */
typedef struct tool_key {
    const char *section, *name;
    tool_kind kind;
    void *out;
} tool_key;

static const tool_key tool_keys[] = {
    {"", "threads", TOOL_U32, &tool_opt.threads},
    {"", "batch_tokens", TOOL_U32, &tool_opt.batch_tokens},
    {"", "isa", TOOL_ISA, &tool_opt.cpu},
    {"attention", "window_size", TOOL_U32, &tool_opt.window},
    {"attention", "sink_tokens", TOOL_U32, &tool_opt.sinks},
    {"kv_cache", "kv_cache_capacity", TOOL_U64, &tool_opt.kv_capacity},
    {"kv_cache", "kv_type", TOOL_KV, &tool_opt.kv_type},
    {"rope", "rope_scaling", TOOL_ROPE, &tool_opt.rope_scaling},
    {"rope", "rope_base", TOOL_REAL, &tool_opt.shape.rope_base},
    {"model", "n_embd", TOOL_U32, &tool_opt.shape.n_embd},
    {"model", "n_head", TOOL_U32, &tool_opt.shape.n_head},
    {"model", "n_kv_heads", TOOL_U32, &tool_opt.shape.n_kv_heads},
    {"model", "n_layer", TOOL_U32, &tool_opt.shape.n_layer},
    {"model", "vocab_size", TOOL_U32, &tool_opt.shape.vocab_size},
    {"model", "max_seq_len", TOOL_U32, &tool_opt.shape.max_seq_len},
    {"model", "original_max_seq_len", TOOL_U32, &tool_opt.shape.original_max_seq_len},
    {"model", "layer_norm_epsilon", TOOL_REAL, &tool_opt.shape.layer_norm_epsilon},
    {"model", "dropout", TOOL_ANY, NULL},  /* of training */
    {"model", "use_bias", TOOL_ANY, NULL}, /* the model's tensors say so */
};

/* One setting of a configuration file; what the command line said stays. False: no such setting. */
static inline bool tool_configure(const llmc_setting *setting)
{
    size_t i;
    for (i = 0; i < TOOL_COUNT_OF(tool_keys); i++) {
        const tool_key *k = &tool_keys[i];
        if (strcmp(setting->key, k->name) != 0 ||
            (setting->section[0] != 0 && strcmp(setting->section, k->section) != 0))
            continue;
        if (!tool_said(k->out, false))
            tool_store(k->kind, k->out, k->name, setting->value);
        return true;
    }
    return false;
}

/* The names of all keys, for messages. */
static inline const char *tool_key_names(char *out, size_t cap)
{
    size_t i, at = 0;
    for (i = 0; i < TOOL_COUNT_OF(tool_keys) && at < cap; i++)
        at += (size_t)snprintf(out + at, cap - at, "%s%s", i > 0 ? ", " : "", tool_keys[i].name);
    return out;
}

/* What lengths mean for the engine: the context, and NTK scaling where it goes beyond the original one. */
static inline void tool_lengths(void)
{
    const tool_shape *s = &tool_opt.shape;
    if (s->max_seq_len > 0 && !tool_said(&tool_opt.context, false))
        tool_opt.context = s->max_seq_len;
    if (tool_opt.rope_override || s->original_max_seq_len == 0 || s->max_seq_len <= s->original_max_seq_len)
        return;
    tool_opt.rope_override = true;
    tool_opt.rope_scaling = LLMC_ROPE_NTK;
    tool_opt.rope_factor = (float)s->max_seq_len / (float)s->original_max_seq_len;
    tool_opt.rope_original = s->original_max_seq_len;
}

/* --config: flat YAML, TOML or JSON with some of tool_keys. */
static inline void tool_read_config(const char *path)
{
    llmc_setting setting;
    llmc_blob file;
    llmc_diag diag;
    llmc_status status;
    char names[400];
    size_t at = 0;
    memset(&setting, 0, sizeof setting);
    diag.message[0] = 0;
    tool_check(llmc_map_open(&file, path, &diag), &diag);
    while ((status = llmc_settings_next(&file, &at, &setting, &diag)) == LLMC_OK)
        if (!tool_configure(&setting))
            tool_die("%s:%u: unknown setting '%s%s%s'; known are %s", path, setting.line, setting.section,
                     setting.section[0] != 0 ? "." : "", setting.key, tool_key_names(names, sizeof names));
    if (status != LLMC_DONE)
        tool_check(status, &diag);
    llmc_map_close(&file);
    tool_lengths();
}

/* Adds a difference to the note [400] if the file says a and the model b. */
static inline void tool_differs(char *note, const char *what, double said, double is)
{
    size_t n = strlen(note);
    double d = said - is;
    if (said != 0 && (d > 1e-6 * said || d < -1e-6 * said))
        snprintf(note + n, 400 - n, "%s %s %.9g (here %.9g)", n > 0 ? "," : "", what, said, is);
}

/* One note on stderr if --config describes another model: its settings of the engine count all the same. */
static inline void tool_compare(const llmc_model *model)
{
    const llmc_config *c = llmc_model_config(model);
    const tool_shape *s = &tool_opt.shape;
    char note[400] = "";
    tool_differs(note, "n_embd", s->n_embd, c->n_embd);
    tool_differs(note, "n_head", s->n_head, c->n_head);
    tool_differs(note, "n_kv_heads", s->n_kv_heads, c->n_kv_head);
    tool_differs(note, "n_layer", s->n_layer, c->n_layer);
    tool_differs(note, "vocab_size", s->vocab_size, c->vocab_size);
    tool_differs(note, "layer_norm_epsilon", (double)s->layer_norm_epsilon, (double)c->norm_eps);
    if (c->pos == LLMC_POS_ROPE)
        tool_differs(note, "rope_base", (double)s->rope_base, (double)c->rope_base);
    if (note[0] != 0 && tool_opt.level >= LLMC_LOG_WARN)
        fprintf(stderr, "%s: note: %s describes another model:%s\n", tool_name, tool_opt.config, note);
}

/* The engine as options and file want it; the rest is the caller's to set. */
static inline void tool_engine(llmc_engine_options *o)
{
    o->kv_type = tool_opt.kv_type;
    o->kv_type_v = tool_opt.kv_type_v;
    o->window_size = tool_opt.window;
    o->sink_tokens = tool_opt.sinks;
    o->sinks_stay = tool_opt.sinks_stay;
    o->kv_cache_capacity = tool_opt.kv_capacity;
    o->rope_override = tool_opt.rope_override;
    o->rope_scaling = tool_opt.rope_scaling;
    o->rope_factor = tool_opt.rope_factor;
    o->rope_original = tool_opt.rope_original;
}

/* Which kernels: --isa, else LLMC_ISA, else the configuration's, else the best there are. */
static inline void tool_settle(void)
{
    const char *variable = getenv("LLMC_ISA");
    llmc_diag diag;
    if (tool_opt.isa != NULL || (variable != NULL && variable[0] != 0))
        if (llmc_os_cpu(tool_opt.isa, &tool_opt.cpu, &diag) != LLMC_OK)
            tool_misused("%s%s", tool_opt.isa != NULL ? "--isa: " : "", diag.message);
    if (tool_opt.config != NULL)
        tool_read_config(tool_opt.config);
    if (tool_opt.cpu.features == 0)
        tool_opt.cpu = llmc_cpu_detect();
    tool_info("%s kernels", llmc_cpu_name(tool_opt.cpu));
}

/* Reads all options. usage: what follows "usage: ". Returns the arguments that are no
   options; *n_args their number. */
static inline char **tool_parse(int argc, char **argv, const char *usage, const tool_option *options,
                                size_t n, int *n_args)
{
    char *short_options = (char *)malloc(2 * n + 2);
    struct option *long_options = (struct option *)malloc((n + 1) * sizeof *long_options);
    int c;
    if (short_options == NULL || long_options == NULL)
        tool_die("out of memory");
    argv = llmc_os_arguments(argc, argv);
    tool_tables(options, n, short_options, long_options);
    tool_opt.level = LLMC_LOG_WARN;
    opterr = 0;
    for (;;) {
        const tool_option *o;
        char what[40];
        c = getopt_long(argc, argv, short_options, long_options, NULL);
        if (c == -1)
            break;
        if (c == ':')
            tool_misused("option '%s' needs a value", argv[optind - 1]);
        if (c == '?' && optopt > 0 && optopt < 256)
            tool_misused("unknown option '-%c'", optopt);
        if (c == '?' && optopt >= 256)
            tool_misused("option '--%s' takes no value", options[optopt - 256].name);
        if (c == '?')
            tool_misused("unknown option '%s'", argv[optind - 1]);
        /* the value stands apart, or the option is the last argument looked at */
        o = tool_found(options, n, c, argv[optind - (optarg != NULL && optarg == argv[optind - 1] ? 2 : 1)]);
        if (o->kind == TOOL_HELP)
            tool_help(usage, options, n);
        if (c >= 256)
            snprintf(what, sizeof what, "--%s", o->name);
        else
            snprintf(what, sizeof what, "-%c", o->letter);
        tool_set(o, what, optarg);
    }
    free(short_options);
    free(long_options);
    tool_settle();
    *n_args = argc - optind;
    return argv + optind;
}

/* ---- memory and text ------------------------------------------------------------- */

static inline void *tool_alloc(size_t count, size_t size)
{
    void *p = calloc(count != 0 ? count : 1, size);
    if (p == NULL)
        tool_die("out of memory (%zu x %zu bytes)", count, size);
    return p;
}

/* "1.10 GB" into out. Decimal units, as disks and ANCHORS count them. */
static inline const char *tool_bytes(uint64_t bytes, char out[32])
{
    static const char *const unit[] = {"kB", "MB", "GB", "TB"};
    double v = (double)bytes;
    int i = -1;
    while (v >= 1000.0 && i < 3) {
        v /= 1000.0;
        i++;
    }
    if (i < 0)
        snprintf(out, 32, "%llu bytes", (unsigned long long)bytes);
    else
        snprintf(out, 32, "%.*f %s", v < 10.0 ? 2 : v < 100.0 ? 1 : 0, v, unit[i]);
    return out;
}

static inline int tool_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts v [n], n >= 1. */
static inline double tool_median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, tool_order);
    return n % 2 != 0 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
}

static inline double tool_seconds(void)
{
    return (double)llmc_os_nanoseconds() * 1e-9;
}

/* ---- files ----------------------------------------------------------------------- */

/* stdin and stdout carry bytes, also where the system would translate line ends. */
static inline void tool_binary(FILE *file)
{
#ifdef _WIN32
    _setmode(_fileno(file), _O_BINARY);
#else
    (void)file;
#endif
}

/* At most `limit` bytes of a file (0: all), or of stdin for NULL or "-". */
static inline char *tool_read(const char *path, size_t limit, size_t *len)
{
    bool input = path == NULL || strcmp(path, "-") == 0;
    FILE *file = input ? stdin : open_file(path, "rb");
    size_t cap = 1 << 16, n = 0, got;
    char *data = (char *)tool_alloc(cap, 1);
    if (file == NULL)
        tool_die("%s: %s", path, strerror(errno));
    tool_binary(file);
    while ((got = fread(data + n, 1, limit != 0 && limit - n < cap - n ? limit - n : cap - n, file)) > 0) {
        n += got;
        if (n == cap) {
            data = cap > SIZE_MAX / 2 ? NULL : (char *)realloc(data, cap *= 2);
            if (data == NULL)
                tool_die("%s: out of memory", input ? "standard input" : path);
        }
    }
    if (ferror(file))
        tool_die("%s: %s", input ? "standard input" : path, strerror(errno));
    if (!input)
        fclose(file);
    *len = n;
    return data;
}

/* Whether two paths are one file. */
static inline bool tool_same_file(const char *a, const char *b)
{
    file_look x, y;
    if (strcmp(a, b) == 0)
        return true;
    return look_at(a, &x) && look_at(b, &y) && x.number != 0 && x.number == y.number && x.volume == y.volume;
}

/* A file that appears under its name only when it is complete (OS.save), or "-" for standard output. */
typedef struct tool_out {
    llmc_os_save *save; /* NULL: standard output */
    const char *path;
    uint64_t bytes;
} tool_out;

static inline void tool_out_open(tool_out *out, const char *path)
{
    llmc_diag diag;
    memset(out, 0, sizeof *out);
    out->path = path;
    if (strcmp(path, "-") == 0)
        tool_binary(stdout);
    else
        tool_check(llmc_os_save_begin(&out->save, path, &diag), &diag);
    tool_unfinished = out->save;
}

/* For llmc_writer: user is a tool_out. */
static inline bool tool_out_write(void *user, const void *data, size_t n)
{
    tool_out *out = (tool_out *)user;
    const llmc_writer *to = out->save != NULL ? llmc_os_save_writer(out->save) : NULL;
    out->bytes += n;
    return to != NULL ? to->write(to->user, data, n) : fwrite(data, 1, n, stdout) == n;
}

/* A line of text, up to 1023 bytes. A failure shows when the file is closed. */
TOOL_FORMAT(2, 3) static inline void tool_out_print(tool_out *out, const char *fmt, ...)
{
    char line[1024];
    va_list args;
    int n;
    va_start(args, fmt);
    n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (n > 0)
        tool_out_write(out, line, strlen(line));
}

/* On the disk first, then under its name; ends the program with the reason if something could not be written.
   Returns where remarks on the file may go. */
static inline FILE *tool_out_close(tool_out *out)
{
    llmc_diag diag;
    tool_unfinished = NULL;
    if (out->save != NULL)
        tool_check(llmc_os_save_commit(out->save, &diag), &diag);
    else if (fflush(stdout) != 0 || ferror(stdout))
        tool_die("standard output: %s", strerror(errno));
    tool_bar_clear();
    return out->save != NULL ? stdout : stderr;
}

/* Results that could not be written are no success. */
static inline int tool_end(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        tool_die("standard output: %s", strerror(errno));
    return 0;
}

/* ---- models ---------------------------------------------------------------------- */

/* llmc_open, and once more without the tokenizer if something is not supported: weights can be looked at,
   converted and run by ids all the same. What stood in the way is said. */
static inline llmc_status tool_try_open(llmc_host *host, const char *path, llmc_open_options *open,
                                        llmc_model_options *model, llmc_diag *diag)
{
    llmc_status status;
    open->model = model;
    diag->message[0] = 0;
    status = llmc_open(host, path, open, diag);
    if (status != LLMC_UNSUPPORTED || model->vocab_only || tool_opt.tokenizer != NULL)
        return status;
    model->no_tokenizer = true;
    if (llmc_open(host, path, open, NULL) != LLMC_OK)
        return status;
    fprintf(stderr, "%s: %s; without it the model speaks ids only\n", tool_name, diag->message);
    return LLMC_OK;
}

/* The model of -m and --tokenizer without an engine. */
static inline void tool_open_model(llmc_host *host, const char *path, bool vocab_only)
{
    llmc_model_options model;
    llmc_open_options open;
    llmc_diag diag;
    memset(&model, 0, sizeof model);
    memset(&open, 0, sizeof open);
    model.vocab_only = vocab_only;
    model.log = tool_log();
    open.tokenizer_path = tool_opt.tokenizer;
    open.no_engine = true;
    tool_check(tool_try_open(host, path, &open, &model, &diag), &diag);
}

/* The ids of a text; *n their number. The caller frees them. */
static inline llmc_token *tool_encode(const llmc_tokenizer *tok, const char *text, size_t len,
                                      const llmc_encode_options *opt, size_t *n)
{
    size_t bytes = llmc_encode_need(tok, len), cap = len / 2 + 64;
    void *work = tool_alloc(bytes, 1);
    llmc_token *ids = (llmc_token *)tool_alloc(cap, sizeof *ids);
    llmc_diag diag;
    llmc_status status;
    diag.message[0] = 0;
    *n = 0;
    status = llmc_encode(tok, text, len, opt, work, bytes, ids, cap, n, &diag);
    if (status == LLMC_NO_MEMORY && *n > cap) {
        cap = *n;
        free(ids);
        ids = (llmc_token *)tool_alloc(cap, sizeof *ids);
        status = llmc_encode(tok, text, len, opt, work, bytes, ids, cap, n, &diag);
    }
    tool_check(status, &diag);
    free(work);
    return ids;
}

/* Tokens [*n] named in a text of numbers, separated by blanks or commas. */
static inline llmc_token *tool_ids(const char *text, size_t len, uint32_t vocab_size, size_t *n)
{
    llmc_token *ids = (llmc_token *)tool_alloc(len / 2 + 1, sizeof *ids);
    size_t at = 0;
    *n = 0;
    for (;;) {
        uint64_t v = 0;
        while (at < len && (text[at] == ',' || text[at] == ' ' || (text[at] >= '\t' && text[at] <= '\r')))
            at++;
        if (at == len)
            return ids;
        if (text[at] < '0' || text[at] > '9') { /* one line of message: up to the end of the word */
            size_t word = 1;
            while (word < 20 && at + word < len && text[at + word] > ' ' && text[at + word] < 127)
                word++;
            tool_die("token ids are numbers separated by blanks or commas, not '%.*s'", (int)word, text + at);
        }
        for (; at < len && text[at] >= '0' && text[at] <= '9' && v < UINT32_MAX; at++)
            v = v * 10 + (uint64_t)(text[at] - '0');
        if (v >= vocab_size)
            tool_die("token id %llu is outside the vocabulary of %u", (unsigned long long)v, vocab_size);
        ids[(*n)++] = (llmc_token)v;
    }
}

#endif /* TOOL_H */
