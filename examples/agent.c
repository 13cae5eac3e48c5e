// cc -O2 examples/agent.c -o agent && ./agent model.gguf "What is in this folder?"
//
// agent.c - a model works with tools: it reads, writes and searches files below one folder, runs commands if
// the user agrees, and computes. Every call is shown, and logged with --log. The answer goes to stdout,
// everything else to stderr. What the tools promise stands in tools.h.
#define LLMC_STATIC // the only file: what it does not use is not compiled
#define LLMC_IMPLEMENTATION
#include "../llmc.h"

#include "files.h"
#include "tools.h"

#include <getopt.h>
#include <signal.h>
#ifndef _WIN32
#include <termios.h>
#endif

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_BUDGET = 3, EXIT_INTERRUPTED = 130 };

/* ---- what the command line says ---- */

/* One line on stderr; returns code. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static int
complain(int code, const char *fmt, ...)
{
    va_list args;
    fputs("agent: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return code;
}

#include "options.h"

typedef struct settings {
    const char *model, *task, *file, *system, *template_file, *tool_format, *root, *allow, *tools, *log,
        *seed, *tokenizer, *isa, *kv_type;
    uint32_t threads, context, max_calls, max_tokens, seconds, cpu_seconds, memory, output;
    llmc_sample_options sample;
    bool yes, never, free_form, no_mmap, quiet, help, call;
} settings;

#define AT(member) offsetof(settings, member)

static const option_row rows[] = {
    {"model", 'm', AS_TEXT, AT(model), 0, 0, "FILE", "model file or folder"},
    {"prompt", 'p', AS_TEXT, AT(task), 0, 0, "TEXT", "the task; without one, a conversation at the terminal"},
    {"file", 'f', AS_TEXT, AT(file), 0, 0, "FILE", "the task is in this file; - is standard input"},
    {"root", 0, AS_TEXT, AT(root), 0, 0, "DIR", "the folder that files are in (default: this one)"},
    {"tools", 0, AS_TEXT, AT(tools), 0, 0, "LIST",
     "which to offer: read_file,write_file,list_dir,search_codebase,run_command,calculator"},
    {"allow", 0, AS_TEXT, AT(allow), 0, 0, "LIST",
     "run without asking: 'git *,ls,write_file'; no command with ; & | < > $ ` ( ) { } \\"},
    {"yes", 'y', AS_FLAG, AT(yes), 0, 0, NULL, "never ask: run every command, write every file"},
    {"never", 0, AS_FLAG, AT(never), 0, 0, NULL, "never ask: only what --allow names"},
    {"log", 0, AS_TEXT, AT(log), 0, 0, "FILE", "append every call, as one JSON object a line"},
    {"max-calls", 0, AS_WHOLE, AT(max_calls), 0, 100000, "N", "most calls for a task; 0: 32"},
    {"max-tokens", 'n', AS_WHOLE, AT(max_tokens), 0, INT32_MAX, "N", "most tokens for a task; 0: 4096"},
    {"timeout", 0, AS_WHOLE, AT(seconds), 0, 86400, "N", "seconds for a command or search; 0: 10"},
    {"cpu", 0, AS_WHOLE, AT(cpu_seconds), 0, 86400, "N", "seconds of processor time; 0: as --timeout"},
    {"memory", 0, AS_WHOLE, AT(memory), 0, 1 << 22, "N", "MiB for each process of a command; 0: 4096"},
    {"output", 0, AS_WHOLE, AT(output), 0, 1 << 24, "N",
     "bytes of a command's output that are kept; 0: 4000"},
    {"system", 0, AS_TEXT, AT(system), 0, 0, "TEXT", "system message before the task"},
    {"template", 0, AS_TEXT, AT(template_file), 0, 0, "FILE",
     "a chat template in Jinja, instead of the model's"},
    {"tool-format", 0, AS_TEXT, AT(tool_format), 0, 0, "NAME",
     "how the model writes calls: auto, hermes, llama3, mistral, gpt-oss, qwen3-coder, ..."},
    {"free", 0, AS_FLAG, AT(free_form), 0, 0, NULL, "do not bind the arguments of calls to their schema"},
    {"threads", 't', AS_WHOLE, AT(threads), 0, 1024, "N", "threads; 0: all that this process may use"},
    {"context", 'c', AS_WHOLE, AT(context), 0, INT32_MAX, "N", "context; 0: the model's, at most 4096"},
    {"temp", 0, AS_REAL, AT(sample.temperature), 0, 1000, "X", "temperature, 0: greedy (default)"},
    {"top-k", 0, AS_WHOLE, AT(sample.top_k), 0, INT32_MAX, "N", "only the N most likely; 0: off"},
    {"top-p", 0, AS_REAL, AT(sample.top_p), 0, 1, "X", "the most likely that sum to X; 1: off"},
    {"min-p", 0, AS_REAL, AT(sample.min_p), 0, 1, "X", "at least X times the most likely; 0: off"},
    {"repeat-penalty", 0, AS_REAL, AT(sample.repeat_penalty), 0, 1000, "X", "on what was said; 1: off"},
    {"seed", 0, AS_TEXT, AT(seed), 0, 0, "N", "of the random numbers (default: 1)"},
    {"tokenizer", 0, AS_TEXT, AT(tokenizer), 0, 0, "FILE", "tokenizer apart from the model (llama2.c)"},
    {"kv-type", 0, AS_TEXT, AT(kv_type), 0, 0, "TYPE", "cache: f16 (default), bf16, f32, q8_0, q4_0"},
    {"isa", 0, AS_TEXT, AT(isa), 0, 0, "NAME", "kernels: auto, scalar, avx2, avx-vnni, avx512, neon, simde"},
    {"no-mmap", 0, AS_FLAG, AT(no_mmap), 0, 0, NULL, "read the model into memory instead of mapping it"},
    {"quiet", 'q', AS_FLAG, AT(quiet), 0, 0, NULL, "do not show the calls"},
    {"call", 0, AS_FLAG, AT(call), 0, 0, NULL, "without a model: agent --call NAME JSON runs that one tool"},
    {"help", 'h', AS_FLAG, AT(help), 0, 0, NULL, "this text"},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

static void print_help(void)
{
    printf("usage: agent MODEL [TASK] [options]\n\n"
           "Works on TASK, or on what is on standard input; at a terminal, holds a conversation.\n\n");
    options_print(rows, N_ROWS, 29);
    printf("\nExit code: 0 answered, 1 failed, 2 usage, 3 the budget is used up, 130 interrupted.\n");
}

/* What is no option comes into words [2]. */
static int parse_options(settings *s, int argc, char **argv, const char **words)
{
    const options o = {rows, N_ROWS, s, NULL, NULL};
    int code = options_parse(&o, argc, argv), n = 0;
    for (; code == EXIT_OK && optind < argc; optind++) {
        if (n == 2 || (n == 1 && s->model != NULL && !s->call))
            return complain(EXIT_USAGE, "unexpected argument '%s'; put quotes around a task", argv[optind]);
        words[n++] = argv[optind];
    }
    return code;
}

