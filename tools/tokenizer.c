// cc -O2 tools/tokenizer.c -o tokenizer
/* Text to token ids and back. */
#define LLMC_STATIC // the only file: what it does not use is not compiled
#define LLMC_IMPLEMENTATION
#include "tool.h"

static const char usage[] =
    "tokenizer encode -m MODEL [-f FILE | TEXT...]   ids separated by blanks\n"
    "       tokenizer decode -m MODEL [-f FILE | ID...]     the bytes they stand for\n"
    "       tokenizer info -m MODEL                         what kind of vocabulary it is\n\n"
    "Without FILE and TEXT or ID: reads standard input. Several TEXTs are joined by a\n"
    "blank, like echo. MODEL may be a file or folder that holds only a vocabulary:\n"
    "tokenizer.json, tokenizer.model, vocab.json with merges.txt, tiktoken's ranks, ...";

/* The arguments as one text, as if echo had written them. */
static char *join(char **args, int n, size_t *len)
{
    char *text;
    size_t total = 0, at = 0;
    int i;
    for (i = 0; i < n; i++)
        total += strlen(args[i]) + 1;
    text = (char *)tool_alloc(total + 1, 1);
    for (i = 0; i < n; i++) {
        size_t part = strlen(args[i]);
        memcpy(text + at, args[i], part);
        at += part;
        if (i + 1 < n)
            text[at++] = ' ';
    }
    *len = at;
    return text;
}

static void report(const char *what, size_t ids, size_t bytes, double seconds)
{
    tool_info("%s %zu tokens, %zu bytes in %.3f s: %.1f MB/s", what, ids, bytes, seconds,
              (double)bytes * 1e-6 / (seconds > 1e-9 ? seconds : 1e-9));
}

static void encode(const llmc_tokenizer *tok, const char *text, size_t len, llmc_encode_options opt,
                   bool places)
{
    llmc_token *ids, *again;
    size_t n, i;
    double start = tool_seconds();
    ids = tool_encode(tok, text, len, &opt, &n);
    report("encoded", n, len, tool_seconds() - start);
    if (places) {
        opt.offsets = (llmc_span *)tool_alloc(len + n + 64, sizeof *opt.offsets);
        again = tool_encode(tok, text, len, &opt, &n);
        free(again);
    }
    for (i = 0; i < n; i++) {
        printf("%s%d", i != 0 ? " " : "", ids[i]);
        if (places)
            printf(":%zu-%zu", opt.offsets[i].begin, opt.offsets[i].end);
    }
    putchar('\n');
    free(opt.offsets);
    free(ids);
}

/* One line of "role id text". */
static void info_token(const llmc_tokenizer *tok, const char *role, llmc_token id)
{
    llmc_token_info k;
    if (id >= 0 && llmc_token_get(tok, id, &k) == LLMC_OK)
        printf("%-12s %d %.*s\n", role, id, (int)k.text_len, k.text);
}

/* What a vocabulary is. */
static void info(const llmc_tokenizer *tok)
{
    static const char *const kind[] = {"normal", "unknown", "control", "user", "unused", "byte"};
    static const char *const role[LLMC_SPECIAL_COUNT] = {"bos", "eos", "eot", "unk", "pad"};
    uint32_t n = llmc_tokenizer_count(tok), of[6] = {0, 0, 0, 0, 0, 0}, i;
    llmc_token_info k;
    printf("tokenizer    %s\n", llmc_tokenizer_name(tok));
    printf("tokens       %u\n", n);
    for (i = 0; i < n; i++)
        if (llmc_token_get(tok, (llmc_token)i, &k) == LLMC_OK && k.kind >= LLMC_TOKEN_NORMAL &&
            k.kind <= LLMC_TOKEN_BYTE)
            of[k.kind - 1]++;
    for (i = 0; i < 6; i++)
        if (of[i] != 0)
            printf("  %-10s %u\n", kind[i], of[i]);
    for (i = 0; i < LLMC_SPECIAL_COUNT; i++)
        info_token(tok, role[i], llmc_tokenizer_special(tok, (llmc_special)i));
    printf("adds bos     %s\n", llmc_tokenizer_adds_bos(tok) ? "yes" : "no");
    for (i = 0; i < n; i++)
        if (llmc_token_ends(tok, (llmc_token)i))
            info_token(tok, "ends with", (llmc_token)i);
}

