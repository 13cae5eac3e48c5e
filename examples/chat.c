// cc -O2 examples/chat.c -o chat && ./chat model.gguf "Why is the sky blue?"
//
// chat.c - talk with a model, here or behind a server, or let it continue a text. With a prompt it
// answers once; answers go to stdout, everything else to stderr. Without one it keeps a conversation, and
// if input and output are a terminal it has a screen for that:
//
//     keys -> editor -> command
//                    -> conversation -> source: model here | server -> Markdown -> screen
//                            +--- file
//
// Characters, styles, code, Markdown, keys, the editor, the terminal and HTTP work with bytes alone, and
// each can be read by itself.
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

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>
#endif

#include "files.h"
#include "tools.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* ---- what the command line says ---- */

#if defined(__GNUC__)
#define LIKE_PRINTF __attribute__((format(printf, 2, 3)))
#else
#define LIKE_PRINTF
#endif

/* Where complaints go while the screen is drawn; NULL: to stderr. */
static struct text *complaints;

static void put(struct text *t, const char *data, size_t n);

/* One line on stderr, or on the screen; returns code. */
LIKE_PRINTF static int complain(int code, const char *fmt, ...)
{
    char line[2048];
    va_list args;
    va_start(args, fmt);
    if (complaints != NULL) {
        vsnprintf(line, sizeof line - 1, fmt, args);
        put(complaints, line, strlen(line));
        put(complaints, "\n", 1);
    } else {
        fputs("chat: ", stderr);
        vfprintf(stderr, fmt, args);
        fputc('\n', stderr);
    }
    va_end(args);
    return code;
}

static void *grow(void *p, size_t bytes)
{
    p = realloc(p, bytes);
    if (p == NULL)
        exit(complain(EXIT_FAILED, "out of memory"));
    return p;
}

#include "options.h"

/* What a configuration file says of a model; 0: nothing. */
typedef struct shape {
    uint32_t n_embd, n_head, n_kv_heads, n_layer, vocab_size, max_seq_len, original_max_seq_len;
    float layer_norm_epsilon, rope_base, dropout;
    const char *use_bias;
} shape;

typedef struct settings {
    const char *model, *tokenizer, *prompt, *file, *system, *format, *template_file, *grammar, *schema, *isa,
        *kv_type, *rope, *log_level, *config, *lora;
    const char *seed, *session, *draft, *server, *api_key, *render, *root, *allow;
    uint32_t beams, width, pieces;
    uint32_t predict, threads, context, batch_tokens, window, sinks, kv_capacity;
    shape shape;                 /* out of --config */
    bool said[OPTION_MOST_ROWS]; /* rows that the command line has set */
    llmc_sample_options sample;
    llmc_logit_bias *bias;
    const char **stop;
    size_t n_stop;
    bool raw, ignore_eos, no_mmap, debug, help, plain, go_on, no_save, show_thinking, tools;
} settings;

enum { AS_STOP = OPTION_OTHER, AS_BIAS };

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
    {"session", 0, AS_TEXT, AT(session), 0, 0, "FILE",
     "go on from this file if it is there; save there at the end (.jsonl: as messages)"},
    {"continue", 0, AS_FLAG, AT(go_on), 0, 0, NULL, "go on with the last conversation held on the screen"},
    {"no-save", 0, AS_FLAG, AT(no_save), 0, 0, NULL, "keep neither the conversation nor the lines typed"},
    {"server", 0, AS_TEXT, AT(server), 0, 0, "URL",
     "talk to a server with OpenAI's API: http://HOST:PORT; -m is its model's name"},
    {"api-key", 0, AS_TEXT, AT(api_key), 0, 0, "KEY", "for the server"},
    {"plain", 0, AS_FLAG, AT(plain), 0, 0, NULL, "no screen: lines in, text out (also NO_COLOR, TERM=dumb)"},
    {"tools", 0, AS_FLAG, AT(tools), 0, 0, NULL, "on the screen, offer the model tools, as /tools does"},
    {"root", 0, AS_TEXT, AT(root), 0, 0, "DIR", "the folder that tools may see (default: this one)"},
    {"allow", 0, AS_TEXT, AT(allow), 0, 0, "LIST",
     "commands and tools that need no consent: 'git *,ls,write_file'"},
    {"show-thinking", 0, AS_FLAG, AT(show_thinking), 0, 0, NULL, "on the screen, thoughts are not folded"},
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
    {"beams", 0, AS_WHOLE, AT(beams), 1, 256, "N",
     "the best of N answers searched side by side, without sampling; of 256 tokens, or -n"},
    {"draft", 0, AS_TEXT, AT(draft), 0, 0, "HOW",
     "speculation on text that repeats: off (default), on, auto; changes no answer"},
    {"seed", 0, AS_TEXT, AT(seed), 0, 0, "N", "of the random numbers (default: from the clock)"},
    {"tokenizer", 0, AS_TEXT, AT(tokenizer), 0, 0, "FILE", "tokenizer apart from the model (llama2.c)"},
    {"lora", 0, AS_TEXT, AT(lora), 0, 0, "FILE",
     "an adapter: GGUF or PEFT's folder; FILE:SCALE takes it times SCALE"},
    {"kv-type", 0, AS_TEXT, AT(kv_type), 0, 0, "TYPE",
     "cache: f16 (default), bf16, f32, q8_0, q4_0; KEYS/VALUES"},
    {"window", 0, AS_WHOLE, AT(window), 0, INT32_MAX, "N",
     "no layer sees further back; 0: as the model says"},
    {"sinks", 0, AS_WHOLE, AT(sinks), 0, INT32_MAX, "N", "first tokens that every window keeps in sight"},
    {"kv-capacity", 0, AS_WHOLE, AT(kv_capacity), 0, INT32_MAX, "N", "tokens that the cache keeps; 0: all"},
    {"rope-scaling", 0, AS_TEXT, AT(rope), 0, 0, "KIND",
     "none, linear, ntk, dynamic, yarn, and [:FACTOR[:ORIGINAL]]"},
    {"isa", 0, AS_TEXT, AT(isa), 0, 0, "NAME", "kernels: auto, scalar, avx2, avx-vnni, avx512, neon, simde"},
    {"batch-tokens", 0, AS_WHOLE, AT(batch_tokens), 0, 1 << 20, "N", "most tokens in one step; 0: 256"},
    {"config", 0, AS_TEXT, AT(config), 0, 0, "FILE",
     "settings in YAML, TOML or JSON: configs/, bench --tune"},
    {"no-mmap", 0, AS_FLAG, AT(no_mmap), 0, 0, NULL, "read the model into memory instead of mapping it"},
    {"log-level", 0, AS_TEXT, AT(log_level), 0, 0, "NAME", "none, error, warn (default), info, debug"},
    {"debug", 0, AS_FLAG, AT(debug), 0, 0, NULL, "log every layer, stop at the first that is not finite"},
    {"help", 'h', AS_FLAG, AT(help), 0, 0, NULL, "this text"},
    /* without help: for tests */
    {"render", 0, AS_TEXT, AT(render), 0, 0, "FILE", NULL},
    {"width", 0, AS_WHOLE, AT(width), 1, 999, "N", NULL},
    {"pieces", 0, AS_WHOLE, AT(pieces), 1, INT32_MAX, "N", NULL},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

static void print_help(void)
{
    printf("usage: chat MODEL [PROMPT] [options]\n\n"
           "Answers PROMPT, or what is on standard input; from a terminal, holds a conversation.\n\n");
    options_print(rows, N_ROWS, 34);
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
    if (!option_number(id, true, &token) || token < 0 || token > INT32_MAX ||
        !option_number(equals + 1, false, &bias))
        return complain(EXIT_USAGE, "--logit-bias: '%s' is not a token's number and a number", text);
    s->bias = (llmc_logit_bias *)grow(s->bias, (s->sample.n_bias + 1) * sizeof *s->bias);
    b = &s->bias[s->sample.n_bias++];
    b->token = (llmc_token)token;
    b->bias = (float)bias;
    return EXIT_OK;
}

/* option_row's kinds of this program. */
static int store_other(void *settings_, const option_row *row, const char *text)
{
    settings *s = (settings *)settings_;
    if (row->kind == AS_BIAS)
        return store_bias(s, text);
    s->stop = (const char **)grow(s->stop, (s->n_stop + 1) * sizeof *s->stop);
    s->stop[s->n_stop++] = text;
    return EXIT_OK;
}

static options options_of(settings *s)
{
    const options o = {rows, N_ROWS, s, s->said, store_other};
    return o;
}

static int parse_options(settings *s, int argc, char **argv)
{
    const options o = options_of(s);
    int code = options_parse(&o, argc, argv);
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

/* ---- text that grows ---- */

typedef struct text {
    char *data; /* NUL-terminated once anything was put in */
    size_t len, cap;
} text;

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

/* ---- characters and their width ---- */

/* Ranges of code points, of Unicode 15: East Asian width W or F, among them emoji, */
static const uint32_t wide_chars[][2] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},   {0x23f0, 0x23f0},
    {0x23f3, 0x23f3},   {0x25fd, 0x25fe},   {0x2614, 0x2615},   {0x2648, 0x2653},   {0x267f, 0x267f},
    {0x2693, 0x2693},   {0x26a1, 0x26a1},   {0x26aa, 0x26ab},   {0x26bd, 0x26be},   {0x26c4, 0x26c5},
    {0x26ce, 0x26ce},   {0x26d4, 0x26d4},   {0x26ea, 0x26ea},   {0x26f2, 0x26f3},   {0x26f5, 0x26f5},
    {0x26fa, 0x26fa},   {0x26fd, 0x26fd},   {0x2705, 0x2705},   {0x270a, 0x270b},   {0x2728, 0x2728},
    {0x274c, 0x274c},   {0x274e, 0x274e},   {0x2753, 0x2755},   {0x2757, 0x2757},   {0x2795, 0x2797},
    {0x27b0, 0x27b0},   {0x27bf, 0x27bf},   {0x2b1b, 0x2b1c},   {0x2b50, 0x2b50},   {0x2b55, 0x2b55},
    {0x2e80, 0x3029},   {0x302e, 0x303e},   {0x3041, 0x3096},   {0x309b, 0x3247},   {0x3250, 0x4dbf},
    {0x4e00, 0xa4c6},   {0xa960, 0xa97c},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe10, 0xfe19},
    {0xfe30, 0xfe6b},   {0xff01, 0xff60},   {0xffe0, 0xffe6},   {0x16fe0, 0x16fe3}, {0x16ff0, 0x1b2fb},
    {0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e}, {0x1f191, 0x1f19a}, {0x1f200, 0x1f320},
    {0x1f32d, 0x1f335}, {0x1f337, 0x1f37c}, {0x1f37e, 0x1f393}, {0x1f3a0, 0x1f3ca}, {0x1f3cf, 0x1f3d3},
    {0x1f3e0, 0x1f3f0}, {0x1f3f4, 0x1f3f4}, {0x1f3f8, 0x1f43e}, {0x1f440, 0x1f440}, {0x1f442, 0x1f4fc},
    {0x1f4ff, 0x1f53d}, {0x1f54b, 0x1f54e}, {0x1f550, 0x1f567}, {0x1f57a, 0x1f57a}, {0x1f595, 0x1f596},
    {0x1f5a4, 0x1f5a4}, {0x1f5fb, 0x1f64f}, {0x1f680, 0x1f6c5}, {0x1f6cc, 0x1f6cc}, {0x1f6d0, 0x1f6d2},
    {0x1f6d5, 0x1f6df}, {0x1f6eb, 0x1f6ec}, {0x1f6f4, 0x1f6fc}, {0x1f7e0, 0x1f7f0}, {0x1f90c, 0x1f93a},
    {0x1f93c, 0x1f945}, {0x1f947, 0x1f9ff}, {0x1fa70, 0x1faf8}, {0x20000, 0x3fffd},
};
/* and what joins the character before it: Mn, Me, Cf, and the Hangul letters that follow another. Ranges go
   on over code points that stand for nothing. */
static const uint32_t joining_chars[][2] = {
    {0x300, 0x36f},     {0x483, 0x489},     {0x591, 0x5bd},     {0x5bf, 0x5bf},     {0x5c1, 0x5c2},
    {0x5c4, 0x5c5},     {0x5c7, 0x5c7},     {0x600, 0x605},     {0x610, 0x61a},     {0x61c, 0x61c},
    {0x64b, 0x65f},     {0x670, 0x670},     {0x6d6, 0x6dd},     {0x6df, 0x6e4},     {0x6e7, 0x6e8},
    {0x6ea, 0x6ed},     {0x70f, 0x70f},     {0x711, 0x711},     {0x730, 0x74a},     {0x7a6, 0x7b0},
    {0x7eb, 0x7f3},     {0x7fd, 0x7fd},     {0x816, 0x819},     {0x81b, 0x823},     {0x825, 0x827},
    {0x829, 0x82d},     {0x859, 0x85b},     {0x890, 0x89f},     {0x8ca, 0x902},     {0x93a, 0x93a},
    {0x93c, 0x93c},     {0x941, 0x948},     {0x94d, 0x94d},     {0x951, 0x957},     {0x962, 0x963},
    {0x981, 0x981},     {0x9bc, 0x9bc},     {0x9c1, 0x9c4},     {0x9cd, 0x9cd},     {0x9e2, 0x9e3},
    {0x9fe, 0xa02},     {0xa3c, 0xa3c},     {0xa41, 0xa51},     {0xa70, 0xa71},     {0xa75, 0xa75},
    {0xa81, 0xa82},     {0xabc, 0xabc},     {0xac1, 0xac8},     {0xacd, 0xacd},     {0xae2, 0xae3},
    {0xafa, 0xb01},     {0xb3c, 0xb3c},     {0xb3f, 0xb3f},     {0xb41, 0xb44},     {0xb4d, 0xb56},
    {0xb62, 0xb63},     {0xb82, 0xb82},     {0xbc0, 0xbc0},     {0xbcd, 0xbcd},     {0xc00, 0xc00},
    {0xc04, 0xc04},     {0xc3c, 0xc3c},     {0xc3e, 0xc40},     {0xc46, 0xc56},     {0xc62, 0xc63},
    {0xc81, 0xc81},     {0xcbc, 0xcbc},     {0xcbf, 0xcbf},     {0xcc6, 0xcc6},     {0xccc, 0xccd},
    {0xce2, 0xce3},     {0xd00, 0xd01},     {0xd3b, 0xd3c},     {0xd41, 0xd44},     {0xd4d, 0xd4d},
    {0xd62, 0xd63},     {0xd81, 0xd81},     {0xdca, 0xdca},     {0xdd2, 0xdd6},     {0xe31, 0xe31},
    {0xe34, 0xe3a},     {0xe47, 0xe4e},     {0xeb1, 0xeb1},     {0xeb4, 0xebc},     {0xec8, 0xece},
    {0xf18, 0xf19},     {0xf35, 0xf35},     {0xf37, 0xf37},     {0xf39, 0xf39},     {0xf71, 0xf7e},
    {0xf80, 0xf84},     {0xf86, 0xf87},     {0xf8d, 0xfbc},     {0xfc6, 0xfc6},     {0x102d, 0x1030},
    {0x1032, 0x1037},   {0x1039, 0x103a},   {0x103d, 0x103e},   {0x1058, 0x1059},   {0x105e, 0x1060},
    {0x1071, 0x1074},   {0x1082, 0x1082},   {0x1085, 0x1086},   {0x108d, 0x108d},   {0x109d, 0x109d},
    {0x1160, 0x11ff},   {0x135d, 0x135f},   {0x1712, 0x1714},   {0x1732, 0x1733},   {0x1752, 0x1753},
    {0x1772, 0x1773},   {0x17b4, 0x17b5},   {0x17b7, 0x17bd},   {0x17c6, 0x17c6},   {0x17c9, 0x17d3},
    {0x17dd, 0x17dd},   {0x180b, 0x180f},   {0x1885, 0x1886},   {0x18a9, 0x18a9},   {0x1920, 0x1922},
    {0x1927, 0x1928},   {0x1932, 0x1932},   {0x1939, 0x193b},   {0x1a17, 0x1a18},   {0x1a1b, 0x1a1b},
    {0x1a56, 0x1a56},   {0x1a58, 0x1a60},   {0x1a62, 0x1a62},   {0x1a65, 0x1a6c},   {0x1a73, 0x1a7f},
    {0x1ab0, 0x1b03},   {0x1b34, 0x1b34},   {0x1b36, 0x1b3a},   {0x1b3c, 0x1b3c},   {0x1b42, 0x1b42},
    {0x1b6b, 0x1b73},   {0x1b80, 0x1b81},   {0x1ba2, 0x1ba5},   {0x1ba8, 0x1ba9},   {0x1bab, 0x1bad},
    {0x1be6, 0x1be6},   {0x1be8, 0x1be9},   {0x1bed, 0x1bed},   {0x1bef, 0x1bf1},   {0x1c2c, 0x1c33},
    {0x1c36, 0x1c37},   {0x1cd0, 0x1cd2},   {0x1cd4, 0x1ce0},   {0x1ce2, 0x1ce8},   {0x1ced, 0x1ced},
    {0x1cf4, 0x1cf4},   {0x1cf8, 0x1cf9},   {0x1dc0, 0x1dff},   {0x200b, 0x200f},   {0x202a, 0x202e},
    {0x2060, 0x206f},   {0x20d0, 0x20f0},   {0x2cef, 0x2cf1},   {0x2d7f, 0x2d7f},   {0x2de0, 0x2dff},
    {0x302a, 0x302d},   {0x3099, 0x309a},   {0xa66f, 0xa672},   {0xa674, 0xa67d},   {0xa69e, 0xa69f},
    {0xa6f0, 0xa6f1},   {0xa802, 0xa802},   {0xa806, 0xa806},   {0xa80b, 0xa80b},   {0xa825, 0xa826},
    {0xa82c, 0xa82c},   {0xa8c4, 0xa8c5},   {0xa8e0, 0xa8f1},   {0xa8ff, 0xa8ff},   {0xa926, 0xa92d},
    {0xa947, 0xa951},   {0xa980, 0xa982},   {0xa9b3, 0xa9b3},   {0xa9b6, 0xa9b9},   {0xa9bc, 0xa9bd},
    {0xa9e5, 0xa9e5},   {0xaa29, 0xaa2e},   {0xaa31, 0xaa32},   {0xaa35, 0xaa36},   {0xaa43, 0xaa43},
    {0xaa4c, 0xaa4c},   {0xaa7c, 0xaa7c},   {0xaab0, 0xaab0},   {0xaab2, 0xaab4},   {0xaab7, 0xaab8},
    {0xaabe, 0xaabf},   {0xaac1, 0xaac1},   {0xaaec, 0xaaed},   {0xaaf6, 0xaaf6},   {0xabe5, 0xabe5},
    {0xabe8, 0xabe8},   {0xabed, 0xabed},   {0xd7b0, 0xd7ff},   {0xfb1e, 0xfb1e},   {0xfe00, 0xfe0f},
    {0xfe20, 0xfe2f},   {0xfeff, 0xfeff},   {0xfff9, 0xfffb},   {0x101fd, 0x101fd}, {0x102e0, 0x102e0},
    {0x10376, 0x1037a}, {0x10a01, 0x10a0f}, {0x10a38, 0x10a3f}, {0x10ae5, 0x10ae6}, {0x10d24, 0x10d27},
    {0x10eab, 0x10eac}, {0x10efd, 0x10eff}, {0x10f46, 0x10f50}, {0x10f82, 0x10f85}, {0x11001, 0x11001},
    {0x11038, 0x11046}, {0x11070, 0x11070}, {0x11073, 0x11074}, {0x1107f, 0x11081}, {0x110b3, 0x110b6},
    {0x110b9, 0x110ba}, {0x110bd, 0x110bd}, {0x110c2, 0x110cd}, {0x11100, 0x11102}, {0x11127, 0x1112b},
    {0x1112d, 0x11134}, {0x11173, 0x11173}, {0x11180, 0x11181}, {0x111b6, 0x111be}, {0x111c9, 0x111cc},
    {0x111cf, 0x111cf}, {0x1122f, 0x11231}, {0x11234, 0x11234}, {0x11236, 0x11237}, {0x1123e, 0x1123e},
    {0x11241, 0x11241}, {0x112df, 0x112df}, {0x112e3, 0x112ea}, {0x11300, 0x11301}, {0x1133b, 0x1133c},
    {0x11340, 0x11340}, {0x11366, 0x11374}, {0x11438, 0x1143f}, {0x11442, 0x11444}, {0x11446, 0x11446},
    {0x1145e, 0x1145e}, {0x114b3, 0x114b8}, {0x114ba, 0x114ba}, {0x114bf, 0x114c0}, {0x114c2, 0x114c3},
    {0x115b2, 0x115b5}, {0x115bc, 0x115bd}, {0x115bf, 0x115c0}, {0x115dc, 0x115dd}, {0x11633, 0x1163a},
    {0x1163d, 0x1163d}, {0x1163f, 0x11640}, {0x116ab, 0x116ab}, {0x116ad, 0x116ad}, {0x116b0, 0x116b5},
    {0x116b7, 0x116b7}, {0x1171d, 0x1171f}, {0x11722, 0x11725}, {0x11727, 0x1172b}, {0x1182f, 0x11837},
    {0x11839, 0x1183a}, {0x1193b, 0x1193c}, {0x1193e, 0x1193e}, {0x11943, 0x11943}, {0x119d4, 0x119db},
    {0x119e0, 0x119e0}, {0x11a01, 0x11a0a}, {0x11a33, 0x11a38}, {0x11a3b, 0x11a3e}, {0x11a47, 0x11a47},
    {0x11a51, 0x11a56}, {0x11a59, 0x11a5b}, {0x11a8a, 0x11a96}, {0x11a98, 0x11a99}, {0x11c30, 0x11c3d},
    {0x11c3f, 0x11c3f}, {0x11c92, 0x11ca7}, {0x11caa, 0x11cb0}, {0x11cb2, 0x11cb3}, {0x11cb5, 0x11cb6},
    {0x11d31, 0x11d45}, {0x11d47, 0x11d47}, {0x11d90, 0x11d91}, {0x11d95, 0x11d95}, {0x11d97, 0x11d97},
    {0x11ef3, 0x11ef4}, {0x11f00, 0x11f01}, {0x11f36, 0x11f3a}, {0x11f40, 0x11f40}, {0x11f42, 0x11f42},
    {0x13430, 0x13440}, {0x13447, 0x13455}, {0x16af0, 0x16af4}, {0x16b30, 0x16b36}, {0x16f4f, 0x16f4f},
    {0x16f8f, 0x16f92}, {0x16fe4, 0x16fe4}, {0x1bc9d, 0x1bc9e}, {0x1bca0, 0x1cf46}, {0x1d167, 0x1d169},
    {0x1d173, 0x1d182}, {0x1d185, 0x1d18b}, {0x1d1aa, 0x1d1ad}, {0x1d242, 0x1d244}, {0x1da00, 0x1da36},
    {0x1da3b, 0x1da6c}, {0x1da75, 0x1da75}, {0x1da84, 0x1da84}, {0x1da9b, 0x1daaf}, {0x1e000, 0x1e02a},
    {0x1e08f, 0x1e08f}, {0x1e130, 0x1e136}, {0x1e2ae, 0x1e2ae}, {0x1e2ec, 0x1e2ef}, {0x1e4ec, 0x1e4ef},
    {0x1e8d0, 0x1e8d6}, {0x1e944, 0x1e94a}, {0xe0001, 0xe01ef},
};

static bool in_ranges(uint32_t c, const uint32_t (*range)[2], size_t n)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c < range[middle][0])
            high = middle;
        else if (c > range[middle][1])
            low = middle + 1;
        else
            return true;
    }
    return false;
}

/* Columns that a terminal gives a printable character. */
static int char_width(uint32_t c)
{
    if (c < 0x300)
        return 1;
    if (in_ranges(c, joining_chars, sizeof joining_chars / sizeof joining_chars[0]))
        return 0;
    return in_ranges(c, wide_chars, sizeof wide_chars / sizeof wide_chars[0]) ? 2 : 1;
}

/* The character at s [n], n > 0; returns its bytes. What is no UTF-8 is U+FFFD, a byte at a time. */
static size_t next_char(const char *s, size_t n, uint32_t *c)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)s;
    size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2, i;
    uint32_t v = len == 1 ? p[0] : p[0] & (0x7fu >> len);
    *c = 0xfffd;
    if ((p[0] >= 0x80 && p[0] < 0xc2) || p[0] > 0xf4 || len > n)
        return 1;
    for (i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 1;
        v = v << 6 | (p[i] & 0x3f);
    }
    if (v < least[len] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
        return 1;
    *c = v;
    return len;
}