/* ---- one program's state ---- */

/* A call that the model has written. */
typedef struct request {
    char name[LLMC_REPLY_NAME_MAX + 1], id[LLMC_REPLY_NAME_MAX + 1];
    tool_buffer arguments;
    bool complete; /* else `arguments` say why it is none */
} request;

typedef struct agent {
    settings set;
    llmc_host host;
    llmc_cpu cpu;
    llmc_dtype kv_type;
    llmc_seq_options seq;
    FILE *log;
    tool_box *box;
    tool_buffer template_text;
    const char *chat_template;
    size_t chat_template_len;
    bool knows_tools;        /* the template has a place for them             */
    llmc_reply_format reply; /* how the model writes calls                    */
    void *grammar_memory, *state_memory, *reply_memory;
    llmc_grammar_state *rules; /* of a call, from its trigger on; NULL: unbound */
    const char *trigger;       /* "": a brace as the first character           */
    bool once, on, off;        /* rules: for the whole rest; now; not any more */
    char tail[16];             /* of the text before a trigger                 */
    size_t n_tail;
    llmc_message *message; /* texts are owned, roles are not */
    size_t n_messages;
    tool_buffer answer; /* text of the last reply */
    request *request;   /* its calls              */
    size_t n_requests;
    uint32_t n_calls, n_tokens; /* of this task */
    bool live, colour, thought; /* on a terminal; with colours; reasoning is on the screen */
    uint64_t drawn;
} agent;

/* Ctrl-C; a handler can reach nothing but a global. Two within 1.5 s end the program. */
static volatile sig_atomic_t interrupts, leave;
static double last_interrupt;

static void on_interrupt(int number)
{
    (void)number;
    if (interrupts > 0)
        leave = 1;
    interrupts = 1;
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
    signal(SIGPIPE, SIG_IGN);
#endif
}

/* An interrupt has done its work; another one soon after it ends the program. */
static void take_interrupt(void)
{
    double now = tool_clock();
    if (interrupts > 0 && now - last_interrupt < 1.5)
        leave = 1;
    if (interrupts > 0)
        last_interrupt = now;
    interrupts = 0;
}

/* One line beside the answer; colour 36: a call, 2: its result, 31: an error, 33: a notice. */
static void say(agent *a, int colour, const char *words, size_t n)
{
    tool_buffer t = {NULL, 0, 0};
    if (a->set.quiet)
        return;
    if (a->drawn != 0)
        fputs("\r\033[K", stderr);
    a->drawn = 0;
    tool_put_visible(&t, words, n, 400);
    if (a->colour)
        fprintf(stderr, "\033[%dm%s\033[0m\n", colour, t.data != NULL ? t.data : "");
    else
        fprintf(stderr, "%s\n", t.data != NULL ? t.data : "");
    free(t.data);
}

static int fail(const llmc_diag *diag)
{
    return complain(EXIT_FAILED, "%s", diag->message);
}

static bool on_progress(void *user, const char *what, uint64_t done, uint64_t total)
{
    agent *a = (agent *)user;
    uint64_t now = llmc_os_nanoseconds();
    if (a->live && total > 0 && now - a->drawn > 300000000u && done < total && !a->set.quiet) {
        if (a->drawn != 0) /* not for what is over at once */
            fprintf(stderr, "\r\033[K%s %d %%", what, (int)(100.0 * (double)done / (double)total));
        a->drawn = now;
    }
    return interrupts == 0;
}

/* ---- the conversation ---- */

static char *copy_of(const char *words, size_t n)
{
    char *copy = (char *)tool_grow(NULL, n + 1);
    if (n > 0)
        memcpy(copy, words, n);
    copy[n] = 0;
    return copy;
}

static void add_message(agent *a, const char *role, const char *words, size_t n, char *more)
{
    llmc_message *m;
    a->message = (llmc_message *)tool_grow(a->message, (a->n_messages + 1) * sizeof *a->message);
    m = &a->message[a->n_messages++];
    m->role = role;
    m->text = words != NULL ? copy_of(words, n) : NULL;
    m->more = more;
}

static void drop_messages(agent *a, size_t begin, size_t end)
{
    size_t i;
    for (i = begin; i < end; i++) {
        free((void *)(uintptr_t)a->message[i].text);
        free((void *)(uintptr_t)a->message[i].more);
    }
    for (i = end; i < a->n_messages; i++)
        a->message[begin + i - end] = a->message[i];
    a->n_messages -= end - begin;
}

static bool is_result(const agent *a, size_t i)
{
    const llmc_message *m = &a->message[i];
    return strcmp(m->role, "tool") == 0 ||
           (!a->knows_tools && m->text != NULL && strncmp(m->text, "<tool_result>", 13) == 0);
}

/* words [n] without what goes beyond `most` bytes, and a line that says so. */
static void put_cut(tool_buffer *t, const char *words, size_t n, size_t most)
{
    size_t kept = n < most ? n : most;
    while (kept < n && kept > 0 && (words[kept] & 0xC0) == 0x80) /* not inside a character */
        kept--;
    tool_put(t, words, kept);
    if (kept < n)
        tool_puts(t, "\n[the rest is left out]");
}

/* Shortens the oldest long result of a tool, but `spare` of the newest messages: to its beginning or, if
   halve, by half. False: there is none. */