static void decode(const llmc_tokenizer *tok, const char *text, size_t len, bool special)
{
    llmc_decode_options opt;
    llmc_diag diag;
    size_t n, bytes = 0;
    llmc_token *ids = tool_ids(text, len, llmc_tokenizer_count(tok), &n);
    char *out = NULL;
    llmc_status status;
    double start = tool_seconds();
    memset(&opt, 0, sizeof opt);
    diag.message[0] = 0;
    opt.show_special = special;
    status = llmc_decode(tok, ids, n, &opt, NULL, 0, &bytes, &diag);
    if (status == LLMC_NO_MEMORY) {
        out = (char *)tool_alloc(bytes, 1);
        status = llmc_decode(tok, ids, n, &opt, out, bytes, &bytes, &diag);
    }
    tool_check(status, &diag);
    report("decoded", n, bytes, tool_seconds() - start);
    tool_binary(stdout);
    if (bytes != 0)
        fwrite(out, 1, bytes, stdout);
    free(out);
    free(ids);
}

/* The model of -m, of which only the tokenizer is wanted. */
static const llmc_tokenizer *open_tokenizer(llmc_host *host, const char *pattern)
{
    llmc_tokenizer_options token;
    llmc_model_options model;
    llmc_open_options open;
    llmc_diag diag;
    const llmc_tokenizer *tok;
    memset(&token, 0, sizeof token);
    memset(&model, 0, sizeof model);
    memset(&open, 0, sizeof open);
    token.pattern = pattern;
    model.vocab_only = true;
    model.log = tool_log();
    model.tokenizer_options = &token;
    open.tokenizer_path = tool_opt.tokenizer;
    open.no_engine = true;
    tool_check(tool_try_open(host, tool_opt.model, &open, &model, &diag), &diag);
    tok = llmc_model_tokenizer(host->model);
    if (tok == NULL)
        tool_die("%s: holds no tokenizer; --tokenizer FILE gives one", tool_opt.model);
    return tok;
}

int main(int argc, char **argv)
{
    static const char *file, *pattern;
    static bool bos, eos, special, places;
    static const tool_option options[] = {
        TOOL_OPTIONS_MODEL,
        {'f', "file", TOOL_TEXT, &file, "FILE", "text or ids from a file; - for standard input"},
        {0, "bos", TOOL_FLAG, &bos, NULL, "encode: the begin-of-sequence token first"},
        {0, "eos", TOOL_FLAG, &eos, NULL, "encode: the end-of-sequence token last"},
        {0, "special", TOOL_FLAG, &special, NULL,
         "encode: control tokens written in the text become ids; decode: show them"},
        {0, "offsets", TOOL_FLAG, &places, NULL, "encode: ID:BEGIN-END, the bytes that each id stands for"},
        {0, "pattern", TOOL_TEXT, &pattern, "NAME",
         "how text is cut, a pre-tokenizer's name or a regex, for files that do not say"},
        TOOL_OPTIONS_ALL,
    };
    llmc_host host;
    llmc_encode_options opt;
    const llmc_tokenizer *tok;
    char **args, *text;
    size_t len;
    int n;
    bool to_ids, about;
    tool_name = "tokenizer";
    args = tool_parse(argc, argv, usage, options, TOOL_COUNT_OF(options), &n);
    if (n == 0)
        tool_misused("encode, decode or info?");
    if (strcmp(args[0], "train") == 0)
        tool_misused("train is not available in version %s", LLMC_VERSION);
    to_ids = strcmp(args[0], "encode") == 0;
    about = strcmp(args[0], "info") == 0;
    if (!to_ids && !about && strcmp(args[0], "decode") != 0)
        tool_misused("'%s' is neither encode nor decode nor info", args[0]);
    if (tool_opt.model == NULL)
        tool_misused("-m MODEL is missing");
    if ((file != NULL || about) && n > 1)
        tool_misused(about ? "info takes no arguments" : "either -f FILE or arguments, not both");
    if (!to_ids && (bos || eos || places))
        tool_misused("--bos, --eos and --offsets go with encode");
    tok = open_tokenizer(&host, pattern);
    if (about) {
        info(tok);
        llmc_close(&host);
        return tool_end();
    }
    text = n > 1 ? join(args + 1, n - 1, &len) : tool_read(file, 0, &len);
    memset(&opt, 0, sizeof opt);
    opt.add_bos = bos;
    opt.add_eos = eos;
    opt.parse_special = special;
    if (to_ids)
        encode(tok, text, len, opt, places);
    else
        decode(tok, text, len, special);
    free(text);
    llmc_close(&host);
    return tool_end();
}