static void put_char(text *t, uint32_t c)
{
    char s[4];
    if (c < 0x80)
        s[0] = (char)c;
    else if (c < 0x800)
        s[0] = (char)(0xc0 | c >> 6);
    else if (c < 0x10000)
        s[0] = (char)(0xe0 | c >> 12);
    else
        s[0] = (char)(0xf0 | c >> 18);
    if (c >= 0x10000)
        s[1] = (char)(0x80 | (c >> 12 & 63));
    if (c >= 0x800)
        s[c >= 0x10000 ? 2 : 1] = (char)(0x80 | (c >> 6 & 63));
    if (c >= 0x80)
        s[c >= 0x10000 ? 3 : c >= 0x800 ? 2 : 1] = (char)(0x80 | (c & 63));
    put(t, s, c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
}

static void puts_to(text *t, const char *s)
{
    put(t, s, strlen(s));
}

LIKE_PRINTF static void putf(text *t, const char *fmt, ...)
{
    char line[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    puts_to(t, line);
}

/* Forgets what is in it, not its memory. */
static void clear(text *t)
{
    t->len = 0;
    put(t, "", 0);
}

/* The first n bytes go. */
static void drop_front(text *t, size_t n)
{
    memmove(t->data, t->data + n, t->len - n);
    t->len -= n;
    t->data[t->len] = 0;
}

/* ---- styled characters, and lines of them ---- */

enum { BOLD = 1, ITALIC = 2, UNDERLINE = 4, STRUCK = 8, DIM = 16, REVERSE = 32 };

/* Colours of a terminal's own palette stand in the upper byte, from 1 on. */
#define COLOUR(n) (((unsigned)(n) + 1) << 8)
enum {
    RED = COLOUR(1),
    GREEN = COLOUR(2),
    YELLOW = COLOUR(3),
    BLUE = COLOUR(4),
    MAGENTA = COLOUR(5),
    CYAN = COLOUR(6)
};

typedef struct glyph {
    uint32_t c;
    uint32_t end; /* where it ends in the text that it was made from */
    uint16_t style;
    uint8_t width;
    bool solid; /* a text must not be cut before it: in a link */
} glyph;

typedef struct glyphs {
    glyph *g;
    size_t n, cap;
} glyphs;

/* Nothing that steers a terminal, or turns its text round, gets by. */
static uint32_t printable(uint32_t c)
{
    bool steers =
        c < 32 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
    return steers ? 0xfffd : c;
}

static void add_glyph(glyphs *out, uint32_t c, unsigned style, size_t end)
{
    glyph *g;
    if (out->n == out->cap) {
        out->cap = out->cap * 2 + 64;
        out->g = (glyph *)grow(out->g, out->cap * sizeof *out->g);
    }
    g = &out->g[out->n++];
    g->c = printable(c);
    g->end = (uint32_t)end;
    g->style = (uint16_t)style;
    g->width = (uint8_t)char_width(g->c);
    g->solid = false;
}

/* Text in one style; tabs go to every fourth column. */
static void add_text(glyphs *out, const char *s, size_t n, unsigned style)
{
    size_t i = 0, column = 0;
    uint32_t c;
    while (i < n) {
        i += next_char(s + i, n - i, &c);
        if (c == '\t')
            do
                add_glyph(out, ' ', style, i);
            while (++column % 4 != 0);
        else
            add_glyph(out, c, style, i);
        column += c == '\t' ? 0 : out->g[out->n - 1].width;
    }
}

static void add_words(glyphs *out, const char *words, unsigned style)
{
    add_text(out, words, strlen(words), style);
}

static int glyphs_width(const glyph *g, size_t n)
{
    int w = 0;
    size_t i;
    for (i = 0; i < n; i++)
        w += g[i].width;
    return w;
}

static void put_style(text *out, unsigned style)
{
    static const char code[] = {'1', '3', '4', '9', '2', '7'};
    unsigned i;
    puts_to(out, "\033[0");
    for (i = 0; i < 6; i++)
        if ((style & 1u << i) != 0)
            putf(out, ";%c", code[i]);
    if (style >> 8 != 0)
        putf(out, ";3%u", (style >> 8) - 1);
    puts_to(out, "m");
}

static void put_glyphs(text *out, const glyph *g, size_t n)
{
    unsigned style = 0;
    size_t i;
    for (i = 0; i < n; i++) {
        if (g[i].style != style)
            put_style(out, style = g[i].style);
        put_char(out, g[i].c);
    }
    if (style != 0)
        puts_to(out, "\033[0m");
}

static bool may_begin_line(uint32_t c)
{
    return c != 0x3001 && c != 0x3002 && c != 0x300d && c != 0xff01 && c != 0xff09 && c != 0xff0c &&
           c != 0xff1f;
}

/* How many of g [n], n > 0, fit into a line, at least one: up to a space, between wide characters, or where
   the line is full. *next: where the line after it begins, behind the spaces between them. */
static size_t fit_line(const glyph *g, size_t n, int width, size_t *next)
{
    size_t i, at = 0, behind = 0;
    int w = 0;
    for (i = 0; i < n; i++) {
        if (i > 0 && (g[i].c == ' ' || (g[i].width == 2 && may_begin_line(g[i].c)) ||
                      (g[i - 1].width == 2 && g[i].width > 0 && may_begin_line(g[i].c))))
            at = behind = i;
        w += g[i].width;
        if (w > width && i > 0)
            break;
    }
    if (i == n) {
        *next = n;
        return n;
    }
    if (at == 0)
        at = behind = i;
    while (behind < n && g[behind].c == ' ')
        behind++;
    *next = behind;
    while (at > 1 && g[at - 1].c == ' ')
        at--;
    return at;
}

/* ---- colours of code ---- */

enum { ANY_CASE = 1, TAGS = 2, KEYS = 4, CHANGES = 8, HASH_NEEDS_SPACE = 16 };

/* Names and words stand between blanks. */
typedef struct language {
    const char *names, *words, *types;
    const char *line, *open, *close; /* comments: up to the line's end, and over lines */
    const char *quotes, *longs;      /* strings: in a line, and over lines             */
    unsigned flags;
} language;

#define C_WORDS                                                                                         \
    " auto break case const continue default do else enum extern for goto if inline register restrict " \
    "return "                                                                                           \
    "sizeof static struct switch typedef union volatile while "
#define C_TYPES                                                                                          \
    " bool char double float int long short signed size_t unsigned void int8_t int16_t int32_t int64_t " \
    "uint8_t uint16_t uint32_t uint64_t FILE NULL true false "
#define JS_WORDS                                                                                            \
    " async await break case catch class const continue default delete do else export extends finally for " \
    "from function if import in instanceof let new of return static switch throw try typeof var while "     \
    "yield "                                                                                                \
    "interface type enum implements private public readonly declare as "

static const language languages[] = {
    {" c h ", C_WORDS " #define #else #endif #if #ifdef #ifndef #include ", C_TYPES, "//", "/*", "*/", "\"'",
     "", 0},
    {" cpp c++ cc hpp cxx cuda ",
     C_WORDS
     " #define #else #endif #if #ifdef #ifndef #include catch class concept constexpr co_await delete "
     "explicit final friend mutable namespace new noexcept operator override private protected public "
     "requires template this throw try typename using virtual ",
     C_TYPES " nullptr string vector std ", "//", "/*", "*/", "\"'", "", 0},
    {" python py python3 ",
     " and as assert async await break case class continue def del elif else except finally for from global "
     "if "
     "import in is lambda match nonlocal not or pass raise return try while with yield ",
     " None True False int str float bool list dict set tuple bytes self print len range ", "#", NULL, NULL,
     "\"'", "\"'", 0},
    {" javascript js jsx ts typescript tsx node mjs ", JS_WORDS,
     " true false null undefined this number string boolean any void Array Object Promise Map Set console ",
     "//", "/*", "*/", "\"'", "`", 0},
    {" rust rs ",
     " as async await break const continue crate dyn else enum extern fn for if impl in let loop match mod "
     "move "
     "mut pub ref return static struct super trait type unsafe use where while ",
     " bool char f32 f64 i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize str String Vec Option Result "
     "Some "
     "None Ok Err Box Self self true false ",
     "//", "/*", "*/", "\"", "", 0},
    {" go golang ",
     " break case chan const continue default defer else fallthrough for func go goto if import interface "
     "map "
     "package range return select struct switch type var ",
     " bool byte error float32 float64 int int8 int16 int32 int64 rune string uint uint8 uint16 uint32 "
     "uint64 nil "
     "true false append len make ",
     "//", "/*", "*/", "\"'", "`", 0},
    {" java kotlin kt scala csharp cs c# swift ",
     " abstract break case catch class const continue default do else enum extends final finally for foreach "
     "fun "
     "func guard if implements import in interface internal let namespace new override package private "
     "protected "
     "public return sealed static struct super switch this throw throws try using val var void when where "
     "while ",
     " boolean bool byte char double float int long short string String Int Double List Map true false null "
     "nil "
     "var ",
     "//", "/*", "*/", "\"'", "", 0},
    {" sh bash shell zsh console fish ",
     " case do done elif else esac export fi for function if in local read return set shift then until while "
     "exit ",
     " cat cd cp curl echo find git grep ls make mkdir mv printf rm sed sudo test true false ", "#", NULL,
     NULL, "\"'", "", HASH_NEEDS_SPACE},
    {" json jsonc json5 ", " true false null ", "", "//", "/*", "*/", "\"", "", KEYS},
    {" yaml yml toml ini conf ", " true false null yes no on off ", "", "#", NULL, NULL, "\"'", "",
     KEYS | HASH_NEEDS_SPACE},
    {" sql sqlite postgresql mysql ",
     " add all alter and as asc avg begin between by case commit count create cross delete desc distinct "
     "drop else "
     "end exists foreign from full group having if in index inner insert into is join key left like limit "
     "max min "
     "not null on or order outer primary references right rollback select set sum table then union unique "
     "update "
     "values view when where with ",
     " bigint blob boolean char date decimal float int integer numeric real serial text timestamp varchar ",
     "--", "/*", "*/", "'\"", "", ANY_CASE},
    {" html xml svg vue ", "", "", NULL, "<!--", "-->", "\"'", "", TAGS},
    {" css scss less ", " @media @import @keyframes !important ", "", NULL, "/*", "*/", "\"'", "", KEYS},
    {" lua ",
     " and break do else elseif end for function goto if in local not or repeat return then until while ",
     " nil true false self ", "--", NULL, NULL, "\"'", "", 0},
    {" ruby rb ",
     " alias begin break case class def do else elsif end ensure for if in module next not or redo rescue "
     "retry "
     "return self super then unless until when while yield require ",
     " nil true false puts attr_accessor ", "#", NULL, NULL, "\"'", "", 0},
    {" php ",
     " abstract and as break case catch class const continue do echo else elseif extends final for foreach "
     "function "
     "if implements interface namespace new or private protected public return static switch throw try use "
     "var while ",
     " true false null array string int float bool ", "//", "/*", "*/", "\"'", "", 0},
    {" make makefile dockerfile cmake ",
     " FROM RUN CMD COPY ADD ENV WORKDIR EXPOSE ENTRYPOINT ARG ifeq ifneq endif else include if foreach "
     "endforeach "
     "function set ",
     "", "#", NULL, NULL, "\"'", "", 0},
    {" diff patch ", "", "", NULL, NULL, NULL, "", "", CHANGES},
};

/* Where in a program the next line begins. */
typedef struct lexer {
    const language *lang; /* NULL: unknown, no colours */
    char inside;          /* 0, '*' a comment, or the quote of a string that goes on over lines */
    uint8_t n_quotes;     /* that close it                                                     */
} lexer;

/* Is word [n] in list? */
static bool has_word(const char *list, const char *word, size_t n, bool any_case)
{
    while (*list != 0) {
        size_t i = 0, len = strcspn(++list, " ");
        if (len == n && n > 0) {
            while (i < n && (list[i] == word[i] ||
                             (any_case && word[i] >= 'A' && word[i] <= 'Z' && list[i] == word[i] + 32)))
                i++;
            if (i == n)
                return true;
        }
        list += len;
        if (list[0] == ' ' && list[1] == 0)
            break;
    }
    return false;
}

static lexer lexer_for(const char *name, size_t n)
{
    lexer l = {NULL, 0, 0};
    size_t i;
    for (i = 0; i < sizeof languages / sizeof languages[0]; i++)
        if (has_word(languages[i].names, name, n, true))
            l.lang = &languages[i];
    return l;
}

static bool begins_with(const char *s, size_t n, const char *what)
{
    return what != NULL && strlen(what) <= n && memcmp(s, what, strlen(what)) == 0;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || (c & 0x80) != 0;
}

/* Bytes of a string that begins at s, or goes on there; l->inside is what it leaves open. */
static size_t lex_string(lexer *l, const char *s, size_t n, char quote, size_t n_quotes, size_t at,
                         bool over_lines)
{
    size_t run;
    while (at < n) {
        if (s[at] == '\\') {
            at += at + 1 < n ? 2 : 1;
            continue;
        }
        for (run = 0; at + run < n && s[at + run] == quote && run < n_quotes; run++)
            ;
        if (run == n_quotes) {
            l->inside = 0;
            return at + run;
        }
        at += run > 0 ? run : 1;
    }
    l->inside = over_lines ? quote : 0;
    l->n_quotes = (uint8_t)n_quotes;
    return n;
}

/* Bytes of a comment over lines, whose opening ends at `at`. */
static size_t lex_comment(lexer *l, const char *s, size_t n, size_t at)
{
    while (at < n && !begins_with(s + at, n - at, l->lang->close))
        at++;
    l->inside = at < n ? 0 : '*';
    return at < n ? at + strlen(l->lang->close) : n;
}

static bool is_key_here(const char *s, size_t n, size_t at)
{
    while (at < n && s[at] == ' ')
        at++;
    return at < n && (s[at] == ':' || s[at] == '=');
}

/* A string's opening quote at s[0]: how many belong to it. 3 in Python's long strings. */
static size_t opening_quotes(const language *lang, const char *s, size_t n)
{
    return lang->longs[0] == '"' && n >= 3 && s[1] == s[0] && s[2] == s[0] ? 3 : 1;
}

/* Bytes of the next token of s [n], and its style. before: the byte before it, or 0. */
static size_t lex_token(lexer *l, const char *s, size_t n, char before, unsigned *style)
{
    const language *lang = l->lang;
    size_t len = 1, quotes;
    bool any = (lang->flags & ANY_CASE) != 0;
    *style = 0;
    if (begins_with(s, n, lang->open)) {
        *style = DIM;
        return lex_comment(l, s, n, strlen(lang->open));
    }
    if (begins_with(s, n, lang->line) &&
        ((lang->flags & HASH_NEEDS_SPACE) == 0 || before == 0 || before == ' ')) {
        *style = DIM;
        return n;
    }
    if (s[0] != 0 && (strchr(lang->quotes, s[0]) != NULL || strchr(lang->longs, s[0]) != NULL)) {
        quotes = opening_quotes(lang, s, n);
        *style = GREEN;
        len = lex_string(l, s, n, s[0], quotes, quotes, quotes == 3 || s[0] == '`');
        if ((lang->flags & KEYS) != 0 && is_key_here(s, n, len))
            *style = CYAN;
        return len;
    }
    if ((lang->flags & TAGS) != 0 && s[0] == '<') {
        while (len < n && (is_word(s[len]) || s[len] == '/' || s[len] == '!'))
            len++;
        *style = MAGENTA;
        return len;
    }
    if (is_digit(s[0])) {
        while (len < n && (is_word(s[len]) || (s[len] == '.' && len + 1 < n && is_digit(s[len + 1]))))
            len++;
        *style = YELLOW;
        return len;
    }
    if (!is_word(s[0]) && s[0] != '#' && s[0] != '@' && s[0] != '!')
        return 1;
    while (len < n && (is_word(s[len]) || ((lang->flags & KEYS) != 0 && s[len] == '-')))
        len++;
    if (has_word(lang->words, s, len, any))
        *style = MAGENTA;
    else if (has_word(lang->types, s, len, any) || ((lang->flags & KEYS) != 0 && is_key_here(s, n, len)))
        *style = CYAN;
    else if (len < n && s[len] == '(' && is_word(s[0]))
        *style = BLUE;
    return len;
}

/* A line of code in colours. */
static void lex_line(lexer *l, const char *s, size_t n, unsigned base, glyphs *out)
{
    size_t at = 0, len, first = out->n;
    unsigned style;
    if (l->lang != NULL && (l->lang->flags & CHANGES) != 0) {
        add_text(out, s, n,
                 base | (n == 0        ? 0u
                         : s[0] == '+' ? GREEN
                         : s[0] == '-' ? RED
                         : s[0] == '@' ? CYAN
                                       : 0u));
        return;
    }
    if (l->lang == NULL) {
        add_text(out, s, n, base);
        return;
    }
    while (at < n) {
        if (s[at] == '\t') { /* by the column in the line, not in the token */
            do
                add_glyph(out, ' ', 0, at);
            while ((out->n - first) % 4 != 0);
            at++;
            continue;
        }
        if (l->inside == '*') {
            style = DIM;
            len = lex_comment(l, s + at, n - at, 0);
        } else if (l->inside != 0) {
            style = GREEN;
            len = lex_string(l, s + at, n - at, l->inside, l->n_quotes, 0, true);
        } else {
            len = lex_token(l, s + at, n - at, at > 0 ? s[at - 1] : 0, &style);
        }
        add_text(out, s + at, len, base | style);
        at += len;
    }
}

/* ---- Markdown, as it arrives ----

   Every line of the source is rendered by itself as soon as it is complete, and a long one piece by piece
   before that; only a table waits for its last row. What is finished goes to `out` and is never changed
   again; what is not can be looked at (markdown_preview) as often as one likes. All decisions depend on the
   bytes and the width alone, so any cut of the text into pieces gives the same lines. A newline in a
   paragraph is one on the screen: that is what models mean. */

enum {
    LINE_MOST = 4096,    /* bytes of a line of source: then it is cut */
    TABLE_MOST = 65536,  /* bytes of a table                          */
    COLUMNS_MOST = 32,   /* of a table                                */
    LINES_WAITING = 6,   /* of a paragraph, before they are finished  */
    LINK_TEXT_MOST = 300 /* bytes between brackets                    */
};

/* What inline marks are open. */
typedef struct inlines {
    char bold, italic; /* the mark that opened it, or 0 */
    bool struck;
    uint8_t ticks; /* of code, 0: none */
    char before;   /* the byte before the text, 0: none */
} inlines;

/* Where among its blocks a text is. */
typedef struct blocks {
    bool blank, any; /* an empty line is due; something was printed */
    char fence;      /* ` or ~ in a block of code, else 0 */
    size_t fence_len, fence_indent;
    int fence_quotes;
    lexer code;
    bool table;
    /* a long line, the first part of which is finished */
    bool cut;
    int hang, quotes;
    unsigned style;
    inlines open;
} blocks;

typedef struct markdown {
    int width;
    unsigned base; /* style of all of it */
    blocks at;
    text line, held, rows; /* unfinished; one that may begin a table; a table's rows */
    text out;
    glyphs work, cell;
} markdown;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t run_of(const char *s, size_t n, char c)
{
    size_t i = 0;
    while (i < n && s[i] == c)
        i++;
    return i;
}

/* Where the last marks stand that could close what is opened before them. */
typedef struct closers {
    size_t single[2], twice[2]; /* of * and _, behind the place; 0: none */
    size_t struck, ticks[9], link;
} closers;

static bool closes_word(char mark, char before, char after)
{
    return before != 0 && !is_blank(before) && (mark == '*' || mark == '~' || !is_word(after));
}

static bool is_mark(char c)
{
    return c != 0 && (c & 0x80) == 0 && c > ' ' && !is_word(c) && c != 0x7f;
}

static closers find_closers(const char *s, size_t n, char before)
{
    closers c;
    size_t i = 0, run;
    memset(&c, 0, sizeof c);
    while (i < n) {
        char b = i > 0 ? s[i - 1] : before;
        run = 1;
        if (s[i] == '\\' && i + 1 < n && s[i + 1] != '`' && is_mark(s[i + 1])) {
            run = 2;
        } else if (s[i] == '*' || s[i] == '_' || s[i] == '~') {
            run = run_of(s + i, n - i, s[i]);
            if (closes_word(s[i], b, i + run < n ? s[i + run] : ' ')) {
                if (s[i] == '~')
                    c.struck = run == 2 ? i + 1 : c.struck;
                else {
                    if (run >= 2)
                        c.twice[s[i] == '_'] = i + 1;
                    if (run != 2)
                        c.single[s[i] == '_'] = i + 1;
                }
            }
        } else if (s[i] == '`') {
            run = run_of(s + i, n - i, '`');
            if (run <= 8)
                c.ticks[run] = i + 1;
        } else if (s[i] == ']' && i + 1 < n && s[i + 1] == '(') {
            c.link = i + 1;
        }
        i += run;
    }
    return c;
}

/* An inline parser at work. */
typedef struct inliner {
    glyphs *out;
    const char *s;
    size_t n;
    unsigned base;
    bool final; /* nothing follows: a mark that nothing closes is text */
    closers last;
    inlines st;
} inliner;

static unsigned inline_style(const inliner *p)
{
    return p->base | (p->st.bold ? BOLD : 0u) | (p->st.italic ? ITALIC : 0u) | (p->st.struck ? STRUCK : 0u) |
           (p->st.ticks ? CYAN : 0u);
}

/* * and _ at i, a run of them; returns its end. */
static size_t inline_emphasis(inliner *p, size_t i)
{
    char mark = p->s[i], before = i > 0 ? p->s[i - 1] : p->st.before;
    size_t run = run_of(p->s + i, p->n - i, mark), end = i + run;
    char after = end < p->n ? p->s[end] : ' ';
    int u = mark == '_';
    bool opens = !is_blank(after) && (mark == '*' || !is_word(before));
    bool closes = closes_word(mark, before, after);
    if (!p->final && end == p->n)
        return end; /* there may be more of it */
    while (run > 0) {
        size_t used = 1;
        if (run >= 2 && closes && p->st.bold == mark) {
            p->st.bold = 0;
            used = 2;
        } else if (closes && p->st.italic == mark) {
            p->st.italic = 0;
        } else if (run >= 2 && opens && p->st.bold == 0 && (!p->final || p->last.twice[u] > end)) {
            p->st.bold = mark;
            used = 2;
        } else if (run != 2 && opens && p->st.italic == 0 && (!p->final || p->last.single[u] > end)) {
            p->st.italic = mark;
        } else {
            for (used = 0; used < run; used++)
                add_glyph(p->out, (unsigned char)mark, inline_style(p), end - run + used + 1);
        }
        run -= used;
    }
    return end;
}

static size_t inline_struck(inliner *p, size_t i)
{
    size_t run = run_of(p->s + i, p->n - i, '~'), end = i + run, k;
    if (!p->final && end == p->n)
        return end;
    if (run == 2 && p->st.struck)
        p->st.struck = false;
    else if (run == 2 && end < p->n && !is_blank(p->s[end]) && (!p->final || p->last.struck > end))
        p->st.struck = true;
    else
        for (k = 0; k < run; k++)
            add_glyph(p->out, '~', inline_style(p), i + k + 1);
    return end;
}

static size_t inline_ticks(inliner *p, size_t i)
{
    size_t run = run_of(p->s + i, p->n - i, '`'), end = i + run, k;
    if (!p->final && end == p->n)
        return end;
    if (p->st.ticks == run)
        p->st.ticks = 0;
    else if (p->st.ticks == 0 && run <= 8 && (!p->final || p->last.ticks[run] > end))
        p->st.ticks = (uint8_t)run;
    else
        for (k = 0; k < run; k++)
            add_glyph(p->out, '`', inline_style(p), i + k + 1);
    return end;
}

/* The glyphs from `first` on, made from a piece that ends at `end`, hold together. */
static void make_solid(glyphs *out, size_t first, size_t end)
{
    size_t i;
    for (i = first; i < out->n; i++) {
        out->g[i].end = (uint32_t)end;
        out->g[i].solid = i > first;
    }
}

/* [text](address) at i; returns its end, or 0: it is none. */
static size_t inline_link(inliner *p, size_t i)
{
    size_t text_begin = i + 1, text_end = text_begin, begin, end, first = p->out->n;
    int depth = 1;
    while (text_end < p->n && text_end - i < LINK_TEXT_MOST) {
        depth += p->s[text_end] == '[' ? 1 : p->s[text_end] == ']' ? -1 : 0;
        if (depth == 0)
            break;
        text_end++;
    }
    if (depth != 0 || text_end + 1 >= p->n || p->s[text_end + 1] != '(')
        return 0;
    begin = end = text_end + 2;
    while (end < p->n && end - begin < LINE_MOST && p->s[end] != ')' && !is_blank(p->s[end]))
        end++;
    if (end >= p->n || p->s[end] != ')')
        return 0;
    add_text(p->out, p->s + text_begin, text_end - text_begin, inline_style(p) | UNDERLINE | BLUE);
    if (end > begin &&
        (end - begin != text_end - text_begin || memcmp(p->s + begin, p->s + text_begin, end - begin) != 0)) {
        add_words(p->out, " (", p->base | DIM);
        add_text(p->out, p->s + begin, end - begin, p->base | DIM);
        add_words(p->out, ")", p->base | DIM);
    }
    make_solid(p->out, first, end + 1);
    return end + 1;
}

/* An address without brackets at i; its end, or 0. */
static size_t inline_address(inliner *p, size_t i)
{
    size_t end = i;
    if (!begins_with(p->s + i, p->n - i, "http://") && !begins_with(p->s + i, p->n - i, "https://"))
        return 0;
    while (end < p->n && (unsigned char)p->s[end] > ' ' && strchr("<>\"`|", p->s[end]) == NULL)
        end++;
    while (end > i && strchr(".,;:!?)*_", p->s[end - 1]) != NULL)
        end--;
    return end;
}

static size_t inline_entity(inliner *p, size_t i)
{
    static const struct {
        const char *name;
        uint32_t c;
    } known[] = {{"&lt;", '<'},   {"&gt;", '>'},   {"&amp;", '&'},
                 {"&quot;", '"'}, {"&#39;", '\''}, {"&nbsp;", ' '}};
    size_t k;
    for (k = 0; k < sizeof known / sizeof known[0]; k++)
        if (begins_with(p->s + i, p->n - i, known[k].name)) {
            add_glyph(p->out, known[k].c, inline_style(p), i + strlen(known[k].name));
            return i + strlen(known[k].name);
        }
    return 0;
}

/* What is no mark, or is not meant as one; returns its end. */
static size_t inline_plain(inliner *p, size_t i)
{
    size_t end = 0, from;
    uint32_t c;
    if (p->st.ticks == 0 && p->s[i] == '\\' && i + 1 < p->n && is_mark(p->s[i + 1])) {
        add_glyph(p->out, (unsigned char)p->s[i + 1], inline_style(p), i + 2);
        return i + 2;
    }
    if (p->st.ticks == 0 && p->s[i] == '\\' && i + 1 == p->n && !p->final)
        return i + 1;
    if (p->st.ticks == 0 && p->s[i] == '&')
        end = inline_entity(p, i);
    if (end != 0)
        return end;
    if (p->st.ticks == 0 && p->s[i] == 'h' && (end = inline_address(p, i)) > i) {
        for (from = i; from < end;) {
            size_t len = next_char(p->s + from, end - from, &c);
            add_glyph(p->out, c, inline_style(p) | UNDERLINE, from += len);
        }
        return end;
    }
    end = i + next_char(p->s + i, p->n - i, &c);
    if (!p->final && c == 0xfffd && p->n - i < 4)
        return p->n; /* a character that is not complete yet */
    add_glyph(p->out, c == '\t' ? ' ' : c, inline_style(p), end);
    return end;
}

/* Adds text with inline marks; returns what is open at its end. */
static inlines add_inline(glyphs *out, const char *s, size_t n, inlines open, unsigned base, bool final)
{
    inliner p;
    size_t i = 0, end;
    p.out = out;
    p.s = s;
    p.n = n;
    p.base = base;
    p.final = final;
    p.st = open;
    p.last = find_closers(s, n, open.before);
    while (i < n) {
        bool code = p.st.ticks != 0;
        end = 0;
        if (s[i] == '`')
            end = inline_ticks(&p, i);
        else if (!code && (s[i] == '*' || s[i] == '_'))
            end = inline_emphasis(&p, i);
        else if (!code && s[i] == '~')
            end = inline_struck(&p, i);
        else if (!code && s[i] == '[' && p.last.link > i)
            end = inline_link(&p, i);
        i = end != 0 ? end : inline_plain(&p, i);
    }
    if (n > 0)
        p.st.before = s[n - 1];
    return p.st;
}

/* ---- its lines ---- */

/* An empty line that is due, then quotes' bars and `hang` blanks before every line of the work's glyphs;
   the first line has `lead` [n_lead] of them in place of the blanks. */
static void put_wrapped(markdown *m, blocks *b, text *out, size_t lead, int hang, int quotes)
{
    const glyph *g = m->work.g;
    size_t n = m->work.n, at = lead, next, len;
    int wide = glyphs_width(g, lead), room, k;
    bool first = true;
    if (hang > m->width / 2)
        hang = m->width / 2;
    if (quotes * 2 + hang > m->width - 4)
        quotes = 0;
    room = m->width - hang - 2 * quotes;
    if (b->blank && b->any)
        puts_to(out, "\n");
    b->blank = false;
    b->any = true;
    do {
        for (k = 0; k < quotes; k++)
            puts_to(out, "\033[0;2m\xe2\x94\x82\033[0m ");
        if (first)
            put_glyphs(out, g, lead);
        for (k = first ? wide : 0; k < hang; k++)
            puts_to(out, " ");
        if (at < n && (!first || wide <= hang)) { /* a wide mark has a line of its own */
            len = fit_line(g + at, n - at, room, &next);
            put_glyphs(out, g + at, len);
            at += next;
        }
        puts_to(out, "\n");
        first = false;
    } while (at < n && n > lead);
}

/* Code is cut where the line is full, not between words. */
static void put_code(markdown *m, blocks *b, text *out)
{
    size_t at = 0, len;
    int room = m->width - 2 * b->fence_quotes, k, w;
    if (room < 4)
        room = m->width;
    b->any = true;
    do {
        for (k = 0; k < b->fence_quotes && room < m->width; k++)
            puts_to(out, "\033[0;2m\xe2\x94\x82\033[0m ");
        for (len = 0, w = 0; at + len < m->work.n; len++) {
            w += m->work.g[at + len].width;
            if (w > room && len > 0)
                break;
        }
        put_glyphs(out, m->work.g + at, len);
        puts_to(out, "\n");
        at += len;
    } while (at < m->work.n);
}

/* A rule over the line, or with a name: above code. */
static void put_rule(markdown *m, blocks *b, text *out, const char *name, size_t n, int quotes)
{
    int width = m->width - 2 * quotes, i = 0;
    m->work.n = 0;
    if (n > 0) {
        add_words(&m->work, "\xe2\x94\x80\xe2\x94\x80 ", DIM);
        add_text(&m->work, name, n < 20 ? n : 20, DIM);
        add_words(&m->work, " ", DIM);
        i = glyphs_width(m->work.g, m->work.n);
    }
    for (; i < width && i < 60; i++)
        add_words(&m->work, "\xe2\x94\x80", DIM);
    put_wrapped(m, b, out, 0, 0, quotes);
}

/* The kind of a line of source, without its quote marks and indentation. */
typedef enum line_kind { TEXT_LINE, HEADING, RULE, ITEM, FENCE } line_kind;

static bool is_rule(const char *s, size_t n)
{
    size_t i, count = 0;
    for (i = 0; i < n; i++)
        if (s[i] == s[0])
            count++;
        else if (!is_blank(s[i]))
            return false;
    return count >= 3 && strchr("-*_", s[0]) != NULL;
}

/* *len: bytes of what makes it one, with the blank behind it. */
static line_kind kind_of(const char *s, size_t n, size_t *len)
{
    size_t k = 0;
    *len = 0;
    if (n == 0 || s[0] == 0)
        return TEXT_LINE;
    if (s[0] == '`' || s[0] == '~') {
        k = run_of(s, n, s[0]);
        *len = k;
        return k >= 3 && (s[0] == '~' || memchr(s + k, '`', n - k) == NULL) ? FENCE : TEXT_LINE;
    }
    if (s[0] == '#') {
        k = run_of(s, n, '#');
        *len = k;
        return k <= 6 && (k == n || is_blank(s[k])) ? HEADING : TEXT_LINE;
    }
    if (is_rule(s, n))
        return RULE;
    if (strchr("-*+", s[0]) != NULL)
        k = 1;
    else
        while (k < n && k < 6 && is_digit(s[k]))
            k++;
    if (is_digit(s[0]))
        k = k < n && (s[k] == '.' || s[k] == ')') ? k + 1 : 0;
    *len = k < n ? k + 1 : k;
    return k > 0 && (k == n || is_blank(s[k])) ? ITEM : TEXT_LINE;
}

/* Strips quote marks from the line's front; returns their number. */
static int strip_quotes(const char **s, size_t *n, int most)
{
    int depth = 0;
    while (depth < most) {
        size_t i = run_of(*s, *n, ' ');
        if (i > 3 || i >= *n || (*s)[i] != '>')
            break;
        i += i + 1 < *n && (*s)[i + 1] == ' ' ? 2 : 1;
        *s += i;
        *n -= i;
        depth++;
    }
    return depth;
}

static size_t strip_blanks(const char **s, size_t *n)
{
    size_t columns = 0;
    while (*n > 0 && is_blank(**s)) {
        columns += **s == '\t' ? 4 - columns % 4 : 1;
        ++*s;
        --*n;
    }
    return columns;
}

static void code_line(markdown *m, blocks *b, const char *s, size_t n, text *out, bool final)
{
    const char *whole = s;
    size_t n_whole = n, i, run;
    int quotes = strip_quotes(&s, &n, b->fence_quotes);
    const char *inner = s;
    size_t n_inner = n, indent = strip_blanks(&inner, &n_inner);
    if (quotes < b->fence_quotes && n_whole > 0) { /* the quote has ended, and the code in it */
        s = whole;
        n = n_whole;
    }
    run = run_of(inner, n_inner, b->fence);
    for (i = run; i < n_inner && is_blank(inner[i]); i++)
        ;
    if (run >= b->fence_len && i == n_inner && indent < b->fence_indent + 4) {
        if (!final)
            return;
        b->fence = 0;
        put_rule(m, b, out, NULL, 0, b->fence_quotes);
        return;
    }
    for (i = 0; i < b->fence_indent && n > 0 && *s == ' '; i++) {
        s++;
        n--;
    }
    m->work.n = 0;
    lex_line(&b->code, s, n, m->base, &m->work);
    put_code(m, b, out);
}

static void open_fence(markdown *m, blocks *b, const char *s, size_t n, size_t len, size_t indent, int quotes,
                       text *out)
{
    size_t k;
    b->fence = s[0];
    b->fence_len = len;
    b->fence_indent = indent;
    b->fence_quotes = 2 * quotes < m->width - 8 ? quotes : 0;
    s += len;
    n -= len;
    (void)strip_blanks(&s, &n);
    for (k = 0; k < n && !is_blank(s[k]) && s[k] != '{'; k++)
        ;
    b->code = lexer_for(s, k);
    put_rule(m, b, out, s, k, b->fence_quotes);
}

/* An item's mark into the work. */
static void add_bullet(markdown *m, const char **s, size_t *n, size_t len, size_t indent)
{
    static const char *const bullet[] = {"\xe2\x80\xa2 ", "\xe2\x97\xa6 ", "\xe2\x96\xaa "};
    size_t i;
    for (i = 0; i < indent && i < (size_t)m->width / 4; i++)
        add_words(&m->work, " ", m->base);
    if (is_digit(**s)) {
        add_text(&m->work, *s, len, m->base | BOLD);
        if ((*s)[len - 1] != ' ')
            add_words(&m->work, " ", m->base);
    } else {
        add_words(&m->work, bullet[indent / 2 % 3], m->base);
    }
    *s += len;
    *n -= len;
    if (begins_with(*s, *n, "[ ] ") || begins_with(*s, *n, "[x] ") || begins_with(*s, *n, "[X] ")) {
        add_words(&m->work, (*s)[1] == ' ' ? "\xe2\x98\x90 " : "\xe2\x98\x91 ", m->base);
        *s += 4;
        *n -= 4;
    }
}

/* A heading's #s at its end, and blanks. */
static void drop_closing_marks(const char *s, size_t *n)
{
    size_t k;
    while (*n > 0 && is_blank(s[*n - 1]))
        --*n;
    for (k = *n; k > 0 && s[k - 1] == '#'; k--)
        ;
    if (k < *n && (k == 0 || is_blank(s[k - 1])))
        *n = k;
    while (*n > 0 && is_blank(s[*n - 1]))
        --*n;
}

/* What a line is made of before its text: the glyphs of its mark in the work, where its further lines begin,
   its style. s [n] becomes the text alone. */
static void begin_line(markdown *m, blocks *b, const char **s, size_t *n, line_kind kind, size_t len,
                       size_t indent)
{
    int i;
    b->style = m->base;
    m->work.n = 0;
    if (kind == ITEM) {
        add_bullet(m, s, n, len, indent);
    } else if (kind == HEADING) {
        b->style |= BOLD | (len == 1 ? UNDERLINE : 0u) | (len <= 2 ? MAGENTA : BLUE);
        *s += len;
        *n -= len;
    } else {
        for (i = 0; i < (int)indent && i < m->width / 4; i++)
            add_words(&m->work, " ", m->base);
    }
    (void)strip_blanks(s, n);
    if (kind == HEADING)
        drop_closing_marks(*s, n);
    b->hang = glyphs_width(m->work.g, m->work.n);
}

static void text_line(markdown *m, blocks *b, const char *s, size_t n, text *out, bool final)
{
    static const inlines nothing;
    size_t lead, len, indent;
    line_kind kind = TEXT_LINE;
    if (!b->cut) {
        b->quotes = strip_quotes(&s, &n, 8);
        indent = strip_blanks(&s, &n);
        if (n == 0) {
            b->blank = true;
            return;
        }
        kind = kind_of(s, n, &len);
        if (kind == FENCE && final) {
            open_fence(m, b, s, n, len, indent, b->quotes, out);
            return;
        }
        if (kind == FENCE)
            return;
        if (kind == RULE && (final || n > 3)) {
            put_rule(m, b, out, NULL, 0, b->quotes);
            return;
        }
        begin_line(m, b, &s, &n, kind, len, indent);
        b->open = nothing;
    } else {
        m->work.n = 0;
    }
    lead = m->work.n;
    while (n > 0 && is_blank(s[n - 1]) && final)
        n--;
    if (final && n > 1 && s[n - 1] == '\\') /* a break that is one anyway */
        n--;
    (void)add_inline(&m->work, s, n, b->open, b->style, final);
    if (!b->cut || m->work.n > 0)
        put_wrapped(m, b, out, lead, b->hang, b->quotes);
    b->cut = false;
}

/* ---- tables ---- */

typedef struct table_column {
    int width, natural;
    char align; /* l, r, c */
} table_column;

/* The next cell of a row of source: s [*n] of it; false: there is none. */
static bool next_cell(const char *row, size_t n, size_t *at, const char **s, size_t *len)
{
    size_t begin = *at, end;
    if (begin >= n)
        return false;
    for (end = begin; end < n && row[end] != '|'; end++)
        if (row[end] == '\\' && end + 1 < n)
            end++;
    if (end > n)
        end = n;
    *at = end + 1;
    while (begin < end && is_blank(row[begin]))
        begin++;
    while (end > begin && is_blank(row[end - 1]))
        end--;
    *s = row + begin;
    *len = end - begin;
    return true;
}

/* A row without blanks and bars at its ends. */
static void trim_row(const char **s, size_t *n)
{
    (void)strip_blanks(s, n);
    while (*n > 0 && is_blank((*s)[*n - 1]))
        --*n;
    if (*n > 0 && **s == '|') {
        ++*s;
        --*n;
    }
    if (*n > 0 && (*s)[*n - 1] == '|' && (*n < 2 || (*s)[*n - 2] != '\\'))
        --*n;
}

static size_t count_cells(const char *row, size_t n)
{
    const char *s;
    size_t at = 0, len, count = 0;
    trim_row(&row, &n);
    while (next_cell(row, n, &at, &s, &len))
        count++;
    return count;
}

/* Is it |:---|---:| with so many cells? */
static bool is_delimiter(const char *row, size_t n, size_t cells, table_column *columns)
{
    const char *s;
    size_t at = 0, len, count = 0, i;
    trim_row(&row, &n);
    while (next_cell(row, n, &at, &s, &len)) {
        bool left = len > 0 && s[0] == ':', right = len > 1 && s[len - 1] == ':';
        if (count == COLUMNS_MOST || len == 0)
            return false;
        for (i = left ? 1 : 0; i < len - (right ? 1u : 0u); i++)
            if (s[i] != '-')
                return false;
        if (len < (left ? 1u : 0u) + (right ? 1u : 0u) + 1u)
            return false;
        columns[count++].align = left && right ? 'c' : right ? 'r' : 'l';
    }
    return count == cells && count > 0;
}

/* A cell's text, behind what is in out. */
static void add_cell(markdown *m, const char *s, size_t n, bool head, glyphs *out)
{
    static const inlines nothing;
    size_t i = out->n;
    (void)add_inline(out, s, n, nothing, m->base | (head ? BOLD : 0u), true);
    for (; i + 4 <= out->n; i++) /* <br> */
        if (out->g[i].c == '<' && out->g[i + 1].c == 'b' && out->g[i + 2].c == 'r' &&
            out->g[i + 3].c == '>') {
            memmove(&out->g[i + 1], &out->g[i + 4], (out->n - i - 4) * sizeof out->g[0]);
            out->n -= 3;
            out->g[i].c = ' ';
        }
}

/* Columns as wide as their cells, the widest narrower until all fit; false: they never will. */
static bool fit_columns(table_column *c, size_t n, int width)
{
    int room = width - 3 * ((int)n - 1), sum = 0;
    size_t i, most;
    for (i = 0; i < n; i++)
        sum += c[i].width = c[i].natural;
    for (; sum > room; sum--) {
        for (i = 1, most = 0; i < n; i++)
            if (c[i].width > c[most].width)
                most = i;
        if (c[most].width <= 3)
            return false;
        c[most].width--;
    }
    return true;
}

static void put_blanks(text *out, int n)
{
    while (n-- > 0)
        puts_to(out, " ");
}

/* The next line of a cell [n] into its column; returns how many glyphs are done with. */
static size_t put_cell(text *out, const glyph *g, size_t n, const table_column *c)
{
    size_t len = 0, next = 0;
    int left, spare;
    if (n > 0)
        len = fit_line(g, n, c->width, &next);
    spare = c->width - (len > 0 ? glyphs_width(g, len) : 0);
    left = c->align == 'r' ? spare : c->align == 'c' ? spare / 2 : 0;
    put_blanks(out, left);
    if (len > 0)
        put_glyphs(out, g, len);
    put_blanks(out, spare - left);
    return next;
}

/* One row of source, as many lines as its tallest cell. */
static void put_row(markdown *m, const char *row, size_t n, const table_column *c, size_t n_columns,
                    bool head, text *out)
{
    size_t begin[COLUMNS_MOST], end[COLUMNS_MOST], at = 0, i, len;
    const char *s;
    bool more = true;
    trim_row(&row, &n);
    m->cell.n = 0;
    for (i = 0; i < n_columns; i++) {
        begin[i] = m->cell.n;
        if (next_cell(row, n, &at, &s, &len))
            add_cell(m, s, len, head, &m->cell);
        end[i] = m->cell.n;
    }
    while (more) {
        more = false;
        for (i = 0; i < n_columns; i++) {
            if (i > 0)
                puts_to(out, " \033[0;2m\xe2\x94\x82\033[0m ");
            begin[i] += put_cell(out, m->cell.g + begin[i], end[i] - begin[i], &c[i]);
            more = more || begin[i] < end[i];
        }
        puts_to(out, "\n");
    }
}

static void measure_row(markdown *m, const char *row, size_t n, table_column *c, size_t n_columns, bool head)
{
    size_t at = 0, i, len;
    const char *s;
    int w;
    trim_row(&row, &n);
    for (i = 0; i < n_columns && next_cell(row, n, &at, &s, &len); i++) {
        m->cell.n = 0;
        add_cell(m, s, len, head, &m->cell);
        w = glyphs_width(m->cell.g, m->cell.n);
        c[i].natural = w > c[i].natural ? w : c[i].natural;
    }
}

static void put_table_rule(const table_column *c, size_t n, text *out)
{
    size_t i;
    int k;
    puts_to(out, "\033[0;2m");
    for (i = 0; i < n; i++) {
        if (i > 0)
            puts_to(out, "\xe2\x94\x80\xe2\x94\xbc\xe2\x94\x80");
        for (k = 0; k < c[i].width; k++)
            puts_to(out, "\xe2\x94\x80");
    }
    puts_to(out, "\033[0m\n");
}

/* lines: those of the source, the first the head, the second the delimiters. */
static void put_table(markdown *m, blocks *b, const char *lines, size_t n, text *out)
{
    table_column c[COLUMNS_MOST];
    size_t cells, at, i, len;
    bool fits;
    memset(c, 0, sizeof c);
    len = strcspn(lines, "\n");
    cells = count_cells(lines, len);
    (void)is_delimiter(lines + len + 1, strcspn(lines + len + 1, "\n"), cells, c);
    for (i = 0; i < cells; i++)
        c[i].natural = 1;
    for (at = 0, i = 0; at < n; at += len + 1, i++) {
        len = strcspn(lines + at, "\n");
        if (i != 1)
            measure_row(m, lines + at, len, c, cells, i == 0);
    }
    fits = fit_columns(c, cells, m->width);
    if (b->blank && b->any)
        puts_to(out, "\n");
    b->blank = false;
    b->any = true;
    for (at = 0, i = 0; at < n; at += len + 1, i++) {
        len = strcspn(lines + at, "\n");
        if (!fits) { /* as it stands */
            m->work.n = 0;
            add_text(&m->work, lines + at, len, m->base);
            put_wrapped(m, b, out, 0, 0, 0);
        } else if (i == 1) {
            put_table_rule(c, cells, out);
        } else {
            put_row(m, lines + at, len, c, cells, i == 0, out);
        }
    }
}

/* Could it be a table's first row? NUL bytes would end its rows. */
static bool is_table_head(const blocks *b, const char *s, size_t n)
{
    size_t cells;
    if (b->fence != 0 || b->cut || memchr(s, '|', n) == NULL || memchr(s, 0, n) != NULL)
        return false;
    (void)strip_blanks(&s, &n);
    if (n == 0 || s[0] == '>' || begins_with(s, n, "```") || begins_with(s, n, "~~~"))
        return false;
    cells = count_cells(s, n);
    return cells > 0 && cells <= COLUMNS_MOST;
}

static void any_line(markdown *m, blocks *b, const char *s, size_t n, text *out, bool final)
{
    if (b->fence != 0)
        code_line(m, b, s, n, out, final);
    else
        text_line(m, b, s, n, out, final);
}

/* The line that may have been a table's head is none. */
static void let_go(markdown *m)
{
    if (m->held.len > 0)
        any_line(m, &m->at, m->held.data, m->held.len, &m->out, true);
    clear(&m->held);
}

static void end_table(markdown *m)
{
    if (m->at.table)
        put_table(m, &m->at, m->rows.data, m->rows.len, &m->out);
    m->at.table = false;
    clear(&m->rows);
}

/* A line of source is complete. */
static void end_line(markdown *m)
{
    table_column c[COLUMNS_MOST];
    const char *s;
    size_t n;
    put(&m->line, "", 0);
    if (m->line.len > 0 && m->line.data[m->line.len - 1] == '\r')
        m->line.data[--m->line.len] = 0;
    s = m->line.data;
    n = m->line.len;
    if (m->at.table && memchr(s, '|', n) != NULL && memchr(s, 0, n) == NULL && m->rows.len + n < TABLE_MOST) {
        put(&m->rows, s, n);
        put(&m->rows, "\n", 1);
    } else {
        end_table(m);
        if (m->held.len > 0 && memchr(s, 0, n) == NULL &&
            is_delimiter(s, n, count_cells(m->held.data, m->held.len), c)) {
            put(&m->rows, m->held.data, m->held.len);
            putf(&m->rows, "\n");
            put(&m->rows, s, n);
            putf(&m->rows, "\n");
            clear(&m->held);
            m->at.table = true;
        } else {
            let_go(m);
            if (is_table_head(&m->at, s, n))
                put(&m->held, s, n);
            else
                any_line(m, &m->at, s, n, &m->out, true);
        }
    }
    clear(&m->line);
}

/* Finishes the first lines of a long one. */
static void cut_line(markdown *m)
{
    static const inlines nothing;
    blocks *b = &m->at;
    const char *s = m->line.data;
    size_t n = m->line.len, lead = 0, len, indent, at, next, lines = 0, previous = 0, cut = 0, begin;
    line_kind kind;
    int room;
    if (!b->cut) {
        b->quotes = strip_quotes(&s, &n, 8);
        indent = strip_blanks(&s, &n);
        kind = kind_of(s, n, &len);
        if (kind == FENCE || kind == RULE || n == 0)
            return;
        begin_line(m, b, &s, &n, kind, len, indent);
        b->open = nothing;
        lead = m->work.n;
    } else {
        m->work.n = 0;
    }
    begin = (size_t)(s - m->line.data);
    (void)add_inline(&m->work, s, n, b->open, b->style, false);
    room = m->width - (b->hang < m->width / 2 ? b->hang : m->width / 2) - 2 * b->quotes;
    if (2 * b->quotes + b->hang > m->width - 4)
        return;
    for (at = lead; at < m->work.n; at += next, lines++) {
        if (at > lead && !m->work.g[at].solid) {
            cut = previous;
            previous = at;
        }
        (void)fit_line(m->work.g + at, m->work.n - at, room, &next);
    }
    if (lines <= LINES_WAITING || cut <= lead)
        return;
    next = m->work.g[cut - 1].end;
    m->work.n = cut;
    put_wrapped(m, b, &m->out, lead, b->hang, b->quotes);
    m->work.n = 0;
    b->open = add_inline(&m->work, s, next, b->open, b->style, false);
    b->cut = true;
    drop_front(&m->line, begin + next);
}

static void feed_byte(markdown *m, char c)
{
    if (c == '\n') {
        end_line(m);
        return;
    }
    if (m->line.len >= LINE_MOST && ((c & 0xc0) != 0x80 || m->line.len >= LINE_MOST + 4))
        end_line(m);
    put(&m->line, &c, 1);
    if (c == ' ' && m->line.len > (size_t)(LINES_WAITING * m->width) && m->at.fence == 0 && !m->at.table) {
        let_go(m);
        cut_line(m);
    }
}

static void markdown_begin(markdown *m, int width, unsigned base)
{
    m->width = width < 16 ? 16 : width;
    m->base = base;
    memset(&m->at, 0, sizeof m->at);
    clear(&m->line);
    clear(&m->held);
    clear(&m->rows);
    clear(&m->out);
}

static void markdown_feed(markdown *m, const char *s, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        feed_byte(m, s[i]);
}

static void markdown_end(markdown *m)
{
    if (m->line.len > 0)
        end_line(m);
    end_table(m);
    let_go(m);
    if (m->at.fence != 0)
        put_rule(m, &m->at, &m->out, NULL, 0, m->at.fence_quotes);
    m->at.fence = 0;
}

/* What is not finished, as it would look if nothing followed, behind out's text. Changes nothing. */
static void markdown_preview(markdown *m, text *out)
{
    blocks b = m->at;
    text lines = {NULL, 0, 0};
    if (b.table) {
        put(&lines, m->rows.data, m->rows.len);
        if (m->line.len > 0 && memchr(m->line.data, '|', m->line.len) != NULL &&
            memchr(m->line.data, 0, m->line.len) == NULL)
            putf(&lines, "%s\n", m->line.data);
        put_table(m, &b, lines.data, lines.len, out);
        free(lines.data);
        return;
    }
    if (m->held.len > 0)
        any_line(m, &b, m->held.data, m->held.len, out, true);
    if (m->held.len == 0 || b.fence != 0 || memchr(m->line.data, '|', m->line.len) == NULL)
        if (m->line.len > 0)
            any_line(m, &b, m->line.data, m->line.len, out, false);
}

static void markdown_free(markdown *m)
{
    free(m->line.data);
    free(m->held.data);
    free(m->rows.data);
    free(m->out.data);
    free(m->work.g);
    free(m->cell.g);
}

/* ---- what keys mean ---- */

typedef enum key_name {
    KEY_NONE,
    KEY_CHAR,  /* `c` */
    KEY_PASTE, /* the text that keys_paste has */
    KEY_ENTER,
    KEY_NEWLINE,
    KEY_TAB,
    KEY_ESCAPE,
    KEY_BACKSPACE,
    KEY_DELETE,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_UP,
    KEY_DOWN,
    KEY_HOME,
    KEY_END,
    KEY_WORD_LEFT,
    KEY_WORD_RIGHT,
    KEY_KILL_WORD_BACK,
    KEY_KILL_WORD,
    KEY_KILL_END,
    KEY_KILL_BEGIN,
    KEY_YANK,
    KEY_EARLIER,
    KEY_LATER,
    KEY_STOP, /* Ctrl-C */
    KEY_CTRL_D,
    KEY_REDRAW,
    KEY_SUSPEND
} key_name;

typedef struct key_press {
    key_name name;
    uint32_t c;
} key_press;

enum { PASTE_MOST = 1 << 20 };

/* Bytes of a terminal on their way to keys. */
typedef struct keys {
    char part[32]; /* of a sequence that is not complete */
    size_t n;
    bool pasting;
    text paste;
} keys;

static const char paste_end[] = "\033[201~";

static key_press plain_key(key_name name)
{
    key_press k = {name, 0};
    return k;
}

static key_press control_key(unsigned char c)
{
    static const unsigned char meaning[32] = {0,
                                              KEY_HOME,
                                              KEY_LEFT,
                                              KEY_STOP,
                                              KEY_CTRL_D,
                                              KEY_END,
                                              KEY_RIGHT,
                                              0,
                                              KEY_BACKSPACE,
                                              KEY_TAB,
                                              KEY_NEWLINE,
                                              KEY_KILL_END,
                                              KEY_REDRAW,
                                              KEY_ENTER,
                                              KEY_LATER,
                                              0,
                                              KEY_EARLIER,
                                              0,
                                              0,
                                              0,
                                              0,
                                              KEY_KILL_BEGIN,
                                              0,
                                              KEY_KILL_WORD_BACK,
                                              0,
                                              KEY_YANK,
                                              KEY_SUSPEND,
                                              0,
                                              0,
                                              0,
                                              0,
                                              0};
    return plain_key((key_name)meaning[c & 31]);
}

/* ESC and a character. */
static key_press alt_key(unsigned char c)
{
    switch (c) {
    case 'b':
    case 'B':
        return plain_key(KEY_WORD_LEFT);
    case 'f':
    case 'F':
        return plain_key(KEY_WORD_RIGHT);
    case 'd':
        return plain_key(KEY_KILL_WORD);
    case 8:
    case 127:
        return plain_key(KEY_KILL_WORD_BACK);
    case '\r':
    case '\n':
        return plain_key(KEY_NEWLINE);
    default:
        return plain_key(KEY_NONE);
    }
}

/* ESC [ numbers letter. */
static key_press sequence_key(const char *s, size_t n)
{
    static const struct {
        char letter;
        unsigned number;
        key_name name, with; /* with Ctrl or Alt */
    } known[] = {{'A', 0, KEY_UP, KEY_UP},
                 {'B', 0, KEY_DOWN, KEY_DOWN},
                 {'C', 0, KEY_RIGHT, KEY_WORD_RIGHT},
                 {'D', 0, KEY_LEFT, KEY_WORD_LEFT},
                 {'H', 0, KEY_HOME, KEY_HOME},
                 {'F', 0, KEY_END, KEY_END},
                 {'~', 1, KEY_HOME, KEY_HOME},
                 {'~', 7, KEY_HOME, KEY_HOME},
                 {'~', 4, KEY_END, KEY_END},
                 {'~', 8, KEY_END, KEY_END},
                 {'~', 3, KEY_DELETE, KEY_KILL_WORD},
                 {'u', 13, KEY_ENTER, KEY_NEWLINE},
                 {'u', 27, KEY_ESCAPE, KEY_ESCAPE}};
    unsigned number[3] = {0, 0, 0}, k = 0;
    size_t i;
    for (i = 2; i + 1 < n; i++) {
        if (is_digit(s[i]) && number[k] < 10000)
            number[k] = number[k] * 10 + (unsigned)(s[i] - '0');
        else if (s[i] == ';' && k < 2)
            k++;
    }
    if (s[n - 1] == '~' && number[0] == 27 && number[2] == 13) /* xterm: Enter with a modifier */
        return plain_key(KEY_NEWLINE);
    for (i = 0; i < sizeof known / sizeof known[0]; i++)
        if (s[n - 1] == known[i].letter && (known[i].number == 0 || known[i].number == number[0]))
            return plain_key(number[1] > 1 ? known[i].with : known[i].name);
    return plain_key(KEY_NONE);
}

static bool paste_byte(keys *k, unsigned char c, key_press *out)
{
    size_t mark = sizeof paste_end - 1;
    char byte = (char)(c == '\r' ? '\n' : c);
    if (k->paste.len < PASTE_MOST + mark)
        put(&k->paste, &byte, 1);
    else { /* only its end is waited for */
        memmove(k->paste.data + PASTE_MOST, k->paste.data + PASTE_MOST + 1, mark - 1);
        k->paste.data[PASTE_MOST + mark - 1] = byte;
    }
    if (k->paste.len < mark || memcmp(k->paste.data + k->paste.len - mark, paste_end, mark) != 0)
        return false;
    k->paste.data[k->paste.len -= mark] = 0;
    k->pasting = false;
    *out = plain_key(KEY_PASTE);
    return true;
}

/* A byte that belongs to a sequence begun with ESC. */
static bool escape_byte(keys *k, unsigned char c, key_press *out)
{
    k->part[k->n++] = (char)c;
    if (k->n == 2 && (c == '[' || c == 'O'))
        return false;
    if (k->n == 2) {
        k->n = 0;
        *out = alt_key(c);
        return out->name != KEY_NONE;
    }
    if ((c < '@' || c > '~') && k->n < sizeof k->part)
        return false;
    *out = sequence_key(k->part, k->n);
    if (k->n == 6 && memcmp(k->part, "\033[200~", 6) == 0) {
        k->pasting = true;
        clear(&k->paste);
    }
    k->n = 0;
    return out->name != KEY_NONE;
}

/* True: the byte makes *out complete. */
static bool keys_feed(keys *k, unsigned char c, key_press *out)
{
    size_t need;
    if (k->pasting)
        return paste_byte(k, c, out);
    if (k->n > 0 && k->part[0] == 27 && c == 27) { /* ESC, ESC: the first one meant itself */
        k->n = 1;
        *out = plain_key(KEY_ESCAPE);
        return true;
    }
    if (k->n > 0 && k->part[0] == 27)
        return escape_byte(k, c, out);
    if (k->n > 0 && (c & 0xc0) != 0x80)
        k->n = 0; /* a character that was not to be completed */
    if (k->n == 0 && c < 0x80) {
        if (c == 27)
            k->part[k->n++] = 27;
        *out = c >= 32 && c < 127 ? plain_key(KEY_CHAR)
               : c == 127         ? plain_key(KEY_BACKSPACE)
                                  : control_key(c);
        out->c = c;
        return c != 27 && out->name != KEY_NONE;
    }
    k->part[k->n++] = (char)c;
    need = (unsigned char)k->part[0] >= 0xf0 ? 4 : (unsigned char)k->part[0] >= 0xe0 ? 3 : 2;
    if (k->n < need)
        return false;
    out->name = KEY_CHAR;
    need = next_char(k->part, k->n, &out->c);
    k->n = 0;
    return need > 1;
}

/* Nothing came for a moment: what waits for more was all there is. */
static bool keys_idle(keys *k, key_press *out)
{
    bool escape = !k->pasting && k->n == 1 && k->part[0] == 27;
    if (!k->pasting)
        k->n = 0;
    *out = plain_key(KEY_ESCAPE);
    return escape;
}

/* ---- the line editor ---- */

enum { HISTORY_MOST = 500 };

typedef struct editor {
    text line;
    size_t at;   /* the cursor */
    int goal;    /* column that up and down aim at; -1: that of the cursor */
    int width;   /* columns of a row */
    text killed; /* for KEY_YANK */
    char **history;
    size_t n_history, place; /* place: the entry that is shown; n_history: the new line */
    text fresh;              /* the new line meanwhile */
} editor;

/* A row of the line as it is shown: bytes [begin, end). */
typedef struct edit_row {
    size_t begin, end;
} edit_row;

static void edit_set(editor *e, const char *words, size_t n)
{
    clear(&e->line);
    put(&e->line, words, n);
    e->at = n;
    e->goal = -1;
}

static void edit_insert(editor *e, const char *s, size_t n)
{
    size_t behind = e->line.len - e->at;
    put(&e->line, s, n);
    memmove(e->line.data + e->at + n, e->line.data + e->at, behind);
    memcpy(e->line.data + e->at, s, n);
    e->at += n;
}

static size_t char_after(const editor *e, size_t at)
{
    uint32_t c;
    if (at >= e->line.len)
        return at;
    do /* with what joins it */
        at += next_char(e->line.data + at, e->line.len - at, &c);
    while (at < e->line.len && next_char(e->line.data + at, e->line.len - at, &c) > 0 && c != '\n' &&
           char_width(c) == 0);
    return at;
}

static size_t char_before(const editor *e, size_t at)
{
    uint32_t c;
    while (at > 0) {
        do
            at--;
        while (at > 0 && (e->line.data[at] & 0xc0) == 0x80);
        (void)next_char(e->line.data + at, e->line.len - at, &c);
        if (c == '\n' || char_width(c) > 0)
            break;
    }
    return at;
}

static size_t word_before(const editor *e, size_t at)
{
    while (at > 0 && !is_word(e->line.data[at - 1]))
        at--;
    while (at > 0 && is_word(e->line.data[at - 1]))
        at--;
    return at;
}

static size_t word_after(const editor *e, size_t at)
{
    while (at < e->line.len && !is_word(e->line.data[at]))
        at++;
    while (at < e->line.len && is_word(e->line.data[at]))
        at++;
    return at;
}

/* Ctrl-W goes by blanks, as in shells. */
static size_t blank_before(const editor *e, size_t at)
{
    while (at > 0 && (unsigned char)e->line.data[at - 1] <= ' ')
        at--;
    while (at > 0 && (unsigned char)e->line.data[at - 1] > ' ')
        at--;
    return at;
}

/* [begin, end) goes; kept for KEY_YANK if asked. */
static void edit_cut(editor *e, size_t begin, size_t end, bool keep)
{
    if (keep && end > begin) {
        clear(&e->killed);
        put(&e->killed, e->line.data + begin, end - begin);
    }
    memmove(e->line.data + begin, e->line.data + end, e->line.len - end);
    e->line.len -= end - begin;
    put(&e->line, "", 0);
    e->at = begin;
}

/* The row that begins at *at, which becomes the next row's beginning. False: there is none. */
static bool next_row(const editor *e, size_t *at, edit_row *out)
{
    size_t i = *at, len;
    uint32_t c;
    int w = 0;
    if (i > e->line.len)
        return false;
    out->begin = i;
    while (i < e->line.len && e->line.data[i] != '\n') {
        len = next_char(e->line.data + i, e->line.len - i, &c);
        w += char_width(printable(c));
        if (w > e->width && i > out->begin)
            break;
        i += len;
    }
    out->end = i;
    *at = i < e->line.len && e->line.data[i] == '\n' ? i + 1 : i < e->line.len ? i : e->line.len + 1;
    return true;
}

/* Rows in all; *mine: the cursor's, *column: its column. wanted: the row to be given in *out, or SIZE_MAX. */
static size_t edit_rows(const editor *e, size_t *mine, int *column, size_t wanted, edit_row *out)
{
    edit_row r = {0, 0};
    size_t at = 0, n = 0, i;
    uint32_t c;
    *mine = 0;
    *column = 0;
    while (next_row(e, &at, &r)) {
        if (e->at >= r.begin && e->at <= r.end) {
            *mine = n;
            for (*column = 0, i = r.begin; i < e->at;) {
                i += next_char(e->line.data + i, e->line.len - i, &c);
                *column += char_width(printable(c));
            }
        }
        if (n == wanted)
            *out = r;
        n++;
    }
    return n;
}

/* A row up or down; false: there is none. */
static bool edit_move_row(editor *e, int by)
{
    size_t mine, n, i;
    int column, w = 0;
    edit_row r;
    uint32_t c;
    n = edit_rows(e, &mine, &column, SIZE_MAX, &r);
    if ((by < 0 && mine == 0) || (by > 0 && mine + 1 >= n))
        return false;
    if (e->goal < 0)
        e->goal = column;
    r.begin = r.end = 0;
    (void)edit_rows(e, &mine, &column, by < 0 ? mine - 1 : mine + 1, &r);
    for (i = r.begin; i < r.end; i += n) {
        n = next_char(e->line.data + i, e->line.len - i, &c);
        w += char_width(printable(c));
        if (w > e->goal)
            break;
    }
    e->at = i;
    return true;
}

static void edit_history(editor *e, int by)
{
    if ((by < 0 && e->place == 0) || (by > 0 && e->place == e->n_history))
        return;
    if (e->place == e->n_history) {
        clear(&e->fresh);
        put(&e->fresh, e->line.data, e->line.len);
    }
    e->place += by < 0 ? (size_t)-1 : 1;
    if (e->place == e->n_history)
        edit_set(e, e->fresh.data, e->fresh.len);
    else
        edit_set(e, e->history[e->place], strlen(e->history[e->place]));
}

/* The line joins the history, unless it is the last one there. */
static bool edit_remember(editor *e, const char *line, size_t n)
{
    char *copy;
    bool again = e->n_history > 0 && strcmp(e->history[e->n_history - 1], line) == 0;
    if (!again && n > 0) {
        if (e->n_history == HISTORY_MOST) {
            free(e->history[0]);
            memmove(e->history, e->history + 1, --e->n_history * sizeof *e->history);
        }
        copy = (char *)memcpy(grow(NULL, n + 1), line, n + 1);
        e->history = (char **)grow(e->history, (e->n_history + 1) * sizeof *e->history);
        e->history[e->n_history++] = copy;
    }
    e->place = e->n_history;
    return !again && n > 0;
}

/* A paste without what is no text: control characters, the last newline. */
static void edit_paste(editor *e, const text *paste)
{
    text clean = {NULL, 0, 0};
    size_t i = 0;
    uint32_t c;
    put(&clean, "", 0);
    while (i < paste->len) {
        i += next_char(paste->data + i, paste->len - i, &c);
        if (c == '\t')
            puts_to(&clean, "    ");
        else if (c == '\n' || printable(c) == c)
            put_char(&clean, c);
    }
    if (clean.len > 0 && clean.data[clean.len - 1] == '\n')
        clean.len--;
    edit_insert(e, clean.data, clean.len);
    free(clean.data);
}

/* Begin and end of the line of text that the cursor is in. */
static size_t line_begin(const editor *e)
{
    size_t at = e->at;
    while (at > 0 && e->line.data[at - 1] != '\n')
        at--;
    return at;
}

static size_t line_end(const editor *e)
{
    size_t at = e->at;
    while (at < e->line.len && e->line.data[at] != '\n')
        at++;
    return at;
}

static void edit_move(editor *e, key_name name)
{
    switch (name) {
    case KEY_LEFT:
        e->at = char_before(e, e->at);
        break;
    case KEY_RIGHT:
        e->at = char_after(e, e->at);
        break;
    case KEY_HOME:
        e->at = line_begin(e);
        break;
    case KEY_END:
        e->at = line_end(e);
        break;
    case KEY_WORD_LEFT:
        e->at = word_before(e, e->at);
        break;
    case KEY_WORD_RIGHT:
        e->at = word_after(e, e->at);
        break;
    default:
        break;
    }
}

static void edit_delete(editor *e, key_name name)
{
    switch (name) {
    case KEY_BACKSPACE:
        edit_cut(e, char_before(e, e->at), e->at, false);
        break;
    case KEY_DELETE:
        edit_cut(e, e->at, char_after(e, e->at), false);
        break;
    case KEY_KILL_WORD_BACK:
        edit_cut(e, blank_before(e, e->at), e->at, true);
        break;
    case KEY_KILL_WORD:
        edit_cut(e, e->at, word_after(e, e->at), true);
        break;
    case KEY_KILL_END: /* at a line's end its newline */
        edit_cut(e, e->at, line_end(e) > e->at ? line_end(e) : char_after(e, e->at), true);
        break;
    case KEY_KILL_BEGIN:
        edit_cut(e, line_begin(e), e->at, true);
        break;
    default:
        break;
    }
}

/* Everything that a key does to the line alone; false: it means something else. */
static bool edit_key(editor *e, key_press k, const text *paste)
{
    char byte[5]; /* a character and NUL: put needs no more */
    text t = {byte, 0, sizeof byte};
    if (k.name == KEY_UP || k.name == KEY_DOWN) {
        if (!edit_move_row(e, k.name == KEY_UP ? -1 : 1))
            edit_history(e, k.name == KEY_UP ? -1 : 1);
        return true;
    }
    e->goal = -1;
    switch (k.name) {
    case KEY_CHAR:
        put_char(&t, k.c);
        edit_insert(e, t.data, t.len);
        return true;
    case KEY_PASTE:
        edit_paste(e, paste);
        return true;
    case KEY_NEWLINE:
        edit_insert(e, "\n", 1);
        return true;
    case KEY_YANK:
        if (e->killed.len > 0)
            edit_insert(e, e->killed.data, e->killed.len);
        return true;
    case KEY_EARLIER:
    case KEY_LATER:
        edit_history(e, k.name == KEY_EARLIER ? -1 : 1);
        return true;
    case KEY_LEFT:
    case KEY_RIGHT:
    case KEY_HOME:
    case KEY_END:
    case KEY_WORD_LEFT:
    case KEY_WORD_RIGHT:
        edit_move(e, k.name);
        return true;
    case KEY_BACKSPACE:
    case KEY_DELETE:
    case KEY_KILL_WORD_BACK:
    case KEY_KILL_WORD:
    case KEY_KILL_END:
    case KEY_KILL_BEGIN:
        edit_delete(e, k.name);
        return true;
    default:
        return false;
    }
}

static void edit_free(editor *e)
{
    size_t i;
    for (i = 0; i < e->n_history; i++)
        free(e->history[i]);
    free(e->history);
    free(e->line.data);
    free(e->killed.data);
    free(e->fresh.data);
}

/* ---- sockets ---- */

#ifdef _WIN32
typedef SOCKET sock;
typedef WSAPOLLFD poll_slot;
#define NO_SOCKET   INVALID_SOCKET
#define SIZE_ARG(n) (int)(n)

/* ws2_32.dll at run time: then no flag is needed to link it. */
#define SOCKET_CALLS(X)                                                  \
    X(WSAStartup, int, (WORD, LPWSADATA))                                \
    X(socket, SOCKET, (int, int, int))                                   \
    X(connect, int, (SOCKET, const struct sockaddr *, int))              \
    X(getsockopt, int, (SOCKET, int, int, char *, int *))                \
    X(ioctlsocket, int, (SOCKET, long, u_long *))                        \
    X(send, int, (SOCKET, const char *, int, int))                       \
    X(recv, int, (SOCKET, char *, int, int))                             \
    X(closesocket, int, (SOCKET))                                        \
    X(WSAPoll, int, (LPWSAPOLLFD, ULONG, INT))                           \
    X(WSAGetLastError, int, (void))                                      \
    X(getaddrinfo, INT, (PCSTR, PCSTR, const ADDRINFOA *, PADDRINFOA *)) \
    X(freeaddrinfo, void, (PADDRINFOA))

static struct {
#define SOCKET_MEMBER(name, result, args) result(WSAAPI *name) args;
    SOCKET_CALLS(SOCKET_MEMBER)
} ws;

static int start_sockets(void)
{
    HMODULE dll = LoadLibraryA("ws2_32.dll");
    WSADATA data;
    bool all = dll != NULL;
#define SOCKET_LOAD(name, result, args)         \
    if (all) {                                  \
        FARPROC f = GetProcAddress(dll, #name); \
        memcpy(&ws.name, &f, sizeof f);         \
        all = f != NULL;                        \
    }
    SOCKET_CALLS(SOCKET_LOAD)
    return all && ws.WSAStartup(MAKEWORD(2, 2), &data) == 0
               ? EXIT_OK
               : complain(EXIT_FAILED, "ws2_32.dll cannot be used");
}

#define SYS(name)    ws.name
#define close_sock   ws.closesocket
#define would_wait() (ws.WSAGetLastError() == WSAEWOULDBLOCK)

static int wait_for(poll_slot *slots, size_t n, int ms)
{
    return ws.WSAPoll(slots, (ULONG)n, ms);
}

static void never_wait(sock s)
{
    u_long on = 1;
    ws.ioctlsocket(s, (long)FIONBIO, &on);
}
#else
typedef int sock;
typedef struct pollfd poll_slot;
#define NO_SOCKET    (-1)
#define SIZE_ARG(n)  (n)
#define SYS(name)    name
#define close_sock   close
#define would_wait() (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == EINPROGRESS)

static int start_sockets(void)
{
    signal(SIGPIPE, SIG_IGN);
    return EXIT_OK;
}

static int wait_for(poll_slot *slots, size_t n, int ms)
{
    return poll(slots, (nfds_t)n, ms);
}

static void never_wait(sock s)
{
    fcntl(s, F_SETFL, fcntl(s, F_GETFL, 0) | O_NONBLOCK);
}
#endif

/* Is the socket ready for `events` within ms? */
static bool is_ready(sock s, short events, int ms)
{
    poll_slot slot;
    memset(&slot, 0, sizeof slot);
    slot.fd = s;
    slot.events = events;
    return wait_for(&slot, 1, ms) > 0;
}

/* A connection that is being made to one address; NO_SOCKET: it cannot be. */
static sock begin_connection(const struct addrinfo *a)
{
    sock s = SYS(socket)(a->ai_family, a->ai_socktype, a->ai_protocol);
    if (s == NO_SOCKET)
        return s;
    never_wait(s);
    if (SYS(connect)(s, a->ai_addr, SIZE_ARG(a->ai_addrlen)) != 0 && !would_wait()) {
        close_sock(s);
        return NO_SOCKET;
    }
    return s;
}

/* ---- HTTP: what a server answers ---- */

/* http://HOST[:PORT][/PATH] */
typedef struct address {
    char host[256], port[8], path[512];
} address;

/* OpenAI's address /v1 and any longer one; nothing behind the host is /v1, too. */
static int parse_address(const char *url, address *out)
{
    const char *p = url, *colon, *end;
    size_t n;
    if (strncmp(url, "https://", 8) == 0)
        return complain(EXIT_USAGE, "--server: %s: no TLS here; only http:// (a proxy can add it)", url);
    if (strncmp(p, "http://", 7) == 0)
        p += 7;
    else if (strstr(p, "://") != NULL)
        return complain(EXIT_USAGE, "--server: '%s' is not of the form http://HOST:PORT", url);
    n = strcspn(p, "/?#");
    end = p + n;
    colon = *p == '[' ? strchr(p, ']') : p;
    colon = colon != NULL ? strchr(colon, ':') : NULL;
    if (colon != NULL && colon > end)
        colon = NULL;
    snprintf(out->port, sizeof out->port, "%.*s", colon != NULL ? (int)(end - colon - 1) : 2,
             colon != NULL ? colon + 1 : "80");
    n = (size_t)((colon != NULL ? colon : end) - p);
    if (*p == '[' && n > 2) {
        p++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof out->host || strlen(end) + 20 > sizeof out->path || out->port[0] == 0 ||
        strspn(out->port, "0123456789") != strlen(out->port) || strpbrk(url, " \t\r\n") != NULL ||
        (colon != NULL && (size_t)(end - colon - 1) >= sizeof out->port))
        return complain(EXIT_USAGE, "--server: '%s' is not of the form http://HOST:PORT", url);
    memcpy(out->host, p, n);
    out->host[n] = 0;
    snprintf(out->path, sizeof out->path, "%s", end);
    n = strlen(out->path);
    while (n > 0 && out->path[n - 1] == '/')
        out->path[--n] = 0;
    if (n >= 17 && strcmp(out->path + n - 17, "/chat/completions") == 0)
        out->path[n - 17] = 0;
    else if (n == 0)
        snprintf(out->path, sizeof out->path, "/v1");
    return EXIT_OK;
}

enum { HEAD_MOST = 65536, EVENT_MOST = 16 << 20, BODY_MOST = 8 << 20 };

typedef enum http_step {
    HTTP_STATUS,
    HTTP_HEADER,
    HTTP_BODY,
    HTTP_SIZE,
    HTTP_CHUNK,
    HTTP_CHUNK_END,
    HTTP_TRAILER,
    HTTP_DONE,
    HTTP_BAD
} http_step;

/* An answer that is read as it comes, in any pieces. */
typedef struct http {
    http_step step;
    int status;
    const char *why; /* of HTTP_BAD */
    text head;       /* an unfinished line of the head, or of what is around chunks */
    size_t n_head;   /* bytes of the head so far */
    uint64_t left;   /* bytes of the body, or the chunk */
    bool events, chunked, counted;
    text line; /* an unfinished line of an event stream */
    text data; /* the event's, or the whole body of another kind */
    void (*on_event)(void *user, const char *data, size_t n);
    void *user;
} http;

static void http_begin(http *h)
{
    h->step = HTTP_STATUS;
    h->status = 0;
    h->why = NULL;
    h->left = 0;
    h->n_head = 0;
    h->events = h->chunked = h->counted = false;
    clear(&h->head);
    clear(&h->line);
    clear(&h->data);
}

static void http_free(http *h)
{
    free(h->head.data);
    free(h->line.data);
    free(h->data.data);
}

static void http_bad(http *h, const char *why)
{
    h->step = HTTP_BAD;
    h->why = why;
}

static void drop_return(text *line)
{
    if (line->len > 0 && line->data[line->len - 1] == '\r')
        line->data[--line->len] = 0;
}

/* A line of an event stream; an empty one ends the event. */
static void event_line(http *h)
{
    const char *s = h->line.data;
    size_t n = h->line.len;
    if (n == 0 && h->data.len > 0) {
        h->data.data[--h->data.len] = 0; /* the last newline */
        h->on_event(h->user, h->data.data, h->data.len);
        clear(&h->data);
    } else if (begins_with(s, n, "data:")) {
        size_t skip = n > 5 && s[5] == ' ' ? 6 : 5;
        put(&h->data, s + skip, n - skip);
        put(&h->data, "\n", 1);
    }
    clear(&h->line);
}

static void body_bytes(http *h, const char *s, size_t n)
{
    size_t i;
    if (!h->events) {
        if (h->data.len + n > BODY_MOST)
            http_bad(h, "its answer is too long");
        else
            put(&h->data, s, n);
        return;
    }
    for (i = 0; i < n && h->step != HTTP_BAD; i++) {
        if (s[i] == '\n') {
            drop_return(&h->line);
            event_line(h);
        } else if (h->line.len + h->data.len > EVENT_MOST) {
            http_bad(h, "an event is too long");
        } else {
            put(&h->line, s + i, 1);
        }
    }
}

static bool same_name(const char *s, size_t n, const char *name)
{
    size_t i;
    for (i = 0; i < n && name[i] != 0; i++)
        if ((s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]) != name[i])
            return false;
    return i == n && name[i] == 0;
}

static void header_line(http *h)
{
    const char *s = h->head.data, *value = strchr(s, ':');
    size_t n = value != NULL ? (size_t)(value - s) : 0;
    if (value == NULL)
        return;
    for (value++; is_blank(*value); value++)
        ;
    if (same_name(s, n, "content-type"))
        h->events = begins_with(value, strlen(value), "text/event-stream");
    else if (same_name(s, n, "transfer-encoding"))
        h->chunked = strstr(value, "chunked") != NULL;
    else if (same_name(s, n, "content-length")) {
        h->counted = true;
        h->left = strtoull(value, NULL, 10);
    }
}

static void status_line(http *h)
{
    if (!begins_with(h->head.data, h->head.len, "HTTP/1.") || h->head.len < 12) {
        http_bad(h, "what answers is no HTTP server");
        return;
    }
    h->status = 0;
    if (strspn(h->head.data + 9, "0123456789") == 3)
        h->status = atoi(h->head.data + 9);
    h->step = HTTP_HEADER;
}

static void chunk_size(http *h)
{
    char *end;
    h->left = strtoull(h->head.data, &end, 16);
    if (end == h->head.data || h->left > (uint64_t)1 << 40)
        http_bad(h, "a chunk's size is none");
    else
        h->step = h->left > 0 ? HTTP_CHUNK : HTTP_TRAILER;
}

/* A line of the head, or of what is around chunks, is complete. */
static void http_line(http *h)
{
    drop_return(&h->head);
    if (h->step == HTTP_STATUS)
        status_line(h);
    else if (h->step == HTTP_SIZE)
        chunk_size(h);
    else if (h->step == HTTP_CHUNK_END)
        h->step = HTTP_SIZE;
    else if (h->head.len > 0 && h->step == HTTP_HEADER)
        header_line(h);
    else if (h->head.len == 0 && h->step == HTTP_TRAILER)
        h->step = HTTP_DONE;
    else if (h->head.len == 0 && h->status >= 100 && h->status < 200)
        h->step = HTTP_STATUS; /* the answer proper follows */
    else if (h->head.len == 0)
        h->step = h->chunked ? HTTP_SIZE : h->counted && h->left == 0 ? HTTP_DONE : HTTP_BODY;
    clear(&h->head);
}

static size_t head_bytes(http *h, const char *s, size_t n)
{
    const char *end = (const char *)memchr(s, '\n', n);
    size_t take = end != NULL ? (size_t)(end - s) : n;
    if (h->step == HTTP_SIZE || h->step == HTTP_CHUNK_END) /* of this line alone: a stream has many */
        h->n_head = h->head.len;
    h->n_head += take + 1;
    if (h->n_head > HEAD_MOST) {
        http_bad(h, "its headers are too long");
        return n;
    }
    put(&h->head, s, take);
    if (end == NULL)
        return n;
    http_line(h);
    return take + 1;
}

static void http_feed(http *h, const char *s, size_t n)
{
    size_t at = 0, take;
    while (at < n && h->step < HTTP_DONE) {
        if (h->step != HTTP_BODY && h->step != HTTP_CHUNK) {
            at += head_bytes(h, s + at, n - at);
            continue;
        }
        take = n - at;
        if (h->chunked || h->counted)
            take = take < h->left ? take : (size_t)h->left;
        body_bytes(h, s + at, take);
        at += take;
        if (h->step == HTTP_BAD || !(h->chunked || h->counted))
            continue;
        h->left -= take;
        if (h->left == 0)
            h->step = h->chunked ? HTTP_CHUNK_END : HTTP_DONE;
    }
}

/* The other side has closed the connection. */
static void http_end(http *h)
{
    if (h->step == HTTP_BODY && !h->counted)
        h->step = HTTP_DONE;
    else if (h->step < HTTP_DONE)
        http_bad(h, "the connection ended in the middle of its answer");
}

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

/* ---- the terminal ---- */

typedef struct terminal {
    bool open;
    int columns, rows;
    keys keys;
#ifdef _WIN32
    DWORD old_in, old_out;
    UINT old_page;
    uint16_t half; /* of a surrogate pair */
#else
    struct termios old;
#endif
} terminal;

/* Set by signals: the window has another size or the program goes on after Ctrl-Z; it has to end. */
static volatile sig_atomic_t resized, ended;

/* The one that is open: exit() gives it back to the shell. */
static terminal *open_terminal;

static void write_all(const char *s, size_t n)
{
#ifdef _WIN32
    fwrite(s, 1, n, stdout);
    fflush(stdout);
#else
    while (n > 0) {
        ssize_t done = write(1, s, n);
        if (done < 0 && errno == EAGAIN) {
            struct pollfd slot = {1, POLLOUT, 0};
            (void)poll(&slot, 1, 1000);
        } else if (done < 0 && errno != EINTR) {
            ended = 1;
            return;
        }
        s += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
#endif
}

static void terminal_measure(terminal *t)
{
    uint32_t columns = 0, lines = 0;
    (void)llmc_os_terminal(1, &columns, &lines);
    t->columns = columns >= 10 && columns < 2000 ? (int)columns : 80;
    t->rows = lines >= 4 && lines < 2000 ? (int)lines : 24;
}

/* Bracketed paste on; all that terminal_close takes back. */
static const char terminal_on[] = "\033[?2004h", terminal_off[] = "\033[?2004l\033[?7h\033[?25h\033[0m";

#ifdef _WIN32
static bool terminal_raw(terminal *t)
{
    HANDLE in = GetStdHandle(STD_INPUT_HANDLE), out = GetStdHandle(STD_OUTPUT_HANDLE);
    if (!GetConsoleMode(in, &t->old_in) || !GetConsoleMode(out, &t->old_out))
        return false;
    t->old_page = GetConsoleOutputCP();
    SetConsoleOutputCP(CP_UTF8);
    /* window and VT input; VT output with newlines as they are */
    return SetConsoleMode(in, 0x0008 | 0x0200) && SetConsoleMode(out, 0x0001 | 0x0004);
}

static void terminal_cooked(terminal *t)
{
    SetConsoleMode(GetStdHandle(STD_INPUT_HANDLE), t->old_in);
    SetConsoleMode(GetStdHandle(STD_OUTPUT_HANDLE), t->old_out);
    SetConsoleOutputCP(t->old_page);
}
#else
static void on_signal(int number)
{
    if (number == SIGWINCH || number == SIGCONT)
        resized = 1;
    else
        ended = interrupted = 1;
}

static bool terminal_raw(terminal *t)
{
    struct termios raw;
    if (tcgetattr(0, &t->old) != 0)
        return false;
    raw = t->old;
    raw.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IGNCR | IXON | ISTRIP | BRKINT);
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_oflag |= OPOST | ONLCR;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    return tcsetattr(0, TCSADRAIN, &raw) == 0;
}

static void terminal_cooked(terminal *t)
{
    tcsetattr(0, TCSADRAIN, &t->old);
}
#endif

static void terminal_close(terminal *t)
{
    if (!t->open)
        return;
    t->open = false;
    write_all(terminal_off, sizeof terminal_off - 1);
    terminal_cooked(t);
}

static void close_at_exit(void)
{
    if (open_terminal != NULL)
        terminal_close(open_terminal);
}

/* False: it cannot be had key by key. */
static bool terminal_open(terminal *t)
{
    if (!terminal_raw(t))
        return false;
    terminal_measure(t);
    t->open = true;
    if (open_terminal == NULL)
        atexit(close_at_exit);
    open_terminal = t;
#ifndef _WIN32
    {
        static const int numbers[] = {SIGWINCH, SIGCONT, SIGTERM, SIGHUP, SIGINT};
        struct sigaction action;
        size_t i;
        memset(&action, 0, sizeof action);
        action.sa_handler = on_signal;
        for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
            sigaction(numbers[i], &action, NULL);
        signal(SIGPIPE, SIG_IGN);
    }
#endif
    write_all(terminal_on, sizeof terminal_on - 1);
    return true;
}

/* Ctrl-Z: back to the shell until it says fg. */
static void terminal_suspend(terminal *t)
{
#ifndef _WIN32
    terminal_close(t);
    raise(SIGTSTP);
    (void)terminal_open(t);
    resized = 1;
#else
    (void)t;
#endif
}

/* Bytes that were typed, into s [n]; waits up to ms milliseconds for the first, or for the socket if it is
   one. -1: the terminal is gone. */
#ifdef _WIN32
static void console_char(terminal *t, uint16_t unit, text *out)
{
    if (unit >= 0xd800 && unit < 0xdc00) {
        t->half = unit;
        return;
    }
    put_char(out, unit >= 0xdc00 && unit < 0xe000
                      ? 0x10000 + ((uint32_t)(t->half - 0xd800) << 10) + (unit - 0xdc00u)
                      : unit);
}

static int terminal_read(terminal *t, sock other, int ms, text *out)
{
    HANDLE in = GetStdHandle(STD_INPUT_HANDLE);
    INPUT_RECORD record[128];
    DWORD n = 0, i;
    clear(out);
    if (other != NO_SOCKET) {
        poll_slot slot;
        memset(&slot, 0, sizeof slot);
        slot.fd = other;
        slot.events = POLLIN;
        (void)wait_for(&slot, 1, ms < 20 ? ms : 20);
        ms = 0;
    }
    if (WaitForSingleObject(in, (DWORD)ms) != WAIT_OBJECT_0 || !ReadConsoleInputW(in, record, 128, &n))
        return 0;
    for (i = 0; i < n; i++) {
        if (record[i].EventType == WINDOW_BUFFER_SIZE_EVENT)
            resized = 1;
        if (record[i].EventType == KEY_EVENT && record[i].Event.KeyEvent.bKeyDown &&
            record[i].Event.KeyEvent.uChar.UnicodeChar != 0)
            console_char(t, record[i].Event.KeyEvent.uChar.UnicodeChar, out);
    }
    return (int)out->len;
}
#else
static int terminal_read(terminal *t, sock other, int ms, text *out)
{
    struct pollfd slot[2];
    char part[4096];
    ssize_t n;
    (void)t;
    clear(out);
    slot[0].fd = 0;
    slot[1].fd = other;
    slot[0].events = slot[1].events = POLLIN;
    slot[0].revents = slot[1].revents = 0;
    if (poll(slot, other != NO_SOCKET ? 2 : 1, ms) <= 0 || slot[0].revents == 0)
        return 0;
    n = read(0, part, sizeof part);
    if (n > 0)
        put(out, part, (size_t)n);
    return n > 0 ? (int)n : n < 0 && (errno == EINTR || errno == EAGAIN) ? 0 : -1;
}
#endif

/* ---- one program's state ---- */

typedef struct meter {
    uint64_t started, drawn; /* nanoseconds; drawn 0: nothing to wipe */
    const char *what;
} meter;

typedef struct chat {
    settings set;
    llmc_cpu cpu;
    llmc_engine_options cache; /* what of the engine's options is settled before a model is there */
    llmc_log_level level;
    bool lively, colour; /* progress bars; colours                     */
    bool talking;        /* a conversation: not every failure ends it  */
    bool exact;          /* nothing but the model's bytes on stdout    */
    meter bar;
    llmc_host host;
    llmc_lora_host lora;
    llmc_seq_options seq;
    llmc_chat_format format;
    text template_text;    /* of --template */
    llmc_message *message; /* texts are owned, roles are not */
    size_t n_messages;
    text answer;
    void *grammar, *grammar_state; /* memory of --grammar or --json-schema */
    /* a conversation on the screen, or with a server */
    void (*on_words)(void *user, bool thought, const char *words, size_t n); /* NULL: nobody sees them come */
    void (*on_wait)(void *user, sock other, int ms);                         /* NULL: no keys to look at */
    void *on_words_user;
    llmc_chat_format wanted_format; /* before the model was asked */
    llmc_reply_format reply;        /* how thoughts and calls are written */
    bool parse_replies;
    const char *tools_json; /* offered to the model, or NULL */
    size_t n_in_seq;        /* RAW: messages that the sequence holds; more than there are: to be read anew */
    address server;
    char model_name[256], bar_text[64];
    char *model_path; /* of /model */
    uint32_t server_context;
    uint64_t n_read, n_said;
    text file;   /* where the conversation is kept; empty: nowhere yet */
    bool forget; /* nowhere ever */
} chat;

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
    if (c->on_wait != NULL) {
        snprintf(c->bar_text, sizeof c->bar_text, " \xc2\xb7 %.30s %d %%", what, percent);
        c->on_wait(c->on_words_user, NO_SOCKET, 0);
    }
    if (done >= total)
        wipe_meter(c);
    return !interrupted;
}

static void on_log(void *user, llmc_log_level level, const char *tag, const char *message)
{
    wipe_meter((chat *)user);
    if (level <= LLMC_LOG_WARN)
        complain(EXIT_OK, "%s: %s", level == LLMC_LOG_WARN ? "warning" : "error", message);
    else if (complaints != NULL)
        complain(EXIT_OK, "%s: %s", tag, message);
    else
        fprintf(stderr, "%s: %s\n", tag, message);
}

/* One line on stderr for those who asked for --log-level info. */
LIKE_PRINTF static void inform(chat *c, const char *fmt, ...)
{
    char line[1024];
    va_list args;
    if (c->level < LLMC_LOG_INFO)
        return;
    wipe_meter(c);
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    complain(EXIT_OK, "%s", line);
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

/* A type of the cache; len bytes of word. */
static llmc_dtype cache_type(const char *word, size_t len)
{
    static const llmc_dtype known[] = {LLMC_F32, LLMC_F16, LLMC_BF16, LLMC_Q8_0, LLMC_Q4_0};
    char name[8];
    size_t i;
    snprintf(name, sizeof name, "%.*s", (int)(len < 7 ? len : 7), word);
    for (i = 0; i < sizeof known / sizeof known[0]; i++)
        if (llmc_dtype_named(name) == known[i])
            return known[i];
    return LLMC_DTYPE_NONE;
}

/* TYPE or KEYS/VALUES */
static int resolve_types(chat *c)
{
    const char *word = c->set.kv_type;
    size_t n = word != NULL ? strcspn(word, "/") : 0;
    if (word == NULL)
        return EXIT_OK;
    c->cache.kv_type = c->cache.kv_type_v = cache_type(word, n);
    if (word[n] != 0)
        c->cache.kv_type_v = cache_type(word + n + 1, strlen(word + n + 1));
    if (c->cache.kv_type == LLMC_DTYPE_NONE || c->cache.kv_type_v == LLMC_DTYPE_NONE)
        return complain(EXIT_USAGE,
                        "--kv-type: '%s' is none of f16, bf16, f32, q8_0, q4_0, nor two of them with /",
                        word);
    return EXIT_OK;
}

/* KIND[:FACTOR[:ORIGINAL]] takes the place of the model's scaling; the library knows what is left out. */
static int resolve_rope(chat *c)
{
    static const char *const name[] = {"none", "linear", "ntk", "dynamic", "yarn"};
    const char *word = c->set.rope;
    double factor = 0, original = 0;
    char part[32];
    size_t n, i = 0;
    if (word == NULL)
        return EXIT_OK;
    n = strcspn(word, ":");
    while (i < 5 && (strlen(name[i]) != n || strncmp(name[i], word, n) != 0))
        i++;
    if (i < 5 && word[n] != 0) {
        word += n + 1;
        n = strcspn(word, ":");
        snprintf(part, sizeof part, "%.*s", (int)(n < 31 ? n : 31), word);
        if (!option_number(part, false, &factor) || !(factor >= 1 && factor <= 1e9))
            i = 5;
        if (word[n] != 0 &&
            (!option_number(word + n + 1, true, &original) || original < 2 || original > 1 << 30))
            i = 5;
    }
    if (i == 5)
        return complain(
            EXIT_USAGE,
            "--rope-scaling takes none, linear, ntk, dynamic or yarn, and [:FACTOR[:ORIGINAL]], not '%s'",
            c->set.rope);
    c->cache.rope_override = true;
    c->cache.rope_scaling = (llmc_rope_scaling)i;
    c->cache.rope_factor = (float)factor;
    c->cache.rope_original = (uint32_t)original;
    return EXIT_OK;
}

/* Window, cache and rotary scaling. A file whose max_seq_len goes beyond the original one wants NTK
   scaling. */
static int resolve_cache(chat *c)
{
    const shape *says = &c->set.shape;
    int code = resolve_types(c);
    if (code == EXIT_OK)
        code = resolve_rope(c);
    c->cache.window_size = c->set.window;
    c->cache.sink_tokens = c->set.sinks;
    c->cache.kv_cache_capacity = c->set.kv_capacity;
    if (c->set.rope == NULL && says->original_max_seq_len > 0 &&
        says->max_seq_len > says->original_max_seq_len) {
        c->cache.rope_override = true;
        c->cache.rope_scaling = LLMC_ROPE_NTK;
        c->cache.rope_factor = (float)says->max_seq_len / (float)says->original_max_seq_len;
        c->cache.rope_original = says->original_max_seq_len;
    }
    return code;
}

static int resolve_names(chat *c)
{
    const settings *s = &c->set;
    llmc_diag diag;
    if (llmc_os_cpu(s->isa, &c->cpu, &diag) != LLMC_OK)
        return complain(EXIT_USAGE, "%s%s", s->isa != NULL ? "--isa: " : "", diag.message);
    if (s->format != NULL && llmc_chat_format_named(s->format, &c->format) != LLMC_OK)
        return unknown_format(s->format);
    return EXIT_OK;
}

/* What --config may say, each key in its section or in none: settings that are options, too, */
static const struct {
    const char *section, *key, *option;
} file_options[] = {
    {"", "threads", "threads"},
    {"", "batch_tokens", "batch-tokens"},
    {"", "isa", "isa"},
    {"attention", "window_size", "window"},
    {"attention", "sink_tokens", "sinks"},
    {"kv_cache", "kv_cache_capacity", "kv-capacity"},
    {"kv_cache", "kv_type", "kv-type"},
    {"rope", "rope_scaling", "rope-scaling"},
};

/* and what describes a model; the section stands where other rows have the value's name. */
static const option_row file_rows[] = {
    {"n_embd", 0, AS_WHOLE, AT(shape.n_embd), 0, INT32_MAX, "model", NULL},
    {"n_head", 0, AS_WHOLE, AT(shape.n_head), 0, INT32_MAX, "model", NULL},
    {"n_kv_heads", 0, AS_WHOLE, AT(shape.n_kv_heads), 0, INT32_MAX, "model", NULL},
    {"n_layer", 0, AS_WHOLE, AT(shape.n_layer), 0, INT32_MAX, "model", NULL},
    {"vocab_size", 0, AS_WHOLE, AT(shape.vocab_size), 0, INT32_MAX, "model", NULL},
    {"max_seq_len", 0, AS_WHOLE, AT(shape.max_seq_len), 0, INT32_MAX, "model", NULL},
    {"original_max_seq_len", 0, AS_WHOLE, AT(shape.original_max_seq_len), 0, INT32_MAX, "model", NULL},
    {"layer_norm_epsilon", 0, AS_REAL, AT(shape.layer_norm_epsilon), 0, 1, "model", NULL},
    {"dropout", 0, AS_REAL, AT(shape.dropout), 0, 1, "model", NULL},   /* of training */
    {"use_bias", 0, AS_TEXT, AT(shape.use_bias), 0, 0, "model", NULL}, /* the model's tensors say so */
    {"rope_base", 0, AS_REAL, AT(shape.rope_base), 0, 1e15, "rope", NULL},
};
enum {
    N_FILE_OPTIONS = sizeof file_options / sizeof file_options[0],
    N_FILE_ROWS = sizeof file_rows / sizeof file_rows[0]
};

static bool is_key(const llmc_setting *setting, const char *section, const char *key)
{
    return strcmp(setting->key, key) == 0 &&
           (setting->section[0] == 0 || strcmp(setting->section, section) == 0);
}

/* The place of the row with this name, which is one of them. */
static int row_named(const char *name)
{
    int i = 0;
    while (strcmp(rows[i].name, name) != 0)
        i++;
    return i;
}

/* The row that a setting fills; NULL: there is none. */
static const option_row *row_of_setting(const llmc_setting *setting)
{
    int i;
    for (i = 0; i < N_FILE_ROWS; i++)
        if (is_key(setting, file_rows[i].value, file_rows[i].name))
            return &file_rows[i];
    for (i = 0; i < N_FILE_OPTIONS; i++)
        if (is_key(setting, file_options[i].section, file_options[i].key))
            return &rows[row_named(file_options[i].option)];
    return NULL;
}

static int unknown_setting(const settings *s, const llmc_setting *setting)
{
    char all[400] = "";
    int i;
    for (i = 0; i < N_FILE_OPTIONS + N_FILE_ROWS; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i > 0 ? ", " : "",
                 i < N_FILE_OPTIONS ? file_options[i].key : file_rows[i - N_FILE_OPTIONS].name);
    return complain(EXIT_FAILED, "%s:%u: unknown setting '%s%s%s'; known are %s", s->config,
                    (unsigned)setting->line, setting->section, setting->section[0] != 0 ? "." : "",
                    setting->key, all);
}

/* One setting of --config, unless the command line has said otherwise. Texts live as long as the program. */
static int configure(settings *s, const llmc_setting *setting)
{
    const option_row *row = row_of_setting(setting);
    size_t n = strlen(setting->value) + 1;
    options o;
    if (row == NULL)
        return unknown_setting(s, setting);
    if (row >= rows && row < rows + N_ROWS && s->said[row - rows])
        return EXIT_OK;
    o = options_of(s);
    return option_store(&o, row, (const char *)memcpy(grow(NULL, n), setting->value, n));
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
    if (s->isa == NULL && variable != NULL && variable[0] != 0) {
        s->isa = variable;
        s->said[row_named("isa")] = true;
    }
    memset(&setting, 0, sizeof setting);
    if (llmc_map_open(&file, s->config, &diag) != LLMC_OK)
        return complain(EXIT_FAILED, "%s", diag.message);
    while ((status = llmc_settings_next(&file, &at, &setting, &diag)) == LLMC_OK && code == EXIT_OK)
        code = configure(s, &setting);
    if (code == EXIT_OK && status != LLMC_DONE)
        code = complain(EXIT_FAILED, "%s", diag.message);
    llmc_map_close(&file);
    if (s->shape.max_seq_len > 0 && !s->said[row_named("context")])
        s->context = s->shape.max_seq_len;
    return code;
}

/* --beams and --draft. */
static int resolve_search(chat *c)
{
    const settings *s = &c->set;
    const char *const name[] = {"off", "on", "auto"};
    int i;
    if (s->beams > 0 && (s->grammar != NULL || s->schema != NULL || s->n_stop > 0))
        return complain(EXIT_USAGE, "--beams knows no --grammar, --json-schema or --stop");
    if (s->draft == NULL)
        return EXIT_OK;
    for (i = 0; i < 3; i++)
        if (strcmp(s->draft, name[i]) == 0) {
            c->seq.draft = (llmc_draft)i;
            return EXIT_OK;
        }
    return complain(EXIT_USAGE, "--draft: '%s' is none of off, on, auto", s->draft);
}

/* Adds a difference to the note [400] if the file says a number and the model another. */
static void differs(char *note, const char *what, double said, double is)
{
    size_t n = strlen(note);
    double d = said - is;
    if (said != 0 && (d > 1e-6 * said || d < -1e-6 * said))
        snprintf(note + n, 400 - n, "%s %s %.9g (here %.9g)", n > 0 ? "," : "", what, said, is);
}

/* One note if --config describes another model; its settings of the engine count all the same. */
static void compare_shape(chat *c)
{
    const llmc_config *m = llmc_model_config(c->host.model);
    const shape *s = &c->set.shape;
    char note[400] = "";
    differs(note, "n_embd", s->n_embd, m->n_embd);
    differs(note, "n_head", s->n_head, m->n_head);
    differs(note, "n_kv_heads", s->n_kv_heads, m->n_kv_head);
    differs(note, "n_layer", s->n_layer, m->n_layer);
    differs(note, "vocab_size", s->vocab_size, m->vocab_size);
    differs(note, "layer_norm_epsilon", (double)s->layer_norm_epsilon, (double)m->norm_eps);
    if (m->pos == LLMC_POS_ROPE)
        differs(note, "rope_base", (double)s->rope_base, (double)m->rope_base);
    if (note[0] != 0 && c->level >= LLMC_LOG_WARN)
        complain(EXIT_OK, "note: %s describes another model:%s", c->set.config, note);
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);
    return n >= k && strcmp(s + n - k, end) == 0;
}

/* What goes with --server; everything else is said of a model here. */
static int resolve_server(settings *s)
{
    static const char with[] =
        " model prompt file predict system temp top-k top-p min-p typical repeat-penalty frequency-penalty "
        "presence-penalty stop seed session continue no-save server api-key plain show-thinking tools root "
        "allow "
        "log-level help ";
    int i;
    if (s->server == NULL && s->api_key != NULL)
        return complain(EXIT_USAGE, "--api-key goes with --server");
    if (s->go_on && s->session != NULL)
        return complain(EXIT_USAGE, "--continue and --session were both given; one of them, please");
    if (s->server == NULL)
        return EXIT_OK;
    for (i = 0; i < N_ROWS; i++)
        if (s->said[i] && !has_word(with, rows[i].name, strlen(rows[i].name), false))
            return complain(EXIT_USAGE, "--%s has no meaning with --server", rows[i].name);
    if (s->session != NULL && !ends_with(s->session, ".jsonl"))
        return complain(EXIT_USAGE, "--session: with --server its name has to end in .jsonl");
    if (s->api_key != NULL && (strlen(s->api_key) > 500 || strpbrk(s->api_key, "\r\n") != NULL))
        return complain(EXIT_USAGE, "--api-key: that is none");
    if (s->model != NULL && !s->said[row_named("model")]) { /* what stands alone is the prompt */
        if (s->prompt != NULL)
            return complain(EXIT_USAGE, "unexpected argument '%s'; with --server, -m names a model",
                            s->prompt);
        s->prompt = s->model;
        s->model = NULL;
    }
    return EXIT_OK;
}

/* Everything that can be wrong before a file is opened. */
static int resolve(chat *c)
{
    settings *s = &c->set;
    llmc_diag diag;
    int code = resolve_server(s);
    if (code != EXIT_OK)
        return code;
    if (s->model == NULL && s->server == NULL)
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
        (code = resolve_seed(c)) != EXIT_OK || (code = resolve_names(c)) != EXIT_OK ||
        (code = resolve_cache(c)) != EXIT_OK || (code = resolve_search(c)) != EXIT_OK)
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

/* FILE or FILE:SCALE to an adapter that the sequence runs with. */
static int open_lora(chat *c)
{
    const char *colon = strrchr(c->set.lora, ':');
    double scale = 1;
    char *path = (char *)grow(NULL, strlen(c->set.lora) + 1);
    llmc_diag diag;
    llmc_status status;
    strcpy(path, c->set.lora);
    if (colon != NULL && option_number(colon + 1, false, &scale))
        path[colon - c->set.lora] = 0;
    if (!(scale > -1000 && scale < 1000) || scale == 0) {
        free(path);
        return complain(EXIT_USAGE, "--lora: a scale of %s: between -1000 and 1000, not 0, is expected",
                        colon + 1);
    }
    status = llmc_lora_open(&c->lora, c->host.model, path, &diag);
    free(path);
    if (status != LLMC_OK)
        return fail(c, &diag);
    c->seq.lora = c->lora.lora;
    c->seq.lora_scale = (float)scale;
    return llmc_seq_configure(c->host.seq, &c->seq, &diag) == LLMC_OK ? EXIT_OK : fail(c, &diag);
}

static int open_model(chat *c)
{
    llmc_model_options model;
    llmc_engine_options engine = c->cache;
    llmc_open_options opt;
    llmc_diag diag;
    uint64_t start = llmc_os_nanoseconds();
    memset(&model, 0, sizeof model);
    memset(&opt, 0, sizeof opt);
    engine.log.fn = on_log;
    engine.log.user = c;
    engine.log.level = c->level;
    engine.progress.fn = on_progress;
    engine.progress.user = c;
    engine.context_length = c->set.context;
    engine.batch_tokens = c->set.batch_tokens;
    engine.cpu = c->cpu;
    engine.check_finite = c->set.debug;
    engine.draft_tokens = c->seq.draft != LLMC_DRAFT_OFF ? 8 : 0;
    engine.max_seqs = 1 + c->set.beams;
    engine.lora_rank = c->set.lora != NULL ? LLMC_LORA_MAX_RANK : 0;
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
    compare_shape(c);
    if (llmc_model_tokenizer(c->host.model) == NULL)
        return complain(EXIT_FAILED, "%s has no tokenizer in it: give one with --tokenizer", c->set.model);
    inform(c, "%s: %.1f MB opened in %.1f ms, %s kernels, %u threads, context %u, seed %llu", c->set.model,
           (double)c->host.file.size / 1e6, (double)(llmc_os_nanoseconds() - start) / 1e6,
           llmc_engine_isa(c->host.engine), (unsigned)llmc_pool_tasks(c->host.pool).workers,
           (unsigned)llmc_engine_context(c->host.engine), (unsigned long long)c->set.sample.seed);
    return c->set.lora != NULL ? open_lora(c) : EXIT_OK;
}

static int read_all(text *out, const char *path);

/* RAW where there is no template: the model then simply continues the text. */
static int choose_format(chat *c)
{
    const settings *s = &c->set;
    c->format = c->wanted_format;
    c->template_text.len = 0;
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

/* How this model's replies are to be read, and what of them it has to show for that. */
static int prepare_replies(chat *c)
{
    size_t n;
    const char *words;
    llmc_diag diag;
    if (!c->parse_replies)
        return EXIT_OK;
    c->reply = LLMC_REPLY_PLAIN;
    if (c->template_text.len > 0)
        c->reply = llmc_reply_format_in(c->template_text.data, c->template_text.len);
    else if (c->format == LLMC_CHAT_AUTO)
        c->reply = llmc_reply_format_of(c->host.model);
    else if (c->format != LLMC_CHAT_RAW) {
        words = llmc_chat_template(c->host.model, c->format, &n);
        c->reply = llmc_reply_format_in(words, n);
    }
    if (c->reply == LLMC_REPLY_LLAMA3 && c->tools_json == NULL) /* its calls look like any JSON */
        c->reply = LLMC_REPLY_PLAIN;
    c->seq.show_special = c->reply != LLMC_REPLY_PLAIN && llmc_reply_wants_special(c->reply);
    return llmc_seq_configure(c->host.seq, &c->seq, &diag) == LLMC_OK ? EXIT_OK : fail(c, &diag);
}

static void close_model(chat *c)
{
    llmc_lora_close(&c->lora);
    memset(&c->lora, 0, sizeof c->lora);
    c->seq.lora = NULL;
    llmc_close(&c->host);
    memset(&c->host, 0, sizeof c->host);
    c->seq.grammar = NULL;
    free(c->grammar_state);
    free(c->grammar);
    c->grammar = c->grammar_state = NULL;
}

/* The model is opened, and everything that follows from what it is. */
static int start_model(chat *c)
{
    const char *slash = strrchr(c->set.model, '/');
    int code = open_model(c);
    if (code == EXIT_OK)
        code = choose_format(c);
    if (code == EXIT_OK)
        code = bind_answers(c);
    if (code == EXIT_OK)
        code = prepare_replies(c);
    snprintf(c->model_name, sizeof c->model_name, "%.250s",
             slash != NULL && slash[1] != 0 ? slash + 1 : c->set.model);
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

/* The best answer that beams find, as text in c->answer and as ids in the sequence.
   OK also if interrupted before there was one. */
static int search(chat *c)
{
    const llmc_tokenizer *tok = llmc_model_tokenizer(c->host.model);
    const llmc_beam *found = NULL;
    llmc_beam_options opt;
    llmc_decode_options decode;
    llmc_diag diag;
    llmc_status status;
    size_t bytes = 0, n = 0, n_ids, len = 0;
    void *work = NULL;
    memset(&opt, 0, sizeof opt);
    memset(&decode, 0, sizeof decode);
    (void)llmc_seq_ids(c->host.seq, &n_ids);
    opt.width = c->set.beams;
    opt.length_penalty = 1;
    opt.max_tokens = c->set.predict > 0 && c->set.predict != UINT32_MAX ? c->set.predict : 256;
    opt.ignore_end = c->set.ignore_eos;
    decode.keep_space = n_ids > 1; /* more than BOS: the text goes on */
    status = llmc_beam_need(c->host.seq, &opt, &bytes, &diag);
    if (status == LLMC_OK) {
        work = grow(NULL, bytes);
        status = llmc_beam_search(c->host.seq, &opt, work, bytes, &found, &n, &diag);
    }
    if (status == LLMC_OK && n > 0) {
        (void)llmc_decode(tok, found[0].ids, found[0].n, &decode, NULL, 0, &len, &diag);
        c->answer.cap = len + 1;
        c->answer.data = (char *)grow(c->answer.data, c->answer.cap);
        status = llmc_decode(tok, found[0].ids, found[0].n, &decode, c->answer.data, len, &len, &diag);
        c->answer.len = len;
        c->answer.data[len] = 0;
    }
    if (status == LLMC_OK && n > 0) {
        inform(c, "log probability %.3f, %.3f a token", found[0].logprob, found[0].score);
        status = llmc_seq_add_ids(c->host.seq, found[0].ids, found[0].n, &diag);
    }
    free(work);
    wipe_meter(c);
    return status == LLMC_OK || (status == LLMC_CANCELLED && interrupted) ? EXIT_OK : fail(c, &diag);
}

/* --beams: the answer comes as a whole. */
static int speak_best(chat *c)
{
    int code;
    c->answer.len = 0;
    put(&c->answer, "", 0);
    code = search(c);
    if (code != EXIT_OK)
        return code;
    fwrite(c->answer.data, 1, c->answer.len, stdout);
    if (!c->exact)
        fputc('\n', stdout);
    if (fflush(stdout) != 0 && !interrupted)
        return complain(EXIT_FAILED, "the output cannot be written");
    return EXIT_OK;
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

static void free_messages(llmc_message *m, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++) {
        free((void *)(uintptr_t)m[i].text);
        free((void *)(uintptr_t)m[i].more);
    }
    free(m);
}

static void drop_messages(chat *c, size_t begin, size_t end)
{
    size_t i;
    for (i = begin; i < end; i++) {
        free((void *)(uintptr_t)c->message[i].text);
        free((void *)(uintptr_t)c->message[i].more);
    }
    for (i = end; i < c->n_messages; i++)
        c->message[begin + i - end] = c->message[i];
    c->n_messages -= end - begin;
}

static size_t has_system(const chat *c)
{
    return c->n_messages > 0 && strcmp(c->message[0].role, "system") == 0;
}

/* Lets the sequence read the conversation; one grown too long loses its oldest
   exchange, then the next, but never the system message. */
static llmc_status read_messages(chat *c, llmc_diag *diag)
{
    llmc_status status;
    size_t first = has_system(c), end;
    llmc_chat_options opt;
    memset(&opt, 0, sizeof opt);
    opt.format = c->format;
    opt.text = c->template_text.data;
    opt.text_len = c->template_text.len;
    opt.now = (int64_t)time(NULL);
    opt.tools = c->tools_json;
    for (;;) {
        status = llmc_seq_chat(c->host.seq, &opt, c->message, c->n_messages, diag);
        if ((status != LLMC_FULL && status != LLMC_NO_MEMORY) || c->n_messages < first + 3)
            return status;
        for (end = first + 2; end < c->n_messages && strcmp(c->message[end].role, "user") != 0; end++)
            ;
        if (end == c->n_messages)
            return status;
        drop_messages(c, first, end);
        if (c->level >= LLMC_LOG_WARN)
            complain(0, "the context is full: the oldest question and answer are forgotten");
    }
}

/* ---- an answer, from wherever it comes ---- */

enum { CALLS_MOST = 64 };

typedef struct tool_call {
    text id, name, arguments;
} tool_call;

typedef struct answer {
    text words, thoughts;
    tool_call *calls;
    size_t n_calls;
    uint32_t n_tokens, n_thoughts, n_read; /* n_thoughts: of n_tokens */
    uint64_t start, first, last;           /* nanoseconds: asked; the first and the last token */
    bool done, cut;                        /* ended; by its length or the context's */
    text error;                            /* empty: none */
} answer;

static void answer_begin(answer *a)
{
    memset(a, 0, sizeof *a);
    clear(&a->words);
    clear(&a->thoughts);
    clear(&a->error);
    a->start = llmc_os_nanoseconds();
}

static void answer_free(answer *a)
{
    size_t i;
    for (i = 0; i < a->n_calls; i++) {
        free(a->calls[i].id.data);
        free(a->calls[i].name.data);
        free(a->calls[i].arguments.data);
    }
    free(a->calls);
    free(a->words.data);
    free(a->thoughts.data);
    free(a->error.data);
}

static double answer_speed(const answer *a)
{
    double seconds = (double)(a->last - a->first) / 1e9;
    return a->n_tokens > 1 && seconds > 0 ? (double)(a->n_tokens - 1) / seconds : 0;
}

static tool_call *call_number(answer *a, size_t i)
{
    if (i >= CALLS_MOST || i > a->n_calls)
        return NULL;
    if (i == a->n_calls) {
        a->calls = (tool_call *)grow(a->calls, (a->n_calls + 1) * sizeof *a->calls);
        memset(&a->calls[a->n_calls++], 0, sizeof *a->calls);
        clear(&a->calls[i].id);
        clear(&a->calls[i].name);
        clear(&a->calls[i].arguments);
    }
    return &a->calls[i];
}

/* Some more of it: kept, and shown by who shows. */
static void hear(chat *c, answer *a, bool thought, const char *s, size_t n)
{
    if (n == 0)
        return;
    put(thought ? &a->thoughts : &a->words, s, n);
    if (c->on_words != NULL)
        c->on_words(c->on_words_user, thought, s, n);
}

static void count_token(answer *a, bool thought)
{
    a->last = llmc_os_nanoseconds();
    if (a->first == 0)
        a->first = a->last;
    a->n_tokens++;
    a->n_thoughts += thought;
}

/* Keys are looked at meanwhile, where there is a screen; waits for the socket, ms at most. */
static void meanwhile(chat *c, sock other, int ms)
{
    if (c->on_wait != NULL)
        c->on_wait(c->on_words_user, other, ms);
    else if (other != NO_SOCKET)
        (void)is_ready(other, POLLIN, ms);
}

/* ---- JSON that is written ---- */

/* A string with its quotes; what is no UTF-8 becomes U+FFFD. */
static void put_json_string(text *out, const char *s, size_t n)
{
    size_t i = 0;
    uint32_t c;
    put(out, "\"", 1);
    while (i < n) {
        i += next_char(s + i, n - i, &c);
        if (c == '"' || c == '\\')
            putf(out, "\\%c", (int)c);
        else if (c == '\n')
            put(out, "\\n", 2);
        else if (c < 32)
            putf(out, "\\u%04x", (unsigned)c);
        else
            put_char(out, c);
    }
    put(out, "\"", 1);
}

static void put_json_text(text *out, const char *words)
{
    put_json_string(out, words, strlen(words));
}

/* The value's string, behind what is in out; false: it is none. */
static bool get_string(llmc_json v, text *out)
{
    size_t n = llmc_json_string(v, NULL, 0);
    if (v.type != LLMC_JSON_STRING)
        return false;
    put(out, "", 0);
    out->cap = out->len + n + 1;
    out->data = (char *)grow(out->data, out->cap);
    (void)llmc_json_string(v, out->data + out->len, n + 1);
    out->len += n;
    out->data[out->len] = 0;
    return true;
}

static bool parse_json(const char *s, size_t n, llmc_json *out)
{
    llmc_blob blob;
    llmc_diag diag;
    memset(&blob, 0, sizeof blob);
    blob.data = s;
    blob.size = n;
    return llmc_json_parse(&blob, out, &diag) == LLMC_OK;
}

/* The calls as OpenAI's "tool_calls": [...]. */
static void put_calls(text *out, const answer *a)
{
    size_t i;
    llmc_json v;
    puts_to(out, "\"tool_calls\":[");
    for (i = 0; i < a->n_calls; i++) {
        const tool_call *call = &a->calls[i];
        puts_to(out, i > 0 ? ",{" : "{");
        if (call->id.len > 0) {
            puts_to(out, "\"id\":");
            put_json_string(out, call->id.data, call->id.len);
            puts_to(out, ",");
        }
        puts_to(out, "\"type\":\"function\",\"function\":{\"name\":");
        put_json_string(out, call->name.data, call->name.len);
        puts_to(out, ",\"arguments\":");
        if (parse_json(call->arguments.data, call->arguments.len, &v) && v.type == LLMC_JSON_OBJECT)
            put(out, call->arguments.data, call->arguments.len);
        else
            puts_to(out, "{}");
        puts_to(out, "}}");
    }
    puts_to(out, "]");
}

/* ---- messages ---- */

/* more: further members as a JSON object, or NULL. */
static void add_message_with(chat *c, const char *role, const char *words, const char *more)
{
    add_message(c, role, words);
    if (more != NULL)
        c->message[c->n_messages - 1].more =
            (char *)memcpy(grow(NULL, strlen(more) + 1), more, strlen(more) + 1);
}

/* An answer joins the conversation. */
static void keep_answer(chat *c, const answer *a)
{
    text more = {NULL, 0, 0};
    put(&more, "{", 1);
    if (a->thoughts.len > 0) {
        puts_to(&more, "\"reasoning_content\":");
        put_json_string(&more, a->thoughts.data, a->thoughts.len);
    }
    if (a->n_calls > 0) {
        puts_to(&more, more.len > 1 ? "," : "");
        put_calls(&more, a);
    }
    puts_to(&more, "}");
    add_message_with(c, "assistant", a->words.data, more.len > 2 ? more.data : NULL);
    free(more.data);
}

/* Where a checked value's text ends. */
static const char *json_end(llmc_json v)
{
    const char *p = v.text;
    int depth = 0;
    while (p < v.end) {
        if (*p == '"')
            for (p++; p < v.end && *p != '"'; p++)
                p += *p == '\\';
        else if (*p == '{' || *p == '[')
            depth++;
        else if (*p == '}' || *p == ']')
            depth--;
        else if (depth == 0 && p > v.text && strchr(",:]} \t\r\n", *p) != NULL)
            return p;
        p += p < v.end;
        if (depth == 0 && strchr("\"]}", p[-1]) != NULL)
            return p;
    }
    return v.end;
}

static void put_json_value(text *out, llmc_json v)
{
    put(out, v.text, (size_t)(json_end(v) - v.text));
}

/* Calls as servers want them: arguments in a string. */
static void put_server_calls(text *out, llmc_json calls)
{
    llmc_json call, function, v;
    llmc_json_iter it;
    bool first = true;
    memset(&it, 0, sizeof it);
    puts_to(out, "[");
    while (llmc_json_next(calls, &it, NULL, &call)) {
        function = llmc_json_get(call, "function");
        puts_to(out, first ? "{" : ",{");
        first = false;
        v = llmc_json_get(call, "id");
        if (v.type == LLMC_JSON_STRING) {
            puts_to(out, "\"id\":");
            put_json_value(out, v);
            puts_to(out, ",");
        }
        puts_to(out, "\"type\":\"function\",\"function\":{\"name\":");
        v = llmc_json_get(function, "name");
        if (v.type == LLMC_JSON_STRING)
            put_json_value(out, v);
        else
            puts_to(out, "\"\"");
        puts_to(out, ",\"arguments\":");
        v = llmc_json_get(function, "arguments");
        if (v.type == LLMC_JSON_STRING)
            put_json_value(out, v);
        else if (v.type == LLMC_JSON_OBJECT)
            put_json_string(out, v.text, (size_t)(json_end(v) - v.text));
        else
            puts_to(out, "\"{}\"");
        puts_to(out, "}}");
    }
    puts_to(out, "]");
}

/* {"role": ..., "content": ..., and the other members}; for a server without the thoughts, which some
   refuse. */
static void put_message(text *out, const llmc_message *m, bool for_server)
{
    llmc_json more, key, value;
    llmc_json_iter it;
    puts_to(out, "{\"role\":");
    put_json_text(out, m->role);
    puts_to(out, ",\"content\":");
    put_json_text(out, m->text != NULL ? m->text : "");
    memset(&it, 0, sizeof it);
    if (m->more != NULL && parse_json(m->more, strlen(m->more), &more))
        while (llmc_json_next(more, &it, &key, &value)) {
            if (for_server && llmc_json_equal(key, "reasoning_content"))
                continue;
            puts_to(out, ",");
            put_json_value(out, key);
            puts_to(out, ":");
            if (for_server && llmc_json_equal(key, "tool_calls"))
                put_server_calls(out, value);
            else
                put_json_value(out, value);
        }
    puts_to(out, "}");
}

/* ---- an answer of the model here ---- */

/* One event of the reply's parser. */
static void hear_event(chat *c, answer *a, const llmc_reply_event *e)
{
    tool_call *call;
    switch (e->kind) {
    case LLMC_REPLY_TEXT:
        hear(c, a, false, e->text, e->len);
        break;
    case LLMC_REPLY_REASONING:
        hear(c, a, true, e->text, e->len);
        break;
    case LLMC_REPLY_CALL_BEGIN:
        (void)call_number(a, a->n_calls);
        break;
    case LLMC_REPLY_CALL_ARGUMENTS:
        call = a->n_calls > 0 ? call_number(a, a->n_calls - 1) : NULL;
        if (call != NULL)
            put(&call->arguments, e->text, e->len);
        break;
    case LLMC_REPLY_CALL_END:
        call = a->n_calls > 0 ? call_number(a, a->n_calls - 1) : NULL;
        if (call != NULL) {
            puts_to(&call->name, e->name);
            puts_to(&call->id, e->id);
        }
        break;
    case LLMC_REPLY_ERROR: /* a call that is none: its words are the answer's */
        if (a->n_calls > 0 && a->calls[a->n_calls - 1].name.len == 0) {
            free(a->calls[--a->n_calls].id.data);
            free(a->calls[a->n_calls].name.data);
            free(a->calls[a->n_calls].arguments.data);
        }
        put(&a->error, e->text, e->len);
        break;
    }
}

/* The end of what the model has read, which may have opened its thoughts. */
static void put_prompt_end(chat *c, text *out)
{
    const llmc_tokenizer *tok = llmc_model_tokenizer(c->host.model);
    llmc_decode_options opt;
    llmc_diag diag;
    size_t n, len = 0, take;
    const llmc_token *ids = llmc_seq_ids(c->host.seq, &n);
    memset(&opt, 0, sizeof opt);
    opt.show_special = true;
    take = n < 64 ? n : 64;
    (void)llmc_decode(tok, ids + n - take, take, &opt, NULL, 0, &len, &diag);
    out->cap = len + 1;
    out->data = (char *)grow(out->data, out->cap);
    if (llmc_decode(tok, ids + n - take, take, &opt, out->data, len, &len, &diag) != LLMC_OK)
        len = 0;
    out->len = len;
    out->data[len] = 0;
}

/* A parser for the reply that comes now; NULL: the text is taken as it stands. */
static llmc_reply *open_reply(chat *c, void **memory)
{
    llmc_reply_options opt;
    llmc_reply *reply = NULL;
    llmc_diag diag;
    text prompt = {NULL, 0, 0};
    if (c->reply == LLMC_REPLY_PLAIN)
        return NULL;
    put_prompt_end(c, &prompt);
    memset(&opt, 0, sizeof opt);
    opt.format = c->reply;
    opt.prompt = prompt.data;
    opt.prompt_len = prompt.len;
    if (c->tools_json != NULL) {
        opt.tools = c->tools_json;
        opt.tools_len = strlen(c->tools_json);
    }
    *memory = grow(NULL, llmc_reply_need());
    if (llmc_reply_init(&reply, &opt, *memory, llmc_reply_need(), &diag) != LLMC_OK)
        reply = NULL;
    free(prompt.data);
    return reply;
}

static void hear_reply(chat *c, answer *a, llmc_reply *reply, const char *s, size_t n)
{
    llmc_reply_event event;
    llmc_diag diag;
    if (reply == NULL) {
        hear(c, a, false, s, n);
        return;
    }
    if (s != NULL)
        (void)llmc_reply_feed(reply, s, n, &diag);
    else
        llmc_reply_finish(reply);
    while (llmc_reply_next(reply, &event))
        hear_event(c, a, &event);
}

/* The sequence's tokens become those of the conversation. */
static llmc_status read_conversation(chat *c, llmc_diag *diag)
{
    llmc_status status = LLMC_OK;
    if (c->format != LLMC_CHAT_RAW)
        return read_messages(c, diag);
    if (c->n_in_seq > c->n_messages) {
        llmc_seq_truncate(c->host.seq, 0, NULL);
        c->n_in_seq = 0;
    }
    while (status == LLMC_OK && c->n_in_seq < c->n_messages) {
        const char *words = c->message[c->n_in_seq++].text;
        status = llmc_seq_add_text(c->host.seq, words, strlen(words), diag);
    }
    return status;
}

/* What the model here answers to the conversation. */
static void local_answer(chat *c, answer *a)
{
    void *memory = NULL;
    llmc_reply *reply;
    llmc_piece piece;
    llmc_diag diag;
    llmc_status status;
    size_t before, after;
    (void)llmc_seq_ids(c->host.seq, &before);
    status = read_conversation(c, &diag);
    if (status != LLMC_OK) {
        puts_to(&a->error, diag.message);
        return;
    }
    (void)llmc_seq_ids(c->host.seq, &after);
    a->n_read = (uint32_t)(after > before ? after - before : after);
    reply = open_reply(c, &memory);
    while (!interrupted && (status = llmc_seq_next(c->host.seq, &piece, &diag)) == LLMC_OK) {
        hear_reply(c, a, reply, piece.text, piece.text_len);
        count_token(a, a->words.len == 0 && a->thoughts.len > 0);
        meanwhile(c, NO_SOCKET, 0);
    }
    if (status != LLMC_OK && status != LLMC_DONE && !interrupted)
        puts_to(&a->error, diag.message);
    if (reply != NULL)
        hear_reply(c, a, reply, NULL, 0);
    free(memory);
    a->done = status == LLMC_DONE;
    a->cut = llmc_seq_finish(c->host.seq) == LLMC_FINISH_LENGTH ||
             llmc_seq_finish(c->host.seq) == LLMC_FINISH_CONTEXT;
    c->n_in_seq = c->n_messages + 1; /* RAW: with the answer */
}

/* ---- an answer of a server ---- */

/* Settings of the sampler that were asked for; others are the server's. */
static void put_sampling(chat *c, text *out)
{
    const settings *s = &c->set;
    static const struct {
        const char *option, *member;
    } sent[] = {{"temp", "temperature"},
                {"top-k", "top_k"},
                {"top-p", "top_p"},
                {"min-p", "min_p"},
                {"typical", "typical_p"},
                {"repeat-penalty", "repeat_penalty"},
                {"frequency-penalty", "frequency_penalty"},
                {"presence-penalty", "presence_penalty"},
                {"predict", "max_tokens"}};
    size_t i;
    for (i = 0; i < sizeof sent / sizeof sent[0]; i++) {
        int k = row_named(sent[i].option);
        const char *at = (const char *)s + rows[k].at;
        uint32_t whole;
        float real;
        if (!s->said[k])
            continue;
        memcpy(&whole, at, sizeof whole);
        memcpy(&real, at, sizeof real);
        if (rows[k].kind == AS_WHOLE && whole != UINT32_MAX)
            putf(out, ",\"%s\":%u", sent[i].member, (unsigned)whole);
        else if (rows[k].kind == AS_REAL)
            putf(out, ",\"%s\":%.7g", sent[i].member, (double)real);
    }
    if (s->seed != NULL)
        putf(out, ",\"seed\":%llu", (unsigned long long)s->sample.seed);
}

/* The headers that all requests have, and the empty line. */
static void put_common_headers(chat *c, text *out)
{
    bool six = strchr(c->server.host, ':') != NULL;
    putf(out, "Host: %s%s%s:%s\r\nUser-Agent: llmc-chat\r\nAccept: text/event-stream, application/json\r\n",
         six ? "[" : "", c->server.host, six ? "]" : "", c->server.port);
    if (c->set.api_key != NULL)
        putf(out, "Authorization: Bearer %.512s\r\n", c->set.api_key);
    puts_to(out, "Connection: close\r\n\r\n");
}

static void put_request(chat *c, text *out)
{
    text body = {NULL, 0, 0};
    size_t i;
    puts_to(&body, "{\"model\":");
    put_json_text(&body, c->model_name);
    puts_to(&body, ",\"messages\":[");
    for (i = 0; i < c->n_messages; i++) {
        puts_to(&body, i > 0 ? "," : "");
        put_message(&body, &c->message[i], true);
    }
    puts_to(&body, "],\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    put_sampling(c, &body);
    if (c->set.n_stop > 0)
        puts_to(&body, ",\"stop\":[");
    for (i = 0; i < c->set.n_stop; i++) {
        puts_to(&body, i > 0 ? "," : "");
        put_json_text(&body, c->set.stop[i]);
    }
    puts_to(&body, c->set.n_stop > 0 ? "]" : "");
    if (c->tools_json != NULL) {
        puts_to(&body, ",\"tools\":");
        puts_to(&body, c->tools_json);
    }
    puts_to(&body, "}");
    putf(out,
         "POST %s/chat/completions HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %llu\r\n",
         c->server.path, (unsigned long long)body.len);
    put_common_headers(c, out);
    put(out, body.data, body.len);
    free(body.data);
}

/* Whose events these are. */
typedef struct listener {
    chat *c;
    answer *a;
} listener;

static void hear_calls(answer *a, llmc_json calls)
{
    llmc_json call, function;
    llmc_json_iter it;
    memset(&it, 0, sizeof it);
    while (llmc_json_next(calls, &it, NULL, &call)) {
        int64_t i = llmc_json_integer(llmc_json_get(call, "index"), (int64_t)a->n_calls);
        tool_call *mine = i >= 0 ? call_number(a, (size_t)i) : NULL;
        if (mine == NULL)
            continue;
        function = llmc_json_get(call, "function");
        (void)get_string(llmc_json_get(call, "id"), &mine->id);
        (void)get_string(llmc_json_get(function, "name"), &mine->name);
        (void)get_string(llmc_json_get(function, "arguments"), &mine->arguments);
    }
}

static void hear_part(listener *l, llmc_json part)
{
    text words = {NULL, 0, 0}, thoughts = {NULL, 0, 0};
    if (!get_string(llmc_json_get(part, "reasoning_content"), &thoughts))
        (void)get_string(llmc_json_get(part, "reasoning"), &thoughts);
    (void)get_string(llmc_json_get(part, "content"), &words);
    if (words.len > 0 || thoughts.len > 0)
        count_token(l->a, words.len == 0);
    if (thoughts.len > 0)
        hear(l->c, l->a, true, thoughts.data, thoughts.len);
    if (words.len > 0)
        hear(l->c, l->a, false, words.data, words.len);
    hear_calls(l->a, llmc_json_get(part, "tool_calls"));
    free(words.data);
    free(thoughts.data);
}

/* {"error": {"message": ...}}, or "error" as a text. */
static bool hear_error(answer *a, llmc_json root)
{
    llmc_json error = llmc_json_get(root, "error");
    if (error.type != LLMC_JSON_OBJECT && error.type != LLMC_JSON_STRING)
        return false;
    clear(&a->error);
    if (!get_string(error, &a->error) && !get_string(llmc_json_get(error, "message"), &a->error))
        puts_to(&a->error, "an error without a message");
    return true;
}

/* A chunk of a stream, or an answer in one piece. */
static void hear_json(listener *l, const char *data, size_t n)
{
    llmc_json root, choice, part, usage;
    llmc_json_iter it;
    if (!parse_json(data, n, &root)) {
        puts_to(&l->a->error, "what it sends is no JSON");
        return;
    }
    if (hear_error(l->a, root))
        return;
    memset(&it, 0, sizeof it);
    if (llmc_json_next(llmc_json_get(root, "choices"), &it, NULL, &choice)) {
        part = llmc_json_get(choice, "delta");
        hear_part(l, part.type == LLMC_JSON_OBJECT ? part : llmc_json_get(choice, "message"));
        l->a->cut = l->a->cut || llmc_json_equal(llmc_json_get(choice, "finish_reason"), "length");
    }
    usage = llmc_json_get(root, "usage");
    if (usage.type == LLMC_JSON_OBJECT) {
        int64_t said = llmc_json_integer(llmc_json_get(usage, "completion_tokens"), -1);
        int64_t read = llmc_json_integer(llmc_json_get(usage, "prompt_tokens"), -1);
        l->a->n_tokens = said > 0 && said < INT32_MAX ? (uint32_t)said : l->a->n_tokens;
        l->a->n_read = read > 0 && read < INT32_MAX ? (uint32_t)read : l->a->n_read;
    }
}

static void on_event(void *user, const char *data, size_t n)
{
    listener *l = (listener *)user;
    if (n == 6 && memcmp(data, "[DONE]", 6) == 0)
        l->a->done = true;
    else if (!l->a->done && l->a->error.len == 0)
        hear_json(l, data, n);
}

/* Waits for it, 10 s at most, or until Ctrl-C. */
static bool await_connection(chat *c, sock s)
{
    int tries, error = 0;
#ifdef _WIN32
    int len = sizeof error;
#else
    socklen_t len = sizeof error;
#endif
    for (tries = 0; tries < 100 && !interrupted; tries++) {
        if (is_ready(s, POLLOUT, 100))
            return SYS(getsockopt)(s, SOL_SOCKET, SO_ERROR, (char *)&error, &len) == 0 && error == 0;
        meanwhile(c, NO_SOCKET, 0);
    }
    return false;
}

static sock connect_to(chat *c)
{
    struct addrinfo want, *list = NULL, *a;
    sock s = NO_SOCKET;
    memset(&want, 0, sizeof want);
    want.ai_socktype = SOCK_STREAM;
    if (SYS(getaddrinfo)(c->server.host, c->server.port, &want, &list) != 0)
        return s;
    for (a = list; a != NULL && s == NO_SOCKET; a = a->ai_next) {
        s = begin_connection(a);
        if (s != NO_SOCKET && !await_connection(c, s)) {
            close_sock(s);
            s = NO_SOCKET;
        }
    }
    SYS(freeaddrinfo)(list);
    return s;
}

/* Sends all of it; false: the connection broke, or Ctrl-C. */
static bool send_all(chat *c, sock s, const text *t)
{
    size_t at = 0;
    while (at < t->len && !interrupted) {
        long done = (long)SYS(send)(s, t->data + at, SIZE_ARG(t->len - at < 65536 ? t->len - at : 65536), 0);
        if (done < 0 && !would_wait())
            return false;
        if (done < 0) {
            (void)is_ready(s, POLLOUT, 50);
            meanwhile(c, NO_SOCKET, 0);
        }
        at += done > 0 ? (size_t)done : 0;
    }
    return !interrupted;
}

/* A request, and the answer to its end, or until *done or Ctrl-C. NULL, or what went wrong. */
static const char *exchange(chat *c, const text *request, http *h, const bool *done)
{
    char part[16384];
    const char *why = NULL;
    long n;
    sock s = connect_to(c);
    if (s == NO_SOCKET)
        return "it cannot be reached";
    http_begin(h);
    if (!send_all(c, s, request))
        why = "the connection broke";
    while (why == NULL && !interrupted && !*done && h->step < HTTP_DONE) {
        meanwhile(c, s, 100);
        n = (long)SYS(recv)(s, part, SIZE_ARG(sizeof part), 0);
        if (n > 0)
            http_feed(h, part, (size_t)n);
        else if (n == 0)
            http_end(h);
        else if (!would_wait())
            why = "the connection broke";
    }
    if (why == NULL && h->step == HTTP_BAD)
        why = h->why;
    close_sock(s);
    return why;
}

static void server_answer(chat *c, answer *a)
{
    listener l;
    text request = {NULL, 0, 0};
    const char *why;
    http h;
    memset(&h, 0, sizeof h);
    l.c = c;
    l.a = a;
    h.on_event = on_event;
    h.user = &l;
    put_request(c, &request);
    why = exchange(c, &request, &h, &a->done);
    if (why == NULL && !h.events && !interrupted && h.data.len > 0 && h.status > 0)
        hear_json(&l, h.data.data, h.data.len);
    if (why == NULL && h.status != 200 && !interrupted && a->error.len == 0)
        putf(&a->error, "it answers with status %d", h.status);
    if (why != NULL && !interrupted)
        puts_to(&a->error, why);
    if (a->error.len > 0) {
        text whole = {NULL, 0, 0};
        putf(&whole, "%.200s: ", c->set.server);
        put(&whole, a->error.data, a->error.len);
        free(a->error.data);
        a->error = whole;
    }
    free(request.data);
    http_free(&h);
}

/* How long its context is, where it says so as llama.cpp's server does. */
static void ask_context(chat *c)
{
    text request = {NULL, 0, 0};
    llmc_json root;
    const bool never = false;
    size_t n = strlen(c->server.path);
    int64_t context = 0;
    http h;
    memset(&h, 0, sizeof h);
    if (n >= 3 && strcmp(c->server.path + n - 3, "/v1") == 0)
        n -= 3;
    putf(&request, "GET %.*s/props HTTP/1.1\r\n", (int)n, c->server.path);
    put_common_headers(c, &request);
    if (exchange(c, &request, &h, &never) == NULL && h.status == 200 &&
        parse_json(h.data.data, h.data.len, &root))
        context =
            llmc_json_integer(llmc_json_get(llmc_json_get(root, "default_generation_settings"), "n_ctx"), 0);
    c->server_context = context > 0 && context < INT32_MAX ? (uint32_t)context : 0;
    free(request.data);
    http_free(&h);
}

/* Asks the server for its models, so that a wrong address is known at once; takes the first one's name. */
static int greet_server(chat *c)
{
    text request = {NULL, 0, 0};
    llmc_json root, first;
    llmc_json_iter it;
    const bool never = false;
    const char *why;
    http h;
    int code = parse_address(c->set.server, &c->server);
    if (code == EXIT_OK)
        code = start_sockets();
    if (code != EXIT_OK)
        return code;
    memset(&h, 0, sizeof h);
    memset(&it, 0, sizeof it);
    snprintf(c->model_name, sizeof c->model_name, "%.250s", c->set.model != NULL ? c->set.model : "default");
    putf(&request, "GET %s/models HTTP/1.1\r\n", c->server.path);
    put_common_headers(c, &request);
    why = exchange(c, &request, &h, &never);
    if (why != NULL)
        code = complain(EXIT_FAILED, "%s: %s", c->set.server, why);
    else if (h.status == 401 || h.status == 403)
        code = complain(EXIT_FAILED, "%s: it wants another --api-key", c->set.server);
    else if (h.status == 200 && parse_json(h.data.data, h.data.len, &root) &&
             llmc_json_next(llmc_json_get(root, "data"), &it, NULL, &first)) {
        if (c->set.model == NULL)
            (void)llmc_json_string(llmc_json_get(first, "id"), c->model_name, sizeof c->model_name);
    }
    free(request.data);
    http_free(&h);
    if (code == EXIT_OK)
        ask_context(c);
    return code;
}

/* One answer to the conversation as it stands. */
static void get_answer(chat *c, answer *a)
{
    answer_begin(a);
    if (c->set.server != NULL)
        server_answer(c, a);
    else
        local_answer(c, a);
    c->n_read += a->n_read;
    c->n_said += a->n_tokens;
}

static void print_words(void *user, bool thought, const char *words, size_t n)
{
    (void)user;
    if (!thought) {
        fwrite(words, 1, n, stdout);
        fflush(stdout);
    }
}

/* One question to the server, its answer on stdout. */
static int respond_from_server(chat *c, const char *prompt)
{
    answer a;
    int code = EXIT_OK;
    add_message(c, "user", prompt);
    c->on_words = print_words;
    get_answer(c, &a);
    if (a.words.len > 0)
        fputc('\n', stdout);
    if (fflush(stdout) != 0 || ferror(stdout))
        code = complain(EXIT_FAILED, "the output cannot be written");
    if (a.error.len > 0)
        code = complain(c->talking ? EXIT_OK : EXIT_FAILED, "%s", a.error.data);
    else if (!interrupted)
        inform(c, "%u tokens read, %u generated (%.1f tokens/s)", (unsigned)a.n_read, (unsigned)a.n_tokens,
               answer_speed(&a));
    if (a.words.len > 0)
        keep_answer(c, &a);
    else
        drop_messages(c, c->n_messages - 1, c->n_messages);
    answer_free(&a);
    return code;
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
    if (messages && memchr(prompt, 0, len) != NULL)
        return complain(EXIT_FAILED, "the prompt has NUL bytes: not a text");
    if (c->set.server != NULL)
        return respond_from_server(c, prompt);
    (void)llmc_seq_ids(c->host.seq, &n_before);
    if (messages)
        add_message(c, "user", prompt);
    status = messages ? read_messages(c, &diag) : llmc_seq_add_text(c->host.seq, prompt, len, &diag);
    if (status != LLMC_OK) {
        if (messages)
            drop_messages(c, c->n_messages - 1, c->n_messages);
        code = fail(c, &diag);
        return c->talking && (status == LLMC_FULL || status == LLMC_NO_MEMORY) ? EXIT_OK : code;
    }
    code = c->set.beams > 0 ? speak_best(c) : speak(c, n_before);
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

/* ---- sessions ---- */

/* What a session's note begins with: a conversation's messages follow, role and text, each with its NUL. */
static const char *session_kind(const chat *c)
{
    return c->format == LLMC_CHAT_RAW ? "raw" : "chat";
}

/* The string at *p, which moves behind it; NULL: no NUL is left. */
static const char *next_string(const char **p, const char *end)
{
    const char *begin = *p, *nul = (const char *)memchr(begin, 0, (size_t)(end - begin));
    if (nul != NULL)
        *p = nul + 1;
    return nul != NULL ? begin : NULL;
}

/* The messages of a note. --system takes the place of the one that was saved. */
static bool take_note(chat *c, const char *note, size_t n)
{
    static const char *const roles[] = {"system", "user", "assistant"};
    const char *end = note + n, *role, *words;
    size_t i, seen = 0;
    (void)next_string(&note, end); /* its kind has been looked at */
    while (note < end) {
        if ((role = next_string(&note, end)) == NULL || (words = next_string(&note, end)) == NULL)
            return false;
        for (i = 0; i < 3 && strcmp(role, roles[i]) != 0; i++)
            ;
        if (i == 3 || (i == 0 && seen > 0)) /* one of ours, and a system message only at the beginning */
            return false;
        seen++;
        if (i == 0 && c->set.system != NULL)
            continue;
        add_message(c, roles[i], words);
    }
    return true;
}

/* --session, if its file is there. One that cannot be used, or saved in the end, stops the program before
   anything is said. */
static int load_session(chat *c)
{
    const char *path = c->set.session, *kind = session_kind(c);
    const void *note = NULL;
    size_t n = 0;
    llmc_os_save *trial;
    llmc_blob file;
    llmc_diag diag;
    FILE *there;
    int code = EXIT_OK;
    if (path == NULL || ends_with(path, ".jsonl"))
        return EXIT_OK;
    if (llmc_os_save_begin(&trial, path, &diag) != LLMC_OK)
        return complain(EXIT_FAILED, "%s", diag.message);
    llmc_os_save_drop(trial);
    there = open_file(path, "rb");
    if (there == NULL && errno == ENOENT)
        return EXIT_OK;
    if (there != NULL)
        fclose(there);
    if (llmc_map_open(&file, path, &diag) != LLMC_OK)
        return complain(EXIT_FAILED, "%s", diag.message);
    if (llmc_session_note(file.data, file.size, &note, &n, &diag) != LLMC_OK ||
        llmc_seq_restore(c->host.seq, file.data, file.size, &diag) != LLMC_OK)
        code = complain(EXIT_FAILED, "%s: %s", path, diag.message);
    else if (n <= strlen(kind) || memcmp(note, kind, strlen(kind) + 1) != 0)
        code = complain(EXIT_FAILED, "%s: it was saved %s a chat template, and now there is %s", path,
                        c->format == LLMC_CHAT_RAW ? "with" : "without",
                        c->format == LLMC_CHAT_RAW ? "none" : "one");
    else if (!take_note(c, (const char *)note, n))
        code = complain(EXIT_FAILED, "%s: no session of chat: its messages cannot be read", path);
    (void)llmc_seq_ids(c->host.seq, &n);
    if (code == EXIT_OK)
        inform(c, "%s: %u tokens, %u messages", path, (unsigned)n, (unsigned)c->n_messages);
    llmc_map_close(&file);
    return code;
}

static int save_session(chat *c)
{
    llmc_seq_save_options opt;
    llmc_diag diag;
    llmc_status status;
    text note = {NULL, 0, 0};
    size_t i;
    if (c->set.session == NULL || ends_with(c->set.session, ".jsonl"))
        return EXIT_OK;
    interrupted = 0; /* a Ctrl-C that ended the conversation does not end this */
    put(&note, session_kind(c), strlen(session_kind(c)) + 1);
    for (i = 0; i < c->n_messages; i++) {
        put(&note, c->message[i].role, strlen(c->message[i].role) + 1);
        put(&note, c->message[i].text, strlen(c->message[i].text) + 1);
    }
    memset(&opt, 0, sizeof opt);
    opt.note = note.data;
    opt.note_len = note.len;
    opt.progress.fn = on_progress;
    opt.progress.user = c;
    status = llmc_seq_save_file(c->host.seq, c->set.session, &opt, &diag);
    free(note.data);
    wipe_meter(c);
    return status == LLMC_OK ? EXIT_OK : fail(c, &diag);
}

/* ---- once ---- */

static int read_all(text *out, const char *path)
{
    char part[4096];
    size_t n;
    bool standard = path == NULL || strcmp(path, "-") == 0;
    FILE *f = standard ? stdin : open_file(path, "rb");
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
        drop_messages(c, has_system(c), c->n_messages);
        if (c->host.seq != NULL)
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
                c->format == LLMC_CHAT_RAW && c->set.server == NULL
                    ? "No chat template: the model continues your text"
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

/* ---- conversations in files: a message a line, as JSON ---- */

/* Where conversations and the lines typed are kept, ending in a slash; its folders are made. False:
   nowhere. */
static bool state_folder(text *out)
{
#ifdef _WIN32
    const char *base = getenv("LOCALAPPDATA"), *below = "\\llmc";
#else
    const char *base = getenv("XDG_STATE_HOME"), *below = "/llmc";
    if (base == NULL || base[0] != '/') { /* the specification says so */
        base = getenv("HOME");
        below = "/.local/state/llmc";
    }
#endif
    clear(out);
    if (base == NULL || base[0] == 0)
        return false;
    puts_to(out, base);
    for (; *below != 0; below++) {
        if (*below == '/' || *below == '\\')
            (void)make_folder(out->data, 0700);
        put(out, below, 1);
    }
    if (!make_folder(out->data, 0700))
        return false;
    puts_to(out, "/");
    return true;
}

/* The conversation so far, in the place of what the file held. */
static int save_conversation(chat *c, const char *path)
{
    llmc_os_save *save;
    llmc_diag diag;
    text line = {NULL, 0, 0};
    const llmc_writer *w;
    size_t i;
    bool good = true;
    if (llmc_os_save_begin(&save, path, &diag) != LLMC_OK)
        return fail(c, &diag);
    w = llmc_os_save_writer(save);
    for (i = 0; i < c->n_messages && good; i++) {
        clear(&line);
        put_message(&line, &c->message[i], false);
        puts_to(&line, "\n");
        good = w->write(w->user, line.data, line.len);
    }
    free(line.data);
    if (!good) {
        llmc_os_save_drop(save);
        return complain(EXIT_FAILED, "%s: it cannot be written", path);
    }
    return llmc_os_save_commit(save, &diag) == LLMC_OK ? EXIT_OK : fail(c, &diag);
}

/* One line of such a file. False: it is no message. */
static bool take_message(chat *c, const char *line, size_t n)
{
    static const char *const roles[] = {"system", "user", "assistant", "tool"};
    text words = {NULL, 0, 0}, more = {NULL, 0, 0};
    llmc_json root, key, value;
    llmc_json_iter it;
    size_t i = 0;
    if (!parse_json(line, n, &root) || root.type != LLMC_JSON_OBJECT)
        return false;
    value = llmc_json_get(root, "role");
    while (i < 4 && !llmc_json_equal(value, roles[i]))
        i++;
    value = llmc_json_get(root, "content");
    if (i == 4 || (i == 0 && c->n_messages > (c->set.system != NULL ? 1u : 0u)) ||
        (!get_string(value, &words) && value.type != LLMC_JSON_NULL))
        return false;
    memset(&it, 0, sizeof it);
    puts_to(&more, "{");
    while (llmc_json_next(root, &it, &key, &value)) {
        if (llmc_json_equal(key, "role") || llmc_json_equal(key, "content"))
            continue;
        puts_to(&more, more.len > 1 ? "," : "");
        put_json_value(&more, key);
        puts_to(&more, ":");
        put_json_value(&more, value);
    }
    puts_to(&more, "}");
    if (i > 0 || c->set.system == NULL)
        add_message_with(c, roles[i], words.data != NULL ? words.data : "", more.len > 2 ? more.data : NULL);
    free(words.data);
    free(more.data);
    return true;
}

/* The file's messages in the place of those that were; --system replaces the one that was saved. On failure
   nothing changes. */
static int load_conversation(chat *c, const char *path)
{
    llmc_message *old = c->message;
    size_t n_old = c->n_messages;
    llmc_blob file;
    llmc_diag diag;
    const char *p, *end, *stop;
    unsigned line = 1;
    int code = EXIT_OK;
    if (llmc_map_open(&file, path, &diag) != LLMC_OK)
        return fail(c, &diag);
    c->message = NULL;
    c->n_messages = 0;
    if (c->set.system != NULL)
        add_message(c, "system", c->set.system);
    p = (const char *)file.data;
    end = p + file.size;
    for (; code == EXIT_OK && p < end; p = stop + 1, line++) {
        stop = (const char *)memchr(p, '\n', (size_t)(end - p));
        stop = stop != NULL ? stop : end;
        if (stop > p && !take_message(c, p, (size_t)(stop - p)))
            code = complain(EXIT_FAILED, "%s:%u: not a message: expected {\"role\": ..., \"content\": ...}",
                            path, line);
    }
    llmc_map_close(&file);
    free_messages(code == EXIT_OK ? old : c->message, code == EXIT_OK ? n_old : c->n_messages);
    if (code == EXIT_OK) {
        c->n_in_seq = SIZE_MAX;
        return code;
    }
    c->message = old;
    c->n_messages = n_old;
    return code;
}

/* A name for a new conversation's file. */
static void name_file(chat *c)
{
    time_t now = time(NULL);
    struct tm *tm = gmtime(&now);
    char name[64] = "chat";
    if (!state_folder(&c->file))
        return;
    if (tm != NULL)
        strftime(name, sizeof name, "%Y%m%d-%H%M%S", tm);
    putf(&c->file, "%s-%05u.jsonl", name, (unsigned)(llmc_os_nanoseconds() / 1000 % 100000));
}

/* The conversation is kept, if one is wanted. */
static void keep_conversation(chat *c)
{
    if (c->forget || c->n_messages == 0 || (c->n_messages == 1 && strcmp(c->message[0].role, "system") == 0))
        return;
    if (c->file.len == 0)
        name_file(c);
    if (c->file.len == 0 || save_conversation(c, c->file.data) != EXIT_OK)
        c->forget = true; /* said once */
}

typedef struct newest {
    char name[256];
    int64_t modified;
} newest;

static bool see_entry(void *user, const llmc_os_entry *entry)
{
    newest *n = (newest *)user;
    bool later =
        entry->modified > n->modified || (entry->modified == n->modified && strcmp(entry->name, n->name) > 0);
    if (entry->file && ends_with(entry->name, ".jsonl") && strlen(entry->name) < sizeof n->name && later) {
        memcpy(n->name, entry->name, strlen(entry->name) + 1);
        n->modified = entry->modified;
    }
    return true;
}

/* --continue: the conversation that was held last. */
static int continue_last(chat *c)
{
    newest last;
    llmc_diag diag;
    memset(&last, 0, sizeof last);
    last.modified = INT64_MIN;
    if (!state_folder(&c->file))
        return complain(EXIT_FAILED, "--continue: there is no folder for conversations (HOME is not set)");
    if (llmc_os_list(c->file.data, see_entry, &last, &diag) != LLMC_OK)
        return fail(c, &diag);
    if (last.name[0] == 0)
        return complain(EXIT_FAILED, "--continue: %s has no conversation", c->file.data);
    puts_to(&c->file, last.name);
    return load_conversation(c, c->file.data);
}

/* --continue and --session of a name that ends in .jsonl. */
static int take_up(chat *c)
{
    FILE *there;
    if (c->set.go_on)
        return continue_last(c);
    if (c->set.session == NULL || !ends_with(c->set.session, ".jsonl"))
        return EXIT_OK;
    clear(&c->file);
    puts_to(&c->file, c->set.session);
    there = open_file(c->set.session, "rb");
    if (there == NULL && errno == ENOENT)
        return EXIT_OK;
    if (there != NULL)
        fclose(there);
    return load_conversation(c, c->set.session);
}

/* ---- the screen ----

   What is finished is printed once, and belongs to the terminal's own scrollback then. Below it is the live
   part, which is drawn anew in place: the unfinished end of an answer, the input between two rules, a line
   of status. */

typedef struct screen {
    chat *c;
    terminal term;
    editor edit;
    markdown words, thoughts;
    text finished; /* lines to be printed above the live part */
    text live;     /* as it was drawn */
    int cursor_row, cursor_column;
    text bytes; /* just read; the first n_taken of them have become keys */
    size_t n_taken;
    text hint;        /* shown instead of the status until the next key */
    text files;       /* of /file, for the next message */
    size_t first_row; /* of the input that is shown */
    bool dirty, answering, thinking, show_thoughts, submitted, quit;
    uint64_t drawn, typed, pressed, asked; /* when, in nanoseconds */
    tool_box *box;                         /* of /tools; NULL: none are offered */
    text question;                         /* whether a tool may do that; empty: nothing is asked */
    tool_answer may;                       /* and what was answered */
    answer *now;                           /* that comes in */
    answer last;
    text last_thoughts;
} screen;

/* Columns of a line with escapes of style in it. */
static int shown_width(const char *s, size_t n)
{
    size_t i = 0;
    int w = 0;
    uint32_t c;
    while (i < n) {
        if (s[i] == 27) {
            while (i < n && s[i] != 'm')
                i++;
            i++;
            continue;
        }
        i += next_char(s + i, n - i, &c);
        w += char_width(c);
    }
    return w;
}

/* A line of the screen, and blanks instead of what stood there. */
static void put_screen_line(screen *s, text *out, const char *line, size_t n)
{
    put(out, line, n);
    if (shown_width(line, n) < s->term.columns)
        puts_to(out, "\033[K");
}

static void print_styled(screen *s, unsigned style, const char *words)
{
    glyphs g = {NULL, 0, 0};
    size_t len, at, next;
    for (;; words += len + 1) {
        len = strcspn(words, "\n");
        g.n = 0;
        add_text(&g, words, len, style);
        for (at = 0; at < g.n || at == 0; at += next) {
            size_t fit = g.n > 0 ? fit_line(g.g + at, g.n - at, s->term.columns, &next) : 0;
            put_glyphs(&s->finished, g.g + at, fit);
            puts_to(&s->finished, "\n");
            if (g.n == 0)
                break;
        }
        if (words[len] == 0)
            break;
    }
    free(g.g);
    s->dirty = true;
}

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static void
print_line(screen *s, unsigned style, const char *fmt, ...)
{
    char line[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    print_styled(s, style, line);
}

/* What was complained about meanwhile. */
static void print_complaints(screen *s)
{
    if (complaints == NULL || complaints->len == 0)
        return;
    if (complaints->data[complaints->len - 1] == '\n')
        complaints->data[--complaints->len] = 0;
    print_styled(s, RED, complaints->data);
    clear(complaints);
}

static void put_bytes(text *out, double bytes)
{
    if (bytes >= 1e9)
        putf(out, "%.1f GB", bytes / 1e9);
    else
        putf(out, "%.0f MB", bytes / 1e6 < 1 ? 1 : bytes / 1e6);
}

static double memory_bytes(const chat *c)
{
    double sum = (double)c->host.model_bytes + (double)c->host.engine_bytes;
    uint32_t i;
    for (i = 0; i < c->host.n_files; i++)
        sum += (double)c->host.files[i].size;
    return c->host.n_files > 0 ? sum : sum + (double)c->host.file.size;
}

static void put_status(screen *s, text *out)
{
    const chat *c = s->c;
    const answer *a = s->now != NULL ? s->now : &s->last;
    const char *name = c->model_name;
    double speed = answer_speed(a);
    size_t n = 0;
    if (s->answering)
        puts_to(out, s->submitted ? "your message waits" : "Esc stops");
    else
        puts_to(out, "/help");
    putf(out, " \xc2\xb7 %.40s", name);
    if (s->now != NULL && a->n_tokens == 0)
        puts_to(out, c->bar_text[0] != 0 ? c->bar_text : " \xc2\xb7 reading");
    else if (speed > 0)
        putf(out, " \xc2\xb7 %.1f tokens/s", speed);
    if (c->set.server == NULL && c->host.seq != NULL) {
        (void)llmc_seq_ids(c->host.seq, &n);
        putf(out, " \xc2\xb7 context %u/%u \xc2\xb7 ", (unsigned)n,
             (unsigned)llmc_engine_context(c->host.engine));
        put_bytes(out, memory_bytes(c));
    } else if (c->set.server != NULL) {
        n = (size_t)a->n_read + a->n_tokens;
        putf(out, " \xc2\xb7 context %u", (unsigned)n);
        if (c->server_context > 0)
            putf(out, "/%u", (unsigned)c->server_context);
    }
    if (s->files.len > 0)
        puts_to(out, " \xc2\xb7 with a file");
}

/* ---- commands: their names ---- */

typedef struct command {
    const char *name, *takes, *help;
    bool path; /* it takes a file's name */
    void (*run)(screen *s, const char *rest);
} command;

static const command *find_command(const char *name, size_t n, size_t *matches);
static const command *command_number(size_t i);

/* While a command is typed: those that it may become. */
static void put_matches(screen *s, text *out)
{
    const char *line = s->edit.line.data;
    size_t n = strcspn(line, " \n"), i, matches;
    const command *c = find_command(line, n, &matches);
    if (matches == 1 || (c != NULL && line[n] != 0)) {
        putf(out, "%s%s%s  %s", c->name, c->takes[0] != 0 ? " " : "", c->takes, c->help);
        return;
    }
    for (i = 0; (c = command_number(i)) != NULL; i++)
        if (strncmp(c->name, line, n) == 0)
            putf(out, "%s%s", out->len > 0 ? "  " : "", c->name);
    if (matches == 0)
        puts_to(out, "no such command; // sends a message that begins with /");
}

/* ---- drawing ---- */

static void put_dim_rule(screen *s, text *out)
{
    int i;
    puts_to(out, "\033[0;2m");
    for (i = 0; i < s->term.columns; i++)
        puts_to(out, "\xe2\x94\x80");
    puts_to(out, "\033[0m\n");
}

/* The input's rows that have room; the cursor's place in the live part goes into the screen. */
static void put_input(screen *s, text *out, size_t most, int above)
{
    edit_row r = {0, 0};
    size_t mine, n, i, k;
    int column;
    glyphs g = {NULL, 0, 0};
    s->edit.width = s->term.columns - 3;
    n = edit_rows(&s->edit, &mine, &column, SIZE_MAX, &r);
    if (mine < s->first_row)
        s->first_row = mine;
    if (mine >= s->first_row + most)
        s->first_row = mine - most + 1;
    if (s->first_row + most > n)
        s->first_row = n > most ? n - most : 0;
    for (i = s->first_row, k = 0; i < n && k < most; i++, k++) {
        (void)edit_rows(&s->edit, &mine, &column, i, &r);
        puts_to(out, i == 0 ? "\033[0;1;32m>\033[0m " : "  ");
        g.n = 0;
        add_text(&g, s->edit.line.data + r.begin, r.end - r.begin, 0);
        put_glyphs(out, g.g, g.n);
        puts_to(out, "\n");
    }
    s->cursor_row = above + (int)(mine - s->first_row);
    s->cursor_column = 2 + column;
    free(g.g);
}

/* The last `most` lines of what an answer has unfinished. */
static void put_unfinished(screen *s, text *out, size_t most)
{
    text all = {NULL, 0, 0};
    size_t at, lines = 0;
    put(&all, "", 0);
    if (s->answering && s->thinking && s->show_thoughts)
        markdown_preview(&s->thoughts, &all);
    else if (s->answering && s->thinking && s->now != NULL)
        putf(&all, "\033[0;2mthinking\xe2\x80\xa6 %u tokens\033[0m\n", (unsigned)s->now->n_thoughts);
    else if (s->answering)
        markdown_preview(&s->words, &all);
    for (at = all.len; at > 0; at--)
        if (at < all.len && all.data[at - 1] == '\n' && ++lines == most)
            break;
    if (most > 0)
        put(out, all.data + at, all.len - at);
    free(all.data);
}

static int count_lines(const text *t)
{
    int n = 0;
    size_t i;
    for (i = 0; i < t->len; i++)
        n += t->data[i] == '\n';
    return n;
}

static void compose(screen *s, text *out)
{
    text line = {NULL, 0, 0};
    glyphs g = {NULL, 0, 0};
    size_t next, mine, n, most = (size_t)(s->term.rows / 3 > 3 ? s->term.rows / 3 : 3), input;
    int column, spare;
    edit_row r;
    bool rules = s->term.rows >= 8;
    s->edit.width = s->term.columns - 3;
    n = edit_rows(&s->edit, &mine, &column, SIZE_MAX, &r);
    input = n < most ? n : most;
    spare = s->term.rows - (int)input - (rules ? 2 : 0) - 2;
    put_unfinished(s, out, spare > 0 ? (size_t)spare : 0);
    if (rules)
        put_dim_rule(s, out);
    put_input(s, out, input, count_lines(out));
    if (rules)
        put_dim_rule(s, out);
    put(&line, "", 0);
    if (s->question.len > 0)
        put(&line, s->question.data, s->question.len);
    else if (s->hint.len > 0)
        put(&line, s->hint.data, s->hint.len);
    else if (s->edit.line.data[0] == '/' && s->edit.line.data[1] != '/')
        put_matches(s, &line);
    else
        put_status(s, &line);
    add_text(&g, line.data, line.len, s->question.len > 0 ? YELLOW | BOLD : DIM);
    n = fit_line(g.g, g.n, s->term.columns - 1, &next);
    put_glyphs(out, g.g, n);
    puts_to(out, "\n");
    free(g.g);
    free(line.data);
}

/* Rows that the live part takes above the cursor, now that the window is so wide: lines that were longer
   have been broken by the terminal. Not those that were drawn just before: tmux tells a program of a new
   width later than it applies it, and what comes meanwhile is cut. Rather a line twice than one that is
   lost. */
static int rows_above(const screen *s, int cursor_row, int cursor_column)
{
    const char *p = s->live.data, *end = p + s->live.len, *stop;
    if (llmc_os_nanoseconds() - s->drawn < 300000000u)
        return cursor_row;
    int n = cursor_column / s->term.columns, i, w;
    for (i = 0; i < cursor_row && p < end; i++, p = stop + 1) {
        stop = (const char *)memchr(p, '\n', (size_t)(end - p));
        w = shown_width(p, (size_t)(stop - p));
        n += w > s->term.columns ? (w + s->term.columns - 1) / s->term.columns : 1;
    }
    return n;
}

static void put_lines(screen *s, text *out, const text *lines, bool last_ends)
{
    const char *p = lines->data, *end = p + lines->len, *stop;
    for (; p < end; p = stop + 1) {
        stop = (const char *)memchr(p, '\n', (size_t)(end - p));
        put_screen_line(s, out, p, (size_t)(stop - p));
        if (stop + 1 < end || last_ends)
            puts_to(out, "\r\n");
    }
}

static void draw(screen *s, bool farewell)
{
    text out = {NULL, 0, 0}, live = {NULL, 0, 0};
    int was_row = s->cursor_row, was_column = s->cursor_column, up, lines;
    bool anew = resized != 0;
    if (anew) {
        resized = 0;
        terminal_measure(&s->term);
        s->words.width = s->thoughts.width = s->term.columns < 16 ? 16 : s->term.columns;
    }
    put(&live, "", 0);
    up = rows_above(s, was_row, was_column);
    if (farewell)
        s->cursor_row = s->cursor_column = 0;
    else
        compose(s, &live);
    puts_to(&out, "\033[?2026h\033[?25l\033[?7l\r");
    if (up > 0)
        putf(&out, "\033[%dA", up);
    if (anew || s->finished.len > 0) /* a terminal may remember how long a row was, and break it later */
        puts_to(&out, "\033[J");
    put_lines(s, &out, &s->finished, true);
    put_lines(s, &out, &live, false);
    puts_to(&out, "\033[J");
    lines = count_lines(&live);
    if (lines - 1 > s->cursor_row)
        putf(&out, "\033[%dA", lines - 1 - s->cursor_row);
    puts_to(&out, "\r");
    if (s->cursor_column > 0)
        putf(&out, "\033[%dC", s->cursor_column);
    puts_to(&out, "\033[?7h\033[?25h\033[?2026l");
    write_all(out.data, out.len);
    free(out.data);
    free(s->live.data);
    s->live = live;
    clear(&s->finished);
    s->dirty = false;
    s->drawn = llmc_os_nanoseconds();
}

/* At most 40 times a second while an answer comes. */
static void draw_if_due(screen *s)
{
    if (resized || (s->dirty && (!s->answering || llmc_os_nanoseconds() - s->drawn > 25000000u)))
        draw(s, false);
}

/* ---- keys on the screen ---- */

static void set_hint(screen *s, const char *words)
{
    clear(&s->hint);
    puts_to(&s->hint, words);
    s->dirty = true;
}

/* Names that begin like the word at the cursor. */
typedef struct matcher {
    const char *word;
    size_t n, count;
    text common, all; /* what they have in common; all of them for the hint */
} matcher;

static void match_name(matcher *m, const char *name, bool folder)
{
    size_t k = 0;
    if (strncmp(name, m->word, m->n) != 0 || (name[0] == '.' && m->n == 0))
        return;
    putf(&m->all, "%s%.100s%s", m->all.len > 0 ? "  " : "", name, folder ? "/" : "");
    if (m->count++ == 0) {
        puts_to(&m->common, name);
        puts_to(&m->common, folder ? "/" : " ");
        return;
    }
    while (k < m->common.len && name[k] == m->common.data[k])
        k++;
    m->common.data[m->common.len = k] = 0;
}

static bool match_entry(void *user, const llmc_os_entry *entry)
{
    match_name((matcher *)user, entry->name, entry->folder);
    return ((matcher *)user)->count < 1000;
}

/* Tab: the command's name, or the path behind it. */
static void complete(screen *s)
{
    matcher m;
    llmc_diag diag;
    text folder = {NULL, 0, 0};
    const char *line = s->edit.line.data;
    size_t begin = s->edit.at, word, i;
    const command *c;
    if (line[0] != '/' || memchr(line, '\n', s->edit.at) != NULL)
        return;
    memset(&m, 0, sizeof m);
    clear(&m.common);
    clear(&m.all);
    word = strcspn(line, " ");
    if (word >= s->edit.at) {
        m.word = line;
        m.n = s->edit.at;
        for (i = 0; (c = command_number(i)) != NULL; i++)
            match_name(&m, c->name, false);
    } else if ((c = find_command(line, word, &i)) != NULL && c->path) {
        while (begin > word + 1 && line[begin - 1] != '/')
            begin--;
        m.word = line + begin;
        m.n = s->edit.at - begin;
        put(&folder, line + word + 1, begin - word - 1);
        (void)llmc_os_list(folder.len > 0 ? folder.data : ".", match_entry, &m, &diag);
    }
    if (m.count > 0 && m.common.len > m.n)
        edit_insert(&s->edit, m.common.data + m.n, m.common.len - m.n);
    else if (m.count > 1)
        set_hint(s, m.all.data);
    free(m.common.data);
    free(m.all.data);
    free(folder.data);
}

static void press_enter(screen *s)
{
    editor *e = &s->edit;
    if (e->at == e->line.len && e->at > 0 && e->line.data[e->at - 1] == '\\') {
        edit_cut(e, e->at - 1, e->at, false);
        edit_insert(e, "\n", 1);
    } else if (strspn(e->line.data, " \n") < e->line.len) {
        s->submitted = true;
    }
}

static void press_stop(screen *s)
{
    if (s->answering) {
        interrupted = 1;
        s->submitted = false;
    } else if (s->edit.line.len > 0) {
        (void)edit_remember(&s->edit, s->edit.line.data, s->edit.line.len);
        edit_set(&s->edit, "", 0);
    } else {
        set_hint(s, "Ctrl-D or /quit ends");
    }
}

static void stop_and_quit(screen *s)
{
    s->quit = true;
    interrupted = 1;
}

/* Whether a tool may: y, n, a; Esc and Ctrl-C are no. What is typed on while the question comes up is no
   answer: a key counts when the question has stood for a moment, and no other key came just before. */
static void press_answer(screen *s, key_press k, uint64_t before)
{
    bool meant = s->typed - s->asked > 700000000u && s->typed - before > 400000000u;
    bool no =
        k.name == KEY_ESCAPE || k.name == KEY_STOP || (k.name == KEY_CHAR && (k.c == 'n' || k.c == 'N'));
    bool yes = k.name == KEY_CHAR && (k.c == 'y' || k.c == 'Y');
    bool always = k.name == KEY_CHAR && (k.c == 'a' || k.c == 'A');
    if ((!no && !yes && !always) || (k.name == KEY_CHAR && !meant))
        return;
    s->may = no ? TOOL_NO : yes ? TOOL_YES : TOOL_ALWAYS;
    clear(&s->question);
    if (k.name == KEY_STOP)
        interrupted = 1;
}

static void press(screen *s, key_press k)
{
    uint64_t before = s->pressed;
    s->pressed = s->typed = llmc_os_nanoseconds();
    s->dirty = true;
    if (s->question.len > 0) {
        press_answer(s, k, before);
        return;
    }
    if (s->submitted && k.name == KEY_ENTER)
        return;
    if (s->submitted && k.name != KEY_STOP && k.name != KEY_ESCAPE && k.name != KEY_CTRL_D)
        s->submitted = false; /* what waits for an answer's end is changed: it waits no longer */
    clear(&s->hint);
    switch (k.name) {
    case KEY_ENTER:
        press_enter(s);
        break;
    case KEY_TAB:
        complete(s);
        break;
    case KEY_ESCAPE:
        if (s->answering)
            interrupted = 1;
        break;
    case KEY_STOP:
        press_stop(s);
        break;
    case KEY_CTRL_D:
        if (s->edit.line.len == 0 || s->submitted)
            stop_and_quit(s);
        else
            edit_delete(&s->edit, KEY_DELETE);
        break;
    case KEY_REDRAW:
        write_all("\033[2J\033[H", 7);
        s->cursor_row = s->cursor_column = 0;
        break;
    case KEY_SUSPEND:
        draw(s, true);
        terminal_suspend(&s->term);
        break;
    default:
        (void)edit_key(&s->edit, k, &s->term.keys.paste);
        break;
    }
}

/* Bytes that were read become keys; those behind an Enter that sends are for later. */
static void take_keys(screen *s)
{
    key_press k;
    while (s->n_taken < s->bytes.len && !(s->submitted && !s->answering))
        if (keys_feed(&s->term.keys, (unsigned char)s->bytes.data[s->n_taken++], &k))
            press(s, k);
}

static int read_keys(screen *s, sock other, int ms)
{
    int n = terminal_read(&s->term, other, ms, &s->bytes);
    s->n_taken = 0;
    if (n > 0)
        s->typed = llmc_os_nanoseconds();
    if (n < 0)
        ended = 1;
    return n;
}

/* Looks at the keyboard, waiting ms for it or for the socket, and draws what has changed. */
static void tick(screen *s, sock other, int ms)
{
    keys *in = &s->term.keys;
    key_press k;
    if (s->dirty && s->answering && ms > 25)
        ms = 25;
    if (s->n_taken >= s->bytes.len)
        (void)read_keys(s, other, ms);
    take_keys(s);
    while (in->n > 0 && s->n_taken >= s->bytes.len) { /* the rest of a sequence, or an Esc */
        if (read_keys(s, NO_SOCKET, 30) <= 0) {
            if (keys_idle(in, &k))
                press(s, k);
            break;
        }
        take_keys(s);
    }
    if (in->pasting && llmc_os_nanoseconds() - s->typed > 2000000000u) { /* a paste without its end */
        in->pasting = false;
        press(s, plain_key(KEY_PASTE));
    }
    if (ended)
        stop_and_quit(s);
    draw_if_due(s);
}

/* ---- answers on the screen ---- */

/* What has become final of them goes above the live part. */
static void take_finished(screen *s, markdown *m)
{
    if (m->out.len == 0)
        return;
    put(&s->finished, m->out.data, m->out.len);
    clear(&m->out);
}

/* The thoughts are over. */
static void fold_thoughts(screen *s)
{
    if (!s->thinking)
        return;
    s->thinking = false;
    if (s->show_thoughts) {
        markdown_end(&s->thoughts);
        take_finished(s, &s->thoughts);
        puts_to(&s->finished, "\n");
    } else {
        print_line(s, DIM, "thinking\xe2\x80\xa6 %u tokens (/thoughts shows them)\n",
                   (unsigned)s->now->n_thoughts);
    }
}

static void on_words(void *user, bool thought, const char *words, size_t n)
{
    screen *s = (screen *)user;
    s->dirty = true;
    if (!thought)
        fold_thoughts(s);
    s->thinking = thought;
    if (!thought) {
        markdown_feed(&s->words, words, n);
        take_finished(s, &s->words);
    } else if (s->show_thoughts) {
        markdown_feed(&s->thoughts, words, n);
        take_finished(s, &s->thoughts);
    }
}

static void on_wait(void *user, sock other, int ms)
{
    tick((screen *)user, other, ms);
}

/* Pasted texts may be long: their beginning will do. */
static void print_question(screen *s, const char *words)
{
    text shown = {NULL, 0, 0};
    const char *p = words;
    int lines = 0;
    size_t len, most = 4000;
    while (*p != 0 && lines < 12 && (size_t)(p - words) < most) {
        len = strcspn(p, "\n");
        puts_to(&shown, lines++ == 0 ? "> " : "\n  ");
        put(&shown, p, len < most ? len : most);
        p += len < most ? len : most;
        p += *p == '\n';
    }
    print_styled(s, GREEN | BOLD, shown.data != NULL ? shown.data : ">");
    if (*p != 0)
        print_line(s, DIM, "  \xe2\x80\xa6 and %u bytes more", (unsigned)strlen(p));
    puts_to(&s->finished, "\n");
    free(shown.data);
}

static void print_answer(screen *s, const char *words, size_t n)
{
    markdown m;
    memset(&m, 0, sizeof m);
    markdown_begin(&m, s->term.columns, 0);
    markdown_feed(&m, words, n);
    markdown_end(&m);
    put(&s->finished, m.out.data, m.out.len);
    puts_to(&s->finished, "\n");
    markdown_free(&m);
}

/* Messages from `first` on, as they were when they were said. */
static void print_messages(screen *s, size_t first)
{
    size_t i;
    for (i = first; i < s->c->n_messages; i++) {
        const llmc_message *m = &s->c->message[i];
        if (strcmp(m->role, "user") == 0)
            print_question(s, m->text);
        else if (strcmp(m->role, "assistant") == 0 && m->text[0] != 0)
            print_answer(s, m->text, strlen(m->text));
    }
}

static void stop_answer(screen *s, answer *a)
{
    s->now = NULL;
    s->answering = false;
    answer_free(&s->last);
    s->last = *a;
    s->dirty = true;
}

/* Where the last question is; n_messages: there is none. */
static size_t last_question(const chat *c)
{
    size_t i = c->n_messages;
    while (i > 0)
        if (strcmp(c->message[--i].role, "user") == 0)
            return i;
    return c->n_messages;
}

/* Nothing came of it: the question was never asked, and can be changed. */
static void take_back(screen *s)
{
    chat *c = s->c;
    size_t q = last_question(c);
    if (q == c->n_messages)
        return;
    if (s->edit.line.len == 0)
        edit_set(&s->edit, c->message[q].text, strlen(c->message[q].text));
    drop_messages(c, q, c->n_messages);
    c->n_in_seq = SIZE_MAX;
}

/* tool_options.ask: the user's word on it, by a key. */
static tool_answer ask_consent(void *user, const char *name, const char *what)
{
    screen *s = (screen *)user;
    s->may = TOOL_NO;
    print_line(s, YELLOW, "%.40s:", name);
    print_styled(s, YELLOW, what); /* all of it, however long: nothing is allowed unseen */
    clear(&s->question);
    putf(&s->question, "May it? [y]es, [n]o, [a]lways \xc2\xb7 %.40s: %.200s", name, what);
    s->dirty = true;
    s->asked = llmc_os_nanoseconds();
    draw(s, false);
    while (s->question.len > 0 && !ended)
        tick(s, NO_SOCKET, 200);
    clear(&s->question);
    return s->may;
}

/* One call, the screen live meanwhile; its result joins the conversation. */
static void run_call(screen *s, const tool_call *call)
{
    text more = {NULL, 0, 0};
    const char *result;
    size_t n, shown;
    tool_start(s->box, call->name.data, call->arguments.data, call->arguments.len);
    print_line(s, CYAN, "\xe2\x86\x92 %s", tool_label(s->box));
    clear(&s->hint);
    putf(&s->hint, "running %s \xc2\xb7 Esc stops it", tool_label(s->box));
    s->dirty = true;
    while (!tool_poll(s->box, 20)) {
        tick(s, NO_SOCKET, 0);
        if (interrupted)
            tool_cancel(s->box);
    }
    clear(&s->hint);
    result = tool_text(s->box, &n);
    shown = strcspn(result, "\n");
    print_line(s, tool_ok(s->box) ? DIM : RED, "  %.*s%s", (int)(shown < 300 ? shown : 300), result,
               shown < n ? " \xe2\x80\xa6" : "");
    puts_to(&more, "{\"name\":");
    put_json_string(&more, call->name.data, call->name.len);
    if (call->id.len > 0) {
        puts_to(&more, ",\"tool_call_id\":");
        put_json_string(&more, call->id.data, call->id.len);
    }
    puts_to(&more, "}");
    add_message_with(s->c, "tool", result, more.data);
    free(more.data);
}

/* The calls of the last answer, one after the other. False: there are none, or Ctrl-C has ended them. */
static bool run_calls(screen *s)
{
    size_t i;
    if (s->box == NULL || s->last.n_calls == 0 || interrupted || s->quit)
        return false;
    s->answering = true;
    for (i = 0; i < s->last.n_calls && !s->quit; i++)
        run_call(s, &s->last.calls[i]);
    s->answering = false;
    puts_to(&s->finished, "\n");
    keep_conversation(s->c);
    print_complaints(s);
    if (interrupted)
        print_line(s, DIM, "(stopped; /retry asks again)");
    return !interrupted && !s->quit;
}

/* The model's next words on the conversation as it is, streamed to the screen and kept. */
static void one_answer(screen *s)
{
    chat *c = s->c;
    answer a;
    s->answering = true;
    s->thinking = false;
    s->now = &a;
    interrupted = 0;
    c->bar_text[0] = 0;
    markdown_begin(&s->words, s->term.columns, 0);
    markdown_begin(&s->thoughts, s->term.columns, DIM);
    s->dirty = true;
    draw(s, false);
    get_answer(c, &a);
    fold_thoughts(s);
    markdown_end(&s->words);
    take_finished(s, &s->words);
    stop_answer(s, &a);
    clear(&s->last_thoughts);
    put(&s->last_thoughts, a.thoughts.data, a.thoughts.len);
    if (a.error.len > 0)
        print_styled(s, RED, a.error.data);
    print_complaints(s);
    if (a.words.len == 0 && a.n_calls == 0 && (a.error.len > 0 || interrupted)) {
        bool asked = c->n_messages > 0 && strcmp(c->message[c->n_messages - 1].role, "user") == 0;
        if (interrupted && a.error.len == 0)
            print_line(s, DIM, "(stopped before the answer began%s)", asked ? ": not asked" : "");
        if (asked)
            take_back(s);
    } else {
        keep_answer(c, &a);
        if (interrupted)
            print_line(s, DIM, "(stopped; what was said is kept)");
        else if (a.cut)
            print_line(s, DIM, "(cut: the most tokens, or the context, are reached)");
        keep_conversation(c);
        print_complaints(s);
    }
    if (a.words.len > 0 || a.n_calls == 0)
        puts_to(&s->finished, "\n");
}

enum { ROUNDS_MOST = 25 }; /* of calls, for one question */

/* The answer to the conversation as it is, with all the calls that it takes. */
static void answer_on_screen(screen *s)
{
    int round = 0;
    do
        one_answer(s);
    while (run_calls(s) && ++round < ROUNDS_MOST);
    if (round == ROUNDS_MOST)
        print_line(s, RED, "(that were %d rounds of calls; /retry, or say how to go on)", ROUNDS_MOST);
    interrupted = 0;
}

/* A message is sent. */
static void ask(screen *s, const char *words)
{
    text whole = {NULL, 0, 0};
    print_question(s, words);
    put(&whole, s->files.data, s->files.len);
    puts_to(&whole, words);
    clear(&s->files);
    add_message(s->c, "user", whole.data);
    free(whole.data);
    answer_on_screen(s);
}

/* ---- the commands ---- */

static bool need_conversation(screen *s)
{
    if (last_question(s->c) < s->c->n_messages)
        return true;
    print_line(s, RED, "nothing has been said yet");
    return false;
}

static void forget_last(screen *s)
{
    drop_messages(s->c, last_question(s->c), s->c->n_messages);
    s->c->n_in_seq = SIZE_MAX;
}

static void do_undo(screen *s, const char *rest)
{
    (void)rest;
    if (!need_conversation(s))
        return;
    forget_last(s);
    keep_conversation(s->c);
    print_line(s, DIM, "(the last question and its answer are forgotten; %u messages are left)",
               (unsigned)s->c->n_messages);
}

static void do_retry(screen *s, const char *rest)
{
    (void)rest;
    if (!need_conversation(s))
        return;
    drop_messages(s->c, last_question(s->c) + 1, s->c->n_messages);
    s->c->n_in_seq = SIZE_MAX;
    print_line(s, DIM, "(again)\n");
    answer_on_screen(s);
}

static void do_edit(screen *s, const char *rest)
{
    size_t q = last_question(s->c);
    (void)rest;
    if (!need_conversation(s))
        return;
    edit_set(&s->edit, s->c->message[q].text, strlen(s->c->message[q].text));
    forget_last(s);
    print_line(s, DIM, "(the last question is in the input again, its answer forgotten)");
}

static void do_system(screen *s, const char *rest)
{
    chat *c = s->c;
    bool has = has_system(c);
    llmc_message m;
    if (rest[0] == 0) {
        print_line(s, DIM, "system: %.1500s", has ? c->message[0].text : "(none)");
        return;
    }
    if (c->set.server == NULL && c->format == LLMC_CHAT_RAW) {
        print_line(s, RED, "this model has no chat template, and so no system message");
        return;
    }
    if (has)
        drop_messages(c, 0, 1);
    if (strcmp(rest, "none") != 0) {
        add_message(c, "system", rest);
        m = c->message[c->n_messages - 1];
        memmove(c->message + 1, c->message, (c->n_messages - 1) * sizeof *c->message);
        c->message[0] = m;
    }
    keep_conversation(c);
    print_line(s, DIM, "(the system message is %s)", has_system(c) ? "set" : "gone");
}

static void do_save(screen *s, const char *rest)
{
    text path = {NULL, 0, 0};
    if (rest[0] == 0 && s->c->file.len == 0)
        print_line(s, RED, "/save FILE, please");
    puts_to(&path, rest[0] != 0 ? rest : s->c->file.data != NULL ? s->c->file.data : "");
    if (path.len > 0 && save_conversation(s->c, path.data) == EXIT_OK)
        print_line(s, DIM, "(%u messages in %.1000s)", (unsigned)s->c->n_messages, path.data);
    free(path.data);
}

static void do_load(screen *s, const char *rest)
{
    chat *c = s->c;
    const char *system = c->set.system;
    if (rest[0] == 0) {
        print_line(s, RED, "/load FILE, please");
        return;
    }
    c->set.system = NULL; /* the file's counts */
    if (load_conversation(c, rest) == EXIT_OK) {
        clear(&c->file); /* it goes on in a file of its own */
        print_messages(s, 0);
        print_line(s, DIM, "(%u messages from %.1000s)", (unsigned)c->n_messages, rest);
    }
    c->set.system = system;
}

/* What /params shows and sets: the options that say how is sampled. */
static bool is_param(int i)
{
    size_t first = AT(sample), at = rows[i].at;
    return (rows[i].kind == AS_REAL || rows[i].kind == AS_WHOLE) &&
           ((at >= first && at < first + sizeof(llmc_sample_options)) || at == AT(predict));
}

static void show_params(screen *s)
{
    text all = {NULL, 0, 0};
    int i;
    for (i = 0; i < N_ROWS; i++) {
        const char *at = (const char *)&s->c->set + rows[i].at;
        float real;
        uint32_t whole;
        if (!is_param(i))
            continue;
        memcpy(&real, at, sizeof real);
        memcpy(&whole, at, sizeof whole);
        if (rows[i].kind == AS_REAL)
            putf(&all, "%s  %-18s %-10.6g %s", all.len > 0 ? "\n" : "", rows[i].name, (double)real,
                 rows[i].help);
        else
            putf(&all, "%s  %-18s %-10d %s", all.len > 0 ? "\n" : "", rows[i].name, (int)whole, rows[i].help);
    }
    print_styled(s, DIM, all.data);
    free(all.data);
}

/* NAME VALUE, or NAME=VALUE. */
static void do_params(screen *s, const char *rest)
{
    chat *c = s->c;
    settings before = c->set;
    llmc_diag diag;
    char name[32];
    size_t n = strcspn(rest, " =");
    const char *value = rest + n + strspn(rest + n, " =");
    int i = 0;
    if (rest[0] == 0) {
        show_params(s);
        return;
    }
    snprintf(name, sizeof name, "%.*s", (int)(n < 31 ? n : 31), rest);
    if (strcmp(name, "temperature") == 0)
        snprintf(name, sizeof name, "temp");
    while (i < N_ROWS && (strcmp(rows[i].name, name) != 0 || !is_param(i)))
        i++;
    if (i == N_ROWS || value[0] == 0) {
        print_line(s, RED, "/params NAME VALUE, please; /params alone lists the names");
        return;
    }
    if (option_store_number(&c->set, &rows[i], value) != EXIT_OK)
        return;
    c->seq.max_tokens = c->set.predict;
    if (llmc_sample_check(&c->set.sample, &diag) != LLMC_OK ||
        (c->host.seq != NULL && llmc_seq_configure(c->host.seq, &c->seq, &diag) != LLMC_OK)) {
        c->set = before;
        c->seq.max_tokens = before.predict;
        print_line(s, RED, "%s", diag.message);
        return;
    }
    c->set.said[i] = true;
    print_line(s, DIM, "(%s is %s)", rows[i].name, value);
}

static void do_stats(screen *s, const char *rest)
{
    chat *c = s->c;
    const answer *a = &s->last;
    size_t n = 0;
    double reading = (double)(a->first - a->start) / 1e9;
    (void)rest;
    print_line(s, DIM, "  model        %.200s", c->set.server != NULL ? c->model_name : c->set.model);
    if (c->set.server != NULL) {
        print_line(s, DIM, "  server       %.200s", c->set.server);
    } else {
        (void)llmc_seq_ids(c->host.seq, &n);
        print_line(s, DIM, "  kernels      %s, %u threads\n  context      %u of %u tokens",
                   llmc_engine_isa(c->host.engine), (unsigned)llmc_pool_tasks(c->host.pool).workers,
                   (unsigned)n, (unsigned)llmc_engine_context(c->host.engine));
        print_line(s, DIM, "  memory       %.1f MB: weights %.1f, cache and scratch %.1f",
                   memory_bytes(c) / 1e6, (memory_bytes(c) - (double)c->host.engine_bytes) / 1e6,
                   (double)c->host.engine_bytes / 1e6);
    }
    if (a->n_tokens > 0)
        print_line(s, DIM, "  last answer  %u tokens read in %.2f s, %u said at %.1f tokens/s%s",
                   (unsigned)a->n_read, a->first > 0 ? reading : 0.0, (unsigned)a->n_tokens, answer_speed(a),
                   a->cut ? ", cut" : "");
    print_line(s, DIM, "  in all       %llu tokens read, %llu said, %u messages",
               (unsigned long long)c->n_read, (unsigned long long)c->n_said, (unsigned)c->n_messages);
    print_line(s, DIM, "  saved in     %.1000s",
               c->forget         ? "(not saved)"
               : c->file.len > 0 ? c->file.data
                                 : "(nothing yet)");
}

/* A fence that the text does not have. */
static size_t fence_for(const text *t)
{
    size_t i, run, most = 2;
    for (i = 0; i<t->len; i += run> 0 ? run : 1) {
        run = run_of(t->data + i, t->len - i, '`');
        most = run > most ? run : most;
    }
    return most + 1;
}

/* The file in a fence, before the next message. */
static void attach(screen *s, const char *path, const llmc_blob *file)
{
    const char *base = strrchr(path, '/');
    text words = {NULL, 0, 0};
    size_t i, fence;
    put(&words, (const char *)file->data, file->size);
    fence = fence_for(&words);
    putf(&s->files, "File %.500s:\n", base != NULL ? base + 1 : path);
    for (i = 0; i < fence; i++)
        puts_to(&s->files, "`");
    puts_to(&s->files, "\n");
    put(&s->files, words.data, words.len);
    puts_to(&s->files, words.len > 0 && words.data[words.len - 1] == '\n' ? "" : "\n");
    for (i = 0; i < fence; i++)
        puts_to(&s->files, "`");
    puts_to(&s->files, "\n\n");
    free(words.data);
}

static void do_file(screen *s, const char *rest)
{
    llmc_blob file;
    llmc_diag diag;
    if (rest[0] == 0) {
        print_line(s, RED, "/file PATH, please");
        return;
    }
    if (llmc_map_open(&file, rest, &diag) != LLMC_OK) {
        print_line(s, RED, "%s", diag.message);
        return;
    }
    if (file.size > 1 << 20) {
        print_line(s, RED, "%.1000s: over 1 MB, too long for a message", rest);
    } else if (file.size > 0 && memchr(file.data, 0, file.size) != NULL) {
        print_line(s, RED, "%.1000s has NUL bytes: not a text", rest);
    } else {
        attach(s, rest, &file);
        print_line(s, DIM, "(%u bytes of %.1000s go with the next message)", (unsigned)file.size, rest);
    }
    llmc_map_close(&file);
}

static void do_clear(screen *s, const char *rest)
{
    chat *c = s->c;
    (void)rest;
    drop_messages(c, has_system(c), c->n_messages);
    c->n_in_seq = SIZE_MAX;
    if (c->host.seq != NULL)
        llmc_seq_truncate(c->host.seq, 0, NULL);
    if (c->set.session == NULL || !ends_with(c->set.session, ".jsonl"))
        clear(&c->file); /* what was said stays in the old one */
    clear(&s->files);
    print_line(s, DIM, "(a new conversation)");
}

static void do_model(screen *s, const char *rest)
{
    chat *c = s->c;
    const char *old = c->set.model;
    char *path;
    if (rest[0] == 0) {
        print_line(s, DIM, "%.1000s", c->set.server != NULL ? c->model_name : c->set.model);
        return;
    }
    if (c->set.server != NULL) {
        snprintf(c->model_name, sizeof c->model_name, "%.250s", rest);
        print_line(s, DIM, "(the server is asked for %s from now on)", c->model_name);
        return;
    }
    path = (char *)memcpy(grow(NULL, strlen(rest) + 1), rest, strlen(rest) + 1);
    close_model(c);
    c->set.model = path;
    c->n_in_seq = SIZE_MAX;
    if (start_model(c) == EXIT_OK) {
        free(c->model_path);
        c->model_path = path;
        print_line(s, DIM, "(%.1000s; the conversation goes on with it)", path);
        return;
    }
    print_complaints(s);
    close_model(c);
    c->set.model = old;
    free(path);
    if (start_model(c) != EXIT_OK) {
        print_line(s, RED, "and the old model cannot be opened any more");
        s->quit = true;
    }
}

/* Tools are offered, or no longer. */
static void offer_tools(screen *s, bool on)
{
    chat *c = s->c;
    tool_options opt;
    char why[300];
    size_t n;
    tool_close(s->box);
    s->box = NULL;
    c->tools_json = NULL;
    if (on && c->set.server == NULL && c->format == LLMC_CHAT_RAW) {
        print_line(s, RED, "this model has no chat template, and so no tools");
    } else if (on) {
        memset(&opt, 0, sizeof opt);
        opt.root = c->set.root;
        opt.allow = c->set.allow;
        opt.ask = ask_consent;
        opt.user = s;
        s->box = tool_open(&opt, why, sizeof why);
        if (s->box == NULL)
            print_line(s, RED, "%s", why);
        else
            c->tools_json = tool_json(s->box, &n);
    }
    if (c->set.server == NULL)
        (void)prepare_replies(c);
}

static void do_tools(screen *s, const char *rest)
{
    llmc_json all, tool;
    llmc_json_iter it;
    char name[64], help[256];
    if (rest[0] != 0 && strcmp(rest, "on") != 0 && strcmp(rest, "off") != 0) {
        print_line(s, RED, "/tools on or /tools off, please");
        return;
    }
    if (rest[0] != 0 || s->box == NULL)
        offer_tools(s, strcmp(rest, "off") != 0);
    if (s->box == NULL) {
        print_line(s, DIM, "(no tools)");
        return;
    }
    memset(&it, 0, sizeof it);
    if (parse_json(s->c->tools_json, strlen(s->c->tools_json), &all))
        while (llmc_json_next(all, &it, NULL, &tool)) {
            tool = llmc_json_get(tool, "function");
            (void)llmc_json_string(llmc_json_get(tool, "name"), name, sizeof name);
            (void)llmc_json_string(llmc_json_get(tool, "description"), help, sizeof help);
            print_line(s, DIM, "  %-16s %s", name, help);
        }
    print_line(s, DIM, "(files below %.500s; commands and writing ask first; /tools off ends it)",
               s->c->set.root != NULL ? s->c->set.root : "this folder");
}

static void do_thoughts(screen *s, const char *rest)
{
    if (strcmp(rest, "on") == 0 || strcmp(rest, "off") == 0) {
        s->show_thoughts = rest[1] == 'n';
        print_line(s, DIM, "(thoughts are %s)", s->show_thoughts ? "shown as they come" : "folded");
    } else if (s->last_thoughts.len > 0) {
        print_styled(s, DIM, s->last_thoughts.data);
    } else {
        print_line(s, DIM, "(the last answer has none; /thoughts on shows them as they come)");
    }
}

static void do_quit(screen *s, const char *rest)
{
    (void)rest;
    s->quit = true;
}

static void do_help(screen *s, const char *rest)
{
    const command *c;
    size_t i;
    (void)rest;
    for (i = 0; (c = command_number(i)) != NULL; i++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s", c->name, c->takes[0] != 0 ? " " : "", c->takes);
        print_line(s, DIM, "  %-22s %s", left, c->help);
    }
    print_styled(
        s, DIM,
        "  Enter sends; Alt-Enter, Ctrl-J or a \\ at the end begin a new line; // sends a /\n"
        "  Esc or Ctrl-C stops an answer, Ctrl-D ends, up and down go through what was typed, Tab completes\n"
        "  Ctrl-A E K U W Y, Alt-B F D as in a shell");
}

static const command commands[] = {
    {"/help", "", "this text", false, do_help},
    {"/undo", "", "forget the last question and its answer", false, do_undo},
    {"/retry", "", "another answer to the last question", false, do_retry},
    {"/edit", "", "change the last question", false, do_edit},
    {"/system", "[TEXT|none]", "show or set the system message", false, do_system},
    {"/save", "[FILE]", "write the conversation, a message a line as JSON", true, do_save},
    {"/load", "FILE", "go on with a conversation from a file", true, do_load},
    {"/params", "[NAME VALUE]", "show or set how is sampled", false, do_params},
    {"/stats", "", "tokens, speed, memory", false, do_stats},
    {"/file", "PATH", "add a file to the next message", true, do_file},
    {"/clear", "", "begin a new conversation", false, do_clear},
    {"/model", "[PATH]", "show or change the model", true, do_model},
    {"/tools", "[on|off]", "let the model read files, search, run commands, compute", false, do_tools},
    {"/thoughts", "[on|off]", "the last answer's thoughts; show them always or never", false, do_thoughts},
    {"/quit", "", "end (as does Ctrl-D)", false, do_quit},
};

static const command *command_number(size_t i)
{
    return i < sizeof commands / sizeof commands[0] ? &commands[i] : NULL;
}

/* The command of that name, or the only one that begins so; *matches: how many do. */
static const command *find_command(const char *name, size_t n, size_t *matches)
{
    const command *c, *found = NULL;
    size_t i;
    *matches = 0;
    for (i = 0; (c = command_number(i)) != NULL; i++)
        if (strncmp(c->name, name, n) == 0) {
            if (strlen(c->name) == n) {
                *matches = 1;
                return c;
            }
            found = c;
            ++*matches;
        }
    return *matches == 1 ? found : NULL;
}

static void obey_on_screen(screen *s, char *line)
{
    size_t n = strcspn(line, " \n"), matches, end = strlen(line);
    const char *rest;
    const command *c = find_command(line, n, &matches);
    while (end > n && (line[end - 1] == ' ' || line[end - 1] == '\n'))
        line[--end] = 0;
    rest = line + n + strspn(line + n, " \n");
    print_line(s, GREEN | BOLD, "> %.1500s", line);
    if (strcmp(line, "/exit") == 0)
        s->quit = true;
    else if (c == NULL)
        print_line(s, RED, "%s command %.*s: /help lists them, // sends a message that begins with /",
                   matches > 1 ? "unclear" : "unknown", (int)(n < 60 ? n : 60), line);
    else
        c->run(s, rest);
    print_complaints(s);
    puts_to(&s->finished, "\n");
}

/* ---- a conversation on the screen ---- */

static void history_path(text *out)
{
    if (state_folder(out))
        puts_to(out, "history");
    else
        clear(out);
}

/* Lines typed in earlier conversations, each a JSON string. */
static void load_history(screen *s)
{
    text path = {NULL, 0, 0}, line = {NULL, 0, 0};
    llmc_blob file;
    llmc_diag diag;
    llmc_json v;
    const char *p, *end, *stop;
    history_path(&path);
    if (path.len > 0 && llmc_map_open(&file, path.data, &diag) == LLMC_OK) {
        p = (const char *)file.data;
        for (end = p + file.size; p < end; p = stop + 1) {
            stop = (const char *)memchr(p, '\n', (size_t)(end - p));
            stop = stop != NULL ? stop : end;
            clear(&line);
            if (parse_json(p, (size_t)(stop - p), &v) && get_string(v, &line))
                (void)edit_remember(&s->edit, line.data, strlen(line.data));
        }
        llmc_map_close(&file);
    }
    free(path.data);
    free(line.data);
}

static void remember(screen *s, const char *line)
{
    text path = {NULL, 0, 0}, json = {NULL, 0, 0};
    FILE *f;
    if (!edit_remember(&s->edit, line, strlen(line)) || s->c->set.no_save)
        return;
    history_path(&path);
    f = path.len > 0 ? open_file(path.data, "ab") : NULL;
    if (f != NULL) {
        put_json_text(&json, line);
        puts_to(&json, "\n");
        fwrite(json.data, 1, json.len, f);
        fclose(f);
    }
    free(path.data);
    free(json.data);
}

/* The file of lines typed does not grow for ever. */
static void shorten_history(screen *s)
{
    text path = {NULL, 0, 0}, json = {NULL, 0, 0};
    llmc_os_save *save;
    llmc_diag diag;
    const llmc_writer *w;
    size_t i;
    if (s->edit.n_history < HISTORY_MOST || s->c->set.no_save)
        return;
    history_path(&path);
    for (i = HISTORY_MOST / 2; i < s->edit.n_history; i++) {
        put_json_text(&json, s->edit.history[i]);
        puts_to(&json, "\n");
    }
    if (path.len > 0 && llmc_os_save_begin(&save, path.data, &diag) == LLMC_OK) {
        w = llmc_os_save_writer(save);
        if (w->write(w->user, json.data, json.len))
            (void)llmc_os_save_commit(save, &diag);
        else
            llmc_os_save_drop(save);
    }
    free(path.data);
    free(json.data);
}

static void submit(screen *s)
{
    size_t n = s->edit.line.len;
    char *line = (char *)memcpy(grow(NULL, n + 1), s->edit.line.data, n + 1);
    s->submitted = false;
    remember(s, line);
    edit_set(&s->edit, "", 0);
    if (line[0] == '/' && line[1] != '/')
        obey_on_screen(s, line);
    else
        ask(s, line + (line[0] == '/'));
    free(line);
}

static void screen_free(screen *s)
{
    edit_free(&s->edit);
    markdown_free(&s->words);
    markdown_free(&s->thoughts);
    answer_free(&s->last);
    tool_close(s->box);
    free(s->question.data);
    free(s->finished.data);
    free(s->live.data);
    free(s->bytes.data);
    free(s->hint.data);
    free(s->files.data);
    free(s->last_thoughts.data);
    free(s->term.keys.paste.data);
}

static void screen_begin(screen *s, chat *c)
{
    memset(s, 0, sizeof *s);
    s->c = c;
    s->show_thoughts = c->set.show_thinking;
    clear(&s->finished);
    clear(&s->live);
    clear(&s->hint);
    clear(&s->files);
    clear(&s->last_thoughts);
    clear(&s->question);
    clear(&s->bytes);
    clear(&s->term.keys.paste);
    edit_set(&s->edit, "", 0);
    clear(&s->edit.fresh);
    c->on_words = on_words;
    c->on_wait = on_wait;
    c->on_words_user = s;
    answer_begin(&s->last);
}

static void screen_end(screen *s)
{
    chat *c = s->c;
    if (!ended && c->file.len > 0 && !c->forget && c->n_messages > 0)
        print_line(s, DIM, "(saved in %.1000s; chat --continue goes on with it)", c->file.data);
    draw(s, true);
    terminal_close(&s->term);
    open_terminal = NULL;
    shorten_history(s);
    free(complaints->data);
    complaints->data = NULL;
    complaints = NULL;
    c->on_words = NULL;
    c->on_wait = NULL;
    screen_free(s);
}

/* Keeps a conversation with the whole terminal. */
static int converse_on_screen(chat *c)
{
    screen *s = (screen *)grow(NULL, sizeof *s);
    text said = {NULL, 0, 0};
    screen_begin(s, c);
    if (!terminal_open(&s->term)) {
        screen_free(s);
        free(s);
        return complain(EXIT_FAILED, "the terminal cannot be read key by key; --plain does without");
    }
    complaints = &said;
    c->talking = true;
    c->lively = false;
    load_history(s);
    print_messages(s, 0);
    print_line(s, DIM, "%.60s%s  /help lists the commands\n", c->model_name,
               c->set.server == NULL && c->format == LLMC_CHAT_RAW
                   ? ": no chat template, it continues your text."
                   : ".");
    if (c->set.tools)
        offer_tools(s, true);
    print_complaints(s);
    s->dirty = true;
    draw(s, false);
    while (!s->quit) {
        tick(s, NO_SOCKET, 500);
        if (s->submitted && !s->quit)
            submit(s);
    }
    screen_end(s);
    free(s);
    return EXIT_OK;
}

/* ---- --render: Markdown alone ---- */

/* The file's rendering, fed in pieces of so many bytes (0: whole), looking at the unfinished part between
   them. */
static int render_file(chat *c)
{
    text in = {NULL, 0, 0}, seen = {NULL, 0, 0};
    markdown m;
    size_t at = 0, piece;
    int code = read_all(&in, c->set.render);
    memset(&m, 0, sizeof m);
    if (code == EXIT_OK) {
        markdown_begin(&m, c->set.width > 0 && c->set.width < 1000 ? (int)c->set.width : 80, 0);
        for (; at < in.len; at += piece) {
            piece = c->set.pieces > 0 && c->set.pieces < in.len - at ? c->set.pieces : in.len - at;
            markdown_feed(&m, in.data + at, piece);
            clear(&seen);
            markdown_preview(&m, &seen);
        }
        markdown_end(&m);
        fwrite(m.out.data, 1, m.out.len, stdout);
    }
    if (fflush(stdout) != 0)
        code = complain(EXIT_FAILED, "the output cannot be written");
    markdown_free(&m);
    free(in.data);
    free(seen.data);
    return code;
}

/* ---- the program ---- */

/* Is there a terminal to draw on, and is it wanted? */
static bool has_screen(const chat *c)
{
    const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    bool dumb = term != NULL && strcmp(term, "dumb") == 0;
#ifndef _WIN32
    dumb = dumb || term == NULL || term[0] == 0;
#endif
    return c->set.prompt == NULL && c->set.file == NULL && !c->set.plain && !dumb &&
           (no_colour == NULL || no_colour[0] == 0) && llmc_os_terminal(0, NULL, NULL) &&
           llmc_os_terminal(1, NULL, NULL);
}

static int run(chat *c)
{
    bool drawn = has_screen(c);
    int code;
    if (c->set.tools && !drawn)
        return complain(EXIT_USAGE, "--tools needs the screen; the program agent does without");
    c->wanted_format = c->format;
    c->parse_replies = drawn;
    c->forget = !drawn || c->set.no_save;
    code = c->set.server != NULL ? greet_server(c) : start_model(c);
    if (code == EXIT_OK && c->format == LLMC_CHAT_RAW && c->set.server == NULL && !drawn &&
        (c->set.go_on || (c->set.session != NULL && ends_with(c->set.session, ".jsonl"))))
        code = complain(EXIT_USAGE, "a conversation as messages needs a chat template");
    if (code == EXIT_OK && c->set.system != NULL)
        add_message(c, "system", c->set.system);
    if (code == EXIT_OK)
        code = load_session(c);
    if (code == EXIT_OK)
        code = take_up(c);
    if (code != EXIT_OK)
        return code;
    if (c->set.session != NULL)
        c->forget = !ends_with(c->set.session, ".jsonl");
    if (drawn)
        code = converse_on_screen(c);
    else if (c->set.prompt == NULL && c->set.file == NULL && llmc_os_terminal(0, NULL, NULL))
        code = converse(c);
    else
        code = answer_once(c);
    if (code == EXIT_OK && !drawn && c->file.len > 0)
        code = save_conversation(c, c->file.data);
    return code == EXIT_OK ? save_session(c) : code;
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
    argv = llmc_os_arguments(argc, argv);
    code = parse_options(&c.set, argc, argv);
    c.exact = c.set.raw && !llmc_os_terminal(1, NULL, NULL);
    if (code == EXIT_OK && c.set.help)
        print_help();
    else if (code == EXIT_OK && c.set.render != NULL)
        code = render_file(&c);
    else if (code == EXIT_OK && (code = resolve(&c)) == EXIT_OK)
        code = run(&c);
    close_model(&c);
    free_messages(c.message, c.n_messages);
    free(c.model_path);
    free(c.file.data);
    free(c.answer.data);
    free(c.template_text.data);
    free(c.set.bias);
    free(c.set.stop);
    return code;
}