static bool shorten_result(agent *a, size_t spare, bool halve)
{
    enum { LONG = 240, KEPT = 120 };
    char line[120];
    size_t i, n;
    for (i = 0; i + spare < a->n_messages; i++) {
        const char *old = a->message[i].text;
        tool_buffer t = {NULL, 0, 0};
        if (!is_result(a, i) || old == NULL || (n = strlen(old)) <= LONG)
            continue;
        put_cut(&t, old, n, halve && n / 2 > KEPT ? n / 2 : KEPT);
        if (!a->knows_tools)
            tool_puts(&t, "\n</tool_result>");
        free((void *)(uintptr_t)old);
        a->message[i].text = t.data;
        snprintf(line, sizeof line, "(the context is full: an old result is shortened by %lu bytes)",
                 (unsigned long)(n - t.len));
        say(a, 33, line, strlen(line));
        return true;
    }
    return false;
}

/* Forgets the oldest task with all that belongs to it, but never the one at hand. */
static bool forget_task(agent *a)
{
    size_t first = a->n_messages > 0 && strcmp(a->message[0].role, "system") == 0 ? 1 : 0, next = first + 1;
    while (next < a->n_messages && (strcmp(a->message[next].role, "user") != 0 || is_result(a, next)))
        next++;
    if (next >= a->n_messages)
        return false;
    drop_messages(a, first, next);
    say(a, 33, "(the context is full: the oldest task is forgotten)", 51);
    return true;
}

/* Makes room: old results first, then older tasks, then results that have just come. */
static bool make_room(agent *a)
{
    return shorten_result(a, 2, false) || forget_task(a) || shorten_result(a, 0, true);
}

/* Lets the sequence read the conversation; room for an answer is left. */
static int read_messages(agent *a)
{
    const size_t context = llmc_engine_context(a->host.engine), room = context / 8 < 256 ? context / 8 : 256;
    llmc_chat_options opt;
    llmc_diag diag;
    llmc_status status;
    size_t n = 0;
    memset(&opt, 0, sizeof opt);
    opt.text = a->chat_template;
    opt.text_len = a->chat_template_len;
    opt.tools = a->knows_tools ? tool_json(a->box, NULL) : NULL;
    opt.now = (int64_t)time(NULL);
    for (;;) {
        status = llmc_seq_chat(a->host.seq, &opt, a->message, a->n_messages, &diag);
        (void)llmc_seq_ids(a->host.seq, &n);
        if (status == LLMC_OK && n + room <= context)
            return EXIT_OK;
        if (status != LLMC_OK && status != LLMC_FULL && status != LLMC_NO_MEMORY)
            return fail(&diag);
        if (!make_room(a))
            return status == LLMC_OK ? EXIT_OK : fail(&diag);
    }
}

/* ---- a reply, under the rules of its calls ---- */

/* A call's JSON schema as GBNF, and behind it how the model's family writes calls from the trigger on. */
static llmc_status put_rules(agent *a, tool_buffer *gbnf, llmc_diag *diag)
{
    llmc_schema_options opt;
    llmc_blob schema;
    llmc_status status;
    size_t work_bytes, len = 0;
    void *work;
    memset(&opt, 0, sizeof opt);
    opt.space = LLMC_SPACE_ONE; /* as models write it; nothing that could go on for ever */
    schema.data = tool_schema(a->box, a->reply == LLMC_REPLY_LLAMA3 ? "parameters" : "arguments");
    schema.size = strlen((const char *)schema.data);
    schema.name = "tools";
    work_bytes = llmc_schema_need(&opt);
    work = tool_grow(NULL, work_bytes);
    status = llmc_schema_gbnf(&schema, &opt, NULL, 0, &len, work, work_bytes, diag);
    if (status == LLMC_NO_MEMORY && len > 0) {
        gbnf->cap = len + 1;
        gbnf->data = (char *)tool_grow(NULL, gbnf->cap);
        status = llmc_schema_gbnf(&schema, &opt, gbnf->data, len, &gbnf->len, work, work_bytes, diag);
    }
    free(work);
    if (a->reply == LLMC_REPLY_LLAMA3)
        tool_puts(gbnf, "\nanswer ::= root\n");
    else if (a->reply == LLMC_REPLY_MISTRAL)
        tool_puts(gbnf, "\nanswer ::= \"[\" root (\",\" \" \"? root)* \"]\"\n");
    else
        tool_puts(gbnf, "\nanswer ::= \"\\n\"? root \"\\n\"? \"</tool_call>\"\n");
    return status;
}

/* Binds the arguments of calls to their schema, where calls are JSON objects; other families write freely and
   are told of their mistakes. */
static int bind_calls(agent *a)
{
    const llmc_tokenizer *tok = llmc_model_tokenizer(a->host.model);
    llmc_grammar_options opt;
    llmc_grammar *grammar = NULL;
    tool_buffer gbnf = {NULL, 0, 0};
    llmc_diag diag;
    llmc_status status;
    size_t bytes = 0;
    a->trigger = a->reply == LLMC_REPLY_LLAMA3    ? ""
                 : a->reply == LLMC_REPLY_MISTRAL ? "[TOOL_CALLS]"
                                                  : "<tool_call>";
    a->once = a->reply == LLMC_REPLY_LLAMA3 || a->reply == LLMC_REPLY_MISTRAL;
    if (a->set.free_form || (a->reply != LLMC_REPLY_HERMES && a->reply != LLMC_REPLY_CLAUDE_RUST && !a->once))
        return EXIT_OK;
    memset(&opt, 0, sizeof opt);
    opt.root = "answer";
    status = put_rules(a, &gbnf, &diag);
    if (status == LLMC_OK)
        status = llmc_grammar_need(tok, gbnf.data, gbnf.len, &opt, &bytes, &diag);
    if (status == LLMC_OK) {
        a->grammar_memory = tool_grow(NULL, bytes);
        status = llmc_grammar_init(&grammar, tok, gbnf.data, gbnf.len, &opt, a->grammar_memory, bytes, &diag);
    }
    if (status == LLMC_OK)
        status = llmc_grammar_state_need(grammar, NULL, &bytes, &diag);
    if (status == LLMC_OK) {
        a->state_memory = tool_grow(NULL, bytes);
        status = llmc_grammar_state_init(&a->rules, grammar, NULL, a->state_memory, bytes, &diag);
    }
    free(gbnf.data);
    return status == LLMC_OK ? EXIT_OK : fail(&diag);
}

