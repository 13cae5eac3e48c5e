/* test_reply.c -- section CHAT: reasoning, calls and text out of what a model says. */
#define LLMC_IMPLEMENTATION
#include "../llmc.h"
#include "test.h"
#include "make_gguf.h"

static llmc_diag diag;

/* ------------------------------------------------------------ parts as text */
static void append(char **text, size_t *n, size_t *cap, const char *s, size_t len)
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
        append(out, n, cap, "\"", 1);
        for (i = 0; i < len && i < sizeof text; i++) {
            snprintf(escape, sizeof escape, text[i] == '"' || text[i] == '\\' ? "\\%c" : "\\u%04x",
                     (unsigned char)text[i]);
            if (text[i] == '"' || text[i] == '\\' || (unsigned char)text[i] < 0x20)
                append(out, n, cap, escape, strlen(escape));
            else
                append(out, n, cap, text + i, 1);
        }
        append(out, n, cap, "\"", 1);
    } else if (v.type == LLMC_JSON_OBJECT || v.type == LLMC_JSON_ARRAY) {
        append(out, n, cap, v.type == LLMC_JSON_OBJECT ? "{" : "[", 1);
        while (llmc_json_next(v, &it, &key, &value)) {
            append(out, n, cap, comma, strlen(comma));
            comma = ",";
            if (v.type == LLMC_JSON_OBJECT) {
                put_json(out, n, cap, key);
                append(out, n, cap, ":", 1);
            }
            put_json(out, n, cap, value);
        }
        append(out, n, cap, v.type == LLMC_JSON_OBJECT ? "}" : "]", 1);
    } else {
        while (end < v.end && strchr(" \t\n\r,]}", *end) == NULL)
            end++;
        append(out, n, cap, v.text, (size_t)(end - v.text));
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
            append(&g->text, &g->n, &g->cap, s[i] == '\n' ? "\\n" : s[i] == '\r' ? "\\r" : "\\\\", 2);
        else
            append(&g->text, &g->n, &g->cap, s + i, 1);
}

