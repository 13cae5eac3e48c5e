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

/* Options that several tools have; each tool lists those it wants. */
typedef struct tool_common {
    const char *model, *tokenizer, *config, *isa;
    uint32_t threads, context, batch_tokens; /* 0: not said */
    llmc_cpu cpu;                            /* never zero once options are parsed */
    llmc_dtype kv_type;
    llmc_log_level level;
} tool_common;

static tool_common tool_opt = {NULL, NULL, NULL, NULL, 0, 0, 0, {0}, LLMC_DTYPE_NONE, LLMC_LOG_WARN};
static const char *tool_name = "tool";      /* for messages                           */
static char *tool_unfinished;               /* temporary file to remove on failure    */
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
    if (tool_unfinished != NULL)
        remove(tool_unfinished);
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
#define TOOL_OPTIONS_ENGINE                                                                             \
    {0, "config", TOOL_TEXT, &tool_opt.config, "FILE", "settings, as bench --tune writes them"},        \
        {0, "batch-tokens", TOOL_U32, &tool_opt.batch_tokens, "N", "most tokens in one step"},          \
    {                                                                                                   \
        0, "kv-type", TOOL_DTYPE, &tool_opt.kv_type, "TYPE", "cache of keys and values: f16, bf16, f32" \
    }
#define TOOL_OPTIONS_ALL                                                                                    \
    {0, "isa", TOOL_TEXT, &tool_opt.isa, "NAME", "kernels: auto, scalar, avx2, avx512, neon, simde"},       \
        {0, "log-level", TOOL_LEVEL, &tool_opt.level, "LEVEL", "none, error, warn (default), info, debug"}, \
        {0, "debug", TOOL_DEBUG, &tool_opt.level, NULL, "same as --log-level debug"},                       \
    {                                                                                                       \
        'h', "help", TOOL_HELP, NULL, NULL, "show this"                                                     \
    }