/* The rules, once a call has begun. */
static llmc_token on_choose(void *user, llmc_seq *seq, float *logits, size_t n)
{
    agent *a = (agent *)user;
    (void)seq;
    if (a->on && llmc_grammar_apply(a->rules, logits, n, NULL) != LLMC_OK)
        a->on = false;
    return LLMC_TOKEN_NONE;
}

/* Where in the text the trigger ends; -1: not in it. Parts of it may have come before. */
static int find_trigger(agent *a, const char *words, size_t len)
{
    const size_t n = strlen(a->trigger);
    size_t i;
    for (i = 0; i < len; i++) {
        if (n == 0) { /* a brace, if nothing but space came before it */
            if (words[i] == ' ' || words[i] == '\n')
                continue;
            a->off = words[i] != '{';
            return a->off ? -1 : (int)i;
        }
        if (a->n_tail == n)
            memmove(a->tail, a->tail + 1, --a->n_tail);
        a->tail[a->n_tail++] = words[i];
        if (a->n_tail == n && memcmp(a->tail, a->trigger, n) == 0)
            return (int)i + 1;
    }
    return -1;
}

/* What was said last, under the rules of a call if one has begun. */
static void follow(agent *a, const llmc_piece *p)
{
    int begin;
    if (a->rules == NULL || a->off)
        return;
    if (!a->on) {
        begin = find_trigger(a, p->text, p->text_len);
        if (begin >= 0)
            a->on =
                llmc_grammar_text(a->rules, p->text + begin, p->text_len - (size_t)begin, NULL) == LLMC_OK;
        return;
    }
    a->on = llmc_grammar_advance(a->rules, p->token, NULL) == LLMC_OK;
    if (a->on && llmc_grammar_is_done(a->rules) && !a->once) { /* free again until the next */
        a->on = false;
        a->n_tail = 0;
        (void)llmc_grammar_reset(a->rules, false, NULL);
    }
}

static void drop_requests(agent *a)
{
    size_t i;
    for (i = 0; i < a->n_requests; i++)
        free(a->request[i].arguments.data);
    a->n_requests = 0;
}

static request *new_request(agent *a)
{
    request *r;
    a->request = (request *)tool_grow(a->request, (a->n_requests + 1) * sizeof *a->request);
    r = &a->request[a->n_requests++];
    memset(r, 0, sizeof *r);
    tool_clear(&r->arguments);
    return r;
}

/* Text of the model for a screen: its line breaks, but no other control. */
static void print_text(FILE *to, const char *words, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        if ((unsigned char)words[i] >= 32 || words[i] == '\n' || words[i] == '\t')
            fputc(words[i], to);
}

/* One part of a reply, as 21 CHAT has taken it apart. */
static void on_part(agent *a, const llmc_reply_event *e)
{
    request *r = a->n_requests > 0 ? &a->request[a->n_requests - 1] : NULL;
    if (e->kind == LLMC_REPLY_TEXT) {
        if (a->thought)
            fputs(a->colour ? "\033[0m\n" : "\n", stderr);
        a->thought = false;
        tool_put(&a->answer, e->text, e->len);
        if (a->live)
            print_text(stdout, e->text, e->len);
    } else if (e->kind == LLMC_REPLY_REASONING && !a->set.quiet && a->live) {
        fputs(a->thought || !a->colour ? "" : "\033[2m", stderr);
        a->thought = true;
        print_text(stderr, e->text, e->len);
    } else if (e->kind == LLMC_REPLY_CALL_BEGIN) {
        (void)new_request(a);
    } else if (e->kind == LLMC_REPLY_CALL_ARGUMENTS && r != NULL) {
        tool_put(&r->arguments, e->text, e->len);
    } else if (e->kind == LLMC_REPLY_CALL_END && r != NULL) {
        snprintf(r->name, sizeof r->name, "%s", e->name);
        snprintf(r->id, sizeof r->id, "%s", e->id);
        r->complete = true;
    } else if (e->kind == LLMC_REPLY_ERROR) {
        if (r == NULL || r->complete)
            r = new_request(a);
        snprintf(r->name, sizeof r->name, "%s", e->name);
        tool_clear(&r->arguments);
        tool_put(&r->arguments, e->text, e->len);
    }
    fflush(stdout);
}

static void take_parts(agent *a, llmc_reply *reply)
{
    llmc_reply_event e;
    while (llmc_reply_next(reply, &e))
        on_part(a, &e);
}

/* Everything is as before a reply: parser, rules, limits. */
static int begin_reply(agent *a, llmc_reply **reply)
{
    llmc_reply_options opt;
    llmc_diag diag;
    a->answer.len = 0;
    tool_put(&a->answer, "", 0);
    drop_requests(a);
    a->on = a->off = a->thought = false;
    a->n_tail = 0;
    a->drawn = 0;
    memset(&opt, 0, sizeof opt);
    opt.format = a->reply;
    opt.tools = tool_json(a->box, &opt.tools_len);
    if (a->reply_memory == NULL)
        a->reply_memory = tool_grow(NULL, llmc_reply_need());
    a->seq.max_tokens = a->set.max_tokens - a->n_tokens;
    a->set.sample.seed++; /* configuring begins the random numbers anew */
    if (llmc_reply_init(reply, &opt, a->reply_memory, llmc_reply_need(), &diag) != LLMC_OK ||
        llmc_seq_configure(a->host.seq, &a->seq, &diag) != LLMC_OK ||
        (a->rules != NULL && llmc_grammar_reset(a->rules, false, &diag) != LLMC_OK))
        return fail(&diag);
    return EXIT_OK;
}