static void line(gathered *g, int kind, const char *head)
{
    if (g->last >= 0)
        append(&g->text, &g->n, &g->cap, "\n", 1);
    g->last = kind;
    append(&g->text, &g->n, &g->cap, head, strlen(head));
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
    append(&g->text, &g->n, &g->cap, " ", 1);
    put_escaped(g, id, strlen(id));
    append(&g->text, &g->n, &g->cap, " ", 1);
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
        append(&g->args, &g->n_args, &g->cap_args, e->text, e->len);
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
    append(&g.text, &g.n, &g.cap, "", 0);
    append(&g.args, &g.n_args, &g.cap_args, "", 0);
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
        append(&g.text, &g.n, &g.cap, "\n", 1);
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
    append(&g.text, &g.n, &g.cap, "", 0);
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
        append(&g.text, &g.n, &g.cap, "\n", 1);
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

/* ------------------------------------------------------------ one reply of each kind */
/* The fullwidth bar and the low line of DeepSeek's tags. */
#define BAR       "\357\275\234"
#define LOW       "\342\226\201"
#define D_CALLS   BAR "tool" LOW "calls" LOW "begin" BAR
#define D_CALL    BAR "tool" LOW "call" LOW "begin" BAR
#define D_SEP     BAR "tool" LOW "sep" BAR
#define D_UNCALL  BAR "tool" LOW "call" LOW "end" BAR
#define D_UNCALLS BAR "tool" LOW "calls" LOW "end" BAR
#define D_END     BAR "end" LOW "of" LOW "sentence" BAR

/* Texts of our own in the shapes that the makers' templates and model cards show. */
static const struct {
    const char *format, *text, *want;
} samples[] = {
    {"plain", "<think>a</think><tool_call>{}</tool_call>", "T <think>a</think><tool_call>{}</tool_call>\n"},
    {"plain", "", ""},
    /* Llama 3 */
    {"llama3", "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Oslo\"}}<|eot_id|>",
     "C get_weather  {\"city\":\"Oslo\"}\n"},
    {"llama3",
     "<|python_tag|>{\"name\": \"a\", \"parameters\": {}}; {\"name\": \"b\", \"parameters\": {\"x\": [1, "
     "2]}}<|eom_id|>",
     "C a  {}\nC b  {\"x\":[1,2]}\n"},
    {"llama3", "\n{\"type\": \"function\", \"name\": \"a\", \"parameters\": {\"x\": \"}\"}}",
     "C a  {\"x\":\"}\"}\n"},
    {"llama3",
     "[get_weather(city='San Francisco', unit=\"C\"), add(a=1, b=-2.5, c=[True, None], d={'k': \"v\"})]",
     "C get_weather  {\"city\":\"San Francisco\",\"unit\":\"C\"}\n"
     "C add  {\"a\":1,\"b\":-2.5,\"c\":[true,null],\"d\":{\"k\":\"v\"}}\n"},
    {"llama3", "<|python_tag|>brave_search.call(query=\"it's\")<|eom_id|>",
     "C brave_search  {\"query\":\"it's\"}\n"},
    {"llama3", "<|python_tag|>print(\"a\\n\")\nx = 1<|eom_id|>",
     "C code_interpreter  {\"code\":\"print(\\\\\"a\\\\\\\\n\\\\\")\\\\u000ax = 1\"}\n"},
    {"llama3", "<function=add>{\"a\": 1}</function><|eom_id|>", "C add  {\"a\":1}\n"},
    {"llama3", "{\"name\": \"Bob\", \"age\": 3}", "T {\"name\": \"Bob\", \"age\": 3}\n"},
    {"llama3", "[1, 2]", "T [1, 2]\n"},
    {"llama3", "[link](x) {\"name\": \"a\", \"parameters\": {}}",
     "T [link](x) {\"name\": \"a\", \"parameters\": {}}\n"},
    {"llama3", "{\"name\": \"a\", \"parameters\": {\"x\": 1]}}<|eot_id|>", "E\n"},
    {"llama3", "{\"name\": \"a\", \"parameters\": {\"x\": 1", "E\n"},
    {"llama3", "Say {\"name\": \"a\", \"parameters\": {}}", "T Say {\"name\": \"a\", \"parameters\": {}}\n"},
    {"llama3", "[f(x=1, x2='\\x41\\u00e9\\U0001F600\\'\\q')]",
     "C f  {\"x\":1,\"x2\":\"A\303\251\360\237\230\200'\\\\\\\\q\"}\n"},
    {"llama3", "[f(x=1, 2)]", "E\n"},
    {"llama3", "[f(x=nope)]", "E\n"},
    /* Hermes, Qwen 2.5, Qwen 3 */
    {"hermes",
     "<think>\nThe user wants rain.\n</think>\n\nLet me look.\n<tool_call>\n{\"name\": \"get_weather\", "
     "\"arguments\": {\"city\": \"caf\303\251 </tool_call> "
     "\\u00e9\"}}\n</tool_call>\n<tool_call>\n{\"name\": "
     "\"now\", \"arguments\": {}}\n</tool_call><|im_end|>",
     "R The user wants rain.\nT Let me look.\nC get_weather  {\"city\":\"caf\303\251 </tool_call> "
     "\303\251\"}\nC now "
     " {}\n"},
    {"hermes", "<tool_call>{\"arguments\": {\"a\": 1}, \"name\": \"late\"}</tool_call>",
     "C late  {\"a\":1}\n"},
    {"hermes", "<tool_call>{\"name\": \"f\", \"arguments\": \"{\\\"a\\\": \\\"\\\\u00e9\\\"}\"}</tool_call>",
     "C f  {\"a\":\"\303\251\"}\n"},
    {"hermes", "<tool_call>{\"name\": \"f\"}</tool_call>", "C f  {}\n"},
    {"hermes", "<tool_call>{\"name\": \"f\", \"arguments\": {}}", "C f  {}\n"},
    {"hermes", "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\" 1}}</tool_call>\nSorry.", "E\nT Sorry.\n"},
    {"hermes", "<tool_call>call f</tool_call> then", "E\nT then\n"},
    {"hermes", "<tool_call></tool_call>", "E\n"},
    {"hermes", "<tool_call>", "E\n"},
    {"hermes", "<tool_call>{\"name\": \"f\", \"argu", "E\n"},
    {"hermes", "a <tool_cal", "T a <tool_cal\n"},
    {"hermes", "a < b <t <tool_call", "T a < b <t <tool_call\n"},
    {"hermes", "<think>never ends", "R never ends\n"},
    {"hermes", "  \n hello \n", "T hello \\n\n"},
    /* Qwen 3 Coder */
    {"qwen3-coder",
     "I write "
     "it.\n\n<tool_call>\n<function=write_file>\n<parameter=path>\na.txt\n</parameter>\n<parameter=text>\n"
     "one\n\"two\"\n</parameter>\n</function>\n</tool_call><|im_end|>",
     "T I write it.\nC write_file  {\"path\":\"a.txt\",\"text\":\"one\\\\u000a\\\\\"two\\\\\"\"}\n"},
    {"qwen3-coder", "<function=now>\n</function>", "C now  {}\n"},
    {"qwen3-coder", "<tool_call><function=f><parameter=a>1</function></tool_call> x", "E\n"},
    {"qwen3-coder", "<tool_call><function=f>words</function></tool_call> x", "E\nT x\n"},
    /* Mistral */
    {"mistral",
     "[TOOL_CALLS] [{\"name\": \"a\", \"arguments\": {\"x\": 1}, \"id\": \"abcdefghi\"}, {\"name\": "
     "\"b\", \"arguments\": {}}]</s>",
     "C a abcdefghi {\"x\":1}\nC b  {}\n"},
    {"mistral", "Text [TOOL_CALLS]a[CALL_ID]abcdefghi[ARGS]{\"x\": 1}[TOOL_CALLS]b[ARGS]{}</s>",
     "T Text \nC a abcdefghi {\"x\":1}\nC b  {}\n"},
    {"mistral", "[TOOL_CALLS]a{\"x\": 1}", "C a  {\"x\":1}\n"},
    {"mistral", "[THINK]so[/THINK] yes</s>", "R so\nT  yes\n"},
    {"mistral", "[TOOL_CALLS]a[ARGS]5</s>", "E\n"},
    {"mistral", "a [TOOL] [THIN", "T a [TOOL] [THIN\n"},
    /* gpt-oss */
    {"gpt-oss",
     "<|channel|>analysis<|message|>Need it.<|end|><|start|>assistant<|channel|>commentary "
     "to=functions.get_weather "
     "<|constrain|>json<|message|>{\"city\": \"Oslo\"}<|call|>",
     "R Need it.\nC get_weather  {\"city\":\"Oslo\"}\n"},
    {"gpt-oss", " to=functions.f<|channel|>commentary json<|message|>{}", "C f  {}\n"},
    {"gpt-oss", "<|channel|>final<|message|>It rains.<|return|>", "T It rains.\n"},
    {"gpt-oss",
     "<|channel|>commentary<|message|>I look.<|end|><|start|>assistant<|channel|>final<|message|>Done",
     "T I look.Done\n"},
    {"gpt-oss", "<|channel|>analysis to=python code<|message|>1 + 1<|call|>",
     "C python  {\"code\":\"1 + 1\"}\n"},
    {"gpt-oss", "no header at all", "T no header at all\n"},
    {"gpt-oss", "<|channel|>comm", ""},
    {"gpt-oss", "<|channel|>commentary to=functions.f<|message|>{\"a\": \"<|call|>", "E\n"},
    /* DeepSeek: R1 and V3, V3.1 */
    {"deepseek",
     "<think>\nhm\n</think>\n\n<" D_CALLS "><" D_CALL ">function<" D_SEP ">get_weather\n```json\n{\"city\": "
     "\"Oslo\"}\n```<" D_UNCALL ">\n<" D_CALL ">function<" D_SEP ">now\n```json\n{}\n```<" D_UNCALL
     "><" D_UNCALLS "><" D_END ">",
     "R hm\nC get_weather  {\"city\":\"Oslo\"}\nC now  {}\n"},
    {"deepseek",
     "I look.<" D_CALLS "><" D_CALL ">get_weather<" D_SEP ">{\"city\": \"Oslo\"}<" D_UNCALL "><" D_UNCALLS
     ">",
     "T I look.\nC get_weather  {\"city\":\"Oslo\"}\n"},
    {"deepseek", "a <" BAR "tool", "T a <" BAR "tool\n"},
    {"deepseek", "<" D_CALLS "><" D_CALL ">f<" D_UNCALL "><" D_UNCALLS ">b", "E\nT b\n"},
    {"deepseek", "<" D_CALLS ">text<" D_UNCALLS ">b", "E\nT b\n"},
    /* claude-rust */
    {"claude-rust",
     "I look.\n<tool_call>{\"name\": \"list_dir\", \"arguments\": {\"path\": \".\"}}</tool_call>\n",
     "T I look.\\n\nC list_dir  {\"path\":\".\"}\nT \\n\n"},
};

/* Whole, byte by byte, and in two pieces at every place. */
static void sample_replies(void)
{
    size_t i, cut;
    for (i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const char *text = samples[i].text, *want;
        size_t n = strlen(text);
        llmc_reply_options opt;
        gathered *g;
        char *lines = (char *)malloc(strlen(samples[i].want) + 1);
        strcpy(lines, samples[i].want);
        memset(&opt, 0, sizeof opt);
        CHECK(llmc_reply_format_named(samples[i].format, &opt.format) == LLMC_OK);
        want = normal(lines);
        g = parse(&opt, text, n, NULL, 0);
        CHECKF(!g->broken && strcmp(g->text, want) == 0, "%s byte by byte: %s\n%s", text, g->text, g->error);
        for (cut = 0; cut <= n; cut++) {
            g = parse(&opt, text, n, &cut, 1);
            CHECKF(!g->broken && strcmp(g->text, want) == 0, "%s cut at %d: %s\n%s", text, (int)cut, g->text,
                   g->error);
        }
        free(lines);
    }
}

/* The whole text of an error, as a model gets it. */
static void errors(void)
{
    static const struct {
        const char *format, *text, *error;
    } t[] = {{"hermes", "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1]}</tool_call>",
              "the tool call of f is not valid JSON: expected ',' or '}', not ']', at byte 35"},
             {"hermes", "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"x\ny\"}}</tool_call>",
              "the tool call of f is not valid JSON: expected an escape instead of a control character, not "
              "byte 10, at "
              "byte 36"},
             {"hermes", "<tool_call>{\"arguments\": {}}</tool_call>",
              "the tool call cannot be read: it names no tool"},
             {"hermes", "<tool_call>{\"name\": \"f\", \"arguments\": [1]}</tool_call>",
              "the tool call of f cannot be read: its arguments have to be one JSON object"},
             {"hermes", "<tool_call>{\"name\": \"f\", \"arguments\": {",
              "the tool call of f cannot be read: it ends too early"},
             {"hermes", "<tool_call>f()</tool_call>",
              "the tool call cannot be read: expected a JSON object with its name and arguments"},
             {"mistral", "[TOOL_CALLS]f[ARGS][1]",
              "the tool call of f cannot be read: its arguments have to be a JSON object"},
             {"gpt-oss", "<|channel|>commentary to=functions.f<|message|>{\"a\":nil}<|call|>",
              "the tool call of f is not valid JSON: expected a value, not 'i', at byte 7"},
             {"llama3", "[f(a=1), g(2x)]",
              "the tool call of g cannot be read: arguments have to be given by name"},
             {"qwen3-coder", "<function=f><parameter=a>1</parameter>b</function>",
              "the tool call of f cannot be read: between parameters stands text"}};
    size_t i;
    for (i = 0; i < sizeof t / sizeof t[0]; i++) {
        llmc_reply_options opt;
        gathered *g;
        memset(&opt, 0, sizeof opt);
        CHECK(llmc_reply_format_named(t[i].format, &opt.format) == LLMC_OK);
        g = parse(&opt, t[i].text, strlen(t[i].text), NULL, 0);
        CHECKF(!g->broken && strcmp(g->error, t[i].error) == 0, "%s: %s", t[i].text, g->error);
    }
}

/* ------------------------------------------------------------ limits */
static void fill(char *text, size_t *n, const char *s, size_t times)
{
    size_t len = strlen(s);
    for (; times > 0; times--) {
        memcpy(text + *n, s, len);
        *n += len;
    }
    text[*n] = 0;
}

/* Names, nesting, and what is held back, at their limits and one beyond. */
static void limits(void)
{
    static char text[8192];
    llmc_reply_options opt;
    gathered *g;
    size_t n, k;
    memset(&opt, 0, sizeof opt);
    for (k = LLMC_REPLY_NAME_MAX; k <= LLMC_REPLY_NAME_MAX + 1; k++) {
        opt.format = LLMC_REPLY_HERMES;
        n = 0;
        fill(text, &n, "<tool_call>{\"name\": \"", 1);
        fill(text, &n, "n", k);
        fill(text, &n, "\"}</tool_call>", 1);
        g = parse(&opt, text, n, NULL, 0);
        CHECK(!g->broken && g->text[0] == (k == LLMC_REPLY_NAME_MAX ? 'C' : 'E'));
        opt.format = LLMC_REPLY_QWEN3_CODER;
        n = 0;
        fill(text, &n, "<function=f><parameter=", 1);
        fill(text, &n, "n", k);
        fill(text, &n, ">1</parameter></function>", 1);
        g = parse(&opt, text, n, NULL, 0);
        CHECK(!g->broken && g->text[0] == (k == LLMC_REPLY_NAME_MAX ? 'C' : 'E'));
    }
    for (k = LLMC_JSON_DEPTH; k <= LLMC_JSON_DEPTH + 1; k++) {
        opt.format = LLMC_REPLY_MISTRAL;
        n = 0;
        fill(text, &n, "[TOOL_CALLS]f[ARGS]{\"a\":", 1);
        fill(text, &n, "[", k - 1);
        fill(text, &n, "]", k - 1);
        fill(text, &n, "}", 1);
        g = parse(&opt, text, n, NULL, 0);
        CHECK(!g->broken && g->text[0] == (k == LLMC_JSON_DEPTH ? 'C' : 'E'));
    }
    for (k = 500; k < 530; k++) { /* given back whole, however long */
        opt.format = LLMC_REPLY_LLAMA3;
        n = 0;
        fill(text, &n, "{", 1);
        fill(text, &n, " ", k);
        fill(text, &n, "x", 1);
        g = parse(&opt, text, n, NULL, 0);
        CHECK(!g->broken && g->n == n + 3 && strncmp(g->text + 2, text, n) == 0);
        n = 0;
        fill(text, &n, "<|python_tag|>", 1);
        fill(text, &n, "x", k);
        g = parse(&opt, text, n, NULL, 0);
        CHECK(!g->broken && strncmp(g->text, "C code_interpreter", 18) == 0 && g->n > k);
        opt.format = LLMC_REPLY_GPT_OSS;
        g = parse(&opt, text + 14, n - 14, NULL, 0);
        CHECK(!g->broken && g->n == n - 14 + 3);
    }
}

/* Much of what has to be held back, or looks like it: time and memory stay linear. */
static void long_texts(void)
{
    static const char *const unit[] = {"<",
                                       "<tool_call",
                                       "\n",
                                       "{",
                                       "[",
                                       "<|",
                                       "a\n",
                                       "<think><",
                                       "[f(",
                                       "[TOOL_CALLS]a",
                                       "<function=f><parameter=a>",
                                       "{\"name\":\"a\",\"parameters\":{\"a\":\"b\\n\"}};"};
    const size_t n = (size_t)1 << 18;
    char *text = (char *)malloc(n + 64);
    size_t i, cut = 1;
    int f;
    for (i = 0; i < sizeof unit / sizeof unit[0]; i++) {
        size_t len = 0, step = strlen(unit[i]);
        for (len = 0; len < n; len += step)
            memcpy(text + len, unit[i], step);
        for (f = LLMC_REPLY_PLAIN; f < LLMC_REPLY_FORMAT_COUNT; f++) {
            llmc_reply_options opt;
            gathered *g;
            memset(&opt, 0, sizeof opt);
            opt.format = (llmc_reply_format)f;
            g = parse(&opt, text, len / (f == LLMC_REPLY_PLAIN ? 1 : 4), &cut, 1);
            CHECKF(!g->broken, "%s in %s", unit[i], llmc_reply_format_name(opt.format));
        }
    }
    free(text);
}

/* Any bytes, any format, any cuts: as the whole. Bytes are drawn from tags, JSON and noise. */
static void random_bytes(void)
{
    llmc_rng rng = llmc_rng_seed(test_seed(7));
    int round;
    for (round = 0; round < 4000; round++) {
        static char text[1024];
        char *whole;
        size_t n = 0, cut[8], k;
        llmc_reply_options opt;
        gathered *g;
        memset(&opt, 0, sizeof opt);
        opt.format = (llmc_reply_format)(1 + llmc_rng_u64(&rng) % (LLMC_REPLY_FORMAT_COUNT - 1));
        while (n < 700 && llmc_rng_u64(&rng) % 24 != 0) {
            static const char *const piece[] = {"{\"name\":\"f\",\"arguments\":{",
                                                "\"a\":",
                                                "\"b\"",
                                                "}",
                                                "]",
                                                "{",
                                                "[",
                                                ",",
                                                "1",
                                                "-0.5e3",
                                                "true",
                                                "\\u00e9",
                                                "\\ud83d\\ude00",
                                                "\303\251",
                                                "\"",
                                                "\n",
                                                " ",
                                                "f(",
                                                "a=",
                                                ")",
                                                "'",
                                                " to=functions.f",
                                                "f.call(",
                                                "function",
                                                "analysis",
                                                ">",
                                                "```json\n"};
            uint64_t x = llmc_rng_u64(&rng);
            const char *s = x % 3 == 0 ? llmc__reply_tag_text[(x >> 8) % LLMC__TAG_COUNT]
                                       : piece[(x >> 8) % (sizeof piece / sizeof piece[0])];
            if (x % 16 == 7)
                text[n++] = (char)(x >> 32);
            else
                fill(text, &n, s, 1);
        }
        g = parse(&opt, text, n, &n, 1);
        CHECKF(!g->broken, "%s: %s", llmc_reply_format_name(opt.format), text);
        whole = (char *)malloc(g->n + 1);
        memcpy(whole, g->text, g->n + 1);
        g = parse(&opt, text, n, NULL, 0);
        CHECKF(!g->broken && strcmp(g->text, whole) == 0, "%s: %s", llmc_reply_format_name(opt.format), text);
        for (k = 0; k < 8; k++)
            cut[k] = n > 0 ? (size_t)(llmc_rng_u64(&rng) % n) : 0;
        g = parse(&opt, text, n, cut, 8);
        CHECKF(!g->broken && strcmp(g->text, whole) == 0, "%s: %s", llmc_reply_format_name(opt.format), text);
        free(whole);
    }
}

/* ------------------------------------------------------------ interface */
/* No tag begins another: the first that matches is the one that was meant. */
static void tags_apart(void)
{
    int i, k;
    for (i = 0; i < LLMC__TAG_COUNT; i++) {
        CHECK(strlen(llmc__reply_tag_text[i]) < LLMC__REPLY_TAG_MAX);
        for (k = 0; k < LLMC__TAG_COUNT; k++)
            CHECK(i == k || strncmp(llmc__reply_tag_text[i], llmc__reply_tag_text[k],
                                    strlen(llmc__reply_tag_text[i])) != 0);
    }
}

/* Events of a call in the order and with the pointers that the interface promises. */
static void call_events(void)
{
    static const char text[] =
        "Hi <tool_call>{\"arguments\": {\"a\": 1}, \"id\": \"i7\", \"name\": \"f\"}</tool_call>";
    static char mem[16384];
    llmc_reply_options opt;
    llmc_reply_event e;
    llmc_reply *r;
    memset(&opt, 0, sizeof opt);
    opt.format = LLMC_REPLY_HERMES;
    CHECK(llmc_reply_init(&r, &opt, mem, sizeof mem, &diag) == LLMC_OK);
    CHECK(!llmc_reply_next(r, &e));
    CHECK(llmc_reply_feed(r, text, sizeof text - 1, &diag) == LLMC_OK);
    CHECK(llmc_reply_next(r, &e) && e.kind == LLMC_REPLY_TEXT && e.len == 2 && memcmp(e.text, "Hi", 2) == 0);
    CHECK(llmc_reply_next(r, &e) && e.kind == LLMC_REPLY_CALL_BEGIN && e.name[0] == 0);
    CHECK(llmc_reply_feed(r, "x", 1, &diag) == LLMC_BAD_ARG);
    CHECK(llmc_reply_next(r, &e) && e.kind == LLMC_REPLY_CALL_ARGUMENTS && e.len == 8);
    CHECK(llmc_reply_next(r, &e) && e.kind == LLMC_REPLY_CALL_END && strcmp(e.name, "f") == 0 &&
          strcmp(e.id, "i7") == 0);
    CHECK(!llmc_reply_next(r, &e));
    CHECK(llmc_reply_feed(r, NULL, 0, &diag) == LLMC_OK);
    llmc_reply_finish(r);
    CHECK(!llmc_reply_next(r, &e));
    CHECK(llmc_reply_feed(r, "x", 1, &diag) == LLMC_BAD_ARG);
    CHECK(!llmc_reply_next(r, &e));
}

/* Characters stay whole even if their bytes come one by one. */
static void whole_characters(void)
{
    static const char text[] = "\303\251\342\202\254\360\237\230\200<\357\275\234x";
    static char mem[16384];
    llmc_reply_options opt;
    llmc_reply_event e;
    llmc_reply *r;
    size_t i, total = 0;
    memset(&opt, 0, sizeof opt);
    opt.format = LLMC_REPLY_DEEPSEEK;
    CHECK(llmc_reply_init(&r, &opt, mem, sizeof mem, &diag) == LLMC_OK);
    for (i = 0; text[i] != 0; i++) {
        CHECK(llmc_reply_feed(r, text + i, 1, &diag) == LLMC_OK);
        while (llmc_reply_next(r, &e)) {
            size_t k = 0;
            while (k < e.len && llmc__utf8_valid(e.text + k, e.len - k) > 0)
                k += llmc__utf8_valid(e.text + k, e.len - k);
            CHECK(k == e.len);
            total += e.len;
        }
    }
    CHECK(total == sizeof text - 1);
}

/* Too little memory, a format that is none, tools that are no list: refused, nothing written. */
static void refusals(void)
{
    static char mem[16384];
    llmc_reply_options opt;
    llmc_reply *r = NULL;
    size_t need = llmc_reply_need(), bytes;
    memset(&opt, 0, sizeof opt);
    CHECK(llmc_reply_init(&r, NULL, mem, sizeof mem, &diag) == LLMC_BAD_ARG && r == NULL);
    opt.format = LLMC_REPLY_FORMAT_COUNT;
    CHECK(llmc_reply_init(&r, &opt, mem, sizeof mem, &diag) == LLMC_BAD_ARG && r == NULL);
    opt.format = LLMC_REPLY_HERMES;
    memset(mem, 0x5a, sizeof mem);
    for (bytes = 0; bytes < need; bytes++)
        CHECK(llmc_reply_init(&r, &opt, mem, bytes, &diag) == LLMC_NO_MEMORY && r == NULL &&
              mem[100] == 0x5a);
    CHECK(llmc_reply_init(&r, &opt, NULL, need, &diag) == LLMC_NO_MEMORY && r == NULL);
    for (bytes = 0; bytes < 64; bytes++) /* at any address */
        CHECK(llmc_reply_init(&r, &opt, mem + bytes, need, &diag) == LLMC_OK && mem[bytes + need] == 0x5a);
    opt.tools = "{}";
    opt.tools_len = 2;
    CHECK(llmc_reply_init(&r, &opt, mem, need, &diag) == LLMC_BAD_ARG);
    opt.tools = "[";
    opt.tools_len = 1;
    CHECK(llmc_reply_init(&r, &opt, mem, need, &diag) == LLMC_BAD_FILE);
    CHECK(llmc_reply_format_named("hermes2", &opt.format) == LLMC_NOT_FOUND &&
          opt.format == LLMC_REPLY_HERMES);
}

/* ------------------------------------------------------------ which format */
static void formats(void)
{
    llmc_reply_format f;
    int i;
    for (i = 0; i < LLMC_REPLY_FORMAT_COUNT; i++)
        CHECK(llmc_reply_format_named(llmc_reply_format_name((llmc_reply_format)i), &f) == LLMC_OK &&
              (int)f == i);
    CHECK(llmc_reply_format_named("GPT-OSS", &f) == LLMC_OK && f == LLMC_REPLY_GPT_OSS);
    CHECK(strcmp(llmc_reply_format_name(LLMC_REPLY_FORMAT_COUNT), "unknown") == 0);
    CHECK(llmc_reply_wants_special(LLMC_REPLY_MISTRAL) && llmc_reply_wants_special(LLMC_REPLY_GPT_OSS));
    CHECK(!llmc_reply_wants_special(LLMC_REPLY_HERMES) && !llmc_reply_wants_special(LLMC_REPLY_PLAIN));
    CHECK(llmc_reply_format_in("", 0) == LLMC_REPLY_PLAIN);
}

/* The makers' own templates. */
static void formats_of_templates(void)
{
    static const struct {
        const char *name;
        llmc_reply_format format;
    } t[] = {{"HuggingFaceTB-SmolLM3-3B", LLMC_REPLY_HERMES},
             {"NousResearch-Hermes-3-Llama-3.1-8B-tool_use", LLMC_REPLY_HERMES},
             {"Qwen-Qwen2.5-7B-Instruct", LLMC_REPLY_HERMES},
             {"Qwen-Qwen3-0.6B", LLMC_REPLY_HERMES},
             {"deepseek-ai-DeepSeek-R1-Distill-Llama-8B", LLMC_REPLY_DEEPSEEK},
             {"google-gemma-2-2b-it", LLMC_REPLY_PLAIN},
             {"meta-llama-Llama-3.1-8B-Instruct", LLMC_REPLY_LLAMA3},
             {"meta-llama-Llama-3.2-3B-Instruct", LLMC_REPLY_LLAMA3},
             {"microsoft-Phi-3.5-mini-instruct", LLMC_REPLY_PLAIN},
             {"mistralai-Mistral-Nemo-Instruct-2407", LLMC_REPLY_MISTRAL},
             {"openai-gpt-oss-120b", LLMC_REPLY_GPT_OSS}};
    size_t i, n, seen = 0;
    for (i = 0; i < sizeof t / sizeof t[0]; i++) {
        char path[128];
        unsigned char *file;
        snprintf(path, sizeof path, "data/templates/%s.jinja", t[i].name);
        file = test_read(test_shared(path), &n);
        if (file == NULL)
            continue;
        seen++;
        CHECKF(llmc_reply_format_in((const char *)file, n) == t[i].format, "%s: %s", t[i].name,
               llmc_reply_format_name(llmc_reply_format_in((const char *)file, n)));
        free(file);
    }
    if (seen == 0) {
        SKIP("no data/templates");
        return;
    }
}

/* AUTO asks the model: by its template, without one by its vocabulary. */
static void format_of_model(void)
{
    static const struct {
        const char *chat_template, *token;
        llmc_reply_format format;
    } t[] = {{"{{ '<tool_call>' }}", "[TOOL_CALLS]", LLMC_REPLY_HERMES},
             {"{{ messages }}", "[TOOL_CALLS]", LLMC_REPLY_PLAIN},
             {NULL, "[TOOL_CALLS]", LLMC_REPLY_MISTRAL},
             {NULL, "<|channel|>", LLMC_REPLY_GPT_OSS},
             {NULL, "<unused>", LLMC_REPLY_PLAIN}};
    size_t i, need = 0;
    int k;
    for (i = 0; i < sizeof t / sizeof t[0]; i++) {
        static char mem[16384];
        maker m;
        llmc_blob file;
        llmc_model *model = NULL;
        llmc_reply_options opt;
        llmc_reply *r;
        void *model_mem;
        make_begin(&m);
        tiny_llama_keys(&m);
        m.skip[0] = "tokenizer.ggml.tokens";
        m.skip[1] = "tokenizer.ggml.token_type";
        tiny_vocab(&m);
        m.skip[0] = m.skip[1] = NULL;
        key_array(&m, "tokenizer.ggml.tokens", 8, TINY_V);
        for (k = 0; k < TINY_V; k++)
            put_str(&m.keys, k == TINY_V - 1 ? t[i].token : tiny_token[k]);
        key_array(&m, "tokenizer.ggml.token_type", 5, TINY_V);
        for (k = 0; k < TINY_V; k++)
            put_int(&m.keys, k == TINY_V - 1 ? 3 : (uint64_t)tiny_type[k], 4);
        if (t[i].chat_template != NULL)
            key_str(&m, "tokenizer.chat_template", t[i].chat_template);
        tiny_llama_tensors(&m, 0);
        make_finish(&m);
        file.data = m.out.data;
        file.size = m.out.size;
        file.name = "tiny";
        if (!CHECKF(llmc_model_need(&file, 1, NULL, &need, &diag) == LLMC_OK, "%s", diag.message))
            return;
        model_mem = malloc(need);
        CHECKF(llmc_model_init(&model, &file, 1, NULL, model_mem, need, &diag) == LLMC_OK, "%s",
               diag.message);
        CHECKF(llmc_reply_format_of(model) == t[i].format, "case %d: %s", (int)i,
               llmc_reply_format_name(llmc_reply_format_of(model)));
        memset(&opt, 0, sizeof opt);
        opt.model = model;
        CHECK(llmc_reply_init(&r, &opt, mem, sizeof mem, &diag) == LLMC_OK && r->format == t[i].format);
        free(model_mem);
        make_end(&m);
    }
}

int main(void)
{
    RUN(vectors);
    RUN(sample_replies);
    RUN(errors);
    RUN(limits);
    RUN(long_texts);
    RUN(random_bytes);
    RUN(tags_apart);
    RUN(call_events);
    RUN(whole_characters);
    RUN(refusals);
    RUN(formats);
    RUN(formats_of_templates);
    RUN(format_of_model);
    return test_end("reply");
}