/* A whole decimal number in [0, max]; anything else ends the program. */
static inline uint64_t tool_number(const char *what, const char *text, uint64_t max)
{
    uint64_t v = 0;
    const char *s = text;
    do {
        if (*s < '0' || *s > '9' || v > (UINT64_MAX - 9) / 10)
            tool_misused("%s takes a number, not '%s'", what, text);
        v = v * 10 + (uint64_t)(*s - '0');
    } while (*++s != 0);
    if (v > max)
        tool_misused("%s: %s is more than %llu", what, text, (unsigned long long)max);
    return v;
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

/* Stores one option's value. what: the option as the user would write it. */
static inline void tool_set(const tool_option *o, const char *what, const char *text)
{
    switch (o->kind) {
    case TOOL_FLAG:
        *(bool *)o->out = true;
        break;
    case TOOL_TEXT:
        *(const char **)o->out = text;
        break;
    case TOOL_U32:
        *(uint32_t *)o->out = (uint32_t)tool_number(what, text, UINT32_MAX);
        break;
    case TOOL_U64:
        *(uint64_t *)o->out = tool_number(what, text, UINT64_MAX);
        break;
    case TOOL_DTYPE:
        *(llmc_dtype *)o->out = tool_dtype(what, text);
        break;
    case TOOL_LEVEL:
        *(llmc_log_level *)o->out = tool_level(what, text);
        break;
    case TOOL_DEBUG:
        *(llmc_log_level *)o->out = LLMC_LOG_DEBUG;
        break;
    case TOOL_HELP:
        break;
    }
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

/* One setting of a configuration file; what the command line said stays. False: no such setting. */
static inline bool tool_configure(const llmc_setting *setting)
{
    static const char *const name[] = {"threads", "batch_tokens"};
    uint32_t *const out[] = {&tool_opt.threads, &tool_opt.batch_tokens};
    llmc_dtype type;
    size_t i;
    for (i = 0; i < TOOL_COUNT_OF(name); i++)
        if (strcmp(setting->key, name[i]) == 0) {
            uint32_t v = (uint32_t)tool_number(name[i], setting->value, UINT32_MAX);
            *out[i] = *out[i] != 0 ? *out[i] : v;
            return true;
        }
    if (strcmp(setting->key, "kv_type") == 0) {
        type = tool_dtype("kv_type", setting->value);
        tool_opt.kv_type = tool_opt.kv_type != LLMC_DTYPE_NONE ? tool_opt.kv_type : type;
        return true;
    }
    if (strcmp(setting->key, "isa") == 0) {
        llmc_diag diag;
        llmc_cpu cpu;
        if (llmc_os_cpu(setting->value, &cpu, &diag) != LLMC_OK)
            tool_misused("isa: %s", diag.message);
        if (tool_opt.cpu.features == 0)
            tool_opt.cpu = cpu;
        return true;
    }
    return false;
}

/* --config: flat YAML, TOML or JSON with some of threads, batch_tokens, kv_type, isa. */
static inline void tool_read_config(const char *path)
{
    llmc_setting setting;
    llmc_blob file;
    llmc_diag diag;
    llmc_status status;
    size_t at = 0;
    memset(&setting, 0, sizeof setting);
    diag.message[0] = 0;
    tool_check(llmc_map_open(&file, path, &diag), &diag);
    while ((status = llmc_settings_next(&file, &at, &setting, &diag)) == LLMC_OK)
        if (setting.section[0] != 0 || !tool_configure(&setting))
            tool_die("%s:%u: unknown setting '%s%s%s'; threads, batch_tokens, kv_type and isa are known",
                     path, setting.line, setting.section, setting.section[0] != 0 ? "." : "", setting.key);
    if (status != LLMC_DONE)
        tool_check(status, &diag);
    llmc_map_close(&file);
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
    tool_tables(options, n, short_options, long_options);
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
    FILE *file = input ? stdin : fopen(path, "rb");
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
    struct stat x, y;
    if (strcmp(a, b) == 0)
        return true;
    if (stat(a, &x) != 0 || stat(b, &y) != 0)
        return false;
    return x.st_ino != 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

/* A file that appears under its name only when it is complete. What is no ordinary
   file (a device, a pipe, "-" for stdout) is written directly. */
typedef struct tool_out {
    FILE *file;
    const char *path; /* for messages      */
    char *target;     /* NULL: no renaming */
    uint64_t bytes;
} tool_out;

static inline void tool_out_open(tool_out *out, const char *path)
{
    struct stat s;
    char *real = NULL;
    size_t len;
    memset(out, 0, sizeof *out);
    out->path = path;
    if (strcmp(path, "-") == 0) {
        out->file = stdout;
        tool_binary(stdout);
        return;
    }
    if (stat(path, &s) == 0) {
        if ((s.st_mode & S_IFMT) != S_IFREG) {
            out->file = fopen(path, "wb");
            if (out->file == NULL)
                tool_die("%s: %s", path, strerror(errno));
            return;
        }
#ifndef _WIN32
        real = realpath(path, NULL); /* write through a symbolic link, not over it */
#endif
    }
    len = strlen(real != NULL ? real : path);
    out->target = (char *)tool_alloc(len + 1, 1);
    memcpy(out->target, real != NULL ? real : path, len + 1);
    free(real);
    tool_unfinished = (char *)tool_alloc(len + 5, 1);
    snprintf(tool_unfinished, len + 5, "%s.tmp", out->target);
    out->file = fopen(tool_unfinished, "wb");
    if (out->file == NULL) {
        int why = errno;
        free(tool_unfinished);
        tool_unfinished = NULL;
        tool_die("%s: %s", path, strerror(why));
    }
}

/* For llmc_writer: user is a tool_out. */
static inline bool tool_out_write(void *user, const void *data, size_t n)
{
    tool_out *out = (tool_out *)user;
    out->bytes += n;
    return fwrite(data, 1, n, out->file) == n;
}

TOOL_NORETURN static inline void tool_out_failed(const tool_out *out)
{
    tool_die("%s: %s", out->path, errno != 0 ? strerror(errno) : "cannot write");
}

/* On the disk first, then under its name. Returns where remarks on the file may go. */
static inline FILE *tool_out_close(tool_out *out)
{
    FILE *remarks = out->target != NULL ? stdout : stderr;
    bool failed = fflush(out->file) != 0;
    if (out->target == NULL) {
        failed = (out->file != stdout && fclose(out->file) != 0) || failed;
    } else {
#ifdef _WIN32
        failed = _commit(_fileno(out->file)) != 0 || failed;
#else
        failed = fsync(fileno(out->file)) != 0 || failed;
#endif
        failed = fclose(out->file) != 0 || failed;
#ifdef _WIN32
        if (!failed)
            remove(out->target); /* rename does not replace there */
#endif
        failed = failed || rename(tool_unfinished, out->target) != 0;
    }
    if (failed)
        tool_out_failed(out);
    free(tool_unfinished);
    tool_unfinished = NULL;
    free(out->target);
    out->target = NULL;
    tool_bar_clear();
    return remarks;
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