/* The model's next reply into a->answer and a->request. *finish: why it ended; NONE: interrupted. */
static int listen(agent *a, llmc_finish *finish)
{
    llmc_reply *reply;
    llmc_piece piece;
    llmc_diag diag;
    llmc_status status = LLMC_OK;
    int code = begin_reply(a, &reply);
    *finish = LLMC_FINISH_NONE;
    while (code == EXIT_OK && interrupts == 0 &&
           (status = llmc_seq_next(a->host.seq, &piece, &diag)) == LLMC_OK) {
        if (a->drawn != 0 && a->live)
            fputs("\r\033[K", stderr);
        a->drawn = 0;
        a->n_tokens++;
        follow(a, &piece);
        (void)llmc_reply_feed(reply, piece.text, piece.text_len, NULL);
        take_parts(a, reply);
        *finish = piece.finish;
    }
    if (code == EXIT_OK && status != LLMC_OK && status != LLMC_DONE &&
        !(status == LLMC_CANCELLED && interrupts > 0))
        code = fail(&diag);
    if (code == EXIT_OK && interrupts == 0)
        *finish = llmc_seq_finish(a->host.seq);
    if (code == EXIT_OK) {
        llmc_reply_finish(reply);
        take_parts(a, reply);
    }
    if (a->thought)
        fputs(a->colour ? "\033[0m\n" : "\n", stderr);
    if (a->live && a->answer.len > 0)
        fputc('\n', stdout);
    fflush(stdout);
    return code;
}

/* ---- a task ---- */

/* A call for the conversation, in OpenAI's words: its arguments are an object. */
static void put_call(tool_buffer *t, const request *r)
{
    tool_puts(t, "{\"id\":");
    tool_put_json(t, r->id, strlen(r->id));
    tool_puts(t, ",\"type\":\"function\",\"function\":{\"name\":");
    tool_put_json(t, r->name, strlen(r->name));
    tool_puts(t, ",\"arguments\":");
    tool_puts(t, r->complete && r->arguments.len > 0 ? r->arguments.data : "{}");
    tool_puts(t, "}}");
}

/* What the model has said becomes a message, calls and all. */
static void keep_reply(agent *a)
{
    tool_buffer more = {NULL, 0, 0}, words = {NULL, 0, 0};
    size_t i;
    tool_put(&words, a->answer.data, a->answer.len);
    for (i = 0; i < a->n_requests; i++) {
        request *r = &a->request[i];
        if (r->id[0] == 0)
            snprintf(r->id, sizeof r->id, "call%05u", (unsigned)(a->n_calls + i + 1) % 100000);
        if (!r->complete)
            continue; /* no template could show it */
        if (!a->knows_tools) {
            tool_puts(&words, "<tool_call>{\"name\": ");
            tool_put_json(&words, r->name, strlen(r->name));
            tool_puts(&words, ", \"arguments\": ");
            tool_puts(&words, r->arguments.len > 0 ? r->arguments.data : "{}");
            tool_puts(&words, "}</tool_call>");
            continue;
        }
        tool_puts(&more, more.len == 0 ? "{\"tool_calls\":[" : ",");
        put_call(&more, r);
    }
    if (more.len > 0)
        tool_puts(&more, "]}");
    if (!a->live && a->n_requests > 0 && a->answer.len > 0) /* what is no answer yet */
        say(a, 2, a->answer.data, a->answer.len);
    add_message(a, "assistant", words.data, words.len, more.data);
    free(words.data);
}

/* What comes back joins the conversation; no result takes more than about half of the context. */
static void add_result(agent *a, const request *r, const char *words, size_t n)
{
    tool_buffer more = {NULL, 0, 0}, t = {NULL, 0, 0};
    const size_t most = 2 * (size_t)llmc_engine_context(a->host.engine); /* a token is about four bytes */
    char line[120];
    tool_puts(&t, a->knows_tools ? "" : "<tool_result>\n");
    put_cut(&t, words, n, most);
    tool_puts(&t, a->knows_tools ? "" : "\n</tool_result>");
    if (n > most) {
        snprintf(line, sizeof line, "(too long for the context: %lu bytes are left out)",
                 (unsigned long)(n - most));
        say(a, 33, line, strlen(line));
    }
    if (a->knows_tools) {
        tool_puts(&more, "{\"tool_call_id\":");
        tool_put_json(&more, r->id, strlen(r->id));
        tool_puts(&more, ",\"name\":");
        tool_put_json(&more, r->name, strlen(r->name));
        tool_puts(&more, "}");
    }
    add_message(a, a->knows_tools ? "tool" : "user", t.data, t.len, more.data);
    free(t.data);
}

/* The first lines of a result, indented. */
static void show_result(agent *a)
{
    size_t n, line, shown = 0;
    char tail[80];
    const char *words = tool_text(a->box, &n);
    while (n > 0 && shown < 3) {
        tool_buffer t = {NULL, 0, 0};
        for (line = 0; line < n && words[line] != '\n'; line++)
            ;
        tool_puts(&t, "    ");
        tool_put(&t, words, line < 100 ? line : 100);
        say(a, tool_ok(a->box) ? 2 : 31, t.data, t.len);
        free(t.data);
        line += line < n;
        words += line;
        n -= line;
        shown++;
    }
    snprintf(tail, sizeof tail, "    (%lu bytes more)", (unsigned long)n);
    if (n > 0)
        say(a, 2, tail, strlen(tail));
}

/* While a call runs: for how long, and the last line of what it says. */
static void draw_running(agent *a)
{
    size_t n, from, to;
    const char *words = tool_so_far(a->box, &n);
    tool_buffer t = {NULL, 0, 0};
    if (!a->live || a->set.quiet || tool_seconds(a->box) < 0.4)
        return;
    for (to = n; to > 0 && words[to - 1] == '\n';)
        to--;
    for (from = to; from > 0 && words[from - 1] != '\n';)
        from--;
    tool_put_visible(&t, words + from, to - from, 48);
    fprintf(stderr,
            a->colour ? "\r\033[K\033[2m    %.1f s (Ctrl-C cancels) %s\033[0m"
                      : "\r\033[K    %.1f s (Ctrl-C cancels) %s",
            tool_seconds(a->box), t.data != NULL ? t.data : "");
    a->drawn = 1;
    free(t.data);
}

/* One call, shown and logged, its result in the conversation. */
static void make_call(agent *a, const request *r)
{
    const char *words;
    size_t n;
    tool_start(a->box, r->name, r->arguments.data, r->arguments.len);
    say(a, 36, tool_label(a->box), strlen(tool_label(a->box)));
    while (!tool_poll(a->box, 80)) {
        draw_running(a);
        if (interrupts > 0)
            tool_cancel(a->box);
    }
    take_interrupt();
    show_result(a);
    words = tool_text(a->box, &n);
    add_result(a, r, words, n);
}

/* All calls of a reply. */
static int make_calls(agent *a)
{
    static const char spent[] = "error: the budget of calls is used up";
    bool over = false;
    size_t i;
    for (i = 0; i < a->n_requests; i++) {
        const request *r = &a->request[i];
        over = over || a->n_calls >= a->set.max_calls || leave;
        if (over) {
            add_result(a, r, spent, sizeof spent - 1);
        } else if (!r->complete) {
            tool_buffer t = {NULL, 0, 0};
            tool_puts(&t, "error: ");
            tool_put_utf8(&t, r->arguments.data, r->arguments.len);
            say(a, 31, t.data, t.len);
            tool_note(a->box, "error", t.data, t.len);
            add_result(a, r, t.data, t.len);
            free(t.data);
            a->n_calls++;
        } else {
            make_call(a, r);
            a->n_calls++;
        }
    }
    if (leave)
        return EXIT_INTERRUPTED;
    return over ? complain(EXIT_BUDGET, "the budget of %u calls is used up", (unsigned)a->set.max_calls)
                : EXIT_OK;
}

/* Ctrl-C has ended a reply. A task that nothing has come of was never given. */
static int interrupted(agent *a)
{
    const llmc_message *last = &a->message[a->n_messages - 1];
    size_t i;
    if (a->answer.len > 0 || a->n_requests > 0)
        keep_reply(a);
    for (i = 0; i < a->n_requests; i++) /* calls want their results */
        add_result(a, &a->request[i], "error: the user cancelled it", 28);
    if (a->answer.len > 0 || a->n_requests > 0)
        return EXIT_INTERRUPTED;
    if (strcmp(last->role, "user") == 0 && !is_result(a, a->n_messages - 1))
        drop_messages(a, a->n_messages - 1, a->n_messages);
    else
        add_message(a, "assistant", "(interrupted)", 13, NULL);
    return EXIT_INTERRUPTED;
}

/* Until the model answers without a call, or a budget ends. */
static int work_on(agent *a, const char *task, size_t len)
{
    llmc_finish finish = LLMC_FINISH_NONE;
    int code = EXIT_OK;
    a->n_calls = a->n_tokens = 0;
    add_message(a, "user", task, len, NULL);
    tool_note(a->box, "task", task, len);
    do {
        a->answer.len = 0;
        drop_requests(a);
        code = read_messages(a);
        if (code == EXIT_OK)
            code = listen(a, &finish);
        if (interrupts > 0)
            return interrupted(a);
        if (code != EXIT_OK)
            return code;
        if (finish == LLMC_FINISH_CONTEXT && make_room(a))
            continue; /* again, with more room */
        keep_reply(a);
        if (finish == LLMC_FINISH_CONTEXT)
            code = complain(EXIT_FAILED, "the context of %u tokens is full",
                            (unsigned)llmc_engine_context(a->host.engine));
        else if (a->n_requests > 0)
            code = make_calls(a);
    } while (code == EXIT_OK && (a->n_requests > 0 || finish == LLMC_FINISH_CONTEXT) &&
             a->n_tokens < a->set.max_tokens);
    tool_note(a->box, "answer", a->answer.data, a->answer.len);
    if (code == EXIT_OK && !a->live) {
        fwrite(a->answer.data, 1, a->answer.len, stdout);
        fputc('\n', stdout);
    }
    if (fflush(stdout) != 0)
        return complain(EXIT_FAILED, "the output cannot be written");
    if (code == EXIT_OK && (finish == LLMC_FINISH_LENGTH || a->n_requests > 0))
        return complain(EXIT_BUDGET, "the budget of %u tokens is used up", (unsigned)a->set.max_tokens);
    return code;
}

/* ---- consent ---- */

/* tool_options.ask: on the terminal. What was typed before the question is no answer to it. */
static tool_answer on_ask(void *user, const char *name, const char *what)
{
    agent *a = (agent *)user;
    char line[64];
    tool_answer answer = TOOL_NO;
    bool again = true;
    if (a->drawn != 0)
        fputs("\r\033[K", stderr);
    a->drawn = 0;
    fprintf(stderr, a->colour ? "\033[1;33m%s\033[0m %s\n" : "%s %s\n", name, what);
    while (again && interrupts == 0) {
        fputs("  allow it? [y]es, [n]o, [a]lways: ", stderr);
#ifndef _WIN32
        tcflush(0, TCIFLUSH);
#endif
        again = false;
        if (fgets(line, sizeof line, stdin) == NULL)
            clearerr(stdin);
        else if (line[0] == 'y' || line[0] == 'Y')
            answer = TOOL_YES;
        else if (line[0] == 'a' || line[0] == 'A')
            answer = TOOL_ALWAYS;
        else
            again = line[0] != 'n' && line[0] != 'N';
    }
    if (interrupts > 0)
        fputc('\n', stderr);
    return answer;
}

/* ---- opening ---- */

static int read_all(tool_buffer *out, const char *path)
{
    char part[4096];
    size_t n;
    bool standard = strcmp(path, "-") == 0, bad;
    FILE *f = standard ? stdin : open_file(path, "rb");
    if (f == NULL)
        return complain(EXIT_FAILED, "%s: %s", path, strerror(errno));
    tool_put(out, "", 0);
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        tool_put(out, part, n);
    bad = ferror(f) != 0;
    if (!standard)
        fclose(f);
    if (bad)
        return complain(EXIT_FAILED, "%s: cannot be read", standard ? "standard input" : path);
    if (memchr(out->data, 0, out->len) != NULL)
        return complain(EXIT_FAILED, "%s: it has NUL bytes: not a text", standard ? "standard input" : path);
    if (out->len > 0 && out->data[out->len - 1] == '\n') /* a text file's last newline is not meant */
        out->data[--out->len] = 0;
    return EXIT_OK;
}

static int open_box(agent *a)
{
    const settings *s = &a->set;
    tool_options opt;
    char why[400];
    memset(&opt, 0, sizeof opt);
    if (s->log != NULL && (a->log = open_file(s->log, "ab")) == NULL)
        return complain(EXIT_FAILED, "--log: %s: %s", s->log, strerror(errno));
    opt.root = s->root;
    opt.policy = s->yes ? TOOL_ALLOW : s->never ? TOOL_NEVER : TOOL_ASK;
    opt.allow = s->allow;
    if (llmc_os_terminal(0, NULL, NULL) && llmc_os_terminal(2, NULL, NULL))
        opt.ask = on_ask;
    opt.user = a;
    opt.log = a->log;
    opt.only = s->tools;
    opt.seconds = s->seconds;
    opt.cpu_seconds = s->cpu_seconds;
    opt.memory_bytes = (uint64_t)s->memory << 20;
    opt.output_bytes = s->output;
    a->box = tool_open(&opt, why, sizeof why);
    return a->box != NULL ? EXIT_OK : complain(EXIT_FAILED, "%s", why);
}

static int open_model(agent *a)
{
    llmc_engine_options engine;
    llmc_open_options opt;
    llmc_diag diag;
    memset(&engine, 0, sizeof engine);
    memset(&opt, 0, sizeof opt);
    engine.progress.fn = on_progress;
    engine.progress.user = a;
    engine.context_length = a->set.context;
    engine.cpu = a->cpu;
    engine.kv_type = a->kv_type;
    opt.tokenizer_path = a->set.tokenizer;
    opt.threads = a->set.threads;
    opt.no_mmap = a->set.no_mmap;
    opt.engine = &engine;
    opt.seq = &a->seq;
    if (llmc_open(&a->host, a->set.model, &opt, &diag) != LLMC_OK)
        return fail(&diag);
    if (llmc_model_tokenizer(a->host.model) == NULL)
        return complain(EXIT_FAILED, "%s has no tokenizer in it: give one with --tokenizer", a->set.model);
    return EXIT_OK;
}

/* The template, whether it has a place for tools, and how replies to it are read. */
static int choose_template(agent *a)
{
    tool_buffer t = {NULL, 0, 0};
    llmc_chat_format format = llmc_chat_format_of(a->host.model);
    if (a->set.template_file != NULL) {
        if (read_all(&a->template_text, a->set.template_file) != EXIT_OK)
            return EXIT_FAILED;
        a->chat_template = a->template_text.data;
        a->chat_template_len = a->template_text.len;
    } else if (format == LLMC_CHAT_RAW) {
        return complain(EXIT_FAILED, "%s has no chat template: give one with --template", a->set.model);
    } else {
        a->chat_template = llmc_chat_template(a->host.model, format, &a->chat_template_len);
    }
    tool_put(&t, a->chat_template, a->chat_template_len);
    a->knows_tools = strstr(t.data, "tools") != NULL;
    free(t.data);
    if (a->reply == LLMC_REPLY_AUTO)
        a->reply = a->set.template_file == NULL
                       ? llmc_reply_format_of(a->host.model)
                       : llmc_reply_format_in(a->chat_template, a->chat_template_len);
    if (a->reply == LLMC_REPLY_PLAIN || (!a->knows_tools && a->set.tool_format == NULL))
        a->reply = LLMC_REPLY_HERMES; /* whoever is told how writes <tool_call> */
    return EXIT_OK;
}

/* The system message, and what a template without a place for tools leaves to it. */
static void add_system(agent *a)
{
    tool_buffer t = {NULL, 0, 0};
    if (a->set.system != NULL)
        tool_puts(&t, a->set.system);
    if (!a->knows_tools) {
        tool_puts(&t, t.len > 0 ? "\n\n" : "");
        tool_puts(&t, "You can call tools. To call one, write\n<tool_call>{\"name\": NAME, \"arguments\": "
                      "{...}}</tool_call>\nand its result comes in the next message. The tools, as JSON:\n");
        tool_puts(&t, tool_json(a->box, NULL));
    }
    if (t.len > 0)
        add_message(a, "system", t.data, t.len, NULL);
    free(t.data);
}

/* Everything that can be wrong before a file is opened. */
static int resolve(agent *a, const char **words)
{
    settings *s = &a->set;
    llmc_diag diag;
    char *end;
    int next = 0;
    if (s->model == NULL)
        s->model = words[next++];
    if (next < 2 && words[next] != NULL && s->task != NULL)
        return complain(EXIT_USAGE, "the task was given twice");
    if (next < 2 && words[next] != NULL)
        s->task = words[next];
    if (s->model == NULL)
        return complain(EXIT_USAGE, "no model given (-h shows how)");
    if (s->task != NULL && s->file != NULL)
        return complain(EXIT_USAGE, "a task and -f were both given; one of them, please");
    s->sample.seed = 1;
    if (s->seed != NULL) {
        errno = 0;
        s->sample.seed = strtoull(s->seed, &end, 10);
        if (!tool_digit(s->seed[0]) || *end != 0 || errno != 0)
            return complain(EXIT_USAGE, "--seed: '%s' is not a whole number from 0 to 2^64 - 1", s->seed);
    }
    if (s->tool_format != NULL && llmc_reply_format_named(s->tool_format, &a->reply) != LLMC_OK)
        return complain(
            EXIT_USAGE,
            "--tool-format: '%s' is none of auto, llama3, hermes, qwen3-coder, mistral, gpt-oss, deepseek, "
            "claude-rust",
            s->tool_format);
    if (s->kv_type != NULL && (a->kv_type = llmc_dtype_named(s->kv_type)) == LLMC_DTYPE_NONE)
        return complain(EXIT_USAGE, "--kv-type: '%s' is none of f16, bf16, f32, q8_0, q4_0", s->kv_type);
    if (llmc_os_cpu(s->isa, &a->cpu, &diag) != LLMC_OK)
        return complain(EXIT_USAGE, "%s%s", s->isa != NULL ? "--isa: " : "", diag.message);
    if (llmc_sample_check(&s->sample, &diag) != LLMC_OK)
        return complain(EXIT_USAGE, "%s", diag.message);
    return EXIT_OK;
}

/* ---- the program ---- */

/* agent --call NAME JSON: one tool, its result on stdout. */
static int call_once(agent *a, const char **words)
{
    size_t n;
    const char *result;
    if (words[0] == NULL || words[1] == NULL)
        return complain(EXIT_USAGE, "--call takes a tool's name and its arguments as JSON");
    if (open_box(a) != EXIT_OK)
        return EXIT_FAILED;
    tool_start(a->box, words[0], words[1], strlen(words[1]));
    while (!tool_poll(a->box, 100)) {
        draw_running(a);
        if (interrupts > 0)
            tool_cancel(a->box);
    }
    if (a->drawn != 0)
        fputs("\r\033[K", stderr);
    result = tool_text(a->box, &n);
    fwrite(result, 1, n, stdout);
    fputc('\n', stdout);
    return fflush(stdout) == 0 && tool_ok(a->box) ? EXIT_OK : EXIT_FAILED;
}

/* A line, or several where each but the last ends in a backslash. False at the end of the input and at
   Ctrl-C. */
static bool read_line(agent *a, tool_buffer *line)
{
    char part[512];
    tool_clear(line);
    fputs(a->colour ? "\033[1;32m>\033[0m " : "> ", stderr);
    while (fgets(part, sizeof part, stdin) != NULL) {
        tool_puts(line, part);
        if (line->len == 0 || line->data[line->len - 1] != '\n')
            continue;
        line->data[--line->len] = 0;
        if (line->len == 0 || line->data[line->len - 1] != '\\')
            return true;
        line->data[line->len - 1] = '\n';
        fputs("  ", stderr);
    }
    fputc('\n', stderr);
    return interrupts == 0 && line->len > 0;
}

/* True: the line was meant for this program. */
static bool obey(agent *a, const char *line, bool *quit)
{
    int i;
    if (strcmp(line, "/quit") == 0 || strcmp(line, "/exit") == 0) {
        *quit = true;
    } else if (strcmp(line, "/clear") == 0) {
        drop_messages(a, a->n_messages > 0 && strcmp(a->message[0].role, "system") == 0 ? 1 : 0,
                      a->n_messages);
    } else if (strcmp(line, "/tools") == 0) {
        for (i = 0; i < TOOL_COUNT; i++)
            if (a->box->offered[i])
                fprintf(stderr, "%-16s %s\n", tool_table[i].name, tool_table[i].description);
    } else if (strcmp(line, "/help") == 0) {
        fputs("/tools  what the model may do\n/clear  forget the conversation\n/quit   end (as do Ctrl-D, "
              "and Ctrl-C "
              "here)\nCtrl-C  stops an answer or a call, twice ends; a line that ends in \\ goes on in the "
              "next\n",
              stderr);
    } else {
        return line[0] == 0;
    }
    return true;
}

static int converse(agent *a)
{
    tool_buffer line = {NULL, 0, 0};
    int code = EXIT_OK;
    bool quit = false;
    fputs("Give a task; /help says more\n", stderr);
    while (!quit && !leave && read_line(a, &line)) {
        if (obey(a, line.data, &quit))
            continue;
        code = work_on(a, line.data, line.len);
        if (code == EXIT_FAILED)
            break;
        take_interrupt();
        code = EXIT_OK;
    }
    free(line.data);
    return leave ? EXIT_INTERRUPTED : code;
}

static int run(agent *a)
{
    tool_buffer task = {NULL, 0, 0};
    int code = open_box(a);
    if (code == EXIT_OK)
        code = open_model(a);
    if (code == EXIT_OK)
        code = choose_template(a);
    if (code == EXIT_OK)
        code = bind_calls(a);
    if (code != EXIT_OK)
        return code;
    a->seq.show_special = llmc_reply_wants_special(a->reply);
    a->seq.chooser.fn = a->rules != NULL ? on_choose : NULL;
    a->seq.user = a;
    a->seq.chooser.user = a;
    add_system(a);
    if (a->set.task == NULL && a->set.file == NULL && llmc_os_terminal(0, NULL, NULL))
        return converse(a);
    if (a->set.task != NULL)
        tool_puts(&task, a->set.task);
    else
        code = read_all(&task, a->set.file != NULL ? a->set.file : "-");
    if (code == EXIT_OK && task.len == 0)
        code = complain(EXIT_FAILED, "the task is empty");
    if (code == EXIT_OK)
        code = work_on(a, task.data, task.len);
    free(task.data);
    return code;
}

static void close_all(agent *a)
{
    tool_close(a->box);
    llmc_close(&a->host);
    drop_messages(a, 0, a->n_messages);
    drop_requests(a);
    if (a->log != NULL && fclose(a->log) != 0)
        complain(0, "--log: %s: %s", a->set.log, strerror(errno));
    free(a->message);
    free(a->request);
    free(a->answer.data);
    free(a->template_text.data);
    free(a->reply_memory);
    free(a->state_memory);
    free(a->grammar_memory);
}

int main(int argc, char **argv)
{
    agent a;
    const char *words[3] = {NULL, NULL, NULL}, *no_colour = getenv("NO_COLOR");
    int code;
    memset(&a, 0, sizeof a);
    a.seq.sample = &a.set.sample;
    a.live = llmc_os_terminal(1, NULL, NULL) && llmc_os_terminal(2, NULL, NULL);
    a.colour = a.live && (no_colour == NULL || no_colour[0] == 0);
#ifdef _WIN32
    SetConsoleOutputCP(CP_UTF8);
#endif
    argv = llmc_os_arguments(argc, argv);
    code = parse_options(&a.set, argc, argv, words);
    if (a.set.max_calls == 0)
        a.set.max_calls = 32;
    if (a.set.max_tokens == 0)
        a.set.max_tokens = 4096;
    if (code == EXIT_OK && a.set.yes && a.set.never)
        code = complain(EXIT_USAGE, "--yes and --never were both given; one of them, please");
    if (code == EXIT_OK && a.set.help) {
        print_help();
    } else if (code == EXIT_OK) {
        catch_interrupts();
        if (a.set.call)
            code = call_once(&a, words);
        else if ((code = resolve(&a, words)) == EXIT_OK)
            code = run(&a);
    }
    close_all(&a);
    return code;
}
